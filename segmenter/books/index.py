"""What a workbook consists of: its sheets, where their parts lie, and how parts refer to each other."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import numpy as np

from segmenter.books import cells, spans
from segmenter.books.edits import Edits
from segmenter.books.package import Draft
from segmenter.books.short import Texts
from segmenter.errors import Refused

_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT: Final = "http://purl.oclc.org/ooxml/officeDocument/relationships"
RELATION_SPACES: Final = (_OFFICE, _STRICT)
BEFORE_NAMES: Final = (
    "fileVersion",
    "fileSharing",
    "workbookPr",
    "workbookProtection",
    "bookViews",
    "sheets",
    "functionGroups",
    "externalReferences",
)
"""what comes before the names in the part of the workbook, in order"""
STRICT_MAIN: Final = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_STRINGS: Final = rb"(?s)<(?:[^\s<>/:]+:)?si(?:\s[^>]*)?(?:/>|>(.*?)</(?:[^\s<>/:]+:)?si\s*>)"
_FORMATTED: Final = rb"<(?:[^\s<>/:]+:)?(?:r|rPh|phoneticPr)[\s/>]"
_OPEN: Final = b"<si><t>"
_CLOSE: Final = b"</t></si>"
_ENTITIES: Final = (b"&lt;", b"&gt;", b"&quot;", b"&apos;", b"&amp;")
_CLAIM: Final = rb"<(?:[^\s<>/:]+:)?sst\b[^<>]*?\suniqueCount\s*=\s*[\"']0*([0-9]{1,20})[\"']"
_ROOM: Final = 1 << 24
"""strings there may be said to be however few there are"""
_UNUSUAL: Final = (b"\r", b"_x", b"]]>", b"\xef\xbf\xbe", b"\xef\xbf\xbf")
"""what makes a part of shared strings worth a closer look; the last two are characters XML does not know"""


class Relation(NamedTuple):
    """One relationship of a part: `kind` is the last word of its type, `target` the part it leads to."""

    id: str
    kind: str
    target: str
    external: bool
    element: spans.Element


class SheetEntry(NamedTuple):
    """One tab: its name, the part it lies in ("" for a module), and whether it can be seen."""

    name: str
    part: str
    hidden: bool
    kind: str
    """worksheet | chartsheet | dialogsheet | xlMacrosheet | module"""
    position: int
    element: spans.Element


@lru_cache(1024)
def rels_part(part: str) -> str:
    """Where the relationships of `part` lie ("" for those of the package)."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", name + ".rels")


@lru_cache(256)
def _relations(data: bytes, part: str) -> tuple[Relation, ...]:
    """The relations of `part` as they are spelt in `data`."""
    base = posixpath.dirname(part)
    found = []
    for one in spans.parse(data, rels_part(part)).all("Relationship"):
        target = one.get("Target")
        external = one.get("TargetMode") == "External"
        if not external:
            target = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(base, target))
        found.append(Relation(one.get("Id"), one.get("Type").rpartition("/")[2], target, external, one))
    return tuple(found)


@lru_cache(64)
def _sheets(workbook: spans.Element, relations: tuple[Relation, ...]) -> tuple[SheetEntry, ...]:
    """The sheets of a workbook. One whose relation is named "" is a module of macros of Excel 95, which has no part;
    one whose relation is not there has no kind either."""
    by_id = {one.id: one for one in relations}
    found = []
    for position, one in enumerate(workbook.all("sheets", "sheet")):
        name = one.get_in(RELATION_SPACES, "id")
        relation = by_id.get(name)
        part, kind = (relation.target, relation.kind) if relation else ("", "" if name else "module")
        hidden = one.get("state", "visible") != "visible"
        found.append(SheetEntry(one.get("name"), part, hidden, kind, position, one))
    return tuple(found)


class Index:
    """The directory of a workbook, read from its package."""

    def __init__(self, package: Draft) -> None:
        self.package = package
        self._spelt: dict[str, tuple[bytes, list[Relation]]] = {}
        """by part: what spells its relations, and those"""
        for part in ("[Content_Types].xml", "_rels/.rels"):
            if part not in package:
                raise Refused("part_missing", path=package.path.name, part=part)
        main = [one for one in self.relations("") if one.kind == "officeDocument"]
        if not main or main[0].target not in package:
            raise Refused("part_missing", path=package.path.name, part="xl/workbook.xml")
        self.workbook_part = main[0].target
        self.workbook = spans.parse(package.read(self.workbook_part), self.workbook_part)
        if self.workbook.name != "workbook":
            raise Refused("part_missing", path=package.path.name, part="workbook")

    def relations(self, part: str) -> Sequence[Relation]:
        """What `part` refers to ("" for the package itself)."""
        where = rels_part(part)
        if where not in self.package:
            return []
        data = self.package.read(where)
        if part not in self._spelt or self._spelt[part][0] is not data:
            found = [
                one if one.external or one.target in self.package else one._replace(target=self._spelling(one.target))
                for one in _relations(data, part)
            ]
            self._spelt[part] = data, found
        return self._spelt[part][1]

    def _spelling(self, part: str) -> str:
        """A part's name as the package spells it: names are equal whatever their case."""
        return self._names.get(part.casefold(), part)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {name.casefold(): name for name in self.package.names}

    @cached_property
    def sheets(self) -> tuple[SheetEntry, ...]:
        """Every sheet in the order of the tabs."""
        found = _sheets(self.workbook, tuple(self.relations(self.workbook_part)))
        for one in found:
            if not one.kind:
                raise Refused("part_missing", path=self.package.path.name, part=one.name)
        return found

    def related(self, part: str, kind: str) -> list[str]:
        """The parts of one kind that `part` refers to."""
        return [one.target for one in self.relations(part) if one.kind == kind and one.target in self.package]

    @cached_property
    def date1904(self) -> bool:
        """Whether days count from 1904."""
        found = self.workbook.first("workbookPr")
        return found is not None and found.get("date1904") in ("1", "true")

    @property
    def strict(self) -> bool:
        """Whether the file is of the Strict kind, with namespaces of its own."""
        return self.workbook.namespace() == STRICT_MAIN

    @cached_property
    def strings_part(self) -> str:
        """The part that holds the shared strings; "" when there is none."""
        return next(iter(self.related(self.workbook_part, "sharedStrings")), "")

    @cached_property
    def strings(self) -> Sequence[str]:
        """The shared strings, phonetic guides left out."""
        if not self.strings_part:
            return ()
        if self.plain is not None:
            return self.plain.strings
        data = self.package.read(self.strings_part)
        spans.check(data, self.strings_part)
        return [cells.rich_text(one[1] or b"") for one in re.finditer(_STRINGS, spans.without_comments(data))]

    @cached_property
    def formatted(self) -> frozenset[int]:
        """The shared strings, by their places, that have formats or a phonetic guide of their own."""
        if not self.strings_part or self.plain is not None:
            return frozenset()
        data = spans.without_comments(self.package.read(self.strings_part))
        return frozenset(n for n, one in enumerate(re.finditer(_STRINGS, data)) if re.search(_FORMATTED, one[1] or b""))

    @cached_property
    def plain(self) -> Texts | None:
        """The shared strings when all are one text each, written as most programs write them; None otherwise."""
        self.refuse_claim()
        if not self.strings_part:
            return Texts((), b"")
        data = self.package.read(self.strings_part)
        found = _plain_strings(data, self.strings_part)
        return None if found is None else Texts(found, data)

    def refuse_claim(self) -> None:
        """Refuse shared strings that are said to be more than can be: calamine makes room for all of them at once, and
        finds them by their usual name, whatever leads there."""
        for part in {self.strings_part, self._spelling("xl/sharedStrings.xml")}:
            data = self.package.read(part) if part in self.package else b""
            claim = re.search(_CLAIM, data)
            if claim and int(claim[1]) > max(_ROOM, len(data)):
                raise Refused("xml_damaged", part=part, reason="uniqueCount")

    @cached_property
    def styles_part(self) -> str:
        """The part that holds the styles; "" when there is none."""
        return next(iter(self.related(self.workbook_part, "styles")), "")

    @cached_property
    def calc_chain(self) -> str:
        """The calculation chain's part; "" when there is none."""
        return next(iter(self.related(self.workbook_part, "calcChain")), "")

    def defined_names(self) -> list[spans.Element]:
        """The elements of all defined names."""
        return self.workbook.all("definedNames", "definedName")

    def remove_part(self, part: str) -> None:
        """Take a part of the workbook away, with what refers to it from the workbook and the list of types."""
        where = rels_part(self.workbook_part)
        edits = Edits(self.package.read(where))
        for relation in self.relations(self.workbook_part):
            if relation.target == part:
                edits.remove(relation.element)
        self.package.set(where, edits.apply())
        types = self.package.read("[Content_Types].xml")
        edits = Edits(types)
        for one in spans.parse(types, "[Content_Types].xml").all("Override"):
            if one.get("PartName").lstrip("/").casefold() == part.casefold():
                edits.remove(one)
        self.package.set("[Content_Types].xml", edits.apply())
        self.package.set(part, None)


def _plain_strings(data: bytes, part: str) -> list[str] | None:
    """The texts of a part of shared strings as most programs write it, taken apart at once; None for any other.

    Between tags that are all the same only what XML forbids in a text is looked for; the rest of the part is parsed.
    """
    start, end = data.find(b"<si>"), data.rfind(b"</sst>")
    body = data[start:end].rstrip() if start >= 0 else b""
    body = body.replace(b'<t xml:space="preserve">', b"<t>")
    if not body.startswith(_OPEN) or not body.endswith(_CLOSE) or any(mark in body for mark in _UNUSUAL):
        return None
    joined = body[len(_OPEN) : -len(_CLOSE)].replace(_CLOSE + _OPEN, b"\0")
    blanks = np.count_nonzero(np.frombuffer(body, np.uint8) < ord(" "))
    if body.count(b"<") != 4 * (joined.count(b"\0") + 1) or blanks != body.count(b"\n") + body.count(b"\t"):
        return None
    if body.count(b"&") != sum(map(body.count, _ENTITIES)):
        return None
    spans.check(data[:start] + data[end:], part)
    try:
        return cells.joined_texts(joined)
    except UnicodeDecodeError:
        return None
