"""`TabularClassifier`: classes from a table as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils.validation import column_or_1d

from deltarule.definitions import Array, choose
from deltarule.estimators import calibration, class_weights
from deltarule.estimators.parameters import words
from deltarule.estimators.targets import ClassCode, labels_of
from deltarule.exceptions import InvalidParameterError, TableError, TableWarning, warn
from deltarule.losses import LOSSES, Loss
from deltarule.tables import blend, border
from deltarule.tables.base_tabular import BaseTabular
from deltarule.tables.blend import Held
from deltarule.tables.judging import RefinedLoss
from deltarule.tables.targets import are_nearly_all_different


class TabularClassifier(ClassifierMixin, BaseTabular):
    """A classifier for a table as it is: words, dates, holes and numbers of any scale.

    An ensemble of networks by a recipe that needs no tuning, blended with a linear model as far as
    that helps on rows that neither has seen, with probabilities calibrated on the same rows.

    Parameters
    ----------
    preset : {"fast", "default", "best"}, default="default"
        How much work: one network, or three on a small table; five; eight, wider on all but small
        tables. See ``docs/tables.md``.
    time_budget : float or None, default=None
        Seconds that a `fit` may take. Of what the preset wants, epochs and networks are taken away
        until it fits. None sets no limit.
    categorical : sequence of str or int, default=()
        Columns of numbers that name kinds, by name or by place.
    text : {"refuse", "hash", "ignore"}, default="refuse"
        What to do with columns of free text.
    missing_target : {"drop", "refuse"}, default="drop"
        Whether rows without a target are left out, and counted in a warning, or refused.
    class_weight : dict, list of dicts, "balanced" or None, default=None
        As for `MLPClassifier`.
    random_state : int, RandomState instance or None, default=None
        Folds, first weights and the order of the rows; an int for the same fit every time.
    engine : {"auto", "compiled", "reference"}, default="auto"
    n_threads : int or None, default=None
        As for `MLPClassifier`; the numbers do not depend on it.
    verbose : bool or int, default=False
        Whether every epoch is told.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    columns_ : ColumnPlan
        What every column was taken for; ``print(model.columns_.describe())``.
    recipe_ : Recipe
        How the networks look and were trained.
    members_ : list of Parameters
        Their numbers.
    linear_ : Parameters
        Those of the linear model.
    factors_ : tuple of two floats
        What the z of networks and linear model are multiplied by.
    held_score_, held_log_loss_ : float
        Accuracy and log loss on the rows of the folds, each told by the network that had not
        learned from it. The kept epochs and the factors were chosen on these rows: they are
        somewhat better than those of rows to come. Rows count by their weights there, those of
        ``class_weight`` included, as in the probabilities.
    histories_ : list of History
    n_dropped_rows_ : int
        Rows without a target that `fit` left out.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    engine_ : str

    Examples
    --------
    >>> import deltarule as dr
    >>> table = {"age": [31, None, 52, 23] * 20, "city": ["Oslo", "Rome", None, "Oslo"] * 20}
    >>> bought = ["no", "yes", "yes", "no"] * 20
    >>> model = dr.TabularClassifier("fast", random_state=0).fit(table, bought)
    >>> model.predict({"age": [50, 30], "city": [None, "Oslo"]}).tolist()
    ['yes', 'no']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTabular._parameter_constraints,
        "class_weight": [dict, list, words("balanced"), None],
    }

    def __init__(
        self,
        preset: str = "default",
        *,
        time_budget: float | None = None,
        categorical: Any = (),
        text: str = "refuse",
        missing_target: str = "drop",
        class_weight: Any = None,
        random_state: Any = None,
        engine: str = "auto",
        n_threads: int | None = None,
        verbose: Any = False,
    ) -> None:
        self.preset = preset
        self.time_budget = time_budget
        self.categorical = categorical
        self.text = text
        self.missing_target = missing_target
        self.class_weight = class_weight
        self.random_state = random_state
        self.engine = engine
        self.n_threads = n_threads
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularClassifier:
        """Learn a table.

        Parameters
        ----------
        X : frame of pandas, polars or pyarrow, mapping of columns, or array
            Of shape (n_samples, n_features), holes and words included.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Classes, or a matrix of 0 and 1 with a column for each label.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of at least 0, not all 0.

        Returns
        -------
        self : TabularClassifier

        Raises
        ------
        TableError
            If a column cannot be read, or no column or row is left to learn from.
        """
        return self._fit(X, y, sample_weight)  # type: ignore[no-any-return]

    def _read_target(self, y: Any) -> Array:
        if self.class_weight is not None:
            class_weights.check(self.class_weight, stream=None)
        found = border.target_of(y)
        if found.dtype.kind in "mM":
            raise TableError(
                "y must hold classes: words, whole numbers or truth values (got times). Convert "
                "them, for example by y.astype(str)."
            )
        border.refuse_infinite(found)
        return column_or_1d(found, warn=True) if found.ndim == 2 and found.shape[1] == 1 else found

    def _learn_target(self, y: Array, weight: Array | None) -> None:
        self.classes_, multilabel = _labels(y)
        if not multilabel and are_nearly_all_different(len(self.classes_), len(y)):
            warn(
                f"y holds {len(self.classes_)} classes in {len(y)} rows: most have a row or two, "
                "which is too few to learn from. Use TabularRegressor where they are numbers, or "
                "another column as the target.",
                TableWarning,
            )
        columns = len(self.classes_) if multilabel or len(self.classes_) > 2 else 1
        self._code = ClassCode(self.classes_, multilabel, columns, 0.0, 1.0)

    def _encoded(self, y: Array) -> Array:
        return self._code.encode(y, np.float32)

    def _head(self) -> tuple[str, Loss]:
        single = self._code.multilabel or self._code.columns == 1
        return "logistic" if single else "softmax", choose("log_loss", LOSSES, "loss")

    def _judge(self, D: Array, weight: Array | None) -> Callable[[Array], float]:
        return RefinedLoss(self._code, D > 0.5, weight)

    def _class_weighted(self, y: Array, weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return weight
        factors = class_weights.of_rows(self.class_weight, self._code, y, weight)
        weight = (factors if weight is None else weight * factors).astype(np.float32)
        count = np.count_nonzero(weight)
        if count < 2:
            raise InvalidParameterError(
                "class_weight must leave at least 2 rows with a weight above 0 (got "
                f"{self.class_weight!r}, which leaves {count}). Give a weight to more classes."
            )
        return weight

    def _groups(self, y: Array) -> Array | None:
        return None if self._code.multilabel else np.searchsorted(self.classes_, y)

    def _weigh(self, held: Held) -> None:
        hot = held.target > 0.5
        self.factors_ = blend.of_classes(self._code, held.networks, held.linear, hot, held.weight)
        z = self._blended(held.networks, held.linear)
        told = calibration.log_loss(self._code, z, hot, False)
        self.held_log_loss_ = float(np.average(told, weights=held.weight))
        right = self._code.decode(self._shares(z))
        wanted = self._code.decode(held.target)
        same = (right == wanted).reshape(len(hot), -1).all(axis=1)
        self.held_score_ = float(np.average(same, weights=held.weight))

    def _blended(self, networks: Array, linear: Array) -> Array:
        own, straight = self.factors_
        told: Array = own * networks + straight * linear
        return told

    def _shares(self, z: Array) -> Array:
        """The outputs of logistic or softmax units with these z."""
        if self._code.multilabel or self._code.columns == 1:
            shares: Array = 1.0 / (1.0 + np.exp(-np.clip(z, -500, 500)))
            return shares
        shares = np.exp(z - z.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    # ------------------------------------------------------------ prediction

    def predict(self, X: Any) -> Array:
        """The class of every row.

        Parameters
        ----------
        X : frame, mapping of columns, or array of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        z = self._blended(*self._spoken(X))
        return self._code.decode(self._shares(z))

    def predict_proba(self, X: Any) -> Array:
        """The probability of every class for every row, calibrated on rows new to the networks.

        Parameters
        ----------
        X : frame, mapping of columns, or array of shape (n_samples, n_features)

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; one column per label for multilabel.
        """
        z = self._blended(*self._spoken(X))
        return self._code.probabilities(self._shares(z), False)

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            found: Array = np.log(self.predict_proba(X))
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of the rows whose class is predicted, of several labels all.

        Parameters
        ----------
        X : frame, mapping of columns, or array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Rows without a target are left out, or refused, as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float, 0 to 1

        Raises
        ------
        TableError
            If no row has a target.

        Examples
        --------
        >>> import deltarule as dr
        >>> table = {"weather": ["sun", "rain"] * 20}
        >>> model = dr.TabularClassifier("fast", random_state=0).fit(table, ["out", "in"] * 20)
        >>> model.score(table, ["out", "in"] * 20)
        1.0
        """
        from sklearn.metrics import accuracy_score

        y, told, weight = self._judged(X, y, sample_weight)
        return float(accuracy_score(y, told, sample_weight=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _labels(y: Array) -> tuple[Array, bool]:
    """The classes, and whether there are several labels to a row."""
    try:
        return labels_of(y)
    except ValueError:
        if y.dtype != object:
            raise
        if y.ndim == 2:
            other = next((cell for cell in y.ravel().tolist() if cell not in (0, 1)), None)
            raise TableError(
                "Unknown label type: y with several columns must hold 0 and 1, a column for each "
                f"label (got {other!r}). Give one column of classes, or a column for each class."
            ) from None
        kinds = ", ".join(sorted({type(cell).__name__ for cell in y.ravel().tolist()}))
        raise TableError(
            "Unknown label type: y must hold classes of one kind, all words or all whole numbers "
            f"(got {kinds}). "
            "Convert them, for example by y.astype(str)."
        ) from None
