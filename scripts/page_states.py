"""Parts of the test of the page: states of the server and the connection, and checks for everybody's use. Needs Python alone."""

import base64
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPORT = ROOT / "examples/documents/report.pdf"


def need(condition, what):
    if not condition:
        raise AssertionError(what)


class States:
    """Tests that the browser answers for the server in."""

    def test_states(self, page):
        """Answers that a server rarely gives are given by the browser in its place."""
        left = {"readyz": 2, "jobs": 2}
        seen = []

        def answer(request, status, body, headers=()):
            page.call(
                "Fetch.fulfillRequest",
                {
                    "requestId": request,
                    "responseCode": status,
                    "body": base64.b64encode(json.dumps(body).encode()).decode(),
                    "responseHeaders": [
                        {"name": "Content-Type", "value": "application/json"},
                        *({"name": n, "value": v} for n, v in headers),
                    ],
                },
            )

        def on_event(event):
            if event["method"] != "Fetch.requestPaused":
                return
            request, asked = event["params"]["requestId"], event["params"]["request"]
            if asked["url"].endswith("/readyz") and left["readyz"] > 0:
                left["readyz"] -= 1
                answer(request, 503, {"status": "starting", "detail": "loading"}, [("Retry-After", "1")])
            elif asked["method"] == "POST" and left["jobs"] > 0:
                left["jobs"] -= 1
                if left["jobs"]:
                    answer(
                        request,
                        429,
                        {"error": {"code": "overloaded", "message": "wait", "request_id": "r1"}},
                        [("Retry-After", "2")],
                    )
                else:
                    answer(
                        request,
                        401,
                        {"error": {"code": "unauthorized", "message": "a key is needed", "request_id": "r2"}},
                    )
            else:
                seen.append((asked["method"], asked["url"], asked["headers"].get("Authorization")))
                page.call("Fetch.continueRequest", {"requestId": request})

        page.on_event = on_event
        page.call("Fetch.enable", {"patterns": [{"urlPattern": "*/readyz"}, {"urlPattern": "*/v1/*"}]})
        page.open(self.url + "/")
        page.until(
            "!document.getElementById('banner').hidden && document.getElementById('banner').textContent.includes('loading')"
        )
        self.shot(page, "starting")
        page.until("document.getElementById('banner').hidden", 20)
        page.choose("#file-input", [self.report()])
        page.click("#parse")
        page.until("document.querySelector('.upload-status').textContent.includes('busy')")
        self.shot(page, "busy")
        page.until("document.getElementById('key-dialog').open", 20)
        self.shot(page, "key")
        page.type("a-key")
        page.press("Enter")
        page.until("!document.getElementById('key-dialog').open")
        need(
            page.js("sessionStorage.length === 1 && !JSON.stringify(localStorage).includes('a-key')"),
            "the key is kept elsewhere",
        )
        page.until("document.querySelector('.chosen li')")
        page.click("#parse")
        page.until(
            "document.querySelector('#job .state-done') && document.querySelector('.sheet-picture')?.naturalWidth > 0",
            60,
        )
        self.browser.downloads(self.folder)
        page.click("#tab-files")
        page.until("document.querySelector('.output-link')")
        page.js(
            "[...document.querySelectorAll('.output-link')].find((one) => one.download === 'report.json').id = 'the-json'"
        )
        page.click("#the-json")
        self.downloaded("report.json", b"{")
        keyed = [one for one in seen if one[2] == "Bearer a-key"]
        for part in ("/v1/jobs", "/pages", "/events", "/result/"):
            need(any(part in one[1] for one in keyed), f"no key was sent to {part}")
        need(all(one[2] for one in seen if "/result" in one[1]), "a result was asked for without the key")
        page.on_event = None
        page.call("Fetch.disable")
        page.js("sessionStorage.clear()")

        page.open(self.url + "/?again")
        page.until("document.querySelector('[name=format]')")
        page.call(
            "Network.emulateNetworkConditions",
            {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )
        page.choose("#file-input", [self.report()])
        page.click("#parse")
        page.until("document.querySelector('.upload-status').textContent.includes('connection')")
        page.until("!document.getElementById('banner').hidden")
        self.shot(page, "offline")
        page.call(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )
        page.until("document.querySelector('#job .state-done')", 60)
        page.until("document.getElementById('banner').hidden", 20)

    def test_lost_streams(self, page):
        """Streams that break off are taken up again."""
        breaks = {"events": 1, "pages": 1}

        def on_event(event):
            if event["method"] != "Fetch.requestPaused":
                return
            request, asked = event["params"]["requestId"], event["params"]["request"]["url"]
            part = asked.rsplit("/", 1)[-1]
            if breaks.get(part, 0) > 0:
                breaks[part] -= 1
                page.call("Fetch.failRequest", {"requestId": request, "errorReason": "Failed"})
            else:
                page.call("Fetch.continueRequest", {"requestId": request})

        page.on_event = on_event
        page.call("Fetch.enable", {"patterns": [{"urlPattern": "*/events"}, {"urlPattern": "*/pages"}]})
        self.job(page, self.report())
        page.until("document.querySelectorAll('.page').length === 2")
        page.until("document.querySelector('#job .problem')?.hidden !== false")
        need(breaks["pages"] == 0, "the pages were not asked for")
        page.on_event = None


class Checks:
    """What holds for every view."""

    def names(self, page):
        """Everything that can be used has a name for screen readers."""
        roles = {
            "button",
            "link",
            "textbox",
            "checkbox",
            "combobox",
            "tab",
            "progressbar",
            "spinbutton",
            "searchbox",
            "dialog",
            "img",
        }
        for node in page.call("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if role in roles and not node.get("ignored"):
                need(node.get("name", {}).get("value"), f"without a name: {json.dumps(node)[:400]}")

    def contrasts(self, page, where):
        """Texts on view have contrasts of at least 4.5 : 1, large ones 3 : 1."""
        low = page.js("""(() => {
            const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
            const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            const ground = (one) => {
                for (let at = one; at; at = at.parentElement) {
                    const colour = parse(getComputedStyle(at).backgroundColor);
                    if (colour.length === 3 || colour[3] === 1) return colour;
                }
                return [255, 255, 255];
            };
            const out = [];
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const one = walker.currentNode.parentElement;
                if (!walker.currentNode.data.trim() || one.closest("svg, option, .visually-hidden") || !one.checkVisibility()) continue;
                const style = getComputedStyle(one);
                const [a, b] = [light(parse(style.color)), light(ground(one))];
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                const large = parseFloat(style.fontSize) >= 24;
                if (ratio < (large ? 3 : 4.5)) out.push(`${walker.currentNode.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
            }
            return [...new Set(out)];
        })()""")
        need(not low, f"{where}: low contrasts: {low}")
