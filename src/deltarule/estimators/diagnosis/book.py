"""The book into which checks write: what was measured, against what, and what it means."""

from __future__ import annotations

from typing import Any

from deltarule.estimators.diagnosis.report import SEVERITIES, Diagnosis, Finding


class Book:
    """Collects the entries of all checks."""

    def __init__(self) -> None:
        self.entries: list[Finding] = []
        self.left_out: dict[str, str] = {}

    def above(self, code: str, quantity: str, value: float, most: float, **entry: Any) -> bool:
        """Judge a number that should be at most so large; whether it is a finding.

        ``entry`` holds ``severity``, ``says`` and ``remedy`` of the finding, and its place.
        """
        # NaN is on the wrong side of every threshold.
        return self._enter(code, quantity, value, most, "above", not value <= most, entry)

    def below(self, code: str, quantity: str, value: float, least: float, **entry: Any) -> bool:
        """Judge a number that should be at least so large; whether it is a finding."""
        return self._enter(code, quantity, value, least, "below", not value >= least, entry)

    def _enter(
        self,
        code: str,
        quantity: str,
        value: float,
        threshold: float,
        bad: str,
        wrong: bool,
        entry: dict[str, Any],
    ) -> bool:
        if not wrong:
            entry = {**entry, "severity": "fine", "says": "", "remedy": ""}
        self.entries.append(
            Finding(code, quantity=quantity, value=value, threshold=threshold, bad=bad, **entry)
        )
        return wrong

    def has(self, code: str) -> bool:
        """Whether there is a finding of this code."""
        return any(entry.code == code and entry.severity != "fine" for entry in self.entries)

    def leave_out(self, code: str, reason: str) -> None:
        """Note that something was not looked at, unless another measure of it is judged."""
        self.left_out[code] = reason

    def closed(self, subject: str, rows: int, rows_judged: int) -> Diagnosis:
        """All of it, the gravest first, else in the order of the checks."""
        ordered = sorted(self.entries, key=lambda entry: SEVERITIES.index(entry.severity))
        found = tuple(entry for entry in ordered if entry.severity != "fine")
        fine = tuple(entry for entry in ordered if entry.severity == "fine")
        judged = {entry.code for entry in ordered}
        left_out = {code: why for code, why in self.left_out.items() if code not in judged}
        return Diagnosis(subject, rows, rows_judged, found, fine, left_out)
