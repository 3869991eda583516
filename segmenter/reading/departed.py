"""Customers who left, and of whom people typed something beside their row of a result sheet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from segmenter import schema
from segmenter.books import Grid
from segmenter.errors import Refused
from segmenter.reading import values
from segmenter.reading.headers import locate
from segmenter.schema import UNREAD, Table


def departed(grid: Grid, table: Table, current: NDArray[np.object_]) -> NDArray[np.object_]:
    """The keys (as they stand) of the rows in which people typed something: in the columns beside the table's own, up
    to the first that is empty. Without those that are in `current`, whose rows stay anyway, and those of totals. A row
    that lacks what no row of ours does is a remark, such as a signature. Formulas over cells are nothing typed, people
    fill them down: see `slots.Typed`, by which a row stays when it is written."""
    header_row, columns = locate(grid, table)
    if grid.height <= header_row + 1:
        return np.empty(0, dtype=object)
    own = set(columns.values())
    beside = {c: _holds(grid, c, header_row) for c in range(grid.width) if c not in own}
    left, right = min(own), max(own)
    while left - 1 in beside and beside[left - 1].any():
        left -= 1
    while right + 1 in beside and beside[right + 1].any():
        right += 1
    keys = grid.column(columns[table.key_field], header_row + 1)
    typed = np.zeros(len(keys), dtype=bool)
    for column, filled in beside.items():
        if left <= column <= right:
            typed |= filled[1:]
    typed &= ~values.empty(keys)
    if typed.any():
        typed &= np.sum([_holds(grid, column, header_row + 1) for column in own], axis=0) > 1
    found = np.asarray(values.ids(keys[typed]).values, dtype=object)
    if not len(found):
        return found
    known = {*values.keys(current).tolist()}
    pairs = zip(values.keys(found).tolist(), found.tolist(), strict=True)
    is_asked = [key not in known and not schema.says_total(one) for key, one in pairs]
    rows = (np.flatnonzero(typed)[is_asked] + header_row + 1).tolist()
    lines = _lines(grid, rows, columns, table)
    return found[is_asked][lines & _typed(grid, rows, range(left, right + 1), own)]


def _lines(grid: Grid, rows: Sequence[int], columns: Mapping[str, int], table: Table) -> NDArray[np.bool_]:
    """Which of some `rows` have what no row of ours lacks."""
    always = table.always_with(columns)
    told = {key for one in always for key in one if key in columns} if rows else set()
    cells = {key: grid.column(columns[key], 0) for key in told}
    unread = {*grid.errors, *grid.uncached}

    def said(row: int, key: str) -> object:
        if key not in cells or values.is_empty(cells[key][row]):
            return UNREAD if (row, columns.get(key)) in unread else None
        return cells[key][row]

    return np.array([table.says(always, partial(said, row)) for row in rows], dtype=bool)


def _typed(grid: Grid, rows: Sequence[int], columns: range, own: Collection[int]) -> NDArray[np.bool_]:
    """In which of some `rows` that hold something in `columns` beside a table's `own` that, or a comment, was typed."""
    found = np.ones(len(rows), dtype=bool)
    if not rows or grid.standing is None:
        return found
    try:
        there = grid.standing()
        for n, row in enumerate(rows):
            beside = (column for column in there.filled(row) if column in columns and column not in own)
            if all(there.reads_cells(row, column) for column in beside):
                found[n] = any((row, column) in there.notes for column in columns)
    except Refused:  # a sheet that can be read and not be taken apart: it is refused when it is written
        found[:] = True
    return found


def _holds(grid: Grid, column: int, first: int) -> NDArray[np.bool_]:
    """Which cells of a column hold something, be it an error or a formula nobody has calculated."""
    found = ~values.empty(grid.column(column, first))
    for row, place in (*grid.errors, *grid.uncached):
        if place == column and 0 <= row - first < len(found):
            found[row - first] = True
    return found
