"""The notes' algorithm bare: values by hand, nothing written into, errors word for word."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from conformance.networks import random_case

import deltarule as dr
from deltarule import engines
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError

ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
pytestmark = pytest.mark.parametrize("engine", ENGINES)


def line(w=2.0, dtype=np.float64):
    network = dr.Network((1, 1), "identity", bias=False)
    return network, dr.initialize(network).replace(vector=np.array([w], dtype=dtype))


def notes(dtype=np.float64):
    network = dr.Network((3, 4, 2), "logistic", bias=True)
    numbers = np.random.default_rng(0)
    X, D = numbers.normal(size=(6, 3)).astype(dtype), numbers.random((6, 2)).astype(dtype)
    return network, dr.initialize(network, seed=1, dtype=dtype), X, D


def test_objective_by_hand(engine):
    X, D = [[1.0], [2.0]], [[5.0], [5.0]]
    # losses ½ 3² and ½ 1², penalty ½ · 3 · 2² + 0.5 · 2
    assert dr.objective(*line(), X, D, engine=engine) == 2.5
    weighted = dr.objective(*line(), X, D, [1.0, 3.0], engine=engine)
    assert weighted == (4.5 + 3 * 0.5) / 4
    value = dr.objective(*line(), X, D, [1.0, 3.0], dr.L1L2(l1=0.5, l2=3.0), engine)
    assert value == (4.5 + 3 * 0.5 + 6.0 + 1.0) / 4


def test_gradient_by_hand(engine):
    X, D = [[1.0], [2.0]], [[5.0], [5.0]]
    # slopes −3 · 1 and −1 · 2
    assert dr.gradient(*line(), X, D, engine=engine).weights[0].tolist() == [[-2.5]]
    weighted = dr.gradient(*line(), X, D, [1.0, 3.0], engine=engine)
    assert weighted.vector.tolist() == [(-3.0 - 6.0) / 4]
    slope = dr.gradient(*line(), X, D, [1.0, 3.0], dr.L1L2(l1=0.5, l2=3.0), engine)
    assert slope.vector.tolist() == [(-9.0 + 6.0 + 0.5) / 4]


def test_steps_by_hand(engine):
    # w ← w − α_t (w x − d) x
    X, D = [[1.0], [2.0]], [[5.0], [4.0]]
    updated = dr.run_steps(*line(), X, D, order=[0, 1, 0], learning_rate=0.5, engine=engine)
    w = 2.0
    for x, d in ((1.0, 5.0), (2.0, 4.0), (1.0, 5.0)):
        w -= 0.5 * (w * x - d) * x
    assert updated.vector.tolist() == [w]


def test_learning_rate_may_be_a_function_of_t(engine):
    network, start, X, D = notes()
    order = [0, 3, 5, 1]
    rates = [0.5 / (t + 1) for t in range(4)]
    got = dr.run_steps(
        network, start, X, D, order=order, learning_rate=lambda t: rates[t], engine=engine
    )
    one_by_one = start
    for i, rate in zip(order, rates, strict=True):
        one_by_one = dr.run_steps(
            network, one_by_one, X, D, order=[i], learning_rate=rate, engine=engine
        )
    np.testing.assert_allclose(got.vector, one_by_one.vector, rtol=1e-13)


def test_a_step_is_a_gradient_step_on_one_row(engine):
    network, start, X, D = notes()
    slope = dr.gradient(network, start, X[2:3], D[2:3], engine=engine).vector
    stepped = dr.run_steps(network, start, X, D, order=[2], learning_rate=0.7, engine=engine)
    np.testing.assert_allclose(stepped.vector, start.vector - 0.7 * slope, rtol=1e-14)


def test_no_steps_change_nothing(engine):
    network, start, X, D = notes()
    assert dr.run_steps(network, start, X, D, order=[], engine=engine) is start


def test_forward_keeps_everything(engine):
    network, start, X, _ = notes()
    passed = dr.forward(network, start, X)
    assert len(passed.outputs) == 3
    assert [z.shape for z in passed.pre_activations] == [(6, 4), (6, 2)]
    z = X @ start.weights[0].T + start.biases[0]
    np.testing.assert_allclose(passed.pre_activations[0], z, rtol=1e-15)
    np.testing.assert_allclose(passed.outputs[1], 1 / (1 + np.exp(-z)), rtol=1e-15)
    assert passed.prediction is passed.outputs[-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sparse", [False, True])
def test_nothing_is_written_into(engine, dtype, sparse):
    network, start, X, D = notes(dtype)
    X = sp.csr_matrix(X) if sparse else X
    weight = np.ones(6, dtype=dtype)
    order = np.array([0, 1, 2])
    given = [*((X.data, X.indices, X.indptr) if sparse else (X,)), D, weight, order]
    before = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    dr.forward(network, start, X)
    dr.objective(network, start, X, D, weight, dr.L2(0.1), engine)
    gradient = dr.gradient(network, start, X, D, weight, dr.L2(0.1), engine)
    updated = dr.run_steps(network, start, X, D, order=order, engine=engine)
    for array, old in zip(given, before, strict=True):
        assert array.tobytes() == old.tobytes()
    assert gradient.dtype == updated.dtype == dtype
    assert not np.shares_memory(updated.vector, start.vector)


def test_sparse_rows_equal_dense_ones(engine):
    network, start, X, D = notes()
    X = np.where(X > 0, X, 0.0)
    for kind in (sp.csr_matrix, sp.csr_array):
        for call in (dr.objective, dr.gradient):
            dense = call(network, start, X, D, engine=engine)
            sparse = call(network, start, kind(X), D, engine=engine)
            dense, sparse = (getattr(v, "vector", v) for v in (dense, sparse))
            np.testing.assert_allclose(sparse, dense, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("types", [(np.int32, np.int64), (np.int64, np.int32), (np.int16,) * 2])
def test_sparse_rows_of_any_index_types(engine, types):
    network, start, X, D = notes()
    given = sp.csr_array(np.where(X > 0, X, 0.0))
    expected = dr.objective(network, start, given, D, engine=engine)
    given.indices, given.indptr = given.indices.astype(types[0]), given.indptr.astype(types[1])
    assert dr.objective(network, start, given, D, engine=engine) == expected
    assert (given.indices.dtype, given.indptr.dtype) == types


@pytest.mark.parametrize("form", ["csc", "coo", "lil", "dok", "bsr", "dia"])
def test_other_sparse_formats_are_refused(engine, form):
    network, start, X, D = notes()
    with pytest.raises(InvalidShapeError) as caught:
        dr.objective(network, start, sp.csr_array(X).asformat(form), D, engine=engine)
    assert str(caught.value) == (
        f"X must be an array or a CSR matrix (got a sparse matrix of format {form!r}). "
        "Pass X.tocsr()."
    )
    with pytest.raises(InvalidShapeError) as caught:
        dr.gradient(network, start, X, sp.csr_array(D), engine=engine)
    assert str(caught.value) == (
        "D must be an array (got a sparse matrix of format 'csr'). Pass D.toarray()."
    )


def test_lists_and_whole_numbers_are_taken(engine):
    network, start, X, D = notes(np.float32)
    X, D = np.round(X), np.round(D)
    expected = dr.gradient(network, start, X, D, engine=engine).vector
    for a, b in ((X.tolist(), D.tolist()), (X.astype(int), D.astype(bool))):
        got = dr.gradient(network, start, a, b, engine=engine)
        assert got.vector.tobytes() == expected.tobytes()


def test_columns_in_another_order_of_memory_are_taken(engine):
    network, start, X, D = notes()
    expected = dr.objective(network, start, X, D, engine=engine)
    assert (
        dr.objective(network, start, np.asfortranarray(X), D[::-1][::-1], engine=engine) == expected
    )
    wide = np.zeros((6, 7))
    wide[:, 2:5] = X
    assert dr.objective(network, start, wide[:, 2:5], D, engine=engine) == expected


def test_a_weight_is_a_number_of_copies(engine):
    network, start, X, D = notes()
    copies = np.array([1, 2, 0, 3, 1, 1])
    rows = np.repeat(np.arange(6), copies)
    weighted = dr.gradient(network, start, X, D, copies, dr.L2(0.3), engine)
    repeated = dr.gradient(network, start, X[rows], D[rows], None, dr.L2(0.3), engine)
    np.testing.assert_allclose(weighted.vector, repeated.vector, rtol=1e-12)
    J = dr.objective(network, start, X, D, copies, dr.L2(0.3), engine)
    assert (
        pytest.approx(dr.objective(network, start, X[rows], D[rows], None, dr.L2(0.3), engine)) == J
    )


def test_many_rows_are_summed_as_few_are(engine):
    """More rows than one pass of the reference engine holds."""
    network, start, X, D = notes()
    many = np.tile(X, (1500, 1)), np.tile(D, (1500, 1))
    few = dr.objective(network, start, X, D, engine=engine)
    assert dr.objective(network, start, *many, engine=engine) == pytest.approx(few, rel=1e-12)
    slope = dr.gradient(network, start, X, D, engine=engine).vector
    total = dr.gradient(network, start, *many, engine=engine).vector
    np.testing.assert_allclose(total, slope, rtol=1e-11)


@pytest.mark.parametrize("index", range(0, 60, 11))
def test_auto_is_one_of_the_engines(engine, index):
    case = random_case(index)
    problem = (case.network, case.parameters, case.X, case.D, case.weight, case.penalty)
    assert dr.objective(*problem) == pytest.approx(dr.objective(*problem, engine), rel=1e-13)


ERRORS = [
    (
        lambda n, p, X, D, e: dr.objective(n, p, X[:, :2], D, engine=e),
        InvalidShapeError,
        "X must have shape (rows, 3) (got (6, 2)). Its width is the network's inputs.",
    ),
    (
        lambda n, p, X, D, e: dr.objective(n, p, X[0], D, engine=e),
        InvalidShapeError,
        "X must have shape (rows, 3) (got (3,)). Its width is the network's inputs.",
    ),
    (
        lambda n, p, X, D, e: dr.gradient(n, p, X, D[:, :1], engine=e),
        InvalidShapeError,
        "D must have shape (rows, 2) (got (6, 1)). Its width is the network's outputs.",
    ),
    (
        lambda n, p, X, D, e: dr.gradient(n, p, X[:4], D, engine=e),
        InvalidShapeError,
        (
            "X and D must have the same number of rows, at least one (got 4 and 6). "
            "Give one target row per input row."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.objective(n, p, X[:0], D[:0], engine=e),
        InvalidShapeError,
        (
            "X and D must have the same number of rows, at least one (got 0 and 0). "
            "Give one target row per input row."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.objective(n, p, X.astype(np.float32), D, engine=e),
        InvalidShapeError,
        (
            "X must have the dtype of the parameters, float64 (got float32). "
            "Convert it with X.astype(float64)."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.objective(n, p, X, D, [1.0, 2.0], engine=e),
        InvalidShapeError,
        (
            "sample_weight must hold 6 finite numbers of at least 0, not all 0 (got shape (2,)). "
            "Give one weight per row."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.objective(n, p, X, D, engine="quick"),
        InvalidParameterError,
        (
            "engine must be one of 'auto', 'compiled', 'reference' (got 'quick'). "
            "'auto' is right for nearly everyone."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.run_steps(n, p, X, D, order=[0, 6], engine=e),
        InvalidShapeError,
        (
            "order must hold row numbers from 0 to 5 (got shape (2,), 0 to 6). "
            "Give one row number per step."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.run_steps(n, p, X, D, order=[-1], engine=e),
        InvalidShapeError,
        (
            "order must hold row numbers from 0 to 5 (got shape (1,), -1 to -1). "
            "Give one row number per step."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.run_steps(n, p, X, D, order=[[0, 1]], engine=e),
        InvalidShapeError,
        (
            "order must hold row numbers from 0 to 5 (got shape (1, 2), 0 to 1). "
            "Give one row number per step."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.run_steps(n, p, X, D, order=[[]], engine=e),
        InvalidShapeError,
        "order must hold row numbers from 0 to 5 (got shape (1, 0)). Give one row number per step.",
    ),
    (
        lambda n, p, X, D, e: dr.run_steps(n, p, X, D, order=[0.5, 1.0], engine=e),
        InvalidShapeError,
        (
            "order must hold row numbers from 0 to 5 (got dtype float64). "
            "Give one row number per step."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.run_steps(
            n, p, X, D, order=[0, 1], learning_rate=lambda t: [0.1, math.nan][t], engine=e
        ),
        InvalidParameterError,
        (
            "learning_rate must be finite at every step (got nan at step 1). "
            "Give a positive step size."
        ),
    ),
    (
        lambda n, p, X, D, e: dr.run_steps(
            n, p, np.where(X[1, 0] == X, np.nan, X), D, order=[0, 2, 1, 3], engine=e
        ),
        NonFiniteError,
        "the loss became non-finite at step 2 of 4. Lower learning_rate or scale the inputs.",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors_word_for_word(engine, call, error, message):
    with pytest.raises(error) as caught:
        call(*notes(), engine)
    assert str(caught.value) == message


def test_targets_that_do_not_fit_the_loss(engine):
    network = dr.Network((3, 2), "softmax", "log_loss")
    with pytest.raises(InvalidShapeError, match="sum to 1 in every row"):
        dr.objective(network, dr.initialize(network), np.ones((1, 3)), [[1.0, 1.0]], engine=engine)


def test_weights_that_are_no_weights(engine):
    network, start, X, D = notes()
    for weight in ([-1, 1, 1, 1, 1, 1], [0] * 6, [math.nan, 1, 1, 1, 1, 1]):
        with pytest.raises(InvalidShapeError, match="finite numbers of at least 0, not all 0"):
            dr.objective(network, start, X, D, weight, engine=engine)


def test_a_diverging_run_says_where(engine):
    X, D = [[100.0]], [[1.0]]
    with pytest.raises(NonFiniteError, match=r"non-finite at step \d+ of 1000\. Lower"):
        dr.run_steps(*line(), X, D, order=[0] * 1000, learning_rate=1.0, engine=engine)
