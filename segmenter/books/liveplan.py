"""What writing a frame to an open sheet will do, worked out on values; refused here or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from segmenter.books import Grid, cells, refs, translate
from segmenter.books.blocks import anchor
from segmenter.books.cells import Plain
from segmenter.books.filling import always
from segmenter.books.refs import Area
from segmenter.books.region import ListObject, Region, find
from segmenter.books.slots import Slot, Typed, key_of, slots, without_below, without_totals
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

    @property
    def kept(self) -> list[Sequence[Any]]:
        """The rows that stay, as they stand."""
        return [self.old[slot.source - self.first] for slot in self.slots if slot.source is not None]

    @property
    def gone(self) -> list[int]:
        """The rows that go."""
        stay = {slot.source for slot in self.slots}
        return [row for row in range(self.first, self.first + len(self.old)) if row not in stay]


class InExcel:
    """What stands on an open sheet: see `region.Standing`. Excel is only asked for what `grid` lacks, once."""

    def __init__(self, sheet: xw.Sheet, grid: Grid) -> None:
        self._sheet = sheet
        self._grid = grid
        self._formulas: dict[int, Sequence[Sequence[Any]]] = {}
        self.rows = range(grid.height)

    @cached_property
    def notes(self) -> Collection[tuple[int, int]]:
        """The cells with a note or a threaded comment."""
        places = {(one.location.row - 1, one.location.column - 1) for one in self._sheet.notes}
        with suppress(NotImplementedError, AttributeError):  # macOS does not tell them, an old Excel has none
            places |= {(one.location.row - 1, one.location.column - 1) for one in self._sheet.comments}
        return places

    def filled(self, row: int) -> Collection[int]:
        values = self._grid.rows[row] if row < self._grid.height else ()
        return [column for column, value in enumerate(values) if value is not None]

    def reads_cells(self, row: int, column: int) -> bool:
        if column not in self._formulas:
            area = self._sheet.range((1, column + 1), (max(self._grid.height, 2), column + 1))
            self._formulas[column] = area.formula
        text = self._formulas[column][row][0]
        return is_formula(text, _at(self._grid.rows[row], column)) and translate.reads_cells(text[1:])


def is_formula(text: Any, value: Any) -> bool:
    """Whether a cell holds a formula: a text that begins like one is its own value."""
    return isinstance(text, str) and text.startswith("=") and text != value


def plan(sheet: xw.Sheet, grid: Grid, table: Table, frame: Frame) -> Plan:
    """What writing `frame` will do to a sheet; Refused when it cannot be done. Nothing is written."""
    if table.anchor:
        return _plan_block(sheet, grid, table, frame)
    header = locate(grid, table)
    first = header.row + 1
    standing = InExcel(sheet, grid)
    region = find(standing, header, list_objects(sheet), table)
    frame = without_totals(frame, table, header, region, grid)
    columns = {key: header.columns[key] for key in frame.columns if key in header.columns}
    values = {columns[key]: cells.column(frame[key]) for key in columns}
    # an Excel table may reach below the last cell that is used
    rows = [grid.rows[row] if row < grid.height else () for row in range(first, region.last + 1)]
    old = [[_at(row, column) for column in range(region.right + 1)] for row in rows]
    typed = Typed(standing, table, header, region, columns, always(table, columns, frame))
    key = header.columns.get(table.key_field, -1) if table.key_field in columns else -1
    keys = [key_of(row[key]) if key >= 0 else None for row in old]
    region, wanted = without_below(region, slots(typed, keys, values.get(key), len(frame)))
    found = Plan(
        sheet,
        table,
        first,
        wanted,
        values,
        {column: key for key, column in columns.items()},
        (region.left, region.right),
        old[: region.last - first + 1],
        region.listed is not None,
        frozenset(columns[key] for key in columns if table[key].owner == "us"),
    )
    _refuse_growth(found, grid, region)
    _refuse_merged(grid, first, max(region.last, first + len(found.slots) - 1), region.left, region.right)
    _refuse_long(found)
    return found


def list_objects(sheet: xw.Sheet) -> list[ListObject]:
    """The Excel tables of a sheet."""
    found = []
    for table in sheet.tables:
        area = table.range
        corner, last = (area.row - 1, area.column - 1), area.last_cell
        place = Area(*corner, last.row - 1, last.column - 1)
        found.append(ListObject("", place, int(bool(table.show_totals)), str(table.name)))
    return found


def list_object(sheet: xw.Sheet, header: int) -> xw.main.Table | None:
    return next((one for one in sheet.tables if one.range.row - 1 == header), None)


def _at(row: Sequence[Any], column: int) -> Any:
    return row[column] if column < len(row) else None


def _refuse_growth(found: Plan, grid: Grid, region: Region) -> None:
    """Refuse to write rows over what stands below the table."""
    bottom = found.first + max(len(found.slots), 1) - 1
    totals, name = len(region.totals), grid.sheet
    if bottom + totals >= refs.MAX_ROWS:
        raise Refused("table_full", sheet=name, rows=f"{bottom + 1:,}")
    if bottom <= region.last:
        return
    below = region.last + totals + 1
    used = found.sheet.used_range.last_cell
    if used.row - 1 < below:
        return
    left, right = found.span
    area = found.sheet.range((below + 1, left + 1), (min(bottom + totals, used.row - 1) + 1, right + 1))
    for r, row in enumerate(area.options(ndim=2).value):
        for c, value in enumerate(row):
            if value not in (None, ""):
                raise Refused("table_below", sheet=name, cell=address(below + r, left + c), rows=f"{bottom + 1:,}")


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
    old = [[_at(one, c) for c in range(span[1] + 1)] for one in grid.rows[first : last + 1]]
    old += [[None] * (span[1] + 1)] * (table.rows - len(old))
    keys = {column + n: one.key for n, one in enumerate(table.fields)}
    ours = frozenset(values)
    rows = [Slot(first + n, n) for n in range(table.rows)]
    return Plan(sheet, table, first, rows, values, keys, span, old, False, ours)


def nothing(table: Table) -> Frame:
    """A frame that writes nothing: planning it tells where a table is."""
    return Frame.of((), [] if table.anchor else [table.fields[0].key])
