"""A table with every kind of column, for the tests of the tabular estimators."""

from __future__ import annotations

import numpy as np
import pandas as pd


def people(rows: int = 240, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A table with every kind of column, and what follows from it."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 90, rows).astype(float)
    city = random.choice(["Oslo", "Rome", "Bonn", "Lund"], rows)
    paid = random.lognormal(8, 1, rows)
    member = random.random(rows) < 0.5
    joined = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, rows), unit="D")
    frame = pd.DataFrame(
        {"age": age, "city": city, "paid": paid, "member": member, "joined": joined}
    )
    frame.loc[random.random(rows) < 0.1, "age"] = np.nan
    frame.loc[random.random(rows) < 0.1, "city"] = None
    signal = np.nan_to_num(age) / 40 + (city == "Rome") + member - 2.2
    return frame, signal + 0.3 * random.normal(size=rows)
