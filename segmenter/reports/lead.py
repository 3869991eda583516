"""What the report leads with: the scenario chosen in the settings decides (items 003-01 to 003-05).

A lead is one short text and one table; the table is the first thing after the front page.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import pandas as pd
from pandas import DataFrame

from segmenter import masking, schema, texts
from segmenter.reports import crossing, formats, profile
from segmenter.result import Result
from segmenter.rules import NO_RECENCY
from segmenter.texts import Lang

CARE: Final = ("high_value", "potential", "at_risk")
"""the three groups that scenario 2 tells apart"""
REGIONS: Final = 10
"""so many regions are listed; fewer customers than profile.SMALLEST make none"""
MORE, LESS = 1.2, 0.8
"""share of amount over share of customers from which a region deserves more, or less, than now"""

MEASURED: Final = ("reach", "conversion")
"""columns that need the campaign log (003-03)"""
_KINDS: Final[Mapping[str, str]] = {
    "customers": "count",
    "customer_share": "percent",
    "amount": "short",
    "amount_share": "percent",
    "mean": "money",
    "index": "times",
    "reach": "percent",
    "conversion": "percent",
}
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "launch": ("segment", "customers", "mean", "who", "likes", "strategy", "action"),
    "operate": ("segment", "customers", "amount_share", "mean", "strategy", "action", "owner", "target"),
    "campaign": ("segment", "customers", "reach", "conversion", "channel", "likes", "action", "target", "owner"),
    "region": ("region", "customers", "customer_share", "amount_share", "mean", "index", "strongest", "advice"),
}


def build(result: Result, segments: DataFrame, rows: Sequence[Mapping[str, Any]], lang: Lang) -> dict[str, Any] | None:
    """Key (the scenario), title, text, objective, columns (label, kind), rows (a value a column); None when there is
    nothing to show. `segments` localised, `rows`: `tracking.rows`."""
    key = result.rules.scenario
    maker = {"launch": _launch, "operate": _operate, "campaign": _campaign, "region": _regions}[key]
    found = maker(result, segments, {str(row["key"]): row for row in rows if row["key"]}, lang)
    if not found:
        return None
    shown = [one for one in COLUMNS[key] if result.reach is not None or one not in MEASURED]
    columns = [{"key": one, "label": _label(one, lang), "kind": _KINDS.get(one, "text")} for one in shown]
    names = texts.say("report.and", lang).join(str(row.get("segment") or row.get("region")) for row in found[:3])
    return {
        "key": key,
        "title": texts.say(f"report.lead.{key}.title", lang),
        "text": texts.say(f"report.lead.{key}.text", lang, names=names)
        + (texts.say("report.lead.unmeasured", lang) if key == "campaign" and result.reach is None else ""),
        "objective": texts.say(f"report.lead.objective.{result.rules.objective}", lang),
        "columns": columns,
        "rows": [[row.get(column["key"]) for column in columns] for row in found],
    }


def _label(column: str, lang: Lang) -> str:
    if column in ("strategy", "action", "owner", "target"):
        return schema.STRATEGY[column].header[lang]
    return texts.say(f"report.lead.column.{column}", lang)


def _row(row: Mapping[str, Any], plans: Mapping[str, Mapping[str, Any]], lang: Lang) -> dict[str, Any]:
    """A segment's line: figures, and its plan from table 3."""
    plan = plans.get(str(row["segment"]), {})
    customers, amount = float(row["customers"]), float(row["amount"])
    known = not formats.is_missing(customers) and customers > 0
    return {
        "segment": str(row["name"]),
        "customers": customers if known else masking.said(str(row.get("small", "")), lang) or None,
        "amount_share": float(row["amount_share"]) if known else None,
        "mean": amount / customers if known else None,
        **{key: plan.get(key, "") for key in ("strategy", "action", "owner", "target")},
    }


def _present(segments: DataFrame) -> DataFrame:
    """Segments that somebody is in and a plan can be made for."""
    return segments[(segments["customers"] != 0) & (segments["segment"] != NO_RECENCY)]


def _operate(
    result: Result, segments: DataFrame, plans: Mapping[str, Mapping[str, Any]], lang: Lang
) -> list[dict[str, Any]]:
    """High value, potential and at risk, each with its own care; the largest where rules of one's own lack them."""
    present = _present(segments).set_index("segment", drop=False)
    keys = [key for key in CARE if key in present.index]
    keys += [str(key) for key in present.sort_values("amount", ascending=False).index if key not in keys]
    return [_row(dict(present.loc[key]), plans, lang) for key in keys[: len(CARE)]]


def _launch(
    result: Result, segments: DataFrame, plans: Mapping[str, Mapping[str, Any]], lang: Lang
) -> list[dict[str, Any]]:
    """Whom a new product is for: those who bought lately, the dearest a head first, and what sets them apart."""
    customers = result.customers.pandas
    recent = (customers["r_label"] == "high").groupby(customers["segment"].astype(str)).mean()
    present = _present(segments)
    present = present[present["segment"].map(recent).fillna(0) >= 0.5]
    present = present.assign(mean=present["amount"] / present["customers"])
    unsaid, held = crossing.unsaid(result), masking.held(result)
    who = profile.profiles(customers, lang, unsaid, held)
    found = []
    for row in present.sort_values("mean", ascending=False).head(3).to_dict("records"):
        traits = who.get(str(row["segment"]), [])
        line = _row({str(k): v for k, v in row.items()}, plans, lang)
        line["who"] = _said(traits, lang)
        mine = customers["segment"].astype(str) == row["segment"]
        line["likes"] = (
            formats.MISSING if row["segment"] in held else _most(customers, mine, "categories", unsaid, lang)
        )
        found.append(line)
    return found


def _said(traits: Sequence[Mapping[str, Any]], lang: Lang) -> str:
    said = [f"{one['value']} {formats.percent(one['share'], 0)} ({formats.times(one['lift'])})" for one in traits]
    return texts.say("report.and", lang).join(said) or formats.MISSING


def _campaign(
    result: Result, segments: DataFrame, plans: Mapping[str, Mapping[str, Any]], lang: Lang
) -> list[dict[str, Any]]:
    """One audience a segment: how many can be reached, where most of them are, what is offered and measured."""
    customers = result.customers.pandas
    strict = "small" in segments  # masked for others' eyes
    segment = customers["segment"].astype(str)
    unsaid, held = crossing.unsaid(result), masking.held(result)
    found = []
    for row in _present(segments).to_dict("records"):
        mine = segment == row["segment"]
        line = _row({str(k): v for k, v in row.items()}, plans, lang)
        for key, column in (("channel", "channel"), ("likes", "categories")):
            line[key] = formats.MISSING if row["segment"] in held else _most(customers, mine, column, unsaid, lang)
        if row["segment"] in held:  # whoever knows a rate and a count knows of how many it is
            line["reach"] = line["conversion"] = None
        elif result.reach is not None and row["segment"] in result.reach:
            reached, converted = result.reach[row["segment"]]
            line["reach"] = _share(reached, row["customers"], strict)
            line["conversion"] = _share(converted, reached, strict)
        found.append(line)
    return found


def _share(part: int, whole: float, strict: bool) -> float | str | None:
    """A rate, of nobody None; "<5" where it would tell `strict`ly of fewer than five people, with or without."""
    if formats.is_missing(float(whole)) or not whole:
        return None
    few = any(0 < people < masking.FLOOR for people in (part, whole - part))
    return masking.FEW if strict and few else part / float(whole)


def _most(customers: DataFrame, mine: pd.Series, key: str, unsaid: Sequence[masking.Group] | None, lang: Lang) -> str:
    """The commonest value with its share of those whose value is known; nothing below SMALLEST people, nor what tells
    a number that is not to be told (`masking.tells`)."""
    for name, values in profile.dimensions(customers[mine], lang, (key,)):
        counts = values.dropna().value_counts()
        people = values.dropna().index.nunique()
        if len(counts) and counts.iloc[0] >= profile.SMALLEST and name:
            if unsaid is not None and profile.tells(counts.index[0], values.dropna(), customers, unsaid):
                continue
            return f"{counts.index[0]} {formats.percent(float(counts.iloc[0]) / people, 0)}"
    return formats.MISSING


def _regions(
    result: Result, segments: DataFrame, plans: Mapping[str, Mapping[str, Any]], lang: Lang
) -> list[dict[str, Any]]:
    """Regions by amount: share of customers against share of amount, and what that says for the resources."""
    customers = result.customers.pandas
    if "region" not in customers:
        return []
    known = customers[customers["region"].notna() & (customers["region"].astype(str) != "")]
    names = dict(zip(segments["segment"], segments["name"], strict=True))
    total, everybody = float(known["monetary"].sum()), len(known)
    found: list[dict[str, Any]] = []
    for region, mine in known.groupby(known["region"].astype(str)):
        if len(mine) < profile.SMALLEST:
            continue
        amount = float(mine["monetary"].sum())
        share = amount / total if total else 0.0
        index = share / (len(mine) / everybody)
        advice = "more" if index >= MORE else "less" if index <= LESS else "same"
        found.append(
            {
                "region": str(region),
                "customers": len(mine),
                "customer_share": len(mine) / everybody,
                "amount_share": share,
                "mean": amount / len(mine),
                "index": index,
                "strongest": _strongest(mine, customers, names, masking.held(result)),
                "advice": texts.say(f"report.lead.advice.{advice}", lang),
            }
        )
    found.sort(key=lambda row: (-float(row["amount_share"]), str(row["region"])))
    return found[:REGIONS]


def _strongest(mine: DataFrame, customers: DataFrame, names: Mapping[str, str], held: Collection[str]) -> str:
    """The segment that is most over-represented here among those with SMALLEST people or more; none of those `held`."""
    counts = mine["segment"].astype(str).value_counts()
    counts = counts[(counts >= profile.SMALLEST) & ~counts.index.isin(list(held))]
    lift = (counts / len(mine)) / (customers["segment"].astype(str).value_counts() / len(customers)).reindex(
        counts.index
    )
    if lift.empty:
        return formats.MISSING
    best = lift.sort_index().idxmax()
    return f"{names.get(str(best), best)} ({formats.times(float(lift[best]))})"
