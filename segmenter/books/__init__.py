"""The workbook as the rest of the package sees it: a port of two verbs, and what it hands over.

`books.file` is a file on disk, `books.live` the workbook open in Excel. Neither interprets anything: a `Grid` is
what stands in the cells, and turning it into customers is the business of the steps.

    a file      package, directory, sniff, ondisk, guard, saving: a zip with every check, replaced safely
    its XML     spans; index, sheetxml, rowxml, cells, styles, refs, translate: bytes that know where they stand
    reading     reading, by the first that can: short (regular), scan (layouts, numerals, scanned), calamine (damage)
    writing     region, ours, slots: which rows; filling, writer: what into them
                lists row by row, longlist column by column (columns, encoders, decimals, longrows), blocks
                growth, drawn: what follows; done, recalculation (calc, results, sums): formulas
                adding, adopt: a new sheet
    the proof   proof: part by part; sheetproof, rowproof, cellproof, formulaproof, aroundproof: ours;
                longsheet, longproof: long ones;
                directoryproof: what leads to them; guess: where nobody tells what was to be written
    Excel       live, liveplan, livelist; previous takes back
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segmenter.frames import Frame
from segmenter.schema import Table
from segmenter.texts import Lang

if TYPE_CHECKING:
    from segmenter.books.region import Standing


class Grid:
    """What stands in the cells of one sheet, from A1 on; nothing interpreted.

    A value is None (empty), str, float, bool, `datetime.date` or `datetime.datetime`. Rows and columns count from 0.
    No tuple, because grids that hold their cells in another way derive from it.
    """

    def __init__(
        self,
        sheet: str,
        rows: Sequence[Sequence[Any]],
        errors: Mapping[tuple[int, int], str] = MappingProxyType({}),
        uncached: frozenset[tuple[int, int]] = frozenset(),
        merged: tuple[tuple[int, int, int, int], ...] = (),
        hidden_rows: frozenset[int] = frozenset(),
        hidden: bool = False,
        totals_row: int | None = None,
        below: int | None = None,
        formulas: bool = True,
    ) -> None:
        self.sheet = sheet
        self.rows = rows
        self.errors = errors
        """(row, column) of cells that hold an Excel error, and which: "#DIV/0!" """
        self.uncached = uncached
        """formula cells without a computed result, as libraries write them"""
        self.merged = merged
        """merged ranges as (first row, first column, last row, last column)"""
        self.hidden_rows = hidden_rows
        self.hidden = hidden
        """whether the sheet itself is hidden"""
        self.totals_row = totals_row
        """row of an Excel table's totals, which is no customer"""
        self.below = below
        """first row below the sheet's Excel table and a gap that may be one of its rows; it is not, so not in `rows`"""
        self.formulas = formulas
        """whether a cell may have a formula"""
        self.standing: Callable[[], Standing] | None = None
        """what tells the formulas and comments on the sheet, which the values do not; a sheet of a file is taken apart
        for it, so it is made when somebody asks; None where no cell has a formula"""
        self.listed = False
        """whether an Excel table stands on the sheet, and may say where its list ends"""

    @property
    def height(self) -> int:
        return len(self.rows)

    @property
    def width(self) -> int:
        return max((len(row) for row in self.rows[:64]), default=0)

    def head(self, count: int) -> list[list[Any]]:
        """The first `count` rows as lists."""
        return [list(row) for row in self.rows[:count]]

    def column(self, column: int, start: int) -> NDArray[Any]:
        """The values of `column` from row `start` down: float64 (NaN where empty) when all are numbers,
        otherwise objects."""
        rows = self.rows[start:]
        try:
            values = [row[column] for row in rows]
        except IndexError:  # rows of several lengths
            values = [row[column] if column < len(row) else None for row in rows]
        kinds = set(map(type, values))
        if kinds <= {NoneType}:
            return np.full(len(values), np.nan)
        if kinds <= {float, NoneType}:
            return np.array([np.nan if value is None else value for value in values])
        found = np.empty(len(values), dtype=object)
        found[:] = values
        return found


class Formula:
    """A formula for a cell, without its equals sign, `{row}` standing for the number of its row; and its result. No
    tuple: numpy would take one apart that is to go into a column of cells."""

    def __init__(self, text: str, result: str | float | int | None = None) -> None:
        self.text = text
        self.result = result


class Stays:
    """A cell of ours that stays as it is where something stands in it, and gets `value` where nothing does. No tuple:
    see `Formula`."""

    def __init__(self, value: str | None = None) -> None:
        self.value = value


def leaving(frame: Frame, stay: Collection[tuple[int, str]]) -> Frame:
    """A frame to be written, of which some cells (row, column) stay as they are where something stands in them."""
    found = {}
    for row, name in sorted(stay):
        if name not in found:
            found[name] = np.array(frame[name], dtype=object)
        found[name][row] = Stays(found[name][row])
    return frame.assign(**found)


class Book(Protocol):
    """A workbook. As a context manager it commits what was written when it is left without an error."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    @property
    def lang(self) -> Lang:
        """The language of its sheets."""
        ...

    def read(self, table: Table) -> Grid | None:
        """What stands on the table's sheet; None when the workbook has no such sheet.

        Raises Refused when it cannot tell which sheet is meant.
        """
        ...

    def write(self, table: Table, frame: Frame) -> None:
        """Make the rows of `table` those of `frame` (columns: field keys; missing ones keep their cells).

        A list: rows whose key (`table.key_field`, n-th occurrence) stands on the sheet stay where they are and keep
        cells that are not in `frame`; further rows go below; rows that `frame` lacks go away. Without a key field
        rows match by position. A block (`table.anchor`): the cells below the anchor, at most `table.rows` rows; the
        rest is emptied. A cell whose value does not change keeps its bytes.
        """
        ...
