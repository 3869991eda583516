"""A million rows laid down column by column: the same bytes `lists` would write, without an object for each cell.

Cells are made as matrices of bytes, a stretch of rows at a time, padded with zeros to the widest of their column, and
laid down from left to right at the places that follow from how long they are. What a padded one covers of its right
neighbours is written after it; the start of a row, which is equally long everywhere, comes last of all:

    </row><row r="17" ht="18"> | <c r="A17 | " s="45" t="inlineStr"><is><t>1001</t></is></c>..... | ...
    4th                        | 1st       | 2nd                                                  | 3rd

A few rows are made one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from segmenter.books import columns
from segmenter.books.columns import Column
from segmenter.books.encoders import Bytes, Lengths
from segmenter.cells import letter

MARK: Final = b"<!--rows-->"
"""stands in a sheet's XML for rows that are made when they are written"""
_STRETCH: Final = 1 << 11
"""rows made at once: what is made of one column stays in the processor's cache"""


class Part:
    """A worksheet part too long to stand in memory: what is before its rows, the rows, what is behind them."""

    def __init__(self, head: bytes, rows: Rows, tail: bytes) -> None:
        self.head = head
        self.rows = rows
        self.tail = tail

    def __call__(self) -> Iterator[bytes]:
        yield self.head
        yield from self.rows.stretches()
        yield self.tail

    def makes(self, data: bytes) -> bool:
        """Whether this is `data`, told without making all of it when it is not."""
        where = 0
        for piece in self():
            if not data.startswith(piece, where):
                return False
            where += len(piece)
        return where == len(data)


class Rows(NamedTuple):
    """The rows of a table, made in stretches each time they are asked for."""

    first: int
    """the first row, counted from 0"""
    height: int
    attributes: bytes
    """what the start tag of each row says besides its number"""
    columns: tuple[Column, ...]
    prefix: str = ""

    def stretches(self) -> Iterator[bytes]:
        """The rows as XML, some thousands at a time."""
        if self.height > columns.FEW:
            yield from (self._stretch(start, stop) for start, stop in self.ranges())
        else:
            yield self._row_by_row()

    def _row_by_row(self) -> bytes:
        """A few rows: what is the same in all of them, as often as there are rows, and the rest put into it."""
        p, numbers = self.prefix.encode(), [b"%d" % (self.first + 1 + n) for n in range(self.height)]
        form = [b'<%srow r="%%b"%s>' % (p, _literal(self.attributes))]
        pieces: list[Iterable[Any]] = [numbers]
        for one in self.columns:
            name = b'<%sc r="%s' % (p, letter(one.number).encode())
            parts = [part.said(0, self.height) for part in one.parts]
            if all(parts[0]):
                form += (name, b"%b", _literal(one.before), b"%b" * len(parts), _literal(one.after))
                pieces += [numbers, *parts]
                continue
            form.append(b"%b")  # no cell at all where there is nothing to put into it
            cells = zip(numbers, *parts, strict=True)
            pieces.append(
                [b"%b%b%b%b%b" % (name, n, one.before, b"".join(a), one.after) if a[0] else b"" for n, *a in cells]
            )
        form.append(b"</%srow>" % p)
        return b"".join(form) * self.height % tuple(chain.from_iterable(zip(*pieces, strict=True)))

    def ranges(self) -> Iterator[tuple[int, int]]:
        """First and last row (behind it) of each stretch, counted from 1; their numbers have equally many digits."""
        start, end = self.first + 1, self.first + 1 + self.height
        while start < end:
            stop = min(end, start + _STRETCH, 10 ** len(str(start)))
            yield start, stop
            start = stop

    def _stretch(self, start: int, stop: int) -> bytes:
        """Rows with equally long numbers, laid down cell by cell."""
        height, p = stop - start, self.prefix.encode()
        numbers = np.frombuffer(b"%d" * height % tuple(range(start, stop)), np.uint8).reshape(height, -1)
        end = b"</%srow>" % p
        begin = _between(end + b'<%srow r="' % p, numbers, b'"' + self.attributes + b">")
        tokens, width = [*self._tokens(start - 1 - self.first, numbers)], begin.shape[1]
        ends = np.cumsum(sum(lengths for _, lengths in tokens) + width)
        starts, total = np.concatenate([[0], ends[:-1]]), int(ends[-1])
        found = np.empty(total + width, np.uint8)
        at = starts + width
        for token, lengths in tokens:
            _lay(found, at, token, lengths, width)
            at += lengths
        _lay(found, starts, begin, ends, width)
        found[total : total + len(end)] = np.frombuffer(end, np.uint8)
        return found[len(end) : total + len(end)].tobytes()

    def _tokens(self, low: int, numbers: Bytes) -> Iterator[tuple[Bytes, Lengths]]:
        """What the cells of some rows consist of, from left to right, and how long that is in each of them; `low`: the
        first of these rows."""
        height, p = len(numbers), self.prefix.encode()
        after = b""
        for one in self.columns:
            parts = one.encoded(low, low + height)
            there = parts[0][1] > 0  # no cell at all where there is nothing to put into it
            everywhere = there.all()
            if after and not everywhere:
                yield _repeated(after, height), np.full(height, len(after))
                after = b""
            head = _between(after + b'<%sc r="%s' % (p, letter(one.number).encode()), numbers, one.before)
            yield head if everywhere else head * there[:, None], head.shape[1] * there
            yield from parts
            after = one.after
        if after:
            yield _repeated(after, height), np.full(height, len(after))


def _literal(text: bytes) -> bytes:
    """A text as it has to stand in a form."""
    return text.replace(b"%", b"%%")


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


def _between(before: bytes, numbers: Bytes, after: bytes) -> Bytes:
    """Numbers, one a row, each between the same two texts."""
    found = _repeated(before + bytes(numbers.shape[1]) + after, len(numbers))
    found[:, len(before) : len(before) + numbers.shape[1]] = numbers
    return found


def _repeated(text: bytes, height: int) -> Bytes:
    """A text in each of so many rows."""
    return np.full(height, np.void(text)).view(np.uint8).reshape(height, -1)
