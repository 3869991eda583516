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
from contextlib import suppress
from functools import cached_property
from itertools import chain
from operator import eq
from typing import Final, NamedTuple

from segmenter.books import adding, aroundproof, directoryproof, drawn, formulaproof, longsheet, region, results, spans
from segmenter.books.filling import Meant
from segmenter.books.index import Index, rels_part
from segmenter.books.longsheet import Long
from segmenter.books.package import Content, Draft, Package
from segmenter.books.recalculation import Results
from segmenter.books.refs import Shift
from segmenter.books.rowxml import Cell
from segmenter.books.sheetproof import Sheets, Workbooks, differs
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.errors import Refused
from segmenter.schema import fold, tables
from segmenter.texts import LANGS

_BELONGING: Final = ("table", "comments", "threadedComment", "vmlDrawing")
_IDS: Final = re.compile(rb"\s(?:style|dxfId|r:id)=\"[^\"]*\"")
_SAID: Final = slice(8, 28)
"""of a record of the zip directory: flags, method, time, checksum and sizes"""


class Part(NamedTuple):
    """One part and what was found: `verdict` as in the module's docstring, `detail` the place of a violation."""

    name: str
    verdict: str
    detail: str = ""


class Asked(NamedTuple):
    """What the user has asked to lose: results of formulas that are old now; a digital signature."""

    drop_stale: bool = False
    break_signature: bool = False


NOTHING: Final = Asked()


class Made(NamedTuple):
    """What `fill` made of the parts of a workbook."""

    changes: Mapping[str, Content | None]
    """as in a `Draft`"""
    added: Mapping[str, bytes]
    """sheets that were added, as they were before anything was written to them"""
    results: Results

    def differs(self, name: str, after: Package, *, same: bool) -> bool:
        """Whether a part, `same` as it was or not, holds anything else in the file. A long one is not asked about: see
        `longproof`."""
        if name not in self.changes:
            return not same
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
    with suppress(Refused):  # a damaged part is told of like any other
        if old.strings_part and old.strings_part == new.strings_part and _same(old.strings_part, before, after):
            new.strings = old.strings
    ours = set(meant) if meant is not None else our_sheets(new)
    judge = _Judge(old, new, ours, meant, made, asked)
    wanted = [name for name, content in made.changes.items() if content is not None] if made else []
    return Proof(tuple(judge.verdict(name) for name in dict.fromkeys((*before.entries, *after.entries, *wanted))))


def _same(name: str, before: Package, after: Package) -> bool:
    """Whether a part holds the same bytes, however and whenever they were packed; most need not be unpacked for it."""
    if name not in before or name not in after:
        return False
    one, other = before.entries[name], after.entries[name]
    if (one.crc, one.size) != (other.crc, other.size):
        return False
    packed_alike = one.end - one.start == other.end - other.start and one.central[_SAID] == other.central[_SAID]
    copied = packed_alike and all(map(eq, before.raw(name), after.raw(name)))
    return copied or before.read(name) == after.read(name)


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
        self._following = {*self._owners, old.workbook_part}
        if meant is not None:  # otherwise nobody knows whether there was something to write
            self._following |= {*meant, *(chart for sheet in ours for chart in drawn.charts(old, sheet))}
        """the parts that change when the rows of a sheet of ours do, or what stands in its blocks: asked about even
        when they are the same, which can be wrong"""
        self._known: dict[str, Sheets | None] = {}

    def verdict(self, name: str) -> Part:
        """What became of one part."""
        before, after = self._old.package.package, self._new.package.package
        try:
            same = _same(name, before, after)
            if self._made is not None and self._made.differs(name, after, same=same):
                return Part(name, "violation", "bytes")
            if same and name not in self._following and not self._stale(name):
                return Part(name, "same")
            found = self._judged(name)
            return Part(name, "same") if same and found.verdict in ("grown", "ours") else found
        except Refused as error:
            return Part(name, "violation", error.key)

    def _judged(self, name: str) -> Part:
        """What became of a part that is not the same, or should not be."""
        old, new = self._old.package, self._new.package
        if name in self._ours and name in self._entries and name in new:
            if wrong := self._wrong(name):
                return Part(name, "violation", wrong)
            if name in old:
                return Part(name, "ours")
        if name in self._owners and name in old and name in new:
            plan = self._list(self._owners[name])
            good = aroundproof.belonging(old.read(name), new.read(name), name, plan)
            return Part(name, "ours" if good else "violation", "" if good else "changed")
        return self._changed(name)

    def _stale(self, name: str) -> Collection[Cell]:
        """The formula cells of a part whose old results were to be taken out."""
        return self._made.results.dropped.get(name, ()) if self._made is not None else ()

    def _changed(self, name: str) -> Part:
        """What became of a part that is no sheet of ours that was there, nor belongs to one."""
        old, new = self._old, self._new
        if name not in old.package:
            wrong = directoryproof.added(name, self._reached, new)
            return self._grown(name, wrong, "ours")
        if name not in new.package:
            gone = (name == old.calc_chain) or (self._asked.break_signature and "_xmlsignatures" in name)
            return Part(name, "ours") if gone else Part(name, "violation", "removed")
        before, after = old.package.read(name), new.package.read(name)
        if name in ("[Content_Types].xml", rels_part(""), rels_part(old.workbook_part)):  # no other list ever grows
            return self._grown(name, directoryproof.listed(before, after, name, old, new))
        if name == old.workbook_part:
            return self._grown(name, directoryproof.workbook(old, new, self._shifts()))
        if name == old.styles_part:
            return self._grown(name, directoryproof.styles(before, after, name))
        if name == old.calc_chain:
            ids = {one.element.get("sheetId") for one in old.sheets if one.part in self._ours}
            return self._grown(name, directoryproof.chain(before, after, name, ids), "ours")
        if any(name in drawn.charts(old, part) for part in self._ours):
            return self._chart(name)
        sheet = next((one for one in old.sheets if one.part == name), None)
        if self._asked.drop_stale and sheet is not None:
            stale = None if self._made is None else self._stale(name)
            was, now = (Sheet(one, name, sheet.name, old.strings) for one in (before, after))
            wrong = results.wrongly_dropped(was, now, stale)
            return Part(name, "violation", wrong) if wrong else Part(name, "declared")
        return Part(name, "violation", "changed")

    @staticmethod
    def _grown(name: str, wrong: str, verdict: str = "grown") -> Part:
        return Part(name, "violation", wrong) if wrong else Part(name, verdict)

    @cached_property
    def _reached(self) -> directoryproof.Reached:
        """What may have been added, looked for where something was."""
        return directoryproof.reached(self._old, self._new)

    def _shifts(self) -> dict[str, Shift | None]:
        """How the rows of the lists changed, by position of the sheet, as names say it."""
        plans = {str(one.position): self._list(one.part) for one in self._old.sheets if one.part in self._ours}
        return {position: aroundproof.shift_of(plan) if plan else None for position, plan in plans.items()}

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
        long = self._long(name)
        before = long.before(before) if long else before
        after = long.after(new.package.pieces(name)) if long else new.read(name)
        was = Sheet(before, name, entry.name, self._old.strings)
        now = Sheet(after, name, entry.name, self._new.strings)
        changed = [*chain(*self._made.results.both(name))] if self._made else None
        listed = region.listed(self._new, name)
        now.recalculated = formulaproof.recalculated(now, listed, changed, drop=self._asked.drop_stale)
        if self._meant is None:
            from segmenter.books import guess  # `fill` knows

            return Sheets(entry, was, now, [*guess.plans(was, now, entry, self._old, self._new)])
        return Sheets(entry, was, now, [long.first] if long else self._meant.get(name, ()))

    def _long(self, name: str) -> Long | None:
        """A sheet with a long list, if it is one."""
        changes = self._made.changes if self._made else {}
        return longsheet.find(name, (self._meant or {}).get(name, ()), changes, self._new.package.package)

    def _list(self, name: str) -> Meant | None:
        """The list on a sheet of ours."""
        try:
            sheets = self._sheets(name)
        except Refused:  # which is told of the sheet itself
            return None
        return next((plan for plan in sheets.plans if plan.region), None) if sheets else None

    def _wrong(self, name: str) -> str:
        """The first thing that is wrong with a sheet of ours."""
        old, new, long = self._old.package, self._new.package.package, self._long(name)
        if long is not None:
            wrong = long.differs(new.pieces(name))
            if wrong or (self._made and name not in self._made.changes):
                return wrong
            sheets = self._sheets(name)
            if name in old and sheets and (wrong := self._foreign(long, sheets.was)):
                return wrong
        sheets = self._sheets(name)
        if sheets is not None and name not in old and not self._old.strict and not _as_shipped(sheets):
            return "<worksheet>"
        if sheets is None:
            return ""
        renewed, gone = self._made.results.both(name) if self._made else ((), ())
        return differs(sheets, self._books) or formulaproof.left(sheets.now, renewed, gone)

    def _foreign(self, long: Long, was: Sheet) -> str:
        """See `Long.foreign`."""
        data, noted = self._old.package.read(long.name), region.noted(self._old, long.name)
        return long.foreign(data, was, self._books.styles, lambda: self._old.formatted, noted)

    def _chart(self, name: str) -> Part:
        """A chart on a sheet of ours: what it remembers of the cells of our blocks is what they hold, all else as it
        was."""
        found = self._new.package.read(name)
        spans.check(found, name)
        told = self._old.package.read(name)
        for part in self._ours:
            sheets = self._sheets(part) if name in drawn.charts(self._new, part) else None
            if sheets is not None and any(plan.table.anchor for plan in sheets.plans):
                told = drawn.remembered(told, name, sheets.now)
        return Part(name, "ours") if told == found else Part(name, "violation", "changed")


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


def _belonging(index: Index, part: str) -> Iterator[str]:
    return (one.target for one in index.relations(part) if one.kind in _BELONGING)
