"""Scores to segments: ordered rules, the first that matches wins, the last takes the rest (rulings C5, C7, C10)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter.rules import Match, Rules

NO_RECENCY: Final = "no_recency"
"""the group of customers whose last order is unknown: they get no code and no guess (ruling C1)"""


def assign(customers: DataFrame, rules: Rules) -> DataFrame:
    """Adds `segment`: the key of the first segment a customer matches.

    `customers`: code ("" unknown), without_orders (bool: nothing on record ever), and the columns conditions name.
    """
    segment = np.full(len(customers), NO_RECENCY, dtype=object)
    open_ = np.ones(len(customers), dtype=bool)
    for one in rules.segments:
        for match in one.match:
            hit = open_ & _matches(customers, match)
            segment[hit] = one.key
            open_ &= ~hit
    return customers.assign(segment=pd.array(segment, dtype=object))


def _matches(customers: DataFrame, match: Match) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    codes = customers["code"].to_numpy(object)
    if match.code == "new":
        hit = customers["without_orders"].to_numpy(bool)
    else:
        fitting = {
            f"{n:03b}" for n in range(8) if all(p in ("?", d) for p, d in zip(match.code, f"{n:03b}", strict=True))
        }
        hit = np.isin(codes.astype(str), sorted(fitting))
    if match.column:
        if match.column not in customers:
            return np.zeros(len(customers), dtype=bool)
        hit = hit & (customers[match.column].astype(str) == match.value).to_numpy(bool)
    return np.asarray(hit, dtype=bool)
