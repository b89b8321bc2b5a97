"""What both estimators share: the fit.

The way of a fit: checked rows → target columns → network and plan → `train` → ``coefs_`` and
``intercepts_``. Its parameters stand in `parameters`, what it publishes in `published`, and what a
fitted estimator answers with in `answers`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from deltarule import functional
from deltarule.definitions import Array
from deltarule.estimators import checks, fitting, networks, options
from deltarule.estimators.answers import Answers
from deltarule.estimators.callback_support import (
    CallbackSupportMixin,
    EpochTasks,
    has_callbacks,
)
from deltarule.estimators.learner import Learner
from deltarule.estimators.published import views
from deltarule.estimators.row_targets import RowTarget
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Network, Parameters, initialize
from deltarule.plans import EpochReport, History, Judge, TrainingPlan, TrainingResult, Validation
from deltarule.scores import Score
from deltarule.training import train

#: What `fit` was given where it was given no validation rows.
NO_ROWS = fitting.Rows(None, None, None)


class BaseMLP(CallbackSupportMixin, Answers, ABC):
    """Base of `MLPClassifier`, `MLPRegressor` and `MultiTaskMLP`; not to be used alone."""

    # ------------------------------------------------------------ what a kind of estimator says

    @abstractmethod
    def _prepare(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        """Checked rows and target; on a first fit, what the target's columns mean."""

    @abstractmethod
    def _output_columns(self) -> int:
        """Width of the target."""

    @abstractmethod
    def _output_activation(self) -> Any:
        """The output activation that the parameters stand for: a name or an object."""

    @abstractmethod
    def _target(self, y: Any, dtype: Any) -> Array:
        """The target's columns as the network is trained on them."""

    def _training_target(self, y: Any, dtype: Any) -> Array:
        """The same for the rows that are trained on."""
        return self._target(y, dtype)

    @abstractmethod
    def _judging(self, validation: fitting.Rows) -> fitting.Rows:
        """Validation rows as a user gives them, checked against the training rows."""

    @abstractmethod
    def _row_target(self, dtype: Any) -> RowTarget:
        """What the target of a stream's row means."""

    @abstractmethod
    def _score(self) -> Score | None:
        """What judges the network's outputs against target rows; None: their loss does."""

    def _check_combination(self, *, judged: bool, stream: str | None) -> None:
        """Refuse parameters that make no sense together, before any work.

        ``stream`` is the method that learns from rows as they come; None for `fit`.
        """

    def _class_weighted(self, y: Any, weight: Array | None, *, incremental: bool) -> Array | None:
        """The sample weights, times those of the classes."""
        return weight

    def _with_target(self, rows: fitting.Rows, *, incremental: bool) -> fitting.Rows:
        """The rows that there is something to learn from: all where each has its target."""
        return rows

    def _calibrate(self, validation: Validation) -> None:
        """Measure on the validation rows what probabilities need, where that is asked for."""

    def _groups(self, y: Any) -> Array | None:
        """The classes whose shares a split keeps; None without."""
        return None

    # ------------------------------------------------------------ fit

    @contextmanager
    def _announcing(self, *names: str) -> Iterator[None]:
        """Take these attributes back to what they were where a call is refused after all.

        What was announced holds for all later calls, so that only a call that trains may do it.
        """
        known = self.__dict__
        before = {name: known[name] for name in names if name in known}
        weights = known.get("_vector")
        try:
            yield
        except BaseException:
            if known.get("_vector") is weights:  # a training that failed has published some
                for name in names:
                    known.pop(name, None)
                known.update(before)
            raise

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: fitting.Rows = NO_ROWS,
        *,
        incremental: bool = False,
        steps: bool = True,
    ) -> Any:
        """Train; without ``steps`` only make ready, as before the first step of a first fit."""
        given = fitting.Rows(X, y, sample_weight)
        first = not (steps and hasattr(self, "coefs_") and (self.warm_start or incremental))
        stopping = fitting.stopping_rule(self, incremental=incremental)
        judges = any(part is not None for part in validation)
        # Without steps nothing is calibrated yet: it is no matter that no rows judge.
        judged = judges or stopping is not None or not steps
        self._check_combination(judged=judged, stream="partial_fit" if incremental else None)
        X, y = self._prepare(X, y, first=first, incremental=incremental)
        weight = checks.check_weights(sample_weight, X, may_be_zero=incremental)
        weighted = self._class_weighted(y, weight, incremental=incremental)
        if weighted is not weight and weighted is not None:
            checks.check_total(weighted, X.dtype, "class_weight")
        weight = weighted
        by_scorer = stopping is not None and stopping.scorer not in (None, "loss")
        rows, held = fitting.Rows(X, y, weight), None
        if by_scorer and not judges:
            rows = rows._replace(frame=checks.as_named(given.X))
        rows = self._with_target(rows, incremental=incremental)
        memory = None if first else self._remembered()
        key = fitting.draw_key(self.random_state) if memory is None else memory.key
        if judges:
            frame = checks.as_named(validation.X) if by_scorer else None
            held = self._judging(validation._replace(frame=frame))
        elif stopping is not None:
            kept, out = fitting.split(stopping, rows.X.shape[0], key, self._groups(rows.y))
            held = rows.take(out, "validation")
            rows = rows._replace(frame=None).take(kept, "training")
        order = key if memory is None else memory.order_key
        plan = fitting.build_plan(self, rows.X.shape[0], order, stopping, incremental=incremental)
        if not steps:
            plan = replace(plan, max_epochs=0)
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
        if not first and hasattr(self, "_standardizer"):
            self._check_standardized()
        if first or not hasattr(self, "_standardizer"):
            self._measure_inputs(rows.X, rows.weight)
            self._measure_target(rows.y, rows.weight)
        known = None if first else self.__dict__.get("_network")
        network = self._build_network(rows.X.shape[1], known)
        shown = None if first else self._current(network)
        dtype = rows.X.dtype
        if shown is not None and known is not None:
            # Precision follows the first fit, whatever was assigned since.
            dtype = shown.dtype if memory is None else memory.state.parameters.dtype
        inputs, D = self._inputs(rows.X, dtype), self._training_target(rows.y, dtype)
        weight = None if rows.weight is None else rows.weight.astype(dtype, copy=False)
        validation = None if held is None else self._validation(plan, held, dtype)
        judged_by = None
        if validation is not None and plan.early_stopping is not None:
            judged_by = fitting.fingerprint(validation, plan.early_stopping.scorer)
            # What is asked is the validation's score by now.
            plan = replace(plan, early_stopping=replace(plan.early_stopping, scorer=None))
            memory = None if memory is None else memory.judged_by(judged_by)
        tasks, starts = None, self.n_init if first else 1
        if plan.max_epochs and has_callbacks(self):
            tasks = EpochTasks(self, given.X, given.y, given.weight, plan.max_epochs * starts)
        settings: dict[str, Any] = {
            "sample_weight": weight,
            "validation": validation,
            "observer": fitting.observe(
                fitting.printer(
                    self, plan.early_stopping is not None, validation is not None, starts
                ),
                self._task_observer(tasks),
                self.__dict__.get("_observer"),
            ),
            "engine": self.engine,
            "n_threads": self._threads(),
        }
        result, objectives = self._train(network, inputs, D, plan, memory, shown, dtype, settings)
        earlier = None if first else self._earlier(memory)
        judged = validation is not None
        self._keep(result, plan, objectives, rows.X.shape[0], memory, earlier, judged, judged_by)
        if not self.loss_curve_:
            self.loss_ = self._objective(network, result, inputs, D, weight, plan)
            if objectives is None:
                self.restarts_ = np.array([self.loss_])
        if validation is not None and plan.max_epochs:
            self._calibrate(validation)
        if tasks is not None:
            tasks.end()
        if objectives is not None:
            fitting.tell_kept(self, objectives)
        if plan.max_epochs:
            fitting.tell_end(self, result, plan)
        return self

    def _train(
        self,
        network: Network,
        X: Any,
        D: Array,
        plan: TrainingPlan,
        memory: fitting.Memory | None,
        shown: Parameters | None,
        dtype: Any,
        settings: dict[str, Any],
    ) -> tuple[TrainingResult, Array | None]:
        if shown is None or memory is None:
            fitting.check_end(plan, None)
        if shown is None:
            if self.n_init > 1 and plan.max_epochs:
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
        shown = shown.astype(dtype)
        if memory is None:
            return train(network, shown, X, D, plan, **settings), None
        state = fitting.starting_state(memory, network, shown, plan)
        fitting.check_end(plan, state.horizon)
        return train(network, state, X, D, plan, **settings), None

    def _earlier(self, memory: fitting.Memory | None) -> History:
        """The epochs before a fit that goes on; a loaded model has its losses only."""
        if memory is not None:
            return memory.history
        return History(list(getattr(self, "loss_curve_", [])))

    def _build_network(self, inputs: int, known: Network | None) -> Network:
        described = networks.describe(self, inputs, *self._outputs_described())
        if known is not None and self.__dict__.get("_described") == described:
            return known  # and its session: a stream of single rows would pay for them each time
        network = self._make_network(inputs)
        if known is not None and _blocks(network) != _blocks(known):
            normalization = f", normalization={self.normalization!r}" if self.normalization else ""
            raise InvalidParameterError(
                f"the network must keep its widths {known.widths}, its biases and its "
                "normalization between fits with warm_start or partial_fit (got "
                f"{network.widths} with fit_intercept={self.fit_intercept}{normalization}). Set "
                "warm_start=False, or start from a clone."
            )
        self._set_network(network)
        self._described = described
        return network

    def _outputs_described(self) -> tuple[Any, ...]:
        """All that the outputs of the network and its losses depend on."""
        return self._output_columns(), self._output_activation(), self.loss

    def _make_network(self, inputs: int) -> Network:
        """The network that the parameters describe, for so many inputs."""
        columns = self._output_columns(), self._output_activation()
        return networks.build_network(self, inputs, *columns)

    def _objective(
        self, network: Network, result: TrainingResult, X: Any, D: Array, weight: Any, plan: Any
    ) -> float:
        """The objective of a solver that had no step to take."""
        return float(
            functional.objective(
                network, result.parameters, X, D, weight, plan.penalty, engine=self.engine
            )
        )

    def _validation(self, plan: TrainingPlan, held: fitting.Rows, dtype: Any) -> Validation:
        stopping, D = plan.early_stopping, self._target(held.y, dtype)
        score: Score | Judge | None = self._score()
        if stopping is not None and stopping.scorer == "loss":
            score = None
        elif stopping is not None and stopping.scorer is not None:
            from deltarule.estimators.scorer_judge import ScorerJudge  # and scikit-learn's metrics

            score = ScorerJudge(self, stopping.scorer, held, self._flawless(held.y, dtype))
        weight = None if held.weight is None else held.weight.astype(dtype, copy=False)
        return Validation(self._inputs(held.X, dtype), D, weight, score)

    def _flawless(self, y: Any, dtype: Any) -> Array | None:
        """Outputs of a network that knows the targets; None where no scorer is tried on them."""
        return None

    def _task_observer(self, tasks: EpochTasks | None) -> Any:
        if tasks is None:
            return None

        def tell(report: EpochReport) -> bool:
            return tasks.end_epoch(lambda: self._as_fitted(report.parameters()))

        return tell

    def _as_fitted(self, parameters: Parameters) -> dict[str, Any]:
        found: dict[str, Any] = views(parameters.network, parameters.vector, parameters.buffers)
        # That of the weights before stays with the estimator until others are published.
        return {**found, "temperature_": None} if "temperature_" in self.__dict__ else found

    # ------------------------------------------------------------ standardising

    def _check_standardized(self) -> None:
        """Refuse to standardize what the network has learned as it is, and the other way round."""
        fitted = self._standardizer is not None
        if fitted != (self.standardize is not None):
            raise InvalidParameterError(
                "standardize must be as at the first fit between fits with warm_start or "
                f"partial_fit, where inputs were {'' if fitted else 'not '}standardized (got "
                f"standardize={self.standardize!r}). Set it back, or start from a clone."
            )

    def _measure_inputs(self, X: Any, weight: Array | None) -> None:
        self._standardizer = None if self.standardize is None else Standardizer.measure(X, weight)
        found = self._standardizer
        self.input_center_ = None if found is None else found.center
        self.input_scale_ = None if found is None else found.scale

    def _measure_target(self, y: Any, weight: Array | None) -> None:
        """Centre and scale of the target, where there is something to scale."""

    # ------------------------------------------------------------ streams

    @available_if(options.has_learner)
    def learner(self) -> Learner:
        """A learner for streams and control: one row a step, without scikit-learn's checks.

        Returns
        -------
        learner : Learner
            ``learner.step(x, target)`` is `partial_fit` of this row, bit for bit, on a small
            network in a microsecond or two (for a `MultiTaskMLP`, whose rows have holes, in some
            tens of them); ``learner.predict(x)`` predicts; ``learner.sync()`` puts weights,
            moments and counters back into the estimator, which is left alone until then.

        Raises
        ------
        NotFittedError
            If there are no weights yet. A first `partial_fit` announces the classes and measures
            what ``standardize`` needs.
        InvalidParameterError
            With early stopping, and with a schedule that counts on an end where no `fit` has set
            one; if the end comes in the middle of a stream, its step raises it.

        Examples
        --------
        >>> import deltarule as dr
        >>> model = dr.MLPClassifier((4,), learning_rate_init=0.1, random_state=0)
        >>> model = model.partial_fit([[0.0, 1.0]], ["no"], classes=["no", "yes"])
        >>> learner = model.learner()
        >>> for _ in range(100):
        ...     loss = learner.step([0.0, 1.0], "no") + learner.step([1.0, 0.0], "yes")
        >>> str(learner.predict([0.9, 0.1])), learner.sync().t_
        ('yes', 201)
        """
        return Learner(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _blocks(network: Network) -> list[tuple[str, tuple[int, ...]]]:
    """What numbers a network has, by name and shape."""
    slots = (*network.layout, *network.buffer_layout)
    return [(slot.block.name, slot.block.shape) for slot in slots]
