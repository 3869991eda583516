"""The rules of an analysis: frozen, validated when built, from `rules.toml`, a rules file, or the 设置 sheet."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, get_type_hints

from segmenter import texts
from segmenter.errors import Refused

LEVELS: Final = ("high", "mid", "low")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "scenario": ("launch", "operate", "campaign", "region"),
    "objective": ("resources", "satisfaction", "repurchase", "growth"),
    "data_sources": ("crm", "shop", "member", "third_party"),
    "naming_scheme": ("common", "volcengine", "aliyun"),
    "outlier_mode": ("flag", "remove", "cap"),
    "duplicate_conflict": ("refuse", "merge"),
}
"""The settings that take a word, and the words they take."""

_PATTERN = re.compile(r"(new|[01?]{3})(?:\s*&\s*(\w+)\s*=\s*(.+))?")


@dataclass(frozen=True)
class Match:
    """One way into a segment: a code pattern ("0?1", or "new" for customers without any order), and optionally
    a column that must hold a value."""

    code: str
    column: str = ""
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> Match:
        """From "0?1" or "??0 & price_sensitivity = sensitive"; ValueError when it is neither."""
        found = _PATTERN.fullmatch(text.strip())
        if not found:
            raise ValueError(text)
        return cls(found[1], found[2] or "", (found[3] or "").strip())

    def __str__(self) -> str:
        return f"{self.code} & {self.column} = {self.value}" if self.column else self.code


@dataclass(frozen=True)
class Segment:
    """A segment: which customers belong to it, and the defaults of its row in table 3."""

    key: str
    match: tuple[Match, ...]
    name: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    traits: Mapping[str, str] | None = None
    strategy: Mapping[str, str] | None = None
    action: Mapping[str, str] | None = None
    owner: Mapping[str, str] | None = None
    target: Mapping[str, str] | None = None
    period: Mapping[str, str] | None = None

    def text(self, column: str, lang: str) -> str:
        """The default of a column of table 3; empty when the rules give none."""
        value = self.name if column == "segment" else getattr(self, column)
        return str(value[lang]) if value else ""


@dataclass(frozen=True)
class Rules:
    """Everything an analyst can decide. Field by field as in `rules.toml`, where the comments say what they mean.

    Building one checks it: Refused("rule_invalid") names the setting and what is wrong.
    """

    version: str
    scenario: str
    objective: str
    goal: str
    scope_active_months: int
    scope_regions: tuple[str, ...]
    scope_registered_from: date | None
    scope_registered_to: date | None
    data_from: date | None
    data_to: date | None
    data_sources: tuple[str, ...]
    third_party_consent: bool
    as_of: date | None
    window_months: int
    recency_bins: tuple[float, ...]
    recency_labels: tuple[str, ...]
    frequency_bins: tuple[float, ...]
    frequency_labels: tuple[str, ...]
    monetary_bins: tuple[float, ...]
    monetary_labels: tuple[str, ...]
    naming_scheme: str
    net_refunds: bool
    outlier_mode: str
    outlier_factor: float
    duplicate_conflict: str
    segments_min: int
    segments_max: int
    segment_size_min: int
    segments: tuple[Segment, ...]
    schemes: Mapping[str, Mapping[str, Mapping[str, str]]]

    def __post_init__(self) -> None:
        for key, words in CHOICES.items():
            value = getattr(self, key)
            for word in value if isinstance(value, tuple) else (value,):
                _demand(word in words, key, word, "choice", options=", ".join(words))
        _demand(1 <= self.window_months <= 60, "window_months", self.window_months, "range", low=1, high=60)
        _demand(self.outlier_factor > 1, "outlier_factor", self.outlier_factor, "above", low=1)
        for key in ("scope_active_months", "segments_min", "segments_max", "segment_size_min"):
            _demand(getattr(self, key) >= 0, key, getattr(self, key), "above", low=-1)
        for name, rising in (("recency", True), ("frequency", False), ("monetary", False)):
            bins, labels = getattr(self, f"{name}_bins"), getattr(self, f"{name}_labels")
            order = sorted(set(bins), reverse=not rising)
            _demand(list(bins) == order, f"{name}_bins", bins, "rising" if rising else "falling")
            _demand(1 <= len(bins) <= 4, f"{name}_bins", bins, "range", low=1, high=4)
            _demand(len(labels) == len(bins) + 1, f"{name}_labels", labels, "count", count=len(bins) + 1)
            _demand(set(labels) <= set(LEVELS), f"{name}_labels", labels, "choice", options=", ".join(LEVELS))
        _demand(bool(self.segments) and self.segments[-1].match == (Match("???"),), "segments", "???", "catch_all")
        names = [segment.name["zh"] for segment in self.segments]
        _demand(len(set(names)) == len(names), "segments", names, "twice")

    def segment(self, key: str) -> Segment:
        """The segment called `key` (KeyError if there is none)."""
        for segment in self.segments:
            if segment.key == key:
                return segment
        raise KeyError(key)


def _demand(holds: bool, key: str, value: object, why: str, **params: object) -> None:
    if not holds:
        shown = ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else value
        raise Refused("rule_invalid", setting=key, value=shown, why=Why(why, params))


@dataclass(frozen=True)
class Why:
    """The reason a rule is refused, said in whichever language is asked for."""

    key: str
    params: Mapping[str, object]

    def __format__(self, lang: str) -> str:
        return texts.say(f"rule.{self.key}", lang, **self.params)


def _segment(raw: Mapping[str, Any]) -> Segment:
    for key in ("key", "match", "name"):
        _demand(key in raw, "segments", ", ".join(raw), "lacks", name=key)
    unknown = [key for key in raw if key not in Segment.__dataclass_fields__]
    _demand(not unknown, "segments", unknown, "unknown", near="-")
    for text in raw["match"]:
        _demand(_PATTERN.fullmatch(text.strip()) is not None, "segments", text, "pattern")
    match = tuple(Match.parse(text) for text in raw["match"])
    return Segment(**{**raw, "match": match, "aliases": tuple(raw.get("aliases", ()))})


def _value(key: str, kind: Any, value: Any) -> Any:
    """`value` of a rules file as the type the field has."""
    if kind in (date | None,):
        if value in ("", None):
            return None
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            _demand(False, key, value, "date")
    if kind is bool or isinstance(value, bool):
        _demand(kind is bool and isinstance(value, bool), key, value, "bool")
        return value
    if isinstance(value, list):
        _demand("tuple" in str(kind), key, value, "single")
        wanted = float if "float" in str(kind) else str
        _demand(all(isinstance(v, (int, float) if wanted is float else str) for v in value), key, value, "list")
        return tuple(wanted(v) for v in value)
    if kind in (int, float):
        _demand(isinstance(value, (int, float)) and value == kind(value), key, value, "number")
        return kind(value)
    _demand(isinstance(value, str) and "tuple" not in str(kind), key, value, "text")
    return value


def build(raw: Mapping[str, Any]) -> Rules:
    """Rules from parsed TOML; what `raw` lacks comes from the defaults. Refused names what cannot be used."""
    raw = {**default_raw(), **raw}
    kinds = get_type_hints(Rules)
    known = [field.name for field in fields(Rules)]
    for key in raw:
        near = get_close_matches(key, known, 1)
        _demand(key in kinds, key, key, "unknown", near=near[0] if near else "-")
    values = {key: _value(key, kinds[key], raw[key]) for key in raw if key not in ("segments", "schemes")}
    segments = tuple(_segment(one) for one in raw["segments"])
    return Rules(**values, segments=segments, schemes=raw["schemes"])


@cache
def default_raw() -> Mapping[str, Any]:
    """The default rules as parsed TOML."""
    return texts.load("rules.toml")


@cache
def default() -> Rules:
    """The rules every workbook starts from."""
    return build(default_raw())


def from_file(path: Path) -> Rules:
    """The rules in a TOML file of the form of `rules.toml`; Refused when it cannot be read as one."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Refused("no_file", path=path) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused("rules_file", path=path, reason=error) from None
    return build(raw)
