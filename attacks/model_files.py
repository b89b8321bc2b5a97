"""Hostile model files, each with the verdict that the reader must give.

``python attacks/model_files.py FOLDER`` writes them all; ``tests/test_persistence.py`` makes every
one and holds ``deltarule.load`` to the verdict: a `ModelFileError` whose sentence holds the words
on the right, before anything large is allocated and without any code of the file being run.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import deltarule as dr
from deltarule.estimators.files import model_of
from deltarule.persistence import to_bytes
from deltarule.plans import BegunEpoch

X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "no"]


@cache
def honest() -> bytes:
    """A small file that is right in every byte."""
    network = dr.MLPClassifier((3,), "tanh", solver="lbfgs", random_state=1)
    return to_bytes(model_of(network.fit(X, Y)))


@cache
def going() -> bytes:
    """A file with all that a state can hold: best, last, moments, and an epoch that was begun."""
    network = dr.MLPClassifier((3,), "tanh", early_stopping=dr.EarlyStopping(0.5), random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = model_of(network.set_params(batch_size=1, max_iter=8).fit(X, Y))
    state = model.state.state
    start = state.parameters.vector, state.moments, state.parameters.buffers
    state = replace(state, begun=BegunEpoch(1, 0.5, 2, 1, start))
    return to_bytes(replace(model, state=replace(model.state, state=state)))


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


def with_record(
    change: Callable[[dict[str, Any]], None], honest: Callable[[], bytes] = honest
) -> bytes:
    """An honest file with a changed record and a checksum that fits."""
    header, data = parts(honest())
    record = json.loads(header["__metadata__"]["record"])
    change(record)
    header["__metadata__"]["record"] = json.dumps(record)
    return sealed(header, data)


def with_state(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file that goes on with a changed state and a checksum that fits."""
    header, data = parts(going())
    record = json.loads(header["__metadata__"]["record"])
    change(record["state"])
    header["__metadata__"]["record"] = json.dumps(record)
    return sealed(header, data)


def with_state_numbers(name: str) -> bytes:
    """The file that goes on with NaN in one of its tensors."""
    header, data = parts(going())
    start, end = header[name]["data_offsets"]
    return sealed(header, data[:start] + b"\xff" * (end - start) + data[end:])


def with_record_text(text: str) -> bytes:
    """The honest file with another record text and a checksum that fits."""
    header, data = parts(honest())
    header["__metadata__"]["record"] = text
    return sealed(header, data)


def with_header(
    change: Callable[[dict[str, Any]], None], *, seal: bool = True, file: bytes | None = None
) -> bytes:
    """The honest file, or another, with a changed header."""
    header, data = parts(honest() if file is None else file)
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


def setting(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
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


def _dropout_alone(units: int) -> Callable[[dict[str, Any]], None]:
    """A network of one layer without numbers."""

    def change(record: dict[str, Any]) -> None:
        layer = {"name": "dropout", "inputs": units, "units": units, "rate": 0.5}
        record["network"]["layers"] = [layer]
        record["network"]["heads"][0].update(columns=[0, units], loss={"name": "squared_error"})

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
        lambda: with_record(setting("extra", 1)),
        "record must be a record with the fields",
    ),
    "record with a field fewer": (
        lambda: with_record(lambda r: r.pop("dtype")),
        "record must be a record with the fields",
    ),
    # From the future.
    "format version 4": (
        lambda: with_header(setting("__metadata__.format_version", "4")),
        "written in format version 4; this release reads up to 3. Update deltarule.",
    ),
    "format version -1": (
        lambda: with_header(setting("__metadata__.format_version", "-1")),
        "format_version must be a whole number",
    ),
    # Sizes that ask for memory that no file holds.
    "10^11 weights": (lambda: with_record(_widths(2, 10**11 // 4)), "parameters must be F64"),
    "a width that no number stands behind": (
        lambda: with_record(_dropout_alone(2**31 - 1)),
        "parameters must be F64 [0] (got F64 [13]).",
    ),
    "sizes that overflow 64 bits": (
        lambda: with_record(_widths(2**32, 2**32)),
        "network must be at most",
    ),
    "a head of 2^40 columns": (
        lambda: with_record(setting("network.heads.0.columns", [0, 2**40])),
        "network.heads[0].columns must be two whole numbers",
    ),
    "heads that overlap 2^30 times": (
        lambda: with_record(setting("network.heads.0.columns", [0, 2**30])),
        "network.heads must be to cover 1 output columns",
    ),
    "tensor of another shape": (
        lambda: with_header(setting("parameters.shape", [1])),
        "parameters must be F64 [13] (got F64 [1]).",
    ),
    "tensor of another dtype": (
        lambda: with_header(setting("parameters.dtype", "I64")),
        "parameters must be F64 [13] (got I64 [13]).",
    ),
    "offsets beyond the data": (
        lambda: with_header(setting("parameters.data_offsets", [0, 10**15])),
        "truncated",
    ),
    "offsets that run backwards": (
        lambda: with_header(setting("parameters.data_offsets", [104, 0])),
        "not a valid safetensors file",
    ),
    "a tensor more": (
        lambda: with_header(
            setting("other", {"dtype": "F64", "shape": [0], "data_offsets": [104, 104]})
        ),
        "the tensors must be parameters (got other, parameters).",
    ),
    "weights of NaN": (lambda: with_data(b"\xff" * 104), "parameters holds NaN or inf."),
    # Names and settings.
    "a kind that is a module": (
        lambda: with_record(setting("kind", "os.system")),
        "kind must be one of Parameters, MLPClassifier",
    ),
    "an unknown layer": (
        lambda: with_record(setting("network.layers.0.name", "__import__")),
        "name must be one of",
    ),
    "a layer of a wrong type": (
        lambda: with_record(setting("network.layers.0.bias", "yes")),
        "network.layers[0].bias must be of type bool",
    ),
    "a layer of negative width": (
        lambda: with_record(_widths(2, -3)),
        "must be a positive integer (got -3)",
    ),
    "an unknown activation": (
        lambda: with_record(setting("network.layers.0.function", {"name": "eval"})),
        "name must be one of",
    ),
    "an activation that is a number": (
        lambda: with_record(setting("network.layers.0.function", 7)),
        "network.layers[0]",
    ),
    "no layer": (
        lambda: with_record(setting("network.layers", [])),
        "network.heads must be to cover",
    ),
    "layers that do not fit": (
        lambda: with_record(lambda r: r["network"]["layers"].insert(1, dict(_DENSE))),
        "layers[1].inputs must be 3",
    ),
    "an unknown setting": (
        lambda: with_record(setting("sections.estimator.settings.command", "rm")),
        "estimator.settings must be among",
    ),
    "a setting out of range": (
        lambda: with_record(setting("sections.estimator.settings.alpha", -1)),
        "estimator.settings: The 'alpha' parameter",
    ),
    "a million threads": (
        lambda: with_record(setting("sections.estimator.settings.n_threads", 10**6)),
        "estimator.settings.n_threads must be at most 1024 (got 1000000).",
    ),
    "a truth value of threads": (
        lambda: with_record(setting("sections.estimator.settings.n_threads", True)),
        "estimator.settings: ",
    ),
    "an option that is a function": (
        lambda: with_record(setting("sections.estimator.settings.activation", {"call": "eval"})),
        "settings.activation must be a plain value, a tuple, pairs or an option",
    ),
    "a dict that says a key twice": (
        lambda: with_record(
            setting("sections.estimator.settings.activation", {"pairs": [[1, "relu"], [1, "tanh"]]})
        ),
        "settings.activation must be pairs of a key, each a different one, and a value",
    ),
    "hidden layers that are not those of the network": (
        lambda: with_record(
            setting("sections.estimator.settings.hidden_layer_sizes", {"tuple": [2**20, 2**20]})
        ),
        "estimator.settings.hidden_layer_sizes must be (3,), as in the network",
    ),
    "an activation that is not the network's": (
        lambda: with_record(setting("sections.estimator.settings.activation", "relu")),
        "estimator.settings.activation must be ",
    ),
    "a loss that is not the network's": (
        lambda: with_record(setting("sections.estimator.settings.loss", "squared_error")),
        "estimator.settings.loss must be ",
    ),
    "no biases beside a network with some": (
        lambda: with_record(setting("sections.estimator.settings.fit_intercept", False)),
        "estimator.settings.fit_intercept must be ",
    ),
    "hidden layers of nonsense": (
        lambda: with_record(setting("sections.estimator.settings.hidden_layer_sizes", [0.5])),
        "estimator.settings: hidden_layer_sizes must be > 0",
    ),
    "classes that do not fit the outputs": (
        lambda: with_record(setting("sections.estimator.classes.values", ["a", "b", "c"])),
        "estimator.classes.values must be classes for 1 outputs",
    ),
    "classes that are equal": (
        lambda: with_record(setting("sections.estimator.classes.values", ["a", "a"])),
        "estimator.classes.values must be at least one class, all different",
    ),
    "classes of another type": (
        lambda: with_record(setting("sections.estimator.classes.dtype", "int64")),
        "estimator.classes.values must be of type int64",
    ),
    "fewer feature names than inputs": (
        lambda: with_record(setting("sections.estimator.features.names", ["a"])),
        "estimator.features.names must be 2 names",
    ),
    "a scale of zero": (
        lambda: with_record(
            setting("sections.estimator.standardizer.inputs", {"center": [0, 0], "scale": [1, 0]})
        ),
        "estimator.standardizer.inputs.scale must be above 0",
    ),
    "an unknown stop reason": (
        lambda: with_record(setting("sections.estimator.history.stop_reason", "BORED")),
        "estimator.history.stop_reason must be one of",
    ),
    "a section more": (
        lambda: with_record(setting("sections.plugin", {})),
        "sections must be among estimator, table",
    ),
    # What training goes on from.
    "a state in format version 1": (
        lambda: with_header(setting("__metadata__.format_version", "1")),
        "state must be null in format version 1",
    ),
    "a state beside bare parameters": (
        lambda: with_record(lambda r: r.update(kind="Parameters", sections={})),
        "state must be null for Parameters",
    ),
    "a state that is a list": (
        lambda: with_record(setting("state", [])),
        "state must be a record (got [])",
    ),
    "a state with a field more": (
        lambda: with_state(setting("call", "eval")),
        "state must be a record with the fields dtype, step, epoch",
    ),
    "a state with a field fewer": (
        lambda: with_state(lambda s: s.pop("key")),
        "state must be a record with the fields dtype, step, epoch",
    ),
    "a state of another dtype": (
        lambda: with_state(setting("dtype", "float16")),
        "state.dtype must be one of 'float32', 'float64'",
    ),
    "a state whose dtype is not that of its numbers": (
        lambda: with_state(setting("dtype", "float32")),
        "state.best must be one of 'own' (got 'parameters')",
    ),
    "moments of an unknown optimizer": (
        lambda: with_state(setting("optimizer", {"name": "os.system"})),
        "state.optimizer: optimizer record: name must be one of",
    ),
    "moments of an optimizer that is a text": (
        lambda: with_state(setting("optimizer", "adam")),
        "state.optimizer must be a record of one optimizer",
    ),
    "moments of an optimizer out of range": (
        lambda: with_state(setting("optimizer.beta_1", 2.0)),
        "beta_1 must be a number in [0, 1) (got 2.0)",
    ),
    "a billion moments": (
        lambda: with_state(setting("moments", 10**9)),
        "state.moments must be a whole number from 0 to 2 (got 1000000000).",
    ),
    "one moment of two": (
        lambda: with_state(setting("moments", 1)),
        "state.moments must be 0 or 2 (got 1).",
    ),
    "moments that the record does not tell of": (
        lambda: with_state(setting("moments", 0)),
        "the tensors must be last_parameters, parameters, start_parameters (got last_parameters, m",
    ),
    "moments of another shape": (
        lambda: with_header(setting("moments.shape", [13, 2]), file=going()),
        "moments must be F64 [2, 13] (got F64 [13, 2]).",
    ),
    "moments of NaN": (lambda: with_state_numbers("moments"), "moments holds NaN or inf."),
    "last weights of NaN": (
        lambda: with_state_numbers("last_parameters"),
        "last_parameters holds NaN or inf.",
    ),
    "weights at the begin of an epoch of NaN": (
        lambda: with_state_numbers("start_parameters"),
        "start_parameters holds NaN or inf.",
    ),
    "best weights that are not there": (
        lambda: with_state(setting("best", "own")),
        "the tensors must be best_parameters, last_parameters",
    ),
    "last weights that are a path": (
        lambda: with_state(setting("last", "/etc/passwd")),
        "state.last must be one of 'own', 'parameters'",
    ),
    "a negative step": (
        lambda: with_state(setting("step", -1)),
        "state.step must be a whole number from 0 to",
    ),
    "a step that is true": (
        lambda: with_state(setting("step", True)),
        "state.step must be a whole number from 0 to",
    ),
    "an epoch that overflows": (
        lambda: with_state(setting("epoch", 2**63)),
        "state.epoch must be a whole number from 0 to",
    ),
    "a count of epochs without improvement that is a number": (
        lambda: with_state(setting("stalled", 1.5)),
        "state.stalled must be a whole number from 0 to",
    ),
    "a step size of nothing": (
        lambda: with_state(setting("rate_factor", 0)),
        "state.rate_factor must be above 0 and at most 1 (got 0.0).",
    ),
    "a step size that grows": (
        lambda: with_state(setting("rate_factor", 1e9)),
        "state.rate_factor must be above 0 and at most 1 (got 1000000000.0).",
    ),
    "a best loss that is a text": (
        lambda: with_state(setting("best_loss", "-inf")),
        "state.best_loss must be a finite number",
    ),
    "a best score that is a list": (
        lambda: with_state(setting("best_score", [])),
        "state.best_score must be a finite number",
    ),
    "judges that are a number": (
        lambda: with_state(setting("judges", 5)),
        "state.judges must be a text (got 5).",
    ),
    "judges that are a path": (
        lambda: with_state(setting("judges", "/etc/passwd")),
        "state.judges must be 32 hexadecimal digits (got",
    ),
    "a horizon before the start": (
        lambda: with_state(setting("horizon", -5)),
        "state.horizon must be a whole number from 0 to",
    ),
    "a key of 65 bits": (
        lambda: with_state(setting("key", 2**64)),
        "state.key must be a whole number from 0 to",
    ),
    "a key of the order that is a text": (
        lambda: with_state(setting("order_key", "1")),
        "state.order_key must be a whole number from 0 to",
    ),
    "more steps than the epoch has": (
        lambda: with_state(setting("begun.steps", 3)),
        "state.begun.steps must be a whole number from 1 to 2 (got 3).",
    ),
    "an epoch of no rows": (
        lambda: with_state(setting("begun.rows", 0)),
        "state.begun.rows must be a whole number from 1 to",
    ),
    "batches of no rows": (
        lambda: with_state(setting("begun.batch_size", 0)),
        "state.begun.batch_size must be a whole number from 1 to",
    ),
    "an epoch that carries a text": (
        lambda: with_state(setting("begun.carried", "0")),
        "state.begun.carried must be a finite number",
    ),
    "an epoch whose begin is a number": (
        lambda: with_state(setting("begun.start", 1)),
        "state.begun.start must be true or false",
    ),
    "an epoch with a field more": (
        lambda: with_state(setting("begun.path", "x")),
        "state.begun must be a record with the fields steps",
    ),
    "a history of texts": (
        lambda: with_state(setting("history.seconds", ["soon"])),
        "state.history.seconds must be a list of finite numbers and nulls (got 'soon').",
    ),
    "a history that is none": (
        lambda: with_state(setting("history", None)),
        "state.history must be a record",
    ),
}


def write_all(folder: Path, attacks: dict[str, tuple[Callable[[], bytes], str]]) -> None:
    """Write every attack as a file of its name, as far as a name of a file can be so long."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, _) in attacks.items():
        plain = re.sub(r"[^A-Za-z0-9.^-]+", "-", name)[:120]
        (folder / f"{plain}.safetensors").write_bytes(make())


if __name__ == "__main__":
    write_all(Path(sys.argv[1]), ATTACKS)
