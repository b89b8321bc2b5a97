"""The outputs of a network in the groups that a target has: one, or those of several heads."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.activations import Activation
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.estimators.targets import ClassCode
from deltarule.network import Head


@dataclass(frozen=True, eq=False)
class Group:
    """Outputs that are judged together.

    Parameters
    ----------
    head : Head
        What judges them.
    activation : Activation
        Theirs.
    name : str, optional
        Of the head of a `MultiTaskMLP`; None where there is nothing to tell apart.
    code : ClassCode, optional
        The classes; None for numbers.
    classes : array of shape (rows,), optional
        The class numbers of all usable rows, -1 where there is none; None for numbers and labels.
    """

    head: Head
    activation: Activation
    name: str | None = None
    code: ClassCode | None = None
    classes: Array | None = None

    @property
    def columns(self) -> slice:
        """The outputs."""
        return self.head.slice

    @property
    def place(self) -> dict[str, Any]:
        """Where a finding of this group lies."""
        return {} if self.name is None else {"head": self.name}

    def named(self, outputs: Array) -> tuple[str, ...]:
        """The columns of a finding: numbers of outputs, or none where the head says it."""
        return () if self.name is not None else tuple(str(i) for i in outputs)

    def known(self, D: Array) -> Array:
        """The target numbers of the rows that have some."""
        own = D[:, self.columns]
        found: Array = own if self.name is None else own[~np.isnan(own).any(axis=1)]
        return found
