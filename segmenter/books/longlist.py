"""Writing a long list: column by column, when no cell below the header is anybody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from segmenter.books import cells, columns, encoders, longrows, spans
from segmenter.books.filling import UNLIKE, Filled, Job, Whole, addressed, body_of, refuse_growth, refuse_merged
from segmenter.books.ours import Always, always, fields, says, with_own
from segmenter.books.refs import Area, Shift
from segmenter.books.region import InFile, ListObject, Region, find
from segmenter.books.rowxml import IDLE, Row
from segmenter.books.scan import Scan
from segmenter.books.scanned import Held, at, down
from segmenter.books.sheetxml import Sheet
from segmenter.books.slots import key_of, match
from segmenter.books.writer import Writer
from segmenter.cells import address, position
from segmenter.frames import Frame
from segmenter.schema import is_signature, says_total

FROM: Final = 64
"""rows from which columns are written at once"""
_PIECE = 1 << 22


def fill(job: Job, writer: Writer) -> Filled | None:
    """Write a long list; None when the list is short, or has to be written row by row."""
    if len(job.frame) < FROM:
        return None
    return _fresh(job, writer) if job.sheet.end - job.sheet.start < _PIECE else _again(job, writer)


def _fresh(job: Job, writer: Writer) -> Filled | None:
    """The first time: all cells below the header are empty, and no column calculates itself."""
    sheet, count, first = job.sheet, len(job.frame), job.header.row + 1
    region = find(InFile(sheet), job.header, job.listed, job.table)
    brought = {job.header.columns[key] for key in job.frame.columns if key in job.header.columns}
    if region.listed and region.listed.formulas.keys() - brought:
        return None
    below = [row for number, row in sheet.rows.items() if number >= first]
    if region.along or not all(row.blank and row.number < first + count for row in below):
        return None
    if any(column not in region.columns for row in below for column in row.cells):
        return None
    if any(addressed(sheet, row) != row.raw for row in below):  # of rows without numbers the proof finds no first one
        return None
    if any(first <= row <= region.last and column in region.columns for row, column in job.notes):  # it stays
        return None
    refuse_growth(sheet, region, first + count - 1, job.listed)
    made = _rows(job, region, job.frame, sheet.rows.get(first), writer, {})
    if made is None:
        return None
    found = {row.number: b"" for row in below} | {first: longrows.MARK}
    blank = frozenset(range(first, region.last + 1))  # they are nobody's, and go
    shift = Shift(first, max(first, region.last), first + count - 1, {}, blank, (region.left, region.right))
    return _filled(job, region, body_of(sheet, found), made, shift)


def _filled(
    job: Job, region: Region, body: bytes, made: longrows.Rows, shift: Shift, order: Sequence[int] | None = None
) -> Filled:
    brought = {job.header.columns[key] for key in job.frame.columns if key in job.header.columns}
    refuse_merged(job.sheet, region, shift.new, None if shift.moved or shift.gone else brought)
    return Filled(body, shift, region, whole=Whole(made, shift, order))


def _rows(
    job: Job,
    region: Region,
    frame: Frame,
    like: Row | None,
    writer: Writer,
    theirs: Mapping[int, Mapping[int, bytes]],
) -> longrows.Rows | None:
    """The rows of `frame` in the styles of the row `like`, with `theirs`: other people's cells by column and row; None
    when a column has to be written cell by cell."""
    sheet, count, first = job.sheet, len(frame), region.first
    styles = _styles(sheet, like)
    if any(writer.styles.is_quoted(styles.get(column, 0)) for column in region.columns):
        return None
    encoder = Writer(sheet.filled(b""), writer.styles, writer.date1904)  # which stays, without the rows that stood
    keys = {job.header.columns[key]: key for key in frame.columns if key in job.header.columns}
    made: list[columns.Column] = []
    for column in region.columns:
        style = styles.get(column, 0)
        if column in keys:
            one = columns.column(column, frame[keys[column]], partial(encoder.cell, 0, column, style))
        elif (own := theirs.get(column)) or style:
            empty = encoders.tail(encoder.cell(0, column, style, None)) if style else b""
            one = columns.kept(column, count, empty, own or {})
        else:
            continue
        if one is None:
            return None
        made.append(one)
    # styles for texts like formulas are added in the order in which such texts come cell by cell
    quoted = sorted((row, one.number) for one in made if (row := one.first_quoted()) is not None)
    for _, column in quoted:
        writer.styles.quoted(styles.get(column, 0))
    if encoder.locked and not writer.locked:
        writer.locked = address(first, position(encoder.locked)[1])
    writer.columns += [Area(first, column, first + count - 1, column) for column in sorted(keys)]
    return longrows.Rows(first, count, _attributes(sheet, region, like), tuple(made), sheet.prefix)


def _styles(sheet: Sheet, like: Row | None) -> dict[int, int]:
    """The styles of the cells of a new row, by column."""
    return sheet.column_styles | ({column: cell.style for column, cell in like.cells.items()} if like else {})


def _attributes(sheet: Sheet, region: Region, like: Row | None) -> bytes:
    """What the start tag of a new row says besides its number."""
    tag = sheet.row_tag(UNLIKE.sub(b"", like.attributes), 0, [*region.columns]) if like else b""
    return tag.partition(b'r="1"')[2]


class _Standing(NamedTuple):
    """The rows of a long list as they stand on the sheet: the range of their bytes, and what they hold."""

    start: int
    end: int
    scan: Scan
    like: Row
    held: Mapping[int, Held]
    """the keys, and what no row of ours lacks, by column"""
    always: Always
    """that"""

    def is_ours(self, n: int, job: Job) -> bool:
        """Whether a row with a key, counted from the first, is none that somebody typed: see `slots.Typed`."""
        row = self.like.number + n
        return bool(self.always) and says(
            job.table, self.always, job.header.columns, lambda column: at(self.held, column, row)
        )


def _again(job: Job, writer: Writer) -> Filled | None:
    """A later time: every cell below the header is one we wrote, in the one style of its column, or in a column of
    somebody else, and no formula."""
    sheet, first, key_field = job.sheet, job.header.row + 1, job.table.key_field
    own = next((one for one in job.listed if one.area.top == job.header.row), None)
    if own is None or own.totals or key_field not in job.frame or not _is_alone(job, own):
        return None
    if job.read is not None:  # people type among it
        return None
    if sheet.root.first("sheetProtection") is not None:  # a cell that holds its value need not be written, nor unlocked
        return None
    standing = _standing(job, own)
    if standing is None or not _ours(job, standing, own, writer):
        return None
    # what stays of the sheet, and what the others are made like; of the cells that are kept the proof looks at each
    spans.check(sheet.data[: standing.start] + standing.like.raw + sheet.data[standing.end :], sheet.part)
    last = first + standing.scan.rows - 1
    if last != own.area.bottom:  # rows below that somebody typed
        return None
    region = Region(first, last, own.area.left, own.area.right, own)
    column = standing.held.get(job.header.columns[key_field])
    known = column.values(first, last + 1).tolist() if column else [None]
    wanted = [*map(key_of, cells.column(job.frame[key_field]))]
    keys = [key_of(None if one != one else one) for one in known]
    if None in keys:  # a row without a key is a remark
        return None
    places = match(keys, wanted)
    stayed = [n for n in range(len(known)) if n in places]
    left = {keys[n] or "" for n in range(len(known)) if n not in places}
    going = [n for n in range(len(known)) if keys[n] in left] if left else []  # and those that stay in their stead
    if not all(standing.is_ours(n, job) for n in going) or any(says_total(key) or is_signature(key) for key in left):
        return None
    theirs = _theirs(standing.scan, first, {old: new for new, old in enumerate(stayed)})
    noted = {row - first for row, column in job.notes if first <= row <= last and column in region.columns}
    if theirs is None or not noted <= {*stayed}:
        return None
    used = set(places.values())
    order = [*(places[n] for n in stayed), *(n for n in range(len(job.frame)) if n not in used)]
    made = _rows(job, region, job.frame.at(order), standing.like, writer, theirs)
    if made is None:
        return None
    moved = {first + old: first + new for new, old in enumerate(stayed) if old != new}
    gone = frozenset(first + n for n in range(len(known)) if n not in places)
    shift = Shift(first, last, first + len(order) - 1, moved, gone, (region.left, region.right))
    for other in job.listed:
        if other is not own and other.area.bottom >= first and shift.new > last:
            return None
    body = sheet.data[sheet.start : standing.start] + longrows.MARK + sheet.data[standing.end : sheet.end]
    return _filled(job, region, body, made, shift, order)


def _is_alone(job: Job, own: ListObject) -> bool:
    """Whether no header belongs to an Excel table from outside it: what is in its column goes with the rows too (see
    `region.find`)."""
    head = job.sheet.first_rows(job.header.row + 1).get(job.header.row)
    filled = {column for column, cell in head.cells.items() if not cell.blank} if head else set()
    inside = range(own.area.left, own.area.right + 1)
    return {*job.header.columns.values()} <= {*inside} and not filled & {own.area.left - 1, own.area.right + 1}


def _theirs(scan: Scan, first: int, stayed: Mapping[int, int]) -> Mapping[int, Mapping[int, bytes]] | None:
    """Other people's cells by column and the row of the list as it will be (`stayed`: by the row it was); None when a
    row goes in which one of them holds something."""
    found: dict[int, dict[int, bytes]] = {}
    for column, cells_there in scan.kept.items():
        rows = {row - first: tail for row, tail in cells_there.items()}
        if any(old not in stayed and tail and not tail.endswith(b"/>") for old, tail in rows.items()):
            return None
        found[column] = {stayed[old]: tail for old, tail in rows.items() if old in stayed}
    return found


def _standing(job: Job, own: ListObject) -> _Standing | None:
    """Read the rows of a list to the end of the sheet, of their values the keys, and other people's cells; None when
    they are not all alike, without a gap, or hold what is more than its text."""
    sheet, key, first = job.sheet, job.header.columns[job.table.key_field], job.header.row + 1
    ours = {job.header.columns[one] for one in job.frame.columns if one in job.header.columns}
    p = sheet.prefix.encode()
    data, close = sheet.data, sheet.end
    found = re.compile(rb"<%srow r=\"%d\"" % (p, first + 1)).search(data, sheet.start)
    rows = sheet.first_rows(first + 1)
    if found is None or first not in rows:
        return None
    styles = _styles(sheet, rows[first])
    keep = {column: styles.get(column, 0) for column in range(own.area.left, own.area.right + 1) if column not in ours}
    told = always(job.table, [one for one in job.frame.columns if one in job.header.columns], job.frame)
    about = {key, *fields(told, job.header.columns)}, job.formatted, keep
    scan = Scan(sheet.prefix, sheet.name, sheet.strings, lambda _: False, False, *about)
    for piece in pieces(data, found.start(), close, b"</" + p + b"row>"):
        scan.feed(piece)
        if scan.slow or scan.formulas or scan.formatted:
            return None
    if scan.height - first != scan.rows:
        return None
    held = scan.columns()
    told = with_own(told, lambda one: down(held, job.header.columns.get(one, -1), first, scan.height))
    return _Standing(found.start(), close, scan, rows[first], held, told)


def pieces(data: bytes, start: int, end: int, close: bytes) -> Iterator[bytes]:
    """`data[start:end]` in pieces that end with a row."""
    while start < end:
        stop = data.rfind(close, start, min(end, start + _PIECE)) + len(close)
        if stop < start + len(close) or stop + len(close) > end:
            stop = end
        yield data[start:stop]
        start = stop


def _ours(job: Job, standing: _Standing, own: ListObject, writer: Writer) -> bool:
    """Whether every cell is in a column the frame brings, of a kind and in a style in which we write it, or in one of
    the list that is somebody else's; and none is missing that would come back with its style."""
    looks, everywhere = _styles(job.sheet, standing.like), standing.scan.everywhere or ()
    area = range(own.area.left, own.area.right + 1)
    if any(looks.get(one) and one not in everywhere and one not in standing.scan.kept for one in area):
        return False
    styles = {column: cell.style for column, cell in standing.like.cells.items()}
    attributes = _attributes(job.sheet, Region(0, 0, own.area.left, own.area.right, own), standing.like)
    attributes = b' r="1"' + IDLE.sub(b"", attributes)
    if standing.scan.row_tags != {b"<" + job.sheet.prefix.encode() + b"row" + attributes + b">"}:
        return False
    for column, kind, style in standing.scan.kinds:
        plain = styles.get(column, 0)
        if column in standing.scan.kept:
            continue
        if column not in area or kind not in (None, b"n", b"inlineStr", b"s"):
            return False
        if style not in (plain, writer.styles.quoted_id(plain)):
            return False
    return True
