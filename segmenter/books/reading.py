"""One sheet as a `Grid`: values through calamine, and what calamine does not tell from the part itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol

from segmenter import schema
from segmenter.books import Grid, spans
from segmenter.books import short as brief
from segmenter.books.refs import Area
from segmenter.books.region import ListObject
from segmenter.books.rowxml import ATTRIBUTES
from segmenter.books.scan import Scan
from segmenter.books.scanned import Rows, ScannedGrid
from segmenter.books.sheetxml import merged
from segmenter.books.short import Texts
from segmenter.books.styles import Styles
from segmenter.cells import position
from segmenter.errors import Refused
from segmenter.reading.headers import SEARCHED

_CELL: Final = rb"(?s)<(?:[^\s<>/:]+:)?c" + ATTRIBUTES + rb">(.*?)</(?:[^\s<>/:]+:)?c\s*>"
_ERROR: Final = rb"\st\s*=\s*[\"']e[\"']"
_FORMULA: Final = rb"<(?:[^\s<>/:]+:)?f[\s>/]"
_VALUE: Final = rb"<(?:[^\s<>/:]+:)?v(?:\s[^>]*)?>([^<]*)<"
_REF: Final = rb"\sr\s*=\s*[\"']([A-Za-z0-9]+)[\"']"
_ROW: Final = rb"<(?:[^\s<>/:]+:)?row\b" + ATTRIBUTES
_HIDDEN: Final = rb"\shidden\s*=\s*[\"'](?:1|true)[\"']"
_TEXTUAL: Final = rb"\st\s*=\s*[\"']str[\"']"
_OPEN: Final = rb"<((?:[^\s<>/:!?]+:)?)sheetData(?:\s[^<>]*)?(?<!/)>"
_DAY: Final = timedelta(days=1)
_AS_IT_IS: Final = frozenset({str, float, bool, date, datetime})
_PATIENCE: Final = 10_000
"""rows read one by one before a scan is given up"""


class Values(Protocol):
    """What calamine gives for a sheet."""

    def to_python(self, skip_empty_area: bool = True) -> list[list[Any]]: ...


class About(NamedTuple):
    """What is known of a sheet before it is read."""

    part: str
    name: str
    hidden: bool
    listed: Sequence[ListObject]
    """its Excel tables"""


def short(data: bytes, texts: Texts, styles: Styles, date1904: bool, sheet: About) -> Grid | None:
    """The grid of a worksheet part, None when calamine has to read it. See `read`."""
    found = brief.read(data, sheet.part, texts, styles, date1904=date1904)
    if found is None or found.root.name != "worksheet":
        return None
    rows, below = cut(found.rows, sheet.listed)
    return Grid(
        sheet=sheet.name,
        rows=rows,
        merged=merged(found.root),
        hidden_rows=found.hidden_rows,
        hidden=sheet.hidden,
        totals_row=totals_row(rows, sheet.listed),
        below=below,
        formulas=False,
    )


def read(
    values: Callable[[], Values], data: bytes, sheet: About, otherwise: Callable[[], Grid | None] = lambda: None
) -> Grid:
    """The grid of a worksheet part. Rows behind a gap below an Excel table are no part of it; `below` says so.

    `otherwise` reads a sheet with errors calamine does not know ("#SPILL!"), if it can.
    """
    from segmenter.books import damage  # most sheets are read without calamine

    root, body = damage.fit(data, sheet.part, sheet.name)
    errors = dict(_errors(body))
    unknown = {*errors.values()} - damage.ERRORS
    if unknown and all(one.startswith("#") for one in unknown) and (grid := otherwise()) is not None:
        return grid
    rows = [
        [None if value == "" else value if type(value) in _AS_IT_IS else _plain(value) for value in row]
        for row in damage.asked(lambda: values().to_python(skip_empty_area=False), body, sheet.name, sheet.part)
    ]
    rows, below = cut(rows, sheet.listed)
    formulas = b"<%sf" % root.prefix.encode() in body
    return Grid(
        sheet=sheet.name,
        rows=rows,
        errors=errors,
        uncached=frozenset(_uncached(body)) if formulas else frozenset(),
        merged=merged(root),
        hidden_rows=frozenset(_hidden_rows(body)),
        hidden=sheet.hidden,
        totals_row=totals_row(rows, sheet.listed),
        below=below,
        formulas=formulas,
    )


def scan(
    pieces: Iterable[bytes], strings: Sequence[str], styles: Styles, date1904: bool, sheet: About
) -> ScannedGrid | None:
    """The grid of a long worksheet part, given in pieces; None when its rows are not alike enough for that."""
    stream = iter(pieces)
    head = b""
    for piece in stream:
        head += piece
        if found := re.search(_OPEN, head):
            break
    else:
        raise Refused("sheet_kind", sheet=sheet.name, part=sheet.part)
    prefix, head, rest = found[1].decode(), head[: found.end()], head[found.end() :]
    shows: dict[int, bool] = {}

    def shows_days(style: int) -> bool:
        if style not in shows:
            shows[style] = styles.shows_days(style)
        return shows[style]

    scanned = Scan(prefix, sheet.name, strings, shows_days, date1904)
    row_end, body_end = f"</{prefix}row>".encode(), f"</{prefix}sheetData".encode()
    tail = b""
    for piece in chain((rest,), stream):
        tail += piece
        if (end := tail.find(body_end)) >= 0:
            scanned.feed(tail[:end])
            tail = b"".join((tail[end:], *stream))
            break
        if (end := tail.rfind(row_end)) >= 0:
            scanned.feed(tail[: end + len(row_end)])
            tail = tail[end + len(row_end) :]
        if scanned.unnumbered or scanned.slow > max(_PATIENCE, scanned.height // 4):
            return None
    if scanned.unnumbered:
        return None
    root = spans.parse(head + tail, sheet.part)
    columns = scanned.columns()
    rows = Rows(columns, scanned.height)
    end, below = cut_at(rows, sheet.listed)
    return ScannedGrid(
        sheet=sheet.name,
        rows=Rows(columns, end),
        errors=scanned.errors,
        uncached=frozenset(scanned.uncached),
        merged=merged(root),
        hidden_rows=frozenset(scanned.hidden_rows),
        hidden=sheet.hidden,
        totals_row=totals_row(rows, sheet.listed),
        below=below,
        formulas=scanned.formulas,
    )


def totals_row(rows: Sequence[Sequence[Any]], listed: Sequence[ListObject]) -> int | None:
    """The row of an Excel table's totals, unless a list beside it goes on there."""
    for one in listed:
        row = rows[one.last + 1] if one.totals and one.last + 1 < len(rows) else ()
        beside = _filled([*row[: one.area.left], *row[one.area.right + 1 :]])
        if one.totals and (not beside or _is_list(one.area, rows)):
            return one.last + 1
    return None


def _is_list(one: Area, rows: Sequence[Sequence[Any]]) -> bool:
    """Whether an Excel table is the sheet's list, and does not stand beside, above or below it: nowhere else are more
    headers of ours."""
    head = range(one.left, one.right + 1)
    others = ((number, rows[number]) for number in range(min(SEARCHED, len(rows))))
    best = max(
        (_headers(v for c, v in enumerate(row) if n != one.top or c not in head) for n, row in others), default=0
    )
    return one.top < len(rows) and _headers(rows[one.top][one.left : one.right + 1]) >= best


def _headers(cells: Iterable[Any]) -> int:
    """How many headers of one list of ours stand there."""
    names = {schema.fold(cell) for cell in cells if isinstance(cell, str)}
    return max(len(table.headers & names) for table in schema.tables().values() if not table.anchor)


def _plain(value: Any) -> Any:
    """A value of calamine's as a `Grid` holds it; times and durations are the fraction of a day they are kept as."""
    if isinstance(value, time):
        return (datetime.combine(datetime.min, value) - datetime.min) / _DAY
    if isinstance(value, timedelta):
        return value / _DAY
    return value


def cut(rows: list[list[Any]], listed: Sequence[ListObject]) -> tuple[list[list[Any]], int | None]:
    """The rows up to the first gap below the sheet's Excel table, and the first row behind it that may be one of the
    list."""
    end, below = cut_at(rows, listed)
    return rows[:end] if end < len(rows) else rows, below


def cut_at(rows: Sequence[Sequence[Any]], listed: Sequence[ListObject]) -> tuple[int, int | None]:
    """How many rows there are up to that gap, and the first row behind it that may be one of the list. A table that is
    not the list of its sheet says nothing of where that ends, and neither does one beside whose gap a row goes on."""
    if len(listed) != 1:
        return len(rows), None
    one = listed[0].area
    end = one.bottom + 1
    while end < len(rows) and _filled(rows[end], one):
        end += 1
    behind = (row for row in range(end, len(rows)) if _filled(rows[row], one))
    first = next(behind, None)
    if first is None or _filled(rows[end]) or not _is_list(one, rows):
        return len(rows), None
    below = (row for row in chain([first], behind) if not _is_remark(rows[row][one.left : one.right + 1]))
    return end, next(below, None)


def _is_remark(cells: Sequence[Any]) -> bool:
    """Whether a row is none of a list for sure: it sums up others, says who made them, or is one text with a colon that
    is no ID, as SH:009 may be."""
    first, *others = (value for value in cells if value is not None)
    if not isinstance(first, str):
        return False
    if schema.says_total(first) or schema.is_signature(first.strip()):
        return True
    return not others and re.search("\uff1a|:(?![!-~]+$)", first.strip()) is not None


def _filled(row: Sequence[Any], one: Area | None = None) -> bool:
    return any(value is not None for value in (row[one.left : one.right + 1] if one else row))


def _place(attributes: bytes) -> tuple[int, int] | None:
    found = re.search(_REF, attributes)
    return position(found[1].decode()) if found else None


def _errors(body: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    """Cells that hold an error, and which."""
    if b'"e"' in body or b"'e'" in body:
        error = re.compile(_ERROR).search
        for cell in re.finditer(_CELL, body):
            if error(cell[1]) and (place := _place(cell[1])):
                value = re.search(_VALUE, cell[2])
                yield place, value[1].decode() if value else "#N/A"


def _uncached(body: bytes) -> Iterator[tuple[int, int]]:
    """Formula cells without a result. An empty text is a result."""
    formula = re.compile(_FORMULA).search
    for cell in re.finditer(_CELL, body):
        if formula(cell[2]) and not re.search(_TEXTUAL, cell[1]):
            value = re.search(_VALUE, cell[2])
            if (value is None or not value[1].strip()) and (place := _place(cell[1])):
                yield place


def _hidden_rows(body: bytes) -> Iterator[int]:
    if b"hidden" in body:
        hidden = re.compile(_HIDDEN).search
        for row in re.finditer(_ROW, body):
            if hidden(row[1]) and (found := re.search(_REF, row[1])):
                yield int(found[1]) - 1
