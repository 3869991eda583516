"""The proof of a long sheet: what stands in the file is gone through again, and is what was meant.

Two questions, some thousand rows at once. Do the cells mean what they should? Each encoded value is decoded the way any
sheet is read, and compared with the value it was made from. And does the file hold those cells, each in its place?
Where they end follows from how long they are; there the bytes are compared, eight at a time, all rows side by side:

    <row r="17" ht="18"> | <c r="A17 | " s="45" t="inlineStr"><is><t>1001</t></is></c> | ... | </row>
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain, repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter.books import cells, columns, encoders, longrows
from segmenter.books.encoders import Bytes, Lengths
from segmenter.books.sheetxml import Sheet
from segmenter.cells import letter

_MANY: Final = 1 << 14
_TEXT: Final = b'"inlineStr"'
_PLAIN: Final = re.compile(rb'("(?: s="\d+")?(?: t="inlineStr"><(?:\w+:)?is><(?:\w+:)?t|><(?:\w+:)?v)>)([^<]*)(<.*)')


def check(pieces: Iterable[bytes], made: longrows.Part, name: str) -> str:
    """The first thing that is wrong with a part that was written as `made`, "" when nothing is.

    `pieces`: the part as it stands in the file. Around the rows every byte has to be so; in the rows every cell has to
    give back the value it was made from.
    """
    meanings = [_Meaning(column, made.rows.prefix, name) for column in made.rows.columns if not column.kept]
    if made.rows.height <= columns.FEW:
        whole, found = _Few(made.rows, made.rows.first + 1, made.rows.first + 1 + made.rows.height), b"".join(pieces)
        if b"".join((made.head, *whole.composed(), made.tail)) == found:
            found_wrong = ((one.column, row) for one in meanings if (row := one.wrong(whole)) is not None)
            return next((f"{letter(column.number)}{row}" for column, row in found_wrong), "")
        pieces = (found,)
    stream = iter(pieces)
    rest = memoryview(b"")

    def take(count: int, behind: int = 0) -> bytearray:
        """The next `count` bytes, fewer at the end, and `behind` zeros."""
        nonlocal rest
        found = bytearray(count + behind)
        have = 0
        while have < count and (rest or (rest := memoryview(next(stream, b"")))):
            new = rest[: count - have]
            found[have : have + len(new)] = new
            have, rest = have + len(new), rest[len(new) :]
        return found if have == count else found[:have]

    if take(len(made.head)) != made.head:
        return "bytes"
    lengths = {
        (one.number, place): np.count_nonzero(part.matrix, axis=1)
        for one in made.rows.columns
        for place, part in enumerate(one.parts)
        if isinstance(part, columns.Words)
    }
    for start, stop in made.rows.ranges():
        stretch = _Stretch(made.rows, start, stop, lengths)
        for meaning in meanings:
            if (row := meaning.wrong(stretch)) is not None:
                return f"{letter(meaning.column.number)}{row}"
        if wrong := stretch.differs(take(stretch.size, stretch.widest)):
            return wrong
    return "" if b"".join((rest, *stream)) == made.tail else "bytes"


class _Few:
    """A few rows as they should stand in the file: `start`..`stop - 1`, counted from 1."""

    def __init__(self, rows: longrows.Rows, start: int, stop: int) -> None:
        self.start = start
        self.low = start - 1 - rows.first
        self.high = self.low + stop - start
        self._rows = rows

    def each(self, column: columns.Column, place: int) -> list[bytes]:
        """What one part of a column is in each row, not as the writer put it there: it may have taken another word."""
        part = column.parts[place]
        if isinstance(part, columns.Each):
            return part.said(self.low, self.high)
        return [*map(part.tails.__getitem__, part.codes[self.low : self.high].tolist())]

    def words(self, part: columns.Words, some: slice) -> list[bytes]:
        """Some of the values a part consists of, as they are encoded."""
        return part.tails[some]

    def composed(self) -> Iterator[bytes]:
        """The rows piece by piece."""
        rows = self._rows
        p = rows.prefix.encode()
        numbers = [b"%d" % number for number in range(self.start, self.start + self.high - self.low)]
        pieces: list[Iterable[bytes]] = [repeat(b'<%srow r="' % p), numbers, repeat(b'"' + rows.attributes + b">")]
        for one in rows.columns:
            head = b'<%sc r="%s' % (p, letter(one.number).encode())
            said = [self.each(one, place) for place in range(len(one.parts))]
            if all(said[0]):
                pieces += [repeat(head), numbers, repeat(one.before), *said, repeat(one.after)]
            else:  # no cell at all where there is nothing to put into it
                cells = zip(numbers, repeat(one.before), *said, repeat(one.after), strict=False)
                pieces.append([head + b"".join(cell) if cell[2] else b"" for cell in cells])
        pieces.append(repeat(b"</%srow>" % p))
        return chain.from_iterable(zip(*pieces, strict=False))


class _Stretch(_Few):
    """Rows with equally long numbers, many at once."""

    def __init__(self, rows: longrows.Rows, start: int, stop: int, lengths: Mapping[tuple[int, int], Lengths]) -> None:
        super().__init__(rows, start, stop)
        self._lengths = lengths
        self._parts = {
            one.number: [self._encoded(one, place) for place in range(len(one.parts))] for one in rows.columns
        }
        """by column: the bytes of each part, how many of them count"""
        p = rows.prefix.encode()
        digits, left = [], np.arange(start, stop, dtype=np.int32)
        for _ in str(start):
            left, last = np.divmod(left, 10)
            digits.append(last)
        number = (np.stack(digits[::-1], axis=1) + ord("0")).astype(np.uint8)
        self.tokens: list[tuple[str, Bytes, Lengths]] = []
        """cells by column letter ("" for the row's own tags), the bytes, how many of them count"""
        everywhere = np.ones(len(number), dtype=bool)
        self._add("", [b'<%srow r="' % p, number, b'"' + rows.attributes + b">"], everywhere)
        after = b""
        for one in rows.columns:
            parts = self._parts[one.number]
            name, there = letter(one.number), parts[0][1] > 0
            if not there.all():
                self._add(name, [after], everywhere)
                after = b""
            self._add(name, [after + b'<%sc r="%s' % (p, name.encode()), number, one.before], there)
            self.tokens += [(name, *pair) for pair in parts]
            after = one.after
        self._add("", [after + b"</%srow>" % p], everywhere)
        self.lengths: Lengths = np.sum([lengths for _, _, lengths in self.tokens], axis=0)
        self.size = int(np.sum(self.lengths))
        self.widest = max(expected.shape[1] for _, expected, _ in self.tokens)

    def _encoded(self, column: columns.Column, place: int) -> tuple[Bytes, Lengths]:
        """What one part of a column is in each row (see `_Few.each`), and how many bytes of that count."""
        part = column.parts[place]
        if isinstance(part, columns.Each):
            return part.encoded(self.low, self.high)
        codes = part.codes[self.low : self.high]
        return part.matrix.take(codes, 0), self._lengths[column.number, place].take(codes)

    def each(self, column: columns.Column, place: int) -> list[bytes]:
        return encoders.listed(self._parts[column.number][place][0])

    def words(self, part: columns.Words, some: slice) -> list[bytes]:
        return encoders.listed(part.matrix[some])

    def _add(self, name: str, parts: Sequence[bytes | Bytes], there: NDArray[np.bool_]) -> None:
        """Bytes every row has, where it has that cell at all."""
        widths = [len(part) if isinstance(part, bytes) else part.shape[1] for part in parts]
        wide = sum(widths)
        fields = [(str(n), f"V{width}") for n, width in enumerate((*widths, -wide % 8))]
        found = np.zeros(len(there), dtype=fields)
        for n, part in enumerate(parts):
            found[str(n)] = np.frombuffer(part, f"V{widths[n]}") if widths[n] else b""
        self.tokens.append((name, found.view(np.uint8).reshape(len(there), -1), wide * there))

    def differs(self, piece: bytearray) -> str:
        """The first cell that stands otherwise in `piece`, which has as many bytes more as the widest token."""
        if len(piece) < self.size + self.widest:
            return f"{self.start}+"
        at: Lengths = np.cumsum(self.lengths) - self.lengths
        wrong: list[tuple[int, str]] = []
        for name, expected, lengths in self.tokens:
            good = _same(piece, at, expected, lengths)
            if not good.all():
                wrong.append((self.start + int(np.argmin(good)), name))
            at = at + lengths
        row, name = min(wrong, key=lambda one: one[0], default=(0, ""))
        return f"{name}{row}" if wrong else ""


def _same(data: bytearray, at: Lengths, expected: Bytes, lengths: Lengths) -> NDArray[np.bool_]:
    """Whether the bytes at each place are those expected there; what lies behind their length does not count."""
    width = expected.shape[1]
    places = np.ndarray((len(data) - width + 1,), f"V{width}", data, 0, (1,))
    differs = places[at].view("<u8").reshape(len(at), -1)
    differs ^= expected.view("<u8")
    equally = lengths[:1] if (lengths == lengths[0]).all() else lengths
    differs &= _masks(width).take(equally, 0)
    return np.logical_not(differs.any(axis=1)) if differs.any() else np.ones(len(at), dtype=bool)


@cache
def _masks(width: int) -> NDArray[np.uint64]:
    """For each length up to `width` the bits of as many bytes, in words of eight."""
    return (np.arange(width) < np.arange(width + 1)[:, None]).astype(np.uint8).view("<u8") * np.uint64(255)


class _Meaning:
    """Whether the encoded cells of a column say what they should; each distinct one is asked once."""

    def __init__(self, column: columns.Column, prefix: str, name: str) -> None:
        self.column = column
        self._prefix = prefix
        self._name = name
        self._asked = False

    def wrong(self, stretch: _Few) -> int | None:
        """A row whose cell says something else, None when there is none."""
        before, after = self.column.before, self.column.after
        if before and not self._asked and not self._is_plain(before, after):
            return stretch.start
        for n, part in enumerate(self.column.parts):
            if isinstance(part, columns.Each):
                place = self._first_wrong(stretch.each(self.column, n), part.values[stretch.low : stretch.high])
                if place is not None:
                    return stretch.start + place
            elif not self._asked:
                for low in range(0, len(part.values), _MANY):
                    some = slice(low, low + _MANY)
                    place = self._first_wrong(stretch.words(part, some), part.values[some])
                    if place is not None:
                        return stretch.start - stretch.low + int(np.argmax(part.codes == low + place))
        self._asked = True
        return None

    def _first_wrong(self, found: list[bytes], values: Sequence[Any] | NDArray[np.float64]) -> int | None:
        wanted = values.tolist() if isinstance(values, np.ndarray) else values
        said: list[Any] | None
        if self.column.before:
            said = _contents(found, self.column.before)
        else:
            alike = self._alike(found)
            said = alike or [*(self._alike(found[:-1]) or map(self._decoded, found[:-1])), self._decoded(found[-1])]
        if said is None:
            return 0
        for place, (a, b) in enumerate(zip(said, wanted, strict=True)) if said != wanted else ():
            if a != (None if b == "" or b != b else b):
                return place
        return None

    def _alike(self, tails: list[bytes]) -> list[Any] | None:
        """The values of cells that differ in nothing else; None when they do."""
        like = _PLAIN.fullmatch(tails[0]) if tails else None
        if like is None:
            return None
        before, _, after = like.groups()
        joined = b"".join(tails)
        contents = joined[len(before) : -len(after)].split(after + before)
        if not joined.startswith(before) or not joined.endswith(after) or len(contents) != len(tails):
            return None
        return _contents(contents, before) if self._is_plain(before, after) else None

    def _is_plain(self, before: bytes, after: bytes) -> bool:
        """Whether any content between these gives a cell that holds it."""
        sample = b"a" if _TEXT in before else b"7"
        return bool(self._decoded(before + sample + after) == ("a" if _TEXT in before else 7))

    def _decoded(self, tail: bytes) -> Any:
        """The value of one cell, read as any sheet is."""
        return _value(tail, self._prefix, self._name) if tail else None


@lru_cache(1 << 10)
def _value(tail: bytes, prefix: str, name: str) -> Any:
    """The value of a cell from what follows its row number; those of a template are the same in the next workbook."""
    p = prefix.encode()
    space = b' xmlns:%s="x"' % p[:-1] if p else b""
    data = b'<%sworksheet%s><%ssheetData><%srow r="1"><%sc r="A1%s</%srow></%ssheetData></%sworksheet>'
    sheet = Sheet(data % (p, space, p, p, p, tail, p, p, p), "sheetData", name, ("",))
    (cell,) = sheet.rows[0].cells.values()
    return cells.Mark(tail) if cell.formula else sheet.value_of(cell)


def _contents(raws: list[bytes], before: bytes) -> list[Any] | None:
    """The values of cells from what stands behind `before`; None when that is not only content."""
    joined = b"".join(raws)
    if _TEXT in before:
        return None if b"<" in joined or b"\r" in joined else cells.plain_texts(raws)
    return None if joined.translate(None, b"0123456789.-+e") else [*map(float, raws)]
