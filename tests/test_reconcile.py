"""Totals that must agree (003-24)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
    expected = {"typed": 180, "ordered": 165, "difference": 15, "differ": 1, "without": 1, "unknown": 1}
    assert found.params == pytest.approx(expected)
    # 15 = 5 (customer 2) + 30 (customer 3 has no orders) - 20 (orders of a stranger)
    assert "相差+15.00" in found.message("zh") and "+15.00" in found.message("en")


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
