"""From what stands in the cells to typed rows: a `Grid` becomes an `Intake`, and every row of it is accounted for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import schema, texts
from segmenter.books import Grid
from segmenter.cells import address, letter
from segmenter.errors import Refused
from segmenter.findings import Finding, listed
from segmenter.frames import Frame
from segmenter.reading import footers, values
from segmenter.reading.column import Raw, plain
from segmenter.reading.headers import locate
from segmenter.schema import Table

EMPTY_IDS: Final = 0.05
"""a customer sheet that lacks more of its IDs than this is refused"""
CRITICAL: Final[Mapping[str, tuple[str, ...]]] = {
    "customers": (
        "customer_id",
        "frequency",
        "average_order_value",
        "total_amount",
        "window_amount",
        "last_order_date",
        "days_since_last_order",
    ),
    "orders": ("customer_id", "ordered_on", "amount", "quantity", "unit_price"),
}
"""columns the result stands on: a row with a value there that cannot be used is left out, and listed"""


class Intake(NamedTuple):
    """The rows of a table, typed. `frame`: index = row number on the sheet (from 1), columns = field keys found;
    numbers float64, days datetime64[s], text and IDs str ("" where empty)."""

    sheet: str
    frame: Frame
    columns: Mapping[str, str]
    """field key -> column letter"""
    findings: tuple[Finding, ...]
    excluded: Mapping[int, str]
    """row number -> finding code, for rows that are not in `frame`"""
    rows_in: int

    def cell(self, row: int, key: str) -> str:
        """Address of a field's cell in a row; "" when the sheet lacks the column."""
        return f"{self.columns[key]}{row}" if key in self.columns else ""


def take(grid: Grid, table: Table, spare: Collection[str] = ()) -> Intake:
    """The typed rows of `grid` as `table`. `spare`: keys of customers whose other columns come from their orders, so
    that a cell there that cannot be used is no reason to leave them out.

    Refused when the header cannot be found, a column can be read two ways, or cells hold formulas nobody has computed
    yet.
    """
    header_row, columns = locate(grid, table)
    first = header_row + 1
    _refuse_uncached(grid, columns, first)
    merged = _merged(grid, columns.values(), first)
    raw = {key: _filled(grid, merged, table, key, column, first) for key, column in columns.items()}
    empty = {key: column.empty for key, column in raw.items()}

    used = np.zeros(max(grid.height - first, 0), dtype=bool)
    for blank in empty.values():
        used |= ~blank
    for row, column_number in grid.errors:
        if first <= row < grid.height and column_number in columns.values():  # further below nothing is read
            used[row - first] = True
    findings = _header_findings(grid, table, header_row, columns) + _layout_findings(grid, used, first)

    letters = {key: letter(column) for key, column in columns.items()}
    if not used.any():
        return Intake(grid.sheet, Frame.of((), [*columns]), letters, tuple(findings), {}, 0)

    numbers = np.flatnonzero(used)
    excluded: dict[int, str] = {}
    for position, code in footers.found(grid, table, raw, numbers, first, columns, spare).items():
        cell = address(first + position, columns[table.key_field or "customer_id"])
        findings.append(Finding(code, grid.sheet, cell, _shown(raw, position)))
        excluded[first + position + 1] = code
    if excluded:
        numbers = numbers[~np.isin(numbers + first + 1, [*excluded])]

    places, rows = numbers + first, numbers + first + 1
    typed: dict[str, NDArray[Any]] = {}
    for key, place in columns.items():
        here = _Cells(grid, table[key], place, raw.pop(key).at(numbers), places)
        column = here.read()
        typed[key] = column.values
        broken = here.errors()
        problems = {**column.problems, **dict.fromkeys(broken, "cell_error")}
        if not problems and not column.notes:
            continue
        critical = np.full(len(numbers), key in CRITICAL.get(table.key, ()))
        if spare and key != "customer_id":
            critical &= np.array([one not in spare for one in values.keys(typed["customer_id"]).tolist()], dtype=bool)
        for code, positions in _by_code(problems).items():
            for row in rows[positions][critical[positions]].tolist():
                excluded.setdefault(row, code)
            findings += listed(positions, partial(here.finding, code=code, critical=critical, broken=broken))
        for code, (position, count) in column.notes.items():
            one = here.finding(position, code, critical)
            findings.append(one._replace(params={**one.params, "count": count}))
    if table.key == "customers":
        findings += _without_id(typed["customer_id"], rows, grid.sheet, columns, excluded)
    if excluded:
        kept = ~np.isin(rows, [*excluded])
        rows, typed = rows[kept], {key: cells[kept] for key, cells in typed.items()}
    return Intake(
        sheet=grid.sheet,
        frame=Frame(typed, rows),
        columns=letters,
        findings=tuple(findings),
        excluded=excluded,
        rows_in=int(used.sum()),
    )


class _Cells(NamedTuple):
    """One column of the rows that are read: its cells and their rows on the sheet (from 0)."""

    grid: Grid
    field: schema.Field
    column: int
    cells: Raw
    rows: NDArray[np.intp]

    def where(self, position: int) -> str:
        return address(int(self.rows[position]), self.column)

    def read(self) -> values.Column:
        """Its values; Refused where two readings are plausible, or IDs have lost their end."""
        try:
            column = values.read(self.cells, self.field)
        except values.Ambiguous as doubt:
            a, b = doubt.positions
            place = {"sheet": self.grid.sheet, "cell": self.where(a), "value": self.cells.cells[a]}
            other = {"other_cell": self.where(b), "other": self.cells.cells[b]}
            also = {lang: texts.say("also", lang, **other) if a != b else "" for lang in texts.LANGS}
            raise Refused(f"ambiguous_{doubt.key}", **place, **other, also=also) from None
        lost = [position for position, code in column.problems.items() if code == "id_too_long"]
        if lost and self.field.key == "customer_id":
            raise Refused(
                "id_too_long",
                sheet=self.grid.sheet,
                cell=self.where(lost[0]),
                value=_text(self.cells.cells[lost[0]]),
                count=len(lost),
                cells=", ".join(map(self.where, lost[:5])),
            )
        return column

    def errors(self) -> dict[int, str]:
        """Position -> Excel error of the cells that hold one."""
        found = {}
        for (row, column), code in self.grid.errors.items():
            position = int(np.searchsorted(self.rows, row))
            if column == self.column and position < len(self.rows) and self.rows[position] == row:
                found[position] = code
        return found

    def finding(
        self, position: int, code: str, critical: NDArray[np.bool_], broken: Mapping[int, str] = MappingProxyType({})
    ) -> Finding:
        value = broken.get(position) or _text(self.cells.cells[position])
        done = texts.both("done.excluded" if critical[position] else "done.blank")
        return Finding(code, self.grid.sheet, self.where(position), value, {"done": done, "header": self.field.header})


def _by_code(problems: Mapping[int, str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for position, code in problems.items():
        found.setdefault(code, []).append(position)
    return found


def _layout_findings(grid: Grid, used: NDArray[np.bool_], first: int) -> list[Finding]:
    """Rows below the Excel table, blank rows inside the data, hidden rows, a hidden sheet."""
    found = [] if grid.below is None else [Finding("rows_below", grid.sheet, params={"row": grid.height + 1})]
    last = int(np.flatnonzero(used)[-1]) + 1 if used.any() else 0
    if not used[:last].all():
        found.append(Finding("blank_rows", grid.sheet, params={"count": int(last - used.sum())}))
    hidden = sum(1 for row in grid.hidden_rows if 0 <= row - first < last and used[row - first])
    if hidden:
        found.append(Finding("rows_hidden", grid.sheet, params={"hidden": hidden, "rows": int(used.sum())}))
    return [*found, Finding("sheet_hidden", grid.sheet)] if grid.hidden else found


def groups_unread(grid: Grid | None) -> list[Finding]:
    """That something stands below the Excel table of the groups behind a gap, and was not read. It may go down."""
    return [] if grid is None or grid.below is None else [Finding("groups_below", grid.sheet)]


def _header_findings(grid: Grid, table: Table, header_row: int, columns: Mapping[str, int]) -> list[Finding]:
    """What was unusual about the header: its row, headers known by another name, headers with odd characters."""
    found = []
    heads = grid.head(header_row + 1)
    if header_row:
        found.append(Finding("header_row", grid.sheet, f"A{header_row + 1}", params={"row": header_row + 1}))
    for key, column in columns.items():
        header = str(heads[header_row][column] or "")
        field = table[key]
        if header in field.header.values():
            continue
        odd = plain(header) != header or "\n" in header
        same = odd and schema.fold(header) in map(schema.fold, field.header.values())
        code = "header_cleaned" if same else "header_alias"
        found.append(Finding(code, grid.sheet, address(header_row, column), header, {"header": field.header}))
    return found


def _merged(grid: Grid, columns: Collection[int], first: int) -> list[tuple[int, int, int, int]]:
    """The cells merged downwards from row `first` on, without those beside which nothing stands: notes of several
    lines."""

    def beside(top: int, bottom: int) -> int:
        rows = grid.rows[top : bottom + 1]
        return sum(column < len(row) and row[column] is not None for row in rows for column in columns)

    return [one for one in grid.merged if one[2] > one[0] >= first and beside(one[0], one[2]) > 1]


def _filled(
    grid: Grid, merged: Iterable[tuple[int, int, int, int]], table: Table, key: str, column: int, first: int
) -> Raw:
    """A column's values; cells merged downwards take the value of the first for describing columns."""
    found = grid.column(column, first)
    for top, left, bottom, right in merged:
        if left <= column <= right and top - first < len(found):
            where = f"{address(top, left)}:{address(bottom, right)}"
            if key in CRITICAL.get(table.key, ()):
                raise Refused("merged", sheet=grid.sheet, cell=where)
            found = found.astype(object)
            found[top - first : bottom - first + 1] = found[top - first]
    return Raw(found)


def _refuse_uncached(grid: Grid, columns: Mapping[str, int], first: int) -> None:
    found = sorted(place for place in grid.uncached if place[0] >= first and place[1] in columns.values())
    if found:
        raise Refused("uncached", sheet=grid.sheet, cell=address(*found[0]), count=len(found))


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if values.is_empty(value) else str(value)


def _shown(raw: Mapping[str, Raw], position: int) -> str:
    return " ".join(text for column in raw.values() if (text := _text(column.cells[position])))[:80]


def _without_id(
    ids: NDArray[Any], rows: NDArray[np.intp], sheet: str, columns: Mapping[str, int], excluded: dict[int, str]
) -> list[Finding]:
    """Customers without an ID are left out and listed; a sheet that lacks too many is refused."""
    empty = [row for row in rows[ids == ""].tolist() if row not in excluded]
    column = letter(columns["customer_id"])
    if len(empty) > EMPTY_IDS * len(rows):
        raise Refused("empty_ids", sheet=sheet, cell=f"{column}{empty[0]}", count=len(empty), rows=len(rows))
    excluded.update(dict.fromkeys(empty, "empty_id"))
    return listed(empty, lambda row: Finding("empty_id", sheet, f"{column}{row}"))


def as_typed(grid: Grid, table: Table) -> Frame:
    """The rows of a table as they stand, nothing interpreted: columns = field keys found, index = row number on the
    sheet, rows without anything in them left out."""
    rows, shown = typed_columns(grid, table)
    return Frame.of([*zip(*shown.values(), strict=True)], [*shown], np.array(rows, dtype=np.intp))


def typed_columns(grid: Grid, table: Table) -> tuple[list[int], dict[str, list[Any]]]:
    """The same as lists: row numbers on the sheet, and the cells by field key."""
    header_row, columns = locate(grid, table)
    raw = {key: grid.column(column, header_row + 1) for key, column in columns.items()}
    kept = np.flatnonzero(~np.logical_and.reduce([values.empty(cells) for cells in raw.values()]))
    shown = {key: [None if v != v else v for v in cells[kept].tolist()] for key, cells in raw.items()}
    return (kept + header_row + 2).tolist(), shown
