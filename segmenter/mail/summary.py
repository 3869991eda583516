"""What a mail says of a result: the subject, figures, risks, chances and tasks, as its templates may use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from pandas import DataFrame

from segmenter import masking, texts
from segmenter.mail import addresses, kpis
from segmenter.reports import changes, charts, formats, overview, report, tracking
from segmenter.reports.changes import Figures
from segmenter.result import Result
from segmenter.texts import Lang

CHARTS: Final = ("shares", "pareto")
WIDTH: Final = 600
"""of a picture in the body, in pixels; the body's table is 640 wide"""
POINTS: Final = 3
"""so many risks, chances and proposals at most"""
CONCENTRATED: Final = 0.6
"""share of the amount that the dearest fifth brings from which that is a risk worth a line"""


class Footer(NamedTuple):
    """What stands below a letter: the addresses to ask and to unsubscribe at, "" for none, and names of attachments."""

    contact: str = ""
    unsubscribe: str = ""
    attached: Sequence[str] = ()


NO_FOOTER: Final = Footer()


def context(
    result: Result,
    lang: Lang,
    *,
    before: Figures | None = None,
    owner: str = "",
    month: bool = False,
    about: str = "",
    footer: Footer = NO_FOOTER,
) -> dict[str, Any]:
    """Everything a mail template may use; always strictly masked, no row of a customer in it. `before`: the figures
    of an earlier analysis, for the arrows; `owner`: `result` is this owner's part; `about`: the workbook, where
    letters are about several."""
    shared = masking.shared(result, strict=True)
    segments = overview.localised(shared, lang)
    plan = tracking.rows(shared, lang)
    table = overview.table(segments, lang)
    total = overview.total(shared, segments, lang)
    if owner and before is not None:  # the totals of a part are compared with those of the same segments
        before = {row["key"]: before[row["key"]] for row in table if row["key"] in before}
    named = _named(table, owner)
    risks, chances = _points(shared, segments, plan, lang)
    pictured = CHARTS[:1] if owner else CHARTS
    ahead = tracking.next_round(shared, lang, strict=True)
    day = shared.as_of.isoformat() if shared.as_of else formats.MISSING

    def say(key: str, **params: Any) -> str:
        return texts.say(f"mail.{key}", lang, **params)

    if owner:
        greeting = say("greeting_owner", name=owner)
        intro = say("intro_owner", names=texts.say("report.and", lang).join(row["name"] for row in table))
    else:
        greeting = say("greeting")
        intro = say("intro", goal=shared.rules.goal or texts.say(f"word.{shared.rules.objective}", lang))
    start = [say("subject_month" if month else "subject_week"), *([about] if about else ())]
    subject = [*start, *(_headline(row, before) for row in named), day]
    found: dict[str, Any] = {
        "lang": lang,
        "subject": addresses.line(" ".join(subject)),
        "preheader": say("preheader", customers=kpis.shown(total["customers"], formats.count), day=day),
        "greeting": greeting,
        "intro": intro,
        "compared": before is not None,
        "kpis": kpis.build(total, named[:2], before, shared.rules.window_months, lang),
        "risks": risks,
        "chances": chances,
        "proposals": [one["what"] + say("colon") + one["why"] for one in ahead.get("proposals", [])[:POINTS]],
        "reviews": ahead.get("reviews", []),
        "tasks": _tasks(plan, shared.as_of, 31 if month else 7, lang),
        "charts": [
            {"cid": f"{one['key']}@segmenter", **one}
            for one in report.drawn(shared, segments, lang, strict=True)
            if one["key"] in pictured
        ],
        "as_of": formats.day(shared.as_of, lang),
        "contact": footer.contact,
        "unsubscribe": footer.unsubscribe,
        "attached": list(footer.attached),
        "width": WIDTH,
    }
    masked: dict[str, Any] = masking.texts_of(found)
    # these two are addresses of our own people, and are to be read
    return {**masked, "contact": footer.contact, "unsubscribe": footer.unsubscribe}


def _named(table: Sequence[Mapping[str, Any]], owner: str) -> Sequence[Mapping[str, Any]]:
    """The segments that a subject names: high value and at risk, else the first two; an owner's first three."""
    if owner:
        return table[:3]
    by_key = {row["key"]: row for row in table}
    return [by_key[key] for key in ("high_value", "at_risk") if key in by_key] or table[:2]


def _headline(row: Mapping[str, Any], before: Figures | None) -> str:
    """A segment in the subject: its name, its customers, and how many more they are than before."""
    customers = row["customers"]
    said = f"{row['name']} {kpis.shown(customers, formats.count)}"
    old = kpis.customers_then(row["key"], before)
    if old is None or not isinstance(customers, float):
        return said
    return said + f"({customers - old:+,.0f})".replace("+0", "±0")


def _points(
    result: Result, segments: DataFrame, plan: Sequence[Mapping[str, Any]], lang: Lang
) -> tuple[list[str], list[str]]:
    """The risks and the chances, a line each."""
    risks: list[str] = []
    chances: list[str] = []
    for one in overview.actions(result, segments, plan, lang):
        points = risks if one["kind"] == "recall" else chances
        points.append(one["title"] + texts.say("mail.colon", lang) + one["why"])
    worse, better = changes.lines(result, lang)
    risks += [*worse, *_risks(result, plan, lang)]
    return risks[:POINTS], [*chances[: POINTS - len(better)], *better]


def _risks(result: Result, plan: Sequence[Mapping[str, Any]], lang: Lang) -> list[str]:
    found = []
    late = [str(row["name"]) for row in plan if row["light"] == "poor"]
    if late:
        found.append(texts.say("mail.risk_late", lang, names=texts.say("report.and", lang).join(late)))
    share = charts.top_share(result.customers.pandas)
    if round(len(result.customers) * 0.2) >= masking.FLOOR and share >= CONCENTRATED:
        found.append(texts.say("mail.risk_few", lang, share=formats.percent(share)))
    return found


def _tasks(plan: Sequence[Mapping[str, Any]], as_of: date | None, days: int, lang: Lang) -> list[dict[str, str]]:
    """What is not done, the first due first; `days` pass until the next mail."""
    left = sorted((row for row in plan if row["light"] != "done"), key=lambda row: row["due"] or "9")
    keys = ("name", "action", "owner", "target", "actual", "outcome", "period", "progress", "light")
    return [{**{key: row[key] for key in keys}, "due": _due(row["due"], as_of, days, lang)} for row in left]


def _due(day: str, as_of: date | None, days: int, lang: Lang) -> str:
    """When a task is due, and whether that is over or comes before the next mail; "" when nobody said when it began."""
    if not day or as_of is None:
        return ""
    due = date.fromisoformat(day)
    key = "task_late" if due < as_of else "task_now" if due <= as_of + timedelta(days=days) else "task_due"
    return texts.say(f"mail.{key}", lang, day=formats.day(due, lang))
