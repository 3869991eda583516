"""The proof: of every part, that it is what it was, or differs only as it may.

same       byte for byte as it was
ours       a sheet of ours, or a part that belongs to one
grown      the directory of the workbook, with entries added or following our rows, none lost
declared   a result taken out because the user asked for it
violation  anything else; then no file is replaced
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from segmenter.books import adding, aroundproof, bulk, calc, drawn, guess, longproof, spans
from segmenter.books.filling import Meant, Slot
from segmenter.books.index import Index, rels_part
from segmenter.books.longlist import pieces
from segmenter.books.package import Content, Draft, Package
from segmenter.books.rowxml import Cell
from segmenter.books.scan import Scan
from segmenter.books.sheetproof import Sheets, Workbooks, differs
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.cells import letter
from segmenter.errors import Refused
from segmenter.schema import fold, tables
from segmenter.texts import LANGS

_LISTS: Final = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "dxfs")
_STYLES: Final = (*_LISTS[:-1], "cellStyles", "dxfs", "tableStyles", "colors", "extLst")
"""what a part of styles holds, in its order"""
_BELONGING: Final = ("table", "comments", "threadedComment", "vmlDrawing")
_IDS: Final = re.compile(rb"\s(?:style|dxfId|r:id)=\"[^\"]*\"")
_SAID: Final = slice(8, 28)
"""of a record of the zip directory: flags, method, time, checksum and sizes"""
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
    stale: Mapping[str, Collection[Cell]]
    """the formula cells with an old result, by part"""

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
    if one.end - one.start != other.end - other.start or one.central[_SAID] != other.central[_SAID]:
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
        self._entries = {one.part: one for one in (*new.sheets, *old.sheets)}
        styles = new.styles_part
        self._books = Workbooks(old, new, Styles(new.package.read(styles) if styles else None, styles))
        self._owners = {part: sheet for sheet in ours for part in _belonging(old, sheet)}
        self._known: dict[str, Sheets | None] = {}

    def verdict(self, name: str) -> Part:
        """What became of one part."""
        before, after = self._old.package.package, self._new.package.package
        try:
            if self._made is not None and self._made.differs(name, before, after):
                return Part(name, "violation", "bytes")
            follows = self._meant is not None and (name in self._meant or name in self._owners)
            if not follows and _same(name, before, after):
                return Part(name, "same")
            if name in self._ours and name in self._entries and name in after:
                if wrong := self._wrong(name):
                    return Part(name, "violation", wrong)
                if name in before:
                    return Part(name, "same" if _same(name, before, after) else "ours")
            if name in self._owners and name in before and name in after:
                plan = self._list(self._owners[name])
                good = aroundproof.belonging(before.read(name), after.read(name), name, plan)
                return Part(name, "ours" if good else "violation", "" if good else "changed")
            if name in before and name in after and before.read(name) == after.read(name):
                return Part(name, "same")
            return self._changed(name)
        except Refused as error:
            return Part(name, "violation", error.key)

    def _changed(self, name: str) -> Part:
        """What became of a part that is not the same, and no sheet of ours that was there."""
        old, new = self._old, self._new
        if name not in old.package:
            return Part(name, *_added(name, old, new))
        if name not in new.package:
            gone = (name == old.calc_chain) or (self._asked.break_signature and "_xmlsignatures" in name)
            return Part(name, "ours") if gone else Part(name, "violation", "removed")
        before, after = old.package.read(name), new.package.read(name)
        if name == "[Content_Types].xml" or name.endswith(".rels"):
            return Part(name, *_grown_list(before, after, name, old, new))
        if name == old.workbook_part:
            return Part(name, *self._workbook())
        if name == old.styles_part:
            return Part(name, *_styles(before, after, name))
        if name == old.calc_chain:
            return Part(name, *_chain(before, after, name, _ids(old, self._ours)))
        if any(name in drawn.charts(old, part) for part in self._ours):
            return _chart(name, old, new, self._ours)
        sheet = next((one for one in old.sheets if one.part == name), None)
        if self._asked.drop_stale and sheet is not None:
            stale = None if self._made is None else self._made.stale.get(name, ())
            was, now = (Sheet(one, name, sheet.name, old.strings) for one in (before, after))
            wrong = calc.wrongly_dropped(was, now, stale)
            return Part(name, "violation", wrong) if wrong else Part(name, "declared")
        return Part(name, "violation", "changed")

    def _sheets(self, name: str) -> Sheets | None:
        """A sheet of ours before and after; None for one that was added, and nobody knows how. Of one that was made of
        whole columns only the first row is there: the others are made like it."""
        if name not in self._known:
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> Sheets | None:
        old, new, entry = self._old.package, self._new.package, self._entries[name]
        before = old.read(name) if name in old else self._made.added.get(name) if self._made else None
        if before is None or name not in new:
            return None
        content = self._long(name)
        if content:
            before, after = _cut(before, content.rows.first, content.rows.prefix.encode())[1], content.brief
        else:
            after = new.read(name)
        was = Sheet(before, name, entry.name, self._old.strings)
        now = Sheet(after, name, entry.name, self._new.strings)
        if self._meant is None:
            return Sheets(entry, was, now, [*guess.plans(was, now, entry, self._old, self._new)])
        return Sheets(entry, was, now, [_first(one) if content else one for one in self._meant.get(name, ())])

    def _long(self, name: str) -> bulk.Part | None:
        """A sheet whose rows were made of whole columns, if it is one; with its rows where it was to stay as it is."""
        rows = next((plan.rows for plan in (self._meant or {}).get(name, ()) if plan.rows), None)
        content = self._made.changes.get(name) if self._made else None
        if rows is None or isinstance(content, bulk.Part):
            return content if isinstance(content, bulk.Part) else None
        data, p = self._new.package.read(name), rows.prefix.encode()
        start, end = data.find(b'<%srow r="%d"' % (p, rows.first + 1)), data.rfind(b"</%ssheetData>" % p)
        return bulk.Part(data[: max(start, 0)], rows, data[end:])

    def _list(self, name: str) -> Meant | None:
        """The list on a sheet of ours."""
        try:
            sheets = self._sheets(name)
        except Refused:  # which is told of the sheet itself
            return None
        return next((plan for plan in sheets.plans if plan.region), None) if sheets else None

    def _wrong(self, name: str) -> str:
        """The first thing that is wrong with a sheet of ours."""
        old, new, content = self._old.package, self._new.package, self._long(name)
        if content is not None:
            (plan,) = (self._meant or {})[name]
            wrong = longproof.check(new.package.pieces(name), content, name) or longproof.differs(content.rows, plan)
            if wrong or (self._made and name not in self._made.changes):
                return wrong
            if name in old and (wrong := self._foreign(name, content.rows, plan)):
                return wrong
        sheets = self._sheets(name)
        if sheets is not None and name not in old and not self._old.strict and not _as_shipped(sheets):
            return "<worksheet>"
        return differs(sheets, self._books) if sheets else ""

    def _foreign(self, name: str, made: bulk.Rows, plan: Meant) -> str:
        """The first column among rows that were made anew in which something of somebody else stood, or which somebody
        had given another look."""
        p = made.prefix.encode()
        rows = _cut(self._old.package.read(name), made.first, p)[0]
        scan = Scan(made.prefix, name, _Any(), lambda _: False, False)
        for piece in pieces(rows, 0, len(rows), b"</%srow>" % p):
            scan.feed(piece)
        ours = {plan.columns[key] for key in plan.written}
        wrong = [column for column, kind, _ in scan.kinds if kind is not None and column not in ours]
        wrong += [column for _, column in (*scan.errors, *scan.uncached)]
        if not scan.formulas and all(kind is None for _, kind, _ in scan.kinds):
            return ""
        sheets = self._sheets(name)
        first = sheets.was.rows.get(made.first) if sheets else None
        like = {column: cell.style for column, cell in first.cells.items()} if first else {}
        styles = self._books.styles
        wrong += [column for column, _, style in scan.kinds if not styles.alike(style, like.get(column, 0))]
        if scan.slow or scan.row_tags - {b'<%srow r="1"%s>' % (p, made.attributes)}:
            return str(made.first + 1)
        return letter(min(wrong, default=made.columns[0].number)) if wrong or scan.formulas else ""

    def _workbook(self) -> tuple[str, str]:
        """The workbook part: sheets only added at the end, names only added with them or following our rows, the rest
        the same."""
        old, new = self._old, self._new
        if [one.element.raw for one in old.sheets] != [one.element.raw for one in new.sheets[: len(old.sheets)]]:
            return "violation", "<sheets>"
        known = {fold(name) for table in tables().values() for name in table.sheet.values()}
        if any(fold(one.name) not in known for one in new.sheets[len(old.sheets) :]):
            return "violation", "<sheets>"
        ids = [one.element.get("sheetId") for one in new.sheets]
        if len({*ids}) < len(ids):
            return "violation", "sheetId"
        if not self._names():
            return "violation", "<definedNames>"
        was, now = old.workbook, new.workbook
        if was.data[was.start : was.inner] != now.data[now.start : now.inner]:
            return "violation", f"<{was.name}>"
        names = {"sheets", "definedNames"}
        kept = [_told(one) for one in was.children if one.name not in names]
        there = [_told(one) for one in now.children if one.name not in names]
        if not any(one.name == "calcPr" for one in was.children):
            there = [one for one in there if one != ("calcPr", {})]
        pairs = zip_longest(kept, there)
        wrong = next((f"<{(one or other)[0]}>" for one, other in pairs if one != other), "")
        return ("violation", wrong) if wrong else ("grown", "")

    def _names(self) -> bool:
        """Whether all names are there, each with its text, or with one that follows our rows; and none is more but
        those of sheets that were added."""
        old, new = self._old.defined_names(), self._new.defined_names()
        follow = {str(one.position): one.part for one in self._old.sheets if one.part in self._ours}
        if len(new) < len(old):
            return False
        for one, other in zip(old, new, strict=False):
            if not _follows(one, follow):
                if one.raw != other.raw:
                    return False
                continue
            plan = self._list(follow[one.get("localSheetId")])
            shift = aroundproof.shift_of(plan) if plan else None
            about = [[(name, each.get(name)) for name in each.attributes] for each in (one, other)]
            if about[0] != about[1] or not aroundproof.name(one.text, other.text, shift):
                return False
        added = {str(one.position) for one in self._new.sheets[len(self._old.sheets) :]}
        return all(one.get("localSheetId") in added for one in new[len(old) :])


def _first(plan: Meant) -> Meant:
    """What is meant of a long list, for its first row only."""
    if plan.region is None or plan.frame is None:
        return plan
    place = 0 if plan.order is None else plan.order[0]
    above = plan.region._replace(last=plan.region.first - 1)
    return plan._replace(frame=plan.frame.at([place]), slots=[Slot(None, 0)], region=above)


def _chart(name: str, old: Index, new: Index, ours: set[str]) -> Part:
    """A chart on a sheet of ours: what it remembers of the cells there is what they hold, all else as it was."""
    data = old.package.read(name)
    spans.parse(new.package.read(name), name)
    for one in new.sheets:
        if one.part in ours and name in drawn.charts(new, one.part):
            data = drawn.remembered(data, name, Sheet(new.package.read(one.part), one.part, one.name, new.strings))
    return Part(name, "ours") if data == new.package.read(name) else Part(name, "violation", "changed")


def _as_shipped(sheets: Sheets) -> bool:
    """Whether a sheet that was added had all that ours has around the rows, ids of other parts aside."""
    name = fold(sheets.entry.name)
    every = ((lang, table) for table in tables().values() for lang in LANGS)
    shipped = next(adding.template(lang, table) for lang, table in every if fold(table.sheet[lang]) == name)
    (entry,) = (one for one in shipped.sheets if fold(one.name) == name)
    ours = spans.parse(shipped.package.read(entry.part), entry.part)
    return _around(ours) == _around(sheets.was.root)


def _around(root: spans.Element) -> list[bytes]:
    return [_IDS.sub(b"", one.raw) for one in root.children if one.name not in ("sheetData", "sheetViews")]


def _cut(data: bytes, row: int, prefix: bytes) -> tuple[bytes, bytes]:
    """The rows of a sheet from `row` on, and the sheet without them: only row `row` itself, like which the others are
    made, stays in it."""
    end = data.rfind(b"</%ssheetData>" % prefix)
    start = data.find(b'<%srow r="%d"' % (prefix, row + 1))
    number = row + 1
    if start < 0:  # nobody wrote that row, or not in this way
        tags = re.finditer(rb"<%srow\s(?:[^>]*\s)?r=[\"'](\d+)" % prefix, data)
        start, number = next(((one.start(), int(one[1])) for one in tags if int(one[1]) > row), (end, 0))
    after = start
    if number == row + 1:
        after = data.index(b">", start) + 1
        after = after if data[after - 2 : after] == b"/>" else data.index(b"</%srow>" % prefix, after) + len(prefix) + 6
    return data[start:end], data[:after] + data[end:]


class _Any(Sequence[str]):
    """Shared strings of which nobody asks what they say."""

    def __len__(self) -> int:
        return 1 << 62

    def __getitem__(self, place: Any) -> Any:
        return "x"


def _belonging(index: Index, part: str) -> Iterator[str]:
    return (one.target for one in index.relations(part) if one.kind in _BELONGING)


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
    known = [
        spans.parse(new.package.read(one), one) for sheet in new.sheets for one in new.related(sheet.part, "table")
    ]
    for names in ([one.get("id") for one in known], [one.get("displayName").casefold() for one in known]):
        if len({*names}) < len(names):
            return "violation", "<table>"
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
        main = target.lstrip("/") == old.workbook_part and one.get("ContentType").endswith("main+xml")
        rels = one.name == "Default" and one.get("Extension").casefold() == "rels"
        if one.get("TargetMode") == "External" or not (main or rels or target.rpartition("/")[2] in come):
            return "violation", target or one.get("Extension")
    return "grown", ""


def _missing(old: Sequence[spans.Element], new: Sequence[spans.Element]) -> list[spans.Element]:
    there = {one.raw for one in new}
    return [one for one in old if one.raw not in there]


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
    names = [one.name for one in new.children]
    if sorted(names, key=lambda name: _STYLES.index(name) if name in _STYLES else len(_STYLES)) != names:
        return "violation", "<styleSheet>"
    wrong = (one for one in new.children if one.get("count", str(len(one.children))) != str(len(one.children)))
    if miscounted := next((one for one in wrong if one.name in _LISTS), None):
        return "violation", f"<{miscounted.name}>"
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
