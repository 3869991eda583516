"""Rows of a table written into a sheet that people work in."""

import re
from datetime import date

import openpyxl
import openpyxl.comments
import pytest
from bookshop import HEADERS, RFM_SHEET, book, column, frame, parts, repairs, rewritten, rfm, sheet_part, values
from fills import violations

from segmenter.books.file import FileBook
from segmenter.cells import position
from segmenter.errors import Refused
from segmenter.schema import RFM, STRATEGY, table

PERSONAS = table("personas")
SHEET = "xl/worksheets/sheet1.xml"
NOTE = len(HEADERS)
"""the first column that is not ours"""


def fill(path, data, out=None):
    with FileBook(path, out) as target:
        target.write(RFM, data)
    assert not repairs(out or path)


def test_an_empty_table_is_filled_in_the_style_of_its_first_row(tmp_path):
    path = book(tmp_path / "a.xlsx")
    fill(path, rfm([7, 8, 9]))
    sheet = openpyxl.load_workbook(path)[RFM_SHEET]
    assert [sheet.cell(row, 1).value for row in (2, 3, 4)] == ["7", "8", "9"]
    assert sheet["A4"].fill.fgColor.rgb == "FFDDEEFF"
    assert sheet.tables["RfmSegments"].ref == "A1:N4"
    assert sheet.dimensions == "A1:N4"


def test_filling_again_changes_no_byte(tmp_path):
    path = book(tmp_path / "a.xlsx")
    fill(path, rfm([7, 8, 9], segment=["=1+1", "a\x0bb", " x "]))
    first = path.read_bytes()
    fill(path, rfm([7, 8, 9], segment=["=1+1", "a\x0bb", " x "]))
    assert path.read_bytes() == first


def test_rows_stay_where_they_are_and_new_ones_go_below(tmp_path):
    path = book(tmp_path / "a.xlsx", [("3", {}), ("1", {}), ("2", {})])
    fill(path, rfm([1, 2, 3, 4]))
    assert column(path, "客户ID") == ["3", "1", "2", "4"]
    assert column(path, "客户类型") == ["kind 3", "kind 1", "kind 2", "kind 4"]


def test_what_people_typed_beside_travels_with_its_row(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {NOTE: "call"}), ("3", {NOTE: 5})], extra=["备注"])
    fill(path, rfm([2, 3, 4]))
    assert column(path, "客户ID") == ["2", "3", "4"]
    assert column(path, "备注") == ["call", 5, None]


def test_a_row_that_is_gone_stays_when_something_was_typed_in_it(tmp_path):
    path = book(
        tmp_path / "a.xlsx", [("1", {5: "kind 1", NOTE: "owes us money"}), ("2", {5: "kind 2"})], extra=["备注"]
    )
    fill(path, rfm([3]))
    assert column(path, "客户ID") == ["1", "3"]
    assert column(path, "备注") == ["owes us money", None]
    assert column(path, "客户类型") == ["不在本次分析中", "kind 3"]
    fill(path, rfm([3, 1]))
    assert column(path, "客户类型") == ["kind 1", "kind 3"]
    assert column(path, "备注") == ["owes us money", None]


def test_a_remark_right_below_the_rows_stays_below_them(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("数据截至六月", {5: None})], table=False)
    fill(path, rfm([1, 2]))
    assert column(path, "客户ID") == ["1", "2", "数据截至六月"]


def test_a_word_far_below_a_list_of_two_columns_stays_there(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})], table=False, after=lambda _, sheet, __: sheet.write("A9", "checked"))
    fill(path, frame(customer_id=["1", "2"], segment=["a", "b"]))
    assert column(path, "客户ID") == ["1", "2", *[None] * 5, "checked"]


@pytest.mark.parametrize(
    ("below", "row", "totals", "left"),
    [
        (["mine"], 6, False, ["a", "b", None, None, None, "mine"]),
        (["mine"], 4, False, ["a", "b", "mine"]),
        (["mine"], 3, False, ["a", "b", "mine"]),
        (["合计", *[None] * 4, "=SUM(F2:F3)"], 3, False, ["a", "b", "合计"]),
        (["合计", *[None] * 4, "=SUM(F2:F3)"], 5, False, ["a", "b", None, None, "合计"]),
        (["合计", *[None] * 4, "=SUBTOTAL(109,F2:F3)"], 3, True, ["a", "b", "合计"]),
    ],
)
def test_what_is_typed_below_the_segments_is_there_once(tmp_path, below, row, totals, left):
    import xlsxwriter

    path = tmp_path / "a.xlsx"
    heads = [STRATEGY[key].header["zh"] for key in ("segment", "traits", "strategy", "owner", "period", "customers")]
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(STRATEGY.sheet["zh"])
        if totals:
            columns = [{"header": head, "total_string": "合计"} for head in heads]
            sheet.add_table(0, 0, row, 5, {"columns": columns, "total_row": True})
        for number, cells in ((0, heads), (1, [*"abcde"]), (2, [*"bcdef"]), (row, below)):
            sheet.write_row(number, 0, cells)
    for _ in range(2):
        with FileBook(path) as target:
            typed = [one[0] for one in target.read(STRATEGY).rows[1:] if one and one[0]]
            target.write(STRATEGY, frame(segment=typed, customers=[1.0] * len(typed)))
        assert [one[0] if one else None for one in FileBook(path).read(STRATEGY).rows[1:]] == left


def write_beside_a_table(path, heads):
    """Writes the segments that are read from a list with a blank row, where a table of three columns beside it ends."""
    import xlsxwriter

    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet(STRATEGY.sheet["zh"])
        sheet.write_row(0, 0, [STRATEGY[key].header["zh"] for key in ("segment", "traits", "strategy")])
        sheet.write_column(1, 0, ["a", "b", None, "d"])
        sheet.add_table("H1:J3", {"columns": [{"header": head} for head in heads]})
        sheet.write("H8", "a note")
    with FileBook(path) as target:
        typed = [one[0] for one in target.read(STRATEGY).rows[1:5] if one and one[0]]
        target.write(STRATEGY, frame(segment=typed, traits=["t"] * len(typed)))


def test_segments_below_a_gap_at_the_end_of_a_table_beside_them_are_read(tmp_path):
    write_beside_a_table(tmp_path / "a.xlsx", ["x", "y", "z"])
    rows = FileBook(tmp_path / "a.xlsx").read(STRATEGY).rows[1:5]
    assert {row[0]: row[1] for row in rows if row[0]} == {"a": "t", "b": "t", "d": "t"}


def test_segments_that_a_table_like_their_list_hides_from_reading_are_not_lost(tmp_path):
    with pytest.raises(Refused) as refused:
        write_beside_a_table(tmp_path / "a.xlsx", ["客户ID", "性别", "年龄"])
    assert (refused.value.key, refused.value.cell) == ("rows_unread", "A5")


def test_the_nth_row_with_a_key_is_the_nth_of_the_frame(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "a"}), ("1", {NOTE: "b"})], extra=["备注"])
    fill(path, rfm(["1", "1", "1"], segment=["x", "y", "z"]))
    assert column(path, "客户类型") == ["x", "y", "z"]
    assert column(path, "备注") == ["a", "b", None]


def test_a_numeric_id_on_the_sheet_is_the_text_of_the_frame(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})], table=False, after=lambda w, s, h: s.write_number(1, 0, 1001))
    fill(path, rfm(["1001"]))
    assert values(path)[2, 1] == "1001"
    assert column(path, "客户类型") == ["kind 1001"]


def test_columns_in_any_order_and_some_missing(tmp_path):
    def shuffle(workbook, sheet, headers):
        sheet.write_row(0, 0, ["谁", "客户类型", "客户ID", "M金额"])
        sheet.write_row(1, 0, ["me", "", "2", 0])

    path = book(tmp_path / "a.xlsx", [("x", {})], table=False)
    import xlsxwriter

    with xlsxwriter.Workbook(path) as workbook:
        shuffle(workbook, workbook.add_worksheet(RFM_SHEET), ())
    fill(path, rfm([1, 2]))
    found = values(path)
    assert [found.get((2, n)) for n in (1, 2, 3, 4)] == ["me", "kind 2", "2", 1.5]
    assert [found.get((3, n)) for n in (1, 2, 3, 4)] == [None, "kind 1", "1", 0]


def test_formulas_of_moved_rows_follow(tmp_path):
    rows = [(str(n), {NOTE: f"=I{n + 2}*2+$A$1"}) for n in range(4)]
    path = book(tmp_path / "a.xlsx", rows, extra=["double"], table=False)
    fill(path, rfm([2, 3]))
    assert column(path, "double") == ["=I2*2+$A$1", "=I3*2+$A$1"]


def test_an_id_that_is_typed_otherwise_is_the_same_customer(tmp_path):
    path = book(tmp_path / "a.xlsx", [("Ｃ１", {NOTE: "vip"}), ("x 2", {NOTE: "late"})], extra=["note"])
    fill(path, rfm(["X2", "c1"]))
    assert column(path, "客户ID") == ["c1", "X2"]
    assert column(path, "note") == ["vip", "late"]


def test_a_sum_of_numbers_is_as_good_as_typed(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {NOTE: "=500+200"}), ("3", {NOTE: "=I4*2"})], extra=["bonus"])
    fill(path, rfm([1]))
    assert column(path, "客户ID") == ["1", "2"]
    assert column(path, "bonus") == [None, "=500+200"]


def test_a_sum_of_numbers_is_not_how_a_table_calculates_its_column(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "=500+200"}), ("2", {})], extra=["bonus"])
    fill(path, rfm([1, 2, 3]))
    assert column(path, "bonus") == ["=500+200", None, None]


def test_a_row_with_a_sum_of_numbers_is_no_total(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", dict.fromkeys(range(1, 8), "x")), ("3", {8: "=500+200"})], table=False)
    fill(path, rfm([1, 2, 3]))
    assert column(path, "客户ID") == ["1", "3", "2"]


def test_shared_formulas_are_spelt_out_when_rows_move(tmp_path):
    path = book(tmp_path / "a.xlsx", [(str(n), {NOTE: 1}) for n in range(4)], extra=["s"], table=False)
    part = sheet_part(path, RFM_SHEET)
    from bookshop import rewritten

    def share(data):
        for n in range(4):
            tag = b'<f t="shared" ref="O2:O5" si="0">I2+1</f>' if n == 0 else b'<f t="shared" si="0"/>'
            data = data.replace(b'<c r="O%d"><v>1</v></c>' % (n + 2), b'<c r="O%d">%s<v>1</v></c>' % (n + 2, tag))
        return data

    rewritten(path, {part: share})
    fill(path, rfm([2, 3]))
    assert column(path, "s") == ["=I2+1", "=I3+1"]


def other_table(where):
    """An Excel table of somebody else, with two rows."""
    top, left = position(where)

    def add(workbook, sheet, headers):
        columns = [{"header": "day"}, {"header": "sum"}]
        sheet.add_table(top, left, top + 2, left + 1, {"name": "Other", "columns": columns, "data": [[1, 2], [3, 4]]})

    return add


def test_a_list_ends_above_an_excel_table_right_below_it(tmp_path):
    """Whose headers would otherwise be rows of the list, and go where its rows go."""
    path = book(tmp_path / "a.xlsx", [(str(n), {}) for n in range(1, 4)], table=False, after=other_table("A5"))
    with pytest.raises(Refused) as refused:
        fill(path, rfm([1, 2, 3, 4]))
    assert refused.value.key == "table_below"
    fill(path, rfm([2, 3]))
    assert column(path, "客户ID")[:6] == ["2", "3", None, "day", 1, 3]


@pytest.mark.parametrize("table", [True, False])
def test_an_excel_table_that_begins_beside_the_rows_stays(tmp_path, table):
    path = book(tmp_path / "a.xlsx", [(str(n), {}) for n in range(1, 6)], table=table, after=other_table("O3"))
    fill(path, rfm([4, 5, 6]))
    assert column(path, "客户ID")[:3] == ["4", "5", "6"]
    assert [values(path).get((row, NOTE + 1)) for row in range(2, 7)] == [None, "day", 1, 3, None]
    fill(path, rfm([4, 5, 6, 7, 8, 9]))
    assert [values(path).get((row, NOTE + 1)) for row in range(2, 7)] == [None, "day", 1, 3, None]


def test_calculated_columns_of_a_table_reach_new_rows(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "=I2*2"})], extra=["double"])
    fill(path, rfm([1, 2]))
    assert column(path, "double") == ["=I2*2", "=I3*2"]
    assert b'fullCalcOnLoad="1"' in parts(path)["xl/workbook.xml"]


def test_rules_validations_links_and_print_area_follow_the_rows(tmp_path):
    def dress(workbook, sheet, headers):
        sheet.conditional_format("I2:I4", {"type": "data_bar"})
        sheet.conditional_format("F3", {"type": "formula", "criteria": "=$I3>0"})
        sheet.data_validation("O2:O4", {"validate": "list", "source": ["a", "b"]})
        sheet.write_url("O4", "https://example.org/", string="b")
        sheet.print_area("A1:O4")
        sheet.autofilter("A1:O4")

    path = book(
        tmp_path / "a.xlsx",
        [(str(n), {NOTE: "b"} if n == 2 else {}) for n in range(3)],
        extra=["n"],
        table=False,
        after=dress,
    )
    fill(path, rfm([1, 2, 3, 4, 5]))
    sheet = openpyxl.load_workbook(path)[RFM_SHEET]
    assert {str(one.sqref) for one in sheet.conditional_formatting} == {"I2:I6", "F2"}
    rule = next(one for one in sheet.conditional_formatting if str(one.sqref) == "F2").rules[0]
    assert rule.formula == ["$I2>0"]
    assert str(sheet.data_validations.dataValidation[0].sqref) == "O2:O6"
    assert sheet["O3"].hyperlink.target == "https://example.org/"
    assert sheet.print_area.endswith("$A$1:$O$6")
    assert sheet.auto_filter.ref == "A1:O6"
    assert b"$A$1:$O$6" in parts(path)["xl/workbook.xml"]


@pytest.mark.parametrize(
    ("rule", "left", "follows"),
    [
        ("I4:I6", [1, 3, 4, 5, 6, 7, 8], "I3:I5"),  # of customers 3, 4 and 5: one above goes
        ("I4:I6", [1, 2, 3, 5, 6, 7, 8], "I4:I5"),  # one of theirs goes
        ("I4:I6", [1, 2, 4, 5, 6, 7, 8], "I4:I5"),  # the first of theirs goes
        ("I4:I6", [1, 2, 3, 4, 6, 7, 8], "I4:I5"),  # the last of theirs goes
        ("I4:I6", [1, 2, 3, 4, 5, 6, 7, 8, 9], "I4:I6"),
        ("I4:I9", [1, 3, 4, 5, 6, 7, 8, 9], "I3:I9"),  # down to the last row: whoever comes is meant as well
        ("I4:I20", [1, 3, 4, 5, 6, 7, 8, 9], "I3:I20"),  # and past it, where nobody is yet
        ("I4:I11", range(1, 16), "I4:I16"),  # until they are more
        ("I4:I6", [1, 2, 6, 7, 8], None),  # none of theirs is left, and others stand there now
        ("I1:I3", [3, 4, 5], "I1"),
        ("I7:I9", [1, 2, 3], None),
        ("I7:I9", [1, 2, 3, 4, 5, 9], "I7"),
        ("I7:I9", [1, 2, 3, 10, 11], "I5:I6"),  # whoever comes is meant as well
        ("I4:I1000", [2, 3, 4, 5, 6, 7, 8], "I3:I1000"),
        ("I4:I1000", [3, 4], "I2:I1000"),
        ("I4:I12", [*range(1, 16)], "I4:I16"),
    ],
)
def test_a_rule_over_some_rows_stays_with_their_customers(tmp_path, rule, left, follows):
    def dress(workbook, sheet, headers):
        sheet.conditional_format(rule, {"type": "formula", "criteria": f"=$I{rule[1]}>0"})

    path = book(tmp_path / "a.xlsx", [(str(n), {}) for n in range(1, 9)], table=False, after=dress)
    fill(path, rfm(left))
    rules = openpyxl.load_workbook(path)[RFM_SHEET].conditional_formatting
    assert [str(one.sqref) for one in rules] == ([follows] if follows else [])
    assert [one.rules[0].formula for one in rules] == ([[f"$I{follows[1]}>0"]] if follows else [])


def test_everything_shrinks_with_the_rows(tmp_path):
    def dress(workbook, sheet, headers):
        sheet.conditional_format("I2:I9", {"type": "data_bar"})
        sheet.data_validation("B5", {"validate": "any", "input_message": "x"})

    path = book(tmp_path / "a.xlsx", [(str(n), {1: "x"}) for n in range(8)], after=dress)
    fill(path, rfm([0, 1]))
    sheet = openpyxl.load_workbook(path)[RFM_SHEET]
    assert sheet.tables["RfmSegments"].ref == "A1:N3"
    assert sheet.dimensions == "A1:N3"
    assert {str(one.sqref) for one in sheet.conditional_formatting} == {"I2:I3"}
    assert not sheet.data_validations.dataValidation


def test_comments_stay_with_their_customer(tmp_path):
    def note(workbook, sheet, headers):
        sheet.write_comment("A4", "good payer")

    path = book(tmp_path / "a.xlsx", [(str(n), {1: "x"}) for n in range(3)], after=note)
    fill(path, rfm([2, 5]))
    sheet = openpyxl.load_workbook(path)[RFM_SHEET]
    assert column(path, "客户ID") == ["2", "5"]
    assert sheet["A2"].comment.text == "good payer"
    vml = next(data for name, data in parts(path).items() if name.endswith(".vml"))
    assert b"<x:Row>1</x:Row>" in vml


def boxes(path):
    """Row and column of the boxes of comments, as they are told whatever the prefixes."""
    vml = next(data for name, data in parts(path).items() if name.endswith(".vml"))
    return re.findall(rb"<\w+:Row>(\d+)</\w+:Row><\w+:Column>(\d+)</\w+:Column>", vml)


def test_comments_of_a_workbook_that_openpyxl_saved_stay_with_their_customers(tmp_path):
    """It writes their boxes with prefixes of its own."""
    path, out = book(tmp_path / "a.xlsx", [(one, {}) for one in "abcde"]), tmp_path / "b.xlsx"
    workbook = openpyxl.load_workbook(path)
    workbook[RFM_SHEET]["A4"].comment = openpyxl.comments.Comment("about c", "me")
    workbook[RFM_SHEET]["F6"].comment = openpyxl.comments.Comment("about e", "me")
    workbook.save(path)
    assert boxes(path) == [(b"3", b"0"), (b"5", b"5")]
    fill(path, rfm("acde"), out)
    assert [openpyxl.load_workbook(out)[RFM_SHEET][where].comment.text for where in ("A3", "F5")] == [
        "about c",
        "about e",
    ]
    assert boxes(out) == [(b"2", b"0"), (b"4", b"5")]
    assert not violations(path, out)
    vml = next(name for name in parts(out) if name.endswith(".vml"))
    rewritten(out, {vml: lambda data: data.replace(b"Row>2<", b"Row>3<")})
    assert violations(path, out) == [vml]


def lined(path, ids="abcde", lines=range(2, 7), rules=(3, 5)):
    """Customers each of whom has a line drawn in a cell, and some a rule and a validation that only newer versions of
    Excel know."""

    def said(workbook, sheet, headers):
        for n in lines:
            sheet.add_sparkline(f"O{n}", {"range": f"I{n}:N{n}"})
        for n in rules:
            sheet.conditional_format(f"H{n}", {"type": "data_bar", "bar_solid": True})

    book(path, [(one, {}) for one in ids], extra=["line"], after=said)
    validation = b"".join(
        b'<x14:dataValidation type="list"><x14:formula1><xm:f>Other!A%d</xm:f></x14:formula1><xm:sqref>N%d</xm:sqref>'
        b"</x14:dataValidation>" % (n, n)
        for n in rules
    )
    ext = (
        b'<ext xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" '
        b'uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"><x14:dataValidations count="%d" '
        b'xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main">%b</x14:dataValidations></ext></extLst></work'
    )
    new = ext % (len(rules), validation)
    return rewritten(path, {sheet_part(path, RFM_SHEET): lambda data: data.replace(b"</extLst></work", new)})


def further(path):
    """Where lines, rules and validations stand of which only newer versions of Excel know, and the whole list."""
    data = parts(path)[sheet_part(path, RFM_SHEET)].rpartition(b"<extLst>")[2]
    return sorted(re.findall(rb"<xm:sqref>([A-Z]+[0-9]+)</xm:sqref>", data)), data


def test_lines_and_rules_of_customers_who_are_gone_go_with_them(tmp_path):
    path, out = lined(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    fill(path, rfm("acdef"), out)  # b is gone, in row 3
    assert further(out)[0] == [b"H4", b"N4", b"O2", b"O3", b"O4", b"O5"]
    assert b'<x14:dataValidations count="1"' in further(out)[1]
    assert not violations(path, out)


@pytest.mark.parametrize("ids", ["ac", "bde", "f"])
def test_lists_of_lines_and_rules_with_nothing_in_them_go_too(tmp_path, ids):
    path, out = lined(tmp_path / "a.xlsx", lines=[3], rules=[3]), tmp_path / "b.xlsx"
    fill(path, rfm(ids), out)
    assert further(out)[0] == ([b"H2", b"N2", b"O2"] if "b" in ids else [])
    assert (b"<extLst>" in parts(out)[sheet_part(out, RFM_SHEET)]) == ("b" in ids)
    assert not violations(path, out)


@pytest.mark.parametrize("name", ["ignoredError", "protectedRange"])
def test_marks_and_protected_ranges_of_newer_versions_of_excel_go_too(tmp_path, name):
    path, out = book(tmp_path / "a.xlsx", [(one, {}) for one in "abc"]), tmp_path / "b.xlsx"
    ext = (
        '<extLst><ext xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" uri="{0}">'
        f'<x14:{name}s xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><x14:{name}>'
        f"<xm:sqref>A3</xm:sqref></x14:{name}></x14:{name}s></ext></extLst></worksheet>"
    )
    rewritten(path, {sheet_part(path, RFM_SHEET): lambda data: data.replace(b"</worksheet>", ext.encode())})
    fill(path, rfm("bc"), out)
    assert further(out)[0] == [b"A2"]
    assert not violations(path, out)
    fill(path, rfm("ac"), out)
    assert b"<extLst>" not in parts(out)[sheet_part(out, RFM_SHEET)]
    assert not violations(path, out)


def test_a_row_with_a_comment_is_kept(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {1: "x"})], after=lambda w, s, h: s.write_comment("B2", "remember"))
    fill(path, rfm([2]))
    assert column(path, "客户ID") == ["1", "2"]


def test_a_row_of_totals_stays_below(tmp_path):
    def totals(workbook, sheet, headers):
        columns = [{"header": header} for header in headers]
        columns[8] = {"header": headers[8], "total_function": "sum"}
        columns[0]["total_string"] = "合计"
        sheet.add_table("A1:N4", {"name": "RfmSegments", "total_row": True, "columns": columns})
        sheet.write_formula("H4", "=SUM(I2:I3)")

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})], table=False, after=totals)
    fill(path, rfm([1, 2, 3, 4]))
    found = values(path)
    assert found[6, 1] == "合计"
    assert found[6, 8] == "=SUM(I2:I5)"
    assert "SUBTOTAL" in found[6, 9]
    assert openpyxl.load_workbook(path)[RFM_SHEET].tables["RfmSegments"].ref == "A1:N6"


def test_a_block_beside_the_table_does_not_move(tmp_path):
    def beside(workbook, sheet, headers):
        sheet.write("Q2", "legend")
        sheet.write("Q4", "red = late")

    path = book(tmp_path / "a.xlsx", [(str(n), {1: "x"}) for n in range(3)], after=beside)
    fill(path, rfm([2]))
    found = values(path)
    assert (found[2, 17], found[4, 17]) == ("legend", "red = late")
    assert (3, 1) not in found and (4, 1) not in found


def test_merged_cells_among_the_rows_are_refused(tmp_path):
    path = book(
        tmp_path / "a.xlsx", [("1", {}), ("2", {})], table=False, after=lambda w, s, h: s.merge_range("F2:F3", "x")
    )
    with pytest.raises(Refused) as refused:
        fill(path, rfm([1]))
    assert refused.value.key == "table_merged"


def test_a_foreign_sheet_of_that_name_is_refused(tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        workbook.add_worksheet(RFM_SHEET).write("A1", "my shopping list")
    with pytest.raises(Refused) as refused:
        fill(tmp_path / "a.xlsx", rfm([1]))
    assert refused.value.key == "sheet_foreign"


def test_a_column_of_theirs_that_is_headed_like_one_of_ours_is_not_written_over(tmp_path):
    rows = [("1", {1: "an old friend"})]
    path = book(tmp_path / "a.xlsx", rows, table=False, after=lambda w, s, h: s.write("B1", HEADERS[-1]))
    with pytest.raises(Refused) as refused:
        fill(path, rfm([1], reason=["orders little"]))
    assert (refused.value.key, refused.value.params["first"], refused.value.cell) == ("header_twice", "B1", "N1")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "=cmd|'/c calc'!A1", "\t=1", "＝1"])
def test_text_that_looks_like_a_formula_is_text_for_good(tmp_path, text):
    path = book(tmp_path / "a.xlsx")
    fill(path, rfm([1], segment=[text]))
    cell = openpyxl.load_workbook(path)[RFM_SHEET]["F2"]
    assert cell.quotePrefix
    assert cell.fill.fgColor.rgb == "FFDDEEFF"
    assert b"<f>" not in parts(path)[sheet_part(path, RFM_SHEET)]
    fill(path, rfm([1], segment=["plain"]))
    assert not openpyxl.load_workbook(path)[RFM_SHEET]["F2"].quotePrefix


def test_text_that_looks_like_a_formula_where_there_are_no_formats(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})], table=False)
    styles = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    rewritten(path, {"xl/styles.xml": styles, SHEET: lambda data: re.sub(rb' s="\d+"', b"", data)})
    with FileBook(path) as target:
        target.write(RFM, rfm([1, 2], segment=["=1+1", "@a"]))
    assert [row[5] for row in FileBook(path).read(RFM).rows[1:]] == ["=1+1", "@a"]


def test_a_remark_below_rows_of_which_little_is_said_stays(tmp_path):
    """As below the personas, when one of them is of too few customers for a portrait."""
    path, out = book(tmp_path / "a.xlsx", [("1", {})]), tmp_path / "b.xlsx"
    with FileBook(path) as target:
        three = frame(
            segment=["a", "b", "c"],
            traits=["young", "—", "old"],
            customers=[9.0, None, 9.0],
            customer_share=[1.0, None, 1.0],
            missing=[None, "少于5人，不做画像", None],
        )
        target.write(PERSONAS, three)
    part = sheet_part(path, PERSONAS.sheet["zh"])
    remark = b'<row r="5"><c r="A5" t="inlineStr"><is><t>ask them</t></is></c></row></sheetData>'
    rewritten(path, {part: lambda data: data.replace(b"</sheetData>", remark)})
    with FileBook(path, out) as target:
        target.write(PERSONAS, three.at([0, 1]))
    assert [row[0] for row in FileBook(out).read(PERSONAS).rows[1:]] == ["a", "b", "ask them"]
    assert not violations(path, out)


UNREAD = {
    "an error": b' t="e"><v>#N/A</v>',
    "a formula with an error": b' t="e"><f>1/0</f><v>#DIV/0!</v>',
    "a picture": b' t="e" vm="1"><v>#VALUE!</v>',
    "a formula nobody has calculated": b"><f>TODAY()</f>",
    "the day that never was": b' s="DAY"><v>60</v>',
    "a day as a text": b' t="d"><v>2026-05-01T00:00:00</v>',
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_people_typed_stays_where_it_cannot_be_written_as_it_was_read(tmp_path, name):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    with FileBook(path) as target:
        target.write(STRATEGY, frame(segment=["a", "b"], traits=[None, "t"], start_on=[None, date(2026, 5, 1)]))
    part = sheet_part(path, STRATEGY.sheet["zh"])
    day = re.search(rb'<c r="P3" s="(\d+)"', parts(path)[part])[1]
    cell = UNREAD[name].replace(b"DAY", day)
    rewritten(path, {part: lambda data: re.sub(rb'(<c r="B3").*?(?=</c>)', lambda one: one[1] + cell, data)})
    out = tmp_path / "b.xlsx"
    with FileBook(path, out) as target:
        traits = target.read(STRATEGY).rows[2][1]
        target.write(STRATEGY, frame(segment=["b", "c"], traits=[traits, "new"], customers=[1.0, 2.0]))
    assert b'<c r="B2"' + cell + b"</c>" in parts(out)[part]
    assert not violations(path, out)


def test_formats_with_a_blank_before_their_end(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    rewritten(path, {"xl/styles.xml": lambda data: re.sub(rb"(<xf [^>]*\S)/>", rb"\1 />", data)})
    fill(path, rfm([1, 2, 3], segment=["=1+1", "a", "=1+1"]))
    assert column(path, "客户类型") == ["=1+1", "a", "=1+1"]


def test_cells_and_rows_without_addresses(tmp_path):
    import re

    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {NOTE: "b"}), ("3", {})], extra=["备注"], table=False)
    from bookshop import rewritten

    def strip(data):
        head, _, tail = data.partition(b"<sheetData>")
        rows = []
        for row in re.findall(rb"<row.*?</row>", tail):
            cells = {int.from_bytes(c[1], "big"): c[0] for c in re.finditer(rb'<c r="([A-Z])\d+".*?(?:/>|</c>)', row)}
            rows.append(
                b"<row>"
                + b"".join(re.sub(rb' r="[A-Z]+\d+"', b"", cells.get(65 + n, b"<c/>")) for n in range(15))
                + b"</row>"
            )
        return head + b"<sheetData>" + b"".join(rows) + b"</sheetData>" + tail.partition(b"</sheetData>")[2]

    rewritten(path, {sheet_part(path, RFM_SHEET): strip})
    fill(path, rfm([2, 3, 4]))
    assert column(path, "客户ID") == ["2", "3", "4"]
    assert column(path, "备注") == ["b", None, None]
