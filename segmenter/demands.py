"""What a rule must hold, and how a broken one is told: Refused("rule_invalid") names the setting and what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from math import isfinite
from typing import Any, NamedTuple

from segmenter import texts
from segmenter.errors import Refused


def demand(holds: bool, key: str, value: object, why: str, **params: object) -> None:
    """Refuse the setting `key` unless `holds`; `why` is a text of `rule.` with `params`."""
    if not holds:
        shown = ", ".join(map(_number, value)) if isinstance(value, (tuple, list)) else _number(value)
        raise Refused("rule_invalid", setting=key, value=shown, why=Why(why, params))


def demand_known(name: str, known: Collection[str], key: str, value: object) -> None:
    """Refuse the setting `key` unless `name` is one of those that are known; says which of them is nearest."""
    if name not in known:
        demand(False, key, value, "unknown", near=texts.nearest(name, known))


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


class Why(NamedTuple):
    """The reason a rule is refused, said in whichever language is asked for."""

    key: str
    params: Mapping[str, object]

    def __format__(self, lang: str) -> str:
        params = {key: one[lang] if isinstance(one, Mapping) else one for key, one in self.params.items()}
        return texts.say(f"rule.{self.key}", lang, **params)


def demand_both(key: str, value: Any) -> None:
    """A text of the rules stands in every language."""
    said = isinstance(value, Mapping) and all(isinstance(value.get(lang), str) for lang in texts.LANGS)
    demand(said, key, value, "both", langs=", ".join(texts.LANGS))


def is_number(value: Any) -> bool:
    """Whether a value of a rules file is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def value_of(key: str, kind: Any, value: Any) -> Any:
    """`value` of a rules file as the type the field has."""
    if kind == (date | None):
        if value in ("", None):
            return None
        try:
            day = value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            demand(False, key, value, "date")
        return day.date() if isinstance(day, datetime) else day
    if kind is bool or isinstance(value, bool):
        demand(kind is bool and isinstance(value, bool), key, value, "bool")
        return value
    if isinstance(value, list):
        demand("tuple" in str(kind), key, value, "single")
        wanted = is_number if "float" in str(kind) else lambda one: isinstance(one, str)
        demand(all(map(wanted, value)), key, value, "list")
        return tuple(float(v) for v in value) if "float" in str(kind) else tuple(value)
    if kind in (int, float):
        demand(is_number(value) and value == kind(value), key, value, "number")
        return kind(value)
    demand("tuple" not in str(kind), key, value, "list")
    demand(isinstance(value, str), key, value, "text")
    return value
