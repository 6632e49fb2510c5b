#!/usr/bin/env bash
# Makes the image for the CPU without a container engine: target/image/docparse-VERSION.tar, out of Debian packages,
# the built binary and runtime/. Then tests it (scripts/image_smoke.py). What the Dockerfiles do, for machines that have
# no Docker, such as those of a test. Needs a Debian with its apt sources, python3, bubblewrap; no root.
#
#   --pipeline NAME      bakes the models of this pipeline in, and makes it the default: docparse-VERSION-offline.tar
#   --model-source URL   where they come from
#   --package NAME       adds a Debian package, such as a font; may be repeated
#   --binary FILE        instead of target/release/docparse
#   --no-smoke           only makes the image
#   --without-serve      tests the image of a build that has no `docparse serve`
set -euo pipefail
cd "$(dirname "$0")/.."

# Complaint after complaint about services of this kind is the size of their images.
limit=$((200 * 1000 * 1000))
binary=target/release/docparse
pipeline=
source=huggingface
rootfs=()
smoke=(yes)
while [ $# -gt 0 ]; do
  case "$1" in
    --pipeline) pipeline=$2; shift 2 ;;
    --model-source) source=$2; shift 2 ;;
    --package) rootfs+=(--package "$2"); shift 2 ;;
    --binary) binary=$2; shift 2 ;;
    --no-smoke) smoke=(); shift ;;
    --without-serve) smoke+=(--without-serve); shift ;;
    *) echo "usage: scripts/image.sh [--pipeline NAME] [--model-source URL] [--package NAME]... [--binary FILE]" \
            "[--no-smoke] [--without-serve]" >&2; exit 2 ;;
  esac
done

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
tag=$version
layers=(system runtime)
if [ -n "$pipeline" ]; then tag=$version-offline; layers+=(models); fi
layers+=(program)
image=target/image/docparse-$tag.tar

mkdir -p target/image
work=$(mktemp -d target/image/work.XXXXXX)
trap 'rm -rf "$work"' EXIT

deploy/rootfs.sh --binary "$binary" "${rootfs[@]}" "$work/layers"
if [ -n "$pipeline" ]; then
  mkdir -p "$work/layers/models/models"
  chmod 1777 "$work/layers/models/models"
  env -u DOCPARSE_OFFLINE XDG_DATA_HOME="$work/layers/models/models" "$binary" models pull --source "$source" "$pipeline"
fi

# The same as in deploy/Dockerfile; tests/it/deploy.rs compares them.
python3 - "$version" "$pipeline" > "$work/config.json" <<'EOF'
import json, sys
version, pipeline = sys.argv[1:]
environment = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/home/docparse", "TMPDIR": "/app/temp", "XDG_DATA_HOME": "/models",
    "PADDLEX_HOME": "/home/paddleocr/.paddlex", "HF_HOME": "/home/paddleocr/.cache/huggingface",
    "DOCPARSE_HOST": "0.0.0.0", "DOCPARSE_PORT": "8080", "DOCPARSE_SPOOL": "/app/spool",
}
if pipeline:
    environment |= {"DOCPARSE_OFFLINE": "1", "DOCPARSE_PIPELINE_VERSION": pipeline}
second = 1_000_000_000
print(json.dumps({
    "User": "65532:65532", "WorkingDir": "/app", "Entrypoint": ["/usr/bin/docparse"], "Cmd": ["serve"],
    "Env": [f"{name}={value}" for name, value in environment.items()],
    "ExposedPorts": {"8080/tcp": {}, "8081/tcp": {}, "20000/tcp": {}}, "StopSignal": "SIGTERM",
    "Labels": {
        "org.opencontainers.image.title": "docparse", "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.description":
            "Parses PDFs, scans and photos into Markdown, HTML, JSON, pictures and more",
    },
    # Docker's own field; other engines have probes of their own.
    "Healthcheck": {
        "Test": ["CMD", "/usr/bin/docparse", "serve", "--check-health"],
        "Interval": 30 * second, "Timeout": 10 * second, "StartPeriod": 60 * second, "Retries": 3,
    },
}))
EOF

arguments=()
for layer in "${layers[@]}"; do arguments+=(--layer "$work/layers/$layer"); done
python3 deploy/oci.py pack "${arguments[@]}" --config "$work/config.json" --name docparse --tag "$tag" \
  "$work/image.tar" > "$work/sizes.json"
mv "$work/image.tar" "$image"

read -r packed unpacked digest < <(
  python3 -c 'import json, sys; print(*map(json.load(sys.stdin).get, ["archive", "unpacked", "digest"]))' \
    < "$work/sizes.json"
)
echo "$image: $((packed / 1000000)) MB, unpacked $((unpacked / 1000000)) MB, $digest"
if [ -z "$pipeline" ] && [ "$unpacked" -gt "$limit" ]; then
  echo "error: the image is larger than $((limit / 1000000)) MB when unpacked" >&2
  exit 1
fi
if [ ${#smoke[@]} -gt 0 ]; then
  python3 scripts/image_smoke.py "$image" "${smoke[@]:1}"
fi
