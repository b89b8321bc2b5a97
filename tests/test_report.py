"""The report of a training: numbers by hand, and a page that no table can harm."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import deltarule as dr
from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan, report, resampling
from deltarule.tables.boosted import boosted_prediction
from deltarule.tables.report import charts, svg
from deltarule.tables.report.findings import Bin, Curve, Findings, Importance, Numbers, Score
from deltarule.tables.report.gather import reliability, tenths
from deltarule.tables.report.importance import MOST_COLUMNS, importances

HOSTILE = "<script>alert('x')</script>&\"</svg></style>\x1b[31m\u202e"


# Numbers.


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-1, 1, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        (0.61, 0.64, [0.61, 0.62, 0.63, 0.64]),
        (0, 2.5e9, [0.0, 5e8, 1e9, 1.5e9, 2e9, 2.5e9]),
    ],
)
def test_ticks_are_round_and_between_the_ends(low, high, expected):
    assert svg.ticks(low, high) == expected


def test_a_scale_goes_from_end_to_end_and_not_beyond():
    scale = svg.Scale(0, 10, 100, 0)
    assert [scale(value) for value in (0, 5, 10, 99, -99)] == [100, 50, 0, 0, 100]
    assert scale.free(20) == -100


def test_the_spread_of_a_share_is_that_of_coins():
    """200 rows of which 0.8 are right: √(0.8 · 0.2 / 200), within what 200 draws can tell."""
    actual = np.array(["a"] * 200)
    said = np.array(["a"] * 160 + ["b"] * 40)
    target = TargetPlan(("kind",), "classification")
    found = resampling.spread(target, actual, {"said": said, "right": actual}, 0)
    assert found["said"] == pytest.approx(math.sqrt(0.8 * 0.2 / 200), rel=0.2)
    assert found["right"] == 0.0
    assert found == resampling.spread(target, actual, {"said": said, "right": actual}, 0)
    assert found != resampling.spread(target, actual, {"said": said, "right": actual}, 1)


def test_the_spread_of_r2_is_that_of_draws_scored_one_by_one():
    from sklearn.metrics import r2_score

    generator = np.random.default_rng(3)
    actual = generator.normal(size=(80, 2)) * [1.0, 50.0] + 1000.0
    said = actual + generator.normal(size=(80, 2)) * [0.5, 10.0]
    target = TargetPlan(("a", "b"), "regression")
    found = resampling.spread(target, actual, {"said": said}, 5)["said"]
    again, scored = np.random.default_rng(5), []
    for _ in range(resampling.DRAWS):
        rows = again.integers(80, size=80)
        scored.append(r2_score(actual[rows], said[rows]))
    assert found == pytest.approx(np.std(scored, ddof=1), rel=1e-6)


def test_reliability_by_hand():
    classes = np.array(["no", "yes"])
    actual = np.array(["no", "yes", "yes", "yes", "no"])
    said = np.array([0.05, 0.05, 0.95, 1.0, 0.55])
    bins, whose = reliability(actual, np.column_stack((1 - said, said)), classes)
    assert whose == "yes"
    assert [(one.low, one.high, one.rows) for one in bins] == [
        (0.0, 0.1, 2),
        (0.5, 0.6, 1),
        (0.9, 1.0, 2),
    ]
    assert [one.found for one in bins] == [0.5, 0.0, 1.0]
    assert [one.said for one in bins] == pytest.approx([0.05, 0.55, 0.975])


def test_reliability_of_many_classes_is_that_of_the_predicted_one():
    classes = np.array([0, 1, 2])
    shares = np.array([[0.7, 0.2, 0.1], [0.1, 0.72, 0.18], [0.0, 0.1, 0.9]])
    bins, whose = reliability(np.array([0, 2, 2]), shares, classes)
    assert whose == ""
    assert [(one.rows, one.found) for one in bins] == [(2, 0.5), (1, 1.0)]
    assert reliability(np.array([0]), np.ones((1, 1)), np.array([0])) == ([], "")


def test_tenths_by_hand():
    predicted = np.arange(100.0)[::-1]
    bins = tenths(predicted + 1, predicted)
    assert [one.rows for one in bins] == [10] * 10
    assert bins[0] == Bin(
        0.0, 9.0, 4.5, 5.5, 10, pytest.approx(np.std(range(10), ddof=1) / 10**0.5)
    )
    assert [one.rows for one in tenths(np.ones(7), np.ones(7))] == [7]


# Models.


def of_two_columns(rows=120):
    """A model of a table in which one column decides and one says nothing."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=rows)
    columns = {
        "noise": generator.normal(size=rows).tolist(),
        "city": np.where(x > 0, "Oslo", "Rome").tolist(),
        "kind": np.where(x > 0, "dear", "cheap").tolist(),
    }
    table = Table.of(columns)
    plan, target = ColumnPlan.fit(table.without(["kind"])), TargetPlan.fit(table, ("kind",))
    network = dr.MLPClassifier((), solver="lbfgs", random_state=0)
    network.fit(plan.transform(table), target.encode(table))
    return TableModel(plan, target, network), table


def test_the_column_that_decides_is_worth_all_and_the_other_nothing():
    model, table = of_two_columns()
    found, note = importances(model, table, model.actual(table), 0)
    assert [one.column for one in found] == ["city", "noise"]
    assert found[0].loss == pytest.approx(0.5, abs=0.1)
    assert found[1].loss == pytest.approx(0.0, abs=0.02)
    assert note == "120 rows, 10 shuffles of each column"


def test_importance_of_numbers_is_in_their_own_units():
    """The network says standardized targets; R² of what is not put back is far below 0."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=100)
    table = Table.of({"x": x.tolist(), "z": x[::-1].tolist(), "y": (1000 + 50 * x).tolist()})
    target = TargetPlan.fit(table, ("y",), "regression")
    plan = ColumnPlan.fit(table.without(["y"]))
    network = dr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", max_iter=500, random_state=0)
    network.fit(plan.transform(table), target.encode(table))
    found, _ = importances(TableModel(plan, target, network), table, target.actual(table), 0)
    assert found[0].column == "x"
    assert 1 < found[0].loss < 3  # R² of predictions that have nothing to do with it is about -1


def test_of_a_wide_table_and_of_one_row_there_is_a_sentence():
    model, table = of_two_columns()
    found, note = importances(model, table.take([0]), model.actual(table.take([0])), 0)
    assert (found, note) == ([], "Left out: there is a single row to judge on.")
    columns = model.columns.columns
    many = ColumnPlan(tuple(replace(columns[0], name=f"c{i}") for i in range(MOST_COLUMNS + 1)))
    found, note = importances(replace(model, columns=many), table, model.actual(table), 0)
    assert found == []
    assert note == (
        "Left out: 301 columns would take too long. sklearn.inspection.permutation_importance "
        "does it."
    )


def test_boosting_sees_words_holes_and_numbers():
    generator = np.random.default_rng(1)
    x, city = generator.normal(size=400), generator.choice(["a", "b", "c"], 400)
    columns = {
        "x": [None if i % 13 == 0 else value for i, value in enumerate(x.tolist())],
        "city": [None if i % 17 == 0 else word for i, word in enumerate(city.tolist())],
        "y": (np.abs(x) + 5.0 * (city == "b")).tolist(),
        "kind": np.where(np.abs(x) + (city == "b") > 1, "far", "near").tolist(),
    }
    table = Table.of(columns)
    training, judged = table.take(np.arange(300)), table.take(np.arange(300, 400))
    plan = ColumnPlan.fit(training.without(["y", "kind"]))
    target = TargetPlan.fit(training, ("y",))
    said = boosted_prediction(target, plan, training, judged, 0)
    actual = target.actual(judged)
    assert said.shape == actual.shape
    assert 1 - np.mean((said - actual) ** 2) / actual.var() > 0.7
    target = TargetPlan.fit(training, ("kind",))
    said = boosted_prediction(target, plan, training, judged, 0)
    assert (said == target.actual(judged)).mean() > 0.8


def test_boosting_of_a_single_class():
    table = Table.of({"x": [1.0, 2.0, 3.0], "y": ["a", "a", "a"]})
    target, plan = TargetPlan.fit(table, ("y",)), ColumnPlan.fit(table.without(["y"]))
    assert boosted_prediction(target, plan, table, table, 0).tolist() == ["a", "a", "a"]


# The page.


def hostile(task="classification", classes=3):
    """Findings in which every text is an attack."""
    generator = np.random.default_rng(0)
    actual = generator.normal(size=50)
    return Findings(
        table=HOSTILE,
        model=HOSTILE,
        target=(HOSTILE,),
        task=task,
        facts=[(HOSTILE, HOSTILE)],
        notes=[HOSTILE],
        columns=[(HOSTILE, HOSTILE, "1", HOSTILE)],
        judged_on=HOSTILE,
        score_name="accuracy",
        scores=[Score(HOSTILE, 0.8, 0.1, 1.0), Score(HOSTILE, -0.1, None), Score("c", math.nan)],
        more_scores=[(HOSTILE, HOSTILE)],
        curves=[Curve((1.0, 0.5, math.inf), (1.1, 0.7, 0.9), 1), Curve((2.0, 0.4))],
        labels=[f"{HOSTILE}{i}" for i in range(classes)] if task == "classification" else [],
        counts=generator.integers(0, 9, (classes, classes)),
        reliability=[Bin(0.0, 0.1, 0.05, 0.0, 3), Bin(0.9, 1.0, 0.95, 1.0, 1)],
        likely=HOSTILE,
        numbers=[Numbers(HOSTILE, actual, actual / 2, ((0.1, 0.09),))] * (task == "regression"),
        importance=[Importance(HOSTILE, 0.3, 0.1), Importance(HOSTILE, -0.1, 0.1)],
        importance_note=HOSTILE,
        commands=[HOSTILE],
        python=[HOSTILE],
    )


class _Tags(HTMLParser):
    """Which tags and attributes a page has, and that each that is opened is closed."""

    def __init__(self):
        super().__init__()
        self.names, self.attributes, self.open = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes += attrs
        if tag not in ("meta", "br", "hr", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "found", [hostile(), hostile(classes=30), hostile("regression")], ids=["few", "many", "numbers"]
)
def test_no_text_of_a_table_becomes_a_part_of_the_page(found):
    page = report.page(found)
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert "script" not in tags.names
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert page.count("</style>") == 1
    assert "&lt;script&gt;" in page


def test_the_page_asks_for_nothing_from_anywhere():
    for found in (hostile(), hostile("regression")):
        page = report.page(found)
        tags = _Tags()
        tags.feed(page)
        assert not {"script", "link", "img", "iframe", "object", "use", "image"} & tags.names
        names = {name for name, _ in tags.attributes}
        assert not {"src", "href", "xlink:href", "style", "srcset", "data"} & names
        left = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|url\(|@import", left)


def test_a_page_is_known_by_its_mark(tmp_path):
    path = tmp_path / "r.html"
    report.write(hostile(), str(path))
    assert report.is_report(str(path))
    path.write_text("<p>")
    assert not report.is_report(str(path))
    assert not report.is_report(str(tmp_path))


def test_numbers_that_are_all_the_same_and_single_rows_are_drawn():
    one = np.array([3.0])
    assert "<svg" in charts.cloud(one, one, "y")
    assert "<svg" in charts.histogram(np.zeros(300), "y")
    assert "<svg" in charts.curves([Curve((0.5,))])
    assert "<svg" in charts.curves([Curve((math.nan,))])
    assert "<svg" in charts.scores([Score("a", math.nan)], "R²")
    assert "nan" not in charts.curves([Curve((math.nan, 1.0))])
    assert "There are no mistakes." in report.page(
        replace(hostile(classes=13), counts=np.eye(13, dtype=int))
    )
