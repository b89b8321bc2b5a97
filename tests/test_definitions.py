"""Names, records and checks that all option objects share, walked over every family."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

from deltarule import activations, losses, optimizers, penalties, schedules
from deltarule.activations import ACTIVATIONS, LeakyReLU, Logistic, ReLU
from deltarule.definitions import (
    choose,
    finite,
    from_record,
    in_range,
    non_negative,
    one_of,
    positive,
    positive_integer,
)
from deltarule.exceptions import InvalidParameterError
from deltarule.initializers import INITIALIZERS, Uniform
from deltarule.losses import LOSSES, Huber, Quantile
from deltarule.optimizers import OPTIMIZERS, SGD, AdamW
from deltarule.penalties import L2, PENALTIES
from deltarule.schedules import SCHEDULES, Cosine, InvScaling
from deltarule.stopping import EarlyStopping

FAMILIES = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "penalty": PENALTIES,
    "initializer": INITIALIZERS,
    "schedule": SCHEDULES,
    "optimizer": OPTIMIZERS,
}
NAMES = {
    "activation": "identity logistic tanh relu leaky_relu sign softmax softplus selu gelu silu "
    "mish exp ascending",
    "loss": "squared_error absolute_error huber quantile poisson log_loss perceptron",
    "penalty": "l1 l2 l1l2",
    "initializer": "auto glorot_uniform glorot_normal he_uniform he_normal lecun_uniform "
    "lecun_normal uniform normal constant",
    "schedule": "constant invscaling adaptive step cosine cyclic_cosine one_cycle",
    "optimizer": "sgd momentum nesterov adam adamw rmsprop lbfgs",
}
ALL = [(family, name) for family in FAMILIES.values() for name in family.table]
WITH_VALUES = [
    (LeakyReLU(0.2), ACTIVATIONS, {"name": "leaky_relu", "slope": 0.2}),
    (Huber(1.5), LOSSES, {"name": "huber", "delta": 1.5}),
    (Quantile(0.9), LOSSES, {"name": "quantile", "quantile": 0.9}),
    (L2(3), PENALTIES, {"name": "l2", "strength": 3.0}),
    (Uniform(-1, 2), INITIALIZERS, {"name": "uniform", "low": -1.0, "high": 2.0}),
    (InvScaling(0.7, per="epoch"), SCHEDULES, {"name": "invscaling", "power": 0.7, "per": "epoch"}),
    (Cosine(warmup=0.1), SCHEDULES, {"name": "cosine", "warmup": 0.1, "end": 0.0}),
    (
        AdamW(weight_decay=0.1),
        OPTIMIZERS,
        {"name": "adamw", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "weight_decay": 0.1},
    ),
]
FUNCTIONS = {
    "activation": activations.Function(np.sin, np.cos, name="sine"),
    "loss": losses.Function(np.subtract, np.subtract, name="gap"),
    "schedule": schedules.Function(abs),
}


def message(function, *arguments):
    """What an InvalidParameterError says."""
    with pytest.raises(InvalidParameterError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("word", FAMILIES)
def test_the_table_of_a_family(word):
    family = FAMILIES[word]
    assert list(family.table) == NAMES[word].split()
    assert family.word == word
    for name, cls in family.table.items():
        assert cls.name == name
        assert cls.word == word
        assert issubclass(cls, family.base)
        assert cls.__name__.lower() == name.replace("_", "")


@pytest.mark.parametrize(("family", "name"), ALL, ids=lambda value: getattr(value, "word", value))
def test_an_option_is_a_value(family, name):
    option = choose(name, family, "thing")
    again = choose(name, family, "thing")
    assert option == again
    assert hash(option) == hash(again)
    assert pickle.loads(pickle.dumps(option)) == option
    assert from_record(json.loads(json.dumps(option.record())), family) == option
    assert choose(option, family, "thing") is option
    assert choose(option.record(), family, "thing") == option
    assert dataclasses.replace(option) == option
    for field in dataclasses.fields(option):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(option, field.name, 1)


@pytest.mark.parametrize(("family", "name"), ALL, ids=lambda value: getattr(value, "word", value))
def test_every_field_refuses_what_no_field_can_be(family, name):
    for field in dataclasses.fields(family.table[name]):
        for wrong in (None, [], {}, "x", True, np.nan, np.inf, 1j, np.zeros(1), object()):
            if wrong is None and field.default is None:
                continue
            said = message(lambda f=field, w=wrong: family.table[name](**{f.name: w}))
            assert said.startswith(f"{field.name} must be ")


@pytest.mark.parametrize(("option", "family", "record"), WITH_VALUES, ids=str)
def test_records_hold_plain_json(option, family, record):
    assert option.record() == record
    assert from_record(record, family) == option
    assert option != family.table[record["name"]]()


def test_a_numpy_scalar_becomes_a_plain_number():
    assert type(Huber(np.float32(0.5)).delta) is float
    assert type(Huber(2).delta) is float
    assert type(optimizers.LBFGS(max_fun=np.int64(7)).max_fun) is int


def test_options_of_different_classes_differ():
    assert ReLU() != Logistic()
    assert optimizers.Momentum(0.5) != optimizers.Nesterov(0.5)
    assert penalties.L1(1.0) != penalties.L2(1.0)
    assert len({choose(name, family, "x") for family, name in ALL}) == len(ALL)


@pytest.mark.parametrize("word", FUNCTIONS)
def test_functions_compare_by_what_they_hold_and_refuse_a_record(word):
    option = FUNCTIONS[word]
    fields = {field.name: getattr(option, field.name) for field in dataclasses.fields(option)}
    same = type(option)(**fields)
    assert same == option
    assert hash(same) == hash(option)
    assert pickle.loads(pickle.dumps(option)) == option
    first = next(iter(fields))
    assert type(option)(**{**fields, first: lambda *_: 0}) != option
    assert message(option.record) == (
        f"{word} {option.name!r} must hold plain numbers and words to be saved (got a Python "
        f"function in {first}). Use one of the named {word} objects, or save the parameters "
        "alone and give the function again."
    )
    assert choose(option, FAMILIES[word], word) is option


@pytest.mark.parametrize("word", ["activation", "loss"])
@pytest.mark.parametrize("field", ["value", "derivative"])
def test_functions_refuse_what_cannot_be_called(word, field):
    given = {"value": np.sin, "derivative": np.cos, field: 3}
    said = message(lambda: type(FUNCTIONS[word])(**given))
    assert said.startswith(f"{field} of a")
    assert "(got 3). Give a Python function on arrays." in said


def test_a_function_needs_both_of_its_functions():
    with pytest.raises(TypeError):
        activations.Function(np.sin)
    with pytest.raises(TypeError):
        losses.Function(np.subtract)


def test_choose_names_the_nearest():
    assert message(choose, "rleu", ACTIVATIONS, "activation") == (
        "activation must be one of 'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'sign', "
        "'softmax', 'softplus', 'selu', 'gelu', 'silu', 'mish', 'exp', 'ascending', or "
        "an object of "
        "deltarule.activations (got 'rleu'). Did you mean 'relu'?"
    )


@pytest.mark.parametrize(
    ("written", "family", "meant"),
    [
        ("sigmoid", ACTIVATIONS, "logistic"),
        ("Swish", ACTIVATIONS, "silu"),
        ("leaky-relu", ACTIVATIONS, "leaky_relu"),
        ("mse", LOSSES, "squared_error"),
        ("cross entropy", LOSSES, "log_loss"),
        ("l-bfgs", OPTIMIZERS, "lbfgs"),
        ("Adam", OPTIMIZERS, "adam"),
        ("elastic_net", PENALTIES, "l1l2"),
        ("xavier_normal", INITIALIZERS, "glorot_normal"),
        ("cosine_annealing", SCHEDULES, "cosine"),
    ],
)
def test_choose_knows_what_others_call_it(written, family, meant):
    assert message(choose, written, family, "x").endswith(
        f"(got {written!r}). Did you mean {meant!r}?"
    )


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_foreign_name_leads_to_one_of_ours(family):
    for meant in family.elsewhere.values():
        assert meant in family.table
    assert not set(family.elsewhere) & set(family.table)


def test_choose_without_a_near_name():
    assert message(choose, "zzz", PENALTIES, "penalty") == (
        "penalty must be one of 'l1', 'l2', 'l1l2', or an object of deltarule.penalties "
        "(got 'zzz'). Choose one of these names."
    )
    assert message(choose, 3, PENALTIES, "penalty").endswith("(got 3). Choose one of these names.")
    assert message(choose, SGD(), PENALTIES, "penalty").endswith(
        "(got SGD()). Choose one of these names."
    )
    assert message(choose, abs, LOSSES, "loss").endswith(
        "(got <built-in function abs>). Write a function of your own with its derivative: "
        "dr.losses.Function(value, derivative)."
    )


def test_choose_wants_an_object_and_not_its_class():
    assert message(choose, Huber, LOSSES, "loss").endswith(
        "(got the class Huber). Call the class: Huber(…)."
    )


def test_schedules_take_any_callable():
    assert choose(abs, SCHEDULES, "learning_rate") == schedules.Function(abs)
    assert "'one_cycle', or a function, or an object of" in message(
        choose, "x", SCHEDULES, "learning_rate"
    )


def test_the_name_invscaling_keeps_scikit_learns_timing():
    assert choose("invscaling", SCHEDULES, "learning_rate") == InvScaling(0.5, per="epoch")
    assert InvScaling() == InvScaling(0.5, per="step")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (3, "loss record must be a dictionary (got 3). Make it with record()."),
        ("huber", "loss record must be a dictionary (got 'huber'). Make it with record()."),
        (
            {"delta": 1.0},
            f"loss record: name must be one of {LOSSES.names()} (got None). Make it with record().",
        ),
        (
            {"name": "huber", "delta": 1.0, "a": "x"},
            "loss record 'huber' must have the fields delta (got a, delta). Make it with record().",
        ),
        (
            {"name": "huber"},
            "loss record 'huber' must have the fields delta (got none). Make it with record().",
        ),
        (
            {"name": "poisson", "delta": 1.0},
            "loss record 'poisson' must have the fields none (got delta). Make it with record().",
        ),
        (
            {"name": "huber", "delta": "1"},
            "delta must be a positive finite number (got '1'). Choose a value above 0.",
        ),
    ],
)
def test_the_schema_of_records_is_closed(record, expected):
    assert message(from_record, record, LOSSES) == expected


def test_fields_that_may_be_left_out_are_named_as_such():
    assert message(from_record, {"name": "adam", "beta_1": 0.9}, OPTIMIZERS) == (
        "optimizer record 'adam' must have the fields beta_1, beta_2, epsilon and may have "
        "average, clip_norm (got beta_1). Make it with record()."
    )


@pytest.mark.parametrize("name", [["huber"], {"a": 1}, 3, None, "function", "Huber", "__class__"])
def test_a_record_names_only_what_stands_in_the_table(name):
    assert "name must be one of" in message(from_record, {"name": name}, LOSSES)


CHECKS = [
    # check, its further arguments, accepted, refused, message for the first refused
    (finite, (), [0, -1.5, 3], ["1"], "p must be a finite number (got '1'). Give a finite number."),
    (
        positive,
        (),
        [1e-300, 2, np.float32(1)],
        [0, -1, False],
        "p must be a positive finite number (got 0). Choose a value above 0.",
    ),
    (
        non_negative,
        (),
        [0, 0.0, 5],
        [-1e-300, None],
        "p must be a finite number of at least 0 (got -1e-300). Choose 0 or more.",
    ),
    (
        in_range,
        (0, 1),
        [0, 1, 0.5],
        [np.float64(1.5), -0.1],
        "p must be a number in [0, 1] (got 1.5). Choose a value in that range.",
    ),
    (
        in_range,
        (0, 1, "()"),
        [0.5],
        [0, 1],
        "p must be a number in (0, 1) (got 0). Choose a value in that range.",
    ),
    (
        in_range,
        (0, 1, "(]"),
        [1],
        [0],
        "p must be a number in (0, 1] (got 0). Choose a value in that range.",
    ),
    (
        positive_integer,
        (),
        [1, np.int32(5)],
        [0, 1.0, "1", True, -3],
        "p must be a positive integer (got 0). Choose 1 or more.",
    ),
    (
        one_of,
        (("a", "b"),),
        ["a", "b"],
        ["c", "", None, ["a"]],
        "p must be one of 'a', 'b' (got 'c'). Choose one of these words.",
    ),
]


@pytest.mark.parametrize(("check", "more", "accepted", "refused", "expected"), CHECKS)
def test_checks(check, more, accepted, refused, expected):
    for value in accepted:
        assert check(value, "p", *more) == value
    for value in refused:
        with pytest.raises(InvalidParameterError):
            check(value, "p", *more)
    assert message(check, refused[0], "p", *more) == expected


@pytest.mark.parametrize("check", [finite, positive, non_negative, positive_integer])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1j, None, True, [1], np.ones(1)])
def test_number_checks_refuse_what_is_no_finite_number(check, value):
    with pytest.raises(InvalidParameterError, match=r"^p must be "):
        check(value, "p")


def test_early_stopping_has_a_record_too():
    assert EarlyStopping(scorer="accuracy").record() == {
        "name": "early_stopping",
        "validation_fraction": 0.1,
        "patience": 10,
        "min_delta": 1e-4,
        "scorer": "accuracy",
    }
