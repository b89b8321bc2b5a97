"""The only file that touches scikit-learn's callback API, which is experimental.

With registered callbacks (`set_callbacks`) a fit is one task with one sub-task per epoch; without
any no context is opened, because opening costs more than a small epoch. Where scikit-learn has no
such API, or another one, ``fit`` works without callbacks and `set_callbacks` is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # pragma: no cover - older or newer scikit-learn

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks."""


__all__ = ["CallbackSupportMixin", "EpochTasks", "has_callbacks"]


def has_callbacks(estimator: Any) -> bool:
    """Whether callbacks are registered, by the user or by a meta-estimator around."""
    return bool(getattr(estimator, "_skl_callbacks", ()))


class EpochTasks:
    """The sub-tasks of a fit: an epoch each, told to the registered callbacks.

    Parameters
    ----------
    estimator : estimator
    X, y, sample_weight :
        The training rows as the user gave them, so that callbacks can score on them.
    max_epochs : int
    """

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any, max_epochs: int) -> None:
        self._estimator, self._max_epochs = estimator, max_epochs
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._told = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root = estimator._init_callback_context(max_subtasks=max_epochs)
        self._root.call_on_fit_task_begin(**self._told)
        self._epoch: Any = None
        self._count = 0
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._epoch = None
        if self._count < self._max_epochs:
            self._count += 1
            self._epoch = self._root.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self, fitted: Callable[[], dict[str, Any]]) -> bool:
        """Tell the end of an epoch; True where a callback asks for the end of the training.

        ``fitted`` gives the attributes that make a copy of the estimator predict as it is now.
        """
        stop = bool(
            self._epoch.call_on_fit_task_end(**self._told, reconstruction_attributes=fitted)
        )
        self._epoch = None
        if not stop:
            self._begin_epoch()
        return stop

    def end(self) -> None:
        """Tell the end of the fit; an epoch that was begun and not trained ends empty."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        self._root.call_on_fit_task_end(**self._told, reconstruction_attributes={})
