"""The part of the proof that goes through the rows of a sheet of ours: each one that stands there is one that was
meant, looks as it has to, and has the neighbours it had.

A row is what another was before, with our cells written anew; or a further one, made like the first; or, above the
table, below it and beside it, what it was. Formulas are copied with the rows of customers; in other rows they follow
what they read (`formulaproof`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from segmenter.books import cells, rowxml
from segmenter.books.cellproof import alike, copied, said, same_besides, shares_anew, spelt
from segmenter.books.filling import UNLIKE, Meant, addressed, calculating
from segmenter.books.formulaproof import Followed
from segmenter.books.region import InFile, Region
from segmenter.books.results import without_result
from segmenter.books.rowxml import FORMULA, Cell, Row
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.cells import address

_EMPTY: Final = Row(0, b"", b"", b"", lambda *_: {})
"""a row nobody has written"""


class _Want(NamedTuple):
    """What a row has to be. Of a list in rows 2 to 4 of which the customer in row 3 is gone and two come:

    row   source             ours
    2     row 2              the columns that are written     a customer who stays
    3     row 4              the same                         one whose row moved up
    4, 5  None: like row 2   the same                         further ones
    6     row 6              none                             something of somebody else below
    """

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
    followed: Followed | None = None
    """what the formulas follow of a row that is no customer's"""
    needed: bool = True
    """whether it has to be there even when it has no cells"""
    asked: Collection[int] = ()
    """the columns that `longsheet` asks about, not this"""


def wrong(was: Sheet, now: Sheet, plans: Sequence[Meant], styles: Styles) -> str:
    """The first row or cell that is not what was meant, "" when all are; what values our cells have does not matter.

    `styles`: those of the workbook after.
    """
    if place := _between(now) or _unspelt(was, now):
        return place
    rows = _Rows(was, now, styles)
    wants: dict[int, _Want] = {}
    for plan in plans:
        for number, want in _block(was, plan) if plan.region is None else _list(was, plan, plan.region):
            wants[number] = want._replace(ours={*want.ours, *wants[number].ours}) if number in wants else want
    for number in sorted({*was.rows, *now.rows, *wants}):
        if place := rows.differs(number, wants[number]) if number in wants else rows.changed(number):
            return place
    return ""


def _between(now: Sheet) -> str:
    """The first row in front of which, or behind the last, anything but blanks stands that is no row."""
    where = now.start
    if sum(len(row.raw) for row in now.rows.values()) == now.end - where:
        return ""
    for row in now.rows.values():
        start = now.data.index(row.raw, where)
        if now.data[where:start].strip():
            return str(row.number + 1)
        where = start + len(row.raw)
    return "<sheetData>" if now.data[where : now.end].strip() else ""


def _unspelt(was: Sheet, now: Sheet) -> str:
    """The first cell with a formula that another one spelt out, and none does any more."""
    if not now.shares:
        return ""
    for row in now.rows.values():
        for cell in row.cells.values():
            name = now.shares_of(cell)
            if name is not None and now.shared.get(name) != was.shared.get(name):
                return cell.where
    return ""


def _block(was: Sheet, plan: Meant) -> Iterator[tuple[int, _Want]]:
    ours = {plan.columns[key] for key in plan.written}
    for number in range(plan.first, plan.first + plan.table.rows):
        source = was.rows.get(number)
        kept = source or _EMPTY
        yield number, _Want(kept, kept.attributes, range(0), ours, was.column_styles, {}, needed=source is not None)


def _list(was: Sheet, plan: Meant, region: Region) -> Iterator[tuple[int, _Want]]:
    """The rows of a list: those of its slots, those that go along below, and those it no longer has."""
    ours = {plan.columns[key] for key in plan.written}
    emptied = {plan.columns[key] for key in plan.emptied}
    anew = ours if plan.frame is not None else {*plan.columns.values()}
    first = was.rows.get(plan.first)
    standing = first.cells if first else {}
    like = {**was.column_styles, **{column: cell.style for column, cell in standing.items()}}
    others = {column: cell for column, cell in standing.items() if cell.formula and column not in ours}
    formulas = {column: cell for column, cell in others.items() if region.calculates(InFile(was), column)}
    is_blank = all(cell.blank for column, cell in standing.items() if column in region.columns)
    if region.listed and (is_blank or any(slot.whole and slot.source == plan.first for slot in plan.slots)):
        # no customer shows there how the table calculates its columns: it remembers that itself
        said = {column: text for column, text in region.listed.formulas.items() if column not in ours}
        formulas = {column: _calculated(plan.first, column, like.get(column, 0), said[column]) for column in said}
    attributes = UNLIKE.sub(b"", first.attributes) if first else b""
    followed = Followed(plan, region, was.name)
    for number, slot in enumerate(plan.slots, plan.first):
        if slot.source is None:
            taken = formulas if region.listed and slot.place is not None else {}
            theirs = {*region.columns} - ours if plan.whole else ()
            yield number, _Want(None, attributes, region.columns, anew, like, taken, asked=theirs)
        else:
            columns = () if slot.stays else ours if slot.place is not None else emptied
            source = was.rows.get(slot.source, _EMPTY)
            follows = followed if slot.whole else None
            yield number, _Want(source, source.attributes, region.columns, columns, like, {}, follows)
    below = plan.first + len(plan.slots)
    for number, old in enumerate(region.below, below):
        source = was.rows.get(old, _EMPTY)
        yield number, _Want(source, source.attributes, region.columns, (), {}, {}, followed, needed=old in was.rows)
    for number in range(below + region.along, region.last + region.along + 1):
        left = was.rows.get(number, _EMPTY)
        kept = left if left.blank and number <= region.last else None
        yield number, _Want(kept, left.attributes, region.columns, (), {}, {}, needed=False)
    for number in calculating(was, region, below - 1):
        source = was.rows[number]
        yield number, _Want(source, source.attributes, region.columns, (), {}, {}, followed)


def _calculated(row: int, column: int, style: int, text: str) -> Cell:
    """A cell that calculates what a table says of its column."""
    return Cell(row, column, style, b"n", f"<f>{cells.escape_formula(text)}</f>".encode(), b"")


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
        if old is None or new is None:
            return str(number + 1)
        if new.raw in (old.raw, addressed(self._was, old)) or self._spelt_out(old, new):
            return ""
        return str(number + 1)

    def _spelt_out(self, old: Row, new: Row) -> bool:
        """Whether a row only spells out formulas itself that it shared, and has results that are other ones now."""
        if said(old.attributes) != said(new.attributes):
            return False
        if rowxml.rest(old, self._was.prefix) != rowxml.rest(new, self._now.prefix) or [*old.cells] != [*new.cells]:
            return False
        pairs = zip(old.cells.values(), new.cells.values(), strict=True)
        return all(
            one.raw == cell.raw
            or (
                alike(self._was, one, self._now, cell)
                and (self._was.shares_of(one) is not None or self._now.recalculated(cell))
            )
            for one, cell in pairs
        )

    def differs(self, number: int, want: _Want) -> str:
        """The first cell of a row that is not as it has to be, or the row's number."""
        row, beside = self._now.rows.get(number), self._was.rows.get(number)
        if row is None:
            there = beside is not None and any(column not in want.inside for column in beside.cells)
            return str(number + 1) if want.needed or there else ""
        if beside is not None and row.raw == beside.raw and want.source is beside and not want.followed:
            return ""
        if said(row.attributes) != said(want.attributes):
            return str(number + 1)
        source = want.source
        if (rest := rowxml.rest(row, self._now.prefix)) and (
            not source or rest != rowxml.rest(source, self._was.prefix)
        ):
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
            if column in want.asked:
                continue
            if column in want.ours:
                good = self._ours(cell, source.get(column), want, column)
            elif want.source is None and column in want.inside:
                good = self._further(cell, row.number, column, want)
            else:
                came = column in want.inside
                old, followed = (source if came else outside).get(column), want.followed if came else None
                good = cell is None if old is None else cell is not None and self._alike(old, cell, followed)
            if not good:
                return address(row.number, column)
        return ""

    def _ours(self, cell: Cell | None, old: Cell | None, want: _Want, column: int) -> bool:
        """Whether a cell of ours is there when it has to be, and in the style of the one that was, or of the first
        row."""
        style = old.style if old else want.like.get(column, 0)
        if cell is None:
            return self._styles.alike(style, 0) or (old is None and want.source is not None)
        if cell.blank and old is None and want.source is not None:
            return False
        return self._styled(cell, style)

    def _styled(self, cell: Cell, style: int) -> bool:
        """Whether a cell has a style, or what a value asks for instead."""
        return cell.style == style or self._styles.alike(cell.style, style)

    def _further(self, cell: Cell | None, number: int, column: int, want: _Want) -> bool:
        """Whether a cell in a further row that is not ours is empty, or has the formula of the first row."""
        if (like := want.formulas.get(column)) is not None:
            if cell is None or cell.style != like.style:
                return False
            result = FORMULA.sub(b"", cell.inner)
            good = not result or (not without_result(result) and self._now.recalculated(cell))
            return good and copied(self._was, like, self._now, cell)
        style = want.like.get(column, 0)
        return self._styles.alike(style, 0) if cell is None else cell.blank and self._styled(cell, style)

    def _alike(self, old: Cell, cell: Cell, followed: Followed | None) -> bool:
        """Whether a cell of somebody else is what it was, its formula as seen from where it stands, or `followed`."""
        if followed is None or old.formula is None or cell.formula is None:
            return alike(self._was, old, self._now, cell)
        (before, kind), (after, is_now) = spelt(self._was, old), spelt(self._now, cell)
        same = same_besides(old, self._now, cell) and kind == is_now and not shares_anew(old, self._now, cell)
        return same and followed.same(before, old.row, after)
