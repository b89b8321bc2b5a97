"""The rows H1–H10: what is trained, which sides are asked, and in which unit the answer is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from specs import Spec


@dataclass(frozen=True)
class Unit:
    """``seconds / per · factor`` is the table's number; `per` is a step, an epoch or a call."""

    name: str
    per: str
    factor: float


NANOSECONDS = Unit("ns a step", "step", 1e9)
MICROSECONDS = Unit("µs a step", "step", 1e6)
MILLISECONDS = Unit("ms a fit", "call", 1e3)

FACES = ("train", "estimator")
RIVALS = ("sklearn", "torch", "jax")
COMPILED = (*RIVALS, "torch_compiled")


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Parameters
    ----------
    id, title : str
    spec : Spec
    unit : Unit
    sides : tuple of str
        Names of `sides.SIDES`; the first is the one that ratios are taken of.
    slow : dict
        What is changed in `spec` for scikit-learn and torch where all of it would take minutes; our
        side runs that too, untimed, so that losses can be compared.
    quick : bool
        Whether `make bench-quick` takes the row.
    calls : int
        0 for a training; else the row times so many predictions of one row of data.
    check : bool
        Whether the final losses must agree.
    rounds : bool
        Whether rounding alone moves the end as far as another order of the rows would.
    """

    id: str
    title: str
    spec: Spec
    unit: Unit
    sides: tuple[str, ...] = (*FACES, *RIVALS)
    slow: dict[str, int] = field(default_factory=dict)
    quick: bool = False
    calls: int = 0
    check: bool = True
    rounds: bool = False

    def spec_for(self, side: str) -> Spec:
        """What a side trains."""
        return self.spec.but(**self.slow) if side in SLOW_SIDES else self.spec


SLOW_SIDES = ("sklearn", "torch", "torch_compiled")

H1 = Spec("expm", (4, 32, 16, 4), "tanh", "identity", "squared_error", batch=0, epochs=100,
          sampling="sequential")  # fmt: skip
H3 = Spec("mnist", (784, 100, 100, 10), optimizer="nesterov", rate=0.2, decay=1e-4 / 200)
H4 = Spec("mnist", (784, 128, 10), optimizer="sgd", rate=0.01, batch=1, sampling="replacement")
H5A = Spec("xor 2000", (2, 2, 1), "logistic", "logistic", "squared_error", "sgd", 0.5, 1, 200)
H5B = Spec("iris", (4, 16, 3), "logistic", optimizer="sgd", rate=0.05, batch=1, epochs=400)
H5C = Spec("digits", (64, 100, 10), "logistic", optimizer="sgd", rate=0.01, batch=1, epochs=10)
H6A = Spec("smooth 20 2 3200", (20, 32, 32, 2), "relu", "identity", "squared_error", batch=32,
           epochs=20)  # fmt: skip
H6B = Spec("digits 20000", (64, 100, 10), epochs=5)
H6C = Spec("smooth 20 2 5120", (20, 256, 256, 256, 2), "relu", "identity", "squared_error",
           batch=256, epochs=5)  # fmt: skip
H6D = Spec("normal 784 10 6400", (784, 512, 512, 10), batch=128)

EPOCH = Unit("s an epoch", "epoch", 1.0)
MANY_EPOCHS = Unit("s for 10 000 epochs", "epoch", 1e4)
MANY_STEPS = Unit("s for 60 000 steps", "step", 6e4)
SINGLE = (*FACES, *RIVALS, "fann")
TOGETHER = ("lanes", "jax")

#: 64 starts of one network, in one order of the rows, or each in an order of its own.
LANES = {"networks": 64, "own_orders": False}
OWN = {"networks": 64, "own_orders": True}

ROWS = (
    Row("H1", "matrix exponential, 4-32-16-4 tanh, 10 000 rows, full batch, Adam", H1, MANY_EPOCHS),
    Row("H3", "MNIST, 784-100-100-10 relu, Nesterov, batch 200", H3, EPOCH, (*FACES, *COMPILED)),
    Row("H3 dense", "MNIST standardised, 784-100-100-10 relu, Nesterov, batch 200",
        H3.but(data="mnist_dense", rate=0.02), EPOCH),
    # 60 000 steps of 0.01 cross many kinks of relu: float32 with another order of summation, or
    # from starts 3e-7 apart, ends at objectives from 0.135 to 0.145 after them.
    Row("H4", "MNIST, 784-128-10 relu, per sample, SGD", H4, MANY_STEPS, slow={"rows": 1000},
        rounds=True),
    Row("H4 dense", "MNIST standardised, 784-128-10 relu, per sample, SGD",
        H4.but(data="mnist_dense", rate=0.001),
        MANY_STEPS, slow={"rows": 1000}),
    Row("H5a", "XOR, 2-2-1 logistic, squared error, per sample", H5A, NANOSECONDS, SINGLE,
        {"epochs": 1}, quick=True),
    Row("H5b", "iris, 4-16-3 logistic, per sample", H5B, NANOSECONDS, SINGLE, {"epochs": 10},
        quick=True),
    Row("H5c", "digits, 64-100-10 logistic, per sample", H5C, NANOSECONDS, SINGLE, {"epochs": 1},
        quick=True),
    Row("H5a lanes", "XOR, 64 networks at once, shared order, per network",
        H5A.but(**LANES, epochs=20), NANOSECONDS, TOGETHER),
    Row("H5a own", "XOR, 64 networks at once, own shuffles, per network",
        H5A.but(**OWN, epochs=20), NANOSECONDS, TOGETHER),
    Row("H5b lanes", "iris, 64 networks at once, shared order, per network",
        H5B.but(**LANES, epochs=50), NANOSECONDS, TOGETHER),
    Row("H5b own", "iris, 64 networks at once, own shuffles, per network",
        H5B.but(**OWN, epochs=50), NANOSECONDS, TOGETHER),
    Row("H6a", "20-32-32-2 relu, squared error, Adam, batch 32", H6A, MICROSECONDS, quick=True),
    Row("H6b", "digits, 64-100-10 relu, Adam, batch 200", H6B, MICROSECONDS, (*FACES, *COMPILED),
        quick=True),
    Row("H6c", "20-256-256-256-2 relu, squared error, Adam, batch 256", H6C, MICROSECONDS,
        (*FACES, *COMPILED)),
    Row("H6d", "784-512-512-10 relu, Adam, batch 128", H6D, MICROSECONDS, (*FACES, *COMPILED)),
    Row("H7", "predict one row, 10-16-1",
        Spec("smooth 10 1 1000", (10, 16, 1), "relu", "identity", "squared_error", batch=100),
        Unit("µs a call", "step", 1e6),
        ("predictor", "estimator", "sklearn", "torch", "jax", "onnx"), quick=True, calls=2000,
        check=False),
    Row("H9 H3", "MNIST, 784-100-100-10 relu, Nesterov, batch 200, float64",
        H3.but(dtype="float64"), EPOCH, (*FACES, "sklearn", "jax")),
    Row("H9 H6b", "digits, 64-100-10 relu, Adam, batch 200, float64", H6B.but(dtype="float64"),
        MICROSECONDS, (*FACES, "sklearn", "jax")),
    Row("H10 iris", "all defaults, iris, 200 epochs",
        Spec("iris", (4, 100, 3), dtype="float64", epochs=200, defaults=True), MILLISECONDS,
        ("estimator", "sklearn"), quick=True),
    Row("H10 digits", "all defaults, digits, 40 epochs",
        Spec("digits", (64, 100, 10), dtype="float64", epochs=40, defaults=True), MILLISECONDS,
        ("estimator", "sklearn"), quick=True),
    Row("H10 adult", "all defaults, adult one-hot, 2 epochs",
        Spec("adult", (108, 100, 2), dtype="float64", epochs=2, defaults=True), MILLISECONDS,
        ("estimator", "sklearn")),
    Row("H10 diabetes", "all defaults, diabetes regression, 100 epochs",
        Spec("diabetes", (10, 100, 1), "relu", "identity", "squared_error", dtype="float64",
             epochs=100, defaults=True), MILLISECONDS, ("estimator", "sklearn")),
    Row("H10 lbfgs", "defaults but lbfgs, digits, 30 iterations",
        Spec("digits", (64, 100, 10), optimizer="lbfgs", dtype="float64", epochs=30, defaults=True),
        MILLISECONDS, ("estimator", "sklearn"), check=False),
)  # fmt: skip
