"""JAX: the whole run as one jitted function, ``lax.scan`` over epochs and steps, buffers donated.

The order of the rows is computed beforehand and costs JAX nothing. Where there are several good
ways to write a run (how often a scan is unrolled, products as dots or as sums, rows taken at every
step or once an epoch), all of them are compiled and tried, and the fastest is timed.
"""

from __future__ import annotations

import os
import time
from typing import Any

if not os.environ.get("JAX_PLATFORMS"):
    os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from specs import layers_at_start, orders

from sides.base import Side, clocked, rows_one_by_one

HIDDEN = {"relu": jax.nn.relu, "tanh": jnp.tanh, "logistic": jax.nn.sigmoid}


class JaxScan(Side):
    """float32 unless the spec asks for float64."""

    def versions(self) -> dict[str, str]:
        return {"jax": jax.__version__}

    def build(self) -> dict[str, Any]:
        spec = self.spec
        jax.config.update("jax_enable_x64", spec.dtype == "float64")
        jax.clear_caches()
        self.rows, self.targets = jax.device_put(self.X), jax.device_put(self.D)
        own = range(spec.networks) if spec.own_orders else range(1)
        self.orders = np.stack([orders(spec, len(self.X), n) for n in own])
        self.batch = self.orders.shape[3]
        if not spec.own_orders:
            self.orders = self.orders[0]
        if self.batch == 1:
            self.orders = self.orders[..., 0]
        self.orders = jax.device_put(self.orders)
        began = time.perf_counter()
        tried = {}
        for ways in [tuple(self.way.split(", "))] if self.way else self.all_ways():
            compiled = self.compile(ways)
            self.compiled = compiled
            self.run()  # the first call allocates
            tried[ways] = (self.run()["seconds"], compiled)
        best = min(tried, key=lambda ways: tried[ways][0])
        self.compiled = tried[best][1]
        return {"compile_seconds": time.perf_counter() - began, "note": ", ".join(best)}

    def all_ways(self) -> list[tuple[str, ...]]:
        """The ways that are tried."""
        if self.batch == 1:
            small = sum(a * b for a, b in zip(self.spec.units, self.spec.units[1:], strict=False))
            if self.spec.networks > 1:
                return [("sums", "rolled"), ("sums", "unrolled"), ("dots", "rolled")]
            products = ("sums", "dots") if small < 20000 else ("dots",)
            return [(p, u) for p in products for u in ("rolled", "unrolled")]
        if self.spec.sampling == "sequential":
            return [("rows as they lie",)]
        return [("rows taken each step",), ("rows taken each epoch",)]

    def compile(self, ways: tuple[str, ...]) -> Any:
        """The jitted run, compiled ahead for the shapes at hand."""
        train = self.trainer(ways)
        if self.spec.networks > 1:
            per_network = 0 if self.spec.own_orders else None
            train = jax.vmap(train, in_axes=(0, 0, None, None, per_network))
        jitted = jax.jit(train, donate_argnums=(0, 1))
        return jitted.lower(*self.at_start(), self.rows, self.targets, self.orders).compile()

    def at_start(self) -> tuple[Any, Any]:
        """Fresh parameters and moments on the device."""
        starts = [layers_at_start(self.spec, n) for n in range(self.spec.networks)]
        if self.spec.networks == 1:
            parameters = jax.tree.map(jnp.array, starts[0])
        else:
            parameters = jax.tree.map(lambda *parts: jnp.stack(parts), *starts)
        count = {"sgd": 0, "nesterov": 1, "adam": 2}[self.spec.optimizer]
        moments = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(count)]
        clock = jnp.zeros(() if self.spec.networks == 1 else self.spec.networks)
        return jax.block_until_ready((parameters, (moments, clock)))

    def trainer(self, ways: tuple[str, ...]) -> Any:
        """The run as a function of parameters, state, rows, targets and orders."""
        sums, unroll = "sums" in ways, 8 if "unrolled" in ways else 1
        each_epoch = "rows taken each epoch" in ways
        whole = self.spec.sampling == "sequential"
        batch = self.batch

        def product(x: Any, weight: Any) -> Any:
            return (x[:, None] * weight).sum(axis=0) if sums else x @ weight

        def step(carry: Any, rows: Any) -> Any:
            x, d = rows
            parameters, state = carry
            loss, gradient = jax.value_and_grad(self.value)(parameters, x, d, product)
            return self.update(parameters, state, gradient), loss

        def epoch(carry: Any, order: Any, X: Any, D: Any) -> Any:
            if whole:
                parts = X.reshape(-1, batch, X.shape[1]), D.reshape(-1, batch, D.shape[1])
                carry, losses = lax.scan(step, carry, parts)
            elif each_epoch:
                carry, losses = lax.scan(step, carry, (X[order], D[order]))
            else:
                carry, losses = lax.scan(
                    lambda c, rows: step(c, (X[rows], D[rows])), carry, order, unroll=unroll
                )
            return carry, losses.mean()

        def train(parameters: Any, state: Any, X: Any, D: Any, orders: Any) -> Any:
            return lax.scan(lambda c, o: epoch(c, o, X, D), (parameters, state), orders)

        return train

    def value(self, parameters: Any, x: Any, d: Any, product: Any) -> Any:
        """The objective of one row ``(units,)`` or of a batch ``(rows, units)``."""
        rows = 1 if x.ndim == 1 else x.shape[0]
        for weight, bias in parameters[:-1]:
            x = HIDDEN[self.spec.activation](product(x, weight) + bias)
        z = product(x, parameters[-1][0]) + parameters[-1][1]
        if self.spec.output == "softmax":
            loss = (jax.nn.logsumexp(z, axis=-1) - (z * d).sum(axis=-1)).sum()
        else:
            prediction = jax.nn.sigmoid(z) if self.spec.output == "logistic" else z
            loss = 0.5 * ((prediction - d) ** 2).sum()
        loss = loss / rows
        if self.spec.decay:
            loss = loss + 0.5 * self.spec.decay * sum((w * w).sum() for w, _ in parameters)
        return loss

    def update(self, parameters: Any, state: Any, gradient: Any) -> Any:
        """One step of the optimiser."""
        moments, clock = state
        rate, clock, each = self.spec.rate, clock + 1, jax.tree.map
        if self.spec.optimizer == "adam":
            m = each(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradient)
            v = each(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradient)
            size = rate * jnp.sqrt(1 - 0.999**clock) / (1 - 0.9**clock)
            moved = each(lambda w, m, v: w - size * m / (jnp.sqrt(v) + 1e-8), parameters, m, v)
            return moved, ([m, v], clock)
        if self.spec.optimizer == "nesterov":
            v = each(lambda v, g: 0.9 * v - rate * g, moments[0], gradient)
            moved = each(lambda w, v, g: w + 0.9 * v - rate * g, parameters, v, gradient)
            return moved, ([v], clock)
        return each(lambda w, g: w - rate * g, parameters, gradient), ([], clock)

    def run(self) -> dict[str, Any]:
        start = self.at_start()

        def whole() -> Any:
            return jax.block_until_ready(
                self.compiled(*start, self.rows, self.targets, self.orders)
            )

        ((self.parameters, _), losses), times = clocked(whole)
        curve = np.asarray(losses).reshape(-1, self.spec.epochs)[0].tolist()
        return {**times, "steps": self.steps() * self.spec.networks, "curve": curve}

    def layers(self) -> list[tuple[Any, Any]]:
        first = (lambda p: p) if self.spec.networks == 1 else (lambda p: p[0])
        return [(np.asarray(first(w)), np.asarray(first(b))) for w, b in self.parameters]

    def predict_row(self, calls: int) -> dict[str, Any]:
        """The time of so many jitted calls with one row, NumPy to NumPy."""

        @jax.jit
        def predict(parameters: Any, x: Any) -> Any:
            for weight, bias in parameters[:-1]:
                x = HIDDEN[self.spec.activation](x @ weight + bias)
            return x @ parameters[-1][0] + parameters[-1][1]

        return rows_one_by_one(lambda row: np.asarray(predict(self.parameters, row)), self.X, calls)
