"""Putting a plan into the cells of an open sheet, a range at a time.

Columns of ours are one assignment for all rows; columns of people are only written where rows are new. Rows that go
are deleted by Excel itself, so that whatever people have beside or on the others (colours, notes) moves with its row.
So do formulas, all in Excel's own way: those of customers, which a file copies with their rows (see `translate`),
follow what they read as well, and read #REF! where that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from segmenter.books import Stays
from segmenter.books.cells import Plain
from segmenter.books.livebelow import parts, summed
from segmenter.books.liveplan import Plan
from segmenter.books.livesheet import cell_formulas, is_formula, list_object, table_area
from segmenter.books.ours import gone
from segmenter.books.slots import Slot

_TEXTS: Final = frozenset({"id", "text", "list", "choice"})
_PARSED: Final = re.compile(r"\s*[0-9=+\-@'.,($¥￥£€＝＋－＠]|\s*(?:true|false)\s*$|#", re.IGNORECASE)
"""texts Excel may take for something else when they are assigned"""


def rewrite(found: Plan, left: int, rows: Sequence[Sequence[Any]]) -> None:
    """Put other rows in the place of those of a table: one assignment, formulas ({"f": "=A1"}) as formulas. What
    stands below goes down where it is met, and is the end of the table no longer than that.

    Texts are marked as such where the cells are not formatted as text, so that none becomes a number.
    """
    sheet, width = found.sheet, max(map(len, rows), default=0)
    stood, height = max(len(found.old), 1), max(len(rows), 1)
    own = list_object(sheet, found.first - 1) if found.listed else None
    totals = own is not None and bool(own.show_totals)
    if own is not None and totals:
        own.show_totals = False
    if found.old:
        sheet.range((found.first + 1, found.span[0] + 1), (found.end, found.span[1] + 1)).clear_contents()
    if height < stood and found.inside:
        _delete(found, found.first + height, found.first + stood - 1)
    _insert(found, found.first + stood, found.inserts(height, 0))
    if own is not None:
        area = own.range
        last = found.first + height + found.inside
        own.resize(sheet.range((found.first, area.column), (last, area.last_cell.column)))
    if rows and width:
        textual = []
        for n in range(width):
            column = sheet.range((found.first + 1, left + n + 1), (found.first + len(rows), left + n + 1))
            textual.append(column.number_format == "@")
        area = sheet.range((found.first + 1, left + 1), (found.first + len(rows), left + width))
        area.value = [[_back(v, text) for v, text in zip(row, textual, strict=True)] for row in rows]
    if own is not None and totals:
        own.show_totals = True
    if height > stood:
        _sum(found, summed(found, height, ()))


def _back(value: Any, textual: bool) -> Any:
    if isinstance(value, dict):
        return value["f"]
    return f"'{value}" if isinstance(value, str) and not textual else _given(value)


def apply(found: Plan) -> None:
    """Do what a plan says."""
    formulas = _formulas(found) | _stay(found)
    stayed = len(found.kept)
    for top, bottom in _runs(found.deleted, down=True):
        _delete(found, top, bottom)
    if found.gone and not stayed:
        for left, right in _runs(sorted(found.values)):
            found.sheet.range((found.first + 1, left + 1), (found.first + 1, right + 1)).clear_contents()
    own = list_object(found.sheet, found.first - 1) if found.listed else None
    totals = own is not None and bool(own.show_totals)
    if own is not None and totals:
        own.show_totals = False
    _insert(found, found.end - len(found.deleted), found.inserts(found.height, len(found.deleted)))
    if own is not None:
        area = own.range
        wanted = found.first + found.height + found.inside
        if area.last_cell.row < wanted:
            own.resize(found.sheet.range((found.first, area.column), (wanted, area.last_cell.column)))
    for column in sorted(set(found.values) - formulas):
        _format(found, column)
    for left, right in _runs(sorted(found.computed - formulas)):
        _put(found, left, right, 0, len(found.slots))
    for left, right in _runs(sorted(set(found.values) - found.computed - formulas)):
        _put(found, left, right, stayed, len(found.slots))
    for column in sorted(formulas):
        _put_around(found, column)
    _change_typed(found)
    if own is not None and totals:
        own.show_totals = True
    _sum(found, summed(found, found.height, found.deleted))


def _formulas(found: Plan) -> set[int]:
    """The columns of ours in which a formula stands, as `fill --formulas` writes them."""
    if not found.old or not found.computed:
        return set()
    left, right = min(found.computed), max(found.computed)
    last = found.first + len(found.old)
    texts = cell_formulas(found.sheet.range((found.first + 1, left + 1), (last, right + 1)))
    return {
        column
        for row, old in zip(texts, found.old, strict=True)
        for column, text in enumerate(row, left)
        if column in found.computed and is_formula(text, old[column])
    }


def _stay(found: Plan) -> set[int]:
    """The columns of ours in which a cell is to stay as it is."""
    return {column for column, values in found.values.items() if any(isinstance(one, Stays) for one in values)}


def _runs(numbers: Iterable[int], down: bool = False) -> list[tuple[int, int]]:
    """Consecutive numbers as (first, last)."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found[::-1] if down else found


def _delete(found: Plan, top: int, bottom: int) -> None:
    """Delete rows of the table and what stands beside them."""
    for left, right in _pieces(found):
        found.sheet.range((top + 1, left + 1), (bottom + 1, right + 1)).delete("up")


def _insert(found: Plan, top: int, count: int) -> None:
    """Insert `count` empty rows at row `top`: what stands there and below goes down."""
    for left, right in _pieces(found) if count > 0 else ():
        found.sheet.range((top + 1, left + 1), (top + count, right + 1)).insert("down")


def _sum(found: Plan, formulas: Mapping[tuple[int, int], str]) -> None:
    """Write formulas below the rows. One of an array stays as Excel made it: it may be entered into several cells, of
    which Excel changes none alone."""
    for (row, column), text in formulas.items():
        cell = found.sheet.range((row + 1, column + 1))
        if not cell.has_array:
            cell.formula = text


def _pieces(found: Plan) -> Sequence[tuple[int, int]]:
    own = list_object(found.sheet, found.first - 1)
    return parts(found.span, table_area(own) if own is not None else None)


def _format(found: Plan, column: int) -> None:
    """Give cells the number format without which Excel would take their texts for numbers, or show days as numbers."""
    values, kind = found.values[column], found.table[found.keys[column]].kind
    stayed, height = len(found.kept), len(found.slots)
    if not found.table.anchor and kind not in _TEXTS and 0 < stayed < height:
        like = found.sheet.range((found.first + 1, column + 1)).number_format
        new = found.sheet.range((found.first + stayed + 1, column + 1), (found.first + height, column + 1))
        if new.number_format != like:
            new.number_format = like
    if not found.table.anchor and kind in _TEXTS:
        for top, bottom in _runs(_texts(found, column)):
            area = found.sheet.range((found.first + top + 1, column + 1), (found.first + bottom + 1, column + 1))
            if area.number_format != "@":
                area.number_format = "@"
        return
    if not found.table.anchor and not any(isinstance(value, date) for value in values):
        return
    for n, slot in enumerate(found.slots):
        value = None if slot.place is None else values[slot.place]
        cell = found.sheet.range((found.first + n + 1, column + 1))
        if isinstance(value, date):
            if not re.search("[ydY\u5e74]", str(cell.number_format)):
                cell.number_format = "yyyy-mm-dd"
        elif isinstance(value, str) and _PARSED.match(value):
            if cell.number_format != "@":
                cell.number_format = "@"
        elif isinstance(value, (int, float)) and cell.number_format == "@":
            cell.number_format = "General"


def _texts(found: Plan, column: int) -> Iterable[int]:
    """The rows in which a text is written, the first one of an empty list too. What people typed stays, which may be a
    number or a day."""
    kept, values, is_ours = found.kept, found.values[column], column in found.computed
    for n, slot in enumerate(found.slots):
        if n < len(kept) and slot.stays:
            is_text = kept[n][column] is None or isinstance(kept[n][column], str)
        elif n < len(kept) and not is_ours:
            is_text = slot.place is not None and not _same(kept[n][column], values[slot.place])
        else:
            is_text = True
        if is_text:
            yield n
    if not found.slots:
        yield 0


def _same(old: Any, new: Plain) -> bool:
    if isinstance(new, date) and not isinstance(new, datetime) and isinstance(old, datetime):
        return False
    if isinstance(new, bool) or isinstance(old, bool):
        return old is new
    return bool(old == new) and isinstance(old, str) == isinstance(new, str)


def _put(found: Plan, left: int, right: int, start: int, end: int) -> None:
    """Assign columns `left`..`right` of the rows `start`..`end`-1 at once, unless they hold it all already."""
    kept = found.kept[start:end]
    block = [
        [_wanted(found, column, slot, kept[n] if n < len(kept) else ()) for column in range(left, right + 1)]
        for n, slot in enumerate(found.slots[start:end])
    ]
    if not block:
        return
    now = [row[left : right + 1] for row in kept]
    if len(now) == len(block) and all(map(_same_row, now, block)):
        return
    area = found.sheet.range((found.first + start + 1, left + 1), (found.first + end, right + 1))
    area.value = [[_given(value) for value in row] for row in block]


def _put_around(found: Plan, column: int) -> None:
    """Assign a column that holds formulas, or what is to stay: only the cells that change, so that a right formula
    stays."""
    kept = [row[column] for row in found.kept]
    wanted = [_wanted(found, column, slot, [None] * column + kept[n : n + 1]) for n, slot in enumerate(found.slots)]
    for n, value in enumerate(wanted):
        if isinstance(value, Stays):
            holds = n < len(kept) and found.sheet.range((found.first + n + 1, column + 1)).formula not in (None, "")
            wanted[n] = kept[n] if holds else value.value
    changed = [n for n, value in enumerate(wanted) if n >= len(kept) or not _same(kept[n], value)]
    for top, bottom in _runs(changed):
        area = found.sheet.range((found.first + top + 1, column + 1), (found.first + bottom + 1, column + 1))
        if found.table[found.keys[column]].kind in _TEXTS:
            area.number_format = "@"
        area.value = [[_given(value)] for value in wanted[top : bottom + 1]]


def _wanted(found: Plan, column: int, slot: Slot, old: Sequence[Any]) -> Any:
    """The value for a cell of ours; a row that only keeps what people typed keeps its key."""
    if slot.place is not None:
        return found.values[column][slot.place]
    if not slot.stays and (word := gone(found.table, str(found.sheet.name)).get(found.keys[column])):
        return word
    keeps = slot.stays or found.keys[column] == found.table.key_field
    return old[column] if keeps and column < len(old) else None


def _same_row(old: Sequence[Any], new: Sequence[Plain]) -> bool:
    return all(map(_same, old, new))


def _given(value: Plain) -> Any:
    """A value as Excel is handed it: an apostrophe in front is a sign to Excel, so it takes two to have one."""
    if isinstance(value, str) and value.startswith("'"):
        return "'" + value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def _change_typed(found: Plan) -> None:
    """The cells of people's columns that a frame changes, one by one: the others may hold formulas."""
    for column in set(found.values) - found.computed:
        for n, (row, slot) in enumerate(zip(found.kept, found.slots, strict=False)):
            if slot.place is not None and not _same(row[column], found.values[column][slot.place]):
                cell = found.sheet.range((found.first + n + 1, column + 1))
                cell.value = _given(found.values[column][slot.place])
