"""What docs/how-to-choose.md compares: for each study the choices, the data and the measure.

The base of a study is the choice that all others are compared with. ``points[choice][at]`` are the
settings of the estimator; a study without an axis has the one place ``None``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from choice_training import regression

import deltarule as dr

Settings = dict[str, Any]
#: Rows, measure and settings of a training.
Job = tuple[str, str, Settings]

#: Parameters that only the classifier has.
CLASSES_ONLY = {"label_smoothing"}
#: Among the settings of a study: the share of training targets that are made wrong, in %.
GROSS = "gross"

#: What the page begins with.
BEGINNING: Settings = {
    "standardize": "both",
    "alpha": 1.0,
    "batch_size": 32,
    "learning_rate_init": 0.003,
}
#: Digits in part, so that a run takes minutes.
DIGITS = "digits-600"
TABLES = ("wine", "breast cancer", "moons", DIGITS, "diabetes", "friedman1")
TWO = (DIGITS, "friedman1")
FEW_ROWS = ("wine", "breast cancer", "moons", "digits-200", "diabetes", "friedman1")
STEPS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
ENDLESS: Settings = {"n_iter_no_change": float("inf"), "max_iter": 50}


@dataclass(frozen=True)
class Study:
    """A comparison: one thing is changed, all else is as in the beginning."""

    title: str
    data: tuple[str, ...]
    points: dict[str, dict[Any, Settings]]
    axis: str | None = None
    #: ``"log"``, ``"linear"``, or ``"even"``: places side by side, whatever their numbers.
    scale: str = "log"
    #: Whether a place of the axis is met, as a share of wrong targets is, not chosen.
    condition: bool = False
    measure: str = "error"

    def jobs(self) -> Iterator[tuple[str, str, Any, str, Job]]:
        """Data, choice, place, a key that equal trainings share, and the job of every point."""
        for data in self.data:
            for choice, places in self.points.items():
                for at, settings in places.items():
                    if regression(data) and CLASSES_ONLY & set(settings):
                        continue
                    given = dict(settings)
                    gross = given.pop(GROSS, None)
                    rows = data if gross is None else f"{data}, {gross} % gross errors"
                    key = repr((rows, self.measure, sorted(given.items())))
                    yield data, choice, at, key, (rows, self.measure, given)


def plain(**given: Settings) -> dict[str, dict[Any, Settings]]:
    """Choices without an axis, on top of the beginning; ``_`` in a name is a blank."""
    return {name.replace("_", " "): {None: BEGINNING | s} for name, s in given.items()}


def swept(name: str, values: tuple[Any, ...], **common: Any) -> dict[Any, Settings]:
    """One parameter over its values, on top of the beginning."""
    return {value: BEGINNING | common | {name: value} for value in values}


def deep(values: tuple[int, ...], units: int, **common: Any) -> dict[Any, Settings]:
    """So many hidden layers of so many units."""
    return {n: BEGINNING | common | {"hidden_layer_sizes": (units,) * n} for n in values}


def wide(layers: int, values: tuple[int, ...], **common: Any) -> dict[Any, Settings]:
    """So many units in each of some hidden layers."""
    return {n: BEGINNING | common | {"hidden_layer_sizes": (n,) * layers} for n in values}


def stopping(scorer: str | None, patience: int) -> Settings:
    """Early stopping, with time enough for it to act."""
    rule = dr.EarlyStopping(patience=patience, scorer=scorer)
    return BEGINNING | {"early_stopping": rule, "alpha": 1e-4}


UNITS = (1, 2, 4, 8, 16, 32, 64, 128)
ALPHAS = (1e-4, 0.1, 1.0, 10.0, 100.0)
AVERAGES = (0.0, 0.9, 0.99, 0.999)
PATIENCES = (5, 10, 20, 40)
SMOOTHINGS = (0.0, 0.02, 0.05, 0.1, 0.2)
WIDTHS = (2, 3, 4, 8, 16, 32)
SEARCH: Settings = {
    "solver": "lbfgs", "activation": "tanh", "alpha": 0.1, "max_iter": 300, "tol": 1e-6,
}  # fmt: skip

STUDIES: dict[str, Study] = {
    "begin": Study(
        "The beginning, and what it is compared with",
        TABLES,
        {
            "this page's beginning": {None: BEGINNING},
            "defaults, inputs scaled": {None: {"standardize": "inputs"}},
            "defaults": {None: {}},
            "no hidden layer": {None: BEGINNING | {"hidden_layer_sizes": ()}},
        },
    ),
    "inputs": Study(
        "Scaling of inputs and targets",
        TABLES,
        {
            "both": {None: BEGINNING},
            "inputs": {None: BEGINNING | {"standardize": "inputs"}},
            "as they are": {None: BEGINNING | {"standardize": None}},
        },
    ),
    "activation": Study(
        "Activation of the hidden layer",
        TABLES,
        plain(
            relu={},
            leaky_relu={"activation": "leaky_relu"},
            silu={"activation": "silu"},
            tanh={"activation": "tanh"},
            logistic={"activation": "logistic"},
            identity={"activation": "identity"},
        ),
    ),
    "depth": Study(
        "Activation over depth, hidden layers of 30 units",
        TWO,
        {name: deep((1, 2, 4, 8), 30, activation=name) for name in ("relu", "tanh", "logistic")},
        "hidden layers",
    ),
    "loss": Study(
        "Loss for numbers, where some training targets are far too high",
        ("diabetes", "friedman1"),
        {
            title: {g: BEGINNING | {"loss": loss, GROSS: g} for g in (0, 2, 5, 10, 20)}
            for title, loss in (
                ("squared error", "squared_error"),
                ("huber", dr.losses.Huber(1.0)),
                ("absolute error", "absolute_error"),
            )
        },
        "% of the training targets that are wrong",
        scale="linear",
        condition=True,
    ),
    "classes": Study(
        "Loss for classes",
        ("wine", "breast cancer", "moons", DIGITS),
        plain(
            log_loss={},
            squared_error={"loss": "squared_error", "output_activation": "logistic"},
        ),
    ),
    "optimiser": Study(
        "Optimiser and step size",
        TWO,
        {
            "adam": swept("learning_rate_init", STEPS),
            "rmsprop": swept("learning_rate_init", STEPS, solver="rmsprop"),
            "nesterov": swept("learning_rate_init", STEPS, solver="nesterov"),
            "plain descent": swept("learning_rate_init", STEPS, solver="sgd", momentum=0),
            "lbfgs": {None: BEGINNING | {"solver": "lbfgs"}},
        },
        "learning_rate_init",
    ),
    "schedule": Study(
        "Schedule of the step size, Adam, 50 epochs",
        TWO,
        {
            name.replace("_", " "): swept(
                "learning_rate_init", STEPS[2:7], learning_rate=name, **ENDLESS
            )
            for name in ("constant", "step", "cosine", "one_cycle")
        },
        "learning_rate_init",
    ),
    "batch": Study(
        "Rows of a step, 50 epochs",
        TWO,
        {
            f"step size {rate:g}": swept(
                "batch_size", (2, 8, 32, 128, 450), learning_rate_init=rate, **ENDLESS
            )
            for rate in (0.0003, 0.003, 0.03)
        },
        "batch_size",
    ),
    "normalization": Study(
        "Normalisation of hidden layers over depth, 30 units each",
        TWO,
        {
            title: deep((1, 2, 4, 8), 30, normalization=name)
            for title, name in (("none", None), ("batch", "batch"), ("layer", "layer"))
        },
        "hidden layers",
    ),
    "penalty": Study(
        "Penalty",
        ("digits-200", "diabetes", "friedman1"),
        {
            "L2": swept("alpha", ALPHAS),
            "L1": {a: BEGINNING | {"alpha": dr.L1(a)} for a in ALPHAS},
        },
        "alpha, strength",
    ),
    "regularisers": Study(
        "Against overfitting",
        FEW_ROWS,
        {
            "nothing (alpha=1e-4)": {None: BEGINNING | {"alpha": 1e-4}},
            "alpha=1": {None: BEGINNING},
            "alpha=10": {None: BEGINNING | {"alpha": 10.0}},
            "dropout=0.2": {None: BEGINNING | {"alpha": 1e-4, "dropout": 0.2}},
            "dropout=0.5": {None: BEGINNING | {"alpha": 1e-4, "dropout": 0.5}},
            "label_smoothing=0.1": {None: BEGINNING | {"alpha": 1e-4, "label_smoothing": 0.1}},
            "early_stopping": {None: BEGINNING | {"alpha": 1e-4, "early_stopping": True}},
            "average=0.99": {None: BEGINNING | {"alpha": 1e-4, "solver": dr.Adam(average=0.99)}},
        },
    ),
    "smoothing": Study(
        "Label smoothing and the probabilities",
        ("breast cancer", "moons", "digits-200"),
        {
            "alpha=1e-4": swept("label_smoothing", SMOOTHINGS, alpha=1e-4),
            "alpha=1": swept("label_smoothing", SMOOTHINGS),
        },
        "label_smoothing",
        scale="even",
        measure="log_loss",
    ),
    "early": Study(
        "Early stopping by accuracy and by log loss",
        ("wine", "breast cancer", "moons"),
        {
            "by accuracy": {p: stopping(None, p) for p in PATIENCES},
            "by log loss": {p: stopping("neg_log_loss", p) for p in PATIENCES},
            "none": {None: BEGINNING | {"alpha": 1e-4}},
        },
        "patience, epochs",
    ),
    "clipping": Study(
        "Gradients clipped, Nesterov's momentum, four hidden layers of 30 units",
        TWO,
        {
            title: swept(
                "learning_rate_init",
                STEPS[3:],
                solver=dr.Nesterov(clip_norm=norm),
                hidden_layer_sizes=(30,) * 4,
                **ENDLESS,
            )
            for title, norm in (("not clipped", None), ("clip_norm=1", 1.0))
        },
        "learning_rate_init",
    ),
    "averaging": Study(
        "Averages of the weights, Adam, 50 epochs",
        TWO,
        {
            f"{name}, step size {rate:g}": {
                a: BEGINNING
                | ENDLESS
                | {
                    "solver": dr.Adam(average=a or None),
                    "learning_rate": name,
                    "learning_rate_init": rate,
                }
                for a in AVERAGES
            }
            for name, rate in (("constant", 0.003), ("constant", 0.03), ("cosine", 0.03))
        },
        "average (0: none)",
        scale="even",
    ),
    "layers": Study(
        "Hidden layers and units",
        ("moons", DIGITS, "diabetes"),
        {
            "1 hidden layer": wide(1, UNITS),
            "2": wide(2, UNITS),
            "3": wide(3, UNITS),
            "none": {None: BEGINNING | {"hidden_layer_sizes": ()}},
        },
        "units of each hidden layer",
    ),
    "minima": Study(
        "Where 20 starts end: the final objective on moons, tanh, lbfgs",
        ("moons",),
        {"starts": wide(1, WIDTHS, **SEARCH, n_init=20)},
        "units of the hidden layer",
        measure="objectives",
    ),
    "restarts": Study(
        "One start and the best of ten, moons, tanh, lbfgs",
        ("moons",),
        {f"n_init={n}": wide(1, WIDTHS, **SEARCH, n_init=n) for n in (1, 10)},
        "units of the hidden layer",
    ),
}
