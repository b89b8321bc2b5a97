"""Safe model files: networks, parameters and plain records in one safetensors file.

A model file is a safetensors file. Its tensors are the numbers of the network, its metadata hold
one JSON text, the *record*, under a closed schema, and a checksum over both. There is no pickle
and no code in it, and nothing of it is used before it is checked: `read` first takes the header
alone, checks the record, works out from the network how many numbers there must be, and only then
reads them. ``docs/model-file.md`` states the format with MUST and MAY.

This room knows networks and parameters. What else a file tells (an estimator's settings, the plan
of a table's columns) comes as a *section*: a plain record that the room above writes and checks
with the same tools, `Fields` for closed records and `encode` / `decode` for option objects.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any, BinaryIO, NoReturn

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.exceptions import DeltaruleError, InvalidParameterError, ModelFileError
from deltarule.network import Network, Parameters
from deltarule.persistence.networks import (
    network_from_record,
    network_record,
    others_from_record,
    others_record,
)
from deltarule.persistence.paths import NotRegularError, PathLike, open_regular, replace_file
from deltarule.persistence.records import ALTERED, Fields, from_json, to_json, wrong
from deltarule.persistence.states import Kept, StateRecord, state_record, state_tensors

FORMAT = "deltarule-model"
#: What this release reads up to. A file is written in the lowest version that can hold it.
FORMAT_VERSION = 3
SECTIONS = ("estimator", "table", "tabular")

# A header is read before anything can be believed; the bound is far above any real model's.
MAX_HEADER_BYTES = 64 * 2**20

_DTYPES = {"float32": "F32", "float64": "F64"}
_RECORD = ("kind", "dtype", "network", "sections", "state", "versions")


@dataclass(frozen=True, eq=False)
class Model:
    """What a model file holds.

    Parameters
    ----------
    parameters : Parameters
        The numbers, with their network.
    kind : str
        What was saved: ``"Parameters"`` or the name of a class of a higher room.
    sections : mapping of str to mapping
        Plain records of the higher rooms, by section name: ``"estimator"``, ``"table"``,
        ``"tabular"``.
    versions : mapping of str to str
        Releases of the libraries that wrote the file; for people, never needed to read it.
    state : Kept or None
        What a training goes on from.
    others : tuple of Parameters
        Further networks with their numbers, in the dtype of `parameters`: the other members of an
        ensemble, say. Neighbours of one architecture share one `Network`.
    """

    parameters: Parameters
    kind: str = "Parameters"
    sections: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    state: Kept | None = None
    others: tuple[Parameters, ...] = ()


def write(model: Model, path: PathLike) -> None:
    """Write a model file so that a crash at any moment leaves the old file or the new one.

    Parameters
    ----------
    model : Model
    path : path
        An existing file is replaced.

    Raises
    ------
    InvalidParameterError
        If the model holds a Python function, numbers that are not finite, or networks of several
        dtypes.
    OutputPathError
        If the path cannot be written.

    Examples
    --------
    >>> import tempfile, os
    >>> from deltarule.network import Network, initialize
    >>> parameters = initialize(Network(units=(3, 5, 2)), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     write(Model(parameters), path)
    ...     again = read(path).parameters
    >>> bool((again.vector == parameters.vector).all())
    True
    """
    replace_file(path, to_bytes(model))


def to_bytes(model: Model) -> bytes:
    """The model file as bytes."""
    parameters, kept = model.parameters, model.state
    tensors = _network_tensors("", parameters)
    for index, other in enumerate(model.others):
        if other.dtype != parameters.dtype:
            raise InvalidParameterError(
                f"others[{index}] must be {parameters.dtype}, as the parameters are, to be saved "
                f"(got {other.dtype}). Convert it with astype."
            )
        tensors |= _network_tensors(_prefix(index), other)
    beside = {} if kept is None else state_tensors(kept, parameters)
    for name, tensor in (tensors | beside).items():
        if not np.isfinite(tensor).all():
            without = "Save with state=False, or train" if name in beside else "Train"
            raise InvalidParameterError(
                f"{name} must be finite to be saved (got NaN or inf). {without} again with a "
                "smaller learning_rate_init."
            )
    tensors |= beside
    unknown = set(model.sections) - set(SECTIONS)
    if unknown:
        raise InvalidParameterError(
            f"sections must be among {', '.join(SECTIONS)} (got {', '.join(sorted(unknown))}). "
            "The schema of a model file is closed."
        )
    record = {
        "kind": model.kind,
        "dtype": parameters.dtype.name,
        "network": network_record(parameters.network),
        **({"others": others_record(parameters, model.others)} if model.others else {}),
        "sections": {name: model.sections[name] for name in sorted(model.sections)},
        "state": None if kept is None else state_record(kept, parameters),
        "versions": dict(model.versions) or library_versions(),
    }
    # Little-endian whatever the machine: the format says so.
    tensors = {
        name: np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("<"))
        for name, tensor in tensors.items()
    }
    text = to_json(record)
    version = "3" if model.others else "1" if kept is None else "2"
    head = {"format": FORMAT, "format_version": version, "record": text}
    data = b"".join(tensors[name].tobytes() for name in sorted(tensors))
    return _assemble(tensors, {**head, "sha256": _digest(head, data)}, data)


def _prefix(index: int) -> str:
    """What stands before the names of the tensors of a further network."""
    return f"others.{index}."


def _network_tensors(prefix: str, parameters: Parameters) -> dict[str, Array]:
    """The numbers of a network, by their names in the file."""
    found = {f"{prefix}parameters": parameters.vector}
    if parameters.network.buffer_size:
        found[f"{prefix}buffers"] = parameters.buffers
    return found


def _assemble(tensors: Mapping[str, Array], head: Mapping[str, str], data: bytes) -> bytes:
    """The safetensors container; the library's own writer puts metadata in a random order."""
    header: dict[str, Any] = {"__metadata__": dict(head)}
    end = 0
    for name in sorted(tensors):
        start, end = end, end + tensors[name].nbytes
        dtype = _DTYPES[tensors[name].dtype.name]
        shape = list(tensors[name].shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    text = to_json(header).encode("utf-8")
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + data


def read(path: PathLike) -> Model:
    """Read and check a model file.

    Parameters
    ----------
    path : path

    Returns
    -------
    Model
        With read-only arrays in the dtype in which they were saved.

    Raises
    ------
    ModelFileError
        If the file is missing, unreadable, truncated, altered, written by another program, or by
        a later release than this one can read.

    Examples
    --------
    >>> read("no-such-model.safetensors")
    Traceback (most recent call last):
    ...
    deltarule.exceptions.ModelFileError: no-such-model.safetensors: no such file. Check the path.
    """
    name = os.fspath(path)
    try:
        with open_regular(name) as file:
            return _read(file, name, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        _refuse(name, "no such file. Check the path.")
    except IsADirectoryError:
        _refuse(name, "a folder, not a file. Give the path of a model file.")
    except NotRegularError:
        _refuse(name, "not a regular file. Give the path of a model file.")
    except OSError as problem:
        _refuse(name, f"cannot be read ({problem.strerror or problem}). Check its permissions.")


def from_bytes(data: bytes, name: str) -> Model:
    """The model of a file that was read elsewhere; `name` is for messages.

    Raises
    ------
    ModelFileError
        As `read` does.
    """
    return _read(io.BytesIO(data), name, len(data))


def _read(file: BinaryIO, name: str, size: int) -> Model:
    """The steps in their order: header, format, record, sizes, data, checksum, numbers."""
    prefix, header = _header(file, name, size)
    head = _head(header, name)
    try:
        values = from_json(head["record"])
    except ModelFileError as problem:
        _refuse(name, f"the record cannot be read ({problem}). {ALTERED}")
    try:
        version = int(head["format_version"])
        record = Fields(values, "record", _RECORD if version < 3 else (*_RECORD, "others"))
        network = network_from_record(record.mapping("network"))
        others = () if version < 3 else others_from_record(record.value("others"), network)
        dtype = record.text("dtype", _DTYPES)
        expected = _expected_tensors("", network, dtype)
        for index, other in enumerate(others):
            expected |= _expected_tensors(_prefix(index), other, dtype)
        kind, sections, versions = record.text("kind"), _sections(record), _versions(record)
        state = None
        if record.optional("state"):
            if version == 1:
                wrong("state", "null in format version 1", record.value("state"))
            state = StateRecord(record.value("state"), network, dtype)
            kind_of = _DTYPES[state.dtype]
            expected |= {key: (kind_of, shape) for key, shape in state.shapes.items()}
    except ModelFileError as problem:
        _refuse(name, f"not a valid model: {problem}")
    except DeltaruleError as problem:
        _refuse(name, f"not a valid model: {problem} {ALTERED}")
    _check_tensors(header, expected, name)
    data = file.read()
    if len(prefix) + len(data) != size:
        _refuse(name, "changed while it was read. Read it again.")
    if _digest(head, data) != head["sha256"]:
        _refuse(name, f"the checksum does not fit the content. {ALTERED}")
    try:
        tensors = safetensors.load(prefix + data)
    except (SafetensorError, ValueError) as problem:
        _refuse(name, f"not a valid safetensors file ({problem}). {ALTERED}")
    for tensor_name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            _refuse(name, f"{tensor_name} holds NaN or inf. {ALTERED}")
    parameters = _parameters("", network, tensors)
    kept = None if state is None else state.kept(parameters, tensors)
    rest = tuple(_parameters(_prefix(i), other, tensors) for i, other in enumerate(others))
    return Model(parameters, kind, sections, versions, kept, rest)


def _parameters(prefix: str, network: Network, tensors: Mapping[str, Array]) -> Parameters:
    """A network with its numbers, which were held to its sizes."""
    return Parameters(
        network,
        tensors[f"{prefix}parameters"],
        tensors.get(f"{prefix}buffers"),  # type: ignore[arg-type]
    )


def _header(file: BinaryIO, name: str, size: int) -> tuple[bytes, dict[str, Any]]:
    """The first bytes as they stand, and the header parsed."""
    length = file.read(8)
    if size == 0:
        _refuse(name, "empty. Save the model again.")
    count = int.from_bytes(length, "little")
    if len(length) < 8 or not 2 <= count <= MAX_HEADER_BYTES:
        _refuse(name, "not a safetensors file. deltarule reads what dr.save wrote.")
    text = file.read(min(count, size))
    if not text.startswith(b"{"):
        _refuse(name, "not a safetensors file. deltarule reads what dr.save wrote.")
    if len(text) < count:
        _refuse(name, f"truncated: {size} bytes, at least {8 + count} expected. Copy it again.")
    try:
        header = from_json(text.decode("utf-8"))
    except (ModelFileError, UnicodeDecodeError) as problem:
        _refuse(name, f"the header cannot be read ({problem}). {ALTERED}")
    if not isinstance(header, dict):
        _refuse(name, "not a safetensors file. deltarule reads what dr.save wrote.")
    ends = [
        entry["data_offsets"][1]
        for key, entry in header.items()
        if key != "__metadata__" and _is_entry(entry)
    ]
    expected = 8 + count + max(ends, default=0)
    if size < expected:
        _refuse(name, f"truncated: {size} bytes, {expected} expected. Copy it again.")
    return length + text, header


def _is_entry(entry: Any) -> bool:
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    return isinstance(offsets, list) and len(offsets) == 2 and all(type(o) is int for o in offsets)


def _head(header: dict[str, Any], name: str) -> dict[str, str]:
    """The metadata, once it is clear that the file is ours and not too new."""
    head = header.get("__metadata__")
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        _refuse(
            name,
            "a safetensors file of another program, not a deltarule model. deltarule reads what "
            "dr.save wrote.",
        )
    version = head.get("format_version")
    if not isinstance(version, str) or not version.isdecimal() or len(version) > 9:
        _refuse(name, f"format_version must be a whole number (got {version!r}). {ALTERED}")
    if int(version) > FORMAT_VERSION:
        _refuse(
            name,
            f"written in format version {version}; this release reads up to {FORMAT_VERSION}. "
            "Update deltarule.",
        )
    if int(version) < 1:
        _refuse(name, f"format_version must be at least 1 (got {version}). {ALTERED}")
    if set(head) != {"format", "format_version", "record", "sha256"} or not all(
        isinstance(value, str) for value in head.values()
    ):
        _refuse(name, f"the metadata have other fields than a model's. {ALTERED}")
    return head


def _expected_tensors(
    prefix: str, network: Network, dtype: str
) -> dict[str, tuple[str, list[int]]]:
    """What tensors the network must have, in the words of a safetensors header."""
    sizes = {"parameters": network.size, "buffers": network.buffer_size}
    if not sizes["buffers"]:
        del sizes["buffers"]
    return {f"{prefix}{name}": (_DTYPES[dtype], [size]) for name, size in sizes.items()}


def _check_tensors(
    header: dict[str, Any], expected: dict[str, tuple[str, list[int]]], name: str
) -> None:
    entries = {key: value for key, value in header.items() if key != "__metadata__"}
    if set(entries) != set(expected):
        _refuse(
            name,
            f"the tensors must be {', '.join(sorted(expected))} "
            f"(got {', '.join(sorted(entries)) or 'none'}). {ALTERED}",
        )
    for key, (dtype, shape) in expected.items():
        entry = entries[key]
        found = (entry.get("dtype"), entry.get("shape")) if _is_entry(entry) else None
        if found != (dtype, shape):
            got = "an unreadable entry" if found is None else f"{found[0]} {found[1]}"
            _refuse(name, f"{key} must be {dtype} {shape} (got {got}). {ALTERED}")


def _sections(record: Fields) -> dict[str, Any]:
    sections = record.mapping("sections")
    for section in sections:
        if section not in SECTIONS:
            wrong("sections", f"among {', '.join(SECTIONS)}", section)
    return dict(sections)


def _versions(record: Fields) -> dict[str, str]:
    versions = record.mapping("versions")
    for library, version in versions.items():
        if not isinstance(version, str):
            wrong(f"versions.{library}", "a text", version)
    return dict(versions)


def _digest(head: Mapping[str, str], data: bytes) -> str:
    digest = hashlib.sha256()
    for key in ("format", "format_version", "record"):
        digest.update(head[key].encode("utf-8") + b"\n")
    digest.update(data)
    return digest.hexdigest()


def _refuse(name: str, why: str) -> NoReturn:
    # The cause is in the sentence; a chain of foreign exceptions below it helps nobody.
    raise ModelFileError(f"{name}: {why}") from None


def library_versions() -> dict[str, str]:
    """Releases of what computes: for the reader of a file, not for its checks."""
    from deltarule import __version__

    return {
        "deltarule": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "safetensors": metadata.version("safetensors"),
    }
