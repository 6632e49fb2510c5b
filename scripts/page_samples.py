"""Documents for the test of the page: long ones, and ones whose text would like to be markup. Needs Python alone."""

# What a document may say. Each would do something if any of it became markup.
HOSTILE = [
    "<img src=x onerror=window.hit=1>",
    "<script>window.hit=2</script>",
    "[a link](javascript:window.hit=3)",
    "![a picture](http://elsewhere.invalid/picture.png)",
    "<svg onload=window.hit=4><a href=javascript:window.hit=5>text</a></svg>",
    "<iframe src=http://elsewhere.invalid/></iframe>",
    "<style>body{display:none}</style>",
    '<a href="javascript:window.hit=6" style="position:fixed;inset:0">all over</a>',
    "<form action=http://elsewhere.invalid/><button>send</button></form>",
]
# Markdown that no writer of docparse makes, given to the renderer as it is; and what may come of it.
RENDERED = [
    ("# A *b* **c** `d`", '<h4 class="h1" aria-level="4">A <em>b</em> <strong>c</strong> <code>d</code></h4>'),
    ("a \\*b\\* &lt;c&gt; &amp; d", "<p>a *b* &lt;c&gt; &amp; d</p>"),
    ("one\\\ntwo  \nthree\nfour", "<p>one<br>two<br>three\nfour</p>"),
    (
        "a ~~b~~ ***c*** snake_case_word __d__",
        "<p>a <del>b</del> <em><strong>c</strong></em> snake_case_word <strong>d</strong></p>",
    ),
    (
        "- a\n- b\n  - c\n    1. d\n    2. e\n- f",
        "<ul><li>a </li><li>b <ul><li>c <ol><li>d </li><li>e </li></ol></li></ul></li><li>f </li></ul>",
    ),
    ("3. a\n4. b", '<ol start="3"><li>a </li><li>b </li></ol>'),
    ("1. a\n\n   b\n\n2. c", "<ol><li><p>a</p><p>b</p></li><li><p>c</p></li></ol>"),
    ("> a\n> b", "<blockquote><p>a\nb</p></blockquote>"),
    ("```\na <b>\n```", "<pre><code>a &lt;b&gt;</code></pre>"),
    ("***", "<hr>"),
    (
        "| a | b |\n| --- | ---: |\n| 1 \\| 2 | *3* |",
        '<div class="table-frame"><table><thead><tr><th scope="col">a</th><th class="right" scope="col">b</th></tr></thead>'
        '<tbody><tr><td>1 | 2</td><td class="right"><em>3</em></td></tr></tbody></table></div>',
    ),
    (
        '<table onclick="hit()" style="x">\n<tr><th rowspan="2" colspan="99999" onmouseover="hit()">a</th></tr>\n\n<tr><td>$x^2$ b<script>hit()'
        "</script></td></tr>\n</table>",
        '<div class="table-frame"><table>\n<tbody><tr><th rowspan="2" colspan="1000">a</th></tr>\n\n<tr><td>FORMULA b</td></tr>\n</tbody></table></div>',
    ),
    ("H<sub>2</sub>O and x<sup>2", "<p>H<sub>2</sub>O and x&lt;sup&gt;2</p>"),
    ("<img src=x onerror=hit()>", "<div>PICTURE x</div>"),
    ("<script>hit()</script>", "<p>&lt;script&gt;hit()&lt;/script&gt;</p>"),
    (
        "[a](javascript:hit()) [b](JAVASCRIPT:hit()) [c](data:text/html,x) [d](//e.invalid) [e](f.html)",
        "<p>a b c d e</p>",
    ),
    ("[a](&#106;avascript:hit())", "<p>a</p>"),
    ('<a href="javascript:hit()">a</a>', '<p>&lt;a href="javascript:hit()"&gt;a&lt;/a&gt;</p>'),
    (
        '<div style="position:fixed" onclick="hit()"><iframe src=//e.invalid></iframe><b>a</b></div>',
        "<div><b>a</b></div>",
    ),
    (
        "<table><tr><td>a < b & c<br/>d</td><td title='>' colspan=2>e</table>",
        '<div class="table-frame"><table><tbody><tr><td>a &lt; b &amp; c<br>d</td><td colspan="2">e</td></tr></tbody></table></div>',
    ),
    (
        "<svg><script>hit()</script><style>x</style></svg>",
        "<p>&lt;svg&gt;&lt;script&gt;hit()&lt;/script&gt;&lt;style&gt;x&lt;/style&gt;&lt;/svg&gt;</p>",
    ),
    (
        "<div><math><mtext><table><mglyph><style><img src=x onerror=hit()></style></mglyph></table></mtext></math>a</div>",
        None,
    ),
    ("![a](http://e.invalid/x.png)", "<p>PICTURE http://e.invalid/x.png</p>"),
    ("a[^1]\n\n[^1]: note", None),
    ("costs $5 and $6, a $x_1$", "<p>costs $5 and $6, a FORMULA</p>"),
    ("$$\n\\frac{a}{b}\n$$", '<p class="display">FORMULA</p>'),
    ("$\\unknowncommand$", "<p>FORMULA</p>"),
]
# Texts that must not take long: much nesting, and much that is never closed.
LONG = [
    "*a " * 20000,
    "[" * 50000,
    "a]" * 50000,
    "![" * 20000 + "](x)" * 20000,
    "<sup>" * 20000,
    "> " * 5000 + "a",
    "`" * 3 + "a`" * 30000,
    "$a " * 30000,
    "<div>" * 20000,
    "- " * 5000 + "a",
    "|a" * 20000 + "\n" + "|-" * 20000,
    "&amp;" * 5000,
    "\\" * 50000,
    "<table>" * 5000,
    "<div>" + '<a "' * 30001,
    "<div>" + "<!--" * 30000,
    "<div>" + "<script>" * 20000,
    "<div>" + "<a " * 30000,
    '<img a="' * 20000,
    "a<img " * 20000,
    "<div>" + "</" * 30000,
]


def pdf(pages):
    """A PDF file with the given lines of text on each page."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        shown = []
        for line in lines:
            for sign in "\\()":
                line = line.replace(sign, "\\" + sign)
            shown.append(f"({line}) Tj 0 -34 Td")
        content = ("BT /F1 11 Tf 60 760 Td " + " ".join(shown) + " ET").encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
            % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def long_pdf(count):
    words = "The level of the water was read again and written down with the hour of the day and the wind."
    return pdf(
        [[f"Chapter {page}"] + [f"{page}.{line} {words}" for line in range(1, 20)] for page in range(1, count + 1)]
    )


def hostile_pdf():
    return pdf([["Nothing of this may be more than text"] + HOSTILE])
