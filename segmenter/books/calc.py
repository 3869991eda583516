"""Formulas elsewhere that read what we wrote: which have a result that is old now, and telling Excel to calculate."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from segmenter.books import refs, spans, translate
from segmenter.books.edits import Edits
from segmenter.books.index import Index
from segmenter.books.refs import Area, Shift
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
from segmenter.errors import Refused

_BEFORE_CALC: Final = (
    "fileVersion",
    "fileSharing",
    "workbookPr",
    "workbookProtection",
    "bookViews",
    "sheets",
    "functionGroups",
    "externalReferences",
    "definedNames",
)
_FORMULA: Final = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s>]")
_PERHAPS: Final = re.compile(rb"f[\s>](?<=[<:]f.)", re.DOTALL)
"""what a part without formulas mostly lacks, looked for ten times faster"""
_VALUE: Final = rb"(?s)<((?:[^\s<>/:]+:)?)v\b[^>]*(?:/>|>.*?</\1v\s*>)"
_FORMULA_CELL: Final = rb"(?s)<((?:[^\s<>/:]+:)?)c(?:\s[^>]*)?>\s*<\1f[\s>/](?:(?!</\1c\s*>).)*</\1c\s*>"
_TEXT: Final = r'"(?:[^"]|"")*"'
_REFERENCE: Final = (
    r"(?<![\w.$])(?:('(?:[^']|'')+'|[^\s'!(),;+\-*/^&=<>{}\"\[\]]+)!)?"
    r"(\$?[A-Za-z]{1,3}\$?[0-9]{1,7}(?::\$?[A-Za-z]{1,3}\$?[0-9]{1,7})?|\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3}"
    r"|\$?[0-9]{1,7}:\$?[0-9]{1,7})(?![\w(!.])"
)
_ROW_END: Final = rb":\$?[A-Za-z]{0,3}\$?([0-9]{1,7})"
_WORD: Final = r"(?<![\w.'!])([^\W\d][\w.]*)(?:(\[)|(?![\w.(!'\[]))"


def recalculate(workbook: spans.Element, edits: Edits) -> None:
    """Tell Excel to calculate everything when it opens the workbook."""
    found = workbook.first("calcPr")
    if found is not None:
        if found.get("fullCalcOnLoad") not in ("1", "true"):
            edits.set(found, "fullCalcOnLoad", "1")
        return
    before = [child for child in workbook.children if child.name in _BEFORE_CALC]
    edits.insert(before[-1].end, f'<{workbook.prefix}calcPr fullCalcOnLoad="1"/>'.encode())


def has_formulas(data: bytes) -> bool:
    """Whether a sheet part has formulas in its cells."""
    return _PERHAPS.search(data) is not None and _FORMULA.search(data) is not None


class Reference(NamedTuple):
    """Cells a formula reads: the sheet's name casefolded ("" for its own) and where."""

    sheet: str
    area: Area


class Formula(NamedTuple):
    """A formula cell of somebody else's sheet."""

    sheet: str
    """its sheet's name, casefolded"""
    cell: Cell
    reads: list[Reference]


class Words(NamedTuple):
    """What names in formulas stand for, all casefolded."""

    tables: Mapping[str, Reference]
    """Excel tables of our sheets"""
    names: Mapping[str, str]
    """defined names and their text"""

    def reads(self, text: str, depth: int = 0) -> Iterator[Reference]:
        """Every reference of a formula, through tables and names."""
        plain = re.sub(_TEXT, '""', text)
        for found in re.finditer(_REFERENCE, plain):
            sheet = (found[1] or "").strip("'").replace("''", "'").casefold()
            yield Reference(sheet, refs.area(found[2]))
        for found in re.finditer(_WORD, plain):
            word = found[1].casefold()
            if found[2] and word in self.tables:
                yield self.tables[word]
            elif word in self.names and depth < 8:
                yield from self.reads(self.names[word], depth + 1)


def formulas(index: Index, without: Collection[str], words: Words) -> dict[str, list[Formula]]:
    """The formulas by part; not those of the parts in `without` (ours, or known to have none)."""
    found: dict[str, list[Formula]] = {}
    for entry in index.sheets:
        if entry.kind != "worksheet" or entry.part in without or entry.part not in index.package:
            continue
        data = index.package.read(entry.part)
        if not has_formulas(data):
            continue
        sheet = Sheet(data, entry.part, entry.name, ())
        found[entry.part] = of(sheet, sheet.formulas(), words)
    return found


def of(sheet: Sheet, cells: Iterable[Cell], words: Words) -> list[Formula]:
    """The formulas in some cells of a sheet."""
    name = sheet.name.casefold()
    return [Formula(name, cell, list(words.reads(spelt(sheet, cell)))) for cell in cells]


def short(found: Iterable[Formula], grown: Mapping[str, Shift]) -> list[Cell]:
    """The cells of the formulas that read a list (`grown`: how the rows of those changed that are longer now, by sheet
    name casefolded) as far as it went, and do not reach its end any more."""

    def is_short(one: Formula) -> bool:
        for read in one.reads:
            sheet, area = read.sheet or one.sheet, read.area
            if sheet == one.sheet and area.bottom == one.cell.row:  # a sum so far
                continue
            its = grown.get(sheet)
            if its and area.top < area.bottom and area.top <= its.old <= area.bottom < its.new and its.covers(area):
                return True
        return False

    return [one.cell for one in found if is_short(one)]


def perhaps_short(data: bytes, grown: Mapping[str, Shift], words: Words) -> bool:
    """Whether a sheet part may have formulas that `short` finds: most have none, and to ask each takes long."""
    ends = {*map(int, re.findall(_ROW_END, data))}
    named = any(not name.startswith("_xlnm.") for name in words.names)
    return named or any(its.old < end <= its.new for its in grown.values() for end in ends)


def spelt(sheet: Sheet, cell: Cell) -> str:
    """The formula in a cell, though it be one that another cell spells out."""
    attributes, text = cell.formula or ({}, "")
    if text or attributes.get(b"t") != b"shared":
        return text
    master, origin = sheet.shared.get(attributes.get(b"si", b""), ("", cell.where))
    try:
        return translate.moved(master, origin, cell.where) if master else ""
    except Refused:  # one that cannot be read, or leads around the edge of the sheet, as shared ones may
        return master


def stale(found: Mapping[str, list[Formula]], written: Mapping[str, list[Area]]) -> dict[str, list[Cell]]:
    """By part, the cells of `found` with a result that read a written cell (`written`: areas by sheet name casefolded),
    or read a cell that does."""
    areas = {sheet: list(each) for sheet, each in written.items()}
    old: dict[str, list[Cell]] = {}
    waiting = [(part, one) for part, each in found.items() for one in each]
    again = True
    while again:
        left = []
        again = False
        for part, one in waiting:
            if any(_meets(areas.get(read.sheet or one.sheet, ()), read.area) for read in one.reads):
                if re.search(_VALUE, one.cell.inner):
                    old.setdefault(part, []).append(one.cell)
                areas.setdefault(one.sheet, []).append(
                    Area(one.cell.row, one.cell.column, one.cell.row, one.cell.column)
                )
                again = True
            else:
                left.append((part, one))
        waiting = left
    return old


def _meets(areas: Collection[Area], read: Area) -> bool:
    return any(one.meets(read) for one in areas)


def dropped(data: bytes, cells: Collection[Cell]) -> bytes:
    """A sheet part with the results of some formula cells taken out, nothing else."""
    new = {cell.raw: re.sub(_VALUE, b"", cell.raw) for cell in cells}
    for old, without in new.items():
        data = data.replace(old, without, 1)
    return data


def wrongly_dropped(was: Sheet, now: Sheet, cells: Collection[Cell] | None) -> str:
    """The first thing about a sheet that changed, results of formula cells that were taken out aside; of those `cells`
    all have to be, and no others. None: nobody knows which."""
    old, new = (re.sub(_FORMULA_CELL, lambda cell: re.sub(_VALUE, b"", cell[0]), one.data) for one in (was, now))
    if old != new:
        return "changed"
    wanted = None if cells is None else {cell.where for cell in cells}
    for cell in was.formulas():
        found = now.rows[cell.row].cells[cell.column]
        gone = found.raw != cell.raw
        if (gone and re.search(_VALUE, found.inner)) or (wanted is not None and gone != (cell.where in wanted)):
            return cell.where
    return ""
