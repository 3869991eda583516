"""Columns as the steps pass them on: the distinct values of a few and of many are found in two ways."""

import math
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter import frames

NOTHING = [None, math.nan, float("nan"), np.float64("nan")]
CELLS = st.sampled_from(
    [*NOTHING, "", "1", "上海", " 上海", "nan", "None", 1.0, 0.0, -0.0, 2.5, 1e300, math.inf, True, False]
) | st.sampled_from([date(2026, 1, 2), datetime(2026, 1, 2), datetime(2026, 1, 2, 3), 7, 10**20])
DAYS = st.sampled_from(["2026-01-02", "1900-01-01", "2026-01-02T03:04:05", "NaT"])


def objects(values):
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


ARRAYS = {
    "anything": st.lists(CELLS).map(objects),
    "texts": st.lists(st.text(max_size=2) | st.none()).map(objects),
    "numbers": st.lists(st.sampled_from([0.0, -0.0, 1.5, math.nan, math.inf, -math.inf])).map(
        lambda values: np.array(values, dtype=np.float64)
    ),
    "whole numbers": st.lists(st.integers(-3, 3)).map(lambda values: np.array(values, dtype=np.int64)),
    "places": st.lists(st.integers(0, 3)).map(lambda values: np.array(values, dtype=np.int32)),
    "truths": st.lists(st.booleans()).map(lambda values: np.array(values, dtype=np.bool_)),
    "days": st.lists(DAYS).map(lambda values: np.array(values, dtype="datetime64[s]")),
}


def found(values, many):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "_MANY", many)
        return frames.distinct(values)


@pytest.mark.parametrize("kind", ARRAYS)
@settings(deadline=None)  # the first of many imports pandas
@given(data=st.data())
def test_few_and_many_values_are_told_apart_alike(kind, data):
    values = data.draw(ARRAYS[kind])
    few, many = found(values, 1 << 30), found(values, 0)
    for codes, distinct in (few, many):
        assert codes.dtype == np.intp
        assert distinct.dtype == values.dtype
        assert codes.shape == values.shape
        missing = [value is None or value != value for value in values.tolist()]
        assert (codes == -1).tolist() == missing
        known = values[codes >= 0]
        assert distinct[codes[codes >= 0]].tolist() == known.tolist()
        assert [*dict.fromkeys(codes[codes >= 0].tolist())] == [*range(len(distinct))]
    assert few[0].tolist() == many[0].tolist()
    assert [*map(repr, few[1].tolist())] == [*map(repr, many[1].tolist())]
