"""What a fit publishes: ``coefs_`` and ``intercepts_``, and all that stands beside them.

They are writeable views of one vector, so that what a user assigns to them or writes into them is
what the next prediction and the next warm fit use.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators import checks, fitting
from deltarule.estimators.kept_session import KeptSession
from deltarule.estimators.parameters import CheckedParameters
from deltarule.estimators.predictor import before_sign
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.layers import Dense
from deltarule.network import Network, Parameters
from deltarule.plans import History, TrainingPlan, TrainingResult
from deltarule.stopping import StopReason


class Published(CheckedParameters):
    """The fitted attributes of `BaseMLP`, and the vector behind them."""

    def _set_network(self, network: Network) -> None:
        self._network = network
        self._session = KeptSession(network, self.engine, self._threads())
        self._score_session = self._session
        self.n_outputs_ = network.n_outputs
        self.n_layers_ = len(network.layers) + 1
        self.out_activation_ = network.output_activation.name
        if self.out_activation_ == "sign":
            self._score_session = KeptSession(before_sign(network), self.engine, self._threads())

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
    ) -> None:
        """Publish a result; with `earlier` epochs it went on from them, and they grow in place."""
        history, state = result.history, result.state
        if earlier is not None:
            earlier.extend(history)
            history = earlier
        key = plan.key if memory is None else memory.key
        failed = result.stop_reason is StopReason.NON_FINITE
        scores = list(history.validation_score)
        if failed and plan.early_stopping is not None:
            scores.append(float("nan"))
        judged = plan.early_stopping is not None
        self._publish(result.parameters)
        self._memory = fitting.Memory(
            state, history, key, plan.optimizer, result.parameters.vector, result.stop_reason
        )
        self.loss_curve_ = history.loss
        self.loss_ = history.loss[-1] if history.loss else float("nan")
        self.best_loss_ = None if judged else state.best_loss
        self.validation_scores_ = scores if judged else None
        self.validation_loss_curve_ = list(history.validation_loss) if judged else None
        self.best_validation_score_ = state.best_score if judged else None
        self.n_iter_ = result.epochs
        self.t_ = result.epochs * rows + (0 if earlier is None else getattr(self, "t_", 0))
        self.engine_, self.road_ = result.engine, result.road
        self.stop_reason_ = result.stop_reason
        if objectives is not None:
            self.restarts_ = objectives
        elif earlier is None:
            self.restarts_ = np.array([self.loss_])

    def _publish(self, parameters: Parameters) -> None:
        vector = parameters.vector.copy()
        self.coefs_, self.intercepts_ = views(parameters.network, vector)
        self._vector = vector
        self._issued = (*self.coefs_, *self.intercepts_)

    def _current_vector(self, network: Network) -> Array:
        """What ``coefs_`` and ``intercepts_`` say now, as one vector."""
        present = (*self.coefs_, *self.intercepts_)
        issued = self.__dict__.get("_issued", ())
        if len(present) == len(issued) and all(
            now is then for now, then in zip(present, issued, strict=True)
        ):
            return self._vector
        _check_no_bias(network, self.intercepts_)
        return _gathered(network, self.coefs_, self.intercepts_)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        # Views of one vector would be pickled apart; sessions are never pickled.
        for name in ("_vector", "_issued", "_session", "_score_session", "_described"):
            state.pop(name, None)
        memory = state.get("_memory")
        if memory is not None:  # lists that grow in place: a copy must not grow with this one
            history = memory.history.copy()
            if state.get("loss_curve_") is memory.history.loss:
                state["loss_curve_"] = history.loss
            state["_memory"] = replace(memory, history=history)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_network" in self.__dict__:
            self._set_network(self._network)


def views(network: Network, vector: Array) -> tuple[list[Array], list[Array]]:
    """The weights and biases of a dense network as scikit-learn lays them out."""
    coefs: list[Array] = []
    intercepts: list[Array] = []
    for index, layer in enumerate(network.layers):
        blocks = {slot.block.name: slot.view(vector) for slot in network.slots(index)}
        coefs.append(blocks["weight"])
        if "bias" in blocks:
            intercepts.append(blocks["bias"])
        else:
            none = np.zeros(layer.units, dtype=vector.dtype)
            none.flags.writeable = False
            intercepts.append(none)
    return coefs, intercepts


def _check_no_bias(network: Network, intercepts: list[Any]) -> None:
    """Refuse assigned biases of layers that have none."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Dense) and not layer.bias and np.any(intercepts[index]):
            raise InvalidParameterError(
                f"intercepts_[{index}] must be zeros with fit_intercept=False (got "
                f"{np.asarray(intercepts[index])}). Assign zeros, or fit with fit_intercept=True."
            )


def _gathered(network: Network, coefs: list[Any], intercepts: list[Any]) -> Array:
    dtypes = [np.asarray(part).dtype for part in (*coefs, *intercepts)]
    kind = np.result_type(*dtypes)
    vector = np.empty(network.size, dtype=kind if kind in checks.FLOATS else np.float64)
    for slot in network.layout:
        name = "coefs_" if slot.block.name == "weight" else "intercepts_"
        part = np.asarray((coefs if name == "coefs_" else intercepts)[slot.layer])
        if part.shape != slot.block.shape:
            raise InvalidShapeError(
                f"{name}[{slot.layer}] must have shape {slot.block.shape} (got {part.shape}). "
                "It is what the widths of the layers ask for."
            )
        slot.view(vector)[...] = part
    return vector
