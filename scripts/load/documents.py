"""Documents for load tests, made from a seed: PDFs with text, pictures of text, damaged files.

Pictures are JPEGs of pages, drawn by the server under test (`page_images`), so that nothing but Python is needed.
"""
import random
import time
import urllib.parse

WORDS = """\
about above account across after again against agree almost along always amount another answer anything around
because become before behind believe below better between beyond board bring broad build carry center central
certain change chapter children clear close common company compare complete consider contain continue control
corner council country course cover current danger decide degree describe detail develop different direct
distance district double early effect either employ energy enough entire evening every example expect express
family farther feature figure final follow foreign forest forward friend further garden general given govern
ground growth happen harbour heavy history however hundred imagine include increase industry interest island
journey kitchen language large later leader level library light limit listen little machine market matter
measure member method middle million minute moment month morning mountain movement music nature nearly never
north notice number object office often order other paper parent part pattern people perhaps period person
picture place plain plant point position possible power present price private problem process produce program
project proper public purpose question quick rather reach reason receive record region remain report result
return river safety school science season second section separate series service several shape short should
silver simple since single small social south special spring square standard station still story straight
strange street strong student subject sudden summer supply support surface system table teacher thank theory
think third though thought through together total toward travel trouble under until usual value various village
visit voice water weather weight western whether while whole window winter within without wonder world write
yellow young""".split()

# Pixels a point at which the server draws pages.
SCALE = 2.0


def assemble(objects):
    """A PDF of its objects, numbered from 1."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def pdf(pages, width, height):
    """A PDF; a page is a list of lines (font, size, x, y from below, text)."""
    kids = b" ".join(b"%d 0 R" % (5 + 2 * index) for index in range(len(pages)))
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        font % b"Helvetica",
        font % b"Helvetica-Bold",
    ]
    for lines in pages:
        shown = [f"BT /{name} {size:.2f} Tf {x:.2f} {y:.2f} Td ({text}) Tj ET" for name, size, x, y, text in lines]
        content = "\n".join(shown).encode("latin-1")
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.2f %.2f] /Contents %d 0 R "
            b"/Resources << /Font << /F 3 0 R /B 4 0 R >> >> >>" % (width, height, len(objects) + 2))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return assemble(objects)


def sentence(rng, letters):
    """Words of at most so many letters together."""
    words, length = [], 0
    while True:
        word = rng.choice(WORDS) if rng.random() < 0.93 else str(rng.randrange(10, 9999))
        if length + len(word) + 1 > letters:
            return " ".join(words)
        words.append(word)
        length += len(word) + 1


def page(rng, number, width, height, size):
    """A page of a heading and paragraphs; its lines, and its text."""
    edge, step = 0.1 * width, 1.3 * size
    lines = [("B", 1.5 * size, edge, height - 0.1 * height, f"{number} {sentence(rng, 30).title()}")]
    y = height - 0.1 * height - 2.5 * step
    letters = int((width - 2 * edge) / (0.5 * size))
    left = 0
    while y > 0.08 * height:
        if left == 0:
            left = rng.randrange(4, 9)
            y -= 0.7 * step
        text = sentence(rng, letters)
        if left == 1:
            text = text[: len(text) // 2].rstrip() + "."
        lines.append(("F", size, edge, y, text))
        left -= 1
        y -= step
    return lines, " ".join(line[4] for line in lines)


def born_digital(seed, pages):
    """A PDF with text, A4; and its text."""
    rng = random.Random(f"pdf {seed}")
    made = [page(rng, number + 1, 595, 842, 10.5) for number in range(pages)]
    return pdf([lines for lines, _ in made], 595, 842), " ".join(text for _, text in made)


def numbered(pages):
    """A PDF whose pages say little: many of them cost nothing to make."""
    lines = [[("F", 14, 72, 200 + number * 53 % 400, f"This is page {number} of the document.")]
             for number in range(1, pages + 1)]
    return pdf(lines, 612, 792)


def small(rng):
    """600 x 300 pixels with five lines of text; its lines, and its text."""
    lines = [("F", 13, 16, 150 - 28 - 26 * row, sentence(rng, 36)) for row in range(5)]
    return lines, " ".join(line[4] for line in lines)


def pictures(client, count, seed, kind):
    """Pictures as (content, text): `small` ones of 600 x 300 pixels, or `scan`s, A4 at 150 dots an inch."""
    rng = random.Random(f"{kind} {seed}")
    width, height = (600, 300) if kind == "small" else (1240, 1754)
    width, height = width / SCALE, height / SCALE
    # 10.5 points of 150 dots an inch are as many pixels as this size at the server's scale.
    size = 10.5 * 150 / 72 / SCALE
    made = [small(rng) if kind == "small" else page(rng, number + 1, width, height, size) for number in range(count)]
    content = pdf([lines for lines, _ in made], width, height)
    name = f"{kind} {seed} {time.time_ns()}.pdf"
    job = client.finished(client.order(content, name, formats="page_images", wait=60).json())
    outputs = sorted(output["name"] for output in job["files"][0]["outputs"] if output["name"].endswith(".jpg"))
    if len(outputs) != count:
        raise RuntimeError(f"pictures of pages are missing: {job}")
    link = f"/v1/jobs/{job['id']}/result/"
    drawn = [client.get(link + urllib.parse.quote(output)).body for output in outputs]
    return [(jpeg, text) for jpeg, (_, text) in zip(drawn, made)]


def damaged(rng, sound_pdf, sound_picture):
    """A file that is cut off, full of noise, or nothing at all."""
    noise = rng.randbytes(rng.randrange(100, 3000))
    cut = sound_picture[: rng.randrange(100, len(sound_picture) // 2)]
    half = len(sound_pdf) // 2
    return rng.choice([sound_pdf[:half], sound_pdf[:half] + noise + sound_pdf[half:], cut, noise, b"%PDF-1.7 and no more"])


def recall(truth, text):
    """The share of the truth's words that a text has."""
    left = {}
    for word in text.lower().split():
        left[word.strip("#*.")] = left.get(word.strip("#*."), 0) + 1
    words = [word.strip(".") for word in truth.lower().split()]
    hits = 0
    for word in words:
        if left.get(word, 0) > 0:
            left[word] -= 1
            hits += 1
    return hits / max(1, len(words))
