"""The part of the proof that looks into a sheet of ours: what was to be written is there, all else is as it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from segmenter.books import Formula, Grid, blocks, cells, region, rowproof, spans
from segmenter.books.cells import Plain
from segmenter.books.filling import Meant
from segmenter.books.index import Index, SheetEntry
from segmenter.books.region import key_of, match
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.cells import address
from segmenter.reading.headers import SEARCHED, locate
from segmenter.schema import fold, tables

_GROUPS: Final = (
    "conditionalFormatting",
    "dataValidations",
    "hyperlinks",
    "ignoredErrors",
    "protectedRanges",
    "extLst",
)
"""elements about cells: their ranges follow the rows, and they go when all their cells are gone"""
_RANGES: Final = re.compile(
    rb"(\s(?:sqref|ref|count)\s*=\s*)(?:\"[^\"]*\"|'[^']*')|(<(?:\w+:)?(?:sqref|f|formula[12]?)>)[^<]*"
)
_SHOWN: Final = 200


class Workbooks(NamedTuple):
    """A workbook before and after, and the formats its cells have then."""

    old: Index
    new: Index
    styles: Styles


def compare(before: bytes, after: bytes, entry: SheetEntry, books: Workbooks, meant: Sequence[Meant] | None) -> str:
    """The first thing that is wrong with a sheet of ours, "" when nothing is.

    `meant` is None when nobody knows what was to be written: then what the values are does not matter.
    """
    was = Sheet(before, entry.part, entry.name, books.old.strings)
    now = Sheet(after, entry.part, entry.name, books.new.strings)
    if wrong := _around(was.root, now.root):
        return wrong
    plans = list(_guess(was, now, entry, books) if meant is None else meant)
    if meant is not None and (wrong := next((one for plan in plans if (one := _values(was, now, plan, books))), "")):
        return wrong
    return _others(was, now, plans) or rowproof.wrong(was, now, plans, books.styles, known=meant is not None)


def _guess(was: Sheet, now: Sheet, entry: SheetEntry, books: Workbooks) -> Iterator[Meant]:
    """The tables a sheet of this name holds, and which row each row was, without knowing what was to be written."""
    grid = Grid(was.name, was.head(_SHOWN), merged=tuple(was.merged))
    for table in tables().values():
        if fold(was.name) not in {fold(name) for name in table.sheet.values()}:
            continue
        if table.anchor:
            row, column = blocks.anchor(grid, table)
            columns = {one.key: column + n for n, one in enumerate(table.fields)}
            yield Meant(table, columns, row + 1, dict.fromkeys(columns, ()), 0)
        else:
            header = locate(Grid(was.name, was.head(SEARCHED), merged=grid.merged), table)
            values = {key: () for key in header.columns if table[key].owner == "us"}
            regions = (
                region.find(sheet, header, region.listed(index, entry.part), table.key_field)
                for sheet, index in ((was, books.old), (now, books.new))
            )
            stood, stands = regions
            plan = Meant(table, header.columns, header.row + 1, values, 0, region=stood)
            yield plan._replace(slots=[*rowproof.guessed(was, now, plan, max(stands.last, plan.first))])


def _around(was: spans.Element, now: spans.Element) -> str:
    """What differs outside the rows, ranges that follow the rows aside."""
    old, new = _outlined(was), _outlined(now)
    for (name, raw), count in old.items():
        if new.get((name, raw), 0) < count and name not in _GROUPS:
            return f"<{name}>"
    for (name, raw), count in new.items():
        if old.get((name, raw), 0) < count and name != "dimension":
            return f"<{name}>"
    return ""


@lru_cache(64)
def _outlined(root: spans.Element) -> Mapping[tuple[str, bytes], int]:
    return Counter(_outline(root))


def _outline(root: spans.Element) -> Iterator[tuple[str, bytes]]:
    """Every element around the rows with the ranges blanked; groups item by item."""
    for one in root.children:
        if one.name in ("sheetData", "dimension"):
            continue
        if one.name in _GROUPS:
            for item in one.children or [one]:
                yield one.name, _RANGES.sub(rb"\1\2", item.raw)
        else:
            yield one.name, _RANGES.sub(rb"\1\2", one.raw) if one.name == "autoFilter" else one.raw


def _values(was: Sheet, now: Sheet, plan: Meant, books: Workbooks) -> str:
    """The first cell that does not hold what was to be written."""
    table, date1904 = plan.table, books.new.date1904
    numbers = range(plan.first, plan.first + len(plan.slots))
    if table.anchor:
        wanted = {key: [_at(values, slot.place) for slot in plan.slots] for key, values in plan.values.items()}
        return _differs(now, plan, numbers, wanted, date1904)
    if sorted(slot.place for slot in plan.slots if slot.place is not None) != [*range(plan.height)]:
        return f"{len(plan.slots)} < {plan.height}"
    if wrong := _exchanged(was, plan):
        return wrong
    rows = [*zip(numbers, plan.slots, strict=True)]
    there = [(number, slot.place) for number, slot in rows if slot.place is not None]
    wanted = {key: [values[place] for _, place in there] for key, values in plan.values.items()}
    left = [number for number, slot in rows if slot.place is None]
    emptied: dict[str, list[Plain]] = {key: [None] * len(left) for key in plan.computed}
    return _differs(now, plan, [number for number, _ in there], wanted, date1904) or _differs(
        now, plan, left, emptied, date1904
    )


def _at(values: Sequence[Plain], place: int | None) -> Plain:
    return None if place is None else values[place]


def _exchanged(was: Sheet, plan: Meant) -> str:
    """The first row that was to become the row of another key."""
    key = plan.table.key_field
    if key not in plan.values:
        return ""
    stayed = [(slot.source, slot.place) for slot in plan.slots if slot.source is not None and slot.place is not None]
    stood = map(key_of, was.column(plan.columns[key], [source for source, _ in stayed]))
    wanted = (key_of(_kept(plan.values[key][place], False)) for _, place in stayed)
    pairs = zip(stayed, stood, wanted, strict=True)
    return next((address(source, plan.columns[key]) for (source, _), one, other in pairs if one != other), "")


def _differs(
    now: Sheet, plan: Meant, rows: Sequence[int], wanted: Mapping[str, Sequence[Plain]], date1904: bool
) -> str:
    """The first cell in `rows` that does not hold what is wanted there, row by row."""
    wrong: list[tuple[int, int]] = []
    for key, values in wanted.items():
        column = plan.columns[key]
        found = now.column(column, rows)
        kept = [_kept(value, date1904) for value in values]
        if found != kept or [*map(type, found)] != [*map(type, kept)]:
            pairs = enumerate(zip(found, values, strict=True))
            wrong += [(n, column) for n, (one, value) in pairs if not _is(one, value, date1904)][:1]
    place, column = min(wrong, key=lambda one: one[0], default=(-1, 0))
    return address(rows[place], column) if wrong else ""


def _kept(wanted: Plain, date1904: bool) -> Plain:
    """What a cell gives that holds what is wanted, most often: `_is` decides."""
    if wanted is None or type(wanted) in (str, float, bool):
        return wanted
    if isinstance(wanted, Formula):
        return _kept(wanted.result, date1904)
    if cells.is_day(wanted):
        return wanted.isoformat() if cells.before_epoch(wanted, date1904) else cells.serial(wanted, date1904)
    return float(wanted) if isinstance(wanted, int) else wanted


def _is(found: Plain, wanted: Plain, date1904: bool) -> bool:
    if isinstance(wanted, Formula):
        wanted = wanted.result
    if cells.is_day(wanted) and cells.before_epoch(wanted, date1904):
        wanted = wanted.isoformat()
    return found is None if wanted is None else cells.same(found, wanted, date1904)


def _others(was: Sheet, now: Sheet, plans: Sequence[Meant]) -> str:
    """The first cell of somebody else that is not where it was, nor in the row its key went to."""
    keyed = next((plan for plan in plans if plan.table.key_field in plan.columns), None)
    moved = _moves(was, now, keyed) if keyed else {}  # always: reading the keys refuses cells out of order
    areas = [(plan, {plan.columns[key] for key in plan.values}) for plan in plans]
    for row in was.rows.values():
        other = now.rows.get(row.number)
        if other is not None and other.raw == row.raw:
            continue
        written = {column for plan, columns in areas for column in columns if plan.covers(row.number, column)}
        for column, cell in row.cells.items():
            if column in written or cell.blank:
                continue
            targets = dict.fromkeys((row.number, moved.get(row.number, row.number)))
            if not any(_same(was, cell, now, target) for target in targets) and not _anywhere(was, cell, now):
                return cell.where
    return ""


def _moves(was: Sheet, now: Sheet, plan: Meant) -> dict[int, int]:
    """Which row each row with a key went to."""
    column = plan.columns[plan.table.key_field]
    old = [row for row in was.rows if row >= plan.first]
    new = [row for row in now.rows if row >= plan.first]
    places = match([key_of(was.value(row, column)) for row in old], [key_of(now.value(row, column)) for row in new])
    return {old[n]: new[place] for n, place in places.items()}


def _same(was: Sheet, cell: Cell, now: Sheet, row: int) -> bool:
    """Whether a cell stands in `row` as it stood: value, style, and formula as seen from there."""
    found = now.rows[row].cells.get(cell.column) if row in now.rows else None
    return found is not None and rowproof.alike(was, cell, now, found)


def _anywhere(was: Sheet, cell: Cell, now: Sheet) -> bool:
    """Whether a cell of a row without a key stands anywhere in its column; in a row of totals its formula may have
    followed the rows."""
    found = [row.cells[cell.column] for row in now.rows.values() if cell.column in row.cells]
    if any(_same(was, cell, now, one.row) for one in found):
        return True
    return cell.formula is not None and any(one.formula is not None and one.style == cell.style for one in found)
