"""Any value written is the value read back, by us, by openpyxl and by calamine."""

import math
from datetime import date, datetime
from io import BytesIO

import numpy as np
import openpyxl
import pandas as pd
import pytest
from bookshop import RFM_SHEET, book, rfm
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from segmenter.books import Formula, cells, index, spans
from segmenter.books.file import FileBook
from segmenter.books.sheetxml import Sheet
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.schema import RFM

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
NASTY = [
    "_x0041_",
    "_x005F_x0041_",
    "_x0041\x0b",
    "_x005F\x00_x0041_",
    "a\x0bb",
    "\r",
    "\r\n",
    "\n",
    "\t",
    " ",
    "  a  ",
    "\ufffe",
    "😀",
    "<&>\"'",
    "]]>",
    "NA",
    "_x",
    "_x00",
    "00123",
    "=1+1",
    "''",
    "\x00",
    "é",
    "é",
    "_x0041_x0042_",
    "&#65;",
    "&amp;",
    "1e5",
    "TRUE",
    "#N/A",
    "x" * 32767,
]


def read_back(raw):
    data = b'<worksheet xmlns="x"><sheetData><row r="1">' + raw + b"</row></sheetData></worksheet>"
    return Sheet(data, "part", "sheet", ()).value(0, 0)


def test_rows_are_told_from_what_looks_like_them():
    aside = (
        b'<worksheet xmlns="x"><!-- <sheetData><row r="1"/></sheetData> --><sheetData a="1">%s</sheetData></worksheet>'
    )
    row = b'<row r="1"><c r="A1"><v>7</v></c></row>'
    assert Sheet(aside % row, "part", "sheet", ()).value(0, 0) == 7
    with pytest.raises(Refused) as refused:
        assert Sheet(aside % (b"<!-- row -->" + row), "part", "sheet", ()).rows
    assert refused.value.key == "sheet_kind"
    empty = Sheet(b'<worksheet xmlns="x"><sheetData/></worksheet>', "part", "sheet", ())
    assert not empty.rows and empty.filled(row).value(0, 0) == 7


@given(TEXTS | st.sampled_from(NASTY))
def test_text(text):
    assert read_back(cells.encode(text, "A1", 3)) == text


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_number(value):
    found = read_back(cells.encode(value, "A1", 0))
    assert found == value and math.copysign(1, found) == math.copysign(1, value)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return book(tmp_path_factory.mktemp("cells") / "empty.xlsx")


def written(empty, frame):
    out = empty.with_name("out.xlsx")
    with FileBook(empty, out) as target:
        target.write(RFM, frame)
    return out.read_bytes()


@settings(max_examples=25, deadline=None)
@example(["\ufffe", "\uffff"])
@given(st.lists(TEXTS, min_size=1, max_size=40, unique=True))
def test_texts_through_a_file(empty, texts):
    data = written(empty, rfm(range(len(texts)), segment=texts))
    ours = [
        row[5] for row in CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_name(RFM_SHEET).to_python()[1:]
    ]
    # calamine drops what stands between a lone CR and LF, and leaves two characters that XML does not know as they are
    # written; our own reader is held to the exact text above
    as_read = (one.replace("\r", "").replace("\ufffe", "_xFFFE_").replace("\uffff", "_xFFFF_") for one in texts)
    assert [one.replace("\r", "") for one in ours] == [*as_read]
    sheet = openpyxl.load_workbook(BytesIO(data))[RFM_SHEET]
    theirs = [sheet.cell(2 + n, 6) for n in range(len(texts))]
    assert [cells.decode_text(one.value) for one in theirs] == texts
    assert not any(one.data_type == "f" for one in theirs)


def test_nasty_texts_through_a_file(empty):
    data = written(empty, rfm(range(len(NASTY)), segment=NASTY))
    sheet = openpyxl.load_workbook(BytesIO(data))[RFM_SHEET]
    assert [cells.decode_text(sheet.cell(2 + n, 6).value) for n in range(len(NASTY))] == NASTY


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_numbers_through_a_file(empty, numbers):
    data = written(empty, rfm(range(len(numbers)), monetary=numbers))
    ours = [
        row[8] for row in CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_name(RFM_SHEET).to_python()[1:]
    ]
    sheet = openpyxl.load_workbook(BytesIO(data))[RFM_SHEET]
    assert ours == numbers
    assert [sheet.cell(2 + n, 9).value for n in range(len(numbers))] == numbers


DAYS = st.dates(date(1900, 3, 1), date(9999, 12, 31))
MOMENTS = st.datetimes(datetime(1904, 1, 2), datetime(2100, 1, 1)).map(lambda one: one.replace(microsecond=0))


@settings(max_examples=20, deadline=None)
@given(st.lists(DAYS | MOMENTS, min_size=1, max_size=20), st.booleans())
def test_days_through_a_file(tmp_path_factory, days, date1904):
    days = [
        max(one, datetime(1904, 1, 2) if isinstance(one, datetime) else date(1904, 1, 2))
        if isinstance(one, datetime)
        else max(one, date(1904, 1, 2))
        for one in days
    ]
    path = book(tmp_path_factory.mktemp("days") / "a.xlsx", options={"date_1904": date1904})
    with FileBook(path) as target:
        target.write(RFM, rfm(range(len(days)), monetary=days))
    sheet = openpyxl.load_workbook(path)[RFM_SHEET]
    for n, day in enumerate(days):
        cell = sheet.cell(2 + n, 9)
        assert cell.is_date
        found = cell.value
        assert found == day if isinstance(day, datetime) else found.date() == day
    before = path.read_bytes()
    with FileBook(path) as target:
        target.write(RFM, rfm(range(len(days)), monetary=days))
    assert path.read_bytes() == before


def test_days_before_those_of_excel_are_text(empty):
    data = written(empty, rfm([1], segment=[date(1850, 1, 2)]))
    assert openpyxl.load_workbook(BytesIO(data))[RFM_SHEET]["F2"].value == "1850-01-02"


def test_missing_values_of_every_kind_are_empty_cells(empty):
    data = written(empty, rfm(range(5), segment=[None, float("nan"), pd.NaT, pd.NA, ""]))
    sheet = openpyxl.load_workbook(BytesIO(data))[RFM_SHEET]
    assert [sheet.cell(row, 6).value for row in range(2, 7)] == [None] * 5


def test_true_and_false(empty):
    data = written(empty, rfm([1, 2], segment=[True, False]))
    sheet = openpyxl.load_workbook(BytesIO(data))[RFM_SHEET]
    assert [sheet["F2"].value, sheet["F3"].value] == [True, False]


@pytest.mark.parametrize("text", ["x" * 32768, "😀" * 16384])
def test_text_that_does_not_fit_is_refused(empty, text):
    with pytest.raises(Refused) as refused:
        written(empty, rfm([1], segment=[text]))
    assert (refused.value.key, refused.value.cell) == ("text_too_long", "F2")


def test_an_infinite_number_is_a_mistake_of_ours(empty):
    with pytest.raises(ValueError):
        written(empty, rfm([1], monetary=[math.inf]))


@given(st.integers(1, 100_000), st.booleans())
def test_serials_are_those_of_openpyxl(number, date1904):
    from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

    if number in (60,):
        return
    day = from_excel(number, CALENDAR_MAC_1904 if date1904 else CALENDAR_WINDOWS_1900)
    assert cells.serial(day, date1904) == number


@given(st.lists(st.text(st.sampled_from("ab&;<>x_0Bélt\n\"' #6")), max_size=6), st.booleans())
def test_texts_taken_apart_at_once_are_those_read_one_by_one(texts, numeric):
    def escaped(text):
        return cells.escape(text).replace('"', "&quot;" if not numeric else "&#34;").replace("'", "&apos;")

    raws = [escaped(text).encode() for text in texts]
    assert cells.plain_texts(raws) == [cells.rich_text(b"<t>%s</t>" % raw) for raw in raws]
    body = b"".join(b"<si><t>%s</t></si>" % raw for raw in raws)
    found = index._plain_strings(b"<sst>" + body + b"</sst>", "part")
    assert found in (None, [cells.rich_text(b"<t>%s</t>" % raw) for raw in raws])


AMISS = [
    b"&",
    b"&foo;",
    b"\0",
    b"\x01",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"]]>",
    b"\xef\xbf\xbe",
    b"\xef\xbf\xbf",
    b"<a>",
]


@given(
    st.lists(st.sampled_from(["客户".encode(), b"&amp;", b"\n", b"]", b">", b"\x7f", *AMISS]), min_size=1, max_size=4)
)
def test_texts_taken_apart_at_once_are_well_formed(pieces):
    text = b"".join(pieces)
    part = b"<sst><si><t>a</t></si><si><t>%s</t></si></sst>" % text
    found = index._plain_strings(part, "part")
    try:
        spans.check(part, "part")
        assert found == ["a", cells.rich_text(b"<t>%s</t>" % text)]
    except Refused:
        assert found is None


VALUES = st.sampled_from(["", "a", "=a", None, True, False, 0, 7, 0.0, -0.0, 2.5, math.nan, math.inf, -math.inf])


@given(st.lists(VALUES | st.sampled_from([date(2026, 1, 2), np.float64(1), pd.NaT, pd.NA, Formula("A1", 2.0)])))
def test_a_column_is_what_its_values_are(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    if any(type(value) is float and math.isinf(value) for value in values):
        with pytest.raises(ValueError, match="infinite"):
            cells.column(column)
        return
    found, wanted = cells.column(column), [cells.plain(value) for value in values]
    assert [*map(type, found)] == [*map(type, wanted)]
    plain = [one for one in zip(found, wanted, strict=True) if not isinstance(one[0], Formula)]
    assert [a for a, _ in plain] == [b for _, b in plain]


PLACES = st.sets(st.tuples(st.integers(0, 12), st.integers(0, 30)))


@given(PLACES, st.sampled_from(['<c r="%s"/>', '<c r="%s" s="1"><v>1</v></c>', '<c s="1" r="%s"/>', '<x:c r="%s"/>']))
def test_the_cells_that_are_written(places, cell):
    by_row = {row: sorted(column for at, column in places if at == row) for row, _ in sorted(places)}
    p = "x:" if cell.startswith("<x:") else ""
    rows = "".join(
        f'<{p}row r="{row + 1}">' + "".join(cell % address(row, column) for column in columns) + f"</{p}row>"
        for row, columns in by_row.items()
    )
    name = f"{p}worksheet"
    data = f'<{name} xmlns:x="y"><{p}sheetData>{rows}<{p}row r="20"/></{p}sheetData></{name}>'.encode()
    used = Sheet(data, "part", "sheet", ()).used
    if not places:
        assert used is None
        return
    (top, bottom), (left, right) = ((min(each), max(each)) for each in zip(*places, strict=True))
    assert used == (top, left, bottom, right)


@pytest.mark.parametrize("first", ['<c r="A1"><v>1</v></c >', '<c r="A1" t="str"><v>1</v></c\n>', '<c r="A1"></c >'])
def test_a_cell_whose_end_is_written_with_a_blank_does_not_take_the_next_one(first):
    row = f'<row r="1">{first}<c r="B1"><v>2</v></c><c r="C1"/></row>'
    data = f'<worksheet xmlns="x"><sheetData>{row}</sheetData></worksheet>'.encode()
    assert Sheet(data, "part", "sheet", ()).value(0, 1) == 2
