"""Pictures of fitted estimators, in the manner of scikit-learn's Display classes.

``SomeDisplay.from_estimator(estimator)`` takes the numbers out and draws them; the constructor
takes arrays; `plot` draws again, on other axes. matplotlib (the extra ``plot``) is loaded when
something is drawn, not before.

=====================  ==========================================================
`LossCurveDisplay`     training loss, validation loss and score of every epoch
`WeightsDisplay`       a histogram of the weights of each layer
`ActivationsDisplay`   a histogram of what each layer gives, or of its z
`NetworkDisplay`       the network drawn: units, and weights by sign and size
=====================  ==========================================================
"""

from deltarule.displays.histograms import ActivationsDisplay, WeightsDisplay
from deltarule.displays.loss_curve import LossCurveDisplay
from deltarule.displays.network import NetworkDisplay

__all__ = ["ActivationsDisplay", "LossCurveDisplay", "NetworkDisplay", "WeightsDisplay"]
