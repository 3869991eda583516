"""Builds template.xlsx, extra.xlsx with the optional sheets (both also in English) and sample.xlsx from schema, rules
and texts: the same bytes each run.

    python workbook/build.py [FOLDER]

Needs the package itself, installed or in the current folder.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from book import HERE, Book
from dashboard import board_sheet
from guide_sheet import guide_sheet
from list_sheet import list_sheet
from matrix import migration_sheet
from sample import Order, load_shop, make_shop
from settings_sheet import settings_sheet
from strategy_sheet import strategy_sheet

from segmenter import catalogue, rules, schema
from segmenter.texts import Lang


def write(path: Path, lang: Lang, shop: Mapping[str, Any] | None = None) -> None:
    """Writes one workbook; with the shop's data when there is one."""
    book = Book(path, lang)
    customers, orders, plans = _rows(shop, lang) if shop else ([], [], [])
    guide_sheet(book)
    settings_sheet(book, shop["settings"] if shop else None)
    list_sheet(book, schema.CUSTOMERS, customers)
    list_sheet(book, schema.ORDERS, orders)
    list_sheet(book, schema.ACTIVITY)
    list_sheet(book, schema.RFM)
    strategy_sheet(book, plans)
    board_sheet(book)
    list_sheet(book, schema.CLEANING)
    list_sheet(book, schema.DIMENSIONS, catalogue.to_frame(catalogue.shipped(), lang).records())
    list_sheet(book, schema.SURVEY)
    book.file.close()


def _rows(
    shop: Mapping[str, Any], lang: Lang
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """What stands on the sheets of customers, of orders and of table 3."""
    customers, sold = make_shop(shop)
    return customers, _numbered(sold, shop["order_prefix"]), _plans(shop["progress"], lang)


def _numbered(sold: Sequence[Order], prefix: str) -> list[dict[str, Any]]:
    """The rows of the orders sheet; an order's number is its day and its place in it."""
    numbers: Counter[date] = Counter()
    rows = []
    for order in sold:
        numbers[order.day] += 1
        rows.append(
            {
                "order_id": f"{prefix}{order.day:%y%m%d}{numbers[order.day]:03d}",
                "customer_id": order.customer,
                "ordered_on": order.day,
                "amount": order.fen / 100,
                "category": order.category,
                "channel": order.channel,
            }
        )
    return rows


def _plans(progress: Mapping[str, Any], lang: Lang) -> list[dict[str, Any]]:
    """The rows of table 3: what the rules say of the segments that have progress to tell."""
    columns = ("segment", "traits", "strategy", "action", "owner", "target", "period")
    segments = {key: rules.default().segment(key) for key in progress}
    return [
        {**{column: one.text(column, lang) for column in columns}, "progress": progress[key]}
        for key, one in segments.items()
    ]


def write_extra(path: Path, lang: Lang) -> None:
    """Writes the workbook of the optional sheets, from which `fill` takes those it needs."""
    book = Book(path, lang)
    for table in schema.EXTRA:
        if not table.anchor:
            list_sheet(book, table)
    migration_sheet(book)
    book.file.close()


def main(folder: Path) -> None:
    """Writes the five workbooks into `folder`."""
    write_extra(folder / "extra.xlsx", "zh")
    write_extra(folder / "extra.en.xlsx", "en")
    write(folder / "template.xlsx", "zh")
    write(folder / "template.en.xlsx", "en")
    write(folder / "sample.xlsx", "zh", load_shop())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
