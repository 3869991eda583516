"""Order lines to orders, and orders to the behaviour columns (rulings C1, C8, C9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from segmenter import rules
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.steps import orders

AS_OF = date(2026, 6, 30)
DEFAULT = rules.default()
COLUMNS = ("order_id", "customer_id", "ordered_on", "amount", "category", "channel")


def lines(*rows: Sequence[Any], columns: Sequence[str] = COLUMNS) -> Frame:
    found = pd.DataFrame([[*row] for row in rows], columns=[*columns]).astype(object)
    numbers = [name for name in ("amount", "quantity", "unit_price") if name in columns]
    found = found.astype(dict.fromkeys(numbers, float)).assign(ordered_on=pd.to_datetime(found["ordered_on"]))
    return Frame.from_pandas(found.set_axis(pd.Index(range(2, 2 + len(found)), name="row")))


def behaviour(*rows: Sequence[Any], as_of: date = AS_OF) -> pd.DataFrame:
    found = orders.behaviour(orders.tidy(lines(*rows), DEFAULT, "订单").frame, as_of, DEFAULT)
    return found.pandas.set_index("key")


def test_the_lines_of_an_order_are_one_order() -> None:
    row = behaviour(
        ["a", "1", "2026-06-01", 10.0, "茶", "online"],
        ["a", "1", "2026-06-02", 30.0, "酒", "store"],
        ["a", "2", "2026-06-02", 5.0, "酒", "store"],
        ["", "1", "2026-06-03", 1.0, "茶", "online"],
        ["", "1", "2026-06-03", 1.0, "茶", "online"],
    ).loc["1"]
    assert (row["orders"], row["frequency"], row["window_amount"]) == (3, 3, 42)
    assert (row["categories"], row["channel"]) == ("酒、茶", "store")
    assert row["average_order_value"] == 14
    assert row["first_order_date"] == pd.Timestamp(2026, 6, 1)


def test_orders_that_were_pasted_twice_are_told() -> None:
    """And count: whether they are others nobody knows. Two lines of an order may be alike."""
    first = [["a", "1", "2026-06-01", 10.0, "茶", "online"]] * 2 + [["b", "2", "2026-06-02", 5.0, "酒", "store"]]
    none = [["", "3", "2026-06-02", 5.0, "酒", "store"]]
    assert not orders.tidy(lines(*first, *none, *none), DEFAULT, "订单").findings
    other = [["b", "2", "2026-06-02", 7.0, "酒", "store"], ["c", "1", "2026-06-03", 1.0, "茶", "online"]]
    refund = [["d", "1", "2026-06-03", -1.0, "茶", "online"]]
    found = orders.tidy(lines(*first, *none, *refund, *first, *none, *other), DEFAULT, "订单")
    again = next(one for one in found.findings if one.code == "lines_again")
    assert (again.cell, again.params) == ("7:9", {"count": 3, "amount": 25.0})
    assert again.amount_share == pytest.approx(25 / 68)
    assert found.lines_used == 10


def test_only_the_window_counts_for_f_and_m() -> None:
    row = behaviour(
        ["a", "1", "2025-12-30", 100.0, "", ""],
        ["b", "1", "2025-12-31", 20.0, "", ""],
        ["c", "1", "2026-06-30", 30.0, "", ""],
        ["d", "1", "2026-07-01", 999.0, "", ""],
    ).loc["1"]
    assert (row["frequency"], row["window_amount"], row["total_amount"], row["orders"]) == (2, 50, 150, 3)
    assert row["last_order_date"] == pd.Timestamp(AS_OF)
    assert (row["average_order_value"], row["categories"]) == (25, "")


def test_who_bought_only_before_the_window() -> None:
    row = behaviour(["a", "1", "2025-01-01", 100.0, "", ""]).loc["1"]
    assert (row["frequency"], row["window_amount"], row["average_order_value"]) == (0, 0, 100)


def test_ids_in_any_form_are_one_customer() -> None:
    found = behaviour(["a", "C1", "2026-06-01", 1.0, "", ""], ["b", " ｃ１", "2026-06-02", 2.0, "", ""])
    assert found["frequency"].to_dict() == {"c1": 2}


def test_the_top_three_by_what_was_spent() -> None:
    rows = [
        [str(i), "1", "2026-06-01", amount, name, ""]
        for i, (name, amount) in enumerate([("丁", 1.0), ("丙", 2.0), ("乙", 3.0), ("甲", 9.0), ("丁", 5.0)])
    ]
    assert behaviour(*rows).at["1", "categories"] == "甲、丁、乙"


def test_what_comes_to_the_same_amount_is_a_tie() -> None:
    rows = [["a", "1", "2026-06-01", amount, name, ""] for amount, name in ((0.1, "酒"), (0.2, "酒"), (0.3, "茶"))]
    assert behaviour(*rows).at["1", "categories"] == "茶、酒"


def test_refunds_alone_make_nobody_a_customer() -> None:
    netted = DEFAULT._replace(net_refunds=True)
    refund, bought = (["a", "1", "2026-06-01", -5.0, "", ""], ["b", "2", "2026-06-01", 9.0, "", ""])
    for rows, known in (([refund], []), ([refund, bought], ["2"])):
        sold = orders.tidy(lines(*rows), netted, "订单").frame
        assert orders.behaviour(sold, AS_OF, netted)["key"].tolist() == known


def test_lines_that_cannot_count_are_listed_with_their_sum() -> None:
    found = orders.tidy(
        lines(
            ["a", "1", "2026-06-01", 10.0, "", ""],
            ["b", "", "2026-06-01", 7.0, "", ""],
            ["c", "1", None, 8.0, "", ""],
            ["d", "1", "2026-06-01", None, "", ""],
            ["e", "1", "2026-06-01", -3.0, "", ""],
            ["f", "1", "2026-06-01", 0.0, "", ""],
        ),
        DEFAULT,
        "订单",
    )
    assert {one.code: (one.params["count"], one.params["amount"]) for one in found.findings} == {
        "line_without_customer": (1, 7),
        "line_without_date": (1, 8),
        "line_without_amount": (1, 0),
        "refund_left_out": (1, -3),
        "line_of_nothing": (1, 0),
    }
    assert (found.lines_in, found.lines_used) == (6, 1)
    assert {one.cell for one in found.findings} == {"3:3", "4:4", "5:5", "6:6", "7:7"}


def test_quantity_times_price_where_there_is_no_amount() -> None:
    columns = ("order_id", "customer_id", "ordered_on", "quantity", "unit_price")
    table = lines(["a", "1", "2026-06-01", 2.0, 3.5], ["b", "1", "2026-06-01", -1.0, 3.5], columns=columns)
    found = orders.tidy(table, DEFAULT, "订单")
    assert found.frame["amount"].tolist() == [7]
    assert orders.tidy(table, DEFAULT._replace(net_refunds=True), "订单").frame["amount"].tolist() == [7, -3.5]
    both = table.assign(amount=np.array([np.nan, 100.0]))
    assert orders.tidy(both.assign(quantity=np.ones(2)), DEFAULT, "订单").frame["amount"].tolist() == [3.5, 100]
    with pytest.raises(Refused):
        orders.tidy(table.drop("unit_price"), DEFAULT, "订单")


def test_the_data_window_includes_both_its_days() -> None:
    table = lines(*([str(day), "1", f"2026-06-0{day}", 1.0, "", ""] for day in range(1, 6)))
    window = DEFAULT._replace(data_from=date(2026, 6, 2), data_to=date(2026, 6, 4))
    assert orders.tidy(table, window, "订单").frame["order_id"].tolist() == ["2", "3", "4"]


def test_the_two_hours_in_which_most_was_ordered() -> None:
    """003-17, in the bands of 003-56; one order counts once, however many lines it has, and ties go to the earlier."""
    found = orders.tidy(
        lines(
            ["a", "1", "2026-06-01", 1.0, "茶", ""],
            ["a", "1", "2026-06-01", 1.0, "酒", ""],
            ["a", "1", "2026-06-01", 1.0, "米", ""],
            ["b", "1", "2026-06-02", 1.0, "", ""],
            ["c", "1", "2026-06-03", 1.0, "", ""],
            ["d", "2", "2026-06-03", 1.0, "", ""],
            ["e", "2", "2026-06-04", 1.0, "", ""],
            ["f", "3", "2026-06-04", 1.0, "", ""],
        ),
        DEFAULT,
        "订单",
    ).frame
    hours = np.array([9.0, 9.0, 9.0, 20.0, 21.0, 15.0, 8.0, np.nan])
    assert orders.active_hours(found, hours[found.index - 2]) == {"1": "20:00-22:00", "2": "08:00-10:00"}
