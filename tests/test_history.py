"""The lines of 细分历史 by themselves."""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256
from typing import Any

import pandas as pd
import pytest

from segmenter import rules, schema, wording
from segmenter.frames import Frame
from segmenter.steps import history, metrics, plan, segment

DEFAULT = rules.default()
DAY = date(2026, 6, 30)


def lines(day: date = DAY, **segments: list[tuple[float, float]]) -> Frame:
    """The lines for customers given as (orders, amount) by segment."""
    rows = [(key, f, m) for key, people in segments.items() for f, m in people]
    known = pd.DataFrame(rows, columns=["segment", "frequency", "monetary"]).assign(recency_days=5.0)
    customers = Frame.from_pandas(known.astype({"frequency": float, "monetary": float}))
    members = segment.members(customers)
    found = plan.summarise(customers, members, DEFAULT, wording.segment_names(DEFAULT, "zh"))
    return history.lines(found, DEFAULT, day, None)


def test_a_line_holds_what_the_segment_came_to() -> None:
    found = lines(high_value=[(6, 3000), (1, 3000), (0, 0)], new=[(0, 0)]).pandas.set_index("segment")
    best = found.loc["高价值客户"]
    assert [best[key] for key in ("customers", "amount", "average_order_value")] == [3, 6000, pytest.approx(857.14)]
    assert best["frequency"] == pytest.approx(7 / 3, abs=1e-4)
    assert best["repurchase_rate"] == 0.5  # of two who ordered at all, one came back (C21)
    assert pd.isna(found.loc["新客户", "repurchase_rate"]) and found.loc["潜力客户", "customers"] == 0
    assert [*found.columns.union(["segment"])] == sorted(field.key for field in schema.table("history").fields)


def test_a_day_is_replaced_and_nothing_else() -> None:
    june, july = lines(high_value=[(6, 3000)]), lines(date(2026, 7, 31), high_value=[(6, 5000)])
    both = history.joined(june, july, date(2026, 7, 31))
    assert len(both) == len(june) + len(july)
    again = history.joined(both, lines(high_value=[(7, 9000)]), DAY)
    assert len(again) == len(both)
    kept = again.at([row for row, day in enumerate(history.days(again)) if day == date(2026, 7, 31)])
    pd.testing.assert_frame_equal(kept.pandas.reset_index(drop=True), july.pandas, check_dtype=False, check_names=False)
    assert history.figures(history.before(again, date(2026, 7, 31)), DEFAULT)["high_value"] == (1.0, 9000.0, 7.0)
    assert history.figures(history.before(again, DAY), DEFAULT) == {}


def test_days_as_people_leave_them() -> None:
    assert history.day_in(datetime(2026, 6, 30, 12)) == history.day_in("2026年6月30日") == DAY
    assert history.day_in("下周") is None and history.day_in(None) is None


def test_the_fingerprint_follows_what_decides() -> None:
    mark = history.fingerprint(DEFAULT)
    assert mark == sha256(b"[]").hexdigest()[:8]  # as for any rules: of what they change, which is nothing
    assert mark == history.fingerprint(DEFAULT._replace(version="x", goal="y", history=False))
    for other in (
        DEFAULT._replace(recency_bins=(60.0, 90.0, 180.0)),
        DEFAULT._replace(net_refunds=True),
        DEFAULT._replace(segments=DEFAULT.segments[1:]),
        DEFAULT._replace(window_months=3),
    ):
        assert history.fingerprint(other) != mark


@pytest.mark.parametrize(
    ("cell", "known"),
    [
        (0.5, 0.5),
        (3, 3.0),
        ("0.5", 0.5),
        (" 1e3 ", 1000.0),
        ("缺", None),
        (None, None),
        ("nan", None),
        ("1_0", None),
        ("２０", None),
    ],
)
def test_what_a_rise_is_measured_against_is_a_number(cell: Any, known: float | None) -> None:
    line = metrics.Line(DAY, "new", {"amount": cell})
    data = metrics.Data(Frame({}), {}, {}, DEFAULT, date(2026, 7, 31), lines=[line])
    assert metrics.baseline(data, "amount", "new", None) == known
    assert metrics.baseline(data, "amount", "other", None) is metrics.baseline(data, "orders", "new", None) is None
