"""The part of the proof about a sheet with a long list: `longproof` goes through its rows; what is left of the sheet,
with the first of them, is compared like any other, and in place of the others nothing of anybody else may have stood.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from segmenter.books import cells, longproof, longrows, longvalues, ours, spans
from segmenter.books.columns import Words
from segmenter.books.filling import Meant, Whole
from segmenter.books.longlist import pieces
from segmenter.books.ours import Always
from segmenter.books.package import Content, Package
from segmenter.books.rowxml import IDLE
from segmenter.books.scan import Scan
from segmenter.books.scanned import Held, at, down
from segmenter.books.sheetxml import Sheet
from segmenter.books.slots import Slot, key_of
from segmenter.books.styles import Styles
from segmenter.cells import letter

_HELD: Final = re.compile(rb"<(?:[^\s<>/:]+:)?(?:v|f|is)\b")
"""what a cell has inside that holds something"""


class Long(NamedTuple):
    """A sheet whose list was made of whole columns."""

    name: str
    """of its part"""
    part: longrows.Part
    plan: Meant
    whole: Whole
    """that of the plan"""

    def differs(self, found: Iterable[bytes]) -> str:
        """The first thing about the rows, as they stand in the file (`found`: the part), that is not what was meant."""
        return longproof.check(found, self.part, self.name) or longvalues.differs(self.plan, self.whole)

    def before(self, data: bytes) -> bytes:
        """The sheet as it was, of the rows of the list the first one only."""
        _, after, end = self._cut(data)
        return data[:after] + data[end:]

    def after(self, found: Iterable[bytes]) -> bytes:
        """The sheet as it stands in the file, in the same way."""
        close, data = b"</%srow>" % self._prefix, b""
        for piece in found:
            data += piece
            if (end := data.find(close, len(self.part.head))) >= 0:
                return data[: end + len(close)] + self.part.tail
        return data

    @property
    def first(self) -> Meant:
        """What is meant, for the first row only."""
        plan = self.plan
        if plan.region is None or plan.frame is None:
            return plan
        place = 0 if self.whole.order is None else self.whole.order[0]
        above = plan.region._replace(last=plan.region.first - 1)
        return plan._replace(frame=plan.frame.at([place]), slots=[Slot(None, 0)], region=above)

    def foreign(
        self,
        data: bytes,
        was: Sheet,
        styles: Styles,
        formatted: Callable[[], Collection[int]],
        noted: Collection[tuple[int, int]],
    ) -> str:
        """The first column among the rows that were made anew in which something of somebody else is lost, or which
        somebody had given another look. `data`: the sheet as it was; `was`: with the first of its rows only;
        `formatted` gives the shared strings that are more than their text; `noted`: the cells with a comment."""
        made, plan, p = self.whole.rows, self.plan, self._prefix
        start, _, end = self._cut(data)
        written = {plan.columns[key] for key in plan.written}
        key = plan.columns.get(plan.table.key_field, -1)
        first = was.rows.get(made.first)
        like = {column: cell.style for column, cell in first.cells.items()} if first else {}
        looks = was.column_styles | like
        theirs = plan.region.columns if plan.region else ()
        keep = {column: looks.get(column, 0) for column in theirs if column not in written}
        head = was.rows.get(made.first - 1)
        beside = (plan.region.left - 1, plan.region.right + 1) if plan.region else ()
        for column, cell in head.cells.items() if head else ():
            if column in beside and not cell.blank:  # it belongs to the list, and what is below it
                return cell.where
        held = bool(_HELD.search(data, start, end))
        always = plan.always if held else ()
        about = {key, *ours.fields(always, plan.columns)}, formatted() if held else (), keep
        scan = Scan(made.prefix, self.name, was.strings, lambda _: False, False, *about)
        for piece in pieces(data, start, end, b"</%srow>" % p) if held else ():
            scan.feed(piece)
        if scan.unnumbered:
            return str(made.first + 1)
        stood = scan.columns()
        always = ours.with_own(always, lambda one: down(stood, plan.columns.get(one, -1), made.first, scan.height))
        went = self._went(stood.get(key), scan.height) if key in written else {}
        lost = [row for row in range(made.first, scan.height) if row - made.first not in went]
        typed = (row for row in lost if key in written and not self._is_ours(stood, always, row))
        if (row := next(typed, None)) is not None:
            return str(row + 1)
        height = max(scan.height, plan.region.last + 1 if plan.region else 0)  # blank ones are not gone through
        if wrong := self._followed(went, height - made.first, noted) or self._kept(scan, went, styles, keep):
            return wrong
        if not scan.formulas and all(kind is None for _, kind, _ in scan.kinds):
            return ""
        tags = scan.row_tags - {b'<%srow r="1"%s>' % (p, IDLE.sub(b"", made.attributes))}
        if scan.slow or scan.formatted or tags:
            return str(made.first + 1)
        rest = [one for one in scan.kinds if one[0] not in keep]
        wrong_columns = [column for column, kind, _ in rest if kind is not None and column not in written]
        wrong_columns += [column for column, _, style in rest if not styles.alike(style, like.get(column, 0))]
        everywhere = scan.everywhere or ()  # where somebody took a cell away, an empty one would have its look again
        anew = [one.number for one in made.columns if one.number not in everywhere and one.number not in keep]
        wrong_columns += [column for column in anew if not styles.alike(looks.get(column, 0), 0)]
        least = min(wrong_columns, default=made.columns[0].number)
        return letter(least) if wrong_columns or scan.formulas else ""

    def _is_ours(self, stood: Mapping[int, Held], always: Always, row: int) -> bool:
        """Whether a row has a key, and what no row of ours lacks."""
        plan = self.plan
        if at(stood, plan.columns[plan.table.key_field], row) is None:
            return False
        return ours.says(plan.table, always, plan.columns, lambda column: at(stood, column, row))

    def _went(self, stood: Held | None, height: int) -> dict[int, int]:
        """Where the row of each key went, from the first row of the list on: the n-th with a key is the n-th with it
        now. Worked out here and not by `slots`, which the writer asked. `stood`: the keys down to the row `height`."""
        plan, first = self.plan, self.whole.rows.first
        if plan.frame is None or stood is None:
            return {}
        frame = plan.frame if self.whole.order is None else plan.frame.at(self.whole.order)
        places: dict[str | None, list[int]] = defaultdict(list)
        for place, value in enumerate(cells.column(frame[plan.table.key_field])):
            places[key_of(value)].append(place)
        left = {key: iter(each) for key, each in places.items()}
        went: dict[int, int] = {}
        for row, one in enumerate(stood.values(first, height).tolist()):
            key = key_of(None if one != one else one)
            if key is not None and key in left and (found := next(left[key], None)) is not None:
                went[row] = found
        return went

    def _followed(self, went: Mapping[int, int], count: int, noted: Collection[tuple[int, int]]) -> str:
        """The first of the `count` rows that stood whose key is elsewhere than what is said of the rows follows them
        to, or that went though it has a comment."""
        first, shift, region = self.whole.rows.first, self.whole.shift, self.plan.region
        for row in range(first, first + max(count, 0)):
            place = went.get(row - first)
            if shift.row(row) != (None if place is None else first + place):
                return str(row + 1)
            if place is None and region and any((row, column) in noted for column in region.columns):
                return str(row + 1)
        return "" if count > 0 or not (shift.moved or shift.gone) else str(first + 1)

    def _kept(self, scan: Scan, went: Mapping[int, int], styles: Styles, looks: Mapping[int, int]) -> str:
        """The first cell of somebody else (in the columns of `looks`) that does not stand as it was in the row of its
        key, or that nobody had written. Those that are empty may go with their row."""
        first = self.whole.rows.first
        found: dict[tuple[int, int], bytes] = {}
        made = {one.number: one for one in self.whole.rows.columns}
        for number, style in looks.items():
            if number not in made:
                if styles.alike(style, 0):
                    continue
                return letter(number)
            one = made[number]
            words = one.parts[0]
            if not one.kept or one[2:4] != (b"", b"") or len(one.parts) > 1 or not isinstance(words, Words):
                return letter(number)
            *_, empty = words.tails
            plain = re.fullmatch(rb'" s="(\d+)"/>', empty)
            if (empty and not plain) or not styles.alike(int(plain[1]) if plain else 0, style):
                return letter(number)
            head = b'<%sc r="' % self._prefix
            spans.check(b"<a>" + b"".join(head + tail for tail in words.tails if tail) + b"</a>", self.name)
            rows = np.flatnonzero(words.codes != len(words.tails) - 1).tolist()
            found |= {(row, number): words.tails[words.codes[row]] for row in rows}
        if any(one.kept for one in made.values() if one.number not in looks):
            return letter(min(one.number for one in made.values() if one.kept and one.number not in looks))
        expected = {
            (went.get(row - first, -1), column): tail
            for column, there in scan.kept.items()
            for row, tail in there.items()
            if row - first in went or _HELD.search(tail)
        }
        for row, column in sorted({*found, *expected}):
            if found.get((row, column)) != expected.get((row, column)):
                return f"{letter(column)}{first + 1 + row}"
        return ""

    @property
    def _prefix(self) -> bytes:
        return self.whole.rows.prefix.encode()

    def _cut(self, data: bytes) -> tuple[int, int, int]:
        """Where the first row of the list begins in a sheet, where it ends (the others are made like it), and where all
        rows end."""
        first, p = self.whole.rows.first + 1, self._prefix
        _, inner, end = spans.frame(data, self.name, "sheetData", checked=True)
        start, number = data.find(b'<%srow r="%d"' % (p, first), inner, end), first
        if start < 0:  # nobody wrote that row, or not in this way
            tags = re.compile(rb"<%srow\s(?:[^>]*\s)?r=[\"'](\d+)" % p).finditer(data, inner, end)
            start, number = next(((one.start(), int(one[1])) for one in tags if int(one[1]) >= first), (end, 0))
        after = start
        if number == first:
            after = data.index(b">", start) + 1
            if data[after - 2 : after] != b"/>":
                closed = re.compile(rb"</%srow\s*>" % p).search(data, after, end)
                after = closed.end() if closed else end
        return start, after, end


def find(name: str, plans: Sequence[Meant], changes: Mapping[str, Content | None], after: Package) -> Long | None:
    """The part `name` as a sheet with a long list, if it is one; with its rows where it was to stay as it is."""
    plan = next((one for one in plans if one.whole is not None), None)
    if plan is None or plan.whole is None:
        return None
    content, rows = changes.get(name), plan.whole.rows
    if not isinstance(content, longrows.Part):
        data, p = after.read(name), rows.prefix.encode()
        _, inner, end = spans.frame(data, name, "sheetData")
        start = data.find(b'<%srow r="%d"' % (p, rows.first + 1), inner, end)
        content = longrows.Part(data[: max(start, 0)], rows, data[end:])
    return Long(name, content, plan, plan.whole)
