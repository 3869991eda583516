"""Customer sheets with cells of any kind, for the tests that hold several readers against each other."""

import re
from datetime import date, datetime
from typing import NamedTuple

import xlsxwriter
from bookshop import CUSTOMER_SHEET, rewritten, sheet_part
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=6)
CELL = st.one_of(
    st.none(),
    st.just(""),
    TEXT.map(lambda text: ("t", text)),
    st.sampled_from(["a & b", "<x>", "_x000B_", " y ", "line\nbreak"]).map(lambda text: ("t", text)),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: ("n", number)),
    st.integers(-(10**17), 10**17).map(lambda number: ("n", number)),
    st.decimals(-99999, 99999, places=2).map(lambda number: ("n", float(number))),
    st.booleans().map(lambda value: ("b", value)),
    st.dates(date(1905, 3, 1), date(2200, 1, 1)).map(lambda day: ("d", day)),
    st.datetimes(datetime(1905, 1, 1), datetime(2200, 1, 1)).map(lambda day: ("d", day.replace(microsecond=0))),
    st.sampled_from([("f", 1.5), ("f", "text"), ("f", "#DIV/0!"), ("f", True), ("f", None)]),
)


class AnySheet(NamedTuple):
    """A sheet as `make` writes it, below a header."""

    rows: list
    hidden: set
    inline: bool
    date1904: bool

    def save(self, path):
        rows = [[("t", "id")], *self.rows]
        return make(path, rows, self.hidden, constant_memory=self.inline, date_1904=self.date1904)


ANY_SHEET = st.builds(
    AnySheet,
    st.lists(st.lists(CELL, max_size=5), min_size=1, max_size=12),
    st.sets(st.integers(0, 11)),
    st.booleans(),
    st.booleans(),
)


def make(path, rows, hidden=(), **options):
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, **options}) as workbook:
        sheet = workbook.add_worksheet(CUSTOMER_SHEET)
        styled = workbook.add_format({"bold": True})
        day = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for n, row in enumerate(rows):
            if n in hidden:
                sheet.set_row(n, 20, None, {"hidden": True})
            for column, cell in enumerate(row):
                if cell is None:
                    continue
                kind, value = cell or ("", "")
                if kind == "":
                    sheet.write_blank(n, column, None, styled)
                elif kind == "t":
                    sheet.write_string(n, column, value)
                elif kind == "d":
                    sheet.write_datetime(n, column, value, day)
                elif kind == "f":
                    sheet.write_formula(n, column, "=1+1", None, "" if value is None else value)
                elif kind == "b":
                    sheet.write_boolean(n, column, value)
                else:
                    sheet.write_number(n, column, value)
    return path


def customers(count):
    for n in range(count):
        yield [
            ("t", f"00{n}") if n % 50 else ("n", n),
            ("n", n / 8),
            ("n", float(n % 7)),
            ("d", date(2020, 1, 1 + n % 28)),
            None if n % 9 == 0 else ("t", "上海"),
            "",
        ]


def written(path, body):
    """A workbook whose customer sheet has these rows; format 1 shows days, the shared strings are a and b."""
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(CUSTOMER_SHEET)
        sheet.write_number(0, 0, 1, workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
        sheet.write_row(1, 0, ["a", "b"])
    part = sheet_part(path, CUSTOMER_SHEET)
    sheet_data = b"<sheetData>" + body + b"</sheetData>"
    rewritten(path, {part: lambda data: re.sub(rb"<sheetData>.*</sheetData>", lambda _: sheet_data, data)})
    return path


PLAIN = b'<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
