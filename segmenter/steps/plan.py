"""Table 3: the strategy library merged with what people typed (rulings C16, C18; items 003-89..99, 103..106)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
from pandas import DataFrame

from segmenter import schema, texts
from segmenter.findings import Finding
from segmenter.matching import Segment
from segmenter.rules import NO_RECENCY, Rules
from segmenter.texts import Lang

TYPED: Final = tuple(field.key for field in schema.STRATEGY.fields if field.owner == "user")
MERGE_INTO: Final = {"low_value": "dormant", "dormant": "low_value"}
"""低价值 + 低活跃 are merged into 待激活客户 (item 003-105); other small groups into the largest of their kind"""


def summarise(customers: DataFrame, rules: Rules, names: Mapping[str, str]) -> DataFrame:
    """One row a segment in the rules' order, also without customers; see `Result.segments`."""
    keys = [segment.key for segment in rules.segments]
    if (customers["segment"] == NO_RECENCY).any():
        keys.append(NO_RECENCY)
    grouped = customers.groupby(customers["segment"].astype(str))
    found = DataFrame(
        {
            "customers": grouped.size(),
            "amount": grouped["monetary"].sum(),
            "orders": grouped["frequency"].sum(),
            "median_recency_days": grouped["recency_days"].median(),
            "median_frequency": grouped["frequency"].median(),
            "median_monetary": grouped["monetary"].median(),
        }
    ).reindex(keys)
    counted = ["customers", "amount", "orders"]
    found[counted] = found[counted].fillna(0)
    found["customers"] = found["customers"].astype(int)
    found["customer_share"] = found["customers"] / max(int(found["customers"].sum()), 1)
    total = float(found["amount"].sum())
    found["amount_share"] = found["amount"] / total if total else 0.0
    found["average_order_value"] = (found["amount"] / found["orders"]).where(found["orders"] > 0)
    found = found.rename_axis("segment").reset_index()
    found.insert(1, "name", found["segment"].map(names))
    return found


def merge(typed: DataFrame, segments: DataFrame, rules: Rules, lang: Lang) -> tuple[DataFrame, list[Finding]]:
    """The rows of table 3: those people typed, as they stand and where they stand, then the default rows of groups
    that have customers but no row yet. Never a typed cell changes; only the columns of ours are computed.

    `typed`: the columns of the template as read (may be empty); `segments`: `summarise`.
    """
    by_key = segments.set_index("segment")
    by_name = {
        schema.fold(name): segment for segment in rules.segments for name in (*segment.name.values(), *segment.aliases)
    }
    small = small_segments(segments, rules)
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for row in typed.to_dict("records"):
        segment = by_name.get(schema.fold(row["segment"]))
        if segment is None:
            rows.append({**row, "status": texts.say("plan.own", lang)})
            continue
        seen.add(segment.key)
        rows.append({**row, **_figures(by_key.loc[segment.key], segment, small, rules, lang)})
    missing = [s for s in rules.segments if s.key not in seen and by_key.at[s.key, "customers"] > 0]
    for segment in missing:
        defaults = {key: segment.text(key, lang) for key in TYPED if key not in ("progress", "start_on")}
        figures = _figures(by_key.loc[segment.key], segment, small, rules, lang)
        rows.append({**defaults, "progress": texts.say("plan.not_started", lang), **figures})
    columns = [field.key for field in schema.STRATEGY.fields]
    found = DataFrame(rows, columns=columns).astype(object)
    return found.where(found.notna(), None), _advice(segments, small, rules)


def _figures(counts: pd.Series, segment: Segment, small: Mapping[str, str], rules: Rules, lang: Lang) -> dict[str, Any]:
    customers = int(counts["customers"])
    status = ""
    if not customers:
        status = texts.say("plan.gone", lang)
    elif segment.key in small:
        into = rules.segment(small[segment.key]).name[lang]
        status = texts.say("plan.small", lang, count=customers, minimum=rules.segment_size_min, into=into)
    return {
        "customers": customers,
        "customer_share": float(counts["customer_share"]),
        "amount": float(counts["amount"]),
        "amount_share": float(counts["amount_share"]),
        "status": status,
    }


def small_segments(segments: DataFrame, rules: Rules) -> dict[str, str]:
    """Segments too small to be worth a campaign, and the segment each is proposed to join; none while everybody
    together is fewer than `segments_max` times the smallest size (ruling C16)."""
    present = _present(segments)
    if present.sum() < rules.segments_max * rules.segment_size_min:
        return {}
    found = {}
    for key, count in present.items():
        others = present.drop(index=key)
        if count < rules.segment_size_min and len(others):
            into = MERGE_INTO.get(str(key), "")
            found[str(key)] = into if into in others else str(others.idxmax())
    return found


def _present(segments: DataFrame) -> pd.Series:
    """Customers of every segment that has any, by key."""
    known = segments[(segments["customers"] > 0) & (segments["segment"] != NO_RECENCY)]
    return known.set_index("segment")["customers"]


def _advice(segments: DataFrame, small: Mapping[str, str], rules: Rules) -> list[Finding]:
    """Warnings on the plan: too few or too many groups (003-103), groups too small (003-104..105)."""
    present = _present(segments)
    findings = []
    params: dict[str, Any] = {"low": rules.segments_min, "high": rules.segments_max, "groups": len(present)}
    if present.sum() >= rules.segments_max * rules.segment_size_min:
        if len(present) < rules.segments_min:
            findings.append(Finding("segments_few", params=params))
        if len(present) > rules.segments_max:
            findings.append(Finding("segments_many", params=params))
    names = segments.set_index("segment")["name"]
    for key, into in small.items():
        params = {
            "name": rules.segment(key).name,
            "customers": int(present[key]),
            "minimum": rules.segment_size_min,
            "into": rules.segment(into).name,
        }
        findings.append(Finding("segment_small", value=str(names[key]), params=params))
    return findings
