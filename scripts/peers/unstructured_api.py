"""A thin service over unstructured, to measure beside `docparse serve`: FastAPI over its `partition`, as its own service is.

    pip install fastapi uvicorn python-multipart 'unstructured[pdf]'
    python scripts/peers/unstructured_api.py PORT

`/ocr` takes a form with the part `file`. Strategies are those that need no weights from a hub: `fast` for PDFs with text,
`ocr_only` for pictures (tesseract-ocr from the distribution).
"""
import io
import sys
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, HTTPException, UploadFile
from fastapi.responses import PlainTextResponse
from unstructured.partition.image import partition_image
from unstructured.partition.pdf import partition_pdf

app = FastAPI(title="unstructured")


@app.get("/health")
def health():
    return {"status": "healthy"}


@app.post("/ocr", response_class=PlainTextResponse)
def ocr(file: Annotated[UploadFile, File()]):
    content = io.BytesIO(file.file.read())
    try:
        if file.filename.endswith(".pdf"):
            elements = partition_pdf(file=content, strategy="fast")
        else:
            elements = partition_image(file=content, strategy="ocr_only")
    except Exception as fault:
        raise HTTPException(422, str(fault)) from fault
    return "\n".join(str(element) for element in elements)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
