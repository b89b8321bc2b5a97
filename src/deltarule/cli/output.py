"""What a command says, to people or to machines.

Results go to standard output; progress, notes and errors to standard error. With ``--json``
standard output is one JSON object, and an error is one too.
"""

from __future__ import annotations

import io
import json as json_module
import math
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def plain(text: str) -> str:
    r"""A text without control characters: names in files must not drive a terminal.

    Examples
    --------
    >>> plain("price\x1b[31m")
    'price\\x1b[31m'
    """
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text
    )


class Output:
    """Where a command writes.

    Parameters
    ----------
    json : bool
        One JSON object on standard output, nothing else.
    quiet : bool
        No progress and no text, only the result and errors.

    Attributes
    ----------
    aside : callable
        Gives the context in which a line is written; that of a progress on the same terminal makes
        room for the line.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json, self.quiet = json, quiet
        self.aside: Callable[[], AbstractContextManager[None]] = nullcontext
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A terminal without R² shows ?, rather than end in an error.
                stream.reconfigure(errors="replace")

    def line(self, text: str = "") -> None:
        """A line for people."""
        if not (self.json or self.quiet):
            with self.aside():
                print(plain(text), flush=True)

    def lines(self, *texts: str) -> None:
        """Lines for people."""
        for text in texts:
            self.line(text)

    def note(self, text: str) -> None:
        """A remark that is no result, on standard error."""
        with self.aside():
            print(f"note: {plain(text)}", file=sys.stderr, flush=True)

    def result(self, record: dict[str, Any]) -> None:
        """The result for machines; numbers that JSON does not know are null."""
        if self.json:
            print(json_module.dumps(_json_values(record), ensure_ascii=False), flush=True)

    def fail(self, kind: str, message: str) -> int:
        """Say what went wrong; the exit code for it."""
        self.result({"error": {"kind": kind, "message": message}})
        return self.error(message)

    def error(self, message: str) -> int:
        """The sentence alone, where the result has been written; the exit code for it."""
        print(f"deltarule: {plain(message)}", file=sys.stderr, flush=True)
        return 1


def _json_values(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json_values(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_json_values(entry) for entry in value]
    if hasattr(value, "tolist"):
        return _json_values(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown(value: float) -> str:
    """A score with four decimals; a number of any size with five digits.

    Examples
    --------
    >>> shown(0.86326), shown(-1.5), shown(48321.7)
    ('0.8633', '-1.5000', '48322')
    """
    if value != value:
        return "not defined"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.5g}"


def text_table(rows: list[list[str]], left: int = 1) -> list[str]:
    """Rows of cells as aligned lines, the first `left` columns to the left.

    Examples
    --------
    >>> text_table([["", "accuracy"], ["network", "0.9"]])
    ['         accuracy', 'network       0.9']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def bytes_text(size: int) -> str:
    """A file size for people.

    Examples
    --------
    >>> bytes_text(512), bytes_text(240_000), bytes_text(3_000_000)
    ('512 bytes', '240 kB', '3.0 MB')
    """
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def counted(count: int, word: str, words: str | None = None) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "row"), counted(2, "category", "categories")
    ('1 row', '2 rows', '2 categories')
    """
    return f"{count} {word if count == 1 else words or word + 's'}"
