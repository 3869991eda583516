"""What is said about the cells of a table elsewhere grows, shrinks and moves with its rows: filters, rules,
validations, links, tables, names, comments, the calculation chain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from segmenter.books import cells, refs, spans, translate
from segmenter.books.edits import Edits
from segmenter.books.refs import Area, Shift
from segmenter.books.rowxml import number
from segmenter.cells import address

_LISTS: Final = ("conditionalFormatting", "dataValidation", "protectedRange", "ignoredError")
"""elements whose `sqref` lists the ranges they are about"""
_FURTHER: Final = (
    *("extLst", "ext", "conditionalFormattings", "dataValidations", "ignoredErrors", "protectedRanges"),
    *("sparklineGroups", "sparklineGroup", "sparklines"),
)
"""lists of what only newer versions of Excel know, in one another: they go when nothing is left in them"""
_SINGLE: Final = ("autoFilter", "sortState", "sortCondition", "hyperlink", "table")
"""elements with one range in `ref`"""
_ANCHOR: Final = rb"(<(?:[^\s<>/:]+:)?Anchor>)(\s*-?[0-9]{1,9}\s*(?:,\s*-?[0-9]{1,9}\s*){7})(</(?:[^\s<>/:]+:)?Anchor>)"
"""where the box of a comment floats"""
_BOX: Final = rb"(?s)<((?:[^\s<>/:]+:)?)shape\b.*?</\1shape>"
"""the box of a comment; some programs write it with prefixes of their own"""
_BOX_ROW: Final = rb"(<(?:[^\s<>/:]+:)?Row>\s*)([0-9]+)(\s*</(?:[^\s<>/:]+:)?Row>)"
_BOX_COLUMN: Final = rb"<(?:[^\s<>/:]+:)?Column>\s*([0-9]+)\s*</"
_NAMES: Final = ("_xlnm.Print_Area", "_xlnm._FilterDatabase")
_SHEET: Final = r"((?:'(?:[^']|'')*'|[^'!,]+)!)?(\$?[A-Z]{1,3}\$?[0-9]{1,7}(?::\$?[A-Z]{1,3}\$?[0-9]{1,7})?)$"


def around(root: spans.Element, edits: Edits, shift: Shift) -> None:
    """Let everything in a worksheet part outside its rows follow them."""
    for one in root.walk():
        if one.name in _LISTS and "sqref" in one.attributes:
            _follow_list(one, edits, shift)
        elif one.name in _SINGLE and "ref" in one.attributes:
            _follow_single(one, edits, shift)
        elif one.name == "mergeCell" and (area := shift.merged(was := refs.told(one.get("ref")))) != was:
            edits.set(one, "ref", str(area))
        elif one.name == "sqref" and not one.children:
            kept = follow(one.text, shift)
            if kept and kept != one.text:
                edits.replace(one.inner, one.close, spans.quote(kept))
                _translate(one.parent, edits, one.text, kept)
    _drop_empty(root, edits, shift)


def follow(ranges: str, shift: Shift) -> str:
    """Ranges ("A2:A9 C2"), each where it belongs now; those whose rows vanished are left out."""
    found = []
    for one in ranges.split() or [ranges]:
        told = refs.told(one)
        area = shift.area(told)
        if area is not None:
            found.append(one if area == told else str(area))
    return " ".join(found)


def follow_cell(where: str, shift: Shift) -> str:
    """A cell with a comment or a link ("A2"), or a range with one, where it belongs now; "" when it vanished."""
    area = refs.told(where)
    kept = shift.cell(area) if area.top == area.bottom else shift.area(area)
    return "" if kept is None else where if kept == area else str(kept)


def _follow_list(one: spans.Element, edits: Edits, shift: Shift) -> None:
    old = one.get("sqref")
    kept = follow(old, shift)
    if kept == old:
        return
    if kept:
        edits.set(one, "sqref", kept)
        _translate(one, edits, old, kept)


def _follow_single(one: spans.Element, edits: Edits, shift: Shift) -> None:
    old = one.get("ref")
    kept = follow_cell(old, shift) if one.name == "hyperlink" else follow(old, shift)
    if kept and kept != old:
        edits.set(one, "ref", kept)


def _translate(one: spans.Element | None, edits: Edits, old: str, new: str) -> None:
    """Formulas of a rule are written as for the first cell of its first range: let them follow that cell."""
    start, end = (refs.told(ranges.split(maxsplit=1)[0]) for ranges in (old, new))
    if one is None or (start.top, start.left) == (end.top, end.left):
        return
    origin, target = address(start.top, start.left), address(end.top, end.left)
    for formula in one.walk():
        if formula.name in ("formula", "formula1", "formula2", "f") and not formula.children and formula.text:
            moved = translate.moved(formula.text, origin, target)
            if moved != formula.text:
                edits.replace(formula.inner, formula.close, cells.escape_formula(moved).encode())


def _drop_empty(root: spans.Element, edits: Edits, shift: Shift) -> None:
    """Take away rules and links all of whose cells vanished, and the lists that are empty without them."""
    for one in root.all("conditionalFormatting"):
        if not follow(one.get("sqref"), shift):
            edits.remove(one)
    for names, attribute, goes in (
        (("dataValidations", "dataValidation"), "sqref", follow),
        (("hyperlinks", "hyperlink"), "ref", follow_cell),
        (("ignoredErrors", "ignoredError"), "sqref", follow),
        (("protectedRanges", "protectedRange"), "sqref", follow),
    ):
        for group in root.all(names[0]):
            items = group.all(names[1])
            lost = [one for one in items if not goes(one.get(attribute), shift)]
            if items and len(lost) == len(items):
                edits.remove(group)
                continue
            for one in lost:
                edits.remove(one)
            if lost and "count" in group.attributes:
                edits.set(group, "count", str(len(items) - len(lost)))
    for one in root.all("extLst"):
        if _is_gone(one, shift):
            edits.remove(one)
        else:
            _drop_further(one, edits, shift)


def _drop_further(one: spans.Element, edits: Edits, shift: Shift) -> None:
    """The same of what an element lists that only newer versions of Excel know (`<extLst>`): rules, validations, lines
    drawn in cells."""
    lost = 0
    for child in one.children:
        if _is_gone(child, shift):
            edits.remove(child)
            lost += 1
        else:
            _drop_further(child, edits, shift)
    if lost and "count" in one.attributes:
        edits.set(one, "count", str(len(one.children) - lost))


def _is_gone(one: spans.Element, shift: Shift) -> bool:
    """Whether all cells vanished that something in such a list is about."""
    where = next((child for child in one.children if child.name == "sqref"), None)
    if where is not None:
        return not follow(where.text, shift)
    about = one.all("sparklines") if one.name == "sparklineGroup" else one.children
    return one.name in _FURTHER and bool(about) and all(_is_gone(child, shift) for child in about)


def dimension(root: spans.Element, edits: Edits, used: Area | None) -> None:
    """Write down which cells are used."""
    one = root.first("dimension")
    if one is not None and used is not None and one.get("ref") != str(used):
        edits.set(one, "ref", str(used))


def table(data: bytes, part: str, shift: Shift) -> bytes:
    """A table part whose rows changed: the range of the table, of its filter and of its sorting."""
    root = spans.parse(data, part)
    edits = Edits(data)
    area = refs.told(root.get("ref"))
    totals = number(root.get("totalsRowCount", "0"))
    grown = area._replace(bottom=shift.new + max(area.bottom - shift.old, totals))
    if grown != area:
        edits.set(root, "ref", grown.range)
    for one in root.walk():
        if one.name == "autoFilter" and "ref" in one.attributes:
            filtered = refs.told(one.get("ref"))._replace(bottom=grown.bottom - totals)
            edits.set(one, "ref", filtered.range)
        elif one.name in ("sortState", "sortCondition") and "ref" in one.attributes:
            sorted_ = refs.told(one.get("ref"))
            edits.set(one, "ref", sorted_._replace(bottom=max(grown.bottom - totals, sorted_.top)).range)
    return edits.apply()


def names(elements: Iterable[spans.Element], edits: Edits, position: int, shift: Shift) -> None:
    """Print area and hidden filter name of the sheet at tab `position` (both are kept in the workbook part)."""
    for one in elements:
        if one.get("name") in _NAMES and one.get("localSheetId") == str(position) and not one.children:
            pieces = one.text.split(",")
            changed = ",".join(_follow_name(piece, shift) for piece in pieces)
            if changed != one.text:
                edits.replace(one.inner, one.close, cells.escape_formula(changed).encode())


def _follow_name(piece: str, shift: Shift) -> str:
    found = re.match(_SHEET, piece)
    if not found:
        return piece
    area = refs.area(found[2])
    kept = shift.area(area)
    if kept is None or kept == area or ":" not in found[2]:
        return piece
    first, _, last = found[2].partition(":")
    first = re.sub(r"[0-9]+$", str(kept.top + 1), first)
    return f"{found[1] or ''}{first}:{re.sub(r'[0-9]+$', str(kept.bottom + 1), last)}"


def comments(data: bytes, part: str, shift: Shift) -> bytes:
    """A part with comments (or threads of them) whose cells moved."""
    root = spans.parse(data, part)
    edits = Edits(data)
    for one in root.walk():
        if one.name in ("comment", "threadedComment") and "ref" in one.attributes:
            kept = follow_cell(one.get("ref"), shift)
            if kept and kept != one.get("ref"):
                edits.set(one, "ref", kept)
    return edits.apply()


def boxes(data: bytes, shift: Shift) -> bytes:
    """The boxes of comments in a VML drawing, which name the row of their cell and where they float."""

    def move(found: re.Match[bytes]) -> bytes:
        shape = found[0]
        row, column = re.search(_BOX_ROW, shape), re.search(_BOX_COLUMN, shape)
        if not row or not column or not shift.columns[0] <= int(column[1]) <= shift.columns[1]:
            return shape
        old = int(row[2])
        new = shift.row(old)
        if new is None or new == old:
            return shape
        shape = shape.replace(row[0], row[1] + str(new).encode() + row[3])
        return re.sub(_ANCHOR, lambda one: _anchor(one, new - old), shape)

    return re.sub(_BOX, move, data)


def _anchor(found: re.Match[bytes], by: int) -> bytes:
    numbers = found[2].decode().split(",")
    for place in (2, 6):
        numbers[place] = numbers[place].replace(numbers[place].strip(), str(max(0, int(numbers[place]) + by)))
    return found[1] + ",".join(numbers).encode() + found[3]


def chain(data: bytes, part: str, sheet_id: str, keeps: Callable[[str], bool]) -> bytes | None:
    """The calculation chain without the cells of sheet `sheet_id` that `keeps` does not want; None when it is empty."""
    root = spans.parse(data, part)
    edits = Edits(data)
    current = ""
    before = ""
    left = 0
    for one in root.children:
        current = one.get("i", current)
        if current == sheet_id and not keeps(one.get("r")):
            edits.remove(one)
            continue
        left += 1
        if "i" not in one.attributes and before != current:
            edits.set(one, "i", current)
        before = current
    return edits.apply() if left else None
