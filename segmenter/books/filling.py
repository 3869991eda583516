"""What is to be written to a table, what came of it, and what no writing may do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from segmenter.books import Grid, calc, longrows, refs
from segmenter.books.ours import Always, always
from segmenter.books.refs import Area, Shift
from segmenter.books.region import InFile, ListObject, Region, met, widened
from segmenter.books.rowxml import Row
from segmenter.books.sheetxml import Sheet
from segmenter.books.slots import Slot
from segmenter.cells import position
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.reading.headers import Header
from segmenter.schema import Table

UNLIKE: Final = re.compile(rb"\s+(?:hidden|collapsed|outlineLevel)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
"""what a new row does not take over from the first one"""


class Whole(NamedTuple):
    """The rows of a list that are made of whole columns."""

    rows: longrows.Rows
    shift: Shift
    """how the rows changed"""
    order: Sequence[int] | None = None
    """which row of the frame each of them is, where they stand in another order"""


class Filled(NamedTuple):
    """The content of `<sheetData>` after writing a list, and what became of its rows."""

    body: bytes
    """with `longrows.MARK` where the rows belong that are made of whole columns, if they are"""
    shift: Shift
    region: Region
    slots: Sequence[Slot] = ()
    """the rows one by one"""
    whole: Whole | None = None
    """the rows as they are made of whole columns, without slots"""

    def left_beside(self, sheet: Sheet, listed: Sequence[ListObject]) -> str:
        """The first cell beside the list, behind an empty column, that stays in its row while the customer of that row
        went or moved; "" when there is none. What is in another Excel table is about no customer, nor what stands with
        formulas over the list; and a formula over cells is about those it reads."""
        shift, standing = self.shift, InFile(sheet)
        others = [one.area for one in listed if one != self.region.listed]
        about_all: Collection[int] | None = None
        for number in sorted({*shift.gone, *shift.moved}):
            for column in standing.filled(number) if number <= shift.old else ():
                if column in self.region.columns or standing.reads_cells(number, column):
                    continue
                place = Area(number, column, number, column)
                if any(place.meets(one) for one in others):
                    continue
                about_all = self._about_all(sheet, listed) if about_all is None else about_all
                if column not in about_all:
                    return str(place)
        return ""

    def _about_all(self, sheet: Sheet, listed: Sequence[ListObject]) -> set[int]:
        """The columns beside the list in which formulas read several of its rows, and none in their own: a summary, and
        with it what stands right beside it."""
        region, standing, name = self.region, InFile(sheet), sheet.name.casefold()
        words = calc.Words({one.name.casefold(): calc.Reference(name, one.area) for one in listed}, {})
        beside = (cell for cell in sheet.formulas() if cell.column not in region.columns)
        found: set[int] = set()
        for one in calc.of(sheet, beside, words):
            reads = [read.area for read in one.reads if read.sheet in ("", name) and self.shift.covers(read.area)]
            own_row = one.asks_row or any(area.top == area.bottom == one.cell.row for area in reads)
            if not own_row and any(area.top < area.bottom for area in reads):
                found.add(one.cell.column)
        used = {column for row in sheet.rows for column in standing.filled(row)}.difference(region.columns)
        for step in (1, -1):
            for column in sorted(found, reverse=step < 0):
                while (column := column + step) in used:
                    found.add(column)
        return found


class Meant(NamedTuple):
    """What is to stand in the cells of one table."""

    table: Table
    columns: Mapping[str, int]
    """by field key, of the fields that have one"""
    first: int
    """the first data row"""
    frame: Frame | None
    """what was to be written; None when nobody knows"""
    slots: Sequence[Slot] = ()
    """the rows as they are to be, from `first` on"""
    region: Region | None = None
    """where the rows of a list stood; None for a block, which stays where it is"""
    whole: Whole | None = None
    """the rows of a list that was made of whole columns, without slots"""

    @property
    def written(self) -> list[str]:
        """The fields that are written; where nobody knows, those only we write."""
        if self.frame is None:
            return [key for key in self.columns if self.table.anchor or self.table[key].owner == "us"]
        return [key for key in self.frame if key in self.columns]

    @property
    def always(self) -> Always:
        """What no row of ours lacks."""
        return always(self.table, self.written, self.frame)

    @property
    def emptied(self) -> list[str]:
        """The fields whose cells are emptied in a row that stays though it is no longer one of ours."""
        table = self.table
        return [key for key in self.written if table[key].owner == "us" and key != table.key_field]


class Job(NamedTuple):
    """A frame (columns: field keys) to be written below a header of a sheet."""

    sheet: Sheet
    header: Header
    table: Table
    frame: Frame
    listed: Sequence[ListObject] = ()
    """the Excel tables of the sheet"""
    notes: frozenset[tuple[int, int]] = frozenset()
    """cells with a comment"""
    formatted: Collection[int] = ()
    """the shared strings that are more than their text, by place"""
    read: Grid | None = None
    """what was read of the sheet, where the frame brings what people type: see `lists`"""


def body_of(sheet: Sheet, rows: Mapping[int, bytes]) -> bytes:
    """The content of `<sheetData>` with some rows made new (b"" takes one away)."""
    found = {
        number: rows[number] if number in rows else addressed(sheet, sheet.rows[number])
        for number in sorted({*sheet.rows, *rows})
    }
    if sheet.shares:
        _spell_out(sheet, found)
    return b"".join(found.values())


def _spell_out(sheet: Sheet, found: dict[int, bytes]) -> None:
    """Spell out the formulas, wherever they stand, of which the cell is gone that spelt them out for others."""

    def stands(where: str) -> bool:
        row, column = position(where)
        source = sheet.rows[row]
        return found[row] in (source.raw, addressed(sheet, source)) or source.cells[column].raw in found[row]

    gone = {name for name, (_, where) in sheet.shared.items() if not stands(where)}
    for number, row in sheet.rows.items() if gone else ():
        for cell in row.cells.values():
            if sheet.shares_of(cell) not in gone:
                continue
            if found[number] == row.raw and cell.raw not in row.raw:  # none of its cells says where it stands
                found[number] = sheet.compose(row.attributes, number, {n: one.raw for n, one in row.cells.items()})
            found[number] = found[number].replace(cell.raw, sheet.moved(cell, number, unshare=True), 1)


def pushed(sheet: Sheet, region: Region, last: int, listed: Sequence[ListObject]) -> Region:
    """A list that is to end in row `last`, with all that goes along: where it grows and would meet what stands below,
    all of that does, as when cells are inserted in Excel."""
    region, standing = _with_merged(sheet, region), InFile(sheet)
    if not met(standing, region, last):
        return region
    below = region.last + region.along + 1
    region = widened(standing, region, [row for row in sheet.rows if row >= below], listed)
    rows = (row for row in sheet.rows.values() if row.number >= below)
    inside = [cell.row for row in rows for cell in row.cells.values() if cell.column in region.columns]
    return _with_merged(sheet, region._replace(along=max([below - 1, *inside]) - region.last, pushes=True))


def _with_merged(sheet: Sheet, region: Region) -> Region:
    """A list with all of the cells that are merged with some that go along."""
    along = Area(region.last + 1, region.left, region.last + region.along, region.right)
    bottoms = [one.bottom for one in sheet.merged if region.along and one.top >= along.top and one.meets(along)]
    return region._replace(along=max([along.bottom, *bottoms]) - region.last)


def calculating(sheet: Sheet, region: Region, last: int) -> list[int]:
    """The rows with formulas that stay below a list when it grows down to row `last`, or what goes along moves: those
    may read it to its end, or that."""
    if last <= region.last and not (region.along and last < region.last):
        return []
    below = max(region.last, last) + region.along + 1
    return [cell.row for cell in sheet.formulas() if cell.row >= below and cell.column in region.columns]


def refuse_growth(sheet: Sheet, region: Region, last: int, listed: Sequence[ListObject]) -> None:
    """Refuse to grow down to row `last`, with all that goes along, below the sheet or over another Excel table."""
    bottom, rows = last + region.along, f"{last + 1:,}"
    if bottom >= refs.MAX_ROWS:
        raise Refused("table_full", sheet=sheet.name, rows=rows)
    grown = Area(region.last + 1, region.left, bottom, region.right)
    for other in listed:
        if last > region.last and other != region.listed and other.area.meets(grown):
            raise Refused("table_below", sheet=sheet.name, cell=str(other.area), rows=rows)


def refuse_merged(sheet: Sheet, region: Region, last: int, columns: set[int] | None) -> None:
    """Refuse merged cells among the rows: any when rows move (`columns` is None), otherwise those written to. What is
    merged below goes along, if all of it does."""
    rows = Area(region.first, region.left, max(region.last, last), region.right)
    along = Area(region.last + 1, region.left, region.last + region.along, region.right)
    for one in sheet.merged:
        if along.top <= one.top and one.bottom <= along.bottom and one.left >= along.left and one.right <= along.right:
            continue
        among = one.meets(rows) and (columns is None or any(one.left <= column <= one.right for column in columns))
        if among or (region.along and last != region.last and one.meets(along)):
            raise Refused("table_merged", sheet=sheet.name, cell=str(one))


def addressed(sheet: Sheet, row: Row) -> bytes:
    """A row nobody changes; it gets its number if it had none, because rows before it may go."""
    if b" r=" in row.attributes or re.search(rb"\sr\s*=", row.attributes):
        return row.raw
    return sheet.compose(row.attributes, row.number, {column: cell.raw for column, cell in row.cells.items()})
