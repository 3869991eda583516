"""The part of the proof that looks into a sheet of ours: what was to be written is there, all else is as it was."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from types import NoneType
from typing import Final, NamedTuple

from segmenter.books import Formula, Stays, aroundproof, cellproof, cells, ours, refs, region, rowproof
from segmenter.books.cells import Plain
from segmenter.books.filling import Meant
from segmenter.books.index import Index, SheetEntry
from segmenter.books.ours import Always
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
from segmenter.books.slots import Slot, apart, key_of, said
from segmenter.books.styles import Styles
from segmenter.cells import address
from segmenter.schema import is_signature, says_total

_AS_HELD: Final = frozenset({NoneType, str, float, bool})
"""kinds of values that a cell gives back as they are"""
_SIMPLE: Final = frozenset({NoneType, float, int, bool})
"""kinds that ask for no look of their own"""


class Workbooks(NamedTuple):
    """A workbook before and after, and the formats its cells have then."""

    old: Index
    new: Index
    styles: Styles


class Sheets(NamedTuple):
    """A sheet of ours before and after, and what was meant by each table on it."""

    entry: SheetEntry
    was: Sheet
    now: Sheet
    plans: Sequence[Meant]


def differs(sheets: Sheets, books: Workbooks) -> str:
    """The first thing that is wrong with a sheet of ours, "" when nothing is."""
    entry, was, now, plans = sheets
    # the values of rows made of whole columns are compared by `longproof`
    valued = (_Values(was, now, plan, books).wrong() for plan in plans if plan.frame is not None and not plan.whole)
    if (wrong := next(filter(None, valued), "")) or was.data == now.data:
        return wrong
    shift = next((aroundproof.shift_of(plan) for plan in plans if plan.region), None)
    notes = region.noted(books.old, entry.part)
    kept = (_Kept(was, now, plan, notes).wrong() for plan in plans if plan.region and not plan.whole)
    return (
        aroundproof.elements(was.root, now.root, shift)
        or _dimension(now, plans)
        or next(filter(None, kept), "")
        or rowproof.wrong(was, now, plans, books.styles)
    )


def _dimension(now: Sheet, plans: Sequence[Meant]) -> str:
    """Whether a sheet says that it holds less than it does: some readers believe it. Of a long list only the first row
    is there, of which nothing can be told."""
    one, used = now.root.first("dimension"), now.used
    if one is None or used is None or any(plan.whole for plan in plans):
        return ""
    said = refs.told(one.get("ref"))
    inside = said.top <= used.top and said.left <= used.left and used.bottom <= said.bottom and used.right <= said.right
    return "" if inside else "<dimension>"


class _Values:
    """Whether the cells hold what was to be written to them."""

    def __init__(self, was: Sheet, now: Sheet, plan: Meant, books: Workbooks) -> None:
        self._was = was
        self._now = now
        self._plan = plan
        self._styles = books.styles
        self._date1904 = books.new.date1904
        frame = plan.frame
        self._values = {key: cells.column(frame[key]) for key in plan.written} if frame is not None else {}
        self._gone = ours.gone(plan.table, was.name)

    def wrong(self) -> str:
        """The first cell that does not hold it."""
        plan = self._plan
        count = 0 if plan.frame is None else len(plan.frame)
        if plan.table.anchor:
            slots = [Slot(plan.first + n, n if n < count else None) for n in range(plan.table.rows)]
            return self._differs([*enumerate(slots, plan.first)], plan.written)
        rows = [*enumerate(plan.slots, plan.first)]
        if sorted(slot.place for slot in plan.slots if slot.place is not None) != [*range(count)]:
            return f"{len(plan.slots)} < {count}"
        filled = [one for one in rows if one[1].place is not None]
        left = [one for one in rows if one[1].place is None and not one[1].stays]
        return self._differs(filled, plan.written) or self._differs(left, plan.emptied)

    def _differs(self, rows: Sequence[tuple[int, Slot]], keys: Sequence[str]) -> str:
        """The first cell in `rows` that does not hold what is wanted there, row by row."""
        columns, count = [self._plan.columns[key] for key in keys], len(rows)
        standing = [row.cells if (row := self._now.rows.get(number)) else {} for number, _ in rows]
        # from here on cells count down the first column, then down the second one, and so on
        held = [row.get(column) for column in columns for row in standing]
        found = [self._now.value_of(cell) if cell and cell.inner else None for cell in held]
        places = [slot.place for _, slot in rows]
        asked = (self._values[key] for key in keys)
        wanted = [None if place is None else values[place] for values in asked for place in places]
        gone = [self._gone.get(key) for key in keys] if self._gone else []
        for n in range(len(gone) * count):
            if places[n % count] is None and rows[n % count][1].source is not None:
                wanted[n] = gone[n // count]
        stayed: list[int] = []
        for n, value in enumerate(wanted):
            if isinstance(value, Stays):
                wanted[n] = value.value
                stayed += [n] if self._stood(rows[n % count][1], columns[n // count]) else []
        kept = [value if type(value) in _AS_HELD else self._kept(value) for value in wanted]
        wrong: list[int] = []
        if found != kept or [*map(type, found)] != [*map(type, kept)]:
            pairs = enumerate(zip(found, wanted, strict=True))
            wrong += [n for n, (one, value) in pairs if not self._is(one, value)]
        wrong += [n for n, cell in enumerate(held) if wanted[n] is None and cell and cell.inner and cell.formula]
        special = [n for n, value in enumerate(wanted) if type(value) not in _SIMPLE and _is_special(value)]
        wrong += [n for n in special if not self._looks(rows[n % count], columns[n // count], held[n], wanted[n])]
        typed = {column for key, column in zip(keys, columns, strict=True) if self._plan.table[key].owner == "user"}
        wrong = [n for n in wrong if not (columns[n // count] in typed and self._stays(rows[n % count][1], held[n]))]
        if stayed:
            wrong = [n for n in wrong if n not in stayed]
            wrong += [n for n in stayed if not self._stays(rows[n % count][1], held[n])]
        if not wrong:
            return ""
        first = min(wrong, key=lambda n: (n % count, n))
        return address(rows[first % count][0], columns[first // count])

    def _stood(self, slot: Slot, column: int) -> bool:
        """Whether something stood in a cell."""
        source = None if slot.source is None else self._was.rows.get(slot.source)
        cell = source.cells.get(column) if source else None
        return cell is not None and not cell.blank

    def _stays(self, slot: Slot, cell: Cell | None) -> bool:
        """Whether a cell that people type in is what it was in its row: it may hold what cannot be written as it was
        read."""
        source = None if slot.source is None else self._was.rows.get(slot.source)
        stood = source.cells.get(cell.column) if source and cell else None
        return bool(cell and stood and stood.inner and cellproof.alike(self._was, stood, self._now, cell))

    def _kept(self, wanted: Plain) -> Plain:
        """What a cell gives that holds what is wanted, most often: `_is` decides."""
        if isinstance(wanted, Formula):
            return self._kept(wanted.result)
        if cells.is_day(wanted):
            early = cells.before_epoch(wanted, self._date1904)
            return wanted.isoformat() if early else cells.serial(wanted, self._date1904)
        return float(wanted) if isinstance(wanted, int) else wanted

    def _is(self, found: Plain, wanted: Plain) -> bool:
        if isinstance(wanted, Formula):
            wanted = wanted.result
        if cells.is_day(wanted) and cells.before_epoch(wanted, self._date1904):
            wanted = wanted.isoformat()
        return found is None if wanted is None else cells.same(found, wanted, self._date1904)

    def _looks(self, row: tuple[int, Slot], column: int, cell: Cell | None, value: Plain) -> bool:
        """Whether a cell shows a day as one, has the mark of a text that looks like a formula, or has the formula; or
        is what it was before."""
        number, slot = row
        if cell is None:
            return False
        if isinstance(value, Formula):
            return cell.formula is not None and cell.formula[1] == value.text.replace("{row}", str(number + 1))
        if isinstance(value, str):
            fits = self._styles.is_quoted(cell.style) or not self._styles.exists(cell.style)
        else:
            early = not cells.is_day(value) or cells.before_epoch(value, self._date1904)
            fits = early or self._styles.shows_days(cell.style)
        source = None if slot.source is None else self._was.rows.get(slot.source)
        stood = source.cells.get(column) if source else None
        return fits or (stood is not None and (stood.style, stood.inner) == (cell.style, cell.inner))


def _is_special(value: Plain) -> bool:
    """Whether a value asks for more than a cell that holds it."""
    return cells.needs_quote(value) if isinstance(value, str) else type(value) not in _SIMPLE


class _Kept:
    """Whether nothing that people typed into the rows of a list is gone, nor stands in the row of another."""

    def __init__(self, was: Sheet, now: Sheet, plan: Meant, notes: frozenset[tuple[int, int]]) -> None:
        self._was = was
        self._now = now
        self._plan = plan
        self._notes = notes
        self._key = plan.columns.get(plan.table.key_field, -1)

    def wrong(self) -> str:
        """The first row of which that cannot be said."""
        plan, stood = self._plan, self._plan.region
        if stood is None:
            return ""
        sources = [slot.source for slot in plan.slots if slot.source is not None]
        standing, used = range(stood.first, stood.last + 1), {*sources}
        if len(used) < len(sources) or not used <= {*standing}:
            return address(plan.first, stood.left)
        gone = [number for number in standing if number not in used]
        keyed = self._plan.table.key_field
        over = [
            slot.source
            for slot in plan.slots
            if slot.source is not None and not slot.whole and (slot.place is None or not keyed)
        ]
        lost = [number for number in gone if self._holds(number)] + [one for one in over if self._is_remark(one)]
        return address(lost[0], stood.left) if lost else self._exchanged(gone)

    def _holds(self, number: int) -> bool:
        """Whether somebody typed something into a row: what a frame brings anew every time aside, and formulas over
        cells."""
        plan, stood, row = self._plan, self._plan.region, self._was.rows.get(number)
        columns = stood.columns if stood else ()
        if any((number, column) in self._notes for column in columns):
            return True
        filled = [cell for cell in row.cells.values() if cell.column in columns and not cell.blank] if row else []
        keyed = key_of(self._was.value(number, self._key)) is not None
        table = plan.table
        brought = plan.written if keyed or not table.key_field else []
        ours = {plan.columns[key] for key in plan.columns if table[key].owner == "us" or key in brought}
        if plan.frame is None and keyed:  # the key of a row nobody needs goes with it
            ours.add(self._key)
        here = region.InFile(self._was)
        if not all(cell.column in ours or here.reads_cells(number, cell.column) for cell in filled):
            return True
        return self._is_remark(number)

    def _is_remark(self, number: int) -> bool:
        """Whether a row is none of ours: without a key, or without what no row of ours lacks."""
        keyed = self._plan.table.key_field
        here = region.InFile(self._was)
        count = region.count(here, number, {*self._plan.columns.values()})
        if not count:
            return False
        key = key_of(self._was.value(number, self._key)) if keyed else None
        if key is not None and (says_total(key) or is_signature(key)):
            return True
        if keyed and (key is None or self._plan.table[keyed].owner != "us"):
            return key is None
        always, table = self._always, self._plan.table
        alone = count < ours.least(table, always) and bool(keyed or always)
        return alone or not region.says_always(here, number, self._plan.columns, table, always)

    @cached_property
    def _always(self) -> Always:
        """Asked of each row that goes; whole columns have to be looked through to tell it."""
        there, stood = self._plan.columns, self._plan.region
        rows = range(stood.first, stood.last + 1) if stood else range(0)
        return ours.with_own(self._plan.always, lambda key: self._was.column(there.get(key, -1), rows))

    def _exchanged(self, gone: Sequence[int]) -> str:
        """The first row that became the row of another key, or that went though its key did not."""
        plan, key = self._plan, self._plan.table.key_field
        if key not in plan.columns:
            return self._lines_exchanged()
        now = {number: key_of(self._now.value(number, self._key)) for number in self._numbers()}
        for number, slot in enumerate(plan.slots, plan.first):
            if slot.source is not None and key_of(self._was.value(slot.source, self._key)) != now[number]:
                return address(number, self._key)
        further = [now[n] for n, slot in enumerate(plan.slots, plan.first) if slot.source is None]
        left = [slot.source for slot in plan.slots if slot.source is not None and slot.place is None]
        unused = {key_of(self._was.value(number, self._key)) for number in (*gone, *left)}
        twice = next((one for one in further if one is not None and one in unused), None)
        return "" if twice is None else next(address(n, self._key) for n, one in now.items() if one == twice)

    def _lines_exchanged(self) -> str:
        """The same of a list without keys: a line stays in its row, and one with something typed beside it says what it
        said."""
        plan = self._plan
        if plan.frame is None or plan.table.key_field:
            return ""
        columns = [plan.columns[name] for name in apart(plan.table, plan.written)]
        for number, slot in enumerate(plan.slots, plan.first):
            if slot.source is None or slot.place is None:
                continue
            if not self._holds(slot.source):
                same = slot.source == number
            else:
                same = self._said(self._was, slot.source, columns) == self._said(self._now, number, columns)
            if not same:
                return address(number, 0)
        return ""

    @staticmethod
    def _said(sheet: Sheet, number: int, columns: Sequence[int]) -> list[str | None]:
        return [*said([sheet.value(number, column)] for column in columns)]

    def _numbers(self) -> range:
        return range(self._plan.first, self._plan.first + len(self._plan.slots))
