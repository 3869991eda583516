"""The proof that a sheet of ours holds exactly the rows that were meant: whatever else stands there is found."""

import re

import pytest
from bookshop import book, frame, rewritten, rfm, sheet_part

from segmenter import schema
from segmenter.books import bulk, longlist
from segmenter.books.file import FileBook
from segmenter.books.package import Package, write
from segmenter.books.proof import verify
from segmenter.books.sheetxml import Sheet
from segmenter.books.writer import Writer
from segmenter.errors import Refused
from segmenter.schema import RFM

NOTE = 14
"""the column of a header that is not ours"""
BOARD = schema.table("board_segments")
CLEANING = schema.table("cleaning")


def first(pattern, new):
    """A change of the first place where a pattern stands; it has to stand there."""

    def change(data):
        changed, count = re.subn(pattern, new, data, count=1)
        assert count
        return changed

    return change


@pytest.fixture
def filled(tmp_path):
    """A workbook with three customers, one of them with a note, their rows of different heights."""

    def looks(workbook, sheet, headers):
        sheet.set_row(2, 30)
        for n in (1, 2, 3):
            sheet.write_blank(n, 12, None, workbook.add_format({"bold": True}))
        sheet.write("T1", "beside")
        sheet.write("T3", 5)

    rows = [("1", {NOTE: 77}), ("2", {}), ("3", {NOTE: 78})]
    path = book(tmp_path / "a.xlsx", rows, extra=["note"], after=looks)
    fill(path, ["1", "2", "3"])
    return path


def fill(path, ids, out=None):
    with FileBook(path, out) as target:
        target.write(RFM, rfm(ids))


CHANGES = {
    "a row far below": first(rb"</sheetData>", rb'<row r="900000"><c r="A900000"><v>1</v></c></row></sheetData>'),
    "an empty row far below": first(rb"</sheetData>", rb'<row r="900000"/></sheetData>'),
    "a row hidden": first(rb'<row r="3"', rb'<row r="3" hidden="1"'),
    "a new row hidden": first(rb'<row r="5"', rb'<row r="5" hidden="1"'),
    "a row of another height": first(rb'ht="30"', rb'ht="31"'),
    "a row above hidden": first(rb'<row r="1"', rb'<row r="1" hidden="1"'),
    "a cell of ours in another style": first(rb'<c r="A3" s="\d+"', rb'<c r="A3" s="0"'),
    "a new cell in another style": first(rb'<c r="A5" s="\d+"', rb'<c r="A5"'),
    "a cell more in our row": first(rb'(<row r="3".*?)</row>', rb'\1<c r="XFD3"><v>1</v></c></row>'),
    "an empty cell more": first(rb'(<row r="3".*?)</row>', rb'\1<c r="XFD3" s="1"/></row>'),
    "a cell more in a row above": first(rb'(<row r="1".*?)</row>', rb'\1<c r="XFD1"><v>1</v></c></row>'),
    "a note in a row of somebody else": first(rb'(<row r="3".*?)(<c r="T3")', rb'\1<c r="O3"><v>1</v></c>\2'),
    "a note changed": first(rb"<v>77</v>", rb"<v>76</v>"),
    "what stands beside changed": first(rb'(<c r="T3"[^>]*><v>)5', rb"\g<1>6"),
}
SPELT_OTHERWISE = {
    "a number": first(rb"<v>(\d+)</v>", rb"<v>\1.0</v>"),
    "a space": first(rb"</sheetData>", rb" </sheetData>"),
    "a comment": first(rb"</row>", rb"<!--x--></row>"),
}


@pytest.mark.parametrize("name", CHANGES | SPELT_OTHERWISE)
def test_what_else_stands_in_the_file_is_found(filled, monkeypatch, name):
    """The file is read again: it holds what was made, byte for byte."""

    def spoil(source, changes, out):
        part = sheet_part(filled, RFM.sheet["zh"])
        write(source, changes | {part: (CHANGES | SPELT_OTHERWISE)[name](changes[part])}, out)

    monkeypatch.setattr("segmenter.books.file.write", spoil)
    refuses(filled)


@pytest.mark.parametrize("name", CHANGES)
def test_what_else_was_made_is_found(filled, monkeypatch, name):
    """What was made is compared with what was meant: a fault of the writer does not reach the file either."""
    real = FileBook._put

    def spoilt(self, entry, *others):
        real(self, entry, *others)
        self._draft.set(entry.part, CHANGES[name](self._draft.read(entry.part)))

    monkeypatch.setattr(FileBook, "_put", spoilt)
    refuses(filled)


@pytest.mark.parametrize("name", CHANGES)
def test_what_else_stands_in_another_file_is_found(filled, tmp_path, name):
    """`verify`, which does not know what was to be written."""
    out = tmp_path / "b.xlsx"
    fill(filled, ["3", "1", "2", "4"], out)
    packages = [Package(one.read_bytes(), one) for one in (filled, out)]
    assert verify(*packages).ok
    part = sheet_part(out, RFM.sheet["zh"])
    rewritten(out, {part: CHANGES[name]})
    assert [one.name for one in verify(packages[0], Package(out.read_bytes(), out)).violations] == [part]


def refuses(path):
    out = path.with_name("c.xlsx")
    with pytest.raises(Refused) as refused:
        fill(path, ["3", "1", "2", "4"], out)
    assert refused.value.key == "proof" and not out.exists()


def without_blanks(compose):
    return lambda self, attributes, number, cells: compose(
        self, attributes, number, {column: raw for column, raw in cells.items() if not raw.endswith(b"/>")}
    )


def without_heights(compose):
    return lambda self, attributes, number, cells: compose(self, b"", number, cells)


def one_more(compose):
    return lambda self, attributes, number, cells: (
        compose(self, attributes, number, cells) + (b'<row r="%d"/>' % (number + 2) if number == 4 else b"")
    )


@pytest.mark.parametrize("fault", [without_blanks, without_heights, one_more])
def test_a_fault_in_composing_rows_is_found(filled, monkeypatch, fault):
    monkeypatch.setattr(Sheet, "compose", fault(Sheet.compose))
    refuses(filled)


def test_a_wrong_style_is_found(filled, monkeypatch):
    real = Writer.fit
    monkeypatch.setattr(Writer, "fit", lambda *args: (real(*args)[0], 0))
    refuses(filled)


def test_rows_changed_about_are_found(filled, monkeypatch):
    real = Sheet.moved
    monkeypatch.setattr(
        Sheet, "moved", lambda self, cell, row, unshare: real(self, cell, row, unshare=unshare).replace(b"77", b"78")
    )
    with pytest.raises(Refused) as refused:
        fill(filled, ["3", "1"], filled.with_name("c.xlsx"))
    assert refused.value.key == "proof"


def test_a_part_that_was_not_to_be_changed_is_found(filled, monkeypatch):
    """Even where the proof allows changes to who asks for them: a style more that nobody asked for."""

    def more(data):
        return first(rb"(<cellXfs count=\"\d+\">.*?)</cellXfs>", rb'\1<xf numFmtId="0"/></cellXfs>')(data)

    def spoil(source, changes, out):
        write(source, changes | {"xl/styles.xml": more(source.read("xl/styles.xml"))}, out)

    monkeypatch.setattr("segmenter.books.file.write", spoil)
    refuses(filled)


@pytest.fixture
def board(tmp_path):
    """A workbook with our dashboard, added by us and filled once."""
    path = book(tmp_path / "a.xlsx", [("1", {})])
    with FileBook(path) as target:
        target.write(BOARD, frame(segment=["a", "b"], customers=[1.0, 2.0]))
    return path


BOARD_CHANGES = {
    "a row far below": first(rb"</sheetData>", rb'<row r="900000"/></sheetData>'),
    "a row of the block hidden": first(rb'<row r="6"', rb'<row r="6" hidden="1"'),
    "a row below hidden": first(rb'<row r="18"', rb'<row r="18" hidden="1"'),
    "another style": first(rb'<c r="A6" s="\d+"', rb'<c r="A6" s="1"'),
    "a cell in another block": first(rb'(<c r="E6"[^>]*?)/>', rb"\1><v>1</v></c>"),
}


@pytest.mark.parametrize("name", BOARD_CHANGES)
def test_what_else_is_made_of_a_sheet_with_blocks_is_found(board, monkeypatch, name):
    real = FileBook._put

    def spoilt(self, entry, *others):
        real(self, entry, *others)
        self._draft.set(entry.part, BOARD_CHANGES[name](self._draft.read(entry.part)))

    monkeypatch.setattr(FileBook, "_put", spoilt)
    with pytest.raises(Refused) as refused, FileBook(board) as target:
        target.write(BOARD, frame(segment=["a", "c"], customers=[1.0, 3.0]))
    assert refused.value.key == "proof"


@pytest.mark.parametrize("count", [3, bulk.FROM + 3])
@pytest.mark.parametrize("name", ["a row far below", "a row hidden", "a row above hidden"])
def test_what_else_is_made_of_a_sheet_that_was_added_is_found(tmp_path, monkeypatch, name, count):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    real = FileBook._put

    def spoilt(self, entry, *others):
        real(self, entry, *others)
        self._draft.set(entry.part, CHANGES[name](self._draft.read(entry.part)))

    monkeypatch.setattr(FileBook, "_put", spoilt)
    with pytest.raises(Refused) as refused, FileBook(path) as target:
        target.write(CLEANING, frame(sheet=["x"] * count, cell=[f"A{n}" for n in range(count)]))
    assert refused.value.key == "proof"


def hidden(real):
    return lambda *about: real(*about) + b' hidden="1"'


def plain(real):
    return lambda job, region, values, like, writer: real(job, region, values, None, writer)


@pytest.mark.parametrize(("name", "fault"), [("_attributes", hidden), ("_rows", plain)])
def test_a_fault_in_making_whole_columns_is_found(tmp_path, monkeypatch, name, fault):
    """Rows that are made alike look like the first one."""
    path = book(tmp_path / "a.xlsx")
    monkeypatch.setattr(longlist, name, fault(getattr(longlist, name)))
    with pytest.raises(Refused) as refused, FileBook(path) as target:
        target.write(RFM, rfm(range(bulk.FROM)))
    assert refused.value.key == "proof"


AROUND = {
    "a column of the table renamed": ("xl/tables/table1.xml", first(rb'name="note"', rb'name="not"')),
    "a table moved": ("xl/tables/table1.xml", first(rb'ref="A1', rb'ref="B1')),
    "a comment changed": ("xl/comments1.xml", first(rb"<t>why</t>", rb"<t>how</t>")),
    "the box of a comment": ("xl/drawings/vmlDrawing1.vml", first(rb"#ffffe1", rb"#ffffe2")),
    "a print area elsewhere": ("xl/workbook.xml", first(rb"\$A\$1:\$O", rb"$B$1:$O")),
    "an order to iterate": ("xl/workbook.xml", first(rb"<calcPr ", rb'<calcPr iterate="1" ')),
    "a reserved workbook": (
        "xl/workbook.xml",
        first(rb"<workbookPr", rb'<fileSharing readOnlyRecommended="1"/><workbookPr'),
    ),
    "a link to a stranger": (
        "xl/_rels/workbook.xml.rels",
        first(
            rb"</Relationships>", rb'<Relationship Id="rIdX" Type="x" Target="http://x" TargetMode="External"/>\g<0>'
        ),
    ),
    "a relation to another part": (
        "xl/_rels/workbook.xml.rels",
        first(rb"</Relationships>", rb'<Relationship Id="rIdX" Type="x" Target="styles.xml"/>\g<0>'),
    ),
    "a type of another part": (
        "[Content_Types].xml",
        first(rb"</Types>", rb'<Override PartName="/xl/a.bin" ContentType="x"/>\g<0>'),
    ),
    "a type of all parts": (
        "[Content_Types].xml",
        first(rb"</Types>", rb'<Default Extension="b" ContentType="x"/>\g<0>'),
    ),
}


@pytest.mark.parametrize("name", AROUND)
def test_what_is_said_about_the_rows_follows_them_and_nothing_else_changes(tmp_path, name):
    def said(workbook, sheet, headers):
        sheet.print_area(0, 0, 3, len(headers) - 1)
        sheet.write_comment("A2", "why")

    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book(path, [(n, {NOTE: 7}) for n in "123"], extra=["note"], after=said)
    fill(path, ["3", "1", "2", "4"], out)
    packages = [Package(one.read_bytes(), one) for one in (path, out)]
    assert verify(*packages).ok
    part, change = AROUND[name]
    rewritten(out, {part: change})
    assert [one.name for one in verify(packages[0], Package(out.read_bytes(), out)).violations] == [part]
