"""scikit-learn as it is; only the start weights are given, and the order is its own shuffle."""

from __future__ import annotations

import warnings
from typing import Any

import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from specs import Spec, layers_at_start

from sides.base import Side, clocked, default_settings, rows_one_by_one


class ScikitLearn(Side):
    """The whole of ``fit``. It has no replacement, and no squared error on a logistic output."""

    def versions(self) -> dict[str, str]:
        return {"sklearn": sklearn.__version__}

    def build(self) -> dict[str, Any]:
        differs = []
        if self.spec.sampling == "replacement":
            differs.append("rows shuffled, not drawn with replacement")
        if self.spec.output == "logistic":
            differs.append("identity output")
        return {"differs": "; ".join(differs)} if differs else {}

    def run(self) -> dict[str, Any]:
        estimator = estimator_of(self.spec, len(self.X))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.fitted, times = clocked(lambda: estimator.fit(self.X, self.y))
        curve = [float(loss) for loss in self.fitted.loss_curve_]
        return {**times, "steps": self.steps(), "curve": curve}

    def layers(self) -> list[tuple[Any, Any]]:
        return list(zip(self.fitted.coefs_, self.fitted.intercepts_, strict=True))

    def judge(self) -> dict[str, Any]:
        return {"loss": float(self.fitted.loss_)} if self.spec.defaults else super().judge()

    def predict_row(self, calls: int) -> dict[str, Any]:
        """The time of so many calls with one row."""
        return rows_one_by_one(self.fitted.predict, self.X, calls)


def estimator_of(spec: Spec, rows: int) -> Any:
    """The estimator that the spec describes; its penalty is divided by the batch."""
    base = MLPClassifier if spec.output == "softmax" else MLPRegressor
    if spec.defaults:
        return base(**default_settings(spec))

    class Started(base):  # type: ignore[misc, valid-type]
        """The class as it is, from the common start."""

        def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[Any, Any]:
            return next(layers)

    layers = iter(layers_at_start(spec))
    batch = spec.batch_of(rows)
    return Started(
        hidden_layer_sizes=spec.units[1:-1],
        activation=spec.activation,
        solver="adam" if spec.optimizer == "adam" else "sgd",
        momentum=0.9 if spec.optimizer == "nesterov" else 0.0,
        nesterovs_momentum=spec.optimizer == "nesterov",
        learning_rate_init=spec.rate,
        batch_size=batch,
        max_iter=spec.epochs,
        n_iter_no_change=spec.epochs + 1,
        alpha=spec.decay * batch,
        shuffle=spec.sampling != "sequential",
        random_state=0,
    )
