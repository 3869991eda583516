"""The settings sheet: a table of name, value and explanation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from book import Book, put
from looks import ACCENT, LINE, MIST, MUTED, NUMBER_FORMATS, SOFT, digits_wide, header_look

from segmenter import rules, schema, settings, texts

GROUPS: Final = {
    "scenario",
    "team_data",
    "as_of",
    "outlier_mode",
    "segments_min",
    "dimensions",
    "clusters",
    "value",
    "tracking_clock",
}
"""the settings a group begins with"""


def settings_sheet(book: Book, own: Mapping[str, str] | None = None) -> None:
    """The rules that ship, with `own` values in their place; one word from a list, a day, or free text."""
    table = schema.SETTINGS
    sheet = book.sheet(table, ACCENT)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    sheet.set_row(0, 26)
    frame = settings.to_frame(rules.default(), book.lang)
    columns = []
    for column, one in enumerate(table.fields):
        sheet.set_column(column, column, one.width)
        head = book.look(**header_look(table, column, one))
        columns.append({"header": one.header[book.lang], "header_format": head})
    look = {"name": table.list_object, "style": "Table Style Light 1", "banded_rows": False, "autofilter": False}
    sheet.add_table(0, 0, len(frame), len(columns) - 1, {**look, "columns": columns})
    keys = {settings.name_of(key, book.lang): key for key in rules.Rules._fields if _has_row(key)}
    previous = ""
    for row, (name, value, explain) in enumerate(map(dict.values, frame.records()), start=1):
        key = keys.get(name, "")
        begins = key in GROUPS or (previous and not key)  # the segments, which are no settings, stand last
        top = {"top": 2, "top_color": SOFT} if begins else {"top": 1, "top_color": LINE}
        line = {**top, "bottom": 1, "bottom_color": LINE, "text_wrap": True, "indent": 1}
        sides = {"left": 1, "right": 1, "left_color": SOFT, "right_color": SOFT}
        day = bool(key) and rules.KINDS[key] == (date | None)
        shown = NUMBER_FORMATS["date"] if day else "General" if isinstance(value, (int, float)) else "@"
        editable = book.look(bg_color=MIST, num_format=shown, align="left", **line, **sides)
        put(sheet, row, 0, name, book.look(bold=True, **line))
        put(sheet, row, 1, (own or {}).get(key, value), editable)
        put(sheet, row, 2, explain, book.look(font_color=MUTED, **line))
        sheet.set_row(row, 22 if digits_wide(explain) <= table["explain"].width - 4 else 36)
        options = settings.choices_of(key, book.lang) if key else []
        if options:
            sheet.data_validation(row, 1, row, 1, book.drop_down(options, "stop"))
        elif day:
            sheet.data_validation(row, 1, row, 1, {"validate": "any", "input_message": book.say("hint.date")})
        previous = key
    sheet.ignore_errors({"number_stored_as_text": f"B2:B{len(frame) + 1}"})
    sheet.print_area(0, 0, len(frame), len(columns) - 1)


def _has_row(key: str) -> bool:
    """Whether a field of the rules has a row of its own on the sheet."""
    return f"setting.{key}.name" in texts.keys()  # noqa: SIM118 - `keys` is a function of the module
