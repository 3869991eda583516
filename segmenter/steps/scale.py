"""Limits of the R, F and M bins learnt from the customers, for the two ways of scoring that have none of their own.

Quantile: five scores from one (worst fifth) to five. A value's place is the middle of the customers who share it, so
that equal values have equal scores and the order of the rows means nothing. Mean: two bins, at the mean or better is
high, as Aliyun Quick Audience and others make the eight classes; outliers do not count in a mean (ruling C13).

What is learnt takes the place of the rules' bins, and everything that reads those goes on as with fixed ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import texts, wording
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.rules import Rules
from segmenter.texts import Lang

MEASURES: Final = {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}
"""how the rules and the customers call R, F and M"""
SCORES: Final = 5


def fit(customers: Frame, rules: Rules) -> Rules:
    """The rules with the bins that `rules.scoring` makes of these customers; fixed bins stay what they are.

    `customers`: recency_days, frequency, monetary (NaN unknown), outlier (optional). Those count whose three measures
    are known; of fewer than five nothing can be learnt, and the bins stay fixed.
    """
    if rules.scoring == "fixed":
        return rules
    known = ~np.logical_or.reduce([np.isnan(customers[column]) for column in MEASURES.values()])
    if rules.scoring == "mean" and "outlier" in customers and (known & ~customers["outlier"]).any():
        known = known & ~customers["outlier"]
    if known.sum() < SCORES:
        return rules._replace(scoring="fixed")
    found = rules
    for name, column in MEASURES.items():
        found = fit_measure(customers[column][known], name, found)
    return found


def fit_measure(values: NDArray[np.float64], name: str, rules: Rules) -> Rules:
    """The same for one measure ("recency", "frequency", "monetary") alone; no value is NaN."""
    if rules.scoring == "fixed" or not len(values):
        return rules
    changed: dict[str, Any] = {f"{name}_bins": (_mean(values, name),), f"{name}_labels": ("high", "low")}
    if rules.scoring == "quantile":
        bins, scores = _quintiles(values, rising=name == "recency")
        labels = tuple(rules.quantile_labels[SCORES - score] for score in scores)
        changed = {f"{name}_bins": bins, f"{name}_labels": labels, "bin_scores": {**rules.bin_scores, name: scores}}
    return rules._replace(**changed)


def _mean(values: NDArray[np.float64], name: str) -> float:
    """The mean as a limit people can read, which parts the same customers: days and orders are whole, money has
    cents."""
    mean = float(values.mean())
    if name == "recency":
        return float(np.floor(mean + 1e-9))
    return float(np.ceil(mean - 1e-9)) if name == "frequency" else float(np.floor(mean * 100 + 1e-6)) / 100


def _quintiles(values: NDArray[np.float64], *, rising: bool) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """(limits, best bin first; score of each bin, one more). A score that nobody reaches has no limit of its own."""
    sign = -1.0 if rising else 1.0
    distinct, counts = np.unique(sign * values, return_counts=True)
    scores = -((2 * np.cumsum(counts) - counts) * SCORES // (-2 * len(values)))  # in whole numbers: no rounding
    limits: dict[float, int] = {}
    for score in range(SCORES, 1, -1):
        first = int(np.searchsorted(scores, score))
        if first < len(scores):
            limits.setdefault(float(sign * distinct[first]) + 0.0, int(scores[first]))
    return tuple(limits), (*limits.values(), 1)


def to_frame(customers: Frame, rules: Rules, lang: Lang) -> Frame:
    """The limits printed back, one row a bin: measure, score (None without scores), range, level, digit, customers,
    customer_share.

    `customers`: r_bin, f_bin, m_bin.
    """
    rows: list[tuple[object, ...]] = []
    for name in MEASURES:
        names, labels = bins(name, rules, lang), getattr(rules, f"{name}_labels")
        counts = _counts(customers, name, len(names))
        scores: Sequence[int | None] = rules.bin_scores.get(name) or (None,) * len(names)
        for i, (label, count) in enumerate(zip(labels, counts.tolist(), strict=True)):
            level = texts.say(f"word.{label}", lang)
            share = count / max(int(counts.sum()), 1)
            rows.append((name[0].upper(), scores[i], names[i], level, int(label != "low"), count, share))
    columns = ["measure", "score", "range", "level", "digit", "customers", "customer_share"]
    return Frame.of(rows, columns)


def empty(customers: Frame, rules: Rules) -> list[Finding]:
    """A finding for each measure with a bin that no customer is in, or a score that nobody can have. Fixed bins of a
    few customers are often empty and say nothing."""
    if rules.scoring == "fixed" and len(customers) < rules.segments_max * rules.segment_size_min:
        return []
    findings = []
    for name in MEASURES:
        counts = _counts(customers, name, len(getattr(rules, f"{name}_labels")))
        scores = rules.bin_scores.get(name, ())
        lost = sorted(set(range(1, SCORES + 1)) - set(scores), reverse=True) if scores else []
        said = {}
        for lang in texts.LANGS:
            names = [bin_ for bin_, count in zip(bins(name, rules, lang), counts.tolist(), strict=True) if not count]
            names += [texts.say("bin.score", lang, score=score) for score in lost]
            said[lang] = texts.say("bin.list", lang).join(names)
        if said[texts.DEFAULT]:
            findings.append(Finding("bin_empty", params={"measure": name[0].upper(), "bins": said}))
    return findings


def bins(name: str, rules: Rules, lang: str) -> list[str]:
    """The names of a measure's bins."""
    found: list[str] = getattr(wording, f"{name[0]}_bins")(rules, lang)
    return found


def _counts(customers: Frame, name: str, size: int) -> NDArray[np.intp]:
    found = customers[f"{name[0]}_bin"]
    return np.bincount(found[found >= 0], minlength=size)
