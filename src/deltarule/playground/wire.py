"""Messages as bytes, as ``web/src/engines/wire.ts`` reads and writes them.

    uint32 length of the head · head in UTF-8 · zeros up to a multiple of 8 · arrays, each so padded

In the head an array stands as ``{"$array": [dtype, first byte, count]}``, dtype "f8" or "u1",
counted from the begin of the arrays; a number that JSON has no word for as ``{"$number": "nan"}``.
Everything is little-endian and flat: shapes follow from what the message says.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import InvalidParameterError

#: Nothing that the page sends is nested deeper.
DEEPEST = 16

_DTYPES: dict[str, np.dtype[Any]] = {"f8": np.dtype("<f8"), "u1": np.dtype("u1")}
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(message: dict[str, Any], *, once: bool = False) -> bytes:
    """A message as bytes.

    Parameters
    ----------
    message : dict
        Of plain JSON values, float64 and uint8 arrays, and numbers that are not finite.
    once : bool, default=False
        Whether arrays of the same bytes lie in it once, which takes time to find out.

    Returns
    -------
    bytes
    """
    arrays: list[Any] = []
    known: dict[bytes, int] = {}
    size = 0

    def plain(value: Any) -> Any:
        nonlocal size
        if isinstance(value, np.ndarray):
            name = "u1" if value.dtype == np.uint8 else "f8"
            array = np.ascontiguousarray(value, dtype=_DTYPES[name])
            place = known.setdefault(array.tobytes(), size) if once else size
            if place == size:
                filled = -array.nbytes % 8
                arrays.extend((array, bytes(filled)))
                size += array.nbytes + filled
            return {"$array": [name, place, value.size]}
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return {"$number": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        return value

    head = json.dumps(plain(message), allow_nan=False, separators=(",", ":")).encode()
    filled = bytes(-(4 + len(head)) % 8)
    return b"".join([struct.pack("<I", len(head)), head, filled, *arrays])


def decode(data: bytes) -> dict[str, Any]:
    """The message that bytes hold; arrays are flat and read-only.

    Raises
    ------
    InvalidParameterError
        If they hold none.

    Examples
    --------
    >>> decode(encode({"ask": "look", "X": np.array([1.0, 2.0])}))
    {'ask': 'look', 'X': array([1., 2.])}
    """
    try:
        (length,) = struct.unpack_from("<I", data)
        if 4 + length > len(data):
            raise ValueError("cut off")
        begin = 4 + length + -(4 + length) % 8
        message = _revive(json.loads(data[4 : 4 + length]), memoryview(data)[begin:], 0)
    except (ValueError, struct.error, KeyError, TypeError, RecursionError) as problem:
        raise InvalidParameterError(
            f"a message must be a head and its arrays (got {len(data)} bytes that are none: "
            f"{type(problem).__name__}). Reload the page."
        ) from None
    if not isinstance(message, dict):
        raise InvalidParameterError(
            f"a message must be a record (got {type(message).__name__}). Reload the page."
        )
    return message


def _revive(value: Any, arrays: memoryview, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, list):
        return [_revive(inner, arrays, depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$array"}:
        return _array(value["$array"], arrays)
    if set(value) == {"$number"}:
        return _WORDS[value["$number"]]
    return {name: _revive(inner, arrays, depth + 1) for name, inner in value.items()}


def _array(entry: list[Any], arrays: memoryview) -> Array:
    name, first, count = entry
    dtype = _DTYPES[name]
    if type(first) is not int or type(count) is not int or first < 0 or count < 0 or first % 8:
        raise ValueError("no place of an array")
    if first + count * dtype.itemsize > len(arrays):
        raise ValueError("an array beyond the end")
    found: Array = np.frombuffer(arrays, dtype, count, first)
    return found
