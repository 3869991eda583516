"""Six months of the sample: orders come in, people edit table 3, targets and proposals come out as worked by hand."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import uci

from segmenter import jobs, pipeline, rules, schema
from segmenter.books import Grid
from segmenter.books.file import FileBook
from segmenter.frames import Frame
from segmenter.reading import targets
from segmenter.reports import tracking
from segmenter.result import Result
from segmenter.steps import goals

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
    people = tables[0][tables[0].index % 5 < 2]
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
            book.write(schema.CUSTOMERS, Frame.from_pandas(people))
            book.write(schema.ORDERS, Frame.from_pandas(sold))
            if contacts:
                columns = ["customer_id", "segment", "campaign", "reached_on", "responded"]
                book.write(schema.ACTIVITY, Frame.of(contacts, columns))
        found = jobs.fill(self.path, as_of=day)
        self.stands()
        return found

    def type(self, **rows: dict[str, Any]) -> None:
        """Somebody types into the rows of some segments in table 3."""
        book = openpyxl.load_workbook(self.path)
        sheet = book[NAME]
        heads = {cell.value: cell.column for cell in sheet[1]}
        at = {sheet.cell(row, 1).value: row for row in range(2, sheet.max_row + 1)}
        for segment, cells in rows.items():
            for key, value in cells.items():
                sheet.cell(at[segment], heads[schema.STRATEGY[key].header["zh"]]).value = value
                self.typed[segment, key] = value
        book.save(self.path)

    def stands(self) -> None:
        """Everything typed so far is where it was."""
        plan = self.plan()
        for (segment, key), value in self.typed.items():
            cell = plan[segment][key]
            assert (cell.date() if key == "start_on" else cell) == value, (segment, key)

    def sheet(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of a sheet."""
        book = openpyxl.load_workbook(self.path, read_only=True)
        found = [*book[name].iter_rows(values_only=True)]
        book.close()
        return found

    def plan(self) -> dict[str, dict[str, Any]]:
        heads, *rows = self.sheet(NAME)
        keys = {one.header["zh"]: one.key for one in schema.STRATEGY.fields}
        return {row[0]: {keys[head]: cell for head, cell in zip(heads, row, strict=True)} for row in rows}


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
        groups = result.customers.pandas.groupby("segment")["customer_id"].agg(list)
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
    play.type(
        流失风险客户={"start_on": date(2026, 2, 1), "progress": "进行中", "owner": "张三"},
        价格敏感客户={"start_on": date(2026, 2, 1), "progress": 0.3, "action": "周末满减活动"},
        高价值客户={"target": "3个月内复购率提升5%；让客户开心", "start_on": jan},
    )
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
    assert any("拼团" in str(row[1]) for row in play.sheet(schema.PROPOSALS.sheet["zh"])[1:])

    # March to May: the campaign's day has passed, the rise is measured against January
    for day in (mar, apr):
        result = play.month(day)
        keep(result, day)
    assert play.plan()["价格敏感客户"]["outcome"] == "已逾期"
    due = {one.key: one for one in result.reviews}
    assert due["dimensions"].overdue and due["dimensions"].last == jan and not due["everything"].overdue
    assert "review_dimensions" in {one.key for one in result.proposals}
    play.type(流失风险客户={"progress": "完成60%"})
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
        book.write(schema.SETTINGS, Frame.of([["上次维度评估", date(2026, 6, 1)]], ["name", "value"]))
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


BOUGHT = """select sum(n >= 2), count(*) from (select count(*) n from member join sold on customer_id = id
    where member.day = :now and segment = :of and sold.day > :start and sold.day <= :now group by id)"""
STAYED = """select sum(a.id in (select id from member where day = :now and segment = :of)), count(*) from member a
    where a.day = :before and a.segment = :of"""
CAME_BACK = """select sum(a.id in (select customer_id from sold where day > :before and day <= :now)), count(*)
    from member a where a.day = :before and a.segment = :of
    and a.id not in (select id from reached where day >= :before and day <= :now)"""
RECALLED = """select sum(exists (select 1 from sold where customer_id = id and day > reached.day and day <= :now)),
    count(*) from reached where campaign = '召回'"""
AGAIN = """select sum(exists (select 1 from sold where customer_id = id and sold.rowid <> first
    and julianday(day) - julianday(start) <= 30)), count(*) from (select id, min(sold.day) start, min(sold.rowid) first
    from member join sold on customer_id = id
    where member.day = :now and segment = :of and sold.day <= :now group by id)
    where julianday(:now) - julianday(start) >= 30"""
ANSWERED = "select sum(yes), count(*) from reached where campaign = '满减'"


def grid(key: str, frame: pd.DataFrame) -> Grid:
    """A sheet as it would be read: the columns of a table that `frame` has."""
    table = schema.table(key)
    keys = [one.key for one in table.fields if one.key in frame]
    cells = frame[keys].astype(object).where(frame[keys].notna(), None)
    rows = [[one.to_pydatetime() if isinstance(one, pd.Timestamp) else one for one in row] for row in cells.to_numpy()]
    return Grid(table.sheet["zh"], [[table[one].header["zh"] for one in keys], *rows])


def planned(*aims: tuple[str, str], ordered: bool = True, **sheets: Grid) -> Result:
    """Ten customers with two orders each of little value, all of one group, and a plan of (segment, target)."""
    sold = [(str(n), pd.Timestamp(2026, 1, day), 100.0) for n in range(10) for day in (5, 20)]
    lines = grid("orders", pd.DataFrame(sold, columns=["customer_id", "ordered_on", "amount"]))
    people = pd.DataFrame({"customer_id": [str(n) for n in range(10)], "frequency": 2.0, "average_order_value": 100.0})
    people = people.assign(total_amount=200.0, last_order_date=pd.Timestamp(2026, 1, 20))
    plan = grid("strategy", pd.DataFrame(aims, columns=["segment", "target"]))
    read = pipeline.Sheets(grid("customers", people), lines if ordered else None, strategy=plan, **sheets)
    return pipeline.run(read, rules.default(), "zh", date(2026, 1, 31))


def test_why_there_is_no_value_is_true() -> None:
    """Nobody is of high value: with order lines there, none are missing."""
    aims = ("高价值客户", "30天内复购率≥80%"), ("流失风险客户", "召回率≥20%"), ("流失风险客户", "复购率≥20%")
    found = planned(*aims, ("低价值客户", "留存率≥70%"), ("我的客户", "30天内复购率≥80%"))
    assert not found.segments.pandas.set_index("segment").at["high_value", "customers"]
    says = ["本次无客户", "缺活动记录", "本次无客户", "缺上次分析", "缺数据"]
    assert found.strategy["actual"][:5].tolist() == says
    assert planned(*aims, ordered=False).strategy["actual"][:3].tolist() == ["缺订单明细", *says[1:3]]


def test_our_words_are_said_in_the_language_of_the_report() -> None:
    aims = ("高价值客户", "30天内复购率≥80%；召回率≥20%"), ("我的客户", "召回率≥20%"), ("我的群", "客户满意")
    found = planned(*aims)
    rows = {row["key"] or row["name"]: row["actual"] for row in tracking.rows(found, "en")}
    assert rows["high_value"] == "Repurchase rate no customers this time; Win-back rate no campaign log"
    assert rows["我的客户"] == "no campaign log" and rows["我的群"] == ""
    assert [row["actual"] for row in tracking.rows(found, "zh")] == [one or "" for one in found.strategy["actual"]]
    gone = found._replace(strategy=found.strategy.assign(actual=np.full(len(found.strategy), "", dtype=object)))
    assert {row["actual"] for row in tracking.rows(gone, "en")} == {""}  # a masked cell stays masked


@pytest.mark.parametrize(
    ("actual", "before", "change"),
    [(0.9517, 0.9534, "-0.1"), (0.5, 0.4, "+10.0"), (0.95349, 0.95351, "-0.1"), (0.3331, 0.3329, "+0.0")],
)
def test_the_change_of_a_rate_is_that_of_the_figures_shown(actual: float, before: float, change: str) -> None:
    aim = targets.parse("复购率提升5%")[0][0]
    one = targets.Tracked(0, "high_value", aim, actual, None, None, before, None, targets.BELOW)
    assert goals.said([one], "zh") == f"{actual:.1%}（此前{before:.1%}，{change}个百分点）"
    assert goals.said([one], "en") == f"{actual:.1%} (was {before:.1%}, {change} points)"


def test_six_months_of_a_real_shop() -> None:
    """The UCI shop: table 3, history and moves go from month to month; SQL says what the targets come to."""
    days = [date(2011, month, 10) for month in range(7, 13)]
    sold = uci.orders()
    base = sqlite3.connect(":memory:")
    sold.assign(day=sold["ordered_on"].dt.strftime("%Y-%m-%d")).to_sql("sold", base)
    base.execute("create index bought on sold (customer_id, day)")
    base.execute("create table member (day text, segment text, id text)")
    base.execute("create table reached (id text, campaign text, day text, yes int)")
    aims = [
        ("高价值客户", "复购率≥80%；留存率≥70%；3个月内复购率提升5%", "生日礼券", days[0]),
        ("潜力客户", "响应率≥10%", "周末满减", None),
        ("流失风险客户", "召回率≥20%", "无门槛券", None),
        ("低价值客户", "自然回流率≥5%；30天内二次购买率≥10%", "推荐", None),
    ]
    sheets = {"strategy": grid("strategy", pd.DataFrame(aims, columns=["segment", "target", "action", "start_on"]))}
    rates = []
    for before, day in zip([None, *days], days, strict=False):
        seen = sold[sold["ordered_on"] <= pd.Timestamp(day)]
        people = seen[["customer_id"]].drop_duplicates()
        people = people.assign(frequency=1.0, average_order_value=1.0, total_amount=1.0)
        read = pipeline.Sheets(grid("customers", people), grid("orders", seen), **sheets)
        found = pipeline.run(read, rules.default(), "zh", day)
        now = {"now": day.isoformat(), "before": before and before.isoformat()}
        ids = zip(found.customers["segment"].tolist(), found.customers["customer_id"].tolist(), strict=True)
        base.executemany("insert into member values (?, ?, ?)", [(now["now"], *one) for one in ids])
        start = rules.months_before(day, 6).isoformat()
        expected = {
            ("high_value", "repurchase_rate", ">="): (BOUGHT, {**now, "start": start, "of": "high_value"}),
            ("low_value", "second_order_rate", ">="): (AGAIN, {**now, "of": "low_value"}),
        }
        if before:
            expected["high_value", "retention_rate", ">="] = (STAYED, {**now, "of": "high_value"})
            expected["low_value", "return_rate", ">="] = (CAME_BACK, {**now, "of": "low_value"})
            expected["at_risk", "recall_rate", ">="] = (RECALLED, now)
            expected["potential", "response_rate", ">="] = (ANSWERED, now)
        mine = {(one.segment, one.target.metric, one.target.op): one for one in found.tracked}
        for key, (query, names) in expected.items():
            hits, whole = base.execute(query, names).fetchone()
            assert (mine[key].hits, mine[key].base) == (hits, whole), (day, key)
            assert (mine[key].outcome == "met") == (mine[key].actual >= mine[key].target.value)
        rates.append(mine["high_value", "repurchase_rate", ">="].actual)
        rise = mine["high_value", "repurchase_rate", "rise"]
        if before:
            assert (rise.before, rise.due) == (pytest.approx(rates[0]), date(2011, 10, 10))
            assert (rise.outcome == "met") == (rise.actual - rates[0] >= 0.05)
        tactics = [one for one in found.proposals if one.key == "tactic" and one.about("zh") == "潜力客户"]
        assert bool(tactics) == bool(before) and all("拼团" in one.what("zh") for one in tactics)
        assert ("review_dimensions" in {one.key for one in found.proposals}) == (day >= days[3])
        tables = {"rfm": found.rfm, "history": found.history, "strategy": found.strategy, **found.extra}
        for key in {"rfm", "history", "moves", "migration_heads", "strategy"} & {*tables}:
            sheets[key] = grid(key, tables[key].pandas)
        sheets["board_facts"] = Grid("看板", [["分析日期", day.isoformat()]])
        if day == days[0]:  # two campaigns after the first analysis: few answer the second
            log = []
            for segment, campaign in (("at_risk", "召回"), ("potential", "满减")):
                query = "select id from member where segment = ? order by id"
                log += [(one, campaign, "2011-07-15", n < 2) for n, (one,) in enumerate(base.execute(query, [segment]))]
            base.executemany("insert into reached values (?, ?, ?, ?)", log)
            names = {"召回": "流失风险客户", "满减": "潜力客户"}
            rows = [(a, names[b], b, pd.Timestamp(c), "是" if d else "否") for a, b, c, d in log]
            keys = ["customer_id", "segment", "campaign", "reached_on", "responded"]
            sheets["activity"] = grid("activity", pd.DataFrame(rows, columns=keys))
    assert len(rates) == 6
