"""A sheet that is one Excel table: the customers, their orders, most results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from book import LAST_ROW, Book, put
from looks import ACCENT, LINE, SOFT, WRAPPED, cell_look, digits_wide, header_look
from xlsxwriter.utility import xl_col_to_name

from segmenter import schema
from segmenter.schema import Field, Table

PRINTED: Final = {"rfm": 9, "strategy": 15, "labels": 10, "history": 12}
"""so many columns of a wide result sheet are printed; the area grows with its rows. Labels: without the cluster;
history: without what only the next fill reads"""
TWO_PAGES: Final = {"customers", "strategy", "personas"}
"""sheets too wide for one page of A4: two side by side, the first column on both"""
TYPED_BELOW: Final = {"customers", "orders", "activity"}
"""sheets below whose rows people type: a print area would cut theirs off"""
RULED: Final = {"customers", "orders", "activity", "rfm"}
"""long lists, in the table style that rules off every row"""
ROW_HEIGHT: Final = {"strategy": 32, "personas": 96, "proposals": 32, "clusters": 46}
PORTRAIT: Final = {"orders", "activity", "moves", "value"}
"""long lists of few columns: twice the rows on a page"""
SCALED: Final = {"orders": 70}
"""the longest list, at a percentage of its own: fit to the width it keeps its full size, on half as many pages again"""

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


def list_sheet(book: Book, table: Table, rows: Sequence[Mapping[str, Any]] = ()) -> Any:
    """A sheet with one Excel table: headers in row 1, `rows` below (one empty row when there are none)."""
    ours = table.fields[0].owner == "us"
    sheet = book.sheet(table, SOFT if ours else ACCENT)
    shown = table.shown
    last = max(len(rows), 1)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(2 if table.key in TWO_PAGES else 1, 0)
    if table.key in TWO_PAGES:
        sheet.repeat_columns(0)
    if table.key not in TYPED_BELOW:
        sheet.print_area(0, 0, last, PRINTED.get(table.key, len(shown)) - 1)
    sheet.set_default_row(ROW_HEIGHT.get(table.key, 18))
    if table.key in PORTRAIT:
        sheet.set_portrait()
    if table.key in SCALED:
        sheet.set_print_scale(SCALED[table.key])
    sheet.set_row(0, 33 if book.lang == "zh" else 36)
    looks = [cell_look(table, one) for one in shown]
    columns = []
    for column, (one, look) in enumerate(zip(shown, looks, strict=True)):
        sheet.set_column(column, column, one.width + 2, book.look(**look))
        head = book.look(**header_look(table, column, one))
        columns.append({"header": one.header[book.lang], "header_format": head})
        _validate(book, sheet, table, column, one)
    style = "Table Style Light 2" if table.key in RULED else "Table Style Light 1"
    options = {"name": table.list_object, "style": style, "banded_rows": False, "columns": columns}
    sheet.add_table(0, 0, last, len(shown) - 1, options)
    line = {"bottom": 1, "bottom_color": LINE}
    for number, row in enumerate(rows or [{}], start=1):
        if table.key in WRAPPED:
            lines = max(-(-digits_wide(str(row.get(one.key) or "")) // one.width) for one in shown)
            if lines > 1:
                sheet.set_row(number, 15 * lines + 4)
        for column, (one, look) in enumerate(zip(shown, looks, strict=True)):
            put(sheet, number, column, row.get(one.key), book.look(**look, **line))
    names = [xl_col_to_name(column) for column, one in enumerate(shown) if one.kind == "id"]
    if names:
        ranges = " ".join(f"{name}2:{name}{LAST_ROW + 1}" for name in names)
        sheet.ignore_errors({"number_stored_as_text": ranges})
    return sheet


def _validate(book: Book, sheet: Any, table: Table, column: int, one: Field) -> None:
    """A drop-down for choices, and on the customers sheet a hint on the header that names the field class."""
    if one.choices:
        options = [choice.name[book.lang] for choice in schema.choices(one.choices)]
        sheet.data_validation(1, column, LAST_ROW, column, book.drop_down(options, "warning"))
    if one.field_class:
        lines = [book.say("hint.must" if one.must else "hint.optional")]
        if one.key in BEHAVIOUR:
            lines.append(book.say("hint.from_orders"))
        hint = {"input_title": schema.class_name(one.field_class, book.lang), "input_message": "\n".join(lines)}
        sheet.data_validation(0, column, 0, column, {"validate": "any", **hint})
