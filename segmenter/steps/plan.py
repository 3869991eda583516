"""Table 3: the strategy library merged with what people typed (rulings C16, C18; items 003-89..99, 103..106)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import schema, texts
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.matching import Segment
from segmenter.rules import NO_RECENCY, Rules
from segmenter.texts import Lang

TYPED: Final = tuple(field.key for field in schema.STRATEGY.fields if field.owner == "user")
MEASURED: Final = ("target", "period", "progress")
"""what people type of which our own columns tell"""
OURS: Final = tuple(field.key for field in schema.STRATEGY.fields if field.owner == "us")
FIGURES: Final = ("customers", "customer_share", "amount", "amount_share")
MERGE_INTO: Final = {"low_value": "dormant", "dormant": "low_value"}
"""低价值 + 低活跃 are merged into 待激活客户 (item 003-105); other small groups into the largest of their kind"""
_COUNTED: Final = (
    *("customers", "amount", "orders"),
    *("median_recency_days", "median_frequency", "median_monetary"),
    *("buyers", "repeat_buyers"),
)
NOBODY: Final[NDArray[np.intp]] = np.empty(0, dtype=np.intp)


def summarise(
    customers: Frame, members: Mapping[str, NDArray[np.intp]], rules: Rules, names: Mapping[str, str]
) -> Frame:
    """One row a segment in the rules' order, also without customers; see `Result.segments`. `members`:
    `segment.members`."""
    keys = [segment.key for segment in rules.segments]
    if NO_RECENCY in members:
        keys.append(NO_RECENCY)
    recency, orders, amounts = (customers[name] for name in ("recency_days", "frequency", "monetary"))
    lines = []
    for key in keys:
        mine = members.get(key, NOBODY)
        ordered, spent = orders[mine], amounts[mine]
        medians = (_median(recency[mine]), _median(ordered), _median(spent))
        lines.append(
            (
                len(mine),
                _sum(spent),
                ordered.sum(),
                *medians,
                np.count_nonzero(ordered >= 1),
                np.count_nonzero(ordered >= 2),
            )
        )
    found = dict(zip(_COUNTED, map(np.array, zip(*lines, strict=True)), strict=True))
    people, amount, made = (found[name] for name in ("customers", "amount", "orders"))
    total = float(amount.sum())
    return Frame(
        {
            "segment": np.array(keys, dtype=object),
            "name": np.array([names[key] for key in keys], dtype=object),
            **found,
            "customer_share": people / max(int(people.sum()), 1),
            "amount_share": amount / total if total else np.zeros(len(keys)),
            "average_order_value": np.divide(amount, made, out=np.full(len(keys), np.nan), where=made > 0),
        }
    )


def _sum(amounts: NDArray[np.float64]) -> float:
    """The sum of amounts of six decimals at most (see `measure`). Reckoned in whole numbers: exact, and the same
    whatever the order of the rows."""
    whole = np.floor(amounts)
    return float(whole.sum() + np.rint((amounts - whole) * 1e6).sum() / 1e6)


def _median(values: NDArray[np.float64]) -> float:
    """The median of what is known, NaN of nothing."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan
    low, high = (len(known) - 1) // 2, len(known) // 2
    middle = np.partition(known, (low, high))
    return float(middle[low] + middle[high]) / 2


def lines(segments: Frame) -> dict[str, dict[str, Any]]:
    """The rows of `summarise` by segment key."""
    return {row["segment"]: row for row in segments.records()}


def merge(
    typed: Iterable[Mapping[str, Any]],
    segments: Mapping[str, Mapping[str, Any]],
    rules: Rules,
    lang: Lang,
    shown: Collection[str] = TYPED,
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The rows of table 3: those people typed, as they stand and where they stand, then the default rows of groups
    that have customers but no row yet. Never a typed cell changes; only the columns of ours are computed.

    `typed`: the rows of the template as read, by field key; `segments`: `lines`; `shown`: the fields the sheet has.
    What a default row cannot say there is not measured: the next run would find none of it.
    """
    small = small_segments(segments, rules)
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for row in typed:
        segment = rules.named.get(schema.fold(row["segment"]))
        if segment is None:
            rows.append({**row, "status": texts.say("plan.own", lang)})
            continue
        seen.add(segment.key)
        rows.append({**row, **_figures(segments[segment.key], segment, small, rules, lang)})
    for segment in rules.segments:
        if segment.key in seen or not segments[segment.key]["customers"]:
            continue
        defaults = {key: segment.text(key, lang) for key in TYPED if key not in ("progress", "start_on")}
        figures = _figures(segments[segment.key], segment, small, rules, lang)
        defaults["progress"] = texts.say("plan.not_started", lang)
        rows.append({**defaults, **{key: None for key in MEASURED if key not in shown}, **figures})
    return [{key: row.get(key) for key in schema.STRATEGY.keys} for row in rows], _advice(segments, small, rules)


def left(
    rows: Iterable[Mapping[str, Any]],
    stood: Iterable[Mapping[str, Any]],
    told: Mapping[str, Mapping[str, Any]],
    rules: Rules,
) -> frozenset[tuple[int, str]]:
    """The cells of ours in rows with groups of people's own that are not ours to write, by row and field: we know
    nothing of them, or people say something else about how the group stands. What an earlier run wrote is no such.

    `rows`: table 3 as it will be; `stood`: as it stands, from its first row; `told`: the figures of the last analysis,
    by `fold`ed group name.
    """
    found = set()
    for place, (row, old) in enumerate(zip(rows, stood, strict=False)):
        name = schema.fold(row["segment"])
        if name in rules.named:
            continue
        before = told.get(name) or next((one for one in told.values() if _are(old, one)), {})
        blank = {key for key in OURS if row[key] is None and (old.get(key) is None or old[key] != before.get(key))}
        found |= {(place, key) for key in blank}
        found |= set() if _is_our_status(old.get("status")) else {(place, "status")}
    return frozenset(found)


def _are(old: Mapping[str, Any], figures: Mapping[str, Any]) -> bool:
    """Whether what stands in a row are these figures: of a group of ours that people gave another name."""
    return bool(old.get("amount")) and all(old.get(key) in (None, figures.get(key)) for key in FIGURES)


def _is_our_status(cell: Any) -> bool:
    """Whether a cell says what we say of a group."""
    holes = dict.fromkeys(("count", "minimum", "into"), "\0")
    said = (texts.say(f"plan.{key}", lang, **holes) for key in ("own", "gone", "small") for lang in texts.LANGS)
    return any(re.fullmatch(re.escape(one).replace("\0", ".+"), str(cell)) for one in said)


def _figures(
    line: Mapping[str, Any], segment: Segment, small: Mapping[str, str], rules: Rules, lang: Lang
) -> dict[str, Any]:
    status, customers = "", line["customers"]
    if not customers:
        status = texts.say("plan.gone", lang)
    elif segment.key in small:
        into = rules.segment(small[segment.key]).name[lang]
        status = texts.say("plan.small", lang, count=customers, minimum=rules.segment_size_min, into=into)
    return {**{key: line[key] for key in FIGURES}, "status": status}


def small_segments(segments: Mapping[str, Mapping[str, Any]], rules: Rules) -> dict[str, str]:
    """Segments too small to be worth a campaign, and the segment each is proposed to join; none while everybody
    together is fewer than `segments_max` times the smallest size (ruling C16). `segments`: `lines`."""
    present = _present(segments)
    if sum(present.values()) < rules.segments_max * rules.segment_size_min:
        return {}
    found = {}
    for key, count in present.items():
        others = {other: size for other, size in present.items() if other != key}
        if count < rules.segment_size_min and others:
            into = MERGE_INTO.get(key, "")
            found[key] = into if into in others else max(others, key=others.__getitem__)
    return found


def _present(segments: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Customers of every segment that has any, by key."""
    return {key: line["customers"] for key, line in segments.items() if line["customers"] and key != NO_RECENCY}


def _advice(segments: Mapping[str, Mapping[str, Any]], small: Mapping[str, str], rules: Rules) -> list[Finding]:
    """Warnings on the plan: too few or too many groups (003-103), groups too small (003-104..105)."""
    present = _present(segments)
    findings = []
    params: dict[str, Any] = {"low": rules.segments_min, "high": rules.segments_max, "groups": len(present)}
    if sum(present.values()) >= rules.segments_max * rules.segment_size_min:
        if len(present) < rules.segments_min:
            findings.append(Finding("segments_few", params=params))
        if len(present) > rules.segments_max:
            findings.append(Finding("segments_many", params=params))
    for key, into in small.items():
        params = {
            "name": rules.segment(key).name,
            "customers": present[key],
            "minimum": rules.segment_size_min,
            "into": rules.segment(into).name,
        }
        findings.append(Finding("segment_small", value=segments[key]["name"], params=params))
    return findings
