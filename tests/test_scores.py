"""Scores: values by hand, the compiled core's bits, and scikit-learn's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

import deltarule as dr
from deltarule import engines
from deltarule.engines.base import Judged
from deltarule.exceptions import InvalidParameterError
from deltarule.scores import R2, Accuracy

CASES = [
    (Accuracy("threshold"), [[0.6], [0.5], [0.4], [0.9]], [[1], [0], [1], [0]], None, 0.5),
    (Accuracy("threshold"), [[0.6], [0.5], [0.4], [0.9]], [[1], [0], [1], [0]], [3, 1, 0, 4], 0.5),
    (Accuracy("threshold"), [[0.6, 0.1], [0.6, 0.6]], [[1, 0], [1, 0]], None, 0.5),
    (Accuracy("threshold", 0.0), [[0.1], [-0.1]], [[1], [1]], None, 0.5),
    (Accuracy("largest"), [[0.2, 0.5, 0.5], [0.9, 0.1, 0.1]], [[0, 1, 0], [0, 0, 1]], None, 0.5),
    (Accuracy("votes", 0.0), [[1.0, 1.0]], [[-1, 1]], None, 0.5),
    (
        Accuracy("votes", 0.0),
        [[-1, -1, -1], [1, -1, -1]],
        [[-1, -1, 1], [1, -1, -1]],
        [1, 3],
        5 / 6,
    ),
    (R2(), [[1.0], [2.0], [2.0]], [[1.0], [2.0], [3.0]], None, 0.5),
    (R2(), [[1.0], [2.0], [2.0]], [[1.0], [2.0], [3.0]], [1, 1, 0], 1.0),
    (R2(), [[1.0, 5.0], [2.0, 5.0]], [[1.0, 5.0], [2.0, 5.0]], None, 1.0),
    (R2(), [[1.0, 4.0], [2.0, 5.0]], [[1.0, 5.0], [2.0, 5.0]], None, 0.5),
    (R2(), [[0.0], [0.0]], [[1.0], [3.0]], None, -4.0),
    (R2(), [[0.0], [np.nan]], [[1.0], [3.0]], None, np.nan),
    (Accuracy("largest"), [[0.0, np.inf]], [[0, 1]], None, np.nan),
]


@pytest.mark.parametrize(("score", "prediction", "target", "weight", "expected"), CASES)
def test_by_hand(score, prediction, target, weight, expected) -> None:
    weight = None if weight is None else np.array(weight, float)
    got = score.value(np.array(prediction, float), np.array(target, float), weight)
    assert got == pytest.approx(expected, abs=1e-15, nan_ok=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_scikit_learn_s_numbers(weighted: bool) -> None:
    numbers = np.random.default_rng(0)
    weight = numbers.random(50) if weighted else None
    target, prediction = numbers.normal(size=(2, 50, 3))
    assert R2().value(prediction, target, weight) == pytest.approx(
        r2_score(target, prediction, sample_weight=weight), rel=1e-13
    )
    hot = np.eye(3)[numbers.integers(0, 3, 50)]
    assert Accuracy("largest").value(prediction, hot, weight) == pytest.approx(
        accuracy_score(hot.argmax(axis=1), prediction.argmax(axis=1), sample_weight=weight),
        rel=1e-13,
    )


@pytest.mark.skipif(not engines.compiled_available(), reason="the compiled core is not installed")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "score", [Accuracy("threshold", 0.1), Accuracy("largest", 0.1), Accuracy("votes", 0.1), R2()]
)
def test_the_core_has_the_same_bits(score, dtype, weighted: bool) -> None:
    """Epochs that move nothing, so that all predictions are those of the start."""
    numbers = np.random.default_rng(1)
    X = numbers.normal(size=(301, 4)).astype(dtype)
    D = numbers.normal(size=(301, 3)).astype(dtype)
    weight = numbers.random(301).astype(dtype) if weighted else None
    network = dr.Network((4, 3), "sign" if score == Accuracy("votes", 0.1) else "identity")
    start = dr.initialize(network, seed=1, dtype=dtype)
    plan = dr.TrainingPlan(learning_rate_init=1e-300, max_epochs=3)
    rows = dr.Validation(X, D, weight, score)
    result = dr.train(network, start, X, D, plan, validation=rows, engine="compiled")
    session = engines.choose("compiled", network, None, dtype).open(network, dtype)
    session.load(start.vector)
    expected = session.judge(Judged(X, D, weight, 1.0, score))[1]
    assert np.isfinite(expected)
    assert result.history.validation_score == [expected] * 3


def test_an_unknown_decision() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        Accuracy("sum")
    assert str(caught.value) == (
        "decision must be one of 'threshold', 'largest', 'votes' (got 'sum'). "
        "Choose one of these words."
    )
