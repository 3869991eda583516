"""What stands below a list on an open sheet: Excel moves it when rows are inserted above it, or deleted.

It stays where it is, or goes down when the list grows down to it, as in a file (`filling.pushed`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from segmenter.books import Grid, refs, translate
from segmenter.books.livesheet import cell_formulas, is_formula
from segmenter.books.refs import Area, Shift
from segmenter.books.region import ListObject, Region
from segmenter.cells import address
from segmenter.errors import Refused

if TYPE_CHECKING:
    import xlwings as xw

    from segmenter.books.liveplan import Plan


class Below(NamedTuple):
    """What stands below the rows of a list."""

    first: int
    last: int
    """the rows that hold something"""
    sums: Mapping[tuple[int, int], str]
    """the formulas by row and column"""
    torn: str
    """an Excel table or merged cells of which only some columns would move, which Excel refuses; "" for none"""


def found(sheet: xw.Sheet, grid: Grid, region: Region, listed: Sequence[ListObject]) -> Below | None:
    """What stands below the rows of a list, its row of totals aside, which comes and goes by itself."""
    own, first = region.listed, region.last + 1
    totals = range(own.last + 1, own.area.bottom + 1) if own else range(0)
    used = sheet.used_range.last_cell
    if used.row <= first + len(totals):
        return None
    area = sheet.range((first + 1, region.left + 1), (used.row, region.right + 1))
    texts = cell_formulas(area)
    filled = [
        ((first + r, region.left + c), text, value)
        for r, (row, values) in enumerate(zip(texts, area.options(ndim=2).value, strict=True))
        for c, (text, value) in enumerate(zip(row, values, strict=True))
        if text not in (None, "") and first + r not in totals
    ]
    if not filled:
        return None
    span = Area(first, region.left, used.row - 1, region.right)
    others = [(one.area, str(one.area)) for one in listed if one != own]
    others += [(Area(*one), address(one[0], one[1])) for one in grid.merged]
    pieces = parts((region.left, region.right), own.area if own else None)
    torn = (name for one, name in others if one.meets(span) and not _is_within(one, pieces))
    sums = {place: text for place, text, value in filled if is_formula(text, value)}
    return Below(filled[0][0][0], filled[-1][0][0], sums, next(torn, ""))


def parts(span: tuple[int, int], own: Area | None) -> list[tuple[int, int]]:
    """The columns of a list, first and last, that move apart from others: Excel wants the cells of a table moved by
    themselves."""
    left, right = span
    if own is None:
        return [span]
    sides = (left, own.left - 1), (own.right + 1, right)
    return [(own.left, own.right), *((first, last) for first, last in sides if first <= last)]


def _is_within(one: Area, pieces: Sequence[tuple[int, int]]) -> bool:
    return any(left <= one.left and one.right <= right for left, right in pieces)


def summed(plan: Plan, height: int, gone: Collection[int]) -> Mapping[tuple[int, int], str]:
    """The formulas below that read a list down to its last row, by the cell in which they stand when the rows `gone`
    went and there are `height`, as they have to read with the further ones; Excel does not think of these."""
    if plan.below is None:
        return {}
    by = plan.inserts(height, len(gone)) - len(gone)
    same, grown = (_following(plan, end, gone, by) for end in (plan.end - plan.first - len(gone), height))
    made = {}
    for (row, column), text in plan.below.sums.items():
        if (new := grown.formula(text[1:], row)) != same.formula(text[1:], row):
            made[row + by, column] = f"={new}"
    return made


def refuse_stuck(plan: Plan, gone: Collection[int]) -> None:
    """Refuse to let the rows `gone` go where a sum of somebody else among those of the list reads no others: Excel
    would write #REF! over it. Those below are refused by `summed`."""
    rows = [slot.source for slot in plan.slots if slot.whole and slot.source is not None] if gone else []
    following, (left, right) = _following(plan, plan.height, gone, 0), plan.span
    for row in rows:
        texts = cell_formulas(plan.sheet.range((row + 1, left + 1), (row + 1, right + 1)))[0]
        for text, value in zip(texts, plan.old[row - plan.first][left:], strict=True):
            if is_formula(text, value):
                following.formula(text[1:], row)


def _following(plan: Plan, height: int, gone: Collection[int], by: int) -> translate.Following:
    """What formulas follow when the rows `gone` went, there are `height`, and what is below went down `by`."""
    stayed = (row for row in range(plan.first, plan.end) if row not in gone)
    moved, new = {old: plan.first + n for n, old in enumerate(stayed)}, plan.first + height - 1
    shift = Shift(plan.first, plan.end - 1, new, moved, frozenset(gone), plan.span, by)
    return translate.Following(shift, str(plan.sheet.name))


def refuse(plan: Plan, height: int, gone: int) -> None:
    """Refuse to make the rows of a table `height` after `gone` went, where Excel could not move what is below."""
    below, last, rows = plan.below, plan.first + height + plan.inside + plan.totals, f"{plan.first + height:,}"
    if last > refs.MAX_ROWS or (below and below.last + height - len(plan.old) >= refs.MAX_ROWS):
        raise Refused("table_full", sheet=str(plan.sheet.name), rows=rows)
    if below and below.torn and (gone or plan.inserts(height, gone)):
        raise Refused("table_below", sheet=str(plan.sheet.name), cell=below.torn, rows=rows)
