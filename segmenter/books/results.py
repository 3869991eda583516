"""Results of formulas that are old once what they read was written: which these are, what a plain sum comes to now, and
taking old ones out where the user asks for it."""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

from segmenter.books import calc, cells, sums
from segmenter.books.calc import Formula, Reference
from segmenter.books.refs import Area
from segmenter.books.region import ListObject
from segmenter.books.rowxml import FORMULA, Cell
from segmenter.books.sheetxml import Sheet


class Written:
    """The cells of a sheet that hold something else now."""

    def __init__(self) -> None:
        self.cells: set[tuple[int, int]] = set()
        """(row, column) of those with another value"""
        self.columns: list[Area] = []
        """whole columns of them"""
        self.went: list[Area] = []
        """rows of a list that stand elsewhere now, or no more"""
        self.moved: list[tuple[Collection[int], Area]] = []
        """rows that stood elsewhere, and around where"""
        self.copied: list[tuple[Collection[int], Area]] = []
        """rows to which formulas were copied from another one, and the list they are of"""
        self.shown: set[int] = set()
        """rows that were hidden and are not any more, or the other way round"""
        self._added: dict[int, list[int]] = {}
        self._filled: list[Area] = []
        """by formulas that fill several cells"""

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
        """Count a formula cell among them, whatever it holds, and those that it fills besides."""
        if (area := calc.filled(cell)) == calc.place(cell):
            insort(self._added.setdefault(cell.column, []), cell.row)
        else:
            self._filled.append(area)

    def meets(self, read: Area, place: Area | None) -> bool:
        """Whether one of the cells that a formula reads holds something else. What one in the rows of a list (`place`:
        where it stands, if on this sheet) reads of its own row went along with it."""
        if any(one.meets(read) and not (place and _goes_along(read, place, one)) for one in self.went):
            return True
        if any(one.meets(read) for one in self._filled):
            return True
        runs = [*self._runs.items(), *((column, (rows, rows)) for column, rows in self._added.items())]
        for column, (tops, bottoms) in runs:
            if read.left <= column <= read.right:
                last = bisect_right(tops, read.bottom)
                if last and bottoms[last - 1] >= read.top:
                    return True
        return False


def stale(found: Mapping[str, Collection[Formula]], written: Mapping[str, Written]) -> dict[str, list[Cell]]:
    """By part, the cells of `found` that read a written cell (`written`: by sheet name casefolded), or read a cell that
    does; those without a result as well."""
    touched = {**written}
    old: dict[str, list[Cell]] = {}
    waiting = _in_order([(part, one) for part, each in found.items() for one in each])
    before = len(waiting) + 1
    while len(waiting) < before:
        before, left = len(waiting), []
        for part, one in waiting:
            if (
                _is_new(one, written)
                or _stands_elsewhere(one, touched)
                or (one.skips_hidden and any(_is_shown(one, read, written) for read in one.reads))
                or any(_is_touched(one, read, touched) for read in one.reads)
            ):
                old.setdefault(part, []).append(one.cell)
                touched.setdefault(one.sheet, Written()).add(one.cell)
            else:
                left.append((part, one))
        waiting = left[::-1]  # each may read the next one
    return old


def _in_order(found: Sequence[tuple[str, Formula]]) -> list[tuple[str, Formula]]:
    """Formulas with their parts, each behind the single cells that it reads: however these stand on their sheets, one
    pass tells all of a chain."""
    places = {(one.sheet, calc.place(one.cell)): n for n, (_, one) in enumerate(found)}
    ordered: dict[int, None] = {}
    met = set[int]()
    for start in range(len(found)):
        stack = [start]
        while stack:
            if (n := stack[-1]) in met:
                ordered.setdefault(stack.pop())
                continue
            met.add(n)
            _, one = found[n]
            reads = (places.get((read.sheet or one.sheet, read.area)) for read in one.reads)
            stack += [read for read in reads if read is not None and read not in met]
    return [found[n] for n in ordered]


def _is_new(one: Formula, written: Mapping[str, Written]) -> bool:
    """Whether a formula is in a row that came: whoever reads it reads another cell now."""
    return one.sheet in written and (one.cell.row, one.cell.column) in written[one.sheet].cells


def _stands_elsewhere(one: Formula, touched: Mapping[str, Written]) -> bool:
    """Whether a formula that says where cells stand is in a row that stands elsewhere now."""
    place, own = calc.place(one.cell), touched.get(one.sheet) if one.asks_row else None
    return own is not None and any(place.top in rows and area.meets(place) for rows, area in own.moved)


def _is_shown(one: Formula, read: Reference, written: Mapping[str, Written]) -> bool:
    """Whether one of the rows that a formula reads is hidden now or is no longer: with a customer who moved or left,
    also where the cells that are read stay beside the list."""
    sheets = [*written.values()] if calc.ANY in read.sheet else [written.get(read.sheet or one.sheet)]
    area = read.area
    return any(area.top <= row <= area.bottom for each in sheets if each for row in each.shown)


def _is_touched(one: Formula, read: Reference, touched: Mapping[str, Written]) -> bool:
    place = calc.place(one.cell)
    own = touched.get(one.sheet) if read.relative else None
    is_here = read.sheet in ("", one.sheet)
    for rows, area in own.copied if own else ():
        copied = one.cell.row in rows and area.meets(place)
        if copied and not (is_here and _goes_along(read.area, place, area)):
            return True
    if calc.ANY in read.sheet:
        return any(each.meets(read.area, None) for each in touched.values())
    sheet = touched.get(read.sheet or one.sheet)
    return sheet is not None and sheet.meets(read.area, place if is_here else None)


def _goes_along(read: Area, place: Area, rows: Area) -> bool:
    """Whether a formula in one of the `rows` of a list reads cells of just this row."""
    inside = rows.left <= read.left and read.right <= rows.right
    return read.top == read.bottom == place.top and inside and rows.meets(place)


def renewed(sheet: Sheet, old: Collection[Cell], tables: Collection[ListObject]) -> dict[Cell, float]:
    """What those of the formula cells with an old result come to now that are plain sums and the like."""
    asked = {cell: one for cell in old if (one := sums.plain(sheet, cell, tables))}
    known = sums.Sums(sheet)
    for cell in old if asked else ():
        known.forget(cell)
    return known.results(asked)


def shown(sheet: Sheet, cell: Cell) -> list[Cell]:
    """The cells that show what a formula comes to: its own, and those that an array fills."""
    area = calc.filled(cell)
    if area == calc.place(cell):
        return [cell]
    rows = (row for number, row in sheet.rows.items() if area.top <= number <= area.bottom)
    inside = (one for row in rows for one in row.cells.values() if area.left <= one.column <= area.right)
    return [cell, *(one for one in inside if one.formula is None and one.kind != b"s" and sums.has_result(one))]


def with_result(sheet: Sheet, value: float, raw: bytes) -> bytes:
    """A formula cell's bytes with another result."""
    shown = f"<{sheet.prefix}v>{cells.number(value)}</{sheet.prefix}v>".encode()
    return FORMULA.sub(lambda formula: formula[0] + shown, sheet.uncached(raw), count=1)


def without_result(raw: bytes) -> bytes:
    """A formula cell's bytes with its result taken out, nothing else."""
    return re.sub(sums.VALUE, b"", raw)


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
    """The first thing about a sheet that changed, results of formulas that were taken out aside; of those `cells` all
    have to be, and no others. None: nobody knows which."""
    shows = {(one.row, one.column): one for cell in was.formulas() for one in shown(was, cell)}
    there = {place: row.cells.get(place[1]) for place in shows if (row := now.rows.get(place[0]))}
    gone = [one for place, one in shows.items() if (cell := there.get(place)) and cell.raw != one.raw]
    if rewritten(was, dict.fromkeys(gone, without_result)) != now.data:
        return "changed"
    wrong = {one.where for one in gone} ^ {one.where for one in (gone if cells is None else cells)}
    return min(wrong, default="")
