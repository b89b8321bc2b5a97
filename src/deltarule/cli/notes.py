"""The lecture notes, run: ``deltarule demo --notes``.

Every statement of the notes that can show itself in numbers does so here, first on one step by
hand, then on data sets bundled with scikit-learn. No number is written down in advance.
"""

from __future__ import annotations

from typing import TextIO

from deltarule import engines
from deltarule.cli.notes_by_hand import step_by_hand
from deltarule.cli.notes_on_data import PARTS
from deltarule.cli.page import WIDTH, Page


def run(engine: str = "auto", stream: TextIO | None = None) -> None:
    """Write the whole demonstration.

    Parameters
    ----------
    engine : {"auto", "compiled", "reference"}
        What computes; ``"auto"`` takes the compiled engine where it is installed.
    stream : TextIO, optional
        Where to write; standard output where left out.
    """
    page = Page(stream)
    if engine == "auto":
        engine = "compiled" if engines.compiled_available() else "reference"
    page.title(f"The lecture notes, run · {_ENGINE_WORDS[engine]}")
    step_by_hand(page, engine)
    page.line()
    page.line("   … loading data sets bundled with scikit-learn")
    for show in PARTS:
        show(page, engine)
    page.line()
    page.line("─" * WIDTH)
    page.line(
        f"   {page.seconds():.1f} s. docs/lecture-notes.md has every statement of the notes "
        "beside its code and its test."
    )


_ENGINE_WORDS = {
    "compiled": "compiled engine",
    "reference": "reference engine (NumPy, equation by equation)",
}
