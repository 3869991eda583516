"""From what stands in the cells to typed rows: a `Grid` becomes an `Intake`, and every row of it is accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter import schema, texts, values
from segmenter.books import Grid
from segmenter.cells import address, letter
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.headers import locate
from segmenter.schema import Table

LISTED: Final = 1000
"""so many findings of one kind and column are listed one by one; beyond, the first stands for all, with the count"""
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


@dataclass(frozen=True)
class Intake:
    """The rows of a table, typed. `frame`: index = row number on the sheet (from 1), columns = field keys found;
    numbers float64, days datetime64[s], text and IDs str ("" where empty)."""

    sheet: str
    frame: DataFrame
    columns: Mapping[str, str]
    """field key -> column letter"""
    findings: tuple[Finding, ...]
    excluded: Mapping[int, str]
    """row number -> finding code, for rows that are not in `frame`"""
    rows_in: int

    def cell(self, row: int, key: str) -> str:
        """Address of a field's cell in a row; "" when the sheet lacks the column."""
        return f"{self.columns[key]}{row}" if key in self.columns else ""


def take(grid: Grid, table: Table, lang: str) -> Intake:
    """The typed rows of `grid` as `table`.

    Refused when the header cannot be found, a column can be read two ways, or cells the result stands on hold
    formulas nobody has computed yet.
    """
    header_row, columns = locate(grid, table)
    first = header_row + 1
    findings = _header_findings(grid, table, header_row, columns, lang)
    raw = {key: _filled(grid, table, key, column, first) for key, column in columns.items()}
    _refuse_uncached(grid, table, columns)

    used = np.zeros(max(grid.height - first, 0), dtype=bool)
    for column in raw.values():
        used |= ~values.empty(column)
    for row, column_number in grid.errors:
        if row >= first and column_number in columns.values():
            used[row - first] = True
    last = int(np.flatnonzero(used)[-1]) + 1 if used.any() else 0
    if last and not used[:last].all():
        findings.append(Finding("blank_rows", grid.sheet, params={"count": int(last - used.sum())}))
    hidden = sum(1 for row in grid.hidden_rows if row >= first and row - first < last and used[row - first])
    if hidden:
        findings.append(Finding("rows_hidden", grid.sheet, params={"hidden": hidden, "rows": int(used.sum())}))
    if grid.hidden:
        findings.append(Finding("sheet_hidden", grid.sheet))

    numbers = np.flatnonzero(used)
    excluded: dict[int, str] = {}
    for position in _totals(grid, table, raw, numbers, first, columns):
        row = first + position
        excluded[row + 1] = "total_row"
        cell = address(row, columns[table.key_field or "customer_id"])
        findings.append(Finding("total_row", grid.sheet, cell, _shown(raw, columns, position, table)))
    numbers = np.array([n for n in numbers.tolist() if first + n + 1 not in excluded], dtype=int)

    typed: dict[str, Any] = {}
    for key, values_raw in raw.items():
        field = table[key]
        column = _read(values_raw[numbers], field, grid, lambda p, c=columns[key]: address(first + int(numbers[p]), c))
        typed[key] = column.values
        lost = [position for position, code in column.problems.items() if code == "id_too_long"]
        if lost and key == "customer_id":
            where = [address(first + int(numbers[position]), columns[key]) for position in lost]
            value = _text(values_raw[numbers[lost[0]]])
            raise Refused(
                "id_too_long", sheet=grid.sheet, cell=where[0], value=value, count=len(lost), cells=", ".join(where[:5])
            )
        error_at = {first + int(n): p for p, n in enumerate(numbers)}
        broken = {error_at[r]: code for (r, c), code in grid.errors.items() if c == columns[key] and r in error_at}
        problems = {**column.problems, **dict.fromkeys(broken, "cell_error")}
        critical = key in CRITICAL.get(table.key, ())
        for position, code in problems.items():
            if critical:
                excluded.setdefault(first + int(numbers[position]) + 1, code)

        def finding(
            position: int, code: str, _key: str = key, _broken: Mapping[int, str] = broken, _critical: bool = critical
        ) -> Finding:
            row = first + int(numbers[position])
            value = _broken.get(position) or _text(raw[_key][numbers[position]])
            done = texts.say("done.excluded" if _critical else "done.blank", lang)
            return Finding(
                code, grid.sheet, address(row, columns[_key]), value, {"done": done, "header": table[_key].header[lang]}
            )

        findings += _listed(problems, finding)
        findings += _counted(column.notes, finding)
    frame = DataFrame(typed, index=pd.Index(numbers + first + 1, name="row"))
    more = _without_id(frame, grid.sheet, columns, excluded) if table.key == "customers" else []
    frame = frame[~frame.index.isin(list(excluded))]
    return Intake(
        sheet=grid.sheet,
        frame=frame,
        columns={key: letter(column) for key, column in columns.items()},
        findings=(*findings, *more),
        excluded=excluded,
        rows_in=int(used.sum()),
    )


def _header_findings(grid: Grid, table: Table, header_row: int, columns: Mapping[str, int], lang: str) -> list[Finding]:
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
        code = "header_alias" if values.plain(header) == header else "header_cleaned"
        found.append(Finding(code, grid.sheet, address(header_row, column), header, {"header": field.header[lang]}))
    return found


def _filled(grid: Grid, table: Table, key: str, column: int, first: int) -> Any:
    """A column's values; cells merged downwards take the value of the first for describing columns."""
    found = grid.column(column, first)
    for top, left, bottom, right in grid.merged:
        if bottom > top >= first and left <= column <= right and top - first < len(found):
            where = f"{address(top, left)}:{address(bottom, right)}"
            if key in CRITICAL.get(table.key, ()):
                raise Refused("merged", sheet=grid.sheet, cell=where)
            found = found.astype(object)
            found[top - first : bottom - first + 1] = found[top - first]
    return found


def _refuse_uncached(grid: Grid, table: Table, columns: Mapping[str, int]) -> None:
    needed = {columns[key]: key for key in CRITICAL.get(table.key, ()) if key in columns}
    found = sorted(place for place in grid.uncached if place[1] in needed)
    if found:
        raise Refused("uncached", sheet=grid.sheet, cell=address(*found[0]), count=len(found))


def _read(raw: Any, field: schema.Field, grid: Grid, where: Callable[[int], str]) -> values.Column:
    try:
        return values.read(raw, field)
    except values.Ambiguous as doubt:
        a, b = doubt.positions
        raise Refused(
            f"ambiguous_{doubt.key}",
            sheet=grid.sheet,
            cell=where(a),
            value=raw[a],
            other_cell=where(b),
            other=raw[b],
        ) from None


def _listed(problems: Mapping[int, str], finding: Callable[[int, str], Finding]) -> list[Finding]:
    """One finding a cell; where there are too many of a kind, the first stands for all."""
    by_code: dict[str, list[int]] = {}
    for position, code in problems.items():
        by_code.setdefault(code, []).append(position)
    found: list[Finding] = []
    for code, positions in by_code.items():
        if len(positions) <= LISTED:
            found += [finding(position, code) for position in positions]
        else:
            found += _counted({code: (positions[0], len(positions))}, finding)
    return found


def _counted(notes: Mapping[str, tuple[int, int]], finding: Callable[[int, str], Finding]) -> Iterable[Finding]:
    """One finding a kind, at its first cell, with the count."""
    for code, (position, count) in notes.items():
        first = finding(position, code)
        yield replace(first, params={**first.params, "count": count})


def _text(value: Any) -> str:
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return "" if value is None else str(value)


def _shown(raw: Mapping[str, Any], columns: Mapping[str, int], position: int, table: Table) -> str:
    return " ".join(_text(column[position]) for column in raw.values() if not values.is_empty(column[position]))[:80]


def _totals(
    grid: Grid, table: Table, raw: Mapping[str, Any], numbers: Any, first: int, columns: Mapping[str, int]
) -> list[int]:
    """Positions of total and subtotal rows: they say so, or they lack an ID and their amount is the sum above."""
    words = {schema.fold(word) for word in texts.load("schema.toml")["total_words"]}
    key = "customer_id"
    found = [] if grid.totals_row is None else [grid.totals_row - first]
    amount_key = next((k for k in ("total_amount", "amount") if k in raw), None)
    amounts = values.numbers(raw[amount_key]).values if amount_key and _has_blank_id(raw[key], numbers) else None
    worded: dict[int, str] = {}
    for name, column in raw.items():
        if column.dtype == object:
            said = {v for v in pd.unique(column[numbers]) if isinstance(v, str) and schema.fold(v) in words}
            for position in numbers[np.isin(column[numbers].astype(str), list(said))].tolist() if said else ():
                worded.setdefault(position, name)
    for position, name in worded.items():
        if name != key and not values.is_empty(raw[key][position]) and schema.fold(raw[key][position]) not in words:
            raise Refused(
                "total_with_id",
                sheet=grid.sheet,
                cell=address(first + position, columns[name]),
                value=raw[name][position],
            )
        found.append(position)
    if amounts is not None:
        above = np.nancumsum(np.where(np.isin(np.arange(len(amounts)), numbers), amounts, 0.0))
        for position in numbers.tolist():
            is_sum = position > 1 and abs(amounts[position] - above[position - 1]) < 0.005 and amounts[position] != 0
            if position not in found and values.is_empty(raw[key][position]) and is_sum:
                found.append(position)
    return sorted({position for position in found if position in set(numbers.tolist())})


def _has_blank_id(ids: Any, numbers: Any) -> bool:
    return bool(values.empty(ids)[numbers].any())


def _without_id(frame: DataFrame, sheet: str, columns: Mapping[str, int], excluded: dict[int, str]) -> list[Finding]:
    """Customers without an ID are left out and listed; a sheet that lacks too many is refused."""
    empty = frame.index[(frame["customer_id"] == "") & ~frame.index.isin(list(excluded))]
    if not len(empty):
        return []
    column = letter(columns["customer_id"])
    if len(empty) > EMPTY_IDS * len(frame):
        raise Refused("empty_ids", sheet=sheet, cell=f"{column}{empty[0]}", count=len(empty), rows=len(frame))
    excluded.update(dict.fromkeys(empty.tolist(), "empty_id"))
    rows = dict.fromkeys(range(len(empty)), "empty_id")
    return _listed(rows, lambda position, code: Finding(code, sheet, f"{column}{empty[position]}"))


def as_typed(grid: Grid, table: Table) -> DataFrame:
    """The rows of a table as they stand, nothing interpreted: columns = field keys found, index = row number on the
    sheet, rows without anything in them left out."""
    header_row, columns = locate(grid, table)
    frame = DataFrame({key: pd.Series(grid.column(c, header_row + 1), dtype=object) for key, c in columns.items()})
    frame.index = pd.Index(range(header_row + 2, header_row + 2 + len(frame)), name="row")
    return frame[~frame.map(values.is_empty).all(axis=1)]
