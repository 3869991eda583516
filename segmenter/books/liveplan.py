"""What writing a frame to an open sheet will do, worked out on values; refused here or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segmenter.books import Grid, cells, livebelow
from segmenter.books.blocks import anchor
from segmenter.books.cells import Plain
from segmenter.books.filling import always
from segmenter.books.livebelow import Below
from segmenter.books.livesheet import InExcel, at, list_objects
from segmenter.books.region import find, widened
from segmenter.books.slots import (
    Slot,
    Typed,
    apart,
    key_of,
    lines,
    said,
    slots,
    types_keys,
    without_others,
    without_remarks,
)
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
    first: int
    """first data row"""
    slots: Sequence[Slot]
    """the data rows as they will be"""
    values: Mapping[int, Sequence[Plain]]
    """column -> values of the frame"""
    keys: Mapping[int, str]
    """column -> field key"""
    span: tuple[int, int] = (0, 0)
    """first and last column of what belongs to a row"""
    old: Sequence[Sequence[Any]] = ()
    """the rows as they stand, from `first` on"""
    listed: bool = False
    computed: frozenset[int] = frozenset()
    """columns that are always ours"""
    inside: int = 0
    """rows at the end of the Excel table that go along: remarks, sums"""
    along: int = 0
    """rows right below that go along, with those"""
    totals: int = 0
    """rows of totals of the Excel table"""
    room: int = 0
    """see `region.Region`"""
    below: Below | None = None
    """what stands below the rows; None when nothing does"""

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
        if self.along:
            return max(grows + gone, 0)
        meets = grows > 0 and self.below.first < self.first + height + self.totals + self.room
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
    columns = {key: header.columns[key] for key in frame.columns if key in header.columns}
    values = {columns[key]: cells.column(frame[key]) for key in columns}
    # an Excel table may reach below the last cell that is used
    rows = [grid.rows[row] if row < grid.height else () for row in range(first, region.last + 1)]
    old = [[at(row, column) for column in range(region.right + 1)] for row in rows]
    typed = Typed(there, table, header, region, columns, always(table, columns, frame))
    if table.key_field:
        key = header.columns.get(table.key_field, -1) if table.key_field in columns else -1
        keys = [key_of(row[key]) if key >= 0 else None for row in old]
        found = slots(typed, keys, values.get(key), len(frame))
    else:
        told = [columns[name] for name in apart(table, columns)]
        stood = said([row[one] for row in old] for one in told)
        found = lines(typed, stood, said(values[one] for one in told), len(frame))
    region, wanted = without_remarks(region, found)
    if first + len(wanted) - 1 > region.last and there.met(region, first + len(wanted) - 1):
        region = widened(there, region, there.under(region.last + region.along + 1), listed)
    own = region.listed
    return Plan(
        sheet,
        table,
        first,
        wanted,
        values,
        {column: key for key, column in columns.items()},
        (region.left, region.right),
        [[*row, *[None] * (region.right + 1 - len(row))] for row in old[: region.last - first + 1]],
        own is not None,
        frozenset(columns[key] for key in columns if table[key].owner == "us"),
        max(own.last - region.last, 0) if own else 0,
        region.along - (own.totals if own else 0),
        own.totals if own else 0,
        region.room,
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
    span = (column, column + len(table.fields) - 1)
    first = row + 1
    last = row + table.rows
    _refuse_merged(grid, first, last, *span, flat=True)
    old = [[at(one, c) for c in range(span[1] + 1)] for one in grid.rows[first : last + 1]]
    old += [[None] * (span[1] + 1)] * (table.rows - len(old))
    keys = {column + n: one.key for n, one in enumerate(table.fields)}
    ours = frozenset(values)
    rows = [Slot(first + n, n) for n in range(table.rows)]
    return Plan(sheet, table, first, rows, values, keys, span, old, False, ours)
