"""What the suite asserts, as functions: the tests call them, and the planted bugs must fail them.

Each check raises AssertionError where it finds a fault and says by how much.
"""

from __future__ import annotations

import math

import numpy as np
from conformance import oracle
from conformance.networks import Case, random_case

import deltarule as dr
from deltarule import backprop, random
from deltarule.engines.base import Rule, Work
from deltarule.optimizers import Adam, Momentum

#: networks that between them hold every equation, weights, both penalties, 0 to 5 hidden layers
FEW = (1, 2, 6, 9, 14, 27, 40, 52, 56, 58)
CENTRAL, COMPLEX, BY_HAND = 1e-7, 1e-12, 1e-12


def relative(got, expected) -> float:
    """Largest difference relative to the largest expected entry."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{got.shape} is not {expected.shape}"
    if not expected.size:
        return 0.0
    scale = max(float(np.abs(expected).max()), np.finfo(float).tiny)
    return float(np.abs(got - expected).max() / scale)


def close(got, expected, tolerance: float = BY_HAND, what: str = "") -> None:
    error = relative(got, expected)
    assert error <= tolerance, f"{what}: off by {error:.3g}, allowed {tolerance:.0e}"


# ------------------------------------------------------------------ against differences


def differences(case: Case) -> int:
    """Every coordinate by central differences, and by complex step where that is possible.

    Returns the number of coordinates that cross a kink; where there are any, nothing is judged
    and the caller draws the numbers anew.
    """
    problem = (case.network, case.parameters, case.X, case.D, case.weight, case.penalty)
    report = dr.check_gradients(*problem)
    if report.crossed.any():
        return int(report.crossed.sum())
    assert report.max_error <= CENTRAL, f"{case}: {report.max_error:.3g} at {report.worst}"
    if case.smooth:
        report = dr.check_gradients(*problem, method="complex")
        assert report.max_error <= COMPLEX, f"{case}: {report.max_error:.3g} at {report.worst}"
    return 0


def redrawn(index: int) -> tuple[Case, int]:
    """`differences` on network number `index`, its numbers drawn anew until no kink is crossed."""
    crossed = 0
    for attempt in range(50):
        case = random_case(index, attempt)
        found = differences(case)
        if not found:
            return case, crossed
        crossed += found
    raise AssertionError(f"{case}: crosses a kink however it is drawn")


def differences_hold() -> None:
    """`differences` over a few networks."""
    for index in FEW:
        redrawn(index)


# ------------------------------------------------------------------ against the transcription


def objective_matches_oracle(case: Case, engine: str = "reference") -> None:
    """J and ∇J against `oracle`, which has sign's rule too."""
    l1, l2 = (case.penalty.l1, case.penalty.l2) if case.penalty else (0.0, 0.0)
    J, slope = oracle.objective_and_gradient(
        case.network, case.parameters.vector, case.X, case.D, case.weight, l1, l2
    )
    problem = (case.network, case.parameters, case.X, case.D, case.weight, case.penalty, engine)
    close(dr.objective(*problem), J, what=f"{case}: objective")
    scale = max(np.abs(slope).max(), abs(J))
    error = np.abs(dr.gradient(*problem).vector - slope).max() / scale
    assert error <= BY_HAND, f"{case}: gradient off by {error:.3g}"


def oracle_holds() -> None:
    for index in FEW:
        objective_matches_oracle(random_case(index, sign=True))


def small() -> Case:
    """The notes' network with biases, seven rows, weights."""
    network = dr.Network((3, 4, 2), "logistic", "squared_error")
    numbers = np.random.default_rng(5)
    parameters = dr.initialize(network, seed=5)
    X, D = numbers.normal(size=(7, 3)), numbers.random((7, 2))
    return Case("notes", network, parameters, X, D, numbers.random(7) + 0.5)


def run(case: Case, optimizer, rates, *, batch_size=1, order=None, l1=0.0, l2=0.0, scale=1.0):
    """A run of the reference engine: (vector, moments, report)."""
    from deltarule.engines.reference import ReferenceEngine

    session = ReferenceEngine().open(case.network, case.parameters.dtype)
    session.load(case.parameters.vector)
    session.bind(case.X, case.D, case.weight)
    rows = np.arange(len(case.D)) if order is None else np.asarray(order)
    work = Work(rows, batch_size, optimizer, l1, l2, scale)
    report = session.run(work, 0, np.asarray(rates, dtype=float))
    return session.vector(), session.moments(), report


def steps_match_notes() -> None:
    """Three steps of the notes' loop: all deltas with the old V, then all updates, w included."""
    case, rate = small(), 0.7
    vector = case.parameters.vector.tolist()
    for i in (2, 5, 2):
        weights, biases = oracle.nested(case.network, vector)
        _, by_weight, by_bias, _ = oracle.sample(
            case.network, weights, biases, case.X[i].tolist(), case.D[i].tolist()
        )
        slope = oracle.flat(case.network, by_weight, by_bias)
        vector = [v - rate * case.weight[i] * g for v, g in zip(vector, slope, strict=True)]
    got, _, _ = run(case, dr.SGD(), [rate] * 3, order=[2, 5, 2])
    close(got, vector, what="three steps")


def batch_step_is_equation_9() -> None:
    """A ragged batch: (N/n)(1/B) Σ w ∂f + l1 sign(W) + l2 W on weights, nothing on biases."""
    case, rate, l1, l2 = small(), 0.5, 0.01, 0.03
    scale = len(case.D) / case.weight.sum()
    vector = case.parameters.vector
    for batch in ([0, 1, 2, 3, 4], [5, 6]):
        weights, biases = oracle.nested(case.network, vector)
        slope = np.zeros(len(vector))
        for i in batch:
            _, by_weight, by_bias, _ = oracle.sample(
                case.network, weights, biases, case.X[i].tolist(), case.D[i].tolist()
            )
            own = np.array(oracle.flat(case.network, by_weight, by_bias))
            slope += scale * case.weight[i] * own / len(batch)
        decays = np.array([1.0] * 12 + [0.0] * 4 + [1.0] * 8 + [0.0] * 2)
        slope += decays * (l1 * np.sign(vector) + l2 * vector)
        vector = vector - rate * slope
    got, _, _ = run(case, dr.SGD(), [rate] * 2, batch_size=5, l1=l1, l2=l2, scale=scale)
    close(got, vector, what="two batches")


def mean_of_batches_is_gradient() -> None:
    """Equation (9): over an epoch whose batches are full, the steps' gradients average to ∇J."""
    case = small()
    case = Case("even", case.network, case.parameters, case.X[:6], case.D[:6], case.weight[:6])
    penalty, n = dr.L1L2(0.2, 0.4), case.weight.sum()
    total = dr.gradient(
        case.network, case.parameters, case.X, case.D, case.weight, penalty, "reference"
    ).vector
    for size in (1, 2, 3, 6):
        parts = []
        for start in range(0, 6, size):
            rows = slice(start, start + size)
            passed = backprop.forward(case.network, case.parameters, case.X[rows])
            parts.append(
                backprop.step_gradient(
                    case.network,
                    case.parameters,
                    passed,
                    case.D[rows],
                    case.weight[rows],
                    6 / n,
                    penalty,
                    n,
                )
            )
        close(np.mean(parts, axis=0), total, what=f"batches of {size}")


def adam_matches_hand() -> None:
    """Three steps of Adam with scalars: m, v, both corrections, ε outside the root."""
    network = dr.Network((1, 1), "identity", "squared_error", bias=False)
    case = Case(
        "adam",
        network,
        dr.initialize(network).replace(vector=np.array([0.5])),
        np.array([[2.0], [-1.0], [0.5]]),
        np.array([[1.0], [3.0], [-2.0]]),
    )
    w, m, v, rate = 0.5, 0.0, 0.0, 0.1
    for t, i in enumerate((0, 1, 2), start=1):
        x, d = case.X[i, 0], case.D[i, 0]
        g = (w * x - d) * x
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= rate * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (math.sqrt(v) + 1e-8)
    got, moments, _ = run(case, Adam(), [rate] * 3)
    close(got, [w], what="three steps of Adam")
    close(moments, [[m], [v]], what="Adam's moments")


def momentum_matches_hand() -> None:
    """v ← μ v − α g, w ← w + v."""
    network = dr.Network((1, 1), "identity", "squared_error", bias=False)
    start = dr.initialize(network).replace(vector=np.array([0.5]))
    case = Case("momentum", network, start, np.array([[2.0], [-1.0]]), np.array([[1.0], [3.0]]))
    w, v = 0.5, 0.0
    for i, rate in ((0, 0.1), (1, 0.05)):
        v = 0.9 * v - rate * (w * case.X[i, 0] - case.D[i, 0]) * case.X[i, 0]
        w += v
    got, moments, _ = run(case, Momentum(), [0.1, 0.05])
    close(got, [w], what="two steps of momentum")
    close(moments, [[v]], what="velocity")


def losses_are_met_before_updates() -> None:
    """The report's loss is Σ w f with the weights before each update."""
    case = small()
    expected, vector = 0.0, case.parameters.vector
    for i in range(7):
        weights, biases = oracle.nested(case.network, vector)
        f, by_weight, by_bias, _ = oracle.sample(
            case.network, weights, biases, case.X[i].tolist(), case.D[i].tolist()
        )
        expected += case.weight[i] * f
        vector = vector - 0.5 * case.weight[i] * np.array(
            oracle.flat(case.network, by_weight, by_bias)
        )
    _, _, report = run(case, dr.SGD(), [0.5] * 7)
    close(report.losses, [expected], what="losses as met")


def order_is_followed() -> None:
    """Each step takes the row that the order names, not the row of its number."""
    case = small()
    got, _, _ = run(case, dr.SGD(), [0.5] * 2, order=[6, 1])
    chosen = [6, 1]
    picked = Case(
        "picked", case.network, case.parameters, case.X[chosen], case.D[chosen], case.weight[chosen]
    )
    expected, _, _ = run(picked, dr.SGD(), [0.5] * 2)
    assert (got == expected).all()


def rule_is_drawn_anew_each_epoch() -> None:
    """A rule is a function of key and epoch: the second epoch has an order of its own."""
    from deltarule.engines.reference import ReferenceEngine

    case = small()
    session = ReferenceEngine().open(case.network, case.parameters.dtype)
    session.load(case.parameters.vector)
    session.bind(case.X, case.D, case.weight)
    session.run(Work(Rule("shuffle", 3)), 0, np.full(14, 0.5))
    rows = np.concatenate([random.order("shuffle", 3, epoch, 7) for epoch in (0, 1)])
    expected, _, _ = run(case, dr.SGD(), [0.5] * 14, order=rows)
    assert (session.vector() == expected).all()


def extreme_inputs_are_stable() -> None:
    """Canonical pairs keep value and gradient where a prediction is 0 or 1 in floating point."""
    for activation, outputs in (("logistic", 1), ("softmax", 2)):
        network = dr.Network((1, outputs), activation, "log_loss", bias=False)
        weights = np.array([1.0]) if outputs == 1 else np.array([1.0, 0.0])
        parameters = dr.initialize(network).replace(vector=weights)
        wrong = np.array([[1000.0]]), np.array([[0.0]] if outputs == 1 else [[0.0, 1.0]])
        J = dr.objective(network, parameters, *wrong, engine="reference")
        assert J == 1000.0, f"{activation}: {J}"
        slope = dr.gradient(network, parameters, *wrong, engine="reference").vector
        assert slope[0] == 1000.0, f"{activation}: {slope}"
