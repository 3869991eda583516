"""Order rows to the behaviour columns of the customers table (documents 003, 001; rulings C1, C8, C9)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.reading import values
from segmenter.rules import Rules, months_before

if TYPE_CHECKING:
    from pandas import DataFrame, Series

TOP: Final = 3
"""品类偏好(TOP3)"""
DETAILS: Final = ("category", "channel", "region")
"""columns that may differ between the lines of one order"""


class Orders(NamedTuple):
    """Orders ready to be counted. `frame`: one row an order and category, channel, region it holds: order_id,
    customer_id (as typed), key (normalised), ordered_on (datetime64), amount, and category, channel, region when
    known; index = first row on the sheet."""

    frame: DataFrame
    findings: tuple[Finding, ...]
    lines_in: int
    lines_used: int


def with_amounts(lines: DataFrame, sheet: str) -> DataFrame:
    """Lines with an `amount`: as it stands, else quantity times unit price."""
    if {"quantity", "unit_price"} <= {*lines.columns}:
        product = lines["quantity"] * lines["unit_price"]
        return lines.assign(amount=lines["amount"].fillna(product) if "amount" in lines else product)
    if "amount" not in lines:
        raise Refused("orders_amount", sheet=sheet)
    return lines


def tidy(lines: DataFrame, rules: Rules, sheet: str, stage: str = "fill") -> Orders:
    """Line items to orders.

    `lines`: customer_id, ordered_on, and amount or quantity and unit_price; order_id, category, channel optional.
    Lines without a customer and lines whose quantity or amount is not above zero (refunds, cancellations) are left
    out and listed with their sum; with `rules.net_refunds` refunds stay, take off the amount and count as no order.
    An order's lines of one category, channel and region are summed.
    """
    import pandas as pd

    lines_in = len(lines)
    lines = with_amounts(lines, sheet)
    findings = []

    def drop(bad: Series, code: str) -> None:
        nonlocal lines
        if bad.any():
            total = float(lines.loc[bad, "amount"].sum())
            params = {"count": int(bad.sum()), "amount": total}
            findings.append(
                Finding(code, sheet, f"{lines.index[bad][0]}:{lines.index[bad][-1]}", params=params, stage=stage)
            )
            lines = lines[~bad]

    drop(pd.Series(values.empty(lines["customer_id"].to_numpy(object)), lines.index), "line_without_customer")
    drop(lines["ordered_on"].isna(), "line_without_date")
    drop(lines["amount"].isna(), "line_without_amount")
    cancelled = lines["amount"] < 0
    if "quantity" in lines:
        cancelled |= lines["quantity"] < 0
    if rules.net_refunds:
        if cancelled.any():
            params = {"count": int(cancelled.sum()), "amount": float(lines.loc[cancelled, "amount"].sum())}
            findings.append(Finding("refunds_netted", sheet, params=params, stage=stage))
        drop(lines["amount"] == 0, "line_of_nothing")
    else:
        drop(cancelled, "refund_left_out")
        drop(lines["amount"] <= 0, "line_of_nothing")
    for side, outside in (("from", -1), ("to", 1)):
        limit = getattr(rules, f"data_{side}")
        if limit is not None:
            day = np.datetime64(limit, "s")
            drop(lines["ordered_on"] < day if outside < 0 else lines["ordered_on"] > day, "line_outside_window")
    total = float(lines["amount"].sum())
    if total > 0:
        findings = [one._replace(amount_share=abs(one.params["amount"]) / total) for one in findings]
    lines = lines.assign(key=pd.Series(values.keys(lines["customer_id"].to_numpy(object)), lines.index, dtype=object))
    kept = ["order_id", "customer_id", "key", "ordered_on", "amount", *(name for name in DETAILS if name in lines)]
    lines = lines if "order_id" in lines else lines.assign(order_id="")
    return Orders(
        _summed(lines[kept], [name for name in DETAILS if name in lines]), tuple(findings), lines_in, len(lines)
    )


def whole(orders: DataFrame) -> DataFrame:
    """`Orders.frame` as one row an order: its amounts summed, its day the first."""
    return _summed(orders.drop(columns=[name for name in DETAILS if name in orders]), [])


def _summed(lines: DataFrame, details: list[str]) -> DataFrame:
    """Lines of one order, customer and `details` as one row. Rows without an order number are orders of their own."""
    by = ["order_id", "key", *details]
    several = lines.duplicated(by, keep=False) & (lines["order_id"] != "")
    if not several.any():
        return lines
    grouped = (
        lines[several]
        .assign(row=lines.index[several])
        .groupby(by, sort=False, as_index=False)
        .agg({"customer_id": "first", "ordered_on": "min", "amount": "sum", "row": "min"})
    )
    import pandas as pd

    return pd.concat([lines[~several], grouped.set_index("row")[lines.columns]]).sort_index(kind="stable")


def behaviour(orders: DataFrame, as_of: date, rules: Rules) -> DataFrame:
    """The behaviour columns of every customer with an order up to `as_of`; `orders`: `Orders.frame`.

    Index: normalised customer key. Columns: customer_id, last_order_date, first_order_date, orders (all), total_amount,
    frequency and window_amount (in the window), average_order_value (of the window, else of all), and categories,
    channel, region where known.
    """
    orders = orders[orders["ordered_on"] <= np.datetime64(as_of, "s")]
    known = whole(orders)
    paid = known[known["amount"] > 0]
    grouped = paid.groupby("key", sort=False)
    found = grouped.agg(
        customer_id=("customer_id", "first"),
        last_order_date=("ordered_on", "max"),
        first_order_date=("ordered_on", "min"),
        orders=("amount", "size"),
    )
    inside = known["ordered_on"] > np.datetime64(months_before(as_of, rules.window_months), "s")
    found["total_amount"] = known.groupby("key")["amount"].sum()
    found["frequency"] = paid[inside.reindex(paid.index)].groupby("key").size()
    found["window_amount"] = known[inside].groupby("key")["amount"].sum()
    found = found.fillna({"frequency": 0.0, "window_amount": 0.0})
    found[["total_amount", "window_amount"]] = found[["total_amount", "window_amount"]].round(6)
    recent = (found["window_amount"] / found["frequency"]).where(found["frequency"] > 0)
    found["average_order_value"] = recent.fillna(found["total_amount"] / found["orders"]).round(2)
    found[["frequency", "orders"]] = found[["frequency", "orders"]].astype(float)
    for source, target, count in (("category", "categories", TOP), ("channel", "channel", 1), ("region", "region", 1)):
        if source in orders:
            found[target] = _favourites(orders, source, count).reindex(found.index, fill_value="")
    return found


def active_hours(orders: DataFrame, hours: Series) -> Series:
    """The two hours (20:00-22:00) in which a customer ordered most often, by customer key; ties go to the earlier.

    `orders`: `Orders.frame`; `hours`: 0..23 or NaN by row on the sheet, of which an order's first line counts."""
    known = orders.assign(band=hours.reindex(orders.index) // 2).dropna(subset="band")
    known = known[(known["order_id"] == "") | ~known.duplicated(["key", "order_id"])]
    counts = known.groupby(["key", "band"]).size()
    band = counts.groupby(level="key").idxmax().str[1]
    return band.map({n: f"{2 * n:02d}:00-{2 * n + 2:02d}:00" for n in range(12)})


def _favourites(orders: DataFrame, column: str, count: int) -> Series:
    """The `count` values a customer spent most on, dearest first; ties in alphabetical order."""
    named = orders[orders[column].fillna("") != ""]
    spent = named.groupby(["key", column], sort=True)["amount"].sum().reset_index()
    best = spent.sort_values(["key", "amount"], ascending=[True, False], kind="stable").groupby("key").head(count)
    return best.groupby("key")[column].agg(values.SEPARATOR.join)
