"""Training: a plan in, a result out.

`train` checks the rows at its border, opens an engine's session, lets the `loop` (or `lbfgs`) do
the work, and hands back everything that a later call needs to go on: the `TrainingState`.

``history.loss[e]`` is the mean of the sample losses as met in epoch e (before each update), plus
the penalty at the epoch's end: what scikit-learn calls ``loss_curve_``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deltarule import engines, lbfgs
from deltarule.definitions import Array
from deltarule.exceptions import InvalidParameterError
from deltarule.functional import arrays
from deltarule.loop import Loop
from deltarule.network import Network, Parameters
from deltarule.plans import (
    History,
    Observer,
    TrainingPlan,
    TrainingResult,
    TrainingState,
    Validation,
    check_stopping,
    fresh_state,
)


def train(
    network: Network,
    start: Parameters | TrainingState,
    X: Any,
    D: Array,
    plan: TrainingPlan,
    *,
    sample_weight: Array | None = None,
    validation: Validation | None = None,
    observer: Observer | None = None,
    history: History | None = None,
    engine: str = "auto",
    n_threads: int | None = None,
) -> TrainingResult:
    """Train a network by a plan.

    Parameters
    ----------
    network : Network
    start : Parameters or TrainingState
        The guess W^0, or the state of an earlier result to go on from.
    X : array of shape (rows, inputs) or CSR matrix
        In the dtype of the parameters; not copied where it is C-contiguous.
    D : array of shape (rows, outputs)
    plan : TrainingPlan
    sample_weight : array of shape (rows,), optional
    validation : Validation, optional
        Needed by ``plan.early_stopping``.
    observer : callable, optional
        Called with an `EpochReport` after each epoch; returning True ends the training.
    history : History, optional
        The history of the earlier result, to be continued.
    engine : {"auto", "compiled", "reference"}
    n_threads : int, optional

    Returns
    -------
    TrainingResult

    Raises
    ------
    InvalidShapeError
        If arrays do not fit the network or each other, or the loss is not defined for a target.
    InvalidParameterError
        If ``plan.early_stopping`` has no validation rows, or a scorer, which is for estimators.
    EngineError
        If ``engine="compiled"`` cannot do the plan.

    Notes
    -----
    KeyboardInterrupt ends the training after the step at hand; a step that takes long is left
    undone, for the core looks about every 50 ms. The partial result is returned with
    ``StopReason.INTERRUPTED``.

    A training that ended inside an epoch, by an interrupt or by ``plan.max_seconds``, goes on from
    that step: calls with the earlier ``result.state`` and ``result.history`` are together the
    uninterrupted training, bit for bit, with the same rows, plan and engine. The begun epoch counts
    for the call that ends it: give as ``max_epochs`` what is left of the whole. lbfgs goes on from
    the parameters alone.

    Examples
    --------
    >>> import numpy as np, deltarule as dr
    >>> X = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
    >>> D = np.array([[0.], [1.], [1.], [0.]])
    >>> network = dr.Network(units=(2, 3, 1), activations="logistic")
    >>> plan = dr.TrainingPlan(learning_rate_init=2.0, max_epochs=4000, sampling="shuffle")
    >>> result = dr.train(network, dr.initialize(network, seed=3), X, D, plan)
    >>> dr.forward(network, result.parameters, X).prediction.round().ravel()
    array([0., 1., 1., 0.])
    """
    return train_until(
        None,
        network,
        start,
        X,
        D,
        plan,
        sample_weight=sample_weight,
        validation=validation,
        observer=observer,
        history=history,
        engine=engine,
        n_threads=n_threads,
    )


def train_until(
    ended: Callable[[], bool] | None,
    network: Network,
    start: Parameters | TrainingState,
    X: Any,
    D: Array,
    plan: TrainingPlan,
    *,
    sample_weight: Array | None = None,
    validation: Validation | None = None,
    observer: Observer | None = None,
    history: History | None = None,
    engine: str = "auto",
    n_threads: int | None = None,
) -> TrainingResult:
    """Train as `train` does, until ``ended()`` answers True between two slices of the work.

    It then ends as by a KeyboardInterrupt, which only the main thread of a process meets.
    """
    if not isinstance(plan, TrainingPlan):
        raise InvalidParameterError(
            f"plan must be a TrainingPlan (got {plan!r}). Make one: TrainingPlan(max_epochs=100)."
        )
    check_stopping(plan, validation)
    state = start if isinstance(start, TrainingState) else fresh_state(start)
    X, D, sample_weight = arrays(
        network, state.parameters, X, D, sample_weight, weightless=plan.incremental
    )
    if validation is not None:
        rows = (validation.X, validation.D, validation.sample_weight)
        validation = Validation(*arrays(network, state.parameters, *rows), validation.score)
    check_layers(network, plan, D.shape[0])
    chosen = engines.choose(engine, network, plan.optimizer, state.parameters.dtype)
    most = max(
        min(int(plan.batch_size), D.shape[0]) if plan.optimizer.name != "lbfgs" else D.shape[0],
        0 if validation is None else validation.D.shape[0],
    )
    threads = engines.thread_count(n_threads, most * network.size)
    session = chosen.open(network, state.parameters.dtype, threads)
    loop = Loop(network, plan, state, session, validation, history, D.shape[0], sample_weight)
    loop.load()
    session.bind(X, D, sample_weight)
    if plan.optimizer.name == "lbfgs":
        reason, trouble = lbfgs.descend(loop, X, D, sample_weight, observer, ended)
    else:
        reason, trouble = loop.run(observer, ended)
    session.release()  # before the result is copied out: both need not fit
    return loop.result(reason, trouble, chosen.name, session.road(loop.work))


def check_layers(network: Network, plan: TrainingPlan, rows: int) -> None:
    """Refuse layers that cannot be trained by this plan."""
    if plan.optimizer.name == "lbfgs" and network.rate_factors is not None:
        slot = next(slot for slot in network.layout if slot.block.rate_factor != 1.0)
        raise InvalidParameterError(
            f"layers[{slot.layer}], {network.layers[slot.layer].name!r}, has a factor of the step "
            f"size for its {slot.block.name} ({slot.block.rate_factor:g}), and lbfgs has no step "
            "size. Use 'adam', or leave the factors at 1."
        )
    for index, layer in enumerate(network.layers):
        if plan.optimizer.name == "lbfgs" and layer.stepwise:
            raise InvalidParameterError(
                f"layers[{index}], {layer.name!r}, is trained by steps over a part of the rows, "
                "and lbfgs takes none (got optimizer='lbfgs'). Use 'adam', or leave the layer out."
            )
        problem = layer.objection(min(int(plan.batch_size), rows))
        if problem is not None:
            raise InvalidParameterError(f"layers[{index}]: {problem}")
