"""Rows of our lists in which people typed what is theirs: a fill leaves it, and `verify` agrees."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from bookshop import rewritten, sheet_part

from segmenter import jobs, rules
from segmenter.books import lists, opened, proof, sheetxml
from segmenter.errors import Refused
from segmenter.schema import CLEANING, CUSTOMERS, RFM, STRATEGY

AS_OF = date(2026, 6, 30)
HEADS = [
    *("客户ID", "性别", "年龄", "地域", "职业", "近6个月消费频次", "平均客单价(元)", "品类偏好(TOP3)", "活跃渠道"),
    *("累计消费金额(元)", "最近消费日期"),
]
NOTE = len(RFM.fields) + 1
"""the column people add to the right of table 2"""


def person(n: int) -> list[Any]:
    orders, day = n % 12 + 1, datetime(2026, 6, 30) - timedelta(days=n * 7 % 200)
    return [f"C{n:03d}", "男", 30, "北京", "工人", orders, 100, "服装", "线上", orders * 100, day]


def put(sheet: Any, rows: Sequence[Sequence[Any]]) -> None:
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            sheet.cell(number, column).value = value


def book(path: Path, people: int = 6, **sheets: Sequence[Sequence[Any]]) -> Path:
    """A workbook of somebody's own: the customers, and other sheets as they typed them."""
    made = openpyxl.Workbook()
    made.active.title = CUSTOMERS.sheet["zh"]
    put(made.active, [HEADS, *map(person, range(1, people + 1))])
    for name, rows in sheets.items():
        put(made.create_sheet(name), rows)
    made.save(path)
    return path


def edit(path: Path, change: Callable[[Any], None]) -> Path:
    made = openpyxl.load_workbook(path)
    change(made)
    made.save(path)
    return path


def filled(path: Path) -> Path:
    """A workbook after a fill that `verify` agrees with, and that a second fill leaves alone."""
    out, again = (path.with_stem(f"{path.stem}-{name}") for name in ("out", "again"))
    out.unlink(missing_ok=True)
    jobs.fill(path, out, as_of=AS_OF)
    assert not jobs.verify(path, out).violations
    again.unlink(missing_ok=True)
    jobs.fill(out, again, as_of=AS_OF)
    assert again.read_bytes() == out.read_bytes()
    return out


def rows_of(path: Path, name: str) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(path)[name]
    return [[cell.value for cell in row] for row in sheet.iter_rows() if any(cell.value is not None for cell in row)]


# Table 2 -------------------------------------------------------------------------------------------------------------


def noted(path: Path) -> Path:
    """A filled workbook in which somebody remarks on the first customer of table 2."""
    jobs.fill(book(path), as_of=AS_OF)

    def change(made: Any) -> None:
        made[RFM.sheet["zh"]].cell(1, NOTE).value = "备注"
        made[RFM.sheet["zh"]].cell(2, NOTE).value = "VIP"

    return edit(path, change)


TOTALS = {"a sum": "=SUM(I2:I3)", "a number": 777}


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("at", [4, 8])
def test_a_total_with_a_remark_beside_it_is_no_customer_who_left(tmp_path: Path, at: int, total: str) -> None:
    def change(made: Any) -> None:
        sheet = made[RFM.sheet["zh"]]
        for row in range(7, at - 1, -1):  # the customers below go down
            for column in range(1, NOTE + 1):
                sheet.cell(row + 1, column).value = sheet.cell(row, column).value
                sheet.cell(row, column).value = None
        (table,) = sheet.tables.values()
        table.ref = table.autoFilter.ref = table.ref.replace("7", "8") if at < 8 else table.ref
        sheet.cell(at, 1).value, sheet.cell(at, 9).value, sheet.cell(at, NOTE).value = "小计", TOTALS[total], "已核对"

    path = edit(noted(tmp_path / "a.xlsx"), change)
    before = openpyxl.load_workbook(path)[RFM.sheet["zh"]][at]
    rows = rows_of(filled(path), RFM.sheet["zh"])
    assert len(rows) == 8 and rows[at - 1] == [cell.value for cell in before]


@pytest.mark.parametrize("table", [True, False], ids=["an Excel table", "a plain list"])
def test_a_signature_below_table_2_is_no_customer_who_left(tmp_path: Path, table: bool) -> None:
    def change(made: Any) -> None:
        sheet = made[RFM.sheet["zh"]]
        sheet.cell(10, 1).value, sheet.cell(10, NOTE).value = "审核人", "王五"
        if not table:
            del sheet.tables[next(iter(sheet.tables))]

    path = edit(noted(tmp_path / "a.xlsx"), change)
    before = rows_of(path, RFM.sheet["zh"])
    assert rows_of(filled(path), RFM.sheet["zh"]) == before


@pytest.mark.parametrize("measures", [["F"], ["F", "M"]], ids="".join)
def test_a_signature_where_table_2_has_no_frequency_says_no_amount_or_day(tmp_path: Path, measures: list[str]) -> None:
    heads = [field.header["zh"] for field in RFM.fields[:6] if field.header["zh"][0] not in measures]
    signed = ["制表人", "王五", "审核人", "李四", "六月"][: len(heads)]
    path = book(tmp_path / "a.xlsx", **{RFM.sheet["zh"]: [heads]})
    jobs.fill(path, as_of=AS_OF)
    path = edit(path, lambda made: made[RFM.sheet["zh"]].append(signed))
    path = edit(path, lambda made: made[CUSTOMERS.sheet["zh"]].delete_rows(7))
    rows = rows_of(filled(path), RFM.sheet["zh"])
    assert [row[0] for row in rows[1:]] == [*(f"C{n:03d}" for n in range(1, 6)), "制表人"] and rows[-1] == signed


def test_a_total_that_has_a_customer_type_is_no_customer_who_left(tmp_path: Path) -> None:
    def change(made: Any) -> None:
        sheet = made[RFM.sheet["zh"]]
        sheet.cell(8, 1).value, sheet.cell(8, 6).value, sheet.cell(8, NOTE).value = "合计", "6人", "已核对"

    rows = rows_of(filled(edit(noted(tmp_path / "a.xlsx"), change)), RFM.sheet["zh"])
    assert "不在本次分析中" not in {row[5] for row in rows}
    assert [row[NOTE - 1] for row in rows if row[0] == "合计"] == ["已核对"]


def beside(path: Path, *, comment: str = "", result: Any = 3, **cells: Any) -> Path:
    """A filled workbook as Excel saves it, whose third and fifth customers (rows 4 and 6) are gone by now, with
    something in the columns beside table 2: values, and formulas with the result they had; and a comment on a cell."""
    jobs.fill(book(path), as_of=AS_OF)
    rows = rows_of(path, RFM.sheet["zh"])
    with xlsxwriter.Workbook(path) as made:
        days = made.add_format({"num_format": "yyyy-mm-dd"})
        people, sheet = (made.add_worksheet(table.sheet["zh"]) for table in (CUSTOMERS, RFM))
        for number, row in enumerate([HEADS, *(person(n) for n in (1, 2, 4, 6))]):
            people.write_row(number, 0, row[:-1])
            people.write(number, len(HEADS) - 1, row[-1], days if number else None)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        for where, value in {"O1": "双倍", "P1": "备注", **cells}.items():
            if isinstance(value, str) and value.startswith("="):
                sheet.write_formula(where, value, None, result)
            else:
                sheet.write(where, value)
        if comment:
            sheet.write_comment(comment, "VIP")
    return path


def down(formula: str) -> dict[str, str]:
    """A formula as people fill it down beside all customers."""
    return {f"O{row}": formula.format(row) for row in range(2, 8)}


LEFT = "不在本次分析中"
DOUBLED = "=I{}*2"


def kinds(path: Path) -> dict[str, str]:
    """The customers of table 2, and their types."""
    return {row[0]: row[5] for row in rows_of(path, RFM.sheet["zh"])[1:]}


@pytest.mark.parametrize("formula", [DOUBLED, "=SUM(I$2:I{})", "=IF(客户信息!A{}=0,1,2)", "=-M{}", "=ROW()-1"])
def test_a_customer_who_left_goes_with_a_formula_that_was_filled_down(tmp_path: Path, formula: str) -> None:
    path = filled(beside(tmp_path / "a.xlsx", **down(formula)))
    assert [*kinds(path)] == ["C001", "C002", "C004", "C006"]
    assert [row[NOTE - 1] for row in rows_of(path, RFM.sheet["zh"])[1:]] == [formula.format(n) for n in range(2, 6)]


TYPED: dict[str, dict[str, Any]] = {
    "a remark": {"P6": "已致电"},
    "a comment": {"comment": "B6"},
    "a comment on the formula": {"comment": "O6"},
    "a formula over no cells": {"P6": "=500+200"},
    "an error": {"P6": "=NA()"},
}


@pytest.mark.parametrize("result", [3, "#DIV/0!", "高"])
@pytest.mark.parametrize("typed", TYPED)
def test_dropped_results_are_no_reason_to_leave(tmp_path: Path, typed: str, result: Any) -> None:
    """With them and without them the same customers stay, in the first run and in the second."""
    path = beside(tmp_path / "a.xlsx", result=result, **down(DOUBLED), **TYPED[typed])
    runs = {}
    for drop in (False, True):
        outs = [tmp_path / f"{drop}-{n}.xlsx" for n in range(2)]
        for before, out in zip((path, *outs), outs, strict=False):
            jobs.fill(before, out, as_of=AS_OF, saving=jobs.Saving(drop_stale=drop))
            assert not jobs.verify(before, out, proof.Asked(drop)).violations
        first, second = (out.read_bytes() for out in outs)
        assert second == first
        runs[drop] = kinds(outs[1])
    assert runs[True] == runs[False]
    assert runs[True]["C005"] == LEFT and "C003" not in runs[True]


def test_what_is_typed_beside_a_filled_down_formula_stays(tmp_path: Path) -> None:
    cells = {**down(DOUBLED), "O6": "=500+200", "P4": "已致电"}
    said = kinds(filled(beside(tmp_path / "a.xlsx", **cells)))
    assert {one for one, kind in said.items() if kind == LEFT} == {"C003", "C005"}


def test_a_formula_that_excel_shares_along_a_column_is_filled_down(tmp_path: Path) -> None:
    path = beside(tmp_path / "a.xlsx", **down(DOUBLED), P6="已致电")

    def share(data: bytes) -> bytes:
        data = data.replace(b"<f>I2*2</f>", b'<f t="shared" ref="O2:O7" si="0">I2*2</f>')
        data, count = re.subn(rb"<f>I[3-7]\*2</f>", b'<f t="shared" si="0"/>', data)
        assert count == 5
        return data

    rewritten(path, {sheet_part(path, RFM.sheet["zh"]): share})
    said = kinds(filled(path))
    assert "C003" not in said and said["C005"] == LEFT


def test_a_customer_who_left_leaves_a_long_list_with_its_formula(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long sheets are read column by column."""
    monkeypatch.setattr(opened, "_LONG", 1)
    said = kinds(filled(beside(tmp_path / "a.xlsx", **down(DOUBLED), P6="已致电")))
    assert "C003" not in said and said["C005"] == LEFT


def test_a_sheet_is_only_taken_apart_for_formulas_beside_customers_who_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []

    def take(*args: Any, **options: Any) -> sheetxml.Sheet:
        taken.append(args)
        return sheetxml.Sheet(*args, **options)

    monkeypatch.setattr(opened, "Sheet", take)
    noted = {f"P{row}": "已致电" for row in range(2, 8)}
    for n, cells in enumerate((noted, {"O2": "=I2*2", "O3": "=I3*2"}, {"O4": "", "P8": "=I2*2"}, {})):
        jobs.check(beside(tmp_path / f"{n}.xlsx", **cells), as_of=AS_OF)
    assert not taken
    jobs.check(beside(tmp_path / "a.xlsx", **down(DOUBLED)), as_of=AS_OF)
    assert len(taken) == 1


def test_a_sheet_that_cannot_be_taken_apart_can_be_analysed(tmp_path: Path) -> None:
    path = beside(tmp_path / "a.xlsx", **down(DOUBLED))
    part = sheet_part(path, RFM.sheet["zh"])
    rewritten(path, {part: lambda data: data.replace(b"</row>", b"</row><!-- -->", 1)})
    assert LEFT in jobs.check(path, as_of=AS_OF).rfm["segment"]
    with pytest.raises(Refused) as refused:
        jobs.fill(path, as_of=AS_OF)
    assert refused.value.key == "sheet_kind"


# Table 3 -------------------------------------------------------------------------------------------------------------

PLAN = ["细分群体名称", "核心策略", "负责人", "当前进度", "目标实际值", "目标状态", "客户数", "群体状态"]
OWN = {
    "figures": ["企业大客户", "走访", "李四", "10%", "35%", "接近", 12, "重点跟进"],
    "formulas": [
        "工人客户",
        "走访",
        "李四",
        "10%",
        "=1/0",
        '=IF(1,"")',
        '=COUNTIF(A:A,"工人")',
        '=IF(B3="","","先做")',
    ],
    "errors and days": ["老客户", "走访", "李四", "10%", datetime(2026, 6, 1), True, "#N/A", "=A1"],
}


@pytest.mark.parametrize("own", OWN)
def test_what_people_say_of_a_group_of_their_own_stays(tmp_path: Path, own: str) -> None:
    path = book(tmp_path / "a.xlsx", 20, **{STRATEGY.sheet["zh"]: [PLAN, ["高价值客户"], OWN[own], ["自己的群体"]]})
    rows = rows_of(filled(path), STRATEGY.sheet["zh"])
    assert rows[2] == OWN[own]
    assert rows[3] == ["自己的群体", *[None] * 6, "自定义群体，不计客户数"]
    assert isinstance(rows[1][6], int), "our own groups are counted"


def test_what_people_say_of_their_own_group_stays_with_it_when_rows_move(tmp_path: Path) -> None:
    counted = ["工人客户", *[None] * 4, "=1/0", '=COUNTIF($A:$A,"工人")', "先做"]
    rows = [PLAN, [None, "一个备注"], OWN["figures"], counted]
    path = filled(book(tmp_path / "a.xlsx", 20, **{STRATEGY.sheet["zh"]: rows}))

    def change(made: Any) -> None:
        made[STRATEGY.sheet["zh"]].move_range("A3:H4", 12)

    moved = filled(edit(path, change))
    seen = {row[0]: row for row in rows_of(moved, STRATEGY.sheet["zh"])}
    assert seen["企业大客户"] == OWN["figures"]
    assert seen["工人客户"] == counted


def test_a_group_that_is_no_longer_ours_keeps_none_of_our_figures(tmp_path: Path) -> None:
    path = filled(book(tmp_path / "a.xlsx", 20))
    renamed = tmp_path / "rules.toml"
    text = Path(rules.__file__).with_name("rules.toml").read_text(encoding="utf-8")
    renamed.write_text(text.replace('"价格敏感客户"', '"省钱客户"').replace('"价格敏感型客户"', '"省钱型"'), "utf-8")
    jobs.fill(path, as_of=AS_OF, rules_file=renamed)
    heads, *rows = rows_of(path, STRATEGY.sheet["zh"])
    ours = [heads.index(STRATEGY[key].header["zh"]) for key in ("customers", "amount", "amount_share", "status")]
    (gone,) = (row for row in rows if row[0] == "价格敏感客户")
    assert [gone[n] for n in ours] == [None, None, None, "自定义群体，不计客户数"]
    (new,) = (row for row in rows if row[0] == "省钱客户")
    assert new[ours[0]] == 1


@pytest.mark.parametrize("said", ["合计", "制表人：赵六", "审核：", "签字：____", "Prepared by: Zhao"])
def test_a_signature_right_below_the_groups_is_none(tmp_path: Path, said: str) -> None:
    """And a group that comes later stands above it."""
    name = STRATEGY.sheet["zh"]
    path = book(tmp_path / "a.xlsx", 20, **{name: [PLAN, ["高价值客户"], [said, "赵六"], ["客户：大客户"]]})
    result = jobs.check(path, as_of=AS_OF)
    assert said not in {row["segment"] for row in result.strategy.records()}
    assert "客户：大客户" in {row["segment"] for row in result.strategy.records()}
    rows = rows_of(filled(path), name)
    assert [row for row in rows if row[0] == said] == [[said, "赵六", *[None] * 6]]
    path = book(tmp_path / "b.xlsx", 20, **{name: [PLAN, ["高价值客户"], [said, "赵六"]]})
    assert rows_of(filled(path), name)[-1][:2] == [said, "赵六"]


@pytest.mark.parametrize("said", [datetime(2026, 11, 30), datetime(2026, 11, 30, 9, 41, 17), 5, True], ids=str)
def test_a_line_right_below_the_groups_that_begins_with_no_words_stays(tmp_path: Path, said: Any) -> None:
    name, line = STRATEGY.sheet["zh"], [said, "赵六"]
    path = book(tmp_path / "a.xlsx", 20, **{name: [PLAN, ["高价值客户"], line, ["大客户"]]})
    for _ in range(2):
        rows = rows_of(filled(path), name)
        assert [row[:2] for row in rows if row[0] == said] == [line]
        assert [row[0] for row in rows].count("大客户") == 1


def test_a_status_of_ours_is_replaced_and_no_other(tmp_path: Path) -> None:
    said = [
        "本期无客户，内容保留",
        "仅3人，少于30人，建议与低价值客户合并运营",
        "A group of your own; customers are not counted",
    ]
    rows = [PLAN, *(["群体" + str(n), *[None] * 6, one] for n, one in enumerate([*said, "仅3人，少"]))]
    out = rows_of(filled(book(tmp_path / "a.xlsx", 20, **{STRATEGY.sheet["zh"]: rows})), STRATEGY.sheet["zh"])
    assert [row[7] for row in out[1:5]] == [*["自定义群体，不计客户数"] * 3, "仅3人，少"]


def test_a_group_behind_a_gap_below_table_3_is_told(tmp_path: Path) -> None:
    path, name = filled(book(tmp_path / "a.xlsx", 20)), STRATEGY.sheet["zh"]
    assert "groups_below" not in {one.code for one in jobs.check(path).findings}

    def change(made: Any) -> None:
        last = made[name].max_row
        made[name].cell(last + 2, 1).value, made[name].cell(last + 2, 5).value = made[name].cell(last, 1).value, "张三"
        made[name].cell(last, 1).value = "大客户专项"

    path = edit(path, change)
    told = [one for one in jobs.check(path).findings if one.code == "groups_below"]
    assert [one.sheet for one in told] == [name]
    jobs.fill(path, as_of=AS_OF)
    assert not [one for one in rows_of(path, name)[1:] if one[0] == "大客户专项" and one[10:14] != [None] * 4]
    assert rows_of(path, name)[-1][4] == "张三"


SIGNED = {
    "a total": ["合计", 6],
    "who made it": ["制表：", "王五", "审核：", "李四"],
    "a remark": ["注：频次按下单日计"],
    "both": ["总计", 6, None, "元"],
}


@pytest.mark.parametrize("said", SIGNED.values(), ids=SIGNED)
@pytest.mark.parametrize("table", [CUSTOMERS, STRATEGY], ids=["customers", "groups"])
def test_a_total_or_a_signature_behind_a_gap_is_not_asked_about(tmp_path: Path, table: Any, said: list[Any]) -> None:
    path, name = tmp_path / "a.xlsx", table.sheet["zh"]
    jobs.new(path, "zh")

    def change(made: Any) -> None:
        put(made[CUSTOMERS.sheet["zh"]], [HEADS, *map(person, range(1, 7))])

    jobs.fill(edit(path, change), as_of=AS_OF)
    last = len(rows_of(path, name))
    for row in (last + 2, last + 3):
        for column, value in enumerate(said, 1):
            path = edit(path, lambda made, at=(row, column), value=value: made[name].cell(*at, value))
        codes = {one.code for one in jobs.check(path).findings}
        assert not codes & {"rows_below", "groups_below"}
    for key in ("C009", "SH:009"):
        path = edit(path, lambda made, key=key: made[name].cell(last + 5, 1, key))
        assert {one.code for one in jobs.check(path).findings} & {"rows_below", "groups_below"}


def test_the_proof_finds_a_cell_that_should_have_stayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "a.xlsx", 20, **{STRATEGY.sheet["zh"]: [PLAN, OWN["figures"], OWN["formulas"]]})
    real = lists._Rows._wanted

    def emptied(self: Any, column: int, slot: Any, cell: Any) -> Any:
        found = real(self, column, slot, cell)
        return None if found is lists._KEEP and column == PLAN.index("客户数") else found

    monkeypatch.setattr(lists._Rows, "_wanted", emptied)
    with pytest.raises(Refused) as refused:
        jobs.fill(path, tmp_path / "b.xlsx", as_of=AS_OF)
    assert refused.value.key == "proof"


# The log -------------------------------------------------------------------------------------------------------------


def test_remarks_on_what_was_found_stay_beside_it(tmp_path: Path) -> None:
    def flawed(made: Any) -> None:
        for cell in ("C5", "F11", "K14"):
            made[CUSTOMERS.sheet["zh"]][cell].value = None

    path, name = filled(edit(book(tmp_path / "a.xlsx", 20), flawed)), CLEANING.sheet["zh"]

    def remarked(made: Any) -> None:
        made[name]["H1"].value = "处理人"
        for row in (2, 3, 4):
            made[name].cell(row, 8).value = f"{made[name].cell(row, 4).value} 已交张三"
        made[CUSTOMERS.sheet["zh"]]["F11"].value = 3

    rows = rows_of(filled(edit(path, remarked)), name)
    assert {row[3]: row[7] for row in rows[1:]} == {one: f"{one} 已交张三" for one in ("C5", "F11", "K14")}


def test_a_signature_below_a_log_without_its_first_column_stays(tmp_path: Path) -> None:
    path, name, signed = book(tmp_path / "a.xlsx"), CLEANING.sheet["zh"], ["制表人", "王五", "审核人", "李四", "六月"]

    def change(made: Any) -> None:
        made[CUSTOMERS.sheet["zh"]]["C5"].value = None
        made[name].tables.clear()
        made[name].delete_cols(1)
        made[name].append(signed)

    rows = rows_of(filled(edit(filled(path), change)), name)
    assert [row[:5] for row in rows if row[0] == "制表人"] == [signed]
    assert len({tuple(row) for row in rows}) == len(rows)
