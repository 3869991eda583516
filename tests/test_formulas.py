"""Table 2 as formulas: LibreOffice computes every cell anew, and it is what Python wrote."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from test_outside import convert, needs_office

from segmenter import jobs, schema, settings
from segmenter.books import Formula
from segmenter.books.cells import encode
from segmenter.cli import main

SAMPLE = Path(__file__).parent.parent / "workbook" / "sample.xlsx"
ALLOWED = {
    *("IF", "ISNUMBER", "MAX", "INT", "INDEX", "MATCH", "DATE", "ROUND", "CHOOSE", "SUMPRODUCT", "VALUE", "TRIM"),
    *("MID", "LEFT", "SUBSTITUTE", "REPT"),
}
"""functions that Excel 2016, WPS and LibreOffice have"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("formulas") / "filled.xlsx"
    assert main(["fill", str(SAMPLE), "-o", str(path), "--formulas"]) == 0
    return path


@pytest.fixture(scope="module")
def fewer(small_sample, tmp_path_factory):
    path = tmp_path_factory.mktemp("formulas") / "fewer.xlsx"
    assert main(["fill", str(small_sample), "-o", str(path), "--formulas"]) == 0
    return path


def computed(path, folder, lang="zh", change=None):
    """The cells of table 2 as LibreOffice computes them: openpyxl leaves no result that it could show instead."""
    book = openpyxl.load_workbook(path)
    if change:
        sheet = book[schema.SETTINGS.sheet[lang]]
        for row in sheet.iter_rows(min_col=1, max_col=2):
            if row[0].value in change:
                row[1].value = change[row[0].value]
    bare = folder / "bare.xlsx"
    book.save(bare)
    sheets = book.sheetnames
    number = sheets.index(schema.RFM.sheet[lang]) + 1
    convert(bare, f"csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,{number}")
    with (folder / f"bare-{schema.RFM.sheet[lang]}.csv").open(encoding="utf-8", newline="") as file:
        return bare, [[number_of(cell) for cell in row] for row in csv.reader(file)][1:]


def number_of(cell):
    return round(float(cell), 6) if re.fullmatch(r"-?\d+(\.\d+)?", str(cell)) else cell or ""


def expected(result):
    frame = result.rfm.pandas.astype(object)
    frame = frame.where(frame.notna(), "")
    return [[number_of(cell) for cell in row] for row in frame.values.tolist()]


def test_formulas_carry_their_results_and_only_shared_functions(filled):
    formulas, values = (
        openpyxl.load_workbook(filled, data_only=flag)[schema.RFM.sheet["zh"]] for flag in (False, True)
    )
    texts = [cell.value for row in formulas.iter_rows(min_row=2) for cell in row if str(cell.value).startswith("=")]
    assert {cell.number_format for cell in formulas["E"] if str(cell.value).startswith("=")} == {"General"}
    assert len(texts) > 9000 and max(map(len, texts)) < 8192
    outside = {re.sub(r'"[^"]*"|\'[^\']*\'', "", text) for text in texts[:2000]}
    assert set(re.findall(r"([A-Z]+)\(", " ".join(outside))) <= ALLOWED
    result = jobs.check(SAMPLE)
    seen = [
        [number_of("" if cell is None else cell) for cell in row]
        for row in values.iter_rows(min_row=2, values_only=True)
    ]
    assert seen == expected(result)


@needs_office
def test_libreoffice_agrees_on_every_customer(filled, tmp_path):
    _, seen = computed(filled, tmp_path)
    assert seen == expected(jobs.check(SAMPLE))


@needs_office
def test_a_changed_threshold_recalculates_by_itself(fewer, tmp_path):
    change = {
        settings.name_of("recency_bins", "zh"): "10，45, 200",
        settings.name_of("monetary_bins", "zh"): "3000, 800, 100.5",
        settings.name_of("frequency_labels", "zh"): "中、中、高、低",
    }
    bare, seen = computed(fewer, tmp_path, change=change)
    result = jobs.check(bare)
    plain = {
        row[0]
        for row in openpyxl.load_workbook(fewer)[schema.RFM.sheet["zh"]].iter_rows(min_row=2, values_only=True)
        if not str(row[4]).startswith("=")
    }
    wanted = {row[0]: row for row in expected(result)}
    mine = {row[0]: row for row in seen if str(row[0]).removesuffix(".0") not in plain}
    assert len(mine) == len(seen) - len({str(one) for one in plain})
    assert all(wanted[key] == row for key, row in mine.items())
    assert mine != {row[0]: row for row in expected(jobs.check(fewer))}


@needs_office
def test_the_english_edition_agrees_too(tmp_path):
    orders = pd.DataFrame(
        {
            "CustomerID": [f"C{n % 60}" for n in range(400)],
            "InvoiceDate": pd.Timestamp("2026-01-01") + pd.to_timedelta([n * 7 % 180 for n in range(400)], unit="D"),
            "amount": [13.5 * (n % 90) + 1 for n in range(400)],
            "Invoice": range(400),
        }
    )
    orders.to_csv(tmp_path / "orders.csv", index=False)
    book = tmp_path / "book.xlsx"
    assert main(["import", str(tmp_path / "orders.csv"), "-o", str(book), "--lang", "en"]) == 0
    assert main(["fill", str(book), "--formulas"]) == 0
    _, seen = computed(book, tmp_path, "en")
    assert seen == expected(jobs.check(book)) and len(seen) == 60


def test_filling_again_with_formulas_gives_the_same_bytes(fewer, tmp_path):
    again = tmp_path / "again.xlsx"
    assert main(["fill", str(fewer), "-o", str(again), "--formulas"]) == 0
    once = again.read_bytes()
    assert main(["fill", str(again), "--formulas"]) == 0
    assert again.read_bytes() == once


def test_a_customer_who_departed_shifts_nobodys_formulas(fewer, tmp_path):
    """Table 2 keeps the row of somebody who is gone where people typed beside it; the others' results stay theirs."""
    path = tmp_path / "book.xlsx"
    book = openpyxl.load_workbook(fewer)
    table, customers = (book[one.sheet["zh"]] for one in (schema.RFM, schema.CUSTOMERS))
    beside = len(schema.RFM.shown) + 1
    table.cell(1, beside).value, table.cell(2, beside).value = "备注", "回访过"
    assert customers["A2"].value == table["A2"].value
    gone, customers["A2"].value = customers["A2"].value, "N1"
    book.save(path)
    assert main(["fill", str(path), "--formulas"]) == 0
    rows = openpyxl.load_workbook(path, data_only=True)[schema.RFM.sheet["zh"]].iter_rows(min_row=2, values_only=True)
    seen = [[number_of("" if cell is None else cell) for cell in row[: beside - 1]] for row in rows]
    wanted = expected(jobs.check(path))
    assert sorted(map(str, seen)) == sorted(map(str, wanted))
    assert [row[0] for row in seen].count(number_of(gone)) == 1


def test_a_formula_cell_holds_formula_and_result():
    assert encode(Formula('A{row}&"<"', "a<"), "B7", 0) == b'<c r="B7" t="str"><f>A7&amp;"&lt;"</f><v>a&lt;</v></c>'
    assert encode(Formula("1+1", 2.0), "AB12", 3) == b'<c r="AB12" s="3"><f>1+1</f><v>2</v></c>'
