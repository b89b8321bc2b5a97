"""The short ways through an estimator's border end where scikit-learn's own checks would."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target

import deltarule as dr
from deltarule.estimators import checks, fitting, targets

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
#: Many a fit and a prediction is over before scikit-learn's checks are.
QUICK: dict[str, Any] = {"hidden_layer_sizes": (3,), "max_iter": 300, "tol": 1.0, "random_state": 0}

ROWS = {
    "float64": X_IRIS,
    "float32": X_IRIS.astype(np.float32),
    "int64": X_IRIS.astype(np.int64),
    "uint8": X_IRIS.astype(np.uint8),
    "bool": X_IRIS > 3,
    "float16": X_IRIS.astype(np.float16),
    "foreign bytes": X_IRIS.astype(">f8"),
    "Fortran": np.asfortranarray(X_IRIS),
    "strided": np.repeat(X_IRIS, 2, axis=1)[:, ::2],
    "overflowing sum": np.where(X_IRIS.max() == X_IRIS, 1e308, 1e307),
    "words": X_IRIS.astype(str),
    "objects": X_IRIS.astype(object),
    "list": X_IRIS.tolist(),
    "frame": pd.DataFrame(X_IRIS, columns=list("abcd")),
    "masked": np.ma.masked_array(X_IRIS),
}
PLAIN = {"float64", "float32", "int64", "uint8", "Fortran", "strided"}


def without_short_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_plain_rows", lambda *_, **__: None)
    monkeypatch.setattr(targets, "_are_plain_classes", lambda _: False)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("numeric", [False, True])
def test_rows_are_what_scikit_learn_makes_of_them(
    name: str, numeric: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, long = dr.MLPClassifier(), dr.MLPClassifier()
    y = Y_IRIS.astype(float)
    found = checks.check_training(short, ROWS[name], y, numeric=numeric, reset=True)
    taken = checks._plain_rows(short, ROWS[name], reset=True)
    assert (taken is not None) == (name in PLAIN)
    without_short_ways(monkeypatch)
    expected = checks.check_training(long, ROWS[name], y, numeric=numeric, reset=True)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        assert one.flags.c_contiguous == other.flags.c_contiguous
        np.testing.assert_array_equal(one, other)
    assert vars(short).keys() == vars(long).keys()
    assert short.n_features_in_ == long.n_features_in_
    # Neither way copies what it need not.
    assert np.shares_memory(found[0], np.asarray(ROWS[name])) == np.shares_memory(
        expected[0], np.asarray(ROWS[name])
    )


@pytest.mark.parametrize(
    "y",
    [
        np.array([0, 1, 0, 2]),
        np.array([True, False, True, True]),
        np.array([1.0, 2.0, 2.0, -1.0]),
        np.array([1.0, 2.0], dtype=np.float32),
        np.array(["no", "yes", "no", "yes"]),
        np.array([3, 3, 3], dtype=np.uint8),
        np.array(["no", "yes"], dtype=object),
    ],
    ids=str,
)
def test_classes_are_what_scikit_learn_takes_for_classes(y: Any) -> None:
    assert type_of_target(y) in ("binary", "multiclass")
    classes, multilabel = targets.labels_of(y)
    np.testing.assert_array_equal(classes, np.unique(y))
    assert not multilabel
    assert targets._are_plain_classes(y) == (y.dtype != object)


# scikit-learn casts what is too large for an integer.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("y", [[0.5, 1.0], [1e300, 0.0], [1.0, 2.0**70]], ids=str)
def test_numbers_that_are_no_classes(y: list[float]) -> None:
    assert not targets._are_plain_classes(np.array(y))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        dr.MLPClassifier(**QUICK).fit([[0.0], [1.0]], y)


@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
def test_arrays_do_not_meet_the_long_way(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the long way")

    for module, name in (
        (checks, "validate_data"),
        (targets, "type_of_target"),
        (targets, "unique_labels"),
    ):
        monkeypatch.setattr(module, name, refuse)
    model = kind(**QUICK).fit(X_IRIS, Y_IRIS)
    assert model.predict(X_IRIS[:1]).shape == (1,)
    with pytest.raises(AssertionError, match="the long way"):
        model.predict(X_IRIS[:1].tolist())


def test_what_was_taken_down_about_features_is_taken_down_anew() -> None:
    model = dr.MLPClassifier(**QUICK).fit(pd.DataFrame(X_IRIS, columns=list("abcd")), Y_IRIS)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X_IRIS)
    model.fit(X_IRIS[:, :2], Y_IRIS)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 2
    with pytest.raises(ValueError, match="X has 4 features, but MLPClassifier is expecting 2"):
        model.predict(X_IRIS)


def test_rows_and_targets_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        dr.MLPClassifier(**QUICK).fit(X_IRIS, Y_IRIS[:-1])


@pytest.mark.parametrize("seed", [0, 1, np.int64(7), 2**32 - 1])
def test_the_key_is_drawn_as_scikit_learn_would(seed: Any) -> None:
    expected = check_random_state(seed).randint(0, 2**63 - 1, dtype=np.int64)
    for _ in range(2):
        assert fitting.draw_key(seed) == expected
    numbers = np.random.RandomState(3)
    first = fitting.draw_key(numbers)
    assert first == np.random.RandomState(3).randint(0, 2**63 - 1, dtype=np.int64)
    assert fitting.draw_key(numbers) != first


class Strict(dr.MLPClassifier):
    """Has a default that its own constraints refuse, and a parameter that nobody checks."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **dr.MLPClassifier._parameter_constraints,
        "alpha": [str],
        "power_t": "no_validation",
    }

    def __init__(self, alpha: Any = 0.5, power_t: Any = None, free: Any = 1) -> None:
        super().__init__(alpha=alpha, power_t=power_t)
        self.free = free


def test_constraints_of_a_class_that_was_derived() -> None:
    with pytest.raises(ValueError, match=r"The 'alpha' parameter of Strict must be .*'str'"):
        Strict().fit(X_IRIS, Y_IRIS)
    assert Strict(free=2).get_params() == {"alpha": 0.5, "power_t": None, "free": 2}
    assert clone(Strict(free=3)).free == 3


def test_a_parameter_that_went_bad_after_a_good_fit() -> None:
    model = dr.MLPClassifier(**QUICK).fit(X_IRIS, Y_IRIS)
    model.tol = -1.0
    with pytest.raises(ValueError, match="The 'tol' parameter of MLPClassifier must be a float"):
        model.fit(X_IRIS, Y_IRIS)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_classes_are_the_machines_own_numbers():
    y = np.arange(len(X_IRIS)) % 3
    model = dr.MLPClassifier((3,), max_iter=1).fit(X_IRIS, y.astype(">i8"))
    assert model.classes_.dtype.isnative
    assert model.predict(X_IRIS).dtype == y.dtype
