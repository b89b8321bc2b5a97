"""The light predictors of fitted estimators, on both engines, held against the estimators."""

import pickle
import threading
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

import deltarule as dr
from deltarule import engines
from deltarule.exceptions import InvalidShapeError

ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}

RNG = np.random.default_rng(7)
X = RNG.normal(size=(90, 5)) * [1, 10, 0.1, 3, 1] + [0, 100, 0, -5, 1]
SCORE = (X - X.mean(axis=0)) / X.std(axis=0) @ [1.0, -1.0, 0.5, 0.0, 2.0]

# the name in the report, what the estimator is told, its target
CLASSES = [
    ("two", {}, np.where(SCORE > 0, "yes", "no")),
    ("three", {}, np.digitize(SCORE, [-1, 1]) * 10),
    ("three, one by one", {"output_activation": "logistic"}, np.digitize(SCORE, [-1, 1])),
    ("two behind a softmax", {"output_activation": "softmax"}, SCORE > 0),
    ("objects", {}, np.array(["a", None, "c"], dtype=object)[(SCORE > 0) * 2]),
    ("a single one", {}, np.full(90, 3)),
    ("signs", {"loss": "perceptron"}, np.digitize(SCORE, [-1, 1])),
    ("one sign", {"loss": "perceptron", "hidden_layer_sizes": ()}, SCORE > 0),
    ("distances", {"loss": "squared_error", "output_activation": "tanh"}, SCORE > 0),
    ("labels", {}, np.column_stack([SCORE > 0, SCORE > 1, X[:, 0] > 0]).astype(int)),
    ("standardized", {"standardize": "inputs"}, np.digitize(SCORE, [-1, 1])),
    ("deep", {"hidden_layer_sizes": (40, 9, 3), "activation": "gelu"}, SCORE > 0),
    ("dropout", {"dropout": 0.4, "standardize": "inputs"}, np.digitize(SCORE, [-1, 1])),
    ("batches", {"normalization": "batch", "batch_size": 30}, np.digitize(SCORE, [-1, 1])),
    ("rows", {"normalization": "layer", "hidden_layer_sizes": (12, 33)}, SCORE > 0),
    ("average", {"solver": dr.Adam(average=0.9), "dropout": 0.2}, SCORE > 0),
    ("tempered", {"calibrate": True, "early_stopping": True}, np.digitize(SCORE, [-1, 1])),
]
NUMBERS = [
    ("one", {}, SCORE),
    ("two", {}, np.column_stack([SCORE, -SCORE])),
    ("poisson", {"loss": "poisson"}, np.floor(np.abs(SCORE))),
    ("standardized", {"standardize": "inputs"}, SCORE),
    ("standardized target", {"standardize": "both"}, 50 + 9 * SCORE),
    ("two standardized", {"standardize": "both"}, np.column_stack([SCORE, 1e9 + SCORE])),
    ("without biases", {"fit_intercept": False, "activation": ["tanh"]}, SCORE),
    ("rows", {"normalization": "layer", "activation": "tanh", "standardize": "both"}, SCORE),
    ("batches", {"normalization": "batch", "batch_size": 30, "dropout": 0.1}, SCORE),
    ("quantiles", {"loss": dr.losses.Quantile((0.1, 0.5, 0.9)), "standardize": "both"}, SCORE),
]


def fitted(kind, settings, y, engine, dtype=np.float64):
    model = kind(hidden_layer_sizes=(12,), max_iter=5, random_state=3, engine=engine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.set_params(**settings).fit(X.astype(dtype), y)


def close(found, wanted, dtype):
    scale = np.abs(wanted).max(initial=1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE[dtype] * scale)
    assert np.shape(found) == np.shape(wanted)


def same(found, wanted, dtype, engine):
    """The same bits from the core; NumPy sums a single row in another order."""
    if engine == "compiled":
        np.testing.assert_array_equal(found, wanted)
    else:
        close(found, wanted, dtype)


def near_a_border(outputs, middle):
    """Rows whose class a rounding error may decide."""
    ordered = np.sort(outputs, axis=1)
    gap = ordered[:, -1] - ordered[:, -2] if outputs.shape[1] > 1 else outputs[:, 0] - middle
    return np.abs(gap) < 1e-4


# ------------------------------------------------------------------ classes


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CLASSES, ids=lambda case: case[0])
def test_classes_are_those_of_the_estimator(case, dtype, engine):
    _, settings, y = case
    model = fitted(dr.MLPClassifier, settings, y, engine, dtype)
    predict, rows = model.predictor(), X.astype(dtype)
    wanted = model.predict(rows)
    clear = ~near_a_border(model._outputs(rows, scores=True), model._code.middle)
    assert clear.sum() > 60
    found = predict(rows)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found[clear], wanted[clear])
    close(predict.outputs(rows), model._outputs(rows), dtype)
    for row in np.flatnonzero(clear)[:20]:
        alone = predict(rows[row])
        assert np.array_equal(alone, wanted[row])
        assert type(alone) is type(wanted[row])
        same(predict.outputs(rows[row]), predict.outputs(rows)[row], dtype, engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "case", [case for case in CLASSES if "loss" not in case[1]], ids=lambda case: case[0]
)
def test_probabilities_are_those_of_the_estimator(case, dtype, engine):
    model = fitted(dr.MLPClassifier, case[1], case[2], engine, dtype)
    predict, rows = model.predictor(), X.astype(dtype)
    wanted = model.predict_proba(rows)
    found = predict.proba(rows)
    close(found, wanted, dtype)
    assert found.dtype == wanted.dtype
    close(predict.proba(rows[4]), wanted[4], dtype)
    out = np.empty_like(wanted)
    assert predict.proba(rows, out) is out
    np.testing.assert_array_equal(out, found)


def test_no_probabilities_where_the_estimator_has_none():
    predict = fitted(dr.MLPClassifier, {"loss": "perceptron"}, SCORE > 0, "auto").predictor()
    with pytest.raises(AttributeError) as caught:
        predict.proba(X[0])
    assert str(caught.value) == (
        "probabilities are defined for the output activations 'softmax' and 'logistic' with loss "
        "'log_loss', 'squared_error' or 'poisson' (got 'sign' with 'perceptron'). Use "
        "decision_function."
    )


# ------------------------------------------------------------------ numbers


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", NUMBERS, ids=lambda case: case[0])
def test_numbers_are_those_of_the_estimator(case, dtype, engine):
    model = fitted(dr.MLPRegressor, case[1], case[2], engine, dtype)
    predict, rows = model.predictor(), X.astype(dtype)
    wanted = model.predict(rows)
    found = predict(rows)
    close(found, wanted, dtype)
    assert found.dtype == wanted.dtype
    close(predict.outputs(rows), model._outputs(rows), dtype)
    for row in range(20):
        alone = predict(rows[row])
        assert type(alone) is (float if wanted.ndim == 1 else np.ndarray)
        same(alone, found[row], dtype, engine)


# ------------------------------------------------------------------ what it takes

MADE = [
    ("a list", lambda row: row.tolist()),
    ("a tuple", lambda row: tuple(row.tolist())),
    ("NumPy's numbers in a list", list),
    ("float64", np.float64),
    ("every other number", lambda row: np.repeat(row, 2)[::2]),
    ("backwards", lambda row: row[::-1].copy()[::-1]),
    ("read-only", lambda row: np.frombuffer(row.tobytes(), row.dtype)),
    ("foreign byte order", lambda row: row.astype(row.dtype.newbyteorder())),
    ("objects", lambda row: row.astype(object)),
    ("memory", lambda row: memoryview(row.copy())),
    ("not aligned", lambda row: np.frombuffer(b"1" + row.tobytes(), np.uint8)[1:].view(row.dtype)),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "make"), MADE)
def test_a_row_is_a_row_however_it_comes(name, make, dtype, engine):
    model = fitted(dr.MLPRegressor, {}, SCORE, engine, dtype)
    row = X[3].astype(dtype)
    assert model.predictor()(make(row)) == model.predictor()(row), name


@pytest.mark.parametrize("engine", ENGINES)
def test_whole_numbers_and_arrays_of_any_layout(engine):
    predict = fitted(dr.MLPRegressor, {}, SCORE, engine).predictor()
    whole = np.arange(20).reshape(4, 5)
    wanted = predict(whole.astype(float))
    for rows in (whole, whole.tolist(), whole.astype(np.float32), np.asfortranarray(whole * 1.0)):
        np.testing.assert_array_equal(predict(rows), wanted)
    assert predict([0, 1, 2, 3, 4]) == wanted[0]
    assert predict([True, True, False, False, True]) == predict([1.0, 1, 0, 0, 1])
    np.testing.assert_array_equal(predict((whole * 1.0)[::-1]), wanted[::-1])
    assert predict(np.empty((0, 5))).shape == (0,)


NOT_TAKEN = [
    (
        [1.0, 2.0],
        (
            "X must be a row of 5 numbers or an array of shape (rows, 5) (got shape (2,)). "
            "Give the columns that fit had, in their order."
        ),
    ),
    (
        np.ones((3, 4)),
        (
            "X must be a row of 5 numbers or an array of shape (rows, 5) (got shape (3, 4)). Give "
            "the columns that fit had, in their order."
        ),
    ),
    (
        np.ones((1, 2, 5)),
        (
            "X must be a row of 5 numbers or an array of shape (rows, 5) (got shape (1, 2, 5)). "
            "Give the columns that fit had, in their order."
        ),
    ),
    (
        3.0,
        (
            "X must be a row of 5 numbers or an array of shape (rows, 5) (got shape ()). "
            "Give the columns that fit had, in their order."
        ),
    ),
    (
        None,
        (
            "X must be a row of 5 numbers or an array of shape (rows, 5) (got None). Give the "
            "columns that fit had, in their order."
        ),
    ),
    (
        [1.0, None, 3.0, 4.0, 5.0],
        (
            "X must hold real numbers (got None among them). Fill the hole first, or leave the "
            "row out."
        ),
    ),
    (
        ["a", "b", "c", "d", "e"],
        (
            "X must hold real numbers (got words). Encode words and dates as numbers, as the rows "
            "of fit were."
        ),
    ),
    (
        [[1.0, 2.0, 3.0, 4.0, 5.0], [1.0]],
        (
            "X must be a row of 5 numbers or an array of shape (rows, 5) (got rows of different "
            "lengths). Give the columns that fit had, in their order."
        ),
    ),
    (
        np.ones(5, dtype=complex),
        (
            "X must hold real numbers (got complex128). Encode words and dates as numbers, as the "
            "rows of fit were."
        ),
    ),
    (
        np.array(["a", 1, 2, 3, 4], dtype=object),
        (
            "X must hold real numbers (got object). Encode words and dates as numbers, as the rows "
            "of fit were."
        ),
    ),
    (
        csr_array(np.ones((2, 5))),
        (
            "a predictor takes dense rows (got a sparse csr_array). Use the estimator's predict "
            "for sparse rows."
        ),
    ),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("given", "sentence"), NOT_TAKEN)
def test_what_is_no_row_is_refused(given, sentence, engine):
    for kind, y in ((dr.MLPRegressor, SCORE), (dr.MLPClassifier, SCORE > 0)):
        model = fitted(kind, {}, y, engine)
        for predict in (model.predictor(), model.learner().predict):
            for call in (predict, predict.outputs, getattr(predict, "proba", predict)):
                with pytest.raises(InvalidShapeError) as caught:
                    call(given)
                assert str(caught.value) == sentence


def test_nan_is_not_looked_for():
    """As the docstrings say; the estimators refuse it."""
    row = [np.nan, 0.0, 0.0, 0.0, 0.0]
    for engine in ENGINES:
        assert np.isnan(fitted(dr.MLPRegressor, {}, SCORE, engine).predictor()(row))
        assert fitted(dr.MLPClassifier, {}, SCORE > 0, engine).predictor()(row) in (True, False)
    with pytest.raises(ValueError, match="NaN"):
        fitted(dr.MLPRegressor, {}, SCORE, "auto").predict([row])


# ------------------------------------------------------------------ out


@pytest.mark.parametrize("engine", ENGINES)
def test_a_given_array_is_filled(engine):
    model = fitted(dr.MLPRegressor, {}, np.column_stack([SCORE, -SCORE]), engine, np.float32)
    predict, rows = model.predictor(), X.astype(np.float32)
    for given, shape in ((rows[0], (2,)), (rows, (90, 2)), (X[:4], (4, 2))):
        out = np.empty(shape, dtype=np.float32)
        assert predict(given, out=out) is out
        np.testing.assert_array_equal(out, predict.outputs(given))
    single = fitted(dr.MLPRegressor, {}, SCORE, engine).predictor()
    for given, shape in ((X[0], ()), (X, (90,))):
        out = np.empty(shape)
        assert single(given, out) is out
        np.testing.assert_array_equal(out, single(given))
    scaled = fitted(dr.MLPRegressor, {"standardize": "both"}, SCORE, engine).predictor()
    for given, shape in ((X[0], ()), (X, (90,))):
        out = np.empty(shape)
        np.testing.assert_array_equal(scaled(given, out), scaled(given))
    classes = fitted(dr.MLPClassifier, {}, SCORE > 0, engine).predictor()
    out = np.empty(90, dtype=bool)
    assert classes(X, out) is out
    np.testing.assert_array_equal(out, classes(X))


def bad_out(text, got):
    return (
        f"out must be a writeable C-contiguous float64 array of shape {text} that shares no memory "
        f"with X (got {got}). Make it with numpy.empty, or leave it out."
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_an_array_that_does_not_fit_is_refused(engine):
    y = np.column_stack([SCORE, SCORE, SCORE, SCORE, -SCORE])
    predict = fitted(dr.MLPRegressor, {}, y, engine).predictor()
    own = X.copy()
    read_only = np.empty(5)
    read_only.flags.writeable = False
    for given, out, sentence in [
        (X[0], np.empty(4), bad_out((5,), "float64 of shape (4,)")),
        (X[0], np.empty(5, dtype=np.float32), bad_out((5,), "float32 of shape (5,)")),
        (X[0], np.empty(10)[::2], bad_out((5,), "float64 of shape (5,)")),
        (X[0], read_only, bad_out((5,), "float64 of shape (5,)")),
        (X[0], [0.0] * 5, bad_out((5,), "[0.0, 0.0, 0.0, 0.0, 0.0]")),
        (own, own, bad_out((90, 5), "float64 of shape (90, 5)")),
        (own[1:], own[:-1], bad_out((89, 5), "float64 of shape (89, 5)")),
    ]:
        for call in (predict, predict.outputs):
            with pytest.raises(InvalidShapeError) as caught:
                call(given, out)
            assert str(caught.value) == sentence
    np.testing.assert_array_equal(own, X)  # nothing was written
    classes = fitted(dr.MLPClassifier, {}, SCORE > 0, engine).predictor()
    with pytest.raises(InvalidShapeError) as caught:
        classes(X[0], np.empty(1, dtype=bool))
    assert str(caught.value) == (
        "out must be None for the class of one row (got bool of shape (1,)). The class is an "
        "entry of classes_, which nothing is allocated for."
    )


# ------------------------------------------------------------------ frozen, shared, carried


def test_it_is_a_copy_of_the_numbers_as_they_were():
    model = fitted(dr.MLPRegressor, {}, SCORE, "auto")
    predict = model.predictor()
    before = predict(X)
    model.coefs_[0][...] = 0
    np.testing.assert_array_equal(predict(X), before)
    assert not np.array_equal(model.predictor()(X), before)
    close(model.predictor()(X), model.predict(X), np.float64)


def test_before_fit_there_is_none():
    with pytest.raises(NotFittedError):
        dr.MLPClassifier().predictor()


@pytest.mark.parametrize("engine", ENGINES)
def test_it_can_be_pickled(engine):
    for kind, y in ((dr.MLPRegressor, SCORE), (dr.MLPClassifier, np.where(SCORE > 0, "a", "b"))):
        predict = fitted(kind, {"standardize": "inputs"}, y, engine).predictor()
        again = pickle.loads(pickle.dumps(predict))
        np.testing.assert_array_equal(again(X), predict(X))
        assert repr(again) == f"{type(predict).__name__}(5-12-1, float64)"


def test_a_loaded_model_has_one(tmp_path):
    model = fitted(dr.MLPRegressor, {"standardize": "both"}, SCORE, "auto")
    dr.save(model, tmp_path / "model.deltarule")
    loaded = dr.load(tmp_path / "model.deltarule")
    np.testing.assert_array_equal(loaded.predictor()(X), model.predictor()(X))


@pytest.mark.parametrize("units", [(12,), (300, 300)])
def test_threads_share_one_predictor(units):
    model = fitted(
        dr.MLPClassifier, {"hidden_layer_sizes": units}, np.digitize(SCORE, [-1, 1]), "auto"
    )
    predict = model.predictor()
    wanted, many = predict.outputs(X), np.tile(X, (20, 1))
    wrong = []

    def work(offset):
        for turn in range(60):
            row = (offset + 7 * turn) % 90
            if not np.array_equal(predict.outputs(X[row]), wanted[row]):
                wrong.append(row)
        if not np.array_equal(predict.outputs(many), np.tile(wanted, (20, 1))):
            wrong.append(-1)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif("compiled" not in ENGINES, reason="the compiled core is not installed")
def test_the_core_refuses_what_does_not_fit_together():
    from deltarule import _core

    layers = [(2, 1, "tanh", 0.0, True)]
    normed = [(2, 2, "tanh", 0.0, True), (2, 1, "identity", 0.0, True)]
    extras = [
        ("batch", 1e-3, 0.1, 65536, 0, 1.0, 1.0, -1.0),
        ("none", 0.0, 0.0, 65536, 0, 1.0, 1.0, -1.0),
    ]
    for arguments, sentence in [
        ((layers, np.zeros(4)), "parameters must have the shape (3) (got (4))."),
        (
            (layers, np.zeros(3), [0.0], [1.0]),
            "center and scale must both have one number for each input, or none.",
        ),
        (
            (layers, np.zeros(3), [], [], "float16"),
            "dtype must be 'float32' or 'float64' (got 'float16').",
        ),
        (([], np.zeros(3)), "layers must hold at least one layer (got none)."),
        (
            (normed, np.zeros(13), [], [], "float64", [], extras, np.zeros(3)),
            "buffers must have the shape (4) (got (3)).",
        ),
        (
            (normed, np.zeros(9), [], [], "float64", [], extras),
            "parameters must have the shape (13) (got (9)).",
        ),
    ]:
        with pytest.raises(ValueError) as caught:
            _core.Predictor(*arguments)
        assert str(caught.value) == sentence
