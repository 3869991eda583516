"""The shipped dimensions: every one the documents name is there, readable, and shown as it is read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter import catalogue, rules, texts
from segmenter.catalogue import Atom, Catalogue, Dimension, Level, parse
from segmenter.errors import Refused

SHIPPED = catalogue.shipped()
NAMED = [
    *(f"000-{n:02d}" for n in (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21)),
    *(f"001-{n:02d}" for n in (7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 25, 28)),
    *(f"002-{n:02d}" for n in (*range(2, 10), *range(16, 32), 38)),
    *(f"003-{n:02d}" for n in (17, 19, 26, 27, 28, *range(30, 33), 34, 35, 37, 38, 39, 50, 51)),
]
"""the items of the requirements that name a way to cut customers; 003-41..44 are the rules' own"""
STRATEGIES = [
    *("000-03", "000-05", "000-06", "000-07", "000-08", "000-18"),
    *("001-30", "001-31", "001-32", "001-33", "001-34", "002-29", "003-58", "003-59", "003-60"),
]


@pytest.mark.parametrize("item", NAMED)
def test_every_named_dimension_ships(item: str) -> None:
    assert [one.key for one in SHIPPED.dimensions.values() if item in one.item.split()]


@pytest.mark.parametrize("item", STRATEGIES)
def test_every_named_strategy_ships(item: str) -> None:
    library = texts.load("strategies.toml")
    assert set(library) == {one.key for one in rules.default().segments}
    assert [one for group in library.values() for one in group if one["item"] == item and one["zh"] and one["en"]]


def test_names_are_told_apart() -> None:
    for lang in texts.LANGS:
        names = [one.name[lang] for one in SHIPPED.dimensions.values()]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("one", SHIPPED.dimensions.values(), ids=lambda one: one.key)
def test_conditions_name_what_there_is(one: Dimension) -> None:
    names = [one.open] if one.open else [a.name for level in one.levels for part in level.when for a in part]
    assert names
    for name in names:
        assert catalogue.key_of(name, SHIPPED)[0] != "header", name


@pytest.mark.parametrize("lang", texts.LANGS)
def test_the_sheet_spells_what_ships(lang: Any) -> None:
    """What the 维度 sheet shows reads back as dimensions of the same keys, levels and lists."""
    frame = catalogue.to_frame(SHIPPED, lang)
    rows = [{key: cell or "" for key, cell in row.items()} for row in frame.records()]
    found = catalogue.from_rows(rows, "维度", {i: f"D{i + 2}" for i in range(len(rows))})
    assert [one.key for one in found] == list(SHIPPED.dimensions)
    for one, was in zip(found, SHIPPED.dimensions.values(), strict=True):
        assert (one.name, [level.name for level in one.levels]) == (was.name, [level.name for level in was.levels])
        assert [level.hint for level in one.levels] == [level.hint for level in was.levels]
        again = catalogue.to_frame(Catalogue({one.key: one}, {}, {}, {}), lang) if one.open else None
        assert again is None or len(again) == 1
    tier = next(one for one in found if one.key == "tier")
    assert tier.levels[0].when[0][0].values == ("北京", "上海", "广州", "深圳")
    assert "2025" in frame.pandas.set_index("dimension").at[tier.name[lang], "family"].iloc[0]


def test_conditions() -> None:
    assert parse("年龄≥18 ＆ 年龄<26") == ((Atom("年龄", ">=", ("18",)), Atom("年龄", "<", ("26",))),)
    assert parse("a = x|y; b ~ z") == ((Atom("a", "=", ("x", "y")),), (Atom("b", "~", ("z",)),))
    assert parse("*") == parse("其他") == parse("Other") == ()
    for text in ("", "  ", "年龄", "& a = 1", "a =", ";"):
        with pytest.raises(ValueError, match=re.escape(text.strip()) or ".*"):
            parse(text)


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_none(text: str) -> None:
    try:
        parse(text)
    except ValueError:
        return


def test_a_condition_nobody_can_read_names_its_cell() -> None:
    row = {"dimension": "地域", "level": "一线", "condition": "上海", "hint": "", "target": ""}
    second = {**row, "level": "其他", "condition": "*"}
    with pytest.raises(Refused) as refused:
        catalogue.from_rows([row, second], "维度", {0: "D2", 1: "D3"})
    assert (refused.value.key, refused.value.cell) == ("dimension_condition", "D2")
    for lang in texts.LANGS:
        assert "D2" in refused.value.message(lang)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"key": "x"},
        {"key": "x", "name": {"zh": "甲"}, "open": "city"},
        {"key": "x", "name": {"zh": "甲", "en": "A"}},
        {"key": "x", "name": {"zh": "甲", "en": "A"}, "open": "city", "levels": [{"name": {}, "when": "*"}]},
        {"key": "x", "name": {"zh": "甲", "en": "A"}, "levels": [{"name": {"zh": "一", "en": "1"}, "when": "?"}]},
        "x",
    ],
)
def test_a_dimension_that_makes_no_sense_is_refused(raw: Any) -> None:
    with pytest.raises(Refused) as refused:
        rules.build({"own_dimensions": [raw]})
    assert refused.value.key == "dimension_rule"


def test_own_dimensions_replace_and_add() -> None:
    own = Dimension("mine", {"zh": "地域", "en": "地域"}, levels=(Level({"zh": "甲", "en": "甲"}, ()),))
    new = Dimension("子品牌", {"zh": "子品牌", "en": "子品牌"}, open="对子品牌认知度")
    found = SHIPPED.with_own([own, new])
    assert list(found.dimensions) == [*SHIPPED.dimensions, "子品牌"]
    assert [level.name["zh"] for level in found.dimensions["tier"].levels] == ["甲"]
    assert found.chosen(["city tier", "子品牌", "地域"]) == (found.dimensions["tier"], new)
    with pytest.raises(Refused) as refused:
        found.chosen(["地城"])
    assert "地域" in refused.value.message("zh")
