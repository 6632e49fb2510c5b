#!/usr/bin/env bash
# Time from SIGTERM to the end of a run, in situations in which something blocks. Prints a table; fails where one takes more
# than two seconds, has another exit code than 130, leaves what it may not leave, or no report.
#
# What may be there afterwards: whole files under their final names, and in the record (.docparse/ in the save path, with
# --compat a folder in the user's folder of states) documents/, names/ and locks/. What may not: a file that no record knows
# or whose content is another (it is torn, or never came to its place), a folder of the run (in the record's runs/, with
# --compat in the save path with a mark in runs/), half a record, half a report. Two runs are killed with SIGKILL instead, which
# must be seen to leave their folders; and a file that is cut must be seen: else the check proves nothing.
#
#   scripts/check_interrupts.sh [DOCPARSE [PDF_THAT_COMPUTES]]
#
# DOCPARSE: the program (target/release/docparse). PDF_THAT_COMPUTES: a page that a worker computes for minutes; without it
# one is made. Needs python3 only.
set -euo pipefail
docparse=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/docparse}")
slow=${2:+$(realpath "$2")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$docparse" "$work" "${slow:-}" <<'PYTHON'
import hashlib, http.server, json, os, pathlib, random, signal, struct, subprocess, sys, threading, time, zlib

docparse, work, slow = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
LIMIT = 2.0


def pdf(objects):
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))


def stream(data, extra=b""):
    return b"<<" + extra + b"/Length %d>>\nstream\n" % len(data) + data + b"\nendstream"


def computing():
    program = b"{ " + b"sin cos " * 22000 + b"dup dup }"
    return pdf([
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Shading<</S 5 0 R>>>>>>",
        stream(b"/S sh"),
        b"<</ShadingType 1/ColorSpace/DeviceRGB/Domain[0 100000 0 100000]/Function 6 0 R>>",
        stream(program, b"/FunctionType 4/Domain[0 1 0 1]/Range[0 1 0 1 0 1]"),
    ])


def pages(count):
    kids = b" ".join(b"%d 0 R" % (i + 5) for i in range(count))
    lines = b"".join(b"1 0 0 1 72 %d Tm (Line %d of one of many pages, with words enough to fill it.) Tj " % (740 - 14 * i, i)
                     for i in range(48))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 3 0 R>>>>>>"
    return pdf([
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[" + kids + b"]/Count %d>>" % count,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>", stream(b"BT /F 10 Tf " + lines + b"ET"),
    ] + [page] * count)


def png(width=1654, height=2339):
    """A dense page: marks as wide and tall as letters."""
    dice, rows = random.Random(7), bytearray()
    for y in range(height):
        if y % 28 == 0:
            line = bytes(40) and b"".join(bytes([235 if dice.random() < 0.45 else 25]) * 6 for _ in range(width // 6))
            line = (b"\xf5" * 80 + line)[:width - 80].ljust(width, b"\xf5")
        rows += b"\0" + (line if y % 28 < 15 else b"\xf5" * width)
    part = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(bytes(rows), 1)) + part(b"IEND", b"")


def left_behind(out, state):
    """What a run left and may not have left. No run may be under way there."""
    record = out / ".docparse"
    if not record.exists():
        record = next(iter((state / "docparse").glob("*")), None)
    if record is None:
        return ["no record"] if any(out.rglob("*")) else []
    found, known = [], {}
    for path in (record / "documents").iterdir():
        try:
            document = json.loads(path.read_text()) if path.suffix == ".json" else None
        except ValueError:
            document = None
        if document is None:
            found.append("half a record: documents/" + path.name)
            continue
        for file in document["outputs"] + document["earlier"]:
            known.setdefault(file["path"], set()).add(file["sha256"])
    found += ["half a record: names/" + path.name for path in (record / "names").iterdir() if "." in path.name]
    found += ["no run owns: runs/" + path.name for path in (record / "runs").iterdir()]
    for path in out.rglob("*"):
        name = path.relative_to(out)
        if path.is_file() and name.parts[0] != ".docparse":
            if str(name) not in known:
                found.append("no record knows: %s" % name)
            elif hashlib.sha256(path.read_bytes()).hexdigest() not in known[str(name)]:
                found.append("torn: %s" % name)
    found += ["half a report: " + path.name for path in out.parent.glob(".docparse-*")]
    return found


class Silent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/v1/models":
            body = b'{"data": [{"id": "PaddleOCR-VL-1.6-0.9B"}]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_response(200)
            self.send_header("Content-Length", "100000000")
            self.end_headers()
            while True:
                self.wfile.write(b"%PDF-1.4\n")
                time.sleep(0.3)

    def do_POST(self):
        time.sleep(600)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Who was interrupted hangs up."""


server = Server(("127.0.0.1", 0), Silent)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d" % server.server_port

(work / "scans").mkdir()
page = png()
for number in range(40):
    (work / "scans" / ("%02d.png" % number)).write_bytes(page)
(work / "slow.pdf").write_bytes(pathlib.Path(slow).read_bytes() if slow else computing())
(work / "long.pdf").write_bytes(pages(6000))
(work / "one.png").write_bytes(page)
(work / "mixed").mkdir()
(work / "mixed" / "a.pdf").write_bytes(pages(1))
(work / "mixed" / "b.pdf").write_bytes((work / "slow.pdf").read_bytes())

remote = ["--vl-rec-backend", "vllm-server", "--vl-rec-server-url", url + "/v1", "--use-layout-detection", "false"]
situations = [
    ("a worker computes a page", ["-i", "slow.pdf"], [2.0, 5.0]),
    ("the same, a document is written", ["-i", "mixed"], [2.0]),
    ("the same with --compat", ["-i", "mixed", "--compat"], [2.0]),
    ("lines of 40 scans are read", ["-i", "scans"], [1.5, 4.0, 9.0]),
    ("a recognition server is silent", ["-i", "one.png"] + remote, [3.0]),
    ("standard input never ends", ["-i", "-"], [0.3, 1.0]),
    ("a download never ends", ["-i", url + "/slow.pdf"], [0.7, 2.0]),
    ("a text of 6000 pages is read", ["-i", "long.pdf"], [1.0, 4.0, 8.0]),
]
killed = [("killed in the middle", ["-i", "mixed"]), ("the same with --compat", ["-i", "mixed", "--compat"])]
state, out = work / "state", work / "out"
env = {key: value for key, value in os.environ.items() if "proxy" not in key.lower() and not key.startswith("DOCPARSE_")}
env["XDG_STATE_HOME"] = str(state)
failed = False


def start(arguments):
    for path in [out, state, work / "report.json"]:
        subprocess.run(["rm", "-rf", str(path)], check=True)
    command = [docparse] + arguments + ["--save-path", "out", "--report", "report.json", "--quiet"]
    return subprocess.Popen(command, cwd=work, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


print("%-34s %8s %8s %5s  %s" % ("situation", "after s", "takes s", "code", "what may not be"))
for name, arguments, moments in situations:
    for number, moment in enumerate(moments):
        for sent in (signal.SIGTERM, signal.SIGINT) if number == 0 else (signal.SIGTERM,):
            child = start(arguments)
            time.sleep(moment)
            if child.poll() is not None:
                print("%-34s %8.1f  ended before, with %s" % (name, moment, child.returncode))
                failed |= number == 0
                continue
            begin = time.monotonic()
            child.send_signal(sent)
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            took = time.monotonic() - begin
            wrong = left_behind(out, state)
            try:
                if json.loads((work / "report.json").read_text())["exit_code"] != 130:
                    wrong.append("report is wrong")
            except (OSError, ValueError):
                wrong.append("no report")
            print("%-34s %8.1f %8.2f %5s  %s" % (name, moment, took, child.returncode, ", ".join(wrong) or "nothing"))
            failed |= took > LIMIT or child.returncode != 130 or bool(wrong)
for name, arguments in killed:
    child = start(arguments)
    while not list(out.rglob("*.md")):
        time.sleep(0.05)
        if child.poll() is not None:
            sys.exit("%s: ended before anything was written, with %s" % (name, child.returncode))
    child.kill()
    child.wait()
    whole = next(iter(out.rglob("*.md")))
    left = left_behind(out, state)
    whole.write_bytes(whole.read_bytes()[:-1])
    cut = [line for line in left_behind(out, state) if line.startswith("torn")]
    is_seen = any("run" in line for line in left) and not any(line.startswith("torn") for line in left) and bool(cut)
    print("%-34s %s: %s" % (name, "seen" if is_seen else "NOT SEEN", ", ".join(left + cut)))
    failed |= not is_seen
sys.exit(failed)
PYTHON
