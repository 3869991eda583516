"""What in a workbook reads cells below a list that move with it. It stays to the letter, and would read others then."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from segmenter.books import calc, refs, spans
from segmenter.books.index import Index, SheetEntry
from segmenter.books.refs import Area, Shift
from segmenter.books.region import InFile, count
from segmenter.books.sheetxml import Sheet

_FORMULAS: Final = ("f", "formula", "formula1", "formula2")
_LINKS: Final = ("textlink", "fmlaLink", "fmlaRange")
"""attributes of shapes and controls that name cells"""
_FOLLOW: Final = ("_xlnm.Print_Area", "_xlnm._FilterDatabase")
"""names that follow the rows themselves"""
_PLAIN: Final = calc.Words({}, {})
"""columns of Excel tables are no addresses, and each name is looked at by itself"""


class Reader(NamedTuple):
    """What reads a cell that moves: where it stands or what it is called, and the cells it reads."""

    where: str
    cells: str


def reader(index: Index, entry: SheetEntry, sheet: Sheet, shift: Shift) -> Reader | None:
    """The first thing that reads a cell below the rows of a list on `sheet`, as it was, that `shift` moves; None when
    nothing does. What stands below itself follows what it reads."""
    standing, inside = InFile(sheet), range(shift.columns[0], shift.columns[1] + 1)
    rows = [row for row in shift.moved if row > shift.old and count(standing, row, inside)]
    if not rows:
        return None
    moves = Area(min(rows), shift.columns[0], max(rows), shift.columns[1])
    last = max(moves.bottom, *(shift.moved[row] for row in rows))
    for name, where, text in _texts(index, entry, sheet, shift):
        for read in _PLAIN.reads(text):
            whole = read.area.top <= shift.old and read.area.bottom >= last
            if (read.sheet or name) == sheet.name.casefold() and read.area.meets(moves) and not whole:
                return Reader(where, str(read.area))
    return None


def _texts(index: Index, entry: SheetEntry, own: Sheet, shift: Shift) -> Iterator[tuple[str, str, str]]:
    """Every formula: the sheet it stands on (casefolded, "" on none), where it stands, and its text."""
    for one in index.defined_names():
        if one.get("name") not in _FOLLOW:
            yield "", one.get("name"), one.text
    for source in index.related(index.workbook_part, "pivotCacheDefinition"):
        for one in spans.parse(index.package.read(source), source).all("cacheSource", "worksheetSource"):
            if "ref" in one.attributes:
                yield one.get("sheet").casefold(), source, one.get("ref")
    for other in index.sheets:
        for part in _drawn(index, other) if other.part else ():
            root = spans.parse(index.package.read(part), part)
            for text in _linked(root):
                yield other.name.casefold(), f"{other.name} ({posixpath.basename(part)})", text
        if other.kind == "worksheet" and other.part in index.package:
            is_own = other.part == entry.part
            sheet = own if is_own else Sheet(index.package.read(other.part), other.part, other.name, ())
            yield from _on(sheet, shift if is_own else None)


def _drawn(index: Index, entry: SheetEntry) -> Iterator[str]:
    """The parts of a sheet's drawings, charts and controls."""
    yield from index.related(entry.part, "ctrlProp")
    for drawing in index.related(entry.part, "drawing"):
        yield drawing
        for kind in ("chart", "chartEx"):
            yield from index.related(drawing, kind)


def _linked(root: spans.Element) -> Iterator[str]:
    """What a chart, a shape or a control shows of cells."""
    for one in root.walk():
        yield from (one.get(name) for name in _LINKS if name in one.attributes)
        if one.name in _FORMULAS and not one.children and one.text:
            yield one.text


def _on(sheet: Sheet, shift: Shift | None) -> Iterator[tuple[str, str, str]]:
    """The formulas of a sheet, but those in and about the cells below a list that has a `shift`."""
    name = sheet.name.casefold()
    follow = Area(shift.old + 1, shift.columns[0], refs.MAX_ROWS - 1, shift.columns[1]) if shift else None

    def stays(area: Area) -> bool:
        return follow is None or not area.meets(follow)

    for cell in sheet.formulas() if calc.has_formulas(sheet.data) else ():
        if stays(calc.place(cell)):
            yield name, f"{sheet.name}!{cell.where}", calc.spelt(sheet, cell)
    for about, text in _said(sheet.root):
        if not about or any(stays(refs.told(one)) for one in about.split()):
            yield name, f"{sheet.name}!{about}", text


def _said(one: spans.Element, about: str = "") -> Iterator[tuple[str, str]]:
    """The formulas in an element, each with the ranges it is about."""
    inner: Iterable[str] = (child.text for child in one.children if child.name == "sqref")
    about = one.get("sqref") or next(iter(inner), about)
    if one.name in _FORMULAS and not one.children and one.text:
        yield about, one.text
    if one.name == "cfvo" and "val" in one.attributes:
        yield about, one.get("val")
    for child in one.children:
        yield from _said(child, about)
