#!/usr/bin/env python3
"""Makes the born-digital documents and their truth from sources/*.txt.

    apt-get install chromium libreoffice-writer hyphen-en-us hyphen-de hyphen-fr poppler-utils fonts-liberation \\
        fonts-dejavu-core texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended texlive-lang-german lmodern
    pip install typst==0.15.2
    tests/born_digital/make.py [--truth] [NAME...]     (--truth: only the truth, the PDFs stay)

Each source gives NAME.pdf and NAME.json, the truth: blocks in reading order as
{kind, text, ...} with the kinds heading (level), paragraph, list_item (level, marker, checked), code, caption, table
(rows), footnote (mark), figure_text, header, footer and hidden. `floating` blocks (floats, side notes, footnotes) have
no place of their own in the order; `refs` are the footnote marks in a text, `marked` is the text with its emphasis.
Mathematics stands between dollar signs as in the source.

Sources: `@maker chromium|office|latex|typst`, `@option KEY VALUE` (`floats`: figures and tables
have no place of their own), `@style` to `@end` (CSS, preamble), then blocks
with blank lines between: `# heading`, `- item`, `- [x] item`, `1. item` (two spaces a level), fences, `| table |`,
`[^1]: footnote`, `@caption`, `@figure label | label`, `@aside`, `@header FIRST PAGE text {page}`, `@footer`,
`@hidden`, `@truth KIND text` (only in the truth, typeset by raw lines), `@raw` (a line for the maker alone).
A paragraph that starts with `{?} ` may come as a heading, too (`either`).
In a line: `**bold**`, `*italic*`, `` `code` ``, `[^1]`, `$math$`, `^up^`, `~down~`, `[text](address)`.
"""
import html, json, pathlib, re, shutil, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent
INLINE = re.compile(r"\*\*(?P<b>.+?)\*\*|\*(?P<i>[^*]+?)\*|`(?P<c>[^`]+)`|\[\^(?P<f>\w+)\]|\$(?P<m>[^$]+)\$"
                    r"|\^(?P<u>[^^ ]+)\^|~(?P<d>[^~ ]+)~|\[(?P<t>[^\]]+)\]\((?P<a>[^)]+)\)")
ITEM = re.compile(r"( *)(-|\d+\.|[a-z]\)) (?:\[([ x])\] )?(.*)")


def inline(text, write):
    """The text with each run written by `write(kind, run, address)`, kind None for plain text."""
    out, at = [], 0
    for m in INLINE.finditer(text):
        out.append(write(None, text[at:m.start()], None))
        kind = m.lastgroup if m.lastgroup != "a" else "t"
        inner = m[kind]
        out.append(write(kind, inline(inner, write) if kind in "bitud" else inner, m["a"]))
        at = m.end()
    return "".join(out) + write(None, text[at:], None)


def plain(text):
    return inline(text, lambda kind, run, _: "" if kind == "f" else f"${run}$" if kind == "m" else run)


def read(path):
    """Settings and blocks of a source."""
    meta, blocks, lines, at = {"maker": "chromium", "style": ""}, [], path.read_text().split("\n"), 0
    while at < len(lines):
        line = lines[at]
        at += 1
        word, _, rest = line.partition(" ")
        item = ITEM.match(line)
        if not line.strip():
            continue
        if word == "@maker":
            meta["maker"] = rest
        elif word == "@option":
            key, _, value = rest.partition(" ")
            meta[key] = value or True
        elif word == "@style":
            end = lines.index("@end", at)
            meta["style"] = "\n".join(lines[at:end])
            at = end + 1
        elif word == "@raw":
            blocks.append({"kind": "raw", "text": rest})
        elif word in ("@header", "@footer"):
            first, _, text = rest.partition(" ")
            blocks.append({"kind": word[1:], "first": first, "text": text})
        elif word == "@truth":
            kind, _, text = rest.partition(" ")
            if kind.startswith("heading"):
                blocks.append({"kind": "heading", "level": int(kind[7:]), "text": text, "silent": True})
            elif kind == "list_item":  # a check box: {x} or { }
                blocks.append({"kind": kind, "text": text[4:], "level": 0, "marker": "-", "checked": text[1] == "x", "silent": True})
            else:
                blocks.append({"kind": kind, "text": text, "silent": True})
        elif word == "@figure":
            blocks.append({"kind": "figure", "labels": [label.strip() for label in rest.split("|")]})
        elif word in ("@caption", "@aside", "@hidden"):
            blocks.append({"kind": word[1:], "text": rest})
        elif line.startswith("```"):
            end = lines.index("```", at)
            blocks.append({"kind": "code", "text": "\n".join(lines[at:end])})
            at = end + 1
        elif line.startswith("#"):
            blocks.append({"kind": "heading", "level": len(word), "text": rest})
        elif line.startswith("|"):
            rows = []
            at -= 1
            while at < len(lines) and lines[at].startswith("|"):
                rows.append([cell.strip() for cell in lines[at].strip("|").split("|")])
                at += 1
            blocks.append({"kind": "table", "rows": rows})
        elif line.startswith("[^"):
            mark, _, text = line[2:].partition("]: ")
            blocks.append({"kind": "footnote", "mark": mark, "text": text})
        elif item:
            blocks.append({"kind": "list_item", "level": len(item[1]) // 2, "marker": item[2], "text": item[4],
                           **({"checked": item[3] == "x"} if item[3] else {})})
        else:
            while at < len(lines) and lines[at].strip() and lines[at][0] != "@":
                line += " " + lines[at].strip()
                at += 1
            blocks.append({"kind": "paragraph", "text": line})
    for block in blocks:
        if block.get("text", "").startswith("{?} "):
            block.update(text=block["text"][4:], either=True)
    return meta, blocks


def truth(meta, blocks, pages):
    out, floats = [], {"floating": True} if meta.get("floats") else {}
    for block in blocks:
        kind = block["kind"]
        if kind == "raw":
            continue
        if kind == "figure":
            out += [{"kind": "figure_text", "text": plain(label), **floats} for label in block["labels"]]
        elif kind in ("header", "footer"):
            first, _, last = block["first"].partition("-")
            numbers = range(int(first), (int(last) if last else pages) + 1) if "-" in block["first"] else [int(first)]
            out += [{"kind": kind, "page": page, "text": block["text"].format(page=page, pages=pages)} for page in numbers]
        elif kind == "table":
            rows = [[plain(cell) for cell in row] for row in block["rows"]]
            out.append({"kind": kind, "text": "\n".join(" ".join(row) for row in rows), "rows": rows, **floats})
        elif kind == "code":
            out.append({"kind": kind, "text": block["text"]})
        else:
            entry = {key: value for key, value in block.items() if key not in ("silent",)}
            if kind == "aside":
                entry["kind"] = "paragraph"
            entry["text"] = plain(block["text"])
            if entry["text"] != block["text"]:
                entry["marked"] = block["text"]
            if refs := re.findall(r"\[\^(\w+)\]", block["text"]):
                entry["refs"] = refs
            if kind in ("aside", "footnote"):
                entry["floating"] = True
            if kind == "caption":
                entry.update(floats)
            out.append(entry)
    return out


# ---- HTML for browsers

def html_run(kind, run, address):
    tags = {"b": "b", "i": "i", "c": "code", "f": "sup", "u": "sup", "d": "sub"}
    if kind is None:
        return html.escape(run, quote=False)
    if kind == "m":
        return f"<math>{run}</math>"
    if kind == "t":
        return f'<a href="{address}">{html.escape(run)}</a>'
    return f"<{tags[kind]}>{run if kind in 'biud' else html.escape(run)}</{tags[kind]}>"


def to_html(meta, blocks):
    out, stack = [], []
    text = lambda block: inline(block["text"], html_run)

    def close(level):
        while len(stack) > level:
            out.append(f"</li></{stack.pop()}>")

    for block in blocks:
        kind = block["kind"]
        if kind != "list_item":
            close(0)
        if block.get("silent") or kind in ("header", "footer"):
            continue
        if kind == "raw":
            out.append(block["text"])
        elif kind == "heading":
            out.append(f"<h{block['level']}>{text(block)}</h{block['level']}>")
        elif kind == "list_item":
            tag = "ul" if block["marker"] == "-" else "ol"
            if len(stack) == block["level"] + 1 and stack[-1] == tag:
                out.append("</li>")
            elif len(stack) > block["level"]:
                close(block["level"] + 1)
                out.append("</li>")
            while len(stack) <= block["level"]:
                start = f' start="{int(block["marker"][:-1])}"' if block["marker"][0].isdigit() else ""
                out.append(f'<{tag}{start if tag == "ol" else ""}' + (' type="a"' if block["marker"][-1] == ")" else "")
                           + (' class="checks"' if "checked" in block else "") + ">")
                stack.append(tag)
            box = f'<input type="checkbox"{" checked" if block["checked"] else ""}> ' if "checked" in block else ""
            out.append(f"<li>{box}{text(block)}")
        elif kind == "code":
            out.append(f"<pre><code>{html.escape(block['text'], quote=False)}</code></pre>")
        elif kind == "table":
            head, *rows = [[inline(cell, html_run) for cell in row] for row in block["rows"]]
            out.append("<table><tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"
                       + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows) + "</table>")
        elif kind == "figure":
            wide = 110 * len(block["labels"])
            parts = "".join(f'<rect x="{i * 110 + 5}" y="10" width="90" height="34" fill="#dde8f6" stroke="#357"/>'
                            f'<text x="{i * 110 + 50}" y="31" text-anchor="middle" font-size="11">{html.escape(label)}</text>'
                            + (f'<path d="M{i * 110 + 95} 27 h20" stroke="#357"/>' if i + 1 < len(block["labels"]) else "")
                            for i, label in enumerate(block["labels"]))
            out.append(f'<svg width="{wide}" height="54" viewBox="0 0 {wide} 54">{parts}</svg>')
        elif kind == "footnote":
            out.append(f'<p class="footnote"><sup>{block["mark"]}</sup> {text(block)}</p>')
        else:
            out.append(f'<p{"" if kind == "paragraph" else f" class={kind!r}"}>{text(block)}</p>')
    close(0)
    language = meta.get("lang", "en")
    title = html.escape(meta.get("title", ""))
    return (f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title><style>'
            'svg text{font-family:"Liberation Sans"}.checks{list-style:none}.hidden{color:#fff}.footnote{font-size:9pt}'
            f'\n{meta["style"]}</style>\n' + "\n".join(out) + "</html>")


def chromium(meta, blocks, work):
    (work / "page.html").write_text(to_html(meta, blocks))
    flags = ["--disable-pdf-tagging"] if meta.get("untagged") else ["--generate-pdf-document-outline"] if meta.get("outline") else []
    if not meta.get("browser_header"):
        flags.append("--no-pdf-header-footer")
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", *flags, f"--print-to-pdf={work}/page.pdf",
                    f"file://{work}/page.html"], check=True, capture_output=True)
    return work / "page.pdf"


# ---- flat ODT for LibreOffice

def office_run(notes, counter=[0]):
    def run_(kind, run, address):
        if kind is None:
            return html.escape(run, quote=False).replace("\\t", "<text:tab/>")
        if kind == "f":
            counter[0] += 1
            body = inline(notes[run], run_)
            return (f'<text:note text:id="n{counter[0]}" text:note-class="footnote"><text:note-citation>{run}</text:note-citation>'
                    f'<text:note-body><text:p text:style-name="Note">{body}</text:p></text:note-body></text:note>')
        if kind == "t":
            return f'<text:a xlink:href="{address}">{html.escape(run)}</text:a>'
        inner = run if kind in "biud" else html.escape(run)
        return f'<text:span text:style-name="R{kind}">{inner}</text:span>'
    return run_


def spaced(line):
    return re.sub(r" {2,}|^ ", lambda m: f'<text:s text:c="{len(m[0])}"/>', html.escape(line, quote=False))


def to_office(meta, blocks):
    notes = {block["mark"]: block["text"] for block in blocks if block["kind"] == "footnote"}
    write = office_run(notes)
    text = lambda block: inline(block["text"], write)
    out, stack, tables = [], [], 0

    def close(level):
        while len(stack) > level:
            stack.pop()
            out.append("</text:list-item></text:list>")

    for block in blocks:
        kind = block["kind"]
        if kind != "list_item":
            close(0)
        if block.get("silent") or kind in ("header", "footer", "footnote"):
            continue
        if kind == "raw":
            out.append(block["text"])
        elif kind == "heading" and meta.get("direct"):
            out.append(f'<text:p text:style-name="H{block["level"]}">{text(block)}</text:p>')
        elif kind == "heading":
            out.append(f'<text:h text:style-name="H{block["level"]}" text:outline-level="{block["level"]}">{text(block)}</text:h>')
        elif kind == "list_item":
            style = "LN" if block["marker"][0].isdigit() else "LA" if block["marker"] != "-" else "LX" if "checked" in block else "LB"
            if len(stack) > block["level"]:
                close(block["level"] + 1)
                out.append("</text:list-item><text:list-item>")
            while len(stack) <= block["level"]:
                stack.append(style)
                out.append(f'<text:list text:style-name="{style}"><text:list-item>')
            box = ("☑ " if block["checked"] else "☐ ") if "checked" in block else ""
            out.append(f'<text:p text:style-name="Item">{box}{text(block)}</text:p>')
        elif kind == "code":
            out.append('<text:p text:style-name="Code">' + "<text:line-break/>".join(map(spaced, block["text"].split("\n"))) + "</text:p>")
        elif kind == "table":
            tables += 1
            out.append(f'<table:table table:name="t{tables}"><table:table-column table:number-columns-repeated="{len(block["rows"][0])}"/>')
            for at, row in enumerate(block["rows"]):
                out.append("<table:table-row>" + "".join(
                    f'<table:table-cell table:style-name="Cell" office:value-type="string"><text:p text:style-name="{"Th" if at == 0 else "Td"}">'
                    f'{inline(cell, write)}</text:p></table:table-cell>' for cell in row) + "</table:table-row>")
            out.append("</table:table>")
        elif kind == "figure":
            parts = "".join(
                f'<draw:frame draw:style-name="Fr" text:anchor-type="as-char" svg:width="2.6cm" svg:height="1cm"><draw:text-box>'
                f'<text:p text:style-name="Label">{html.escape(label)}</text:p></draw:text-box></draw:frame> ' for label in block["labels"])
            out.append(f'<text:p text:style-name="Figure">{parts}</text:p>')
        else:
            style = {"caption": "Caption", "aside": "Aside", "hidden": "Hidden"}.get(kind, block.get("style", "P"))
            if found := re.match(r"\{(\w+)\} ", block["text"]):
                block["text"] = block["text"][found.end():]
                style = found[1]
            out.append(f'<text:p text:style-name="{style}">{text(block)}</text:p>')
    close(0)
    language = meta.get("lang", "en")
    country = {"en": "US", "de": "DE", "fr": "FR"}[language]

    def furniture(kind):
        found = [block for block in blocks if block["kind"] == kind]
        if not found:
            return "", ""
        body = inline(found[-1]["text"], write).replace("{page}", "<text:page-number/>").replace("{pages}", "<text:page-count/>")
        first = f'<style:{kind}-first><text:p/></style:{kind}-first>' if not found[0]["first"].startswith("1") else ""
        return f'<style:{kind}><text:p text:style-name="Furniture">{body}</text:p></style:{kind}>{first}', (
            f'<style:{kind}-style><style:header-footer-properties fo:min-height="0.8cm" fo:margin-{"bottom" if kind == "header" else "top"}="0.4cm"/></style:{kind}-style>')

    header, header_style = furniture("header")
    footer, footer_style = furniture("footer")
    font, size = meta.get("font", "Liberation Serif"), meta.get("size", "11pt")
    justify = meta.get("align", "justify")
    styles = "".join(
        f'<style:style style:name="{name}" style:family="paragraph"{" style:next-style-name=%r" % "P" if name[0] == "H" else ""}>'
        f'<style:paragraph-properties {para}/><style:text-properties {char}/></style:style>' for name, para, char in (
            ("P", f'fo:margin-bottom="0.2cm" fo:text-align="{justify}"', 'fo:hyphenate="true"'),
            ("Item", 'fo:margin-bottom="0.05cm"', ""),
            ("H1", 'fo:margin-top="0.5cm" fo:margin-bottom="0.25cm" fo:keep-with-next="always"', 'fo:font-size="17pt" fo:font-weight="bold"'),
            ("H2", 'fo:margin-top="0.4cm" fo:margin-bottom="0.2cm" fo:keep-with-next="always"', 'fo:font-size="13.5pt" fo:font-weight="bold"'),
            ("H3", 'fo:margin-top="0.3cm" fo:margin-bottom="0.1cm" fo:keep-with-next="always"', f'fo:font-size="{size}" fo:font-weight="bold"'),
            ("Code", 'fo:margin="0.3cm" fo:background-color="#f0f0f0"', 'style:font-name="Liberation Mono" fo:font-size="9pt"'),
            ("Th", "", 'fo:font-weight="bold"'), ("Td", "", ""), ("Label", 'fo:text-align="center"', 'fo:font-size="9pt"'),
            ("Figure", 'fo:text-align="center" fo:margin-top="0.3cm"', ""), ("Note", "", 'fo:font-size="8.5pt"'),
            ("Caption", 'fo:text-align="center" fo:margin-bottom="0.3cm"', 'fo:font-size="9.5pt" fo:font-style="italic"'),
            ("Box", 'fo:margin="0.2cm" fo:padding="0.2cm" fo:background-color="#fff3d6" fo:border="0.5pt solid #c90"', ""),
            ("Right", 'fo:text-align="end"', ""), ("Centre", 'fo:text-align="center"', ""), ("Small", "", 'fo:font-size="8pt"'),
            ("Hidden", "", 'fo:color="#ffffff"'), ("Title", 'fo:text-align="center" fo:margin-bottom="0.4cm"', 'fo:font-size="22pt" fo:font-weight="bold"'),
            ("Furniture", 'fo:border-bottom="none"', 'fo:font-size="8.5pt"')))
    levels = lambda one: "".join(one.format(level, 0.6 * level) for level in range(1, 5))
    at = ('<style:list-level-properties text:list-level-position-and-space-mode="label-alignment"><style:list-level-label-alignment '
          'text:label-followed-by="listtab" fo:text-indent="-0.6cm" fo:margin-left="{1}cm"/></style:list-level-properties>')
    lists = (f'<text:list-style style:name="LB">{levels("<text:list-level-style-bullet text:level=%s text:bullet-char=%s>" % (chr(34) + "{0}" + chr(34), chr(34) + "•" + chr(34)) + at + "</text:list-level-style-bullet>")}</text:list-style>'
             f'<text:list-style style:name="LX">{levels("<text:list-level-style-number text:level=%s style:num-format=%s>" % (chr(34) + "{0}" + chr(34), chr(34) * 2) + at + "</text:list-level-style-number>")}</text:list-style>'
             f'<text:list-style style:name="LN">{levels("<text:list-level-style-number text:level=%s style:num-format=%s style:num-suffix=%s>" % (chr(34) + "{0}" + chr(34), chr(34) + "1" + chr(34), chr(34) + "." + chr(34)) + at + "</text:list-level-style-number>")}</text:list-style>'
             f'<text:list-style style:name="LA">{levels("<text:list-level-style-number text:level=%s style:num-format=%s style:num-suffix=%s>" % (chr(34) + "{0}" + chr(34), chr(34) + "a" + chr(34), chr(34) + ")" + chr(34)) + at + "</text:list-level-style-number>")}</text:list-style>')
    runs = "".join(f'<style:style style:name="R{kind}" style:family="text"><style:text-properties {char}/></style:style>' for kind, char in (
        ("b", 'fo:font-weight="bold"'), ("i", 'fo:font-style="italic"'), ("c", 'style:font-name="Liberation Mono"'),
        ("u", 'style:text-position="super 58%"'), ("d", 'style:text-position="sub 58%"')))
    names = " ".join(f'xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{value}:1.0"' for key, value in (
        ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("draw", "drawing"),
        ("fo", "xsl-fo-compatible"), ("svg", "svg-compatible"), ("meta", "meta")))
    faces = "".join(f'<style:font-face style:name="{name}" svg:font-family="\'{name}\'"/>' for name in ("Liberation Serif", "Liberation Sans", "Liberation Mono"))
    page = meta.get("page", 'fo:page-width="21cm" fo:page-height="29.7cm" fo:margin="2.2cm"')
    return (f'<?xml version="1.0" encoding="UTF-8"?><office:document {names} xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.3" '
            f'office:mimetype="application/vnd.oasis.opendocument.text"><office:font-face-decls>{faces}</office:font-face-decls>'
            f'<office:styles><style:default-style style:family="paragraph"><style:paragraph-properties fo:widows="2" fo:orphans="2"/>'
            f'<style:text-properties style:font-name="{font}" fo:font-size="{size}" '
            f'fo:language="{language}" fo:country="{country}" fo:hyphenation-remain-char-count="2" fo:hyphenation-push-char-count="2"/>'
            f'</style:default-style>{styles}{runs}{lists}</office:styles><office:automatic-styles>'
            f'<style:page-layout style:name="L"><style:page-layout-properties {page}/>{header_style}{footer_style}</style:page-layout>'
            '<style:style style:name="Cell" style:family="table-cell"><style:table-cell-properties fo:border="0.5pt solid #888" fo:padding="0.1cm"/></style:style>'
            '<style:style style:name="Fr" style:family="graphic"><style:graphic-properties fo:border="0.7pt solid #335577" fo:background-color="#dde8f6"/></style:style>'
            '<style:style style:name="Two" style:family="section"><style:section-properties text:dont-balance-text-columns="false"><style:columns fo:column-count="2" fo:column-gap="0.7cm"/></style:section-properties></style:style>'
            '<style:style style:name="Three" style:family="section"><style:section-properties text:dont-balance-text-columns="false"><style:columns fo:column-count="3" fo:column-gap="0.6cm"/></style:section-properties></style:style>'
            f'{meta["style"]}</office:automatic-styles><office:master-styles><style:master-page style:name="Standard" style:page-layout-name="L">'
            f'{header}{footer}</style:master-page></office:master-styles><office:body><office:text>' + "\n".join(out)
            + "</office:text></office:body></office:document>")


def office(meta, blocks, work):
    (work / "page.fodt").write_text(to_office(meta, blocks))
    tagged = "false" if meta.get("untagged") else "true"
    options = '{"UseTaggedPDF":{"type":"boolean","value":"%s"},"ExportBookmarks":{"type":"boolean","value":"%s"}}' % (tagged, tagged)
    subprocess.run(["soffice", "--headless", f"-env:UserInstallation=file://{work}/profile", "--convert-to",
                    f"pdf:writer_pdf_Export:{options}", "--outdir", str(work), str(work / "page.fodt")], check=True, capture_output=True)
    return work / "page.pdf"


# ---- LaTeX

def latex_text(text):
    for a, b in (("\\", "\0"), ("{", r"\{"), ("}", r"\}"), ("&", r"\&"), ("%", r"\%"), ("#", r"\#"), ("_", r"\_"), ("\0", r"\textbackslash{}"),
                 ("–", "--"), ("“", "``"), ("”", "''"), ("’", "'"), ("…", r"\dots{}"), ("€", r"\texteuro{}"), ("→", r"$\to$"),
                 ("☐", r"$\square$"), ("☑", r"$\boxtimes$"), ("^", r"\^{}"), ("~", r"\~{}"), ("„", r"\glqq{}")):
        text = text.replace(a, b)
    return text


def latex_run(notes):
    def run_(kind, run, address):
        if kind is None:
            return latex_text(run)
        if kind == "f":
            return r"\footnote{" + inline(notes[run], run_) + "}"
        if kind == "m":
            return f"${run}$"
        if kind == "t":
            return r"\href{" + address + "}{" + latex_text(run) + "}"
        name = {"b": "textbf", "i": "emph", "c": "texttt", "u": "textsuperscript", "d": "textsubscript"}[kind]
        return f"\\{name}{{{latex_text(run) if kind == 'c' else run}}}"
    return run_


def to_latex(meta, blocks):
    notes = {block["mark"]: block["text"] for block in blocks if block["kind"] == "footnote"}
    write = latex_run(notes)
    text = lambda block: inline(block["text"], write)
    out, stack = [], []
    names = meta.get("headings", "section subsection subsubsection paragraph").split()

    def close(level):
        while len(stack) > level:
            out.append(f"\\end{{{stack.pop()}}}")

    for block in blocks:
        kind = block["kind"]
        if kind != "list_item":
            close(0)
        if block.get("silent") or kind in ("header", "footer", "footnote"):
            continue
        if kind == "raw":
            out.append(block["text"])
        elif kind == "heading":
            number = re.match(r"(?:Chapter )?(?:\d+|[A-Z]\.\d+)(?:\.\d+)* ", block["text"])
            body = text(block)
            if number and not number[0].startswith("Chapter"):
                body = number[0].strip() + r"\hspace{1em}" + inline(block["text"][number.end():], write)
            out.append(f"\\{names[block['level'] - 1]}*{{{body}}}")
            if meta.get("outline"):
                out.append(f"\\addcontentsline{{toc}}{{{names[block['level'] - 1]}}}{{{text(block)}}}")
        elif kind == "list_item":
            tag = "itemize" if block["marker"] == "-" else "enumerate"
            close(block["level"] + 1)
            while len(stack) <= block["level"]:
                out.append(f"\\begin{{{tag}}}")
                stack.append(tag)
            label = ("[$\\boxtimes$]" if block["checked"] else "[$\\square$]") if "checked" in block else f"[{block['marker']}]" if tag == "enumerate" else ""
            out.append(f"\\item{label} {text(block)}")
        elif kind == "code":
            out.append("\\begin{lstlisting}\n" + block["text"] + "\n\\end{lstlisting}")
        elif kind == "table":
            head, *rows = [[inline(cell, write) for cell in row] for row in block["rows"]]
            out.append("\\begin{center}\\begin{tabular}{l" + "r" * (len(head) - 1) + "}\\toprule\n" + " & ".join(head) + "\\\\\\midrule\n"
                       + "\\\\\n".join(" & ".join(row) for row in rows) + "\\\\\\bottomrule\\end{tabular}\\end{center}")
        elif kind == "figure":
            out.append("\\begin{center}\\small " + "\\,\\rule[0.3em]{0.5em}{0.4pt}\\,".join(f"\\fbox{{\\strut {latex_text(label)}}}" for label in block["labels"]) + "\\end{center}")
        elif kind == "caption":
            out.append("\\begin{center}\\small " + text(block) + "\\end{center}")
        elif kind == "aside":
            out.append("\\marginpar{\\raggedright\\footnotesize " + text(block) + "}")
        elif kind == "hidden":
            out.append("{\\color{white} " + text(block) + "}")
        else:
            out.append(text(block) + "\n")
    close(0)
    return ("\\documentclass[" + meta.get("class_options", "10pt") + "]{" + meta.get("class", "article") + "}\n"
            + ("" if meta.get("ot1") else "\\usepackage[T1]{fontenc}\n") + "\\usepackage[utf8]{inputenc}\n\\usepackage{amsmath,amssymb,booktabs,listings,xcolor,textcomp}\n"
            "\\lstset{basicstyle=\\ttfamily\\footnotesize,columns=fullflexible,keepspaces=true}\n\\pdfobjcompresslevel=2\n" + meta["style"]
            + "\n\\usepackage[hidelinks]{hyperref}\n\\begin{document}\n" + "\n".join(out) + "\n\\end{document}\n")


def latex(meta, blocks, work):
    (work / "page.tex").write_text(to_latex(meta, blocks))
    for _ in range(2):
        done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"], cwd=work, capture_output=True)
    if done.returncode:
        sys.exit(done.stdout.decode(errors="replace")[-1500:])
    return work / "page.pdf"


# ---- Typst

def typst_text(text):
    return re.sub(r"([\\*_#@$<>`\[\]~/=\-+])", r"\\\1", text)


def typst_run(notes):
    def run_(kind, run, address):
        if kind is None:
            return typst_text(run)
        if kind == "f":
            return "#footnote[" + inline(notes[run], run_) + "]"
        if kind == "m":
            return f"${run}$"
        if kind == "t":
            return f'#link("{address}")[{typst_text(run)}]'
        if kind == "c":
            return f"#raw({json.dumps(run, ensure_ascii=False)})"
        return {"b": "#strong[", "i": "#emph[", "u": "#super[", "d": "#sub["}[kind] + run + "]"
    return run_


def to_typst(meta, blocks):
    notes = {block["mark"]: block["text"] for block in blocks if block["kind"] == "footnote"}
    write = typst_run(notes)
    text = lambda block: inline(block["text"], write)
    out, last = [], None
    for block in blocks:
        kind = block["kind"]
        if block.get("silent") or kind in ("header", "footer", "footnote"):
            continue
        if kind == "raw":
            out.append(block["text"])
        elif kind == "heading":
            out.append(f"\n#heading(level: {block['level']})[{text(block)}]\n")
        elif kind == "list_item":
            mark = "-" if block["marker"] == "-" else block["marker"]
            box = f'#text(font: "DejaVu Sans Mono")[{"☑" if block["checked"] else "☐"}] ' if "checked" in block else ""
            out.append("  " * block["level"] + f"{mark} {box}{text(block)}" if last == kind else "\n" + "  " * block["level"] + f"{mark} {box}{text(block)}")
        elif kind == "code":
            out.append("\n```\n" + block["text"] + "\n```\n")
        elif kind == "table":
            cells = ",\n".join(", ".join(f"[{'*' if at == 0 else ''}{inline(cell, write)}{'*' if at == 0 else ''}]" for cell in row) for at, row in enumerate(block["rows"]))
            out.append(f"\n#align(center, table(columns: {len(block['rows'][0])}, {meta.get('table', 'stroke: 0.5pt')}, {cells}))\n")
        elif kind == "figure":
            parts = ", ".join(f"rect(fill: rgb(\"#dde8f6\"), stroke: 0.6pt, inset: 6pt)[#text(size: 8pt)[{typst_text(label)}]]" for label in block["labels"])
            out.append(f"\n#align(center, stack(dir: ltr, spacing: 14pt, {parts}))\n")
        elif kind == "caption":
            out.append(f"\n#align(center, text(size: 9pt)[{text(block)}])\n")
        elif kind == "aside":
            out.append(f"#place(dx: {meta.get('aside', '-3.6cm')}, box(width: 3cm, text(size: 8pt, hyphenate: false)[#set par(justify: false, first-line-indent: 0pt)\n{text(block)}]))")
        elif kind == "hidden":
            out.append(f"\n#text(fill: white)[{text(block)}]\n")
        else:
            out.append("\n" + text(block) + "\n")
        last = kind
    return meta["style"] + "\n" + "\n".join(out)


def typst(meta, blocks, work):
    import typst as compiler
    (work / "page.typ").write_text(to_typst(meta, blocks))
    compiler.compile(str(work / "page.typ"), output=str(work / "page.pdf"))
    return work / "page.pdf"


def main():
    makers = {"chromium": chromium, "office": office, "latex": latex, "typst": typst}
    only_truth, names = "--truth" in sys.argv, [name for name in sys.argv[1:] if name != "--truth"]
    for path in sorted((HERE / "sources").glob("*.txt")):
        if names and path.stem not in names:
            continue
        meta, blocks = read(path)
        with tempfile.TemporaryDirectory() as work:
            if not only_truth:
                pdf = makers[meta["maker"]](meta, [dict(block) for block in blocks], pathlib.Path(work))
                shutil.copy(pdf, HERE / f"{path.stem}.pdf")
        for block in blocks:
            if block["kind"] == "paragraph" and meta["maker"] == "office":
                if re.match(r"\{(Title|Big)\} ", block["text"]):
                    block.update(kind="heading", level=0)  # the document's title
                block["text"] = re.sub(r"^\{\w+\} ", "", block["text"])
            if "text" in block and block["kind"] not in ("raw", "code"):
                block["text"] = block["text"].replace("\\t", " ")
        info = subprocess.run(["pdfinfo", HERE / f"{path.stem}.pdf"], capture_output=True, text=True).stdout
        pages = int(re.search(r"Pages:\s+(\d+)", info)[1])
        entry = {"maker": meta["maker"], "pages": pages, "blocks": truth(meta, blocks, pages)}
        lines = ",\n".join("  " + json.dumps(block, ensure_ascii=False) for block in entry["blocks"])
        (HERE / f"{path.stem}.json").write_text(f'{{"maker": "{meta["maker"]}", "pages": {pages}, "blocks": [\n{lines}\n]}}\n')
        print(path.stem, pages, (HERE / f"{path.stem}.pdf").stat().st_size // 1024, "KB")


if __name__ == "__main__":
    main()
