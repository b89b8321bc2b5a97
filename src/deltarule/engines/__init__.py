"""Which engine computes: the choice between the compiled core and the NumPy reference."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from deltarule.engines.base import Engine, Report, Rule, Session, Work
from deltarule.engines.reference import ReferenceEngine
from deltarule.exceptions import EngineError, InvalidParameterError, ReferenceEngineWarning
from deltarule.network import Network
from deltarule.optimizers import Optimizer

__all__ = [
    "Engine",
    "Report",
    "Rule",
    "Session",
    "Work",
    "choose",
    "compiled_available",
    "thread_count",
]

NAMES = ("auto", "compiled", "reference")
_REFERENCE = ReferenceEngine()
_compiled: Engine | None = None
_compiled_problem: str | None = None
_said = False


def _load_compiled() -> Engine | None:
    """The compiled engine, loaded once; None with the reason kept where it cannot be."""
    global _compiled, _compiled_problem
    if _compiled is None and _compiled_problem is None:
        try:
            from deltarule.engines.compiled import CompiledEngine

            _compiled = CompiledEngine()
        except ImportError as problem:
            _compiled_problem = str(problem)
    return _compiled


def compiled_available() -> bool:
    """Whether the compiled core is installed and loads on this machine."""
    return _load_compiled() is not None


def choose(engine: str, network: Network, optimizer: Optimizer | None, dtype: Any) -> Engine:
    """The engine that `engine` names, able to do the work.

    Parameters
    ----------
    engine : {"auto", "compiled", "reference"}
        ``"auto"`` takes the compiled engine where it is loaded and can do the work.
    network : Network
    optimizer : Optimizer or None
        None for prediction and gradients.
    dtype : dtype

    Raises
    ------
    InvalidParameterError
        If the name is unknown.
    EngineError
        If ``"compiled"`` is asked for and is absent or cannot do the work.
    """
    if engine not in NAMES:
        raise InvalidParameterError(
            f"engine must be one of {', '.join(map(repr, NAMES))} (got {engine!r}). "
            "'auto' is right for nearly everyone."
        )
    if engine == "reference":
        return _REFERENCE
    compiled = _load_compiled()
    if compiled is None:
        if engine == "compiled":
            raise EngineError(
                f"engine='compiled' needs the compiled core, which does not load "
                f"({_compiled_problem}). Install deltarule with a C++ compiler present, or use "
                "engine='reference'."
            )
        if optimizer is not None:
            _say_reference()
        return _REFERENCE
    refusal = compiled.refusal(network, optimizer, dtype)
    if refusal is None:
        return compiled
    if engine == "compiled":
        raise EngineError(f"engine='compiled' cannot do this: {refusal} Use engine='auto'.")
    return _REFERENCE


def _say_reference() -> None:
    global _said
    if not _said:
        _said = True
        warnings.warn(
            "the compiled core of deltarule is not installed; the NumPy reference engine trains "
            "the same networks, more slowly. Install deltarule with a C++ compiler present to "
            "have it.",
            ReferenceEngineWarning,
            stacklevel=4,
        )


def thread_count(n_threads: int | None) -> int:
    """How many threads a run may use.

    None asks DELTARULE_NUM_THREADS, else OMP_NUM_THREADS, else the processors this process may
    use (affinity and container quota); a negative number counts back from those, -1 all of them.

    Raises
    ------
    InvalidParameterError
        If the number is 0 or no integer.
    """
    if n_threads is None:
        for variable in ("DELTARULE_NUM_THREADS", "OMP_NUM_THREADS"):
            text = os.environ.get(variable, "").split(",")[0].strip()
            if text.isdigit() and int(text) > 0:
                return int(text)
        return _processors()
    if isinstance(n_threads, bool) or not isinstance(n_threads, int) or n_threads == 0:
        raise InvalidParameterError(
            f"n_threads must be None, a positive integer or -1 for all (got {n_threads!r}). "
            "None follows the environment."
        )
    return n_threads if n_threads > 0 else max(1, _processors() + 1 + n_threads)


def _processors() -> int:
    """Processors in the affinity mask, no more than a container's quota grants."""
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    return max(1, min(allowed, _quota(Path("/sys/fs/cgroup"), allowed)))


def _quota(group: Path, unlimited: int) -> int:
    """The CPU quota of a Linux control group in whole processors, rounded up (versions 2 and 1)."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu/cpu.cfs_quota_us").read_text()
            period = (group / "cpu/cpu.cfs_period_us").read_text()
        return -(-int(quota) // int(period)) if int(quota) > 0 else unlimited
    except (OSError, ValueError):  # no control groups, or "max"
        return unlimited
