"""Probes under load: none of them waits for work."""
import multiprocessing
import threading
import time

from . import documents
from .client import Client, quantile

TAKES_URL = True
PROBES = ["/livez", "/readyz", "/metrics"]
# Kubernetes gives a probe a second.
MOST = 1.0


def arguments(command):
    command.add_argument("--clients", type=int, default=16)
    command.add_argument("--seconds", type=float, default=60)
    command.add_argument("--interval", type=float, default=0.1, help="seconds between two probes of a kind")


def load(url, clients, until, contents):
    """Work without rest; in a process of its own, so that probes are not measured behind it."""
    client = Client(url)

    def work(number):
        turn = 0
        while time.time() < until:
            turn += 1
            content, ending = contents[(number + turn) % len(contents)]
            answer = client.order(content, f"{number} {turn}.{ending}", wait=20)
            if answer.status == 429:
                time.sleep(1)

    for number in range(clients):
        threading.Thread(target=work, args=(number,), daemon=True).start()
    # The last answers are of no interest.
    time.sleep(max(0, until - time.time()))


def run(setting, options):
    server = setting.server()
    contents = [(documents.born_digital(seed, 4)[0], "pdf") for seed in range(8)]
    contents += [(content, "jpg") for content, _ in documents.pictures(server.client, 8, 4, "small")]
    contents += [(content, "jpg") for content, _ in documents.pictures(server.client, 4, 4, "scan")]
    rows, failures, numbers = [], [], {}
    for clients in (0, options.clients):
        seconds = options.seconds if clients else min(10, options.seconds)
        until = time.time() + seconds
        process = multiprocessing.Process(target=load, args=(server.url, clients, until, contents))
        process.start()
        time.sleep(1)
        times = {path: [] for path in PROBES}

        def probe(path, times=times, until=until):
            client = Client(server.url)
            while time.time() < until:
                answer = client.get(path, patience=30)
                times[path].append(answer.seconds)
                if answer.status != 200:
                    failures.append(f"{path}: {answer.status}")
                time.sleep(options.interval)

        threads = [threading.Thread(target=probe, args=(path,)) for path in PROBES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        process.join()
        for path in PROBES:
            p50, p99, most = quantile(times[path], 0.5), quantile(times[path], 0.99), max(times[path])
            numbers[f"{path} {clients}"] = {"p50": p50, "p99": p99, "max": most, "count": len(times[path])}
            rows.append([path, clients, len(times[path]), *(f"{value * 1000:.1f}" for value in (p50, p99, most))])
            if most > MOST:
                failures.append(f"{path} took {most:.2f} s with {clients} clients")
    return {"head": ["probe", "clients", "count", "p50 ms", "p99 ms", "max ms"], "rows": rows, "numbers": numbers,
            "failures": sorted(set(failures))}
