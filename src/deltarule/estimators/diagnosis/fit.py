"""Checks of the fit: what was learnt, on the training rows and beyond them."""

from __future__ import annotations

import numpy as np

from deltarule.estimators.diagnosis.book import Book
from deltarule.estimators.diagnosis.groups import Group
from deltarule.estimators.diagnosis.subject import LEAST_SKILL, LEAST_WEIGHT, Subject

#: Loss on rows that were not trained on less the training loss, over the naive loss; of the rows
#: that are given two standard errors are taken off, as a few hard ones may be among them, and of
#: the validation curve, whose number of rows is not known, somewhat more is borne …
MOST_GAP = 0.2
MOST_VALIDATION_GAP = 0.3
#: … where it is also this many times the training loss: near 0 a multiple is nothing, and far from
#: it a difference. Healthy fits of small sets lie at up to 0.1, those of the diabetes set with too
#: many units at 0.3 to 1. Why rows apart are needed: Prechelt (1998),
#: https://doi.org/10.1007/3-540-49430-8_3.
MOST_GAP_RATIO = 1.5

FORGET = (
    "Set early_stopping=True, raise alpha by powers of ten, take fewer hidden_layer_sizes, or give "
    "more rows."
)

#: Share of the rows whose output lies beyond the targets' range widened by half of it on each side.
MOST_OUTSIDE = 0.01
WIDENED = 0.5


def check_fit(subject: Subject, book: Book) -> None:
    """All checks of the fit."""
    _underfit(subject, book)
    _overfit(subject, book)
    for group in subject.groups:
        _outputs(subject, book, group)


def _underfit(subject: Subject, book: Book) -> None:
    if not np.isfinite(subject.naive_loss) or subject.naive_loss <= 0:
        book.leave_out("underfit", "the best constant has no loss on these rows")
        return
    if len(subject.groups) > 1 and subject.seen:  # the loss of each in training is not known
        for group in subject.groups:
            _head_underfit(subject, book, group)
    skill = subject.best_skill
    judged = book.below(
        "underfit",
        "share of the best constant's loss that the model explains",
        skill,
        LEAST_SKILL,
        severity="warning" if skill > 0 else "problem",
        says="The model is hardly better than always saying the mean or the most frequent class."
        if skill > 0
        else "The model is no better than always saying the mean or the most frequent class.",
        remedy="Widen hidden_layer_sizes, raise max_iter, lower alpha, and mind the findings "
        "beside this one; where nothing helps, the columns may not tell the target.",
    )
    if judged and subject.penalty is not None:
        _strong_penalty(subject, book)


def _head_underfit(subject: Subject, book: Book, group: Group) -> None:
    """Whether one head of several has learnt nothing, on rows like those of the training."""
    naive = subject.head_naive_loss(group)
    if not (np.isfinite(naive) and naive > 0):
        return
    loss = float(np.average(subject.head_losses(group), weights=subject.weight))
    skill = 1.0 - loss / naive
    better = "hardly better" if skill > 0 else "no better"
    book.below(
        "underfit",
        "share of the best constant's loss that the head explains",
        skill,
        LEAST_SKILL,
        severity="warning" if skill > 0 else "problem",
        says=f"The head is {better} than always saying the mean or the most frequent class.",
        remedy=f"Raise its weight in heads (it is {group.head.weight:g} now), give more rows their "
        "target, widen hidden_layer_sizes; where nothing helps, the columns may not tell it.",
        **group.place,
    )


def _strong_penalty(subject: Subject, book: Book) -> None:
    """What an underfit model's penalty has left of its weights."""
    book.below(
        "strong_penalty",
        "mean |weight| over that at a start",
        subject.weights_left,
        LEAST_WEIGHT,
        severity="warning",
        says="The penalty has drawn the weights to 0, and with them what the model says.",
        remedy=f"Lower alpha, by powers of ten (it is {subject.estimator.alpha!r} now).",
    )


def _overfit(subject: Subject, book: Book) -> None:
    trained, naive = subject.trained_loss, subject.naive_loss
    if not (np.isfinite(trained + naive + subject.data_loss) and naive > 0):
        book.leave_out("overfit", "there are no finite losses to compare")
        return
    seen, best = subject.validation_losses, subject.best_epoch
    if len(seen):
        kept = best is not None and best < len(seen)
        what = "validation loss at the best epoch" if kept else "last validation loss"
        loss = float(seen[best if kept else -1])
        _gap(subject, book, what, loss, loss, MOST_VALIDATION_GAP)
    if book.has("step_too_large"):
        book.leave_out("overfit", "the loss jumps from epoch to epoch: see step_too_large")
        return
    surely = subject.data_loss - 2 * subject.standard_error
    what = "loss on these rows, two standard errors taken off,"
    _gap(subject, book, what, subject.data_loss, surely)
    if len(subject.groups) > 1:
        for group in subject.groups:
            _head_gap(subject, book, group)


def _head_gap(subject: Subject, book: Book, group: Group) -> None:
    """Enter a head that surely overfits: its own loss in training was at most that of all."""
    naive, losses = subject.head_naive_loss(group), subject.head_losses(group)
    if not (np.isfinite(naive) and naive > 0):
        return
    loss = float(np.average(losses, weights=subject.weight))
    surely = loss - 2 * float(losses.std() / np.sqrt(len(losses)))
    trained = subject.trained_loss
    gap = (surely - trained) / naive
    if loss < MOST_GAP_RATIO * trained or gap <= MOST_GAP:
        return  # which says nothing: how far the others made up the training loss is not known
    book.above(
        "overfit",
        "loss of the head on these rows, two standard errors taken off, less the training loss "
        "of all heads, over the head's best constant's",
        gap,
        MOST_GAP,
        severity="warning",
        says=f"All heads together meet the training rows with a loss of {trained:.3g}, this one "
        f"others with {loss:.3g}: it knows its rows by heart.",
        remedy=FORGET,
        **group.place,
    )


def _gap(
    subject: Subject,
    book: Book,
    what: str,
    loss: float,
    surely: float,
    most: float = MOST_GAP,
) -> None:
    """Judge how far a loss, surely at least so large, is above the training loss."""
    trained = subject.trained_loss
    gap = (surely - trained) / subject.naive_loss
    if loss < MOST_GAP_RATIO * trained:
        gap = min(gap, 0.0)
    book.above(
        "overfit",
        f"{what} less the training loss, over the best constant's",
        gap,
        most,
        severity="warning",
        says=f"The training rows are met with a loss of {trained:.3g}, others with {loss:.3g}: "
        "the model knows its rows by heart.",
        remedy=FORGET,
    )


def _outputs(subject: Subject, book: Book, group: Group) -> None:
    if group.code is not None:
        book.leave_out("outputs_out_of_range", "the outputs are classes")
        return
    D, outputs = group.known(subject.D), subject.passed.prediction[:, group.columns]
    if not len(D):
        return
    low, high = D.min(axis=0), D.max(axis=0)
    margin = WIDENED * (high - low)
    outside = (outputs < low - margin) | (outputs > high + margin) | ~np.isfinite(outputs)
    if not (high > low).any():
        book.leave_out("outputs_out_of_range", "the target does not vary")
        return
    shares = outside.mean(axis=0)
    book.above(
        "outputs_out_of_range",
        "share of the rows whose output lies far outside the targets' range",
        float(shares.max()),
        MOST_OUTSIDE,
        severity="warning",
        says="The model says numbers that no target comes near.",
        remedy="Look for rows unlike the training rows; set standardize='both', raise alpha"
        + (", or bound the outputs with output_activation." if group.name is None else "."),
        columns=group.named(np.flatnonzero(shares > MOST_OUTSIDE)),
        **group.place,
    )
