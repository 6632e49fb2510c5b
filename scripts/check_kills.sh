#!/usr/bin/env bash
# Kills runs at random moments and looks at what they leave. Prints a table; fails where a file under its final name is not
# whole, the tree after all is not that of an undisturbed run, or a finished document is done twice.
#
#   scripts/check_kills.sh [DOCPARSE [KILLS]]
#
# DOCPARSE: the program (target/release/docparse). KILLS: 200. Needs python3 only.
set -euo pipefail
cd "$(dirname "$0")/.."
docparse=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/docparse}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$docparse" "$work" "${2:-200}" <<'PYTHON'
import json, os, pathlib, random, shutil, signal, subprocess, sys, time

docparse, work, kills = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
random.seed(7)
inputs = work / "in"
inputs.mkdir()
for number in range(6):
    shutil.copy("examples/documents/report.pdf", inputs / f"doc{number}.pdf")
environment = {**os.environ, "HOME": str(work)}


def command(out):
    return [docparse, "-i", str(inputs), "--save-path", str(out), "--skip-existing", "--quiet",
            "--report", str(work / "report.json")]


def tree(out):
    files = [p for p in out.rglob("*") if p.is_file() and ".docparse" not in p.relative_to(out).parts]
    return {str(p.relative_to(out)): p.read_bytes() for p in files}


def outcomes():
    report = json.loads((work / "report.json").read_text())
    return {entry["path"]: entry["outcome"] for entry in report["inputs"]}


def finished(out):
    records = (out / ".docparse/documents").glob("*.json")
    records = [json.loads(path.read_text()) for path in records]
    return {r["input"]["path"] for r in records if r["outcome"] == "done" and r["is_complete"]}


begin = time.time()
subprocess.run(command(work / "whole"), env=environment, check=True)
length = time.time() - begin
whole = tree(work / "whole")
table = {}
faults = 0
out = work / "out"
for number in range(kills):
    kind = ["main process", "worker", "both"][number % 3]
    row = table.setdefault(kind, [0, 0, 0, 0])
    row[0] += 1
    child = subprocess.Popen(command(out), env=environment, stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0, length * 1.05))
    children = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True).stdout.split()
    if kind != "main process":
        for pid in children:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
    if kind != "worker":
        child.kill()
    child.wait()
    torn = [name for name, text in tree(out).items() if whole.get(name) != text]
    row[1] += len(torn) if kind != "worker" else 0
    done = finished(out) if (out / ".docparse/documents").exists() else set()
    if number % 2 or kind == "worker":
        subprocess.run(command(out), env=environment, stderr=subprocess.DEVNULL)
        row[2] += tree(out) != whole
        row[3] += sum(outcomes().get(path) not in ("skipped", None) for path in done)
        left = list((out / ".docparse/runs").iterdir())
        row[2] += len(left)
        shutil.rmtree(out)
print(f"an undisturbed run takes {length:.2f} s, {len(whole)} files")
print(f"{'killed':14}{'kills':>7}{'torn files':>12}{'wrong trees':>13}{'done twice':>12}")
for kind, row in table.items():
    print(f"{kind:14}{row[0]:7}{row[1]:12}{row[2]:13}{row[3]:12}")
    faults += sum(row[1:])
sys.exit(1 if faults else 0)
PYTHON
