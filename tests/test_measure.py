"""R, F and M of each customer from what was typed or ordered (rulings C1, C8-C10), and whom the scope names."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from segmenter import rules
from segmenter.frames import Frame
from segmenter.steps import measure

AS_OF = date(2026, 6, 30)
DEFAULT = rules.default()


def cell(row: int, key: str) -> str:
    return f"{key}:{row}"


def measured(as_of: date | None = AS_OF, **columns: Any) -> measure.Step:
    """One customer with these columns."""
    frame = pd.DataFrame({"customer_id": ["1"], **{key: [value] for key, value in columns.items()}}, index=[2])
    return measure.measure(Frame.from_pandas(frame), as_of, DEFAULT, "客户", cell)


@pytest.mark.parametrize(
    ("columns", "monetary"),
    [
        ({"frequency": 12.0, "average_order_value": 350.0, "total_amount": 4200.0}, 4200),
        ({"frequency": 2.0, "average_order_value": 150.0, "total_amount": 9000.0}, 300),
        ({"frequency": 2.0, "average_order_value": 150.0, "window_amount": 280.0, "total_amount": 300.0}, 280),
        ({"frequency": 3.0, "average_order_value": 33.33, "total_amount": 100.0}, 99.99),
        ({"frequency": 3.0, "total_amount": 90.0}, 90),
        ({"frequency": 0.0, "average_order_value": 150.0, "total_amount": 900.0}, 0),
    ],
)
def test_m_is_what_is_said_or_orders_times_their_value_or_the_total(columns: dict[str, float], monetary: float) -> None:
    frame, _, gone = measured(**columns, days_since_last_order=5.0)
    assert not gone
    assert frame["monetary"].tolist() == [pytest.approx(monetary)]


@pytest.mark.parametrize(("total", "gone"), [(4200.0, False), (4190.0, False), (4100.0, True)])
def test_a_total_may_fall_short_by_rounding_only(total: float, gone: bool) -> None:
    columns = {"frequency": 12.0, "average_order_value": 350.0, "days_since_last_order": 5.0}
    assert bool(measured(**columns, total_amount=total)[2]) == gone


def test_a_product_too_large_for_a_number_is_not_known() -> None:
    columns = {"frequency": 1e200, "average_order_value": 1e200, "days_since_last_order": 5.0}
    assert measured(**columns)[2] == {2: "amount_unknown"}
    frame, found, _ = measured(**columns, total_amount=90.0)
    assert frame["monetary"].tolist() == [90] and [one.code for one in found] == ["amount_from_total"]


def test_the_date_comes_before_the_days() -> None:
    both = {"last_order_date": pd.Timestamp(2026, 6, 29), "days_since_last_order": 50.0}
    assert measured(**both, frequency=1.0, total_amount=1.0)[0]["recency_days"].tolist() == [1]
    neither = {"last_order_date": pd.NaT, "days_since_last_order": 50.0}
    assert measured(**neither, frequency=1.0, total_amount=1.0)[0]["recency_days"].tolist() == [50]


def test_days_need_no_as_of_date() -> None:
    frame, found, gone = measured(None, days_since_last_order=5.0, frequency=0.0, total_amount=0.0)
    assert (frame["recency_days"].tolist(), found, gone) == ([5], [], {})


def test_the_first_reason_is_the_reason() -> None:
    gone = measured(days_since_last_order=-1.0, frequency=np.nan, total_amount=5.0)[2]
    assert gone == {2: "future_date"}
