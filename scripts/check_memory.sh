#!/usr/bin/env bash
# Shows that runs keep to --memory-limit: parses every input with several limits and samples the resident memory of the whole
# process tree every 20 ms. Prints a line for each run, and fails where one takes more than its limit, ends in a crash, or takes
# longer than a minute. Inputs are those given, or else the examples and what is made here.
# Usage: scripts/check_memory.sh [DOCPARSE] [INPUT...]     default: target/release/docparse
# LIMITS="8G 2G 600M" names other limits.
set -euo pipefail
cd "$(dirname "$0")/.."
docparse=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/docparse}")
shift || true
export DOCPARSE_RUNTIME_DIR="${DOCPARSE_RUNTIME_DIR:-$PWD/runtime}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
page_size=$(getconf PAGESIZE)

inputs=("$@")
if [ ${#inputs[@]} = 0 ]; then
  inputs=(examples/documents/*.pdf)
  # Pictures of all shapes: a bar every few pixels.
  draw() {
    awk -v w="$2" -v h="$3" 'BEGIN { printf "P5 %d %d 255\n", w, h; for (y = 0; y < h; y++) { s = ""; for (x = 0; x < w; x++)
      s = s ((y % 40 < 12 && x % 9 < 4 && x > 20 && x < w - 20) ? "!" : "~"); printf "%s", s } }' > "$work/$1.pgm"
    inputs+=("$work/$1.pgm")
  }
  draw receipt 500 8000
  draw panorama 16000 700
  draw photograph 6000 4000
  draw strip 40 20000
fi

# Bytes of the processes in a tree.
tree_bytes() {
  local total=0 process child pages queue=("$1")
  while [ ${#queue[@]} -gt 0 ]; do
    process=${queue[0]}
    queue=("${queue[@]:1}")
    { read -r _ pages _ < "/proc/$process/statm"; } 2>/dev/null || continue
    total=$((total + pages * page_size))
    for child in $(cat "/proc/$process"/task/*/children 2>/dev/null); do queue+=("$child"); done
  done
  echo "$total"
}

bad=0
printf '%-6s %-36s %5s %8s %8s  %s\n' limit input exit seconds MB verdict
for limit in ${LIMITS:-8G 2G 600M}; do
  case $limit in
    *G) most=$((${limit%G} << 30)) ;;
    *M) most=$((${limit%M} << 20)) ;;
    *) echo "LIMITS are such as 8G or 600M" >&2; exit 2 ;;
  esac
  for input in "${inputs[@]}"; do
    rm -rf "$work/out"
    start=$(date +%s%N)
    timeout 120 "$docparse" -i "$input" --save-path "$work/out" --memory-limit "$limit" --quiet > "$work/log" 2>&1 &
    process=$!
    peak=0
    while kill -0 "$process" 2>/dev/null; do
      now=$(tree_bytes "$process")
      [ "$now" -gt "$peak" ] && peak=$now
      sleep 0.02
    done
    code=0
    wait "$process" || code=$?
    seconds=$((($(date +%s%N) - start) / 10000000))
    verdict=ok
    case $code in 0 | 1 | 3) ;; *) verdict="ended with $code" ;; esac
    [ "$seconds" -le 6000 ] || verdict="took too long"
    [ "$peak" -le "$most" ] || verdict="took more than $limit"
    [ "$verdict" = ok ] || bad=1
    [ "$code" = 0 ] || [ "$verdict" != ok ] || verdict="ok: $(head -1 "$work/log" | cut -c1-150)"
    printf '%-6s %-36s %5d %5d.%02d %8d  %s\n' "$limit" "$(basename "$input" | cut -c1-36)" "$code" \
      $((seconds / 100)) $((seconds % 100)) $((peak >> 20)) "$verdict"
  done
done
exit $bad
