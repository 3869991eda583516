"""Rows written as most programs write them, all of them cut into their cells by one expression.

    <row r="17" spans="1:3"><c r="A17" s="45" t="s"><v>869</v></c><c r="B17" s="46"/></row>

Every byte is accounted for: where one is not as expected there are no such rows, and another reader has to take them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from segmenter.cells import position

_OPEN: Final = b"<sheetData>"
_CLOSE: Final = b"</sheetData>"
_FIRST: Final = 1 << 12
"""bytes of rows that most often have a cell in every column"""
_SHORT: Final = 1 << 15
"""bytes of rows up to which they are cut cell by cell"""
_SMALL: Final = 1 << 16
_KEPT: Final = 32
"""so many sheets with few bytes of rows are kept: those of a template are the same in the next workbook"""
_MOST: Final = 64
"""columns beyond which an expression takes too long to make"""
_LETTERS: Final = re.compile(rb'<c r="([A-Z]{1,3})')
_TAG: Final = re.compile(rb'(?: s="([0-9]{1,5})")?(?: t="(s|n|b|str|inlineStr)")?(/?)>')
_ROW: Final = rb'<row r="([1-9][0-9]{0,6})"([^<>]*)>(?:(?<=/>)|%s</row>)'
_CELL: Final = rb'(?:<c r="%s\1"([^<>]*+>)(?:(?<=/>)|(?<!/>)<v>([^<]*+)</v></c>))?+'
_CELL_INLINE: Final = (
    rb'(?:<c r="%s\1"([^<>]*+>)(?:(?<=/>)|(?<!/>)'
    rb'(?:<v>([^<]*+)</v>|<is><t(?: xml:space="preserve")?>([^<]*+)</t></is>)</c>))?+'
)
_TOKEN: Final = re.compile(
    rb'<row r="([1-9][0-9]{0,6})"([^<>]*+)>|</row>|<c r="([A-Z]{1,3})([0-9]+)"([^<>]*+>)(?:(?<=/>)|(?<!/>)'
    rb'(?:<v>([^<]*+)</v>|<is><t(?: xml:space="preserve")?>([^<]*+)</t></is>)</c>)'
)
_REFERENCE: Final = re.compile(rb"&(?!(?:lt|gt|quot|apos|amp);)")
"""one that is not of the five XML knows by itself"""


class Tag(NamedTuple):
    """What the start tag of a cell says."""

    style: int
    kind: bytes
    """its `t`"""
    filled: bool
    """whether the cell has a content"""


class Column(NamedTuple):
    """The cells of one column, row by row: what follows the address in the start tag (b"" where there is no cell), and
    what stands in `<v>`, or in the `<t>` of an inline text, as it is written."""

    tags: Sequence[bytes]
    contents: Sequence[bytes]


class Rows(NamedTuple):
    """The rows that are written: their numbers, counted from 0, and the columns that have any cell."""

    numbers: Sequence[int]
    attributes: Sequence[bytes]
    """what the start tag of each row says besides its number; with the slash of an empty element"""
    columns: Mapping[int, Column]
    tags: Mapping[bytes, Tag]
    """what the tags in the columns say"""


def cut(body: bytes) -> Rows | None:
    """The rows that stand in `body`, the content of `<sheetData>` without a prefix; None when one byte of it is not as
    expected. What the start tags of the rows say besides their numbers is not looked at."""
    return _cut_small(body) if len(body) <= _SMALL else _cut(body)


def _cut(body: bytes) -> Rows | None:
    if not _is_text(body):
        return None
    count = body.count(b"<row ")
    if not count:
        return None
    if len(body) <= _SHORT:
        return _one_by_one(body)
    inline = b"<is>" in body
    found, letters = _found(body, body[:_FIRST], count, inline=inline)
    if len(found) != count:
        found, letters = _found(body, body, count, inline=inline)
        if len(found) != count:
            return None
    raw, attributes, *groups = zip(*found, strict=True)
    if any(one.count(b'"') % 2 or one.count(b"'") % 2 for one in {*attributes}):  # a tag goes on behind a > in quotes
        return None
    numbers = [int(one) - 1 for one in raw]
    if sorted({*numbers}) != numbers:
        return None
    tags: dict[bytes, Tag] = {}
    columns: dict[int, Column] = {}
    elements = 2 * count - sum(attributes.count(one) for one in {*attributes} if one.endswith(b"/"))
    for n, name in enumerate(letters):
        its = groups[(2 + inline) * n]
        different = {*its} - {b""}
        told = {tag: said for tag in different if (said := _said(tag))}
        if len(told) != len(different):
            return None
        contents: Sequence[bytes] = groups[(2 + inline) * n + 1]
        if inline:
            joined = _joined(its, contents, groups[3 * n + 2], told)
            if joined is None:
                return None
            contents = joined
        for tag, said in told.items():
            elements += its.count(tag) * ((6 if said.kind == b"inlineStr" else 4) if said.filled else 1)
        tags |= told
        if told:
            columns[position(name.decode() + "1")[1]] = Column(its, contents)
    return Rows(numbers, attributes, columns, tags) if elements == body.count(b"<") else None


_cut_small = lru_cache(_KEPT)(_cut)


def _one_by_one(body: bytes) -> Rows | None:
    """The same, cell by cell: for some rows no expression of their own is made, which takes longer than they do."""
    numbers: list[int] = []
    attributes: list[bytes] = []
    found: dict[bytes, tuple[list[bytes], list[bytes]]] = {}
    tags: dict[bytes, Tag] = {}
    elements, digits, last = 0, b"", (0, b"")
    for number, said, name, where, tag, value, text in _TOKEN.findall(body):
        if name:
            here = len(name), name
            if where != digits or here <= last:
                return None
            last = here
            told = tags.get(tag)
            if told is None:
                if (told := _said(tag)) is None:
                    return None
                tags[tag] = told
            if name not in found:
                found[name] = [], []
            its, contents = found[name]
            missing = len(numbers) - 1 - len(its)
            its += (*(b"",) * missing, tag)
            is_text = told.kind == b"inlineStr"
            if value if is_text else text:
                return None
            contents += (*(b"",) * missing, text if is_text else value)
            elements += (6 if is_text else 4) if told.filled else 1
        elif number:
            if digits or (numbers and int(number) <= numbers[-1] + 1):
                return None
            numbers.append(int(number) - 1)
            attributes.append(said)
            digits, last = b"" if said.endswith(b"/") else number, (0, b"")
            elements += 1
        elif not digits:
            return None
        else:
            digits, elements = b"", elements + 1
    if digits or elements != body.count(b"<"):
        return None
    columns = {}
    for name in sorted(found, key=lambda name: (len(name), name)):
        missing = len(numbers) - len(found[name][0])
        columns[position(name.decode() + "1")[1]] = Column(*([*each, *(b"",) * missing] for each in found[name]))
    return Rows(numbers, attributes, columns, tags)


class Within(NamedTuple):
    """The rows of a worksheet part: `data[start:end]`. `skeleton` is the part with empty rows in their place, that have
    all the start tags of the rows say besides their numbers: if it is well-formed, so is the part."""

    rows: Rows
    start: int
    end: int
    skeleton: bytes


def within(data: bytes) -> Within | None:
    """The rows of a worksheet part; None when they are not as expected, or there are comments around them."""
    start, end = data.find(_OPEN) + len(_OPEN), data.rfind(_CLOSE)
    if start < len(_OPEN) or end < start:
        return None
    if data.find(b"<!", 0, start) >= 0 or data.find(b"<!", end) >= 0:
        return None
    rows = cut(data[start:end])
    if rows is None:
        return None
    tags = (
        b'<row r="1"%s>' % one + (b"" if one.endswith(b"/") else b"</row>") for one in dict.fromkeys(rows.attributes)
    )
    return Within(rows, start, end, b"".join((data[:start], *tags, data[end:])))


def _is_text(body: bytes) -> bool:
    """Whether what stands between and within tags can stand in XML, as far as it has not to do with tags."""
    raw = np.frombuffer(body, np.uint8)
    if raw.min(initial=ord(" ")) < ord(" "):
        blanks = np.count_nonzero(raw < ord(" "))
        if blanks != body.count(b"\n") + body.count(b"\t"):
            return False
    if b"]]>" in body or _REFERENCE.search(body):
        return False
    if body.isascii():
        return True
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return "\ufffe" not in text and "\uffff" not in text  # characters XML does not know


def _found(
    body: bytes, sample: bytes, count: int, *, inline: bool
) -> tuple[list[tuple[bytes, ...]], tuple[bytes, ...]]:
    """The groups of `_expression` in each row, and the names of the columns that `sample` has."""
    names = sorted({*_LETTERS.findall(sample)}, key=lambda name: (len(name), name))
    if len(names) > _MOST:
        return [], ()
    return _expression((*names,), inline=inline).findall(body), (*names,)


@lru_cache(64)
def _expression(names: tuple[bytes, ...], *, inline: bool) -> re.Pattern[bytes]:
    """What a row is like that has cells in these columns only."""
    cell = _CELL_INLINE if inline else _CELL
    return re.compile(_ROW % b"".join(cell % name for name in names))


@lru_cache(4096)
def _said(tag: bytes) -> Tag | None:
    found = _TAG.fullmatch(tag)
    return Tag(int(found[1] or 0), found[2] or b"n", not found[3]) if found else None


def _joined(
    tags: Sequence[bytes], values: Sequence[bytes], texts: Sequence[bytes], told: Mapping[bytes, Tag]
) -> Sequence[bytes] | None:
    """The contents of a column with inline texts; None when one stands where it does not belong."""
    inline = {tag for tag, said in told.items() if said.kind == b"inlineStr"}
    if not inline or len(inline) == len(told):
        its, others = (texts, values) if inline else (values, texts)
        return None if any(others) else its
    found = []
    for tag, value, text in zip(tags, values, texts, strict=True):
        if value if tag in inline else text:
            return None
        found.append(text if tag in inline else value)
    return found
