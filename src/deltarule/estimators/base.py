"""What both estimators share: parameters, fit, the numbers they publish, and predictions.

The way of a fit: checked rows → target columns → network and plan → `train` → ``coefs_`` and
``intercepts_``, which are writeable views of one vector, so that what a user assigns to them or
writes into them is what the next prediction and the next warm fit use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions, make_constraint
from sklearn.utils._param_validation import InvalidParameterError as SklearnParameterError
from sklearn.utils.validation import check_is_fitted

from deltarule import functional
from deltarule.activations import ACTIVATIONS, Activation
from deltarule.definitions import Array
from deltarule.estimators import checks, fitting, options
from deltarule.estimators.callback_support import (
    CallbackSupportMixin,
    EpochTasks,
    has_callbacks,
)
from deltarule.estimators.kept_session import KeptSession
from deltarule.estimators.predictor import Frozen, Predictor, before_sign
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.initializers import INITIALIZERS, Initializer
from deltarule.layers import Dense
from deltarule.losses import LOSSES, Loss
from deltarule.network import Network, Parameters, initialize
from deltarule.optimizers import OPTIMIZERS, Optimizer
from deltarule.penalties import Penalty
from deltarule.plans import EpochReport, History, TrainingPlan, TrainingResult, Validation
from deltarule.random import SAMPLINGS
from deltarule.schedules import SCHEDULES, Schedule
from deltarule.scores import Score
from deltarule.stopping import EarlyStopping, StopReason
from deltarule.training import train


def _names(family: Any) -> StrOptions:
    return StrOptions(set(family.table))


@cache
def _checked_parameters(kind: type[BaseMLP]) -> list[tuple[str, Any, list[Callable[..., bool]]]]:
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


class BaseMLP(CallbackSupportMixin, options.OptionParameters, BaseEstimator, ABC):
    """Base of `MLPClassifier` and `MLPRegressor`; not to be used alone."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "loss": [_names(LOSSES), Loss],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [_names(ACTIVATIONS), Activation, "array-like"],
        "solver": [_names(OPTIMIZERS), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left"), Penalty],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [_names(SCHEDULES), Schedule, callable],
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
        "output_activation": [StrOptions({"auto", *ACTIVATIONS.table}), Activation],
        "sampling": [StrOptions(set(SAMPLINGS)), None],
        "fit_intercept": ["boolean"],
        "standardize": [StrOptions({"inputs", "both"}), None],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "initializer": [_names(INITIALIZERS), Initializer],
        "engine": [StrOptions({"auto", "compiled", "reference"})],
        "n_threads": [Integral, None],
    }

    def _validate_params(self) -> None:
        for name, default, kinds in _checked_parameters(type(self)):
            value = getattr(self, name)
            if value is not default and not any(fits(value) for fits in kinds):
                break
        else:
            return
        try:
            super()._validate_params()
        except SklearnParameterError as problem:
            text = str(problem)
            raise options.ParameterError(f"{text} {options.remedy_for(self, text)}") from None

    # ------------------------------------------------------------ what a kind of estimator says

    @abstractmethod
    def _prepare(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        """Checked rows and target; on a first fit, what the target's columns mean."""

    @abstractmethod
    def _output_columns(self) -> int:
        """Width of the target."""

    @abstractmethod
    def _output_activation(self) -> str:
        """The output activation that the parameters stand for."""

    @abstractmethod
    def _target(self, y: Any, dtype: Any) -> Array:
        """The target's columns as the network is trained on them."""

    @abstractmethod
    def _score(self) -> Score:
        """What judges the network's outputs against target rows."""

    def _groups(self, y: Any) -> Array | None:
        """The classes whose shares a split keeps; None without."""
        return None

    # ------------------------------------------------------------ fit

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Any:
        given = fitting.Rows(X, y, sample_weight)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = self._prepare(X, y, first=first, incremental=incremental)
        weight = checks.check_weights(sample_weight, X, may_be_zero=incremental)
        memory = None if first else self.__dict__.get("_memory")
        key = fitting.draw_key(self.random_state) if memory is None else memory.key
        rows, held = fitting.Rows(X, y, weight), None
        stopping = fitting.stopping_rule(self, incremental=incremental)
        if stopping is not None:
            kept, out = fitting.split(stopping, X.shape[0], key, self._groups(y))
            rows, held = rows.take(kept, "training"), rows.take(out, "validation")
        order = key if memory is None else memory.order_key
        plan = fitting.build_plan(self, rows.X.shape[0], order, stopping, incremental=incremental)
        return self._fit_rows(rows, held, plan, memory, first, given)

    def _fit_rows(
        self,
        rows: fitting.Rows,
        held: fitting.Rows | None,
        plan: TrainingPlan,
        memory: fitting.Memory | None,
        first: bool,
        given: fitting.Rows,
    ) -> Any:
        if first or not hasattr(self, "_standardizer"):
            self._measure_inputs(rows.X, rows.weight)
            self._measure_target(rows.y, rows.weight)
        known = None if first else self.__dict__.get("_network")
        network = self._build_network(rows.X.shape[1], known)
        vector = None if first else self._current_vector(network)
        dtype = rows.X.dtype
        if vector is not None and known is not None:
            # Precision follows the first fit, whatever was assigned since.
            dtype = vector.dtype if memory is None else memory.published.dtype
        inputs, D = self._inputs(rows.X, dtype), self._target(rows.y, dtype)
        weight = None if rows.weight is None else rows.weight.astype(dtype, copy=False)
        tasks = None
        if has_callbacks(self):
            tasks = EpochTasks(self, *given, plan.max_epochs * (self.n_init if first else 1))
        settings: dict[str, Any] = {
            "sample_weight": weight,
            "validation": None if held is None else self._validation(plan, held, dtype),
            "observer": fitting.observe(
                fitting.printer(self, plan.early_stopping is not None),
                self._task_observer(tasks),
                self.__dict__.get("_observer"),
            ),
            "engine": self.engine,
            "n_threads": self._threads(),
        }
        result, objectives = self._train(network, inputs, D, plan, memory, vector, dtype, settings)
        earlier = None if first else self._earlier(memory)
        self._keep(result, plan, objectives, rows.X.shape[0], memory, earlier)
        if not self.loss_curve_:
            self.loss_ = self._objective(network, result, inputs, D, weight, plan)
        if tasks is not None:
            tasks.end()
        fitting.tell_end(self, result, incremental=plan.incremental)
        return self

    def _train(
        self,
        network: Network,
        X: Any,
        D: Array,
        plan: TrainingPlan,
        memory: fitting.Memory | None,
        vector: Array | None,
        dtype: Any,
        settings: dict[str, Any],
    ) -> tuple[TrainingResult, Array | None]:
        if vector is None or memory is None:
            fitting.check_end(plan, None)
        if vector is None:
            if self.n_init > 1:
                from deltarule.restarts import restart  # and with it lanes and threads

                return restart(
                    network,
                    X,
                    D,
                    plan,
                    self.n_init,
                    key=plan.key,
                    initializer=self.initializer,
                    dtype=dtype,
                    **settings,
                )
            start = initialize(network, plan.key, self.initializer, dtype)
            return train(network, start, X, D, plan, **settings), None
        vector = vector.astype(dtype, copy=False)
        if memory is None:
            return train(network, Parameters(network, vector), X, D, plan, **settings), None
        state = fitting.starting_state(memory, network, vector, plan)
        fitting.check_end(plan, state.horizon)
        return train(network, state, X, D, plan, **settings), None

    def _earlier(self, memory: fitting.Memory | None) -> History:
        """The epochs before a fit that goes on; a loaded model has its losses only."""
        if memory is not None:
            return memory.history
        return History(list(getattr(self, "loss_curve_", [])))

    def _build_network(self, inputs: int, known: Network | None) -> Network:
        columns = (inputs, self._output_columns(), self._output_activation())
        described = fitting.describe(self, *columns)
        if known is not None and self.__dict__.get("_described") == described:
            return known  # and its session: a stream of single rows would pay for them each time
        network = fitting.build_network(self, *columns)
        if known is not None and (network.units, network.size) != (known.units, known.size):
            raise InvalidParameterError(
                f"the network must keep its widths {known.units} and its biases between fits with "
                f"warm_start or partial_fit (got {network.units} with "
                f"fit_intercept={self.fit_intercept}). Set warm_start=False, or start from a "
                "clone."
            )
        self._set_network(network)
        self._described = described
        return network

    def _set_network(self, network: Network) -> None:
        self._network = network
        self._session = KeptSession(network, self.engine, self._threads())
        self._score_session = self._session
        self.n_outputs_ = network.n_outputs
        self.n_layers_ = len(network.layers) + 1
        self.out_activation_ = network.output_activation.name
        if self.out_activation_ == "sign":
            self._score_session = KeptSession(before_sign(network), self.engine, self._threads())

    def _threads(self) -> int | None:
        """``n_threads`` as Python's own integer, which engines ask for."""
        return None if self.n_threads is None else int(self.n_threads)

    def _validation(self, plan: TrainingPlan, held: fitting.Rows, dtype: Any) -> Validation:
        stopping = plan.early_stopping
        assert stopping is not None
        D = self._target(held.y, dtype)
        score: Score | Callable[[Array], float] = self._score()
        if stopping.scorer is not None:
            score = fitting.scorer_judge(self, stopping.scorer, held)
        return Validation(self._inputs(held.X, dtype), D, held.weight, score)

    def _task_observer(self, tasks: EpochTasks | None) -> Any:
        if tasks is None:
            return None

        def tell(report: EpochReport) -> bool:
            return tasks.end_epoch(lambda: self._as_fitted(report.parameters()))

        return tell

    def _as_fitted(self, parameters: Parameters) -> dict[str, Any]:
        coefs, intercepts = _views(parameters.network, parameters.vector)
        return {"coefs_": coefs, "intercepts_": intercepts}

    # ------------------------------------------------------------ standardising

    def _measure_inputs(self, X: Any, weight: Array | None) -> None:
        self._standardizer = None if self.standardize is None else Standardizer.measure(X, weight)
        found = self._standardizer
        self.input_center_ = None if found is None else found.center
        self.input_scale_ = None if found is None else found.scale

    def _measure_target(self, y: Any, weight: Array | None) -> None:
        """Centre and scale of the target, where there is something to scale."""

    def _inputs(self, X: Any, dtype: Any) -> Any:
        """Rows as the network sees them."""
        X = checks.as_engine_input(X, dtype)
        return X if self._standardizer is None else self._standardizer.apply(X)

    # ------------------------------------------------------------ what a fit publishes

    def _keep(
        self,
        result: TrainingResult,
        plan: TrainingPlan,
        objectives: Array | None,
        rows: int,
        memory: fitting.Memory | None,
        earlier: History | None,
    ) -> None:
        """Publish a result; with `earlier` epochs it went on from them, and they grow in place."""
        history, state = result.history, result.state
        if earlier is not None:
            earlier.extend(history)
            history = earlier
        key = plan.key if memory is None else memory.key
        failed = result.stop_reason is StopReason.NON_FINITE
        scores = list(history.validation_score)
        if failed and plan.early_stopping is not None:
            scores.append(float("nan"))
        judged = plan.early_stopping is not None
        self._publish(result.parameters)
        self._memory = fitting.Memory(
            state, history, key, plan.optimizer, result.parameters.vector, result.stop_reason
        )
        self.loss_curve_ = history.loss
        self.loss_ = history.loss[-1] if history.loss else float("nan")
        self.best_loss_ = None if judged else state.best_loss
        self.validation_scores_ = scores if judged else None
        self.validation_loss_curve_ = list(history.validation_loss) if judged else None
        self.best_validation_score_ = state.best_score if judged else None
        self.n_iter_ = result.epochs
        self.t_ = result.epochs * rows + (0 if earlier is None else getattr(self, "t_", 0))
        self.engine_, self.road_ = result.engine, result.road
        self.stop_reason_ = result.stop_reason
        if objectives is not None:
            self.restarts_ = objectives
        elif earlier is None:
            self.restarts_ = np.array([self.loss_])

    def _objective(
        self, network: Network, result: TrainingResult, X: Any, D: Array, weight: Any, plan: Any
    ) -> float:
        """The objective of a solver that had no step to take."""
        return float(
            functional.objective(
                network, result.parameters, X, D, weight, plan.penalty, engine=self.engine
            )
        )

    def _publish(self, parameters: Parameters) -> None:
        vector = parameters.vector.copy()
        self.coefs_, self.intercepts_ = _views(parameters.network, vector)
        self._vector = vector
        self._issued = (*self.coefs_, *self.intercepts_)

    def _current_vector(self, network: Network) -> Array:
        """What ``coefs_`` and ``intercepts_`` say now, as one vector."""
        present = (*self.coefs_, *self.intercepts_)
        issued = self.__dict__.get("_issued", ())
        if len(present) == len(issued) and all(
            now is then for now, then in zip(present, issued, strict=True)
        ):
            return self._vector
        _check_no_bias(network, self.intercepts_)
        return _gathered(network, self.coefs_, self.intercepts_)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        # Views of one vector would be pickled apart; sessions are never pickled.
        for name in ("_vector", "_issued", "_session", "_score_session", "_described"):
            state.pop(name, None)
        memory = state.get("_memory")
        if memory is not None:  # lists that grow in place: a copy must not grow with this one
            history = memory.history.copy()
            if state.get("loss_curve_") is memory.history.loss:
                state["loss_curve_"] = history.loss
            state["_memory"] = replace(memory, history=history)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_network" in self.__dict__:
            self._set_network(self._network)

    # ------------------------------------------------------------ prediction

    def _outputs(self, X: Any, *, scores: bool = False) -> Array:
        """The network's outputs for rows as a user gives them, shape (rows, outputs).

        With ``scores``, a sign output gives the z that it judges.
        """
        if "_given_outputs" in self.__dict__:  # a stand-in of fitting.scorer_judge
            given: Array = self._given_outputs
            return given
        self._check_fitted()
        X = checks.check_rows(self, X)
        vector = self._current_vector(self._network)
        session = self._score_session if scores else self._session
        X = checks.as_engine_input(X, vector.dtype)
        if self._standardizer is None:
            return session.outputs(vector, X)
        parts = [session.outputs(vector, part) for part in self._standardizer.parts(X)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _check_fitted(self) -> None:
        """Refuse, in scikit-learn's words, what was not fitted."""
        known = self.__dict__
        if "coefs_" not in known or "_network" not in known:  # its own check takes tags first
            check_is_fitted(self, ["coefs_", "_network"])

    def predictor(self) -> Any:
        """A light callable for rows: a prediction in about a microsecond.

        Returns
        -------
        predict : ClassPredictor or NumberPredictor
            ``predict(x)`` is the class of a row, or a float (the outputs of a row where there are
            several); ``predict.outputs(x)`` is what the network says, ``predict.proba(x)`` of a
            classifier its probabilities; arrays of rows give arrays. It is a copy of the numbers
            as they are now.

        See Also
        --------
        predict : The same for many rows at once, faster from some dozens on.

        Examples
        --------
        >>> import deltarule as dr
        >>> X, y = [[0.0, 1.0], [1.0, 0.0], [0.1, 0.9], [0.9, 0.2]], ["no", "yes", "no", "yes"]
        >>> model = dr.MLPClassifier((), solver="lbfgs", random_state=0).fit(X, y)
        >>> predict = model.predictor()
        >>> str(predict([0.8, 0.3]))
        'yes'
        >>> model = dr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0)
        >>> predict = model.set_params(random_state=0).fit(X, [1.0, 3.0, 1.2, 2.8]).predictor()
        >>> round(predict([0.5, 0.5]), 2)
        2.0
        """
        self._check_fitted()
        vector = self._current_vector(self._network).copy()
        return self._predictor(Frozen(self._network, vector, self._standardizer, self.engine))

    @abstractmethod
    def _predictor(self, frozen: Frozen) -> Predictor:
        """What tells the outputs of frozen numbers as predictions."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _views(network: Network, vector: Array) -> tuple[list[Array], list[Array]]:
    """The weights and biases of a dense network as scikit-learn lays them out."""
    coefs: list[Array] = []
    intercepts: list[Array] = []
    for index, layer in enumerate(network.layers):
        blocks = {slot.block.name: slot.view(vector) for slot in network.slots(index)}
        coefs.append(blocks["weight"])
        if "bias" in blocks:
            intercepts.append(blocks["bias"])
        else:
            none = np.zeros(layer.units, dtype=vector.dtype)
            none.flags.writeable = False
            intercepts.append(none)
    return coefs, intercepts


def _check_no_bias(network: Network, intercepts: list[Any]) -> None:
    """Refuse assigned biases of layers that have none."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Dense) and not layer.bias and np.any(intercepts[index]):
            raise InvalidParameterError(
                f"intercepts_[{index}] must be zeros with fit_intercept=False (got "
                f"{np.asarray(intercepts[index])}). Assign zeros, or fit with fit_intercept=True."
            )


def _gathered(network: Network, coefs: list[Any], intercepts: list[Any]) -> Array:
    dtypes = [np.asarray(part).dtype for part in (*coefs, *intercepts)]
    kind = np.result_type(*dtypes)
    vector = np.empty(network.size, dtype=kind if kind in checks.FLOATS else np.float64)
    for slot in network.layout:
        name = "coefs_" if slot.block.name == "weight" else "intercepts_"
        part = np.asarray((coefs if name == "coefs_" else intercepts)[slot.layer])
        if part.shape != slot.block.shape:
            raise InvalidShapeError(
                f"{name}[{slot.layer}] must have shape {slot.block.shape} (got {part.shape}). "
                "It is what the widths of the layers ask for."
            )
        slot.view(vector)[...] = part
    return vector
