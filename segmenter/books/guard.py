"""What a workbook does not want to happen to it: signatures, locks, reservations. Refused, unless the user says so."""

from __future__ import annotations

from typing import Final, NamedTuple

from segmenter.books import spans
from segmenter.books.edits import Edits
from segmenter.books.index import Index, rels_part
from segmenter.books.sheetxml import Sheet
from segmenter.errors import Refused

_SIGNATURES: Final = "_xmlsignatures/"
KINDS: Final = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": ".xlsx",
    "application/vnd.ms-excel.sheet.macroEnabled.main+xml": ".xlsm",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml": ".xltx",
    "application/vnd.ms-excel.template.macroEnabled.main+xml": ".xltm",
}


class Guard(NamedTuple):
    """What the user allows: each field names what is lost or overridden by it."""

    break_signature: bool = False
    override_protection: bool = False

    def may_write(self, index: Index, in_place: bool) -> None:
        """Refuse a workbook that must not be changed at all, or only as a copy."""
        name = index.package.path.name
        if signed(index) and not self.break_signature:
            raise Refused("signed", path=name)
        if any(one.kind == "revisionHeaders" for one in index.relations(index.workbook_part)):
            raise Refused("shared_workbook", path=name)
        sharing = index.workbook.first("fileSharing")
        if sharing is not None and in_place and not self.override_protection:
            raise Refused("reserved", path=name)

    def may_add(self, index: Index, sheet: str) -> None:
        """Refuse to add a sheet to a workbook whose structure is locked."""
        locked = index.workbook.first("workbookProtection")
        if locked is not None and locked.get("lockStructure") in ("1", "true") and not self.override_protection:
            raise Refused("structure_locked", path=index.package.path.name, sheet=sheet)

    def may_change(self, sheet: Sheet, locked: str) -> None:
        """Refuse to write a locked cell (its address, "" when there is none) of a protected sheet."""
        found = sheet.root.first("sheetProtection")
        if locked and found is not None and found.get("sheet") in ("1", "true") and not self.override_protection:
            raise Refused("sheet_protected", sheet=sheet.name, cell=locked)


def signed(index: Index) -> bool:
    """Whether the workbook bears a digital signature."""
    return any(name.casefold().startswith(_SIGNATURES) for name in index.package.names)


def unsign(index: Index) -> None:
    """Take a signature away, with everything that leads to it."""
    draft = index.package
    where = rels_part("")
    edits = Edits(draft.read(where))
    for one in index.relations(""):
        if one.target.casefold().startswith(_SIGNATURES):
            edits.remove(one.element)
    draft.set(where, edits.apply())
    types = draft.read("[Content_Types].xml")
    edits = Edits(types)
    for element in spans.parse(types, "[Content_Types].xml").all("Override"):
        if element.get("PartName").lstrip("/").casefold().startswith(_SIGNATURES):
            edits.remove(element)
    draft.set("[Content_Types].xml", edits.apply())
    for name in list(draft.names):
        if name.casefold().startswith(_SIGNATURES):
            draft.set(name, None)


def suffix(index: Index) -> str:
    """The ending a file with this workbook has to have: Excel opens it under no other."""
    root = spans.parse(index.package.read("[Content_Types].xml"), "[Content_Types].xml")
    for one in root.all("Override"):
        if one.get("PartName").lstrip("/").casefold() == index.workbook_part.casefold():
            return KINDS.get(one.get("ContentType"), "")
    default = next((one.get("ContentType") for one in root.all("Default") if one.get("Extension") == "xml"), "")
    return KINDS.get(default, "")


def retype(index: Index, ending: str) -> None:
    """Make a template a workbook (.xltx to .xlsx, .xltm to .xlsm): the type of its main part says which it is."""
    kind = next(kind for kind, one in KINDS.items() if one == ending)
    types = index.package.read("[Content_Types].xml")
    edits = Edits(types)
    for one in spans.parse(types, "[Content_Types].xml").all("Override"):
        if one.get("PartName").lstrip("/").casefold() == index.workbook_part.casefold():
            edits.set(one, "ContentType", kind)
    index.package.set("[Content_Types].xml", edits.apply())
