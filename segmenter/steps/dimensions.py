"""Labels: every customer's level in a dimension of the catalogue, a whole column at a time (items 000-01..19,
001-07..24, 002-01..31, 003-25..40, 003-102)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, schema, texts, wording
from segmenter.catalogue import Atom, Catalogue, Dimension, Level, When, key_of
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.reading import regions, values
from segmenter.reading.amounts import plain_number
from segmenter.schema import fold
from segmenter.steps.labels import Labels, Mask, Words
from segmenter.texts import LANGS

OPEN_LEVELS: Final = 8
"""so many values of an open dimension are levels of their own, the others are one"""
_MOST_LEVELS: Final = 126
"""what a code of one byte tells apart"""
_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}

Source = NDArray[np.float64] | Words | Labels | None


class Labeller:
    """The dimensions of a set of customers; what a condition reads is worked out once.

    `customers`: `Result.customers`; `more`: further columns of the same rows, by the keys of `needed` (of a column
    that both have, the customers' own value counts and `more` fills what is empty).
    """

    def __init__(
        self, customers: Frame, catalogue: Catalogue, more: Frame | None = None, as_of: date | None = None
    ) -> None:
        self._customers = customers
        self._catalogue = catalogue
        self._more = Frame({}, customers.index) if more is None else more
        self._as_of = as_of
        self._sources: dict[tuple[str, str], Source] = {}
        self._busy: list[str] = []

    def label(self, dimension: Dimension) -> Labels:
        """The level of every customer. Refused when dimensions refer to each other in a circle."""
        found = self._source("dimension", dimension.key)
        if not isinstance(found, Labels):
            raise KeyError(dimension.key)
        return found

    def _label(self, one: Dimension) -> Labels:
        if one.open:
            return self._open(one)
        codes = np.full(len(self._customers), -1, dtype=np.int8)
        for number in reversed(range(len(one.levels))):
            when = one.levels[number].when
            np.copyto(codes, number, where=self._when(when) if when else self._known(one))
        return Labels(one, one.levels, codes)

    def _open(self, one: Dimension) -> Labels:
        column = self._named(one.open)
        if isinstance(column, np.ndarray):
            column = _words(wording.each(column, wording.number, ""))
        if not isinstance(column, Words):
            return Labels(one, (), np.full(len(self._customers), -1, dtype=np.int8))
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.distinct))
        order = sorted((i for i, n in enumerate(counts) if n), key=lambda i: (-counts[i], column.distinct[i]))
        few = one.every or len(order) <= OPEN_LEVELS + 1
        first = order[:_MOST_LEVELS] if few else order[:OPEN_LEVELS]
        rest = len(order) > len(first)
        table = np.full(len(column.distinct) + 1, len(first) if rest else -1, dtype=np.int8)
        table[-1] = -1
        table[first] = np.arange(len(first))
        names = [column.names.get(column.distinct[i], dict.fromkeys(LANGS, column.distinct[i])) for i in first]
        names += [texts.both("dimension.rest")] if rest else []
        levels = tuple(Level(name, (), one.hint) for name in names)
        return Labels(one, levels, table[column.codes])

    def _when(self, when: When) -> Mask:
        found = np.zeros(len(self._customers), dtype=bool)
        for clause in when:
            found |= np.logical_and.reduce([self._test(atom) for atom in clause])
        return found

    def _known(self, one: Dimension) -> Mask:
        """Of whom all is known that the dimension looks at."""
        atoms = {atom.name for level in one.levels for clause in level.when for atom in clause if not _anything(atom)}
        known: Mask = np.logical_and.reduce([self._there(self._named(name)) for name in sorted(atoms)])
        return known

    def _there(self, column: Source) -> Mask:
        if isinstance(column, (Words, Labels)):
            return np.asarray(column.codes >= 0)
        return np.zeros(len(self._customers), dtype=bool) if column is None else ~np.isnan(column)

    def _test(self, atom: Atom) -> Mask:
        column = self._named(atom.name, atom)
        if _anything(atom):
            return self._there(column)
        wanted = [one for value in atom.values for one in self._catalogue.lookups.get(value.removeprefix("@"), [value])]
        if isinstance(column, np.ndarray):
            return _numeric(column, atom, wanted)
        folded = set(map(fold, wanted))
        if isinstance(column, Labels):
            names = [set(map(fold, level.name.values())) for level in column.levels]
            hits = [number for number, name in enumerate(names) if bool(name & folded) == (atom.op == "=")]
            return np.isin(column.codes, hits)
        if column is None:
            return np.zeros(len(self._customers), dtype=bool)
        if atom.op == "~":
            return column.where(lambda value: any(one in fold(value) for one in folded))
        if atom.op in ("=", "!="):

            def same(value: str) -> bool:
                return not folded.isdisjoint({fold(value), *map(fold, column.names.get(value, {}).values())})

            return column.where(lambda value: same(value) == (atom.op == "="))
        numbers = np.array([*map(plain_number, column.distinct), np.nan])[column.codes]
        return _numeric(numbers, atom, wanted) & (column.codes >= 0)

    def _named(self, name: str, atom: Atom | None = None) -> Source:
        """What a name in a condition means. A dimension and a column can share one: a level's name tells."""
        kind, key = key_of(name, self._catalogue)
        if atom and kind not in ("dimension", "header") and atom.op in ("=", "!="):
            same = self._catalogue.find(name)
            words = {fold(word) for level in same.levels for word in level.name.values()} if same else set()
            if same and same.key not in self._busy and words.issuperset(map(fold, atom.values)):
                kind, key = "dimension", same.key
        return self._source(kind, key)

    def _source(self, kind: str, key: str) -> Source:
        if (kind, key) not in self._sources:
            if kind == "dimension":
                if key in self._busy:
                    raise Refused("dimension_circle", value=" > ".join([*self._busy, key]))
                self._busy.append(key)
                self._sources[kind, key] = self._label(self._catalogue.dimensions[key])
                self._busy.pop()
            else:
                make = {"figure": self._figure, "score": self._score}.get(kind, self._column)
                self._sources[kind, key] = make(key)
        return self._sources[kind, key]

    def _column(self, key: str) -> Source:
        own, more = (frame.get(key) for frame in (self._customers, self._more))
        if own is None or more is None:
            found = more if own is None else own
        else:
            found = np.where(own != "" if own.dtype.kind in "OM" else ~np.isnan(own), own, more)
        if found is None:
            return None
        if found.dtype.kind not in "OM":
            return np.ascontiguousarray(found, dtype=np.float64)
        field = next((one for one in (*schema.CUSTOMERS.fields, *schema.SURVEY.fields) if one.key == key), None)
        if field and field.kind == "list":
            found = np.array([one.partition(values.SEPARATOR)[0] for one in found.tolist()], dtype=object)
        names = {one.key: one.name for one in schema.choices(field.choices)} if field and field.choices else {}
        return _words(found.astype(object), names)

    def _figure(self, key: str) -> Source:
        """What is worked out of the columns (`catalogue.FIGURES`); None where they are missing."""
        frame, day = self._customers, self._as_of
        if key in ("monetary", "recency_days"):
            return np.asarray(frame[key], dtype=np.float64) if key in frame else None
        if key == "customer_type":
            return _words(frame["segment"])
        if key == "order_count":
            return np.asarray(frame["orders"], dtype=np.float64) if "orders" in frame else None
        if key in ("first_order_days", "yearly_amount"):
            first = frame.get("first_order_date", frame.get("registered_on") if key == "yearly_amount" else None)
            if first is None or day is None:
                return None
            days: NDArray[np.float64] = np.floor((np.datetime64(day, "s") - first) / np.timedelta64(1, "D"))
            if key == "first_order_days":
                return days
            return np.asarray(frame["total_amount"] * 365 / np.maximum(days, 365), dtype=np.float64)
        if key in ("province_name", "city"):
            return self._place(key)
        return self._column(key)

    def _place(self, key: str) -> Source:
        """Province or city from the address, else the region; a region nobody knows stays the city it says
        (ruling C24), if it is Chinese at all: the United Kingdom is no small town."""
        found: Words | None = None
        for column in ("region", "address"):
            source = self._column(column)
            if not isinstance(source, Words):
                continue
            places = [regions.place(value) for value in source.distinct]
            if key == "city":
                named = [
                    city or (text if column == "region" and not text.isascii() else "")
                    for (_, city), text in zip(places, source.distinct, strict=True)
                ]
            else:
                named = [regions.provinces()[one]["zh"] if one else "" for one, _ in places]
            cells = np.array([*named, ""], dtype=object)[source.codes]
            found = _words(np.where(cells == "", _cells(found), cells) if found else cells, _province_names())
        return found

    def _score(self, key: str) -> Source:
        """The points of a score; NaN where too few of its parts are known."""
        raw = self._catalogue.scores[key]
        parts = []
        for part in raw["part"]:
            column = self._named(part["column"])
            if isinstance(column, np.ndarray) and "points" not in part:
                points = column * part.get("times", 1)
                parts.append(_quintile(points) if part.get("rank") else np.minimum(points, part.get("most", np.inf)))
            elif isinstance(column, Words) and "points" in part:
                parts.append(_points(column, part["points"]))
        if not parts:
            return None
        table = np.vstack(parts)
        known = (~np.isnan(table)).sum(axis=0)
        total = np.where(known >= raw.get("least", 1), np.nansum(table, axis=0), np.nan)
        mean = any(part.get("rank") for part in raw["part"]) or raw["part"][0]["column"] in self._catalogue.scores
        return total / np.maximum(known, 1) if mean else total


def _anything(atom: Atom) -> bool:
    return atom.op == "=" and atom.values == ("*",)


def _numeric(column: NDArray[np.float64], atom: Atom, wanted: Iterable[str]) -> Mask:
    numbers = [float(one.removesuffix("%")) / (100 if one.endswith("%") else 1) for one in wanted if _is_number(one)]
    if not numbers or atom.op == "~":
        return np.zeros(len(column), dtype=bool)
    if atom.op in ("=", "!="):
        return np.isin(column, numbers, invert=atom.op == "!=") & ~np.isnan(column)
    return np.asarray(_COMPARE[atom.op](column, numbers[0]))


def _is_number(text: str) -> bool:
    try:
        float(text.removesuffix("%"))
    except ValueError:
        return False
    return True


def _words(cells: NDArray[Any], names: Mapping[str, Mapping[str, str]] | None = None) -> Words:
    codes, distinct = frames.distinct(cells)
    blank = [i for i, one in enumerate(distinct) if one == ""]
    if blank:
        codes = np.where(codes == blank[0], -1, codes)
    return Words(codes, tuple(map(str, distinct)), names or {})


def _cells(column: Words) -> NDArray[Any]:
    return np.array([*column.distinct, ""], dtype=object)[column.codes]


def _province_names() -> Mapping[str, Mapping[str, str]]:
    return {one["zh"]: {lang: one[lang] for lang in LANGS} for one in regions.provinces().values()}


def _quintile(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """1-5 by rank, ties the same score, NaN unknown."""
    known = ~np.isnan(column)
    _, place, alike = np.unique(column[known], return_inverse=True, return_counts=True)
    rank = np.cumsum(alike) - (alike - 1) / 2
    found = np.full(len(column), np.nan)
    found[known] = np.ceil(rank[place] / max(len(place), 1) * 5)
    return found


def _points(column: Words, table: Iterable[tuple[str, float]]) -> NDArray[np.float64]:
    rules = [([fold(word) for word in words.split("|")], points) for words, points in table]
    found = [next((p for words, p in rules if any(w in fold(one) for w in words)), 0.0) for one in column.distinct]
    points: NDArray[np.float64] = np.array([*found, np.nan])[column.codes]
    return points
