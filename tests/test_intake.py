"""From cells to rows (cases A1-A22, B8, B19, B20): whatever the layout, every row is read, left out or refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest
import shop
from hypothesis import example, given
from hypothesis import strategies as st

from segmenter import schema, texts
from segmenter.books import Grid
from segmenter.errors import Refused
from segmenter.reading import intake

HEAD = ["客户ID", "近6个月消费频次", "平均客单价(元)", "累计消费金额(元)", "最近消费日期", "地域"]
ROW = ["1", 2.0, 50.0, 100.0, datetime(2026, 6, 1), "上海"]
MORE = [[str(number), *ROW[1:]] for number in range(100, 140)]


def sheet(*rows: list[Any], **more: Any) -> Grid:
    return Grid("客户", [list(row) for row in rows], **more)


def take(*rows: list[Any], **more: Any) -> intake.Intake:
    return intake.take(sheet(*rows, **more), schema.CUSTOMERS)


def codes(taken: intake.Intake) -> list[str]:
    return [finding.code for finding in taken.findings]


def refusal(*rows: list[Any], **more: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        take(*rows, **more)
    assert all(refused.value.message(lang) for lang in ("zh", "en"))
    return refused.value


def test_rows_are_typed_and_numbered_as_on_the_sheet() -> None:
    taken = take(HEAD, ROW)
    row = taken.frame.pandas.loc[2]
    assert row["customer_id"] == "1" and row["frequency"] == 2.0
    assert taken.frame["last_order_date"].dtype == "datetime64[s]"
    assert taken.cell(2, "total_amount") == "D2"
    assert taken.cell(2, "age") == ""
    assert not taken.findings


def test_headers_may_stand_anywhere_near_the_top_in_any_order() -> None:  # A9, A18
    order = [3, 0, 5, 1, 4, 2]
    taken = take(["客户一览"], [None] * 6, [HEAD[i] for i in order], [ROW[i] for i in order])
    assert taken.frame.pandas.loc[4, "total_amount"] == 100
    assert [(one.code, one.cell) for one in taken.findings] == [("header_row", "A3")]


def test_headers_by_another_name_are_said() -> None:  # A5, A6
    taken = take(["会员ID", "近6个月\n消费频次", "平均客单价（元）", "累计消费金额(元)"], ROW[:4])
    assert [(one.code, one.cell) for one in taken.findings] == [
        ("header_alias", "A1"),
        ("header_cleaned", "B1"),
        ("header_cleaned", "C1"),
    ]
    assert "客户ID" in taken.findings[0].message("zh") and "Customer ID" in taken.findings[0].message("en")


def test_blank_rows_are_skipped_and_counted() -> None:  # A10
    taken = take(HEAD, ROW, [None] * 6, ["", "  ", None, None, None, None], ["2", *ROW[1:]], [None] * 6)
    assert taken.frame.index.tolist() == [2, 5]
    assert taken.rows_in == 2
    assert taken.findings[0].params == {"count": 2}


def test_stray_formatting_below_costs_nothing() -> None:  # A19
    taken = take(HEAD, ROW, *[[None] * 6] * 5000)
    assert taken.rows_in == 1 and not taken.findings


@pytest.mark.parametrize(
    "total",
    [
        ["合计", 5.0, None, 300.0, None, None],
        [" 总 计 ", None, None, None, None, None],
        [None, None, None, 300.0, None, "Grand Total"],
        [None, None, None, 200.0, None, None],
    ],
)
def test_totals_are_no_customers(total: list[Any]) -> None:  # A11
    taken = take(HEAD, ROW, ["2", *ROW[1:]], total)
    assert taken.excluded == {4: "total_row"}
    assert (taken.rows_in, len(taken.frame)) == (3, 2)
    assert codes(taken) == ["total_row"]


@pytest.mark.parametrize(
    "label",
    [
        "合计：",
        "Total:",
        "Totals",
        "汇总",
        "总额",
        "本页合计",
        "合计（元）",
        "共20人",
        "华东小计",
        "平均",
        "平均值：",
        "Average",
    ],
)
def test_totals_by_any_name_are_no_customers(label: str) -> None:
    taken = take(HEAD, ROW, ["2", *ROW[1:]], [label, 4.0, 50.0, 200.0, None, None])
    assert taken.excluded == {4: "total_row"}


@pytest.mark.parametrize("rows", [3, 20])
def test_the_sums_of_all_are_a_total_whatever_it_is_called(rows: int) -> None:
    customers = [[f"C{n}", float(n), 50.0, 50.0 * n, ROW[4], "上海"] for n in range(1, rows + 1)]
    count = float(rows * (rows + 1) // 2)
    total = ["全店", count, 50.0, count * 50, None, None]
    taken = take(HEAD, *customers, [None] * 6, total)
    assert taken.excluded == {rows + 3: "total_row"}
    assert [(one.cell, one.value[:2]) for one in taken.findings if one.code == "total_row"] == [
        (f"A{rows + 3}", "全店")
    ]
    assert take(HEAD, *customers, [*total[:3], count * 50 + 1, None, None]).excluded == {}
    assert take(HEAD, *customers, total, [None] * 6, ["注：含退款"]).excluded[rows + 2] == "total_row"


@pytest.mark.parametrize("name", ["C9", "ACME"])
@pytest.mark.parametrize("place", [4, 12])
def test_a_customer_who_buys_as_much_as_all_above_is_one(name: str, place: int) -> None:
    """Of whom something is known that is no figure; a company has no age."""
    rows = [[f"C{n}", 2.0, 100.0, 200.0, ROW[4], "上海"] for n in range(1, place + 1)]
    big = [name, 2.0 * place, 100.0, 200.0 * place, ROW[4], None]
    assert take(HEAD, *rows, big).excluded == {}
    assert take(HEAD, *rows, big, *rows[:1]).excluded == {}
    assert take(HEAD, *rows, [*big[:4], None, "北京"]).excluded == {}


def test_a_word_for_totals_may_be_what_a_customer_does() -> None:
    for word in ("汇总", "累计", "会计小计"):
        assert take(HEAD, ROW, ["2", *ROW[1:5], word]).excluded == {}


def test_subtotals_that_are_called_by_what_they_sum_up_are_no_customers() -> None:
    def total(name: str, count: float) -> list[Any]:
        return [name, count, 50.0, 50 * count, None, None]

    customers = [[f"C{n}", float(n), 50.0, 50.0 * n, ROW[4], "上海"] for n in range(1, 9)]
    taken = take(HEAD, *customers[:4], total("华东", 10.0), *customers[4:], total("华北", 26.0), total("全国", 36.0))
    assert taken.excluded == {6: "total_row", 11: "total_row", 12: "total_row"}
    assert take(HEAD, *customers[:4], total("C10", 10.0), *customers[4:]).excluded == {}


def test_a_customer_who_bought_as_much_as_all_others_is_no_total() -> None:
    few = [[f"C{n}", 1.0, 50.0, 50.0, ROW[4], None] for n in range(1, 4)]
    assert take(HEAD, few[0], ["C9", 1.0, 50.0, 50.0, None, None]).excluded == {}
    assert take(HEAD, *few[:2], ["C9", 2.0, 50.0, 100.0, None, None]).excluded == {}
    assert take(HEAD, *few, ["C9", 3.0, 50.0, 150.0, ROW[4], None]).excluded == {}
    assert take(HEAD, *[[f"C{n}", 0.0, 0.0, 0.0] for n in range(20)], ["C99", 0.0, 0.0, 0.0]).excluded == {}


def test_an_average_is_a_value_a_customer_may_have() -> None:
    assert take(HEAD, ROW, ["2", *ROW[1:5], "平均"]).rows_in == 2
    assert take(HEAD, ROW, ["2", *ROW[1:]], [None, 2.0, 50.0, 100.0, None, "平均"]).excluded == {4: "total_row"}


def test_rows_that_were_not_read_are_told() -> None:
    taken = take(HEAD, ROW, below=5)
    assert [(one.code, one.params["row"]) for one in taken.findings] == [("rows_below", 3)]


def test_notes_below_the_list_are_no_customers() -> None:
    taken = take(HEAD, ROW, ["2", *ROW[1:]], ["制表人：王五"], ["Source: CRM", None])
    assert taken.excluded == {4: "note_row", 5: "note_row"}
    assert (taken.rows_in, codes(taken)) == (4, ["note_row", "note_row"])
    assert take(HEAD, ROW, ["A:2"], ["3", *ROW[1:]]).excluded == take(HEAD, ROW, ["A2"]).excluded == {}


@pytest.mark.parametrize("rows", [[["tmall:1"], ["tmall:2"]], [["tmall:1", *ROW[1:]], ["tmall:2"]]])
def test_ids_with_colons_are_no_notes(rows: list[list[Any]]) -> None:
    assert take(HEAD, *rows).excluded == {}


CODED = [[f"C{number}", *ROW[1:]] for number in range(100, 110)]


@pytest.mark.parametrize(
    "note",
    [
        ["以上数据来自CRM系统"],
        ["制表人", "王五"],
        ["一、VIP"],
        ["注：2026年6月单位为元"],
        ["数据截至2026-06-30"],
        ["2026年6月30日"],
        ["Data as of 2026-06-30"],
        [None, "制表人：王五"],
        [None, None, "Checked by Anna"],
    ],
)
def test_lines_of_words_are_no_customers(note: list[Any]) -> None:
    taken = take(["客户ID", "职业", *HEAD[1:]], *[[row[0], None, *row[1:]] for row in CODED], [None], note)
    assert taken.excluded == {13: "note_row"} and len(taken.frame) == 10
    assert [one.value for one in taken.findings if one.code == "note_row"] == [" ".join(filter(None, note))]


@pytest.mark.parametrize("heading", ["一、VIP", "注：单位为元", "普通客户"])
def test_headings_among_the_customers_are_none(heading: str) -> None:
    taken = take(HEAD, [heading], *CODED[:5], [heading], *CODED[5:])
    assert taken.excluded == {2: "note_row", 8: "note_row"}


@pytest.mark.parametrize("heading", ["一、普通", "注：单位为元"])
def test_headings_among_customers_known_by_name_are_none(heading: str) -> None:
    assert take(HEAD, [heading], *[[name, *ROW[1:]] for name in ("张三", "李四", "王五")]).excluded == {2: "note_row"}


@pytest.mark.parametrize(
    ("ids", "new"),
    [
        ("C1 C2 C3", ["C4"]),
        ("C1 C2 C3", ["C4（新）"]),
        ("C1 C2 C3", ["C 4"]),
        ("1 2 3", ["4号"]),
        ("wx_1 wx_2 wx_3", ["wx_anna"]),
        ("u1@x.com u2@x.com u3@x.com", ["anna@x.com"]),
        ("C1 C2 VIP", ["NEW"]),
        ("张三 李四 王五", ["赵六"]),
        ("张三 李四 王五", ["赵六", "女"]),
        ("C1 C2 C3", ["新客", "女"]),
        ("C1 C2", ["新客"]),
    ],
)
def test_who_may_be_a_new_customer_is_one(ids: str, new: list[Any]) -> None:
    rows = [[one, "女", *ROW[1:]] for one in ids.split()]
    assert take(["客户ID", "性别", *HEAD[1:]], *rows, new).excluded == {}


def test_who_has_orders_is_a_customer_by_any_id() -> None:
    grid = sheet(HEAD, *CODED, ["抖音：小王"])
    assert intake.take(grid, schema.CUSTOMERS).excluded == {12: "note_row"}
    assert intake.take(grid, schema.CUSTOMERS, {"抖音:小王"}).excluded == {}
    only = sheet(HEAD, *[[row[0]] for row in CODED], ["以上数据来自CRM系统"])
    assert intake.take(only, schema.CUSTOMERS, {f"c{n}" for n in range(100, 110)}).excluded == {12: "note_row"}


def test_a_note_merged_over_several_rows_is_one_line() -> None:
    taken = take(HEAD, *CODED, ["说明：数据来自CRM"], [None], [None], merged=((11, 0, 13, 5),))
    assert taken.excluded == {12: "note_row"} and taken.rows_in == 11
    aside = take(HEAD, *CODED, [None, "说明：数据来自CRM"], [None], merged=((11, 1, 12, 5),))
    assert aside.excluded == {12: "note_row"} and aside.rows_in == 11


def test_subtotals_and_a_total_without_a_label_are_no_customers() -> None:
    def total(amount: float) -> list[Any]:
        return [None, None, None, amount, None, None]

    taken = take(HEAD, *MORE[:3], total(300.0), *MORE[3:5], total(200.0), total(500.0))
    assert taken.excluded == {5: "total_row", 8: "total_row", 9: "total_row"}
    assert take(HEAD, *MORE, total(4000.0), *CODED, [None, *ROW[1:]]).excluded == {42: "total_row", 53: "empty_id"}


def test_a_total_that_has_a_customer_id_is_refused() -> None:
    assert refusal(HEAD, ["1", *ROW[1:5], "小计"]).cell == "F2"
    assert take(HEAD, ["1", *ROW[1:5], "总经办"]).rows_in == 1


def test_the_totals_row_of_an_excel_table_is_no_customer() -> None:
    taken = take(HEAD, ROW, ["x", *ROW[1:]], totals_row=2)
    assert taken.excluded == {3: "total_row"}


def test_customers_without_an_id_are_left_out_and_too_many_of_them_refused() -> None:  # B8
    taken = take(HEAD, *MORE, [None, *ROW[1:]])
    assert taken.excluded == {42: "empty_id"}
    refused = refusal(HEAD, *MORE, *[[None, *ROW[1:5], "x"]] * 3)
    assert (refused.key, refused.cell, refused.params["count"]) == ("empty_ids", "A42", 3)


def test_a_doubt_about_amounts_is_a_refusal_also_where_ids_are_missing() -> None:
    refused = refusal(HEAD, *MORE, [None, 1.0, 1.0, "1.234,5", None, None], ["x", 1.0, 1.0, "1,234.5", None, None])
    assert (refused.key, refused.cell, refused.params["other_cell"]) == ("ambiguous_decimal_comma", "D42", "D43")


@pytest.mark.parametrize(("text", "other"), [("05/06/2026", "07/06/2026"), ("05/06/12", "05/07/12")])
def test_a_doubtful_day_is_named_once(text: str, other: str) -> None:
    for more, cells in (([], ["E2"]), ([[*ROW[:4], other, *ROW[5:]]], ["E2", "E3"])):
        refused = refusal(HEAD, [*ROW[:4], text, *ROW[5:]], *more)
        for lang in texts.LANGS:
            said = refused.message(lang)
            assert [said.count(cell) for cell in cells] == [1] * len(cells) and said.count(text) == 1, said


def test_an_excel_error_leaves_the_row_out_where_it_matters() -> None:  # B19
    taken = take(
        HEAD, ROW, ["2", 2.0, None, 100.0, None, None], errors={(2, 2): "#DIV/0!", (1, 5): "#N/A", (0, 9): "#REF!"}
    )
    assert taken.excluded == {3: "cell_error"}
    said = {(one.cell, one.value): one.message("zh") for one in taken.findings}
    assert set(said) == {("C3", "#DIV/0!"), ("F2", "#N/A")}
    assert "不参与" in said["C3", "#DIV/0!"] and "空白" in said["F2", "#N/A"]
    assert take(HEAD, ROW, [None] * 6, errors={(2, 0): "#N/A"}).rows_in == 2, "an error alone makes a row"
    assert take(HEAD, ROW, below=5, errors={(5, 0): "#N/A"}).rows_in == 1, "below what is read it makes none"


def test_formulas_without_a_result_are_refused_below_the_header() -> None:  # B20
    for column in range(6):
        refused = refusal(
            HEAD, [one if i != column else None for i, one in enumerate(ROW)], uncached=frozenset({(1, column)})
        )
        assert (refused.key, refused.params["count"]) == ("uncached", 1)
    assert take(["标题"], HEAD, ROW, uncached=frozenset({(0, 0)})).rows_in == 1
    assert take([*HEAD, "别的"], [*ROW, None], uncached=frozenset({(1, 6)})).rows_in == 1


def test_cells_merged_downwards() -> None:  # A12
    taken = take(HEAD, ROW, ["2", *ROW[1:5], None], merged=((1, 5, 2, 5),))
    assert taken.frame["region"].tolist() == ["上海", "上海"]
    assert refusal(HEAD, ROW, ["2", None, *ROW[2:]], merged=((1, 1, 2, 1),)).cell == "B2:B3"


def test_hidden_rows_and_sheets_are_read_and_said() -> None:  # A15, A16
    taken = take(HEAD, ROW, ["2", *ROW[1:]], hidden=True, hidden_rows=frozenset({0, 2, 9}))
    assert [(one.code, dict(one.params)) for one in taken.findings] == [
        ("rows_hidden", {"hidden": 1, "rows": 2}),
        ("sheet_hidden", {}),
    ]


def test_ids_that_lost_their_end_are_refused() -> None:  # B3
    refused = refusal(HEAD, ROW, [110101199003077771.0, *ROW[1:]], [1.1e17, *ROW[1:]])
    assert (refused.key, refused.cell, refused.params["count"]) == ("id_too_long", "A3", 2)


def test_many_findings_of_a_kind_are_counted() -> None:
    taken = take(HEAD, *[[str(i), "x", *ROW[2:]] for i in range(1500)])
    found = [one for one in taken.findings if one.code == "not_a_number"]
    assert len(found) == 1001
    assert sum(one.params.get("count", 1) for one in found) == 1500 == len(taken.excluded)


def test_a_sheet_without_rows_is_read_as_none() -> None:  # A20
    assert take(HEAD).rows_in == 0


@given(
    st.lists(
        st.lists(
            st.one_of(st.none(), st.floats(), st.text(max_size=6), st.booleans(), st.datetimes()),
            min_size=6,
            max_size=6,
        ),
        max_size=8,
    )
)
@example([[None, None, None, 1e308, None, None]] * 2)  # together more than a number can be
def test_whatever_stands_there_every_row_is_accounted_for(rows: list[list[Any]]) -> None:
    try:
        taken = take(HEAD, *MORE, *rows)
    except Refused as refused:
        assert refused.message("zh") and refused.message("en")
        return
    assert taken.rows_in == len(taken.frame) + len(taken.excluded)
    assert not set(taken.frame.index) & set(taken.excluded)
    for finding in taken.findings:
        assert finding.message("zh") and finding.message("en") and finding.kind("en")


def test_rows_as_they_stand() -> None:
    typed = sum(field.owner == "user" for field in schema.STRATEGY.fields)
    grid = shop.plan(["甲", 1.0, None, "=1"], [None] * typed, [None, "x"])
    frame = intake.as_typed(grid, schema.STRATEGY)
    assert frame.index.tolist() == [2, 4]
    assert frame.pandas.loc[2].tolist() == ["甲", 1.0, None, "=1", *[None] * (typed - 4)]


def test_columns_of_numbers_are_not_looked_at_one_by_one() -> None:
    assert sheet(HEAD, ROW).column(1, 1).dtype == np.float64
    assert sheet(HEAD, ROW).column(0, 1).dtype == object
