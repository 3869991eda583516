"""What is known of each customer's orders, as recency_days, frequency and monetary (rulings C1, C8-C10).

Orders, where there are any, take the place of what was typed; the typed columns are checked for contradictions.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, grouping, schema
from segmenter.errors import Refused
from segmenter.findings import LISTED, Cell, Finding, listed
from segmenter.frames import Frame
from segmenter.rules import Rules, months_before

Step = tuple[Frame, list[Finding], dict[int, str]]
"""the customers that remain, what was found, and the rows that went (row -> finding code)"""

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
AMOUNTS: Final = ("frequency", "average_order_value", "total_amount", "window_amount")
COLUMNS: Final = (*AMOUNTS, "days_since_last_order", "orders")
_NOTHING: Final[dict[str, Any]] = {"f": np.nan, "M": np.datetime64("NaT"), "O": ""}
"""what stands in a column, by its kind, where nothing is known"""
SLACK: Final = 0.005
"""a total may fall short of F times a rounded average order value by this share, plus half a unit an order"""


def default_as_of(customers: Frame, orders: Frame | None) -> date | None:
    """The date of the last order: of the order rows, else of the customers; None when nobody knows one."""
    days = customers.get("last_order_date") if orders is None or orders.empty else orders["ordered_on"]
    known = np.array([], "M8[s]") if days is None else days
    known = known[~np.isnat(known)]
    return known.max().astype("M8[D]").item() if len(known) else None


def from_orders(customers: Frame, computed: Frame, later: NDArray[np.object_], sheet: str, cell: Cell) -> Step:
    """The customers with the behaviour columns their orders give.

    `computed`: `orders.behaviour`; `later`: keys whose first order is after the as-of date, who are left out. A
    customer without order rows keeps what was typed.
    """
    late = grouping.places(customers["key"], later) >= 0
    gone = customers.index[late].tolist()
    names = dict(zip(gone, customers["customer_id"][late].tolist(), strict=True))
    found = listed(gone, lambda row: Finding("not_yet", sheet, cell(row, "customer_id"), names[row]))
    customers = customers.at(~late)
    rows, ids = customers.index, customers["customer_id"]
    at = grouping.places(customers["key"], computed["key"])
    has = at >= 0
    new = {name: np.append(computed[name], _NOTHING[computed[name].dtype.kind])[at] for name in computed}
    if "total_amount" in customers:
        unlisted = np.flatnonzero(~has & (customers["total_amount"] > 0)).tolist()

        def missing(place: int) -> Finding:
            return Finding("orders_missing", sheet, cell(int(rows[place]), "customer_id"), ids[place])

        found += listed(unlisted, missing, SHOWN)
    for column, tolerance in COMPUTED.items():
        if column not in new:
            continue
        fresh = new[column]
        if column not in customers:
            customers = customers.assign(**{column: fresh})
            continue
        typed, known = customers[column], has & frames.told(fresh)
        off = np.abs(typed - fresh) > tolerance + 1e-9 if column in AMOUNTS else typed != fresh

        def differs(place: int, column: str = column, typed: Any = typed, fresh: Any = fresh) -> Finding:
            said, counted = (schema.shown(schema.CUSTOMERS[column], _text(one[place]), sheet) for one in (typed, fresh))
            return Finding("typed_differs", sheet, cell(int(rows[place]), column), said, {"computed": counted})

        odd = np.flatnonzero(known & frames.told(typed) & off).tolist()
        found += listed(odd, differs, LISTED if column == "total_amount" else SHOWN)
        customers = customers.assign(**{column: np.where(known, fresh, typed)})
    extra = {name: new[name] for name in ("first_order_date", "orders")}
    return customers.assign(**extra), found, dict.fromkeys(gone, "not_yet")


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[D]"))
    return value.date().isoformat() if isinstance(value, datetime) else str(value)


@np.errstate(over="ignore", invalid="ignore")
def measure(customers: Frame, as_of: date | None, rules: Rules, sheet: str, cell: Cell) -> Step:
    """Adds recency_days, frequency, monetary (float64, NaN unknown) and without_orders (bool).

    Rows that cannot be used go: a last order after the as-of date, a total below the amount of the window, no
    frequency or amount and no way to tell it.
    """
    findings: list[Finding] = []
    gone: dict[int, str] = {}
    rows = customers.index
    blank, out = np.full(len(rows), np.nan), np.zeros(len(rows), dtype=bool)
    frequency, price, total, window, days, orders = (
        np.asarray(customers.get(name, blank), dtype=float) for name in COLUMNS
    )
    recency, reach, when = days, np.inf, days
    if "last_order_date" in customers:
        last = customers["last_order_date"]
        if as_of is not None:
            recency = np.floor((np.datetime64(as_of, "s") - last) / np.timedelta64(1, "D"))
            recency = np.where(np.isnan(recency), days, recency)
        when = recency if np.isnat(last).all() else last
    if as_of is not None:
        reach = float((as_of - months_before(as_of, rules.window_months)).days)

    def drop(bad: NDArray[np.bool_], code: str, column: str, **params: Any) -> None:
        places = np.flatnonzero(bad & ~out)
        if not len(places):
            return
        out[places] = True
        gone.update(dict.fromkeys(rows[places].tolist(), code))
        shown = customers.get(column, blank)
        findings.extend(
            listed(
                places.tolist(),
                lambda place: Finding(code, sheet, cell(int(rows[place]), column), _text(shown[place]), params),
            )
        )

    def note(odd: NDArray[np.bool_], code: str, column: str, shown: Any = blank, name: str = "value") -> None:
        def finding(place: int) -> Finding:
            row, text = int(rows[place]), _text(shown[place])
            value = "" if name == "last" else text
            return Finding(code, sheet, cell(row, column) or cell(row, "customer_id"), value, {name: text})

        findings.extend(listed(np.flatnonzero(odd & ~out).tolist(), finding, SHOWN))

    dated = "last_order_date" if "last_order_date" in customers else "days_since_last_order"
    drop(recency < 0, "future_date", dated, as_of=as_of.isoformat() if as_of else "")
    note(frequency < 0, "negative_count", "frequency", frequency)
    frequency = np.where(frequency < 0, 0.0, frequency)

    bought = (frequency > 0) | (total > 0) | (window > 0)
    undated, no_window = np.isnan(recency), np.isnan(window)
    without = undated & ~bought
    before_window = recency >= reach
    frequency = np.where(np.isnan(frequency) & (without | before_window), 0.0, frequency)
    drop(np.isnan(frequency), "frequency_unknown", "frequency")

    by_price = frequency * price
    by_price = np.where(np.isinf(by_price), np.nan, by_price)
    monetary = np.where(no_window, np.where(frequency == 0, 0.0, by_price), window)
    by_total = np.isnan(monetary) & ~np.isnan(total)
    note(by_total, "amount_from_total", "average_order_value", total, "total")
    monetary = np.where(by_total, total, monetary).round(6)
    drop(np.isnan(monetary), "amount_unknown", "average_order_value")
    short = no_window * (SLACK * _known(np.abs(by_price)) + 0.5 * _known(frequency)) + 0.01
    typed = np.isnan(orders)  # what orders give adds up; refunds before the window may go below
    drop(typed & (total < monetary - short) & ~by_total, "total_below_window", "total_amount")

    note((monetary < 0) | (total < 0), "negative_amount", "total_amount", np.where(monetary < 0, monetary, total))
    note(undated & bought, "no_recency", dated)
    recent = ~undated & ~before_window & (as_of is not None)
    note(recent & (frequency == 0), "recent_without_orders", dated, when, "last")
    note(typed & before_window & (frequency > 0), "orders_before_window", dated, when, "last")
    measured = customers.assign(
        recency_days=recency,
        frequency=frequency,
        monetary=monetary,
        without_orders=without,
        total_amount=np.where(np.isnan(total), monetary, total),
    )
    return measured.at(~out) if gone else measured, findings, gone


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nothing known counts as 0."""
    return np.where(np.isnan(values), 0.0, values)


def scope(customers: Frame, as_of: date | None, rules: Rules, sheet: str) -> Step:
    """Only the customers the rules' scope names (items 003-07..08); the others are counted, not listed.

    Refused("scope_column") when the sheet lacks the column a scope setting needs.
    """
    gone: dict[int, str] = {}
    findings: list[Finding] = []

    def keep(inside: NDArray[np.bool_], code: str) -> None:
        nonlocal customers
        outside = customers.index[~inside]
        if len(outside):
            findings.append(Finding(code, sheet, params={"count": len(outside)}))
            gone.update(dict.fromkeys(outside.tolist(), code))
            customers = customers.at(inside)

    if rules.scope_active_months:
        reach = (as_of - months_before(as_of, rules.scope_active_months)).days if as_of else -1
        keep(customers["recency_days"] < reach, "out_of_scope_active")
    if rules.scope_regions:
        _need(customers, "region", sheet)
        wanted = tuple(map(schema.fold, rules.scope_regions))
        codes, regions = frames.distinct(customers["region"])
        inside = np.array([*(schema.fold(region).startswith(wanted) for region in regions.tolist()), False])
        keep(inside[codes], "out_of_scope_region")
    if rules.scope_registered_from or rules.scope_registered_to:
        _need(customers, "registered_on", sheet)
        inside = ~np.isnat(customers["registered_on"])
        if rules.scope_registered_from:
            inside &= customers["registered_on"] >= np.datetime64(rules.scope_registered_from, "s")
        if rules.scope_registered_to:
            inside &= customers["registered_on"] <= np.datetime64(rules.scope_registered_to, "s")
        keep(inside, "out_of_scope_registered")
    return customers, findings, gone


def _need(customers: Frame, column: str, sheet: str) -> None:
    if column not in customers:
        raise Refused("scope_column", sheet=sheet, column=column)
