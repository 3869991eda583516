"""The report's figures: front page, summary, data quality, segments. Every number is one of the `Result`'s frames or
a sum of them, so it stands in the workbook too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
from pandas import DataFrame

from segmenter import masking, schema, settings, texts, wording
from segmenter.reports import charts, crossing, formats, profile
from segmenter.result import Result
from segmenter.steps.segment import NO_RECENCY
from segmenter.texts import Lang

NUMBERS = (
    "customers",
    "customer_share",
    "amount",
    "amount_share",
    "orders",
    "average_order_value",
    "median_recency_days",
    "median_frequency",
    "median_monetary",
)


def localised(result: Result, lang: Lang) -> DataFrame:
    """`result.segments` with the names in `lang`."""
    segments = result.segments.pandas
    if lang == result.lang:
        return segments
    names = wording.segment_names(result.rules, lang)
    return segments.assign(name=segments["segment"].map(names).fillna(segments["name"]))


def plain(row: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """A row of the segments as plain numbers, None where there is none, and the mean amount `per_head`; "<5" or "not
    shown" for the customers of a group whose figures are withheld."""
    numbers: dict[str, Any] = {key: None if formats.is_missing(float(row[key])) else float(row[key]) for key in NUMBERS}
    customers, amount = numbers["customers"], numbers["amount"]
    per_head = amount / customers if customers and amount is not None else None
    if row.get("small"):
        numbers["customers"] = masking.said(str(row["small"]), lang)
    return {"key": str(row["segment"]), "name": str(row["name"]), **numbers, "per_head": per_head}


def table(segments: DataFrame, lang: Lang) -> list[dict[str, Any]]:
    """One entry a segment, the figures of `plain`; `bar_*` is a share against the largest of its column (0..1)."""
    found = [plain(row, lang) for row in segments.to_dict("records")]
    for column in ("customer_share", "amount_share"):
        largest = max((row[column] or 0 for row in found), default=0) or 1
        for row in found:
            row[f"bar_{column}"] = max(row[column] or 0, 0) / largest
    return found


def not_shown(segments: DataFrame) -> list[str]:
    """Names of the segments whose figures are withheld."""
    return segments.loc[segments["small"] != "", "name"].tolist() if "small" in segments else []


def total(result: Result, segments: DataFrame, lang: Lang) -> dict[str, Any]:
    """The same figures over all customers; nothing where they are so few that no segment has any."""
    customers = result.customers.pandas
    orders, amount = float(customers["frequency"].sum()), float(customers["monetary"].sum())
    if len(customers) and segments["customers"].fillna(0).sum() == 0:
        nothing = dict.fromkeys(NUMBERS, float("nan"))
        return plain(
            {"segment": "", "name": "", **nothing, "small": masking.FEW if len(customers) < masking.FLOOR else ""}, lang
        )
    # segments hidden or another owner's are no part of the sum: then everybody here is the whole
    shares = {key: round(float(segments[key].sum()), 12) or 1.0 for key in ("customer_share", "amount_share")}
    if segments["customers"].isna().any():
        shares = dict.fromkeys(shares, 1.0)
    medians = {f"median_{key}": customers[key].median() for key in ("recency_days", "frequency", "monetary")}
    row = {
        "segment": "",
        "name": "",
        "customers": len(customers),
        "customer_share": shares["customer_share"] if len(customers) else None,
    }
    row |= {"amount": amount, "amount_share": shares["amount_share"] if amount else None, "orders": orders}
    row |= {"average_order_value": amount / orders if orders else None, **medians}
    return plain({key: float("nan") if value is None else value for key, value in row.items()}, lang)


def _say(group: str, lang: Lang, key: str, **params: Any) -> str:
    return texts.say(f"report.{group}{key}", lang, **params)


def facts(result: Result, lang: Lang, data: str) -> list[dict[str, str]]:
    """What the analysis is about, as it was set: label and text; `data` is the `fingerprint`."""
    rules = result.rules
    say = partial(_say, "", lang)
    window = formats.MISSING
    if result.as_of and result.window_start:
        first = (pd.Timestamp(result.window_start) + pd.Timedelta(days=1)).date()
        window = say(
            "fact.window_text",
            start=formats.day(first, lang),
            end=formats.day(result.as_of, lang),
            months=rules.window_months,
        )
    joint = say("and")
    entries = [
        (settings.name_of("as_of", lang), formats.day(result.as_of, lang)),
        (say("fact.window"), window),
        (settings.name_of("scenario", lang), texts.say(f"word.{rules.scenario}", lang)),
        (settings.name_of("objective", lang), texts.say(f"word.{rules.objective}", lang)),
        (say("fact.scope"), _scope(result, lang)),
    ]
    if rules.scoring != "fixed":
        entries.append((settings.name_of("scoring", lang), texts.say(f"word.{rules.scoring}", lang)))
    if rules.data_sources:
        entries.append(
            (
                settings.name_of("data_sources", lang),
                joint.join(texts.say(f"word.{one}", lang) for one in rules.data_sources),
            )
        )
    team = [(key, getattr(rules, key)) for key in ("team_data", "team_dimensions", "team_model", "team_report")]
    if any(who for _, who in team):
        said = [say("fact.role", role=say(f"fact.{key}"), who=who) for key, who in team if who]
        entries.append((say("fact.team"), say("semicolon").join(said)))
    entries.append((settings.name_of("outlier_mode", lang), texts.say(f"word.{rules.outlier_mode}", lang)))
    entries.append((say("fact.versions"), say("fact.versions_text", rules=rules.version, data=data)))
    return [{"label": label, "text": formats.first_upper(text)} for label, text in entries]


def _scope(result: Result, lang: Lang) -> str:
    rules, parts = result.rules, []
    if rules.scope_active_months:
        parts.append(texts.say("report.fact.scope_active", lang, months=rules.scope_active_months))
    if rules.scope_regions:
        parts.append(texts.say("report.and", lang).join(rules.scope_regions))
    for key in ("scope_registered_from", "scope_registered_to", "data_from", "data_to"):
        if value := getattr(rules, key):
            parts.append(f"{settings.name_of(key, lang)} {value.isoformat()}")
    return texts.say("report.semicolon", lang).join(parts) or texts.say("report.fact.scope_all", lang)


def fingerprint(result: Result) -> str:
    """Eight digits that change when any customer's figures or segment do: the data version."""
    keys = ("customer_id", "recency_days", "frequency", "monetary", "segment")
    columns = (result.customers[key].tolist() for key in keys)
    rows = "\n".join("\t".join(map(str, row)) for row in zip(*columns, strict=True))
    return hashlib.sha256(rows.encode()).hexdigest()[:8]


def kpis(result: Result, segments: DataFrame, lang: Lang, *, strict: bool = False) -> list[dict[str, Any]]:
    """The five numbers: label, value, kind (count | money | percent), note. A withheld value is None or "<5"."""
    whole = total(result, segments, lang)
    best, risk = _row(segments, "high_value"), _row(segments, "at_risk")
    first = [row for row in (best, risk) if row is not None]
    others = segments[segments["segment"] != NO_RECENCY].sort_values("amount", ascending=False, kind="stable")
    for row in others.to_dict("records"):  # rules of one's own may lack the two; the largest stand in
        if len(first) < 2 and all(row["segment"] != one["segment"] for one in first):
            first.append(row)
    say = partial(_say, "kpi.", lang)
    found: list[dict[str, Any]] = [
        {
            "label": say("customers"),
            "value": whole["customers"],
            "kind": "count",
            "note": say("customers_note", rows=formats.count(result.rows_in), out=formats.count(result.rows_excluded)),
        },
        {
            "label": say("amount", months=result.rules.window_months),
            "value": whole["amount"],
            "kind": "money",
            "note": say(
                "amount_note", orders=formats.count(whole["orders"]), aov=formats.money(whole["average_order_value"])
            ),
        },
    ]
    for row in first:
        known = not formats.is_missing(float(row["customers"]))
        note = say(
            "share_note",
            customers=formats.count(row["customers"]),
            share=formats.percent(float(row["customer_share"])),
            amount=formats.money_short(float(row["amount"]), lang),
        )
        found.append(
            {
                "label": say("share", name=row["name"]),
                "value": float(row["amount_share"]) if known else None,
                "kind": "percent",
                "note": note if known else say("protected" if row["small"] == masking.PROTECTS else "withheld"),
            }
        )
    top = charts.top_share(result.customers.pandas)
    few = strict and round(len(result.customers) * 0.2) < masking.FLOOR
    top_value = None if few or formats.is_missing(top) else top
    found.append({"label": say("top"), "value": top_value, "kind": "percent", "note": say("top_note")})
    return found


def _row(segments: DataFrame, key: str) -> dict[str, Any] | None:
    hits = segments[segments["segment"] == key].to_dict("records")
    return {str(k): v for k, v in hits[0].items()} if hits else None


def actions(result: Result, segments: DataFrame, rows: Sequence[Mapping[str, Any]], lang: Lang) -> list[dict[str, Any]]:
    """Up to three things to do, from the figures: keep the segment that brings most among those who bought lately,
    win back the one that brought most among those who did not, raise the next among the former."""
    known = segments[(segments["customers"] > 0) & (segments["segment"] != NO_RECENCY)]
    customers = result.customers.pandas
    recent = (customers["r_label"] != "low").groupby(customers["segment"].astype(str)).mean()
    lately = known["segment"].map(recent).fillna(0) >= 0.5
    paying = known["amount"] > 0
    picked: list[tuple[str, dict[str, Any]]] = []
    for kind, pool, by in (
        ("keep", known[lately & paying], "amount"),
        ("recall", known[~lately & paying], "amount"),
        ("grow", known[lately & paying], "amount"),
    ):
        pool = pool[~pool["segment"].isin([row["segment"] for _, row in picked])]
        if len(pool):
            picked.append((kind, {str(k): v for k, v in pool.loc[pool[by].idxmax()].items()}))
    whole = total(result, segments, lang)
    by_key = {row["key"]: row for row in rows}
    found = []
    for kind, row in picked:
        price = row["average_order_value"]
        price = whole["average_order_value"] or 0.0 if formats.is_missing(float(price)) else float(price)
        tenth = max(round(row["customers"] / 10), 1)
        why = texts.say(
            f"report.action.{kind}_why",
            lang,
            count=formats.count(row["customers"]),
            customers=formats.percent(float(row["customer_share"])),
            share=formats.percent(float(row["amount_share"])),
            amount=formats.money_short(float(row["amount"]), lang),
            tenth=formats.count(tenth),
            gain=formats.money_short(tenth * price, lang),
            mean=formats.money(float(row["amount"]) / row["customers"]),
            back=formats.money_short(float(row["amount"]) / row["customers"] * tenth, lang),
        )
        plan = by_key.get(row["segment"], {})
        found.append(
            {
                "kind": kind,
                "key": row["segment"],
                "title": texts.say(f"report.action.{kind}", lang, name=row["name"]),
                "why": why,
                **{key: plan.get(key, "") for key in ("action", "owner", "target", "period", "progress", "light")},
            }
        )
    return found


def quality(result: Result, lang: Lang, *, strict: bool = False) -> dict[str, Any]:
    """Rows in, used and left out by reason; what was found, by kind, the dearest and most frequent first."""
    groups: dict[str, dict[str, Any]] = {}
    for one in result.findings:
        kind = formats.first_upper(one.kind(lang))
        group = groups.setdefault(
            kind,
            {
                "kind": kind,
                "count": 0,
                "share": None,
                "sheet": one.sheet,
                "cell": one.cell,
                "example": "" if strict else one.message(lang),
            },
        )
        group["count"] += int(one.params.get("count", 1))
        if one.amount_share is not None:
            group["share"] = (group["share"] or 0.0) + float(one.amount_share)
    reasons = [
        {
            "kind": formats.first_upper(texts.say(f"kind.{code}", lang)),
            "count": count,
            "share": count / max(result.rows_in, 1),
        }
        for code, count in sorted(result.excluded.items(), key=lambda item: (-item[1], item[0]))
    ]
    customers = result.customers.pandas
    outliers = customers["outlier"].astype(bool)
    everything = float(customers["total_amount"].fillna(0).sum()) if "total_amount" in customers else 0.0
    few = strict and 0 < int(outliers.sum()) < masking.FLOOR
    found = sorted(groups.values(), key=lambda group: (-(group["share"] or 0), -group["count"], group["kind"]))
    told = {formats.first_upper(one.kind(lang)) for one in result.findings if one.code.startswith("outlier_")}
    total: int | str = len(result.findings)
    if few and told:  # a place for each of these customers, and the total less the others would count them too
        others = sum(formats.first_upper(one.kind(lang)) not in told for one in result.findings)
        total = f"≥{others + 1:,}"
        for group in found:
            group["count"] = masking.FEW if group["kind"] in told else group["count"]
    touched = float(customers.loc[outliers, "total_amount"].fillna(0).sum()) / everything if everything else None
    return {
        "rows_in": result.rows_in,
        "rows_used": result.rows_used,
        "rows_excluded": result.rows_excluded,
        "reasons": reasons,
        "findings": found,
        "findings_total": total,
        "outliers": masking.FEW if few else int(outliers.sum()),
        "outliers_share": None if few else touched,
        "outlier_mode": texts.say(f"word.{result.rules.outlier_mode}", lang),
        "sheet": schema.CLEANING.sheet[result.lang],
    }


def cards(result: Result, segments: DataFrame, rows: Sequence[Mapping[str, Any]], lang: Lang) -> list[dict[str, Any]]:
    """One card a segment that has customers: figures, definition, profile, and its row of table 3."""
    who = profile.profiles(result.customers.pandas, lang, crossing.unsaid(result), masking.held(result))
    by_key = {row["key"]: row for row in rows}
    known = {segment.key: segment for segment in result.rules.segments}
    found = []
    for row in segments[segments["customers"] != 0].to_dict("records"):
        key = str(row["segment"])
        card = plain({str(k): v for k, v in row.items()}, lang)
        card["definition"] = profile.definition(known[key], result.rules, lang) if key in known else []
        card["profile"] = who.get(key, [])
        card["plan"] = dict(by_key[key]) if key in by_key else None
        found.append(card)
    return found
