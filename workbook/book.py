"""A workbook while it is written: its sheets, its formats, and a value put into a cell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from looks import FONT, INK

from segmenter import texts
from segmenter.schema import Table
from segmenter.texts import Lang

HERE: Final = Path(__file__).parent
CREATED: Final = datetime(2026, 1, 1)
"""a fixed day, so that every run writes the same bytes"""
LAST_ROW: Final = 1_048_575
"""of a sheet, counted from zero"""


class Book:
    """A workbook being written, with the formats it has used."""

    def __init__(self, path: Path, lang: Lang) -> None:
        base = {"font_name": FONT, "font_size": 10, "font_family": 2, "font_scheme": "none", "font_color": INK}
        self.file = xlsxwriter.Workbook(str(path), {"default_format_properties": base})
        self.file.use_custom_theme(HERE / "theme.xml")
        self.file.set_size(1600, 1000)
        title = texts.say("guide.title", lang)
        self.file.set_properties({"title": title, "author": "Segmenter", "created": CREATED})
        self.lang = lang
        self._looks: dict[tuple[tuple[str, Any], ...], Any] = {}

    def look(self, **properties: Any) -> Any:
        """The cell format with these properties, one object per combination."""
        properties = {"valign": "vcenter"} | properties
        key = tuple(sorted(properties.items()))
        if key not in self._looks:
            self._looks[key] = self.file.add_format(properties)
        return self._looks[key]

    def say(self, key: str, **holes: str) -> str:
        """A text of the guide."""
        return texts.say(f"guide.{key}", self.lang, **holes)

    def sheet(self, table: Table, colour: str) -> Any:
        """A new sheet for `table`, ready for A4 landscape."""
        sheet = self.file.add_worksheet(table.sheet[self.lang])
        sheet.set_tab_color(colour)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.55)
        sheet.set_footer("&L&8&K6A8086&A&R&8&K6A8086&P / &N", {"margin": 0.25})
        sheet.center_horizontally()
        return sheet

    def drop_down(self, options: Sequence[str], error_type: str) -> dict[str, Any]:
        """A list to choose from; another word is a "warning" or a "stop"."""
        message = self.say("hint.unlisted" if error_type == "warning" else "hint.choose")
        return {"validate": "list", "source": list(options), "error_type": error_type, "error_message": message}


def put(sheet: Any, row: int, column: int, value: Any, look: Any) -> None:
    """Writes a value as what it is: text is never taken for a number, a formula or a link."""
    if value is None or value == "":
        sheet.write_blank(row, column, None, look)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, look)
    elif isinstance(value, str):
        sheet.write_string(row, column, value, look)
    else:
        sheet.write_number(row, column, value, look)
