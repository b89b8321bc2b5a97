"""The light predictors: what a fitted estimator would say of a row, in about a microsecond.

``estimator.predict`` checks what it is given as scikit-learn does and hands it to kernels for many
rows; for one row that is a hundred times the work of the network. A predictor is a frozen copy of
the numbers behind a single call. It computes a row by itself, so a row has the same bits alone and
among others; they are those of ``estimator.predict`` up to rounding (1e-12 in float64, 1e-5 in
float32, relative to the largest output), as another order of the same sums gives them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule import engines
from deltarule.activations import ACTIVATIONS
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.engines import RowPredictor
from deltarule.estimators.calibration import cooled
from deltarule.estimators.checks import is_sparse
from deltarule.estimators.standardizer import Standardizer
from deltarule.estimators.targets import ClassCode
from deltarule.exceptions import InvalidShapeError
from deltarule.layers import Dense
from deltarule.network import Network


@dataclass(frozen=True, eq=False)
class Frozen:
    """The numbers of a fitted estimator that a predictor keeps.

    Parameters
    ----------
    network : Network
    vector : array of shape (network.size,)
    inputs : Standardizer, optional
    engine : {"auto", "compiled", "reference"}
    buffers : array of shape (network.buffer_size,), optional
    """

    network: Network
    vector: Array
    inputs: Standardizer | None
    engine: str
    buffers: Array | None = None

    def open(self, network: Network | None = None, temperature: Any = None) -> RowPredictor:
        """An engine's predictor, for this network or one that differs in its output activation.

        With a temperature T, one number or one for each output, its outputs are those of z / T.
        """
        chosen = engines.choose(self.engine, self.network, None, self.vector.dtype)
        scaled = self.inputs
        center, scale = (None, None) if scaled is None else (scaled.center, scaled.scale)
        vector = self.vector
        if temperature is not None:
            vector = cooled(self.network, vector, temperature)
        return chosen.predictor(network or self.network, vector, center, scale, self.buffers)


class Predictor(ABC):
    """Base of `ClassPredictor` and `NumberPredictor`; ``estimator.predictor()`` makes them.

    Parameters
    ----------
    frozen : Frozen
    meaning : object
        What tells outputs from predictions.
    """

    def __init__(self, frozen: Frozen, *meaning: Any) -> None:
        self._frozen, self._meaning = frozen, meaning
        self._rows = frozen.open()

    def __reduce__(self) -> Any:
        return type(self), (self._frozen, *self._meaning)

    def __repr__(self) -> str:
        widths = "-".join(map(str, self._frozen.network.widths))
        return f"{type(self).__name__}({widths}, {self._frozen.vector.dtype})"

    @abstractmethod
    def __call__(self, X: Any, out: Array | None = None) -> Any:
        """What the estimator predicts."""

    def outputs(self, X: Any, out: Array | None = None) -> Array:
        """The network's outputs as they are: a^L.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_samples, n_features)
        out : ndarray of shape (n_outputs,) or (n_samples, n_outputs), default=None
            Filled and returned, in the dtype of the weights.

        Returns
        -------
        outputs : ndarray of shape (n_outputs,) or (n_samples, n_outputs)
            In the units of the standardized target where ``standardize="both"``.
        """
        return self._through(self._rows, X, out)

    def _through(self, engine: RowPredictor, X: Any, out: Array | None = None) -> Array:
        """The outputs of an engine's predictor, for whatever comes as X."""
        found = engine.outputs(X, out)
        if found is None:
            found = engine.outputs(rows := self._checked(X), out)
            if found is None:
                shape = (*rows.shape[:-1], self._frozen.network.n_outputs)
                raise _bad_out(out, shape, self._frozen.vector.dtype)
        return found

    def _checked(self, X: Any) -> Array:
        """X as an array that every engine takes, or an error that says what is wrong with it."""
        width = self._frozen.network.n_inputs
        if is_sparse(X):
            raise InvalidShapeError(
                f"a predictor takes dense rows (got a sparse {type(X).__name__}). Use the "
                "estimator's predict for sparse rows."
            )
        rows = real_numbers(X, "X")
        if rows is None or rows.ndim not in (1, 2) or rows.shape[-1] != width:
            raise _bad_rows(width, form_of(X, rows))
        return rows


class ClassPredictor(Predictor):
    """The class of a row, from a frozen copy of an `MLPClassifier`'s numbers.

    ``predict = model.predictor()`` makes one. It never changes: after another fit make another.
    Calls keep no lock and share no scratch, so that any number of threads may use one predictor;
    long calls let other threads run. It can be pickled.

    Shape and dtype of what it is given are checked, its numbers are not: NaN and infinity are not
    looked for, and the class of a row that holds one means nothing.

    Examples
    --------
    >>> import deltarule as dr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = dr.MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, y)
    >>> predict = model.predictor()
    >>> predict([5.1, 3.5, 1.4, 0.2])
    np.int64(0)
    >>> predict(X[:3])
    array([0, 0, 0])
    >>> predict.proba(X[0]).round(1)
    array([1., 0., 0.])
    """

    def __init__(
        self,
        frozen: Frozen,
        code: ClassCode,
        no_probabilities: str | None,
        temperature: float | None = None,
    ) -> None:
        super().__init__(frozen, code, no_probabilities, temperature)
        self._code, self._no_probabilities = code, no_probabilities
        output = frozen.network.output_activation.name
        self._signs, self._shares = output == "sign", output == "logistic"
        self._scores = frozen.open(before_output(frozen.network)) if self._signs else self._rows
        cool = temperature is not None
        self._probable = frozen.open(temperature=temperature) if cool else self._rows
        # What is not a choice among classes is decoded by arrays, as the estimator does it.
        plain = not self._signs and not code.multilabel and len(code.classes) > 1
        self._labels = list(code.classes) if plain else None
        self._middle = code.middle

    def __call__(self, X: Any, out: Array | None = None) -> Any:
        """The class of a row, or of every row of an array.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_samples, n_features)
        out : ndarray of shape (n_samples,), default=None
            For an array of rows: filled and returned, in the dtype of ``classes_``; with
            multilabel of shape (n_labels,) or (n_samples, n_labels), int64.

        Returns
        -------
        y : entry of ``classes_``, or ndarray of shape (n_samples,)
            With multilabel 0 and 1 of shape (n_labels,) or (n_samples, n_labels).
        """
        if self._labels is None:
            return self._decoded(X, out)
        found = self._scores.choose(X, self._middle)
        if type(found) is int:
            if out is None:
                return self._labels[found]
            raise _bad_out(out, None, self._code.classes.dtype)
        if found is None:
            return self(self._checked(X), out)
        return _filled(out, np.take(self._code.classes, found))

    def _decoded(self, X: Any, out: Array | None) -> Any:
        rows = self._checked(X)
        outputs = np.atleast_2d(np.asarray(self._scores.outputs(rows)))
        if self._signs:
            outputs = nudged(outputs)
        found = self._code.decode(outputs)
        if rows.ndim == 2:
            return _filled(out, found)
        if self._code.multilabel:
            return _filled(out, found[0])
        if out is None:
            return found[0]
        raise _bad_out(out, None, found.dtype)

    def proba(self, X: Any, out: Array | None = None) -> Array:
        """The probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_samples, n_features)
        out : ndarray of shape (n_classes,) or (n_samples, n_classes), default=None
            Filled and returned.

        Returns
        -------
        y_prob : ndarray of shape (n_classes,) or (n_samples, n_classes)
            In the order of ``classes_``, as `MLPClassifier.predict_proba`.

        Raises
        ------
        AttributeError
            If the outputs are no probabilities.
        """
        if self._no_probabilities is not None:
            raise AttributeError(self._no_probabilities)
        if self._labels is not None and not self._shares:  # softmax
            return self._through(self._probable, X, out)
        outputs = self._through(self._probable, X)
        found = self._code.probabilities(np.atleast_2d(outputs), self._shares)
        return _filled(out, found[0] if outputs.ndim == 1 else found)


class NumberPredictor(Predictor):
    """The prediction for a row, from a frozen copy of an `MLPRegressor`'s numbers.

    ``predict = model.predictor()`` makes one. It never changes: after another fit make another.
    Calls keep no lock and share no scratch, so that any number of threads may use one predictor;
    long calls let other threads run. It can be pickled.

    Shape and dtype of what it is given are checked, its numbers are not: NaN and infinity are not
    looked for, and go through the network.

    Examples
    --------
    >>> import deltarule as dr
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 40).reshape(-1, 1)
    >>> model = dr.MLPRegressor(hidden_layer_sizes=(), standardize="both", random_state=0)
    >>> model = model.set_params(solver="lbfgs").fit(X, 3 * X[:, 0] + 1)
    >>> predict = model.predictor()
    >>> round(predict([0.5]), 3)
    2.5
    >>> predict(X[:3]).shape
    (3,)
    """

    def __init__(self, frozen: Frozen, target: Standardizer | None) -> None:
        super().__init__(frozen, target)
        self._target = target
        self._single = frozen.network.n_outputs == 1

    def __call__(self, X: Any, out: Array | None = None) -> Any:
        """The prediction for a row, or for every row of an array.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_samples, n_features)
        out : ndarray, default=None
            Filled and returned: of shape () or (n_outputs,) for a row, (n_samples,) or
            (n_samples, n_outputs) for an array, in the dtype of the result.

        Returns
        -------
        y : float or ndarray
            A row gives a float, or (n_outputs,) where there are several; an array of rows what
            `MLPRegressor.predict` gives.
        """
        if self._target is not None:
            return self._undone(X, out)
        if not self._single:
            return self.outputs(X, out)
        found = self._rows.first(X, out)
        if found is None:
            found = self._rows.first(rows := self._checked(X), out)
            if found is None:
                raise _bad_out(out, rows.shape[:-1], self._frozen.vector.dtype)
        return found

    def _undone(self, X: Any, out: Array | None) -> Any:
        assert self._target is not None
        outputs = self.outputs(X)
        found = self._target.undo(outputs)
        if not self._single:
            return _filled(out, found)
        if outputs.ndim == 2:
            return _filled(out, found[:, 0])
        return float(found[0]) if out is None else _filled(out, found[0])


def real_numbers(given: Any, name: str) -> Array | None:
    """A C-contiguous array of float32 or float64.

    None where there is no array: nothing was given, or rows of different lengths.

    Raises
    ------
    InvalidShapeError
        If there is anything but real numbers.
    """
    if given is None:
        return None
    try:
        rows = np.asarray(given)
    except ValueError:  # NumPy's word for it is "inhomogeneous"
        return None
    if rows.dtype.kind == "O":
        if any(entry is None for entry in rows.flat):  # NumPy would make it NaN
            raise InvalidShapeError(
                f"{name} must hold real numbers (got None among them). Fill the hole first, or "
                "leave the row out."
            )
        rows = _as_floats(rows)
    if rows.dtype.kind not in "biuf":
        raise InvalidShapeError(
            f"{name} must hold real numbers (got {_content(rows)}). Encode words and dates as "
            "numbers, as the rows of fit were."
        )
    wide = rows.dtype in (np.float32, np.float64) and rows.dtype.isnative
    return np.require(rows, rows.dtype if wide else np.float64, ["C", "A"])


def form_of(given: Any, rows: Array | None) -> str:
    """What was given in the place of a row, for messages; `rows` is what `real_numbers` made."""
    if given is None:
        return "None"
    return "rows of different lengths" if rows is None else f"shape {rows.shape}"


def before_output(network: Network) -> Network:
    """The network whose outputs are the z of its output units."""
    last = network.layers[-1]
    assert isinstance(last, Dense)
    layers = (*network.layers[:-1], replace(last, function=ACTIVATIONS.table["identity"]()))
    return Network(layers=layers)  # under any loss: nothing is trained in it


def nudged(outputs: Array) -> Array:
    """The z of sign units, 0 moved up: sign(0) is +1, so at z = 0 the answer is yes."""
    return np.where(outputs == 0, np.finfo(outputs.dtype).tiny, outputs)


def _filled(out: Array | None, found: Array) -> Array:
    """The result itself, or in ``out``."""
    if out is None:
        return found
    fits = isinstance(out, np.ndarray) and out.shape == found.shape and out.dtype == found.dtype
    if not fits or not out.flags.writeable:
        raise _bad_out(out, found.shape, found.dtype)
    out[...] = found
    return out


def _bad_out(out: Any, shape: tuple[int, ...] | None, dtype: Any) -> InvalidShapeError:
    got = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else repr(out)
    if shape is None:
        return InvalidShapeError(
            f"out must be None for the class of one row (got {got}). The class is an entry of "
            "classes_, which nothing is allocated for."
        )
    return InvalidShapeError(
        f"out must be a writeable C-contiguous {dtype} array of shape {shape} that shares no "
        f"memory with X (got {got}). Make it with numpy.empty, or leave it out."
    )


def _bad_rows(width: int, got: str) -> InvalidShapeError:
    return InvalidShapeError(
        f"X must be a row of {width} numbers or an array of shape (rows, {width}) (got {got}). "
        "Give the columns that fit had, in their order."
    )


def _as_floats(rows: Array) -> Array:
    """Objects as the numbers that they are; as they were where one is none."""
    try:
        return rows.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return rows


def _content(rows: Array) -> str:
    return "words" if rows.dtype.kind in "SU" else str(rows.dtype)
