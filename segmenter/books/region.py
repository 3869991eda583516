"""The rows of a table as they stand on its sheet: where they begin and end, whose they are, which are typed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import NamedTuple

from segmenter.books import refs, rowxml, spans
from segmenter.books.cells import Plain, number
from segmenter.books.index import Index
from segmenter.books.refs import Area
from segmenter.books.rowxml import Cell
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
    area, totals = refs.told(root.get("ref")), rowxml.number(root.get("totalsRowCount", "0"))
    if totals > area.bottom - area.top:
        raise refs.damaged(str(totals))
    return ListObject(part, area, totals, root.get("displayName"))


def noted(index: Index, part: str) -> frozenset[tuple[int, int]]:
    """The cells of the sheet in `part` that have a comment."""
    found = set()
    for comments in index.related(part, "comments"):
        for one in spans.parse(index.package.read(comments), comments).all("commentList", "comment"):
            place = refs.told(one.get("ref"))
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
    """The region below `header`: the Excel table there with the rows typed right below it (those with a key), or the
    rows in which one of the columns holds something, with those right below in which one beside them does. A line that
    adds up the rows above it is below the list."""
    columns = set(header.columns.values())
    own = next((one for one in listed if one.area.top == header.row and columns & _columns(one.area)), None)
    first = header.row + 1
    if own is None:
        last = _last(sheet, first, columns)
    else:
        columns |= _columns(own.area)
        last = own.last
        keys = {header.columns[key_field]} if key_field in header.columns else set(header.columns.values())
        while not own.totals and _holds(sheet, last + 1, keys):
            last += 1
    left, right = _joined(sheet, range(header.row, last + 1), min(columns), max(columns))
    while own is None and _holds(sheet, last + 1, range(left, right + 1)):  # a row that stayed for what is beside ours
        last += 1
    bottom = first - 1 if own is None else own.last
    while last > bottom and _adds_up(sheet, last, set(header.columns.values()), first):
        last -= 1
    return Region(first, last, left, right, own)


def _last(sheet: Sheet, first: int, columns: Collection[int]) -> int:
    """The last row of a list without an Excel table: rows one below the other; and, behind a gap, those that hold half
    as many values as the fullest so far. What else stands further down is a remark below the list."""
    last, most = first - 1, 0
    for row in sheet.rows:
        count = _filled(sheet, row, columns) if row >= first else 0
        if count and (row == last + 1 or 2 * count >= most):
            last, most = row, max(most, count)
    return last


def _adds_up(sheet: Sheet, row: int, columns: Collection[int], first: int) -> bool:
    """Whether the last row has less than half of what the first row of the list holds, and a formula among it."""
    cells = [cell for column, cell in sheet.rows[row].cells.items() if column in columns and not cell.blank]
    return any(cell.formula for cell in cells) and 2 * len(cells) < _filled(sheet, first, columns)


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


class Typed:
    """Tells the rows that hold something people typed, which no run may lose. `written`: the field keys of the frame,
    `always` those without which a row is none of ours; `notes`: the cells with a comment."""

    def __init__(
        self,
        sheet: Sheet,
        table: Table,
        header: Header,
        region: Region,
        written: Collection[str],
        always: Collection[str],
        notes: frozenset[tuple[int, int]],
    ) -> None:
        self._sheet = sheet
        self._table = table
        self._region = region
        self._notes = notes
        self._columns = {*header.columns.values()}
        self._ours = {c for name, c in header.columns.items() if table[name].owner == "us"}
        self._brought = self._ours | {c for name, c in header.columns.items() if name in written}
        self._always = {header.columns[name] for name in always}

    def is_ours(self, row: int, key: str | None) -> bool:
        """Whether a row is one we wrote, or may write over: it is blank, or has a key, where the table has keys, and
        what no row of ours lacks. Any other is a remark, and stays as it is."""
        count = _filled(self._sheet, row, self._columns)
        if not count:
            return not self._cells(row)
        keyed = self._table.key_field
        if keyed and (key is None or self._table[keyed].owner != "us"):
            return key is not None
        if not self._always:
            return count > 1 or not keyed
        return _filled(self._sheet, row, self._always) == len(self._always)

    def holds(self, row: int, key: str | None) -> bool:
        """Whether a row that the frame lacks must stay: it is none of ours, or something is typed or noted in it."""
        cells = self._cells(row)
        if any((row, column) in self._notes for column in self._region.columns):
            return True
        ours = self._brought if key is not None or not self._table.key_field else self._ours
        return not self.is_ours(row, key) or any(c.column not in ours and c.formula is None for c in cells)

    def _cells(self, row: int) -> list[Cell]:
        found = self._sheet.rows.get(row)
        cells = found.cells.values() if found else ()
        return [cell for cell in cells if cell.column in self._region.columns and not cell.blank]


def _filled(sheet: Sheet, row: int, columns: Collection[int]) -> int:
    """In how many of some columns a row holds something."""
    found = sheet.rows.get(row)
    return sum(column in columns and not cell.blank for column, cell in found.cells.items()) if found else 0
