"""The CSV reader where files mislead it: codes, text beside numbers, foreign and hostile files."""

from __future__ import annotations

import gzip
import io
import os
import threading

import numpy as np
import pytest

from deltarule.exceptions import TableError, UnknownCategoryWarning
from deltarule.tables import ColumnPlan, Limits, Table, read_csv, readers
from deltarule.tables.cells import same_word


def read(text: str | bytes) -> Table:
    return read_csv(io.BytesIO(text.encode() if isinstance(text, str) else text))


def refusal(content: str | bytes) -> str:
    with pytest.raises(TableError) as caught:
        read(content)
    return str(caught.value)


# Codes.


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [
        (["01234", "90210"], False),
        (["00", "12", "NA", ""], False),
        (["0", "10"], True),
        (["0.5", "00.5"], True),
        (["007", "1.5"], True),
        (["-01", "1"], True),
        (["90210", "10001"], True),
    ],
)
def test_digits_that_begin_with_a_zero_are_words(cells, numeric):
    table = read("code,x\n" + "".join(f"{cell},1\n" for cell in cells))
    assert table.is_numeric("code") is numeric
    known = [cell if cell not in ("NA", "") else None for cell in cells]
    assert table.words("code").tolist() == known


def test_codes_can_still_be_taken_as_numbers():
    assert read("a,b\n0012,1\n7,1\n").numbers("a").tolist() == [12.0, 7.0]
    with pytest.raises(TableError, match="got '1_000' in row 2"):
        read("a,b\n7,1\n1_000,1\n").numbers("a")


def test_a_column_of_numbers_keeps_its_text_through_every_cut():
    table = read("a,b\n1.0,2\n 1.50 ,3\nNA,4\n1e3,5\n")
    assert table.is_numeric("a")
    assert table.words("a").tolist() == ["1.0", "1.50", None, "1e3"]
    part = table.take(np.array([True, False, True, True])).take(np.array([2, 0]))
    assert part.words("a").tolist() == ["1e3", "1.0"]
    assert part.without(["b"]).words("a").tolist() == ["1e3", "1.0"]
    assert part.numbers("a").tolist() == [1000.0, 1.0]


def test_a_decimal_comma_stays_in_the_text():
    assert read("a;b\n1,50;x\n2;y\n").words("a").tolist() == ["1,50", "2"]


def test_a_category_is_the_same_in_a_file_that_holds_only_numbers():
    plan = ColumnPlan.fit(read("c,x\n" + "01,1\n1.0,2\nA,3\n" * 9).without(["x"]))
    assert plan.inputs == ("c=01", "c=1.0", "c=A")
    for cell, place in (("01", 0), ("1.0", 1), ("1", 1)):
        assert plan.transform(read(f"c,x\n{cell},1\n")).argmax() == place
    with pytest.warns(UnknownCategoryWarning, match="holds a category"):
        assert not plan.transform(read("c,x\n001,1\n")).any()


def test_only_a_point_and_a_zero_are_seen_through():
    known = {"1", "2.0", "1.1", "7", "7.0", "A.0"}
    asked = ["1.0", "2", "1.10", "01", "7", "7.0", "A", "-1.0"]
    meant = ["1", "2.0", "1.10", "01", "7", "7.0", "A", "-1.0"]
    assert [same_word(word, known) for word in asked] == meant


# Tables of one column.


def test_an_empty_line_is_a_missing_cell_of_a_single_column():
    np.testing.assert_array_equal(read("\nx\n0.1\n\n0.3\n").column("x"), [0.1, np.nan, 0.3])
    assert read("x\nA\n\n").column("x").tolist() == ["A", None]
    assert read("x,y\n1,2\n\n3,4\n").rows == 2


def test_a_wider_row_below_a_single_column():
    assert refusal("a\n1\n2,3\n") == (
        "standard input: line 3 has 2 cells, the first line 1. Fill the line up, or put quotes "
        "around a cell that holds the delimiter."
    )


# Foreign and hostile files.


def test_names_that_look_like_another_format_are_names():
    assert read("PAR1,PAR2,y\n1,2,3\n").names == ("PAR1", "PAR2", "y")
    assert read("SQLite,y\n1,2\n").names == ("SQLite", "y")
    assert read("%PDF,y\n1,2\n").names == ("%PDF", "y")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PAR1\x15\x04PAR1", "a Parquet file"),
        (b"SQLite format 3\0....", "a database"),
        (b"%PDF-1.7\n", "a PDF file"),
        (b"a,b\n1,2\n3,\x004\n", "not text (line 3 holds a zero byte)"),
        ("a,b\n1,2\n".encode("utf-16-le"), "not text (line 1 holds a zero byte)"),
    ],
)
def test_what_is_another_format_is_refused(content, words):
    assert refusal(content).startswith(f"standard input: {words}")


def test_a_gzip_file_unpacks_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(readers, "MOST_UNPACKED", 2**22)
    fits, bomb = (gzip.compress(b"a,b\n" + b"1,2\n" * count) for count in (1000, 2**22))
    assert read(fits).rows == 1000
    assert refusal(bomb) == (
        f"standard input: a gzip file of {len(bomb)} bytes that unpacks to more than {2**22}. "
        "Unpack it first, or give fewer rows."
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    said = []

    def attempt():
        try:
            read_csv(tmp_path / "pipe")
        except TableError as problem:
            said.append(str(problem))

    reader = threading.Thread(target=attempt, daemon=True)
    reader.start()
    reader.join(10)
    assert said == [f"{tmp_path}/pipe: not a regular file. Pipe it in, and give - as the table."]


@pytest.mark.parametrize(
    ("text", "header", "names", "rows"),
    [
        ("a,b\n1,2\n", True, ("a", "b"), 1),
        ("1,2\n3,4\n", True, ("1", "2"), 1),
        ("a,b\n1,2\n", None, ("a", "b"), 1),
        ("a,2019\n1,2\n", None, ("column_1", "column_2"), 2),
        ("a,b\n1,2\n", False, ("column_1", "column_2"), 2),
        ("\n-1e3,.5\n1,2\n", None, ("column_1", "column_2"), 2),
        ("1;2,5\n3;4,5\n", None, ("column_1", "column_2"), 2),
        ("a;b\n1;2,5\n", None, ("a", "b"), 1),
    ],
)
def test_a_first_line_may_be_a_row(text, header, names, rows):
    table = read_csv(io.BytesIO(text.encode()), header=header)
    assert (table.names, table.rows) == (names, rows)


def test_a_semicolon_beside_a_decimal_comma_divides():
    table = read_csv(io.BytesIO(b"1,5;2,5;x\n3,5;4;y\n"), header=None)
    assert table.column("column_1").tolist() == [1.5, 3.5]
    assert table.column("column_3").tolist() == ["x", "y"]


def test_limits_refuse_what_is_more():
    limits = Limits(size=40, rows=3, columns=2)
    sentences = {
        "a,b\n1,2\n3,4\n5,6\n": None,
        "a,b\n1,2\n3,4\n5,6\n7,8\n": "more than 3 rows, the most that are read. Leave some out.",
        "a,b,c\n": "3 columns, and at most 2 are read. Leave some out.",
        "a,b\n" + "1" * 40: "44 bytes, and at most 40 are read. Leave rows out.",
    }
    for text, sentence in sentences.items():
        try:
            assert read_csv(io.BytesIO(text.encode()), name="t", limits=limits).rows == 3
            said = None
        except TableError as problem:
            said = str(problem)
        assert said == (sentence and f"t: {sentence}")
