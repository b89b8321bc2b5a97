"""The page's network as a model file, and a model file as a network of the page."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.estimators.files import model_of
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Parameters
from deltarule.persistence import Model, from_bytes, network_record, to_bytes
from deltarule.playground import asks
from deltarule.playground.records import state_record
from deltarule.playground.shown import Shown
from deltarule.playground.subject import give
from deltarule.stopping import Standing
from deltarule.tables import TableModel

#: What a file is called that came without a name.
NAMELESS = "The file"


def written_model(parameters: Parameters, shown: Shown) -> bytes:
    """A model file: of what was opened with the page, with these weights, or of bare parameters.

    Parameters
    ----------
    parameters : Parameters
    shown : Shown
        Its estimator, and the plan of its table, stand in the file where the network is theirs.

    Raises
    ------
    InvalidParameterError
        If numbers are not finite.
    """
    if shown.source is None or shown.fitting or not shown.has(parameters.network):
        return to_bytes(Model(parameters))
    model = shown.source.model
    within = model.estimator if isinstance(model, TableModel) else model
    estimator = copy.deepcopy(within)
    give(estimator, parameters)
    whole = replace(model, estimator=estimator) if isinstance(model, TableModel) else estimator
    return to_bytes(model_of(whole, state=False))


def read_model(data: bytes) -> dict[str, Any]:
    """Network and state of a model file; training goes on from its weights alone.

    Raises
    ------
    ModelFileError
        If it is none of ours.
    InvalidParameterError
        If its network is too large to be looked at, or there are several.
    """
    found = from_bytes(data, NAMELESS)
    if found.others:
        count = 1 + len(found.others)
        raise InvalidParameterError(
            f"{NAMELESS} must hold a single network to be opened here (got {count}). Train one "
            "network from Python or the command instead."
        )
    now = found.parameters.astype(np.float64)
    record = network_record(now.network)
    asks.network(record)
    return {
        "network": record,
        "state": state_record((now.vector, np.empty(0), now.buffers), Standing()),
    }
