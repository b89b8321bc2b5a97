"""Plain records: what stands in a model file as JSON, and the checks before any of it is used.

Three tools, shared by every room that writes a section of a model file:

* `to_json` and `from_json`: JSON as the standard has it, no NaN, no field twice;
* `encode` and `decode`: settings, option objects among them, as plain JSON values and back;
* `Fields`: a record with a closed set of fields, each asked for with its type and range.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, NoReturn

import numpy as np

from deltarule.activations import ACTIVATIONS
from deltarule.definitions import Definition, Family, from_record
from deltarule.exceptions import DeltaruleError, InvalidParameterError, ModelFileError
from deltarule.initializers import INITIALIZERS
from deltarule.layers import LAYERS
from deltarule.losses import LOSSES
from deltarule.optimizers import OPTIMIZERS
from deltarule.penalties import PENALTIES
from deltarule.schedules import SCHEDULES
from deltarule.stopping import EarlyStopping

ALTERED = "The file was altered or written by another program; get a fresh copy."

_FAMILIES: list[Family[Any]] = [
    ACTIVATIONS,
    LOSSES,
    PENALTIES,
    INITIALIZERS,
    SCHEDULES,
    OPTIMIZERS,
    LAYERS,
    Family(EarlyStopping, {EarlyStopping.name: EarlyStopping}, EarlyStopping.word),
]


def enter(family: Family[Any]) -> None:
    """Let settings hold the options of a family that a higher room has."""
    _FAMILIES.append(family)


def encode(value: Any, where: str) -> Any:
    """A setting as plain JSON values.

    Tuples, dicts, infinity and option objects are marked, ``{"tuple": [...]}``,
    ``{"pairs": [[key, value], …]}``, ``{"number": "inf"}`` and ``{"option": family, "record":
    …}``, so that `decode` gives back what came.

    Parameters
    ----------
    value : None, bool, number, str, list, tuple, dict, 1-d array or Definition
    where : str
        The setting's name, for the message.

    Raises
    ------
    InvalidParameterError
        If the value is anything else, or NaN.

    Examples
    --------
    >>> encode((100, 50), "hidden_layer_sizes")
    {'tuple': [100, 50]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _encodable(value, where)
    if isinstance(value, float) and not math.isnan(value):
        return value if math.isfinite(value) else {"number": "inf" if value > 0 else "-inf"}
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return encode(value.tolist(), where)
    if isinstance(value, list | tuple):
        entries = [encode(entry, f"{where}[{index}]") for index, entry in enumerate(value)]
        return entries if isinstance(value, list) else {"tuple": entries}
    if isinstance(value, dict):
        keys = [encode(key, f"{where} key") for key in value]
        if not any(isinstance(key, dict | list) for key in keys):
            entries = [encode(entry, f"{where}[{key!r}]") for key, entry in value.items()]
            return {"pairs": [list(pair) for pair in zip(keys, entries, strict=True)]}
    for family in _FAMILIES:
        if isinstance(value, family.base):
            return {"option": family.word, "record": option_record(value)}
    raise InvalidParameterError(
        f"{where} must hold plain numbers, words and deltarule's own option objects to be saved "
        f"(got {value!r}). Set it to a named option before saving."
    )


def decode(value: Any, where: str) -> Any:
    """The inverse of `encode`, for text that nobody vouches for.

    Raises
    ------
    ModelFileError, InvalidParameterError
        If a mark is unknown or an option's record is not one.
    """
    if isinstance(value, list):
        return [decode(entry, f"{where}[{index}]") for index, entry in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if set(value) == {"tuple"} and isinstance(value["tuple"], list):
        return tuple(decode(value["tuple"], where))
    if set(value) == {"number"} and value["number"] in ("inf", "-inf"):
        return float(value["number"])
    if set(value) == {"pairs"} and isinstance(value["pairs"], list):
        return _pairs(value["pairs"], where)
    if set(value) == {"option", "record"}:
        for family in _FAMILIES:
            if family.word == value["option"]:
                return option_from_record(value["record"], family, where)
    return wrong(where, "a plain value, a tuple, pairs or an option", value)


def _pairs(pairs: list[Any], where: str) -> dict[Any, Any]:
    """A dict from its pairs, whose keys are plain and all different."""
    found: dict[Any, Any] = {}
    for pair in pairs:
        plain = isinstance(pair, list) and len(pair) == 2
        if not plain or not isinstance(pair[0], str | int | float | None) or pair[0] in found:
            wrong(where, "pairs of a key, each a different one, and a value", pair)
        found[pair[0]] = decode(pair[1], f"{where}[{pair[0]!r}]")
    return found


def option_record(option: Definition) -> dict[str, Any]:
    """The record of an option object, its values checked to be plain.

    Raises
    ------
    InvalidParameterError
        If a field holds a Python function or anything else that no file can hold.
    """
    record = option.record()
    for key, value in record.items():
        if not isinstance(value, dict):
            encode(value, f"{record['name']}.{key}")
    return record


_PLAIN: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "int": int,
    "float": (int, float),
    "str": str,
}


def option_from_record(record: Any, family: Family[Any], where: str) -> Any:
    """`definitions.from_record` with plain fields held to their exact type, for files.

    Raises
    ------
    ModelFileError
        If the record names no option of the family, or a field is missing, unknown, of another
        type or out of range.
    """
    if not isinstance(record, dict):
        wrong(where, f"a record of one {family.word}", record)
    cls = family.table.get(record["name"]) if isinstance(record.get("name"), str) else None
    for field in dataclasses.fields(cls) if cls is not None else ():
        if field.kw_only and field.name not in record:
            continue  # at its default
        kind, value = _PLAIN.get(str(field.type)), record.get(field.name)
        wrong_bool = isinstance(value, bool) and field.type != "bool"
        if kind is not None and (wrong_bool or not isinstance(value, kind)):
            wrong(f"{where}.{field.name}", f"of type {field.type}", value)
    try:
        return from_record(record, family)
    except (DeltaruleError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise ModelFileError(f"{where}: {problem} {ALTERED}") from None


class Fields:
    """A record from a file, checked to have these fields, no more and no fewer.

    Parameters
    ----------
    record : object
        What stood in the file.
    where : str
        Its place, for messages: ``"network.heads[0]"``.
    names : sequence of str
        Its fields.

    Raises
    ------
    ModelFileError
        At once if the fields are others, and from each method if a value has another type.

    Examples
    --------
    >>> Fields({"kind": "numeric", "scale": 2.0}, "columns[0]", ("kind", "scale")).number("scale")
    2.0
    """

    def __init__(self, record: Any, where: str, names: tuple[str, ...]) -> None:
        if not isinstance(record, dict):
            wrong(where, "a record", record)
        if set(record) != set(names):
            wrong(where, f"a record with the fields {', '.join(names)}", ", ".join(record))
        self._record, self._where = record, where

    def value(self, name: str) -> Any:
        """The field, whatever it is."""
        return self._record[name]

    def text(self, name: str, allowed: Any = None) -> str:
        """A text, one of `allowed` where that is given."""
        value = self._record[name]
        if not isinstance(value, str):
            wrong(self._place(name), "a text", value)
        if allowed is not None and value not in allowed:
            wrong(self._place(name), f"one of {', '.join(map(repr, allowed))}", value)
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._record[name]
        if not isinstance(value, bool):
            wrong(self._place(name), "true or false", value)
        return value

    def integer(self, name: str, low: int = 0, high: int = 2**53) -> int:
        """A whole number from `low` to `high`."""
        value = self._record[name]
        if type(value) is not int or not low <= value <= high:
            wrong(self._place(name), f"a whole number from {low} to {high}", value)
        return value

    def number(self, name: str) -> float:
        """A finite number."""
        value = self._record[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e308:
            wrong(self._place(name), "a finite number", value)
        return float(value)

    def sequence(self, name: str) -> list[Any]:
        """A list of anything."""
        value = self._record[name]
        if not isinstance(value, list):
            wrong(self._place(name), "a list", value)
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        value = self.sequence(name)
        if not all(isinstance(entry, str) for entry in value):
            wrong(self._place(name), "a list of texts", value)
        return value

    def numbers(self, name: str) -> list[float]:
        """A list of finite numbers."""
        value = self.sequence(name)
        if not all(type(entry) in (int, float) and abs(entry) <= 1e308 for entry in value):
            wrong(self._place(name), "a list of finite numbers", value)
        return [float(entry) for entry in value]

    def curve(self, name: str) -> list[float]:
        """A list of finite numbers, NaN where null stands."""
        for value in self.sequence(name):
            number = type(value) in (int, float) and abs(value) <= 1e308
            if value is not None and not number:
                wrong(self._place(name), "a list of finite numbers and nulls", value)
        return [float("nan") if value is None else float(value) for value in self.sequence(name)]

    def mapping(self, name: str) -> dict[str, Any]:
        """A record of its own."""
        value = self._record[name]
        if not isinstance(value, dict):
            wrong(self._place(name), "a record", value)
        return value

    def optional(self, name: str) -> bool:
        """Whether the field is there, that is: not null."""
        return self._record[name] is not None

    def _place(self, name: str) -> str:
        return f"{self._where}.{name}"


def wrong(where: str, expected: str, got: Any) -> NoReturn:
    """Refuse a value of a file: its place, what was expected, what stood there."""
    shown = repr(got)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    raise ModelFileError(f"{where} must be {expected} (got {shown}). {ALTERED}")


def _encodable(text: str, where: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidParameterError(
            f"{where} must be text that UTF-8 can hold (got {text!r}). Rename it."
        ) from None
    return text


def to_json(record: Any) -> str:
    """A plain record as one line of JSON.

    Raises
    ------
    InvalidParameterError
        If a text in it cannot be written in UTF-8.
    ValueError
        If a number in it is not finite.
    """
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _encodable(text, "record")


def from_json(text: str) -> Any:
    """JSON as the standard has it: no NaN, no infinity, no field twice, no lone surrogate.

    Raises
    ------
    ModelFileError
        If the text is anything else, or nested too deep.

    Examples
    --------
    >>> from_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    deltarule.exceptions.ModelFileError: the field 'a' stands twice in a record
    """
    try:
        value = json.loads(
            text,
            parse_constant=_no_constant,
            parse_float=_finite_float,
            object_pairs_hook=_unique_fields,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ModelFileError("the JSON text is nested too deep") from None
    except UnicodeEncodeError:
        raise ModelFileError("the JSON text holds a lone surrogate") from None
    except ValueError as problem:
        if isinstance(problem, ModelFileError):
            raise
        raise ModelFileError(f"no JSON: {problem}") from None
    return value


def _no_constant(word: str) -> NoReturn:
    raise ModelFileError(f"{word} is no JSON number")


def _finite_float(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ModelFileError(f"the number {word[:40]} is too large")
    return value


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in pairs:
        if key in record:
            raise ModelFileError(f"the field {key!r} stands twice in a record")
        record[key] = value
    return record
