"""The page writes cells and predictions as the table has them, and draws curves of that."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from in_node import ask, needs_node

import deltarule as dr
from deltarule.persistence.networks import network_from_record
from deltarule.playground.beginning import xor_subject
from deltarule.playground.sources import source_of_table
from deltarule.playground.subject import subject_of, telling_inputs
from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan

pytestmark = needs_node

ROWS = 50
DRAW = np.random.default_rng(2)
AREA = np.round(DRAW.normal(100.0, 25.0, ROWS), 1)
AREA[0] = 4000.0
ROOMS: list[int | None] = DRAW.integers(1, 7, ROWS).tolist()
ROOMS[3] = None
CITY: list[str | None] = DRAW.choice(["Bonn", "Oslo", "Rome"], ROWS).tolist()
CITY[4] = None
KIND = DRAW.choice(["flat", "house"], ROWS).tolist()
PRICE = np.round(1000.0 * AREA + 5000.0 * np.array([city == "Oslo" for city in CITY]))


@pytest.fixture(scope="module")
def houses() -> tuple[TableModel, Table]:
    columns = {"area": AREA.tolist(), "rooms": ROOMS, "city": CITY, "kind": KIND}
    table = Table.of({**columns, "price": PRICE.tolist()})
    plan = ColumnPlan.fit(table.without(["price"]))
    target = TargetPlan.fit(table, ("price",), "regression")
    network = dr.MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(plan.transform(table), target.encode(table))
    return TableModel(plan, target, network), table


def told(table: dict[str, Any], **more: Any) -> dict[str, Any]:
    nothing = {"outputs": np.empty(0), "asked": np.empty(0), "numbers": np.empty(0)}
    return ask("units.ts", {"table": table, **nothing, **more})


def test_cells_and_predictions_are_those_of_the_table(houses):
    model, table = houses
    record = subject_of(source_of_table(model, table))["table"]
    outputs = model.estimator.predict(model.columns.transform(table)).astype(np.float64)
    found = told(record, outputs=outputs)
    assert found["names"] == ["area", "rooms", "city", "kind"]
    shown = [
        [f"{area:g}", "none known" if rooms is None else str(rooms), city or "none known", kind]
        for area, rooms, city, kind in zip(AREA, ROOMS, CITY, KIND, strict=True)
    ]
    assert found["cells"] == shown
    np.testing.assert_allclose(found["targets"], PRICE, rtol=1e-5)
    np.testing.assert_allclose(found["predictions"], model.predict(table), rtol=1e-5)
    assert found["spans"][2:] == [*["no … yes"] * 4, "flat … house"]


def test_a_column_of_words_takes_its_words_and_one_of_numbers_its_values(houses):
    model, table = houses
    record = subject_of(source_of_table(model, table))["table"]
    found = told(record)
    width = len(record["inputs"])
    assert found["points"] == [33, 33, 3, 2]
    X = found["asked"].reshape(-1, ROWS, width)
    assert len(X) == 33 + 33 + 3 + 2
    city = record["inputs"].index("city=Bonn")
    np.testing.assert_array_equal(X[66:69, 0, city : city + 3], np.eye(3))
    # Nobody is asked about holes, and all else stays as it is.
    assert not X[33:66, :, 2].any()
    np.testing.assert_array_equal(X[66, :, 0], record["X"].reshape(ROWS, width)[:, 0])
    said = model.estimator.predict(found["asked"].reshape(-1, width)).astype(np.float64)
    curves = told(record, asked=said)
    (kind,) = curves["means"][3]
    actual = [
        model.predict(Table.of({"area": AREA.tolist(), "rooms": ROOMS, "city": CITY, "kind": word}))
        for word in ([one] * ROWS for one in ("flat", "house"))
    ]
    np.testing.assert_allclose(kind, np.mean(actual, axis=1).ravel(), rtol=1e-5)


def plain(X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """A table that says nothing of where it comes from."""
    names = [f"x{place}" for place in range(X.shape[1])]
    return {
        "name": "t", "inputs": names, "kind": "values", "target": "y", "outputs": ["y"],
        "X": X.ravel(), "y": y, "rows": len(X), "notes": [], "columns": [*names, "y"],
    }  # fmt: skip


def test_a_constant_input_has_no_curve_and_is_told():
    X = np.column_stack([np.zeros(6), np.arange(6.0)])
    found = told(plain(X, np.arange(6.0)))
    assert found["varying"] == [False, True]
    assert found["points"] == [1, 33]
    assert len(found["asked"]) == 33 * 6 * 2


def test_maps_begin_over_the_inputs_that_tell_most():
    rows = np.arange(24.0)
    X = np.column_stack([np.zeros(24), rows % 5, rows, np.ones(24), rows**2])
    assert told(plain(X, rows))["axes"] == telling_inputs(X, rows[:, None]) == [2, 4]
    # Of classes by what lies between them.
    classes = {**plain(X, rows % 5), "kind": "classes", "outputs": list("01234")}
    assert told(classes)["axes"] == [1, 4]
    # None tells anything: one that differs comes before one that does not.
    assert told(plain(X[:, [0, 3, 1]], np.zeros(24)))["axes"] == [0, 2]


#: Targets, and from where to where they usually go.
USUAL = [
    ([1.0, 2.0, 3.0, 4.0], [1.0, 4.0]),
    ([*range(20), 1e9], [0.0, 19.0]),
    ([-1e9, *range(20), 30], [0.0, 30.0]),
    ([5.0, 5.0, 5.0, 5.0, 9.0], [5.0, 9.0]),
    ([1.0, np.nan, 2.0, np.inf], [1.0, 2.0]),
    ([], [0.0, 0.0]),
]


@pytest.mark.parametrize(("numbers", "wanted"), USUAL)
def test_what_lies_far_out_sets_no_height(numbers, wanted):
    found = told(plain(np.arange(4.0)[:, None], np.arange(4.0)), numbers=np.array(numbers, float))
    assert found["usual"] == wanted


def test_the_height_holds_all_curves_and_the_usual_targets():
    y = np.array([*range(20), 1e9], dtype=float)
    X = np.arange(21.0)[:, None]
    curve = np.repeat(np.linspace(-3.0, 8.0, 33), 21)
    curve[:21] = np.nan
    assert told(plain(X, y), asked=curve)["height"] == pytest.approx([-3.0 + 11 / 32, 19.0])


def test_the_page_begins_with_what_the_library_records_of_it():
    begins = told(plain(np.eye(2), np.arange(2.0)))["begins"]
    wanted = xor_subject()
    opened, start = wanted["open"], wanted["open"].pop("start")
    assert start["vector"].size == 13
    found = begins["open"]
    assert found.pop("start") is None
    for name in ("X", "D"):
        assert found["train"].pop(name).tolist() == opened["train"].pop(name).tolist()
    assert network_from_record(found.pop("network")) == network_from_record(opened.pop("network"))
    assert found == opened
    table = wanted["table"]
    del table["origin"]
    assert {**begins["table"], "X": None, "y": None} == {**table, "X": None, "y": None}
    assert begins["table"]["y"].tolist() == table["y"].tolist()
