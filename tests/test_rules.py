"""Rules are checked when they are built: a refusal names the setting and why."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from segmenter import rules
from segmenter.errors import Refused
from segmenter.matching import Match
from segmenter.rules import months_before
from segmenter.texts import LANGS

LAST = {"key": "rest", "match": ["???"], "name": {"zh": "其余", "en": "Rest"}}


def segment(**changes: Any) -> dict[str, Any]:
    return {"key": "own", "match": ["1??"], "name": {"zh": "自定", "en": "Own"}} | changes


REFUSED = [
    ({"scenario": "sale"}, "scenario", "choice"),
    ({"data_sources": ["crm", "friend"]}, "data_sources", "choice"),
    ({"naming_scheme": "mine"}, "naming_scheme", "choice"),
    ({"outlier_mode": "drop"}, "outlier_mode", "choice"),
    ({"window_months": 0}, "window_months", "range"),
    ({"window_months": 61}, "window_months", "range"),
    ({"window_months": 2.5}, "window_months", "number"),
    ({"window_months": "6"}, "window_months", "number"),
    ({"window_months": True}, "window_months", "bool"),
    ({"window_months": float("inf")}, "window_months", "number"),
    ({"outlier_factor": 1}, "outlier_factor", "above"),
    ({"outlier_factor": float("nan")}, "outlier_factor", "number"),
    ({"segment_size_min": -1}, "segment_size_min", "above"),
    ({"segments_min": 9}, "segments_max", "before"),
    ({"recency_bins": [90, 30, 180]}, "recency_bins", "rising"),
    ({"recency_bins": [30, 30, 90]}, "recency_bins", "rising"),
    ({"recency_bins": [30, float("inf")]}, "recency_bins", "list"),
    ({"recency_bins": [30, True]}, "recency_bins", "list"),
    ({"recency_bins": []}, "recency_bins", "range"),
    ({"recency_bins": 30}, "recency_bins", "list"),
    ({"recency_bins": "30"}, "recency_bins", "list"),
    ({"frequency_bins": [2, 5, 10]}, "frequency_bins", "falling"),
    ({"monetary_bins": [5, 4, 3, 2, 1]}, "monetary_bins", "range"),
    ({"monetary_labels": ["high", "low"]}, "monetary_labels", "count"),
    ({"recency_labels": ["high", "low", "low", "none"]}, "recency_labels", "choice"),
    ({"as_of": "30.6.2026"}, "as_of", "date"),
    ({"data_from": "2026-02-01", "data_to": "2026-01-01"}, "data_to", "before"),
    ({"net_refunds": "yes"}, "net_refunds", "bool"),
    ({"goal": 5}, "goal", "text"),
    ({"goal": ["a"]}, "goal", "single"),
    ({"scope_regions": "上海"}, "scope_regions", "list"),
    ({"recency_bin": [1]}, "recency_bin", "unknown"),
    ({"segments": []}, "segments", "catch_all"),
    ({"segments": "x"}, "segments", "list"),
    ({"segments": [LAST, segment()]}, "segments", "catch_all"),
    ({"segments": [segment(name={"zh": "其余", "en": "X"}), LAST]}, "segments", "twice"),
    ({"segments": [segment(name={"zh": "甲", "en": " REST"}), LAST]}, "segments", "twice"),
    ({"segments": [{"key": "own"}, LAST]}, "segments", "lacks"),
    ({"segments": [segment(match=[]), LAST]}, "segments", "lacks"),
    ({"segments": [segment(match="1??"), LAST]}, "segments", "list"),
    ({"segments": [segment(match=["2??"]), LAST]}, "segments", "pattern"),
    ({"segments": [segment(match=["1?? & price_sensitivty = sensitive"]), LAST]}, "segments", "unknown"),
    ({"segments": [segment(match=["1?? & price_sensitivity = very"]), LAST]}, "segments", "choice"),
    ({"segments": [segment(name="自定"), LAST]}, "segments", "both"),
    ({"segments": [segment(traits={"zh": "只有中文"}), LAST]}, "segments", "both"),
    ({"segments": [segment(trait={"zh": "a", "en": "b"}), LAST]}, "segments", "unknown"),
    ({"segments": [segment(key="no_recency"), LAST]}, "segments", "text"),
    ({"schemes": {"common": {"111": {"zh": "甲", "en": "A"}}}}, "schemes", "lacks"),
    ({"schemes": {"common": dict.fromkeys(rules.CODES, "A")}}, "schemes", "both"),
]


@pytest.mark.parametrize(
    ("raw", "setting", "why"), REFUSED, ids=[f"{s}-{w}-{i}" for i, (_, s, w) in enumerate(REFUSED)]
)
def test_what_cannot_be_is_refused_by_name_and_reason(raw: dict[str, Any], setting: str, why: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.build(raw)
    assert refused.value.key == "rule_invalid"
    assert (refused.value.params["setting"], refused.value.params["why"].key) == (setting, why)
    for lang in ("zh", "en"):
        assert setting in refused.value.message(lang)


def test_an_unknown_setting_is_told_the_nearest() -> None:
    for raw, near in (
        ({"recency_bin": [1]}, "recency_bins"),
        ({"segments": [segment(trait={"zh": "a", "en": "b"}), LAST]}, "traits"),
        ({"segments": [segment(match=["1?? & price_sensitivty = sensitive"]), LAST]}, "price_sensitivity"),
    ):
        with pytest.raises(Refused) as refused:
            rules.build(raw)
        assert near in refused.value.message("zh")
    with pytest.raises(Refused) as refused:
        rules.build({"zzz": 1})
    assert "最接近" not in refused.value.message("zh") and "nearest" not in refused.value.message("en")


def test_the_default_rules_are_the_template_s() -> None:  # 003-41..44, C2-C4, C7
    default = rules.default()
    assert default.recency_bins == (30, 90, 180)
    assert default.recency_labels == ("high", "low", "low", "low")
    assert default.frequency_bins == (10, 5, 2)
    assert default.frequency_labels == ("high", "mid", "low", "low")
    assert default.monetary_bins == (5000, 2000, 1000)
    assert default.monetary_labels == ("high", "high", "mid", "low")
    names = {segment.key: segment.name["zh"] for segment in default.segments}
    assert list(names.values()) == [
        *("高价值客户", "价格敏感客户", "流失风险客户", "潜力客户", "待激活客户", "新客户", "低价值客户"),
    ]
    for scheme in default.schemes.values():
        assert set(scheme) == set(rules.CODES)


def test_rules_do_not_change() -> None:
    default = rules.default()
    with pytest.raises(Refused):
        default._replace(window_months=0)
    with pytest.raises(AttributeError):
        default.window_months = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        default.schemes["mine"] = {}  # type: ignore[index]
    with pytest.raises(AttributeError):
        default.segments[0].match = ()  # type: ignore[misc]


def test_a_file_needs_to_say_only_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("as_of = 2026-06-30T10:00:00\nwindow_months = 12\n[schemes.mine]\n", encoding="utf-8-sig")
    with pytest.raises(Refused):
        rules.from_file(file)
    file.write_text("as_of = 2026-06-30T10:00:00\nwindow_months = 12\n", encoding="utf-8-sig")
    used = rules.from_file(file)
    assert (used.window_months, used.as_of, type(used.as_of)) == (12, date(2026, 6, 30), date)
    assert used.segments == rules.default().segments


@pytest.mark.parametrize("content", [b"window_months = ", b"\xff\xfe\x00", None])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "rules.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Refused) as refused:
        rules.from_file(file)
    assert refused.value.key == ("rules_file" if content else "no_file")
    assert str(file) in refused.value.message("zh")


@pytest.mark.parametrize("content", ["window_mouths = 3", "window_months = 0", "segments = [{}]"])
def test_a_rule_that_cannot_be_used_is_told_with_its_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        rules.from_file(file)
    for lang in LANGS:
        assert all(one in refused.value.message(lang) for one in (str(file), content.partition(" ")[0]))


def test_patterns() -> None:
    assert Match.parse(" 0?1 ") == Match("0?1")
    assert str(Match.parse("??0&price_sensitivity=sensitive")) == "??0 & price_sensitivity = sensitive"
    for text in ("", "01", "0?1?", "0x1", "new1", "111 & x", "111 &"):
        with pytest.raises(ValueError):
            Match.parse(text)


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 6, 30), 6, date(2025, 12, 30)),
        (date(2026, 8, 31), 6, date(2026, 2, 28)),
        (date(2024, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 1, 15), 24, date(2024, 1, 15)),
    ],
)
def test_calendar_months(day: date, months: int, before: date) -> None:
    assert months_before(day, months) == before
