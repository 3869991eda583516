"""What people typed below a list: it goes down when the list grows down to it, unless others read it where it is."""

import openpyxl
import pytest
from bookshop import RFM_SHEET, book, column, repairs, values
from fills import full, violations

from segmenter.books.file import FileBook
from segmenter.cells import position
from segmenter.errors import Refused
from segmenter.schema import RFM

ROWS = [(one, dict.fromkeys(range(1, 14), "old")) for one in "123"]


def fill(path, data, out=None):
    with FileBook(path, out) as target:
        target.write(RFM, data)
    assert not repairs(out or path)


def written(typed):
    """What writes cells by address into a sheet."""

    def after(workbook, sheet, headers):
        for where, value in typed.items():
            sheet.write(where, value)

    return after


BELOW = {
    "a note": {"C5": "a note"},
    "a sum": {"A5": "合计", "I5": "=SUM(I2:I4)"},
    "a sum right below, and a mean of it": {"B5": "合计", "I5": "=SUM(I2:I4)", "I6": "=I5/COUNT(I$2:I4)"},
    "notes with a gap between": {"A6": "制表人", "B6": "王五", "N9": "核对：赵六"},
}


@pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "a plain list"])
@pytest.mark.parametrize("name", BELOW)
def test_what_stands_below_goes_down_when_the_list_grows_down_to_it(tmp_path, name, table):
    """All of it by as many rows, formulas reading what they read and the new rows; and back up never."""
    typed = BELOW[name]
    path = book(tmp_path / "a.xlsx", ROWS, table=table, after=written(typed))
    out = tmp_path / "b.xlsx"
    fill(path, full(range(1, 9)), out)
    found = values(out)
    cells = {position(where): value for where, value in typed.items()}
    moved = {(row + 6, column + 1): value for (row, column), value in cells.items()}
    wanted = {"=SUM(I2:I4)": "=SUM(I2:I9)", "=I5/COUNT(I$2:I4)": "=I10/COUNT(I$2:I9)"}
    assert {place: found.get(place) for place in moved} == {one: wanted.get(v, v) for one, v in moved.items()}
    assert column(out, "客户ID")[:8] == [*"12345678"]
    assert violations(path, out) == []
    before = out.read_bytes()
    fill(out, full(range(1, 9)))
    assert out.read_bytes() == before


def test_a_sum_at_the_end_of_an_excel_table_stays_its_last_row(tmp_path):
    """Excel takes what is typed right below a table into it."""
    typed = {"A5": "合计", "I5": "=SUM(I2:I4)"}
    path = book(tmp_path / "a.xlsx", [*ROWS, ("合计", {5: None})], after=written(typed))
    for ids, last in (("12345", 7), ("15", 4), ("12345678", 10)):
        fill(path, full([*ids]))
        found = values(path)
        assert (found[last, 1], found[last, 9]) == ("合计", f"=SUM(I2:I{last - 1})")
        assert openpyxl.load_workbook(path)[RFM_SHEET].tables["RfmSegments"].ref == f"A1:N{last}"
        assert sorted(column(path, "客户ID")[: last - 2]) == [*ids]


def test_what_is_merged_noted_and_ruled_below_goes_along(tmp_path):
    def below(workbook, sheet, headers):
        sheet.merge_range("A6:D7", "说明：按季度更新")
        sheet.write("I6", 5)
        sheet.write_comment("I6", "checked")
        sheet.conditional_format("I6", {"type": "cell", "criteria": ">", "value": 3, "format": workbook.add_format()})
        sheet.data_validation("I6", {"validate": "integer", "criteria": ">", "value": "=I2"})

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=below)
    fill(path, full(range(1, 9)))
    sheet = openpyxl.load_workbook(path)[RFM_SHEET]
    assert [str(one) for one in sheet.merged_cells.ranges] == ["A11:D12"]
    assert sheet["A11"].value == "说明：按季度更新" and sheet["I11"].comment.text == "checked"
    assert [str(one.sqref) for one in sheet.conditional_formatting] == ["I11"]
    assert [str(one.sqref) for one in sheet.data_validations.dataValidation] == ["I11"]


READERS = {
    "a formula elsewhere": lambda workbook, sheet: workbook.worksheets_objs[-1].write("A1", f"={RFM_SHEET}!I5"),
    "a customer's share": lambda workbook, sheet: sheet.write_formula("O2", "=I2/I$5"),
    "a formula beside": lambda workbook, sheet: sheet.write_formula("T1", "=SUM(I4:I5)"),
    "a name": lambda workbook, sheet: workbook.define_name("all", f"={RFM_SHEET}!$I$5"),
    "a rule": lambda workbook, sheet: sheet.conditional_format(
        "I2:I4", {"type": "cell", "criteria": ">", "value": "=$I$5", "format": workbook.add_format()}
    ),
    "a choice": lambda workbook, sheet: sheet.data_validation("B2", {"validate": "list", "source": "=$I$5:$I$6"}),
    "a chart": lambda workbook, sheet: sheet.insert_chart("T9", charted(workbook, f"={RFM_SHEET}!$I$5:$J$5")),
}


def charted(workbook, cells):
    chart = workbook.add_chart({"type": "column"})
    chart.add_series({"values": cells})
    return chart


@pytest.mark.parametrize("name", READERS)
def test_what_is_read_by_address_from_elsewhere_does_not_go_down(tmp_path, name):
    """It would be another cell that is read."""

    def below(workbook, sheet, headers):
        workbook.add_worksheet("mine")
        written({"A5": "合计", "I5": "=SUM(I2:I4)"})(workbook, sheet, headers)
        READERS[name](workbook, sheet)

    path = book(tmp_path / "a.xlsx", ROWS, table=False, extra=["占比"], after=below)
    fill(path, full("123"))
    before = path.read_bytes()
    with pytest.raises(Refused) as refused:
        fill(path, full("1234"))
    assert refused.value.key == "below_read" and path.read_bytes() == before


def test_a_whole_column_reads_what_goes_down_wherever_it_is(tmp_path):
    def below(workbook, sheet, headers):
        sheet.write("C5", "a note")
        workbook.add_worksheet("mine").write("A1", f"=COUNTA({RFM_SHEET}!A:A)+COUNTA({RFM_SHEET}!C2:C100)")

    path = book(tmp_path / "a.xlsx", ROWS, after=below)
    fill(path, full("12345"))
    assert values(path)[7, 3] == "a note"


def test_rows_are_never_written_over_an_excel_table_below(tmp_path):
    path = book(tmp_path / "a.xlsx", ROWS[:1], after=lambda w, s, h: s.add_table("B6:C8"))
    fill(path, full([1, 2, 3]))
    before = path.read_bytes()
    with pytest.raises(Refused) as refused:
        fill(path, full(range(9)))
    assert (refused.value.key, refused.value.cell) == ("table_below", "B6:C8")
    assert path.read_bytes() == before
