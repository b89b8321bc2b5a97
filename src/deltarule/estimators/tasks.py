"""What the heads of a `MultiTaskMLP` are: the kinds of problems, and each column as one of them.

============  =======================  ============================  ==========================
kind          output columns           losses                        output activation
============  =======================  ============================  ==========================
regression    one                      squared_error (the default),  identity
                                       absolute_error, huber,
                                       quantile, a function
regression    one                      poisson                       exp
binary        one                      log_loss, squared_error       logistic
multiclass    one for each class       log_loss, squared_error       softmax
============  =======================  ============================  ==========================
"""

from __future__ import annotations

from dataclasses import field
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np

from deltarule.activations import ACTIVATIONS
from deltarule.dataclass import dataclass
from deltarule.definitions import (
    Array,
    Definition,
    choose,
    in_range,
    non_negative,
    one_of,
    settle,
)
from deltarule.estimators import class_weights
from deltarule.estimators.target_columns import Column, Form, TargetColumns, narrowed
from deltarule.estimators.targets import ClassCode
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.losses import LOSSES, Function, Loss
from deltarule.network import Head
from deltarule.persistence import decode, encode

KINDS = ("regression", "binary", "multiclass")
#: Whole numbers with at most so many different values are taken as classes.
MOST_CLASSES = 20
_OF_NUMBERS = ("squared_error", "absolute_error", "huber", "quantile", "poisson")
_OF_CLASSES = ("log_loss", "squared_error")


@dataclass(frozen=True)
class Task(Definition):
    """What one column of a target is, for ``heads`` of `MultiTaskMLP`.

    Parameters
    ----------
    kind : {"auto", "regression", "binary", "multiclass"}, default="auto"
        ``"auto"`` is inferred from the column.
    loss : str or Loss, default="auto"
        ``"auto"`` is squared_error for numbers and log_loss for classes. Numbers also take
        absolute_error, huber, quantile (one level), poisson (behind exp) and a
        `deltarule.losses.Function`; classes also squared_error.
    weight : float, default=1.0
        Factor of the head's loss in the sum over the heads, at least 0.
    class_weight : dict of {class: weight}, "balanced" or None, default=None
        Factors of this head's loss of a row by its class, at least 0; a class that is not named
        has 1. ``"balanced"`` is n / (n_classes * count) by the known targets of the fit and their
        sample weights; not for `partial_fit`. Not for a regression.
    label_smoothing : float, default=0.0
        Share of each target that goes to all K classes alike, in [0, 1): training sees
        (1 - label_smoothing) d + label_smoothing / K. Not for a regression.

    Raises
    ------
    InvalidParameterError
        If a word is unknown, a number is out of its range, or a regression is given what is for
        classes.

    Examples
    --------
    >>> import deltarule as dr
    >>> dr.Task("regression", loss="huber", weight=0.5)
    Task(kind='regression', loss=Huber(delta=1.0), weight=0.5)
    >>> dr.Task("binary", class_weight={"no": 1, "yes": 5})
    Task(kind='binary', loss='auto', weight=1.0, class_weight={'no': 1.0, 'yes': 5.0})
    """

    name: ClassVar[str] = "task"
    word: ClassVar[str] = "task"

    kind: str = "auto"
    loss: Any = "auto"
    weight: float = 1.0
    class_weight: Any = field(default=None, kw_only=True)
    label_smoothing: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        one_of(self.kind, "kind", ("auto", *KINDS))
        auto = isinstance(self.loss, str) and self.loss == "auto"
        settle(
            self,
            loss="auto" if auto else choose(self.loss, LOSSES, "loss"),
            weight=non_negative(self.weight, "weight"),
            class_weight=_plain_weights(self.class_weight),
            label_smoothing=in_range(self.label_smoothing, "label_smoothing", 0, 1, "[)"),
        )
        self.check_kind(self.kind, "Task(kind='regression')")

    def __hash__(self) -> int:
        return hash((self.kind, self.loss, self.weight, self.label_smoothing))

    def record(self) -> dict[str, Any]:
        """As of every option; the weights of classes keep the kind of these."""
        record = super().record()
        if "class_weight" in record:
            record["class_weight"] = encode(self.class_weight, "class_weight")
        return record

    def check_kind(self, kind: str, where: str) -> None:
        """Refuse for a regression what is for classes.

        Raises
        ------
        InvalidParameterError
            It calls the head ``where``.
        """
        if kind != "regression":
            return
        for name, none in (("class_weight", None), ("label_smoothing", 0.0)):
            if (given := getattr(self, name)) != none:
                raise InvalidParameterError(
                    f"{name} must be {none!r} for {where}, which has no classes (got {given!r}). "
                    "Leave it out, or give it to a head of classes."
                )


@dataclass(frozen=True, eq=False)
class FittedHead:
    """What a column of the target became.

    Parameters
    ----------
    name : str or int
        Of the column; its number where the target had no names.
    kind : {"regression", "binary", "multiclass"}
    classes : array or None
        Sorted; None for a regression.
    loss : Loss
    weight : float
    missing : int
        Rows of the last fit without a target for this head.
    columns : tuple of int
        The network's outputs of this head, first and one past the last.
    form : Form
        How the column stood in its frame.
    class_weights : tuple of float
        What ``class_weight`` stands for, by the order of the classes; empty without.
    """

    name: Any
    kind: str
    classes: Array | None
    loss: Loss
    weight: float
    missing: int
    columns: tuple[int, int]
    form: Form = Form()
    class_weights: tuple[float, ...] = ()

    def __repr__(self) -> str:
        classes = "" if self.classes is None else f", classes={self.classes.tolist()}"
        return (
            f"FittedHead({self.name!r}, {self.kind!r}{classes}, loss={self.loss.name!r}, "
            f"weight={self.weight:g}, missing={self.missing})"
        )

    @property
    def slice(self) -> slice:
        """The network's outputs of this head."""
        return slice(*self.columns)

    @property
    def activation(self) -> str:
        """The output activation of this head."""
        if self.kind == "regression":
            return "exp" if self.loss.name == "poisson" else "identity"
        return "logistic" if self.kind == "binary" else "softmax"

    @property
    def code(self) -> ClassCode:
        """How the classes stand in the columns."""
        assert self.classes is not None
        return ClassCode(self.classes, False, self.columns[1] - self.columns[0], 0.0, 1.0)

    @property
    def head(self) -> Head:
        """The same for a network, whose last layer is the identity already."""
        name = self.activation
        activation = None if name == "identity" else ACTIVATIONS.table[name]()
        return Head(
            self.columns, self.loss, self.weight, activation, class_weights=self.class_weights
        )

    def encode(self, column: Column, what: str = "y") -> Array:
        """Targets of shape (rows, outputs of the head), NaN where there is none."""
        start, stop = self.columns
        target = np.full((len(column.missing), stop - start), np.nan)
        if self.classes is None:
            _check_numbers(column, what)
            target[~column.missing, 0] = column.known
            return target
        codes = codes_of(column.known, self.classes)
        if (codes < 0).any():
            strange = np.unique(column.known[codes < 0]).tolist()
            raise InvalidParameterError(
                f"column {self.name!r} of {what} must hold the classes {self.classes.tolist()} of "
                f"the first fit only (got also {_few(strange)}). Leave these rows out, make the "
                "cells missing, or fit a clone on all classes."
            )
        target[~column.missing] = self.table[codes]
        return target

    @property
    def table(self) -> Array:
        """The targets of the classes, shape (classes, outputs of the head): 0 and 1."""
        hot: Array = self.code.encode(self.classes, np.float64)
        return hot

    def decode(self, outputs: Array) -> Array:
        """Predictions of shape (rows,) from the network's outputs, in the target's own units."""
        own = outputs[:, self.slice]
        return own[:, 0] if self.classes is None else self.code.decode(own)

    def probabilities(self, outputs: Array) -> Array:
        """The probability of every class, shape (rows, classes)."""
        return self.code.probabilities(outputs[:, self.slice], False)


def _plain_weights(class_weight: Any) -> Any:
    """Weights of classes as they are kept: a dict of its own, with Python's numbers."""
    if isinstance(class_weight, dict) and isinstance(class_weight.get("pairs"), list):
        class_weight = decode(class_weight, "class_weight")  # of a record
    if class_weight is None or (isinstance(class_weight, str) and class_weight == "balanced"):
        return class_weight
    if not isinstance(class_weight, dict):
        raise InvalidParameterError(
            "class_weight must be a dict {class: weight}, 'balanced' or None (got "
            f"{class_weight!r}). Write {{'no': 1, 'yes': 5}}."
        )
    class_weights.check(class_weight, stream=None)
    keys = (key.item() if isinstance(key, np.generic) else key for key in class_weight)
    return dict(zip(keys, map(float, class_weight.values()), strict=True))


def codes_of(known: Array, classes: Array) -> Array:
    """The number of each value's class; −1 for what is none of the classes."""
    if _family(known) != _family(classes):
        return np.full(len(known), -1)
    codes = np.minimum(np.searchsorted(classes, known), len(classes) - 1)
    found: Array = np.where(classes[codes] == known, codes, -1)
    return found


def _family(values: Array) -> str:
    kind: str = values.dtype.kind
    return "number" if kind in "iuf" else kind


def tasks_of(heads: Any, names: tuple[Any, ...]) -> dict[Any, Task]:
    """The task of every column: what ``heads`` says of it, else one to be inferred.

    Raises
    ------
    InvalidParameterError
        If ``heads`` names an unknown column or kind, or no head has a weight.
    """
    given = {} if heads is None else dict(heads)
    for name, value in given.items():
        if name not in names:
            near = get_close_matches(str(name), [str(known) for known in names], n=1)
            kind = "names" if any(isinstance(known, str) for known in names) else "numbers"
            raise InvalidParameterError(
                f"heads must name columns of y, {_few(list(names))} (got {name!r}). "
                + (f"Did you mean {near[0]!r}?" if near else f"Use the {kind} of the columns.")
            )
        if not isinstance(value, Task) and value not in ("auto", *KINDS):
            words = ", ".join(map(repr, KINDS))
            near = get_close_matches(str(value), KINDS, n=1)
            raise InvalidParameterError(
                f"heads[{name!r}] must be one of {words} or a dr.Task (got {value!r}). "
                + (f"Did you mean {near[0]!r}?" if near else "Choose one of these.")
            )
    tasks = {name: given.get(name, "auto") for name in names}
    found = {n: task if isinstance(task, Task) else Task(task) for n, task in tasks.items()}
    if not any(task.weight for task in found.values()):
        raise InvalidParameterError(
            f"heads must leave a head with a weight above 0 (got 0 for {_few(list(names))}). Give "
            "one of them a weight, or leave out the column of no interest."
        )
    return found


def settled_heads(
    target: TargetColumns, heads: Any, announced: dict[Any, Any] | None = None
) -> list[FittedHead]:
    """What each column becomes in a first fit; ``announced`` holds classes that are to come."""
    tasks, found, start = tasks_of(heads, target.names), [], 0
    known = {} if announced is None else announced
    for name in known:
        if name not in target.names:
            raise InvalidParameterError(
                f"classes must name columns of y, {_few(list(target.names))} (got {name!r}). Give "
                "{name: [classes]} for each head of classes."
            )
    for column in target.columns:
        task = tasks[column.name]
        classes = None
        if column.name in known:
            classes = _announced(column, task, known[column.name])
        elif not len(column.known):
            raise InvalidShapeError(
                f"column {column.name!r} of y must have a known value in some row (got "
                f"{len(column.missing)} missing ones). Leave the column out."
            )
        kind = task.kind if task.kind != "auto" else _inferred(column, classes)
        if kind == "regression":
            _check_numbers(column, "y")
        else:
            classes = np.unique(column.known) if classes is None else classes
            _check_count(column.name, kind, classes)
            if announced is not None and column.name not in known:
                raise InvalidParameterError(
                    f"classes must hold all classes of {column.name!r} in the first call of "
                    f"partial_fit (got none for it). Give classes={{{column.name!r}: [...]}}, or "
                    "name it 'regression' in heads."
                )
        width = len(classes) if kind == "multiclass" and classes is not None else 1
        columns = (start, start := start + width)
        form = Form() if kind == "regression" else column.form
        classes = None if kind == "regression" else classes
        loss = _loss_of(column.name, kind, task.loss)
        task.check_kind(kind, f"the regression head {column.name!r}")
        missing = int(column.missing.sum())
        head = FittedHead(column.name, kind, classes, loss, task.weight, missing, columns, form)
        found.append(_replaced(head, class_weights=_known_weights(head, task)))
    return found


def renewed_heads(known: list[FittedHead], heads: Any, target: TargetColumns) -> list[FittedHead]:
    """The heads of an earlier fit for the rows of another: losses and weights as they are now.

    Raises
    ------
    InvalidShapeError, InvalidParameterError
        If the columns or their kinds are others.
    """
    check_names(known, target)
    renewed = with_settings(known, heads)
    columns = zip(renewed, target.columns, strict=True)
    return [_replaced(head, missing=int(column.missing.sum())) for head, column in columns]


def with_settings(known: list[FittedHead], heads: Any) -> list[FittedHead]:
    """Fitted heads with the losses and weights that the parameter says now."""
    tasks, found = tasks_of(heads, tuple(head.name for head in known)), []
    for head in known:
        task = tasks[head.name]
        if task.kind not in ("auto", head.kind):
            raise InvalidParameterError(
                f"heads[{head.name!r}] must stay {head.kind!r} between fits with warm_start or "
                f"partial_fit (got {task.kind!r}). Set it back, or fit a clone."
            )
        loss = _loss_of(head.name, head.kind, task.loss)
        task.check_kind(head.kind, f"the regression head {head.name!r}")
        weights = _known_weights(head, task)
        found.append(_replaced(head, loss=loss, weight=task.weight, class_weights=weights))
    return found


def _known_weights(head: FittedHead, task: Task) -> tuple[float, ...]:
    """The weights of the classes as far as no rows are needed to know them."""
    if task.class_weight is None:
        return ()
    if task.class_weight == "balanced":
        return head.class_weights  # those of the last fit
    assert head.classes is not None
    none, name = np.zeros(0, dtype=int), _weights_name(head)
    return tuple(
        class_weights.of_classes(task.class_weight, head.classes, none, None, name).tolist()
    )


def _weights_name(head: FittedHead) -> str:
    return f"heads[{head.name!r}].class_weight"


def weighted_heads(
    known: list[FittedHead],
    heads: Any,
    target: TargetColumns,
    sample_weight: Array | None,
    *,
    incremental: bool,
) -> list[FittedHead]:
    """Fitted heads with the weights of their classes for these rows.

    Raises
    ------
    InvalidParameterError
        If all known targets of a head have the weight 0.
    """
    tasks, found = tasks_of(heads, tuple(head.name for head in known)), []
    for head, column in zip(known, target.columns, strict=True):
        task = tasks[head.name]
        if task.class_weight is None or head.classes is None:
            found.append(head)
            continue
        index = codes_of(column.known, head.classes)
        share = None if sample_weight is None else sample_weight[~column.missing]
        each = np.array(head.class_weights)
        if task.class_weight == "balanced":
            each = class_weights.of_classes("balanced", head.classes, index, share)
        if not (incremental or each[index].any()):
            raise InvalidParameterError(
                f"{_weights_name(head)} must leave a row with a weight above 0 (got "
                f"{task.class_weight!r}, which makes them all 0). Give a class of these rows a "
                "weight above 0."
            )
        found.append(_replaced(head, class_weights=tuple(each.tolist())))
    return found


def check_calibrated(known: list[FittedHead]) -> None:
    """Refuse heads that have no probabilities to calibrate.

    Raises
    ------
    InvalidParameterError
        If no head is one of classes, or one has another loss than log_loss.
    """
    classes = [head for head in known if head.classes is not None]
    if not classes:
        raise InvalidParameterError(
            f"calibrate=True needs a head of classes (got {_few([h.name for h in known])}, all "
            "regressions). Set calibrate=False."
        )
    for head in classes:
        if head.loss.name != "log_loss":
            raise InvalidParameterError(
                f"calibrate=True needs loss='log_loss', whose outputs are probabilities (got loss "
                f"{head.loss.name!r} of the head {head.name!r}). Set calibrate=False, or take that "
                "loss."
            )


def check_streamed(heads: Any, *, stream: str | None) -> None:
    """Refuse weights of classes that a stream cannot have, before any work."""
    for name, task in ({} if heads is None else heads).items():
        if isinstance(task, Task) and task.class_weight is not None:
            where = f"heads[{name!r}].class_weight"
            class_weights.check(task.class_weight, stream=stream, name=where)


def with_losses(known: list[FittedHead], heads: tuple[Head, ...]) -> list[FittedHead]:
    """Fitted heads with the losses and all weights of a network's heads."""
    pairs = zip(known, heads, strict=True)
    return [
        _replaced(head, loss=own.loss, weight=own.weight, class_weights=own.class_weights)
        for head, own in pairs
    ]


def check_names(known: list[FittedHead], target: TargetColumns, what: str = "y") -> None:
    """Refuse a target of other columns than the fitted ones."""
    names = tuple(head.name for head in known)
    if target.names != names:
        raise InvalidShapeError(
            f"{what} must have the columns {_few(list(names))} of the first fit, in their order "
            f"(got {_few(list(target.names))}). Give these columns; missing targets may be NaN."
        )


def check_announced(known: list[FittedHead], classes: dict[Any, Any]) -> None:
    """Refuse classes in a later call of `partial_fit` that are others than the first ones."""
    by_name = {head.name: head for head in known}
    for name, given in classes.items():
        head = by_name.get(name)
        found = narrowed(list(given))
        own = None if head is None or head.classes is None else head.classes
        if own is None or found is None or not np.array_equal(np.unique(found), own):
            had = "no classes" if own is None else f"the classes {own.tolist()}"
            raise InvalidParameterError(
                f"classes[{name!r}] must be as in the first call of partial_fit, {had} (got "
                f"{given!r}). Leave classes out, or fit a clone."
            )


def _replaced(head: FittedHead, **changes: Any) -> FittedHead:
    values = {name: getattr(head, name) for name in head.__dataclass_fields__}
    return FittedHead(**{**values, **changes})


def _inferred(column: Column, classes: Array | None) -> str:
    if classes is not None:
        return "binary" if len(classes) == 2 else "multiclass"
    values = np.unique(column.known)
    if column.categorical or column.group != "numbers":
        return "binary" if len(values) == 2 else "multiclass"
    if len(values) == 2:
        return "binary"
    whole = bool((values == np.round(values)).all())
    return "multiclass" if whole and len(values) <= MOST_CLASSES else "regression"


def _announced(column: Column, task: Task, classes: Any) -> Array:
    name, found = column.name, narrowed(list(classes))
    if task.kind == "regression":
        raise InvalidParameterError(
            f"classes must name heads of classes (got {name!r}, which heads has as "
            "'regression'). Leave it out."
        )
    if found is None or not len(found):
        raise InvalidParameterError(
            f"classes[{name!r}] must hold numbers, texts or booleans, of one kind (got "
            f"{classes!r}). Give all classes of the column."
        )
    return np.unique(found)


def _check_count(name: Any, kind: str, classes: Array) -> None:
    if len(classes) == 1:
        raise InvalidParameterError(
            f"column {name!r} of y must hold at least two classes (got one class, "
            f"{_few(classes.tolist())}). Leave the column out, announce its classes to "
            "partial_fit, or name it 'regression' in heads where it holds numbers."
        )
    if kind == "binary" and len(classes) != 2:
        raise InvalidParameterError(
            f"column {name!r} of y must hold two classes for a 'binary' head (got "
            f"{len(classes)}: {_few(classes.tolist())}). Name it 'multiclass' in heads."
        )


def _check_numbers(column: Column, what: str) -> None:
    if column.categorical or (column.group != "numbers" and len(column.known)):
        got = "categories" if column.categorical else column.group
        shown = f", {column.known[0].item()!r} in row {column.row(0)}" if len(column.known) else ""
        raise InvalidParameterError(
            f"column {column.name!r} of {what} must hold numbers for a 'regression' head (got "
            f"{got}{shown}). Convert it to numbers, or name it 'multiclass' or 'binary' in heads."
        )


def _loss_of(name: Any, kind: str, loss: Any) -> Loss:
    """The loss of a head, refused where it makes no sense for its kind."""
    numbers = kind == "regression"
    if isinstance(loss, str):
        return LOSSES.table["squared_error" if numbers else "log_loss"]()
    found: Loss = loss
    words = _OF_NUMBERS if numbers else _OF_CLASSES
    fits = found.name in words and not isinstance(found, Function)
    if not fits and not (numbers and isinstance(found, Function)):
        listed = ", ".join(map(repr, words))
        function = " or a losses.Function" if numbers else ""
        raise InvalidParameterError(
            f"the loss of the {kind} head {name!r} must be one of {listed}{function} (got "
            f"{found.name!r}). Choose one of these, or leave it 'auto'."
        )
    if len(found.parameters) > 1:
        raise InvalidParameterError(
            f"the loss of the {kind} head {name!r} must have one quantile (got {found!r}). Give "
            "one level, for example Quantile(0.9)."
        )
    return found


def _few(values: list[Any], most: int = 10) -> str:
    shown = ", ".join(map(repr, values[:most]))
    return f"{shown}, … {len(values)} in all" if len(values) > most else shown
