"""Rows that judge a training: `X_val` and its kin in `fit`, scorers, the best weights."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score, fbeta_score, get_scorer, log_loss, make_scorer, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import deltarule as dr
from deltarule.estimators import fitting
from deltarule.estimators.diagnosis.subject import Subject
from deltarule.estimators.scorer_judge import takes_weights
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
ODD = np.arange(150) % 3 == 1
X, Y, X_VAL, Y_VAL = X_IRIS[~ODD], Y_IRIS[~ODD], X_IRIS[ODD], Y_IRIS[ODD]
GIVEN: dict[str, Any] = {"X_val": X_VAL, "y_val": Y_VAL}
SOME = np.linspace(0.1, 2, 50)
LABELS = np.column_stack([Y_IRIS == 0, Y_IRIS > 0]).astype(int)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 12, "random_state": 0}
FAST: dict[str, Any] = {"learning_rate_init": 0.02, "standardize": "inputs", "random_state": 0}
KINDS = [dr.MLPClassifier, dr.MLPRegressor]


def same_weights(one: Any, other: Any) -> bool:
    parts = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return all(np.array_equal(a, b) for a, b in parts)


# ---------------------------------------------------------------- judged, and no more


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"solver": "sgd", "batch_size": 1, "momentum": 0},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 2},
        {"solver": "lbfgs"},
        {"solver": "lbfgs", "early_stopping": True},
        {"engine": "reference", "standardize": "inputs"},
        {"n_init": 3, "engine": "reference"},
        {"verbose": True},
    ],
)
@pytest.mark.parametrize("sparsely", [False, True])
def test_rows_that_only_judge_change_no_bit(kind: Any, settings: Any, sparsely: bool) -> None:
    model = kind(**{**SETTINGS, **settings})
    rows, judges = (sparse.csr_array(X), sparse.csr_array(X_VAL)) if sparsely else (X, X_VAL)
    plain = clone(model).fit(rows, Y)
    model.fit(rows, Y, X_val=judges, y_val=Y_VAL)
    assert same_weights(model, plain)
    assert model.loss_curve_ == plain.loss_curve_
    assert (model.n_iter_, model.stop_reason_) == (plain.n_iter_, plain.stop_reason_)
    assert model.best_loss_ == plain.best_loss_ is not None
    assert plain.validation_scores_ is plain.validation_loss_curve_ is None
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.validation_scores_[-1] == pytest.approx(model.score(judges, Y_VAL))


@pytest.mark.parametrize("n_init", [1, 8])
def test_starts_that_are_judged_are_trained_alone(n_init: int) -> None:
    """In lanes there are no judges; the sums of the two differ by rounding."""
    model = dr.MLPRegressor(**SETTINGS, n_init=n_init)
    plain = clone(model).fit(X, Y)
    model.fit(X, Y, **GIVEN)
    np.testing.assert_allclose(model.restarts_, plain.restarts_, rtol=1e-9)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X_VAL, Y_VAL))


def test_losses_are_weighted_means_of_hard_targets() -> None:
    model = dr.MLPClassifier(label_smoothing=0.2, class_weight="balanced", **SETTINGS)
    model.fit(X, Y, **GIVEN, sample_weight_val=SOME)
    last = log_loss(Y_VAL, model.predict_proba(X_VAL), sample_weight=SOME)
    assert model.validation_loss_curve_[-1] == pytest.approx(last)
    score = accuracy_score(Y_VAL, model.predict(X_VAL), sample_weight=SOME)
    assert model.validation_scores_[-1] == pytest.approx(score)


def test_a_standardized_target_is_judged_in_its_units() -> None:
    model = dr.MLPRegressor(standardize="both", max_iter=20, random_state=0)
    model.fit(X_DIABETES[:300], Y_DIABETES[:300], X_val=X_DIABETES[300:], y_val=Y_DIABETES[300:])
    score = r2_score(Y_DIABETES[300:], model.predict(X_DIABETES[300:]))
    assert model.validation_scores_[-1] == pytest.approx(score)
    plain = clone(model).fit(X_DIABETES[:300], Y_DIABETES[:300])
    np.testing.assert_array_equal(model.input_center_, plain.input_center_)


def test_float32_is_kept() -> None:
    model = dr.MLPClassifier(**SETTINGS).fit(X.astype(np.float32), Y, **GIVEN)
    assert model.coefs_[0].dtype == np.float32
    assert same_weights(model, clone(model).fit(X.astype(np.float32), Y))


def test_words_and_labels_and_frames() -> None:
    pd = pytest.importorskip("pandas")
    words = np.array(["a", "b", "c"])
    model = dr.MLPClassifier(**SETTINGS).fit(X, words[Y], X_val=X_VAL, y_val=words[Y_VAL])
    assert (
        model.validation_scores_
        == dr.MLPClassifier(**SETTINGS).fit(X, Y, **GIVEN).validation_scores_
    )
    both = dr.MLPClassifier(**SETTINGS).fit(X, LABELS[~ODD], X_val=X_VAL, y_val=LABELS[ODD])
    assert both.validation_scores_[-1] == both.score(X_VAL, LABELS[ODD])
    frames = [pd.DataFrame(rows, columns=list("abcd")) for rows in (X, X_VAL)]
    framed = dr.MLPClassifier(**SETTINGS).fit(frames[0], Y, X_val=frames[1], y_val=Y_VAL)
    assert framed.feature_names_in_.tolist() == list("abcd")


def test_a_pipeline_hands_them_on() -> None:
    with config_context(enable_metadata_routing=True):
        network = dr.MLPClassifier(**SETTINGS).set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(StandardScaler(), network, transform_input=["X_val"])
        model.fit(X, Y, **GIVEN)
    assert model[-1].validation_scores_[-1] == model.score(X_VAL, Y_VAL)


def test_verbose_tells_the_score(capsys: pytest.CaptureFixture[str]) -> None:
    model = dr.MLPClassifier(**{**SETTINGS, "max_iter": 2}, verbose=True).fit(X, Y, **GIVEN)
    assert capsys.readouterr().out == "".join(
        f"Iteration {epoch + 1}, loss = {loss:.8f}\nValidation score: {score:f}\n"
        for epoch, (loss, score) in enumerate(
            zip(model.loss_curve_, model.validation_scores_, strict=True)
        )
    )


def test_callbacks_see_the_same_training() -> None:
    pytest.importorskip("sklearn.callback")
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    model = dr.MLPClassifier(**SETTINGS).set_callbacks(monitor).fit(X, Y, **GIVEN)
    assert same_weights(model, dr.MLPClassifier(**SETTINGS).fit(X, Y))
    assert len(model.validation_scores_) == 12


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_file_keeps_the_curves(early_stopping: bool, tmp_path: Any) -> None:
    model = dr.MLPClassifier(early_stopping=early_stopping, **SETTINGS).fit(X, Y, **GIVEN)
    dr.save(model, tmp_path / "model.safetensors")
    again = dr.load(tmp_path / "model.safetensors")
    for name in ("validation_scores_", "validation_loss_curve_", "best_validation_score_"):
        assert getattr(again, name) == getattr(model, name) is not None
    assert again.best_loss_ == model.best_loss_


# ---------------------------------------------------------------- with early stopping


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_the_best_weights_are_returned(kind: Any, given: bool, engine: str) -> None:
    """``coefs_`` give exactly ``best_validation_score_``, which a later epoch did not reach."""
    stopping = dr.EarlyStopping(0.3, patience=4)
    model = kind((5,), early_stopping=stopping, engine=engine, **FAST)
    if kind is dr.MLPRegressor:
        model.set_params(loss="squared_error", hidden_layer_sizes=(5,), learning_rate_init=0.3)
    rows = {"X_val": X_VAL, "y_val": Y_VAL} if given else {}
    model.fit(X, Y, **rows)
    judges = (X_VAL, Y_VAL)
    if not given:
        _, held = fitting.split(
            stopping, len(X), model._memory.key, Y if kind is dr.MLPClassifier else None
        )
        judges = X[held], Y[held]
    assert model.stop_reason_ is dr.StopReason.NO_IMPROVEMENT
    best = int(np.argmax(model.validation_scores_))
    assert best < model.n_iter_ - 1
    assert model.best_epoch_ == best
    assert model.best_validation_score_ == model.validation_scores_[best]
    assert model.score(*judges) == pytest.approx(model.best_validation_score_, rel=1e-12)
    last = model._memory.state.parameters
    assert not np.array_equal(last.vector, model._vector)
    assert model.t_ == model.n_iter_ * (100 if given else 70)


@pytest.mark.parametrize("given", [False, True])
def test_warm_fits_return_the_best_of_all(given: bool) -> None:
    rows = GIVEN if given else {}
    whole = dr.MLPClassifier(early_stopping=True, max_iter=20, **FAST).fit(X, Y, **rows)
    parts = dr.MLPClassifier(early_stopping=True, max_iter=1, warm_start=True, **FAST)
    for _ in range(whole.n_iter_):
        parts.fit(X, Y, **rows)
    assert same_weights(parts, whole)
    assert parts.best_validation_score_ == whole.best_validation_score_
    assert parts.validation_scores_ == whole.validation_scores_
    assert parts.best_epoch_ == whole.best_epoch_ == int(np.argmax(whole.validation_scores_))


def test_the_best_epoch_is_that_of_the_weights_whoever_judged(tmp_path: Any) -> None:
    assert dr.MLPClassifier(max_iter=3, **FAST).fit(X, Y, **GIVEN).best_epoch_ is None
    stopping = dr.EarlyStopping(patience=50)
    model = dr.MLPClassifier(early_stopping=stopping, max_iter=20, warm_start=True, **FAST)
    best = model.fit(X, Y, **GIVEN).best_epoch_
    assert best is not None
    assert model.validation_scores_[best] == model.best_validation_score_
    # Judges whom it suits less: the best of their scores, not of those before.
    other = {"X_val": X_VAL, "y_val": (Y_VAL + 1) % 3}
    model.fit(X, Y, **other)
    assert model.best_epoch_ == 20 + int(np.argmax(model.validation_scores_[20:]))
    assert max(model.validation_scores_[:20]) > model.validation_scores_[model.best_epoch_]
    subject = Subject(model, X, Y, None, None)
    assert subject.trained_loss == model.loss_curve_[model.best_epoch_]
    dr.save(model, tmp_path / "model")
    for copied in (dr.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert copied.best_epoch_ == model.best_epoch_
        copied.set_params(max_iter=1).fit(X, Y, **other)
        kept = copied.best_validation_score_ == model.best_validation_score_
        assert copied.best_epoch_ == (model.best_epoch_ if kept else 40)
    model.set_params(early_stopping=False)
    assert model.partial_fit(X, Y).best_epoch_ is None


def test_a_model_with_validation_rows_alone_has_the_last_epochs_loss() -> None:
    model = dr.MLPClassifier(max_iter=9, **FAST).fit(X, Y, **GIVEN)
    model.validation_scores_[3] = 2.0  # a peak before the end
    assert Subject(model, X, Y, None, None).trained_loss == model.loss_curve_[-1]


def test_a_file_without_the_best_epoch_is_read(tmp_path: Any) -> None:
    model = dr.MLPClassifier(early_stopping=True, max_iter=5, **FAST).fit(X, Y)
    del model.best_epoch_  # as of an older release
    dr.save(model, tmp_path / "model")
    loaded = dr.load(tmp_path / "model")
    assert loaded.best_epoch_ is None
    assert same_weights(loaded, model)


def test_other_judges_know_no_score_to_beat() -> None:
    model = dr.MLPClassifier(early_stopping=True, max_iter=10, warm_start=True, **FAST)
    model.fit(X, Y, **GIVEN)
    assert model.best_validation_score_ > 0.7
    wrong = (Y_VAL + 1) % 3
    model.fit(X, Y, X_val=X_VAL, y_val=wrong)
    assert model.best_validation_score_ == model.score(X_VAL, wrong) < 0.5
    assert len(model.validation_scores_) == model.n_iter_ + 10
    known = model.best_validation_score_
    model.fit(X, Y, X_val=X_VAL, y_val=wrong)  # the same judges: it still counts
    assert model.best_validation_score_ >= known


def judge_half(y: Any, prediction: Any) -> float:
    return float((y[::2] == prediction[::2]).mean())


def judge_weighted(y: Any, prediction: Any, sample_weight: Any = None) -> float:
    return accuracy_score(y, prediction, sample_weight=sample_weight)


def judge_log_loss(y: Any, probabilities: Any) -> float:
    return -log_loss(y, probabilities)


def judge_estimator(estimator: Any, X: Any, y: Any) -> float:
    return -log_loss(y, estimator.predict_proba(X))


def judge_estimator_weighted(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    return accuracy_score(y, estimator.predict(X), sample_weight=sample_weight)


def _stopping(scorer: Any) -> Any:
    return dr.EarlyStopping(patience=50, scorer=scorer)


@pytest.mark.parametrize("between", ["nothing", "file", "fit", "partial_fit", "pickle"])
@pytest.mark.parametrize("same", [False, True])
def test_a_best_score_counts_for_its_own_judges_only(
    between: str, same: bool, tmp_path: Any
) -> None:
    """Whatever lies between two fits; without a step in it nothing but the judges decides."""
    model = dr.MLPClassifier(early_stopping=True, max_iter=30, warm_start=True, **FAST)
    model.fit(X, Y, **GIVEN)
    best = model._memory.state.best_score
    if between == "file":
        dr.save(model, tmp_path / "model.safetensors")
        model = dr.load(tmp_path / "model.safetensors")
    elif between == "pickle":
        model = pickle.loads(pickle.dumps(model))
    elif between != "nothing":
        model.set_params(early_stopping=False, learning_rate_init=1e-12, max_iter=1)
        getattr(model, between)(X, Y)
        assert model._memory.state.best_score == best
    model.set_params(early_stopping=True, learning_rate_init=1e-12, max_iter=1)
    wrong = (Y_VAL + 1) % 3
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL if same else wrong)
    assert (model.best_validation_score_ >= best) == same
    if not same:
        assert model.best_validation_score_ == model.score(X_VAL, wrong)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "neg_log_loss"),
        ("accuracy", "neg_log_loss"),
        (make_scorer(accuracy_score), make_scorer(judge_log_loss, response_method="predict_proba")),
        (lambda model, X, y: 1.0, lambda model, X, y: -1.0),
        (make_scorer(lambda y, found: 1.0), make_scorer(lambda y, found: -1.0)),
    ],
)
@pytest.mark.parametrize("rows", [{}, GIVEN])
def test_another_scorer_is_another_judge(before: Any, after: Any, rows: Any) -> None:
    model = dr.MLPClassifier(early_stopping=_stopping(before), max_iter=10, warm_start=True, **FAST)
    best = model.fit(X, Y, **rows).best_validation_score_
    assert best > 0
    model.fit(X, Y, **rows)
    assert model.best_validation_score_ >= best
    model.set_params(early_stopping=_stopping(after)).fit(X, Y, **rows)
    assert model.best_validation_score_ == max(model.validation_scores_[20:]) < 0


def test_other_rows_that_are_held_back_are_other_judges() -> None:
    model = dr.MLPClassifier(early_stopping=_stopping(None), max_iter=30, warm_start=True, **FAST)
    best = model.fit(X, Y).best_validation_score_
    model.set_params(max_iter=1, learning_rate_init=1e-12)
    assert model.fit(X, Y).best_validation_score_ == best
    noise = np.random.default_rng(0).normal(size=X.shape)
    assert model.fit(noise, Y).best_validation_score_ == model.validation_scores_[-1] < best


def test_a_file_without_judges_knows_no_score_to_beat(tmp_path: Any) -> None:
    model = dr.MLPClassifier(early_stopping=True, max_iter=30, warm_start=True, **FAST)
    model.fit(X, Y, **GIVEN)
    model._memory = replace(model._memory, judges=None)
    dr.save(model, tmp_path / "model.safetensors")
    again = dr.load(tmp_path / "model.safetensors")
    again.set_params(max_iter=1).fit(X, Y, **GIVEN)
    assert again.best_validation_score_ == again.validation_scores_[-1]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(
    "scorer",
    [
        "accuracy",
        "neg_log_loss",
        "roc_auc_ovr",
        make_scorer(fbeta_score, beta=0.5, average="macro"),
        make_scorer(judge_half),  # a metric without sample weights
        make_scorer(judge_weighted),
        make_scorer(log_loss, response_method="predict_proba", greater_is_better=False),
        judge_estimator,
        judge_estimator_weighted,
    ],
)
def test_every_kind_of_scorer(scorer: Any, given: bool, weighted: bool) -> None:
    stopping = dr.EarlyStopping(0.3, patience=5, scorer=scorer)
    model = dr.MLPClassifier((5,), early_stopping=stopping, max_iter=15, **FAST)
    weight = np.linspace(0.1, 2, 100) if weighted else None
    rows = {**GIVEN, "sample_weight_val": SOME if weighted else None} if given else {}
    model.fit(X, Y, weight, **rows)
    assert model.best_validation_score_ == max(model.validation_scores_)
    judges, targets, heavy = X_VAL, Y_VAL, SOME
    if not given:
        _, held = fitting.split(stopping, 100, model._memory.key, Y)
        judges, targets = X[held], Y[held]
        heavy = None if weight is None else weight[held]
    judge = get_scorer(scorer)
    takes = takes_weights(judge) and weighted
    told = judge(model, judges, targets, **({"sample_weight": heavy} if takes else {}))
    assert told == pytest.approx(model.best_validation_score_, rel=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"hidden_layer_sizes": (), "solver": "sgd", "loss": "perceptron"},
        {"solver": dr.Adam(average=0.9)},
        {"n_init": 2},
        {"engine": "reference", "normalization": "batch"},
    ],
)
def test_a_scorer_may_ask_for_other_rows(settings: Any) -> None:
    """Those rows are predicted with the epoch's numbers, as the estimator that is left does."""
    asked: list[Any] = []

    def tell(estimator: Any, X: Any) -> Any:
        """What the sign judges, or probabilities."""
        signed = estimator.out_activation_ == "sign"
        return estimator.decision_function(X) if signed else estimator.predict_proba(X)

    def scorer(estimator: Any, X: Any, y: Any) -> float:
        few, many = estimator.predict(X[:7]), estimator.predict(X_IRIS)
        scores = tell(estimator, X)
        np.testing.assert_array_equal(few, estimator.predict(X)[:7])
        np.testing.assert_allclose(scores, tell(estimator, X.copy()), rtol=1e-9)
        asked.append((estimator.coefs_[0].copy(), many, scores))
        return float(len(asked))  # the last is the best

    model = dr.MLPClassifier(early_stopping=_stopping(scorer), max_iter=5, warm_start=True, **FAST)
    model.set_params(**settings)
    for calls in (1, 2):
        model.fit(X, Y, **GIVEN)
        coef, many, scores = asked[-1]
        np.testing.assert_array_equal(coef, model.coefs_[0])
        np.testing.assert_array_equal(many, model.predict(X_IRIS))
        np.testing.assert_allclose(scores, tell(model, X_VAL), rtol=1e-9)
        assert len(asked) == 5 * (calls + model.n_init - 1)
    assert "_given" not in vars(model)


def test_a_scorer_costs_no_copy_of_the_estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickled state holds the whole history, which grows with every epoch."""

    def refused(self: Any) -> Any:
        raise AssertionError("the estimator was copied")

    monkeypatch.setattr(dr.MLPClassifier, "__getstate__", refused)
    model = dr.MLPClassifier(early_stopping=_stopping("accuracy"), max_iter=5, **FAST)
    assert len(model.fit(X, Y, **GIVEN).validation_scores_) == 5


# ---------------------------------------------------------------- rows that do not fit

LIKE = "X_val, y_val and sample_weight_val must be like what is trained on: "


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            {"X_val": X_VAL},
            (
                "X_val is provided, but y_val was not provided. Validation rows must come as X_val "
                "and y_val (got X_val alone). Give both, or none of them."
            ),
        ),
        (
            {"y_val": Y_VAL},
            (
                "y_val is provided, but X_val was not provided. Validation rows must come as X_val "
                "and y_val (got y_val alone). Give both, or none of them."
            ),
        ),
        (
            {"sample_weight_val": SOME},
            (
                "Validation rows must come as X_val and y_val (got sample_weight_val alone). Give "
                "both, or none of them."
            ),
        ),
        (
            {"X_val": X_VAL[:, :3], "y_val": Y_VAL},
            LIKE + "X has 3 features, but {kind} is expecting 4 features as input.",
        ),
        (
            {"X_val": X_VAL[:9], "y_val": Y_VAL},
            LIKE + "Found input variables with inconsistent numbers of samples: [9, 50]",
        ),
        (
            {**GIVEN, "sample_weight_val": SOME[:9]},
            LIKE + "sample_weight.shape == (9,), expected (50,)! sample_weight_val must be one "
            "number of at least 0 for each of the 50 rows of X_val (got shape (9,)). Give as many "
            "numbers as there are rows.",
        ),
        (
            {**GIVEN, "sample_weight_val": -SOME},
            LIKE + "Negative values in data passed to `sample_weight`. sample_weight_val must be "
            "at least 0 for every row (got -0.1 in row 0, and 49 more). Give 0 to rows that "
            "are not to count.",
        ),
        (
            {**GIVEN, "sample_weight_val": 0 * SOME},
            LIKE + "Sample weights must contain at least one non-zero number. sample_weight_val "
            "must be above 0 for some row (got 50 zeros). Give a weight to the rows that are to "
            "count, or leave sample_weight_val out.",
        ),
    ],
)
def test_rows_that_do_not_fit(kind: Any, rows: Any, words: str) -> None:
    model = kind(**SETTINGS)
    with pytest.raises(InvalidShapeError) as caught:
        model.fit(X, Y, **rows)
    assert str(caught.value) == words.format(kind=kind.__name__)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("kind", KINDS)
def test_holes_are_found(kind: Any) -> None:
    rows = X_VAL.copy()
    rows[3, 1] = np.nan
    with pytest.raises(NonFiniteError) as caught:
        kind(**SETTINGS).fit(X, Y, X_val=rows, y_val=Y_VAL)
    assert str(caught.value).startswith(LIKE + "Input X contains NaN.")
    assert str(caught.value).endswith(
        "\nX_val must be finite (got NaN in row 3, column 1). Drop these rows, or fill the holes "
        "first, for example with sklearn.impute.SimpleImputer."
    )


@pytest.mark.parametrize(
    ("y", "y_val", "kind", "words"),
    [
        (
            np.minimum(Y, 1),
            Y_VAL,
            InvalidParameterError,
            (
                "y_val must hold classes of y only, [0, 1] (got also [2]). Leave these rows out, "
                "or train on rows of these classes too."
            ),
        ),
        (
            LABELS[~ODD],
            Y_VAL,
            InvalidShapeError,
            (
                "y_val must be a matrix of 0 and 1 for 2 labels, as y is (got shape (50,)). Give "
                "both in the same form."
            ),
        ),
        (
            Y,
            LABELS[ODD],
            InvalidShapeError,
            "y_val must be one column, as y is (got shape (50, 2)). Give both in the same form.",
        ),
        (
            LABELS[~ODD],
            np.hstack([LABELS, LABELS])[ODD],
            InvalidShapeError,
            (
                "y_val must be a matrix of 0 and 1 for 2 labels, as y is (got shape (50, 4)). Give "
                "both in the same form."
            ),
        ),
    ],
)
def test_classes_that_do_not_fit(y: Any, y_val: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind) as caught:
        dr.MLPClassifier(**SETTINGS).fit(X, y, X_val=X_VAL, y_val=y_val)
    assert str(caught.value) == words


def test_a_class_may_be_missing_among_the_judges() -> None:
    model = dr.MLPClassifier(**SETTINGS).fit(X, Y, X_val=X_VAL[:20], y_val=Y_VAL[:20])
    assert len(model.validation_scores_) == 12


def test_columns_that_do_not_fit() -> None:
    two = np.column_stack([Y, Y])
    model = dr.MLPRegressor(**SETTINGS)
    with pytest.raises(InvalidShapeError) as caught:
        model.fit(X, two, **GIVEN)
    assert str(caught.value) == (
        "y_val must have as many columns as y, 2 (got 1). Give one for each output."
    )
    with pytest.raises(InvalidShapeError, match="loss 'poisson' needs targets of at least 0"):
        dr.MLPRegressor("poisson", **SETTINGS).fit(X, Y, X_val=X_VAL, y_val=Y_VAL - 5)


def test_too_few_rows_to_hold_back_are_told_in_words_of_the_fit() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPRegressor(early_stopping=True).fit(X_IRIS[:1], [1.0])
    assert str(caught.value).endswith(
        " range. early_stopping holds rows back (got n_samples=1). Give more rows, another "
        "validation_fraction, or early_stopping=False."
    )
