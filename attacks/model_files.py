"""Hostile model files, each with the verdict that the reader must give.

``python attacks/model_files.py FOLDER`` writes them all; ``tests/test_persistence.py`` makes every
one and holds ``deltarule.load`` to the verdict: a `ModelFileError` whose sentence holds the words
on the right, before anything large is allocated and without any code of the file being run.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import deltarule as dr
from deltarule.estimators.files import model_of
from deltarule.persistence import to_bytes

X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "no"]


@cache
def honest() -> bytes:
    """A small file that is right in every byte."""
    network = dr.MLPClassifier((3,), "tanh", solver="lbfgs", random_state=1)
    return to_bytes(model_of(network.fit(X, Y)))


def parts(file: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    count = struct.unpack("<Q", file[:8])[0]
    return json.loads(file[8 : 8 + count]), file[8 + count :]


def assemble(header: Any, data: bytes) -> bytes:
    """A safetensors file from its parts; a header given as text stays as it is."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def sealed(header: dict[str, Any], data: bytes) -> bytes:
    """A file whose checksum is right: what an attacker who knows the format would send."""
    head = header["__metadata__"]
    digest = hashlib.sha256()
    for key in ("format", "format_version", "record"):
        digest.update(head[key].encode() + b"\n")
    digest.update(data)
    return assemble({**header, "__metadata__": {**head, "sha256": digest.hexdigest()}}, data)


def with_record(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The honest file with a changed record and a checksum that fits."""
    header, data = parts(honest())
    record = json.loads(header["__metadata__"]["record"])
    change(record)
    header["__metadata__"]["record"] = json.dumps(record)
    return sealed(header, data)


def with_record_text(text: str) -> bytes:
    """The honest file with another record text and a checksum that fits."""
    header, data = parts(honest())
    header["__metadata__"]["record"] = text
    return sealed(header, data)


def with_header(change: Callable[[dict[str, Any]], None], *, seal: bool = True) -> bytes:
    """The honest file with a changed header."""
    header, data = parts(honest())
    change(header)
    return sealed(header, data) if seal else assemble(header, data)


def with_data(data: bytes) -> bytes:
    """The honest header over other numbers, with a checksum that fits."""
    header, _ = parts(honest())
    return sealed(header, data)


def flipped(position: int) -> bytes:
    """The honest file with one bit changed."""
    file = bytearray(honest())
    file[position] ^= 1
    return bytes(file)


class _Bomb:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('code of a model file was run')",)


def _zip_of_pickle() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(_Bomb()))
    return file.getvalue()


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change that puts a value at a dotted path."""

    def change(record: dict[str, Any]) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place: Any = record
        for step in way:
            place = place[step]
        place[last] = value

    return change


def _widths(inputs: int, units: int) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        layers = record["network"]["layers"]
        layers[0]["inputs"], layers[0]["units"], layers[1]["inputs"] = inputs, units, units

    return change


_DENSE = {
    "name": "dense",
    "inputs": 1,
    "units": 1,
    "function": {"name": "identity"},
    "bias": False,
}

#: name → (how to make it, words of the verdict)
ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    # Not a file of ours at all.
    "empty": (lambda: b"", "empty. Save the model again."),
    "seven bytes": (lambda: honest()[:7], "not a safetensors file."),
    "text": (lambda: b"this is not a model, it is a letter", "not a safetensors file."),
    "pickle that runs code": (lambda: pickle.dumps(_Bomb()), "not a safetensors file."),
    "zip of a pickle": (_zip_of_pickle, "not a safetensors file."),
    "header of 2^63 bytes": (
        lambda: struct.pack("<Q", 2**63) + honest()[8:],
        "not a safetensors file.",
    ),
    "header longer than the file": (
        lambda: struct.pack("<Q", 10**6) + honest()[8:],
        "truncated",
    ),
    "another program's safetensors": (
        lambda: assemble({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4),
        "a safetensors file of another program, not a deltarule model.",
    ),
    # Damaged on the way.
    "truncated in the header": (lambda: honest()[:100], "truncated"),
    "truncated in the numbers": (lambda: honest()[:-3], "truncated"),
    "bytes behind the end": (
        lambda: honest() + b"\0" * 8,
        "the checksum does not fit the content.",
    ),
    "one bit of a weight": (lambda: flipped(-5), "the checksum does not fit the content."),
    "one digit of the record": (
        lambda: honest().replace(b'learning_rate_init\\":0.001', b'learning_rate_init\\":0.002'),
        "the checksum does not fit the content.",
    ),
    "checksum left out": (
        lambda: with_header(lambda h: h["__metadata__"].pop("sha256"), seal=False),
        "the metadata have other fields than a model's.",
    ),
    # JSON that is not what it seems.
    "header is a list": (lambda: assemble(b"{" + b" " * 30, b""), "the header cannot be read"),
    "header with a field twice": (
        lambda: assemble(b'{"__metadata__":{},"__metadata__":{"format":"deltarule-model"}}', b""),
        "stands twice",
    ),
    "record nested 100 000 deep": (
        lambda: with_record_text("[" * 100_000 + "]" * 100_000),
        "the JSON text is nested too deep",
    ),
    "record with NaN": (lambda: with_record_text('{"kind": NaN}'), "NaN is no JSON number"),
    "record with 1e999": (lambda: with_record_text('{"kind": 1e999}'), "too large"),
    "record with a number of 10 000 digits": (
        lambda: with_record_text('{"kind": ' + "9" * 10_000 + "}"),
        "no JSON",
    ),
    "record with a lone surrogate": (
        lambda: with_record_text('{"kind": "\\ud800"}'),
        "lone surrogate",
    ),
    "record with a field more": (
        lambda: with_record(_set("extra", 1)),
        "record must be a record with the fields",
    ),
    "record with a field fewer": (
        lambda: with_record(lambda r: r.pop("dtype")),
        "record must be a record with the fields",
    ),
    # From the future.
    "format version 2": (
        lambda: with_header(_set("__metadata__.format_version", "2")),
        "written in format version 2; this release reads up to 1. Update deltarule.",
    ),
    "format version -1": (
        lambda: with_header(_set("__metadata__.format_version", "-1")),
        "format_version must be a whole number",
    ),
    # Sizes that ask for memory that no file holds.
    "10^11 weights": (lambda: with_record(_widths(2, 10**11 // 4)), "parameters must be F64"),
    "sizes that overflow 64 bits": (
        lambda: with_record(_widths(2**32, 2**32)),
        "network must be at most",
    ),
    "a head of 2^40 columns": (
        lambda: with_record(_set("network.heads.0.columns", [0, 2**40])),
        "network.heads[0].columns must be two whole numbers",
    ),
    "heads that overlap 2^30 times": (
        lambda: with_record(_set("network.heads.0.columns", [0, 2**30])),
        "network.heads must be to cover 1 output columns",
    ),
    "tensor of another shape": (
        lambda: with_header(_set("parameters.shape", [1])),
        "parameters must be F64 [13] (got F64 [1]).",
    ),
    "tensor of another dtype": (
        lambda: with_header(_set("parameters.dtype", "I64")),
        "parameters must be F64 [13] (got I64 [13]).",
    ),
    "offsets beyond the data": (
        lambda: with_header(_set("parameters.data_offsets", [0, 10**15])),
        "truncated",
    ),
    "offsets that run backwards": (
        lambda: with_header(_set("parameters.data_offsets", [104, 0])),
        "not a valid safetensors file",
    ),
    "a tensor more": (
        lambda: with_header(
            _set("other", {"dtype": "F64", "shape": [0], "data_offsets": [104, 104]})
        ),
        "the tensors must be parameters (got other, parameters).",
    ),
    "weights of NaN": (lambda: with_data(b"\xff" * 104), "parameters holds NaN or inf."),
    # Names and settings.
    "a kind that is a module": (
        lambda: with_record(_set("kind", "os.system")),
        "kind must be one of Parameters, MLPClassifier",
    ),
    "an unknown layer": (
        lambda: with_record(_set("network.layers.0.name", "__import__")),
        "name must be one of",
    ),
    "a layer of a wrong type": (
        lambda: with_record(_set("network.layers.0.bias", "yes")),
        "network.layers[0].bias must be of type bool",
    ),
    "a layer of negative width": (
        lambda: with_record(_widths(2, -3)),
        "must be a positive integer (got -3)",
    ),
    "an unknown activation": (
        lambda: with_record(_set("network.layers.0.function", {"name": "eval"})),
        "name must be one of",
    ),
    "an activation that is a number": (
        lambda: with_record(_set("network.layers.0.function", 7)),
        "network.layers[0]",
    ),
    "no layer": (lambda: with_record(_set("network.layers", [])), "network.heads must be to cover"),
    "layers that do not fit": (
        lambda: with_record(lambda r: r["network"]["layers"].insert(1, dict(_DENSE))),
        "layers[1].inputs must be 3",
    ),
    "an unknown setting": (
        lambda: with_record(_set("sections.estimator.settings.command", "rm")),
        "estimator.settings must be among",
    ),
    "a setting out of range": (
        lambda: with_record(_set("sections.estimator.settings.alpha", -1)),
        "estimator.settings: The 'alpha' parameter",
    ),
    "a million threads": (
        lambda: with_record(_set("sections.estimator.settings.n_threads", 10**6)),
        "estimator.settings.n_threads must be at most 1024 (got 1000000).",
    ),
    "a truth value of threads": (
        lambda: with_record(_set("sections.estimator.settings.n_threads", True)),
        "estimator.settings: ",
    ),
    "an option that is a function": (
        lambda: with_record(_set("sections.estimator.settings.activation", {"call": "eval"})),
        "settings.activation must be a plain value, a tuple, pairs or an option",
    ),
    "a dict that says a key twice": (
        lambda: with_record(
            _set("sections.estimator.settings.activation", {"pairs": [[1, "relu"], [1, "tanh"]]})
        ),
        "settings.activation must be pairs of a key, each a different one, and a value",
    ),
    "hidden layers that are not those of the network": (
        lambda: with_record(
            _set("sections.estimator.settings.hidden_layer_sizes", {"tuple": [2**20, 2**20]})
        ),
        "estimator.settings.hidden_layer_sizes must be (3,), as in the network",
    ),
    "an activation that is not the network's": (
        lambda: with_record(_set("sections.estimator.settings.activation", "relu")),
        "estimator.settings.activation must be ",
    ),
    "a loss that is not the network's": (
        lambda: with_record(_set("sections.estimator.settings.loss", "squared_error")),
        "estimator.settings.loss must be ",
    ),
    "no biases beside a network with some": (
        lambda: with_record(_set("sections.estimator.settings.fit_intercept", False)),
        "estimator.settings.fit_intercept must be ",
    ),
    "hidden layers of nonsense": (
        lambda: with_record(_set("sections.estimator.settings.hidden_layer_sizes", [0.5])),
        "estimator.settings: hidden_layer_sizes must be > 0",
    ),
    "classes that do not fit the outputs": (
        lambda: with_record(_set("sections.estimator.classes.values", ["a", "b", "c"])),
        "estimator.classes.values must be classes for 1 outputs",
    ),
    "classes that are equal": (
        lambda: with_record(_set("sections.estimator.classes.values", ["a", "a"])),
        "estimator.classes.values must be at least one class, all different",
    ),
    "classes of another type": (
        lambda: with_record(_set("sections.estimator.classes.dtype", "int64")),
        "estimator.classes.values must be of type int64",
    ),
    "fewer feature names than inputs": (
        lambda: with_record(_set("sections.estimator.features.names", ["a"])),
        "estimator.features.names must be 2 names",
    ),
    "a scale of zero": (
        lambda: with_record(
            _set("sections.estimator.standardizer.inputs", {"center": [0, 0], "scale": [1, 0]})
        ),
        "estimator.standardizer.inputs.scale must be above 0",
    ),
    "an unknown stop reason": (
        lambda: with_record(_set("sections.estimator.history.stop_reason", "BORED")),
        "estimator.history.stop_reason must be one of",
    ),
    "a section more": (
        lambda: with_record(_set("sections.plugin", {})),
        "sections must be among estimator, table",
    ),
}


def write_all(folder: Path) -> None:
    """Write every attack as a file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, _) in ATTACKS.items():
        (folder / f"{name.replace(' ', '-')}.safetensors").write_bytes(make())


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
