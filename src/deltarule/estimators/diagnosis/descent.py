"""Checks of the way down: the step size, the number of epochs, and where the training stands."""

from __future__ import annotations

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators.diagnosis.book import Book
from deltarule.estimators.diagnosis.subject import LEAST_SKILL, LEAST_WEIGHT, Subject
from deltarule.functional import gradient
from deltarule.layers import Dropout
from deltarule.measures import flat_shares, has_steps, kind_of
from deltarule.optimizers import Momentum, Nesterov, Optimizer
from deltarule.stopping import StopReason

#: Epochs at the end of the loss curve that are looked at, at most half of it.
LAST_EPOCHS = 50

#: Mean rise of the loss from one epoch to the next, falls counted as 0, over the loss. Sampling
#: alone makes 1 to 3 % where few rows fit in a batch; a step too large for the curvature, 7 % and
#: more. To each loss LOSS_FLOOR of the naive one is added, as what rises near 0 has no weight.
MOST_ROUGH = 0.05
#: The last loss over the least, with the same addition.
MOST_RISEN = 2.0
LOSS_FLOOR = 0.01

#: Step size times curvature over the bound from which on descent on a parabola grows: 2 without
#: momentum, 2 (1 + β) with the classical one, 2 (1 + β) / (1 + 2 β) with Nesterov's: Cohen et al.
#: (2021), https://arxiv.org/abs/2103.00065, who also find that trainings in good health go up to
#: the bound and hover there; hence twice.
MOST_STEP = 2.0

#: Step size (over 1 − β with momentum) times curvature: below it the stiffest direction alone
#: takes more than 20 steps to go down by a factor e, and the others take as many times longer as
#: they are flatter.
LEAST_STEP = 0.05
#: ‖update‖ / ‖weight‖ of optimisers that scale by themselves (Adam): ten times below the rule of
#: thumb 1e-3 of https://cs231n.github.io/neural-networks-3/#ratio.
LEAST_UPDATE = 1e-4
#: A gradient that is still this share of the one at a start is not what slows a training down.
STILL_LARGE = 0.1

#: Fall of the loss in the last tenth of the epochs, over the loss with SETTLED_FLOOR of the naive
#: one added, that shows that more epochs would have brought more.
MOST_FALL = 0.02
SETTLED_FLOOR = 0.05

#: A training that explains so much (`Subject.best_skill`) had time enough, whatever the slope.
MIDDLING_SKILL = 0.5
#: Share of the last quarter of the epochs in which the loss fell: it goes down, not about.
STEADY = 0.9

#: ‖∇J‖ over that at a start, below which a training stands still.
LEAST_GRADIENT = 0.02
#: Second derivative over that at a start: nearer to 0 than this the objective is flat.
FLAT_CURVATURE = 1e-3
#: A network with more parameters than target numbers can meet nearly all of them; one that stands
#: still below this skill (`Subject.skill`) stands in the wrong place.
STUCK_SKILL = 0.9

#: Of rows that were held back the slope says nothing about the training.
NOT_SEEN = "these seem to be no training rows: their loss is larger than that of the training"

#: The losses of partial_fit are of other rows each time.
STREAMED = "the losses are those of the parts of a stream"

#: Ends after which a training might have gone on.
CUT_SHORT = (
    StopReason.MAX_EPOCHS,
    StopReason.INTERRUPTED,
    StopReason.TIME,
    StopReason.OBSERVER,
    StopReason.SOLVER,
)


def check_descent(subject: Subject, book: Book) -> None:
    """All checks of the way down."""
    losses = subject.losses
    book.above(
        "non_finite_loss",
        "epochs whose loss was NaN or infinite",
        int((~np.isfinite(losses)).sum()) + (_reason(subject) is StopReason.NON_FINITE),
        0,
        severity="problem",
        says=f"{StopReason.NON_FINITE.value.partition('.')[0]}.",
        remedy="Lower learning_rate_init, or set standardize='inputs'; then fit anew.",
    )
    bend, wild = _bend(subject), False
    if subject.optimizer.name == "lbfgs":
        book.leave_out("step_too_large", "lbfgs takes no steps of a size")
    elif subject.streamed:
        book.leave_out("step_too_large", STREAMED)
    elif any(isinstance(layer, Dropout) for layer in subject.network.layers):
        book.leave_out("step_too_large", "units that drop out make the loss go up and down")
    else:
        wild = _check_curve(subject, book, losses[np.isfinite(losses)])
    if bend is None:
        wild |= _check_large_step(subject, book)
    slow = not wild and _check_small_step(subject, book)
    if subject.streamed:
        book.leave_out("too_few_epochs", STREAMED)
    else:
        _check_epochs(subject, book, losses, slow)
    _check_place(subject, book, bend)


def _reason(subject: Subject) -> StopReason:
    reason: StopReason = subject.estimator.stop_reason_
    return reason


def _bend(subject: Subject) -> str | None:
    """Why the objective has no curvature to measure; None where it has."""
    for head in subject.network.heads:
        if head.weight and has_steps(head.loss):
            return f"the slope of the loss {head.loss.name!r} jumps"
    if any(activation.name == "sign" for activation in subject.network.activations):
        return "'sign' learns by a rule of its own, not by a slope"
    if not np.isfinite(subject.slope_left + subject.here.highest + subject.start.highest):
        return "the objective is not finite"
    return None


# ---------------------------------------------------------------- the step size


def _check_curve(subject: Subject, book: Book, losses: Array) -> bool:
    """Whether the loss oscillates or has risen."""
    if len(losses) < 4:
        book.leave_out("step_too_large", "there are fewer than four epochs of losses")
        return False
    last = losses[-min(LAST_EPOCHS, len(losses) // 2) :]
    floor = LOSS_FLOOR * subject.naive_loss
    with np.errstate(all="ignore"):
        rough = np.maximum(np.diff(last), 0).mean() / (np.median(last) + floor)
        risen = (losses[-1] + floor) / (losses.min() + floor)
    remedy = (
        "Lower learning_rate_init to a third, or let learning_rate=dr.Adaptive() or dr.Cosine() "
        "do it."
    )
    found = book.above(
        "step_too_large",
        f"mean rise of the loss per epoch over the last {len(last)} epochs, over the loss",
        float(rough),
        MOST_ROUGH,
        severity="warning",
        says="The loss goes up and down from epoch to epoch: steps jump over the valley.",
        remedy=remedy,
    )
    return (
        book.above(
            "step_too_large",
            "last training loss over the least",
            float(risen),
            MOST_RISEN,
            severity="warning",
            says="The loss was lower before: the last epochs have undone what was learnt.",
            remedy=f"{remedy} early_stopping=True keeps the best.",
        )
        or found
    )


def _check_large_step(subject: Subject, book: Book) -> bool:
    source = subject.source
    if isinstance(source, str) or not source.optimizer.linear:
        return False
    return book.above(
        "step_too_large",
        "step size times largest curvature, over the bound of stability",
        source.rate * subject.here.highest / _bound(source.optimizer),
        MOST_STEP,
        severity="warning",
        says=f"With the step size {source.rate:.3g} and a second derivative of "
        f"{subject.here.highest:.3g}, a step over all rows would climb, not descend.",
        remedy=f"Lower learning_rate_init, below {_bound(source.optimizer):.3g} / curvature, or "
        "standardize='inputs' to lower the curvature.",
    )


def _bound(optimizer: Optimizer) -> float:
    beta = _momentum(optimizer)
    return 2 * (1 + beta) / (1 + 2 * beta if isinstance(optimizer, Nesterov) else 1.0)


def _momentum(optimizer: Optimizer) -> float:
    return optimizer.momentum if isinstance(optimizer, Momentum | Nesterov) else 0.0


def _check_small_step(subject: Subject, book: Book) -> bool:
    """Whether steps are so small that the training crawls; only where there is far to go."""
    source = subject.source
    if isinstance(source, str):
        book.leave_out("step_too_small", source)
        return False
    reason = None
    if not subject.seen:
        reason = NOT_SEEN
    elif subject.decays:
        reason = "the schedule makes the step size small by plan"
    elif subject.slope_left < STILL_LARGE or subject.skill >= STUCK_SKILL:
        reason = "there is not far to go: the slope or the loss is small"
    if reason is not None:
        book.leave_out("step_too_small", reason)
        return False
    says = "The slope is as steep as near the start, yet steps are so small that the loss creeps."
    remedy = "Raise learning_rate_init, three to ten times at once."
    if not source.optimizer.linear:
        ratios = [ratio for ratio in subject.update_ratios if ratio is not None]
        if not any(ratios):
            book.leave_out("step_too_small", "no step moves a weight, whatever its size")
            return False
        return book.below(
            "step_too_small",
            "‖update‖ / ‖weight‖ of a step, the largest of all layers",
            max(ratios),
            LEAST_UPDATE,
            severity="warning",
            says=says,
            remedy=remedy,
        )
    if _bend(subject) is not None:
        book.leave_out("step_too_small", "there is no curvature to compare the step size with")
        return False
    # Weights that saturate or lie still have little curvature; the start's own counts too.
    highest = max(subject.here.highest, abs(subject.start.along))
    return book.below(
        "step_too_small",
        "step size, momentum counted, times largest curvature",
        source.rate / max(1 - _momentum(source.optimizer), 1e-3) * highest,
        LEAST_STEP,
        severity="warning",
        says=says,
        remedy=remedy,
    )


# ---------------------------------------------------------------- the end


def _check_epochs(subject: Subject, book: Book, losses: Array, slow: bool) -> None:
    reason = _reason(subject)
    tenth = max(1, len(losses) // 10)
    if slow:
        book.leave_out("too_few_epochs", "the step size is too small: see step_too_small")
        return
    short = len(losses) < 4 or not np.isfinite(losses[-tenth - 1 :]).all()
    if reason in CUT_SHORT and not short:
        floor = SETTLED_FLOOR * subject.naive_loss
        book.above(
            "too_few_epochs",
            f"fall of the loss in the last {tenth} of {len(losses)} epochs, over the loss",
            float((losses[-tenth - 1] - losses[-1]) / (losses[-1] + floor)),
            MOST_FALL,
            severity="warning",
            says=f"{_what(reason)}. The loss was still falling.",
            remedy="Raise max_iter (and max_fun with lbfgs), or go on from here with "
            "warm_start=True.",
        )
    good, remedy = LEAST_SKILL, "Raise n_iter_no_change (patience), lower tol (min_delta)"
    if reason in CUT_SHORT:
        good, remedy = MIDDLING_SKILL, "Raise max_iter, which stretches a schedule too"
    steady = short or (np.diff(losses[-max(4, len(losses) // 4) :]) < 0).mean() >= STEADY
    down = subject.best_skill >= good or not (subject.decays or steady)
    if down or not subject.seen or _bend(subject) is not None:
        if short:
            book.leave_out("too_few_epochs", "there are fewer than four epochs of losses")
        elif reason not in CUT_SHORT:
            book.leave_out("too_few_epochs", f"a rule ended the training: {_what(reason).lower()}")
        return
    # Small steps, by a schedule or from the first on, flatten the curve wherever it stands.
    book.above(
        "too_few_epochs",
        "‖gradient of the objective‖ over that at a start, where the training ended",
        subject.slope_left,
        STILL_LARGE,
        severity="warning",
        says=f"{_what(reason)}. The loss had far to fall: its slope is still much of "
        "what it is at a start.",
        remedy=f"{remedy}, or raise learning_rate_init.",
    )


def _what(reason: StopReason) -> str:
    """What ended a training, without the remedy."""
    return reason.value.partition(". ")[0]


def _check_place(subject: Subject, book: Book, bend: str | None) -> None:
    """Whether the training stands still where it should not, and in what kind of place."""
    codes = ("local_minimum", "plateau", "saddle")
    reason = _no_place(subject, bend)
    if reason is not None:
        for code in codes:
            book.leave_out(code, reason)
        return
    here, start = subject.here, subject.start
    still = subject.slope_left
    bent = here.lowest / abs(start.along), here.along / abs(start.along)
    if still >= LEAST_GRADIENT:
        book.below(
            "local_minimum",
            "‖gradient of the objective‖ over that at a start",
            still,
            LEAST_GRADIENT,
            severity="fine",
        )
        return
    place = (
        f"The slope is {still:.1e} of that at a start, and the loss explains only "
        f"{subject.skill:.0%} of what the best constant leaves."
    )
    restart = "set n_init=10 to keep the best of ten starts"
    if bent[0] < -FLAT_CURVATURE:
        code, severity = "saddle", "warning"
        says = f"{place} There is a way down: the objective is a saddle here, or the top of a ridge"
        remedy = (
            f"Lower tol or raise n_iter_no_change, with a larger learning_rate_init; or {restart}."
        )
    elif abs(bent[1]) < FLAT_CURVATURE:
        code, severity = "plateau", "warning"
        says = f"{place} The objective is flat here"
        remedy = (
            "Raise learning_rate_init and n_iter_no_change (or lower tol) to cross the plateau; "
            f"where that does not help, {restart}."
        )
    else:
        code, severity = "local_minimum", "warning"
        says = (
            f"{place} The objective bends upwards: this is a local minimum, where steps lead back"
        )
        remedy = f"More epochs do not help: {restart}, or widen hidden_layer_sizes."
    book.below(
        code,
        "‖gradient of the objective‖ over that at a start",
        still,
        LEAST_GRADIENT,
        severity=severity,
        says=f"{says} (second derivative along the slope {bent[1]:.1e} of the start's, the lowest "
        f"one met {bent[0]:.1e}).",
        remedy=remedy,
    )


def _no_place(subject: Subject, bend: str | None) -> str | None:
    """Why the place cannot be wrong, or is not to be judged; None where it is."""
    if bend is not None:
        return bend
    if not np.isfinite(subject.skill):
        return "the target does not vary"
    if not subject.seen:
        return NOT_SEEN
    if subject.skill >= STUCK_SKILL:
        return f"the loss explains {subject.skill:.0%}: the place is good"
    few = subject.network.size < subject.rows * subject.network.n_outputs
    if few and subject.skill >= LEAST_SKILL:
        return (
            "there are fewer parameters than target numbers: a place of small slope may be the "
            "best there is"
        )
    if not (subject.start.gradient_norm > 0 and subject.start.along):
        return "a start as the initializer draws it has no slope either"
    if any(_all_flat(subject)):
        return "a whole layer is dead: see dead_units"
    scale = LEAST_GRADIENT * subject.start.gradient_norm
    if subject.penalty is not None and subject.here.gradient_norm < scale:
        # Where the penalty holds the weights, the losses alone still have a slope, or the weights
        # are gone.
        alone = gradient(subject.network, subject.parameters, subject.X, subject.D, subject.weight)
        drawn = subject.weights_left < LEAST_WEIGHT and subject.skill < LEAST_SKILL
        if drawn or float(np.linalg.norm(alone.vector)) >= scale:
            return "the penalty alpha holds the weights against the slope of the losses"
    return None


def _all_flat(subject: Subject) -> list[bool]:
    """Of each rectifying layer below the last, whether all its units are dead."""
    return [
        bool((flat_shares(layer.activation, z) == 1).all())
        for layer, z in zip(
            subject.network.layers[:-1], subject.passed.pre_activations, strict=False
        )
        if kind_of(layer.activation) == "rectifying"
    ]
