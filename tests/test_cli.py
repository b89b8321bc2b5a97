"""The command: results, sentences, exit codes, silence and interruption."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deltarule as dr
from deltarule.activations import ACTIVATIONS
from deltarule.cli import main, train_options, train_parts
from deltarule.cli.progress import PLAIN_SECONDS, Progress
from deltarule.engines import NAMES
from deltarule.optimizers import OPTIMIZERS
from deltarule.schedules import SCHEDULES
from deltarule.tables import TableModel

HEAVY = ("numpy", "scipy", "sklearn", "safetensors", "pandas", "rich", "matplotlib")


def write_table(path, rows=300, *, seed=0, target=True):
    """A table with a class, two numbers to predict, and a hole now and then."""
    generator = np.random.default_rng(seed)
    x, city = generator.normal(size=rows), generator.choice(["Oslo", "Rome", "Bonn"], rows)
    price = 3 * x + 5.0 * (city == "Oslo")
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "city", "kind", "price", "area"][: 5 if target else 2])
        for i in range(rows):
            cells = ["" if i % 17 == 0 else f"{x[i]:.4f}", city[i]]
            if target:
                cells += ["dear" if price[i] > 1 else "cheap", f"{price[i]:.4f}", f"{-x[i]:.4f}"]
            writer.writerow(cells)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("tables") / "houses.csv")


@pytest.fixture(scope="module")
def models(table, tmp_path_factory):
    """One model of each task."""
    folder = tmp_path_factory.mktemp("models")
    short = ["--epochs", "30", "--hidden", "16", "--quiet", "--holdout", "0.25"]
    asked = {"classes": "kind", "numbers": "price,area"}
    for name, target in asked.items():
        drop = ["--drop", "price,area"] if name == "classes" else ["--drop", "kind"]
        path = str(folder / name)
        assert main(["train", str(table), "--target", target, "-o", path, *drop, *short]) == 0
    return {name: str(folder / name) for name in asked}


def run(capsys, *words):
    """(exit code, standard output, standard error) of a command."""
    code = main([str(word) for word in words])
    seen = capsys.readouterr()
    return code, seen.out, seen.err


# train.


def test_train_prints_the_score_beside_naive_and_linear(capsys, table, tmp_path):
    path = tmp_path / "model.safetensors"
    code, out, _err = run(
        capsys, "train", table, "--target", "kind", "--drop", "price,area", "-o", path,
        "--epochs", 20, "--hidden", "16,8",
    )  # fmt: skip
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "houses.csv: 300 rows, 2 columns beside the target"
    assert "  task      classification, 2 classes, because 'kind' holds words" in lines
    assert "  inputs    5 from 1 numeric and 1 categorical columns, 1 with missing cells" in lines
    assert "  rows      240 to train on, 60 held out" in lines
    assert any(line.startswith("  network   5-16-8-1, 241 parameters, adamw") for line in lines)
    names = ("held-out rows", "  this network", "  linear model", "  most frequent class")
    for name in names:
        assert any(line.startswith(name) for line in lines), name
    assert lines[-2].startswith(f"saved {path} (")
    assert lines[-1] == f"report {tmp_path}/model.html"
    assert isinstance(dr.load(path), TableModel)


def test_train_as_json_is_one_object_and_nothing_else(capsys, table, tmp_path):
    path = tmp_path / "model.safetensors"
    code, out, err = run(
        capsys, "train", table, "--target", "price", "--target", "area", "--drop", "kind",
        "-o", path, "--epochs", 60, "--hidden", "32", "--json",
    )  # fmt: skip
    record = json.loads(out)
    assert (code, err) == (0, "")
    assert record["task"] == "regression"
    assert record["target"] == ["price", "area"]
    assert (record["training_rows"], record["holdout_rows"]) == (240, 60)
    assert record["scores"]["network"] > 0.7
    assert abs(record["scores"]["naive"]) < 0.1
    assert set(record["network_scores"]["r2_by_target"]) == {"price", "area"}
    assert record["bytes"] == os.path.getsize(path)


def test_the_same_seed_gives_the_same_file(table, tmp_path):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        words = ["train", table, "--target", "price", "-q", "--epochs", 3, "--seed", seed]
        assert main([*map(str, words), "-o", str(path)]) == 0
    first, second, third = [path.read_bytes() for path in paths]
    assert first == second
    assert first != third


def test_the_holdout_rows_are_those_that_evaluate_scores(capsys, table, tmp_path):
    """What train prints is what the saved model reaches on exactly these rows."""
    words = ["train", str(table), "--target", "kind", "--drop", "price,area", "--epochs", "9"]
    args = _parsed([*words, "-o", str(tmp_path / "model"), "--json"])
    parts = train_parts.divide(args)
    _code, out, _ = run(capsys, *words, "-o", tmp_path / "model", "--json")
    model = dr.load(tmp_path / "model")
    held = parts.table.take(parts.holdout)
    assert set(parts.training) & set(parts.holdout) == set()
    right = (model.predict(held) == model.target.actual(held)).mean()
    assert json.loads(out)["scores"]["network"] == pytest.approx(right)
    shares = [(model.target.actual(part) == "dear").mean() for part in (parts.table, held)]
    assert shares[0] == pytest.approx(shares[1], abs=0.02)


def _parsed(words):
    from deltarule.cli import build_parser

    return build_parser().parse_args(words)


def test_no_holdout_few_rows_and_single_rows_of_a_class(capsys, tmp_path):
    path = tmp_path / "small.csv"
    for text in (
        "x,y\n1,a\n2,b\n",
        "x,y\n1,a\n2,a\n3,a\n",
        "x,y\n" + "".join(f"{i % 7},{'a' if i else 'rare'}\n" for i in range(30)),
        "x,y\n" + "".join(f"{i % 7},{i % 5}.5\n" for i in range(12)),
        "x,y\n1,1.5\n2,2.5\n",
    ):
        path.write_text(text)
        words = ["train", path, "--target", "y", "-o", tmp_path / "m", "--epochs", 3, "--json"]
        for holdout in ("0", "0.2", "0.9" if text.count("\n") > 20 else "0.3"):
            code, out, err = run(capsys, *words, "--holdout", holdout)
            assert code == 0, (text, holdout, err)
            record = json.loads(out)
            assert record["judged_on"] == ("holdout" if record["holdout_rows"] else "training")


def test_rows_without_a_target_and_counting_columns_are_left_out(capsys, tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{i},{i % 5},{'' if i == 7 else i % 3 + 0.5}" for i in range(60)]
    path.write_text("number,x,y\n" + "\n".join(rows) + "\n")
    code, out, _ = run(
        capsys, "train", path, "--target", "y", "-o", tmp_path / "m", "--epochs", 2, "--json"
    )
    record = json.loads(out)
    assert code == 0
    assert record["notes"] == [
        "left out, because it only counts the rows: number",
        "1 row without a target left out",
    ]
    assert (record["rows"], record["inputs"]) == (59, 1)


def test_the_names_in_the_help_are_those_of_the_tables():
    assert set(train_options.SOLVERS) == set(OPTIMIZERS.table)
    assert set(train_options.ACTIVATIONS) == {
        name for name, kind in ACTIVATIONS.table.items() if kind.elementwise
    }
    assert set(train_options.SCHEDULES) == set(SCHEDULES.table)
    assert SCHEDULES.table["step"]() == dr.Step(every=10, factor=0.5)  # as --help says
    assert train_options.ENGINES == NAMES


@pytest.mark.parametrize("solver", train_options.SOLVERS)
def test_every_solver_trains(capsys, table, tmp_path, solver):
    code, _, err = run(
        capsys, "train", table, "--target", "kind", "-o", tmp_path / "m", "--epochs", 2, "-q",
        "--solver", solver, "--hidden", "4",
    )  # fmt: skip
    assert (code, err) == (0, "")


# predict, evaluate, inspect.


def test_predict_classes(capsys, models, tmp_path):
    new = write_table(tmp_path / "new.csv", 5, seed=3, target=False)
    code, out, err = run(capsys, "predict", models["classes"], new, "--proba", "--keep", "city")
    lines = list(csv.reader(io.StringIO(out)))
    assert (code, err) == (0, "")
    assert lines[0] == ["city", "kind", "kind=cheap", "kind=dear"]
    assert len(lines) == 6
    for city, kind, cheap, dear in lines[1:]:
        assert city in ("Oslo", "Rome", "Bonn")
        assert kind == ("dear" if float(dear) > float(cheap) else "cheap")
        assert float(cheap) + float(dear) == pytest.approx(1)


def test_predict_numbers_into_a_file(capsys, models, table, tmp_path):
    path = tmp_path / "prices.csv"
    code, out, _ = run(capsys, "predict", models["numbers"], table, "-o", path)
    assert (code, out) == (0, f"300 predictions in {path}\n")
    lines = path.read_text().splitlines()
    assert lines[0] == "price,area"
    expected = dr.load(models["numbers"]).predict(pd.read_csv(table))
    found = np.array([line.split(",") for line in lines[1:]], dtype=float)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_predict_as_json(capsys, models, table):
    code, out, _ = run(capsys, "predict", models["numbers"], table, "--json")
    record = json.loads(out)
    assert code == 0
    assert record["rows"] == 300
    assert len(record["predictions"]["price"]) == 300


def test_unknown_categories_are_counted_once_on_standard_error(capsys, models, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("x,city\n1,Atlantis\n2,Oslo\n")
    code, out, err = run(capsys, "predict", models["classes"], path)
    assert code == 0
    assert len(out.splitlines()) == 3
    assert err == (
        "note: column 'city': 1 cell holds a category that the model does not know, for example "
        "'Atlantis' in row 1; treated as none of the known ones.\n"
    )


def test_evaluate(capsys, models, table):
    code, out, _ = run(capsys, "evaluate", models["classes"], table)
    assert code == 0
    assert out.splitlines()[0] == "classes on houses.csv: 300 rows"
    assert "actual ╲ predicted" in out
    code, out, _ = run(capsys, "evaluate", models["classes"], table, "--json")
    record = json.loads(out)
    counts = np.array(record["confusion"]["counts"])
    assert counts.sum() == record["rows"] == 300
    assert record["scores"]["accuracy"] == pytest.approx(np.trace(counts) / 300)
    assert 0 < record["scores"]["log_loss"] < 1
    code, out, _ = run(capsys, "evaluate", models["numbers"], table)
    assert code == 0
    assert "R² of price: " in out


def test_inspect(capsys, models):
    code, out, _ = run(capsys, "inspect", models["classes"])
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith(f"{models['classes']}: TableModel, ")
    assert lines[0].endswith(", checksum right")
    assert "network     5-16-1, 113 parameters, float32" in lines
    assert "classes     2: cheap, dear" in lines
    assert "  city   categorical  3 categories: Bonn, Oslo, Rome" in lines
    code, out, _ = run(capsys, "inspect", models["classes"], "--json")
    record = json.loads(out)
    assert record["kind"] == "TableModel"
    assert record["table"]["target"]["names"] == ["kind"]


def test_inspect_of_what_was_saved_from_python(capsys, tmp_path):
    dr.save(dr.initialize(dr.Network(units=(3, 5, 2))), tmp_path / "bare")
    code, out, _ = run(capsys, "inspect", tmp_path / "bare")
    assert code == 0
    assert "network     3-5-2, 32 parameters, float64" in out.splitlines()


def test_names_in_a_file_do_not_drive_the_terminal(capsys, tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"{i % 7},{'a' if i % 2 else 'b'}\n" for i in range(40))
    path.write_text("x\x1b[31m,y\n" + rows)
    words = ["train", path, "--target", "y", "-o", tmp_path / "m", "-q", "--epochs", 2]
    assert run(capsys, *words)[0] == 0
    _code, out, _ = run(capsys, "inspect", tmp_path / "m")
    assert "\x1b" not in out
    assert r"x\x1b[31m" in out


# What goes wrong: one sentence, exit code 1, no traceback.


def sentences(table, models, folder):
    """command line → sentence."""
    cut = folder / "cut"
    cut.write_bytes(Path(models["classes"]).read_bytes()[:-9])
    altered = folder / "altered"
    altered.write_bytes(Path(models["classes"]).read_bytes()[:-1] + b"\1")
    (folder / "infinite.csv").write_text("x,y\n1,2.5\ninf,3.5\n2,4.5\n3,5.5\n")
    (folder / "one.csv").write_text("x,y\n1,2.5\n")
    (folder / "same.csv").write_text("x,y\n" + "".join(f"7,{i % 2}\n" for i in range(30)))
    (folder / "empty.csv").write_text("")
    size = len(cut.read_bytes())
    ours = "The file was altered or written by another program; get a fresh copy."
    return {
        ("train", table, "--target", "prise"): (
            "the table has no column 'prise' (it has x, city, kind, price, area). Did you mean "
            "'price'?"
        ),
        ("train", table, "--target", "kind", "--drop", "Kind"): (
            "the table has no column 'Kind' (it has x, city, kind, price, area). Did you mean "
            "'kind'?"
        ),
        ("train", table, "--target", "kind", "--drop", "kind"): (
            "--drop names the target column 'kind'. Leave it out of --drop."
        ),
        ("train", table, "--target", "kind", "--task", "regression"): (
            "a target of a regression must be a number: column 'kind' must hold numbers (got "
            "'dear' in row 1). Correct the cell or leave it empty. Or train with --task "
            "classification."
        ),
        ("train", table, "--target", "kind,city"): (
            "classification takes one target column (got kind, city). Train one model per column."
        ),
        ("train", table, "--target", "kind", "-o", folder): (
            f"{folder} cannot be written: it is a folder. Add a file name, or choose another path."
        ),
        ("train", "nobody.csv", "--target", "kind"): "nobody.csv: no such file. Check the path.",
        ("train", folder / "empty.csv", "--target", "y"): (
            f"{folder}/empty.csv: empty. The first line must hold the names of the columns."
        ),
        ("train", folder / "one.csv", "--target", "y"): (
            "training takes at least two rows with a target (got 1). Add rows."
        ),
        ("train", folder / "infinite.csv", "--target", "y", "--holdout", "0", "--hidden", "4"): (
            "column 'x' must hold finite numbers (got inf in row 2). Correct the cell or leave it "
            "empty."
        ),
        ("train", folder / "same.csv", "--target", "y"): (
            "no column says anything about the target ('x' is the same in every row). Add one that "
            "differs between rows."
        ),
        ("train", table, "--target", "kind", "-o", table): (
            f"{table} cannot be written: it is the file that is read. Choose another path."
        ),
        ("predict", models["classes"], table, "-o", models["classes"]): (
            f"{models['classes']} cannot be written: it is the file that is read. Choose another "
            "path."
        ),
        ("predict", models["classes"], folder / "one.csv"): (
            "the table has no column 'city' (it has x, y), which the model was trained on. Add "
            "it, or rename the one that holds it."
        ),
        ("predict", models["numbers"], table, "--proba"): (
            "--proba is for classes (got a regression model). Leave --proba out."
        ),
        ("predict", models["classes"], table, "-o", folder / "no" / "p.csv"): (
            f"{folder}/no/p.csv cannot be written: the folder {folder}/no does not exist. Make "
            "it, or choose another path."
        ),
        ("evaluate", models["classes"], folder / "one.csv"): (
            "the table has no column 'kind' (it has x, y). Choose one of these."
        ),
        ("inspect", "nobody.safetensors"): "nobody.safetensors: no such file. Check the path.",
        ("inspect", table): (
            f"{table}: not a safetensors file. deltarule reads what dr.save wrote."
        ),
        ("predict", cut, table): f"{cut}: truncated: {size} bytes, {size + 9} expected. Copy it "
        "again.",
        ("predict", altered, table): f"{altered}: the checksum does not fit the content. {ours}",
    }


def test_every_sentence(capsys, table, models, tmp_path):
    for words, sentence in sentences(table, models, tmp_path).items():
        words = [str(word) for word in words]
        if words[0] == "train" and "-o" not in words:
            words += ["-o", str(tmp_path / "model")]
        code, out, err = run(capsys, *words, "--json")
        assert (code, err) == (1, f"deltarule: {sentence}\n"), words
        assert json.loads(out)["error"]["message"] == sentence
        assert not (tmp_path / "model").exists()


def test_an_estimator_without_a_table(capsys, table, tmp_path):
    model = dr.MLPClassifier((), solver="lbfgs")
    dr.save(model.fit([[0.0], [1.0]], [0, 1]), tmp_path / "m")
    code, _out, err = run(capsys, "predict", tmp_path / "m", table)
    assert code == 1
    assert err == (
        f"deltarule: {tmp_path}/m: holds a MLPClassifier without the plan of a table. Use it from "
        "Python with deltarule.load, or train one with deltarule train.\n"
    )


def test_a_step_size_that_is_far_too_large(capsys, table, tmp_path):
    words = ["train", table, "--target", "price", "-o", tmp_path / "m", "--solver", "sgd"]
    code, _out, err = run(capsys, *words, "--learning-rate", "1e12", "--validation", 0, "-q")
    assert code == 1
    assert err.startswith("deltarule: Solver produced non-finite parameter weights.")
    assert err.endswith("Nothing was saved. Lower --learning-rate.\n")
    assert "epoch 1, layer" in err
    assert not (tmp_path / "m").exists()


def test_the_output_is_checked_before_anything_is_read(capsys):
    began = time.perf_counter()
    code, _, err = run(capsys, "train", "nobody.csv", "--target", "y", "-o", "/no/where/m")
    assert (code, time.perf_counter() - began < 1) == (1, True)
    assert err == (
        "deltarule: /no/where/m cannot be written: the folder /no/where does not exist. Make it, "
        "or choose another path.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["trian"], "argument COMMAND: invalid choice: 'trian'"),
        (["train", "t.csv"], "the following arguments are required: --target"),
        (
            ["train", "t.csv", "--target", "y", "--hidden", "10,x"],
            (
                "argument --hidden: must be whole numbers above 0 with commas between, or 0 for no "
                "hidden layer (got '10,x')"
            ),
        ),
        (
            ["train", "t.csv", "--target", "y", "--holdout", "1"],
            "argument --holdout: must be at least 0 and below 1 (got '1')",
        ),
        (
            ["train", "t.csv", "--target", "y", "--epochs", "0"],
            "argument --epochs: must be a whole number of at least 1 (got '0')",
        ),
        (
            ["train", "t.csv", "--target", "y", "--learning-rate", "-1"],
            "argument --learning-rate: must be a number above 0 (got '-1')",
        ),
        (
            ["train", "t.csv", "--target", "y", "--solver", "adom"],
            "argument --solver: invalid choice: 'adom'",
        ),
    ],
)
def test_the_command_line_itself(capsys, words, sentence):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


# Processes of their own.


def process(*words, **options):
    command = [sys.executable, "-m", "deltarule", *map(str, words)]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **options)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["train", "--help"], ["demo", "--help"], ["nonsense"]]
)
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys\n"
        "from deltarule.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "[]"


def test_standard_input_and_output(table, models):
    done = process("predict", models["classes"], "-", input=table.read_bytes())
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[0] == "kind"
    assert len(done.stdout.splitlines()) == 301
    path = models["classes"] + "-from-stdin"
    words = ["train", "-", "--target", "kind", "-o", path, "--epochs", 2]
    done = process(*words, input=table.read_bytes())
    assert done.returncode == 0
    assert done.stdout.decode().startswith("standard input: 300 rows, 4 columns beside the target")


def test_a_reader_that_has_seen_enough(table, models):
    words = [sys.executable, "-m", "deltarule", "predict", models["classes"], str(table)]
    command = f"{shlex.join(words)} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout == "kind\n"
    assert done.stderr == ""


def test_an_interrupted_training_keeps_what_it_reached(table, tmp_path):
    path = tmp_path / "model.safetensors"
    words = ["train", table, "--target", "price", "-o", path, "--epochs", 10**7, "--seed", 0]
    words += ["--patience", 10**7, "--engine", "reference", "--threads", 1, "--hidden", "8"]
    command = [sys.executable, "-m", "deltarule", *map(str, words)]
    work = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = ""
    while "epoch " not in seen:
        line = work.stderr.readline()
        assert line, seen
        seen += line
    work.send_signal(signal.SIGINT)
    _out, err = work.communicate(timeout=60)
    assert work.returncode == 1
    last = err.splitlines()[-1]
    assert last.startswith("deltarule: interrupted after ")
    assert last.endswith(f"The model so far is saved in {path}.")
    assert "Traceback" not in err
    assert "note:" not in err
    model = dr.load(path)
    assert model.estimator.stop_reason_.name == "INTERRUPTED"
    assert model.estimator.n_iter_ > 0


def test_progress_is_never_silent_for_two_seconds():
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        progress.doing("thinking")
        progress.at("epoch 3/9")
        time.sleep(PLAIN_SECONDS + 0.4)
    assert PLAIN_SECONDS < 2
    assert stream.getvalue().startswith("thinking  epoch 3/9  1.")


def test_the_core_install_is_enough(table, tmp_path):
    """Without pandas, polars, matplotlib and rich everything works; only the picture is missing."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('pandas', 'polars', 'pyarrow', 'matplotlib', 'rich'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from deltarule.cli import main\n"
        f"words = ['train', {str(table)!r}, '--target', 'kind', '-q', '--epochs', '2']\n"
        f"assert main([*words, '-o', {str(tmp_path / 'm')!r}]) == 0\n"
        f"assert main(['evaluate', {str(tmp_path / 'm')!r}, {str(table)!r}]) == 0\n"
        f"assert main(['demo', '--dir', {str(tmp_path / 'demo')!r}]) == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "No picture of the loss: matplotlib is not installed." in done.stdout


# demo.


def test_demo(tmp_path, capsys):
    code, out, _ = run(capsys, "demo", "--dir", tmp_path)
    assert code == 0
    for words in (
        "$ deltarule train digits.csv --target digit",
        "scikit-learn's MLPClassifier",
        "$ deltarule evaluate digits.safetensors digits-held-out.csv",
        "actual ╲ predicted",
        "$ deltarule predict digits.safetensors digits-held-out.csv -o digits-predicted.csv",
        "Try next:",
    ):
        assert words in out
    assert {file.name for file in tmp_path.iterdir()} >= {
        "digits.csv",
        "digits.safetensors",
        "digits-held-out.csv",
        "digits-predicted.csv",
    }


def test_demo_as_json(tmp_path, capsys):
    code, out, err = run(capsys, "demo", "--dir", tmp_path / "new", "--json")
    record = json.loads(out)
    assert (code, err) == (0, "")
    ours, theirs = record["comparison"]["deltarule"], record["comparison"]["scikit-learn"]
    assert ours["epochs"] == theirs["epochs"]
    assert ours["test_accuracy"] > 0.95
    assert abs(ours["test_accuracy"] - theirs["test_accuracy"]) < 0.02
    assert record["evaluate"]["scores"]["accuracy"] == pytest.approx(ours["test_accuracy"])


def test_demo_in_a_place_that_cannot_be(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "demo", "--dir", tmp_path / "file" / "folder")
    assert code == 1
    assert err.startswith(f"deltarule: {tmp_path}/file/folder cannot be made: ")
