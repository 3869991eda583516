"""An xlwings engine over openpyxl: the live code runs on a file that behaves as Excel does, as far as it uses Excel.

Texts are parsed anew unless a cell is formatted as text, numbers come back as float, a formula's result is 0.0
(nothing is calculated), sheet names, protection and a cell being edited are respected. What it lacks raises.
`calls` counts what goes over to Excel: an assignment of a range is one call, however large.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import openpyxl
import xlwings as xw
from openpyxl.cell.cell import MergedCell
from openpyxl.formula.tokenizer import Token, Tokenizer
from openpyxl.utils import column_index_from_string, get_column_letter, range_boundaries
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table as ListObject
from xlwings import base_classes

_NUMBER = re.compile(r"\s*[(]?[-+]?[¥$€￥]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?%?[)]?\s*", re.IGNORECASE)
_DATE = re.compile(r"\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})\s*|\s*(\d{4})年(\d{1,2})月(\d{1,2})日\s*")
_SHEET = re.compile(r"[^:\\/?*\[\]]{1,31}")


class ComError(Exception):
    """As pywin32 raises it: hresult, text, (code, source, description, help, context, scode), argument."""


def editing():
    return ComError(-2147352567, "Exception occurred.", (0, None, None, None, 0, -2146777998), None)


def refused(text):
    return ComError(-2147352567, "Exception occurred.", (0, "Microsoft Excel", text, None, 0, -2146827284), None)


class Engine:
    name = "openpyxl"
    type = "desktop"

    def __init__(self):
        self.apps = Apps(self)

    @staticmethod
    def prepare_xl_data_element(value, options):
        return "" if value is None else value

    @staticmethod
    def clean_value_data(data, dates, empty_as, numbers, err_to_str):
        def clean(value):
            if value in (None, ""):
                return empty_as
            if isinstance(value, datetime):
                return dates(*value.timetuple()[:6])
            if isinstance(value, str) and value.startswith("#") and not err_to_str:
                return None
            return numbers(value) if numbers and isinstance(value, float) else value

        return [[clean(value) for value in row] for row in data]


class Apps(base_classes.Apps):
    def __init__(self, engine):
        self.engine = engine
        self.items = []

    def add(self, **_):
        self.items.append(App(self.engine, len(self.items) + 1))
        return self.items[-1]

    def keys(self):
        return [app.pid for app in self.items]

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, pid):
        return next(app for app in self.items if app.pid == pid)


def setting(name, allowed=None):
    """A property of the application, whose every change is written down."""

    def get(self):
        return self.state[name]

    def put(self, value):
        self.change()
        if allowed and value not in allowed:
            raise refused(f"unable to set {name}")
        self.state[name] = value
        self.history.append((name, value))

    return property(get, put)


class App(base_classes.App):
    def __init__(self, engine, pid):
        self.engine = engine
        self._pid = pid
        self._books = Books(self)
        self.state = {
            "screen_updating": True,
            "calculation": "automatic",
            "enable_events": True,
            "status_bar": False,
            "display_alerts": True,
        }
        self.history = []
        self.alerts = []
        self.editing = False
        self.calls = Counter()
        self.answer = "ok"

    screen_updating = setting("screen_updating", (True, False))
    calculation = setting("calculation", ("automatic", "manual", "semiautomatic"))
    enable_events = setting("enable_events", (True, False))
    status_bar = setting("status_bar")
    display_alerts = setting("display_alerts", (True, False))

    def change(self):
        if self.editing:
            raise editing()

    @property
    def api(self):
        return self

    @property
    def Ready(self):  # noqa: N802
        return not self.editing

    @property
    def pid(self):
        return self._pid

    @property
    def books(self):
        return self._books

    @property
    def hwnd(self):
        return 1000 + self.pid

    @property
    def version(self):
        return "16.0"

    def activate(self, steal_focus=False):
        return None

    def calculate(self):
        self.change()

    def alert(self, prompt, title, buttons, mode, callback):
        self.alerts.append((title, prompt))
        return self.answer


class Books(base_classes.Books):
    def __init__(self, app):
        self.app = app
        self.items = []

    @property
    def active(self):
        if not self.items:
            raise refused("no workbook")
        return self.items[-1]

    def __call__(self, name):
        found = (
            [b for b in self.items if b.name.casefold() == name.casefold()]
            if isinstance(name, str)
            else self.items[name - 1 : name]
        )
        if not found:
            raise KeyError(name)
        return found[0]

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items)

    def __contains__(self, name):
        return any(book.name.casefold() == str(name).casefold() for book in self.items)

    def open(self, fullname, update_links=None, read_only=None, *_args, add_to_mru=None, **_):
        self.app.change()
        path = Path(fullname)
        if path.name in self:
            raise refused("a workbook of that name is already open")
        self.items.append(Book(self.app, path))
        return self.items[-1]


class Book(base_classes.Book):
    app = sheets = None  # plain attributes in place of the base's properties

    def __init__(self, app, path):
        self.app = app
        self.path = path
        self.file = openpyxl.load_workbook(path, keep_vba=path.suffix == ".xlsm")
        self.sheets = Sheets(self)

    @property
    def api(self):
        return self

    @property
    def ProtectStructure(self):  # noqa: N802
        return bool(self.file.security and self.file.security.lockStructure)

    @property
    def name(self):
        return self.path.name

    @property
    def fullname(self):
        return str(self.path)

    def activate(self):
        self.app.books.items.sort(key=lambda book: book is self)

    def close(self):
        self.app.change()
        self.app.books.items.remove(self)

    def save(self, path=None, password=None):
        self.file.save(path or self.path)


class Sheets(base_classes.Sheets):
    def __init__(self, book):
        self.book = book

    def _wrap(self, sheet):
        return Sheet(self.book, sheet)

    @property
    def active(self):
        return self._wrap(self.book.file.active)

    def __call__(self, name):
        if isinstance(name, str):
            found = [s for s in self.book.file.worksheets if s.title.casefold() == name.casefold()]
            if not found:
                raise KeyError(name)
            return self._wrap(found[0])
        return self._wrap(self.book.file.worksheets[name - 1])

    def __len__(self):
        return len(self.book.file.worksheets)

    def __iter__(self):
        return (self._wrap(sheet) for sheet in self.book.file.worksheets)

    def __contains__(self, name):
        return name.casefold() in (s.title.casefold() for s in self.book.file.worksheets)

    def add(self, before=None, after=None, name=None):
        self.book.app.change()
        return self.create(name or f"Sheet{len(self) + 1}", after)

    def create(self, name, after):
        if self.book.ProtectStructure:
            raise refused("workbook is protected")
        if not _SHEET.fullmatch(name) or name in self:
            raise refused("that sheet name cannot be used")
        at = self.book.file.worksheets.index(after.file) + 1 if after else len(self)
        return self._wrap(self.book.file.create_sheet(name, at))


class Sheet(base_classes.Sheet):
    book = None

    def __init__(self, book, file):
        self.book = book
        self.file = file

    @property
    def api(self):
        return self

    @property
    def ProtectContents(self):  # noqa: N802
        return bool(self.file.protection.sheet)

    @property
    def name(self):
        return self.file.title

    @name.setter
    def name(self, value):
        self.book.app.change()
        if not _SHEET.fullmatch(value):
            raise refused("that sheet name cannot be used")
        self.file.title = value

    @property
    def index(self):
        return self.book.file.worksheets.index(self.file) + 1

    @property
    def visible(self):
        return self.file.sheet_state == "visible"

    @property
    def tables(self):
        return Tables(self)

    @property
    def notes(self):
        cells = [cell for row in self.file.iter_rows() for cell in row if cell.comment]
        return [Note(Range(self, cell.row, cell.column, cell.row, cell.column)) for cell in cells]

    @property
    def comments(self):
        raise NotImplementedError("threaded comments")

    @property
    def used_range(self):
        return Range(self, 1, 1, self.file.max_row, self.file.max_column)

    def range(self, arg1, arg2=None):
        if isinstance(arg1, str):
            left, top, right, bottom = range_boundaries(arg1.replace("$", ""))
            return Range(self, top, left, bottom, right)
        if isinstance(arg1, tuple) and len(arg1) == 4:
            top, left, height, width = arg1
            return Range(self, top, left, top + height - 1, left + width - 1)
        if isinstance(arg1, tuple):
            last = arg2 if isinstance(arg2, tuple) else arg1
            return Range(self, *arg1, *last)
        if isinstance(arg1, Range) and isinstance(arg2, Range):
            return Range(self, arg1.top, arg1.left, arg2.bottom, arg2.right)
        raise NotImplementedError(arg1)

    @property
    def cells(self):
        return Range(self, 1, 1, 1048576, 16384)

    def activate(self):
        self.book.app.change()
        self.book.file.active = self.file

    def delete(self):
        self.book.app.change()
        if self.book.ProtectStructure:
            raise refused("workbook is protected")
        self.book.file.remove(self.file)

    def copy(self, before, after):
        self.book.app.change()
        if before is not None or after is None:
            raise NotImplementedError("copy before")
        target = after.book
        name, number = self.name, 2
        while name in target.sheets:
            name, number = f"{self.name} ({number})", number + 1
        made = target.sheets.create(name, after)
        for row in self.file.iter_rows():
            for cell in row:
                new = made.file.cell(cell.row, cell.column, cell.value)
                if cell.has_style:
                    for part in ("font", "fill", "border", "alignment", "number_format", "protection"):
                        setattr(new, part, copy.copy(getattr(cell, part)))
        for letter, one in self.file.column_dimensions.items():
            made.file.column_dimensions[letter].width = one.width
        known = {t for sheet in target.file.worksheets for t in sheet.tables}
        for one in self.file.tables.values():
            new = copy.deepcopy(one)
            while new.displayName in known:
                new.displayName += "1"
            new.name = new.displayName
            made.file.add_table(new)


class Note(base_classes.Note):
    location = None

    def __init__(self, location):
        self.location = location


class Tables(base_classes.Tables if hasattr(base_classes, "Tables") else object):
    def __init__(self, sheet):
        self.sheet = sheet

    def __iter__(self):
        return (Table(self.sheet, one) for one in self.sheet.file.tables.values())

    def __len__(self):
        return len(self.sheet.file.tables)

    def __call__(self, name):
        found = [t for t in self if t.name == name] if isinstance(name, str) else [*self][name - 1 : name]
        if not found:
            raise KeyError(name)
        return found[0]


class Table(base_classes.Table):
    def __init__(self, sheet, file: ListObject):
        self.sheet = sheet
        self.file = file

    @property
    def name(self):
        return self.file.displayName

    @property
    def range(self):
        left, top, right, bottom = range_boundaries(self.file.ref)
        return Range(self.sheet, top, left, bottom, right)

    @property
    def show_totals(self):
        return bool(self.file.totalsRowCount)

    @show_totals.setter
    def show_totals(self, value):
        """As Excel does: the row of totals goes, and comes back below the data, moving nothing else."""
        self.sheet.book.app.change()
        left, top, right, bottom = range_boundaries(self.file.ref)
        if self.show_totals and not value:
            self.sheet.totals = getattr(self.sheet, "totals", {})
            row = [self.sheet.file.cell(bottom, c) for c in range(left, right + 1)]
            self.file.kept = [cell.value for cell in row]
            for cell in row:
                cell.value = None
            self.file.totalsRowCount, bottom = None, bottom - 1
        elif value and not self.show_totals:
            self.file.totalsRowCount, bottom = 1, bottom + 1
            for c, kept in zip(range(left, right + 1), getattr(self.file, "kept", []), strict=False):
                self.sheet.file.cell(bottom, c).value = kept
        self._refer(top, left, bottom, right)

    def resize(self, area):
        self.sheet.book.app.change()
        if area.row != self.range.row or area.shape[0] < 2:
            raise refused("a table keeps its header row and one row below it")
        last = area.last_cell
        self._refer(area.row, area.column, last.row, last.column)

    def _refer(self, top, left, bottom, right):
        self.file.ref = f"{get_column_letter(left)}{top}:{get_column_letter(right)}{bottom}"
        if self.file.autoFilter:
            self.file.autoFilter.ref = self.file.ref


class Range(base_classes.Range):
    sheet = top = left = None

    def __init__(self, sheet, top, left, bottom, right):
        self.sheet = sheet
        self.top, self.left, self.bottom, self.right = top, left, bottom, right
        self.options = {}

    @property
    def api(self):
        return self

    @property
    def coords(self):
        return self.sheet.name, self.top, self.left, self.bottom - self.top + 1, self.right - self.left + 1

    @property
    def row(self):
        return self.top

    @property
    def column(self):
        return self.left

    @property
    def shape(self):
        return self.bottom - self.top + 1, self.right - self.left + 1

    def __len__(self):
        return self.shape[0] * self.shape[1]

    def __call__(self, arg1, arg2=None):
        if arg2 is None:
            down, across = divmod(arg1 - 1, self.shape[1])
            arg1, arg2 = down + 1, across + 1
        return Range(self.sheet, *[self.top + arg1 - 1, self.left + arg2 - 1] * 2)

    @property
    def max_cells_per_read(self):
        return None

    max_cells_per_write = max_cells_per_read

    def get_address(self, row_absolute, col_absolute, external):
        one = f"${get_column_letter(self.left)}${self.top}"
        other = f"${get_column_letter(self.right)}${self.bottom}"
        return one if one == other else f"{one}:{other}"

    @property
    def address(self):
        return self.get_address(True, True, False)

    def select(self):
        self.sheet.book.app.change()
        self.sheet.book.selected = (self.sheet.name, self.address.replace("$", ""))

    def _cells(self):
        return (cell for row in self._rows() for cell in row)

    def _rows(self):
        """The cells row by row; one that is not there yet has the look of its column, as in Excel."""
        file = self.sheet.file
        styles = {}
        for column in range(self.left, self.right + 1):
            for one in file.column_dimensions.values():
                if one.has_style and (one.min or 0) <= column <= (one.max or 0):
                    styles[column] = one._style
        for row in range(self.top, self.bottom + 1):
            for column, style in styles.items():
                if (row, column) not in file._cells:
                    file.cell(row, column)._style = copy.copy(style)
            yield tuple(file.cell(row, column) for column in range(self.left, self.right + 1))

    def _change(self):
        app = self.sheet.book.app
        app.change()
        app.calls["write"] += 1
        if self.sheet.ProtectContents and any(cell.protection.locked for cell in self._cells()):
            raise refused("the cell is on a protected sheet")

    @property
    def raw_value(self):
        self.sheet.book.app.calls["read"] += 1
        return [[_shown(cell) for cell in row] for row in self._rows()]

    @raw_value.setter
    def raw_value(self, value):
        self._change()
        for n, row in enumerate(self._rows()):
            for m, cell in enumerate(row):
                _put(cell, value[n][m] if isinstance(value, (list, tuple)) else value)

    @property
    def formula(self):
        """Formulas as text, constants as text too, as Excel's Range.Formula has them."""
        self.sheet.book.app.calls["read"] += 1
        rows = [[_formula(cell) for cell in row] for row in self._rows()]
        return rows[0][0] if self.shape == (1, 1) else tuple(map(tuple, rows))

    @formula.setter
    def formula(self, value):
        self.raw_value = value

    @property
    def number_format(self):
        self.sheet.book.app.calls["read"] += 1
        found = {cell.number_format for cell in self._cells()}
        return found.pop() if len(found) == 1 else None

    @number_format.setter
    def number_format(self, value):
        self._change()
        for cell in self._cells():
            cell.number_format = value

    @property
    def EntireRow(self):  # noqa: N802
        return self

    @property
    def Hidden(self):  # noqa: N802
        dims = self.sheet.file.row_dimensions
        found = {bool(n in dims and dims[n].hidden) for n in range(self.top, self.bottom + 1)}
        return found.pop() if len(found) == 1 else None

    def _merges(self):
        found = self.sheet.file.merged_cells.ranges
        return [
            m
            for m in found
            if m.min_row <= self.bottom and m.max_row >= self.top and m.min_col <= self.right and m.max_col >= self.left
        ]

    @property
    def merge_cells(self):
        found = self._merges()
        if not found:
            return False
        return (
            True
            if any(
                m.min_row <= self.top
                and m.max_row >= self.bottom
                and m.min_col <= self.left
                and m.max_col >= self.right
                for m in found
            )
            else None
        )

    @property
    def merge_area(self):
        one = self._merges()[0]
        return Range(self.sheet, one.min_row, one.min_col, one.max_row, one.max_col)

    def clear_contents(self):
        self._change()
        for cell in self._cells():
            cell.value = None

    def delete(self, shift=None):
        """Cells below move up, with their looks; an Excel table loses the rows, but never its last one."""
        if shift != "up":
            raise NotImplementedError(shift)
        self._shift(-self.shape[0])

    def insert(self, shift=None, copy_origin=None):
        """Cells move down; what comes in looks like what is above."""
        if shift != "down":
            raise NotImplementedError(shift)
        self._shift(self.shape[0])

    @property
    def has_array(self):
        return any(isinstance(cell.value, ArrayFormula) for cell in self._cells())

    def _went(self, count):
        """Where a row goes; None when it is deleted."""

        def went(row):
            if count < 0 and self.top <= row <= self.bottom:
                return None
            return row + count if row >= self.top else row

        return went

    def _shift(self, count):
        """The cells from this range on down move by `count` rows."""
        self._change()
        file, went = self.sheet.file, self._went(count)
        self._refuse_torn()
        for one in file.tables.values():
            left, top, right, bottom = range_boundaries(one.ref)
            if self.left <= right and self.right >= left and bottom >= self.top:
                inside = top < self.top
                last = max(bottom + count, top + 1) if inside or count > 0 else bottom + count
                Table(self.sheet, one)._refer(top if inside else top + count, left, last, right)
        columns = range(self.left, self.right + 1)
        old = {
            place: file._cells.pop(place) for place in [*file._cells] if place[0] >= self.top and place[1] in columns
        }
        if count > 0 and self.top > 1:
            for row in range(self.top, self.top + count):
                for column in columns:
                    file.cell(row, column)._style = copy.copy(file.cell(self.top - 1, column)._style)
        for (row, column), cell in old.items():
            if (new := went(row)) is not None:
                cell.row = new
                file._cells[new, column] = cell
        for one in self._merged_below():
            one.shift(0, count)
        for sheet in self.sheet.book.file.worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f" and isinstance(cell.value, str):
                        cell.value = self._referring(cell.value, went, sheet is file)

    def _merged_below(self):
        return [one for one in self.sheet.file.merged_cells.ranges if self._meets(*one.bounds)]

    def _meets(self, left, top, right, bottom):
        return bottom >= self.top and left <= self.right and right >= self.left

    def _refuse_torn(self):
        """As Excel does when only some of the cells of a table, or of merged ones, would move."""
        for one in self.sheet.file.tables.values():
            left, _, right, _ = bounds = range_boundaries(one.ref)
            if self._meets(*bounds) and not (self.left <= left and right <= self.right):
                raise refused("the operation would shift cells in a table")
        if any(one.min_col < self.left or one.max_col > self.right for one in self._merged_below()):
            raise refused("we can't do that to a merged cell")

    def _referring(self, formula, went, here):
        """A formula whose references go with the cells, as Excel lets all formulas of a workbook."""
        tokens = Tokenizer(formula)
        for token in tokens.items:
            sheet, _, cells = token.value.rpartition("!")
            if token.subtype != Token.RANGE or (sheet.strip("'") != self.sheet.name if sheet else not here):
                continue
            ends = [re.fullmatch(r"(\$?[A-Z]{1,3}\$?)([0-9]+)", end) for end in cells.split(":")]
            if not all(ends) or not all(
                self.left <= column_index_from_string(end[1].strip("$")) <= self.right for end in ends
            ):
                continue
            rows = [row for row in range(int(ends[0][2]), int(ends[-1][2]) + 1) if went(row) is not None]
            new = [f"{end[1]}{went(row)}" for end, row in zip(ends, (rows[0], rows[-1]), strict=False)] if rows else []
            token.value = token.value.removesuffix(cells) + (":".join(new) or "#REF!")
        return tokens.render()


def _shown(cell):
    if cell.data_type == "f":
        return 0.0
    value = cell.value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _formula(cell):
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return repr(float(value)).removesuffix(".0")
    if isinstance(value, datetime):
        return repr(float((value - datetime(1899, 12, 30)).total_seconds() / 86400)).removesuffix(".0")
    return str(value)


def _put(cell, value):
    """What Excel makes of a value that is assigned to a cell; those under a merged one take nothing."""
    if isinstance(cell, MergedCell):
        return
    cell.quotePrefix = False
    if value in (None, ""):
        cell.value = None
        return
    if isinstance(value, str):
        if len(value) > 32767:
            raise refused("too long for a cell")
        if value.startswith("'"):
            cell.value, cell.data_type = value[1:], "s"
            return
        if cell.number_format != "@":
            value = _parsed(cell, value)
        cell.value = value
        if isinstance(value, str) and not (value.startswith("=") and cell.number_format != "@"):
            cell.data_type = (
                "e" if value.startswith("#") and cell.number_format != "@" and value in ("#N/A", "#REF!") else "s"
            )
        return
    if cell.number_format == "@":
        cell.value = repr(float(value)).removesuffix(".0") if isinstance(value, (int, float)) else str(value)
        cell.data_type = "s"
        return
    if isinstance(value, datetime):
        wanted = cell.number_format if cell.is_date or cell.number_format != "General" else "m/d/yyyy"
        cell.value = value
        cell.number_format = wanted
        return
    if not isinstance(value, (bool, int, float)):
        raise NotImplementedError(type(value))
    cell.value = value if isinstance(value, bool) else float(value)


def _parsed(cell, text):
    if text.strip().upper() in ("TRUE", "FALSE"):
        return text.strip().upper() == "TRUE"
    if _NUMBER.fullmatch(text):
        digits = re.sub(r"[^0-9.eE+-]", "", text.replace("(", "-"))
        return float(digits) / (100 if "%" in text else 1)
    found = _DATE.fullmatch(text)
    if found:
        numbers = [int(one) for one in found.groups() if one]
        if cell.number_format == "General":
            cell.number_format = "yyyy/m/d"
        return datetime(*numbers)
    if text[0] in "+-@" and len(text) > 1:
        return "=" + text
    return text


def start() -> xw.App:
    """A running "Excel" without a workbook, the active engine's only one."""
    engine = Engine()
    xw.engines.add(xw.main.Engine(impl=engine))
    xw.engines[engine.name].activate()
    return xw.App(impl=engine.apps.add())


def stop() -> None:
    """No Excel any more."""
    xw.engines.engines[:] = [one for one in xw.engines.engines if one.name != Engine.name]
    xw.engines.engines_by_name.pop(Engine.name, None)
    xw.engines.active = None
