"""Hostile files of several networks, and of the tabular estimators that need them.

As ``model_files.py``: each with the words that the refusal must hold.
``python attacks/tabular_files.py FOLDER`` writes them all.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import model_files
import numpy as np
from model_files import parts, sealed, setting, with_header, with_record

import deltarule as dr
from deltarule.estimators.files import model_of
from deltarule.layers import BatchNormalization, Dense, NumericalEmbedding, Scaling
from deltarule.persistence import Model, to_bytes
from deltarule.tables import TableEnsemble, TargetPlan
from deltarule.tables.files import from_model

TABLE = {"age": [31, None, 52, 23] * 5, "city": ["Oslo", "Rome", None, "Oslo"] * 5}
WORDS, NUMBERS = ["no", "yes", "yes", "no"] * 5, [1.5, 2.5, 4.0, 1.0] * 5


def _small(estimator: Any, members: int) -> Model:
    """A fitted estimator with small networks in the place of its own."""
    own = estimator.members_[0].network
    last = replace(own.layers[-1], inputs=3)
    count = own.n_inputs
    embedding = NumericalEmbedding(
        count, count + 4, columns=(0,), frequencies=2, width=4, deviation=(0.25,)
    )
    scaling = Scaling(count + 4, count + 4, rate_factor=6.0)
    hidden = Dense(count + 4, 3), BatchNormalization(3, 3, "tanh")
    layers = (embedding, scaling, *hidden, last)
    network = dr.Network(layers=layers, heads=own.heads)
    estimator.members_ = [dr.initialize(network, m, dtype=np.float32) for m in range(members)]
    history = estimator.histories_[0]
    short = {name: getattr(history, name)[:2] for name in history.__dataclass_fields__}
    estimator.histories_ = [type(history)(**short) for _ in range(members)]
    estimator.recipe_ = replace(estimator.recipe_, members=members, epochs=2)
    return model_of(estimator)


@cache
def model(kind: str = "classes", members: int = 2) -> Model:
    """A small ensemble with a linear model: of two classes, or of numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "classes":
            fitted = dr.TabularClassifier("fast", random_state=0).fit(TABLE, WORDS)
        else:
            fitted = dr.TabularRegressor("fast", random_state=0).fit(TABLE, NUMBERS)
    return _small(fitted, members)


def classes() -> bytes:
    """An honest file of two networks and a linear model for classes."""
    return to_bytes(model())


def numbers() -> bytes:
    """The same for numbers."""
    return to_bytes(model("numbers"))


def _about(names: tuple[str, ...], task: str) -> TargetPlan:
    ones = (1.0,) * len(names) * (task == "regression")
    return TargetPlan(names, task, "", ones, ones, ones, ones)


def trained() -> bytes:
    """An honest file as ``deltarule train`` writes it: with the name of the target."""
    target = _about(("bought",), "classification")
    return to_bytes(TableEnsemble(target, from_model(model()), {"seed": 0}).to_model())


def of(change: Callable[[Model], Model], kind: str = "classes") -> bytes:
    """A file that is right but for what it holds."""
    return to_bytes(change(model(kind)))


def with_numbers(name: str) -> bytes:
    """The honest file with NaN in one of its tensors."""
    header, data = parts(classes())
    start, end = header[name]["data_offsets"]
    return sealed(header, data[:start] + b"\xff" * (end - start) + data[end:])


def with_version(version: str, file: Callable[[], bytes]) -> bytes:
    """A file in another format version than it is of."""
    return with_header(setting("__metadata__.format_version", version), file=file())


def _shared(header: dict[str, Any]) -> None:
    """Two members whose numbers are the same bytes of the file."""
    header["others.0.parameters"]["data_offsets"] = header["parameters"]["data_offsets"]


_TEXT = {"kind": "text", "categories": [], "width": 2**16, "marked": False}


def _long_names(record: dict[str, Any]) -> None:
    """A column whose long name would stand in each of its many inputs."""
    column = record["sections"]["tabular"]["columns"][1]
    record["sections"]["tabular"]["features"]["names"] = None
    column.update(_TEXT, name="a" * 10**6)


def _wide(inputs: int) -> Callable[[dict[str, Any]], None]:
    """A linear model of many inputs."""
    return setting("others.1.layers.0.inputs", inputs)


def _as_double(given: Model) -> Model:
    return replace(
        given,
        parameters=given.parameters.astype(np.float64),
        others=tuple(other.astype(np.float64) for other in given.others),
    )


def _other_last(given: Model, **changes: Any) -> Model:
    """The members with another layer behind the last one, or another last layer."""
    own = given.parameters.network
    end = own.layers[-1]
    if "kind" in changes:
        layers = (*own.layers, changes["kind"](end.units, end.units))
    else:
        layers = (*own.layers[:-1], replace(end, **changes))
    heads = own.heads
    if layers[-1].units != end.units:
        heads = (replace(heads[0], columns=(0, layers[-1].units)),)
    found = dr.initialize(dr.Network(layers=layers, heads=heads), 0, dtype=np.float32)
    return replace(given, parameters=found, others=(found, *given.others[1:]))


def _deep_line(given: Model) -> Model:
    """A network where the linear model should be."""
    return replace(given, others=(*given.others[:-1], given.parameters))


def _member_unlike(given: Model) -> Model:
    """A linear model in the place of a member."""
    return replace(given, others=(given.others[-1],) * 2)


def _alone(given: Model) -> Model:
    return replace(given, others=())


_OTHERS = "others must be a list of 1 to 1000 networks"
_S, _T = "sections.tabular.settings", "sections.tabular.target"

#: Changes of the record of two classes: place, value, words of the verdict.
_OF_CLASSES: tuple[tuple[str, Any, str], ...] = (
    # Other networks.
    ("others", None, f"{_OTHERS} (got None)"),
    ("others", [], f"{_OTHERS} (got 0)"),
    ("others", 10**9, f"{_OTHERS} (got 1000000000)"),
    ("others", {"0": None}, f"{_OTHERS} (got {{'0': None}})"),
    ("others.0", "network", "others[0] must be a record (got 'network')"),
    ("others.0", 0, "others[0] must be a record (got 0)"),
    ("others.1", None, "others.1.buffers, others.1.parameters, parameters (got "),
    ("others.1.call", "eval", "others[1] must be a record with the fields layers, heads"),
    ("others.1.layers.0.name", "os.system", "others[1].layers[0]: layer record: name must be one"),
    ("others.1.layers.0.bias", "yes", "others[1].layers[0].bias must be of type bool"),
    ("others.1.layers", [], "others[1].heads must be to cover 0 output columns"),
    ("others.1.heads.0.columns", [0, 2**40], "others[1].heads[0].columns must be two whole"),
    ("others.1.heads.0.weight", 3.0, "others[1].heads must be one head with LogLoss"),
    ("network.layers.0.columns", [0, 0], "network.layers[0]: NumericalEmbedding.columns must be d"),
    ("network.layers.0.columns", [5], "NumericalEmbedding.columns must be numbers of inputs, from"),
    ("network.layers.0.columns", "0", "NumericalEmbedding.columns must be numbers of inputs, from"),
    ("network.layers.0.columns", None, "NumericalEmbedding.columns must be numbers of inputs, fr"),
    ("network.layers.0.frequencies", 10**4, "parameters must be F32 [60049] (got F32 ["),
    ("network.layers.0.frequencies", 2**63, "frequencies must be at most 65536 (got 9223372036"),
    (
        "network.layers.0.width",
        5,
        "NumericalEmbedding.units must be 9: 4 inputs, and 5 numbers for",
    ),
    ("network.layers.0.deviation", "0.1", "NumericalEmbedding.deviation must be a finite number"),
    ("network.layers.0.deviation", [0.1] * 9, "NumericalEmbedding.deviation must be one number, o"),
    ("network.layers.0.deviation", {"a": 1}, "NumericalEmbedding.deviation must be a finite numbe"),
    ("network.layers.1.rate_factor", -6, "Scaling.rate_factor must be a finite number of at least"),
    ("network.layers.1.units", 2**31, "network.layers[1]: Scaling.units must be"),
    ("network.heads.0.weight", 3.0, "network.heads must be one head with LogLoss"),
    ("network.heads.0.loss", {"name": "squared_error"}, "network.heads must be one head with Log"),
    ("network.heads.0.class_weights", [1.0, 2.0], "network.heads must be one head with LogLoss"),
    ("dtype", "float64", "must be F64"),
    ("kind", "os.system", "kind must be one of Parameters, MLPClassifier"),
    ("kind", "TabularRegressor", "tabular.kind must be TabularRegressor (got 'TabularClassifier')"),
    ("kind", "MLPClassifier", "others must be left out for MLPClassifier (got '2 networks')"),
    ("kind", "TableModel", "sections must be estimator and table (got 'tabular')"),
    ("state", [], "state must be a record (got [])"),
    # The section.
    ("sections", {}, "sections must be tabular alone (got '')"),
    ("sections.table", {}, "sections must be tabular alone (got 'tabular, table')"),
    ("sections.tabular", None, "tabular must be a record (got None)"),
    ("sections.tabular.call", "eval", "tabular must be a record with the fields kind"),
    ("sections.tabular.kind", "os.system", "tabular must be a record with the fields kind"),
    ("sections.tabular.kind", ["TabularClassifier"], "tabular must be a record with the fields"),
    (f"{_S}.command", "rm", "tabular.settings must be among preset"),
    (f"{_S}.preset", "slow", "tabular.settings: The 'preset' parameter"),
    (f"{_S}.time_budget", -1, "tabular.settings: The 'time_budget' parameter"),
    (f"{_S}.n_threads", 10**6, "tabular.settings.n_threads must be at most 1024 (got 1000000)."),
    (f"{_S}.n_threads", 0, "tabular.settings: n_threads must be"),
    (f"{_S}.class_weight", {"option": "x", "record": {}}, "settings.class_weight must be a plain"),
    (
        "sections.tabular.features",
        {"count": 3, "names": None},
        "tabular.features.count must be 2, as there are columns (got 3)",
    ),
    ("sections.tabular.features.count", 3, "tabular.features.names must be 3 names (got 2)"),
    ("sections.tabular.features.count", 2**60, "features.count must be a whole number from 1 to"),
    ("sections.tabular.features.names", ["age"], "tabular.features.names must be 2 names (got 1)"),
    ("sections.tabular.features.names", ["a", "b"], "features.names must be those of the columns"),
    ("sections.tabular.columns", None, "table.columns must be a list (got None)"),
    ("sections.tabular.columns.0.marked", True, "columns[0].marked must be false but for two w"),
    ("sections.tabular.recipe.call", 1, "tabular.recipe must be a record with the fields members"),
    ("sections.tabular.recipe.members", 1, "others must be those of 1 to 1 members and, last, the"),
    ("sections.tabular.recipe.members", 10**12, "recipe.members must be a whole number from 0 to"),
    ("sections.tabular.recipe.hidden", [0], "tabular.recipe.hidden must be whole numbers from 1"),
    ("sections.tabular.recipe.hidden", 3, "tabular.recipe.hidden must be a list (got 3)"),
    ("sections.tabular.recipe.epochs", 2.5, "recipe.epochs must be a whole number from 0 to"),
    ("sections.tabular.recipe.step_size", "1", "recipe.step_size must be a finite number"),
    ("sections.tabular.recipe.activation", 7, "tabular.recipe.activation must be a text (got 7)"),
    ("sections.tabular.linear", True, "tabular must be a record with the fields kind"),
    ("sections.tabular.engine", None, "tabular.engine must be a text (got None)"),
    ("sections.tabular.dropped_rows", -1, "tabular.dropped_rows must be a whole number from 0"),
    ("sections.tabular.histories", [], "tabular.histories must be one for each of 2 members"),
    ("sections.tabular.histories.1", [], "tabular.histories[1] must be a record (got [])"),
    ("sections.tabular.histories.1.loss", ["a"], "histories[1].loss must be a list of finite"),
    ("sections.tabular.histories.0.path", "", "tabular.histories[0] must be a record with the"),
    ("sections.tabular.held", None, "tabular.held must be a record (got None)"),
    ("sections.tabular.held.rows", 1, "tabular.held must be a record with the fields log_loss"),
    ("sections.tabular.held.score", "all", "tabular.held.score must be a finite number"),
    ("sections.tabular.classes", None, "tabular.classes must be a record (got None)"),
    ("sections.tabular.classes.values", ["a", "a"], "classes.values must be at least one class"),
    ("sections.tabular.classes.values", ["a", "b", "c"], "tabular.classes.values must be classes"),
    ("sections.tabular.classes.values", [0, 1], "tabular.classes.values must be of type str"),
    ("sections.tabular.classes.multilabel", True, "classes.values must be classes for 1 outputs"),
    ("sections.tabular.classes.targets", [-1, 1], "tabular.classes.targets must be 0 and 1"),
    ("sections.tabular.factors", [1.0], "tabular.factors must be two numbers of at least 0"),
    ("sections.tabular.factors", [1.0, -0.5], "tabular.factors must be two numbers of at least 0"),
    ("sections.tabular.factors", ["1", 0], "tabular.factors must be a list of finite numbers"),
    ("sections.tabular.shares", [1.0], "tabular must be a record with the fields kind"),
)

#: The same of numbers.
_OF_NUMBERS: tuple[tuple[str, Any, str], ...] = (
    (f"{_S}.loss", "os.system", "tabular.settings: The 'loss' parameter"),
    (f"{_S}.loss", {"option": "loss", "record": {"name": "poisson"}}, "settings.loss must be one"),
    (f"{_S}.loss", "absolute_error", "network.heads must be one head with AbsoluteError"),
    (f"{_S}.loss", {"option": "loss", "record": {"name": "x"}}, "loss record: name must be one of"),
    (
        f"{_S}.loss",
        {"option": "loss", "record": {"name": "quantile", "quantile": [0.1, 0.9]}},
        "tabular.settings.loss must be levels that divide 1 outputs (got 2)",
    ),
    (
        "network.layers.4.function",
        {"name": "relu"},
        "network.layers[4].function must be identity (got 'relu')",
    ),
    (
        "others.1.layers.0.function",
        {"name": "relu"},
        "others[1].layers[0].function must be identity (got 'relu')",
    ),
    ("sections.tabular.classes", {}, "tabular must be a record with the fields kind"),
    (_T, None, "tabular.target must be a record (got None)"),
    (f"{_T}.path", "", "tabular.target must be a record with the fields standardizer, low"),
    (f"{_T}.standardizer", None, "tabular.target.standardizer must be a record (got None)"),
    (f"{_T}.standardizer.scale", [0.0], "target.standardizer.scale must be above 0 (got 0.0)"),
    (f"{_T}.standardizer.scale", [], "tabular.target.standardizer must be 1 numbers each (got 0)"),
    (f"{_T}.standardizer.center", None, "standardizer.center must be 1 numbers (got None)"),
    (f"{_T}.low", [1e9], "tabular.target.low must be at most high (got [1000000000.0])"),
    (f"{_T}.low", None, "tabular.target.low must be a list (got None)"),
    (f"{_T}.high", [1.0, 2.0], "tabular.target.high must be 1 numbers (got 2)"),
    (f"{_T}.single", 1, "tabular.target.single must be true or false (got 1)"),
    ("sections.tabular.shares", [1.5], "tabular.shares must be numbers from 0 to 1 (got [1.5])"),
    ("sections.tabular.shares", [], "tabular.shares must be 1 numbers (got 0)"),
    ("sections.tabular.shares", None, "tabular.shares must be a list (got None)"),
    ("sections.tabular.offsets", [0.0, 1.0], "tabular.offsets must be 1 numbers (got 2)"),
    ("sections.tabular.offsets", [None], "tabular.offsets must be a list of finite numbers"),
    ("sections.tabular.held.log_loss", 1.0, "tabular.held must be a record with the fields score"),
)

#: name → (how to make it, words of the verdict)
ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "others in format version 2": (
        partial(with_version, "2", classes),
        "record must be a record with the fields kind, dtype, network, sections, state, versions",
    ),
    "format version 3 without others": (
        partial(with_version, "3", model_files.honest),
        "with the fields kind, dtype, network, sections, state, versions, others",
    ),
    "a million members": (
        lambda: with_record(setting("others", [None] * 10**6), classes),
        f"{_OTHERS} (got 1000000)",
    ),
    "a thousand members": (
        lambda: with_record(setting("others", [None] * 1000), classes),
        "the tensors must be buffers, others.0.buffers, others.0.parameters, others.1.buffers",
    ),
    "a member less than tensors": (
        lambda: with_record(lambda r: r["others"].pop(0), classes),
        "the tensors must be buffers, others.0.parameters, parameters (got buffers, others.0.b",
    ),
    "another network of 10^11 weights": (
        lambda: with_record(_wide(10**11), classes),
        "others.1.parameters must be F32 [100000000001] (got F32 [",
    ),
    "another network whose size overflows 64 bits": (
        lambda: with_record(_wide(2**62), classes),
        "others[1] must be at most",
    ),
    "another network's tensor of another shape": (
        lambda: with_header(lambda h: h["others.0.parameters"].update(shape=[2]), file=classes()),
        "others.0.parameters must be F32 [",
    ),
    "another network's tensor of another dtype": (
        lambda: with_header(lambda h: h["others.0.parameters"].update(dtype="F64"), file=classes()),
        "others.0.parameters must be F32 [",
    ),
    "a tensor of no network": (
        lambda: with_header(
            lambda h: h.update({"others.9.parameters": dict(h["others.0.parameters"])}),
            file=classes(),
        ),
        "the tensors must be buffers, others.0.buffers",
    ),
    "members that share their bytes": (
        lambda: with_header(_shared, file=classes()),
        "not a valid safetensors file",
    ),
    "another network of NaN": (
        lambda: with_numbers("others.0.parameters"),
        "others.0.parameters holds NaN or inf.",
    ),
    "a linear model of NaN": (
        lambda: with_numbers("others.1.parameters"),
        "others.1.parameters holds NaN or inf.",
    ),
    "another network's running statistics of NaN": (
        lambda: with_numbers("others.0.buffers"),
        "others.0.buffers holds NaN or inf.",
    ),
    "others beside bare parameters": (
        lambda: with_record(lambda r: r.update(kind="Parameters", sections={}), classes),
        "others must be left out for Parameters (got '2 networks')",
    ),
    "a state beside an ensemble": (
        lambda: to_bytes(replace(model(), state=_state())),
        "state must be null for TabularClassifier",
    ),
    "an ensemble of none": (
        lambda: of(_alone),
        "others must be those of 1 to 2 members and, last, the linear model (got 0)",
    ),
    "a field of the section fewer": (
        lambda: with_record(lambda r: r["sections"]["tabular"].pop("recipe"), classes),
        "tabular must be a record with the fields kind",
    ),
    "a member that is unlike the first": (
        lambda: of(_member_unlike),
        "others[0] must be null: all members are alike (got 'another network')",
    ),
    "a linear model of five layers": (
        lambda: of(_deep_line),
        "others[1].layers must be the one layer of a linear model (got 5)",
    ),
    "members of another width": (
        lambda: of(partial(_other_last, units=2)),
        "others[1] must be one of 2 outputs (got 1)",
    ),
    "no dense layer last": (
        lambda: of(partial(_other_last, kind=BatchNormalization), "numbers"),
        "network.layers must be a dense layer last (got 'batch_normalization')",
    ),
    "columns for other inputs": (
        lambda: with_record(
            lambda r: r["sections"]["tabular"]["columns"][1].update(_TEXT), classes
        ),
        "table.columns must be columns for 4 inputs of network (got 65536)",
    ),
    "names of inputs that fill the memory": (
        lambda: with_record(_long_names, classes),
        "table.columns must be inputs of at most 67108864 letters in all (got 65538097152)",
    ),
    "numbers of another dtype": (
        lambda: of(_as_double),
        "dtype must be float32 for tabular estimators (got 'float64')",
    ),
    "a trained ensemble without its target": (
        lambda: with_record(lambda r: r["sections"].pop("table"), trained),
        "sections must be tabular and table (got 'tabular')",
    ),
    "a trained ensemble with a section more": (
        lambda: with_record(lambda r: r["sections"].update(estimator={}), trained),
        "sections must be tabular and table (got 'table, tabular, estimator')",
    ),
    "a trained ensemble of classes for numbers": (
        lambda: with_record(
            lambda r: r["sections"]["table"].update(
                target=_about(("price",), "regression").record()
            ),
            trained,
        ),
        "tabular.kind must be TabularRegressor (got 'TabularClassifier')",
    ),
    "a trained ensemble with a list in its report": (
        lambda: with_record(lambda r: r["sections"]["table"]["report"].update(seed=[0]), trained),
        "table.report.seed must be a number or a text (got [0])",
    ),
    "a trained ensemble with a plan of columns": (
        lambda: with_record(lambda r: r["sections"]["table"].update(columns=[]), trained),
        "table must be a record with the fields target, report",
    ),
    "a trained ensemble of another target": (
        lambda: with_record(
            lambda r: r["sections"]["table"]["target"].update(names=["a", "b"]), trained
        ),
        "table.target.names must be one name, or several for regression",
    ),
    **{
        f"{file.__name__}: {path} is {value!r}": (
            partial(with_record, setting(path, value), file),
            words,
        )
        for file, changes in ((classes, _OF_CLASSES), (numbers, _OF_NUMBERS))
        for path, value, words in changes
    },
}


def _state() -> Any:
    """Where a training of the first member would stand."""
    first = model().parameters
    X = np.zeros((4, first.network.n_inputs), np.float32)
    D = np.zeros((4, first.network.n_outputs), np.float32)
    plan = dr.TrainingPlan(optimizer=dr.Adam(), max_epochs=1, batch_size=2)
    result = dr.train(first.network, first, X, D, plan)
    from deltarule.persistence import Kept

    return Kept(result.state, result.history, 0, plan.optimizer)


if __name__ == "__main__":
    model_files.write_all(Path(sys.argv[1]), ATTACKS)
