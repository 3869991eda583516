"""Rows of a result sheet that are more than its customers: of some who left people typed something beside; and some
were typed by people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, schema
from segmenter.books import Grid
from segmenter.cells import MAX_TEXT
from segmenter.errors import Refused
from segmenter.findings import Finding, listed
from segmenter.reading import notes, values
from segmenter.reading.headers import locate
from segmenter.schema import Table


def departed(grid: Grid, table: Table, current: NDArray[np.object_]) -> tuple[NDArray[np.object_], list[Finding]]:
    """The keys (as they stand) of the rows in which people typed something: in the columns beside the table's own, up
    to the first that is empty. Without those that are in `current`, whose rows stay anyway, and those of totals. A row
    that lacks what no row of ours does is a remark, such as a signature; one that looks like a customer's for all that,
    by its ID too, as somebody may have typed it, is told; and so is one with the ID of a customer in `current`, whose
    result is written there. Formulas over cells are nothing typed, people fill them down: see `slots.Typed`, by which a
    row stays when it is written."""
    header_row, columns = locate(grid, table)
    if grid.height <= header_row + 1:
        return np.empty(0, dtype=object), []
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
    lines, strange = _lines(grid, header_row + 1, columns, table)
    rows = np.flatnonzero((typed | ~lines) & ~values.empty(keys))
    found, ours = _ids(keys[rows]), lines[rows]
    known = {*values.keys(current).tolist()} if len(rows) else set()
    is_known = np.array([key in known for key in values.keys(found).tolist()], dtype=bool)
    # where the key cell holds no ID, such as 1.5, nobody left: the result would get a row without one
    asked = ~is_known & frames.told(found)
    asked[asked] = [not schema.says_total(one) and not schema.is_signature(one) for one in found[asked].tolist()]
    findings = _kept(grid, found[asked & strange[rows]].tolist(), current)
    findings += _replaced(grid, header_row + 1, rows[is_known & ~ours].tolist(), keys, lines, own)
    rows, found = rows[asked & ours], found[asked & ours]
    return found[_typed(grid, (rows + header_row + 1).tolist(), range(left, right + 1), own)], findings


def _ids(keys: NDArray[Any]) -> NDArray[np.object_]:
    return np.asarray(values.ids(keys).values, dtype=object)


def _kept(grid: Grid, keys: Sequence[str], current: NDArray[np.object_]) -> list[Finding]:
    """What is told of rows that stay, though they look like those of customers: the ones with an ID like others."""
    is_like = notes.like(current.tolist()) if keys else None
    told = [key for key in keys if is_like is None or is_like(key)]
    return listed(told, lambda key: Finding("row_kept", grid.sheet, value=key))


def _replaced(
    grid: Grid, first: int, rows: Sequence[int], keys: NDArray[Any], lines: NDArray[np.bool_], own: Collection[int]
) -> list[Finding]:
    """What is told of `rows` (from `first` on) of customers that are none of ours: the first of each is written over,
    where no row of ours has the ID."""
    if not rows:
        return []
    end = _end(grid, first, lines & ~values.empty(keys))
    cells = np.sum([~values.empty(grid.column(column, first)) for column in own], axis=0)
    met, told = {*values.keys(_ids(keys[lines])).tolist()}, []
    for row, key in zip(rows, values.keys(_ids(keys[rows])).tolist(), strict=True):
        if key not in met and row < end and cells[row] > 1:
            told.append(row)
        met.add(key)
    return listed(told, lambda row: Finding("row_replaced", grid.sheet, value=_said(grid, first + row, own)))


def _end(grid: Grid, first: int, lines: NDArray[np.bool_]) -> int:
    """Where a list without an Excel table has ended for sure, counted from its `first` row: below all of its `lines`,
    behind an empty row if the first is one, else behind two (see `region.find`, which reads on no further)."""
    if grid.listed:
        return len(lines)
    last = int(np.flatnonzero(lines)[-1]) if lines.any() else -1
    gap, empty = 1 if lines[0] else 2, 0
    unknown = {row for row, _ in (*grid.errors, *grid.uncached)}
    for row in range(last + 1, len(lines)):
        if first + row not in unknown and all(map(values.is_empty, grid.rows[first + row])):
            empty += 1
        elif empty >= gap:
            return row
        else:
            empty = 0
    return len(lines)


def _said(grid: Grid, row: int, columns: Collection[int]) -> str:
    """What a row says in some columns, as much of it as a cell of the log can hold."""
    cells = grid.rows[row]
    there = (cells[column] for column in sorted(columns) if column < len(cells))
    said = " ".join(values.shown(value) for value in there if not values.is_empty(value))
    return said.encode("utf-16-le", "ignore")[: 2 * MAX_TEXT].decode("utf-16-le", "ignore")


def _lines(
    grid: Grid, first: int, columns: Mapping[str, int], table: Table
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows have what no row of ours lacks, and which only hold something where it should stand."""
    always = table.always_with(columns)
    if not always:
        lines = np.sum([_holds(grid, column, first) for column in columns.values()], axis=0) > 1
        return lines, np.zeros(len(lines), dtype=bool)
    lines = says(grid, first, columns, table, always)
    if lines.all():
        return lines, ~lines
    return lines, ~lines & says(grid, first, columns, table, table.unworded(always))


def says(
    grid: Grid, first: int, columns: Mapping[str, int], table: Table, always: Sequence[Mapping[str, Sequence[str]]]
) -> NDArray[np.bool_]:
    """Which rows have what no row of ours lacks: see `Table.says`."""
    found = np.ones(grid.height - first, dtype=bool)
    for one in always:
        any_of = np.zeros(len(found), dtype=bool)
        for key in (key for key in one if key in columns):
            codes, distinct = frames.distinct(grid.column(columns[key], first))
            said = (None if values.is_empty(value) else value for value in distinct)
            any_of |= np.array([table[key].could_say(value, one[key]) for value in (*said, None)])[codes]
            for row, column in (*grid.errors, *grid.uncached):  # nobody knows
                if column == columns[key] and 0 <= row - first < len(found):
                    any_of[row - first] = True
        found &= any_of
    return found


def any_ours(grid: Grid, table: Table) -> bool:
    """Whether a sheet has rows below the headers of `table` that a fill wrote."""
    row, columns = locate(grid, table)
    return bool(says(grid, row + 1, columns, table, table.always_with(columns)).any())


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
