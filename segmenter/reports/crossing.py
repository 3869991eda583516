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
    names = wording.segment_names(result.rules, lang)
    segment = result.customers["segment"]
    keys = [key for key in names if (segment == key).any()]
    position = pd.Categorical(segment, categories=keys).codes
    shown = [names[key] for key in keys]
    held: list[int] = []
    if strict:  # as everywhere else: segments of fewer than five, and those the sums would tell them by
        held = [group for group, key in enumerate(keys) if key in _withheld(result)]
    return [_table(one, position, shown, lang, strict, held) for one in result.facets.core if one.known]


def _withheld(result: Result) -> set[str]:
    """Keys of the segments whose figures `masking.shared` took away."""
    segments = result.segments
    return {key for key, small in zip(segments["segment"], segments["small"], strict=True) if small}


def _table(
    one: Labels, position: Any, names: list[str], lang: Lang, strict: bool, held: Sequence[int]
) -> dict[str, Any]:
    found = cross.counts(one, position, len(names))
    known = pd.DataFrame(found[:-1].T)
    known[WHOLE] = known.sum(axis=1)
    known.loc[WHOLE] = known.sum()
    few = (known > 0) & (known < cross.SMALLEST)
    hidden = masking.fields_withheld(known, held) if strict else few
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
        "unknown": int(found[-1].sum()),
        "hints": hints if not one.dimension.open else hints[:1],
    }


def _cell(count: int, of: int, everybody: float) -> dict[str, Any]:
    share = count / of if of else 0.0
    lift = share / everybody if everybody else None
    heat = 0 if lift is None else int(np.clip(np.digitize(lift, [0.8, 1.25, 2.0]), 0, 3))
    return {"count": count, "share": share, "lift": lift, "heat": heat}


def people(result: Result, lang: Lang, *, strict: bool) -> list[dict[str, Any]]:
    """The personas, a dict each by the columns of the 客户画像 sheet; the typical customer's ID masked."""
    if result.facets is None:
        return []
    names = wording.segment_names(result.rules, lang)
    facets = result.facets
    by_key = {**facets.portrait, **{one.dimension.key: one for one in facets.core}}
    split = [one.dimension.key for one in facets.core]
    library = texts.load("strategies.toml")
    frame = personas.table(by_key, split, result.customers, names, library, lang).pandas
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    if strict:
        held = {names[key] for key in _withheld(result)}
        rows = [row for row in rows if row["segment"] not in held]
    for row in rows:
        row["typical"] = masking.id_number(str(row["typical"])) if row["typical"] and not strict else ""
        for key in ("traits", "behaviour", "pains"):
            row[key] = row[key].split(texts.say("persona.joint", lang)) if row[key] else []
    return rows


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
