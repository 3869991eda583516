"""Adding a sheet of the template to a workbook that lacks it: at the end, with its formats, tables and charts."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from importlib import import_module
from pathlib import Path, PurePath
from typing import Final

from segmenter.books import cells, spans
from segmenter.books.adopt import Adoption
from segmenter.books.edits import Edits
from segmenter.books.index import BEFORE_NAMES, RELATION_SPACES, Index, SheetEntry, rels_part
from segmenter.books.package import Draft, Package
from segmenter.books.rowxml import whole
from segmenter.errors import Refused
from segmenter.schema import Table
from segmenter.texts import Lang

_TYPES: Final = "[Content_Types].xml"
_RELATIONS: Final = "application/vnd.openxmlformats-package.relationships+xml"
_STRICT: Final = {
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/officeDocument/2006/relationships": (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships"
    ),
    b"http://schemas.openxmlformats.org/drawingml/2006/": b"http://purl.oclc.org/ooxml/drawingml/",
}
_STYLES: Final = "xl/styles.xml"
_PLAIN: Final = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b'<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    b'<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    b'</fills><borders count="1"><border/></borders>'
    b'<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    b'<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    b'<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
"""the look of a workbook that has no styles"""
_SHARED: Final = rb'<c (r="[^"]+")((?: s="\d+")?) t="s"><v>(\d+)</v></c>'
_STYLE: Final = rb'(<(?:c|row|col)\b[^>]*?\s(?:s|style)=")(\d+)(")'
_RULE: Final = rb'(\s(?:dxfId|headerRowDxfId|dataDxfId|totalsRowDxfId|headerRowBorderDxfId|tableBorderDxfId)=")(\d+)(")'


def template(lang: Lang, table: Table) -> Index:
    """The shipped workbook of a language that has the sheet of `table`."""
    return _index(source(lang, table))


def shipped(name: str) -> Path:
    """Where a file of `segmenter.workbook` lies, which is a folder in every installation: `importlib.resources`, which
    knows others, takes longer to import than the file to read."""
    return Path(import_module("segmenter.workbook").__path__[0], name)


@cache
def _index(name: str) -> Index:
    return Index(Draft(Package(shipped(name).read_bytes(), PurePath(name))))


def source(lang: Lang, table: Table) -> str:
    """The name of the shipped workbook that has the sheet of `table`: the template, or the one of optional sheets."""
    return f"{'extra' if table.optional else 'template'}{'' if lang == 'zh' else f'.{lang}'}.xlsx"


def add(draft: Draft, index: Index, source: Index, sheet: SheetEntry) -> None:
    """Add `sheet` of the workbook `source` (without prefixes, not Strict) at the end of the workbook in `draft`."""
    _Adder(draft, index, source).add(sheet)


class _Adder:
    def __init__(self, draft: Draft, index: Index, source: Index) -> None:
        self._draft = draft
        self._index = index
        self._source = source
        self._copied: dict[str, str] = {}
        self._overrides: list[tuple[str, str]] = []
        self._types = self._content_types(source)
        self._tables = self._known_tables()
        self._styles = index.styles_part or self._without_styles()
        self._adoption = Adoption(draft.read(self._styles), source.package.read(source.styles_part), self._styles)

    def add(self, sheet: SheetEntry) -> None:
        part = self._copy(sheet.part)
        self._register_types()
        self._register_sheet(sheet, part)
        self._draft.set(self._styles, self._adoption.data())

    def _without_styles(self) -> str:
        """Give a workbook that has no styles those it is shown in, as a part of its own; returns its name, the one by
        which calamine finds it."""
        if _STYLES in self._draft:
            raise Refused("part_missing", path=self._draft.path.name, part=_STYLES)
        self._draft.set(_STYLES, self._flavour(_PLAIN))
        self._overrides.append((_STYLES, self._types[self._source.styles_part.casefold()]))
        self._relate("styles", _STYLES)
        return _STYLES

    def _copy(self, part: str) -> str:
        """Copy a part of the source with everything it refers to; returns its new name."""
        if part in self._copied:
            return self._copied[part]
        name = self._free(part)
        self._copied[part] = name
        kind = self._types.get(part.casefold(), "")
        data = self._source.package.read(part)
        if kind.endswith("worksheet+xml"):
            data = self._sheet(data)
        elif kind.endswith(".table+xml"):
            data = self._table(data)
        if data.lstrip(b"\xef\xbb\xbf").startswith(b"<"):
            data = self._flavour(data)
        self._draft.set(name, data)
        self._overrides.append((name, kind))
        where = rels_part(part)
        if where in self._source.package:
            self._draft.set(rels_part(name), self._rels(part, name))
        return name

    def _rels(self, part: str, name: str) -> bytes:
        """The relationships of a copied part, leading to the copies."""
        data = self._source.package.read(rels_part(part))
        edits = Edits(data)
        for one in self._source.relations(part):
            if not one.external:
                target = self._copy(one.target)
                element = next(x for x in spans.parse(data, part).all("Relationship") if x.get("Id") == one.id)
                edits.set(element, "Target", posixpath.relpath(target, posixpath.dirname(name)))
        return self._flavour(edits.apply())

    def _free(self, part: str) -> str:
        """A name like `part`'s that the workbook does not have."""
        known = {name.casefold() for name in self._draft.names} | {name.casefold() for name in self._copied.values()}
        stem, suffix = posixpath.splitext(part)
        stem = re.sub(r"\d+$", "", stem)
        number = 1
        while f"{stem}{number}{suffix}".casefold() in known:
            number += 1
        return f"{stem}{number}{suffix}"

    def _flavour(self, data: bytes) -> bytes:
        """A part in the namespaces of the workbook: Strict has its own."""
        if self._index.strict:
            for transitional, strict in _STRICT.items():
                data = data.replace(transitional, strict)
        return data

    def _sheet(self, data: bytes) -> bytes:
        """A worksheet part that needs none of the source's strings and formats."""

        def inline(found: re.Match[bytes]) -> bytes:
            text = self._source.strings[int(found[3])]
            space = b' xml:space="preserve"' if text != text.strip() or "\n" in text else b""
            body = b"<is><t" + space + b">" + cells.escape(text).encode() + b"</t></is>"
            return b"<c " + found[1] + found[2] + b' t="inlineStr">' + body + b"</c>"

        data = re.sub(_SHARED, inline, data)
        data = re.sub(_STYLE, lambda one: one[1] + str(self._adoption.style(int(one[2]))).encode() + one[3], data)
        data = re.sub(_RULE, lambda one: one[1] + str(self._adoption.rule(int(one[2]))).encode() + one[3], data)
        return data.replace(b' tabSelected="1"', b"")

    def _known_tables(self) -> tuple[set[int], set[str]]:
        """The ids of all Excel tables of the workbook, and the names no further one can have."""
        ids, names = set(), {one.get("name").casefold() for one in self._index.defined_names()}
        for sheet in self._index.sheets:
            for part in self._index.related(sheet.part, "table"):
                root = spans.parse(self._draft.read(part), part)
                ids.add(whole(root.get("id").encode(), 0))
                names |= {root.get("name").casefold(), root.get("displayName").casefold()}
        return ids, names

    def _table(self, data: bytes) -> bytes:
        """A table part under an id and a name the workbook does not have."""
        ids, names = self._tables
        root = spans.parse(data, "table")
        edits = Edits(data)
        number = max(ids, default=0) + 1
        name = root.get("displayName")
        while name.casefold() in names:
            name += "_"
        ids.add(number)
        names.add(name.casefold())
        edits.set(root, "id", str(number))
        edits.set(root, "name", name)
        edits.set(root, "displayName", name)
        data = edits.apply()
        return re.sub(_RULE, lambda one: one[1] + str(self._adoption.rule(int(one[2]))).encode() + one[3], data)

    @staticmethod
    def _content_types(index: Index) -> dict[str, str]:
        root = spans.parse(index.package.read(_TYPES), _TYPES)
        found = {one.get("PartName").lstrip("/").casefold(): one.get("ContentType") for one in root.all("Override")}
        defaults = {one.get("Extension").casefold(): one.get("ContentType") for one in root.all("Default")}
        for name in index.package.names:
            extension = name.rpartition(".")[2].casefold()
            if name.casefold() not in found and extension in defaults:
                found[name.casefold()] = defaults[extension]
        return found

    def _register_types(self) -> None:
        data = self._draft.read(_TYPES)
        root = spans.parse(data, _TYPES)
        edits = Edits(data)
        if not any(one.get("Extension").casefold() == "rels" for one in root.all("Default")):
            # some programs name each part instead; new relationships would then count for nothing
            edits.insert(root.inner, f'<{root.prefix}Default Extension="rels" ContentType="{_RELATIONS}"/>'.encode())
        tag = f"<{root.prefix}Override"
        for name, kind in self._overrides:
            edits.append(root, f'{tag} PartName="/{name}" ContentType="{kind}"/>'.encode())
        self._draft.set(_TYPES, edits.apply())

    def _register_sheet(self, sheet: SheetEntry, part: str) -> None:
        """The workbook's relationship to the sheet, its tab, and the names that belong to it."""
        self._register_tab(sheet, *self._relate("worksheet", part))

    def _relate(self, kind: str, part: str) -> tuple[str, str]:
        """Lead from the workbook to `part`; returns the relation's name and the namespace of its kind."""
        index = self._index
        where = rels_part(index.workbook_part)
        data = self._draft.read(where)
        root = spans.parse(data, where)
        edits = Edits(data)
        taken = {one.get("Id").casefold() for one in root.all("Relationship")}
        number = len(taken) + 1
        while f"rid{number}" in taken:
            number += 1
        space = next(space for space in RELATION_SPACES if ("purl" in space) == index.strict)
        target = posixpath.relpath(part, posixpath.dirname(index.workbook_part) or ".")
        edits.append(
            root,
            f'<{root.prefix}Relationship Id="rId{number}" Type="{space}/{kind}" Target="{target}"/>'.encode(),
        )
        self._draft.set(where, edits.apply())
        return f"rId{number}", space

    def _register_tab(self, sheet: SheetEntry, relation: str, space: str) -> None:
        index = self._index
        workbook = index.workbook
        edits = Edits(workbook.data)
        p = workbook.prefix
        tabs = workbook.all("sheets")[0]
        sheet_id = max((whole(one.element.get("sheetId").encode(), 0) for one in index.sheets), default=0) + 1
        bound = [name[6:] for name in workbook.attributes if name.startswith("xmlns:") and workbook.get(name) == space]
        attribute, extra = (f"{bound[0]}:id", "") if bound else ("r:id", f' xmlns:r="{space}"')
        name = spans.quote(sheet.name).decode()
        edits.append(tabs, f'<{p}sheet{extra} name="{name}" sheetId="{sheet_id}" {attribute}="{relation}"/>'.encode())
        names = self._names(sheet, len(index.sheets))
        if names:
            found = workbook.first("definedNames")
            if found is not None:
                edits.append(found, names)
            else:
                before = [child for child in workbook.children if child.name in BEFORE_NAMES]
                tag = f"{p}definedNames"
                edits.insert(before[-1].end, f"<{tag}>".encode() + names + f"</{tag}>".encode())
        self._draft.set(index.workbook_part, edits.apply())

    def _names(self, sheet: SheetEntry, position: int) -> bytes:
        """The names that belong to a sheet of the source, as they are written for tab `position`."""
        found = b""
        p = self._index.workbook.prefix
        for one in self._source.defined_names():
            if one.get("localSheetId") == str(sheet.position):
                name = spans.quote(one.get("name")).decode()
                text = cells.escape_formula(one.text)
                found += f'<{p}definedName name="{name}" localSheetId="{position}">{text}</{p}definedName>'.encode()
        return found
