"""The scan of a long sheet and the reading of calamine say the same."""

from datetime import date, datetime

import numpy as np
import pytest
import xlsxwriter
from bookshop import CUSTOMER_SHEET, rewritten, sheet_part
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.books import file, reading
from segmenter.books.file import FileBook
from segmenter.books.scan import Scan
from segmenter.books.scanned import ScannedGrid
from segmenter.schema import CUSTOMERS

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


def both(path, monkeypatch):
    monkeypatch.setattr(file, "_LONG", 1 << 40)
    monkeypatch.setattr(reading, "short", lambda *_: None)
    by_calamine = FileBook(path).read(CUSTOMERS)
    monkeypatch.setattr(file, "_LONG", 0)
    scanned = FileBook(path).read(CUSTOMERS)
    assert isinstance(scanned, ScannedGrid)
    return by_calamine, scanned


def trimmed(grid):
    rows = [list(row) for row in grid.rows]
    for row in rows:
        while row and row[-1] is None:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


def agree(path):
    with pytest.MonkeyPatch.context() as patch:
        one, other = both(path, patch)
    assert trimmed(other) == trimmed(one)
    assert [[type(v) for v in row] for row in trimmed(other)] == [[type(v) for v in row] for row in trimmed(one)]
    assert (other.errors, other.uncached, other.merged) == (one.errors, one.uncached, one.merged)
    assert (other.hidden_rows, other.hidden, other.totals_row) == (one.hidden_rows, one.hidden, one.totals_row)
    for column in range(one.width):
        a, b = one.column(column, 1), other.column(column, 1)
        height = min(len(a), len(b))
        assert a.dtype == b.dtype or not height
        np.testing.assert_array_equal(a[:height], b[:height])
    return other


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.lists(CELL, max_size=5), min_size=1, max_size=12),
    st.booleans(),
    st.sets(st.integers(0, 11)),
    st.booleans(),
)
def test_any_cells(tmp_path_factory, rows, inline, hidden, date1904):
    path = tmp_path_factory.getbasetemp() / "any.xlsx"
    rows = [[("t", "id")], *rows]
    agree(make(path, rows, hidden, constant_memory=inline, date_1904=date1904))


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


@pytest.mark.parametrize("inline", [False, True])
def test_many_rows_alike(tmp_path, monkeypatch, inline):
    path = make(tmp_path / "a.xlsx", [[("t", "id")] * 6, *customers(3000)], constant_memory=inline)
    grid = agree(path)
    assert grid.height == 3001
    seen = []
    real = Scan.columns
    monkeypatch.setattr(Scan, "columns", lambda scan: seen.append(scan.slow) or real(scan))
    monkeypatch.setattr(file, "_LONG", 0)
    FileBook(path).read(CUSTOMERS)
    assert seen[0] < 10


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7"><v>6.25E-1</v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c t="n" r="B7" ><v>0.625</v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b"<c r='B7'><v>0.625</v></c>"),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="e"><v>#REF!</v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="b"><v>1</v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="str"><f>A1&amp;"x"</f><v>a&#x4E2D;&lt;</v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7"><f>1/A1</f></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7"><f>1/A1</f><v/></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7"><f>1/A1</f><v></v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="s"><v>01</v></c>'),
        (b'<row r="7"', b'\n<row r="7"'),
        (b"</row>", b"</row>\r\n  "),
    ],
)
def test_rows_that_are_written_otherwise(tmp_path, old, new):
    path = make(tmp_path / "a.xlsx", [[("t", "id")] * 6, *customers(200)])
    rewritten(path, {sheet_part(path, CUSTOMER_SHEET): lambda data: data.replace(old, new)})
    agree(path)


def test_prefixes(tmp_path):
    from test_books_file import prefixed

    path = make(tmp_path / "a.xlsx", [[("t", "id")] * 6, *customers(200)])
    rewritten(path, {sheet_part(path, CUSTOMER_SHEET): prefixed})
    agree(path)


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.decimals(-1000, 1000, places=3).map(float), min_size=1
    )
)
def test_numbers_to_the_last_bit(values):
    scan = Scan("", "x", (), lambda _: False, False)
    for text in (repr, lambda value: f"{value:.17g}", lambda value: f"{value:.6f}"):
        rows = [f'<row r="{n + 1}"><c r="A{n + 1}"><v>{text(value)}</v></c></row>' for n, value in enumerate(values)]
        scan.feed("".join(rows).encode())
        expected = np.array([float(text(value)) for value in values])
        found = scan.columns()[0].values(0, len(values))
        assert found.tobytes() == expected.tobytes()
