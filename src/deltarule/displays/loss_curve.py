"""The loss of every epoch as a picture."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from deltarule.definitions import Array
from deltarule.displays.canvas import COLOURS, GREY, axes_for
from deltarule.exceptions import InvalidParameterError
from deltarule.stopping import StopReason

#: axes → those on their right for scores, so that several estimators share them.
_SCORE_AXES: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

#: What marks a line as the training loss of a display.
_MARK = "deltarule training loss"


class LossCurveDisplay:
    """Training loss and, where there are, validation loss and score of every epoch.

    `from_estimator` makes one from a fitted estimator. An estimator has a colour, a kind of curve
    a style of line: solid, dashed and dotted.

    Parameters
    ----------
    training_loss : array-like of shape (epochs,)
    validation_loss, validation_score : array-like of shape (epochs,), default=None
    best_epoch : int, default=None
        The epoch whose parameters were kept, from 1.
    name : str, default=None
        What the legend calls the estimator.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The training loss.
    validation_line_, score_line_, best_line_ : matplotlib Line2D or None
        Validation loss, validation score, and the mark of the best epoch.
    score_ax_ : matplotlib Axes or None
        The axis on the right, for scores.

    Examples
    --------
    >>> import deltarule as dr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = dr.MLPClassifier((16,), learning_rate_init=0.02, max_iter=500, random_state=0)
    >>> display = dr.LossCurveDisplay.from_estimator(model.fit(X, y))  # doctest: +SKIP
    >>> display.figure_.savefig("loss.png")  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        training_loss: Any,
        validation_loss: Any = None,
        validation_score: Any = None,
        best_epoch: int | None = None,
        name: str | None = None,
    ) -> None:
        self.training_loss = np.asarray(training_loss, dtype=np.float64)
        self.validation_loss = _curve(validation_loss)
        self.validation_score = _curve(validation_score)
        self.best_epoch = best_epoch
        self.name = name
        if not self.training_loss.ndim == 1 or not self.training_loss.size:
            raise InvalidParameterError(
                "training_loss must hold one number per epoch, at least one (got shape "
                f"{self.training_loss.shape}). Fit the estimator first; lbfgs with nothing to do "
                "leaves no epoch."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Any = None,
        name: str | None = None,
        log_scale: bool = True,
        show_score: bool = True,
        **line_options: Any,
    ) -> LossCurveDisplay:
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or MultiTaskMLP
            Or anything with ``loss_curve_``, as scikit-learn's own.
        ax, name, log_scale, show_score, **line_options
            As for `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        InvalidParameterError
            If the estimator is not fitted, or its fit was over before the end of an epoch.
        ImportError
            If matplotlib is not installed.
        """
        losses = getattr(estimator, "loss_curve_", None)
        if losses is None:
            raise InvalidParameterError(
                f"estimator must be fitted and have a loss_curve_ (got {type(estimator).__name__} "
                "without one). Call fit first."
            )
        if not len(losses):
            reason = getattr(estimator, "stop_reason_", StopReason.MAX_EPOCHS)
            why = "Call fit first." if reason is StopReason.MAX_EPOCHS else reason.value
            raise InvalidParameterError(
                "estimator must have come to the end of an epoch (got "
                f"{type(estimator).__name__} with an empty loss_curve_). {why}"
            )
        scores = getattr(estimator, "validation_scores_", None)
        known = getattr(estimator, "validation_loss_curve_", None)
        best = getattr(estimator, "best_epoch_", None)
        if best is None and not hasattr(estimator, "best_epoch_") and scores is not None:
            best = int(np.argmax(scores))  # scikit-learn's own has scores with early stopping only
        display = cls(
            training_loss=losses,
            validation_loss=known,
            validation_score=scores,
            best_epoch=None if best is None else best + 1,
            name=name,
        )
        return display.plot(ax=ax, log_scale=log_scale, show_score=show_score, **line_options)

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        log_scale: bool = True,
        show_score: bool = True,
        **line_options: Any,
    ) -> LossCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to; None makes a figure. Several displays on the same axes get colours of their
            own: give each a name.
        name : str, default=None
            Instead of the display's own.
        log_scale : bool, default=True
            Whether the losses have a logarithmic axis, if all are above 0.
        show_score : bool, default=True
            Whether to draw the validation score, on an axis on the right.
        **line_options
            For the lines: ``color``, ``linewidth``, ``alpha`` and the like.

        Returns
        -------
        LossCurveDisplay
            The display itself.
        """
        self.ax_, self.figure_ = axes_for("LossCurveDisplay", ax)
        name = self.name if name is None else name
        before = sum(line.get_gid() == _MARK for line in self.ax_.lines)
        options = {"color": COLOURS[before % len(COLOURS)], **line_options}
        self.line_ = self._draw(self.ax_, self.training_loss, "training loss", name, "-", options)
        self.line_.set_gid(_MARK)
        self.validation_line_ = self.score_line_ = self.best_line_ = self.score_ax_ = None
        if self.validation_loss is not None:
            self.validation_line_ = self._draw(
                self.ax_, self.validation_loss, "validation loss", name, "--", options
            )
        if self.validation_score is not None and show_score:
            self.score_ax_ = _score_axes(self.ax_)
            self.score_line_ = self._draw(
                self.score_ax_, self.validation_score, "validation score", name, ":", options
            )
        if self.best_epoch is not None:
            self.best_line_ = self._mark_best(name, options)
        losses = [self.training_loss, self.validation_loss]
        if log_scale and all((loss > 0).all() for loss in losses if loss is not None):
            self.ax_.set_yscale("log")
        self.ax_.set(xlabel="epoch", ylabel="loss")
        self.ax_.grid(visible=True, alpha=0.25)
        _legend(self.ax_)
        return self

    def _draw(
        self, ax: Any, values: Array, what: str, name: str | None, style: str, options: Any
    ) -> Any:
        label = what if name is None else f"{name}: {what}"
        epochs = np.arange(1, len(values) + 1)
        # A single epoch is no line.
        marker = "o" if len(values) == 1 else None
        given = {"linestyle": style, "marker": marker, "label": label, **options}
        return ax.plot(epochs, values, **given)[0]

    def _mark_best(self, name: str | None, options: Any) -> Any:
        assert self.best_epoch is not None
        judged = self.validation_loss
        values = self.training_loss if judged is None else judged
        place = min(self.best_epoch, len(values)) - 1
        label = f"best epoch: {self.best_epoch}"
        return self.ax_.plot(
            [self.best_epoch],
            [values[place]],
            linestyle="none",
            marker="D",
            markersize=7,
            markerfacecolor="white",
            markeredgewidth=1.8,
            color=options["color"],
            label=label if name is None else f"{name}: {label}",
            zorder=5,
        )[0]


def _curve(given: Any) -> Array | None:
    if given is None or not len(given):
        return None
    values: Array = np.asarray(given, dtype=np.float64)
    return values


def _score_axes(ax: Any) -> Any:
    found = _SCORE_AXES.get(ax)
    if found is None:
        found = _SCORE_AXES[ax] = ax.twinx()
        found.set_ylabel("validation score")
        found.tick_params(axis="y", colors=GREY)
    return found


def _legend(ax: Any) -> None:
    """All curves, above the axes, where nothing is covered."""
    handles, labels = ax.get_legend_handles_labels()
    if ax in _SCORE_AXES:
        more = _SCORE_AXES[ax].get_legend_handles_labels()
        handles, labels = handles + more[0], labels + more[1]
    ax.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        ncols=2,
        frameon=False,
        fontsize="small",
        borderaxespad=0.0,
    )
