"""Probes from the start of a server to the end of a long job: ready only when it can work, and live all the time.

The long job is one PDF whose pages are all read as pictures; while it lasts no probe may say that the server is not live
or not ready, or take longer than Kubernetes waits.
"""
import threading
import time

from . import documents
from .client import Client, quantile
from .probes import MOST

TAKES_URL = False
PROBES = ["/livez", "/startupz", "/readyz", "/health", "/metrics"]


def arguments(command):
    command.add_argument("--pages", type=int, default=60, help="of the long job; each is read for some ten seconds on two cores")
    command.add_argument("--interval", type=float, default=0.1, help="seconds between two probes of a kind")


class Timeline:
    """The answers of one probe: moment, status, seconds."""

    def __init__(self, path):
        self.path, self.answers, self.unanswered = path, [], []

    def watch(self, url, ended, interval):
        client = Client(url)
        while not ended.is_set():
            moment = time.perf_counter()
            try:
                answer = client.get(self.path, patience=30)
                self.answers.append((moment, answer.status, answer.seconds))
            except OSError as error:
                self.unanswered.append((moment, str(error)))
            time.sleep(interval)


def run(setting, options):
    server = setting.server(is_started=False)
    timelines, ended = [Timeline(path) for path in PROBES], threading.Event()
    threads = [threading.Thread(target=timeline.watch, args=(server.url, ended, options.interval), daemon=True)
               for timeline in timelines]
    for thread in threads:
        thread.start()
    begun = time.perf_counter()
    port, ready = server.start()
    failures = []
    first = server.client.order(documents.born_digital("first", 1)[0], "first.pdf", wait=60)
    if first.status != 200 or first.json()["state"] != "done":
        failures.append(f"ready, but the first order: {first.status} {first.text()[:200]}")
    content, _ = documents.born_digital("long", options.pages)
    ordered = time.perf_counter()
    order = server.client.order(content, "long.pdf", settings={"text_layer": "never"})
    job = server.client.finished(order.json())
    seconds = time.perf_counter() - ordered
    ended.set()
    for thread in threads:
        thread.join()
    pages = job["pages_done"]
    if job["state"] != "done" or pages != options.pages:
        failures.append(f"the long job: {job['state']}, {pages} of {options.pages} pages")
    rows, numbers = [], {}
    for timeline in timelines:
        path, answers = timeline.path, timeline.answers
        statuses = [status for _, status, _ in answers]
        is_open = path in ("/livez", "/metrics")
        change = statuses.index(200) if 200 in statuses else len(statuses)
        wrong = [status for status in statuses[:change] if is_open or status != 503]
        wrong += [status for status in statuses[change:] if status != 200]
        if wrong:
            failures.append(f"{path}: {wrong[:5]}")
        late = [error for moment, error in timeline.unanswered if moment - begun > port]
        if late:
            failures.append(f"{path} was not answered: {late[0]}")
        times = [took for _, _, took in answers]
        if max(times) > MOST:
            failures.append(f"{path} took {max(times):.2f} s")
        p50, p99 = quantile(times, 0.5), quantile(times, 0.99)
        numbers[path] = {"count": len(times), "not ready": change, "p50": p50, "p99": p99, "max": max(times)}
        rows.append([path, len(times), change, *(f"{value * 1000:.1f}" for value in (p50, p99, max(times)))])
    numbers |= {"port": port, "ready": ready, "job": seconds}
    return {"head": ["probe", "count", "before ready", "p50 ms", "p99 ms", "max ms"], "rows": rows, "numbers": numbers,
            "notes": [f"{options.pages} pages in {seconds:.0f} s; ready after {ready:.2f} s"], "failures": failures}
