"""Targets, periods and progress as people write them (rulings C20, C21)."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter import rules, texts
from segmenter.reading import planning, targets
from segmenter.reading.planning import Period
from segmenter.reading.targets import NUMBER, POINTS, RELATIVE, SHARE, Target

REPURCHASE, WON_BACK, PART = "repurchase_rate", "recall_rate", "participation_rate"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("复购率≥80%", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("召回率>=20 %", Target(WON_BACK, ">=", 0.2, SHARE)),
        ("活动参与率≥50％", Target(PART, ">=", 0.5, SHARE)),
        ("复购率不低于80%", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("复购率至少 80 %", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("复购率达到８０％", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("复购率80%以上", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("复购率超过80%", Target(REPURCHASE, ">", 0.8, SHARE)),
        ("复购率：80%", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("复购率 0.8", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("复购率达八成", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("复购率达百分之80", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("复购率提升至80%", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("30天内复购率提升5%", Target(REPURCHASE, "rise", 0.05, POINTS, Period(30, "day"))),
        ("30天内高价值客户复购率提升5%", Target(REPURCHASE, "rise", 0.05, POINTS, Period(30, "day"))),
        ("复购率提升5个百分点", Target(REPURCHASE, "rise", 0.05, POINTS)),
        ("复购率同比提升5%", Target(REPURCHASE, "rise", 0.05, RELATIVE)),
        ("客单价提升10%", Target("average_order_value", "rise", 0.1, RELATIVE)),
        ("客单价≥1,200元", Target("average_order_value", ">=", 1200, NUMBER)),
        ("销售额达到120万元", Target("amount", ">=", 1_200_000, NUMBER)),
        ("销售额翻倍", Target("amount", "rise", 1, RELATIVE)),
        ("投诉率不超过2%", Target("complaint_rate", "<=", 0.02, SHARE)),
        ("投诉率2%", Target("complaint_rate", "<=", 0.02, SHARE)),
        ("三个月内投诉率下降1个百分点", Target("complaint_rate", "fall", 0.01, POINTS, Period(3, "month"))),
        ("半年内客户数≥500人", Target("customers", ">=", 500, NUMBER, Period(6, "month"))),
        ("Repurchase rate >= 80 %", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("Repurchase rate of at least 80%", Target(REPURCHASE, ">=", 0.8, SHARE)),
        ("Win-back rate up 5 points within 2 weeks", Target(WON_BACK, "rise", 0.05, POINTS, Period(2, "week"))),
        ("AOV up by 10%", Target("average_order_value", "rise", 0.1, RELATIVE)),
    ],
)
def test_targets_as_people_write_them(text: str, expected: Target) -> None:
    found, unread = targets.parse(text, ["高价值客户"])
    assert ([one._replace(assumed=False) for one in found], unread) == ([expected], ())


def test_percent_of_a_rise_is_points_and_said_to_be_assumed() -> None:
    assert [one.assumed for one in targets.parse("复购率提升5%；复购率≥80%")[0]] == [True, False]


@pytest.mark.parametrize(
    "text", ["提升客户满意度", "≥80%", "复购率", "NPS≥50", "复购率20%-30%", "复购率≥80元", "客单价≥30%", "复购率翻3倍≥"]
)
def test_what_cannot_be_understood_is_told(text: str) -> None:
    assert targets.parse(text) == ((), (text,))


def test_several_in_one_cell_and_the_rest_of_it() -> None:
    found, unread = targets.parse("复购率≥80%；NPS≥50，客单价≥1,200元")
    assert [one.metric for one in found] == [REPURCHASE, "average_order_value"] and unread == ("NPS≥50",)
    assert targets.parse(None) == targets.parse("  ") == ((), ())


def test_every_target_of_the_library_is_understood() -> None:
    for segment in rules.default().segments:
        zh, en = (targets.parse(segment.text("target", lang)) for lang in texts.LANGS)
        assert zh == en and len(zh[0]) == 1 and not zh[1], segment.key


@st.composite
def any_target(draw: Any) -> Target:
    metric = draw(st.sampled_from(sorted(targets.metrics())))
    op = draw(st.sampled_from([">=", ">", "<=", "<", "rise", "fall"]))
    kinds = {True: [POINTS, RELATIVE], False: [SHARE]} if targets.metrics()[metric].kind == "rate" else {}
    unit = draw(st.sampled_from(kinds.get(op in ("rise", "fall"), [RELATIVE, NUMBER] if len(op) > 2 else [NUMBER])))
    thousandths = draw(st.integers(0, 2_000_000 if unit == NUMBER else 2000))
    value = thousandths / 1000 if unit == NUMBER else thousandths / 10 / 100
    units = st.sampled_from(["day", "week", "month", "quarter", "year"])
    window = draw(st.none() | st.builds(Period, st.integers(1, 400).map(float), units))
    return Target(metric, op, value, unit, window)


@given(any_target(), st.sampled_from(texts.LANGS))
def test_what_is_said_is_read_again(target: Target, lang: texts.Lang) -> None:
    found, unread = targets.parse(targets.show(target, lang))
    assert not unread and len(found) == 1
    assert found[0].value == pytest.approx(target.value)
    assert (found[0].metric, found[0].op, found[0].unit, found[0].window) == (
        target.metric,
        target.op,
        target.unit,
        target.window,
    )


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    found, unread = targets.parse(text)
    assert all(one.unit and one.op for one in found) and all(
        part in unicodedata.normalize("NFKC", text) for part in unread
    )
    planning.due(text, date(2026, 1, 31))


@pytest.mark.parametrize(
    ("text", "actual", "before", "met"),
    [
        ("复购率≥80%", 0.8, None, True),
        ("复购率>80%", 0.8, None, False),
        ("投诉率≤2%", 0.021, None, False),
        ("复购率提升5%", 0.55, 0.5, True),
        ("复购率提升5%", 0.54, 0.5, False),
        ("复购率同比提升10%", 0.55, 0.5, True),
        ("复购率同比提升10%", 0.55, 0.0, None),
        ("投诉率下降1个百分点", 0.02, 0.03, True),
        ("复购率提升5%", 0.55, None, None),
    ],
)
def test_met(text: str, actual: float, before: float | None, met: bool | None) -> None:
    assert targets.parse(text)[0][0].met(actual, before) is met


@pytest.mark.parametrize(
    ("period", "due"),
    [
        ("2周", date(2026, 2, 14)),
        ("1个月", date(2026, 2, 28)),
        ("一个季度", date(2026, 4, 30)),
        ("半年", date(2026, 7, 31)),
        ("十五天", date(2026, 2, 15)),
        ("1 month", date(2026, 2, 28)),
        ("2 weeks", date(2026, 2, 14)),
        ("至2026-06-30", date(2026, 6, 30)),
        ("2026年3月1日~2026年3月31日", date(2026, 3, 31)),
        ("持续", None),
        ("Ongoing", None),
        ("每月", None),
        ("看情况", None),
        (None, None),
    ],
)
def test_due(period: object, due: date | None) -> None:
    assert planning.due(period, date(2026, 1, 31)) == due


def test_the_first_day() -> None:
    assert planning.begun("2026-03-01~2026-03-31", None) == date(2026, 3, 1)
    assert planning.begun("2026-03-01~2026-03-31", "2026/3/5") == date(2026, 3, 5)
    assert planning.begun("1个月", None) is planning.begun("1个月", "下周") is None
    assert planning.due("1个月", None) is None


def test_outcomes_are_read_in_either_language() -> None:
    for one in targets.OUTCOMES:
        assert {targets.outcome_of(texts.say(f"report.outcome.{one}", lang)) for lang in texts.LANGS} == {one}
    assert targets.outcome_of("随便") == ""


@pytest.mark.parametrize(
    ("text", "number", "deadline"),
    [
        ("提升高价值客户复购率", False, False),
        ("30天内复购率提升5个百分点", True, True),
        ("2026年底前复购率到八成", True, True),
        ("三季度客单价翻倍", True, True),
        ("2026年6月30日前提升满意度", False, True),
        ("raise the repurchase rate by June to 80%", True, True),
        ("more loyal customers", False, False),
    ],
)
def test_what_a_goal_names(text: str, number: bool, deadline: bool) -> None:
    assert (targets.has_number(text), targets.has_deadline(text)) == (number, deadline)
