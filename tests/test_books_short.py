"""Rows cut by one expression and the reading of calamine say the same, value for value and cell for cell."""

import random
from datetime import date, datetime

import pytest
import xlsxwriter
from bookshop import CUSTOMER_SHEET, rewritten
from hypothesis import given, settings
from strange_cells import ANY_SHEET, PLAIN, customers, make, written

from segmenter.books import reading, regular
from segmenter.books.file import FileBook
from segmenter.errors import Refused
from segmenter.schema import CUSTOMERS


def typed(rows):
    return [[(type(value), value) for value in row] for row in rows]


def shortly(path):
    """The customer sheet, None where calamine has to read it."""
    with pytest.MonkeyPatch.context() as patch:
        found = []
        real = reading.short
        patch.setattr(reading, "short", lambda *args: found.append(real(*args)) or found[-1])
        FileBook(path).read(CUSTOMERS)
    return found[0] if found else None


def by_calamine(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "short", lambda *_: None)
        return FileBook(path).read(CUSTOMERS)


def agree(path):
    """Whether the sheet was read without calamine; as calamine does it then."""
    found = shortly(path)
    if found is None:
        return False
    wanted = by_calamine(path)
    assert typed(found.rows) == typed(wanted.rows)
    assert (found.errors, found.uncached, found.merged) == (wanted.errors, wanted.uncached, wanted.merged)
    assert (found.hidden_rows, found.hidden, found.totals_row) == (wanted.hidden_rows, wanted.hidden, wanted.totals_row)
    assert (found.below, found.formulas, found.sheet) == (wanted.below, wanted.formulas, wanted.sheet)
    return True


@settings(max_examples=200, deadline=None)
@given(ANY_SHEET)
def test_any_cells(tmp_path_factory, sheet):
    agree(sheet.save(tmp_path_factory.getbasetemp() / "any.xlsx"))


@pytest.mark.parametrize("inline", [False, True])
def test_ordinary_rows_need_no_calamine(tmp_path, inline):
    rows = [[("t", "id")] * 6, *customers(300)]
    assert agree(make(tmp_path / "a.xlsx", rows, hidden={3, 7}, constant_memory=inline))
    assert shortly(tmp_path / "a.xlsx").hidden_rows == {3, 7}


SHORT = (
    b'<c r="A2"><v>1.5</v></c>',
    b'<c r="A2" s="1"><v>45000.25</v></c>',
    b'<c r="A2" s="1"><v>59</v></c><c r="B2" s="1"><v>60</v></c><c r="C2" s="1"><v>2958465.999</v></c>',
    b'<c r="A2" s="1"/><c r="C2" t="b"><v>0</v></c><c r="XFD2"/>',
    b'<c r="A2" t="s"><v>0001</v></c>',
    b'<c r="A2"><v>-0</v></c><c r="B2"><v>007</v></c><c r="C2"><v>1E-300</v></c><c r="D2"><v>.5</v></c>',
    b'<c r="A2" t="str"><v> a&amp;b_x0041_ </v></c><c r="B2" t="str"><v>1</v></c>',
    b'<c r="A2" t="inlineStr"><is><t xml:space="preserve"> a\tb\n</t></is></c>',
    b'<c r="A2" t="inlineStr"><is><t></t></is></c>',
    '<c r="A2" t="inlineStr"><is><t>\u3000中\ufffd</t></is></c>'.encode(),
)
OTHER = (
    b'<c r="A2"><f>1+1</f><v>2</v></c>',
    b'<c r="A2" t="e"><v>#N/A</v></c>',
    b'<c r="A2" t="d"><v>2020-01-01</v></c>',
    b'<c r="A2" t="s"><v>99</v></c>',
    b'<c r="A2" t="s"><v>' + b"0" * 5000 + b"</v></c>",
    b'<c r="A2" t="s"><v></v></c>',
    b'<c r="A2"><v></v></c>',
    b'<c r="A2"></c>',
    b'<c r="A2"><v>-</v></c>',
    b'<c r="A2"><v>1_0</v></c>',
    b'<c r="A2"><v>nan</v></c>',
    b'<c r="A2" s="1"><v>0.5</v></c>',
    b'<c r="A2" s="1"><v>-1</v></c>',
    b'<c r="A2" s="1"><v>2958466</v></c>',
    b'<c r="A2" t="b"><v>true</v></c>',
    b'<c r="A2" t="inlineStr"><is><t> a</t></is></c>',
    b'<c r="A2" t="inlineStr"><is><r><t>a</t></r></is></c>',
    b'<c r="A2" t="inlineStr"><v>1</v></c>',
    b'<c r="A2" t="s"><is><t>1</t></is></c>',
    b'<c r="A2" t="n" s="0"><v>1</v></c>',
    b"<c r='A2'><v>1</v></c>",
    b"<c><v>1</v></c>",
    b'<c r="B2"><v>1</v></c><c r="A2"><v>1</v></c>',
    b'<c r="A2"><v>1</v></c><c r="A2"><v>2</v></c>',
    b'<c r="A3"><v>1</v></c>',
    b'<c r="A2"/><v>1</v></c>',
    b'<c r="A2"><c r="B2"/><v>1</v></c>',
    b'<c r="A2"><v>1&unknown;</v></c>',
    b'<c r="A2"><v>1]]></v></c>',
    b'<c r="A2" t="str"><v>\x01</v></c>',
    b'<c r="A2" t="str"><v>\xff</v></c>',
    b'<c r="A2" t="str"><v>\xef\xbf\xbf</v></c>',
    b'<c r="A2" t="str"><v>a\r\nb</v></c>',
    b'<c r="A2"><v>1</v></c><!-- x -->',
    b'<c r="A2"><v>1</v></c><extLst/>',
)


@pytest.mark.parametrize("cells", SHORT)
def test_cells_read_without_calamine(tmp_path, cells):
    assert agree(written(tmp_path / "a.xlsx", PLAIN + b'<row r="2">' + cells + b"</row>"))


@pytest.mark.parametrize("cells", OTHER)
def test_cells_left_to_calamine(tmp_path, cells):
    path = written(tmp_path / "a.xlsx", PLAIN + b'<row r="2">' + cells + b"</row>")
    assert regular.cut(PLAIN + b'<row r="2">' + cells + b"</row>") is None or shortly_or_refused(path) is None


def shortly_or_refused(path):
    try:
        return shortly(path)
    except Refused:
        return None


@pytest.mark.parametrize(
    ("rows", "short"),
    [
        (b'<row r="3" hidden="1"/><row r="5"><c r="B5"><v>1</v></c></row><row r="6"/>', True),
        (b'\n  <row r="3" ht="18" customHeight="1">', False),
        (b'<row r="3"><c r="A3" t="str"><v>a</v></c></row>\n', True),
        (b'<row r="3" hidden="0"><c r="A3"><v>1</v></c></row>', False),
        (b'<row r="3"><c r="A3"><v>1</v></c></row><row r="3"/>', False),
        (b'<row r="4"/><row r="3"/>', False),
        (b"<row/>", False),
        (b'<row r="3" ht="1" ht="2"/>', False),
        (b'<row r="3" x:y="2"/>', True),
        (b'<row r="3" x:y="a>b"><c r="A3"><v>1</v></c></row>', False),
        (b'<row r="1000000"><c r="A1000000"><v>1</v></c></row>', False),
        (b'<row r="3"><c r="A3"><v>1</v></c></row></sheetData><sheetData>', False),
        (b"x<row/>", False),
    ],
)
def test_rows(tmp_path, rows, short):
    path = written(tmp_path / "a.xlsx", PLAIN + rows)
    found = shortly_or_refused(path)
    assert (found is not None) is short
    if short:
        agree(path)


@pytest.mark.parametrize(
    "texts", [b"<si><t> a</t></si>", b'<si><t xml:space="preserve"> a</t></si>', b"<si><t>a </t></si>"]
)
def test_spaces_around_shared_texts(tmp_path, texts):
    path = written(tmp_path / "a.xlsx", PLAIN)
    rewritten(path, {"xl/sharedStrings.xml": lambda data: data.replace(b"<si><t>a</t></si>", texts)})
    assert agree(path) is (b"preserve" in texts)


FORMATS = (
    r"""
yyyy-mm-dd|h:mm|[h]:mm|0.00|yyyy"年"m"月"d"日"|[$-F800]dddd\,\ mmmm\ dd|m/d/yy h:mm|General|@|0.0%|d;0|;|"d"0|0\d
_d0|mm:ss.0|0;d|[Red]0|[$¥-804]#,##0|AM/PM h|e|yyyy/m/d;@|[$-804]yyyy"年"m"月";@|上午/下午h"时"|[ss]|[hh]mm|aaaa|p
yyyy aaaa|h AM/PM|A/P|[>1]d|[Magenta]0|[DBNum1]0|# ?/?|0.00E+00|General\d|aaaa d|[|]d|"d|\|\"0\"d|\[Red]|\[h]|_"d"
[H]:mm|[HH]mm|[SS]|[M]:ss|*d0|0*m|"[h]"0|0"\"d|#,##0.00;[Red]-#,##0.00|"a;b"d|_;d|\;d|[Red|[[h]]|d\
""".strip()
    .replace("\n", "|")
    .split("|")
)


def test_formats(tmp_path):
    path = tmp_path / "a.xlsx"
    for form in FORMATS:
        with xlsxwriter.Workbook(path) as workbook:
            sheet = workbook.add_worksheet(CUSTOMER_SHEET)
            sheet.write_number(0, 0, 45000.25, workbook.add_format({"num_format": form}))
        agree(path)
    for number in range(60):
        with xlsxwriter.Workbook(path) as workbook:
            sheet = workbook.add_worksheet(CUSTOMER_SHEET)
            sheet.write_number(0, 0, 45000.25, workbook.add_format({"num_format": number}))
        agree(path)


def test_moments(tmp_path):
    chance = random.Random(1)
    moments = [
        *(chance.uniform(1, 80_000) for _ in range(500)),
        *(chance.randrange(1, 80_000) + chance.randrange(86_400) / 86_400 for _ in range(500)),
        *(chance.randrange(1, 80_000) + 1 - chance.random() * 1e-8 for _ in range(200)),
        *(day + half for day in range(1, 70) for half in (0, 0.5)),
    ]
    rows = (b'<row r="%d"><c r="A%d" s="1"><v>%r</v></c></row>' % (n, n, one) for n, one in enumerate(moments, 1))
    path = written(tmp_path / "a.xlsx", b"".join(rows))
    assert agree(path)
    assert {date, datetime} == {type(row[0]) for row in shortly(path).rows}
