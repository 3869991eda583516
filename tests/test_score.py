"""Bins, labels, digits and segments, at every edge (rulings C2-C5, C7, C9-C11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter import rules, wording
from segmenter.frames import Frame
from segmenter.matching import Match, Segment
from segmenter.rules import CODES, LEVELS, Rules
from segmenter.steps import score, segment

NAN = float("nan")
DEFAULT = rules.default()


def scored(rows: Sequence[Sequence[float]], using: Rules = DEFAULT, **more: Any) -> Frame:
    frame = pd.DataFrame(np.array(rows, dtype=float).reshape(-1, 3), columns=["recency_days", "frequency", "monetary"])
    frame = frame.assign(without_orders=frame["recency_days"].isna() & (frame["frequency"] == 0), **more)
    return segment.assign(score.score(Frame.from_pandas(frame), using), using)


@pytest.mark.parametrize(
    ("days", "position", "label"),
    [
        (0, 0, "high"),
        (30, 0, "high"),
        (31, 1, "low"),
        (90, 1, "low"),
        (91, 2, "low"),
        (180, 2, "low"),
        (181, 3, "low"),
        (NAN, -1, ""),
    ],
)
def test_recency(days: float, position: int, label: str) -> None:
    (row,) = scored([[days, 1, 1]]).records()
    assert (row["r_bin"], row["r_label"]) == (position, label)


@pytest.mark.parametrize(
    ("count", "position", "label"),
    [
        (10, 0, "high"),
        (9, 1, "mid"),
        (5, 1, "mid"),
        (4, 2, "low"),
        (2, 2, "low"),
        (1, 3, "low"),
        (0, 3, "low"),
        (NAN, -1, ""),
    ],
)
def test_frequency(count: float, position: int, label: str) -> None:
    (row,) = scored([[1, count, 1]]).records()
    assert (row["f_bin"], row["f_label"]) == (position, label)


@pytest.mark.parametrize(
    ("amount", "position", "label"),
    [
        *((5000, 0, "high"), (4999.99, 1, "high"), (2000, 1, "high"), (1999.99, 2, "mid"), (1000, 2, "mid")),
        *((999.99, 3, "low"), (0, 3, "low"), (-50, 3, "low"), (NAN, -1, "")),
    ],
)
def test_monetary(amount: float, position: int, label: str) -> None:
    (row,) = scored([[1, 1, amount]]).records()
    assert (row["m_bin"], row["m_label"]) == (position, label)


@pytest.mark.parametrize(
    ("code", "key"),
    [
        *(("111", "high_value"), ("110", "price_sensitive"), ("101", "potential"), ("100", "potential")),
        *(("011", "at_risk"), ("001", "at_risk"), ("010", "dormant"), ("000", "low_value")),
    ],
)
def test_the_eight_codes_and_their_segments(code: str, key: str) -> None:
    (row,) = scored(
        [[1 if code[0] == "1" else 99, 5 if code[1] == "1" else 4, 1000 if code[2] == "1" else 999]]
    ).records()
    assert (row["code"], row["segment"]) == (code, key)


def test_without_a_code_only_who_never_bought_has_a_segment() -> None:
    assert scored([[NAN, 0, 0], [NAN, 3, 30]])["segment"].tolist() == ["new", "no_recency"]


def test_conditions_on_a_column_of_any_kind() -> None:
    def using(column: str, value: str) -> Rules:
        own = Segment("own", (Match("???", column, value),), {"zh": "自定", "en": "Own"})
        return DEFAULT._replace(segments=(own, DEFAULT.segments[-1]))

    rows = [[99, 1, 1], [99, 1, 1]]
    for column, value, held in (
        ("price_sensitivity", "sensitive", ["sensitive", ""]),
        ("region", "上海", ["上海", "上海市"]),
        ("age", "28", [28.0, NAN]),
        ("registered_on", "2026-01-02", pd.to_datetime(["2026-01-02", None])),
    ):
        assert scored(rows, using(column, value), **{column: held})["segment"].tolist() == ["own", "low_value"]
    for column, value, held in (
        ("age", "2_8", [28.0, NAN]),
        ("age", "２８", [28.0, NAN]),
        ("registered_on", "NaT", pd.to_datetime(["2026-01-02", None])),
    ):
        assert scored(rows, using(column, value), **{column: held})["segment"].tolist() == ["low_value"] * 2
    assert scored(rows, using("income", "高"))["segment"].tolist() == ["low_value"] * 2, "a column that is not there"


@st.composite
def any_rules(draw: st.DrawFn) -> Rules:
    """Rules that can be: bins, labels and segments at random, the last taking the rest."""
    changes: dict[str, Any] = {}
    for name, rising in (("recency", True), ("frequency", False), ("monetary", False)):
        bins = draw(st.lists(st.integers(1, 500), min_size=1, max_size=4, unique=True).map(sorted))
        changes[f"{name}_bins"] = tuple(float(one) for one in (bins if rising else bins[::-1]))
        levels = st.lists(st.sampled_from(LEVELS), min_size=len(bins) + 1, max_size=len(bins) + 1)
        changes[f"{name}_labels"] = tuple(draw(levels))
    patterns = draw(st.lists(st.text("01?", min_size=3, max_size=3), max_size=6))
    own = [Segment(f"s{i}", (Match(one),), {"zh": f"群{i}", "en": f"S{i}"}) for i, one in enumerate(patterns)]
    rest = Segment("rest", (Match("???"),), {"zh": "其余", "en": "Rest"})
    return DEFAULT._replace(**changes, segments=(*own, rest))


VALUES = st.tuples(st.integers(0, 600), st.integers(0, 600), st.floats(-10, 600))


@given(any_rules(), st.lists(VALUES, min_size=1, max_size=30))
def test_everybody_is_in_exactly_one_segment_whatever_the_rules(
    using: Rules, rows: list[tuple[float, float, float]]
) -> None:
    found = scored(rows, using)
    assert set(found["code"]) <= set(CODES)
    for code, key in zip(found["code"], found["segment"], strict=True):
        fits = [
            one.key
            for one in using.segments
            if all(p in ("?", d) for p, d in zip(one.match[0].code, code, strict=True))
        ]
        assert key == fits[0], "the first that matches"


@given(any_rules(), VALUES)
def test_the_words_for_bins_are_as_many_as_the_bins(using: Rules, row: tuple[float, float, float]) -> None:
    (found,) = scored([row], using).records()
    for name, words in (("r", wording.r_bins), ("f", wording.f_bins), ("m", wording.m_bins)):
        for lang in ("zh", "en"):
            assert len(words(using, lang)) == len(set(words(using, lang)))
            assert words(using, lang)[found[f"{name}_bin"]]


@given(VALUES, VALUES)
def test_more_is_never_worse(one: tuple[float, float, float], other: tuple[float, float, float]) -> None:
    rank = {"low": 0, "mid": 1, "high": 2}
    found = scored([one, other])
    for column, name, better in (("recency_days", "r", -1), ("frequency", "f", 1), ("monetary", "m", 1)):
        values, labels = found[column] * better, [*map(rank.__getitem__, found[f"{name}_label"])]
        assert (values[0] - values[1]) * (labels[0] - labels[1]) >= 0


def test_bins_in_words() -> None:  # 003-41..43
    assert wording.r_bins(DEFAULT, "zh") == ["近30天", "31-90天", "91-180天", "180天以上"]
    assert wording.f_bins(DEFAULT, "zh") == ["≥10次", "5-9次", "2-4次", "1次及以下"]
    assert wording.m_bins(DEFAULT, "zh") == ["≥5000元", "2000-4999元", "1000-1999元", "<1000元"]
    assert wording.f_bins(DEFAULT._replace(frequency_bins=(6.0, 5.0, 2.0)), "zh")[1] == "5次"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(4200.0, "4200"), (1999.5, "1999.5"), (0.12345, "0.1235"), (-3.0, "-3"), (1e15, "1000000000000000")],
)
def test_numbers_in_cells(value: float, shown: str) -> None:
    assert wording.number(value) == shown


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.decimals(-1000, 1000, places=5).map(float)))
def test_many_numbers_at_once(values: list[float]) -> None:
    assert wording.numbers(np.array(values, dtype=float)) == [*map(wording.number, values)]
