"""The part of the proof that looks into a sheet of ours: what was to be written is there, all else is as it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from segmenter.books import Formula, Grid, blocks, cells, spans, translate
from segmenter.books.cells import Plain
from segmenter.books.filling import Meant
from segmenter.books.index import Index
from segmenter.books.region import key_of, match
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
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


def compare(before: bytes, after: bytes, name: str, old: Index, new: Index, meant: Sequence[Meant] | None) -> str:
    """The first thing that is wrong with a sheet of ours, "" when nothing is."""
    was, now = Sheet(before, name, name, old.strings), Sheet(after, name, name, new.strings)
    if wrong := _around(was.root, now.root):
        return wrong
    plans = list(meant) if meant is not None else list(_guess(was))
    for plan in plans:
        if meant is not None and (wrong := _values(now, plan, new.date1904)):
            return wrong
    return _others(was, now, plans)


def contents(new: Index, name: str, meant: Sequence[Meant]) -> str:
    """The first thing that is wrong with the values of a sheet that was added, "" when nothing is."""
    if not meant:
        return ""
    now = Sheet(new.package.read(name), name, name, new.strings)
    return next((wrong for plan in meant if (wrong := _values(now, plan, new.date1904))), "")


def _guess(sheet: Sheet) -> Iterator[Meant]:
    """The tables a sheet of this name holds, without knowing what was to be written."""
    grid = Grid(sheet.name, sheet.head(_SHOWN), merged=tuple(sheet.merged))
    for table in tables().values():
        if fold(sheet.name) not in {fold(name) for name in table.sheet.values()}:
            continue
        if table.anchor:
            row, column = blocks.anchor(grid, table)
            columns = {one.key: column + n for n, one in enumerate(table.fields)}
            yield Meant(table, columns, row + 1, dict.fromkeys(columns, ()), 0)
        else:
            header = locate(Grid(sheet.name, sheet.head(SEARCHED), merged=grid.merged), table)
            values = {key: () for key in header.columns if table[key].owner == "us"}
            yield Meant(table, header.columns, header.row + 1, values, 0)


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


def _values(now: Sheet, plan: Meant, date1904: bool) -> str:
    """The first cell that does not hold what was to be written."""
    table, first = plan.table, plan.first
    if table.anchor:
        padding = [None] * max(table.rows - plan.height, 0)
        wanted = {key: [*values[: plan.height], *padding][: table.rows] for key, values in plan.values.items()}
        return _differs(now, plan, range(first, first + table.rows), wanted, date1904)
    rows = range(first, max(now.rows, default=first) + 1)
    if table.key_field and table.key_field in plan.values:
        keys = now.column(plan.columns[table.key_field], rows)
        places = match(map(key_of, keys), map(key_of, plan.values[table.key_field]))
        expected = sum(key_of(one) is not None for one in plan.values[table.key_field])
    else:
        places = {n: n for n in range(min(plan.height, len(rows)))}
        expected = plan.height
    if len(places) < expected:
        return f"{len(places)} < {expected}"
    wanted = {key: [values[place] for place in places.values()] for key, values in plan.values.items()}
    return _differs(now, plan, [rows[n] for n in places], wanted, date1904)


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
    if found is None or found.style != cell.style:
        return False
    if found.raw == cell.raw:
        return True
    return was.value_of(cell) == now.value_of(found) and _formula(was, cell) == _formula(now, found)


def _formula(sheet: Sheet, cell: Cell) -> str:
    """A cell's formula as it would be written in row 1 of its column (rows above the sheet are errors alike)."""
    attributes, text = cell.formula or ({}, "")
    origin = cell.where
    if not text and attributes.get(b"t") == b"shared":
        text, origin = sheet.shared.get(attributes.get(b"si", b""), ("", origin))
    if not text:
        return ""
    return translate.moved(text, origin, address(500_000, cell.column))


def _anywhere(was: Sheet, cell: Cell, now: Sheet) -> bool:
    """Whether a cell of a row without a key stands anywhere in its column; in a row of totals its formula may have
    followed the rows."""
    found = [row.cells[cell.column] for row in now.rows.values() if cell.column in row.cells]
    if any(_same(was, cell, now, one.row) for one in found):
        return True
    return cell.formula is not None and any(one.formula is not None and one.style == cell.style for one in found)
