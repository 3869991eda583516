"""What writing a frame to an open sheet will do, worked out on values; refused here or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from segmenter.books import Grid, cells, refs
from segmenter.books.blocks import anchor
from segmenter.books.cells import Plain
from segmenter.books.filling import always
from segmenter.books.region import key_of, match
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.reading.headers import locate
from segmenter.schema import Table

if TYPE_CHECKING:
    import xlwings as xw


WHOLE: Final = -1


@dataclass
class Plan:
    """What will stand where on one sheet. Rows and columns count from 0."""

    sheet: xw.Sheet
    table: Table
    first: int
    """first data row"""
    rows: list[int | None]
    """the place in `values` of each data row as it will be, None for a row that only keeps what people typed, WHOLE for
    one that is none of ours and stays as it is"""
    stayed: int
    """so many of them stand on the sheet already"""
    values: Mapping[int, Sequence[Plain]]
    """column -> values of the frame"""
    keys: Mapping[int, str]
    """column -> field key"""
    gone: list[int] = field(default_factory=list)
    """rows that go"""
    span: tuple[int, int] = (0, 0)
    """first and last column of what belongs to a row"""
    old: Sequence[Sequence[Any]] = ()
    """the rows as they stand, from `first` on"""
    listed: bool = False
    computed: frozenset[int] = frozenset()
    """columns that are always ours"""


def plan(sheet: xw.Sheet, grid: Grid, table: Table, frame: Frame) -> Plan:
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
    values = {columns[key]: cells.column(frame[key]) for key in columns}
    own = list_object(sheet, header.row)
    first = header.row + 1
    last, left, right = _region(grid, header.columns, own, first, table)
    old = [[_at(row, column) for column in range(right + 1)] for row in grid.rows[first : last + 1]]
    remarks = _remarks(table, header.columns, always(table, columns, frame), old)
    stay = _staying(table, header.columns, values, old, (left, right), remarks)
    if not all(kept for kept, _ in stay):
        noted = {row for row, column in _noted(sheet) if left <= column <= right}
        stay = [(kept or first + n in noted, place) for n, (kept, place) in enumerate(stay)]
    here = [(n, place) for n, (kept, place) in enumerate(stay) if kept]
    used = {place for _, place in here if place not in (None, WHOLE)}
    rows = [place for _, place in here] + [place for place in range(len(frame)) if place not in used]
    gone = [first + n for n, (kept, _) in enumerate(stay) if not kept]
    found = Plan(
        sheet,
        table,
        first,
        rows,
        len(here),
        values,
        {column: key for key, column in columns.items()},
        gone,
        (left, right),
        old,
        own is not None,
        frozenset(columns[key] for key in columns if table[key].owner == "us"),
    )
    _refuse_growth(found, grid, last, own)
    _refuse_merged(grid, first, max(last, first + len(rows) - 1), left, right)
    _refuse_long(found)
    return found


def _noted(sheet: xw.Sheet) -> set[tuple[int, int]]:
    """The cells of a sheet with a note or a threaded comment."""
    places = {(one.location.row - 1, one.location.column - 1) for one in sheet.notes}
    with suppress(NotImplementedError, AttributeError):  # macOS does not tell them, an old Excel has none
        places |= {(one.location.row - 1, one.location.column - 1) for one in sheet.comments}
    return places


def list_object(sheet: xw.Sheet, header: int) -> xw.main.Table | None:
    return next((one for one in sheet.tables if one.range.row - 1 == header), None)


def _at(row: Sequence[Any], column: int) -> Any:
    return row[column] if column < len(row) else None


def _region(grid: Grid, columns: Mapping[str, int], own: Any, first: int, table: Table) -> tuple[int, int, int]:
    """The last data row (`first - 1` when there is none) and the columns that belong together: the Excel table with
    the rows typed right below it, or every row in which one of the columns holds something."""
    known = set(columns.values())
    if own is None:
        last, most = first - 1, 0
        for number, row in enumerate(grid.rows[first:], first):
            count = sum(_at(row, column) is not None for column in known)
            if count and (number == last + 1 or 2 * count >= most):  # see `region.find`
                last, most = number, max(most, count)
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
    if own is None:  # rows that stayed for what is beside ours
        below = takewhile(lambda row: any(value is not None for value in row[left : right + 1]), grid.rows[last + 1 :])
        last += sum(1 for _ in below)
    return last, left, right


def _staying(
    table: Table,
    columns: Mapping[str, int],
    values: Mapping[int, Sequence[Plain]],
    old: Sequence[Sequence[Any]],
    span: tuple[int, int],
    remarks: Sequence[bool],
) -> list[tuple[bool, int | None]]:
    """For each row as it stands: whether it stays, and its place in the frame. A row the frame lacks stays when it
    holds something people typed, or is a remark."""
    key = columns.get(table.key_field, -1)
    count = len(next(iter(values.values()), ()))
    if key in values:
        keys = [key_of(row[key]) for row in old]
        wanted = (key_of(float(v) if isinstance(v, int) and not isinstance(v, bool) else v) for v in values[key])
        places: Mapping[int, int] = match(keys, wanted)
    else:
        keys = [None] * len(old)
        mine = [n for n in range(len(old)) if table.key_field or not remarks[n]]
        places = dict(zip(mine, range(count), strict=False))
    ours = {column for name, column in columns.items() if table[name].owner == "us"}
    found: list[tuple[bool, int | None]] = []
    for n, row in enumerate(old):
        answered = ours if table.key_field and keys[n] is None else ours | set(values)
        typed = any(row[c] is not None for c in range(span[0], span[1] + 1) if c not in answered)
        place = places.get(n, WHOLE if remarks[n] else None)
        found.append((place is not None or typed, place))
    return found


def _remarks(table: Table, columns: Mapping[str, int], told: Sequence[str], old: Sequence[Sequence[Any]]) -> list[bool]:
    """Which rows are none of ours: see `region.Typed.is_ours`."""
    keyed = table.key_field
    counts = [sum(row[column] is not None for column in columns.values()) for row in old]
    keyless = [bool(keyed) and key_of(row[columns[keyed]]) is None for row in old]
    if keyed and table[keyed].owner != "us":
        return [count > 0 and lacks for count, lacks in zip(counts, keyless, strict=True)]
    pairs = zip(old, counts, strict=True)
    lacks = [any(row[columns[key]] is None for key in told) if told else bool(keyed) and n == 1 for row, n in pairs]
    return [count > 0 and (without or lack) for count, without, lack in zip(counts, keyless, lacks, strict=True)]


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
    return Plan(sheet, table, first, [*range(table.rows)], table.rows, values, keys, [], span, old, False, ours)


def nothing(table: Table) -> Frame:
    """A frame that writes nothing: planning it tells where a table is."""
    return Frame.of((), [] if table.anchor else [table.fields[0].key])
