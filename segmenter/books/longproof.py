"""The proof of a long sheet: what was written is read again, some thousand rows at once, and is what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter.books import bulk
from segmenter.books.scan import Scan
from segmenter.cells import address, letter


def check(pieces: Iterable[bytes], made: bulk.Part, name: str) -> str:
    """The first thing that is wrong with a part that was written as `made`, "" when nothing is.

    `pieces`: the part as it stands in the file. Around the rows every byte has to be so; in the rows every cell has
    to give back the value it was made from, read by a way that knows nothing of how it was written.
    """
    rows, stream = made.rows, iter(pieces)
    end_tag = f"</{rows.prefix}row>".encode()
    buffer = b""
    while len(buffer) < len(made.head) and (piece := next(stream, b"")):
        buffer += piece
    if not buffer.startswith(made.head):
        return "bytes"
    buffer = buffer[len(made.head) :]
    again = _Again(rows, name)
    for piece in chain((b"",), stream):
        buffer += piece
        if (end := buffer.rfind(end_tag)) >= 0:
            end += len(end_tag)
            if wrong := again.wrong(buffer[:end]):
                return wrong
            buffer = buffer[end:]
    if buffer != made.tail:
        return "bytes"
    return "" if again.done == rows.count else f"{again.done} < {rows.count}"


class _Again:
    """Reads rows and compares them with those that were to be written, in their order."""

    def __init__(self, rows: bulk.Rows, name: str) -> None:
        self.done = 0
        self._rows = rows
        self._number = re.compile(rb'<%srow r="([0-9]+)"' % rows.prefix.encode())
        self._columns = {one.number: _Wanted(one) for one in rows.columns}
        self._scan = Scan(rows.prefix, name, ("",), lambda _: False, False)

    def wrong(self, piece: bytes) -> str:
        """The first cell of some whole rows that does not hold what was meant."""
        first = self._rows.first + self.done
        numbers = list(map(int, self._number.findall(piece)))
        low, high = self.done, self.done + len(numbers)
        if numbers != list(range(first + 1, first + 1 + len(numbers))) or high > self._rows.count:
            return address(first, 0)
        self._scan.feed(piece)
        self.done = high
        if self._scan.rows != high:
            return address(first, 0)
        if self._scan.formulas or self._scan.errors or self._scan.uncached:
            return address(min(row for row, _ in (*self._scan.errors, *self._scan.uncached, (first, 0))), 0)
        read = {number: _joined(parts, first, high - low) for number, parts in self._scan.drain()}
        for number in read.keys() | self._columns.keys():
            wanted = self._columns[number].values(low, high) if number in self._columns else [None] * (high - low)
            found = read.get(number, [None] * (high - low))
            if found != wanted:
                row = next(n for n, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
                return f"{letter(number)}{first + row + 1}"
        return ""


def _joined(parts: Iterable[tuple[NDArray[np.int64], NDArray[Any]]], first: int, height: int) -> list[Any]:
    """The values of one column of rows `first`..`first + height - 1`."""
    found = np.full(height, None, dtype=object)
    for rows, values in parts:
        found[rows - first] = values
        if values.dtype != object:
            found[(rows - first)[np.isnan(values)]] = None
    joined: list[Any] = found.tolist()
    return joined


class _Wanted:
    """The values of one column that were to be written."""

    def __init__(self, column: bulk.Column) -> None:
        self._plain = [*_as_read(column.values)] if column.codes is not None else column.values
        self._distinct = None if column.codes is None else np.array(self._plain, dtype=object)
        self._codes = column.codes

    def values(self, low: int, high: int) -> list[Any]:
        if self._distinct is None or self._codes is None:
            return [*_as_read(self._plain[low:high])]
        found: list[Any] = self._distinct[self._codes[low:high]].tolist()
        return found


def _as_read(values: Iterable[Any]) -> Iterator[Any]:
    """Values as a sheet gives them back: nothing for an empty text or a NaN, whole numbers equal to floats."""
    return (None if value is None or value == "" or value != value else value for value in values)
