"""The rows of a table as they stand on its sheet: where they begin and end, and what belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from segmenter.books import ours, refs, rowxml, spans, translate
from segmenter.books.cells import Mark, Plain
from segmenter.books.index import Index
from segmenter.books.ours import Always
from segmenter.books.refs import Area
from segmenter.books.sheetxml import Sheet
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.reading.headers import Header
from segmenter.schema import UNREAD, Table, says_total

_TOP: Final = 16
"""rows of which the fullest shows how much a row holds"""
_END: Final = 64
"""rows at the end among which a row that sums up is looked for"""


class ListObject(NamedTuple):
    """An Excel table: its part, the cells it covers with header and totals, how many rows of totals it has,
    its name in formulas, and what its columns calculate."""

    part: str
    area: Area
    totals: int
    name: str
    formulas: Mapping[int, str] = MappingProxyType({})
    """by column, for its first data row; as Excel remembers it for further ones"""
    names: tuple[str, ...] = ()
    """those of its columns, casefolded"""
    headers: int = 1

    @property
    def last(self) -> int:
        """Its last data row."""
        return self.area.bottom - self.totals

    def column(self, name: str) -> Area | None:
        """The data cells of the column that is called so; None when none is."""
        if name.casefold() not in self.names:
            return None
        column = self.area.left + self.names.index(name.casefold())
        return Area(self.area.top + self.headers, column, self.last, column)


def listed(index: Index, part: str) -> list[ListObject]:
    """The Excel tables of the sheet in `part`."""
    return [_list_object(index.package.read(one), one) for one in index.related(part, "table")]


@lru_cache(256)
def _list_object(data: bytes, part: str) -> ListObject:
    root = spans.parse(data, part)
    area, totals = refs.told(root.get("ref")), rowxml.number(root.get("totalsRowCount", "0"))
    if totals > area.bottom - area.top:
        raise refs.damaged(str(totals))
    columns = root.all("tableColumns", "tableColumn")
    asked = ((column, one.first("calculatedColumnFormula")) for column, one in enumerate(columns, area.left))
    plain = {column: one.text for column, one in asked if one is not None and one.text and not one.get("array")}
    names = tuple(one.get("name").casefold() for one in columns)
    headers = rowxml.number(root.get("headerRowCount", "1"))
    return ListObject(part, area, totals, root.get("displayName"), plain, names, headers)


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

    def value(self, row: int, column: int) -> Plain:
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

    def value(self, row: int, column: int) -> Plain:
        return self.sheet.value(row, column)


class Region(NamedTuple):
    """The data rows of a table, `first`..`last`, of which the first may be blank (`first - 1`: there is none, and
    something else stands in the first), and the columns `left`..`right` that belong together and move with a row."""

    first: int
    last: int
    left: int
    right: int
    listed: ListObject | None
    along: int = 0
    """how many rows right below go along with the list: of totals, and of what people typed there"""
    pushes: bool = False
    """whether these are all that stand below, and go down as when cells are inserted"""
    room: int = 0
    """how many empty rows have to stay below, because what is nearer would be one of them: where people type the keys,
    and where something stands there that looks like one"""

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
        is_line = None if is_typed else partial(_is_line, standing, header, table, _always(standing, header, table))
        last = _last(standing, first, ends, columns, is_line)
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
    inside = range(left, right + 1)
    if table.key_field:
        last = _above_totals(standing, range(first, last + 1), set(header.columns.values()), keys)
        last = max(last, first) if own else last
    while last > (first - 1 if own is None else own.last) and not count(standing, last, inside):
        last -= 1
    if last < first and not count(standing, first, inside):
        last = first
    along = max(own.area.bottom - last, 0) if own else 0
    return Region(first, last, left, right, own, along, room=(1 if own else 2) if is_typed else 0)


def met(standing: Standing, region: Region, last: int) -> bool:
    """Whether something stands below a list, or right beside that, where it is to grow down to row `last`."""
    near, begin = {*range(region.left - 1, region.right + 2)}, region.last + region.along + 1
    rows = range(begin, last + region.along + region.room + 1) if last > region.last else ()
    return any(count(standing, row, near) for row in rows)


def widened(standing: Standing, region: Region, rows: Collection[int], listed: Collection[ListObject]) -> Region:
    """A list with the columns beside it that go down with it, because something in the `rows` below reaches into them.
    Refused where they hold something beside the rows of the list, which stays."""
    others = [_columns(one.area) for one in listed if one != region.listed]
    aside = set().union(*(one for one in others if one.isdisjoint(region.columns)))
    left, right = _joined(standing, rows, region.left, region.right, aside)
    beside = {*range(left, right + 1)}.difference(region.columns)
    for row in range(region.first - 1, region.last + 1) if beside else ():
        for column in standing.filled(row):
            if column in beside:
                raise Refused("table_below", cell=address(row, column), rows=f"{region.last + 1:,}")
    return region._replace(left=left, right=right)


def says_always(standing: Standing, row: int, columns: Mapping[str, int], table: Table, always: Always) -> bool:
    """Whether a row has what no row of ours lacks (`columns`: by field)."""

    def said(column: int) -> object:
        value = standing.value(row, column)
        hidden = isinstance(value, Mark) or (value is None and column in standing.filled(row))
        return UNREAD if hidden else value

    return ours.says(table, always, columns, said)


def count(standing: Standing, row: int, columns: Collection[int]) -> int:
    """In how many of some columns a row holds something."""
    return sum(column in columns for column in standing.filled(row))


def _always(standing: Standing, header: Header, table: Table) -> Always:
    """What no row of ours lacks, as far as the rows below a header tell it."""

    def said(key: str) -> Iterable[object]:
        rows = (row for row in standing.rows if row > header.row) if key in header.columns else ()
        return (standing.value(row, header.columns[key]) for row in rows)

    return ours.with_own(ours.always(table, header.columns), said)


def _is_line(standing: Standing, header: Header, table: Table, told: Always, row: int, far: bool) -> bool:
    """Whether a row has a key, and what no row of ours lacks, which has to be more. Without keys a line `far` below has
    something in every field."""
    key = header.columns.get(table.key_field)
    needed = {key} if key is not None else {*header.columns.values()} if far or not told else set()
    if not (told or len(needed) > 1) or count(standing, row, needed) < len(needed):
        return False
    return says_always(standing, row, header.columns, table, told)


def _last(
    standing: Standing, first: int, ends: int, columns: Collection[int], is_line: Callable[[int, bool], bool] | None
) -> int:
    """The last row of a list without an Excel table: rows one below the other; behind an empty row its lines
    (`is_line`), and behind more those that hold half as many values as the fullest so far, and no single one beside
    rows of two. Where none of the first rows is a line, as somebody typed them all, behind an empty row that much is
    enough. What else stands further down is a remark below the list, which `ends` above a row in any case."""
    last, most = first - 1, 0
    is_written = is_line is not None and any(is_line(row, False) for row in range(first, min(first + _TOP, ends)))
    for row in standing.rows:
        here = count(standing, row, columns) if first <= row < ends else 0
        near, far = row == last + 1, row > last + 2
        if here and not near:
            near = (is_written and not far) or (2 * here >= most and here >= min(2, most))
            if near and (is_written or far):
                near = is_line is not None and is_line(row, far)
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


def _above_totals(standing: Standing, rows: range, columns: Collection[int], keys: Collection[int]) -> int:
    """The last of `rows` above one that sums up: it says so where the keys stand, or has less than half of what the
    fullest row holds and adds up cells. Right below that is an empty row, or no further one that holds as much."""
    last, most = rows.stop - 1, max((count(standing, row, columns) for row in rows[:_TOP]), default=0)
    goes_on, empty = False, rows.stop
    for row in reversed(rows):
        here = [column for column in standing.filled(row) if column in columns]
        less = 2 * len(here) < most
        if not here:
            empty = row
        elif _says_total(standing, row, keys) or (less and any(standing.reads_cells(row, column) for column in here)):
            if not goes_on or empty == row + 1:
                last, goes_on = row - 1, False
        elif not less:
            goes_on = True
        if goes_on and rows.stop - row > _END:
            break
    return last


def _says_total(standing: Standing, row: int, keys: Collection[int]) -> bool:
    texts = (standing.value(row, column) for column in standing.filled(row) if column in keys)
    return any(isinstance(one, str) and says_total(one) for one in texts)


def _columns(area: Area) -> set[int]:
    return set(range(area.left, area.right + 1))


def _joined(standing: Standing, rows: Iterable[int], left: int, right: int, aside: Collection[int]) -> tuple[int, int]:
    """The columns `left`..`right` with those beside them, up to the first that is empty in all `rows`, or `aside`."""
    used = {column for row in rows for column in standing.filled(row)}.difference(aside)
    while left - 1 in used:
        left -= 1
    while right + 1 in used:
        right += 1
    return left, right
