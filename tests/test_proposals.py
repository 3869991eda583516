"""Proposals: each rule at its edge, and the numbers it gives (003-65..66, 003-100..107, 002-14..15, 002-35)."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from segmenter import rules, texts
from segmenter.advice import Proposal
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import targets
from segmenter.reading.planning import Period
from segmenter.reading.targets import BELOW, LATE, MET, ON_TRACK, Tracked
from segmenter.steps import proposals

DEFAULT = rules.default()
AS_OF = date(2026, 6, 30)


def plan(*rows: tuple[str, str, str, float | None]) -> list[dict[str, Any]]:
    """Table 3: segment, action, owner, customers."""
    return [dict(zip(("segment", "action", "owner", "customers"), row, strict=True)) for row in rows]


def propose(strategy: list[dict[str, Any]], *tracked: Tracked, advice: tuple[Finding, ...] = ()) -> list[Proposal]:
    owners = [[one["owner"]] for one in strategy]
    found = proposals.propose(strategy, tracked, advice, (), DEFAULT, owners)
    for one in found:
        for lang in texts.LANGS:
            assert one.what(lang) and one.why(lang)
    return found


@pytest.mark.parametrize(
    ("action", "hits", "base", "outcome", "expected"),
    [
        ("周末满减活动", 3, 100, LATE, "tactic"),
        ("周末满减活动", 60, 100, MET, ""),
        ("周末满减活动", 30, 100, BELOW, "tactic"),
        ("周末满减活动", 30, 100, ON_TRACK, ""),
        ("周末满减活动", 4, 100, ON_TRACK, "tactic"),
        ("周末满减活动", 0, 29, LATE, ""),
        ("一对一拜访", 3, 100, LATE, "recut"),
    ],
)
def test_a_response_below_expectation(action: str, hits: int, base: int, outcome: str, expected: str) -> None:
    (aim,), _ = targets.parse("活动参与率≥50%")
    one = Tracked(0, "price_sensitive", aim, hits / base, hits, base, None, None, outcome)
    found = propose(plan(("价格敏感客户", action, "李四", 10)), one)
    assert [one.key for one in found] == [expected] * bool(expected)
    if expected == "tactic":
        assert "拼团" in found[0].what("zh") and f"{hits}/{base}人" in found[0].why("zh")
        assert "group-buying" in found[0].what("en") and found[0].about("en") == "Price-sensitive customers"


def test_a_rate_that_is_no_response_asks_for_no_other_tactic() -> None:
    (aim,), _ = targets.parse("复购率≥80%")
    assert (
        propose(plan(("高价值客户", "满减", "x", 9)), Tracked(0, "high_value", aim, 0.1, 9, 90, None, None, LATE)) == []
    )


def test_an_owner_with_more_than_one_can_carry() -> None:
    rows = [(one.name["zh"], "", "*张三", 5) for one in DEFAULT.segments[:5]]
    (found,) = propose(plan(*rows))
    assert found.params["owner"] == "张三" and found.params["count"] == 5 and "高价值客户" in found.why("zh")
    assert propose(plan(*rows[:4])) == []
    assert propose(plan(*rows[:4], (*rows[4][:3], 0), (*rows[4][:3], None))) == []


def test_advice_on_sizes_becomes_a_proposal() -> None:
    small = {"name": DEFAULT.segment("new").name, "into": DEFAULT.segment("low_value").name}
    advice = (
        Finding("segments_few", params={"low": 5, "high": 8, "groups": 3}),
        Finding("segment_small", params={**small, "customers": 12, "minimum": 50}),
        Finding("blank_rows"),
    )
    found = propose(plan(("新客户", "", "x", 12)), advice=advice)
    assert [one.key for one in found] == ["segments_few", "segment_small"]
    assert "12人" in found[1].why("zh") and found[1].about("zh") == "新客户"


def test_the_clocks() -> None:
    tracking, dimensions, everything = proposals.reviews(DEFAULT, AS_OF, date(2026, 3, 30))
    assert (tracking.due, dimensions.due, everything.due) == (date(2026, 7, 30), AS_OF, date(2026, 9, 30))
    assert (tracking.overdue, dimensions.overdue, everything.overdue) == (False, True, False)
    noted = DEFAULT._replace(tracking_clock="week", dimensions_reviewed=date(2026, 6, 1))
    tracking, dimensions, _ = proposals.reviews(noted, AS_OF, date(2025, 1, 1))
    assert (tracking.due, dimensions.due) == (date(2026, 7, 7), date(2026, 9, 1))
    assert proposals.reviews(DEFAULT, None) == ()
    found = proposals.propose(plan(), (), (), proposals.reviews(DEFAULT, AS_OF, date(2025, 1, 1)), DEFAULT, [])
    assert [one.key for one in found] == ["review_dimensions", "review_everything"]


def test_a_campaign_few_respond_to() -> None:
    def log(name: str, hits: int, base: int) -> pd.DataFrame:
        said = {"key": [str(n) for n in range(base)], "responded": [n < hits for n in range(base)]}
        return pd.DataFrame({"campaign": name, **said})

    contacts = pd.concat(
        [log("满减", 1, 40), log("直播", 1, 40), log("会员日", 2, 40), log("小试", 0, 29), log("", 0, 90)]
    )
    found = proposals.from_campaigns(Frame.from_pandas(contacts), DEFAULT)
    assert [(one.key, one.params["name"]) for one in found] == [("campaign_tactic", "满减"), ("campaign", "直播")]
    assert "2.5%（1/40人）" in found[0].why("zh") and "拼团" in found[0].what("zh")
    assert proposals.from_campaigns(None, DEFAULT) == []


def orders(**sold: tuple[int, int]) -> Frame:
    """category -> buyers in the 90 days before the last 90, and in the last 90; every buyer another person."""
    rows = []
    for name, halves in sold.items():
        for days, count in zip((120, 30), halves, strict=True):
            rows += [
                (f"{name}{days}-{n}", pd.Timestamp(AS_OF) - pd.Timedelta(days=days), 9.0, name) for n in range(count)
            ]
    return Frame.from_pandas(pd.DataFrame(rows, columns=["key", "ordered_on", "amount", "category"]))


CUSTOMERS = Frame({"recency_days": np.array([5.0])})


@pytest.mark.parametrize(
    ("sold", "drawn"),
    [
        ({"服装": (100, 100), "露营": (0, 40)}, ["露营"]),
        ({"服装": (100, 100), "露营": (18, 40)}, []),
        ({"服装": (100, 100), "露营": (0, 29)}, []),
        ({"服装": (20, 100), "露营": (0, 40)}, []),
        ({"服装": (100, 100)}, []),
    ],
)
def test_a_category_that_suddenly_draws(sold: dict[str, tuple[int, int]], drawn: list[str]) -> None:
    found = proposals.from_data(CUSTOMERS, orders(**sold), AS_OF, DEFAULT)
    assert [one.params["name"] for one in found] == drawn
    if drawn:
        assert "40位客户购买（占28.6%）" in found[0].why("zh")


def test_data_older_than_it_should_be() -> None:
    sold = orders(服装=(40, 40))
    late = date(2026, 6, 30)
    assert proposals.from_data(CUSTOMERS, sold, late, DEFAULT) == []
    (stale,) = proposals.from_data(CUSTOMERS, sold, Period(63, "day").after(late), DEFAULT)
    assert stale.params["days"] == 93 and "2026-05-31" in stale.why("zh")
    assert proposals.from_data(CUSTOMERS, sold, Period(62, "day").after(late), DEFAULT) == []
    asleep = Frame({"recency_days": np.array([731.0] * 30 + [5.0] * 30)})
    assert [one.key for one in proposals.from_data(asleep, None, late, DEFAULT)] == ["old"]
    assert proposals.from_data(asleep.at(range(1, 60)), None, late, DEFAULT) == []
    assert proposals.from_data(CUSTOMERS, None, None, DEFAULT) == []


@pytest.mark.parametrize(
    ("figures", "proposed"),
    [
        ((0.3, 0.2, 0.09), True),
        ((0.05, 0.3, 0.2, 0.09), True),
        ((0.3, 0.2, 0.1), False),
        ((0.2, 0.3, 0.09), False),
        ((0.3, 0.09, 0.09), False),
        ((0.3, 0.09), False),
    ],
)
def test_a_dimension_that_no_longer_separates(figures: tuple[float, ...], proposed: bool) -> None:
    past = [(date(2026, month, 28), figure) for month, figure in enumerate(figures, 1)]
    found = proposals.from_dimensions([({"zh": "性别", "en": "Sex"}, past)], DEFAULT)
    assert [one.key for one in found] == ["fading"] * proposed
    for one in found:
        assert "“性别”" in one.what("zh") and '"Sex"' in one.what("en")
        assert "0.300" in one.why("zh") and "0.090 (2026-0" in one.why("en") and "低于0.10" in one.why("zh")
