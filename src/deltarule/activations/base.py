"""What every activation promises."""

from __future__ import annotations

from typing import ClassVar

from deltarule.definitions import Array, Definition

__all__ = ["Activation"]


class Activation(Definition):
    """Base of all activations.

    Attributes
    ----------
    elementwise : bool
        Whether a[i, k] depends on z[i, k] alone.
    smooth : bool
        Whether σ is analytic on the whole line, so that a complex step gives its derivative.
    kinks : tuple of float
        The z at which σ or its derivative jumps.
    parameter : float
        The one number that the compiled core needs beside the name; 0.0 where there is none.
    """

    word: ClassVar[str] = "activation"
    elementwise: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    kinks: ClassVar[tuple[float, ...]] = ()

    @property
    def parameter(self) -> float:
        """The activation's number, if it has one."""
        return 0.0

    def value(self, z: Array) -> Array:
        """σ(z).

        Parameters
        ----------
        z : ndarray of shape (rows, units)
            Pre-activations.

        Returns
        -------
        ndarray of shape (rows, units)
            The layer's output a, in the dtype of z; a new array, or z itself for ``identity``.
        """
        raise NotImplementedError

    def derivative(self, z: Array, a: Array) -> Array:
        """σ'(z), given also a = σ(z); shape and dtype of z."""
        raise NotImplementedError

    def output_derivative(self, z: Array, a: Array) -> Array:
        """σ'(z) as it is used behind an output unit; differs for ``sign`` only."""
        return self.derivative(z, a)

    def pullback(self, z: Array, a: Array, upstream: Array, output: bool = False) -> Array:
        """From ∂f/∂a to ∂f/∂z: delta = Jᵀ upstream.

        Parameters
        ----------
        z, a : ndarray of shape (rows, units)
            Pre-activations and outputs of the layer.
        upstream : ndarray of shape (rows, units)
            ∂f/∂a.
        output : bool, default=False
            Whether the layer is the last one.

        Returns
        -------
        ndarray of shape (rows, units)
            The delta of the layer.
        """
        slope = self.output_derivative(z, a) if output else self.derivative(z, a)
        return upstream * slope
