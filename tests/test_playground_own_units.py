"""What the page writes in a table's own units is what stood in the table."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

import deltarule as dr
from deltarule.playground.own_tables import OwnTables
from deltarule.playground.own_units import Origin, OwnColumn, own_columns
from deltarule.playground.sources import source_alone, source_of, source_of_table
from deltarule.playground.subject import OWN_UNITS, subject_of
from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan

DRAW = np.random.default_rng(5)
AREA = DRAW.normal(100.0, 25.0, 40)
AREA[0] = 900.0
ROOMS = np.where(np.arange(40) == 3, np.nan, DRAW.integers(1, 7, 40))
CITY = DRAW.choice(["Bonn", "Oslo", "Rome"], 40)
KIND = DRAW.choice(["flat", "house"], 40)
PRICE = 1000.0 * AREA + 5000.0 * (CITY == "Oslo")
SHORT = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0}


def own(column: dict, value: float) -> float:
    """As the page does it."""
    bend = column["bend"]
    if bend > 0:
        value /= np.sqrt(1.0 - (value / bend) ** 2)
    return column["shift"] + column["scale"] * value


def words(column: dict, row: np.ndarray) -> str | None:
    """As the page does it."""
    inputs, levels = row[column["first"] :][: column["count"]], column["levels"]
    if len(levels) == 2:
        return None if inputs[0] == 0 else levels[int(inputs[0] > 0)]
    return levels[int(inputs.argmax())] if inputs.any() else None


@pytest.fixture(scope="module")
def houses() -> tuple[TableModel, Table]:
    columns = {"area": AREA, "rooms": ROOMS, "city": CITY, "kind": KIND, "price": PRICE}
    table = Table.of({name: cells.tolist() for name, cells in columns.items()})
    plan = ColumnPlan.fit(table.without(["price"]))
    target = TargetPlan.fit(table, ("price",), "regression")
    network = dr.MLPRegressor(**SHORT, standardize="both")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(plan.transform(table), target.encode(table))
    return TableModel(plan, target, network), table


def test_cells_of_a_tables_model_are_those_of_the_table(houses):
    told = subject_of(source_of_table(*houses))["table"]
    assert told["notes"] == [OWN_UNITS]
    X, columns = told["X"].reshape(40, -1), told["origin"]["columns"]
    named = {column["name"]: column for column in columns}
    assert list(named) == ["area", "rooms", "city", "kind"]
    area = [own(named["area"], value) for value in X[:, 0]]
    np.testing.assert_allclose(area, AREA, rtol=1e-4)
    assert named["rooms"]["count"] == 2
    known = ~np.isnan(ROOMS)
    rooms = np.array([own(named["rooms"], value) for value in X[:, 1]])
    np.testing.assert_allclose(rooms[known], ROOMS[known], rtol=1e-4)
    assert [words(named["city"], row) for row in X] == CITY.tolist()
    assert [words(named["kind"], row) for row in X] == KIND.tolist()


def test_targets_are_put_back_through_table_and_estimator(houses):
    (target,) = subject_of(source_of_table(*houses))["table"]["origin"]["targets"]
    told = subject_of(source_of_table(*houses))
    d = told["open"]["train"]["D"]
    np.testing.assert_allclose(target["shift"] + target["scale"] * d, PRICE, rtol=1e-5)
    assert (target["low"], target["high"]) == (PRICE.min(), PRICE.max())


def test_a_model_alone_has_its_units_too(houses):
    told = subject_of(source_alone(houses[0]))["table"]
    assert [column["name"] for column in told["origin"]["columns"]][:2] == ["area", "rooms"]
    assert told["notes"][-1] == OWN_UNITS


def fitted(before, model):
    found = make_pipeline(*before, model)
    X = np.column_stack([AREA, ROOMS])[~np.isnan(ROOMS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return found.fit(X, X[:, 0]), X


#: Steps before the network, and whether they do no more than scale.
STEPS = [
    ((StandardScaler(),), True),
    ((StandardScaler(with_mean=False), MinMaxScaler((-1.0, 2.0))), True),
    ((make_pipeline(StandardScaler()), "passthrough"), True),
    ((StandardScaler(), PolynomialFeatures(1, include_bias=False)), False),
]


@pytest.mark.parametrize(("before", "scales"), STEPS)
def test_scalers_of_a_pipeline_are_undone_and_other_steps_are_not(before, scales):
    pipeline, X = fitted(before, dr.MLPRegressor(**SHORT))
    told = subject_of(source_of(pipeline, X, X[:, 0]))["table"]
    columns, met = told["origin"]["columns"], told["X"].reshape(len(X), -1)
    assert told["notes"] == ([OWN_UNITS] if scales else [])
    assert len(columns) == (2 if scales else 0)
    for column in columns:
        place = column["first"]
        np.testing.assert_allclose(own(column, met[:, place]), X[:, place], rtol=1e-12)


def test_a_single_column_is_a_table_too():
    pipeline = make_pipeline(StandardScaler(), dr.MLPRegressor(**SHORT))
    X = AREA[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X, AREA)
    told = subject_of(source_of(pipeline, X, X))["table"]
    (column,) = told["origin"]["columns"]
    np.testing.assert_allclose(own(column, told["X"]), AREA, rtol=1e-12)


def test_what_is_not_scaled_has_no_other_units():
    pipeline, X = fitted((), dr.MLPRegressor(**SHORT))
    told = subject_of(source_of(pipeline, X, X[:, 0]))["table"]
    assert told["origin"] == Origin().record()
    assert told["notes"] == []


def test_categories_of_a_table_that_a_page_reads_keep_their_words():
    text = b"age,city,y\n20,Oslo,1\n30,Rome,2\n40,Bonn,3\n50,Rome,4\n"
    told = OwnTables().read("t.csv", text, "auto", None, "values")
    age, city = OwnColumn("age", 0, 1), OwnColumn("city", 1, 3, levels=("Bonn", "Oslo", "Rome"))
    assert told["origin"] == Origin((age, city)).record()


def test_columns_of_every_kind_cover_all_inputs():
    """Times and text have no words on the page: each of their inputs stands for itself."""
    table = {
        "number": [1.0, 2.0, None, 5.0] * 10,
        "bit": [0, 1, 1, None] * 10,
        "flag": [True, False] * 20,
        "many": list("aaabbcd") * 5 + ["a"] * 5,
        "when": np.datetime64("2024-01-01T01") + 31 * np.arange(40),
        "text": [f"the word number {row}" for row in range(40)],
    }
    plan = ColumnPlan.fit(table, text="hash", text_inputs=3, max_categories=2)
    columns = own_columns(plan)
    covered = [place for one in columns for place in range(one.first, one.first + one.count)]
    assert covered == list(range(len(plan.inputs)))
    by_name = {one.name: one for one in columns}
    assert by_name["bit"] == OwnColumn("bit", 2, 2, 0.5, 0.5)
    assert by_name["flag"].levels == ("False", "True")
    assert by_name["many"].levels == ("a", "b", "a rarer one")
    assert by_name["sin of month of when"].count == by_name["text #2"].count == 1
    assert own_columns(plan, scaled=False)[1] == OwnColumn("bit", 2, 2)
    # As the page reads a row: the first level whose input is above 0.
    rare = by_name["many"]
    row = plan.transform({name: cells[5:6] for name, cells in table.items()})[0]
    inputs = row[rare.first : rare.first + rare.count]
    assert rare.levels[int((inputs > 0).argmax())] == "a rarer one"
