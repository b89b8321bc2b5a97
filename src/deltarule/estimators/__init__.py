"""scikit-learn estimators: `MLPClassifier` and `MLPRegressor`.

Here, and above, scikit-learn enters; nothing below this room knows it. Estimators forgive: they
check and convert what a user gives, once, at the border; engines get exact arrays.
"""

from deltarule.estimators.classifier import MLPClassifier
from deltarule.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
