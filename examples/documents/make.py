#!/usr/bin/env python3
"""Makes the example documents from report.typ.

    pip install typst==0.15.0 pillow numpy pypdfium2==5.15.2 && examples/documents/make.py

report.pdf       the typeset report
report_scan.pdf  a noisy, slightly skewed scan of it: 150 dpi grey pictures without a text layer
report.txt       the report's text by page, for measuring recognition
"""
import io, pathlib

import numpy, pypdfium2, typst
from PIL import Image, ImageFilter

HERE = pathlib.Path(__file__).resolve().parent
DPI = 150


def scan(page, seed, angle):
    picture = page.render(scale=DPI / 72).to_pil().convert("L")
    picture = picture.rotate(angle, resample=Image.Resampling.BICUBIC, fillcolor=255)
    picture = picture.filter(ImageFilter.GaussianBlur(0.6))
    random = numpy.random.default_rng(seed)
    levels = numpy.asarray(picture, dtype=numpy.float32) * 0.86 + 28  # ink is not black, paper is not white
    levels += random.normal(0, 7, levels.shape)
    specks = random.random(levels.shape)
    levels[specks < 0.0006] = 60
    return Image.fromarray(levels.clip(0, 255).astype(numpy.uint8))


def main():
    typst.compile(str(HERE / "report.typ"), output=str(HERE / "report.pdf"))
    document = pypdfium2.PdfDocument(HERE / "report.pdf")
    scans = [scan(page, i, angle) for i, (page, angle) in enumerate(zip(document, (0.7, -0.5, 0.4, -0.6)))]
    encoded = []
    for picture in scans:
        jpeg = io.BytesIO()
        picture.save(jpeg, "JPEG", quality=52)
        encoded.append(Image.open(io.BytesIO(jpeg.getvalue())))
    encoded[0].save(HERE / "report_scan.pdf", save_all=True, append_images=encoded[1:], resolution=DPI, quality=52)
    text = "\n".join(page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document)
    text = text.replace("\ufffe\n", "").replace("\ufffe", "").replace("\u0002", "")
    (HERE / "report.txt").write_text(text)


if __name__ == "__main__":
    main()
