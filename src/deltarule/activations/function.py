"""A user's activation, from two Python functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

import numpy as np

from deltarule.activations.base import Activation
from deltarule.dataclass import dataclass
from deltarule.definitions import Array, settle
from deltarule.exceptions import InvalidParameterError, InvalidShapeError


@dataclass(frozen=True)
class _Checked:
    """A user's function of z, called as f(z) or f(z, a), whose result has to fit z."""

    function: Callable[[Array], Any]
    what: str

    def __call__(self, z: Array, a: Array | None = None) -> Array:
        result = np.asarray(self.function(z))
        if result.shape != z.shape:
            raise InvalidShapeError(
                f"{self.what} of an activation Function must return an array of the shape of z, "
                f"{z.shape} (got {result.shape}). Write it with NumPy functions of z."
            )
        return result.astype(z.dtype, copy=False)


@dataclass(frozen=True)
class Function(Activation):
    """A user's own activation: two Python functions on arrays. Runs on the reference engine.

    Parameters
    ----------
    value : callable
        ``value(z)``: σ of an array of shape (rows, units), number by number.
    derivative : callable
        ``derivative(z)``: σ' of the same array. It gets z alone, so ``np.cos`` is one.
    name : str, default="function"
        For messages and displays.

    Raises
    ------
    InvalidParameterError
        If `value` or `derivative` cannot be called; and by `record`, since no file holds code.
    InvalidShapeError
        When called, if a result does not have the shape of z.

    Notes
    -----
    Two of them are equal when they hold the same functions. To pickle one, define its functions
    at the top of a module.

    Examples
    --------
    >>> sine = Function(np.sin, np.cos, name="sine")
    >>> sine.value(np.array([0.0]))
    array([0.])
    >>> sine.record()
    Traceback (most recent call last):
    ...
    deltarule.exceptions.InvalidParameterError: activation 'sine' must hold plain numbers and \
words to be saved (got a Python function in value). Use one of the named activation objects, or \
save the parameters alone and give the function again.
    """

    smooth = False

    # field(): without it dataclass would take the method of the base class for a default.
    value: Callable[[Array], Array] = field()  # type: ignore[assignment]
    derivative: Callable[..., Array] = field()
    name: str = "function"  # type: ignore[misc]

    def __post_init__(self) -> None:
        for what in ("value", "derivative"):
            function = getattr(self, what)
            if not callable(function):
                raise InvalidParameterError(
                    f"{what} of an activation Function must be a function of z "
                    f"(got {function!r}). Give a Python function on arrays."
                )
            if not isinstance(function, _Checked):
                settle(self, **{what: _Checked(function, what)})
