#!/usr/bin/env python3
"""Tests `docparse serve` under load: what its answers, its memory and its jobs do then. Needs nothing but Python 3.9.

    scripts/serve_load.py memory     many documents of all kinds; memory after 50 of them and at the end
    scripts/serve_load.py saturation 64 clients that never rest: every answer is a result, a job or a refusal
    scripts/serve_load.py mixed      64 clients, equal names, opposite settings: answers are those of one client alone
    scripts/serve_load.py kill       two servers on one spool, killed at random: no job is lost or done twice
    scripts/serve_load.py probes     how long probes take under load
    scripts/serve_load.py timeline   probes from the start to the end of a long job
    scripts/serve_load.py start      how long a server takes to its port, and until it takes work
    scripts/serve_load.py peers      other services beside docparse: same files, same client, by turns

Each prints a table, or with --json an object, and exits with 1 if something is not as it must be. The script starts the
server (--binary, by default target/release/docparse) in a spool of its own; memory, saturation, mixed and probes also
take a running one (--url; memory then needs its --pid). docs/serve_load.md says more.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

from load import kill, memory, mixed, peers, probes, saturation, start, timeline
from load.server import docparse

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = {"memory": memory, "saturation": saturation, "mixed": mixed, "kill": kill, "probes": probes, "timeline": timeline,
         "start": start, "peers": peers}


class Setting:
    """Where a test finds its servers."""

    def __init__(self, options, work):
        self.options, self.work = options, work
        self.started = []

    def server(self, spool="spool", flags=(), port=None, is_started=True):
        """A server of docparse: the running one, or one of its own."""
        if self.options.url:
            return Running(self.options.url, self.options.pid)
        log = self.work / f"{spool}.log"
        flags = [*flags, *self.options.flag]
        server = docparse(self.options.binary, self.work / spool, self.options.runtime_dir, flags, port, log)
        self.started.append(server)
        if is_started:
            server.start()
        return server

    def end(self):
        for server in self.started:
            server.stop()


class Running:
    """A server that somebody else started."""

    def __init__(self, url, pid):
        from load.client import Client
        self.url, self.pid, self.client = url, pid, Client(url)

    def stop(self):
        pass


def table(head, rows):
    texts = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    for number, row in enumerate(texts):
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join([row[0].ljust(widths[0]), *rest]).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="test", required=True, metavar="TEST")
    for name, test in TESTS.items():
        command = commands.add_parser(name, help=test.__doc__.splitlines()[0])
        command.add_argument("--binary", default=os.environ.get("DOCPARSE", str(ROOT / "target/release/docparse")))
        command.add_argument("--runtime-dir", default=str(ROOT / "runtime"))
        command.add_argument("--flag", action="append", default=[], metavar="FLAG",
                             help="a flag for the server, as --flag=--threads=1; again for more")
        command.set_defaults(url=None, pid=None)
        if test.TAKES_URL:
            command.add_argument("--url", help="a running server instead; its settings are then its own")
            command.add_argument("--pid", type=int, help="its process")
        command.add_argument("--json", action="store_true", help="print an object instead of a table")
        command.add_argument("--work", help="folder for spools and logs; else a temporary one, kept if the test fails")
        test.arguments(command)
    options = parser.parse_args()
    test = TESTS[options.test]
    work = pathlib.Path(options.work or tempfile.mkdtemp(prefix="serve_load_"))
    work.mkdir(parents=True, exist_ok=True)
    setting = Setting(options, work)
    is_kept = True
    try:
        result = test.run(setting, options)
        failures = result["failures"]
        is_kept = bool(options.work or failures)
    finally:
        setting.end()
        if not is_kept:
            shutil.rmtree(work, ignore_errors=True)
        elif not options.work:
            print(f"spools and logs are in {work}", file=sys.stderr)
    if options.json:
        json.dump({"test": options.test, **result}, sys.stdout, indent=1, default=str)
        print()
    else:
        table(result["head"], result["rows"])
        for note in result.get("notes", []):
            print(note)
        print("FAILED: " + "; ".join(failures) if failures else "ok")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
