#!/usr/bin/env python3
"""Writes and unpacks container images as archives, with Python's standard library alone.

  oci.py pack --layer DIR... --config FILE --name NAME --tag TAG OUT.tar
  oci.py unpack IMAGE.tar DIR

An archive is an OCI image layout, and has the manifest of `docker save` beside it, so that old and new programs load
it. The same files give the same bytes: names are sorted, times are fixed (SOURCE_DATE_EPOCH, or 1980), owners are
root. `--config` is JSON with the fields of an image's `config`, and `architecture` if it is not this machine's.
"""

import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import stat
import sys
import tarfile
from pathlib import Path

# 1980: the earliest year that every format of archives can hold.
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


class Counted(io.RawIOBase):
    """Passes bytes on, and knows their number and hash."""

    def __init__(self, to):
        self.to, self.hash, self.size = to, hashlib.sha256(), 0

    def writable(self):
        return True

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)
        self.to.write(data)
        return len(data)


def entry(path, name):
    """The header of a file: what differs between machines is left out."""
    info = tarfile.TarInfo(name)
    info.mtime = EPOCH
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
        # Folders that are open to any user stay so; all others are as usual, whatever the umask was.
        info.mode = 0o1777 if status.st_mode & 0o1000 else 0o755
    elif stat.S_ISREG(status.st_mode):
        info.size = status.st_size
        info.mode = 0o755 if status.st_mode & 0o100 else 0o644
    else:
        sys.exit(f"error: {path} is neither a file nor a folder nor a link")
    return info


def pack_layer(folder, blobs):
    """Writes a folder as a compressed layer; its descriptor and the hash of what is compressed."""
    part = blobs / "part"
    with open(part, "wb") as file:
        packed = Counted(file)
        with gzip.GzipFile("", "wb", 6, packed, mtime=0) as compressor:
            plain = Counted(compressor)
            with tarfile.open(mode="w|", fileobj=plain, format=tarfile.PAX_FORMAT) as archive:
                for path in sorted(Path(folder).rglob("*")):
                    info = entry(path, path.relative_to(folder).as_posix())
                    if info.isreg():
                        with open(path, "rb") as data:
                            archive.addfile(info, data)
                    else:
                        archive.addfile(info)
    digest = packed.hash.hexdigest()
    part.rename(blobs / digest)
    descriptor = {"mediaType": LAYER, "digest": f"sha256:{digest}", "size": packed.size}
    return descriptor, f"sha256:{plain.hash.hexdigest()}", plain.size


def put(value, blobs):
    """Writes JSON as a blob; its digest and size."""
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return f"sha256:{digest}", len(data)


def pack(args):
    out = Path(args.out)
    layout = out.with_suffix(".part")
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layers, hashes, unpacked = [], [], 0
    for folder in args.layer:
        descriptor, plain, size = pack_layer(folder, blobs)
        layers.append(descriptor)
        hashes.append(plain)
        unpacked += size
    created = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = json.loads(Path(args.config).read_text())
    machine = config.pop("architecture", None) or MACHINES[os.uname().machine]
    config_digest, config_size = put({
        "architecture": machine, "os": "linux", "created": created, "config": config,
        "rootfs": {"type": "layers", "diff_ids": hashes},
        "history": [{"created": created, "created_by": Path(folder).name} for folder in args.layer],
    }, blobs)
    manifest_digest, manifest_size = put({
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": layers,
        "config": {"mediaType": CONFIG, "digest": config_digest, "size": config_size},
    }, blobs)
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": MANIFEST, "digest": manifest_digest, "size": manifest_size,
        "platform": {"architecture": machine, "os": "linux"},
        "annotations": {
            "io.containerd.image.name": f"{args.name}:{args.tag}", "org.opencontainers.image.ref.name": args.tag,
        },
    }]}
    blob = lambda digest: "blobs/" + digest.replace(":", "/")
    docker = [{
        "Config": blob(config_digest), "RepoTags": [f"{args.name}:{args.tag}"],
        "Layers": [blob(layer["digest"]) for layer in layers],
    }]
    (layout / "index.json").write_text(json.dumps(index, sort_keys=True))
    (layout / "manifest.json").write_text(json.dumps(docker, sort_keys=True))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    part = out.with_suffix(".tar.part")
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(layout.rglob("*")):
            info = entry(path, path.relative_to(layout).as_posix())
            if info.isreg():
                with open(path, "rb") as data:
                    archive.addfile(info, data)
            else:
                archive.addfile(info)
    part.rename(out)
    for path in sorted(layout.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    layout.rmdir()
    print(json.dumps({"archive": out.stat().st_size, "unpacked": unpacked, "digest": manifest_digest}))


def unpack(args):
    """Unpacks all layers into a folder, and prints the image's config. For images that `pack` made: no whiteouts."""
    with tarfile.open(args.image) as archive:
        def read(digest):
            data = archive.extractfile("blobs/" + digest.replace(":", "/")).read()
            if hashlib.sha256(data).hexdigest() != digest.split(":")[1]:
                sys.exit(f"error: {digest} does not have that hash")
            return data

        index = json.load(archive.extractfile("index.json"))
        manifest = json.loads(read(index["manifests"][0]["digest"]))
        config = json.loads(read(manifest["config"]["digest"]))
        for layer, plain in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
            data = gzip.decompress(read(layer["digest"]))
            if f"sha256:{hashlib.sha256(data).hexdigest()}" != plain:
                sys.exit(f"error: layer {layer['digest']} is not what the config says")
            with tarfile.open(fileobj=io.BytesIO(data)) as files:
                members = files.getmembers()
                files.extractall(args.folder, members)
                # The modes as they are in the image, whatever the umask is.
                for member in members:
                    if not member.issym():
                        os.chmod(os.path.join(args.folder, member.name), member.mode)
    print(json.dumps(config))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("pack")
    command.add_argument("--layer", action="append", required=True)
    command.add_argument("--config", required=True)
    command.add_argument("--name", required=True)
    command.add_argument("--tag", required=True)
    command.add_argument("out")
    command.set_defaults(run=pack)
    command = commands.add_parser("unpack")
    command.add_argument("image")
    command.add_argument("folder")
    command.set_defaults(run=unpack)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
