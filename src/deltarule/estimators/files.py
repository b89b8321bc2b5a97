"""Estimators in safe model files: `save` and `load`, exported as ``dr.save`` and ``dr.load``.

What `persistence` does for networks and parameters, this file does for what stands above them: a
fitted estimator becomes a plain record, the ``estimator`` section, and comes back from one. A
loaded estimator predicts the same bits as the saved one, on the same machine and release.

Classes of higher rooms enter themselves with `register`, with what makes a `Model` of them and them
of a `Model`: this room does not know them. Nothing else in a file can name code. ``dr.load`` comes
by way of the highest room that enters a class, so every kind is known when a file is read.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from deltarule.estimators.base import BaseMLP
from deltarule.estimators.class_records import (
    check_scale,
    classes_record,
    code_from_record,
    heads_record,
    set_heads,
    temperature_from_record,
    temperature_record,
)
from deltarule.estimators.classifier import MLPClassifier
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
from deltarule.estimators.fitting import Memory
from deltarule.estimators.multitask import MultiTaskMLP
from deltarule.estimators.networks import build_network
from deltarule.estimators.quantiles import levels_of
from deltarule.estimators.regressor import MLPRegressor
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError, ModelFileError
from deltarule.layers import BatchNormalization, Dense, Dropout, LayerNormalization
from deltarule.network import Network, Parameters
from deltarule.persistence import (
    Fields,
    Kept,
    Model,
    PathLike,
    check_writable,
    library_versions,
    read,
    write,
    wrong,
)
from deltarule.stopping import StopReason

__all__ = ["check_writable", "load", "save"]

_ESTIMATORS: dict[str, type[BaseMLP]] = {
    "MLPClassifier": MLPClassifier,
    "MLPRegressor": MLPRegressor,
    "MultiTaskMLP": MultiTaskMLP,
}
#: What a file may hold, by name. A name that is not here is refused.
KINDS: dict[str, type] = {"Parameters": Parameters, **_ESTIMATORS}
_Class = TypeVar("_Class", bound=type)
_Ways = tuple[Callable[[Any], Model], Callable[[Model], Any]]
#: Of the kinds of higher rooms, what makes a `Model` of one, and one of a `Model`.
_WAYS: dict[str, _Ways] = {}

_FIELDS = ("kind", "settings", "features", "classes", "standardizer", "history")
_HISTORY = (
    "loss",
    "validation_loss",
    "validation_score",
    "final_loss",
    "best_loss",
    "best_validation_score",
    "epochs",
    "samples",
    "restarts",
    "engine",
    "road",
    "stop_reason",
)


def register(
    kind: _Class,
    to_model: Callable[[Any], Model] | None = None,
    from_model: Callable[[Model], Any] | None = None,
) -> _Class:
    """Let files hold a class of a higher room; a decorator of one that has both as its methods.

    Examples
    --------
    >>> @register
    ... class Forest:
    ...     to_model = from_model = None
    >>> KINDS.pop("Forest") is Forest
    True
    """
    KINDS[kind.__name__] = kind
    own: Any = kind
    _WAYS[kind.__name__] = (to_model or own.to_model, from_model or own.from_model)
    return kind


def save(estimator: Any, path: PathLike, *, state: bool = True) -> None:
    """Save a fitted estimator, or bare parameters, as a safe model file.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, MultiTaskMLP, TabularClassifier, TabularRegressor, \
Parameters or a table's model
    path : path
        Conventionally ``*.safetensors``; an existing file is replaced as a whole.
    state : bool, default=True
        Whether to keep what training goes on from: a warm `fit` of the loaded estimator, or its
        `partial_fit`, is then that of the saved one bit for bit. The file holds two to six times
        the numbers (with Adam three times, with early stopping four). Without it the file is as
        small as predictions need, and training goes on from the weights alone. `Parameters`, the
        tabular estimators and a table's model have no state.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    InvalidParameterError
        If it holds something that no file can: a Python function as activation or loss.
    OutputPathError
        If the path cannot be written.

    Notes
    -----
    The state holds the last and the best weights, the optimiser's moments, all counters, the keys
    of the order of the rows and of the split, the history, and the place inside an epoch that was
    cut. The rows are not among it: give the same ones again. lbfgs goes on from the weights with a
    new memory of the curvature. A ``random_state`` that is a generator object is kept as None; its
    key goes on all the same.

    Examples
    --------
    >>> import os, tempfile, deltarule as dr
    >>> X, y = [[0., 0.], [0., 1.], [1., 0.], [1., 1.]], ["no", "yes", "yes", "no"]
    >>> model = dr.MLPClassifier(solver="lbfgs", random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     dr.save(model, os.path.join(folder, "xor.safetensors"))
    ...     again = dr.load(os.path.join(folder, "xor.safetensors"))
    >>> again.predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """
    write(model_of(estimator, state=state), path)


def load(path: PathLike) -> Any:
    """Load what `save` or ``deltarule train`` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    MLPClassifier, MLPRegressor, MultiTaskMLP, TabularClassifier, TabularRegressor, Parameters or \
TableModel
        Of the class that was saved; an estimator is fitted and predicts the same bits.

    Raises
    ------
    ModelFileError
        If the file is missing, unreadable, truncated, altered, written by another program, or by
        a later release than this one can read. Nothing in a file is ever executed.
    """
    return from_model(read(path), path)


def from_model(model: Model, path: PathLike) -> Any:
    """What a model file that `persistence.read` accepted stands for; `path` is for messages."""
    try:
        if model.kind not in KINDS:
            wrong("kind", f"one of {', '.join(KINDS)}", model.kind)
        if model.state is not None and model.kind not in _ESTIMATORS:
            wrong("state", f"null for {model.kind}", "a record")
        if model.others and model.kind not in _WAYS:
            wrong("others", f"left out for {model.kind}", f"{len(model.others)} networks")
        if model.kind == "Parameters":
            if model.sections:
                wrong("sections", "none for Parameters", ", ".join(model.sections))
            return model.parameters
        found: Any = KINDS[model.kind]
        if model.kind in _WAYS:
            return _WAYS[model.kind][1](model)
        if set(model.sections) != {"estimator"}:
            wrong("sections", "estimator alone", ", ".join(model.sections))
        estimator = estimator_from_record(model.sections["estimator"], model.parameters)
        if type(estimator) is not found:
            wrong("estimator.kind", model.kind, type(estimator).__name__)
        if model.state is not None:
            _set_memory(estimator, model.state, model.parameters)
        return estimator
    except ModelFileError as problem:
        raise ModelFileError(f"{os.fspath(path)}: not a valid model: {problem}") from None


def model_of(estimator: Any, *, state: bool = True) -> Model:
    """What `save` writes, as a value."""
    if isinstance(estimator, Parameters):
        return Model(estimator)
    if isinstance(estimator, BaseMLP):
        record = estimator_record(estimator)
        parameters = estimator_parameters(estimator)
        kept = _kept(estimator, parameters) if state else None
        return Model(parameters, record["kind"], {"estimator": record}, versions(), kept)
    if type(estimator) in KINDS.values():
        return _WAYS[type(estimator).__name__][0](estimator)
    raise InvalidParameterError(
        f"save takes an estimator of deltarule or its Parameters (got "
        f"{type(estimator).__name__}). Save the estimator inside it."
    )


def versions() -> dict[str, str]:
    """Releases of the libraries that a fitted estimator comes from."""
    import sklearn

    return {**library_versions(), "scikit-learn": sklearn.__version__}


def estimator_parameters(estimator: BaseMLP) -> Parameters:
    """The numbers of a fitted estimator as they are now, assigned ``coefs_`` included."""
    check_is_fitted(estimator, "coefs_")
    now = estimator._current(estimator._network)
    return now.replace(vector=now.vector.copy(), buffers=now.buffers.copy())


def _kept(estimator: BaseMLP, parameters: Parameters) -> Kept | None:
    """What a warm fit would go on from; None where a model was loaded without."""
    memory = estimator._remembered()
    if memory is None:
        return None
    return Kept(memory.state, memory.history, memory.key, memory.optimizer, memory.judges)


def _set_memory(estimator: Any, kept: Kept, parameters: Parameters) -> None:
    history = replace(kept.history, loss=estimator.loss_curve_)
    estimator._memory = Memory(
        kept.state,
        history,
        kept.key,
        kept.optimizer,
        parameters,
        estimator.stop_reason_,
        kept.judges,
    )


def estimator_record(estimator: BaseMLP) -> dict[str, Any]:
    """All of a fitted estimator but its network and numbers, as plain JSON values."""
    check_is_fitted(estimator, "coefs_")
    kind = type(estimator).__name__
    if kind not in _ESTIMATORS:
        raise InvalidParameterError(
            f"save takes {' or '.join(_ESTIMATORS)} "
            f"(got the subclass {kind}). Save an estimator of these classes."
        )
    differs = _other_network(estimator, estimator._network)
    if differs is not None:
        raise InvalidParameterError(
            f"{differs[0]} must be as it was at fit to be saved ({differs[1]} then, {differs[2]} "
            "now). Call fit again, or set it back."
        )
    temperature = temperature_record(estimator)
    return {
        "kind": kind,
        "settings": settings_record(estimator),
        "features": features_record(estimator),
        "classes": classes_record(estimator._code) if hasattr(estimator, "_code") else None,
        "standardizer": {
            "inputs": standardizer_record(estimator._standardizer),
            "target": standardizer_record(getattr(estimator, "_target_standardizer", None)),
        },
        "history": _history_record(estimator),
        **({} if temperature is None else {"temperature": temperature}),
        **({"heads": heads_record(estimator)} if kind == "MultiTaskMLP" else {}),
    }


def estimator_from_record(record: Any, parameters: Parameters) -> Any:
    """The fitted estimator that `estimator_record` described.

    Raises
    ------
    ModelFileError
        If a field is missing, unknown, of another type, or does not fit the network.
    """
    given = record if isinstance(record, dict) else {}
    calibrated = "temperature" in given
    more = [name for name in ("temperature", "heads") if name in given]
    fields = Fields(record, "estimator", (*_FIELDS, *more))
    kind = fields.text("kind", _ESTIMATORS)
    where = "estimator.settings"
    estimator = unfitted(_ESTIMATORS[kind], fields.mapping("settings"), where)
    network = parameters.network
    for index, layer in enumerate(network.layers):
        if not isinstance(layer, Dense | BatchNormalization | LayerNormalization | Dropout):
            wrong(f"network.layers[{index}]", "a layer of an estimator", layer.name)
    if not (isinstance(network.layers[0], Dense) and isinstance(network.layers[-1], Dense)):
        wrong("network.layers", "a dense layer first and last", network.layers[0].name)
    set_features(estimator, fields.value("features"), "estimator.features", network.n_inputs)
    if (kind == "MultiTaskMLP") != ("heads" in given):
        wrong("estimator.heads", "there for a MultiTaskMLP alone", given.get("heads"))
    if kind == "MLPClassifier":
        estimator._code = code_from_record(fields.value("classes"), network.n_outputs)
        estimator.classes_ = estimator._code.classes
    elif fields.optional("classes"):
        wrong("estimator.classes", "null for a regressor", fields.value("classes"))
    elif kind == "MultiTaskMLP":
        set_heads(estimator, fields.value("heads"), network)
    else:
        estimator._columns = network.n_outputs // max(len(estimator._levels()), 1)
        if estimator._output_columns() != network.n_outputs:
            count = len(estimator._levels())
            wrong("estimator.settings.loss", f"levels that divide {network.n_outputs}", count)
    try:
        differs = _other_network(estimator, network)
    except (ValueError, TypeError) as problem:
        raise ModelFileError(f"estimator.settings: {problem}") from None
    if differs is not None:
        wrong(f"estimator.settings.{differs[0]}", f"{differs[1]}, as in the network", differs[2])
    _set_standardizers(estimator, fields, parameters)
    if kind == "MultiTaskMLP":
        check_scale(estimator)
    _set_history(estimator, fields)
    temperature = temperature_from_record(estimator, fields) if calibrated else None
    estimator._set_network(network)
    estimator._publish(parameters)
    if temperature is not None:
        estimator.temperature_ = temperature
    return estimator


def _other_network(estimator: Any, network: Network) -> tuple[str, Any, Any] | None:
    """The first setting that describes another network than the fitted one: name, fitted, set.

    Training goes on in the network, from the settings; they must not contradict each other.
    """
    if isinstance(estimator, MultiTaskMLP) or levels_of(estimator.loss):
        described = estimator._make_network(network.n_inputs)
    else:
        output = network.layers[-1].activation
        described = build_network(estimator, network.n_inputs, network.n_outputs, output.name)
    fitted, now = _shown(network), _shown(described)
    for name in fitted:
        if fitted[name] != now[name]:
            return name, fitted[name], now[name]
    return None


def _shown(network: Network) -> dict[str, Any]:
    """What an estimator's settings say of a network, under their names."""
    dense = network.weighted
    between = [network.layers[a + 1 : b] for a, b in itertools.pairwise(dense)]
    kinds = [tuple(type(layer) for layer in group) for group in between]
    return {
        "hidden_layer_sizes": tuple(network.layers[index].units for index in dense[:-1]),
        "activation": tuple(network.activation_behind(index) for index in dense[:-1]),
        "loss": tuple(head.loss for head in network.heads),
        "heads": tuple(
            (h.weight, network.head_activation(h), h.class_weights) for h in network.heads
        ),
        "normalization": tuple(kind[0].name for kind in kinds if kind[:1] not in ((), (Dropout,))),
        "fit_intercept": tuple(bool(getattr(network.layers[i], "bias", False)) for i in dense),
        "dropout": tuple(
            layer.rate for group in between for layer in group if isinstance(layer, Dropout)
        ),
    }


def _set_standardizers(estimator: Any, fields: Fields, parameters: Parameters) -> None:
    both = Fields(fields.value("standardizer"), "estimator.standardizer", ("inputs", "target"))
    network = parameters.network
    found = _optional_standardizer(both, "inputs", network.n_inputs)
    estimator._standardizer = found
    estimator.input_center_ = None if found is None else found.center
    estimator.input_scale_ = None if found is None else found.scale
    columns = getattr(estimator, "_columns", network.n_outputs)
    target = _optional_standardizer(both, "target", columns)
    if hasattr(estimator, "_code"):
        if target is not None:
            wrong("estimator.standardizer.target", "null for a classifier", "a record")
        return
    estimator._target_standardizer = target
    estimator.target_center_ = None if target is None else target.center
    estimator.target_scale_ = None if target is None else target.scale


def _optional_standardizer(both: Fields, name: str, columns: int) -> Standardizer | None:
    if not both.optional(name):
        return None
    where = f"estimator.standardizer.{name}"
    return standardizer_from_record(both.value(name), where, columns)


def _history_record(estimator: Any) -> dict[str, Any]:
    values = {
        "loss": estimator.loss_curve_,
        "validation_loss": getattr(estimator, "validation_loss_curve_", None),
        "validation_score": estimator.validation_scores_,
        "final_loss": estimator.loss_,
        "best_loss": estimator.best_loss_,
        "best_validation_score": estimator.best_validation_score_,
        "epochs": int(estimator.n_iter_),
        "samples": int(estimator.t_),
        "restarts": [float(value) for value in estimator.restarts_],
        "engine": estimator.engine_,
        "road": estimator.road_,
        "stop_reason": estimator.stop_reason_.name,
    }
    if estimator.__dict__.get("best_epoch_") is not None:
        values["best_epoch"] = estimator.best_epoch_
    return {name: with_gaps(value) for name, value in values.items()}


def _set_history(estimator: Any, fields: Fields) -> None:
    record = fields.value("history")
    # Older files do not say it.
    more = ("best_epoch",) if isinstance(record, dict) and "best_epoch" in record else ()
    history = Fields(record, "estimator.history", (*_HISTORY, *more))
    judged = history.optional("validation_score")
    estimator.loss_curve_ = history.curve("loss")
    estimator.validation_loss_curve_ = history.curve("validation_loss") if judged else None
    estimator.validation_scores_ = history.curve("validation_score") if judged else None
    last = len(estimator.loss_curve_) - 1
    estimator.best_epoch_ = history.integer("best_epoch", 0, last) if more else None
    estimator.loss_ = number_or_nan(history, "final_loss")
    # With early stopping there is none; rows that were only judged leave it.
    known = not judged or history.optional("best_loss")
    estimator.best_loss_ = number_or_nan(history, "best_loss") if known else None
    estimator.best_validation_score_ = (
        number_or_nan(history, "best_validation_score") if judged else None
    )
    estimator.n_iter_ = history.integer("epochs")
    estimator.t_ = history.integer("samples")
    estimator.restarts_ = np.array(history.curve("restarts"))
    estimator.engine_ = history.text("engine")
    estimator.road_ = history.text("road")
    estimator.stop_reason_ = StopReason[history.text("stop_reason", StopReason.__members__)]
