"""What a fit publishes: ``coefs_`` and ``intercepts_``, and all that stands beside them.

They are writeable views of one vector, so that what a user assigns to them or writes into them is
what the next prediction and the next warm fit use. So are the gains and shifts of a normalisation,
and its running statistics, which are views of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from deltarule.definitions import Array
from deltarule.estimators import checks, fitting
from deltarule.estimators.kept_session import KeptSession
from deltarule.estimators.parameters import CheckedParameters
from deltarule.estimators.predictor import before_output
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError
from deltarule.layers import BatchNormalization, Dense
from deltarule.network import Network, Parameters, Slot
from deltarule.plans import History, TrainingPlan, TrainingResult, TrainingState
from deltarule.stopping import StopReason

#: The attribute of each block and buffer: a list with one array for each layer of weights.
ATTRIBUTES = {
    "weight": "coefs_",
    "bias": "intercepts_",
    "gain": "gains_",
    "shift": "shifts_",
    "mean": "running_means_",
    "variance": "running_variances_",
}
_TRAINED = ("coefs_", "intercepts_", "gains_", "shifts_")
_BUFFERED = ("running_means_", "running_variances_")

#: Views of one vector would be pickled apart; sessions are never pickled.
_NOT_PICKLED = (
    "_vector",
    "_buffers",
    "_issued",
    "_session",
    "_score_session",
    "_probable_session",
    "_described",
)


class Published(CheckedParameters):
    """The fitted attributes of `BaseMLP`, and the vector behind them."""

    def _set_network(self, network: Network) -> None:
        self._network = network
        self._session = KeptSession(network, self.engine, self._threads())
        self._score_session = self._session
        self._probable_session = self._session
        self.n_outputs_ = network.n_outputs
        self.n_layers_ = len(network.weighted) + 1
        self.out_activation_: Any = network.output_activation.name
        if getattr(self, "calibrate", False):  # its numbers are others than those of predict
            self._probable_session = KeptSession(network, self.engine, self._threads())
        if self.out_activation_ == "sign":
            self._score_session = KeptSession(before_output(network), self.engine, self._threads())

    def _threads(self) -> int | None:
        """``n_threads`` as Python's own integer, which engines ask for."""
        return None if self.n_threads is None else int(self.n_threads)

    # ------------------------------------------------------------ what a fit publishes

    def _keep(
        self,
        result: TrainingResult,
        plan: TrainingPlan,
        objectives: Array | None,
        rows: int,
        memory: fitting.Memory | None,
        earlier: History | None,
        judged: bool,
        judged_by: str | None,
    ) -> None:
        """Publish a result; with `earlier` epochs it went on from them, and they grow in place."""
        history, state = result.history, result.state
        if earlier is not None:
            earlier.extend(history)
            history = earlier
        key = plan.key if memory is None else memory.key
        failed = result.stop_reason is StopReason.NON_FINITE
        stopping = plan.early_stopping is not None
        self._publish(result.parameters)
        # Where nothing judged now, the best score is still that of the judges before.
        judges = memory.judges if judged_by is None and memory is not None else judged_by
        self._memory = fitting.Memory(
            state,
            history,
            key,
            plan.optimizer,
            result.parameters,
            result.stop_reason,
            judges,
        )
        self.loss_curve_ = history.loss
        self.loss_ = history.loss[-1] if history.loss else float("nan")
        self.best_loss_ = None if stopping else state.best_loss
        self.validation_scores_ = self.validation_loss_curve_ = self.best_validation_score_ = None
        if judged:
            scores = [*history.validation_score, *([float("nan")] if failed else [])]
            best = state.best_score if stopping else np.fmax.reduce(scores, initial=-np.inf)
            self.validation_scores_, self.best_validation_score_ = scores, float(best)
            self.validation_loss_curve_ = list(history.validation_loss)
        if not stopping or state.best_parameters is None:
            self.best_epoch_: int | None = None
        elif memory is None or memory.state.best_parameters is not state.best_parameters:
            before = 0 if earlier is None else len(history.loss) - len(result.history.loss)
            self.best_epoch_ = before + _best_epoch(result.history.validation_score, plan, state)
        elif not hasattr(self, "best_epoch_"):  # of an older release
            self.best_epoch_ = None
        self.n_iter_ = result.epochs
        self.t_ = result.epochs * rows + (0 if earlier is None else getattr(self, "t_", 0))
        self.engine_, self.road_ = result.engine, result.road
        self.stop_reason_ = result.stop_reason
        if objectives is not None:
            self.restarts_ = objectives
        elif earlier is None or len(getattr(self, "restarts_", ())) < 2:
            ended = -state.best_score if stopping else self.loss_
            self.restarts_ = np.array([np.inf if failed else ended])

    def _publish(self, parameters: Parameters) -> None:
        vector, buffers = parameters.vector.copy(), parameters.buffers.copy()
        shown = views(parameters.network, vector, buffers)
        known = self.__dict__
        # A temperature was that of the weights before.
        for name in (*_TRAINED[2:], *_BUFFERED, "temperature_"):
            known.pop(name, None)
        known.update(shown)
        self._vector, self._buffers = vector, buffers
        self._issued = self._parts(_TRAINED), self._parts(_BUFFERED)

    def _parts(self, names: tuple[str, ...] = (*_TRAINED, *_BUFFERED)) -> tuple[Array, ...]:
        """The arrays of some fitted attributes, those that are there."""
        known = self.__dict__
        return tuple(part for name in names for part in known.get(name, ()))

    def _current_vector(self, network: Network) -> Array:
        """What ``coefs_``, ``intercepts_`` and the others say now, as one vector."""
        if "_vector" in self.__dict__ and self._is_as_issued(_TRAINED, 0):
            return self._vector
        _check_no_bias(network, self.intercepts_)
        return _gathered(network.layout, network, self.__dict__)

    def _current_buffers(self, network: Network) -> Array:
        """The running statistics now, as one vector; empty where there are none."""
        if "_buffers" in self.__dict__ and self._is_as_issued(_BUFFERED, 1):
            return self._buffers
        if not network.buffer_size:
            return np.zeros(0, dtype=np.asarray(self.coefs_[0]).dtype)
        return _gathered(network.buffer_layout, network, self.__dict__)

    def _current(self, network: Network) -> Parameters:
        """All numbers now, those that were assigned among them."""
        vector = self._current_vector(network)
        buffers = self._current_buffers(network).astype(vector.dtype, copy=False)
        return Parameters(network, vector, buffers)

    def _remembered(self) -> fitting.Memory | None:
        """What a warm fit goes on from, with the numbers that were assigned since the last one."""
        memory: fitting.Memory | None = self.__dict__.get("_memory")
        if memory is None:
            return None
        shown = self._current(self._network)
        if not self._is_assigned() and fitting.same_numbers(shown, memory.published):
            return memory
        return memory.assigned(shown)

    def _is_assigned(self) -> bool:
        """Whether other arrays stand in the place of those published, whatever is in them."""
        return not (self._is_as_issued(_TRAINED, 0) and self._is_as_issued(_BUFFERED, 1))

    def _is_as_issued(self, names: tuple[str, ...], kind: int) -> bool:
        """Whether the arrays are the views that were published, so that one vector holds them."""
        issued, present = self.__dict__.get("_issued"), self._parts(names)
        return (
            issued is not None
            and len(present) == len(issued[kind])
            and all(now is then for now, then in zip(present, issued[kind], strict=True))
        )

    def set_weights(self, coefs: Any, intercepts: Any = None) -> Any:
        """Put other numbers in the place of the weights of a fitted or initialized estimator.

        They are copied. The next prediction uses them, and a `fit` with ``warm_start=True``, a
        `partial_fit` or a `learner` starts from them, with the optimiser's moments and counters as
        they are. So ``model.set_weights(model.coefs_, model.intercepts_)`` makes them go on from
        the best, which early stopping shows, and not from the last.

        Parameters
        ----------
        coefs : sequence of n_layers_ - 1 arrays
            ``coefs[l]`` of shape (units below, units above), as in ``coefs_``; finite numbers,
            taken over in the precision of ``coefs_``.
        intercepts : sequence of n_layers_ - 1 arrays, default=None
            ``intercepts[l]`` of shape (units,); zeros with ``fit_intercept=False``. None leaves
            ``intercepts_`` as they are.

        Returns
        -------
        self : estimator instance

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If there are no weights yet: call `fit` or `initialize` before.
        InvalidShapeError
            If the number of arrays or a shape is another, or an array holds no real numbers.
        NonFiniteError
            If a number is NaN or infinite.

        Examples
        --------
        >>> import deltarule as dr
        >>> model = dr.MLPRegressor(hidden_layer_sizes=()).initialize([[0.0, 1.0]], [1.0])
        >>> model.set_weights([[[2.0], [3.0]]], [[0.5]]).predict([[1.0, 1.0]])
        array([5.5])
        """
        check_is_fitted(self, ["coefs_", "_network"])
        network, dtype = self._network, np.asarray(self.coefs_[0]).dtype
        dtype = dtype if dtype in checks.FLOATS else np.dtype(np.float64)
        given = {
            "coefs": coefs,
            "intercepts": self.intercepts_ if intercepts is None else intercepts,
        }
        count = len(network.weighted)
        for name, parts in given.items():
            if not isinstance(parts, Sequence | np.ndarray) or len(parts) != count:
                got = f"{len(parts)}" if hasattr(parts, "__len__") else repr(parts)
                raise InvalidShapeError(
                    f"{name} must hold {count} arrays, one for each layer of weights (got {got}). "
                    f"They are laid out as in {name}_."
                )
            given[name] = [_numbers(part, f"{name}[{i}]", dtype) for i, part in enumerate(parts)]
        _check_no_bias(network, given["intercepts"], "intercepts")
        parts = {**self.__dict__, "coefs_": given["coefs"], "intercepts_": given["intercepts"]}
        vector = _gathered(network.layout, network, parts, "").astype(dtype, copy=False)
        buffers = self._current_buffers(network).astype(dtype, copy=False)
        self._publish(Parameters(network, vector, buffers))
        if "_memory" in self.__dict__:
            self._memory = self._memory.assigned(self._current(network))
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in _NOT_PICKLED:
            state.pop(name, None)
        state["_assigned"] = "coefs_" in state and self._is_assigned()
        memory = state.get("_memory")
        if memory is not None:  # lists that grow in place: a copy must not grow with this one
            history = memory.history.copy()
            if state.get("loss_curve_") is memory.history.loss:
                state["loss_curve_"] = history.loss
            state["_memory"] = replace(memory, history=history)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        assigned = state.get("_assigned", False)
        super().__setstate__({name: state[name] for name in state if name != "_assigned"})
        if "_network" in self.__dict__:
            self._set_network(self._network)
        if not assigned:  # what is assigned from now on is told from what was published
            self._issued = self._parts(_TRAINED), self._parts(_BUFFERED)


def views(network: Network, vector: Array, buffers: Array) -> dict[str, list[Array]]:
    """The numbers of a network as scikit-learn lays them out, by the name of the attribute.

    A layer without biases has zeros in their place, which cannot be written to.
    """
    found: dict[str, list[Array]] = {"coefs_": [], "intercepts_": []}
    for slot in network.layout:
        found.setdefault(ATTRIBUTES[slot.block.name], []).append(slot.view(vector))
        layer = network.layers[slot.layer]
        if isinstance(layer, Dense) and not layer.bias:
            none = np.zeros(layer.units, dtype=vector.dtype)
            none.flags.writeable = False
            found["intercepts_"].append(none)
    for slot in network.buffer_layout:
        found.setdefault(ATTRIBUTES[slot.block.name], []).append(slot.view(buffers))
    return found


def _check_no_bias(network: Network, intercepts: list[Any], name: str = "intercepts_") -> None:
    """Refuse assigned biases of layers that have none."""
    for place, index in enumerate(network.weighted):
        layer = network.layers[index]
        if not (isinstance(layer, Dense) and layer.bias) and np.any(intercepts[place]):
            behind = network.layers[index + 1 : index + 2]
            shifted = any(isinstance(layer, BatchNormalization) for layer in behind)
            where = "before a batch normalization" if shifted else "with fit_intercept=False"
            remedy = "change shifts_" if shifted else "fit with fit_intercept=True"
            raise InvalidParameterError(
                f"{name}[{place}] must be zeros {where} (got {np.asarray(intercepts[place])}). "
                f"Assign zeros, or {remedy}."
            )


def _numbers(part: Any, name: str, dtype: Any) -> Array:
    """A part of given weights as an array of finite numbers in this precision."""
    try:
        array = np.asarray(part)
    except ValueError:  # NumPy's word for it is "inhomogeneous"
        array = np.asarray(None)
    if array.dtype.kind not in "fiu":
        raise InvalidShapeError(
            f"{name} must be an array of real numbers (got {array.dtype}). Give it the shape and "
            "the kind of numbers of the fitted one."
        )
    with np.errstate(over="ignore"):
        numbers: Array = array.astype(dtype)
    if not np.isfinite(numbers).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(numbers))[0])
        raise NonFiniteError(
            f"{name} must be finite in {dtype} (got {array[place]} at {place}). Give finite "
            "numbers."
        )
    return numbers


def _best_epoch(scores: list[float], plan: TrainingPlan, state: TrainingState) -> int:
    """The epoch of this training whose parameters were kept, from 0."""
    assert plan.early_stopping is not None
    if plan.early_stopping.ties == "last":
        return len(scores) - 1 - scores[::-1].index(state.best_score)
    return scores.index(state.best_score)


def _gathered(
    slots: tuple[Slot, ...], network: Network, parts: dict[str, Any], mark: str = "_"
) -> Array:
    """Assigned parts as one vector; with `mark` they are called as the fitted attributes are."""
    found: list[Array] = []
    for slot in slots:
        place = network.position(slot.layer)  # a normalisation has that of the weights before it
        name = ATTRIBUTES[slot.block.name]
        part = np.asarray(parts[name][place])
        if part.shape != slot.block.shape:
            raise InvalidShapeError(
                f"{name.removesuffix('_')}{mark}[{place}] must have shape {slot.block.shape} (got "
                f"{part.shape}). It is what the widths of the layers ask for."
            )
        found.append(part)
    kind = np.result_type(*(part.dtype for part in found))
    vector = np.empty(slots[-1].stop, dtype=kind if kind in checks.FLOATS else np.float64)
    for slot, part in zip(slots, found, strict=True):
        slot.view(vector)[...] = part
    return vector
