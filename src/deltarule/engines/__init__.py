"""Which engine computes: the choice between the compiled core and the NumPy reference."""

from __future__ import annotations

import operator
import os
import sys
from typing import Any, SupportsIndex

from deltarule.engines.base import Engine, Report, RowPredictor, Rule, Session, Work
from deltarule.engines.reference import ReferenceEngine
from deltarule.exceptions import EngineError, InvalidParameterError, ReferenceEngineWarning, warn
from deltarule.network import Network
from deltarule.optimizers import Optimizer

__all__ = [
    "Engine",
    "Report",
    "RowPredictor",
    "Rule",
    "Session",
    "Work",
    "choose",
    "compiled_available",
    "thread_count",
]

NAMES = ("auto", "compiled", "reference")

#: Rows times parameters of a pass that the core leaves to one thread: about 20 µs.
SERIAL = 150_000

_REFERENCE = ReferenceEngine()
_compiled: Engine | None = None
_compiled_problem: str | None = None
_said = False
_pools: tuple[int, list[Any]] = (0, [])


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
        warn(
            "the compiled core of deltarule is not installed; the NumPy reference engine trains "
            "the same networks, more slowly. Install deltarule with a C++ compiler present to "
            "have it.",
            ReferenceEngineWarning,
        )


def thread_count(n_threads: SupportsIndex | None, work: int | None = None) -> int:
    """How many threads a run may use.

    None asks DELTARULE_NUM_THREADS, else OMP_NUM_THREADS, else the processors this process may
    use (affinity and container quota); but for the first of these, no more than a BLAS or OpenMP
    pool of this process may use where that is fewer than the processors, so that
    ``with threadpoolctl.threadpool_limits(1):`` holds here too. A negative number counts back from
    the processors, -1 all of them.

    ``work`` is the rows times parameters of the largest pass. Where nobody names a number, one
    that is over before a thread would wake is given one thread without a look at the pools: to
    find them among the libraries of a fresh process takes longer than many a fit.

    Raises
    ------
    InvalidParameterError
        If the number is 0 or no integer.
    """
    if n_threads is None:
        own = _number_in("DELTARULE_NUM_THREADS")
        if own is not None:
            return own
        if work is not None and work < SERIAL:
            return 1
        processors = _processors()
        asked = _number_in("OMP_NUM_THREADS") or processors
        limit = _pool_limit()
        return asked if limit is None or limit >= processors else min(asked, limit)
    try:
        number = 0 if isinstance(n_threads, bool) else operator.index(n_threads)
    except TypeError:
        number = 0
    if number == 0:
        raise InvalidParameterError(
            f"n_threads must be None, a positive integer or -1 for all (got {n_threads!r}). "
            "None follows the environment."
        )
    return number if number > 0 else max(1, _processors() + 1 + number)


def _number_in(variable: str) -> int | None:
    """A positive number of threads in the environment."""
    text = os.environ.get(variable, "").split(",")[0].strip()
    return int(text) if text.isdigit() and int(text) > 0 else None


def _pool_limit() -> int | None:
    """The fewest threads that a loaded BLAS or OpenMP pool may use now.

    None where threadpoolctl is not imported, for then nobody has limited a pool with it. The pools
    are looked for again only when modules were imported since; asking them takes microseconds.
    """
    global _pools
    threadpoolctl = sys.modules.get("threadpoolctl")
    if threadpoolctl is None:
        return None
    if _pools[0] != len(sys.modules):
        # BLIS says 1 where nobody said anything; a pool without threads says nothing either.
        found = [
            pool
            for pool in threadpoolctl.ThreadpoolController().lib_controllers
            if pool.internal_api != "blis" and getattr(pool, "threading_layer", "") != "disabled"
        ]
        _pools = (len(sys.modules), found)
    numbers = [pool.get_num_threads() for pool in _pools[1]]
    return min((number for number in numbers if number and number > 0), default=None)


def _processors() -> int:
    """Processors in the affinity mask, no more than a container's quota grants."""
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    return max(1, min(allowed, _quota("/sys/fs/cgroup", allowed)))


def _quota(group: str, unlimited: int) -> int:
    """The CPU quota of a Linux control group in whole processors, rounded up (versions 2 and 1).

    Without pathlib, which enters every part of a path in the interpreter's table of strings: the
    table then grows by megabytes over thousands of calls, however short the parts live.
    """
    try:
        if os.path.exists(f"{group}/cpu.max"):
            quota, period = _text(f"{group}/cpu.max").split()
        else:
            quota = _text(f"{group}/cpu/cpu.cfs_quota_us")
            period = _text(f"{group}/cpu/cpu.cfs_period_us")
        return -(-int(quota) // int(period)) if int(quota) > 0 else unlimited
    except (OSError, ValueError):  # no control groups, or "max"
        return unlimited


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()
