"""Segments against dimensions: counts, shares and lift (items 003-50, 52; small cells hidden), the 客户标签 sheet, and
what the choice of dimensions is worth (003-25, 101, 103; rulings C16, C17)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, schema, texts
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.rules import MOST, Rules
from segmenter.steps.labels import Agreement, Labels
from segmenter.texts import Lang

SMALLEST: Final = 5
"""cells of fewer customers are hidden: they say nothing, and people could be recognised"""
CORE: Final = 3
"""more core dimensions than this break the customers into splinters (003-25)"""
FLAT: Final = 0.05
"""a dimension with a smaller Cramér's V has next to nothing to do with the segments"""


def table(
    labels: Sequence[Labels],
    agreements: Sequence[Agreement],
    segment: NDArray[np.object_],
    names: Mapping[str, str],
    lang: Lang,
) -> Frame:
    """The rows of the 交叉分析 sheet. `segment`: key of every customer; `names`: key -> name, in order.

    A level begins with everybody, who has its strategy hint and KPI; then one row a segment. Shares are of the
    customers whose level is known; lift is share in the segment / share of everybody. What people say against what
    they do comes last.
    """
    codes, found = frames.distinct(segment)
    keys = [key for key in names if key in found.tolist()]
    position = np.array([keys.index(key) if key in names else -1 for key in found.tolist()], dtype=np.intp)[codes]
    rows: list[dict[str, Any]] = []
    for one in labels:
        rows += _rows(one, position, [names[key] for key in keys], lang)
    for pair in agreements:
        rows += _agreement(pair, lang)
    return Frame.of_records(rows, schema.table("cross").keys)


def counts(one: Labels, position: NDArray[Any], groups: int) -> NDArray[np.intp]:
    """Customers by level (rows) and group (columns); the last row those without data."""
    levels = len(one.levels) + 1
    level = np.where(one.codes < 0, levels - 1, one.codes).astype(np.intp)
    known = position >= 0
    cells = level[known] * groups + position[known]
    return np.bincount(cells, minlength=levels * groups).reshape(levels, groups)


def _rows(one: Labels, position: NDArray[Any], segments: Sequence[str], lang: Lang) -> list[dict[str, Any]]:
    found = counts(one, position, len(segments))
    unknown, known = int(found[-1].sum()), found[:-1]
    total, per_segment = int(known.sum()), known.sum(axis=0)
    name = one.dimension.name[lang]
    rows = []
    for level, row in zip(one.levels, known, strict=True):
        everybody = int(row.sum())
        share = everybody / total if total else 0.0
        start = {"dimension": name, "level": level.name[lang]}
        head = {**start, "segment": texts.say("dimension.everybody", lang), **_cell(everybody, total, None, lang)}
        rows.append(head | {"strategy": level.hint and level.hint[lang], "target": level.target and level.target[lang]})
        for group, count in enumerate(row.tolist()):
            if count:
                cell = _cell(count, int(per_segment[group]), share, lang)
                rows.append({**start, "segment": segments[group], **cell})
    if unknown:
        missing = {"dimension": name, "level": texts.say("dimension.unknown", lang), "customers": unknown}
        rows.append({**missing, "segment": texts.say("dimension.everybody", lang)})
    return rows


def _cell(count: int, of: int, everybody: float | None, lang: Lang) -> dict[str, Any]:
    if not count:
        return {"customers": 0}
    if count < SMALLEST:
        return {"note": texts.say("dimension.small", lang, smallest=SMALLEST)}
    share = count / of
    found: dict[str, Any] = {"customers": count, "segment_share": round(share, 6)}
    if everybody is None:
        return {"customers": count, "overall_share": round(share, 6)}
    return found | {"overall_share": round(everybody, 6), "lift": round(share / everybody, 4)}


def _agreement(one: Agreement, lang: Lang) -> list[dict[str, Any]]:
    """What people say (rows) against what they do: one row a pair, of the customers of whom both are known."""
    answer, behaviour = one.answer, one.behaviour
    both = (answer.codes >= 0) & (behaviour.codes >= 0)
    if not both.any():
        return []
    agreed = {(a, b) for a, b in one.agree}
    groups = len(behaviour.levels)
    found = counts(answer, np.where(both, behaviour.codes, -1), groups)[: len(answer.levels)]
    total = int(found.sum())
    rows, agreeing = [], 0
    for i, said in enumerate(answer.levels):
        for j, done in enumerate(behaviour.levels):
            count = int(found[i, j])
            agrees = (said.name["zh"], done.name["zh"]) in agreed
            agreeing += count * agrees
            if count:
                note = texts.say("dimension.agrees" if agrees else "dimension.differs", lang)
                everybody = int(found[:, j].sum()) / total
                cell = _cell(count, int(found[i].sum()), everybody, lang)
                rows.append({"level": said.name[lang], "segment": done.name[lang], "note": note, **cell})
    share = agreeing / total
    head = {"customers": total, "segment_share": round(share, 6), "note": texts.say("dimension.agreement", lang)}
    rows.insert(0, {"level": texts.say("dimension.everybody", lang), **head})
    return [{"dimension": texts.say("dimension.said_done", lang, name=one.name[lang]), **row} for row in rows]


def labels_frame(
    labels: Sequence[Labels],
    customers: Frame,
    segment: NDArray[np.object_],
    group: NDArray[np.object_],
    lang: Lang,
) -> Frame:
    """The rows of the 客户标签 sheet, in the order of table 2."""
    found = {"customer_id": customers["customer_id"], "segment": segment, "group": group}
    for number, one in enumerate(labels[:MOST], 1):
        words = [*(level.name[lang] for level in one.levels), texts.say("dimension.unknown", lang)]
        said = [texts.say("dimension.label", lang, dimension=one.dimension.name[lang], level=word) for word in words]
        found[f"label{number}"] = np.array(said, dtype=object)[one.codes]
    nothing = np.full(len(customers), np.nan)
    return Frame({key: found.get(key, nothing) for key in schema.table("labels").keys}, customers.index)


def separation(labels: Sequence[Labels], segment: NDArray[np.object_]) -> dict[str, float]:
    """How well each dimension with data tells the segments apart, by key: Cramér's V (003-101)."""
    codes, keys = frames.distinct(segment)
    position = np.argsort(np.argsort(keys))[codes]
    return {one.dimension.key: cramers_v(counts(one, position, len(keys))[:-1]) for one in labels if one.known}


def advice(labels: Sequence[Labels], strengths: Mapping[str, float], rules: Rules) -> list[Finding]:
    """Too many dimensions or groups, with a merge; dimensions without data, or without a bearing on the segments.
    `strengths`: see `separation`."""
    found = []
    if len(labels) > CORE:
        found.append(Finding("dimensions_many", params={"dimensions": len(labels), "most": CORE}))
    for one in labels:
        if not one.known:
            found.append(Finding("dimension_no_data", params={"name": one.dimension.name}))
            continue
        strength = strengths[one.dimension.key]
        if strength < FLAT and one.known >= rules.segment_size_min:
            found.append(Finding("dimension_flat", params={"name": one.dimension.name, "strength": strength}))
    with_data = [one for one in labels if one.known]
    if with_data:
        found += _splinters(with_data, rules)
    return found


def _splinters(labels: Sequence[Labels], rules: Rules) -> list[Finding]:
    """More groups than the plan bears: the smallest are proposed to become one (ruling C17)."""
    keys = np.zeros(len(labels[0].codes), dtype=np.int64)
    known = np.ones(len(keys), dtype=bool)
    for one in labels:
        keys = keys * max(len(one.levels), 1) + np.maximum(one.codes, 0)
        known &= one.codes >= 0
    groups, sizes = np.unique(keys[known], return_counts=True)
    if len(groups) <= rules.segments_max:
        return []
    order = np.lexsort((groups, sizes))
    merged = order[: len(groups) - rules.segments_max + 1]

    def name(key: int, lang: str) -> str:
        words = []
        for one in reversed(labels):
            key, level = divmod(key, max(len(one.levels), 1))
            words.append(one.levels[level].name[lang])
        return "+".join(reversed(words))

    shown = {lang: "; ".join(name(int(groups[i]), lang) for i in merged[:5]) for lang in texts.LANGS}
    params = {"groups": len(groups), "most": rules.segments_max, "merged": len(merged), "names": shown}
    return [Finding("groups_many", params={**params, "customers": int(sizes[merged].sum())})]


def cramers_v(table: NDArray[np.intp]) -> float:
    """How strongly rows and columns of a table of counts hang together, 0..1 (Cramér 1946)."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape, default=0) < 2:
        return 0.0
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    return float(np.sqrt((((table - expected) ** 2) / expected).sum() / total / (min(table.shape) - 1)))
