#!/usr/bin/env bash
# Fetches the libraries of CUDA 13 and cuDNN 9 into a folder: the wheels that deploy/cuda13.txt pins, checked by SHA-256.
#
#   deploy/cuda.sh OUT     OUT/usr/lib/docparse/cuda gets the libraries, OUT/usr/share/doc their licences
#
# Needs python3 with pip and no root. The driver is not among them: libcuda comes from the host, with its container
# toolkit.
set -euo pipefail
umask 022
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -ne 1 ] || [ -e "$1" ]; then echo "usage: deploy/cuda.sh OUT (a folder that does not exist)" >&2; exit 2; fi
libraries=$1/usr/lib/docparse/cuda
licences=$1/usr/share/doc
mkdir -p "$libraries" "$licences"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grep -v '^#' "$here/cuda13.txt" | while read -r wheel hash; do
  echo "fetching $wheel"
  # As requirement with its hash: pip refuses a file that has another one.
  echo "$wheel --hash=sha256:$hash" > "$work/pinned.txt"
  python3 -m pip --disable-pip-version-check download -q --no-deps --require-hashes --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 \
    --platform manylinux2014_x86_64 --platform manylinux_2_12_x86_64 --platform manylinux2010_x86_64 \
    --dest "$work/wheels" -r "$work/pinned.txt"
  python3 -m zipfile -e "$work"/wheels/*.whl "$work/files"
  rm "$work"/wheels/*.whl
  # Without the one that stands in for another library, which nothing here uses.
  find "$work/files/nvidia" -name '*.so.*' ! -name 'libnvblas*' | while read -r file; do
    cp "$file" "$libraries/"
    chmod 644 "$libraries/$(basename "$file")"
  done
  name=${wheel%%==*}
  mkdir -p "$licences/$name"
  find "$work/files" -path '*.dist-info/*' -iname '*licen*' -type f -exec cp {} "$licences/$name/" \;
  rm -r "$work/files"
done
