"""One sheet as a `Grid`: values through calamine, and what calamine does not tell from the part itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final, Protocol

from segmenter.books import Grid, spans
from segmenter.books.refs import Area, area
from segmenter.books.region import ListObject
from segmenter.cells import position
from segmenter.errors import Refused

_ATTRS = rb"((?:\s+[^\s<>/\"'=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*+)\s*"
_CELL: Final = re.compile(rb"<(?:[^\s<>/:]+:)?c" + _ATTRS + rb">(.*?)</(?:[^\s<>/:]+:)?c\s*>", re.DOTALL)
_ERROR: Final = re.compile(rb"\st\s*=\s*[\"']e[\"']")
_FORMULA: Final = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s>/]")
_VALUE: Final = re.compile(rb"<(?:[^\s<>/:]+:)?v(?:\s[^>]*)?>([^<]*)<")
_REF: Final = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z0-9]+)[\"']")
_ROW: Final = re.compile(rb"<(?:[^\s<>/:]+:)?row\b" + _ATTRS)
_HIDDEN: Final = re.compile(rb"\shidden\s*=\s*[\"'](?:1|true)[\"']")
_TEXTUAL: Final = re.compile(rb"\st\s*=\s*[\"']str[\"']")
_DAY: Final = timedelta(days=1)


class Values(Protocol):
    """What calamine gives for a sheet."""

    def to_python(self, skip_empty_area: bool = True) -> list[list[Any]]: ...


def read(values: Values, data: bytes, part: str, name: str, hidden: bool, listed: Sequence[ListObject]) -> Grid:
    """The grid of a worksheet part. Rows behind a gap below an Excel table are no part of it; `below` says so."""
    root = spans.parse(data, part, opaque="sheetData")
    sheet_data = root.first("sheetData")
    if root.name != "worksheet" or sheet_data is None:
        raise Refused("sheet_kind", sheet=name, part=part)
    body = data[sheet_data.inner : sheet_data.close]
    rows = [[_plain(value) for value in row] for row in values.to_python(skip_empty_area=False)]
    rows, below = _cut(rows, listed)
    return Grid(
        sheet=name,
        rows=rows,
        errors=dict(_errors(body)),
        uncached=frozenset(_uncached(body)),
        merged=tuple(area(one.get("ref")) for one in root.all("mergeCells", "mergeCell")),
        hidden_rows=frozenset(_hidden_rows(body)),
        hidden=hidden,
        totals_row=next((one.last + 1 for one in listed if one.totals), None),
        below=below,
    )


def _plain(value: Any) -> Any:
    """A value of calamine's as a `Grid` holds it; times and durations are the fraction of a day they are kept as."""
    if value == "":
        return None
    if isinstance(value, time):
        return (datetime.combine(datetime.min, value) - datetime.min) / _DAY
    if isinstance(value, timedelta):
        return value / _DAY
    return value


def _cut(rows: list[list[Any]], listed: Sequence[ListObject]) -> tuple[list[list[Any]], int | None]:
    """The rows up to the first gap below the sheet's Excel table, and the first row with something behind it."""
    if len(listed) != 1:
        return rows, None
    one = listed[0].area
    end = one.bottom + 1
    while end < len(rows) and _filled(rows[end], one):
        end += 1
    rest = next((row for row in range(end, len(rows)) if _filled(rows[row], one)), None)
    return (rows, None) if rest is None else (rows[:end], rest)


def _filled(row: Sequence[Any], one: Area) -> bool:
    return any(value is not None for value in row[one.left : one.right + 1])


def _place(attributes: bytes) -> tuple[int, int] | None:
    found = _REF.search(attributes)
    return position(found[1].decode()) if found else None


def _errors(body: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    """Cells that hold an error, and which."""
    if _ERROR.search(body):
        for cell in _CELL.finditer(body):
            if _ERROR.search(cell[1]) and (place := _place(cell[1])):
                value = _VALUE.search(cell[2])
                yield place, value[1].decode() if value else "#N/A"


def _uncached(body: bytes) -> Iterator[tuple[int, int]]:
    """Formula cells without a result. An empty text is a result."""
    if _FORMULA.search(body):
        for cell in _CELL.finditer(body):
            if _FORMULA.search(cell[2]) and not _TEXTUAL.search(cell[1]):
                value = _VALUE.search(cell[2])
                if (value is None or not value[1].strip()) and (place := _place(cell[1])):
                    yield place


def _hidden_rows(body: bytes) -> Iterator[int]:
    if _HIDDEN.search(body):
        for row in _ROW.finditer(body):
            if _HIDDEN.search(row[1]) and (found := _REF.search(row[1])):
                yield int(found[1]) - 1
