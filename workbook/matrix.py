"""The sheet of the migration matrix: blocks that `fill` writes, two of them coloured by native rules."""

from __future__ import annotations

from typing import Any, Final

from blocks import SCALE, corner, heading, title_band
from book import Book, put
from looks import INK, LINE, MUTED, NUMBER_FORMATS, NUMERIC, PALE, SOFT, WHITE

from segmenter import schema, texts
from segmenter.schema import Table

BLOCKS: Final = ("heads", "counts", "shares", "ranked")
LAST: Final = 11
"""the last column of the widest block"""


def migration_sheet(book: Book) -> None:
    """Blocks that `fill` writes, under a band with the title."""
    tables = {name: schema.table(f"migration_{name}") for name in BLOCKS}
    sheet = book.sheet(tables["heads"], SOFT)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, LAST, 12.5)
    title, subtitle = (texts.say(f"migration.{key}", book.lang) for key in ("title", "subtitle"))
    title_band(book, sheet, LAST, title, subtitle)
    for name, table in tables.items():
        _block(book, sheet, table, texts.say(f"migration.{name}", book.lang))
        row, _ = corner(table)
        if name in ("counts", "shares"):  # without the sums; zero is left white
            codes = row + 1, 1, row + table.rows - (name == "counts"), 10
            sheet.conditional_format(*codes, {**SCALE, "mid_type": "percentile", "mid_value": 70})
    ranked = corner(tables["ranked"])[0]
    sheet.set_h_pagebreaks([ranked - 1])
    sheet.repeat_rows(ranked)  # from the page after its own on


def _block(book: Book, sheet: Any, table: Table, title: str) -> None:
    row, _ = corner(table)
    heading(book, sheet, table, len(table.fields), title)
    matrix = table.key in ("migration_counts", "migration_shares")
    for column, one in enumerate(table.fields):
        side = "center" if column and (matrix or one.kind == "text") else "right" if one.kind in NUMERIC else "left"
        head = {"bold": True, "font_size": 9, "bg_color": PALE, "font_color": INK, "text_wrap": True, "align": side}
        put(sheet, row, column, one.header[book.lang], book.look(**head, **({} if column else {"indent": 1})))
        number = "#,##0" if one.kind in ("money", "count") else NUMBER_FORMATS[one.kind]
        look: dict[str, Any] = {"num_format": number, "align": side}
        if table.key != "migration_ranked":  # as long as it gets; lines would show where it ends and be printed
            look |= {"bottom": 1, "bottom_color": LINE}
        look |= {"border": 1, "border_color": WHITE} if matrix and column else {}
        look |= {"indent": 1, "font_color": MUTED if matrix else INK} if not column else {}
        for below in range(1, table.rows + 1):
            summed = table.key == "migration_counts" and (below == table.rows or one.key == "total")
            strong = {"bold": True} if summed or (table.key == "migration_heads" and below == 1) else {}
            put(sheet, row + below, column, None, book.look(**{**look, **strong}))
