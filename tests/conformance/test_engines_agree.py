"""Every engine against the float64 reference engine, on runs that `runs` draws.

The promise: after one step 1e-12 in float64 and 1e-5 in float32, after 50 steps 1e-9 and 1e-3,
relative to the largest entry; the reference engine in float32 is held to the same. `make test` has
a sample in which every two choices of two factors meet, `make test-long` the whole product.
"""

import numpy as np
import pytest
import scipy.sparse as sp
from conformance import runs
from conformance.checks import relative

import deltarule as dr
from deltarule import backprop, engines, random
from deltarule.engines.base import Rule, Work
from deltarule.engines.reference import ReferenceEngine

REFERENCE = ReferenceEngine()
# steps, dtype → tolerance
TOLERANCE = {(1, "float64"): 1e-12, (1, "float32"): 1e-5, (50, "float64"): 1e-9}
TOLERANCE[50, "float32"] = 1e-3
needs_core = pytest.mark.skipif(
    not engines.compiled_available(), reason="the compiled core is not installed"
)
ENGINES = [
    pytest.param("reference", id="reference"),
    pytest.param("compiled", id="compiled", marks=needs_core),
]


def engine_of(name: str):
    return REFERENCE if name == "reference" else engines._load_compiled()


def same_run(setting: runs.Setting, engine, seed: int = 0) -> int:
    """One step and fifty, parameters, moments and losses; tells how often numbers were redrawn."""
    run, redrawn = runs.draw(setting, seed)
    for steps in (1, runs.STEPS):
        tolerance = TOLERANCE[steps, setting.dtype]
        exact, tried = run.open(REFERENCE, np.float64), run.open(engine, setting.dtype)
        expected = exact.run(run.work, 0, run.rates[:steps])
        report = tried.run(run.work, 0, run.rates[:steps])
        for what, got, right in (
            ("parameters", tried.vector(), exact.vector()),
            ("moments", tried.moments(), exact.moments()),
            ("losses", report.losses, expected.losses),
        ):
            error = relative(got, right)
            assert error <= tolerance, f"{setting}: {what} after {steps} steps off by {error:.3g}"
        assert (report.steps, report.finite) == (steps, True)
        assert report.losses.dtype == np.float64
        assert tried.vector().dtype == tried.moments().dtype == np.dtype(setting.dtype)
    return redrawn


def same_answers(setting: runs.Setting, engine, seed: int = 0) -> None:
    """predict, loss and loss_gradient of all rows, without a step."""
    run, _ = runs.draw(setting, seed)
    tolerance = TOLERANCE[1, setting.dtype]
    exact, tried = run.open(REFERENCE, np.float64), run.open(engine, setting.dtype)
    rows, own = run.rows(np.float64), run.rows(setting.dtype)
    assert relative(tried.predict(own[0]), exact.predict(rows[0])) <= tolerance, setting
    loss, slope = exact.loss_gradient(*rows)
    assert abs(tried.loss(*own) - loss) <= tolerance * abs(loss), setting
    got, gradient = tried.loss_gradient(*own)
    assert abs(got - loss) <= tolerance * abs(loss), setting
    assert np.abs(gradient - slope).max() <= tolerance * max(np.abs(slope).max(), abs(loss)), (
        setting
    )


SAMPLE = runs.pairwise()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("part", range(6))
def test_a_pairwise_sample(engine, part, record_property):
    redrawn = 0
    for setting in SAMPLE[part::6]:
        if engine == "reference" and setting.dtype == "float64":
            continue  # it is what is compared with
        redrawn += same_run(setting, engine_of(engine))
        same_answers(setting, engine_of(engine))
    told = f"{len(SAMPLE[part::6])} settings, {redrawn} times drawn anew"
    record_property("conformance", told)
    print(told)


def test_the_sample_is_pairwise():
    for loss, output in runs.PAIRS:
        assert any(setting.pair == (loss, output) for setting in SAMPLE)
    for a, b in [("hidden", "optimizer"), ("dtype", "batch_size"), ("extra", "optimizer")]:
        met = {(getattr(setting, a), getattr(setting, b)) for setting in SAMPLE}
        assert len(met) == len(runs.FACTORS[a]) * len(runs.FACTORS[b])


@needs_core
@pytest.mark.parametrize("bug", ["bias_gradient", "hidden_delta", "send_back"])
def test_a_difference_is_seen(bug, monkeypatch):
    """A control that must fail: one part in a million is off in the reference."""
    setting = runs.Setting(
        ("log_loss", "softmax"), "tanh", 2, "sgd", "float64", 4, "shuffle", "plain", True
    )  # fmt: skip
    same_run(setting, engine_of("compiled"))
    right = getattr(backprop, bug)
    monkeypatch.setattr(backprop, bug, lambda *given: right(*given) * (1 + 1e-6))
    with pytest.raises(AssertionError, match="off by"):
        same_run(setting, engine_of("compiled"))


@pytest.mark.long
@needs_core
@pytest.mark.parametrize("part", range(24))
def test_the_whole_product(part):
    settings = runs.whole()
    assert len(settings) == len(runs.PAIRS) * 6 * 2 * 2
    for setting in settings[part::24]:
        same_run(setting, engine_of("compiled"), seed=1)


@pytest.mark.long
@needs_core
@pytest.mark.parametrize("part", range(8))
def test_every_hidden_activation_under_every_pair(part):
    names = [(pair, hidden) for pair in runs.PAIRS for hidden in runs.FACTORS["hidden"]]
    for index, (pair, hidden) in list(enumerate(names))[part::8]:
        setting = runs.Setting(
            pair, hidden, 1 + index % 2, "sgd", "float64", (1, 4)[index // 2 % 2], "shuffle",
            "plain", True,
        )  # fmt: skip
        same_run(setting, engine_of("compiled"), seed=2)
        same_answers(setting, engine_of("compiled"), seed=2)


# ------------------------------------------------------------------ cuts, threads, orders


def large(dtype, *, batch_size: int, rows: int = 150, units=(64, 100, 10)) -> runs.Run:
    random = np.random.default_rng(3)
    network = dr.Network(units, ("tanh",) * (len(units) - 2) + ("softmax",), "log_loss")
    vector = dr.initialize(network, 3, dtype=np.float32).vector.astype(np.float64)
    X = random.normal(size=(rows, units[0])).astype(np.float32).astype(np.float64)
    D = np.eye(units[-1])[random.integers(0, units[-1], rows)]
    work = Work(Rule("shuffle", 11), batch_size, dr.Adam(), l2=0.001)
    return runs.Run(network, vector, X, D, None, work, np.full(40, 0.003))


def bits(run: runs.Run, engine, dtype, cuts=(), n_threads=1):
    """Vector, moments and the loss of each epoch, from a run in pieces."""
    session = run.open(engine, dtype, n_threads)
    work = run.work
    positions = len(run.D) if isinstance(work.order, Rule) else len(work.order)
    per_epoch = -(-positions // work.batch_size)
    ends, losses = [*cuts, len(run.rates)], {}
    start = 0
    for end in ends:
        first = start // per_epoch
        report = session.run(work, start, run.rates[start:end], losses.get(first, 0.0))
        losses |= dict(enumerate(report.losses.tolist(), first))
        start = end
    return session.vector(), session.moments(), np.array([losses[e] for e in sorted(losses)])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "cuts",
    [
        (1,),
        pytest.param((3, 4, 5), marks=pytest.mark.long),
        (10, 11, 12, 37),
        pytest.param(tuple(range(1, 50)), marks=pytest.mark.long),
    ],
)
def test_a_cut_changes_no_bit(engine, dtype, cuts):
    for setting in SAMPLE[:15]:
        run, _ = runs.draw(setting)
        whole = bits(run, engine_of(engine), dtype)
        for got, expected in zip(bits(run, engine_of(engine), dtype, cuts), whole, strict=True):
            assert got.tobytes() == expected.tobytes(), setting


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_cut_changes_no_bit_of_a_larger_run(engine, optimizer):
    for batch_size in (1, 64):
        run = large(np.float64, batch_size=batch_size)
        work = Work(run.work.order, batch_size, dr.optimizers.OPTIMIZERS.table[optimizer]())
        run = runs.Run(run.network, run.vector, run.X, run.D, None, work, run.rates)
        whole = bits(run, engine_of(engine), "float64")
        cut = bits(run, engine_of(engine), "float64", cuts=(5, 17, 18))
        assert [v.tobytes() for v in cut] == [v.tobytes() for v in whole]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1, 64, 150])
def test_thread_counts_change_no_bit(engine, dtype, batch_size):
    run = large(dtype, batch_size=batch_size)
    whole = bits(run, engine_of(engine), dtype)
    for n_threads in (2, 3, 7):
        got = bits(run, engine_of(engine), dtype, n_threads=n_threads)
        assert [v.tobytes() for v in got] == [v.tobytes() for v in whole], n_threads


@pytest.mark.parametrize("engine", ENGINES)
def test_thread_counts_change_no_bit_of_answers(engine):
    run = large(np.float64, batch_size=64, rows=5000)
    rows = run.rows(np.float64)
    expected = None
    for n_threads in (1, 2, 3, 7):
        session = run.open(engine_of(engine), np.float64, n_threads)
        loss, gradient = session.loss_gradient(*rows)
        answers = session.predict(rows[0]).tobytes(), loss, session.loss(*rows), gradient.tobytes()
        expected = expected or answers
        assert answers == expected, n_threads


@needs_core
@pytest.mark.parametrize("batch_size", [1, 32, 64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", [(64, 100, 10), (784, 40, 10), (33, 17, 65, 3), (20, 3)])
def test_larger_networks_agree(units, dtype, batch_size):
    """By Nesterov: among 30 000 first gradients some are so small that Adam blows up rounding."""
    run = large(dtype, batch_size=batch_size, units=units)
    work = Work(run.work.order, batch_size, dr.Nesterov(), l2=0.001)
    exact, tried = run.open(REFERENCE, np.float64), run.open(engine_of("compiled"), dtype)
    for steps in (1, 40):
        tolerance = TOLERANCE[1 if steps == 1 else 50, dtype]
        exact.run(work, 0, run.rates[:steps])
        tried.run(work, 0, run.rates[:steps])
        assert relative(tried.vector(), exact.vector()) <= tolerance, steps


def odd_shape(index: int) -> runs.Run:
    """Widths around tile and vector sizes, one row, batches larger than the data, many layers."""
    numbers = np.random.default_rng([9, index])
    widths = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100)
    depth = int(numbers.integers(1, 7))
    units = [int(w) for w in numbers.choice(widths, depth + 1)]
    rows = int(numbers.choice((1, 2, 5, 16, 17, 40, 67)))
    batch_size = int(numbers.choice((1, 1, 2, 3, 8, 16, 33, 200)))
    names = ("tanh", "logistic", "softplus", "gelu", "silu", "mish", "identity")
    hidden = [names[k] for k in numbers.integers(0, len(names), depth - 1)]
    network = dr.Network(units, [*hidden, "logistic"], "log_loss", bool(numbers.random() < 0.7))
    X = numbers.normal(size=(rows, units[0]))
    if index % 3 == 0:
        X *= numbers.random(X.shape) < 0.3
    optimizer = (dr.SGD(), dr.Momentum(), dr.Nesterov())[index % 3 - 1]
    kind = random.SAMPLINGS[index // 3 % 3]
    return runs.Run(
        network,
        dr.initialize(network, index).vector,
        X,
        numbers.random((rows, units[-1])),
        numbers.random(rows) + 0.1 if index % 2 else None,
        Work(Rule(kind, index), batch_size, optimizer, l2=0.01, l1=0.001),
        np.full(45, 0.01),
        (None, np.int32, np.int64)[index % 3],
    )


@needs_core
@pytest.mark.parametrize(
    "part", [0, 1, *(pytest.param(part, marks=pytest.mark.long) for part in (2, 3))]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_odd_shapes_agree(dtype, part):
    for index in range(part, 160, 4):
        run = odd_shape(index)
        exact, tried = run.open(REFERENCE, np.float64), run.open(engine_of("compiled"), dtype, 2)
        for got, right in zip(tried.loss_gradient(*run.rows(dtype)),
                              exact.loss_gradient(*run.rows("float64")), strict=True):  # fmt: skip
            assert relative(got, right) <= TOLERANCE[1, dtype], run.network.units
        expected = exact.run(run.work, 0, run.rates)
        report = tried.run(run.work, 0, run.rates)
        assert relative(tried.vector(), exact.vector()) <= TOLERANCE[50, dtype], run.network.units
        assert relative(report.losses, expected.losses) <= TOLERANCE[50, dtype]
        assert len(report.losses) == len(expected.losses)
        predicted = tried.predict(run.rows(dtype)[0])
        assert relative(predicted, exact.predict(run.X)) <= TOLERANCE[50, dtype]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", random.SAMPLINGS)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_rule_is_the_order_it_stands_for(engine, kind, batch_size):
    setting = runs.Setting(
        ("log_loss", "softmax"), "tanh", 1, "sgd", "float64", batch_size, kind, "plain", True
    )
    run, _ = runs.draw(setting)
    n, per_epoch = len(run.D), -(-len(run.D) // batch_size)
    ruled = run.open(engine_of(engine), np.float64)
    written = run.open(engine_of(engine), np.float64)
    for epoch in range(3):
        rates = run.rates[:per_epoch]
        ruled.run(run.work, epoch * per_epoch, rates)
        rows = random.order(kind, run.work.order.key, epoch, n)
        written.run(Work(rows, batch_size), 0, rates)
    assert ruled.vector().tobytes() == written.vector().tobytes()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_step_offset_is_the_optimisers_clock(engine, batch_size):
    """Adam's t counts from the offset, the order does not."""
    setting = runs.Setting(
        ("log_loss", "softmax"), "tanh", 1, "adam", "float64", batch_size, "shuffle", "plain", True
    )
    run, _ = runs.draw(setting)
    works = [Work(run.work.order, batch_size, dr.Adam(), step_offset=k) for k in (0, 5)]
    late = run.open(engine_of(engine), np.float64)
    late.run(works[1], 0, run.rates[:1])
    early = run.open(engine_of(engine), np.float64)
    early.run(works[0], 0, run.rates[:1])

    def correction(t):
        return np.sqrt(1 - 0.999**t) / (1 - 0.9**t)

    ratio = (late.vector() - run.vector) / (early.vector() - run.vector)
    np.testing.assert_allclose(ratio, correction(6) / correction(1), rtol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_sparse_rows_equal_dense_ones(engine, batch_size):
    setting = runs.Setting(
        ("squared_error", "logistic"), "relu", 1, "momentum", "float64", batch_size, "shuffle",
        "csr", True,
    )  # fmt: skip
    run, _ = runs.draw(setting)
    plain = runs.Run(run.network, run.vector, run.X, run.D, None, run.work, run.rates)
    got, expected = (
        bits(run, engine_of(engine), "float64"),
        bits(plain, engine_of(engine), "float64"),
    )
    for a, b in zip(got, expected, strict=True):
        assert relative(a, b) <= 1e-12


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("csr", [None, np.int32, np.int64])
def test_nothing_is_written_to(engine, dtype, csr):
    setting = runs.Setting(
        ("log_loss", "softmax"), "tanh", 1, "adam", dtype, 4, "shuffle", "both", True
    )
    run, _ = runs.draw(setting)
    X, D, weight = run.rows(dtype)
    if csr is not None:
        X = sp.csr_matrix(X)
        X.indices, X.indptr = X.indices.astype(csr), X.indptr.astype(csr)
    vector, moments, rates = (
        run.vector.astype(dtype),
        np.zeros((2, run.network.size), dtype),
        run.rates,
    )
    parts = [X.data, X.indices, X.indptr] if csr is not None else [X]
    given = [*parts, D, weight, vector, moments, rates]
    before = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    session = engine_of(engine).open(run.network, np.dtype(dtype))
    session.load(vector, moments)
    session.bind(X, D, weight)
    session.run(run.work, 0, rates)
    session.predict(X)
    session.loss_gradient(X, D, weight)
    for array, old in zip(given, before, strict=True):
        assert array.tobytes() == old.tobytes()
    assert session.vector() is not session.vector()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_loss_that_is_not_finite_ends_the_run(engine, batch_size):
    network = dr.Network((1, 2, 1), ("identity", "exp"), "poisson")
    X, D = np.full((8, 1), 50.0), np.full((8, 1), 3.0)
    session = engine_of(engine).open(network, np.dtype(np.float64))
    session.load(np.ones(network.size))
    session.bind(X, D)
    report = session.run(Work(Rule("sequential", 0), batch_size), 0, np.full(100, 1e3))
    assert not report.finite
    assert 1 <= report.steps < 100


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_without_steps_changes_nothing(engine):
    run = large(np.float64, batch_size=64)
    session = run.open(engine_of(engine), np.float64)
    report = session.run(run.work, 0, np.empty(0))
    assert (report.steps, report.finite) == (0, True)
    assert session.vector().tobytes() == run.vector.tobytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_batch_of_zero_weights_is_no_special_case(engine):
    setting = runs.Setting(
        ("squared_error", "identity"), "tanh", 1, "sgd", "float64", 4, "sequential", "plain", True
    )
    run, _ = runs.draw(setting)
    weight = np.ones(len(run.D))
    weight[:4] = 0.0
    work = Work(Rule("sequential", 0), 4, l2=0.1)
    session = engine_of(engine).open(run.network, np.dtype(np.float64))
    session.load(run.vector)
    session.bind(run.X, run.D, weight)
    report = session.run(work, 0, np.array([0.5]))
    decay = np.where(run.network.penalised, 0.1, 0.0)
    assert relative(session.vector(), run.vector - 0.5 * decay * run.vector) <= 1e-15
    assert report.losses.tolist() == [0.0]
