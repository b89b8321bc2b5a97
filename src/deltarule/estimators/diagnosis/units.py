"""Checks of the units and layers: what is dead, saturated or alike, and how deltas pass.

A layer's number in a finding is that of its weights among the layers that have some, as in
``coefs_``: a normalisation or dropout belongs to the layer whose units it changes.
"""

from __future__ import annotations

import numpy as np

from deltarule.estimators.diagnosis.book import Book
from deltarule.estimators.diagnosis.subject import Subject
from deltarule.measures import (
    FLAT,
    delta_norms,
    flat_shares,
    kind_of,
    same_units,
    stuck_outputs,
)

#: A sound unit is idle on each row with a probability of about ½, on four rows with 6 %.
LEAST_ROWS = 4

#: Share of a layer's units that are never active. Some die in every training and cost nothing but
#: width; from here on the layer is much narrower than was asked for. Lu, Shin, Su, Karniadakis
#: (2020), https://doi.org/10.4208/cicp.OA-2020-0165.
MOST_DEAD = 0.4

#: A fit of at least this skill (`Subject.skill`) does not suffer from dead or saturated units.
GOOD_SKILL = 0.9

#: A unit is saturated that is flat (`deltarule.measures.FLAT`) on this share of the rows …
MOST_FLAT_ROWS = 0.9
#: … and a layer suffers from this share of such units on: Glorot and Bengio (2010), §3,
#: https://proceedings.mlr.press/v9/glorot10a.html. A hidden sign unit is made to be flat (its
#: derivative is 1 within |z| ≤ 1 only), so most of its units must be so.
MOST_SATURATED = 0.3
MOST_SATURATED_SIGN = 0.9

#: Share of the rows whose output is flat and more than half of its range from the target.
MOST_STUCK = 0.1

#: ‖δ‖ of the first layer over that of the last. Adam's epsilon and the rounding of float32 are far
#: below, but a step size for one end is useless for the other: Hochreiter (1998),
#: https://doi.org/10.1142/S0218488598000094; Pascanu, Mikolov, Bengio (2013),
#: https://proceedings.mlr.press/v28/pascanu13.html.
LEAST_DELTA_RATIO = 1e-3
MOST_DELTA_RATIO = 1e3

#: ‖update‖ / ‖weight‖ of one step; near 1e-3 is the rule of thumb of
#: https://cs231n.github.io/neural-networks-3/#ratio. A hundred times that forgets within ten steps
#: what was learnt before.
MOST_UPDATE = 0.1


def check_units(subject: Subject, book: Book) -> None:
    """All checks of units and layers."""
    vector = subject.parameters.vector
    book.above(
        "non_finite_weights",
        "weights and outputs that are NaN or infinite",
        int((~np.isfinite(vector)).sum() + (~np.isfinite(subject.passed.prediction)).sum()),
        0,
        severity="problem",
        says="The model computes no numbers.",
        remedy="Lower learning_rate_init, set standardize='inputs', and fit anew.",
    )
    _alike(subject, book)
    kinds = {
        index: kind_of(layer.activation) for index, layer in enumerate(subject.network.layers[:-1])
    }
    if subject.sample < LEAST_ROWS:
        reason = f"on fewer than {LEAST_ROWS} rows a unit may be idle by chance"
        for code in ("dead_units", "saturated_units"):
            book.leave_out(code, reason)
        kinds = {}
    for index, kind in kinds.items():
        if kind == "rectifying":
            _dead(subject, book, index)
        elif kind == "saturating":
            _saturated(subject, book, index)
    _stuck(subject, book)
    _deltas(subject, book)
    _updates(subject, book)


def _alike(subject: Subject, book: Book) -> None:
    for index in same_units(subject.network, subject.parameters):
        book.above(
            "same_units",
            "units with the same numbers",
            subject.network.layers[index].units,
            1,
            severity="problem",
            says="All units of the layer compute the same, and equal deltas keep them so: the "
            "layer is one unit wide.",
            remedy="Set initializer='auto', or another that draws the weights at random.",
            layer=subject.network.position(index),
        )


def _dead(subject: Subject, book: Book, index: int) -> None:
    layer = subject.network.layers[index]
    shares = flat_shares(layer.activation, subject.passed.pre_activations[index])
    dead = np.flatnonzero(shares == 1)
    every = len(dead) == layer.units
    book.above(
        "dead_units",
        f"share of {layer.activation.name} units that are active on no row",
        len(dead) / layer.units,
        MOST_DEAD,
        severity="problem" if every else _severity(subject),
        says="Nothing passes through the layer, and no delta comes back: its weights and those "
        "below are never changed again."
        if every
        else "These units are 0 for all rows and have no slope: their weights do not change any "
        "more.",
        remedy="Lower learning_rate_init and fit anew, scale the inputs with "
        "standardize='inputs', or set activation='leaky_relu'.",
        layer=subject.network.position(index),
        units=tuple(int(unit) for unit in dead),
    )


def _severity(subject: Subject) -> str:
    return "note" if subject.skill >= GOOD_SKILL else "warning"


def _saturated(subject: Subject, book: Book, index: int) -> None:
    layer = subject.network.layers[index]
    shares = flat_shares(layer.activation, subject.passed.pre_activations[index])
    flat = np.flatnonzero(shares >= MOST_FLAT_ROWS)
    most = MOST_SATURATED_SIGN if layer.activation.name == "sign" else MOST_SATURATED
    book.above(
        "saturated_units",
        f"share of {layer.activation.name} units that are flat on {MOST_FLAT_ROWS:.0%} of the rows",
        len(flat) / layer.units,
        most,
        severity=_severity(subject),
        says=f"A unit whose slope is below {FLAT:g} of the largest passes hardly any delta: what "
        "it computes is as good as fixed.",
        remedy="Scale the inputs with standardize='inputs', raise alpha to keep weights small, "
        "lower learning_rate_init, or set activation='relu'; then fit anew.",
        layer=subject.network.position(index),
        units=tuple(int(unit) for unit in flat),
    )


def _stuck(subject: Subject, book: Book) -> None:
    shares = stuck_outputs(subject.network, subject.passed, subject.D)
    if shares is None:
        return
    worst = int(np.nanargmax(shares))
    group = next(group for group in subject.groups if worst < group.columns.stop)
    loss, activation = group.head.loss.name, group.activation.name
    remedy = (
        "Set loss='log_loss' for classes or output_activation='identity' for numbers, whose "
        "deltas are d̂ - d; or lower learning_rate_init and fit anew."
    )
    if group.name is not None:
        remedy = "Leave its loss at log_loss in heads; or lower learning_rate_init and fit anew."
    book.above(
        "saturated_outputs",
        "largest share of rows whose output is flat and on the wrong side",
        float(shares[worst]),
        MOST_STUCK,
        severity="warning",
        says=f"Behind {loss!r} a saturated {activation!r} output has no slope left to correct it.",
        remedy=remedy,
        layer=len(subject.network.weighted) - 1,
        units=tuple(int(unit) for unit in np.flatnonzero(shares > MOST_STUCK)),
        **group.place,
    )


def _deltas(subject: Subject, book: Book) -> None:
    every = delta_norms(subject.network, subject.parameters, subject.passed, subject.D)
    norms = [every[index] for index in subject.network.weighted]
    reason = None
    if len(norms) < 3:
        reason = "there are fewer than two hidden layers"
    elif norms[-1] == 0:
        reason = "the model fits these rows exactly: there are no deltas"
    if reason is not None:
        book.leave_out("vanishing_deltas", reason)
        book.leave_out("exploding_deltas", reason)
        return
    ratio = norms[0] / norms[-1]
    quantity = "‖δ‖ of the first layer over that of the last"
    chain = " → ".join(f"{norm:.1e}" for norm in reversed(norms))
    book.below(
        "vanishing_deltas",
        quantity,
        ratio,
        LEAST_DELTA_RATIO,
        severity="problem" if ratio == 0 else "warning",
        says=f"The deltas vanish on their way down ({chain}): the first layers learn nothing.",
        remedy="Set activation='relu' (or 'selu'), use fewer hidden_layer_sizes, and scale the "
        "inputs with standardize='inputs'.",
        layer=0,
    )
    book.above(
        "exploding_deltas",
        quantity,
        ratio,
        MOST_DELTA_RATIO,
        severity="warning",
        says=f"The deltas grow on their way down ({chain}): a step that suits the last layer "
        "throws the first.",
        remedy="Set initializer='auto', use fewer hidden_layer_sizes, raise alpha to keep weights "
        "small, and lower learning_rate_init.",
        layer=0,
    )


def _updates(subject: Subject, book: Book) -> None:
    source = subject.source
    if isinstance(source, str):
        book.leave_out("large_updates", source)
        return
    for index, ratio in enumerate(subject.update_ratios):
        if ratio is None:
            continue
        book.above(
            "large_updates",
            "‖update‖ / ‖weight‖ of a step",
            ratio,
            MOST_UPDATE,
            severity="warning",
            says=f"One step with the step size {source.rate:.3g} changes the layer's weights by a "
            "large part of themselves.",
            remedy="Lower learning_rate_init.",
            layer=subject.network.position(index),
        )
