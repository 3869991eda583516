"""A million rows, column by column: the same bytes `lists` would write, without an object for each cell.

Cells are made as matrices of bytes, a stretch of rows at a time, padded with zeros to the widest of their column, and
laid down from left to right at the places that follow from how long they are. What a padded one covers of its right
neighbours is written after it; the start of a row, which is equally long everywhere, comes last of all:

    </row><row r="17" ht="18"> | <c r="A17 | " s="45" t="inlineStr"><is><t>1001</t></is></c>..... | ...
    4th                        | 1st       | 2nd                                                  | 3rd

A few rows are made one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, pairwise
from types import NoneType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import frames
from segmenter.books import cells, decimals
from segmenter.books.cells import Plain
from segmenter.cells import letter
from segmenter.phrases import Phrases

FROM: Final = 64
"""rows from which columns are written at once"""
MARK: Final = b"<!--rows-->"
"""stands in a sheet's XML for rows that are made when they are written"""
FEW: Final = 1 << 11
"""rows up to which they are made one by one"""
_STRETCH: Final = 1 << 11
"""rows made at once: what is made of one column stays in the processor's cache"""
_SAMPLE: Final = 1 << 13
_MANY: Final = 1 << 14
"""values encoded at once"""
_SHORT: Final = 24
"""characters up to which all texts of a column are encoded beforehand"""
_WIDEST: Final = 2048
"""bytes of a cell beyond which padding the others costs more than it saves"""
_SPECIAL: Final = "^[\\s=+\\-@＝＋－＠]|\\s$|[&<>\x00-\x1f\ufffe\uffff\ud800-\udfff]|_x|  "
"""what `cells.encode` and the writer do something about"""
_BETWEEN: Final = "\u2588"
"""stands between texts that are looked at together; one that holds it is looked at alone"""
_CUT: Final = _BETWEEN.encode()
_NEEDLES: Final = (
    *("_x", "  ", _BETWEEN * 2, f" {_BETWEEN}"),
    *(_BETWEEN + start for start in (" ", "=", "+", "-", "@", "＝", "＋", "－", "＠")),
)
_JOINTS: Final = ("_", "  ", f" {_BETWEEN}")
_APART: Final = f"_|  |\\s{_BETWEEN}|[\x00-\x1f\ufffe\uffff\ud800-\udfff]"
"""words that cannot be encoded without looking at those beside them"""

Bytes = NDArray[np.uint8]
Lengths = NDArray[np.int64]
Encode = Callable[[Plain], bytes]
"""a whole cell in row 1, as `writer.Writer` writes it"""
Encoder = Callable[[Any], Sequence[bytes] | Bytes]
"""what follows the row number in the cells of many values"""


class Words:
    """Cells, or what is in them, that are encoded beforehand: short ones, and what many rows have."""

    def __init__(self, codes: NDArray[Any], values: Sequence[Any], encode: Encoder) -> None:
        self.codes = codes
        self.values = values
        self.encode = encode

    def _encoded(self) -> Iterator[Sequence[bytes] | Bytes]:
        """The encoded values, some thousands at once; a last one that is nothing by itself."""
        count = len(self.values)
        filled = count if self.values[-1] else count - 1
        cuts = sorted({*range(0, filled, _MANY), filled, count})
        return (self.encode(self.values[low:high]) for low, high in pairwise(cuts))

    @cached_property
    def matrix(self) -> Bytes:
        """The encoded values as a matrix padded with zeros."""
        some = [*map(matrix, self._encoded())]
        found = np.zeros((len(self.values), max(one.shape[1] for one in some)), np.uint8)
        low = 0
        for one in some:
            found[low : low + len(one), : one.shape[1]] = one
            low += len(one)
        return found

    @cached_property
    def tails(self) -> list[bytes]:
        """The encoded values one by one."""
        return [*chain.from_iterable(map(listed, self._encoded()))]

    @cached_property
    def _lengths(self) -> Lengths:
        return np.asarray(np.count_nonzero(self.matrix, axis=1), dtype=np.int64)

    def encoded(self, low: int, high: int) -> tuple[Bytes, Lengths]:
        """What rows `low`..`high - 1` have, as a matrix padded with zeros, and how many bytes of each that are."""
        codes = self.codes[low:high]
        return self.matrix.take(codes, 0), self._lengths.take(codes)

    def said(self, low: int, high: int) -> list[bytes]:
        """What rows `low`..`high - 1` have, one by one."""
        return [*map(self.tails.__getitem__, self.codes[low:high].tolist())]


class Each(NamedTuple):
    """Cells, or what is in them, that are encoded when their rows are."""

    values: Sequence[Any] | NDArray[np.float64]
    encode: Encoder

    def encoded(self, low: int, high: int) -> tuple[Bytes, Lengths]:
        """See `Words.encoded`."""
        found = matrix(self.encode(self.values[low:high]))
        return found, np.count_nonzero(found, axis=1)

    def said(self, low: int, high: int) -> list[bytes]:
        """See `Words.said`."""
        return listed(self.encode(self.values[low:high]))


class Column(NamedTuple):
    """One column of cells: what follows the row number, made of one part or of several behind each other."""

    number: int
    parts: tuple[Words | Each, ...]
    before: bytes = b""
    """what every cell has in front of its parts; nothing when the first part has it"""
    after: bytes = b""
    """what it has behind them, then"""

    def encoded(self, low: int, high: int) -> list[tuple[Bytes, Lengths]]:
        """What the parts are in rows `low`..`high - 1`."""
        return [part.encoded(low, high) for part in self.parts]

    def first_quoted(self) -> int | None:
        """The first row with a text that a program could take for a formula."""
        part = self.parts[0]
        if self.before or isinstance(part.values, np.ndarray):
            return None
        quoted = [n for n, one in enumerate(part.values) if type(one) is str and cells.needs_quote(one)]
        rows = np.flatnonzero(np.isin(part.codes, quoted)) if quoted and isinstance(part, Words) else quoted
        return int(rows[0]) if len(rows) else None


def matrix(tails: Sequence[bytes] | Bytes) -> Bytes:
    """Encoded cells as rows of bytes, padded with zeros to whole words of eight."""
    if isinstance(tails, np.ndarray):
        return tails
    words = -(-max(map(len, tails), default=0) // 8) or 1
    return np.array(tails, dtype=f"S{8 * words}").view(np.uint8).reshape(len(tails), -1)


def listed(tails: Sequence[bytes] | Bytes) -> list[bytes]:
    """The opposite: the bytes of each row by themselves."""
    if not isinstance(tails, np.ndarray):
        return [*tails]
    found: list[bytes] = tails.view(f"S{tails.shape[1]}").ravel().tolist()
    return found


def column(number: int, values: NDArray[Any] | Phrases, encode: Encode) -> Column | None:
    """A column of a frame; None when it has to be written cell by cell: values of several kinds, very long texts."""
    if isinstance(values, Phrases):
        return _phrases(number, values, encode)
    if values.dtype.kind not in "fiO":
        return None
    if values.dtype == object:
        found = _of_one_kind(values.tolist())
        if found is None:
            return None
        each, text = found
    else:
        each, text = values if values.dtype.kind == "f" else values.tolist(), False
    if _repeats(each):
        codes, distinct = frames.distinct(values)
        return _words(number, codes, distinct.tolist(), encode, text=text)
    return _column(number, each, encode, text=text)


def _of_one_kind(values: list[Any]) -> tuple[list[Any] | NDArray[np.float64], bool] | None:
    """Objects that are all texts or all numbers, missing ones aside, and whether they are texts; None for others."""
    kinds = {*map(type, values)} - {NoneType}
    if kinds <= {str}:
        return values, True
    if kinds == {float}:
        return np.array(values, dtype=np.float64), False
    if kinds == {int}:
        return values, False
    if kinds == {str, float}:
        plain = [None if value != value else value for value in values]
        return (plain, True) if float not in {*map(type, plain)} else None
    return None


def _repeats(values: list[Any] | NDArray[np.float64]) -> bool:
    """Whether few values stand in many rows, none of them a -0.0, which counts as equal to 0.0."""
    some = values[:_SAMPLE]
    if isinstance(some, list):
        return len({*some}) < len(some) / 2
    known = some[some == some]
    return len({*known.tolist()}) < len(some) / 2 and not np.signbit(values[values == 0]).any()


def _words(number: int, codes: NDArray[Any], distinct: list[Any], encode: Encode, *, text: bool) -> Column | None:
    if (codes < 0).any():
        codes = np.where(codes < 0, np.int32(len(distinct)), codes.astype(np.int32))
        distinct = [*distinct, None]
    return _column(number, distinct, encode, codes, text=text)


def _column(
    number: int, values: Any, encode: Encode, codes: NDArray[Any] | None = None, *, text: bool
) -> Column | None:
    """A column of texts or numbers, or (with `codes`) their places among `values`. When none is missing or needs more
    than markup, what is the same in all its cells is by itself."""
    longest = max(map(len, filter(None, values)), default=0) if text else 0
    if longest > _WIDEST:
        return None

    def part(encoder: Encoder, *, plain: bool = True) -> Words | Each:
        beforehand = len(values) <= _STRETCH or (plain and longest <= _SHORT)
        places = np.arange(len(values)) if codes is None and beforehand else codes
        return Each(values, encoder) if places is None else Words(places, values, encoder)

    if text:
        some = (values[low : low + _STRETCH] for low in range(0, len(values), _STRETCH))
        if all(_joined(one) is not None for one in some):
            return Column(number, (part(_plain),), *_around(_tail(encode("a")), b"a"))
        return Column(number, (part(_texts(encode), plain=False),))
    if isinstance(values, np.ndarray) and not np.isnan(values).any():
        return Column(number, (part(_digits_of),), *_around(_tail(encode(7)), b"7"))
    return Column(number, (part(_numbers(encode), plain=False),))


def _phrases(number: int, values: Phrases, encode: Encode) -> Column | None:
    """Texts put together from words that can be encoded one by one; all of them beforehand otherwise."""
    ends = [words.tolist() for words in values.words]
    if len(ends) == 1:
        return _column(number, ends[0], encode, values.codes[0], text=True)
    together = _BETWEEN.join(map(_BETWEEN.join, ends)) + _BETWEEN
    longest = sum(max(map(len, words)) for words in ends)
    simple = together.isprintable() and not any(needle in together for needle in _JOINTS)  # many times faster
    clear = together.count(_BETWEEN) == sum(map(len, ends)) and (simple or not re.search(_APART, together))
    heads = _joined(ends[0]) is not None or not any(map(re.compile(_SPECIAL).search, ends[0]))
    if not clear or not heads or not all(ends[0]) or longest > _WIDEST:
        return column(number, np.asarray(values), encode)
    parts = tuple(Words(codes, words, _plain) for codes, words in zip(values.codes, ends, strict=True))
    return Column(number, parts, *_around(_tail(encode("a")), b"a"))


def _plain(values: Sequence[str]) -> list[bytes]:
    """Texts that need nothing but their markup escaped."""
    return _escaped(_BETWEEN.join(values)).encode().split(_CUT) if values else []


def _tail(raw: bytes) -> bytes:
    """What follows the row number in a cell written for row 1."""
    _, quote, rest = raw.partition(b'1"')
    return quote[1:] + rest


def _around(tail: bytes, value: bytes) -> tuple[bytes, bytes]:
    """What is before and behind the value in an encoded cell."""
    before, _, after = tail.partition(b">" + value + b"<")
    return before + b">", b"<" + after


def _texts(encode: Encode) -> Encoder:
    """Encodes texts: plain ones by putting them between what is the same for all."""
    before, after = _around(_tail(encode("a")), b"a")

    def many(values: Sequence[Any]) -> list[bytes]:
        joined = _joined(values)
        if joined is not None:
            return [before + value + after for value in joined.encode().split(_CUT)]
        special = re.compile(_SPECIAL).search
        return [
            before + value.encode() + after if value and not special(value) else _tail(encode(value or None))
            for value in values
        ]

    return many


def _joined(values: Sequence[Any]) -> str | None:
    """All texts as one, markup escaped; None when one may be missing or need more than that."""
    if None in values:
        return None
    joined = _BETWEEN.join(values)
    around = _BETWEEN + joined + _BETWEEN
    if not joined.isprintable() or any(needle in around for needle in _NEEDLES):
        return None
    if joined.count(_BETWEEN) != len(values) - 1:
        return None
    return _escaped(joined)


def _escaped(text: str) -> str:
    """`cells.escape` of a long text without characters XML cannot hold: many times faster."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _numbers(encode: Encode) -> Encoder:
    """Encodes numbers in the same way."""
    before, after = _around(_tail(encode(7)), b"7")

    def one(value: Any) -> bytes:
        missing = value is None or value != value
        return _tail(encode(None)) if missing else before + cells.number(value).encode() + after

    return lambda values: [*map(one, values.tolist() if isinstance(values, np.ndarray) else values)]


def _digits_of(values: NDArray[np.float64]) -> Bytes:
    """Numbers as text, nothing else."""
    found, rest = decimals.shown(values)
    if len(rest):
        others = matrix([cells.number(value).encode() for value in values[rest].tolist()])
        wider = max(found.shape[1], others.shape[1])
        found, others = (np.pad(each, ((0, 0), (0, wider - each.shape[1]))) for each in (found, others))
        found[rest] = others
    return found


def _literal(text: bytes) -> bytes:
    """A text as it has to stand in a form."""
    return text.replace(b"%", b"%%")


class Part:
    """A worksheet part too long to stand in memory: what is before its rows, the rows, what is behind them."""

    def __init__(self, head: bytes, rows: Rows, tail: bytes) -> None:
        self.head = head
        self.rows = rows
        self.tail = tail

    def __call__(self) -> Iterator[bytes]:
        yield self.head
        yield from self.rows.stretches()
        yield self.tail

    def makes(self, data: bytes) -> bool:
        """Whether this is `data`, told without making all of it when it is not."""
        where = 0
        for piece in self():
            if not data.startswith(piece, where):
                return False
            where += len(piece)
        return where == len(data)

    def beginning(self, pieces: Iterable[bytes]) -> bytes:
        """Of the part, as it stands in `pieces`, what is around the rows and the first one."""
        close, data = b"</%srow>" % self.rows.prefix.encode(), b""
        for piece in pieces:
            data += piece
            if (end := data.find(close, len(self.head))) >= 0:
                return data[: end + len(close)] + self.tail
        return data


class Rows(NamedTuple):
    """The rows of a table, made in stretches each time they are asked for."""

    first: int
    """the first row, counted from 0"""
    height: int
    attributes: bytes
    """what the start tag of each row says besides its number"""
    columns: tuple[Column, ...]
    prefix: str = ""

    def stretches(self) -> Iterator[bytes]:
        """The rows as XML, some thousands at a time."""
        if self.height > FEW:
            yield from (self._stretch(start, stop) for start, stop in self.ranges())
        else:
            yield self._row_by_row()

    def _row_by_row(self) -> bytes:
        """A few rows: what is the same in all of them, as often as there are rows, and the rest put into it."""
        p, numbers = self.prefix.encode(), [b"%d" % (self.first + 1 + n) for n in range(self.height)]
        form = [b'<%srow r="%%b"%s>' % (p, _literal(self.attributes))]
        pieces: list[Iterable[Any]] = [numbers]
        for one in self.columns:
            name = b'<%sc r="%s' % (p, letter(one.number).encode())
            parts = [part.said(0, self.height) for part in one.parts]
            if all(parts[0]):
                form += (name, b"%b", _literal(one.before), b"%b" * len(parts), _literal(one.after))
                pieces += [numbers, *parts]
                continue
            form.append(b"%b")  # no cell at all where there is nothing to put into it
            cells = zip(numbers, *parts, strict=True)
            pieces.append(
                [b"%b%b%b%b%b" % (name, n, one.before, b"".join(a), one.after) if a[0] else b"" for n, *a in cells]
            )
        form.append(b"</%srow>" % p)
        return b"".join(form) * self.height % tuple(chain.from_iterable(zip(*pieces, strict=True)))

    def ranges(self) -> Iterator[tuple[int, int]]:
        """First and last row (behind it) of each stretch, counted from 1; their numbers have equally many digits."""
        start, end = self.first + 1, self.first + 1 + self.height
        while start < end:
            stop = min(end, start + _STRETCH, 10 ** len(str(start)))
            yield start, stop
            start = stop

    def _stretch(self, start: int, stop: int) -> bytes:
        tokens, begin, end = self._tokens(start, stop)
        ends = np.cumsum(sum(lengths for _, lengths in tokens) + begin.shape[1])
        total = int(ends[-1])
        found = np.empty(total + begin.shape[1], np.uint8)
        starts = np.concatenate([[0], ends[:-1]])
        at = starts + begin.shape[1]
        for token, lengths in tokens:
            _lay(found, at, token, lengths, begin.shape[1])
            at += lengths
        _lay(found, starts, begin, ends, begin.shape[1])
        found[total : total + len(end)] = np.frombuffer(end, np.uint8)
        return found[len(end) : total + len(end)].tobytes()

    def _tokens(self, start: int, stop: int) -> tuple[list[tuple[Bytes, Lengths]], Bytes, bytes]:
        """What some rows consist of, from left to right, and how long that is in each of them; the end of the row
        before with the start of each row; and that end."""
        low, height, p = start - 1 - self.first, stop - start, self.prefix.encode()
        numbers = np.frombuffer(b"%d" * height % tuple(range(start, stop)), np.uint8).reshape(height, -1)
        end = b"</%srow>" % p
        begin = _between(end + b'<%srow r="' % p, numbers, b'"' + self.attributes + b">")
        tokens: list[tuple[Bytes, Lengths]] = []
        after = b""
        for one in self.columns:
            parts = one.encoded(low, low + height)
            there = parts[0][1] > 0  # no cell at all where there is nothing to put into it
            everywhere = there.all()
            if after and not everywhere:
                tokens.append((_repeated(after, height), np.full(height, len(after))))
                after = b""
            name = b'<%sc r="%s' % (p, letter(one.number).encode())
            head = _between(after + name, numbers, one.before)
            tokens += [(head if everywhere else head * there[:, None], head.shape[1] * there), *parts]
            after = one.after
        if after:
            tokens.append((_repeated(after, height), np.full(height, len(after))))
        return tokens, begin, end


def _lay(found: Bytes, at: Lengths, pieces: Bytes, lengths: Lengths, most: int) -> None:
    """Put the rows of `pieces` where they belong, at most `most` bytes at once: so many behind one may be covered."""
    for low in range(0, pieces.shape[1], most):
        part, where = pieces[:, low : low + most], at
        if low:
            long = np.flatnonzero(lengths > low)
            part, where = part[long], at[long] + low
        width = part.shape[1]
        places = np.ndarray((len(found) - width + 1,), f"V{width}", found, 0, (1,))
        places[where] = np.ascontiguousarray(part).view(f"V{width}").ravel()


def _between(before: bytes, numbers: Bytes, after: bytes) -> Bytes:
    """Numbers, one a row, each between the same two texts."""
    found = _repeated(before + bytes(numbers.shape[1]) + after, len(numbers))
    found[:, len(before) : len(before) + numbers.shape[1]] = numbers
    return found


def _repeated(text: bytes, height: int) -> Bytes:
    """A text in each of so many rows."""
    return np.full(height, np.void(text)).view(np.uint8).reshape(height, -1)
