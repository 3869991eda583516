"""The contract of `books.Book`, kept by both of its sides: a file, and a workbook open in (our own) Excel."""

from __future__ import annotations

import re
from datetime import date, datetime

import excel_engine
import numpy as np
import openpyxl
import pytest
import xlsxwriter
from bookshop import HEADERS, RFM_SHEET, book, customers, frame, rfm
from fills import full
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill, Protection

from segmenter import jobs, schema, settings
from segmenter.books.file import FileBook
from segmenter.books.live import LiveBook, is_busy, quiet
from segmenter.errors import Refused
from segmenter.schema import BOARDS, CLEANING, CUSTOMERS, RFM, SETTINGS, STRATEGY

TRICKY = [
    "00123",
    "=1+1",
    "+1",
    "-1",
    "@x",
    "'quoted",
    "''two",
    "1e5",
    "2026-01-02",
    "TRUE",
    "#N/A",
    "１２",
    "12%",
    "a\nb",
    " x ",
]


class Side:
    """One side of the port: writes frames to a workbook, and reads its cells back."""

    def __init__(self, kind):
        self.kind = kind

    def write(self, path, *tables):
        if self.kind == "file":
            with FileBook(path) as target:
                self._put(target, tables)
            return
        app = excel_engine.start()
        try:
            opened = app.books.open(path)
            with quiet(app), LiveBook(opened, jobs.template) as target:
                self._put(target, tables)
            opened.save()
        finally:
            excel_engine.stop()

    @staticmethod
    def _put(target, tables):
        for table, rows in tables:
            target.write(table, rows)

    def read(self, path, table):
        if self.kind == "file":
            return FileBook(path).read(table)
        app = excel_engine.start()
        try:
            return LiveBook(app.books.open(path), jobs.template).read(table)
        finally:
            excel_engine.stop()


@pytest.fixture(params=["file", "live"])
def side(request):
    return Side(request.param)


def shown(path, sheet=RFM_SHEET):
    return [list(row) for row in openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)]


def test_rows_stay_with_what_people_typed_and_others_follow(side, tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {14: "mine"}), ("2", {}), ("3", {14: "too"})], extra=["note"])
    side.write(path, (RFM, rfm([3, 4, 1, 5])))
    rows = shown(path)
    assert [row[0] for row in rows[1:]] == ["1", "3", "4", "5"]
    assert [row[14] for row in rows[1:]] == ["mine", "too", None, None]
    assert [row[5] for row in rows[1:]] == ["kind 1", "kind 3", "kind 4", "kind 5"]
    assert openpyxl.load_workbook(path)[RFM_SHEET].tables["RfmSegments"].ref == "A1:O5"


def test_a_row_that_the_frame_lacks_stays_for_its_note(side, tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {14: "mine"}), ("2", {})], extra=["note"])
    side.write(path, (RFM, rfm([2])))
    rows = shown(path)
    assert [(*row[:3], row[5], row[14]) for row in rows[1:]] == [
        ("1", None, None, "不在本次分析中", "mine"),
        ("2", None, "0次", "kind 2", None),
    ]
    change(path, O2=None)
    side.write(path, (RFM, rfm([2])))
    assert [row[0] for row in shown(path)[1:] if any(row)] == ["2"]


def change(path, **cells):
    """Type into cells of table 2."""
    found = openpyxl.load_workbook(path)
    for where, value in cells.items():
        found[RFM_SHEET][where] = value
    found.save(path)


def test_a_row_whose_formulas_came_to_errors_is_none_that_somebody_typed(side, tmp_path):
    """As those of a customer do who was taken off the customer sheet."""
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    change(path, C2="#N/A", F2="#N/A")
    side.write(path, (RFM, rfm([2])))
    assert [row[0] for row in shown(path)[1:] if any(row)] == ["2"]


@pytest.mark.parametrize("remark", [0, 1])
def test_a_remark_under_the_id_of_a_customer_stays_beside_their_row(side, tmp_path, remark):
    """Also where somebody sorted it above."""
    rows = [("1", {}), ("2", {})]
    rows.insert(remark, ("1", {1: "call", 2: None, 5: None}))
    path = book(tmp_path / "a.xlsx", rows)
    side.write(path, (RFM, rfm([1, 2])))
    found = [(*row[:2], row[5]) for row in shown(path)[1:]]
    wanted = [("1", None, "kind 1"), ("2", None, "kind 2")]
    wanted.insert(remark, ("1", "call", None))
    assert found == wanted


@pytest.mark.parametrize("formula", ["=I{row}*2", "=ROW()-1"])
def test_a_row_that_the_frame_lacks_does_not_stay_for_a_formula(side, tmp_path, formula):
    def filled_down(workbook, sheet, headers):
        for row in (2, 3):
            sheet.write_formula(f"O{row}", formula.format(row=row))

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], extra=["note"], table=False, after=filled_down)
    side.write(path, (RFM, rfm([2])))
    assert [(row[0], row[14]) for row in shown(path)[1:] if any(row)] == [("2", formula.format(row=2))]


BELOW = {
    "a sum": {"A5": "合计", "I5": "=SUM(I2:I4)"},
    "a sum with a gap, and what reads it": {"A6": "合计", "I6": "=SUM(I$2:I4)", "I7": "=I6*2"},
    "a remark": {"A5": "数据截至六月"},
    "a remark further down": {"B7": "制表人：王五"},
    "several": {"A5": "数据截至六月", "B6": "看过", "C9": "核对"},
}


@pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "a plain list"])
@pytest.mark.parametrize("ids", ["123", "12345678", "145", "14567", "1456789", "456", "45", "4567"])
@pytest.mark.parametrize("name", BELOW)
def test_what_stands_below_is_neither_lost_nor_written_over(side, tmp_path, name, ids, table):
    """Whoever leaves and whoever comes; sums go on reading the whole list."""

    def below(workbook, sheet, headers):
        for where, value in BELOW[name].items():
            sheet.write(where, value)

    rows = [(one, dict.fromkeys(range(1, 14), "old") | {2: "1次"}) for one in "123"]
    path = book(tmp_path / "a.xlsx", rows, table=table, after=below)
    for _ in range(2):
        side.write(path, (RFM, full(ids)))
        found = shown(path)[1:]
        assert sorted(row[0] for row in found[: len(ids)]) == [*ids]
        texts = [value for row in found[len(ids) :] for value in row if value is not None]
        assert [one for one in texts if not one.startswith("=")] == [
            one for one in BELOW[name].values() if not one.startswith("=")
        ]
        for number, row in enumerate(found, 2):
            if str(row[8]).startswith("=SUM"):
                last = int(re.fullmatch(r"=SUM\(I\$?2:I([0-9]+)\)", row[8])[1])
                assert len(ids) + 1 <= last < number
                assert "I7" not in BELOW[name] or found[number - 1][8] == f"=I{number}*2"
    if table:
        area = openpyxl.load_workbook(path)[RFM_SHEET].tables["RfmSegments"].ref
        assert area == f"A1:N{len(ids) + 1}"


@pytest.mark.parametrize("ids", ["123456", "1456", "14"])
def test_what_a_sum_below_reads_besides_the_list_goes_with_it(side, tmp_path, ids):
    def below(workbook, sheet, headers):
        sheet.write("I6", "=SUM(I2:I4)+I7")
        sheet.write("I7", 100)
        sheet.write_row("A9", [1, *"bcdefghijklmnopq"])  # wider than the list

    rows = [(one, dict.fromkeys(range(1, 14), "old") | {2: "1次"}) for one in "123"]
    path = book(tmp_path / "a.xlsx", rows, after=below)
    side.write(path, (RFM, full(ids)))
    found = shown(path)[1:]
    at = next(n for n, row in enumerate(found) if str(row[8]).startswith("=SUM"))
    last, own = re.fullmatch(r"=SUM\(I2:I([0-9]+)\)\+I([0-9]+)", found[at][8]).groups()
    assert len(ids) + 1 <= int(last) <= at + 1 and int(own) == at + 3 and found[at + 1][8] == 100
    assert [*found[at + 3][1:17]] == [*"bcdefghijklmnopq"]


def test_a_total_below_a_list_of_nobody_stays_below(side, tmp_path):
    def below(workbook, sheet, headers):
        sheet.write("A4", "合计")
        sheet.write("I4", "=SUM(I2:I3)")

    path = book(tmp_path / "a.xlsx", table=False, after=below)
    side.write(path, (RFM, full("12345")))
    assert [(row[0], row[8]) for row in shown(path)[6:] if any(row)] == [("合计", "=SUM(I2:I7)")]


@pytest.mark.parametrize("table", [True, False])
def test_a_table_shrinks(side, tmp_path, table):
    path = book(tmp_path / "a.xlsx", [(str(n), {}) for n in range(6)], table=table)
    side.write(path, (RFM, rfm([4, 2])))
    rows = [row for row in shown(path)[1:] if any(cell is not None for cell in row)]
    assert [row[0] for row in rows] == ["2", "4"]


def test_every_text_stays_the_text_it_is(side, tmp_path):
    path = book(tmp_path / "a.xlsx", [("x", {})])
    ids = [f"{n}" for n in range(len(TRICKY))]
    side.write(path, (RFM, rfm(ids, segment=TRICKY, reason=TRICKY)))
    sheet = openpyxl.load_workbook(path)[RFM_SHEET]
    column = HEADERS.index(RFM["reason"].header["zh"])
    assert [row[5].value for row in sheet.iter_rows(min_row=2)] == TRICKY
    assert [row[column].value for row in sheet.iter_rows(min_row=2)] == TRICKY
    assert {row[5].data_type for row in sheet.iter_rows(min_row=2)} == {"s"}


def test_ids_with_leading_zeros_are_read_as_they_are(side, tmp_path):
    path = tmp_path / "a.xlsx"
    jobs.new(path, "zh")
    ids = np.array(["00123", "007", "1e5"], dtype=object)
    with FileBook(path) as target:
        target.write(CUSTOMERS, customers(3).assign(customer_id=ids))
    grid = side.read(path, CUSTOMERS)
    assert [row[0] for row in grid.rows[1:4]] == ["00123", "007", "1e5"]
    assert grid.rows[1][10] == date(2026, 6, 1) and isinstance(grid.rows[1][5], float)


def test_missing_sheets_are_added_formatted(side, tmp_path):
    path = tmp_path / "a.xlsx"
    file = openpyxl.Workbook()
    file.active.title = CUSTOMERS.sheet["zh"]
    file.save(path)
    frames = [
        (RFM, rfm(range(3))),
        (STRATEGY, frame(segment=["x"])),
        (CLEANING, frame(stage=["y"])),
    ]
    side.write(path, *frames, *((one, frame(**{one.fields[0].key: ["z"]})) for one in BOARDS))
    found = openpyxl.load_workbook(path)
    assert (
        found.sheetnames[1:] == [t.sheet["zh"] for t in (RFM, STRATEGY, CLEANING, BOARDS[0])]
        or len(found.sheetnames) == 5
    )
    assert found[RFM_SHEET]["A1"].font.b and found[RFM_SHEET]["A2"].number_format == "@"


def test_a_block_keeps_its_place_and_empties_the_rest(side, tmp_path):
    path = tmp_path / "a.xlsx"
    jobs.new(path, "zh")
    facts, sheet = schema.table("board_facts"), schema.table("board_facts").sheet["zh"]
    values = [date(2026, 1, 2), "2026-01-01 至今", 0.5]
    side.write(path, (facts, frame(name=["a", "b", "c"], value=values)))
    side.write(path, (facts, frame(name=["a"], value=[date(2026, 2, 3)])))
    cells = openpyxl.load_workbook(path)[sheet]
    assert [(cells.cell(r, 1).value, cells.cell(r, 2).value) for r in (6, 7, 8)] == [
        ("a", datetime(2026, 2, 3)),
        (None, None),
        (None, None),
    ]


def test_a_table_that_grew_down_to_a_remark_does_not_take_it_in_when_nothing_changes(side, tmp_path):
    path = book(tmp_path / "a.xlsx", [(one, {}) for one in "12"], after=lambda w, sheet, h: sheet.write("A5", "CRM"))
    for _ in range(3):
        side.write(path, (RFM, full("123")))
        sheet = openpyxl.load_workbook(path)[RFM.sheet["zh"]]
        assert (sheet.tables["RfmSegments"].ref, sheet["A5"].value) == ("A1:N4", "CRM")


def test_a_note_that_looks_like_a_customer_keeps_an_empty_row_above(side, tmp_path):
    def note(workbook, sheet, headers):
        sheet.write("A6", "CRM")
        sheet.write("C6", "9次")
        sheet.write("F6", "ask")

    path = book(tmp_path / "a.xlsx", [(one, {}) for one in "12"], after=note)
    for _ in range(3):
        side.write(path, (RFM, full("1234")))
        sheet = openpyxl.load_workbook(path)[RFM.sheet["zh"]]
        assert [sheet[f"A{n}"].value for n in (5, 6, 8)] == ["4", None, "CRM"]


def test_refusals_leave_everything_as_it_was(side, tmp_path):
    def below(workbook, sheet, headers):
        sheet.add_table("M5:P7")

    path = book(tmp_path / "a.xlsx", [("1", {})], after=below)
    before = path.read_bytes()
    with pytest.raises(Refused) as found:
        side.write(path, (RFM, rfm(range(9))))
    assert found.value.key == "table_below" and found.value.cell == "M5:P7"
    assert path.read_bytes() == before


def test_a_sum_among_the_customers_is_not_left_with_nothing_to_read(side, tmp_path):
    rows = [("1", {}), ("2", {}), ("小计", {5: None}), ("3", {})]
    path = book(tmp_path / "a.xlsx", rows, table=False, after=lambda w, s, h: s.write("I4", "=SUM(I2:I3)"))
    with pytest.raises(Refused) as found:
        side.write(path, (RFM, full("3")))
    assert found.value.key == "formula_stuck"
    side.write(path, (RFM, full("23")))
    assert [(row[0], row[8]) for row in shown(path)[1:4]] == [("2", 0), ("小计", "=SUM(I2:I2)"), ("3", 1)]


def test_merged_cells_in_a_table_are_refused(side, tmp_path):
    path = book(
        tmp_path / "a.xlsx", [("1", {}), ("2", {})], table=False, after=lambda w, s, h: s.merge_range(1, 5, 2, 5, "x")
    )
    with pytest.raises(Refused) as found:
        side.write(path, (RFM, rfm([1, 2])))
    assert found.value.key == "table_merged"


def test_a_protected_sheet_is_refused(side, tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})], after=lambda w, s, h: s.protect())
    with pytest.raises(Refused) as found:
        side.write(path, (RFM, rfm([1])))
    assert found.value.key in ("sheet_protected", "excel_protected")


def test_hidden_rows_merges_and_totals_are_told_alike(tmp_path):
    def more(workbook, sheet, headers):
        sheet.set_row(3, options={"hidden": True})
        sheet.merge_range(20, 20, 22, 21, "m")

    path = book(tmp_path / "a.xlsx", [(str(n), {}) for n in range(6)], after=more)
    one, other = (Side(kind).read(path, RFM) for kind in ("file", "live"))
    assert one.hidden_rows == other.hidden_rows == {3}
    assert one.merged == other.merged == ((20, 20, 22, 21),)
    assert [row[:14] for row in one.rows[:7]] == [row[:14] for row in other.rows[:7]] and one.sheet == other.sheet


def test_an_excel_table_above_the_list_is_no_end_of_it(side, tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet(RFM_SHEET)
        sheet.add_table("A1:B3", {"data": [["x", 1], ["y", 2]], "columns": [{"header": "a"}, {"header": "b"}]})
        sheet.write_row("A5", HEADERS)
        sheet.write_column("A6", ["1", "2"])
    side.write(tmp_path / "a.xlsx", (RFM, rfm([1, 2, 3])))
    rows = shown(tmp_path / "a.xlsx")
    assert [row[0] for row in rows] == ["a", "x", "y", None, HEADERS[0], "1", "2", "3"]


def test_totals_with_something_beside_are_read_alike(side, tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet(RFM_SHEET)
        columns = [{"header": header} for header in HEADERS]
        sheet.add_table(0, 0, 2, len(HEADERS) - 1, {"total_row": True, "columns": columns})
        sheet.write_column("A2", ["1", "1 in all"])
        sheet.write(2, len(HEADERS) + 1, "checked")
    assert side.read(tmp_path / "a.xlsx", RFM).totals_row == 2


def test_the_customer_sheet_is_missed_alike(side, tmp_path):
    path = book(tmp_path / "a.xlsx")
    with pytest.raises(Refused) as found:
        side.read(path, CUSTOMERS)
    assert found.value.key == "sheet_missing" and RFM_SHEET in found.value.params["found"]


def test_our_excel_is_as_strict_as_it_says(tmp_path):
    file = openpyxl.Workbook()
    file.active["B1"].protection = Protection(locked=False)
    file.save(tmp_path / "a.xlsx")
    app = excel_engine.start()
    try:
        sheet = app.books.open(tmp_path / "a.xlsx").sheets[0]
        sheet["A1"].value = ["00123", "1,5", "2026-1-2", "=A1"]
        assert sheet["A1"].value == 123.0 and sheet["A1"].formula == "123" and sheet["D1"].formula == "=A1"
        sheet["A2"].number_format = "@"
        sheet["A2"].value = 5
        assert sheet["A2"].value == "5"
        with pytest.raises(NotImplementedError):
            sheet["A1"].autofit()
        sheet.impl.file.protection.sheet = True
        sheet["B1"].value = 1
        with pytest.raises(excel_engine.ComError) as found:
            sheet["A1"].value = 1
        assert not is_busy(found.value)
        app.impl.editing = True
        with pytest.raises(excel_engine.ComError) as found:
            app.screen_updating = False
        assert is_busy(found.value)
    finally:
        excel_engine.stop()


def edited(book):
    """A column of hers, a remark that is all that is left of some rows, a note, a colour; customers who are gone."""
    sheet = book[RFM_SHEET]
    column = sheet.max_column + 1
    sheet.cell(1, column).value = "我的备注"
    for row in (3, 9, 20):
        sheet.cell(row, column).value = f"备注 {row}"
    sheet["B5"].comment = Comment("看这里", "me")
    sheet["C7"].fill = PatternFill("solid", fgColor="FFFF00")
    for row in (20, 9, 8, 5, 4):
        book[CUSTOMERS.sheet["zh"]].delete_rows(row)


def filled_down(book):
    """A column of hers with a formula in every row, a remark beside one of them, and an amount in place of another."""
    sheet = book[RFM_SHEET]
    column = sheet.max_column + 1
    sheet.cell(1, column).value, sheet.cell(1, column + 1).value = "双倍", "我的备注"
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, column).value = f"=I{row}*2"
    sheet.cell(5, column + 1).value, sheet.cell(8, column).value = "走了也要留", 700
    for row in (20, 9, 8, 5, 4):
        book[CUSTOMERS.sheet["zh"]].delete_rows(row)


def noted(book):
    """Nothing but a note and a colour, on rows that stay and on one whose customer is gone."""
    sheet = book[RFM_SHEET]
    sheet["B5"].comment = Comment("走了也要留", "me")
    sheet["B10"].comment = Comment("我跟着走", "me")
    sheet["A11"].fill = PatternFill("solid", fgColor="FFFF00")
    for row in (6, 5, 4):
        book[CUSTOMERS.sheet["zh"]].delete_rows(row)


def own_rows(book):
    sheet = book[STRATEGY.sheet["zh"]]
    row = sheet.max_row + 1
    sheet.cell(row, 1).value, sheet.cell(row, 5).value = "我自己的群体", "赵六"
    sheet.cell(2, 5).value, sheet.cell(3, 6).value = "王五", "完成30%"


def own_figures(book):
    """Groups of people's own with figures, formulas and words in our columns, and one they say nothing of."""
    sheet = book[STRATEGY.sheet["zh"]]
    at = {key: n for n, key in enumerate(STRATEGY.keys, 1)}
    much = {"customers": 12, "amount": "=COUNTIF(A:A,1)", "amount_share": "12", "status": "重点跟进", "outcome": "好"}
    for row, said in enumerate((much, {}, {"status": '=IF(TRUE,"","")', "customers": "=1+1"}), sheet.max_row + 1):
        sheet.cell(row, 1).value = f"我自己的群体{row}"
        for key, value in said.items():
            sheet.cell(row, at[key]).value = value
    book[CUSTOMERS.sheet["zh"]].delete_rows(9, 14)


def log_remarks(book):
    """Remarks beside lines of the log, of which some go and others come."""
    log, people = book[CLEANING.sheet["zh"]], book[CUSTOMERS.sheet["zh"]]
    column = log.max_column + 1
    log.cell(1, column).value = "处理人"
    for row in range(2, log.max_row + 1, 2):
        log.cell(row, column).value = f"{log.cell(row, 4).value} 已交张三"
    log.cell(3, 3).comment = Comment("看这里", "me")
    people.delete_rows(12, 5)
    people["J3"].value, people["K5"].value = "很多", "无"


def sorted_anew(book):
    sheet = book[RFM_SHEET]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    for number, row in enumerate(rows[::-2] + rows[-2::-2], 2):
        for column, value in enumerate(row, 1):
            sheet.cell(number, column).value = value


def stricter(book):
    sheet = book[SETTINGS.sheet["zh"]]
    name = settings.name_of("recency_bins", "zh")
    next(row for row in sheet.iter_rows(max_col=2) if row[0].value == name)[1].value = "5, 9, 20"


def without_sheets(book):
    for table in (STRATEGY, CLEANING, SETTINGS):
        del book[table.sheet["zh"]]


def no_list_object(book):
    sheet = book[RFM_SHEET]
    for name in list(sheet.tables):
        del sheet.tables[name]
    book[CUSTOMERS.sheet["zh"]].delete_rows(3, 9)


def odd_ids(book):
    sheet = book[CUSTOMERS.sheet["zh"]]
    for row, value in enumerate(["00123", " =1+1", "1e5", "２３", "TRUE", "3-4"], 2):
        sheet.cell(row, 1).value, sheet.cell(row, 1).data_type = value, "s"
    sheet["F9"].value, sheet["F9"].data_type = "#N/A", "e"
    sheet.row_dimensions[5].hidden = True
    book[RFM_SHEET].sheet_state = "hidden"


def days_among_texts(book):
    """As people type them into table 3, into a line right below it, and into a line among the rows of table 2."""
    day, sheet = datetime(2026, 11, 30), book[STRATEGY.sheet["zh"]]
    sheet.cell(2, 7).value = day
    for column, value in enumerate(["制表人", "王五", "日期", day], 1):
        sheet.cell(sheet.max_row + (column == 1), column).value = value
        book[RFM_SHEET].cell(5, column).value = value
    for column in range(5, 15):
        book[RFM_SHEET].cell(5, column).value = {5: "007", 6: 5}.get(column)
    book[RFM_SHEET].cell(5, 6).number_format = "General"


def remark_below(book):
    sheet = book[STRATEGY.sheet["zh"]]
    sheet.cell(sheet.max_row + 3, 1).value = "说明：我写的一行"


def remark_right_below(book):
    """A line right below the rows, in the column of the ids, with and without an Excel table."""
    sheet = book[RFM_SHEET]
    sheet.cell(sheet.max_row + 1, 1).value = "数据截至六月"
    book[CUSTOMERS.sheet["zh"]].delete_rows(4, 2)


def remark_right_below_no_list_object(book):
    no_list_object(book)
    remark_right_below(book)


def note_below_no_list_object(book):
    """A row without an id, of which only what is beside our columns stays."""
    no_list_object(book)
    sheet = book[RFM_SHEET]
    column, row = sheet.max_column + 1, sheet.max_row + 1
    sheet.cell(1, column).value, sheet.cell(row, column).value = "我的备注", "没有编号"
    sheet.cell(row, 6).value = "某类"


def described(path):
    """Every cell's value, note and colour; the sheets, and the Excel tables on them."""
    book = openpyxl.load_workbook(path)
    return {
        sheet.title: (
            dict(sheet.tables.items()),
            {
                cell.coordinate: (
                    round(cell.value, 9) if isinstance(cell.value, float) else cell.value,
                    cell.comment and cell.comment.text,
                    cell.fill.fgColor.rgb if cell.fill.fill_type else None,
                )
                for row in sheet.iter_rows()
                for cell in row
                if cell.value is not None or cell.comment
            },
        )
        for sheet in book
    }


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A filled workbook of thirty customers, by language and whether table 2 is formulas."""
    folder = tmp_path_factory.mktemp("filled")

    def make(lang="zh", formulas=False):
        path = folder / f"{lang}{formulas}.xlsx"
        if not path.exists():
            jobs.new(path, lang)
            with FileBook(path) as target:
                target.write(CUSTOMERS, customers(30))
            jobs.fill(path, formulas=formulas)
        return path

    return make


@pytest.mark.parametrize(
    "change",
    [
        *(
            edited,
            filled_down,
            noted,
            own_rows,
            own_figures,
            log_remarks,
            sorted_anew,
            stricter,
            without_sheets,
            no_list_object,
            odd_ids,
            days_among_texts,
            remark_below,
        ),
        *(remark_right_below, remark_right_below_no_list_object, note_below_no_list_object),
    ],
    ids=lambda one: one.__name__,
)
def test_the_button_and_the_file_agree_cell_by_cell(filled, tmp_path, change):
    agree(filled(), tmp_path, change)


def test_a_formula_with_the_right_result_stays(tmp_path):
    path = book(tmp_path / "a.xlsx", [(str(n), {}) for n in range(4)])
    file = openpyxl.load_workbook(path)
    column = HEADERS.index(RFM["recency_days"].header["zh"]) + 1
    for row in (2, 3, 5):
        file[RFM_SHEET].cell(row, column).value = f"=ROW()-{row}"  # 0 in our Excel, which calculates nothing
    file.save(path)
    Side("live").write(path, (RFM, rfm(range(5), recency_days=[0.0, 7.0, 8.0, 0.0, 9.0])))
    seen = [openpyxl.load_workbook(path)[RFM_SHEET].cell(row, column).value for row in range(2, 7)]
    assert seen == ["=ROW()-2", 7, 8, "=ROW()-5", 9]


def test_they_agree_in_english(filled, tmp_path):
    agree(filled("en"), tmp_path, lambda book: book[CUSTOMERS.sheet["en"]].delete_rows(4, 3))


def agree(path, folder, change):
    for kind in ("file", "live"):
        book = openpyxl.load_workbook(path)
        change(book)
        book.save(folder / f"{kind}.xlsx")
    jobs.fill(folder / "file.xlsx")
    app = excel_engine.start()
    try:
        opened = app.books.open(folder / "live.xlsx")
        with quiet(app), LiveBook(opened, jobs.template) as target:
            jobs.write(target, jobs.analyse(target))
        opened.save()
    finally:
        excel_engine.stop()
    file, live = (described(folder / f"{kind}.xlsx") for kind in ("file", "live"))
    assert list(live) == list(file)
    for name, (tables, cells) in file.items():
        assert (name, live[name][0]) == (name, tables)
        found = {
            where: (cells.get(where), value) for where, value in live[name][1].items() if cells.get(where) != value
        }
        found |= {where: (value, None) for where, value in cells.items() if where not in live[name][1]}
        assert (name, found) == (name, {})


@pytest.mark.parametrize(("there", "ids"), [("12", "23"), ("", "12"), ("12", "123456789")])
def test_an_excel_table_may_reach_below_the_last_cell_that_is_used(side, tmp_path, there, ids):
    def roomy(workbook, sheet, headers):
        columns = [{"header": header} for header in headers]
        sheet.add_table(0, 0, 6, len(headers) - 1, {"name": "RfmSegments", "columns": columns})

    path = book(tmp_path / "a.xlsx", [(one, {}) for one in there], table=False, after=roomy)
    side.write(path, (RFM, rfm([*ids])))
    assert [row[0] for row in shown(path)[1:] if row[0]] == [*ids]
