"""The part of the proof about a sheet with a long list: `longproof` goes through its rows; what is left of the sheet,
with the first of them, is compared like any other, and in place of the others nothing of anybody else may have stood.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from segmenter.books import longproof, longrows
from segmenter.books.filling import Meant, Whole
from segmenter.books.longlist import pieces
from segmenter.books.package import Content, Package
from segmenter.books.rowxml import IDLE
from segmenter.books.scan import Scan
from segmenter.books.sheetxml import Sheet
from segmenter.books.slots import Slot
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
        return longproof.check(found, self.part, self.name) or longproof.differs(self.plan, self.whole)

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

    def foreign(self, data: bytes, was: Sheet, styles: Styles, formatted: Collection[int]) -> str:
        """The first column among the rows that were made anew in which something of somebody else stood, or which
        somebody had given another look. `data`: the sheet as it was; `was`: with the first of its rows only;
        `formatted`: the shared strings that are more than their text."""
        made, p = self.whole.rows, self._prefix
        start, _, end = self._cut(data)
        if not _HELD.search(data, start, end):
            return ""
        scan = Scan(made.prefix, self.name, was.strings, lambda _: False, False, (), formatted)
        for piece in pieces(data, start, end, b"</%srow>" % p):
            scan.feed(piece)
        ours = {self.plan.columns[key] for key in self.plan.written}
        wrong = [column for column, kind, _ in scan.kinds if kind is not None and column not in ours]
        if not scan.formulas and all(kind is None for _, kind, _ in scan.kinds):
            return ""
        first = was.rows.get(made.first)
        like = {column: cell.style for column, cell in first.cells.items()} if first else {}
        wrong += [column for column, _, style in scan.kinds if not styles.alike(style, like.get(column, 0))]
        tags = scan.row_tags - {b'<%srow r="1"%s>' % (p, IDLE.sub(b"", made.attributes))}
        if scan.slow or scan.formatted or tags:
            return str(made.first + 1)
        return letter(min(wrong, default=made.columns[0].number)) if wrong or scan.formulas else ""

    @property
    def _prefix(self) -> bytes:
        return self.whole.rows.prefix.encode()

    def _cut(self, data: bytes) -> tuple[int, int, int]:
        """Where the first row of the list begins in a sheet, where it ends (the others are made like it), and where all
        rows end."""
        first, p = self.whole.rows.first + 1, self._prefix
        end = data.rfind(b"</%ssheetData>" % p)
        start, number = data.find(b'<%srow r="%d"' % (p, first)), first
        if start < 0:  # nobody wrote that row, or not in this way
            tags = re.finditer(rb"<%srow\s(?:[^>]*\s)?r=[\"'](\d+)" % p, data)
            start, number = next(((one.start(), int(one[1])) for one in tags if int(one[1]) >= first), (end, 0))
        after = start
        if number == first:
            after = data.index(b">", start) + 1
            after = after if data[after - 2 : after] == b"/>" else data.index(b"</%srow>" % p, after) + len(p) + 6
        return start, after, end


def find(name: str, plans: Sequence[Meant], changes: Mapping[str, Content | None], after: Package) -> Long | None:
    """The part `name` as a sheet with a long list, if it is one; with its rows where it was to stay as it is."""
    plan = next((one for one in plans if one.whole is not None), None)
    if plan is None or plan.whole is None:
        return None
    content, rows = changes.get(name), plan.whole.rows
    if not isinstance(content, longrows.Part):
        data, p = after.read(name), rows.prefix.encode()
        start, end = data.find(b'<%srow r="%d"' % (p, rows.first + 1)), data.rfind(b"</%ssheetData>" % p)
        content = longrows.Part(data[: max(start, 0)], rows, data[end:])
    return Long(name, content, plan, plan.whole)
