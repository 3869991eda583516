"""What the rows of one kind look like, and which rows look so: every byte but row numbers and the texts in cells.

    <row r="17"><c r="A17" t="s"><v> | 869  | </v></c><c r="B17"><v> | 0.5  | </v></c></row>
    a region                         | text | a region               | text | a region

Nothing is taken for granted: a tag that differs in one byte makes a row "other".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter.books.rowxml import ATTRIBUTES, attributes_of, whole
from segmenter.cells import column_of

PAD: Final = 1 << 12
"""bytes behind a stretch of rows that may be looked at: no region is longer than that"""
TRUE: Final = (b"1", b"true")
"""how XML says yes"""
_DIGITS: Final = 8
"""of a row number at most"""
_ROW_NUMBER: Final = re.compile(rb'\sr="(\d+)"')
_ADDRESS: Final = re.compile(rb'\sr="([A-Z]{1,3})(\d+)"')
_KINDS: Final = frozenset((b"n", b"s", b"str", b"inlineStr", b"b"))
"""`t` of the cells whose values are read at once"""
_PLAIN: Final = frozenset((b"r", b"s", b"t"))
"""what a cell says most often"""


class Region(NamedTuple):
    """Tags without a text between them, as they have to stand behind each other."""

    token: int
    """the first of them"""
    tags: bytes
    """with zeros in place of the row number, which differs from row to row"""
    numbers: list[int]
    """the offsets of that, in the row's own tag and in addresses"""
    filled: bool
    """whether there has to be a text behind them"""


class Value(NamedTuple):
    """A cell that holds something: where its text begins, and what it is."""

    token: int
    """the tag before the text"""
    skip: int
    """how long that is"""
    column: int
    kind: bytes
    style: int


class Layout(NamedTuple):
    """Rows of one kind."""

    tag: bytes
    """the row's start tag, its number made 1"""
    hidden: bool
    formulas: bool
    width: int
    """digits of the row number"""
    tags: int
    """how many tags a row has"""
    regions: list[Region]
    values: list[Value]
    kinds: list[tuple[int, bytes | None, int]]
    """(column, `t`, style) of each cell; in place of `t` None for an empty one, b"" for one that says more than that"""
    ranges: list[tuple[int, int]]
    """of each cell: its first tag, and the one behind it"""

    @classmethod
    def of(cls, row: bytes, prefix: bytes) -> Layout | None:
        """The layout of a row with whatever text is behind it; None when it has anything that is not read at once."""
        start, cell, close = _expressions(prefix)
        opened = start.match(row)
        number = opened and _ROW_NUMBER.search(row, *opened.span(1))
        if opened is None or number is None:
            return None
        numbers, where = [number.span(1)], opened.end()
        low, high = numbers[0]
        cells: list[_Cell] = []
        ranges: list[tuple[int, int]] = []
        while found := cell.match(row, where):
            one = _Cell.of(row, found)
            if one is None:
                return None
            cells.append(one)
            ranges.append((row.count(b"<", 0, where), row.count(b"<", 0, found.end())))
            where = found.end()
        closed = opened if opened[0].endswith(b"/>") else close.match(row, where)
        if closed is None or row.find(b"<", end := max(where, closed.end())) >= 0:
            return None
        numbers += (one.number for one in cells)
        regions = _regions(row[:end], numbers, [text for one in cells for text in one.texts])
        filled = [column for column, kind, _ in (one.kind for one in cells) if kind is not None]
        alike = {right - left for left, right in numbers} == {high - low} and high - low <= _DIGITS
        short = all(len(region.tags) <= PAD for region in regions)
        if not alike or not short or len({*filled}) < len(filled):
            return None
        return cls(
            tag=row[:low] + b"1" + row[high : opened.end()],
            hidden=attributes_of(opened[1]).get(b"hidden") in TRUE,
            formulas=any(one.formula for one in cells),
            width=high - low,
            tags=row.count(b"<", 0, end),
            regions=regions,
            values=[one.value for one in cells if one.value],
            kinds=[one.kind for one in cells],
            ranges=ranges,
        )

    def fits(self, piece: bytes, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows look so, byte for byte; `places` of their tags in `piece`, with `PAD` bytes behind them. Where the
        tags between two texts are as they should be, so are the places of the tags after them."""
        good = np.ones(len(places), dtype=bool)
        number: NDArray[np.uint8] | None = None
        for region in self.regions:
            size = len(region.tags)
            room = -(-size // 8) * 8
            spans = np.ndarray((len(piece) - room + 1,), f"V{room}", piece, 0, (1,))
            found = spans[places[:, region.token]].view(np.uint8).reshape(len(places), room)
            for offset in region.numbers:
                digits = found[:, offset : offset + self.width]
                if number is None:
                    number = digits.copy()
                digits ^= number
            differs = found.view("<u8")
            differs ^= np.frombuffer(region.tags.ljust(room, b"\0"), "<u8")
            differs &= np.frombuffer((b"\xff" * size).ljust(room, b"\0"), "<u8")
            if differs.any():
                good &= ~differs.any(axis=1)
            if region.filled:
                good &= places[:, region.token + region.tags.count(b"<")] - places[:, region.token] > size
        return good


class _Cell(NamedTuple):
    """What one cell adds to a layout."""

    number: tuple[int, int]
    """where the row number stands in the row"""
    kind: tuple[int, bytes | None, int]
    texts: list[tuple[int, int, bool]]
    """where its texts stand, and whether they must not be empty"""
    value: Value | None
    formula: bool

    @classmethod
    def of(cls, row: bytes, found: re.Match[bytes]) -> _Cell | None:
        """The cell of a row that was found; None when it is not read at once."""
        said, number = attributes_of(found[1]), _ADDRESS.search(row, *found.span(1))
        style, kind = whole(said.get(b"s", b"0"), -1), said.get(b"t", b"n")
        if number is None or style < 0:
            return None
        formula = found["f"] is not None
        if formula and (kind != b"n" or not found["v"]):
            return None  # its result is no number, or there is none
        column, value = column_of(number[1].decode()), None
        filled = formula or kind in (b"s", b"b")  # whose empty text is no value
        texts = [(*found.span(name), filled) for name in ("said", "v", "t") if found[name] is not None]
        if texts:
            held = "t" if kind == b"inlineStr" else "v"
            if kind not in _KINDS or found[held] is None:
                return None
            low = found.start(held)
            value = Value(row.count(b"<", 0, low) - 1, low - row.rindex(b"<", 0, low), column, kind, style)
        told = b"" if said.keys() - _PLAIN else None if found[0].endswith(b"/>") else kind
        return cls(number.span(2), (column, told, style), texts, value, formula)


def _regions(row: bytes, numbers: Sequence[tuple[int, int]], texts: Sequence[tuple[int, int, bool]]) -> list[Region]:
    """What is between the texts of a row."""
    plain = bytearray(row)
    for low, high in numbers:
        plain[low:high] = bytes(high - low)
    found, start = [], 0
    for low, high, filled in (*texts, (len(row), len(row), False)):
        offsets = [one - start for one, _ in numbers if start <= one < low]
        found.append(Region(row.count(b"<", 0, start), bytes(plain[start:low]), offsets, filled))
        start = high
    return found


@lru_cache
def _expressions(prefix: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """The start of a row; a whole cell as it is read at once: empty, a value with or without a formula, a text; the end
    of the row."""
    p = re.escape(prefix)

    def element(name: bytes, content: bytes) -> bytes:
        return rb"<%b%b%b(?:/>|>%b</%b%b\s*>)" % (p, name, ATTRIBUTES, content, p, name)

    formula, value = element(b"f", rb"(?P<said>[^<]+)"), element(b"v", rb"(?P<v>[^<]*)")
    text = rb"<%bis>%b</%bis>" % (p, element(b"t", rb"(?P<t>[^<]*)"), p)
    cell = element(b"c", rb"(?:(?P<f>%b)?%b|%b)?" % (formula, value, text))
    start, end = rb"<%brow%b/?>" % (p, ATTRIBUTES), rb"</%brow\s*>" % p
    return re.compile(start), re.compile(cell), re.compile(end)
