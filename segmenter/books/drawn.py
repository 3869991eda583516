"""Charts on a sheet: what they remember of its cells, for programs that only show what is remembered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from segmenter.books import cells, refs, spans
from segmenter.books.index import Index
from segmenter.books.sheetxml import Sheet

_RANGE: Final = re.compile(r"(?:'((?:[^']|'')+)'|([^'!\[\]]+))!(\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?)")
_MOST: Final = 10_000
"""cells a range may have: a chart of more is drawn by no one who cannot calculate"""


def charts(index: Index, sheet: str) -> Iterator[str]:
    """The charts drawn on the sheet in a part."""
    for drawing in index.related(sheet, "drawing"):
        yield from index.related(drawing, "chart")


def remembered(data: bytes, part: str, sheet: Sheet) -> bytes:
    """A chart whose copies of the cells of `sheet` are what stands there now; all else as it was."""
    edits = spans.Edits(data)
    for one in spans.parse(data, part).walk():
        cache = one.first("numCache" if one.name == "numRef" else "strCache") if one.name.endswith("Ref") else None
        formula = one.first("f")
        if cache is None or formula is None:
            continue
        found = _RANGE.fullmatch(formula.text.strip())
        if not found or (found[1] or found[2]).replace("''", "'").casefold() != sheet.name.casefold():
            continue
        area = refs.area(found[3])
        if (area.bottom - area.top + 1) * (area.right - area.left + 1) > _MOST:
            continue
        new = _points(sheet, area, cache.prefix, numbers=one.name == "numRef")
        old = [child for child in cache.children if child.name in ("ptCount", "pt")]
        if old and data[old[0].start : old[-1].end] != new:
            edits.replace(old[0].start, old[-1].end, new)
    return edits.apply() if edits else data


def _points(sheet: Sheet, area: refs.Area, prefix: str, *, numbers: bool) -> bytes:
    places = [(row, column) for row in range(area.top, area.bottom + 1) for column in range(area.left, area.right + 1)]
    points = [f'<{prefix}ptCount val="{len(places)}"/>']
    for n, (row, column) in enumerate(places):
        line = sheet.rows.get(row)
        cell = line.cells.get(column) if line else None
        value = sheet.value_of(cell) if cell else None
        if isinstance(value, bool) or value in (None, "") or isinstance(value, (int, float)) != numbers:
            continue
        text = cells.number(value) if isinstance(value, (int, float)) else cells.escape(str(value))
        points.append(f'<{prefix}pt idx="{n}"><{prefix}v>{text}</{prefix}v></{prefix}pt>')
    return "".join(points).encode()
