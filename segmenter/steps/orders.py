"""Order rows to the behaviour columns of the customers table (documents 003, 001; rulings C1, C8, C9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, grouping
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import values
from segmenter.rules import Rules, months_before

TOP: Final = 3
"""品类偏好(TOP3)"""
DETAILS: Final = ("category", "channel", "region")
"""columns that may differ between the lines of one order"""
DECIMALS: Final = 6
"""decimals to which sums are told apart: what differs beyond them is how a computer writes 0.1"""
BANDS: Final = 12
"""bands of two hours in a day"""


class Orders(NamedTuple):
    """Orders ready to be counted. `frame`: one row an order and category, channel, region it holds: order_id,
    customer_id (as typed), key (normalised), ordered_on (datetime64), amount, and category, channel, region when
    known; index = first row on the sheet."""

    frame: Frame
    findings: tuple[Finding, ...]
    lines_in: int
    lines_used: int


def with_amounts(lines: Frame, sheet: str) -> Frame:
    """Lines with an `amount`: as it stands, else quantity times unit price."""
    amount = lines.get("amount")
    if "quantity" in lines and "unit_price" in lines:
        product = lines["quantity"] * lines["unit_price"]
        return lines.assign(amount=product if amount is None else np.where(np.isnan(amount), product, amount))
    if amount is None:
        raise Refused("orders_amount", sheet=sheet)
    return lines


@np.errstate(over="ignore", invalid="ignore")
def tidy(lines: Frame, rules: Rules, sheet: str, stage: str = "fill") -> Orders:
    """Line items to orders.

    `lines`: customer_id, ordered_on, and amount or quantity and unit_price; order_id, category, channel optional.
    Lines without a customer and lines whose quantity or amount is not above zero (refunds, cancellations) are left
    out and listed with their sum; with `rules.net_refunds` refunds stay, take off the amount and count as no order.
    An order's lines of one category, channel and region are summed.
    """
    lines = with_amounts(lines, sheet)
    amounts, days = lines["amount"], lines["ordered_on"]
    used = np.ones(len(lines), dtype=bool)
    findings = []

    def note(odd: NDArray[np.bool_], code: str, cell: str = "") -> None:
        params = {"count": int(odd.sum()), "amount": grouping.total(amounts[odd])}
        findings.append(Finding(code, sheet, cell, params=params, stage=stage))

    def drop(bad: NDArray[np.bool_], code: str) -> None:
        bad = bad & used
        if bad.any():
            rows = lines.index[bad]
            note(bad, code, f"{rows[0]}:{rows[-1]}")
            used[bad] = False

    drop(values.empty(lines["customer_id"]), "line_without_customer")
    drop(np.isnat(days), "line_without_date")
    drop(np.isnan(amounts), "line_without_amount")
    cancelled = amounts < 0
    if "quantity" in lines:
        cancelled |= lines["quantity"] < 0
    if rules.net_refunds:
        if (cancelled & used).any():
            note(cancelled & used, "refunds_netted")
        drop(amounts == 0, "line_of_nothing")
    else:
        drop(cancelled, "refund_left_out")
        drop(amounts <= 0, "line_of_nothing")
    if rules.data_from is not None:
        drop(days < np.datetime64(rules.data_from, "s"), "line_outside_window")
    if rules.data_to is not None:
        drop(days > np.datetime64(rules.data_to, "s"), "line_outside_window")
    sold = _told(lines, used)
    if (again := _again(sold)).any():
        said = np.zeros(len(lines), dtype=bool)
        said[np.flatnonzero(used)[again]] = True
        rows = lines.index[said]
        note(said, "lines_again", f"{rows[0]}:{rows[-1]}")
    total = grouping.total(amounts[used])
    if total > 0:
        findings = [one._replace(amount_share=abs(one.params["amount"]) / total) for one in findings]
    return Orders(_summed(sold, _details(sold)), tuple(findings), len(lines), len(sold))


def _details(lines: Frame) -> list[str]:
    return [name for name in DETAILS if name in lines]


def _told(lines: Frame, used: NDArray[np.bool_]) -> Frame:
    """What is known of the lines that are `used`, with the keys of their customers."""
    ids = lines.get("order_id", np.full(len(lines), "", dtype=object))
    kept = {
        "order_id": ids,
        **{name: lines[name] for name in ("customer_id", "ordered_on", "amount", *_details(lines))},
    }
    sold = Frame(kept, lines.index) if used.all() else Frame(kept, lines.index).at(used)
    return sold.assign(key=values.keys(sold["customer_id"]))


def _again(lines: Frame) -> NDArray[np.bool_]:
    """The lines that stood further up already, with lines of other orders in between: as when the orders of a month are
    pasted twice. The lines of one order stand together, and two of them may well be alike."""
    codes, orders = frames.distinct(lines["order_id"])
    begins = np.append(True, codes[1:] != codes[:-1])[: len(codes)]
    if begins.sum() == len(orders) or not len(lines):
        return np.zeros(len(lines), dtype=bool)
    stretch = np.cumsum(begins)
    later = (stretch != stretch[grouping.firsts(codes, len(orders))][codes]) & (lines["order_id"] != "")
    alike, size = grouping.alike(
        *(lines[name] for name in ("order_id", "key", "ordered_on", "amount", *_details(lines)))
    )
    known = np.zeros(size, dtype=bool)
    known[alike[~later]] = True
    return np.asarray(later & known[alike])


def whole(orders: Frame) -> Frame:
    """`Orders.frame` as one row an order: its amounts summed, its day the first."""
    return _summed(orders.drop(*DETAILS), ())


def _summed(lines: Frame, details: Sequence[str]) -> Frame:
    """Lines of one order, customer and `details` as one row. Rows without an order number are orders of their own."""
    codes, size = grouping.alike(*(lines[name] for name in ("order_id", "key", *details)))
    alone = lines["order_id"] == ""
    first = grouping.firsts(codes, size)
    kept = alone | (first[codes] == np.arange(len(lines)))
    if kept.all():
        return lines
    amounts = np.where(alone, lines["amount"], grouping.sums(codes, lines["amount"], size)[codes])
    days = np.where(alone, lines["ordered_on"], grouping.earliest(codes, lines["ordered_on"], size)[codes])
    return lines.assign(amount=amounts, ordered_on=days).at(kept)


@np.errstate(over="ignore", invalid="ignore")
def behaviour(orders: Frame, as_of: date, rules: Rules) -> Frame:
    """The behaviour columns of every customer with an order up to `as_of`; `orders`: `Orders.frame`.

    Columns: key (normalised customer ID), customer_id, last_order_date, first_order_date, orders (all), total_amount,
    frequency and window_amount (in the window), average_order_value (of the window, else of all), and categories,
    channel, region where known.
    """
    orders = orders.at(orders["ordered_on"] <= np.datetime64(as_of, "s"))
    known = whole(orders)
    paid = known.at(known["amount"] > 0)
    codes, keys = frames.distinct(paid["key"])
    size = len(keys)
    start = np.datetime64(months_before(as_of, rules.window_months), "s")
    everybody, inside = grouping.places(known["key"], keys), known["ordered_on"] > start
    total = grouping.sums(everybody, known["amount"], size).round(DECIMALS)
    window = grouping.sums(everybody[inside], known["amount"][inside], size).round(DECIMALS)
    made = grouping.counts(codes, size).astype(np.float64)
    lately = grouping.counts(codes[paid["ordered_on"] > start], size).astype(np.float64)
    recent = np.divide(window, lately, out=np.full(size, np.nan), where=lately > 0)
    found = {
        "key": keys,
        "customer_id": paid["customer_id"][grouping.firsts(codes, size)],
        "last_order_date": grouping.latest(codes, paid["ordered_on"], size),
        "first_order_date": grouping.earliest(codes, paid["ordered_on"], size),
        "orders": made,
        "total_amount": total,
        "frequency": lately,
        "window_amount": window,
        "average_order_value": np.where(np.isnan(recent), total / made, recent).round(2),
    }
    for source, target, count in (("category", "categories", TOP), ("channel", "channel", 1), ("region", "region", 1)):
        if source in orders:
            found[target] = _favourites(orders, source, count, keys)
    return Frame(found)


def active_hours(orders: Frame, hours: NDArray[np.float64]) -> dict[str, str]:
    """The two hours (20:00-22:00) in which a customer ordered most often, by customer key; ties go to the earlier.

    `orders`: `Orders.frame`; `hours`: 0..23 or NaN for each of its rows, of which an order's first counts."""
    timed = ~np.isnan(hours)
    orders, bands = orders.at(timed), (hours[timed] // 2).astype(np.intp)
    once = orders["order_id"] == ""
    codes, size = grouping.alike(orders["key"], orders["order_id"])
    once[grouping.firsts(codes, size)] = True
    codes, keys = frames.distinct(orders["key"][once])
    counts = grouping.counts(codes * BANDS + bands[once], len(keys) * BANDS).reshape(-1, BANDS)
    words = [f"{2 * n:02d}:00-{2 * n + 2:02d}:00" for n in range(BANDS)]
    return {key: words[band] for key, band in zip(keys.tolist(), counts.argmax(axis=1).tolist(), strict=True)}


def _favourites(orders: Frame, column: str, count: int, keys: NDArray[Any]) -> NDArray[np.object_]:
    """The `count` values each customer of `keys` spent most on, dearest first; ties in alphabetical order."""
    codes, words = frames.distinct(orders[column])
    people = grouping.places(orders["key"], keys)
    told = (people >= 0) & np.array([*(word != "" for word in words), False], dtype=bool)[codes]
    rank = np.argsort(np.argsort(words))
    pairs, found = frames.distinct(people[told] * len(words) + rank[codes[told]])
    spent = grouping.sums(pairs, orders["amount"][told], len(found)).round(DECIMALS)
    best = found[np.lexsort((found, -spent, found // max(len(words), 1)))].tolist()
    favourites: list[list[str]] = [[] for _ in range(len(keys))]
    named = np.sort(words).tolist()
    for one in best:
        mine = favourites[one // len(words)]
        if len(mine) < count:
            mine.append(named[one % len(words)])
    joined = np.empty(len(keys), dtype=object)
    joined[:] = [*map(values.SEPARATOR.join, favourites)]
    return joined
