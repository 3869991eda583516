"""What people type into table 3, read: 目标指标, 执行周期, 开始日期, 当前进度. The text itself is never changed.

A target is metric, operator, value, unit and window (ruling C21). "提升5%" of a rate is read as percentage points and
said so; a window with 提升 is the time allowed (003-62), with an absolute value the window the metric is measured in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from segmenter import texts
from segmenter.reading.planning import DAY, DIGITS, WINDOW, Period, cell_text, period_of
from segmenter.schema import fold
from segmenter.texts import LANGS

RISE, FALL = "rise", "fall"
SHARE, POINTS, RELATIVE, NUMBER = "percent", "points", "relative", "number"

_TO = r"(?:到|至|为|to)"
_OPERATORS: Final = (
    (
        ">=",
        r"≥|>=|⩾|≧|=>|不低于|不少于|不小于|不亚于|至少|起码|最少|atleast|noless(?:than)?|notless(?:than)?|minimum",
    ),
    (
        "<=",
        r"≤|<=|⩽|≦|=<|不超过|不高于|不大于|不多于|至多|最多|控制在|atmost|nomore(?:than)?|notmore(?:than)?|maximum",
    ),
    (">=", rf"(?:提升|提高|增长|增加|上升|增|升|increase|improve|raise|rise|grow|up){_TO}"),
    ("<=", rf"(?:下降|降低|减少|压缩|降|reduce|decrease|cut|fall|drop|down){_TO}"),
    (RISE, r"提升|提高|增长|增加|上升|增幅|涨|增|升|increased?|improved?|raised?|rises?|grows?|up(?:by)?|\+"),
    (FALL, r"下降|降低|减少|下滑|压缩|降|reduced?|decreased?|cut|falls?|drops?|down(?:by)?"),
    (">", r">|高于|大于|多于|超过|超|突破|above|over|morethan|exceeds?"),
    ("<", r"<|低于|少于|小于|below|under|lessthan"),
    (">=", r"以上|及以上|达到|达成|达|ormore|reach(?:es)?|=|为|是|:"),
    ("<=", r"以内|以下|之内|orless"),
)
"""each is compiled when a target comes to it: most hold the first"""
_SHOWN: Final = {">=": "≥", "<=": "≤"}
_NUMBER: Final = (
    r"(?P<bai>百分之)?(?P<number>\d[\d,]*(?:\.\d+)?|\.\d+)"
    r"(?P<unit>个?百分点|个?点|percentagepoints?|points?|pp|pct|percent|%|倍|times|万元?|元|人|位|名|次|单|户|个)?"
    r"|(?P<tenths>[一二三四五六七八九两])成(?P<half>半)?|(?P<double>翻倍|翻一番|翻番|doubles?)"
)
_PARTS: Final = r"[;；、\n]|[,，](?!\d{3}(?!\d))|且|并且|同时"
_RELATIVE: Final = r"相对|同比|环比|较上?[年月期]|relative"


class Metric(NamedTuple):
    """One figure a target can name, as in `metrics.toml`."""

    key: str
    kind: str
    """rate | money | number"""
    needs: str
    """table | orders | activity | history"""
    name: Mapping[str, str]
    definition: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    low: bool = False
    """whether less is better"""


class Target(NamedTuple):
    """A target: `metric` `op` `value`. Shares are 0..1 (80% is 0.8, 5 points 0.05), money and counts plain."""

    metric: str
    op: str
    """>=, >, <=, <, rise, fall"""
    value: float
    unit: str
    """percent | points | relative | number"""
    window: Period | None = None
    assumed: bool = False
    """whether 提升x% could also have meant relative (C21)"""

    def met(self, actual: float, before: float | None = None) -> bool | None:
        """Whether `actual` reaches it; None when it speaks of a change and nothing is known of `before`."""
        if self.op not in (RISE, FALL):
            off = actual - self.value
            return {">=": off >= -1e-9, ">": off > 1e-9, "<=": off <= 1e-9, "<": off < -1e-9}[self.op]
        if before is None or (self.unit == RELATIVE and not before):
            return None
        change = (actual - before) / (before if self.unit == RELATIVE else 1)
        return (change if self.op == RISE else -change) >= self.value - 1e-9


@cache
def metrics() -> Mapping[str, Metric]:
    """Every metric by key."""
    raw = texts.load("metrics.toml")["metric"]
    return {one["key"]: Metric(**{**one, "aliases": tuple(one.get("aliases", ()))}) for one in raw}


_DEADLINE: Final = (
    r"\d+月(?:\d+[日号]|底|末|份|前)|[年季月][底末内]|[本下上]?[上下]半年|[本下今明]年|[本下]季度|[本下]月|q[1-4]"
    r"|第?[一二三四1-4]季度|by[a-z]+|endof|thisyear|nextyear|this(?:month|quarter)|next(?:month|quarter)"
)


def has_number(text: str) -> bool:
    """Whether a sentence names a number that is no day and no time: 80%, 5个百分点, 八成, 翻倍."""
    plain = re.sub(WINDOW, " ", re.sub(DAY, " ", fold(text)))
    return re.search(_NUMBER, re.sub(r"\d{4}年|\d+[月日号]|q[1-4]|[1-4]季度|(?:19|20)\d\d", " ", plain)) is not None


def has_deadline(text: str) -> bool:
    """Whether a sentence says until when: a day, 30天内, 年底前, Q3, by June."""
    plain = fold(text)
    return any(re.search(pattern, plain) for pattern in (DAY, WINDOW, _DEADLINE))


@cache
def _names() -> tuple[tuple[str, str], ...]:
    """(name, key) of every metric, the longest name first."""
    pairs = [(fold(name), one.key) for one in metrics().values() for name in (*one.name.values(), *one.aliases)]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


def parse(cell: Any, names: Sequence[str] = ()) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The targets in a cell, and the parts of it that cannot be understood.

    `names`: segment names, which may stand inside a target (30天内高价值客户复购率提升5%).
    """
    return _parse(cell_text(cell), tuple(names))


@lru_cache(maxsize=1 << 12)
def _parse(text: str, names: tuple[str, ...]) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    found: list[Target] = []
    unread: list[str] = []
    for part in re.split(_PARTS, unicodedata.normalize("NFKC", text)):
        if part.strip():
            one = _target(fold(part), names)
            if one is None:
                unread.append(part.strip())
            else:
                found.append(one)
    return tuple(found), tuple(unread)


def _target(text: str, names: Sequence[str]) -> Target | None:
    for name in sorted(map(fold, names), key=len, reverse=True):
        text = text.replace(name, " ")
    hit = next(((name, key) for name, key in _names() if name in text), None)
    if hit is None:
        return None
    metric = metrics()[hit[1]]
    text = text.replace(hit[0], " ", 1)
    window = None
    if found := re.search(WINDOW, text):
        window = period_of(found)
        text = text[: found.start()] + " " + text[found.end() :]
    number = re.search(_NUMBER, text)
    if number is None or re.search(r"\d", text[number.end() :] + text[: number.start()]):
        return None
    rest = f"{text[: number.start()]} {text[number.end() :]}"
    plain = "<=" if metric.low else ">="
    op = RISE if number["double"] else next((op for op, pattern in _OPERATORS if re.search(pattern, rest)), plain)
    relative = bool(re.search(_RELATIVE, rest))
    value, unit, assumed = _value(number, metric, op, relative)
    return None if unit == "" else Target(metric.key, op, value, unit, window, assumed)


def _value(number: re.Match[str], metric: Metric, op: str, relative: bool) -> tuple[float, str, bool]:
    """Value, unit, and whether percent of a rise was taken for points; unit "" when they do not fit the metric."""
    written = number["unit"] or ("%" if number["bai"] else "")
    change = op in (RISE, FALL)
    if number["double"]:
        return 1.0, RELATIVE, False
    if number["tenths"]:
        value, written = (DIGITS[number["tenths"]] + (0.5 if number["half"] else 0)) * 10, "%"
    else:
        value = float(number["number"].replace(",", ""))
    if written in ("倍", "times"):
        return value, RELATIVE if change else "", False
    percent = written in ("%", "pct", "percent")
    points = written.lstrip("个") in ("百分点", "点", "pp", "point", "points", "percentagepoint", "percentagepoints")
    value *= 10_000 if written.startswith("万") else 1
    if metric.kind == "rate":
        if points:
            return value / 100, POINTS if change else SHARE, False
        if percent or (not written and (value > 1 or change)):
            unit = SHARE if not change else RELATIVE if relative else POINTS
            return value / 100, unit, change and not relative
        return (value, SHARE, False) if not written and not change else (value, "", False)
    if percent:
        return (value / 100, RELATIVE, False) if change else (value, "", False)
    return (value, NUMBER, False) if not points else (value, "", False)


def show(target: Target, lang: str) -> str:
    """The target in its plainest words; `parse` reads them as the same target."""
    name = metrics()[target.metric].name[lang]
    number = _plain(target.value * 100 if target.unit in (SHARE, POINTS, RELATIVE) else target.value)
    shown = texts.say(f"target.{target.unit}", lang, number=number)
    if target.op in (RISE, FALL):
        said = texts.say(f"target.{target.op}", lang, name=name, value=shown)
    else:
        said = f"{name}{'' if lang == 'zh' else ' '}{_SHOWN.get(target.op, target.op)}{shown}"
    if target.window is None:
        return said
    unit = texts.say(f"target.{target.window.unit}", lang)
    return texts.say("target.window", lang, count=_plain(target.window.number), unit=unit, target=said)


def _plain(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")


MET, ON_TRACK, BELOW, LATE, NO_DATA = "met", "on_track", "below", "late", "no_data"
OUTCOMES: Final = (NO_DATA, MET, ON_TRACK, BELOW, LATE)
"""from the best known to the worst; below: not met and without a day by which it must be"""


class Tracked(NamedTuple):
    """One target of one row of table 3, measured."""

    row: int
    """position of the row in table 3"""
    segment: str
    """key of the segment; "" for a group of the user's own"""
    target: Target
    actual: float | None
    hits: int | None
    base: int | None
    """a rate's numerator and denominator, where it has them"""
    before: float | None
    due: date | None
    outcome: str
    """one of OUTCOMES; "" where it is withheld"""
    lacks: str = ""
    """why there is no value, a key of `needs`"""


def outcome_of(text: object) -> str:
    """The outcome whose word stands in a cell, in either language; "" when none does."""
    words = {texts.say(f"report.outcome.{one}", lang): one for one in OUTCOMES for lang in LANGS}
    return words.get(cell_text(text), "")
