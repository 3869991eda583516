"""Formulas in the cells of a workbook and what they read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from segmenter.books import refs, translate
from segmenter.books.refs import Area
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
from segmenter.errors import Refused

_FORMULA: Final = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s>]")
_PERHAPS: Final = re.compile(rb"f[\s>](?<=[<:]f.)", re.DOTALL)
"""what a part without formulas mostly lacks, looked for ten times faster"""
_TEXT: Final = r'"(?:[^"]|"")*"'
_REFERENCE: Final = (
    r"(?<![\w.$])(?:('(?:[^']|'')+'|(?!:)[^\s'!(),;+\-*/^&=<>{}\"\[\]]+)!)?"
    r"(\$?[A-Za-z]{1,3}\$?[0-9]{1,7}(?::\$?[A-Za-z]{1,3}\$?[0-9]{1,7})?|\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3}"
    r"|\$?[0-9]{1,7}:\$?[0-9]{1,7})(?![\w(!.])"
)
_WORD: Final = r"(?<![\w.'])([^\W\d][\w.]*)(?:(\[)|(?![\w.(!'\[]))"
_OWN: Final = r"(?<![\w.\]'\[])\[(?![^\[\]]*\][^\[\]]*!)"
"""columns of the Excel table in which the formula stands"""
_NAMED: Final = r"(?<=[\w.])\[(?:'.|[^\[\]']|\[(?:'.|[^\[\]'])*\])*\]"
"""columns of one that is named in front of them"""
_THIS_ROW: Final = re.compile(r"\[{1,2}#This Row\]", re.IGNORECASE)
_FAR: Final = re.compile(r"(?<![\w.])(OFFSET|INDIRECT)\(", re.IGNORECASE)
"""functions that read other cells than are written there"""
_ROW: Final = re.compile(r"(?<![\w.])(?:ROW|CELL)\(", re.IGNORECASE)
"""functions that say where cells stand"""
_HIDES: Final = re.compile(r"(?<![\w.])(?:SUBTOTAL|AGGREGATE)\(", re.IGNORECASE)
"""functions that leave out hidden rows"""
_RELATIVE: Final = re.compile(r"(?<![$0-9])[0-9]")
"""in a reference, a row without $"""
_LOOSE: Final = re.compile(r"(?<![$A-Za-z])[A-Za-z]|(?<![$0-9])[0-9]")
"""in a reference, a column or a row without $"""
ANY: Final = ":"
"""stands in a reference for the name of a sheet, or in it, where several are meant: no sheet has such a name"""
_EVERYTHING: Final = Area(0, 0, refs.MAX_ROWS - 1, refs.MAX_COLUMNS - 1)


def has_formulas(data: bytes) -> bool:
    """Whether a sheet part has formulas in its cells."""
    return _PERHAPS.search(data) is not None and _FORMULA.search(data) is not None


class Reference(NamedTuple):
    """Cells a formula reads: the sheet's name casefolded ("" for its own) and where."""

    sheet: str
    area: Area
    relative: bool = False
    """whether it reads others when it is copied into another row"""


class Formula(NamedTuple):
    """A formula cell that is not ours."""

    sheet: str
    """its sheet's name, casefolded"""
    cell: Cell
    reads: list[Reference]
    asks_row: bool = False
    """whether it says where cells stand, its own or those it reads"""
    skips_hidden: bool = False
    """whether what it comes to depends on which rows are hidden"""


class Words(NamedTuple):
    """What names in formulas stand for, all casefolded."""

    tables: Mapping[str, Reference]
    """Excel tables"""
    names: Mapping[str, str]
    """defined names and their text"""

    def reads(self, text: str, row: int | None = None, depth: int = 0) -> Iterator[Reference]:
        """Every reference of a formula, which stands in `row`, through tables and names."""
        plain = _without_texts(text)
        far = {found.upper() for found in re.findall(_FAR, plain)} if "(" in plain else ()
        reads = list[Reference]()
        ends = plain.count(":")
        for found in re.finditer(_REFERENCE, plain):
            sheet = found[1].strip("'").replace("''", "'").casefold() if found[1] else ""
            # of a name it says what is read from A1, and others from elsewhere
            area = _EVERYTHING if depth and _LOOSE.search(found[2]) else refs.area(found[2])
            reads.append(Reference(sheet, area, _RELATIVE.search(found[2]) is not None))
            ends -= found[0].count(":")
            if "OFFSET" in far:
                yield Reference(sheet, _EVERYTHING)
        if "INDIRECT" in far:
            yield Reference(ANY, _EVERYTHING)
        for found in re.finditer(_WORD, plain) if self.tables or self.names else ():
            word = found[1].casefold()
            if word in self.tables:  # all of it is a name without brackets where Excel has not saved it yet
                is_row = found[2] and _THIS_ROW.match(plain, found.start(2))
                reads.append(self._within(self.tables[word], row if is_row else None))
            elif word in self.names and depth < 8:
                reads += self.reads(self.names[word], row, depth + 1)
        yield from reads
        if ends and len(reads) > 1:
            yield from _between(reads)

    def calls(self, functions: re.Pattern[str], text: str, depth: int = 0) -> bool:
        """Whether a formula has one of some functions, itself or by a name."""
        plain = _without_texts(text)
        if "(" in plain and functions.search(plain):
            return True
        words = {found[1].casefold() for found in re.finditer(_WORD, plain)} if self.names else set()
        known = words & self.names.keys()
        return depth < 8 and any(self.calls(functions, self.names[word], depth + 1) for word in known)

    @staticmethod
    def _within(table: Reference, row: int | None) -> Reference:
        """What is read of an Excel table: all, or one row."""
        area = table.area
        return table if row is None else table._replace(area=area._replace(top=row, bottom=row))

    def around(self, sheet: str, cell: Cell, text: str) -> Iterator[Reference]:
        """The Excel table in which a formula cell stands, if it reads columns of that without naming it."""
        if "[" in text and re.search(_OWN, re.sub(_NAMED, "", _without_texts(text))):
            here = place(cell)
            yield from (one for one in self.tables.values() if one.sheet == sheet and one.area.meets(here))


def _without_texts(formula: str) -> str:
    return re.sub(_TEXT, '""', formula) if '"' in formula else formula


def _between(reads: Iterable[Reference]) -> Iterator[Reference]:
    """What may be read of each sheet where a range has an end that is worked out (`I2:INDEX(I:I,9)`)."""
    by_sheet: dict[str, list[Reference]] = {}
    for one in reads:
        by_sheet.setdefault(one.sheet, []).append(one)
    for sheet, each in by_sheet.items():
        tops, lefts, bottoms, rights = zip(*(one.area for one in each), strict=True)
        area = Area(min(tops), min(lefts), max(bottoms), max(rights))
        yield Reference(sheet, area, any(one.relative for one in each))


def of(sheet: Sheet, cells: Iterable[Cell], words: Words) -> list[Formula]:
    """The formulas in some cells of a sheet."""
    name, found = sheet.name.casefold(), []
    for cell in cells:
        text = spelt(sheet, cell)
        reads = [*words.reads(text, cell.row), *words.around(name, cell, text)]
        found.append(Formula(name, cell, reads, words.calls(_ROW, text), words.calls(_HIDES, text)))
    return found


def place(cell: Cell) -> Area:
    """Where a cell stands."""
    return Area(cell.row, cell.column, cell.row, cell.column)


def filled(cell: Cell) -> Area:
    """The cells that a formula cell fills with results: itself, or all of an array."""
    attributes, _ = cell.formula or ({}, "")
    if attributes.get(b"t") in (b"array", b"dataTable") and b"ref" in attributes:
        with suppress(Refused):
            return refs.told(attributes[b"ref"].decode())
    return place(cell)


def spelt(sheet: Sheet, cell: Cell) -> str:
    """The formula in a cell, though it be one that another cell spells out; of a what-if table the cells it reads."""
    attributes, text = cell.formula or ({}, "")
    if attributes.get(b"t") == b"dataTable":
        return _what_if(cell, attributes)
    if text or attributes.get(b"t") != b"shared":
        return text
    master, origin = sheet.shared.get(attributes.get(b"si", b""), ("", cell.where))
    try:
        return translate.moved(master, origin, cell.where) if master else ""
    except Refused:  # one that cannot be read, or leads around the edge of the sheet, as shared ones may
        return master


def _what_if(cell: Cell, attributes: Mapping[bytes, bytes]) -> str:
    """What a what-if table reads: the cells it puts values into, and those above and left of it, with formulas and
    values."""
    area, put = filled(cell), (attributes[name].decode() for name in (b"r1", b"r2") if name in attributes)
    edges = (
        Area(area.top - 1, area.left - 1, area.top - 1, area.right),
        Area(area.top, area.left - 1, area.bottom, area.left - 1),
    )
    return ",".join([*put, *(str(one) for one in edges if one.top >= 0 and one.left >= 0)])
