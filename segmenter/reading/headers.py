"""Finding a table on a sheet: the row with its headers, and the column of each field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from segmenter import texts
from segmenter.books import Grid
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.schema import CUSTOMERS, Field, Table, fold

SEARCHED: Final = 30
"""rows from the top among which a header row is looked for"""
_LEVELS: Final = 3
"""rows a header of several levels may have"""


class Header(NamedTuple):
    """Where a table's headers stand, counted from 0; its data begin below `row`, the last row of the header."""

    row: int
    columns: Mapping[str, int]
    """the column of each field that is there, by field key"""


def locate(grid: Grid, table: Table) -> Header:
    """The header row of `table` among the first rows of `grid`: the one with the most headers it needs.

    A header of several levels (merged cells over further headers) is read joined. Refused when no row has the
    needed headers, when one is there twice, or when two rows could be it.
    """
    candidates = list(_candidates(grid, table))
    if not candidates:
        raise _missing(grid, table, None)
    best = max(score for score, _, _ in candidates)
    (first, places), *others = [(header, found) for score, header, found in candidates if score == best]
    for other, _ in others:
        place = address(other.row, 0)
        raise Refused("header_tie", sheet=grid.sheet, cell=place, row=first.row + 1, other=other.row + 1)
    _refuse_twice(grid, table, first.row, places)
    if any(field.must and field.key not in first.columns for field in table.fields):
        raise _missing(grid, table, first)
    if table.key_field and table.key_field not in first.columns:
        raise _missing(grid, table, first)
    return first


def holds(grid: Grid, table: Table, share: float = 1) -> bool:
    """Whether a sheet is `table`'s, with a `share` of its columns (all), and not one of somebody else's under the same
    name."""
    try:
        return len(locate(grid, table).columns) >= share * len(table.fields)
    except Refused:
        return False


def _candidates(grid: Grid, table: Table) -> Iterator[tuple[tuple[int, int], Header, Mapping[str, list[int]]]]:
    """Score, header, and all columns of each field, of every row that could be the header."""
    for top in range(min(SEARCHED, grid.height)):
        bottom = _last_level(grid, top)
        words = [fold(cell) for cell in grid.rows[top] if isinstance(cell, str)]
        if bottom == top and table.headers.isdisjoint(words):
            continue
        names = _names(grid, top, bottom)
        known = {field.key: found for field in table.fields if (found := _columns(field, names))}
        if known:
            places = _together(grid, range(top, bottom + 1), known, names)
            must = sum(field.must for field in table.fields if field.key in places)
            header = Header(bottom, {key: columns[0] for key, columns in places.items()})
            yield (must, len(places)), header, places


def _last_level(grid: Grid, top: int) -> int:
    """The last row of the header that begins in row `top`: merged cells say how deep it is."""
    if not grid.merged:
        return top
    flat = [one for one in grid.merged if one[0] == top]
    deep = [bottom for first, _, bottom, _ in flat if first < bottom < first + _LEVELS]
    wide = any(
        right > left and top + 1 < grid.height and _fill(grid, top + 1, left, right) for _, left, _, right in flat
    )
    return max(deep) if deep and wide else top


def _fill(grid: Grid, row: int, left: int, right: int) -> bool:
    """Whether a row has texts under a merged cell that spans `left`..`right`."""
    cells = grid.rows[row][left : right + 1]
    return sum(isinstance(cell, str) for cell in cells) > 1


def _names(grid: Grid, top: int, bottom: int) -> dict[str, list[int]]:
    """The columns of every folded name a header answers to: its lowest level, and all levels joined."""
    anchors: dict[tuple[int, int], object] = {}
    for first, left, last, right in grid.merged:
        if first <= bottom and last >= top:
            value = grid.rows[first][left] if first < grid.height and left < len(grid.rows[first]) else None
            anchors |= {(row, column): value for row in range(first, last + 1) for column in range(left, right + 1)}
    found: dict[str, list[int]] = {}
    rows = grid.rows[top : bottom + 1]
    for column in range(max(map(len, rows))):
        levels: dict[str, None] = {}
        for row, cells in enumerate(rows, top):
            value = cells[column] if column < len(cells) else None
            if value is None and bottom > top:
                value = anchors.get((row, column))
            if isinstance(value, str) and (name := fold(value)):
                levels[name] = None
        if levels:
            for name in {[*levels][-1], "".join(levels), "/".join(levels)}:
                found.setdefault(name, []).append(column)
    return found


def _columns(field: Field, names: Mapping[str, list[int]]) -> list[int]:
    """The columns whose header is this field's; those with its own name before those with an alias."""
    return _places(field.own_names, names) or _places(field.names(), names)


def _places(words: frozenset[str], names: Mapping[str, list[int]]) -> list[int]:
    return sorted({column for word in words & names.keys() for column in names[word]})


def _together(
    grid: Grid, rows: range, places: Mapping[str, list[int]], names: Mapping[str, list[int]]
) -> Mapping[str, list[int]]:
    """The columns of each field, but those of a table beside, behind a column without a header: fewer of our headers
    stand there, one of them a second time."""
    if all(len(columns) == 1 for columns in places.values()):
        return places
    filled = {column for row in rows for column, value in enumerate(grid.rows[row]) if value is not None}
    begins: dict[int, int] = {}
    for column in sorted(filled.union(*names.values())):
        begins[column] = begins.get(column - 1, column)
    fields = Counter(start for columns in places.values() for start in {begins[column] for column in columns})
    (most, count), *others = fields.most_common(2)
    if others and others[0][1] == count:
        return places
    ours = [columns for columns in places.values() if any(begins[column] == most for column in columns)]
    beside = {begins[column] for columns in ours for column in columns} - {most}
    kept = {key: [one for one in columns if begins[one] not in beside] for key, columns in places.items()}
    return {key: columns for key, columns in kept.items() if columns}


def _refuse_twice(grid: Grid, table: Table, row: int, places: Mapping[str, list[int]]) -> None:
    for key, columns in places.items():
        field = table[key]
        matters = field.need or field.owner == "us" or field.kind in ("id", "count", "money", "number", "rate", "date")
        if len(columns) > 1 and matters:  # of two columns the one we write may be somebody's remarks
            first, second = (address(row, column) for column in columns[:2])
            raise Refused("header_twice", sheet=grid.sheet, cell=second, first=first, value=_shown(field))


def _shown(field: Field) -> str:
    return " / ".join(dict.fromkeys(field.header.values()))


def _likeness(name: str, field: Field) -> float:
    from difflib import SequenceMatcher

    return max(SequenceMatcher(None, known, name).ratio() for known in field.names())


def _missing(grid: Grid, table: Table, header: Header | None) -> Refused:
    """The refusal for headers that are not there: which, what was found instead, and what comes nearest."""
    from difflib import get_close_matches  # only who is refused waits for it

    if header is None and not any(field.must for field in table.fields):  # one we make: that is not its sheet
        return Refused("sheet_foreign", sheet=grid.sheet, value=", ".join(map(_shown, table.fields[:1])))
    has = header.columns if header else {}
    wanted = [field for field in table.fields if field.must or field.key == table.key_field] or list(table.fields)
    missing = [field for field in wanted if field.key not in has]
    rows = [header.row] if header else range(min(SEARCHED, grid.height))
    found = [value.strip() for row in rows for value in grid.rows[row] if isinstance(value, str) and value.strip()]
    folded = {fold(name): name for name in found}
    near = [close for name in missing[0].names() for close in get_close_matches(name, folded, 1, 0.5)]
    nearest = folded.get(max(near, key=lambda one: _likeness(one, missing[0]), default=""), "")
    return Refused(
        "header_missing",
        sheet=grid.sheet,
        cell=address(header.row, 0) if header else "",
        value=", ".join(_shown(field) for field in missing),
        found=", ".join(found[:20]) or "—",
        nearest=texts.nearest(nearest, [nearest]) if nearest else "",
    )


def asked(names: Iterable[str], customers: Container[str]) -> list[Field]:
    """The columns of the customer sheet that somebody asks for by header or key. Refused("no_such_column") names one
    that is not there, and those there are."""
    there = [one for one in CUSTOMERS.fields if one.key in customers]
    found = []
    for name in names:
        hit = [one for one in there if fold(name) in one.names() | {fold(one.key)}]
        if not hit:
            listed = {lang: ", ".join(one.header[lang] for one in there) for lang in texts.LANGS}
            raise Refused("no_such_column", value=name, found=listed)
        found += hit[:1]
    return found
