"""Every finding of `diagnose` is provoked by a training that has the disease, and by no other."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_moons

import deltarule as dr
from deltarule.activations import Tanh
from deltarule.estimators.diagnosis import Diagnosis
from deltarule.estimators.diagnosis.subject import Subject
from deltarule.exceptions import NonFiniteError
from deltarule.plans import BegunEpoch

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS, DIABETES, DIGITS = (load(return_X_y=True) for load in (load_iris, load_diabetes, load_digits))
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
MOONS = make_moons(200, noise=0.2, random_state=0)
RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(size=(200, 5)), RANDOM.integers(0, 2, 200)
RARE = RANDOM.normal(size=(600, 4)), (np.arange(600) < 12).astype(int)
CONSTANT = dr.initializers.Constant(0.0)


def classifier(hidden=(16,), **options):
    return dr.MLPClassifier(hidden, random_state=0, **options)


def regressor(hidden=(20,), **options):
    return dr.MLPRegressor(hidden_layer_sizes=hidden, random_state=0, **options)


def seeded(seed, **options):
    return dr.MLPClassifier(
        (2,), alpha=0, max_iter=4000, n_iter_no_change=50, random_state=seed, **options
    )


# ---------------------------------------------------------------- each disease

#: what it is → (estimator, training rows, code, severity)
DISEASES = {
    "relu units that a large step has killed": (
        regressor(solver="sgd", learning_rate_init=0.1), DIABETES, "dead_units", "problem",
    ),
    "most relu units dead under a step that fits no column": (
        classifier(solver="sgd", learning_rate_init=0.03, max_iter=20),
        (IRIS[0] * 30, IRIS[1]), "dead_units", "problem",
    ),
    "tanh on raw inputs of hundreds": (
        classifier(activation="tanh", max_iter=20), (NOISE[0] * 300, NOISE[1]),
        "saturated_units", "warning",
    ),
    "logistic output under squared error, driven too far": (
        classifier(
            (), loss="squared_error", output_activation="logistic", solver=dr.SGD(),
            learning_rate_init=1000.0, max_iter=20,
        ),
        NOISE, "saturated_outputs", "warning",
    ),
    "weights that all start the same": (
        classifier(initializer=CONSTANT, max_iter=50), IRIS, "same_units", "problem",
    ),
    "eight layers of logistic units": (
        classifier((12,) * 8, activation="logistic", max_iter=30), IRIS,
        "vanishing_deltas", "warning",
    ),
    "deep and drawn far too large": (
        classifier((64,) * 5, initializer=dr.initializers.Normal(1.0), max_iter=3), IRIS,
        "exploding_deltas", "warning",
    ),
    "steps as large as the weights": (
        classifier(learning_rate_init=1.0, max_iter=3, standardize="inputs"), IRIS,
        "large_updates", "warning",
    ),
    "a loss that jumps from epoch to epoch": (
        regressor((30,), solver="sgd", learning_rate_init=0.2, standardize="both"), DIABETES,
        "step_too_large", "warning",
    ),
    "a loss that has risen": (
        classifier((30,), learning_rate_init=0.1, max_iter=60, standardize="inputs"), DIGITS,
        "step_too_large", "warning",
    ),
    "steps too long for the curvature": (
        regressor(
            (), solver=dr.SGD(), learning_rate_init=1.2, batch_size=442, max_iter=8,
            standardize="both",
        ),
        DIABETES, "step_too_large", "warning",
    ),
    "plain steps of 1e-5": (
        classifier(solver="sgd", learning_rate_init=1e-5), IRIS, "step_too_small", "warning",
    ),
    "Adam's steps of 1e-6, taken for convergence": (
        classifier(learning_rate_init=1e-6), IRIS, "step_too_small", "warning",
    ),
    "twenty epochs": (classifier(max_iter=20), IRIS, "too_few_epochs", "warning"),
    "a schedule that ends before the training": (
        classifier(learning_rate="cosine", max_iter=15), IRIS, "too_few_epochs", "warning",
    ),
    "thirty short steps": (
        classifier((4,), max_iter=30), (NOISE[0], NOISE[0][:, 0] > 0), "too_few_epochs", "warning",
    ),
    "a rule that was out of patience before anything was learnt": (
        classifier((4,), n_iter_no_change=1, tol=0.01), (NOISE[0], NOISE[0][:, 0] > 0),
        "too_few_epochs", "warning",
    ),
    "one step of lbfgs": (
        classifier((4,), solver="lbfgs", max_iter=1), IRIS, "too_few_epochs", "warning",
    ),
    "XOR in a local minimum": (
        seeded(0, activation="logistic", solver="lbfgs"), XOR, "local_minimum", "warning",
    ),
    "XOR on a plateau": (
        seeded(1, activation="tanh", learning_rate_init=0.05, tol=1e-7), XOR,
        "plateau", "warning",
    ),
    "XOR where it begins to fall apart in two": (
        seeded(
            0, activation="tanh", initializer=dr.initializers.Normal(0.05), solver="sgd",
            learning_rate_init=0.01,
        ),
        XOR, "saddle", "warning",
    ),
    "no epochs to speak of": (classifier(max_iter=2), IRIS, "underfit", "problem"),
    "weights drawn to 0": (
        classifier(alpha=1000.0, learning_rate_init=0.01, max_iter=2000), IRIS,
        "strong_penalty", "warning",
    ),
    "inputs of hundreds": (
        classifier(max_iter=20), (NOISE[0] * 300, NOISE[1]), "unscaled_inputs", "warning",
    ),
    "inputs far from 0": (
        classifier(max_iter=20), (NOISE[0] * 0.1 + 5, NOISE[1]), "unscaled_inputs", "warning",
    ),
    "inputs of hundredths": (
        regressor(solver="lbfgs", max_iter=20), DIABETES, "unscaled_inputs", "warning",
    ),
    "targets of hundreds": (
        regressor(solver="lbfgs", standardize="inputs", max_iter=20), DIABETES,
        "unscaled_targets", "warning",
    ),
    "targets of thousandths": (
        regressor(standardize="inputs"), (DIABETES[0], DIABETES[1] * 1e-5),
        "unscaled_targets", "warning",
    ),
    "targets that the output cannot say": (
        regressor(output_activation="logistic"), DIABETES, "targets_out_of_reach", "problem",
    ),
    "a column of ones": (
        classifier(max_iter=20), (np.insert(NOISE[0], 2, 1.0, axis=1), NOISE[1]),
        "constant_columns", "note",
    ),
    "a target of ones": (
        regressor(max_iter=20), (NOISE[0], np.ones(200)), "constant_target", "warning",
    ),
    "a single class": (
        classifier(max_iter=20), (NOISE[0], np.zeros(200)), "constant_target", "warning",
    ),
    "two classes of which one is rare": (
        classifier((4,), max_iter=60), RARE, "class_imbalance", "warning",
    ),
}  # fmt: skip


@cache
def diagnosed(name: str) -> Diagnosis:
    estimator, (X, y), _, _ = DISEASES[name]
    return dr.diagnose(estimator.fit(X, y), X, y)


@pytest.mark.parametrize("name", DISEASES)
def test_a_disease_is_found(name):
    _, _, code, severity = DISEASES[name]
    found = [finding for finding in diagnosed(name).findings if finding.code == code]
    assert [finding.severity for finding in found][:1] == [severity]
    for finding in found:
        if finding.bad == "above":
            assert not finding.value <= finding.threshold
        else:
            assert not finding.value >= finding.threshold
        assert finding.says.endswith(".")
        assert finding.remedy.endswith(".")


def test_each_disease_is_provoked():
    """All codes that there are stand in the table above, or in a test of their own below."""
    own = {"non_finite_rows", "non_finite_loss", "non_finite_weights", "overfit"}
    own |= {"outputs_out_of_range"}
    seen: set[str] = set()
    for name in DISEASES:
        entries = diagnosed(name)
        seen |= {entry.code for entry in (*entries.findings, *entries.fine)} | set(entries.left_out)
    assert seen == {code for _, _, code, _ in DISEASES.values()} | own


# ---------------------------------------------------------------- health

HEALTHY = {
    "iris, relu": (classifier(max_iter=2000, learning_rate_init=0.01), IRIS),
    "iris, raw, long": (classifier(max_iter=2000), IRIS),
    "iris, tanh, sgd": (
        classifier(
            activation="tanh", solver="sgd", learning_rate_init=0.1, standardize="inputs",
            max_iter=2000,
        ),
        IRIS,
    ),
    "iris, logistic": (
        classifier(
            activation="logistic", learning_rate_init=0.02, standardize="inputs", max_iter=2000
        ),
        IRIS,
    ),
    "iris, linear": (
        classifier((), solver="lbfgs", max_iter=2000, standardize="inputs"), IRIS,
    ),
    "iris, early stopping": (
        classifier(early_stopping=True, learning_rate_init=0.01, standardize="inputs"), IRIS,
    ),
    "digits": (classifier((32, 16)), DIGITS),
    "digits, tanh, standardized": (
        classifier(activation="tanh", standardize="inputs", learning_rate_init=0.005), DIGITS,
    ),
    "diabetes": (regressor(standardize="both", max_iter=2000), DIABETES),
    "diabetes, lbfgs": (
        regressor((3,), standardize="both", solver="lbfgs", alpha=10.0, max_iter=5000), DIABETES,
    ),
    "diabetes, linear": (regressor((), standardize="both", solver="lbfgs"), DIABETES),
    "diabetes, sgd": (
        regressor(standardize="both", solver="sgd", learning_rate_init=0.01, max_iter=2000),
        DIABETES,
    ),
    "diabetes, early stopping": (
        regressor(standardize="both", early_stopping=True, max_iter=2000), DIABETES,
    ),
    "moons, cosine": (
        classifier(
            learning_rate="cosine", learning_rate_init=0.02, max_iter=400,
            n_iter_no_change=np.inf,
        ),
        MOONS,
    ),
    "XOR": (seeded(0, activation="tanh", learning_rate_init=0.05, tol=1e-7), XOR),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_health_is_no_disease(name):
    estimator, (X, y) = HEALTHY[name]
    found = dr.diagnose(estimator.fit(X, y), X, y)
    # Three pixels of the digits are white throughout, and that is true.
    expected = ("constant_columns",) if "digits" in name else ()
    assert found.codes == expected
    assert found.healthy
    looked_at = {entry.code for entry in found.fine}
    assert {"non_finite_rows", "unscaled_inputs", "underfit", "overfit"} <= looked_at


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_both_engines_have_the_same_diagnosis(engine):
    if engine == "compiled":
        pytest.importorskip("deltarule._core")
    model = classifier(max_iter=20, engine=engine, solver="sgd").fit(*IRIS)
    found = dr.diagnose(model, *IRIS)
    other = dr.diagnose(classifier(max_iter=20, solver="sgd").fit(*IRIS), *IRIS)
    assert found.codes == other.codes
    for mine, theirs in zip(found.findings + found.fine, other.findings + other.fine, strict=True):
        assert (mine.code, mine.where) == (theirs.code, theirs.where)
        assert mine.value == pytest.approx(theirs.value, rel=1e-6, abs=1e-12)


# ---------------------------------------------------------------- what needs rows of its own


def test_rows_that_were_held_back_show_overfit():
    X, y = DIABETES
    model = regressor((60,), standardize="both", learning_rate_init=0.01, max_iter=300)
    model.fit(X[:200], y[:200])
    assert "overfit" not in dr.diagnose(model, X[:200], y[:200]).codes
    found = dr.diagnose(model, X[200:], y[200:])
    (finding,) = [finding for finding in found.findings if finding.code == "overfit"]
    assert finding.severity == "warning"
    assert "early_stopping=True" in finding.remedy
    # Nothing is said of the training's place from rows that it has not seen.
    assert found.left_out["plateau"].startswith("these seem to be no training rows")


def test_the_validation_curve_shows_overfit():
    X, y = NOISE
    stopping = dr.EarlyStopping(patience=400, validation_fraction=0.3, scorer=growing())
    model = classifier((50,), early_stopping=stopping, learning_rate_init=0.02).fit(X, y)
    (finding, *_) = [f for f in dr.diagnose(model, X, y).findings if f.code == "overfit"]
    assert finding.quantity.startswith("validation loss at the best epoch")


def growing():
    """A scorer for which the last epoch is the best."""
    count = iter(range(10**6))
    return lambda estimator, X, y: float(next(count))


def test_outputs_far_from_all_targets():
    X, y = DIABETES
    model = regressor(standardize="both", max_iter=500).fit(X, y)
    found = dr.diagnose(model, X * 50, y)
    assert {"outputs_out_of_range", "unscaled_inputs"} <= set(found.codes)
    (finding,) = [f for f in found.findings if f.code == "unscaled_inputs" and f.value > 30]
    assert finding.remedy.startswith("The model standardizes by its training rows")


def test_holes_in_the_rows_are_findings():
    X, y = (np.array(part, dtype=float) for part in DIABETES)
    model = regressor(standardize="both", max_iter=500).fit(X, y)
    X[3, 2], X[5, 2], X[5, 7], y[9] = np.nan, np.inf, np.nan, np.nan
    found = dr.diagnose(model, X, y)
    holes = [finding for finding in found.findings if finding.code == "non_finite_rows"]
    assert [(hole.severity, hole.value, hole.columns) for hole in holes] == [
        ("problem", 3, ("2", "7")),
        ("problem", 1, ()),
    ]
    assert found.rows == 442
    assert found.rows_judged == 439
    # Where only rows with holes have a weight, the others count alike.
    weight = (np.arange(442) == 3).astype(float)
    assert dr.diagnose(model, X, y, weight) == found


def test_a_loss_that_became_infinite():
    model = regressor(solver="sgd", learning_rate_init=1.0, activation="identity")
    with pytest.raises(NonFiniteError):
        model.fit(DIABETES[0] * 100, DIABETES[1])
    assert "non_finite_loss" in dr.diagnose(model, DIABETES[0] * 100, DIABETES[1]).codes


def test_weights_that_are_no_numbers():
    model = classifier(max_iter=20).fit(*IRIS)
    model.coefs_[0][0, 0] = np.nan
    found = dr.diagnose(model, *IRIS)
    assert found.codes[0] == "non_finite_weights"


# ---------------------------------------------------------------- whatever is fitted


def rows(kind):
    X, y = IRIS
    if kind == "multilabel":
        return X, np.column_stack([y == 0, y == 1]).astype(int)
    if kind == "words":
        return X, np.array(["setosa", "versicolor", "virginica"])[y]
    return X, y


KINDS = {
    "softmax": (classifier(), rows("classes")),
    "words": (classifier(), rows("words")),
    "multilabel": (classifier(), rows("multilabel")),
    "two classes": (classifier(), MOONS),
    "perceptron": (classifier((), loss="perceptron", solver=dr.SGD()), MOONS),
    "squared error on tanh": (
        classifier(loss="squared_error", output_activation="tanh"), rows("classes"),
    ),
    "sign": (classifier(activation="sign"), MOONS),
    "own function": (
        classifier(activation=dr.activations.Function(np.sin, np.cos)), MOONS,
    ),
    "mixed": (classifier((8, 6, 4), activation=["gelu", "selu", Tanh()]), MOONS),
    "softmax inside": (classifier((8, 4), activation=["softmax", "softplus"]), MOONS),
    "several targets": (regressor(), (DIABETES[0], np.column_stack([DIABETES[1]] * 2) / 100)),
    "absolute error": (regressor(loss="absolute_error", standardize="both"), DIABETES),
    "quantile": (regressor(loss=dr.losses.Quantile(0.9), standardize="both"), DIABETES),
    "huber": (regressor(loss="huber", standardize="both", solver="sgd"), DIABETES),
    "poisson": (regressor(loss="poisson", standardize="inputs"), DIABETES),
    "own loss": (
        regressor(
            loss=dr.losses.Function(lambda p, d: (p - d) ** 4, lambda p, d: 4 * (p - d) ** 3),
            standardize="both",
        ),
        DIABETES,
    ),
    "no bias": (classifier(fit_intercept=False), IRIS),
    "lbfgs": (classifier(solver="lbfgs"), IRIS),
    "rmsprop, one cycle": (classifier(solver="rmsprop", learning_rate="one_cycle"), IRIS),
    "restarts": (classifier((4,), n_init=3), MOONS),
    "L1": (classifier(alpha=dr.L1(0.1)), IRIS),
    "float32": (classifier(), (IRIS[0].astype(np.float32), IRIS[1])),
    "sparse": (classifier(), (csr_array(DIGITS[0][:300]), DIGITS[1][:300])),
    "sparse, standardized": (
        classifier(standardize="inputs"), (csr_array(DIGITS[0][:300]), DIGITS[1][:300]),
    ),
    "batches of one": (classifier((), batch_size=1, solver="sgd", max_iter=5), MOONS),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_estimator_has_a_diagnosis(name):
    estimator, (X, y) = KINDS[name]
    if estimator.max_iter == 200:
        estimator.set_params(max_iter=30)
    found = dr.diagnose(estimator.fit(X, y), X, y)
    codes = {entry.code for entry in (*found.findings, *found.fine)} | set(found.left_out)
    assert {"unscaled_inputs", "underfit", "overfit", "step_too_large"} <= codes
    assert codes & {"local_minimum", "plateau", "saddle"}
    assert all(np.isfinite(entry.value) for entry in (*found.findings, *found.fine))
    assert str(found).startswith(f"{type(estimator).__name__} ")


def test_a_stream_is_not_taken_for_epochs():
    X, y = MOONS
    model = classifier((8,), learning_rate_init=0.02)
    for index in np.random.default_rng(0).permutation(np.tile(np.arange(200), 10)):
        model.partial_fit(X[index : index + 1], y[index : index + 1], classes=[0, 1])
    found = dr.diagnose(model, X, y)
    assert found.codes == ()
    reason = "the losses are those of the parts of a stream"
    assert found.left_out["too_few_epochs"] == found.left_out["step_too_large"] == reason


def test_a_schedule_that_ended_far_from_down():
    found = dr.diagnose(classifier(learning_rate="cosine", max_iter=15).fit(*IRIS), *IRIS)
    assert next(entry.says for entry in found.findings if entry.code == "too_few_epochs") == (
        "The last epoch asked for was reached. The loss had far to fall: its slope is still much "
        "of what it is at a start."
    )


def test_fits_of_one_epoch_each_are_epochs():
    model = classifier(max_iter=1, warm_start=True, learning_rate_init=0.01)
    for _ in range(12):
        model.fit(*IRIS)
    found = dr.diagnose(model, *IRIS)
    assert next(entry.says for entry in found.findings if entry.code == "too_few_epochs") == (
        "The last epoch asked for was reached. The loss was still falling."
    )
    assert "step_too_large" in {entry.code for entry in found.fine}


def test_a_loaded_model_has_no_step_to_judge(tmp_path):
    dr.save(classifier(max_iter=300).fit(*IRIS), tmp_path / "model")
    model = dr.load(tmp_path / "model")
    model.__dict__.pop("_memory", None)
    found = dr.diagnose(model, *IRIS)
    reason = "the model was loaded without the state of its optimiser"
    assert found.left_out["large_updates"] == reason
    assert {"underfit", "too_few_epochs"} <= {
        entry.code for entry in (*found.findings, *found.fine)
    }


def test_weights_count():
    X, y = MOONS
    weight = np.where(y == 1, 3.0, 1.0)
    model = classifier((8,), max_iter=300, learning_rate_init=0.02).fit(X, y, weight)
    found = dr.diagnose(model, X, y, weight)
    assert found.codes == dr.diagnose(model, np.vstack([X, X[y == 1], X[y == 1]]), np.hstack(
        [y, y[y == 1], y[y == 1]])).codes  # fmt: skip


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_layers_are_counted_as_their_weights(normalization):
    between = {"normalization": normalization, "dropout": 0.2, "max_iter": 5}
    found = dr.diagnose(classifier((8,), **between).fit(*IRIS), *IRIS)
    reason = "there are fewer than two hidden layers"
    assert found.left_out["vanishing_deltas"] == found.left_out["exploding_deltas"] == reason
    model = classifier((8, 6), **between).fit(*IRIS)
    model.shifts_[1][:] = -50.0  # all units of the second layer are dead
    found = dr.diagnose(model, *IRIS)
    (dead,) = [finding for finding in found.findings if finding.code == "dead_units"]
    assert (dead.layer, dead.units) == (1, tuple(range(6)))
    entries = (*found.findings, *found.fine)
    assert {entry.layer for entry in entries if entry.code == "large_updates"} <= {0, 1, 2}
    (chain,) = [e.says for e in found.findings if e.code == "vanishing_deltas"]
    assert chain.count("→") == 2


def subject_of(model, X, y):
    return Subject(model, X, y, None, None)


@pytest.mark.parametrize("given", [None, 8])
def test_the_step_size_is_that_of_the_schedules_last_step(given):
    schedule = dr.Cosine(warmup=0.2, total_epochs=given)
    model = classifier((4,), learning_rate=schedule, learning_rate_init=0.5, max_iter=4)
    model.fit(*IRIS)
    # One step an epoch: the fourth of four, or of eight.
    share = (3 / (given or 4) - 0.2) / 0.8
    subject = subject_of(model, *IRIS)
    assert subject.source.rate == pytest.approx(0.5 * (1 + np.cos(np.pi * share)) / 2)
    found = dr.diagnose(model, *IRIS)
    assert [e.value for e in (*found.findings, *found.fine) if e.code == "large_updates"] > [0.0]


def test_a_stream_with_a_schedule_of_its_own_length_has_steps_to_judge():
    schedule = dr.Cosine(total_epochs=1000)
    model = classifier((4,), learning_rate=schedule, learning_rate_init=0.01)
    for _ in range(501):
        model.partial_fit(*IRIS, classes=[0, 1, 2])
    assert subject_of(model, *IRIS).source.rate == pytest.approx(0.005)
    model.set_params(learning_rate="cosine")
    reason = "the schedule counts on an end of the training, and there is none"
    assert dr.diagnose(model, *IRIS).left_out["large_updates"] == reason


def test_the_step_size_of_a_begun_epoch():
    model = classifier((4,), learning_rate="cosine", learning_rate_init=0.01, batch_size=10)
    subject = subject_of(model.set_params(max_iter=4).fit(*IRIS), *IRIS)
    state = replace(model._memory.state, step=37, epoch=2, begun=BegunEpoch(7, 0.0, 150, 10))
    assert subject._rate(state) == pytest.approx(0.01 * (1 + np.cos(np.pi * 36 / 60)) / 2)


# ---------------------------------------------------------------- manners


def frozen(value):
    """A value that can be compared, arrays by their bytes."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return {name: frozen(entry) for name, entry in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {name: frozen(getattr(value, name)) for name in value.__dataclass_fields__}
    return repr(value)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_nothing_changes_and_the_fit_goes_on_as_before(solver):
    model, twin = (
        classifier(solver=solver, max_iter=5, warm_start=True).fit(*IRIS) for _ in range(2)
    )
    before = frozen(vars(model))
    first, second = (dr.diagnose(model, *IRIS) for _ in range(2))
    assert frozen(vars(model)) == before
    assert first == second
    for ours, theirs in zip(model.fit(*IRIS).coefs_, twin.fit(*IRIS).coefs_, strict=True):
        assert (ours == theirs).all()


def test_many_rows_are_measured_on_a_sample_that_is_named():
    X, y = RANDOM.normal(size=(5000, 3)), RANDOM.integers(0, 2, 5000)
    X[:, 1] = 0.0
    X[-1, 1] = 1.0  # constant in the sample only
    found = dr.diagnose(classifier((4,), max_iter=5).fit(X, y), X, y)
    assert (found.rows, found.rows_judged) == (5000, 2000)
    assert "on 5000 rows (measured on 2000)" in found.heading
    assert "constant_columns" not in found.codes


def test_three_rows_say_nothing_of_units():
    model = classifier((4,), max_iter=20).fit(*IRIS)
    reason = "on fewer than 4 rows a unit may be idle by chance"
    assert dr.diagnose(model, IRIS[0][:3], IRIS[1][:3]).left_out["dead_units"] == reason


def test_columns_have_their_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(NOISE[0] * [1, 1, 900, 1, 1], columns=list("abcde"))
    model = classifier(max_iter=5).fit(frame, NOISE[1])
    (finding,) = [f for f in dr.diagnose(model, frame, NOISE[1]).findings if f.columns == ("c",)]
    assert finding.where == "column c"
    model = classifier(max_iter=5).fit(frame.to_numpy(), NOISE[1])
    names = ["one", "two", "three", "four", "five"]
    found = dr.diagnose(model, frame.to_numpy(), NOISE[1], feature_names=names)
    assert ("three",) in [finding.columns for finding in found.findings]
