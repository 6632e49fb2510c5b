"""Other services beside docparse: same machine, same files, same client, by turns.

Every service is started anew for each kind of file and round, so that its peak of memory belongs to that kind. It is
warmed up, measured with one number of clients after the other, and ended; then comes the next service. Rounds begin with
another service each time. Figures are medians of the rounds. The peers need Pythons that have their packages (see the
heads of scripts/peers/*.py).
"""
import itertools
import json
import os
import pathlib
import statistics
import sys
import time

from . import documents
from .client import in_threads, quantile
from .server import Peak, Server, free_port, processor

TAKES_URL = False
PEERS = pathlib.Path(__file__).resolve().parent.parent / "peers"
# Kinds of files: how many differ, their ending, their pages.
KINDS = {"small": (40, "jpg", 1), "scan": (6, "jpg", 1), "pdf2": (40, "pdf", 2), "pdf50": (4, "pdf", 50)}


def arguments(command):
    command.add_argument("--ppocr-python", help="a Python with the packages of scripts/peers/ppocr_api.py")
    command.add_argument("--pymupdf-python", help="a Python with the packages of scripts/peers/pymupdf_api.py")
    command.add_argument("--tika-jar", help="a jar with Apache Tika and its parsers, see scripts/peers/TikaApi.java")
    command.add_argument("--kinds", default=",".join(KINDS))
    command.add_argument("--clients", default="1,4", help="numbers of clients")
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--seconds", type=float, default=8,
                         help="of each measurement; up to three times as long for --requests")
    command.add_argument("--requests", type=int, default=6)


class Service:
    """A service: how it is started, and how a file is sent to it for its text."""

    def __init__(self, name, make, send, kinds):
        self.name, self.make, self.send, self.kinds = name, make, send, kinds


def expect(answer):
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.text()[:300]}")
    return answer


def to_ocr(client, content, name):
    return expect(client.upload("/ocr", content, name)).text()


def to_job(client, content, name):
    """Markdown and JSON of a job; the Markdown is fetched, too."""
    job = expect(client.order(content, name, formats="md,json", wait=300)).json()
    if job["state"] != "done":
        raise RuntimeError(json.dumps(job))
    return client.result(job, ".md").decode()


def services(setting, options):
    number = itertools.count()
    log = setting.work / "peers.log"

    def ours():
        return setting.server(f"spool {next(number)}", is_started=False)

    def peer(program, script, **variables):
        """A service that `program` starts: an interpreter, or a command with its flags."""
        command = program if isinstance(program, list) else [program]

        def make():
            port = free_port()
            return Server([*command, str(PEERS / script), str(port)], port, "/health", log, {**os.environ, **variables})
        return make

    found = [Service("docparse /ocr", ours, to_ocr, {"small", "scan", "pdf2", "pdf50"}),
             Service("docparse jobs md,json", ours, to_job, {"pdf2", "pdf50"})]
    if options.ppocr_python:
        script = "ppocr_api.py"
        found.append(Service("ppocr_api", peer(options.ppocr_python, script), to_ocr, set(KINDS)))
        own = peer(options.ppocr_python, script, PPOCR_SETTINGS="rapidocr")
        found.append(Service("ppocr_api, rapidocr's settings", own, to_ocr, {"small", "scan"}))
    if options.pymupdf_python:
        found.append(Service("pymupdf_api", peer(options.pymupdf_python, "pymupdf_api.py"), to_ocr, {"pdf2", "pdf50"}))
    if options.tika_jar:
        java = ["java", "-cp", options.tika_jar]
        found.append(Service("TikaApi", peer(java, "TikaApi.java"), to_ocr, {"pdf2", "pdf50"}))
    return found


def measure(service, server, files, ending, clients, options, answers, mark, failures):
    """Requests of so many clients; the times of each, and the seconds of all."""
    times, numbers = [], itertools.count()
    begun = time.perf_counter()

    def work(_):
        while True:
            turn = next(numbers)
            passed = time.perf_counter() - begun
            # Slow services have their say, but not without end.
            if passed > options.seconds and (turn >= options.requests or passed > 3 * options.seconds):
                return
            index = turn % len(files)
            began = time.perf_counter()
            # A name of its own: equal orders would be one job.
            try:
                text = service.send(server.client, files[index][0], f"{mark}_{clients}_{turn}.{ending}")
            except RuntimeError as error:
                failures.append(f"{service.name}: {error}")
                continue
            times.append(time.perf_counter() - began)
            if answers.setdefault(index, text) != text:
                answers["different"] = answers.get("different", 0) + 1

    in_threads(clients, work)
    return times, time.perf_counter() - begun


def run(setting, options):
    drawer = setting.server("drawn", is_started=False)
    drawer.start()
    files = {}
    for kind in options.kinds.split(","):
        count, ending, pages = KINDS[kind]
        if ending == "jpg":
            files[kind] = documents.pictures(drawer.client, count, 5, kind)
        else:
            files[kind] = [documents.born_digital(f"{kind} {seed}", pages) for seed in range(count)]
    drawer.stop()
    found, failures = {}, []
    all_services = services(setting, options)
    for round_number in range(options.rounds):
        for kind, made in files.items():
            _, ending, pages = KINDS[kind]
            fitting = [service for service in all_services if kind in service.kinds]
            turn = round_number % len(fitting)
            for service in fitting[turn:] + fitting[:turn]:
                server = service.make()
                server.start()
                answers = {}
                with Peak(server.pid) as peak:
                    right = []
                    for index in range(2):
                        text = service.send(server.client, made[index][0], f"warm {round_number} {index}.{ending}")
                        right.append(documents.recall(made[index][1], text))
                    for clients in map(int, options.clients.split(",")):
                        used = processor(server.pid)
                        times, seconds = measure(service, server, made, ending, clients, options, answers,
                                                 f"{round_number}_{kind}", failures)
                        found.setdefault((kind, clients, service.name), []).append({
                            "requests/s": len(times) / seconds, "pages/s": len(times) * pages / seconds,
                            "p50": quantile(times, 0.5), "p99": quantile(times, 0.99), "count": len(times),
                            "cpu": (processor(server.pid) - used) / (len(times) * pages), "load": os.getloadavg()[0],
                            "words": min(right),
                        })
                server.stop()
                if answers.get("different"):
                    failures.append(f"{service.name}, {kind}: {answers['different']} answers differ from earlier ones "
                                    "to the same file")
                for clients in map(int, options.clients.split(",")):
                    one = found[kind, clients, service.name][-1]
                    one["peak"] = peak.bytes / 2**20
                    shown = {key: round(value, 3) for key, value in one.items()}
                    told = f"round {round_number + 1}: {kind}: {service.name}: {clients}: {shown}"
                    print(told, file=sys.stderr, flush=True)
    rows, numbers = [], []
    in_order = sorted(found.items(), key=lambda item: (list(KINDS).index(item[0][0]), item[0][1]))
    for (kind, clients, name), rounds in in_order:
        middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        numbers.append({"kind": kind, "clients": clients, "service": name, **middle, "rounds": rounds})
        rows.append([name, kind, clients, f"{middle['requests/s']:.2f}", f"{middle['pages/s']:.1f}",
                     f"{middle['p50']:.3f}", f"{middle['p99']:.3f}", f"{middle['cpu']:.4f}", f"{middle['peak']:.0f}",
                     f"{100 * middle['words']:.1f}", int(middle["count"])])
    head = ["service", "kind", "clients", "requests/s", "pages/s", "p50 s", "p99 s", "CPU s/page", "peak MiB", "words %",
            "requests"]
    return {"head": head, "rows": rows, "numbers": numbers, "failures": failures}
