#!/usr/bin/env bash
# Proves that models can be baked into an image and run without a network: makes the image with PaddleOCR-VL's models as
# scripts/image.sh does, but with tiny checkpoints (tests/parity), which a server on this machine gives out, and tests
# it. Takes the flags of image.sh, but for those about models.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; fi; rm -rf "$work"' EXIT
mkdir "$work/hub"
ln -s "$PWD/tests/parity/paddleocr_vl" "$work/hub/PaddleOCR-VL-1.6"
ln -s "$PWD/tests/parity/pp_doclayout_v3" "$work/hub/PP-DocLayoutV3_safetensors"
# The server chooses a free port and says which.
PYTHONUNBUFFERED=1 python3 -m http.server 0 --bind 127.0.0.1 --directory "$work/hub" > "$work/log" 2>/dev/null &
server=$!
port=
for _ in $(seq 100); do
  port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/log")
  if [ -n "$port" ]; then break; fi
  sleep 0.1
done
scripts/image.sh "$@" --pipeline v1.6 --model-source "http://127.0.0.1:$port"
