"""Many trainings of one network in the lanes of vectors, where that suits them.

The compiled core trains as many networks at once as a vector has lanes, each with a start, key,
step size, penalty and fold of its own. All of them take the same steps, so a `Kind` says what has
to be alike: `kind_of` names it for a `Training`, or the reason why lanes do not suit it, and
`run` trains those of one kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.backprop import total_weight
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.network import Network
from deltarule.plans import History, TrainingPlan, TrainingResult, TrainingState, Validation
from deltarule.schedules import SCHEDULES, Adaptive, Constant, Function
from deltarule.stopping import StopReason, patience_number

#: Factors of step sizes of one training that are worked out before it begins, at most: 32 MB.
MOST_FACTORS = 1 << 22

#: Epochs whose history is made room for, at most.
MOST_EPOCHS = 1 << 20

#: Rows times parameters of one step, at most: a call of the core ends between steps only.
LARGEST_STEP = 10_000_000


@dataclass(frozen=True, eq=False)
class Training:
    """One of many trainings; `rows` None are all rows."""

    state: TrainingState
    plan: TrainingPlan
    rows: Array | None = None
    validation: Validation | None = None


@dataclass(frozen=True)
class Kind:
    """What trainings have to share to be done together."""

    sampling: str
    batch_size: int
    optimizer: str
    rows: int
    has_l1: bool


def kind_of(network: Network, X: Any, training: Training) -> Kind | str:
    """The kind of a training, or the reason why lanes do not suit it.

    That the compiled engine can do it is known already.
    """
    plan, state = training.plan, training.state
    if not network.plain:
        return "lanes train dense layers alone, under one plain head"
    if network.rate_factors is not None:
        return "lanes take one step size for all numbers of a network, not rate factors"
    if plan.optimizer.averages or plan.optimizer.clips:
        return "the optimizer clips or averages, which lanes do not"
    if not isinstance(X, np.ndarray):
        return "lanes take dense rows, not CSR"
    if plan.optimizer.name == "lbfgs":
        return "lbfgs takes no steps that lanes could take together"
    if training.validation is not None:
        return "lanes judge no validation rows"
    if isinstance(plan.schedule, Function):
        return "the schedule is a Python function"
    if type(plan.schedule) is not SCHEDULES.table.get(plan.schedule.name):
        return "the schedule is the user's own"
    if plan.max_epochs > MOST_EPOCHS:
        return f"there is no room for the history of more than {MOST_EPOCHS} epochs"
    count = X.shape[0] if training.rows is None else len(training.rows)
    # As in the loop: no batch has more rows than there are; a batch of one is another road.
    batch_size = min(int(plan.batch_size), max(count, 2))
    steps = -(-count // batch_size)
    if not isinstance(plan.schedule, Constant | Adaptive) and (
        steps * plan.max_epochs > MOST_FACTORS
    ):
        return f"the schedule {plan.schedule.name!r} has more than {MOST_FACTORS} steps"
    if batch_size * network.size > LARGEST_STEP:
        return "a step is too long for lanes"
    if max(X.shape[0], count) >= 2**31:
        return "lanes count rows up to 2**31 only"
    if state.step < state.epoch:
        return "the state counts fewer steps than epochs"
    if state.begun is not None:
        return "the state stands inside an epoch"
    if plan.max_seconds is not None:
        return "lanes do not look at the clock"
    l1 = plan.penalty.l1 if plan.penalty else 0.0
    return Kind(plan.sampling, batch_size, plan.optimizer.name, count, l1 != 0)


#: Parameters of a network, at most.
LARGEST_NETWORK = 2_000


def unsuited(network: Network, count: int, dtype: Any) -> str | None:
    """The reason why so many trainings of a kind are better done one by one, or None.

    Measured on a core with AVX2, 16-w-4 relu, one thread, full vectors, as the time of the kernels
    for one network alone over that in lanes. float32, w = 4, 16, 32, 64, 128, 256: one row a step
    with sgd 3.3, 1.9, 1.7, 1.1, 1.0, 0.8; batches of 32 with adam 1.8, 1.4, 1.4, 1.2, 1.0, 0.8.
    float64, w = 4, 16, 64, 128: 2.2, 1.5, 1.0, 0.9 and 1.3, 1.1, 1.0, 0.8. A vector that is half
    full has half of that; what a training alone costs besides, in Python, makes up for it.
    """
    from deltarule.engines import compiled

    if network.size > LARGEST_NETWORK:
        return f"the network has more than {LARGEST_NETWORK} parameters, which fill vectors alone"
    if count < max(3, compiled.lane_count(dtype) // 2):
        return f"there are too few of its kind for lanes, {count}"
    return None


#: What the core says of an end.
ENDS = (
    None,  # not begun
    StopReason.INTERRUPTED,
    StopReason.CONVERGED,
    StopReason.STEP_TOO_SMALL,
    StopReason.MAX_EPOCHS,
    StopReason.NON_FINITE,
)


def run(
    network: Network,
    trainings: Sequence[Training],
    kind: Kind,
    X: Array,
    D: Array,
    sample_weight: Array | None,
    n_threads: int,
) -> tuple[list[TrainingResult | None], bool]:
    """Train all of a kind; and whether they were interrupted. None: had not begun by then."""
    from deltarule.engines import compiled

    lanes = compiled.open_lanes(network, X.dtype, n_threads)
    lanes.bind(X, D, sample_weight)
    trainings = [replace(training, state=_with_horizon(training)) for training in trainings]
    epochs = [training.plan.max_epochs for training in trainings]
    losses, seconds = ([np.empty(count) for count in epochs] for _ in range(2))
    interrupted = False
    try:
        lanes.run(
            order=kind.sampling,
            batch_size=kind.batch_size,
            optimizer=kind.optimizer,
            keys=np.array([training.plan.key for training in trainings], dtype=np.uint64),
            parameters=np.stack([training.state.parameters.vector for training in trainings]),
            moments=np.stack([_moments(training) for training in trainings]),
            columns=_columns(trainings, kind, sample_weight),
            folds=_shared_arrays([training.rows for training in trainings]),
            factors=_all_factors(trainings, kind),
            losses=losses,
            seconds=seconds,
        )
    except KeyboardInterrupt:
        interrupted = True
    road = f"compiled, {compiled.ISA}: lanes road, {len(trainings)} networks"
    columns, vectors, moments = lanes.columns(), lanes.parameters(), lanes.moments()
    results: list[TrainingResult | None] = []
    for index, training in enumerate(trainings):
        reason = ENDS[columns["end"][index]]
        if reason is None:
            results.append(None)
            continue
        done = int(columns["done"][index])
        state = replace(
            training.state,
            parameters=training.state.parameters.replace(vector=vectors[index]),
            moments=moments[index].copy(),
            step=int(columns["clock"][index]),
            epoch=int(columns["epoch"][index]),
            rate_factor=float(columns["rate_factor"][index]),
            best_loss=float(columns["best_loss"][index]),
            stalled=int(columns["stalled"][index]),
        )
        history = Recorded(losses[index][:done], seconds[index][:done])
        results.append(
            TrainingResult(state.parameters, state, history, reason, done, "compiled", road)
        )
    return results, interrupted


class Recorded(History):
    """A history whose lists are made when they are read: they cost more than tiny epochs."""

    def __init__(self, loss: Array, seconds: Array) -> None:
        self._arrays = {"loss": loss, "seconds": seconds}
        self.validation_loss, self.validation_score = [], []

    def __getattr__(self, name: str) -> list[float]:
        arrays = self.__dict__.get("_arrays", {})
        if name not in arrays:
            raise AttributeError(f"History has no attribute {name!r}")
        values: list[float] = arrays.pop(name).tolist()
        setattr(self, name, values)
        return values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.copy() == History.copy(other)

    __hash__ = None  # type: ignore[assignment]


def _steps_per_epoch(kind: Kind) -> int:
    return -(-kind.rows // kind.batch_size)


def _with_horizon(training: Training) -> TrainingState:
    state, plan = training.state, training.plan
    if state.horizon or plan.incremental:
        return state
    return replace(state, horizon=state.epoch + plan.max_epochs)


def _moments(training: Training) -> Array:
    given, count = training.state.moments, training.plan.optimizer.moments
    if len(given) == count:
        return given
    vector = training.state.parameters.vector
    return np.zeros((count, vector.size), dtype=vector.dtype)


def _columns(
    trainings: Sequence[Training], kind: Kind, sample_weight: Array | None
) -> dict[str, Array]:
    """What differs between the trainings, an array under each name of the core's."""
    totals: dict[int | None, float] = {}
    rows: list[dict[str, float]] = []
    for training in trainings:
        plan, state = training.plan, training.state
        fold = None if training.rows is None else id(training.rows)
        if fold not in totals:
            part = sample_weight
            if part is not None and training.rows is not None:
                part = part[training.rows]
            totals[fold] = total_weight(part, kind.rows)
        n = float(kind.rows) if plan.incremental else totals[fold]
        first, second, epsilon, decay = plan.optimizer.hyperparameters()
        if plan.optimizer.name == "rmsprop":
            second, epsilon = 0.0, second
        schedule, penalty = plan.schedule, plan.penalty
        rows.append(
            {
                "rate": plan.learning_rate_init,
                "first": first,
                "second": second,
                "epsilon": epsilon,
                "weight_decay": decay,
                "l1": penalty.l1 / n if penalty else 0.0,
                "l2": penalty.l2 / n if penalty else 0.0,
                "scale": kind.rows / n,
                "n": n,
                "tolerance": plan.tolerance,
                "divisor": schedule.divisor if isinstance(schedule, Adaptive) else 1.0,
                "smallest": schedule.smallest if isinstance(schedule, Adaptive) else 0.0,
                "rate_factor": state.rate_factor,
                "best_loss": state.best_loss,
                "max_epochs": plan.max_epochs,
                "patience": patience_number(plan.patience),
                "stalled": state.stalled,
                "epoch": state.epoch,
                "clock": state.step,
            }
        )
    counts = {"max_epochs", "patience", "stalled", "epoch", "clock"}
    return {
        name: np.array(
            [row[name] for row in rows], dtype=np.int64 if name in counts else np.float64
        )
        for name in rows[0]
    }


def _shared_arrays(arrays: Sequence[Array | None]) -> list[Array | None]:
    """Equal arrays as one, so that the core sees who takes the same rows."""
    known: dict[bytes, Array] = {}
    by_id: dict[int, Array] = {}
    shared: list[Array | None] = []
    for array in arrays:
        if array is not None and id(array) not in by_id:
            by_id[id(array)] = known.setdefault(array.tobytes(), array)
        shared.append(None if array is None else by_id[id(array)])
    return shared


def _all_factors(trainings: Sequence[Training], kind: Kind) -> list[Array | None]:
    """For each training None, or the schedule's factor of every step; equal ones are shared."""
    steps = _steps_per_epoch(kind)
    known: dict[Any, Array] = {}
    found: list[Array | None] = []
    for training in trainings:
        plan, state = training.plan, training.state
        if isinstance(plan.schedule, Constant | Adaptive):
            found.append(None)
            continue
        clock = state.clock(plan.schedule, steps, kind.rows, state.epoch, 0)
        tag = (plan.schedule, clock, plan.max_epochs)
        if tag not in known:
            factors = plan.schedule.factors(clock, steps * plan.max_epochs)
            known[tag] = np.ascontiguousarray(factors, dtype=np.float64)
        found.append(known[tag])
    return found
