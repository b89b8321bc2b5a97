"""Show a model at work on a page in the browser."""

from __future__ import annotations

import argparse
import contextlib
import os
from threading import Event
from typing import TYPE_CHECKING, Any

from deltarule.cli import arguments
from deltarule.cli.models import check_output, read_table
from deltarule.cli.output import Output, counted

if TYPE_CHECKING:
    from deltarule.playground.sources import Source

DESCRIPTION = """\
Open a page in the browser that shows a network at work: every sum, delta and update,
step by step. With a model it shows that model, on the rows of a table; without a table
on rows that are drawn around those that it was trained on. Without a model it begins
with a small network on XOR. Ctrl-C ends it.

With --record nothing is served: model, rows and the next steps of its training are
written as one HTML file, which opens in any browser; without a model the small network
on XOR."""

#: An argument that argparse takes for left out where an option stands before it.
LATER = "table"

#: Endings of files that are tables.
_TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    add = parser.add_argument
    add("model", metavar="MODEL", nargs="?", help="a file that deltarule train or dr.save wrote")
    add(
        "table",
        metavar="TABLE",
        nargs="?",
        help="a CSV file, gzipped or not, with the target among its columns; - reads standard "
        "input",
    )
    add(
        "--target",
        metavar="NAME",
        help="the column with the target, for a model that was saved from Python",
    )
    add("--port", type=arguments.whole_number(0, 65535), default=0, help="0 takes a free one")
    add("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    add("--no-browser", action="store_true", help="print the link and open nothing")
    add("--token", help="the key of the first link; one is drawn where left out")
    add(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="a name of this machine, as browsers show it, besides its own",
    )
    add("--record", metavar="FILE", help="write one HTML file instead")
    add(
        "--steps",
        metavar="N",
        type=arguments.whole_number(1, 100_000),
        help="steps of a recording (default: 100, fewer of a large network)",
    )


def check(args: argparse.Namespace) -> str | None:
    """What does not go together."""
    if args.target is not None and args.table is None:
        return "--target needs a table"
    if args.steps is not None and args.record is None:
        return "--steps needs --record"
    return None


def run(args: argparse.Namespace, out: Output) -> int:
    """Open what is to be shown, then serve or write it."""
    from deltarule.playground.shown import Shown

    if args.record is not None:
        read = [path for path in (args.model, args.table) if path is not None]
        check_output(args.record, *read)
    source, title = None, None
    if args.model is not None:
        source = open_model(args.model, args.table, args.target)
        title = os.path.basename(args.model)
    shown = Shown(source, title)
    return _serve(args, out, shown) if args.record is None else _record(args, out, shown)


def open_model(path: str, table: str | None, target: str | None) -> Source:
    """A model file on the rows of a table, or on rows of its own.

    Raises
    ------
    InvalidParameterError
        If the file holds no estimator, or `target` is said beside a model that knows it.
    ModelFileError
        If it is none of ours.
    TableError
        If the table does not fit it.
    """
    from deltarule.exceptions import InvalidParameterError
    from deltarule.playground import sources
    from deltarule.tables import TableModel, load

    if table is None and path.lower().endswith(_TABLES):
        raise InvalidParameterError(
            f"MODEL must be a model file (got {path}, a table). Train a model first: deltarule "
            f"train {path} --target NAME -o model.safetensors."
        )
    model = load(path)
    sources.last_step(model)
    if table is None:
        return sources.source_alone(model)
    if not isinstance(model, TableModel):
        return sources.source_of_columns(model, read_table(table), target)
    if target is not None and (target,) != model.target.names:
        raise InvalidParameterError(
            f"--target must be that of the model, {', '.join(model.target.names)} (got "
            f"{target!r}). Leave it out."
        )
    return sources.source_of_table(model, read_table(table))


def _record(args: argparse.Namespace, out: Output, shown: Any) -> int:
    from deltarule.playground.record import record

    steps = record(shown, args.record, args.steps)
    name = "XOR" if args.model is None else os.path.basename(args.model)
    out.line(f"{counted(steps, 'step')} of {name} in {args.record}")
    out.result({"command": "play", "model": args.model, "record": args.record, "steps": steps})
    return 0


def _serve(args: argparse.Namespace, out: Output, shown: Any) -> int:
    try:
        from deltarule.playground.browser import open_browser
        from deltarule.playground.meeting import Meeting
        from deltarule.playground.serve import serve
    except ImportError as problem:
        return out.fail("ImportError", str(problem))
    server = serve(
        Meeting(shown), args.host, args.port, token=args.token, allow_hosts=args.allow_host
    )
    # In a thread of its own, so that Ctrl-C meets nothing but the wait for it.
    with contextlib.suppress(KeyboardInterrupt), server:
        out.line(server.url)
        out.result({"command": "play", "url": server.url})
        if not args.no_browser:
            open_browser(server.url)
        Event().wait()
    return 0
