"""What follows for the formulas of a workbook when some of its cells were written: those of other people, wherever they
stand, stay; of those with an old result, plain sums and the like on our sheets get the one they have now, and the rest
is counted, by sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from segmenter.books import calc, longrows, region, results, spans, sums
from segmenter.books.done import Done
from segmenter.books.edits import Edits
from segmenter.books.index import BEFORE_NAMES, Index
from segmenter.books.package import Draft
from segmenter.books.refs import Area, Shift
from segmenter.books.rowxml import Cell
from segmenter.books.sheetxml import Sheet
from segmenter.errors import Refused
from segmenter.findings import Finding


def recalculate(workbook: spans.Element, edits: Edits) -> None:
    """Tell Excel to calculate everything when it opens the workbook."""
    found = workbook.first("calcPr")
    if found is not None:
        if found.get("fullCalcOnLoad") not in ("1", "true"):
            edits.set(found, "fullCalcOnLoad", "1")
        return
    before = [child for child in workbook.children if child.name in (*BEFORE_NAMES, "definedNames")]
    edits.insert(before[-1].end, f'<{workbook.prefix}calcPr fullCalcOnLoad="1"/>'.encode())


class Results(NamedTuple):
    """Cells with results of formulas that were written otherwise, as they were before, by part."""

    renewed: dict[str, list[Cell]]
    dropped: dict[str, list[Cell]]

    def both(self, part: str) -> tuple[list[Cell], list[Cell]]:
        """Those of one part."""
        return self.renewed.get(part, []), self.dropped.get(part, [])


def follow(
    index: Index, done: Mapping[str, Done], plain: Collection[str], *, drop: bool
) -> tuple[Results, list[Finding]]:
    """Bring the results of formulas up to date as far as it can be told, and say of which it cannot. `done`: what was
    written, by part; `plain`: parts that have no formulas; `drop`: whether old results are to be taken out. What people
    typed into the rows of a list keeps its result for all that: the next run reads it."""
    draft, found, findings = index.package, Results({}, {}), list[Finding]()
    names = {entry.part: entry.name.casefold() for entry in index.sheets}
    sheets = _sheets(index, plain)
    words = _words(index)
    formulas = {part: calc.of(sheet, _theirs(sheet, done.get(part)), words) for part, sheet in sheets.items()}
    old = results.stale(formulas, {names[part]: one.written for part, one in done.items()})
    for part, sheet in sheets.items():
        cells, own = old.get(part, []), done.get(part)
        known = results.renewed(sheet, cells, region.listed(index, part)) if own and not _is_long(draft, part) else {}
        new = {cell: value for cell, value in known.items() if not sums.holds(sheet, cell, value)}
        kept = [cell for cell in cells if cell not in known and sums.has_result(cell)]
        out = [cell for cell in kept if drop and not (own and own.field(cell))]
        for code, count in (("stale", len(kept) - len(out)), ("stale_dropped", len(out))):
            findings += [Finding(code, sheet.name, params={"formulas": count})] if count else []
        out = [one for cell in out for one in results.shown(sheet, cell) if not (own and own.field(one))]
        found.renewed.update({part: [*new]} if new else {})
        found.dropped.update({part: out} if out else {})
        make = {cell: partial(results.with_result, sheet, value) for cell, value in new.items()}
        # a cell of texts without a result would be read as one that says nothing; others' sheets stay to the letter
        bare = sheet.uncached if own else results.without_result
        _rewrite(draft, part, sheet, make | dict.fromkeys(out, bare))
    grown = {names[part]: one.shift for part, one in done.items() if one.shift and one.shift.new > one.shift.old}
    for part, sheet in sheets.items() if grown else ():
        if cells := _missing(formulas[part], grown):
            findings.append(Finding("formula_short", sheet.name, cells[0].where, params={"formulas": len(cells)}))
    risen = {names[part]: rows for part, one in done.items() if (rows := _risen(draft, part, one))}
    for part, sheet in sheets.items() if risen else ():
        if cells := _doubling(formulas[part], risen, words):
            findings.append(Finding("formula_long", sheet.name, cells[0].where, params={"formulas": len(cells)}))
    return found, findings


def _missing(found: Iterable[calc.Formula], grown: Mapping[str, Shift]) -> list[Cell]:
    """The cells of the formulas that read a list (`grown`: how the rows of those changed that are longer now, by sheet
    name casefolded) as far as it went, and do not reach its end any more."""
    found = [*found]
    running = Counter((one.sheet, one.cell.column) for one in found if any(_runs(one, read) for read in one.reads))

    def misses(one: calc.Formula) -> bool:
        for read in one.reads:
            sheet, area = read.sheet or one.sheet, read.area
            if _runs(one, read) and running[one.sheet, one.cell.column] > 1:  # a sum so far, as in the rows above
                continue
            its = grown.get(sheet)
            if its and area.top < area.bottom and area.top <= its.old <= area.bottom < its.new and its.covers(area):
                return True
        return False

    return [one.cell for one in found if misses(one)]


def _doubling(
    found: Iterable[calc.Formula], risen: Mapping[str, Sequence[tuple[Area, int]]], words: calc.Words
) -> list[Cell]:
    """The cells of the formulas that read other people's cells among those of a list now, a sum most often, though they
    did not where these stood (`risen`: by sheet name casefolded, the cells and the rows where they were)."""
    tables = {*words.tables.values()}  # which follow by themselves

    def doubles(one: calc.Formula) -> bool:
        return any(
            read.area.meets(cell) and not read.area.top <= old <= read.area.bottom
            for read in one.reads
            if read not in tables
            for cell, old in risen.get(read.sheet or one.sheet, ())
        )

    return [one.cell for one in found if doubles(one)]


def _runs(one: calc.Formula, read: calc.Reference) -> bool:
    """Whether a formula reads its own sheet down to its own row and no further, as each of the sums so far in a column
    does."""
    return (read.sheet or one.sheet) == one.sheet and read.area.bottom == one.cell.row


def _risen(draft: Draft, part: str, done: Done) -> list[tuple[Area, int]]:
    """The cells that hold something in rows that came up (see `Done.risen`), and the rows where they stood."""
    if not done.risen or done.shift is None:
        return []
    rows, (left, right) = Sheet(_around(draft, part), part, "", (), checked=True).rows, done.shift.columns
    return [
        (calc.place(cell), old)
        for new, old in done.risen.items()
        for cell in (rows[new].cells.values() if new in rows else ())
        if left <= cell.column <= right and not cell.blank
    ]


def has_formulas(draft: Draft, part: str) -> bool:
    """Whether a sheet part has formulas in its cells."""
    return calc.has_formulas(_around(draft, part))


def _sheets(index: Index, plain: Collection[str]) -> dict[str, Sheet]:
    """The sheets with formulas, by part."""
    draft, found = index.package, {}
    for entry in index.sheets:
        if entry.kind == "worksheet" and entry.part in draft and entry.part not in plain:
            data = _around(draft, entry.part)
            if calc.has_formulas(data):
                found[entry.part] = Sheet(data, entry.part, entry.name, (), checked=entry.part in draft.changes)
    return found


def _around(draft: Draft, part: str) -> bytes:
    """A part without the rows that are made of whole columns, which have no formulas."""
    made = draft.changes.get(part)
    return made.head + made.tail if isinstance(made, longrows.Part) else draft.read(part)


def _is_long(draft: Draft, part: str) -> bool:
    return isinstance(draft.changes.get(part), longrows.Part)


def _words(index: Index) -> calc.Words:
    """What names in formulas stand for: Excel tables, and what is defined, for all sheets or for several of them."""
    tables, names = dict[str, calc.Reference](), dict[str, list[str]]()
    for entry in index.sheets:
        with suppress(Refused):  # one of somebody else that is damaged is nothing to us
            for one in region.listed(index, entry.part) if entry.part in index.package else ():
                tables[one.name.casefold()] = calc.Reference(entry.name.casefold(), one.area)
    for name in index.defined_names():
        names.setdefault(name.get("name").casefold(), []).append(name.text)
    return calc.Words(tables, {name: ",".join(texts) for name, texts in names.items()})


def _theirs(sheet: Sheet, done: Done | None) -> Iterator[Cell]:
    """The formula cells of a sheet that are not ours."""
    return (cell for cell in sheet.formulas() if done is None or not done.is_ours(cell))


def _rewrite(draft: Draft, part: str, sheet: Sheet, make: Mapping[Cell, Callable[[bytes], bytes]]) -> None:
    """Make some cells of a sheet anew."""
    if not make:
        return
    new, made = results.rewritten(sheet, make), draft.changes.get(part)
    if isinstance(made, longrows.Part):  # nothing with a formula stands below
        draft.set(part, longrows.Part(new.removesuffix(made.tail), made.rows, made.tail))
    else:
        draft.set(part, new)
