"""Writing a list: the rows of a frame into the rows of a table, everything people typed staying with its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from segmenter.books import Grid, Stays, cells, longlist, ours
from segmenter.books.cells import Plain
from segmenter.books.filling import (
    UNLIKE,
    Filled,
    Job,
    addressed,
    body_of,
    calculating,
    pushed,
    refuse_growth,
    refuse_merged,
)
from segmenter.books.refs import Shift
from segmenter.books.region import InFile, Region, find
from segmenter.books.rowxml import Cell, Row
from segmenter.books.slots import Slot, key_of, planned, types_keys, without_others
from segmenter.books.translate import Following
from segmenter.books.writer import Writer
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.frames import Frame


def fill(job: Job, writer: Writer) -> Filled:
    """Write a list; see `books.Book.write`.

    A row that the frame lacks stays, its computed cells emptied or saying so, when it holds something people typed.
    """
    if (long := longlist.fill(job, writer)) is not None:
        return long
    sheet, header = job.sheet, job.header
    standing = InFile(sheet, job.notes)
    region = find(standing, header, job.listed, job.table)
    region, wanted, values = planned(standing, header, job.table, region, job.frame)
    wanted = wanted or [Slot(None, None)]
    last = region.first + len(wanted) - 1
    region = pushed(sheet, region, last, job.listed)
    refuse_growth(sheet, region, last, job.listed)
    moved = {
        slot.source: region.first + n
        for n, slot in enumerate(wanted)
        if slot.source is not None and slot.source != region.first + n
    }
    stayed = {slot.source for slot in wanted}
    gone = frozenset(row for row in range(region.first, region.last + 1) if row not in stayed)
    refuse_merged(sheet, region, last, {*values} if not moved and not gone else None)
    moved |= {row: last + 1 + n for n, row in enumerate(region.below) if row != last + 1 + n}
    by = last - region.last if region.pushes else 0
    shift = Shift(region.first, region.last, last, moved, gone, (region.left, region.right), by)
    rows = _Rows(job, region, shift, values, writer, wanted)
    found: dict[int, bytes] = {}
    for n, slot in enumerate(wanted):
        found[region.first + n] = rows.row(region.first + n, slot)
    for n, row in enumerate(region.below):
        found[last + 1 + n] = rows.row(last + 1 + n, Slot(row, None, whole=True))
    for row in range(last + region.along + 1, region.last + region.along + 1):
        found[row] = rows.left_over(row)
    for row in calculating(sheet, region, last):
        found[row] = rows.row(row, Slot(row, None, whole=True))
    return Filled(body_of(sheet, found), shift, region, wanted)


def asked(job: Job) -> tuple[Frame, bool]:
    """The rows to be written: see `slots.without_others`; and whether others stand further below, of which who reads
    does not tell. Refused when keys that people typed were not read."""
    read = job.read
    if read is None or not types_keys(job.table, job.frame, job.header):
        return job.frame, False
    column, rows = job.header.columns[job.table.key_field], [*job.sheet.rows]
    region = find(InFile(job.sheet, job.notes), job.header, job.listed, job.table)
    held = dict(zip(rows, job.sheet.column(column, rows), strict=True))
    stood = {row: key_of(value) for row, value in held.items()}
    unread = (row for row, key in stood.items() if read.height <= row <= region.last and key is not None)
    if (row := next(unread, None)) is not None:
        raise Refused("rows_unread", cell=address(row, column))
    frame = _as_held(job.frame, job.table.key_field, read, column, held)
    frame, aside = without_others(frame, job.table, region, stood)
    return frame, aside is not None and aside < read.height


def _as_held(frame: Frame, key: str, read: Grid, column: int, held: Mapping[int, Plain]) -> Frame:
    """A frame whose keys are days, as somebody dates a line, with the numbers that their cells hold: `held` by row."""
    said = cells.column(frame[key])
    if not any(map(cells.is_day, said)):
        return frame
    shown = enumerate(cells.column(read.column(column, 0)))
    numbers = {one: held.get(row) for row, one in shown if cells.is_day(one)}
    keys = [numbers.get(one, one) if cells.is_day(one) else one for one in said]
    return frame.assign(**{key: np.array(keys, dtype=object)})


class _Rows:
    """Builds the rows of one table, each from the row it was, the values it gets, and what stays beside it."""

    def __init__(
        self,
        job: Job,
        region: Region,
        shift: Shift,
        values: Mapping[int, list[Plain]],
        writer: Writer,
        wanted: Sequence[Slot],
    ) -> None:
        sheet, table = job.sheet, job.table
        self._sheet = sheet
        self._region = region
        self._writer = writer
        self._values = values
        owners = {column: table[key].owner for key, column in job.header.columns.items() if column in values}
        key = job.header.columns.get(table.key_field)
        gone = ours.gone(table, sheet.name)
        self._gone = {job.header.columns[one]: word for one, word in gone.items() if one in job.header.columns}
        self._computed = {column for column, owner in owners.items() if owner == "us" and column != key}
        typed = [column for column, owner in owners.items() if owner == "user"] if job.read else []
        self._read = {column: job.read.column(column, 0).tolist() for column in typed if job.read}
        moves = bool(shift.moved or shift.gone)
        self._following = Following(shift, sheet.name) if moves or shift.old != shift.new else None
        # a formula that follows is spelt out, and may be the one that spells it out for others
        self._unshare = moves or (self._following is not None and any(slot.whole for slot in wanted))
        like = sheet.rows.get(region.first)
        self._like = sheet.column_styles | ({column: cell.style for column, cell in like.cells.items()} if like else {})
        self._like_attributes = UNLIKE.sub(b"", like.attributes) if like else b""
        shows = not any(slot.whole and slot.source == region.first for slot in wanted)
        self._like_formulas = {
            column: cell for column, cell in self._formulas(like, shows).items() if column not in self._values
        }

    def _formulas(self, like: Row | None, shows: bool) -> Mapping[int, Cell]:
        """What a new row calculates: what the first row of an Excel table does (`shows`); where that is none of ours,
        or blank, as it is in an emptied list, what the table remembers of its columns, which is what Excel goes by."""
        region, standing = self._region, like.cells if like else {}
        if region.listed is None:
            return {}
        if shows and any(column in region.columns and not cell.blank for column, cell in standing.items()):
            here = InFile(self._sheet)
            return {n: cell for n, cell in standing.items() if cell.formula and region.calculates(here, n)}
        return {
            column: self._sheet.calculated(region.first, column, self._like.get(column, 0), text)
            for column, text in region.listed.formulas.items()
        }

    def row(self, number: int, slot: Slot) -> bytes:
        """Row `number` as `slot` wants it."""
        if slot.source is None:
            return self._new(number, slot.place)
        source = self._sheet.rows.get(slot.source)
        old = dict(source.cells) if source else {}
        parts = self._beside(number)
        changed = slot.source != number
        for column in self._region.columns:
            cell = old.get(column)
            value = self._wanted(column, slot, cell)
            if isinstance(value, _Keep) or (cell and self._sheet.holds(cell, value, self._writer.date1904)):
                if cell:
                    parts[column] = self._kept(cell, number, slot)
                    changed = changed or parts[column] != cell.raw
            elif cell is not None or value is not None:
                style = cell.style if cell else self._like.get(column, 0)
                parts[column] = self._writer.cell(number, column, style, value)
                changed = True
        if source and not changed:
            return addressed(self._sheet, source)
        if source is None and not parts:  # an empty row that goes along
            return b""
        return self._sheet.compose(source.attributes if source else b"", number, parts)

    def _kept(self, cell: Cell, number: int, slot: Slot) -> bytes:
        """A cell of somebody else in row `number`. Its formula is copied in a row of ours; in any other it follows what
        it reads: see `translate`."""
        if slot.whole and self._following is not None:
            return self._sheet.followed(cell, number, self._following)
        return self._sheet.moved(cell, number, unshare=self._unshare)

    def _new(self, number: int, place: int | None) -> bytes:
        parts = self._beside(number)
        for column in self._region.columns:
            style = self._like.get(column, 0)
            values = self._values.get(column)
            value = None if values is None or place is None else values[place]
            if value is not None:
                parts[column] = self._writer.cell(number, column, style, value)
            elif column in self._like_formulas and place is not None:
                moved = self._sheet.moved(self._like_formulas[column], number, unshare=True)
                parts[column] = self._sheet.uncached(moved)
                self._writer.written.add((number, column))
            elif style:
                parts[column] = self._writer.cell(number, column, style, None)
        return self._sheet.compose(self._like_attributes, number, parts)

    def _wanted(self, column: int, slot: Slot, cell: Cell | None) -> Plain | _Keep:
        """The value for a cell of ours; `_KEEP` for one of somebody else, and one that is to stay."""
        if column not in self._values or slot.stays:
            return _KEEP
        if slot.place is not None:
            value = self._values[column][slot.place]
            if isinstance(value, Stays):
                return value.value if cell is None or cell.blank else _KEEP
            return _KEEP if slot.source is not None and self._is_read(slot.source, column, value) else value
        if column in self._gone:
            return self._gone[column]
        return None if column in self._computed and cell is not None else _KEEP

    def _is_read(self, row: int, column: int, value: Plain) -> bool:
        """Whether a value is just what was read of a cell in which people type. Not every cell can be written as it was
        read: of an error, a picture, a formula nobody has calculated nothing is, of 1900-02-29 another day."""
        read = self._read.get(column, ())
        if row >= len(read):
            return False
        old = None if read[row] != read[row] else cells.plain(read[row])
        return type(old) is type(value) and old == value

    def _beside(self, number: int) -> dict[int, bytes]:
        """The cells left and right of the table in row `number`, which stay there."""
        row = self._sheet.rows.get(number)
        if row is None:
            return {}
        outside = {column: cell for column, cell in row.cells.items() if column not in self._region.columns}
        return {column: self._sheet.moved(cell, number, unshare=self._unshare) for column, cell in outside.items()}

    def left_over(self, number: int) -> bytes:
        """A row the table no longer has: what stands beside it stays, and a blank row stays as it was."""
        source = self._sheet.rows.get(number)
        if source is None:
            return b""
        if source.blank and number <= self._region.last:
            return addressed(self._sheet, source)
        beside = self._beside(number)
        return self._sheet.compose(source.attributes, number, beside) if beside else b""


class _Keep:
    """What `_Rows._wanted` says for a cell that stays: it is not ours, or nothing else was read of it."""


_KEEP = _Keep()
