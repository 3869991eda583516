"""What people typed below a list: it goes down when the list grows down to it, unless others read it where it is."""

import openpyxl
import pytest
import xlsxwriter
from bookshop import RFM_SHEET, book, column, frame, repairs, values
from fills import full, violations

from segmenter import jobs, schema
from segmenter.books.file import FileBook
from segmenter.cells import position
from segmenter.errors import Refused
from segmenter.schema import CLEANING, RFM, STRATEGY

ROWS = [(one, dict.fromkeys(range(1, 14), "old") | {2: "1次"}) for one in "123"]


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
    "a scale": lambda workbook, sheet: sheet.conditional_format(
        "I2:I4", {"type": "2_color_scale", "max_type": "formula", "max_value": f"={RFM_SHEET}!$I$5"}
    ),
    "a text box": lambda workbook, sheet: sheet.insert_textbox("T9", "", {"textlink": f"={RFM_SHEET}!$I$5"}),
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


GROUPS = ("高价值客户", "流失风险客户", "潜力客户")
PLAN = ("segment", "owner", "customers", "amount")


def plan(path, *below, area=None):
    """A table 3 of four columns with three groups, then what `below` says."""
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(STRATEGY.sheet["zh"])
        rows = [[STRATEGY[key].header["zh"] for key in PLAN], *([one, "王五", 3, 2] for one in GROUPS), *below]
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        if area:
            sheet.add_table(area, {"columns": [{"header": one} for one in rows[0]]})
    return path


def planned(path):
    """Fill it with a group more, each read before, and tell its rows from the last of the three groups on."""
    with FileBook(path) as target:
        typed = [one[0] for one in target.read(STRATEGY).rows[1:] if one and one[0] is not None]
        wanted = [*dict.fromkeys([*typed, "低价值客户"])]
        target.write(STRATEGY, frame(segment=wanted, customers=[7.0] * len(wanted), amount=[None] * len(wanted)))
    sheet = openpyxl.load_workbook(path)[STRATEGY.sheet["zh"]]
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)], target


@pytest.mark.parametrize("area", [None, "A1:D4", "A1:D5"], ids=["a plain list", "an Excel table", "in the Excel table"])
@pytest.mark.parametrize(
    "total",
    [["合计", None, "=SUM(C2:C4)", "=SUM(D2:D4)"], ["小计：", None, 9, 6], ["本页合计", "三人", 9, None]],
    ids=lambda one: one[0],
)
def test_a_total_below_few_columns_is_no_group(tmp_path, total, area):
    path = plan(tmp_path / "a.xlsx", total, area=area)
    for _ in range(2):
        rows, _ = planned(path)
        assert rows[1][:3] == ["低价值客户", None, 7]
        assert rows[2] == [one.replace("4)", "5)") if isinstance(one, str) else one for one in total]


def test_a_note_below_a_total_is_no_group_either(tmp_path):
    total, note = ["合计", None, "=SUM(C2:C4)", None], ["制表人：王五", None, None, None]
    path = plan(tmp_path / "a.xlsx", total, note, area="A1:D4")
    rows, _ = planned(path)
    assert [row[0] for row in rows] == ["潜力客户", "低价值客户", "合计", "制表人：王五"]
    assert rows[2][2] == "=SUM(C2:C5)" and rows[3] == note


def test_another_list_further_below_the_groups_is_none_of_them(tmp_path):
    others = [["负责人通讯录"], ["姓名", "电话", "分机"], ["张三", "138", 801], ["王五", "139", 802]]
    path = plan(tmp_path / "a.xlsx", [], [], *others)
    rows, book_written = planned(path)
    assert [row[0] for row in rows[:3]] == ["潜力客户", "低价值客户", None]
    assert [[one for one in row if one is not None] for row in rows[4:]] == others  # still two rows below
    assert [one.code for one in book_written.findings] == ["groups_below"]


def test_totals_among_the_customers_of_few_columns_stay(tmp_path):
    path = tmp_path / "a.xlsx"
    rows = [["客户ID", "M金额"], ["1", 5], ["2", 6], ["小计", "=SUM(B2:B3)"], ["3", 7], ["合计", 18]]
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(RFM_SHEET)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    fill(path, full("1234"))
    assert column(path, "客户ID") == ["1", "2", "小计", "3", "4", "合计"]
    assert values(path)[4, 2] == "=SUM(B2:B3)" and values(path)[7, 2] == 18


def test_a_remark_right_of_rows_that_come_goes_down_too(tmp_path):
    """It would be taken for a remark about the customer it stands beside then."""
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written({"O6": "以上已核对"}))
    fill(path, full(range(1, 7)))
    assert values(path)[9, 15] == "以上已核对"
    fill(path, full(range(2, 7)))
    assert values(path)[9, 15] == "以上已核对"


WIDE = [
    ["负责人", "电话", "分机", "邮箱", "区域"],
    ["张三", "138", 801, "z@x", "东"],
    ["李四", "139", 802, "l@x", "西"],
]


@pytest.mark.parametrize("gap", [1, 2])
def test_a_wider_table_below_a_total_goes_down_whole(tmp_path, gap):
    path = tmp_path / "a.xlsx"
    rows = [["客户ID", "客户类型", "M金额"], *([one, "x", 5] for one in "123"), *[[]] * (gap - 1)]
    rows += [["合计", None, "=SUM(C2:C4)"], *[[]] * gap, *WIDE]
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(RFM_SHEET)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    out = tmp_path / "b.xlsx"
    fill(path, full(range(1, 12)), out)
    found = [[cell.value for cell in row] for row in openpyxl.load_workbook(out)[RFM_SHEET].iter_rows()]
    assert found[-3:] == WIDE and ["合计", None, "=SUM(C2:C12)"] in [row[:3] for row in found]
    assert violations(path, out) == []


def test_what_would_be_torn_is_refused(tmp_path):
    """A block beside the list, behind an empty column, that something below reaches."""
    typed = {"P1": "评分", "P2": 4, "P3": 5, "O5": "平均", "P5": "=AVERAGE(P2:P4)"}
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written(typed))
    before = path.read_bytes()
    with pytest.raises(Refused) as refused:
        fill(path, full("1234"))
    assert (refused.value.key, refused.value.cell) == ("table_below", "P1") and path.read_bytes() == before


@pytest.mark.parametrize("formula", ["=SUM(I2:I4)", "=SUM(I2:I5)", "=SUM(I$2:I7)"])
def test_a_sum_some_rows_below_reads_the_list_however_it_changes(tmp_path, formula):
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written({"A9": "合计", "I9": formula}))
    for ids in ("12", "12345", "12345", "123456", "1", "123456789", "12"):
        fill(path, full(ids))
        row, text = next((row, one) for (row, col), one in values(path).items() if col == 9 and str(one)[:1] == "=")
        last = int(text[text.index(":I") + 2 : -1])
        assert len(ids) + 1 <= last < row


def test_cells_still_empty_below_go_down_as_well(tmp_path):
    typed = {"A5": "手工合计", "I5": "=SUM(I6:I8)", "I12": "=I5+I10"}
    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=written(typed))
    fill(path, full(range(1, 9)))
    assert (values(path)[10, 9], values(path)[17, 9]) == ("=SUM(I11:I13)", "=I10+I15")


def test_a_note_of_merged_rows_right_below_goes_along(tmp_path):
    def below(workbook, sheet, headers):
        sheet.merge_range("A5:N6", "说明")

    path = book(tmp_path / "a.xlsx", ROWS, table=False, after=below)
    for ids, where in (("12345", "A7:N8"), ("1", "A3:N4")):
        fill(path, full(ids))
        assert [str(one) for one in openpyxl.load_workbook(path)[RFM_SHEET].merged_cells.ranges] == [where]


def test_a_total_below_an_empty_list_stays_below_it(tmp_path):
    path = book(tmp_path / "a.xlsx", table=False, after=written({"A4": "合计", "I4": "=SUM(I2:I3)"}))
    fill(path, full("12345"))
    assert (values(path)[8, 1], values(path)[8, 9]) == ("合计", "=SUM(I2:I7)")


def test_a_gap_that_growth_would_close_is_kept_below_the_groups(tmp_path):
    """A note right below them would be one of them the next time."""
    path = plan(tmp_path / "a.xlsx", [], ["制表人：王五"], area="A1:D4")
    for _ in range(2):
        rows, _ = planned(path)
        assert [row[0] for row in rows] == ["潜力客户", "低价值客户", None, "制表人：王五"]


def test_a_formula_further_down_that_reads_the_total_follows_it(tmp_path):
    typed = {"A5": "合计", "I5": "=SUM(I2:I4)", "I30": "=I5*0.3"}
    path = book(tmp_path / "a.xlsx", [*ROWS, ("合计", {5: None})], after=written(typed))
    for ids, total in (("12345", 7), ("15", 4)):
        fill(path, full(ids))
        assert values(path)[30, 9] == f"=I{total}*0.3"


def test_a_list_without_keys_has_no_totals_by_its_words(tmp_path):
    path = book(tmp_path / "a.xlsx", ROWS)
    logged = frame(code=["合计行", "合计行"], value=["合计", "小计"], message=["a", "b"])
    with FileBook(path) as target:
        target.write(CLEANING, logged)
    sheet = openpyxl.load_workbook(path)
    del sheet[CLEANING.sheet["zh"]].tables["CleaningLog"]
    sheet.save(path)
    for _ in range(3):
        with FileBook(path) as target:
            target.write(CLEANING, logged)
    assert openpyxl.load_workbook(path)[CLEANING.sheet["zh"]].max_row == 3


@pytest.mark.parametrize("column", [2, 14])
def test_what_is_typed_below_the_history_is_no_line_of_it(tmp_path, small_sample, column):
    path = tmp_path / "a.xlsx"
    jobs.fill(small_sample, path)
    sheet = openpyxl.load_workbook(path)
    lines = sheet["细分历史"]
    lines.cell(lines.max_row + 1, column).value = "看过"
    sheet.save(path)
    for _ in range(3):
        jobs.fill(path)
    found = [cell.value for row in openpyxl.load_workbook(path)["细分历史"].iter_rows() for cell in row]
    assert found.count("看过") == 1


def test_a_total_and_a_remark_below_one_customer(tmp_path):
    path = book(tmp_path / "a.xlsx", ROWS[:1], after=written({"A3": "合计", "I3": "=SUM(I2:I2)", "A4": "看过"}))
    for ids in ("1", "1234", "1"):
        out = tmp_path / f"{len(ids)}.xlsx"
        fill(path, full(ids), out)
        assert violations(path, out) == []
        path = out


@pytest.mark.parametrize("area", [None, "A1:D4"], ids=["a plain list", "an Excel table"])
def test_a_group_behind_a_gap_is_not_there_twice(tmp_path, area):
    """It is told, or its row would be looked for in vain."""
    path = plan(tmp_path / "a.xlsx", [], [], ["低价值客户", "张三"], area=area)
    with FileBook(path) as target:
        target.write(STRATEGY, frame(segment=[*GROUPS, "低价值客户"], customers=[7.0] * 4))
    rows = [row[:2] for row in openpyxl.load_workbook(path)[STRATEGY.sheet["zh"]].iter_rows(values_only=True)]
    assert rows[4:] == [(None, None), (None, None), ("低价值客户", "张三")]


@pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "a plain list"])
@pytest.mark.parametrize("ids", ["12345", "123456", "1234567"])
def test_a_note_that_looks_like_a_customer_does_not_become_one_when_the_list_grows_down_to_it(tmp_path, table, ids):
    path = book(tmp_path / "a.xlsx", ROWS, table=table, after=written({"A7": "制表", "C7": "9次", "F7": "王五"}))
    for _ in range(3):
        fill(path, full(ids))
        rows = [(a, f) for (a, f) in zip(column(path, "客户ID"), column(path, "客户类型"), strict=True) if a]
        assert rows == [*((one, f"segment {one}") for one in ids), ("制表", "王五")]


@pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "a plain list"])
@pytest.mark.parametrize("ids", ["123", "12", "1245", "456", ""])
@pytest.mark.parametrize("said", [{"F": "王五"}, {"C": "李四", "F": "王五"}, {"C": 9, "F": "王五"}], ids=str)
def test_a_note_right_below_the_customers_that_stands_where_they_say_their_kind_is_no_customer(
    tmp_path, said, ids, table
):
    notes = {f"{column}5": value for column, value in {"A": "制表", **said}.items()}
    path, out = book(tmp_path / "a.xlsx", ROWS, table=table, after=written(notes)), tmp_path / "b.xlsx"
    for _ in range(2):
        fill(path, full(ids), out)
        assert violations(path, out) == []
        found = [*values(out, RFM.sheet["zh"]).values()]
        assert [found.count(one) for one in notes.values() if isinstance(one, str)] == [1] * (
            len(notes) - (9 in notes.values())
        )
        path = out


@pytest.mark.parametrize("ids", ["123", "12", "1", "12345", ""])
def test_a_line_of_signatures_that_says_all_that_a_customer_does_stays(tmp_path, ids):
    """制表：is no ID, whatever stands beside it."""
    notes = {"A5": "制表：", "C5": "3次", "F5": "王五"}
    path, out = book(tmp_path / "a.xlsx", ROWS, after=written(notes)), tmp_path / "b.xlsx"
    for _ in range(2):
        fill(path, full(ids), out)
        assert violations(path, out) == []
        found = [*values(out, RFM.sheet["zh"]).values()]
        assert found.count("制表：") == found.count("王五") == 1
        path = out


@pytest.mark.parametrize("ids", ["123", "12", "1", "12345", ""])
def test_a_line_of_signatures_behind_an_empty_row_keeps_it(tmp_path, ids):
    """It is as full as half a line of a list that no Excel table ends; and no line of it."""
    words = ["制表：", "王五", "审核：", "李四", "日期：", "六月", "页：", "一"]
    notes = {f"{column}6": word for column, word in zip("ABCDEFGH", words, strict=True)}
    path, out = book(tmp_path / "a.xlsx", ROWS, table=False, after=written(notes)), tmp_path / "b.xlsx"
    for _ in range(3):
        fill(path, full(ids), out)
        assert violations(path, out) == []
        rows = [*openpyxl.load_workbook(out)[RFM.sheet["zh"]].iter_rows(values_only=True)]
        signed = next(n for n, row in enumerate(rows) if row[:8] == tuple(words))
        assert not any(rows[signed - 1]) and [row[0] for row in rows[1 : len(ids) + 1]] == [*ids]
        path = out


@pytest.mark.parametrize("row", range(5, 10))
def test_a_line_of_signatures_below_an_excel_table_is_no_row_of_it_however_that_grows(tmp_path, row):
    """Also where the customers come down to right above it: a second run would say that it does not know the row, which
    the first, for which it stood behind a gap, did not."""
    words = ["制表：", "王五", "审核：", "李四", "日期：", "六月"]
    notes = {f"{column}{row}": word for column, word in zip("ABCDEF", words, strict=True)}
    path, out = book(tmp_path / "a.xlsx", ROWS, after=written(notes)), tmp_path / "b.xlsx"
    fill(path, full("123456"), out)
    assert violations(path, out) == []
    rows = [*openpyxl.load_workbook(out)[RFM.sheet["zh"]].iter_rows(values_only=True)]
    signed = next(n for n, line in enumerate(rows) if line[0] == "制表：")
    assert any(rows[signed - 1]) is (row == 5)


NEAR = {
    "behind one empty row, as much as half a line": {"A7": "制表", "B7": 1, "C7": 2, "D7": 3, "E7": 4},
    "below a remark": {"A6": "数据截至六月", "A7": "制表", "B7": 2, "C7": 6},
    "right below": {"A6": "制表", "B6": 2, "C6": 6},
}


@pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "a plain list"])
@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("name", NEAR)
def test_what_looks_like_a_line_near_a_list_without_keys_does_not_become_one(tmp_path, name, count, table):
    groups = schema.table("value_segments")
    path, name_of = tmp_path / "a.xlsx", groups.sheet["zh"]
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(name_of)
        headers = [field.header["zh"] for field in groups.fields]
        sheet.write_row(0, 0, headers)
        for row in (1, 2):
            sheet.write_row(row, 0, ["old", *[6] * (len(headers) - 1)])
        if table:
            sheet.add_table(0, 0, 2, len(headers) - 1, {"columns": [{"header": header} for header in headers]})
        written(NEAR[name])(workbook, sheet, headers)
    lines = {one.key: [10.0 * at + n for n in range(count)] for at, one in enumerate(groups.fields)}
    lines["segment"] = [f"segment {n}" for n in range(count)]
    for _ in range(3):
        before = path.with_name("before.xlsx")
        before.write_bytes(path.read_bytes())
        with FileBook(path) as target:
            target.write(groups, frame(**lines))
        assert violations(before, path) == []
        found = [value for _, value in sorted(values(path, name_of).items())][len(headers) :]
        assert found == [*(one[n] for n in range(count) for one in lines.values()), *NEAR[name].values()]


@pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "a plain list"])
@pytest.mark.parametrize("ids", ["12345", "123456"])
def test_verify_knows_that_a_note_keeps_an_empty_row_above(tmp_path, table, ids):
    path = book(tmp_path / "a.xlsx", ROWS, table=table, after=written({"A7": "制表", "C7": "9次", "F7": "王五"}))
    fill(path, full(ids), out := tmp_path / "b.xlsx")
    assert violations(path, out) == []


@pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "a plain list"])
@pytest.mark.parametrize(
    "notes", [{"A7": "制表", "C7": "9次", "F7": "王五"}, {"A7": "口径", "A8": "制表", "C8": "9次", "F8": "王五"}]
)
@pytest.mark.parametrize("ids", ["12345", "123456", "1234567"])
def test_notes_one_of_which_looks_like_a_customer_stay_apart_from_the_list(tmp_path, table, notes, ids):
    path, out = book(tmp_path / "a.xlsx", ROWS, table=table, after=written(notes)), tmp_path / "b.xlsx"
    fill(path, full(ids), out)
    assert violations(path, out) == []
    data = out.read_bytes()
    fill(out, full(ids))
    assert out.read_bytes() == data
    assert {value: column(out, "客户ID").count(value) for value in ("制表", *ids)} == dict.fromkeys(("制表", *ids), 1)
