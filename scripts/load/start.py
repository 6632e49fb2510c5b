"""Times to the port and until work is taken."""
import statistics

TAKES_URL = False


def arguments(command):
    command.add_argument("--runs", type=int, default=10)


def run(setting, options):
    runs = []
    for number in range(options.runs):
        server = setting.server(f"spool {number}", is_started=False)
        runs.append(server.start())
        server.stop()
    rows, numbers = [], {}
    for name, index in (("port", 0), ("ready", 1)):
        values = [run[index] for run in runs]
        numbers[name] = {"median": statistics.median(values), "min": min(values), "max": max(values)}
        rows.append([name, len(values), *(f"{value:.2f}" for value in numbers[name].values())])
    return {"head": ["until", "runs", "median s", "min s", "max s"], "rows": rows, "numbers": numbers, "runs": runs,
            "failures": []}
