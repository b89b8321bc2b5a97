"""Optimisers: from a gradient to new parameters.

Vectors have shape (size,), all parameters of a network in one; the optimiser's memory, its
`moments`, has shape (number, size) and starts at 0. `update` works out of place and keeps the
dtype. ``rate`` is the step size of this step, α_t = ``learning_rate_init`` times the schedule's
factor; ``step`` counts steps from 0. An optimiser has no rate of its own.

The forms are scikit-learn's (``sklearn/neural_network/_stochastic_optimizers.py``): momentum
carries the step size inside the velocity, Adam folds both bias corrections into the step size and
adds epsilon outside the root.

``lbfgs`` stands in the same table but takes no steps: it walks down the whole training set
through SciPy.
"""

from __future__ import annotations

from deltarule.definitions import Family
from deltarule.optimizers.adaptive import Adam, AdamW, RMSprop
from deltarule.optimizers.base import Optimizer, Stepwise, averaging_decay
from deltarule.optimizers.descent import SGD, Momentum, Nesterov
from deltarule.optimizers.quasi_newton import LBFGS

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "Stepwise",
    "averaging_decay",
]

OPTIMIZERS: Family[Optimizer] = Family(
    base=Optimizer,
    table={cls.name: cls for cls in (SGD, Momentum, Nesterov, Adam, AdamW, RMSprop, LBFGS)},
    word="optimizer",
    elsewhere={"l_bfgs": "lbfgs", "bfgs": "lbfgs", "nag": "nesterov", "gd": "sgd"},
)
