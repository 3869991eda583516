"""What people may have in a workbook: a fill is not refused for it, `verify` finds nothing wrong with the fill, and
nothing that was typed is lost."""

import re

import pytest
from bookshop import book, column, frame, parts, repairs, rewritten, rfm, sheet_part, values
from fills import NOTE, add_totals, comment, fill, first, full, log, violations

from segmenter.books import longlist
from segmenter.schema import CLEANING, RFM, STRATEGY


def filled(path, data, table=RFM):
    """The workbook filled in place; Excel would not repair it."""
    fill(path, data, table=table)
    assert not repairs(path)


def told(path, data, table=RFM):
    """What `verify` says is wrong with a workbook that was filled."""
    out = path.with_name("b.xlsx")
    fill(path, data, out, table)
    assert not repairs(out)
    return violations(path, out)


def calculated(path, *, table, coloured=False):
    """A workbook with three customers and a column that doubles a number, which somebody may have coloured once."""

    def double(workbook, sheet, headers):
        red = workbook.add_format({"bg_color": "red"})
        for row in (1, 2, 3):
            sheet.write_formula(row, NOTE, f"=I{row + 1}*2", red if coloured and row == 2 else None, 3)

    return book(path, [(one, {}) for one in "123"], extra=["double"], table=table, after=double)


EITHER = pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "no Excel table"])


@EITHER
def test_the_customer_of_a_coloured_formula_leaves(tmp_path, table):
    path = calculated(tmp_path / "a.xlsx", table=table, coloured=True)
    filled(path, full("13"))
    assert column(path, "double") == ["=I2*2", "=I3*2"]


@EITHER
def test_all_customers_leave_a_calculated_column(tmp_path, table):
    path = calculated(tmp_path / "a.xlsx", table=table)
    filled(path, full("78"))
    assert column(path, "客户ID") == ["7", "8"]


@EITHER
def test_nobody_is_left_in_a_calculated_column(tmp_path, table):
    path = calculated(tmp_path / "a.xlsx", table=table)
    filled(path, full(""))
    assert not {"1", "2", "3"} & {*values(path).values()}


def test_the_customer_of_the_only_formula_leaves(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {NOTE: "=I3+1"})], extra=["note"])
    filled(path, full("1"))
    assert column(path, "客户ID") == ["1"]


def test_a_text_like_a_formula_goes_from_a_cell_without_a_style(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "call"}), ("2", {})], extra=["note"])
    filled(path, full("12", segment=["-x", "y"]))
    filled(path, full("2"))
    assert column(path, "客户ID") == ["1", "2"]
    assert column(path, "note") == ["call", None]
    assert column(path, "客户类型") == ["不在本次分析中", "segment 2"]


def test_rows_that_do_not_say_their_number_first(tmp_path):
    """Whoever wrote them; the list becomes a long one."""
    path = book(tmp_path / "a.xlsx")
    rewritten(path, {sheet_part(path, RFM.sheet["zh"]): first(rb'<row r="2"', b'<row ht="20" r="2"')})
    filled(path, full(range(longlist.FROM + 16)))
    assert len(column(path, "客户ID")) == longlist.FROM + 16


@EITHER
@pytest.mark.parametrize("there", ["", "1"], ids=["no customer", "one customer"])
def test_a_comment_in_the_only_row_stays_there(tmp_path, table, there):
    path = book(tmp_path / "a.xlsx", [(one, {}) for one in there], table=table, after=comment("F2"))
    filled(path, full("123"))
    assert parts(path)["xl/comments1.xml"].count(b'ref="F2"') == 1


def test_a_comment_in_the_only_row_above_totals_stays_there(tmp_path):
    def said(workbook, sheet, headers):
        sheet.write_comment("F2", "why")
        add_totals(sheet, headers, 2)

    path = book(tmp_path / "a.xlsx", [("1", {})], extra=["note"], table=False, after=said)
    filled(path, full("123"))
    assert parts(path)["xl/comments1.xml"].count(b'ref="F2"') == 1


def test_a_link_of_the_only_customer_is_not_one_of_all(tmp_path):
    def link(workbook, sheet, headers):
        sheet.write_url("O2", "https://example.org/", string="b")

    path = book(tmp_path / "a.xlsx", [("1", {})], extra=["note"], after=link)
    filled(path, full("123"))
    assert b'<hyperlink ref="O2"' in parts(path)["xl/worksheets/sheet1.xml"]


@pytest.fixture
def keyless(tmp_path):
    """A workbook without an Excel table, its last row without a key: a note, and a value in a column of ours."""

    def nobody(workbook, sheet, headers):
        sheet.write("O4", "about nobody")
        sheet.write("F4", "old")

    return book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], extra=["note"], table=False, after=nobody)


@pytest.mark.parametrize("before", ["", "2", "12", None], ids=["nobody", "one", "all", "never"])
def test_a_note_about_nobody_stays_when_the_list_grows_later(keyless, before):
    if before is not None:
        filled(keyless, full(before))
    filled(keyless, full("12345"))
    assert [*values(keyless).values()].count("about nobody") == 1
    assert sorted(one for one in column(keyless, "客户ID") if one) == [*"12345"]


@pytest.mark.parametrize("ids", ["2", "12"], ids=["one", "all"])
def test_verify_knows_a_last_row_without_a_key(keyless, ids):
    assert not told(keyless, full(ids))


@pytest.mark.parametrize("row", [4, 5], ids=["directly below", "one row below"])
def test_a_remark_below_a_table_that_grows_down_to_it_stays(tmp_path, row):
    def remark(workbook, sheet, headers):
        sheet.write(row - 1, 0, "数据截至六月")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], after=remark)
    for ids in ("123", "123", "345", "1234567"):
        filled(path, full(ids))
        found = column(path, "客户ID")
        assert found.count("数据截至六月") == 1
        assert sorted(one for one in found if one != "数据截至六月") == [*ids]


@EITHER
def test_a_remark_that_a_list_grew_down_to_stays_below_it_when_the_same_is_filled_again(tmp_path, table):
    """Though its cells are merged, as those of a footnote are."""
    rows = [(one, {1: "x", 2: "y", 3: "z"}) for one in "12"]
    path = book(tmp_path / "a.xlsx", rows, table=table, after=lambda w, s, h: s.merge_range("A5:D5", "数据截至六月"))
    filled(path, full("123"))
    before = path.read_bytes()
    assert not told(path, full("123"))
    filled(path, full("123"))
    assert path.read_bytes() == before


def test_verify_knows_a_remark_below_a_table_that_grew_down_to_it(tmp_path):
    def remark(workbook, sheet, headers):
        sheet.write("A5", "数据截至六月")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], after=remark)
    assert not told(path, full("123"))


def test_verify_knows_a_row_without_a_key_between_others(tmp_path):
    def between(workbook, sheet, headers):
        sheet.write("O5", "about nobody")
        sheet.write("A6", "9")

    path = book(tmp_path / "a.xlsx", [(one, {}) for one in "123"], extra=["note"], table=False, after=between)
    assert not told(path, full("139"))


def test_verify_knows_a_blank_row_and_one_without_a_key(tmp_path):
    def between(workbook, sheet, headers):
        sheet.set_row(4, 30)
        sheet.write("O5", "about nobody")
        sheet.write("A6", "9")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], extra=["note"], table=False, after=between)
    assert not told(path, full("129"))


BESIDE = {"one note": ((4,), 1), "three notes": ((2, 4, 5), 1), "notes in the last rows": ((6, 7), 2)}


@pytest.mark.parametrize("name", BESIDE)
def test_verify_knows_rows_without_keys_that_stay_for_a_note(tmp_path, name):
    rows, count = BESIDE[name]
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, log(6), table=CLEANING)

    def beside(data):
        for row in rows:
            cell = b'<c r="H%d" t="inlineStr"><is><t>about %d</t></is></c>' % (row, row)
            data = first(rb'(<row r="%d"[^>]*>.*?)</row>' % row, rb"\1" + cell + b"</row>")(data)
        return data

    rewritten(path, {sheet_part(path, CLEANING.sheet["zh"]): beside})
    assert not told(path, log(count), CLEANING)


def test_verify_knows_a_strategy_that_nobody_needs_any_more(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, frame(segment=["a", "b"], customers=[1.0, 2.0]), table=STRATEGY)
    assert not told(path, frame(segment=["b", "c"], customers=[1.0, 2.0]), STRATEGY)


def test_verify_knows_rows_that_say_what_needs_no_saying(tmp_path):
    """As LibreOffice writes the first one, like which a long list is made."""
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, frame(stage=[]), table=CLEANING)
    said = first(rb'<row r="2"', rb'\g<0> hidden="false" outlineLevel="0" collapsed="false"')
    rewritten(path, {sheet_part(path, CLEANING.sheet["zh"]): said})
    assert not told(path, log(longlist.FROM + 6), CLEANING)


def test_verify_knows_a_frame_that_does_not_bring_all_columns(tmp_path):
    path = book(tmp_path / "a.xlsx", [(one, {7: 3.0}) for one in "123"])
    assert not told(path, rfm("13"))


def test_verify_knows_two_rows_of_a_customer_who_leaves(tmp_path):
    def high(workbook, sheet, headers):
        sheet.set_row(1, 30)

    path = book(tmp_path / "a.xlsx", [("1", {}), ("1", {NOTE: "second"}), ("2", {})], extra=["note"], after=high)
    assert not told(path, full("2"))


def test_verify_knows_two_rows_of_a_customer_of_whom_the_second_has_a_comment(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("1", {}), ("2", {})], after=comment("F3"))
    assert not told(path, full("2"))


@pytest.mark.parametrize("totals", [False, True], ids=["a table", "a table with totals"])
def test_verify_knows_that_nobody_is_left_and_something_stands_beside(tmp_path, totals):
    def beside(workbook, sheet, headers):
        sheet.write("T2", "beside")
        if totals:
            add_totals(sheet, headers, 3)

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], extra=["note"], table=not totals, after=beside)
    assert not told(path, full(""))


REMARKS = {
    "in a column of ours, right below": {"B4": "remark"},
    "in a column of ours, far below": {"B40": "remark"},
    "whose it is, right below": {"A4": "制表人", "B4": "王五"},
    "whose it is, further down": {"A7": "制表人", "B7": "王五"},
    "in the column of the keys, further down": {"A6": "数据截至六月"},
    "a sum below its column": {"I7": "=SUM(I2:I3)"},
    "a sum right below the rows": {"A4": "合计", "I4": "=SUM(I2:I3)"},
}


@EITHER
@pytest.mark.parametrize("name", REMARKS)
def test_what_people_typed_below_a_list_stays_as_it_is(tmp_path, table, name):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], table=table)
    filled(path, full("12"))
    sheet = sheet_part(path, RFM.sheet["zh"])
    typed = REMARKS[name]
    rewritten(path, {sheet: lambda data: data.replace(b"</sheetData>", row_of(typed) + b"</sheetData>")})
    for ids in ("12", "1", "1"):
        assert told(path, full(ids)) == []
        filled(path, full(ids))
        assert {*typed.values()} <= {*values(path).values()}
    assert column(path, "客户ID")[:1] == ["1"]


def row_of(cells):
    """A row with some cells, as it is written."""
    number = re.search(r"\d+", next(iter(cells)))[0]
    written = "".join(
        f'<c r="{where}"><f>{text[1:]}</f></c>'
        if text.startswith("=")
        else f'<c r="{where}" t="inlineStr"><is><t>{text}</t></is></c>'
        for where, text in cells.items()
    )
    return f'<row r="{number}">{written}</row>'.encode()


@pytest.mark.parametrize("count", [1, 6])
def test_a_remark_below_a_log_stays_as_it_is(tmp_path, count):
    """A list without keys: its lines are written over, line by line, a remark is none of them."""
    path = book(tmp_path / "a.xlsx", [("1", {})])
    filled(path, log(3), CLEANING)
    part = sheet_part(path, CLEANING.sheet["zh"])
    typed = row_of({"A5": "看过", "B5": "王五"})
    rewritten(path, {part: lambda data: data.replace(b"</sheetData>", typed + b"</sheetData>")})
    assert told(path, log(count), CLEANING) == []
    filled(path, log(count), CLEANING)
    assert {"看过", "王五"} <= {*values(path, CLEANING.sheet["zh"]).values()}


@pytest.mark.parametrize("ids", ["1", "2", "12"])
def test_verify_knows_a_row_without_a_key_that_stays_for_its_comment(tmp_path, ids):
    def remark(workbook, sheet, headers):
        sheet.write("F4", "old")
        sheet.write_comment("F4", "why")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], table=False, after=remark)
    assert told(path, full(ids)) == []


def test_a_short_line_of_a_log_is_no_remark(tmp_path):
    """It is written over by the next log, and gone when that has none."""
    path = book(tmp_path / "a.xlsx", [("1", {})])
    long, short = {one.key: "x" for one in CLEANING.fields}, {"stage": "x", "code": "y", "message": "z"}
    for lines in ([long, short], [long, short], [long]):
        filled(path, frame(**{key: [line.get(key) for line in lines] for key in long}), CLEANING)
        stage = column(path, CLEANING.fields[0].header["zh"], CLEANING.sheet["zh"])
        assert [one for one in stage if one] == ["x"] * len(lines)


def test_the_row_of_a_customer_who_left_goes_when_its_note_does(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "owes us"}), ("2", {})], extra=["note"])
    filled(path, full("12"))
    left = {"customer_id": "1", "segment": "不在本次分析中"}
    lines = [{one.key: "2" for one in RFM.fields if one.kind not in ("count", "money")}, left]
    filled(path, frame(**{one.key: [line.get(one.key) for line in lines] for one in RFM.fields}))
    assert column(path, "客户ID") == ["1", "2"]
    part = sheet_part(path, RFM.sheet["zh"])
    rewritten(path, {part: first(rb'<c r="O2"[^>]*>.*?</c>', b"")})
    filled(path, full("2"))
    assert [one for one in column(path, "客户ID") if one] == ["2"]


def test_a_formula_saved_without_a_result_makes_way_for_nothing(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    part = sheet_part(path, RFM.sheet["zh"])
    rewritten(path, {part: first(rb'<c r="F2"[^>]*>.*?</c>', b'\\g<0><c r="G2"><f>1/0*B2</f></c>')})
    filled(path, full("12", recency_days=[None, 2.0]))
    assert column(path, RFM["recency_days"].header["zh"]) == [None, 2]


@pytest.mark.parametrize("below", ["A6", "A7"])
def test_verify_knows_a_list_that_has_grown_down_to_a_remark(tmp_path, below):
    def looks(workbook, sheet, headers):
        sheet.write("D2", "x", workbook.add_format({"bold": True}))
        sheet.write(below, "remark")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], table=False, after=looks)
    assert told(path, full("1234")) == []


def test_verify_knows_that_nobody_is_left_in_a_calculated_column(tmp_path):
    assert told(calculated(tmp_path / "a.xlsx", table=True), full("")) == []
