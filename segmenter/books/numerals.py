"""Numbers read from the bytes of a sheet, many at once: up to eight bytes are one word, reckoned with as a whole.

    "12.5"    0 0 0 0 1 2 30 5    0 0 0 0 0 1 2 5    125 / 10

Any other number is read by itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmenter.books import rowxml

_DIGITS: Final = 8
"""digits of a number, with its point, that are looked at together"""
_SCALE: Final = np.ones(19)
"""by what a number is divided: with a point in byte n (2**8n leaves 9**n % 19), and without one"""
_SCALE[[pow(9, n, 19) for n in range(_DIGITS)]] = [10.0 ** (_DIGITS - 1 - n) for n in range(_DIGITS)]

Ints = NDArray[np.int64]


class NoValue(ValueError):
    """Bytes that are not the number, or the text, they should be: `place` among those that were looked at."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def whole(piece: bytes, low: Ints, high: Ints) -> Ints:
    """Whole numbers without sign from their digits, up to eight; -1 for anything else."""
    found, good = _value(_digits(piece, low, high - low))
    found[~good] = -1
    return found


def codes(piece: bytes, low: Ints, high: Ints, count: int) -> Ints:
    """Places among `count` shared strings, told by texts of which none is empty; NoValue where one is none of them."""
    found = whole(piece, low, high)
    for place in np.flatnonzero(found < 0).tolist():
        found[place] = min(rowxml.whole(piece[low[place] : high[place]], count), count)
    if (found >= count).any():
        raise NoValue(int(np.argmax(found >= count)))
    return found


def numbers(piece: bytes, low: Ints, high: Ints) -> NDArray[np.float64]:
    """Numbers from their text; NaN where there is none, NoValue where it is another. Up to eight digits by arithmetic,
    which is exact then: such a whole number and such a power of ten are floats, and their quotient is rounded once."""
    length = high - low
    raw = np.frombuffer(piece, np.uint8)
    negative = (raw[low] == ord("-")) & (length > 1)
    digits = _digits(piece, low + negative, length - negative)
    others = digits ^ _each(ord(".") ^ ord("0"))
    point = (others - _each(1)) & ~others & _each(128)
    point = (point & (~point + np.uint64(1))) >> np.uint64(7)  # 1 in the byte of the first one, 0 without one
    front = point - (point > 0)
    found, good = _value(digits & ~(front | point * np.uint64(255)) | (digits & front) << np.uint64(8))
    values: NDArray[np.float64] = found / _SCALE[(point % np.uint64(19)).astype(np.intp)]
    values[negative] *= -1
    good &= length - negative > (point > 0)
    values[length == 0] = np.nan
    for place in np.flatnonzero(~good & (length > 0)).tolist():
        try:
            values[place] = float(piece[low[place] : high[place]])
        except ValueError as error:
            raise NoValue(place) from error
    return values


def _digits(piece: bytes, low: Ints, length: Ints) -> NDArray[np.uint64]:
    """Texts of up to eight bytes as words of eight, the last byte the highest, zeros in front: of a digit its value, of
    a point 30. All bytes are 255 where a text is longer."""
    words: NDArray[np.uint64] = np.ndarray((len(piece) - 7,), "<u8", piece, 0, (1,))[low]
    room = (8 * (8 - np.minimum(length, 8))).astype(np.uint64)
    words ^= _each(ord("0"))
    words <<= room
    words[length > _DIGITS] = _each(255)
    return words


def _value(digits: NDArray[np.uint64]) -> tuple[Ints, NDArray[np.bool_]]:
    """The numbers eight digits make, the highest first (in the lowest byte); and whether they are digits."""
    good = (digits | (digits + _each(118))) & _each(128) == 0
    pairs = (digits * np.uint64(10 << 8 | 1)) >> np.uint64(8) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100 << 16 | 1)) >> np.uint64(16) & np.uint64(0x0000FFFF0000FFFF)
    return ((fours * np.uint64(10_000 << 32 | 1)) >> np.uint64(32)).astype(np.int64), good


def _each(byte: int) -> np.uint64:
    """Eight times the same byte."""
    return np.uint64(byte * 0x0101010101010101)
