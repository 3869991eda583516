"""The rows a list will have: those that stay, because the frame has their key or people typed something into them, and
further ones. The same rules for a file and for Excel.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from segmenter.books.cells import Plain, column, number
from segmenter.books.ours import Always, always, least, with_own
from segmenter.books.region import Region, Standing, count, says_always
from segmenter.frames import Frame
from segmenter.reading.headers import Header
from segmenter.schema import Table, fold, is_signature, says_total


class Slot(NamedTuple):
    """One row as it will be: the row it stands in now, and its place in the frame; None where it has none."""

    source: int | None
    place: int | None
    whole: bool = False
    """whether nothing in it is emptied, though the frame lacks it: it is none of our rows"""
    stale: bool = False
    """the same of a line of ours: something is typed beside it"""

    @property
    def stays(self) -> bool:
        """Whether it keeps all that it holds."""
        return self.whole or self.stale


def key_of(value: Plain) -> str | None:
    """What a key cell says, None when it is empty. What the analysis takes for one customer is one here: 1001 and
    "1001", C1 and ｃ１, of which people type one this month and the other the next."""
    if isinstance(value, float):
        return number(value)
    text = "" if value is None else str(value).strip()
    if text.isascii() and text.isalnum():  # most are, and `fold` takes ten times as long
        return text.casefold()
    return fold(text) or None


def _number(value: Plain) -> Plain:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def match(keys: Iterable[str | None], wanted: Iterable[str | None]) -> dict[int, int]:
    """Which of `wanted` each of `keys` is, by position: the n-th with a key is the n-th wanted with it."""
    places: dict[str, list[int]] = defaultdict(list)
    for position, key in enumerate(wanted):
        if key is not None:
            places[key].append(position)
    for each in places.values():
        each.reverse()
    found = {}
    for position, key in enumerate(keys):
        if key is not None and places.get(key):
            found[position] = places[key].pop()
    return found


def ours_first(keys: Sequence[str | None], is_ours: Callable[[int], bool]) -> Sequence[int]:
    """The rows with some keys in the order in which they are given what is wanted: of several with one key those that
    are ours come before a remark about the customer."""
    count = Counter(keys)
    if len(count) + max(count[None] - 1, 0) == len(keys):
        return range(len(keys))
    return sorted(range(len(keys)), key=lambda n: keys[n] is not None and count[keys[n]] > 1 and not is_ours(n))


class Typed:
    """Tells the rows that hold something people typed, which no run may lose. `written`: the field keys of the frame;
    `always`: what no row of ours lacks."""

    def __init__(
        self,
        standing: Standing,
        table: Table,
        header: Header,
        region: Region,
        written: Collection[str],
        always: Always,
    ) -> None:
        self.region = region
        self.is_keyed = bool(table.key_field)
        self._standing = standing
        self._table = table
        self._fields = header.columns
        self._columns = {*header.columns.values()}
        self._ours = {c for name, c in header.columns.items() if table[name].owner == "us"}
        self._brought = self._ours | {c for name, c in header.columns.items() if name in written}
        self._always = with_own(always, self._said)
        self._least = least(table, always)
        self._key = header.columns.get(table.key_field)

    def _said(self, key: str) -> Iterator[Plain]:
        """What the rows say in a field."""
        rows = range(self.region.first, self.region.last + 1) if key in self._fields else ()
        return (self._standing.value(row, self._fields[key]) for row in rows)

    def stands(self, row: int) -> bool:
        """Whether something stands in a row."""
        return count(self._standing, row, self.region.columns) > 0

    def joins(self, row: int) -> bool:
        """Whether a row would count as one of the list if it stood right below: it is ours, or has a key, with which an
        Excel table goes on, and looks like one."""
        key = None if self._key is None else key_of(self._standing.value(row, self._key))
        looks = self._table.unworded(self._always) if self.region.listed and key is not None else ()
        if looks and not says_total(key or "") and says_always(self._standing, row, self._fields, self._table, looks):
            return True
        return self.is_ours(row, key)

    def is_ours(self, row: int, key: str | None) -> bool:
        """Whether a row is one we wrote, or may write over: it is blank, or has a key, where the table has keys, and
        what no row of ours lacks, which none has alone. Any other is a remark, and stays as it is."""
        here = count(self._standing, row, self._columns)
        if not here:
            return not count(self._standing, row, self.region.columns)
        if key is not None and (says_total(key) or is_signature(key)):
            return False
        if self.is_keyed and (key is None or self._table[self._table.key_field].owner != "us"):
            return key is not None
        if not self._always:
            return here > 1 or not self.is_keyed
        return here >= self._least and says_always(self._standing, row, self._fields, self._table, self._always)

    def holds(self, row: int, key: str | None) -> bool:
        """Whether a row that the frame lacks must stay: it is none of ours, or something is typed or noted in it.
        Formulas over cells are none of that: people fill them down."""
        if not self.is_ours(row, key):
            return True
        ours = self._brought if key is not None or not self.is_keyed else self._ours
        foreign = (c for c in self._standing.filled(row) if c in self.region.columns and c not in ours)
        if not all(self._standing.reads_cells(row, column) for column in foreign):
            return True
        return any((row, column) in self._standing.notes for column in self.region.columns)


class Rows(NamedTuple):
    """The rows a list will have."""

    region: Region
    """where they stood, without what goes along below"""
    slots: list[Slot]
    values: dict[int, list[Plain]]
    """what the frame brings, by column"""


def planned(standing: Standing, header: Header, table: Table, region: Region, frame: Frame) -> Rows:
    """What becomes of the rows of a list when a frame (columns: field keys) is written."""
    columns = {key: header.columns[key] for key in frame.columns if key in header.columns}
    values = {key: column(frame[key]) for key in columns}
    typed = Typed(standing, table, header, region, columns, always(table, columns, frame))

    def stood(key: str) -> list[Plain]:
        return [standing.value(row, columns[key]) for row in range(region.first, region.last + 1)]

    if not table.key_field:
        names = apart(table, columns)
        found = lines(typed, said(map(stood, names)), said(values[name] for name in names), len(frame))
    elif (key := table.key_field) in columns:
        found = slots(typed, [*map(key_of, stood(key))], values[key], len(frame))
    else:
        found = slots(typed, [None] * (region.last + 1 - region.first), None, len(frame))
    region, found = without_remarks(region, found)
    region = apart_from_below(typed, region, max(len(found), 1))
    return Rows(region, found, {columns[key]: each for key, each in values.items()})


def apart_from_below(typed: Typed, region: Region, height: int) -> Region:
    """A list that is to have `height` rows, with the room it keeps above what the next run would take for rows of it
    (see `region.find`): what stands right below it, or behind one empty row where no Excel table says where it ends."""
    room = 1 if region.listed else 2
    row = region.first + height + region.along
    end = row + room
    while row < end:
        if typed.stands(row):
            if typed.joins(row):
                return region._replace(room=max(region.room, room))
            end = row + 1 + room  # the next run reads on below a remark
        row += 1
    return region


def apart(table: Table, written: Collection[str]) -> list[str]:
    """The fields by which a line of a list without keys is found again."""
    return [key for key in table.same if key in written] or [*written]


def said(columns: Iterable[Iterable[Plain]]) -> Iterator[str | None]:
    """What each line says there, None for nothing; worked out when it is asked for."""
    for line in zip(*columns, strict=True):
        yield "\0".join(key_of(_number(value)) or "" for value in line).strip("\0") or None


def lines(typed: Typed, stood: Iterable[str | None], wanted: Iterable[str | None], height: int) -> list[Slot]:
    """The rows of a list without keys as they will be: those beside which people typed something are found again by
    what they say, or stay as they are; the others are written over in the order of the frame. `stood` and `wanted`:
    what they and the `height` rows of the frame say."""
    rows = range(typed.region.first, typed.region.last + 1)
    ours = [n for n, row in enumerate(rows) if typed.is_ours(row, None)]
    noted = [n for n in ours if typed.holds(rows[n], None)]
    told = [*stood] if noted else []
    places = {noted[n]: place for n, place in match([told[n] for n in noted], wanted).items()} if noted else {}
    held, again = {*noted}, {*places.values()}
    stale = held.difference(places)
    others = [n for n in ours if n not in held]
    places |= zip(others, (place for place in range(height) if place not in again), strict=False)
    gone = {*others}.difference(places)
    found = [Slot(row, places.get(n), n not in places and n not in stale, n in stale) for n, row in enumerate(rows)]
    used = {*places.values()}
    further = (Slot(None, place) for place in range(height) if place not in used)
    return [*(slot for n, slot in enumerate(found) if n not in gone), *further]


def slots(typed: Typed, keys: Sequence[str | None], wanted: Sequence[Plain] | None, height: int) -> list[Slot]:
    """The rows of a list with keys as they will be: those that stay in their order, then the further rows of the frame
    in theirs. `keys`: those of the rows as they stand; `wanted`: those of the `height` rows of the frame, None when it
    brings none."""
    rows = range(typed.region.first, typed.region.last + 1)
    if wanted is not None:
        first = ours_first(keys, lambda n: typed.is_ours(rows[n], keys[n]))
        found_places = match([keys[n] for n in first], map(key_of, map(_number, wanted)))
        places = {first[n]: place for n, place in found_places.items()}
    else:
        places = dict(zip(range(len(rows)), range(height), strict=False))
    found = []
    for n, row in enumerate(rows):
        if n in places:
            found.append(Slot(row, places[n]))
        elif typed.holds(row, keys[n]):
            found.append(Slot(row, None, not typed.is_ours(row, keys[n])))
    used = set(places.values())
    return [*found, *(Slot(None, place) for place in range(height) if place not in used)]


def types_keys(table: Table, frame: Frame, header: Header) -> bool:
    """Whether people type the keys of a table, and the frame and the sheet have them."""
    key = table.key_field
    return key in frame and key in header.columns and table[key].owner == "user"


def without_others(
    frame: Frame, table: Table, region: Region, stood: Mapping[int, str | None]
) -> tuple[Frame, int | None]:
    """The rows of a frame but those whose keys, which people type, sum up others, or stand below the list: they stand
    there, and stay. And the first row there with such a key, if it sums up nothing. `stood`: the keys by row."""
    key = table.key_field
    inside = {one for row, one in stood.items() if region.first <= row <= region.last}
    below = {row: one for row, one in stood.items() if row > region.last and one is not None}
    keys = [*map(key_of, column(frame[key]))]
    others = {*below.values()} - inside
    aside = {one for one in keys if one is not None and (one in others or says_total(one))}
    first = next(iter(below), None)
    behind = first is not None and below[first] in aside and not says_total(below[first])
    kept = frame.at([n for n, one in enumerate(keys) if one not in aside]) if aside else frame
    return kept, first if behind else None


def without_remarks(region: Region, rows: Sequence[Slot]) -> tuple[Region, list[Slot]]:
    """A list without the remarks and sums at its end, of which a further customer comes above: they go along below."""
    stayed = [slot for slot in rows if slot.source is not None]
    last = region.last
    while last > region.first and stayed and stayed[-1].whole and stayed[-1].source == last:
        last -= 1
        stayed.pop()
    further = [slot for slot in rows if slot.source is None]
    return region._replace(last=last, along=region.along + region.last - last), [*stayed, *further]
