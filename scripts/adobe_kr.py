"""Makes assets/cids/adobe-kr.zlib, the characters of Adobe's collection KR, from the CMap UniAKR-UTF32-H.

    python3 scripts/adobe_kr.py /usr/share/poppler/cMap/Adobe-KR/UniAKR-UTF32-H

The CMap is part of Adobe's cmap-resources (BSD; Debian: poppler-data). The result has for each identifier, from 0 on,
the difference of its character to that of the identifier before it: 32 bits, big-endian, 0 being no character.
"""

import pathlib
import re
import struct
import sys
import zlib

text = pathlib.Path(sys.argv[1]).read_text()
characters = {}


def add(first, last, identifier):
    for code in range(first, last + 1):
        characters.setdefault(identifier + code - first, []).append(code)


for block in re.findall(r"begincidrange\n(.*?)endcidrange", text, re.S):
    for first, last, identifier in re.findall(r"<(\w+)>\s*<(\w+)>\s*(\d+)", block):
        add(int(first, 16), int(last, 16), int(identifier))
for block in re.findall(r"begincidchar\n(.*?)endcidchar", text, re.S):
    for code, identifier in re.findall(r"<(\w+)>\s*(\d+)", block):
        add(int(code, 16), int(code, 16), int(identifier))


def best(codes):
    # Neither a compatibility ideograph nor a radical, and of what is left the first.
    def is_variant(code):
        return 0xF900 <= code <= 0xFAFF or 0x2F800 <= code <= 0x2FA1F or 0x2E80 <= code <= 0x2FDF

    return min(codes, key=lambda code: (is_variant(code), code))


table, before = b"", 0
for identifier in range(max(characters) + 1):
    code = best(characters[identifier]) if identifier in characters else 0
    table += struct.pack(">I", (code - before) & 0xFFFFFFFF)
    before = code
out = pathlib.Path(__file__).parent.parent / "assets/cids/adobe-kr.zlib"
out.write_bytes(zlib.compress(table, 9))
