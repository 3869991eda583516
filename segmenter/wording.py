"""The template's cell texts: bins, R/F/M cells, RFM groups, reasons. Vectorised: a text is made once a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, schema, texts
from segmenter.rules import NO_RECENCY, Rules


def number(value: float) -> str:
    """4200.0 -> "4200", 1999.5 -> "1999.5", at most four decimals; never with separators (template)."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))


def numbers(values: NDArray[np.float64]) -> list[str]:
    """`number` of many finite values."""
    if not len(values):
        return []
    with np.errstate(over="ignore"):
        plain = (np.rint(values * 1e4) / 1e4 == values) & (np.abs(values) < 1e11)  # then it is what `repr` writes
    found = (str((values + 0.0).tolist())[1:-1] + ", ").replace(".0, ", ", ").split(", ")[:-1]
    for place in np.flatnonzero(~plain).tolist():
        found[place] = number(float(values[place]))
    return found


def each(values: NDArray[np.float64], word: Callable[[float], str], missing: str) -> NDArray[np.object_]:
    """A text a distinct value, `missing` where it is NaN."""
    codes, held = frames.distinct(values)
    words = np.array([*(word(value) for value in held.tolist()), missing], dtype=object)
    found: NDArray[np.object_] = words[codes]
    return found


def around(key: str, hole: str, lang: str) -> tuple[str, str]:
    """What stands before and after the one hole of a text: filling a million of them by hand is ten times faster."""
    before, after = texts.say(key, lang, **{hole: "\0"}).split("\0")
    return before, after


def level(label: str, lang: str) -> str:
    """高 / 中 / 低"""
    return texts.say(f"level.{label}", lang)


def r_bins(rules: Rules, lang: str) -> list[str]:
    """近30天 / 31-90天 / 91-180天 / 180天以上 (item 003-41), for whatever limits the rules have."""
    limits = [number(limit) for limit in rules.recency_bins]
    lows = [number(limit + 1) for limit in rules.recency_bins]
    names = [texts.say("bin.r_first", lang, high=limits[0])]
    names += [texts.say("bin.r_between", lang, low=lows[i], high=limits[i + 1]) for i in range(len(limits) - 1)]
    return _scored([*names, texts.say("bin.r_last", lang, low=limits[-1])], "recency", rules, lang)


def _scored(names: list[str], measure: str, rules: Rules, lang: str) -> list[str]:
    """With the score before each, where the bins have scores: 5分 近30天"""
    scores = rules.bin_scores.get(measure)
    if not scores:
        return names
    return [texts.say("bin.scored", lang, score=score, range=name) for score, name in zip(scores, names, strict=True)]


def below(limit: float) -> str:
    """The largest figure under a limit as a name says it: one less, or a cent less than what has cents."""
    return number(limit - 1 if limit == int(limit) else limit - 0.01)


def _falling(limits: Sequence[float], name: str, lang: str) -> list[str]:
    names = [texts.say(f"bin.{name}_first", lang, low=number(limits[0]))]
    for upper, lower in pairwise(limits):
        high = below(upper)
        same = name == "f" and upper - 1 == lower
        key = f"bin.{name}_one" if same else f"bin.{name}_between"
        names.append(texts.say(key, lang, low=number(lower), high=high))
    return [*names, texts.say(f"bin.{name}_last", lang, high=number(limits[-1]), most=below(limits[-1]))]


def f_bins(rules: Rules, lang: str) -> list[str]:
    """≥10次 / 5-9次 / 2-4次 / 1次及以下 (item 003-42, ruling C10)."""
    return _scored(_falling(rules.frequency_bins, "f", lang), "frequency", rules, lang)


def m_bins(rules: Rules, lang: str) -> list[str]:
    """≥5000元 / 2000-4999元 / 1000-1999元 / <1000元 (item 003-43)."""
    return _scored(_falling(rules.monetary_bins, "m", lang), "monetary", rules, lang)


def segment_names(rules: Rules, lang: str) -> dict[str, str]:
    """Key -> name of every segment, and of the group whose last order is unknown."""
    names = {segment.key: segment.name[lang] for segment in rules.segments}
    return {**names, NO_RECENCY: texts.say("segment.no_recency", lang)}


def segment_keys(rules: Rules) -> dict[str, str]:
    """The same from all that they are called, in either language and `fold`ed, to the key."""
    unknown = {schema.fold(texts.say("segment.no_recency", lang)): NO_RECENCY for lang in texts.LANGS}
    return unknown | {name: one.key for name, one in rules.named.items()}
