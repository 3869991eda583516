"""What stands on a sheet that is open in Excel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from segmenter.books import Grid, translate
from segmenter.books.cells import Mark
from segmenter.books.refs import Area
from segmenter.books.region import ListObject

if TYPE_CHECKING:
    import xlwings as xw


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

    def value(self, row: int, column: int) -> Any:
        found = at(self._row(row), column)
        return Mark(found) if (row, column) in self._grid.errors else found

    def reads_cells(self, row: int, column: int) -> bool:
        if column not in self._formulas:
            area = self._sheet.range((1, column + 1), (max(self._grid.height, 2), column + 1))
            self._formulas[column] = area.formula
        text = self._formulas[column][row][0]
        return is_formula(text, at(self._grid.rows[row], column)) and translate.reads_cells(text[1:])


def cell_formulas(area: xw.Range) -> Sequence[Sequence[Any]]:
    """The formulas of a range row by row, constants as texts; Excel gives a single cell's alone."""
    raw = area.formula
    return raw if isinstance(raw, (tuple, list)) else ((raw,),)


def is_formula(text: Any, value: Any) -> bool:
    """Whether a cell holds a formula: a text that begins like one is its own value."""
    return isinstance(text, str) and text.startswith("=") and text != value


def list_objects(sheet: xw.Sheet) -> list[ListObject]:
    """The Excel tables of a sheet."""
    return [ListObject("", table_area(one), int(bool(one.show_totals)), str(one.name)) for one in sheet.tables]


def table_area(table: xw.main.Table) -> Area:
    """The cells of an Excel table, with its header and totals."""
    area = table.range
    last = area.last_cell
    return Area(area.row - 1, area.column - 1, last.row - 1, last.column - 1)


def list_object(sheet: xw.Sheet, header: int) -> xw.main.Table | None:
    """The Excel table with that header row."""
    return next((one for one in sheet.tables if one.range.row - 1 == header), None)


def at(row: Sequence[Any], column: int) -> Any:
    """What a row holds in a column; nothing beyond its end."""
    return row[column] if column < len(row) else None
