"""Customer value from orders: expected purchases, probability of being active, lifetime value.

BG/NBD (Fader, Hardie, Lee 2005, "Counting Your Customers the Easy Way") for how often, Gamma-Gamma (Fader, Hardie
2013) for how much. Written on scipy: two likelihoods and three closed forms. Weighed beside it: `lifetimes` 0.11.3
(last release 2020, archived, cannot be imported without autograd and dill) and pymc-marketing (some thirty packages
with a compiler toolchain, to sample posteriors nobody here reads). scipy comes with scikit-learn anyway, and the
parameters published for the CDNOW sample come out (tests).

Time is in weeks, money in the unit of the orders. A purchase is a day with an order: orders of one day count once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from importlib.util import find_spec
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import schema, texts
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.rules import months_before
from segmenter.texts import Lang

Numbers = NDArray[np.float64]
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
class Purchases:
    """BG/NBD: purchase rates are gamma(r, alpha) over the customers, dropping out beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    def expected(self, weeks: float, x: Numbers, t_x: Numbers, t: Numbers) -> Numbers:
        """Purchases expected of each customer in the next `weeks` (equation 10 of the paper).

        Euler's transformation keeps the hypergeometric function's arguments small, so that a thousand purchases
        overflow nothing.
        """
        from scipy.special import hyp2f1

        z = weeks / (self.alpha + t + weeks)
        kept = (1 - z) ** (self.a - 1)
        rest = kept * hyp2f1(self.a + self.b - 1 - self.r, self.a - 1, self.a + self.b + x - 1, z)
        return np.asarray((self.a + self.b + x - 1) / (self.a - 1) * (1 - rest) * self.active(x, t_x, t))

    def active(self, x: Numbers, t_x: Numbers, t: Numbers) -> Numbers:
        """Probability (0..1) that a customer still buys; by definition 1 where nothing was bought again."""
        from scipy.special import expit

        odds = np.log(self.a / (self.b + np.maximum(x, 1) - 1)) + (self.r + x) * np.log(
            (self.alpha + t) / (self.alpha + t_x)
        )
        return np.where(x > 0, expit(-odds), 1.0)

    def chances(self, most: int, t: Numbers) -> Numbers:
        """P(X(t)=x) for x = 0 .. most-1, a row a customer (equation 8)."""
        from scipy.special import betaln, gammaln

        n = np.arange(most)[None, :]
        t = t[:, None]
        spread = (
            np.exp(gammaln(self.r + n) - gammaln(self.r) - gammaln(n + 1)) * (self.alpha / (self.alpha + t)) ** self.r
        )
        pmf = spread * (t / (self.alpha + t)) ** n
        alive = np.exp(betaln(self.a, self.b + n) - betaln(self.a, self.b)) * pmf
        dead = np.exp(betaln(self.a + 1, np.maximum(self.b + n - 1, 1e-9)) - betaln(self.a, self.b))
        before = np.concatenate([np.zeros((len(t), 1)), np.cumsum(pmf, axis=1)[:, :-1]], axis=1)
        return np.asarray(alive + np.where(n > 0, dead * (1 - before), 0))


@dataclass(frozen=True)
class Spending:
    """Gamma-Gamma: the mean amount of a customer's purchases."""

    p: float
    q: float
    v: float
    log_likelihood: float

    def expected(self, x: Numbers, mean: Numbers) -> Numbers:
        """What a customer's next purchase is worth on average; everybody's mean where nothing was bought again."""
        weight = self.p * x / (self.p * x + self.q - 1)
        return (1 - weight) * self.v * self.p / (self.q - 1) + weight * np.where(x > 0, mean, 0)


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
    """The value of each customer of `orders` (as for `history`) over the `months` after `as_of`, if the models fit.

    They fit when there are customers, repeaters and weeks enough, when the likelihood has a maximum, and when a model
    of the first two thirds of the history foretells the purchases of the last third within OFF_BY. Needs the extra
    `value`: Refused("need_extra").
    """
    if find_spec("scipy") is None:
        raise Refused("need_extra", extra="value")
    found = history(orders, as_of)
    size: dict[str, float] = {
        "customers": len(found),
        "repeaters": int((found["x"] > 0).sum()),
        "weeks": float(found["T"].max()) if len(found) else 0.0,
    }
    if size["customers"] < MIN_CUSTOMERS or size["repeaters"] < MIN_REPEATERS or size["weeks"] < MIN_WEEKS:
        least = {"least": MIN_CUSTOMERS, "least_repeaters": MIN_REPEATERS, "least_weeks": MIN_WEEKS}
        return _silent(Finding("value_few", params={**size, **least}))
    purchases = fit_purchases(found)
    check = _foretold(orders, as_of, size["weeks"])
    if purchases is None or check is None:
        return _silent(Finding("value_no_maximum"))
    checks = pd.concat([_repeats(purchases, found), check], ignore_index=True)
    made, foretold = float(check["observed"].iloc[0]), float(check["expected"].iloc[0])
    if abs(foretold - made) > OFF_BY * made:
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
    spending = fit_spending(found) if abs(tied) <= TIED else None
    each = np.full(len(x), np.nan)
    if spending is None:
        findings.append(Finding("value_money", params={"tied": tied, "most": TIED}))
    else:
        each = spending.expected(x, found["mean"].to_numpy(float))
    customers = DataFrame(
        {
            "purchases": x + 1,
            "expected_purchases": expected,
            "p_active": active,
            "order_value": each,
            "value": expected * each,
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
    before, whole = history(orders, cut), history(orders, as_of)
    model = fit_purchases(before) if (before["x"] > 0).any() else None
    if model is None:
        return None
    made = float((whole["x"].reindex(before.index) - before["x"]).sum())
    x, t_x, t = (before[name].to_numpy(float) for name in ("x", "t_x", "T"))
    foretold = float(model.expected((as_of - cut).days / 7, x, t_x, t).sum())
    return DataFrame({"check": ["holdout"], "observed": [made], "expected": [foretold]})


def history(orders: DataFrame, as_of: date) -> DataFrame:
    """Each customer's purchases up to and including `as_of`: x (repeat purchases), t_x (weeks from the first to the
    last), T (weeks from the first to `as_of`), mean (amount of a repeat purchase; NaN without any). Index = key.

    `orders`: key, ordered_on, amount; amounts not above zero are no purchase.
    """
    day = pd.Timestamp(as_of)
    bought = orders[(orders["amount"] > 0) & (orders["ordered_on"] < day + pd.Timedelta(days=1))]
    days = (
        bought.assign(day=bought["ordered_on"].dt.normalize()).groupby(["key", "day"], as_index=False)["amount"].sum()
    )
    grouped = days.groupby("key")
    first, last = grouped["day"].min(), grouped["day"].max()
    x = grouped.size().astype(float) - 1
    repeat = grouped["amount"].sum() - grouped["amount"].first()  # groupby sorts the days: the first is the earliest
    return DataFrame(
        {
            "x": x,
            "t_x": (last - first).dt.days / 7.0,
            "T": (day - first).dt.days / 7.0,
            "mean": (repeat / x.where(x > 0)),
        }
    )


def fit_purchases(found: DataFrame) -> Purchases | None:
    """BG/NBD by maximum likelihood on `history`; None when no maximum is found inside the parameters' range."""
    from scipy.special import betaln, gammaln

    groups = found.groupby(["x", "t_x", "T"]).size()
    x, t_x, t = (groups.index.get_level_values(n).to_numpy(float) for n in range(3))
    weights = groups.to_numpy(float)

    def loss(logs: Numbers) -> float:
        r, alpha, a, b = np.exp(logs)
        ever = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + t)
        again = np.maximum(x, 1)
        gone = betaln(a + 1, b + again - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
        return -float(np.sum(weights * (ever + np.logaddexp(alive, np.where(x > 0, gone, -np.inf)))))

    best = _maximum(loss, [0.0, np.log(max(float(np.average(t, weights=weights)) / 8, 0.1)), 0.0, 0.0])
    if best is None:
        return None
    r, alpha, a, b = map(float, np.exp(best[0]))
    return Purchases(r, alpha, a, b, best[1])


def fit_spending(found: DataFrame) -> Spending | None:
    """Gamma-Gamma by maximum likelihood on the customers of `history` who came back; None as above, and when the
    mean it gives is infinite (q <= 1)."""
    from scipy.special import gammaln

    again = found[(found["x"] > 0) & (found["mean"] > 0)]
    x, mean = again["x"].to_numpy(float), again["mean"].to_numpy(float)
    scale = float(np.median(mean))
    relative = mean / scale

    def loss(logs: Numbers) -> float:
        p, q, v = np.exp(logs)
        parts = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
        parts += (p * x - 1) * np.log(relative) + p * x * np.log(x) - (p * x + q) * np.log(x * relative + v)
        return -float(np.sum(parts))

    best = _maximum(loss, [1.0, 1.0, 0.0])
    if best is None or np.exp(best[0][1]) <= 1:
        return None
    p, q, v = np.exp(best[0]).tolist()
    return Spending(p, q, v * scale, best[1] - len(x) * float(np.log(scale)))


def _maximum(loss: Callable[[Numbers], float], start: list[float]) -> tuple[Numbers, float] | None:
    """Where `loss` is smallest, and minus it; None when the search fails or runs off to the edge."""
    from scipy.optimize import minimize

    edge = 12.0
    with np.errstate(all="ignore"):
        found = minimize(
            loss,
            np.array(start),
            method="L-BFGS-B",
            bounds=[(-edge, edge)] * len(start),
            options={"ftol": 1e-13, "gtol": 1e-4, "maxiter": 500},
        )
    if not np.isfinite(found.fun) or np.abs(found.x).max() > edge - 0.01:
        return None
    return found.x, -float(found.fun)


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
        last = texts.say("value.or_more", lang) if times == str(SHOWN) else ""
        note = texts.say("value.holdout_note", lang, off=OFF_BY) if key == "holdout" else ""
        rows.append((texts.say(f"value.{key}", lang, times=times + last), float(observed), round(expected, 1), note))
    for key, model in (("purchases", found.purchases), ("spending", found.spending)):
        for name, number in asdict(model).items() if model else ():
            said = texts.say("value.parameter", lang, model=texts.say(f"value.{key}", lang), name=name)
            rows.append((said, None, round(number, 4), texts.say(f"value.{key}_note", lang)))
    return DataFrame(rows, columns=["name", "observed", "expected", "note"])
