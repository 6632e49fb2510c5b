#!/usr/bin/env bash
# Fetches the native libraries and the line models into runtime/: pinned wheels, checked by SHA-256.
# Needs python3 with pip and no root. The second run finds everything there and needs no network.
#   --gpu   the runtime built for CUDA 13 and cuDNN 9 instead of the one for the CPU
set -euo pipefail
cd "$(dirname "$0")/.."

variant=cpu
for argument in "$@"; do
  case "$argument" in
    --gpu) variant=gpu ;;
    *) echo "usage: scripts/setup.sh [--gpu]" >&2; exit 2 ;;
  esac
done
if [ "$(uname -s)-$(uname -m)" != "Linux-x86_64" ]; then
  echo "error: the pinned libraries are for Linux on x86-64; this is $(uname -s) on $(uname -m)" >&2
  exit 1
fi
# The executable has these two parts in it; their notices go where those of the libraries are.
mkdir -p runtime/licences
cp assets/cids/LICENSE runtime/licences/adobe-cids-LICENSE
cp assets/fonts/LICENSE runtime/licences/dejavu-LICENSE

# Name, version and hash of every wheel. Changing one changes the stamp, so that it is fetched again.
onnxruntime_cpu="onnxruntime==1.31.1 5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f"
onnxruntime_gpu="onnxruntime-gpu==1.31.1 e26c475fe361b2015f45b4b824bd13f0bb20204e59b62814e6f0acd5f3d491a6"
pdfium="pypdfium2==5.15.2 dc31aea5b0fb9fefc9b537a65f4113980b2c40798445736a7e6565bc85161e37"
lines="rapidocr==3.10.0 2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050"
if [ "$variant" = gpu ]; then onnxruntime=$onnxruntime_gpu; else onnxruntime=$onnxruntime_cpu; fi
stamp="$onnxruntime; $pdfium; $lines"

if [ -f runtime/stamp ] && [ "$(cat runtime/stamp)" = "$stamp" ]; then
  echo "runtime/ is complete"
  exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "error: python3 with pip is needed once, to fetch the libraries" >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Downloads one wheel for a fixed Python and platform, so that the same file comes whatever is installed here.
fetch() {
  local wheel=$1 hash=$2
  echo "fetching $wheel"
  python3 -m pip --disable-pip-version-check download -q --no-deps --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --dest "$work/wheels" "$wheel"
  local file
  file=$(ls "$work"/wheels/*.whl)
  local found
  found=$(sha256sum "$file" | cut -d ' ' -f 1)
  if [ "$found" != "$hash" ]; then
    echo "error: $wheel has SHA-256 $found, expected $hash" >&2
    exit 1
  fi
  rm -rf "$work/files"
  python3 -m zipfile -e "$file" "$work/files"
  rm "$file"
}

# Puts a file in its place under its final name only when it is complete.
place() {
  cp "$1" "runtime/.part"
  mv "runtime/.part" "runtime/$2"
}

fetch $onnxruntime
place "$work"/files/onnxruntime/capi/libonnxruntime.so.1.31.1 libonnxruntime.so
for provider in "$work"/files/onnxruntime/capi/libonnxruntime_providers_*.so; do
  case "$provider" in *tensorrt*) ;; *) place "$provider" "$(basename "$provider")" ;; esac
done
place "$work"/files/onnxruntime/LICENSE licences/onnxruntime-LICENSE
place "$work"/files/onnxruntime/ThirdPartyNotices.txt licences/onnxruntime-ThirdPartyNotices.txt

fetch $pdfium
place "$work"/files/pypdfium2_raw/libpdfium.so libpdfium.so
mkdir -p runtime/licences/pdfium
cp -R "$work"/files/pypdfium2-*.dist-info/licenses/. runtime/licences/pdfium/

fetch $lines
for model in PP-OCRv6_det_small PP-OCRv6_rec_small ch_ppocr_mobile_v2.0_cls_mobile; do
  place "$work/files/rapidocr/models/$model.onnx" "$model.onnx"
done
mkdir -p runtime/licences/rapidocr
cp -R "$work"/files/rapidocr-*.dist-info/licenses/. runtime/licences/rapidocr/

printf '%s' "$stamp" > runtime/stamp
echo "runtime/ is complete"
