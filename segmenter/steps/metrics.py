"""The figures that targets name, from the data: one definition each (ruling C21), named in `metrics.toml`.

Nothing is estimated: a metric whose source is missing has no value, and the cell says which source that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import schema
from segmenter.books import Grid
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import intake, values
from segmenter.reading.amounts import plain_number
from segmenter.reading.planning import Period
from segmenter.rules import Rules

if TYPE_CHECKING:
    from pandas import DataFrame


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
    ordered: DataFrame | None = None
    """`orders.Orders.frame`"""
    contacts: DataFrame | None = None
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
    def orders(self) -> DataFrame | None:
        """key, ordered_on of every order up to the as-of date."""
        if self.ordered is None or self.as_of is None:
            return None
        import pandas as pd

        paid = self.ordered[(self.ordered["amount"] > 0) & (self.ordered["ordered_on"] <= pd.Timestamp(self.as_of))]
        several = paid.duplicated(["order_id", "key"]) & (paid["order_id"] != "")
        return paid.loc[~several, ["key", "ordered_on"]]


class Row(NamedTuple):
    """What a metric is asked for: one row of table 3."""

    data: Data
    segment: str
    reached: DataFrame | None
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
    import pandas as pd

    orders = row.data.orders
    start = pd.Timestamp(_before(row.data.as_of, row.window))
    inside = orders[(orders["ordered_on"] > start) & orders["key"].isin(row.column("key"))]
    counts = inside.groupby("key").size()
    return _rate((counts >= 2).sum(), (counts >= 1).sum())


def _before(day: date, period: Period) -> date:
    return Period(-period.number, period.unit).after(day)


def _second_order(row: Row) -> Measured:
    orders = row.data.orders
    if orders is None:
        return NOTHING
    import pandas as pd

    mine = orders[orders["key"].isin(row.column("key"))].sort_values(["key", "ordered_on"], kind="stable")
    place = mine.groupby("key").cumcount()
    first = mine[place == 0].set_index("key")["ordered_on"]
    second = mine[place == 1].set_index("key")["ordered_on"].reindex(first.index)
    if row.window is not None and row.data.as_of is not None:
        days = pd.Timedelta(days=(row.window.after(row.data.as_of) - row.data.as_of).days)
        had_time = first + days <= pd.Timestamp(row.data.as_of)
        return _rate(((second - first <= days) & had_time).sum(), had_time.sum())
    return _rate(second.notna().sum(), len(first))


def _came(row: Row, *, first: bool = False) -> Measured:
    """Customers reached who ordered later, within the window where there is one; `first`: only those without an order
    when they were reached."""
    if row.reached is None or row.data.as_of is None:
        return NOTHING
    import pandas as pd

    day = row.reached.dropna(subset="reached_on").groupby("key")["reached_on"].min()
    orders = _known(row.data)
    if day.empty or orders is None:
        return NOTHING
    theirs = orders[orders["key"].isin(day.index)]
    reached = pd.Series(day.reindex(theirs["key"]).to_numpy(), theirs.index)
    if first:
        day = day.drop(theirs.loc[theirs["ordered_on"] <= reached, "key"].unique())
    after = theirs["ordered_on"] > reached
    if row.window is not None:
        days = pd.Timedelta(days=(row.window.after(row.data.as_of) - row.data.as_of).days)
        after &= theirs["ordered_on"] <= reached + days
    return _rate(day.index.isin(theirs.loc[after, "key"]).sum(), len(day))


def _known(data: Data) -> DataFrame | None:
    """Key and ordered_on of every order, or, where the last one is all that is known, of that; None without either."""
    if data.orders is not None or "last_order_date" not in data.customers:
        return data.orders
    return data.customers.pandas[["key", "last_order_date"]].rename(columns={"last_order_date": "ordered_on"})


def campaign(data: Data) -> DataFrame | None:
    """By segment of today: customers the campaign log reached, and those of them who ordered after they first were
    (item 003-03); None without a log or orders."""
    if data.contacts is None or data.contacts.empty or (orders := _known(data)) is None:
        return None
    import pandas as pd

    day = data.contacts.groupby("key")["reached_on"].min()
    later = orders[orders["ordered_on"] > orders["key"].map(day)]
    if data.as_of is not None:
        later = later[later["ordered_on"] < pd.Timestamp(data.as_of) + pd.Timedelta(days=1)]
    key, segment = data.customers.pandas["key"], data.customers.pandas["segment"]
    hit = pd.DataFrame({"reached": key.isin(day.index), "converted": key.isin(later["key"])})
    return hit.groupby(segment.astype(str).to_numpy()).sum()


def _responded(row: Row) -> Measured:
    if row.reached is None:
        return NOTHING
    answered = row.reached.groupby("key")["responded"].max()
    return _rate(answered.sum(), len(answered))


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
        reached = {*data.contacts.loc[data.contacts["reached_on"] >= then, "key"].tolist()}
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


def log(grid: Grid | None, as_of: date | None) -> tuple[DataFrame | None, tuple[Finding, ...]]:
    """The sheet 活动记录 as `contacted`, None when nothing stands on it; and what was found."""
    if grid is None:
        return None, ()
    taken = intake.take(grid, schema.ACTIVITY)
    return (contacted(taken.frame.pandas, as_of) if taken.rows_in else None), taken.findings


def contacted(rows: DataFrame, as_of: date | None) -> DataFrame:
    """The campaign log as typed (customer_id; reached_on, responded, segment, campaign optional) with key, group
    (`fold`ed, "" unknown) and responded as bool; contacts after the as-of date have not happened yet."""
    import pandas as pd

    found = pd.DataFrame(
        {
            "key": values.keys(rows["customer_id"].to_numpy(object)),
            "reached_on": rows.get("reached_on", pd.Series(pd.NaT, rows.index)).astype("datetime64[s]"),
            "responded": rows.get("responded", pd.Series("", rows.index)) == "yes",
            "campaign": rows.get("campaign", pd.Series("", rows.index)),
            "group": [schema.fold(one) for one in rows.get("segment", pd.Series("", rows.index))],
        },
        index=rows.index,
    )
    found = found[found["key"] != ""]
    return found if as_of is None else found[~(found["reached_on"] > pd.Timestamp(as_of))]


def reached(data: Data, segment: str, names: set[str], start: date | None) -> DataFrame | None:
    """The contacts of a row of table 3 from its start date on: those that name it; and those that name no segment, of
    customers who were in it at the last analysis before, or, where there is none, are in it now."""
    contacts = data.contacts
    if contacts is None or contacts.empty:
        return None
    import pandas as pd

    mine = contacts["group"].isin(names)
    nameless = contacts["group"] == ""
    if segment and nameless.any():
        known = data.customers.pandas.set_index("key")["segment"]
        if data.earlier is not None:
            known = pd.concat([data.earlier.pandas.set_index("key")["segment"], known])
        known = known[~known.index.duplicated()]
        mine |= nameless & (contacts["key"].map(known) == segment)
    if start is not None:
        mine &= ~(contacts["reached_on"] < pd.Timestamp(start))
    return contacts[mine]


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
