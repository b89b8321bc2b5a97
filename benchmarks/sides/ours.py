"""Our side, by each of its faces: `dr.train`, the estimators, `dr.train_many`, the predictor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_X_y
from specs import Spec, layers_at_start

import deltarule as dr
from sides.base import Side, clocked, default_settings, rows_one_by_one

OPTIMIZERS = {"sgd": dr.SGD, "nesterov": dr.Nesterov, "adam": dr.Adam}


class Ours(Side):
    """What the faces have in common."""

    def versions(self) -> dict[str, str]:
        return {"deltarule": dr.__version__}


class Train(Ours):
    """The functional face."""

    def build(self) -> None:
        self.network = network_of(self.spec)
        self.start = parameters_at_start(self.network, self.spec)
        self.plan = plan_of(self.spec, len(self.X))
        self.train()

    def train(self) -> dr.TrainingResult:
        """The timed call."""
        return dr.train(self.network, self.start, self.X, self.D, self.plan, n_threads=self.threads)

    def run(self) -> dict[str, Any]:
        result, times = clocked(self.train)
        self.parameters = result.parameters
        return {**times, "steps": self.steps(), "curve": result.history.loss, "road": result.road}

    def layers(self) -> list[tuple[Any, Any]]:
        return layers_of(self.parameters)


class Lanes(Ours):
    """Many networks at once; the loss is that of the first."""

    def build(self) -> None:
        self.network = network_of(self.spec)
        numbers = range(self.spec.networks)
        self.starts = [parameters_at_start(self.network, self.spec, n) for n in numbers]
        self.plans = [
            plan_of(self.spec, len(self.X), n if self.spec.own_orders else 0) for n in numbers
        ]
        self.train()

    def train(self) -> Any:
        """The timed call."""
        return dr.train_many(
            self.network, self.starts, self.X, self.D, self.plans, n_threads=self.threads
        )

    def run(self) -> dict[str, Any]:
        results, times = clocked(self.train)
        self.parameters = results[0].parameters
        curve, road = results[0].history.loss, results[0].road
        return {**times, "steps": self.steps() * len(results), "curve": curve, "road": road}

    def layers(self) -> list[tuple[Any, Any]]:
        return layers_of(self.parameters)


class Estimator(Ours):
    """``MLPClassifier`` and ``MLPRegressor``: the whole of ``fit``, validation included.

    ``pass_seconds`` is what one validation of X and y takes, by itself.
    """

    def build(self) -> None:
        self.pass_seconds = min(
            clocked(lambda: check_X_y(self.X, self.y, multi_output=True))[1]["seconds"]
            for _ in range(5)
        )
        self.run()

    def run(self) -> dict[str, Any]:
        estimator = estimator_of(self.spec, len(self.X), self.threads)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.fitted, times = clocked(lambda: estimator.fit(self.X, self.y))
        curve = [float(loss) for loss in self.fitted.loss_curve_]
        known = {"steps": self.steps(), "curve": curve, "pass_seconds": self.pass_seconds}
        return {**times, **known}

    def layers(self) -> list[tuple[Any, Any]]:
        return list(zip(self.fitted.coefs_, self.fitted.intercepts_, strict=True))

    def judge(self) -> dict[str, Any]:
        return {"loss": float(self.fitted.loss_)} if self.spec.defaults else super().judge()

    def predict_row(self, calls: int) -> dict[str, Any]:
        """The time of so many calls of ``predict`` with one row."""
        return rows_one_by_one(self.fitted.predict, self.X, calls)


class Predictor(Estimator):
    """One row through the callable that ``predictor()`` makes ready."""

    def predict_row(self, calls: int) -> dict[str, Any]:
        return rows_one_by_one(self.fitted.predictor(), self.X, calls, flat=True)


def network_of(spec: Spec) -> dr.Network:
    """The network that the spec describes."""
    hidden = len(spec.units) - 2
    return dr.Network(spec.units, (spec.activation,) * hidden + (spec.output,), loss=spec.loss)


def parameters_at_start(network: dr.Network, spec: Spec, number: int = 0) -> dr.Parameters:
    """The common start; weights lie input-major, each layer's bias behind its weight."""
    parts = [part.ravel() for layer in layers_at_start(spec, number) for part in layer]
    zeros = dr.initialize(network, dtype=spec.dtype)
    return zeros.replace(vector=np.concatenate(parts))


def plan_of(spec: Spec, rows: int, key: int = 0) -> dr.TrainingPlan:
    """The plan that the spec describes: our penalty is divided by the number of rows."""
    return dr.TrainingPlan(
        optimizer=OPTIMIZERS[spec.optimizer](),
        learning_rate_init=spec.rate,
        batch_size=spec.batch_of(rows),
        max_epochs=spec.epochs,
        sampling=spec.sampling,
        penalty=dr.L2(spec.decay * rows) if spec.decay else None,
        key=key,
    )


def estimator_of(spec: Spec, rows: int, threads: int) -> Any:
    """The estimator that the spec describes, with the number of epochs fixed."""
    kind = dr.MLPRegressor if spec.output == "identity" else dr.MLPClassifier
    if spec.defaults:
        return kind(**default_settings(spec), n_threads=threads)
    return kind(
        hidden_layer_sizes=spec.units[1:-1],
        activation=spec.activation,
        output_activation=spec.output,
        loss=spec.loss,
        solver=OPTIMIZERS[spec.optimizer](),
        learning_rate_init=spec.rate,
        batch_size=spec.batch_of(rows),
        max_iter=spec.epochs,
        n_iter_no_change=spec.epochs + 1,
        alpha=spec.decay * rows,
        sampling=spec.sampling,
        random_state=0,
        n_threads=threads,
    )


def layers_of(parameters: dr.Parameters) -> list[tuple[Any, Any]]:
    """Weights ``(inputs, units)`` and biases."""
    return [(w.T, b) for w, b in zip(parameters.weights, parameters.biases, strict=True)]
