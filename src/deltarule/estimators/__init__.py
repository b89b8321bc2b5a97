"""scikit-learn estimators: `MLPClassifier`, `MLPRegressor` and `HiddenActivations`.

`MultiTaskMLP` and its `Task` stand in `multitask` and `tasks`, which only their users load.

Here, and above, scikit-learn enters; nothing below this room knows it. Estimators forgive: they
check and convert what a user gives, once, at the border; engines get exact arrays.
"""

from deltarule.estimators.classifier import MLPClassifier
from deltarule.estimators.hidden import HiddenActivations
from deltarule.estimators.regressor import MLPRegressor

__all__ = ["HiddenActivations", "MLPClassifier", "MLPRegressor"]
