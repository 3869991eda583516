"""Numbers, money, shares and days as a reader sees them, in both languages. Nothing here knows a template."""

from __future__ import annotations

import math
import unicodedata
from datetime import date, datetime
from typing import Final

from segmenter import texts
from segmenter.texts import Lang

MISSING: Final = "—"
_SHORT: Final[dict[Lang, tuple[tuple[float, str], ...]]] = {
    "zh": ((1e8, "report.unit_yi"), (1e4, "report.unit_wan")),
    "en": ((1e9, "report.unit_yi"), (1e6, "report.unit_wan"), (1e4, "report.unit_k")),
}
_SCALE: Final[dict[str, float]] = {"report.unit_k": 1e3}


def is_missing(value: object) -> bool:
    """None, NaN, NaT and infinities are no numbers to show."""
    return value is None or (isinstance(value, float) and not math.isfinite(value)) or str(value) == "NaT"


def count(value: float | None) -> str:
    """1234 -> "1,234"."""
    return MISSING if value is None or is_missing(value) else f"{value:,.0f}"


def number(value: float | None, digits: int = 1) -> str:
    """At most `digits` decimals, none that are zero: 15.0 -> "15"."""
    if value is None or is_missing(value):
        return MISSING
    text = _trim(f"{value:,.{digits}f}")
    return "0" if text == "-0" else text


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: float | None) -> str:
    """Whole units from 100 on, otherwise up to two decimals: 4200.4 -> "4,200", 35.5 -> "35.5"."""
    return number(value, 0 if value is not None and abs(value) >= 100 else 2)


def money_short(value: float | None, lang: Lang) -> str:
    """Money in a headline: 1234567 -> "123.5万" or "1.23M"."""
    if value is None or is_missing(value):
        return MISSING
    for limit, unit in _SHORT[lang]:
        if abs(value) >= limit:
            scaled = value / _SCALE.get(unit, limit)
            return texts.say(unit, lang, value=_trim(f"{scaled:,.{1 if abs(scaled) >= 100 else 2}f}"))
    return money(value)


def percent(value: float | None, digits: int = 1) -> str:
    """0.1234 -> "12.3%"; a share below what the digits can show is "<0.1%", never a false zero."""
    if value is None or is_missing(value):
        return MISSING
    smallest = 10 ** -(digits + 2)
    if 0 < value < smallest / 2:
        return f"<{smallest:.{digits}%}"
    return f"{value:.{digits}%}"


def times(value: float | None) -> str:
    """A ratio: 2.345 -> "2.3×"."""
    return MISSING if value is None or is_missing(value) else f"{value:.1f}×"


def day(value: date | datetime | None, lang: Lang) -> str:
    """2026年6月30日, 30 June 2026."""
    if value is None or is_missing(value):
        return MISSING
    month = texts.say("report.months", lang).split(" ")[value.month - 1]
    return texts.say("report.day", lang, year=value.year, month=month, day=value.day)


def first_upper(text: str) -> str:
    """The text with a capital letter at its beginning, where its script has them."""
    return text[:1].upper() + text[1:]


def width(text: str) -> float:
    """Roughly how many em the text takes: Chinese characters one, others a good half."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in text)


def shorten(text: str, ems: float) -> str:
    """The text, cut with an ellipsis where it is wider than `ems`."""
    if width(text) <= ems:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > ems - 1:
            break
        kept += char
    return kept.rstrip() + "…"


def wrap(text: str, ems: float) -> list[str]:
    """The text in at most two lines, parted at a blank when it is wider than `ems`."""
    if width(text) <= ems or " " not in text:
        return [shorten(text, ems)]
    words = text.split(" ")
    parted = min(range(1, len(words)), key=lambda i: max(width(" ".join(words[:i])), width(" ".join(words[i:]))))
    return [shorten(" ".join(part), ems) for part in (words[:parted], words[parted:])]
