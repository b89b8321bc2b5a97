"""scikit-learn estimators: the three networks and `HiddenActivations`.

Here, and above, scikit-learn enters; nothing below this room knows it. Estimators forgive: they
check and convert what a user gives, once, at the border; engines get exact arrays.
"""

from deltarule.estimators.classifier import MLPClassifier
from deltarule.estimators.hidden import HiddenActivations
from deltarule.estimators.multitask import MultiTaskMLP
from deltarule.estimators.regressor import MLPRegressor
from deltarule.estimators.tasks import Task

__all__ = ["HiddenActivations", "MLPClassifier", "MLPRegressor", "MultiTaskMLP", "Task"]
