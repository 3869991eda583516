"""What in a workbook reads cells below a list that move with it. It stays to the letter, and would read others then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from segmenter.books import calc, refs, spans
from segmenter.books.index import Index, SheetEntry
from segmenter.books.refs import Area, Shift
from segmenter.books.sheetxml import Sheet

_FORMULAS: Final = ("f", "formula", "formula1", "formula2")
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
    nothing does. What moves along reads on what it read."""
    rows = [row for row in shift.moved if row > shift.old]
    if not rows:
        return None
    old, new = ((min(each), max(each)) for each in (rows, [shift.moved[row] for row in rows]))
    moves = Area(old[0], shift.columns[0], old[1], shift.columns[1])
    for name, where, text in _texts(index, entry, sheet, moves):
        for read in _PLAIN.reads(text):
            whole = read.area.top <= shift.old and read.area.bottom >= max(old[1], new[1])
            if (read.sheet or name) == sheet.name.casefold() and read.area.meets(moves) and not whole:
                return Reader(where, str(read.area))
    return None


def _texts(index: Index, entry: SheetEntry, own: Sheet, moves: Area) -> Iterator[tuple[str, str, str]]:
    """Every formula: the sheet it stands on (casefolded, "" on none), where it stands, and its text."""
    for one in index.defined_names():
        if one.get("name") not in _FOLLOW:
            yield "", one.get("name"), one.text
    for source in index.related(index.workbook_part, "pivotCacheDefinition"):
        for one in spans.parse(index.package.read(source), source).all("cacheSource", "worksheetSource"):
            if "ref" in one.attributes:
                yield one.get("sheet").casefold(), source, one.get("ref")
    for other in index.sheets:
        for kind in ("chart", "chartEx"):
            for drawing in index.related(other.part, "drawing") if other.part else ():
                for chart in index.related(drawing, kind):
                    yield from (("", chart, text) for _, text in _said(spans.parse(index.package.read(chart), chart)))
        if other.kind == "worksheet" and other.part in index.package:
            is_own = other.part == entry.part
            sheet = own if is_own else Sheet(index.package.read(other.part), other.part, other.name, ())
            yield from _on(sheet, moves if is_own else None)


def _on(sheet: Sheet, moves: Area | None) -> Iterator[tuple[str, str, str]]:
    """The formulas of a sheet, but those in and about the cells that move."""
    name = sheet.name.casefold()

    def stays(area: Area) -> bool:
        return moves is None or not area.meets(moves)

    for cell in sheet.formulas() if calc.has_formulas(sheet.data) else ():
        if stays(Area(cell.row, cell.column, cell.row, cell.column)):
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
    for child in one.children:
        yield from _said(child, about)
