"""Steps of one row written down as they are done: the same numbers as the run, bit for bit."""

import numpy as np
import pytest
import scipy.sparse

import deltarule as dr
from deltarule import engines
from deltarule.engines import Rule, Work

#: (units, activations, loss, optimizer): registers, blocks, one pass, a single layer.
KINDS = [
    ((4, 16, 3), "logistic", "squared_error", dr.SGD()),
    ((4, 7, 2), ("gelu", "softmax"), "log_loss", dr.SGD()),
    ((9, 40, 5, 3), ("tanh", "relu", "softmax"), "log_loss", dr.SGD()),
    ((9, 20, 3), ("tanh", "identity"), "squared_error", dr.Momentum()),
    ((9, 20, 3), ("tanh", "identity"), "squared_error", dr.Adam()),
    ((5, 3), "logistic", "log_loss", dr.SGD()),
]
ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]


def opened(kind, engine, dtype=np.float64, sparse=False):
    units, activations, loss, optimizer = kind
    network = dr.Network(units, activations, loss)
    random = np.random.default_rng(7)
    X = random.normal(size=(20, units[0])).astype(dtype)
    D = np.eye(units[-1], dtype=dtype)[random.integers(units[-1], size=20)]
    session = engines.choose(engine, network, optimizer, dtype).open(network, np.dtype(dtype))
    session.load(dr.initialize(network, seed=1, dtype=dtype).vector)
    session.bind(X, D, random.uniform(0.5, 2, size=20).astype(dtype))
    return session, Work(Rule("shuffle", 3), 1, optimizer, l2=0.01, scale=0.8)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_is_the_run_bit_for_bit(kind, dtype, engine):
    rates = np.linspace(0.1, 0.02, 53)
    (traced, work), (ran, _) = opened(kind, engine, dtype), opened(kind, engine, dtype)
    trace, report = traced.trace(work, 0, rates), ran.run(work, 0, rates)
    assert traced.vector().tobytes() == ran.vector().tobytes()
    assert traced.moments().tobytes() == ran.moments().tobytes()
    assert trace.report.losses.tolist() == report.losses.tolist()
    assert (trace.report.steps, trace.report.finite) == (53, True)
    # what is traced in two parts is what is traced in one
    parts, _ = opened(kind, engine, dtype)
    first, second = parts.trace(work, 0, rates[:11]), parts.trace(work, 11, rates[11:])
    for name in ("pre_activations", "outputs", "deltas"):
        for whole, *halves in zip(
            *(getattr(part, name) for part in (trace, first, second)), strict=True
        ):
            assert whole.tobytes() == np.concatenate(halves).tobytes()
            assert len(whole) == 53


@pytest.mark.skipif("compiled" not in ENGINES, reason="the compiled core is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_meet_the_same_numbers(kind):
    rates = np.full(53, 0.05)
    (ours, work), (theirs, _) = opened(kind, "compiled"), opened(kind, "reference")
    mine, wanted = ours.trace(work, 0, rates), theirs.trace(work, 0, rates)
    for name in ("pre_activations", "outputs", "deltas"):
        for found, expected in zip(getattr(mine, name), getattr(wanted, name), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trace_ends_with_the_step_that_is_not_finite(engine):
    session, work = opened(KINDS[3], engine)
    trace = session.trace(work, 0, np.full(400, 1e6))
    assert not trace.report.finite
    assert 0 < trace.report.steps < 400
    assert all(len(z) == trace.report.steps for z in trace.pre_activations)


@pytest.mark.skipif("compiled" not in ENGINES, reason="the compiled core is not installed")
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_meet_the_same_numbers_where_they_go_wrong(kind, sparse, bad):
    """The step that is not finite has all its deltas too."""
    units, activations, _, optimizer = kind
    activations = (*activations[:-1], "identity") if isinstance(activations, tuple) else "relu"
    network = dr.Network(units, activations)
    random = np.random.default_rng(7)
    X, D = random.normal(size=(8, units[0])), random.normal(size=(8, units[-1]))
    (D if np.isfinite(bad) else X)[5] = bad
    X = scipy.sparse.csr_array(X) if sparse else X
    traces = []
    for engine in ("reference", "compiled"):
        session = engines.choose(engine, network, optimizer, np.float64).open(network, np.float64)
        session.load(dr.initialize(network, seed=1).vector)
        session.bind(X, D, np.full(8, 0.5))
        traces.append(
            session.trace(Work(Rule("shuffle", 3), 1, optimizer, scale=0.8), 3, np.full(8, 1e-3))
        )
    wanted, found = traces
    assert not found.report.finite
    assert found.report.steps == wanted.report.steps
    for name in ("pre_activations", "outputs", "deltas"):
        for ours, theirs in zip(getattr(found, name), getattr(wanted, name), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
            assert not (ours[-1] == 0).all() or (theirs[-1] == 0).all()
