"""What `verify` finds of a workbook before and after, though nobody tells it what was to be written."""

import pytest
from bookshop import book, frame, rewritten, rfm, values
from fills import NOTE, dressed, fill, first, full, violations

from segmenter import jobs
from segmenter.books.file import FileBook
from segmenter.schema import STRATEGY

TABLE, COMMENTS, WORKBOOK = "xl/tables/table1.xml", "xl/comments1.xml", "xl/workbook.xml"
SHEET, BOXES = "xl/worksheets/sheet1.xml", "xl/drawings/vmlDrawing1.vml"
RELATIONS, TYPES, STYLES = "xl/_rels/workbook.xml.rels", "[Content_Types].xml", "xl/styles.xml"
SHEET_RELATIONS = "xl/worksheets/_rels/sheet1.xml.rels"
MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SPACE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
AROUND = {
    "a column of the table renamed": (TABLE, first(rb'name="note"', rb'name="not"')),
    "a table moved": (TABLE, first(rb'ref="A1', rb'ref="B1')),
    "a comment changed": (COMMENTS, first(rb"<t>why</t>", rb"<t>how</t>")),
    "the box of a comment": ("xl/drawings/vmlDrawing1.vml", first(rb"#ffffe1", rb"#ffffe2")),
    "a print area elsewhere": (WORKBOOK, first(rb"\$A\$1:\$O", rb"$B$1:$O")),
    "an order to iterate": (WORKBOOK, first(rb"<calcPr ", rb'<calcPr iterate="1" ')),
    "a reserved workbook": (WORKBOOK, first(rb"<workbookPr", rb'<fileSharing readOnlyRecommended="1"/><workbookPr')),
    "a link to a stranger": (
        RELATIONS,
        first(
            rb"</Relationships>", rb'<Relationship Id="rIdX" Type="x" Target="http://x" TargetMode="External"/>\g<0>'
        ),
    ),
    "a relation to another part": (
        RELATIONS,
        first(rb"</Relationships>", rb'<Relationship Id="rIdX" Type="x" Target="styles.xml"/>\g<0>'),
    ),
    "a type of another part": (TYPES, first(rb"</Types>", rb'<Override PartName="/xl/a.bin" ContentType="x"/>\g<0>')),
    "a type of all parts": (TYPES, first(rb"</Types>", rb'<Default Extension="b" ContentType="x"/>\g<0>')),
}


@pytest.mark.parametrize("name", AROUND)
def test_what_is_said_about_the_rows_follows_them_and_nothing_else_changes(tmp_path, name):
    def said(workbook, sheet, headers):
        sheet.print_area(0, 0, 3, len(headers) - 1)
        sheet.write_comment("A2", "why")

    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book(path, [(n, {NOTE: 7}) for n in "123"], extra=["note"], after=said)
    fill(path, rfm("3124"), out)
    assert not violations(path, out)
    part, change = AROUND[name]
    rewritten(out, {part: change})
    assert violations(path, out) == [part]


FURTHER = {
    "a comment at another customer": (COMMENTS, first(rb'ref="B4"', b'ref="B2"')),
    "a table that is longer": (TABLE, first(rb'(<table .*?ref="A1:O)\d+', rb"\g<1>99")),
    "a print area that is longer": (WORKBOOK, first(rb"(\$A\$1:\$O\$)\d+", rb"\g<1>9999")),
    "a name of a stranger": (
        WORKBOOK,
        first(rb"<definedName ", rb'<definedName name="more" hidden="1">1</definedName>\g<0>'),
    ),
    "a workbook of another kind": (WORKBOOK, first(rb"<workbook ", rb'\g<0>conformance="strict" ')),
    "another type of the workbook": (TYPES, first(rb'(/xl/workbook.xml" ContentType=")[^"]*', rb"\1application/x")),
    "a wrong count of styles": (STYLES, first(rb'(<cellXfs count=")\d+', rb"\g<1>1")),
    "styles of another kind": (STYLES, first(rb"<styleSheet ", rb'\g<0>xml:lang="de" ')),
    "a list of styles that says more": (STYLES, first(rb"<cellXfs ", rb'\g<0>xml:lang="de" ')),
    "a type of all parts that is gone": (TYPES, first(rb'<Default Extension="vml"[^>]*/>', b"")),
    "a type of all parts that is another": (TYPES, first(rb'(<Default Extension="vml" ContentType=")', rb"\1x")),
    "a relation that is there twice": (RELATIONS, first(rb"(<Relationship [^>]*/>)", rb"\1\1")),
    "relations of another namespace": (RELATIONS, first(rb'xmlns="', rb"\g<0>x")),
    "types of another namespace": (TYPES, first(rb'xmlns="', rb"\g<0>x")),
    "a relation of a sheet that is another": (SHEET_RELATIONS, first(rb'Type="', rb"\g<0>x")),
    "relations of a sheet of another namespace": (SHEET_RELATIONS, first(rb'xmlns="', rb"\g<0>x")),
    "results that are not calculated": (WORKBOOK, first(rb' fullCalcOnLoad="1"', b"")),
    "a word between rows": (SHEET, first(rb"</row>", rb"\g<0>x")),
    "a word between cells": (SHEET, first(rb'(<row r="3".*?</c>)', rb"\1x")),
    "an element among cells": (SHEET, first(rb'(<row r="3".*?</c>)', rb"\1<c1/>")),
    "a remark behind the sheet": (SHEET, first(rb"</worksheet>", rb"\g<0><!-- x -->")),
    "another declaration": (SHEET, first(rb"<\?xml ([^?]*)", rb"<?xml version='1.0' ")),
    "a box elsewhere": (BOXES, first(rb"<x:Anchor>\d+, \d+, \d+", rb"<x:Anchor>1, 15, 99")),
    "a box at the side": (BOXES, first(rb"<x:Anchor>\d+", rb"<x:Anchor>9")),
}


@pytest.fixture
def filled(tmp_path):
    """A workbook in which much is said about the rows, before and after."""
    path, out = dressed(tmp_path / "a.xlsx", totals=True), tmp_path / "b.xlsx"
    fill(path, full("1234"), out)
    assert not violations(path, out)
    return path, out


@pytest.mark.parametrize("name", FURTHER)
def test_what_else_leads_to_the_rows_is_found(filled, name):
    path, out = filled
    part, change = FURTHER[name]
    rewritten(out, {part: change})
    assert part in violations(path, out)


def test_a_link_to_a_folder_that_is_gone_is_found(filled):
    path, out = filled
    folder = rb'<Relationship Id="rId9" Type="x" Target="http://x/" TargetMode="External"/>\g<0>'
    rewritten(path, {RELATIONS: first(rb"</Relationships>", folder)})
    assert violations(path, out) == [RELATIONS]


def test_a_sheet_of_a_stranger_is_found(filled):
    path, out = filled
    part = "xl/worksheets/sheet9.xml"
    relation = f'<Relationship Id="rId9" Type="{SPACE}/worksheet" Target="worksheets/sheet9.xml"/>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
    rewritten(
        out,
        {
            part: b'<worksheet xmlns="%s"><sheetData/></worksheet>' % MAIN,
            WORKBOOK: first(rb"</sheets>", rb'<sheet name="more" sheetId="9" r:id="rId9"/>\g<0>'),
            RELATIONS: first(rb"</Relationships>", relation.encode() + rb"\g<0>"),
            TYPES: first(rb"</Types>", f'<Override PartName="/{part}" ContentType="{kind}"/>'.encode() + rb"\g<0>"),
        },
    )
    assert WORKBOOK in violations(path, out)


def test_a_total_below_customers_of_whom_little_was_known_stays(tmp_path):
    """It is the row of a list that it was part of, though in the filled list it looks like a line below it."""
    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    rows = [(n, {2: "", 5: "不在本次分析中"}) for n in "123"]
    book(path, rows, table=False, after=lambda _, sheet, __: sheet.write("B5", "=SUM(I2:I4)"))
    fill(path, full("13"), out)
    assert values(out)[4, 2] == "=SUM(I2:I3)"
    assert not violations(path, out)


def test_a_group_that_was_named_twice(tmp_path):
    """The row that goes is the one in which nothing else was typed."""
    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book(path, [("1", {})])
    fill(path, frame(segment=["a", "a", "a", "b"], owner=["me", None, "you", None]), table=STRATEGY)
    fill(path, frame(segment=["a", "b"], customers=[1.0, 2.0]), out, STRATEGY)
    assert [row[4] for row in FileBook(out).read(STRATEGY).rows[1:]] == ["me", "you", None]
    assert not violations(path, out)


CHAIN = {
    "a formula elsewhere out of it": first(rb'<c r="A2"/>', b""),
    "another order": first(rb'(<c r="A1" i="1"/>)<c r="A2"/>', rb'<c r="A2" i="1"/><c r="A1"/>'),
    "a link of another kind": first(rb'<c r="A2"', rb'\g<0> l="1"'),
    "another namespace": first(rb'xmlns="', rb"\g<0>x"),
    "a formula more": first(rb"</calcChain>", rb'<c r="A9"/>\g<0>'),
}


@pytest.mark.parametrize("name", CHAIN)
def test_what_else_becomes_of_the_order_of_calculation_is_found(tmp_path, name):
    def formulas(workbook):
        sheet = workbook.add_worksheet("other")
        sheet.write_formula("A1", "=1+1", None, 2)
        sheet.write_formula("A2", "=1+2", None, 3)

    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book(path, [("1", {NOTE: "=I2*2"}), ("2", {})], extra=["note"], before=formulas)
    part, kind = "xl/calcChain.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"
    relation = f'<Relationship Id="rId99" Type="{SPACE}/calcChain" Target="calcChain.xml"/>'
    rewritten(
        path,
        {
            part: b'<calcChain xmlns="%s"><c r="A1" i="1"/><c r="A2"/><c r="O2" i="2"/></calcChain>' % MAIN,
            RELATIONS: first(rb"</Relationships>", relation.encode() + rb"\g<0>"),
            TYPES: first(rb"</Types>", f'<Override PartName="/{part}" ContentType="{kind}"/>'.encode() + rb"\g<0>"),
        },
    )
    fill(path, full("2"), out)
    assert not violations(path, out)
    rewritten(out, {part: CHAIN[name]})
    assert violations(path, out) == [part]


def test_workbooks_that_have_nothing_to_do_with_each_other(tmp_path):
    """Where one has the guide, which is no table, the other has a sheet of ours."""
    jobs.new(tmp_path / "a.xlsx", "zh")
    other = book(tmp_path / "b.xlsx", [("1", {})])
    assert "xl/worksheets/sheet1.xml" in violations(tmp_path / "a.xlsx", other)
