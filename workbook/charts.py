"""The two charts of the dashboard, native to Excel, which read its blocks."""

from __future__ import annotations

from typing import Any

from blocks import corner
from book import Book
from looks import ACCENT, FONT, INK, LINE, MUTED, SOFT, WHITE

from segmenter.schema import Table


def place(width: int, height: int, alt: str, down: int = 0) -> dict[str, Any]:
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


def segments_chart(book: Book, table: Table) -> Any:
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


def pareto_chart(book: Book, table: Table) -> Any:
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
