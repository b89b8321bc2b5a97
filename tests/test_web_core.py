"""The core as WebAssembly, driven in Node, against the reference engine.

Every step is taken from the reference's own numbers and compared with it: parameters, moments and
loss after it, and under steps of one row z, a and δ, to 1e-12 relative to the largest entry. Runs
that go on by themselves are held to what the conformance suite promises of every engine.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from conformance import runs
from conformance.checks import relative
from in_node import ask, needs_node

import deltarule as dr
from deltarule import random
from deltarule.engines.base import Rule
from deltarule.engines.reference import ReferenceEngine
from deltarule.random import Generator, Stream

ONE_STEP, MANY_STEPS = 1e-12, 1e-9
REFERENCE = ReferenceEngine()

#: Settings of the conformance suite that the page's core knows: float64, dense rows.
EXTRAS = ("plain", "weights", "l1", "l2", "both")


def settings(count: int, seed: int) -> list[runs.Setting]:
    """Settings drawn at random, every pair of loss and output among them where `count` allows."""
    draw = np.random.default_rng(seed)
    free = {
        name: levels
        for name, levels in runs.FACTORS.items()
        if name not in ("pair", "dtype", "extra")
    }
    return [
        runs.Setting(
            pair=runs.PAIRS[index % len(runs.PAIRS)],
            dtype="float64",
            extra=EXTRAS[draw.integers(len(EXTRAS))],
            **{name: levels[draw.integers(len(levels))] for name, levels in free.items()},
        )
        for index in range(count)
    ]


def described(network: dr.Network) -> dict[str, Any]:
    return {
        "layers": [
            {
                "inputs": layer.inputs,
                "units": layer.units,
                "activation": layer.activation.name,
                "parameter": float(layer.activation.parameter),
                "bias": layer.bias,
            }
            for layer in network.layers
        ],
        "loss": network.loss.name,
        "parameter": float(network.loss.parameter),
    }


def case_of(run: runs.Run, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """A run as web/tests/core.ts takes it."""
    work, (X, D, weight) = run.work, run.rows(np.float64)
    assert isinstance(work.order, Rule)
    return {
        "network": described(run.network),
        "optimizer": work.optimizer.record(),
        "work": {
            "sampling": work.order.kind,
            "key": str(work.order.key),
            "batchSize": work.batch_size,
            "l1": work.l1,
            "l2": work.l2,
            "scale": work.scale,
            "clock": work.step_offset,
        },
        "rows": {"X": X, "D": D} | ({} if weight is None else {"weight": weight}),
        "calls": calls,
    }


@dataclasses.dataclass
class Drive:
    """A reference session, and beside it the calls that let the page's core do the same."""

    run: runs.Run

    def __post_init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.expected: list[Any] = []
        self.session = self.run.open(REFERENCE, np.float64)

    def load(self, moments: np.ndarray) -> None:
        """Both begin where the reference stands."""
        self._call(None, call="load", vector=self.session.vector(), moments=moments)

    def step(self, at: int) -> None:
        """One step, as a trace where it takes one row."""
        rates = self.run.rates[at : at + 1]
        single = self.run.work.batch_size == 1
        whole = {"call": "trace" if single else "run", "first": at, "rates": rates, "carried": 0.0}
        self._call(getattr(self.session, whole["call"])(self.run.work, at, rates), **whole)
        self.numbers()

    def go(self, begin: int, end: int, carried: float) -> float:
        """A run; returns what the epoch at its end has summed up."""
        rates = self.run.rates[begin:end]
        report = self.session.run(self.run.work, begin, rates, carried)
        self._call(report, call="run", first=begin, rates=rates, carried=carried)
        return float(report.losses[-1])

    def numbers(self) -> None:
        self._call((self.session.vector(), self.session.moments()), call="numbers")

    def answers(self) -> None:
        X, D, weight = self.run.rows(np.float64)
        gradient = self.session.loss_gradient(X, D, weight)
        self._call((self.session.predict(X), *gradient), call="answers")

    def _call(self, expected: Any, **call: Any) -> None:
        self.calls.append(call)
        self.expected.append(expected)


def errors(call: dict[str, Any], expected: Any, got: Any) -> list[tuple[str, float]]:
    """By how much each number of a call is off."""
    if call["call"] == "load":
        return []
    if call["call"] == "numbers":
        vector, moments = expected
        return [
            ("parameters", relative(got["vector"], vector)),
            ("moments", relative(got["moments"], moments.ravel())),
        ]
    if call["call"] == "answers":
        predictions, loss, gradient = expected
        scale = max(np.abs(gradient).max(), abs(loss))
        return [
            ("predictions", relative(got["predictions"], predictions.ravel())),
            ("loss", abs(got["loss"] - loss) / scale),
            ("gradient", float(np.abs(got["gradient"] - gradient).max() / scale)),
        ]
    report = expected if call["call"] == "run" else expected.report
    told = got if call["call"] == "run" else got["report"]
    assert (told["steps"], told["finite"]) == (report.steps, report.finite)
    found = [("losses", relative(told["losses"], report.losses))]
    if call["call"] == "trace":
        kinds = {
            "preActivations": expected.pre_activations,
            "outputs": expected.outputs,
            "deltas": expected.deltas,
        }
        found += [
            (name, relative(ours, theirs.ravel()))
            for name, arrays in kinds.items()
            for ours, theirs in zip(got[name], arrays, strict=True)
        ]
    return found


def hold(drives: list[tuple[runs.Setting, Drive]], tolerance: float) -> int:
    """Ask the page's core for the same and compare; returns the numbers of calls."""
    cases = [case_of(drive.run, drive.calls) for _, drive in drives]
    answer = ask("core.ts", {"cases": cases, "drawn": []})
    for (setting, drive), results in zip(drives, answer["cases"], strict=True):
        for call, expected, got in zip(drive.calls, drive.expected, results, strict=True):
            for what, error in errors(call, expected, got):
                assert error <= tolerance, f"{setting}: {what} off by {error:.3g}"
    return sum(len(drive.calls) for _, drive in drives)


def single_steps(setting: runs.Setting, steps: int, seed: int = 0) -> Drive:
    drive = Drive(runs.draw(setting, seed)[0])
    drive.load(np.zeros((drive.run.work.optimizer.moments, drive.run.network.size)))
    for at in range(steps):
        drive.step(at)
        drive.load(drive.session.moments())
    drive.answers()
    return drive


@needs_node
def test_steps_are_the_references():
    drives = [(setting, single_steps(setting, 15)) for setting in settings(45, seed=0)]
    hold(drives, ONE_STEP)


@needs_node
@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_steps_are_the_references(part):
    drives = [
        (setting, single_steps(setting, runs.STEPS, seed=1))
        for setting in settings(200, seed=1)[part::4]
    ]
    assert sum(call["call"] in ("run", "trace") for _, d in drives for call in d.calls) == 2500
    hold(drives, ONE_STEP)


@needs_node
def test_runs_go_on_like_the_references():
    drives = []
    for setting in settings(20, seed=2):
        drive = Drive(runs.draw(setting)[0])
        drive.load(np.zeros((drive.run.work.optimizer.moments, drive.run.network.size)))
        drive.go(0, runs.STEPS, 0.0)
        drive.numbers()
        drive.answers()
        drives.append((setting, drive))
    hold(drives, MANY_STEPS)


@needs_node
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_cut_changes_no_bit(batch_size):
    cases, cuts = [], (1, 5, 6, 17)
    for index, optimizer in enumerate(runs.OPTIMISERS):
        setting = runs.Setting(
            ("log_loss", "softmax"), "tanh", 2, optimizer, "float64", batch_size,
            ("replacement", "shuffle", "sequential")[index % 3], "both", True,
        )  # fmt: skip
        whole = Drive(runs.draw(setting)[0])
        whole.go(0, 40, 0.0)
        whole.numbers()
        cut, carried, begin = Drive(whole.run), 0.0, 0
        for end in (*cuts, 40):
            per_epoch = -(-runs.ROWS // batch_size)
            carried = cut.go(begin, end, carried if begin % per_epoch else 0.0)
            begin = end
        cut.numbers()
        cases += [case_of(drive.run, drive.calls) for drive in (whole, cut)]
    answer = ask("core.ts", {"cases": cases, "drawn": []})["cases"]
    for whole, cut in zip(answer[::2], answer[1::2], strict=True):
        for name in ("vector", "moments"):
            assert whole[-1][name].tobytes() == cut[-1][name].tobytes()


# ------------------------------------------------------------------ random numbers

KEYS = (0, 1, 2**53 - 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF)


def drawn(calls: list[dict[str, Any]]) -> list[Any]:
    return ask("core.ts", {"cases": [], "drawn": calls})["drawn"]


@needs_node
def test_words_are_the_librarys():
    places = ((0, 0, 0, 9), (1, 2**40, 3, 5), (4, 2**64 - 1, 2**33, 1), (2, 1, 6, 0))
    asked = [
        {"call": "words", "key": str(key), "stream": stream, "epoch": str(epoch)}
        | {"start": str(start), "count": count}
        for key in KEYS
        for stream, epoch, start, count in places
    ]
    for call, got in zip(asked, drawn(asked), strict=True):
        given = [int(call[name]) for name in ("key", "stream", "epoch", "start", "count")]
        assert got == [str(word) for word in random.words(*given)], call


@needs_node
def test_orders_are_the_librarys():
    asked = [
        {"call": "order", "kind": kind, "key": str(key), "epoch": str(epoch), "count": rows}
        for kind in random.SAMPLINGS
        for key in KEYS
        for epoch, rows in ((0, 1), (1, 2), (7, 11), (2**40, 600), (3, 5001))
    ]
    for call, got in zip(asked, drawn(asked), strict=True):
        given = call["kind"], int(call["key"]), int(call["epoch"]), call["count"]
        assert got == random.order(*given).tolist(), call


@needs_node
def test_uniform_and_normal_numbers():
    asked = [
        {"call": kind, "key": str(key), "stream": int(Stream.INITIAL), "epoch": "0", "count": 1001}
        for kind in ("uniform", "normal")
        for key in KEYS
    ]
    for call, got in zip(asked, drawn(asked), strict=True):
        generator = Generator(int(call["key"]), Stream.INITIAL)
        expected = getattr(generator, call["call"])(1001)
        if call["call"] == "uniform":
            assert (got == expected).all()
        else:  # another library's sine and logarithm
            assert relative(got, expected) <= 1e-15


# ------------------------------------------------------------------ memory, bad input, bad numbers

PLAIN = runs.Setting(
    ("squared_error", "identity"), "tanh", 1, "adam", "float64", 4, "shuffle", "weights", True
)  # fmt: skip


def plain(calls: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A case of the plain setting with other entries, ``work.scale`` for one inside."""
    case = case_of(runs.draw(PLAIN)[0], calls)
    for name, value in changes.items():
        *path, last = name.split("__")
        inner = case
        for part in path:
            inner = inner[int(part)] if part.isdigit() else inner[part]
        inner[last] = value
    return case


@needs_node
def test_sessions_leave_no_memory_behind():
    answers = {"call": "answers"}
    go = {"call": "run", "first": 0, "rates": np.full(30, 1e-3), "carried": 0.0}
    few = ask("core.ts", {"cases": [plain([go, answers])] * 20, "drawn": []})["bytes"]
    many = ask("core.ts", {"cases": [plain([go, answers])] * 1000, "drawn": []})["bytes"]
    assert few == many


@needs_node
def test_memory_grows_where_rows_are_many():
    random_numbers = np.random.default_rng(0)
    run = runs.draw(PLAIN)[0]
    rows = 300_000
    X = random_numbers.normal(size=(rows, run.network.n_inputs))
    D = random_numbers.normal(size=(rows, run.network.n_outputs))
    drive = Drive(dataclasses.replace(run, X=X, D=D, weight=None))
    drive.load(np.zeros((2, run.network.size)))
    drive.answers()
    hold([(PLAIN, drive)], MANY_STEPS)


REMEDY = "Reload the page if you did not write it."
RUN = {"call": "run", "first": 0, "rates": np.full(3, 0.1), "carried": 0.0}
LOAD = {"call": "load", "vector": np.zeros(3), "moments": np.zeros(3)}
SIGMOID = (
    "one of identity, logistic, tanh, relu, leaky_relu, sign, softmax, softplus, selu, gelu, silu, "
    "mish, exp (got 'sigmoid')."
)
# what is changed, what is called, what is named, and the rest of the sentence
REFUSED: list[tuple[dict[str, Any], list[Any], str, str]] = [
    ({"network__layers": []}, [], "the number of layers", "a whole number from 1 to 1000 (got 0)."),
    ({"network__layers__1__inputs": 4}, [],
     "layers[1].inputs", "3, the units of the layer below (got 4)."),
    ({"network__layers__0__units": 0}, [],
     "layers[0].units", "a whole number from 1 to 4000000 (got 0)."),
    ({"network__layers__0__activation": "sigmoid"}, [], "layers[0].activation", SIGMOID),
    ({"network__layers__0__parameter": np.nan}, [],
     "layers[0].parameter", "a finite number (got NaN)."),
    ({"network__layers__0__inputs": 3_000_000}, [],
     "the number of parameters", "a whole number from 1 to 4000000 (got 9000015)."),
    ({"optimizer": {"name": "lbfgs"}}, [],
     "optimizer", "one of sgd, momentum, nesterov, adam, adamw, rmsprop (got 'lbfgs')."),
    ({"optimizer": {"name": "momentum"}}, [],
     "momentum.momentum", "a finite number (got undefined)."),
    ({"rows__X": np.zeros(43)}, [],
     "X", "rows of 4 numbers, 64000000 at most (got an array of 43)."),
    ({"rows__X": np.zeros(0)}, [], "X", "one row at least (got an array of 0)."),
    ({"rows__D": np.zeros(5)}, [], "D", "an array of 33 numbers (got an array of 5)."),
    ({"rows__weight": np.zeros(5)}, [], "weight", "an array of 11 numbers (got an array of 5)."),
    ({"work__sampling": "random"}, [RUN],
     "sampling", "one of replacement, shuffle, sequential (got 'random')."),
    ({"work__batchSize": 0}, [RUN], "batchSize", "a whole number from 1 to 2147483647 (got 0)."),
    ({"work__scale": np.inf}, [RUN], "scale", "a finite number (got Infinity)."),
    ({"work__key": "-1"}, [RUN], "key", "from 0 to 2^64 - 1 (got -1)."),
    ({}, [RUN | {"first": 0.5}],
     "firstStep", "a whole number from 0 to 9007199254740991 (got 0.5)."),
    ({}, [RUN | {"call": "trace"}], "batchSize of a trace", "1 (got 4)."),
    ({}, [LOAD], "parameters", "an array of 27 numbers (got an array of 3)."),
]  # fmt: skip


@needs_node
def test_what_does_not_fit_is_refused():
    cases = [plain(calls, **changes) for changes, calls, *_ in REFUSED]
    answer = ask("core.ts", {"cases": cases, "drawn": []})["cases"]
    told = [results[-1]["problem"] for results in answer]
    assert told == [f"{name} must be {rest} {REMEDY}" for *_, name, rest in REFUSED]


@needs_node
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_run_that_diverges_stops_in_front_of_its_update(batch_size):
    wild = {"call": "run", "first": 0, "rates": np.full(60, 1e200), "carried": 0.0}
    case = plain([wild, {"call": "numbers"}], work__batchSize=batch_size, optimizer={"name": "sgd"})
    ((report, numbers),) = ask("core.ts", {"cases": [case], "drawn": []})["cases"]
    assert not report["finite"]
    assert 1 < report["steps"] < 60
    assert not np.isfinite(report["losses"]).all()
    assert np.isfinite(numbers["vector"]).all()
