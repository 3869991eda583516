"""The rows and cells of a worksheet part, cut out by their bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property, lru_cache, partial
from typing import Final, NamedTuple

from segmenter.books import refs, spans
from segmenter.cells import address, column_of, position
from segmenter.errors import Refused

ATTRIBUTES: Final = rb"((?:\s+[^\s<>/\"'=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*+)\s*"
ATTRIBUTE: Final = re.compile(rb"\s+([^\s<>/\"'=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
FORMULA: Final = re.compile(rb"<(?:[^\s<>/:]+:)?f" + ATTRIBUTES + rb"(?:/>|>(.*?)</(?:[^\s<>/:]+:)?f\s*>)", re.DOTALL)
IDLE: Final = re.compile(rb'\s(?:spans="[^"]*"|(?:hidden|collapsed)="(?:0|false)"|outlineLevel="0")')
"""what in the start tag of a row says nothing that would not be so without it"""
_DIGITS: Final = 9
"""of a row's number or a style at most: no sheet has so many, and Python does not read any number"""
_SHOWN: Final = 20
"""characters of a damaged address that are told"""
_OTHERS: Final = re.compile(rb"<(?:[^\s<>/:]+:)?(?:row|c)(?=[\s/>])")
_SMALL: Final = 1 << 12
_KEPT: Final = 1024
"""the cells of so many rows up to so many bytes are kept: a sheet is read again after each table that is written"""
_AHEAD: Final = 1 << 16
"""bytes behind a row in which comments are looked for at once: of a long sheet often only the first rows are read"""
_NUMBER: Final = re.compile(rb'\A r="([0-9]+)"')
_REGULAR: Final = re.compile(
    rb'(<c r="([A-Z]{1,3})([0-9]+)"(?: s="([0-9]{1,9})")?(?: t="([A-Za-z]+)")?'
    rb"(?:/>|>((?:<v>[^<]*</v>|<is><t>[^<]*</t></is>|.*?))</c>))",
    re.DOTALL,
)


def attributes_of(raw: bytes) -> dict[bytes, bytes]:
    """What a start tag says, as it is written."""
    return {one[1]: one[2] if one[2] is not None else one[3] for one in ATTRIBUTE.finditer(raw)}


def whole(told: bytes, otherwise: int) -> int:
    """The whole number an attribute says; `otherwise` where it says none."""
    told = told.strip()
    return int(told) if told.isdigit() and len(told) <= _DIGITS else otherwise


def number(told: str) -> int:
    """The whole number that an attribute around the rows says; Refused where it says none."""
    found = whole(told.encode(), -1)
    if found < 0:
        raise refs.damaged(told)
    return found


def shown(told: bytes) -> str:
    """A damaged address as a message can tell it."""
    return told.decode(errors="replace")[:_SHOWN]


class Cell(NamedTuple):
    """One cell as it stands in the part; never changed."""

    row: int
    column: int
    style: int
    kind: bytes
    """its `t`"""
    inner: bytes
    raw: bytes
    """as written; with an address put in when it had none"""

    @property
    def blank(self) -> bool:
        """Whether it holds nothing: no value, no formula."""
        return not self.inner.strip()

    @property
    def where(self) -> str:
        return address(self.row, self.column)

    @property
    def formula(self) -> tuple[dict[bytes, bytes], str] | None:
        """The attributes and the text of its formula, if it has one."""
        found = FORMULA.search(self.inner)
        if found is None:
            return None
        return attributes_of(found[1]), spans.unescape((found[2] or b"").decode())


class Row:
    """One row as it stands in the part, its number counting from 0; never changed. Its cells are read when they are
    asked for."""

    def __init__(
        self, number: int, attributes: bytes, raw: bytes, inner: bytes, read: Callable[[int, bytes], Mapping[int, Cell]]
    ) -> None:
        self.number = number
        self.attributes = attributes
        self.raw = raw
        self.inner = inner
        self._read = read

    @cached_property
    def cells(self) -> Mapping[int, Cell]:
        return self._read(self.number, self.inner)

    @property
    def blank(self) -> bool:
        return all(cell.blank for cell in self.cells.values())


def rows(data: bytes, start: int, end: int, prefix: str, sheet: str) -> Iterator[Row]:
    """The rows of a sheet (`sheet` on its tab), which stand in `data[start:end]`; refused with comments among them."""
    p = prefix.encode()
    tag = re.compile(rb"<%srow%s(/?)>" % (re.escape(p), ATTRIBUTES))
    close = b"</" + p + b"row"
    read = partial(_cells, sheet, prefix)
    last, looked, behind = -1, start, start
    while one := tag.search(data, start, end):
        found = _NUMBER.match(one[1])
        told = found[1] if found else attributes_of(one[1]).get(b"r")
        number = last + 1 if told is None else whole(told, 0) - 1
        if not last < number < refs.MAX_ROWS:
            raise Refused("rows_disorder", sheet=sheet, row=shown(told or b"") or last + 2)
        last, start = number, one.end()
        inner = b"" if one[2] else data[start : data.find(close, start)]
        start = start if one[2] else data.find(b">", start + len(inner)) + 1
        if one.start() != behind:
            _without_others(data[behind : one.start()], sheet)
        behind = start
        if start > looked:
            looked = _without_comments(data, looked, min(start + _AHEAD, end), sheet)
        yield Row(number, one[1], data[one.start() : start], inner, read)
    _without_comments(data, looked, end, sheet)
    _without_others(data[behind:end], sheet)


def rest(row: Row, prefix: str) -> bytes:
    """What stands in a row besides its cells."""
    if len(row.inner) == sum(len(cell.raw) for cell in row.cells.values()):
        return b""
    return _cell(prefix).sub(b"", row.inner).strip()


def _without_comments(data: bytes, start: int, end: int, sheet: str) -> int:
    """Refuse comments among the rows; returns where they were looked for up to."""
    if data.find(b"<!", start, end + 1) >= 0 or data.find(b"<?", start, end + 1) >= 0:
        raise Refused("sheet_kind", sheet=sheet, part="<!-- -->")
    return end


def _without_others(between: bytes, sheet: str) -> None:
    """Refuse among the rows, or among the cells of one, some that are written with another prefix: nobody would see
    them, and they would go."""
    if found := _OTHERS.search(between):
        raise Refused("sheet_kind", sheet=sheet, part=shown(found[0]))


def _cells(sheet: str, prefix: str, row: int, inner: bytes) -> Mapping[int, Cell]:
    regular = _regular_kept(row, inner) if len(inner) <= _SMALL else _regular(row, inner)
    if regular is not None:
        return regular
    found: dict[int, Cell] = {}
    last, length = -1, 0
    for one in _cell(prefix).finditer(inner):
        length += len(one[0])
        attributes = attributes_of(one[1])
        raw = one[0]
        if (told := attributes.get(b"r")) is not None:
            try:
                at, column = position(told.decode())
            except ValueError as error:
                where = shown(told) or address(row, last + 1)
                raise Refused("cell_damaged", sheet=sheet, cell=where) from error
        else:
            at, column = row, last + 1
            head = 2 + len(prefix)
            raw = raw[:head] + f' r="{address(row, column)}"'.encode() + raw[head:]
        if column <= last or at != row:
            raise Refused("cells_disorder", sheet=sheet, row=row + 1)
        last = column
        style, kind = whole(attributes.get(b"s", b"0"), -1), attributes.get(b"t", b"n")
        if style < 0:
            raise Refused("cell_damaged", sheet=sheet, cell=address(row, column))
        found[column] = Cell(row, column, style, kind, one[2] or b"", raw)
    if length != len(inner):
        _without_others(_cell(prefix).sub(b"", inner), sheet)
    return found


def _regular(row: int, inner: bytes) -> Mapping[int, Cell] | None:
    """The cells of a row when all are written as most programs write them; None when one of them is not."""
    found: dict[int, Cell] = {}
    number, last, length = b"%d" % (row + 1), -1, 0
    for raw, letters, digits, style, kind, content in _REGULAR.findall(inner):
        column = _column(letters)
        if column <= last or digits != number:
            return None
        last = column
        length += len(raw)
        found[column] = Cell(row, column, int(style or 0), kind or b"n", content, raw)
    # an end tag with a blank in it would take the next cell along
    return found if length == len(inner) and inner.count(b"<c") == len(found) else None


@cache
def _cell(prefix: str) -> re.Pattern[bytes]:
    """A whole cell."""
    p = re.escape(prefix.encode())
    return re.compile(rb"<%sc%s(?:/>|>(.*?)</%sc\s*>)" % (p, ATTRIBUTES, p), re.DOTALL)


_regular_kept = lru_cache(_KEPT)(_regular)


@cache
def _column(letters: bytes) -> int:
    return column_of(letters.decode())
