"""Charts on a sheet: what they remember of its cells, for programs that only show what is remembered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from segmenter.books import cells, refs, spans
from segmenter.books.edits import Edits
from segmenter.books.index import Index
from segmenter.books.sheetxml import Sheet

_RANGE: Final = r"(?:'((?:[^']|'')+)'|([^'!\[\]]+))!(\$?[A-Z]{1,3}\$?\d{1,7}(?::\$?[A-Z]{1,3}\$?\d{1,7})?)"
_MOST: Final = 10_000
"""cells a range may have: a chart of more is drawn by no one who cannot calculate"""
_KEPT: Final = 16
"""charts of which is remembered where their copies stand: those of a template are the same in the next workbook"""


def charts(index: Index, sheet: str) -> Iterator[str]:
    """The charts drawn on the sheet in a part."""
    for drawing in index.related(sheet, "drawing"):
        yield from index.related(drawing, "chart")


def remembered(data: bytes, part: str, sheet: Sheet) -> bytes:
    """A chart whose copies of the cells of `sheet` are what stands there now; all else as it was."""
    edits = Edits(data)
    for one in _copies(data, part):
        if one.sheet == sheet.name.casefold():
            edits.replace(one.start, one.end, _points(sheet, one.area, one.prefix, numbers=one.numbers))
    return edits.apply() if edits else data


class _Copy(NamedTuple):
    """A chart's copy of some cells: of which, where it stands, how its tags begin, and whether it holds numbers."""

    sheet: str
    """its name, casefolded"""
    area: refs.Area
    start: int
    end: int
    prefix: str
    numbers: bool


@lru_cache(_KEPT)
def _copies(data: bytes, part: str) -> tuple[_Copy, ...]:
    found = []
    for one in spans.parse(data, part).walk():
        cache = one.first("numCache" if one.name == "numRef" else "strCache") if one.name.endswith("Ref") else None
        formula = one.first("f")
        if cache is None or formula is None or not (reads := re.fullmatch(_RANGE, formula.text.strip())):
            continue
        area = refs.area(reads[3])
        old = [child for child in cache.children if child.name in ("ptCount", "pt")]
        if old and (area.bottom - area.top + 1) * (area.right - area.left + 1) <= _MOST:
            sheet = (reads[1] or reads[2]).replace("''", "'").casefold()
            found.append(_Copy(sheet, area, old[0].start, old[-1].end, cache.prefix, one.name == "numRef"))
    return tuple(found)


def _points(sheet: Sheet, area: refs.Area, prefix: str, *, numbers: bool) -> bytes:
    rows = range(area.top, area.bottom + 1)
    columns = [sheet.column(column, rows) for column in range(area.left, area.right + 1)]
    points = [f'<{prefix}ptCount val="{len(rows) * len(columns)}"/>']
    for n, value in enumerate(chain.from_iterable(zip(*columns, strict=True))):
        if isinstance(value, bool) or value in (None, "") or isinstance(value, (int, float)) != numbers:
            continue
        text = cells.number(value) if isinstance(value, (int, float)) else cells.escape(str(value))
        points.append(f'<{prefix}pt idx="{n}"><{prefix}v>{text}</{prefix}v></{prefix}pt>')
    return "".join(points).encode()
