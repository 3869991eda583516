"""Whole columns of a frame on their way into cells: each of one part, or of several behind each other.

    <c r="P17 | " s="45" t="inlineStr"><is><t> | 12 orders | , more than most | </t></is></c>
              | before                         | part      | part             | after

What many rows have, and what is short, is encoded beforehand; the rest when its rows are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, pairwise
from types import NoneType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import frames
from segmenter.books import cells, encoders
from segmenter.books.encoders import Bytes, Encode, Encoder, Lengths, listed, matrix
from segmenter.phrases import Phrases

FEW: Final = 1 << 11
"""rows up to which every value is encoded beforehand: they are asked for one by one, and more than once"""
_SAMPLE: Final = 1 << 13
_MANY: Final = 1 << 14
"""values encoded at once"""
_SHORT: Final = 24
"""characters up to which all texts of a column are encoded beforehand"""
_WIDEST: Final = 2048
"""bytes of a cell beyond which padding the others costs more than it saves"""


class Words:
    """Cells, or what is in them, that are encoded beforehand: short ones, and what many rows have."""

    def __init__(self, codes: NDArray[Any], values: Sequence[Any] | NDArray[np.float64], encode: Encoder) -> None:
        self.codes = codes
        self.values = values
        self.encode = encode

    def _encoded(self) -> Iterator[Sequence[bytes] | Bytes]:
        """The encoded values, some thousands at once; a last one that is nothing by itself, for it is not plain."""
        count = len(self.values)
        filled = count if self.values[-1] else count - 1
        cuts = sorted({*range(0, filled, _MANY), filled, count})
        return (self.encode(self.values[low:high]) for low, high in pairwise(cuts))

    @cached_property
    def matrix(self) -> Bytes:
        """The encoded values as a matrix padded with zeros."""
        some = [*map(matrix, self._encoded())]
        found = np.zeros((len(self.values), max(one.shape[1] for one in some)), np.uint8)
        low = 0
        for one in some:
            found[low : low + len(one), : one.shape[1]] = one
            low += len(one)
        return found

    @cached_property
    def tails(self) -> list[bytes]:
        """The encoded values one by one."""
        return [*chain.from_iterable(map(listed, self._encoded()))]

    @cached_property
    def _lengths(self) -> Lengths:
        return np.asarray(np.count_nonzero(self.matrix, axis=1), dtype=np.int64)

    def encoded(self, low: int, high: int) -> tuple[Bytes, Lengths]:
        """What rows `low`..`high - 1` have, as a matrix padded with zeros, and how many bytes of each that are."""
        codes = self.codes[low:high]
        return self.matrix.take(codes, 0), self._lengths.take(codes)

    def said(self, low: int, high: int) -> list[bytes]:
        """What rows `low`..`high - 1` have, one by one."""
        return [*map(self.tails.__getitem__, self.codes[low:high].tolist())]


class Each(NamedTuple):
    """Cells, or what is in them, that are encoded when their rows are."""

    values: Sequence[Any] | NDArray[np.float64]
    encode: Encoder

    def encoded(self, low: int, high: int) -> tuple[Bytes, Lengths]:
        """See `Words.encoded`."""
        found = matrix(self.encode(self.values[low:high]))
        return found, np.count_nonzero(found, axis=1)

    def said(self, low: int, high: int) -> list[bytes]:
        """See `Words.said`."""
        return listed(self.encode(self.values[low:high]))


class Column(NamedTuple):
    """One column of cells: what follows the row number."""

    number: int
    parts: tuple[Words | Each, ...]
    before: bytes = b""
    """what every cell has in front of its parts; nothing when the first part has it"""
    after: bytes = b""
    """what it has behind them, then"""
    kept: bool = False
    """whether its cells are what stood there before, and nothing that was encoded"""

    def encoded(self, low: int, high: int) -> list[tuple[Bytes, Lengths]]:
        """What the parts are in rows `low`..`high - 1`."""
        return [part.encoded(low, high) for part in self.parts]

    def first_quoted(self) -> int | None:
        """The first row with a text that a program could take for a formula."""
        part = self.parts[0]
        if self.before or isinstance(part.values, np.ndarray):
            return None
        quoted = [n for n, one in enumerate(part.values) if type(one) is str and cells.needs_quote(one)]
        rows = np.flatnonzero(np.isin(part.codes, quoted)) if quoted and isinstance(part, Words) else quoted
        return int(rows[0]) if len(rows) else None


def column(number: int, values: NDArray[Any] | Phrases, encode: Encode) -> Column | None:
    """A column of a frame; None when it has to be written cell by cell: values of several kinds, very long texts."""
    if isinstance(values, Phrases):
        return _phrases(number, values, encode)
    found = _of_one_kind(values)
    if found is None:
        return None
    each, text = found
    if not _repeats(each):
        return _column(number, each, encode, text=text)
    codes, distinct = frames.distinct(values)
    return _words(number, codes, distinct.tolist(), encode, text=text)


def kept(number: int, height: int, empty: bytes, own: Mapping[int, bytes]) -> Column | None:
    """A column of somebody else, cells as they are written: `own` by row, `empty` in all others; None when one is very
    long."""
    if max(map(len, own.values()), default=0) > _WIDEST:
        return None
    tails = [*dict.fromkeys(own.values()), empty]
    places = {tail: place for place, tail in enumerate(tails[:-1])}
    codes = np.full(height, len(places), dtype=np.int32)
    for row, tail in own.items():
        codes[row] = places[tail]
    return Column(number, (Words(codes, tails, lambda raws: raws),), kept=True)


def _of_one_kind(values: NDArray[Any]) -> tuple[list[Any] | NDArray[np.float64], bool] | None:
    """Values that are all texts or all numbers, missing ones aside, and whether they are texts; None for others."""
    if values.dtype.kind == "f":
        return values, False
    if values.dtype.kind not in "iO":
        return None
    each = values.tolist()
    kinds = {*map(type, each)} - {NoneType}
    if kinds == {float}:
        return np.array(each, dtype=np.float64), False
    if kinds == {str, float}:
        each = [None if value != value else value for value in each]
        kinds = {*map(type, each)} - {NoneType}
    return (each, str in kinds) if kinds in ({str}, {int}, set()) else None


def _repeats(values: list[Any] | NDArray[np.float64]) -> bool:
    """Whether few values stand in many rows, none of them a -0.0, which counts as equal to 0.0."""
    some = values[:_SAMPLE]
    if isinstance(some, list):
        return len({*some}) < len(some) / 2
    known = some[some == some]
    return len({*known.tolist()}) < len(some) / 2 and not np.signbit(values[values == 0]).any()


def _words(number: int, codes: NDArray[Any], distinct: list[Any], encode: Encode, *, text: bool) -> Column | None:
    """A column of values told by their places among the `distinct` ones; -1: missing."""
    if (codes < 0).any():
        codes = np.where(codes < 0, np.int32(len(distinct)), codes.astype(np.int32))
        distinct = [*distinct, None]
    return _column(number, distinct, encode, codes, text=text)


def _column(
    number: int, values: Any, encode: Encode, codes: NDArray[Any] | None = None, *, text: bool
) -> Column | None:
    """A column of texts or numbers, or (with `codes`) their places among `values`. When none is missing or needs more
    than markup, what is the same in all its cells is by itself."""
    longest = max(map(len, filter(None, values)), default=0) if text else 0
    if longest > _WIDEST:
        return None
    if text:
        plain = all(encoders.are_plain(values[low : low + _MANY]) for low in range(0, len(values), _MANY))
        encoder = encoders.plain if plain else encoders.texts(encode)
    else:
        plain = isinstance(values, np.ndarray) and not np.isnan(values).any()
        encoder = encoders.digits if plain else encoders.numbers(encode)
    if codes is None and (len(values) <= FEW or (plain and longest <= _SHORT)):
        codes = np.arange(len(values))
    part = Each(values, encoder) if codes is None else Words(codes, values, encoder)
    return Column(number, (part,), *(encoders.around(encode, "a" if text else 7) if plain else ()))


def _phrases(number: int, values: Phrases, encode: Encode) -> Column | None:
    """Texts put together from words, which are encoded one by one where they can."""
    words = [each.tolist() for each in values.words]
    if len(words) == 1:
        return _column(number, words[0], encode, values.codes[0], text=True)
    longest = sum(max(map(len, each)) for each in words)
    if longest > _WIDEST or not encoders.are_plain_together(words):
        return column(number, np.asarray(values), encode)
    parts = tuple(Words(codes, each, encoders.plain) for codes, each in zip(values.codes, words, strict=True))
    return Column(number, parts, *encoders.around(encode, "a"))
