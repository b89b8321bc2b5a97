"""What a diagnosis looks like: text, HTML, JSON, the command; and what is refused."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from test_cli import models, run, table, write_table  # noqa: F401 - fixtures

import deltarule as dr
from deltarule.estimators.diagnosis import Diagnosis, Finding
from deltarule.estimators.diagnosis.report import SCHEMA, SEVERITIES

X, Y = load_iris(return_X_y=True)
FINDINGS = (
    Finding(
        "dead_units", "problem", "share of units", 1.0, 0.4, "above", "All are dead.",
        "Lower learning_rate_init.", layer=0, units=tuple(range(9)),
    ),
    Finding(
        "unscaled_inputs", "warning", "largest <size>", float("inf"), 30.0, "above",
        "Numbers are large & wide.", "Set standardize='inputs'.", columns=("a<b",),
    ),
)  # fmt: skip
FINE = (Finding("underfit", "fine", "share explained", 0.5, 0.1, "below", ""),)
EXAMPLE = Diagnosis(
    "MLPClassifier 4-16-3", 5000, 2000, FINDINGS, FINE,
    {"plateau": "it is good", "saddle": "it is good"},
)  # fmt: skip
TEXT = """\
MLPClassifier 4-16-3 on 5000 rows (measured on 2000): 1 problem, 1 warning

problem: dead_units, layer 0, units 0, 1, 2, 3, 4, 5 and 3 more
  All are dead. Share of units: 1 (at most 0.4).
  Remedy: Lower learning_rate_init.

warning: unscaled_inputs, column a<b
  Numbers are large & wide. Largest <size>: inf (at most 30).
  Remedy: Set standardize='inputs'.

looked at, found fine:
  underfit: share explained: 0.5 (at least 0.1)

not looked at:
  plateau, saddle: it is good"""


def test_text():
    assert str(EXAMPLE) == repr(EXAMPLE) == TEXT
    assert not EXAMPLE.healthy
    assert EXAMPLE.codes == ("dead_units", "unscaled_inputs")


def test_text_of_nothing():
    found = Diagnosis("MLPRegressor 1-1", 1, 1)
    assert str(found) == "MLPRegressor 1-1 on 1 row: nothing found"
    assert found.healthy


def test_json_is_plain_and_has_a_number():
    record = json.loads(EXAMPLE.to_json(indent=1))
    assert record == EXAMPLE.to_dict()
    assert record["schema"] == SCHEMA == 1
    assert record["findings"][1]["value"] is None
    assert record["findings"][0]["units"] == list(range(9))
    assert set(record) == {
        "schema", "subject", "rows", "rows_judged", "findings", "fine", "left_out",
    }  # fmt: skip
    assert set(record["fine"][0]) == {
        "code", "severity", "layer", "units", "columns", "head", "quantity", "value", "threshold",
        "bad", "says", "remedy",
    }  # fmt: skip


def test_json_of_a_real_one():
    model = dr.MLPClassifier((4,), max_iter=900, tol=1e-2, random_state=0).fit(X, Y)
    record = json.loads(dr.diagnose(model, X, Y).to_json())
    for entry in (*record["findings"], *record["fine"]):
        assert entry["severity"] in SEVERITIES
        assert entry["bad"] in ("above", "below")


class Reader(HTMLParser):
    """Takes down tags and words, and that every tag is closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_html(tmp_path):
    page = EXAMPLE.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    reader = Reader(page)
    assert reader.open == []
    names = [tag for tag, _ in reader.tags]
    assert names.count("table") == names.count("caption") == 3
    assert not {"script", "img", "link"} & set(names)
    assert "http" not in page
    assert ("html", {"lang": "en"}) in reader.tags
    assert all(attrs["scope"] in ("col", "row") for tag, attrs in reader.tags if tag == "th")
    # One head for each column of each table, and each row as wide as its head.
    for part in re.findall(r"<table>.*?</table>", page, re.S):
        head, *rows = re.findall(r"<tr>.*?</tr>", part, re.S)
        for row in rows:
            assert len(re.findall(r"<t[hd]", row)) == len(re.findall(r"<t[hd]", head))
    words = "".join(reader.words)
    for said in ("column a<b", "Numbers are large & wide.", "largest <size>: inf (at most 30)"):
        assert said in words
    assert "prefers-color-scheme: dark" in page


def test_html_in_a_notebook_is_the_same_without_the_page():
    part = EXAMPLE._repr_html_()
    assert part in EXAMPLE.to_html()
    assert "<html" not in part
    assert Reader(part).open == []


def contrast(one, other):
    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read_in_light_and_dark():
    for block in re.findall(r":root \{(.*?)\}", EXAMPLE.to_html(), re.S):
        colours = dict(re.findall(r"--(\w+): (#\w{6})", block))
        assert len(colours) == 5
        for name in ("ink", "problem", "warning", "note"):
            assert contrast(colours[name], colours["ground"]) >= 4.5, name


# ---------------------------------------------------------------- what is refused

MODEL = dr.MLPClassifier((4,), max_iter=900, tol=1e-2, random_state=0).fit(X, Y)
NUMBERS = dr.MLPRegressor(hidden_layer_sizes=(4,), max_iter=900, tol=1, random_state=0).fit(X, Y)
LABELS = dr.MLPClassifier((4,), max_iter=900, tol=1e-2, random_state=0)
LABELS.fit(X, np.column_stack([Y == 0, Y == 1]).astype(int))

REFUSED = {
    "a pipeline": (
        (make_pipeline(MODEL), X, Y), {},
        ("diagnose takes a fitted MLPClassifier, MLPRegressor or MultiTaskMLP (got Pipeline). Pass "
         "the estimator inside it, and the rows as that estimator sees them."),
    ),
    "a class that is new": (
        (MODEL, X, Y + 1), {},
        "y must hold classes of the fit, 0, 1, 2 (got 3). Leave these rows out.",
    ),
    "a class that is another word": (
        (MODEL, X, Y.astype(str)), {},
        "y must hold classes of the fit, 0, 1, 2 (got '0'). Leave these rows out.",
    ),
    "no target": (
        (MODEL, X, None), {},
        ("y must be the target of the rows (got None). Give it: what is predicted of the rows is "
         "held against it."),
    ),
    "classes in two columns": (
        (MODEL, X, np.column_stack([Y, Y])), {},
        "y must be one column of classes, as at fit (got shape (150, 2)). Give one class per row.",
    ),
    "labels as classes": (
        (LABELS, X, Y), {},
        ("y must be a matrix of 0 and 1 with 2 columns, as at fit (got shape (150,)). Give one "
         "column per label."),
    ),
    "two columns of numbers": (
        (NUMBERS, X, np.column_stack([Y, Y])), {},
        ("y must hold numbers in 1 column, as at fit (got int64 of shape (150, 2)). Give the "
         "target of these rows."),
    ),
    "too few names": (
        (MODEL, X, Y), {"feature_names": ["a", "b"]},
        "feature_names must hold 4 names, one per column of X (got 2). Give one for each.",
    ),
    "holes everywhere": (
        (MODEL, X * np.nan, Y), {},
        ("X and y must have a row in which all numbers are finite (got 150 rows with NaN or "
         "infinity in each). Fill the holes first, for example with sklearn.impute.SimpleImputer."),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    given, options, message = REFUSED[name]
    with pytest.raises(ValueError) as caught:
        dr.diagnose(*given, **options)
    assert str(caught.value) == message


def test_targets_are_taken_as_fit_takes_them():
    assert dr.diagnose(MODEL, X, Y[:, np.newaxis]) == dr.diagnose(MODEL, X.tolist(), Y.tolist())
    assert dr.diagnose(NUMBERS, X, Y.astype(object)) == dr.diagnose(NUMBERS, X, Y[:, np.newaxis])


def test_what_scikit_learn_refuses():
    with pytest.raises(NotFittedError):
        dr.diagnose(dr.MLPClassifier(), X, Y)
    with pytest.raises(ValueError, match="3 features, but MLPClassifier is expecting 4"):
        dr.diagnose(MODEL, X[:, :3], Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        dr.diagnose(MODEL, X, Y[:-1])


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_command(capsys, models, table, kind):  # noqa: F811 - fixtures
    code, out, err = run(capsys, "diagnose", models[kind], table)
    assert (code, err) == (0, "")
    name = "MLPClassifier 5-16-1" if kind == "classes" else "MLPRegressor 5-16-2"
    assert out.splitlines()[0] == f"{kind} on houses.csv"
    assert out.splitlines()[1].startswith(f"{name} on 300 rows: ")
    assert "looked at, found fine:" in out


def test_the_command_as_json_and_html(capsys, models, tmp_path):  # noqa: F811 - fixtures
    path, page = write_table(tmp_path / "more.csv", 60, seed=5), tmp_path / "page.html"
    with path.open("a") as file:
        file.write("0.5,Oslo,,,\n")
    code, out, _ = run(capsys, "diagnose", models["classes"], path, "--html", page, "--json")
    record = json.loads(out)
    assert code == 0
    assert record["command"] == "diagnose"
    assert record["rows_without_target"] == 1
    assert record["diagnosis"]["schema"] == SCHEMA
    assert record["diagnosis"]["rows"] == 60
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_columns_are_named_as_in_the_table(capsys, models, tmp_path):  # noqa: F811 - fixtures
    path = tmp_path / "one.csv"
    path.write_text("x,city,kind,price,area\n1,Oslo,dear,1,1\n2,Oslo,cheap,1,1\n3,Oslo,dear,1,1\n")
    code, out, _ = run(capsys, "diagnose", models["classes"], path)
    assert code == 0
    assert "note: constant_columns, columns x is missing, city=Bonn, city=Oslo, city=Rome" in out


def test_the_command_refuses(capsys, models, tmp_path):  # noqa: F811 - fixtures
    path = tmp_path / "none.csv"
    path.write_text("x,city,kind\n1,Oslo,\n")
    code, out, err = run(capsys, "diagnose", models["classes"], path)
    assert (code, out) == (1, "")
    assert err == (
        "deltarule: no row has a value in kind to compare with. Use a table with the target, or "
        "deltarule predict.\n"
    )
    code, out, err = run(capsys, "diagnose", models["classes"], path, "--html", path)
    assert (code, out) == (1, "")
    assert err == (
        f"deltarule: {path} cannot be written: it is the file that is read. Choose another path.\n"
    )
