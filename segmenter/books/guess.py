"""What a fill must have done to a sheet, told from the sheet before and after: for a proof that nobody told what was
to be written."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from operator import itemgetter
from typing import Final

from segmenter.books import Grid, blocks, region
from segmenter.books.cellproof import alike
from segmenter.books.filling import Meant, pushed
from segmenter.books.index import Index, SheetEntry
from segmenter.books.region import Region
from segmenter.books.sheetxml import Sheet
from segmenter.books.slots import Slot, Typed, apart, apart_from_below, key_of, said, without_remarks
from segmenter.errors import Refused
from segmenter.reading.headers import SEARCHED, locate
from segmenter.schema import fold, tables

_SHOWN: Final = 200
"""rows from the top in which a block is looked for"""


def plans(was: Sheet, now: Sheet, entry: SheetEntry, old: Index, new: Index) -> Iterator[Meant]:
    """The tables a sheet of this name holds, and which row each row of a list was."""
    grid = Grid(was.name, was.head(_SHOWN), merged=tuple(was.merged))
    for table in tables().values():
        if not table.fields or fold(was.name) not in {fold(name) for name in table.sheet.values()}:
            continue
        if table.anchor:
            row, column = blocks.anchor(grid, table)
            yield Meant(table, {one.key: column + n for n, one in enumerate(table.fields)}, row + 1, None)
            continue
        header = locate(Grid(was.name, was.head(SEARCHED), merged=grid.merged), table)
        standing = region.InFile(was, region.noted(old, entry.part))
        stood = region.find(standing, header, region.listed(old, entry.part), table)
        stands = region.find(region.InFile(now), header, region.listed(new, entry.part), table)
        plan = Meant(table, header.columns, header.row + 1, None, region=stood)
        # the key is brought every time, also where people type it
        typed = Typed(standing, table, header, stood, {*plan.written, table.key_field}, plan.always)
        guess = _Guess(was, now, plan, stood, typed, _by_row(standing.notes), _by_row(region.noted(new, entry.part)))
        # nothing was written, and blank rows are still there
        found = guess.as_it_was() if was.data == now.data else [*guess.slots(max(stands.last, plan.first))]
        stood, slots = without_remarks(stood, found)
        slots = slots or [Slot(None, None)]
        stood = apart_from_below(typed, stood, len(slots))
        with suppress(Refused):  # it is none of the fill's
            stood = pushed(was, stood, plan.first + len(slots) - 1, region.listed(old, entry.part))
        yield plan._replace(slots=slots, region=stood)


def _by_row(notes: Iterable[tuple[int, int]]) -> Mapping[int, Collection[int]]:
    """The columns of the cells with a comment, by row."""
    found: dict[int, set[int]] = {}
    for row, column in notes:
        found.setdefault(row, set()).add(column)
    return found


def _stays(was: Sheet, now: Sheet, number: int) -> bool:
    """Whether a row says the same after as before."""
    return number in was.rows and number in now.rows and was.rows[number].raw == now.rows[number].raw


class _Guess:
    """Which row each row of a list was: told by the keys; one without a key by what else stands in it."""

    def __init__(
        self,
        was: Sheet,
        now: Sheet,
        plan: Meant,
        stood: Region,
        typed: Typed,
        noted_before: Mapping[int, Collection[int]],
        noted_after: Mapping[int, Collection[int]],
    ) -> None:
        self._was = was
        self._now = now
        self._plan = plan
        self._standing = range(stood.first, stood.last + 1)
        ours = {plan.columns[key] for key in plan.written}
        self._columns = stood.columns
        self._foreign = [column for column in stood.columns if column not in ours]
        self._typed = typed
        self._noted_before = noted_before
        self._noted_after = noted_after
        self._apart = [] if plan.table.key_field else [plan.columns[key] for key in apart(plan.table, plan.written)]

    def as_it_was(self) -> list[Slot]:
        """Every row where it stood."""
        keys = ((number, key) for key, numbers in self._keys(self._was, self._standing).items() for number in numbers)
        return [
            Slot(number, 0, not self._typed.is_ours(number, key)) for number, key in sorted(keys, key=itemgetter(0))
        ]

    def slots(self, last: int) -> Iterator[Slot]:
        """The rows down to `last`, or to the first that cannot have been written."""
        keyed, numbers = bool(self._plan.table.key_field), range(self._plan.first, last + 1)
        stood, stands = self._keys(self._was, self._standing), self._keys(self._now, numbers)
        sources = dict(self._pairs(stood, stands))
        keyless = stood.get(None, [])
        loose = [number for number in keyless if self._typed.holds(number, None)]
        same = frozenset() if keyed else frozenset(keyless) - {*loose}
        without = {*stands.get(None, [])}
        noted: dict[str | None, list[int]] = {}
        for one in loose:
            noted.setdefault(self._said(self._was, one), []).append(one)
        for number in numbers:
            if number not in self._now.rows and number == numbers.start < last:  # of an emptied list, above remarks
                yield Slot(None, None)
                continue
            if number not in self._now.rows or self._is_below(number):
                return
            if number not in without:
                yield self._keyed(sources.get(number), number)
                continue
            if loose and self._is_remark(loose[0], None, number):
                yield Slot(loose.pop(0), 0, True)
                continue
            here = self._said(self._now, number)
            left = (n for n in noted.get(here, []) if loose and n >= loose[0])
            source = next((n for n in left if self._goes_on(n, number)), None)
            stays = number in same and self._could_be(number, number)
            if (
                stays
                and (source is None or self._said(self._was, number) == here)
                and not self._has_its_notes(source, number)
            ):
                yield Slot(number, 0)
            elif source is not None:
                del loose[: loose.index(source) + 1]
                yield Slot(source, 0, not self._typed.is_ours(source, None))
            elif keyed and self._holds(number):
                return
            else:
                yield Slot(None, 0 if self._holds(number) else None)
        for number in itertools.count(last + 1):  # remarks that look as if they were below it
            if not loose or number not in self._now.rows or not self._is_remark(loose[0], None, number):
                return
            yield Slot(loose.pop(0), 0, True)

    def _keyed(self, source: int | None, number: int) -> Slot:
        """A row with a key, which may be a remark for all that: with a word where the keys stand."""
        key = key_of(self._now.value(number, self._plan.columns.get(self._plan.table.key_field, -1)))
        return Slot(source, 0, source is not None and self._is_remark(source, key, number))

    def _is_remark(self, old: int, key: str | None, number: int) -> bool:
        """Whether a row was none of ours and says the same after, the rows aside that its formulas read: which those
        should be can only be told of all rows."""
        return not self._typed.is_ours(old, key) and self._alike(old, number, self._columns, rows=False)

    def _has_its_notes(self, source: int | None, number: int) -> bool:
        """Whether a row after has the comments of `source`, which stood elsewhere, and not those of the row there: of
        several that say the same by which they are found."""
        return source is not None and self._noted_before.get(number) != self._noted_before.get(source)

    def _goes_on(self, old: int, number: int) -> bool:
        """Whether a row without a key that has to stay may be one after that says the same by which it is found."""
        if self._noted_before.get(old) != self._noted_after.get(number):
            return False
        ours = self._typed.is_ours(old, None)
        return self._could_be(old, number) if ours else self._is_remark(old, None, number)

    def _is_below(self, number: int) -> bool:
        """Whether a row stood below the list and stands there still, which has grown down to it."""
        below = number >= self._standing.stop and _stays(self._was, self._now, number)
        return below and not self._was.rows[number].blank

    def _keys(self, sheet: Sheet, numbers: range) -> dict[str | None, list[int]]:
        """The rows of each key, those without one under None."""
        found: dict[str | None, list[int]] = {}
        values = sheet.column(self._plan.columns.get(self._plan.table.key_field, -1), numbers)
        for number, value in zip(numbers, values, strict=True):
            found.setdefault(key_of(value), []).append(number)
        return found

    def _pairs(
        self, stood: Mapping[str | None, list[int]], stands: Mapping[str | None, list[int]]
    ) -> Iterator[tuple[int, int]]:
        """The rows that have a key, each with the row it was. Of several with one key the first of ours were written
        anew, of the others those stayed that hold something typed."""
        for key, numbers in stands.items():
            before = stood.get(key, []) if key is not None else []
            if len(before) > len(numbers):
                typed = [number for number in before if self._typed.holds(number, key)]
                first = sorted(before, key=lambda one: not self._typed.is_ours(one, key))
                ways = (sorted({*first[:n], *typed}) for n in range(len(before)))
                fitting = [way for way in ways if len(way) == len(numbers)] or [before]
                before = next((way for way in fitting if all(map(self._could_be, way, numbers))), fitting[0])
            yield from zip(numbers, before, strict=False)

    def _said(self, sheet: Sheet, number: int) -> str | None:
        """What a line says by which it is found again; nothing where there are keys."""
        return next(said([sheet.value(number, column)] for column in self._apart), None)

    def _holds(self, number: int) -> bool:
        """Whether something stands in a row of the list."""
        found = self._now.rows[number].cells
        return any(column in self._columns and not cell.blank for column, cell in found.items())

    def _could_be(self, old: int, number: int) -> bool:
        """Whether the cells that are not ours say the same in a row before and one after."""
        return self._alike(old, number, self._foreign)

    def _alike(self, old: int, number: int, columns: Iterable[int], *, rows: bool = True) -> bool:
        """Whether some cells say the same in a row before and one after; see `cellproof.alike`."""
        before, after = self._was.rows.get(old), self._now.rows[number]
        for column in columns:
            one, other = before.cells.get(column) if before else None, after.cells.get(column)
            if (one is None or one.blank) and (other is None or other.blank):
                continue
            if one is None or other is None or not alike(self._was, one, self._now, other, rows=rows):
                return False
        return True
