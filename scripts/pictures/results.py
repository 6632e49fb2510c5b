"""Reads what a program made of a picture: docparse's NAME.json (else NAME.md), or NAME.txt of another program.

A result is a list of pieces in the program's order: `Piece(label, text, rows)`; `rows` are the cells of a table as `(row, column, rows,
columns, text)`.
"""
import collections, html, json, re
from html.parser import HTMLParser

Piece = collections.namedtuple("Piece", "label text rows")
HEADINGS = {"doc_title", "paragraph_title"}
FURNITURE = {"header", "footer", "number", "footnote", "aside_text"}


class Cells(HTMLParser):
    """Cells of one table in HTML."""

    def __init__(self, markup):
        super().__init__()
        self.cells, self.taken, self.row, self.column, self.open = [], set(), -1, 0, None
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.row, self.column = self.row + 1, 0
        elif tag in ("td", "th"):
            number = dict(attributes)
            down, across = (int(number.get(k) or 1) if str(number.get(k) or 1).isdigit() else 1 for k in ("rowspan", "colspan"))
            while (self.row, self.column) in self.taken:
                self.column += 1
            self.taken |= {(y, x) for y in range(self.row, self.row + down) for x in range(self.column, self.column + across)}
            self.open = [self.row, self.column, down, across, ""]
            self.column += across
        elif tag == "br" and self.open:
            self.open[4] += "\n"

    def handle_data(self, data):
        if self.open:
            self.open[4] += data

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.open:
            self.cells.append(tuple(self.open))
            self.open = None


def table(markup):
    cells = Cells(markup).cells
    return Piece("table", " ".join(c[4] for c in cells), cells)


def of_json(text):
    pieces = []
    for page in json.loads(text)["pages"]:
        for block in page.get("parsing_res_list", []):
            content = block["block_content"] or ""
            if "<table" in content:
                pieces.append(table(content))
            elif content.strip():
                pieces.append(Piece(block["block_label"], re.sub(r"^\s*[-*+]\s+", "", content, flags=re.M), None))
    return pieces


def of_markdown(text):
    pieces = []
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    for part in re.split(r"(<table.*?</table>)", text, flags=re.S):
        if part.startswith("<table"):
            pieces.append(table(part))
            continue
        for block in re.split(r"\n\s*\n", part):
            lines = block.strip().split("\n")
            if len(lines) > 1 and re.fullmatch(r"[\s|:-]+", lines[1]) and "|" in lines[1]:
                rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for i, line in enumerate(lines) if i != 1]
                cells = [(y, x, 1, 1, html.unescape(c).strip()) for y, row in enumerate(rows) for x, c in enumerate(row)]
                pieces.append(Piece("table", " ".join(c[4] for c in cells), cells))
            elif block.strip():
                label = "paragraph_title" if block.lstrip().startswith("#") else "text"
                block = re.sub(r"!\[[^\]]*\]\([^)]*\)|</?[a-z][^>]*>|^\s*(#+|[-*+])\s+|\*\*|```\w*", "", block, flags=re.M)
                block = html.unescape(re.sub(r"\\([^\w\s])", r"\1", block))
                if block.strip():
                    pieces.append(Piece(label, block, None))
    return pieces


def of_text(text):
    """A piece a line. A hyphen before a line that goes on with a small letter is taken away: such programs leave that to who reads them."""
    text = re.sub(r"(?<=[^\W\d_])-[ \t]*\n(?=[a-zà-öø-ÿāăąćčďęěğłńňœřśšťůźžż])", "", text)
    text = re.sub(r"^\s*[-*+]\s+", "", text, flags=re.M)
    return [Piece("line", line, None) for line in text.split("\n") if line.strip()]


def read(folder, name):
    """The pieces, or None if there is no result."""
    for ending, reader in ((".json", of_json), (".md", of_markdown), (".txt", of_text)):
        path = folder / f"{name}{ending}"
        if path.exists():
            return reader(path.read_text(encoding="utf-8"))
    return None
