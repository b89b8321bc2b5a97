"""The benchmark's own parts, without a clock: protocol, specs, sides, ratios, verdicts, tables."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import deltarule as dr

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import charts  # noqa: E402
import data  # noqa: E402
import measuring  # noqa: E402
import online  # noqa: E402
import options  # noqa: E402
import protocol  # noqa: E402
import rows  # noqa: E402
import run  # noqa: E402
import scaling  # noqa: E402
import sides  # noqa: E402
import specs  # noqa: E402
import tables  # noqa: E402
import targets  # noqa: E402

FAKE = """
import os, sys, time
sys.path.insert(0, {folder!r})
from protocol import pin, serve

class Fake:
    def environment(self):
        return {{"threads": os.environ["OMP_NUM_THREADS"], "pinned": pinned,
                "forced": os.environ.get("OPENBLAS_CORETYPE", "no")}}
    def noise(self):
        print("a library talks")
        return {{"loss": 0.5}}
    def fail(self):
        raise ValueError("two lines\\nof which one is told")
    def die(self):
        sys.stderr.write("last words\\n")
        os._exit(3)
    def sleep(self):
        time.sleep(60)

pinned = pin()
serve(Fake())
"""


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    program = FAKE.format(folder=str(BENCHMARKS))
    found = protocol.Worker([sys.executable, "-c", program], 1, limit=20.0)
    yield found
    found.end()


def test_a_worker_is_pinned_and_told_its_threads(worker: protocol.Worker) -> None:
    assert worker.ask("environment") == {"threads": "1", "pinned": 1, "forced": "no"}


def test_what_libraries_print_is_no_answer(worker: protocol.Worker) -> None:
    assert worker.ask("noise") == {"loss": 0.5}


def test_an_exception_comes_back_as_a_sentence(worker: protocol.Worker) -> None:
    with pytest.raises(protocol.SideError, match=r"^ValueError: two lines$"):
        worker.ask("fail")
    assert worker.ask("noise") == {"loss": 0.5}


def test_a_dead_worker_says_its_status(worker: protocol.Worker) -> None:
    for call in ("die", "noise"):
        with pytest.raises(protocol.SideError, match="its process ended with status 3: last words"):
            worker.ask(call)
        assert not worker.alive


def test_silence_ends_a_worker(worker: protocol.Worker) -> None:
    worker.ask("noise")
    worker._limit = 0.0
    with pytest.raises(protocol.SideError, match="no answer in 0 s"):
        worker.ask("sleep")
    assert not worker.alive


SPEC = specs.Spec("normal 5 3 60", (5, 8, 3), "tanh", optimizer="nesterov", rate=0.1, batch=20,
                  epochs=4, sampling="sequential", decay=0.05, dtype="float64")  # fmt: skip


def test_a_spec_survives_json() -> None:
    assert specs.Spec.of(json.loads(json.dumps(SPEC.record()))) == SPEC


def test_the_yardstick_is_our_objective() -> None:
    from sides import ours

    X, D, _ = data.load(SPEC.data, SPEC.dtype)
    network = ours.network_of(SPEC)
    start = ours.parameters_at_start(network, SPEC)
    penalty = ours.plan_of(SPEC, len(X)).penalty
    expected = dr.objective(network, start, X, D, penalty=penalty)
    assert specs.objective(SPEC, specs.layers_at_start(SPEC), X, D) == pytest.approx(expected)


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam"])
@pytest.mark.parametrize("output", ["softmax", "identity"])
def test_scikit_learn_descends_the_same_objective(optimizer: str, output: str) -> None:
    """The same start, order and penalty: after 12 steps the losses agree to rounding."""
    from sides.ours import Train
    from sides.scikit_learn import ScikitLearn

    loss = "log_loss" if output == "softmax" else "squared_error"
    spec = SPEC.but(optimizer=optimizer, output=output, loss=loss, rate=0.01)
    if output == "identity":
        spec = spec.but(data="smooth 5 3 60")
    ended = []
    for side in (Train(1), ScikitLearn(1)):
        side.prepare(spec.record())
        outcome = side.run()
        assert outcome["steps"] == 12
        assert len(outcome["curve"]) == 4
        ended.append(side.judge()["loss"])
    assert ended[0] == pytest.approx(ended[1], rel=1e-6)
    start = specs.objective(spec, specs.layers_at_start(spec), side.X, side.D)
    assert ended[0] < start - 1e-3


def test_a_penalty_of_another_size_would_be_noticed() -> None:
    from sides.ours import Train

    ended = []
    for decay in (0.05, 0.05 / 3):
        side = Train(1)
        side.prepare(SPEC.but(decay=decay).record())
        side.run()
        side.spec = SPEC
        ended.append(side.judge()["loss"])
    assert abs(ended[0] - ended[1]) > 1e-4


def test_the_estimator_is_told_what_train_is_told() -> None:
    from sides.ours import Estimator

    side = Estimator(1)
    side.prepare(SPEC.record())
    outcome = side.run()
    assert (outcome["steps"], len(outcome["curve"])) == (12, 4)
    assert side.fitted.alpha == 0.05 * 60
    assert math.isfinite(side.judge()["loss"])


def test_rows_are_predicted_one_by_one() -> None:
    from sides.base import rows_one_by_one
    from sides.ours import Predictor

    shapes: list[Any] = []
    for flat in (False, True):
        rows_one_by_one(lambda row: shapes.append(row.shape), np.ones((2, 5)), 3, flat=flat)
    assert shapes == 4 * [(1, 5)] + 4 * [(5,)]  # one call before the clock starts
    side = Predictor(1)
    side.prepare(SPEC.record())
    assert side.predict_row(3)["steps"] == 3


def test_orders_are_our_own_and_cover_the_rows() -> None:
    order = specs.orders(SPEC.but(sampling="shuffle"), 60)
    assert order.shape == (4, 3, 20)
    assert (np.sort(order.reshape(4, 60)) == np.arange(60)).all()
    with pytest.raises(ValueError, match="61 rows are no multiple of the batch of 20"):
        specs.orders(SPEC, 61)


def test_exponentials_are_scipys() -> None:
    X, D, _ = data.load("expm", "float64")
    expected = scipy.linalg.expm(X.reshape(-1, 2, 2)).reshape(-1, 4)
    np.testing.assert_allclose(D, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("xor 8", ((8, 2), (8, 1))),
        ("iris", ((150, 4), (150, 3))),
        ("digits 30", ((30, 64), (30, 10))),
        ("normal 6 4 50", ((50, 6), (50, 4))),
        ("smooth 6 2 50", ((50, 6), (50, 2))),
        ("diabetes", ((442, 10), (442, 1))),
    ],
)
def test_data_have_their_shapes(name: str, shapes: Any) -> None:
    X, D, y = data.load(name, "float32")
    assert (X.shape, D.shape) == shapes
    assert (X.dtype, D.dtype, len(y)) == (np.float32, np.float32, len(X))
    assert data.load(name, "float32", 5)[1].shape == (5, D.shape[1])


def test_missing_data_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DELTARULE_DATA", str(tmp_path))
    with pytest.raises(data.MissingDataError) as caught:
        data.load("mnist", "float32")
    assert str(caught.value) == (
        "mnist.npz is not here. Name the folder that holds it with DELTARULE_DATA."
    )


class FakeWorker:
    """Takes a fixed time for a step and ends at a fixed loss; some cannot, some lose the curve."""

    alive = True

    def __init__(self, side: str, cores: int) -> None:
        self.side, self.cores = side, cores

    def ask(self, call: str, **arguments: Any) -> dict[str, Any]:
        if call == "prepare":
            self.spec = specs.Spec.of(arguments["spec"])
            if self.side == "torch":
                raise protocol.SideError("cannot")
            return {}
        if call == "run":
            steps = self.spec.steps(60)
            step = {"train": 1e-6, "estimator": 2e-6, "sklearn": 1e-4, "jax": 3e-6}[self.side]
            curve = [1.0] * (self.spec.epochs - (self.side == "estimator"))
            seconds = step * steps / self.cores
            return {"seconds": seconds, "cpu_seconds": 1.0, "steps": steps, "curve": curve}
        if call == "judge":
            # The loss depends on the epochs done; JAX ends elsewhere.
            return {"loss": 1.0 / self.spec.epochs + 0.5 * (self.side == "jax")}
        return {f"version of {self.side}": "1"}


def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(measuring, "missing", lambda side: None)
    staff = measuring.Staff(lambda text: None, FakeWorker)
    row = rows.Row("R", "a row", SPEC, rows.MICROSECONDS, slow={"epochs": 1})
    return measuring.measure(row, staff, (1, 2), 3)


def test_a_row_has_medians_ratios_and_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    record = measured(monkeypatch)
    train, sklearn = record["sides"]["train"], record["sides"]["sklearn"]
    assert train["1"]["value"] == pytest.approx(1.0)
    assert train["2"]["to_one_core"] == pytest.approx(0.5)
    assert sklearn["1"]["ratio"] == pytest.approx(100.0)
    assert sklearn["1"]["steps"] == 3  # one epoch of the four
    assert record["sides"]["torch"]["1"] == {"error": "cannot"}
    assert record["sides"]["estimator"]["1"] == {"error": "recorded the loss of 3 epochs of 4"}


def test_losses_are_compared_after_equal_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """scikit-learn's loss after one epoch equals ours after one epoch; JAX's differs."""
    record = measured(monkeypatch)
    assert record["disagreements"] == [
        f"R: JAX on {cores} ends at a loss of 0.75, dr.train at 0.25" for cores in (1, 2)
    ]


def small_result(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    record = measured(monkeypatch) | {"id": "H6b"}
    result = {
        "date": "2000-01-01",
        "machine": {"processor": "Abacus", "cores": 2, "instruction_set": "beads"},
        "versions": {"python": "3", "sklearn": "1"},
        "rows": [record],
        "products": {
            "isa": "beads",
            "peak": {"float32": 100.0, "float64": 50.0},
            "rows": [
                {"dtype": "float32", "inputs": 64, "units": 100, "batch": 200, "gflops": 70.0,
                 "product": "forward", "share": 0.70},
            ],
        },
        "scaling": [
            {"axis": axis, "at": at, **record} for axis in ("width", "batch") for at in (4, 64)
        ],
        "options": [
            {"regime": "batch", "group": "dtype", "name": "float64", "road": "compiled: high",
             "cost": 2.0}
        ],
        "wheel_bytes": 2_500_000,
        "online": [
            {"network": "4-16-3", "call": "learner.step",
             "deltarule": {"calls": 5, "median": 1.5, "p999": 18.0},
             "sklearn": {"calls": 5, "median": 300.0, "p999": 900.0}},
            {"network": "4-16-3", "call": "learner.predict, dropout",
             "deltarule": {"calls": 5, "median": 2.5, "p999": 8.0}},
        ],
        "cold": {
            "import numpy": {"wall": 0.1, "cpu": 0.1},
            "import deltarule": {"wall": 0.115, "cpu": 0.1},
            "scikit-learn loads iris": {"wall": 1.0, "cpu": 1.0},
            "deltarule fits iris": {"wall": 1.06, "cpu": 1.0},
        },
        "capture": "$ deltarule train",
    }  # fmt: skip
    result["verdicts"] = [verdict.record() for verdict in targets.verdicts(result)]
    return result


def test_verdicts_say_by_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {one["text"]: one for one in small_result(monkeypatch)["verdicts"]}
    expected = {
        "H6b: times JAX, one core": (3.0, 3.0, True, 1.0),
        "H6b: times the best rival on two cores, jax": (4.5, 3.0, False, 3.0 / 4.5),
        "H6b: two threads to one": (1.05, 0.5, True, 2.1),
        "forward 64→100, batch 200: of the peak": (0.75, 0.70, False, 0.70 / 0.75),
        "online 4-16-3, learner.step: times scikit-learn": (1.0, 200.0, True, 200.0),
        "online 4-16-3, learner.step: 99.9 % in medians": (10.0, 12.0, False, 10 / 12),
        "online 4-16-3, learner.step, µs": (3.0, 1.5, True, 2.0),
        "H8: our wheel, MB": (3.0, 2.5, True, 1.2),
        "H8: import deltarule, ms beyond import numpy": (20.0, 15.0, True, 20 / 15),
        "H8: deltarule fits iris, ms beyond scikit-learn loads iris": (
            50.0,
            60.0,
            False,
            5 / 6,
        ),
        "H6b: µs a step, one core": (72, 1.0, True, 72.0),
        "H6b: times sklearn": (3.0, 100.0, True, 100.0 / 3),
    }
    for text, (wanted, value, reached, margin) in expected.items():
        one = found[text]
        assert (one["wanted"], one["reached"]) == (wanted, reached), text
        assert one["found"] == pytest.approx(value), text
        assert one["margin"] == pytest.approx(margin), text


def test_nothing_measured_reaches_nothing() -> None:
    verdict = targets.Verdict("rule", "x", 1.0, math.nan)
    assert not verdict.reached
    assert targets.verdicts({"rows": []}) == []


def test_targets_name_rows_that_exist() -> None:
    ids = {row.id for row in rows.ROWS}
    named = {*targets.TO_JAX, *targets.TO_BEST, *targets.FIGURES}
    assert named | {row for row, _ in targets.FLOORS} <= ids
    asked = {side for row in rows.ROWS for side in row.sides}
    assert asked <= set(sides.SIDES)


def test_calls_of_a_stream_are_timed_in_turns() -> None:
    met: list[str] = []
    sides = {side: (lambda side=side: met.append(side)) for side in ("deltarule", "sklearn")}
    found = online.in_turns(sides, 400, 100)
    assert [found[side]["calls"] for side in sides] == [400, 100]
    assert met[:250] == ["deltarule"] * 200 + ["sklearn"] * 50
    assert online.summary(np.arange(1001) * 1000)["p999"] == pytest.approx(999.0)
    for network in online.NETWORKS:
        for sides in online.calls(*network).values():
            for call in sides.values():
                call()


def test_points_of_scaling_have_whole_batches() -> None:
    for axis, at, row in scaling.points():
        made = int(row.spec.data.split()[-1])
        assert made % row.spec.batch == 0, (axis, at)
        assert row.spec.steps(made) >= scaling.FEWEST, (axis, at)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.12345, "0.123"), (1.0, "1"), (38.44, "38.4"), (999.4, "999"),
     (98123.0, "98\N{NARROW NO-BREAK SPACE}100")],
)  # fmt: skip
def test_numbers_have_three_digits(value: float, shown: str) -> None:
    assert tables.number(value) == shown


def test_tables_say_what_the_result_says(monkeypatch: pytest.MonkeyPatch) -> None:
    result = small_result(monkeypatch)
    short = tables.speeds_short(result, "day.json")
    assert "| a row, µs a step | 1 | 100 | – | 3 | 3× JAX | 0.25 / 0.75 |" in short
    assert "The least ratio is 3×, to JAX on one core: H6b, a row." in short
    assert "Abacus, 2 cores (beads)" in short
    assert "`benchmarks/results/day.json`" in short
    full = tables.speeds(result, "day.json")
    assert "| **H6b** a row, µs a step | 1 / 0.5 | – | 100 / 50 | – | – | 3 / 1.5 | – |" in full
    losses = tables.losses(result, "day.json")
    assert "| H6b | 0.25 | – | (1) | – | – | 0.75 |" in losses
    assert "- H6b, torch: not measured, cannot." in losses
    assert "| float32 | 64→100, batch 200 | 70 % | – | – |" in tables.products(result, "")
    # 2 · 20 · (3 · 64 − 40) operations in a microsecond are 6.08 GFLOP/s.
    assert "| H6b, a row | 6.08 | 12 % |" in tables.products(result, "")
    assert "All of them: compiled.\n" in tables.options(result, "")
    assert "| dtype | float64 | high | 2.00 |" in tables.options(result, "")
    assert "| width | 4 | 1 / 0.5 | – | 100 / 50 | – | 3 / 1.5 | 3× JAX |" in tables.scaling(
        result, ""
    )
    assert "| H8: our wheel, MB | rule | 3 | 2.5 | reached | 1.20 |" in tables.verdicts(result, "")
    calls = tables.online(result, "")
    assert "| 4-16-3, learner.step | 1.5 | 18 | 300 | 900 | 200× |" in calls
    assert "| 4-16-3, learner.predict, dropout | 2.5 | 8 | – | – |  |" in calls
    assert "| import deltarule | 115 | 100 |" in tables.cold(result, "")
    assert "Our wheel is 2.5 MB." in tables.cold(result, "")
    assert tables.mnist(result, "") == "Not measured in this run.\n"


def test_an_option_that_a_regime_refuses() -> None:
    found = [
        {"regime": regime, "group": "layers", "name": name, "road": "compiled: high", "cost": 2.0}
        for regime, name in (("batch", "dropout"), ("batch", "norm"), ("sample", "dropout"))
    ]
    text = tables.options({"options": found}, "")
    assert "| layers | dropout | high | 2.00 | high | 2.00 |" in text
    assert "| layers | norm | high | 2.00 | refused |  |" in text


def test_sections_that_are_measured_again_say_so() -> None:
    before = {"date": "d1", "machine": {"load_before": 0.1}, "options": [1], "rows": [2]}
    after = {"date": "d2", "machine": {"load_before": 0.3}, "versions": {}, "options": [3]}
    merged = run.again(before, after | {"seconds": 1, "quick": False})
    about = {"date": "d2", "load_before": 0.3, "versions": {}}
    assert merged == before | {"options": [3], "measured_again": {"options": about}}


@pytest.mark.parametrize("option", [options.PLAIN, *options.OPTIONS], ids=lambda o: o.name)
def test_options_are_trainings(option: options.Option) -> None:
    network = option.network()
    assert dr.TrainingPlan(**option.plan)
    assert (network.units[0], *set(network.units[1:-1]), network.units[-1]) == (64, 100, 10)
    refused = [layer.objection(1) for layer in network.layers if layer.objection(1)]
    assert bool(refused) == (option.name == "batch normalization")


def test_only_what_stands_between_markers_changes() -> None:
    text = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n"
    assert tables.between_markers(text, "x", "new\n") == text.replace("old", "new")
    assert tables.between_markers(text, "y", "new\n") == text


def test_charts_name_sides_and_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(charts, "DOCS", tmp_path)
    drawn = charts.draw(small_result(monkeypatch), "day.json")
    assert [path.name for path in drawn] == [Path(name).name for name in tables.CHARTS]
    for path in drawn:
        text = path.read_text(encoding="utf-8")
        assert "benchmarks/results/day.json" in text
        for title in ("dr.train", "JAX", "scikit-learn"):
            assert f">{title}<" in text


def test_the_program_explains_itself() -> None:
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--quick" in answer.stdout
