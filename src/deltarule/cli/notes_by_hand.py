"""One step of a 3-5-2 network with every number filled in: part 1 of ``deltarule demo --notes``.

Letters are the notes': W (5 × 3) and V (2 × 5) are ``weights[0]`` and ``weights[1]``, h the
hidden outputs, d̂ the predictions, m, j, k and l the indices of hidden unit, input, output and
hidden unit again.
"""

from __future__ import annotations

import numpy as np

from deltarule.cli.page import Page, Table
from deltarule.definitions import Array
from deltarule.functional import forward, objective, run_steps
from deltarule.initializers import Normal
from deltarule.inspection import GradientReport, StepTrace, check_gradients, trace_step
from deltarule.network import Network, initialize

NETWORK = Network(units=(3, 5, 2), activations="logistic", loss="squared_error", bias=False)
X = np.array([0.5, -1.0, 0.8])
D = np.array([1.0, 0.0])
RATE = 0.5
SEED = 1
OTHER_GUESSES = 200


def step_by_hand(page: Page, engine: str) -> None:
    """Write the whole step: forward, deltas, old V, updates, check."""
    page.part(
        "One step of a 3-5-2 network, by hand",
        "forward from shallow to deep, deltas back from deep to shallow, then the updates.",
    )
    start = initialize(NETWORK, SEED, Normal(1.0))
    trace = trace_step(NETWORK, start, X, D, RATE)
    check = check_gradients(NETWORK, start, X[np.newaxis], D[np.newaxis])
    page.line(
        f"   input x = ({_list(X)})    target d = ({_list(D, '.0f')})    step size α = {RATE}"
    )
    page.line("   1° the guess W⁰, V⁰: normal random numbers, all distinct    2° this row is i_t")
    _forward(page, trace)
    _deltas(page, trace)
    _old_v(page, trace)
    _updates(page, trace, check)
    _after(page, trace, check, engine)


def _forward(page: Page, trace: StepTrace) -> None:
    x, h, prediction = trace.outputs
    hidden, output = trace.before.weights
    page.line()
    page.line("   3° hidden layer    z¹_m = Σ_j W_mj x_j    h_m = σ(z¹_m) = 1 / (1 + e^(-z¹_m))")
    for m, z in enumerate(trace.pre_activations[0]):
        terms = " + ".join(f"({w:+.4f})({a:+.1f})" for w, a in zip(hidden[m], x, strict=True))
        page.line(f"      z¹_{m + 1} = {terms} = {z:+.4f}    h_{m + 1} = {h[m]:.4f}")
    page.line()
    page.line(
        "      output layer    z²_k = Σ_l V_kl h_l    d̂_k = σ(z²_k)    f = ½ Σ_k (d̂_k - d_k)²"
    )
    for k, z in enumerate(trace.pre_activations[1]):
        terms = " ".join(
            f"{'-' if w < 0 else '+'} {abs(w):.3f}·{a:.3f}"
            for w, a in zip(output[k], h, strict=True)
        )
        page.line(f"      z²_{k + 1} = {terms} = {z:+.3f}")
    for k, guess in enumerate(prediction):
        page.line(
            f"      d̂_{k + 1} = {guess:.5f}    d_{k + 1} = {trace.d[k]:.0f}"
            f"    ½ ({guess:.5f} - {trace.d[k]:.0f})² = {_half_square(trace, k):.5f}"
        )
    page.line(f"      f   = {trace.loss:.5f}")


def _half_square(trace: StepTrace, k: int) -> float:
    return float(0.5 * (trace.prediction[k] - trace.d[k]) ** 2)


def _deltas(page: Page, trace: StepTrace) -> None:
    page.line()
    page.line("   4° output deltas   δ_k = (d̂_k - d_k) d̂_k (1 - d̂_k)")
    for k, delta in enumerate(trace.deltas[1]):
        guess, target = f"{trace.prediction[k]:.5f}", f"{trace.d[k]:.0f}"
        page.line(
            f"      δ_{k + 1} = ({guess} - {target}) · {guess} · (1 - {guess}) = {delta:+.5f}"
        )


def _old_v(page: Page, trace: StepTrace) -> None:
    h, deep = trace.outputs[1], trace.deltas[1]
    old, new = (
        hidden_deltas(trace, trace.before.weights[1]),
        hidden_deltas(trace, trace.after.weights[1]),
    )
    page.line()
    page.line(
        "      hidden deltas   δ_m = h_m (1 - h_m) Σ_g δ_g V_gm, with the old V: V is updated below"
    )
    table = Table(page, "with the old V".ljust(72), " with the new V")
    for m, column in enumerate(trace.before.weights[1].T):
        terms = " + ".join(f"({d:+.5f})({v:+.4f})" for d, v in zip(deep, column, strict=True))
        table.row(
            f"δ_{m + 1} = {h[m]:.4f}·{1 - h[m]:.4f}·[{terms}] = {old[m]:+.5f}", f"{new[m]:+.5f}"
        )
    page.says(
        f"Updating V first, as the notes' step 4° can be read, changes δ_m by {_gap(old, new):.1%} "
        f"of the largest here, and by {other_guesses():.1%} in the middle of {OTHER_GUESSES} other "
        "guesses: another algorithm. The notes' last formula has V^t, the old one."
    )


def hidden_deltas(trace: StepTrace, V: Array) -> Array:
    """δ_m of the notes from a trace, with the V that is given."""
    h = trace.outputs[1]
    result: Array = h * (1 - h) * (trace.deltas[1] @ V)
    return result


def _gap(old: Array, new: Array) -> float:
    return float(np.abs(new - old).max() / np.abs(old).max())


def other_guesses() -> float:
    """The median over other guesses W⁰, V⁰ of the relative change of δ_m by a new V."""
    gaps = []
    for seed in range(OTHER_GUESSES):
        trace = trace_step(NETWORK, initialize(NETWORK, seed, Normal(1.0)), X, D, RATE)
        gaps.append(
            _gap(
                hidden_deltas(trace, trace.before.weights[1]),
                hidden_deltas(trace, trace.after.weights[1]),
            )
        )
    return float(np.median(gaps))


def _updates(page: Page, trace: StepTrace, check: GradientReport) -> None:
    numeric = trace.before.replace(vector=check.numeric)
    layers = ((1, "V_kl ← V_kl - α δ_k h_l", "δ_k h_l"), (0, "W_mj ← W_mj - α δ_m x_j", "δ_m x_j"))
    for layer, rule, product in layers:
        page.line()
        letter = rule[0]
        head = f"{product} = ∂f/∂{letter}".rjust(18)
        table = Table(page, rule.ljust(55), head, " by differences")
        before, after = trace.before.weights[layer], trace.after.weights[layer]
        deltas, below = trace.deltas[layer], trace.outputs[layer]
        for (row, column), weight in np.ndenumerate(before):
            table.row(
                f"{letter}_{row + 1}{column + 1} = {weight:+.4f} - {RATE}·({deltas[row]:+.5f})"
                f"({below[column]:+.4f}) = {after[row, column]:+.4f}",
                f"{trace.gradient.weights[layer][row, column]:+.8f}",
                f"{numeric.weights[layer][row, column]:+.8f}",
            )


def _after(page: Page, trace: StepTrace, check: GradientReport, engine: str) -> None:
    x, d = X[np.newaxis], D[np.newaxis]
    now = objective(NETWORK, trace.after, x, d, engine=engine)
    done = run_steps(NETWORK, trace.before, x, d, order=[0], learning_rate=RATE, engine=engine)
    apart = float(np.abs(done.vector - trace.after.vector).max())
    page.line()
    page.line(
        f"   Gradient check, all {len(check.analytic)} coordinates: largest error "
        f"{check.max_error:.1e}, {'passed' if check.passed else 'FAILED at ' + check.worst}."
    )
    page.line(
        f"   After the step: d̂ = ({_list(forward(NETWORK, trace.after, x).prediction[0], '.4f')}), "
        f"f = {trace.loss:.4f} → {now:.4f}."
    )
    page.line(
        f"   The {engine} engine did the same step: "
        + (f"the weights differ by {apart:.0e} at most." if apart else "the same weights.")
    )


def _list(values: Array, how: str = "+.1f") -> str:
    return ", ".join(format(float(value), how) for value in values)
