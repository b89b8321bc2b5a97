"""Times of a table: dates in text, the cycles of a year, a week and a day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from deltarule.exceptions import TableError, TableWarning
from deltarule.tables import Column, ColumnPlan
from deltarule.tables.times import are_dates, parsed, turns


@pytest.mark.parametrize(
    ("word", "moment"),
    [
        ("2024-02-29", dt.datetime(2024, 2, 29)),
        ("2024-03", dt.datetime(2024, 3, 1)),
        (" 2024-02-29 ", dt.datetime(2024, 2, 29)),
        ("2024-02-29 23:59", dt.datetime(2024, 2, 29, 23, 59)),
        ("2024-02-29T23:59:58.25", dt.datetime(2024, 2, 29, 23, 59, 58, 250000)),
        ("2024-02-29T23:59:58.123456789", dt.datetime(2024, 2, 29, 23, 59, 58, 123456)),
        ("2024-02-29T23:59Z", dt.datetime(2024, 2, 29, 23, 59)),
        ("2024-02-29T23:59-01:00", dt.datetime(2024, 3, 1, 0, 59)),
        ("2024-02-29 01:00:00+0200", dt.datetime(2024, 2, 28, 23)),
        ("0001-01-01", dt.datetime(1, 1, 1)),
        ("0001-01-01T00:00+01:00", None),
        ("2023-02-29", None),
        ("2024-13-01", None),
        ("24-02-29", None),
        ("29.2.2024", None),
        ("20240229", None),
        ("2024", None),
        ("now", None),
        ("NaT", None),
        ("", None),
        (None, None),
    ],
)
def test_a_word_as_a_time(word, moment):
    assert parsed([word]).tolist() == [moment]
    # Beside others it is read by another way, and must be the same.
    assert parsed(["2000-01-01", word, "x", None]).tolist() == [
        dt.datetime(2000, 1, 1),
        moment,
        None,
        None,
    ]
    assert parsed(["2000-01-01", word])[1:].tolist() == [moment]


def test_a_column_is_of_dates_where_nearly_all_are():
    days = [f"2024-01-{day:02}" for day in range(1, 31)]
    assert are_dates(days)
    assert are_dates([*days, "unknown"])
    assert not are_dates([*days, "unknown", "none"])
    assert not are_dates(["x", "2024-01-01"])
    assert not are_dates(["1234-05", "0815-11", "2024-01"])
    assert not are_dates([])


def test_cycles_against_the_standard_library():
    generator = np.random.default_rng(0)
    times = np.datetime64("1650-01-01", "us") + generator.integers(0, 2 * 10**16, 300)
    for moment, month, weekday, hour in zip(
        times.tolist(),
        *(turns(times, cycle) for cycle in ("month", "weekday", "hour")),
        strict=True,
    ):
        assert month * 12 == pytest.approx(moment.month - 1)
        assert weekday * 7 == pytest.approx(moment.weekday())
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        assert hour == pytest.approx((moment - midnight) / dt.timedelta(days=1))


def test_a_column_of_times_by_hand():
    """Five days at noon from Monday on: the weekday differs, month and hour do not."""
    cells = [f"2024-01-0{day} 12:00" for day in range(1, 6)]
    plan = ColumnPlan.fit({"day": cells})
    noon = dt.datetime(2024, 1, 3, 12, tzinfo=dt.UTC).timestamp()
    assert plan.columns == (
        Column("day", "datetime", False, noon, noon, 2 * 86400.0, cycles=("weekday",)),
    )
    assert plan.inputs == ("day", "sin of weekday of day", "cos of weekday of day")
    assert plan.kinds_of_inputs == ("numeric", "cyclic", "cyclic")
    u, angle = 1.0, 2 * np.pi * 4 / 7  # two days after the middle, a Friday
    expected = [u / np.hypot(1, u / 3), np.sin(angle), np.cos(angle)]
    np.testing.assert_allclose(plan.transform({"day": cells[4:]}), [expected], rtol=1e-6)
    times = np.array(cells, "M8[s]")
    assert np.array_equal(plan.transform({"day": times}), plan.transform({"day": cells}))
    assert plan == ColumnPlan.fit({"day": times})


def test_a_missing_time_is_the_middle_one_on_no_circle():
    plan = ColumnPlan.fit({"t": ["2024-01-01 01:00", None, "2024-02-03 07:00", "2024-03-01 09:00"]})
    assert plan.inputs[-1] == "t is missing"
    assert plan.transform({"t": [None]}).tolist() == [[0.0] * 7 + [1.0]]
    assert plan.transform({"t": [np.nan]}).tolist() == [[0.0] * 7 + [1.0]]


def test_what_is_no_date_counts_as_missing_and_is_counted():
    days = [f"2024-01-{1 + place % 28:02}" for place in range(60)]
    cells = [*days, "0001-01-01", "9999-12-31", "unknown"]
    plan = ColumnPlan.fit({"t": cells})
    assert (plan.columns[0].kind, plan.columns[0].missing) == ("datetime", True)
    with pytest.warns(TableWarning) as caught:
        inputs = plan.transform({"t": cells})
    assert [str(warning.message) for warning in caught] == [
        (
            "column 't': 3 cells are no date from 1600 to 2400, for example '0001-01-01' in row "
            "61; "
            "taken as missing."
        )
    ]
    assert inputs[:, -1].tolist() == [0] * 60 + [1] * 3
    with pytest.warns(TableWarning, match="1 cell is no date from 1600 to 2400, for example '99"):
        plan.transform({"t": np.array(["9999-12-31"], "M8[us]")})


def test_numbers_where_training_had_times():
    plan = ColumnPlan.fit({"t": ["2024-01-01", "2024-01-02"]})
    with pytest.raises(TableError) as caught:
        plan.transform({"t": [np.nan, 3.5]})
    assert str(caught.value) == (
        "column 't' must hold dates or times (got 3.5 in row 2). Write them as 2024-01-31 or "
        "2024-01-31 10:30."
    )


def test_times_where_training_had_numbers():
    plan = ColumnPlan.fit({"t": [1.0, 2.0, 5.0]})
    with pytest.raises(TableError) as caught:
        plan.transform({"t": np.array(["2024-01-01"], "M8[us]")})
    assert str(caught.value) == (
        "column 't' must hold numbers (got '2024-01-01' in row 1). Correct the cell or leave it "
        "empty."
    )


def test_times_can_be_taken_as_categories():
    times = np.array(["2024-01-01", "2024-01-02"] * 9, "M8[us]")
    plan = ColumnPlan.fit({"t": times}, categorical=["t"])
    assert plan.columns[0].categories == ("2024-01-01", "2024-01-02")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["2024-01-01"] * 5, "the same in every row"),
        (np.array(["NaT"] * 5, "M8[us]"), "empty"),
        (np.array(["0001-01-01"] * 5, "M8[us]"), "without a date from 1600 to 2400"),
    ],
)
def test_times_that_say_nothing(cells, reason):
    (column,) = ColumnPlan.learn({"t": cells}).columns
    assert (column.kind, column.reason) == ("ignored", reason)
