"""The sets that the page brings along are those of scikit-learn."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

ROOT = Path(__file__).parents[1]
if not (ROOT / "web").is_dir():
    pytest.skip("the sources of the page are not here", allow_module_level=True)
sys.path.insert(0, str(ROOT / "tools"))

import web_sets  # noqa: E402

MOST_BYTES = 35_000  # of the digits


def shades(file):
    """A picture of 4 bits a pixel, read by the book."""
    assert file.startswith(web_sets.SIGNATURE)
    chunks, place = {}, 8
    while place < len(file):
        (length,) = struct.unpack_from(">I", file, place)
        chunks[file[place + 4 : place + 8]] = file[place + 8 : place + 8 + length]
        (check,) = struct.unpack_from(">I", file, place + 8 + length)
        assert check == zlib.crc32(file[place + 4 : place + 8 + length])
        place += 12 + length
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [4, 0, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any()
    return np.stack([lines[:, 1:] >> 4, lines[:, 1:] & 15], axis=2).reshape(height, -1)[:, :width]


def test_iris_is_what_the_script_writes():
    written = (web_sets.FOLDER / "iris.json").read_text(encoding="utf-8")
    assert written == web_sets.iris(), "run python tools/web_sets.py"


def test_the_digits_are_what_the_script_writes():
    # Not byte by byte: another zlib packs otherwise.
    written = shades((web_sets.FOLDER / "digits.png").read_bytes())
    assert np.array_equal(written, web_sets.digits()), "run python tools/web_sets.py"


def test_the_digits_of_scikit_learn_can_be_told_from_the_picture():
    picture, digits = shades(web_sets.png(web_sets.digits())), load_digits()
    target = picture[64]
    X = np.empty((len(target), 64))
    X[np.argsort(target, kind="stable")] = picture[:64].T
    assert np.array_equal(target, digits.target)
    assert np.array_equal(X, np.minimum(digits.data, 15))


def test_the_digits_are_small():
    assert (web_sets.FOLDER / "digits.png").stat().st_size <= MOST_BYTES
