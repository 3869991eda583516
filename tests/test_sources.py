"""Order files however they were saved; what is none is refused in one sentence."""

from __future__ import annotations

import gzip
import sys
import zipfile
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest
import python_calamine
from bookshop import rewritten
from python_calamine import CalamineWorkbook

from segmenter import schema, sources
from segmenter.errors import Refused
from segmenter.reading import intake

HEAD = "订单号,客户ID,下单日期,金额(元)"
BODY = ["a,00123,2026-01-02,10.5", 'b,17850.0,2026-01-03,"1,200"']
TEXT = "\n".join([HEAD, *BODY])


def frame(path: Path, **names: str) -> pd.DataFrame:
    return intake.take(sources.read_orders(path, names), schema.ORDERS).frame.pandas


def file(tmp_path: Path, content: str | bytes, name: str = "orders.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def expected(found: pd.DataFrame) -> None:
    assert found["customer_id"].tolist() == ["00123", "17850"]
    assert found["amount"].tolist() == [10.5, 1200.0]
    assert found["ordered_on"].dt.date.tolist() == [date(2026, 1, 2), date(2026, 1, 3)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings(tmp_path: Path, encoding: str, end: str) -> None:
    expected(frame(file(tmp_path, TEXT.replace("\n", end), encoding=encoding)))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_separators(tmp_path: Path, separator: str) -> None:
    text = "\n".join(
        [
            HEAD.replace(",", separator),
            BODY[0].replace(",", separator),
            f'b{separator}17850.0{separator}2026-01-03{separator}"1,200"',
        ]
    )
    expected(frame(file(tmp_path, text)))


def test_compressed_titled_and_under_any_name(tmp_path: Path) -> None:
    expected(frame(file(tmp_path, gzip.compress(TEXT.encode(), mtime=0), "orders.csv.gz")))
    expected(frame(file(tmp_path, gzip.compress(TEXT.encode(), mtime=0), "orders.dat")))
    expected(frame(file(tmp_path, f"订单导出\n\n{TEXT}\n\n", "orders.txt")))


def test_rows_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    grid = sources.read_orders(file(tmp_path, f"订单导出\n\n{TEXT}\nc,,x,1"), {})
    taken = intake.take(grid, schema.ORDERS)
    assert taken.frame.index.tolist() == [4, 5]
    assert {one.cell for one in taken.findings if one.code == "not_a_date"} == {"C6"}
    assert grid.sheet == "orders.csv"


def test_a_header_twice_is_seen(tmp_path: Path) -> None:  # A7
    with pytest.raises(Refused) as refused:
        frame(file(tmp_path, f"{HEAD},金额(元)\n{BODY[0]},7"))
    assert refused.value.key == "header_twice"


def test_words_for_nothing_are_words(tmp_path: Path) -> None:  # B9
    found = frame(file(tmp_path, "客户ID,下单日期,金额,品类\nNA,2026-01-02,1,null\nnan,2026-01-02,1,\n"))
    assert found["customer_id"].tolist() == ["NA", "nan"]
    assert found["category"].tolist() == ["null", ""]


def test_columns_the_user_named(tmp_path: Path) -> None:
    path = file(tmp_path, "单据,买家,日子,金额,应收\na,00123,2026-01-02,0,10.5\nb,17850.0,2026-01-03,0,1200\n")
    expected(frame(path, order_id="单据", customer_id="买家", ordered_on="日子", amount="应收"))
    with pytest.raises(Refused) as refused:
        frame(path, customer_id="谁")
    assert refused.value.key == "no_column"
    assert "买家" in refused.value.message("zh")


def test_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["别的"])
    sheet = book.create_sheet("订单")
    for row in (
        ["导出"],
        [],
        HEAD.split(","),
        ["a", "00123", datetime(2026, 1, 2), 10.5],
        ["b", 17850, datetime(2026, 1, 3, 9), "1,200"],
    ):
        sheet.append(row)
    book.save(path)
    expected(frame(path))
    path.rename(tmp_path / "orders.csv")
    expected(frame(tmp_path / "orders.csv"))
    for row in sheet.iter_rows(min_row=3, max_row=3):
        for cell in row:
            cell.value = f"X{cell.column}"
    book.save(path)
    expected(frame(path, order_id="X1", customer_id="X2", ordered_on="X3", amount="X4"))
    with pytest.raises(Refused) as refused:
        frame(path)
    assert refused.value.key == "orders_headers"


TEXTS = "".join(f'<c t="inlineStr"><is><t>{one}</t></is></c>' for one in HEAD.split(","))
DAMAGED = {
    "a cell of no kind": ("<row r='2'><c r='B2' t='N'><v>1</v></c></row>", "", "cell_damaged", "B2"),
    "a text that is none": ("<row r='2'><c r='B2' t='s'><v>-1</v></c></row>", "", "cell_damaged", "B2"),
    "a row of no number": ("<row r='x'><c><v>1</v></c></row>", "", "rows_disorder", "x"),
    "a cell far away": ("<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>", "", "sheet_spread", "XFD1048576"),
    "merged cells that are none": ("", "<mergeCells><mergeCell ref='x'/></mergeCells>", "range_damaged", "x"),
}


def orders(path: Path, rows: str, behind: str = "") -> Path:
    """A workbook of orders, its header and some rows as they are written."""
    book = openpyxl.Workbook()
    book.active.title = "订单"
    book.save(path)
    body = f"<sheetData><row r='1'>{TEXTS}</row>{rows}</sheetData>{behind}".encode()
    return rewritten(path, {"xl/worksheets/sheet1.xml": lambda data: data.replace(b"<sheetData></sheetData>", body)})


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_a_damaged_workbook_is_refused_by_its_cell(tmp_path: Path, name: str, ending: str) -> None:
    rows, behind, key, place = DAMAGED[name]
    path = orders(tmp_path / "a.xlsx", rows, behind).rename(tmp_path / f"orders.{ending}")
    with pytest.raises(Refused) as refused:
        sources.read_orders(path, {})
    assert refused.value.key == key
    for lang in ("zh", "en"):
        assert "订单" in refused.value.message(lang)
        assert place in refused.value.message(lang)


def test_a_spreadsheet_of_another_kind_is_read_all_the_same(tmp_path: Path) -> None:
    rows = (HEAD.split(","), ["a", "00123", "2026-01-02", "10.5"], ["b", "17850", "2026-01-03", "1200"])
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    table = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows)
    space = "urn:oasis:names:tc:opendocument:xmlns"
    names = " ".join(f'xmlns:{one}="{space}:{one}:1.0"' for one in ("office", "table", "text"))
    for tag, more in (("table:table", ' table:name="a"'), ("office:spreadsheet", ""), ("office:body", "")):
        table = f"<{tag}{more}>{table}</{tag}>"
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f"<office:document-content {names}>{table}</office:document-content>")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{space}:manifest:1.0"/>')
    expected(frame(path))


def claim(count: int) -> bytes:
    """A part of shared strings that are said to be so many."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<sst xmlns="{space}" uniqueCount="{count}"><si><t>a</t></si></sst>'.encode()


@pytest.mark.parametrize("count", [1 << 40, (1 << 64) - 1])
def test_texts_that_would_fill_the_memory_are_refused(tmp_path: Path, count: int) -> None:
    path = orders(tmp_path / "a.xlsx", "")
    rewritten(path, {"xl/sharedStrings.xml": claim(count)})
    with pytest.raises(Refused) as refused:
        sources.read_orders(path, {})
    assert refused.value.key == "xml_damaged"


def test_calamine_breaks_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does so by what is no Exception."""
    broken = rewritten(orders(tmp_path / "b.xlsx", ""), {"xl/sharedStrings.xml": claim((1 << 64) - 1)})
    with pytest.raises(BaseException, match="capacity") as found:
        CalamineWorkbook.from_path(broken)
    assert not isinstance(found.value, Exception)
    path = file(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "a.xls")
    monkeypatch.setattr(python_calamine, "CalamineWorkbook", SimpleNamespace(from_path=partial(_instead, broken)))
    with pytest.raises(Refused) as refused:
        sources.read_orders(path, {})
    assert refused.value.key == "orders_file"


def _instead(broken: Path, path: Path) -> CalamineWorkbook:
    return CalamineWorkbook.from_path(broken)


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    days = pd.to_datetime(["2026-01-02 23:30", "2026-01-03 00:00"])
    table = {"订单号": ["a", "b"], "客户ID": ["00123", "17850"], "下单日期": days, "金额(元)": [10.5, 1200]}
    pd.DataFrame(table).to_parquet(path)
    expected(frame(path))
    pd.DataFrame({**table, "下单日期": days.tz_localize("Asia/Shanghai")}).to_parquet(path)
    expected(frame(path))
    pd.DataFrame({**table, "金额(元)": [Decimal("10.5"), Decimal("1200")]}).to_parquet(path)
    expected(frame(path))
    pd.DataFrame({**table, "客户ID": [110101199003077771, 17850]}).to_parquet(path)
    assert frame(path)["customer_id"].tolist() == ["110101199003077771", "17850"]


def test_parquet_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "orders.parquet"
    pd.DataFrame({"客户ID": ["1"]}).to_parquet(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    monkeypatch.setattr(pd, "read_parquet", _without_engine)
    with pytest.raises(Refused) as refused:
        sources.read_orders(path, {})
    assert refused.value.key == "need_extra"


def _without_engine(path: Path) -> pd.DataFrame:
    raise ImportError(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"  \n \n"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))),
        ("a.csv", b"\xff\xff\xff\x80\x80"),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00garbage and nothing else at all"),
        ("a.csv.gz", gzip.compress(TEXT.encode(), mtime=0)[:-12]),
        ("a.xlsx", b"PK\x03\x04 no workbook"),
        ("a.csv", b"PK\x03\x04 no workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no workbook"),
        ("a.parquet", b"PAR1 no parquet"),
        ("a.csv", (TEXT + "\n" + "x,1,2026-01-01,5\n" * 60 + "a,b,c,d,e,f,g").encode()),
    ],
)
def test_what_is_no_order_file_is_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    path = file(tmp_path, content, name)
    with pytest.raises(Refused) as refused:
        sources.read_orders(path, {})
    for lang in ("zh", "en"):
        said = refused.value.message(lang)
        assert str(path) in said and "\n" not in said


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(Refused) as refused:
            sources.read_orders(path, {})
        assert refused.value.key == "no_file"
