"""Builds template.xlsx, template.en.xlsx and sample.xlsx from schema, rules and texts: the same bytes each run.

    python workbook/build.py [FOLDER]

Needs XlsxWriter (extra `build`) and the package itself, installed or in the current folder.
"""

from __future__ import annotations

import math
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, get_type_hints

import xlsxwriter  # type: ignore[import-untyped, unused-ignore]
from xlsxwriter.utility import xl_cell_to_rowcol, xl_rowcol_to_cell  # type: ignore[import-untyped, unused-ignore]

from segmenter import rules, schema, settings, texts
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
BOARD_ROW: Final = 30
"""height of a row of the dashboard, in pixels"""
FACT_FORMAT: Final = "[=0]0;[<1]0.0%;#,##0"
"""a figure of the dashboard: below 1 it is a share"""

TEMPLATE_COLUMNS: Final = {"rfm": 6, "strategy": 8}
"""so many columns of a result sheet are the template's; the others are helpers"""
PRINTED: Final = {"rfm": 9}
"""so many columns of a wide result sheet are printed; the area grows with its rows"""
WRAPPED: Final = {"strategy", "cleaning"}
ROW_HEIGHT: Final = {"strategy": 32}
PORTRAIT: Final = {"orders"}
SETTING_GROUPS: Final = {"scenario", "team_data", "as_of", "outlier_mode", "segments_min"}
"""the settings a group begins with"""


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


# ---------------------------------------------------------------------------------------------------- list sheets


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
    ours = table.key in ("rfm", "cleaning")
    sheet = book.sheet(table, SOFT if ours else ACCENT)
    shown = table.shown
    sheet.hide_gridlines(2)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    if table.key in ("customers", "orders"):  # people type below: a print area would cut their rows off
        sheet.fit_to_pages(2 if table.key == "customers" else 1, 0)
    else:
        sheet.fit_to_pages(1, 0)
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
            "style": "Table Style Light 2" if table.key in ("orders", "rfm", "customers") else "Table Style Light 1",
            "banded_rows": False,
            "columns": [{k: v for k, v in column.items() if k != "look"} for column in columns],
        },
    )
    line = {"bottom": 1, "bottom_color": LINE}
    for number, row in enumerate(rows or [{}], start=1):
        for column, one in enumerate(shown):
            _put(sheet, number, column, row.get(one.key), book.look(**columns[column]["look"], **line))
    texts_in = [f"{_letter(c)}2:{_letter(c)}{LAST_ROW + 1}" for c, one in enumerate(shown) if one.kind == "id"]
    if texts_in:
        sheet.ignore_errors({"number_stored_as_text": " ".join(texts_in)})
    return sheet


def _letter(column: int) -> str:
    return str(xl_rowcol_to_cell(0, column))[:-1]


def _put(sheet: Any, row: int, column: int, value: Any, look: Any) -> None:
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


def settings_sheet(book: Book, goal: str = "") -> None:
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
    kinds = get_type_hints(rules.Rules)
    by_name = {settings.name_of(one.name, book.lang): one.name for one in fields(rules.Rules) if texts_for(one.name)}
    previous = ""
    for row, (name, value, explain) in enumerate(frame.itertuples(index=False, name=None), start=1):
        key = by_name.get(name, "")
        begins = key in SETTING_GROUPS or (row > 1 and not key and previous in by_name.values())
        top = {"top": 2, "top_color": SOFT} if begins else {"top": 1, "top_color": LINE}
        line = {**top, "bottom": 1, "bottom_color": LINE, "text_wrap": True, "indent": 1}
        day = bool(key) and kinds[key] == (date | None)
        shown = NUMBER_FORMATS["date"] if day else "General" if isinstance(value, (int, float)) else "@"
        _put(sheet, row, 0, name, book.look(bold=True, **line))
        sides = {"left": 1, "right": 1, "left_color": SOFT, "right_color": SOFT}
        _put(
            sheet,
            row,
            1,
            goal if key == "goal" else value,
            book.look(bg_color=MIST, num_format=shown, align="left", **line, **sides),
        )
        _put(sheet, row, 2, explain, book.look(font_color=MUTED, **line))
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
    """Table 3: progress turns green from 80 %, yellow from 40 %, red below, also inside a text."""
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
        (f"{share}>=0.8", {"bg_color": "#D9EFE3", "font_color": "#17603B"}),
        (f"{share}>=0.4", {"bg_color": "#FBF0D3", "font_color": "#7A5611"}),
        (f"{share}>=0", {"bg_color": "#F8E1DC", "font_color": "#8C3522"}),
    ]
    sheet.data_validation(0, column, 0, column, {"validate": "any", "input_message": book.say("hint.progress")})
    for criteria, look in looks:
        options = {"type": "formula", "criteria": f'=AND({cell}<>"",{criteria})', "format": book.file.add_format(look)}
        sheet.conditional_format(1, column, LAST_ROW, column, {**options, "stop_if_true": True})


# ------------------------------------------------------------------------------------------------------ dashboard


def board_sheet(book: Book) -> None:
    """The dashboard: fixed blocks on the left, charts that read them on the right, one page."""
    facts, segments, heat, pareto = (schema.table(f"board_{k}") for k in ("facts", "segments", "heat", "pareto"))
    sheet = book.sheet(facts, SOFT)
    sheet.hide_gridlines(2)
    sheet.fit_to_pages(1, 1)
    sheet.set_zoom(90)
    left, last_column = 8, 19
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, left - 2, 13)
    sheet.set_column(left - 1, left - 1, 2.5)
    sheet.set_column(left, last_column, 8)
    bottom = _corner(heat)[0] + heat.rows
    sheet.print_area(0, 0, bottom, last_column)
    for row in range(2, bottom + 1):
        sheet.set_row_pixels(row, BOARD_ROW)
    for table in (facts, segments, heat):
        sheet.set_row_pixels(_corner(table)[0], 38)
    sheet.set_row_pixels(0, 46)
    sheet.set_row_pixels(1, 26)
    sheet.set_row_pixels(2, 12)
    band = book.look(bg_color=ACCENT, font_color=WHITE, bold=True, font_size=18, align="left", indent=1)
    under = book.look(bg_color=ACCENT, font_color=SOFT, font_size=9, align="left", indent=1, valign="top")
    for column in range(last_column + 1):
        sheet.write_blank(0, column, None, band)
        sheet.write_blank(1, column, None, under)
    sheet.write_string(0, 0, book.say("dash.title"), band)
    sheet.write_string(1, 0, book.say("dash.subtitle"), under)
    for name, table in (("facts", facts), ("segments", segments), ("heat", heat), ("pareto", pareto)):
        _block(book, sheet, table, book.say(f"dash.{name}"))
    _heat_colours(sheet, heat)
    top = _corner(facts)[0] - 1
    taller = 38 - BOARD_ROW
    middle = _corner(segments)[0] + 1
    width = 61 * (last_column - left + 1) - 2
    sheet.insert_chart(
        top,
        left,
        _segments_chart(book, segments),
        _place(width, BOARD_ROW * (middle - top) + 2 * taller, book.say("dash.segments_alt")),
    )
    rest = BOARD_ROW * (bottom - middle) + taller + 16
    sheet.insert_chart(middle, left, _pareto_chart(book, pareto), _place(width, rest, book.say("dash.pareto_alt"), 13))


def _corner(table: Table) -> tuple[int, int]:
    row, column = xl_cell_to_rowcol(table.anchor)
    return int(row), int(column)


def _block(book: Book, sheet: Any, table: Table, title: str) -> None:
    """A titled block: header at the anchor, empty formatted cells below."""
    row, column = _corner(table)
    heading = book.look(bold=True, font_size=12, font_color=ACCENT, bottom=2, bottom_color=ACCENT)
    for position, one in enumerate(table.fields):
        _put(sheet, row - 1, column + position, title if position == 0 else "", heading)
        side = "left" if position == 0 and one.kind == "text" else "right"
        head = {"bold": True, "font_size": 9, "bg_color": PALE, "text_wrap": True, "align": side}
        if side == "left":
            head |= {"indent": 1}
        if table.key == "board_heat" and position:
            head |= {"align": "center", "bold": False, "font_size": 8, "font_color": MUTED}
        if table.key == "board_facts" and position == 1:
            _put(sheet, row - 1, column + 2, "", heading)
            sheet.merge_range(row, column + 1, row, column + 2, one.header[book.lang], book.look(**head))
        else:
            _put(sheet, row, column + position, one.header[book.lang], book.look(**head))
        for below in range(1, table.rows + 1):
            look = {"num_format": NUMBER_FORMATS[one.kind], "align": side, "bottom": 1, "bottom_color": LINE}
            if side == "left":
                look |= {"indent": 1}
            if one.kind == "money":
                look |= {"num_format": "#,##0"}
            if table.key == "board_facts" and position == 1:
                look |= {"num_format": FACT_FORMAT, "bold": True, "font_size": 11, "font_color": ACCENT, "shrink": True}
            if table.key == "board_heat":
                look |= {"align": "center"} if position else {}
                look |= {"bold": True, "font_color": MUTED, "font_size": 9} if below == 1 else {}
                look |= {"border": 1, "border_color": WHITE} if below > 1 and position else {}
            if table.key == "board_facts" and position == 1:
                sheet.merge_range(row + below, column + 1, row + below, column + 2, "", book.look(**look))
            else:
                _put(sheet, row + below, column + position, None, book.look(**look))


def _heat_colours(sheet: Any, table: Table) -> None:
    row, column = _corner(table)
    first, last = (row + 2, column + 1), (row + table.rows, column + len(table.fields) - 1)
    scale = {"type": "3_color_scale", "min_color": "#EFF7F8", "mid_color": "#A9D3D8", "max_color": "#4E9FAC"}
    sheet.conditional_format(*first, *last, {**scale, "mid_type": "percentile", "mid_value": 60})


def _place(width: int, height: int, alt: str, down: int = 0) -> dict[str, Any]:
    return {"object_position": 2, "x_scale": width / 480, "y_scale": height / 288, "y_offset": down, "description": alt}


def _ranges(book: Book, table: Table, key: str) -> list[Any]:
    """A column of a block as XlsxWriter wants it: sheet, first row, first column, last row, last column."""
    row, column = _corner(table)
    column += [one.key for one in table.fields].index(key)
    return [table.sheet[book.lang], row + 1, column, row + table.rows, column]


def _name(book: Book, table: Table, key: str) -> list[Any]:
    place = _ranges(book, table, key)
    return [place[0], place[1] - 1, place[2]]


def _font(size: float, colour: str = MUTED, bold: bool = False) -> dict[str, Any]:
    return {"name": FONT, "size": size, "color": colour, "bold": bold}


def _dress(chart: Any, title: str, *, left: float, width: float, height: float) -> None:
    chart.set_title(
        {"name": title, "name_font": _font(12, ACCENT, True), "overlay": False, "layout": {"x": 0.02, "y": 0.025}}
    )
    chart.set_legend(
        {"position": "top", "font": _font(9, INK), "layout": {"x": 0.62, "y": 0.02, "width": 0.36, "height": 0.08}}
    )
    chart.set_plotarea({"layout": {"x": left, "y": 0.14, "width": width, "height": height}})
    chart.set_chartarea({"border": {"color": LINE}, "fill": {"color": WHITE}})
    chart.show_blanks_as("gap")


def _segments_chart(book: Book, table: Table) -> Any:
    chart = book.file.add_chart({"type": "bar"})
    for key, colour in (("customer_share", SOFT), ("amount_share", ACCENT)):
        chart.add_series(
            {
                "name": _name(book, table, key),
                "categories": _ranges(book, table, "segment"),
                "values": _ranges(book, table, key),
                "fill": {"color": colour},
                "border": {"none": True},
                "gap": 55,
                "overlap": -5,
                "data_labels": {
                    "value": True,
                    "num_format": "0.0%",
                    "font": _font(8.5, INK),
                    "position": "outside_end",
                },
            }
        )
    left = 0.15 if book.lang == "zh" else 0.24
    _dress(chart, book.say("dash.segments_chart"), left=left, width=0.93 - left, height=0.83)
    chart.set_y_axis({"reverse": True, "num_font": _font(9.5, INK), "line": {"color": SOFT}, "major_tick_mark": "none"})
    chart.set_x_axis(
        {
            "visible": False,
            "min": 0,
            "num_format": "0%",
            "major_gridlines": {"visible": False},
            "label_position": "none",
        }
    )
    return chart


def _pareto_chart(book: Book, table: Table) -> Any:
    tenths = [tenth / 10 for tenth in range(1, table.rows + 1)]  # numbers also while the cells are empty
    columns = book.file.add_chart({"type": "column"})
    columns.add_series(
        {
            "name": _name(book, table, "amount"),
            "categories": _ranges(book, table, "customer_share"),
            "categories_data": tenths,
            "values": _ranges(book, table, "amount"),
            "fill": {"color": SOFT},
            "border": {"none": True},
            "gap": 40,
        }
    )
    line = book.file.add_chart({"type": "line"})
    line.add_series(
        {
            "name": _name(book, table, "amount_share"),
            "categories": _ranges(book, table, "customer_share"),
            "categories_data": tenths,
            "values": _ranges(book, table, "amount_share"),
            "line": {"color": ACCENT, "width": 2.25},
            "marker": {
                "type": "circle",
                "size": 6,
                "fill": {"color": WHITE},
                "border": {"color": ACCENT, "width": 1.5},
            },
            "y2_axis": True,
            "data_labels": {"value": True, "num_format": "0%", "font": _font(8.5, ACCENT, True), "position": "above"},
        }
    )
    columns.combine(line)
    _dress(columns, book.say("dash.pareto_chart"), left=0.09, width=0.84, height=0.7)
    columns.set_x_axis(
        {
            "num_format": "0%",
            "num_font": _font(9, INK),
            "line": {"color": SOFT},
            "major_tick_mark": "none",
            "name": table["customer_share"].header[book.lang],
            "name_font": _font(9),
        }
    )
    grid = {"visible": True, "line": {"color": "#E6EFF1", "width": 0.75}}
    plain = {"num_font": _font(8.5), "line": {"none": True}, "major_tick_mark": "none"}
    columns.set_y_axis({**plain, "num_format": "#,##0", "min": 0, "major_gridlines": grid})
    line.set_y2_axis({**plain, "num_format": "0%", "min": 0, "max": 1, "major_unit": 0.2})
    return columns


# ---------------------------------------------------------------------------------------------------------- guide


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
    for key in ("settings", "customers", "orders", "rfm", "strategy", "board", "cleaning"):
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


# ------------------------------------------------------------------------------------------------------- the shop

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


@dataclass(frozen=True)
class Order:
    """One order of the invented shop; money in fen, so that sums are exact."""

    customer: str
    day: date
    fen: int
    category: str
    channel: str


@dataclass
class Person:
    """One invented customer."""

    row: dict[str, Any]
    orders: list[Order] = field(default_factory=list)


def load_shop() -> dict[str, Any]:
    """The figures of the shop."""
    return tomllib.loads((HERE / "shop.toml").read_text(encoding="utf-8"))


class Dice:
    """Chance from nothing but `random()`, whose stream Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def share(self) -> float:
        return self._random.random()

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.share()

    def bell(self) -> float:
        return sum(self.share() for _ in range(12)) - 6

    def pick(self, weights: Mapping[str, float]) -> str:
        left = self.share() * sum(weights.values())
        for name, weight in weights.items():
            left -= weight
            if left < 0:
                return name
        return name


def make_shop(shop: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[Order]]:
    """The rows of the customers sheet and the orders, by day."""
    dice = Dice(shop["seed"])
    people = [_template_person(shop, raw) for raw in shop["template"]]
    kinds = {kind["name"]: kind for kind in shop["kind"]}
    shares = {name: kind["share"] for name, kind in kinds.items()}
    for number in range(shop["first_id"] + len(people), shop["first_id"] + shop["customers"]):
        people.append(_person(shop, dice, str(number), kinds[dice.pick(shares)]))
    others = people[len(shop["template"]) :]
    rounded = min((p for p in others if len(p.orders) > 2), key=lambda p: abs(sum(o.fen for o in p.orders) - 128_000))
    _make_total(rounded, 128_000)
    for person in people:
        _settle(person)
        _behaviour(shop, person)
    _blemish(dice, others, rounded, shop["missing_ages"])
    channels = {one.key: one.name["zh"] for one in schema.choices("channel")}
    orders = sorted((o for p in people for o in p.orders), key=lambda o: (o.day, o.customer))
    return [p.row for p in people], [replace(o, channel=channels[o.channel]) for o in orders]


def _template_person(shop: Mapping[str, Any], raw: Mapping[str, Any]) -> Person:
    row = {key: raw[key] for key in ("age", "region", "occupation")}
    row |= {"customer_id": raw["id"], "gender": _named("gender", raw["gender"])}
    row |= {"registered_on": shop["as_of"] - timedelta(days=raw["registered"])}
    orders = [
        Order(raw["id"], shop["as_of"] - timedelta(days=days), yuan * 100, category, raw["channel"])
        for days, yuan, category in raw["orders"]
    ]
    return Person(row, orders)


def _named(choices: str, key: str) -> str:
    return next(one.name["zh"] for one in schema.choices(choices) if one.key == key)


def _person(shop: Mapping[str, Any], dice: Dice, number: str, kind: Mapping[str, Any]) -> Person:
    joined = round(dice.between(*kind["joined"]))
    age = min(70, round(18 + 14 * math.exp(0.55 * dice.bell())))
    early, late = shop["student"], shop["retired"]
    fits = {
        name: w
        for name, w in shop["occupations"].items()
        if name != (late if age < 56 else early) and (age < 25 or name != early)
    }
    occupation = early if age < 22 else dice.pick(fits)
    row: dict[str, Any] = {
        "customer_id": number,
        "gender": _named("gender", dice.pick(shop["genders"])),
        "age": age,
        "region": dice.pick(shop["cities"]),
        "occupation": occupation,
        "registered_on": shop["as_of"] - timedelta(days=joined),
    }
    if dice.share() < 0.35:
        row["income"] = dice.pick(shop["incomes"])
    if dice.share() < 0.4:
        row["active_hours"] = dice.pick(shop["hours"])
    if dice.share() < 0.3:
        row["service_needs"] = dice.pick(shop["service"])
    if dice.share() < 0.12:
        row["referrals"] = 1 + int(4 * dice.share() ** 3)
    if dice.share() < 0.55 and kind["gap"]:
        said = dice.share()
        says = "sensitive" if said < kind["sensitive"] else "moderate" if said < 0.75 else "insensitive"
        row["price_sensitivity"] = _named("price_sensitivity", says)
    return Person(row, _orders(shop, dice, number, kind, joined) if kind["gap"] else [])


def _orders(shop: Mapping[str, Any], dice: Dice, number: str, kind: Mapping[str, Any], joined: int) -> list[Order]:
    until = min(dice.between(*kind["left"]), joined)
    loves = {name: weight * math.exp(1.1 * dice.bell()) for name, weight in shop["categories"].items()}
    home = dice.pick(shop["channels"])
    basket = kind["basket"] * math.exp(0.25 * dice.bell())
    gap = kind["gap"] * math.exp(0.2 * dice.bell())
    found: list[Order] = []
    days: float = joined
    first = shop["as_of"] - timedelta(days=joined)
    while not found or days >= until:
        day = shop["as_of"] - timedelta(days=round(days))
        for promotion in shop["promotions"]:
            if abs((day - promotion).days) <= shop["drawn_days"] and dice.share() < shop["drawn_share"]:
                day = promotion + timedelta(days=round(dice.between(-1, 1)))
        category = dice.pick(loves)
        yuan = basket * shop["price"][category] * math.exp(kind["spread"] * dice.bell())
        fen = max(round(yuan), 9) * 100 - (10 if dice.share() < 0.4 else 0)
        channel = home if dice.share() < 0.85 else dice.pick(shop["channels"])
        found.append(Order(number, min(max(day, first, shop["from"]), shop["as_of"]), fen, category, channel))
        days -= max(1.0, gap * (0.25 + 1.5 * dice.share()))
    return found


def _make_total(person: Person, fen: int) -> None:
    """Changes the largest order so that all sum up to `fen`."""
    largest = max(range(len(person.orders)), key=lambda i: person.orders[i].fen)
    order = person.orders[largest]
    missing = fen - sum(o.fen for o in person.orders)
    person.orders[largest] = replace(order, fen=order.fen + missing)


def _settle(person: Person) -> None:
    """One channel where the most used is not also the one most was spent in: "most" has one meaning then."""
    if not person.orders:
        return
    used = Counter(o.channel for o in person.orders).most_common()
    spent: Counter[str] = Counter()
    for o in person.orders:
        spent[o.channel] += o.fen
    if spent.most_common(1)[0][0] != used[0][0] or (len(used) > 1 and used[0][1] == used[1][1]):
        person.orders = [replace(o, channel=used[0][0]) for o in person.orders]


def _off_the_half(orders: list[Order], counted: Sequence[Order]) -> None:
    """Ten fen more for the last order where the mean would end in half a fen: every way of rounding agrees then."""
    if counted and 2 * (sum(o.fen for o in counted) % len(counted)) == len(counted):
        last = orders.index(counted[-1])
        orders[last] = replace(orders[last], fen=orders[last].fen + 10)


def _behaviour(shop: Mapping[str, Any], person: Person) -> None:
    """The behaviour columns the orders give: frequency and amount of the last six calendar months, the rest of all."""
    row, orders, as_of = person.row, person.orders, shop["as_of"]
    months = as_of.year * 12 + as_of.month - 1 - rules.default().window_months
    start = date(months // 12, months % 12 + 1, as_of.day)
    recent = [o for o in orders if o.day > start]
    _off_the_half(orders, recent or orders)
    recent = [o for o in orders if o.day > start]
    row |= {"frequency": len(recent), "total_amount": 0, "window_amount": sum(o.fen for o in recent) / 100}
    if not orders:
        return
    spent: defaultdict[str, int] = defaultdict(int)
    for o in orders:
        spent[o.category] += o.fen
    counted = recent or orders
    row |= {
        "total_amount": sum(o.fen for o in orders) / 100,
        "average_order_value": round(sum(o.fen for o in counted) / 100 / len(counted), 2),
        "last_order_date": max(o.day for o in orders),
        "categories": "\u3001".join(sorted(spent, key=lambda c: (-spent[c], c))[:3]),
        "channel": _named("channel", Counter(o.channel for o in orders).most_common(1)[0][0]),
    }


def _blemish(dice: Dice, others: Sequence[Person], rounded: Person, ages: int) -> None:
    """What real lists have: ages missing, a space too many, numbers as text, full-width digits."""
    rounded.row["total_amount"] = "1,280"
    rest = [p for p in others if p is not rounded]
    marked = [rest[int(dice.share() * len(rest) / (ages + 2)) + i * len(rest) // (ages + 2)] for i in range(ages + 2)]
    for person in marked[:ages]:
        person.row["age"] = None
    marked[ages].row["region"] += " "
    marked[ages + 1].row["age"] = "".join(chr(ord(c) + 0xFEE0) for c in str(marked[ages + 1].row["age"]))


# ------------------------------------------------------------------------------------------------------------ run


def write(path: Path, lang: Lang, shop: Mapping[str, Any] | None = None) -> None:
    """Writes one workbook; with the shop's data when there is one."""
    book = Book(path, lang)
    customers: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    plans: list[dict[str, Any]] = []
    if shop:
        customers, sold = make_shop(shop)
        numbers: Counter[date] = Counter()
        for order in sold:
            numbers[order.day] += 1
            orders.append(
                {
                    "order_id": f"{shop['order_prefix']}{order.day:%y%m%d}{numbers[order.day]:03d}",
                    "customer_id": order.customer,
                    "ordered_on": order.day,
                    "amount": order.fen / 100,
                    "category": order.category,
                    "channel": order.channel,
                }
            )
        for key, progress in shop["progress"].items():
            segment = rules.default().segment(key)
            columns = ("segment", "traits", "strategy", "action", "owner", "target", "period")
            plans.append({**{column: segment.text(column, lang) for column in columns}, "progress": progress})
    guide_sheet(book)
    settings_sheet(book, shop["goal"] if shop else "")
    list_sheet(book, schema.CUSTOMERS, customers)
    list_sheet(book, schema.ORDERS, orders)
    list_sheet(book, schema.RFM)
    strategy_sheet(book, plans)
    board_sheet(book)
    list_sheet(book, schema.CLEANING)
    book.file.close()


def main(folder: Path) -> None:
    """Writes the three workbooks into `folder`."""
    write(folder / "template.xlsx", "zh")
    write(folder / "template.en.xlsx", "en")
    write(folder / "sample.xlsx", "zh", load_shop())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
