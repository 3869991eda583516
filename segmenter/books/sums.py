"""What a formula comes to that is one function over one range of its own sheet: a sum, a mean, a count.

Of each column it is known up to every row what its numbers add up to, exactly: however many formulas ask, each is told
in no time, though all of them add up everything above.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from segmenter.books import calc, refs
from segmenter.books.refs import Area
from segmenter.books.region import ListObject
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet

VALUE: Final = rb"(?s)<((?:[^\s<>/:]+:)?)v\b[^>]*(?:/>|>.*?</\1v\s*>)"
"""the result in a formula cell"""
_PLAIN: Final = re.compile(
    r"\s*(?:(SUM|AVERAGE|COUNT|COUNTA|MAX|MIN)\(|SUBTOTAL\(\s*((?:10)?[1-59])\s*,)"
    r"\s*(?:(\$?[A-Z]{1,3}\$?[0-9]{1,7}(?::\$?[A-Z]{1,3}\$?[0-9]{1,7})?|\$?[A-Z]{1,3}:\$?[A-Z]{1,3})"
    r"|([^\W\d][\w.]*)?\[([^\[\]'#@]+)\])\s*\)\s*",
    re.IGNORECASE,
)
"""one function over one range: of cells, or of a column of an Excel table"""
_SUBTOTALS: Final = {1: "AVERAGE", 2: "COUNT", 3: "COUNTA", 4: "MAX", 5: "MIN", 9: "SUM"}
"""what the first argument of SUBTOTAL stands for; 100 more leaves out rows that are hidden by hand as well"""
_TOTALS: Final = ("TOTAL(", "AGGREGATE(")
"""functions of which SUBTOTAL leaves out the results"""
_NO_NUMBERS: Final = frozenset({b"s", b"str", b"inlineStr", b"b"})
"""kinds of cells that these functions leave out; COUNTA counts them"""
_FEW: Final = 64
"""numbers that are added up at once"""
_SAME: Final = 1e-12
"""relative; programs add up in different ways"""
_UNIT: Final = 1074
"""all numbers are whole multiples of 2 to the power of minus this"""


def has_result(cell: Cell) -> bool:
    """Whether a formula cell was saved with a result."""
    return re.search(VALUE, cell.inner) is not None


def holds(sheet: Sheet, cell: Cell, value: float) -> bool:
    """Whether a formula cell was saved with a result, as good as any program works it out."""
    held = sheet.value_of(cell) if cell.kind == b"n" else None
    return isinstance(held, float) and math.isclose(held, value, rel_tol=_SAME)


class Plain(NamedTuple):
    """What a formula asks for that is one function over one range of its own sheet."""

    function: str
    area: Area
    of_all: bool
    """whether hidden rows count, and other totals"""


def plain(sheet: Sheet, cell: Cell, tables: Collection[ListObject]) -> Plain | None:
    """A formula cell as such a formula; None when it is another, or reads itself. `tables`: those of the sheet."""
    found = _PLAIN.fullmatch(calc.spelt(sheet, cell))
    if found is None or cell.formula is None or cell.formula[0].get(b"t") in (b"array", b"dataTable"):
        return None
    function, number, where, table, column = found.groups()
    name = function.upper() if function else _SUBTOTALS[int(number) % 100]
    place = calc.place(cell)
    area = refs.area(where) if where else _column(place, tables, table, column)
    # what only looks like a cell is a name: no sheet has so many columns as to have YTD2024, nor a row 0
    if area is None or area.top < 0 or area.bottom >= refs.MAX_ROWS or area.right >= refs.MAX_COLUMNS:
        return None
    return None if area.meets(place) else Plain(name, area, bool(function))


def _column(place: Area, tables: Collection[ListObject], name: str | None, column: str) -> Area | None:
    """A column of the Excel table that is called so, or the cell is in."""
    for one in tables:
        if one.name.casefold() == name.casefold() if name else one.area.meets(place):
            return one.column(column)
    return None


class Sums:
    """What such formulas come to on a sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._known: dict[int, _Column] = {}
        self._spread: list[Area] = []
        """cells that forgotten formulas fill, nobody knows how many of them any more"""

    @cached_property
    def _cells(self) -> dict[int, list[Cell]]:
        """The cells that hold something, by column."""
        found: dict[int, list[Cell]] = {}
        for row in self._sheet.rows.values():
            for column, cell in row.cells.items():
                if not cell.blank:
                    found.setdefault(column, []).append(cell)
        return found

    def _column(self, number: int) -> _Column:
        if number not in self._known:
            self._known[number] = _Column(self._sheet, self._cells.get(number, ()))
        return self._known[number]

    def forget(self, cell: Cell) -> None:
        """Nobody knows what a formula comes to now, nor what it spreads over other cells."""
        self._column(cell.column).put(cell.row, None)
        if (area := calc.filled(cell)) != calc.place(cell):
            self._spread.append(area)

    def results(self, asked: Mapping[Cell, Plain]) -> dict[Cell, float]:
        """What some of them come to, as far as it can be told. One may read another: what that was saved with where it
        holds, for so it stays, and what little it is off may be all that is left of a difference."""
        found: dict[Cell, float] = {}
        waiting = [*asked]
        before = len(waiting) + 1
        while len(waiting) < before:
            before, left = len(waiting), []
            for cell in waiting:
                if (value := self.result(asked[cell])) is None:
                    left.append(cell)
                else:
                    held = self._sheet.value_of(cell) if holds(self._sheet, cell, value) else None
                    self._column(cell.column).put(cell.row, held if isinstance(held, float) else value)
                    found[cell] = value
            waiting = left[::-1]  # each may read the next one
        return found

    def result(self, asked: Plain) -> float | None:
        """What a formula comes to; None where that cannot be told: it reads an error, or a cell saved without a result;
        or hidden rows, or totals, of which some are left out; or the numbers are too large."""
        function, area, of_all = asked
        rows = area.top, area.bottom
        columns = [self._column(number) for number in {*self._cells, *self._known} if area.left <= number <= area.right]
        if not of_all and (_count(self._sheet.hidden, rows) or any(_count(one.totals, rows) for one in columns)):
            return None
        if any(one.meets(area) for one in self._spread):
            return None
        if function == "COUNTA":
            return float(sum(_count(one.filled, rows) for one in columns))
        if any(_count(one.unknown, rows) for one in columns):
            return None
        count = sum(_count(one.rows, rows) for one in columns)
        if function == "COUNT":
            return float(count)
        if any(_count(one.errors, rows) for one in columns):
            return None
        if function in ("MAX", "MIN"):
            best = max if function == "MAX" else min
            return best((best(numbers) for one in columns if (numbers := one.between(rows))), default=0.0)
        return _mean(columns, rows, 1 if function == "SUM" else count)


class _Column:
    """What stands in a column, in order. Each list is of rows, but `numbers`, which are those in `rows`."""

    def __init__(self, sheet: Sheet, cells: Iterable[Cell]) -> None:
        self._sheet = sheet
        self.filled: list[int] = []
        self.rows: list[int] = []
        self.numbers: list[float] = []
        self.errors: list[int] = []
        self.unknown: list[int] = []
        self._formulas: list[Cell] = []
        self._sums = [0]
        """what the first numbers add up to: none, one, two and so on, as far as it was asked for"""
        start = b"<" + sheet.prefix.encode() + b"f"
        for cell in cells:
            self.filled.append(cell.row)
            calculates = start in cell.inner and cell.formula is not None
            if calculates:
                self._formulas.append(cell)
            if calculates and not has_result(cell):
                self.unknown.append(cell.row)
            elif cell.kind not in _NO_NUMBERS:
                value = sheet.value_of(cell)
                if isinstance(value, float) and math.isfinite(value):
                    self.rows.append(cell.row)
                    self.numbers.append(value)
                else:
                    (self.errors if cell.kind == b"e" else self.unknown).append(cell.row)

    @cached_property
    def totals(self) -> list[int]:
        """Formulas that SUBTOTAL leaves out."""
        texts = ((cell.row, calc.spelt(self._sheet, cell).upper()) for cell in self._formulas)
        return [row for row, text in texts if any(one in text for one in _TOTALS)]

    def put(self, row: int, value: float | None) -> None:
        """Have another number in a row; None: nobody knows what is there."""
        for rows in (self.errors, self.unknown):
            if (place := bisect_left(rows, row)) < len(rows) and rows[place] == row:
                del rows[place]
        place = bisect_left(self.rows, row)
        del self._sums[place + 1 :]
        if place < len(self.rows) and self.rows[place] == row:
            del self.rows[place], self.numbers[place]
        if value is not None:
            self.rows.insert(place, row)
            self.numbers.insert(place, value)
        else:
            insort(self.unknown, row)

    def between(self, rows: tuple[int, int]) -> list[float]:
        """The numbers from one row to another."""
        return self.numbers[bisect_left(self.rows, rows[0]) : bisect_right(self.rows, rows[1])]

    def sum(self, rows: tuple[int, int]) -> int:
        """What these add up to, exactly."""
        first, end = bisect_left(self.rows, rows[0]), bisect_right(self.rows, rows[1])
        for number in self.numbers[len(self._sums) - 1 : end]:
            whole, parts = number.as_integer_ratio()
            self._sums.append(self._sums[-1] + (whole << (_UNIT + 1 - parts.bit_length())))
        return self._sums[end] - self._sums[first]


def _count(rows: Sequence[int], between: tuple[int, int]) -> int:
    """How many of some rows, which are in order, are among others."""
    return bisect_right(rows, between[1]) - bisect_left(rows, between[0])


def _mean(columns: Sequence[_Column], rows: tuple[int, int], count: int) -> float | None:
    """What some numbers add up to, by their `count`; to the same digit however it is added up."""
    if not count:
        return None
    try:
        if sum(_count(one.rows, rows) for one in columns) <= _FEW:
            return math.fsum(number for one in columns for number in one.between(rows)) / count
        return sum(one.sum(rows) for one in columns) / (1 << _UNIT) / count
    except OverflowError:
        return None
