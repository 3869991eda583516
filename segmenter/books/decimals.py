"""Numbers with at most two decimals as text, many at once: what `repr` writes, by whole-number arithmetic."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST: Final = 1e13
"""up to here a number of hundredths has 15 digits at most: a float gives those back, and no shorter text does"""


def shown(values: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The numbers as rows of ASCII digits, padded with zeros to whole words of eight; and the rows this does not
    work for: further decimals, very large ones, -0.0, NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        hundredths = np.rint(values * 100)
        fits = (np.abs(values) < _MOST) & (hundredths / 100 == values) & ~((values == 0) & np.signbit(values))
    rest = np.flatnonzero(~fits)
    cents = np.where(fits, np.abs(hundredths), 0).astype(np.int64)
    whole, cents = np.divmod(cents, 100)
    width = len(str(int(whole.max(initial=0))))
    room = -(-(width + 4) // 8) * 8
    found = np.zeros((len(values), 2 * room), np.uint8)
    first = np.arange(len(values)) * 2 * room + width
    """where in all of them each number begins"""
    for place in range(width):
        power = 10 ** (width - 1 - place)
        there = (whole >= power) | (power == 1)
        found[:, 1 + place] = np.where(there, whole // power % 10 + ord("0"), 0)
        first -= there & (power > 1)
    negative = np.flatnonzero(fits & (values < 0))
    first[negative] -= 1
    found.ravel()[first[negative]] = ord("-")
    tens, ones = np.divmod(cents, 10)
    found[:, width + 1] = np.where(cents > 0, ord("."), 0)
    found[:, width + 2] = np.where(cents > 0, tens + ord("0"), 0)
    found[:, width + 3] = np.where(ones > 0, ones + ord("0"), 0)
    moved = np.ndarray((found.size - room + 1,), f"V{room}", found, 0, (1,))[first]
    return moved.view(np.uint8).reshape(len(values), room), rest
