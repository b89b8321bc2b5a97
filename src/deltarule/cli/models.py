"""Tables and models as the commands load them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from deltarule.cli.output import counted
from deltarule.exceptions import ModelFileError, OutputPathError

if TYPE_CHECKING:
    from deltarule.tables import Table, TableEnsemble, TableModel


def read_table(path: str) -> Table:
    """A CSV file, or standard input for ``-``."""
    from deltarule.tables import read_csv

    return read_csv(sys.stdin.buffer if path == "-" else path)


def check_output(path: str, *inputs: str) -> None:
    """Find out before the work whether its result can be written, and over what.

    Raises
    ------
    OutputPathError
        If the path cannot be written, or is that of a file which the command reads.
    """
    from deltarule.persistence import check_writable

    for read in inputs:
        if (
            read != "-"
            and os.path.exists(read)
            and os.path.realpath(read) == os.path.realpath(path)
        ):
            raise OutputPathError(
                f"{path} cannot be written: it is the file that is read. Choose another path."
            )
    folder = os.path.dirname(path)
    while folder and not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if folder and not os.path.isdir(folder):
        raise OutputPathError(
            f"{path} cannot be written: {folder} is a file, not a folder. Choose another path."
        )
    check_writable(path)


def load_model(path: str) -> TableModel | TableEnsemble:
    """A model with the plan of a table.

    Raises
    ------
    ModelFileError
        If the file holds something else, such as an estimator that was saved from Python.
    """
    from deltarule.tables import TableEnsemble, TableModel, load

    found = load(path)
    if not isinstance(found, TableModel | TableEnsemble):
        raise ModelFileError(
            f"{path}: holds a {type(found).__name__} without the plan of a table. Use it from "
            "Python with deltarule.load, or train one with deltarule train."
        )
    return found


def load_network(path: str, who: str) -> TableModel:
    """A model of a single network, for a command that looks into one.

    Raises
    ------
    ModelFileError
        If the file holds an ensemble, or no model of a table.
    """
    from deltarule.tables import TableModel
    from deltarule.tables.table_ensemble import train_one_instead

    found = load_model(path)
    if isinstance(found, TableModel):
        return found
    count = counted(len(found.estimator.members_), "network")
    raise ModelFileError(
        f"{path}: {who} takes a single network (got an ensemble of {count}). "
        f"{train_one_instead(found)}"
    )


def named_columns(table: Table, given: list[str] | None) -> tuple[str, ...]:
    """Column names from the command line; a comma divides names, unless a name holds it."""
    names: list[str] = []
    for text in given or []:
        parts = [text] if text in table.names else [part.strip() for part in text.split(",")]
        names.extend(part for part in parts if part and part not in names)
    for name in names:
        table.column(name)
    return tuple(names)
