"""Table 3 as the report shows it: progress read from what people typed, and a light for it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from segmenter import formats, schema, texts
from segmenter.matching import Segment
from segmenter.result import Result
from segmenter.texts import Lang

GOOD: Final = 0.6
FAIR: Final = 0.2
"""the lights' limits. Table 3 has no start date, so a light says how much is done, not whether that is in time"""
TYPED: Final = ("traits", "strategy", "action", "owner", "target", "period", "progress")
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)")
_PLAIN: Final = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_LATE: Final = re.compile(r"延期|滞后|逾期|延误|超期|overdue|delay|late\b|behind", re.IGNORECASE)
_LEFT: Final = re.compile(r"未完成|剩余|还差|尚余|remaining|\bleft\b|to go", re.IGNORECASE)
_NOTHING: Final = re.compile(r"未开始|未启动|尚未|待启动|not started|not yet", re.IGNORECASE)
_ALL: Final = re.compile(r"^(已?(全部)?完成|完结|done|completed?|finished)[。.!！]?$", re.IGNORECASE)


def progress_of(value: object) -> float | None:
    """How much is done (0..1): 已完成30%, 完成60%, 0.3, 3/10, 已完成, 未开始; None when it cannot be told."""
    text = unicodedata.normalize("NFKC", cell_text(value)).strip()
    if found := _PERCENT.search(text):
        share = float(found[1]) / 100
    elif (found := _PART.search(text)) and float(found[2]):
        share = float(found[1]) / float(found[2])
    elif _PLAIN.fullmatch(text):
        share = float(text) if float(text) <= 1 else float(text) / 100
    elif _ALL.match(text):
        share = 1.0
    elif _NOTHING.search(text):
        share = 0.0
    else:
        return None
    if _LEFT.search(text):
        share = 1 - share
    return min(max(share, 0.0), 1.0)


def light_of(value: object) -> str:
    """One of done | good | fair | poor | idle (not begun) | none, from the progress as it was typed."""
    share = progress_of(value)
    if share is not None and share >= 1:
        return "done"
    if _LATE.search(cell_text(value)):
        return "poor"
    if not share:
        return "none" if share is None else "idle"
    return "good" if share >= GOOD else "fair" if share >= FAIR else "poor"


def next_step(entry: Mapping[str, Any], lang: Lang) -> str:
    """What a row of the plan waits for: first that somebody is named and measured, then as its progress says."""
    missing = next((key for key in ("owner", "target") if not entry[key]), "")
    left = formats.percent(1 - (entry["progress_share"] or 0.0), 0)
    words = {"action": entry["action"], "owner": entry["owner"], "left": left}
    return texts.say(f"report.next.{missing or entry['light']}", lang, **words)


def cell_text(value: object) -> str:
    """A typed cell as text: "" where empty, whole numbers without decimals."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in ("NaT", "<NA>"):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()[:10]
    return str(value).strip()


def rows(result: Result, lang: Lang) -> list[dict[str, Any]]:
    """The rows of table 3 in their order: the typed texts, customers and amount with their shares (None for groups
    of the user's own), progress_share (0..1 or None) and light.

    A text that is a default of the rules is given in `lang`; what people typed stays as it is.
    """
    by_name = {schema.fold(name): one for one in result.rules.segments for name in (*one.name.values(), *one.aliases)}
    found = []
    for row in result.strategy.to_dict("records"):
        typed = cell_text(row["segment"])
        segment = by_name.get(schema.fold(typed))
        entry: dict[str, Any] = {
            "key": segment.key if segment else "",
            "name": segment.name[lang] if segment else typed,
        }
        for column in TYPED:
            entry[column] = _in(lang, segment, column, row[column])
        number = row["progress"]
        if isinstance(number, (int, float)) and not isinstance(number, bool) and 0 < number <= 1:
            entry["progress"] = formats.percent(float(number), 0)
        entry["progress_share"] = progress_of(row["progress"])
        entry["light"] = light_of(row["progress"])
        entry["next"] = next_step(entry, lang)
        for column in ("customers", "customer_share", "amount", "amount_share"):
            entry[column] = None if formats.is_missing(row[column]) else float(row[column])
        entry["status"] = cell_text(row["status"]) if lang == result.lang else ""
        found.append(entry)
    return found


def _in(lang: Lang, segment: Segment | None, column: str, value: object) -> str:
    text = cell_text(value)
    if column == "progress":
        ours = {texts.say("plan.not_started", one) for one in texts.LANGS}
        return texts.say("plan.not_started", lang) if text in ours else text
    if segment is None:
        return text
    for one in ("zh", "en"):
        if text and schema.fold(text) == schema.fold(segment.text(column, one)):
            return segment.text(column, lang)
    return text
