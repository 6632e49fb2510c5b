#!/usr/bin/env python3
"""Reads the pictures of tests/pictures with docparse or another program, and writes the results as score.py takes them.

    scripts/pictures/run.py docparse OUT [NAME...] [--binary target/release/docparse] [--options "..."] [--pictures DIR]
    scripts/pictures/run.py rapidocr OUT [NAME...]      (pip install rapidocr==3.10.0 onnxruntime)
    scripts/pictures/run.py tesseract OUT [NAME...]     (apt-get install tesseract-ocr tesseract-ocr-{deu,fra,spa,pol,ces,chi-sim,jpn,jpn-vert})

docparse writes OUT/NAME.md and OUT/NAME.json, the others OUT/NAME.txt: lines in the program's own order, and for tesseract an
empty line between blocks. tesseract is told the languages of the picture and looks for the orientation (--psm 1); the others
are told nothing.
"""
import argparse, pathlib, json, os, shlex, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "tests/pictures"
LANGUAGES = {"en": "eng", "de": "deu", "fr": "fra", "es": "spa", "pl": "pol", "cs": "ces", "zh": "chi_sim", "ja": "jpn", "vertical": "jpn_vert"}


def pictures(folder, names):
    found = sorted(p for p in folder.iterdir() if p.suffix in (".png", ".jpg"))
    return [p for p in found if not names or p.stem in names]


def docparse(paths, out, arguments):
    command = [arguments.binary, "--pipeline-version", "lite", "--formats", "md,json,-images", "--save-path", str(out), "--runtime-dir", str(ROOT / "runtime")]
    result = subprocess.run(command + shlex.split(arguments.options) + [str(p) for p in paths], cwd=ROOT)
    return result.returncode in (0, 3)


def rapidocr(paths, out, _):
    import numpy
    from PIL import Image
    from rapidocr import RapidOCR
    engine = RapidOCR()
    for path in paths:
        picture = Image.open(path)
        # It reads the numbers of a palette as greys; colours are blue, green, red.
        given = numpy.asarray(picture.convert("RGB"))[:, :, ::-1] if picture.mode in ("P", "1") else str(path)
        (out / f"{path.stem}.txt").write_text("\n".join(engine(given).txts or ()) + "\n", encoding="utf-8")
        print(path.stem, flush=True)
    return True


def tesseract(paths, out, _):
    for path in paths:
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        names = [LANGUAGES[n] for n in truth["languages"]]
        names = ["jpn_vert"] if "jpn_vert" in names else names
        command = ["tesseract", str(path), "-", "-l", "+".join(names), "--psm", "1"]
        result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
        if result.returncode:
            print(f"{path.stem}: {result.stderr.strip()}", file=sys.stderr)
        (out / f"{path.stem}.txt").write_text(result.stdout.replace("\f", ""), encoding="utf-8")
        print(path.stem, flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=("docparse", "rapidocr", "tesseract"))
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--binary", default=str(ROOT / "target/release/docparse"))
    parser.add_argument("--pictures", type=pathlib.Path, default=FOLDER, metavar="DIR")
    parser.add_argument("--options", default="", help="further options of docparse")
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if not globals()[arguments.tool](pictures(arguments.pictures, arguments.names), arguments.out, arguments):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
