"""The ten tables of the table benchmark, and the two sets of images, by name.

``load(name)`` gives X, y and the task. It reads the folder that DELTARULE_DATA names (``meta.json``
beside a ``csv.gz`` for each table); where there is none, OpenML by scikit-learn's `fetch_openml`,
which keeps what it fetched in ``~/scikit_learn_data``. `TABLES` says which data set of OpenML that
is, how its columns are called there, and what is not the same. X is a frame whose categorical
columns are of dtype category with words as levels, sorted, and NaN where a cell is missing; classes
are words too.

``folds(y, task)`` are the folds of all numbers here: five, shuffled, seed 0, stratified for
classes. They are drawn over the rows as they come.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import data
import numpy as np
from data import MissingDataError

CLASSES = ("binary", "multiclass")


@dataclass(frozen=True)
class Table:
    """One table, and where a stranger finds it.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression", "multioutput_regression"}
    target : tuple of str
        The columns to predict.
    columns : str
        All columns in order; ``ours=theirs`` where OpenML has another word, capitals and
        punctuation aside.
    categorical : str
        Which of the inputs are categories.
    data_id : int or None
        Of OpenML; None where it has no such table.
    remark : str
        What is not the same there.
    made : mapping of str to callable
        How a column is made of theirs.
    """

    task: str
    target: tuple[str, ...]
    columns: str
    categorical: str = ""
    data_id: int | None = None
    remark: str = ""
    made: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """From our column names to OpenML's."""
        pairs = (entry.partition("=") for entry in self.columns.split())
        return {ours: theirs or ours for ours, _, theirs in pairs}


def _deck(cabins: Any) -> Any:
    """The first letter of a cabin's number."""
    return cabins.astype("string").str[0]


def _from_three(grades: Any) -> Any:
    """Grades that are counted from 1 there and are 3 to 9."""
    return grades.astype(int) + 2


TABLES: dict[str, Table] = {
    "adult": Table(
        "binary",
        ("income",),
        "age workclass fnlwgt education education_num marital_status occupation relationship race "
        "sex capital_gain capital_loss hours_per_week native_country income=class",
        "workclass education marital_status occupation relationship race sex native_country",
        1590,
    ),
    "diamonds": Table(
        "regression",
        ("price",),
        "carat cut color clarity depth table price x y z",
        "cut color clarity",
        42225,
    ),
    "california_housing": Table(
        "regression",
        ("median_house_value",),
        "longitude latitude housing_median_age total_rooms total_bedrooms population households "
        "median_income median_house_value ocean_proximity",
        "ocean_proximity",
        43939,
        "the one with ocean_proximity and holes in total_bedrooms, not houses (537)",
    ),
    "letter": Table(
        "multiclass",
        ("lettr",),
        "lettr=class x.box y.box width high onpix x.bar y.bar x2bar y2bar xybar x2ybr xy2br x.ege "
        "xegvy y.ege yegvx",
        data_id=6,
    ),
    "german_credit": Table(
        "binary",
        ("class",),
        "status=checking_status duration credit_history purpose amount=credit_amount "
        "savings=savings_status employment installment_rate=installment_commitment "
        "personal_status other_debtors=other_parties residence_since property=property_magnitude "
        "age other_installment=other_payment_plans housing existing_credits job "
        "n_liable=num_dependents telephone=own_telephone foreign_worker class",
        "status credit_history purpose savings employment personal_status other_debtors property "
        "other_installment housing job telephone foreign_worker",
        31,
        "levels are words, in place of codes such as A11",
    ),
    "titanic": Table(
        "binary",
        ("Survived",),
        "Survived Pclass Sex Age SibSp Parch Fare Cabin Embarked",
        "Sex Cabin Embarked",
        40945,
        "all 1 309 passengers, where our table has 891 of them: other rows, other numbers",
        {"Cabin": _deck},
    ),
    "abalone": Table(
        "regression",
        ("rings",),
        "sex length diameter height whole_weight shucked_weight viscera_weight shell_weight rings",
        "sex",
        44956,
        "the one for regression, not abalone (183), whose rings are classes",
    ),
    "wine_quality_white": Table(
        "multiclass",
        ("quality",),
        "fixed_acidity=V1 volatile_acidity=V2 citric_acid=V3 residual_sugar=V4 chlorides=V5 "
        "free_so2=V6 total_so2=V7 density=V8 pH=V9 sulphates=V10 alcohol=V11 quality=Class",
        data_id=40498,
        remark="columns have no names, and grades are counted from 1",
        made={"quality": _from_three},
    ),
    "bike_sharing": Table(
        "regression",
        ("count",),
        "season year month hour holiday weekday working_day weather temperature=temp "
        "apparent_temperature=feel_temp humidity windspeed count",
        "season holiday working_day weather",
        42712,
        "temperatures are in degrees, weather in words",
    ),
    "building": Table(
        "multioutput_regression",
        ("y0", "y1", "y2"),
        "x0 x1 x2 x3 x4 x5 x6 x7 x8 x9 x10 x11 x12 x13 y0 y1 y2",
        remark="building1 of Proben1 (Prechelt 1994), which comes with the FANN library",
    ),
}

#: Images: 60 000 to train on, then 10 000 to be judged by.
IMAGES = {"mnist": 554, "fashion_mnist": 40996}
TRAINING_IMAGES = 60_000


def load(name: str) -> tuple[Any, Any, str]:
    """X, y and the task of a table.

    Raises
    ------
    MissingDataError
        If the table is neither in the folder nor on OpenML, or not as it was there.
    """
    table = TABLES[name]
    try:
        frame = _from_folder(name)
    except MissingDataError:
        frame = _from_openml(name)
    for column in table.names:
        frame[column] = _settled(frame[column], name, column)
    target = list(table.target)
    y = frame[target] if len(target) > 1 else frame[target[0]]
    return frame.drop(columns=target), y, table.task


def folds(y: Any, task: str, splits: int = 5, seed: int = 0) -> list[tuple[Any, Any]]:
    """Rows to train on and rows to be judged by, fold by fold."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if task in CLASSES else KFold
    rows = np.zeros(len(y))
    return list(kind(splits, shuffle=True, random_state=seed).split(rows, np.asarray(y)))


def images(name: str, part: str) -> tuple[Any, Any]:
    """Pixels over 255, float32, 784 columns, and classes: the part ``"train"`` or ``"test"``."""
    try:
        return data.mnist_part(part, name)
    except MissingDataError:
        frame = _fetched(IMAGES[name], name)
    chosen = slice(TRAINING_IMAGES) if part == "train" else slice(TRAINING_IMAGES, None)
    classes = frame[frame.columns[-1]].astype(int).to_numpy()[chosen]
    pixels = frame[frame.columns[:-1]].to_numpy(dtype=np.float32)[chosen]
    return np.ascontiguousarray(pixels) / np.float32(255), classes


def _from_folder(name: str) -> Any:
    import pandas

    described = json.loads(data.file("meta.json").read_text(encoding="utf-8"))
    if name not in described:
        raise MissingDataError(f"{name} is not in meta.json. Take a folder that has it.")
    words = [*TABLES[name].categorical.split()]
    if TABLES[name].task in CLASSES:
        words += TABLES[name].target
    return pandas.read_csv(
        data.file(described[name]["file"]),
        dtype=dict.fromkeys(words, "object"),
        keep_default_na=False,
        na_values=[""],
    )


def _from_openml(name: str) -> Any:
    table = TABLES[name]
    if table.data_id is None:
        raise MissingDataError(
            f"{name} is not on OpenML: {table.remark}. Name a folder that holds it with "
            "DELTARULE_DATA."
        )
    frame = _fetched(table.data_id, name)
    theirs = {_plain(column): column for column in frame.columns}
    missing = [column for column in table.names.values() if _plain(column) not in theirs]
    if missing:
        raise MissingDataError(
            f"{name}, data set {table.data_id} of OpenML, has no column {', '.join(missing)} (got "
            f"{', '.join(frame.columns)}). Name a folder that holds the table with DELTARULE_DATA."
        )
    found = frame[[theirs[_plain(column)] for column in table.names.values()]]
    found = found.set_axis(list(table.names), axis=1)
    for column, make in table.made.items():
        found[column] = make(found[column])
    return found


def _fetched(data_id: int, name: str) -> Any:
    from sklearn.datasets import fetch_openml

    try:
        return fetch_openml(data_id=data_id, as_frame=True, cache=True).frame.copy()
    except OSError as problem:
        raise MissingDataError(
            f"{name} is not here, and OpenML does not answer ({problem}). Name the folder that "
            "holds it with DELTARULE_DATA."
        ) from None


def _plain(name: str) -> str:
    """A column's name without capitals and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _settled(column: Any, name: str, called: str) -> Any:
    """A column as it is used: categories and classes as words, all else as numbers."""
    import pandas

    table = TABLES[name]
    if called in table.target and table.task in CLASSES:
        return column.astype(str).astype(object)
    if called in table.categorical.split():
        words = column.astype(object).map(str, na_action="ignore")
        return pandas.Categorical(words, categories=sorted(words.dropna().unique()))
    return pandas.to_numeric(column.astype(object) if column.dtype == "category" else column)
