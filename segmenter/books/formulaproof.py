"""The part of the proof about formulas in rows that are no customer's: each reads the cells it read, wherever these
stand now, and what was added below them where it read down to the last row; nothing else, and nothing less.

A formula is taken apart into its references and all the rest, which stays. Whether a reference is right is asked of
where the rows went that were meant, not of a shift.

And about results: that of a plain sum may be what it comes to in the file, and no other; and gone is what was to be.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

from segmenter.books import calc, refs, sums
from segmenter.books.filling import Meant
from segmenter.books.refs import Area
from segmenter.books.region import ListObject, Region
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet

_OPAQUE: Final = (
    r"('(?:[^']|'')*'|(?:\[[^\[\]]*\])?[^\s\[\]'\"!(),;+\-*/^&=<>{}]+)!"
    r"((?:\$?[A-Za-z]{0,3}\$?[0-9]*)(?::\$?[A-Za-z]{0,3}\$?[0-9]*)?(?![\w!])|)"
    r"|\"(?:[^\"]|\"\")*\"|\[(?:'.|[^\[\]']|\[(?:'.|[^\[\]'])*\])*\]"
)
"""the cells of a sheet that is named; texts, columns of tables"""
_CELLS: Final = (
    r"(?<![\w.$\0\\?])(?:\$?[A-Za-z]{1,3}\$?[1-9][0-9]{0,6}(?::\$?[A-Za-z]{1,3}\$?[1-9][0-9]{0,6})?"
    r"|\$?[1-9][0-9]{0,6}:\$?[1-9][0-9]{0,6})(?![\w(!.\\?])"
)
_DIGITS: Final = "[0-9]+"
_RESULT: Final = rb"<(?:[^\s<>/:]+:)?v>"
"""how a result begins that was written anew"""


class Formula(NamedTuple):
    """A formula on a sheet, taken apart."""

    rest: tuple[str, ...]
    """what stands between the references to cells of the sheet itself, and these without their rows"""
    reads: tuple[str, ...]
    """these references"""


def taken_apart(text: str, sheet: str) -> Formula:
    """A formula (without "=") of a cell on `sheet`."""

    def hide(found: re.Match[str]) -> str:
        name = (found[1] or "").removeprefix("'").removesuffix("'").replace("''", "'")
        own = found[2] if name.casefold() == sheet.casefold() else ""
        return (" " if own else "\0") * (len(found[0]) - len(own)) + own

    found = [*re.finditer(_CELLS, re.sub(_OPAQUE, hide, text))]
    ends = [0, *(end for one in found for end in one.span()), len(text)]
    between = [text[start:end] for start, end in [*pairwise(ends)][::2]]
    return Formula((*between, *(re.sub(_DIGITS, "", one[0]) for one in found)), tuple(one[0] for one in found))


class Followed:
    """Where the rows of a list went, for the formulas that follow them."""

    def __init__(self, plan: Meant, region: Region, sheet: str) -> None:
        self._plan = plan
        self._region = region
        self._sheet = sheet
        self._last = plan.first + max(len(plan.slots), 1) - 1

    @cached_property
    def _left(self) -> list[int]:
        """The rows of the list that are left, in order."""
        return sorted(slot.source for slot in self._plan.slots if slot.source is not None)

    @cached_property
    def _went(self) -> dict[int, int]:
        """Where they stand, and where those do that go along below."""
        numbered = enumerate(self._plan.slots, self._plan.first)
        along = enumerate(self._region.below, self._last + 1)
        return {slot.source: number for number, slot in numbered if slot.source is not None} | {
            old: number for number, old in along
        }

    def same(self, before: str, row: int, after: str) -> bool:
        """Whether a formula that stood in `row` still reads what it read."""
        old, new = taken_apart(before, self._sheet), taken_apart(after, self._sheet)
        return old.rest == new.rest and all(map(self._reads, old.reads, new.reads, [row] * len(old.reads)))

    def _reads(self, before: str, after: str, row: int) -> bool:
        was, now, region = refs.area(before), refs.area(after), self._region
        if was.right < region.left or was.left > region.right:
            return was == now
        if now.top > now.bottom or now.top != self._next(was.top):
            return False
        bottom = self._before(was.bottom)
        own = was.bottom == region.last == row
        if ":" in before and was.top <= region.last <= was.bottom and not own and not self._is_one_row(was):
            bottom = max(bottom, self._last)
        return now.bottom == bottom

    def _is_one_row(self, was: Area) -> bool:
        """Whether a range is about one of several rows, not about a list of which one row is left."""
        return was.top == was.bottom and was.left != was.right and self._region.first != self._region.last

    def _below(self, row: int) -> int:
        """Where a row stands that is none of the list."""
        by = self._last - self._region.last if self._region.pushes and row > self._region.last else 0
        return self._went.get(row, min(row + by, max(row, refs.MAX_ROWS - 1)))

    def _next(self, row: int) -> int:
        """Where the first row stands from `row` on that is left."""
        if not self._region.first <= row <= self._region.last:
            return self._below(row)
        place = bisect_left(self._left, row)
        return self._went[self._left[place]] if place < len(self._left) else self._region.first + place

    def _before(self, row: int) -> int:
        """Where the last row stands up to `row` that is left."""
        if not self._region.first <= row <= self._region.last:
            return self._below(row)
        place = bisect_right(self._left, row)
        return self._went[self._left[place - 1]] if place else self._region.first - 1


def recalculated(
    now: Sheet, listed: Collection[ListObject], changed: Collection[Cell] | None, *, drop: bool
) -> Callable[[Cell], bool]:
    """See `Sheet.recalculated`. `changed`: the cells of which the result was written otherwise, None when nobody knows;
    `drop`: whether old results were to be taken out."""
    places = None if changed is None else {cell.where for cell in changed}
    known = sums.Sums(now)
    arrays = [area for cell in now.formulas() if (area := calc.filled(cell)) != calc.place(cell)] if drop else []

    def may(cell: Cell) -> bool:
        if places is not None and cell.where not in places:
            return False
        if not sums.has_result(cell):
            return drop and (cell.formula is not None or any(one.meets(calc.place(cell)) for one in arrays))
        asked = sums.plain(now, cell, listed)
        value = known.result(asked) if asked else None
        is_one = [len(re.findall(one, cell.inner)) for one in (sums.VALUE, _RESULT)] == [1, 1]
        return value is not None and is_one and sums.holds(now, cell, value)

    return may


def left(now: Sheet, renewed: Iterable[Cell], dropped: Iterable[Cell]) -> str:
    """The first formula cell that was to get another result, or to lose it, and did not."""
    for cell, wanted in [*((one, True) for one in renewed), *((one, False) for one in dropped)]:
        row = now.rows.get(cell.row)
        held = row.cells.get(cell.column) if row else None
        if held is None or sums.has_result(held) is not wanted or not now.recalculated(held):
            return cell.where
    return ""
