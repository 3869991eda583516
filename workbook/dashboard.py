"""The dashboard: blocks that `fill` writes, beside the charts that read them; one page."""

from __future__ import annotations

from typing import Any, Final

from blocks import SCALE, corner, heading, title_band
from book import Book, put
from charts import pareto_chart, place, segments_chart
from looks import ACCENT, LINE, MUTED, NUMBER_FORMATS, PALE, SOFT, WHITE
from xlsxwriter.utility import xl_rowcol_to_cell

from segmenter import schema
from segmenter.schema import Field, Table

BOARD_ROW: Final = 30
"""height of a row of the dashboard, in pixels"""
FACT_FORMAT: Final = "[=0]0;[<1]0.0%;#,##0"
"""a figure of the dashboard: below 1 it is a share"""


def board_sheet(book: Book) -> None:
    """The dashboard: fixed blocks on the left, charts that read them on the right, one page."""
    facts, segments, heat, pareto = (schema.table(f"board_{k}") for k in ("facts", "segments", "heat", "pareto"))
    sheet = book.sheet(facts, SOFT)
    sheet.fit_to_pages(1, 1)
    sheet.set_zoom(90)
    left, last_column = 8, 19
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, left - 2, 13)
    sheet.set_column(left - 1, left - 1, 2.5)
    sheet.set_column(left, last_column, 8)
    bottom = corner(heat)[0] + heat.rows
    sheet.print_area(0, 0, bottom, last_column)
    for row in range(2, bottom + 1):
        sheet.set_row_pixels(row, BOARD_ROW)
    for table in (facts, segments, heat):
        sheet.set_row_pixels(corner(table)[0], 38)
    sheet.set_row_pixels(2, 12)
    title_band(book, sheet, last_column, book.say("dash.title"), book.say("dash.subtitle"))
    for name, table in (("facts", facts), ("segments", segments), ("heat", heat), ("pareto", pareto)):
        _block(book, sheet, table, book.say(f"dash.{name}"))
    _heat_colours(book, sheet, heat)
    top = corner(facts)[0] - 1
    taller = 38 - BOARD_ROW
    middle = corner(segments)[0] + 1
    width = 61 * (last_column - left + 1) - 2
    sheet.insert_chart(
        top,
        left,
        segments_chart(book, segments),
        place(width, BOARD_ROW * (middle - top) + 2 * taller, book.say("dash.segments_alt")),
    )
    rest = BOARD_ROW * (bottom - middle) + taller + 16
    sheet.insert_chart(middle, left, pareto_chart(book, pareto), place(width, rest, book.say("dash.pareto_alt"), 13))


def _block(book: Book, sheet: Any, table: Table, title: str) -> None:
    """A titled block: header at the anchor, empty formatted cells below."""
    row, column = corner(table)
    facts = table.key == "board_facts"
    heading(book, sheet, table, len(table.fields) + facts, title)
    for position, one in enumerate(table.fields):
        first = column + position
        for below in range(table.rows + 1):
            look = book.look(**(_cell_look(table, position, one, below) if below else _head_look(table, position, one)))
            value = None if below else one.header[book.lang]
            if facts and position:  # a figure stands across two columns
                sheet.merge_range(row + below, first, row + below, first + 1, value or "", look)
            else:
                put(sheet, row + below, first, value, look)


def _side(position: int, one: Field) -> dict[str, Any]:
    return {"align": "left", "indent": 1} if position == 0 and one.kind == "text" else {"align": "right"}


def _head_look(table: Table, position: int, one: Field) -> dict[str, Any]:
    look = {"bold": True, "font_size": 9, "bg_color": PALE, "text_wrap": True, **_side(position, one)}
    if table.key == "board_heat" and position:
        look |= {"align": "center", "bold": False, "font_size": 8, "font_color": MUTED}
    return look


def _cell_look(table: Table, position: int, one: Field, below: int) -> dict[str, Any]:
    """`below`: so many rows under the header."""
    number = "#,##0" if one.kind == "money" else NUMBER_FORMATS[one.kind]
    look = {"num_format": number, "bottom": 1, "bottom_color": LINE, **_side(position, one)}
    if table.key == "board_facts" and position:
        look |= {"num_format": FACT_FORMAT, "bold": True, "font_size": 11, "font_color": ACCENT, "shrink": True}
    if table.key == "board_heat":
        look |= {"align": "center"} if position else {}
        look |= {"bold": True, "font_color": MUTED, "font_size": 9} if below == 1 else {}
        look |= {"border": 1, "border_color": WHITE} if below > 1 and position else {}
    return look


def _heat_colours(book: Book, sheet: Any, table: Table) -> None:
    row, column = corner(table)
    first, last = (row + 2, column + 1), (row + table.rows, column + len(table.fields) - 1)
    sheet.conditional_format(*first, *last, {**SCALE, "mid_type": "percentile", "mid_value": 60})
    here = xl_rowcol_to_cell(row + 1, column + 1, row_abs=True)
    filled = xl_rowcol_to_cell(row + 2, column, row_abs=True, col_abs=True)
    unused = {"type": "formula", "criteria": f'=AND({filled}<>"",{here}="")'}  # the rules have fewer F bins
    away = book.file.add_format({"font_color": WHITE, "bg_color": WHITE})
    sheet.conditional_format(row, column + 1, row + 1, last[1], {**unused, "format": away})
