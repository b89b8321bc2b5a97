"""The kinds of layers: what each says of itself, without numbers.

A kind is a frozen subclass of `Layer` that declares its blocks (trained arrays) and its buffers
(untrained ones); its equations are registered in `kinds`. Initialisers, optimisers, penalties,
files of networks and traces walk over blocks and do not ask what kind a layer is; who does, the
core and the estimators, is listed in ``ARCHITECTURE.md``.
"""

from __future__ import annotations

from deltarule.layers.base import LAYERS, Block, Layer, width
from deltarule.layers.hidden import (
    BatchNormalization,
    Dense,
    Dropout,
    LayerNormalization,
    ParametricActivation,
)
from deltarule.layers.prelude import NumericalEmbedding, Scaling

__all__ = [
    "LAYERS",
    "BatchNormalization",
    "Block",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNormalization",
    "NumericalEmbedding",
    "ParametricActivation",
    "Scaling",
    "width",
]
