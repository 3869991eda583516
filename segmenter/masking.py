"""Privacy: what a report or a mail may be made from. Applied to the `Result` before any template sees data.

Always: customers lose their personal columns, quoted cells show figures only, and phone, ID and mail numbers are
masked wherever they stand in a text. Strictly (`--mask`, and every mail): nothing of a cell is quoted, and groups
of fewer than five people show "<5" instead of figures, with another group hidden where the rest would give them away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import schema, texts
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading.targets import Tracked
from segmenter.result import Result
from segmenter.steps import goals
from segmenter.texts import Lang

Group = NDArray[np.bool_]
"""some of the customers"""
FLOOR: Final = 5
"""a group of fewer people can be recognised"""
FEW: Final = f"<{FLOOR}"
PROTECTS: Final = "-"
"""the mark of a group that is hidden only because the total less the others would tell a small one"""
HIDDEN: Final = "***"
_TEXTS: Final = frozenset({"measure", "as_of", "before", "after", "part", "missing"})
"""parameters of findings that never come from a customer's cell"""
_CELLS: Final = frozenset({"other", "other_cell"})
"""parameters that are addresses of cells"""
_SPOKEN: Final = frozenset(
    {"header_cleaned", "header_alias", "all_identical", "as_of_doubtful", "segment_small"}
    | {"target_unread", "target_points", "goal_not_smart", "reconcile_control"}
)
"""findings whose value is a header, a figure, a segment or a plan, not a customer's cell"""
_ADDRESS: Final = re.compile(r"(?:[^\W\d]*!)?\$?[A-Z]{1,3}\$?\d{1,7}(?::[A-Z]{0,3}\d{1,7})?")
_FIGURE: Final = re.compile(
    r"(?=.*\d)[\d\s.,:/+()%#<>~\-\u2212\u00a5\uffe5$\u20ac"
    r"\u5143\u4e07\u842c\u4ebf\u5104\u5343\u767e\u7ea6\u7d04\u5e74\u6708\u65e5\u6b21\u5929\u4eba]{1,24}"
    r"|#[A-Z0-9/!?_]{2,20}"
)
"""a number, a sum of money, a date or an Excel error, with the units written beside them"""
_MAIL: Final = re.compile(r"([\w.+%'-])[\w.+%'-]*(@[\w-]+(?:\.[\w-]+)+)")
_ID: Final = re.compile(r"(?<![\dA-Za-z.])(\d{6})(\d{8}|\d{5})(\d{3}[\dXx\uff38\uff58]|\d{4})(?![\dA-Za-z]|\.\d)")
_PHONE: Final = re.compile(
    r"(?<![\dA-Za-z.])(?:[+\uff0b]?[8\uff18][6\uff16][\s-]?)?([1\uff11][3-9\uff13-\uff19]\d)([\s-]?\d{4}[\s-]?)(\d{4})(?![\dA-Za-z]|\.\d)"
)
_LAND: Final = re.compile(r"(?<![\dA-Za-z.])([0\uff10]\d{2,3})([\s-]?\d{3,4})(\d{4})(?![\dA-Za-z-]|\.\d)")
_ABROAD: Final = re.compile(r"([+\uff0b]\d{1,3}[\s-]?)(\d[\d\s-]{5,14})(\d{2})(?![\dA-Za-z]|\.\d)")
_PLACE: Final = re.compile(r"^.{1,8}?[\u5e02\u5dde\u7701\u76df\u53bf\u533a\u7e23\u5340]")


def name(value: str) -> str:
    """The first character of a name."""
    return value[:1] + "*" if value.strip() else ""


def phone(value: str) -> str:
    """138****1234; of a short number the last two digits."""
    digits = "".join(c for c in unicodedata.normalize("NFKC", value) if c.isdigit())
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else "****" + digits[-2:]


def email(value: str) -> str:
    """a***@x.com"""
    local, at, domain = value.strip().partition("@")
    return f"{local[:1]}***{at}{domain}" if at else HIDDEN


def id_number(value: str) -> str:
    """110101********7771; of anything shorter than fifteen characters the first two."""
    text = value.strip()
    return f"{text[:6]}{'*' * (len(text) - 10)}{text[-4:]}" if len(text) >= 15 else text[:2] + HIDDEN


def address(value: str) -> str:
    """The town; nothing below it."""
    found = _PLACE.match(value.strip())
    return (found[0] if found else value.strip()[:2]) + HIDDEN


COLUMNS: Final[Mapping[str, Callable[[str], str]]] = {
    "customer_id": id_number,
    "name": name,
    "phone": phone,
    "email": email,
    "address": address,
}
"""how the columns that say who somebody is are masked, wherever rows of customers are shown at all"""


def text(value: str) -> str:
    """The text with every phone, ID and mail number in it masked, in whatever digits and with whatever blanks."""
    masked = _MAIL.sub(lambda m: f"{m[1]}***{m[2]}", value)
    masked = _ID.sub(lambda m: m[1] + "*" * len(m[2]) + m[3], masked)
    masked = _PHONE.sub(lambda m: f"{m[1]}****{m[3]}", masked)
    masked = _LAND.sub(lambda m: f"{m[1]}****{m[3]}", masked)
    return _ABROAD.sub(lambda m: f"{m[1]}****{m[3]}", masked)


def texts_of(value: Any) -> Any:
    """The same for every text of a plain structure of dicts and lists."""
    if isinstance(value, str):
        masked = text(str(value))
        return value if masked == value else type(value)(masked)
    if isinstance(value, Mapping):
        return {key: texts_of(one) for key, one in value.items()}
    return [texts_of(one) for one in value] if isinstance(value, list) else value


def quoted(value: str) -> str:
    """A cell's content where it may be shown: figures, dates and errors; of anything else only that it was there."""
    plain = value.strip()
    return text(value) if not plain or _FIGURE.fullmatch(plain) else HIDDEN


def shared(result: Result, strict: bool) -> Result:
    """The result as others may see it."""
    personal = [one.key for one in schema.CUSTOMERS.fields if one.personal and one.key in result.customers]
    customers = result.customers.drop(*personal)
    findings = tuple(_finding(one, strict) for one in result.findings)
    if not strict:
        return result._replace(customers=customers, findings=findings)
    customers = customers.assign(customer_id=np.full(len(customers), HIDDEN, dtype=object))
    segments = withheld(result.segments.pandas)
    result = result._replace(tracked=tuple(map(_tracked, result.tracked)))
    return result._replace(
        customers=customers,
        findings=findings,
        segments=Frame.from_pandas(segments),
        strategy=_plan(result, segments),
        rfm=result.rfm.at([]),
        cleaning=result.cleaning.at([]),
    )


def withheld(segments: DataFrame, also: Collection[str] = ()) -> DataFrame:
    """`Result.segments` without the figures of small groups and of those named in `also`; `small` says "<5" of small
    ones, `PROTECTS` of others that are hidden."""
    counts = segments["customers"]
    few = (counts > 0) & (counts < FLOOR)
    hidden = few | (segments["name"].isin(list(also)) & (counts > 0))
    if hidden.any() and counts[hidden].sum() < FLOOR and (~hidden & (counts > 0)).any():
        hidden[_least_missed(segments[~hidden & (counts > 0)])] = True
    marks = pd.Series("", index=segments.index).mask(hidden, PROTECTS).mask(few, FEW)
    figures = [column for column in segments if column not in ("segment", "name")]
    return segments.assign(
        **{column: segments[column].astype(float).mask(hidden) for column in figures},
        small=marks,
    )


def _least_missed(segments: DataFrame) -> Any:
    """The one that a reader misses least: the smallest share of customers and amount together; the group with most
    customers, or with the largest amount, only where there is no other."""
    weights = [segments[key].clip(lower=0) for key in ("customers", "amount") if key in segments]
    leading = [one.idxmax() for one in weights if one.any()]
    missed = sum(one / (one.sum() or 1.0) for one in weights)
    return (missed + 2.0 * missed.index.isin(leading)).idxmin()


def held(result: Result) -> frozenset[str]:
    """Keys of the segments whose figures `shared` took away; none where it was not strict."""
    segments = result.segments
    if "small" not in segments:
        return frozenset()
    return frozenset(key for key, small in zip(segments["segment"], segments["small"], strict=True) if small)


def said(mark: str, lang: Lang) -> str:
    """What stands in the place of a number that is withheld, by its mark in `small`; "" where it is not."""
    return texts.say("report.withheld", lang) if mark == PROTECTS else mark


def tells(group: Group, of: int, unsaid: Sequence[Group]) -> bool:
    """Whether to say how many of `of` people are in `group` says a number that is not to be told: that of the few who
    are not in it, or that of a group `unsaid` of the same people, but for a few."""
    rest = of - int(np.count_nonzero(group))
    return 0 < rest < FLOOR or any(np.count_nonzero(group ^ one) < FLOOR for one in unsaid)


def fields_withheld(counts: DataFrame, also: Sequence[Any] = ()) -> DataFrame:
    """The fields of one to four people in a table of counts, all of the rows `also`, and further ones where a row or
    a column would tell a single one by its sum."""
    hidden = (counts > 0) & (counts < FLOOR)
    hidden.loc[list(also)] = counts.loc[list(also)] > 0
    again = True
    while again:
        again = False
        for one, other in ((counts, hidden), (counts.T, hidden.T)):
            for key in one.index:
                free = one.loc[key][(one.loc[key] > 0) & ~other.loc[key]]
                if other.loc[key].sum() == 1 and len(free):
                    place = (key, free.idxmin()) if one is counts else (free.idxmin(), key)
                    hidden.at[place] = again = True
    return hidden


def _tracked(one: Tracked) -> Tracked:
    """A target without its value where that tells of fewer than five people, with or without; and without what became
    of it where that tells of how many fewer."""
    if one.hits is None or one.base is None:
        return one
    before = one.hits if one.before is None else round(one.before * one.base)  # of about as many people as now
    if not (_few(one.hits, one.base) or _few(before, one.base)):
        return one
    low, high = range(1, FLOOR), range(one.base - FLOOR + 1, one.base)
    met = {one.target.met(hits / one.base, one.before) for band in (low, high) if one.hits in band for hits in band}
    outcome = one.outcome if one.base >= FLOOR and len(met) < 2 else ""
    return one._replace(actual=None, hits=None, base=None, before=None, outcome=outcome, lacks="few")


def _few(hits: int, base: int) -> bool:
    return any(0 < people < FLOOR for people in (base, hits, base - hits))


def _plan(result: Result, segments: DataFrame) -> Frame:
    """Table 3 without the figures that `segments` withholds, and with those of `result.tracked` alone."""
    strategy = result.strategy
    measured: dict[int, list[Tracked]] = {}
    for tracked in result.tracked:
        measured.setdefault(tracked.row, []).append(tracked)
    actual = [goals.said(measured.get(place, []), result.lang) for place in range(len(strategy))]
    known = [all(tracked.outcome for tracked in measured.get(place, [])) for place in range(len(strategy))]
    strategy = strategy.assign(
        actual=np.array([one or "" for one in actual], dtype=object),
        outcome=np.where(known, strategy["outcome"], ""),
    )
    hidden = set(segments.loc[segments["small"] != "", "segment"])
    named = (result.rules.named.get(schema.fold(one)) for one in strategy["segment"])
    rows = np.array([one is not None and one.key in hidden for one in named], dtype=bool)
    figures = ("customers", "customer_share", "amount", "amount_share")
    blank = {column: np.where(rows, np.nan, strategy[column]) for column in figures}
    words = {column: np.where(rows, "", strategy[column]) for column in ("status", "actual", "outcome")}
    return strategy.assign(**blank, **words)


def _finding(one: Finding, strict: bool) -> Finding:
    params = {key: _param(key, value, strict) for key, value in one.params.items()}
    if "text" in params:  # a sentence of an earlier run, kept in the workbook's log, where people can type
        params["text"] = params.get("kind", HIDDEN)
    if one.code in _SPOKEN:
        return one._replace(value=text(one.value), params=params)
    value = (HIDDEN if one.value else "") if strict else quoted(one.value)
    share = None if strict and one.params.get("count", 1) < FLOOR else one.amount_share
    return one._replace(value=value, params=params, amount_share=share)


def _param(key: str, value: Any, strict: bool) -> Any:
    if not isinstance(value, str) or key in _TEXTS or key == "kind":
        return value
    if key in _CELLS and _ADDRESS.fullmatch(value):
        return value
    return HIDDEN if strict else quoted(value)
