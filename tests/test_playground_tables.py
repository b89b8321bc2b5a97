"""Tables that a person brings to the page, as the server reads them.

The cases of ``tests/table_cases.json`` are read by the page's own reader too
(``tests/web/test_data_room.py``): the same tables, the same sentences.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from deltarule.exceptions import DeltaruleError, InvalidParameterError, TableError
from deltarule.playground import own_tables, wire
from deltarule.playground.answers import Answers
from deltarule.playground.own_tables import OwnTables
from deltarule.tables import Limits

CASES = json.loads(Path(__file__).with_name("table_cases.json").read_text(encoding="utf-8"))
HERE = [case for case in CASES if case.get("engine") != "page"]


#: The choices of an ask, as the page begins with them.
BEGIN = {"first_line": "auto", "target": None, "learned": "auto"}


def read(text, **choices):
    return OwnTables().read("t.csv", text.encode(), **{**BEGIN, **choices})


def refusal(text, **options):
    with pytest.raises(DeltaruleError) as caught:
        read(text, **options)
    return str(caught.value)


@pytest.mark.parametrize("case", HERE, ids=[case["case"] for case in HERE])
def test_the_cases_that_both_readers_share(case):
    file = bytes.fromhex(case["bytes"]) if "bytes" in case else case["text"].encode()
    tables = OwnTables()
    given = ("t.csv", file, case.get("first_line", "auto"), case.get("target"))
    given += (case.get("learned", "auto"),)
    if "problem" in case:
        with pytest.raises(TableError) as caught:
            tables.read(*given)
        assert str(caught.value) == case["problem"]
        return
    found = tables.read(*given)
    del found["origin"]  # of the server alone
    assert found.pop("name") == "t.csv"
    assert found.pop("rows") == len(case["read"]["y"])
    assert found.pop("X").tolist() == case["read"]["X"]
    assert found.pop("y").tolist() == case["read"]["y"]
    rest = {name: value for name, value in case["read"].items() if name not in ("X", "y")}
    assert found == rest


def test_an_ask_is_answered_through_the_wire():
    answers = Answers()
    assert "table" in answers.answer({"ask": "hello", "given": {}}, print)["can"]
    file = np.frombuffer(gzip.compress(b"a,b\n1,x\n2,y\n"), np.uint8)
    asked = {"name": "t.csv.gz", "file": file, **BEGIN}
    message = wire.decode(wire.encode({"ask": "table", "given": asked}))
    found = wire.decode(wire.encode(answers.answer(message, print)))
    assert found["X"].tolist() == [1, 2]
    assert found["outputs"] == ["x", "y"]


def test_a_table_of_no_use_with_a_target_says_what_else_could_be_one():
    answers = Answers()
    counted = "a,b,y\n" + "".join(f"{row},{row % 3},7\n" for row in range(24))
    given = {"name": "t.csv", "file": np.frombuffer(counted.encode(), np.uint8), **BEGIN}
    told = answers.answer({"ask": "table", "given": given}, print)
    assert told == {
        "problem": "column 'b' is taken as the target, and no other column says anything about "
        "it: 'a' only counts the rows; 'y' is the same in every row. Choose another target, or "
        "add a column that differs between rows.",
        "target": "b",
        "columns": ["a", "b", "y"],
    }
    told = answers.answer({"ask": "table", "given": {**given, "target": "y"}}, print)
    assert (told["target"], told["problem"][:36]) == ("y", "column 'y' is the same in every row:")
    assert answers.answer({"ask": "table", "given": {**given, "target": "a"}}, print)["rows"] == 24


def test_of_more_rows_than_are_taken_some_are_evenly(monkeypatch):
    monkeypatch.setattr(own_tables, "MOST_NUMBERS", 240)
    found = read("a,b\n" + "".join(f"{row},{row / 7}\n" for row in range(1, 181) if row != 2))
    assert found["rows"] == len(found["X"]) == len(found["y"]) == 120
    assert found["X"][:5].tolist() == [1, 3, 4, 6, 7]
    assert found["y"].tolist() == (found["X"] / 7).tolist()
    assert found["notes"] == [
        "120 of 179 rows are taken, evenly from the first to the last",
        "a: numbers from 1 to 180",
        "b: the target, numbers from 0.142857 to 25.7143",
    ]


def test_what_an_ask_must_hold():
    whole = {"name": "t", "file": np.zeros(1, np.uint8), **BEGIN}
    reload = "Reload the page if you did not write it."
    wrong = {
        "name": (3, f"table.name must be a text (got 3). {reload}"),
        "file": ("a,b", f"table.file must be bytes (got 'str'). {reload}"),
        "first_line": (
            "?",
            f"table.first_line must be one of auto, names, row (got '?'). {reload}",
        ),
        "target": (3, f"table.target must be a text (got 3). {reload}"),
        "learned": (
            "x",
            f"table.learned must be one of auto, classes, values (got 'x'). {reload}",
        ),
    }
    for field, (value, sentence) in wrong.items():
        with pytest.raises(InvalidParameterError) as caught:
            Answers().answer({"ask": "table", "given": {**whole, field: value}}, print)
        assert str(caught.value) == sentence


def test_another_target_does_not_read_the_file_again(monkeypatch):
    tables, read_times = OwnTables(), []
    original = own_tables.read_csv
    monkeypatch.setattr(
        own_tables, "read_csv", lambda *a, **k: read_times.append(1) or original(*a, **k)
    )
    text = b"2019,b\n1,2\n2,5\n3,9\n"
    assert tables.read("t.csv", text, "auto", None)["rows"] == 4
    assert tables.read("t.csv", text, "auto", "column_1")["target"] == "column_1"
    assert read_times == [1]
    assert tables.read("t.csv", text, "names", None)["inputs"] == ["2019"]
    assert read_times == [1, 1]
    # After a file that could not be read, the one before is not taken for it.
    with pytest.raises(TableError):
        tables.read("t.csv", b"", "names", None)
    assert tables.read("t.csv", text, "names", None)["rows"] == 3


def test_how_large_a_table_may_be(monkeypatch):
    assert Limits(size=32_000_000, rows=1_000_000, columns=4096) == own_tables.LIMITS
    assert own_tables.MOST_NUMBERS == 6_000_000
    monkeypatch.setattr(own_tables, "LIMITS", Limits(size=2000, rows=100, columns=4))
    monkeypatch.setattr(own_tables, "MOST_NUMBERS", 200)
    many = "a,b\n" + "1,2\n3,4\n" * 50
    assert read(many)["rows"] == 100
    wide = "1,2,3,4\n4,3,2,1\n"
    assert len(read(wide)["columns"]) == 4
    sentences = {
        many + "5,6\n": "t.csv: more than 100 rows, the most that are read. Leave some out.",
        "1,2,3,4,5\n": "t.csv: 5 columns, and at most 4 are read. Leave some out.",
        "a,b\n" + "x" * 2000: "t.csv: 2,004 bytes, and at most 2,000 are read. Leave rows out.",
        "1,2,3\n4,5,6\n" * 40: "t.csv: 80 rows of 3 inputs and outputs are 240 numbers, and at "
        "most 200 are taken. Leave columns out.",
    }
    for text, sentence in sentences.items():
        assert refusal(text) == sentence
    packed = gzip.compress(b"a,b\n" + b"1" * 2000)
    with pytest.raises(TableError) as caught:
        OwnTables().read("t.csv.gz", packed, "auto", None)
    assert str(caught.value) == (
        f"t.csv.gz: a gzip file of {len(packed)} bytes that unpacks to more than 2000. Unpack it "
        "first, or give fewer rows."
    )


def test_words_that_are_names_are_no_target():
    rows = "".join(f"{i * i % 17},{i % 7},name {i}\n" for i in range(101))
    text = f"a,c,b\n{rows}"
    assert read(text)["target"] == "c"
    assert refusal(text, target="b") == (
        "column 'b' holds 101 different words, and a target has at most 100 classes here. Choose "
        "another target."
    )


def test_notes_on_words():
    names = [f"w{i}" for i in range(120)]
    rows = "".join(f"{name},{i % 3 == 0 or ''},{i},x{i}\n" for i, name in enumerate(names * 2))
    found = read(f"many,one,y,all\n{rows}", target="y")
    assert found["notes"] == [
        "many: 120 categories, an input for each of the 100 most frequent and three for all others",
        "one: 1 category, an input; 160 holes are 0",
        "y: the target, numbers from 0 to 239",
        "all: left out, it is different in nearly every row",
    ]
    found = read("a,b\n" + "".join(f"{i % 10 or 'oops'},{i / 2}\n" for i in range(30)))
    assert found["notes"][0] == (
        "a: 10 categories, an input for each; taken as words because 27 of 30 cells are numbers, "
        "row 1 holds 'oops'"
    )


def test_notes_on_times_and_on_zeros_and_ones():
    rows = [
        f"2024-0{1 + i % 9}-01 0{i % 5}:00,{i % 2},the cell number {i},{i * i}" for i in range(30)
    ]
    rows[3] = f"unknown,,{'x ' * 4},9"
    found = read("when,bit,text,y\n" + "\n".join(rows))
    assert found["notes"] == [
        (
            "when: times, an input for the time, two for the month, two for the weekday, two for "
            "the hour; 1 hole is filled with the median, and a last input says where"
        ),
        (
            "bit: numbers from 0 to 1; 1 hole is filled with the median 0, and a second input "
            "says where"
        ),
        "text: left out, it is free text",
        "y: the target, numbers from 0 to 841",
    ]
    X = found["X"].reshape(30, 10)
    assert found["inputs"][:2] == ["when", "sin of month of when"]
    assert X[[0, 1, 3], 8:].tolist() == [[0, 0], [1, 0], [0, 1]]
    assert X[3, 1:8].tolist() == [0] * 6 + [1]
