"""The ensemble that ``deltarule train`` makes, its file in the other commands, and its report."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deltarule as dr
from deltarule.cli import main, train_options
from deltarule.tables import TableEnsemble, TableModel, read_csv, report
from deltarule.tables.recipe import PRESETS

SCRIPT = "<script>alert(1)</script>"


def write_table(path, rows=200, seed=0):
    """Classes and a number that follow from a number with holes and a word; a hostile name."""
    generator = np.random.default_rng(seed)
    x, city = generator.normal(size=rows), generator.choice(["Oslo", "Rome", "Bonn"], rows)
    price = 3 * x + 5.0 * (city == "Oslo") + 0.1 * generator.normal(size=rows)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "city", SCRIPT, "kind", "price"])
        for i in range(rows):
            cells = ["" if i % 17 == 0 else f"{x[i]:.4f}", city[i], f"{(i * 7) % 11}"]
            writer.writerow([*cells, "dear" if price[i] > 1 else "<b>cheap</b>", f"{price[i]:.4f}"])
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trained")


@pytest.fixture(scope="module")
def table(folder):
    return write_table(folder / "houses.csv")


@pytest.fixture(scope="module")
def classes(table, folder):
    """The record of a training of classes; its files stand in the folder."""
    return trained(table, folder / "kind.safetensors", "kind", "--drop", "price", "--compare")


@pytest.fixture(scope="module")
def numbers(table, folder):
    """The same of numbers, with quantiles."""
    words = ("--drop", "kind", "--quantiles", "0.1,0.5,0.9")
    return trained(table, folder / "price.safetensors", "price", *words)


def trained(table, model, target, *words):
    import contextlib

    options = ["--preset", "fast", "--json", "-o", str(model), *words]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["train", str(table), "--target", target, *options]) == 0
    return json.loads(out.getvalue())


def run(capsys, *words):
    """(exit code, standard output, standard error) of a command."""
    code = main([str(word) for word in words])
    seen = capsys.readouterr()
    return code, seen.out, seen.err


# What is trained.


def test_without_a_word_it_is_the_ensemble(classes, folder):
    assert classes["preset"] == "fast"
    assert set(classes["scores"]) == {"network", "linear", "boosted", "naive"}
    assert classes["scores"]["network"] > 0.85
    assert set(classes["spread"]) == set(classes["scores"])
    assert 0 < classes["spread"]["network"] < 0.1
    assert set(classes["seconds"]) == set(classes["scores"])
    model = dr.load(folder / "kind.safetensors")
    assert isinstance(model, TableEnsemble)
    assert classes["networks"] == len(model.estimator.members_)
    assert model.estimator.preset == "fast"


@pytest.mark.parametrize("option", train_options.HAND_OPTIONS)
def test_any_option_of_a_network_by_hand_asks_for_that_network(table, tmp_path, option):
    value = {
        "hidden": "4",
        "activation": "tanh",
        "solver": "sgd",
        "epochs": "2",
        "schedule": "constant",
        "batch_size": "50",
    }.get(option, "1" if option == "patience" else "0.01")
    words = [f"--{option.replace('_', '-')}", value, "-q", "--no-report", "--drop", "price"]
    path = tmp_path / "m"
    assert main(["train", str(table), "--target", "kind", "-o", str(path), *words]) == 0
    assert isinstance(dr.load(path), TableModel)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--preset", "fast", "--hidden", "4"],
            (
                "argument --preset: not with --hidden, which asks for one plain network in place "
                "of the ensemble"
            ),
        ),
        (
            ["--epochs", "4", "--time-budget", "3"],
            (
                "argument --time-budget: not with --epochs, which asks for one plain network in "
                "place of the ensemble"
            ),
        ),
        (
            ["--alpha", "1", "--quantiles", "0.1,0.9"],
            (
                "argument --quantiles: not with --alpha, which asks for one plain network in "
                "place of the ensemble"
            ),
        ),
        (["--report", "a.html", "--no-report"], "argument --report: not with --no-report"),
        (["--time-budget", "0"], "argument --time-budget: must be a number above 0 (got '0')"),
        (
            ["--quantiles", "0.9"],
            (
                "argument --quantiles: must be two or more rising numbers between 0 and 1 with "
                "commas between (got '0.9')"
            ),
        ),
        (
            ["--quantiles", "0.9,0.1"],
            (
                "argument --quantiles: must be two or more rising numbers between 0 and 1 with "
                "commas between (got '0.9,0.1')"
            ),
        ),
        (["--preset", "quick"], "argument --preset: invalid choice: 'quick'"),
    ],
)
def test_options_that_do_not_go_together(capsys, table, words, sentence):
    with pytest.raises(SystemExit) as caught:
        main(["train", str(table), "--target", "kind", *words])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_the_presets_of_the_help_are_those_of_the_recipe():
    assert train_options.PRESETS == PRESETS


def test_the_text_names_columns_rivals_and_spread(capsys, table, tmp_path):
    words = ["--drop", "price", "--preset", "fast", "--time-budget", "60"]
    code, out, _ = run(
        capsys, "train", table, "--target", "kind", "-o", tmp_path / "m.safetensors", *words
    )
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "houses.csv: 200 rows, 3 columns beside the target"
    assert "  inputs    6 from 2 numeric and 1 categorical columns, 1 with missing cells" in lines
    assert f"            numeric      x, {SCRIPT}" in lines
    assert "            categorical  city" in lines
    assert any(line.startswith("  networks  ") and "preset fast" in line for line in lines)
    for name in ("held-out rows", "  this ensemble", "  linear model", "  most frequent class"):
        assert any(line.startswith(name) for line in lines), name
    assert "  ± is the standard deviation over 200 draws of the held-out rows (bootstrap)" in lines
    assert lines[-1] == f"report {tmp_path}/m.html"


def test_the_same_seed_gives_the_same_numbers(table, tmp_path):
    found = []
    for seed in ("0", "0", "1"):
        words = ("--drop", "kind", "--no-report", "--threads", "1", "--seed", seed)
        trained(table, tmp_path / "m", "price", *words)
        members = dr.load(tmp_path / "m").estimator.members_
        found.append(np.concatenate([member.vector for member in members]))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_free_text_is_refused_left_out_or_hashed(capsys, tmp_path):
    path = tmp_path / "t.csv"
    notes = [f"the {i} house by the {i % 7} river, {i * 3} steps" for i in range(60)]
    rows = "".join(f'{i % 5},"{note}",{i % 2}\n' for i, note in enumerate(notes))
    path.write_text("x,note,y\n" + rows)
    words = ["train", path, "--target", "y", "-o", tmp_path / "m", "--no-report"]
    code, _, err = run(capsys, *words, "-q", "--holdout", "0")
    assert code == 1
    assert err == (
        "deltarule: column 'note' holds free text (such as 'the 0 house by the 0 river, 0 steps' "
        "in row 1): neither numbers nor categories. Leave it out with --drop, or say --text "
        "ignore, or --text hash to make inputs of its words.\n"
    )
    for text, hand, inputs in (("ignore", ["--epochs", 1], 1), ("hash", ["--epochs", 1], 65)):
        code, out, _ = run(capsys, *words, "--json", "--text", text, *hand)
        assert (code, json.loads(out)["inputs"]) == (0, inputs)
    assert run(capsys, *words, "-q", "--text", "hash", "--preset", "fast")[0] == 0
    kinds = {column.name: column.kind for column in dr.load(tmp_path / "m").columns.columns}
    assert kinds == {"x": "numeric", "note": "text"}


def test_quantiles_of_classes_are_refused(capsys, table, tmp_path):
    words = ["train", table, "--target", "kind", "-o", tmp_path / "m", "-q"]
    code, _, err = run(capsys, *words, "--quantiles", "0.1,0.9")
    assert code == 1
    assert err == (
        "deltarule: --quantiles is for numbers (got a classification, because 'kind' holds "
        "words). Leave it out, or say --task regression.\n"
    )


def test_an_interrupted_ensemble_is_kept_as_far_as_it_came(tmp_path):
    path = tmp_path / "m.safetensors"
    table = write_table(tmp_path / "large.csv", 4000)  # minutes of work, on any machine
    words = ["train", str(table), "--target", "price", "--preset", "best", "--engine", "reference"]
    command = [sys.executable, "-m", "deltarule", *words, "-o", str(path), "--threads", "1"]
    work = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = ""
    while "epoch " not in seen:
        line = work.stderr.readline()
        assert line, seen
        seen += line
    work.send_signal(signal.SIGINT)
    _out, err = work.communicate(timeout=120)
    last = err.splitlines()[-1]
    assert work.returncode == 1
    assert last.startswith("deltarule: interrupted with ")
    assert last.endswith(f" begun. The model so far is saved in {path}.")
    assert "Traceback" not in err
    assert dr.load(path).predict(read_csv(str(table))).shape == (4000,)


def test_the_model_outlives_an_interrupted_report(capsys, table, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "write", interrupted)
    path = tmp_path / "m"
    words = ["train", table, "--target", "price", "-o", path, "--epochs", 1, "--json"]
    code, out, err = run(capsys, *words)
    assert code == 1
    assert err == f"deltarule: interrupted before the report. The model is saved in {path}.\n"
    assert json.loads(out)["report"] is None
    assert isinstance(dr.load(path), TableModel)


# The file in the other commands.


def test_evaluate_says_what_train_found(capsys, classes, table, folder):
    code, out, err = run(capsys, "evaluate", folder / "kind.safetensors", table, "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    model, rows = dr.load(folder / "kind.safetensors"), read_csv(str(table))
    right = (model.predict(rows) == model.actual(rows)).mean()
    assert record["scores"]["accuracy"] == pytest.approx(right)
    assert record["scores"]["log_loss"] < 0.5


def test_predict_probabilities_and_quantiles(capsys, classes, numbers, table, folder):
    code, out, _ = run(capsys, "predict", folder / "kind.safetensors", table, "--proba")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["kind", "kind=<b>cheap</b>", "kind=dear"]
    assert len(rows) == 200
    for row in rows[:20]:
        assert (row["kind"] == "dear") == (float(row["kind=dear"]) > 0.5)
    code, out, _ = run(capsys, "predict", folder / "price.safetensors", table, "--quantiles")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["price", "price@0.1", "price@0.5", "price@0.9"]
    told = np.array([[float(cell) for cell in row.values()] for row in rows])
    assert (np.diff(told[:, 1:], axis=1) >= 0).all()
    np.testing.assert_array_equal(told[:, 0], told[:, 2])


def test_a_table_without_rows_and_with_columns_nobody_knows(classes, folder):
    model = dr.load(folder / "kind.safetensors")
    empty = {"x": [], "city": [], SCRIPT: []}
    assert model.predict(empty).shape == (0,)
    assert model.predict_proba(empty).shape == (0, 2)
    rows = {"more": [1], "x": [9.0], "city": ["Oslo"], SCRIPT: [3]}
    assert model.predict(rows).tolist() == ["dear"]


def test_inspect_shows_ensemble_scores_and_columns(capsys, classes, folder):
    path = folder / "kind.safetensors"
    code, out, _ = run(capsys, "inspect", path)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith(f"{path}: TableEnsemble, ")
    count = classes["networks"]
    assert lines[1] == f"ensemble    {count} networks of one architecture and a linear model"
    assert "classes     2: <b>cheap</b>, dear" in lines
    assert any(line.startswith("boosted     accuracy ") and "±" in line for line in lines)
    assert "  city                       categorical  3 categories: Bonn, Oslo, Rome" in lines
    code, out, _ = run(capsys, "inspect", path, "--json")
    record = json.loads(out)
    assert record["networks"] == count
    assert record["table"]["target"]["names"] == ["kind"]
    assert {column["name"] for column in record["table"]["columns"]} == {"x", "city", SCRIPT}


@pytest.mark.parametrize("command", ["diagnose", "play"])
def test_what_looks_into_one_network_says_how_to_train_one(
    capsys, classes, table, folder, tmp_path, command
):
    path, count = folder / "kind.safetensors", classes["networks"]
    more = {"diagnose": [], "play": ["--record", tmp_path / "x.html"]}[command]
    code, _, err = run(capsys, command, path, table, *more)
    start, got = {
        "diagnose": (f"{path}: diagnose takes a single network", f"{count} networks"),
        "play": ("play shows a single network", count),
    }[command]
    assert code == 1
    assert err == (
        f"deltarule: {start} (got an ensemble of {got}). Train one network: deltarule train TABLE "
        "--target kind --hidden 64,64.\n"
    )


def test_quantiles_that_a_model_does_not_have(capsys, classes, table, folder):
    code, _, err = run(capsys, "predict", folder / "kind.safetensors", table, "--quantiles")
    assert code == 1
    assert err == (
        "deltarule: --quantiles is for a model that has some (got one without). Leave --quantiles "
        "out, or train one with deltarule train --quantiles 0.05,0.5,0.95.\n"
    )


# The report.


def test_the_report_stands_beside_the_model(classes, numbers, folder):
    page = (folder / "kind.html").read_text(encoding="utf-8")
    assert classes["report"] == str(folder / "kind.html")
    for words in (
        "How good it is",
        "HistGradientBoosting",
        "How the training went",
        "What was learned from what",
        "What it takes for what",
        "Whether it can be believed",
        "What matters",
        "deltarule predict kind.safetensors NEW-TABLE.csv",
        "dr.load(&#x27;kind.safetensors&#x27;)",
    ):
        assert words in page, words
    page = (folder / "price.html").read_text(encoding="utf-8")
    for words in ("What it gets wrong", "rows below it", "model.predict_quantiles(rows)"):
        assert words in page, words


def test_a_network_by_hand_has_a_report_too(table, tmp_path):
    words = ["--hidden", "4", "--epochs", "3", "-q", "--report", str(tmp_path / "r.html")]
    path = str(tmp_path / "m")
    assert main(["train", str(table), "--target", "price", "-o", path, *words]) == 0
    assert "What it gets wrong" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert not Path(f"{path}.html").exists()


def test_no_file_of_somebody_else_is_overwritten(capsys, table, tmp_path):
    own = tmp_path / "houses.html"
    own.write_text("<p>my house</p>")
    words = ["train", table, "--target", "price", "-o", tmp_path / "houses", "-q", "--epochs", "1"]
    code, _, err = run(capsys, *words)
    assert code == 1
    assert err == (
        f"deltarule: {own} is there and no report of deltarule. Name another file with --report, "
        "or say --no-report.\n"
    )
    assert not (tmp_path / "houses").exists()
    assert run(capsys, *words, "--no-report")[0] == 0
    assert own.read_text() == "<p>my house</p>"
    own.unlink()
    assert run(capsys, *words)[0] == 0
    assert run(capsys, *words)[0] == 0  # a report of ours gives way to the next one
    assert own.exists()


def test_a_report_cannot_be_the_model(capsys, table, tmp_path):
    path = tmp_path / "m.html"
    code, _, err = run(capsys, "train", table, "--target", "price", "-o", path)
    assert code == 1
    assert err == (
        f"deltarule: {path} cannot be both model and report. Name another file with --report.\n"
    )


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("x,y\n1,a\n2,b\n", "y"),
        ("x,y\n1,a\n2,a\n3,a\n", "y"),
        ("x,y,z\n" + "".join(f"{i % 7},{i % 7 * 1.5},{i % 3}\n" for i in range(40)), "y,z"),
    ],
    ids=["two rows", "one class", "two targets"],
)
def test_small_tables_are_trained_judged_and_reported(tmp_path, text, target):
    (tmp_path / "t.csv").write_text(text)
    record = trained(tmp_path / "t.csv", tmp_path / "m", target, "--compare")
    assert set(record["scores"]) == {"network", "linear", "boosted", "naive"}
    assert record["judged_on"] == ("holdout" if record["holdout_rows"] else "training")
    assert bool(record["spread"]) == (record["judged_on"] == "holdout")
    assert (tmp_path / "m.html").stat().st_size > 5000


def test_a_model_from_python_is_shown(capsys, tmp_path):
    rows = {"a": list(range(40)), "b": ["x", "y"] * 20}
    path = str(tmp_path / "model.safetensors")
    dr.save(dr.TabularRegressor("fast", random_state=0).fit(rows, range(40)), path)
    assert main(["inspect", path]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "ensemble    3 networks of one architecture and a linear model"
    assert any(line.startswith("  b        boolean") or "2 categories" in line for line in lines)


def test_a_column_that_counts_rows_is_taken_where_it_is_the_only_one(capsys, tmp_path):
    path = tmp_path / "weeks.csv"
    path.write_text("week,sold\n" + "".join(f"{row},{2 * row + 5}\n" for row in range(1, 61)))
    words = ["train", str(path), "--target", "sold", "--preset", "fast", "--no-report"]
    assert main([*words, "-o", str(tmp_path / "m"), "--task", "regression"]) == 0
    assert "  inputs    1 from 1 numeric columns" in capsys.readouterr().out.splitlines()


def test_one_held_out_row_and_nearly_as_many_classes_as_rows_are_noted(capsys, tmp_path):
    few, many = tmp_path / "few.csv", tmp_path / "many.csv"
    few.write_text("x,y\n1,2\n2,3\n3,5\n4,6\n5,9\n")
    many.write_text("x,y\n" + "".join(f"{row % 7},word{row}\n" for row in range(40)))
    words = ["--target", "y", "--preset", "fast", "--no-report", "-o", str(tmp_path / "m")]
    assert main(["train", str(few), *words, "--task", "regression"]) == 0
    said = capsys.readouterr().out
    assert "one row is held out, and R² takes two: raise --holdout, or add rows" in said
    assert "not defined" in said
    assert "nan" not in said
    assert main(["train", str(many), *words, "--task", "classification"]) == 0
    assert (
        "the target holds 40 classes in 40 rows: most have a row or two, which is too few to learn "
        "from"
    ) in " ".join(capsys.readouterr().out.split())
