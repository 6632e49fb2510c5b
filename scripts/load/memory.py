"""Memory after many documents: it must not grow with their number.

All kinds of documents come within the first 50, the long one too: what the server keeps for its largest document is
there when it is measured first, and only what every document adds counts.
"""
import random
import sys
import time

from . import documents
from .client import in_threads
from .server import resident

TAKES_URL = True
MOST = 1.10
FIRST = 50


def arguments(command):
    command.add_argument("--documents", type=int, default=2000)
    command.add_argument("--clients", type=int, default=4)
    command.add_argument("--long", type=int, default=200, help="pages of the long document")


def make(client, count, long):
    """So many documents: name, bytes and kind of each."""
    rng = random.Random(7)
    sound = [documents.born_digital(seed, 1 + seed % 3)[0] for seed in range(24)]
    small = [content for content, _ in documents.pictures(client, 24, 1, "small")]
    scans = [content for content, _ in documents.pictures(client, 3, 1, "scan")]
    for number in range(count):
        if number == FIRST // 2:
            yield f"long {number}.pdf", documents.born_digital("long", long)[0], "long"
            continue
        share = rng.random()
        if share < 0.50:
            yield f"{number}.pdf", rng.choice(sound), "pdf"
        elif share < 0.85:
            yield f"{number}.jpg", rng.choice(small), "picture"
        elif share < 0.87 or number == 10:
            yield f"{number}.jpg", rng.choice(scans), "scan"
        else:
            yield f"{number}.pdf", documents.damaged(rng, rng.choice(sound), rng.choice(small)), "damaged"


def settled(server):
    """The memory of a server that has nothing to do."""
    time.sleep(2)
    return min(resident(server.pid) for _ in range(3))


def run(setting, options):
    server = setting.server(flags=["--log-format", "json"])
    if not server.pid:
        raise SystemExit("memory needs the --pid of the running server")
    client = server.client
    orders = list(make(client, options.documents, options.long))
    states, samples, failures = {}, [], []

    def send(part):
        queue = iter(part)

        def work(_):
            for name, content, kind in queue_of(queue):
                # A job of its own, whatever was sent before.
                answer = client.order(content, name, formats="md,json", wait=120, key=f"{time.time_ns()} {name}")
                if answer.status not in (200, 202):
                    failures.append(f"{name}: {answer.status} {answer.text()[:100]}")
                    continue
                state = client.finished(answer.json())["state"]
                states[kind, state] = states.get((kind, state), 0) + 1

        in_threads(options.clients, work)

    begun = time.perf_counter()
    step = max(FIRST, options.documents // 10)
    places = [0, FIRST, *range(step, options.documents, step), options.documents]
    places = sorted(set(place for place in places if place <= options.documents))
    for start, end in zip(places, places[1:]):
        send(orders[start:end])
        samples.append((end, settled(server)))
        print(f"{end} documents: {samples[-1][1] / 2**20:.0f} MiB", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - begun
    first, last = samples[0][1], samples[-1][1]
    ratio = last / first
    if ratio > MOST:
        failures.append(f"memory grew to {ratio:.2f} of what it was after {FIRST} documents")
    for kind, state in states:
        if (kind != "damaged" and state != "done") or (kind == "damaged" and state == "canceled"):
            failures.append(f"{states[kind, state]} of kind {kind} ended as {state}")
    return {
        "head": ["documents", "MiB", "of first"],
        "rows": [[count, f"{size / 2**20:.0f}", f"{size / first:.3f}"] for count, size in samples],
        "notes": [f"{options.documents} documents in {seconds:.0f} s: "
                  + ", ".join(f"{kind} {state} {count}" for (kind, state), count in sorted(states.items()))],
        "ratio": ratio, "bytes": samples, "seconds": seconds, "failures": failures,
        "states": {f"{kind} {state}": count for (kind, state), count in states.items()},
    }


def queue_of(shared):
    """The items of an iterator that several threads share."""
    while True:
        try:
            # One step of a list's iterator: the interpreter lets nobody in between.
            yield next(shared)
        except StopIteration:
            return
