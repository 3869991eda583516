"""The report's cross tables, province map and personas, from `Result.facets` (items 002-36, 003-50..57)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from segmenter import masking, texts, wording
from segmenter.reading import regions
from segmenter.reports import formats, palette
from segmenter.reports.canvas import FINE, Sheet
from segmenter.result import Result
from segmenter.steps import cross, personas
from segmenter.steps.labels import Facets, Labels
from segmenter.texts import Lang

WHOLE: Final = -1
"""the row and the column of sums"""
TILE = 46
"""pixels of a province on the tile map"""


def tables(result: Result, lang: Lang, *, strict: bool = False) -> list[dict[str, Any]]:
    """One table a core dimension: segments down, levels across. A cell: share of the segment, lift and count; None
    where one to four customers are meant; where `strict`, nor do the sums tell how many they are."""
    if result.facets is None:
        return []
    keys, position = _placed(result)
    names = wording.segment_names(result.rules, lang)
    shown = [names[key] for key in keys]
    held = _held(result, keys)
    return [_table(one, position, shown, lang, strict, held) for one in result.facets.core if one.known]


def _placed(result: Result) -> tuple[list[str], Any]:
    """Keys of the segments somebody is in, and the place there of every customer's."""
    segment = result.customers["segment"]
    keys = [key for key in wording.segment_names(result.rules, result.lang) if (segment == key).any()]
    return keys, pd.Categorical(segment, categories=keys).codes


def _held(result: Result, keys: Sequence[str]) -> list[int]:
    """Places of the segments that are withheld as everywhere else: of fewer than five, and those the sums would tell
    them by."""
    withheld = masking.held(result)
    return [group for group, key in enumerate(keys) if key in withheld]


def _fields(one: Labels, position: Any, groups: int, strict: bool, held: Sequence[int]) -> tuple[Any, Any, int]:
    """Customers by segment and level with their sums, which of them are hidden, and how many have no level."""
    found = cross.counts(one, position, groups)
    known = pd.DataFrame(found[:-1].T)
    known[WHOLE] = known.sum(axis=1)
    known.loc[WHOLE] = known.sum()
    few = (known > 0) & (known < cross.SMALLEST)
    return known, masking.fields_withheld(known, held) if strict else few, int(found[-1].sum())


def unsaid(result: Result) -> list[masking.Group] | None:
    """Of a strictly masked result: whom the hidden fields of its cross tables, and their hidden sums, stand for. None
    of them may be told elsewhere in the report. None where nothing is masked."""
    if "small" not in result.segments:
        return None
    if result.facets is None:
        return []
    keys, position = _placed(result)
    found = []
    for one in result.facets.core:
        _, hidden, _ = _fields(one, position, len(keys), True, _held(result, keys))
        for group, level in hidden.stack()[lambda field: field].index:
            mine = position >= 0 if group == WHOLE else position == group
            found.append(mine & (one.codes >= 0 if level == WHOLE else one.codes == level))
    return found


def _table(
    one: Labels, position: Any, names: list[str], lang: Lang, strict: bool, held: Sequence[int]
) -> dict[str, Any]:
    known, hidden, unknown = _fields(one, position, len(names), strict, held)
    total = int(known.at[WHOLE, WHOLE])

    def count(group: int, level: int) -> int | None:
        return None if hidden.at[group, level] else int(known.at[group, level])

    def cells(group: int) -> list[dict[str, Any] | None]:
        people = int(known.at[group, WHOLE])
        counts = [count(group, level) for level in range(len(one.levels))]
        shares = [known.at[WHOLE, level] / total if group != WHOLE else 0.0 for level in range(len(one.levels))]
        return [None if n is None else _cell(n, people, float(share)) for n, share in zip(counts, shares, strict=True)]

    hints = [
        {"level": level.name[lang], "hint": level.hint[lang], "target": level.target[lang] if level.target else ""}
        for level in one.levels
        if level.hint
    ]
    return {
        "name": one.dimension.name[lang],
        "levels": [level.name[lang] for level in one.levels],
        "rows": [
            {"name": name, "customers": count(group, WHOLE), "cells": cells(group)} for group, name in enumerate(names)
        ],
        "everybody": cells(WHOLE),
        "customers": count(WHOLE, WHOLE),
        "unknown": unknown,
        "hints": hints if not one.dimension.open else hints[:1],
    }


def _cell(count: int, of: int, everybody: float) -> dict[str, Any]:
    share = count / of if of else 0.0
    lift = share / everybody if everybody else None
    heat = 0 if lift is None else int(np.clip(np.digitize(lift, [0.8, 1.25, 2.0]), 0, 3))
    return {"count": count, "share": share, "lift": lift, "heat": heat}


def people(result: Result, lang: Lang, *, strict: bool) -> list[dict[str, Any]]:
    """The personas, a dict each by the columns of the 客户画像 sheet; the typical customer's ID masked.

    Where `strict`, a segment whose figures are shown has one persona: two would tell the fields of a row of a cross
    table, and their claims those fields cut further. A claim that tells what is hidden elsewhere is left out.
    """
    if result.facets is None:
        return []
    names = wording.segment_names(result.rules, lang)
    facets = result.facets
    by_key = {**facets.portrait, **{one.dimension.key: one for one in facets.core}}
    split = [one.dimension.key for one in facets.core]
    library = texts.load("strategies.toml")
    hidden = unsaid(result)
    if hidden is None:
        frames = [personas.table(by_key, split, result.customers, names, library, lang).pandas]
    else:
        frames = []
        for key in [key for key in names if key not in masking.held(result)]:
            mine = result.customers["segment"] == key
            told = {name: one for name, one in by_key.items() if not _tells(one, mine, hidden)}
            frames.append(personas.table(told, [], result.customers, {key: names[key]}, library, lang).pandas)
    rows: list[dict[str, Any]] = []
    for frame in frames:
        rows += frame.astype(object).where(frame.notna(), None).to_dict("records")
    for row in rows:
        row["typical"] = masking.id_number(str(row["typical"])) if row["typical"] and not strict else ""
        for key in ("traits", "behaviour", "pains"):
            row[key] = row[key].split(texts.say("persona.joint", lang)) if row[key] else []
    return rows


def _tells(one: Labels, mine: masking.Group, hidden: Sequence[masking.Group]) -> bool:
    """Whether what a persona of the customers `mine`, or the share of everybody beside it, says of a dimension could
    tell a hidden number."""
    for level in range(len(one.levels)):
        everybody = one.codes == level
        here, known = mine & everybody, mine & (one.codes >= 0)
        if here.any() and (
            masking.tells(here, int(known.sum()), hidden) or masking.tells(everybody, one.known, hidden)
        ):
            return True
    return False


def province_map(facets: Facets | None, lang: Lang) -> str:
    """Customers by province as a tile map, one square each (see regions.toml for why); "" where no region is known.
    A province with fewer than five customers is not coloured."""
    if facets is None or not facets.provinces.known:
        return ""
    by_name = {one["zh"]: one for one in regions.provinces().values()}
    counts = {
        level.name["zh"]: int(count)
        for level, count in zip(facets.provinces.levels, facets.provinces.counts, strict=True)
        if level.name["zh"] in by_name
    }
    if not counts:
        return ""
    top = max(counts.values())
    limits = [top * part for part in (0.1, 0.25, 0.5, 0.75)]
    sheet = Sheet(8 * TILE + 44)
    for name, one in by_name.items():
        column, row = one["tile"]
        x, y = 10 + column * TILE, 34 + row * TILE
        count = counts.get(name, 0)
        shown = count >= cross.SMALLEST
        role = palette.RAMP[int(np.searchsorted(limits, count, side="right"))] if shown else "panel"
        sheet.box(x, y, TILE - 3, TILE - 3, role, "paper")
        ink = palette.on(role) if shown else "muted"
        label = one[lang] if lang == "zh" else one["en"][:6]
        middle = x + (TILE - 3) / 2
        sheet.text(middle, y + (15 if shown else 21), label, ink, FINE if lang == "zh" else 10, "middle")
        if shown:
            sheet.text(middle, y + 31, formats.count(count), ink, FINE, "middle")
    best = max(counts, key=lambda name: (counts[name], name))
    share = formats.percent(counts[best] / facets.provinces.known)
    said = {"name": by_name[best][lang], "share": share, "known": formats.count(facets.provinces.known)}
    return sheet.svg("provinces", texts.say("report.map.title", lang), texts.say("report.map.note", lang, **said))
