"""A damaged sheet is refused in a sentence that names the sheet, and the cell where one can tell: never a fault."""

import re

import pytest
from bookshop import CUSTOMER_SHEET, RFM_SHEET, book, frame, parts, rewritten, rfm, saved_by_excel, sheet_part
from fills import add_totals
from python_calamine import CalamineWorkbook
from strange_cells import PLAIN, written

from segmenter import cli
from segmenter.books import longlist, opened, reading, scan, sheetxml
from segmenter.books.file import FileBook
from segmenter.books.package import Package
from segmenter.books.proof import verify
from segmenter.books.styles import Styles
from segmenter.errors import Refused
from segmenter.schema import CLEANING, CUSTOMERS, RFM

ODD_ADDRESSES = {
    'a row of no number "x"': (b'<row r="3"', b'<row r="x"', "rows_disorder"),
    'a row of no number ""': (b'<row r="3"', b'<row r=""', "rows_disorder"),
    "a row of a number nobody can read": (b'<row r="3"', b'<row r="' + b"9" * 5000 + b'"', "rows_disorder"),
    "a row below the last": (b'<row r="3"', b'<row r="1048577"', "rows_disorder"),
    "a row 0": (b'<row r="3"', b'<row r="0"', "rows_disorder"),
    "a cell without a row": (b'<c r="F3"', b'<c r="F"', "cell_damaged"),
    "a cell without a column": (b'<c r="F3"', b'<c r="3"', "cell_damaged"),
    "a cell without either": (b'<c r="F3"', b'<c r=""', "cell_damaged"),
    "a cell in another row": (b'<c r="F3"', b'<c r="F4"', "cells_disorder"),
    "a cell far to the right": (b'<c r="F3"', b'<c r="FFFF3"', "cell_damaged"),
    'a style "x"': (b'<c r="F3"', b'<c r="F3" s="x"', "cell_damaged"),
    'a style ""': (b'<c r="F3"', b'<c r="F3" s=""', "cell_damaged"),
    "a style below 0": (b'<c r="F3"', b'<c r="F3" s="-1"', "cell_damaged"),
    "a style nobody can read": (b'<c r="F3"', b'<c r="F3" s="' + b"9" * 5000 + b'"', "cell_damaged"),
}


@pytest.fixture
def filled(tmp_path):
    """A workbook with a result sheet of two customers."""
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    fill(path, 2)
    return path


def fill(path, count):
    with FileBook(path) as target:
        target.write(RFM, rfm(range(1, count + 1)))


def package(path):
    return Package(path.read_bytes(), path)


@pytest.mark.parametrize("name", ODD_ADDRESSES)
def test_rows_and_cells_without_a_number(filled, name):
    old, new, key = ODD_ADDRESSES[name]
    part = sheet_part(filled, RFM_SHEET)
    damaged = rewritten(
        filled, {part: lambda data: re.sub(old + rb'(?: s="\d+")?', new, data, count=1)}, filled.with_name("b.xlsx")
    )
    (wrong,) = verify(package(filled), package(damaged)).violations
    assert (wrong.name, wrong.detail) == (part, key)
    before = damaged.read_bytes()
    with pytest.raises(Refused) as found:
        fill(damaged, 3)
    assert found.value.key == key
    assert RFM_SHEET in found.value.message("zh")
    assert damaged.read_bytes() == before


def test_a_style_that_is_not_said_is_the_first(filled):
    part = sheet_part(filled, RFM_SHEET)
    rewritten(filled, {part: lambda data: re.sub(rb'(<c r="A3")(?: s="\d+")?', rb"\1", data)})
    fill(filled, 3)
    assert re.search(rb'<c r="A3" t="s"><v>\d+</v></c>', parts(filled)[part])


NO_RANGE = ["x", "", "5", "A0", "A1:", "XFE1048577", "²"]
NO_NUMBER = ["x", "", "-1", "9" * 20]
AROUND = {
    "merged cells": ("sheet1.xml", rb'(<mergeCell ref=")[^"]*', NO_RANGE),
    "a rule": ("sheet1.xml", rb'(<conditionalFormatting sqref="I2:I4 )[^"]*', [one for one in NO_RANGE if one]),
    "a rule of nothing": ("sheet1.xml", rb'(<conditionalFormatting sqref=")[^"]*', [""]),
    "a validation": ("sheet1.xml", rb'(<dataValidation [^>]*sqref=")[^"]*', NO_RANGE),
    "a link": ("sheet1.xml", rb'(<hyperlink ref=")[^"]*', NO_RANGE),
    "errors to ignore": ("sheet1.xml", rb'(<ignoredError sqref=")[^"]*', NO_RANGE),
    "cells one may write": ("sheet1.xml", rb'(<protectedRange name="a" sqref=")[^"]*', NO_RANGE),
    "a filter": ("sheet1.xml", rb'(<autoFilter ref=")[^"]*', NO_RANGE),
    "a table": ("table1.xml", rb'(<table [^>]*ref=")[^"]*', NO_RANGE),
    "totals": ("table1.xml", rb'(<table [^>]*totalsRowCount=")[^"]*', [*NO_NUMBER, "7"]),
    "the filter of a table": ("table1.xml", rb'(<autoFilter ref=")[^"]*', NO_RANGE),
    "a comment": ("comments1.xml", rb'(<comment ref=")[^"]*', NO_RANGE),
    "the first of some columns": ("sheet1.xml", rb'(<col min=")[^"]*', NO_NUMBER),
    "the last of some columns": ("sheet1.xml", rb'(<col [^>]*max=")[^"]*', NO_NUMBER),
    "the style of some columns": ("sheet1.xml", rb'(<col [^>]*style=")[^"]*', NO_NUMBER),
}


def dressed(path):
    """A workbook with a result sheet of which much is said around its rows."""

    def said(workbook, sheet, headers):
        add_totals(sheet, headers, 4)
        sheet.set_column("P:Q", 9, workbook.add_format({"bold": True, "num_format": '0.0"x"'}))
        sheet.conditional_format("I2:I4", {"type": "cell", "criteria": ">", "value": 0, "multi_range": "I2:I4 J2:J4"})
        sheet.data_validation("O2:O4", {"validate": "list", "source": ["a"]})
        sheet.write_url("O4", "https://example.org/", string="b")
        sheet.write_comment("B4", "about three")
        sheet.ignore_errors({"number_stored_as_text": "A2:A4"})
        sheet.merge_range("AA1:AB1", "beside")

    book(path, [(one, {}) for one in "123"], extra=["note"], table=False, after=said)
    further = b'<protectedRanges><protectedRange name="a" sqref="A1"/></protectedRanges><autoFilter ref="AA9:AB9"/>'
    change = {sheet_part(path, RFM_SHEET): lambda data: data.replace(b"</sheetData>", b"</sheetData>" + further)}
    return rewritten(path, change)


def spoilt(path, part, pattern, new):
    """The same workbook with something else behind what `pattern` keeps; it has to stand in the part."""

    def change(data):
        changed, count = re.subn(pattern, lambda found: found[1] + new.encode(), data, count=1)
        assert count
        return changed

    return rewritten(path, {next(name for name in parts(path) if name.endswith(part)): change})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in AROUND for value in AROUND[name][2]])
def test_ranges_and_numbers_around_the_rows(tmp_path, name, value):
    part, pattern, _ = AROUND[name]
    path = dressed(tmp_path / "a.xlsx")
    whole, damaged = package(path), spoilt(path, part, pattern, value)
    assert [one.name.rpartition("/")[2] for one in verify(whole, package(damaged)).violations] == [part]
    before = path.read_bytes()
    with pytest.raises(Refused) as found:
        fill(path, 4)
    assert (found.value.key, found.value.sheet) == ("range_damaged", RFM_SHEET)
    for lang in ("zh", "en"):
        assert RFM_SHEET in found.value.message(lang)
        assert f"“{value[:20]}”" in found.value.message(lang)
    assert path.read_bytes() == before


def test_a_part_at_another_time_is_the_same(tmp_path):
    path = dressed(tmp_path / "a.xlsx")
    whole, (part, pattern, _) = package(path), AROUND["a table"]
    later = rewritten(spoilt(path, part, pattern, "XFE1048577"), {}, tmp_path / "b.xlsx", (2026, 11, 29, 20, 53, 2))
    assert [one.name.rpartition("/")[2] for one in verify(whole, package(later)).violations] == [part]


NO_CELLS = {
    "an ampersand": '<c r="O3" t="inlineStr"><is><t>this & that</t></is></c>',
    "an end of something else": '<c r="O3" t="inlineStr"><is><t>note</t></iz></c>',
    "a zero": '<c r="O3" t="inlineStr"><is><t>a\0b</t></is></c>',
    "no UTF-8": '<c r="O3" t="inlineStr"><is><t>\udcff</t></is></c>',
    "no character": '<c r="O3" t="inlineStr"><is><t>&#x110000;</t></is></c>',
    "no character by far": '<c r="O3" t="inlineStr"><is><t>&#99999999999999999999;</t></is></c>',
    "a formula without UTF-8": '<c r="O3" t="str"><f>\udcff</f><v>1</v></c>',
    "an attribute twice": '<c r="O3" s="1" s="1"><v>1</v></c>',
}


@pytest.mark.parametrize("small", [sheetxml._SMALL, 0], ids=["few rows", "many rows"])
@pytest.mark.parametrize("long", [sheetxml._LONG, 0], ids=["short", "long"])
@pytest.mark.parametrize("row", [1, 2, 3, 5])
@pytest.mark.parametrize("name", NO_CELLS)
def test_cells_of_others_that_are_no_xml_are_not_written(tmp_path, monkeypatch, name, row, long, small):
    """Neither where rows are written one by one nor where they are made anew and others' cells carried along."""
    monkeypatch.setattr(sheetxml, "_SMALL", small)
    monkeypatch.setattr(sheetxml, "_LONG", long)
    monkeypatch.setattr(longlist, "FROM", 1 if long else 64)
    path = book(tmp_path / "a.xlsx", extra=["note"])
    fill(path, 4)
    cell = NO_CELLS[name].replace("O3", f"O{row}").encode(errors="surrogateescape")

    def change(data):
        changed, count = re.subn(rb'<c r="O%d"(?:[^>]*/>|.*?</c>)' % row, lambda _: cell, data, count=1)
        assert count
        return changed

    rewritten(path, {sheet_part(path, RFM_SHEET): change})
    monkeypatch.setattr(longlist, "_PIECE", 0)
    before = path.read_bytes()
    for count in (4, 6):
        with pytest.raises(Refused):
            fill(path, count)
        assert path.read_bytes() == before


@pytest.mark.parametrize("tag", [b"</row >", b"</row\n>"])
def test_rows_that_end_with_a_blank(tmp_path, monkeypatch, tag):
    path = book(tmp_path / "a.xlsx")
    monkeypatch.setattr(longlist, "FROM", 1)
    fill(path, 4)
    rewritten(path, {sheet_part(path, RFM_SHEET): lambda data: data.replace(b"</row>", tag)})
    monkeypatch.setattr(longlist, "_PIECE", 0)
    fill(path, 6)
    assert [row[0] for row in FileBook(path).read(RFM).rows[1:]] == [*"123456"]


TYPED = {
    "a text where a key was": lambda data: re.sub(
        rb'<c r="A3" s="1".*?</c>(.*?)<c r="F3"([^>]*)>.*?</c>',
        rb'<c r="A3" s="1"/>\1<c r="F3"\2><is><t>TYPED</t></is></c>',
        data,
        count=1,
    ),
    "a sum": lambda data: re.sub(
        rb'<c r="A3" s="1".*?</c>(.*?)<c r="F3"([^>]*?) t="inlineStr">.*?</c>',
        rb'<c r="A3" s="1" t="inlineStr"><is><t>TYPED</t></is></c>\1<c r="F3"\2/>',
        data,
        count=1,
    ),
    "a row below": lambda data: data.replace(
        b"</sheetData>", b'<row r="6"><c r="F6" s="1" t="inlineStr"><is><t>TYPED</t></is></c></row></sheetData>'
    ),
}


@pytest.mark.parametrize("excel", [False, True])
@pytest.mark.parametrize("name", TYPED)
def test_rows_that_people_typed_into_a_long_list(tmp_path, monkeypatch, name, excel):
    path = book(tmp_path / "a.xlsx", extra=["note"])
    monkeypatch.setattr(longlist, "FROM", 1)
    fill(path, 4)
    part = sheet_part(path, RFM_SHEET)
    rewritten(path, {part: TYPED[name]})
    assert parts(path)[part].count(b"TYPED") == 1
    if excel:
        saved_by_excel(path)
    monkeypatch.setattr(longlist, "_PIECE", 0)
    fill(path, 4)
    assert ["TYPED" in row for row in FileBook(path).read(RFM).rows].count(True) == 1


@pytest.mark.parametrize("gone", ["2", "1234"])
def test_keys_that_were_deleted(tmp_path, monkeypatch, gone):
    """A row without a key is a remark, in a long list as in a short one."""
    found = []
    for start in (1, 64):
        path = book(tmp_path / f"{start}.xlsx")
        with monkeypatch.context() as patch:
            patch.setattr(longlist, "FROM", start)
            patch.setattr(longlist, "_PIECE", 0)
            fill(path, 4)
            emptied = rb'(<c r="A(?:%s)" s="1")[^/]*?>.*?</c>' % b"|".join(b"%d" % (int(one) + 1) for one in gone)
            rewritten(path, {sheet_part(path, RFM_SHEET): lambda data, old=emptied: re.sub(old, rb"\1/>", data)})
            fill(path, 4)
        found.append([row[:1] + row[5:6] for row in FileBook(path).read(RFM).rows[1:]])
    assert found[0] == found[1] and len(found[0]) == 4 + len(gone)


FOREIGN = {
    "the number of a sheet": ("workbook.xml", rb'(sheetId=")[^"]*'),
    "the number of a table": ("table1.xml", rb'(<table [^>]*\bid=")[^"]*'),
    "the number of a format": ("styles.xml", rb'(<numFmt numFmtId=")[^"]*'),
    "the print area": ("workbook.xml", rb"(<definedName [^>]*>)[^<]*"),
    "the box of a comment": ("vmlDrawing1.vml", rb"(<x:Anchor>\s*2, 15, )[^,]*"),
}


@pytest.mark.parametrize("value", ["x", "", "²", "9" * 20, "99999999999:1"])
@pytest.mark.parametrize("name", FOREIGN)
def test_what_need_not_be_understood_stays(tmp_path, name, value):
    part, pattern = FOREIGN[name]

    def said(workbook, sheet, headers):
        sheet.write_comment("B4", "about three")
        sheet.print_area("A1:O4")
        sheet.write_number("Q1", 1, workbook.add_format({"num_format": '0.0"x"'}))

    path = spoilt(book(tmp_path / "a.xlsx", [(one, {}) for one in "123"], after=said), part, pattern, value)
    with FileBook(path) as target:
        target.write(RFM, rfm([2, 3, 4]))
        target.write(CLEANING, frame(stage=["x"]))
    assert re.search(pattern + re.escape(value.encode()), next(d for n, d in parts(path).items() if n.endswith(part)))


@pytest.mark.parametrize("number", ["²", "x", "9" * 5000])
def test_a_format_that_is_none_shows_no_days(number):
    styles = Styles(f'<styleSheet><cellXfs><xf numFmtId="{number}"/></cellXfs></styleSheet>'.encode(), "styles.xml")
    assert not styles.shows_days(0)
    assert styles.surely_shows_days(0) is None


@pytest.mark.parametrize("text", ["A" + "9" * 5000, "\u212a2"])
def test_formulas_elsewhere_that_name_no_cell(tmp_path, text):
    """The last one is no K but the sign of a degree."""

    def elsewhere(workbook, sheet, headers):
        workbook.add_worksheet("other").write_formula("A1", text, None, 7)

    path = book(tmp_path / "a.xlsx", [("1", {})], after=elsewhere)
    fill(path, 2)
    assert text.encode() in parts(path)["xl/worksheets/sheet2.xml"]


def test_a_hint_that_is_none_is_left_out(filled):
    path = spoilt(filled, "sheet1.xml", rb'(<row r="2" spans=")[^"]*', "9" * 20)
    fill(path, 3)
    with FileBook(path) as target:
        target.write(RFM, rfm([1, 3], monetary=[9.0, 1.0]))
    assert b"9" * 20 not in parts(path)["xl/worksheets/sheet1.xml"]


@pytest.mark.parametrize("text", ["A1)", '"', "(A2", "[", "A1"])
def test_formulas_that_cannot_move(tmp_path, text):
    """The last one would lead above the sheet."""

    def beside(workbook, sheet, headers):
        sheet.write_formula("P3", "=1+1")

    path = book(tmp_path / "a.xlsx", [(one, {}) for one in "123"], extra=["mine", "more"], after=beside)
    spoilt(path, "sheet1.xml", rb"(<f>)1\+1", text)
    with pytest.raises(Refused) as found, FileBook(path) as target:
        target.write(RFM, rfm([2, 3]))
    assert (found.value.key, found.value.sheet) == ("formula_stuck", RFM_SHEET)
    assert f"“={text}”" in found.value.message("en")


DAMAGED = {
    '<c r="B2" t="N"><v>1</v></c>': "B2",
    '<c r="B2" t=""><v>1</v></c>': "B2",
    '<c r="B2" t="bool"><v/></c>': "B2",
    '<c r="B2" t="b"><v>3</v></c>': "B2",
    '<c r="B2" t="n"><v>abc</v></c>': "B2",
    '<c r="B2" t="n"><v>1_0</v></c>': "B2",
    '<c r="B2" t="n"><v> 1</v></c>': "B2",
    '<c r="B2" t="e"><v>X!</v></c>': "B2",
    '<c r="B2" t="e"><f>A1</f><v>3</v></c>': "B2",
    '<c r="B2" t="s"><v>99</v></c>': "B2",
    '<c r="A2" t="s"><v>1</v></c><c r="B2" t="s"><v>2</v></c>': "B2",
    '<c r="B2"><t>1</t></c>': "B2",
    '<c r="B2"><v>1</v><x/></c>': "B2",
    '<c r="B2"><f>A1</f><v>1</v></c><c r="C2" t="N"><is><t>x</t></is><v>1</v></c>': "C2",
    "<c r='B2' t='N'><v>1</v></c>": "B2",
    '<c><v>1</v></c><c t="N"><v>1</v></c>': "B2",
    '<c r="B"><v>1</v></c>': "B",
    '<c r="12"><v>1</v></c>': "12",
    '<c r=""><v>1</v></c>': "A2",
    '<c r="B0"><v>1</v></c>': "B0",
    '<c r="$B$2"><v>1</v></c>': "$B$2",
    '<c r="B2:C2"/>': "B2:C2",
    '<c r="ZZZZ2" t="e"><v>#N/A</v></c>': "ZZZZ2",
    # calamine gives the first shared string for these
    '<c r="B2" t="s"><v>-1</v></c>': "B2",
    '<c r="B2" t="s"><v>x</v></c>': "B2",
    '<c r="B2" t="s"><f>A1</f><v>1.5</v></c>': "B2",
    '<c r="B2" t="s"><f t="shared" si="0"/><v> 1</v></c>': "B2",
}
ROWS = ('<row r="x">', '<row r="">', '<row r="0">', '<row r="-1">', '<row r="A2" hidden="1">', '<row r="99999999999">')


def refusal(path):
    with pytest.raises(Refused) as found:
        FileBook(path).read(CUSTOMERS)
    assert CUSTOMER_SHEET in found.value.message("zh")
    assert CUSTOMER_SHEET in found.value.message("en")
    return found.value


@pytest.mark.parametrize("cells", DAMAGED)
def test_cells_that_calamine_gives_up(tmp_path, monkeypatch, cells):
    path = written(tmp_path / "a.xlsx", PLAIN + f'<row r="2">{cells}</row>'.encode())
    found = refusal(path)
    assert (found.key, found.cell) == ("cell_damaged", DAMAGED[cells])
    monkeypatch.setattr(reading, "short", lambda *_: None)
    assert refusal(path).cell == DAMAGED[cells]


def test_a_shared_formula_elsewhere_that_leads_around_the_edge(tmp_path):
    """As Excel writes it."""

    def elsewhere(workbook, sheet, headers):
        other = workbook.add_worksheet("other")
        other.write_formula("A2", "1+1", None, 7)
        other.write_formula("A1", "2+2", None, 7)

    path = book(tmp_path / "a.xlsx", [("1", {})], after=elsewhere)
    spoilt(path, "sheet2.xml", rb'(<c r="A2"><f)>1\+1', f' t="shared" ref="A1:A2" si="0">{RFM_SHEET}!A1')
    spoilt(path, "sheet2.xml", rb'(<c r="A1"><f)>2\+2</f>', ' t="shared" si="0"/>')
    fill(path, 2)


@pytest.mark.parametrize("reader", ["short", "calamine", "long"])
def test_merged_cells_that_are_no_range(tmp_path, monkeypatch, reader):
    path = written(tmp_path / "a.xlsx", PLAIN)
    merged = b'</sheetData><mergeCells count="1"><mergeCell ref="x"/></mergeCells>'
    rewritten(path, {sheet_part(path, CUSTOMER_SHEET): lambda data: data.replace(b"</sheetData>", merged)})
    if reader == "calamine":
        monkeypatch.setattr(reading, "short", lambda *_: None)
    elif reader == "long":
        monkeypatch.setattr(opened, "_LONG", 0)
    assert refusal(path).key == "range_damaged"


@pytest.mark.parametrize("error", ["#SPILL!", "#CALC!", "#GETTING_DATA", "#N/A"])
@pytest.mark.parametrize("formula", ["", "<f>A1</f>"])
def test_errors_of_newer_programs(tmp_path, error, formula):
    """calamine does not know them: the workbook is read all the same."""
    row = f'<row r="2" hidden="1"><c r="A2"><v>7</v></c><c r="B2" t="e">{formula}<v>{error}</v></c></row>'
    grid = FileBook(written(tmp_path / "a.xlsx", PLAIN + row.encode())).read(CUSTOMERS)
    assert grid.errors == {(1, 1): error}
    assert (grid.rows[1][0], grid.hidden_rows, grid.formulas) == (7, {1}, bool(formula))


@pytest.mark.parametrize("row", ROWS)
def test_rows_without_a_number(tmp_path, row):
    path = written(tmp_path / "a.xlsx", PLAIN + f'{row}<c r="A2"><f>A1</f><v>1</v></c></row>'.encode())
    assert refusal(path).key == "rows_disorder"


def test_a_sheet_of_which_no_cell_is_damaged(tmp_path):
    path = written(tmp_path / "a.xlsx", PLAIN + b'<row r="2"><c r="A2"><f>A1</f><v>1</v></c></row>')
    part = sheet_part(path, CUSTOMER_SHEET)
    rewritten(path, {part: lambda data: re.sub(rb"<dimension[^>]*>", b'<dimension ref="x"/>', data)})
    assert refusal(path).key == "xml_damaged"


@pytest.mark.parametrize(
    ("cells", "known"),
    [
        ('<c r="B2"><v>abc</v></c>', "B2"),
        ('<c r="B2" t="n"><v>2020-01-01</v></c>', "B2"),
        ('<c r="B2" t="s"><v>99</v></c>', "B2"),
        ('<c r="B2" t="s"><v>-1</v></c>', "B2"),
        ('<c r="B2" t="s" s="1" ><v>-1</v></c>', "B2"),
        ('<c r="B2" s="x" t="N"><v>1</v></c>', "B2"),
        ('<c r="B2" t="inlineStr"><is><t>a\0b</t></is></c>', "B2"),
        ('<c r="B2" t="inlineStr"><is><t>\udcff</t></is></c>', "B2"),
    ],
)
@pytest.mark.parametrize("remembered", [5000, 0])
def test_cells_of_a_long_sheet(tmp_path, monkeypatch, cells, known, remembered):
    monkeypatch.setattr(opened, "_LONG", 0)
    monkeypatch.setattr(scan, "_REMEMBERED", remembered)
    row = f'<row r="2">{cells}</row>'.encode(errors="surrogateescape")
    found = refusal(written(tmp_path / "a.xlsx", PLAIN + row))
    assert (found.key, found.cell) == ("cell_damaged", known)


@pytest.mark.parametrize("number", [0, 1_048_577, 99_999_999])
def test_rows_of_a_long_sheet(tmp_path, monkeypatch, number):
    monkeypatch.setattr(opened, "_LONG", 0)
    row = f'<row r="{number}"><c r="A{number}"><v>1</v></c></row>'.encode()
    assert refusal(written(tmp_path / "a.xlsx", row)).key == "rows_disorder"


def test_calamine_breaks_down(tmp_path, capfd):
    """It does so by what is no Exception."""
    path = written(tmp_path / "a.xlsx", PLAIN)
    full = b'uniqueCount="18446744073709551615"'
    rewritten(path, {"xl/sharedStrings.xml": lambda data: data.replace(b'uniqueCount="2"', full)})
    with pytest.raises(BaseException, match="capacity") as found:
        CalamineWorkbook.from_path(path)
    assert not isinstance(found.value, Exception)
    data = b'<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'
    about = reading.About("part.xml", "sheet", False, ())
    with pytest.raises(Refused) as refused:
        reading.read(lambda: CalamineWorkbook.from_path(path).get_sheet_by_index(0), data, about)
    assert refused.value.key == "xml_damaged"
    assert "sheet (part.xml)" in refused.value.message("en")
    with pytest.raises(KeyboardInterrupt):
        reading.read(interrupted, data, about)


def interrupted():
    raise KeyboardInterrupt


def test_fill_tells_the_cell(tmp_path, capsys):
    path = written(tmp_path / "a.xlsx", PLAIN + b'<row r="2"><c r="A2" t="N"><v>1</v></c></row>')
    assert cli.main(["fill", str(path), "--lang", "zh"]) == 1
    assert capsys.readouterr().err == f"工作表“{CUSTOMER_SHEET}”单元格 A2 的内容已损坏。请用 Excel 打开并修复后另存。\n"
