"""The scan of a long sheet and the reading of calamine say the same."""

import re

import numpy as np
import pytest
from bookshop import CUSTOMER_SHEET, prefixed, rewritten, sheet_part
from hypothesis import given, settings
from hypothesis import strategies as st
from strange_cells import ANY_SHEET, PLAIN, customers, make, written

from segmenter.books import opened, reading
from segmenter.books.file import FileBook
from segmenter.books.scan import Scan
from segmenter.books.scanned import ScannedGrid
from segmenter.schema import CUSTOMERS


def both(path, monkeypatch):
    monkeypatch.setattr(opened, "_LONG", 1 << 40)
    monkeypatch.setattr(reading, "short", lambda *_: None)
    by_calamine = FileBook(path).read(CUSTOMERS)
    monkeypatch.setattr(opened, "_LONG", 0)
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
@given(ANY_SHEET)
def test_any_cells(tmp_path_factory, sheet):
    agree(sheet.save(tmp_path_factory.getbasetemp() / "any.xlsx"))


@pytest.mark.parametrize("inline", [False, True])
def test_many_rows_alike(tmp_path, monkeypatch, inline):
    path = make(tmp_path / "a.xlsx", [[("t", "id")] * 6, *customers(3000)], constant_memory=inline)
    grid = agree(path)
    assert grid.height == 3001
    seen = []
    real = Scan.columns
    monkeypatch.setattr(Scan, "columns", lambda scan: seen.append(scan.slow) or real(scan))
    monkeypatch.setattr(opened, "_LONG", 0)
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
        (b'<c r="B7"><v>0.625</v></c>', b"<c r=\"B7\" t='s'><v>1</v></c>"),
        (b'<c r="B7"><v>0.625</v></c>', b"<c r=\"B7\" s = '1'><v>43831</v></c>"),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7"><f t="shared" si="0"/><v>2</v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7"><v/></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="b"><v/></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="inlineStr"><is><t/></is></c>'),
        (b'<row r="7"', b"<row hidden='1' r=\"7\""),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="b"><v></v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="s"><v></v></c>'),
        (b'<c r="B7"><v>0.625</v></c>', b'<c r="B7" t="s"><v/></c>'),
        (b'<row r="7"', b'\n<row r="7"'),
        (b"</row>", b"</row>\r\n  "),
    ],
)
def test_rows_that_are_written_otherwise(tmp_path, old, new):
    path = make(tmp_path / "a.xlsx", [[("t", "id")] * 6, *customers(200)])
    rewritten(path, {sheet_part(path, CUSTOMER_SHEET): lambda data: data.replace(old, new)})
    agree(path)


@pytest.mark.parametrize("prefix", [b"x:", b"spreadsheet:"])
def test_prefixes(tmp_path, prefix):
    path = make(tmp_path / "a.xlsx", [[("t", "id")] * 6, *customers(200)])
    part = sheet_part(path, CUSTOMER_SHEET)
    rewritten(path, {part: prefixed})
    rewritten(path, {part: lambda data: re.sub(rb"(</?|xmlns:)x\b", rb"\1" + prefix[:-1], data)})
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


@pytest.mark.parametrize("rows", ["all", "one"])
@pytest.mark.parametrize("cells", [True, False])
def test_rows_that_do_not_say_their_numbers(tmp_path, monkeypatch, rows, cells):
    """Only those before them tell: calamine reads such a sheet, however long."""
    path = written(tmp_path / "a.xlsx", PLAIN + PLAIN.replace(b'1"', b'2"') + PLAIN.replace(b'1"', b'3"'))

    def strip(data):
        data = re.sub(rb'<row r="\d"', b"<row", data) if rows == "all" else data.replace(b'<row r="2"', b"<row")
        return data if cells else re.sub(rb'<c r="[A-Z]\d"', b"<c", data)

    rewritten(path, {sheet_part(path, CUSTOMER_SHEET): strip})
    monkeypatch.setattr(opened, "_LONG", 0)
    assert FileBook(path).read(CUSTOMERS).rows == [["a", "b"]] * 3
