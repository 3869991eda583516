"""A workbook as it will be: the changes to its parts, and what was meant by them, for the proof."""

from __future__ import annotations

from pathlib import Path

from segmenter.books import (
    Grid,
    adding,
    blocks,
    drawn,
    growth,
    guard,
    lists,
    longrows,
    pointed,
    recalculation,
    refs,
    region,
)
from segmenter.books.done import Done
from segmenter.books.edits import Edits
from segmenter.books.filling import Job, Meant
from segmenter.books.guard import Guard
from segmenter.books.index import Index, SheetEntry
from segmenter.books.opened import Opened, sheet_of
from segmenter.books.package import Draft
from segmenter.books.proof import Made
from segmenter.books.recalculation import Results
from segmenter.books.refs import Area, Shift
from segmenter.books.region import ListObject
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
        self._done: dict[str, Done] = {}
        self._added: dict[str, bytes] = {}
        self._results = Results({}, {})
        self._allowed = False

    @property
    def meant(self) -> dict[str, list[Meant]]:
        """What is to stand in the cells of its tables, by part."""
        return {part: list(each.meant.values()) for part, each in self._done.items()}

    @property
    def made(self) -> Made:
        """What was done to its parts."""
        return Made(self.draft.changes, self._added, self._results)

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
        if any(one.written for one in self._done.values()):
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
        done = self._done.setdefault(entry.part, Done())
        sheet = Sheet(self.draft.read(entry.part), entry.part, entry.name, self._strings, checked=made_here)
        styles = self._styles()
        writer = Writer(sheet, styles, self._index.date1904)
        grid = Grid(entry.name, sheet.head(max(SEARCHED, 200)), merged=sheet.merged)
        if table.anchor:
            meant = self._fill_block(entry, grid, table, frame, writer)
        else:
            meant = self._fill_list(entry, grid, table, frame, writer)
        done.meant[table.key] = meant
        done.written.cells |= writer.written
        done.written.columns += writer.columns
        self._guard.may_change(sheet, writer.locked)
        if (new := styles.data) is not None:
            self.draft.set(self._index.styles_part, new)

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
        self._done[entry.part].moved(filled.shift)
        if filled.region.listed:
            part = filled.region.listed.part
            self.draft.set(part, growth.table(self.draft.read(part), part, filled.shift))
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
        self._done[entry.part].written.shown ^= {*sheet.hidden} ^ {*after.hidden}
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

    def _redraw(self) -> None:
        """Have the charts beside our blocks remember what stands in them now."""
        for entry in self._index.sheets:
            if entry.part not in self._done or not any(table(key).anchor for key in self._done[entry.part].meant):
                continue
            sheet = Sheet(self.draft.read(entry.part), entry.part, entry.name, self._strings)
            for part in drawn.charts(self._index, entry.part):
                self.draft.set(part, drawn.remembered(self.draft.read(part), part, sheet))

    def _recalculate(self) -> None:
        """Have the formulas follow that read what was written, and Excel calculate them."""
        drop = self._drop_stale
        self._results, found = recalculation.follow(self._index, self._done, self._opened.plain, drop=drop)
        self.findings += found
        theirs = any(one.code in ("stale", "stale_dropped") for one in found)
        if theirs or any(recalculation.has_formulas(self.draft, part) for part in self._done):
            part = self._index.workbook_part
            edits = Edits(self.draft.read(part))
            recalculation.recalculate(self._index.workbook, edits)
            self.draft.set(part, edits.apply())
