"""Results of formulas after a fill: right where a plain sum is asked for, counted or taken out where not."""

import math
import re
import shutil
import subprocess
from functools import partial

import openpyxl
import pytest
import xlsxwriter
from bookshop import HEADERS, RFM_SHEET, book, frame, parts, repairs, rewritten, rfm, sheet_part
from fills import BOARD, add_totals, fill, first, full, refuses, violations

from segmenter.books import leaving, longlist, results
from segmenter.books.file import FileBook
from segmenter.books.package import Package
from segmenter.books.proof import Asked, verify
from segmenter.books.sheetxml import Sheet
from segmenter.schema import RFM, STRATEGY

ROWS = [(one, {8: float(one)}) for one in "123"]
"""their monetary value is 1, 2, 3"""


def written(formulas):
    """What writes formulas by address into a sheet: (formula, result)."""

    def after(workbook, sheet, headers):
        for where, (formula, result) in formulas.items():
            sheet.write_formula(where, formula, None, result)

    return after


def held(path, sheet=RFM_SHEET):
    """The results by address of the formula cells of a sheet; None where there is none."""
    typed, shown = (openpyxl.load_workbook(path, data_only=one)[sheet] for one in (False, True))
    cells = (cell for row in typed.iter_rows() for cell in row)
    return {cell.coordinate: shown[cell.coordinate].value for cell in cells if cell.data_type == "f"}


def filled(path, data, out, **options):
    """The findings about formulas of a fill; the proof and `verify` agree with it, and a second one changes nothing."""
    target = FileBook(path, out, **options)
    with target:
        target.write(RFM, data)
    assert violations(path, out) == [] or options
    assert not repairs(out)
    again = out.read_bytes()
    fill(out, data)
    assert out.read_bytes() == again
    return [(one.code, one.sheet, one.params["formulas"]) for one in target.findings if one.code.startswith("stale")]


@pytest.mark.parametrize("rising", [True, False], ids=["more", "fewer"])
def test_sums_below_have_the_result_they_come_to(tmp_path, rising):
    sums = {
        "H5": ("=COUNTA(A2:A4)", 3),
        "I5": ("=SUM(I2:I4)", 6),
        "J5": ("=AVERAGE(I2:I4)", 2),
        "K6": ("=SUM(H5:J5)", 11),
    }
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written(sums))
    ids = "12345" if rising else "12"
    monetary = [10.0 * n for n in range(1, len(ids) + 1)]
    assert filled(path, full(ids, monetary=monetary), out := tmp_path / "b.xlsx") == []
    row, total = (7, 150.0) if rising else (4, 30.0)
    mean = total / len(ids)
    assert held(out) == {
        f"H{row}": len(ids),
        f"I{row}": total,
        f"J{row}": mean,
        "K8" if rising else "K6": len(ids) + total + mean,
    }


def test_a_sum_in_a_row_of_its_own_among_the_others_has_the_result_it_comes_to(tmp_path):
    rows = [*ROWS[:2], ("小计", {5: None}), ROWS[2]]
    path = book(tmp_path / "a.xlsx", rows, table=False, after=written({"I4": ("=SUM(I2:I3)", 3), "J4": ("=I4+1", 4)}))
    found = filled(path, full("123", monetary=[10.0, 20.0, 30.0]), out := tmp_path / "b.xlsx")
    assert held(out) == {"I4": 30.0, "J4": 4} and found == [("stale", RFM_SHEET, 1)]


def test_the_row_of_totals_of_an_excel_table_has_the_results_it_comes_to(tmp_path):
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=lambda _, sheet, headers: add_totals(sheet, headers, 4))
    assert filled(path, full("1234", monetary=[1.0, 2.0, 3.0, 4.5]), out := tmp_path / "b.xlsx") == []
    assert held(out) == {"I6": 10.5}


def test_sums_without_a_result_get_one(tmp_path):
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written({"I5": ("=SUM(I2:I4)", 6)}))
    rewritten(path, {"xl/worksheets/sheet1.xml": lambda data: data.replace(b"<v>6</v>", b"")})
    assert held(path) == {"I5": None}
    filled(path, full("123", monetary=[1.0, 2.0, 4.0]), out := tmp_path / "b.xlsx")
    assert held(out) == {"I5": 7.0}


def test_what_is_no_plain_sum_keeps_its_old_result_and_is_counted(tmp_path):
    others = {
        "I5": ("=SUM(I2:I4)*2", 12),
        "I6": ("=SUM(I2:I4)", 6),
        "Q1": ('="共"&COUNTA(A2:A99)&"人"', "共3人"),
        "Q2": ('=Q1&"!"', "共3人!"),
        "Q3": ("=1+1", 2),
        "Q4": ("=SUM(P1:P9)", 0),
    }
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written(others))
    found = filled(path, full("1234", monetary=[1.0, 2.0, 3.0, 4.0]), out := tmp_path / "b.xlsx")
    assert found == [("stale", RFM_SHEET, 3)]
    assert held(out) == {"I6": 12, "I7": 10.0, "Q1": "共3人", "Q2": "共3人!", "Q3": 2, "Q4": 0}
    found = filled(path, full("1234", monetary=[1.0, 2.0, 3.0, 4.0]), out := tmp_path / "c.xlsx", drop_stale=True)
    assert found == [("stale_dropped", RFM_SHEET, 3)]
    assert held(out) == {"I6": None, "I7": 10.0, "Q1": None, "Q2": None, "Q3": 2, "Q4": 0}
    before, after = (Package(one.read_bytes(), one) for one in (path, out))
    assert not verify(before, after).ok
    assert verify(before, after, asked=Asked(drop_stale=True)).ok


def test_results_of_rows_are_old_only_where_their_customer_is_another(tmp_path):
    """Rows that move take along what their formulas read."""
    twice = written({f"O{n}": (f"=I{n}*2", 8) for n in range(2, 6)})
    path = book(tmp_path / "a.xlsx", [(one, {8: float(one)}) for one in "1234"], extra=["twice"], after=twice)
    changed = rfm("124", monetary=[1.0, 2.5, 4.0])
    for drop in (False, True):
        out = tmp_path / f"{drop}.xlsx"
        assert filled(path, changed, out, drop_stale=drop) == [("stale_dropped" if drop else "stale", RFM_SHEET, 1)]
        assert held(out) == {"O2": 8, "O3": None if drop else 8, "O4": 8}


def test_results_above_a_long_list_are_counted_and_taken_out(tmp_path, monkeypatch):
    """The rows of one are made when they are written, and nothing of them is at hand to add up."""
    monkeypatch.setattr(longlist, "FROM", 1)
    path = tmp_path / "a.xlsx"
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet(RFM_SHEET)
    sheet.write_formula("I1", "=SUM(I5:I9)", None, 6)
    sheet.write_row("A3", HEADERS)
    workbook.close()
    for drop in (False, True):
        out = tmp_path / f"{drop}.xlsx"
        found = filled(path, full(range(longlist.FROM + 20)), out, drop_stale=drop)
        assert found == [("stale_dropped" if drop else "stale", RFM_SHEET, 1)]
        assert held(out) == {"I1": None if drop else 6}


def test_a_dashboard_is_a_sheet_of_ours_too(tmp_path):
    path, board = book(tmp_path / "a.xlsx", [("1", {})]), BOARD.sheet["zh"]
    fill(path, frame(segment=["a", "b"], customers=[1.0, 2.0]), table=BOARD)
    typed = (
        b'<row r="99"><c r="B99"><f>SUM(B19:B26)</f><v>3</v></c><c r="C99"><f>B99*2</f><v>6</v></c></row></sheetData>'
    )
    rewritten(path, {sheet_part(path, board): lambda data: data.replace(b"</sheetData>", typed)})
    with FileBook(path) as target:
        target.write(BOARD, frame(segment=["a", "b"], customers=[1.0, 5.0]))
    assert held(path, board) == {"B99": 6.0, "C99": 6}
    assert [(one.code, one.sheet, one.params) for one in target.findings] == [("stale", board, {"formulas": 1})]


def test_what_people_typed_into_a_list_keeps_its_result(tmp_path):
    """The next run reads it."""
    path, headers = tmp_path / "a.xlsx", [field.header["zh"] for field in STRATEGY.fields]
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet(STRATEGY.sheet["zh"])
    sheet.write_row(0, 0, headers)
    sheet.write_row(1, 0, ["a"])
    sheet.write("K2", 4)
    sheet.write_formula("H2", '=K2&"/9"', None, "4/9")
    sheet.write_formula("X2", "=K2*2", None, 8)
    workbook.close()
    fill(path, frame(segment=["a"], customers=[5.0]), out := tmp_path / "b.xlsx", STRATEGY, drop_stale=True)
    assert held(out, STRATEGY.sheet["zh"]) == {"H2": "4/9", "X2": None}


def test_what_stays_in_a_column_of_ours_is_somebody_elses(tmp_path):
    """People type how many customers a group of their own has."""
    path, headers = tmp_path / "a.xlsx", [field.header["zh"] for field in STRATEGY.fields]
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet(STRATEGY.sheet["zh"])
    sheet.write_row(0, 0, headers)
    sheet.write_column("A2", ["a", "b", "mine"])
    sheet.write_column("K2", [4, 5])
    sheet.write_formula("K4", "=SUM(K2:K3)", None, 9)
    workbook.close()
    brought = leaving(frame(segment=["a", "b", "mine"], customers=[5.0, 6.0, None]), [(2, "customers")])
    fill(path, brought, out := tmp_path / "b.xlsx", STRATEGY)
    assert held(out, STRATEGY.sheet["zh"]) == {"K4": 11.0}


SPOILT = {
    "another sum": ("with_result", lambda real, sheet, value, raw: real(sheet, value + 1, raw)),
    "no sum": ("with_result", lambda real, sheet, value, raw: results.without_result(raw)),
    "the old sum": ("with_result", lambda real, sheet, value, raw: raw),
    "a sum of something else": (
        "with_result",
        lambda real, sheet, value, raw: real(sheet, value, raw).replace(b"SUM", b"MAX"),
    ),
    "another number made": ("rewritten", lambda real, sheet, make: real(sheet, make).replace(b"<v>2</v>", b"<v>3</v>")),
}


@pytest.mark.parametrize("name", SPOILT)
def test_wrong_results_on_our_sheets_are_found(tmp_path, monkeypatch, name):
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written({"I6": ("=SUM(I2:I4)", 6), "Q1": ("=1+1", 2)}))
    what, spoil = SPOILT[name]
    monkeypatch.setattr(results, what, partial(spoil, getattr(results, what)))
    refuses(path, full("123", monetary=[1.0, 2.0, 4.0]))


def test_verify_finds_a_result_that_is_not_what_a_sum_comes_to(tmp_path):
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written({"I6": ("=SUM(I2:I4)", 6), "Q1": ("=1+1", 2)}))
    fill(path, full("1234", monetary=[1.0, 2.0, 4.0, 1.0]), out := tmp_path / "b.xlsx")
    assert violations(path, out) == []
    part = "xl/worksheets/sheet1.xml"
    for formula, right, wrong in ((b"I2:I5)", b"8", b"9"), (b"1\\+1", b"2", b"3"), (b"I2:I5)", b"8", b"")):
        spoil = first(rb"(%s</f>)<v>%s</v>" % (formula.replace(b")", b"\\)"), right), rb"\1<v>%s</v>" % wrong)
        spoilt = rewritten(out, {part: spoil}, tmp_path / "c.xlsx")
        assert violations(path, spoilt) == [part]


def test_hidden_rows_errors_and_cells_without_a_result_leave_a_sum_old(tmp_path):
    def after(workbook, sheet, headers):
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.write_formula("I5", "=SUBTOTAL(109,I2:I4)", None, 6)
        sheet.write_formula("J5", "=SUM(I2:O4)", None, 6)
        sheet.write_formula("K5", "=SUM(I3:O4)", None, 5)
        sheet.write_formula("O2", "=1/0", None, "#DIV/0!")
        sheet.write("O3", True)

    path = book(tmp_path / "a.xlsx", ROWS, extra=["mine"], table=False, after=after)
    filled(path, full("123", monetary=[1.0, 2.0, 4.0]), out := tmp_path / "b.xlsx")
    assert held(out) == {"I5": 6, "J5": 6, "K5": 6.0, "O2": "#DIV/0!"}


@pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice (soffice) on the PATH")
def test_plain_sums_come_to_what_libreoffice_says(tmp_path):
    """Texts, also such that look like numbers, nothing, and formulas among what is added up. (Of truths it says
    otherwise than Excel, which leaves them out.)"""
    functions = ["SUM(%s)", "AVERAGE(%s)", "COUNT(%s)", "COUNTA(%s)", "MAX(%s)", "MIN(%s)"]
    functions += [f"SUBTOTAL({n},%s)" for n in (1, 2, 3, 4, 5, 9, 101, 102, 103, 104, 105, 109)]
    ranges = ["B2:B9", "C2:C9", "$B$2:D9", "D:D", "E2:E9", "F1", "B2:XFD3"]
    path = tmp_path / "a.xlsx"
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet("sums")
    for n, value in enumerate((1, 2.5, "x", "7", None, 0.1, -3)):
        sheet.write(1 + n, 1, value)
        sheet.write(1 + n, 2, n / 7)
        sheet.write_formula(1 + n, 3, f"=B{n + 2}", None, value if isinstance(value, float | int | str) else 0)
    sheet.write("F1", "text")
    asked = [one % where for where in ranges for one in functions]
    for n, text in enumerate(asked):
        sheet.write_formula(20 + n, 0, f"={text}", None, 0)
    workbook.close()
    rewritten(path, {"xl/worksheets/sheet1.xml": lambda data: re.sub(rb"</f><v>[^<]*</v>", b"</f>", data)})
    profile = f"-env:UserInstallation={(tmp_path / 'office').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir"]
    subprocess.run([*command, str(tmp_path / "out"), str(path)], check=True, capture_output=True, timeout=180)
    shown = held(tmp_path / "out" / "a.xlsx", "sums")
    part = "xl/worksheets/sheet1.xml"
    saved = Sheet(parts(tmp_path / "out" / "a.xlsx")[part], part, "sums", ())
    for n in range(len(asked)):
        told, value = shown[f"A{21 + n}"], results.result(saved, results.plain(saved, saved.rows[20 + n].cells[0], ()))
        assert told == "#DIV/0!" if value is None else math.isclose(value, told, rel_tol=1e-12), asked[n]
