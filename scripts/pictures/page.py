"""A page in the making: each call adds Typst markup and, from the same words, its part of the truth.

The truth of a page is a list of blocks in reading order, `{"kind", "text"}`; kinds: title (with `level`, 1 for that of the
page), text, list (an item), caption, header, footer, code, table (`rows`: lists of cells `{"text", "rows", "columns"}` where the
last two are spans, left out if 1) and, with text that a reader may give or leave out, figure, formula and stamp.
Blocks with `either` may also come as a heading; such a header need not be marked as one.
"""
import json

PRELUDE = """
#let balanced(n, gutter, body) = layout(size => {
  let width = (size.width - gutter * (n - 1)) / n
  let whole = measure(block(width: width, body)).height
  block(height: whole / n + %(slack)s, columns(n, gutter: gutter, body))
})
#let upright(text-size, pitch, chars) = stack(dir: ttb, ..chars.map(c => box(width: pitch, height: text-size * 1.04, align(center + horizon, c))))
"""
FONTS = {"serif": '("Libertinus Serif", "Noto Serif CJK SC")', "sans": '("Liberation Sans", "Noto Sans CJK SC")',
         "times": '("Liberation Serif", "Noto Serif CJK SC")', "lato": '("Lato", "Noto Sans CJK SC")',
         "garamond": '("EB Garamond 12", "Noto Serif CJK SC")', "mono": '("DejaVu Sans Mono", "Noto Sans Mono CJK SC")',
         "typewriter": '("Liberation Mono", "Noto Sans Mono CJK SC")', "tex": '("New Computer Modern",)',
         "song": '("Noto Serif CJK SC",)', "hei": '("Noto Sans CJK SC",)', "mincho": '("Noto Serif CJK JP",)', "gothic": '("Noto Sans CJK JP",)'}

# Shapes that several documents have.
RECEIPT = {"width": "72mm", "margin": "5mm", "justify": False}
NOVEL = {"width": "125mm", "margin": "15mm"}
BROADSHEET = {"width": "230mm", "margin": "10mm", "leading": "0.48em"}
SLIDE = {"width": "254mm", "height": "143mm", "justify": False}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


class Page:
    def __init__(self, kind, languages, font="serif", size="9pt", width="148mm", height="auto", margin="13mm", fill="white", ink="black",
                 justify=True, slack="14pt", leading="0.6em", header=None, footer=None):
        self.kind, self.languages = kind, languages.split()
        self.truth, self.markup = [], [PRELUDE % {"slack": slack}]
        self.end = []
        region = ', region: "jp"' if languages.startswith("ja") else ', region: "cn"' if languages.startswith("zh") else ""
        furniture = ""
        if header:
            self.truth.append({"kind": "header", "text": " ".join(header)})
            furniture += f", header: text(size: 0.85em)[{self.spread(header)}]"
        if footer:
            self.end.append({"kind": "footer", "text": " ".join(footer)})
            furniture += f", footer: text(size: 0.85em)[{self.spread(footer)}]"
        self.raw(f"#set page(width: {width}, height: {height}, margin: {margin}, fill: {fill}{furniture})")
        self.raw(f'#set text(font: {FONTS[font]}, size: {size}, fill: {ink}, lang: "{self.languages[0]}"{region})')
        self.raw(f"#set par(justify: {str(justify).lower()}, leading: {leading}, spacing: {leading} + 0.35em)")

    @staticmethod
    def spread(parts):
        return "#grid(columns: (1fr,) * %d, %s)" % (len(parts), ", ".join(
            f"align({'left' if i == 0 and len(parts) > 1 else 'right' if i == len(parts) - 1 and i else 'center'}, {quoted(p)})" for i, p in enumerate(parts)))

    def raw(self, markup):
        self.markup.append(markup)

    def add(self, kind, text, **more):
        self.truth.append({"kind": kind, "text": text, **more})

    def blocks(self):
        return self.truth + self.end

    def source(self):
        return "\n".join(self.markup)

    def styled(self, text, style):
        return f"#text({style})[#{quoted(text)}]" if style else f"#{quoted(text)}"

    def title(self, text, level=1, style=None, align="left", above="0.9em", below="0.85em"):
        self.add("title", text, level=level)
        size = {1: "1.7em", 2: "1.25em", 3: "1.05em"}[level]
        style = style or f'size: {size}, weight: "bold"'
        self.raw(f"#block(above: {above}, below: {below}, width: 100%, sticky: true)[#set par(justify: false, leading: 0.4em)\n#set align({align})\n{self.styled(text, style)}]\n")

    def text(self, text, style="", align=None, kind="text", above=None, either=False):
        """A paragraph; `either`: it may come as a heading, too."""
        self.add(kind, text, **({"either": True} if either else {}))
        body = self.styled(text, style)
        if align or above:
            body = f"#block(above: {above or '1em'}, width: 100%)[#set align({align or 'left'})\n{body}]"
        self.raw(body + "\n")

    def paragraphs(self, words, count, sentences=4, style=""):
        for _ in range(count):
            self.text(words.paragraph(sentences), style)

    def caption(self, text, style="size: 0.85em", align="center"):
        self.text(text, style, align, kind="caption", above="0.6em")

    def items(self, texts, mark="•", numbered=False):
        for number, text in enumerate(texts, 1):
            label = f"{number}." if numbered else mark
            self.add("list", text if label == "•" else f"{label} {text}")
            self.raw(f"#grid(columns: (1.4em, 1fr), {quoted(label)}, [#{quoted(text)}])\n")

    def figure(self, markup, texts=()):
        """A drawing; `texts` are the words in it."""
        if texts:
            self.add("figure", " ".join(texts))
        self.raw(f"#align(center)[{markup}]\n")

    def lines(self, texts, style="", kind="text"):
        """Lines that are each a block, close to each other."""
        for text in texts:
            self.add(kind, text)
        self.raw("#block[" + " #linebreak() ".join(self.styled(t, style) for t in texts) + "]\n")

    def block_of_lines(self, texts, style="", kind="text"):
        """One block of given lines, such as an address or a listing."""
        self.add(kind, "\n".join(texts))
        self.raw("#block[" + " #linebreak() ".join(self.styled(t, style) for t in texts) + "]\n")

    def table(self, rows, columns=None, stroke="0.5pt", align=None, head=1, inset="4pt", fill=None, style="", bold_head=True, rules=""):
        """A table of texts or of (text, rows, columns); an element None stands where a span covers the place. `rules` is markup among the cells."""
        grid, cells = [], []
        for y, row in enumerate(rows):
            out = []
            for cell in row:
                if cell is None:
                    continue
                text, down, across = cell if isinstance(cell, tuple) else (cell, 1, 1)
                out.append({"text": text, **({"rows": down} if down > 1 else {}), **({"columns": across} if across > 1 else {})})
                body = f"[#set par(justify: false)\n#{quoted(text)}]"
                if y < head and bold_head:
                    body = f'strong[#{quoted(text)}]'
                cells.append(f"table.cell(rowspan: {down}, colspan: {across}, {body})" if down > 1 or across > 1 else body)
            grid.append(out)
        self.truth.append({"kind": "table", "text": " ".join(c["text"] for row in grid for c in row if c["text"]), "rows": grid})
        width = max(len(row) for row in rows)
        columns = columns or f"({', '.join(['auto'] * width)})"
        options = f"columns: {columns}, stroke: {stroke}, inset: {inset}"
        options += f", align: {align}" if align else ""
        options += f", fill: {fill}" if fill else ""
        self.raw(f"#block(above: 0.9em, below: 0.9em)[#set text({style or 'size: 1em'})\n#table({options}, {rules}{', '.join(cells)})]\n")

    def columns(self, n, gutter="5mm"):
        """A part in columns of equal height: `with page.columns(2):`."""
        return Wrapped(self, f"#balanced({n}, {gutter})[", "]\n")

    def boxed(self, options):
        return Wrapped(self, f"#block({options})[", "]\n")

    def grid(self, columns, gutter="5mm"):
        """Cells of a grid, each filled by `with page.cell():`."""
        return Wrapped(self, f"#grid(columns: {columns}, gutter: {gutter}, ", ")\n")

    def cell(self, options=""):
        return Wrapped(self, f"grid.cell({options}, [" if options else "[", "]),\n" if options else "],\n")

    def place(self, where, dx="0pt", dy="0pt"):
        return Wrapped(self, f"#place({where}, dx: {dx}, dy: {dy})[", "]\n")

    @staticmethod
    def upright_lines(texts, per_line, kinds=None):
        """(line, kind) of texts from top to bottom, each of which begins a line."""
        lines = []
        for text, kind in zip(texts, kinds or ["text"] * len(texts)):
            rest = ("　" if kind == "text" else "") + text
            while rest:
                line, rest = rest[:per_line], rest[per_line:]
                while rest and rest[0] in "。、」』）ー":  # these may not begin a line
                    line, rest = line + rest[0], rest[1:]
                lines.append((line, kind))
        return lines

    def upright(self, texts, per_line, size="10pt", pitch="17pt", kinds=None):
        """Japanese in lines from top to bottom, the first at the right; each text is a block that begins on a line of its own."""
        for text, kind in zip(texts, kinds or ["text"] * len(texts)):
            self.add(kind, text, **({"level": 1} if kind == "title" else {}))
        lines = self.upright_lines(texts, per_line, kinds)
        stacks = []
        for line, kind in lines:
            chars = ", ".join(f"[#{quoted(c)}]" for c in line)
            weight = 'weight: "bold", ' if kind == "title" else ""
            stacks.append(f'[#text({weight}size: {size}, features: ("vert",))[#upright({size}, {pitch}, ({chars},))]]')
        self.raw(f"#align(right + top, stack(dir: rtl, {', '.join(stacks)}))\n")


class Wrapped:
    def __init__(self, page, before, after):
        self.page, self.before, self.after = page, before, after

    def __enter__(self):
        self.page.raw(self.before)
        return self.page

    def __exit__(self, *_):
        self.page.raw(self.after)
