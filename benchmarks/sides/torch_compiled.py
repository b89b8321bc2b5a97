"""torch with ``torch.compile``: the whole step, gradient and update, as one compiled function."""

from __future__ import annotations

import time
from typing import Any

import torch
from specs import layers_at_start

from sides.torch_eager import TorchEager

HIDDEN = {"relu": torch.relu, "tanh": torch.tanh, "logistic": torch.sigmoid}


class TorchCompiled(TorchEager):
    """A functional step: parameters and moments are written in place."""

    def build(self) -> dict[str, Any] | None:
        self.tensors()
        torch.compiler.reset()
        began = time.perf_counter()
        self.step = torch.compile(self.one_step, dynamic=False, fullgraph=True)
        self.at_start()
        self.train(1, 3)
        return {"compile_seconds": time.perf_counter() - began}

    def at_start(self) -> None:
        """Fresh parameters and moments."""
        parts = [torch.from_numpy(part) for pair in layers_at_start(self.spec) for part in pair]
        self.parameters = [part.clone() for part in parts]
        moments = {"sgd": 0, "nesterov": 1, "adam": 2}[self.spec.optimizer]
        self.moments = [[torch.zeros_like(p) for p in self.parameters] for _ in range(moments)]
        self.clock = torch.zeros((), dtype=self.parameters[0].dtype)

    def value(self, parameters: list[Any], x: Any, d: Any) -> Any:
        """The objective of a batch."""
        pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
        for weight, bias in pairs[:-1]:
            x = HIDDEN[self.spec.activation](torch.addmm(bias, x, weight))
        weight, bias = pairs[-1]
        z = torch.addmm(bias, x, weight)
        if self.spec.output == "softmax":
            loss = torch.nn.functional.cross_entropy(z, d)
        else:
            prediction = torch.sigmoid(z) if self.spec.output == "logistic" else z
            loss = 0.5 * ((prediction - d) ** 2).sum() / len(x)
        if self.spec.decay:
            loss = loss + 0.5 * self.spec.decay * sum((w * w).sum() for w, _ in pairs)
        return loss

    def one_step(self, parameters: Any, moments: Any, clock: Any, x: Any, d: Any) -> Any:
        """Gradient and update; returns the loss."""
        gradients, loss = torch.func.grad_and_value(self.value)(parameters, x, d)
        rate = self.spec.rate
        clock += 1
        for number, (w, g) in enumerate(zip(parameters, gradients, strict=True)):
            if self.spec.optimizer == "adam":
                m, v = moments[0][number], moments[1][number]
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                size = rate * torch.sqrt(1 - 0.999**clock) / (1 - 0.9**clock)
                w.sub_(size * m / (torch.sqrt(v) + 1e-8))
            elif self.spec.optimizer == "nesterov":
                velocity = moments[0][number]
                velocity.mul_(0.9).sub_(rate * g)
                w.add_(0.9 * velocity - rate * g)
            else:
                w.sub_(rate * g)
        return loss

    def train(self, epochs: int, steps: int | None = None) -> list[float]:
        """The timed loop."""
        batch = self.orders.shape[2]
        whole = self.spec.sampling == "sequential"
        curve = []
        for order in self.orders[:epochs]:
            flat = order.flatten()[: None if steps is None else steps * batch]
            rows = self.rows if whole else self.rows[flat]
            targets = self.targets if whole else self.targets[flat]
            total = torch.zeros(())
            for x, d in zip(rows.split(batch), targets.split(batch), strict=True):
                total += self.step(self.parameters, self.moments, self.clock, x, d)
            curve.append(float(total) / len(order))
        return curve

    def model_at_start(self) -> tuple[Any, Any]:
        self.at_start()
        return None, None

    def layers(self) -> list[tuple[Any, Any]]:
        arrays = [part.numpy() for part in self.parameters]
        return list(zip(arrays[::2], arrays[1::2], strict=True))
