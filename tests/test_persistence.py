"""Model files: what goes in comes out bit for bit, and what is hostile is refused."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
import sys
import tracemalloc
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from deltarule import activations, initializers, losses, optimizers, penalties, schedules
from deltarule.activations import Activation
from deltarule.definitions import choose, positive_integer, settle
from deltarule.estimators.files import load
from deltarule.exceptions import InvalidParameterError, ModelFileError, OutputPathError
from deltarule.layers import LAYERS, BatchNormalization, Block, Dense, Layer
from deltarule.network import Head, Network, Parameters, initialize
from deltarule.persistence import (
    FORMAT_VERSION,
    Fields,
    Model,
    check_writable,
    decode,
    encode,
    from_bytes,
    from_json,
    network_from_record,
    network_record,
    read,
    replace_file,
    to_bytes,
    to_json,
    write,
)
from deltarule.stopping import EarlyStopping


def program(name):
    """A program of the folder attacks/, which is no package."""
    path = Path(__file__).parents[1] / "attacks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


attacks = program("model_files")
head_attacks = program("head_files")
tabular_attacks = program("tabular_files")
fuzz = program("fuzz")
EVERY = (attacks.ATTACKS, head_attacks.ATTACKS, tabular_attacks.ATTACKS)
ATTACKS = {name: attack for some in EVERY for name, attack in some.items()}


NETWORKS = {
    "notes": Network(units=(3, 5, 2), activations="logistic", bias=False),
    "deep": Network(units=(4, 3, 3, 2), activations=("relu", "tanh", "softmax"), loss="log_loss"),
    "linear": Network(units=(2, 1), activations="sign", loss="perceptron"),
    "settings": Network(
        units=(2, 3, 1),
        activations=(activations.LeakyReLU(0.2), "identity"),
        loss=losses.Huber(2.5),
        bias=(True, False),
    ),
    "heads": Network(
        layers=(Dense(2, 3),),
        heads=(Head((0, 1), losses.SquaredError()), Head((1, 3), losses.Quantile(0.9), 0.5)),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_come_back_bit_for_bit(tmp_path, name, dtype):
    parameters = initialize(NETWORKS[name], seed=7, dtype=dtype)
    write(Model(parameters), tmp_path / "model.safetensors")
    again = read(tmp_path / "model.safetensors").parameters
    assert again.network == parameters.network
    assert again.dtype == dtype
    assert np.array_equal(again.vector, parameters.vector)
    assert not again.vector.flags.writeable


def test_a_network_record_is_plain_json():
    record = json.loads(to_json(network_record(NETWORKS["heads"])))
    assert network_from_record(record) == NETWORKS["heads"]
    assert record["heads"][1] == {
        "columns": [1, 3],
        "loss": {"name": "quantile", "quantile": 0.9},
        "weight": 0.5,
    }


def test_the_same_model_gives_the_same_bytes():
    parameters = initialize(NETWORKS["deep"], seed=1)
    assert to_bytes(Model(parameters)) == to_bytes(Model(parameters))


def test_the_file_is_plain_safetensors(tmp_path):
    from safetensors import safe_open

    parameters = initialize(NETWORKS["notes"], seed=1)
    write(Model(parameters), tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", framework="np") as file:
        assert list(file.keys()) == ["parameters"]
        assert np.array_equal(file.get_tensor("parameters"), parameters.vector)
        head = file.metadata()
    assert head["format"] == "deltarule-model"
    assert head["format_version"] == "1" != str(FORMAT_VERSION)  # older releases read it
    assert json.loads(head["record"])["state"] is None


# Several networks.

NORMALISED = Network(layers=(Dense(3, 4), BatchNormalization(4, 4), Dense(4, 2)))


def ensemble(*networks):
    first, *others = [
        initialize(network, seed=seed, dtype=np.float32) for seed, network in enumerate(networks)
    ]
    return Model(first, others=tuple(others))


def record_of(data):
    header, _ = attacks.parts(data)
    return json.loads(header["__metadata__"]["record"])


def test_several_networks_come_back_bit_for_bit(tmp_path):
    line = Network(units=(3, 2), activations="identity")
    model = ensemble(*[NORMALISED] * 12, line, NETWORKS["notes"], line)
    moved = model.others[0].replace(buffers=np.arange(8, dtype=np.float32))
    model = replace(model, others=(moved, *model.others[1:]))
    write(model, tmp_path / "model.safetensors")
    again = read(tmp_path / "model.safetensors")
    assert [one.network for one in again.others] == [one.network for one in model.others]
    pairs = zip((again.parameters, *again.others), (model.parameters, *model.others), strict=True)
    for one, other in pairs:
        assert np.array_equal(one.vector, other.vector)
        assert np.array_equal(one.buffers, other.buffers)
        assert one.dtype == np.float32
        assert not one.vector.flags.writeable
    assert again.others[10].network is again.parameters.network
    assert to_bytes(again) == to_bytes(model)


def test_an_architecture_that_repeats_is_told_once():
    line = Network(units=(3, 2), activations="identity")
    record = record_of(to_bytes(ensemble(NORMALISED, NORMALISED, line, line, NORMALISED)))
    once, again = network_record(line), network_record(NORMALISED)
    assert record["others"] == [None, once, None, again]


def test_a_file_is_written_in_the_lowest_version_that_can_hold_it():
    versions = []
    for model in (Model(initialize(NORMALISED)), ensemble(NORMALISED, NORMALISED)):
        header, _ = attacks.parts(to_bytes(model))
        versions.append(header["__metadata__"]["format_version"])
        assert ("others" in record_of(to_bytes(model))) == bool(model.others)
    header, _ = attacks.parts(attacks.going())
    assert [*versions, header["__metadata__"]["format_version"]] == ["1", "3", "2"]
    assert FORMAT_VERSION == 3


def test_other_networks_that_cannot_be_saved():
    model = ensemble(NORMALISED, NORMALISED)
    double = model.others[0].astype(np.float64)
    broken = model.others[0].replace(buffers=np.full(8, np.inf, np.float32))
    cases = {
        "others[1] must be float32, as the parameters are, to be saved (got float64). Convert it "
        "with astype.": (model.others[0], double),
        "others.1.buffers must be finite to be saved (got NaN or inf). Train again with a smaller "
        "learning_rate_init.": (model.others[0], broken),
        "others must be at most 1000 networks to be saved (got 1001). Save some of them in "
        "another file.": model.others * 1001,
    }
    for sentence, others in cases.items():
        with pytest.raises(InvalidParameterError) as caught:
            to_bytes(replace(model, others=others))
        assert str(caught.value) == sentence


def test_a_file_of_a_later_release_is_refused_in_words(tmp_path):
    path = tmp_path / "later.safetensors"
    path.write_bytes(attacks.ATTACKS["format version 4"][0]())
    with pytest.raises(ModelFileError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: written in format version 4; this release reads up to 3. Update deltarule."
    )


def test_any_kind_of_layer_that_is_entered_can_stand_in_a_file():
    """Fields of every type: numbers, words, options, lists, and one by name alone."""

    @dataclass(frozen=True)
    class Waves(Layer):
        name = "test_waves"
        columns: tuple[int, ...]
        deviation: float
        word_for_it: str
        function: Activation
        trained: bool = True
        periods: int = field(default=2, kw_only=True)

        def __post_init__(self):
            super().__post_init__()
            columns = tuple(positive_integer(column, "columns") for column in self.columns)
            function = choose(self.function, activations.ACTIVATIONS, "function")
            settle(self, columns=columns, function=function)

        def blocks(self):
            return (Block("period", (self.periods, 3), "period", 3, self.units, rate_factor=0.1),)

    try:
        for more in ({}, {"periods": 5}):
            wave = Waves(3, 6, (1, 2), 0.5, "cosine", "tanh", **more)
            network = Network(layers=(wave, Dense(6, 2)))
            model = ensemble(network, NORMALISED, network, network)
            again = from_bytes(to_bytes(model), "model")
            assert again.parameters.network == network == again.others[2].network
            assert again.others[1].network.layers[0] == wave
            assert np.array_equal(again.others[1].vector, model.others[1].vector)
        record = network_record(network)
        assert json.loads(to_json(record))["layers"][0]["columns"] == [1, 2]
        for name, value in (("columns", [1, "2"]), ("deviation", None), ("trained", 1)):
            changed = {**record["layers"][0], name: value}
            with pytest.raises(ModelFileError, match=rf"^network\.layers\[0\].*{name} must be"):
                network_from_record({**record, "layers": [changed, record["layers"][1]]})
    finally:
        del LAYERS.table["test_waves"]


@pytest.mark.parametrize(
    "network",
    [
        Network(units=(2, 1), activations=activations.Function(np.sin, np.cos, name="sine")),
        Network(units=(2, 1), loss=losses.Function(np.subtract, np.subtract, name="mine")),
    ],
)
def test_python_functions_are_not_saved(tmp_path, network):
    with pytest.raises(
        InvalidParameterError, match="must hold plain numbers and words to be saved"
    ):
        write(Model(initialize(network)), tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_finite_are_not_saved():
    parameters = initialize(NETWORKS["notes"])
    broken = parameters.replace(vector=np.full(parameters.vector.shape, np.nan))
    with pytest.raises(InvalidParameterError) as caught:
        to_bytes(Model(broken))
    assert str(caught.value) == (
        "parameters must be finite to be saved (got NaN or inf). Train again with a smaller "
        "learning_rate_init."
    )


def test_every_attack_has_a_name_of_its_own():
    assert len(ATTACKS) == sum(map(len, EVERY))


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(tmp_path, name):
    make, verdict = ATTACKS[name]
    path = tmp_path / "attack.safetensors"
    path.write_bytes(make())
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert verdict in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith(".")


def test_the_honest_file_of_the_attacks_loads(tmp_path):
    path = tmp_path / "honest.safetensors"
    path.write_bytes(attacks.honest())
    assert load(path).predict(attacks.X).tolist() == attacks.Y
    path.write_bytes(attacks.with_record(lambda record: None))
    assert load(path).predict(attacks.X).tolist() == attacks.Y


def test_the_honest_ensembles_of_the_attacks_load(tmp_path):
    path = tmp_path / "honest.safetensors"
    for file in (tabular_attacks.classes, tabular_attacks.numbers):
        for data in (file(), attacks.with_record(lambda record: None, file)):
            path.write_bytes(data)
            again = load(path)
            assert len(again.members_) == 2
            assert len(again.predict(tabular_attacks.TABLE)) == 20


GREEDY = (
    "10^11 weights",
    "sizes that overflow 64 bits",
    "a width that no number stands behind",
    "another network of 10^11 weights",
    "another network whose size overflows 64 bits",
    "a thousand members",
    "columns for other inputs",
)


@pytest.mark.parametrize("name", GREEDY)
def test_no_memory_is_taken_because_a_file_says_so(tmp_path, name):
    path = tmp_path / "attack.safetensors"
    path.write_bytes(ATTACKS[name][0]())
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_every_cut_and_every_flipped_byte_is_refused(tmp_path):
    honest = attacks.honest()
    path = tmp_path / "attack.safetensors"
    for length in range(0, len(honest), 97):
        path.write_bytes(honest[:length])
        with pytest.raises(ModelFileError):
            load(path)
    for position in range(0, len(honest), 53):
        changed = bytearray(honest)
        changed[position] ^= 0x20
        if bytes(changed) == honest:
            continue
        path.write_bytes(bytes(changed))
        with pytest.raises(ModelFileError):
            load(path)


def test_records_changed_at_random_places():
    ends = fuzz.attack(400, seed=1)
    assert ends["refused"] > 300
    assert ends["predicted"] > 5


def test_what_is_no_file(tmp_path):
    with pytest.raises(ModelFileError) as caught:
        read(tmp_path / "none.safetensors")
    assert str(caught.value) == f"{tmp_path}/none.safetensors: no such file. Check the path."
    with pytest.raises(ModelFileError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path}: a folder, not a file. Give the path of a model file."
    with pytest.raises(ModelFileError, match=r"^/dev/null: not a regular file\."):
        read("/dev/null")


# Records.


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 0.1, "word", (100, 50), [1, "a"], float("inf"), ((), [])],
)
def test_plain_values_come_back(value):
    through_json = from_json(to_json(encode(value, "setting")))
    assert decode(through_json, "setting") == value
    assert type(decode(through_json, "setting")) is type(value)


FAMILIES = {
    "activations": activations.ACTIVATIONS,
    "losses": losses.LOSSES,
    "penalties": penalties.PENALTIES,
    "initializers": initializers.INITIALIZERS,
    "schedules": schedules.SCHEDULES,
    "optimizers": optimizers.OPTIMIZERS,
}
# Options that have no value by default.
MADE = {"l1": (0.1,), "l2": (0.1,), "l1l2": (0.1, 0.2), "step": (10, 0.5)}
OPTIONS = [
    (family, name) for family, found in FAMILIES.items() for name in found.table if name != "dense"
]


@pytest.mark.parametrize(("family", "name"), OPTIONS)
def test_every_option_comes_back(family, name):
    cls = FAMILIES[family].table[name]
    try:
        option = cls()
    except TypeError:
        option = cls(*MADE[name])
    through_json = from_json(to_json(encode(option, "setting")))
    assert decode(through_json, "setting") == option


def test_early_stopping_comes_back_and_its_function_does_not():
    rule = EarlyStopping(patience=3, scorer="accuracy")
    assert decode(from_json(to_json(encode(rule, "early_stopping"))), "x") == rule
    with pytest.raises(InvalidParameterError, match="Python function in scorer"):
        encode(EarlyStopping(scorer=lambda estimator, X, y: 0.0), "early_stopping")


@pytest.mark.parametrize("keys", [[0, 1], ["no", "yes"], [True, False], [0.5, None], []])
def test_a_dict_comes_back_with_the_kind_of_its_keys(keys):
    setting = {key: float(place) for place, key in enumerate(keys)}
    found = decode(from_json(to_json(encode([setting], "setting"))), "setting")
    assert found == [setting]
    assert [type(key) for key in found[0]] == [type(key) for key in keys]


def test_a_layer_kind_is_in_the_family():
    assert LAYERS.table["dense"] is Dense


@pytest.mark.parametrize("value", [object(), len, float("nan"), {("a",): 1}, 1j, b"bytes"])
def test_what_no_file_can_hold(value):
    with pytest.raises(InvalidParameterError, match=r"^setting must hold plain numbers"):
        encode(value, "setting")


FIELDS = Fields(
    {"text": "a", "flag": True, "integer": 3, "number": 0.5, "sequence": [1.0], "mapping": {}},
    "place",
    ("text", "flag", "integer", "number", "sequence", "mapping"),
)


@pytest.mark.parametrize("asked", ["text", "flag", "integer", "number", "sequence", "mapping"])
@pytest.mark.parametrize("stands", ["text", "flag", "integer", "number", "sequence", "mapping"])
def test_fields_have_exactly_one_type(asked, stands):
    method = getattr(FIELDS, asked)
    if asked == stands or (asked, stands) == ("number", "integer"):
        assert method(stands) == FIELDS.value(stands)
    else:
        with pytest.raises(ModelFileError, match=rf"^place\.{stands} must be "):
            method(stands)


def test_a_refused_field_says_all_four_things():
    with pytest.raises(ModelFileError) as caught:
        Fields({"scale": -1}, "columns[3]", ("scale",)).integer("scale")
    assert str(caught.value) == (
        "columns[3].scale must be a whole number from 0 to 9007199254740992 (got -1). The file "
        "was altered or written by another program; get a fresh copy."
    )


# Writing.


def test_an_output_that_cannot_be_written(tmp_path):
    cases = {
        tmp_path: f"{tmp_path} cannot be written: it is a folder. Add a file name, or choose "
        "another path.",
        tmp_path / "no" / "model": f"{tmp_path}/no/model cannot be written: the folder "
        f"{tmp_path}/no does not exist. Make it, or choose another path.",
        "/dev/null": "/dev/null cannot be written: it is no regular file. Choose another path.",
        "/proc/model": "/proc/model cannot be written: No such file or directory. Choose another "
        "path.",
    }
    for path, sentence in cases.items():
        for attempt in (check_writable, lambda path: replace_file(path, b"")):
            with pytest.raises(OutputPathError) as caught:
                attempt(path)
            assert str(caught.value) == sentence


def test_checking_leaves_nothing_and_touches_nothing(tmp_path):
    path = tmp_path / "model"
    check_writable(path)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"old")
    check_writable(path)
    assert path.read_bytes() == b"old"


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OutputPathError) as caught:
        replace_file(path, b"new")
    assert str(caught.value) == (
        f"{path} cannot be written: No space left on device. Free some space or choose another "
        "path."
    )
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_file_and_folder_are_synced_around_the_rename(tmp_path, monkeypatch):
    happened = []
    sync, rename = os.fsync, os.replace

    def record_sync(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        happened.append("sync folder" if folder else "sync file")
        sync(descriptor)

    def record_rename(source, target):
        happened.append("rename")
        assert Path(source).parent == Path(target).parent
        rename(source, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "replace", record_rename)
    replace_file(tmp_path / "model", b"new")
    assert happened == ["sync file", "rename", "sync folder"]
    assert (tmp_path / "model").read_bytes() == b"new"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_untrained_blocks_are_saved_too(tmp_path):
    class Counting(Dense):
        name = "test_counting"

        def buffers(self):
            from deltarule.layers import Block

            return (Block("mean", (self.units,), "mean", self.inputs, self.units, initial=0.5),)

    try:
        network = Network(layers=(Counting(2, 3),))
        start = initialize(network)
        parameters = Parameters(network, start.vector, np.array([1.0, 2.0, 3.0]))
        write(Model(parameters), tmp_path / "model.safetensors")
        again = read(tmp_path / "model.safetensors").parameters
        assert again.buffers.tolist() == [1.0, 2.0, 3.0]
        assert isinstance(again.network.layers[0], Counting)
    finally:
        del LAYERS.table["test_counting"]
