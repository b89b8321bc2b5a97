"""One side of the benchmark in a process of its own, and lines of JSON between it and `run.py`.

The process is pinned to its processors before any library loads, so that pinning and thread counts
hold for all of it, and it stands still (SIGSTOP) while another side is timed, so that threads
which spin while they wait cost nobody anything.

    → {"call": "prepare", "spec": {…}}    ← {"compile_seconds": 1.2}
    → {"call": "run"}                     ← {"seconds": 0.1, "steps": 900, "curve": [0.3]}
    → {"call": "judge"}                   ← {"loss": 0.21}

An exception on the other side comes back as ``{"error": "…"}``; silence past the limit ends it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: Kernels forced from outside would hamper a rival.
FORCED_KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "DELTARULE_ISA")
THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "DELTARULE_NUM_THREADS",
)


class SideError(RuntimeError):
    """A side could not do what it was asked; the text says why."""


class Worker:
    """The coordinator's end.

    Parameters
    ----------
    command : list of str
        What runs on the other end; it reads requests from its standard input.
    cores : int
        The processors that it is pinned to, and its number of threads.
    waiting : callable
        Called about every two seconds while an answer is awaited.
    limit : float
        Seconds of silence after which the other end is taken for dead.
    """

    def __init__(
        self,
        command: list[str],
        cores: int = 1,
        waiting: Callable[[], None] = lambda: None,
        limit: float = 240.0,
    ) -> None:
        self._waiting, self._limit = waiting, limit
        self._complaints = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115, closed by `end`
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment(cores),
            text=True,
            bufsize=1,
            start_new_session=True,
        )

    def ask(self, call: str, **arguments: Any) -> dict[str, Any]:
        """One request and its answer; the other end stands still before and after."""
        stream = self._process.stdin
        assert stream is not None
        self._signal(signal.SIGCONT)
        try:
            stream.write(json.dumps({"call": call, **arguments}) + "\n")
            stream.flush()
        except OSError:
            raise SideError(self._ending()) from None
        answer: dict[str, Any] = json.loads(self._line())
        self._signal(signal.SIGSTOP)
        if "error" in answer:
            raise SideError(answer["error"])
        return answer

    def _line(self) -> str:
        stream = self._process.stdout
        assert stream is not None
        began = time.monotonic()
        while not select.select([stream], [], [], 2.0)[0]:
            if time.monotonic() - began > self._limit:
                self.end()
                raise SideError(f"no answer in {self._limit:.0f} s")
            self._waiting()
        line = stream.readline()
        if not line:
            raise SideError(self._ending())
        return line

    def _ending(self) -> str:
        status = self._process.wait()
        self._complaints.seek(0)
        last = (self._complaints.read().strip().splitlines() or ["without a word"])[-1]
        return f"its process ended with status {status}: {last}"[:300]

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    @property
    def alive(self) -> bool:
        """Whether the other end still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the other side, in whatever state it is."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            if stream is not None:
                with contextlib.suppress(OSError):  # of what it could no longer be told
                    stream.close()


def processors() -> list[int]:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def environment(cores: int) -> dict[str, str]:
    """The environment of a side: as many threads as processors, named before any import."""
    base = {name: value for name, value in os.environ.items() if name not in FORCED_KERNELS}
    chosen = processors()[:cores]
    threads = dict.fromkeys(THREAD_COUNTS, str(cores))
    return {**base, **threads, "BENCHMARK_PROCESSORS": ",".join(map(str, chosen))}


def pin() -> int:
    """On the worker's end, before libraries load: keep to the processors given; their number."""
    end_with_parent()
    chosen = [int(number) for number in os.environ["BENCHMARK_PROCESSORS"].split(",")]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, chosen)
    return len(chosen)


def end_with_parent() -> None:
    """A side that stands still would outlive a coordinator that is killed: Linux ends it too."""
    if sys.platform == "linux":
        death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)


def serve(side: Any) -> None:
    """Answer requests until the input ends; what libraries print goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        call = request.pop("call")
        try:
            answer = getattr(side, call)(**request)
        except Exception as error:
            text = (str(error).strip().splitlines() or [""])[0]
            if not isinstance(error, NotImplementedError):  # that one says it all
                text = f"{type(error).__name__}: {text}"
            answer = {"error": text[:300]}
        answers.write(json.dumps(answer) + "\n")
