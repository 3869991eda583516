"""A workbook file as a whole: its sheets found, added and read; everything else in it untouched."""

import io
import re
from datetime import date, datetime

import openpyxl
import pytest
import xlsxwriter
from bookshop import (
    CUSTOMER_SHEET,
    HEADERS,
    RFM_SHEET,
    book,
    column,
    customers,
    frame,
    parts,
    prefixed,
    repairs,
    rewritten,
    rfm,
    sheet_part,
    values,
)

from segmenter import schema
from segmenter.books import longlist, opened, reading
from segmenter.books.file import FileBook
from segmenter.books.package import Package
from segmenter.books.proof import Asked, verify
from segmenter.errors import Refused
from segmenter.schema import BOARDS, CLEANING, CUSTOMERS, ORDERS, RFM, SETTINGS, STRATEGY

NOTE = len(HEADERS)
"""the first column that is not ours"""

LEADING = ("[Content_Types].xml", "xl/_rels/workbook.xml.rels")
TRANSITIONAL = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@pytest.fixture
def foreign(tmp_path):
    """A workbook of somebody else, with many things in it that a load and save by a library loses."""
    path = tmp_path / "foreign.xlsx"
    with xlsxwriter.Workbook(path, {"use_future_functions": True}) as workbook:
        bold = workbook.add_format({"bold": True, "num_format": "0.000"})
        sheet = workbook.add_worksheet("Plan & Co's")
        sheet.write_row(0, 0, ["a", 1, 0.30000000000000004, "", "=x"])
        sheet.write_formula("B2", "=B1*2", bold, 2)
        sheet.write_dynamic_array_formula("C2:C3", "=SEQUENCE(2)", None, 1)
        sheet.write_rich_string("A3", "a", bold, "b", "c")
        sheet.insert_textbox("D4", "a box")
        sheet.insert_checkbox("A9", True)
        sheet.insert_button("D9", {"macro": "run"})
        sheet.add_sparkline("E1", {"range": "A1:C1"})
        sheet.conditional_format("B1:B9", {"type": "data_bar", "data_bar_2010": True})
        sheet.data_validation("G1", {"validate": "list", "source": ["x", "y"]})
        sheet.write_comment("A1", "hello", {"author": "me", "color": "red"})
        sheet.protect("", {"sort": True})
        sheet.set_header("&L&G", {"image_left": _picture(tmp_path)})
        sheet.insert_image("H1", _picture(tmp_path))
        chart = workbook.add_chart({"type": "column"})
        chart.add_series({"values": "='Plan & Co''s'!$B$1:$C$1", "data_labels": {"value": True}})
        sheet.insert_chart("A20", chart)
        workbook.add_chartsheet("Chart").set_chart(_chart(workbook))
        hidden = workbook.add_worksheet("hidden")
        hidden.very_hidden()
        hidden.add_table("A1:B3", {"name": "RfmSegments", "columns": [{"header": "x"}, {"header": "y"}]})
        workbook.define_name("Rate", "='Plan & Co''s'!$B$1")
        workbook.define_name("hidden!Local", "=hidden!$A$1")
        workbook.set_custom_property("Label", "secret")
        workbook.set_calc_mode("manual")
    return path


def _chart(workbook):
    chart = workbook.add_chart({"type": "pie"})
    chart.add_series({"values": "=hidden!$A$1:$B$1"})
    return chart


def _picture(folder):
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    head = struct.pack(">LLBBBBB", 1, 1, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    )
    (folder / "p.png").write_bytes(data)
    return str(folder / "p.png")


def fill(path, ids=(1, 2, 3), out=None, **options):
    with FileBook(path, out, **options) as target:
        target.write(RFM, rfm(ids))
    return target


def everything(target):
    target.write(CUSTOMERS, customers(5))
    target.write(ORDERS, frame(customer_id=["1"], ordered_on=[date(2026, 1, 2)], amount=[3.5]))
    target.write(RFM, rfm(range(5)))
    target.write(STRATEGY, frame(segment=["A", "B"], customers=[1.0, 2.0]))
    for table in BOARDS:
        target.write(table, frame(**{one.key: [1.5] * table.rows for one in table.fields}))
    target.write(CLEANING, frame(stage=["fill"], message=["=1+1"]))


@pytest.mark.filterwarnings("ignore:.*extension is not supported")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_sheets_are_added_at_the_end_and_nothing_else_changes(foreign, lang, tmp_path):
    if lang == "en":
        foreign = rewritten(
            foreign,
            {
                "xl/workbook.xml": lambda d: d.replace(b'name="hidden"', b'name="Customers"').replace(
                    b"hidden!", b"Customers!"
                )
            },
        )
        foreign = rewritten(foreign, {"xl/worksheets/sheet2.xml": lambda d: d})
    before = parts(foreign)
    with FileBook(foreign, tmp_path / "out.xlsx") as target:
        assert target.lang == lang
        target.write(RFM, rfm(range(3)))
        for table in (STRATEGY, CLEANING):
            target.write(table, frame(**{table.fields[0].key: ["x"]}))
        for table in BOARDS:
            target.write(table, frame(**{table.fields[0].key: ["x"]}))
    after = parts(tmp_path / "out.xlsx")
    assert not repairs(tmp_path / "out.xlsx")
    index = {"[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"}
    assert {name for name in before if before[name] != after[name]} == index
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "out.xlsx").read_bytes()))
    names = [STRATEGY, RFM, CLEANING, BOARDS[0]]
    assert set(book.sheetnames[3:]) == {table.sheet[lang] for table in names}
    assert len(book[BOARDS[0].sheet[lang]]._charts) == 2
    assert book[RFM.sheet[lang]].tables.keys() == {"RfmSegments_"}
    assert book[RFM.sheet[lang]]["A1"].fill.fgColor.rgb == "FF0E5A67"
    assert book["Plan & Co's"]["B2"].number_format == "0.000"


def test_every_sheet_can_be_added(tmp_path):
    path = tmp_path / "a.xlsx"
    openpyxl.Workbook().save(path)
    with FileBook(path) as target:
        everything(target)
    assert not repairs(path)
    read = FileBook(path)
    assert read.read(CUSTOMERS).column(0, 1).tolist() == [str(1001 + n) for n in range(5)]
    assert read.read(ORDERS).rows[1][2] == date(2026, 1, 2)
    assert read.read(RFM).errors == {}
    assert read.read(SETTINGS) is None
    first = path.read_bytes()
    with FileBook(path) as target:
        everything(target)
    assert path.read_bytes() == first


def test_types_that_are_named_part_by_part(tmp_path):
    """As LibreOffice 4 wrote them: without a default for relationships, new ones have to be given a type."""
    path = tmp_path / "a.xlsx"
    openpyxl.Workbook().save(path)
    kind = "application/vnd.openxmlformats-package.relationships+xml"
    names = [name for name in parts(path) if name.endswith(".rels")]
    overrides = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name in names).encode()
    default = f'<Default Extension="rels" ContentType="{kind}"/>'.encode()
    rewritten(path, {"[Content_Types].xml": lambda data: data.replace(default, overrides)})
    assert default not in parts(path)["[Content_Types].xml"]
    with FileBook(path) as target:
        everything(target)
    assert not repairs(path)


def test_the_customer_sheet_has_to_be_there(foreign):
    with pytest.raises(Refused) as found:
        FileBook(foreign).read(CUSTOMERS)
    assert found.value.key == "sheet_missing"
    assert "Plan & Co's" in found.value.message("zh")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (" 客户基础信息与行为数据表 ", True),
        ("CUSTOMERS", True),
        ("客户基础信息与行为数据表 (2)", False),
        ("客户表", False),
    ],
)
def test_sheet_names(tmp_path, name, found):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        workbook.add_worksheet(name).write("A1", "x")
    if found:
        assert FileBook(tmp_path / "a.xlsx").read(CUSTOMERS).rows[0][0] == "x"
    else:
        with pytest.raises(Refused):
            FileBook(tmp_path / "a.xlsx").read(CUSTOMERS)


def test_a_workbook_with_traditional_names(tmp_path):
    path = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        workbook.add_worksheet("客戶基礎信息與行為數據表").write_row(0, 0, ["客戶ID", "近6個月消費頻次"])
        result = workbook.add_worksheet("RFM模型細分結果表")
        result.write_row(0, 0, [one.replace("户", "戶").replace("费", "費") for one in HEADERS])
    before = path.read_bytes()
    assert FileBook(path).read(CUSTOMERS).sheet == "客戶基礎信息與行為數據表"
    fill(path)
    assert openpyxl.load_workbook(path).sheetnames == ["客戶基礎信息與行為數據表", "RFM模型細分結果表"]
    assert verify(Package(before, path), Package(path.read_bytes(), path)).ok


@pytest.mark.parametrize("other", [CUSTOMER_SHEET + " (2)", "Customers"])
def test_two_customer_sheets(tmp_path, other):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        workbook.add_worksheet(other)
        workbook.add_worksheet(CUSTOMER_SHEET)
    with pytest.raises(Refused) as found:
        FileBook(tmp_path / "a.xlsx").read(CUSTOMERS)
    assert found.value.key == "sheet_tie"


def test_what_calamine_does_not_tell(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet(CUSTOMER_SHEET)
        day = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, ["客户ID", "姓名"])
        sheet.write_row(1, 0, ["00123", "NA"])
        sheet.write_formula("C2", "=1/0", None, "#DIV/0!")
        sheet.write_formula("C3", '=""', None, "")
        sheet.write_formula("C4", "=NA()", None, "#N/A")
        sheet.write("D2", 5)
        sheet.write_boolean("D3", True)
        sheet.write_datetime("E2", datetime(2024, 2, 29, 13, 5), day)
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.merge_range("G2:G4", "x")
        sheet.hide()
        workbook.add_worksheet("shown").activate()
    part = sheet_part(tmp_path / "a.xlsx", CUSTOMER_SHEET)
    rewritten(
        tmp_path / "a.xlsx",
        {
            part: lambda data: data.replace(b'<c r="D2"><v>5</v></c>', b'<c r="D2"><f>2+3</f><v></v></c>').replace(
                b'<c r="C3">', b'<c r="C3" t="str">'
            )
        },
    )
    grid = FileBook(tmp_path / "a.xlsx").read(CUSTOMERS)
    assert grid.errors == {(1, 2): "#DIV/0!", (3, 2): "#N/A"}
    assert grid.uncached == {(1, 3)}
    assert grid.hidden_rows == {2}
    assert grid.hidden
    assert grid.merged == ((1, 6, 3, 6),)
    assert grid.rows[1][:2] == ["00123", "NA"]
    assert grid.rows[1][4] == datetime(2024, 2, 29, 13, 5)
    assert grid.rows[2][3] is True


def test_an_excel_table_ends_where_it_ends(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet(CUSTOMER_SHEET)
        sheet.add_table(
            "A1:B4", {"total_row": True, "columns": [{"header": "客户ID", "total_string": "合计"}, {"header": "年龄"}]}
        )
        sheet.write_row("A2", ["1", 2])
        sheet.write_row("A8", ["another", "table"])
    grid = FileBook(tmp_path / "a.xlsx").read(CUSTOMERS)
    assert (grid.totals_row, grid.below, grid.height) == (3, 7, 4)


@pytest.mark.parametrize("long", [False, True])
def test_an_excel_table_beside_the_customers_does_not_end_them(tmp_path, monkeypatch, long):
    if long:
        monkeypatch.setattr(opened, "_LONG", 0)
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet(CUSTOMER_SHEET)
        sheet.write_column("A1", ["客户ID", *map(str, range(9))])
        columns = [{"header": "x", "total_string": "合计"}, {"header": "y"}]
        sheet.add_table("C1:D4", {"total_row": True, "columns": columns})
        sheet.write("C8", "a note")
    grid = FileBook(tmp_path / "a.xlsx").read(CUSTOMERS)
    assert (grid.totals_row, grid.below, grid.height) == (None, None, 10)


READINGS = ["short", "calamine", "long"]


def read_by(path, reading_by, monkeypatch):
    """The customer sheet, read in one of the ways that there are."""
    if reading_by != "short":
        monkeypatch.setattr(reading, "short", lambda *_: None)
    if reading_by == "long":
        monkeypatch.setattr(opened, "_LONG", 0)
    return FileBook(path).read(CUSTOMERS)


@pytest.mark.parametrize("reading_by", READINGS)
def test_what_stands_beside_the_totals_of_the_customers_makes_them_no_customer(tmp_path, monkeypatch, reading_by):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet(CUSTOMER_SHEET)
        columns = [{"header": "客户ID", "total_string": "2 in all"}, {"header": "年龄"}]
        sheet.add_table("A1:B4", {"total_row": True, "columns": columns})
        sheet.write_column("A2", ["1", "2"])
        sheet.write_column("D1", ["Checked by", "x", "x", "x", "x"])
    assert read_by(tmp_path / "a.xlsx", reading_by, monkeypatch).totals_row == 3


@pytest.mark.parametrize("reading_by", READINGS)
@pytest.mark.parametrize(("corner", "aside"), [("A1:B3", 0), ("M1:N3", 12)])
def test_an_excel_table_that_is_not_the_list_does_not_end_it(tmp_path, monkeypatch, corner, aside, reading_by):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet(CUSTOMER_SHEET)
        sheet.add_table(corner, {"data": [["x", 1], ["y", 2]], "columns": [{"header": "a"}, {"header": "年龄"}]})
        sheet.write(29, aside, "a note")
        sheet.write_row("A5" if not aside else "A1", ["客户ID", "年龄"])
        sheet.write_column("A6" if not aside else "A2", ["1", "2", "", "3", "4"])
    grid = read_by(tmp_path / "a.xlsx", reading_by, monkeypatch)
    assert (grid.below, grid.height) == (None, 30)


def test_formulas_elsewhere_that_read_our_cells(tmp_path):
    def readers(workbook):
        sheet = workbook.add_worksheet("other")
        sheet.write_formula("A1", f"=SUM({RFM_SHEET}!I2:I9)", None, 1)
        sheet.write_formula("A2", "=A1*2", None, 2)
        sheet.write_formula("A3", "=1+1", None, 2)
        sheet.write_formula("A4", "=SUM(RfmSegments[M金额])", None, 3)
        sheet.write_formula("A5", "=Total+1", None, 3)
        sheet.write_formula("A6", f'="{RFM_SHEET}!I2"', None, "x")
        third = workbook.add_worksheet("third")
        third.write_formula("B1", "=other!A2", None, 2)
        third.write_formula("B2", "=other!A3", None, 2)
        workbook.define_name("Total", f"={RFM_SHEET}!$I$2")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], before=readers)
    before = parts(path)
    target = fill(path, out=tmp_path / "b.xlsx")
    assert [(one.sheet, one.params["formulas"]) for one in target.findings] == [("other", 4), ("third", 1)]
    after = parts(tmp_path / "b.xlsx")
    assert before["xl/worksheets/sheet1.xml"] == after["xl/worksheets/sheet1.xml"]
    assert b'fullCalcOnLoad="1"' in after["xl/workbook.xml"]
    fill(path, out=tmp_path / "c.xlsx", drop_stale=True)
    after = parts(tmp_path / "c.xlsx")
    assert after["xl/worksheets/sheet1.xml"].count(b"<v>") == 2
    assert after["xl/worksheets/sheet2.xml"].count(b"<v>") == 1
    packages = [Package((tmp_path / name).read_bytes(), tmp_path / name) for name in ("a.xlsx", "c.xlsx")]
    assert not verify(*packages).ok
    assert verify(*packages, asked=Asked(drop_stale=True)).ok


def test_the_calculation_chain_loses_only_cells_that_lost_their_formula(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {8: "=1+1", 14: "=2+2"}), ("2", {})], extra=["mine"], table=False)
    chain = b'<calcChain xmlns="%s"><c r="I2" i="1"/><c r="O2"/></calcChain>' % TRANSITIONAL
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"
    space = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relation = f'<Relationship Id="rId99" Type="{space}/calcChain" Target="calcChain.xml"/>'
    rewritten(
        path,
        {
            "xl/calcChain.xml": chain,
            "[Content_Types].xml": lambda d: d.replace(
                b"</Types>", f'<Override PartName="/xl/calcChain.xml" ContentType="{kind}"/></Types>'.encode()
            ),
            "xl/_rels/workbook.xml.rels": lambda d: d.replace(
                b"</Relationships>", relation.encode() + b"</Relationships>"
            ),
        },
    )
    with FileBook(path) as target:
        target.write(RFM, rfm([1, 2], monetary=[5.0, 6.0]))
    assert parts(path)["xl/calcChain.xml"] == b'<calcChain xmlns="%s"><c r="O2" i="1"/></calcChain>' % TRANSITIONAL
    rewritten(
        path,
        {
            sheet_part(path, RFM_SHEET): lambda d: d.replace(b'r="I2"><v>5</v>', b'r="I2"><f>1</f><v>9</v>').replace(
                b"<f>2+2</f>", b""
            )
        },
    )
    rewritten(path, {"xl/calcChain.xml": lambda d: d.replace(b"O2", b"I2")})
    with FileBook(path) as target:
        target.write(RFM, rfm([1, 2], monetary=[5.0, 6.0]))
    assert "xl/calcChain.xml" not in parts(path)
    assert not repairs(path)


OTHERWISE = {
    "a row": (rb'<row r="3"(.*?)</row>', rb'<y:row r="3"\1</y:row>'),
    "the last row": (rb'<row r="4"(.*?)</row>', rb'<y:row r="4"\1</y:row>'),
    "a cell": (rb'<c r="F3"(.*?)</c>', rb'<y:c r="F3"\1</y:c>'),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_row_or_a_cell_under_another_prefix_than_the_others_is_not_lost(tmp_path, name):
    path = book(tmp_path / "a.xlsx", [(str(n), {}) for n in range(1, 4)], table=False)
    root = rb'<worksheet xmlns:y="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    pattern, new = OTHERWISE[name]
    changed = re.sub(pattern, new, parts(path)[sheet_part(path, RFM_SHEET)], count=1, flags=re.DOTALL)
    rewritten(path, {sheet_part(path, RFM_SHEET): changed.replace(b"<worksheet", root)})
    with pytest.raises(Refused) as refused, FileBook(path) as target:
        target.write(RFM, rfm([1, 2, 3, 4]))
    assert refused.value.key == "sheet_kind" and "<y:" in str(refused.value)


def test_prefixed_namespaces(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    names = [name for name in parts(path) if name.startswith("xl/") and name.endswith(".xml") and "theme" not in name]
    rewritten(path, dict.fromkeys(names, prefixed))
    fill(path, [2, 3, 4])
    with FileBook(path) as target:
        target.write(CUSTOMERS, customers())
    assert not repairs(path)
    assert column(path, "客户ID") == ["2", "3", "4"]
    assert FileBook(path).read(CUSTOMERS).rows[1][0] == "1001"
    assert b"<x:c r=" in parts(path)[sheet_part(path, RFM_SHEET)]


def test_a_workbook_without_styles(tmp_path):
    """As small programs write them; Excel shows it in a look of its own, and so are its cells still."""
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(CUSTOMER_SHEET)
        sheet.write_row(0, 0, [field.header["zh"] for field in CUSTOMERS.shown])
        sheet.write_row(1, 0, ["1001"])
    without = {name: lambda data: re.sub(rb"<[^<>]*styles\.xml[^<>]*/>", b"", data) for name in LEADING}
    rewritten(path, {"xl/styles.xml": None, **without})
    before = parts(path)
    with FileBook(path) as target:
        assert target.read(CUSTOMERS).rows[1][0] == "1001"
        target.write(RFM, rfm(["1001", "1002"]))
    assert parts(path)["xl/worksheets/sheet1.xml"] == before["xl/worksheets/sheet1.xml"]
    assert not repairs(path)
    found = openpyxl.load_workbook(path)
    assert found[CUSTOMER_SHEET]["A1"].font.sz == 11 and found[CUSTOMER_SHEET]["A1"].fill.patternType is None
    assert found[RFM_SHEET]["A1"].fill.patternType == "solid"
    rewritten(path, {"xl/_rels/workbook.xml.rels": before["xl/_rels/workbook.xml.rels"]})
    with pytest.raises(Refused) as refusal, FileBook(path) as target:  # styles nothing leads to
        target.write(CLEANING, frame(stage=["fill"]))
    assert refusal.value.key == "part_missing"


def test_modules_of_macros_are_tabs_without_a_part(tmp_path):
    """Excel 95 kept its macros on sheets; later ones list them still. calamine does not open such a workbook."""
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    with FileBook(path) as target:
        target.write(CUSTOMERS, customers())
    module = b'<sheets><sheet name="Module1" sheetId="9" state="veryHidden" r:id=""/>'
    rewritten(path, {"xl/workbook.xml": lambda data: data.replace(b"<sheets>", module)})
    with FileBook(path) as target:
        target.write(RFM, rfm(["2", "3"]))
        target.write(CLEANING, frame(stage=["fill"]))
    part = sheet_part(path, CUSTOMER_SHEET)
    aside = b"<!-- a sheet that calamine has to read --></sheetData>"
    rewritten(path, {part: lambda data: data.replace(b"</sheetData>", aside)})
    assert FileBook(path).read(CUSTOMERS).column(0, 1).tolist() == ["1001", "1002", "1003"]
    assert FileBook(path).read(RFM).column(0, 1).tolist() == ["2", "3"]
    assert module in parts(path)["xl/workbook.xml"] and not repairs(path)
    lost = rewritten(path, {"xl/workbook.xml": lambda data: data.replace(b'r:id=""', b'r:id="rId99"')})
    with pytest.raises(Refused) as refusal:
        FileBook(lost).read(CUSTOMERS)
    assert (refusal.value.key, refusal.value.params["part"]) == ("part_missing", "Module1")


def strict(data):
    return (
        data.replace(TRANSITIONAL, b"http://purl.oclc.org/ooxml/spreadsheetml/main")
        .replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        )
        .replace(b"http://schemas.openxmlformats.org/drawingml/2006/", b"http://purl.oclc.org/ooxml/drawingml/")
    )


def test_formats_that_only_another_program_knows(tmp_path):
    """Hancom Office writes what its fonts and formats have beyond Excel's as alternatives, each of which counts."""

    def before(workbook):
        workbook.add_worksheet("sheet").write(0, 0, 1, workbook.add_format({"bold": True}))

    choice = (
        rb'<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        rb'<mc:Choice xmlns:hs="http://schemas.haansoft.com/office/spreadsheet/8.0" Requires="hs">'
        rb"<\2 hs:more='1'/></mc:Choice><mc:Fallback>\1</mc:Fallback></mc:AlternateContent>"
    )

    def hancom(data):
        data = re.sub(rb"(<(font)>(?:(?!</font>).)*</font>)", choice, data)
        head, tail = data.split(b"<cellXfs")
        return head + b"<cellXfs" + re.sub(rb"(<(xf) [^>]*/>)", choice, tail)

    def excel(data):
        return re.sub(rb"<mc:AlternateContent.*?<mc:Fallback>(.*?)</mc:Fallback></mc:AlternateContent>", rb"\1", data)

    found = {}
    plain = book(tmp_path / "plain.xlsx", [("1001", {})], before=before)
    for path in (plain, rewritten(plain, {"xl/styles.xml": hancom}, tmp_path / "hancom.xlsx")):
        with FileBook(path) as filled:
            filled.write(CUSTOMERS, customers())
            filled.write(RFM, rfm(["=1001", "1002"]))
        found[path.stem] = parts(path)
    assert found["hancom"]["xl/styles.xml"].count(b"<mc:Fallback>") == 5
    assert rewritten(path, {"xl/styles.xml": excel}) and parts(path) == found["plain"]


def test_strict_workbooks(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    rewritten(path, dict.fromkeys([name for name in parts(path) if name.endswith((".xml", ".rels"))], strict))
    with FileBook(path) as target:
        everything(target)
    grid = FileBook(path).read(CUSTOMERS)
    assert grid.rows[1][0] == "1001"
    assert [row[0] for row in FileBook(path).read(RFM).rows[1:]] == ["1", "2", "0", "3", "4"]
    assert not any(b"schemas.openxmlformats.org/spreadsheetml" in data for data in parts(path).values())


def test_signed_workbooks(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    kind = "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin"
    relation = f'<Relationship Id="rId9" Type="{kind}" Target="_xmlsignatures/origin.sigs"/>'
    rewritten(
        path,
        {
            "_xmlsignatures/origin.sigs": b"",
            "_rels/.rels": lambda d: d.replace(b"</Relationships>", relation.encode() + b"</Relationships>"),
        },
    )
    before = path.read_bytes()
    with pytest.raises(Refused) as found:
        fill(path)
    assert found.value.key == "signed" and path.read_bytes() == before
    fill(path, break_signature=True)
    assert "_xmlsignatures/origin.sigs" not in parts(path)
    assert not repairs(path)


def test_locks_and_reservations(tmp_path):
    protected = book(tmp_path / "a.xlsx", [("1", {})], after=lambda w, s, h: s.protect("x"))
    locked = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(locked) as workbook:
        workbook.add_worksheet()
    rewritten(
        locked,
        {"xl/workbook.xml": lambda d: d.replace(b"<bookViews>", b'<workbookProtection lockStructure="1"/><bookViews>')},
    )
    reserved = book(tmp_path / "c.xlsx")
    rewritten(
        reserved,
        {"xl/workbook.xml": lambda d: d.replace(b"<workbookPr", b'<fileSharing readOnlyRecommended="1"/><workbookPr')},
    )
    for path, key in ((protected, "sheet_protected"), (locked, "structure_locked"), (reserved, "reserved")):
        before = path.read_bytes()
        with pytest.raises(Refused) as found:
            fill(path)
        assert found.value.key == key and path.read_bytes() == before
        fill(path, override_protection=True)
        assert not repairs(path)
    assert b"sheetProtection" in parts(protected)["xl/worksheets/sheet1.xml"]


def test_unlocked_cells_of_a_protected_sheet_are_written(tmp_path):
    def lock(workbook, sheet, headers):
        free = workbook.add_format({"locked": False})
        for n in range(len(headers)):
            sheet.write_blank(1, n, None, free)
        sheet.protect("x")

    path = book(tmp_path / "a.xlsx", after=lock)
    fill(path)
    assert column(path, "客户ID") == ["1", "2", "3"]


def test_the_ending_of_the_new_file(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    with pytest.raises(Refused) as found:
        fill(path, out=tmp_path / "b.xlsm")
    assert found.value.key == "out_suffix"
    template = rewritten(
        path, {"[Content_Types].xml": lambda d: d.replace(b"sheet.main+xml", b"template.main+xml")}, tmp_path / "t.xltx"
    )
    fill(template)
    fill(template, out=tmp_path / "b.xlsx")
    assert column(tmp_path / "b.xlsx", "客户ID") == ["1", "2", "3"]


def test_nothing_to_write_is_a_plain_copy(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    with FileBook(path, tmp_path / "b.xlsx"):
        pass
    assert (tmp_path / "b.xlsx").read_bytes() == path.read_bytes()
    before = path.stat().st_mtime_ns
    with FileBook(path):
        pass
    assert path.stat().st_mtime_ns == before


TAMPERINGS = {
    "a part gone": ("xl/theme/theme1.xml", None),
    "a part changed": ("xl/theme/theme1.xml", lambda d: d + b" "),
    "a part more": ("xl/more.xml", b"<a/>"),
    "a style renumbered": ("xl/styles.xml", lambda d: d.replace(b'<xf numFmtId="0"', b'<xf numFmtId="1"', 1)),
    "a font changed": ("xl/styles.xml", lambda d: d.replace(b"Calibri", b"Arial")),
    "a tab renamed": ("xl/workbook.xml", lambda d: d.replace(b'name="other"', b'name="another"')),
    "a name lost": ("xl/workbook.xml", lambda d: d.replace(b'name="Total"', b'name="Totale"')),
    "a type lost": ("[Content_Types].xml", lambda d: d.replace(b"theme+xml", b"thema+xml")),
    "a value elsewhere": ("xl/worksheets/sheet1.xml", lambda d: d.replace(b"<v>7</v>", b"<v>8</v>")),
    "a note lost": ("xl/worksheets/sheet2.xml", lambda d: d.replace(b"<v>77</v>", b"")),
    "a note changed": ("xl/worksheets/sheet2.xml", lambda d: d.replace(b"<v>77</v>", b"<v>78</v>")),
    "a note's style": ("xl/worksheets/sheet2.xml", lambda d: d.replace(b'<c r="O2"', b'<c s="1" r="O2"')),
    "a header changed": ("xl/worksheets/sheet2.xml", lambda d: d.replace(b'<c r="O1"', b'<c s="1" r="O1"')),
    "a width changed": (
        "xl/worksheets/sheet2.xml",
        lambda d: d.replace(b'defaultRowHeight="15"', b'defaultRowHeight="16"'),
    ),
    "a rule lost": ("xl/worksheets/sheet2.xml", lambda d: d.replace(b"<pageMargins", b"<pageMargin")),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_the_proof_finds(tmp_path, name):
    def other(workbook):
        workbook.add_worksheet("other").write("A1", 7)
        workbook.define_name("Total", "=other!$A$1")

    path = book(tmp_path / "a.xlsx", [("1", {14: 77})], extra=["note"], before=other)
    fill(path, out=tmp_path / "b.xlsx")
    part, change = TAMPERINGS[name]
    packages = [Package((tmp_path / one).read_bytes(), tmp_path / one) for one in ("a.xlsx", "b.xlsx")]
    assert verify(*packages).ok
    rewritten(tmp_path / "b.xlsx", {part: change}, tmp_path / "c.xlsx")
    packages[1] = Package((tmp_path / "c.xlsx").read_bytes(), tmp_path / "c.xlsx")
    assert [one.name for one in verify(*packages).violations] == [part]


@pytest.mark.parametrize("cell", [b'<c r="A3"><v>1</v></c>', b'<c r="M3"><v>1</v></c><c r="L3"/>'])
def test_cells_out_of_order_in_a_sheet_of_ours_are_told(tmp_path, cell):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    fill(path)
    part = sheet_part(path, RFM.sheet["zh"])
    rewritten(
        path,
        {part: lambda data: re.sub(rb"(<row r=\"3\".*?)</row>", lambda row: row[1] + cell + b"</row>", data, count=1)},
        tmp_path / "b.xlsx",
    )
    packages = [Package((tmp_path / one).read_bytes(), tmp_path / one) for one in ("a.xlsx", "b.xlsx")]
    (wrong,) = verify(*packages).violations
    assert (wrong.name, wrong.detail) == (part, "cells_disorder")


def test_blocks_keep_their_place_and_look(tmp_path):
    table = schema.table("board_segments")
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(table.sheet["zh"])
        row, col = table.anchor[1:], table.anchor[0]
        bold = workbook.add_format({"bold": True})
        for n, field in enumerate(table.fields):
            sheet.write(int(row) - 1, ord(col) - 65 + n, field.header["zh"])
            sheet.write(int(row), ord(col) - 65 + n, 9, bold)
            sheet.write(int(row) + table.rows, ord(col) - 65 + n, "below")
        sheet.write(int(row), 12, "beside")
    with FileBook(path) as target:
        target.write(table, frame(segment=["a", "b"], customers=[1.0, None]))
    sheet = openpyxl.load_workbook(path)[table.sheet["zh"]]
    top = int(row) + 1
    assert [sheet.cell(top, n).value for n in range(1, 6)] == ["a", 1, 9, 9, 9]
    assert [sheet.cell(top + 1, n).value for n in (1, 2)] == ["b", None]
    assert sheet.cell(top, 1).font.b
    assert sheet.cell(top, 13).value == "beside"
    assert sheet.cell(top + table.rows, 1).value == "below"


def test_a_workbook_of_openpyxl(tmp_path):
    path = tmp_path / "a.xlsx"
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = RFM_SHEET
    sheet.append(HEADERS)
    sheet.append(["1", *[None] * 4, "old"])
    sheet["Q2"] = '=IF(I2<5,"a & b","<")'
    workbook.create_sheet("x")["A1"] = "内容"
    workbook.save(path)
    fill(path, [1, 2])
    assert column(path, "客户类型") == ["kind 1", "kind 2"]
    assert values(path)[2, 17] == '=IF(I2<5,"a & b","<")'
    assert values(path, "x")[1, 1] == "内容"


@pytest.mark.parametrize("long", [False, True])
def test_formulas_that_miss_the_new_rows_are_told(tmp_path, monkeypatch, long):
    def readers(workbook):
        sheet = workbook.add_worksheet("other")
        texts = ["I2:I4", "I2:I9", "I:I", "I3", "A2:A4", "X2:X4", "I2:I3"]
        for n, text in enumerate(texts):
            sheet.write_formula(n, 0, f"=COUNTA({RFM_SHEET}!{text})", None, 1)
        sheet.write_formula("A9", "=COUNTA(RfmSegments[客户ID])", None, 3)

    def beside(workbook, sheet, headers):
        sheet.write_formula("Q9", "=SUM(I2:I4)", None, 1)

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {}), ("3", {})], before=readers, after=beside)
    if long:
        monkeypatch.setattr(longlist, "FROM", 1)
        monkeypatch.setattr(longlist, "_PIECE", 0)
    with FileBook(path) as target:
        target.write(RFM, rfm("12345"))
    found = {one.sheet: (one.cell, one.params["formulas"]) for one in target.findings if one.code == "formula_short"}
    assert found == {"other": ("A1", 2), RFM_SHEET: ("Q9", 1)}
    with FileBook(path) as target:
        target.write(RFM, rfm("1234"))
    assert not [one for one in target.findings if one.code == "formula_short"]


def test_formulas_in_the_rows_of_a_list_that_miss_the_new_ones_are_told(tmp_path):
    def beside(workbook, sheet, headers):
        sheet.write_formula("S3", "=SUM(I2:I4)", None, 1)

    rows = [
        (
            str(n),
            {NOTE: f"=RANK(I{n + 1},I$2:I$4)", NOTE + 1: f"=SUM(I$2:I{n + 1})", NOTE + 2: f"=AVERAGE(I{n}:I{n + 1})"},
        )
        for n in (1, 2, 3)
    ]
    path = book(tmp_path / "a.xlsx", rows, extra=["rank", "so far", "of two"], after=beside)
    with FileBook(path) as target:
        target.write(RFM, rfm("1234"))
    assert column(path, "rank")[-1] == "=RANK(I5,I$2:I$4)"  # the one in the old last row may be a sum so far
    found = [(one.code, one.cell, one.params) for one in target.findings]
    assert found == [("stale", "", {"formulas": 3}), ("formula_short", "O2", {"formulas": 4})]


def test_a_formula_alone_beside_the_last_row_is_no_sum_so_far(tmp_path):
    def beside(workbook, sheet, headers):
        sheet.write_formula("Q3", "=SUM(I2:I3)", None, 1)
        sheet.write_formula("S3", '="n = "&COUNTA(A2:A3)', None, "n = 2")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], after=beside)
    with FileBook(path) as target:
        target.write(RFM, rfm("123"))
    found = [(one.code, one.cell, one.params) for one in target.findings if one.code == "formula_short"]
    assert found == [("formula_short", "Q3", {"formulas": 2})]


def test_formulas_beside_a_list_miss_the_new_rows_by_a_name_too(tmp_path):
    def named(workbook):
        workbook.define_name("scores", f"={RFM_SHEET}!$I$2:$I$3")

    def beside(workbook, sheet, headers):
        sheet.write_formula("Q2", "=SUM(scores)", None, 1)

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], before=named, after=beside)
    with FileBook(path) as target:
        target.write(RFM, rfm("123"))
    assert [(one.code, one.cell) for one in target.findings] == [("stale", ""), ("formula_short", "Q2")]


def test_formulas_without_a_result_that_miss_the_new_rows_are_told(tmp_path):
    def readers(workbook):
        workbook.add_worksheet("other").write_formula("A1", f"=SUM({RFM_SHEET}!I2:I3)")
        workbook.add_worksheet("third").write_formula("A1", "=other!A1", None, 1)

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], before=readers)
    rewritten(path, {"xl/worksheets/sheet1.xml": lambda data: data.replace(b"<v>0</v>", b"")})
    with FileBook(path) as target:
        target.write(RFM, rfm("123"))
    found = [(one.code, one.sheet, one.cell) for one in target.findings]
    assert found == [("stale", "third", ""), ("formula_short", "other", "A1")]


def test_formulas_on_the_dashboard_that_miss_the_new_rows_are_told(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    with FileBook(path) as target:
        target.write(BOARDS[0], frame(name=["x"], value=[1.0]))
    board = sheet_part(path, BOARDS[0].sheet["zh"])
    formula = f'<row r="99"><c r="H99"><f>SUM({RFM_SHEET}!I2:I3)</f><v>1</v></c></row></sheetData>'.encode()
    rewritten(path, {board: lambda data: data.replace(b"</sheetData>", formula)})
    with FileBook(path) as target:
        target.write(RFM, rfm("123"))
        target.write(BOARDS[0], frame(name=["x"], value=[2.0]))
    assert [(one.code, one.cell) for one in target.findings] == [("stale", ""), ("formula_short", "H99")]


def test_notes_that_stay_where_a_customer_was_are_told(tmp_path):
    def notes(workbook, sheet, headers):
        sheet.write("Q4", "calls on Mondays")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {}), ("3", {})], after=notes)
    for ids, told in (("123", []), ("1234", []), ("12", ["Q4"]), ("23", ["Q4"])):
        out = tmp_path / "b.xlsx"
        with FileBook(path, out) as target:
            target.write(RFM, rfm(ids))
        assert [one.cell for one in target.findings if one.code == "left_beside"] == told, ids
        assert values(out)[4, 17] == "calls on Mondays"


@pytest.mark.parametrize("formula", ["=SUM(I:I)", "=I4*2"])
def test_formulas_beside_a_list_are_about_the_cells_they_read(tmp_path, formula):
    def beside(workbook, sheet, headers):
        sheet.write_formula("Q4", formula, None, 1)

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {}), ("3", {})], after=beside)
    with FileBook(path) as target:
        target.write(RFM, rfm("23"))
    assert "left_beside" not in [one.code for one in target.findings]


@pytest.mark.parametrize(
    ("formula", "told"),
    [("=COUNTIF(F:F,R3)", False), ("=COUNTIF(RfmSegments[客户类型],R3)", False), ("=RANK(I3,I:I)", True), ("", True)],
)
def test_a_summary_beside_a_list_is_about_no_customer(tmp_path, formula, told):
    def beside(workbook, sheet, headers):
        for row in (1, 2, 3):
            sheet.write(row, 17, f"kind {row}")
        if formula:
            sheet.write_formula("S3", formula, None, 1)

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {}), ("3", {})], after=beside)
    with FileBook(path) as target:
        target.write(RFM, rfm("23"))
    assert [one.cell for one in target.findings if one.code == "left_beside"] == (["R2"] if told else [])


def test_notes_beside_the_log_are_about_no_customer(tmp_path):
    path = tmp_path / "a.xlsx"
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet(CLEANING.sheet["zh"])
    sheet.write_row(0, 0, [field.header["zh"] for field in CLEANING.fields])
    for row in range(1, 4):
        sheet.write_row(row, 0, [f"old {row}"] * len(CLEANING.fields))
    sheet.write(3, len(CLEANING.fields) + 1, "legend")
    workbook.close()
    with FileBook(path) as target:
        target.write(CLEANING, frame(**{field.key: ["new"] for field in CLEANING.fields}))
    assert not target.findings


def test_formulas_that_read_rows_that_vanish_are_old_too(tmp_path):
    def readers(workbook):
        workbook.add_worksheet("other").write_formula("A1", f"=SUM({RFM_SHEET}!I3:I4)", None, 1)

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {}), ("3", {})], before=readers)
    with FileBook(path) as target:
        target.write(RFM, rfm(["1"]))
    assert [(one.sheet, one.params["formulas"]) for one in target.findings] == [("other", 1)]
    assert b'fullCalcOnLoad="1"' in parts(path)["xl/workbook.xml"]


def test_formulas_above_a_long_list_are_calculated(tmp_path):
    def above(workbook, sheet, headers):
        sheet.write_formula("P1", "=COUNTA(A2:A200)", None, 0)

    path = book(tmp_path / "a.xlsx", after=above)
    rewritten(path, {"xl/workbook.xml": lambda data: data.replace(b' fullCalcOnLoad="1"', b"")})
    fill(path, range(100))
    assert b'fullCalcOnLoad="1"' in parts(path)["xl/workbook.xml"]
