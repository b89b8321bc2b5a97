"""Plain input that once ended badly: each case is a sentence, a note, or simply works."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import deltarule as dr
from deltarule.cli import main
from deltarule.cli.output import Output
from deltarule.cli.progress import LIVE_SECONDS, PLAIN_SECONDS, Progress


def write(path, names, rows):
    path.write_text("\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def decimals(rows=60):
    """Two inputs and a target that is their difference."""
    x = np.random.default_rng(0).normal(size=(rows, 2)).round(4)
    return [[a, b, round(a - b, 4)] for a, b in x.tolist()]


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "t.csv", "a,b,y", decimals())


def run(capsys, *words):
    code = main([str(word) for word in words])
    seen = capsys.readouterr()
    return code, seen.out, seen.err


def train(capsys, table, *words):
    model = table.parent / "m"
    options = ["--target", "y", "--epochs", 2, "--hidden", 4, "-o", model]
    return run(capsys, "train", table, *options, *words)


def process(*words, **options):
    command = [sys.executable, "-m", "deltarule", *map(str, words)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **options)


def test_numbers_of_any_size_are_inputs(capsys, tmp_path):
    rows = [[f"{(-1) ** i * 1.7}e{300 + i % 9}", i % 7, row[2]] for i, row in enumerate(decimals())]
    code, _out, err = train(capsys, write(tmp_path / "t.csv", "a,b,y", rows), "-q")
    assert (code, err) == (0, "")
    plan = dr.load(tmp_path / "m").columns
    assert np.isfinite(plan.transform({"a": [1.7e308, -1.7e308, 0.0], "b": [1, 1e308, 2]})).all()


def test_a_holdout_of_nearly_all_rows(capsys, table):
    code, _out, err = train(capsys, table, "--holdout", 0.999)
    assert code == 1
    assert err == (
        "deltarule: training takes at least one row, and --holdout 0.999 leaves none of 60. Lower "
        "--holdout.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seed", "99999999999"], "--seed: must be a whole number from 0 to 4294967295 (got"),
        (["--target", ""], "--target: must name a column (got an empty name)"),
        (["-o", "-"], "-o/--output: a model is saved in a file (got -, standard output)"),
    ],
)
def test_the_command_line(capsys, table, words, sentence):
    with pytest.raises(SystemExit) as caught:
        train(capsys, table, *words)
    assert caught.value.code == 2
    assert f"argument {sentence}" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_is_no_defect(capsys, table):
    assert train(capsys, table, "-q")[0] == 0
    with open("/dev/full", "w") as full:
        for words in (
            ["predict", table.parent / "m", table],
            ["predict", table.parent / "m", table, "--json"],
            ["train", table, "--target", "y", "-o", table.parent / "m2"],
        ):
            done = process(*words, stdout=full)
            assert done.returncode == 1
            assert done.stderr.endswith(
                "deltarule: standard output cannot be written (No space left on device). Make "
                "room, or choose another place.\n"
            )
            assert "Exception" not in done.stderr


def test_a_second_interruption_changes_nothing(table):
    words = ["train", table, "--target", "y", "-o", table.parent / "m", "--epochs", 10**7]
    words += ["--patience", 10**7, "--engine", "reference", "--hidden", 8, "--threads", 1]
    command = [sys.executable, "-m", "deltarule", *map(str, words)]
    work = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "epoch " not in work.stderr.readline():
        assert work.poll() is None
    for _ in range(2):
        work.send_signal(signal.SIGINT)
        time.sleep(0.1)
    _out, err = work.communicate(timeout=60)
    assert work.returncode == 1
    assert err.splitlines()[-1].startswith("deltarule: interrupted")


def test_one_bad_cell_in_an_input_is_told(capsys, tmp_path):
    rows = decimals()
    rows[30][0], rows[40][2] = "oops", ""
    code, out, _err = train(capsys, write(tmp_path / "t.csv", "a,b,y", rows))
    assert code == 0
    assert (
        "  note      column 'a' is left out: 58 of 59 cells are numbers, row 31 holds "
        "'oops'. Mend the cell, or say --categorical a"
    ) in out.splitlines()
    words = ["--categorical", "a", "--drop", "y", "--target", "b"]
    told = run(capsys, "train", tmp_path / "t.csv", *words, "-o", tmp_path / "m", "--epochs", 1)[1]
    assert "58 of 59" not in told


def test_a_bad_cell_of_the_target_is_named_by_its_row_in_the_file(capsys, tmp_path):
    rows = decimals()
    rows[3][2], rows[30][2] = "", "oops"
    code, _out, err = train(capsys, write(tmp_path / "t.csv", "a,b,y", rows))
    assert code == 1
    assert err == (
        "deltarule: column 'y': 58 of 59 cells are numbers, row 31 holds 'oops'. Mend the cell, or "
        "say --task classification.\n"
    )


def test_a_constant_target_and_a_constant_input_are_called_so(capsys, tmp_path):
    rows = [[row[0], 10**30 + i % 9, 4] for i, row in enumerate(decimals())]
    code, out, _err = train(capsys, write(tmp_path / "t.csv", "a,b,y", rows))
    assert code == 0
    assert "the target is the same in every row: there is nothing to learn" in out
    assert "left out  b: the same in every row to 16 digits" in out


def test_what_is_kept_and_what_is_predicted_have_two_names(capsys, table, tmp_path):
    assert train(capsys, table, "-q")[0] == 0
    words = ["predict", tmp_path / "m", table, "--keep", "a,b,y"]
    code, out, _err = run(capsys, *words)
    assert (code, out.splitlines()[0]) == (0, "a,b,y,predicted_y")
    (tmp_path / "p.csv").write_text(out)
    code, out, _err = run(capsys, "evaluate", tmp_path / "m", tmp_path / "p.csv", "--json")
    assert code == 0
    assert json.loads(out)["rows"] == 60
    _code, out, _err = run(capsys, *words, "--json")
    assert list(json.loads(out)["predictions"]) == ["a", "b", "y", "predicted_y"]


def test_classes_that_the_model_does_not_know_are_counted(capsys, tmp_path):
    rows = [[row[0], row[1], "up" if row[2] > 0 else "down"] for row in decimals()]
    assert train(capsys, write(tmp_path / "t.csv", "a,b,y", rows), "-q")[0] == 0
    rows[0][2], rows[2][2], rows[5][2] = "", "flat", "flat"
    words = ["evaluate", tmp_path / "m", write(tmp_path / "e.csv", "a,b,y", rows), "--json"]
    code, out, err = run(capsys, *words)
    assert code == 0
    assert json.loads(out)["rows_of_unknown_classes"] == 2
    assert err == (
        "note: 2 rows of 59 with a class that the model does not know, for example 'flat' in row "
        "3: counted as mistakes, and there is no log loss.\n"
    )
    assert (
        json.loads(run(capsys, *words[:2], tmp_path / "t.csv", "--json")[1])[
            "rows_of_unknown_classes"
        ]
        == 0
    )


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_lasting_line_stands_alone_on_a_terminal(capsys, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    out = Output()
    with Progress(stream=stream) as progress:
        out.aside = progress.aside
        progress.doing("reading")
        for _ in range(3):
            time.sleep(LIVE_SECONDS * 1.5)
            out.line("a lasting line")
    lines = stream.getvalue().splitlines()
    assert len(lines) >= 3
    assert {line.rpartition("\x1b[K")[2] for line in lines if "lasting" in line} == {
        "a lasting line"
    }
    assert "reading" in stream.getvalue()


def test_work_that_has_hardly_begun_is_not_mentioned_off_a_terminal():
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        progress._said -= PLAIN_SECONDS  # a line is due
        for piece in range(20):
            progress.doing(f"piece {piece}")
            time.sleep(LIVE_SECONDS / 10)
        assert stream.getvalue() == ""
        time.sleep(LIVE_SECONDS * 3)
    assert stream.getvalue().startswith("piece 19  0.")


def test_a_network_that_no_memory_holds(capsys, table):
    code, _out, err = train(capsys, table, "--hidden", 10**9, "-q")
    assert code == 1
    assert err.startswith(
        "deltarule: --hidden 1000000000 must fit into memory (got 4000000001 parameters, which "
    )
    assert err.endswith("to train). Use fewer units.\n")


def test_the_remedy_fits_the_options(capsys, table):
    _code, _out, err = train(capsys, table, "--alpha", "1e300", "-q")
    assert err.endswith("Nothing was saved. Lower --alpha.\n")
    code, out, _err = train(capsys, table, "--hidden", "0")
    assert code == 0
    assert "The linear model is ahead here" in out
    assert "--hidden" not in out
    _code, out, _err = train(capsys, table)
    assert "Try --hidden 0." in out


def test_a_file_is_no_folder(capsys, table):
    _code, _out, err = train(capsys, table, "-o", table / "m")
    assert err == (
        f"deltarule: {table}/m cannot be written: {table} is a file, not a folder. Choose another "
        "path.\n"
    )


def test_a_bad_cell_while_judging(capsys, table, tmp_path):
    assert train(capsys, table, "-q")[0] == 0
    rows = decimals()
    rows[7][2] = "oops"
    words = ["evaluate", tmp_path / "m", write(tmp_path / "e.csv", "a,b,y", rows)]
    assert run(capsys, *words)[2] == (
        "deltarule: a target of a regression must be a number: column 'y' must hold numbers (got "
        "'oops' in row 8). Correct the cell or leave it empty.\n"
    )


def test_a_column_that_the_model_was_trained_on_is_missing(capsys, table, tmp_path):
    assert train(capsys, table, "-q")[0] == 0
    other = write(tmp_path / "o.csv", "size,b", [[1, 2]])
    assert run(capsys, "predict", tmp_path / "m", other)[2] == (
        "deltarule: the table has no column 'a' (it has size, b), which the model was trained on. "
        "Add it, or rename the one that holds it.\n"
    )


def test_an_unknown_category_is_named_by_its_row_in_the_file(capsys, tmp_path):
    rows = [["up" if row[0] > 0 else "down", row[1], row[2]] for row in decimals()]
    assert train(capsys, write(tmp_path / "t.csv", "a,b,y", rows), "-q")[0] == 0
    rows[0][2], rows[4][0] = "", "flat"
    words = ["evaluate", tmp_path / "m", write(tmp_path / "e.csv", "a,b,y", rows)]
    assert "for example 'flat' in row 5;" in run(capsys, *words)[2]


def test_numbers_with_commas_are_told_where_nothing_else_is_left(capsys, tmp_path):
    rows = [[f'"{1 + i},{i:03}"', row[2]] for i, row in enumerate(decimals())]
    assert train(capsys, write(tmp_path / "t.csv", "a,y", rows), "--holdout", 0)[2] == (
        "deltarule: no column says anything about the target ('a' is different in nearly every row "
        "as words (all cells are numbers, but 60 with commas in them, such as '1,000' in row 1)). "
        "Add one that differs between rows.\n"
    )


def test_dates_flags_and_text_in_a_file(capsys, tmp_path):
    rows = [
        f"2024-0{1 + i % 9}-01,{i % 2},{i % 3 == 0},the cell number {i},{i % 7 + i % 2}"
        for i in range(60)
    ]
    path, model = tmp_path / "t.csv", str(tmp_path / "m")
    path.write_text("when,bit,flag,text,y\n" + "\n".join(rows) + "\n")
    words = ["train", str(path), "--target", "y", "-o", model, "--epochs", "1", "--hidden", "4"]
    words += ["--task", "regression"]
    assert main(words) == 1
    assert "column 'text' holds free text" in capsys.readouterr().err
    assert main([*words, "--text", "ignore"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  inputs    7 from 1 datetime and 2 boolean columns" in lines
    assert "  left out  text: free text" in lines
    assert main(["inspect", model]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  bit    boolean   −1 for 0, +1 for 1" in lines
    assert any(line.startswith("  when   datetime  the time, month, weekday") for line in lines)
    path.write_text("when,bit,flag,text\n9999-12-31,0,true,x\n")
    assert main(["predict", model, str(path), "-o", str(tmp_path / "p.csv")]) == 0
    assert (
        "note: column 'when': 1 cell is no date from 1600 to 2400, for example '9999-12-31' in row "
        "1; taken as missing." in capsys.readouterr().err
    )
