"""Cell addresses: between "B7:C9" and numbers, and what becomes of them when rows go, come or move.

Rows and columns count from 0 here, as in a `Grid`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Final, NamedTuple

from segmenter.cells import address, column_of, position
from segmenter.errors import Refused

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
_SHOWN: Final = 20
"""characters of a damaged range that are told"""


class Area(NamedTuple):
    """A rectangle of cells, corners included."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        first, last = address(self.top, self.left), address(self.bottom, self.right)
        return first if first == last else f"{first}:{last}"

    def meets(self, other: Area) -> bool:
        """Whether the two share a cell."""
        return (
            self.top <= other.bottom
            and other.top <= self.bottom
            and self.left <= other.right
            and other.left <= self.right
        )

    @property
    def range(self) -> str:
        """The address always as "A1:B2"."""
        return f"{address(self.top, self.left)}:{address(self.bottom, self.right)}"


def area(text: str) -> Area:
    """A range, "B7:C9", "B7", "B:C" or "7:9" as a rectangle; ValueError for anything else."""
    first, colon, last = text.replace("$", "").partition(":")
    if colon and first.isalpha() and last.isalpha():
        return Area(0, column_of(first), MAX_ROWS - 1, column_of(last))
    if colon and first.isdigit() and last.isdigit():
        return Area(int(first) - 1, 0, int(last) - 1, MAX_COLUMNS - 1)
    (top, left), (bottom, right) = position(first), position(last if colon else first)
    return Area(min(top, bottom), min(left, right), max(top, bottom), max(left, right))


def told(text: str) -> Area:
    """A range as an attribute says it; Refused where it says none, or one that leaves the sheet."""
    try:
        found = area(text)
    except ValueError as error:
        raise damaged(text) from error
    if min(found) < 0 or found.bottom >= MAX_ROWS or found.right >= MAX_COLUMNS:
        raise damaged(text)
    return found


def damaged(text: str) -> Refused:
    """What to say of `text` where a range or a number belongs; who knows the sheet adds it: see `named`."""
    return Refused("range_damaged", value=text[:_SHOWN])


@contextmanager
def named(sheet: str) -> Iterator[None]:
    """A refusal by what does not know the sheet names it."""
    try:
        yield
    except Refused as error:
        error.sheet = error.sheet or sheet
        raise


class Shift(NamedTuple):
    """How the rows of one table changed: they were `first`..`old` and are `first`..`new` (at least one row then, which
    may be blank)."""

    first: int
    old: int
    new: int
    moved: Mapping[int, int]
    """where each surviving row went that did not stay"""
    gone: frozenset[int]
    """rows that vanished"""
    columns: tuple[int, int]
    """the first and last column that move with a row"""
    pushed: int = 0
    """by how many rows all below `old` went down, as when cells are inserted"""

    def row(self, row: int) -> int | None:
        """Where a row went, None when it vanished."""
        return None if row in self.gone else self._went(row)

    def _went(self, row: int) -> int:
        below = row + self.pushed if row > self.old else row
        return self.moved.get(row, min(below, max(row, MAX_ROWS - 1)))

    def area(self, one: Area) -> Area | None:
        """What becomes of a range that says something about its cells (a rule, a filter, a comment); None when
        nothing of it is left. It goes with its rows; one down to the last row, or past it, covers what comes below
        too, and a single row follows its customer. One of whose rows none is left stays where it is as far as there
        are rows, and none that is left stands there now: they may have been blank ones, which nobody has to fill."""
        beyond = one.bottom > self.old and self._went(one.bottom) == one.bottom
        if one.bottom < self.first or (beyond and one.top > self.old) or not self.covers(one):
            return one
        if one.top == one.bottom and self.old > self.first:
            row = self.row(one.top)
            return None if row is None else one._replace(top=row, bottom=row)
        top, bottom = self.down(one.top), self.up(one.bottom)
        is_empty = one.top <= self.old and max(top, self.first) > self.up(min(one.bottom, self.old))
        if is_empty and self.up(self.old) < max(one.top, self.first) <= self.new:
            top, bottom = one.top, max(bottom, min(one.bottom, self.new))
        kept = one._replace(top=top, bottom=bottom if one.bottom < self.old else max(bottom, self.new))
        return kept if kept.top <= kept.bottom else None

    def down(self, row: int) -> int:
        """Where a row went, or the next one that is left: rows keep their order."""
        return row - bisect_left(self._vanished, row) if self._is_listed(row) else self._went(row)

    def up(self, row: int) -> int:
        """Where a row went, or the last one before it that is left."""
        return row - bisect_right(self._vanished, row) if self._is_listed(row) else self._went(row)

    def _is_listed(self, row: int) -> bool:
        return self.first <= row <= self.old

    @property
    def _vanished(self) -> list[int]:
        return _sorted(self.gone)

    def cell(self, one: Area) -> Area | None:
        """What becomes of a cell that has a comment or a link: it goes with its row."""
        row = self.row(one.top) if self.covers(one) else one.top
        return None if row is None else one._replace(top=row, bottom=row)

    def merged(self, one: Area) -> Area:
        """What becomes of merged cells: those below the rows go with what goes along there, all others stay."""
        if one.top <= self.old or one.left < self.columns[0] or one.right > self.columns[1]:
            return one
        return one._replace(top=self._went(one.top), bottom=self._went(one.bottom))

    def covers(self, one: Area) -> bool:
        """Whether a range has cells in the columns that move with a row."""
        return self.columns[0] <= one.right and one.left <= self.columns[1]


@lru_cache(1)
def _sorted(rows: frozenset[int]) -> list[int]:
    return sorted(rows)
