"""Runs the compiled core under the compiler's sanitizers and under valgrind.

`python tools/sanitize.py [address] [thread] [valgrind]`, in the project's root, after
`tools/install.py test`; without a name all three. For AddressSanitizer (with
UndefinedBehaviorSanitizer in the same build) and for ThreadSanitizer the core is built anew for
the instruction sets that this machine runs; its C++ tests run, then the Python tests below on a
package that has the sanitized module, as many at a time as there are processors. Valgrind runs C++
tests of the ordinary build.

The first finding ends everything with status 1. Nothing of ours is suppressed: under Python only
the interpreter's own leaks and what libraries without instrumentation do among themselves are not
looked at.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import build_backend
from install import PYTHON, environment
from narrator import CommandFailedError, narrate

BUILD = Path("build")
# What goes down the core's roads: its own tests, its border, the conformance sample, traces, lanes,
# the run loop, predictors.
PYTHON_TESTS = (
    "tests/test_compiled.py",
    "tests/test_random_core.py",
    "tests/test_border.py",
    "tests/test_border_kinds.py",
    "tests/test_interrupts.py",
    "tests/test_trace.py",
    "tests/test_many.py",
    "tests/test_loop.py",
    "tests/test_predictor.py",
    "tests/test_learner.py",
    "tests/test_learner_input.py",
    "tests/test_learner_core.py",
    "tests/conformance/test_engines_agree.py",
    "tests/conformance/test_layer_kinds.py",
    "tests/conformance/test_parametric.py",
    "tests/conformance/test_preludes.py",
    "tests/conformance/test_rate_factors.py",
)
# Tests without the compiled engine; and, since ThreadSanitizer keeps a signal until a thread waits,
# the one that wants it heard in the middle of a short run.
LEFT_OUT = {
    "address": "reference",
    "thread": "reference or test_a_handler_that_does_not_raise_changes_no_bit",
}
# Of the C++ tests those that take seconds, not minutes, on valgrind's imagined processor, which has
# no mode without denormals, whose `new` no test can count, and where threads spin in turns.
VALGRIND_TESTS = (
    "activations",
    "arena",
    "averages",
    "backprop",
    "dropout",
    "heads",
    "isa",
    "losses",
    "operations",
    "optimizers",
    "orders",
    "predictor",
    "random",
    "scores",
    "stopping",
    "tile",
)

PROCESSORS = str(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "2"
AT_ONCE = ("-j", PROCESSORS)
AT_ONCE_UNDER_PYTHON = ("-n", PROCESSORS)

SANITIZERS = {
    "address": "address,undefined",
    "thread": "thread",
}
# The runtime must stand before everything else in a process that was not built with it, and
# before the C++ library whose `throw` it watches.
RUNTIMES = {
    "address": ("libasan.so", "libubsan.so", "libstdc++.so"),
    "thread": ("libtsan.so", "libstdc++.so"),
}
OPTIONS = {
    # Every test that ends early by fork() has a team of threads behind it.
    "TSAN_OPTIONS": "halt_on_error=1 die_after_fork=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
UNDER_PYTHON = {
    # A request for more memory than there is gets the same answer as without the sanitizer.
    "ASAN_OPTIONS": "detect_leaks=0 allocator_may_return_null=1",
    "TSAN_OPTIONS": f"{OPTIONS['TSAN_OPTIONS']} ignore_noninstrumented_modules=1",
}


def main(arguments: list[str]) -> int:
    """Run what is named; return an exit status."""
    known = (*SANITIZERS, "valgrind")
    unknown = [name for name in arguments if name not in known]
    if unknown:
        print(f"tools/sanitize.py knows {', '.join(known)} (got {unknown[0]!r}).", file=sys.stderr)
        return 2
    try:
        for name in arguments or known:
            if name == "valgrind":
                run_valgrind()
            else:
                run_sanitizer(name)
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run_sanitizer(name: str) -> None:
    """Build the core with one sanitizer; run its C++ tests, then the Python tests."""
    build, log = BUILD / f"sanitize-{name}", BUILD / f"sanitize-{name}.log"
    log.unlink(missing_ok=True)
    env = {**environment(), **OPTIONS}
    narrate(
        f"The core with -fsanitize={SANITIZERS[name]}: configured",
        configure(build, SANITIZERS[name]),
        log,
        env,
    )
    narrate("  built, tests included", ["cmake", "--build", str(build)], log, env)
    narrate(
        "  the C++ tests",
        ["ctest", "--test-dir", str(build), "--no-tests=error", "--output-on-failure", *AT_ONCE],
        log,
        env,
    )
    site = assemble(build)
    env |= UNDER_PYTHON | {
        "LD_PRELOAD": " ".join(runtime(library) for library in RUNTIMES[name]),
        "PYTHONPATH": str(site.resolve()),
    }
    narrate(
        f"  {', '.join(PYTHON_TESTS)}",
        [
            str(PYTHON),
            "-m",
            "pytest",
            "-v",
            "--capture=sys",  # a captured report would go down with its process
            *AT_ONCE_UNDER_PYTHON,
            "-p",
            "no:cacheprovider",
            "-k",
            f"not ({LEFT_OUT[name]})",
            *PYTHON_TESTS,
        ],
        log,
        env,
    )


def configure(build: Path, sanitizers: str) -> list[str]:
    """Return CMake's command for a build of module and tests."""
    # Threads meet in the same places whatever the instruction set, so one is enough for them.
    which = "[_core.isa()]" if sanitizers == "thread" else "_core.available_isas()"
    here = subprocess.run(
        [str(PYTHON), "-c", f"from deltarule import _core; print(*{which})"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    isas = ";".join(isa.removeprefix("x86-64-") for isa in here.stdout.split())
    return [
        *("cmake", "-S", ".", "-B", str(build), "-G", "Ninja"),
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo",  # in Release the module would lose its symbols
        f"-DPython_EXECUTABLE={PYTHON.absolute()}",
        "-DDELTARULE_TESTS=ON",
        f"-DDELTARULE_ISAS={isas}",
        f"-DDELTARULE_SANITIZE={sanitizers}",
    ]


def assemble(build: Path) -> Path:
    """Return a folder with the package as its sources stand and the sanitized module."""
    site = build / "site"
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree("src/deltarule", site / "deltarule", ignore=shutil.ignore_patterns("*.so"))
    for module in build.glob("_core*.so"):
        shutil.copy(module, site / "deltarule")
    return site


def runtime(library: str) -> str:
    """Return where the compiler keeps a library."""
    compiler = build_backend.find_compiler()[0]
    answer = subprocess.run(
        [*shlex.split(compiler), f"-print-file-name={library}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return answer.stdout.strip()


def run_valgrind() -> None:
    """Run C++ tests of the ordinary build under valgrind's memcheck."""
    if not shutil.which("valgrind"):
        print("valgrind is not installed: its part is left out.", flush=True)
        return
    log = BUILD / "sanitize-valgrind.log"
    log.unlink(missing_ok=True)
    for test in VALGRIND_TESTS:
        narrate(
            f"Valgrind: the C++ tests of {test}",
            [
                *("valgrind", "--error-exitcode=9", "--leak-check=full"),
                *("--errors-for-leak-kinds=definite,possible", "--fair-sched=yes"),
                "--suppressions=tools/valgrind.supp",
                *(str(BUILD / "make" / "cpp" / "tests" / "core_tests"), test),
            ],
            log,
            environment(),
        )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
