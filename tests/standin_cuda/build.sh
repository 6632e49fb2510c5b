#!/usr/bin/env bash
# Builds the stand-ins: build.sh OUT PROVIDER, PROVIDER being the libonnxruntime_providers_cuda.so to run with.
# Needs cc, binutils, and python3 with pip, which fetches the headers of the CUDA runtime (a wheel of 2 MB).
set -euo pipefail
cd "$(dirname "$0")"
out=$(realpath -m "$1") provider=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# The version of CUDA that the provider is built for.
case "$(readelf -d "$provider")" in
  *libcudart.so.12*) major=12 headers=nvidia-cuda-runtime-cu12==12.8.90 ;;
  *) major=13 headers=nvidia-cuda-runtime==13.0.96 ;;
esac
python3 -m pip --disable-pip-version-check download -q --no-deps --only-binary=:all: --platform manylinux_2_28_x86_64 \
  --platform manylinux2014_x86_64 --dest "$work" "$headers"
(cd "$work" && python3 -m zipfile -e nvidia_cuda_runtime*.whl .)
headers=$(dirname "$(find "$work" -name driver_types.h | head -1)")
# The headers take these macros from one that comes with nvcc; here they say little.
mkdir -p "$work/inc/crt"
cat > "$work/inc/crt/host_defines.h" <<'END'
#include <limits.h>
#include <stddef.h>
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __attribute__((aligned(n)))
#define __device_builtin__
#define __device_builtin_surface_type__
#define __device_builtin_texture_type__
#define __cudart_builtin__
#define __dv(v)
#define CUDARTAPI
END

# NAME SOURCE PATTERN [FLAGS]: a library of what SOURCE has, and of functions that do nothing for all other names that
# match PATTERN among those that the provider asks for.
library() {
  local name=$1 source=$2 pattern=$3
  shift 3
  local flags=(-O1 -shared -fPIC -Wl,-soname,"$name" -I"$work/inc" -I"$headers")
  cc "${flags[@]}" -w "$source" -o "$work/own.so" "$@"
  nm -D --defined-only "$work/own.so" | awk '{sub(/@.*/, "", $3); print $3}' | sort > "$work/own"
  { nm -D --undefined-only "$provider" | awk '{sub(/@.*/, "", $NF); print $NF}'; strings -a "$provider"; } \
    | { grep -E "^($pattern)$" || true; } | sort -u | comm -23 - "$work/own" | sed 's/.*/int &(void) { return 0; }/' > "$work/others.c"
  printf '%s { global: *; };\n' "$name" > "$work/map"
  cc "${flags[@]}" -w -fno-builtin "$source" "$work/others.c" -o "$out/$name" -Wl,--version-script="$work/map" "$@"
}
at=(-L"$out" -l:libcudart.so.$major)
library libcudart.so.$major runtime.c '_?_?cuda[A-Z][A-Za-z0-9_]*' -DMAJOR=$major -lpthread -ldl
library libcublasLt.so.$major blas.c 'cublasLt[A-Z][A-Za-z0-9_]*' -DLT "${at[@]}"
library libcublas.so.$major blas.c 'cublas[A-KM-Z][A-Za-z0-9_]*' "${at[@]}"
printf 'int standin_curand(void) { return 0; }\n' > "$work/empty.c"
library libcurand.so.10 "$work/empty.c" 'curand[A-Z][A-Za-z0-9_]*'
if [ "$major" = 12 ]; then library libcufft.so.11 "$work/empty.c" 'cufft[A-Z][A-Za-z0-9_]*'; fi
library libcuda.so.1 "$work/empty.c" 'cu[A-Z][A-Za-z0-9_]*'
library libcudnn.so.9 dnn.c 'cudnn[A-Z][A-Za-z0-9_]*'
echo "$out"
