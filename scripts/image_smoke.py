#!/usr/bin/env python3
"""Tests an image that scripts/image.sh made, as strict installations run it: another user, a root file system that
cannot be written, no capabilities, and no network but the loopback.

  scripts/image_smoke.py IMAGE.tar [--without-serve] [--ready-seconds 1.0]

Needs bubblewrap, and as root setpriv. As root the other user is a real one; otherwise it is this user under another
number, and the test of USER_ID is left out. What it asks of the program: `--version`, `doctor`, a parse, `models
verify` (an offline image), and of `docparse serve`: DOCPARSE_HOST, DOCPARSE_PORT and DOCPARSE_SPOOL, /livez, /readyz,
/metrics, `POST /v1/jobs`, its result, the same job after a restart, exit code 0 after SIGTERM, and
`serve --check-health`; and that a process of root with USER_ID and GROUP_ID becomes that user. --without-serve leaves
out what a build without `serve` does not have.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENT = CHECKOUT / "examples/documents/report.pdf"
OTHER_USER = 12345
INSIDE = "DOCPARSE_SMOKE_INSIDE"
failures = []


def check(what, holds, detail=""):
    """Prints a finding, and remembers it if it is bad."""
    print(f"{'ok    ' if holds else 'FAILED'} {what}{f': {detail}' if detail else ''}", flush=True)
    if not holds:
        failures.append(what)


class Image:
    """An unpacked image, and how a container of it is started."""

    def __init__(self, archive, folder):
        self.root = folder / "root"
        self.root.mkdir()
        unpacked = subprocess.run(
            [sys.executable, CHECKOUT / "deploy/oci.py", "unpack", archive, self.root],
            check=True, stdout=subprocess.PIPE,
        )
        self.config = json.loads(unpacked.stdout)["config"]
        # Engines make these, and the places of mounts, themselves.
        for name in ["proc", "dev", "sys", "app/input"]:
            (self.root / name).mkdir(exist_ok=True)
        self.output, self.spool = folder / "output", folder / "spool"
        for mount in [self.output, self.spool]:
            mount.mkdir()
            mount.chmod(0o1777)

    def command(self, *arguments, user=OTHER_USER, variables=None):
        """The command that runs the image's entry point with arguments."""
        is_root = os.getuid() == 0
        line = []
        if is_root and user != 0:
            line += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--bounding-set=-all", "--"]
        line += ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--clearenv"]
        # As engines do it: signals do nothing to the first process of a container unless it handles them.
        line += ["--as-pid-1"]
        if user != 0:
            line += ["--unshare-user", "--uid", str(user), "--gid", str(user)]
        else:
            line += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        line += ["--ro-bind", str(self.root), "/", "--proc", "/proc", "--dev", "/dev"]
        line += ["--perms", "1777", "--tmpfs", "/app/temp", "--bind", str(self.output), "/app/output"]
        line += ["--bind", str(self.spool), "/app/spool", "--ro-bind", str(DOCUMENT.parent), "/app/input"]
        line += ["--remount-ro", "/", "--chdir", self.config["WorkingDir"]]
        environment = dict(entry.split("=", 1) for entry in self.config["Env"])
        environment.update(variables or {})
        for name, value in environment.items():
            line += ["--setenv", name, value]
        return line + ["--", *self.config["Entrypoint"], *arguments]

    def run(self, *arguments, **settings):
        """Runs it to its end: exit code and output."""
        done = subprocess.run(
            self.command(*arguments, **settings), stdin=subprocess.DEVNULL, timeout=300,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        return done.returncode, done.stdout.strip()


def ask(port, method, path, body=None, headers=None, timeout=5.0):
    """Status and body of an answer; `None` if there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return None, b""
    finally:
        connection.close()


def test_files(image):
    programs = [
        path for folder in ["usr/bin", "usr/sbin", "usr/local/bin"] if (image.root / folder).is_dir()
        for path in (image.root / folder).iterdir()
    ]
    check("the only program is docparse", [path.name for path in programs] == ["docparse"], str(len(programs)))
    open_to_all = sorted(
        "/" + path.relative_to(image.root).as_posix() for path in image.root.rglob("*")
        if not path.is_symlink() and path.stat().st_mode & 0o002
    )
    expected = ["cache", "logs", "models", "output", "spool", "temp"]
    expected = [f"/app/{name}" for name in expected] + ["/models", "/tmp"]
    check("nothing else is open to all users", open_to_all == expected, " ".join(open_to_all))
    special = [
        str(path) for path in image.root.rglob("*")
        if not path.is_symlink() and path.is_file() and path.stat().st_mode & 0o6000
    ]
    check("no file changes the user", not special, " ".join(special))
    check("the image does not run as root", image.config["User"].split(":")[0] not in ("", "0", "root"))


def test_program(image):
    code, text = image.run("--version")
    version = image.config["Labels"]["org.opencontainers.image.version"]
    check("the version is that of the label", code == 0 and text.split()[-1:] == [version], text)
    code, text = image.run("doctor")
    check("doctor finds nothing wrong", code == 0, "" if code == 0 else text)
    for user in [OTHER_USER, int(image.config["User"].split(":")[0])]:
        code, text = image.run("--input", "/app/input/report.pdf", "--save-path", f"/app/output/{user}", user=user)
        written = list((image.output / str(user)).rglob("*.md"))
        long_enough = bool(written) and written[0].stat().st_size > 500
        if os.getuid() == 0 and written:
            long_enough &= written[0].stat().st_uid == user
        check(f"user {user} parses a PDF", code == 0 and long_enough, text.splitlines()[-1] if text else "")
    code, text = image.run("--input", "/app/input/report.pdf", "--save-path", "/home/docparse/out")
    check("the root file system cannot be written", code != 0 and "Read-only" in text)
    if "DOCPARSE_OFFLINE=1" in image.config["Env"]:
        code, text = image.run("models", "verify")
        check("the models in the image are whole", code == 0, text.replace("\n", "; "))
        # By the pipeline that the image chooses. What it reads is not looked at: they may be tiny ones.
        code, text = image.run(
            "--input", "/app/input/report.pdf", "--save-path", "/app/output/vl",
            "--formats", "json", "--pages", "1", "--max-new-tokens", "2",
        )
        written = list((image.output / "vl").rglob("*.json"))
        it_was = code == 0 and bool(written) and "lite" not in text
        check("PaddleOCR-VL runs without a network", it_was, text.splitlines()[-1] if text else "")


def start(image, port, **settings):
    """Starts `serve`; the process, and the seconds until it was ready or `None`."""
    log = tempfile.TemporaryFile(mode="w+")
    begin = time.monotonic()
    process = subprocess.Popen(
        image.command("serve", variables={"DOCPARSE_PORT": str(port)}, **settings),
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
    )
    while time.monotonic() - begin < 60 and process.poll() is None:
        status, _ = ask(port, "GET", "/readyz", timeout=1.0)
        if status == 200:
            return process, time.monotonic() - begin
        time.sleep(0.01)
    log.seek(0)
    print(log.read())
    return process, None


def stop(process):
    """Sends SIGTERM to the program in the container, as engines do; its exit code, `None` if it does not end."""
    if process.poll() is None:
        # Below bubblewrap's process, which a signal would end by itself.
        inside, below = process.pid, True
        while below:
            below = Path(f"/proc/{inside}/task/{inside}/children").read_text().split()
            inside = int(below[0]) if below else inside
            if Path(f"/proc/{inside}/comm").read_text().strip() == "docparse":
                break
        os.kill(inside, signal.SIGTERM)
    try:
        return process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        return None


def test_serve(image, ready_seconds):
    port = 20000
    # Once before: the files of the image come from the disk the first time.
    process, _ = start(image, port)
    stop(process)
    process, seconds = start(image, port)
    try:
        shown = "it never was" if seconds is None else f"{seconds:.2f} s"
        check(f"ready within {ready_seconds} s", seconds is not None and seconds <= ready_seconds, shown)
        if seconds is None:
            return
        check("/livez", ask(port, "GET", "/livez")[0] == 200)
        code, text = image.run("serve", "--check-health", variables={"DOCPARSE_PORT": str(port)})
        check("serve --check-health finds it", code == 0, text)
        metrics = ask(port, "GET", "/metrics")[1]
        check("/metrics has the one that replicas are scaled by", b"docparse_queue_oldest_seconds" in metrics)
        status, body = ask(
            port, "POST", "/v1/jobs?wait=120&name=report.pdf&formats=md", DOCUMENT.read_bytes(),
            {"Content-Type": "application/pdf"}, 150.0,
        )
        job = json.loads(body) if status in (200, 202) else {}
        check("a job ends", job.get("state") == "done", job.get("state") or f"status {status}: {body[:300]!r}")
        result = f"/v1/jobs/{job.get('id')}/result/report.md"
        status, markdown = ask(port, "GET", result)
        check("the job has a result", status == 200 and len(markdown) > 500, f"{len(markdown)} bytes")
        check("SIGTERM ends it with exit code 0", stop(process) == 0)
        process, _ = start(image, port)
        check("another process has the same job", ask(port, "GET", result) == (200, markdown))
    finally:
        stop(process)
    code, text = image.run("serve", "--check-health", variables={"DOCPARSE_PORT": str(port)})
    check("serve --check-health finds that it is gone", code == 1, text)


def test_user_id(image):
    if os.getuid() != 0:
        print("left out: USER_ID and GROUP_ID, as that needs root")
        return
    out = image.output / "as"
    out.mkdir()
    out.chmod(0o1777)
    code, text = image.run(
        "--input", "/app/input/report.pdf", "--save-path", "/app/output/as/it", user=0,
        variables={"USER_ID": "4321", "GROUP_ID": "8765"},
    )
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in out.rglob("*")}
    check("root with USER_ID and GROUP_ID becomes that user", code == 0 and owners == {(4321, 8765)}, f"{owners}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--without-serve", action="store_true")
    parser.add_argument("--ready-seconds", type=float, default=1.0)
    args = parser.parse_args()
    for tool in ["bwrap", "setpriv"] if os.getuid() == 0 else ["bwrap"]:
        if not shutil.which(tool):
            sys.exit(f"error: {tool} is needed (Debian: bubblewrap, util-linux)")
    if INSIDE not in os.environ:
        # A network of its own, with nothing but the loopback: for the test, and for the containers that it starts.
        line = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--setenv", INSIDE, "1", "--die-with-parent", "--"]
        sys.exit(subprocess.run([*line, sys.executable, __file__, *sys.argv[1:]]).returncode)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        image = Image(args.image, folder)
        test_files(image)
        test_program(image)
        if args.without_serve:
            print("left out: serve, USER_ID and GROUP_ID (--without-serve)")
        else:
            code, text = image.run("serve", "--help")
            # Without the subcommand this is the help of the parser, which takes the word for an input.
            if code == 0 and "--check-health" in text:
                test_serve(image, args.ready_seconds)
                test_user_id(image)
            else:
                check("there is docparse serve with --check-health", False, "build one that has, or pass --without-serve")
    print(f"{'FAILED: ' + '; '.join(failures) if failures else 'the image passed'}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
