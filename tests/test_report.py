"""The report: its numbers are the workbook's, its markup is its own, and it says everything in both languages.

`python tests/test_report.py` writes the golden files anew.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
import shop
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter import documents, pipeline, rules, schema, texts
from segmenter.advice import Proposal, Review
from segmenter.frames import Frame
from segmenter.reading import planning
from segmenter.reports import formats, report, tracking
from segmenter.result import Result
from segmenter.steps import valuation
from segmenter.texts import Lang

GOLDEN = Path(__file__).parent / "golden"
CJK = re.compile(r"[\u3400-\u9fff]")
VOID = {"meta", "br", "link", "img", "input", "hr"}
PLAN = shop.plan(
    [
        "高价值客户",
        "高R/F/M,忠诚度高",
        "专属权益提升粘性",
        "生日礼券",
        "<b>王\"五'</b>",
        "复购率≥80%",
        "持续",
        "已完成30%",
    ],
    ["流失风险客户", "低R,高M历史价值", "召回", "{{ 7*7 }}", "*市场专员C", "召回率≥20%", "2周", 0.3],
    ["双十一专项", "自定义", "满减", "直播", "李四", "GMV", "1周", "延期"],
)
SMALL: Sequence[Sequence[Any]] = [
    ["1001", "女", 28.0, "上海", 12.0, 350.0, "护肤品、服装、配饰", "线上电商", 4200.0, date(2026, 6, 15)],
    ["1002", "男", 35.0, "北京", 5.0, 880.0, "数码产品、酒类", "线下门店", 4400.0, date(2026, 5, 1)],
    ["1003", "女", 42.0, "成都", 2.0, 150.0, "家居用品、母婴", "社群", 300.0, date(2026, 3, 2)],
    ["1004<i>", "女", None, "成都&co", 3.0, 100.0, None, "社群", 500.0, date(2026, 6, 29)],
    ["1005", "男", 51.0, "上海", 7.0, 60.0, "酒类", "线上电商", 900.0, date(2026, 6, 20)],
    ["1006", "男", 33.0, "上海", 0.0, None, None, "线上电商", 0.0, None],
    ["1007", "女", 39.0, "上海", 2.0, 700.0, None, "线上电商", 1900.0, None],
    ["1008", "女", 39.0, "上海", 2.0, 700.0, None, "线上电商", "很多", date(2026, 6, 1)],
]


@cache
def small(lang: Lang = "zh") -> Result:
    return shop.run(SMALL, lang, strategy=PLAN)


@cache
def large() -> Result:
    return shop.run(shop.people(), strategy=PLAN)


@cache
def page(lang: Lang = "zh") -> str:
    return report.render(large(), lang)


class Page(HTMLParser):
    """The elements of a page as (tag, attributes), its tables by id, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.values: dict[str, list[list[float | None]]] = {}
        self.text: list[str] = []
        self._open: list[str] = []
        self._table = ""
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        found = dict(attrs)
        if tag == "table":
            self._table = found.get("id") or f"table{len(self.tables)}"
            self.tables[self._table], self.values[self._table] = [], []
        elif tag == "tr":
            self.tables[self._table].append([])
            self.values[self._table].append([])
        elif tag in ("td", "th") and self._table:
            self.tables[self._table][-1].append("")
            self.values[self._table][-1].append(None)
        elif tag == "data" and "table" in self._open:
            self.values[self._table][-1][-1] = float(str(found["value"]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text.append(data)
        if "table" in self._open and {"td", "th"} & set(self._open) and self.tables[self._table]:
            self.tables[self._table][-1][-1] += data


# The page ------------------------------------------------------------------------------------------------------------


def normalised(text: str) -> str:
    """Without style and drawings, which have tests of their own."""
    text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL)
    return re.sub(r"<svg.*?</svg>", "<svg></svg>", text, flags=re.DOTALL)


@pytest.mark.parametrize("lang", texts.LANGS)
def test_golden(lang: Lang) -> None:
    golden = (GOLDEN / f"report.{lang}.html").read_text(encoding="utf-8")
    assert normalised(report.render(small(), lang)) == golden


@pytest.mark.parametrize("lang", texts.LANGS)
def test_one_self_contained_page(lang: Lang) -> None:
    text = page(lang)
    found = Page(text)
    assert len(text.encode()) < 1_500_000
    names = [tag for tag, _ in found.tags]
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(names)
    assert not re.search(r"(?:src|srcset|href)=[\"'](?!#)", text)
    assert "@import" not in text
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", text)
    policy = [dict(attrs)["content"] for tag, attrs in found.tags if tag == "meta" and "http-equiv" in dict(attrs)]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert dict(found.tags[0][1] or found.tags[1][1]).get("lang") == {"zh": "zh-CN", "en": "en"}[lang]


def test_the_same_result_gives_the_same_bytes() -> None:
    assert page() == report.render(large(), "zh")


def test_accessible() -> None:
    found = Page(page())
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [dict(attrs)["id"] for _, attrs in found.tags if "id" in dict(attrs)]
    assert len(ids) == len(set(ids))
    for tag, attrs in found.tags:
        for key in ("aria-labelledby", "href"):
            for name in (dict(attrs).get(key) or "").split():
                assert name.removeprefix("#") in ids, (tag, name)
        if tag == "th":
            assert dict(attrs).get("scope") in ("col", "row", "rowgroup")


def test_sections_are_numbered_without_gaps_and_all_listed() -> None:
    sections = report.context(large(), "zh")["sections"]
    assert [part["number"] for part in sections.values()] == list(range(1, 11))
    shown = re.findall(r'<span class="no">(\d+)</span>', page())
    assert shown == [str(number) for number in range(2, 11)]


def test_drawings_are_well_formed() -> None:
    drawings = re.findall(r"<svg.*?</svg>", page(), flags=re.DOTALL)
    assert len(drawings) == 7
    for drawing in drawings:
        ET.fromstring(drawing)


# Numbers -------------------------------------------------------------------------------------------------------------


def test_the_overview_is_the_segments_frame() -> None:
    found = Page(page())
    columns = [
        "customers",
        "customer_share",
        "amount",
        "amount_share",
        "orders",
        "average_order_value",
        "median_recency_days",
        "median_frequency",
        "median_monetary",
    ]
    rows, values = found.tables["segments"][1:], found.values["segments"][1:]
    segments = large().segments.pandas
    assert [row[0] for row in rows[:-1]] == segments["name"].tolist()
    for shown, (_, row) in zip(values, segments.iterrows(), strict=False):
        expected = [None if pd.isna(row[column]) else float(row[column]) for column in columns]
        assert shown[1:] == expected
    assert values[-1][1] == len(large().customers) == len(large().rfm)
    assert values[-1][3] == pytest.approx(large().rfm["monetary"].sum())
    assert values[-1][3] == pytest.approx(large().boards["board_segments"]["amount"].sum())


def test_the_plan_is_the_strategy_frame() -> None:
    found = Page(page())
    rows = found.tables["plan"][1:]
    strategy = large().strategy
    assert [row[0] for row in rows] == strategy["segment"].tolist()
    for row, typed in zip(rows, strategy.records(), strict=True):
        shown = dict(zip(("strategy", "action", "owner", "target", "period"), row[2:7], strict=True))
        assert shown.pop("target").startswith(typed["target"] + (typed["actual"] or ""))
        assert shown == {key: typed[key] for key in shown}
        assert row[1] == ("—" if pd.isna(typed["customers"]) else formats.count(typed["customers"]))
    lights = {row[0]: row[8] for row in rows}
    say = texts.say
    assert lights["高价值客户"] == say("report.tracking.fair", "zh")
    assert lights["流失风险客户"] == say("report.tracking.fair", "zh")
    assert lights["双十一专项"] == say("report.tracking.poor", "zh")
    assert lights["潜力客户"] == say("report.tracking.idle", "zh")


def test_the_five_numbers_are_the_dashboards() -> None:
    found = report.context(large(), "zh")["kpis"]
    facts = large().boards["board_facts"]["value"].tolist()
    assert len(found) == 5
    assert found[0]["value"] == facts[2]
    assert found[1]["value"] == facts[3]
    assert found[2]["value"] == facts[5]
    assert found[3]["value"] == facts[7]
    assert found[4]["value"] == pytest.approx(large().boards["board_pareto"]["amount_share"][1])


def test_rows_are_accounted_for() -> None:
    quality = report.context(large(), "zh")["quality"]
    assert quality["rows_in"] == quality["rows_used"] + quality["rows_excluded"]
    assert sum(row["count"] for row in quality["reasons"]) == quality["rows_excluded"] == large().rows_excluded > 0
    assert quality["findings_total"] == len(large().findings) == len(large().cleaning)
    found = Page(page())
    assert [row[0] for row in found.tables["reasons"][1:]] == [row["kind"] for row in quality["reasons"]]
    excluded = report.context(large(), "zh")["appendix"]["excluded"]
    assert len(found.tables["excluded"][1:]) == excluded["shown"] <= 50
    assert excluded["total"] == large().rows_excluded


def test_long_lists_of_excluded_rows_are_cut_with_a_count() -> None:
    rows = shop.people(200)
    for row in rows[20:90]:
        row[8] = "不详"
    shown = report.context(shop.run(rows), "zh")["appendix"]["excluded"]
    assert (shown["shown"], shown["total"]) == (50, 73)


def test_actions_follow_from_the_figures() -> None:
    actions = report.context(large(), "zh")["actions"]
    assert [one["kind"] for one in actions] == ["keep", "recall", "grow"]
    segments = large().segments.pandas.set_index("segment")
    assert actions[0]["key"] == "high_value"
    assert actions[1]["key"] == "at_risk"
    lately = segments.loc[["price_sensitive", "potential"]]
    assert actions[2]["key"] == lately["amount"].idxmax()
    assert segments["amount"]["low_value"] > lately["amount"].max()  # who does not buy is not to be made bigger


def test_small_groups_have_no_profile() -> None:
    for card in report.context(large(), "zh")["cards"]:
        for row in card["profile"]:
            assert row["count"] >= 5
            assert row["lift"] == pytest.approx(row["share"] / row["everybody"])
    assert all(not card["profile"] for card in report.context(small(), "zh")["cards"])


@pytest.mark.parametrize(
    ("typed", "share", "light"),
    [
        ("已完成30%", 0.3, "fair"),
        ("完成60%", 0.6, "good"),
        (0.3, 0.3, "fair"),
        (30, 0.3, "fair"),
        ("３０％", 0.3, "fair"),
        ("3/10", 0.3, "fair"),
        ("剩余20%", 0.8, "good"),
        ("已完成", 1.0, "done"),
        ("100%", 1.0, "done"),
        ("done", 1.0, "done"),
        ("完成120%", 1.0, "done"),
        ("完成10%", 0.1, "poor"),
        ("完成80%，已延期", 0.8, "poor"),
        ("未开始", 0.0, "idle"),
        ("进行中", None, "none"),
        ("", None, "none"),
        (None, None, "none"),
        (float("nan"), None, "none"),
    ],
)
def test_progress(typed: object, share: float | None, light: str) -> None:
    assert planning.progress_of(typed) == (None if share is None else pytest.approx(share))
    assert tracking.light_of(typed) == light


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"owner": "", "target": "", "progress": "完成60%"}, "确定负责人"),
        ({"owner": "王五", "target": "", "progress": "完成60%"}, "写明目标指标"),
        ({"owner": "王五", "target": "x", "progress": "完成60%"}, "继续执行，还剩40%"),
        ({"owner": "王五", "target": "x", "progress": "完成10%"}, "与王五核对滞后原因，调整动作"),
        ({"owner": "王五", "target": "x", "action": "回访", "progress": "未开始"}, "启动：回访"),
        ({"owner": "王五", "target": "x", "progress": ""}, "在当前进度写明完成了多少（如50%）"),
    ],
)
def test_the_next_step_is_what_the_row_lacks(typed: dict[str, str], said: str) -> None:
    result = large()._replace(strategy=Frame.from_pandas(large().strategy.pandas.assign(**typed)))
    assert {row["next"] for row in tracking.rows(result, "zh")} == {said}
    assert f"<dd>{said}</dd>" in report.render(result, "zh")


# Languages -----------------------------------------------------------------------------------------------------------


def test_the_english_report_is_english() -> None:
    rows = [
        [*row[:1], *(CJK.sub("x", cell) if isinstance(cell, str) else cell for cell in row[1:])]
        for row in shop.people(300)
    ]
    result = shop.run(rows, "en")
    assert not CJK.search(
        re.sub(r"<style>.*?</style>", "", report.render(result, "en"), flags=re.DOTALL).replace("品", "")
    )


def test_a_chinese_workbook_reported_in_english_keeps_only_its_data_chinese() -> None:
    found = Page(page("en"))
    assert found.tables["segments"][1][0] == "High-value customers"
    plan = {row[0]: row for row in found.tables["plan"][1:]}
    assert plan["Potential customers"][2] == rules.default().segment("potential").text("strategy", "en")
    assert plan["Potential customers"][7] == "Not started"
    assert plan["双十一专项"][4] == "李四"
    for table in ("segments", "thresholds", "reasons", "findings"):
        assert not CJK.search("".join(map(str, found.tables[table])))


@pytest.mark.parametrize("name", ["report.html.j2", "macros.html.j2", "report.css.j2"])
def test_templates_hold_no_words(name: str) -> None:
    text = (Path(__file__).parent.parent / "templates" / name).read_text(encoding="utf-8")
    assert not CJK.search(re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL))
    if name.endswith("css.j2"):
        return
    shown = re.sub(r"<style>.*?</style>|\{[%{#].*?[#%}]\}", " ", text, flags=re.DOTALL)
    shown = re.sub(r"<[^>]*>|&\w+;", " ", shown)
    assert re.findall(r"[A-Za-z]{2,}", shown) == []


def test_every_text_of_the_report_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[str] = set()
    say = texts.say

    def listen(key: str, lang: str, **params: Any) -> str:
        said.add(key)
        return say(key, lang, **params)

    odd = rules.default()._replace(
        goal="x", scope_active_months=12, data_sources=("crm",), recency_labels=("high",) * 4
    )
    cut = rules.default()._replace(dimensions=("City tier", "Age group", "Channel"))
    results = [
        small(),
        large(),
        shop.run(shop.people(), using=cut),
        shop.run(SMALL, using=odd),
        *(shop.run(rows) for rows in THIN.values()),
    ]
    plan = large().strategy.pandas
    gone = large()._replace(strategy=Frame.from_pandas(plan.iloc[:1].assign(progress="100%", owner="")))
    shares = ["70%", "50%", "1", *["??"] * (len(plan) - 3)]
    done = large()._replace(strategy=Frame.from_pandas(plan.assign(progress=shares)))
    aimless = large()._replace(strategy=Frame.from_pandas(plan.assign(target="")))
    clean = small()._replace(findings=(), excluded={}, rows_excluded=0)
    team = dict.fromkeys(("team_data", "team_dimensions", "team_model", "team_report"), "x")
    late = Review("everything", date(2026, 1, 1), date(2026, 7, 1), overdue=True)
    stale = Proposal("stale", {"last": "2025-01-01", "days": 500, "most": 92})
    dated = Frame.from_pandas(plan.assign(due_on=date(2026, 7, 1)))
    ahead = large()._replace(reviews=(late,), proposals=(stale,), strategy=dated)
    chosen = [
        large()._replace(rules=large().rules._replace(scenario=scenario, objective=objective, **team))
        for scenario, objective in zip(rules.CHOICES["scenario"], rules.CHOICES["objective"], strict=True)
    ]
    log = shop.grid(("customer_id",), [[row[0]] for row in shop.people()], schema.ACTIVITY)
    sheets = pipeline.Sheets(shop.grid(shop.COLUMNS, shop.people()), activity=log)
    logged = pipeline.run(sheets, rules.default()._replace(scenario="campaign"), "zh", shop.AS_OF)
    asked = shop.run(shop.people(600), using=rules.default()._replace(clusters=True))
    names = ("purchases", "expected_purchases", "p_active", "order_value", "value")
    worth = pd.DataFrame(1.0, index=asked.customers["key"], columns=names)
    checks = pd.DataFrame({"check": ["repeat_0", "repeat_7", "holdout"], "observed": 1.0, "expected": 1.0})
    asked = asked._replace(valued=valuation.Value(worth, checks, None, None, ()))
    moved = shop.since(large(), shop.run(shop.people(seed=8)), shop.AS_OF - timedelta(30), same_rules=False)
    counts = {"high_value": 6, "at_risk": 70, "potential": 30, "dormant": 3, "low_value": 85}
    results += [shop.mixed(counts, dear=False), shop.few_outliers()]
    monkeypatch.setattr(texts, "say", listen)
    for result in (*results, gone, done, ahead, aimless, clean, moved, *chosen, asked, logged):
        report.render(result, "zh", strict=True)
    documents.pdf(small(), "en", None, False)
    formats.money_short(2e8, "zh")
    assert {key for key in iter(texts.keys()) if key.startswith("report.")} - said == set()


# Trust ---------------------------------------------------------------------------------------------------------------


@cache
def structure() -> tuple[Any, ...]:
    return tuple(_named(small(), "a").tags)


def _named(result: Result, text: str) -> Page:
    """The page of `result` with `text` in every place people type into."""
    typed = dict.fromkeys(("segment", "traits", "strategy", "action", "owner", "target", "period"), f"x{text}")
    changed = tuple(one._replace(value=f"x{text}", sheet=f"x{text}", cell=f"x{text}") for one in result.findings)
    named = result._replace(
        segments=Frame.from_pandas(
            result.segments.pandas.assign(name=[f"{i}{text}" for i in range(len(result.segments))])
        ),
        strategy=Frame.from_pandas(result.strategy.pandas.assign(**typed)),
        findings=changed,
        customers=Frame.from_pandas(result.customers.pandas.assign(region=f"x{text}")),
        rules=result.rules._replace(goal=f"x{text}", scope_regions=(f"x{text}",)),
    )
    return Page(re.sub(r"<svg.*?</svg>", "", report.render(named, "zh"), flags=re.DOTALL))


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=30) | st.sampled_from(["<script>alert(1)</script>", '"><img src=x onerror=1>', "'--></style>"]))
def test_no_text_changes_an_element_or_attribute(text: str) -> None:
    assert tuple(_named(small(), text).tags) == structure()


def _only(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _only(one) for key, one in value.items())
    return all(map(_only, value)) if isinstance(value, list) else value is None or isinstance(value, (str, int, float))


def test_templates_get_plain_data_only() -> None:
    context = report.context(large(), "zh")
    assert _only(context)
    assert "C00001" not in str({**context, "charts": []})


# Thin results --------------------------------------------------------------------------------------------------------

THIN: dict[str, Sequence[Sequence[Any]]] = {
    "one customer": SMALL[:1],
    "no orders": [[f"{i}", "女", 30.0, "上海", 0.0, None, None, "社群", 0.0, None] for i in range(9)],
    "one segment": [[*SMALL[0][:1], *SMALL[0][1:]], *([f"9{i}", *SMALL[0][1:]] for i in range(30))],
    "no recency": [[*row[:9], None] for row in SMALL[:5]],
    "hardly anything usable": [SMALL[0], *([*row[:8], "很多", row[9]] for row in SMALL[1:3])],
}


@pytest.mark.parametrize("lang", texts.LANGS)
@pytest.mark.parametrize("name", THIN)
def test_thin_results_still_make_a_page(name: str, lang: Lang) -> None:
    result = shop.run(THIN[name], lang)
    text = report.render(result, lang)
    shown = " ".join(Page(text).text)
    assert not re.search(r"\b(nan|NaN|None|NaT|inf)\b", shown)


def test_no_date_anywhere() -> None:
    columns = shop.COLUMNS[:-1]
    result = shop.pipeline.run(
        shop.pipeline.Sheets(shop.grid(columns, [row[:-1] for row in SMALL])), rules.default(), "zh"
    )
    assert result.as_of is None
    assert formats.MISSING in Page(report.render(result, "zh")).text


def test_rules_of_ones_own() -> None:
    mine = rules.build(
        {
            "segments": [
                {"key": "vip", "match": ["11?"], "name": {"zh": "贵宾<1>", "en": "VIP<1>"}},
                {"key": "rest", "match": ["???"], "name": {"zh": "其他", "en": "Others"}},
            ],
            "naming_scheme": "aliyun",
            "recency_bins": [45],
            "recency_labels": ["high", "low"],
            "goal": "<目标>",
        }
    )
    for lang in texts.LANGS:
        found = report.context(shop.run(shop.people(100), using=mine), lang)
        assert len(found["kpis"]) == 5
        Page(report.render(shop.run(shop.people(100), using=mine), lang))


def test_sheets_named_in_the_appendix_are_the_workbooks() -> None:
    sheets = [row["sheet"] for row in report.context(large(), "en")["appendix"]["sheets"]]
    assert set(sheets) <= {table.sheet["zh"] for table in schema.tables().values()}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for one in texts.LANGS:
        (GOLDEN / f"report.{one}.html").write_text(normalised(report.render(small(), one)), encoding="utf-8")


def test_a_campaign_leads_with_reach_and_conversion_once_the_log_is_filled() -> None:
    """Item 003-03: both rates, counted here customer by customer from the log and the last orders."""
    rows = shop.people(400)
    told = [[row[0], shop.AS_OF - timedelta(20), "是"] for row in rows[::3]]
    log = shop.grid(("customer_id", "reached_on", "responded"), told, schema.ACTIVITY)
    used = rules.default()._replace(scenario="campaign")
    sheets = pipeline.Sheets(shop.grid(shop.COLUMNS, rows), activity=log)
    result = pipeline.run(sheets, used, "zh", shop.AS_OF)
    lead = report.context(result, "zh")["lead"]
    assert "活动记录" not in lead["text"]
    at = {column["label"]: i for i, column in enumerate(lead["columns"])}
    names = dict(zip(result.segments["segment"], result.segments["name"], strict=True))
    reached_ids = {one[0] for one in told}
    for line in lead["rows"]:
        customers = result.customers.pandas
        mine = customers[customers["segment"].map(names) == line[0]]
        reached = mine[mine["customer_id"].isin(reached_ids)]
        came = (reached["last_order_date"] > pd.Timestamp(shop.AS_OF - timedelta(20))).sum()
        assert line[at["触达率"]] == pytest.approx(len(reached) / len(mine))
        assert line[at["转化率"]] == (pytest.approx(came / len(reached)) if len(reached) else None)
    assert {line[at["转化率"]] for line in lead["rows"]} - {None, 0.0}
    quiet = report.context(shop.run(rows, using=used), "zh")["lead"]
    assert "活动记录" in quiet["text"] and "触达率" not in [column["label"] for column in quiet["columns"]]
    few = pipeline.run(
        sheets._replace(customers=shop.grid(shop.COLUMNS, rows[:60]), activity=log), used, "zh", shop.AS_OF
    )
    strict = report.context(few, "zh", strict=True)["lead"]
    assert any("<5" in line[at["触达率"] : at["转化率"] + 1] for line in strict["rows"])
