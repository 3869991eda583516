"""Every table of the workbook as data: its sheet, its fields, their headers in both languages and their aliases.

Nothing else in the package spells a header or a sheet name; `schema.toml` does, once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, Final, NamedTuple

from segmenter import texts
from segmenter.texts import LANGS, Lang

NUMBERS: Final = frozenset({"count", "money", "number", "rate", "date"})
"""kinds of fields that hold numbers"""
_WHOLE: Final = 1 + 1e-9
"""a share of everything, as sums of shares come out"""
UNREAD: Final = object()
"""what a cell says whose formula nobody has worked out, or comes to an error"""


class _Field(NamedTuple):
    key: str
    header: Mapping[str, str]
    kind: str
    """id | text | count | money | number | rate | date | list | choice"""
    aliases: tuple[str, ...] = ()
    unit: str = ""
    field_class: str = ""
    """static | behaviour | value | need (item 003-15), or nothing for a column of ours"""
    need: str = ""
    owner: str = "user"
    """"user" cells are typed by people and kept; "us" cells are computed and replaced"""
    choices: str = ""
    template: bool = True
    personal: bool = False
    width: float = 12
    most: float = 0
    """the largest number of ours, either side of nought, where there is a natural one: less than a cell with a day
    holds"""


class Field(_Field):
    """One column: what it is called, what it holds, and who writes it.

    Derived from the named tuple, so that its folded names have a place and are made once.
    """

    @property
    def must(self) -> bool:
        """Whether a sheet without this column is refused."""
        return self.need == "must"

    @cached_property
    def own_names(self) -> frozenset[str]:
        """Its header in every language, as `fold`ed text."""
        return frozenset(map(fold, self.header.values()))

    @cached_property
    def _names(self) -> frozenset[str]:
        return self.own_names | set(map(fold, self.aliases))

    def names(self) -> frozenset[str]:
        """Every header this field answers to, as `fold`ed text."""
        return self._names

    def could_say(self, value: object, keys: Sequence[str]) -> bool:
        """Whether `fill` may have written a value here: a number where the field holds numbers, a whole one where it
        counts, one up to 1 where it holds shares of a whole, or up to its `most`; else words, of the texts `keys` (see
        `texts.could_be`) where there are any. Nothing, where "" is one of them."""
        if value is None or value == "":
            return "" in keys
        if isinstance(value, str):
            return texts.could_be(value.strip(), *keys) if keys else self.kind not in NUMBERS
        if value is UNREAD:
            return True
        if self.kind == "rate":
            return isinstance(value, float | int) and 0 <= value <= _WHOLE
        if self.most and not (isinstance(value, float | int) and abs(value) <= self.most):
            return False
        if self.kind == "count" and isinstance(value, float) and not value.is_integer():
            return False
        return self.kind in NUMBERS and not keys


class Table:
    """One table: a list under a header row, or (with `anchor` and `rows`) a block of fixed cells. No tuple: in brackets
    it gives a field by its key."""

    def __init__(
        self,
        key: str,
        sheet: Mapping[str, str],
        fields: tuple[Field, ...] = (),
        list_object: str = "",
        key_field: str = "",
        anchor: str = "",
        rows: int = 0,
        optional: str = "",
        always: Sequence[Sequence[Mapping[str, Sequence[str]]]] = (),
        gone: str = "",
        same: Sequence[str] = (),
    ) -> None:
        self.key = key
        self.sheet = sheet
        self.fields = fields
        self.list_object = list_object
        """name of the Excel table (ListObject); the English edition uses the same"""
        self.key_field = key_field
        """the field whose value says which row is whose when the table is written again"""
        self.anchor = anchor
        self.rows = rows
        self.optional = optional
        """a sheet that is added when there is something to write on it: "result" is made anew by every fill and emptied
        by one that has nothing for it; "kept" only grows, and a fill without news leaves it alone"""
        self.always = always
        """what no row lacks that `fill` writes: of each entry one field, which says one of its texts where there are
        any. Entries in one list are for sheets with and without some fields: see `always_with`"""
        self.gone = gone
        """the field that says of a row which only stays for what people typed beside it that it does"""
        self.same = same
        """without a key field: those by which a line is found again beside which people typed something"""

    def always_with(self, fields: Collection[str]) -> list[Mapping[str, Sequence[str]]]:
        """That of it which holds of a sheet with some fields: of each list the first entry that is there with all of
        which a row has one; else rows of ours might have none."""

        def is_there(one: Mapping[str, Sequence[str]]) -> bool:
            first, *others = one
            return first in fields and all(key in fields for key in others if key != self.gone)

        there = ([one for one in entries if is_there(one)] for entries in self.always)
        return [entries[0] for entries in there if entries]

    def says(self, always: Sequence[Mapping[str, Sequence[str]]], said: Callable[[str], object]) -> bool:
        """Whether a row has what none of ours lacks: some entries of `always`. `said`: what stands in a field, None for
        nothing, `UNREAD`."""
        return all(any(self[key].could_say(said(key), words) for key, words in one.items()) for one in always)

    @staticmethod
    def unworded(always: Sequence[Mapping[str, Sequence[str]]]) -> list[Mapping[str, Sequence[str]]]:
        """The entries that take any words: a row that has these looks like one of ours, whoever typed it."""
        return [one for one in always if not any(one.values())]

    @cached_property
    def _by_key(self) -> Mapping[str, Field]:
        return {field.key: field for field in self.fields}

    def __getitem__(self, key: str) -> Field:
        return self._by_key[key]

    @cached_property
    def headers(self) -> frozenset[str]:
        """Every header any of its fields answers to, as `fold`ed text."""
        return frozenset().union(*(field.names() for field in self.fields))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of its fields, in order."""
        return tuple(field.key for field in self.fields)

    @property
    def shown(self) -> tuple[Field, ...]:
        """The fields a fresh template shows, in order."""
        return tuple(field for field in self.fields if field.template)


class Choice(NamedTuple):
    """One value a `choice` field can have."""

    key: str
    name: Mapping[str, str]
    aliases: tuple[str, ...] = ()


@lru_cache(maxsize=1 << 14, typed=True)
def fold(text: object) -> str:
    """A header or name with everything taken out that people do not see or do not mean: full-width forms,
    case, spaces, line breaks, zero-width characters, traditional characters for simplified ones."""
    plain = str(text)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain).translate(_simplified())
    plain = plain.casefold()
    if plain.isprintable():  # the only blank that is printable is the space
        return plain.replace(" ", "")
    return "".join(c for c in plain if unicodedata.category(c) not in {"Zs", "Zl", "Zp", "Cf", "Cc"})


def _field(raw: dict[str, Any]) -> Field:
    raw = dict(raw)
    raw["aliases"] = tuple(raw.get("aliases", ()))
    raw["field_class"] = raw.pop("class", "")
    return Field(**raw)


@cache
def _data() -> dict[str, Any]:
    return texts.load("schema.toml")


@cache
def _simplified() -> dict[int, int]:
    return str.maketrans(_data()["traditional"], _data()["simplified"])


@cache
def tables() -> Mapping[str, Table]:
    """Every table by key, in the order of the template's sheets."""
    found = {}
    for raw in _data()["table"]:
        fields = tuple(_field(one) for one in raw.get("field", ()))
        entries = [one if isinstance(one, list) else [one] for one in raw.get("always", ())]
        always = [[{one: ()} if isinstance(one, str) else one for one in each] for each in entries]
        rest = {key: value for key, value in raw.items() if key not in ("field", "always")}
        found[raw["key"]] = Table(**rest, fields=fields, always=always)
    return found


def table(key: str) -> Table:
    """The table called `key` (KeyError if there is none)."""
    return tables()[key]


@cache
def choices(name: str) -> tuple[Choice, ...]:
    """The values a choice list offers, in order."""
    return tuple(
        Choice(key, {lang: raw[lang] for lang in LANGS}, tuple(raw.get("aliases", ())))
        for key, raw in _data()["choices"][name].items()
    )


@cache
def total_words() -> frozenset[str]:
    """Words, as `fold`ed text, of which every label of a total in ASCII letters holds one."""
    return frozenset(map(fold, [*_data()["total_words"], *_data()["average_words"]]))


@cache
def _totals() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a label of totals is, as `fold`ed text: any, and those of sums."""
    data = _data()
    before = "|".join(map(fold, data["total_of"]))
    sums, means = ("|".join(re.escape(fold(word)) for word in data[key]) for key in ("total_words", "average_words"))
    sums = f"(?:{before})?(?:{sums})|.{{1,8}}(?:{'|'.join(map(fold, data['total_ends']))})"
    return re.compile(f"{sums}|(?:{before})?(?:{means})|{data['total_counts']}"), re.compile(sums)


@cache
def sure_words() -> frozenset[str]:
    """Labels of totals, as `fold`ed text, that are no value a customer has in any column."""
    return frozenset(map(fold, _data()["sure_words"]))


def says_total(text: str, *, sums: bool = False) -> bool:
    """Whether a cell says that its row sums up others: 合计, 小计：, 本页合计（元）, 共20人. `sums`: and does not say
    that it is about means, as a customer's income may be."""
    plain = fold(text)
    if "(" in plain:
        plain = re.sub(r"\(.*?\)", "", plain)
    return _totals()[sums].fullmatch(plain.strip(":-=*")) is not None


@cache
def _signs() -> frozenset[str]:
    return frozenset(map(fold, _data()["signs"]))


def is_signature(key: str) -> bool:
    """Whether what stands where IDs or names do is none, but says who made the list: 制表：, 审核人：王五"""
    sign, colon, said = fold(key).partition(":")
    return bool(colon) and (not said or sign in _signs())


def shown(field: Field, value: object, sheet: str) -> str:
    """A value as people read it on `sheet`: the name of a choice in the sheet's language, anything else as it is."""
    lang = "en" if any(sheet == table.sheet["en"] for table in tables().values()) else "zh"
    names = {choice.key: choice.name[lang] for choice in choices(field.choices)} if field.choices else {}
    return names.get(str(value), str(value))


def class_name(field_class: str, lang: Lang) -> str:
    """The name of a field class (item 003-15) in `lang`."""
    return str(_data()["classes"][field_class][lang])


CUSTOMERS: Final = table("customers")
ORDERS: Final = table("orders")
SETTINGS: Final = table("settings")
RFM: Final = table("rfm")
STRATEGY: Final = table("strategy")
DIMENSIONS: Final = table("dimensions")
SURVEY: Final = table("survey")
ACTIVITY: Final = table("activity")
PROPOSALS: Final = table("proposals")
CLEANING: Final = table("cleaning")
HISTORY: Final = table("history")
EXTRA: Final = tuple(t for t in tables().values() if t.optional)
BOARDS: Final = tuple(t for t in tables().values() if t.anchor and not t.optional)
