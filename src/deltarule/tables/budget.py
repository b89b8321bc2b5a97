"""Seconds that a fit may take, and the recipe that fits into them.

A first network is trained for a moment to see how long a step takes on this machine and on these
rows; of what the recipe wants, epochs and networks are then taken away until it fits. The networks
get what is left as their ``max_seconds``, so that a machine that slows down in between is noticed.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from deltarule.definitions import Array
from deltarule.network import Network, initialize
from deltarule.tables.recipe import Recipe, build_plan
from deltarule.training import train

#: Of what is left, the share that the trial may take, and the most seconds of it.
TRIAL_SHARE, TRIAL_SECONDS = 0.05, 0.5
#: What validation and the parts beside the steps take, as a factor of the steps.
BESIDE = 1.3
#: Fewer epochs than these are taken for a network only when there is a single one left.
FEWEST_EPOCHS = 16
#: The share of the budget that is planned with; the rest is for what nobody foresees.
PLANNED = 0.9


class Budget:
    """A stretch of time that began when it was made; None is without end."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._began = time.perf_counter()

    @property
    def left(self) -> float:
        """Seconds that are left, at least a hundredth."""
        assert self.seconds is not None
        return max(self.seconds - (time.perf_counter() - self._began), 0.01)

    def share(self, share: float) -> float | None:
        """A share of what is left; None where there is no end."""
        return None if self.seconds is None else self.left * share

    def each(self, members: int, threads: int) -> float | None:
        """What each of some networks may take, side by side in so many threads."""
        if self.seconds is None:
            return None
        rounds = -(-members // min(threads, members))
        return max(self.left - (1 - PLANNED) * self.seconds, 0.01) / rounds

    def fitted(
        self, recipe: Recipe, network: Network, A: Array, D: Array, threads: int, engine: str
    ) -> Recipe:
        """The recipe, with fewer epochs or networks where it would take too long."""
        if self.seconds is None:
            return recipe
        step = self._seconds_per_step(recipe, network, A, D, engine)
        training = len(A) * (1 - 1 / max(recipe.members, 5))
        steps = -(-training // recipe.batch_size)
        epoch = step * steps * BESIDE
        left = max(self.left - (1 - PLANNED) * self.seconds, 0.0)
        members = recipe.members
        while members > 1 and _epochs(left, epoch, members, threads) < min(
            FEWEST_EPOCHS, recipe.epochs
        ):
            members -= 1
        epochs = int(np.clip(_epochs(left, epoch, members, threads), 1, recipe.epochs))
        return replace(recipe, members=members, epochs=epochs)

    def _seconds_per_step(
        self, recipe: Recipe, network: Network, A: Array, D: Array, engine: str
    ) -> float:
        seconds = min(TRIAL_SECONDS, TRIAL_SHARE * self.left)
        plan = replace(build_plan(recipe, len(A), 0), early_stopping=None, max_seconds=seconds)
        began = time.perf_counter()
        start = initialize(network, 0, dtype=A.dtype)
        state = train(network, start, A, D, plan, engine=engine, n_threads=1).state
        return (time.perf_counter() - began) / max(state.step, 1)


def _epochs(seconds: float, epoch: float, members: int, threads: int) -> int:
    """Whole epochs of each network in so many seconds."""
    rounds = -(-members // min(threads, members))
    return int(seconds / (epoch * rounds))
