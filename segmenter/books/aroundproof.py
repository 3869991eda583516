"""The part of the proof about what is said of the rows of a sheet around them: rules, validations, links, filters,
tables, comments, print areas. It says of each row what it said before, wherever that row stands now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

from segmenter.books import refs, spans, translate
from segmenter.books.filling import Meant
from segmenter.books.refs import Shift
from segmenter.books.rowxml import number
from segmenter.cells import address

_FOLLOW: Final = (
    *("conditionalFormatting", "dataValidations", "hyperlinks", "ignoredErrors", "protectedRanges", "extLst"),
    *("autoFilter", "sortState", "mergeCells"),
)
"""elements about cells: their ranges follow the rows"""
_ITEMS: Final = ("conditionalFormatting", "dataValidation", "hyperlink", "ignoredError", "protectedRange", "sparkline")
"""those that go when all their cells are gone"""
_GROUPS: Final = (
    *("dataValidations", "hyperlinks", "ignoredErrors", "protectedRanges"),
    *("extLst", "ext", "conditionalFormattings", "sparklineGroups", "sparklines"),
)
"""lists that go when nothing is left in them"""
_RANGES: Final = {
    "sqref": ("conditionalFormatting", "dataValidation", "ignoredError", "protectedRange"),
    "ref": ("autoFilter", "sortState", "sortCondition", "hyperlink"),
}
"""which elements say with which attribute what they are about"""
_FORMULAS: Final = ("formula", "formula1", "formula2", "f")
_DIGITS: Final = "0123456789"
_NO_DIGITS: Final = str.maketrans("", "", _DIGITS)
_REF: Final = rb"ref(?<=\sref)\s*=\s*[\"'][^\"']*"
_BOX: Final = rb"(<(?:\w+:)?(?:Row|Anchor)>)[^<]*"
_SHAPE: Final = rb"(?s)<(?:\w+:)?shape\s.*?</(?:\w+:)?shape>"
_ROW: Final = rb"<(?:\w+:)?Row>\s*([0-9]+)\s*<"
_FLOATS: Final = rb"<(?:\w+:)?Anchor>(\s*-?[0-9]{1,9}\s*(?:,\s*-?[0-9]{1,9}\s*){7})<"
_COLUMN: Final = rb"<(?:\w+:)?Column>\s*([0-9]+)\s*<"

Told = tuple[Any, ...]


def shift_of(plan: Meant) -> Shift | None:
    """How the rows of a table changed; None for a block."""
    region = plan.region
    if plan.whole is not None or region is None:
        return plan.whole.shift if plan.whole else None
    first, last = region.first, plan.first + len(plan.slots) - 1
    went = {slot.source: number for number, slot in enumerate(plan.slots, first) if slot.source is not None}
    went |= {row: last + 1 + n for n, row in enumerate(region.below)}
    gone = frozenset(row for row in range(first, region.last + 1) if row not in went)
    moved = {old: new for old, new in went.items() if old != new}
    by = last - region.last if region.pushes else 0
    return Shift(first, region.last, max(last, first), moved, gone, (region.left, region.right), by)


def elements(was: spans.Element, now: spans.Element, shift: Shift | None) -> str:
    """The first element of a worksheet part, rows aside, that does not say what it said."""
    if was.data == now.data and (shift is None or (not shift.moved and not shift.gone and shift.old == shift.new)):
        return ""
    if not framed(was, now):
        return f"<{was.name}>"
    pairs = zip_longest(_told(was, shift), _told(now, None))
    return next((f"<{(one or other)[0]}>" for one, other in pairs if one != other), "")


def framed(was: spans.Element, now: spans.Element) -> bool:
    """Whether a part begins as it did, down to what its root says, and has behind the root what it had."""
    return was.data[: was.inner] == now.data[: now.inner] and was.data[was.end :] == now.data[now.end :]


def _told(root: spans.Element, shift: Shift | None) -> Iterator[Told]:
    """What is around the rows, as it has to be after a shift."""
    for one in root.children:
        if one.name in ("sheetData", "dimension"):
            continue
        if one.name not in _FOLLOW:
            yield one.name, one.raw
        elif (told := _element(one, shift, None)) is not None:
            yield told


def _element(one: spans.Element, shift: Shift | None, moved: tuple[str, str] | None) -> Told | None:
    """An element about cells as it has to be after a shift; None when it has to go. `moved`: the first cell of the
    ranges it is about, before and after: its formulas are written as seen from there."""
    said = {name: one.get(name) for name in one.attributes if name != "count"}
    for name, elements_with in _RANGES.items():
        if shift is not None and name in said and one.name in elements_with:
            kept = _follow(said[name], shift, cells=one.name == "hyperlink")
            if not kept and one.name in _ITEMS:
                return None
            if name == "sqref":
                moved = _moved(said[name], kept)
            said[name] = kept or said[name]
    if shift is not None and one.name == "mergeCell":
        said["ref"] = str(shift.merged(refs.told(said["ref"])))
    if shift is not None and (inner := next((each for each in one.children if each.name == "sqref"), None)):
        moved = _moved(inner.text, kept := _follow(inner.text, shift))
        if not kept and one.name in _ITEMS:
            return None
    children = [told for child in one.children if (told := _element(child, shift, moved)) is not None]
    if one.name in _GROUPS and one.children and not children:
        return None
    if one.name == "sparklineGroup" and not any(told[0] == "sparklines" for told in children):
        return None
    text = "" if one.children else one.text
    if one.name == "sqref" and shift is not None:
        text = _follow(text, shift) or text
    elif one.name in _FORMULAS and moved and text:
        text = _copied(text, *moved)
    return one.name, sorted(said.items()), text, children


def _copied(text: str, start: str, end: str) -> str:
    """A formula of one cell as it reads in another; in the same column only its numbers may be others, and where more
    is, this is as it was."""
    found = translate.moved(text, start, end)
    lost = start.rstrip(_DIGITS) == end.rstrip(_DIGITS) and text.translate(_NO_DIGITS) != found.translate(_NO_DIGITS)
    return text if lost else found


def _follow(ranges: str, shift: Shift, *, cells: bool = False) -> str:
    """Ranges where they have to be, those whose rows vanished left out; `cells`: one of a single row goes with it.
    Worked out here and not by `growth`, which wrote them: its faults would be taken for granted."""
    found = []
    for one in ranges.split() or [ranges]:
        area = refs.told(one)
        kept = shift.cell(area) if cells and area.top == area.bottom else shift.area(area)
        if kept is not None:
            found.append(one if kept == area else str(kept))
    return " ".join(found)


def _moved(before: str, after: str) -> tuple[str, str] | None:
    """The first cell of some ranges before and after, where it is another."""
    if not before or not after:
        return None
    start, end = (refs.told(ranges.split(maxsplit=1)[0]) for ranges in (before, after))
    first, last = address(start.top, start.left), address(end.top, end.left)
    return None if first == last else (first, last)


def belonging(before: bytes, after: bytes, part: str, plan: Meant | None) -> bool:
    """Whether a part that belongs to a sheet (a table, comments, their boxes) says what it said."""
    shift = shift_of(plan) if plan else None
    if shift is None or plan is None or plan.region is None:
        return before == after
    if part.endswith(".vml"):
        rest = re.sub(_BOX, rb"\1", before) == re.sub(_BOX, rb"\1", after)
        return rest and [*_boxes(before, shift)] == [*_boxes(after, None)]
    if re.sub(_REF, b"", before) != re.sub(_REF, b"", after):
        return False
    listed = plan.region.listed
    table = spans.parse(after, part).name == "table"
    if table and (listed is None or listed.part != part):
        return before == after
    last = shift.new + (max(listed.last - shift.old, 0) if table and listed else 0)  # with what goes along inside it
    pairs = zip(spans.parse(before, part).walk(), spans.parse(after, part).walk(), strict=True)
    told = ((old, new.get("ref")) for old, new in pairs if "ref" in old.attributes)
    return all((_table(old, last) if table else _comment(old, shift)) == new for old, new in told)


def _table(one: spans.Element, last: int) -> str:
    """The range of a table down to its row `last`, of its filter or of its sorting, as it has to be."""
    area, told = refs.told(one.get("ref")), one.get("ref")
    if one.name == "table":
        grown = area._replace(bottom=last + number(one.get("totalsRowCount", "0")))
    else:
        grown = area._replace(bottom=max(last, area.top))
    return told if grown == area else grown.range


def _comment(one: spans.Element, shift: Shift) -> str:
    return _follow(one.get("ref"), shift, cells=True) or one.get("ref")


def _boxes(data: bytes, shift: Shift | None) -> Iterator[tuple[int, int, list[int]]]:
    """Row and column of the cells to which the boxes of comments belong, as they have to be, and where these float."""
    for shape in re.findall(_SHAPE, data):
        row, column = re.search(_ROW, shape), re.search(_COLUMN, shape)
        if not row or not column:
            continue
        old, left = int(row[1]), int(column[1])
        follows = shift is not None and shift.columns[0] <= left <= shift.columns[1]
        new = shift.row(old) if shift is not None and follows else old
        now = old if new is None else new
        anchor = re.search(_FLOATS, shape)
        floats = [*map(int, anchor[1].split(b","))] if anchor else []
        if now != old:
            floats[2::4] = [max(0, place + now - old) for place in floats[2::4]]
        yield now, left, floats


def name(before: str, after: str, shift: Shift | None) -> bool:
    """Whether the text of a name that follows the rows (a print area, a hidden filter) is what it has to be."""
    return [*_pieces(before, shift)] == [*_pieces(after, None)]


def _pieces(text: str, shift: Shift | None) -> Iterator[Any]:
    for piece in text.split(","):
        sheet, mark, where = piece.rpartition("!")
        try:
            area = refs.area(where)
        except ValueError:
            yield piece
            continue
        kept = shift.area(area) if shift is not None and ":" in where else area
        yield sheet, mark, "$" in where, kept or area
