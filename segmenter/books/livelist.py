"""Putting a frame into the cells of an open sheet: planned on values, written a range at a time.

Columns of ours are one assignment for all rows; columns of people are only written where rows are new. Rows that go
are deleted by Excel itself, so that whatever people have beside them moves with its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from pandas import DataFrame

from segmenter.books import Grid, cells, refs
from segmenter.books.blocks import anchor
from segmenter.books.cells import Plain
from segmenter.books.region import key_of, match
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.headers import locate
from segmenter.schema import Table

if TYPE_CHECKING:
    import xlwings as xw

_TEXTS: Final = frozenset({"id", "text", "list", "choice"})
_PARSED: Final = re.compile(r"\s*[0-9=+\-@'.,($¥￥£€＝＋－＠]|\s*(?:true|false)\s*$|#", re.IGNORECASE)
"""texts Excel may take for something else when they are assigned"""


@dataclass
class Plan:
    """What will stand where on one sheet. Rows and columns count from 0."""

    sheet: xw.Sheet
    table: Table
    first: int
    """first data row"""
    rows: list[int | None]
    """the place in `values` of each data row as it will be, None for a row that only keeps what people typed"""
    stayed: int
    """so many of them stand on the sheet already"""
    values: Mapping[int, Sequence[Plain]]
    """column -> values of the frame"""
    keys: Mapping[int, str]
    """column -> field key"""
    gone: list[int] = field(default_factory=list)
    """rows that go"""
    delete: bool = False
    """whether they must be deleted because something stands in columns that are not ours"""
    span: tuple[int, int] = (0, 0)
    """first and last column of what belongs to a row"""
    old: Sequence[Sequence[Any]] = ()
    """the rows as they stand, from `first` on"""
    listed: bool = False
    computed: frozenset[int] = frozenset()
    """columns that are always ours"""


def plan(sheet: xw.Sheet, grid: Grid, table: Table, frame: DataFrame) -> Plan:
    """What writing `frame` will do to a sheet; Refused when it cannot be done. Nothing is written."""
    if table.anchor:
        return _plan_block(sheet, grid, table, frame)
    try:
        header = locate(grid, table)
    except Refused as error:
        if error.key == "header_missing" and not any(one.must for one in table.fields):
            raise Refused("sheet_foreign", sheet=grid.sheet, value=error.value) from error
        raise
    columns = {key: header.columns[key] for key in frame.columns if key in header.columns}
    values = {columns[key]: [cells.plain(one) for one in frame[key]] for key in columns}
    own = _list_object(sheet, header.row)
    first = header.row + 1
    last, left, right = _region(grid, header.columns, own, first, table)
    old = [[_at(row, column) for column in range(right + 1)] for row in grid.rows[first : last + 1]]
    stay = _staying(table, header.columns, values, old, (left, right))
    here = [(n, place) for n, (kept, place) in enumerate(stay) if kept]
    used = {place for _, place in here if place is not None}
    rows = [place for _, place in here] + [place for place in range(len(frame)) if place not in used]
    gone = [first + n for n, (kept, _) in enumerate(stay) if not kept]
    theirs = any(table[key].owner != "us" for key in columns)
    foreign = [column for column in range(left, right + 1) if column not in values]
    found = Plan(
        sheet,
        table,
        first,
        rows,
        len(here),
        values,
        {column: key for key, column in columns.items()},
        gone,
        bool(gone) and (theirs or any(row[column] is not None for row in old for column in foreign)),
        (left, right),
        old,
        own is not None,
        frozenset(columns[key] for key in columns if table[key].owner == "us"),
    )
    _refuse_growth(found, grid, last, own)
    _refuse_merged(grid, first, max(last, first + len(rows) - 1), left, right)
    _refuse_long(found)
    return found


def _list_object(sheet: xw.Sheet, header: int) -> xw.main.Table | None:
    return next((one for one in sheet.tables if one.range.row - 1 == header), None)


def _at(row: Sequence[Any], column: int) -> Any:
    return row[column] if column < len(row) else None


def _region(grid: Grid, columns: Mapping[str, int], own: Any, first: int, table: Table) -> tuple[int, int, int]:
    """The last data row (`first - 1` when there is none) and the columns that belong together: the Excel table with
    the rows typed right below it, or every row in which one of the columns holds something."""
    known = set(columns.values())
    if own is None:
        last = max(
            (r for r in range(first, grid.height) if any(_at(grid.rows[r], c) is not None for c in known)),
            default=first - 1,
        )
    else:
        area = own.range
        known |= set(range(area.column - 1, area.last_cell.column))
        last = area.last_cell.row - 1 - int(bool(own.show_totals))
        key = {columns[table.key_field]} if table.key_field in columns else known
        while (
            not own.show_totals and last + 1 < grid.height and any(_at(grid.rows[last + 1], c) is not None for c in key)
        ):
            last += 1
    left, right = min(known), max(known)
    used = {c for row in grid.rows[first - 1 : last + 1] for c, value in enumerate(row) if value is not None}
    while left - 1 in used:
        left -= 1
    while right + 1 in used:
        right += 1
    return last, left, right


def _staying(
    table: Table,
    columns: Mapping[str, int],
    values: Mapping[int, Sequence[Plain]],
    old: Sequence[Sequence[Any]],
    span: tuple[int, int],
) -> list[tuple[bool, int | None]]:
    """For each row as it stands: whether it stays, and its place in the frame. A row the frame lacks stays when it
    holds something people typed."""
    key = columns.get(table.key_field, -1)
    count = len(next(iter(values.values()), ()))
    if key in values:
        keys = [key_of(row[key]) for row in old]
        wanted = (key_of(float(v) if isinstance(v, int) and not isinstance(v, bool) else v) for v in values[key])
        places: Mapping[int, int] = match(keys, wanted)
    else:
        keys = [None] * len(old)
        places = {n: n for n in range(min(count, len(old)))}
    ours = {column for name, column in columns.items() if table[name].owner == "us"}
    found: list[tuple[bool, int | None]] = []
    for n, row in enumerate(old):
        nobody = bool(table.key_field) and keys[n] is None
        answered = ours if nobody else ours | set(values)
        typed = any(row[c] is not None for c in range(span[0], span[1] + 1) if c not in answered)
        found.append((n in places or typed, places.get(n)))
    return found


def _refuse_growth(found: Plan, grid: Grid, last: int, own: Any) -> None:
    """Refuse to write rows over what stands below the table."""
    bottom = found.first + max(len(found.rows), 1) - 1
    totals = int(bool(own is not None and own.show_totals))
    name = grid.sheet
    if bottom + totals >= refs.MAX_ROWS:
        raise Refused("table_full", sheet=name, rows=f"{bottom + 1:,}")
    if bottom <= last:
        return
    below = last + totals + 1
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


def _plan_block(sheet: xw.Sheet, grid: Grid, table: Table, frame: DataFrame) -> Plan:
    row, column = anchor(grid, table)
    values = {
        column + n: [cells.plain(one) for one in frame[one.key]][: table.rows] + [None] * (table.rows - len(frame))
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
    return Plan(sheet, table, first, [*range(table.rows)], table.rows, values, keys, [], False, span, old, False, ours)


def nothing(table: Table) -> DataFrame:
    """A frame that writes nothing: planning it tells where a table is."""
    return DataFrame(columns=[] if table.anchor else [table.fields[0].key]).iloc[:0]


def rewrite(found: Plan, left: int, rows: Sequence[Sequence[Any]]) -> None:
    """Put other rows in the place of those of a table: one assignment, formulas ({"f": "=A1"}) as formulas.

    Texts are marked as such where the cells are not formatted as text, so that none becomes a number.
    """
    sheet, width = found.sheet, max(map(len, rows), default=0)
    own = _list_object(sheet, found.first - 1) if found.listed else None
    totals = own is not None and bool(own.show_totals)
    if own is not None and totals:
        own.show_totals = False
    if found.old:
        last = found.first + len(found.old)
        sheet.range((found.first + 1, found.span[0] + 1), (last, found.span[1] + 1)).clear_contents()
    if own is not None:
        area = own.range
        own.resize(sheet.range((found.first, area.column), (found.first + max(len(rows), 1), area.last_cell.column)))
    if rows and width:
        textual = []
        for n in range(width):
            column = sheet.range((found.first + 1, left + n + 1), (found.first + len(rows), left + n + 1))
            textual.append(column.number_format == "@")
        area = sheet.range((found.first + 1, left + 1), (found.first + len(rows), left + width))
        area.value = [[_back(v, text) for v, text in zip(row, textual, strict=True)] for row in rows]
    if own is not None and totals:
        own.show_totals = True


def _back(value: Any, textual: bool) -> Any:
    if isinstance(value, dict):
        return value["f"]
    return f"'{value}" if isinstance(value, str) and not textual else _given(value)


def apply(found: Plan) -> None:
    """Do what a plan says."""
    if found.delete:
        for top, bottom in _runs(found.gone, down=True):
            _delete(found, top, bottom)
    count = max(len(found.rows), 1)
    own = _list_object(found.sheet, found.first - 1) if found.listed else None
    totals = own is not None and bool(own.show_totals)
    if own is not None:
        if totals:
            own.show_totals = False
        area = own.range
        wanted = found.first + count
        if area.last_cell.row < wanted or (not found.delete and area.last_cell.row > wanted):
            own.resize(found.sheet.range((found.first, area.column), (wanted, area.last_cell.column)))
    for column in sorted(found.values):
        _format(found, column)
    for left, right in _runs(sorted(found.computed)):
        _put(found, left, right, 0, len(found.rows))
    for left, right in _runs(sorted(set(found.values) - found.computed)):
        _put(found, left, right, found.stayed, len(found.rows))
    _change_typed(found)
    _clear(found)
    if own is not None and totals:
        own.show_totals = True


def _runs(numbers: Iterable[int], down: bool = False) -> list[tuple[int, int]]:
    """Consecutive numbers as (first, last)."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found[::-1] if down else found


def _delete(found: Plan, top: int, bottom: int) -> None:
    """Delete rows of the table and what stands beside them; Excel wants the cells of a table deleted by themselves."""
    left, right = found.span
    parts = [(left, right)]
    own = _list_object(found.sheet, found.first - 1)
    if own is not None:
        start, end = own.range.column - 1, own.range.last_cell.column - 1
        parts = [(start, end), *((a, b) for a, b in ((left, start - 1), (end + 1, right)) if a <= b)]
    for start, end in parts:
        found.sheet.range((top + 1, start + 1), (bottom + 1, end + 1)).delete("up")


def _format(found: Plan, column: int) -> None:
    """Give cells the number format without which Excel would take their texts for numbers, or show days as numbers."""
    values, kind = found.values[column], found.table[found.keys[column]].kind
    if not found.table.anchor and kind in _TEXTS:
        area = found.sheet.range((found.first + 1, column + 1), (found.first + max(len(found.rows), 1), column + 1))
        if area.number_format != "@":
            area.number_format = "@"
        return
    if not found.table.anchor and not any(isinstance(value, date) for value in values):
        return
    for n, place in enumerate(found.rows):
        value = values[place] if place is not None else None
        cell = found.sheet.range((found.first + n + 1, column + 1))
        if isinstance(value, date):
            if not re.search("[ydY年]", str(cell.number_format)):
                cell.number_format = "yyyy-mm-dd"
        elif isinstance(value, str) and _PARSED.match(value):
            cell.number_format = "@"
        elif isinstance(value, (int, float)) and cell.number_format == "@":
            cell.number_format = "General"


def _same(old: Any, new: Plain) -> bool:
    if isinstance(new, date) and not isinstance(new, datetime) and isinstance(old, datetime):
        return False
    if isinstance(new, bool) or isinstance(old, bool):
        return old is new
    return bool(old == new) and isinstance(old, str) == isinstance(new, str)


def _kept(found: Plan) -> Iterator[Sequence[Any]]:
    """The rows that stay, as they stand."""
    gone = set(found.gone)
    return (row for n, row in enumerate(found.old) if found.first + n not in gone)


def _put(found: Plan, left: int, right: int, start: int, end: int) -> None:
    """Assign columns `left`..`right` of the rows `start`..`end`-1 at once, unless they hold it all already."""
    block = [
        [found.values[column][place] if place is not None else None for column in range(left, right + 1)]
        for place in found.rows[start:end]
    ]
    if not block:
        return
    now = [row[left : right + 1] for row in _kept(found)][start:end]
    steady = found.delete or not found.gone
    if steady and len(now) == len(block) and all(map(_same_row, now, block)):
        return
    area = found.sheet.range((found.first + start + 1, left + 1), (found.first + end, right + 1))
    area.value = [[_given(value) for value in row] for row in block]


def _same_row(old: Sequence[Any], new: Sequence[Plain]) -> bool:
    return all(map(_same, old, new))


def _given(value: Plain) -> Any:
    """A value as Excel is handed it: an apostrophe in front is a sign to Excel, so it takes two to have one."""
    if isinstance(value, str) and value.startswith("'"):
        return "'" + value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def _change_typed(found: Plan) -> None:
    """The cells of people's columns that a frame changes, one by one: the others may hold formulas."""
    for column in set(found.values) - found.computed:
        for n, (row, place) in enumerate(zip(_kept(found), found.rows[: found.stayed], strict=True)):
            if place is not None and not _same(row[column], found.values[column][place]):
                cell = found.sheet.range((found.first + n + 1, column + 1))
                cell.value = _given(found.values[column][place])


def _clear(found: Plan) -> None:
    """Empty the rows the table no longer has."""
    if found.table.anchor or found.delete or not found.gone:
        return
    end, last = found.first + max(len(found.rows), 1), found.first + len(found.old) - 1
    if not found.rows:
        end = found.first
    for left, right in _runs(sorted(found.values)):
        if end <= last:
            found.sheet.range((end + 1, left + 1), (last + 1, right + 1)).clear_contents()
