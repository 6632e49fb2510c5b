#!/usr/bin/env bash
# Shows what runs of every kind write and whom they call: under strace, with an empty HOME, an empty TMPDIR in which a link
# lies where ONNX Runtime would write through it, and an empty working directory. Prints a line for each kind of run, and fails
# where a run creates a file besides its outputs or makes a socket. Unnamed temporary files are counted and allowed.
# Usage: scripts/check_quiet.sh [DOCPARSE]     default: target/release/docparse
# strace is fetched by apt where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
docparse=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/docparse}")
if ! command -v strace >/dev/null; then
  echo "installing strace"
  if [ "$(id -u)" = 0 ]; then apt-get install -y -q strace >/dev/null; else sudo apt-get install -y -q strace >/dev/null; fi
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOCPARSE_RUNTIME_DIR="${DOCPARSE_RUNTIME_DIR:-$root/runtime}"
unset ORT_DISABLE_TELEMETRY HF_TOKEN HF_ENDPOINT HF_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_CONFIG_HOME
bad=0

# A one-page PDF of text is the first page of the example; a picture is a PPM, drawn here: black bars on white.
pdf=$root/examples/documents/report.pdf
scan=$root/examples/documents/report_scan.pdf
picture=$work/picture.ppm
awk 'BEGIN { print "P3 200 60 255"; for (y = 0; y < 60; y++) for (x = 0; x < 200; x++) {
  v = (y > 20 && y < 40 && x > 20 && x % 9 < 4) ? 0 : 255; printf "%d %d %d\n", v, v, v } }' > "$picture"
layout=$root/tests/parity/pp_doclayout_v3
recognizer=$root/tests/parity/paddleocr_vl

printf '%-44s %5s %6s %8s %8s %8s  %s\n' "run" "exit" "files" "unnamed" "outside" "sockets" "verdict"

# check NAME STDIN ARGUMENTS...: files below `out` are outputs, and with --compat the record in the user's state folder.
check() {
  local name=$1 stdin=$2 place
  shift 2
  place=$work/$(echo "$name" | tr -c 'a-z0-9\n' '_')
  mkdir -p "$place"/{home,tmp,cwd}
  echo "mine" > "$place/victim"
  ln -s "$place/victim" "$place/tmp/.ses"
  local code=0
  (cd "$place/cwd" && HOME=$place/home TMPDIR=$place/tmp strace -f -qq -e signal=none -o "$place/trace" \
    -e trace=open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,socket,memfd_create,chdir \
    "$docparse" "$@" < "$stdin" > "$place/stdout" 2> "$place/stderr") || code=$?
  # What was created or opened for writing, and succeeded.
  grep -E '^[0-9]+ +(openat?2?|creat|mkdir(at)?|mknod(at)?|rename(at2?)?|link(at)?|symlink(at)?|memfd_create)\(' "$place/trace" |
    grep -vE '= -1 ' | grep -E 'creat\(|mkdir|mknod|rename|link|memfd|O_CREAT|O_TMPFILE|O_WRONLY|O_RDWR|O_TRUNC' \
    > "$place/written" || true
  local unnamed outside sockets files verdict=ok
  unnamed=$(grep -cE 'O_TMPFILE|memfd_create' "$place/written" || true)
  # Relative paths are below the working directory, which is looked at afterwards.
  grep -vE 'O_TMPFILE|memfd_create' "$place/written" |
    grep -vE "\"$place/cwd/|\"/dev/(null|tty)|\"/proc/" | grep -E '"/' |
    { case " $* " in *" --compat "*) grep -vE "\"$place/home/\.local(\"|/state(\"|/))" ;; *) cat ;; esac } > "$place/outside" || true
  outside=$(wc -l < "$place/outside")
  sockets=$(grep -cE '^[0-9]+ +socket\(' "$place/trace" || true)
  files=$(find "$place/cwd" -type f | wc -l)
  local left
  left=$(cd "$place" && find home tmp cwd -mindepth 1 | grep -vE '^(tmp/\.ses|cwd/out(/.*)?)$' |
    { case " $* " in *" --compat "*) grep -vE '^home/\.local(/state(/.*)?)?$' ;; *) cat ;; esac } || true)
  if [ "$outside" != 0 ] || [ "$sockets" != 0 ] || [ -n "$left" ] || [ "$(cat "$place/victim")" != mine ]; then
    verdict=VIOLATION
    bad=1
  fi
  if [ "$code" != 0 ]; then
    verdict="$verdict, but it failed"
    bad=1
  fi
  printf '%-44s %5s %6s %8s %8s %8s  %s\n' "$name" "$code" "$files" "$unnamed" "$outside" "$sockets" "$verdict"
  if [ "$verdict" != ok ]; then
    sed 's/^/    /' "$place/outside"
    grep -E '^[0-9]+ +socket\(' "$place/trace" | sed 's/^/    /' || true
    echo "$left" | sed '/^$/d; s/^/    left: /'
    tail -n 5 "$place/stderr" | sed 's/^/    stderr: /'
  fi
}

networks=(--device cpu --layout-detection-model-dir "$layout" --layout-threshold 0.4)
check "PDF with text" /dev/null -i "$pdf" --save-path out
check "PDF with text, --compat" /dev/null -i "$pdf" --save-path out --compat --pages 1
check "PDF with text, --stdout" /dev/null -i "$pdf" --stdout md
check "PDF with text, --dry-run" /dev/null -i "$pdf" --save-path out --dry-run
check "scan" /dev/null -i "$scan" --save-path out --pages 1
check "picture" /dev/null -i "$picture" --save-path out
check "picture, --verbose" /dev/null -i "$picture" --save-path out --verbose
check "standard input, PDF" "$pdf" -i - --save-path out
check "standard input, picture" "$picture" -i - --save-path out
check "layout network, --vl-rec-backend lines" /dev/null -i "$scan" --save-path out --pages 1 "${networks[@]}" --vl-rec-backend lines
check "layout network, --vl-rec-backend text_layer" /dev/null -i "$pdf" --save-path out --pages 1 "${networks[@]}" --vl-rec-backend text_layer
check "PaddleOCR-VL, tiny, picture" /dev/null -i "$picture" --save-path out "${networks[@]}" --vl-rec-model-dir "$recognizer" --max-new-tokens 20
check "PaddleOCR-VL, tiny, PDF" /dev/null -i "$pdf" --save-path out --pages 1 "${networks[@]}" --vl-rec-model-dir "$recognizer" --max-new-tokens 10
check "doctor" /dev/null doctor --runtime-dir "$DOCPARSE_RUNTIME_DIR"
check "doctor --model (layout)" /dev/null doctor --model "$layout" --device cpu --runtime-dir "$DOCPARSE_RUNTIME_DIR"
check "doctor --model (recognizer)" /dev/null doctor --model "$recognizer" --device cpu --runtime-dir "$DOCPARSE_RUNTIME_DIR"
check "parity" /dev/null parity "$root/tests/parity" --device cpu --runtime-dir "$DOCPARSE_RUNTIME_DIR"
check "models list" /dev/null models list
check "models verify" /dev/null models verify
check "help" /dev/null --help
if [ "$bad" = 0 ]; then echo "no run wrote or called anything that nobody asked for"; else echo "there are violations"; fi
exit "$bad"
