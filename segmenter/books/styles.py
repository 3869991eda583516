"""The styles part: ids stay what they are, new ones are appended."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Final

from segmenter.books import spans
from segmenter.books.edits import Edits
from segmenter.books.rowxml import whole

_BUILTIN_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_DAY: Final = 14
"""the built-in format of a day, shown in the reader's own way"""
_QUIET: Final = re.compile(r'".*?"|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]')
"""what of a format is not about digits: words in quotes, colours and languages in brackets"""
_DAYS: Final = re.compile(r"(?<![_\\])[dmhysDMHYS]")
_SURELY: Final = {
    **{str(one): True for one in (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))},
    **{str(one): False for one in (*range(14), *range(37, 45), 48, 49)},
}
"""of built-in formats of which it can be told at a glance, whether they show days"""
_ESCAPED: Final = re.compile(r"[_\\].")
_ENTANGLED: Final = re.compile(r"[_\\][\";\[]|\*|\[[hmsHMS]+\]")
"""what is left to closer looks: quotes behind escapes, characters that fill a cell, durations"""
_TELLING: Final = re.compile(r"[dmhysapDMHYSAP]")
_QUOTE: Final = rb"\s+quotePrefix\s*=\s*(?:\"[^\"]*\"|'[^']*')"
_ASKED: Final = rb"\s+(?:quotePrefix|numFmtId|applyNumberFormat)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
_UNLOCKED: Final = re.compile(rb"<(?:[^\s<>/:]+:)?protection\b[^>]*\slocked\s*=\s*[\"'](?:0|false)[\"']")


class Styles:
    """The cell formats of a workbook (`cellXfs`), to which variants can be added. `data` is None without a part."""

    def __init__(self, data: bytes | None, part: str) -> None:
        self._data = data
        self._root = None if data is None else spans.parse(data, part)
        found = None if self._root is None else self._root.first("cellXfs")
        self._list = found
        self._formats: list[bytes] = [*_raws(found)] if found else []
        self._before = len(self._formats)
        self._locked: dict[int, bool] = {}
        self._surely: dict[int, bool | None] = {}
        self._barely: dict[int, bytes] = {}

    def quoted(self, style: int) -> int:
        """`style` for a text that a program could take for a formula: marked as text for good."""
        return self._variant(style, _with(self._raw(style), b"quotePrefix", b"1"))

    def quoted_id(self, style: int) -> int:
        """What `quoted` gives if it need not add a style, otherwise `style` itself."""
        raw = _with(self._raw(style), b"quotePrefix", b"1")
        return self._formats.index(raw) if raw in self._formats else style

    def exists(self, style: int) -> bool:
        """Whether the workbook has `style`: some have no formats at all, and then none has variants."""
        return style < len(self._formats)

    def is_quoted(self, style: int) -> bool:
        """Whether `style` bears that mark."""
        return b"quotePrefix" in self._raw(style)

    def unquoted(self, style: int) -> int:
        """`style` without that mark."""
        raw = self._raw(style)
        return self._variant(style, re.sub(_QUOTE, b"", raw)) if b"quotePrefix" in raw else style

    def untexted(self, style: int) -> int:
        """`style` if it is not the format of texts, in which a formula typed anew would be one; otherwise its like."""
        raw = self._raw(style)
        number = spans.parse(raw, "xf", checked=True).get("numFmtId", "0") if raw else "0"
        if number != "49" and self._codes.get(number) != "@":
            return style
        return self._variant(style, _with(raw, b"numFmtId", b"0"))

    def dated(self, style: int) -> int:
        """`style` if it shows a number as a day, otherwise its like that does."""
        raw = self._raw(style)
        if not raw or self._shows_days(raw):
            return style
        changed = _with(_with(raw, b"numFmtId", str(_DAY).encode()), b"applyNumberFormat", b"1")
        return self._variant(style, changed)

    def alike(self, style: int, other: int) -> bool:
        """Whether two styles differ in nothing but what a value can ask for: the mark of a text, another format."""
        return self._bare(style) == self._bare(other)

    def _bare(self, style: int) -> bytes:
        if style not in self._barely:
            self._barely[style] = re.sub(_ASKED, b"", self._raw(style)) if style < len(self._formats) else b"none"
        return self._barely[style]

    def locked(self, style: int) -> bool:
        """Whether a protected sheet locks cells of this style, as it does unless they say otherwise."""
        if style not in self._locked:
            self._locked[style] = not _UNLOCKED.search(self._raw(style))
        return self._locked[style]

    def _raw(self, style: int) -> bytes:
        return self._formats[style] if style < len(self._formats) else b""

    def _variant(self, style: int, raw: bytes) -> int:
        if not raw:
            return style
        if raw in self._formats:
            return self._formats.index(raw)
        self._formats.append(raw)
        return len(self._formats) - 1

    @cached_property
    def _codes(self) -> dict[str, str]:
        if self._root is None:
            return {}
        return {one.get("numFmtId"): one.get("formatCode") for one in self._root.all("numFmts", "numFmt")}

    def shows_days(self, style: int) -> bool:
        """Whether a style shows a number as a day or a moment."""
        raw = self._raw(style)
        return bool(raw) and self._shows_days(raw)

    def _shows_days(self, raw: bytes) -> bool:
        number = spans.parse(raw, "xf", checked=True).get("numFmtId", "0")
        if number in self._codes:
            return _DAYS.search(_QUIET.sub("", self._codes[number].split(";")[0])) is not None
        return whole(number.encode(), -1) in _BUILTIN_DATES

    def surely_shows_days(self, style: int) -> bool | None:
        """The same, None where it cannot be told at a glance: durations, times with AM and PM, what has no format."""
        if style not in self._surely:
            self._surely[style] = self._told(self._raw(style))
        return self._surely[style]

    def _told(self, raw: bytes) -> bool | None:
        if not raw:
            return None
        number = spans.parse(raw, "xf", checked=True).get("numFmtId", "0")
        if number not in self._codes:
            return _SURELY.get(number)
        code = self._codes[number]
        if code.casefold() == "general":
            return False
        quiet = _ESCAPED.sub("", _QUIET.sub("", code).split(";")[0])
        found = _TELLING.search(quiet)
        unclear = _ENTANGLED.search(code) or "[" in quiet or '"' in quiet or (found and found[0] in "aApP")
        return None if unclear else found is not None

    @property
    def data(self) -> bytes | None:
        """The part with the variants in it; None when none was added."""
        added = self._formats[self._before :]
        if not added or self._list is None or self._data is None:
            return None
        edits = Edits(self._data)
        edits.set(self._list, "count", str(len(self._formats)))
        edits.append(self._list, b"".join(added))
        return edits.apply()


@lru_cache(64)
def _raws(formats: spans.Element) -> tuple[bytes, ...]:
    """The cell formats as they are written."""
    return tuple(one.raw for one in formats.members)


def _with(raw: bytes, attribute: bytes, value: bytes) -> bytes:
    """An element's bytes with an attribute set in its start tag."""
    if not raw:
        return raw
    head, _, tail = raw.partition(b">")
    new = b" " + attribute + b'="' + value + b'"'
    changed, count = re.subn(rb"\s+" + attribute + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')", new, head)
    if not count:  # right behind the others: a blank before the end, as some programs write it, stays there
        said = head.rstrip(b"/ \t\r\n")
        changed = said + new + head[len(said) :]
    return changed + b">" + tail
