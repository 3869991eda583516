"""A sheet whose rows are all written as most programs write them (`regular`), as a `Grid`: what calamine gives of it.

Anything calamine might see in another way is left to it: texts that lose their spaces, times, durations, formats that
cannot be told at a glance, errors, formulas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from segmenter.books import cells, regular, spans
from segmenter.books.regular import Rows, Tag
from segmenter.books.scanned import days
from segmenter.books.styles import Styles

_EDGES: Final = tuple(edge for blank in (b" ", b"\n", b"\t") for edge in (b"<t>" + blank, blank + b"</t>"))
_TRIMMED: Final = rb"<t>(?:\s|[^<]*\s</t>)"
_HIDDEN: Final = rb'\shidden="(?:1|true)"'
_ASIDE: Final = re.compile(rb"\shidden\b")
_NUMERIC: Final = b"0123456789.-+eE"
_SPREAD: Final = 64
"""how many rows there may be for one that is written"""
_LAST: Final = 2_958_466
"""days from 1900 to the end of 9999, where dates end"""


class Unlike(Exception):
    """Something that calamine might see in another way."""


class Short(NamedTuple):
    """A sheet: its elements around the rows, the values from A1 on, and the rows that are not shown."""

    root: spans.Element
    rows: list[list[Any]]
    hidden_rows: frozenset[int]


class Texts:
    """The shared strings of a workbook, and the part they are written in."""

    def __init__(self, strings: Sequence[str], data: bytes) -> None:
        self.strings = strings
        self.data = data

    @cached_property
    def trimmed(self) -> bool:
        """Whether one of them loses spaces at its ends."""
        return _trims(self.data)


def read(data: bytes, part: str, texts: Texts, styles: Styles, *, date1904: bool) -> Short | None:
    """What stands on a worksheet; None when calamine has to say it."""
    found = regular.within(data)
    if found is None:
        return None
    root = spans.parse(found.skeleton, part)
    if not any(one.inner == found.start for one in root.all("sheetData")):
        return None
    written = found.rows
    hidden = {one for one in {*written.attributes} if _ASIDE.search(one)}
    if not all(re.search(_HIDDEN, one) for one in hidden):
        return None
    try:
        values = _Values(texts, styles, data[found.start : found.end], date1904=date1904).rows(written)
    except Unlike:
        return None
    pairs = zip(written.numbers, written.attributes, strict=True)
    return Short(root, values, frozenset(number for number, one in pairs if one in hidden) if hidden else frozenset())


class _Values:
    """Turns the contents of cells into values."""

    def __init__(self, texts: Texts, styles: Styles, body: bytes, *, date1904: bool) -> None:
        self._texts = texts
        self._styles = styles
        self._body = body
        self._date1904 = date1904

    @cached_property
    def _trims(self) -> bool:
        """Whether an inline text loses spaces at its ends."""
        return _trims(self._body)

    def rows(self, found: Rows) -> list[list[Any]]:
        """The values from A1 to the last row and the last column that have any."""
        columns: dict[int, list[Any]] = {}
        last = -1
        filled = {tag for tag, said in found.tags.items() if said.filled}
        for number, (tags, contents) in found.columns.items():
            if filled.isdisjoint(tags):
                continue
            # most often a header stands over cells of one kind
            columns[number] = self._column(tags[:1], contents[:1], found.tags)
            if len(tags) > 1:
                columns[number] += self._column(tags[1:], contents[1:], found.tags)
            at = len(tags) - 1
            while tags[at] not in filled:
                at -= 1
            last = max(last, at)
        if not columns:
            return []
        numbers = found.numbers[: last + 1]
        if numbers[-1] > _SPREAD * len(numbers):
            raise Unlike
        empty = [None] * len(found.numbers)
        values = [*map(list, zip(*(columns.get(n, empty) for n in range(max(columns) + 1)), strict=True))][: last + 1]
        if numbers[-1] == last:
            return values
        by_number = dict(zip(numbers, values, strict=True))
        return [by_number.get(n) or [None] * (max(columns) + 1) for n in range(numbers[-1] + 1)]

    def _column(self, tags: Sequence[bytes], contents: Sequence[bytes], said: Mapping[bytes, Tag]) -> list[Any]:
        different = {*tags}
        readers = {tag: self._reader(said[tag]) for tag in different if tag and said[tag].filled}
        kinds = {*readers.values()}
        if len(kinds) == 1 and len(readers) == len(different):
            return kinds.pop()(self, contents)
        found: list[Any] = [None] * len(tags)
        for kind in kinds:
            at = [n for n, tag in enumerate(tags) if readers.get(tag) is kind]
            for n, value in zip(at, kind(self, [contents[n] for n in at]), strict=True):
                found[n] = value
        return found

    def _reader(self, tag: Tag) -> Callable[[_Values, Sequence[bytes]], list[Any]]:
        if tag.kind == b"n":
            shows_days = _shows_days(self._styles, tag.style)
            return _Values._days if shows_days else _Values._numbers
        return _READERS[tag.kind]

    def _shared(self, contents: Sequence[bytes]) -> list[Any]:
        if b"" in contents or not b"".join(contents).isdigit():
            raise Unlike
        strings = self._texts.strings
        try:
            found: list[Any] = [*map(strings.__getitem__, map(int, contents))]
        except (IndexError, ValueError) as error:  # of more digits than Python takes
            raise Unlike from error
        if "" in found:
            found = [one or None for one in found]
        if self._texts.trimmed:
            _refuse_spaced(found)
        return found

    def _inline(self, contents: Sequence[bytes]) -> list[Any]:
        found: list[Any] = [one or None for one in cells.plain_texts(contents)]
        if self._trims:
            _refuse_spaced(found)
        return found

    def _results(self, contents: Sequence[bytes]) -> list[Any]:
        if b"" in contents:
            raise Unlike
        return [*cells.plain_texts(contents)]

    def _truths(self, contents: Sequence[bytes]) -> list[Any]:
        if not {*contents} <= {b"0", b"1"}:
            raise Unlike
        return [one == b"1" for one in contents]

    def _numbers(self, contents: Sequence[bytes]) -> list[Any]:
        if b"".join(contents).translate(None, _NUMERIC):
            raise Unlike
        try:
            return [*map(float, contents)]
        except ValueError as error:
            raise Unlike from error

    def _days(self, contents: Sequence[bytes]) -> list[Any]:
        numbers = self._numbers(contents)
        if self._date1904 or not 1 <= min(numbers) <= max(numbers) < _LAST:
            raise Unlike
        return [*map(_day, numbers)]


_READERS: Final = {
    b"s": _Values._shared,
    b"inlineStr": _Values._inline,
    b"str": _Values._results,
    b"b": _Values._truths,
}


def _trims(data: bytes) -> bool:
    """Whether a text in some XML begins or ends with a space without saying that this is to be kept."""
    return any(edge in data for edge in _EDGES) and re.search(_TRIMMED, data) is not None


def _refuse_spaced(found: Sequence[str | None]) -> None:
    if any(one and (one[0].isspace() or one[-1].isspace()) for one in found):
        raise Unlike


@lru_cache(1 << 12)
def _day(number: float) -> Any:
    return days(np.array([number]), date1904=False)[0]


def _shows_days(styles: Styles, style: int) -> bool:
    """Whether calamine, too, shows numbers of a style as days, or as numbers."""
    found = styles.surely_shows_days(style)
    if found is None:
        raise Unlike
    return found
