"""Reading a long sheet column by column: the places of all tags of some thousand rows at once, as arrays.

A stretch of whole rows is looked through for `<`. Rows whose tags are those of a first row (all but the digits of
addresses and the values themselves, byte for byte) give their values by arithmetic on arrays; any other row goes to
the patient reader of `sheetxml`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter.books import cells, numerals
from segmenter.books.layouts import PAD, TRUE, Layout, Value
from segmenter.books.numerals import Ints, NoValue
from segmenter.books.refs import MAX_ROWS
from segmenter.books.rowxml import FORMULA, IDLE, Cell, attributes_of
from segmenter.books.scanned import Column, Held
from segmenter.books.sheetxml import Sheet
from segmenter.cells import address, letter
from segmenter.errors import Refused

_GROUPS: Final = 24
"""kinds of rows in a stretch beyond which the rest is read row by row"""
_REMEMBERED: Final = 5_000
"""distinct texts of a column beyond which they are decoded one by one"""
NOTHING: Final[Mapping[int, int]] = MappingProxyType({})


class Scan:
    """Takes the rows of a sheet stretch by stretch (`feed`) and gives its columns (`columns`); with `only` the values
    of some of them. `formatted`: the shared strings that are more than their text, by place. `keep`: columns of which
    the cells are kept as they are written, but for empty ones in the style that is told, where that is one."""

    def __init__(
        self,
        prefix: str,
        name: str,
        strings: Sequence[str],
        shows_days: Callable[[int], bool],
        date1904: bool,
        only: Collection[int] | None = None,
        formatted: Collection[int] = (),
        keep: Mapping[int, int] = NOTHING,
    ) -> None:
        self.errors: dict[tuple[int, int], str] = {}
        self.uncached: set[tuple[int, int]] = set()
        self.hidden_rows: set[int] = set()
        self.formulas = False
        self.row_tags: set[bytes] = set()
        """the start tags of the rows, their numbers made 1, what says nothing left out; not of those that were read one
        by one"""
        self.kinds: set[tuple[int, bytes | None, int]] = set()
        """of their cells: see `Layout.kinds`"""
        self.everywhere: Collection[int] | None = None
        """the columns in which each of these rows has a cell, be it an empty one; None before the first row"""
        self.formatted = False
        """whether a cell that is not kept holds a string that is more than its text; not of those that were read one
        by one"""
        self.kept: dict[int, dict[int, bytes]] = {column: {} for column in keep}
        """by column and row: what follows the row number in the cells that are kept; nothing where there is no cell"""
        self.rows = 0
        self.height = 0
        self.slow = 0
        """rows that were read one by one"""
        self.unnumbered = False
        """whether a row does not say its number, which only those before it tell: nothing here is right then"""
        self._prefix = prefix.encode()
        self._row = re.compile(b"<" + re.escape(self._prefix) + b"row[ >]")
        self._name = name
        self._strings = strings
        self._shows_days = shows_days
        self._date1904 = date1904
        self._only = only
        self._formatted = [*formatted]
        self._keep = keep
        self._returns = False
        self._like: Layout | None = None
        """of the last row for which it was asked whether all others are like it"""
        self._texts: dict[int, Texts] = defaultdict(Texts)
        self._columns: dict[int, Column] = defaultdict(lambda: Column(self._said, date1904))

    def _said(self, codes: NDArray[np.int32]) -> NDArray[Any]:
        """Shared strings by their places; None for an empty one."""
        if len(codes) < _REMEMBERED:
            return np.array([self._strings[code] or None for code in codes.tolist()], dtype=object)
        return self._table[codes]

    @cached_property
    def _table(self) -> NDArray[Any]:
        return np.array([one or None for one in self._strings], dtype=object)

    def columns(self) -> dict[int, Held]:
        """Each column that has any value, `height` long."""
        return {number: one.held(self.height) for number, one in sorted(self._columns.items())}

    def feed(self, piece: bytes) -> None:
        """Take some whole rows."""
        self._returns = b"\r" in piece
        tags = np.flatnonzero(np.frombuffer(piece, np.uint8) == ord("<"))
        padded = piece + bytes(PAD)
        if not len(tags) or self._all_alike(padded, tags):
            return
        starts = np.array([one.start() for one in self._row.finditer(piece)], dtype=np.int64)
        first = np.searchsorted(tags, starts)
        if not len(first) or first[0] != 0:
            self._patient(piece)
            return
        counts = np.diff(np.append(first, len(tags)))
        ends = np.append(starts[1:], len(piece))
        for count in np.unique(counts).tolist():
            rows = np.flatnonzero(counts == count)
            places = tags[first[rows][:, None] + np.arange(count)]
            self._alike(padded, places, ends[rows])

    def _all_alike(self, piece: bytes, tags: Ints) -> bool:
        """Read rows that are all like the first, if they are: then their tags need not be told apart."""
        second = self._row.search(piece, tags[0] + 1)
        row = piece[tags[0] : second.start() if second else None]
        count = row.count(b"<")
        if len(tags) % count:
            return False
        places, layout = tags.reshape(-1, count), self._like
        if layout is None or layout.tags != count or not layout.fits(piece, places).all():
            layout = self._like = Layout.of(row, self._prefix)  # most often they are like those before them
            if layout is None or not layout.fits(piece, places).all():
                return False
        self._take(piece, places, layout)
        return True

    def _alike(self, piece: bytes, places: Ints, ends: Ints) -> None:
        """Read rows with equally many tags: kind by kind, what is left one by one."""
        for _ in range(_GROUPS):
            if not len(places):
                return
            layout = Layout.of(piece[places[0, 0] : ends[0]], self._prefix)
            if layout is None or not (fits := layout.fits(piece, places))[0]:
                self._patient(piece[places[0, 0] : ends[0]])
                places, ends = places[1:], ends[1:]
                continue
            self._take(piece, places[fits], layout)
            places, ends = places[~fits], ends[~fits]
        for start, end in zip(places[:, 0].tolist(), ends.tolist(), strict=True):
            self._patient(piece[start:end])

    def _take(self, piece: bytes, places: Ints, layout: Layout) -> None:
        """Take the values of rows that have this layout."""
        start = places[:, 0] + layout.regions[0].numbers[0]
        rows = numerals.whole(piece, start, start + layout.width) - 1
        for row in (int(rows.min()), int(rows.max())):
            if not 0 <= row < MAX_ROWS:
                raise Refused("rows_disorder", sheet=self._name, row=row + 1)
        self.height = max(self.height, int(rows.max()) + 1)
        self.formulas |= layout.formulas
        self.row_tags.add(IDLE.sub(b"", layout.tag))
        self.kinds.update(layout.kinds)
        here = {column for column, _, _ in layout.kinds}
        self.everywhere = here if self.everywhere is None else here.intersection(self.everywhere)
        self.rows += len(rows)
        if layout.hidden:
            self.hidden_rows.update(rows.tolist())
        for (column, kind, style), cells_at in zip(layout.kinds, layout.ranges, strict=True):
            if column in self._keep and (kind is not None or style == 0 or style != self._keep[column]):
                self._keep_cells(piece, places[:, cells_at], rows, (column, layout.width))
        for column in self._keep.keys() - here:
            if self._keep[column]:
                self.kept[column] |= dict.fromkeys(rows.tolist(), b"")
        for value in layout.values:
            try:
                if self._formatted and value.kind == b"s" and value.column not in self._keep:
                    self.formatted |= bool(np.isin(self._codes(piece, places, value), self._formatted).any())
                if self._only is None or value.column in self._only:
                    self._take_column(piece, places, value, rows)
            except NoValue as error:
                where = address(int(rows[error.place]), value.column)
                raise Refused("cell_damaged", sheet=self._name, cell=where) from error

    def _keep_cells(self, piece: bytes, places: Ints, rows: Ints, where: tuple[int, int]) -> None:
        """Keep cells that begin and end at these places; `where`: their column, and how many digits their row has."""
        column, width = where
        head = b'<%sc r="%s' % (self._prefix, letter(column).encode())
        for row, (low, high) in zip(rows.tolist(), places.tolist(), strict=True):
            raw = piece[low:high]
            if raw.startswith(head):
                self.kept[column][row] = raw[len(head) + width :]
            else:
                self.slow += 1  # nobody who keeps cells reads on then

    def _take_column(self, piece: bytes, places: Ints, value: Value, rows: Ints) -> None:
        low, high = places[:, value.token] + value.skip, places[:, value.token + 1]
        column = self._columns[value.column]
        if value.kind == b"s":
            column.add_codes(rows, self._codes(piece, places, value))
        elif value.kind == b"b":
            pairs = zip(low.tolist(), high.tolist(), strict=True)
            column.add_objects(rows, [piece[a:b].strip() in TRUE for a, b in pairs])
        elif value.kind == b"n":
            column.add_numbers(rows, numerals.numbers(piece, low, high), self._shows_days(value.style))
        else:
            column.add_objects(rows, self._texts[value.column].many(piece, low, high, self._returns))

    def _codes(self, piece: bytes, places: Ints, value: Value) -> Ints:
        """The places of shared strings."""
        low, high = places[:, value.token] + value.skip, places[:, value.token + 1]
        return numerals.codes(piece, low, high, len(self._strings))

    def _patient(self, rows: bytes) -> None:
        """Read rows as `sheetxml` does."""
        p = self._prefix
        space = b' xmlns:%s="x"' % p[:-1] if p else b""
        data = b"<%sworksheet%s><%ssheetData>%s</%ssheetData></%sworksheet>" % (p, space, p, rows, p, p)
        sheet = Sheet(data, "sheetData", self._name, self._strings, checked=True)
        said = {number: attributes_of(row.attributes) for number, row in sheet.rows.items()}
        self.slow += len(said)
        if not all(b"r" in one for one in said.values()):
            self.unnumbered = True
            return
        for row in sheet.rows.values():
            self.rows += 1
            self.height = max(self.height, row.number + 1)
            if said[row.number].get(b"hidden") in TRUE:
                self.hidden_rows.add(row.number)
            for cell in row.cells.values():
                self.kinds.add((cell.column, None if cell.blank else cell.kind, cell.style))
                self.formulas |= FORMULA.search(cell.inner) is not None
                if self._only is None or cell.column in self._only:
                    self._take_cell(cell, sheet.value_of(cell))

    def _take_cell(self, cell: Cell, value: cells.Plain) -> None:
        where = np.array([cell.row])
        if isinstance(value, cells.Mark):
            self.errors[cell.row, cell.column] = str(value)
        elif value is None:
            if cell.formula is not None and cell.kind != b"str":
                self.uncached.add((cell.row, cell.column))
        elif isinstance(value, float):
            self._columns[cell.column].add_numbers(where, np.array([value]), self._shows_days(cell.style))
        else:
            self._columns[cell.column].add_objects(where, [value])


class Texts:
    """Decodes the texts of one column, remembering them as long as few are new."""

    def __init__(self) -> None:
        self._known: dict[bytes, str | None] = {}

    def many(self, piece: bytes, low: Ints, high: Ints, returns: bool) -> list[str | None]:
        """The texts at `low`..`high` of a stretch, NoValue where there is none; `returns`: there may be carriage
        returns among them."""
        raws = [piece[a:b] for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        try:
            if len(self._known) < _REMEMBERED:
                new = [*set(raws).difference(self._known)]
                self._known.update(zip(new, _texts(new, returns), strict=True))
                return [self._known[raw] for raw in raws]
            return _texts(raws, returns)
        except ValueError as error:
            raise NoValue(next(place for place, raw in enumerate(raws) if not _is_text(raw))) from error


def _texts(raws: Sequence[bytes], returns: bool) -> list[str | None]:
    """Texts as cells hold them, ValueError where one is none; `returns`: there may be carriage returns among them."""
    if returns:
        raws = [raw.replace(b"\r\n", b"\n") for raw in raws]
    texts = cells.plain_texts(raws)
    if len(texts) != len(raws):
        raise ValueError(len(texts))
    return [text or None for text in texts]


def _is_text(raw: bytes) -> bool:
    try:
        return len(cells.plain_texts([raw])) == 1
    except ValueError:
        return False
