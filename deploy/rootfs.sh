#!/usr/bin/env bash
# Makes the folders that become the layers of an image, out of Debian packages and of what was built.
#
#   deploy/rootfs.sh [--binary FILE] [--runtime DIR] [--package NAME]... [--cuda] [--folders-only] OUT
#
# OUT/system   the libraries that the program needs, certificates, users, folders; no shell, no package manager
# OUT/runtime  native libraries and the models of the pipeline lite, in /usr/lib/docparse
# OUT/program  /usr/bin/docparse
# OUT/cuda     with --cuda, the libraries of CUDA 13 that scripts/setup.sh --gpu fetched, in /usr/lib/docparse/cuda
#
# --folders-only: OUT/system has only the folders, for an image that goes on from another one, with libraries of its own.
# Packages come from this machine's own apt sources; `apt-get update` must have been run. Needs no root. --package adds
# a package with all its files, such as more fonts. The Dockerfiles and scripts/image.sh share this.
set -euo pipefail
export LC_ALL=C
umask 022

root=$(cd "$(dirname "$0")/.." && pwd)
binary=$root/target/release/docparse
runtime=$root/runtime
usage="usage: deploy/rootfs.sh [--binary FILE] [--runtime DIR] [--package NAME]... [--cuda] [--folders-only] OUT"
extra=()
cuda=
folders_only=
out=
while [ $# -gt 0 ]; do
  case "$1" in
    --binary) binary=$(realpath "$2"); shift 2 ;;
    --runtime) runtime=$(realpath "$2"); shift 2 ;;
    --package) extra+=("$2"); shift 2 ;;
    --cuda) cuda=yes; shift ;;
    --folders-only) folders_only=yes; shift ;;
    -*) echo "$usage" >&2; exit 2 ;;
    *) out=$1; shift ;;
  esac
done
if [ -z "$out" ]; then echo "$usage" >&2; exit 2; fi
if [ -e "$out" ]; then echo "error: $out exists already" >&2; exit 1; fi
for tool in apt-get dpkg-deb readelf tar; do
  if ! command -v "$tool" >/dev/null; then
    echo "error: $tool is needed (packages apt, dpkg, binutils, tar of a Debian)" >&2
    exit 1
  fi
done
for file in "$binary" "$runtime/libonnxruntime.so" "$runtime/libpdfium.so"; do
  if [ ! -f "$file" ]; then
    echo "error: $file is missing: build with cargo, and run scripts/setup.sh" >&2
    exit 1
  fi
done
if [ -n "$cuda" ] && { [ ! -f "$runtime/libonnxruntime_providers_cuda.so" ] || [ ! -f "$runtime/cuda/libcudnn.so.9" ]; }; then
  echo "error: $runtime has not all of the runtime for GPUs; scripts/setup.sh --gpu fetches it" >&2
  exit 1
fi

mkdir -p "$out"
out=$(realpath "$out")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
system=$out/system

# --- What was built.
mkdir -p "$out/program/usr/bin" "$out/runtime/usr/lib/docparse"
cp "$binary" "$out/program/usr/bin/docparse"
chmod 755 "$out/program/usr/bin/docparse"
# Links are followed: `runtime` may be one itself.
cp -RL "$runtime"/. "$out/runtime/usr/lib/docparse"
chmod -R u=rwX,go=rX "$out/runtime"
mkdir -p "$out/program/usr/share/doc/docparse"
cp "$root/LICENSE" "$out/program/usr/share/doc/docparse/LICENSE"
# A layer of its own: it is large and changes seldom.
if [ -n "$cuda" ]; then
  mkdir -p "$out/cuda/usr/lib/docparse"
  mv "$out/runtime/usr/lib/docparse/cuda" "$out/cuda/usr/lib/docparse/"
  rm -rf "$out/cuda/usr/lib/docparse/cuda/wheels"
else
  rm -rf "$out/runtime/usr/lib/docparse/cuda"
fi

# --- Folders. Those that jobs write into are open to any user, like /tmp; nothing else is. Volumes that are empty
# take these modes from the image, so that they work with any user, too.
mkdir -p "$system"/app "$system"/home/docparse "$system"/home/paddleocr/{.paddlex,.cache/huggingface}
for folder in app/output app/temp app/spool app/models app/cache app/logs models tmp; do
  mkdir -p "$system/$folder"
  chmod 1777 "$system/$folder"
done
if [ -n "$folders_only" ]; then exit 0; fi

# --- Debian's part. base-files says which Debian this is: container runtimes for GPUs look at it to place the driver's
# libraries, scanners to know which advisories count.
# The font is for Chinese, Japanese and Korean in PDFs that do not have theirs in them: nothing would be drawn otherwise,
# and a recognizer would see an empty page.
packages=(base-files ca-certificates fonts-wqy-microhei libc6 libgcc-s1 libstdc++6)
# cuDNN names it.
if [ -n "$cuda" ]; then packages+=(zlib1g); fi
mkdir -p "$system"/usr/{bin,lib,lib64,share} "$system"/etc "$system"/var/lib/dpkg/status.d
ln -s usr/bin "$system/bin"
ln -s usr/lib "$system/lib"
ln -s usr/lib64 "$system/lib64"
# apt's own user cannot always enter the folder; then it warns that it downloads as this one.
download() {
  if ! (cd "$work" && apt-get download -q -o APT::Sandbox::User="$(id -un)" "$@") >"$work/log" 2>&1; then
    cat "$work/log" >&2
    echo "error: these packages could not be downloaded: $*; run apt-get update first" >&2
    exit 1
  fi
}
download "${packages[@]}" "${extra[@]}"
# The licence of the compiler's libraries lies in a package of its own, which both name.
compiler=$(dpkg-deb --field "$work"/libgcc-s1_*.deb Depends | grep -o 'gcc-[0-9]*-base')
download "$compiler"
packages+=("$compiler")

for package in "${packages[@]}" "${extra[@]}"; do
  deb=$(ls "$work/${package}"_*.deb)
  mkdir "$work/files"
  dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$work/files"
  # How scanners find out what is in images without a package manager.
  dpkg-deb --field "$deb" > "$system/var/lib/dpkg/status.d/$package"
  # The folders at the top are links in the image, whether the package knows of that or not.
  for top in bin lib lib64; do
    if [ -d "$work/files/$top" ]; then
      mkdir -p "$work/files/usr/$top"
      cp -a "$work/files/$top"/. "$work/files/usr/$top"
      rm -r "${work:?}/files/$top"
    fi
  done
  case " ${extra[*]-} " in
    *" $package "*) cp -a "$work/files"/. "$system" ;;
    *)
      # Libraries only: no character set converters, no tools, no manuals.
      find "$work/files/usr/lib" "$work/files/usr/lib64" -maxdepth 2 \( -name '*.so' -o -name '*.so.*' \) 2>/dev/null |
        while read -r file; do
          to=$system/${file#"$work/files/"}
          mkdir -p "$(dirname "$to")"
          cp -a "$file" "$to"
        done || true
      if [ -d "$work/files/usr/share/fonts" ]; then cp -a "$work/files/usr/share/fonts" "$system/usr/share/"; fi
      if [ -f "$work/files/usr/share/doc/$package/copyright" ]; then
        mkdir -p "$system/usr/share/doc/$package"
        cp "$work/files/usr/share/doc/$package/copyright" "$system/usr/share/doc/$package/"
      fi
      ;;
  esac
  case "$package" in
    base-files)
      cp "$work/files/etc/debian_version" "$system/etc/"
      cp "$work/files/usr/lib/os-release" "$system/usr/lib/os-release"
      ln -sf ../usr/lib/os-release "$system/etc/os-release"
      cp -R "$work/files/usr/share/common-licenses" "$system/usr/share/"
      ;;
    ca-certificates)
      # What its installation does: all certificates in one file.
      mkdir -p "$system/etc/ssl/certs"
      find "$work/files/usr/share/ca-certificates" -name '*.crt' | sort | while read -r certificate; do
        cat "$certificate"
        echo
      done | grep -v '^$' > "$system/etc/ssl/certs/ca-certificates.crt"
      ;;
  esac
  rm -r "$work/files"
done

# --- Users: the image's own, and names for those that tools expect. Any other number works without a name.
cat > "$system/etc/passwd" <<'EOF'
root:x:0:0:root:/nonexistent:/usr/bin/docparse
docparse:x:65532:65532:docparse:/home/docparse:/usr/bin/docparse
nobody:x:65534:65534:nobody:/nonexistent:/usr/bin/docparse
EOF
printf 'root:x:0:\ndocparse:x:65532:\nnogroup:x:65534:\n' > "$system/etc/group"
printf 'hosts: files dns\n' > "$system/etc/nsswitch.conf"

# --- Every library that the files name is there (the driver's own, libcuda, comes from the host).
missing=$(
  find "$out" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/usr/bin/docparse' \) | while read -r file; do
    readelf -d "$file" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
  done | sort -u | while read -r name; do
    if [ "$name" != libcuda.so.1 ] && [ -z "$(find "$out" -name "$name" -print -quit)" ]; then echo "$name"; fi
  done
)
if [ -n "$missing" ]; then
  echo "error: these libraries are needed and not in the image: $missing" >&2
  exit 1
fi
