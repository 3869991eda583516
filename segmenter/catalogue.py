"""The ways to cut customers, as data: dimensions, scores and lookups from `dimensions.toml`, the 维度 sheet and a rules
file. Nothing here looks at a customer; `dimensions` does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Final, NamedTuple

from segmenter import schema, texts
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.schema import Field, fold
from segmenter.texts import LANGS, Lang

REST: Final = "*"
FIGURES: Final = (
    "customer_type",
    "monetary",
    "recency_days",
    "order_count",
    "first_order_days",
    "yearly_amount",
    "province_name",
    "city",
)
"""what `dimensions` works out of the columns; the names stand in texts/dimensions.toml"""
_ATOM = re.compile(r"(.+?)\s*(>=|<=|!=|=|>|<|~)\s*(.+)")
_SIGNS = str.maketrans({"≥": ">=", "≤": "<=", "≠": "!=", "～": "~"})


class Atom(NamedTuple):
    """One comparison: a name as written, an operator, the values on its right. No operator: the name of a column
    whose commonest values are the levels."""

    name: str
    op: str = ""
    values: tuple[str, ...] = ()


When = tuple[tuple[Atom, ...], ...]
"""alternatives of comparisons that must all hold; none at all: everybody else"""


class Level(NamedTuple):
    """One level of a dimension; `hint` and `target` are the strategy and the KPI the documents give for it."""

    name: Mapping[str, str]
    when: When
    hint: Mapping[str, str] | None = None
    target: Mapping[str, str] | None = None


class _Dimension(NamedTuple):
    key: str
    name: Mapping[str, str]
    family: str = ""
    levels: tuple[Level, ...] = ()
    open: str = ""
    hint: Mapping[str, str] | None = None
    item: str = ""
    every: bool = False
    """an open dimension with all its values as levels, however many"""


class Dimension(_Dimension):
    """A way to cut customers: levels in order, the first that matches wins; or `open`, a column's commonest values.

    Derived from the named tuple, so that its folded names have a place and are made once.
    """

    @cached_property
    def names(self) -> frozenset[str]:
        """What it answers to, as `fold`ed text."""
        return frozenset({fold(self.key), *map(fold, self.name.values())})


class Catalogue(NamedTuple):
    """All dimensions by key, and what their conditions may refer to."""

    dimensions: Mapping[str, Dimension]
    columns: Mapping[str, Field]
    scores: Mapping[str, Mapping[str, Any]]
    lookups: Mapping[str, Sequence[str]]
    agreements: Sequence[Mapping[str, Any]] = ()

    def find(self, name: str) -> Dimension | None:
        """The dimension of that name or key."""
        wanted = fold(name)
        return next((one for one in self.dimensions.values() if wanted in one.names), None)

    def chosen(self, names: Iterable[str]) -> tuple[Dimension, ...]:
        """The dimensions called `names`, once each; Refused names one that is none."""
        found: dict[str, Dimension] = {}
        for name in names:
            one = self.find(name)
            if one is None:
                names = {lang: [one.name[lang] for one in self.dimensions.values()] for lang in LANGS}
                known = {lang: ", ".join(each) for lang, each in names.items()}
                nearest = texts.nearest(name, [*names["zh"], *names["en"]], 0.5)
                raise Refused("no_dimension", value=name, known=known, nearest=nearest)
            found[one.key] = one
        return tuple(found.values())

    def with_own(self, own: Iterable[Dimension]) -> Catalogue:
        """With the dimensions of `own` in place of those of the same name (which stays as it was), or after them."""
        found = dict(self.dimensions)
        for one in own:
            same = self.find(one.key) or next((x for n in one.name.values() if (x := self.find(n))), None)
            found[same.key if same else one.key] = (
                one._replace(key=same.key, name=same.name, item=same.item) if same else one
            )
        return self._replace(dimensions=found)


def parse(text: str) -> When:
    """A condition from its text; ValueError when it is none. An empty tuple is everybody else."""
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).strip()
    if text == REST or fold(text) in {fold(texts.say("dimension.rest", lang)) for lang in LANGS}:
        return ()
    found = []
    for part in filter(str.strip, re.split(r"[;\n]", text)):
        atoms = []
        for piece in part.split("&"):
            match = _ATOM.fullmatch(piece.strip())
            if not match:
                raise ValueError(text)
            atoms.append(Atom(match[1], match[2], tuple(filter(None, map(str.strip, match[3].split("|"))))))
        found.append(tuple(atoms))
    if not found:
        raise ValueError(text)
    return tuple(found)


@cache
def shipped() -> Catalogue:
    """What `dimensions.toml` says."""
    raw = texts.load("dimensions.toml")
    columns = {
        key: Field(key, {lang: one[lang] for lang in LANGS}, one.get("kind", "text"), tuple(one.get("aliases", ())))
        for key, one in raw["columns"].items()
    }
    return Catalogue(
        dimensions={one["key"]: dimension(one) for one in raw["dimension"]},
        columns=columns,
        scores={one["key"]: one for one in raw["score"]},
        lookups={key: tuple(one["values"]) for key, one in raw["lookups"].items()},
        agreements=raw["agreement"],
    )


def dimension(raw: Mapping[str, Any]) -> Dimension:
    """A dimension from parsed TOML; Refused when it makes no sense."""
    try:
        levels = tuple(
            Level(one["name"], parse(one["when"]), one.get("hint"), one.get("target")) for one in raw.get("levels", ())
        )
        plain = {key: raw[key] for key in ("family", "open", "hint", "item") if key in raw}
        found = Dimension(raw["key"], {lang: raw["name"][lang] for lang in LANGS}, levels=levels, **plain)
        if bool(levels) == bool(found.open) or any(set(one.name) != set(LANGS) for one in levels):
            raise ValueError(raw["key"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("dimension_rule", value=raw.get("key", raw) if isinstance(raw, Mapping) else raw) from error
    return found


def from_rows(rows: Iterable[Mapping[str, Any]], sheet: str, cell: Mapping[int, str]) -> tuple[Dimension, ...]:
    """The dimensions the rows of the 维度 sheet spell (dimension, level, condition, hint, target; texts, "" empty).
    A row without a name belongs to the dimension above. `cell`: address of the condition by row position.

    Refused names the cell of a condition that cannot be read.
    """
    grouped: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    name = ""
    for position, row in enumerate(rows):
        name = row["dimension"] or name
        if name and row["condition"]:
            grouped.setdefault(name, []).append((position, row))
    return tuple(_from_group(name, group, sheet, cell) for name, group in grouped.items())


def _from_group(
    name: str, group: Sequence[tuple[int, Mapping[str, Any]]], sheet: str, cell: Mapping[int, str]
) -> Dimension:
    known = shipped().find(name)
    words: Mapping[str, str] = known.name if known else dict.fromkeys(LANGS, name)
    key, family = (known.key, known.family) if known else (name, "")
    first = group[0][1]
    if len(group) == 1 and not first["level"]:
        return Dimension(key, words, family, open=first["condition"], hint=_both(first["hint"], known, "hint"))
    levels = []
    for position, row in group:
        same = next(
            (one for one in (known.levels if known else ()) if fold(row["level"]) in map(fold, one.name.values())), None
        )
        try:
            when = parse(row["condition"])
        except ValueError:
            place = {"sheet": sheet, "cell": cell[position], "value": row["condition"]}
            raise Refused("dimension_condition", **place, name=name) from None
        names = same.name if same else dict.fromkeys(LANGS, row["level"] or row["condition"])
        hint, target = (_both(row[key], same, key) for key in ("hint", "target"))
        levels.append(Level(names, when, hint, target))
    return Dimension(key, words, family, tuple(levels))


def _both(text: str, one: Dimension | Level | None, key: str) -> Mapping[str, str] | None:
    """A text typed on the sheet in every language; the known one when it is what it says."""
    if not text:
        return None
    known = getattr(one, key, None)
    return known if known and text in known.values() else dict.fromkeys(LANGS, text)


def to_frame(catalogue: Catalogue, lang: Lang) -> Frame:
    """The rows of the 维度 sheet, in the words of `lang`."""
    families = texts.load("dimensions.toml")["families"]
    rows: list[tuple[Any, ...]] = []
    for one in catalogue.dimensions.values():
        family = families[one.family][lang] if one.family in families else one.family
        family += _years(one, catalogue, lang)
        if one.open:
            hint = one.hint[lang] if one.hint else None
            rows.append((one.name[lang], family, None, shown_name(one.open, catalogue, lang), hint, None))
        for level in one.levels:
            said = [text[lang] if text else None for text in (level.hint, level.target)]
            rows.append((one.name[lang], family, level.name[lang], shown(level.when, catalogue, lang), *said))
    return Frame.of(rows, [field.key for field in schema.DIMENSIONS.fields])


def _years(one: Dimension, catalogue: Catalogue, lang: Lang) -> str:
    """The year of the lists a dimension looks into: cities change tiers (ruling C24)."""
    raw = texts.load("dimensions.toml")["lookups"]
    used = {v[1:] for level in one.levels for clause in level.when for atom in clause for v in atom.values}
    years = {raw[key]["year"] for key in used if key in catalogue.lookups}
    return texts.say("dimension.list_of", lang, year=max(years)) if years else ""


def shown(when: When, catalogue: Catalogue, lang: Lang) -> str:
    """A condition as a cell shows it."""
    if not when:
        return REST
    parts = [" & ".join(_shown_atom(atom, catalogue, lang) for atom in clause) for clause in when]
    return "; ".join(parts)


def _shown_atom(atom: Atom, catalogue: Catalogue, lang: Lang) -> str:
    names: dict[str, str] = {}
    if atom.name in catalogue.dimensions:
        levels = catalogue.dimensions[atom.name].levels
        names = {fold(word): level.name[lang] for level in levels for word in level.name.values()}
    elif atom.name in _fields() and (choices := _fields()[atom.name].choices):
        names = {fold(choice.key): choice.name[lang] for choice in schema.choices(choices)}
    listed = [one for value in atom.values for one in catalogue.lookups.get(value.removeprefix("@"), [value])]
    values = "|".join(names.get(fold(value), value) for value in listed)
    space = " " if lang == "en" else ""
    return f"{shown_name(atom.name, catalogue, lang)}{space}{atom.op}{space}{values}"


def shown_name(key: str, catalogue: Catalogue, lang: Lang) -> str:
    """A column, figure, score or dimension by its name in `lang`; a header as typed stays."""
    if key in FIGURES:
        return texts.say(f"dimension.figure.{key}", lang)
    if key in catalogue.scores:
        return str(catalogue.scores[key]["name"][lang])
    field = _fields().get(key) or catalogue.columns.get(key)
    if field:
        return field.header[lang]
    return catalogue.dimensions[key].name[lang] if key in catalogue.dimensions else key


@cache
def _fields() -> Mapping[str, Field]:
    return {field.key: field for field in schema.CUSTOMERS.fields}


def key_of(name: str, catalogue: Catalogue) -> tuple[str, str]:
    """(kind, key) of a name in a condition: "figure", "score", "field" (of table 1), "column" (read when asked for),
    "dimension", or "header" for one nobody knows."""
    wanted = fold(name)
    for figure in FIGURES:
        if wanted in {fold(figure), *(fold(texts.say(f"dimension.figure.{figure}", lang)) for lang in LANGS)}:
            return "figure", figure
    for key, score in catalogue.scores.items():
        if wanted in {fold(key), *map(fold, score["name"].values())}:
            return "score", key
    for kind, fields in (("field", _fields()), ("column", catalogue.columns)):
        for key, one in fields.items():
            if wanted == fold(key) or wanted in one.names():
                return kind, key
    found = catalogue.find(name)
    return ("dimension", found.key) if found else ("header", wanted)


def needed(dimensions: Iterable[Dimension], catalogue: Catalogue) -> dict[str, Field]:
    """The columns that conditions of `dimensions` read, by key; of one nobody knows, the `fold`ed header."""
    found: dict[str, Field] = {}
    seen: set[tuple[str, str]] = set()

    def visit(name: str) -> None:
        place = kind, key = key_of(name, catalogue)
        same = catalogue.find(name)
        if place in seen:
            return
        seen.add(place)
        if kind == "score":
            for part in catalogue.scores[key]["part"]:
                visit(part["column"])
        elif kind == "field":
            found[key] = schema.CUSTOMERS[key]
        elif kind == "column":
            found[key] = catalogue.columns[key]
        elif kind == "header":
            found[key] = Field(key, dict.fromkeys(LANGS, name), "")
        if same is not None:
            walk(same)

    def walk(one: Dimension) -> None:
        if one.open:
            visit(one.open)
        for level in one.levels:
            for clause in level.when:
                for atom in clause:
                    visit(atom.name)

    for one in dimensions:
        walk(one)
    return found
