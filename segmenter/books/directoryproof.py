"""The part of the proof about what leads to the sheets: the workbook part, relationships, types, styles, the order of
calculation. They have only grown; and nothing leads to what nobody knows.

Each function gives the first thing that is wrong, "" when nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from segmenter.books import aroundproof, spans
from segmenter.books.index import Index, rels_part
from segmenter.books.refs import Shift
from segmenter.schema import fold, tables

_STYLES: Final = (
    *("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs"),
    *("tableStyles", "colors", "extLst"),
)
"""what a part of styles holds, in its order"""
_LISTS: Final = frozenset(_STYLES) - {"cellStyles", "tableStyles", "colors", "extLst"}
"""those that may grow"""
_FOLLOWING: Final = ("_xlnm.Print_Area", "_xlnm._FilterDatabase")
"""names of cells that follow the rows"""
_APART: Final = frozenset({"sheets", "definedNames"})


def workbook(old: Index, new: Index, shifts: Mapping[str, Shift | None]) -> str:
    """The workbook part: sheets only added at the end, names only added with them or following our rows, the rest the
    same. `shifts`: how the rows of our sheets changed, by position."""
    was, now, count = old.workbook, new.workbook, len(old.sheets)
    if [one.element.raw for one in old.sheets] != [one.element.raw for one in new.sheets[:count]]:
        return "<sheets>"
    known = {fold(name) for table in tables().values() for name in table.sheet.values()}
    ids = [one.element.get("sheetId") for one in new.sheets]
    if any(fold(one.name) not in known or ids.count(one.element.get("sheetId")) > 1 for one in new.sheets[count:]):
        return "<sheets>"
    if not _names(old, new, shifts):
        return "<definedNames>"
    if not aroundproof.framed(was, now):
        return f"<{was.name}>"
    if not _is_calculated(was) <= _is_calculated(now):
        return "<calcPr>"
    kept, there = ([_told(one) for one in root.children if one.name not in _APART] for root in (was, now))
    if all(name != "calcPr" for name, _ in kept):
        there = [one for one in there if one != ("calcPr", {})]
    return next((f"<{(one or other or kept[0])[0]}>" for one, other in zip_longest(kept, there) if one != other), "")


def _told(one: spans.Element) -> tuple[str, object]:
    """What an element of the workbook part says; that all is to be calculated anew may be added."""
    said = {name: one.get(name) for name in one.attributes if name != "fullCalcOnLoad"}
    return one.name, said if one.name == "calcPr" else one.raw


def _is_calculated(workbook: spans.Element) -> bool:
    """Whether all is to be calculated anew when the workbook is opened."""
    found = workbook.first("calcPr")
    return found is not None and found.get("fullCalcOnLoad") in ("1", "true")


def _names(old: Index, new: Index, shifts: Mapping[str, Shift | None]) -> bool:
    """Whether all names are there, each with its text, or with one that follows our rows; and none is more but those
    of sheets that were added."""
    before, after = old.defined_names(), new.defined_names()
    if len(after) < len(before):
        return False
    for one, other in zip(before, after, strict=False):
        position = one.get("localSheetId")
        if one.get("name") not in _FOLLOWING or position not in shifts:
            if one.raw != other.raw:
                return False
            continue
        about = [[(name, each.get(name)) for name in each.attributes] for each in (one, other)]
        if about[0] != about[1] or not aroundproof.name(one.text, other.text, shifts[position]):
            return False
    added = {str(one.position) for one in new.sheets[len(old.sheets) :]}
    return all(one.get("localSheetId") in added for one in after[len(before) :])


class Reached(NamedTuple):
    """What may be more in a workbook than there was."""

    parts: frozenset[str]
    """the sheets that were added, what leads from them and where it leads to, and the styles"""
    tables: Mapping[str, spans.Element]
    """all Excel tables there are, by part"""


def reached(old: Index, new: Index) -> Reached:
    """What was added with sheets, or because of them."""
    waiting = [one.part for one in new.sheets if one.part not in {sheet.part for sheet in old.sheets}]
    found = {*waiting, new.styles_part, rels_part(new.workbook_part)} - {""}
    while waiting:
        part = waiting.pop()
        found.add(rels_part(part))
        further = [one.target for one in new.relations(part) if not one.external and one.target not in found]
        found.update(further)
        waiting += further
    listed = {part for sheet in new.sheets for part in new.related(sheet.part, "table")}
    return Reached(frozenset(found), {part: spans.parse(new.package.read(part), part) for part in sorted(listed)})


def added(name: str, found: Reached, new: Index) -> str:
    """A part that was not there: one of a sheet that was not there, or the styles of a workbook without any."""
    if name not in found.parts:
        return "added"
    own, others = found.tables.get(name), [table for part, table in found.tables.items() if part != name]
    for attribute in ("id", "displayName") if own else ():
        if own and own.get(attribute).casefold() in {one.get(attribute).casefold() for one in others}:
            return attribute
    return ""


def listed(before: bytes, after: bytes, name: str, old: Index, new: Index) -> str:
    """A list of types or relationships: everything in it still there, except what led to a part that may go; and
    nothing more but what leads to parts that were added."""
    gone, come = _ends(old, new), _ends(new, old)
    old_list, new_list = spans.parse(before, name), spans.parse(after, name)
    if not aroundproof.framed(old_list, new_list):
        return f"<{old_list.name}>"
    was, now = old_list.children, new_list.children
    for one in _missing(was, now):
        target = (one.get("PartName") or one.get("Target")).rpartition("/")[2]
        main = one.get("PartName").lstrip("/") == old.workbook_part
        if target not in gone and not main and "signature" not in one.get("Type"):
            return target or one.get("Extension") or one.name
    for one in _missing(now, was):
        target = one.get("PartName") or one.get("Target")
        main = target.lstrip("/") == old.workbook_part and one.get("ContentType").endswith("main+xml")
        rels = one.name == "Default" and one.get("Extension").casefold() == "rels"
        if one.get("TargetMode") == "External" or not (main or rels or target.rpartition("/")[2] in come):
            return target or one.get("Extension")
    return ""


def _ends(one: Index, other: Index) -> set[str]:
    """The last names of the parts that only one workbook has."""
    return {part.rpartition("/")[2] for part in one.package.names if part not in other.package}


def _missing(old: Sequence[spans.Element], new: Sequence[spans.Element]) -> list[spans.Element]:
    """Those of `old` that are not in `new`, or not as often."""
    there = Counter(one.raw for one in new)
    there.subtract(one.raw for one in old)
    return [one for one in old if there[one.raw] < 0]


def styles(before: bytes, after: bytes, name: str) -> str:
    """The styles: every list begins as it was, everything else is the same; lists stand in their order."""
    old, new = spans.parse(before, name), spans.parse(after, name)
    by_name = {one.name: one for one in old.children}
    if not aroundproof.framed(old, new):
        return f"<{old.name}>"
    if lost := {*by_name} - {one.name for one in new.children}:
        return f"<{min(lost)}>"
    for one in new.children:
        was = by_name.get(one.name)
        if was is not None and was.raw == one.raw:
            continue
        items, others = [x.raw for x in was.children] if was else [], [x.raw for x in one.children]
        counts = one.get("count") in ("", str(len(one.members)))
        if one.name not in _LISTS or others[: len(items)] != items or not counts:
            return f"<{one.name}>"
        if was is not None and _about(was) != _about(one):
            return f"<{one.name}>"
    if [one.name for one in old.children] != (names := [one.name for one in new.children]):
        known = [one for one in names if one in _STYLES]
        return "" if known == sorted(known, key=_STYLES.index) else "<styleSheet>"
    return ""


def _about(one: spans.Element) -> dict[str, str]:
    """What a list says of itself besides how long it is."""
    return {name: one.get(name) for name in one.attributes if name != "count"}


def chain(before: bytes, after: bytes, name: str, ours: Iterable[str]) -> str:
    """The calculation chain: only cells of our sheets, `ours` by their ids, may be gone from it."""
    was, now = spans.parse(before, name), spans.parse(after, name)
    if not aroundproof.framed(was, now):
        return f"<{was.name}>"
    old, new = _links(was), _links(now)
    there = {*new}
    wrong = next((one[1] for one in old if one not in there and one[0] not in ours), "")
    return wrong or ("" if [one for one in old if one in there] == new else "<calcChain>")


def _links(chain: spans.Element) -> list[tuple[str, ...]]:
    """The cells of the chain: the sheet of each, where it is, and what else is said of it."""
    found = []
    sheet = ""
    for one in chain.children:
        sheet = one.get("i", sheet)
        rest = (f"{name}={one.get(name)}" for name in sorted({*one.attributes} - {"i", "r"}))
        found.append((sheet, one.get("r"), *rest))
    return found
