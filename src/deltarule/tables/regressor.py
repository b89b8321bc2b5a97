"""`TabularRegressor`: numbers from a table as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from deltarule.activations import Ascending
from deltarule.definitions import Array, choose
from deltarule.estimators import quantiles
from deltarule.estimators.parameters import words
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError
from deltarule.losses import LOSSES, Loss, Quantile
from deltarule.scores import R2
from deltarule.tables import blend, border
from deltarule.tables.base_tabular import BaseTabular
from deltarule.tables.blend import Held

#: Losses of targets that may be standardized.
PLAIN_LOSSES = ("squared_error", "absolute_error", "huber", "quantile")


class TabularRegressor(RegressorMixin, BaseTabular):
    """A regressor for a table as it is: words, dates, holes and numbers of any scale.

    An ensemble of networks by a recipe that needs no tuning, blended with a linear model as far as
    that helps on rows that neither has seen. Targets are standardized inside, and predictions stay
    in the range of the targets that were learned from.

    Parameters
    ----------
    preset : {"fast", "default", "best"}, default="default"
        How much work: one network, or three on a small table; five; eight, wider on all but small
        tables. See ``docs/tables.md``.
    loss : {"squared_error", "absolute_error", "huber", "quantile"} or Loss, default="squared_error"
        What is made small, in units of the standardized target. With several quantiles,
        ``dr.losses.Quantile((0.05, 0.5, 0.95))``, there are `predict_quantiles` and
        `predict_interval`.
    time_budget : float or None, default=None
        Seconds that a `fit` may take. Of what the preset wants, epochs and networks are taken away
        until it fits. None sets no limit.
    categorical : sequence of str or int, default=()
        Columns of numbers that name kinds, by name or by place.
    text : {"refuse", "hash", "ignore"}, default="refuse"
        What to do with columns of free text.
    missing_target : {"drop", "refuse"}, default="drop"
        Whether rows without a target are left out, and counted in a warning, or refused.
    random_state : int, RandomState instance or None, default=None
        Folds, first weights and the order of the rows; an int for the same fit every time.
    engine : {"auto", "compiled", "reference"}, default="auto"
    n_threads : int or None, default=None
        As for `MLPRegressor`; the numbers do not depend on it.
    verbose : bool or int, default=False
        Whether every epoch is told.

    Attributes
    ----------
    columns_ : ColumnPlan
        What every column was taken for; ``print(model.columns_.describe())``.
    recipe_ : Recipe
        How the networks look and were trained.
    members_ : list of Parameters
        Their numbers.
    linear_ : Parameters
        Those of the linear model.
    shares_ : ndarray of shape (n_outputs,)
        How much of each target is told by the networks, 0 to 1; the rest by the linear model.
    offsets_ : ndarray of shape (n_outputs,)
        What is added to each quantile, in standard deviations of the target, so that as many rows
        as it says lie below it, of those that were not learned from; 0 without quantiles.
    held_score_ : float
        R² on these rows, each predicted by the network that had not seen it; with quantiles NaN.
    target_range_ : tuple of two ndarrays of shape (n_targets,)
        The lowest and the highest target, between which predictions stay.
    histories_ : list of History
    n_dropped_rows_ : int
        Rows without a target that `fit` left out.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    engine_ : str

    Examples
    --------
    >>> import deltarule as dr
    >>> table = {"size": [30, None, 52, 70] * 20, "city": ["Oslo", "Rome", None, "Oslo"] * 20}
    >>> rent = [900, 1100, 1300, 2000] * 20
    >>> model = dr.TabularRegressor("fast", random_state=0).fit(table, rent)
    >>> model.predict({"size": [70], "city": ["Oslo"]}).round(-2).tolist()
    [2000.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTabular._parameter_constraints,
        "loss": [words(*PLAIN_LOSSES), Loss],
    }

    def __init__(
        self,
        preset: str = "default",
        *,
        loss: Any = "squared_error",
        time_budget: float | None = None,
        categorical: Any = (),
        text: str = "refuse",
        missing_target: str = "drop",
        random_state: Any = None,
        engine: str = "auto",
        n_threads: int | None = None,
        verbose: Any = False,
    ) -> None:
        self.preset = preset
        self.loss = loss
        self.time_budget = time_budget
        self.categorical = categorical
        self.text = text
        self.missing_target = missing_target
        self.random_state = random_state
        self.engine = engine
        self.n_threads = n_threads
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularRegressor:
        """Learn a table.

        Parameters
        ----------
        X : frame of pandas, polars or pyarrow, mapping of columns, or array
            Of shape (n_samples, n_features), holes and words included.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Finite numbers; what of it is missing, NaN or None, is told by ``missing_target``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of at least 0, not all 0.

        Returns
        -------
        self : TabularRegressor

        Raises
        ------
        TableError
            If a column cannot be read, or no column or row is left to learn from.
        """
        return self._fit(X, y, sample_weight)  # type: ignore[no-any-return]

    def _read_target(self, y: Any) -> Array:
        found = border.numbers_of(y)
        if found.ndim == 2 and found.shape[1] == 1:
            found = column_or_1d(found, warn=True)
        return found

    def _learn_target(self, y: Array, weight: Array | None) -> None:
        self._loss = choose(self.loss, LOSSES, "loss")
        if self._loss.name not in PLAIN_LOSSES:
            raise InvalidParameterError(
                f"loss must be one of {', '.join(map(repr, PLAIN_LOSSES))} (got "
                f"{self._loss.name!r}). For others there is MLPRegressor."
            )
        self._single = y.ndim == 1
        columns = y.reshape(len(y), -1)
        self._standardizer = Standardizer.measure(columns, weight, "y")
        learned = columns if weight is None else columns[weight > 0]
        self.target_range_ = learned.min(axis=0), learned.max(axis=0)

    def _fitted_levels(self) -> tuple[float, ...]:
        return quantiles.levels_of(self.__dict__.get("_loss", self.loss))

    def _encoded(self, y: Array) -> Array:
        D = self._standardizer.apply(y.reshape(len(y), -1))
        if self._fitted_levels():  # a column for each quantile of each target
            D = np.repeat(D, len(self._fitted_levels()), axis=1)
        return np.ascontiguousarray(D, dtype=np.float32)

    def _head(self) -> tuple[Any, Loss]:
        levels = self._fitted_levels()
        return Ascending(len(levels)) if levels else "identity", self._loss

    def _judge(self, D: Array, weight: Array | None) -> Callable[[Array], float] | None:
        return None

    def _weigh(self, held: Held) -> None:
        D, outputs = held.target, held.target.shape[1]
        self.shares_, self.offsets_ = blend.of_numbers(self._loss, held), np.zeros(outputs)
        told = self._blended(held.networks, held.linear)
        if isinstance(self._loss, Quantile):
            levels = np.resize(self._fitted_levels() or self._loss.levels, outputs)
            self.offsets_ = blend.offsets(told, D, levels, held.weight)
        self.held_score_ = float("nan")
        if not self._fitted_levels():
            told = told + self.offsets_
            self.held_score_ = float(R2().value(told, D, held.weight))

    def _blended(self, networks: Array, linear: Array) -> Array:
        told: Array = self.shares_ * networks + (1 - self.shares_) * linear + self.offsets_
        return told

    def _columns_of(self, X: Any) -> Array:
        """Predictions in the target's own units and range, (rows, targets, quantiles or 1)."""
        z = self._blended(*self._spoken(X))
        count = max(len(self._fitted_levels()), 1)
        low, high = (end[:, np.newaxis] for end in self.target_range_)
        found = quantiles.in_own_units(z, count, self._standardizer)
        # What calibration has moved may cross where two quantiles lie close together.
        told: Array = np.clip(np.sort(found, axis=2), low, high)
        return told

    # ------------------------------------------------------------ prediction

    def predict(self, X: Any) -> Array:
        """The prediction for every row.

        Parameters
        ----------
        X : frame, mapping of columns, or array of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            In the target's own units, between the lowest and the highest that was learned from. Of
            several quantiles the one next to the median.
        """
        told = self._columns_of(X)
        place = quantiles.middle(self._fitted_levels()) if self._fitted_levels() else 0
        return told[:, 0, place] if self._single else told[:, :, place]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² of the predictions: 1 where they are exact, 0 for the mean of ``y``.

        Parameters
        ----------
        X : frame, mapping of columns, or array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Rows without a target are left out, or refused, as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float
            Of several targets the mean of theirs.

        Raises
        ------
        TableError
            If no row has a target.

        Examples
        --------
        >>> import deltarule as dr
        >>> x = [[float(i)] for i in range(40)]
        >>> model = dr.TabularRegressor("fast", random_state=0).fit(x, range(40))
        >>> model.score(x, range(40)) > 0.95
        True
        """
        from sklearn.metrics import r2_score

        y, told, weight = self._judged(X, y, sample_weight)
        return float(r2_score(y, told, sample_weight=weight))

    @available_if(quantiles.has_quantiles)
    def predict_quantiles(self, X: Any) -> Array:
        """All quantiles of a loss that has several, for every row.

        Parameters
        ----------
        X : frame, mapping of columns, or array of shape (n_samples, n_features)

        Returns
        -------
        quantiles : ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In the target's own units; they never fall from one to the next.

        Notes
        -----
        They are moved by ``offsets_``, so that of the rows that were not learned from as many lie
        below each as it says: the idea of Romano, Patterson and Candès (2019),
        https://arxiv.org/abs/1905.03222, for each level by itself.
        """
        told = self._columns_of(X)
        return told[:, 0] if self._single else told

    @available_if(quantiles.has_quantiles)
    def predict_interval(self, X: Any, coverage: float | None = None) -> Array:
        """The interval between two quantiles for every row.

        Parameters
        ----------
        X : frame, mapping of columns, or array of shape (n_samples, n_features)
        coverage : float, default=None
            The share of the targets that is to lie between them, 1 - 2 · low for the levels low and
            1 - low. None takes the widest of these pairs.

        Returns
        -------
        interval : ndarray of shape (n_samples, 2) or (n_samples, n_targets, 2)

        Raises
        ------
        InvalidParameterError
            If no two of the quantiles have this share between them.

        Examples
        --------
        >>> import numpy as np, deltarule as dr
        >>> X = np.linspace(-1, 1, 80).reshape(-1, 1)
        >>> loss = dr.losses.Quantile((0.1, 0.5, 0.9))
        >>> model = dr.TabularRegressor("fast", loss=loss, random_state=0).fit(X, X[:, 0] ** 2)
        >>> model.predict_interval(X, coverage=0.8).shape
        (80, 2)
        """
        places = quantiles.interval(self._fitted_levels(), coverage)
        ends: Array = self.predict_quantiles(X)[..., list(places)]
        return ends
