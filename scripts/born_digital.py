#!/usr/bin/env python3
"""Scores docparse on born-digital documents whose structure is known, beside pymupdf4llm and pdftotext.

    pip install pymupdf4llm==1.28.2     (with its layout network; or leave it out with --tools)
    apt-get install poppler-utils       (pdftotext: always needed, it finds the hyphens at line ends)
    scripts/born_digital.py [NAME...] [--tools json,md,pymupdf4llm,pdftotext,truth] [--json OUT] [--compare OLD] [--show]

The documents and their truth are tests/born_digital/*.pdf and *.json (made by make.py there, which describes them). The
program is target/release/docparse, or what DOCPARSE names. `--json` writes all numbers and the defects behind them,
`--compare` prints what differs from such a file, `--show` prints the defects of each document and tool.

Columns (better is up, save where said): recall and prec are words, headers, footers and hidden text left out. split:
paragraphs and listings in more than one piece; glued: neighbours in one piece (down, in %). kind: paragraphs that came as text and
not as a table, listing, heading or picture. heads: found / of the truth / false.
depth: pairs of headings in the right relation. order: Kendall's tau of the blocks in the text's flow. hyph: hyphens at
line ends kept and taken away rightly. items: list items found, level, marker right. code: lines that are equal. notes:
footnotes linked with their mark. rows: table rows equal cell by cell. bold: emphasis, code and raised text found.
leaks: headers and footers that came out as text (down).
"""
import argparse, collections, difflib, html, json, os, pathlib, re, statistics, subprocess, sys, tempfile, textwrap, unicodedata

ROOT = pathlib.Path(__file__).resolve().parent.parent
TRUTH = ROOT / "tests/born_digital"
DOCPARSE = os.environ.get("DOCPARSE", str(ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/docparse"))
FURNITURE = {"header", "footer"}
BOXES = "☐□▢◻❏❑", "☑☒⊠✓✔■"


def normal(text):
    text = unicodedata.normalize("NFKC", text.replace("\u00ad", "")).casefold()
    return re.sub("[\u2010\u2011]", "-", text)


def words(text):
    return re.findall(r"[^\W_]+", normal(text))


def key(text):
    return "".join(words(text))


def unit(kind, text, **more):
    return {"kind": kind, "text": text, **more}


# ---- Markdown

def tidy(text, refs=None):
    """A line's text without markup; marks of footnotes go to `refs`."""
    for mark in re.findall(r"\[\^([^\]\s]+)\]", text):
        if refs is not None:
            refs.append(mark)
    text = re.sub(r"\[\^[^\]\s]+\]", "", text)
    text = re.sub(r"(?<![\\$])(\$\$?)(?![\s$])[^$\n]+?(?<![\s\\])\1", " ", text)
    text = re.sub(r"!\[(?i:image|picture|chart|figure|formula|seal)?\]\([^)]*\)", " ", text)  # says nothing
    text = re.sub(r"!\[((?:[^\]\\]|\\.)*)\]\([^)]*\)", r" \1 ", text)
    text = re.sub(r"(?<!\\)\[((?:[^\]\\]|\\.)+)\]\([^)\s]*\)", r"\1", text)
    text = re.sub(r"<img[^>]*?(?:alt=\"([^\"]*)\")?[^>]*>", r" \1 ", text)
    text = re.sub(r"<br\s*/?>|</?(?:p|div|center|td|th|tr|li)\b[^>]*>", " ", text)
    text = re.sub(r"</?[a-zA-Z][^>]*>", "", text)
    text = re.sub(r"(?<!\\)(\*\*|\*|~~|`)", "", text)
    text = re.sub(r"(?<![\w\\])_+(?=\S)|(?<=\S)(?<!\\)_+(?!\w)", "", text)
    return html.unescape(re.sub(r"\\([^\w\s])", r"\1", text)).strip()


def boxed(text):
    """Whether a text opens with a check box that is marked, None without one; and the rest."""
    if found := re.match(r"\\?\[([ xX])\\?\] +", text):
        return found[1] != " ", text[found.end():]
    for at, boxes in enumerate(BOXES):
        if text[:1] and text[0] in boxes:
            return bool(at), text[1:].lstrip()
    return None, text


def table_rows(markup):
    rows = re.findall(r"<tr.*?</tr>", markup, re.S)
    return [[tidy(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)] for row in rows]


def markdown_units(text):
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "\n", text, flags=re.S)
    text = re.sub(r"\*\*==> .*? <==\*\*", "", text)
    text = re.sub(r"\*\*----- (?:Start|End) of picture text -----\*\*(?:<br>)?", "\n\n", text)
    units, lines, at, indents = [], text.split("\n"), 0, []
    item = re.compile(r"^(\s*)(?:> )?([-*+•]|\d+[.)]|\(?[a-z]\)|\(?[ivx]+\))\s+(.*)")

    def add(kind, source, **more):
        refs = []
        clean = tidy(source, refs)
        units.append(unit(kind, clean, refs=refs, **more))

    while at < len(lines):
        line = lines[at]
        at += 1
        bare = line.strip()
        if bare.startswith(">"):
            line = bare = bare.lstrip("> ")
        fence = re.match(r"(```+|~~~+)", bare)
        if not bare or re.fullmatch(r"(-{3,}|\*{3,}|_{3,})", bare):
            if not bare:
                continue
            indents = []
            continue
        if fence:
            body = []
            while at < len(lines) and not lines[at].strip().startswith(fence[1]):
                body.append(lines[at])
                at += 1
            at += 1
            units.append(unit("code", "\n".join(body)))
        elif "<table" in bare:
            before, _, rest = line.partition("<table")
            while "</table>" not in rest and at < len(lines):
                rest += "\n" + lines[at]
                at += 1
            body, _, after = rest.partition("</table>")
            if tidy(before):
                add("paragraph", before)
            rows = table_rows(body)
            units.append(unit("table", "\n".join(" ".join(row) for row in rows), rows=rows))
            if tidy(after):
                add("paragraph", after)
        elif bare.startswith("|"):
            rows = []
            at -= 1
            while at < len(lines) and lines[at].strip().startswith("|"):
                if not re.fullmatch(r"[|:\-\s]+", lines[at].strip()):
                    rows.append([tidy(cell) for cell in re.split(r"(?<!\\)\|", lines[at].strip()[1:].rstrip("|"))])
                at += 1
            units.append(unit("table", "\n".join(" ".join(row) for row in rows), rows=rows))
        elif found := re.match(r"(#{1,6}) +(.*)", bare):
            add("heading", found[2].rstrip("# "), level=len(found[1]))
            indents = []
        elif found := re.match(r"\[\^([^\]]+)\]: *(.*)", bare):
            mark, body = found[1], found[2]
            while at < len(lines) and lines[at].startswith("    "):
                body += " " + lines[at].strip()
                at += 1
            add("footnote", body, mark=mark)
        elif found := item.match(line):
            indent = len(found[1].expandtabs(4))
            while indents and indents[-1] > indent:
                indents.pop()
            if not indents or indents[-1] < indent:
                indents.append(indent)
            body = found[3]
            while at < len(lines) and lines[at].strip() and not item.match(lines[at]) and not re.match(r"\s*(#|\||```|<table)", lines[at]):
                body += " " + lines[at].strip()
                at += 1
            checked, body = boxed(body)
            add("list_item", body, level=len(indents) - 1, marker=found[2], checked=checked)
        else:
            body = line
            while at < len(lines) and lines[at].strip() and not re.match(r"\s*(#{1,6} |\||```|<table|\[\^[^\]]+\]: )", lines[at]) \
                    and not item.match(lines[at]):
                body += " " + lines[at].strip().lstrip("> ")
                at += 1
            if not line.startswith(" "):
                indents = []
            picture = re.fullmatch(r"\s*(<div[^>]*>)?\s*(!\[|<img).*", body)
            checked, rest = boxed(body.strip())
            if checked is not None:
                add("list_item", rest, level=0, marker="-", checked=checked)
            else:
                add("picture" if picture else "paragraph", body)
    return [u for u in units if u["text"].strip()]


# ---- docparse's JSON

def runs(inlines, refs=None):
    out = []
    for part in inlines:
        if part["type"] == "text":
            out.append(part["text"])
        elif part["type"] == "footnote_reference":
            if refs is not None:
                refs.append(part["mark"])
        else:
            out.append(" ")
    return "".join(out)


def json_units(document):
    units = []

    def item(entry, level):
        refs, marker = [], entry.get("marker")
        text = " ".join(runs(paragraph, refs) for paragraph in entry["paragraphs"])
        checked, text = boxed(text)
        if entry.get("checked") is not None:
            checked = entry["checked"]
        if marker and marker[0] in "".join(BOXES):
            checked = marker[0] in BOXES[1]
        units.append(unit("list_item", text, level=level + entry.get("level", 0), marker=marker, checked=checked, refs=refs))
        for below in entry.get("items", []):
            item(below, level + 1)

    for page in document["pages"]:
        for block in page["parsing_res_list"]:
            body, label, content = block.get("body") or {"type": "text", "paragraphs": []}, block["block_label"], block["block_content"]
            kind, refs = body["type"], []
            if kind in ("empty", "joined"):
                continue
            if label in ("header", "footer", "number", "header_image", "footer_image") or kind == "running":
                units.append(unit("furniture", content))
            elif kind == "heading":
                units.append(unit("heading", runs(body["text"], refs), level=body.get("depth"), refs=refs))
            elif kind == "list":
                for entry in body["items"]:
                    item(entry, 0)
            elif kind == "contents":
                units += [unit("paragraph", runs(entry)) for entry in body["entries"]]
            elif kind == "table":
                rows = collections.defaultdict(dict)
                for cell in body["cells"]:
                    rows[cell["row"]][cell["column"]] = cell["text"]
                rows = [[row.get(column, "") for column in range(body["columns"])] for _, row in sorted(rows.items())]
                units.append(unit("table", "\n".join(" ".join(row) for row in rows), rows=rows))
            elif kind == "code":
                units.append(unit("code", body["text"]))
            elif kind == "formula":
                units.append(unit("formula", body["latex"]))
            elif kind == "caption":
                units.append(unit("caption", runs(body["text"], refs), refs=refs))
            elif kind == "footnote":
                units.append(unit("footnote", " ".join(runs(p) for p in body["paragraphs"]), mark=body.get("mark")))
            elif kind == "picture":
                units.append(unit("picture", " ".join(runs(p) for p in body.get("paragraphs", [])) or content))
            else:
                for paragraph in body.get("paragraphs", []):
                    refs = []
                    checked, text = boxed(runs(paragraph, refs))
                    units.append(unit("paragraph" if checked is None else "list_item", text, refs=refs, level=0, marker=None, checked=checked))
    return [u for u in units if u["text"].strip()]


# ---- the tools

def truth_units(blocks):
    for block in blocks:
        if block["kind"] in FURNITURE:
            yield unit("furniture", block["text"])
        elif block["kind"] != "hidden":
            yield {**block, "kind": {"figure_text": "picture"}.get(block["kind"], block["kind"]), "text": math_out(block["text"])}


def outputs(pdf, tools):
    """Units by tool, and the Markdown's text where there is one."""
    if "truth" in tools:  # the measure itself: everything must be right
        yield "truth", list(truth_units(json.loads(pdf.with_suffix(".json").read_text())["blocks"])), None
    plain = subprocess.run(["pdftotext", "-enc", "UTF-8", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    if "json" in tools or "md" in tools:
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([DOCPARSE, "-i", str(pdf), "--save-path", out, "--pipeline-version", "lite", "--formats", "md,json", "--quiet"],
                           check=False)
            document = next(pathlib.Path(out).rglob("*.json"), None)
            text = next(pathlib.Path(out).rglob("*.md"), None)
            if "json" in tools:
                yield "json", json_units(json.loads(document.read_text())) if document else [], None
            if "md" in tools:
                text = text.read_text() if text else ""
                yield "md", markdown_units(text), text
    if "pymupdf4llm" in tools:
        import pymupdf4llm
        text = pymupdf4llm.to_markdown(str(pdf), header=False, footer=False, show_progress=False)
        yield "pymupdf4llm", markdown_units(text), text
    if "pdftotext" in tools:
        pieces = [re.sub(r"\s*\n\s*", " ", piece) for piece in re.split(r"\n\s*\n|\f", plain)]
        yield "pdftotext", [unit("paragraph", piece) for piece in pieces if piece.strip()], None


# ---- scores

def math_out(text):
    return re.sub(r"\$[^$]*\$", " ", text)


def counted(blocks):
    return collections.Counter(word for block in blocks for word in words(math_out(block["text"])))


def aligned(truth, units):
    """For each truth block the position in the output of each of its words, None where it was not found."""
    stream = [(word, at) for at, u in enumerate(units) for word in words(u["text"])]
    tokens = [words(math_out(block["text"])) for block in truth]
    tall = [word for word, _ in stream]
    found = [[None] * len(block) for block in tokens]
    for size in (4, 3, 2, 1):
        places, counts = collections.defaultdict(list), collections.Counter()
        for at in range(len(tall) - size + 1):
            places[tuple(tall[at:at + size])].append(at)
        for block in tokens:
            counts.update(tuple(block[at:at + size]) for at in range(len(block) - size + 1))
        for block, place in zip(tokens, found):
            if size < min(3, len(block)):
                continue
            for at in range(len(block) - size + 1):
                gram = tuple(block[at:at + size])
                if counts[gram] == 1 and len(places[gram]) == 1 and place[at] is None:
                    for step in range(size):
                        place[at + step] = places[gram][0] + step
    for block, place in zip(tokens, found):  # words beside one that was found
        for direction in (1, -1):
            order = range(1, len(block)) if direction == 1 else range(len(block) - 2, -1, -1)
            for at in order:
                beside = place[at - direction]
                if place[at] is None and beside is not None and 0 <= beside + direction < len(tall) and tall[beside + direction] == block[at]:
                    place[at] = beside + direction
    return found, [at for _, at in stream]


def same(a, b):
    return a == b or (min(len(a), len(b)) > 5 and difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= 0.88)


def emphasis(text):
    """What a Markdown text has as bold, italic, code and raised or lowered text."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    found = re.findall(r"\*\*(.+?)\*\*|(?<!\*)\*([^*\n]+)\*(?!\*)|(?<!\w)_([^_\n]+)_(?!\w)|`+([^`\n]+)`+|<(?:sup|sub|b|strong|i|em|code)>(.*?)</"
                       r"|~([^~\n]+)~|\^([^\^\n]+)\^|\[([^\]\n]+)\]\(", text)
    return collections.Counter(key(tidy(part)) for group in found for part in group if part)


def score(entry, units, pdf_plain, pdf_raw, text):
    result, defects = {}, []
    blocks = entry["blocks"]
    shown = [b for b in blocks if b["kind"] not in FURNITURE and b["kind"] != "hidden"]
    flow = [u for u in units if u["kind"] not in ("furniture", "formula")]

    # Words. The tools may also write what pdftotext finds in formulas, without the hyphens at line ends. Markdown may
    # leave the labels of a figure to its picture.
    want, got = counted(shown), collections.Counter(w for u in flow for w in words(u["text"]))
    away = counted([b for b in blocks if b["kind"] in FURNITURE or b["kind"] == "hidden"])
    allowed = want | (collections.Counter(words(re.sub(r"\w+[-\u2010\u00ad]\n\s*\w+", " ", pdf_plain))) - away)
    if text is not None:
        want = counted([b for b in shown if b["kind"] != "figure_text"])
    missing, extra = want - got, got - allowed
    result["recall"] = (sum(want.values()) - sum(missing.values()), sum(want.values()))
    result["prec"] = (sum(got.values()) - sum(extra.values()), sum(got.values()))
    if missing:
        defects.append(["words missing", " ".join(missing.elements())[:300]])
    if extra:
        defects.append(["words too many", " ".join(extra.elements())[:300]])

    places, owner = aligned(shown, flow)
    inside = [[owner[p] for p in place if p is not None] for place in places]
    main = [collections.Counter(i).most_common(1)[0][0] if i else None for i in inside]

    # Paragraphs.
    split = glued = running = pairs = kinds = 0
    for block, units_of, at in zip(shown, inside, main):
        if block["kind"] not in ("paragraph", "list_item", "footnote", "code") or len(words(math_out(block["text"]))) < 6:
            continue
        running += 1
        if block["kind"] == "code" or at is not None and flow[at]["kind"] in ("paragraph", "list_item", "footnote", "caption", "heading" if block.get("either") else ""):
            kinds += 1
        else:
            defects.append(["text as " + (flow[at]["kind"] if at is not None else "nothing"), block["text"][:80]])
        # Cells of a table may hold what the truth has as a line of a form; formulas on lines of their own part nothing.
        pieces = [u for u in dict.fromkeys(units_of) if flow[u]["kind"] not in ("table", "formula")]
        tables = [u for u in units_of if flow[u]["kind"] == "table"]
        if len(tables) > len(units_of) / 2 and len(units_of) > 12:
            split += 1
        elif len(pieces) > 1:
            split += 1
            defects.append(["split", " ¦ ".join(flow[u]["text"][:60] + " … " + flow[u]["text"][-40:] for u in pieces)[:400]])
    for (a, b), (x, y) in zip(zip(shown, shown[1:]), zip(main, main[1:])):
        if a["kind"] in ("table", "code", "figure_text") or b["kind"] in ("table", "code", "figure_text") or None in (x, y):
            continue
        pairs += 1
        if x == y and flow[x]["kind"] not in ("table", "code"):
            glued += 1
            defects.append(["glued", f"{a['text'][-60:]} ¦ {b['text'][:60]}"])
    result["split"], result["glued"], result["kind"] = (split, running), (glued, pairs), (kinds, running)

    # Headings.
    heads = [b for b in shown if b["kind"] == "heading"]
    made = [u for u in flow if u["kind"] == "heading"]
    levels, taken = [], set()
    for head in heads:
        hit = next((at for at, u in enumerate(made) if at not in taken and same(key(head["text"]), key(u["text"]))), None)
        if hit is None:
            defects.append(["heading missed", head["text"]])
        else:
            taken.add(hit)
            levels.append((head["level"], made[hit].get("level")))
    either = {key(b["text"]) for b in shown if b.get("either")}
    wrong = [u for at, u in enumerate(made) if at not in taken and key(u["text"]) not in either]
    defects += [["heading false", f"{u.get('level')} {u['text'][:150]}"] for u in wrong]
    result["heads"], result["false"] = (len(levels), len(heads)), (len(wrong), len(made))
    known = [(a, b) for a, b in levels if b is not None]
    sign = lambda a, b: (a > b) - (a < b)
    relations = [(sign(p[0], q[0]) == sign(p[1], q[1])) for at, p in enumerate(known) for q in known[at + 1:]]
    result["depth"] = (sum(relations), len(relations))
    if not all(relations):
        defects.append(["heading depths", ", ".join(f"{a}→{b}" for a, b in levels)])

    # Order.
    middle = [statistics.median(p for p in place if p is not None)
              for block, place in zip(shown, places) if not block.get("floating") and any(p is not None for p in place)]
    texts = [block["text"] for block, place in zip(shown, places) if not block.get("floating") and any(p is not None for p in place)]
    tau = [sign(middle[b], middle[a]) for a in range(len(middle)) for b in range(a + 1, len(middle))]
    result["order"] = (sum(tau), len(tau))
    for at in range(len(middle) - 1):
        if middle[at + 1] < middle[at]:
            defects.append(["order", f"{texts[at + 1][:60]} ¦ comes before ¦ {texts[at][:60]}"])

    # Hyphens at line ends.
    whole, out = normal(" ".join(b["text"] for b in shown)), normal(" ".join(u["text"] for u in flow))
    ends = collections.Counter((a, b) for a, b in re.findall(r"([^\W_]+)[-\u2010]\n\s*([^\W_]+)", normal(pdf_raw)))
    good = total = 0
    for (a, b), times in ends.items():
        for form in (f"{a}-{b}", a + b):
            there = len(re.findall(rf"(?<![^\W_]){re.escape(form)}(?![^\W_])", whole))
            if there:
                have = len(re.findall(rf"(?<![^\W_]){re.escape(form)}(?![^\W_])", out))
                bad = min(times, max(0, there - have))
                total += times
                good += times - bad
                if bad:
                    other = [f for f in (a + b, f"{a}-{b}", f"{a}- {b}", f"{a} {b}") if f != form and re.search(rf"\b{re.escape(f)}\b", out)]
                    defects.append(["hyphen", f"{form} came as {other[0] if other else 'nothing'}"])
                break
    result["hyph"] = (good, total)

    # Lists.
    found = level = marker = items = 0
    first = (0, 0)
    for at, block in enumerate(shown):
        if block["kind"] != "list_item":
            continue
        items += 1
        u = flow[main[at]] if main[at] is not None else None
        if at == 0 or shown[at - 1]["kind"] != "list_item":  # levels count from the first item of a list
            first = (block["level"], (u.get("level") or 0) if u and u["kind"] == "list_item" else block["level"])
        if u is None or u["kind"] != "list_item" or main.count(main[at]) > 1:
            defects.append(["list item", f"{block['marker']} {block['text'][:60]} came as {u['kind'] if u else 'nothing'}"])
            continue
        found += 1
        right = block["level"] - first[0] == (u.get("level") or 0) - first[1]
        level += right
        if not right:
            defects.append(["list level", f"{block['text'][:60]}: {block['level']} came as {u.get('level')}"])
        digits = lambda text: re.sub(r"\W", "", text or "")
        right = u.get("checked") == block["checked"] if "checked" in block else digits(block["marker"]) == digits(u.get("marker"))
        marker += right
        if not right:
            defects.append(["list marker", f"{block['marker']} {block.get('checked', '')} {block['text'][:40]}: {u.get('marker')} {u.get('checked')}"])
    result["items"], result["level"], result["mark"] = (found, items), (level, items), (marker, items)

    # Code.
    listings = [u["text"] for u in flow if u["kind"] == "code"]
    have, moved = (collections.Counter(line.rstrip() for text in texts for line in text.split("\n"))
                   for texts in (listings, map(textwrap.dedent, listings)))
    have |= moved
    lines = collections.Counter(line.rstrip() for b in shown if b["kind"] == "code" for line in b["text"].split("\n") if line.strip())
    result["code"] = (sum((lines & have).values()), sum(lines.values()))
    defects += [["code line", line] for line in (lines - have)]

    # Footnotes.
    linked = notes = 0
    for at, block in enumerate(shown):
        if block["kind"] != "footnote":
            continue
        notes += 1
        u = flow[main[at]] if main[at] is not None else None
        source = next((k for k, b in enumerate(shown) if block["mark"] in b.get("refs", ())), None)
        mark = u.get("mark") if u else None
        if u and u["kind"] == "footnote" and mark and source is not None and any(mark in flow[k].get("refs", ()) for k in set(inside[source])):
            linked += 1
        else:
            defects.append(["footnote", f"{block['mark']} {block['text'][:50]} came as {u['kind'] if u else 'nothing'}, mark {mark}"])
    result["notes"] = (linked, notes)

    # Tables.
    rows = [tuple(key(cell) for cell in row) for b in shown if b["kind"] == "table" for row in b["rows"]]
    have = collections.Counter(tuple(key(cell) for cell in row) for u in flow if u["kind"] == "table" for row in u.get("rows", []))
    result["rows"] = (sum((collections.Counter(rows) & have).values()), len(rows))
    defects += [["table row", " | ".join(row)] for row in collections.Counter(rows) - have]

    # Emphasis.
    if text is not None:
        marks = re.compile(r"\*\*(.+?)\*\*|(?<!\*)\*([^*]+)\*(?!\*)|`([^`]+)`|\^([^\^ ]+)\^|~([^~ ]+)~|\[([^\]\^]+)\]\(")
        wanted = collections.Counter(key(part) for b in shown if b["kind"] != "table" for group in marks.findall(b.get("marked", "")) for part in group if part)
        have = emphasis(text)
        result["bold"] = (sum((wanted & have).values()), sum(wanted.values()))
        defects += [["emphasis", part] for part in wanted - have]

    # Running headers and footers.
    own = [key(b["text"]) for b in shown]  # a title may say what the header says
    leaks, bodies = 0, collections.Counter(key(u["text"]) for u in flow) - collections.Counter(own)
    furniture = [b for b in blocks if b["kind"] in FURNITURE]
    for block in furniture:
        name = key(block["text"])
        hit = next((k for k in bodies if bodies[k] > 0 and
                    (k == name or (len(name) > 12 and name in k and not any(name in o for o in own)))), None)
        if hit is not None:
            bodies[hit] -= 1
            leaks += 1
            defects.append(["leak", block["text"]])
    result["leaks"] = (leaks, len(furniture))
    for block in blocks:
        if block["kind"] == "hidden" and key(block["text"]) in "".join(bodies):
            defects.append(["hidden text", block["text"]])
    return result, defects


COLUMNS = ["recall", "prec", "split", "glued", "kind", "heads", "false", "depth", "order", "hyph", "items", "level", "mark", "code", "notes", "rows", "bold", "leaks"]
COUNTS = {"heads", "kind", "items", "level", "mark", "code", "notes", "rows", "bold", "leaks", "false", "hyph"}


def shown_value(column, value):
    if not value or not value[1]:
        return "-"
    if column in COUNTS:
        return f"{value[0]}/{value[1]}" if column != "false" else str(value[0])
    return f"{100 * value[0] / value[1]:.1f}%" if column in ("split", "glued") else f"{value[0] / value[1]:.3f}"


def table(rows):
    print(f"{'':24} {'tool':12}" + "".join(f"{column:>9}" for column in COLUMNS))
    for name, tool, result in rows:
        print(f"{name[:24]:24} {tool:12}" + "".join(f"{shown_value(column, result.get(column)):>9}" for column in COLUMNS))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--tools", default="json,md,pymupdf4llm,pdftotext")
    parser.add_argument("--json")
    parser.add_argument("--compare")
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    tools, record, totals = args.tools.split(","), {}, {tool: {} for tool in args.tools.split(",")}
    for path in sorted(TRUTH.glob("*.json")):
        if args.names and path.stem not in args.names:
            continue
        entry, pdf = json.loads(path.read_text()), path.with_suffix(".pdf")
        plain, raw = (subprocess.run(["pdftotext", *flags, str(pdf), "-"], capture_output=True, text=True, check=True).stdout
                      for flags in ([], ["-raw"]))
        for tool, units, text in outputs(pdf, tools):
            result, defects = score(entry, units, plain, raw, text)
            record.setdefault(path.stem, {})[tool] = {"scores": result, "defects": defects}
            for column, (good, of) in result.items():
                before = totals[tool].get(column, (0, 0))
                totals[tool][column] = (before[0] + good, before[1] + of)
    table([(name, tool, record[name][tool]["scores"]) for name in record for tool in tools if tool in record[name]]
          + [("all", tool, totals[tool]) for tool in tools])
    record["all"] = {tool: {"scores": totals[tool], "defects": []} for tool in tools}
    if args.show:
        for name in record:
            for tool in tools:
                for kind, what in record[name][tool]["defects"]:
                    print(f"{name} {tool} {kind}: {what}")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    if args.compare:
        old = json.loads(pathlib.Path(args.compare).read_text())
        for name in record:
            for tool, now in record[name].items():
                then = old.get(name, {}).get(tool)
                if not then:
                    continue
                changes = [f"{c} {shown_value(c, then['scores'].get(c))} → {shown_value(c, now['scores'].get(c))}" for c in COLUMNS
                           if list(then["scores"].get(c) or ()) != list(now["scores"].get(c) or ())]
                if changes:
                    print(f"{name} {tool}: " + ", ".join(changes))
                for sign, these, those in (("+", now, then), ("-", then, now)):
                    for defect in these["defects"]:
                        if defect not in [list(d) for d in those["defects"]] and args.show:
                            print(f"    {sign} {defect[0]}: {defect[1]}")


if __name__ == "__main__":
    main()
