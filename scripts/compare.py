#!/usr/bin/env python3
"""Compares docparse with what PDFs say themselves and with other tools; prints tables.

    pip install pypdfium2==5.15.2 rapidfuzz 'pymupdf4llm<1' rapidocr==3.10.0 onnxruntime==1.31.1
    scripts/compare.py recall FOLDER           words of the JSON against the PDF's own, per file
    scripts/compare.py similarity FOLDER DIR   text and order against DIR/*.md, beside pymupdf4llm
    scripts/compare.py scans TRUTH.txt SCAN... character error rate and seconds a page, beside rapidocr
    scripts/compare.py grow FILE.pdf N OUT.pdf  repeats a document until it has N pages
    scripts/compare.py speed FILE.pdf          pages a second and peak memory, beside pymupdf4llm and pdftotext

The program is target/release/docparse, or what DOCPARSE names.
"""
import collections, html, json, os, pathlib, re, subprocess, sys, tempfile, threading, time, unicodedata

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCPARSE = os.environ.get("DOCPARSE", str(ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/docparse"))
PICTURES = {"image", "chart", "display_formula", "header_image", "footer_image"}


def words(text):
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub("[\u00ad\u0002\ufffe]\\s*", "", text)
    return collections.Counter(re.findall(r"\w+", text))


def plain(content):
    return html.unescape(re.sub(r"<(?:su[bp]|/su[bp])>", "", content)) if "<table" not in content else html.unescape(
        re.sub(r"<[^>]+>", " ", re.sub(r"</?su[bp]>", "", content)))


def parse(path, out, *flags):
    subprocess.run([DOCPARSE, "-i", str(path), "--save-path", str(out), "--pipeline-version", "lite", "--quiet", *flags],
                   check=False)
    return json.load(open(next(pathlib.Path(out).glob("*.json"))))


def pages_text(path):
    import pypdfium2
    pdf = pypdfium2.PdfDocument(str(path))
    for page in pdf:
        text = page.get_textpage()
        yield page, text


def recall(folder):
    print(f"{'file':28} {'words':>6} {'recall':>7} {'in pictures':>11} {'precision':>9}  missing")
    for path in sorted(pathlib.Path(folder).glob("*.pdf")):
        with tempfile.TemporaryDirectory() as out:
            document = parse(path, out, "--formats", "json")
        truth, pictured, got = collections.Counter(), collections.Counter(), collections.Counter()
        for (page, text), result in zip(pages_text(path), document["pages"]):
            truth += words(text.get_text_range())
            scale = result["width"] / page.get_width() if page.get_width() else 1
            height = page.get_height()
            for block in result["parsing_res_list"]:
                if block["block_label"] in PICTURES and not block["block_content"]:
                    x1, y1, x2, y2 = (v / scale for v in block["block_bbox"])
                    pictured += words(text.get_text_bounded(x1, height - y2, x2, height - y1))
                got += words(plain(block["block_content"]))
        if not truth:
            continue
        pictured &= truth - (truth & got)
        wanted = truth - pictured
        found = wanted & got
        total = sum(wanted.values())
        missing = " ".join(list((wanted - got).keys())[:8])
        print(f"{path.name:28} {total:6} {sum(found.values()) / max(total, 1):7.4f} {sum(pictured.values()):11} "
              f"{sum(found.values()) / max(sum(got.values()), 1):9.4f}  {missing}")


def normal(markdown):
    text = re.sub(r"<[^>]+>|!\[[^]]*\]\([^)]*\)", " ", html.unescape(markdown))
    text = re.sub(r"[#*|`_\\-]+", " ", unicodedata.normalize("NFKC", text))
    return " ".join(text.split())


def similarity(folder, others):
    from rapidfuzz.distance import Levenshtein
    import pymupdf4llm
    print(f"{'file':28} {'docparse':>9} {'pymupdf4llm':>12}   (edit similarity to the other tool's Markdown)")
    for other in sorted(pathlib.Path(others).glob("*.md")):
        path = pathlib.Path(folder) / (other.stem + ".pdf")
        truth = normal(other.read_text())
        # Footnotes are part of the other tools' Markdown: leave them in.
        flags = ["--markdown-ignore-labels", "number", "header", "header_image", "footer", "footer_image", "aside_text"]
        command = [DOCPARSE, "-i", str(path), "--stdout", "md", "--quiet", *flags]
        own = subprocess.run(command, capture_output=True, text=True).stdout
        beside = pymupdf4llm.to_markdown(str(path))
        score = lambda text: Levenshtein.normalized_similarity(normal(text), truth)
        print(f"{other.stem:28} {score(own):9.4f} {score(beside):12.4f}")


def scans(truth_path, paths):
    from rapidfuzz.distance import Levenshtein
    from rapidocr import RapidOCR
    import pypdfium2, numpy
    from PIL import Image
    squeeze = lambda text: "".join(unicodedata.normalize("NFKC", text).split())
    bag = lambda a, b: sum((collections.Counter(a) - collections.Counter(b)).values()) / max(len(a), 1)
    truth = squeeze(open(truth_path).read())
    engine = RapidOCR()
    print(f"{'file':28} {'tool':10} {'CER':>7} {'lost chars':>10} {'s/page':>7}")
    for path in map(pathlib.Path, paths):
        with tempfile.TemporaryDirectory() as out:
            start = time.time()
            document = parse(path, out, "--formats", "json")
            seconds = time.time() - start
        pages = len(document["pages"])
        order = [plain(b["block_content"]) for p in document["pages"] for b in p["parsing_res_list"]]
        own = squeeze(" ".join(order))
        images = ([p.render(scale=2).to_pil() for p in pypdfium2.PdfDocument(str(path))] if path.suffix == ".pdf"
                  else [Image.open(path).convert("RGB")])
        start = time.time()
        results = [engine(numpy.array(i)[:, :, ::-1]) for i in images]
        beside_seconds = time.time() - start
        beside = squeeze(" ".join(t for r in results for t in (r.txts or [])))
        cer = lambda text: Levenshtein.distance(text, truth) / max(len(truth), 1)
        print(f"{path.name:28} {'docparse':10} {cer(own):7.4f} {bag(truth, own):10.4f} {seconds / pages:7.2f}")
        print(f"{'':28} {'rapidocr':10} {cer(beside):7.4f} {bag(truth, beside):10.4f} {beside_seconds / len(images):7.2f}")


def peak_tree(process, stop, result):
    """Largest sum of the proportional set sizes of a process and its children."""
    def pss(pid):
        try:
            line = re.search(r"^Pss:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M)
            return int(line.group(1)) if line else 0
        except OSError:
            return 0
    while not stop.is_set():
        try:
            children = open(f"/proc/{process.pid}/task/{process.pid}/children").read().split()
            for task in os.listdir(f"/proc/{process.pid}/task"):
                children += open(f"/proc/{process.pid}/task/{task}/children").read().split()
        except OSError:
            children = []
        result[0] = max(result[0], sum(pss(p) for p in {str(process.pid), *children}))
        time.sleep(0.05)


def measured(command):
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stop, peak = threading.Event(), [0]
    watcher = threading.Thread(target=peak_tree, args=(process, stop, peak))
    watcher.start()
    process.wait()
    seconds = time.time() - start
    stop.set()
    watcher.join()
    return seconds, peak[0] / 1024


def grow(path, count, out):
    import pypdfium2
    source, grown = pypdfium2.PdfDocument(path), pypdfium2.PdfDocument.new()
    while len(grown) < int(count):
        grown.import_pages(source, list(range(min(len(source), int(count) - len(grown)))))
    grown.save(out)


def speed(path):
    import pypdfium2
    pages = len(pypdfium2.PdfDocument(path))
    with tempfile.TemporaryDirectory() as out:
        own = [DOCPARSE, "-i", path, "--save-path", out, "--pipeline-version", "lite", "--quiet"]
        python = "import sys, pymupdf4llm; pymupdf4llm.to_markdown(sys.argv[1])"
        runs = {
            "docparse, all formats": own,
            "docparse, md and json": [*own, "--formats", "md,json"],
            "pdftotext -layout": ["pdftotext", "-layout", path, f"{out}/x.txt"],
            "pymupdf4llm": [sys.executable, "-c", python, path],
        }
        print(f"{'tool':24} {'seconds':>8} {'pages/s':>8} {'peak MB':>8}   ({pages} pages, best of 3)")
        for name, command in runs.items():
            best = min(measured(command) for _ in range(1 if name == "pymupdf4llm" else 3))
            print(f"{name:24} {best[0]:8.2f} {pages / best[0]:8.1f} {best[1]:8.0f}")


if __name__ == "__main__":
    commands = {"recall": recall, "similarity": similarity, "speed": speed, "grow": grow,
                "scans": lambda t, *p: scans(t, p)}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
