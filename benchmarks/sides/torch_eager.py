"""torch, eager: the plain loop that a good user writes, without a DataLoader.

Each epoch's rows are put in order once and cut into views, so a step takes a slice; the optimisers
are the fused ones; the loss is summed on the way and read once an epoch. The order of the rows is
computed beforehand and costs torch nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from specs import layers_at_start, orders

from sides.base import Side, clocked, rows_one_by_one

ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "logistic": torch.nn.Sigmoid}


class TorchEager(Side):
    """``nn.Sequential`` and an optimiser of ``torch.optim``."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        torch.set_num_threads(threads)

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def build(self) -> dict[str, Any] | None:
        self.tensors()
        self.model, self.optimizer = self.model_at_start()
        self.train(1, 3)
        return None

    def tensors(self) -> None:
        """Rows, targets and orders as torch has them; classes as numbers for softmax."""
        self.rows = torch.from_numpy(self.X)
        classes = self.spec.output == "softmax"
        self.targets = torch.from_numpy(self.y if classes else self.D)
        self.orders = torch.from_numpy(orders(self.spec, len(self.X))).long()

    def model_at_start(self) -> tuple[Any, Any]:
        """A fresh model from the common start, and its optimiser."""
        spec, parts = self.spec, []
        layers = layers_at_start(spec)
        for number, (weight, bias) in enumerate(layers):
            linear = torch.nn.Linear(*weight.shape, dtype=getattr(torch, spec.dtype))
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weight.T))
                linear.bias.copy_(torch.from_numpy(bias))
            parts.append(linear)
            if number < len(layers) - 1:
                parts.append(ACTIVATIONS[spec.activation]())
        if spec.output == "logistic":
            parts.append(torch.nn.Sigmoid())
        model = torch.nn.Sequential(*parts)
        linears = [part for part in parts if isinstance(part, torch.nn.Linear)]
        groups = [
            {"params": [part.weight for part in linears], "weight_decay": spec.decay},
            {"params": [part.bias for part in linears], "weight_decay": 0.0},
        ]
        if spec.optimizer == "adam":
            return model, torch.optim.Adam(groups, lr=spec.rate, fused=True)
        nesterov = spec.optimizer == "nesterov"
        momentum = 0.9 if nesterov else 0.0
        return model, torch.optim.SGD(
            groups, lr=spec.rate, momentum=momentum, nesterov=nesterov, fused=True
        )

    def loss(self, model: Any, x: Any, d: Any) -> Any:
        """The mean loss of a batch."""
        if self.spec.output == "softmax":
            return torch.nn.functional.cross_entropy(model(x), d)
        return 0.5 * ((model(x) - d) ** 2).sum() / len(x)

    def train(self, epochs: int, steps: int | None = None) -> list[float]:
        """The timed loop."""
        model, optimizer, curve = self.model, self.optimizer, []
        batch = self.orders.shape[2]
        whole = self.spec.sampling == "sequential"
        for order in self.orders[:epochs]:
            flat = order.flatten()[: None if steps is None else steps * batch]
            rows = self.rows if whole else self.rows[flat]
            targets = self.targets if whole else self.targets[flat]
            total = torch.zeros(())
            for x, d in zip(rows.split(batch), targets.split(batch), strict=True):
                optimizer.zero_grad()
                loss = self.loss(model, x, d)
                loss.backward()
                optimizer.step()
                total += loss.detach()
            curve.append(float(total) / len(order))
        return curve

    def run(self) -> dict[str, Any]:
        self.model, self.optimizer = self.model_at_start()
        curve, times = clocked(lambda: self.train(self.spec.epochs))
        return {**times, "steps": self.steps(), "curve": curve}

    def layers(self) -> list[tuple[Any, Any]]:
        linears = [part for part in self.model if isinstance(part, torch.nn.Linear)]
        return [(p.weight.detach().numpy().T, p.bias.detach().numpy()) for p in linears]

    def predict_row(self, calls: int) -> dict[str, Any]:
        """The time of so many calls with one row, NumPy to NumPy."""
        with torch.inference_mode():
            return rows_one_by_one(
                lambda row: self.model(torch.from_numpy(row)).numpy(), self.X, calls
            )
