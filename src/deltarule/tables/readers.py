"""CSV files into tables, with the standard library and NumPy alone.

Gzip is recognised by content, the delimiter (comma, semicolon or tab) by the header line, a byte
order mark is skipped, and with semicolons a decimal comma is understood. A column holds numbers
when every cell that is not missing is a number; what counts as missing stands in `MISSING`.

Digits alone of which one begins with a zero, ``01234``, are codes and no quantities: such a column
holds words. A column of numbers keeps its text, for a plan that takes it as words all the same.
In a table of one column an empty line is a missing cell; in others it is nothing.

The first line holds the names of the columns, unless whoever reads says that it holds none, or lets
its cells decide: a name is no number.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError
from deltarule.persistence import NotRegularError, open_regular
from deltarule.tables.cells import DIVIDER, MISSING, word_of
from deltarule.tables.table import Table

__all__ = ["MISSING", "MOST_UNPACKED", "Limits", "read_csv"]

#: A gzip file may not become more bytes than this, nor more than an eighth of the machine's memory:
#: one of a megabyte can hold a gigabyte, and cells take several times their text.
MOST_UNPACKED = 4 * 2**30

_FOREIGN = {
    b"PK\x03\x04": "an Excel or zip file",
    b"\x89PNG": "a picture",
    b"%PDF-": "a PDF file",
    b"SQLite format 3\0": "a database",
}
_LEADING_ZERO = re.compile(rf"(?:^|{DIVIDER})\s*0[0-9]")
_DIGITS = re.compile(rf"[0-9{DIVIDER}]*")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_PIECE = 2**20


@dataclass(frozen=True)
class Limits:
    """How large a table may be that others send: its bytes, unpacked, its rows, its columns."""

    size: int
    rows: int
    columns: int


def read_csv(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    name: str = "standard input",
    header: bool | None = True,
    limits: Limits | None = None,
) -> Table:
    r"""Read a CSV file.

    Parameters
    ----------
    source : path or binary file
        A path, or an open file such as ``sys.stdin.buffer``.
    name : str, default="standard input"
        What sentences call an open file.
    header : bool or None, default=True
        Whether the first line holds the names of the columns; None: it does unless one of its
        cells is a number. Without names they are ``column_1``, ``column_2``, ….
    limits : Limits, optional
        How large the table may be; as large as memory takes where left out.

    Returns
    -------
    Table

    Raises
    ------
    TableError
        If the file is missing, not text in UTF-8, has no rows, two columns of one name, a line
        with more or fewer cells than the first, or more of anything than `limits` allow.

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
            with open_regular(name) as file:
                data = file.read()
        except FileNotFoundError:
            _refuse(name, "no such file. Check the path.")
        except IsADirectoryError:
            _refuse(name, "a folder, not a file. Give the path of a CSV file.")
        except NotRegularError:
            _refuse(name, "not a regular file. Pipe it in, and give - as the table.")
        except OSError as problem:
            _refuse(name, f"cannot be read ({problem.strerror or problem}). Check its permissions.")
    else:
        data = source.read()
    return _parse(_text(data, name, limits), name, header, limits)


def _text(data: bytes, name: str, limits: Limits | None) -> str:
    if data[:2] == b"\x1f\x8b":
        try:
            data = _unpacked(data, name, limits)
        except (OSError, EOFError, zlib.error) as problem:
            _refuse(name, f"a gzip file that cannot be unpacked ({problem}). Get a fresh copy.")
    if limits is not None and len(data) > limits.size:
        _refuse(name, f"{len(data):,} bytes, and at most {limits.size:,} are read. Leave rows out.")
    for mark, kind in _FOREIGN.items():
        if data.startswith(mark):
            _refuse(name, f"{kind}, not a CSV file. Save the table as CSV.")
    if data[:4] == data[-4:] == b"PAR1" and len(data) > 4:
        _refuse(name, "a Parquet file, not a CSV file. Save the table as CSV.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        _refuse(name, "text in UTF-16. Save the table as CSV in UTF-8.")
    if (place := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, place) + 1
        _refuse(name, f"not text (line {line} holds a zero byte). Save the table as CSV in UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        _refuse(name, f"not text in UTF-8 (line {line}). Save the table as CSV in UTF-8.")


def _unpacked(data: bytes, name: str, limits: Limits | None) -> bytes:
    most = min(MOST_UNPACKED, memory_bytes() // 8)
    if limits is not None:
        most = min(most, limits.size)
    pieces, size = [], 0
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while piece := file.read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                _refuse(
                    name,
                    f"a gzip file of {len(data)} bytes that unpacks to more than {most}. Unpack it "
                    "first, or give fewer rows.",
                )
    return b"".join(pieces)


def memory_bytes() -> int:
    """Bytes of the machine's memory; where it does not say, more than any bound."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**63


def _parse(text: str, name: str, header: bool | None, limits: Limits | None) -> Table:
    if not text.strip():
        _refuse(name, "empty. The first line must hold the names of the columns.")
    delimiter = _delimiter(text)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    most = None if limits is None else limits.rows + 2
    try:
        lines = list(itertools.islice(reader, most))
    except csv.Error as problem:
        _refuse(name, f"line {reader.line_num} cannot be read ({problem}). Check its quotes.")
    head = next((index for index, line in enumerate(lines) if line), 0)
    if header is None:
        header = not any(_NUMBER.fullmatch(cell.strip()) for cell in lines[head])
    if limits is not None and (width := len(lines[head])) > limits.columns:
        _refuse(
            name, f"{width:,} columns, and at most {limits.columns:,} are read. Leave some out."
        )
    names = _names(lines[head] if header else [""] * len(lines[head]), name)
    rows = lines[head + header :]
    if limits is not None and len(rows) > limits.rows:
        _refuse(name, f"more than {limits.rows:,} rows, the most that are read. Leave some out.")
    rows = [line for line in rows if line] if len(names) > 1 else [line or [""] for line in rows]
    if not rows:
        _refuse(name, "a header and no rows. Add rows below the names of the columns.")
    if set(map(len, rows)) != {len(names)}:
        _refuse_ragged(text, delimiter, len(names), name)
    columns: dict[str, Array] = {}
    texts: dict[str, str] = {}
    for column, cells in zip(names, zip(*rows, strict=True), strict=True):
        columns[column] = _column(cells, delimiter == ";")
        if columns[column].dtype.kind == "f":
            texts[column] = DIVIDER.join(cells)
            if _are_codes(texts[column], cells):
                columns[column] = _words(cells)
                del texts[column]
    return Table(columns, texts)


def _delimiter(text: str) -> str:
    """The one of comma, semicolon and tab that the first line has most often outside quotes.

    A semicolon beside a number with a decimal comma is one, however many commas there are.
    """
    header = "".join(text[: text.find("\n") if "\n" in text else len(text)].split('"')[::2])
    parts = header.split(";")
    if len(parts) > 1 and any(_DECIMAL_COMMA.fullmatch(part.strip()) for part in parts):
        return ";"
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
        f"line {reader.line_num} has {len(line)} cell{'' if len(line) == 1 else 's'}, the first "
        f"line {expected}. Fill the line up, or put quotes around a cell that holds the delimiter.",
    )


def _column(cells: Sequence[str], decimal_comma: bool) -> Array:
    try:
        # float() reads 1_000, which no table means as a number.
        if not any("_" in cell for cell in cells):
            return np.array(list(map(float, cells)))
    except ValueError:
        pass
    stripped = [word_of(cell) for cell in cells]
    try:
        return _numbers(stripped)
    except ValueError:
        pass
    if decimal_comma:
        try:
            return _numbers([cell and cell.replace(",", ".") for cell in stripped])
        except ValueError:
            pass
    return _words(cells)


def _words(cells: Sequence[str]) -> Array:
    words = np.empty(len(cells), dtype=object)
    words[:] = [word_of(cell) for cell in cells]
    return words


def _are_codes(text: str, cells: Sequence[str]) -> bool:
    """Whether a column of numbers is written in digits alone, some with a zero before others."""
    if _LEADING_ZERO.search(text) is None:
        return False
    return all(_DIGITS.fullmatch(word_of(cell) or "") for cell in cells)


def _numbers(cells: Sequence[str | None]) -> Array:
    if any(cell is not None and "_" in cell for cell in cells):
        raise ValueError
    return np.array([np.nan if cell is None else float(cell) for cell in cells])


def _refuse(name: str, why: str) -> NoReturn:
    raise TableError(f"{name}: {why}") from None
