"""A thin service that gives the Markdown of PDFs, to measure beside `docparse serve`: FastAPI over pymupdf4llm.

    pip install fastapi uvicorn python-multipart 'pymupdf4llm<1'
    python scripts/peers/pymupdf_api.py PORT

One process. `/ocr` takes a form with the part `file`, a PDF with text. MuPDF knows no threads: requests take turns.
"""
import sys
import threading
from typing import Annotated

import pymupdf
import pymupdf4llm
import uvicorn
from fastapi import FastAPI, File, UploadFile
from fastapi.responses import PlainTextResponse

one = threading.Lock()
app = FastAPI()


@app.get("/health")
def health():
    return {"status": "healthy"}


@app.post("/ocr", response_class=PlainTextResponse)
def markdown(file: Annotated[UploadFile, File()]):
    content = file.file.read()
    with one, pymupdf.open(stream=content, filetype="pdf") as document:
        return pymupdf4llm.to_markdown(document)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
