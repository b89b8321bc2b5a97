"""What both tabular estimators share: the fit, from a table to an ensemble.

The way of a fit: the plan of the columns → inputs; the target → columns of numbers; folds; the
linear model on each; the networks, each on all rows but its fold; and by what they said of rows
that they had not learned from, how much is believed of either (`blend`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from deltarule.definitions import Array
from deltarule.engines import thread_count
from deltarule.estimators.fitting import draw_key
from deltarule.estimators.parameters import words
from deltarule.exceptions import (
    InvalidShapeError,
    NonFiniteError,
    TableError,
    TableWarning,
    TrainingStoppedWarning,
    warn,
)
from deltarule.losses import Loss
from deltarule.many import train_many
from deltarule.network import Network, Parameters
from deltarule.plans import EpochReport, TrainingResult, Validation
from deltarule.random import Stream, derive
from deltarule.starts import initialize_by_data
from deltarule.stopping import StopReason
from deltarule.tables import blend, border
from deltarule.tables.blend import Held
from deltarule.tables.budget import Budget
from deltarule.tables.ensemble import LINEAR_PENALTIES, Voices, train_linear
from deltarule.tables.fineness import deviations
from deltarule.tables.folds import Fold, folds
from deltarule.tables.recipe import (
    PRESETS,
    Recipe,
    build_columns,
    build_network,
    build_plan,
    choose_recipe,
)


class BaseTabular(BaseEstimator, ABC):
    """Base of `TabularClassifier` and `TabularRegressor`; not to be used alone."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "preset": [words(*PRESETS)],
        "time_budget": [Interval(Real, 0, None, closed="neither"), None],
        "categorical": ["array-like"],
        "text": [words("refuse", "hash", "ignore")],
        "missing_target": [words("drop", "refuse")],
        "random_state": ["random_state"],
        "engine": [words("auto", "compiled", "reference")],
        "n_threads": [Integral, None],
        "verbose": ["verbose"],
    }

    # ------------------------------------------------------------ what a kind of estimator says

    @abstractmethod
    def _read_target(self, y: Any) -> Array:
        """The target as an array of shape (rows,) or (rows, columns), holes and all."""

    @abstractmethod
    def _learn_target(self, y: Array, weight: Array | None) -> None:
        """Measure what the target's columns mean, on rows that all have one."""

    @abstractmethod
    def _encoded(self, y: Array) -> Array:
        """The target's columns as networks learn them, float32 of shape (rows, columns)."""

    @abstractmethod
    def _head(self) -> tuple[str, Loss]:
        """Output activation and loss."""

    @abstractmethod
    def _judge(self, D: Array, weight: Array | None) -> Callable[[Array], float] | None:
        """What judges an epoch on held rows with these targets; None: their loss."""

    @abstractmethod
    def _weigh(self, held: Held) -> None:
        """Decide how much is believed of networks and linear model, by rows new to both."""

    def _class_weighted(self, y: Array, weight: Array | None) -> Array | None:
        """The sample weights, times those of the classes."""
        return weight

    def _groups(self, y: Array) -> Array | None:
        """The classes whose shares folds keep; None without."""
        return None

    # ------------------------------------------------------------ fit

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        budget = Budget(self.time_budget)
        table = border.table_of(self, X, reset=True)
        y = self._read_target(y)
        known, weight = self._usable_rows(table.rows, y, sample_weight)
        if not known.all():
            table, y = table.take(np.flatnonzero(known)), border.settled(y[known])
        self._learn_target(y, weight)
        weight = self._class_weighted(y, weight)
        if weight is not None and not weight.all():  # a row of no weight is no row
            heavy = np.flatnonzero(weight)
            table, y, weight = table.take(heavy), y[heavy], weight[heavy]
        self.columns_ = build_columns(table, self._categorical(table), self.text)
        A, D = self.columns_.transform(table), self._encoded(y)
        self._train(A, self.columns_.straight(table, A), D, weight, self._groups(y), budget)
        return self

    def _categorical(self, table: Any) -> list[str]:
        """The columns that are to be taken as words, by name."""
        return border.named(self.categorical, table.names, "categorical")

    def _usable_rows(self, rows: int, y: Array, sample_weight: Any) -> tuple[Array, Array | None]:
        """True for rows with a target, and the weights of these."""
        _refuse_other_lengths(rows, len(y))
        known = ~border.missing(y)
        self.n_dropped_rows_ = int(len(known) - known.sum())
        self._tell_of_dropped(known, y)
        weight = border.weights(sample_weight, rows)
        weight = None if weight is None else weight[known]
        count = int(known.sum() if weight is None else np.count_nonzero(weight))
        if count < 2:
            raise TableError(
                "at least 2 rows with a target are needed, one to learn from and one to judge by "
                f"(got {count}, n_samples={rows}). Give more rows."
            )
        return known, weight

    def _tell_of_dropped(self, known: Array, y: Array) -> None:
        missing = np.flatnonzero(~known)
        if not len(missing):
            return
        what = "no target" if y.ndim == 1 else f"not all of their {y.shape[1]} targets"
        found = (
            f"{len(missing)} of {len(known)} rows have {what} (the first is row {missing[0] + 1})"
        )
        if self.missing_target == "refuse":
            raise TableError(
                f"{found}. Fill the target, remove these rows, or set missing_target='drop'."
            )
        warn(f"{found}: they are left out.", TableWarning)

    def _train(
        self,
        A: Array,
        straight: Array,
        D: Array,
        weight: Array | None,
        groups: Array | None,
        budget: Budget,
    ) -> None:
        key = draw_key(self.random_state)
        activation, loss = self._head()
        numbers = self.columns_.numeric_inputs.tolist()
        recipe = choose_recipe(
            self.preset,
            rows=len(A),
            numbers=len(numbers),
            classes=loss.name == "log_loss",
        )
        fine = deviations(A, numbers, recipe.deviation)
        network = build_network(recipe, A.shape[1], numbers, fine, D.shape[1], activation, loss)
        recipe = budget.fitted(recipe, network, A, D, thread_count(self.n_threads), self.engine)
        parts = folds(recipe.members, len(A), key, groups)
        lines = self._linear_models(straight, D, weight, parts, budget)
        recipe = budget.shortened(recipe, len(A), thread_count(self.n_threads))
        results = self._networks(network, recipe, parts, A, D, weight, key, budget)
        self._publish(results, recipe, parts, A, straight, D, weight, lines)

    def _linear_models(
        self, A: Array, D: Array, weight: Array | None, parts: list[Fold], budget: Budget
    ) -> list[Parameters]:
        """One for each fold and, at the end, one of all rows.

        Of numbers a second penalty is tried, and taken where it is surely better on held rows.
        """
        activation, loss = self._head()
        usual, weaker = LINEAR_PENALTIES
        choose = loss.name != "log_loss"
        seconds = budget.share(0.2 / ((1 + choose) * len(parts) + 1))

        def learned(rows: Array, penalty: float) -> Parameters:
            return train_linear(
                A[rows],
                D[rows],
                None if weight is None else weight[rows],
                activation,
                loss,
                self.engine,
                self.n_threads,
                self.columns_.numeric_inputs,
                penalty,
                seconds,
            )

        def held_losses(lines: list[Parameters]) -> Array:
            told = [
                self._voices([line]).mean(A[part.held])
                for line, part in zip(lines, parts, strict=True)
            ]
            each: Array = loss.value(np.concatenate(told), D[held].astype(np.float64)).sum(axis=1)
            return each

        penalty, lines = usual, [learned(part.training, usual) for part in parts]
        if choose:
            held = np.concatenate([part.held for part in parts])
            others = [learned(part.training, weaker) for part in parts]
            gained = held_losses(lines) - held_losses(others)
            if blend.surely_positive(gained, None if weight is None else weight[held]):
                penalty, lines = weaker, others
        return [*lines, learned(np.arange(len(A)), penalty)]

    def _networks(
        self,
        network: Network,
        recipe: Recipe,
        parts: list[Fold],
        A: Array,
        D: Array,
        weight: Array | None,
        key: int,
        budget: Budget,
    ) -> list[TrainingResult]:
        """Train every member on its fold."""
        keys = [derive(key, Stream.INITIAL, member) for member in range(len(parts))]
        judged = []
        for part in parts:
            held = None if weight is None else weight[part.held]
            score = self._judge(D[part.held], held)
            judged.append(Validation(A[part.held], D[part.held], held, score))
        starts = [
            initialize_by_data(network, A[part.training], one, dtype=A.dtype)
            for part, one in zip(parts, keys, strict=True)
        ]
        seconds = budget.each(len(parts), thread_count(self.n_threads))
        plans = [
            replace(build_plan(recipe, len(part.training), one), max_seconds=seconds)
            for part, one in zip(parts, keys, strict=True)
        ]
        return train_many(
            network,
            starts,
            A,
            D,
            plans,
            sample_weight=weight,
            validation=judged,
            rows=[part.training for part in parts],
            observer=self._observer(len(parts), recipe.epochs),
            engine=self.engine,
            n_threads=self.n_threads,
        )

    def _observer(
        self, members: int, epochs: int
    ) -> Callable[[int, EpochReport], bool | None] | None:
        """What is told of every epoch: to the command, or printed with ``verbose``."""
        told: Callable[[int, int, EpochReport], None] | None = self.__dict__.get("_told")
        if told is not None:
            return lambda member, report: told(members, member, report)
        if not self.verbose:
            return None

        def say(member: int, report: EpochReport) -> None:
            print(  # noqa: T201  what verbose asks for
                f"Network {member + 1} of {members}, epoch {report.epoch} of {epochs}, "
                f"loss = {report.loss:.8f}, held rows {report.validation_score:.6f}",
                flush=True,
            )

        return say

    def _publish(
        self,
        results: list[TrainingResult],
        recipe: Recipe,
        parts: list[Fold],
        A: Array,
        straight: Array,
        D: Array,
        weight: Array | None,
        lines: list[Parameters],
    ) -> None:
        trained = _trained(results)
        self.recipe_, self._network = recipe, results[trained[0]].parameters.network
        self.members_ = [results[at].parameters for at in trained]
        # Without the seconds: the same seed makes the same model.
        self.histories_ = [replace(results[at].history, seconds=[]) for at in trained]
        self.engine_ = results[trained[0]].engine
        found = [
            Held(
                networks=self._voices([results[at].parameters]).mean(A[parts[at].held]),
                linear=self._voices([lines[at]]).mean(straight[parts[at].held]),
                target=D[parts[at].held],
                weight=None if weight is None else weight[parts[at].held],
            )
            for at in trained
        ]
        self._weigh(blend.joined(found))
        self.linear_ = lines[-1]
        self._ask()

    def _ask(self) -> None:
        """Make ready to answer."""
        self._asked = self._voices(self.members_), self._voices([self.linear_])

    # ------------------------------------------------------------ prediction

    def _voices(self, members: list[Parameters]) -> Voices:
        return Voices(members, self.engine, self.n_threads)

    def _inputs(self, X: Any) -> tuple[Array, Array]:
        """The inputs of networks and linear model for rows as a user gives them."""
        check_is_fitted(self, "members_")
        named = hasattr(self, "feature_names_in_")
        table = border.table_of(self, X, reset=False)
        table = self.columns_.found_in(table, extra="warn", by_name=named)
        A = self.columns_.transform(table)
        return A, self.columns_.straight(table, A)

    def _spoken(self, X: Any) -> tuple[Array, Array]:
        """What networks and linear model say, before they are weighed."""
        (A, straight), (networks, line) = self._inputs(X), self._asked
        return networks.mean(A), line.mean(straight)

    def _judged(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array | None]:
        """Targets, predictions and weights of the rows that have a target, for `score`."""
        y, told = self._read_target(y), self.predict(X)
        _refuse_other_lengths(len(told), len(y))
        known = ~border.missing(y)
        self._tell_of_dropped(known, y)
        weight = border.weights(sample_weight, len(y))
        if not (known if weight is None else known & (weight > 0)).any():
            heavy = "" if weight is None else " and a weight above 0"
            raise TableError(
                f"a score needs rows with a target{heavy} (got none in {len(y)} rows). Give rows "
                "whose target is known."
            )
        return border.settled(y[known]), told[known], None if weight is None else weight[known]

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """The prediction for every row."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.multi_output = True
        return tags


def _refuse_other_lengths(rows: int, entries: int) -> None:
    if entries != rows:
        raise InvalidShapeError(
            f"Found input variables with inconsistent numbers of samples: X must have a row for "
            f"every entry of y, {entries} (got {rows}). Give both of one table."
        )


def _trained(results: list[TrainingResult]) -> list[int]:
    """The places of the networks that got on; a warning where an interrupt left some behind.

    Raises
    ------
    KeyboardInterrupt
        If none had begun.
    NonFiniteError
        If the numbers of all ran away before the end of their first epoch.
    """
    lost = [
        result.stop_reason is StopReason.NON_FINITE and not result.history.loss
        for result in results
    ]
    if all(lost):
        raise NonFiniteError(
            "The objective of every network became infinite or NaN in its first epoch. Give the "
            "target and the sample weights in smaller units."
        )
    found = [
        place for place, result in enumerate(results) if result.state.step > 0 and not lost[place]
    ]
    if not found:
        raise KeyboardInterrupt
    if any(result.stop_reason is StopReason.INTERRUPTED for result in results):
        warn(
            f"Training interrupted: {len(found)} of {len(results)} networks are kept as far as "
            "they had come. Fit again for all of them.",
            TrainingStoppedWarning,
        )
    return found
