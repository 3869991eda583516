"""Table 3 as the report shows it: progress read from what people typed, and a light for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from segmenter import masking, schema, texts
from segmenter.matching import Segment
from segmenter.reading.planning import cell_text, progress_of, said_late
from segmenter.reading.targets import LATE, Tracked, outcome_of
from segmenter.reports import formats
from segmenter.result import Result
from segmenter.steps import goals
from segmenter.texts import Lang

GOOD: Final = 0.6
FAIR: Final = 0.2
"""the lights' limits, also of the colours in table 3 itself. A light says how much is done; a target whose due date
has passed unmet makes it poor"""
TYPED: Final = ("traits", "strategy", "action", "owner", "target", "period", "progress")


def light_of(value: object) -> str:
    """One of done | good | fair | poor | idle (not begun) | none, from the progress as it was typed."""
    share = progress_of(value)
    if share is not None and share >= 1:
        return "done"
    if said_late(value):
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


def rows(result: Result, lang: Lang) -> list[dict[str, Any]]:
    """The rows of table 3 in their order: the typed texts, customers and amount with their shares (None for groups
    of the user's own), progress_share (0..1 or None) and light.

    A text that is a default of the rules or was made of targets measured is given in `lang`; what people typed stays
    as it is.
    """
    measured: dict[int, list[Tracked]] = {}
    for one in result.tracked:
        measured.setdefault(one.row, []).append(one)
    found = []
    for place, row in enumerate(result.strategy.records()):
        typed = cell_text(row["segment"])
        segment = result.rules.named.get(schema.fold(typed))
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
        for column in ("customers", "customer_share", "amount", "amount_share"):
            entry[column] = None if formats.is_missing(row[column]) else float(row[column])
        entry["outcome"] = outcome_of(row["outcome"])
        entry["actual"] = actual = cell_text(row["actual"])
        if actual and lang != result.lang and place in measured:
            entry["actual"] = goals.said(measured[place], lang) or ""
        entry["due"] = cell_text(row["due_on"])
        if entry["outcome"] == LATE and entry["light"] != "done":
            entry["light"] = "poor"
        entry["next"] = next_step(entry, lang)
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


def next_round(result: Result, lang: Lang, *, strict: bool = False) -> dict[str, Any]:
    """Proposals (about, what, why) and the reviews (name, last, due, overdue); empty when there are none. Where
    `strict`, the numbers of a proposal that rests on fewer than five people, or is about a segment whose figures are
    withheld, are left out."""
    found = []
    held = [one.name for one in result.rules.segments if one.key in masking.held(result)]
    for one in result.proposals:
        hits = one.params.get("hits")
        hidden = strict and (one.segment in held or (isinstance(hits, int) and 0 < hits < masking.FLOOR))
        found.append({"about": one.about(lang), "what": one.what(lang), "why": "" if hidden else one.why(lang)})
    clock = texts.say(f"word.{result.rules.tracking_clock}", lang)
    reviews = [
        {
            "name": texts.say(f"review.{one.key}", lang, clock=clock),
            "last": formats.day(one.last, lang),
            "due": formats.day(one.due, lang),
            "overdue": one.overdue,
        }
        for one in result.reviews
    ]
    return {"proposals": found, "reviews": reviews} if found or reviews else {}
