"""Two servers on one spool, killed at random: no job is lost, none is done twice, and each is known to both.

Clients send every order and every question to either server. When a server does not answer they turn to the other one,
with the same `Idempotency-Key`, so that each order must be one job, whatever became of the first try.
"""
import collections
import json
import os
import pathlib
import random
import threading
import time

from . import documents
from .client import FINAL, Client, in_threads, quantile
from .server import free_port

TAKES_URL = False
# Seconds in which a job must run again.
MOST = 30


def arguments(command):
    command.add_argument("--rounds", type=int, default=30, help="servers that are killed")
    command.add_argument("--clients", type=int, default=4)
    command.add_argument("--pages", type=int, default=200, help="most pages of a job")
    command.add_argument("--seed", type=int, default=1)


class Spool:
    """The folder of jobs, looked at from outside."""

    def __init__(self, folder):
        self.jobs, self.queue = folder / "jobs", folder / "queue"

    def lease(self, job):
        """The number of the newest lease of a job; 0 if nobody has worked on it."""
        numbers = [path.name[6:] for path in (self.jobs / job).glob("lease.*")]
        return max((int(number) for number in numbers if number.isdigit()), default=0)

    def held_by(self, process):
        """Jobs that a process works on, with their leases: it has locked these."""
        locks = [line.split() for line in pathlib.Path("/proc/locks").read_text().splitlines()]
        locked = {int(lock[5].rpartition(":")[2]) for lock in locks if lock[4] == str(process)}
        found = {}
        for job in os.listdir(self.queue):
            lease = self.lease(job)
            try:
                if lease and (self.jobs / job / f"lease.{lease}").stat().st_ino in locked:
                    found[job] = lease
            except OSError:
                pass  # given back or ended meanwhile
        return found

    def described(self, job):
        """What is in the folder of a job."""
        order = json.loads((self.jobs / job / "request.json").read_text())
        keys = sum(job in key.read_text() for key in (self.queue.parent / "keys").iterdir())
        turn = "in" if (self.queue / job).exists() else "not in"
        return (f"{order['files'][0]['name']} ({job}; {keys} keys lead to it, {turn} the queue, lease {self.lease(job)}, "
                f"{'ended' if self.has_ended(job) else 'open'})")

    def has_ended(self, job):
        return (self.jobs / job / "outcome.json").exists()


def taken_up(spool, jobs, killed):
    """Seconds from a kill until each of these jobs has a new lease; those that ended under the old one are left out.
    Also how many were not taken up in time."""
    seconds, left = {}, dict(jobs)
    while left and time.perf_counter() - killed < MOST:
        for job, lease in list(left.items()):
            if (spool.jobs / job / f"lease.{lease + 1}").exists():
                seconds[job] = time.perf_counter() - killed
                del left[job]
            elif spool.has_ended(job):
                del left[job]
        time.sleep(0.005)
    return list(seconds.values()), len(left)


def run(setting, options):
    flags = ["--drain-timeout", "5"]
    servers = [setting.server("spool", port=free_port(), flags=flags, is_started=False) for _ in range(2)]
    # Both write to one log.
    for server in servers:
        server.start()
    spool = Spool(pathlib.Path(setting.work) / "spool")
    ended = threading.Event()
    faults, counts = [], collections.Counter()
    ids, sent, lengths = {}, {}, []

    def ask(rng, what):
        """Asks either server until one answers."""
        while True:
            client = Client(rng.choice(servers).url)
            try:
                answer = what(client)
            except OSError:
                counts["no answer"] += 1
            except Exception as error:  # an answer that breaks off in the middle
                counts["no answer"] += 1
                if "IncompleteRead" not in repr(error) and "BadStatusLine" not in repr(error):
                    faults.append(repr(error))
            else:
                if answer.status not in (429, 503):
                    return answer
                counts["not now"] += 1
            time.sleep(0.05)

    def work(number):
        rng = random.Random(f"{options.seed} {number}")
        turn = 0
        while not ended.is_set():
            turn += 1
            key, pages = f"{number} {turn}", rng.randrange(20, options.pages)
            content = documents.numbered(pages)
            sent[key] = pages
            began = time.perf_counter()
            answer = ask(rng, lambda client: client.order(content, f"{key}.pdf", key=key))
            if answer.status not in (200, 202):
                faults.append(f"order: {answer.status} {answer.text()[:100]}")
                continue
            ids[key] = answer.json()["id"]
            while True:
                answer = ask(rng, lambda client: client.get(f"/v1/jobs/{ids[key]}?wait=2", patience=30))
                if answer.status != 200:
                    faults.append(f"{answer.status} for a job that exists")
                    break
                if answer.json()["state"] in FINAL:
                    break
            lengths.append(time.perf_counter() - began)

    load = threading.Thread(target=in_threads, args=(options.clients, work))
    load.start()
    rng = random.Random(options.seed)
    times, starts, idle = [], [], 0
    for _ in range(options.rounds):
        time.sleep(rng.uniform(0.3, 2.5))
        victim = rng.choice(servers)
        running = spool.held_by(victim.pid)
        killed = time.perf_counter()
        victim.kill()
        again = threading.Thread(target=lambda: starts.append(victim.start()[1]))
        again.start()
        seconds, missing = taken_up(spool, running, killed)
        times += seconds
        idle += not seconds
        if missing:
            faults.append(f"{missing} jobs were not taken up within {MOST} s")
        again.join()
    ended.set()
    load.join()

    # Afterwards: every order is one job, done once, the same at both servers.
    given_up = leases = 0
    for key, pages in sent.items():
        job = ids.get(key)
        views = [server.client.get(f"/v1/jobs/{job}") for server in servers]
        if any(view.status != 200 for view in views):
            counts["lost"] += 1
            continue
        views = [view.json() for view in views]
        leases += spool.lease(job)
        if views[0] != views[1]:
            faults.append(f"job {job} differs between the servers")
        if views[0]["state"] == "failed" and views[0]["error"]["code"] == "worker_died" and spool.lease(job) >= 10:
            given_up += 1  # as it should be
            continue
        if views[0]["state"] != "done" or views[0]["pages_done"] != pages:
            counts["lost"] += 1
        results = [path.name for path in (spool.jobs / job).glob("results.*")]
        lines = servers[0].client.get(f"/v1/jobs/{job}/pages?final=true").body.splitlines()
        if results != [f"results.{spool.lease(job)}"] or len(lines) != pages:
            counts["twice"] += 1
    # Of an order that was cut off: its repetition must have found it.
    unknown = sorted(set(os.listdir(spool.jobs)) - set(ids.values()))
    if unknown:
        faults.append(f"{len(unknown)} jobs besides those of the {len(sent)} orders: "
                      + "; ".join(spool.described(job) for job in unknown))
    if os.listdir(spool.queue):
        faults.append("the queue is not empty")
    faults += [f"{counts[what]} jobs {what}" for what in ("lost", "twice") if counts[what]]
    if not times:
        faults.append("no kill hit a job")
    numbers = {"p50": quantile(times, 0.5), "p90": quantile(times, 0.9), "max": max(times, default=0)}
    return {
        "head": ["kills", "without a job", "jobs", "taken up again", "lost", "twice", "404", "given up",
                 "again p50 s", "p90 s", "max s"],
        "rows": [[options.rounds, idle, len(sent), leases - len(sent), counts["lost"], counts["twice"],
                  sum(fault.startswith("404") for fault in faults), given_up,
                  *(f"{value:.2f}" for value in numbers.values())]],
        "notes": [f"requests that a kill cut off or met: {counts['no answer']}, answered 429 or 503 and sent again: "
                  f"{counts['not now']}; order to end: p50 {quantile(lengths, 0.5):.2f} s, max {max(lengths):.2f} s; "
                  f"a killed server was ready again after {quantile(starts, 0.5):.2f} s (median)"],
        "numbers": numbers, "times": times, "counts": dict(counts), "failures": sorted(set(faults)),
    }
