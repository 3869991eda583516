"""The 细分历史 sheet: what every analysis said of every segment, so that the next one knows what changed (003-63..64).

One line a segment and as-of date, and one a core dimension, which says how well it told the segments apart. A line is
replaced by the next run of the same date, and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import schema, texts
from segmenter.frames import Frame
from segmenter.reading.dates import day_of
from segmenter.rules import Rules, default

if TYPE_CHECKING:
    from segmenter.catalogue import Dimension

_USUAL_MARK: Final = "4f53cda1"
"""the `fingerprint` of rules that decide as the default ones do"""
_SETTLED: Final = ("scope_", "data_from", "data_to", "window_", "outlier_", "net_refunds", "scoring")
_BINS: Final = {"fixed": ("recency_", "frequency_", "monetary_"), "quantile": ("quantile_",)}
"""the settings that decide who is where begin with these, by scoring; bins made from the data are no settings"""


def decisive(rules: Rules) -> dict[str, Any]:
    """The settings that decide which code and segment a customer gets, by name."""
    begin = (*_SETTLED, *_BINS.get(rules.scoring, ()))
    found = {name: one for name, one in rules._asdict().items() if name.startswith(begin)}
    return {**found, "segments": tuple((one.key, *map(str, one.match)) for one in rules.segments)}


@cache
def _usual() -> Mapping[str, Any]:
    return decisive(default())


def fingerprint(rules: Rules) -> str:
    """Eight digits that change when a setting that decides who is where does. Settings at their default do not count:
    a version of the program that knows further ones has not changed anybody's rules."""
    usual = _usual()
    told = {key: one for key, one in decisive(rules).items() if one != usual.get(key, getattr(default(), key))}
    if not told:
        return _USUAL_MARK
    import hashlib  # with all of OpenSSL, for the few who decide otherwise

    return hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()[:8]


def lines(
    segments: Frame,
    rules: Rules,
    as_of: date,
    baseline: date | None,
    separation: Mapping[str, float] = MappingProxyType({}),
) -> Frame:
    """The lines of one run, columns as in the schema; `segments`: `Result.segments`; `baseline`: the day compared
    with; `separation`: Cramér's V by what stands for a dimension (see `called`)."""

    def column(name: str) -> NDArray[Any]:
        return np.asarray(segments[name])

    columns = {
        "segment": column("name"),
        "customers": column("customers"),
        "customer_share": column("customer_share"),
        "amount": column("amount").round(2),
        "amount_share": column("amount_share"),
        "frequency": _share(column("orders"), column("customers")).round(4),
        "average_order_value": column("average_order_value").round(2),
        "repurchase_rate": _share(column("repeat_buyers"), column("buyers")),  # ruling C21
    }
    figures = zip(*(one.tolist() for one in columns.values()), strict=True)
    rows: list[dict[str, Any]] = [dict(zip(columns, line, strict=True)) for line in figures]
    rows += [{"segment": name, "separation": round(figure, 4)} for name, figure in separation.items()]
    run = {"as_of": as_of, "rules": rules.version, "fingerprint": fingerprint(rules), "baseline": baseline}
    said = (texts.say("history.line", "en", day=as_of.isoformat(), name=row["segment"]) for row in rows)
    rows = [{**row, **run, "line": line} for row, line in zip(rows, said, strict=True)]
    keys = schema.HISTORY.keys
    return Frame.of([[row.get(key, np.nan) for key in keys] for row in rows], keys)


def is_line(key: object) -> bool:
    """Whether a cell is the key of a line: the day and the segment."""
    return isinstance(key, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2} ", key) is not None


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """NaN of nothing."""
    found = np.full(len(whole), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def called(dimension: Dimension, lang: str) -> str:
    """What stands for a dimension in the column of segments."""
    return texts.say("history.dimension", lang, name=dimension.name[lang])


def separations(standing: Frame, dimension: Dimension, rules: Rules, as_of: date) -> list[tuple[date, float]]:
    """Day and Cramér's V of a dimension at every analysis up to `as_of`, the oldest first. Those under other rules
    are left out: what they cut, they cut otherwise."""
    names, mark = {schema.fold(called(dimension, lang)) for lang in texts.LANGS}, fingerprint(rules)
    found = {}
    for day, row in zip(days(standing), standing.records(), strict=True):
        figure = row.get("separation")
        mine = row["fingerprint"] == mark and schema.fold(row["segment"]) in names
        if mine and day and day <= as_of and isinstance(figure, (int, float)) and figure == figure:
            found[day] = float(figure)
    return sorted(found.items())


def joined(standing: Frame, new: Frame, as_of: date) -> Frame:
    """The lines that stand on the sheet, those of `as_of` replaced by `new`; every other stays as it is."""
    kept = [line for day, line in zip(days(standing), standing.records(), strict=True) if day != as_of]
    return Frame.of([[line.get(key, np.nan) for key in new] for line in [*kept, *new.records()]], new.columns)


def of(standing: Frame, as_of: date | None) -> Frame:
    """The lines of a date."""
    return standing.at([row for row, day in enumerate(days(standing)) if day is not None and day == as_of])


def days(standing: Frame) -> list[date | None]:
    """The as-of date of every line; None of a line in which there is none."""
    return [day_in(value) for value in standing["as_of"].tolist()]


def day_in(value: Any) -> date | None:
    """The day a cell holds; None when it holds none."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return day_of(value) if isinstance(value, str) else None
    except ValueError:
        return None


def before(standing: Frame, as_of: date) -> Frame:
    """The lines of the last date before `as_of`; none when there is no such date."""
    return of(standing, max((day for day in days(standing) if day and day < as_of), default=None))


def figures(standing: Frame, rules: Rules) -> dict[str, tuple[float, float, float]]:
    """Customers, amount and orders by segment key, of the lines of one date."""
    found = {}
    for row in standing.records():
        segment = rules.named.get(schema.fold(row["segment"]))
        people, amount, each = (row[name] for name in ("customers", "amount", "frequency"))
        if segment and all(isinstance(one, (int, float)) for one in (people, amount)):
            orders = people * each if isinstance(each, (int, float)) and each == each else 0.0
            found[segment.key] = (float(people), float(amount), float(round(orders)))
    return found
