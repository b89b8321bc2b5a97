"""The report of a training: one page of HTML with pictures, that needs no other file.

`findings.py` says what a report tells, `gather.py` and `importance.py` find it out, `charts.py`
draws it with the marks of `svg.py`, `page.py` and `style.py` make the page.
"""

from __future__ import annotations

import os

from deltarule.persistence import replace_file
from deltarule.tables.report.findings import Findings
from deltarule.tables.report.gather import gather
from deltarule.tables.report.page import GENERATOR, page

__all__ = ["Findings", "gather", "is_report", "page", "write"]


def write(found: Findings, path: str) -> None:
    """Write the page; an existing file is replaced as a whole."""
    replace_file(path, page(found).encode("utf-8", "replace"))


def is_report(path: str) -> bool:
    """Whether a file is a page that `write` wrote."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return GENERATOR.encode() in file.read(1000)
