"""Customer value from orders: expected purchases, probability of being active, amounts; or why nothing is said.

The models are those of `lifetime`; here is whether these orders may be put through them, and the sheets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from importlib.util import find_spec
from typing import Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter import schema, texts
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.rules import months_before
from segmenter.steps import lifetime
from segmenter.steps.lifetime import Purchases, Spending
from segmenter.texts import Lang

MIN_CUSTOMERS: Final = 100
MIN_REPEATERS: Final = 50
"""fewer customers, or fewer who came back, and the parameters are guesses"""
MIN_WEEKS: Final = 26.0
"""a shorter history cannot be split into one part to learn from and one to check against"""
HOLDOUT: Final = 1 / 3
"""share of the history the fit check keeps back"""
OFF_BY: Final = 0.3
"""the purchases predicted for the part kept back may miss those made by this share"""
TIED: Final = 0.3
"""Gamma-Gamma takes money and frequency for independent: a stronger rank correlation than this says they are not"""
NO_DROPOUT: Final = 0.01
"""where fewer customers drop out after a purchase, everybody counts as active and the probability says nothing"""
SHOWN: Final = 7
"""observed and expected numbers of repeat purchases are compared for 0 .. 6, and 7 or more"""


@dataclass(frozen=True)
class Value:
    """What the models say of each customer, and whether they may."""

    customers: DataFrame
    """index = customer key; purchases (days with an order), expected_purchases (in the horizon), p_active (0..1, NaN
    where nothing was bought again, or where hardly anybody drops out), order_value and value (NaN when money is in
    doubt); without rows when the model does not fit"""
    checks: DataFrame
    """what the models say against what was: check ("repeat_0" .. "repeat_7", "holdout"), observed, expected"""
    purchases: Purchases | None
    spending: Spending | None
    findings: tuple[Finding, ...]
    """why nothing, or nothing of money or of activity, is said"""


def estimate(orders: DataFrame, as_of: date, months: int) -> Value:
    """The value of each customer of `orders` (as for `lifetime.history`) in the `months` after `as_of`.

    The models fit when there are customers, repeaters and weeks enough, when the likelihood has a maximum, and when
    a model of the first two thirds of the history foretells the purchases of the last third within OFF_BY. Needs the
    extra `value`: Refused("need_extra").
    """
    if find_spec("scipy") is None:
        raise Refused("need_extra", extra="value")
    found = lifetime.history(orders, as_of)
    size: dict[str, float] = {
        "customers": len(found),
        "repeaters": int((found["x"] > 0).sum()),
        "weeks": float(found["T"].max()) if len(found) else 0.0,
    }
    if size["customers"] < MIN_CUSTOMERS or size["repeaters"] < MIN_REPEATERS or size["weeks"] < MIN_WEEKS:
        least = {"least": MIN_CUSTOMERS, "least_repeaters": MIN_REPEATERS, "least_weeks": MIN_WEEKS}
        return _silent(Finding("value_few", params={**size, **least}))
    purchases = lifetime.fit_purchases(found)
    check = _foretold(orders, as_of, size["weeks"])
    if purchases is None or check is None:
        return _silent(Finding("value_no_maximum"))
    checks = pd.concat([_repeats(purchases, found), check], ignore_index=True)
    made, foretold = float(check["observed"].iloc[0]), float(check["expected"].iloc[0])
    if not abs(foretold - made) <= OFF_BY * made:  # also what is no number
        params = {"made": made, "foretold": foretold, "off": OFF_BY}
        return replace(_silent(Finding("value_unfit", params=params)), checks=checks)
    findings = []
    x, t_x, t = (found[name].to_numpy(float) for name in ("x", "t_x", "T"))
    weeks = (months_before(as_of, -months) - as_of).days / 7
    active = np.where(x > 0, purchases.active(x, t_x, t), np.nan)
    dropout = purchases.a / (purchases.a + purchases.b)
    if dropout < NO_DROPOUT:
        findings.append(Finding("value_no_dropout", params={"dropout": dropout}))
        active = np.full(len(x), np.nan)
    expected = purchases.expected(weeks, x, t_x, t)
    again = found[found["x"] > 0]
    tied = float(again["x"].rank().corr(again["mean"].rank()))
    spending = lifetime.fit_spending(found) if abs(tied) <= TIED else None
    each = np.full(len(x), np.nan)
    if spending is None:
        findings.append(Finding("value_money", params={"tied": tied, "most": TIED}))
    else:
        each = spending.expected(x, found["mean"].to_numpy(float))
    customers = DataFrame(
        {
            "purchases": x + 1,
            "expected_purchases": expected.round(4),
            "p_active": active.round(4),
            "order_value": each.round(2),
            "value": (expected * each).round(2),
        },
        index=found.index,
    )
    return Value(customers, checks, purchases, spending, tuple(findings))


def _silent(why: Finding) -> Value:
    return Value(DataFrame(), DataFrame(), None, None, (why,))


def _repeats(model: Purchases, found: DataFrame) -> DataFrame:
    """How many customers came back 0, 1, 2 ... times, and how many the model expects."""
    observed = np.bincount(np.minimum(found["x"].to_numpy(int), SHOWN), minlength=SHOWN + 1)
    expected = model.chances(SHOWN, found["T"].to_numpy(float)).sum(axis=0)
    names = [f"repeat_{n}" for n in range(SHOWN + 1)]
    return DataFrame({"check": names, "observed": observed, "expected": [*expected, len(found) - expected.sum()]})


def _foretold(orders: DataFrame, as_of: date, weeks: float) -> DataFrame | None:
    """The purchases made in the last part of the history by those known before it, and what a model of the part
    before it foretold; None when that model has no maximum."""
    cut = as_of - timedelta(days=round(weeks * 7 * HOLDOUT))
    before, whole = lifetime.history(orders, cut), lifetime.history(orders, as_of)
    model = lifetime.fit_purchases(before) if (before["x"] > 0).any() else None
    if model is None:
        return None
    made = float((whole["x"].reindex(before.index) - before["x"]).sum())
    x, t_x, t = (before[name].to_numpy(float) for name in ("x", "t_x", "T"))
    foretold = float(model.expected((as_of - cut).days / 7, x, t_x, t).sum())
    return DataFrame({"check": ["holdout"], "observed": [made], "expected": [foretold]})


def tables(
    customers: DataFrame, found: Value, months: int, segments: Mapping[str, str], lang: Lang
) -> dict[str, DataFrame]:
    """The sheets, by table key, columns as in the schema. `customers`: key, customer_id, segment; `segments`: names by
    key. Where the model does not fit there is the check alone, or nothing."""
    if found.checks.empty:
        return {}
    checked = {"value_checks": _checks(found, lang)}
    if found.customers.empty:
        return checked
    rows = customers[["key", "customer_id", "segment"]].join(found.customers, on="key", how="inner")
    rows = rows.assign(months=months)
    grouped = rows.groupby("segment")
    whole = DataFrame(
        {
            "customers": grouped.size(),
            "months": months,
            "expected_purchases": grouped["expected_purchases"].sum(),
            "p_active": grouped["p_active"].mean(),
            "value": grouped["value"].sum(min_count=1),
        }
    ).reindex([key for key in segments if key in grouped.groups])
    whole["value_share"] = whole["value"] / whole["value"].sum()
    whole["value_per_head"] = whole["value"] / whole["customers"]
    columns = [field.key for field in schema.table("value").fields]
    named = rows.assign(segment=rows["segment"].map(segments))[columns]
    summed = whole.rename_axis("segment").reset_index()
    return {"value": named, "value_segments": summed.assign(segment=summed["segment"].map(segments)), **checked}


def _checks(found: Value, lang: Lang) -> DataFrame:
    """What was compared, then the parameters."""
    rows: list[tuple[str, float | None, float, str]] = []
    for name, observed, expected in found.checks.itertuples(index=False):
        key, _, times = name.partition("_")
        said = "repeat_last" if times == str(SHOWN) else key
        note = texts.say("value.holdout_note", lang, off=OFF_BY) if key == "holdout" else ""
        rows.append((texts.say(f"value.{said}", lang, times=times), float(observed), round(expected, 1), note))
    for key, model in (("purchases", found.purchases), ("spending", found.spending)):
        for name, number in asdict(model).items() if model else ():
            said = texts.say("value.parameter", lang, model=texts.say(f"value.{key}", lang), name=name)
            rows.append((said, None, round(number, 4), texts.say(f"value.{key}_note", lang)))
    return DataFrame(rows, columns=["name", "observed", "expected", "note"])
