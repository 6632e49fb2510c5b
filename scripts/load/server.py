"""Servers under test: started, measured, killed."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from .client import Client

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
# Seconds that a server may take until it takes work.
PATIENCE = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tree(pid):
    """A process and all that it started."""
    found, queue = [], [pid]
    while queue:
        process = queue.pop()
        found.append(process)
        for children in pathlib.Path(f"/proc/{process}/task").glob("*/children"):
            try:
                queue += map(int, children.read_text().split())
            except OSError:
                pass
    return found


def resident(pid):
    """Bytes of a process and all that it started: the sum of what is resident, pages that they share counted in each."""
    total = 0
    for process in tree(pid):
        try:
            total += int(pathlib.Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
        except (OSError, IndexError):
            pass
    return total


def processor(pid):
    """Seconds of processors that a process and all that it started have had, those that have ended too."""
    total = 0
    for process in tree(pid):
        try:
            # What follows the name, which may have blanks.
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
        except (OSError, IndexError):
            pass
    return total / TICKS


class Peak:
    """Samples the memory of a server while a block runs."""

    def __init__(self, pid, interval=0.05):
        self.pid, self.interval, self.bytes = pid, interval, 0

    def __enter__(self):
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self):
        while not self.stop.is_set():
            self.bytes = max(self.bytes, resident(self.pid))
            self.stop.wait(self.interval)

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


class Server:
    """A process that serves; `ready` is the route that answers 200 once it takes work."""

    def __init__(self, command, port, ready="/readyz", log=None, environment=None):
        self.command, self.port, self.ready, self.log = command, port, ready, log
        self.environment = environment
        self.url = f"http://127.0.0.1:{port}"
        self.client = Client(self.url)
        self.process = None

    def start(self):
        """Starts it, and waits until it takes work; the seconds to the port and to that."""
        began = time.perf_counter()
        with open(self.log or os.devnull, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        port = None
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server has ended with {self.process.returncode}: {' '.join(self.command)}")
            if time.perf_counter() - began > PATIENCE:
                raise RuntimeError(f"the server is not ready after {PATIENCE} seconds")
            try:
                # A client of its own each time: none keeps a connection to a server that was killed.
                answer = Client(self.url).get(self.ready, patience=10)
                port = port or time.perf_counter() - began
                if answer.status == 200:
                    return port, time.perf_counter() - began
            except OSError:
                pass
            time.sleep(0.005)

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        """Kills it, and waits for its end."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()


def docparse(binary, spool, runtime=None, flags=(), port=None, log=None):
    """A server of docparse, not yet started."""
    port = port or free_port()
    command = [str(binary), "serve", "--port", str(port), "--spool", str(spool), *flags]
    if runtime:
        command += ["--runtime-dir", str(runtime)]
    # Settings of whoever runs the test are not those of the test.
    environment = {name: value for name, value in os.environ.items() if not re.match("DOCPARSE_", name)}
    return Server(command, port, log=log, environment=environment)
