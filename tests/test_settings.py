"""The 设置 sheet and the rules are the same thing in two forms; a value that makes no sense names its cell."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from segmenter import rules, settings, texts
from segmenter.books import Grid
from segmenter.errors import Refused
from segmenter.matching import Match
from segmenter.rules import Rules

DEFAULT = rules.default()
OTHER = DEFAULT._replace(
    version="2027.1",
    scenario="region",
    goal="提升高价值客户复购率",
    scope_active_months=12,
    scope_regions=("上海", "北京"),
    scope_registered_from=date(2026, 1, 1),
    data_from=date(2025, 1, 1),
    data_to=date(2025, 12, 31),
    data_sources=("crm", "third_party"),
    third_party_consent=True,
    as_of=date(2026, 6, 30),
    recency_bins=(15.0, 45.5),
    recency_labels=("high", "mid", "low"),
    naming_scheme="aliyun",
    net_refunds=True,
    outlier_mode="cap",
    outlier_factor=2.5,
    duplicate_conflict="merge",
)


def rows_of(used: Rules, lang: texts.Lang) -> list[tuple[str, Any, str]]:
    frame = settings.to_frame(used, lang)
    return [
        (name, value, f"B{i}") for i, (name, value) in enumerate(zip(frame["name"], frame["value"], strict=True), 2)
    ]


def read(*rows: tuple[str, Any], base: Rules = DEFAULT) -> Rules:
    return settings.from_rows([(name, value, f"B{i}") for i, (name, value) in enumerate(rows, 2)], base, "设置")


@pytest.mark.parametrize("lang", texts.LANGS)
@pytest.mark.parametrize("used", [DEFAULT, OTHER], ids=["default", "other"])
def test_the_sheet_spells_the_rules_and_back(used: Rules, lang: texts.Lang) -> None:
    assert settings.from_rows(rows_of(used, lang), DEFAULT, "设置") == used


@pytest.mark.parametrize("lang", texts.LANGS)
def test_every_setting_is_named_and_explained(lang: texts.Lang) -> None:
    frame = settings.to_frame(DEFAULT, lang)
    assert len({*frame["name"]}) == len(frame)
    assert all(frame["explain"])


@pytest.mark.parametrize(
    ("name", "value", "field", "meant"),
    [
        ("R 分档（天，上限）", "30，60、90", "recency_bins", (30, 60, 90)),
        ("r分档(天,上限)", "30; 60; 90", "recency_bins", (30, 60, 90)),
        ("分析日期", datetime(2026, 6, 30), "as_of", date(2026, 6, 30)),
        ("分析日期", "2026年6月30日", "as_of", date(2026, 6, 30)),
        ("分析日期", None, "as_of", None),
        ("异常值处理", "封顶", "outlier_mode", "cap"),
        ("异常值处理", " CAP ", "outlier_mode", "cap"),
        ("退款冲减金额", True, "net_refunds", True),
        ("退款冲减金额", "是", "net_refunds", True),
        ("退款冲减金额", None, "net_refunds", False),
        ("F、M 统计月数", 12.0, "window_months", 12),
        ("F、M 统计月数", "１２", "window_months", 12),
        ("分析目标", 2026.0, "goal", "2026"),
        ("规则版本", 2027.1, "version", "2027.1"),
        ("我的备注", "随便写", "goal", ""),
    ],
)
def test_a_cell_as_people_fill_it_in(name: str, value: Any, field: str, meant: Any) -> None:
    assert getattr(read((name, value)), field) == meant


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("F、M 统计月数", "六个月", "setting"),
        ("F、M 统计月数", 2.5, "setting"),
        ("F、M 统计月数", None, "setting_empty"),
        ("F、M 统计月数", 99.0, "setting_rule"),
        ("异常值倍数", "nan", "setting_rule"),
        ("R 分档（天，上限）", "30, x", "setting"),
        ("R 分档（天，上限）", "90, 30, 10", "setting_rule"),
        ("R 分档（天，上限）", "30, 60", "setting_rule"),
        ("R 各档高低", "高, 低", "setting_rule"),
        ("R 各档高低", "高, 很低", "setting"),
        ("分析日期", "01/02/2026", "setting"),
        ("分析日期", "明天", "setting"),
        ("异常值处理", "删掉", "setting"),
        ("退款冲减金额", "也许", "setting"),
        ("细分规则：高价值客户", "11", "setting"),
        ("细分规则：高价值客户", "111 & 星座=狮子", "setting"),
        ("细分规则：高价值客户", "111 & 价格敏感度=超级", "setting_rule"),
        ("细分规则：", "111", "setting"),
        ("细分规则：高价值客户", "; ", "setting"),
    ],
)
def test_what_makes_no_sense_names_its_cell(name: str, value: Any, key: str) -> None:
    with pytest.raises(Refused) as refused:
        read(("备注", "x"), (name, value), ("R 各档高低", "高, 低, 低, 低") if name != "R 各档高低" else ("备注", None))
    labels = value == "30, 60"  # two bins need three labels: the labels' cell is named
    assert refused.value.key == key
    assert (refused.value.sheet, refused.value.cell) == ("设置", "B4" if labels else "B3")
    assert "B3" in refused.value.message("zh") or labels
    assert "None" not in refused.value.message("zh") + refused.value.message("en")


def test_a_setting_twice_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        read(("分析日期", None), ("As-of date", None))
    assert (refused.value.key, refused.value.cell) == ("setting_twice", "B3")


def test_segment_rows_are_the_segments_in_their_order() -> None:
    used = read(
        ("细分规则：VIP", "１１？；101 ＆ 地域＝上海"),
        ("细分规则：价格敏感型客户", "??0 & 价格敏感度=敏感"),
        ("Segment: New customers", "new"),
        ("细分规则：流失风险客户", None),
        ("细分规则：低价值客户", "???"),
    )
    assert [segment.key for segment in used.segments] == ["VIP", "price_sensitive", "new", "low_value"]
    assert used.segments[0].match == (Match("11?"), Match("101", "region", "上海"))
    assert used.segments[0].name == {"zh": "VIP", "en": "VIP"}
    assert used.segments[1].match == (Match("??0", "price_sensitivity", "sensitive"),)
    assert used.segments[1].text("action", "zh") == "周末满减活动+推送短信提醒"
    assert used.segments[2].match == (Match("new"),)


@pytest.mark.parametrize(("typed", "code"), [(111.0, "111"), (11.0, "011"), (0.0, "000")])
def test_a_code_that_excel_took_for_a_number(typed: float, code: str) -> None:
    used = read(("细分规则：高价值客户", typed), ("细分规则：其余", "???"))
    assert used.segments[0].match == (Match(code),)


def test_without_a_row_the_base_stays() -> None:
    assert read(("分析目标", "x"), base=OTHER) == OTHER._replace(goal="x")


def test_drop_downs_offer_words_that_are_understood() -> None:
    for key in ("scenario", "outlier_mode", "net_refunds", "naming_scheme"):
        for lang in texts.LANGS:
            for word in settings.choices_of(key, lang):
                read((settings.name_of(key, lang), word))
    assert settings.choices_of("net_refunds", "zh") == ["是", "否"]
    assert settings.choices_of("data_sources", "zh") == settings.choices_of("window_months", "zh") == []


def one_setting(value: Any) -> Grid:
    return Grid("设置", [["设置项", "值", "说明"], ["退款冲减金额", value, None]])


def test_what_python_takes_for_equal_is_not_read_alike() -> None:
    assert settings.read(one_setting(True))[0].net_refunds
    with pytest.raises(Refused):
        settings.read(one_setting(1.0))
