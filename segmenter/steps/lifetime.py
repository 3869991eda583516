"""How often and how much customers buy, as probability models: their likelihoods and closed forms.

BG/NBD (Fader, Hardie, Lee 2005, "Counting Your Customers the Easy Way") for how often, Gamma-Gamma (Fader, Hardie
2013) for how much. Written on scipy: two likelihoods and three closed forms. Weighed beside it: `lifetimes` 0.11.3
(last release 2020, archived, cannot be imported without autograd and dill) and pymc-marketing (some thirty packages
with a compiler among them, to sample posteriors nobody here reads). scipy comes with scikit-learn anyway, and the
parameters published for the CDNOW sample come out (tests).

Time is in weeks, money in the unit of the orders. A purchase is a day with an order: orders of one day count once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

Numbers = NDArray[np.float64]
EDGE: Final = 12.0
"""logarithms of parameters are looked for between minus this and this"""
ALIKE: Final = 5.0
"""the most for a: from there on all customers drop out alike, and powers of a leave the range of numbers"""
FLAT: Final = 1e-5
"""slope of the log-likelihood, against its size, that counts as its top"""


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
    """BG/NBD by maximum likelihood on `history`; None when the search fails. At the edge of the range is a
    model too: nobody drops out, or everybody buys at one rate."""
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

    best = _maximum(
        loss, [0.0, np.log(max(float(np.average(t, weights=weights)) / 8, 0.1)), 0.0, 0.0], (EDGE, EDGE, ALIKE, EDGE)
    )
    if best is None:
        return None
    r, alpha, a, b = map(float, np.exp(best[0]))
    return Purchases(r, alpha, a, b, best[1])


def fit_spending(found: DataFrame) -> Spending | None:
    """Gamma-Gamma by maximum likelihood on the customers of `history` who came back; None as above, when the
    mean it gives is infinite (q <= 1), and when it runs off to the edge."""
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
    if best is None or best[0][1] <= 0 or np.abs(best[0]).max() > EDGE - 0.01:
        return None
    p, q, v = np.exp(best[0]).tolist()
    return Spending(p, q, v * scale, best[1] - len(x) * float(np.log(scale)))


def _maximum(
    loss: Callable[[Numbers], float], start: list[float], most: Sequence[float] = (EDGE, EDGE, EDGE)
) -> tuple[Numbers, float] | None:
    """Where `loss` is smallest, from -EDGE to `most`, and minus it; None when the search does not end well."""
    from scipy.optimize import minimize

    with np.errstate(all="ignore"):
        found = minimize(
            loss,
            np.array(start),
            method="L-BFGS-B",
            bounds=[(-EDGE, one) for one in most],
            jac="3-point",
            options={"ftol": 1e-12, "maxiter": 500},
        )
    flat = found.success or np.abs(found.jac).max() < FLAT * abs(found.fun)  # rounding may end the search first
    if not flat or not np.isfinite(found.fun):
        return None
    return found.x, -float(found.fun)
