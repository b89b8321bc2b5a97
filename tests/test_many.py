"""Many trainings at once: each is what it is alone, whoever is trained beside it."""

from __future__ import annotations

import os
import pickle
import re
import signal
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import deltarule as dr
from deltarule import engines, lanes
from deltarule.many import NOT_BEGUN
from deltarule.plans import TrainingPlan, Validation

compiled = pytest.mark.skipif(
    not engines.compiled_available(), reason="the compiled core is not installed"
)

NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(23, 3))
D = 0.5 + 0.4 * np.tanh(X @ NUMBERS.normal(size=(3, 2)))
WEIGHT = NUMBERS.random(23) + 0.5
NETWORK = dr.Network((3, 5, 2), ("tanh", "logistic"))
STARTS = [dr.initialize(NETWORK, seed) for seed in range(11)]
PLAN = TrainingPlan(learning_rate_init=0.05, batch_size=4, max_epochs=4, sampling="shuffle")


def plans(**changes: Any) -> list[TrainingPlan]:
    """One for each start, with keys and step sizes of their own."""
    return [
        replace(PLAN, key=index, learning_rate_init=0.02 * (1 + index % 3), **changes)
        for index in range(len(STARTS))
    ]


def alone(given: list[TrainingPlan], engine: str = "auto", **options: Any) -> list[Any]:
    return [
        dr.train(NETWORK, start, X, D, plan, engine=engine, **options)
        for start, plan in zip(STARTS, given, strict=True)
    ]


def check_equal(many: Any, one: Any, tolerance: float) -> None:
    scale = np.abs(one.parameters.vector).max()
    gap = np.abs(many.parameters.vector - one.parameters.vector).max()
    assert gap <= tolerance * scale
    assert many.state.moments.shape == one.state.moments.shape
    if one.state.moments.size:
        gap = np.abs(many.state.moments - one.state.moments).max()
        assert gap <= 10 * tolerance * np.abs(one.state.moments).max()
    np.testing.assert_allclose(many.history.loss, one.history.loss, rtol=tolerance)
    assert len(many.history.seconds) == many.epochs
    for name in ("stop_reason", "epochs", "trouble"):
        assert getattr(many, name) == getattr(one, name), name
    for name in ("step", "epoch", "rate_factor", "stalled", "horizon"):
        assert getattr(many.state, name) == getattr(one.state, name), name


CASES: dict[str, dict[str, Any]] = {
    "samples": {"batch_size": 1},
    "samples with replacement, l2": {
        "batch_size": 1,
        "sampling": "replacement",
        "penalty": dr.L2(0.1),
    },
    "samples in sequence, l1": {"batch_size": 1, "sampling": "sequential", "penalty": dr.L1(0.1)},
    "pairs, elastic net": {"batch_size": 2, "penalty": dr.L1L2(0.1, 0.2)},
    "all rows": {"batch_size": 100},
    "momentum": {"optimizer": dr.Momentum(0.8)},
    "nesterov of samples": {"optimizer": dr.Nesterov(), "batch_size": 1},
    "adam, cosine": {"optimizer": dr.Adam(), "schedule": dr.Cosine(warmup=0.2)},
    "adamw of samples": {"optimizer": dr.AdamW(weight_decay=0.3), "batch_size": 1},
    "rmsprop": {"optimizer": dr.RMSprop(), "schedule": "invscaling"},
    "a plateau": {"patience": 1, "tolerance": 1.0, "max_epochs": 9},
    "an adaptive step": {
        "patience": 1,
        "tolerance": 1.0,
        "max_epochs": 9,
        "schedule": dr.Adaptive(smallest=0.004),
    },
    "a stream": {"incremental": True, "penalty": dr.L2(0.1)},
    "no epochs": {"max_epochs": 0},
}


@compiled
@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_each_is_what_it_is_alone(changes: dict[str, Any], engine: str) -> None:
    given = plans(**changes)
    results = dr.train_many(NETWORK, STARTS, X, D, given, sample_weight=WEIGHT)
    for many, one in zip(results, alone(given, engine, sample_weight=WEIGHT), strict=True):
        assert "lanes road" in many.road
        check_equal(many, one, 1e-11)


@compiled
@pytest.mark.parametrize("batch_size", [1, 6])
def test_float32(batch_size: int) -> None:
    rows = X.astype(np.float32), D.astype(np.float32)
    starts = [start.astype(np.float32) for start in STARTS]
    plan = replace(PLAN, batch_size=batch_size, optimizer=dr.Adam())
    for start, many in zip(starts, dr.train_many(NETWORK, starts, *rows, plan), strict=True):
        assert many.parameters.dtype == np.float32
        check_equal(many, dr.train(NETWORK, start, *rows, plan), 1e-4)


@compiled
def test_a_planted_difference_is_seen() -> None:
    given = plans()
    results = dr.train_many(NETWORK, STARTS, X, D, given)
    for changed in ({"key": 99}, {"learning_rate_init": 0.0201}, {"penalty": dr.L2(1e-6)}):
        one = dr.train(NETWORK, STARTS[0], X, D, replace(given[0], **changed))
        with pytest.raises(AssertionError):
            check_equal(results[0], one, 1e-11)


@compiled
@pytest.mark.parametrize("batch_size", [1, 5])
def test_no_bit_depends_on_threads_company_or_cuts(batch_size: int) -> None:
    given = plans(batch_size=batch_size, optimizer=dr.Momentum(), max_epochs=5)
    whole = dr.train_many(NETWORK, STARTS, X, D, given, n_threads=1)
    fewer = dr.train_many(NETWORK, STARTS[4:9], X, D, given[4:9], n_threads=1)
    halves = dr.train_many(
        NETWORK, STARTS, X, D, [replace(plan, max_epochs=2) for plan in given], n_threads=3
    )
    rest = [replace(plan, max_epochs=3) for plan in given]
    cut = dr.train_many(NETWORK, [half.state for half in halves], X, D, rest, n_threads=2)
    for other, indices in ((fewer, range(4, 9)), (cut, range(11))):
        for result, index in zip(other, indices, strict=True):
            expected = whole[index]
            assert result.parameters.vector.tobytes() == expected.parameters.vector.tobytes()
            assert result.state.moments.tobytes() == expected.state.moments.tobytes()
            assert result.history.loss == expected.history.loss[-result.epochs :]


@compiled
def test_train_goes_on_from_a_result() -> None:
    half = dr.train_many(NETWORK, STARTS, X, D, replace(PLAN, max_epochs=2, key=3))
    whole = dr.train(NETWORK, STARTS[7], X, D, replace(PLAN, key=3))
    rest = dr.train(NETWORK, half[7].state, X, D, replace(PLAN, max_epochs=2, key=3))
    np.testing.assert_allclose(rest.parameters.vector, whole.parameters.vector, rtol=1e-11)


@compiled
def test_histories_are_lists_when_read() -> None:
    first, second = (dr.train_many(NETWORK, STARTS, X, D, PLAN)[0].history for _ in range(2))
    assert isinstance(first.loss, list)
    assert first.loss is first.loss
    second.seconds = first.seconds
    assert first == second
    assert first == first.copy()
    assert first != dr.train(NETWORK, STARTS[1], X, D, PLAN).history
    copied = pickle.loads(pickle.dumps(second))
    assert copied.loss == first.loss
    with pytest.raises(AttributeError, match="History has no attribute 'losses'"):
        first.losses  # noqa: B018


@compiled
def test_folds_of_several_lengths() -> None:
    folds = [np.delete(np.arange(23), np.arange(fold, 23, 5)) for fold in range(5)]
    rows = [*folds, *(fold.copy() for fold in folds), None]
    assert len({len(fold) for fold in folds}) == 2
    results = dr.train_many(NETWORK, STARTS, X, D, plans(), rows=rows, sample_weight=WEIGHT)
    for start, fold, plan, many in zip(STARTS, rows, plans(), results, strict=True):
        part = slice(None) if fold is None else fold
        one = dr.train(NETWORK, start, X[part], D[part], plan, sample_weight=WEIGHT[part])
        check_equal(many, one, 1e-11)


@compiled
@pytest.mark.parametrize("batch_size", [1, 4])
def test_one_that_diverges(batch_size: int) -> None:
    network = dr.Network((3, 2), "identity")
    starts = [dr.initialize(network, seed) for seed in range(6)]
    plan = replace(PLAN, batch_size=batch_size, max_epochs=30)
    given = [replace(plan, learning_rate_init=1e25 if index == 2 else 0.01) for index in range(6)]
    results = dr.train_many(network, starts, X, D, given)
    for index, (start, settings) in enumerate(zip(starts, given, strict=True)):
        one = dr.train(network, start, X, D, settings)
        assert results[index].stop_reason is one.stop_reason
        assert results[index].trouble == one.trouble
        assert np.isfinite(results[index].parameters.vector).all()
    assert results[2].stop_reason is dr.StopReason.NON_FINITE
    assert results[2].trouble is not None


ALONE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "csr": ({}, {"X": sp.csr_array(X)}, "lanes take dense rows, not CSR"),
    "lbfgs": (
        {"optimizer": dr.LBFGS()},
        {},
        "lbfgs takes no steps that lanes could take together",
    ),
    "validation": ({}, {"validation": Validation(X, D)}, "lanes judge no validation rows"),
    "a function": (
        {"schedule": lambda step: 1.0},
        {},
        "the schedule is a Python function",
    ),
    "few": ({}, {"starts": STARTS[:2]}, "there are too few of its kind for lanes, 2"),
}


@compiled
@pytest.mark.parametrize(("changes", "options", "reason"), ALONE.values(), ids=ALONE)
def test_what_lanes_do_not_suit(
    changes: dict[str, Any], options: dict[str, Any], reason: str
) -> None:
    given = {"starts": STARTS, "X": X, **options}
    starts, rows = given.pop("starts"), given.pop("X")
    plan = replace(PLAN, **changes)
    for start, many in zip(
        starts, dr.train_many(NETWORK, starts, rows, D, plan, **given), strict=True
    ):
        assert many.road.endswith(f", alone: {reason}")
        one = dr.train(NETWORK, start, rows, D, plan, **given)
        assert many.parameters.vector.tobytes() == one.parameters.vector.tobytes()
        assert many.history.validation_loss == one.history.validation_loss


@compiled
def test_a_large_network_fills_vectors_alone() -> None:
    network = dr.Network((3, 401, 2))
    starts = [dr.initialize(network, seed) for seed in range(9)]
    assert network.size > lanes.LARGEST_NETWORK
    for result in dr.train_many(network, starts, X, D, replace(PLAN, max_epochs=1)):
        assert result.road.endswith(
            "alone: the network has more than 2000 parameters, which fill vectors alone"
        )


@compiled
def test_wide_networks_train_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deltarule.many.WORTH_A_THREAD", 1)
    monkeypatch.setattr(lanes, "unsuited", lambda *_: "it is wide")
    results = dr.train_many(NETWORK, STARTS, X, D, plans(), n_threads=3)
    for many, one in zip(results, alone(plans()), strict=True):
        assert many.parameters.vector.tobytes() == one.parameters.vector.tobytes()
        assert many.road.endswith("alone: it is wide")


def test_the_reference_engine_trains_them_alone() -> None:
    results = dr.train_many(NETWORK, STARTS[:3], X, D, PLAN, engine="reference", rows=[None] * 3)
    for start, many in zip(STARTS, results, strict=False):
        one = dr.train(NETWORK, start, X, D, PLAN, engine="reference")
        assert many.parameters.vector.tobytes() == one.parameters.vector.tobytes()
        assert many.road.endswith("alone: only the compiled engine has lanes")


class Tenth(dr.Constant):
    """A user's own schedule: not what its base is."""

    def factors(self, clock: Any, count: int) -> Any:
        return np.full(count, 0.1)


@compiled
@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": Tenth()},
        {"max_epochs": 10**8, "patience": 1, "tolerance": 10.0},
        {"patience": 10**30, "tolerance": 1e-9},
        {"patience": 0, "tolerance": 10.0},
    ],
    ids=["own schedule", "no room", "endless patience", "no patience"],
)
def test_plans_at_the_edge_are_what_they_are_alone(changes: dict[str, Any]) -> None:
    given = plans(**changes)
    for many, one in zip(dr.train_many(NETWORK, STARTS, X, D, given), alone(given), strict=True):
        check_equal(many, one, 1e-12)


@compiled
def test_the_core_fills_the_column_done_itself() -> None:
    from deltarule import _core

    core = _core.Lanes([(3, 2, "tanh", 0.0, True)], "squared_error")
    core.bind(X, D)
    with pytest.raises(ValueError, match="there is no column 'done'"):
        core.run(
            "shuffle",
            1,
            "sgd",
            np.zeros(1, dtype=np.uint64),
            np.zeros((1, 8)),
            np.zeros((1, 0, 8)),
            {"done": np.array([10**6])},
            [None],
            [None],
            [np.zeros(1)],
            [np.zeros(1)],
        )


def test_no_starts_are_no_results() -> None:
    assert dr.train_many(NETWORK, [], X, D, PLAN) == []


OTHER = dr.Network((3, 4, 2))
ERRORS: dict[str, tuple[dict[str, Any], str]] = {
    "plans": (
        {"plans": [PLAN] * 10},
        (
            "plans must have one entry for each of the 11 starts (got 10). Give one for each, or a "
            "single plan for all."
        ),
    ),
    "rows": (
        {"rows": [None]},
        (
            "rows must have one entry for each of the 11 starts (got 1). Give one for each, or "
            "None for all."
        ),
    ),
    "validation": (
        {"validation": [None] * 12},
        (
            "validation must have one entry for each of the 11 starts (got 12). Give one for each, "
            "or a single one for all."
        ),
    ),
    "another architecture": (
        {"starts": [*STARTS[:10], dr.initialize(OTHER)]},
        (
            "starts[10] must be parameters of the network, for units (3, 5, 2) (got units (3, 4, "
            "2)). Make them with initialize(network)."
        ),
    ),
    "another dtype": (
        {"starts": [*STARTS[:10], STARTS[10].astype(np.float32)]},
        (
            "starts[10] must have the dtype of starts[0], float64 (got float32). Convert it with "
            "astype."
        ),
    ),
    "no plan": (
        {"plans": [*[PLAN] * 10, 0.1]},
        "plans[10] must be a TrainingPlan (got 0.1). Make one: TrainingPlan(max_epochs=100).",
    ),
    "early stopping": (
        {"plans": replace(PLAN, early_stopping=dr.EarlyStopping())},
        (
            "plans[0].early_stopping needs validation rows (got validation=None). Pass "
            "validation=Validation(X, D)."
        ),
    ),
    "a row too far": (
        {"rows": [*[None] * 10, np.arange(24)]},
        (
            "rows[10] must hold row numbers from 0 to 22, at least one (got 0 to 23). Give the "
            "numbers of the rows, not a mask."
        ),
    ),
    "a mask": (
        {"rows": [np.ones(23, dtype=bool), *[None] * 10]},
        (
            "rows[0] must hold row numbers from 0 to 22, at least one (got bool of shape (23,)). "
            "Give the numbers of the rows, not a mask."
        ),
    ),
}


@pytest.mark.parametrize(("changes", "sentence"), ERRORS.values(), ids=ERRORS)
def test_errors(changes: dict[str, Any], sentence: str) -> None:
    given = {"starts": STARTS, "plans": PLAN, **changes}
    starts, plan = given.pop("starts"), given.pop("plans")
    with pytest.raises((dr.exceptions.InvalidShapeError, dr.exceptions.InvalidParameterError)) as e:
        dr.train_many(NETWORK, starts, X, D, plan, **given)
    assert str(e.value) == sentence


def test_a_part_of_a_stream_may_be_without_weight() -> None:
    weight = np.zeros(23)
    plan = replace(PLAN, incremental=True, max_epochs=1)
    results = dr.train_many(
        NETWORK, STARTS, X, D, plan, sample_weight=weight, rows=[np.arange(5)] * 11
    )
    for start, result in zip(STARTS, results, strict=True):
        np.testing.assert_array_equal(result.parameters.vector, start.vector)


@compiled
@pytest.mark.skipif(os.name != "posix", reason="signals to a process as on Unix")
def test_ctrl_c_returns_what_was_reached() -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    starts = STARTS * 20
    timer.start()
    results = dr.train_many(NETWORK, starts, X, D, replace(PLAN, max_epochs=10**7), n_threads=1)
    assert {result.stop_reason for result in results} == {dr.StopReason.INTERRUPTED}
    assert results[0].epochs > 0
    assert len(results[0].history.loss) == results[0].epochs
    assert not np.array_equal(results[0].parameters.vector, starts[0].vector)
    assert results[-1].road == NOT_BEGUN
    assert results[-1].parameters is starts[-1]


@compiled
def test_restarts_are_trained_together() -> None:
    best, objectives = dr.restart(NETWORK, X, D, PLAN, 12, key=5)
    assert re.search("lanes road, 12 networks", best.road)
    assert np.isfinite(objectives).all()
    one, expected = dr.restart(NETWORK, X, D, PLAN, 12, key=5, observer=lambda seen: None)
    np.testing.assert_allclose(objectives, expected, rtol=1e-11)
    assert best.state.key == one.state.key
