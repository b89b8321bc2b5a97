"""The notes on real data: parts 2 to 7 of ``deltarule demo --notes``.

Each function writes one part. The data sets come with scikit-learn; three quarters of the rows,
drawn by the package's own generator, are trained on, the rest is held out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deltarule.backprop import deltas
from deltarule.cli.page import Page, Table, pad
from deltarule.definitions import Array
from deltarule.functional import forward, gradient, objective
from deltarule.initializers import Constant, Initializer, Normal
from deltarule.network import Network, Parameters, initialize
from deltarule.optimizers import LBFGS
from deltarule.penalties import L2
from deltarule.plans import TrainingPlan, TrainingState
from deltarule.random import Stream, below, order, words
from deltarule.training import train

KEY = 0


@dataclass(frozen=True, eq=False)
class Rows:
    """Training and held-out rows: inputs X and class numbers y."""

    X: Array
    y: Array
    X_held: Array
    y_held: Array

    def targets(self, low: float = 0.0, high: float = 1.0, *, held: bool = False) -> Array:
        """D of shape (rows, classes), or (rows, 1) for two classes: `high` marks the class."""
        y = self.y_held if held else self.y
        classes = int(self.y.max()) + 1
        marks = y[:, np.newaxis] == (1 if classes == 2 else np.arange(classes))
        return np.where(marks, high, low)


def load(name: str, scaling: str = "standardised") -> Rows:
    """A data set of scikit-learn by name; `scaling` is "standardised", "raw" or "unit" (0 to 1).

    Means and deviations are those of the training rows.
    """
    from sklearn import datasets

    from deltarule.estimators.standardizer import Standardizer

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    mixed = order("shuffle", KEY, 0, len(y))
    trained, held = np.split(mixed, [len(y) * 3 // 4])
    if scaling == "standardised":
        X = Standardizer.measure(X[trained], None).apply(X)
    elif scaling == "unit":
        X = X / X[trained].max()
    return Rows(
        np.ascontiguousarray(X[trained]), y[trained], np.ascontiguousarray(X[held]), y[held]
    )


def right(network: Network, parameters: Parameters, X: Array, y: Array) -> float:
    """The share of the rows whose class the network finds."""
    outputs = forward(network, parameters, X).prediction
    if network.n_outputs > 1:
        return float((outputs.argmax(axis=1) == y).mean())
    border = 0.0 if network.output_activation.name == "sign" else 0.5
    return float(((outputs[:, 0] > border) == y).mean())


@dataclass
class Learner:
    """One network in training, epoch by epoch."""

    network: Network
    D: Array
    plan: TrainingPlan
    state: Parameters | TrainingState
    loss: float = np.nan

    @property
    def parameters(self) -> Parameters:
        """The numbers now."""
        return self.state.parameters if isinstance(self.state, TrainingState) else self.state

    def learn(self, X: Array, engine: str, epochs: int = 1) -> Learner:
        """Go on for some epochs; `loss` becomes the mean loss of the last one, as met."""
        plan = replace(self.plan, max_epochs=epochs)
        result = train(self.network, self.state, X, self.D, plan, engine=engine)
        self.state, self.loss = result.state, result.history.loss[-1]
        return self


def percent(share: float) -> str:
    """A share as a percentage with one decimal."""
    return f"{share:.1%}"


def from_sign_to_network(page: Page, engine: str) -> None:
    """Part 2: linear classifier, neuron and network, sample by sample on the same rows i_t."""
    page.part(
        "The sign perceptron, the neuron, the network",
        '"neurons" generalise a linear classifier sign(X\'w); SGD takes a random row i_t.',
    )
    rows = load("breast_cancer")
    inputs = rows.X.shape[1]
    page.says(
        f"Breast cancer, {len(rows.y)} training rows, {len(rows.y_held)} held out, {inputs} "
        "standardised inputs and x_0 = 1 for the bias. All three meet the same i_t, drawn with "
        "replacement; α = 0.5. Training rows wrong, and held-out rows right, after each epoch:"
    )
    page.line()
    plan = TrainingPlan(learning_rate_init=0.5, sampling="replacement", key=KEY)
    networks = (
        Network((inputs, 1), "sign", "perceptron"),
        Network((inputs, 1), "logistic", "squared_error"),
        Network((inputs, 5, 1), "logistic", "squared_error"),
    )
    learners = [
        Learner(
            n, rows.targets(*n.loss.class_targets(n.output_activation.name)), plan, initialize(n)
        )
        for n in networks
    ]
    heads = (
        "sign(X'w), perceptron rule",
        "neuron σ(X'w), ½(d̂-d)²",
        f"network {inputs}-5-1, ½(d̂-d)²",
    )
    table = Table(page, "epoch", *(pad(head, 27) for head in heads))
    scores: list[list[float]] = [[], [], []]
    began = page.seconds()
    for epoch in range(1, EPOCHS + 1):
        cells = []
        for learner, seen in zip(learners, scores, strict=True):
            numbers = learner.learn(rows.X, engine).parameters
            seen.append(right(learner.network, numbers, rows.X_held, rows.y_held))
            wrong = (1 - right(learner.network, numbers, rows.X, rows.y)) * len(rows.y)
            cells.append(f"{wrong:3.0f} wrong   {percent(seen[-1]):>6} right")
        if epoch in (1, 2, 3, 5, 10, 20) or epoch > EPOCHS - 5:
            table.row(str(epoch), *cells)
    took = page.seconds() - began
    table.row(
        f"{EPOCHS - 9}-{EPOCHS}",
        *(f"{percent(min(seen[-10:]))} to {percent(max(seen[-10:]))} right" for seen in scores),
    )
    page.says(
        "The perceptron jumps on as long as a row is wrong. σ is smooth: its steps shrink as d̂ "
        "nears d, and it settles. That it loses some held-out rows again is the matter of part 5. "
        f"{3 * EPOCHS * len(rows.y)} steps and {6 * EPOCHS} judgements took {took:.2f} s."
    )


EPOCHS = 30


def batches(page: Page, engine: str) -> None:
    """Part 3: the noise of a step's direction against its price."""
    page.part(
        '"Batch SGD"',
        '"Batch SGD", an empirical trick: a step follows the mean gradient of B rows.',
    )
    rows = load("breast_cancer")
    network, D = Network((rows.X.shape[1], 5, 1)), rows.targets()
    start = initialize(network, KEY)
    page.says(
        "Breast cancer, 30-5-1, five epochs each, with the step size of "
        f"{', '.join(f'{rate:g}' for rate in RATES)} that ends lowest. The noise is the length of "
        "(a step's gradient minus the full gradient), over the length of the full gradient, at the "
        "start, for rows drawn with replacement."
    )
    page.line()
    table = Table(
        page,
        *("rows B", " steps", "  noise", "noise·√B", "best α"),
        *("mean loss", "held-out loss", "held-out right"),
    )
    for size in (1, 4, 16, 64, len(D)):
        noise = _noise(network, start, rows.X, D, size, engine)
        finished = []
        for rate in RATES:
            plan = TrainingPlan(
                learning_rate_init=rate, batch_size=size, sampling="shuffle", key=KEY
            )
            learner = Learner(network, D, plan, start).learn(rows.X, engine, 5)
            finished.append(
                (objective(network, learner.parameters, rows.X, D, engine=engine), rate, learner)
            )
        loss, rate, learner = min(finished, key=lambda each: each[0])
        held = rows.targets(held=True)
        table.row(
            str(size),
            str(5 * -(-len(D) // size)),
            f"{noise:.2f}",
            f"{noise * size**0.5:.2f}",
            f"{rate:g}",
            f"{loss:.4f}",
            f"{objective(network, learner.parameters, rows.X_held, held, engine=engine):.4f}",
            percent(right(network, learner.parameters, rows.X_held, rows.y_held)),
        )
    page.says(
        "Noise falls as 1/√B, so larger batches bear larger steps; but an epoch has fewer of them. "
        "In between lies the trick, all the more as a batch costs a machine little more than a row."
    )


RATES = (0.3, 1.0, 3.0, 10.0)


def _noise(
    network: Network, at: Parameters, X: Array, D: Array, size: int, engine: str, draws: int = 100
) -> float:
    """Root mean square of ‖g_B - ∇J‖ / ‖∇J‖ over random batches, drawn with replacement."""
    full = gradient(network, at, X, D, engine=engine).vector
    picked = below(words(KEY, Stream.ORDER, 0, 0, draws * size), len(D)).reshape(draws, size)
    squares = [
        np.square(gradient(network, at, X[rows], D[rows], engine=engine).vector - full).sum()
        for rows in picked
    ]
    return float(np.sqrt(np.mean(squares) / np.square(full).sum()))


def normalization(page: Page, engine: str) -> None:
    """Part 4: raw inputs saturate the hidden units; standardised ones do not."""
    page.part(
        '"Normalization"',
        '"Normalization", an empirical trick: every input at mean 0 and deviation 1.',
    )
    raw, scaled = load("wine", "raw"), load("wine")
    page.says(
        f"Wine, {len(raw.y)} training rows, 13-8-3. Raw inputs have means from "
        f"{raw.X.mean(axis=0).min():.2f} to {raw.X.mean(axis=0).max():.0f}. A hidden unit is "
        "saturated where h < 0.01 or h > 0.99: there h (1 - h), and with it δ_m, is nearly 0. Mean "
        f"loss at epochs {', '.join(map(str, EPOCHS_SHOWN))}:"
    )
    page.line()
    table = Table(
        page,
        *("inputs      ", "    α", "saturated", "median |δ_m|"),
        *(f"loss @{epoch}".rjust(8) for epoch in EPOCHS_SHOWN),
        "held-out right",
    )
    for name, rows, rate in (
        ("raw", raw, 0.5),
        ("raw", raw, 0.05),
        ("raw", raw, 0.005),
        ("standardised", scaled, 0.5),
    ):
        network, D = Network((rows.X.shape[1], 8, 3)), rows.targets()
        start = initialize(network, KEY)
        passed = forward(network, start, rows.X)
        h, delta = passed.outputs[1], deltas(network, start, passed, D)[0]
        plan = TrainingPlan(learning_rate_init=rate, sampling="replacement", key=KEY)
        learner, curve = Learner(network, D, plan, start), []
        for before, epoch in zip((0, *EPOCHS_SHOWN), EPOCHS_SHOWN, strict=False):
            curve.append(f"{learner.learn(rows.X, engine, epoch - before).loss:.4f}")
        table.row(
            name,
            f"{rate:g}",
            f"{((h < 0.01) | (h > 0.99)).mean():.0%}",
            f"{np.median(np.abs(delta)):.1e}",
            *curve,
            percent(right(network, learner.parameters, rows.X_held, rows.y_held)),
        )


EPOCHS_SHOWN = (1, 10, 50)


def regularisation(page: Page, engine: str) -> None:
    """Part 5: the L2 penalty from none to too much."""
    page.part(
        "Regularisation", "can add regularization; here L2, J = mean f + (strength / 2n) Σ W²."
    )
    rows = load("breast_cancer")
    network, D = Network((rows.X.shape[1], 5, 1)), rows.targets()
    page.says(
        "Breast cancer, 30-5-1, α = 1, batches of 10, 100 epochs. Losses without the penalty:"
    )
    page.line()
    table = Table(
        page,
        *("L2 strength", "length of W", "training loss", "held-out loss"),
        *("training right", "held-out right"),
    )
    for strength in (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0):
        plan = TrainingPlan(
            learning_rate_init=1.0, batch_size=10, sampling="shuffle", penalty=L2(strength), key=KEY
        )
        learner = Learner(network, D, plan, initialize(network, KEY)).learn(rows.X, engine, 100)
        numbers, held = learner.parameters, rows.targets(held=True)
        table.row(
            f"{strength:g}",
            f"{np.linalg.norm(numbers.vector[network.penalised]):.2f}",
            f"{objective(network, numbers, rows.X, D, engine=engine):.4f}",
            f"{objective(network, numbers, rows.X_held, held, engine=engine):.4f}",
            percent(right(network, numbers, rows.X, rows.y)),
            percent(right(network, numbers, rows.X_held, rows.y_held)),
        )
    page.says(
        "Weights shrink, the training loss only rises; the held-out loss first falls, then rises."
    )


STARTS = 20
WORSE = 1.5


def local_minima(page: Page, engine: str) -> None:
    """Part 6: twenty starts from small and from wide guesses; how many end in a worse minimum."""
    page.part(
        "Local minima",
        "the loss is non-convex in the weights; the descent may end in a local minimum.",
    )
    rows = load("iris")
    network, D = Network((4, 2, 3)), rows.targets()
    page.says(
        f"Iris, 4-2-3, {STARTS} starts: 50 epochs of SGD, then L-BFGS down to flat ground. "
        f"Worse: a final mean loss more than {WORSE} times the lowest of all. Final losses:"
    )
    guesses: tuple[tuple[str, str | Initializer], ...] = (
        ("small guesses, Glorot's uniform", "auto"),
        ("wide guesses, normal with deviation 3", Normal(3.0)),
    )
    finished = []
    for name, guess in guesses:
        page.line()
        page.line(f"   {name}")
        finished.append(_descents(page, rows, network, D, guess, engine))
    lowest = min(min(losses) for losses, _, _ in finished)
    page.line()
    table = Table(
        page,
        *("guesses ", "worse minima", " lowest", " median", "highest", "largest slope"),
        *("lowest: right", "highest: right"),
    )
    for word, (losses, slopes, scores) in zip(("small", "wide"), finished, strict=True):
        table.row(
            word,
            f"{sum(loss > WORSE * lowest for loss in losses)} of {STARTS}",
            f"{min(losses):.4f}",
            f"{np.median(losses):.4f}",
            f"{max(losses):.4f}",
            f"{max(slopes):.0e}",
            percent(scores[int(np.argmin(losses))]),
            percent(scores[int(np.argmax(losses))]),
        )
    page.says(_from_zeros(rows, network, D, engine))
    page.says(
        "No step leads out of a minimum, but another start does: keep the best of several "
        "(dr.restart, or n_init of the estimators)."
    )


def _from_zeros(rows: Rows, network: Network, D: Array, engine: str) -> str:
    """What a guess of zeros comes to: hidden units that stay twins."""
    plan = TrainingPlan(learning_rate_init=1.0, batch_size=8, sampling="shuffle", key=KEY)
    zeros = initialize(network, KEY, Constant(0.0))
    numbers = Learner(network, D, plan, zeros).learn(rows.X, engine, 50).parameters
    loss = objective(network, numbers, rows.X, D, engine=engine)
    first, second = numbers.weights[0]
    return (
        f"From zeros, the two hidden units differ by {np.abs(first - second).max():g} after 50 "
        f"epochs, the loss is {loss:.4f}: twins meet the same deltas for ever, so the guess must "
        "be random and distinct."
    )


def _descents(
    page: Page, rows: Rows, network: Network, D: Array, guess: str | Initializer, engine: str
) -> tuple[list[float], list[float], list[float]]:
    """Final losses, largest slopes left and held-out scores of the starts; writes ten a line."""
    sgd = TrainingPlan(learning_rate_init=1.0, batch_size=8, sampling="shuffle")
    bottom = TrainingPlan(optimizer=LBFGS(), tolerance=1e-12)
    losses, slopes, scores = [], [], []
    for start in range(STARTS):
        walked = Learner(network, D, replace(sgd, key=start), initialize(network, start, guess))
        walked.learn(rows.X, engine, 50)
        numbers = (
            Learner(network, D, bottom, walked.parameters).learn(rows.X, engine, 1000).parameters
        )
        losses.append(objective(network, numbers, rows.X, D, engine=engine))
        slope = gradient(network, numbers, rows.X, D, engine=engine)
        slopes.append(float(np.abs(slope.vector).max()))
        scores.append(right(network, numbers, rows.X_held, rows.y_held))
        if start % 10 == 9:
            page.line("      " + "  ".join(f"{loss:.4f}" for loss in losses[-10:]))
    return losses, slopes, scores


def layers(page: Page, engine: str) -> None:
    """Part 7: none to three hidden layers on held-out rows, and how deltas fade."""
    page.part(
        "Choosing layers",
        '"deep learning" refers to hidden layers; how many of them needs to be decided.',
    )
    rows = load("digits", "unit")
    page.says(
        f"Digits, {len(rows.y)} training rows, {len(rows.y_held)} held out, 64 pixels, 30 units in "
        "each hidden layer, batches of 10, 30 epochs. Mean |δ| of each layer before training, from "
        "shallow to deep:"
    )
    kinds: tuple[tuple[str, str, str, str, float], ...] = (
        (
            "logistic units, squared error, as in the notes; α = 4",
            "logistic",
            "logistic",
            "squared_error",
            4.0,
        ),
        ("ReLU units, softmax output, log loss; α = 0.1", "relu", "softmax", "log_loss", 0.1),
    )
    for name, hidden, output, loss, rate in kinds:
        page.line()
        page.line(f"   {name}")
        table = Table(
            page,
            *("hidden", "weights", "mean |δ|, shallow → deep          "),
            *("training right", "held-out right"),
        )
        for count in range(4):
            network = Network(
                (rows.X.shape[1], *(30,) * count, 10), [hidden] * count + [output], loss
            )
            table.row(str(count), str(network.size), *_depth(rows, network, rate, engine))
    page.says(
        "Each logistic layer multiplies δ by h (1 - h) ≤ ¼, so that shallow layers of a deep "
        "network hardly learn; ReLU passes δ on, and log loss does not fade where d̂ saturates."
    )


def _depth(rows: Rows, network: Network, rate: float, engine: str) -> tuple[str, ...]:
    start, D = initialize(network, KEY), rows.targets()
    sizes = [np.abs(d).mean() for d in deltas(network, start, forward(network, start, rows.X), D)]
    plan = TrainingPlan(learning_rate_init=rate, batch_size=10, sampling="shuffle", key=KEY)
    numbers = Learner(network, D, plan, start).learn(rows.X, engine, 30).parameters
    return (
        "  ".join(f"{size:.1e}" for size in sizes),
        percent(right(network, numbers, rows.X, rows.y)),
        percent(right(network, numbers, rows.X_held, rows.y_held)),
    )


#: The parts in the order in which they are shown.
PARTS: Sequence[Callable[[Page, str], Any]] = (
    from_sign_to_network,
    batches,
    normalization,
    regularisation,
    local_minima,
    layers,
)
