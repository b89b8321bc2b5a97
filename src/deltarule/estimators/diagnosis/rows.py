"""Checks of the rows: numbers that are none, scales of inputs and targets, classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators import checks
from deltarule.estimators.diagnosis.book import Book
from deltarule.estimators.diagnosis.groups import Group
from deltarule.estimators.diagnosis.subject import Subject
from deltarule.measures import reach

#: Root mean square of a column's numbers that are not 0, as the network sees them. The curvature of
#: the first layer grows with its square, and one step size serves all columns; at 1 all is well:
#: LeCun, Bottou, Orr, Müller (1998), Efficient BackProp, §4.3,
#: https://doi.org/10.1007/3-540-49430-8_2. Two powers of ten of curvature are borne on either side
#: before the solver's own scaling is outrun, three above: pixels of 0 to 16 train well.
LARGEST_COLUMN = 30.0
#: As above, for the middle column.
SMALLEST_COLUMN = 0.1

#: |mean| / standard deviation of a column. The curvature along the bias is so many times (squared)
#: that of the column's own variation; the iris flowers have up to 7.
LARGEST_OFFSET = 20.0

#: The same for targets behind an identity output, whose first errors are as large as they.
LARGEST_TARGET = 30.0
SMALLEST_TARGET = 0.02

#: Rows of the most frequent class for one of the rarest: beyond it, to give the rare class away
#: costs less than a tenth of the accuracy. He and Garcia (2009),
#: https://doi.org/10.1109/TKDE.2008.239, on what that does to a classifier.
LARGEST_IMBALANCE = 10.0
#: The share of a rare class that is recognised, at least.
LEAST_RECALL = 0.5


def check_rows(subject: Subject, book: Book) -> None:
    """All checks of the rows."""
    _not_finite(subject, book)
    _constant_columns(subject, book)
    _inputs(subject, book)
    for group in subject.groups:
        _targets(subject, book, group)
        _classes(subject, book, group)


def _not_finite(subject: Subject, book: Book) -> None:
    holes = subject.groups[0].name is not None  # in y they are targets that are not known
    for name in ("X",) if holes else ("X", "y"):
        count, columns = subject.not_finite.get(name, (0, ()))
        book.above(
            "non_finite_rows",
            f"numbers of {name} that are NaN or infinite",
            count,
            0,
            severity="problem",
            says=f"{name} has holes; their rows were left out of all that follows.",
            remedy="Fill the holes before fit, for example with sklearn.impute.SimpleImputer, or "
            "drop the rows.",
            columns=columns,
        )


def _constant_columns(subject: Subject, book: Book) -> None:
    book.above(
        "constant_columns",
        "input columns that never change",
        len(subject.constant),
        0,
        severity="note",
        says="A column that is the same in all rows tells nothing, and its weights keep their "
        "random start: a row that differs in it later meets noise.",
        remedy="Drop these columns, for example with sklearn.feature_selection.VarianceThreshold.",
        columns=subject.constant,
    )


def _inputs(subject: Subject, book: Book) -> None:
    sizes, offsets = _column_sizes(subject.X)
    varying = np.array([name not in set(subject.constant) for name in subject.names]) & (sizes > 0)
    if not varying.any():
        book.leave_out("unscaled_inputs", "no column varies")
        return
    scaled = subject.estimator.standardize is not None
    remedy = (
        "The model standardizes by its training rows, and these lie elsewhere: check that both "
        "have the same units, or fit again on rows like these."
        if scaled
        else "Set standardize='inputs', or scale the columns before fit."
    )
    seen = " after standardizing" if scaled else ""
    judged = {
        "large numbers": ("largest root mean square of a column", sizes, LARGEST_COLUMN),
        "a mean far from 0": (
            "largest |mean| of a column in its standard deviations",
            offsets,
            LARGEST_OFFSET,
        ),
    }
    for what, (quantity, values, most) in judged.items():
        large = np.where(varying, values, 0.0)
        book.above(
            "unscaled_inputs",
            quantity,
            float(large.max()),
            most,
            severity="warning",
            says=f"Columns with {what}{seen} bend the objective so much more than the others that "
            "no step size suits both.",
            remedy=remedy,
            columns=tuple(subject.names[i] for i in np.flatnonzero(large > most)),
        )
    book.below(
        "unscaled_inputs",
        "root mean square of the middle column",
        float(np.median(sizes[varying])),
        SMALLEST_COLUMN,
        severity="warning",
        says=f"The columns hold small numbers{seen}: the first layer's gradients are small, and "
        "its weights have far to go.",
        remedy=remedy,
    )


def _column_sizes(X: Any) -> tuple[Array, Array]:
    """Root mean square of the numbers that are not 0; |mean| / deviation, 0 for sparse rows."""
    if checks.is_sparse(X):
        squares = np.bincount(X.indices, X.data.astype(np.float64) ** 2, X.shape[1])
        counts = np.bincount(X.indices, X.data != 0, X.shape[1])
        return np.sqrt(squares / np.maximum(counts, 1)), np.zeros(X.shape[1])
    with np.errstate(all="ignore"):
        sizes = np.sqrt((X**2).sum(axis=0) / np.maximum((X != 0).sum(axis=0), 1))
        deviation = X.std(axis=0)
        offsets = np.where(deviation > 0, np.abs(X.mean(axis=0)) / deviation, 0.0)
    return sizes, offsets


def _targets(subject: Subject, book: Book, group: Group) -> None:
    target, classes = group.known(subject.D), group.code is not None
    if not len(target):
        return
    same = np.flatnonzero(np.ptp(target, axis=0) == 0) if len(target) > 1 else np.arange(0)
    shown = len(same) if len(same) == target.shape[1] or not classes else 0
    book.above(
        "constant_target",
        "target columns that never change",
        shown,
        0,
        severity="warning",
        says="There is nothing to learn from a target that is the same in all rows.",
        remedy="Check how y was made, or give rows with other targets.",
        columns=() if classes else group.named(same),
        **group.place,
    )
    if classes:
        book.leave_out("unscaled_targets", "the targets are classes")
        return
    low, high = reach(group.activation)
    beyond = (target < low - 1e-6) | (target > high + 1e-6)
    name = group.activation.name
    book.above(
        "targets_out_of_reach",
        "share of target numbers outside the output activation's range",
        float(beyond.mean()),
        0,
        severity="problem",
        says=f"A {name!r} output lies between {low:g} and {high:g}; it never meets these targets.",
        remedy="Set output_activation='identity', or scale the target into the range.",
        columns=group.named(np.flatnonzero(beyond.any(axis=0))),
        **group.place,
    )
    if name not in ("identity", "ascending"):
        book.leave_out("unscaled_targets", f"a {name!r} output is no scale of its own")
        return
    varying = np.setdiff1d(np.arange(target.shape[1]), same)
    if not len(varying):
        return
    sizes = np.sqrt((target[:, varying] ** 2).mean(axis=0))
    says = (
        "The output starts near 0 and the errors with the size of the target: the step size that "
        "suits them suits nothing else."
    )
    remedy = "Set standardize='both', or scale the target before fit."
    if subject.estimator.standardize == "both":
        remedy = (
            "The model standardizes by its training targets, and these lie elsewhere: check the "
            "units of y, or fit again."
        )
    book.above(
        "unscaled_targets",
        "largest root mean square of a target column",
        float(sizes.max()),
        LARGEST_TARGET,
        severity="warning",
        says=says,
        remedy=remedy,
        columns=group.named(varying[sizes > LARGEST_TARGET]),
        **group.place,
    )
    deviations = target[:, varying].std(axis=0)
    book.below(
        "unscaled_targets",
        "least standard deviation of a target column",
        float(deviations.min()),
        SMALLEST_TARGET,
        severity="warning",
        says="A target that varies so little has a loss near 0 from the start, and tol ends the "
        "training early.",
        remedy=remedy,
        columns=group.named(varying[deviations < SMALLEST_TARGET]),
        **group.place,
    )


def _classes(subject: Subject, book: Book, group: Group) -> None:
    code = group.code
    if code is None or group.classes is None:
        reason = "no classes" if code is None else "the labels are not classes of one kind"
        book.leave_out("class_imbalance", reason)
        return
    names = code.classes
    counts = np.bincount(group.classes[group.classes >= 0], minlength=len(names))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        book.leave_out("class_imbalance", "the rows have a single class")
        return
    ratio = float(counts.max() / counts[present].min())
    if ratio <= LARGEST_IMBALANCE:
        book.above(
            "class_imbalance",
            "rows of the most frequent class for one of the rarest",
            ratio,
            LARGEST_IMBALANCE,
            severity="fine",
            **group.place,
        )
        return
    guessed = code.decode(subject.passed.prediction[:, group.columns])
    index = group.classes[subject.chosen]
    rare = [i for i in present if counts[i] * LARGEST_IMBALANCE < counts.max()]
    recalls = {
        i: float((guessed[index == i] == names[i]).mean()) for i in rare if (index == i).any()
    }
    if not recalls:
        book.leave_out("class_imbalance", "the sample has no row of the rare classes")
        return
    book.below(
        "class_imbalance",
        "least share of a rare class's rows that are recognised",
        min(recalls.values()),
        LEAST_RECALL,
        severity="warning",
        says=f"The most frequent class has {ratio:.0f} rows for one of the rarest, and the model "
        "gives rare classes away to the frequent ones.",
        remedy="Weigh the rare classes more: set class_weight='balanced'"
        + (" in the head's dr.Task." if group.name is not None else "."),
        columns=tuple(str(names[i]) for i, recall in recalls.items() if recall < LEAST_RECALL),
        **group.place,
    )
