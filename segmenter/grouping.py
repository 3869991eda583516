"""Rows that belong together: counted, summed, first and last, by the code of their group (see `frames.distinct`).

A code is the number of a group, from 0; -1 belongs to none. `size`: how many groups there are.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import frames

Codes = NDArray[np.intp]

_HUGE: Final = 2.0**960
"""amounts above may add up to more than a number holds; they are not summed exactly"""
_SMALLEST: Final = math.ulp(0.0)
_DIGITS: Final = 15
"""decimal digits that survive being written in binary"""


def alike(*columns: NDArray[Any]) -> tuple[Codes, int]:
    """Codes of rows that are the same in all `columns`, in the order in which groups are first met, and how many there
    are; nothing known (None, NaN) is a value like any other."""
    codes, size = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        more, found = frames.distinct(column)
        if size * (len(found) + 1) > np.iinfo(np.int64).max:
            codes, seen = frames.distinct(codes)
            size = len(seen)
        codes = codes * (len(found) + 1) + more + 1
        size *= len(found) + 1
    codes, seen = frames.distinct(codes)
    return codes, len(seen)


def places(wanted: NDArray[Any], among: NDArray[Any]) -> Codes:
    """Where each of `wanted` stands in `among`, of which no two are the same; -1: nowhere."""
    codes, _ = frames.distinct(np.concatenate([among, wanted]))
    found = codes[len(among) :]  # no two of `among` are the same: a code of one of them is its place
    found[found >= len(among)] = -1
    return found


def firsts(codes: Codes, size: int) -> Codes:
    """The place of the first row of each group, which has one."""
    found = np.empty(size + 1, dtype=np.intp)
    found[codes[::-1]] = np.arange(len(codes))[::-1]  # of several the last remains
    return found[:-1]


def counts(codes: Codes, size: int) -> NDArray[np.intp]:
    """How many rows each group has."""
    return np.bincount(codes + 1, minlength=size + 1)[1:]


def sums(codes: Codes, amounts: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """What the amounts of each group come to; NaN counts as nothing. Rounded once, at the end: the same whatever the
    order of the rows.

    The amounts are cut into parts of so few binary digits that no number of rows adds up to more than a number holds:
    the parts are added without an error, the largest first, until nothing is left of any amount.
    """
    bins, least = codes + 1, size + 1
    rest = np.where(np.isnan(amounts), 0.0, amounts)
    top = float(np.abs(rest).max(initial=0.0))
    if not top < _HUGE:
        return np.asarray(np.bincount(bins, rest, least)[1:], dtype=np.float64)
    digits, exponent = 52 - len(rest).bit_length(), math.frexp(top)[1]
    parts = [[0.0] * size]
    while rest.any():
        exponent -= digits
        unit = max(math.ldexp(1.0, exponent), _SMALLEST)
        part = np.rint(rest / unit) * unit
        parts.append(np.bincount(bins, part, least)[1:].tolist())
        rest = rest - part
    return np.array([*map(math.fsum, zip(*parts, strict=True))], dtype=np.float64)


def total(amounts: NDArray[np.float64]) -> float:
    """What all the amounts come to (see `sums`), without the digits that come of writing 0.1 in binary: those beyond
    the 15 that a number of this size holds."""
    together = np.zeros(len(amounts), dtype=np.intp)
    found, size = (float(sums(together, one, 1)[0]) for one in (amounts, np.abs(amounts)))
    if not size or not math.isfinite(size):
        return found
    return round(found, max(_DIGITS - 1 - math.floor(math.log10(size)), 0))


def median(numbers: NDArray[np.float64]) -> float:
    """What np.median gives of numbers that are all known, without numpy.ma, which that imports only to look whether it
    was given a masked array."""
    ordered = np.sort(numbers)
    return float(ordered[[(len(ordered) - 1) // 2, len(ordered) // 2]].mean())


def earliest(codes: Codes, days: NDArray[np.datetime64], size: int) -> NDArray[np.datetime64]:
    """The first day of each group; NaT where none is known."""
    found = np.full(size + 1, np.datetime64("NaT", "s"))
    np.fmin.at(found, codes, days)
    return found[:-1]


def latest(codes: Codes, days: NDArray[np.datetime64], size: int) -> NDArray[np.datetime64]:
    """The last day of each group; NaT where none is known."""
    found = np.full(size + 1, np.datetime64("NaT", "s"))
    np.fmax.at(found, codes, days)
    return found[:-1]
