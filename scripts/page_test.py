#!/usr/bin/env python3
"""Tests the page of `docparse serve` in a headless Chromium.

    scripts/page_test.py --binary target/release/docparse [--runtime-dir runtime] [--shots DIR]
    scripts/page_test.py --url http://127.0.0.1:8080 [--shots DIR]

Needs Python 3.10 and Chromium (`apt-get install chromium`), nothing else. The first form starts a server and ends it. With --shots
pictures of all views are written. Any violation of the page's policy, any exception in a script, and any request to another
host is a failure, whatever else is tested.
"""

import argparse
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from page_browser import SHIFT, Browser, BrowserError  # noqa: E402
from page_samples import LONG, RENDERED, hostile_pdf, long_pdf  # noqa: E402
from page_states import REPORT, Checks, States, need  # noqa: E402

# Lines of the console that say nothing about the page: the browser's advice, and answers that the tests ask for.
EXPECTED = re.compile(
    r"status of (401|404|410|429|503)|net::ERR_(INTERNET_DISCONNECTED|FAILED|CONNECTION_REFUSED|ABORTED)|ERR_NETWORK"
)
BADNAME = "<img src=x onerror=window.hit=9>&amp;\"'.pdf"


class Test(States, Checks):
    def __init__(self, browser, url, shots, folder, long_pages):
        self.browser = browser
        self.url = url.rstrip("/")
        self.shots = shots
        self.folder = folder
        self.long_pages = long_pages

    def page(self, **window):
        page = self.browser.page(**window)
        page.call(
            "Page.addScriptToEvaluateOnNewDocument",
            {"source": """
            window.violations = [];
            document.addEventListener("securitypolicyviolation", (event) =>
                window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
        """},
        )
        return page

    def own(self, data, name):
        """A file that no server has seen: the same bytes again would give the job there is."""
        path = self.folder / uuid.uuid4().hex / name
        path.parent.mkdir()
        path.write_bytes(data + f"\n% {uuid.uuid4()}\n".encode())
        return path

    def report(self):
        return self.own(REPORT.read_bytes(), "report.pdf")

    def close_page(self, page):
        """Pages are closed and their choices forgotten, so that no test sees another one's."""
        page.on_event = None
        page.call("Storage.clearDataForOrigin", {"origin": self.url, "storageTypes": "local_storage"})
        page.call("Page.close")

    def shot(self, page, name, whole=False):
        if self.shots:
            time.sleep(0.35)
            page.picture(self.shots / f"{name}.png", whole)

    def clean(self, page):
        """Fails if anything was blocked or thrown, or left for another host."""
        violations = page.js("window.violations")
        need(not violations, f"violations of the policy: {violations}")
        need(page.js("window.hit") is None, "a document ran a script")
        for issue in page.named("Audits.issueAdded"):
            need("ContentSecurityPolicy" not in issue["issue"]["code"], f"an issue of the policy: {issue}")
        thrown = [event["exceptionDetails"] for event in page.named("Runtime.exceptionThrown")]
        need(not thrown, f"thrown: {json.dumps(thrown)[:800]}")
        for event in page.named("Log.entryAdded"):
            entry = event["entry"]
            if entry["level"] == "error":
                need(EXPECTED.search(entry["text"]), f"in the console: {entry['text']} {entry.get('url', '')}")
        need(not page.named("Page.javascriptDialogOpening"), "a dialog of a script was opened")
        for event in page.named("Network.requestWillBeSent"):
            asked = event["request"]["url"]
            ours = asked.startswith((self.url + "/", f"blob:{self.url}", "data:", "about:"))
            need(ours, f"a request elsewhere: {asked}")

    def job(self, page, path, name=None):
        """Uploads a file by the page and waits for its end."""
        page.open(self.url + "/")
        page.until("document.querySelector('[name=format]')")
        page.choose("#file-input", [path])
        page.click("#parse")
        page.until("location.hash.startsWith('#/jobs/')", 60)
        page.until("document.querySelector('#job .state-done, #job .state-partial, #job .state-failed')", 120)
        return page.js("decodeURIComponent(location.hash.slice(7))")

    # Each test has a page of its own.

    def test_start(self, page):
        page.open(self.url + "/")
        page.until("document.querySelector('[name=format]')")
        need(
            page.js(
                "document.querySelector('main') && document.querySelector('header') && document.querySelector('nav')"
                " && document.documentElement.lang === 'en'"
            )
            is not None,
            "no landmarks",
        )
        need(
            page.js("getComputedStyle(document.querySelector('#theme svg')).stroke !== 'none'"),
            "the style sheet is not used",
        )
        self.shot(page, "start")
        self.names(page)
        page.open(self.url + "/docs")
        page.until("document.querySelector('.route')")
        page.click(".route summary")
        self.shot(page, "docs")
        self.names(page)

    def test_renderer(self, page):
        page.open(self.url + "/")
        for source, wanted in RENDERED:
            got = page.js("""(async () => {
                const { markdown } = await import("/static/markdown.js");
                const picture = (source) => document.createTextNode(`PICTURE ${source}`);
                const place = document.createElement("div");
                place.append(markdown(%s, { picture }));
                document.body.append(place);
                for (const one of place.querySelectorAll(".formula")) one.replaceWith("FORMULA");
                const bad = [...place.querySelectorAll("*")].some((one) =>
                    [...one.attributes].some((attribute) => /^on|^style$|^srcset$/i.test(attribute.name))
                    || /^(script|iframe|object|embed|svg|style|form|input)$/.test(one.localName));
                return [place.innerHTML, bad];
            })()""" % json.dumps(source))
            need(not got[1], f"not safe: {source!r} -> {got[0]}")
            need(wanted is None or got[0] == wanted, f"{source!r}\n  gives {got[0]}\n  not   {wanted}")
        asked = page.js("""(async () => {
            const { Pictures, sourcesOf } = await import("/static/pictures.js");
            const file = { outputs: [{ name: "deep/a.md" }, { name: "secret.jpg" }] };
            const { picture } = sourcesOf(new Pictures("none"), () => file);
            const sources = ["http://elsewhere.invalid/a.jpg", "//elsewhere.invalid/a.jpg", "/static/icon.svg", "imgs/none.jpg",
                "../../../readyz", "javascript:hit()", "data:text/html;base64,AAAA", "data:image/svg+xml;base64,AAAA", "blob:x", "\\\\x\\y"];
            const made = sources.map((source) => picture(source, "<b>", null));
            document.body.append(...made);
            return made.filter((one) => one.querySelector("img")).length;
        })()""")
        need(asked == 0, f"{asked} pictures that the job does not have are shown")
        for source in LONG:
            took = page.js("""(async () => {
                const { markdown } = await import("/static/markdown.js");
                const start = performance.now();
                markdown(%s, { picture: () => document.createTextNode("") });
                return performance.now() - start;
            })()""" % json.dumps(source))
            need(took < 4000, f"{took:.0f} ms for {source[:20]!r} ...")

    def test_keyboard(self, page):
        page.open(self.url + "/")
        page.until("document.querySelector('[name=format]')")
        page.call("Page.setInterceptFileChooserDialog", {"enabled": True})
        page.tab_to("#file-input")
        page.press("Enter")
        node = page.wait_event("Page.fileChooserOpened")["backendNodeId"]
        page.call("DOM.setFileInputFiles", {"backendNodeId": node, "files": [str(self.report())]})
        page.until("document.querySelector('.chosen li')")
        page.tab_to("#parse")
        page.press("Enter")
        page.until("document.querySelector('#job .state-done')", 60)
        page.until("document.querySelectorAll('.box').length > 5")
        page.tab_to(".box")
        first = page.js("document.activeElement.getAttribute('aria-label')")
        need(re.search(r"order 1, (no confidence|confidence \d+ %)", first), f"the name of a box: {first}")
        need(
            page.js("document.querySelectorAll('.part.is-marked').length") > 0,
            "the text of a focused box is not marked",
        )
        page.press("ArrowDown")
        need(
            page.js("document.activeElement.getAttribute('aria-label')") != first,
            "an arrow does not move to the next box",
        )
        page.press("Tab")
        need(page.js("document.activeElement.matches('.part')"), "Tab does not go from the boxes to the text")
        need(
            page.js("document.querySelectorAll('.box.is-marked').length") == 1,
            "the box of a focused text is not marked",
        )
        self.shot(page, "keyboard")
        page.press("Tab", SHIFT)
        need(page.js("document.activeElement.matches('.box')"), "Shift and Tab do not go back to the boxes")
        page.js("document.getElementById('tab-pages').focus()")
        page.press("ArrowRight")
        need(page.js("document.activeElement.id") == "tab-document", "an arrow does not move to the next view")

    def test_progress(self, page):
        page.open(self.url + "/")
        page.until("document.querySelector('[name=format]')")
        page.js("""(() => {
            window.seen = { states: new Set(), said: new Set(), provisional: false, upload: false };
            new MutationObserver(() => {
                const state = document.querySelector("#job .state");
                if (state) seen.states.add(state.className.split("state-")[1]);
                seen.said.add(document.getElementById("live").textContent);
                if (document.querySelector(".page .provisional:not([hidden])")) seen.provisional = true;
                if (!document.querySelector(".upload-progress").hidden) seen.upload = true;
            }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
        })()""")
        page.drop(".drop-zone", [self.report()])
        page.until("document.querySelector('.chosen li')")
        self.shot(page, "chosen")
        page.click("#parse")
        page.until("document.querySelector('#job .state-done')", 60)
        seen = page.js(
            "({states: [...seen.states], said: [...seen.said], provisional: seen.provisional, upload: seen.upload})"
        )
        need(seen["upload"], "no progress of the upload")
        need("done" in seen["states"] and len(seen["states"]) > 1, f"states seen: {seen['states']}")
        need(any("Done" in one for one in seen["said"]), f"announced: {seen['said']}")
        page.until("document.querySelectorAll('.page').length === 2")
        page.until("[...document.querySelectorAll('.provisional')].every((one) => one.hidden)")

    def test_result(self, page):
        self.job(page, self.report())
        page.until("document.querySelectorAll('.box').length > 20")
        page.until("document.querySelector('.sheet-picture')?.naturalWidth > 100")
        size = page.js(
            "(() => { const p = document.querySelector('.sheet-picture').getBoundingClientRect();"
            " const i = document.querySelector('.sheet-picture'); const b = document.querySelector('.boxes').viewBox.baseVal;"
            " return [p.width / p.height, i.naturalWidth / i.naturalHeight, b.width / b.height]; })()"
        )
        need(max(size) - min(size) < 0.01, f"ratios of the sheet, its picture and its boxes: {size}")
        page.hover(".box-table > rect")
        need(
            page.js("Boolean(document.querySelector('.part.is-marked table'))"),
            "pointing at a table's box does not mark the table",
        )
        facts = page.js("document.querySelector('.facts').textContent")
        need("Table" in facts and "confidence" in facts, f"facts: {facts}")
        self.shot(page, "pages")
        page.js("document.querySelectorAll('.part')[4].id = 'fifth'")
        page.hover("#fifth")
        need(
            page.js("document.querySelectorAll('.box.is-marked').length") == 1,
            "pointing at a text does not mark its box",
        )
        pairs = page.js(
            "(() => { const all = [...document.querySelector('.prose').children]; return [all.length,"
            " document.querySelectorAll('.page')[0].querySelectorAll('.prose .part').length]; })()"
        )
        need(pairs[1] >= 0.9 * pairs[0], f"of {pairs[0]} texts {pairs[1]} have a box")
        need(
            page.js("document.querySelector('.prose td[colspan], .prose th[colspan]')?.colSpan") in (2, 3),
            "a cell does not span columns",
        )
        page.click("#tab-document")
        page.until("[...document.querySelectorAll('.whole .picture img')].some((one) => one.naturalWidth > 50)")
        need(page.js("document.querySelector('.whole table th[rowspan]')?.rowSpan") == 2, "no table in the document")
        page.click(".whole .note-mark")
        need(page.js("document.activeElement.matches('.note')"), "the mark of a footnote does not go to it")
        self.shot(page, "document", whole=True)
        page.click("#tab-source")
        page.until("document.querySelector('.source')?.textContent.startsWith('# Tidal Observations')")
        self.shot(page, "source")
        page.click("#tab-files")
        page.until("document.querySelector('.output-link')")
        self.shot(page, "files")
        names = page.js("[...document.querySelectorAll('.output-link')].map((one) => one.download)")
        need("report.md" in names and "report.json" in names, f"outputs: {names}")
        self.browser.downloads(self.folder)
        page.js(
            "[...document.querySelectorAll('.output-link')].find((one) => one.download === 'report.md').id = 'the-markdown'"
        )
        page.click("#the-markdown")
        self.downloaded("report.md", b"# Tidal Observations")
        page.click(".actions .primary")
        self.downloaded("*.zip", b"PK\x03\x04")
        self.browser.call(
            "Browser.grantPermissions",
            {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": self.url},
        )
        page.click("#copy")
        page.until("!document.getElementById('toast').hidden")
        page.call("Page.bringToFront")
        copied = page.js("navigator.clipboard.readText()")
        need(copied.startswith("# Tidal Observations"), f"copied: {copied[:60]!r}")
        self.names(page)

    def downloaded(self, name, start):
        """Waits for a file whose name fits; the server may name it otherwise than the link."""
        end = time.monotonic() + 15
        while not any(path.read_bytes().startswith(start) for path in self.folder.glob(name)):
            need(
                time.monotonic() < end,
                f"not downloaded: {name}; there are {[one.name for one in self.folder.iterdir()]}",
            )
            time.sleep(0.05)

    def test_jobs(self, page):
        job = self.job(page, self.report())
        page.click(".back")
        link = f'.job-name[href="#/jobs/{job}"]'
        page.until(f"document.querySelector({json.dumps(link)})")
        self.shot(page, "jobs")
        page.click(link)
        page.until("document.querySelector('#job .state-done') && document.querySelector('.page')")
        page.click("#remove-job")
        page.until("document.getElementById('ask').open")
        page.press("Escape")
        page.until("!document.getElementById('ask').open")
        need(page.js("location.hash").endswith(job), "a job was removed without a yes")
        page.click("#remove-job")
        self.shot(page, "remove")
        page.click("#ask [data-answer=yes]")
        page.until("location.hash === ''")
        page.until("document.querySelector('.jobs')")
        time.sleep(0.5)
        need(not page.js(f"Boolean(document.querySelector({json.dumps(link)}))"), "a removed job is still listed")
        page.open(f"{self.url}/#/jobs/{job}")
        page.until("document.querySelector('#job .error-box')")
        need(
            "Request" in page.js("document.querySelector('#job .error-box').textContent"),
            "an error without its request",
        )

    def test_several_files(self, page):
        page.open(self.url + "/")
        page.until("document.querySelector('[name=format]')")
        broken = self.own(b"%PDF-1.4 this is no document", "broken.pdf")
        page.choose("#file-input", [self.report(), broken])
        page.js("document.getElementById('pages').value = '1'")
        page.click("#parse")
        page.until("document.querySelector('#job .state-partial')", 60)
        need(page.js("document.querySelectorAll('.file-tab').length") == 2, "no switch between files")
        need(
            "broken.pdf" in page.js("document.querySelector('#job .problems').textContent"),
            "the error does not name its file",
        )
        need(page.js("document.querySelectorAll('.page').length") == 1, "pages that were not asked for")
        need(page.js("!document.getElementById('tab-problems').hidden"), "no list of problems")
        page.click(".file-tab:nth-child(2)")
        page.until("document.querySelector('.page-waiting')")
        self.shot(page, "several")
        page.js("document.getElementById('tab-problems').click()")
        self.shot(page, "problems")

    def test_cancel(self, page):
        path = self.own(long_pdf(self.long_pages), "long.pdf")
        page.open(self.url + "/")
        page.until("document.querySelector('[name=format]')")
        page.choose("#file-input", [path])
        page.click("#parse")
        page.until("document.querySelector('#cancel-job')", 60)
        page.until("document.querySelector('#job .state-running')", 60)
        page.until(
            "document.querySelector('.page .provisional:not([hidden])') || document.querySelector('#job .state-done')",
            120,
        )
        self.shot(page, "running")
        # A hidden tab keeps no connections, and takes the pages up again when it is seen.
        hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true}), document.dispatchEvent(new Event('visibilitychange'))"
        page.js(hide % "true")
        time.sleep(1.5)
        before = page.js("document.querySelectorAll('.page').length")
        time.sleep(1)
        need(page.js("document.querySelectorAll('.page').length") == before, "a hidden tab goes on reading")
        page.js(hide % "false")
        page.until(f"document.querySelectorAll('.page').length > {before}", 30)
        page.click("#cancel-job")
        page.until("document.querySelector('#job .state-canceled')", 30)
        need(page.js("!document.getElementById('cancel-job')"), "a cancelled job can be cancelled again")
        self.shot(page, "cancelled")

    def test_hostile(self, page):
        path = self.own(hostile_pdf(), BADNAME)
        self.job(page, path)
        page.until("document.querySelectorAll('.box').length > 0")
        need("onerror" in page.js("document.querySelector('.job-title').textContent"), "the name is not shown as it is")
        text = page.js("document.querySelector('.prose').textContent")
        need("<script>" in text and "onerror" in text, f"the text is not shown as it is: {text[:300]}")
        self.shot(page, "hostile")
        for tab in ("document", "source", "files", "pages"):
            page.click(f"#tab-{tab}")
            time.sleep(0.4)
            made = page.js(
                """[...document.querySelectorAll("#job *")].filter((one) => one.tagName.toLowerCase() === "script"
                || /^(iframe|object|embed|form|style)$/i.test(one.tagName)
                || [...one.attributes].some((a) => /^on/i.test(a.name) || /^\\s*javascript:/i.test(a.value))).length"""
            )
            need(made == 0, f"markup of the document in the view {tab}")
        page.click(".back")
        page.until("document.querySelector('.job')")
        time.sleep(0.5)

    def test_looks(self, page):
        self.job(page, self.report())
        page.until("document.querySelectorAll('.box').length > 20")
        address = page.js("location.href")
        for scheme in ("light", "dark"):
            page.colours(scheme)
            page.window(1280, 800)
            page.open(self.url + "/")
            page.until("document.querySelector('[name=format]') && document.querySelector('.job')")
            page.js("document.querySelector('.more').open = true")
            self.contrasts(page, f"start, {scheme}")
            self.shot(page, f"start-{scheme}", whole=True)
            for width in (1280, 400):
                page.window(width, 800)
                for view in (self.url + "/", address):
                    page.open(view)
                    page.reload()
                    page.until("document.querySelector(location.hash ? '.box' : '.job')")
                    time.sleep(0.8)
                    wide = page.js("document.documentElement.scrollWidth - innerWidth")
                    need(wide <= 0, f"{wide} pixels wider than a window of {width}: {view}")
                    if view == address:
                        page.hover(".box-title > rect")
                        self.contrasts(page, f"pages, {scheme}")
                    self.shot(page, f"{'pages' if view == address else 'start'}-{scheme}-{width}", whole=width == 400)
        page.window(1280, 800)
        page.click("#theme")
        need(page.js("document.documentElement.dataset.theme") == "light", "the theme does not change")
        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.js(ground)
        page.reload()
        page.until("document.querySelector('#theme svg')")
        need(page.js(ground) == light, "the theme is not remembered")

    def test_chinese(self, page):
        self.job(page, self.report())
        page.until("document.querySelectorAll('.box').length > 20")
        page.click("#language")
        need(page.js("document.documentElement.lang") == "zh-CN", "the language does not change")
        page.until("document.querySelector('#tab-pages').textContent === '页面'")
        need("完成" in page.js("document.querySelector('#job .state').textContent"), "the state is not translated")
        need(
            "正文"
            in page.js("[...document.querySelectorAll('.box')].map((one) => one.getAttribute('aria-label')).join()"),
            "names of blocks are not translated",
        )
        self.shot(page, "chinese-pages")
        page.click(".back")
        page.until("document.querySelector('.job')")
        page.js("document.querySelector('.more').open = true")
        self.shot(page, "chinese-start", whole=True)
        words = page.js("document.getElementById('home').innerText")
        left = [
            word
            for word in re.findall(r"[A-Za-z]{4,}", words)
            if word.lower()
            not in ("markdown", "html", "json", "excel", "word", "docparse", "report", "github", "lite", "true", "name")
        ]
        left = [word for word in left if word.lower() not in words.split("名称：")[-1].lower()]
        known = ("jpeg", "tiff", "webp", "heic", "heif", "avif", "name")
        need(not [word for word in left if word.lower() not in known], f"not translated: {left}")
        keys = page.js("""(async () => { const { STRINGS } = await import("/static/strings.js");
            return Object.keys(STRINGS.en).filter((key) => !(key in STRINGS.zh)).concat(
                Object.keys(STRINGS.zh).filter((key) => !(key in STRINGS.en))); })()""")
        need(not keys, f"texts in one language only: {keys}")
        page.call("Emulation.setLocaleOverride", {"locale": "zh-CN"})

    def test_paste_and_checks(self, page):
        page.open(self.url + "/")
        page.until("document.querySelector('[name=format]')")
        page.js("""(() => {
            const data = new DataTransfer();
            data.items.add(new File(["a"], "pasted.png", { type: "image/png" }));
            data.items.add(new File([], "empty.pdf"));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        })()""")
        page.until("document.querySelector('.chosen li')?.textContent.includes('pasted.png')")
        need("empty.pdf" in page.js("document.querySelector('.problems').textContent"), "an empty file is taken")
        page.js("document.getElementById('pages').value = '1-x'")
        page.click("#parse")
        page.until("document.activeElement.id === 'pages'")
        need(page.js("document.querySelector('.field-error').textContent.length") > 10, "bad pages are not explained")
        self.shot(page, "checks")
        page.js("document.getElementById('pages').value = ''; document.getElementById('other').value = '{'")
        page.click("#parse")
        page.until("document.activeElement.id === 'other'")
        page.click(".chosen button")
        need(page.js("document.querySelectorAll('.chosen li').length") == 0, "a file is not removed from the list")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start(binary, runtime, folder):
    port = free_port()
    command = [str(binary), "serve", "--port", str(port), "--spool", str(folder / "spool")]
    if runtime:
        command += ["--runtime-dir", str(runtime)]
    server = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url + "/readyz", timeout=2).close()
            return server, url
        except (urllib.error.URLError, OSError):
            if server.poll() is not None or time.monotonic() > end:
                server.kill()
                sys.exit("the server does not start")
            time.sleep(0.1)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--url", help="address of a running server without keys")
    options.add_argument("--binary", type=pathlib.Path, help="docparse, to start a server with")
    options.add_argument("--runtime-dir", type=pathlib.Path)
    options.add_argument("--shots", type=pathlib.Path, help="folder for pictures of the views")
    options.add_argument("--only", help="names of tests, separated by commas")
    options.add_argument("--long-pages", type=int, default=1500, help="pages of the document that is cancelled")
    given = options.parse_args()
    if bool(given.url) == bool(given.binary):
        options.error("one of --url and --binary")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="docparse-page-files-"))
    if given.shots:
        given.shots.mkdir(parents=True, exist_ok=True)
    server, url = start(given.binary, given.runtime_dir, folder) if given.binary else (None, given.url)
    failed = []
    browser = None
    try:
        browser = Browser()
        test = Test(browser, url, given.shots, folder, given.long_pages)
        names = [name for name in dir(test) if name.startswith("test_")]
        if given.only:
            names = [f"test_{name}" for name in given.only.split(",")]
        for name in names:
            page = test.page()
            begin = time.monotonic()
            try:
                getattr(test, name)(page)
                test.clean(page)
                print(f"ok      {name} ({time.monotonic() - begin:.1f} s)", flush=True)
            except (AssertionError, BrowserError) as error:
                failed.append(name)
                print(f"FAILED  {name}: {error}", flush=True)
                if not isinstance(error, AssertionError):
                    traceback.print_exc(limit=-3)
                test.shot(page, f"failed-{name}")
            test.close_page(page)
    finally:
        if browser:
            browser.close()
        if server:
            server.terminate()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(failed)} failed" if failed else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
