"""A workbook on disk as it was opened: what its sheets say, read through calamine, or by us where that is faster."""

from __future__ import annotations

import io
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segmenter.books import Grid, naming, reading, refs, region, saving
from segmenter.books.edits import Edits
from segmenter.books.index import Index, SheetEntry
from segmenter.books.package import Draft, Package, write
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.errors import Refused
from segmenter.schema import CUSTOMERS, Table
from segmenter.texts import Lang

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_LONG: Final = 1 << 22
"""bytes from which a sheet is read column by column"""


def sheet_of(index: Index, table: Table, lang: Lang) -> SheetEntry | None:
    """The sheet of a table: its name in the language of the book, otherwise in another."""
    position = naming.find([sheet.name for sheet in index.sheets], table, lang)
    return None if position is None else index.sheets[position]


def _standing(index: Index, entry: SheetEntry) -> region.InFile:
    """What stands on a sheet, taken apart. No method: what keeps the grids would be kept by them in turn. And not kept
    itself: a grid would hold all its rows once more."""
    with refs.named(entry.name):
        sheet = Sheet(index.package.read(entry.part), entry.part, entry.name, index.strings)
        return region.InFile(sheet, region.noted(index, entry.part))


class Opened:
    """The workbook at `path`, its bytes and what is in them."""

    def __init__(self, path: Path) -> None:
        self.data = saving.load(path)
        self.package = Package(self.data, path)
        self.index = Index(Draft(self.package))
        self.strings = self.index.strings
        self.plain: set[str] = set()
        """parts of sheets that were read and have no formulas"""
        self._read_once: dict[str, Grid] = {}
        """what was read of short sheets, of which some are read again when they are written"""

    @cached_property
    def lang(self) -> Lang:
        """The language most of its sheets of ours are named in; Chinese when it is a tie."""
        return naming.lang_of([sheet.name for sheet in self.index.sheets])

    def read(self, table: Table) -> Grid | None:
        """What stands on the table's sheet; None when it has no such sheet.

        Refused when the customer sheet is missing, or when it cannot be told which sheet is meant.
        """
        entry = sheet_of(self.index, table, self.lang)
        if entry is not None:
            return self.grid(entry)
        if table.key == CUSTOMERS.key:
            raise naming.missing([sheet.name for sheet in self.index.sheets], table, self.lang)
        return None

    def grid(self, entry: SheetEntry) -> Grid:
        """What stands on a sheet."""
        if entry.kind != "worksheet":
            raise Refused("sheet_kind", sheet=entry.name, part=entry.kind)
        if entry.part in self._read_once:
            return self._read_once[entry.part]
        with refs.named(entry.name):
            found = self._read(entry)
        if self.package.entries[entry.part].size < _LONG:
            self._read_once[entry.part] = found
        return found

    def _read(self, entry: SheetEntry) -> Grid:
        about = reading.About(entry.part, entry.name, entry.hidden, region.listed(self.index, entry.part))
        found: Grid | None = None
        if max(self.package.entries[part].size for part in (entry.part, self.index.strings_part) if part) >= _LONG:
            found = self._scanned(about)
        elif (strings := self.index.plain) is not None:
            about_cells = strings, self._styles(), self.index.date1904
            found = reading.short(self.package.read(entry.part), *about_cells, about)
        if found is None:
            data, otherwise = self.package.read(entry.part), partial(self._scanned, about)
            found = reading.read(lambda: self._calamine.get_sheet_by_name(entry.name), data, about, otherwise)
        found.listed = bool(about.listed)
        if found.formulas:
            found.standing = partial(_standing, self.index, entry)
        else:
            self.plain.add(entry.part)
        return found

    def _scanned(self, about: reading.About) -> Grid | None:
        pieces = self.package.pieces(about.part)
        return reading.scan(pieces, self.strings, self._styles(), self.index.date1904, about)

    def _styles(self) -> Styles:
        part = self.index.styles_part
        return Styles(self.package.read(part) if part else None, part)

    @cached_property
    def _calamine(self) -> CalamineWorkbook:
        from python_calamine import CalamineWorkbook  # most sheets are read without it

        data = io.BytesIO(self.data)
        if modules := [sheet.element for sheet in self.index.sheets if not sheet.part]:  # calamine asks for their parts
            edits = Edits(self.index.workbook.data)
            for one in modules:
                edits.remove(one)
            write(self.package, {self.index.workbook_part: edits.apply()}, data := io.BytesIO())
            data.seek(0)
        return CalamineWorkbook.from_filelike(data, load_tables=False)
