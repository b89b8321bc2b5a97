"""CSV files into tables, with the standard library and NumPy alone.

Gzip is recognised by content, the delimiter (comma, semicolon or tab) by the header line, a byte
order mark is skipped, and with semicolons a decimal comma is understood. A column holds numbers
when every cell that is not missing is a number; what counts as missing stands in `MISSING`.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Sequence
from typing import BinaryIO, NoReturn

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError
from deltarule.tables.table import Table

#: Cells that stand for "not known".
MISSING = frozenset(("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"))

_FOREIGN = {
    b"PK\x03\x04": "an Excel or zip file",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF file",
    b"SQLite": "a database",
}


def read_csv(source: str | os.PathLike[str] | BinaryIO) -> Table:
    r"""Read a CSV file whose first line holds the names of the columns.

    Parameters
    ----------
    source : path or binary file
        A path, or an open file such as ``sys.stdin.buffer``.

    Returns
    -------
    Table

    Raises
    ------
    TableError
        If the file is missing, not text in UTF-8, has no rows, two columns of one name, or a line
        with more or fewer cells than the first.

    Examples
    --------
    >>> import io
    >>> table = read_csv(io.BytesIO(b"age;city\n31,5;Oslo\n;Rome\n"))
    >>> table.column("age"), table.column("city")
    (array([31.5,  nan]), array(['Oslo', 'Rome'], dtype=object))
    """
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        try:
            with open(name, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            _refuse(name, "no such file. Check the path.")
        except IsADirectoryError:
            _refuse(name, "a folder, not a file. Give the path of a CSV file.")
        except OSError as problem:
            _refuse(name, f"cannot be read ({problem.strerror or problem}). Check its permissions.")
    else:
        name, data = "standard input", source.read()
    return _parse(_text(data, name), name)


def _text(data: bytes, name: str) -> str:
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as problem:
            _refuse(name, f"a gzip file that cannot be unpacked ({problem}). Get a fresh copy.")
    for mark, kind in _FOREIGN.items():
        if data.startswith(mark):
            _refuse(name, f"{kind}, not a CSV file. Save the table as CSV.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        _refuse(name, "text in UTF-16. Save the table as CSV in UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        _refuse(name, f"not text in UTF-8 (line {line}). Save the table as CSV in UTF-8.")


def _parse(text: str, name: str) -> Table:
    if not text.strip():
        _refuse(name, "empty. The first line must hold the names of the columns.")
    delimiter = _delimiter(text)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        lines = [line for line in reader if line]
    except csv.Error as problem:
        _refuse(name, f"line {reader.line_num} cannot be read ({problem}). Check its quotes.")
    names = _names(lines[0], name)
    rows = lines[1:]
    if not rows:
        _refuse(name, "a header and no rows. Add rows below the names of the columns.")
    if len(names) > 1 and set(map(len, rows)) != {len(names)}:
        _refuse_ragged(text, delimiter, len(names), name)
    cells = zip(*rows, strict=True)
    return Table(dict(zip(names, [_column(c, delimiter == ";") for c in cells], strict=True)))


def _delimiter(text: str) -> str:
    """The one of comma, semicolon and tab that the header line has most often outside quotes."""
    header = "".join(text[: text.find("\n") if "\n" in text else len(text)].split('"')[::2])
    return max((",", ";", "\t"), key=header.count)


def _names(header: Sequence[str], name: str) -> list[str]:
    names = [cell.strip() or f"column_{index + 1}" for index, cell in enumerate(header)]
    twice = sorted({one for one in names if names.count(one) > 1}) if len(names) < 2000 else []
    if twice or len(set(names)) < len(names):
        _refuse(
            name,
            f"two columns of the name {twice[0] if twice else '?'!r} in the first line. The first "
            "line must hold the names of the columns, all different.",
        )
    return names


def _refuse_ragged(text: str, delimiter: str, expected: int, name: str) -> NoReturn:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    for line in reader:
        if line and len(line) != expected:
            break
    _refuse(
        name,
        f"line {reader.line_num} has {len(line)} cells, the first line {expected}. Fill the line "
        "up, or put quotes around a cell that holds the delimiter.",
    )


def _column(cells: Sequence[str], decimal_comma: bool) -> Array:
    try:
        # float() reads 1_000, which no table means as a number.
        if not any("_" in cell for cell in cells):
            return np.array(list(map(float, cells)))
    except ValueError:
        pass
    stripped = [None if cell.strip() in MISSING else cell.strip() for cell in cells]
    try:
        return _numbers(stripped)
    except ValueError:
        pass
    if decimal_comma:
        try:
            return _numbers([cell and cell.replace(",", ".") for cell in stripped])
        except ValueError:
            pass
    words = np.empty(len(cells), dtype=object)
    words[:] = stripped
    return words


def _numbers(cells: Sequence[str | None]) -> Array:
    if any(cell is not None and "_" in cell for cell in cells):
        raise ValueError
    return np.array([np.nan if cell is None else float(cell) for cell in cells])


def _refuse(name: str, why: str) -> NoReturn:
    raise TableError(f"{name}: {why}") from None
