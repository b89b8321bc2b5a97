"""No option is taken and ignored: it acts, or the command line is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import deltarule as dr
from deltarule.cli import main


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "t.csv"
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 2))
    lines = [f"{a:.3f},{b:.3f},{i},{a - b:.3f}" for i, (a, b) in enumerate(x.tolist())]
    path.write_text("a,b,n,y\n" + "\n".join(lines) + "\n")
    return path


def trained(table, folder, *words):
    options = ["--epochs", "3", "--hidden", "4", "--validation", "0", "-q", *words]
    assert main(["train", str(table), "--target", "y", "-o", str(folder / "m"), *options]) == 0
    return dr.load(folder / "m").estimator


@pytest.mark.parametrize("solver", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])
def test_every_schedule_acts_with_every_solver_that_goes_by_steps(table, tmp_path, solver):
    def losses(schedule):
        words = ("--solver", solver, "--schedule", schedule, "--learning-rate", "0.0001")
        return tuple(trained(table, tmp_path, *words).loss_curve_)

    # The adaptive one acts at a plateau, which three epochs do not reach.
    asked = ("constant", "invscaling", "cosine", "cyclic_cosine", "one_cycle")
    assert len({losses(schedule) for schedule in asked}) == len(asked)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_step_schedule_halves_the_step_size_every_ten_epochs(table, tmp_path, solver):
    def losses(schedule):
        words = ("--solver", solver, "--schedule", schedule, "--epochs", "12")
        return trained(table, tmp_path, *words).loss_curve_

    steps, constant = losses("step"), losses("constant")
    assert steps[:10] == constant[:10]
    assert steps[10:] != constant[10:]


def test_adaptive_acts_with_adam(table, tmp_path):
    words = ("--solver", "adam", "--schedule", "adaptive")
    assert trained(table, tmp_path, *words).learning_rate == dr.Adaptive()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        *(
            (["--solver", "lbfgs", option, value], f"argument {option}: not with --solver lbfgs")
            for option, value in (
                ("--schedule", "cosine"),
                ("--learning-rate", "0.002"),
                ("--batch-size", "100"),
                ("--validation", "0.1"),
                ("--patience", "20"),
            )
        ),
        (["--hidden", "0", "--activation", "tanh"], "argument --activation: not with --hidden 0"),
    ],
)
def test_options_that_do_not_go_together(capsys, table, words, sentence):
    with pytest.raises(SystemExit) as caught:
        main(["train", str(table), "--target", "y", *words])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--json"], ["--dir", "here"]])
def test_the_notes_take_no_other_option(capsys, words):
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--notes", *words])
    assert caught.value.code == 2
    assert f"argument {words[0]}: not with --notes" in capsys.readouterr().err


def test_lbfgs_leaves_what_it_has_no_use_for_at_its_default(table, tmp_path):
    words = ["train", str(table), "--target", "y", "-o", str(tmp_path / "m"), "-q", "--seed", "1"]
    assert main([*words, "--solver", "lbfgs", "--epochs", "5"]) == 0
    settings, default = dr.load(tmp_path / "m").estimator.get_params(), dr.MLPRegressor()
    for name in ("learning_rate", "learning_rate_init", "batch_size", "early_stopping"):
        assert settings[name] == getattr(default, name)


def test_too_few_rows_for_the_validation_that_was_asked_for(capsys, tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i % 7},{i % 2}\n" for i in range(40)))
    words = ["train", tmp_path / "t.csv", "--target", "y", "-o", tmp_path / "m", "--epochs", 2]
    words = [*map(str, words), "--json"]
    assert main([*words, "--validation", "0.2"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [
        "too few rows to set any aside for --validation"
    ]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []


def test_a_counting_column_that_is_called_categorical_stays(capsys, table, tmp_path):
    words = ["train", str(table), "--target", "y", "-o", str(tmp_path / "m"), "--epochs", "1"]
    assert main([*words, "--json"]) == 0
    assert "n" in json.loads(capsys.readouterr().out)["notes"][0]
    assert main([*words, "--json", "--categorical", "n"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []
    assert "n" in [column.name for column in dr.load(tmp_path / "m").columns.columns]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "y",
            (
                "--categorical names the target column 'y'. Leave it out, and say --task "
                "classification where its values are classes."
            ),
        ),
        ("a", "--categorical names 'a', which --drop names too. Leave it out of one."),
    ],
)
def test_a_column_cannot_be_two_things(capsys, table, tmp_path, name, sentence):
    words = ["train", str(table), "--target", "y", "--drop", "a", "--categorical", name]
    assert main([*words, "-o", str(tmp_path / "m")]) == 1
    assert capsys.readouterr().err == f"deltarule: {sentence}\n"


def test_huge_targets_end_in_one_sentence(capsys, tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "0.1,1e300\n0.7,2e300\n" * 10)
    words = ["train", str(tmp_path / "t.csv"), "--target", "y", "-o", str(tmp_path / "m"), "-q"]
    assert main([*words, "--task", "regression"]) == 1
    assert capsys.readouterr().err.startswith("deltarule: column 'y' must hold numbers whose mean")
    assert main([*words, "--epochs", "2"]) == 0
    assert dr.load(tmp_path / "m").classes_.tolist() == ["1e300", "2e300"]
