"""Six months of a shop, played: orders arrive, people write into the workbook between the runs, history and migration
come out as worked out by hand."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import uci
from openpyxl.comments import Comment

from segmenter import jobs, pipeline, rules, schema
from segmenter.books import Grid
from segmenter.books.file import FileBook
from segmenter.frames import Frame
from segmenter.mail import letters
from segmenter.reading import intake
from segmenter.reports import changes, report
from segmenter.result import Result

STRATEGY, HISTORY, MOVES, MATRIX = (
    schema.table(key).sheet["zh"] for key in ("strategy", "history", "moves", "migration_heads")
)

# Worked out by hand: R is 1 up to 30 days, F from 5 orders in six months on, M from 1000 in six months on.
#   anna  five orders of 300 in January, one more each month                    111 throughout
#   bea   five orders of 400 in January, then nothing                           111, from March on 011, in July none
#   carl  one order of 50 in February, five of 250 in April                     100, 000, 111, 011
#   dora  one order of 1500 in May                                              101, 001
MONTHS: Mapping[date, list[tuple[str, str, float]]] = {
    date(2026, 1, 31): [("anna", f"2026-01-{d}", 300) for d in (10, 12, 14, 16, 18)]
    + [("bea", f"2026-01-{d}", 400) for d in (20, 21, 22, 23, 24)],
    date(2026, 2, 20): [("anna", "2026-02-15", 300), ("carl", "2026-02-18", 50)],
    date(2026, 3, 31): [("anna", "2026-03-15", 300)],
    date(2026, 4, 30): [("anna", "2026-04-15", 300), *(("carl", f"2026-04-{d}", 250.0) for d in range(10, 15))],
    date(2026, 5, 31): [("anna", "2026-05-15", 300), ("dora", "2026-05-20", 1500)],
    date(2026, 6, 30): [("anna", "2026-06-15", 300)],
    date(2026, 7, 31): [("anna", "2026-07-15", 300)],
}
CODES = {
    date(2026, 1, 31): {"anna": "111", "bea": "111"},
    date(2026, 2, 20): {"anna": "111", "bea": "111", "carl": "100"},
    date(2026, 3, 31): {"anna": "111", "bea": "011", "carl": "000"},
    date(2026, 4, 30): {"anna": "111", "bea": "011", "carl": "111"},
    date(2026, 5, 31): {"anna": "111", "bea": "011", "carl": "011", "dora": "101"},
    date(2026, 6, 30): {"anna": "111", "bea": "011", "carl": "011", "dora": "001"},
    date(2026, 7, 31): {"anna": "111", "bea": "000", "carl": "011", "dora": "001"},
}
MOVED = {
    date(2026, 2, 20): {("111", "111"): 2, ("entered", "100"): 1},
    date(2026, 3, 31): {("111", "111"): 1, ("111", "011"): 1, ("100", "000"): 1},
    date(2026, 4, 30): {("111", "111"): 1, ("011", "011"): 1, ("000", "111"): 1},
    date(2026, 5, 31): {("111", "111"): 1, ("011", "011"): 1, ("111", "011"): 1, ("entered", "101"): 1},
    date(2026, 6, 30): {("111", "111"): 1, ("011", "011"): 2, ("101", "001"): 1},
    date(2026, 7, 31): {("111", "111"): 1, ("011", "000"): 1, ("011", "011"): 1, ("001", "001"): 1},
}


def arrive(path: Path, until: date) -> None:
    """The orders up to a day stand in the workbook; everybody who ever ordered is on the customer sheet."""
    rows = [row for day, rows in MONTHS.items() if day <= until for row in rows]
    lines = pd.DataFrame(rows, columns=["customer_id", "ordered_on", "amount"])
    lines = lines.assign(ordered_on=pd.to_datetime(lines["ordered_on"]), amount=lines["amount"].astype(float))
    ids = lines["customer_id"].unique()
    with FileBook(path) as book:
        book.write(schema.ORDERS, Frame.from_pandas(lines))
        people = pd.DataFrame({"customer_id": ids, "frequency": 1.0, "average_order_value": 1.0, "total_amount": 1.0})
        book.write(schema.CUSTOMERS, Frame.from_pandas(people))


def edit(path: Path, sheet: str, change: Any) -> None:
    book = openpyxl.load_workbook(path)
    change(book[sheet])
    book.save(path)


def cells_of(result: Result) -> dict[tuple[str, str], int]:
    assert result.migration is not None
    counted = result.migration.cells.pandas.groupby(["start", "end"])["customers"].sum()
    return {(str(a), str(b)): int(n) for (a, b), n in counted.items()}


def lines_of(path: Path) -> list[dict[str, Any]]:
    rows = openpyxl.load_workbook(path)[HISTORY].iter_rows(values_only=True)
    heads = next(rows)
    return [dict(zip(heads, row, strict=True)) for row in rows if row[0]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[date, Result]]:
    """The half year, run by run, with what people type in between."""
    path = tmp_path_factory.mktemp("play") / "book.xlsx"
    jobs.new(path, "zh")
    results = {}
    for number, day in enumerate(MONTHS):
        arrive(path, day)
        results[day] = jobs.fill(path, as_of=day)
        if number == 0:  # somebody takes over the best customers and writes beside the history

            def own(sheet: Any) -> None:
                sheet["E2"], sheet["H2"] = "王五", "已完成30%"

            def note(sheet: Any) -> None:
                sheet.cell(1, 15, "备注")
                sheet.cell(2, 15, "春节前")

            edit(path, STRATEGY, own)
            edit(path, HISTORY, note)
        if number == 2:  # progress in other words, the history sorted the other way round

            def turn(sheet: Any) -> None:
                rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2) if row[0].value]
                for at, row in enumerate(reversed(rows), 2):
                    for column, value in enumerate(row, 1):
                        sheet.cell(at, column).value = value

            edit(path, STRATEGY, lambda sheet: sheet.__setitem__("H2", 0.6))
            edit(path, HISTORY, turn)
    return path, results


def test_codes_and_moves_of_every_month(played: tuple[Path, dict[date, Result]]) -> None:
    _, results = played
    assert results[date(2026, 1, 31)].migration is None
    for day, result in results.items():
        codes = result.customers.pandas.set_index("customer_id")["code"].to_dict()
        assert codes == CODES[day], day
        if day in MOVED:
            assert cells_of(result) == MOVED[day], day
    days = [*MONTHS]
    assert [results[day].migration.before for day in days[1:]] == days[:-1]  # type: ignore[union-attr]
    march = results[date(2026, 3, 31)].migration
    assert march is not None
    lost = march.cells.pandas.set_index(["start", "end"])[["before", "after", "lost"]]
    assert lost.loc[("111", "011")].tolist() == [2000, 2000, 0]
    assert lost.loc[("111", "111")].tolist() == [1800, 2100, -300]


def test_the_history_of_half_a_year(played: tuple[Path, dict[date, Result]]) -> None:
    path, results = played
    lines = lines_of(path)
    assert len(lines) == 7 * len(rules.default().segments)
    best = {one["分析日期"].date(): one for one in lines if one["客户类型"] == "高价值客户"}
    assert {day: one["客户数"] for day, one in best.items()} == dict(zip(MONTHS, (2, 2, 1, 2, 1, 1, 1), strict=True))
    june = best[date(2026, 6, 30)]  # anna: ten orders of 300 since 30 December
    assert [june[key] for key in ("近6个月金额(元)", "人均频次", "客单价(元)", "复购率")] == [3000, 10, 300, 1]
    risk = {one["分析日期"].date(): one for one in lines if one["客户类型"] == "流失风险客户"}
    assert [risk[day]["复购率"] for day in (date(2026, 5, 31), date(2026, 6, 30))] == [1, pytest.approx(2 / 3)]
    assert june["对比日期"].date() == date(2026, 5, 31)
    assert changes.earlier(results[date(2026, 6, 30)]) is not None
    assert changes.earlier(results[date(2026, 6, 30)])["high_value"] == (1.0, 2700.0, 9.0)  # type: ignore[index]


def test_nothing_typed_is_lost(played: tuple[Path, dict[date, Result]]) -> None:
    path, _ = played
    sheet = openpyxl.load_workbook(path)[STRATEGY]
    assert (sheet["A2"].value, sheet["E2"].value, sheet["H2"].value) == ("高价值客户", "王五", 0.6)
    noted = [one for one in lines_of(path) if one["备注"]]
    assert [(one["备注"], one["分析日期"].date(), one["客户类型"]) for one in noted] == [
        ("春节前", date(2026, 1, 31), "高价值客户")
    ]


@pytest.mark.parametrize("sheet", [schema.RFM, schema.table("moves")], ids=lambda one: one.key)
def test_a_line_of_signatures_below_a_list_is_no_customer_who_left(tmp_path: Path, sheet: schema.Table) -> None:
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")

    def sign(found: Any) -> None:
        last = max(row[0].row for row in found.iter_rows() if row[0].value is not None)
        for column, word in enumerate(["制表：", "王五", "审核：", "李四", "日期：", "六月", "页数", 3, 3], 1):
            if sheet is schema.RFM or column < 7:
                found.cell(last + 1, column, word)

    *earlier, last = [*MONTHS][: 2 if sheet is schema.RFM else 3]  # before there is a list of moves, and after
    for day in (*earlier, last):
        arrive(path, day)
        if day == last:
            edit(path, sheet.sheet["zh"], sign)
        moved = jobs.fill(path, as_of=day).migration
    assert moved is not None and "六月" not in [*moved.cells["start_segment"]]
    book = openpyxl.load_workbook(path)
    assert all(
        sum(row[0].value == "制表：" for row in book[name]) == (name == sheet.sheet["zh"]) for name in book.sheetnames
    )


def test_a_line_of_signatures_with_its_day_below_the_history_is_there_once(tmp_path: Path) -> None:
    """It is no line of it: without the key of one."""
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")
    day = next(iter(MONTHS))
    arrive(path, day)
    jobs.fill(path, as_of=day)

    def sign(found: Any) -> None:
        last = max(row[0].row for row in found.iter_rows() if row[0].value is not None)
        for column, value in enumerate([date(2026, 7, 1), "制表：王五"], 1):
            found.cell(last + 1, column, value)

    edit(path, "细分历史", sign)
    for _ in range(2):
        found = jobs.fill(path, as_of=day).history
        assert "制表：王五" not in [*found["segment"]]
        sheet = openpyxl.load_workbook(path)["细分历史"]
        assert [row[1] for row in sheet.iter_rows(values_only=True)].count("制表：王五") == 1


@pytest.mark.parametrize("typed", [{"A": "核对"}, {"N": "核对"}, {"A": "核对", "B": "再看", "N": "王五"}], ids="".join)
def test_a_line_of_the_history_that_somebody_typed_over_stays(tmp_path: Path, typed: dict[str, str]) -> None:
    """Its last one, and the line is written anew below; another line lost its day."""
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    jobs.new(path, "zh")
    for day in [*MONTHS][:2]:
        arrive(path, day)
        jobs.fill(path, as_of=day)

    def type_over(found: Any) -> None:
        found["A2"] = "请复核"
        for column, word in typed.items():
            found[f"{column}{found.max_row}"] = word

    edit(path, HISTORY, type_over)
    stood = [*openpyxl.load_workbook(path)[HISTORY].iter_rows(values_only=True)][-1]
    for _ in range(2):
        jobs.fill(path, out, as_of=day)
        assert jobs.verify(path, out).ok
        rows = [*openpyxl.load_workbook(out)[HISTORY].iter_rows(values_only=True)]
        assert rows.count(stood) == 1
        assert [f"{day} 低价值客户" in row for row in rows].count(True) == 2 - ("N" in typed)
        path = Path(shutil.copy(out, tmp_path / "again.xlsx"))


@pytest.mark.parametrize("commented", [True, False])
def test_a_line_of_the_history_of_which_only_the_key_is_left(tmp_path: Path, commented: bool) -> None:
    """As a fill of the same day leaves it that has one line fewer, where somebody commented it: it stays above the
    signature below, as long as the comment does."""
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    jobs.new(path, "zh")
    for day in [*MONTHS][:2]:
        arrive(path, day)
        jobs.fill(path, as_of=day)

    def empty(found: Any) -> None:
        last = found.max_row
        for column in range(1, 14):
            found.cell(last, column).value = None
        found.cell(last, 5).comment = Comment("why", "me") if commented else None
        for column, word in enumerate(("审核人", "李四"), 1):
            found.cell(last + 1, column).value = word

    arrive(path, date(2026, 3, 31))
    edit(path, HISTORY, empty)
    key = f"{day} 低价值客户"
    for day in (date(2026, 3, 31), date(2026, 4, 30)):
        jobs.fill(path, out, as_of=day)
        assert jobs.verify(path, out).ok
        rows = [*openpyxl.load_workbook(out)[HISTORY].iter_rows(values_only=True)]
        assert [row.count(key) for row in rows].count(1) == commented
        assert rows[-1][:2] == ("审核人", "李四") and rows[-2][0] is not None
        path = Path(shutil.copy(out, tmp_path / "again.xlsx"))


def test_the_same_day_again_keeps_what_it_is_compared_with(
    played: tuple[Path, dict[date, Result]], tmp_path: Path
) -> None:
    path, results = played
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(path.read_bytes())
    day = date(2026, 7, 31)
    assert cells_of(jobs.fill(copy, as_of=day)) == MOVED[day]
    assert copy.read_bytes() == path.read_bytes()
    arrive(copy, day)  # dora ordered after all: the run is repeated with her order in it
    with FileBook(copy) as book:
        grid = book.read(schema.ORDERS)
        assert grid is not None
        lines = intake.take(grid, schema.ORDERS).frame.pandas[["customer_id", "ordered_on", "amount"]]
        more = pd.DataFrame({"customer_id": ["dora"], "ordered_on": [pd.Timestamp("2026-07-30")], "amount": [10.0]})
        book.write(schema.ORDERS, Frame.from_pandas(pd.concat([lines, more])))
    moved = cells_of(jobs.fill(copy, as_of=day))
    assert moved == {**{k: n for k, n in MOVED[day].items() if k != ("001", "001")}, ("001", "101"): 1}
    assert results[day].migration is not None


def test_an_earlier_day_only_goes_on_record(played: tuple[Path, dict[date, Result]], tmp_path: Path) -> None:
    path, _ = played
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(path.read_bytes())
    back = jobs.fill(copy, as_of=date(2026, 4, 15))
    assert back.migration is None and "as_of_back" in {one.code for one in back.findings}
    assert {one["分析日期"].date() for one in lines_of(copy)} == {*MONTHS, date(2026, 4, 15)}
    later = jobs.fill(copy, as_of=date(2026, 8, 5))
    assert later.migration is not None and later.migration.before == date(2026, 7, 31)
    assert cells_of(later)["111", "111"] == 1


def test_verify_knows_a_list_that_stayed_as_it_was(played: tuple[Path, dict[date, Result]], tmp_path: Path) -> None:
    """With a row somebody emptied, which one that is written would have closed, and a print area across it."""
    path, out = tmp_path / "copy.xlsx", tmp_path / "out.xlsx"
    shutil.copy(played[0], path)

    def empty(found: Any) -> None:
        found.tables.clear()
        for cell in found[3]:
            cell.value = None
        found.print_area = f"A1:F{found.max_row - 1}"

    edit(path, MOVES, empty)
    jobs.fill(path, out, as_of=date(2026, 4, 15))
    sheets = [openpyxl.load_workbook(one)[MOVES] for one in (path, out)]
    assert sheets[0].print_area == sheets[1].print_area
    assert [*sheets[0].values] == [*sheets[1].values]
    assert jobs.verify(path, out).ok


def test_other_rules_are_said(played: tuple[Path, dict[date, Result]], tmp_path: Path) -> None:
    path, results = played
    assert not [one for one in results[date(2026, 7, 31)].findings if one.code == "rules_changed"]
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(path.read_bytes())
    strict = tmp_path / "rules.toml"
    strict.write_text("recency_bins = [10, 90, 180]\n", encoding="utf-8")
    result = jobs.fill(copy, as_of=date(2026, 8, 5), rules_file=strict)
    assert [one.code for one in result.findings if one.code == "rules_changed"] == ["rules_changed"]
    assert result.migration is not None and not result.migration.same_rules


@pytest.mark.parametrize(
    ("scoring", "other"),
    [
        ("quantile", {"quantile_labels": ("high", "high", "high", "low", "low")}),
        ("mean", {"scoring": "fixed"}),
        ("fixed", {"recency_bins": (10.0, 90.0, 180.0)}),
    ],
)
def test_limits_learnt_anew_are_no_other_rules(tmp_path: Path, scoring: str, other: dict[str, Any]) -> None:
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")
    limits = []

    def run(day: date, **changes: Any) -> list[str]:
        spent = [float((n + 1) * day.month**2 * 10) for n in range(12)]
        people = pd.DataFrame(
            {"customer_id": [str(n) for n in range(12)], "frequency": [n % 6 + day.month for n in range(12)]}
        )
        people = people.assign(
            average_order_value=spent, total_amount=[a * b for a, b in zip(spent, people["frequency"], strict=True)]
        )
        people["last_order_date"] = [pd.Timestamp(day) - pd.Timedelta(days=n * day.month) for n in range(12)]
        with FileBook(path) as book:
            book.write(schema.CUSTOMERS, Frame.from_pandas(people))
        result = jobs.fill(path, as_of=day, changes={"scoring": scoring, **changes})
        limits.append(result.rules.monetary_bins)
        return [one.code for one in result.findings if one.code == "rules_changed"]

    first, second, third, *_ = MONTHS
    assert run(first) == run(second) == []
    assert (limits[0] != limits[1]) == (scoring != "fixed")
    assert run(third, **other) == ["rules_changed"]


def test_switched_off_or_somebody_elses_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")
    arrive(path, date(2026, 1, 31))
    off = tmp_path / "rules.toml"
    off.write_text("history = false\n", encoding="utf-8")
    jobs.fill(path, as_of=date(2026, 1, 31), rules_file=off)
    assert HISTORY not in openpyxl.load_workbook(path).sheetnames
    book = openpyxl.load_workbook(path)
    book.create_sheet(HISTORY)["A1"] = "我的历史"
    book.save(path)
    result = jobs.fill(path, as_of=date(2026, 1, 31))
    assert "history_foreign" in {one.code for one in result.findings}
    assert openpyxl.load_workbook(path)[HISTORY]["A1"].value == "我的历史"


def test_formulas_that_calculate_anew_do_not_move_the_past(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")
    people = pd.DataFrame({"customer_id": ["1"], "frequency": [5.0], "average_order_value": 1000.0})
    people = people.assign(total_amount=5000.0, last_order_date=pd.Timestamp("2026-06-20"))
    with FileBook(path) as book:
        book.write(schema.CUSTOMERS, Frame.from_pandas(people))
    jobs.fill(path, as_of=date(2026, 6, 30), formulas=True)
    edit(path, schema.RFM.sheet["zh"], lambda sheet: sheet.__setitem__("E2", "000(低R/低F/低M)"))
    assert cells_of(jobs.fill(path, as_of=date(2026, 7, 31), formulas=True)) == {("111", "011"): 1}


def test_a_dimension_that_fades(tmp_path: Path) -> None:
    """Of 30 men and 30 women, so many men and all but so many women buy a lot: by hand, V of the table of sex and
    type is |2n - 30| / 30."""
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")
    chosen = {"dimensions": ("性别",)}
    men = pd.DataFrame({"customer_id": [str(n) for n in range(60)], "gender": ["男"] * 30 + ["女"] * 30})

    def run(day: date, best: int, **rules: Any) -> Result:
        rich = [n < best if n < 30 else n - 30 >= best for n in range(60)]
        people = men.assign(
            frequency=[10.0 if one else 1.0 for one in rich],
            average_order_value=[900.0 if one else 9.0 for one in rich],
            total_amount=[9000.0 if one else 9.0 for one in rich],
            last_order_date=pd.Timestamp(day) - pd.Timedelta(days=9),
        )
        with FileBook(path) as book:
            book.write(schema.CUSTOMERS, Frame.from_pandas(people))
        return jobs.fill(path, as_of=day, changes=rules)

    def told() -> dict[date, float]:
        lines = [one for one in lines_of(path) if one["客户类型"] == "维度：性别"]
        assert len(lines) == len({one["分析日期"] for one in lines})
        return {one["分析日期"].date(): one["维度区分度"] for one in lines}

    days = [*MONTHS]
    assert "fading" not in {one.key for one in run(days[0], 30).proposals} and not told()
    for day, best in zip(days[1:3], (24, 20), strict=True):
        assert "fading" not in {one.key for one in run(day, best, **chosen).proposals}
    run(days[3], 18, **chosen)
    result = run(days[3], 16, **chosen)  # again, with better data
    assert told() == {days[1]: 0.6, days[2]: pytest.approx(1 / 3, abs=1e-4), days[3]: pytest.approx(1 / 15, abs=1e-4)}
    (fading,) = (one for one in result.proposals if one.key == "fading")
    assert "0.600 (2026-02-20)、0.333 (2026-03-31)、0.067 (2026-04-30)" in fading.why("zh")
    assert sum(one["客户数"] or 0 for one in lines_of(path) if one["分析日期"].date() == days[3]) == 60
    assert "fading" not in {one.key for one in run(days[3], 16).proposals}  # no longer a core dimension
    run(days[3], 16, **chosen)
    result = run(days[4], 15, **chosen, separation_min=0.0)
    assert "fading" not in {one.key for one in result.proposals} and told()[days[4]] == 0
    result = run(days[4], 15, **chosen, window_months=3)  # other rules: what they cut, they cut otherwise
    assert "fading" not in {one.key for one in result.proposals}


def test_the_report_and_the_mail_say_it(played: tuple[Path, dict[date, Result]]) -> None:
    _, results = played
    result = results[date(2026, 3, 31)]
    page = report.render(result, "zh")
    assert "客户迁移" in page and "流失入口" in page and "2026年2月20日" in page
    assert report.context(results[date(2026, 1, 31)], "zh")["migration"] is None
    strict = report.context(result, "zh", strict=True)["migration"]
    assert not strict["moves"] and {one["customers"] for one in strict["heads"]} <= {"<5", 0.0}


def test_the_real_shop_month_by_month() -> None:
    """Every month: who was there is there, sums add up, and the figures of a month are the next one's past."""
    known = uci.orders().assign(order_id="")
    heads = [[schema.ORDERS[key].header["zh"] for key in ("customer_id", "ordered_on", "amount")]]
    lines = known[["customer_id", "ordered_on", "amount"]]
    days = [date(2011, month, 10) for month in (9, 10, 11, 12)]
    sheets: dict[str, Grid] = {}
    results: list[Result] = []
    for day in days:
        seen = lines[lines["ordered_on"] <= pd.Timestamp(day)]
        rows = [[a, b.to_pydatetime(), float(c)] for a, b, c in seen.itertuples(index=False)]
        ids = [[one, 1.0, 1.0, 1.0] for one in dict.fromkeys(seen["customer_id"])]
        columns = ("customer_id", "frequency", "average_order_value", "total_amount")
        people = Grid("客户", [[schema.CUSTOMERS[key].header["zh"] for key in columns], *ids])
        result = pipeline.run(
            pipeline.Sheets(people, Grid("订单明细", [*heads, *rows]), **sheets), rules.default(), "zh", day
        )
        tables = {"rfm": result.rfm, "history": result.history, **result.extra}
        sheets = {
            key: Grid(key, [[f.header["zh"] for f in schema.table(key).fields], *_cells(tables[key], key)])
            for key in ("rfm", "history", "moves", "migration_heads")
            if key in tables
        }
        sheets["board_facts"] = Grid("看板", [["分析日期", day.isoformat()]])
        results.append(result)
    for before, now in pairwise(results):
        found = now.migration
        assert found is not None and found.before == before.as_of
        cells = found.cells.pandas
        assert cells.loc[cells["start"] != "entered", "customers"].sum() == len(before.customers)
        assert cells.loc[cells["end"] != "left", "customers"].sum() == len(now.customers)
        assert cells["before"].sum() == pytest.approx(float(before.customers["monetary"].sum()), abs=0.05)
        assert cells["after"].sum() == pytest.approx(float(now.customers["monetary"].sum()), abs=0.05)
        past = changes.earlier(now) or {}
        assert past["high_value"][0] == (before.customers["segment"] == "high_value").sum()
    wish = letters.Wish(book="b", lang="zh")
    content, _ = letters.draft(results[-1], wish)
    letter = message_from_bytes(content, policy=policy.default)
    subject, body = str(letter["Subject"]), letter.get_body(("plain",))
    was, now = ((one.customers["segment"] == "high_value").sum() for one in results[-2:])
    assert f"({now - was:+d})" in subject and body is not None
    assert "不再活跃" in body.get_content() and "升级" in body.get_content()


def _cells(frame: Frame, key: str) -> list[list[Any]]:
    columns = [field.key for field in schema.table(key).fields]
    found = frame.pandas.reindex(columns=columns).astype(object)
    return [[None if v != v else v for v in row] for row in found.to_numpy(object).tolist()]
