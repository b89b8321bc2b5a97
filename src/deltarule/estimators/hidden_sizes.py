"""Depth and width as two numbers, which every tuner can reach."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

from deltarule.dataclass import dataclass
from deltarule.definitions import Definition, Family, positive, positive_integer, settle
from deltarule.exceptions import InvalidParameterError
from deltarule.persistence.records import enter

__all__ = ["Hidden"]

#: More than anybody trains.
MOST_LAYERS = 1000


@dataclass(frozen=True)
class Hidden(Definition):
    """So many hidden layers of so many units: ``hidden_layer_sizes=dr.Hidden(layers=2, units=64)``.

    Its fields are parameters of the estimator, ``hidden_layer_sizes__layers`` and so on, so that a
    search needs no tuples.

    Parameters
    ----------
    layers : int, default=1
        From 0 to 1000; 0 is a linear model.
    units : int, default=100
        Of the first hidden layer, at least 1.
    taper : float, default=1.0
        How many times as wide as the one before each further layer is, above 0; rounded, and at
        least 1 unit.

    Raises
    ------
    InvalidParameterError
        If a value is outside its range.

    Examples
    --------
    >>> Hidden(layers=3, units=64, taper=0.5).sizes
    [64, 32, 16]
    >>> import deltarule as dr
    >>> model = dr.MLPClassifier().set_params(hidden_layer_sizes__layers=2)
    >>> model.hidden_layer_sizes
    Hidden(layers=2, units=100, taper=1.0)
    """

    name = "hidden"
    word: ClassVar[str] = "hidden layers"

    layers: int = 1
    units: int = 100
    taper: float = 1.0

    def __post_init__(self) -> None:
        layers = self.layers
        whole = isinstance(layers, Integral) and not isinstance(layers, bool)
        if not whole or not 0 <= layers <= MOST_LAYERS:
            raise InvalidParameterError(
                f"layers must be an integer from 0 to {MOST_LAYERS} (got {layers!r}). Choose one "
                "in that range; 0 is a linear model."
            )
        settle(
            self,
            layers=int(layers),
            units=positive_integer(self.units, "units"),
            taper=positive(self.taper, "taper"),
        )

    @property
    def sizes(self) -> list[int]:
        """The units of each hidden layer."""
        return [max(round(self.units * self.taper**index), 1) for index in range(self.layers)]


# Model files hold one among the settings.
enter(Family(Hidden, {Hidden.name: Hidden}, Hidden.word))
