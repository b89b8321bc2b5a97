"""Dense layers, and what stands behind them: normalisation and dropout."""

from __future__ import annotations

from dataclasses import field

from deltarule.activations import ACTIVATIONS, Activation, Identity
from deltarule.dataclass import dataclass
from deltarule.definitions import choose, in_range, non_negative, positive, settle
from deltarule.exceptions import InvalidParameterError
from deltarule.layers.base import Block, Layer, check_equal
from deltarule.random import keep_threshold


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer: z = W a + b, then the activation (equations 2 and 3).

    Parameters
    ----------
    inputs, units : int
    function : Activation
        The activation σ of the layer's units.
    bias : bool, default=True
        Whether each unit has a bias b; the notes have none.
    weight_rate_factor, bias_rate_factor : float, default=1.0
        Factors of the step size for W and for b, at least 0; 0 leaves them as they are. Penalties
        are a part of the gradient and go with it, and so does the decay of AdamW.

    Raises
    ------
    InvalidParameterError
        If a width is no positive integer, the activation is unknown, `bias` is no bool, or a factor
        is below 0.

    Notes
    -----
    Under Adam a factor of 1 / √inputs for W, beside weights drawn with deviation 1 / √inputs, makes
    the steps those of the NTK parametrisation, z = W a / √inputs + b with weights of deviation 1:
    Jacot, Gabriel and Hongler (2018), https://arxiv.org/abs/1806.07572. Under plain descent, whose
    steps go by the size of the gradient, it is 1 / inputs.

    Examples
    --------
    >>> layer = Dense(16, 8, "relu", weight_rate_factor=0.25)
    >>> [block.rate_factor for block in layer.blocks()]
    [0.25, 1.0]
    """

    name = "dense"
    function: Activation = Identity()
    bias: bool = True
    weight_rate_factor: float = field(default=1.0, kw_only=True)
    bias_rate_factor: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        settle(self, function=choose(self.function, ACTIVATIONS, "Dense.function"))
        if not isinstance(self.bias, bool):
            raise InvalidParameterError(
                f"Dense.bias must be True or False (got {self.bias!r}). Choose one of them."
            )
        for factor in ("weight_rate_factor", "bias_rate_factor"):
            settle(self, **{factor: non_negative(getattr(self, factor), f"Dense.{factor}")})
        super().__post_init__()

    @property
    def activation(self) -> Activation:
        """The layer's activation."""
        return self.function

    def blocks(self) -> tuple[Block, ...]:
        """The weight, input-major, and the bias."""
        fans = (self.inputs, self.units)
        weight = Block("weight", fans, "weight", *fans, self.weight_rate_factor, penalised=True)
        bias = Block("bias", (self.units,), "bias", *fans, self.bias_rate_factor)
        return (weight, bias) if self.bias else (weight,)


@dataclass(frozen=True)
class _Normalization(Layer):
    """What the two kinds share: z = gain ⊙ x̂ + shift, then the activation."""

    function: Activation = Identity()
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        kind = type(self).__name__
        settle(
            self,
            function=choose(self.function, ACTIVATIONS, f"{kind}.function"),
            epsilon=positive(self.epsilon, f"{kind}.epsilon"),
        )
        super().__post_init__()
        check_equal(self)

    @property
    def activation(self) -> Activation:
        """The layer's activation."""
        return self.function

    def blocks(self) -> tuple[Block, ...]:
        """One gain and one shift for each unit; neither is penalised."""
        shape, fans = (self.units,), (self.inputs, self.units)
        return (
            Block("gain", shape, "gain", *fans, initial=1.0),
            Block("shift", shape, "shift", *fans, initial=0.0),
        )


@dataclass(frozen=True)
class BatchNormalization(_Normalization):
    """x̂ = (a − mean) / √(variance + epsilon) of each unit over the rows of the batch.

    z = gain ⊙ x̂ + shift, then the activation. In a training step mean and variance are those of the
    batch's rows, each counted once whatever its weight, and the gradient runs through them; running
    statistics follow, and take their place in predictions, losses and gradients outside of steps.

    Parameters
    ----------
    inputs, units : int
        Equal.
    function : Activation, default=Identity()
        The activation σ behind it.
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    momentum : float, default=0.1
        What the running statistics take of a batch's, in (0, 1]; at first more: 1 / (t + 1) at
        step t, so that they begin as plain means. The variance is the unbiased one.

    Raises
    ------
    InvalidParameterError
        If `units` are not `inputs`, or `epsilon` or `momentum` is outside its range.

    Notes
    -----
    Ioffe and Szegedy (2015), https://arxiv.org/abs/1502.03167. A batch of one row has no variance:
    steps of one row are refused, and where a single row is left at the end of an epoch the running
    statistics are used.

    Examples
    --------
    >>> import deltarule as dr
    >>> layers = [dr.Dense(4, 8, bias=False), dr.layers.BatchNormalization(8, 8, "relu")]
    >>> dr.Network(layers=[*layers, dr.Dense(8, 1)]).size
    57
    """

    name = "batch_normalization"
    stepwise = True
    momentum: float = 0.1

    def __post_init__(self) -> None:
        settle(self, momentum=in_range(self.momentum, "BatchNormalization.momentum", 0, 1, "(]"))
        super().__post_init__()

    def buffers(self) -> tuple[Block, ...]:
        """The running mean and variance of each unit."""
        shape, fans = (self.units,), (self.inputs, self.units)
        return (
            Block("mean", shape, "mean", *fans, initial=0.0),
            Block("variance", shape, "variance", *fans, initial=1.0),
        )

    def objection(self, batch_size: int) -> str | None:
        """Why steps of one row are refused."""
        if batch_size > 1:
            return None
        return (
            "batch normalization needs at least 2 rows in a step, for it divides by their spread "
            "(got steps of one sample). Raise batch_size, give more rows, or use layer "
            "normalization."
        )


@dataclass(frozen=True)
class LayerNormalization(_Normalization):
    """x̂ = (a − mean) / √(variance + epsilon) of each row over the units of the layer.

    z = gain ⊙ x̂ + shift, then the activation. Every row by itself, in training as in prediction.

    Parameters
    ----------
    inputs, units : int
        Equal, at least 2: one unit alone is its own mean.
    function : Activation, default=Identity()
        The activation σ behind it.
    epsilon : float, default=1e-5
        Added to the variance, above 0.

    Raises
    ------
    InvalidParameterError
        If `units` are not `inputs` or fewer than 2, or `epsilon` is not above 0.

    Notes
    -----
    Ba, Kiros and Hinton (2016), https://arxiv.org/abs/1607.06450.

    Examples
    --------
    >>> LayerNormalization(8, 8, "tanh").function
    Tanh()
    """

    name = "layer_normalization"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.units < 2:
            raise InvalidParameterError(
                f"LayerNormalization.units must be at least 2 (got {self.units}): a single unit is "
                "its own mean, and only the shift is left of it. Give more units, or use "
                "BatchNormalization."
            )


@dataclass(frozen=True)
class ParametricActivation(Layer):
    """z = a + (σ(a) − a) ⊙ mixture: between the identity (0) and σ (1), each unit by itself.

    One trained number for each unit, which begins at 1, where the layer is σ, and may leave [0, 1].
    On the compiled engine it stands behind a dense layer, or behind its normalisation, whose own
    activation is the identity; elsewhere the reference engine trains it.

    Parameters
    ----------
    inputs, units : int
        Equal.
    function : Activation
        σ, one that goes number by number and has a derivative: neither softmax nor sign.
    rate_factor : float, default=1.0
        Factor of the step size for the mixture, at least 0.

    Raises
    ------
    InvalidParameterError
        If `units` are not `inputs`, the activation is none of these, or `rate_factor` is below 0.

    Notes
    -----
    Holzmüller, Grinsztajn and Steinwart (2024), https://arxiv.org/abs/2407.04491, with a factor of
    0.1; the idea of a trained activation is He et al.'s (2015), https://arxiv.org/abs/1502.01852.
    The mixture is not penalised.

    Examples
    --------
    >>> import deltarule as dr
    >>> mixed = ParametricActivation(8, 8, "selu", rate_factor=0.1)
    >>> dr.Network(layers=[dr.Dense(4, 8), mixed, dr.Dense(8, 1)]).size
    57
    """

    name = "parametric_activation"
    function: Activation
    rate_factor: float = 1.0

    def __post_init__(self) -> None:
        function = choose(self.function, ACTIVATIONS, "ParametricActivation.function")
        if not function.elementwise or function.name == "sign":
            raise InvalidParameterError(
                "ParametricActivation.function must go number by number and have a derivative "
                f"(got {function.name!r}). Use another, as 'selu' or 'mish'."
            )
        factor = non_negative(self.rate_factor, "ParametricActivation.rate_factor")
        settle(self, function=function, rate_factor=factor)
        super().__post_init__()
        check_equal(self)

    @property
    def bends(self) -> Activation:
        """σ."""
        return self.function

    def blocks(self) -> tuple[Block, ...]:
        """The mixture, one number for each unit."""
        fans = (self.inputs, self.units)
        return (Block("mixture", (self.units,), "mixture", *fans, self.rate_factor, initial=1.0),)


@dataclass(frozen=True)
class Dropout(Layer):
    """In a training step each unit of each row is 0 with probability `rate`, else a / (1 − rate).

    Outside of steps nothing changes. Which units are kept is a function of key, layer, step, row in
    the batch and unit (`random.kept_units`).

    Parameters
    ----------
    inputs, units : int
        Equal.
    rate : float, default=0.5
        In [0, 1), rounded to 1/65536.

    Raises
    ------
    InvalidParameterError
        If `units` are not `inputs`, or `rate` is outside its range.

    Notes
    -----
    Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html, inverted: the scale is
    that of the kept share, so that the mean of a unit is what it is without dropout.

    Examples
    --------
    >>> Dropout(8, 8, 0.75).scale
    4.0
    """

    name = "dropout"
    stepwise = True
    rate: float = 0.5

    def __post_init__(self) -> None:
        settle(self, rate=in_range(self.rate, "Dropout.rate", 0, 1, "[)"))
        super().__post_init__()
        check_equal(self)

    @property
    def scale(self) -> float:
        """What the units that are kept are multiplied by."""
        return 65536 / keep_threshold(self.rate)
