"""Plans and places of a training as the page's protocol has them; `asks` reads them."""

from __future__ import annotations

from typing import Any

from deltarule.definitions import Array
from deltarule.plans import TrainingPlan, TrainingState
from deltarule.stopping import Standing


def plan_record(plan: TrainingPlan) -> dict[str, Any]:
    """A plan."""
    return {
        "optimizer": plan.optimizer.record(),
        "learning_rate_init": plan.learning_rate_init,
        "schedule": plan.schedule.record(),
        "batch_size": plan.batch_size,
        "sampling": plan.sampling,
        "penalty": None if plan.penalty is None else plan.penalty.record(),
        "max_epochs": plan.max_epochs,
        "key": plan.key,
    }


def state_record(
    numbers: tuple[Array, Array, Array],
    standing: Standing | TrainingState,
    step: int = 0,
    epoch: int = 0,
    into: int = 0,
    carried: float = 0.0,
) -> dict[str, Any]:
    """Where a training stands.

    Parameters
    ----------
    numbers : tuple of array
        Parameters, moments and running statistics.
    standing : Standing or TrainingState
        What stop rules and schedules remember.
    step, epoch, into : int
        Steps since the start, epochs that ended, steps of the one at hand.
    carried : float
        Σ of the losses that the epoch at hand has met.
    """
    vector, moments, buffers = numbers
    return {
        "vector": vector,
        "moments": moments.ravel(),
        "buffers": buffers,
        "step": step,
        "epoch": epoch,
        "into": into,
        "carried": carried,
        "rate_factor": standing.rate_factor,
        "best_loss": float(standing.best_loss),
        "stalled": standing.stalled,
    }
