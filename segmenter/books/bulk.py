"""A million rows, column by column: the same bytes `lists` would write, without an object for each cell.

Rows are built as a matrix of bytes, a stretch of rows at a time, every cell padded with zero bytes to the widest of
its column; taking the zeros out leaves the XML, which never holds any:

    <row r=" 17 " ht="18"> | <c r="A 17 " s="45" t="inlineStr"><is><t>1001</t></is></c>..... | ... | </row>
    constant digits const  | const  digits  the tail of the cell, padded                     |     | const
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import Series

from segmenter.books import cells
from segmenter.books.cells import Plain
from segmenter.cells import letter

FROM: Final = 64
"""rows from which columns are written at once"""
MARK: Final = b"<!--rows-->"
"""stands in a sheet's XML for rows that are made when they are written"""
_STRETCH: Final = 1 << 14
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
_NEEDLES: Final = (
    *("_x", "  ", _BETWEEN * 2, f" {_BETWEEN}"),
    *(_BETWEEN + start for start in (" ", "=", "+", "-", "@", "＝", "＋", "－", "＠")),
)

Bytes = NDArray[np.uint8]
Encode = Callable[[Plain], bytes]
"""a whole cell in row 1, as `lists.Writer` writes it"""


@dataclass(frozen=True)
class Column:
    """One column of cells. `values` are encoded when their rows are; with `codes` they are only the distinct ones."""

    number: int
    values: Sequence[Any]
    codes: NDArray[np.intp] | None
    encode: Callable[[Sequence[Any]], list[bytes]]

    def tails(self, low: int, high: int) -> Bytes:
        """What follows the row number in the cells of rows `low`..`high - 1`, as a matrix padded with zeros."""
        if self.codes is None:
            return _matrix(self.encode(self.values[low:high]))
        used, codes = np.unique(self.codes[low:high], return_inverse=True)
        return _matrix(self.encode([self.values[one] for one in used]))[codes]

    def first_quoted(self) -> int | None:
        """The first row with a text that a program could take for a formula."""
        for low in range(0, len(self.values), _STRETCH):
            texts = [one or "" for one in self.values[low : low + _STRETCH] if one is None or isinstance(one, str)]
            joined = _BETWEEN + _BETWEEN.join(texts)
            if any(_BETWEEN + start in joined for start in cells.FORMULA_STARTS):
                found = [low + n for n, one in enumerate(texts) if cells.needs_quote(one)]
                if found and self.codes is None:
                    return found[0]
                if found and self.codes is not None:
                    quoted = [n for n, one in enumerate(self.values) if one and cells.needs_quote(one)]
                    return int(np.flatnonzero(np.isin(self.codes, quoted))[0])
        return None


def _matrix(tails: list[bytes]) -> Bytes:
    matrix = np.array(tails, dtype=bytes)
    return matrix.view(np.uint8).reshape(len(tails), -1) if matrix.itemsize else np.zeros((len(tails), 1), np.uint8)


def column(number: int, values: Series[Any], encode: Encode) -> Column | None:
    """A column of a frame; None when it has to be written cell by cell: values of several kinds, very long texts."""
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind not in _TEXT | _NUMBERS:
        return None
    many = _texts(encode) if kind in _TEXT else _numbers(encode)
    if values.iloc[:_SAMPLE].nunique() < min(len(values), _SAMPLE) / 2 and not _has_negative_zero(values):
        codes, distinct = pd.factorize(values, use_na_sentinel=True)
        one = Column(number, [*distinct.tolist(), None], np.where(codes < 0, len(distinct), codes), many)
    else:
        plain = values.astype(object).where(values.notna(), None) if kind in _TEXT else values
        one = Column(number, plain.tolist(), None, many)
    return None if kind in _TEXT and max(map(len, filter(None, one.values)), default=0) > _WIDEST else one


def _has_negative_zero(values: Series[Any]) -> bool:
    """Whether there is a -0.0, which counts as equal to 0.0."""
    return values.dtype.kind == "f" and bool(np.signbit(values[values == 0]).any())


def _tail(raw: bytes) -> bytes:
    """What follows the row number in a cell written for row 1."""
    _, quote, rest = raw.partition(b'1"')
    return quote[1:] + rest


def _texts(encode: Encode) -> Callable[[Sequence[Any]], list[bytes]]:
    """Encodes texts: plain ones by putting them between what is the same for all."""
    before, _, after = _tail(encode("a")).partition(b">a<")
    before, after = before + b">", b"<" + after
    special = _SPECIAL.search

    def many(values: Sequence[Any]) -> list[bytes]:
        joined = _joined(values)
        if joined is not None:
            return [before + value.encode() + after for value in joined.split(_BETWEEN)]
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
    return joined.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _numbers(encode: Encode) -> Callable[[Sequence[Any]], list[bytes]]:
    """Encodes numbers in the same way."""
    before, _, after = _tail(encode(7)).partition(b">7<")
    before, after = before + b">", b"<" + after
    number = cells.number

    def many(values: Sequence[Any]) -> list[bytes]:
        return [
            _tail(encode(None)) if value is None or value != value else before + number(value).encode() + after
            for value in values
        ]

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
        start, end = self.first + 1, self.first + 1 + self.count
        while start < end:
            stop = min(end, start + _STRETCH, 10 ** len(str(start)))
            yield self._stretch(start, stop)
            start = stop

    def _stretch(self, start: int, stop: int) -> bytes:
        """Rows `start`..`stop - 1` (counted from 1), whose numbers have equally many digits."""
        height, low = stop - start, start - 1 - self.first
        digits = _digits(start, stop)
        p = self.prefix.encode()
        pieces: list[Bytes] = [_constant(b"<" + p + b'row r="'), digits, _constant(b'"' + self.attributes + b">")]
        for one in self.columns:
            tails = one.tails(low, low + height)
            head, mine = _constant(b"<" + p + b'c r="' + letter(one.number).encode()), digits
            if not tails[:, 0].all():  # no cell at all where there is no tail
                there = tails[:, :1] != 0
                head, mine = head * there, digits * there
            pieces += [head, mine, tails]
        pieces.append(_constant(b"</" + p + b"row>"))
        matrix = np.empty((height, sum(piece.shape[-1] for piece in pieces)), np.uint8)
        where = 0
        for piece in pieces:
            matrix[:, where : where + piece.shape[-1]] = piece
            where += piece.shape[-1]
        flat = matrix.ravel()
        found: Bytes = flat[flat != 0]
        return found.tobytes()


def _constant(text: bytes) -> Bytes:
    return np.frombuffer(text, np.uint8)


def _digits(start: int, stop: int) -> Bytes:
    """The numbers `start`..`stop - 1` as a matrix of their digits."""
    numbers = np.arange(start, stop)
    powers = 10 ** np.arange(len(str(start)) - 1, -1, -1)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)
