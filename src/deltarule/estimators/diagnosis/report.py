"""What a diagnosis says: findings as values, and the whole as text, HTML and JSON.

The JSON is for programs: its schema has a number, `SCHEMA`, that is raised when a field changes
its meaning or goes; fields may be added. Codes of findings never change their meaning.
"""

from __future__ import annotations

import json
import math
import os
import textwrap
from dataclasses import field
from html import escape
from typing import Any

from deltarule.dataclass import dataclass

#: The version of the JSON schema.
SCHEMA = 1

#: From grave to harmless; ``"fine"`` is what was looked at and is as it should be.
SEVERITIES = ("problem", "warning", "note", "fine")

#: So many numbers or names of a place are shown; JSON has all of them.
MOST_SHOWN = 6

WIDTH = 96


@dataclass(frozen=True)
class Finding:
    """One thing that was measured, and what it means.

    Parameters
    ----------
    code : str
        A stable word for programs, such as ``"dead_units"``.
    severity : {"problem", "warning", "note", "fine"}
    quantity : str
        What was measured, in words.
    value, threshold : float
        The number, and the one from which on it is a finding.
    bad : {"above", "below"}
        On which side of the threshold the trouble lies.
    says : str
        What it means here, a sentence.
    remedy : str
        What to do, a sentence that names the parameter to set; empty where all is fine.
    layer : int or None
        The index of its weights in ``coefs_``; hidden layers as in `hidden_activations`.
    units : tuple of int
    columns : tuple of str
        Names of input columns, target columns or classes.
    head : str or None
        The name of the head of a `MultiTaskMLP`; None for what concerns all of it.
    """

    code: str
    severity: str
    quantity: str
    value: float
    threshold: float
    bad: str
    says: str
    remedy: str = ""
    layer: int | None = None
    units: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    head: str | None = None

    @property
    def where(self) -> str:
        """The place in words: ``"layer 0, units 3, 7"``; empty for the model as a whole."""
        parts = [] if self.head is None else [f"head {self.head}"]
        parts += [] if self.layer is None else [f"layer {self.layer}"]
        for word, names in (("unit", self.units), ("column", self.columns)):
            if names:
                shown = ", ".join(map(str, names[:MOST_SHOWN]))
                rest = len(names) - MOST_SHOWN
                more = f" and {rest} more" if rest > 0 else ""
                parts.append(f"{word}{'' if len(names) == 1 else 's'} {shown}{more}")
        return ", ".join(parts)

    @property
    def measured(self) -> str:
        """The number beside its threshold."""
        side = "at most" if self.bad == "above" else "at least"
        return f"{number(self.value)} ({side} {number(self.threshold)})"

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON values; a number that is not finite is None."""
        return {
            "code": self.code,
            "severity": self.severity,
            "layer": self.layer,
            "units": list(self.units),
            "columns": list(self.columns),
            "head": self.head,
            "quantity": self.quantity,
            "value": _plain(self.value),
            "threshold": _plain(self.threshold),
            "bad": self.bad,
            "says": self.says,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found: ``print`` it, show it in a notebook, or ask for JSON.

    Parameters
    ----------
    subject : str
        The estimator and its network, in a few words.
    rows, rows_judged : int
        Rows given, and rows of the sample on which the network was measured.
    findings : tuple of Finding
        What is wrong, the gravest first.
    fine : tuple of Finding
        What was looked at and found fine.
    left_out : mapping of str to str
        Codes that were not looked at, and why.

    Examples
    --------
    >>> finding = Finding("dead_units", "warning", "share of units never active", 0.5, 0.4,
    ...                   "above", "Half of them are never active.", "Lower the step.", layer=0)
    >>> print(Diagnosis("MLPRegressor 2-4-1", 10, 10, (finding,)))
    MLPRegressor 2-4-1 on 10 rows: 1 warning
    <BLANKLINE>
    warning: dead_units, layer 0
      Half of them are never active. Share of units never active: 0.5 (at most 0.4).
      Remedy: Lower the step.
    """

    subject: str
    rows: int
    rows_judged: int
    findings: tuple[Finding, ...] = ()
    fine: tuple[Finding, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, each once, the gravest first."""
        return tuple(dict.fromkeys(finding.code for finding in self.findings))

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong: no finding graver than a note."""
        return all(finding.severity == "note" for finding in self.findings)

    @property
    def heading(self) -> str:
        """One line: on what, and how many findings of each kind."""
        counts = [
            f"{count} {severity}{'' if count == 1 else 's'}"
            for severity in SEVERITIES
            if (count := sum(finding.severity == severity for finding in self.findings))
        ]
        sample = "" if self.rows == self.rows_judged else f" (measured on {self.rows_judged})"
        rows = f"{self.rows} row{'' if self.rows == 1 else 's'}"
        return f"{self.subject} on {rows}{sample}: {', '.join(counts) or 'nothing found'}"

    def __str__(self) -> str:
        lines = [self.heading]
        for finding in self.findings:
            place = f", {finding.where}" if finding.where else ""
            quantity = finding.quantity[0].upper() + finding.quantity[1:]
            lines += ["", f"{finding.severity}: {finding.code}{place}"]
            lines += _wrapped(f"{finding.says} {quantity}: {finding.measured}.", "  ")
            lines += _wrapped(f"Remedy: {finding.remedy}", "  ")
        if self.fine:
            lines += ["", "looked at, found fine:"]
            for finding in self.fine:
                place = f", {finding.where}" if finding.where else ""
                text = f"{finding.code}{place}: {finding.quantity}: {finding.measured}"
                lines += _wrapped(text, "  ", "    ")
        if self.left_out:
            lines += ["", "not looked at:"]
            for codes, reason in self._left_out_together():
                lines += _wrapped(f"{codes}: {reason}", "  ", "    ")
        return "\n".join(lines)

    __repr__ = __str__

    def _left_out_together(self) -> list[tuple[str, str]]:
        """(codes, reason), codes with the same reason together."""
        together: dict[str, list[str]] = {}
        for code, reason in self.left_out.items():
            together.setdefault(reason, []).append(code)
        return [(", ".join(codes), reason) for reason, codes in together.items()]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON values under the schema `SCHEMA`."""
        return {
            "schema": SCHEMA,
            "subject": self.subject,
            "rows": self.rows,
            "rows_judged": self.rows_judged,
            "findings": [finding.to_dict() for finding in self.findings],
            "fine": [finding.to_dict() for finding in self.fine],
            "left_out": dict(self.left_out),
        }

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page of HTML that needs no other file, in light and dark.

        Parameters
        ----------
        path : str or path, optional
            A file to write it to, in UTF-8.

        Returns
        -------
        str
        """
        page = (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>Diagnosis: {escape(self.subject)}</title>\n{_PAGE_STYLE}</head>\n<body>\n"
            f"<main>\n{self._repr_html_()}</main>\n</body>\n</html>\n"
        )
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(page)
        return page

    def _repr_html_(self) -> str:
        parts = [f"<h2>{escape(self.heading)}</h2>\n"]
        if self.findings:
            rows = [
                [f.severity, f.code, f.where, f.says, f"{f.quantity}: {f.measured}", f.remedy]
                for f in self.findings
            ]
            heads = ["severity", "code", "place", "what", "measured", "remedy"]
            parts.append(_table("Findings", heads, rows, marked=True))
        if self.fine:
            rows = [[f.code, f.where, f.quantity, f.measured] for f in self.fine]
            heads = ["code", "place", "quantity", "measured"]
            parts.append(_table("Looked at, found fine", heads, rows))
        if self.left_out:
            rows = [list(entry) for entry in self._left_out_together()]
            parts.append(_table("Not looked at", ["code", "why"], rows))
        return f'{_STYLE}<section class="deltarule-diagnosis">\n{"".join(parts)}</section>\n'


#: Of a table in someone else's page: no colours but the page's own.
_STYLE = """\
<style>
.deltarule-diagnosis { line-height: 1.45; overflow-x: auto; }
.deltarule-diagnosis h2 { font-size: 1.15em; }
.deltarule-diagnosis table { border-collapse: collapse; margin: 1em 0; }
.deltarule-diagnosis caption { text-align: left; font-weight: bold; padding: .3em 0; }
.deltarule-diagnosis :is(th, td) { text-align: left; vertical-align: top; padding: .35em .7em;
  border-bottom: 1px solid currentColor; }
</style>
"""

#: Of a page of our own. The colours have a contrast of at least 4.5 to 1 on their grounds, and only
#: repeat what the word says.
_PAGE_STYLE = """\
<style>
:root { color-scheme: light dark; --ink: #1a1a1a; --ground: #ffffff;
  --problem: #b00020; --warning: #8a5000; --note: #0b5394; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --ground: #141414;
  --problem: #ff8a9a; --warning: #ffc069; --note: #8ec7ff; } }
body { font-family: system-ui, sans-serif; margin: 1.5em auto; max-width: 75em; padding: 0 1em;
  color: var(--ink); background: var(--ground); }
th.problem { color: var(--problem); }
th.warning { color: var(--warning); }
th.note { color: var(--note); }
</style>
"""


def _table(caption: str, heads: list[str], rows: list[list[str]], *, marked: bool = False) -> str:
    """A table whose first cell names its row; with ``marked`` that cell's word is its class."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = ""
    for first, *others in rows:
        style = f' class="{escape(first)}"' if marked else ""
        cells = "".join(f"<td>{escape(text)}</td>" for text in others)
        body += f'<tr><th scope="row"{style}>{escape(first)}</th>{cells}</tr>\n'
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}</tbody>\n</table>\n"
    )


def _wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if further is None else further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def number(value: float) -> str:
    """A number for people, three digits.

    Examples
    --------
    >>> number(0.4), number(1234567.0), number(0.00001234), number(float("inf"))
    ('0.4', '1.23e+06', '1.23e-05', 'inf')
    """
    return f"{value:.3g}"


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
