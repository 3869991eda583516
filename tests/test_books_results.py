"""Results of formulas after a fill: right where a plain sum is asked for, counted or taken out where not."""

import itertools
import math
import re
import shutil
import subprocess
from functools import partial

import openpyxl
import pytest
import xlsxwriter
from bookshop import HEADERS, RFM_SHEET, book, frame, parts, repairs, rewritten, rfm, sheet_part
from fills import BOARD, NOTE, add_totals, fill, first, full, refuses, violations

from segmenter.books import leaving, longlist, region, results, sums
from segmenter.books.file import FileBook
from segmenter.books.index import Index
from segmenter.books.package import Draft, Package
from segmenter.books.proof import Asked, verify
from segmenter.books.sheetxml import Sheet
from segmenter.errors import Refused
from segmenter.schema import RFM, STRATEGY

ROWS = [(one, {8: float(one)}) for one in "123"]
"""their monetary value is 1, 2, 3"""
PART = "xl/worksheets/sheet1.xml"


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


def wrong(path):
    """The plain sums of table 2 that were saved with another result than they come to, no other formula believed."""
    index = Index(Draft(Package(path.read_bytes(), path)))
    entry = next(one for one in index.sheets if one.name == RFM_SHEET)
    sheet = Sheet(index.package.read(entry.part), entry.part, entry.name, index.strings)
    saved = [cell for cell in sheet.formulas() if sums.has_result(cell)]
    known = results.renewed(sheet, saved, region.listed(index, entry.part))
    return {cell.where for cell, value in known.items() if not sums.holds(sheet, cell, value)}


def filled(path, data, out, **options):
    """The findings about formulas of a fill; the proof and `verify` agree with it, no plain sum is wrong where none was
    but above a long list, and a second one changes nothing."""
    target = FileBook(path, out, **options)
    with target:
        target.write(RFM, data)
    assert violations(path, out) == [] or options
    assert not repairs(out)
    assert wrong(path) or len(data) >= longlist.FROM or not wrong(out)
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


ANOTHER = "另一张表"
"""a sheet that is not ours"""


@pytest.mark.parametrize("name", ["YTD2024", "t0"])
def test_a_name_that_looks_like_a_cell_is_none(tmp_path, name):
    def after(workbook, sheet, headers):
        workbook.define_name("SOMENAME", f"='{RFM_SHEET}'!$I$2:$I$4")  # XlsxWriter believes it is a cell
        sheet.write_formula("Q1", "=SUM(SOMENAME)", None, 6)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    named = {part: lambda data: data.replace(b"SOMENAME", name.encode()) for part in ("xl/workbook.xml", PART)}
    rewritten(path, named)
    found = filled(path, full("123", monetary=[1.0, 2.0, 4.0]), out := tmp_path / "b.xlsx")
    assert found == [("stale", RFM_SHEET, 1)] and held(out) == {"Q1": 6}


@pytest.mark.parametrize("typed", [b"1e308", b"1e999", b"NaN"])
def test_numbers_too_large_to_add_up_leave_a_sum_old(tmp_path, typed):
    def after(workbook, sheet, headers):
        sheet.write_formula("Q1", "=SUM(I2:T4)", None, 6)
        sheet.write_column("T2", [987654, 987654])

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    rewritten(path, {PART: lambda data: data.replace(b"987654", typed)})
    with FileBook(path, out := tmp_path / "b.xlsx") as target:
        target.write(RFM, full("123", monetary=[1.0, 2.0, 4.0]))
    assert ("stale", {"formulas": 1}) in [(one.code, one.params) for one in target.findings]
    assert b"<f>SUM(I2:T4)</f><v>6</v>" in parts(out)[PART]


def test_results_beside_a_list_are_old_where_its_rows_moved(tmp_path):
    """They stay where they are, and the row they read is another customer's."""
    beside = {f"{c}{n}": (f % n, r * n) for n in range(2, 6) for c, f, r in (("Q", "=H%d*2", 2), ("R", "=SUM(H%d)", 1))}
    path = book(tmp_path / "a.xlsx", [(n, {7: float(n)}) for n in range(2, 6)], table=False, after=written(beside))
    before = filled(path, rfm("2345", frequency=[2.0, 3.0, 4.0, 5.0]), tmp_path / "b.xlsx")
    found = filled(tmp_path / "b.xlsx", rfm("235", frequency=[2.0, 3.0, 5.0]), out := tmp_path / "c.xlsx")
    assert (before, found) == ([], [("stale", RFM_SHEET, 3)])  # that of the row above is counted too
    assert held(out) == {"Q2": 4, "Q3": 6, "Q4": 8, "Q5": 10, "R2": 2, "R3": 3, "R4": 5, "R5": 0}


def test_a_row_that_moves_reads_another_one_of_another_sheet(tmp_path):
    def after(workbook, sheet, headers):
        for n in (2, 3, 4):
            sheet.write_formula(f"O{n}", f"={ANOTHER}!B{n}", None, n)
            sheet.write_formula(f"P{n}", f"={ANOTHER}!$B$2*I{n}", None, 2 * n - 2)
        workbook.add_worksheet(ANOTHER).write_column("B2", [2, 3, 4])

    path = book(tmp_path / "a.xlsx", ROWS, extra=["mine", "of all"], table=False, after=after)
    data = full("23", monetary=[2.0, 3.0])
    assert filled(path, data, out := tmp_path / "b.xlsx") == [("stale", RFM_SHEET, 2)]
    assert held(out) == {"O2": 3, "O3": 4, "P2": 4, "P3": 6}


@pytest.mark.parametrize("formula", ["=ROW()-1", "=ROW(A{row})-1"])
def test_the_number_of_a_row_is_old_only_where_it_moved(tmp_path, formula):
    numbers = {f"O{row}": (formula.format(row=row), row - 1) for row in (2, 3, 4)}
    path = book(tmp_path / "a.xlsx", ROWS, extra=["no."], table=False, after=written(numbers))
    assert filled(path, full("123"), tmp_path / "b.xlsx") == []
    assert filled(path, full("13"), tmp_path / "c.xlsx") == [("stale", RFM_SHEET, 1)]
    assert [*held(tmp_path / "c.xlsx").values()] == [1, 3]


def test_the_number_of_a_row_below_a_list_is_old_where_the_list_grew(tmp_path):
    below = {
        "B6": ("=ROW()", 6),
        "B7": ("=ROW(I8)", 8),
        "B8": ("=8&A8", 8),
        "B9": ('=CELL("address",I8)', 8),
        "B10": ("=where", 6),
        "Q1": ("=ROW()", 1),
    }

    def after(workbook, sheet, headers):
        workbook.define_name("where", "=ROW()")
        written(below)(workbook, sheet, headers)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    assert filled(path, full("123"), tmp_path / "b.xlsx") == []
    assert filled(path, full("12345678"), out := tmp_path / "c.xlsx") == [("stale", RFM_SHEET, 4)]
    assert {*held(out)} == {"B11", "B12", "B13", "B14", "B15", "Q1"}


@pytest.mark.parametrize(
    ("formula", "is_old"),
    [
        ("=SUM({0}!H2:INDEX({0}!J2:J4,2))", True),
        ("=SUM(INDEX({0}!H2:H4,1):{0}!J4)", True),
        ("=SUM(spread)", True),
        ("=SUM({0}!H2:H3,INDEX({0}!J2:J4,2))", False),
        ("=SUM({0}!H2:H3)+INDEX({0}!J2:J4,2)", False),
    ],
)
def test_what_lies_between_an_end_that_is_worked_out_and_the_other_is_read(tmp_path, formula, is_old):
    def after(workbook, sheet, headers):
        workbook.define_name("spread", f"={RFM_SHEET}!$H$2:INDEX({RFM_SHEET}!$J$2:$J$4,2)")
        workbook.add_worksheet(ANOTHER).write_formula("A1", formula.format(RFM_SHEET), None, 7)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    fill(path, rfm("123", monetary=[1.0, 2.0, 3.0]))
    found = filled(path, rfm("123", monetary=[1.0, 5.0, 3.0]), tmp_path / "b.xlsx")
    assert found == ([("stale", ANOTHER, 1)] if is_old else [])


def what_if(workbook, sheet, headers):
    """A table of what S1 comes to with other values in R1, on a sheet of its own, and what reads it."""
    other = workbook.add_worksheet(ANOTHER)
    other.write_formula("B1", f"=A9+{RFM_SHEET}!I2", None, 1)
    other.write_column("A2", [1, 2, 3])
    other.write_formula("B2", "=1+1", None, 2)
    other.write_column("B3", [3, 4])
    other.write_formula("D1", "=SUM(B3:B4)", None, 7)


WHAT_IF = b'<f t="dataTable" ref="B2:B4" dt2D="0" dtr="0" r1="A9"/>'


def test_a_what_if_table_is_old_with_what_it_reads(tmp_path):
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=what_if)
    rewritten(path, {sheet_part(path, ANOTHER): first(b"<f>1\\+1</f>", WHAT_IF)})
    assert filled(path, full("123", monetary=[1.0, 9.0, 9.0]), tmp_path / "b.xlsx") == []
    found = filled(path, full("123", monetary=[2.0, 2.0, 3.0]), tmp_path / "c.xlsx")
    assert found == [("stale", ANOTHER, 3)]


def test_a_what_if_table_beside_a_list_that_puts_values_into_cells_below_it_is_named(tmp_path):
    """Which would move from under it."""

    def after(workbook, sheet, headers):
        sheet.write("A9", "typed")
        sheet.write_formula("Q2", "=A9", None, 1)
        sheet.write_formula("Q3", "=1+1", None, 2)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    table = b'<f t="dataTable" ref="Q3:Q4" dt2D="0" dtr="0" r1="A9"/>'
    rewritten(path, {sheet_part(path, RFM_SHEET): first(b"<f>1\\+1</f>", table)})
    with pytest.raises(Refused) as refused:
        fill(path, full("123456789"))
    assert refused.value.key == "below_read"


def test_an_excel_table_may_be_read_by_its_name_alone(tmp_path):
    sums = {"Q1": ("=ROWS(RfmSegments)", 3), "R1": ("=ROWS(RfmSegments[])", 3), "S1": ("=ROWS(RfmSegment)", 3)}
    path = book(tmp_path / "a.xlsx", ROWS, after=written(sums))
    assert filled(path, full("12"), tmp_path / "b.xlsx") == [("stale", RFM_SHEET, 2)]


def test_what_an_array_fills_is_old_with_it(tmp_path):
    def after(workbook, sheet, headers):
        sheet.write_array_formula("Q1:Q3", "{=I2:I4*2}", None, 2)
        sheet.write_column("Q2", [4, 6])
        written({"R1": ("=SUM(Q2:Q3)", 10), "S1": ("=SUM(I2:Q4)", 16), "S2": ("=COUNTA(Q1:Q9)", 3)})(0, sheet, 0)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    found = filled(path, full("123", monetary=[1.0, 2.0, 4.0]), out := tmp_path / "b.xlsx")
    assert found == [("stale", RFM_SHEET, 4)] and held(out) == {"Q1": 2, "R1": 10, "S1": 16, "S2": 3}


@pytest.mark.parametrize("sheet", [RFM_SHEET, ANOTHER])
def test_what_an_array_fills_is_taken_out_with_it(tmp_path, sheet):
    def after(workbook, own, headers):
        there = own if sheet == RFM_SHEET else workbook.add_worksheet(ANOTHER)
        there.write_array_formula("Q2:Q4", f"{{={RFM_SHEET}!I2:I4*2}}", None, 2)
        there.write_column("Q3", [4, 6])
        there.write_column("Q5", ["typed", 8])

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    data, out = full("123", monetary=[2.0, 3.0, 4.0]), tmp_path / "b.xlsx"
    assert filled(path, data, out, drop_stale=True) == [("stale_dropped", sheet, 1)]
    before, dropped = (Package(one.read_bytes(), one) for one in (path, out))
    assert not verify(before, dropped).ok and verify(before, dropped, asked=Asked(drop_stale=True)).ok
    shown = openpyxl.load_workbook(out, data_only=True)[sheet]
    assert [shown[f"Q{n}"].value for n in range(2, 7)] == [None, None, None, "typed", 8]
    for cell in (b"Q3", b"Q6"):  # one is not what was taken out, the other nothing that is to be
        wrong = shutil.copy(out, tmp_path / "wrong.xlsx")
        rewritten(
            wrong, {sheet_part(out, sheet): first(rb'(<c r="%s"[^>]*)(?:/>|>.*?</c>)' % cell, rb"\1><v>9</v></c>")}
        )
        assert not verify(before, Package(wrong.read_bytes(), wrong), asked=Asked(drop_stale=True)).ok


def test_what_an_array_of_whole_columns_fills_is_not_gone_through(tmp_path, monkeypatch):
    """A billion cells would take for ever."""
    asked, real = [], results.insort
    for one in (results, sums):
        monkeypatch.setattr(one, "insort", lambda *about: asked.append(1) or real(*about))

    def array(workbook, sheet, headers):
        sheet.write_array_formula("Q9:Q10", "{=I2:I4*2}", None, 2)
        sheet.write_formula("AB1", "=COUNTA(R:R)", None, 0)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=array)
    part = sheet_part(path, RFM_SHEET)
    rewritten(path, {part: first(rb'ref="Q9:Q10"', b'ref="Q9:Z1048576"')})
    found = filled(path, full("123", monetary=[2.0, 3.0, 4.0]), tmp_path / "b.xlsx")
    assert found == [("stale", RFM_SHEET, 2)] and len(asked) < 9


def test_counts_are_told_beside_errors_and_results_that_nobody_knows(tmp_path):
    counts = {"I5": ("=COUNT(I2:O4)", 3), "J5": ("=COUNTA(I2:I4)", 2), "K5": ("=COUNTA(H2:T4)", 9)}

    def after(workbook, sheet, headers):
        written(counts | {"T2": ("=I2*2", 2), "T4": ("=1/0", "#DIV/0!"), "O2": ("=1/0", "#DIV/0!")})(0, sheet, 0)

    path = book(tmp_path / "a.xlsx", ROWS, extra=["mine"], table=False, after=after)
    data = full("123", monetary=[2.0, 3.0, 4.0])
    assert filled(path, data, out := tmp_path / "b.xlsx") == [("stale", RFM_SHEET, 1)]
    assert {where: held(out)[where] for where in counts} == {"I5": 3, "J5": 3, "K5": 24}


def test_subtotals_leave_out_other_totals(tmp_path):
    totals = {"I6": ("=SUM(I2:I4)", 6), "I7": ("=AGGREGATE(9,5,Q2:Q4)", 6), "I8": ("=SUBTOTAL(9,I2:I7)", 6)}
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written(totals))
    assert filled(path, full("123", monetary=[1.0, 2.0, 4.0]), out := tmp_path / "b.xlsx") == [("stale", RFM_SHEET, 1)]
    assert held(out) == {"I6": 7, "I7": 6, "I8": 6}


def test_results_elsewhere_are_old_however_they_read_our_sheet(tmp_path):
    """Through an Excel table there, a name of one sheet or of what stands beside, several sheets at once, and functions
    that look further."""

    def after(workbook, sheet, headers):
        other, third = workbook.add_worksheet(ANOTHER), workbook.add_worksheet("third")
        workbook.define_name(f"{ANOTHER}!here", f"={RFM_SHEET}!$I$2:$I$4")
        workbook.define_name("third!here", "=third!$A$9")
        workbook.define_name("left", f"={RFM_SHEET}!A2")
        reads = {
            "A1": (f"=SUM({RFM_SHEET}:{ANOTHER}!I2)", 1),
            "A2": ("=SUM(here)", 6),
            "A3": (f"=SUM(OFFSET({RFM_SHEET}!I1,1,0,3,1))", 6),
            "A4": (f'=SUM(INDIRECT("{RFM_SHEET}!I2:I4"))', 6),
            "I1": ("=left", 1),
        }
        written(reads)(workbook, other, headers)
        third.add_table("A1:A2", {"name": "Theirs", "columns": [{"header": "x"}]})
        reads = {"A2": (f"={RFM_SHEET}!I2", 1), "C1": ("=SUM(Theirs[x])", 1), "C2": (f"=SUM({ANOTHER}!here)", 6)}
        written(reads)(workbook, third, headers)
        workbook.add_worksheet("fourth").write_formula("A1", "=SUM(OFFSET(C1,1,0,3,1))", None, 0)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    found = filled(path, full("123", monetary=[2.0, 3.0, 4.0]), tmp_path / "b.xlsx")
    assert found == [("stale", ANOTHER, 5), ("stale", "third", 3)]


def test_a_column_of_an_excel_table_is_old_only_in_rows_that_are(tmp_path):
    def after(workbook, sheet, headers):
        columns = [*({"header": one} for one in headers[:-1]), {"header": headers[-1], "formula": "=[@M金额]*2"}]
        sheet.add_table(0, 0, 3, len(headers) - 1, {"name": "RfmSegments", "columns": columns})
        for n in (2, 3, 4):
            sheet.write_formula(f"O{n}", "=RfmSegments[[#This Row],[M金额]]*2", None, 2 * n - 2)

    path = book(tmp_path / "a.xlsx", ROWS, extra=["twice"], table=False, after=after)
    found = filled(path, rfm("123", monetary=[1.0, 5.0, 3.0], segment=["old"] * 3), tmp_path / "b.xlsx")
    assert found == [("stale", RFM_SHEET, 3)]  # their days are other ones
    found = filled(tmp_path / "b.xlsx", rfm("123", monetary=[1.0, 6.0, 3.0], segment=["old"] * 3), tmp_path / "c.xlsx")
    assert found == [("stale", RFM_SHEET, 1)]


@pytest.mark.parametrize("formula", ["=SUM(I$2:I{0})", "=SUM(A:XFD)", "=SUM(R{1}:S{1})", "=R{1}+1"])
def test_many_sums_read_each_cell_a_few_times(tmp_path, monkeypatch, formula):
    """Each over all above it, all over everything, each over the next one."""
    asked, real = [], Sheet.value_of
    monkeypatch.setattr(Sheet, "value_of", lambda self, cell: asked.append(1) or real(self, cell))
    many = written({f"R{n}": (formula.format(n, n + 1), 0) for n in range(2, 2002)} | {"R2002": ("=SUM(I2:I2001)", 0)})
    path = book(tmp_path / "a.xlsx", [(n, {8: 1.0}) for n in range(2000)], table=False, after=many)
    fill(path, full(range(2000), monetary=[2.0] * 2000), out := tmp_path / "b.xlsx")
    assert len(asked) < 4 * 2000 * len(HEADERS)
    assert held(out)["R2002"] == 4000
    assert held(out)["R2001"] == (0 if "XFD" in formula or "+" in formula else 4000)


def test_a_chain_of_formulas_is_followed_in_one_go_however_they_stand(tmp_path, monkeypatch):
    """Each reads the next one of some rows that are in no order; the first of them reads a customer."""
    asked, real = [], results.Written.meets
    monkeypatch.setattr(results.Written, "meets", lambda *about: asked.append(1) or real(*about))
    rows = [1 + n * 37 % 101 for n in range(101)]
    chain = {f"R{row}": (f"=R{before}+1", 0) for before, row in itertools.pairwise(rows)}
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written(chain | {"R1": ("=I2*2", 2)}))
    assert filled(path, full("123", monetary=[2.0, 3.0, 4.0]), tmp_path / "b.xlsx") == [("stale", RFM_SHEET, 101)]
    assert len(asked) < 4 * 101


@pytest.mark.parametrize("totals", [True, False], ids=["Excel's row of totals", "a sum in the Excel table"])
def test_a_total_that_came_up_into_what_others_read_is_told(tmp_path, totals):
    """They would count it as well; what is at the end of the list itself follows."""

    def after(workbook, sheet, headers):
        if totals:
            add_totals(sheet, headers, 5)
        else:
            sheet.write_formula("I6", "=SUM(I2:I5)", None, 10)
        sheet.write_formula("P2", "=SUM(I$2:I$5)", None, 10)
        sheet.write_formula("Q2", "=SUM(I2:I99)", None, 20)
        sheet.write_formula("R2", "=SUM(H2:H5)", None, 0)
        workbook.add_worksheet(ANOTHER).write_formula("A1", f"=AVERAGE({RFM_SHEET}!I2:I5)", None, 2.5)

    rows = [*((one, {8: float(one)}) for one in "1234"), *([] if totals else [("合计", {5: None})])]
    path = book(tmp_path / "a.xlsx", rows, table=not totals, after=after)
    with FileBook(path, tmp_path / "b.xlsx") as target:
        target.write(RFM, rfm("124", monetary=[1.0, 2.0, 4.0]))
    found = [(one.sheet, one.cell, one.params) for one in target.findings if one.code == "formula_long"]
    assert found == [(RFM_SHEET, "P2", {"formulas": 1}), (ANOTHER, "A1", {"formulas": 1})]
    with FileBook(path) as target:
        target.write(RFM, rfm("12345", monetary=[1.0, 2.0, 3.0, 4.0, 5.0]))
    assert "formula_long" not in {one.code for one in target.findings}


def test_a_number_typed_as_total_that_came_up_into_what_others_read_is_told(tmp_path):
    """On a sheet without any formula."""

    def after(workbook, sheet, headers):
        workbook.add_worksheet(ANOTHER).write_formula("A1", f"=AVERAGE({RFM_SHEET}!I2:I3)", None, 1.5)

    rows = [*ROWS[:2], ("小计", {2: None, 5: None, 8: 3}), *ROWS[2:], ("4", {})]
    path = book(tmp_path / "a.xlsx", rows, table=False, after=after)
    with FileBook(path) as target:
        target.write(RFM, rfm("234", monetary=[2.0, 3.0, 4.0]))
    assert [one.sheet for one in target.findings if one.code == "formula_long"] == [ANOTHER]


SHARED = {"a plain sum": "SUM(H2:I2)", "no plain sum": "I2*2"}


@pytest.mark.parametrize("ids", ["123", "1234", "23", "12"])
@pytest.mark.parametrize("name", SHARED)
def test_formulas_that_excel_filled_down_share_their_text(tmp_path, name, ids):
    twice = written({f"O{n}": (f"=I{n}*987", 7) for n in (2, 3, 4)})
    path = book(tmp_path / "a.xlsx", ROWS, extra=["mine"], after=twice)
    master = rb'<f t="shared" ref="O2:O4" si="0">%s</f>' % SHARED[name].encode()

    def shared(data):
        data = re.sub(rb"<f>I2\*987</f>", lambda _: master, data)
        return re.sub(rb"<f>I\d\*987</f>", b'<f t="shared" si="0"/>', data)

    rewritten(path, {PART: shared})
    data = full(ids, frequency=[10.0] * len(ids), monetary=[20.0] * len(ids))
    for drop in (False, True):
        out = tmp_path / f"{drop}.xlsx"
        filled(path, data, out, drop_stale=drop)
        result = 30 if name == "a plain sum" else None if drop else 7
        found = held(out)
        kept = {f"O{2 + n}": result for n, one in enumerate(ids) if one in "123"}
        assert {where: found[where] for where in kept} == kept


SPOILT = {
    "another sum": ("with_result", lambda real, sheet, value, raw: real(sheet, value + 1, raw)),
    "no sum": ("with_result", lambda real, sheet, value, raw: results.without_result(raw)),
    "the old sum": ("with_result", lambda real, sheet, value, raw: raw),
    "a sum of something else": (
        "with_result",
        lambda real, sheet, value, raw: real(sheet, value, raw).replace(b"SUM", b"MAX"),
    ),
    "two results": (
        "with_result",
        lambda real, sheet, value, raw: real(sheet, value, raw).replace(b"</v>", b"</v><v>1</v>"),
    ),
    "a result with more to it": (
        "with_result",
        lambda real, sheet, value, raw: real(sheet, value, raw).replace(b"<v>", b'<v a="1">'),
    ),
    "another number made": ("rewritten", lambda real, sheet, make: real(sheet, make).replace(b"<v>2</v>", b"<v>3</v>")),
}


@pytest.mark.parametrize("name", SPOILT)
def test_wrong_results_on_our_sheets_are_found(tmp_path, monkeypatch, name):
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written({"I6": ("=SUM(I2:I4)", 6), "Q1": ("=1+1", 2)}))
    what, spoil = SPOILT[name]
    monkeypatch.setattr(results, what, partial(spoil, getattr(results, what)))
    refuses(path, full("123", monetary=[1.0, 2.0, 4.0]))


@pytest.mark.parametrize("name", ["stale", "renewed"])
def test_these_tests_see_a_sum_that_nobody_saw_to_be_old(tmp_path, monkeypatch, name):
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written({"I6": ("=SUM(I2:I4)", 6)}))
    assert not wrong(path)
    real = getattr(results, name)
    monkeypatch.setattr(results, name, lambda *about: {})
    fill(path, full("1234", monetary=[1.0, 2.0, 4.0, 1.0]))
    monkeypatch.setattr(results, name, real)
    assert wrong(path) == {"I6"}


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
    known = sums.Sums(saved)
    for n in range(len(asked)):
        told, value = shown[f"A{21 + n}"], known.result(sums.plain(saved, saved.rows[20 + n].cells[0], ()))
        assert told == "#DIV/0!" if value is None else math.isclose(value, told, rel_tol=1e-12), asked[n]


def test_a_sum_over_results_that_programs_work_out_in_their_own_way_is_none_that_nobody_saw(tmp_path):
    """What one is off in its last digit may be all that is left where numbers cancel each other."""

    def after(workbook, sheet, headers):
        sheet.write_column("S1", [0.1, 0.2, 0.3])
        sheet.write_formula("S5", "=SUM(S1:S3)", None, 0.6000000000000001)
        sheet.write_formula("R5", "=SUM(I2:I3)", None, 3)
        sheet.write_formula("U1", "=SUM(R5:S5)", None, 3.6)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    assert filled(path, full("123", monetary=[0.0, -0.6, 4.0]), out := tmp_path / "b.xlsx") == []
    assert held(out) == {"S5": 0.6000000000000001, "R5": -0.6, "U1": 0.6000000000000001 - 0.6}


def test_a_sum_over_one_without_a_result_is_none_that_nobody_saw(tmp_path):
    """A few programs save some results and not others."""
    sums = {"S5": ("=SUM(S1:S3)", 77), "R5": ("=SUM(I2:I3)", 3), "U1": ("=SUM(R5:S5)", 3)}
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written(sums))
    rewritten(path, {PART: lambda data: data.replace(b"<v>77</v>", b"")})
    assert filled(path, full("123", monetary=[1.0, 4.0, 3.0]), out := tmp_path / "b.xlsx") == [("stale", RFM_SHEET, 1)]
    assert held(out) == {"S5": None, "R5": 5.0, "U1": 3}


def test_a_formula_in_a_cell_of_ours_that_shows_what_we_write_stays(tmp_path):
    def after(workbook, sheet, headers):
        sheet.write_row("G3", [1.5, 0.5])
        sheet.write_formula("I3", "=SUM(G3:H3)", None, 2)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    data = full("123", monetary=[1.0, 2.0, 3.0], recency_days=[9.0] * 3)
    fill(path, data, out := tmp_path / "b.xlsx")
    assert held(out) == {"I3": 2} and violations(path, out) == []


@pytest.mark.parametrize("formula", ["=SUM($R$1:$R$3)", "=$R$1*6"])
def test_what_further_rows_calculate_of_cells_elsewhere_is_read_as_well(tmp_path, formula):
    def after(workbook, sheet, headers):
        columns = [{"header": header} for header in headers]
        columns[NOTE]["formula"] = formula
        sheet.write_column("R1", [1, 2, 3])
        sheet.add_table(0, 0, 3, NOTE, {"name": "RfmSegments", "columns": columns})
        for row in range(1, 4):
            sheet.write_formula(row, NOTE, formula, None, 6)
        sheet.write_formula("S1", "=SUM(O2:O99)", None, 18)
        sheet.write_formula("S2", "=COUNT(RfmSegments[note])+1", None, 4)

    path = book(tmp_path / "a.xlsx", ROWS, extra=["note"], table=False, after=after)
    found, is_sum = filled(path, full("12345"), out := tmp_path / "b.xlsx"), "SUM" in formula
    assert found == [("stale", RFM_SHEET, 1 if is_sum else 2)]
    result = 6 if is_sum else None
    further = {"O5": result, "O6": result}
    assert held(out) == {"O2": 6, "O3": 6, "O4": 6, **further, "S1": 30 if is_sum else 18, "S2": 4}


@pytest.mark.parametrize("formula", ["SUBTOTAL(9,S2:S4)", "SUBTOTAL(9,S2:S4)+0", "SHOWN"])
def test_a_row_that_is_hidden_with_its_customer_hides_what_stands_beside_the_list(tmp_path, formula):
    """It is shown again when the customer leaves, and with it the cells beside."""

    def after(workbook, sheet, headers):
        workbook.define_name("SHOWN", f"=SUBTOTAL(9,'{RFM_SHEET}'!$S$2:$S$4)")
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.write_column("S2", [1, 2, 4])
        sheet.write_formula("U1", f"={formula}", None, 5)
        sheet.write_formula("U2", "=SUM(S2:S4)+0", None, 7)
        workbook.add_worksheet(ANOTHER).write_formula("A1", f"='{RFM_SHEET}'!U1", None, 5)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=after)
    is_sum = formula.endswith(")") and formula != "SHOWN"
    found = filled(path, full("13", monetary=[1.0, 3.0]), out := tmp_path / "b.xlsx")
    assert found == [*[("stale", RFM_SHEET, 1)] * (not is_sum), ("stale", ANOTHER, 1)]
    assert held(out) == {"U1": 7 if is_sum else 5, "U2": 7}
    assert filled(path, full("123", monetary=[1.0, 2.0, 4.0]), tmp_path / "c.xlsx") == []
