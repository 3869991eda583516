"""Orders from a file into a workbook of their own: `segmenter import`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter import grouping, rules, schema, settings, sources
from segmenter.books.file import FileBook
from segmenter.errors import Refused
from segmenter.findings import Finding, to_frame
from segmenter.frames import Frame
from segmenter.jobs import Progress, refuse_existing, template
from segmenter.reading import dates, headers, intake
from segmenter.steps import orders
from segmenter.texts import Lang

FROM_TEXT = frozenset({"number_as_text", "date_as_text"})
"""not worth saying of a text file, where everything is text"""


class Imported(NamedTuple):
    """What `import` did: order lines read and used, orders and customers they make, and what was found."""

    as_of: date
    lines_in: int
    lines_used: int
    orders: int
    customers: int
    amount: float
    findings: tuple[Finding, ...]


def import_orders(
    source: Path,
    out: Path,
    lang: Lang,
    columns: Mapping[str, str],
    as_of: date | None = None,
    rules_file: Path | None = None,
    progress: Progress = lambda _: None,
) -> Imported:
    """Orders into a fresh template workbook: table 1 with the behaviour columns, and the orders themselves.

    `columns`: field key -> header in the file, for headers that no alias covers. A rules file and the as-of date, when
    given, are written to the settings; otherwise the date is the last order's and the workbook finds it by itself.
    """
    refuse_existing(out)
    progress("read")
    grid = sources.read_orders(source, columns)
    taken = intake.take(grid, schema.ORDERS)
    if not {"amount"} & {*taken.columns} and not {"quantity", "unit_price"} <= {*taken.columns}:
        raise Refused("no_amount", path=source)
    progress("clean")
    used = rules.from_file(rules_file) if rules_file else rules.default()
    tidied = orders.tidy(taken.frame, used, taken.sheet, stage="import")
    if tidied.frame.empty:
        raise Refused("no_orders", path=source)
    day = as_of or used.as_of or tidied.frame["ordered_on"].max().astype("M8[D]").item()
    customers = orders.behaviour(tidied.frame, day, used)
    if customers.empty:
        raise Refused("no_orders_before", path=source, as_of=day)
    header_row, placed = headers.locate(grid, schema.ORDERS)
    hours = dates.hours(grid.column(placed["ordered_on"], header_row + 1))
    past = tidied.frame.at(tidied.frame["ordered_on"] <= np.datetime64(day, "s"))
    active = orders.active_hours(past, hours[past.index - header_row - 2])
    if active:
        told = [active.get(key, "") for key in customers["key"].tolist()]
        customers = customers.assign(active_hours=np.array(told, dtype=object))
    found = [one._replace(stage="import") for one in taken.findings if one.code not in FROM_TEXT]
    found += tidied.findings
    every = orders.whole(tidied.frame)
    later = int((every["ordered_on"] > np.datetime64(day, "s")).sum())
    if later:
        params = {"orders": later, "as_of": day.isoformat()}
        found.append(Finding("orders_after_as_of", taken.sheet, params=params, stage="import"))
    progress("write")
    with FileBook(template(lang), out=out) as book:
        people = _in_order(_worded(customers.drop("key").pandas, lang), "customer_id")
        book.write(schema.CUSTOMERS, Frame.from_pandas(people))
        lines = _worded(tidied.frame.drop("key", "region").pandas, lang)
        book.write(schema.ORDERS, Frame.from_pandas(lines))
        book.write(schema.CLEANING, to_frame(found, book.lang))
        if as_of or rules_file:
            chosen = used._replace(as_of=as_of or used.as_of)
            book.write(schema.SETTINGS, settings.to_frame(chosen, book.lang))
    return Imported(
        as_of=day,
        lines_in=taken.rows_in,
        lines_used=tidied.lines_used,
        orders=len(every),
        customers=len(customers),
        amount=grouping.total(tidied.frame["amount"]),
        findings=tuple(found),
    )


def _worded(frame: DataFrame, lang: Lang) -> DataFrame:
    """Keys of choice lists as the words people read."""
    words = {choice.key: choice.name[lang] for choice in schema.choices("channel")}
    return frame.assign(channel=frame["channel"].map(lambda v: words.get(v, v))) if "channel" in frame else frame


def _in_order(frame: DataFrame, column: str) -> DataFrame:
    """Sorted by ID: numbers by value, then the rest."""
    ids = frame[column].astype(str)
    number = pd.to_numeric(ids.where(ids.str.fullmatch(r"\d{1,15}")), errors="coerce")
    return (
        frame.assign(_number=number, _text=ids)
        .sort_values(["_number", "_text"], na_position="last")
        .drop(columns=["_number", "_text"])
    )
