"""What the dashboard and the migration matrix share: a title, blocks at fixed cells, a scale of colours."""

from __future__ import annotations

from typing import Any, Final

from book import Book, put
from looks import ACCENT, SOFT, WHITE
from xlsxwriter.utility import xl_cell_to_rowcol

from segmenter.schema import Table

SCALE: Final = {"type": "3_color_scale", "min_color": "#EFF7F8", "mid_color": SOFT, "max_color": "#4E9FAC"}


def title_band(book: Book, sheet: Any, last: int, title: str, subtitle: str) -> None:
    """Two rows in the accent's colour, up to the column `last`."""
    band = book.look(bg_color=ACCENT, font_color=WHITE, bold=True, font_size=18, align="left", indent=1)
    under = book.look(bg_color=ACCENT, font_color=SOFT, font_size=9, align="left", indent=1, valign="top")
    for row, height, text, look in ((0, 46, title, band), (1, 26, subtitle, under)):
        sheet.set_row_pixels(row, height)
        put(sheet, row, 0, text, look)
        for column in range(1, last + 1):
            put(sheet, row, column, None, look)


def corner(table: Table) -> tuple[int, int]:
    """Row and column of a block's first header."""
    row, column = xl_cell_to_rowcol(table.anchor)
    return int(row), int(column)


def heading(book: Book, sheet: Any, table: Table, columns: int, title: str) -> None:
    """The line above a block, so many columns wide."""
    row, column = corner(table)
    look = book.look(bold=True, font_size=12, font_color=ACCENT, bottom=2, bottom_color=ACCENT)
    for position in range(columns):
        put(sheet, row - 1, column + position, None if position else title, look)
