"""The settings for images: what was tried, and what is documented and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "images.json"
SETS = ("mnist", "fashion_mnist")
#: What is documented and measured.
CHOSEN = "normalised"


def candidates() -> dict[str, dict[str, Any]]:
    """What was tried, as parameters of `MLPClassifier`; all by name, and no more than these."""
    import deltarule as dr

    shared = {"batch_size": 256, "alpha": 0.0, "n_iter_no_change": float("inf")}
    rising = {"learning_rate": dr.OneCycle(), "learning_rate_init": 0.002}
    narrow = {"hidden_layer_sizes": (512, 256), "max_iter": 30}
    return {
        "plain": {
            **narrow, "dropout": 0.25, "solver": dr.AdamW(weight_decay=0.01), **rising, **shared,
        },
        "wide": {
            "hidden_layer_sizes": (512, 512), "max_iter": 40, "dropout": 0.4,
            "solver": dr.AdamW(weight_decay=0.05), **rising, **shared,
        },
        "normalised": {
            **narrow, "normalization": "batch", "dropout": 0.25,
            "solver": dr.AdamW(weight_decay=0.05), **rising, "learning_rate_init": 0.003, **shared,
        },
        "gelu": {
            **narrow, "activation": "gelu", "dropout": 0.3,
            "solver": dr.AdamW(weight_decay=0.02), "learning_rate": dr.Cosine(warmup=0.05),
            "learning_rate_init": 0.002, **shared,
        },
    }  # fmt: skip
