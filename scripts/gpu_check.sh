#!/usr/bin/env bash
# Everything to run on a machine with a GPU for the first time, in order, in less than ten minutes. Results go to one folder
# that can be sent on: nvidia-smi, `doctor --gpu`, parity of the tiny networks, and speeds with several batch sizes.
# Usage: scripts/gpu_check.sh [--docparse FILE] [--runtime DIR] [--model DIR] [--layout DIR] [--device gpu:N] [--pages N] [OUT]
#   --model   folder of PaddleOCR-VL; without it, that of `docparse models path`, else the pipeline lite is measured alone
#   --layout  folder of PP-DocLayout, if it is not installed either
#   default: target/release/docparse, runtime/ (which `scripts/setup.sh --gpu` has filled), gpu:0, 64 pages, gpu_check/
# Ends with 1 if a part failed; the others are run all the same.
#   GPU_CHECK_FLAGS: more flags of parsing for the runs with PaddleOCR-VL
set -uo pipefail
here=$PWD
cd "$(dirname "$0")/.."
usage="usage: scripts/gpu_check.sh [--docparse FILE] [--runtime DIR] [--model DIR] [--layout DIR] [--device gpu:N] [--pages N] [OUT]"
docparse=${CARGO_TARGET_DIR:-target}/release/docparse runtime=runtime model='' layout='' device=gpu:0 pages=64 out=gpu_check
while [ $# -gt 0 ]; do
  case "$1" in
    --docparse | --runtime | --model | --layout | --device | --pages)
      if [ $# -lt 2 ]; then echo "$usage" >&2; exit 2; fi
      value=$2
      # Paths are those of whoever calls.
      case "$1:$2" in --device:* | --pages:* | *:/*) ;; *) value=$here/$2 ;; esac
      printf -v "${1#--}" %s "$value"
      shift 2
      ;;
    -*) echo "$usage" >&2; exit 2 ;;
    /*) out=$1; shift ;;
    *) out=$here/$1; shift ;;
  esac
done
if [ ! -x "$docparse" ]; then
  echo "error: there is no $docparse: build it with cargo build --release, or give --docparse" >&2
  exit 2
fi
export DOCPARSE_RUNTIME_DIR=$runtime
mkdir -p "$out"
# Results of an earlier run would be told as those of this one.
rm -f "$out"/lite.json "$out"/vl_*.json "$out"/doctor.json "$out"/parity.txt "$out"/nvidia-smi.txt "$out"/summary.txt
log=$out/log.txt
: > "$log"
failed=0 summary=()

# part NAME SECONDS FILE COMMAND...: runs a part; its output goes to a file, what it says beside that to the log.
part() {
  local name=$1 limit=$2 file=$3 code=0 start=$SECONDS verdict=ok
  shift 3
  printf '%s: %s\n' "$name" "$*" >> "$log"
  timeout "$limit" "$@" > "$out/$file" 2>> "$log" || code=$?
  case "$code" in
    0) ;;
    124) verdict="took longer than $limit s" ;;
    *) verdict="FAILED with exit code $code" ;;
  esac
  if [ "$code" != 0 ]; then failed=1; fi
  printf '%s: exit code %s after %s s\n' "$name" "$code" $((SECONDS - start)) >> "$log"
  summary+=("$(printf '%-34s %4s s  %-28s %s' "$name" $((SECONDS - start)) "$verdict" "$out/$file")")
  echo "${summary[-1]}"
}

if [ -z "$model" ]; then
  for name in PaddleOCR-VL-1.6-0.9B PaddleOCR-VL-1.5-0.9B PaddleOCR-VL-0.9B; do
    if model=$("$docparse" models path "$name" 2>> "$log") && [ -d "$model" ]; then break; fi
    model=''
  done
fi
if command -v nvidia-smi > /dev/null; then part "nvidia-smi" 30 nvidia-smi.txt nvidia-smi -q; fi
part "driver, libraries, self-test" 150 doctor.json "$docparse" doctor --gpu --json --device "$device"
part "parity of tiny networks" 120 parity.txt "$docparse" parity tests/parity --device "$device"
bench() {
  local name=$1 limit=$2 file=$3
  shift 3
  part "$name" "$limit" "$file" "$docparse" bench --pages "$pages" --json "$@"
}
bench "$pages pages, lite" 60 lite.json --device "$device" -- --pipeline-version lite
if [ -n "$model" ]; then
  vl=(--pipeline-version v1.6 --vl-rec-model-dir "$model")
  if [ -n "$layout" ]; then vl+=(--layout-detection-model-dir "$layout"); fi
  for slots in 16 64 128; do
    bench "$pages pages, PaddleOCR-VL, $slots slots" 75 "vl_$slots.json" --device "$device" -- "${vl[@]}" \
      --vl-rec-slots "$slots" ${GPU_CHECK_FLAGS:-}
  done
else
  summary+=("PaddleOCR-VL was not measured: docparse models pull v1.6 fetches it, or give --model")
  echo "${summary[-1]}"
fi
{
  echo "docparse GPU check, $(date -u +%Y-%m-%d), $("$docparse" --version)"
  printf '%s\n' "${summary[@]}"
  for file in "$out"/lite.json "$out"/vl_*.json; do
    rate=$(sed -n 's/^ *"pages_per_second": \([0-9.]*\).*/\1/p' "$file" 2> /dev/null)
    if [ -n "$rate" ]; then echo "$(basename "$file" .json): $rate pages a second"; fi
  done
  # What is wrong, in the words of the self-test.
  sed -n '/^  "wrong": \[/,/^  \]/s/^    "\(.*\)",\{0,1\}$/wrong: \1/p' "$out/doctor.json"
  if [ "$failed" = 0 ]; then echo "all parts passed"; else echo "not all parts passed: send the folder $out on"; fi
} > "$out/summary.txt"
tail -n +$((${#summary[@]} + 2)) "$out/summary.txt"
exit "$failed"
