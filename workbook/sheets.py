"""The sheets people fill and read: lists, settings, plan and guide, and the looks they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter  # type: ignore[import-untyped, unused-ignore]
from xlsxwriter.utility import xl_rowcol_to_cell  # type: ignore[import-untyped, unused-ignore]

from segmenter import rules, schema, settings, texts
from segmenter.reports import tracking
from segmenter.schema import Field, Table
from segmenter.texts import Lang

HERE: Final = Path(__file__).parent
CREATED: Final = datetime(2026, 1, 1)
"""a fixed day, so that every run writes the same bytes"""
LAST_ROW: Final = 1_048_575
FONT: Final = "Microsoft YaHei"

# One accent, a deep teal, in five strengths; the colours of theme.xml.
ACCENT, MIDDLE, SOFT, PALE, MIST = "#0E5A67", "#2F7F8D", "#A9D3D8", "#D6ECEF", "#F2F8F9"
INK, MUTED, LINE, WHITE = "#22363B", "#6A8086", "#D3E2E5", "#FFFFFF"
CLASS_LOOK: Final = {"static": (ACCENT, WHITE), "behaviour": (MIDDLE, WHITE), "value": (SOFT, INK), "need": (PALE, INK)}

NUMBER_FORMATS: Final = {
    "id": "@",
    "text": "@",
    "list": "@",
    "choice": "@",
    "count": "0",
    "money": "#,##0.00",
    "number": "#,##0.##",
    "rate": "0.0%",
    "date": "yyyy-mm-dd",
}
CENTRED: Final = {"choice", "date"}
NUMERIC: Final = {"count", "money", "number", "rate"}

TEMPLATE_COLUMNS: Final = {"rfm": 6, "strategy": 8}
"""so many columns of a result sheet are the template's; the others are helpers"""
PRINTED: Final = {"rfm": 9, "strategy": 15}
"""so many columns of a wide result sheet are printed; the area grows with its rows"""
TWO_PAGES: Final = {"customers", "strategy", "personas"}
"""sheets too wide for one page of A4: two side by side, the first column on both"""
WRAPPED: Final = {"strategy", "cleaning", "dimensions", "cross", "personas", "proposals", "clusters"}
ROW_HEIGHT: Final = {"strategy": 32, "personas": 96, "proposals": 32, "clusters": 46}
PORTRAIT: Final = {"orders"}
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

BEHAVIOUR: Final = {
    "frequency",
    "average_order_value",
    "categories",
    "channel",
    "total_amount",
    "last_order_date",
    "window_amount",
}
"""the columns orders decide"""


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
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.55)
        sheet.set_footer("&L&8&K6A8086&A&R&8&K6A8086&P / &N", {"margin": 0.25})
        sheet.center_horizontally()
        return sheet


def header_look(table: Table, position: int, one: Field) -> dict[str, Any]:
    """Colours of a header: by field class on the customers sheet, by origin on the result sheets."""
    fill, ink = ACCENT, WHITE
    if one.field_class:
        fill, ink = CLASS_LOOK[one.field_class]
    elif position >= TEMPLATE_COLUMNS.get(table.key, len(table.fields)):
        fill, ink = PALE, INK
    side: dict[str, Any] = {"align": "left", "indent": 1}
    if one.kind in NUMERIC:
        side = {"align": "right", "indent": 2}  # the filter button stands at the right edge
    elif one.kind in CENTRED:
        side = {"align": "center"}
    return {"bold": True, "bg_color": fill, "font_color": ink, "text_wrap": True, **side}


def cell_look(table: Table, one: Field) -> dict[str, Any]:
    """How the cells of a column look; `fill` gives new rows the look of the first."""
    look: dict[str, Any] = {"num_format": NUMBER_FORMATS[one.kind]}
    if one.kind in CENTRED:
        look |= {"align": "center"}
    else:
        look |= {"align": "right" if one.kind in NUMERIC else "left", "indent": 1}
    if table.key in WRAPPED and one.kind == "text" and one.width > 12:
        look |= {"text_wrap": True}
    return look


def list_sheet(book: Book, table: Table, rows: Sequence[Mapping[str, Any]] = ()) -> Any:
    """A sheet with one Excel table: headers in row 1, `rows` below (one empty row when there are none)."""
    ours = table.fields[0].owner == "us"
    sheet = book.sheet(table, SOFT if ours else ACCENT)
    shown = table.shown
    sheet.hide_gridlines(2)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(2 if table.key in TWO_PAGES else 1, 0)
    if table.key in TWO_PAGES:
        sheet.repeat_columns(0)
    if table.key not in ("customers", "orders", "activity"):  # people type below: a print area would cut their rows off
        sheet.print_area(0, 0, max(len(rows), 1), PRINTED.get(table.key, len(shown)) - 1)
    sheet.set_default_row(ROW_HEIGHT.get(table.key, 18))
    if table.key in PORTRAIT:
        sheet.set_portrait()
    sheet.set_row(0, 33 if book.lang == "zh" else 36)
    columns = []
    for column, one in enumerate(shown):
        look = cell_look(table, one)
        sheet.set_column(column, column, one.width + 2, book.look(**look))
        columns.append(
            {
                "header": one.header[book.lang],
                "header_format": book.look(**header_look(table, column, one)),
                "look": look,
            }
        )
        _validate(book, sheet, table, column, one)
    sheet.add_table(
        0,
        0,
        max(len(rows), 1),
        len(shown) - 1,
        {
            "name": table.list_object,
            "style": "Table Style Light 2"
            if table.key in ("orders", "activity", "rfm", "customers")
            else "Table Style Light 1",
            "banded_rows": False,
            "columns": [{k: v for k, v in column.items() if k != "look"} for column in columns],
        },
    )
    line = {"bottom": 1, "bottom_color": LINE}
    for number, row in enumerate(rows or [{}], start=1):
        lines = max((-(-_wide(str(row.get(one.key) or "")) // one.width) for one in shown), default=1)
        if table.key in WRAPPED and lines > 1:
            sheet.set_row(number, 15 * lines + 4)
        for column, one in enumerate(shown):
            put(sheet, number, column, row.get(one.key), book.look(**columns[column]["look"], **line))
    texts_in = [f"{_letter(c)}2:{_letter(c)}{LAST_ROW + 1}" for c, one in enumerate(shown) if one.kind == "id"]
    if texts_in:
        sheet.ignore_errors({"number_stored_as_text": " ".join(texts_in)})
    return sheet


def _letter(column: int) -> str:
    return str(xl_rowcol_to_cell(0, column))[:-1]


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


def _validate(book: Book, sheet: Any, table: Table, column: int, one: Field) -> None:
    """A drop-down for choices, and on the customers sheet a hint on the header that names the field class."""
    if one.choices:
        options = [choice.name[book.lang] for choice in schema.choices(one.choices)]
        sheet.data_validation(1, column, LAST_ROW, column, _list_of(book, options, "warning"))
    if one.field_class:
        lines = [book.say("hint.must" if one.must else "hint.optional")]
        if one.key in BEHAVIOUR:
            lines.append(book.say("hint.from_orders"))
        hint = {"input_title": schema.class_name(one.field_class, book.lang), "input_message": "\n".join(lines)}
        sheet.data_validation(0, column, 0, column, {"validate": "any", **hint})


def _list_of(book: Book, options: Sequence[str], kind: str) -> dict[str, Any]:
    message = book.say("hint.unlisted" if kind == "warning" else "hint.choose")
    return {"validate": "list", "source": list(options), "error_type": kind, "error_message": message}


def settings_sheet(book: Book, own: Mapping[str, str] | None = None) -> None:
    """Settings: a table of name, value and explanation; one word from a list, a day, or free text."""
    table = schema.SETTINGS
    sheet = book.sheet(table, ACCENT)
    sheet.hide_gridlines(2)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    sheet.set_row(0, 26)
    frame = settings.to_frame(rules.default(), book.lang)
    for column, one in enumerate(table.fields):
        sheet.set_column(column, column, one.width)
    columns = [
        {"header": one.header[book.lang], "header_format": book.look(**header_look(table, column, one))}
        for column, one in enumerate(table.fields)
    ]
    sheet.add_table(
        0,
        0,
        len(frame),
        len(columns) - 1,
        {
            "name": table.list_object,
            "style": "Table Style Light 1",
            "banded_rows": False,
            "autofilter": False,
            "columns": columns,
        },
    )
    by_name = {settings.name_of(name, book.lang): name for name in rules.Rules._fields if texts_for(name)}
    previous = ""
    for row, (name, value, explain) in enumerate(map(dict.values, frame.records()), start=1):
        key = by_name.get(name, "")
        begins = key in GROUPS or (row > 1 and not key and previous in by_name.values())
        top = {"top": 2, "top_color": SOFT} if begins else {"top": 1, "top_color": LINE}
        line = {**top, "bottom": 1, "bottom_color": LINE, "text_wrap": True, "indent": 1}
        day = bool(key) and rules.KINDS[key] == (date | None)
        shown = NUMBER_FORMATS["date"] if day else "General" if isinstance(value, (int, float)) else "@"
        put(sheet, row, 0, name, book.look(bold=True, **line))
        sides = {"left": 1, "right": 1, "left_color": SOFT, "right_color": SOFT}
        put(
            sheet,
            row,
            1,
            (own or {}).get(key, value),
            book.look(bg_color=MIST, num_format=shown, align="left", **line, **sides),
        )
        put(sheet, row, 2, explain, book.look(font_color=MUTED, **line))
        sheet.set_row(row, 22 if _wide(explain) <= table["explain"].width - 4 else 36)
        options = settings.choices_of(key, book.lang) if key else []
        if options:
            sheet.data_validation(row, 1, row, 1, _list_of(book, options, "stop"))
        elif day:
            sheet.data_validation(row, 1, row, 1, {"validate": "any", "input_message": book.say("hint.date")})
        previous = key
    sheet.ignore_errors({"number_stored_as_text": f"B2:B{len(frame) + 1}"})
    sheet.print_area(0, 0, len(frame), len(columns) - 1)


def texts_for(key: str) -> bool:
    """Whether a field of the rules has a row of its own on the settings sheet."""
    return f"setting.{key}.name" in texts.keys()  # noqa: SIM118 - `keys` is a function of the module


def _wide(text: str) -> float:
    """About how many digits wide a text is."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def strategy_sheet(book: Book, rows: Sequence[Mapping[str, Any]] = ()) -> None:
    """Table 3: progress turns green, yellow or red at the limits of the report's lights, also inside a text."""
    table = schema.STRATEGY
    sheet = list_sheet(book, table, rows)
    column = [one.key for one in table.shown].index("progress")
    cell = f"{_letter(column)}2"
    plain = f'SUBSTITUTE({cell},"\uff05","%")'
    tries = "-1"
    for count in (1, 2, 3, 4):  # the longest number in front of the % that can be read wins
        tries = f'IFERROR(VALUE(MID({plain},FIND("%",{plain})-{count},{count}))/100,{tries})'
    share = f"IF(ISNUMBER({cell}),{cell},{tries})"
    looks = [
        (f"{share}>={tracking.GOOD}", {"bg_color": "#D9EFE3", "font_color": "#17603B"}),
        (f"{share}>={tracking.FAIR}", {"bg_color": "#FBF0D3", "font_color": "#7A5611"}),
        (f"{share}>=0", {"bg_color": "#F8E1DC", "font_color": "#8C3522"}),
    ]
    hint = book.say("hint.progress", good=f"{tracking.GOOD:.0%}", fair=f"{tracking.FAIR:.0%}")
    sheet.data_validation(0, column, 0, column, {"validate": "any", "input_message": hint})
    for criteria, look in looks:
        options = {"type": "formula", "criteria": f'=AND({cell}<>"",{criteria})', "format": book.file.add_format(look)}
        sheet.conditional_format(1, column, LAST_ROW, column, {**options, "stop_if_true": True})
    column = [one.key for one in table.shown].index("outcome")
    for outcome, (_, look) in {"met": looks[0], "on_track": looks[1], "below": looks[2], "late": looks[2]}.items():
        word = texts.say(f"report.outcome.{outcome}", book.lang)
        options = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": book.file.add_format(look)}
        sheet.conditional_format(1, column, LAST_ROW, column, options)
    column = [one.key for one in table.shown].index("start_on")
    sheet.data_validation(0, column, 0, column, {"validate": "any", "input_message": book.say("hint.start")})


def guide_sheet(book: Book) -> None:
    """The guide: five steps, who fills which sheet, the legend; one A4 page."""
    table = schema.table("guide")
    sheet = book.sheet(table, ACCENT)
    sheet.set_portrait()
    sheet.hide_gridlines(2)
    sheet.hide_row_col_headers()
    sheet.fit_to_pages(1, 1)
    for column, width in enumerate((2, 6, 27, 27, 58, 2)):
        sheet.set_column(column, column, width)
    names = {key: one.sheet[book.lang] for key, one in schema.tables().items()}
    names["board"] = schema.BOARDS[0].sheet[book.lang]
    for column in range(6):
        sheet.write_blank(0, column, None, book.look(bg_color=ACCENT))
        sheet.write_blank(1, column, None, book.look(bg_color=ACCENT))
    sheet.set_row(0, 46)
    sheet.set_row(1, 26)
    sheet.write_string(
        0, 1, book.say("title"), book.look(bg_color=ACCENT, font_color=WHITE, bold=True, font_size=22, valign="bottom")
    )
    sheet.write_string(1, 1, book.say("subtitle"), book.look(bg_color=ACCENT, font_color=SOFT, font_size=11))
    row = _guide_heading(book, sheet, 2, book.say("steps"))
    for number in range(1, 6):
        badge = book.look(
            bg_color=ACCENT, font_color=WHITE, bold=True, font_size=14, align="center", bottom=5, bottom_color=WHITE
        )
        line = {"bottom": 1, "bottom_color": LINE}
        sheet.set_row(row, 44)
        sheet.write_number(row, 1, number, badge)
        sheet.write_string(
            row,
            2,
            book.say(f"step{number}.name"),
            book.look(bold=True, font_size=12, font_color=ACCENT, indent=1, **line),
        )
        words = book.look(text_wrap=True, **line)
        sheet.merge_range(row, 3, row, 4, "", words)
        sheet.write_string(row, 3, book.say(f"step{number}.text", **names), words)
        row += 1
    row = _guide_heading(book, sheet, row, book.say("sheets"))
    head = book.look(bold=True, bg_color=PALE, indent=1)
    sheet.set_row(row, 22)
    sheet.write_blank(row, 1, None, head)
    for column, key in ((2, "sheet"), (3, "who"), (4, "what")):
        sheet.write_string(row, column, book.say(f"column.{key}"), head)
    sheet.merge_range(row, 1, row, 2, book.say("column.sheet"), head)
    for key in (
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
    ):
        row += 1
        sheet.set_row(row, 30 if book.lang == "zh" else 34)
        words = book.look(text_wrap=True, indent=1, bottom=1, bottom_color=LINE)
        link = book.look(
            bold=True, font_color=ACCENT, underline=1, text_wrap=True, indent=1, bottom=1, bottom_color=LINE
        )
        sheet.merge_range(row, 1, row, 2, "", link)
        sheet.write_url(row, 1, f"internal:'{names[key]}'!A1", link, names[key])
        sheet.write_string(row, 3, book.say(f"{key}.who"), words)
        sheet.write_string(row, 4, book.say(f"{key}.what"), words)
    row = _guide_heading(book, sheet, row + 1, book.say("legend"))
    marks = [(schema.class_name(key, book.lang), book.say(f"class.{key}"), *look) for key, look in CLASS_LOOK.items()]
    marks += [
        (book.say("mark.template"), book.say("mark.template_text"), ACCENT, WHITE),
        (book.say("mark.helper"), book.say("mark.helper_text"), PALE, INK),
        (book.say("mark.editable"), book.say("mark.editable_text", **names), MIST, INK),
    ]
    for name, meaning, fill, ink in marks:
        sheet.set_row(row, 22)
        swatch = {
            "bg_color": fill,
            "font_color": ink,
            "align": "center",
            "bold": True,
            "bottom": 1,
            "bottom_color": WHITE,
        }
        if fill == MIST:
            swatch |= {"border": 1, "border_color": SOFT, "bottom_color": SOFT}
        sheet.merge_range(row, 1, row, 2, name, book.look(**swatch))
        sheet.merge_range(row, 3, row, 4, meaning, book.look(indent=1))
        row += 1
    row = _guide_heading(book, sheet, row, book.say("notes"))
    for key in ("as_of", "ids", "rows"):
        sheet.set_row(row, 22)
        sheet.write_string(row, 1, "\u2022", book.look(align="center", font_color=ACCENT, bold=True))
        sheet.merge_range(row, 2, row, 4, book.say(f"note.{key}"), book.look())
        row += 1
    sheet.set_row(row, 26)
    sheet.write_string(
        row, 1, book.say("footer", version=rules.default().version), book.look(font_size=8, font_color=MUTED)
    )
    sheet.print_area(0, 0, row, 5)


def _guide_heading(book: Book, sheet: Any, row: int, title: str) -> int:
    """A section heading after a little air; the row below it."""
    sheet.set_row(row, 14)
    sheet.set_row(row + 1, 28)
    look = book.look(bold=True, font_size=14, font_color=ACCENT, bottom=2, bottom_color=ACCENT)
    for column in range(1, 5):
        sheet.write_blank(row + 1, column, None, look)
    sheet.write_string(row + 1, 1, title, look)
    return row + 2
