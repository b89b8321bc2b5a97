"""`TabularClassifier` and `TabularRegressor` in safe model files: the ``tabular`` section.

The networks of an ensemble stand in a file one behind the other, the linear model last: the first
as the parameters of its `Model`, the rest as its ``others``. All else of a fitted estimator is a
plain record. A loaded estimator predicts the same bits as the saved one, on the same machine and
release.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from deltarule.activations import ACTIVATIONS
from deltarule.definitions import Array, choose
from deltarule.estimators.class_records import classes_record, code_from_record
from deltarule.estimators.files import register, versions
from deltarule.estimators.fitted_records import (
    features_record,
    number_or_nan,
    set_features,
    settings_record,
    standardizer_from_record,
    standardizer_record,
    unfitted,
    with_gaps,
)
from deltarule.estimators.quantiles import levels_of
from deltarule.exceptions import DeltaruleError, InvalidParameterError, ModelFileError
from deltarule.layers import Dense
from deltarule.losses import LOSSES
from deltarule.network import Head, Network, Parameters
from deltarule.persistence import Fields, Model, wrong
from deltarule.plans import History
from deltarule.tables.base_tabular import BaseTabular
from deltarule.tables.classifier import TabularClassifier
from deltarule.tables.columns import ColumnPlan
from deltarule.tables.recipe import Recipe
from deltarule.tables.regressor import PLAIN_LOSSES, TabularRegressor

#: The classes taken from here are known to `dr.save` and `dr.load`.
__all__ = [
    "TabularClassifier",
    "TabularRegressor",
    "from_model",
    "networks_of",
    "tabular_from_record",
    "tabular_record",
    "to_model",
]

_CLASSES: dict[str, type[BaseTabular]] = {
    "TabularClassifier": TabularClassifier,
    "TabularRegressor": TabularRegressor,
}
_FIELDS = (
    "kind",
    "settings",
    "features",
    "columns",
    "recipe",
    "engine",
    "dropped_rows",
    "histories",
    "held",
)
_OWN_FIELDS: dict[str, tuple[str, ...]] = {
    "TabularClassifier": ("classes", "factors"),
    "TabularRegressor": ("target", "shares", "offsets"),
}
#: What the rows that were held back said, each an attribute ``held_…_``.
_HELD: dict[str, tuple[str, ...]] = {
    "TabularClassifier": ("log_loss", "score"),
    "TabularRegressor": ("score",),
}
_TARGET = ("standardizer", "low", "high", "single")
#: Without the seconds: the same seed makes the same file.
_CURVES = ("loss", "validation_loss", "validation_score")
_MOST_ROWS, _MOST_UNITS = 2**40, 2**31


# ------------------------------------------------------------ an estimator as a record


def to_model(estimator: Any) -> Model:
    """What stands in the model file of a fitted tabular estimator.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    InvalidParameterError
        If a setting can stand in no file, or is no longer that of the fit.
    """
    record = tabular_record(estimator)
    first, *others = networks_of(estimator)
    _check_members(estimator)
    sections = {"tabular": record}
    return Model(first, record["kind"], sections, versions(), others=tuple(others))


def _check_members(estimator: Any) -> None:
    first = estimator.members_[0].network
    for index, member in enumerate(estimator.members_):
        if member.network != first:
            raise InvalidParameterError(
                f"members_ must be of one architecture to be saved (got another one at {index}). "
                "Fit again."
            )
        if not (np.isfinite(member.vector).all() and np.isfinite(member.buffers).all()):
            raise InvalidParameterError(
                f"members_[{index}] must be finite to be saved (got NaN or inf). Fit again with "
                "another random_state."
            )


def networks_of(estimator: Any) -> tuple[Parameters, ...]:
    """The members, then the linear model."""
    check_is_fitted(estimator, "members_")
    return (*estimator.members_, estimator.linear_)


def tabular_record(estimator: Any) -> dict[str, Any]:
    """All of a fitted tabular estimator but its networks, as plain JSON values."""
    check_is_fitted(estimator, "members_")
    kind = type(estimator).__name__
    of_kind = _numbers_record if kind == "TabularRegressor" else _classes_record
    held = {name: float(getattr(estimator, f"held_{name}_")) for name in _HELD[kind]}
    return {
        "kind": kind,
        "settings": settings_record(estimator),
        "features": features_record(estimator),
        "columns": estimator.columns_.record(),
        "recipe": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(estimator.recipe_).items()
        },
        "engine": estimator.engine_,
        "dropped_rows": int(estimator.n_dropped_rows_),
        "histories": [
            {name: with_gaps(getattr(history, name)) for name in _CURVES}
            for history in estimator.histories_
        ],
        "held": {name: with_gaps(value) for name, value in held.items()},
        **of_kind(estimator),
    }


def _classes_record(estimator: Any) -> dict[str, Any]:
    return {
        "classes": classes_record(estimator._code),
        "factors": [float(factor) for factor in estimator.factors_],
    }


def _numbers_record(estimator: Any) -> dict[str, Any]:
    now = choose(estimator.loss, LOSSES, "loss")
    if now != estimator._loss:
        raise InvalidParameterError(
            f"loss must be as it was at fit to be saved ({estimator._loss} then, {now} now). Call "
            "fit again, or set it back."
        )
    low, high = estimator.target_range_
    target = {
        "standardizer": standardizer_record(estimator._standardizer),
        "low": [float(number) for number in low],
        "high": [float(number) for number in high],
        "single": bool(estimator._single),
    }
    return {
        "target": target,
        "shares": [float(share) for share in estimator.shares_],
        "offsets": [float(offset) for offset in estimator.offsets_],
    }


# ------------------------------------------------------------ a record as an estimator


def from_model(model: Model) -> Any:
    """The inverse of `to_model`, for a file that nobody vouches for.

    Raises
    ------
    ModelFileError
        If a section is missing or its parts do not fit together.
    """
    if set(model.sections) != {"tabular"}:
        wrong("sections", "tabular alone", ", ".join(model.sections))
    found = tabular_from_record(model.sections["tabular"], (model.parameters, *model.others))
    if type(found).__name__ != model.kind:
        wrong("tabular.kind", model.kind, type(found).__name__)
    return found


def tabular_from_record(record: Any, networks: Sequence[Parameters]) -> Any:
    """The fitted estimator that `tabular_record` described, with the networks of `networks_of`.

    Raises
    ------
    ModelFileError
        If a field is missing, unknown, of another type, or does not fit the networks.
    """
    given = record.get("kind") if isinstance(record, dict) else None
    own = _OWN_FIELDS.get(given, ()) if isinstance(given, str) else ()
    fields = Fields(record, "tabular", (*_FIELDS, *own))
    kind = fields.text("kind", _CLASSES)
    estimator = unfitted(_CLASSES[kind], fields.mapping("settings"), "tabular.settings")
    set_features(estimator, fields.value("features"), "tabular.features")
    _set_columns(estimator, fields.value("columns"))
    estimator.recipe_ = _recipe(fields.value("recipe"))
    estimator.engine_ = fields.text("engine")
    estimator.n_dropped_rows_ = fields.integer("dropped_rows", 0, _MOST_ROWS)
    _set_networks(estimator, list(networks))
    _set_histories(estimator, fields.sequence("histories"))
    held = Fields(fields.value("held"), "tabular.held", _HELD[kind])
    for name in _HELD[kind]:
        setattr(estimator, f"held_{name}_", number_or_nan(held, name))
    outputs = networks[0].network.n_outputs
    if kind == "TabularRegressor":
        _set_numbers(estimator, fields, outputs)
    else:
        _set_classes(estimator, fields, outputs)
    _check_outputs(estimator)
    estimator._ask()
    return estimator


def _set_columns(estimator: Any, record: Any) -> None:
    estimator.columns_ = ColumnPlan.from_record(record)
    names = [column.name for column in estimator.columns_.columns]
    if len(names) != estimator.n_features_in_:
        wrong(
            "tabular.features.count",
            f"{len(names)}, as there are columns",
            estimator.n_features_in_,
        )
    known = getattr(estimator, "feature_names_in_", None)
    if known is not None and list(known) != names:
        wrong("tabular.features.names", f"those of the columns, {names}", list(known))


#: How a field of a `Recipe` is read, by its type.
_READ: dict[str, Callable[[Fields, str], Any]] = {
    "bool": Fields.flag,
    "int": lambda fields, name: fields.integer(name, 0, _MOST_UNITS),
    "float": Fields.number,
    "str": Fields.text,
    "tuple[int, ...]": lambda fields, name: _units(fields, name),
}


def _recipe(record: Any) -> Recipe:
    known = {field.name: str(field.type) for field in dataclasses.fields(Recipe)}
    fields = Fields(record, "tabular.recipe", tuple(known))
    return Recipe(**{name: _READ[kind](fields, name) for name, kind in known.items()})


def _units(fields: Fields, name: str) -> tuple[int, ...]:
    units = fields.sequence(name)
    if not all(type(entry) is int and 1 <= entry <= _MOST_UNITS for entry in units):
        wrong(f"tabular.recipe.{name}", f"whole numbers from 1 to {_MOST_UNITS}", units)
    return tuple(units)


def _set_networks(estimator: Any, networks: list[Parameters]) -> None:
    estimator.linear_ = networks.pop()
    count, most = len(networks), estimator.recipe_.members
    if not 1 <= count <= most:
        wrong("others", f"those of 1 to {most} members and, last, the linear model", count)
    for index, member in enumerate(networks):
        if member.network != networks[0].network:
            wrong(f"others[{index - 1}]", "null: all members are alike", "another network")
    estimator.members_, estimator._network = networks, networks[0].network
    straight = estimator.linear_
    if len(straight.network.layers) != 1:
        where = f"others[{count - 1}].layers"
        wrong(where, "the one layer of a linear model", len(straight.network.layers))
    for where, own in _networks(estimator):
        estimator.columns_.check_inputs(own.n_inputs, f" of {where}")
        if own.n_outputs != networks[0].network.n_outputs:
            wrong(where, f"one of {networks[0].network.n_outputs} outputs", own.n_outputs)
        if not isinstance(own.layers[-1], Dense):
            wrong(f"{where}.layers", "a dense layer last", own.layers[-1].name)
    if networks[0].dtype != np.float32:
        wrong("dtype", "float32 for tabular estimators", networks[0].dtype.name)


def _networks(estimator: Any) -> list[tuple[str, Network]]:
    """The architectures, with their places in the file."""
    line = f"others[{len(estimator.members_) - 1}]"
    return [("network", estimator.members_[0].network), (line, estimator.linear_.network)]


def _set_histories(estimator: Any, records: list[Any]) -> None:
    if len(records) != len(estimator.members_):
        wrong(
            "tabular.histories", f"one for each of {len(estimator.members_)} members", len(records)
        )
    estimator.histories_ = []
    for index, record in enumerate(records):
        curves = Fields(record, f"tabular.histories[{index}]", _CURVES)
        estimator.histories_.append(History(*(curves.curve(name) for name in _CURVES)))


def _set_classes(estimator: Any, fields: Fields, outputs: int) -> None:
    code = code_from_record(fields.value("classes"), outputs, "tabular.classes")
    if (code.low, code.high) != (0.0, 1.0):
        wrong("tabular.classes.targets", "0 and 1", [code.low, code.high])
    factors = fields.numbers("factors")
    if len(factors) != 2 or min(factors) < 0:
        wrong("tabular.factors", "two numbers of at least 0", factors)
    estimator._code, estimator.classes_ = code, code.classes
    estimator.factors_ = (factors[0], factors[1])


def _set_numbers(estimator: Any, fields: Fields, outputs: int) -> None:
    try:
        estimator._loss = choose(estimator.loss, LOSSES, "loss")
    except DeltaruleError as problem:
        raise ModelFileError(f"tabular.settings: {problem}") from None
    if estimator._loss.name not in PLAIN_LOSSES:
        wrong("tabular.settings.loss", f"one of {', '.join(PLAIN_LOSSES)}", estimator._loss.name)
    target = Fields(fields.value("target"), "tabular.target", _TARGET)
    levels = levels_of(estimator._loss)
    columns, left = divmod(outputs, max(len(levels), 1))
    if left:
        wrong("tabular.settings.loss", f"levels that divide {outputs} outputs", len(levels))
    where = "tabular.target.standardizer"
    estimator._standardizer = standardizer_from_record(target.value("standardizer"), where, columns)
    if estimator._standardizer.center is None:
        wrong(f"{where}.center", f"{columns} numbers", None)
    low, high = (_row(target, name, columns, "tabular.target") for name in ("low", "high"))
    if (low > high).any():
        wrong("tabular.target.low", "at most high", low.tolist())
    estimator.target_range_ = low, high
    estimator._single = target.flag("single")
    if estimator._single and columns != 1:
        wrong("tabular.target.single", f"false for {columns} columns", True)
    estimator.shares_ = _row(fields, "shares", outputs, "tabular")
    if (estimator.shares_ < 0).any() or (estimator.shares_ > 1).any():
        wrong("tabular.shares", "numbers from 0 to 1", estimator.shares_.tolist())
    estimator.offsets_ = _row(fields, "offsets", outputs, "tabular")


def _row(fields: Fields, name: str, count: int, where: str) -> Array:
    numbers = np.array(fields.numbers(name))
    if len(numbers) != count:
        wrong(f"{where}.{name}", f"{count} numbers", len(numbers))
    return numbers


def _check_outputs(estimator: Any) -> None:
    """What the outputs mean is said by the estimator; the networks must not say otherwise."""
    activation, loss = estimator._head()
    activation = choose(activation, ACTIVATIONS, "activation")
    for where, network in _networks(estimator):
        if network.output_activation != activation:
            layer = f"{where}.layers[{len(network.layers) - 1}].function"
            wrong(layer, activation.name, network.output_activation.name)
        if network.heads != (Head((0, network.n_outputs), loss),):
            wrong(f"{where}.heads", f"one head with {loss}", list(network.heads))


for _kind in _CLASSES.values():
    register(_kind, to_model, from_model)
