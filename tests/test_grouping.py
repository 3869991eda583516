"""Groups of rows, against loops over them one by one."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segmenter import grouping

GROUPS = st.integers(-1, 4)
"""codes; the fifth group often has no row"""
SIZE = 5
AMOUNTS = (
    st.floats(-1e300, 1e300)
    | st.floats(-1e-300, 1e-300)
    | st.sampled_from([0.1, 0.2, 0.3, -0.3, 1e16, -1e16, 1.0, -0.0, math.nan, 5e-324])
    | st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)
)
DAYS = st.sampled_from(["2026-01-02", "1900-01-01", "2026-01-02T03:04:05", "NaT"])
CELLS = st.sampled_from([None, "", "a", "b", "上海"])


def objects(values: list[Any]) -> NDArray[np.object_]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def codes_of(rows: list[tuple[int, Any]]) -> NDArray[np.intp]:
    return np.array([code for code, _ in rows], dtype=np.intp)


def members(rows: list[tuple[int, Any]]) -> list[list[Any]]:
    return [[value for code, value in rows if code == group] for group in range(SIZE)]


@given(st.lists(st.tuples(CELLS, CELLS, st.integers(0, 2))))
def test_rows_alike_in_every_column(rows: list[tuple[Any, ...]]) -> None:
    met: dict[tuple[Any, ...], int] = {}
    wanted = [met.setdefault(row, len(met)) for row in rows]
    columns = [objects([row[n] for row in rows]) for n in (0, 1)]
    codes, size = grouping.alike(*columns, np.array([row[2] for row in rows], dtype=np.int64))
    assert (codes.tolist(), size) == (wanted, len(met))
    assert grouping.firsts(codes, size).tolist() == [wanted.index(code) for code in range(size)]


def test_more_combinations_than_a_number_holds() -> None:
    column = objects([str(n) for n in range(600)])
    columns = [column, column[::-1], *([column] * 6)]
    codes, size = grouping.alike(*[np.append(one, one) for one in columns])
    assert (codes.tolist(), size) == ([*range(600)] * 2, 600)


@given(st.lists(CELLS), st.lists(st.sampled_from(["", "a", "b", "上海"]), unique=True))
def test_where_a_value_stands(wanted: list[Any], among: list[Any]) -> None:
    found = grouping.places(objects(wanted), objects(among))
    assert found.tolist() == [among.index(one) if one in among else -1 for one in wanted]


@given(st.lists(st.tuples(GROUPS, st.none())))
def test_how_many(rows: list[tuple[int, None]]) -> None:
    assert grouping.counts(codes_of(rows), SIZE).tolist() == [*map(len, members(rows))]


@given(st.lists(st.tuples(GROUPS, AMOUNTS)), st.randoms())
def test_sums_are_exact_and_the_same_in_any_order(rows: list[tuple[int, float]], random: Any) -> None:
    sums = [float(sum(map(Fraction, (one for one in mine if one == one)))) for mine in members(rows)]
    for _ in range(2):
        found = grouping.sums(codes_of(rows), np.array([amount for _, amount in rows], dtype=np.float64), SIZE)
        if all(abs(amount) < 1e280 for _, amount in rows):
            assert found.tolist() == sums
        else:
            assert found == pytest.approx(sums)
        random.shuffle(rows)


def test_many_rows_do_not_round() -> None:
    amounts = np.tile([0.1, 1e9, -1e9 + 1e-7, 3e-12], 50_000)
    wanted = float(sum(map(Fraction, amounts[:4].tolist())) * 50_000)
    assert grouping.sums(np.zeros(len(amounts), dtype=np.intp), amounts, 1).tolist() == [wanted]


def test_amounts_beyond_what_a_number_holds() -> None:
    found = grouping.sums(np.array([0, 0, 1, 2]), np.array([1.7e308, 1.7e308, math.inf, 5.0]), 3)
    assert found.tolist() == [math.inf, math.inf, 5]
    assert grouping.total(np.array([math.inf, 1.0])) == math.inf


@given(st.lists(st.decimals(-(10**6), 10**6, places=3)))
def test_a_total_is_what_the_amounts_come_to_in_decimals(amounts: list[Decimal]) -> None:
    found = grouping.total(np.array([*map(float, amounts)], dtype=np.float64))
    assert found == float(sum(amounts))


@given(st.lists(st.tuples(GROUPS, DAYS)))
def test_the_first_and_the_last_day(rows: list[tuple[int, str]]) -> None:
    codes, days = codes_of(rows), np.array([day for _, day in rows], dtype="datetime64[s]")
    for of, pick in ((grouping.earliest, min), (grouping.latest, max)):
        known = [[np.datetime64(day, "s") for day in mine if day != "NaT"] for mine in members(rows)]
        wanted = [str(pick(mine)) if mine else "NaT" for mine in known]
        assert [*map(str, of(codes, days, SIZE))] == wanted


@given(st.lists(st.floats(-1e300, 1e300) | st.integers(0, 12000).map(lambda n: n / 100), min_size=1))
def test_the_median_is_numpy_s(numbers: list[float]) -> None:
    assert grouping.median(np.array(numbers)) == float(np.median(numbers))
