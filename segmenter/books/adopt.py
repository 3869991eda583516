"""Bringing the cell formats of one workbook into another: appended to its styles, none of its ids changed."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from segmenter.books import spans
from segmenter.books.edits import Edits
from segmenter.books.rowxml import whole

_OWN_IDS: Final = 164
"""number formats below are the same everywhere"""
_PARTS: Final = {"fontId": "fonts", "fillId": "fills", "borderId": "borders"}
_ORDER: Final = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs")
_TAG: Final = rb"<(/?)(?=[A-Za-z])"


def prefixed(raw: bytes, prefix: str) -> bytes:
    """A piece of XML without prefixes, with `prefix` put before every tag."""
    return re.sub(_TAG, rb"<\1" + prefix.encode(), raw) if prefix else raw


def _id(one: spans.Element) -> int:
    """The number of a number format; 0 where it has none."""
    return whole(one.get("numFmtId").encode(), 0)


class Adoption:
    """Cell formats of `theirs` (a styles part without prefixes) as formats of `ours`."""

    def __init__(self, ours: bytes, theirs: bytes, part: str) -> None:
        self._ours = ours
        self._theirs = theirs
        self._part = part
        self._added: dict[str, list[bytes]] = {}
        self._places: dict[str, dict[bytes, int]] = {}
        self._styles: dict[int, int] = {}

    @cached_property
    def _root(self) -> spans.Element:
        return spans.parse(self._ours, self._part)

    @cached_property
    def _source(self) -> spans.Element:
        return spans.parse(self._theirs, "styles")

    def _count(self, name: str) -> int:
        """How many items the list `name` has, with those that were added."""
        one = self._root.first(name)
        return (len(one.members) if one else 0) + len(self._added.get(name, ()))

    def _add(self, name: str, raw: bytes) -> int:
        """The place of an item in a list of ours, added when it is not there."""
        raw = prefixed(raw, self._root.prefix)
        if name not in self._places:
            one = self._root.first(name)
            items = [item.raw for item in one.members] if one else []
            self._places[name] = dict(zip(reversed(items), reversed(range(len(items))), strict=True))
        if raw not in self._places[name]:
            self._places[name][raw] = self._count(name)
            self._added.setdefault(name, []).append(raw)
        return self._places[name][raw]

    def _list(self, name: str) -> list[spans.Element]:
        one = self._source.first(name)
        return one.children if one else []

    def style(self, style: int) -> int:
        """The id here of their cell format `style`."""
        if style not in self._styles:
            self._styles[style] = self._adopted(style)
        return self._styles[style]

    def _adopted(self, style: int) -> int:
        one = self._list("cellXfs")[style]
        edits = Edits(one.data)
        for attribute, name in _PARTS.items():
            items = self._list(name)
            edits.set(one, attribute, str(self._add(name, items[int(one.get(attribute, "0"))].raw)))
        edits.set(one, "numFmtId", self._number_format(one.get("numFmtId", "0")))
        if "xfId" in one.attributes:
            edits.set(one, "xfId", "0")
        changed = edits.apply()
        length = len(changed) - len(one.data)
        return self._add("cellXfs", changed[one.start : one.end + length])

    def _number_format(self, number: str) -> str:
        if int(number) < _OWN_IDS:
            return number
        code = next(
            (one.get("formatCode") for one in self._list("numFmts") if one.get("numFmtId") == number), "General"
        )
        if code not in self._codes:
            known = map(_id, self._root.all("numFmts", "numFmt"))
            free = max((_OWN_IDS - 1, *known, *map(int, self._codes.values()))) + 1
            self._add("numFmts", b'<numFmt numFmtId="%d" formatCode="%s"/>' % (free, spans.quote(code)))
            self._codes[code] = str(free)
        return self._codes[code]

    @cached_property
    def _codes(self) -> dict[str, str]:
        """The ids of our number formats by their codes."""
        known = self._root.all("numFmts", "numFmt")
        return {one.get("formatCode"): one.get("numFmtId") for one in reversed(known) if _id(one)}

    def rule(self, number: int) -> int:
        """The id here of their differential format `number` (used by rules and tables)."""
        raw = self._list("dxfs")[number].raw
        return self._add("dxfs", raw)

    def data(self) -> bytes:
        """Our styles with everything adopted in them."""
        edits = Edits(self._ours)
        prefix = self._root.prefix
        for name in _ORDER:
            added = self._added.get(name)
            if not added:
                continue
            one = self._root.first(name)
            if one is not None:
                edits.append(one, b"".join(added))
                if "count" in one.attributes:
                    edits.set(one, "count", str(self._count(name)))
                continue
            before = [child for child in self._root.children if child.name in _ORDER[: _ORDER.index(name)]]
            where = before[-1].end if before else self._root.inner
            head = f'<{prefix}{name} count="{len(added)}">'.encode()
            edits.insert(where, head + b"".join(added) + f"</{prefix}{name}>".encode())
        return edits.apply()
