"""Opened models: what the page is told of them, and that it is the estimator's own."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from playground_asks import opening
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import deltarule as dr
from deltarule.exceptions import InvalidParameterError, ModelFileError, TableError
from deltarule.functional import objective
from deltarule.persistence import Model, to_bytes
from deltarule.playground import subject, wire
from deltarule.playground.answers import Answers
from deltarule.playground.shown import Shown
from deltarule.playground.sources import (
    source_alone,
    source_of,
    source_of_columns,
    source_of_table,
)
from deltarule.playground.subject import OWN_UNITS, give, subject_of
from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan

DRAW = np.random.default_rng(0)
X = DRAW.normal(3.0, 2.0, size=(60, 3))
NUMBERS = X @ [1.0, -2.0, 0.5] + 4.0
TWO = (X[:, 0] > 3).astype(int)
THREE = np.array(["low", "middle", "high"])[np.digitize(X[:, 1], [2.0, 4.0])]
LABELS = np.column_stack([TWO, X[:, 1] > 3]).astype(int)
SHORT = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 5, "tol": 0.0}

# estimator, target, kind that the page is told, names of the outputs
MODELS = {
    "two classes": (dr.MLPClassifier(**SHORT), TWO, "classes", ["0", "1"]),
    "three classes": (
        dr.MLPClassifier(standardize="inputs", **SHORT),
        THREE,
        "classes",
        ["high", "low", "middle"],
    ),
    "softmax of two": (
        dr.MLPClassifier(output_activation="softmax", **SHORT),
        TWO,
        "classes",
        ["0", "1"],
    ),
    "targets of both signs": (
        dr.MLPClassifier(loss="squared_error", output_activation="tanh", **SHORT),
        TWO,
        "classes",
        ["0", "1"],
    ),
    "smoothed": (dr.MLPClassifier(label_smoothing=0.1, **SHORT), THREE, "classes", None),
    "labels": (dr.MLPClassifier(**SHORT), LABELS, "values", ["0", "1"]),
    "numbers": (dr.MLPRegressor(standardize="both", **SHORT), NUMBERS, "values", ["y"]),
    "several numbers": (
        dr.MLPRegressor(**SHORT),
        np.column_stack([NUMBERS, -NUMBERS]),
        "values",
        ["y1", "y2"],
    ),
    "quantiles": (
        dr.MLPRegressor(loss=dr.losses.Quantile((0.1, 0.5, 0.9)), **SHORT),
        NUMBERS,
        "values",
        ["y"],
    ),
    "normalised": (
        dr.MLPRegressor(normalization="batch", dropout=0.1, batch_size=20, **SHORT),
        NUMBERS,
        "values",
        ["y"],
    ),
    "lbfgs": (dr.MLPRegressor(solver="lbfgs", **SHORT), NUMBERS, "values", ["y"]),
    "float32": (dr.MLPClassifier(**SHORT), TWO, "classes", ["0", "1"]),
}


def fitted(name: str):
    model, y, *_ = MODELS[name]
    rows = X.astype(np.float32) if name == "float32" else X
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows, y), rows, y


def opened(shown: Shown) -> tuple[Answers, dict]:
    """What a page has that opens a subject, by way of the wire."""
    answers = Answers(shown)
    told = wire.decode(wire.encode(ask(answers, "hello")["subject"]))
    ask(answers, "open", **told["open"])
    return answers, told


def ask(answers: Answers, name: str, **given):
    return answers.answer({"ask": name, "given": given}, lambda done: None)


@pytest.mark.parametrize("name", MODELS)
def test_a_page_sees_the_estimators_own_network_rows_and_objective(name):
    model, rows, y = fitted(name)
    answers, told = opened(Shown(source_of(model, rows, y)))
    _, _, kind, outputs = MODELS[name]
    table, train = told["table"], told["open"]["train"]
    assert (table["kind"], table["rows"]) == (kind, 60)
    assert outputs is None or table["outputs"] == outputs
    seen = train["X"].reshape(60, 3)
    own = (table["X"].reshape(60, 3) - told["scaling"]["center"]) / told["scaling"]["scale"]
    np.testing.assert_allclose(seen, own, rtol=1e-12)
    said = ask(answers, "look", X=train["X"], layers=False)["outputs"]
    np.testing.assert_allclose(said, model._outputs(rows), rtol=1e-5, atol=1e-6)
    lab = answers.lab
    expected = objective(
        lab.network, lab.parameters, lab.train.X, lab.train.D, None, lab.plan.penalty
    )
    assert lab.measures()["objective"] == pytest.approx(expected, rel=1e-12)
    if kind == "classes":
        assert [table["outputs"][int(k)] for k in table["y"]] == [str(value) for value in y]


def test_training_on_the_page_is_the_warm_fit_bit_for_bit():
    settings = {**SHORT, "shuffle": False, "batch_size": 7, "alpha": 0.01, "solver": "adam"}
    model = dr.MLPRegressor(standardize="inputs", warm_start=True, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, NUMBERS)
        answers, told = opened(Shown(source_of(model, X, NUMBERS)))
        assert told["open"]["start"]["epoch"] == 5
        np.testing.assert_array_equal(told["curve"]["loss"], model.loss_curve_)
        ask(answers, "advance", unit="epoch", count=5)
        model.fit(X, NUMBERS)
    np.testing.assert_array_equal(answers.lab.parameters.vector, model._vector)


def test_of_many_rows_a_sample_is_shown_and_said(monkeypatch):
    monkeypatch.setattr(subject, "MOST_ROWS", 20)
    model, rows, y = fitted("three classes")
    told = subject_of(source_of(model, rows, y))
    assert told["table"]["rows"] == 20
    notes = ["20 of 60 rows are shown and trained on here.", OWN_UNITS]
    assert told["table"]["notes"] == notes


def slower(step: int) -> float:
    return 1 / (1 + step)


# estimator, what is said of how it goes on
PLANS = [
    (
        dr.MLPRegressor(solver="lbfgs", **SHORT),
        "lbfgs goes over all rows at once: training goes on here with adam.",
    ),
    (
        dr.MLPRegressor(learning_rate=slower, **SHORT),
        "The schedule is a Python function: training goes on here without it.",
    ),
    (
        dr.MLPClassifier(class_weight="balanced", **SHORT),
        "All rows count the same here: class_weight is left out.",
    ),
]


@pytest.mark.parametrize(("model", "note"), PLANS)
def test_what_a_page_cannot_go_on_by_is_said(model, note):
    y = TWO if isinstance(model, dr.MLPClassifier) else NUMBERS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    answers, told = opened(Shown(source_of(model, X, y)))
    assert told["table"]["notes"] == [note]
    assert ask(answers, "advance", unit="epoch", count=1)["stopped"] is None


def test_a_pipeline_is_shown_with_the_rows_that_its_network_sees():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    before = make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False))
    pipeline = make_pipeline(before, dr.MLPClassifier(**SHORT))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(frame, THREE)
    answers, told = opened(Shown(source_of(pipeline, frame, pd.Series(THREE, name="size"))))
    assert told["table"]["inputs"][:4] == ["a", "b", "c", "a^2"]
    assert told["table"]["target"] == "size"
    said = ask(answers, "look", X=told["open"]["train"]["X"], layers=False)["outputs"]
    np.testing.assert_allclose(said, pipeline.predict_proba(frame), rtol=1e-6)


@pytest.fixture(scope="module")
def houses() -> tuple[TableModel, Table]:
    city = DRAW.choice(["Oslo", "Rome", "Bonn"], 60).tolist()
    price = [*NUMBERS[:58].tolist(), None, None]
    table = Table.of({"area": X[:, 0].tolist(), "city": city, "price": price})
    known = table.take(np.arange(58))
    columns = ColumnPlan.fit(known.without(["price"]))
    target = TargetPlan.fit(known, ("price",))
    network = dr.MLPRegressor(**{**SHORT, "solver": "lbfgs", "tol": 0.1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(columns.transform(known), target.encode(known))
    return TableModel(columns, target, network), table


def test_the_model_of_a_table_is_shown_with_its_columns_as_numbers(houses):
    model, table = houses
    told = subject_of(source_of_table(model, table), "houses.safetensors")
    assert told["title"] == "houses.safetensors"
    assert told["table"]["inputs"] == ["area", "city=Bonn", "city=Oslo", "city=Rome"]
    notes = told["table"]["notes"]
    assert (notes[0], notes[-1]) == ("2 of 60 rows have no price and are left out.", OWN_UNITS)
    assert told["table"]["rows"] == 58


def test_without_rows_some_are_drawn_around_what_the_model_knows(houses):
    model, _ = houses
    for given in (model, fitted("three classes")[0]):
        told = subject_of(source_alone(given))
        assert told["table"]["rows"] == 200
        assert told["table"]["notes"][0] == (
            "No table was given: these 200 rows are drawn around those that the model was trained "
            "on, and their targets are its own predictions."
        )
    classifier = fitted("three classes")[0]
    drawn = subject_of(source_alone(classifier))["table"]["X"].reshape(200, 3)
    np.testing.assert_allclose(drawn.mean(axis=0), classifier.input_center_, atol=0.6)


def test_rows_are_drawn_for_columns_of_every_kind():
    table = Table.of(
        {
            "bit": [0, 1] * 20,
            "flag": [True, False] * 20,
            "when": np.datetime64("2024-01-01T01") + 31 * np.arange(40),
            "text": [f"the word number {row}" for row in range(40)],
            "y": NUMBERS[:40],
        }
    )
    columns = ColumnPlan.fit(table.without(["y"]), text="hash", text_inputs=2)
    target = TargetPlan.fit(table, ("y",))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = dr.MLPRegressor(**SHORT).fit(columns.transform(table), target.encode(table))
    told = subject_of(source_alone(TableModel(columns, target, network)))["table"]
    X = told["X"].reshape(200, len(columns.inputs))
    assert set(X[:, 0]) == set(X[:, 1]) == {-1, 1}
    assert len(set(X[:, 2])) > 100
    assert not X[:, -2:].any()


def test_a_saved_estimator_finds_its_columns_by_name():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = dr.MLPClassifier(**SHORT).fit(frame, THREE)
    columns = {name: frame[name].tolist() for name in ("c", "b", "a")}
    table = Table.of({**columns, "size": THREE.tolist()})
    source = source_of_columns(model, table, None)
    np.testing.assert_array_equal(source.X, X)
    answers, _ = opened(Shown(source))
    file = ask(answers, "save")["file"].tobytes()
    assert b"feature" in file  # the names that were left out of the rows stand in the file


def test_maps_begin_over_the_inputs_that_tell_most():
    still = np.column_stack([np.zeros(60), X[:, 2], X[:, :2]])
    model = dr.MLPRegressor(**SHORT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = subject_of(source_of(model.fit(still, NUMBERS), still, NUMBERS))
    assert told["axes"] == [2, 3]
    assert subject.telling_inputs(np.eye(3)[:, [0, 0]] * 0, np.zeros((3, 1))) == [0, 1]
    # None tells anything: one that differs comes before one that does not.
    nothing = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    assert subject.telling_inputs(nothing, np.ones((2, 1))) == [0, 2]


# what is opened, X, y, the error and its sentence
REFUSED = [
    (
        dr.MultiTaskMLP(),
        X,
        None,
        InvalidParameterError,
        (
            "play takes an MLPClassifier, an MLPRegressor, a pipeline that ends with one, or a "
            "model of deltarule train (got MultiTaskMLP). Pass the estimator inside it, with the "
            "rows as that estimator sees them."
        ),
    ),
    (
        make_pipeline(StandardScaler()),
        X,
        NUMBERS,
        InvalidParameterError,
        (
            "play takes an MLPClassifier, an MLPRegressor, a pipeline that ends with one, or a "
            "model of deltarule train (got StandardScaler as its last step). Pass the estimator "
            "inside it, with the rows as that estimator sees them."
        ),
    ),
    (
        SklearnClassifier(),
        X,
        NUMBERS,
        InvalidParameterError,
        (
            "play takes deltarule's own MLPClassifier (got the MLPClassifier of sklearn). Write "
            "'from deltarule import MLPClassifier' and fit again: docs/"
            "moving-from-scikit-learn.md says what differs."
        ),
    ),
    (
        make_pipeline(StandardScaler(), SklearnRegressor()),
        X,
        NUMBERS,
        InvalidParameterError,
        (
            "play takes deltarule's own MLPRegressor (got the MLPRegressor of sklearn as its last "
            "step). Write 'from deltarule import MLPRegressor' and fit again: docs/"
            "moving-from-scikit-learn.md says what differs."
        ),
    ),
    (
        dr.MLPRegressor(),
        X,
        None,
        InvalidParameterError,
        "y must be given beside X for an MLPRegressor (got None). Pass the target of the rows.",
    ),
]


@pytest.mark.parametrize(("model", "rows", "y", "error", "sentence"), REFUSED)
def test_what_cannot_be_opened_is_said(model, rows, y, error, sentence):
    with pytest.raises(error) as caught:
        source_of(model, rows, y)
    assert str(caught.value) == sentence


def test_tables_that_do_not_fit_are_said(houses):
    model, table = houses
    with pytest.raises(InvalidParameterError) as caught:
        source_of(model, table, NUMBERS)
    assert str(caught.value) == (
        "y must be left out for the model of a table (got ndarray). Its target is a column of X: "
        "price."
    )
    estimator = fitted("two classes")[0]
    numbers = {name: X[:, 0].tolist() for name in "abcd"}
    # table, target, sentence
    cases = [
        (
            numbers,
            None,
            "the target must be named (the table has a, b, c, d). Say --target NAME.",
        ),
        (
            {name: numbers[name] for name in "ab"},
            "b",
            (
                "the table must have 3 columns beside 'b', as the model was trained on (got 1). "
                "Use a table of the same kind."
            ),
        ),
        (
            {**numbers, "c": [None, *numbers["c"][1:]]},
            "d",
            (
                "column 'c' must have a number in every row (got none in row 1). Fill the hole or "
                "remove the row."
            ),
        ),
    ]
    for columns, target, sentence in cases:
        with pytest.raises(TableError) as caught:
            source_of_columns(estimator, Table.of(columns), target)
        assert str(caught.value) == sentence


def test_the_diagnosis_is_the_librarys_with_the_weights_as_they_are():
    model, rows, y = fitted("three classes")
    answers, _ = opened(Shown(source_of(model, rows, y)))
    codes = [found["name"] for found in ask(answers, "diagnose")["findings"]]
    assert codes == [found.code for found in dr.diagnose(model, rows, y).findings]
    before = model._vector.copy()
    # Where all weights are the same, so are the units.
    ask(answers, "set", vector=np.full(answers.lab.network.size, 0.5))
    found = ask(answers, "diagnose")["findings"]
    names = [entry["name"] for entry in found]
    assert "same_units" in names
    assert "same_units" not in codes
    told = ("sentence", "measured", "remedy")
    assert all(entry[part].endswith(".") for entry in found for part in told)
    np.testing.assert_array_equal(model._vector, before)


# loss, output activation, targets
MADE = [
    ("squared_error", "logistic", TWO.reshape(-1, 1)),
    ("log_loss", "softmax", np.eye(3)[np.digitize(X[:, 1], [2.0, 4.0])]),
    ("squared_error", "identity", NUMBERS.reshape(-1, 1)),
    ("perceptron", "sign", 2.0 * TWO.reshape(-1, 1) - 1),
]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize(("loss", "output", "D"), MADE)
def test_a_network_of_the_page_is_diagnosed_too(loss, output, D, schedule):
    network = dr.Network(units=(3, 4, D.shape[1]), activations=("tanh", output), loss=loss)
    answers = Answers()
    plan = dr.TrainingPlan(
        optimizer="adam",
        learning_rate_init=0.01,
        batch_size=10,
        sampling="shuffle",
        schedule=schedule,
        max_epochs=20,
    )
    train = {"X": 100 * X.ravel(), "D": D.ravel().astype(float), "rows": 60}
    ask(answers, "open", **opening(network, plan, train))
    ask(answers, "advance", unit="epoch", count=3)
    found = ask(answers, "diagnose")["findings"]
    (unscaled, *_) = (one for one in found if one["name"] == "unscaled_inputs")
    assert "x₁" in unscaled["measured"]
    # By the page's own names of its inputs, where it gives them.
    called = ask(answers, "diagnose", inputs=["height", "width", "age"])["findings"]
    (unscaled, *_) = (one for one in called if one["name"] == "unscaled_inputs")
    assert "height" in unscaled["measured"]
    for wrong in (["a", "b"], ["a", "b", 3], ["a", "b", "c" * 201], "abc"):
        with pytest.raises(InvalidParameterError) as caught:
            ask(answers, "diagnose", inputs=wrong)
        expected = "diagnose.inputs must be 3 texts of at most 200 characters (got "
        assert str(caught.value).startswith(expected)


def test_what_no_estimator_describes_is_not_diagnosed():
    model, rows, y = fitted("normalised")
    answers, _ = opened(Shown(source_of(model, rows, y)))
    other = Answers()
    other.lab = answers.lab
    with pytest.raises(InvalidParameterError) as caught:
        ask(other, "diagnose")
    assert str(caught.value) == (
        "A diagnosis is for networks of dense layers with one kind of target (got another one). "
        "Open the estimator itself with dr.play."
    )


@pytest.mark.parametrize("name", ["three classes", "numbers", "normalised"])
def test_a_saved_file_is_the_estimator_with_the_pages_weights(name, tmp_path):
    model, rows, y = fitted(name)
    answers, told = opened(Shown(source_of(model, rows, y)))
    before = model._vector.copy()
    ask(answers, "advance", unit="epoch", count=3)
    path = tmp_path / "model.safetensors"
    path.write_bytes(ask(answers, "save")["file"].tobytes())
    again = dr.load(path)
    np.testing.assert_array_equal(model._vector, before)
    assert type(again) is type(model)
    said = ask(answers, "look", X=told["open"]["train"]["X"], layers=False)["outputs"]
    np.testing.assert_allclose(again._outputs(rows), said, rtol=1e-6)
    loaded = ask(answers, "load", file=np.frombuffer(path.read_bytes(), np.uint8))
    np.testing.assert_array_equal(loaded["state"]["vector"], answers.lab.parameters.vector)
    assert loaded["network"] == told["open"]["network"]


def test_the_file_of_a_tables_model_keeps_its_columns(houses, tmp_path):
    model, table = houses
    answers, _ = opened(Shown(source_of_table(model, table)))
    path = tmp_path / "model.safetensors"
    path.write_bytes(ask(answers, "save")["file"].tobytes())
    again = dr.load(path)
    assert again.columns == model.columns
    np.testing.assert_array_equal(again.predict(table), model.predict(table))


def test_another_network_is_saved_as_bare_parameters(tmp_path):
    model, rows, y = fitted("two classes")
    answers, _ = opened(Shown(source_of(model, rows, y)))
    other = Answers(Shown(source_of(*fitted("numbers"))))
    other.lab = answers.lab
    path = tmp_path / "model.safetensors"
    path.write_bytes(ask(other, "save")["file"].tobytes())
    found = dr.load(path)
    assert isinstance(found, dr.Parameters)
    np.testing.assert_array_equal(found.vector, answers.lab.parameters.vector)


def test_a_file_of_others_is_refused_by_its_sentence():
    with pytest.raises(ModelFileError) as caught:
        ask(Answers(), "load", file=np.frombuffer(b"PK\x03\x04 no model at all", np.uint8))
    assert str(caught.value) == (
        "The file: not a safetensors file. deltarule reads what dr.save wrote."
    )


def test_a_file_of_several_networks_is_refused_by_its_sentence():
    one = dr.initialize(dr.Network(units=(2, 1)))
    several = to_bytes(Model(one, others=(one, one)))
    with pytest.raises(InvalidParameterError) as caught:
        ask(Answers(), "load", file=np.frombuffer(several, np.uint8))
    assert str(caught.value) == (
        "The file must hold a single network to be opened here (got 3). Train one "
        "network from Python or the command instead."
    )


@pytest.mark.parametrize("name", ["three classes", "normalised", "float32"])
def test_an_estimator_takes_the_pages_numbers(name):
    model, rows, y = fitted(name)
    answers, told = opened(Shown(source_of(model, rows, y)))
    ask(answers, "advance", unit="epoch", count=2)
    give(model, answers.lab.parameters)
    said = ask(answers, "look", X=told["open"]["train"]["X"], layers=False)["outputs"]
    np.testing.assert_allclose(model._outputs(rows), said, rtol=1e-4, atol=1e-6)
    model.set_params(warm_start=True, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows, y)  # goes on from there
