"""A workbook as it will be: the changes to its parts, and what was meant by them, for the proof."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from segmenter.books import (
    Grid,
    adding,
    blocks,
    calc,
    drawn,
    growth,
    guard,
    lists,
    longrows,
    pointed,
    refs,
    region,
)
from segmenter.books.edits import Edits
from segmenter.books.filling import Job, Meant
from segmenter.books.guard import Guard
from segmenter.books.index import Index, SheetEntry
from segmenter.books.opened import Opened, sheet_of
from segmenter.books.package import Draft
from segmenter.books.proof import Made
from segmenter.books.refs import Area, Shift
from segmenter.books.region import ListObject
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.books.writer import Writer
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading.headers import SEARCHED, locate
from segmenter.schema import Table, fold, table


class Edited:
    """The changes to an opened workbook. Nothing of them reaches the disk before `draft` is written."""

    def __init__(self, opened: Opened, allowed: Guard, *, in_place: bool, drop_stale: bool) -> None:
        self.draft = Draft(opened.package)
        self.findings: list[Finding] = []
        """what of the sheets around the user has to know; known when it is finished"""
        self._opened = opened
        self._guard = allowed
        self._in_place = in_place
        self._drop_stale = drop_stale
        self._index = Index(self.draft)
        self._strings = opened.strings
        self._written: dict[str, list[Area]] = {}
        self._shifts: dict[str, Shift] = {}
        self._meant: dict[str, dict[str, Meant]] = {}
        self._added: dict[str, bytes] = {}
        self._old_results: dict[str, list[Cell]] = {}
        self._allowed = False

    @property
    def meant(self) -> dict[str, list[Meant]]:
        """What is to stand in the cells of its tables, by part."""
        return {part: list(each.values()) for part, each in self._meant.items()}

    @property
    def made(self) -> Made:
        """What was done to its parts."""
        return Made(self.draft.changes, self._added, self._old_results)

    def fit(self, name: str) -> None:
        """Refuse a name that Excel would not open; a template may become a workbook."""
        ending, suffix = guard.suffix(self._index), Path(name).suffix.lower()
        if not ending or suffix == ending:
            return
        if (ending, suffix) in ((".xltx", ".xlsx"), (".xltm", ".xlsm")):
            guard.retype(self._index, suffix)
        else:
            raise Refused("out_suffix", path=name, suffix=ending)

    def write(self, table: Table, frame: Frame) -> None:
        """See `books.Book.write`."""
        self._allow()
        entry = sheet_of(self._index, table, self._opened.lang) or self._add(table)
        if entry.kind != "worksheet":
            raise Refused("sheet_kind", sheet=entry.name, part=entry.kind)
        with refs.named(entry.name):
            self._write(entry, table, frame)

    def finish(self) -> None:
        """What follows of all that was written: results elsewhere, and charts."""
        if any(self._written.values()):
            self._recalculate()
        self._redraw()

    def _allow(self) -> None:
        """Refuse a workbook or a target that must not be written, before anything is."""
        if self._allowed:
            return
        self._guard.may_write(self._index, self._in_place)
        if guard.signed(self._index):
            guard.unsign(self._index)
            self._index = Index(self.draft)
        self._allowed = True

    def _write(self, entry: SheetEntry, table: Table, frame: Frame) -> None:
        made_here = entry.part in self.draft.changes
        sheet = Sheet(self.draft.read(entry.part), entry.part, entry.name, self._strings, checked=made_here)
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
            self.draft.set(self._index.styles_part, new)
        self._note_written(entry, writer)

    def _styles(self) -> Styles:
        part = self._index.styles_part
        return Styles(self.draft.read(part) if part else None, part)

    def _add(self, table: Table) -> SheetEntry:
        """The sheet of a table, added from the shipped workbook that has it."""
        lang = self._opened.lang
        source = adding.template(lang, table)
        name = fold(table.sheet[lang])
        sheet = next(one for one in source.sheets if fold(one.name) == name)
        self._guard.may_add(self._index, sheet.name)
        adding.add(self.draft, self._index, source, sheet)
        self._index = Index(self.draft)
        entry = self._index.sheets[-1]
        self._added[entry.part] = self.draft.read(entry.part)
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
        read = self._opened.grid(entry) if types and entry.part not in self.draft.changes else None
        job = Job(sheet, header, table, frame, listed, notes, self._opened.index.formatted, read)
        frame, aside = lists.asked(job)
        filled = lists.fill(job._replace(frame=frame), writer)
        if found := pointed.reader(self._index, entry, sheet, filled.shift):
            raise Refused("below_read", cell=found.cells, reader=found.where, rows=f"{filled.shift.new + 1:,}")
        self._put(entry, sheet, filled.body, filled.shift, filled.whole.rows if filled.whole else None)
        if filled.shift.gone or filled.shift.moved:  # cells below have gone or hold another row now
            bottom = max(filled.shift.old, *filled.shift.moved, *filled.shift.moved.values(), 0)
            below = Area(filled.shift.first, 0, bottom, refs.MAX_COLUMNS - 1)
            self._written.setdefault(entry.part, []).append(below)
        if filled.region.listed:
            part = filled.region.listed.part
            self.draft.set(part, growth.table(self.draft.read(part), part, filled.shift))
        self._shifts[entry.part] = filled.shift
        if filled.whole is None and table.key_field and (where := filled.left_beside(sheet, listed)):
            self.findings.append(Finding("left_beside", entry.name, where))
        if aside:
            self.findings.append(Finding("groups_below", entry.name))
        self._follow(entry, filled.shift, notes)
        return Meant(table, header.columns, header.row + 1, frame, filled.slots, filled.region, filled.whole)

    def _put(
        self, entry: SheetEntry, sheet: Sheet, body: bytes, shift: Shift | None, rows: longrows.Rows | None = None
    ) -> None:
        """Give a sheet part its new rows, and what is said about them around."""
        edits = Edits(sheet.root.data)
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
                self.draft.set(entry.part, part)
            return
        self.draft.set(entry.part, new)
        self._prune_chain(entry, sheet, after)

    def _tell_short(self, found: Mapping[str, list[calc.Formula]], words: calc.Words) -> None:
        """Tell of formulas, elsewhere and beside our lists, that do not reach the new end of one."""
        sheets = {entry.part: entry for entry in self._index.sheets}
        grown = {sheets[part].name.casefold(): one for part, one in self._shifts.items() if one.new > one.old}
        for entry in self._index.sheets if grown else ():
            formulas = found.get(entry.part, [])
            data = self._around(entry.part) if entry.part in self._written else b""
            if calc.has_formulas(data) and calc.perhaps_short(data, grown, words):
                sheet = Sheet(data, entry.part, entry.name, ())
                theirs = (cell for cell in sheet.formulas() if not self._is_ours(entry.part, cell))
                formulas = calc.of(sheet, theirs, words)
            if cells := calc.short(formulas, grown):
                params = {"formulas": len(cells)}
                self.findings.append(Finding("formula_short", entry.name, cells[0].where, params=params))

    def _is_ours(self, part: str, cell: Cell) -> bool:
        """Whether a cell is in the rows of a list, and in a column that we write."""
        shift = self._shifts.get(part)
        if shift is None or not shift.first <= cell.row <= shift.new:
            return False
        pairs = ((one, key) for one in self._meant[part].values() for key in one.written)
        return any(cell.column == one.columns[key] and one.table[key].owner == "us" for one, key in pairs)

    def _has_formulas(self, part: str) -> bool:
        """Whether a part has formulas in its cells; those of whole columns never are."""
        return calc.has_formulas(self._around(part))

    def _around(self, part: str) -> bytes:
        """A part without the rows that are made of whole columns."""
        made = self.draft.changes.get(part)
        return made.head + made.tail if isinstance(made, longrows.Part) else self.draft.read(part)

    def _prune_chain(self, entry: SheetEntry, before: Sheet, after: Sheet) -> None:
        """Take the formula cells that are gone out of the calculation chain."""
        part = self._index.calc_chain
        had = {cell.where for cell in before.formulas()}
        if not part or part not in self.draft or not had:
            return
        gone = had - {cell.where for cell in after.formulas()}
        if gone:
            sheet_id = entry.element.get("sheetId")
            new = growth.chain(self.draft.read(part), part, sheet_id, lambda where: where not in gone)
            if new is None:
                self._index.remove_part(part)
            else:
                self.draft.set(part, new)

    def _notes(self, entry: SheetEntry) -> frozenset[tuple[int, int]]:
        """The cells of a sheet that have a comment."""
        return region.noted(self._index, entry.part)

    def _follow(self, entry: SheetEntry, shift: Shift, notes: frozenset[tuple[int, int]]) -> None:
        """Let names and comments follow the rows."""
        part = self._index.workbook_part
        edits = Edits(self.draft.read(part))
        growth.names(self._index.defined_names(), edits, entry.position, shift)
        if edits:
            self.draft.set(part, edits.apply())
            self._index = Index(self.draft)
        if not notes or not shift.moved:
            return
        for kind in ("comments", "threadedComment"):
            for one in self._index.related(entry.part, kind):
                self.draft.set(one, growth.comments(self.draft.read(one), one, shift))
        for one in self._index.related(entry.part, "vmlDrawing"):
            self.draft.set(one, growth.boxes(self.draft.read(one), shift))

    def _list_objects(self, entry: SheetEntry) -> list[ListObject]:
        with refs.named(entry.name):
            return region.listed(self._index, entry.part)

    def _note_written(self, entry: SheetEntry, writer: Writer) -> None:
        rows: dict[int, list[int]] = {}
        for row, column in writer.written:
            rows.setdefault(column, []).append(row)
        areas = [Area(min(each), column, max(each), column) for column, each in rows.items()]
        self._written.setdefault(entry.part, []).extend(areas)

    def _redraw(self) -> None:
        """Have the charts beside our blocks remember what stands in them now."""
        for entry in self._index.sheets:
            if not any(table(key).anchor for key in self._meant.get(entry.part, ())):
                continue
            sheet = Sheet(self.draft.read(entry.part), entry.part, entry.name, self._strings)
            for part in drawn.charts(self._index, entry.part):
                self.draft.set(part, drawn.remembered(self.draft.read(part), part, sheet))

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
        words = calc.Words(listed, defined)
        found = calc.formulas(self._index, {*self._written, *self._opened.plain}, words)
        old = self._old_results = calc.stale(found, written)
        code = "stale_dropped" if self._drop_stale else "stale"
        for entry in self._index.sheets:
            if entry.part in old:
                self.findings.append(Finding(code, entry.name, params={"formulas": len(old[entry.part])}))
        self._tell_short(found, words)
        own = any(map(self._has_formulas, self._written))
        if old or own:
            part = self._index.workbook_part
            edits = Edits(self.draft.read(part))
            calc.recalculate(self._index.workbook, edits)
            self.draft.set(part, edits.apply())
        if self._drop_stale:
            for part, cells in old.items():
                self.draft.set(part, calc.dropped(self.draft.read(part), cells))
