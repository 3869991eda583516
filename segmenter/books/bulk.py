"""A million rows, column by column: the same bytes `lists` would write, without an object for each cell.

Cells are made as matrices of bytes, a stretch of rows at a time, padded with zeros to the widest of their column, and
laid down from left to right at the places that follow from how long they are. What a padded one covers of its right
neighbours is written after it; the start of a row, which is equally long everywhere, comes last of all:

    </row><row r="17" ht="18"> | <c r="A17 | " s="45" t="inlineStr"><is><t>1001</t></is></c>..... | ...
    4th                        | 1st       | 2nd                                                  | 3rd
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import Series

from segmenter.books import cells, decimals
from segmenter.books.cells import Plain
from segmenter.cells import letter
from segmenter.phrases import Phrases

FROM: Final = 64
"""rows from which columns are written at once"""
MARK: Final = b"<!--rows-->"
"""stands in a sheet's XML for rows that are made when they are written"""
_STRETCH: Final = 1 << 13
_SAMPLE: Final = 1 << 13
_WIDEST: Final = 2048
"""bytes of a cell beyond which padding the others costs more than it saves"""
_TEXT: Final = frozenset({"string", "empty"})
_NUMBERS: Final = frozenset({"floating", "integer", "mixed-integer-float"})
_SPECIAL: Final = re.compile(
    "^[\\s=+\\-@＝＋－＠]|\\s$|[&<>\x00-\x1f\ufffe\uffff\ud800-\udfff]|_x|  "
)  # what `cells.encode` and the writer do something about
_BETWEEN: Final = "\u2588"
"""stands between texts that are looked at together; one that holds it is looked at alone"""
_CUT: Final = _BETWEEN.encode()
_NEEDLES: Final = (
    *("_x", "  ", _BETWEEN * 2, f" {_BETWEEN}"),
    *(_BETWEEN + start for start in (" ", "=", "+", "-", "@", "＝", "＋", "－", "＠")),
)
_APART: Final = re.compile(f"_|  |\\s(?:{_BETWEEN}|$)|[\x00-\x1f\ufffe\uffff\ud800-\udfff]")
"""words that cannot be encoded without looking at those beside them"""

Bytes = NDArray[np.uint8]
Lengths = NDArray[np.int64]
Encode = Callable[[Plain], bytes]
"""a whole cell in row 1, as `writer.Writer` writes it"""
Encoder = Callable[[Any], Sequence[bytes] | Bytes]
"""what follows the row number in the cells of many values"""


@dataclass(frozen=True)
class Words:
    """Cells, or pieces of them, of which many rows have the same: each is encoded once."""

    codes: NDArray[np.intp]
    values: Sequence[Any]
    encode: Encoder

    @cached_property
    def matrix(self) -> Bytes:
        """The encoded values; the last one, which may be none, by itself."""
        return matrix([*self.encode(self.values[:-1]), *self.encode(self.values[-1:])])

    @cached_property
    def _lengths(self) -> Lengths:
        return np.asarray(np.count_nonzero(self.matrix, axis=1), dtype=np.int64)

    def tails(self, low: int, high: int) -> tuple[Bytes, Lengths]:
        """What rows `low`..`high - 1` have, as a matrix padded with zeros, and how many bytes of each that are."""
        codes = self.codes[low:high]
        return self.matrix.take(codes, 0), self._lengths.take(codes)


@dataclass(frozen=True)
class Each:
    """Cells that are encoded when their rows are."""

    values: Sequence[Any] | NDArray[np.float64]
    encode: Encoder

    def tails(self, low: int, high: int) -> tuple[Bytes, Lengths]:
        """See `Words.tails`."""
        found = matrix(self.encode(self.values[low:high]))
        return found, np.count_nonzero(found, axis=1)


@dataclass(frozen=True)
class Column:
    """One column of cells: what follows the row number, made of one part or of several behind each other."""

    number: int
    parts: tuple[Words | Each, ...]

    def tails(self, low: int, high: int) -> list[tuple[Bytes, Lengths]]:
        """What follows the row number in the cells of rows `low`..`high - 1`, and how many bytes that are."""
        return [part.tails(low, high) for part in self.parts]

    def first_quoted(self) -> int | None:
        """The first row with a text that a program could take for a formula."""
        part = self.parts[0]
        for low in range(0, len(part.values), _STRETCH):
            some = part.values[low : low + _STRETCH]
            texts = (
                [] if isinstance(some, np.ndarray) else [one or "" for one in some if one is None or type(one) is str]
            )
            joined = _BETWEEN + _BETWEEN.join(texts)
            if any(_BETWEEN + start in joined for start in cells.FORMULA_STARTS):
                found = [low + n for n, one in enumerate(texts) if cells.needs_quote(one)]
                if found and isinstance(part, Each):
                    return found[0]
                if found and isinstance(part, Words):
                    quoted = [n for n, one in enumerate(part.values) if one and cells.needs_quote(one)]
                    return int(np.flatnonzero(np.isin(part.codes, quoted))[0])
        return None


def matrix(tails: Sequence[bytes] | Bytes) -> Bytes:
    """Encoded cells as rows of bytes, padded with zeros to whole words of eight."""
    if isinstance(tails, np.ndarray):
        return tails
    words = -(-max(map(len, tails), default=0) // 8) or 1
    return np.array(tails, dtype=f"S{8 * words}").view(np.uint8).reshape(len(tails), -1)


def column(number: int, values: Series[Any], encode: Encode) -> Column | None:
    """A column of a frame; None when it has to be written cell by cell: values of several kinds, very long texts."""
    if isinstance(values.array, Phrases):
        return _phrases(number, values, encode)
    coded = isinstance(values.dtype, pd.CategoricalDtype)
    kind = pd.api.types.infer_dtype(values.cat.categories if coded else values, skipna=True)
    if kind not in _TEXT | _NUMBERS:
        return None
    many = _texts(encode) if kind in _TEXT else _numbers(encode)
    part: Words | Each
    if coded:
        part = _words(values.cat.codes.to_numpy(), values.cat.categories.tolist(), many)
    elif values.iloc[:_SAMPLE].nunique() < min(len(values), _SAMPLE) / 2 and not _has_negative_zero(values):
        codes, distinct = pd.factorize(values, use_na_sentinel=True)
        part = _words(codes, distinct.tolist(), many)
    elif kind in _TEXT:
        part = Each(values.astype(object).where(values.notna(), None).tolist(), many)
    else:
        part = Each(values.to_numpy() if values.dtype.kind == "f" else values.tolist(), many)
    if kind in _TEXT and max(map(len, filter(None, part.values)), default=0) > _WIDEST:
        return None
    return Column(number, (part,))


def _words(codes: NDArray[Any], distinct: list[Any], many: Encoder) -> Words:
    if (codes < 0).any():
        codes = np.where(codes < 0, np.int32(len(distinct)), codes.astype(np.int32))
    return Words(codes, [*distinct, None], many)


def _phrases(number: int, values: Series[Any], encode: Encode) -> Column | None:
    """Texts put together from words that can be encoded one by one; all of them beforehand otherwise."""
    found = values.array
    before, after = _around(_tail(encode("a")), b"a")
    ends = [words.tolist() for words in found.words]
    together = _BETWEEN.join(map(_BETWEEN.join, ends))
    longest = sum(max(map(len, words)) for words in ends)
    clear = together.count(_BETWEEN) == sum(map(len, ends)) - 1 and not _APART.search(together)
    if not clear or not all(ends[0]) or any(map(_SPECIAL.search, ends[0])) or longest > _WIDEST:
        return column(number, values.astype(object), encode)
    marks = [(before, b""), *((b"", b"") for _ in ends[1:-1]), (b"", after)] if len(ends) > 1 else [(before, after)]
    parts = [
        Words(codes, words, partial(_plain, *mark)) for codes, words, mark in zip(found.codes, ends, marks, strict=True)
    ]
    return Column(number, tuple(parts))


def _plain(before: bytes, after: bytes, values: Sequence[str]) -> list[bytes]:
    joined = _escaped(_BETWEEN.join(values)).encode()
    return [before + value + after for value in joined.split(_CUT)]


def _has_negative_zero(values: Series[Any]) -> bool:
    """Whether there is a -0.0, which counts as equal to 0.0."""
    return values.dtype.kind == "f" and bool(np.signbit(values[values == 0]).any())


def _tail(raw: bytes) -> bytes:
    """What follows the row number in a cell written for row 1."""
    _, quote, rest = raw.partition(b'1"')
    return quote[1:] + rest


def _around(tail: bytes, value: bytes) -> tuple[bytes, bytes]:
    """What is before and behind the value in an encoded cell."""
    before, _, after = tail.partition(b">" + value + b"<")
    return before + b">", b"<" + after


def _texts(encode: Encode) -> Encoder:
    """Encodes texts: plain ones by putting them between what is the same for all."""
    before, after = _around(_tail(encode("a")), b"a")
    special = _SPECIAL.search

    def many(values: Sequence[Any]) -> list[bytes]:
        joined = _joined(values)
        if joined is not None:
            return [before + value + after for value in joined.encode().split(_CUT)]
        return [
            before + value.encode() + after if value and not special(value) else _tail(encode(value or None))
            for value in values
        ]

    return many


def _joined(values: Sequence[Any]) -> str | None:
    """All texts as one, markup escaped; None when one may be missing or need more than that."""
    if None in values:
        return None
    joined = _BETWEEN.join(values)
    around = _BETWEEN + joined + _BETWEEN
    if not joined.isprintable() or any(needle in around for needle in _NEEDLES):
        return None
    if joined.count(_BETWEEN) != len(values) - 1:
        return None
    return _escaped(joined)


def _escaped(text: str) -> str:
    """`cells.escape` of a long text without characters XML cannot hold: many times faster."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _numbers(encode: Encode) -> Encoder:
    """Encodes numbers in the same way."""
    before, after = _around(_tail(encode(7)), b"7")
    number = cells.number

    def one(value: Any) -> bytes:
        missing = value is None or value != value
        return _tail(encode(None)) if missing else before + number(value).encode() + after

    def many(values: Sequence[Any] | NDArray[np.float64]) -> Sequence[bytes] | Bytes:
        if not isinstance(values, np.ndarray):
            return [*map(one, values)]
        shown, rest = decimals.shown(values)
        found = _aligned([_constant(before), shown, _constant(after)])
        if len(rest):
            others = matrix([one(value) for value in values[rest].tolist()])
            wider = max(found.shape[1], others.shape[1])
            found, others = (np.pad(each, ((0, 0), (0, wider - each.shape[1]))) for each in (found, others))
            found[rest] = others
        return found

    return many


@dataclass(frozen=True)
class Part:
    """A worksheet part too long to stand in memory: what is before its rows, the rows, what is behind them."""

    head: bytes
    rows: Rows
    tail: bytes

    def __call__(self) -> Iterator[bytes]:
        yield self.head
        yield from self.rows.stretches()
        yield self.tail

    def makes(self, data: bytes) -> bool:
        """Whether this is `data`, told without making all of it when it is not."""
        view, where = memoryview(data), 0
        for piece in self():
            if view[where : where + len(piece)] != piece:
                return False
            where += len(piece)
        return where == len(data)

    @property
    def around(self) -> bytes:
        """The part without the rows."""
        return self.head + self.tail


@dataclass(frozen=True)
class Rows:
    """The rows of a table, made in stretches each time they are asked for."""

    first: int
    """the first row, counted from 0"""
    count: int
    attributes: bytes
    """what the start tag of each row says besides its number"""
    columns: tuple[Column, ...]
    prefix: str = ""

    def stretches(self) -> Iterator[bytes]:
        """The rows as XML, some thousands at a time."""
        for start, stop in self.ranges():
            yield self._stretch(start, stop)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """First and last row (behind it) of each stretch, counted from 1; their numbers have equally many digits."""
        start, end = self.first + 1, self.first + 1 + self.count
        while start < end:
            stop = min(end, start + _STRETCH, 10 ** len(str(start)))
            yield start, stop
            start = stop

    def _stretch(self, start: int, stop: int) -> bytes:
        low, p = start - 1 - self.first, self.prefix.encode()
        digits = _digits(start, stop)
        end = b"</%srow>" % p
        begin = _side_by_side([_constant(end + b'<%srow r="' % p), digits, _constant(b'"' + self.attributes + b">")])
        tokens: list[tuple[Bytes, Lengths]] = []
        for one in self.columns:
            tails = one.tails(low, low + stop - start)
            head = _side_by_side([_constant(b'<%sc r="%s' % (p, letter(one.number).encode())), digits])
            there = tails[0][1] > 0  # no cell at all where there is no tail
            tokens += [(head, head.shape[1] * there), *tails]
        ends = np.cumsum(sum(lengths for _, lengths in tokens) + begin.shape[1])
        total = int(ends[-1])
        found = np.empty(total + begin.shape[1], np.uint8)
        starts = np.concatenate([[0], ends[:-1]])
        at = starts + begin.shape[1]
        for token, lengths in tokens:
            _lay(found, at, token, lengths, begin.shape[1])
            at += lengths
        _lay(found, starts, begin, ends, begin.shape[1])
        found[total : total + len(end)] = _constant(end)
        return found[len(end) : total + len(end)].tobytes()


def _lay(found: Bytes, at: Lengths, pieces: Bytes, lengths: Lengths, most: int) -> None:
    """Put the rows of `pieces` where they belong, at most `most` bytes at once: so many behind one may be covered."""
    for low in range(0, pieces.shape[1], most):
        part, where = pieces[:, low : low + most], at
        if low:
            long = np.flatnonzero(lengths > low)
            part, where = part[long], at[long] + low
        width = part.shape[1]
        places = np.ndarray((len(found) - width + 1,), f"V{width}", found, 0, (1,))
        places[where] = np.ascontiguousarray(part).view(f"V{width}").ravel()


def _side_by_side(pieces: Sequence[Bytes]) -> Bytes:
    """Matrices of equally many rows, and constants, as one."""
    height = max(len(piece) for piece in pieces if piece.ndim == 2)
    found = np.empty((height, sum(piece.shape[-1] for piece in pieces)), np.uint8)
    where = 0
    for piece in pieces:
        found[:, where : where + piece.shape[-1]] = piece
        where += piece.shape[-1]
    return found


def _aligned(pieces: Sequence[Bytes]) -> Bytes:
    """The same, the zeros of each row moved to its end."""
    loose = _side_by_side(pieces)
    there = loose != 0
    lengths = np.count_nonzero(there, axis=1)
    found = np.zeros((len(loose), -(-int(lengths.max(initial=1)) // 8) * 8), np.uint8)
    found[np.arange(found.shape[1]) < lengths[:, None]] = loose[there]
    return found


def _constant(text: bytes) -> Bytes:
    return np.frombuffer(text, np.uint8)


def _digits(start: int, stop: int) -> Bytes:
    """The numbers `start`..`stop - 1` as a matrix of their digits."""
    numbers = np.arange(start, stop)
    powers = 10 ** np.arange(len(str(start)) - 1, -1, -1)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)
