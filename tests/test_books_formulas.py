"""Formulas people typed among the rows of a list, and what becomes of them when customers come and go."""

import re

import pytest
from bookshop import RFM_SHEET, book, column, parts, repairs, rewritten, sheet_part, values
from fills import NOTE, add_totals, fill, first, full, refuses, violations

from segmenter.books import longlist, translate
from segmenter.books.sheetxml import Sheet
from segmenter.errors import Refused

REMARK = {5: "subtotal"}


def remarks(path, formula, *, table=True, row=5, after=None):
    """Six customers in rows 2 to 8, and a row without a key among them that has a formula in a column of people."""
    rows = [(str(n), {}) for n in range(1, 7)]
    rows.insert(row - 2, ("", {**REMARK, NOTE: formula}))
    return book(path, rows, extra=["note"], table=table, after=after)


def remarked(path):
    """Row and formula of the remark."""
    found = values(path)
    rows = [row for (row, column), value in found.items() if column == 6 and value == "subtotal"]
    assert len(rows) == 1
    return rows[0], found[rows[0], NOTE + 1]


FOLLOWS = {
    "=I5*2": "=I4*2",
    "=SUM(H5:N5)": "=SUM(H4:N4)",
    "=SUM(I2:I4)": "=SUM(I2:I3)",
    "=SUM($I$2:I$4)": "=SUM($I$2:I$3)",
    "=SUM(I3:I6)": "=SUM(I2:I4)",
    "=SUM(I1:I5)": "=SUM(I1:I4)",
    "=SUM(I6:I8)": "=SUM(I5:I7)",
    "=SUM(i6:i8)": "=SUM(i5:i7)",
    "=SUM(I2:I99)": "=SUM(I2:I99)",
    "=I7-$I$4": "=I5-$I$3",
    "=SUM(I:I)+SUM(4:4)": "=SUM(I:I)+SUM(3:3)",
    '=IF(I4>1,"I4 ""I4""",I4)': '=IF(I3>1,"I4 ""I4""",I3)',
    "=$A$1&Q4&LOG10(I4)": "=$A$1&Q4&LOG10(I3)",
    "=other!I4+'I4 I4'!I4+[1]other!I4:I$5": "=other!I4+'I4 I4'!I4+[1]other!I4:I$5",
    "=SUM('it''s I4'!I$4:$J5,other!4:5,I4)": "=SUM('it''s I4'!I$4:$J5,other!4:5,I3)",
    f"='{RFM_SHEET}'!I4+{RFM_SHEET}!I7:I8": f"='{RFM_SHEET}'!I3+{RFM_SHEET}!I5:I7",
    "=SUM(RfmSegments[[#This Row],[I4]],I4)": "=SUM(RfmSegments[[#This Row],[I4]],I3)",
    "=SUM(I4:INDEX(I:I,5))": "=SUM(I3:INDEX(I:I,5))",
    "=SUM(I3:I4)*单价B2": "=SUM(I2:I3)*单价B2",
    "=SUM(I7:I8)*B2单价*I4年": "=SUM(I5:I7)*B2单价*I4年",
    "=SUM(other!I2:other!I4)+SUM(other!$I$2:other!$I$4)": "=SUM(other!I2:other!I4)+SUM(other!$I$2:other!$I$4)",
    f"={RFM_SHEET.lower()}!I4": f"={RFM_SHEET.lower()}!I3",
    r"=I4*a\I4*I4\a*x?I4*I4?": r"=I3*a\I4*I4\a*x?I4*I4?",
}


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("formula", FOLLOWS)
def test_a_remark_goes_on_reading_the_rows_it_read(tmp_path, formula, table):
    """Customers 1 and 4 go, in rows 2 and 6; 7 comes."""
    path, out = remarks(tmp_path / "a.xlsx", formula, table=table), tmp_path / "b.xlsx"
    fill(path, full("23567"), out)
    assert not repairs(out)
    assert column(out, "客户ID") == ["2", "3", "", "5", "6", "7"]
    assert remarked(out) == (4, FOLLOWS[formula])
    assert not violations(path, out)
    again = out.read_bytes()
    fill(out, full("23567"))
    assert out.read_bytes() == again


@pytest.mark.parametrize("formula", ["=I2", "=SUM(H6:I6)*2", "=I6+I5", "=SUM(I2:I2)"])
def test_a_remark_on_a_customer_who_is_gone_is_not_lost(tmp_path, formula):
    """Excel would put #REF! in its place."""
    path = remarks(tmp_path / "a.xlsx", formula)
    before = path.read_bytes()
    with pytest.raises(Refused) as refused:
        fill(path, full("2356"))
    assert (refused.value.key, refused.value.sheet, refused.value.value) == ("formula_stuck", RFM_SHEET, formula[1:])
    assert path.read_bytes() == before


GROWS = {
    "=SUM(I3:I8)": "=SUM(I3:I10)",
    "=SUM(I8:I8)": "=SUM(I8:I10)",
    "=SUM(H8:I8)": "=SUM(H8:I8)",
    "=I8": "=I8",
    "=SUM(I3:I7)": "=SUM(I3:I7)",
}


@pytest.mark.parametrize("formula", GROWS)
def test_what_is_added_below_is_read_where_a_range_went_down_to_the_last_row(tmp_path, formula):
    path = remarks(tmp_path / "a.xlsx", formula, row=2)
    fill(path, full("12345678"))
    assert remarked(path) == (2, GROWS[formula])


def test_a_sum_over_its_own_row_and_those_above_takes_in_those_that_come_above(tmp_path):
    """Its row is the last one of the list, and stays it."""
    path = remarks(tmp_path / "a.xlsx", "=SUM(I2:I8)+SUM(A8:N8)", row=8)
    fill(path, full("3456789"))
    assert remarked(path) == (9, "=SUM(I2:I9)+SUM(A9:N9)")


@pytest.mark.parametrize("ids", ["1237", "4567"])
def test_a_formula_that_would_lead_below_the_sheet_is_not_copied(tmp_path, ids):
    """Excel takes a workbook with such a one for damaged."""
    path = book(tmp_path / "a.xlsx", [(one, {NOTE: "=SUM(I2:I1048576)"}) for one in "123"], extra=["note"])
    with pytest.raises(Refused) as refused:
        fill(path, full(ids))
    assert (refused.value.key, refused.value.value) == ("formula_stuck", "SUM(I2:I1048576)")


def test_a_formula_down_to_the_last_row_of_the_sheet_goes_up_with_its_row(tmp_path):
    path = book(tmp_path / "a.xlsx", [(one, {NOTE: "=SUM(I5:I1048576)"}) for one in "123"], extra=["note"])
    out = tmp_path / "b.xlsx"
    fill(path, full("23"), out)
    assert values(out)[2, NOTE + 1] == "=SUM(I4:I1048575)"
    assert not violations(path, out)


def test_a_list_of_which_one_row_is_left_grows_again(tmp_path):
    path = remarks(tmp_path / "a.xlsx", "=SUM(I3:I8)", row=2)
    fill(path, full("4"))
    assert remarked(path) == (2, "=SUM(I3:I3)")
    fill(path, full("456"))
    assert remarked(path) == (2, "=SUM(I3:I5)")


def test_a_remark_with_a_word_in_the_column_of_the_keys(tmp_path):
    """What no customer lacks is missing in it: it is none."""
    rows = [("1", {}), ("2", {}), ("小计", {5: None, 8: "=SUM(I2:I3)", NOTE: "=I4/2"}), ("3", {})]
    path, out = book(tmp_path / "a.xlsx", rows, extra=["note"]), tmp_path / "b.xlsx"
    fill(path, full("234"), out)
    assert column(out, "客户ID") == ["2", "小计", "3", "4"]
    assert [values(out)[3, column] for column in (9, NOTE + 1)] == ["=SUM(I2:I2)", "=I3/2"]
    assert not violations(path, out)
    part = sheet_part(out, RFM_SHEET)
    rewritten(out, {part: first(rb"<f>SUM\(I2:I2\)", b"<f>SUM(I2:I5)")})
    assert violations(path, out) == [part]


COPIED = {"=I7-I6": "=I5-I4", "=SUM(I$2:I7)": "=SUM(I$2:I5)", "=I7*2+$I$3": "=I5*2+$I$3"}


@pytest.mark.parametrize("formula", COPIED)
def test_the_formula_of_a_customer_is_seen_from_where_the_row_stands(tmp_path, formula):
    """As Excel sorts: people filled it down their column, and it goes on where it did not stand before."""
    rows = [(str(n), {NOTE: formula} if n == 6 else {}) for n in range(1, 7)]
    path = book(tmp_path / "a.xlsx", rows, extra=["note"], table=False)
    fill(path, full("2356"))
    assert column(path, "note") == [None, None, None, COPIED[formula]]


def shared(path, where, text, cells):
    """Have cells of people's column share a formula, which the first of them spells out."""

    def share(data):
        for n, row in enumerate(cells):
            tag = f'<f t="shared" ref="{where}" si="0">{text}</f>' if n == 0 else '<f t="shared" si="0"/>'
            data = first(rb'(<c r="O%d"[^>]*>)<f>[^<]*</f>' % row, rb"\g<1>" + tag.encode())(data)
        return data

    return rewritten(path, {sheet_part(path, RFM_SHEET): share})


def test_a_formula_that_customers_share_with_a_remark(tmp_path):
    """The remark spells it out for the others: all of them do so by themselves."""
    rows = [("", {**REMARK, NOTE: "=1"}), *((str(n), {NOTE: "=1"}) for n in range(1, 4))]
    path = book(tmp_path / "a.xlsx", rows, extra=["note"], table=False)
    shared(path, "O2:O5", "SUM(I$3:I5)", range(2, 6))
    fill(path, full("1234"))
    assert [values(path)[row, NOTE + 1] for row in range(2, 6)] == [
        "=SUM(I$3:I6)",
        *(f"=SUM(I$3:I{row})" for row in (6, 7, 8)),
    ]


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("letter", ["P", "T"])
def test_a_formula_filled_down_past_the_list_is_spelt_out_there(tmp_path, table, letter):
    """As Excel saves it: the cell that spells it out stands in a row that goes, others share it far below."""
    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"

    def down(workbook, sheet, headers):
        for row in range(2, 13):
            sheet.write_formula(f"{letter}{row}", f"=I{row}*2", None, 3)

    book(path, [(str(n), {}) for n in range(1, 7)], extra=["note", "more"], table=table, after=down)

    def share(data):
        data = data.replace(b"<f>I2*2</f>", b'<f t="shared" ref="%s2:%s12" si="0">I2*2</f>' % ((letter.encode(),) * 2))
        return re.sub(rb"<f>I[0-9]+\*2</f>", b'<f t="shared" si="0"/>', data)

    rewritten(path, {sheet_part(path, RFM_SHEET): share})
    fill(path, full("23456"), out)
    assert [values(out).get((row, ord(letter) - 64)) for row in range(8, 12)] == [f"=I{row}*2" for row in range(8, 12)]
    assert not violations(path, out)
    assert b't="shared"' not in parts(out)[sheet_part(out, RFM_SHEET)]


def test_a_formula_in_a_column_of_ours_that_others_share(tmp_path):
    """Nothing moves; a value takes the place of the cell that spells it out. One cell does not say where it stands."""
    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book(path, [(str(n), {7: 1}) for n in range(1, 4)], table=False, after=lambda _, sheet, __: sheet.write("V3", 1))

    def share(data):
        text = rb'<f t="shared" ref="A2:V9" si="0">H$1&amp;"x"</f>'
        data = first(rb'(<c r="H2"[^>]*>)', rb"\1" + text)(data)
        data = first(rb'(<c r="V3"[^>]*>)', rb'\1<f t="shared" si="0"/>')(data)
        return first(rb"</sheetData>", rb'<row r="9"><c><f t="shared" si="0"/></c></row>\g<0>')(data)

    rewritten(path, {sheet_part(path, RFM_SHEET): share})
    fill(path, full("123"), out)
    assert [values(out)[3, 22], values(out)[9, 1]] == ['=V$1&"x"', '=A$1&"x"']
    assert not violations(path, out)


def test_a_formula_that_is_spelt_out_nowhere_any_more_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [(str(n), {NOTE: "=1"}) for n in range(1, 4)], extra=["note"], table=False)
    part = sheet_part(path, RFM_SHEET)
    spelt = rb'\1<f t="shared" ref="O2:O9" si="0">I2+1</f>'
    rewritten(path, {part: first(rb'(<c r="O2"[^>]*>)<f>[^<]*</f>', spelt)})
    sharing = rb'<row r="9"><c r="T9"><f t="shared" si="0"/></c></row>'
    rewritten(path, {part: first(rb"</sheetData>", sharing + rb"\g<0>")})
    monkeypatch.setattr("segmenter.books.filling._spell_out", lambda sheet, found: None)
    refuses(path, full("23"))


def test_an_array_formula_of_a_remark(tmp_path):
    def array(workbook, sheet, headers):
        sheet.write_array_formula("O5:O5", "{=SUM(I2:I4*2)}")

    path, out = remarks(tmp_path / "a.xlsx", 1, after=array), tmp_path / "b.xlsx"
    fill(path, full("23567"), out)
    assert rb'<f t="array" ref="O4">SUM(I2:I3*2)</f>' in parts(out)[sheet_part(out, RFM_SHEET)]
    assert not violations(path, out)


@pytest.mark.parametrize("remark", [True, False])
def test_an_array_of_several_cells_knows_where_it_stands(tmp_path, remark):
    def array(workbook, sheet, headers):
        sheet.write_array_formula("O5:P5", "{=$H$1:$I$1*2}")

    rows = [(str(n), {}) for n in range(1, 7)]
    if remark:
        rows.insert(3, ("", {**REMARK}))
    path, out = book(tmp_path / "a.xlsx", rows, extra=["note", "more"], after=array), tmp_path / "b.xlsx"
    fill(path, full("234567"), out)
    assert b'<c r="O4"><f t="array" ref="O4:P4">' in parts(out)[sheet_part(out, RFM_SHEET)]
    assert not violations(path, out)


def test_a_row_of_totals_follows_in_the_same_way(tmp_path):
    def totals(workbook, sheet, headers):
        add_totals(sheet, headers, 7)
        for cell, formula in {"H8": "=SUM(I2:I7)", "J8": "=I8/H8", "K8": "=I7", "L8": "=SUM(I2:I4)"}.items():
            sheet.write_formula(cell, formula)

    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book(path, [(str(n), {}) for n in range(1, 7)], table=False, after=totals)
    fill(path, full("2356"), out)
    assert [values(out)[6, column] for column in (8, 10, 11, 12)] == ["=SUM(I2:I5)", "=I6/H6", "=I5", "=SUM(I2:I3)"]
    assert not violations(path, out)
    fill(path, full("12345678"), out)
    assert [values(out)[10, column] for column in (8, 10, 11, 12)] == ["=SUM(I2:I9)", "=I10/H10", "=I7", "=SUM(I2:I4)"]
    assert not violations(path, out)


SEEN = {
    "I4*2-I$3+$I4": "I3*2-I$3+$I3",
    "I4-I3": "I3-I2",
    "SUM(I$2:I4)/SUM(i2:i4)": "SUM(I$2:I3)/SUM(i1:i3)",
    "SUM(other!I4:other!K4)": "SUM(other!I3:other!K3)",
    "SUM('it''s I4'!I4:'it''s I4'!K4)": "SUM('it''s I4'!I3:'it''s I4'!K3)",
    "SUM(first:last!I4)+SUM('1:3'!I4)+[1]other!I4": "SUM(first:last!I3)+SUM('1:3'!I3)+[1]other!I3",
    "I4*other!rate*[1]!rate": "I3*other!rate*[1]!rate",
    "VLOOKUP(A4,other!#REF!,2,0)+#REF!": "VLOOKUP(A3,other!#REF!,2,0)+#REF!",
    "I4*YTD2024*XFE4": "I3*YTD2024*XFE4",
    "I4*I1048577": "I3*I1048577",
    r"I4*a\I4*I4\a*x?I4*I4?": r"I3*a\I4*I4\a*x?I4*I4?",
    "RfmSegments[[#This Row],[I4!]]*I4": "RfmSegments[[#This Row],[I4!]]*I3",
    "RfmSegments[a!b]&RfmSegments['[I4]&I4": "RfmSegments[a!b]&RfmSegments['[I4]&I3",
    'IF(I4>1,"I4 ""I4!""",  "a!b")': 'IF(I3>1,"I4 ""I4!""",  "a!b")',
    "SUM(4:4,$4:4,I:I)+LOG10(I4)+1E4": "SUM(3:3,$4:3,I:I)+LOG10(I3)+1E4",
    "_xlfn.CONCAT(I4)&_xlpm.x4": "_xlfn.CONCAT(I3)&_xlpm.x4",
    "单价I4*I4单价*I4": "单价I4*I4单价*I3",
}


@pytest.mark.parametrize("text", SEEN)
def test_a_formula_in_the_row_of_a_customer_is_copied_with_it(tmp_path, text):
    """Customer 1 goes, in row 2; 3 stands in row 4, and moves to row 3."""
    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    rows = [(str(n), {}) for n in range(1, 5)]
    book(path, rows, extra=["note"], after=lambda _, sheet, __: sheet.write(3, NOTE, "=" + text))
    fill(path, full("234"), out)
    assert values(out)[3, NOTE + 1] == "=" + SEEN[text]
    assert not violations(path, out)


@pytest.mark.parametrize("lost", ["other!", "*2", "rate"])
def test_a_formula_that_loses_a_word_when_it_is_copied_is_found(tmp_path, monkeypatch, lost):
    """Though the proof copies it in the same way, to compare it."""
    path, real = tmp_path / "a.xlsx", translate.moved
    book(path, [(str(n), {NOTE: "=I4*other!rate*2"} if n == 3 else {}) for n in range(1, 5)], extra=["note"])
    monkeypatch.setattr(translate, "moved", lambda text, *others: real(text, *others).replace(lost, ""))
    refuses(path, full("234"))


def test_a_formula_that_is_shared_across_columns_is_spelt_out(tmp_path):
    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    book(path, [(str(n), {NOTE: 1, NOTE + 1: 1}) for n in range(1, 4)], extra=["one", "two"])

    def share(data):
        for where in ("O2", "P2", "O3", "P3", "O4", "P4"):
            said = b' ref="O2:P4" si="0">H2*$I2+SUM(H:H)+AA$1</f>' if where == "O2" else b' si="0"/>'
            cell = b'<c r="%s"><v>1</v>' % where.encode()
            assert cell in data
            data = data.replace(cell, b'<c r="%s"><f t="shared"%s<v>1</v>' % (where.encode(), said))
        return data

    rewritten(path, {sheet_part(path, RFM_SHEET): share})
    fill(path, full("23"), out)
    assert [values(out)[3, column] for column in (NOTE + 1, NOTE + 2)] == [
        "=H3*$I3+SUM(H:H)+AA$1",
        "=I3*$I3+SUM(I:I)+AB$1",
    ]
    assert not violations(path, out)


FAULTS = {
    "it stays as it is": lambda self, text, row: text,
    "it is copied": lambda self, text, row: translate.moved(text, "O5", "O4"),
    "a row too many": lambda self, text, row: "SUM(I2:I5)",
    "in another column": lambda self, text, row: "SUM(J2:J3)",
    "another function": lambda self, text, row: "MAX(I2:I3)",
    "gone": lambda self, text, row: "",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_remark_that_reads_other_rows_is_found(tmp_path, monkeypatch, name):
    path = remarks(tmp_path / "a.xlsx", "=SUM(I2:I4)")
    monkeypatch.setattr(translate.Following, "formula", FAULTS[name])
    refuses(path, full("13567"))


def test_a_remark_that_is_cut_short_is_found(tmp_path, monkeypatch):
    """A range down to the last row reads what comes below, and only that."""
    path = remarks(tmp_path / "a.xlsx", "=SUM(I3:I8)", row=2)
    monkeypatch.setattr(translate.Following, "formula", lambda self, text, row: "SUM(I3:I8)")
    refuses(path, full("12345678"))


@pytest.mark.parametrize("text", ["SUM(I2:I4)", "SUM(I2:I2)", "SUM(I1:I3)", "SUM(I$2:I3)", "MAX(I2:I3)", "SUM(J2:J3)"])
def test_verify_finds_a_remark_that_reads_other_rows(tmp_path, text):
    path, out = remarks(tmp_path / "a.xlsx", "=SUM(I2:I4)"), tmp_path / "b.xlsx"
    fill(path, full("23567"), out)
    assert not violations(path, out)
    part = sheet_part(out, RFM_SHEET)
    rewritten(out, {part: first(rb"<f>SUM\(I2:I3\)", b"<f>" + text.encode())})
    assert part in violations(path, out)


@pytest.mark.parametrize("result", [b"<v/>", b"<v />", b"<v></v>", b"", b"<v>7</v>"])
def test_a_formula_without_a_result_reaches_new_rows(tmp_path, result):
    """As openpyxl writes it."""
    path, out = book(tmp_path / "a.xlsx", [("1", {NOTE: "=I2*2"})], extra=["double"]), tmp_path / "b.xlsx"
    rewritten(
        path,
        {sheet_part(path, RFM_SHEET): first(rb"<v>0</v></c></row></sheetData>", result + rb"</c></row></sheetData>")},
    )
    fill(path, full("12"), out)
    assert column(out, "double") == ["=I2*2", "=I3*2"]
    assert not violations(path, out)


CALCULATED = {
    "RfmSegments[[#This Row],[M金额]]*2": ["=RfmSegments[[#This Row],[M金额]]*2"] * 2,
    'I2&amp;"&lt;"': ['=I2&"<"', '=I3&"<"'],
}


def calculated(path, text):
    """A list with one customer and a column that its table calculates."""
    path = book(path, [("1", {NOTE: "=I2"})], extra=["double"])
    said = f"<calculatedColumnFormula>{text}</calculatedColumnFormula></tableColumn>"
    return rewritten(
        path,
        {
            "xl/tables/table1.xml": first(rb'(name="double")/>', rb"\1>" + said.encode()),
            sheet_part(path, RFM_SHEET): first(rb"<f>I2</f>", f"<f>{text}</f>".encode()),
        },
    )


@pytest.mark.parametrize("count", [2, longlist.FROM])
@pytest.mark.parametrize("text", CALCULATED)
def test_a_calculated_column_of_a_list_that_was_empty_for_a_while(tmp_path, text, count):
    path, out = calculated(tmp_path / "a.xlsx", text), tmp_path / "b.xlsx"
    fill(path, full(""))
    assert not [1 for row, _ in values(path) if row > 1]
    fill(path, full(range(count)), out)
    assert column(out, "double")[:2] == CALCULATED[text]
    assert None not in column(out, "double")
    assert not repairs(out) and not violations(path, out)


def test_a_formula_of_the_first_row_comes_before_what_its_table_calculates(tmp_path):
    path = calculated(tmp_path / "a.xlsx", "I2*2")
    rewritten(path, {sheet_part(path, RFM_SHEET): first(rb"<f>I2\*2</f>", b"<f>I2*3</f>")})
    fill(path, full("12"))
    assert column(path, "double") == ["=I2*3", "=I3*3"]


@pytest.mark.parametrize("text", ["I2*2", ""])
def test_customers_do_not_take_over_the_formula_of_a_remark_above_them(tmp_path, text):
    """They have what the table calculates, if it does."""
    path, out = remarks(tmp_path / "a.xlsx", "=SUM(I3:I8)", row=2), tmp_path / "b.xlsx"
    said = f"><calculatedColumnFormula>{text}</calculatedColumnFormula></tableColumn>"
    rewritten(path, {"xl/tables/table1.xml": first(rb'(name="note")/>', rb"\1" + said.encode())})
    fill(path, full("1234567"), out)
    assert column(out, "note") == ["=SUM(I3:I9)", *[None] * 6, "=I9*2" if text else None]
    assert not violations(path, out)


@pytest.mark.parametrize("count", [2, longlist.FROM])
def test_another_formula_than_the_table_calculates_is_found(tmp_path, monkeypatch, count):
    path = calculated(tmp_path / "a.xlsx", "I2*2")
    fill(path, full(""))
    real = Sheet.calculated
    monkeypatch.setattr(Sheet, "calculated", lambda self, *about: real(self, *about[:-1], "I2*3"))
    refuses(path, full(range(count)))
