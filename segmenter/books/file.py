"""A workbook on disk as a `Book`: read through calamine, written by changing bytes of the parts that are ours."""

from __future__ import annotations

import io
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final

from segmenter.books import (
    Grid,
    adding,
    blocks,
    calc,
    drawn,
    growth,
    guard,
    lists,
    locking,
    longrows,
    naming,
    proof,
    reading,
    refs,
    region,
    saving,
    spans,
)
from segmenter.books.filling import Job, Meant
from segmenter.books.guard import Guard
from segmenter.books.index import Index, SheetEntry
from segmenter.books.ondisk import OnDisk
from segmenter.books.package import Draft, Package, write
from segmenter.books.refs import Area, Shift
from segmenter.books.region import ListObject
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.books.writer import Writer
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.reading.headers import SEARCHED, locate
from segmenter.schema import CUSTOMERS, Table, fold, table
from segmenter.texts import Lang

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_LONG: Final = 1 << 22
"""bytes from which a sheet is read column by column"""


class FileBook:
    """A workbook file. Entering it takes a lock, leaving it without an error writes `out` (default: the file itself).

    `keep_previous` leaves the file as it was beside the new one; `drop_stale` takes out the results of formulas
    elsewhere that read what was written, so that no program shows old ones; `break_signature` gives up a digital
    signature; `override_protection` writes locked cells, adds sheets to a locked structure, and changes a file
    that is reserved for others (the protection stays). Another file at `out` stays beside the new one too, unless it is
    the same or has the SHA-256 `written`: somebody may have typed in it.
    """

    def __init__(
        self,
        path: Path,
        out: Path | None = None,
        *,
        keep_previous: bool = False,
        drop_stale: bool = False,
        break_signature: bool = False,
        override_protection: bool = False,
        written: str = "",
    ) -> None:
        self.path = path.resolve()
        self.out = (out or path).resolve()
        self.name = self.path.name
        self.stale: dict[str, int] = {}
        """formulas with an old result now, by sheet; known after the book was left"""
        self.kept: Path | None = None
        """where the earlier file stayed; known after the book was left"""
        self._keep_previous = keep_previous
        self._ours = None if self.out == self.path else written
        self._drop_stale = drop_stale
        self._guard = Guard(break_signature, override_protection)
        self._data = saving.load(self.path)
        self._package = Package(self._data, self.path)
        self._draft = Draft(self._package)
        self._index = Index(self._draft)
        self._strings = self._index.strings
        self._formatted = self._index.formatted
        self._written: dict[str, list[Area]] = {}
        self._meant: dict[str, dict[str, Meant]] = {}
        self._added: dict[str, bytes] = {}
        self._old_results: dict[str, list[Cell]] = {}
        self._plain: set[str] = set()
        self._allowed = False
        self._exit = ExitStack()

    @cached_property
    def lang(self) -> Lang:
        """The language most of its sheets of ours are named in; Chinese when it is a tie."""
        return naming.lang_of([sheet.name for sheet in self._index.sheets])

    @cached_property
    def _calamine(self) -> CalamineWorkbook:
        from python_calamine import CalamineWorkbook  # most sheets are read without it

        data = io.BytesIO(self._data)
        index = Index(Draft(self._package))
        if modules := [sheet.element for sheet in index.sheets if not sheet.part]:  # calamine asks for their parts
            edits = spans.Edits(index.workbook.data)
            for one in modules:
                edits.remove(one)
            write(self._package, {index.workbook_part: edits.apply()}, data := io.BytesIO())
            data.seek(0)
        return CalamineWorkbook.from_filelike(data, load_tables=False)

    def __enter__(self) -> FileBook:
        self._fit_suffix()
        locking.refuse_open(self.out)
        self._exit.enter_context(locking.lock(self.out))
        locking.clean(self.out)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._exit:
            if kind is None:
                self._commit()

    def _allow(self) -> None:
        """Refuse a workbook or a target that must not be written, before anything is."""
        if self._allowed:
            return
        self._guard.may_write(self._index, self.out == self.path)
        if guard.signed(self._index):
            guard.unsign(self._index)
            self._index = Index(self._draft)
        self._allowed = True

    def _fit_suffix(self) -> None:
        """Refuse a name that Excel would not open; a template may become a workbook."""
        ending, wanted = guard.suffix(self._index), self.out.suffix.lower()
        if not ending or wanted == ending:
            return
        if (ending, wanted) in ((".xltx", ".xlsx"), (".xltm", ".xlsm")):
            guard.retype(self._index, wanted)
        else:
            raise Refused("out_suffix", path=self.out.name, suffix=ending)

    def read(self, table: Table) -> Grid | None:
        """What stood on the table's sheet when the file was opened; None when it has no such sheet.

        Refused when the customer sheet is missing, or when it cannot be told which sheet is meant.
        """
        entry = self._find(table)
        if entry is None or entry.part not in self._package:
            if table.key == CUSTOMERS.key:
                raise naming.missing([sheet.name for sheet in self._index.sheets], table, self.lang)
            return None
        return self._grid(entry)

    def _grid(self, entry: SheetEntry) -> Grid:
        if entry.kind != "worksheet":
            raise Refused("sheet_kind", sheet=entry.name, part=entry.kind)
        with refs.named(entry.name):
            return self._read(entry)

    def _read(self, entry: SheetEntry) -> Grid:
        about = reading.About(entry.part, entry.name, entry.hidden, self._list_objects(entry))
        found: Grid | None = None
        if max(self._package.entries[part].size for part in (entry.part, self._index.strings_part) if part) >= _LONG:
            found = self._scanned(about)
        elif (strings := self._index.plain) is not None:
            about_cells = strings, self._styles(), self._index.date1904
            found = reading.short(self._package.read(entry.part), *about_cells, about)
        if found is None:
            data, otherwise = self._package.read(entry.part), partial(self._scanned, about)
            found = reading.read(lambda: self._calamine.get_sheet_by_name(entry.name), data, about, otherwise)
        if not found.formulas:
            self._plain.add(entry.part)
        return found

    def _scanned(self, about: reading.About) -> Grid | None:
        pieces = self._package.pieces(about.part)
        return reading.scan(pieces, self._strings, self._styles(), self._index.date1904, about)

    def _styles(self) -> Styles:
        part = self._index.styles_part
        return Styles(self._draft.read(part) if part else None, part)

    def _find(self, table: Table) -> SheetEntry | None:
        """The sheet of a table: its name in the language of the book, otherwise in another."""
        names = [sheet.name for sheet in self._index.sheets]
        position = naming.find(names, table, self.lang)
        return None if position is None else self._index.sheets[position]

    def _list_objects(self, entry: SheetEntry) -> list[ListObject]:
        with refs.named(entry.name):
            return region.listed(self._index, entry.part)

    def write(self, table: Table, frame: Frame) -> None:
        """See `books.Book.write`. Nothing reaches the disk before the book is left."""
        self._allow()
        entry = self._find(table) or self._add(table)
        if entry.kind != "worksheet":
            raise Refused("sheet_kind", sheet=entry.name, part=entry.kind)
        with refs.named(entry.name):
            self._write(entry, table, frame)

    def _write(self, entry: SheetEntry, table: Table, frame: Frame) -> None:
        made_here = entry.part in self._draft.changes
        sheet = Sheet(self._draft.read(entry.part), entry.part, entry.name, self._strings, checked=made_here)
        styles = self._styles()
        writer = Writer(sheet, styles, self._index.date1904)
        grid = Grid(entry.name, sheet.head(max(SEARCHED, 200)), merged=sheet.merged)
        if table.anchor:
            meant = self._fill_block(entry, grid, table, frame, writer)
        else:
            meant = self._fill_list(entry, grid, table, frame, writer)
        self._meant.setdefault(entry.part, {})[table.key] = meant
        self._guard.may_change(sheet, writer.locked)
        if (new := styles.data) is not None:
            self._draft.set(self._index.styles_part, new)
        self._note_written(entry, writer)

    def _add(self, table: Table) -> SheetEntry:
        """The sheet of a table, added from the shipped workbook that has it."""
        lang, source = self.lang, adding.template(self.lang, table)
        name = fold(table.sheet[lang])
        sheet = next(one for one in source.sheets if fold(one.name) == name)
        self._guard.may_add(self._index, sheet.name)
        adding.add(self._draft, self._index, source, sheet)
        self._index = Index(self._draft)
        entry = self._index.sheets[-1]
        self._added[entry.part] = self._draft.read(entry.part)
        return entry

    def _fill_block(self, entry: SheetEntry, grid: Grid, table: Table, frame: Frame, writer: Writer) -> Meant:
        row, column = blocks.anchor(grid, table)
        self._put(entry, writer.sheet, blocks.fill(writer.sheet, (row, column), table, frame, writer), None)
        return Meant(table, {one.key: column + n for n, one in enumerate(table.fields)}, row + 1, frame)

    def _fill_list(self, entry: SheetEntry, grid: Grid, table: Table, frame: Frame, writer: Writer) -> Meant:
        sheet = writer.sheet
        header = locate(grid, table)
        listed = self._list_objects(entry)
        notes = self._notes(entry)
        types = any(table[key].owner == "user" for key in frame.columns if key in header.columns)
        read = self._read(entry) if types and entry.part not in self._draft.changes else None
        filled = lists.fill(Job(sheet, header, table, frame, listed, notes, self._formatted, read), writer)
        self._put(entry, sheet, filled.body, filled.shift, filled.whole.rows if filled.whole else None)
        if filled.shift.gone or filled.shift.moved:  # cells below have gone or hold another row now
            below = Area(filled.shift.first, 0, filled.shift.old, refs.MAX_COLUMNS - 1)
            self._written.setdefault(entry.part, []).append(below)
        if filled.region.listed:
            part = filled.region.listed.part
            self._draft.set(part, growth.table(self._draft.read(part), part, filled.shift))
        self._follow(entry, filled.shift, notes)
        return Meant(table, header.columns, header.row + 1, frame, filled.slots, filled.region, filled.whole)

    def _put(
        self, entry: SheetEntry, sheet: Sheet, body: bytes, shift: Shift | None, rows: longrows.Rows | None = None
    ) -> None:
        """Give a sheet part its new rows, and what is said about them around."""
        edits = spans.Edits(sheet.root.data)
        edits.append(sheet.sheet_data, body)
        if shift is not None:
            growth.around(sheet.root, edits, shift)
        after = sheet.filled(body.replace(longrows.MARK, b"") if rows else body)
        used = after.used
        if rows and used and shift:
            used = Area(used.top, min(used.left, shift.columns[0]), shift.new, max(used.right, shift.columns[1]))
        growth.dimension(sheet.root, edits, used)
        new = edits.apply()
        if rows:
            head, _, tail = new.partition(longrows.MARK)
            part = longrows.Part(head, rows, tail)
            if not part.makes(sheet.data):
                self._draft.set(entry.part, part)
            return
        self._draft.set(entry.part, new)
        self._prune_chain(entry, sheet, after)

    def _has_formulas(self, part: str) -> bool:
        """Whether a part has formulas in its cells; those of whole columns never are."""
        made = self._draft.changes.get(part)
        return calc.has_formulas(made.head + made.tail if isinstance(made, longrows.Part) else self._draft.read(part))

    def _prune_chain(self, entry: SheetEntry, before: Sheet, after: Sheet) -> None:
        """Take the formula cells that are gone out of the calculation chain."""
        part = self._index.calc_chain
        had = {cell.where for cell in before.formulas()}
        if not part or part not in self._draft or not had:
            return
        gone = had - {cell.where for cell in after.formulas()}
        if gone:
            sheet_id = entry.element.get("sheetId")
            new = growth.chain(self._draft.read(part), part, sheet_id, lambda where: where not in gone)
            if new is None:
                self._index.remove_part(part)
            else:
                self._draft.set(part, new)

    def _notes(self, entry: SheetEntry) -> frozenset[tuple[int, int]]:
        """The cells of a sheet that have a comment."""
        return region.noted(self._index, entry.part)

    def _follow(self, entry: SheetEntry, shift: Shift, notes: frozenset[tuple[int, int]]) -> None:
        """Let names and comments follow the rows."""
        part = self._index.workbook_part
        edits = spans.Edits(self._draft.read(part))
        growth.names(self._index.defined_names(), edits, entry.position, shift)
        if edits:
            self._draft.set(part, edits.apply())
            self._index = Index(self._draft)
        if not notes or not shift.moved:
            return
        for kind in ("comments", "threadedComment"):
            for one in self._index.related(entry.part, kind):
                self._draft.set(one, growth.comments(self._draft.read(one), one, shift))
        for one in self._index.related(entry.part, "vmlDrawing"):
            self._draft.set(one, growth.boxes(self._draft.read(one), shift))

    def _note_written(self, entry: SheetEntry, writer: Writer) -> None:
        rows: dict[int, list[int]] = {}
        for row, column in writer.written:
            rows.setdefault(column, []).append(row)
        areas = [Area(min(each), column, max(each), column) for column, each in rows.items()]
        self._written.setdefault(entry.part, []).extend(areas)

    def _commit(self) -> None:
        if any(self._written.values()):
            self._recalculate()
        self._redraw()
        if not self._draft.changes and self.out == self.path:
            return

        def put(file: IO[bytes]) -> None:
            write(self._package, self._draft.changes, file)

        def verify(temp: Path) -> None:
            self._prove(temp)
            if not saving.holds(self.path, self._data):
                raise Refused("changed", path=self.name)

        self._package.check()
        self.kept = saving.replace(self.out, put, verify, keep_previous=self._keep_previous, ours=self._ours)

    def _redraw(self) -> None:
        """Have the charts beside our blocks remember what stands in them now."""
        for entry in self._index.sheets:
            if not any(table(key).anchor for key in self._meant.get(entry.part, ())):
                continue
            sheet = Sheet(self._draft.read(entry.part), entry.part, entry.name, self._strings)
            for part in drawn.charts(self._index, entry.part):
                self._draft.set(part, drawn.remembered(self._draft.read(part), part, sheet))

    def _prove(self, temp: Path) -> None:
        """Refuse to replace anything unless the new file holds what was meant and lost nothing."""
        meant = {part: list(each.values()) for part, each in self._meant.items()}
        asked = proof.Asked(self._drop_stale, self._guard.break_signature)
        with OnDisk(temp) as data:
            after = Package(data, self.out, trust_size=True)
            made = proof.Made(self._draft.changes, self._added, self._old_results)
            found = proof.verify(self._package, after, meant=meant, asked=asked, made=made, strings=self._strings)
        for part in found.violations:
            raise Refused("proof", path=self.name, part=f"{part.name} {part.detail}".strip())

    def _recalculate(self) -> None:
        """Find the formulas elsewhere that read what was written, and have Excel calculate them."""
        names = {entry.part: entry.name.casefold() for entry in self._index.sheets}
        written = {names[part]: areas for part, areas in self._written.items()}
        listed = {
            one.name.casefold(): calc.Reference(names[entry.part], one.area)
            for entry in self._index.sheets
            if entry.part in self._written
            for one in self._list_objects(entry)
        }
        defined = {one.get("name").casefold(): one.text for one in self._index.defined_names()}
        found = calc.formulas(self._index, {*self._written, *self._plain}, calc.Words(listed, defined))
        old = self._old_results = calc.stale(found, written)
        self.stale = {entry.name: len(old[entry.part]) for entry in self._index.sheets if entry.part in old}
        own = any(map(self._has_formulas, self._written))
        if old or own:
            part = self._index.workbook_part
            edits = spans.Edits(self._draft.read(part))
            calc.recalculate(self._index.workbook, edits)
            self._draft.set(part, edits.apply())
        if self._drop_stale:
            for part, cells in old.items():
                self._draft.set(part, calc.dropped(self._draft.read(part), cells))
