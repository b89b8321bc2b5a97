"""``deltarule play``: one link, a clean end, sentences."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest

import deltarule as dr
from deltarule.cli import main, play
from deltarule.playground import browser

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 2))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A table, a model of it, and an estimator that was saved from Python."""
    folder = tmp_path_factory.mktemp("play")
    y = np.where(X[:, 0] > 0, "dear", "cheap")
    lines = [f"{a:.4f},{b:.4f},{kind}" for (a, b), kind in zip(X.tolist(), y, strict=True)]
    (folder / "houses.csv").write_text("\n".join(["area,age,kind", *lines]) + "\n")
    (folder / "other.csv").write_text("a,b\n1,2\n")
    train = ["train", str(folder / "houses.csv"), "--target", "kind", "--hidden", "4", "-q"]
    assert main([*train, "--epochs", "3", "-o", str(folder / "model.safetensors")]) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = dr.MLPClassifier((3,), max_iter=5, random_state=0).fit(X, y)
        tasks = dr.MultiTaskMLP(max_iter=1).fit(X, X[:, :1])
    dr.save(model, folder / "own.safetensors")
    dr.save(tasks, folder / "tasks.safetensors")
    return folder


def test_it_prints_its_link_on_one_line_and_ends_cleanly(files):
    given = [str(files / name) for name in ("model.safetensors", "houses.csv")]
    command = [sys.executable, "-m", "deltarule", "play", *given, "--no-browser"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    link = process.stdout.readline()
    assert link.startswith("http://127.0.0.1:")
    assert "/#token=" in link
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=300)
    assert (out, errors, process.returncode) == ("", "", 0)


class Ctrl_C:  # noqa: N801 - what is pressed
    """In the place of the event that is waited for."""

    def wait(self) -> None:
        raise KeyboardInterrupt


def test_without_a_model_it_serves_as_well_and_speaks_json(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(play, "Event", Ctrl_C)
    monkeypatch.setattr(browser, "open_browser", opened.append)
    assert main(["play", "--json", "--token", "x" * 20]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["url"].endswith("/#token=" + "x" * 20)
    assert opened == [told["url"]]


# arguments, what is written to standard error
SENTENCES = [
    (
        ["houses.csv"],
        (
            "MODEL must be a model file (got houses.csv, a table). Train a model first: deltarule "
            "train houses.csv --target NAME -o model.safetensors."
        ),
    ),
    (["gone.safetensors"], "gone.safetensors: no such file. Check the path."),
    (
        ["other.csv", "houses.csv"],
        "other.csv: not a safetensors file. deltarule reads what dr.save wrote.",
    ),
    (
        ["tasks.safetensors"],
        (
            "play takes an MLPClassifier, an MLPRegressor, a pipeline that ends with one, or a "
            "model of deltarule train (got MultiTaskMLP). Pass the estimator inside it, with the "
            "rows as that estimator sees them."
        ),
    ),
    (
        ["model.safetensors", "other.csv"],
        "the table has no column 'kind' (it has a, b). Choose one of these.",
    ),
    (
        ["own.safetensors", "houses.csv"],
        "the target must be named (the table has area, age, kind). Say --target NAME.",
    ),
    (
        ["own.safetensors", "houses.csv", "--target", "kin"],
        "the table has no column 'kin' (it has area, age, kind). Did you mean 'kind'?",
    ),
    (
        ["model.safetensors", "houses.csv", "--target", "area"],
        "--target must be that of the model, kind (got 'area'). Leave it out.",
    ),
    (
        ["--host", "0.0.0.0"],
        (
            "host must be of this machine alone, such as 127.0.0.1, unless token and allow_hosts "
            "are given (got '0.0.0.0' without token and allow_hosts). Leave host out, or give "
            "both: a token of your own, and the names under which browsers reach this machine."
        ),
    ),
    (
        ["model.safetensors", "houses.csv", "--record", "houses.csv"],
        "houses.csv cannot be written: it is the file that is read. Choose another path.",
    ),
    (
        ["own.safetensors", "--record", "page.html", "--steps", "100000"],
        "steps must be at most",
    ),
]


@pytest.mark.parametrize(("arguments", "sentence"), SENTENCES)
def test_what_cannot_be_shown_is_said(files, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(files)
    assert main(["play", *arguments]) == 1
    said = capsys.readouterr().err
    assert said == f"deltarule: {sentence}\n" or said.startswith(f"deltarule: {sentence} ")


# arguments, what does not go together
TOGETHER = [
    (["--target", "kind"], "--target needs a table"),
    (["model.safetensors", "--steps", "3"], "--steps needs --record"),
    (["--port", "70000"], "argument --port: must be a whole number from 0 to 65535 (got '70000')"),
]


@pytest.mark.parametrize(("arguments", "sentence"), TOGETHER)
def test_options_that_do_not_go_together_are_refused(capsys, arguments, sentence):
    with pytest.raises(SystemExit) as caught:
        main(["play", *arguments])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


#: Where the model, the table and an option stand.
ORDERS = [
    ["model", "table", "--port", "0"],
    ["model", "--port", "0", "table"],
    ["--port", "0", "model", "table"],
    ["model", "--port", "0", "-"],
]


@pytest.mark.parametrize("arguments", ORDERS)
def test_options_stand_anywhere(monkeypatch, arguments):
    met = []
    monkeypatch.setattr(play, "run", lambda args, out: met.append(args) or 0)
    assert main(["play", *arguments]) == 0
    table = "-" if "-" in arguments else "table"
    assert [(args.model, args.table, args.port) for args in met] == [("model", table, 0)]


@pytest.mark.parametrize("more", [["more"], ["--unknown"], ["--port", "0", "more", "yet"]])
def test_what_is_too_much_is_still_refused(capsys, more):
    with pytest.raises(SystemExit) as caught:
        main(["play", "model", "table", *more])
    assert caught.value.code == 2
    assert "unrecognized arguments: " in capsys.readouterr().err


def test_missing_libraries_are_named_with_the_line_that_installs_them(monkeypatch, capsys):
    for name in ("libraries", "serve", "app", "connection"):
        monkeypatch.delitem(sys.modules, f"deltarule.playground.{name}", raising=False)
        monkeypatch.delattr(f"deltarule.playground.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["play", "--no-browser"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("deltarule: The playground's server needs starlette, uvicorn and")
    assert said.endswith("Install them with pip install 'deltarule[play]'.\n")


def test_a_recording_is_one_file(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert main(["play", "own.safetensors", "--record", "page.html", "--steps", "7"]) == 0
    assert capsys.readouterr().out == "7 steps of own.safetensors in page.html\n"
    page = (files / "page.html").read_text(encoding="utf-8")
    assert "src=" not in page.partition("<body>")[0]
    assert 'id="recording"' in page
    assert main(["play", "--record", "xor.html", "--steps", "3"]) == 0
    assert capsys.readouterr().out == "3 steps of XOR in xor.html\n"
    given = ["play", "own.safetensors", "houses.csv", "--target", "kind", "--json"]
    assert main([*given, "--record", "page.html", "--steps", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 2
