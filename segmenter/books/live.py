"""The workbook open in Excel as a `Book`, through open-source xlwings: read and written in whole ranges.

What is written is planned and checked first and reaches Excel when the book is left, so that a refusal leaves the
workbook as it was. Sheets are 1-based in Excel's own calls and 0-based here, as everywhere in the package.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from segmenter.books import Grid, livelist, liveplan, livesheet, naming, reading
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.schema import CUSTOMERS, Table
from segmenter.texts import Lang

if TYPE_CHECKING:
    import xlwings as xw

_EPOCH: Final = datetime(1899, 12, 30)
_DAY: Final = 86_400
_ERRORS: Final = frozenset(
    {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)
_BUSY: Final = frozenset({-2147418111, -2146777998, -2147417846})
"""what Windows says while a cell is being edited or a dialog is open: rejected, refused by Excel, retry later"""


class LiveBook:
    """A workbook open in Excel. Left without an error it writes; `template` tells where a missing sheet comes from.

    Refused("excel_editing") while a cell is being edited. An error on the way out leaves what was written so far:
    whoever calls restores it (`books.previous`).
    """

    def __init__(self, book: xw.Book, template: Callable[[Lang, Table], Path]) -> None:
        self.book = book
        self.name = str(book.name)
        self._template = template
        self._writes: list[tuple[Table, Frame]] = []

    @cached_property
    def lang(self) -> Lang:
        """The language most of its sheets of ours are named in."""
        return naming.lang_of(self._names())

    def __enter__(self) -> LiveBook:
        self.ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._commit()

    def ready(self) -> None:
        """Refused("excel_editing") while Excel does not take commands."""
        refuse_editing(self.book.app)

    def _names(self) -> list[str]:
        return [str(sheet.name) for sheet in self.book.sheets]

    def sheet(self, table: Table) -> xw.Sheet | None:
        """The sheet of a table; None when there is none. Refused when it cannot be told which."""
        position = naming.find(self._names(), table, self.lang)
        return None if position is None else self.book.sheets[position]

    def read(self, table: Table) -> Grid | None:
        """What stands on the table's sheet now; None when the workbook has no such sheet.

        Refused when the customer sheet is missing, or when it cannot be told which sheet is meant.
        """
        sheet = self.sheet(table)
        if sheet is None and table.key == CUSTOMERS.key:
            raise naming.missing(self._names(), table, self.lang)
        return None if sheet is None else grid(sheet)

    def write(self, table: Table, frame: Frame) -> None:
        """See `books.Book.write`. Nothing changes in Excel before the book is left."""
        sheet = self.sheet(table)
        if sheet is None:
            if flag(self.book.api, "ProtectStructure", "protect_structure"):
                raise Refused("structure_locked", path=self.name, sheet=table.sheet[self.lang])
        else:
            if flag(sheet.api, "ProtectContents", "protect_contents"):
                raise Refused("excel_protected", sheet=str(sheet.name))
            liveplan.plan(sheet, grid(sheet), table, frame)
        self._writes.append((table, frame))

    @property
    def tables(self) -> list[str]:
        """The keys of the tables that will be written."""
        return [table.key for table, _ in self._writes]

    def _commit(self) -> None:
        missing = [table for table, _ in self._writes if self.sheet(table) is None]
        if missing:
            self.add(missing)
        for table, frame in self._writes:
            sheet = self.sheet(table)
            if sheet is None:
                raise AssertionError(f"no sheet for {table.key}")
            livelist.apply(liveplan.plan(sheet, grid(sheet), table, frame))
        self._writes.clear()

    def add(self, tables: Sequence[Table]) -> None:
        """Copy the sheets of tables from the shipped workbooks, opened beside, to the end of this one."""
        active = self.book.sheets.active
        for path, wanted in groupby(tables, lambda table: self._template(self.lang, table)):
            with self._opened(path) as source:
                names = [str(sheet.name) for sheet in source.sheets]
                for name in dict.fromkeys(table.sheet[self.lang] for table in wanted):
                    source.sheets[names.index(name)].copy(after=self.book.sheets[-1])
        active.activate()

    @contextmanager
    def _opened(self, shipped: Path) -> Iterator[xw.Book]:
        """A shipped workbook, open for reading under a name no other open workbook has: Excel refuses a second one."""
        with tempfile.TemporaryDirectory(prefix="segmenter-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / f"{Path(folder).name}.xlsx"
            shutil.copyfile(shipped, path)
            source = self.book.app.books.open(str(path), update_links=False, read_only=True, add_to_mru=False)
            try:
                yield source
            finally:
                source.close()


def flag(native: Any, windows: str, mac: str) -> bool:
    """A yes or no that xlwings has no name for, from Excel's own object: by property on Windows, appscript on macOS."""
    return bool(getattr(native, mac).get() if sys.platform == "darwin" else getattr(native, windows))


def refuse_editing(app: xw.App) -> None:
    """Refuse to begin while Excel does not take commands: a cell is being edited, or a dialog is open."""
    try:
        ready = flag(app.api, "Ready", "ready")
    except Exception as error:
        if is_busy(error):
            raise Refused("excel_editing") from error
        raise
    if not ready:
        raise Refused("excel_editing")


def is_busy(error: BaseException) -> bool:
    """Whether Excel turned a call away because a cell is being edited; the error is pywin32's, known by its numbers."""
    numbers = [one for one in error.args if isinstance(one, int)]
    numbers += [n for one in error.args if isinstance(one, tuple) for n in one if isinstance(n, int)]
    return any(number in _BUSY for number in numbers)


@contextmanager
def quiet(app: xw.App) -> Iterator[None]:
    """Excel without redrawing, recalculating and events; everything as it was afterwards, whatever happens.

    Refused("excel_editing") while a cell is being edited. When that begins later, Windows waits until it ends.
    """
    refuse_editing(app)
    wanted = {"screen_updating": False, "calculation": "manual", "enable_events": False}
    before = {name: getattr(app, name) for name in wanted}
    with _patient():
        try:
            for name, value in wanted.items():
                setattr(app, name, value)
            yield
        finally:
            for name, value in {**before, "status_bar": False}.items():
                with suppress(Exception):  # one that cannot be set must not keep the others from being set
                    setattr(app, name, value)


@contextmanager
def _patient() -> Iterator[None]:
    """Calls that Excel turns away are tried until it takes them: nothing may stay half written."""
    if sys.platform != "win32":
        yield
        return
    from xlwings import _xlwindows

    before, _xlwindows.N_COM_ATTEMPTS = _xlwindows.N_COM_ATTEMPTS, 0
    try:
        yield
    finally:
        _xlwindows.N_COM_ATTEMPTS = before


def grid(sheet: xw.Sheet) -> Grid:
    """What stands on a sheet, from A1 to its last used cell."""
    last = sheet.used_range.last_cell
    area = sheet.range((1, 1), (last.row, last.column))
    values = area.options(ndim=2, err_to_str=True).value
    rows: list[list[Any]] = [[_plain(value) for value in row] for row in values]
    listed = livesheet.list_objects(sheet)
    cut, below = reading.cut(rows, listed)
    found = Grid(
        sheet=str(sheet.name),
        rows=cut,
        errors={(r, c): v for r, row in enumerate(cut) for c, v in enumerate(row) if v in _ERRORS},
        merged=tuple(_merged(area)),
        hidden_rows=frozenset(_hidden(sheet, 0, len(cut) - 1)),
        hidden=sheet.visible is not True,
        totals_row=reading.totals_row(rows, listed),
        below=below,
    )
    found.listed = bool(listed)
    found.standing = lambda: livesheet.InExcel(sheet, found)
    return found


def _plain(value: Any) -> Any:
    """A value of Excel's as a `Grid` holds it: a day without a time is a date, a time of day a fraction, money a
    number."""
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
        if value.year < 1900:
            return (value - _EPOCH).total_seconds() / _DAY
        return value.date() if value.time() == datetime.min.time() else value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return float(value)
    return None if value == "" else value


def _merged(area: xw.Range) -> Iterator[tuple[int, int, int, int]]:
    """The merged areas within a range, found by halving it while Excel says that it holds some."""
    seen = set()
    left = [area]
    while left:
        one = left.pop()
        if one.merge_cells is False:  # nothing is when it holds both kinds
            continue
        height, width = one.shape
        if height == width == 1:
            whole = one.merge_area
            last = whole.last_cell
            place = (whole.row - 1, whole.column - 1, last.row - 1, last.column - 1)
            if place not in seen:
                seen.add(place)
                yield place
        elif height >= width:
            left += [one[: height // 2, :], one[height // 2 :, :]]
        else:
            left += [one[:, : width // 2], one[:, width // 2 :]]


def _hidden(sheet: xw.Sheet, first: int, last: int) -> Iterator[int]:
    """The hidden rows among `first`..`last`, found by halving."""
    left = [(first, last)]
    while left:
        top, bottom = left.pop()
        if top > bottom:
            continue
        rows = sheet.range(f"{address(top, 0)}:{address(bottom, 0)}").api  # xlwings would ask row by row
        hidden = rows.entire_row.hidden.get() if sys.platform == "darwin" else rows.EntireRow.Hidden
        if hidden is True:
            yield from range(top, bottom + 1)
        elif hidden is not False:  # Excel has no answer for rows of both kinds
            middle = (top + bottom) // 2
            left += [(top, middle), (middle + 1, bottom)]
