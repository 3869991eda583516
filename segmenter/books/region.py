"""The rows of a table as they stand on its sheet: where they begin and end, and what belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, Protocol

from segmenter.books import refs, rowxml, spans, translate
from segmenter.books.index import Index
from segmenter.books.refs import Area
from segmenter.books.sheetxml import Sheet
from segmenter.reading.headers import Header
from segmenter.schema import Table, says_total


class ListObject(NamedTuple):
    """An Excel table: its part, the cells it covers with header and totals, how many rows of totals it has,
    its name in formulas, and what its columns calculate."""

    part: str
    area: Area
    totals: int
    name: str
    formulas: Mapping[int, str] = MappingProxyType({})
    """by column, for its first data row; as Excel remembers it for further ones"""

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
    said = enumerate(root.all("tableColumns", "tableColumn"), area.left)
    asked = ((column, one.first("calculatedColumnFormula")) for column, one in said)
    plain = {column: one.text for column, one in asked if one is not None and one.text and not one.get("array")}
    return ListObject(part, area, totals, root.get("displayName"), plain)


def noted(index: Index, part: str) -> frozenset[tuple[int, int]]:
    """The cells of the sheet in `part` that have a comment."""
    found = set()
    for comments in index.related(part, "comments"):
        for one in spans.parse(index.package.read(comments), comments).all("commentList", "comment"):
            place = refs.told(one.get("ref"))
            found.add((place.top, place.left))
    return frozenset(found)


class Standing(Protocol):
    """What stands on a sheet, in a file or in Excel, as far as it takes to tell the rows of a table."""

    @property
    def rows(self) -> Iterable[int]:
        """The rows in which something may stand, in order."""
        ...

    @property
    def notes(self) -> Collection[tuple[int, int]]:
        """The cells with a comment."""
        ...

    def filled(self, row: int) -> Collection[int]:
        """The columns in which a row holds something."""
        ...

    def reads_cells(self, row: int, column: int) -> bool:
        """Whether that is a formula over cells; one without any (`=500+200`) is a value somebody typed."""
        ...

    def value(self, row: int, column: int) -> object:
        """What a cell holds."""
        ...


class InFile(NamedTuple):
    """What stands on a sheet of a file."""

    sheet: Sheet
    notes: frozenset[tuple[int, int]] = frozenset()

    @property
    def rows(self) -> Iterable[int]:
        return self.sheet.rows

    def filled(self, row: int) -> Collection[int]:
        found = self.sheet.rows.get(row)
        return [column for column, cell in found.cells.items() if not cell.blank] if found else ()

    def reads_cells(self, row: int, column: int) -> bool:
        formula = self.sheet.rows[row].cells[column].formula
        # without a text it is shared, so filled down
        return formula is not None and (not formula[1] or translate.reads_cells(formula[1]))

    def value(self, row: int, column: int) -> object:
        return self.sheet.value(row, column)


class Region(NamedTuple):
    """The data rows of a table, `first`..`last` (`first - 1` when there are none), and the columns `left`..`right`
    that belong together and move with a row."""

    first: int
    last: int
    left: int
    right: int
    listed: ListObject | None
    along: int = 0
    """how many rows right below go along with the list: of totals, and of what people typed there"""

    @property
    def below(self) -> range:
        """Those rows."""
        return range(self.last + 1, self.last + 1 + self.along)

    @property
    def columns(self) -> range:
        return range(self.left, self.right + 1)

    def calculates(self, standing: Standing, column: int) -> bool:
        """Whether the formula in the first row is how its Excel table calculates a column. One over no cells, of which
        the table knows nothing, is a value somebody typed."""
        table = self.listed
        return table is not None and (column in table.formulas or standing.reads_cells(self.first, column))


def find(standing: Standing, header: Header, listed: Collection[ListObject], table: Table) -> Region:
    """The region below `header`: the Excel table there with the rows typed right below it (those with a key), or the
    rows in which one of the columns holds something, with those right below in which one beside them does. Keys that
    people type are part of it, down to a gap of more than a row. A line that adds up the rows above it is below the
    list with all that follows, and so is another Excel table that begins there; one that begins beside its rows is no
    part of them."""
    columns = set(header.columns.values())
    own = next((one for one in listed if one.area.top == header.row and columns & _columns(one.area)), None)
    others = [one.area for one in listed if one.area.top > header.row]
    across = {*range(min(columns), max(columns) + 1)}
    keys = {header.columns[table.key_field]} if table.key_field in header.columns else set(header.columns.values())
    first, ends = header.row + 1, min((area.top for area in others if across & _columns(area)), default=refs.MAX_ROWS)
    is_typed = len(keys) == 1 and table[table.key_field].owner == "user"
    if own is None:
        last = _last(standing, first, ends, columns, 1 if is_typed else refs.MAX_ROWS)
    else:
        columns |= _columns(own.area)
        last = own.last
        while not own.totals and last + 1 < ends and count(standing, last + 1, keys):
            last += 1
    if is_typed and not (own and own.totals):
        last = _last_typed(standing, last, ends, keys, columns, 0 if own else 1)
    aside = set().union(*(_columns(area) for area in others if area.top <= last))
    left, right = _joined(standing, range(header.row, last + 1), min(columns), max(columns), aside)
    # a row that stayed for what is beside
    while own is None and last + 1 < ends and count(standing, last + 1, range(left, right + 1)):
        last += 1
    bottom = first - 1 if own is None else own.last
    inside, its = range(left, right + 1), set(header.columns.values())
    last = _above_totals(standing, range(max(bottom, first) + 1, last + 1), its, first)
    while last > bottom and (_adds_up(standing, last, its, first) or not count(standing, last, inside)):
        last -= 1
    return Region(first, last, left, right, own, own.totals if own else 0)


def widened(standing: Standing, region: Region, last: int, listed: Collection[ListObject]) -> Region:
    """A list that grows down to row `last`, with the columns right beside it in which something stands beside the rows
    that come: it would be taken for what belongs to their customers."""
    further = range(region.last + 1, last + 1)
    others = (one.area for one in listed if one != region.listed and one.area.top <= last)
    aside = set().union(*map(_columns, others))
    left, right = _joined(standing, further, region.left, region.right, aside)
    return region._replace(left=left, right=right)


def count(standing: Standing, row: int, columns: Collection[int]) -> int:
    """In how many of some columns a row holds something."""
    return sum(column in columns for column in standing.filled(row))


def _last(standing: Standing, first: int, ends: int, columns: Collection[int], gap: int) -> int:
    """The last row of a list without an Excel table: rows one below the other; and, behind a gap of up to `gap` rows,
    those that hold half as many values as the fullest so far, and no single one beside rows of two. What else stands
    further down is a remark below the list, which `ends` above a row in any case."""
    last, most = first - 1, 0
    for row in standing.rows:
        here = count(standing, row, columns) if first <= row < ends else 0
        near = row == last + 1 or (row <= last + 1 + gap and 2 * here >= most and here >= min(2, most))
        if here and near:
            last, most = row, max(most, here)
    return last


def _last_typed(
    standing: Standing, last: int, ends: int, keys: Collection[int], columns: Collection[int], gap: int
) -> int:
    """The last row below `last` with a key, down to where more than `gap` rows hold nothing in `columns`."""
    found = before = last
    for row in (one for one in standing.rows if last < one < ends):
        if not count(standing, row, columns):
            continue
        if row > before + 1 + gap:
            break
        before = row
        found = row if count(standing, row, keys) else found
    return found


def _above_totals(standing: Standing, rows: range, columns: Collection[int], first: int) -> int:
    """The last of `rows` above one that sums up, if below that none holds as much as half of the first row does."""
    last, most = rows.stop - 1, count(standing, first, columns)
    for row in reversed(rows):
        if _says_total(standing, row, columns) or _adds_up(standing, row, columns, first):
            last = row - 1
        elif 2 * count(standing, row, columns) >= most:
            break
    return last


def _says_total(standing: Standing, row: int, columns: Collection[int]) -> bool:
    texts = (standing.value(row, column) for column in standing.filled(row) if column in columns)
    return any(isinstance(one, str) and says_total(one) for one in texts)


def _adds_up(standing: Standing, row: int, columns: Collection[int], first: int) -> bool:
    """Whether the last row has less than half of what the first row of the list holds, and adds up cells."""
    here = [column for column in standing.filled(row) if column in columns]
    less = 2 * len(here) < count(standing, first, columns)
    return less and any(standing.reads_cells(row, column) for column in here)


def _columns(area: Area) -> set[int]:
    return set(range(area.left, area.right + 1))


def _joined(standing: Standing, rows: range, left: int, right: int, aside: Collection[int]) -> tuple[int, int]:
    """The columns `left`..`right` with those beside them, up to the first that is empty in all `rows`, or `aside`."""
    used = {column for row in rows for column in standing.filled(row)}.difference(aside)
    while left - 1 in used:
        left -= 1
    while right + 1 in used:
        right += 1
    return left, right
