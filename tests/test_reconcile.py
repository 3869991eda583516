"""Totals that must agree (003-24)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter import rules
from segmenter.frames import Frame
from segmenter.steps import reconcile

DEFAULT = rules.default()
TYPED = Frame.from_pandas(pd.DataFrame({"key": ["1", "2", "3", "4"], "total_amount": [100.0, 50.0, 30.0, None]}))


def computed(**totals: float) -> Frame:
    rows = [(key[1:], float(total)) for key, total in totals.items()]
    return Frame.from_pandas(pd.DataFrame(rows, columns=["key", "total_amount"]))


def test_the_sheet_against_the_orders() -> None:
    (found,) = reconcile.check(TYPED, computed(c1=100, c2=45, c9=20), DEFAULT, "客户", "设置", "J")
    assert found.cell == "J:J"
    expected = {"typed": 180, "ordered": 165, "difference": 15, "differ": 1, "without": 1, "blank": 0, "unknown": 1}
    parts = {"differ_amount": 5, "without_amount": 30, "blank_amount": 0, "unknown_amount": -20}
    assert found.params == pytest.approx(expected | parts)
    # 15 = 5 (customer 2) + 30 (customer 3 has no orders) - 20 (orders of a stranger)
    assert "相差+15.00" in found.message("zh") and "+15.00" in found.message("en")


def test_a_customer_with_orders_and_no_amount_is_a_part_of_the_difference() -> None:
    (found,) = reconcile.check(TYPED, computed(c1=100, c2=45, c3=30, c4=2401), DEFAULT, "客户", "设置", "J")
    assert (found.params["differ"], found.params["blank"], found.params["unknown"]) == (1, 1, 0)
    said = "相差-2,396.00：1位客户金额不一致（+5.00），0位有金额而没有订单（+0.00），1位有订单而没有填金额（-2,401.00）"
    assert said in found.message("zh") and "with orders and no amount 1 (-2,401.00)" in found.message("en")


amounts = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-999, 9999).map(lambda one: round(one, 3)), min_size=1)


@given(amounts.flatmap(lambda one: st.tuples(st.just(one), st.sets(st.sampled_from([*one])))), amounts)
def test_every_difference_has_its_reason(known: tuple[dict[str, float], set[str]], orders: dict[str, float]) -> None:
    typed, blank = known
    rows = [(key, np.nan if key in blank else total) for key, total in typed.items()]
    sheet = Frame.from_pandas(pd.DataFrame(rows, columns=["key", "total_amount"]))
    for found in reconcile.check(sheet, computed(**{f"c{key}": m for key, m in orders.items()}), DEFAULT, "", "", "J"):
        parts = sum(one for name, one in found.params.items() if name.endswith("_amount"))
        assert parts == pytest.approx(found.params["difference"], abs=0.021)


def test_nothing_is_said_where_they_agree() -> None:
    assert reconcile.check(TYPED, computed(c1=100, c2=50, c3=30.004), DEFAULT, "客户", "设置", "J") == []
    assert reconcile.check(TYPED, None, DEFAULT, "客户", "设置", "J") == []
    blank = TYPED.assign(total_amount=np.full(4, np.nan))
    assert reconcile.check(blank, computed(c1=100), DEFAULT, "客户", "设置", "J") == []


@pytest.mark.parametrize(("control", "off"), [(0, None), (165, None), (165.01, -0.01), (200, -35)])
def test_the_control_total_is_held_against_the_orders(control: float, off: float | None) -> None:
    using = DEFAULT._replace(control_total=control)
    found = reconcile.check(TYPED, computed(c1=100, c2=45, c9=20), using, "客户", "设置", "J")[1:]
    assert [one.code for one in found] == ["reconcile_control"] * (off is not None)
    if off is not None:
        assert found[0].sheet == "设置" and found[0].params["difference"] == pytest.approx(off)


def test_without_orders_it_is_held_against_the_sheet() -> None:
    (found,) = reconcile.check(TYPED, None, DEFAULT._replace(control_total=181), "客户", "设置", "J")
    assert found.params["total"] == 180
