"""What is known of each customer's orders, as recency_days, frequency and monetary (rulings C1, C8-C10).

Orders, where there are any, take the place of what was typed; the typed columns are checked for contradictions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter import values
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.intake import LISTED
from segmenter.rules import Rules

Cell = Callable[[int, str], str]

SHOWN: Final = 20
"""so many differences between typed and computed values are listed for each column; then one line counts the rest"""
COMPUTED: Final = {
    "frequency": 0.0,
    "average_order_value": 0.01,
    "total_amount": 0.01,
    "window_amount": 0.01,
    "last_order_date": 0.0,
    "categories": 0.0,
    "channel": 0.0,
}
"""columns that orders give, and by how much a typed value may differ"""
COLUMNS: Final = ("frequency", "average_order_value", "total_amount", "window_amount", "days_since_last_order")
SLACK: Final = 0.005
"""a total may fall short of F times a rounded average order value by this share, plus half a unit an order"""


def default_as_of(customers: DataFrame, orders: DataFrame | None) -> date | None:
    """The date of the last order: of the order rows, else of the customers; None when nobody knows one."""
    days = customers.get("last_order_date") if orders is None or orders.empty else orders["ordered_on"]
    last = pd.NaT if days is None else days.max()
    return None if pd.isna(last) else last.date()


def from_orders(
    customers: DataFrame, computed: DataFrame, later: pd.Index, sheet: str, cell: Cell
) -> tuple[DataFrame, list[Finding], dict[int, str]]:
    """The customers with the behaviour columns their orders give.

    `computed`: `orders.behaviour`, by customer key; `later`: keys whose first order is after the as-of date, who are
    left out (row -> code). A customer without order rows keeps what was typed.
    """
    gone = dict.fromkeys(
        customers.index[customers["key"].isin(later) & ~customers["key"].isin(computed.index)].tolist(), "not_yet"
    )
    found = [
        Finding("not_yet", sheet, cell(row, "customer_id"), customers.at[row, "customer_id"])
        for row in list(gone)[:LISTED]
    ]
    customers = customers.drop(index=list(gone))
    has = customers["key"].isin(computed.index)
    new = computed.reindex(customers["key"]).set_axis(customers.index)
    total = customers.get("total_amount")
    if total is not None:
        typed_only = customers.index[~has & (total.fillna(0) > 0)]
        found += _some(
            typed_only,
            lambda row: Finding("orders_missing", sheet, cell(row, "customer_id"), customers.at[row, "customer_id"]),
        )
    for column, tolerance in COMPUTED.items():
        if column not in new:
            continue
        if column in customers:
            typed = customers[column]
            known = has & ~typed.map(values.is_empty).astype(bool) & typed.notna()
            if pd.api.types.is_numeric_dtype(typed.dtype):
                differs = known & ((typed - new[column]).abs() > tolerance + 1e-9)
            else:
                differs = known & (typed != new[column]) & (new[column].notna() & (new[column] != ""))
            found += _some(
                customers.index[differs],
                lambda row, c=column, t=typed: Finding(
                    "typed_differs", sheet, cell(row, c), _text(t.at[row]), {"computed": _text(new.at[row, c])}
                ),
            )
            customers = customers.assign(**{column: new[column].where(has & new[column].notna(), typed)})
        else:
            customers = customers.assign(**{column: new[column]})
    extra = {name: new[name] for name in ("first_order_date", "orders") if name in new}
    return customers.assign(**extra), found, gone


def _some(rows: pd.Index, finding: Callable[[Any], Finding]) -> list[Finding]:
    found = [finding(row) for row in rows[:SHOWN].tolist()]
    if len(rows) > SHOWN:
        last = finding(rows[SHOWN])
        params: Mapping[str, Any] = {**last.params, "count": len(rows) - SHOWN}
        found.append(Finding(last.code, last.sheet, last.cell, last.value, params))
    return found


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return value.date().isoformat() if isinstance(value, pd.Timestamp) else str(value)


def measure(
    customers: DataFrame, as_of: date | None, rules: Rules, sheet: str, cell: Cell
) -> tuple[DataFrame, list[Finding], dict[int, str]]:
    """Adds recency_days, frequency, monetary (float64, NaN unknown) and without_orders.

    Gives the customers that can be used, findings, and the rows that cannot (row -> code): a last order after the
    as-of date, a total below the six-month amount, no frequency and no way to tell it.
    """
    findings: list[Finding] = []
    gone: dict[int, str] = {}
    blank = pd.Series(np.nan, index=customers.index)
    frequency, price, total, window, days = (customers.get(name, blank).astype(float) for name in COLUMNS)
    last = customers.get("last_order_date", pd.Series(pd.NaT, index=customers.index, dtype="datetime64[s]"))
    recency = days.copy()
    if as_of is not None:
        recency = (pd.Timestamp(as_of) - last).dt.days.astype(float).fillna(days)

    def drop(bad: pd.Series, code: str, column: str, **params: Any) -> None:
        for row in customers.index[bad].tolist():
            if row not in gone:
                gone[row] = code
                if len(gone) <= LISTED:
                    value = _text(customers.at[row, column]) if column in customers else ""
                    findings.append(Finding(code, sheet, cell(row, column), value, params))

    day = as_of.isoformat() if as_of else ""
    drop(
        recency < 0,
        "future_date",
        "last_order_date" if "last_order_date" in customers else "days_since_last_order",
        as_of=day,
    )

    bought = (frequency.fillna(0) > 0) | (total.fillna(0) > 0) | (window.fillna(0) > 0)
    without = recency.isna() & ~bought
    before_window = pd.Series(False, index=customers.index)
    if as_of is not None:
        before_window = last.notna() & (last <= pd.Timestamp(as_of) - pd.DateOffset(months=rules.window_months))
    unknown = frequency.isna()
    frequency = frequency.mask(unknown & (without | before_window), 0.0)
    drop(frequency.isna(), "frequency_unknown", "frequency")

    by_price = frequency * price
    monetary = window.fillna(by_price.where(price.notna())).mask((frequency == 0) & window.isna(), 0.0)
    by_total = monetary.isna() & total.notna()
    for row in customers.index[by_total & ~customers.index.isin(list(gone))][:LISTED].tolist():
        findings.append(
            Finding("amount_from_total", sheet, cell(row, "average_order_value"), "", {"total": _text(total.at[row])})
        )
    monetary = monetary.fillna(total).round(6)
    drop(monetary.isna(), "amount_unknown", "average_order_value")
    short = window.isna() * (SLACK * by_price.abs().fillna(0) + 0.5 * frequency.fillna(0)) + 0.01
    drop(total.notna() & (total < monetary - short) & ~by_total, "total_below_window", "total_amount")

    negative = (monetary < 0) | (total < 0)
    findings += _some(
        customers.index[negative & ~customers.index.isin(list(gone))],
        lambda row: Finding("negative_amount", sheet, cell(row, "total_amount"), _text(monetary.at[row])),
    )
    no_date = recency.isna() & bought
    findings += _some(
        customers.index[no_date & ~customers.index.isin(list(gone))],
        lambda row: Finding("no_recency", sheet, cell(row, "last_order_date") or cell(row, "customer_id"), ""),
    )
    idle = recency.notna() & ~before_window & (frequency == 0) & (as_of is not None) & last.notna()
    findings += _some(
        customers.index[idle & ~customers.index.isin(list(gone))],
        lambda row: Finding("recent_without_orders", sheet, cell(row, "frequency"), "0", {"last": _text(last.at[row])}),
    )
    measured = customers.assign(
        recency_days=recency,
        frequency=frequency,
        monetary=monetary,
        without_orders=without,
        total_amount=total.fillna(monetary),
    )
    return measured.drop(index=list(gone)), findings, gone


def scope(
    customers: DataFrame, as_of: date | None, rules: Rules, sheet: str
) -> tuple[DataFrame, list[Finding], dict[int, str]]:
    """Only the customers the rules' scope names (items 003-07..08); the others are counted, not listed.

    Refused("scope_column") when the sheet lacks the column a scope setting needs.
    """
    gone: dict[int, str] = {}
    findings: list[Finding] = []

    def keep(inside: pd.Series, code: str) -> None:
        nonlocal customers
        outside = customers.index[~inside]
        if len(outside):
            findings.append(Finding(code, sheet, params={"count": len(outside)}))
            gone.update(dict.fromkeys(outside.tolist(), code))
            customers = customers[inside]

    if rules.scope_active_months:
        limit = pd.NaT if as_of is None else pd.Timestamp(as_of) - pd.DateOffset(months=rules.scope_active_months)
        reach = np.nan if as_of is None else (pd.Timestamp(as_of) - limit).days
        keep(customers["recency_days"] < reach, "out_of_scope_active")
    if rules.scope_regions:
        _need(customers, "region", sheet)
        wanted = tuple(region.casefold() for region in rules.scope_regions)
        keep(customers["region"].str.casefold().str.startswith(wanted), "out_of_scope_region")
    if rules.scope_registered_from or rules.scope_registered_to:
        _need(customers, "registered_on", sheet)
        low = pd.Timestamp(rules.scope_registered_from or date.min.replace(year=1700))
        high = pd.Timestamp(rules.scope_registered_to or date.max.replace(year=2200))
        keep(customers["registered_on"].between(low, high), "out_of_scope_registered")
    return customers, findings, gone


def _need(customers: DataFrame, column: str, sheet: str) -> None:
    if column not in customers:
        raise Refused("scope_column", sheet=sheet, column=column)
