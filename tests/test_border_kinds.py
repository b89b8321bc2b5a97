"""The border of the compiled core: normalisation, dropout, heads, clipping and averages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_border import (
    COUNT,
    FLOATS,
    REFUSALS,
    RULES,
    STANDING,
    bits,
    changed,
    core,
    plain,
    used_up,
)

LAYERS = [
    (4, 9, "tanh", 0.0, True),
    (9, 20, "relu", 0.0, False),
    (20, 7, "identity", 0.0, True),
]
EXTRAS = [
    ("none", 0.0, 0.0, 40000, 1, 0.5, 2.0, 0.5),
    ("batch", 1e-5, 0.1, 65536, 0, 1.0, 1.0, -1.0),
    ("none", 0.0, 0.0, 65536, 0, 1.0, 1.0, -1.0),
]
HEADS = [
    (0, 3, "log_loss", [0.0], 0.5, "softmax", 0.0, [1.0, 0.0, 3.0]),
    (3, 7, "quantile", [0.1, 0.9], 1.0, "ascending", 2.0, []),
]
SIZE, BUFFERS = 5 * 9 + 9 + 9 * 20 + 2 * 20 + 21 * 7, 40
OPENED = {"layers": LAYERS, "loss": "log_loss", "n_threads": 2, "heads": HEADS, "extras": EXTRAS}


def data(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    D = np.concatenate([np.eye(3)[random.integers(0, 3, COUNT)], random.normal(size=(COUNT, 4))], 1)
    D[random.random(COUNT) < 0.3, 4] = np.nan
    return random.normal(size=(COUNT, 4)).astype(dtype), D.astype(dtype)


def session(dtype: str) -> Any:
    opened = core.Session(**OPENED, dtype=dtype)
    opened.set_parameters(np.random.default_rng(1).normal(size=SIZE).astype(dtype))
    opened.bind(*data(dtype))
    opened.set_optimizer("adam", (0.9, 0.99, 1e-8, 0.0), 0.5, 0.9)
    return opened


def numbers(of: Any) -> Any:
    return of.parameters(), of.buffers(), of.moments()


def steps(of: Any, **given: Any) -> Any:
    return of.run(**given), numbers(of)


def slices(of: Any, **given: Any) -> Any:
    of.plan_epochs(**given)
    of.run_epochs((0, 0, 0.0, 0.0), STANDING, (40, 3, 1e9), None, True)
    return of.report()[:8], numbers(of), of.go_back(), numbers(of)


def predictions(of: Any) -> Any:
    return of.predict(data(str(of.parameters().dtype))[0])


def tuned(of: Any, **given: Any) -> Any:
    of.set_optimizer(**given)
    return of.run(("shuffle", 1), 0, 7, np.full(9, 0.1), key=3), numbers(of)


#: What is called, and its arguments.
CALLS: dict[str, tuple[Callable[..., Any], Callable[[str], dict[str, Any]]]] = {
    "Session": (
        lambda of, **given: core.Session(**given).buffers(),
        lambda t: {**OPENED, "loss_parameter": 0.0, "dtype": t},
    ),
    "run": (
        steps,
        lambda t: {
            "order": ("shuffle", 3), "first_step": 4, "batch_size": 7, "rates": np.full(20, 0.01),
            "l1": 0.001, "l2": 0.01, "scale": 1.0, "clock": 3, "carried": 0.0, "key": 2**63,
        },
    ),
    "plan_epochs": (
        slices,
        lambda t: {
            "order": ("shuffle", 3), "batch_size": 7, "l1": 0.0, "l2": 0.0, "scale": 1.0,
            "clock": 0, "objective": (50.0, 0.1, 0.1), "rules": RULES, "key": 5,
        },
    ),
    "set_optimizer": (
        tuned,
        lambda t: {
            "name": "adam", "numbers": (0.9, 0.99, 0.1, 0.0), "clip_norm": 0.5, "average": 0.9
        },
    ),
    "set_buffers": (
        lambda of, **given: (of.set_buffers(**given), predictions(of)),
        lambda t: {"buffers": np.linspace(0.5, 1.5, BUFFERS).astype(t)},
    ),
    "publish": (
        lambda of, **given: (
            of.run(("shuffle", 1), 0, 7, np.full(9, 0.1), key=3), of.publish(**given), numbers(of)
        ),
        lambda t: {"yes": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_refused_or_right(name: str, dtype: str) -> None:
    of, arguments = CALLS[name]
    wanted, refused, done = bits(of(session(dtype), **arguments(dtype))), 0, 0
    for seed in range(60):
        random, given = np.random.default_rng([7, seed]), arguments(dtype)
        assert bits(of(session(dtype), **given)) == wanted
        for key in random.permutation(list(given))[: random.integers(1, 3)]:
            given[key] = changed(random, given[key])
        once, copies = used_up(given), plain(given)
        try:
            found = bits(of(session(dtype), **given))
        except REFUSALS:
            refused += 1
            continue
        done += 1
        if not once:
            assert found == bits(of(session(dtype), **copies)), given
    assert refused > 0
    assert done > 0


def opened(**changes: Any) -> Callable[[], Any]:
    return lambda: core.Session(**(OPENED | changes))


def extra(**changes: Any) -> Callable[[], Any]:
    names = (
        "normalization",
        "epsilon",
        "momentum",
        "keep",
        "dropout",
        "weights",
        "biases",
        "mixed",
    )
    first = dict(zip(names, ("batch", 1e-5, 0.1, 40000, 1, 0.5, 1.0, 0.1), strict=True)) | changes
    return opened(extras=[tuple(first.values()), *EXTRAS[1:]])


def head(**changes: Any) -> Callable[[], Any]:
    names = ("begin", "end", "loss", "parameters", "weight", "activation", "parameter", "classes")
    return opened(
        heads=[HEADS[0], tuple((dict(zip(names, HEADS[1], strict=True)) | changes).values())]
    )


def optimized(*given: float) -> Callable[[], Any]:
    return lambda: session("float64").set_optimizer("sgd", (0.0, 0.0, 0.0, 0.0), *given)


GROUPS = "'ascending' needs the quantile loss, and groups that divide the outputs."
WEIGHT = "the weight of a head must be a finite number of at least 0"
CLASSES = "class weights must be one for each output of a head, or two for a single one."
CLASS = "a class weight must be a finite number of at least 0"
COVER = "heads must cover the outputs once each, in order."
LAST = "the last layer has no normalisation, mixture or dropout in the core."
WORDS: list[tuple[Callable[[], Any], str]] = [
    (
        extra(normalization="group"),
        "normalization must be one of none, batch, layer (got 'group').",
    ),
    (
        extra(epsilon=0.0),
        "the epsilon of a normalisation must be a positive finite number (got 0.000000).",
    ),
    (
        extra(epsilon=np.inf),
        "the epsilon of a normalisation must be a positive finite number (got inf).",
    ),
    (
        extra(epsilon=np.nan),
        "the epsilon of a normalisation must be a positive finite number (got nan).",
    ),
    (extra(momentum=-0.5), "the momentum of a normalisation must be from 0 to 1 (got -0.500000)."),
    (extra(momentum=1.5), "the momentum of a normalisation must be from 0 to 1 (got 1.500000)."),
    (extra(keep=0), "of 65536 units a layer must keep from 1 to 65536 (got 0)."),
    (extra(keep=65537), "of 65536 units a layer must keep from 1 to 65536 (got 65537)."),
    (extra(dropout=-1), "the number of a dropout must be at least 0 (got -1)."),
    (
        extra(weights=-0.5),
        "a factor of the step size must be a finite number of at least 0 (got -0.500000).",
    ),
    (
        extra(biases=np.inf),
        "a factor of the step size must be a finite number of at least 0 (got inf).",
    ),
    (
        extra(mixed=np.nan),
        "a factor of the step size must be a finite number of at least 0 (got nan).",
    ),
    (
        opened(layers=[(4, 9, "sign", 0.0, True), *LAYERS[1:]]),
        "a mixture is of an activation that goes number by number and has a derivative.",
    ),
    (opened(extras=EXTRAS[:2]), "extras must have an entry for every layer."),
    (opened(extras=[*EXTRAS[:2], EXTRAS[0]]), LAST),
    (opened(extras=[*EXTRAS[:2], EXTRAS[1]]), LAST),
    (
        opened(layers=[(4, 9, "softmax", 0.0, True), *LAYERS[1:]]),
        "units of a softmax do not drop out in the core.",
    ),
    (
        opened(layers=[(4, 9, "ascending", 0.0, True), *LAYERS[1:]]),
        "'ascending' is an output activation.",
    ),
    (
        opened(layers=[*LAYERS[:2], (20, 7, "ascending", 0.0, True)], loss="quantile", heads=[]),
        "'ascending' needs a head of its own.",
    ),
    (opened(heads=HEADS[:1]), COVER),
    (opened(heads=HEADS[::-1]), COVER),
    (head(end=8), COVER),
    (head(begin=2), COVER),
    (head(end=3), COVER),
    (
        head(weight=-1.0),
        f"{WEIGHT} (got -1.000000).",
    ),
    (head(weight=np.nan), f"{WEIGHT} (got nan)."),
    (head(weight=np.inf), f"{WEIGHT} (got inf)."),
    (head(classes=[1.0, 2.0]), CLASSES),
    (head(classes=[1.0] * 5), CLASSES),
    (head(classes=[1.0, 2.0, -1.0, 0.0]), f"{CLASS} (got -1.000000)."),
    (head(classes=[1.0, 2.0, np.nan, 0.0]), f"{CLASS} (got nan)."),
    (head(classes=[1.0, 2.0, 3.0, np.inf]), f"{CLASS} (got inf)."),
    (
        head(parameters=[]),
        "a head needs a multiple of as many outputs as its loss has numbers.",
    ),
    (
        head(parameters=[0.1, 0.2, 0.3]),
        "a head needs a multiple of as many outputs as its loss has numbers.",
    ),
    (
        head(loss="huber", activation="identity"),
        "only the quantile loss has a number for each output.",
    ),
    (head(loss="huber", parameters=[1.0]), GROUPS),
    (head(parameter=3.0), GROUPS),
    (head(parameter=1.5), GROUPS),
    (head(parameter=5.0), GROUPS),
    (head(parameter=-2.0), GROUPS),
    (head(parameter=np.nan), GROUPS),
    (
        head(loss="log_loss", parameters=[0.0], activation="tanh"),
        "log_loss is defined for the output activations softmax and logistic.",
    ),
    (
        optimized(-1.0),
        "clip_norm must be a finite number of at least 0, which clips nothing (got -1.000000).",
    ),
    (
        optimized(np.nan),
        "clip_norm must be a finite number of at least 0, which clips nothing (got nan).",
    ),
    (
        optimized(np.inf),
        "clip_norm must be a finite number of at least 0, which clips nothing (got inf).",
    ),
    (
        optimized(1.0, 1.0),
        "average must be a number below 1, or a negative one for none (got 1.000000).",
    ),
    (
        optimized(1.0, np.nan),
        "average must be a number below 1, or a negative one for none (got nan).",
    ),
    (
        lambda: session("float64").set_buffers(np.zeros(39)),
        "buffers must have the shape (40) (got (39)).",
    ),
    (
        lambda: session("float64").set_buffers(np.zeros(40, np.float32)),
        "buffers must hold float64 numbers, as the session does. Convert it first.",
    ),
    (lambda: session("float64").best_buffers(), "the last slice met no best score."),
]


@pytest.mark.parametrize(("call", "words"), WORDS)
def test_refusals_word_for_word(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(ValueError, match=r"^") as caught:
        call()
    assert str(caught.value) == words


@pytest.mark.parametrize("key", [-1, 2**64, 1.5, None, "1"])
def test_a_key_has_64_bits(key: Any) -> None:
    opened = session("float64")
    before = bits(numbers(opened))
    for call in (
        lambda: opened.run(("shuffle", 1), 0, 7, np.full(9, 0.1), key=key),
        lambda: opened.plan_epochs(
            ("shuffle", 1), 7, 0.0, 0.0, 1.0, 0, (50.0, 0.0, 0.0), RULES, key=key
        ),
    ):
        with pytest.raises(TypeError, match="incompatible function arguments"):
            call()
    assert bits(numbers(opened)) == before
