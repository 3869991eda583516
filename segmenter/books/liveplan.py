"""What writing a frame to an open sheet will do, worked out on values; refused here or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from segmenter.books import Grid, cells, refs, translate
from segmenter.books.blocks import anchor
from segmenter.books.cells import Plain
from segmenter.books.filling import always
from segmenter.books.refs import Area, Shift
from segmenter.books.region import ListObject, Region, count, find, widened
from segmenter.books.slots import Slot, Typed, apart, key_of, lines, said, slots, without_others, without_remarks
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


class Below(NamedTuple):
    """What stands below the rows of a list: Excel moves it when cells are inserted above it, or deleted."""

    first: int
    last: int
    """the rows that hold something"""
    sums: Mapping[tuple[int, int], str]
    """the formulas by row and column"""
    torn: str
    """an Excel table or merged cells of which only some columns would move, which Excel refuses; "" for none"""


class InExcel:
    """What stands on an open sheet: see `region.Standing`. Excel is only asked for what `grid` lacks, once."""

    def __init__(self, sheet: xw.Sheet, grid: Grid) -> None:
        self._sheet = sheet
        self._grid = grid
        self._formulas: dict[int, Sequence[Sequence[Any]]] = {}
        self.rows = range(grid.height)

    @cached_property
    def _below(self) -> Sequence[Sequence[Any]]:
        """The rows below those of `grid`, which may end with an Excel table."""
        last, height = self._sheet.used_range.last_cell, self._grid.height
        if last.row <= height:
            return ()
        area = self._sheet.range((height + 1, 1), (last.row, last.column))
        found: Sequence[Sequence[Any]] = area.options(ndim=2).value
        return found

    def under(self, first: int) -> range:
        """All rows of the sheet from `first` on."""
        return range(first, self._grid.height + len(self._below))

    def met(self, region: Region, last: int) -> bool:
        """Whether something stands below a list, or right beside that, where it is to grow down to row `last`."""
        near = {*range(region.left - 1, region.right + 2)}
        begin = region.last + region.along + 1
        return any(count(self, row, near) for row in range(begin, last + region.along + region.room + 1))

    @cached_property
    def notes(self) -> Collection[tuple[int, int]]:
        """The cells with a note or a threaded comment."""
        places = {(one.location.row - 1, one.location.column - 1) for one in self._sheet.notes}
        with suppress(NotImplementedError, AttributeError):  # macOS does not tell them, an old Excel has none
            places |= {(one.location.row - 1, one.location.column - 1) for one in self._sheet.comments}
        return places

    def filled(self, row: int) -> Collection[int]:
        return [column for column, value in enumerate(self._row(row)) if value is not None]

    def _row(self, row: int) -> Sequence[Any]:
        if row < self._grid.height:
            return self._grid.rows[row]
        return self._below[row - self._grid.height] if row in self.under(self._grid.height) else ()

    def value(self, row: int, column: int) -> object:
        return _at(self._row(row), column)

    def reads_cells(self, row: int, column: int) -> bool:
        if column not in self._formulas:
            area = self._sheet.range((1, column + 1), (max(self._grid.height, 2), column + 1))
            self._formulas[column] = area.formula
        text = self._formulas[column][row][0]
        return is_formula(text, _at(self._grid.rows[row], column)) and translate.reads_cells(text[1:])


def cell_formulas(area: xw.Range) -> Sequence[Sequence[Any]]:
    """The formulas of a range row by row, constants as texts; Excel gives a single cell's alone."""
    raw = area.formula
    return raw if isinstance(raw, (tuple, list)) else ((raw,),)


def is_formula(text: Any, value: Any) -> bool:
    """Whether a cell holds a formula: a text that begins like one is its own value."""
    return isinstance(text, str) and text.startswith("=") and text != value


def plan(sheet: xw.Sheet, grid: Grid, table: Table, frame: Frame) -> Plan:
    """What writing `frame` will do to a sheet; Refused when it cannot be done. Nothing is written."""
    if table.anchor:
        return _plan_block(sheet, grid, table, frame)
    found = _plan_list(sheet, grid, table, frame)
    last = max(found.end, found.first + len(found.slots)) - 1
    _refuse_merged(grid, found.first, last, *found.span)
    refuse_growth(found, found.height, len(found.deleted))
    _refuse_long(found)
    summed(found, found.height, found.deleted)
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
    frame, _ = without_others(frame, table, header, region, grid)
    columns = {key: header.columns[key] for key in frame.columns if key in header.columns}
    values = {columns[key]: cells.column(frame[key]) for key in columns}
    # an Excel table may reach below the last cell that is used
    rows = [grid.rows[row] if row < grid.height else () for row in range(first, region.last + 1)]
    old = [[_at(row, column) for column in range(region.right + 1)] for row in rows]
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
        _below(sheet, grid, region, listed),
    )


def _below(sheet: xw.Sheet, grid: Grid, region: Region, listed: Sequence[ListObject]) -> Below | None:
    """What stands below the rows of a list, its row of totals aside, which comes and goes by itself."""
    own, first = region.listed, region.last + 1
    totals = range(own.last + 1, own.area.bottom + 1) if own else range(0)
    used = sheet.used_range.last_cell
    if used.row <= first + len(totals):
        return None
    area = sheet.range((first + 1, region.left + 1), (used.row, region.right + 1))
    texts = cell_formulas(area)
    filled = [
        ((first + r, region.left + c), text, value)
        for r, (row, values) in enumerate(zip(texts, area.options(ndim=2).value, strict=True))
        for c, (text, value) in enumerate(zip(row, values, strict=True))
        if text not in (None, "") and first + r not in totals
    ]
    if not filled:
        return None
    span = Area(first, region.left, used.row - 1, region.right)
    others = [(one.area, str(one.area)) for one in listed if one != own]
    others += [(Area(*one), address(one[0], one[1])) for one in grid.merged]
    pieces = parts((region.left, region.right), own.area if own else None)
    torn = (name for one, name in others if one.meets(span) and not _is_within(one, pieces))
    sums = {place: text for place, text, value in filled if is_formula(text, value)}
    return Below(filled[0][0][0], filled[-1][0][0], sums, next(torn, ""))


def parts(span: tuple[int, int], own: Area | None) -> list[tuple[int, int]]:
    """The columns of a list, first and last, that move apart from others: Excel wants the cells of a table moved by
    themselves."""
    left, right = span
    if own is None:
        return [span]
    sides = (left, own.left - 1), (own.right + 1, right)
    return [(own.left, own.right), *((first, last) for first, last in sides if first <= last)]


def _is_within(one: Area, pieces: Sequence[tuple[int, int]]) -> bool:
    return any(left <= one.left and one.right <= right for left, right in pieces)


def summed(found: Plan, height: int, gone: Collection[int]) -> Mapping[tuple[int, int], str]:
    """The formulas below that read a list down to its last row, by the cell in which they stand when the rows `gone`
    went and there are `height`, as they have to read with the further ones; Excel does not think of these."""
    if found.below is None:
        return {}
    stayed = [row for row in range(found.first, found.end) if row not in gone]
    by = found.inserts(height, len(gone)) - len(gone)
    moved = {old: found.first + n for n, old in enumerate(stayed)}
    ends = found.first + len(stayed) - 1, found.first + height - 1
    shift, name = Shift(found.first, found.end - 1, 0, moved, frozenset(gone), found.span, by), str(found.sheet.name)
    same, grown = (translate.Following(shift._replace(new=end), name) for end in ends)
    made = {}
    for (row, column), text in found.below.sums.items():
        if (new := grown.formula(text[1:], row)) != same.formula(text[1:], row):
            made[row + by, column] = f"={new}"
    return made


def list_objects(sheet: xw.Sheet) -> list[ListObject]:
    """The Excel tables of a sheet."""
    return [ListObject("", table_area(one), int(bool(one.show_totals)), str(one.name)) for one in sheet.tables]


def table_area(table: xw.main.Table) -> Area:
    """The cells of an Excel table, with its header and totals."""
    area = table.range
    last = area.last_cell
    return Area(area.row - 1, area.column - 1, last.row - 1, last.column - 1)


def list_object(sheet: xw.Sheet, header: int) -> xw.main.Table | None:
    return next((one for one in sheet.tables if one.range.row - 1 == header), None)


def _at(row: Sequence[Any], column: int) -> Any:
    return row[column] if column < len(row) else None


def refuse_growth(found: Plan, height: int, gone: int) -> None:
    """Refuse to make the rows of a table `height` after `gone` went, where Excel could not move what is below."""
    below, last, rows = found.below, found.first + height + found.inside + found.totals, f"{found.first + height:,}"
    if last > refs.MAX_ROWS or (below and below.last + height - len(found.old) >= refs.MAX_ROWS):
        raise Refused("table_full", sheet=str(found.sheet.name), rows=rows)
    if below and below.torn and (gone or found.inserts(height, gone)):
        raise Refused("table_below", sheet=str(found.sheet.name), cell=below.torn, rows=rows)


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
