"""Bad input to the estimators: every message word for word, and nothing that was learnt is lost."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning

import deltarule as dr
from deltarule.exceptions import (
    InvalidParameterError,
    InvalidShapeError,
    NonFiniteError,
    TrainingStoppedWarning,
)

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
BOTH = pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
REMEDY = "Drop these rows, or fill the holes first, for example with sklearn.impute.SimpleImputer."


def _with(value: float, *places: tuple[int, int]) -> Any:
    X = X_IRIS.copy()
    for place in places:
        X[place] = value
    return X


@BOTH
@pytest.mark.parametrize(
    ("X", "first", "where"),
    [
        (_with(np.nan, (3, 2)), "Input X contains NaN.", "NaN in row 3, column 2"),
        (
            _with(np.nan, (9, 0), (4, 1)),
            "Input X contains NaN.",
            "NaN in row 4, column 1, and 1 more",
        ),
        (_with(-np.inf, (0, 3)), "Input X contains infinity", "infinity in row 0, column 3"),
        (
            sparse.csr_array(_with(np.nan, (7, 2))),
            "Input X contains NaN.",
            "NaN in row 7, column 2",
        ),
    ],
    ids=["one", "several", "infinity", "sparse"],
)
def test_rows_that_are_not_finite(kind: Any, X: Any, first: str, where: str) -> None:
    for call in (lambda: kind().fit(X, Y_IRIS), lambda: _fitted(kind).predict(X)):
        with pytest.raises(NonFiniteError) as caught:
            call()
        assert str(caught.value).startswith(first)
        assert str(caught.value).endswith(f"\nX must be finite (got {where}). {REMEDY}")


def _fitted(kind: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(hidden_layer_sizes=(2,), max_iter=1).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_hole_in_a_data_frame_has_its_columns_name(library: str) -> None:
    frames = pytest.importorskip(library)
    frame = frames.DataFrame(dict(zip("abcd", _with(np.nan, (3, 2)).T, strict=True)))
    with pytest.raises(NonFiniteError, match=r"got NaN in row 3, column 2 \('c'\)\)"):
        dr.MLPClassifier().fit(frame, Y_IRIS)


def test_a_target_that_is_not_finite() -> None:
    y = np.where(np.arange(150) == 8, np.nan, Y_IRIS)
    with pytest.raises(NonFiniteError) as caught:
        dr.MLPRegressor().fit(X_IRIS, y)
    assert str(caught.value) == (
        f"Input y contains NaN.\ny must be finite (got NaN in row 8). {REMEDY}"
    )


@pytest.mark.parametrize("dtype", [object, str])
def test_a_target_of_words_for_a_regressor(dtype: Any) -> None:
    y = np.array(["1.5", "2", "three"] * 50, dtype=dtype)
    with pytest.raises(InvalidShapeError) as caught:
        dr.MLPRegressor().fit(X_IRIS, y)
    assert str(caught.value) == (
        "could not convert string to float: 'three'. y must hold numbers for a regressor (got "
        "'three' in row 2). Convert the target to numbers, or use MLPClassifier for classes."
    )


def test_a_sparse_target_for_a_regressor() -> None:
    with pytest.raises(InvalidShapeError) as caught:
        dr.MLPRegressor().fit(X_IRIS, sparse.csr_array(np.eye(150, 2)))
    assert str(caught.value) == (
        "Sparse data was passed, but dense data is required: y must be dense for a regressor (got "
        "csr_array of shape (150, 2)). Use y.toarray()."
    )


@BOTH
@pytest.mark.parametrize(
    ("rows", "y", "words"),
    [
        (X_IRIS[:0], Y_IRIS[:0], r"Found array with 0 sample\(s\)"),
        (X_IRIS[:, :0], Y_IRIS, r"Found array with 0 feature\(s\)"),
        (X_IRIS, Y_IRIS[:9], "inconsistent numbers of samples"),
        (X_IRIS[0], Y_IRIS[:1], "Expected 2D array, got 1D array instead"),
        (X_IRIS, None, "requires y to be passed, but the target y is None"),
        ([["a", "b"]], [1], "could not convert string to float: 'a'"),
    ],
    ids=["no rows", "no columns", "lengths", "one dimension", "no target", "words"],
)
def test_shapes_have_scikit_learns_words(kind: Any, rows: Any, y: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kind().fit(rows, y)


@BOTH
def test_wrong_number_of_features(kind: Any) -> None:
    model = _fitted(kind)
    words = f"X has 3 features, but {kind.__name__} is expecting 4 features as input."
    for call in (model.predict, lambda X: model.partial_fit(X, Y_IRIS)):
        with pytest.raises(ValueError, match=words):
            call(X_IRIS[:, :3])


def test_classes() -> None:
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        dr.MLPClassifier().fit(X_IRIS, X_IRIS[:, 0])
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier().fit(X_IRIS, np.column_stack([Y_IRIS, Y_IRIS]))
    assert str(caught.value) == (
        "Multioutput target data is not supported with label binarization: y must be one column "
        "of classes or a matrix of 0 and 1 (got shape (150, 2)). Use one estimator per column, as "
        "MultiOutputClassifier does."
    )
    model = dr.MLPClassifier().partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        model.partial_fit(X_IRIS, Y_IRIS + 1)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        dr.MLPClassifier().partial_fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize(
    ("settings", "y", "words"),
    [
        (
            {"loss": "poisson"},
            Y_IRIS - 1.0,
            (
                "loss 'poisson' needs targets of at least 0 (got -1). Use 'squared_error' for "
                "targets of either sign."
            ),
        ),
        (
            {"loss": "log_loss"},
            Y_IRIS,
            "loss 'log_loss' needs targets between 0 and 1 (got 2). Encode the classes as 0 and 1.",
        ),
        (
            {"loss": "perceptron"},
            Y_IRIS,
            (
                "loss 'perceptron' needs targets of -1 and +1 (got 0). Encode the two classes as "
                "-1 and +1."
            ),
        ),
        (
            {"loss": "poisson", "standardize": "both"},
            Y_IRIS,
            (
                "standardize must be None or 'inputs' unless the output activation is 'identity' "
                "(got standardize='both' with 'exp'). A standardized target has values of both "
                "signs."
            ),
        ),
    ],
    ids=["poisson", "log_loss", "perceptron", "standardize"],
)
def test_targets_that_do_not_fit_the_loss(settings: dict[str, Any], y: Any, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        dr.MLPRegressor(**settings).fit(X_IRIS, y)
    assert str(caught.value) == words


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("loss", list(dr.losses.LOSSES.table))
def test_softmax_of_a_single_output(loss: str, engine: str) -> None:
    """It says 1 whatever the weights."""
    model = dr.MLPRegressor(loss, (3,), output_activation="softmax", max_iter=2, engine=engine)
    words = (
        "output_activation must not be 'softmax' beside loss 'quantile': its outputs are shares "
        "that sum to 1, and no quantiles (got 'softmax'). Leave it at 'auto'."
        if loss == "quantile"
        else "output_activation must not be 'softmax' for a single output, which would always be "
        "1 (got one column of y). Take 'logistic' for a share, or leave it at 'auto'."
    )
    for output in ("softmax", dr.activations.Softmax()):
        with pytest.raises(InvalidParameterError) as caught:
            model.set_params(output_activation=output).fit(X_IRIS, np.ones(150))
        assert str(caught.value) == words
        assert not hasattr(model, "coefs_")


ONE_EACH = "sample_weight must be one number of at least 0 for each of the 150 rows of X (got "


@BOTH
@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (
            np.r_[1.0, np.full(149, -2.0)],
            (
                "Negative values in data passed to `sample_weight`. sample_weight must be at "
                "least 0 for every row (got -2 in row 1, and 148 more). Give 0 to rows that are "
                "not to count."
            ),
        ),
        (
            np.zeros(150),
            (
                "Sample weights must contain at least one non-zero number. sample_weight must be "
                "above 0 for some row (got 150 zeros). Give a weight to the rows that are to "
                "count, or leave sample_weight out."
            ),
        ),
        (
            np.ones(3),
            (
                "sample_weight.shape == (3,), expected (150,)! " + ONE_EACH + "shape (3,)). Give "
                "as many numbers as there are rows."
            ),
        ),
        (
            np.full(150, np.nan),
            (
                "Input sample_weight contains NaN. sample_weight must be finite (got NaN in row "
                "0, and 149 more). Drop these rows, or give each of them a weight."
            ),
        ),
        (
            ["1"] * 149 + ["a"],
            (
                "could not convert string to float: 'a'. " + ONE_EACH + "'a' in row 149). Convert "
                "it to a number."
            ),
        ),
        (
            np.full(150, 1e308),
            (
                "sample_weight must give weights whose sum is finite in float64 (got weights up "
                "to 1e+308). Divide them all by the largest."
            ),
        ),
    ],
    ids=["negative", "zero", "length", "NaN", "words", "sum"],
)
def test_sample_weights(kind: Any, weight: Any, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        kind().fit(X_IRIS, Y_IRIS, sample_weight=weight)
    assert isinstance(caught.value, dr.exceptions.DeltaruleError)
    assert str(caught.value) == words


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_sample_weights_of_other_forms() -> None:
    model, rows = dr.MLPClassifier(), X_IRIS.astype(np.float32)
    with pytest.raises(InvalidShapeError) as caught:
        model.fit(X_IRIS, Y_IRIS, sample_weight=[[1.0], [1.0, 2.0]])
    assert str(caught.value).endswith(
        ONE_EACH + "lists of several lengths). Give a list of numbers."
    )
    with pytest.raises(NonFiniteError) as caught:
        model.fit(rows, Y_IRIS, sample_weight=np.full(150, 1e40))
    assert str(caught.value) == (
        "Input sample_weight contains infinity or a value too large for dtype('float32'). "
        "sample_weight must be finite in float32 (got 1e+40). Divide them all by the largest."
    )


def test_early_stopping_needs_rows() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPRegressor(early_stopping=True).fit(X_IRIS[:3], Y_IRIS[:3])
    assert str(caught.value) == (
        "The validation set is too small. Increase 'validation_fraction' or the size of your "
        "dataset. Two rows are needed (got 1)."
    )
    with pytest.raises(InvalidParameterError, match="The least populated classes in y have only 1"):
        dr.MLPClassifier(early_stopping=True).fit(X_IRIS[49:], Y_IRIS[49:])
    with pytest.raises(
        InvalidParameterError, match=r"partial_fit does not support early_stopping=True"
    ):
        dr.MLPRegressor(early_stopping=True).partial_fit(X_IRIS, Y_IRIS)
    weight = (np.arange(150) == 7).astype(float)
    with pytest.raises(
        InvalidShapeError, match=r"must not be 0 for all (training|validation) rows"
    ):
        dr.MLPRegressor(early_stopping=True).fit(X_IRIS, Y_IRIS, sample_weight=weight)


def test_a_warm_start_keeps_the_widths_and_the_classes() -> None:
    model = _fitted(dr.MLPClassifier).set_params(warm_start=True)
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
        model.fit(X_IRIS, Y_IRIS + 1)
    with pytest.raises(InvalidParameterError) as caught:
        model.set_params(hidden_layer_sizes=(3,)).fit(X_IRIS, Y_IRIS)
    assert str(caught.value) == (
        "the network must keep its widths (4, 2, 3), its biases and its normalization between fits "
        "with warm_start or partial_fit (got (4, 3, 3) with fit_intercept=True). Set "
        "warm_start=False, or start from a clone."
    )
    with pytest.raises(InvalidParameterError, match="with fit_intercept=False"):
        model.set_params(hidden_layer_sizes=(2,), fit_intercept=False).fit(X_IRIS, Y_IRIS)


# ---------------------------------------------------------------- how training ends


def test_convergence_warnings_have_scikit_learns_words() -> None:
    with pytest.warns(ConvergenceWarning) as caught:
        dr.MLPClassifier((2,), max_iter=2).fit(X_IRIS, Y_IRIS)
    assert [str(one.message) for one in caught] == [
        (
            "Stochastic Optimizer: Maximum iterations (2) reached and the optimization hasn't "
            "converged yet."
        )
    ]
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning) as caught:
        dr.MLPClassifier((2,), solver="lbfgs", max_iter=2, random_state=0).fit(X_IRIS, Y_IRIS)
    words = str(caught[0].message)
    assert words.startswith("lbfgs failed to converge after 2 iteration(s) (status=1):\nSTOP: ")
    assert words.endswith(
        "\n\nIncrease the number of iterations to improve the convergence (max_iter=2).\nYou might "
        "also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )
    model = dr.MLPClassifier((2,), solver="lbfgs", max_fun=5, random_state=0)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after"):
        model.fit(X_IRIS, Y_IRIS)
    assert model.stop_reason_ is dr.StopReason.SOLVER


def test_a_large_batch_size_is_clipped_with_a_word() -> None:
    with pytest.warns(UserWarning, match="Got `batch_size` less than 1 or larger than sample size"):
        dr.MLPClassifier((2,), batch_size=500, tol=1e9, n_iter_no_change=1).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_the_words_of_a_non_finite_objective(engine: str) -> None:
    model = dr.MLPRegressor(
        hidden_layer_sizes=(20,),
        activation="identity",  # relu units would die at these steps, and go on
        solver="sgd",
        learning_rate_init=100.0,
        random_state=0,
        engine=engine,
    )
    with pytest.raises(NonFiniteError) as caught:
        model.fit(X_IRIS * 1e3, Y_IRIS)
    words = str(caught.value)
    assert words.startswith(
        "Solver produced non-finite parameter weights. The input data may contain large values and "
        f"need to be preprocessed. It happened in epoch {model.n_iter_ + 1}, layer "
    )
    assert words.endswith(
        " with learning_rate_init=100; the last finite weights are kept in coefs_ and intercepts_. "
        "Lower learning_rate_init, or standardize the inputs with standardize='inputs'."
    )
    assert model.stop_reason_ is dr.StopReason.NON_FINITE
    assert all(np.isfinite(coef).all() for coef in model.coefs_)
    assert len(model.loss_curve_) == model.n_iter_


@pytest.mark.parametrize("engine", ["reference", "auto"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("early_stopping", [True, False])
@BOTH
def test_a_diverging_fit_ends_in_our_words_alone(
    kind: Any, early_stopping: bool, activation: str, engine: str
) -> None:
    """Warnings are errors here: an overflow on the way would leave nothing fitted."""
    model = kind(loss="squared_error", hidden_layer_sizes=(8,), activation=activation)
    model.set_params(solver="sgd", learning_rate_init=1e30, engine=engine, random_state=0)
    model.set_params(early_stopping=early_stopping, max_iter=5)
    with pytest.raises((NonFiniteError, TrainingStoppedWarning, ConvergenceWarning)):
        model.fit(X_IRIS, Y_IRIS)
    assert all(np.isfinite(coef).all() for coef in model.coefs_)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
def test_the_words_of_a_non_finite_objective_with_lbfgs() -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(5,), activation="exp", solver="lbfgs")
    with pytest.raises(NonFiniteError) as caught:
        model.fit(X_IRIS * 1e6, Y_IRIS)
    assert str(caught.value).endswith(
        "It happened in iteration 1; the last finite weights are kept in coefs_ and intercepts_. "
        "Scale the inputs, or standardize the inputs with standardize='inputs'."
    )
    assert np.isfinite(model.coefs_[0]).all()


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("batch_size", [1, "auto"])
def test_an_interrupt_keeps_the_partial_model(engine: str, batch_size: Any) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5000, 30)), rng.integers(0, 3, 5000)
    model = dr.MLPClassifier(
        (50,),
        batch_size=batch_size,
        max_iter=100_000,
        tol=0.0,
        n_iter_no_change=100_000,
        engine=engine,
    )
    timer = threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.warns(TrainingStoppedWarning) as caught:
            model.fit(X, y)
    finally:
        timer.cancel()
    assert model.n_iter_ < 100_000
    assert str(caught[0].message) == (
        f"Training interrupted by user. The weights after {model.n_iter_} epochs are kept; "
        "warm_start=True goes on from here."
    )
    assert model.stop_reason_ is dr.StopReason.INTERRUPTED
    assert model.predict(X).shape == (5000,)


def test_verbose_prints_as_scikit_learn_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(ConvergenceWarning):
        model = dr.MLPClassifier((2,), max_iter=2, verbose=True).fit(X_IRIS, Y_IRIS)
    expected = [
        f"Iteration {epoch}, loss = {loss:.8f}" for epoch, loss in enumerate(model.loss_curve_, 1)
    ]
    assert capsys.readouterr().out.splitlines() == expected
    model = dr.MLPClassifier((2,), verbose=True, early_stopping=True, tol=1e9, n_iter_no_change=2)
    model.fit(X_IRIS, Y_IRIS)
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == f"Validation score: {model.validation_scores_[0]:f}"
    assert printed[-1] == (
        "Validation score did not improve more than tol=1000000000.000000 for 2 consecutive "
        "epochs. Stopping."
    )
    model = dr.MLPClassifier((2,), solver="sgd", learning_rate="adaptive", verbose=True)
    model.set_params(tol=1e9, n_iter_no_change=2, learning_rate_init=1e-5).fit(X_IRIS, Y_IRIS)
    printed = capsys.readouterr().out.splitlines()
    stalled = "Training loss did not improve more than tol=1000000000.000000 for 2 consecutive "
    assert [line for line in printed if line.startswith("Training")] == [
        f"{stalled}epochs. Setting learning rate to 0.000002",
        f"{stalled}epochs. Setting learning rate to 0.000000",
        f"{stalled}epochs. Learning rate too small. Stopping.",
    ]


def test_verbose_says_which_start(capsys: pytest.CaptureFixture[str]) -> None:
    model = dr.MLPClassifier((2,), solver="sgd", learning_rate="adaptive", verbose=True, n_init=3)
    model.set_params(tol=1e9, n_iter_no_change=2, learning_rate_init=1e-5, random_state=0)
    model.fit(X_IRIS, Y_IRIS)
    printed = capsys.readouterr().out.splitlines()
    epochs = len(model.loss_curve_)
    kept = int(model.restarts_.argmin()) + 1
    counted = [line.partition(",")[0] + line.split(",")[1] for line in printed if "loss =" in line]
    assert counted == [
        f"Start {start} of 3 iteration {epoch}"
        for start in (1, 2, 3)
        for epoch in range(1, epochs + 1)
    ]
    assert [line for line in printed if f"Start {kept} of 3, it" in line] == [
        f"Start {kept} of 3, iteration {epoch}, loss = {loss:.8f}"
        for epoch, loss in enumerate(model.loss_curve_, 1)
    ]
    stalled = "Training loss did not improve more than tol=1000000000.000000 for 2 consecutive "
    slower = [
        f"{stalled}epochs. Setting learning rate to {rate}" for rate in ("0.000002", "0.000000")
    ]
    assert [line for line in printed if "loss =" not in line] == [
        *slower * 3,
        f"Start {kept} of 3 is kept.",
        f"{stalled}epochs. Learning rate too small. Stopping.",
    ]
    model.set_params(warm_start=True).fit(X_IRIS, Y_IRIS)
    assert capsys.readouterr().out.startswith("Iteration 1, loss = ")


def test_a_schedule_at_its_planned_end_has_not_failed_to_converge() -> None:
    X, y = X_IRIS, Y_IRIS
    never = {"n_iter_no_change": np.inf, "max_iter": 5, "random_state": 0}
    for schedule in ("cosine", "one_cycle", dr.Cosine(total_epochs=5), dr.OneCycle()):
        for n_init in (1, 2):
            model = dr.MLPClassifier((2,), learning_rate=schedule, n_init=n_init, **never)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                model.fit(X, y)
            assert (model.n_iter_, model.stop_reason_) == (5, dr.StopReason.MAX_EPOCHS)
    for schedule in ("step", dr.Cosine(total_epochs=6)):
        model = dr.MLPClassifier((2,), learning_rate=schedule, warm_start=True, **never)
        with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(5\) reached"):
            model.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_params(max_iter=1).fit(X, y)


def test_a_loss_that_only_rises_is_said() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = dr.MLPRegressor(
        solver="sgd", learning_rate_init=10, early_stopping=True, random_state=0
    )
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y)
    first, last = model.loss_curve_[0], model.loss_curve_[-1]
    assert str(caught[0].message) == (
        f"The training loss rose from {first:.3g} to {last:.3g}: the step size is too large. "
        "Lower learning_rate_init or standardize the inputs with standardize='inputs'."
    )
