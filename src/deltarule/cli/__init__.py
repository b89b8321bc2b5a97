"""The command ``deltarule``: one thin file per sub-command.

This file and the parsers load nothing but the standard library, so that ``--help`` answers at
once; each command loads what it needs when it runs. Exit codes: 0 done, 1 something about the
data, the model or a file went wrong (one sentence on standard error), 2 the command line itself.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from deltarule.cli import demo, diagnose, evaluate, inspect, play, predict, train
from deltarule.cli.output import Output
from deltarule.exceptions import DeltaruleError, DeltaruleWarning

COMMANDS = {
    "demo": demo,
    "train": train,
    "predict": predict,
    "evaluate": evaluate,
    "diagnose": diagnose,
    "inspect": inspect,
    "play": play,
}
_EPILOG = """\
the main job in three lines:
  deltarule train houses.csv --target price -o houses.safetensors
  deltarule evaluate houses.safetensors more-houses.csv
  deltarule predict houses.safetensors new-houses.csv -o prices.csv
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with all sub-commands."""
    parser = argparse.ArgumentParser(
        prog="deltarule",
        description="Feed-forward networks, trained by gradient descent and backpropagation.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").partition("\n")[0].rstrip(".")
        command = commands.add_parser(
            name,
            help=summary[0].lower() + summary[1:],
            description=module.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.add_argument(
            "--json", action="store_true", help="print one JSON object and nothing else"
        )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; ``sys.argv`` where left out.
    """
    parser = build_parser()
    args = _parsed(parser, arguments)
    # Options that do not go together are refused before any work, like a misspelt one.
    check = getattr(COMMANDS[args.command], "check", None)
    if check is not None and (wrong := check(args)) is not None:
        parser.error(wrong)
    out = Output(json=args.json, quiet=getattr(args, "quiet", False))
    with warnings.catch_warnings():
        _speak_plainly(out)
        try:
            return int(COMMANDS[args.command].run(args, out))
        except KeyboardInterrupt:
            _hear_no_more(arguments)
            return out.fail("Interrupted", "interrupted. Nothing was saved.")
        except BrokenPipeError:
            # The reader, such as head, has seen enough.
            _drop_output()
            return 1
        except Exception as problem:
            return _explain(problem, out)
        finally:
            _hear_no_more(arguments)


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> Any:
    """The command line; what may be left out may also stand behind an option."""
    args, rest = parser.parse_known_args(arguments)
    later = getattr(COMMANDS[args.command], "LATER", None)
    if later is not None and rest and getattr(args, later) is None and not _is_option(rest[0]):
        setattr(args, later, rest.pop(0))
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return args


def _is_option(text: str) -> bool:
    return text.startswith("-") and text != "-"


def _hear_no_more(arguments: Sequence[str] | None) -> None:
    """Once the end is decided, another Ctrl-C must not change the exit code of the program."""
    if arguments is None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _explain(problem: Exception, out: Output) -> int:
    if os.environ.get("DELTARULE_TRACEBACK"):
        raise problem
    kind = type(problem).__name__
    if isinstance(problem, OSError) and problem.filename is None and problem.errno in _FULL:
        _drop_output()
        return out.fail(
            kind,
            f"standard output cannot be written ({problem.strerror}). Make room, or choose "
            "another place.",
        )
    if isinstance(problem, DeltaruleError):
        return out.fail(kind, str(problem))
    if isinstance(problem, MemoryError):
        return out.fail(kind, "out of memory. Use fewer rows, or a smaller --hidden.")
    return out.fail(
        kind,
        f"unexpected {kind}: {problem}. This is a defect of deltarule: please report it with what "
        "DELTARULE_TRACEBACK=1 shows.",
    )


#: What a stream that takes no more says: disk full, quota used up, file too large, faulty device.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _drop_output() -> None:
    """What standard output still holds goes nowhere, so that Python does not complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speak_plainly(out: Output) -> None:
    """Warnings of ours as notes; those of others, which are no news to a user, not at all."""
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", DeltaruleWarning)

    said: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in said:  # what was said of the same rows before is no news
            said.add(str(message))
            out.note(str(message))

    warnings.showwarning = show


def _version() -> str:
    from deltarule import __version__

    return f"deltarule {__version__}"
