"""The part of the proof that goes through the rows of a sheet of ours: each one that stands there is one that was
meant, looks as it has to, and has the neighbours it had.

A row is what another was before, with our cells written anew; or a further one, made like the first; or, above the
table, below it and beside it, what it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from segmenter.books import translate
from segmenter.books.filling import UNLIKE, Meant, Slot, addressed
from segmenter.books.region import Region, key_of, match
from segmenter.books.rowxml import ATTRIBUTE, Cell, Row
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.cells import address

_OUT: Final = 500_000
"""the row for which formulas are written to be compared: far enough down that few references reach above row 1"""


class _Want(NamedTuple):
    """What a row has to be."""

    source: Row | None
    """the row it was; None for a further one"""
    attributes: bytes
    inside: range
    """the columns that came with it; those beside stand where they stood"""
    ours: Collection[int]
    """the columns in which a value was written, or may have been"""
    like: Mapping[int, int]
    """the style of a cell that was not there, by column"""
    formulas: Mapping[int, Cell]
    """what a further row takes over from the first one of its Excel table"""
    totals: bool = False
    """whether it is a row of totals, whose formulas follow the rows above"""
    needed: bool = True
    """whether it has to be there even when it has no cells"""


def wrong(was: Sheet, now: Sheet, plans: Sequence[Meant], styles: Styles, *, known: bool) -> str:
    """The first row or cell that is not what was meant, "" when all are.

    `plans`: each with its slots; what the values are does not matter here. `styles`: those of the workbook after.
    `known`: whether the plans say in which columns further rows were written; if not, in any of the table's.
    """
    rows = _Rows(was, now, styles)
    wants: dict[int, _Want] = {}
    for plan in plans:
        for number, want in _block(was, plan) if plan.region is None else _list(was, plan, plan.region, known):
            wants[number] = want._replace(ours={*want.ours, *wants[number].ours}) if number in wants else want
    for number in sorted({*was.rows, *now.rows, *wants}):
        if place := rows.differs(number, wants[number]) if number in wants else rows.changed(number):
            return place
    return ""


def _block(was: Sheet, plan: Meant) -> Iterator[tuple[int, _Want]]:
    ours = {plan.columns[key] for key in plan.values}
    for number in range(plan.first, plan.first + plan.table.rows):
        source = was.rows.get(number)
        kept = source or Row(number, b"", b"", b"", lambda *_: {})
        yield number, _Want(kept, kept.attributes, range(0), ours, was.column_styles, {}, needed=source is not None)


def _list(was: Sheet, plan: Meant, region: Region, known: bool) -> Iterator[tuple[int, _Want]]:
    """The rows of a list: those of its slots, those of totals below, and those it no longer has."""
    ours = {plan.columns[key] for key in plan.values}
    computed = {plan.columns[key] for key in plan.computed}
    first = was.rows.get(plan.first)
    standing = first.cells if first else {}
    like = {**was.column_styles, **{column: cell.style for column, cell in standing.items()}}
    taken = {column: cell for column, cell in standing.items() if cell.formula and column not in ours}
    formulas = taken if region.listed else {}
    attributes = UNLIKE.sub(b"", first.attributes) if first else b""
    empty = Row(0, b"", b"", b"", lambda *_: {})
    for number, slot in enumerate(plan.slots, plan.first):
        if slot.source is None:
            taken, columns = formulas if slot.place is not None else {}, ours if known else {*plan.columns.values()}
            yield number, _Want(None, attributes, region.columns, columns, like, taken)
        else:
            source, columns = was.rows.get(slot.source, empty), ours if slot.place is not None else computed
            yield number, _Want(source, source.attributes, region.columns, columns, like, {})
    below = plan.first + len(plan.slots)
    for number, old in enumerate(region.totals, below):
        source = was.rows.get(old, empty)
        yield number, _Want(source, source.attributes, region.columns, (), {}, {}, totals=True)
    for number in range(below + len(region.totals), region.last + len(region.totals) + 1):
        left = was.rows.get(number, empty)
        kept = left if left.blank and number <= region.last else None
        yield number, _Want(kept, left.attributes, region.columns, (), {}, {}, needed=False)


class _Rows:
    """The rows of a sheet before and after."""

    def __init__(self, was: Sheet, now: Sheet, styles: Styles) -> None:
        self._was = was
        self._now = now
        self._styles = styles
        self._right: set[tuple[tuple[int, int, bool], ...]] = set()
        """further rows that were found right: the column and style of their cells, and which hold something"""

    def changed(self, number: int) -> str:
        """Whether a row that nothing was to be written to is not what it was; then its number."""
        old, new = self._was.rows.get(number), self._now.rows.get(number)
        if old is not None and new is not None and new.raw in (old.raw, addressed(self._was, old)):
            return ""
        return str(number + 1)

    def differs(self, number: int, want: _Want) -> str:
        """The first cell of a row that is not as it has to be, or the row's number."""
        row, beside = self._now.rows.get(number), self._was.rows.get(number)
        if row is None:
            there = beside is not None and any(column not in want.inside for column in beside.cells)
            return str(number + 1) if want.needed or there else ""
        if beside is not None and row.raw == beside.raw and want.source is beside:
            return ""
        if _said(row.attributes) != _said(want.attributes):
            return str(number + 1)
        if want.source is None and not (beside and beside.cells):
            shape = tuple(
                [(cell.column, cell.style, cell.column in want.ours or cell.blank) for cell in row.cells.values()]
            )
            if shape not in self._right:
                if place := self._differs(row, beside, want):
                    return place
                self._right |= {shape} if all(quiet for _, _, quiet in shape) else set()
            return ""
        return self._differs(row, beside, want)

    def _differs(self, row: Row, beside: Row | None, want: _Want) -> str:
        source = want.source.cells if want.source else {}
        outside = beside.cells if beside else {}
        further = want.like if want.source is None else {}
        for column in sorted({*row.cells, *source, *outside, *further}):
            cell = row.cells.get(column)
            if column in want.ours:
                good = self._ours(cell, source.get(column), want, column)
            elif want.source is None and column in want.inside:
                good = self._further(cell, row.number, column, want)
            else:
                old = (source if column in want.inside else outside).get(column)
                good = cell is None if old is None else cell is not None and self._alike(old, cell, want.totals)
            if not good:
                return address(row.number, column)
        return ""

    def _ours(self, cell: Cell | None, old: Cell | None, want: _Want, column: int) -> bool:
        """Whether a cell of ours is there when it has to be, and in the style of the one that was, or of the first
        row."""
        style = old.style if old else want.like.get(column, 0)
        if cell is None:
            return not style or (old is None and want.source is not None)
        if cell.blank and old is None and want.source is not None:
            return False
        return self._styled(cell, style)

    def _styled(self, cell: Cell, style: int) -> bool:
        """Whether a cell has a style, or what a value asks for instead."""
        return cell.style == style or cell.style in self._styles.variants(style)

    def _further(self, cell: Cell | None, number: int, column: int, want: _Want) -> bool:
        """Whether a cell in a further row that is not ours is empty, or has the formula of the first row."""
        if (like := want.formulas.get(column)) is not None:
            if cell is None or cell.style != like.style:
                return False
            return self._now.value_of(cell) is None and formula(self._was, like) == formula(self._now, cell)
        style = want.like.get(column, 0)
        return not style if cell is None else cell.blank and self._styled(cell, style)

    def _alike(self, old: Cell, cell: Cell, totals: bool) -> bool:
        """Whether a cell of somebody else is what it was, its formula as seen from where it stands."""
        if alike(self._was, old, self._now, cell):
            return True
        if not totals or old.formula is None or cell.formula is None or old.style != cell.style:
            return False
        return re.sub("[0-9]+", "", old.formula[1]) == re.sub("[0-9]+", "", cell.formula[1])


def alike(was: Sheet, old: Cell, now: Sheet, cell: Cell) -> bool:
    """Whether two cells are the same wherever they stand: value, style, what else their tags say, and formula."""
    if cell.style != old.style:
        return False
    if cell.raw == old.raw:
        return True
    if was.value_of(old) != now.value_of(cell) or formula(was, old) != formula(now, cell):
        return False
    return _said(old.raw.partition(b">")[0]) == _said(cell.raw.partition(b">")[0])


def formula(sheet: Sheet, cell: Cell) -> str:
    """A cell's formula as it would be written far down in its column (rows above the sheet are errors alike)."""
    attributes, text = cell.formula or ({}, "")
    origin = cell.where
    if not text and attributes.get(b"t") == b"shared":
        text, origin = sheet.shared.get(attributes.get(b"si", b""), ("", origin))
    if not text:
        return ""
    return translate.moved(text, origin, address(_OUT, cell.column))


def _said(tag: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """What the tag of a row or a cell says besides its place; `spans` is only a hint."""
    head, found, tail = tag.partition(b' r="')
    return _attributes(head + tail[tail.find(b'"') + 1 :] if found else tag)


@lru_cache(1 << 10)
def _attributes(tag: bytes) -> tuple[tuple[bytes, bytes], ...]:
    found = ((one[1], one[2] if one[2] is not None else one[3]) for one in ATTRIBUTE.finditer(tag))
    return tuple(sorted((name, value) for name, value in found if name not in (b"r", b"spans")))


def guessed(was: Sheet, now: Sheet, plan: Meant, last: int) -> Iterator[Slot]:
    """Which row each row of a list down to `last` was, without knowing what was to be written: told by the keys; one
    without a key by what else stands in it."""
    region, key = plan.region, plan.table.key_field
    if region is None:
        return
    numbers = range(plan.first, last + 1)
    standing = range(region.first, region.last + 1)
    column = plan.columns.get(key, -1)
    old, new = was.column(column, standing), now.column(column, numbers)
    moved = {place: number for number, place in match(map(key_of, old), map(key_of, new)).items()}
    loose = [number for n, number in enumerate(standing) if n not in moved.values()]
    for n, number in enumerate(numbers):
        if number not in now.rows:
            return
        if n in moved:
            yield Slot(standing[moved[n]], n)
        elif key_of(new[n]) is not None:
            yield Slot(None, n)
        elif key in plan.columns and not loose and not now.rows[number].blank:
            return
        else:
            while loose and not _could_be(was, loose[0], now, number, plan, region):
                loose.pop(0)
            yield Slot(loose.pop(0) if loose else None, n)


def _could_be(was: Sheet, old: int, now: Sheet, number: int, plan: Meant, region: Region) -> bool:
    """Whether all cells of a row that are not ours stand in another one."""
    ours = {plan.columns[key] for key in plan.values}
    before, after = was.rows.get(old), now.rows[number]
    typed = {c: cell for c, cell in (before.cells if before else {}).items() if c in region.columns and not cell.blank}
    return all(
        column in ours or (column in after.cells and alike(was, cell, now, after.cells[column]))
        for column, cell in typed.items()
    )
