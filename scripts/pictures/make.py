#!/usr/bin/env python3
"""Makes the pictures of tests/pictures and their truth.

    apt-get install fonts-noto-cjk fonts-liberation2 fonts-lato fonts-ebgaramond     (all under the Open Font License)
    pip install typst==0.15.2 pillow==11.3.0 numpy==2.0.2 opencv-python-headless==4.12.0.88
    scripts/pictures/make.py [NAME...] [--truth] [--plain DIR] [--check] [--seed N --out DIR]

The documents are functions in latin.py, cjk.py and screens.py, out of sentences in texts.py; Typst typesets them with the fonts
above and its own (Libertinus, New Computer Modern, DejaVu Sans Mono). `PICTURES` names for each picture its document, the
pixels per inch and what happens to it (damage.py), by a seed that is the name's. NAME.json is the truth (page.py says what
is in it); the pictures lie beside it as PNG, or as JPEG where they are photos or coloured. --truth leaves them as they are,
--plain writes the pages undamaged to a folder. --check compares the truth with the text of the pages as PDF (pip install pypdfium2
rapidfuzz), letter by letter and in order. --seed makes the same kinds of pictures with other sentences and other damage, to try
what was not looked at. With other versions of the packages single pixels may differ.
"""
import argparse, io, json, os, pathlib, sys, zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cjk, latin, screens, texts  # noqa: E402,F401  they fill DOCUMENTS
from latin import DOCUMENTS  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/pictures"
SYSTEM_FONTS = os.environ.get("FONTS", "/usr/share/fonts")
FONTS = [f"{SYSTEM_FONTS}/{d}" for d in ("opentype/noto", "truetype/liberation2", "truetype/lato", "opentype/ebgaramond")]
SCAN = ("scan",)

# Name of the picture: document, pixels per inch, tags, steps of damage, and how it is kept (grey16: PNG of 16 greys; bw; palette; rgba; or the quality of a JPEG).
PICTURES = {
    "report_en_clean": ("report_en", 150, "clean", [], "grey16"),
    "report_en_rotated": ("report_en", 150, "rotated", [("rotate", 1.8), SCAN], "grey16"),
    "report_en_72": ("report_en", 72, "72dpi", [], "grey16"),
    "report_de_jpeg": ("report_de", 100, "100dpi jpeg", [("jpeg", 18)], 60),
    "report_de_300": ("report_de", 300, "300dpi", [("fax", 140, 0.0001)], "bw"),
    "report_zh_clean": ("report_zh", 150, "clean", [], "grey16"),
    "report_zh_quarter": ("report_zh", 120, "quarter", [("quarter", 1), SCAN], "grey16"),
    "paper_en_clean": ("paper_en", 150, "clean", [], "grey16"),
    "paper_en_bleed": ("paper_en", 150, "bleed", [("bleed", "paper_fr", 0.25), ("rotate", -0.7), SCAN], 45),
    "paper_en_upside_down": ("paper_en", 130, "quarter", [("quarter", 2)], "grey16"),
    "paper_fr_photo": ("paper_fr", 170, "photo curved", [("photo", 0.04, 0.03, 0.4)], 55),
    "paper_fr_rotated": ("paper_fr", 150, "rotated", [("rotate", -3.2, 255)], "grey16"),
    "paper_zh_en_scan": ("paper_zh_en", 150, "scan", [("rotate", 0.6), SCAN], "grey16"),
    "bulletin_en_fax": ("paper_three", 150, "fax", [("fax", 150)], "bw"),
    "bulletin_en_narrow_gaps": ("paper_three", 110, "110dpi", [SCAN], "grey16"),
    "letter_de_fax": ("letter_de", 100, "fax", [("rotate", 0.8), ("fax", 165)], "bw"),
    "letter_de_photo": ("letter_de", 150, "photo", [("photo", 0.07, 0, 0.5)], 50),
    "letter_pl_faint": ("letter_pl", 120, "faint", [("faint",)], 55),
    "invoice_en_stamp": ("invoice_en", 130, "stamp", [], 60),
    "invoice_en_rotated": ("invoice_en", 150, "rotated stamp", [("rotate", 2.4), ("paper", 0.4)], 50),
    "invoice_cs_jpeg": ("invoice_cs", 110, "jpeg", [("jpeg", 22)], 60),
    "receipt_en_photo": ("receipt_en", 200, "photo", [("photo", 0.09, 0.02, 0.5)], 55),
    "receipt_zh_motion": ("receipt_zh", 200, "motion", [("photo", 0.05, 0, 0.3), ("motion", 7, 25)], 60),
    "receipt_ja_faint": ("receipt_ja", 170, "faint", [("faint", 140, 215)], 60),
    "form_en_scan": ("form_en", 150, "scan", [("rotate", -0.9), SCAN], "grey16"),
    "form_de_combs": ("form_de", 150, "clean", [], "grey16"),
    "form_zh_stamp": ("form_zh", 140, "stamp", [("rotate", 1.0)], 60),
    "newspaper_en_five": ("newspaper_en", 150, "clean", [], "grey16"),
    "newspaper_en_paper": ("newspaper_en", 130, "paper", [("bleed", "newspaper_de", 0.15), ("paper", 1.0), ("rotate", 0.9)], 45),
    "newspaper_de_scan": ("newspaper_de", 130, "scan", [("rotate", -0.5), SCAN], 50),
    "newspaper_zh_clean": ("newspaper_zh", 150, "clean", [], "grey16"),
    "book_en_curved": ("book_en", 130, "photo curved", [("photo", 0.03, 0.025, 0.45)], 50),
    "book_es_paper": ("book_es", 130, "paper", [("paper", 1.3)], 50),
    "book_en_two_pages": ("two_pages_en", 120, "scan", [("rotate", 0.5), SCAN], "grey16"),
    "book_ja_vertical": ("book_ja", 130, "clean", [], "grey16"),
    "book_ja_vertical_photo": ("book_ja", 150, "photo", [("photo", 0.05, 0, 0.35)], 55),
    "magazine_ja_two_tiers": ("magazine_ja", 130, "clean", [], "grey16"),
    "manual_ja_clean": ("manual_ja", 140, "clean", [], "grey16"),
    "manual_ja_72": ("manual_ja", 80, "72dpi", [], "grey16"),
    "contents_en_clean": ("contents_en", 120, "clean", [], "grey16"),
    "contents_zh_scan": ("contents_zh", 120, "scan", [("rotate", 0.7), SCAN], "grey16"),
    "index_de_scan": ("index_de", 130, "scan", [SCAN], "grey16"),
    "listing_en_clean": ("listing_en", 130, "clean", [], "grey16"),
    "table_spans_en_clean": ("table_spans_en", 130, "clean", [], "grey16"),
    "table_spans_en_photo": ("table_spans_en", 160, "photo", [("photo", 0.05, 0, 0.3)], 55),
    "table_booktabs_en_scan": ("table_booktabs_en", 140, "scan", [("rotate", 0.8), SCAN], "grey16"),
    "table_none_fr_clean": ("table_none_fr", 120, "clean", [], "grey16"),
    "table_none_fr_rotated": ("table_none_fr", 130, "rotated", [("rotate", 2.0), SCAN], "grey16"),
    "table_striped_en_quarter": ("table_striped_en", 110, "quarter", [("quarter", 3)], 60),
    "table_long_cells_de_clean": ("table_long_cells_de", 130, "clean", [], "grey16"),
    "table_zh_fax": ("table_zh", 150, "fax", [("fax", 150)], "bw"),
    "table_ja_clean": ("table_ja", 120, "clean", [], "grey16"),
    "menu_fr_paper": ("menu_fr", 130, "paper", [("paper", 0.8)], 50),
    "card_ja_photo": ("card_ja", 250, "photo", [("photo", 0.06, 0, 0.3)], 55),
    "slide_en_clean": ("slide_en", 80, "clean", [], 70),
    "slide_fr_dark": ("slide_dark_fr", 80, "dark", [], 70),
    "slide_zh_photo": ("slide_zh", 90, "photo", [("photo", 0.05, 0, 0.4), ("scale", 0.8)], 60),
    "screen_settings_dark": ("screen_settings", 110, "dark", [], "palette"),
    "screen_dashboard_light": ("screen_dashboard", 110, "boxes", [], "palette"),
    "screen_chat_light": ("screen_chat", 130, "boxes", [], "palette"),
    "screen_code_dark": ("screen_code", 110, "dark", [], "palette"),
    "screen_ja_light": ("screen_ja", 120, "boxes", [], "palette"),
    "poster_en_gradient": ("poster_en", 90, "gradient", [], 65),
    "sign_en_transparent": ("sign_en", 110, "transparent", [], "rgba"),
    "letter_pl_inverted": ("letter_pl", 130, "inverted", [("invert",)], "grey16"),
}


def render(name, ppi, transparent=False):
    import numpy as np
    import typst
    from PIL import Image
    page = DOCUMENTS[name]()
    data = typst.Compiler(font_paths=FONTS, ignore_system_fonts=True).compile(page.source().encode(), format="png", ppi=ppi)
    if isinstance(data, list):
        raise SystemExit(f"{name}: the document has {len(data)} pages, one is wanted")
    picture = Image.open(io.BytesIO(data))
    return page, np.asarray(picture.convert("RGBA" if transparent else "RGB"))


def save(picture, folder, name, form):
    from PIL import Image
    for old in folder.glob(f"{name}.*"):
        if old.suffix != ".json":
            old.unlink()
    image = Image.fromarray(picture)
    path = folder / f"{name}.{'jpg' if isinstance(form, int) else 'png'}"
    if isinstance(form, int):
        image.save(path, quality=form, optimize=True)
    elif form == "bw":
        image.convert("L").point(lambda v: 255 * (v > 127)).convert("1").save(path, optimize=True)
    elif form == "grey16":
        image.convert("L").point(lambda v: round(v / 17) * 17).quantize(16).save(path, optimize=True, bits=4)
    elif form == "palette":
        image.quantize(48).save(path, optimize=True)
    else:
        image.save(path, optimize=True)
    return path


def truth(page, document, tags, ppi):
    out = [f'{{"kind": {json.dumps(page.kind)}, "languages": {json.dumps(page.languages)}, "document": {json.dumps(document)}, "ppi": {ppi}, "damage": {json.dumps(tags.split())}, "blocks": [']
    out.append(",\n".join("  " + json.dumps(block, ensure_ascii=False) for block in page.blocks()))
    return "\n".join(out) + "\n]}\n"


def check(names):
    """Whether the PDF of each document has the text of its truth, in its order."""
    import pypdfium2
    import typst
    import results
    import score
    bad = 0
    for name in names or DOCUMENTS:
        page = DOCUMENTS[name]()
        data = typst.Compiler(font_paths=FONTS, ignore_system_fonts=True).compile(page.source().encode(), format="pdf")
        text = pypdfium2.PdfDocument(data)[0].get_textpage().get_text_range().replace("\r\n", "\n")
        for hyphen in ("\ufffe", "\x02"):
            text = text.replace(hyphen + "\n", "").replace(hyphen, "")
        record = score.score({"blocks": page.blocks()}, results.of_text(text))
        if record["err"] > 0.003 or record["order"] > 0:
            bad += 1
            print(f"{name}: {100 * record['err']:.1f}% of the letters differ, {100 * record['order']:.1f}% out of order: {record['defects']}")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--truth", action="store_true", help="only the truth")
    parser.add_argument("--plain", metavar="DIR", help="only the undamaged pages, to this folder")
    parser.add_argument("--check", action="store_true", help="compare the truth with the text of the pages as PDF")
    parser.add_argument("--seed", type=int, default=0, help="other sentences and damage")
    parser.add_argument("--out", type=pathlib.Path, default=FOLDER, metavar="DIR")
    arguments = parser.parse_args()
    texts.SEED = arguments.seed
    if arguments.check:
        raise SystemExit(bool(check(arguments.names)))
    if arguments.plain:
        from PIL import Image
        os.makedirs(arguments.plain, exist_ok=True)
        for name in arguments.names or DOCUMENTS:
            Image.fromarray(render(name, 96)[1]).save(f"{arguments.plain}/{name}.png")
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or PICTURES:
        document, ppi, tags, steps, form = PICTURES[name]
        page = DOCUMENTS[document]()
        (arguments.out / f"{name}.json").write_text(truth(page, document, tags, ppi), encoding="utf-8")
        if arguments.truth:
            continue
        import damage
        _, picture = render(document, ppi, form == "rgba")
        picture = damage.apply(picture, steps, zlib.crc32(name.encode()) + arguments.seed, lambda other: render(other, ppi)[1])
        print(save(picture, arguments.out, name, form).name, picture.shape[1], "x", picture.shape[0])


if __name__ == "__main__":
    main()
