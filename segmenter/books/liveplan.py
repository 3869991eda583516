"""What writing a frame to an open sheet will do, worked out on values; refused here or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segmenter.books import Grid, cells, livebelow
from segmenter.books.blocks import anchor
from segmenter.books.cells import Plain
from segmenter.books.livebelow import Below
from segmenter.books.livesheet import InExcel, at, list_objects
from segmenter.books.region import Region, find, met, widened
from segmenter.books.slots import Slot, key_of, planned, types_keys, without_others
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.reading.headers import locate
from segmenter.schema import Table

if TYPE_CHECKING:
    import xlwings as xw


@dataclass
class Plan:
    """What will stand where on one sheet. Rows and columns count from 0."""

    sheet: xw.Sheet
    table: Table
    region: Region
    """the data rows as they stand, without the remarks and sums at their end"""
    slots: Sequence[Slot]
    """the data rows as they will be"""
    values: Mapping[int, Sequence[Plain]]
    """column -> values of the frame"""
    keys: Mapping[int, str]
    """column -> field key"""
    old: Sequence[Sequence[Any]]
    """the rows as they stand"""
    computed: frozenset[int]
    """columns that are always ours"""
    below: Below | None = None
    """what stands below the rows; None when nothing does"""

    @property
    def first(self) -> int:
        """The first data row."""
        return self.region.first

    @property
    def span(self) -> tuple[int, int]:
        """First and last column of what belongs to a row."""
        return self.region.left, self.region.right

    @property
    def listed(self) -> bool:
        """Whether they are those of an Excel table."""
        return self.region.listed is not None

    @property
    def inside(self) -> int:
        """How many rows at the end of the Excel table go along: remarks, sums."""
        own = self.region.listed
        return max(own.last - self.region.last, 0) if own else 0

    @property
    def totals(self) -> int:
        """How many rows of totals it has."""
        return self.region.listed.totals if self.region.listed else 0

    @property
    def kept(self) -> list[Sequence[Any]]:
        """The rows that stay, as they stand."""
        return [self.old[slot.source - self.first] for slot in self.slots if slot.source is not None]

    @property
    def end(self) -> int:
        """The row below those that stand."""
        return self.first + len(self.old)

    @property
    def height(self) -> int:
        """How many rows there will be; an empty list has one."""
        return max(len(self.slots), 1)

    def inserts(self, height: int, gone: int) -> int:
        """How many rows to insert for `height` rows when `gone` went and what is below came up by as many: it goes back
        to where it was, or down as far as the list grows, where it would be met. What is right below stays so."""
        grows = height - len(self.old)
        if self.below is None:
            return 0
        if self.region.along > self.totals:
            return max(grows + gone, 0)
        meets = grows > 0 and self.below.first < self.first + height + self.totals + self.region.room
        return gone + (grows if meets else 0)

    @property
    def gone(self) -> list[int]:
        """The rows that go."""
        stay = {slot.source for slot in self.slots}
        return [row for row in range(self.first, self.end) if row not in stay]

    @property
    def deleted(self) -> list[int]:
        """The rows that are deleted: those that go, but for one, which is emptied, where none stays. An Excel table
        keeps one, and so does a formula that reads them."""
        return self.gone if self.kept else self.gone[1:]


def plan(sheet: xw.Sheet, grid: Grid, table: Table, frame: Frame) -> Plan:
    """What writing `frame` will do to a sheet; Refused when it cannot be done. Nothing is written."""
    if table.anchor:
        return _plan_block(sheet, grid, table, frame)
    found = _plan_list(sheet, grid, table, frame)
    last = max(found.end, found.first + len(found.slots)) - 1
    _refuse_merged(grid, found.first, last, *found.span)
    livebelow.refuse(found, found.height, len(found.deleted))
    _refuse_long(found)
    livebelow.refuse_stuck(found, found.deleted)
    livebelow.summed(found, found.height, found.deleted)
    return found


def standing(sheet: xw.Sheet, grid: Grid, table: Table) -> Plan:
    """Where a table is and what its rows are, as if none of them was needed."""
    frame = Frame.of((), [] if table.anchor else [table.key_field or table.fields[0].key])
    return (_plan_block if table.anchor else _plan_list)(sheet, grid, table, frame)


def _plan_list(sheet: xw.Sheet, grid: Grid, table: Table, frame: Frame) -> Plan:
    header = locate(grid, table)
    first = header.row + 1
    there = InExcel(sheet, grid)
    listed = list_objects(sheet)
    region = find(there, header, listed, table)
    if types_keys(table, frame, header):
        key = header.columns[table.key_field]
        frame, _ = without_others(frame, table, region, {row: key_of(there.value(row, key)) for row in there.under(0)})
    region, wanted, values = planned(there, header, table, region, frame)
    # an Excel table may reach below the last cell that is used
    rows = [grid.rows[row] if row < grid.height else () for row in range(first, region.last + 1)]
    old = [[at(row, column) for column in range(region.right + 1)] for row in rows]
    if met(there, region, first + len(wanted) - 1):
        region = widened(there, region, there.under(region.last + region.along + 1), listed)
    keys = {column: key for key, column in header.columns.items() if column in values}
    return Plan(
        sheet,
        table,
        region,
        wanted,
        values,
        keys,
        [[*row, *[None] * (region.right + 1 - len(row))] for row in old],
        frozenset(column for column, key in keys.items() if table[key].owner == "us"),
        livebelow.found(sheet, grid, region, listed),
    )


def _refuse_merged(grid: Grid, first: int, last: int, left: int, right: int, flat: bool = False) -> None:
    """Refuse merged cells among the rows; `flat`: those within one row may be."""
    for top, start, bottom, end in grid.merged:
        if bottom >= first and top <= last and start <= right and end >= left and not (flat and top == bottom):
            raise Refused("table_merged", sheet=grid.sheet, cell=address(top, start))


def _refuse_long(found: Plan) -> None:
    for column, values in found.values.items():
        for n, value in enumerate(values):
            if isinstance(value, str) and cells.too_long(value):
                where = address(found.first + n, column)
                raise Refused(
                    "text_too_long", sheet=str(found.sheet.name), cell=where, value=value[:40] + "…", length=len(value)
                )


def _plan_block(sheet: xw.Sheet, grid: Grid, table: Table, frame: Frame) -> Plan:
    row, column = anchor(grid, table)
    values = {
        column + n: cells.column(frame[one.key])[: table.rows] + [None] * (table.rows - len(frame))
        for n, one in enumerate(table.fields)
        if one.key in frame
    }
    region = Region(row + 1, row + table.rows, column, column + len(table.fields) - 1, None)
    first, last, left, right = region[:4]
    _refuse_merged(grid, first, last, left, right, flat=True)
    old = [[at(one, c) for c in range(right + 1)] for one in grid.rows[first : last + 1]]
    old += [[None] * (right + 1)] * (table.rows - len(old))
    keys = {column + n: one.key for n, one in enumerate(table.fields)}
    rows = [Slot(first + n, n) for n in range(table.rows)]
    return Plan(sheet, table, region, rows, values, keys, old, frozenset(values))
