"""Table 3's figures and advice (rulings C16, C18; items 003-103..106)."""

from __future__ import annotations

import statistics

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter import rules, wording
from segmenter.frames import Frame
from segmenter.steps import plan, segment

DEFAULT = rules.default()
NAMES = wording.segment_names(DEFAULT, "zh")


def segments(**customers: int) -> Frame:
    """The summary of so many customers a segment, each with 10 in 2 orders."""
    rows = [key for key, count in customers.items() for _ in range(count)]
    frame = Frame.from_pandas(
        pd.DataFrame(
            {"segment": pd.Series(rows, dtype=object), "monetary": 10.0, "frequency": 2.0, "recency_days": 5.0}
        )
    )
    return plan.summarise(frame, segment.members(frame), DEFAULT, NAMES)


def test_the_summary_has_every_segment_and_adds_up() -> None:
    found = segments(high_value=1, no_recency=3).pandas.set_index("segment")
    assert [*found.index] == [*(one.key for one in DEFAULT.segments), "no_recency"]
    assert found.loc["high_value", ["customers", "amount", "orders", "customer_share"]].tolist() == [1, 10, 2, 0.25]
    assert found["amount_share"].sum() == found["customer_share"].sum() == 1
    assert found["average_order_value"].dropna().tolist() == [5, 5]


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 9)), min_size=1))
def test_sums_are_those_of_the_cents_in_whatever_order(people: list[tuple[int, int]]) -> None:
    def summary(rows: list[tuple[int, int]]) -> pd.Series:
        cents, orders = zip(*rows, strict=True)
        amounts = [one / 100 for one in cents]
        rows = {"segment": "new", "monetary": amounts, "frequency": orders, "recency_days": 5.0}
        frame = Frame.from_pandas(pd.DataFrame(rows))
        found = plan.summarise(frame, segment.members(frame), DEFAULT, NAMES)
        return found.pandas.set_index("segment").loc["new"]

    found, turned = summary(people), summary(people[::-1])
    assert found.equals(turned)
    assert found["amount"] == pytest.approx(sum(cents for cents, _ in people) / 100, rel=1e-15, abs=1e-9)
    assert found["median_frequency"] == statistics.median(orders for _, orders in people)
    assert [found[key] for key in ("buyers", "repeat_buyers")] == [
        sum(orders >= least for _, orders in people) for least in (1, 2)
    ]


@pytest.mark.parametrize(
    ("counts", "proposed"),
    [
        ({"low_value": 360, "dormant": 39}, {}),
        ({"low_value": 360, "dormant": 40}, {"dormant": "low_value"}),
        ({"low_value": 40, "dormant": 300, "at_risk": 100}, {"low_value": "dormant"}),
        ({"low_value": 40, "at_risk": 300, "potential": 100}, {"low_value": "at_risk"}),
        ({"high_value": 49, "low_value": 400}, {"high_value": "low_value"}),
        ({"high_value": 50, "low_value": 400}, {}),
        ({"high_value": 10, "no_recency": 500}, {}),
        ({"low_value": 500}, {}),
    ],
)
def test_small_groups_are_proposed_to_join_one_that_has_customers(
    counts: dict[str, int], proposed: dict[str, str]
) -> None:
    assert plan.small_segments(plan.lines(segments(**counts)), DEFAULT) == proposed


def test_advice_on_the_number_of_segments() -> None:
    def said(using: rules.Rules, **counts: int) -> list[str]:
        return [one.code for one in plan.merge((), plan.lines(segments(**counts)), using, "zh")[1]]

    assert said(DEFAULT, low_value=500) == ["segments_few"]
    assert said(DEFAULT, low_value=100, high_value=100, at_risk=100, potential=100, new=100) == []
    assert said(DEFAULT._replace(segments_min=1, segments_max=1), low_value=50, high_value=50) == ["segments_many"]


def test_only_groups_with_customers_get_a_row_of_their_own() -> None:
    found, _ = plan.merge((), plan.lines(segments(at_risk=2, no_recency=1)), DEFAULT, "en")
    (row,) = found
    assert [row[key] for key in ("segment", "owner")] == ["Customers at risk", "*Marketing specialist C"]
    assert row["customer_share"] == pytest.approx(2 / 3) and row["start_on"] is row["outcome"] is None
