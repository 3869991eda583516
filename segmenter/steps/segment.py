"""Scores to segments: ordered rules, the first that matches wins, the last takes the rest (rulings C5, C7, C10)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter.matching import Match
from segmenter.rules import NO_RECENCY, Rules

__all__ = ["NO_RECENCY", "assign", "members"]


def assign(customers: DataFrame, rules: Rules) -> DataFrame:
    """Adds `segment`: the key of the first segment a customer matches.

    `customers`: code ("" unknown), without_orders (bool: nothing on record ever), and the columns conditions name.
    """
    scores = pd.factorize(customers["code"].to_numpy(object))
    place = np.full(len(customers), -1, dtype=np.int16)
    for number, one in enumerate(rules.segments):
        for match in one.match:
            place[(place < 0) & _matches(customers, scores, match)] = number
    keys = np.array([*(one.key for one in rules.segments), NO_RECENCY], dtype=object)
    return customers.assign(segment=pd.Series(keys[place], index=customers.index, dtype=object, copy=False))


def members(customers: DataFrame) -> dict[str, NDArray[np.intp]]:
    """Segment key -> positions of its customers, in their order; only segments that have any."""
    codes, keys = pd.factorize(customers["segment"].to_numpy(object))
    return {key: np.flatnonzero(codes == place) for place, key in enumerate(keys.tolist())}


def _matches(customers: DataFrame, scores: tuple[NDArray[np.intp], Any], match: Match) -> NDArray[np.bool_]:
    """`scores`: the codes of the customers, factorized."""
    if match.code == "new":
        hit = customers["without_orders"].to_numpy(bool)
    else:
        codes, distinct = scores
        fits = [
            all(p in ("?", d) for p, d in zip(match.code, code, strict=True)) if code else False for code in distinct
        ]
        hit = np.array([*fits, False], dtype=bool)[codes]
    if match.column:
        if match.column not in customers:
            return np.zeros(len(customers), dtype=bool)
        hit = hit & _holds(customers[match.column], match.value)
    return np.asarray(hit, dtype=bool)


def _holds(column: pd.Series, value: str) -> NDArray[np.bool_]:
    """Which customers have `value` in a column: as a number or a day where the column holds such."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        hit = column.dt.strftime("%Y-%m-%d") == value
    elif pd.api.types.is_numeric_dtype(column.dtype):
        hit = column == pd.to_numeric(value, errors="coerce")
    else:
        hit = column.to_numpy(object) == value
    return np.asarray(hit, dtype=bool)
