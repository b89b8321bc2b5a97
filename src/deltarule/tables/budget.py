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
from deltarule.stopping import StopReason
from deltarule.tables.recipe import Recipe, build_plan
from deltarule.training import train

#: Of what is left, the share that the trial may take, and the most seconds of it.
TRIAL_SHARE, TRIAL_SECONDS = 0.05, 0.5
#: What validation and the parts beside the steps take, as a factor of the steps and in seconds of
#: an epoch.
BESIDE, JUDGING = 1.3, 0.004
#: Fewer epochs than these are taken for a network only when there is a single one left.
FEWEST_EPOCHS = 16
#: What is kept for the end, when networks and line are weighed: a share of the budget, or these
#: seconds where they are more, but never more than a larger share.
KEPT_SHARE, KEPT_SECONDS, MOST_KEPT = 0.05, 0.3, 0.2


class Budget:
    """A stretch of time that began when it was made; None is without end."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._began = time.perf_counter()
        self._step = 0.0

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
        return max(self._for_networks(), 0.01) / rounds

    def _for_networks(self) -> float:
        """Seconds that are left for the networks."""
        assert self.seconds is not None
        kept = min(max(KEPT_SHARE * self.seconds, KEPT_SECONDS), MOST_KEPT * self.seconds)
        return max(self.left - kept, 0.0)

    def fitted(
        self, recipe: Recipe, network: Network, A: Array, D: Array, threads: int, engine: str
    ) -> Recipe:
        """The recipe, with fewer epochs or networks where it would take too long."""
        if self.seconds is None:
            return recipe
        self._step = self._seconds_per_step(recipe, network, A, D, engine)
        epoch, left = self._epoch(recipe, len(A)), self._for_networks()
        members = recipe.members
        while members > 1 and _epochs(left, epoch, members, threads) < min(
            FEWEST_EPOCHS, recipe.epochs
        ):
            members -= 1
        epochs = int(np.clip(_epochs(left, epoch, members, threads), 1, recipe.epochs))
        return replace(recipe, members=members, epochs=epochs)

    def shortened(self, recipe: Recipe, rows: int, threads: int) -> Recipe:
        """The recipe with fewer epochs where what came since has taken longer than was thought."""
        if self.seconds is None:
            return recipe
        seconds, epoch = self._for_networks(), self._epoch(recipe, rows)
        most = _epochs(seconds, epoch, recipe.members, threads)
        return replace(recipe, epochs=int(np.clip(most, 1, recipe.epochs)))

    def _epoch(self, recipe: Recipe, rows: int) -> float:
        """Seconds of an epoch of one network."""
        training = rows * (1 - 1 / max(recipe.members, 5))
        steps = -(-training // recipe.batch_size)
        return float(self._step * steps * BESIDE + JUDGING)

    def _seconds_per_step(
        self, recipe: Recipe, network: Network, A: Array, D: Array, engine: str
    ) -> float:
        """From a short trial and a longer one, so that what comes before the steps cancels."""
        seconds = min(TRIAL_SECONDS, TRIAL_SHARE * self.left)
        short, few = _trial(recipe, network, A, D, engine, seconds / 8)
        long, many = _trial(recipe, network, A, D, engine, seconds)
        return max((long - short) / (many - few) if many > few else 0.0, 0.2 * long / many)


def _trial(
    recipe: Recipe, network: Network, A: Array, D: Array, engine: str, seconds: float
) -> tuple[float, int]:
    """How long a network was trained for, and the steps that were done, at least 1."""
    plan = replace(build_plan(recipe, len(A), 0), early_stopping=None, max_seconds=seconds)
    start = initialize(network, 0, dtype=A.dtype)
    began = time.perf_counter()
    result = train(network, start, A, D, plan, engine=engine, n_threads=1)
    if result.stop_reason is StopReason.INTERRUPTED:
        raise KeyboardInterrupt
    return time.perf_counter() - began, max(result.state.step, 1)


def _epochs(seconds: float, epoch: float, members: int, threads: int) -> int:
    """Whole epochs of each network in so many seconds."""
    rounds = -(-members // min(threads, members))
    return int(seconds / (epoch * rounds))
