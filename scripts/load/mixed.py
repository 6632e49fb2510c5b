"""Many clients with equal file names and opposite settings: answers are those of one client alone."""
import json
import random
import time

from . import documents
from .client import in_threads, quantile

TAKES_URL = True
# Opposites, on one name.
ORDERS = [
    {"formats": "md,json", "settings": {"page_breaks": "comment", "front_matter": True, "relevel_titles": True}},
    {"formats": "md,json", "settings": {"page_breaks": "rule", "front_matter": False, "relevel_titles": False}},
    {"formats": "md", "settings": {"markdown_style": "html", "concatenate_pages": True}},
    {"formats": "md", "settings": {"markdown_style": "gfm", "page_breaks": "comment"}, "pages": "2"},
    {"formats": "md,json", "settings": {"text_layer": "never", "page_breaks": "rule"}, "pages": "1"},
]
# What differs from time to time.
MOVING = {"timings", "input_path", "duration_ms", "created", "seconds"}


def arguments(command):
    command.add_argument("--clients", type=int, default=64)
    command.add_argument("--rounds", type=int, default=8, help="requests of each client")


def lasting(value):
    """A JSON value without what differs from time to time."""
    if isinstance(value, dict):
        return {key: lasting(inner) for key, inner in value.items() if key not in MOVING}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


def run(setting, options):
    server = setting.server()
    client = server.client
    pdfs = [documents.born_digital(f"mixed {seed}", 2)[0] for seed in range(6)]
    pictures = [content for content, _ in documents.pictures(client, 6, 3, "small")]
    cases = [(content, "same.pdf", index) for content in pdfs for index in range(len(ORDERS))]
    # Recognition takes longest: one order of that kind is enough for half of the documents.
    cases = [case for case in cases if case[2] != 4 or case[0] in pdfs[:2]]
    cases += [(content, "same.pdf", index) for content in pictures for index in (0, 1, 2)]
    cases += [(content, "same.jpg", "/ocr") for content in pictures] + [(content, "same.pdf", "/ocr") for content in pdfs]

    def answer(case, key):
        content, name, what = case
        if what == "/ocr":
            reply = client.upload("/ocr", content, name)
            if reply.status != 200:
                raise RuntimeError(f"/ocr: {reply.status} {reply.text()[:200]}")
            return [reply.body]
        while True:
            reply = client.order(content, name, wait=120, key=key, **ORDERS[what])
            if reply.status != 429:
                break
            time.sleep(int(reply.headers["retry-after"]))
        if reply.status not in (200, 202):
            raise RuntimeError(f"/v1/jobs: {reply.status} {reply.text()[:200]}")
        job = client.finished(reply.json())
        if job["state"] != "done":
            raise RuntimeError(f"a job ended as {job['state']}: {job}")
        return [client.result(job, ".md"), lasting(json.loads(client.result(job, ".json") or b"null"))]

    mark = time.time_ns()
    begun = time.perf_counter()
    alone = [answer(case, f"alone {mark} {index}") for index, case in enumerate(cases)]
    serial_seconds = time.perf_counter() - begun
    # Opposite settings show, or the test would see nothing.
    failures = [] if alone[0][0] != alone[1][0] != alone[2][0] else ["opposite settings give equal answers"]
    differing, times = [], []
    begun = time.perf_counter()

    def work(number):
        rng = random.Random(number)
        for turn in range(options.rounds):
            index = rng.randrange(len(cases))
            began = time.perf_counter()
            if answer(cases[index], f"{mark} {number} {turn}") != alone[index]:
                differing.append(index)
            times.append(time.perf_counter() - began)

    in_threads(options.clients, work)
    seconds = time.perf_counter() - begun
    if differing:
        failures.append(f"{len(differing)} answers differ from those of one client alone: cases {sorted(set(differing))}")
    if len(times) != options.clients * options.rounds:
        failures.append("answers are missing")
    return {
        "head": ["clients", "cases", "answers", "different", "alone/s", "together/s", "p50 s", "p99 s"],
        "rows": [[options.clients, len(cases), len(times), len(differing), f"{len(cases) / serial_seconds:.1f}",
                  f"{len(times) / seconds:.1f}", f"{quantile(times, 0.5):.2f}", f"{quantile(times, 0.99):.2f}"]],
        "answers": len(times), "different": len(differing), "seconds": seconds, "failures": failures,
    }
