"""The dashboard: blocks that `fill` writes, and the charts that read them."""

from __future__ import annotations

from typing import Any, Final

from book import Book, put
from looks import ACCENT, FONT, INK, LINE, MUTED, NUMBER_FORMATS, PALE, SOFT, WHITE
from xlsxwriter.utility import xl_cell_to_rowcol, xl_rowcol_to_cell  # type: ignore[import-untyped, unused-ignore]

from segmenter import schema
from segmenter.schema import Table

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
    _heat_colours(book, sheet, heat)
    top = corner(facts)[0] - 1
    taller = 38 - BOARD_ROW
    middle = corner(segments)[0] + 1
    width = 61 * (last_column - left + 1) - 2
    sheet.insert_chart(
        top,
        left,
        _segments_chart(book, segments),
        _place(width, BOARD_ROW * (middle - top) + 2 * taller, book.say("dash.segments_alt")),
    )
    rest = BOARD_ROW * (bottom - middle) + taller + 16
    sheet.insert_chart(middle, left, _pareto_chart(book, pareto), _place(width, rest, book.say("dash.pareto_alt"), 13))


def corner(table: Table) -> tuple[int, int]:
    """Row and column of a block's first header."""
    row, column = xl_cell_to_rowcol(table.anchor)
    return int(row), int(column)


def _block(book: Book, sheet: Any, table: Table, title: str) -> None:
    """A titled block: header at the anchor, empty formatted cells below."""
    row, column = corner(table)
    heading = book.look(bold=True, font_size=12, font_color=ACCENT, bottom=2, bottom_color=ACCENT)
    for position, one in enumerate(table.fields):
        put(sheet, row - 1, column + position, title if position == 0 else "", heading)
        side = "left" if position == 0 and one.kind == "text" else "right"
        head = {"bold": True, "font_size": 9, "bg_color": PALE, "text_wrap": True, "align": side}
        if side == "left":
            head |= {"indent": 1}
        if table.key == "board_heat" and position:
            head |= {"align": "center", "bold": False, "font_size": 8, "font_color": MUTED}
        if table.key == "board_facts" and position == 1:
            put(sheet, row - 1, column + 2, "", heading)
            sheet.merge_range(row, column + 1, row, column + 2, one.header[book.lang], book.look(**head))
        else:
            put(sheet, row, column + position, one.header[book.lang], book.look(**head))
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
                put(sheet, row + below, column + position, None, book.look(**look))


def _heat_colours(book: Book, sheet: Any, table: Table) -> None:
    row, column = corner(table)
    first, last = (row + 2, column + 1), (row + table.rows, column + len(table.fields) - 1)
    scale = {"type": "3_color_scale", "min_color": "#EFF7F8", "mid_color": "#A9D3D8", "max_color": "#4E9FAC"}
    sheet.conditional_format(*first, *last, {**scale, "mid_type": "percentile", "mid_value": 60})
    here = xl_rowcol_to_cell(row + 1, column + 1, row_abs=True)
    filled = xl_rowcol_to_cell(row + 2, column, row_abs=True, col_abs=True)
    unused = {"type": "formula", "criteria": f'=AND({filled}<>"",{here}="")'}  # the rules have fewer F bins
    away = book.file.add_format({"font_color": WHITE, "bg_color": WHITE})
    sheet.conditional_format(row, column + 1, row + 1, last[1], {**unused, "format": away})


def _place(width: int, height: int, alt: str, down: int = 0) -> dict[str, Any]:
    return {"object_position": 2, "x_scale": width / 480, "y_scale": height / 288, "y_offset": down, "description": alt}


def _ranges(book: Book, table: Table, key: str) -> list[Any]:
    """A column of a block as XlsxWriter wants it: sheet, first row, first column, last row, last column."""
    row, column = corner(table)
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


def _values_alone(chart: Any) -> Any:
    """Labels that say the value and deny the rest: in a workbook of Excel 2010 or later, to which the dashboard may be
    added, what is not denied may be shown, the name of the series and the category with it."""

    def write() -> None:
        for name in ("LegendKey", "Val", "CatName", "SerName", "Percent", "BubbleSize"):
            chart._xml_empty_tag(f"c:show{name}", [("val", int(name == "Val"))])

    chart._write_show_val = write
    return chart


def _segments_chart(book: Book, table: Table) -> Any:
    chart = _values_alone(book.file.add_chart({"type": "bar"}))
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
    line = _values_alone(book.file.add_chart({"type": "line"}))
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
