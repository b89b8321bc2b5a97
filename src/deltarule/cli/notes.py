"""The lecture notes, run: ``deltarule demo --notes``.

Every statement of the notes that can show itself in numbers does so here, first on one step by
hand, then on data sets bundled with scikit-learn. No number is written down in advance.
"""

from __future__ import annotations

from typing import TextIO

import numpy as np

from deltarule import engines
from deltarule.cli.notes_by_hand import NETWORK, step_by_hand
from deltarule.cli.notes_on_data import PARTS
from deltarule.cli.page import WIDTH, Page

ENGINE_WORDS = {
    "compiled": "compiled engine",
    "reference": "reference engine (NumPy, equation by equation)",
}


def run(engine: str = "auto", stream: TextIO | None = None) -> None:
    """Write the whole demonstration.

    Parameters
    ----------
    engine : {"auto", "compiled", "reference"}
        What computes; ``"auto"`` takes the compiled engine where it is installed.
    stream : TextIO, optional
        Where to write; standard output where left out.

    Raises
    ------
    InvalidParameterError
        If the engine's name is unknown.
    EngineError
        If the compiled engine is asked for and is not installed.
    """
    chosen = engines.choose(engine, NETWORK, None, np.float64).name
    page = Page(stream)
    page.title(f"The lecture notes, run · {ENGINE_WORDS[chosen]}")
    step_by_hand(page, chosen)
    page.line()
    page.line("   … loading data sets bundled with scikit-learn")
    for show in PARTS:
        show(page, chosen)
    page.line()
    page.line("─" * WIDTH)
    page.line(
        f"   {page.seconds():.1f} s. docs/lecture-notes.md has every statement of the notes "
        "beside its code and its test."
    )
