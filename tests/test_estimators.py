"""`MLPClassifier` and `MLPRegressor`: targets, rows, weights, and the notes' machines."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.linear_model import Perceptron, Ridge
from sklearn.metrics import mean_pinball_loss
from sklearn.preprocessing import StandardScaler

import deltarule as dr
from deltarule.estimators import standardizer
from deltarule.exceptions import InvalidShapeError
from deltarule.random import order

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
X_DIABETES, Y_DIABETES = X_DIABETES[:200], Y_DIABETES[:200] / 100

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytestmark = quiet

FAST = {"learning_rate_init": 0.02, "random_state": 0, "standardize": "inputs"}


# ---------------------------------------------------------------- what can be learnt


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("labels", [None, ("setosa", "versicolor", "virginica"), (7, -1, 3)])
def test_classes_of_any_kind(engine: str, labels: Any) -> None:
    y = Y_IRIS if labels is None else np.array(labels)[Y_IRIS]
    model = dr.MLPClassifier((8,), engine=engine, max_iter=80, **FAST).fit(X_IRIS, y)
    assert model.score(X_IRIS, y) > 0.95
    assert model.classes_.tolist() == sorted(set(y.tolist()))
    assert (model.predict(X_IRIS) == model.classes_[model.predict_proba(X_IRIS).argmax(1)]).all()
    np.testing.assert_allclose(model.predict_proba(X_IRIS).sum(axis=1), 1)
    np.testing.assert_allclose(
        model.predict_log_proba(X_IRIS), np.log(model.predict_proba(X_IRIS)), rtol=1e-12
    )


def test_two_classes_have_one_logistic_output() -> None:
    X, y = X_IRIS[50:], Y_IRIS[50:]
    model = dr.MLPClassifier((8,), **FAST).fit(X, y)
    assert (model.out_activation_, model.n_outputs_) == ("logistic", 1)
    assert model.predict_proba(X).shape == (100, 2)
    assert ((model.predict_proba(X)[:, 1] > 0.5) == (model.predict(X) == 2)).all()
    assert not hasattr(model, "decision_function")


def test_two_classes_behind_a_softmax() -> None:
    X, y = X_IRIS[50:], Y_IRIS[50:]
    model = dr.MLPClassifier((8,), output_activation="softmax", **FAST).fit(X, y)
    assert model.n_outputs_ == 2
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_sum_to_one_where_all_outputs_underflow(dtype: Any) -> None:
    model = dr.MLPClassifier((), output_activation="logistic", max_iter=1)
    model.fit(X_IRIS.astype(dtype), Y_IRIS)
    model.intercepts_[0][:] = -2000.0
    probabilities = model.predict_proba(X_IRIS.astype(dtype))
    assert probabilities.dtype == dtype
    np.testing.assert_allclose(probabilities, 1 / 3)


def test_one_class_fits_and_is_predicted() -> None:
    model = dr.MLPClassifier((3,), max_iter=5).fit(X_IRIS[:50], ["only"] * 50)
    assert set(model.predict(X_IRIS)) == {"only"}
    assert (model.predict_proba(X_IRIS) == np.ones((150, 1))).all()


def test_one_row() -> None:
    assert dr.MLPClassifier((3,), max_iter=5).fit([[1.0, 2.0]], [4]).predict([[0, 0]]) == [4]
    assert dr.MLPRegressor((), max_iter=5) is not None
    fitted = dr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=5).fit([[1.0, 2.0]], [4.0])
    assert fitted.predict([[0, 0]]).shape == (1,)


def test_multilabel() -> None:
    X, Y = make_multilabel_classification(n_samples=80, random_state=0)
    model = dr.MLPClassifier((30,), max_iter=200, **FAST).fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert (model.out_activation_, model.n_outputs_) == ("logistic", 5)
    assert ((model.predict_proba(X) > 0.5) == model.predict(X)).all()
    again = clone(model).fit(X, sparse.csr_array(Y))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "squared_error"},
        {"loss": "squared_error", "output_activation": "logistic"},
        {"loss": "squared_error", "output_activation": "tanh"},
        {"loss": "squared_error", "output_activation": "softmax"},
        {"loss": "huber"},
        {"loss": "absolute_error", "output_activation": "logistic"},
        {"loss": "poisson", "output_activation": "softmax"},
        {"loss": "perceptron"},
        {"loss": dr.losses.Quantile(0.4)},
        {"activation": "sign", "hidden_layer_sizes": (30,)},
        {"activation": ["tanh", dr.activations.LeakyReLU(0.2)], "hidden_layer_sizes": (8, 8)},
    ],
    ids=str,
)
@pytest.mark.parametrize("classes", [2, 3])
def test_every_loss_classifies(settings: dict[str, Any], classes: int) -> None:
    X, y = (X_IRIS, Y_IRIS) if classes == 3 else (X_IRIS[:100], Y_IRIS[:100])
    defaults = {"hidden_layer_sizes": (10,), "max_iter": 150} | FAST
    model = dr.MLPClassifier(**(defaults | settings)).fit(X, y)
    assert model.score(X, y) > 0.88
    if hasattr(model, "predict_proba"):
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
        assert not hasattr(model, "decision_function")
    else:
        scores = model.decision_function(X)
        decided = (scores > 0).astype(int) if classes == 2 else scores.argmax(axis=1)
        np.testing.assert_array_equal(decided, model.predict(X))


def test_regression_with_one_and_several_outputs() -> None:
    Y = np.column_stack([Y_DIABETES, -Y_DIABETES, Y_DIABETES**2])
    model = dr.MLPRegressor(hidden_layer_sizes=(10,), max_iter=300, **FAST)
    assert clone(model).fit(X_DIABETES, Y_DIABETES).predict(X_DIABETES).shape == (200,)
    several = model.fit(X_DIABETES, Y)
    assert several.predict(X_DIABETES).shape == Y.shape
    assert several.score(X_DIABETES, Y) > 0.5
    # The reported loss is the sum over the outputs of half the squared errors.
    several.set_params(warm_start=True, max_iter=1, batch_size=200, alpha=0.0, shuffle=False)
    expected = 0.5 * ((several.predict(X_DIABETES) - Y) ** 2).sum(axis=1).mean()
    assert several.fit(X_DIABETES, Y).loss_ == pytest.approx(expected, rel=1e-12)


def test_a_linear_network_is_ridge_regression() -> None:
    ridge = Ridge(alpha=3.0).fit(X_DIABETES, Y_DIABETES)
    model = dr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=3.0, tol=1e-10)
    model.set_params(max_iter=1000, random_state=0).fit(X_DIABETES, Y_DIABETES)
    # SciPy's search also ends where the objective no longer changes by 2e-9 of itself.
    np.testing.assert_allclose(model.coefs_[0].ravel(), ridge.coef_, rtol=0, atol=1e-3)
    np.testing.assert_allclose(model.intercepts_[0], ridge.intercept_, rtol=1e-4)


def test_quantile_loss_predicts_the_quantile() -> None:
    model = dr.MLPRegressor(
        dr.losses.Quantile(0.9),
        (),
        max_iter=2000,
        tol=1e-6,
        learning_rate_init=0.01,
        random_state=0,
    ).fit(X_DIABETES, Y_DIABETES)
    below = (model.predict(X_DIABETES) > Y_DIABETES).mean()
    assert 0.85 < below < 0.95
    constant = np.full(200, np.quantile(Y_DIABETES, 0.9))
    assert mean_pinball_loss(Y_DIABETES, model.predict(X_DIABETES), alpha=0.9) < mean_pinball_loss(
        Y_DIABETES, constant, alpha=0.9
    )


def test_a_users_own_loss_and_activation_run_on_the_reference_engine() -> None:
    log_cosh = dr.losses.Function(_log_cosh, _tanh_of)
    swish = dr.activations.Function(_square, _twice)
    model = dr.MLPRegressor(log_cosh, (5,), swish, max_iter=150, **FAST).fit(X_DIABETES, Y_DIABETES)
    assert model.engine_ == "reference"
    assert model.score(X_DIABETES, Y_DIABETES) > 0.3
    with pytest.raises(dr.exceptions.EngineError, match="engine='compiled'"):
        model.set_params(engine="compiled").fit(X_DIABETES, Y_DIABETES)


def _log_cosh(prediction: Any, target: Any) -> Any:
    return np.log(np.cosh(prediction - target))


def _tanh_of(prediction: Any, target: Any) -> Any:
    return np.tanh(prediction - target)


def _square(z: Any) -> Any:
    return z * z


def _twice(z: Any) -> Any:
    return 2 * z


# ---------------------------------------------------------------- the notes' machines


@pytest.mark.parametrize("classes", [2, 3])
def test_the_linear_classifier_is_the_perceptron(classes: int) -> None:
    """sign(X'w) on the same order of samples walks exactly as scikit-learn's Perceptron."""
    kept = classes > Y_IRIS
    X, y = X_IRIS[kept][::-3], Y_IRIS[kept][::-3]
    theirs = Perceptron(shuffle=False, max_iter=5, tol=None, alpha=0.0).fit(X, y)
    ours = dr.MLPClassifier(
        (),
        loss="perceptron",
        solver="sgd",
        momentum=0,
        batch_size=1,
        sampling="sequential",
        alpha=0,
        learning_rate_init=1.0,
        initializer=dr.initializers.Constant(0.0),
        max_iter=5,
        n_iter_no_change=100,
    ).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.intercepts_[0], theirs.intercept_, rtol=1e-12)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), rtol=1e-9)
    strict = theirs.decision_function(X) != 0
    strict = strict if classes == 2 else strict.all(axis=1)
    np.testing.assert_array_equal(ours.predict(X)[strict], theirs.predict(X)[strict])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 3])
def test_what_decides_a_sign_is_what_is_predicted(classes: int, dtype: Any) -> None:
    """sign(0) is +1: where all hidden units are 0 and there is no bias, z is 0."""
    kept = classes > Y_IRIS
    X = (X_IRIS - X_IRIS.mean(axis=0))[kept].astype(dtype)
    model = dr.MLPClassifier((2,), loss="perceptron", fit_intercept=False, max_iter=2)
    model.set_params(random_state=0).fit(X, Y_IRIS[kept])
    for coef in model.coefs_:
        coef[...] = -np.abs(coef)  # rows above the mean in every column leave nothing
    z = model.decision_function(X)
    assert (np.abs(z) == np.finfo(dtype).tiny).any()
    decided = (z > 0).astype(int) if classes == 2 else z.argmax(axis=1)
    np.testing.assert_array_equal(decided, model.predict(X))


def test_the_notes_mode_is_the_notes_loop() -> None:
    """Squared error, logistic, no bias, i_t with replacement: a transcription of the notes."""
    X, D = StandardScaler().fit_transform(X_IRIS), np.eye(3)[Y_IRIS]
    model = dr.MLPClassifier(
        (5,),
        "logistic",
        loss="squared_error",
        output_activation="logistic",
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=1,
        sampling="replacement",
        fit_intercept=False,
        learning_rate_init=0.3,
        max_iter=4,
        random_state=0,
    )
    start = clone(model).set_params(max_iter=1, learning_rate_init=1e-300).fit(X, Y_IRIS)
    W, V = start.coefs_[0].T.copy(), start.coefs_[1].T.copy()
    key = start._memory.key
    for epoch in range(4):
        for i in order("replacement", key, epoch, len(X)):
            h = 1 / (1 + np.exp(-W @ X[i]))
            d = 1 / (1 + np.exp(-V @ h))
            delta_k = (d - D[i]) * d * (1 - d)
            delta_m = (V.T @ delta_k) * h * (1 - h)
            V -= 0.3 * np.outer(delta_k, h)
            W -= 0.3 * np.outer(delta_m, X[i])
    model.fit(X, Y_IRIS)
    np.testing.assert_allclose(model.coefs_[0].T, W, rtol=1e-10)
    np.testing.assert_allclose(model.coefs_[1].T, V, rtol=1e-10)
    assert all((intercept == 0).all() for intercept in model.intercepts_)


def test_several_starts_keep_the_best() -> None:
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0, 1, 1, 0])
    settings = {"activation": "tanh", "learning_rate_init": 0.05, "max_iter": 400}
    model = dr.MLPClassifier((2,), n_init=8, random_state=1, **settings).fit(X, y)
    assert model.restarts_.shape == (8,)
    assert model.restarts_.max() > 0.3 > model.restarts_.min()  # some end in a worse minimum
    assert model.score(X, y) == 1.0
    single = clone(model).set_params(n_init=1).fit(X, y)
    assert single.restarts_.shape == (1,)


# ---------------------------------------------------------------- rows of all kinds


@pytest.mark.parametrize("standardize", [None, "inputs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_equal_dense_ones(dtype: Any, standardize: str | None) -> None:
    dense = np.where(X_IRIS > 2, X_IRIS, 0).astype(dtype)
    model = dr.MLPClassifier((8,), max_iter=10, random_state=0)
    by_rows = clone(model).set_params(standardize=standardize).fit(sparse.csr_array(dense), Y_IRIS)
    scale = 1 if standardize is None else dense.std(axis=0, dtype=np.float64).astype(dtype)
    whole = clone(model).fit(dense / scale, Y_IRIS)
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    np.testing.assert_allclose(by_rows.coefs_[0], whole.coefs_[0], rtol=tolerance, atol=tolerance)
    for kind in (sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix):
        np.testing.assert_array_equal(by_rows.predict(kind(dense)), whole.predict(dense / scale))


def test_sparse_rows_are_never_made_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    X = sparse.random_array((60, 5000), density=0.002, format="csr", random_state=0)
    y = np.arange(60) % 2

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("sparse rows were made dense")

    for kind in (sparse.csr_array, sparse.csr_matrix):
        monkeypatch.setattr(kind, "toarray", refuse)
        monkeypatch.setattr(kind, "todense", refuse, raising=False)
    for solver in ("adam", "lbfgs"):
        model = dr.MLPClassifier((3,), solver=solver, max_iter=3, standardize="inputs").fit(X, y)
        assert model.predict(X).shape == (60,)


@pytest.mark.parametrize("standardize", [None, "inputs"])
@pytest.mark.parametrize("batch_size", [1, "auto"])
def test_sparse_entries_in_several_parts_and_unsorted(
    batch_size: Any, standardize: str | None
) -> None:
    halves = np.repeat(X_IRIS[:, ::-1].ravel() / 2, 2)
    columns = np.tile(np.repeat([3, 2, 1, 0], 2), 150)
    parts = sparse.csr_array((halves, columns, np.arange(0, 1201, 8)), shape=(150, 4))
    model = dr.MLPClassifier(
        (5,),
        solver="sgd",
        batch_size=batch_size,
        max_iter=3,
        standardize=standardize,
        random_state=0,
    )
    whole = clone(model).fit(sparse.csr_array(X_IRIS), Y_IRIS)
    model.fit(parts, Y_IRIS)
    np.testing.assert_allclose(model.coefs_[0], whole.coefs_[0], rtol=1e-12)
    np.testing.assert_allclose(model.predict_proba(parts), whole.predict_proba(X_IRIS), rtol=1e-9)
    assert parts.nnz == 1200  # the user's matrix is left as it is


def test_dense_rows_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    from deltarule.estimators import base

    seen: list[Any] = []

    def train(network: Any, start: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(X)
        return dr.train(network, start, X, *args, **kwargs)

    monkeypatch.setattr(base, "train", train)
    for dtype in (np.float32, np.float64):
        X = X_IRIS.astype(dtype)
        dr.MLPClassifier((2,), max_iter=1).fit(X, Y_IRIS)
        assert np.shares_memory(seen[-1], X)


@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
def test_float32_stays_float32(kind: Any) -> None:
    X = X_IRIS.astype(np.float32)
    model = kind(max_iter=3, early_stopping=True, standardize="both").fit(X, Y_IRIS)
    assert {part.dtype for part in (*model.coefs_, *model.intercepts_)} == {np.dtype(np.float32)}
    outputs = model.predict_proba(X) if kind is dr.MLPClassifier else model.predict(X)
    assert outputs.dtype == np.float32
    assert model.set_params(early_stopping=False).partial_fit(X_IRIS, Y_IRIS) is model
    assert model.coefs_[0].dtype == np.float32  # precision follows the first fit


def test_read_only_and_strided_rows() -> None:
    expected = dr.MLPClassifier((4,), max_iter=5, random_state=0).fit(X_IRIS, Y_IRIS).coefs_[0]
    frozen, labels = X_IRIS.copy(), Y_IRIS.copy()
    frozen.flags.writeable = labels.flags.writeable = False
    strided = np.zeros((300, 8))
    strided[::2, ::2] = X_IRIS
    for X in (frozen, strided[::2, ::2], np.asfortranarray(X_IRIS), X_IRIS.tolist()):
        model = dr.MLPClassifier((4,), max_iter=5, random_state=0).fit(X, labels)
        np.testing.assert_array_equal(model.coefs_[0], expected)
        np.testing.assert_array_equal(model.predict(X), model.predict(X_IRIS))


def test_arguments_are_not_written_to() -> None:
    X, y, weight = X_IRIS.copy(), Y_IRIS.astype(float), np.linspace(0, 2, 150)
    kept = X.copy(), y.copy(), weight.copy()
    dr.MLPRegressor(max_iter=3, standardize="both").fit(X, y, weight).predict(X)
    for now, before in zip((X, y, weight), kept, strict=True):
        np.testing.assert_array_equal(now, before)


def test_data_frames_keep_their_names() -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    names = ["a", "b", "c", "d"]
    frames = pd.DataFrame(X_IRIS, columns=names), pl.DataFrame(X_IRIS, schema=names)
    for frame in frames:
        series = type(frame)({"y": Y_IRIS})["y"]
        model = dr.MLPClassifier((4,), max_iter=5, early_stopping=True).fit(frame, series)
        assert model.feature_names_in_.tolist() == names
        assert model.n_features_in_ == 4
        assert model.predict(frame).shape == (150,)
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            model.predict(X_IRIS)


@pytest.mark.parametrize("rows", ["dense", "sparse"])
def test_standardizing_is_a_part_of_the_model(rows: str) -> None:
    X = X_IRIS * [1, 1000, 1e-3, 1] + [0, 1e4, 0, 5]
    data = X if rows == "dense" else sparse.csr_array(X)
    model = dr.MLPRegressor(hidden_layer_sizes=(5,), standardize="both", random_state=0)
    model.set_params(max_iter=20).fit(data, Y_IRIS * 1000.0)
    scaler = StandardScaler(with_mean=rows == "dense").fit(X)
    np.testing.assert_allclose(model.input_scale_, scaler.scale_)
    assert (model.input_center_ is None) == (rows == "sparse")
    target = StandardScaler().fit(Y_IRIS[:, None] * 1000.0)
    plain = clone(model).set_params(standardize=None)
    plain.fit(scaler.transform(X), target.transform(Y_IRIS[:, None] * 1000.0).ravel())
    expected = target.inverse_transform(plain.predict(scaler.transform(X))[:, None]).ravel()
    np.testing.assert_allclose(model.predict(data), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("trained", ["dense", "sparse"])
def test_a_standardizing_model_answers_the_same_for_dense_and_sparse_rows(
    trained: str, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standardizer, "BLOCK_NUMBERS", 28)  # 7 rows a block
    X = np.where(X_IRIS > 2, X_IRIS, 0).astype(dtype)
    rows = {"dense": X, "sparse": sparse.csr_array(X)}
    model = dr.MLPRegressor(hidden_layer_sizes=(5,), standardize="inputs", random_state=0)
    model.set_params(max_iter=20).fit(rows[trained], Y_IRIS)
    tolerance = 2e-6 if dtype == np.float32 else 1e-12
    dense, thin = model.predict(rows["dense"]), model.predict(rows["sparse"])
    np.testing.assert_allclose(thin, dense, rtol=tolerance, atol=tolerance)
    network = clone(model).set_params(standardize=None)
    center = 0 if trained == "sparse" else X.mean(axis=0, dtype=np.float64)
    seen = ((X - center) / X.std(axis=0, dtype=np.float64)).astype(dtype)
    expected = network.fit(seen, Y_IRIS).predict(seen)
    np.testing.assert_allclose(dense, expected, rtol=100 * tolerance, atol=100 * tolerance)


@pytest.mark.parametrize("first", ["dense", "sparse"])
@pytest.mark.parametrize("way", ["partial_fit", "warm_start"])
def test_a_standardizing_model_goes_on_the_same_with_dense_and_sparse_rows(
    way: str, first: str
) -> None:
    X = np.where(X_IRIS > 2, X_IRIS, 0)
    rows = {"dense": X, "sparse": sparse.csr_array(X)}
    coefs = {}
    for then in ("dense", "sparse"):
        model = dr.MLPRegressor(hidden_layer_sizes=(5,), standardize="inputs", random_state=0)
        model.set_params(warm_start=way == "warm_start", max_iter=2)
        for data in (rows[first], rows[then]):
            (model.fit if way == "warm_start" else model.partial_fit)(data, Y_IRIS)
        coefs[then] = model.coefs_[0]
    np.testing.assert_allclose(coefs["sparse"], coefs["dense"], rtol=1e-10)


def test_sparse_training_rows_become_dense_within_bounds_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = dr.MLPClassifier((3,), standardize="inputs").partial_fit(
        X_IRIS, Y_IRIS, classes=[0, 1, 2]
    )
    monkeypatch.setattr(standardizer, "DENSE_BYTES", 2**10)
    thin = sparse.csr_array(X_IRIS)
    assert model.predict(thin).shape == (150,)
    model.partial_fit(thin[:32], Y_IRIS[:32])
    with pytest.raises(InvalidShapeError, match="Give fewer rows at a time to partial_fit"):
        model.partial_fit(thin[:33], Y_IRIS[:33])


@pytest.mark.parametrize("rows", ["dense", "sparse"])
def test_standardizing_allocates_its_result_and_little_else(rows: str) -> None:
    X: Any = np.random.default_rng(0).normal(size=(40000, 50)).astype(np.float32)
    size = X.nbytes
    if rows == "sparse":
        X = sparse.csr_array(X)
    found = standardizer.Standardizer.measure(X)
    tracemalloc.start()
    try:
        if rows == "dense":
            standardizer.Standardizer.measure(X)
            assert tracemalloc.get_traced_memory()[1] < 0.5 * size
        tracemalloc.reset_peak()
        assert found.apply(X).dtype == np.float32
        assert tracemalloc.get_traced_memory()[1] < 1.5 * size
    finally:
        tracemalloc.stop()


def test_a_large_target_keeps_its_digits_for_float32_rows() -> None:
    """One unit in the last place of float32 at 1e7 is 1: the target would be steps."""
    X = X_DIABETES.astype(np.float32)
    y = X_DIABETES @ np.arange(10)
    model = dr.MLPRegressor(hidden_layer_sizes=(), standardize="both", solver="lbfgs", alpha=0.0)
    small, large = model.fit(X, y).predict(X), clone(model).fit(X, y + 1e7)
    assert small.dtype == np.float32
    assert large.predict(X).dtype == np.float64
    assert large.score(X, y + 1e7) > 0.9999


def test_standardizing_respects_weights_and_constant_columns() -> None:
    X = np.column_stack([X_IRIS, np.full(150, 3.7)])
    only_scaled = dr.MLPClassifier((3,), standardize="inputs", max_iter=2)
    only_scaled.fit(sparse.csr_array(X), Y_IRIS)
    np.testing.assert_allclose(only_scaled.input_scale_[:4], X_IRIS.std(axis=0))
    assert only_scaled.input_scale_[4] == 1
    weight = np.where(Y_IRIS == 0, 0.0, 2.0)
    model = dr.MLPClassifier((3,), standardize="inputs", max_iter=2)
    model.fit(X, Y_IRIS, sample_weight=weight)
    np.testing.assert_allclose(model.input_center_[:4], X_IRIS[50:].mean(axis=0))
    np.testing.assert_allclose(model.input_scale_[:4], X_IRIS[50:].std(axis=0))
    assert model.input_scale_[4] == 1


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_weight_of_two_is_a_row_twice(solver: str) -> None:
    weight = 1.0 + (np.arange(150) % 2)
    twice = np.repeat(np.arange(150), weight.astype(int))
    model = dr.MLPClassifier((4,), solver=solver, max_iter=10, batch_size=225, random_state=0)
    by_rows = clone(model).fit(X_IRIS[twice], Y_IRIS[twice])
    by_weight = model.set_params(batch_size=150).fit(X_IRIS, Y_IRIS, sample_weight=weight)
    np.testing.assert_allclose(by_weight.coefs_[0], by_rows.coefs_[0], rtol=1e-6, atol=1e-9)
