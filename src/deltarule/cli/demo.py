"""Train, judge and use a network on real data, step by step.

Every step is a command that the reader can type: the demo writes a CSV file and runs the very
code of ``deltarule train``, ``evaluate`` and ``predict`` on it. Beside it stands scikit-learn's
MLPClassifier with the same settings on the same rows.
"""

from __future__ import annotations

import argparse
import csv
import os
import shlex
import tempfile
import textwrap
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deltarule.cli.output import Output, shown, text_table
from deltarule.cli.progress import Progress

if TYPE_CHECKING:
    from deltarule.cli.train import Outcome
    from deltarule.definitions import Array

DESCRIPTION = """\
Train, judge and use a network on 1797 pictures of handwritten digits that come with
scikit-learn, through the commands train, evaluate and predict themselves, beside
scikit-learn's MLPClassifier with the same settings."""

EPOCHS = 60
# scikit-learn's own settings, so that both do the same work, epoch for epoch.
SETTINGS = (
    f"--hidden 100 --solver adam --schedule constant --learning-rate 0.001 --batch-size 200 "
    f"--epochs {EPOCHS} --validation 0 --patience {EPOCHS} --threads 1"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument(
        "--notes",
        action="store_true",
        help="show the lecture notes instead, run line by line with all numbers",
    )
    parser.add_argument(
        "--dir",
        metavar="FOLDER",
        help="where to put the table, the model and the predictions "
        "(default: a new temporary folder)",
    )


def check(args: argparse.Namespace) -> str | None:
    """What is wrong with options that do not go together, or None."""
    for name in ("json", "dir"):
        if args.notes and getattr(args, name):
            return f"argument --{name}: not with --notes, which prints text and writes no file"
    return None


def run(args: argparse.Namespace, out: Output) -> int:
    """The whole demo."""
    if args.notes:
        from deltarule.cli import notes

        notes.run()
        return 0
    folder = _folder(args.dir)
    shower = Output(json=False, quiet=out.json)
    with Progress(wanted=not out.json) as progress:
        progress.doing("loading")
        table = _write_digits(folder / "digits.csv")
    shower.lines(
        "Handwritten digits: 1797 pictures of 8 × 8 grey values and the digit that each shows.",
        f"All files of this demo are in {folder}",
        "",
    )
    outcome = _train(folder, table, shower)
    problem = outcome.record.get("error")
    if problem is not None:
        out.result({"command": "demo", "train": outcome.record, "error": problem})
        return out.error(problem["message"])
    comparison = _compare(outcome, shower)
    held_out = _write_rows(folder / "digits-held-out.csv", table, outcome.parts.holdout)
    evaluation = _command(shower, folder, "evaluate", "digits.safetensors", held_out.name)
    predictions = _predict(folder, held_out, shower)
    picture = _draw(outcome, folder / "digits-loss.png", shower)
    _say_next(folder, shower)
    out.result(
        {
            "command": "demo",
            "folder": str(folder),
            "train": outcome.record,
            "comparison": comparison,
            "evaluate": evaluation,
            "predictions": str(predictions),
            "picture": None if picture is None else str(picture),
        }
    )
    return 0


def _folder(given: str | None) -> Path:
    from deltarule.exceptions import OutputPathError

    if given is None:
        return Path(tempfile.mkdtemp(prefix="deltarule-demo-"))
    try:
        Path(given).mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputPathError(
            f"{given} cannot be made: {problem.strerror or problem}. Choose another folder."
        ) from None
    return Path(given)


def _write_digits(path: Path) -> Path:
    from sklearn.datasets import load_digits

    digits = load_digits()
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    lines = [[*names, "digit"]]
    for pixels, digit in zip(digits.data.astype(int).tolist(), digits.target, strict=True):
        lines.append([*map(str, pixels), str(digit)])
    return _write_lines(path, lines)


def _write_rows(path: Path, table: Path, rows: Array) -> Path:
    """The header and some rows of a CSV file as a file of their own."""
    with open(table, newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    return _write_lines(path, [lines[0], *[lines[1 + row] for row in rows.tolist()]])


def _write_lines(path: Path, lines: list[list[str]]) -> Path:
    from deltarule.persistence import replace_file

    replace_file(path, "".join(",".join(line) + "\n" for line in lines).encode())
    return path


def _as_typed(words: Iterable[str]) -> list[str]:
    """The command as a person would type it, in lines that fit a terminal."""
    lines = textwrap.wrap(
        f"$ deltarule {shlex.join(words)}", 88, break_long_words=False, break_on_hyphens=False
    )
    first, *rest = [f"{line} \\" for line in lines[:-1]] + lines[-1:]
    return [first, *(f"    {line}" for line in rest)]


def _train(folder: Path, table: Path, out: Output) -> Outcome:
    from deltarule.cli import build_parser, train

    words = ["train", table.name, "--target", "digit", *shlex.split(SETTINGS)]
    words += ["-o", "digits.safetensors"]
    out.lines(*_as_typed(words))
    args = build_parser().parse_args(_in_folder(words, folder))
    outcome = train.train(args, out)
    out.line()
    return outcome


def _command(out: Output, folder: Path, *words: str) -> dict[str, Any]:
    """Run a command as a user would type it in the folder; its record."""
    from deltarule.cli import COMMANDS, build_parser

    out.lines(*_as_typed(words))
    args = build_parser().parse_args(_in_folder(list(words), folder))
    recorder = _Recorder(quiet=out.quiet)
    COMMANDS[args.command].run(args, recorder)
    out.line()
    return recorder.record


class _Recorder(Output):
    """Shows text and keeps the record that would be the JSON."""

    record: dict[str, Any]

    def result(self, record: dict[str, Any]) -> None:
        self.record = record


def _in_folder(words: list[str], folder: Path) -> list[str]:
    files = (".csv", ".safetensors")
    return [str(folder / word) if word.endswith(files) else word for word in words]


def _compare(outcome: Outcome, out: Output) -> dict[str, Any]:
    """scikit-learn's network on the same inputs, in the same precision, for the same epochs."""
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    model, record, parts = outcome.model, outcome.record, outcome.parts
    training, holdout = parts.table.take(parts.training), parts.table.take(parts.holdout)
    X, y = model.columns.transform(training), model.target.encode(training)
    X_test, y_test = model.columns.transform(holdout), model.target.encode(holdout)
    theirs = MLPClassifier(
        hidden_layer_sizes=(100,), max_iter=EPOCHS, n_iter_no_change=EPOCHS, random_state=0
    )
    with Progress(wanted=not out.quiet) as progress, warnings.catch_warnings():
        progress.doing("scikit-learn's MLPClassifier")
        warnings.simplefilter("ignore")  # it did not converge, as asked
        # One thread on both sides: a network this small gains nothing from a second one.
        with threadpool_limits(1):
            began = time.perf_counter()
            theirs.fit(X, y)
            seconds = time.perf_counter() - began
    found = {
        "deltarule": {
            "train_accuracy": float(model.estimator.score(X, y)),
            "test_accuracy": record["scores"]["network"],
            "epochs": record["epochs"],
            "seconds": record["seconds"]["network"],
            "engine": record["engine"],
        },
        "scikit-learn": {
            "train_accuracy": float(theirs.score(X, y)),
            "test_accuracy": float(theirs.score(X_test, y_test)),
            "epochs": int(theirs.n_iter_),
            "seconds": seconds,
        },
    }
    rows = [
        ["same network, rows, steps, precision; one thread", "train", "held out", "epochs", "fit"]
    ]
    for name, scores in found.items():
        engine = f", {scores['engine']} engine" if "engine" in scores else "'s MLPClassifier"
        rows.append(
            [
                f"  {name}{engine}",
                shown(scores["train_accuracy"]),
                shown(scores["test_accuracy"]),
                str(scores["epochs"]),
                f"{scores['seconds']:.3f} s",
            ]
        )
    out.lines(*text_table(rows))
    ratio = seconds / found["deltarule"]["seconds"]
    out.lines(f"  {pace(ratio)} here.", "")
    return {**found, "times_as_fast": ratio}


def pace(ratio: float) -> str:
    """How fast, in words, given how many times as fast.

    Examples
    --------
    >>> pace(4.2), pace(1.04), pace(0.5)
    ('4.2 times as fast', 'About as fast', '2.0 times as slow')
    """
    if 0.9 < ratio < 1.1:
        return "About as fast"
    return f"{ratio:.1f} times as fast" if ratio > 1 else f"{1 / ratio:.1f} times as slow"


def _predict(folder: Path, held_out: Path, out: Output) -> Path:
    words = ("predict", "digits.safetensors", held_out.name, "-o", "digits-predicted.csv")
    _command(out, folder, *words)
    path = folder / "digits-predicted.csv"
    predicted = path.read_text(encoding="utf-8").split()[1:]
    with open(held_out, newline="", encoding="utf-8") as file:
        actual = [line["digit"] for line in csv.DictReader(file)]
    out.lines(
        *text_table([["  predicted", *predicted[:12]], ["  it shows", *actual[:12]]]),
        "",
    )
    return path


def _draw(outcome: Outcome, path: Path, out: Output) -> Path | None:
    """The curve of the loss as a picture, where matplotlib is installed."""
    try:
        with Progress(wanted=not out.quiet) as progress:
            progress.doing("drawing")
            from matplotlib.figure import Figure

            figure = Figure(figsize=(6, 4), layout="constrained")
            axes = figure.subplots()
            losses = outcome.model.estimator.loss_curve_
            axes.semilogy(range(1, len(losses) + 1), losses)
            axes.set(xlabel="epoch", ylabel="training loss", title="digits")
            axes.grid(alpha=0.3)
            figure.savefig(path, dpi=120)
    except ImportError:
        out.lines("No picture of the loss: matplotlib is not installed.", "")
        return None
    out.lines(f"The loss of every epoch is drawn in {path}", "")
    return path


def _say_next(folder: Path, out: Output) -> None:
    model = shlex.quote(os.path.join(folder, "digits.safetensors"))
    out.lines(
        "Try next:",
        "  deltarule demo --notes",
        f"  deltarule inspect {model}",
        "  deltarule train YOUR-TABLE.csv --target YOUR-COLUMN",
    )
