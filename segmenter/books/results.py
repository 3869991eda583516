"""Results of formulas that are old once what they read was written: which these are, what a plain sum comes to now, and
taking old ones out where the user asks for it."""

from __future__ import annotations

import math
import re
from bisect import bisect_right, insort
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Final, NamedTuple

from segmenter.books import calc, cells, refs
from segmenter.books.calc import Formula, Reference
from segmenter.books.refs import Area
from segmenter.books.region import ListObject
from segmenter.books.rowxml import Cell, Row
from segmenter.books.sheetxml import Sheet

_VALUE: Final = rb"(?s)<((?:[^\s<>/:]+:)?)v\b[^>]*(?:/>|>.*?</\1v\s*>)"
_FORMULA_CELL: Final = rb"(?s)<((?:[^\s<>/:]+:)?)c(?:\s[^>]*)?>\s*<\1f[\s>/](?:(?!</\1c\s*>).)*</\1c\s*>"
_CLOSE: Final = rb"</(?:[^\s<>/:]+:)?c\s*>\Z"
_HIDDEN: Final = re.compile(rb"\shidden\s*=\s*[\"'](?:1|true)")
_PLAIN: Final = re.compile(
    r"\s*(?:(SUM|AVERAGE|COUNT|COUNTA|MAX|MIN)\(|SUBTOTAL\(\s*((?:10)?[1-59])\s*,)"
    r"\s*(?:(\$?[A-Z]{1,3}\$?[0-9]{1,7}(?::\$?[A-Z]{1,3}\$?[0-9]{1,7})?|\$?[A-Z]{1,3}:\$?[A-Z]{1,3})"
    r"|([^\W\d][\w.]*)?\[([^\[\]'#@]+)\])\s*\)\s*",
    re.IGNORECASE,
)
"""one function over one range: of cells, or of a column of an Excel table"""
_SUBTOTALS: Final = {1: "AVERAGE", 2: "COUNT", 3: "COUNTA", 4: "MAX", 5: "MIN", 9: "SUM"}
"""what the first argument of SUBTOTAL stands for; 100 more leaves out rows that are hidden by hand as well"""
_FUNCTIONS: Final[Mapping[str, Callable[[Sequence[float]], float | None]]] = {
    "SUM": math.fsum,
    "AVERAGE": lambda numbers: math.fsum(numbers) / len(numbers) if numbers else None,
    "COUNT": len,
    "MAX": lambda numbers: max(numbers, default=0.0),
    "MIN": lambda numbers: min(numbers, default=0.0),
}
_NO_NUMBERS: Final = frozenset({b"s", b"str", b"inlineStr", b"b"})
"""kinds of cells that these functions leave out; COUNTA counts them"""
_SAME: Final = 1e-12
"""relative; programs add up in different ways"""


class Written:
    """The cells of a sheet that hold something else now."""

    def __init__(self) -> None:
        self.cells: set[tuple[int, int]] = set()
        """(row, column) of those with another value"""
        self.columns: list[Area] = []
        """whole columns of them"""
        self.went: list[Area] = []
        """rows of a list that stand elsewhere now, or no more"""
        self._added: dict[int, list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self.cells or self.columns or self.went)

    @cached_property
    def _runs(self) -> dict[int, tuple[list[int], list[int]]]:
        """The first and the last row of each run of cells with another value, by column."""
        found: dict[int, tuple[list[int], list[int]]] = {}
        for column, top, bottom in sorted(
            [*((c, row, row) for row, c in self.cells), *((one.left, one.top, one.bottom) for one in self.columns)]
        ):
            tops, bottoms = found.setdefault(column, ([], []))
            if bottoms and top <= bottoms[-1] + 1:
                bottoms[-1] = max(bottoms[-1], bottom)
            else:
                tops.append(top)
                bottoms.append(bottom)
        return found

    def add(self, cell: Cell) -> None:
        """Count a cell among them, whatever it holds."""
        insort(self._added.setdefault(cell.column, []), cell.row)

    def meets(self, read: Area, row: int | None) -> bool:
        """Whether one of the cells that a formula reads holds something else. What it reads in its own `row` went
        along with it."""
        if not read.top == read.bottom == row and any(one.meets(read) for one in self.went):
            return True
        runs = [*self._runs.items(), *((column, (rows, rows)) for column, rows in self._added.items())]
        for column, (tops, bottoms) in runs:
            if read.left <= column <= read.right:
                place = bisect_right(tops, read.bottom)
                if place and bottoms[place - 1] >= read.top:
                    return True
        return False


def stale(found: Mapping[str, Collection[Formula]], written: Mapping[str, Written]) -> dict[str, list[Cell]]:
    """By part, the cells of `found` that read a written cell (`written`: by sheet name casefolded), or read a cell that
    does; those without a result as well."""
    touched = {**written}
    old: dict[str, list[Cell]] = {}
    waiting = [(part, one) for part, each in found.items() for one in each]
    before = len(waiting) + 1
    while len(waiting) < before:
        before, left = len(waiting), []
        for part, one in waiting:
            if any(_is_touched(one, read, touched) for read in one.reads):
                old.setdefault(part, []).append(one.cell)
                touched.setdefault(one.sheet, Written()).add(one.cell)
            else:
                left.append((part, one))
        waiting = left
    return old


def _is_touched(one: Formula, read: Reference, touched: Mapping[str, Written]) -> bool:
    sheet = touched.get(read.sheet or one.sheet)
    return sheet is not None and sheet.meets(read.area, one.cell.row if read.sheet in ("", one.sheet) else None)


def has_result(cell: Cell) -> bool:
    """Whether a formula cell was saved with a result."""
    return re.search(_VALUE, cell.inner) is not None


class Plain(NamedTuple):
    """What a formula asks for that is one function over one range of its own sheet."""

    function: str
    area: Area
    of_all: bool
    """whether hidden rows count, and other totals"""


def plain(sheet: Sheet, cell: Cell, tables: Collection[ListObject]) -> Plain | None:
    """A formula cell as such a formula; None when it is another. `tables`: those of the sheet."""
    found = _PLAIN.fullmatch(calc.spelt(sheet, cell))
    if found is None or cell.formula is None or cell.formula[0].get(b"t") in (b"array", b"dataTable"):
        return None
    function, number, where, table, column = found.groups()
    name = function.upper() if function else _SUBTOTALS[int(number) % 100]
    area = refs.area(where) if where else _column(cell, tables, table, column)
    return Plain(name, area, bool(function)) if area else None


def _column(cell: Cell, tables: Collection[ListObject], name: str | None, column: str) -> Area | None:
    """A column of the Excel table that is called so, or the cell is in."""
    place = Area(cell.row, cell.column, cell.row, cell.column)
    for one in tables:
        if one.name.casefold() == name.casefold() if name else one.area.meets(place):
            return one.column(column)
    return None


def result(
    sheet: Sheet, asked: Plain, anew: Mapping[tuple[int, int], float | None] = MappingProxyType({})
) -> float | None:
    """What it comes to; None where that cannot be told: it reads an error, or a cell saved without a result; or hidden
    rows, or totals, of which some are left out. `anew`: what some cells hold now, None where nobody knows."""
    function, area, of_all = asked
    count, numbers = 0, list[float]()
    for row in _rows(sheet, area):
        if not of_all and _HIDDEN.search(row.attributes):
            return None
        for cell in _cells(row, area):
            where = (cell.row, cell.column)
            if cell.formula and where not in anew and not has_result(cell):
                return None
            if cell.formula and not of_all and "TOTAL(" in calc.spelt(sheet, cell).upper():
                return None
            count += 1
            if where not in anew and (function == "COUNTA" or cell.kind in _NO_NUMBERS):
                continue
            value = anew[where] if where in anew else sheet.value_of(cell)
            if not isinstance(value, float):
                return None
            numbers.append(value)
    return float(count) if function == "COUNTA" else _FUNCTIONS[function](numbers)


def _rows(sheet: Sheet, area: Area) -> Iterator[Row]:
    rows = range(area.top, area.bottom + 1)
    if len(rows) > len(sheet.rows):
        return (row for row in sheet.rows.values() if row.number in rows)
    return (sheet.rows[number] for number in rows if number in sheet.rows)


def _cells(row: Row, area: Area) -> Iterator[Cell]:
    columns = range(area.left, area.right + 1)
    for column in columns if len(columns) < len(row.cells) else row.cells:
        if column in columns and column in row.cells and not row.cells[column].blank:
            yield row.cells[column]


def renewed(sheet: Sheet, old: Collection[Cell], tables: Collection[ListObject]) -> dict[Cell, float]:
    """What those of the formula cells with an old result come to now that are plain sums and the like. One may read
    another."""
    asked = {cell: one for cell in old if (one := plain(sheet, cell, tables))}
    anew: dict[tuple[int, int], float | None] = {(cell.row, cell.column): None for cell in old}
    found: dict[Cell, float] = {}
    before = -1
    while len(found) > before:
        before = len(found)
        for cell, one in asked.items():
            if cell not in found and (value := result(sheet, one, anew)) is not None:
                anew[cell.row, cell.column] = found[cell] = value
    return found


def with_result(sheet: Sheet, value: float, raw: bytes) -> bytes:
    """A formula cell's bytes with another result."""
    shown = f"<{sheet.prefix}v>{cells.number(value)}</{sheet.prefix}v>".encode()
    return re.sub(_CLOSE, lambda close: shown + close[0], sheet.uncached(raw))


def without_result(raw: bytes) -> bytes:
    """A formula cell's bytes with its result taken out, nothing else."""
    return re.sub(_VALUE, b"", raw)


def holds(sheet: Sheet, cell: Cell, value: float) -> bool:
    """Whether a formula cell was saved with a result, as good as any program works it out."""
    held = sheet.value_of(cell) if cell.kind == b"n" else None
    return isinstance(held, float) and math.isclose(held, value, rel_tol=_SAME)


def rewritten(sheet: Sheet, make: Mapping[Cell, Callable[[bytes], bytes]]) -> bytes:
    """A sheet part with some cells made anew from what they are written as, nothing else."""
    found: list[bytes] = []
    data, copied, start = sheet.data, 0, sheet.start
    numbers = {cell.row for cell in make}
    for row in sheet.rows.values():
        start = data.index(row.raw, start)
        at = start
        for cell in row.cells.values() if row.number in numbers else ():
            raw = cell.raw if cell.raw in row.raw else re.sub(rb' r="[A-Z]+[0-9]+"', b"", cell.raw, count=1)
            at = data.index(raw, at)
            if cell in make:
                found += [data[copied:at], make[cell](raw)]
                copied = at + len(raw)
            at += len(raw)
        start += len(row.raw)
    return b"".join([*found, data[copied:]])


def wrongly_dropped(was: Sheet, now: Sheet, cells: Collection[Cell] | None) -> str:
    """The first thing about a sheet that changed, results of formula cells that were taken out aside; of those `cells`
    all have to be, and no others. None: nobody knows which."""
    old, new = (re.sub(_FORMULA_CELL, lambda cell: re.sub(_VALUE, b"", cell[0]), one.data) for one in (was, now))
    if old != new:
        return "changed"
    wanted = None if cells is None else {cell.where for cell in cells}
    for cell in was.formulas():
        found = now.rows[cell.row].cells[cell.column]
        gone = found.raw != cell.raw
        if (gone and re.search(_VALUE, found.inner)) or (wanted is not None and gone != (cell.where in wanted)):
            return cell.where
    return ""
