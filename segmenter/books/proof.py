"""The proof: of every part, that it is what it was, or differs only as it may.

same       byte for byte as it was
ours       a sheet of ours, or a part that belongs to one
grown      the directory of the workbook, with entries added or following our rows, none lost
declared   a result taken out because the user asked for it
violation  anything else; then no file is replaced
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from segmenter.books import bulk, calc, drawn, longproof, spans
from segmenter.books.filling import Meant
from segmenter.books.index import Index, SheetEntry, rels_part
from segmenter.books.longlist import pieces
from segmenter.books.package import Content, Draft, Package
from segmenter.books.scan import Scan
from segmenter.books.sheetproof import Workbooks, compare
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.cells import letter
from segmenter.errors import Refused
from segmenter.schema import fold, tables

_LISTS: Final = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "dxfs")
_BELONGING: Final = ("table", "comments", "threadedComment", "vmlDrawing")
_FOLLOWS: Final = re.compile(
    rb"(\sref\s*=\s*[\"'](?:[A-Z]+[0-9]+:)?[A-Z]+)[0-9]+|(<x:(?:Row|Anchor)>)[^<]*"  # the last row of a range
)
_DIGITS: Final = re.compile("[0-9]+(?=$|[,:])")
_FOLLOWING: Final = ("_xlnm.Print_Area", "_xlnm._FilterDatabase")


class Part(NamedTuple):
    """One part and what was found: `verdict` as in the module's docstring, `detail` the place of a violation."""

    name: str
    verdict: str
    detail: str = ""


class Asked(NamedTuple):
    """What the user has asked to lose: results of formulas elsewhere that are old now; a digital signature."""

    drop_stale: bool = False
    break_signature: bool = False


NOTHING: Final = Asked()


class Made(NamedTuple):
    """What `fill` made of the parts of a workbook."""

    changes: Mapping[str, Content | None]
    """as in a `Draft`"""
    added: Mapping[str, bytes]
    """sheets that were added, as they were before anything was written to them"""

    def differs(self, name: str, before: Package, after: Package) -> bool:
        """Whether a part holds anything else in the file. A long one is not asked about: see `longproof`."""
        if name not in self.changes:
            return name not in before or name not in after or not _same(name, before, after)
        content = self.changes[name]
        if content is None or name not in after:
            return content is not None or name in after
        return isinstance(content, bytes) and content != after.read(name)


class Proof(NamedTuple):
    """What became of every part of a workbook."""

    parts: tuple[Part, ...]

    @property
    def violations(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.verdict == "violation")

    @property
    def ok(self) -> bool:
        """Whether nothing was lost."""
        return not self.violations


def our_sheets(index: Index) -> set[str]:
    """The parts of the sheets that have the name of one of ours and that `fill` writes."""
    written = [
        table
        for table in tables().values()
        if (table.fields and table.fields[0].owner == "us") or table.key == "strategy"
    ]
    names = {fold(name) for table in written for name in table.sheet.values()}
    return {one.part for one in index.sheets if fold(one.name) in names}


def verify(
    before: Package,
    after: Package,
    *,
    meant: Mapping[str, Sequence[Meant]] | None = None,
    asked: Asked = NOTHING,
    made: Made | None = None,
    strings: Sequence[str] | None = None,
) -> Proof:
    """Compare a workbook before and after it was filled.

    `meant`: by part, what was to be written; without it the sheets of ours are told by their names, and of them only
    what is not ours is compared. `made`: what was made of the parts: the file has to hold exactly that, and what was
    made has to be what was meant. `strings`: the shared strings of `before`.
    """
    old, new = Index(Draft(before)), Index(Draft(after))
    if strings is not None:
        old.strings = strings
    if old.strings_part and old.strings_part == new.strings_part and _same(old.strings_part, before, after):
        new.strings = old.strings
    ours = set(meant) if meant is not None else our_sheets(new)
    judge = _Judge(old, new, ours, meant, made, asked)
    return Proof(tuple(judge.verdict(name) for name in dict.fromkeys((*before.entries, *after.entries))))


def _same(name: str, before: Package, after: Package) -> bool:
    if name not in before or name not in after:
        return False
    one, other = before.entries[name], after.entries[name]
    if one.end - one.start != other.end - other.start:
        return False
    return all(a == b for a, b in zip_longest(before.raw(name), after.raw(name)))


class _Judge:
    """Says of each part of a workbook what became of it; see `verify`."""

    def __init__(
        self,
        old: Index,
        new: Index,
        ours: set[str],
        meant: Mapping[str, Sequence[Meant]] | None,
        made: Made | None,
        asked: Asked,
    ) -> None:
        self._old = old
        self._new = new
        self._ours = ours
        self._meant = meant
        self._made = made
        self._asked = asked
        self._belonging = set(_belonging(old, ours))
        self._entries = {one.part: one for one in (*new.sheets, *old.sheets)}
        styles = new.styles_part
        self._books = Workbooks(old, new, Styles(new.package.read(styles) if styles else None, styles))

    def verdict(self, name: str) -> Part:
        """What became of one part."""
        before, after = self._old.package.package, self._new.package.package
        try:
            if self._made is not None and self._made.differs(name, before, after):
                return Part(name, "violation", "bytes")
            if _same(name, before, after):
                return Part(name, "same")
            if name in before and name in after and not self._is_long(name) and before.read(name) == after.read(name):
                return Part(name, "same")
            return self._changed(name)
        except Refused as error:
            return Part(name, "violation", error.key)

    def _is_long(self, name: str) -> bool:
        return self._made is not None and isinstance(self._made.changes.get(name), bulk.Part)

    def _changed(self, name: str) -> Part:
        """What became of a part that is not the same."""
        old, new = self._old, self._new
        if name in self._ours and name in self._entries and name in new.package:
            if wrong := self._wrong(name, self._entries[name]):
                return Part(name, "violation", wrong)
            if name in old.package:
                return Part(name, "ours")
        if name not in old.package:
            return Part(name, *_added(name, old, new))
        if name not in new.package:
            gone = (name == old.calc_chain) or (self._asked.break_signature and "_xmlsignatures" in name)
            return Part(name, "ours") if gone else Part(name, "violation", "removed")
        before, after = old.package.read(name), new.package.read(name)
        if name == "[Content_Types].xml" or name.endswith(".rels"):
            return Part(name, *_grown_list(before, after, name, old, new))
        if name == old.workbook_part:
            return Part(name, *_workbook(old, new, self._ours))
        if name == old.styles_part:
            return Part(name, *_styles(before, after, name))
        if name == old.calc_chain:
            return Part(name, *_chain(before, after, name, _ids(old, self._ours)))
        if name in self._belonging:
            return Part(name, "ours") if _still(before) == _still(after) else Part(name, "violation", "changed")
        if any(name in drawn.charts(old, part) for part in self._ours):
            return _chart(name, old, new, self._ours)
        is_sheet = any(one.part == name for one in old.sheets)
        if self._asked.drop_stale and is_sheet and calc.without_results(before) == calc.without_results(after):
            return Part(name, "declared")
        return Part(name, "violation", "changed")

    def _wrong(self, name: str, entry: SheetEntry) -> str:
        """The first thing that is wrong with a sheet of ours."""
        old, new = self._old.package, self._new.package
        before = old.read(name) if name in old else self._made.added.get(name) if self._made else None
        if before is None:  # it was added, and nobody knows how
            return ""
        content = self._made.changes.get(name) if self._made else None
        meant = None if self._meant is None else self._meant.get(name, ())
        if not isinstance(content, bulk.Part):
            return compare(before, new.read(name), entry, self._books, meant)
        if wrong := longproof.check(new.package.pieces(name), content, name):
            return wrong
        rows, brief = _cut(before, content.rows.first, content.rows.prefix.encode())
        return _foreign(rows, content.rows, name) or compare(brief, content.brief, entry, self._books, meant)


def _chart(name: str, old: Index, new: Index, ours: set[str]) -> Part:
    """A chart on a sheet of ours: what it remembers of the cells there is what they hold, all else as it was."""
    data = old.package.read(name)
    for one in new.sheets:
        if one.part in ours and name in drawn.charts(new, one.part):
            data = drawn.remembered(data, name, Sheet(new.package.read(one.part), one.part, one.name, new.strings))
    return Part(name, "ours") if data == new.package.read(name) else Part(name, "violation", "changed")


def _cut(data: bytes, row: int, prefix: bytes) -> tuple[bytes, bytes]:
    """The rows of a sheet from `row` on, and the sheet without them: only row `row` itself, like which the others are
    made, stays in it."""
    end = data.rfind(b"</%ssheetData>" % prefix)
    start = after = data.find(b'<%srow r="%d"' % (prefix, row + 1))
    if start >= 0:
        after = data.index(b">", start) + 1
        after = after if data[after - 2 : after] == b"/>" else data.index(b"</%srow>" % prefix, after) + len(prefix) + 6
    else:  # the rows begin further down, or nobody wrote any
        tags = re.finditer(rb"<%srow\s(?:[^>]*\s)?r=[\"'](\d+)" % prefix, data)
        start = after = next((one.start() for one in tags if int(one[1]) > row), end)
    return data[start:end], data[:after] + data[end:]


def _foreign(rows: bytes, made: bulk.Rows, name: str) -> str:
    """The first column among rows that were written anew in which something of somebody else stood."""
    scan = Scan(made.prefix, name, _Any(), lambda _: False, False)
    for piece in pieces(rows, 0, len(rows), f"</{made.prefix}row>".encode()):
        scan.feed(piece)
    ours = {one.number for one in made.columns}
    wrong = [column for column, kind, _ in scan.kinds if kind is not None and column not in ours]
    wrong += [column for _, column in (*scan.errors, *scan.uncached)]
    if scan.formulas or wrong:
        return letter(min(wrong, default=made.columns[0].number))
    return ""


class _Any(Sequence[str]):
    """Shared strings of which nobody asks what they say."""

    def __len__(self) -> int:
        return 1 << 62

    def __getitem__(self, place: Any) -> Any:
        return "x"


def _belonging(index: Index, ours: Iterable[str]) -> Iterator[str]:
    for part in ours:
        for one in index.relations(part):
            if one.kind in _BELONGING:
                yield one.target


def _still(data: bytes) -> bytes:
    """What of a part that belongs to a sheet does not follow its rows: a table, comments, their boxes."""
    return _FOLLOWS.sub(rb"\1\2", data)


def _added(name: str, old: Index, new: Index) -> tuple[str, str]:
    """A part that was not there: one of a sheet that was not there, or the styles of a workbook without any."""
    sheets = {one.part for one in new.sheets} - {one.part for one in old.sheets}
    reached = set(sheets)
    waiting = list(sheets)
    while waiting:
        part = waiting.pop()
        reached.add(rels_part(part))
        for one in new.relations(part):
            if not one.external and one.target not in reached:
                reached.add(one.target)
                waiting.append(one.target)
    own = {new.styles_part, rels_part(new.workbook_part)} - {""}
    return ("ours", "") if name in reached | own else ("violation", "added")


def _grown_list(before: bytes, after: bytes, name: str, old: Index, new: Index) -> tuple[str, str]:
    """A list of types or relationships: everything in it still there, except what led to a part that may go."""
    missing = _missing(spans.parse(before, name).children, spans.parse(after, name).children)
    for one in missing:
        target = (one.get("PartName") or one.get("Target")).rpartition("/")[2]
        gone = {part.rpartition("/")[2] for part in old.package.names if part not in new.package}
        main = one.get("PartName").lstrip("/") == old.workbook_part
        if target not in gone and not main and "signature" not in one.get("Type"):
            return "violation", target
    come = {part.rpartition("/")[2] for part in new.package.names if part not in old.package}
    for one in _missing(spans.parse(after, name).children, spans.parse(before, name).children):
        target = one.get("PartName") or one.get("Target")
        main = target.lstrip("/") == old.workbook_part
        rels = one.name == "Default" and one.get("Extension").casefold() == "rels"
        if one.get("TargetMode") == "External" or not (main or rels or target.rpartition("/")[2] in come):
            return "violation", target or one.get("Extension")
    return "grown", ""


def _missing(old: Sequence[spans.Element], new: Sequence[spans.Element]) -> list[spans.Element]:
    there = {one.raw for one in new}
    return [one for one in old if one.raw not in there]


def _workbook(old: Index, new: Index, ours: set[str]) -> tuple[str, str]:
    """The workbook part: sheets only added at the end, names only added or following our rows, the rest the same."""
    if [one.element.raw for one in old.sheets] != [one.element.raw for one in new.sheets[: len(old.sheets)]]:
        return "violation", "<sheets>"
    follow = {str(one.position) for one in old.sheets if one.part in ours}
    kept = [one for one in old.defined_names() if not _follows(one, follow)]
    if _missing(kept, new.defined_names()):
        return "violation", "<definedNames>"
    following = [
        [
            (one.get("name"), one.get("localSheetId"), _DIGITS.sub("", one.text))
            for one in names
            if _follows(one, follow)
        ]
        for names in (old.defined_names(), new.defined_names())
    ]
    if following[0] != following[1][: len(following[0])]:
        return "violation", "<definedNames>"
    for one in old.workbook.children:
        if one.name in ("sheets", "definedNames"):
            continue
        if not any(_told(one) == _told(other) for other in new.workbook.children):
            return "violation", f"<{one.name}>"
    more = {one.name for one in new.workbook.children} - {one.name for one in old.workbook.children}
    more -= {"definedNames", "calcPr"}
    return ("violation", ", ".join(sorted(more))) if more else ("grown", "")


def _told(one: spans.Element) -> tuple[str, object]:
    """What an element of the workbook part says; that all is to be calculated anew may be added."""
    said = {name: one.get(name) for name in one.attributes if name != "fullCalcOnLoad"}
    return one.name, said if one.name == "calcPr" else one.raw


def _follows(name: spans.Element, positions: Collection[str]) -> bool:
    return name.get("name") in _FOLLOWING and name.get("localSheetId") in positions


def _styles(before: bytes, after: bytes, name: str) -> tuple[str, str]:
    """The styles: every list begins as it was, everything else is the same."""
    old, new = spans.parse(before, name), spans.parse(after, name)
    by_name = {one.name: one for one in new.children}
    for one in old.children:
        other = by_name.get(one.name)
        if other is None:
            return "violation", f"<{one.name}>"
        if one.raw == other.raw:
            continue
        items, others = [x.raw for x in one.children], [x.raw for x in other.children]
        if one.name not in _LISTS or others[: len(items)] != items:
            return "violation", f"<{one.name}>"
    added = {one.name for one in new.children} - {one.name for one in old.children} - set(_LISTS)
    return ("violation", ", ".join(sorted(added))) if added else ("grown", "")


def _ids(index: Index, ours: set[str]) -> set[str]:
    return {one.element.get("sheetId") for one in index.sheets if one.part in ours}


def _chain(before: bytes, after: bytes, name: str, ours: set[str]) -> tuple[str, str]:
    """The calculation chain: only cells of our sheets may be gone from it."""
    old, new = _links(before, name), _links(after, name)
    there = set(new)
    lost = [one for one in old if one not in there]
    wrong = next((cell for sheet, cell in lost if sheet not in ours), "")
    order = [one for one in old if one in there]
    return ("violation", wrong) if wrong or order != new else ("ours", "")


def _links(data: bytes, name: str) -> list[tuple[str, str]]:
    found = []
    sheet = ""
    for one in spans.parse(data, name).children:
        sheet = one.get("i", sheet)
        found.append((sheet, one.get("r")))
    return found
