"""Scores to segments: ordered rules, the first that matches wins, the last takes the rest (rulings C5, C7, C10)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter import frames
from segmenter.frames import Frame
from segmenter.matching import Match
from segmenter.reading.amounts import plain_number
from segmenter.rules import NO_RECENCY, Rules

__all__ = ["NO_RECENCY", "assign", "members"]


def assign(customers: Frame, rules: Rules) -> Frame:
    """Adds `segment`: the key of the first segment a customer matches.

    `customers`: code ("" unknown), without_orders (bool: nothing on record ever), and the columns conditions name.
    """
    scores = frames.distinct(customers["code"])
    place = np.full(len(customers), -1, dtype=np.int16)
    for number, one in enumerate(rules.segments):
        for match in one.match:
            place[(place < 0) & _matches(customers, scores, match)] = number
    keys = np.array([*(one.key for one in rules.segments), NO_RECENCY], dtype=object)
    return customers.assign(segment=keys[place])


def members(customers: Frame) -> dict[str, NDArray[np.intp]]:
    """Segment key -> positions of its customers, in their order; only segments that have any."""
    codes, keys = frames.distinct(customers["segment"])
    return {key: np.flatnonzero(codes == place) for place, key in enumerate(keys.tolist())}


def _matches(customers: Frame, scores: tuple[NDArray[np.intp], Any], match: Match) -> NDArray[np.bool_]:
    """`scores`: the codes of the customers, factorized."""
    if match.code == "new":
        hit = customers["without_orders"]
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


def _holds(column: NDArray[Any], value: str) -> NDArray[np.bool_]:
    """Which customers have `value` in a column: as a number or a day where the column holds such."""
    if column.dtype == object:
        hit = column == value
    elif column.dtype.kind == "M":
        hit = (np.datetime_as_string(column, "D") == value) & ~np.isnat(column)
    else:
        hit = column == plain_number(value)
    return np.asarray(hit, dtype=bool)
