"""A headless Chromium, driven through the DevTools protocol over a pipe. Needs Python alone, and `chromium` on the path."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Code, character and key code of the keys that tests press.
KEYS = {
    "Tab": ("Tab", "", 9),
    "Enter": ("Enter", "\r", 13),
    "Space": ("Space", " ", 32),
    "Escape": ("Escape", "", 27),
    "ArrowDown": ("ArrowDown", "", 40),
    "ArrowUp": ("ArrowUp", "", 38),
    "ArrowRight": ("ArrowRight", "", 39),
}
SHIFT = 8


class BrowserError(Exception):
    pass


class Browser:
    """A browser with a profile of its own, which is removed with it."""

    def __init__(self):
        program = next((found for found in map(shutil.which, NAMES) if found), None)
        if not program:
            raise BrowserError("no Chromium on the path; install the package `chromium`")
        self.profile = tempfile.mkdtemp(prefix="docparse-page-")
        command_read, self.command_write = os.pipe()
        self.answer_read, answer_write = os.pipe()
        flags = [
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={self.profile}",
            "--no-first-run",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-sync",
            "--disable-component-update",
            "--disable-extensions",
            "--lang=en",
            "--hide-scrollbars",
        ]
        if os.getuid() == 0:
            flags.append("--no-sandbox")

        def wire():
            # The pipe is expected at these numbers; copies first, as one may be the other.
            read, write = os.dup(command_read), os.dup(answer_write)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            [program, *flags, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=wire,
            close_fds=False,
        )
        os.close(command_read)
        os.close(answer_write)
        self.number = 0
        self.answers = {}
        self.pages = {}
        self.news = threading.Condition()
        self.closed = False
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        rest = b""
        while True:
            try:
                got = os.read(self.answer_read, 1 << 20)
            except OSError:
                got = b""
            if not got:
                break
            *messages, rest = (rest + got).split(b"\0")
            for message in messages:
                message = json.loads(message)
                with self.news:
                    if "id" in message:
                        self.answers[message["id"]] = message
                    elif message.get("sessionId") in self.pages:
                        self.pages[message["sessionId"]].events.append(message)
                    self.news.notify_all()
                page = self.pages.get(message.get("sessionId"))
                if page and page.on_event and "method" in message:
                    # Answering waits for this thread, so it has to happen on another.
                    threading.Thread(target=page.on_event, args=(message,), daemon=True).start()
        with self.news:
            self.closed = True
            self.news.notify_all()

    def call(self, method, params=None, session=None, timeout=60):
        with self.news:
            self.number += 1
            number = self.number
        message = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self.command_write, json.dumps(message).encode() + b"\0")
        with self.news:
            self.news.wait_for(lambda: number in self.answers or self.closed, timeout)
            answer = self.answers.pop(number, None)
        if answer is None:
            raise BrowserError(f"no answer to {method}")
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def page(self, width=1280, height=800):
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session)
        self.pages[session] = page
        for domain in ("Page", "Runtime", "Network", "Log", "Audits", "DOM", "Accessibility"):
            page.call(f"{domain}.enable")
        page.window(width, height)
        return page

    def downloads(self, folder):
        self.call("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})

    def close(self):
        try:
            self.call("Browser.close", timeout=5)
            self.process.wait(10)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    """A tab, with all that was reported about it in `events`."""

    def __init__(self, browser, session):
        self.browser = browser
        self.session = session
        self.events = []
        self.on_event = None

    def call(self, method, params=None, timeout=60):
        return self.browser.call(method, params, self.session, timeout)

    def window(self, width, height):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def colours(self, scheme):
        self.call("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def open(self, url):
        self.call("Page.navigate", {"url": url})
        self.until("document.readyState === 'complete'")

    def reload(self):
        self.js("window.isOld = true, location.reload()")
        self.until("!window.isOld && document.readyState === 'complete'")

    def js(self, source):
        """The value of an expression, which may be a promise."""
        answer = self.call(
            "Runtime.evaluate", {"expression": source, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(
                f"{source[:200]}: {details.get('exception', {}).get('description') or details.get('text')}"
            )
        return answer["result"].get("value")

    def until(self, source, seconds=30):
        """Waits until an expression is true, and gives its value."""
        end = time.monotonic() + seconds
        while True:
            try:
                # An element has no value here, and is true.
                value = self.js(f"Promise.resolve({source}).then((v) => (v instanceof Node ? true : v))")
            except BrowserError as error:
                value, last = None, error
            else:
                last = None
            if value:
                return value
            if time.monotonic() > end:
                raise BrowserError(f"never true: {source}" + (f" ({last})" if last else ""))
            time.sleep(0.05)

    def middle(self, selector):
        """The middle of an element, which is moved into the window."""
        place = self.until(f"""(() => {{
            const found = document.querySelector({json.dumps(selector)});
            if (!found) return null;
            found.scrollIntoView({{block: "center", behavior: "instant"}});
            const box = found.getBoundingClientRect();
            return box.width > 0 && [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        return {"x": place[0], "y": place[1]}

    def hover(self, selector):
        self.call("Input.dispatchMouseEvent", {"type": "mouseMoved", **self.middle(selector)})

    def click(self, selector):
        place = self.middle(selector)
        self.call("Input.dispatchMouseEvent", {"type": "mouseMoved", **place})
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", {"type": kind, "button": "left", "clickCount": 1, **place})

    def press(self, key, modifiers=0):
        code, text, number = KEYS[key]
        event = {
            "key": text if key == "Space" else key,
            "code": code,
            "windowsVirtualKeyCode": number,
            "modifiers": modifiers,
        }
        self.call("Input.dispatchKeyEvent", {"type": "keyDown" if text else "rawKeyDown", "text": text, **event})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def type(self, text):
        self.call("Input.insertText", {"text": text})

    def tab_to(self, selector, limit=80):
        """Presses Tab until an element has the focus."""
        for _ in range(limit):
            self.press("Tab")
            if self.js(f"document.activeElement?.matches({json.dumps(selector)})"):
                return
        raise BrowserError(f"Tab does not reach {selector}")

    def choose(self, selector, paths):
        """Puts files into a file field."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        self.call("DOM.setFileInputFiles", {"nodeId": node, "files": [str(path) for path in paths]})

    def drop(self, selector, paths):
        place = self.middle(selector)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", {"type": kind, "data": data, **place})

    def picture(self, path, whole=False):
        """Writes what is seen, or the whole page, as a PNG file."""
        params = {"format": "png"}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            params |= {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1},
            }
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", params)["data"]))

    def named(self, method):
        """The parameters of all events of a kind."""
        return [event["params"] for event in list(self.events) if event["method"] == method]

    def wait_event(self, method, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.named(method)
            if found:
                return found[-1]
            time.sleep(0.05)
        raise BrowserError(f"no event {method}")
