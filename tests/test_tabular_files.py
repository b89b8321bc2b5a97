"""Tabular estimators in model files: a loaded one is the saved one, bit for bit, or is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import deltarule as dr
from deltarule.estimators.files import model_of
from deltarule.exceptions import InvalidParameterError, ModelFileError
from deltarule.network import Parameters
from deltarule.persistence import Model, read, to_bytes, write
from deltarule.plans import History
from deltarule.tables import base_tabular
from deltarule.tables.files import networks_of, tabular_from_record, tabular_record
from deltarule.tables.recipe import choose_recipe

GENERATOR = np.random.default_rng(6)
ROWS = 60
SIZE = GENERATOR.normal(size=ROWS)
TOWN = GENERATOR.choice(["Oslo", "Rome", "Bonn"], ROWS)
X = np.column_stack([SIZE, GENERATOR.normal(size=ROWS), GENERATOR.normal(size=ROWS)])
#: Names, holes in numbers and in words, categories, and one that no network sees.
TABLE = pd.DataFrame(
    {
        "size": np.where(np.arange(ROWS) % 7 == 3, np.nan, SIZE),
        "town": np.where(np.arange(ROWS) % 9 == 4, None, TOWN),
        "same": 1.0,
        "code": GENERATOR.integers(1, 5, ROWS),
    }
)
THREE = np.searchsorted(["Bonn", "Oslo", "Rome"], TOWN)
LABELS = np.column_stack([SIZE > 0, THREE == 1, THREE == 2]).astype(int)
Y = 3.0 * SIZE + THREE


def classifier(**settings):
    return dr.TabularClassifier("fast", random_state=0, **settings)


def regressor(**settings):
    return dr.TabularRegressor("fast", random_state=0, **settings)


#: A column of every other kind: yes and no, dates, free text, and numbers as names of columns.
KINDS = pd.DataFrame(
    {
        "member": SIZE > 0.3,
        "joined": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS) * 31, unit="h"),
        "note": [
            f"the {town} of row {row} is far away, as it were" for row, town in enumerate(TOWN)
        ],
        "rare": [f"kind {row % 53}" for row in range(ROWS)],
    }
)
NUMBERED = pd.DataFrame(X)


CASES = {
    "binary, words": (classifier(), TABLE, np.where(SIZE > 0, "yes", "no")),
    "binary, bool": (classifier(), X, SIZE > 0),
    "binary, objects": (classifier(), X, np.where(SIZE > 0, "yes", "no").astype(object)),
    "multiclass, int": (classifier(class_weight="balanced"), TABLE, THREE),
    "multiclass, int8": (classifier(), X, THREE.astype(np.int8)),
    "multiclass, float": (classifier(class_weight={0.0: 2.0, 1.0: 0.5}), X, THREE * 1.0),
    "multilabel": (classifier(), TABLE, LABELS),
    "every kind of column": (classifier(text="hash"), KINDS, THREE),
    "columns with numbers as names": (classifier(), NUMBERED, THREE),
    "categories and a list": (classifier(categorical=["code"]), TABLE, THREE),
    "categories and a tuple": (classifier(categorical=("code",)), TABLE, THREE),
    "one output": (regressor(), TABLE, Y),
    "a column of one output": (regressor(), X, Y[:, np.newaxis]),
    "three outputs": (regressor(n_threads=1), TABLE, np.column_stack([Y, Y**2, 1e7 + SIZE])),
    "one quantile": (regressor(loss=dr.losses.Quantile(0.9)), TABLE, Y),
    "quantiles": (regressor(loss=dr.losses.Quantile((0.1, 0.5, 0.9))), TABLE, Y),
    "huber": (regressor(loss="huber", verbose=0, engine="reference"), X, Y),
    "holes in the target": (regressor(), TABLE, np.where(np.arange(ROWS) % 6 == 0, np.nan, Y)),
}
#: What a model has beside its file: open sessions, and who is told of epochs.
BESIDE = {"_asked", "_told"}


@pytest.fixture(scope="module", autouse=True)
def narrow():
    """Networks of a few units that learn for a moment: files do not care."""

    def chosen(*args, **settings):
        small = {"hidden": (6, 5), "epochs": 4, "batch_size": 8, "step_size": 0.1}
        return replace(choose_recipe(*args, **settings), members=3, **small)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_tabular, "choose_recipe", chosen)
        yield


@pytest.fixture(scope="module")
def fitted(narrow):
    """Every case, fitted once."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (estimator, rows, target) in CASES.items():
            found[name] = clone(estimator).fit(rows, target), rows
    return found


@pytest.fixture
def saved(fitted, tmp_path):
    """A case, the same from its file, and its rows."""

    def found(name):
        estimator, rows = fitted[name]
        dr.save(estimator, tmp_path / "model.safetensors")
        return estimator, dr.load(tmp_path / "model.safetensors"), rows

    return found


@pytest.mark.parametrize("name", CASES)
def test_a_loaded_estimator_answers_the_same_bits(saved, name):
    estimator, again, rows = saved(name)
    assert type(again) is type(estimator)
    spoken = estimator._spoken(rows)[0]
    assert np.ptp(spoken, axis=0).min() > 0.01  # else the networks had nothing to say
    methods = ("predict", "predict_proba", "predict_log_proba", "predict_quantiles")
    for method in (*methods, "predict_interval"):
        if hasattr(estimator, method):
            expected, found = getattr(estimator, method)(rows), getattr(again, method)(rows)
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            assert found.tobytes() == expected.tobytes() or expected.dtype == object
            assert np.array_equal(found, expected)


def same(expected, found):
    """Whether two attributes are equal to the last bit."""
    if isinstance(expected, np.ndarray):
        return expected.dtype == found.dtype and np.array_equal(expected, found)
    if isinstance(expected, Parameters):
        pairs = ((expected.vector, found.vector), (expected.buffers, found.buffers))
        return expected.network == found.network and all(same(a, b) for a, b in pairs)
    if isinstance(expected, History):
        return all(same(getattr(expected, n), getattr(found, n)) for n in vars(expected))
    if isinstance(expected, list | tuple):
        alike = type(expected) is type(found) and len(expected) == len(found)
        return alike and all(same(a, b) for a, b in zip(expected, found, strict=True))
    return type(expected) is type(found) and (expected == found or expected != expected)


@pytest.mark.parametrize("name", CASES)
def test_parameters_and_attributes_come_back(saved, name):
    estimator, again, _ = saved(name)
    assert again.get_params() == estimator.get_params()
    assert set(vars(estimator)) - set(vars(again)) <= BESIDE
    public = [key for key in vars(estimator) if key.endswith("_")]
    assert {"columns_", "members_", "linear_", "recipe_", "histories_", "n_features_in_"} < {
        *public
    }
    for key in public:
        assert same(getattr(estimator, key), getattr(again, key)), key


def test_the_comparison_of_the_tests_sees_a_difference(fitted):
    estimator, _ = fitted["binary, words"]
    member = estimator.members_[0]
    moved = member.replace(vector=np.nextafter(member.vector, np.float32(9.0)))
    assert same(member, member.replace())
    assert not same(member, moved)
    assert not same([member], [moved])
    assert not same(estimator.histories_[0], History([1.0]))
    assert not same((1.0, 2.0), (1, 2.0))


def test_a_single_member(fitted):
    estimator, rows = fitted["one quantile"]
    alone = clone(estimator)
    for name, value in vars(estimator).items():
        setattr(alone, name, value)
    alone.members_, alone.histories_ = estimator.members_[:1], estimator.histories_[:1]
    alone._ask()
    model = model_of(alone)
    again = tabular_from_record(model.sections["tabular"], (model.parameters, *model.others))
    assert len(again.members_) == len(model.others) == 1
    assert np.array_equal(again.predict(rows), alone.predict(rows))
    assert not np.array_equal(again._spoken(rows)[0], estimator._spoken(rows)[0])


def test_networks_stand_one_behind_the_other_with_the_linear_model_last(saved, tmp_path):
    estimator, _, _ = saved("multiclass, int")
    model = read(tmp_path / "model.safetensors")
    held = (model.parameters, *model.others)
    expected = (*estimator.members_, estimator.linear_)
    assert all(same(a, b) for a, b in zip(expected, held, strict=True))
    assert all(same(a, b) for a, b in zip(expected, networks_of(estimator), strict=True))
    assert len({id(one.network) for one in held}) == 2
    assert set(model.sections) == {"tabular"}


def test_a_file_is_little_more_than_its_numbers(fitted, tmp_path):
    estimator, _ = fitted["multiclass, int"]
    dr.save(estimator, tmp_path / "model")
    numbers = sum(one.vector.nbytes + one.buffers.nbytes for one in networks_of(estimator))
    assert numbers < os.path.getsize(tmp_path / "model") < numbers + 6000


def test_the_same_estimator_gives_the_same_bytes_again_and_from_its_file(saved):
    estimator, again, _ = saved("three outputs")
    assert to_bytes(model_of(estimator)) == to_bytes(model_of(estimator))
    assert to_bytes(model_of(again)) == to_bytes(model_of(estimator))


def test_a_record_is_plain_json(fitted):
    for estimator, _ in fitted.values():
        record = tabular_record(estimator)
        assert json.loads(json.dumps(record, allow_nan=False)).keys() == record.keys()


def test_a_loaded_estimator_can_be_fitted_and_cloned(saved):
    estimator, again, rows = saved("binary, bool")
    target = CASES["binary, bool"][2]
    first = estimator.predict_proba(rows)
    assert np.array_equal(clone(again).fit(rows, target).predict_proba(rows), first)


def test_a_frame_s_names_are_asked_for_by_a_loaded_estimator(saved):
    estimator, again, rows = saved("one output")
    assert again.feature_names_in_.tolist() == ["size", "town", "same", "code"]
    turned = rows[["code", "same", "town", "size"]]
    assert np.array_equal(again.predict(turned), estimator.predict(rows))


def test_an_index_of_columns_and_a_generator_are_kept_as_far_as_a_file_can(tmp_path):
    categorical, generator = TABLE.columns[3:], np.random.RandomState(0)
    model = dr.TabularClassifier("fast", categorical=categorical, random_state=generator)
    dr.save(model.fit(TABLE, THREE), tmp_path / "model")
    again = dr.load(tmp_path / "model")
    assert again.categorical == ["code"]
    assert again.random_state is None
    assert np.array_equal(again.predict_proba(TABLE), model.predict_proba(TABLE))


def test_what_cannot_be_saved(fitted, tmp_path):
    path = tmp_path / "model"
    with pytest.raises(NotFittedError):
        dr.save(dr.TabularRegressor(), path)

    class Mine(dr.TabularRegressor):
        pass

    with pytest.raises(InvalidParameterError) as caught:
        dr.save(Mine(), path)
    assert str(caught.value) == (
        "save takes an estimator of deltarule or its Parameters (got Mine). Save the estimator "
        "inside it."
    )
    estimator, again = (regressor().fit(X[:20], Y[:20]) for _ in range(2))
    estimator.set_params(loss="huber")
    with pytest.raises(InvalidParameterError) as caught:
        dr.save(estimator, path)
    assert str(caught.value) == (
        "loss must be as it was at fit to be saved (SquaredError() then, Huber(delta=1.0) now). "
        "Call fit again, or set it back."
    )
    again.members_[1] = again.linear_
    with pytest.raises(InvalidParameterError) as caught:
        dr.save(again, path)
    assert str(caught.value) == (
        "members_ must be of one architecture to be saved (got another one at 1). Fit again."
    )
    again.members_[1] = again.members_[0].replace(vector=again.members_[0].vector * np.nan)
    with pytest.raises(InvalidParameterError) as caught:
        dr.save(again, path)
    assert str(caught.value) == (
        "members_[1] must be finite to be saved (got NaN or inf). Fit again with another "
        "random_state."
    )
    assert list(tmp_path.iterdir()) == []


def changed(fitted, tmp_path, **fields):
    """The sentence with which a file with other fields of the section is refused."""
    model = model_of(fitted["one output"][0])
    section = {**model.sections["tabular"], **fields}
    write(replace(model, sections={"tabular": section}), tmp_path / "model")
    with pytest.raises(ModelFileError) as caught:
        dr.load(tmp_path / "model")
    start = f"{tmp_path}/model: not a valid model: "
    end = " The file was altered or written by another program; get a fresh copy."
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start).removesuffix(end)


def test_altered_files_are_refused_in_words(fitted, tmp_path):
    def told(**fields):
        return changed(fitted, tmp_path, **fields)

    target = tabular_record(fitted["one output"][0])["target"]
    assert told(shares=[1.5]) == "tabular.shares must be numbers from 0 to 1 (got [1.5])."
    assert told(dropped_rows=-1) == (
        "tabular.dropped_rows must be a whole number from 0 to 1099511627776 (got -1)."
    )
    assert told(histories=[]) == "tabular.histories must be one for each of 3 members (got 0)."
    assert told(features={"count": 4, "names": list("abcd")}) == (
        "tabular.features.names must be those of the columns, ['size', 'town', 'same', 'code'] "
        "(got ['a', 'b', 'c', 'd'])."
    )
    assert told(target={**target, "high": [-99.0]}) == (
        f"tabular.target.low must be at most high (got {target['low']})."
    )
    assert told(target={**target, "single": 1}) == (
        "tabular.target.single must be true or false (got 1)."
    )
    assert told(extra=1).startswith("tabular must be a record with the fields kind, settings, ")
    assert told(settings={"preset": "slow"}).startswith(
        "tabular.settings: The 'preset' parameter of TabularRegressor must be a str among "
    )
    assert told(settings={"loss": "absolute_error"}).startswith(
        "network.heads must be one head with AbsoluteError() (got [Head(columns=(0, 1), "
    )


def test_networks_are_for_estimators_that_have_them(fitted, tmp_path):
    path = tmp_path / "model"
    model = model_of(fitted["one output"][0])
    bare = Model(model.parameters, others=model.others)
    write(bare, path)
    assert len(read(path).others) == 3  # a file may hold them; what it stands for may not
    with pytest.raises(ModelFileError) as caught:
        dr.load(path)
    assert str(caught.value) == (
        f"{path}: not a valid model: others must be left out for Parameters (got '3 networks'). "
        "The file was altered or written by another program; get a fresh copy."
    )


def test_a_setting_that_an_older_file_has_not_keeps_its_default(fitted):
    estimator, rows = fitted["one output"]
    record = tabular_record(estimator)
    for name in ("time_budget", "missing_target"):
        del record["settings"][name]
    again = tabular_from_record(record, networks_of(estimator))
    assert again.get_params() == estimator.get_params()
    assert np.array_equal(again.predict(rows), estimator.predict(rows))


def test_a_fresh_process_knows_the_tabular_estimators(fitted, tmp_path):
    path = tmp_path / "model"
    dr.save(fitted["multiclass, int8"][0], path)
    code = (
        "import pickle, deltarule as dr\n"
        "def refuse(*a, **k): raise SystemExit('pickle was used')\n"
        "pickle.load = pickle.loads = pickle.Unpickler = refuse\n"
        f"print(dr.load({str(path)!r}).predict([[0.1, 0.2, 0.3]]).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "(1,)\n", done.stderr
