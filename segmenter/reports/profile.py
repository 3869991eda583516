"""What sets a segment apart: how it is defined, and who is in it compared with everybody (画像)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter import masking, schema, texts, wording
from segmenter.matching import Match, Segment
from segmenter.rules import Rules
from segmenter.settings import show_match
from segmenter.texts import Lang

SMALLEST: Final = 5
"""fewer customers than this say nothing about a segment and could be recognised: such cells are not shown"""
NOTABLE: Final = 1.1
"""a smaller lift is not worth a line"""
SURE: Final = 1.64
"""standard errors a share must lie above everybody's: chance alone gets there once in twenty"""
AGES: Final = (18, 26, 36, 46)
"""lower limits of the age groups (document 003); below the first is not looked at"""


def definition(segment: Segment, rules: Rules, lang: Lang) -> list[dict[str, str]]:
    """Each way into the segment: {"pattern": "0?1", "text": "R 30天以上 · F 不限 · M ≥1000元"}."""
    return [{"pattern": show_match(match, lang), "text": _words(match, rules, lang)} for match in segment.match]


def _words(match: Match, rules: Rules, lang: Lang) -> str:
    if match.code == "new":
        return texts.say("report.card.rule_new", lang)
    if match == Match("???"):
        return texts.say("report.card.rule_rest", lang)
    parts = [
        f"{name.upper()} {_range(name, digit, rules, lang)}"
        for name, digit in zip("rfm", match.code, strict=True)
        if digit != "?"
    ]
    if match.column:
        parts.append(show_match(match, lang).split("&", 1)[1].strip())
    return " · ".join(parts)


def _range(name: str, digit: str, rules: Rules, lang: Lang) -> str:
    """The values that score `digit`, neighbouring bins as one: 30天以上 instead of 31-90天、91-180天、180天以上."""
    full = {"r": "recency", "f": "frequency", "m": "monetary"}[name]
    limits: Sequence[float] = getattr(rules, f"{full}_bins")
    labels: Sequence[str] = getattr(rules, f"{full}_labels")
    hits = [i for i, label in enumerate(labels) if (label != "low") == (digit == "1")]
    if len(hits) == len(labels):
        return texts.say("report.card.any", lang)
    runs: list[list[int]] = []
    for i in hits:
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    joint = texts.say("report.or", lang)
    return joint.join(_run(name, run[0], run[-1], limits, lang) for run in runs) or texts.say("report.card.none", lang)


def _run(name: str, first: int, last: int, limits: Sequence[float], lang: Lang) -> str:
    number, below, end = wording.number, wording.below, len(limits)
    if name == "r":
        if first == 0:
            return texts.say("bin.r_first", lang, high=number(limits[last]))
        if last == end:
            return texts.say("bin.r_last", lang, low=number(limits[first - 1]))
        return texts.say("bin.r_between", lang, low=number(limits[first - 1] + 1), high=number(limits[last]))
    if first == 0:
        return texts.say(f"bin.{name}_first", lang, low=number(limits[last]))
    high = limits[first - 1]
    if last == end:
        return texts.say(f"bin.{name}_last", lang, high=number(high), most=below(high))
    return texts.say(f"bin.{name}_between", lang, low=number(limits[last]), high=below(high))


def profiles(
    customers: DataFrame, lang: Lang, unsaid: Sequence[masking.Group] | None = None, held: Collection[str] = ()
) -> Mapping[str, list[dict[str, Any]]]:
    """Segment key -> one entry a dimension that tells something: the value that is most over-represented.

    An entry: dimension, value, count (customers of the segment who have it), share (of those whose value is known),
    everybody (the same share over all customers), lift (share / everybody). Where `unsaid` is given, nothing that
    tells how many those are, or the few of whom a value is not true; nothing of the segments `held` (`masking`).
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for name, values in dimensions(customers, lang):
        known = values.dropna()
        if known.empty:
            continue
        segment = customers.loc[known.index, "segment"].astype(str)
        owners = pd.Series(known.index, index=known.index)
        everybody = known.value_counts() / owners.nunique()
        for key, part in known.groupby(segment.to_numpy()):
            if key in held:
                continue
            counts = part.value_counts()
            people = part.index.nunique()
            rows = DataFrame({"count": counts, "share": counts / people}).assign(value=counts.index.astype(str))
            rows["everybody"] = everybody.reindex(counts.index)
            rows["lift"] = rows["share"] / rows["everybody"]
            rows = rows[rows["count"] >= SMALLEST]
            error = (rows["everybody"] * (1 - rows["everybody"]) / people) ** 0.5
            rows["sure"] = ((rows["share"] - rows["everybody"]) / error.where(error > 0)).round(9)
            rows = rows[(rows["lift"] >= NOTABLE) & (rows["sure"] >= SURE)]
            if unsaid is not None:
                rows = rows[
                    [not any(tells(value, one, customers, unsaid) for one in (part, known)) for value in rows.index]
                ]
            if rows.empty:
                continue
            best = rows.sort_values(["sure", "count", "value"], ascending=[False, False, True]).iloc[0]
            found.setdefault(str(key), []).append(
                {
                    "dimension": name,
                    "value": str(best["value"]),
                    "count": int(best["count"]),
                    "share": float(best["share"]),
                    "everybody": float(best["everybody"]),
                    "lift": float(best["lift"]),
                }
            )
    return found


def tells(value: Any, known: pd.Series, customers: DataFrame, unsaid: Sequence[masking.Group]) -> bool:
    """Whether the share of a value among those known tells a number that is not to be told (`masking.tells`)."""
    people = np.asarray(customers.index.isin(known.index[known == value]))
    return masking.tells(people, known.index.nunique(), unsaid)


def dimensions(
    customers: DataFrame, lang: Lang, keys: Sequence[str] = ("gender", "age", "region", "channel", "categories")
) -> list[tuple[str, pd.Series]]:
    """(name, a value for each customer; NaN unknown; a customer with several categories appears several times)."""
    found = []
    for key in keys:
        if key not in customers:
            continue
        field = schema.CUSTOMERS[key]
        values = customers[key]
        if key == "age":
            values = _ages(values.astype(float), lang)
        elif key == "categories":
            values = values.astype(object).where(values.astype(str) != "").str.split("、").explode()
        else:
            values = values.astype(object).where(values.astype(str) != "")
        if field.choices:
            values = values.replace({choice.key: choice.name[lang] for choice in schema.choices(field.choices)})
        name = texts.say("report.card.categories", lang) if key == "categories" else field.header[lang]
        found.append((name, values))
    return found


def _ages(ages: pd.Series, lang: Lang) -> pd.Series:
    tops = [*(str(limit - 1) for limit in AGES[1:]), ""]
    names = [
        texts.say("report.card.age" if top else "report.card.age_last", lang, low=low, high=top)
        for low, top in zip(AGES, tops, strict=True)
    ]
    return pd.cut(ages, [*AGES, float("inf")], right=False, labels=names).astype(object)
