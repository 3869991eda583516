"""The guide: five steps, who fills which sheet, the legend and notes, from top to bottom of one A4 page.

Each part is given the row it begins at and gives the row after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from book import Book
from looks import ACCENT, CLASS_LOOK, INK, LINE, MIST, MUTED, PALE, SOFT, WHITE

from segmenter import rules, schema

EXPLAINED: Final = (
    "settings",
    "customers",
    "orders",
    "activity",
    "rfm",
    "strategy",
    "board",
    "cleaning",
    "dimensions",
    "survey",
)
"""the sheets the guide links to, in their order"""


def guide_sheet(book: Book) -> None:
    """The sheet somebody new to the workbook reads first."""
    sheet = book.sheet(schema.table("guide"), ACCENT)
    sheet.set_portrait()
    sheet.hide_row_col_headers()
    sheet.fit_to_pages(1, 1)
    for column, width in enumerate((2, 6, 27, 27, 58, 2)):
        sheet.set_column(column, column, width)
    names = {key: one.sheet[book.lang] for key, one in schema.tables().items()}
    names["board"] = schema.BOARDS[0].sheet[book.lang]
    row = _title(book, sheet)
    row = _steps(book, sheet, row, names)
    row = _sheets(book, sheet, row, names)
    row = _legend(book, sheet, row, names)
    row = _notes(book, sheet, row)
    sheet.print_area(0, 0, row, 5)


def _title(book: Book, sheet: Any) -> int:
    band = {"bg_color": ACCENT}
    for column in range(6):
        sheet.write_blank(0, column, None, book.look(**band))
        sheet.write_blank(1, column, None, book.look(**band))
    sheet.set_row(0, 46)
    sheet.set_row(1, 26)
    title = book.look(**band, font_color=WHITE, bold=True, font_size=22, valign="bottom")
    sheet.write_string(0, 1, book.say("title"), title)
    sheet.write_string(1, 1, book.say("subtitle"), book.look(**band, font_color=SOFT, font_size=11))
    return 2


def _heading(book: Book, sheet: Any, row: int, title: str) -> int:
    """A section heading after a little air."""
    sheet.set_row(row, 14)
    sheet.set_row(row + 1, 28)
    look = book.look(bold=True, font_size=14, font_color=ACCENT, bottom=2, bottom_color=ACCENT)
    for column in range(1, 5):
        sheet.write_blank(row + 1, column, None, look)
    sheet.write_string(row + 1, 1, title, look)
    return row + 2


def _steps(book: Book, sheet: Any, row: int, names: Mapping[str, str]) -> int:
    row = _heading(book, sheet, row, book.say("steps"))
    big: dict[str, Any] = {"bold": True, "font_size": 14, "align": "center"}
    badge = book.look(**big, bg_color=ACCENT, font_color=WHITE, bottom=5, bottom_color=WHITE)
    line = {"bottom": 1, "bottom_color": LINE}
    name = book.look(bold=True, font_size=12, font_color=ACCENT, indent=1, **line)
    words = book.look(text_wrap=True, **line)
    for number in range(1, 6):
        sheet.set_row(row, 44)
        sheet.write_number(row, 1, number, badge)
        sheet.write_string(row, 2, book.say(f"step{number}.name"), name)
        sheet.merge_range(row, 3, row, 4, "", words)
        sheet.write_string(row, 3, book.say(f"step{number}.text", **names), words)
        row += 1
    return row


def _sheets(book: Book, sheet: Any, row: int, names: Mapping[str, str]) -> int:
    row = _heading(book, sheet, row, book.say("sheets"))
    head = book.look(bold=True, bg_color=PALE, indent=1)
    sheet.set_row(row, 22)
    for column, key in ((3, "who"), (4, "what")):
        sheet.write_string(row, column, book.say(f"column.{key}"), head)
    sheet.merge_range(row, 1, row, 2, book.say("column.sheet"), head)
    line = {"text_wrap": True, "indent": 1, "bottom": 1, "bottom_color": LINE}
    words = book.look(**line)
    link = book.look(bold=True, font_color=ACCENT, underline=1, **line)
    for key in EXPLAINED:
        row += 1
        sheet.set_row(row, 30 if book.lang == "zh" else 34)
        sheet.merge_range(row, 1, row, 2, "", link)
        sheet.write_url(row, 1, f"internal:'{names[key]}'!A1", link, names[key])
        sheet.write_string(row, 3, book.say(f"{key}.who"), words)
        sheet.write_string(row, 4, book.say(f"{key}.what"), words)
    return row + 1


def _legend(book: Book, sheet: Any, row: int, names: Mapping[str, str]) -> int:
    row = _heading(book, sheet, row, book.say("legend"))
    marks = [(schema.class_name(key, book.lang), book.say(f"class.{key}"), *look) for key, look in CLASS_LOOK.items()]
    marks += [
        (book.say("mark.template"), book.say("mark.template_text"), ACCENT, WHITE),
        (book.say("mark.helper"), book.say("mark.helper_text"), PALE, INK),
        (book.say("mark.editable"), book.say("mark.editable_text", **names), MIST, INK),
    ]
    for name, meaning, fill, ink in marks:
        sheet.set_row(row, 22)
        swatch: dict[str, Any] = {"bg_color": fill, "font_color": ink, "align": "center", "bold": True, "bottom": 1}
        if fill == MIST:  # nearly white: it needs a border to be seen
            swatch |= {"border": 1, "border_color": SOFT, "bottom_color": SOFT}
        else:
            swatch |= {"bottom_color": WHITE}
        sheet.merge_range(row, 1, row, 2, name, book.look(**swatch))
        sheet.merge_range(row, 3, row, 4, meaning, book.look(indent=1))
        row += 1
    return row


def _notes(book: Book, sheet: Any, row: int) -> int:
    """Three notes, and the version of the rules in the row that is given: the last of the page."""
    row = _heading(book, sheet, row, book.say("notes"))
    for key in ("as_of", "ids", "rows"):
        sheet.set_row(row, 22)
        sheet.write_string(row, 1, "\u2022", book.look(align="center", font_color=ACCENT, bold=True))
        sheet.merge_range(row, 2, row, 4, book.say(f"note.{key}"), book.look())
        row += 1
    sheet.set_row(row, 26)
    footer = book.say("footer", version=rules.default().version)
    sheet.write_string(row, 1, footer, book.look(font_size=8, font_color=MUTED))
    return row
