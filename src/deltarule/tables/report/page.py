"""The report as one page of HTML that needs nothing else: style, pictures and words in one file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from deltarule.tables.report import charts
from deltarule.tables.report.findings import Findings, Numbers
from deltarule.tables.report.gather import tenths
from deltarule.tables.report.style import STYLE

#: What marks a file as a report: `deltarule.tables.report.is_report`.
GENERATOR = '<meta name="generator" content="deltarule train">'
#: Up to so many classes the whole confusion matrix is drawn, above it the frequent confusions.
MOST_CLASSES, MOST_CONFUSIONS = 12, 15
#: Columns of a table that is not folded away.
MOST_COLUMNS = 40


def page(found: Findings) -> str:
    """The whole page."""
    title = f"{', '.join(found.target)} from {found.table}"
    sections = [
        _head(found),
        _scores(found),
        _curves(found),
        _learned(found),
        _confusion(found) if found.task == "classification" else _residuals(found),
        _calibration(found),
        _importance(found),
        _use(found),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{GENERATOR}\n<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _head(found: Findings) -> str:
    best = found.scores[0]
    off = f" <small>± {best.spread:.3f}</small>" if best.spread else ""
    value = f"{best.value:.3f}" if np.isfinite(best.value) else "not defined"
    target = ", ".join(found.target)
    return (
        f"<header>\n<h1>{escape(target)} <span>from {escape(found.table)}</span></h1>\n"
        f'<p class="key"><b>{value}</b>{off} {escape(found.score_name)} on '
        f"{escape(found.judged_on)}</p>\n</header>\n"
    )


def _section(title: str, *parts: str, whole: bool = False) -> str:
    """A section; `whole` takes the width of the page, others stand in pairs where there is room."""
    kind = ' class="whole"' if whole else ""
    return f"<section{kind}>\n<h2>{escape(title)}</h2>\n{''.join(parts)}</section>\n"


def _paragraph(words: str) -> str:
    return f"<p>{escape(words)}</p>\n"


def _figure(picture: str, caption: str = "") -> str:
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{picture}{words}</figure>\n"


def _side_by_side(*figures: str) -> str:
    return f'<div class="figures">\n{"".join(figures)}</div>\n'


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = -1) -> str:
    """A table whose first cell names its row; the column of this index holds numbers."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heads)
    body = ""
    for first, *others in rows:
        cells = "".join(
            f"<td{' class=number' * (place == numbers)}>{escape(cell)}</td>"
            for place, cell in enumerate(others, 1)
        )
        body += f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>\n'
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n'
        "</table></div>\n"
    )


def _pairs(rows: Sequence[tuple[str, str]]) -> str:
    told = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" for name, value in rows)
    return f"<dl>\n{told}</dl>\n"


def _scores(found: Findings) -> str:
    words = (
        f"{found.score_name[0].upper()}{found.score_name[1:]} on {found.judged_on}; more is "
        "better, 1 is perfect."
    )
    if any(one.spread for one in found.scores):
        words += (
            " The bars of uncertainty are one standard deviation over draws of these rows "
            "(bootstrap): a gap smaller than they are may be chance."
        )
    parts = [_figure(charts.scores(found.scores, found.score_name), words)]
    if found.more_scores:
        parts.append(_pairs(found.more_scores))
    return _section("How good it is", *parts)


def _learned(found: Findings) -> str:
    facts = [("table", found.table), ("target", ", ".join(found.target)), *found.facts]
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    parts = [_pairs(facts), f"<ul>{notes}</ul>\n" * bool(notes)]
    heads = ("column", "taken as", "inputs", "what the network sees")
    table = _table(heads, found.columns, numbers=2)
    if len(found.columns) > MOST_COLUMNS:
        words = f"{len(found.columns)} columns and what each was taken for"
        table = f"<details><summary>{words}</summary>\n{table}</details>\n"
    beside = (f"<div>\n{''.join(parts)}</div>\n", table)
    return _section("What was learned from what", _side_by_side(*beside), whole=True)


def _curves(found: Findings) -> str:
    if not found.curves or not any(one.training for one in found.curves):
        return ""
    count = len(found.curves)
    words = (
        "Mean loss of an epoch." if count == 1 else f"Mean loss of an epoch, of {count} networks."
    )
    if any(one.held for one in found.curves):
        words += " The held rows are those that a network did not learn from."
    kept = [one.kept + 1 for one in found.curves if one.kept is not None]
    if kept:
        words += f" Kept: epoch {', '.join(map(str, kept))}."
    return _section("How the training went", _figure(charts.curves(found.curves), words))


def _confusion(found: Findings) -> str:
    if found.counts is None or not len(found.labels):
        return ""
    if len(found.labels) <= MOST_CLASSES:
        figure = _figure(
            charts.confusion(found.labels, found.counts),
            "Rows by their actual class (down) and the predicted one (across).",
        )
        return _section("What it takes for what", figure)
    wrong = found.counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    places = [(at // len(wrong), at % len(wrong)) for at in order.tolist()]
    rows = [
        (f"{found.labels[i]} → {found.labels[j]}", float(wrong[i, j]), None)
        for i, j in places
        if wrong[i, j]
    ]
    if not rows:
        return _section("What it takes for what", _paragraph("There are no mistakes."))
    total = f"{int(wrong.sum())} of {int(found.counts.sum())} rows are taken for another class."
    most = _figure(
        charts.bars(rows, "the most frequent confusions", "two"),
        f"The most frequent confusions, actual → predicted, in rows. {total}",
    )
    shares = [
        (label, float(found.counts[i, i] / max(found.counts[i].sum(), 1)), None)
        for i, label in enumerate(found.labels)
        if found.counts[i].sum()
    ]
    shares.sort(key=lambda one: one[1])
    least = _figure(
        charts.bars(shares[:MOST_CONFUSIONS], "the classes that are least often found"),
        "The classes that are least often found, by the share of their rows that is.",
    )
    return _section("What it takes for what", _side_by_side(most, least), whole=True)


def _residuals(found: Findings) -> str:
    figures = []
    for one in found.numbers:
        missed = one.actual - one.predicted
        half, most = np.quantile(np.abs(missed), [0.5, 0.9])
        words = f"Half of the rows are missed by less than {half:.4g}, nine in ten by {most:.4g}."
        figures.append(
            _figure(
                charts.cloud(one.actual, one.predicted, one.name),
                f"Each point a row; on the line the prediction is right. {words}",
            )
        )
        figures.append(
            _figure(charts.histogram(missed, one.name), "How far off, and to which side.")
        )
    return _section("What it gets wrong", _side_by_side(*figures), whole=True)


def _calibration(found: Findings) -> str:
    figures = []
    if found.reliability:
        whose = f"of {found.likely}" if found.likely else "of the predicted class"
        figures.append(
            _figure(
                charts.reliability(
                    found.reliability, f"predicted probability {whose}", "share found"
                ),
                "On the line, what is predicted with 0.8 is right in 8 of 10 rows. The bars are "
                "two standard deviations of a share of so many rows.",
            )
        )
    for one in found.numbers:
        if len(one.actual) >= 2:
            figures.append(
                _figure(
                    charts.tenths(tenths(one.actual, one.predicted), one.name),
                    "The rows in order of their prediction, a tenth each: on the line the "
                    "predictions are right on average, low and high ones too. The bars are two "
                    "standard errors.",
                )
            )
        if one.coverage:
            figures.append(_coverage(one))
    if not figures:
        return ""
    if len(figures) == 1:
        return _section("Whether it can be believed", *figures)
    return _section("Whether it can be believed", _side_by_side(*figures), whole=True)


def _coverage(one: Numbers) -> str:
    rows = [(f"{level:g}", f"{share:.3f}") for level, share in one.coverage]
    words = f"Of {one.name}: the share of rows that was found below each quantile."
    table = _table(("quantile", "rows below it"), rows, numbers=1)
    return f"<figure>{table}<figcaption>{escape(words)}</figcaption></figure>\n"


def _importance(found: Findings) -> str:
    if not found.importance:
        words = found.importance_note
        return _section("What matters", _paragraph(words)) if words else ""
    more = len(found.importance) - charts.MOST_SHOWN
    rest = f" {more} columns that matter less are not shown." if more > 0 else ""
    words = (
        f"What {found.score_name} loses when a column's cells are shuffled among the rows "
        f"({found.importance_note}; the bars are one standard deviation over the shuffles). "
        f"Columns that say the same hide each other.{rest}"
    )
    return _section("What matters", _figure(charts.importance(found.importance), words))


def _use(found: Findings) -> str:
    def lines(told: Sequence[str]) -> str:
        return f"<pre>{escape(chr(10).join(told))}</pre>\n"

    return _section(
        "How to use it",
        _paragraph(f"The model is {found.model}. On the command line:"),
        *(lines([command]) for command in found.commands),
        _paragraph("From Python:"),
        lines(found.python),
    )
