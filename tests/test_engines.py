"""Which engine computes, how many threads, and what the reference engine promises by itself."""

import os
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
from conformance.kinds import network_of_kinds

import deltarule as dr
from deltarule import engines
from deltarule.engines.base import Report, Rule, Work
from deltarule.engines.reference import CHUNK, ReferenceEngine
from deltarule.exceptions import EngineError, InvalidParameterError, ReferenceEngineWarning

NETWORK = dr.Network((2, 3, 1), "tanh")
needs_core = pytest.mark.skipif(
    not engines.compiled_available(), reason="the compiled core is not installed"
)


@pytest.fixture
def without_core(monkeypatch):
    """As on a machine where the compiled core does not load."""
    monkeypatch.setattr(engines, "_load_compiled", lambda: None)
    monkeypatch.setattr(engines, "_compiled_problem", "no module named _core")
    monkeypatch.setattr(engines, "_said", False)


# ------------------------------------------------------------------ the choice


def test_reference_is_reference():
    assert engines.choose("reference", NETWORK, dr.SGD(), np.float64).name == "reference"


@needs_core
def test_auto_is_compiled_where_it_can():
    assert engines.choose("auto", NETWORK, dr.SGD(), np.float64).name == "compiled"
    assert engines.choose("compiled", NETWORK, None, np.float32).name == "compiled"


@needs_core
@pytest.mark.parametrize(
    ("network", "why"),
    [
        (
            network_of_kinds()[0],
            "layers[0] is of kind 'test_standardize', which has no compiled form.",
        ),
        (
            dr.Network((2, 1), dr.activations.Function(np.sin, np.cos)),
            "the activation of layers[0] is a Python function.",
        ),
        (
            dr.Network((2, 1), "tanh", dr.losses.Function(lambda p, d: p, lambda p, d: p)),
            "the loss is a Python function.",
        ),
    ],
)
def test_auto_falls_back_and_compiled_refuses(network, why):
    assert engines.choose("auto", network, dr.SGD(), np.float64).name == "reference"
    with pytest.raises(EngineError) as caught:
        engines.choose("compiled", network, dr.SGD(), np.float64)
    assert str(caught.value) == f"engine='compiled' cannot do this: {why} Use engine='auto'."


def test_an_unknown_engine_is_refused():
    with pytest.raises(InvalidParameterError) as caught:
        engines.choose("gpu", NETWORK, None, np.float64)
    assert str(caught.value) == (
        "engine must be one of 'auto', 'compiled', 'reference' (got 'gpu'). "
        "'auto' is right for nearly everyone."
    )


@pytest.mark.usefixtures("without_core")
class TestWithoutCore:
    def test_compiled_is_an_error(self):
        assert not engines.compiled_available()
        with pytest.raises(EngineError) as caught:
            engines.choose("compiled", NETWORK, None, np.float64)
        assert str(caught.value) == (
            "engine='compiled' needs the compiled core, which does not load (no module named "
            "_core). Install deltarule with a C++ compiler present, or use engine='reference'."
        )

    def test_auto_says_it_once_at_the_first_training(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            engines.choose("auto", NETWORK, None, np.float64)  # a prediction says nothing
        with pytest.warns(ReferenceEngineWarning, match="the NumPy reference engine trains"):
            chosen = engines.choose("auto", NETWORK, dr.SGD(), np.float64)
        assert chosen.name == "reference"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            engines.choose("auto", NETWORK, dr.SGD(), np.float64)

    def test_whoever_asks_for_the_reference_is_told_nothing(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            engines.choose("reference", NETWORK, dr.SGD(), np.float64)

    def test_training_works(self):
        X, D = np.ones((4, 2)), np.zeros((4, 1))
        with pytest.warns(ReferenceEngineWarning):
            result = dr.train(NETWORK, dr.initialize(NETWORK), X, D, dr.TrainingPlan(max_epochs=2))
        assert result.engine == "reference"
        assert result.road == "reference: NumPy, equation by equation"


# ------------------------------------------------------------------ threads


@pytest.fixture
def environment(monkeypatch):
    for name in ("DELTARULE_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_small_pass_gets_one_thread_without_a_look_at_the_pools(environment, monkeypatch):
    def no_look():
        raise AssertionError("the pools were looked for")

    monkeypatch.setattr(engines, "_pool_limit", no_look)
    assert engines.thread_count(None, engines.SERIAL - 1) == 1
    assert engines.thread_count(3, 10) == 3  # who names a number gets it
    environment.setenv("DELTARULE_NUM_THREADS", "5")
    assert engines.thread_count(None, 10) == 5
    environment.delenv("DELTARULE_NUM_THREADS")
    with pytest.raises(AssertionError, match="were looked for"):
        engines.thread_count(None, engines.SERIAL)


def test_threads_by_number(environment):
    assert engines.thread_count(3) == 3
    for number in (np.int64(3), np.uint8(3), np.array(3)):
        assert engines.thread_count(number) == 3
        assert type(engines.thread_count(number)) is int


def test_threads_counted_back(environment):
    environment.setattr(engines, "_quota", lambda group, unlimited: unlimited)
    environment.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert engines.thread_count(-1) == 8
    assert engines.thread_count(-3) == 6
    assert engines.thread_count(-100) == 1
    assert engines.thread_count(None) <= 8


def test_threads_by_environment(environment):
    environment.setenv("OMP_NUM_THREADS", "5,2")
    assert engines.thread_count(None) == 5
    environment.setenv("DELTARULE_NUM_THREADS", "2")
    assert engines.thread_count(None) == 2


def test_threads_under_a_limit_of_threadpoolctl(environment):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    environment.setattr(engines, "_processors", lambda: 8)
    environment.setattr(engines, "_pool_limit", lambda: 8)
    assert engines.thread_count(None) == 8
    environment.undo()
    for name in ("DELTARULE_NUM_THREADS", "OMP_NUM_THREADS"):
        environment.delenv(name, raising=False)
    environment.setattr(engines, "_processors", lambda: 8)
    if not threadpoolctl.threadpool_info():
        pytest.skip("no pool to limit")
    with threadpoolctl.threadpool_limits(1):
        assert engines.thread_count(None) == 1
        environment.setenv("OMP_NUM_THREADS", "5")
        assert engines.thread_count(None) == 1
        environment.setenv("DELTARULE_NUM_THREADS", "3")
        assert engines.thread_count(None) == 3
        assert engines.thread_count(-1) == 8
        assert engines.thread_count(2) == 2


def test_pools_are_looked_for_again_after_an_import_only(environment):
    class Pool:
        internal_api = "openmp"

        def __init__(self, number, **given):
            self.number = number
            vars(self).update(given)

        def get_num_threads(self):
            return self.number

    looked = []

    class Controller:
        def __init__(self):
            looked.append(self)
            quiet = Pool(1, threading_layer="disabled"), Pool(1, internal_api="blis")
            self.lib_controllers = [Pool(6), Pool(4), Pool(None), *quiet]

    monkeypatch = environment
    monkeypatch.setattr(engines, "_pools", (0, []))
    monkeypatch.setitem(sys.modules, "threadpoolctl", types.SimpleNamespace())
    sys.modules["threadpoolctl"].ThreadpoolController = Controller
    assert [engines._pool_limit() for _ in range(3)] == [4, 4, 4]
    assert len(looked) == 1
    monkeypatch.setitem(sys.modules, "a_module_of_this_test", types.ModuleType("new"))
    assert engines._pool_limit() == 4
    assert len(looked) == 2
    monkeypatch.delitem(sys.modules, "threadpoolctl")
    assert engines._pool_limit() is None


@pytest.mark.parametrize("value", [0, True, 1.5, "all", np.int64(0), np.array([2, 3])])
def test_threads_that_are_none(environment, value):
    with pytest.raises(InvalidParameterError) as caught:
        engines.thread_count(value)
    assert str(caught.value) == (
        f"n_threads must be None, a positive integer or -1 for all (got {value!r}). "
        "None follows the environment."
    )


# ------------------------------------------------------------------ the reference by itself


def session(rows=5, weight=None, dtype=np.float64):
    numbers = np.random.default_rng(0)
    X, D = (
        numbers.normal(size=(rows, 2)).astype(dtype),
        numbers.normal(size=(rows, 1)).astype(dtype),
    )
    opened = ReferenceEngine().open(NETWORK, dtype)
    opened.load(dr.initialize(NETWORK, dtype=dtype).vector)
    opened.bind(X, D, weight)
    return opened, X, D


def test_losses_are_told_epoch_by_epoch():
    opened, _, _ = session()
    report = opened.run(Work(Rule("shuffle", 1), 2), 1, np.full(6, 0.1))  # epochs of 3 steps
    assert isinstance(report, Report)
    assert len(report.losses) == 3  # steps 1-2, 3-5, 6
    assert report.steps == 6


def test_carried_losses_go_on():
    opened, _, _ = session()
    whole = opened.run(Work(Rule("shuffle", 1)), 0, np.full(5, 0.1)).losses
    opened, _, _ = session()
    first = opened.run(Work(Rule("shuffle", 1)), 0, np.full(2, 0.1)).losses
    second = opened.run(Work(Rule("shuffle", 1)), 2, np.full(3, 0.1), float(first[-1])).losses
    assert second.tolist() == whole.tolist()


def test_a_run_without_steps():
    opened, _, _ = session()
    report = opened.run(Work(Rule("shuffle", 1)), 0, np.empty(0))
    assert (report.steps, report.finite) == (0, True)


def test_moments_follow_the_optimiser():
    opened, _, _ = session()
    assert opened.moments().shape == (0, NETWORK.size)
    opened.run(Work(Rule("shuffle", 1), optimizer=dr.Adam()), 0, np.full(2, 0.1))
    assert opened.moments().shape == (2, NETWORK.size)
    opened.run(Work(Rule("shuffle", 1), optimizer=dr.Momentum()), 2, np.full(2, 0.1))
    assert opened.moments().shape == (1, NETWORK.size)


def test_what_is_given_out_is_a_copy():
    opened, X, _ = session()
    opened.vector()[:] = 0
    opened.moments()[:] = 0
    assert opened.vector().any()
    assert opened.predict(X).any()


def test_buffers_stay_where_none_are_given():
    network, parameters = network_of_kinds()
    opened = ReferenceEngine().open(network, np.float64)
    X = np.ones((1, 2))
    opened.load(parameters.vector, None, parameters.buffers)
    expected = dr.forward(network, parameters, X).prediction
    assert opened.predict(X).tolist() == expected.tolist()
    opened.load(parameters.vector)
    assert opened.predict(X).tolist() == expected.tolist()


def test_rows_are_judged_in_chunks_of_bounded_memory():
    opened, _, _ = session()
    X = np.random.default_rng(1).normal(size=(2 * CHUNK + 1, 2))
    whole = dr.forward(NETWORK, dr.initialize(NETWORK), X).prediction
    np.testing.assert_allclose(opened.predict(X), whole, rtol=1e-12)
    assert opened.predict(X[:0]).shape == (0, 1)


def test_numbers_out_of_range_are_quiet():
    opened, X, D = session()
    opened.load(np.full(NETWORK.size, 1e308))
    with np.errstate(all="warn"), warnings.catch_warnings():
        warnings.simplefilter("error")
        opened.predict(X)
        opened.loss(X * 1e10, D)
        opened.loss_gradient(X, D)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({}, 8),
    ],
)
def test_a_containers_quota_bounds_the_threads(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert engines._quota(tmp_path, 8) == expected
