"""The figures that targets name, from the data: one definition each (ruling C21), named in `metrics.toml`.

Nothing is estimated: a metric whose source is missing has no value, and the cell says which source that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, grouping, schema
from segmenter.books import Grid
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import intake, values
from segmenter.reading.amounts import plain_number
from segmenter.reading.planning import Period
from segmenter.rules import Rules


class Line(NamedTuple):
    """What the history says of a segment at one analysis."""

    as_of: date
    segment: str
    """its key"""
    cells: Mapping[str, Any]
    """metrics by key, as they stand on the sheet"""


class _Data(NamedTuple):
    customers: Frame
    members: Mapping[str, NDArray[np.intp]]
    """positions of each segment's customers"""
    segments: Mapping[str, Mapping[str, Any]]
    """`plan.lines`"""
    rules: Rules
    as_of: date | None
    ordered: Frame | None = None
    """`orders.Orders.frame`"""
    contacts: Frame | None = None
    """`contacted`"""
    earlier: Frame | None = None
    """the last analysis before this one: key, segment (key), as_of (datetime64), one row a customer"""
    lines: Sequence[Line] = ()
    """the history"""


class Data(_Data):
    """Everything a metric may be computed from. Index of `customers` as in `Result`; None for what is not there.

    Derived from the named tuple, so that the orders have a place and are made once.
    """

    @cached_property
    def orders(self) -> Frame | None:
        """key, ordered_on of every order up to the as-of date; place: its customer's in `customers`, -1 for none."""
        if self.ordered is None or self.as_of is None:
            return None
        days, bought = self.ordered["ordered_on"], self.ordered["amount"] > 0
        paid = self.ordered.at(bought & (days <= np.datetime64(self.as_of, "s")))
        once = paid["order_id"] == ""
        once[grouping.firsts(*grouping.alike(paid["order_id"], paid["key"]))] = True
        key = paid["key"][once]
        place = grouping.places(key, self.customers["key"])
        return Frame({"key": key, "ordered_on": paid["ordered_on"][once], "place": place})

    @cached_property
    def standing(self) -> dict[str, str]:
        """The segment of a key: at the last analysis before, of those who were not there then today's."""
        known = dict(zip(self.customers["key"].tolist(), self.customers["segment"].tolist(), strict=True))
        if self.earlier is not None:
            known |= dict(zip(self.earlier["key"].tolist(), self.earlier["segment"].tolist(), strict=True))
        return known


class Row(NamedTuple):
    """What a metric is asked for: one row of table 3."""

    data: Data
    segment: str
    reached: Frame | None
    """the contacts of the row: key, reached_on, responded; None without a campaign log"""
    window: Period | None

    @property
    def figures(self) -> Mapping[str, Any]:
        """The segment's line of `plan.lines`; nothing for a group of the user's own."""
        return self.data.segments.get(self.segment, {})

    def column(self, name: str) -> NDArray[Any]:
        """A column of the segment's customers; empty where there is none."""
        mine = self.data.members.get(self.segment)
        return self.data.customers[name][mine] if mine is not None and name in self.data.customers else NONE

    def bought(self) -> tuple[NDArray[np.intp], NDArray[np.datetime64]]:
        """Of each order of the segment's customers the place of its customer among all, and its day."""
        orders = self.data.orders
        mine = self.data.members.get(self.segment)
        if orders is None or mine is None:
            return np.empty(0, dtype=np.intp), np.empty(0, dtype="datetime64[s]")
        ours = np.zeros(len(self.data.customers) + 1, dtype=bool)  # the last: of orders of nobody
        ours[mine] = True
        theirs = ours[orders["place"]]
        return orders["place"][theirs], orders["ordered_on"][theirs]


NONE: Final[NDArray[Any]] = np.empty(0, dtype=object)


class Measured(NamedTuple):
    """A value, for rates with numerator and denominator."""

    value: float | None
    hits: int | None = None
    base: int | None = None


NOTHING: Final = Measured(None)


def _rate(hits: Any, base: Any) -> Measured:
    return Measured(int(hits) / int(base), int(hits), int(base)) if base else NOTHING


def _repurchase(row: Row) -> Measured:
    if row.window is None:
        return _rate(row.figures.get("repeat_buyers"), row.figures.get("buyers"))
    if row.data.orders is None or row.data.as_of is None:
        return NOTHING
    who, days = row.bought()
    counts = np.bincount(who[days > np.datetime64(_before(row.data.as_of, row.window), "s")])
    return _rate(np.count_nonzero(counts >= 2), np.count_nonzero(counts))


def _before(day: date, period: Period) -> date:
    return Period(-period.number, period.unit).after(day)


def _second_order(row: Row) -> Measured:
    if row.data.orders is None:
        return NOTHING
    who, days = row.bought()
    order = np.lexsort((days, who))
    who, days = who[order], days[order]
    starts = grouping.firsts(*grouping.alike(who))
    again = np.diff(starts, append=len(who)) > 1
    if row.window is None or row.data.as_of is None:
        return _rate(np.count_nonzero(again), len(starts))
    first, time = days[starts], _time(row.window, row.data.as_of)
    had_time = first + time <= np.datetime64(row.data.as_of, "s")
    soon = days[starts + again] - first <= time
    return _rate(np.count_nonzero(again & soon & had_time), np.count_nonzero(had_time))


def _time(window: Period, as_of: date) -> np.timedelta64:
    """How long a window is, from the as-of date on."""
    return np.timedelta64((window.after(as_of) - as_of).days, "D")


def _came(row: Row, *, first: bool = False) -> Measured:
    """Customers reached who ordered later, within the window where there is one; `first`: only those without an order
    when they were reached."""
    if row.reached is None or row.data.as_of is None:
        return NOTHING
    orders = _known(row.data)
    if orders is None:
        return NOTHING
    keys, day = _first_reached(row.reached.at(~np.isnat(row.reached["reached_on"])))
    who, ordered_on = grouping.places(orders["key"], keys), orders["ordered_on"]
    who, ordered_on = who[who >= 0], ordered_on[who >= 0]
    counted = np.ones(len(keys), dtype=bool)
    if first:
        counted[who[ordered_on <= day[who]]] = False
    after = ordered_on > day[who]
    if row.window is not None:
        after &= ordered_on <= day[who] + _time(row.window, row.data.as_of)
    came = np.zeros(len(keys), dtype=bool)
    came[who[after]] = True
    return _rate(np.count_nonzero(came & counted), np.count_nonzero(counted))


def _first_reached(contacts: Frame) -> tuple[NDArray[np.object_], NDArray[np.datetime64]]:
    """Keys of those who were reached, and the first day known on which each was (NaT: none)."""
    codes, keys = frames.distinct(contacts["key"])
    return keys, grouping.earliest(codes, contacts["reached_on"], len(keys))


def _known(data: Data) -> Frame | None:
    """Key and ordered_on of every order, or, where the last one is all that is known, of that; None without either."""
    if data.orders is not None or "last_order_date" not in data.customers:
        return data.orders
    return Frame({"key": data.customers["key"], "ordered_on": data.customers["last_order_date"]})


def campaign(data: Data) -> dict[str, tuple[int, int]] | None:
    """By segment of today: customers the campaign log reached, and those of them who ordered after they first were
    (item 003-03); None without a log or orders."""
    if data.contacts is None or data.contacts.empty or (orders := _known(data)) is None:
        return None
    keys, day = _first_reached(data.contacts)
    who, ordered_on = grouping.places(orders["key"], keys), orders["ordered_on"]
    later = ordered_on > np.append(day, np.datetime64("NaT"))[who]
    if data.as_of is not None:
        later &= ordered_on < np.datetime64(data.as_of, "s") + np.timedelta64(1, "D")
    came = np.zeros(len(keys) + 1, dtype=bool)
    came[who[later]] = True
    at = grouping.places(data.customers["key"], keys)
    return {segment: (int((at[mine] >= 0).sum()), int(came[at[mine]].sum())) for segment, mine in data.members.items()}


def _responded(row: Row) -> Measured:
    if row.reached is None:
        return NOTHING
    keys, responded = row.reached["key"], row.reached["responded"]
    return _rate(len({*keys[responded].tolist()}), len({*keys.tolist()}))


def _were(row: Row) -> Frame | None:
    earlier = row.data.earlier
    return None if earlier is None else earlier.at(earlier["segment"] == row.segment)


def _retained(row: Row) -> Measured:
    were = _were(row)
    if were is None:
        return NOTHING
    now = {*row.column("key").tolist()}
    return _rate(sum(key in now for key in were["key"].tolist()), len(were))


def _returned(row: Row) -> Measured:
    were, data = _were(row), row.data
    if were is None or were.empty or "last_order_date" not in data.customers:
        return NOTHING
    keys, then = were["key"].tolist(), were["as_of"][0]
    if data.contacts is not None:
        reached = {*data.contacts["key"][data.contacts["reached_on"] >= then].tolist()}
        keys = [key for key in keys if key not in reached]
    late = {*data.customers["key"][data.customers["last_order_date"] > then].tolist()}
    return _rate(sum(key in late for key in keys), len(keys))


def _column(name: str, how: Callable[[NDArray[np.float64]], Any]) -> Callable[[Row], Measured]:
    def found(row: Row) -> Measured:
        column = row.column(name).astype(np.float64)
        known = column[~np.isnan(column)]
        return Measured(float(how(known))) if len(known) else NOTHING

    return found


def _figure(name: str, per_customer: bool = False) -> Callable[[Row], Measured]:
    def found(row: Row) -> Measured:
        line = row.figures
        if not line or line[name] != line[name] or not line["customers"]:
            return NOTHING
        return Measured(float(line[name]) / (line["customers"] if per_customer else 1))

    return found


MEASURES: Final[Mapping[str, Callable[[Row], Measured]]] = {
    "repurchase_rate": _repurchase,
    "second_order_rate": _second_order,
    "recall_rate": _came,
    "conversion_rate": lambda row: _came(row, first=True),
    "participation_rate": _responded,
    "response_rate": _responded,
    "return_rate": _returned,
    "retention_rate": _retained,
    "active_rate": lambda row: _rate((row.column("r_label") == "high").sum(), len(row.column("r_label"))),
    "complaint_rate": _column("complaint_rate", np.mean),
    "amount_share": _figure("amount_share"),
    "customer_share": _figure("customer_share"),
    "average_order_value": _figure("average_order_value"),
    "amount": _figure("amount"),
    "amount_per_customer": _figure("amount", per_customer=True),
    "frequency": _figure("orders", per_customer=True),
    "customers": _figure("customers"),
    "referrals": _column("referrals", np.sum),
}


def log(grid: Grid | None, as_of: date | None) -> tuple[Frame | None, tuple[Finding, ...]]:
    """The sheet 活动记录 as `contacted`, None when nothing stands on it; and what was found."""
    if grid is None:
        return None, ()
    taken = intake.take(grid, schema.ACTIVITY)
    return (contacted(taken.frame, as_of) if taken.rows_in else None), taken.findings


def contacted(rows: Frame, as_of: date | None) -> Frame:
    """The campaign log as typed (customer_id; reached_on, responded, segment, campaign optional) with key, group
    (`fold`ed, "" unknown) and responded as bool; contacts after the as-of date have not happened yet."""
    blank = np.full(len(rows), "", dtype=object)
    days = rows.get("reached_on", np.full(len(rows), np.datetime64("NaT", "s")))
    keys = values.keys(rows["customer_id"])
    found = {
        "key": keys,
        "reached_on": days,
        "responded": rows.get("responded", blank) == "yes",
        "campaign": rows.get("campaign", blank),
        "group": values.keys(rows.get("segment", blank)),
    }
    happened = keys != ""
    if as_of is not None:
        happened &= ~(days > np.datetime64(as_of, "s"))
    return Frame(found, rows.index).at(happened)


def reached(data: Data, segment: str, names: set[str], start: date | None) -> Frame | None:
    """The contacts of a row of table 3 from its start date on: those that name it; and those that name no segment, of
    customers who were in it at the last analysis before, or, where there is none, are in it now."""
    contacts = data.contacts
    if contacts is None or contacts.empty:
        return None
    codes, groups = frames.distinct(contacts["group"])
    mine = np.array([one in names for one in groups.tolist()], dtype=bool)[codes]
    if segment:
        nameless = np.flatnonzero(contacts["group"] == "")
        stood = [data.standing.get(key) == segment for key in contacts["key"][nameless].tolist()]
        mine[nameless] |= np.array(stood, dtype=bool)
    if start is not None:
        mine &= ~(contacts["reached_on"] < np.datetime64(start, "s"))
    return contacts.at(mine)


def baseline(data: Data, metric: str, segment: str, start: date | None) -> float | None:
    """The metric at the last analysis before the target began (or, without a start date, before this one)."""
    limit = start or data.as_of
    if limit is None:
        return None
    mine = [one for one in data.lines if one.segment == segment and one.as_of <= limit]
    before = [one for one in mine if one.as_of < (data.as_of or limit)]
    last = max(reversed(before), key=lambda one: one.as_of, default=None)
    return _number(last.cells.get(metric)) if last else None


def _number(cell: Any) -> float | None:
    """The number in a cell of the history, also one that has become a text."""
    found = plain_number(cell) if isinstance(cell, str) else float(cell) if isinstance(cell, (int, float)) else np.nan
    return None if found != found else found
