"""Customers to R, F, M: bins, labels, digits (rulings C2-C4, C9-C11: "The rule in one place")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmenter.frames import Frame
from segmenter.rules import CODES, Rules


def rising(values: NDArray[np.float64], upper: Sequence[float]) -> NDArray[np.intp]:
    """Bin positions for upper limits (R): the first whose limit is not below the value; -1 where it is NaN."""
    return np.where(np.isnan(values), -1, np.searchsorted(np.asarray(upper), values, side="left"))


def falling(values: NDArray[np.float64], lower: Sequence[float]) -> NDArray[np.intp]:
    """Bin positions for lower limits (F, M): the first whose limit the value reaches; -1 where it is NaN."""
    limits = np.asarray(lower)[::-1]
    return np.where(np.isnan(values), -1, len(limits) - np.searchsorted(limits, values, side="right"))


def score(customers: Frame, rules: Rules) -> Frame:
    """Adds r_bin, f_bin, m_bin (positions in the rules' bins, -1 unknown), r_label, f_label, m_label ("high", "mid",
    "low", "" unknown) and code ("111"; "" when R, F or M is unknown). A digit is 1 when the label is not low.

    `customers`: recency_days, frequency, monetary as float64, NaN unknown.
    """
    bins = {
        "r": rising(customers["recency_days"], rules.recency_bins),
        "f": falling(customers["frequency"], rules.frequency_bins),
        "m": falling(customers["monetary"], rules.monetary_bins),
    }
    labels = {"r": rules.recency_labels, "f": rules.frequency_labels, "m": rules.monetary_labels}
    added: dict[str, object] = {}
    number = np.zeros(len(customers), dtype=np.intp)
    known = np.ones(len(customers), dtype=bool)
    for name, found in bins.items():
        added[f"{name}_bin"] = found
        added[f"{name}_label"] = _words([*labels[name], ""], found)
        digit = np.array([label != "low" for label in labels[name]] + [False])
        number = number * 2 + digit[found]
        known &= found >= 0
    added["code"] = _words([*CODES, ""], np.where(known, number, len(CODES)))
    return customers.assign(**added)


def _words(words: Sequence[str], places: NDArray[np.intp]) -> NDArray[np.object_]:
    found: NDArray[np.object_] = np.array(words, dtype=object)[places]
    return found
