"""Writes iris and the digits of scikit-learn as small files for the page.

`python tools/web_sets.py` writes ``web/public/data/``; a test holds the files to it.

``iris.json`` holds rows of four lengths in centimetres and the number of the class. ``digits.png``
holds 1 797 pictures of 8 × 8 pixels as one grey picture of 16 shades: a column for each, ordered by
digit because that packs well, a line for each pixel, and a last line of the digits in the order of
scikit-learn, which tells what the order was. scikit-learn's shade 16 counts as 15.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, load_iris

FOLDER = Path(__file__).resolve().parents[1] / "web" / "public" / "data"

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def iris() -> str:
    """The text of ``iris.json``."""
    found: Any = load_iris()
    rows = np.column_stack([found.data, found.target]).tolist()
    lines = ",\n".join(json.dumps([*row[:4], int(row[4])]) for row in rows)
    return f"[\n{lines}\n]\n"


def digits() -> np.ndarray:
    """The shades of ``digits.png``, (65, 1 797)."""
    found: Any = load_digits()
    order = np.argsort(found.target, kind="stable")
    pixels = np.minimum(found.data[order].T, 15)
    return np.vstack([pixels, found.target]).astype(np.uint8)


def png(shades: np.ndarray) -> bytes:
    """A grey picture of 4 bits a pixel."""
    height, width = shades.shape
    padded = np.pad(shades, ((0, 0), (0, width % 2)))
    packed = padded[:, ::2] << 4 | padded[:, 1::2]
    # Each line begins with the number of its filter: 0, none.
    lines = np.pad(packed, ((0, 0), (1, 0))).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0)
    data = zlib.compress(lines, 9)
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "iris.json").write_text(iris(), encoding="utf-8")
    (FOLDER / "digits.png").write_bytes(png(digits()))
