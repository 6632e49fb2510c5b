#!/usr/bin/env python3
"""Makes the documents with tables, and their truth, from sources/*.

    apt-get install chromium libreoffice-writer libreoffice-calc poppler-utils fonts-dejavu fonts-liberation \\
        fonts-noto-cjk fonts-hosny-amiri fonts-crosextra-carlito fonts-crosextra-caladea fonts-noto-core \\
        texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended lmodern
    pip install typst==0.15.2 reportlab==5.1.0 pillow==13.0.0
    tests/tables/make.py [--truth] [--list] [NAME...]     (--truth: only the truth, the PDFs stay)

Each source gives NAME.pdf and NAME.html, the truth: the tables in reading order, one a line, `th` for cells of heads.
A table that goes on over pages is one table with its head once; the lines of a cell are joined by spaces; the marks of
footnotes stay in the text; a nested table is written as rows of the table around it; a table from right to left starts
with its rightmost column. A file without lines is a page that looks like a table and holds none. Every cell of the truth
is looked for in the text that pdftotext finds. held_out.txt names the half that rules are not made with.

The ending of a source names its maker: .html Chromium, .writer.html LibreOffice's import of HTML, .writer and .calc flat
LibreOffice files, .csv LibreOffice Calc, .tex LaTeX, .typ Typst, .py reportlab. The first lines say `@kind` and
`@script`, and `@tagged` where the PDF shall hold its structure, as few do. The rest is the maker's own language but for
the rows of tables, which stand in one notation everywhere:

    @rows                   `continued`: goes on with the table before (rows of its head are not new),
    ! Item | {c2} Price     `silent`: not in the truth; `! ` starts a row of the head
    @\\midrule               a line for the maker alone
    Pears | 3 | {i1 sum} 4  attributes: c2 and r2 span columns and rows, i1 indents, h is a head's cell, m:SPEC is for the
    @end                    maker, other words are style names
    @truth                  the same, only in the truth

In a cell: `**bold**`, `^up^`, ` // ` starts a new line.
"""
import html, pathlib, re, shutil, subprocess, sys, tempfile, unicodedata

HERE = pathlib.Path(__file__).resolve().parent
MAKERS = {".writer.html": "office_html", ".html": "chromium", ".writer": "writer", ".calc": "calc", ".csv": "csv",
          ".tex": "latex", ".typ": "typst", ".py": "reportlab"}
# Documents whose cells are not looked for, as pdftotext turns or cuts their text. So far it finds all.
NOT_CHECKED = set()
INLINE = re.compile(r"\*\*(?P<b>.+?)\*\*|\^(?P<u>[^^ ]+)\^|(?P<n> // )")


class Cell:
    """A cell of a table at its place in the grid."""

    def __init__(self, source, head):
        self.rows = self.columns = 1
        self.indent, self.head, self.names, self.spec = 0, head, [], ""
        if found := re.match(r"\{([^}]*)\}\s*", source):
            source = source[found.end():]
            for word in found[1].split():
                if re.fullmatch(r"[cri]\d+", word):
                    setattr(self, {"c": "columns", "r": "rows", "i": "indent"}[word[0]], int(word[1:]))
                elif word == "h":
                    self.head = True
                elif word.startswith("m:"):
                    self.spec = word[2:]
                else:
                    self.names.append(word)
        self.source = source

    @property
    def text(self):
        return inline(self.source, lambda kind, run: " " if kind == "n" else run)


class Rows:
    """Rows of a table: `items` holds lists of cells, and strings that are for the maker alone."""

    def __init__(self, lines):
        self.items, taken, y = [], set(), 0
        for line in lines:
            if line.startswith("@"):
                self.items.append(line[1:])
                continue
            if not line.strip():
                continue
            head, x, row = line.startswith("! "), 0, []
            for source in re.split(r"\|(?![^{|]*(?:\|[^{]*)?\})", line[2:] if head else line):
                cell = Cell(source.strip(), head)
                while (y, x) in taken:
                    x += 1
                cell.row, cell.column = y, x
                taken |= {(y + b, x + a) for b in range(cell.rows) for a in range(cell.columns)}
                row.append(cell)
                x += cell.columns
            self.items.append(row)
            y += 1
        self.width = max((x + 1 for _, x in taken), default=0)

    def lines(self):
        """The rows without what is for the maker."""
        return [item for item in self.items if not isinstance(item, str)]


def inline(text, write):
    out, at = [], 0
    for m in INLINE.finditer(text):
        out += [write(None, text[at:m.start()]), write(m.lastgroup, m[m.lastgroup])]
        at = m.end()
    return "".join(out) + write(None, text[at:])


def read(path, emit):
    """What a source says of itself, its text with the rows of tables written by `emit`, and the tables of the truth."""
    meta, out, tables, lines, at = {}, [], [], path.read_text().split("\n"), 0
    while at < len(lines):
        line = lines[at]
        at += 1
        word, _, rest = line.strip().partition(" ")
        if word in ("@kind", "@script", "@page", "@tagged"):
            meta[word[1:]] = rest or True
        elif word in ("@rows", "@truth"):
            end = at + lines[at:].index("@end")
            rows = Rows(lines[at:end])
            at = end + 1
            if word == "@rows":
                out.append(emit(rows))
            if rest == "continued":
                tables[-1] += [row for row in rows.lines() if not row[0].head or not all(cell.head for cell in row)]
            elif rest != "silent":
                tables.append(rows.lines())
        else:
            out.append(line)
    return meta, "\n".join(out), tables


def truth(tables):
    def cell(cell):
        tag = "th" if cell.head else "td"
        spans = "".join(f' {key}="{n}"' for key, n in (("rowspan", cell.rows), ("colspan", cell.columns)) if n > 1)
        return f"<{tag}{spans}>{html.escape(cell.text, quote=False)}</{tag}>"

    return "".join("<table>" + "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows) + "</table>\n" for rows in tables)


# ---- HTML

def html_rows(rows):
    def write(kind, run):
        run = html.escape(run, quote=False)
        return {None: run, "b": f"<b>{run}</b>", "u": f"<sup>{run}</sup>", "n": "<br>"}[kind]

    out = []
    for row in rows.items:
        if isinstance(row, str):
            out.append(row)
            continue
        cells = []
        for cell in row:
            tag = "th" if cell.head else "td"
            names = cell.names + ([f"i{cell.indent}"] if cell.indent else [])
            cells.append(f"<{tag}" + (f' class="{" ".join(names)}"' if names else "") + (f" {cell.spec}" if cell.spec else "")
                         + (f' rowspan="{cell.rows}"' if cell.rows > 1 else "") + (f' colspan="{cell.columns}"' if cell.columns > 1 else "")
                         + f">{inline(cell.source, write)}</{tag}>")
        out.append("<tr>" + "".join(cells) + "</tr>")
    return "\n".join(out)


def chromium(meta, text, work):
    (work / "page.html").write_text(text)
    tags = [] if meta.get("tagged") else ["--disable-pdf-tagging"]
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                    "--disable-background-networking", "--disable-component-update", f"--user-data-dir={work}/profile",
                    "--no-pdf-header-footer", *tags, f"--print-to-pdf={work}/page.pdf", f"file://{work}/page.html"], check=True, capture_output=True)


# ---- LibreOffice

def convert(work, name, *options):
    subprocess.run(["soffice", f"-env:UserInstallation=file://{work}/profile", "--headless", *options, "--convert-to", "pdf",
                    "--outdir", str(work), str(work / name)], check=True, capture_output=True)


def office_html(meta, text, work):
    (work / "page.html").write_text(text)
    convert(work, "page.html", "--infilter=HTML (StarWriter)")


def csv(meta, text, work):
    (work / "trees.csv").write_text(text)
    convert(work, "trees.csv", "--infilter=CSV:44,34,76,1,,0,true,false,false")
    (work / "trees.pdf").rename(work / "page.pdf")


def csv_rows(rows):
    return "\n".join(",".join('"' + cell.text.replace('"', '""') + '"' for cell in row) for row in rows.lines())


def office_inline(source):
    def write(kind, run):
        run = html.escape(run, quote=False)
        return {None: run, "b": f'<text:span text:style-name="Bold">{run}</text:span>', "n": "<text:line-break/>",
                "u": f'<text:span text:style-name="Up">{run}</text:span>'}[kind]
    return inline(source, write).replace("\\t", "<text:tab/>")


def office_rows(rows):
    """Names with a capital letter are styles of the cell, others of its paragraph; `@row NAME` is for the next row."""
    out, covered, high = [], {}, "row"
    for row in rows.items:
        if isinstance(row, str):
            if row.startswith("row "):
                high = row[4:]
            else:
                out.append(row)
            continue
        at, cells = {cell.column: cell for cell in row}, []
        for cell in row:
            covered.update({(cell.row + b, cell.column + a): cell for b in range(cell.rows) for a in range(cell.columns) if a or b})
        x = 0
        while x < rows.width:
            if cell := at.get(x):
                box = next((n for n in cell.names if n[0].isupper()), "Head" if cell.head else "Cell")
                style = next((n for n in cell.names if n[0].islower()), "th" if cell.head else "td")
                spans = f' table:number-columns-spanned="{cell.columns}" table:number-rows-spanned="{cell.rows}"' if cell.rows * cell.columns > 1 else ""
                text = office_inline(cell.source)
                indent = f'<text:s text:c="{3 * cell.indent}"/>' if cell.indent else ""
                cells.append(f'<table:table-cell table:style-name="{box}"{spans} office:value-type="string">'
                             f'<text:p text:style-name="{style}">{indent}{text}</text:p></table:table-cell>')
            else:
                cells.append("<table:covered-table-cell/>")
            x += 1
        out.append(f'<table:table-row table:style-name="{high}">' + "".join(cells) + "</table:table-row>")
        high = "row"
    return "\n".join(out)


SPACES = " ".join(f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"' for short, long in (
    ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("draw", "drawing"),
    ("fo", "xsl-fo-compatible"), ("svg", "svg-compatible"))) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'


def office_style(line):
    """`para NAME key=value...`, `cell NAME ...`, `col NAME width`, `row NAME height`, `table NAME width`, as XML."""
    family, name, *words = line.split()
    if family in ("col", "row", "table"):
        if family == "col":
            inner = f'<style:table-column-properties style:column-width="{words[0]}"/>'
        elif family == "row":
            inner = f'<style:table-row-properties style:row-height="{words[0]}"/>'
        else:
            more = " ".join(words[1:])
            inner = f'<style:table-properties style:width="{words[0]}" table:align="{more or "left"}"/>'
        return f'<style:style style:name="{name}" style:family="table{"" if family == "table" else "-column" if family == "col" else "-row"}">{inner}</style:style>'
    paragraph, letters, box = "", "", ""
    for word in words:
        key, _, value = word.partition("=")
        value = value.replace("_", " ")
        if key in ("align", "top", "bottom", "left", "indent") and family == "para" or key == "align":
            paragraph += {"align": f' fo:text-align="{value}"', "top": f' fo:margin-top="{value}"', "bottom": f' fo:margin-bottom="{value}"',
                          "left": f' fo:margin-left="{value}"', "indent": f' fo:text-indent="{value}"'}[key]
        elif key == "font":
            letters += f' fo:font-family="{value}" style:font-family-asian="{value}" style:font-family-complex="{value}"'
        elif key == "size":
            letters += f' fo:font-size="{value}pt" style:font-size-asian="{value}pt" style:font-size-complex="{value}pt"'
        elif key == "bold":
            letters += ' fo:font-weight="bold" style:font-weight-asian="bold"'
        elif key == "italic":
            letters += ' fo:font-style="italic"'
        elif key == "color":
            letters += f' fo:color="{value}"'
        elif key == "fill":
            box += f' fo:background-color="{value}"'
        elif key == "pad":
            box += f' fo:padding="{value}"'
        elif key == "turn":
            box += f' style:rotation-angle="{value}" style:rotation-align="bottom"'
        elif key == "vertical":
            box += f' style:vertical-align="{value}"'
        elif key == "wrap":
            box += ' fo:wrap-option="wrap"'
        elif key == "box":
            box += f' fo:border="{value} solid #000000"'
        elif key in ("top", "bottom", "left", "right"):
            box += f' fo:border-{key}="{value if "#" in value else value + " solid #000000"}"'
    inner = f"<style:paragraph-properties{paragraph}/><style:text-properties{letters}/>"
    if family == "cell":
        inner = f"<style:table-cell-properties{box}/>" + inner
    return f'<style:style style:name="{name}" style:family="{"table-cell" if family == "cell" else "paragraph"}">{inner}</style:style>'


def flat(meta, text, kind):
    """A flat file: `%style` lines, then raw XML, `# heading`s and paragraphs (`{style} text`)."""
    styles, body = [], []
    for line in text.split("\n"):
        if line.startswith("%"):
            styles.append(office_style(line[1:]))
        elif line.startswith("<") or not line.strip():
            body.append(line)
        else:
            found = re.match(r"\{(\w+)\}\s*", line)
            style, line = (found[1], line[found.end():]) if found else ("p", line)
            body.append(f'<text:p text:style-name="{style}">{office_inline(line)}</text:p>')
    width, height, *margins = (meta.get("page") or "21cm 29.7cm 2cm").split()
    turned = "landscape" if float(width[:-2]) > float(height[:-2]) else "portrait"
    around = ' fo:margin-top="{0}" fo:margin-bottom="{0}" fo:margin-left="{1}" fo:margin-right="{1}"'.format(margins[0], margins[-1])
    headless = '<style:header-style/><style:footer-style/>'
    return (f'<?xml version="1.0" encoding="UTF-8"?><office:document {SPACES} office:version="1.3" '
            f'office:mimetype="application/vnd.oasis.opendocument.{kind}"><office:styles/>'
            '<office:automatic-styles><style:style style:name="Bold" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>'
            '<style:style style:name="Up" style:family="text"><style:text-properties style:text-position="super 60%"/></style:style>'
            '<style:style style:name="row" style:family="table-row"><style:table-row-properties fo:keep-together="always" style:use-optimal-row-height="true"/></style:style>'
            f'<style:page-layout style:name="pl"><style:page-layout-properties fo:page-width="{width}" fo:page-height="{height}" style:print-orientation="{turned}"'
            f'{around} style:print="objects charts drawings zero-values" style:scale-to-X="1" style:scale-to-Y="0"/>{headless}</style:page-layout>'
            '<style:style style:name="sheet" style:family="table" style:master-page-name="Default"/>' + "".join(styles)
            + '</office:automatic-styles><office:master-styles><style:master-page style:name="Standard" style:page-layout-name="pl"/>'
            '<style:master-page style:name="Default" style:page-layout-name="pl"><style:header style:display="false"/><style:footer style:display="false"/>'
            f'</style:master-page></office:master-styles><office:body><office:{kind}>' + "\n".join(body) + f"</office:{kind}></office:body></office:document>")


def writer(meta, text, work):
    (work / "page.fodt").write_text(flat(meta, text, "text"))
    convert(work, "page.fodt")


def calc(meta, text, work):
    (work / "page.fods").write_text(flat(meta, text, "spreadsheet"))
    convert(work, "page.fods")


# ---- LaTeX

SIGNS = {"\\": r"\textbackslash{}", "−": "$-$", "≤": r"$\leq$", "≥": r"$\geq$", "→": r"$\to$", "✓": r"\checkmark{}", "~": r"\textasciitilde{}",
         "α": r"$\alpha$", "β": r"$\beta$", "μ": r"$\mu$", "σ": r"$\sigma$", "Δ": r"$\Delta$", "∞": r"$\infty$", "†": r"\dag{}", "‡": r"\ddag{}"}


def latex_rows(rows):
    def write(kind, run):
        run = "".join(SIGNS.get(c, "\\" + c if c in "&%$#_{}" else c) for c in run)
        return {None: run, "b": rf"\textbf{{{run}}}", "u": rf"\textsuperscript{{{run}}}", "n": r"\newline "}[kind]

    out, covered = [], {}
    for row in rows.items:
        if isinstance(row, str):
            out.append(row)
            continue
        at, parts, x = {cell.column: cell for cell in row}, [], 0
        while x < rows.width:
            cell = at.get(x)
            wide = cell.columns if cell else covered.get((row[0].row, x), 1)
            text = ""
            if cell:
                text = r"\quad " * cell.indent + inline(cell.source, write)
                for name in reversed(cell.names):
                    text = f"\\{name}{{{text}}}"
                if cell.rows > 1:
                    text = rf"\multirow{{{cell.rows}}}{{*}}{{{text}}}"
                    covered.update({(cell.row + b, x): wide for b in range(1, cell.rows)})
            if wide > 1 or cell and cell.spec:
                text = rf"\multicolumn{{{wide}}}{{{cell.spec if cell and cell.spec else 'c'}}}{{{text}}}"
            parts.append(text)
            x += wide
        out.append(" & ".join(parts) + r" \\")
    return "\n".join(out)


def latex(meta, text, work):
    (work / "page.tex").write_text(text)
    for _ in range(2):
        done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"], cwd=work, capture_output=True)
    if done.returncode:
        sys.exit(re.search(r"^!.*(\n.*){8}", done.stdout.decode(errors="replace"), re.M)[0])


# ---- Typst

def typst_rows(rows):
    def write(kind, run):
        run = re.sub(r"([\\*_#@$<>`\[\]~/=\-+])", r"\\\1", run)
        return {None: run, "b": f"#strong[{run}]", "u": f"#super[{run}]", "n": "#linebreak()"}[kind]

    out = []
    for row in rows.items:
        if isinstance(row, str):
            out.append(row)
            continue
        for cell in row:
            text = (f"#h({cell.indent}em)" if cell.indent else "") + inline(cell.source, write)
            for name in reversed(cell.names):
                text = f"#{name}[{text}]"
            extra = [f"{key}: {n}" for key, n in (("colspan", cell.columns), ("rowspan", cell.rows)) if n > 1] + ([cell.spec] if cell.spec else [])
            out.append(f"table.cell({', '.join(extra)})[{text}]," if extra else f"[{text}],")
    return "\n".join(out)


def typst(meta, text, work):
    import typst as compiler
    (work / "page.typ").write_text(text)
    compiler.compile(str(work / "page.typ"), output=str(work / "page.pdf"), pdf_tags=bool(meta.get("tagged")))


# ---- reportlab

def python_rows(rows):
    """The rows come to the source as `T[0]`, `T[1]`, ..."""
    python_rows.tables.append(rows)
    return ""


python_rows.tables = []


def reportlab(meta, text, work):
    exec(compile(text, "page.py", "exec"), {"T": python_rows.tables, "PDF": str(work / "page.pdf"), "WORK": work})


EMIT = {"chromium": html_rows, "office_html": html_rows, "writer": office_rows, "calc": office_rows, "csv": csv_rows,
        "latex": latex_rows, "typst": typst_rows, "reportlab": python_rows}


def norm(text):
    text = re.sub("[\u2010-\u2014\u2212]", "-", unicodedata.normalize("NFKC", text)).replace("\u2019", "'")
    return re.sub(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2066-\u2069*]+", "", text)


def lost(pdf, tables):
    """The cells whose text is not in the PDF."""
    texts = [norm(subprocess.run(["pdftotext", *way, pdf, "-"], capture_output=True, text=True).stdout) for way in ([], ["-layout"], ["-raw"])]
    return [cell.text for rows in tables for row in rows for cell in row if not any(norm(cell.text) in text for text in texts)]


def ragged(tables):
    """The tables whose cells don't fill a rectangle, by their first cells."""
    area = lambda rows: sum(cell.rows * cell.columns for row in rows for cell in row)
    return [rows[0][0].text for rows in tables if area(rows) != len(rows) * max(sum(c.columns for c in row) for row in rows)]


def main():
    only_truth, listed = "--truth" in sys.argv, "--list" in sys.argv
    names, failed = [name for name in sys.argv[1:] if not name.startswith("--")], False
    for path in sorted((HERE / "sources").iterdir()):
        ending = next((ending for ending in MAKERS if path.name.endswith(ending)), None)
        if not ending or names and path.name[:-len(ending)] not in names:
            continue
        name, maker, python_rows.tables = path.name[:-len(ending)], MAKERS[ending], []
        meta, text, tables = read(path, EMIT[maker])
        pdf = HERE / f"{name}.pdf"
        if listed:
            print(f"{name:24} {meta.get('kind', ''):60} {maker:12} {meta.get('script', 'Latin'):20} {len(tables)}")
            continue
        if not only_truth:
            with tempfile.TemporaryDirectory() as work:
                globals()[maker](meta, text, pathlib.Path(work))
                shutil.copy(pathlib.Path(work) / "page.pdf", pdf)
        (HERE / f"{name}.html").write_text(truth(tables))
        print(name, len(tables), "tables", pdf.stat().st_size // 1024, "KB")
        if name not in NOT_CHECKED and (cells := lost(pdf, tables)):
            failed = True
            print("  not in the PDF:", *cells[:12], sep="\n    ")
        if tables_at := ragged(tables):
            failed = True
            print("  rows of unlike widths:", *tables_at)
    sys.exit(failed)


if __name__ == "__main__":
    main()
