"""Clients that never rest: every answer is a result (200), a job (202), or a refusal with Retry-After (429)."""
import collections
import time

from . import documents
from .client import in_threads, quantile

TAKES_URL = True


def arguments(command):
    command.add_argument("--clients", type=int, default=64)
    command.add_argument("--seconds", type=float, default=60)
    command.add_argument("--queue", type=int, default=48,
                         help="--max-queued-jobs of the server; fewer than clients, so that some are refused")


def run(setting, options):
    server = setting.server(flags=["--max-queued-jobs", str(options.queue)])
    client = server.client
    pdfs = [documents.born_digital(seed, 2)[0] for seed in range(16)]
    pictures = [content for content, _ in documents.pictures(client, 16, 2, "small")]
    codes, failures = collections.Counter(), []
    times, waits, refused, pages = [], [], [], []
    begun = time.perf_counter()
    until = begun + options.seconds

    def work(number):
        turn = 0
        while time.perf_counter() < until:
            turn += 1
            # One picture to three PDFs.
            is_picture = turn % 4 == number % 4
            kind = pictures if is_picture else pdfs
            content = kind[(number + turn) % len(kind)]
            name = f"{number} {turn}.{'jpg' if is_picture else 'pdf'}"
            began = time.perf_counter()
            answer = client.order(content, name, wait=10)
            codes[answer.status] += 1
            if answer.status == 429:
                refused.append(answer.seconds)
                after = answer.headers.get("retry-after", "")
                if not after.isdigit():
                    failures.append("429 without Retry-After")
                time.sleep(float(after) if after.isdigit() else 1)
            elif answer.status in (200, 202):
                job = client.finished(answer.json())
                client.result(job, ".md")
                times.append(time.perf_counter() - began)
                pages.append(job["pages_done"])
                waits.append(answer.seconds)
                if job["state"] != "done":
                    failures.append(f"job {job['id']} ended as {job['state']}")
            else:
                failures.append(f"{answer.status}: {answer.text()[:120]}")

    in_threads(options.clients, work)
    seconds = time.perf_counter() - begun
    # It is idle again at once.
    last = client.order(pdfs[0], "last.pdf", wait=30)
    if last.status != 200:
        failures.append(f"after the load: {last.status}")
    numbers = {
        "requests/s": len(times) / seconds, "pages/s": sum(pages) / seconds,
        "p50 s": quantile(times, 0.5), "p99 s": quantile(times, 0.99),
        "refusals p99 s": quantile(refused, 0.99), "idle answer s": last.seconds,
    }
    known = [codes[200], codes[202], codes[429]]
    return {
        "head": ["clients", "200", "202", "429", "other", *numbers],
        "rows": [[options.clients, *known, sum(codes.values()) - sum(known),
                  *(f"{value:.1f}" if "/" in name else f"{value:.3f}" for name, value in numbers.items())]],
        "numbers": numbers, "codes": dict(codes), "seconds": seconds, "failures": sorted(set(failures)),
    }
