"""Who moved between two analyses, counted: by hand, by SQL, and by laws."""

from __future__ import annotations

import sqlite3
from datetime import date

import numpy as np
import pandas as pd
import pytest
import uci
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter import rules, schema, texts
from segmenter.books import Grid
from segmenter.frames import Frame
from segmenter.reading import values
from segmenter.result import Migration
from segmenter.steps import migration, orders, score

SQL = """
with seen as (select customer_id c, date(max(ordered_on)) last from orders where date(ordered_on) <= :day group by c),
windowed as (select customer_id c, count(*) f, sum(amount) m from orders
             where date(ordered_on) <= :day and date(ordered_on) > date(:day, '-6 months') group by c)
select seen.c, (julianday(:day) - julianday(last) <= 30) || (coalesce(f, 0) >= 5) || (coalesce(m, 0) >= 1000) code,
       coalesce(m, 0) m
from seen left join windowed on windowed.c = seen.c
"""


def state(*people: tuple[str, str, float], prefix: str = "") -> Frame:
    """A state of (ID, code, amount); the segment is called after the code."""
    ids = [prefix + one for one, _, _ in people]
    frame = {
        "key": ids,
        "customer_id": ids,
        "code": [c for _, c, _ in people],
        "segment": [f"s{c}" for _, c, _ in people],
    }
    amounts = np.array([m for _, _, m in people], dtype=float)
    return Frame({**{key: np.array(cells, dtype=object) for key, cells in frame.items()}, "amount": amounts})


def uci_state(day: date) -> Frame:
    """Our state of the real shop on a day."""
    known = uci.orders().assign(order_id="", key=lambda frame: values.keys(frame["customer_id"].to_numpy(object)))
    found = orders.behaviour(Frame.from_pandas(known), day, rules.default()).pandas
    recency = (pd.Timestamp(day) - found["last_order_date"]).dt.days.astype(float)
    found = found.assign(recency_days=recency, monetary=found["window_amount"], segment="all")
    return migration.keep(score.score(Frame.from_pandas(found), rules.default()), {"all": "全部"})


def test_a_quarter_of_a_real_shop_as_sql_counts_it() -> None:
    first, second = date(2011, 9, 10), date(2011, 12, 10)
    cells = migration.count(migration.moves(uci_state(first), uci_state(second)))
    found = {(one.start, one.end): one for one in migration.by_code(cells)}
    database = sqlite3.connect(":memory:")
    uci.orders().to_sql("orders", database, index=False)
    then, now = (
        {c: (code, m) for c, code, m in database.execute(SQL, {"day": day.isoformat()})} for day in (first, second)
    )
    expected: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for one in {**then, **now}:
        start, before = then.get(one, ("entered", 0.0))
        end, after = now.get(one, ("left", 0.0))
        expected.setdefault((start, end), []).append((before, after))
    assert set(found) == set(expected)
    for pair, amounts in expected.items():
        assert found[pair].customers == len(amounts), pair
        assert found[pair].before == pytest.approx(sum(b for b, _ in amounts), abs=0.01)
        assert found[pair].after == pytest.approx(sum(a for _, a in amounts), abs=0.01)
    known = {("111", "111"): 219, ("111", "011"): 36, ("111", "001"): 12, ("001", "111"): 25, ("entered", "100"): 358}
    assert {pair: found[pair].customers for pair in known} == known


def test_moves_by_hand() -> None:
    then = state(("a", "111", 3000), ("b", "111", 2500), ("c", "001", 1200), ("d", "", 0), ("e", "101", 5000))
    now = state(("a", "111", 2800), ("b", "011", 2000), ("c", "111", 4000), ("d", "100", 90), ("f", "100", 50))
    moved = migration.moves(then, now)
    assert moved["customer_id"].tolist() == ["a", "b", "c", "d", "e", "f"]
    assert moved["change"].tolist() == ["same", "churn", "up", "other", "left", "entered"]
    cells = migration.count(moved)
    heads = migration.headline(cells)
    assert {key: heads[key]["customers"] for key in heads} == {
        "same": 1,
        "up": 1,
        "down": 1,
        "other": 1,
        "churn": 1,
        "entered": 1,
        "left": 1,
    }
    assert all(np.isnan(one["share"]) for one in heads.values())
    assert heads["churn"]["lost"] == 500 and heads["left"]["lost"] == 5000 and heads["up"]["lost"] == -2800
    assert [(one.start, one.end, one.lost) for one in migration.ranked(cells)] == [
        ("101", "left", 5000),
        ("111", "011", 500),
        ("entered", "100", -50),
        ("", "100", -90),
        ("001", "111", -2800),
    ]
    table = migration.matrix(cells, "customers").pandas.set_index("start")
    assert [*table.index] == ["111", "110", "101", "100", "011", "010", "001", "000", "", "entered"]
    assert [*table.columns] == ["111", "110", "101", "100", "011", "010", "001", "000", "", "left"]
    assert table.sum().sum() == 6 and table.loc["111", "011"] == 1


def test_no_rate_under_five() -> None:
    then = state(*((str(n), "111", 10.0) for n in range(9)))
    now = state(*((str(n), "111" if n < 5 else "011", 10.0) for n in range(9)))
    found = {one.end: one.share for one in migration.by_code(migration.count(migration.moves(then, now)))}
    assert found["111"] == pytest.approx(5 / 9) and np.isnan(found["011"])


@pytest.mark.parametrize(("lang", "whole"), [("zh", "两期全部"), ("en", "Then or now")])
def test_the_lines_of_the_overview_add_up_to_everybody(lang: texts.Lang, whole: str) -> None:
    """Nine before, of whom three left, and five who came: fourteen then or now, in number and in amount."""
    then = state(*((str(n), "111", 10.0) for n in range(9)))
    now = state(
        *((str(n), "111" if n < 5 else "011", 20.0) for n in range(6)), *((f"n{n}", "100", 1.0) for n in "abcde")
    )
    found = Migration(date(2026, 1, 1), date(2026, 2, 1), migration.count(migration.moves(then, now)))
    first, *lines = migration.sheets(found, rules.default(), lang)["migration_heads"].records()
    churn = lines.pop(migration.KINDS.index("churn"))
    assert str(first["name"]).startswith(whole)
    figures = ("customers", "before", "after", "lost")
    assert [first[key] for key in figures] == [14, 90, 125, -35]
    assert [sum(line[key] for line in lines) for key in figures] == [14, 90, 125, -35]
    assert [line["share"] for line in lines if line["share"] is not None] == pytest.approx([5 / 9, 5 / 11])
    ends = {"zh": ("占上期", "占本期"), "en": ("of those then", "of those now")}[lang]
    assert [str(line["name"]).endswith(ends[0]) for line in (*lines, churn)] == [True] * 4 + [False, True, True]
    assert str(lines[4]["name"]).endswith(ends[1]) and lines[4]["customers"] == 5


@pytest.mark.parametrize(
    ("start", "end", "kind", "churn"),
    [
        ("111", "011", "down", True),
        ("101", "001", "down", True),
        ("100", "011", "other", True),
        ("111", "010", "down", False),
        ("011", "001", "down", False),
        ("101", "110", "other", False),
        ("000", "111", "up", False),
        ("", "111", "other", False),
        ("111", "", "other", False),
        ("", "", "same", False),
        ("entered", "001", "entered", False),
        ("111", "left", "left", False),
    ],
)
def test_what_a_move_is(start: str, end: str, kind: str, churn: bool) -> None:
    assert migration.kind(start, end) == kind
    assert migration.is_churn(start, end) == churn


people = st.lists(
    st.tuples(st.sampled_from("abcdefghij"), st.sampled_from([*rules.CODES, ""]), st.integers(0, 9999)),
    unique_by=lambda one: one[0],
)


@settings(deadline=None, max_examples=50)
@given(people, people)
def test_everybody_is_counted_once_and_every_amount(
    then: list[tuple[str, str, float]], now: list[tuple[str, str, float]]
) -> None:
    cells = migration.count(migration.moves(state(*then), state(*now)))
    heads = migration.headline(cells)
    assert sum(heads[key]["customers"] for key in heads if key != "churn") == len({one for one, *_ in then + now})
    assert cells["before"].sum() == sum(m for *_, m in then) and cells["after"].sum() == sum(m for *_, m in now)
    back = migration.headline(migration.count(migration.moves(state(*now), state(*then))))
    assert (
        back["up"]["customers"] == heads["down"]["customers"]
        and back["same"]["customers"] == heads["same"]["customers"]
    )
    assert back["left"]["customers"] == heads["entered"]["customers"]


def test_the_state_that_stands_in_table_2() -> None:
    heads = ["客户ID", "RFM分组", "客户类型", "M金额", "备注"]
    rows = [
        ["007", "111(高R/高F/高M)", "高价值客户", 4200.0, "x"],
        [8.0, "001 (Low R/Low F/Mid M)", "流失风险客户", 1200.5, None],
        ["c", None, "新客户", 0.0, None],
        ["d", 11.0, "流失风险客户", None, None],
        ["gone", None, "不在本次分析中", None, "问过两次"],
        [None, None, None, None, "note"],
        ["007", "000(低R/低F/低M)", "低价值客户", 1.0, None],
    ]
    found = migration.standing(Grid("RFM模型细分结果表", [heads, *rows]), schema.RFM)
    assert found["customer_id"].tolist() == ["007", "8", "c", "d"]
    assert found["code"].tolist() == ["111", "001", "", "011"]
    assert np.nan_to_num(found["amount"], nan=-1).tolist() == [4200, 1200.5, 0, -1]
    only = migration.standing(
        Grid(
            "RFM模型细分结果表",
            [["客户ID", "M(近6个月金额)", "RFM分组", "客户类型"], ["a", "4200元", "111(高R/高F/高M)", "高"]],
        ),
        schema.RFM,
    )
    assert (only["key"].tolist(), only["amount"].tolist()) == (["a"], [4200])


def test_a_table_that_people_filled_by_hand_says_it_in_their_words() -> None:
    head = [schema.RFM[key].header["zh"] for key in ("customer_id", "f_text", "rfm_text", "segment")]
    rows = [["1001", 12.0, "111(高R/高F/高M)", "高价值客户"], ["1002", "5", "011", "流失风险客户"]]
    assert [*migration.standing(Grid("RFM模型细分结果表", [head, *rows]), schema.RFM)["customer_id"]] == [
        "1001",
        "1002",
    ]
    ours = [["1003", "2次", "000", "低价值客户"], *rows]
    assert [*migration.standing(Grid("RFM模型细分结果表", [head, *ours]), schema.RFM)["customer_id"]] == ["1003"]
