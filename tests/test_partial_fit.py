"""`partial_fit` for every kind of target and of rows: announced once, then in any parts."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

import deltarule as dr
from deltarule.exceptions import InvalidParameterError, InvalidShapeError

RNG = np.random.default_rng(2)
X = RNG.normal(size=(24, 4)) * (RNG.random((24, 4)) < 0.6)
LABELS = (RNG.normal(size=(24, 3)) > 0).astype(int)
WEIGHT = RNG.uniform(0, 2, size=24)

# what is announced, and the target of all rows
CLASSES = {
    "two": ([0, 1], LABELS[:, 0]),
    "words": (["yes", "no", "perhaps"], np.array(["no", "perhaps", "yes"])[LABELS[:, :2].sum(1)]),
    "one of many": (np.arange(7), LABELS[:, 1]),
    "labels by their numbers": ([0, 1, 2], LABELS),
    "labels by 0 and 1": ([0, 1], LABELS),
    "labels by their columns": (None, LABELS),
    "sparse labels": (None, csr_array(LABELS)),
}


def model(kind=dr.MLPClassifier, **settings):
    return kind(hidden_layer_sizes=(5,), learning_rate_init=0.01, random_state=0, **settings)


@pytest.mark.parametrize("make", [np.asarray, csr_array, csc_array], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("classes", "y"), CLASSES.values(), ids=CLASSES)
def test_classes_are_announced_once(classes, y, make):
    """Without shuffling, and with a penalty of none, rows one by one are a call for all of them."""
    settings = {"batch_size": 1, "shuffle": False, "alpha": 0.0}
    whole = model(**settings).partial_fit(make(X), y, classes=classes)
    parts = model(**settings).partial_fit(make(X[:1]), y[:1], classes=classes)
    for row in range(1, 24):
        parts.partial_fit(make(X[row : row + 1]), y[row : row + 1])
    for one, other in zip(whole.coefs_, parts.coefs_, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-14)
    assert len(parts.classes_) == (3 if len(y.shape) == 2 else len(classes))
    assert parts.predict(X).shape == y.shape
    parts.partial_fit(X, y, classes=classes)  # announced again, which changes nothing
    assert parts.t_ == 48


@pytest.mark.parametrize("y", [LABELS[:, 0] * 1.5, LABELS * 1.5], ids=["one", "several"])
@pytest.mark.parametrize("make", [np.asarray, csr_array], ids=lambda f: f.__name__)
def test_numbers_in_any_parts(y, make):
    settings = {"batch_size": 1, "shuffle": False, "alpha": 0.0}
    whole = model(dr.MLPRegressor, **settings).partial_fit(make(X), y, WEIGHT)
    parts = model(dr.MLPRegressor, **settings)
    for row in range(24):
        parts.partial_fit(make(X[row : row + 1]), y[row : row + 1], WEIGHT[row : row + 1])
    for one, other in zip(whole.coefs_, parts.coefs_, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-14)


def test_a_stream_with_warm_start_may_lack_classes():
    """warm_start asks for all classes in each fit; a part of a stream need not have them."""
    stream = model(warm_start=True).partial_fit(X[:1], [1], classes=[0, 1, 2])
    assert stream.partial_fit(X[1:2], [2]).t_ == 2
    with pytest.raises(ValueError, match=re.escape("warm_start can only be used where `y` has")):
        stream.fit(X[:2], [1, 2])


def test_new_classes_are_refused():
    stream = model().partial_fit(X[:1], ["a"], classes=["a", "b"])
    before = stream.coefs_[0].copy()
    with pytest.raises(ValueError) as caught:
        stream.partial_fit(X[:1], ["c"])
    assert str(caught.value) == (
        "`y` has classes not in `self.classes_`. `self.classes_` has ['a' 'b']. 'y' has ['c']."
    )
    with pytest.raises(ValueError) as caught:
        stream.partial_fit(X[:1], ["b"], classes=["b", "c"])
    assert str(caught.value) == (
        "`classes=['b', 'c']` is not the same as on last call to partial_fit, was: "
        "array(['a', 'b'], dtype='<U1')"
    )
    np.testing.assert_array_equal(stream.coefs_[0], before)
    assert stream.partial_fit(X[:1], ["b"], classes=["b", "a"]).t_ == 2


@pytest.mark.parametrize("classes", [[0, 1, 2, 3], ["a", "b", "c"], [1, 2, 3], [0]])
def test_classes_that_are_no_labels(classes):
    with pytest.raises(InvalidParameterError) as caught:
        model().partial_fit(X, LABELS, classes=classes)
    assert str(caught.value) == (
        "classes must be the label numbers 0 to 2, or 0 and 1, for a matrix of 3 labels (got "
        f"{classes!r}). Leave classes out: the columns of y say how many there are."
    )


KINDS = [
    (LABELS, LABELS[:, :2], "a matrix of 3 labels", "a matrix of 2 labels"),
    (LABELS, LABELS[:, 0], "a matrix of 3 labels", "one column of classes"),
    (LABELS[:, 0], LABELS, "one column of classes", "a matrix of 3 labels"),
]


@pytest.mark.parametrize(("first", "then", "wanted", "got"), KINDS)
@pytest.mark.parametrize("again", ["partial_fit", "fit"])
def test_a_target_of_another_kind(first, then, wanted, got, again):
    stream = model(warm_start=True).partial_fit(X, first, classes=[0, 1])
    with pytest.raises(InvalidShapeError) as caught:
        getattr(stream, again)(X, then)
    assert str(caught.value) == (
        f"y must be {wanted}, as it was in the first call (got {got}). Fit a clone to a target of "
        "another kind."
    )


def test_the_example_learns_to_control(capsys):
    """examples/learning_controller.py: on through the wear, where another stopped to learn."""
    place = Path(__file__).parents[1] / "examples" / "learning_controller.py"
    spec = importlib.util.spec_from_file_location("learning_controller", place)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    means = example.main()
    assert capsys.readouterr().out.count("\n") == 3
    assert means[1:, 0].max() < 0.03
    assert means[6:, 1].min() > 3 * means[6:, 0].max()
