"""Classes, heads and temperatures as plain records of a model file, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.definitions import Array, Family
from deltarule.estimators import tasks
from deltarule.estimators.target_columns import FRAME_TYPES, Form
from deltarule.estimators.targets import ClassCode
from deltarule.exceptions import InvalidParameterError, ModelFileError
from deltarule.network import Network
from deltarule.persistence import Fields, encode, enter, wrong

_HEAD = ("name", "kind", "classes", "missing", "dtype", "categories", "ordered")

enter(Family(tasks.Task, {tasks.Task.name: tasks.Task}, tasks.Task.word))

# Classes keep their type: "1", 1, 1.0 and True are four different classes.
_CLASS_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "object": (str, bool, int, float),
    **{f"{sign}int{bits}": (int,) for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": (float, int) for bits in (16, 32, 64)},
}


def classes_record(code: ClassCode) -> dict[str, Any]:
    """The classes of one target, with their type and the network's targets for them."""
    dtype = "str" if code.classes.dtype.kind == "U" else code.classes.dtype.name
    values = code.classes.tolist()
    if dtype not in _CLASS_TYPES or not all(type(v) in _CLASS_TYPES[dtype] for v in values):
        raise InvalidParameterError(
            f"classes must be texts, numbers or booleans to be saved (got {values[:3]} of dtype "
            f"{code.classes.dtype}). Train with such classes."
        )
    return {
        "dtype": dtype,
        "values": values,
        "multilabel": code.multilabel,
        "targets": [float(code.low), float(code.high)],
    }


def code_from_record(record: Any, columns: int, where: str = "estimator.classes") -> ClassCode:
    """The code that `classes_record` described, for so many outputs of the network.

    Raises
    ------
    ModelFileError
        If a class is not of the type, stands twice, or they do not fit the outputs.
    """
    fields = Fields(record, where, ("dtype", "values", "multilabel", "targets"))
    dtype, values = fields.text("dtype", _CLASS_TYPES), fields.sequence("values")
    multilabel, targets = fields.flag("multilabel"), fields.numbers("targets")
    for value in values:
        if type(value) not in _CLASS_TYPES[dtype]:
            wrong(f"{where}.values", f"of type {dtype}", value)
    try:
        classes: Array = np.array(values, dtype=dtype)
    except (OverflowError, ValueError):
        wrong(f"{where}.values", f"of type {dtype}", values)
    if not values or len(set(values)) < len(values):
        wrong(f"{where}.values", "at least one class, all different", values)
    expected = {len(values)} if multilabel or len(values) > 2 else {1, len(values)}
    if columns not in expected:
        wrong(f"{where}.values", f"classes for {columns} outputs", values)
    if len(targets) != 2 or not targets[0] < targets[1]:
        wrong(f"{where}.targets", "two rising numbers", targets)
    return ClassCode(classes, multilabel, columns, targets[0], targets[1])


def heads_record(estimator: Any) -> dict[str, Any]:
    """The heads of a fitted `MultiTaskMLP`; losses and weights stand in the network."""
    return {
        "library": estimator._library,
        "dropped_rows": int(estimator.dropped_rows_),
        "columns": [_head_record(head) for head in estimator.heads_],
    }


def _head_record(head: tasks.FittedHead) -> dict[str, Any]:
    name = encode(head.name, "the name of a column of y")
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise InvalidParameterError(
            f"columns of y must be named by texts or whole numbers to be saved (got {name!r}). "
            "Rename them."
        )
    return {
        "name": name,
        "kind": head.kind,
        "classes": None if head.classes is None else classes_record(head.code),
        "missing": head.missing,
        "dtype": head.form.dtype,
        "categories": list(head.form.categories),
        "ordered": head.form.ordered,
    }


def set_heads(estimator: Any, record: Any, network: Network) -> None:
    """Give an estimator the heads that `heads_record` described.

    Raises
    ------
    ModelFileError
        If a field does not fit, or the heads are not those of the network.
    """
    fields = Fields(record, "estimator.heads", ("library", "dropped_rows", "columns"))
    entries = fields.sequence("columns")
    if len(entries) != len(network.heads):
        wrong("estimator.heads.columns", f"{len(network.heads)} heads", len(entries))
    heads = [_head(entry, index, network) for index, entry in enumerate(entries)]
    if len({head.name for head in heads}) < len(heads):
        wrong("estimator.heads.columns", "columns of different names", [h.name for h in heads])
    estimator._library = fields.text("library")
    _check_forms(heads, estimator._library)
    try:
        estimator.heads_ = tasks.with_settings(heads, estimator.heads)
    except (ValueError, TypeError) as problem:
        raise ModelFileError(f"estimator.settings.heads: {problem}") from None
    for index, (head, own) in enumerate(zip(estimator.heads_, network.heads, strict=True)):
        if head.head != own:
            wrong(f"estimator.heads.columns[{index}]", f"the head {own} of the network", head)
    estimator.dropped_rows_ = fields.integer("dropped_rows")


def _head(record: Any, index: int, network: Network) -> tasks.FittedHead:
    where, own = f"estimator.heads.columns[{index}]", network.heads[index]
    fields = Fields(record, where, _HEAD)
    name = fields.value("name")
    if type(name) not in (str, int):
        wrong(f"{where}.name", "a text or a whole number", name)
    kind, classes = fields.text("kind", tasks.KINDS), None
    width = own.columns[1] - own.columns[0]
    if kind != "regression":
        code = code_from_record(fields.value("classes"), width, f"{where}.classes")
        classes = code.classes
        rising = classes.dtype.kind in "biufU" and bool((classes[:-1] < classes[1:]).all())
        plain = not code.multilabel and (code.low, code.high) == (0.0, 1.0)
        if not (rising and plain and len(classes) > 1 and (kind == "multiclass") == (width > 1)):
            wrong(f"{where}.classes", f"rising classes for a {kind} head", classes.tolist())
    elif fields.optional("classes") or width != 1:
        wrong(f"{where}.classes", "null, for one output", fields.value("classes"))
    form = _form(fields, where, classes)
    missing = fields.integer("missing")
    return tasks.FittedHead(
        *(name, kind, classes, own.loss, own.weight, missing, own.columns, form, own.class_weights)
    )


def _form(fields: Fields, where: str, classes: Array | None) -> Form:
    dtype, categories = fields.text("dtype"), fields.sequence("categories")
    form = Form(dtype, tuple(categories), fields.flag("ordered"))
    plain = all(type(entry) in (str, bool, int, float) for entry in categories)
    known = set(categories) if plain else set()
    if len(known) < len(categories):
        wrong(f"{where}.categories", "different texts, numbers or booleans", categories)
    if dtype in ("category", "Enum"):
        if classes is None or not known.issuperset(classes.tolist()):
            wrong(f"{where}.categories", "all classes of the head", categories)
    elif categories:
        wrong(f"{where}.categories", f"none for {dtype!r}", categories)
    return form


def _check_forms(heads: list[tasks.FittedHead], library: str) -> None:
    """Types of columns are words of a closed list, which the classes fit into."""
    for index, head in enumerate(heads):
        where, dtype = f"estimator.heads.columns[{index}].dtype", head.form.dtype
        if not dtype:
            continue
        if dtype not in FRAME_TYPES.get(library, ()):
            wrong(where, f"a type of column of the library {library!r}", dtype)
        kind = "" if head.classes is None else head.classes.dtype.kind
        if kind not in _fitting(dtype):
            wrong(where, "a type that the classes fit into", dtype)


def _fitting(dtype: str) -> str:
    """The kinds of classes that a type of column takes."""
    word = dtype.lower()
    if word in ("object", "category", "categorical", "enum"):
        return "biufU"
    if word.startswith("bool"):
        return "b"
    return "U" if word in ("str", "string") else "iuf"


def check_scale(estimator: Any) -> None:
    """Refuse a scale of the targets that would move the outputs of classes."""
    found = estimator._target_standardizer
    if found is None:
        return
    for head in estimator.heads_:
        center, scale = found.center, found.scale[head.slice]
        plain = center is not None and not center[head.slice].any() and (scale == 1).all()
        if center is None or (head.activation != "identity" and not plain):
            where = "estimator.standardizer.target"
            wrong(where, f"a center of 0 and a scale of 1 for {head.name!r}", scale.tolist())


def temperature_record(estimator: Any) -> Any:
    """The temperature of a calibrated classifier; of several heads one each, null for numbers."""
    found = estimator.__dict__.get("temperature_")
    if isinstance(found, dict):
        return [found.get(head.name) for head in estimator.heads_]
    return found


def temperature_from_record(estimator: Any, fields: Fields) -> Any:
    """What `temperature_record` described.

    Raises
    ------
    ModelFileError
        If a number is not above 0, or there is one for numbers, or none for classes.
    """
    where = "estimator.temperature"
    if hasattr(estimator, "_code"):
        number = fields.number("temperature")
        if not number > 0:
            wrong(where, "above 0", number)
        return number
    if not hasattr(estimator, "heads_"):
        wrong(where, "of an estimator of classes", fields.value("temperature"))
    entries, found = fields.curve("temperature"), {}
    if len(entries) != len(estimator.heads_):
        wrong(where, f"a list of {len(estimator.heads_)} numbers or nulls", entries)
    for head, entry in zip(estimator.heads_, entries, strict=True):
        if (entry == entry) != (head.classes is not None) or entry <= 0:
            wrong(where, "above 0 for heads of classes, and null for regressions", entries)
        if head.classes is not None:
            found[head.name] = entry
    return found
