"""What next: rules that look at the numbers and propose (003-65..66, 003-100..107, 002-14..15, 002-35).

Their limits are settings and `rules.toml`; each proposal carries the numbers that led to it. No number, no proposal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np

from segmenter import frames, grouping, schema, texts
from segmenter.advice import Proposal, Review
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import planning, targets
from segmenter.reading.planning import Period
from segmenter.reading.targets import Tracked
from segmenter.rules import Rules

RESPONSE: Final = ("response_rate", "participation_rate", "recall_rate", "conversion_rate", "return_rate")
REACHED: Final = 30
"""so many people must have been reached, or have bought, before a rate is worth a proposal"""
OLD_DAYS: Final = 730
DAWN_DAYS: Final = 90
DAWN_TIMES: Final = 2.0
DAWN_Z: Final = 3.0
"""a category draws customers when its share of buyers of the last 90 days is twice that of the 90 before, beyond
chance (z of two proportions)"""
RUNS: Final = 3
"""so many analyses in a row make a trend"""
CLOCKS: Final[Mapping[str, Period]] = {"dimensions": Period(3, "month"), "everything": Period(6, "month")}


def reviews(rules: Rules, as_of: date | None, first: date | None = None) -> tuple[Review, ...]:
    """The three clocks: tracking from this analysis on, the others from their last review, else from `first`, the day
    of the first analysis known."""
    if as_of is None:
        return ()
    found = [Review("tracking", as_of, Period(1, rules.tracking_clock).after(as_of), False)]
    for key, period in CLOCKS.items():
        last = getattr(rules, f"{key}_reviewed") or first or as_of
        due = period.after(last)
        found.append(Review(key, last, due, due <= as_of))
    return tuple(found)


def propose(
    strategy: Sequence[Mapping[str, Any]],
    tracked: Iterable[Tracked],
    advice: Iterable[Finding],
    clocks: Iterable[Review],
    rules: Rules,
    owners: Sequence[Sequence[str]],
) -> list[Proposal]:
    """Proposals from the plan: `strategy` (the rows of table 3) and its measured targets, the advice on sizes, the
    clocks, and the owners of each row."""
    found = [*_weak(strategy, tracked, rules), *_sizes(advice), *_loaded(strategy, owners, rules)]
    for clock in clocks:
        if clock.overdue:
            days = {"last": clock.last.isoformat(), "due": clock.due.isoformat()}
            found.append(Proposal(f"review_{clock.key}", days))
    return found


def to_frame(proposed: Iterable[Proposal], lang: str) -> Frame:
    """The rows of the sheet 迭代建议."""
    rows = [(one.about(lang) or texts.say("report.ahead.all", lang), one.what(lang), one.why(lang)) for one in proposed]
    return Frame.of(rows, schema.PROPOSALS.keys)


def _weak(strategy: Sequence[Mapping[str, Any]], tracked: Iterable[Tracked], rules: Rules) -> Iterable[Proposal]:
    """Response below expectation: another tactic where the library has one for the action, else a new cut."""
    for one in tracked:
        if one.target.metric not in RESPONSE or one.actual is None or (one.base or 0) < REACHED:
            continue
        over = one.outcome in (targets.BELOW, targets.LATE)
        if one.outcome == targets.MET or not (over or one.actual < rules.response_min):
            continue
        row = strategy[one.row]
        name = planning.cell_text(row["segment"])
        numbers = {
            "name": _both(name, rules),
            "metric": targets.metrics()[one.target.metric].name,
            "actual": one.actual,
            "hits": one.hits,
            "base": one.base,
            "target": {lang: targets.show(one.target, lang) for lang in texts.LANGS},
        }
        action = planning.cell_text(row["action"])
        then = _instead(action, rules)
        if then:
            yield Proposal("tactic", {**numbers, "action": action, "then": then}, _both(name, rules))
        else:
            yield Proposal("recut", {**numbers, "action": action or "—"}, _both(name, rules))


def _instead(action: str, rules: Rules) -> Mapping[str, str] | None:
    folded = schema.fold(action)
    return next((one.then for one in rules.tactics if any(schema.fold(w) in folded for w in one.when)), None)


def _both(name: str, rules: Rules) -> Mapping[str, str]:
    """A segment's name in both languages; as typed where it is none of the rules'."""
    found = rules.named.get(schema.fold(name))
    return found.name if found else dict.fromkeys(texts.LANGS, name)


def _sizes(advice: Iterable[Finding]) -> Iterable[Proposal]:
    """Too few or too many segments, segments too small: `plan`'s advice (003-103..105)."""
    for one in advice:
        if one.code in ("segments_few", "segments_many"):
            yield Proposal(one.code, one.params)
        elif one.code == "segment_small":
            yield Proposal(one.code, one.params, one.params["name"])


def _loaded(strategy: Sequence[Mapping[str, Any]], owners: Sequence[Sequence[str]], rules: Rules) -> Iterable[Proposal]:
    """Owners with more segments that have customers than one can carry (003-107, ruling C32)."""
    if not rules.owner_segments_max:
        return
    load: dict[str, list[Mapping[str, str]]] = {}
    shown: dict[str, str] = {}
    for people, row in zip(owners, strategy, strict=True):
        if row["customers"] is None or not row["customers"] > 0:
            continue
        for person in people:
            key = schema.fold(person).lstrip("*＊")
            shown.setdefault(key, person.lstrip("*＊"))
            load.setdefault(key, []).append(_both(planning.cell_text(row["segment"]), rules))
    for key, names in load.items():
        if len(names) > rules.owner_segments_max:
            said = {lang: texts.say("report.and", lang).join(name[lang] for name in names) for lang in texts.LANGS}
            yield Proposal(
                "owner", {"owner": shown[key], "count": len(names), "most": rules.owner_segments_max, "names": said}
            )


def from_campaigns(contacts: Frame | None, rules: Rules) -> list[Proposal]:
    """Campaigns that fewer responded to than `rules.response_min`; `contacts`: key, campaign, responded."""
    if contacts is None or contacts.empty:
        return []
    people, size = grouping.alike(contacts["campaign"], contacts["key"])
    campaigns, names = frames.distinct(contacts["campaign"][grouping.firsts(people, size)])
    answered = grouping.counts(people[contacts["responded"]], size) > 0
    reached, responded = (grouping.counts(one, len(names)).tolist() for one in (campaigns, campaigns[answered]))
    found = []
    for name, hits, base in zip(names.tolist(), responded, reached, strict=True):
        if not name or base < REACHED or hits / base >= rules.response_min:
            continue
        numbers = {"name": str(name), "hits": hits, "base": base, "actual": hits / base, "least": rules.response_min}
        then = _instead(str(name), rules)
        found.append(Proposal("campaign_tactic", {**numbers, "then": then}) if then else Proposal("campaign", numbers))
    return found


def from_data(customers: Frame, ordered: Frame | None, as_of: date | None, rules: Rules) -> list[Proposal]:
    """What the data itself asks for: newer data (002-35), a narrower scope, a look at a category that suddenly draws
    customers (002-15)."""
    if as_of is None:
        return []
    today = np.datetime64(as_of, "s")
    found = []
    days = customers.get("last_order_date") if ordered is None else ordered["ordered_on"]
    if days is not None and len(past := days[days <= today]):
        last = past.max()
        age = int((today - last) // np.timedelta64(1, "D"))
        if age > rules.data_age_max:
            numbers = {"last": str(last.astype("datetime64[D]")), "days": age, "most": rules.data_age_max}
            found.append(Proposal("stale", numbers))
    recency = customers["recency_days"]
    known, old = len(recency) - np.count_nonzero(np.isnan(recency)), np.count_nonzero(recency > OLD_DAYS)
    if old >= REACHED and old * 2 >= known:
        found.append(Proposal("old", {"count": old, "share": old / known}))
    if ordered is not None and "category" in ordered:
        found += _dawning(ordered, as_of)
    return found


def from_dimensions(
    past: Iterable[tuple[Mapping[str, str], Sequence[tuple[date, float]]]], rules: Rules
) -> list[Proposal]:
    """Dimensions that no longer separate: what they are worth fell at each of the last RUNS analyses, to below
    `rules.separation_min` (003-101). `past`: name by language, and `history.separations`."""
    found = []
    for name, figures in past:
        last = figures[-RUNS:]
        falling = all(then > now for (_, then), (_, now) in pairwise(last))
        if len(last) == RUNS and falling and last[-1][1] < rules.separation_min:
            told = [f"{figure:.3f} ({day.isoformat()})" for day, figure in last]
            said = {lang: texts.say("report.and", lang).join(told) for lang in texts.LANGS}
            found.append(Proposal("fading", {"name": name, "figures": said, "least": rules.separation_min}))
    return found


def _dawning(ordered: Frame, as_of: date) -> list[Proposal]:
    today, half_a_year = np.datetime64(as_of, "s"), np.timedelta64(2 * DAWN_DAYS, "D")
    days = ordered["ordered_on"]
    inside = ordered.at((days > today - half_a_year) & (days <= today) & (ordered["amount"] > 0))
    late = inside["ordered_on"] > today - half_a_year // 2
    buyers, known = frames.distinct(inside["key"])
    category, names = frames.distinct(inside["category"])
    counts = {}
    for half, mask in (("now", late), ("before", ~late)):
        everybody = np.count_nonzero(grouping.counts(buyers[mask], len(known)))
        mask = mask & (category >= 0)
        once = grouping.firsts(*grouping.alike(category[mask], buyers[mask]))
        counts[half] = grouping.counts(category[mask][once], len(names)), everybody
    (now, all_now), (before, all_before) = counts["now"], counts["before"]
    if min(all_now, all_before) < REACHED:
        return []
    found: list[tuple[float, Proposal]] = []
    for name, n, m in zip(names, now.tolist(), before.tolist(), strict=True):
        p, q = n / all_now, m / all_before
        pooled = (n + m) / (all_now + all_before)
        error = math.sqrt(pooled * (1 - pooled) * (1 / all_now + 1 / all_before))
        if not name or n < REACHED or p < DAWN_TIMES * q or not error or (p - q) / error < DAWN_Z:
            continue
        numbers: dict[str, Any] = {"name": str(name), "now": n, "now_share": p, "before": m, "before_share": q}
        found.append((p - q, Proposal("dawning", {**numbers, "days": DAWN_DAYS})))
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])[:3]]
