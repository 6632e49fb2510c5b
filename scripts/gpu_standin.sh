#!/usr/bin/env bash
# Runs the recognizer's GPU path without a GPU: the real ONNX Runtime for CUDA over stand-ins for the CUDA libraries
# (tests/standin_cuda), with the tiny checkpoint. Prints a line for each case; fails if one is not as it must be.
# What is seen: memory, copies, captures, what a capture forbids, faults. Nothing is computed, so no text is right.
# Usage: scripts/gpu_standin.sh [DOCPARSE [RUNTIME]]
#   default: target/release/docparse, and runtime/, which `scripts/setup.sh --gpu` must have filled (about 200 MB)
# Needs cc, binutils, and python3 with pip for the headers of the CUDA runtime. Takes about five minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
docparse=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/docparse}")
runtime=$(realpath "${2:-runtime}")
provider=$runtime/libonnxruntime_providers_cuda.so
if [ ! -f "$provider" ]; then
  echo "error: there is no $provider: run scripts/setup.sh --gpu first" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests/standin_cuda/build.sh "$work/cuda" "$provider" > /dev/null
# ONNX Runtime with no libraries beside it, so that those of LD_LIBRARY_PATH are used; and with the stand-ins there.
mkdir "$work/runtime" "$work/beside"
for file in "$runtime"/*; do
  case "$(basename "$file")" in cuda) ;; *) ln -s "$file" "$work/runtime/" ;; esac
done
cp -a "$work/runtime/." "$work/beside"
ln -s "$work/cuda" "$work/beside/cuda"
cublas=$(basename "$work"/cuda/libcublas.so.*)
without() { cp -r "$work/cuda" "$work/without_$1"; rm "$work/without_$1/$1"; }
without libcudnn.so.9
without "$cublas"
bad=0
one=(examples/documents/report.pdf)
mapfile -t many < <(find tests/born_digital -name '*.pdf' | sort | head -12)

printf '%-42s %4s %8s %8s %8s %7s %6s %7s %9s %7s  %s\n' \
  case exit launches captures replays copies syncs peak_mb forbidden corrupt verdict

# check NAME EXIT WORDS CONDITION [SETTING=VALUE...] -- ARGUMENTS...
# WORDS: what stderr must say ("" for nothing in particular); CONDITION: arithmetic over the counts of the last line.
check() {
  local name=$1 wanted=$2 words=$3 condition=$4 code=0 place verdict=ok line
  shift 4
  local settings=()
  while [ "$1" != -- ]; do settings+=("$1"); shift; done
  shift
  place=$work/$(echo "$name" | tr -c 'a-z0-9\n' '_')
  mkdir -p "$place"
  env LD_LIBRARY_PATH="$work/cuda" DOCPARSE_RUNTIME_DIR="$work/runtime" STANDIN_LOG="$place/log" "${settings[@]}" \
    timeout 300 "$docparse" --save-path "$place/out" --pipeline-version v1.6 --use-layout-detection "$layout" \
    --vl-rec-model-dir tests/parity/paddleocr_vl --max-new-tokens "$tokens" "$@" > "$place/stdout" 2> "$place/stderr" || code=$?
  line=$(grep -s '^END ' "$place/log" | tail -1 || true)
  local launches=0 captures=0 replays=0 copies=0 uploaded_mb=0 syncs=0 allocations=0 peak_mb=0 left_mb=0 forbidden=0 corrupt=0 pair
  for pair in ${line#END }; do printf -v "${pair%%=*}" %s "${pair#*=}"; done
  [ "$code" = "$wanted" ] || verdict="exit $wanted was expected"
  [ -z "$words" ] || grep -qF -- "$words" "$place/stderr" || verdict="does not say: $words"
  ((forbidden == 0 && corrupt == 0)) || verdict="forbidden or corrupt"
  # The processes of several devices are ended, and write no counts.
  ! grep -qsE '^(FORBIDDEN|CORRUPT)' "$place/log" || verdict="forbidden or corrupt"
  ((condition)) || verdict="not so: $condition"
  # Our own lines only: nothing of the libraries' own words on stderr.
  ! grep -qvE '^(error|warning|hint|done): ' "$place/stderr" || verdict="something else on stderr"
  [ "$verdict" = ok ] || { bad=1; sed 's/^/    /' "$place/stderr" | cut -c1-300 | head -5; }
  printf '%-42s %4s %8s %8s %8s %7s %6s %7s %9s %7s  %s\n' "$name" "$code" "$launches" "$captures" "$replays" \
    "$copies" "$syncs" "$peak_mb" "$forbidden" "$corrupt" "$verdict"
}

tokens=30 layout=false
# Blocks come and go: steps of 1, 2, 4, ... slots in rising and falling load, over graphs that overwrite what they may.
tokens=200
check "many blocks" 0 "" "captures == 7 && replays > 500 && left_mb == 0" STANDIN_REPLAY_US=4000 -- -i "${many[@]}" --device gpu
tokens=30
# bfloat16 where there is none would fail at the first page.
# Without flash attention there are slots of two lengths, and steps for both.
check "capability 75" 0 "" "captures == 8" STANDIN_SM=75 -- -i "${one[@]}" --device gpu
for capability in 80 90 120; do
  check "capability $capability" 0 "" "captures == 7" STANDIN_SM=$capability -- -i "${one[@]}" --device gpu
done
check "capability 70" 1 "Stand-in GPU has compute capability 7.0" "launches == 0" STANDIN_SM=70 -- -i "${one[@]}" --device gpu
check "capability 70, automatic" 0 "running on the CPU" "launches == 0" STANDIN_SM=70 -- -i "${one[@]}" --device auto
check "capability 75, bf16" 1 "does not compute in bf16" "launches == 0" STANDIN_SM=75 -- -i "${one[@]}" --device gpu --precision bf16
for limit in 500 1000 3000; do
  check "limit $limit MB" 0 "" "peak_mb <= $limit && captures > 0" STANDIN_SM=90 -- -i "${one[@]}" --device gpu --gpu-memory ${limit}M
done
check "limit 100 MB" 2 "raise --gpu-memory" "launches == 0" STANDIN_SM=90 -- -i "${one[@]}" --device gpu --gpu-memory 100M
check "a card of 195 MB" 0 "trying with" "peak_mb <= 195" STANDIN_MEMORY_MB=195 -- -i "${one[@]}" --device gpu
check "without cuDNN" 1 'libcudnn.so.9' "launches == 0" LD_LIBRARY_PATH="$work/without_libcudnn.so.9" -- -i "${one[@]}" --device gpu
check "without cuDNN, automatic" 0 'libcudnn.so.9' "launches == 0" LD_LIBRARY_PATH="$work/without_libcudnn.so.9" -- -i "${one[@]}" --device auto
check "without cuBLAS" 1 "$cublas" "launches == 0" LD_LIBRARY_PATH="$work/without_$cublas" -- -i "${one[@]}" --device gpu
check "libraries beside ONNX Runtime" 0 "" "captures == 7" LD_LIBRARY_PATH= DOCPARSE_RUNTIME_DIR="$work/beside" -- -i "${one[@]}" --device gpu
check "no GPU" 1 "no CUDA-capable device" "launches == 0" STANDIN_DEVICES=0 -- -i "${one[@]}" --device gpu
check "no GPU of that number" 1 "GPU 3 cannot be used" "launches == 0" STANDIN_DEVICES=2 -- -i "${one[@]}" --device gpu:3
# Two GPUs: a process for each, with blocks of the same documents.
check "two GPUs" 0 "" 1 STANDIN_DEVICES=2 STANDIN_REPLAY_US=4000 -- -i "${many[@]}" --device gpu:0,1
check "all GPUs" 0 "" 1 STANDIN_DEVICES=2 -- -i "${one[@]}" --device gpu:all
check "a GPU and the CPU" 0 "" 1 -- -i "${one[@]}" --device gpu:0,cpu
check "the second of two GPUs is not there" 1 "device gpu:1: GPU 1 cannot be used" 1 -- -i "${one[@]}" --device gpu:0,1
check "all of no GPUs" 1 "finds no GPU" 1 STANDIN_DEVICES=0 -- -i "${one[@]}" --device gpu:all
# Convolutions fail in the stand-in: the layout network must not.
layout=true detector=(--layout-detection-model-dir tests/parity/pp_doclayout_v3 --layout-threshold 0.4)
check "layout fails on the GPU" 1 "GPU 0 (Stand-in GPU)" "captures == 0" STANDIN_SM=90 -- -i "${one[@]}" --device gpu "${detector[@]}"
check "layout fails on the GPU, automatic" 0 "PP-DocLayoutV3 cannot run on the GPU" "captures == 7" STANDIN_SM=90 -- -i "${one[@]}" --device auto "${detector[@]}"
layout=false
# After the error nothing is tried any more; what was done before is kept.
check "a lasting error at the start" 1 "CUDA failure 719" "launches == 100" STANDIN_FAIL=100:719 -- -i "${one[@]}" --device gpu
check "a lasting error, automatic" 0 "running on the CPU" "launches == 100" STANDIN_FAIL=100:719 -- -i "${one[@]}" --device auto
check "a lasting error in the middle" 3 "CUDA failure 700" "launches == 3000" STANDIN_FAIL=3000:700 -- -i "${many[@]}" --device gpu
kept=$(find "$work/a_lasting_error_in_the_middle/out" -maxdepth 1 -name '*.md' -size +0 | wc -l)
echo "documents that were kept after a lasting error: $kept"
((kept > 0)) || bad=1
# Kernels do nothing here, so a self-test that compares numbers must fail, at every size of step, and say so.
code=0
env LD_LIBRARY_PATH="$work/cuda" DOCPARSE_RUNTIME_DIR="$work/runtime" STANDIN_LOG="$work/doctor_log" \
  timeout 300 "$docparse" doctor --gpu > "$work/doctor" 2>&1 || code=$?
verdict=ok
for words in "Stand-in GPU" "wrong      recognizer in bf16, steps of 1 slots, load rising" \
  "wrong      recognizer in bf16, steps of 64 slots, load falling" "the layout network failed" "libnvrtc"; do
  grep -qF -- "$words" "$work/doctor" || verdict="does not say: $words"
done
[ "$code" = 1 ] || verdict="exit 1 was expected, not $code"
grep -q 'captures=[1-9].*forbidden=0 corrupt=0' "$work/doctor_log" || verdict="$(tail -1 "$work/doctor_log")"
echo "doctor --gpu: $verdict"
[ "$verdict" = ok ] || { bad=1; head -30 "$work/doctor"; }
exit $bad
