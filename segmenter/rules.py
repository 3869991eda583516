"""The rules of an analysis: frozen, validated when built, from `rules.toml`, a rules file, or the 设置 sheet."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import rtoml

from segmenter import schema, texts
from segmenter.demands import demand, demand_both, demand_known, is_number, value_of
from segmenter.errors import Refused
from segmenter.matching import PATTERN, Match, Segment

if TYPE_CHECKING:
    from segmenter.catalogue import Dimension

NO_RECENCY: Final = "no_recency"
"""the group of customers whose last order is unknown: they get no code and no guess (ruling C1)"""
MOST: Final = 6
"""so many dimensions at most go back to the customers: the columns of the 客户标签 sheet"""
CODES: Final = tuple(f"{n:03b}" for n in range(8))
"""the eight RFM codes (item 003-44)"""
LEVELS: Final = ("high", "mid", "low")
TABLES: Final = ("segments", "schemes", "tactics", "cluster_names", "own_dimensions")
"""parts of the rules that are more than one value"""
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "scenario": ("launch", "operate", "campaign", "region"),
    "objective": ("resources", "satisfaction", "repurchase", "growth"),
    "data_sources": ("crm", "shop", "member", "third_party"),
    "scoring": ("fixed", "quantile", "mean"),
    "naming_scheme": ("common", "volcengine", "aliyun"),
    **{f"{name}_labels": LEVELS for name in ("quantile", "recency", "frequency", "monetary")},
    "cluster_columns": (
        *("recency_days", "frequency", "monetary", "average_order_value", "total_amount", "repurchase_rate"),
        *("referrals", "complaint_rate", "price_sensitivity", "channel", "categories"),
    ),
    "outlier_mode": ("flag", "remove", "cap"),
    "duplicate_conflict": ("refuse", "merge"),
    "tracking_clock": ("week", "month"),
}
"""The settings that take a word, and the words they take."""

_PAIRS: Final = (
    ("scope_registered_from", "scope_registered_to"),
    ("data_from", "data_to"),
    ("segments_min", "segments_max"),
)


class Tactic(NamedTuple):
    """What to try instead where an action with one of the words `when` does not work (003-66)."""

    when: tuple[str, ...]
    then: Mapping[str, str]


class _Settings(NamedTuple):
    """Field by field as in `rules.toml`, where the comments say what they mean."""

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
    control_total: float
    team_data: str
    team_dimensions: str
    team_model: str
    team_report: str
    owner_mails: tuple[str, ...]
    as_of: date | None
    window_months: int
    scoring: str
    quantile_labels: tuple[str, ...]
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
    owner_segments_max: int
    tracking_clock: str
    dimensions_reviewed: date | None
    everything_reviewed: date | None
    response_min: float
    separation_min: float
    data_age_max: int
    history: bool
    clusters: bool
    cluster_columns: tuple[str, ...]
    value: bool
    value_months: int
    dimensions: tuple[str, ...]
    product_owners: tuple[str, ...]
    segments: tuple[Segment, ...]
    own_dimensions: "tuple[Dimension, ...]"
    schemes: Mapping[str, Mapping[str, Mapping[str, str]]]
    tactics: tuple[Tactic, ...]
    cluster_names: Mapping[str, Mapping[str, Any]]
    bin_scores: Mapping[str, tuple[int, ...]] = {}
    """the score (1 to 5) of each bin of a measure, where `scale.fit` made the bins; no setting"""


KINDS: Final[Mapping[str, Any]] = _Settings.__annotations__
"""The types of the settings by name."""


class Rules(_Settings):
    """Everything an analyst can decide: see `rules.toml`.

    Building one checks it: Refused("rule_invalid") names the setting and what is wrong. Derived from the named tuple,
    because a named tuple cannot check what it is made of.
    """

    def __new__(cls, *values: Any, **named: Any) -> Self:
        rules = super().__new__(cls, *values, **named)
        rules._demand()
        return rules

    def _replace(self, **changes: Any) -> Self:
        """With other values for some settings, checked like any."""
        return type(self)(**{**self._asdict(), **changes})

    def _demand(self) -> None:
        for key, words in CHOICES.items():
            value = getattr(self, key)
            for word in value if isinstance(value, tuple) else (value,):
                demand(word in words, key, word, "choice", options=", ".join(words))
        for key, most in (("window_months", 60), ("value_months", 24)):
            demand(1 <= getattr(self, key) <= most, key, getattr(self, key), "range", low=1, high=most)
        picked = self.cluster_columns
        demand(2 <= len(set(picked)) == len(picked), "cluster_columns", picked, "several", least=2)
        for key in (
            "recency_bins",
            "frequency_bins",
            "monetary_bins",
            "outlier_factor",
            "control_total",
            "response_min",
            "separation_min",
        ):
            value = getattr(self, key)
            finite = all(map(is_number, value if isinstance(value, tuple) else (value,)))
            demand(finite, key, value, "number")
        demand(self.outlier_factor > 1, "outlier_factor", self.outlier_factor, "above", low=1)
        for key in ("scope_active_months", "segments_min", "segments_max", "segment_size_min", "owner_segments_max"):
            demand(getattr(self, key) >= 0, key, getattr(self, key), "above", low=-1)
        for key in ("response_min", "separation_min"):
            demand(0 <= getattr(self, key) <= 1, key, getattr(self, key), "range", low=0, high=1)
        demand(self.data_age_max >= 1, "data_age_max", self.data_age_max, "above", low=0)
        for name, rising in (("recency", True), ("frequency", False), ("monetary", False)):
            bins, labels = getattr(self, f"{name}_bins"), getattr(self, f"{name}_labels")
            order = sorted(set(bins), reverse=not rising)
            demand(list(bins) == order, f"{name}_bins", bins, "rising" if rising else "falling")
            demand(1 <= len(bins) <= 4, f"{name}_bins", bins, "range", low=1, high=4)
            demand(len(labels) == len(bins) + 1, f"{name}_labels", labels, "count", count=len(bins) + 1)
        demand(len(self.quantile_labels) == 5, "quantile_labels", self.quantile_labels, "count", count=5)
        count = len(self.dimensions)
        demand(count <= MOST, "dimensions", count, "range", low=0, high=MOST)
        demand(bool(self.segments) and self.segments[-1].match == (Match("???"),), "segments", "???", "catch_all")
        for low, high in _PAIRS:
            start, end = getattr(self, low), getattr(self, high)
            demand(start is None or end is None or start <= end, high, end, "before", low=start)
        for lang in texts.LANGS:
            names = [schema.fold(segment.name[lang]) for segment in self.segments]
            twice = [
                segment.name[lang] for segment in self.segments if names.count(schema.fold(segment.name[lang])) > 1
            ]
            demand(not twice, "segments", twice, "twice")
        for segment in self.segments:
            for match in segment.match:
                _demand_condition(match)

    @cached_property
    def named(self) -> Mapping[str, Segment]:
        """The segments by all they are called, `fold`ed; a name goes before an alias."""
        found = {schema.fold(alias): one for one in reversed(self.segments) for alias in one.aliases}
        return found | {schema.fold(name): one for one in self.segments for name in one.name.values()}

    def segment(self, key: str) -> Segment:
        """The segment called `key` (KeyError if there is none)."""
        for segment in self.segments:
            if segment.key == key:
                return segment
        raise KeyError(key)


def _demand_condition(match: Match) -> None:
    """A condition names a column of the customers table, and a value of it when it is one of a few."""
    if not match.column:
        return
    known = {field.key: field for field in schema.CUSTOMERS.fields}
    demand_known(match.column, known, "segments", str(match))
    choices = known[match.column].choices
    words = [choice.key for choice in schema.choices(choices)] if choices else [match.value]
    demand(bool(match.value) and match.value in words, "segments", str(match), "choice", options=", ".join(words))


def _segment(raw: Any) -> Segment:
    demand(isinstance(raw, Mapping), "segments", raw, "lacks", name="key")
    for key in ("key", "match", "name"):
        demand(key in raw, "segments", ", ".join(raw), "lacks", name=key)
    for key, value in raw.items():
        demand_known(key, Segment._fields, "segments", key)
        if key in ("match", "aliases"):
            demand(isinstance(value, list) and all(isinstance(v, str) for v in value), "segments", value, "list")
        elif key == "key":
            demand(isinstance(value, str) and value not in ("", NO_RECENCY), "segments", value, "text")
        else:
            demand_both("segments", value)
    demand(bool(raw["match"]), "segments", raw["key"], "lacks", name="match")
    for text in raw["match"]:
        demand(PATTERN.fullmatch(text.strip()) is not None, "segments", text, "pattern")
    match = tuple(Match.parse(text) for text in raw["match"])
    return Segment(**{**raw, "match": match, "aliases": tuple(raw.get("aliases", ()))})


def _schemes(raw: Any) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The default names of the eight classes and those of `raw`."""
    demand(isinstance(raw, Mapping), "schemes", raw, "lacks", name=CODES[0])
    found = {**default_raw()["schemes"], **raw}
    for name, scheme in found.items():
        for code in CODES:
            demand(isinstance(scheme, Mapping) and code in scheme, "schemes", name, "lacks", name=code)
            demand_both("schemes", scheme[code])
    return MappingProxyType(found)


def _cluster_names(raw: Any) -> Mapping[str, Mapping[str, Any]]:
    """Each name in every language, with its traits: + or - before a column that clusters can be made of."""
    demand(isinstance(raw, Mapping), "cluster_names", raw, "lacks", name="traits")
    traits = [sign + column for column in CHOICES["cluster_columns"] for sign in "+-"]
    for key, name in raw.items():
        demand_both("cluster_names", name)
        demand(bool(name.get("traits")), "cluster_names", key, "lacks", name="traits")
        demand(set(name["traits"]) <= {*traits}, "cluster_names", name["traits"], "choice", options=", ".join(traits))
    return MappingProxyType(raw)


def build(raw: Mapping[str, Any]) -> Rules:
    """Rules from parsed TOML; what `raw` lacks comes from the defaults. Refused names what cannot be used."""
    raw = {**default_raw(), **raw}
    for key in raw:
        demand_known(key, Rules._fields, key, key)
    values = {key: value_of(key, KINDS[key], raw[key]) for key in raw if key not in TABLES}
    demand(isinstance(raw["segments"], list), "segments", raw["segments"], "list")
    segments = tuple(_segment(one) for one in raw["segments"])
    return Rules(
        **values,
        own_dimensions=_own_dimensions(raw["own_dimensions"]),
        segments=segments,
        schemes=_schemes(raw["schemes"]),
        tactics=_tactics(raw["tactics"]),
        cluster_names=_cluster_names(raw["cluster_names"]),
    )


def _own_dimensions(raw: Any) -> "tuple[Dimension, ...]":
    demand(isinstance(raw, list), "own_dimensions", raw, "list")
    if not raw:
        return ()
    from segmenter.catalogue import dimension  # most rules have none, and most analyses look into none

    return tuple(map(dimension, raw))


def _tactics(raw: Any) -> tuple[Tactic, ...]:
    demand(isinstance(raw, list) and all(isinstance(one, Mapping) for one in raw), "tactics", raw, "list")
    for one in raw:
        words = one.get("when")
        demand(isinstance(words, list) and all(isinstance(v, str) for v in words), "tactics", words, "list")
        demand_both("tactics", one.get("then"))
    return tuple(Tactic(tuple(one["when"]), one["then"]) for one in raw)


@cache
def default_raw() -> Mapping[str, Any]:
    """The default rules as parsed TOML."""
    return texts.load("rules.toml")


@cache
def default() -> Rules:
    """The rules every workbook starts from."""
    return build(default_raw())


def months_before(day: date, months: int) -> date:
    """The same day some calendar months earlier, or that month's last; a window holds the days after it (C9)."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = 31 if month == 11 else (date(year, month + 2, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def from_file(path: Path) -> Rules:
    """The rules in a TOML file of the form of `rules.toml`; Refused names the file when it cannot be read as one, and
    the setting that cannot be used."""
    try:
        raw = rtoml.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Refused("no_file", path=path) from None
    except (OSError, UnicodeDecodeError, rtoml.TomlParsingError) as error:
        raise Refused("rules_file", path=path, reason=error) from None
    try:
        return build(raw)
    except Refused as error:
        reason = {lang: error.message(lang) for lang in texts.LANGS}
        raise Refused("rules_file", path=path, reason=reason) from None
