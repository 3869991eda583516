"""The rows of a table as they stand on its sheet: where they begin and end, whose they are, which are typed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import NamedTuple

from segmenter.books import spans
from segmenter.books.cells import Plain, number
from segmenter.books.index import Index
from segmenter.books.refs import Area, area
from segmenter.books.sheetxml import Sheet
from segmenter.reading.headers import Header
from segmenter.schema import Table


class ListObject(NamedTuple):
    """An Excel table: its part, the cells it covers with header and totals, how many rows of totals it has,
    and its name in formulas."""

    part: str
    area: Area
    totals: int
    name: str

    @property
    def last(self) -> int:
        """Its last data row."""
        return self.area.bottom - self.totals


def listed(index: Index, part: str) -> list[ListObject]:
    """The Excel tables of the sheet in `part`."""
    return [_list_object(index.package.read(one), one) for one in index.related(part, "table")]


@lru_cache(256)
def _list_object(data: bytes, part: str) -> ListObject:
    root = spans.parse(data, part)
    return ListObject(part, area(root.get("ref")), int(root.get("totalsRowCount", "0")), root.get("displayName"))


def noted(index: Index, part: str) -> frozenset[tuple[int, int]]:
    """The cells of the sheet in `part` that have a comment."""
    found = set()
    for comments in index.related(part, "comments"):
        for one in spans.parse(index.package.read(comments), comments).all("commentList", "comment"):
            place = area(one.get("ref"))
            found.add((place.top, place.left))
    return frozenset(found)


class Region(NamedTuple):
    """The data rows of a table, `first`..`last` (`first - 1` when there are none), and the columns `left`..`right`
    that belong together and move with a row."""

    first: int
    last: int
    left: int
    right: int
    listed: ListObject | None

    @property
    def totals(self) -> range:
        """The rows of totals below."""
        return range(self.last + 1, self.last + 1 + (self.listed.totals if self.listed else 0))

    @property
    def columns(self) -> range:
        return range(self.left, self.right + 1)


def find(sheet: Sheet, header: Header, listed: Iterable[ListObject], key_field: str = "") -> Region:
    """The region below `header`: the Excel table there with the rows typed right below it (those with a key), or all
    rows in which one of the columns holds something, with those right below in which one beside them does."""
    columns = set(header.columns.values())
    own = next((one for one in listed if one.area.top == header.row and columns & _columns(one.area)), None)
    first = header.row + 1
    if own is None:
        last = max((row for row in sheet.rows if row >= first and _holds(sheet, row, columns)), default=first - 1)
    else:
        columns |= _columns(own.area)
        last = own.last
        keys = {header.columns[key_field]} if key_field in header.columns else set(header.columns.values())
        while not own.totals and _holds(sheet, last + 1, keys):
            last += 1
    left, right = _joined(sheet, range(header.row, last + 1), min(columns), max(columns))
    while own is None and _holds(sheet, last + 1, range(left, right + 1)):  # a row that stayed for what is beside ours
        last += 1
    return Region(first, last, left, right, own)


def _columns(area: Area) -> set[int]:
    return set(range(area.left, area.right + 1))


def _holds(sheet: Sheet, row: int, columns: Collection[int]) -> bool:
    found = sheet.rows.get(row)
    return found is not None and any(column in columns and not cell.blank for column, cell in found.cells.items())


def _joined(sheet: Sheet, rows: range, left: int, right: int) -> tuple[int, int]:
    """The columns `left`..`right` with those beside them, up to the first that is empty in all `rows`."""
    found = (sheet.rows[row].cells.items() for row in rows if row in sheet.rows)
    used = {column for cells in found for column, cell in cells if not cell.blank}
    while left - 1 in used:
        left -= 1
    while right + 1 in used:
        right += 1
    return left, right


def key_of(value: Plain) -> str | None:
    """What a key cell says, 1001 and "1001" being the same; None when it is empty."""
    if isinstance(value, float):
        return number(value)
    text = "" if value is None else str(value).strip()
    return text or None


def match(keys: Iterable[str | None], wanted: Iterable[str | None]) -> dict[int, int]:
    """Which of `wanted` each of `keys` is, by position: the n-th with a key is the n-th wanted with it."""
    places: dict[str, list[int]] = defaultdict(list)
    for position, key in enumerate(wanted):
        if key is not None:
            places[key].append(position)
    for each in places.values():
        each.reverse()
    found = {}
    for position, key in enumerate(keys):
        if key is not None and places.get(key):
            found[position] = places[key].pop()
    return found


class Typed(NamedTuple):
    """Tells the rows that hold something people typed, which no run may lose."""

    sheet: Sheet
    table: Table
    header: Header
    region: Region
    written: Collection[str]
    """field keys of the frame"""
    notes: frozenset[tuple[int, int]]
    """cells with a comment"""

    def holds(self, row: int, key: str | None) -> bool:
        """Whether a row that the frame lacks must stay: something stands in a cell that is not ours, or only its key
        does, as in a remark below the rows: no row of ours is without a value."""
        found = self.sheet.rows.get(row)
        if found is None:
            return False
        ours = self._ours(key)
        filled = [cell for column, cell in found.cells.items() if column in self.region.columns and not cell.blank]
        if any(cell.column not in ours and cell.formula is None for cell in filled):
            return True
        if any((row, column) in self.notes for column in self.region.columns):
            return True
        if key is None or self.table[self.table.key_field].owner != "us":
            return False
        return all(cell.column == self.header.columns[self.table.key_field] for cell in filled)

    def _ours(self, key: str | None) -> set[int]:
        """The columns a frame answers for: computed ones, and those it brings. In a table with keys a row without
        one is nobody's, and only computed columns are ours."""
        nobody = bool(self.table.key_field) and key is None
        return {
            column
            for name, column in self.header.columns.items()
            if self.table[name].owner == "us" or (name in self.written and not nobody)
        }
