"""Worksheets that calamine must not be asked for, because it would take all memory or take one text for another; and
those it gives up: which cell it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from segmenter.books import spans
from segmenter.books.rowxml import ATTRIBUTES, attributes_of, shown, whole
from segmenter.books.sheetxml import merged
from segmenter.cells import address, position
from segmenter.errors import Refused

_SPREAD: Final = 1 << 25
"""cells the rectangle around a sheet's cells may have however few there are"""
_UNUSUAL: Final = (
    rb'c(?<=[<:]c)(?! r="[A-Z]{1,3}[1-9][0-9]{0,6}")(?=[\s/>])',
    rb'row(?<=[<:]row)(?! r="[1-9][0-9]{0,6}")(?=[\s/>])',
)
"""what may be a cell or a row whose address is not written as most programs write it"""
_FAR: Final = rb'c r="(?:[A-Z]{3}|A[G-Z]|[B-Z][A-Z]|[A-Z]{1,2}[0-9]{7})'
"""a cell that reaches out of 32 columns of 999,999 rows, which are fewer than `_SPREAD`"""
_LETTERS: Final = rb'<(?:[^\s<>/:]+:)?c r="([A-Z]+)[0-9]+"[^<>]*+(?<!/)>'
_DIGITS: Final = rb'<(?:[^\s<>/:]+:)?c r="[A-Z]+([0-9]+)"[^<>]*+(?<!/)>'
_TAG: Final = re.compile(rb"<((?:[^\s<>/:]+:)?)(?:row%s/?|c%s(/?))>" % (ATTRIBUTES, ATTRIBUTES))
_USUAL: Final = re.compile(rb' r="([A-Z]{1,3})([1-9][0-9]{0,6})"')
_ADDRESS: Final = re.compile(rb"[A-Za-z]{1,3}0*[1-9][0-9]{0,6}")
_NUMBER: Final = re.compile(rb"0*[1-9][0-9]{0,6}")
_PLACE: Final = rb"\+?[0-9]{1,9}"
_LOST: Final = (
    rb"=\s*[\"']s[\"'][^<>]*>(?:<(?:[^\s<>/:]+:)?f\b[^<>]*(?:/>|>[^<]*<[^<>]*>))?"
    rb"<(?:[^\s<>/:]+:)?v(?:\s[^<>]*)?>(?!" + _PLACE + rb"<|<)"
)
"""what looks like a shared string whose place among them is no number: calamine gives the first one instead"""
_NO_PLACE: Final = rb'"s"[^<>]*>(?!<v>[0-9]{1,9}<)'
"""what a sheet without such a cell mostly lacks, looked for many times faster"""
_INLINE: Final = rb"(?s)<((?:[^\s<>/:]+:)?is)\b[^<>]*(?<!/)>.*?</\1\s*>"
_CHILD: Final = rb"<(?:[^\s<>/:!?]+:)?([^\s<>/:!?]+)"
_VALUE: Final = rb"<(?:[^\s<>/:]+:)?v(?:\s[^<>]*)?(?:/>|>([^<]*)<)"
_CHILDREN: Final = frozenset({b"f", b"v", b"is"})
_KINDS: Final = frozenset({b"s", b"n", b"b", b"d", b"e", b"str", b"inlineStr"})
_TRUTHS: Final = frozenset({b"0", b"1", b"true", b"false"})
ERRORS: Final = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DATA!"})
"""all of these are what calamine reads"""


class _Cell(NamedTuple):
    """A cell as calamine meets it."""

    row: int
    column: int
    attributes: bytes
    empty: bool
    """whether its element is `<c/>`"""
    end: int
    """where its start tag ends"""
    prefix: bytes


def fit(data: bytes, part: str, sheet: str) -> tuple[spans.Element, bytes]:
    """The frame of a worksheet part and its rows; Refused where calamine must not be asked for them."""
    root, start, end = spans.frame(data, part, "sheetData")
    if root.name != "worksheet" or root.first("sheetData") is None:
        raise Refused("sheet_kind", sheet=sheet, part=part)
    merged(root)  # calamine gives up where one is no range
    body = spans.without_comments(data[start:end])
    _refuse_unfit(body, sheet)
    return root, body


def _refuse_unfit(body: bytes, sheet: str) -> None:
    _refuse_spread(body, sheet)
    if (b"'s'" in body or re.search(_NO_PLACE, body)) and re.search(_LOST, body):
        for cell in _cells(body, sheet):
            kind, inner = attributes_of(cell.attributes).get(b"t"), _inner(body, cell)
            if kind == b"s" and re.fullmatch(_PLACE, _value(inner) or b"0") is None:
                raise _damaged(cell, sheet)


def asked(values: Callable[[], list[list[Any]]], body: bytes, sheet: str, part: str) -> list[list[Any]]:
    """The values of a sheet, whose rows are `body`, through calamine; Refused where it does not read them."""
    try:
        return values()
    except BaseException as error:
        if gave_up(error):
            raise _refusal(error, body, sheet, part) from error
        raise


def gave_up(error: BaseException) -> bool:
    """Whether calamine has given up. Where it breaks down that is no Exception, and its class has no module to be had
    from."""
    from python_calamine import CalamineError

    return isinstance(error, CalamineError) or type(error).__name__ == "PanicException"


def _refusal(error: BaseException, body: bytes, sheet: str, part: str) -> Refused:
    """What to say of a sheet on which calamine has given up with `error`: the cell, if it can be told."""
    places: dict[int, _Cell] = {}
    try:
        for cell in _cells(body, sheet):
            kind, inner = attributes_of(cell.attributes).get(b"t"), _inner(body, cell)
            if _is_damaged(kind, inner):
                return _damaged(cell, sheet)
            if kind == b"s" and (place := _value(inner)):
                places.setdefault(whole(place, 0), cell)
    except Refused as found:
        return found
    if places and "shared strings" in str(error):
        return _damaged(places[max(places)], sheet)
    return Refused("xml_damaged", sheet=sheet, part=f"{sheet} ({part})", reason=str(error))


def _damaged(cell: _Cell, sheet: str) -> Refused:
    return Refused("cell_damaged", sheet=sheet, cell=address(cell.row, cell.column))


def _is_damaged(kind: bytes | None, inner: bytes) -> bool:
    """Whether calamine gives a cell up: it is of no kind there is, or holds what its kind cannot."""
    plain = re.sub(_INLINE, b"", inner)
    if not _CHILDREN.issuperset(re.findall(_CHILD, plain)):
        return True
    value = _value(plain)
    if value is None or kind is None:
        return False
    if not value or kind not in _KINDS:
        return kind not in _KINDS
    if kind == b"b":
        return value.strip().lower() not in _TRUTHS
    if kind == b"e":
        return value.decode(errors="replace") not in ERRORS
    return kind == b"n" and not _is_number(value)


def _is_number(value: bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return b"_" not in value and value == value.strip()  # which Python takes, too


def _inner(body: bytes, cell: _Cell) -> bytes:
    return b"" if cell.empty else body[cell.end : body.find(b"</" + cell.prefix + b"c", cell.end)]


def _value(inner: bytes) -> bytes | None:
    """What stands in `<v>`, None without one."""
    found = re.search(_VALUE, inner)
    return (found[1] or b"") if found else None


def _refuse_spread(body: bytes, sheet: str) -> None:
    """Refuse a sheet with so few cells so far apart that the rectangle around them would fill the memory."""
    usual = not any(re.search(one, body) for one in _UNUSUAL)
    if usual and re.search(_FAR, body) is None:
        return
    count, rows, columns = _usual_extent(body) if usual else _extent(body, sheet)
    if rows * columns > max(_SPREAD, 16 * count):
        filled = [cell[:2] for cell in _cells(body, sheet) if not cell.empty]
        far = max(filled), max(filled, key=lambda place: place[1])
        raise Refused("sheet_spread", sheet=sheet, cell=", ".join(dict.fromkeys(address(*place) for place in far)))


def _extent(body: bytes, sheet: str) -> tuple[int, int, int]:
    """How many cells there are that are not empty elements, and the last row and column with one, counted from 1."""
    filled = [cell[:2] for cell in _cells(body, sheet) if not cell.empty]
    rows, columns = zip(*filled, strict=True) if filled else ((-1,), (-1,))
    return len(filled), max(rows) + 1, max(columns) + 1


def _usual_extent(body: bytes) -> tuple[int, int, int]:
    """The same where all addresses are usual, which is found at once."""
    numbers = re.findall(_DIGITS, body)
    rows, columns = map(int, {*numbers}), map(_column, {*re.findall(_LETTERS, body)})
    return len(numbers), max(rows, default=0), max(columns, default=-1) + 1


def _cells(body: bytes, sheet: str) -> Iterator[_Cell]:
    """The cells where calamine sees them: one without an address beside the one before. Refused at an address that is
    none, or so large that calamine would count anew from zero."""
    row, column = -1, 0
    for found in _TAG.finditer(body):
        if found[2] is not None:
            told = attributes_of(found[2]).get(b"r")
            if told is not None and not _NUMBER.fullmatch(told):
                raise Refused("rows_disorder", sheet=sheet, row=shown(told) or row + 2)
            row, column = row + 1 if told is None else int(told) - 1, 0
            continue
        at = row
        if usual := _USUAL.match(found[3]):
            at, column = int(usual[2]) - 1, _column(usual[1])
        elif (told := attributes_of(found[3]).get(b"r")) is not None:
            if not _ADDRESS.fullmatch(told):
                raise Refused("cell_damaged", sheet=sheet, cell=shown(told) or address(row, column))
            at, column = position(told.decode())
        yield _Cell(at, column, found[3], bool(found[4]), found.end(), found[1])
        column += 1


@cache
def _column(letters: bytes) -> int:
    return position(letters.decode() + "1")[1]
