"""A thin PP-OCR service, to measure beside `docparse serve`: FastAPI over rapidocr, whose package brings the same networks.

    pip install fastapi uvicorn python-multipart rapidocr==3.10.0 onnxruntime pypdfium2 pillow numpy
    python scripts/peers/ppocr_api.py PORT

One process, as such services run. `/ocr` takes a form with the part `file`. Pictures: lines with a confidence of at least
0.5, joined by blanks. PDFs: their own text if it has more than ten characters, else every page is drawn at 200 dots an inch
and read. Parameters are those of the PP-OCR service (docs/serve_dialects.md); PPOCR_SETTINGS=rapidocr takes rapidocr's own.
"""
import io
import os
import re
import sys
import threading
from typing import Annotated

import numpy
import pypdfium2
import uvicorn
from fastapi import FastAPI, File, HTTPException, UploadFile
from fastapi.responses import PlainTextResponse
from PIL import Image
from rapidocr import RapidOCR

KINDS = {"jpg", "jpeg", "png", "bmp", "tiff", "gif", "webp", "pdf"}
NOTHING = "未识别到文本内容"
DPI = 200
OF_SERVICE = {
    "Det.limit_side_len": 960, "Det.limit_type": "max", "Det.thresh": 0.3, "Det.box_thresh": 0.6, "Det.unclip_ratio": 1.5,
    "Rec.rec_batch_num": 6, "Global.text_score": 0.5, "Global.use_cls": True,
}

settings = {} if os.environ.get("PPOCR_SETTINGS") == "rapidocr" else OF_SERVICE
engine = RapidOCR(params={**settings, "Global.log_level": "error"})
# The library behind pypdfium2 knows no threads.
pdfium = threading.Lock()
app = FastAPI(title="PaddleOCR API", version="2.0.0")


def lines(picture):
    # rapidocr takes arrays in the order of OpenCV.
    result = engine(numpy.ascontiguousarray(numpy.asarray(picture.convert("RGB"))[:, :, ::-1]))
    return list(result.txts or ())


def own_text(document):
    return "".join(page.get_textpage().get_text_range() + "\n" for page in document)


def text_of_pdf(content):
    with pdfium:
        document = pypdfium2.PdfDocument(content)
        text = own_text(document).strip()
        if len(text) > 10:
            return text
        count = len(document)
    pages = []
    for index in range(count):
        with pdfium:
            picture = document[index].render(scale=DPI / 72).to_pil()
        read = lines(picture)
        if read:
            pages.append(f"--- 第{index + 1}页 ---\n" + "\n".join(read))
    return "\n\n".join(pages)


@app.get("/health")
def health():
    return {"status": "healthy", "ocr_ready": True}


# No coroutine: the framework runs it in a thread, so that requests work side by side.
@app.post("/ocr", response_class=PlainTextResponse)
def ocr(file: Annotated[UploadFile, File()]):
    kind = (file.filename or "").rpartition(".")[2].lower()
    if kind not in KINDS:
        raise HTTPException(400, f"不支持的文件格式: {kind}")
    content = file.file.read()
    try:
        if kind == "pdf":
            return text_of_pdf(content) or NOTHING
        picture = Image.open(io.BytesIO(content))
        return re.sub(r"\s+", " ", " ".join(lines(picture))).strip() or NOTHING
    except (OSError, pypdfium2.PdfiumError) as error:
        raise HTTPException(400, f"{'PDF' if kind == 'pdf' else '图片'}处理失败: {error}") from error


if __name__ == "__main__":
    warm = Image.new("RGB", (300, 100), "white")
    lines(warm)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
