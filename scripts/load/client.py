"""What scripts/serve_load.py says to servers: HTTP over connections that are kept, forms, jobs."""
import http.client
import json
import random
import threading
import time
import urllib.parse

# Seconds that a request may take.
PATIENCE = 600
FINAL = {"done", "partial", "failed", "canceled"}


class Answer:
    """What was answered, and after how many seconds."""

    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode("utf-8", "replace")


class Client:
    """A client of one server. Each thread has a connection of its own, which is kept."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self.address = urllib.parse.urlsplit(self.url).netloc
        self.own = threading.local()

    def ask(self, method, path, body=None, headers=None, patience=PATIENCE):
        began = time.perf_counter()
        kept = getattr(self.own, "connection", None)
        connection = kept or http.client.HTTPConnection(self.address, timeout=patience)
        try:
            answer = self._exchange(connection, method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # Servers close connections that are idle; that is no fault of theirs.
            connection.close()
            self.own.connection = None
            if not kept:
                raise
            connection = http.client.HTTPConnection(self.address, timeout=patience)
            answer = self._exchange(connection, method, path, body, headers)
        except Exception:
            connection.close()
            self.own.connection = None
            raise
        self.own.connection = connection
        status, got, content = answer
        return Answer(status, got, content, time.perf_counter() - began)

    @staticmethod
    def _exchange(connection, method, path, body, headers):
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    def get(self, path, patience=PATIENCE):
        return self.ask("GET", path, patience=patience)

    def order(self, content, name, formats="md", wait=None, pages=None, settings=None, key=None, patience=PATIENCE):
        """Orders a job: the file is the body of the request."""
        query = {"name": name, "formats": formats}
        if wait is not None:
            query["wait"] = wait
        if pages:
            query["pages"] = pages
        if settings:
            query["settings"] = json.dumps(settings)
        headers = {"content-type": "application/octet-stream"}
        if key:
            headers["idempotency-key"] = key
        path = "/v1/jobs?" + urllib.parse.urlencode(query)
        return self.ask("POST", path, content, headers, patience)

    def upload(self, path, content, name, field="file", fields=()):
        """Sends a form with a file."""
        kind, body = form(content, name, field, fields)
        return self.ask("POST", path, body, {"content-type": kind})

    def finished(self, job):
        """A job once it has ended."""
        while job["state"] not in FINAL:
            answer = self.get(f"/v1/jobs/{job['id']}?wait=30")
            if answer.status != 200:
                raise RuntimeError(f"job {job['id']}: {answer.status} {answer.text()[:200]}")
            job = answer.json()
        return job

    def result(self, job, ending):
        """The output of a finished job whose name has this ending; None without one."""
        for file in job["files"]:
            for output in file["outputs"]:
                if output["name"].endswith(ending):
                    answer = self.get(f"/v1/jobs/{job['id']}/result/{urllib.parse.quote(output['name'])}")
                    if answer.status != 200:
                        raise RuntimeError(f"the result of job {job['id']} is gone: {answer.status}")
                    return answer.body
        return None


def form(content, name, field="file", fields=()):
    """The media type and the bytes of a form with a file."""
    mark = f"{random.getrandbits(96):024x}"
    begin = f'--{mark}\r\ncontent-disposition: form-data; name='
    parts = [f'{begin}"{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields]
    head = f'{begin}"{field}"; filename="{name}"\r\n'
    head += "content-type: application/octet-stream\r\n\r\n"
    parts += [head.encode(), content, f"\r\n--{mark}--\r\n".encode()]
    return f"multipart/form-data; boundary={mark}", b"".join(parts)


def in_threads(count, work):
    """Calls work(number) in so many threads, and raises what any of them raised."""
    faults = []

    def guarded(number):
        try:
            work(number)
        except Exception as error:  # told by the caller, in its own thread
            faults.append(error)

    threads = [threading.Thread(target=guarded, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def quantile(values, share):
    """The value below which this share of the values lies; of few values the last is the largest."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
