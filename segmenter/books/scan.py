"""Reading a long sheet column by column: the places of all tags of some thousand rows at once, as arrays.

A stretch of whole rows is looked through for `<`. Rows whose tags are those of a first row (all but the digits of
addresses and the values themselves, byte for byte) give their values by arithmetic on arrays; any other row goes to
the patient reader of `sheetxml`. Nothing is taken for granted: a tag that differs in one byte makes a row "other".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter.books import cells, rowxml
from segmenter.books.refs import MAX_ROWS
from segmenter.books.scanned import Column, Held
from segmenter.books.sheetxml import Sheet
from segmenter.cells import address, position
from segmenter.errors import Refused

_PAD: Final = 1 << 12
"""bytes behind a stretch that may be looked at: tags without a text between them are no longer than that"""
_GROUPS: Final = 24
"""kinds of rows in a stretch beyond which the rest is read row by row"""
_REMEMBERED: Final = 5_000
"""distinct texts of a column beyond which they are decoded one by one"""
_DIGITS: Final = 8
"""digits of a number, with its point, that are looked at together"""
_SCALE: Final = np.ones(19)
"""by what a number is divided: with a point in byte n (2**8n leaves 9**n % 19), and without one"""
_SCALE[[pow(9, n, 19) for n in range(_DIGITS)]] = [10.0 ** (_DIGITS - 1 - n) for n in range(_DIGITS)]
_TAG: Final = re.compile(rb"<[^<>]*>")
_ROW_NUMBER: Final = re.compile(rb'\sr="(\d+)"')
_ADDRESS: Final = re.compile(rb'\sr="([A-Z]{1,3})(\d+)"')
_KIND: Final = re.compile(rb'\st="(\w+)"')
_STYLE: Final = re.compile(rb'\ss="(\d{1,9})"')
_HIDDEN: Final = re.compile(rb'\shidden="(?:1|true)"')

Ints = NDArray[np.int64]


class NoNumber(ValueError):
    """A text that is not the number it should be: `place` among those that were looked at."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class Value(NamedTuple):
    """One cell of a layout that holds something: where its text begins, and what it is."""

    token: int
    skip: int
    column: int
    kind: bytes
    style: int


class Region:
    """Tags without a text between them, as they have to stand behind each other."""

    def __init__(self, token: int) -> None:
        self.token = token
        """the first of them"""
        self.tags = b""
        self.digits: list[int] = []
        """offsets of the row number in addresses, which differs from row to row"""
        self.text = 0
        """how many bytes of text follow at least"""


class Layout:
    """What the rows of one kind look like: tag by tag."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        """the tags between two texts, behind each other"""
        self.width = 0
        """digits of the row number"""
        self.values: list[Value] = []
        self.hidden = False
        self.formulas = False
        self.tag = b""
        """the row's start tag, its number made 1"""
        self.kinds: list[tuple[int, bytes | None, int]] = []
        """(column, `t` or None for an empty cell, style) of each cell"""


def _layout(row: bytes, prefix: bytes) -> Layout | None:
    """The layout of a row, None when it has anything that is not read at once."""
    layout = Layout()
    texts = {b"<" + prefix + name for name in (b"v", b"t", b"f")}
    cell: tuple[int, bytes, int] | None = None
    formula = False
    region = Region(0)
    for token, found in enumerate(_TAG.finditer(row)):
        tag = found[0]
        name = re.split(rb"[\s/>]", tag[1:], maxsplit=1)[0]
        free: tuple[int, int] | None = None
        if token == 0 or name == prefix + b"c":
            number = (_ROW_NUMBER if token == 0 else _ADDRESS).search(tag)
            if number is None:
                return None
            free = number.span(number.lastindex or 1)
            layout.width = layout.width or free[1] - free[0]
            if free[1] - free[0] != layout.width:
                return None
        if token == 0 and free:
            layout.hidden = _HIDDEN.search(tag) is not None
            layout.tag = tag[: free[0]] + b"1" + tag[free[1] :]
        elif name == prefix + b"c":
            kind, style = _KIND.search(tag), _STYLE.search(tag)
            column = position(_ADDRESS.search(tag)[1].decode() + "1")[1]  # type: ignore[index]
            cell = (column, kind[1] if kind else b"n", int(style[1]) if style else 0)
            layout.kinds.append((column, None if tag.endswith(b"/>") else cell[1], cell[2]))
            formula = False
        elif name == prefix + b"f":
            formula = layout.formulas = True
        elif name == prefix + (b"t" if cell and cell[1] == b"inlineStr" else b"v"):
            if cell is None or cell[1] not in (b"n", b"s", b"str", b"inlineStr", b"b") or (formula and cell[1] != b"n"):
                return None
            if formula and tag.endswith(b"/>"):
                return None  # a formula without a result
            layout.values.append(Value(token, len(tag), *cell))
        elif not tag.startswith(b"</") and name != prefix + b"is":
            return None
        elif formula and tag == b"</" + prefix + b"c>":
            return None  # a formula without a result
        opens = tag.rstrip(b">").split(b" ")[0] in texts and not tag.endswith(b"/>")
        if free:
            region.digits.append(len(region.tags) + free[0])
        region.tags += tag
        if opens:
            region.text = int(formula)
            layout.regions.append(region)
            region = Region(token + 1)
        if name == prefix + b"v":
            formula = False
    layout.regions.append(region)
    columns = [value.column for value in layout.values]
    short = layout.width <= _DIGITS and all(len(one.tags) <= _PAD - 8 for one in layout.regions)
    return layout if short and len(set(columns)) == len(columns) else None


class Scan:
    """Takes the rows of a sheet stretch by stretch (`feed`) and gives its columns (`columns`)."""

    def __init__(
        self, prefix: str, name: str, strings: Sequence[str], shows_days: Callable[[int], bool], date1904: bool
    ) -> None:
        self.errors: dict[tuple[int, int], str] = {}
        self.uncached: set[tuple[int, int]] = set()
        self.hidden_rows: set[int] = set()
        self.formulas = False
        self.row_tags: set[bytes] = set()
        """the start tags of the rows, their numbers made 1; not of those that were read one by one"""
        self.kinds: set[tuple[int, bytes | None, int]] = set()
        """(column, `t` or None for an empty cell, style) of their cells"""
        self.rows = 0
        self.height = 0
        self.slow = 0
        """rows that were read one by one"""
        self._prefix = prefix.encode()
        self._name = name
        self._strings = strings
        self._shows_days = shows_days
        self._date1904 = date1904
        self._returns = False
        self._like: tuple[int, Layout | None] = (0, None)
        """of the last row for which it was asked whether all others are like it: tags, layout"""
        self._texts: dict[int, Texts] = defaultdict(Texts)
        self._columns: dict[int, Column] = defaultdict(lambda: Column(self._said, date1904))

    def _said(self, codes: NDArray[np.int32]) -> NDArray[Any]:
        """Shared strings by their places; None for an empty one."""
        if len(codes) < _REMEMBERED:
            return np.array([*(self._strings[code] or None for code in codes.tolist()), None], dtype=object)[:-1]
        return self._table[codes]

    @cached_property
    def _table(self) -> NDArray[Any]:
        return np.array([*(one or None for one in self._strings), None], dtype=object)

    def columns(self) -> dict[int, Held]:
        """Each column that has any value, `height` long."""
        return {number: one.held(self.height) for number, one in sorted(self._columns.items())}

    def feed(self, piece: bytes) -> None:
        """Take some whole rows."""
        self._returns = b"\r" in piece
        padded = piece + bytes(_PAD)
        raw = np.frombuffer(padded, np.uint8)
        tags = np.flatnonzero(raw[: len(piece)] == ord("<"))
        if not len(tags):
            return
        row_tag = b"<" + self._prefix + b"row"
        if len(row_tag) > 7:
            self._patient(piece)
            return
        if self._all_alike(padded, tags, row_tag):
            return
        words = np.ndarray((len(padded) - 7,), "<u8", padded, 0, (1,))
        after = raw[tags + len(row_tag)]
        is_row = words[tags] & np.uint64((1 << 8 * len(row_tag)) - 1) == int.from_bytes(row_tag, "little")
        starts = np.flatnonzero(is_row & ((after == ord(" ")) | (after == ord(">"))))
        if not len(starts) or starts[0] != 0:
            self._patient(piece)
            return
        counts = np.diff(np.append(starts, len(tags)))
        ends = np.append(tags[starts[1:]], len(piece))
        for count in np.unique(counts).tolist():
            rows = np.flatnonzero(counts == count)
            places = tags[starts[rows][:, None] + np.arange(count)]
            self._alike(padded, places, ends[rows])

    def _all_alike(self, piece: bytes, tags: Ints, row_tag: bytes) -> bool:
        """Read rows that are all like the first, if they are: then their tags need not be told apart."""
        second = piece.find(row_tag, 1)
        count = int(np.searchsorted(tags, second)) if second > 0 else len(tags)
        if tags[0] != 0 or len(tags) % count:
            return False
        places = tags.reshape(-1, count)
        layout = self._like[1] if self._like[0] == count else None
        if layout is None or not _fits(layout, piece, places).all():  # most often they are like those before them
            before, layout = layout, _layout(piece[: second if second > 0 else None].rstrip(b"\0"), self._prefix)
            self._like = count, layout
            if layout is None or layout == before or not _fits(layout, piece, places).all():
                return False
        self._take(piece, places, layout)
        return True

    def _alike(self, piece: bytes, places: Ints, ends: Ints) -> None:
        """Read rows with equally many tags: kind by kind, what is left one by one."""
        for _ in range(_GROUPS):
            if not len(places):
                return
            layout = _layout(piece[places[0, 0] : ends[0]], self._prefix)
            fits = None if layout is None else _fits(layout, piece, places)
            if layout is None or fits is None or not fits[0]:
                self._patient(piece[places[0, 0] : ends[0]])
                places, ends = places[1:], ends[1:]
                continue
            self._take(piece, places[fits], layout)
            places, ends = places[~fits], ends[~fits]
        for start, end in zip(places[:, 0].tolist(), ends.tolist(), strict=True):
            self._patient(piece[start:end])

    def _take(self, piece: bytes, places: Ints, layout: Layout) -> None:
        """Take the values of rows that have this layout."""
        start = places[:, 0] + layout.regions[0].digits[0]
        rows = _integers(piece, start, start + layout.width) - 1
        for row in (int(rows.min()), int(rows.max())):
            if not 0 <= row < MAX_ROWS:
                raise Refused("rows_disorder", sheet=self._name, row=row + 1)
        self.height = max(self.height, int(rows.max()) + 1)
        self.formulas |= layout.formulas
        self.row_tags.add(layout.tag)
        self.kinds.update(layout.kinds)
        self.rows += len(rows)
        if layout.hidden:
            self.hidden_rows.update(rows.tolist())
        for value in layout.values:
            try:
                self._take_column(piece, places, value, rows)
            except NoNumber as error:
                where = address(int(rows[error.place]), value.column)
                raise Refused("cell_damaged", sheet=self._name, cell=where) from error

    def _take_column(self, piece: bytes, places: Ints, value: Value, rows: Ints) -> None:
        low, high = places[:, value.token] + value.skip, places[:, value.token + 1]
        column = self._columns[value.column]
        if value.kind == b"s":
            column.add_codes(rows, _codes(piece, low, high, len(self._strings)))
        elif value.kind == b"b":
            pairs = zip(low.tolist(), high.tolist(), strict=True)
            column.add_objects(rows, [piece[a:b].strip() in (b"1", b"true") for a, b in pairs])
        elif value.kind == b"n":
            column.add_numbers(rows, _numbers(piece, low, high), self._shows_days(value.style))
        else:
            column.add_objects(rows, self._texts[value.column].many(piece, low, high, self._returns))

    def _patient(self, rows: bytes) -> None:
        """Read rows as `sheetxml` does."""
        p = self._prefix
        space = b' xmlns:%s="x"' % p[:-1] if p else b""
        data = b"<%sworksheet%s><%ssheetData>%s</%ssheetData></%sworksheet>" % (p, space, p, rows, p, p)
        sheet = Sheet(data, "sheetData", self._name, self._strings, checked=True)
        for row in sheet.rows.values():
            self.slow += 1
            self.rows += 1
            self.height = max(self.height, row.number + 1)
            if _HIDDEN.search(row.attributes):
                self.hidden_rows.add(row.number)
            for cell in row.cells.values():
                self.kinds.add((cell.column, None if cell.blank else cell.kind, cell.style))
                value = sheet.value_of(cell)
                self.formulas |= cell.formula is not None
                where = np.array([row.number])
                if isinstance(value, cells.Mark):
                    self.errors[row.number, cell.column] = str(value)
                elif value is None:
                    if cell.formula is not None and cell.kind != b"str":
                        self.uncached.add((row.number, cell.column))
                elif isinstance(value, float):
                    shows = self._shows_days(cell.style)
                    self._columns[cell.column].add_numbers(where, np.array([value]), shows)
                else:
                    self._columns[cell.column].add_objects(where, [value])


def _fits(layout: Layout, piece: bytes, places: Ints) -> NDArray[np.bool_]:
    """Which rows have the layout, byte for byte. Where the tags between two texts are as they should be, so are the
    places of the tags after them."""
    good = np.ones(len(places), dtype=bool)
    number: NDArray[np.uint8] | None = None
    for region in layout.regions:
        width = -(-len(region.tags) // 8) * 8
        spans = np.ndarray((len(piece) - width + 1,), f"V{width}", piece, 0, (1,))
        found = spans[places[:, region.token]].view(np.uint8).reshape(len(places), width)
        wanted = np.zeros(width, np.uint8)
        wanted[: len(region.tags)] = np.frombuffer(region.tags, np.uint8)
        counts = np.zeros(width, np.uint8)
        counts[: len(region.tags)] = 255
        for offset in region.digits:
            digits = found[:, offset : offset + layout.width]
            wanted[offset : offset + layout.width] = 0
            if number is None:
                number = digits.copy()
            digits ^= number
        differs = found.view("<u8")
        differs ^= wanted.view("<u8")
        differs &= counts.view("<u8")
        if differs.any():
            good &= ~differs.any(axis=1)
        if region.text:
            good &= places[:, region.token + region.tags.count(b"<")] - places[:, region.token] > len(region.tags)
    return good


def _digits(piece: bytes, low: Ints, length: Ints) -> NDArray[np.uint64]:
    """Texts of up to eight bytes as words of eight, the last byte the highest, zeros in front: of a digit its value, of
    a point 30. All bytes are 255 where a text is longer."""
    words: NDArray[np.uint64] = np.ndarray((len(piece) - 7,), "<u8", piece, 0, (1,))[low]
    room = (8 * (8 - np.minimum(length, 8))).astype(np.uint64)
    words ^= _each(ord("0"))
    words <<= room
    words[length > _DIGITS] = _each(255)
    return words


def _value(digits: NDArray[np.uint64]) -> tuple[Ints, NDArray[np.bool_]]:
    """The numbers eight digits make, the highest first (in the lowest byte); and whether they are digits."""
    good = (digits | (digits + _each(118))) & _each(128) == 0
    pairs = (digits * np.uint64(10 << 8 | 1)) >> np.uint64(8) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100 << 16 | 1)) >> np.uint64(16) & np.uint64(0x0000FFFF0000FFFF)
    return ((fours * np.uint64(10_000 << 32 | 1)) >> np.uint64(32)).astype(np.int64), good


def _each(byte: int) -> np.uint64:
    """Eight times the same byte."""
    return np.uint64(byte * 0x0101010101010101)


def _integers(piece: bytes, low: Ints, high: Ints) -> Ints:
    """Whole numbers without sign from their digits, up to eight; -1 for anything else."""
    found, good = _value(_digits(piece, low, high - low))
    found[~good] = -1
    return found


def _codes(piece: bytes, low: Ints, high: Ints, count: int) -> Ints:
    """Places among `count` shared strings; NoNumber where one is none of them."""
    found = _integers(piece, low, high)
    for place in np.flatnonzero((found < 0) | (high == low)).tolist():
        found[place] = min(rowxml.whole(piece[low[place] : high[place]], count), count)
    for place in np.flatnonzero(found >= count)[:1].tolist():
        raise NoNumber(place)
    return found


def _numbers(piece: bytes, low: Ints, high: Ints) -> NDArray[np.float64]:
    """Numbers from their text; NaN where there is none, NoNumber where it is another. Up to eight digits by arithmetic,
    which is exact then: such a whole number and such a power of ten are floats, and their quotient is rounded once."""
    length = high - low
    raw = np.frombuffer(piece, np.uint8)
    negative = (raw[low] == ord("-")) & (length > 1)
    digits = _digits(piece, low + negative, length - negative)
    others = digits ^ _each(ord(".") ^ ord("0"))
    point = (others - _each(1)) & ~others & _each(128)
    point = (point & (~point + np.uint64(1))) >> np.uint64(7)  # 1 in the byte of the first one, 0 without one
    front = point - (point > 0)
    found, good = _value(digits & ~(front | point * np.uint64(255)) | (digits & front) << np.uint64(8))
    values: NDArray[np.float64] = found / _SCALE[(point % np.uint64(19)).astype(np.intp)]
    values[negative] *= -1
    good &= length - negative > (point > 0)
    values[length == 0] = np.nan
    for place in np.flatnonzero(~good & (length > 0)).tolist():
        try:
            values[place] = float(piece[low[place] : high[place]])
        except ValueError as error:
            raise NoNumber(place) from error
    return values


class Texts:
    """Decodes the texts of one column, remembering them as long as few are new."""

    def __init__(self) -> None:
        self._known: dict[bytes, str | None] = {}

    def many(self, piece: bytes, low: Ints, high: Ints, returns: bool) -> list[str | None]:
        """The texts at `low`..`high` of a stretch; `returns`: there may be carriage returns among them."""
        raws = [piece[a:b] for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        if len(self._known) < _REMEMBERED:
            new = [*set(raws).difference(self._known)]
            self._known.update(zip(new, _texts(new, returns), strict=True))
            return [self._known[raw] for raw in raws]
        return _texts(raws, returns)


def _texts(raws: Sequence[bytes], returns: bool) -> list[str | None]:
    """Texts as cells hold them; `returns`: there may be carriage returns among them."""
    if returns:
        raws = [raw.replace(b"\r\n", b"\n") for raw in raws]
    return [text or None for text in cells.plain_texts(raws)]
