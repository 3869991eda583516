"""Six months of the sample: orders come in, people edit table 3, targets and proposals come out as worked by hand."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from segmenter import jobs, schema
from segmenter.books.file import FileBook
from segmenter.result import Result

MONTHS = [
    date(2026, 1, 31),
    date(2026, 2, 28),
    date(2026, 3, 31),
    date(2026, 4, 30),
    date(2026, 5, 31),
    date(2026, 6, 30),
]
NAME = schema.STRATEGY.sheet["zh"]


@pytest.fixture(scope="module")
def shop() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sample's customers and orders."""
    with as_file(files("segmenter.workbook") / "sample.xlsx") as path:
        book = openpyxl.load_workbook(path, read_only=True)
        tables = []
        for table in (schema.CUSTOMERS, schema.ORDERS):
            rows = list(book[table.sheet["zh"]].values)
            keys = {one.header["zh"]: one.key for one in table.fields}
            tables.append(pd.DataFrame(rows[1:], columns=[keys[head] for head in rows[0]]))
    people = tables[0].iloc[::2]
    return people, tables[1][tables[1]["customer_id"].isin(people["customer_id"])]


class Play:
    """One workbook over the months."""

    def __init__(self, path: Path, shop: tuple[pd.DataFrame, pd.DataFrame]) -> None:
        self.path, (self.people, self.sold) = path, shop
        self.typed: dict[tuple[str, str], Any] = {}
        jobs.new(path, "zh")

    def month(self, day: date, contacts: list[tuple[Any, ...]] = ()) -> Result:  # type: ignore[assignment]
        """What has been sold until `day` arrives, and is filled."""
        sold = self.sold[self.sold["ordered_on"] <= pd.Timestamp(day)]
        people = self.people[["customer_id", "gender", "age", "region"]].assign(
            frequency=None, average_order_value=None, total_amount=None
        )
        with FileBook(self.path) as book:
            book.write(schema.CUSTOMERS, people)
            book.write(schema.ORDERS, sold)
            if contacts:
                columns = ["customer_id", "segment", "campaign", "reached_on", "responded"]
                book.write(schema.ACTIVITY, pd.DataFrame(contacts, columns=columns, dtype=object))
        found = jobs.fill(self.path, as_of=day)
        self.stands()
        return found

    def type(self, segment: str, **cells: Any) -> None:
        """Somebody types into the row of a segment in table 3."""
        book = openpyxl.load_workbook(self.path)
        sheet = book[NAME]
        heads = {cell.value: cell.column for cell in sheet[1]}
        row = next(row for row in range(2, sheet.max_row + 1) if sheet.cell(row, 1).value == segment)
        for key, value in cells.items():
            sheet.cell(row, heads[schema.STRATEGY[key].header["zh"]]).value = value
            self.typed[segment, key] = value
        book.save(self.path)

    def stands(self) -> None:
        """Everything typed so far is where it was."""
        plan = self.plan()
        for (segment, key), value in self.typed.items():
            cell = plan[segment][key]
            assert (cell.date() if key == "start_on" else cell) == value, (segment, key)

    def plan(self) -> dict[str, dict[str, Any]]:
        sheet = openpyxl.load_workbook(self.path)[NAME]
        keys = {one.header["zh"]: one.key for one in schema.STRATEGY.fields}
        heads = [keys[cell.value] for cell in sheet[1]]
        return {row[0]: dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=2, values_only=True)}


def by_customer(sold: pd.DataFrame, until: date) -> dict[str, list[date]]:
    found = defaultdict(list)
    for row in sold.itertuples():
        if row.ordered_on.date() <= until:
            found[str(row.customer_id)].append(row.ordered_on.date())
    return found


def test_six_months(tmp_path: Path, shop: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    play = Play(tmp_path / "shop.xlsx", shop)
    jan, feb, mar, apr, may, jun = MONTHS
    members: dict[date, dict[str, list[str]]] = {}

    def keep(result: Result, day: date) -> None:
        groups = result.customers.groupby("segment")["customer_id"].agg(list)
        members[day] = {str(key): list(map(str, ids)) for key, ids in groups.items()}

    # January: the plan is made; nobody has been reached, nothing is known of before
    result = play.month(jan)
    keep(result, jan)
    plan = play.plan()
    assert plan["流失风险客户"]["actual"] == "缺活动记录" and plan["流失风险客户"]["outcome"] == "无数据"
    assert plan["低价值客户"]["actual"] == "缺上次分析"
    best = members[jan]["high_value"]
    orders = by_customer(play.sold, jan)
    start = date(2025, 7, 31)
    counts = [sum(day > start for day in orders[one]) for one in best]
    again, bought = sum(n >= 2 for n in counts), sum(n >= 1 for n in counts)
    shown = f"{again / bought:.1%}（{again:,}/{bought:,}）"
    assert plan["高价值客户"]["actual"] == shown
    assert plan["高价值客户"]["outcome"] == ("已达标" if again / bought >= 0.8 else "未达标")
    assert [one.due for one in result.reviews] == [feb, date(2026, 4, 30), date(2026, 7, 31)]

    # February: a win-back campaign begins; the team types, also what nobody can measure
    play.type("流失风险客户", start_on=date(2026, 2, 1), progress="进行中", owner="张三")
    play.type("价格敏感客户", start_on=date(2026, 2, 1), progress=0.3, action="周末满减活动")
    play.type("高价值客户", target="3个月内复购率提升5%；让客户开心", start_on=jan)
    lost = members[jan]["at_risk"]
    contacts = [(one, "流失风险客户", "召回", date(2026, 2, 3), None) for one in lost]
    keen = members[jan]["price_sensitive"][:35]
    contacts += [(one, None, "周末满减", date(2026, 2, 7), "是" if n < 1 else "否") for n, one in enumerate(keen)]
    result = play.month(feb, contacts)
    keep(result, feb)
    plan = play.plan()
    orders = by_customer(play.sold, feb)
    back = sum(any(day > date(2026, 2, 3) for day in orders[one]) for one in lost)
    assert plan["流失风险客户"]["actual"] == f"{back / len(lost):.1%}（{back:,}/{len(lost):,}）"
    assert plan["流失风险客户"]["due_on"].date() == date(2026, 2, 15)
    assert plan["流失风险客户"]["outcome"] == ("已达标" if back / len(lost) >= 0.2 else "已逾期")
    assert plan["流失风险客户"]["progress_share"] is None and plan["价格敏感客户"]["progress_share"] == 0.3
    assert plan["价格敏感客户"]["actual"] == f"{1 / len(keen):.1%}（1/{len(keen)}）"
    assert plan["价格敏感客户"]["outcome"] == "未到期" and plan["价格敏感客户"]["due_on"].date() == date(2026, 3, 1)
    unread = [one for one in result.findings if one.code == "target_unread"]
    assert [one.params["part"] for one in unread] == ["让客户开心"] and unread[0].cell == "F2"
    # 003-66: no response to 满减, so 拼团 is proposed, with the numbers
    proposed = {one.key: one for one in result.proposals if one.about("zh") == "价格敏感客户"}
    assert "拼团" in proposed["tactic"].what("zh")
    assert f"1/{len(keen)}人" in proposed["tactic"].why("zh") and "周末满减活动" in proposed["tactic"].why("zh")
    sheet = openpyxl.load_workbook(play.path)[schema.PROPOSALS.sheet["zh"]]
    assert any("拼团" in str(row[1]) for row in sheet.iter_rows(min_row=2, values_only=True))

    # March to May: the campaign's day has passed, the rise is measured against January
    for day in (mar, apr):
        result = play.month(day)
        keep(result, day)
    assert play.plan()["价格敏感客户"]["outcome"] == "已逾期"
    due = {one.key: one for one in result.reviews}
    assert due["dimensions"].overdue and due["dimensions"].last == jan and not due["everything"].overdue
    assert "review_dimensions" in {one.key for one in result.proposals}
    play.type("流失风险客户", progress="完成60%")
    result = play.month(may)
    keep(result, may)
    plan = play.plan()
    now = next(one for one in result.tracked if one.target.op == "rise")
    window = date(2025, 11, 30)
    orders = by_customer(play.sold, may)
    counts = [sum(day > window for day in orders[one]) for one in members[may]["high_value"]]
    rate = sum(n >= 2 for n in counts) / sum(n >= 1 for n in counts)
    assert now.actual == pytest.approx(rate) and now.before == pytest.approx(again / bought) and now.due == apr
    assert now.outcome == ("met" if rate - again / bought >= 0.05 else "late")
    assert plan["流失风险客户"]["progress_share"] == 0.6

    # organic return: last month's low-value customers who were not reached since and ordered since
    low = members[apr]["low_value"]
    came = sum(any(apr < day <= may for day in orders[one]) for one in low)
    assert plan["低价值客户"]["actual"] == f"{came / len(low):.1%}（{came:,}/{len(low):,}）"

    # June: the quarter's review is noted in the settings, so its clock stands still
    result = jobs.check(play.path, as_of=jun)
    assert "review_dimensions" in {one.key for one in result.proposals}
    with FileBook(play.path) as book:
        book.write(schema.SETTINGS, pd.DataFrame({"name": ["上次维度评估"], "value": [date(2026, 6, 1)]}, dtype=object))
    result = play.month(jun)
    assert "review_dimensions" not in {one.key for one in result.proposals}
    once = play.path.read_bytes()
    jobs.fill(play.path, as_of=jun)
    assert play.path.read_bytes() == once


def test_a_goal_is_asked_what_it_lacks() -> None:
    with as_file(files("segmenter.workbook") / "sample.xlsx") as path:
        found = [one for one in jobs.check(path).findings if one.code == "goal_not_smart"]
    assert [one.message("zh") for one in found] == [
        "分析目标“提升高价值客户复购率”还缺：数值（如提升5个百分点）、期限（如30天内）、负责人"
        "（SMART：具体、可测量、可达成、相关、有期限）"
    ]
