"""Every number that the page gets, against the library's own engine, bit for bit.

What a page would ask goes through the bytes of the wire, step after step, over random networks and
plans. Each trace is held against `trace_step` on the same numbers, each step against a run of the
engine's session, each epoch against `train`. `make test-long` takes ten thousand steps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from playground_asks import opening

import deltarule as dr
from deltarule import engines
from deltarule.engines.base import Rule, Work
from deltarule.losses import LOSSES
from deltarule.playground import wire
from deltarule.playground.answers import Answers
from deltarule.random import order
from deltarule.schedules import Clock

ACTIVATIONS = (
    *("identity", "logistic", "tanh", "relu", "leaky_relu", "sign", "softmax"),
    *("softplus", "selu", "gelu", "silu", "mish"),
)
OUTPUTS = {
    "log_loss": ("softmax", "logistic"),
    "poisson": ("exp", "softplus"),
    "perceptron": ("sign", "identity"),
}
OPTIMIZERS = (
    dr.SGD(),
    dr.SGD(clip_norm=0.5),
    dr.Momentum(),
    dr.Nesterov(0.8),
    dr.Adam(),
    dr.AdamW(weight_decay=0.1),
    dr.RMSprop(),
)
SCHEDULES = (
    dr.schedules.Constant(),
    dr.schedules.InvScaling(),
    dr.schedules.Step(every=2),
    dr.schedules.Cosine(warmup=0.1),
)
PENALTIES = (
    None,
    None,
    dr.penalties.L2(0.01),
    dr.penalties.L1(0.01),
    dr.penalties.L1L2(0.02),
)
STEPS = 40


def drawn(seed: int) -> tuple[dr.Network, dr.TrainingPlan, np.ndarray, np.ndarray]:
    """A network, a plan and rows."""
    draw = np.random.default_rng(seed)

    def one_of(options: Any) -> Any:
        return options[draw.integers(len(options))]

    loss = one_of(list(LOSSES.table))
    hidden = [int(draw.integers(1, 9)) for _ in range(draw.integers(0, 4))]
    outputs = int(draw.integers(2, 4)) if loss == "log_loss" else int(draw.integers(1, 4))
    output = one_of(OUTPUTS.get(loss, ("identity", "logistic", "tanh", "softmax", "sign")))
    units = (int(draw.integers(1, 6)), *hidden, outputs)
    activations = (*(one_of(ACTIVATIONS) for _ in hidden), output)
    network = dr.Network(units, activations, loss, bias=bool(draw.integers(4)))
    rows = int(draw.integers(3, 12))
    X = draw.normal(size=(rows, units[0])) * (draw.random((rows, units[0])) < 0.8)
    D = np.eye(outputs)[draw.integers(outputs, size=rows)]
    D = 2 * D - 1 if loss == "perceptron" else D
    plan = dr.TrainingPlan(
        optimizer=one_of(OPTIMIZERS),
        learning_rate_init=float(one_of((0.01, 0.05, 0.3))),
        schedule=one_of(SCHEDULES),
        batch_size=1,
        max_epochs=1 + STEPS // rows,
        sampling=one_of(("replacement", "shuffle", "sequential")),
        penalty=one_of(PENALTIES),
        key=seed,
    )
    return network, plan, X, D


class Page:
    """Asks through the bytes of the wire, as a page does."""

    def __init__(self, network: dr.Network, plan: dr.TrainingPlan, X: Any, D: Any, seed: int):
        self.answers = Answers()
        train = {"X": X.ravel(), "D": D.ravel(), "rows": len(X)}
        self.opened = self.ask("open", **opening(network, plan, train, seed=seed))

    def ask(self, what: str, **given: Any) -> dict[str, Any]:
        asked = wire.decode(wire.encode({"ask": what, "given": given}))
        return wire.decode(wire.encode(self.answers.answer(asked, lambda done: None)))

    def trace(self) -> dict[str, Any]:
        return self.ask("trace", x=None, d=None, numeric=False)


class Engine:
    """The same training by the engine's own session, a step at a time."""

    def __init__(self, network: dr.Network, plan: dr.TrainingPlan, X: Any, D: Any):
        chosen = engines.choose("auto", network, plan.optimizer, np.float64)
        self.session = chosen.open(network, np.dtype(np.float64))
        self.session.bind(X, D)
        self.network, self.plan, self.X, self.D = network, plan, X, D

    def row(self, step: int) -> int:
        epoch, place = divmod(step, len(self.X))
        return int(order(self.plan.sampling, self.plan.key, epoch, len(self.X))[place])

    def rate(self, step: int) -> float:
        rows = len(self.X)
        clock = Clock(step, step // rows, rows, rows, rows * self.plan.max_epochs)
        return float(self.plan.learning_rate_init * self.plan.schedule.factors(clock, 1)[0])

    @property
    def work(self) -> Work:
        penalty = self.plan.penalty
        l1, l2 = (penalty.l1, penalty.l2) if penalty else (0.0, 0.0)
        rule, n = Rule(self.plan.sampling, self.plan.key), len(self.X)
        return Work(rule, 1, self.plan.optimizer, l1 / n, l2 / n)

    def load(self, vector: Any, moments: Any) -> None:
        count = self.plan.optimizer.moments
        held = moments.reshape(count, -1).copy() if moments.size else None
        self.session.load(vector.copy(), held)


def same(found: Any, wanted: Any) -> bool:
    return np.asarray(found).tobytes() == np.asarray(wanted, dtype=np.float64).tobytes()


def all_same(found: list[Any], wanted: Any) -> bool:
    return len(found) == len(wanted) and all(map(same, found, wanted))


def hold_step(traced: dict[str, Any], engine: Engine, step: int) -> None:
    """One trace against the engine's run and trace of the step from the same numbers."""
    rates = np.array([engine.rate(step)])
    assert (traced["row"], traced["step"], traced["rate"]) == (engine.row(step), step, rates[0])
    assert same(traced["x"], engine.X[traced["row"]])
    assert same(traced["d"], engine.D[traced["row"]])
    engine.load(traced["before"], traced["moments_before"])
    report = engine.session.run(engine.work, step, rates)
    assert same(traced["loss"], report.losses[0])
    assert same(traced["after"], engine.session.vector())
    assert same(traced["moments_after"], engine.session.moments().ravel())
    engine.load(traced["before"], traced["moments_before"])
    met = engine.session.trace(engine.work, step, rates)
    assert all_same(traced["z"], [z[0] for z in met.pre_activations])
    assert all_same(traced["a"], [a[0] for a in met.outputs])
    assert all_same(traced["delta"], [delta[0] for delta in met.deltas])


def hold_by_hand(traced: dict[str, Any], engine: Engine) -> None:
    """The same against `trace_step`, which is plain SGD: bit for bit where the plan is that too."""
    before = dr.Parameters(engine.network, traced["before"].copy())
    wanted = dr.trace_step(engine.network, before, traced["x"], traced["d"], traced["rate"])
    assert same(traced["gradient"], wanted.gradient.vector)
    if engine.plan.optimizer == dr.SGD() and engine.plan.penalty is None:
        assert all_same(traced["z"], wanted.pre_activations)
        assert all_same(traced["a"], wanted.outputs[1:])
        assert all_same(traced["delta"], wanted.deltas)
        assert same(traced["after"], wanted.after.vector)
    for name, values in (
        ("z", wanted.pre_activations),
        ("a", wanted.outputs[1:]),
        ("delta", wanted.deltas),
    ):
        for found, value in zip(traced[name], values, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12)


def hold(network: dr.Network, plan: dr.TrainingPlan, X: Any, D: Any, seed: int) -> int:
    """Take steps, hold each against the engine, and return how many there were."""
    page, engine = Page(network, plan, X, D, seed), Engine(network, plan, X, D)
    now = page.opened["state"]
    assert same(now["vector"], dr.initialize(network, seed).vector)
    for step in range(STEPS):
        traced = page.trace()
        assert same(traced["before"], now["vector"])
        hold_step(traced, engine, step)
        hold_by_hand(traced, engine)
        moved = page.ask("advance", unit="step", count=1)
        now = moved["state"]
        assert same(now["vector"], traced["after"])
        assert same(now["moments"], traced["moments_after"])
        assert now["step"] == step + 1
        if moved["stopped"]:
            return step + 1
    return STEPS


def test_a_page_gets_the_numbers_of_a_run():
    assert sum(hold(*drawn(seed), seed) for seed in range(20)) > 700


@pytest.mark.long
def test_a_page_gets_the_numbers_of_a_run_over_ten_thousand_steps():
    steps, seed = 0, 1000
    while steps < 10_000:
        steps += hold(*drawn(seed), seed)
        seed += 1


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_epochs_that_a_page_asks_for_are_those_of_train(batch_size):
    for seed in range(12):
        network, plan, X, D = drawn(seed)
        plan = replace(plan, batch_size=batch_size, max_epochs=3)
        page = Page(network, plan, X, D, seed)
        moved = page.ask("advance", unit="epoch", count=3)
        start = dr.TrainingState(
            dr.initialize(network, seed), np.zeros((0, network.size)), horizon=plan.max_epochs
        )
        result = dr.train(network, start, X, D, plan)
        assert same(moved["state"]["vector"], result.parameters.vector)
        assert same(moved["curve"]["loss"], result.history.loss)
