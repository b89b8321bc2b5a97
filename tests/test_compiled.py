"""The compiled engine beside what tests/conformance asks of every engine: its border, its threads,
its instruction sets, and that neither cuts nor threads nor forks change a bit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import deltarule as dr
from deltarule.engines.base import Rule, Work
from deltarule.engines.reference import ReferenceEngine
from deltarule.layers import Dense

core = pytest.importorskip("deltarule._core", reason="the compiled core is not installed")
compiled = pytest.importorskip("deltarule.engines.compiled")
ENGINE = compiled.CompiledEngine()

NETWORK = dr.Network(units=(6, 40, 9, 3), activations=("tanh", "relu", "softmax"), loss="log_loss")


def rows(n: int, dtype: Any = np.float64, seed: int = 0) -> tuple[Any, Any, Any]:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 6)).astype(dtype)
    D = np.eye(3, dtype=dtype)[generator.integers(0, 3, n)]
    return X, D, generator.uniform(0.5, 2.0, n).astype(dtype)


def opened(n: int = 50, dtype: Any = np.float64, n_threads: int = 1) -> Any:
    session = ENGINE.open(NETWORK, dtype, n_threads)
    session.load(dr.initialize(NETWORK, seed=1, dtype=dtype).vector)
    session.bind(*rows(n, dtype))
    return session


# ---------------------------------------------------------------- what it refuses


class Foreign(Dense):
    name = ""


REFUSALS: list[tuple[Callable[[], dr.Network], Any, Any, str]] = [
    (
        lambda: NETWORK,
        None,
        np.float16,
        "the core computes in float32 and float64, not in float16.",
    ),
    (
        lambda: dr.Network((2, 2), dr.activations.Function(np.sin, np.cos)),
        None,
        np.float64,
        "the activation of layers[0] is a Python function.",
    ),
    (
        lambda: dr.Network(
            (2, 2),
            "identity",
            dr.losses.Function(lambda p, d: (p - d) ** 4, lambda p, d: 4 * (p - d) ** 3),
        ),
        None,
        np.float64,
        "the loss is a Python function.",
    ),
    (
        lambda: dr.Network(layers=[Dense(2, 2), dr.layers.Dropout(2, 2)]),
        None,
        np.float64,
        (
            "layers[0] and what follows it are not in the core's order: a dense layer, "
            "normalisation, activation, dropout, and a dense layer last."
        ),
    ),
]


@pytest.mark.parametrize(("network", "optimizer", "dtype", "sentence"), REFUSALS)
def test_refusal(network: Any, optimizer: Any, dtype: Any, sentence: str) -> None:
    assert ENGINE.refusal(network(), optimizer, dtype) == sentence


def test_a_layer_of_another_kind_is_refused() -> None:
    network = dr.Network(layers=[Foreign(2, 2)], loss="squared_error")
    assert "which has no compiled form." in ENGINE.refusal(network, None, np.float64)


def test_all_else_is_not_refused() -> None:
    for optimizer in (None, dr.SGD(), dr.Adam(), dr.AdamW(), dr.RMSprop(), dr.LBFGS()):
        assert ENGINE.refusal(NETWORK, optimizer, np.float32) is None


# ---------------------------------------------------------------- the border


def test_road() -> None:
    narrow = dr.Network((3, 4, 2), "tanh", "squared_error")  # within 4 vectors of any width
    small, wide = ENGINE.open(narrow, np.float64, 1), opened()
    rule = Rule("shuffle", 0)
    for session, work, wanted in [
        (small, Work(rule), "per-sample road, a small network in registers"),
        (small, Work(rule, optimizer=dr.Momentum()), "looking ahead in blocks of 8 rows"),
        (wide, Work(rule), "looking ahead in blocks of 8 rows"),
        (small, Work(rule, optimizer=dr.Adam()), "only SGD, momentum and Nesterov without L1"),
        (small, Work(rule, l1=0.1), "only SGD, momentum and Nesterov without L1"),
        (small, Work(rule, 2), "mini-batch road"),
    ]:
        assert session.road(work).startswith(f"compiled, {core.isa()}: ")
        assert wanted in session.road(work)


BAD_BINDS = {
    "X must hold float64 numbers, as the session does. Convert it first.": lambda X, D, w: (
        X.astype(np.float32),
        D,
        w,
    ),
    "X must have the shape (any, 6) (got (50, 5)).": lambda X, D, w: (X[:, :5], D, w),
    "X must be C-contiguous. Pass numpy.ascontiguousarray of it.": lambda X, D, w: (
        np.asfortranarray(X),
        D,
        w,
    ),
    "D must have the shape (50, 3) (got (49, 3)).": lambda X, D, w: (X, D[:49], w),
    "sample_weight must have the shape (50) (got (50, 1)).": lambda X, D, w: (X, D, w[:, None]),
    "sample_weight must hold float64 numbers, as the session does. Convert it first.": (
        lambda X, D, w: (X, D, w.astype(int))
    ),
}


@pytest.mark.parametrize("sentence", BAD_BINDS)
def test_arrays_that_do_not_fit(sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        opened().bind(*BAD_BINDS[sentence](*rows(50)))
    assert str(caught.value) == sentence


def test_orders_that_leave_the_rows() -> None:
    session = opened()
    for order, bad in (([0, 50], "50"), ([-1, 3], "-1")):
        with pytest.raises(ValueError) as caught:
            session.run(Work(np.array(order)), 0, np.ones(2))
        assert str(caught.value) == f"order must hold row numbers from 0 to 49 (got {bad})."
    with pytest.raises(ValueError, match="a run needs at least one row"):
        session.run(Work(np.zeros(0, np.int64)), 0, np.ones(2))
    X = sp.csr_array(rows(50)[0])
    X.indices[3] = 6
    with pytest.raises(ValueError, match="indices of X must be column numbers below 6"):
        session.bind(X, rows(50)[1])


CSR = "X must be an array or the CSR tuple (data, indices, indptr, (rows, columns))."
ORDER = "order must be an array of row numbers or the rule (kind, key)."
NO_ARRAY = " must be an array of numbers in this machine's byte order. Pass numpy.asarray of it."
FLOATS, INTS = np.zeros(0), np.zeros(0, np.int64)
FOREIGN = np.dtype(np.float64).newbyteorder()

BAD_ROWS: list[tuple[Any, str]] = [
    ((FLOATS,), CSR),
    ((), CSR),
    ((FLOATS, INTS, np.zeros(1, np.int64), (0,)), CSR),
    ((FLOATS, INTS, np.zeros(1, np.int64), 6), CSR),
    ((FLOATS, INTS, np.zeros(1, np.int64), ("a", 6)), "the rows of X must be an integer."),
    ((FLOATS, INTS, np.zeros(1, np.int64), (0, 2**70)), "the columns of X must be an integer."),
    ((FLOATS, INTS, np.zeros(1, np.int64), (0, 5)), "X must have 6 columns."),
    ((FLOATS, INTS, INTS, (-1, 6)), "X must have at least 0 rows (got -1)."),
    (
        (FLOATS, INTS, np.zeros(1, np.int64), (2**63 - 1, 6)),
        "X must have at least 0 rows (got 9223372036854775807).",
    ),
    ((FLOATS, INTS, INTS, (0, 6)), "indptr of X must have the shape (1) (got (0))."),
    (
        (FLOATS, INTS, np.zeros(1, np.int32), (0, 6)),
        "indptr of X must hold int64 numbers, as the session does. Convert it first.",
    ),
    ((None, INTS, INTS, (0, 6)), "data of X" + NO_ARRAY),
    (
        (np.ones(1), np.zeros(1, np.int64), np.array([0, -1, 1]), (2, 6)),
        "indptr of X must not decrease.",
    ),
    (
        (np.ones(1), np.full(1, -1), np.array([0, 1]), (1, 6)),
        "indices of X must be column numbers below 6.",
    ),
    (np.zeros((3, 6), FOREIGN), "X" + NO_ARRAY),
    (np.zeros((3, 6), object), "X" + NO_ARRAY),
    ([[0.0] * 6], "X" + NO_ARRAY),
    (np.float64(1.0), "X must have the shape (any, 6) (got ())."),
]


@pytest.mark.parametrize(("X", "sentence"), BAD_ROWS, ids=range(len(BAD_ROWS)))
def test_rows_that_are_none(X: Any, sentence: str) -> None:
    session = core.Session([(6, 3, "identity", 0.0, True)], "squared_error")
    for call in (session.predict, lambda X: session.bind(X, np.zeros((0, 3)))):
        with pytest.raises(ValueError) as caught:
            call(X)
        assert str(caught.value) == sentence


BAD_RUNS: list[tuple[dict[str, Any], str]] = [
    ({"order": ("shuffle",)}, ORDER),
    ({"order": (1, 2)}, ORDER),
    ({"order": ()}, ORDER),
    ({"order": [0, 1]}, "order" + NO_ARRAY),
    ({"order": ("shuffle", -1)}, "the key of an order must be from 0 to 2**64 - 1."),
    ({"order": ("shuffle", 2**64)}, "the key of an order must be from 0 to 2**64 - 1."),
    (
        {"order": ("sorted", 1)},
        "order must be one of replacement, shuffle, sequential (got 'sorted').",
    ),
    ({"rates": np.ones(2, FOREIGN)}, "rates" + NO_ARRAY),
    ({"batch_size": 0}, "batch_size must be at least 1 (got 0)."),
    (
        {"first_step": 2**63 - 1},
        "first_step must be from 0 to 2**61 (got 9223372036854775807).",
    ),
    ({"first_step": -1}, "first_step must be from 0 to 2**61 (got -1)."),
    (
        {"clock": -(2**63)},
        "clock must be from -2**61 to 2**61 (got -9223372036854775808).",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD_RUNS, ids=range(len(BAD_RUNS)))
def test_runs_that_are_none(changes: dict[str, Any], sentence: str) -> None:
    session = core.Session([(6, 3, "identity", 0.0, True)], "squared_error")
    session.bind(np.zeros((4, 6)), np.zeros((4, 3)))
    good = {"order": ("shuffle", 0), "first_step": 0, "batch_size": 1, "rates": np.ones(2)}
    session.run(**good)
    with pytest.raises(ValueError) as caught:
        session.run(**{**good, **changes})
    assert str(caught.value) == sentence


def test_numbers_and_sizes_that_are_none() -> None:
    session = core.Session([(6, 3, "identity", 0.0, True)], "squared_error")
    for call, name in ((session.set_parameters, "parameters"), (session.set_moments, "moments")):
        with pytest.raises(ValueError) as caught:
            call(np.zeros(21, FOREIGN))
        assert str(caught.value) == name + NO_ARRAY
    with pytest.raises(ValueError, match="does not fit into memory"):
        core.Session([(2**40, 2**40, "identity", 0.0, True)], "squared_error")
    with pytest.raises(ValueError, match=r"n must be from 0 to 2\*\*32 - 1 \(got -1\)"):
        core.order("shuffle", 0, 0, -1)
    with pytest.raises(ValueError, match="count must not be negative"):
        core.words(0, 0, 0, 0, -1)


def test_a_session_does_one_call_at_a_time() -> None:
    session, refused = opened(), []
    rates = np.full(2_000_000, 1e-3)
    run = threading.Thread(target=session.run, args=(Work(Rule("replacement", 1)), 0, rates))
    run.start()
    while run.is_alive():
        try:
            session.predict(rows(1)[0])
        except ValueError as problem:
            refused.append(str(problem))
    run.join()
    assert refused[0] == ("the session is at work in another call. Open a session for each thread.")
    session.predict(rows(1)[0])


def test_nothing_bound() -> None:
    with pytest.raises(ValueError, match="bind the training rows before a run"):
        ENGINE.open(NETWORK, np.float64).run(Work(Rule("shuffle", 0)), 0, np.ones(1))


def test_arguments_may_be_read_only_and_are_not_written() -> None:
    session = ENGINE.open(NETWORK, np.float64)
    arrays = (dr.initialize(NETWORK, seed=1).vector, *rows(30))
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    session.load(arrays[0])
    session.bind(*arrays[1:])
    session.run(Work(Rule("shuffle", 0), 4), 0, np.full(30, 0.1))
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_bound_rows_live_as_long_as_the_session() -> None:
    session = opened(5000)
    wanted = opened(5000)
    kept = rows(5000)
    wanted.bind(*kept)
    for _ in range(20):
        np.ones((5000, 6)).sum()  # would land where freed rows were
    work, rates = Work(Rule("replacement", 3), 7), np.full(50, 0.01)
    session.run(work, 0, rates)
    wanted.run(work, 0, rates)
    np.testing.assert_array_equal(session.vector(), wanted.vector())


# ---------------------------------------------------------------- the same bits

OPTIMIZERS = [dr.SGD(), dr.Nesterov(), dr.Adam(), dr.AdamW(weight_decay=0.1), dr.RMSprop()]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.name)
def test_cutting_a_run_changes_no_bit(optimizer: Any, batch_size: int, dtype: Any) -> None:
    work = Work(Rule("shuffle", 9), batch_size, optimizer, l1=0.001, l2=0.01)
    rates = np.linspace(0.05, 0.01, 130)
    whole, cut = opened(dtype=dtype), opened(dtype=dtype)
    wanted = whole.run(work, 0, rates)
    per_epoch = -(-50 // batch_size)
    losses: dict[int, float] = {}
    for start, stop in ((0, 1), (1, 4), (4, 61), (61, 130)):
        carried = losses.get(start // per_epoch, 0.0)
        report = cut.run(work, start, rates[start:stop], carried)
        for index, loss in enumerate(report.losses):
            losses[start // per_epoch + index] = loss
    np.testing.assert_array_equal(cut.vector(), whole.vector())
    np.testing.assert_array_equal(cut.moments(), whole.moments())
    np.testing.assert_array_equal(list(losses.values()), wanted.losses)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_session_that_is_loaded_again_goes_on_in_the_same_bits(dtype: Any) -> None:
    work, rates = Work(Rule("replacement", 2), 5, dr.Adam()), np.full(20, 0.01)
    whole, first, second = opened(dtype=dtype), opened(dtype=dtype), opened(dtype=dtype)
    whole.run(work, 0, np.full(40, 0.01))
    first.run(work, 0, rates)
    second.load(first.vector(), first.moments())
    second.run(work, 20, rates)
    np.testing.assert_array_equal(second.vector(), whole.vector())


def many_threads(n_threads: int) -> list[bytes]:
    network = dr.Network((30, 200, 20, 4), "tanh", "squared_error")
    generator = np.random.default_rng(4)
    X = generator.normal(size=(2500, 30)).astype(np.float32)
    D = generator.normal(size=(2500, 4)).astype(np.float32)
    session = ENGINE.open(network, np.float32, n_threads)
    session.load(dr.initialize(network, seed=1, dtype=np.float32).vector)
    session.bind(X, D)
    report = session.run(Work(Rule("shuffle", 3), 1200, dr.Adam()), 0, np.full(12, 1e-3))
    loss, gradient = session.loss_gradient(X, D)
    arrays = (session.vector(), report.losses, gradient, session.predict(X), np.float64(loss))
    return [array.tobytes() for array in arrays]


def test_any_number_of_threads_gives_the_same_bits() -> None:
    alone = many_threads(1)
    for n_threads in (2, 3, 8, 100_000, 2**70):
        assert many_threads(n_threads) == alone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_threads_work_after_a_fork() -> None:
    # In a process of its own: pytest warns of forks while threads live.
    code = (
        "import os, test_compiled as t; wanted = t.many_threads(2); child = os.fork()\n"
        "if child == 0: os._exit(t.many_threads(2) != wanted)\n"
        "assert os.waitpid(child, 0)[1] == 0 and t.many_threads(2) == wanted"
    )
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=os.path.dirname(__file__),
        check=True,
        timeout=60,
    )


# ---------------------------------------------------------------- runs


@pytest.mark.parametrize("batch_size", [1, 8])
def test_a_loss_that_is_not_finite_ends_the_run(batch_size: int) -> None:
    X, D, _ = rows(50)
    X[20, 1] = np.nan
    session = opened()
    session.bind(X, D)
    report = session.run(Work(Rule("sequential", 0), batch_size), 0, np.full(200, 0.01))
    assert report.steps == 20 // batch_size + 1
    assert not report.finite
    assert not np.isfinite(report.losses[-1])
    assert np.isfinite(session.vector()).all()


@pytest.mark.parametrize("batch_size", [51, 2**40, 2**63 - 1])
def test_a_batch_larger_than_the_rows_takes_all_of_them(batch_size: int) -> None:
    whole, larger = opened(), opened()
    for session, size in ((whole, 50), (larger, batch_size)):
        session.run(Work(Rule("shuffle", 3), size), 0, np.full(4, 0.1))
    np.testing.assert_array_equal(larger.vector(), whole.vector())


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_threads_asked_for() -> None:
    code = (
        "import numpy as np, deltarule as dr; n = dr.Network((784, 1024, 10), 'relu'); "
        "X = np.zeros((2000, 784)); D = np.zeros((2000, 10)); plan = dr.TrainingPlan("
        "batch_size=2000, max_epochs=1); dr.train(n, dr.initialize(n), X, D, plan, "
        "engine='compiled', n_threads=20_000); "
        "print([l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')][0])"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) < 400_000  # kB; scratch for every thread would be 10 GB


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("index", [np.int32, np.int64, np.int16, (np.int32, np.int64)])
def test_sparse_rows(index: Any, batch_size: int) -> None:
    X, D, weight = rows(50)
    X[np.abs(X) < 1] = 0
    X[7] = 0
    sparse = sp.csr_array(X)
    one, other = index if isinstance(index, tuple) else (index, index)
    sparse.indices, sparse.indptr = sparse.indices.astype(one), sparse.indptr.astype(other)
    dense_session, sparse_session = opened(), opened()
    dense_session.bind(X, D, weight)
    sparse_session.bind(sparse, D, weight)
    work = Work(Rule("shuffle", 9), batch_size, dr.Momentum())
    for session in (dense_session, sparse_session):
        session.run(work, 0, np.full(60, 0.05))
    if batch_size > 1:  # the mini-batch road promises bits
        np.testing.assert_array_equal(sparse_session.vector(), dense_session.vector())
        np.testing.assert_array_equal(sparse_session.predict(sparse), dense_session.predict(X))
        for got, expected in zip(
            sparse_session.loss_gradient(sparse, D), dense_session.loss_gradient(X, D), strict=True
        ):
            np.testing.assert_array_equal(got, expected)
    np.testing.assert_allclose(sparse_session.vector(), dense_session.vector(), rtol=1e-9)
    np.testing.assert_allclose(sparse_session.predict(sparse), dense_session.predict(X), rtol=1e-9)


def test_sparse_rows_with_columns_out_of_order_or_twice() -> None:
    X, _, _ = rows(4)
    X[0] = [0, 1, 0, 2, 0, 3]
    parts = (np.array([3.0, 0.5, 2.0, 0.5]), np.array([5, 1, 3, 1]), np.array([0, 4]))
    given = sp.vstack([sp.csr_array(parts, shape=(1, 6)), sp.csr_array(X[1:])], format="csr")
    indices = given.indices.copy()
    np.testing.assert_array_equal(opened().predict(given), opened().predict(X))
    np.testing.assert_array_equal(given.indices, indices)  # a copy was put in order
    with pytest.raises(ValueError) as caught:
        core.Session([(6, 1, "identity", 0.0, True)], "squared_error").predict(
            (given.data, given.indices, given.indptr, given.shape)
        )
    assert str(caught.value) == (
        "indices of X must ascend within each row. Call X.sum_duplicates() first."
    )


def test_no_rows() -> None:
    session = opened()
    X, D, _ = rows(0)
    assert session.predict(X).shape == (0, 3)
    assert session.loss(X, D) == 0.0
    assert not session.loss_gradient(X, D)[1].any()


def test_other_threads_of_python_run_meanwhile() -> None:
    session, ticks = opened(), 0
    rates = np.full(300_000, 1e-3)
    runner = threading.Thread(target=session.run, args=(Work(Rule("replacement", 1)), 0, rates))
    runner.start()
    while runner.is_alive():
        ticks += 1
        time.sleep(1e-4)
    assert ticks > 3


def test_denormals_are_flushed_in_runs_only() -> None:
    session = opened()
    session.run(Work(Rule("shuffle", 0)), 0, np.ones(3))
    tiny = np.full(4, 1e-310)
    assert (tiny * 0.5 != 0).all()


# ---------------------------------------------------------------- activations and instruction sets


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name", [name for name, kind in dr.activations.ACTIVATIONS.table.items() if kind.elementwise]
)
def test_activations_are_those_of_python(name: str, dtype: Any) -> None:
    z = np.concatenate([np.linspace(-25, 25, 2001), [0.0, 1e-9, -1e-9]]).astype(dtype)
    definition = dr.activations.ACTIVATIONS.table[name]()
    value, slope = core.activation(name, definition.parameter, z)
    wide = z.astype(np.float64)
    expected = definition.value(wide)
    tolerance = 8 * np.finfo(dtype).eps
    # gelu and mish multiply z by a probability that is known to an absolute precision
    floor = np.abs(wide) if name in ("gelu", "mish", "silu") else 0.0
    assert (np.abs(value - expected) <= tolerance * np.maximum(np.abs(expected), floor)).all()
    expected = definition.derivative(wide, expected)
    assert (np.abs(slope - expected) <= tolerance * np.maximum(np.abs(expected), 1.0 + floor)).all()


@pytest.mark.parametrize("isa", core.available_isas())
def test_every_instruction_set_of_this_machine(isa: str) -> None:
    code = (
        "import numpy as np, test_compiled as t, sys; session = t.opened(); "
        "session.run(t.Work(t.Rule('shuffle', 4), 7, t.dr.Adam()), 0, np.full(50, 0.01)); "
        "sys.stdout.buffer.write(session.vector().tobytes()); assert t.core.isa() == sys.argv[1]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, isa],
        cwd=os.path.dirname(__file__),
        env={**os.environ, "DELTARULE_ISA": isa},
        capture_output=True,
        check=True,
        timeout=60,
    )
    reference = ReferenceEngine().open(NETWORK, np.float64)
    reference.load(dr.initialize(NETWORK, seed=1).vector)
    reference.bind(*rows(50))
    reference.run(Work(Rule("shuffle", 4), 7, dr.Adam()), 0, np.full(50, 0.01))
    np.testing.assert_allclose(np.frombuffer(done.stdout), reference.vector(), atol=1e-9, rtol=0)


def test_an_unknown_instruction_set_is_an_error_of_the_import() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import deltarule._core"],
        env={**os.environ, "DELTARULE_ISA": "x86-64-v9"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    names = ", ".join(core.available_isas())
    assert (
        f"DELTARULE_ISA must name an instruction set of this machine: {names} "
        "(got 'x86-64-v9'). Unset it to use the best one." in done.stderr
    )


def test_a_best_score_is_gone_with_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions: list[Any] = []
    release = compiled.CompiledSession.release

    def noted(session: Any) -> None:
        sessions.append(session)
        release(session)

    monkeypatch.setattr(compiled.CompiledSession, "release", noted)
    X = np.arange(8.0).reshape(4, 2)
    network = dr.Network((2, 3, 1))
    plan = dr.TrainingPlan(max_epochs=3, early_stopping=dr.EarlyStopping())
    rows = dr.Validation(X, X[:, :1])
    start = dr.initialize(network, seed=0)
    dr.train(network, start, X, X[:, :1], plan, validation=rows)
    with pytest.raises(ValueError, match="the last slice met no best score"):
        sessions[0]._core.best()
