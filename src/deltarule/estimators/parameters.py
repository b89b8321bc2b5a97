"""The parameters that both estimators share: what each may be, checked once per fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions, make_constraint
from sklearn.utils._param_validation import InvalidParameterError as SklearnParameterError

from deltarule.activations import ACTIVATIONS, HIDDEN_ACTIVATIONS, Activation
from deltarule.estimators import options
from deltarule.estimators.hidden_sizes import Hidden
from deltarule.initializers import INITIALIZERS, Initializer
from deltarule.losses import LOSSES, Loss
from deltarule.optimizers import OPTIMIZERS, Optimizer
from deltarule.penalties import Penalty
from deltarule.random import SAMPLINGS
from deltarule.schedules import SCHEDULES, Schedule
from deltarule.stopping import EarlyStopping


class _Words(frozenset[str]):
    """Words that are told in the order of the alphabet, where a set has another in each run."""

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__()))


def words(*allowed: str) -> StrOptions:
    """The constraint of a parameter that is one of some words."""
    return StrOptions(_Words(allowed))


@cache
def _checked_parameters(kind: Any) -> list[tuple[str, Any, list[Callable[..., bool]]]]:
    """Name, default and conditions of every parameter that scikit-learn's check looks at.

    It makes the conditions anew from `_parameter_constraints` for every fit.
    """
    found = []
    for name, default in options.defaults(kind).items():
        constraints = kind._parameter_constraints.get(name, "no_validation")
        if constraints == "no_validation":
            continue
        kinds = [make_constraint(constraint).is_satisfied_by for constraint in constraints]
        if not any(fits(default) for fits in kinds):
            default = object()  # nothing is it
        found.append((name, default, kinds))
    return found


class CheckedParameters(options.OptionParameters, BaseEstimator):
    """The parameters of `BaseMLP`, with what scikit-learn checks them by."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "loss": [words(*LOSSES.table), Loss],
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
            Hidden,
        ],
        "activation": [words(*HIDDEN_ACTIVATIONS.table), Activation, "array-like"],
        "solver": [words(*OPTIMIZERS.table), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left"), Penalty],
        "batch_size": [words("auto"), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [words(*SCHEDULES.table), Schedule, callable],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean", EarlyStopping],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "output_activation": [words("auto", *ACTIVATIONS.table), Activation],
        "sampling": [words(*SAMPLINGS), None],
        "fit_intercept": ["boolean"],
        "standardize": [words("inputs", "both"), None],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "initializer": [words(*INITIALIZERS.table), Initializer],
        "engine": [words("auto", "compiled", "reference")],
        "n_threads": [Integral, None],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "normalization": [words("batch", "layer"), None],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
    }

    def _validate_params(self) -> None:
        kind: Any = type(self)
        for name, default, kinds in _checked_parameters(kind):
            value = getattr(self, name)
            if value is not default and not any(fits(value) for fits in kinds):
                break
        else:
            return
        try:
            super()._validate_params()
        except SklearnParameterError as problem:
            remedy = options.remedy_for(self, name)
            raise options.ParameterError(f"{problem} {remedy}") from None
