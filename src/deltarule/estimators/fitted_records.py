"""What the records of all fitted estimators share: settings, features, standardizers, curves."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from deltarule import engines
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import ModelFileError
from deltarule.persistence import Fields, decode, encode, wrong

# Threads are opened by this number: a file must not ask for a million.
_MOST_THREADS = 1024


def settings_record(estimator: Any) -> dict[str, Any]:
    """The constructor's parameters as they are now; a generator as ``random_state`` is None."""
    settings = estimator.get_params(deep=False)
    if isinstance(settings["random_state"], np.random.RandomState):
        settings["random_state"] = None
    return {name: encode(_listed(value), name) for name, value in settings.items()}


def _listed(value: Any) -> Any:
    """The index or the column of a frame as a list."""
    return value.to_list() if hasattr(value, "to_list") else value


def unfitted(cls: type, settings: dict[str, Any], where: str) -> Any:
    """A new estimator of a class with the settings of a file.

    Raises
    ------
    ModelFileError
        If one is unknown, or its value is not allowed.
    """
    known = inspect.signature(cls).parameters
    # A setting that a later release adds is missing in older files and keeps its default.
    for name in settings:
        if name not in known:
            wrong(where, f"among {', '.join(known)}", name)
    decoded = {name: decode(value, f"settings.{name}") for name, value in settings.items()}
    estimator: Any = cls(**decoded)
    try:
        estimator._validate_params()
        engines.thread_count(estimator.n_threads)
    except (ValueError, TypeError) as problem:
        raise ModelFileError(f"{where}: {problem}") from None
    if estimator.n_threads is not None and abs(estimator.n_threads) > _MOST_THREADS:
        wrong(f"{where}.n_threads", f"at most {_MOST_THREADS}", estimator.n_threads)
    return estimator


def features_record(estimator: Any) -> dict[str, Any]:
    """Number and names of the columns that an estimator was fitted on."""
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "count": int(estimator.n_features_in_),
        "names": None if names is None else [str(name) for name in names],
    }


def set_features(estimator: Any, record: Any, where: str, expected: int | None = None) -> None:
    """Give an estimator the features that `features_record` described.

    Raises
    ------
    ModelFileError
        If there are not as many as ``expected``, where that is given, or not a name for each.
    """
    features = Fields(record, where, ("count", "names"))
    count = features.integer("count", 1)
    if expected is not None and count != expected:
        wrong(f"{where}.count", str(expected), count)
    estimator.n_features_in_ = count
    if features.optional("names"):
        names = features.texts("names")
        if len(names) != count:
            wrong(f"{where}.names", f"{count} names", len(names))
        estimator.feature_names_in_ = np.array(names, dtype=object)


def standardizer_record(standardizer: Standardizer | None) -> dict[str, Any] | None:
    """Centre and scale of every column; None where nothing is standardised."""
    if standardizer is None:
        return None
    center = standardizer.center
    return {
        "center": None if center is None else center.tolist(),
        "scale": standardizer.scale.tolist(),
    }


def standardizer_from_record(record: Any, where: str, columns: int) -> Standardizer:
    """What `standardizer_record` described, for so many columns.

    Raises
    ------
    ModelFileError
        If a number is missing, or a scale is not above 0.
    """
    fields = Fields(record, where, ("center", "scale"))
    center = np.array(fields.numbers("center")) if fields.optional("center") else None
    scale = np.array(fields.numbers("scale"))
    for values in (center, scale):
        if values is not None and len(values) != columns:
            wrong(where, f"{columns} numbers each", len(values))
    if not (scale > 0).all():
        wrong(f"{where}.scale", "above 0", float(scale.min()))
    return Standardizer(center, scale)


def with_gaps(value: Any) -> Any:
    """JSON has no NaN and no infinity: a loss that is not finite is null."""
    if isinstance(value, list):
        return [with_gaps(entry) for entry in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value


def number_or_nan(fields: Fields, name: str) -> float:
    """A number, NaN where null stands."""
    return fields.number(name) if fields.optional(name) else float("nan")
