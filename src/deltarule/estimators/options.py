"""From scikit-learn's flat parameters to option objects, and option objects as parameters.

An option lives on the thing it belongs to: ``solver=dr.AdamW(weight_decay=0.01)``. A string takes
its settings from scikit-learn's flat parameters (``beta_1``, ``momentum``, ``power_t`` …); an
object holds all its own, and a flat parameter of the same meaning that is neither at its default
nor equal to the object's own value is an error which names both.

`OptionParameters` makes the fields of an object parameters of the estimator: they stand in
``get_params(deep=True)`` as ``solver__weight_decay``, and ``set_params`` puts a new object in the
place of the old one, after resolving a string to its object, so every tuner can reach them.
"""

from __future__ import annotations

import dataclasses
import inspect
from difflib import get_close_matches
from functools import cache, lru_cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._param_validation import InvalidParameterError as SklearnParameterError

from deltarule.activations import ACTIVATIONS, HIDDEN_ACTIVATIONS
from deltarule.definitions import Family, call_it, choose, name_of
from deltarule.estimators.hidden_sizes import Hidden
from deltarule.exceptions import InvalidParameterError
from deltarule.initializers import INITIALIZERS
from deltarule.losses import LOSSES
from deltarule.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
)
from deltarule.penalties import L2, PENALTIES, Penalty
from deltarule.schedules import SCHEDULES, Adaptive, Constant, InvScaling, Schedule
from deltarule.stopping import EarlyStopping


def optimizer_of(estimator: Any) -> Optimizer:
    """The optimiser that ``solver`` and its flat parameters stand for.

    The name ``"sgd"`` is what it is in scikit-learn: Nesterov's momentum at the defaults,
    classical momentum with ``nesterovs_momentum=False``, plain descent with ``momentum=0``.
    """
    solver = estimator.solver
    if isinstance(solver, Optimizer):
        _check_flat(estimator, "solver", solver)
        return solver
    if solver == "sgd":
        if estimator.momentum == 0:
            return SGD()
        return _made(Nesterov if estimator.nesterovs_momentum else Momentum, estimator.momentum)
    if solver in ("momentum", "nesterov"):
        return _made(Nesterov if solver == "nesterov" else Momentum, estimator.momentum)
    if solver in ("adam", "adamw"):
        kind = AdamW if solver == "adamw" else Adam
        return _made(kind, estimator.beta_1, estimator.beta_2, estimator.epsilon)
    if solver == "rmsprop":
        return RMSprop(epsilon=estimator.epsilon)
    if solver == "lbfgs":
        return LBFGS(max_fun=estimator.max_fun)
    return choose(solver, OPTIMIZERS, "solver")


@lru_cache(maxsize=64, typed=True)
def _made(kind: type[Optimizer], *numbers: float) -> Optimizer:
    """One for all fits with the same numbers: a stream of single rows would pay for each."""
    return kind(*numbers)


def goes_by_steps(estimator: Any) -> bool:
    """Whether the solver goes step by step, so that `partial_fit` makes sense."""
    return _goes_by_steps(estimator, "partial_fit")


def has_learner(estimator: Any) -> bool:
    """Whether the solver goes step by step, so that a learner makes sense."""
    return _goes_by_steps(estimator, "learner")


def _goes_by_steps(estimator: Any, method: str) -> bool:
    """True, or the error of a method that the solver makes no sense of, in scikit-learn's words."""
    if estimator.solver == "lbfgs" or isinstance(estimator.solver, LBFGS):
        raise AttributeError(
            f"{method} is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


def schedule_of(estimator: Any) -> Schedule:
    """The schedule that ``learning_rate`` stands for.

    The names ``"invscaling"`` and ``"adaptive"`` have scikit-learn's meaning and timing, which
    includes that they do nothing with Adam, by name or as an object, and with lbfgs; an object
    works with every optimiser that goes by steps.
    """
    rule = estimator.learning_rate
    if isinstance(rule, Schedule):
        _check_flat(estimator, "learning_rate", rule)
        return rule
    if rule in ("invscaling", "adaptive") and optimizer_of(estimator).name in ("adam", "lbfgs"):
        return Constant()
    if rule == "invscaling":
        return InvScaling(power=estimator.power_t, per="epoch")
    if rule == "adaptive":
        return Adaptive()
    return choose(rule, SCHEDULES, "learning_rate")


def stopping_of(estimator: Any) -> EarlyStopping | None:
    """The rule that ``early_stopping`` stands for; None without one."""
    rule = estimator.early_stopping
    if isinstance(rule, EarlyStopping):
        _check_flat(estimator, "early_stopping", rule)
        return rule
    return _stopping_from_flat(estimator) if rule else None


def _stopping_from_flat(estimator: Any) -> EarlyStopping:
    return EarlyStopping(
        validation_fraction=estimator.validation_fraction,
        patience=patience_of(estimator),
        min_delta=estimator.tol,
    )


def check_solver(estimator: Any) -> None:
    """Refuse what lbfgs would ignore and no code written for scikit-learn can hold beside it."""
    if optimizer_of(estimator).name != "lbfgs":
        return
    schedule, stopping = schedule_of(estimator), estimator.early_stopping
    conflict = None
    if not isinstance(schedule, Constant):
        conflict = "learning_rate must be 'constant'", f"learning_rate={estimator.learning_rate!r}"
    elif isinstance(stopping, EarlyStopping):
        conflict = "early_stopping must be False", f"early_stopping={stopping!r}"
    elif np.any(estimator.dropout):
        conflict = "dropout must be 0", f"dropout={estimator.dropout!r}"
    elif estimator.normalization == "batch":
        conflict = "normalization must be None or 'layer'", "normalization='batch'"
    if conflict is not None:
        raise InvalidParameterError(
            f"{conflict[0]} beside solver={estimator.solver!r}, which judges all rows at every "
            f"step and chooses the step itself (got {conflict[1]}). Leave it at its default, or "
            "choose another solver, for example 'adam'."
        )


def patience_of(estimator: Any) -> int | None:
    """``n_iter_no_change`` as a whole number; None for infinity."""
    epochs = estimator.n_iter_no_change
    return None if epochs == np.inf else int(epochs)  # of any size


def penalty_of(estimator: Any) -> Penalty | None:
    """The penalty that ``alpha`` stands for: a number is the L2 strength."""
    alpha = estimator.alpha
    if isinstance(alpha, Real):
        strength = float(alpha)
        return L2(strength) if strength > 0 else None
    return choose(alpha, PENALTIES, "alpha")


def _settings(option: Any) -> dict[str, Any]:
    """What an option object sets, in the words of the flat parameters."""
    if isinstance(option, Adam):
        return {name: getattr(option, name) for name in ("beta_1", "beta_2", "epsilon")}
    if isinstance(option, EarlyStopping):
        return {
            "validation_fraction": option.validation_fraction,
            "n_iter_no_change": np.inf if option.patience is None else option.patience,
            "tol": option.min_delta,
        }
    if isinstance(option, Momentum | Nesterov):
        nesterov = isinstance(option, Nesterov)
        return {"momentum": option.momentum, "nesterovs_momentum": nesterov}
    if isinstance(option, SGD):
        return {"momentum": 0}
    if isinstance(option, RMSprop):
        return {"epsilon": option.epsilon}
    if isinstance(option, LBFGS):
        return {"max_fun": option.max_fun}
    return {"power_t": option.power} if isinstance(option, InvScaling) else {}


@cache
def defaults(kind: Any) -> dict[str, Any]:
    """The parameters of a kind of estimator, each with its default."""
    parameters = inspect.signature(kind).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def _check_flat(estimator: Any, parameter: str, option: Any) -> None:
    """Refuse a flat parameter that says something else than the object beside it."""
    kind: Any = type(estimator)
    known = defaults(kind)
    for flat, own in _settings(option).items():
        given = getattr(estimator, flat)
        if given not in (known[flat], own):
            raise InvalidParameterError(
                f"{flat} must be left at its default {known[flat]!r} beside "
                f"{parameter}={option!r}, which has a setting of its own for it "
                f"(got {flat}={given!r}). Set it in the object, or give {parameter} as a name."
            )


class ParameterError(InvalidParameterError, SklearnParameterError):
    """A parameter that scikit-learn's check refuses: its error and ours in one."""


_FAMILIES: dict[str, Family[Any]] = {
    "solver": OPTIMIZERS,
    "learning_rate": SCHEDULES,
    "loss": LOSSES,
    "activation": HIDDEN_ACTIVATIONS,
    "output_activation": ACTIVATIONS,
    "initializer": INITIALIZERS,
}

#: The parameters that take objects, and of which class.
_KINDS: dict[str, type] = {
    **{parameter: family.base for parameter, family in _FAMILIES.items()},
    "alpha": Penalty,
    "early_stopping": EarlyStopping,
    "hidden_layer_sizes": Hidden,
}


def remedy_for(estimator: Any, parameter: str) -> str:
    """What to do about a parameter that scikit-learn's check refused."""
    value, kind = getattr(estimator, parameter), _KINDS.get(parameter)
    if kind is not None and isinstance(value, type) and issubclass(value, kind):
        return call_it(value)
    family = _FAMILIES.get(parameter)
    if family is not None and family.own and callable(value) and not isinstance(value, type):
        return family.of_ones_own()
    kinds: Any = type(estimator)
    if parameter == next(iter(defaults(kinds))) == "loss" and _are_widths(value):
        return f"loss comes first, as in scikit-learn: write hidden_layer_sizes={value!r}."
    constraints = estimator._parameter_constraints[parameter]
    if isinstance(value, str):
        return _nearest_name(parameter, value, constraints)
    number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    ranges = [entry for entry in constraints if isinstance(entry, Interval)]
    if not (number and ranges):
        return "Choose a value of that kind."
    whole = any(entry.type is Real for entry in ranges) or isinstance(value, Integral)
    return f"Choose a {'value' if whole else 'whole number'} in that range."


def _are_widths(value: Any) -> bool:
    """Whether a value looks like hidden layers, that came first as in a classifier."""
    widths = value if isinstance(value, tuple | list) else [value]
    return all(isinstance(width, Integral) and not isinstance(width, bool) for width in widths)


def _nearest_name(parameter: str, value: str, constraints: list[Any]) -> str:
    """What to do about a word that is none of a parameter's names."""
    if parameter == "activation" and value in ACTIVATIONS.table:
        return "It makes outputs for several quantiles rise. Choose another, such as 'relu'."
    names = [
        name for entry in constraints if isinstance(entry, StrOptions) for name in entry.options
    ]
    if not names:
        return "Choose a value of that kind."
    if parameter in _FAMILIES:
        near = _FAMILIES[parameter].nearest(value)
    else:
        near = next(iter(get_close_matches(value.lower(), names, n=1)), None)
    return f"Did you mean {near!r}?" if near else "Choose one of these names."


def is_option(value: Any) -> bool:
    """Whether a parameter's value is an option object with fields."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


class OptionParameters:
    """Makes the fields of option objects parameters of the estimator; see the module's text."""

    @classmethod
    def _get_param_names(cls) -> list[str]:
        kind: Any = cls
        return list(_parameter_names(kind))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of this estimator.

        Parameters
        ----------
        deep : bool, default=True
            Whether to list the fields of option objects too, as ``solver__weight_decay``.

        Returns
        -------
        dict
            Parameter names mapped to their values.
        """
        parameters: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]
        if not deep:
            return parameters
        fields = {
            f"{name}__{field.name}": getattr(value, field.name)
            for name, value in parameters.items()
            if is_option(value)
            for field in dataclasses.fields(value)
        }
        return parameters | fields

    def set_params(self, **params: Any) -> Any:
        """Set parameters of this estimator, and fields of its option objects.

        Parameters
        ----------
        **params : dict
            ``solver__weight_decay=0.1`` puts a new object in the place of ``solver``; a string
            (or a number, for ``alpha``) is resolved to its object first.

        Returns
        -------
        self : estimator instance

        Raises
        ------
        InvalidParameterError
            If an option has no such field, or the value does not fit it.
        """
        known = self.get_params(deep=False)
        plain: dict[str, Any] = {}
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            owner, mark, field = name.partition("__")
            if mark and owner in known:
                nested.setdefault(owner, {})[field] = value
            else:
                plain[name] = value
        super().set_params(**plain)  # type: ignore[misc]
        for owner, fields in nested.items():
            setattr(self, owner, self._replaced(owner, fields))
        return self

    def _replaced(self, owner: str, fields: dict[str, Any]) -> Any:
        option = self._option(owner)
        if option is None:
            raise InvalidParameterError(
                f"{owner} must be an option object to have a field {next(iter(fields))!r} (got "
                f"{owner}={getattr(self, owner)!r}). Set {owner} to an object first."
            )
        names = [field.name for field in dataclasses.fields(option)]
        for field in fields:
            if field not in names:
                raise self._no_field(owner, field, option, names)
        return dataclasses.replace(option, **fields)

    def _no_field(
        self, owner: str, field: str, option: Any, names: list[str]
    ) -> InvalidParameterError:
        """What is raised where an option has no such field."""
        what = type(option).__name__
        has, remedy = "no fields", f"Give another object for {owner}."
        if names:
            has = f"the fields {', '.join(names)}"
            remedy = f"Use one of them, or another object for {owner}."
        given: Any = getattr(self, owner)
        if owner == "learning_rate" and isinstance(given, str) and given != option.name:
            # A name that has scikit-learn's meaning, which is nothing with some solvers.
            solver = optimizer_of(self).name
            what = f"learning_rate={given!r} does nothing with the solver {solver!r} and"
            remedy = "Choose a solver that goes by steps."
            if solver != "lbfgs":
                kind = SCHEDULES.table[given].__name__
                remedy = f"Set learning_rate=dr.{kind}(…), which works with every solver by steps."
        return InvalidParameterError(
            f"Invalid parameter {owner + '__' + field!r} for estimator {type(self).__name__}: "
            f"{what} has {has} (got {field!r}). {remedy}"
        )

    def _option(self, owner: str) -> Any:
        """The option object that a parameter stands for now; None where it stands for none."""
        value = getattr(self, owner)
        if is_option(value):
            return value
        resolve = _RESOLVE.get(owner)
        return None if resolve is None else resolve(self)


@cache
def _parameter_names(kind: Any) -> tuple[str, ...]:
    """What scikit-learn reads from the constructor's signature, each time anew."""
    return tuple(super(OptionParameters, kind)._get_param_names())


def hidden_of(estimator: Any) -> Hidden | None:
    """Hidden layers as depth and width; None where their widths are no series of these."""
    sizes = estimator.hidden_layer_sizes
    sizes = list(sizes) if np.iterable(sizes) else [sizes]
    if not sizes:
        return Hidden(0)
    found = Hidden(len(sizes), sizes[0])
    return found if found.sizes == sizes else None


def _named(parameter: str) -> Any:
    def resolve(estimator: Any) -> Any:
        value, family = getattr(estimator, parameter), _FAMILIES[parameter]
        known = isinstance(value, str) and value in family.table
        return choose(value, family, parameter) if known else None

    return resolve


_RESOLVE = {
    "solver": optimizer_of,
    "learning_rate": schedule_of,
    "early_stopping": stopping_of,
    "alpha": lambda estimator: penalty_of(estimator) or L2(0.0),
    "hidden_layer_sizes": hidden_of,
    **{name: _named(name) for name in ("loss", "activation", "output_activation", "initializer")},
}


def has_probabilities(estimator: Any) -> bool:
    """Whether the outputs estimate probabilities: softmax or logistic under a proper loss."""
    activation = estimator._probable_activation()
    loss = name_of(estimator.loss)
    if activation in ("softmax", "logistic") and loss in ("log_loss", "squared_error", "poisson"):
        return True
    raise AttributeError(
        f"probabilities are defined for the output activations 'softmax' and 'logistic' with "
        f"loss 'log_loss', 'squared_error' or 'poisson' (got {activation!r} with {loss!r}). Use "
        "decision_function."
    )


def has_decision(estimator: Any) -> bool:
    """Whether `decision_function` stands in for probabilities."""
    try:
        has_probabilities(estimator)
    except AttributeError:
        return True
    raise AttributeError("the outputs are probabilities: use predict_proba")
