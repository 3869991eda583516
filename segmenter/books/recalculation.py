"""What follows for the formulas of a workbook when some of its cells were written: those of other people, wherever they
stand, stay; of those with an old result, plain sums and the like on our sheets get the one they have now, and the rest
is counted, by sheet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from segmenter.books import Stays, calc, longrows, region, results, sums
from segmenter.books.filling import Meant
from segmenter.books.index import Index
from segmenter.books.package import Draft
from segmenter.books.refs import Area, Shift
from segmenter.books.results import Written
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
from segmenter.books.slots import Slot
from segmenter.errors import Refused
from segmenter.findings import Finding


class Done:
    """What was written to a sheet."""

    def __init__(self) -> None:
        self.meant: dict[str, Meant] = {}
        """by table"""
        self.written = Written()
        self.shift: Shift | None = None
        """how the rows of its list changed, if it has one"""

    def moved(self, shift: Shift) -> None:
        """Note how the rows of its list changed."""
        self.shift = shift
        if shift.gone or shift.moved:
            rows = {*shift.gone, *shift.moved, *shift.moved.values()}
            top = max(min(rows) - 1, shift.first)  # the row above one that is gone may be the last that a sum has left
            area = Area(top, shift.columns[0], max(shift.old, *rows), shift.columns[1])
            self.written.went.append(area)
            self.written.moved.append((frozenset(shift.moved.values()), area))
            # further below formulas follow what they read
            self.written.copied.append((frozenset(row for row in shift.moved.values() if row <= shift.new), area))

    @property
    def risen(self) -> dict[int, int]:
        """The rows of somebody else, sums most often, that came up among those of a list as it was, by where they stand
        now: where they stood."""
        if self.shift is None:
            return {}
        whole = {slot.source for one in self.meant.values() for slot in one.slots if slot.whole}
        moved, last = self.shift.moved.items(), self.shift.old
        return {new: old for old, new in moved if new < old and new <= last and (old > last or old in whole)}

    def field(self, cell: Cell) -> tuple[Meant, str] | None:
        """The table and the field that a cell belongs to; none in a row of somebody else among those of a list."""
        for one in self.meant.values():
            last = one.first + one.table.rows - 1 if one.table.anchor or self.shift is None else self.shift.new
            slot = self._slot(one, cell)
            if not one.first <= cell.row <= last or (slot and slot.stays):
                continue
            for key, column in one.columns.items():
                if column == cell.column:
                    return one, key
        return None

    @staticmethod
    def _slot(plan: Meant, cell: Cell) -> Slot | None:
        """The row of a list that a cell stands in, where they are told one by one."""
        row = cell.row - plan.first
        return plan.slots[row] if 0 <= row < len(plan.slots) else None

    def is_ours(self, cell: Cell) -> bool:
        """Whether a cell is one that we write."""
        found = self.field(cell)
        if found is None:
            return False
        plan, key = found
        if key not in plan.written or not (plan.table.anchor or plan.table[key].owner == "us"):
            return False
        slot = self._slot(plan, cell)
        place = slot.place if slot else None
        return place is None or plan.frame is None or not isinstance(plan.frame[key][place], Stays)


class Results(NamedTuple):
    """Cells with results of formulas that were written otherwise, as they were before, by part."""

    renewed: dict[str, list[Cell]]
    dropped: dict[str, list[Cell]]

    def both(self, part: str) -> tuple[list[Cell], list[Cell]]:
        """Those of one part."""
        return self.renewed.get(part, []), self.dropped.get(part, [])


def follow(
    index: Index, done: Mapping[str, Done], plain: Collection[str], *, drop: bool
) -> tuple[Results, list[Finding]]:
    """Bring the results of formulas up to date as far as it can be told, and say of which it cannot. `done`: what was
    written, by part; `plain`: parts that have no formulas; `drop`: whether old results are to be taken out. What people
    typed into the rows of a list keeps its result for all that: the next run reads it."""
    draft, found, findings = index.package, Results({}, {}), list[Finding]()
    names = {entry.part: entry.name.casefold() for entry in index.sheets}
    sheets = _sheets(index, plain)
    words = _words(index)
    formulas = {part: calc.of(sheet, _theirs(sheet, done.get(part)), words) for part, sheet in sheets.items()}
    old = results.stale(formulas, {names[part]: one.written for part, one in done.items()})
    for part, sheet in sheets.items():
        cells, own = old.get(part, []), done.get(part)
        known = results.renewed(sheet, cells, region.listed(index, part)) if own and not _is_long(draft, part) else {}
        new = {cell: value for cell, value in known.items() if not results.holds(sheet, cell, value)}
        kept = [cell for cell in cells if cell not in known and sums.has_result(cell)]
        out = [cell for cell in kept if drop and not (own and own.field(cell))]
        for code, count in (("stale", len(kept) - len(out)), ("stale_dropped", len(out))):
            findings += [Finding(code, sheet.name, params={"formulas": count})] if count else []
        out = [one for cell in out for one in results.shown(sheet, cell) if not (own and own.field(one))]
        found.renewed.update({part: [*new]} if new else {})
        found.dropped.update({part: out} if out else {})
        make = {cell: partial(results.with_result, sheet, value) for cell, value in new.items()}
        # a cell of texts without a result would be read as one that says nothing; others' sheets stay to the letter
        bare = sheet.uncached if own else results.without_result
        _rewrite(draft, part, sheet, make | dict.fromkeys(out, bare))
    grown = {names[part]: one.shift for part, one in done.items() if one.shift and one.shift.new > one.shift.old}
    for part, sheet in sheets.items() if grown else ():
        if short := calc.short(formulas[part], grown):
            findings.append(Finding("formula_short", sheet.name, short[0].where, params={"formulas": len(short)}))
    risen = {names[part]: rows for part, one in done.items() if (rows := _risen(draft, part, one))}
    for part, sheet in sheets.items() if risen else ():
        if long := calc.long(formulas[part], risen, words):
            findings.append(Finding("formula_long", sheet.name, long[0].where, params={"formulas": len(long)}))
    return found, findings


def _risen(draft: Draft, part: str, done: Done) -> list[tuple[Area, int]]:
    """The cells that hold something in rows that came up (see `Done.risen`), and the rows where they stood."""
    if not done.risen or done.shift is None:
        return []
    rows, (left, right) = Sheet(_around(draft, part), part, "", (), checked=True).rows, done.shift.columns
    return [
        (calc.place(cell), old)
        for new, old in done.risen.items()
        for cell in (rows[new].cells.values() if new in rows else ())
        if left <= cell.column <= right and not cell.blank
    ]


def has_formulas(draft: Draft, part: str) -> bool:
    """Whether a sheet part has formulas in its cells."""
    return calc.has_formulas(_around(draft, part))


def _sheets(index: Index, plain: Collection[str]) -> dict[str, Sheet]:
    """The sheets with formulas, by part."""
    draft, found = index.package, {}
    for entry in index.sheets:
        if entry.kind == "worksheet" and entry.part in draft and entry.part not in plain:
            data = _around(draft, entry.part)
            if calc.has_formulas(data):
                found[entry.part] = Sheet(data, entry.part, entry.name, (), checked=entry.part in draft.changes)
    return found


def _around(draft: Draft, part: str) -> bytes:
    """A part without the rows that are made of whole columns, which have no formulas."""
    made = draft.changes.get(part)
    return made.head + made.tail if isinstance(made, longrows.Part) else draft.read(part)


def _is_long(draft: Draft, part: str) -> bool:
    return isinstance(draft.changes.get(part), longrows.Part)


def _words(index: Index) -> calc.Words:
    """What names in formulas stand for: Excel tables, and what is defined, for all sheets or for several of them."""
    tables, names = dict[str, calc.Reference](), dict[str, list[str]]()
    for entry in index.sheets:
        with suppress(Refused):  # one of somebody else that is damaged is nothing to us
            for one in region.listed(index, entry.part) if entry.part in index.package else ():
                tables[one.name.casefold()] = calc.Reference(entry.name.casefold(), one.area)
    for name in index.defined_names():
        names.setdefault(name.get("name").casefold(), []).append(name.text)
    return calc.Words(tables, {name: ",".join(texts) for name, texts in names.items()})


def _theirs(sheet: Sheet, done: Done | None) -> Iterator[Cell]:
    """The formula cells of a sheet that are not ours."""
    return (cell for cell in sheet.formulas() if done is None or not done.is_ours(cell))


def _rewrite(draft: Draft, part: str, sheet: Sheet, make: Mapping[Cell, Callable[[bytes], bytes]]) -> None:
    """Make some cells of a sheet anew."""
    if not make:
        return
    new, made = results.rewritten(sheet, make), draft.changes.get(part)
    if isinstance(made, longrows.Part):  # nothing with a formula stands below
        draft.set(part, longrows.Part(new.removesuffix(made.tail), made.rows, made.tail))
    else:
        draft.set(part, new)
