"""Table 3 against what the data say: actual values, due dates, what became of each target; is the goal SMART?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from segmenter import schema, texts
from segmenter.books import Grid
from segmenter.cells import address
from segmenter.findings import Finding
from segmenter.matching import Segment
from segmenter.reading import headers, planning, targets
from segmenter.reading.targets import FALL, RELATIVE, RISE, Metric, Target, Tracked
from segmenter.rules import Rules
from segmenter.steps import metrics
from segmenter.steps.metrics import Data
from segmenter.texts import LANGS, Lang


class Where(NamedTuple):
    """Where table 3 stands."""

    sheet: str
    cell: Callable[[int, str], str]
    """(position of a row, field key) -> address; "" for rows that are not on the sheet yet"""


def where(grid: Grid | None, rows: Sequence[int], lang: Lang) -> Where:
    """`rows`: the numbers of the rows that stand on the sheet `grid`; nowhere without the sheet."""
    columns = headers.locate(grid, schema.STRATEGY).columns if grid is not None else {}

    def cell(place: int, key: str) -> str:
        return address(rows[place] - 1, columns[key]) if place < len(rows) and key in columns else ""

    return Where(schema.STRATEGY.sheet[lang], cell)


class Tracks(NamedTuple):
    """The targets of table 3, measured, and what was odd about them."""

    tracked: tuple[Tracked, ...]
    findings: tuple[Finding, ...]


def track(
    strategy: Iterable[Mapping[str, Any]], data: Data, lang: Lang, at: Where
) -> tuple[list[dict[str, Any]], Tracks]:
    """The rows of table 3 with due_on, progress_share, actual and outcome, and the targets measured.

    `strategy`: `plan.merge`. A row without a target keeps the last two empty; several targets in a cell are measured
    each, the outcome is the worst of them.
    """
    names = tuple(name for one in data.rules.segments for name in one.names)
    findings: list[Finding] = []
    tracked: list[Tracked] = []
    rows = []
    for place, row in enumerate(strategy):
        segment = data.rules.named.get(schema.fold(planning.cell_text(row["segment"])))
        start = planning.begun(row["period"], row["start_on"])
        due = planning.due(row["period"], start)
        aims, unread = targets.parse(row["target"], names)
        typed_in = (at.sheet, at.cell(place, "target"))
        text = planning.cell_text(row["target"])
        findings += [Finding("target_unread", *typed_in, text, {"part": part}) for part in unread]
        if any(aim.assumed for aim in aims):
            findings.append(Finding("target_points", *typed_in, text))
        of_row = [_measure(place, aim, segment, row, start, due, data) for aim in aims]
        tracked += of_row
        worst = max((targets.OUTCOMES.index(one.outcome) for one in of_row), default=-1)
        found = {
            "due_on": max((one.due for one in of_row if one.due), default=due),
            "progress_share": planning.progress_of(row["progress"]),
            "actual": said(of_row, lang),
            "outcome": texts.say(f"report.outcome.{targets.OUTCOMES[worst]}", lang) if worst >= 0 else None,
        }
        rows.append({**row, **found})
    return rows, Tracks(tuple(tracked), tuple(findings))


def _measure(
    place: int,
    aim: Target,
    segment: Segment | None,
    row: Mapping[str, Any],
    start: date | None,
    due: date | None,
    data: Data,
) -> Tracked:
    key = segment.key if segment else ""
    change = aim.op in (RISE, FALL)
    if change and aim.window is not None and start is not None:
        due = aim.window.after(start)  # the window of a rise is the time allowed for it (003-62)
    own_names = {schema.fold(planning.cell_text(row["segment"]))}
    if segment:
        own_names |= {*map(schema.fold, segment.names)}
    asked = metrics.Row(data, key, metrics.reached(data, key, own_names, start), None if change else aim.window)
    found = metrics.MEASURES[aim.metric](asked)
    before = metrics.baseline(data, aim.metric, key, start) if change else None
    met = None if found.value is None else aim.met(found.value, before)
    if met is None:
        outcome = targets.NO_DATA
    elif met:
        outcome = targets.MET
    elif planning.said_late(row["progress"]) or (due is not None and data.as_of is not None and data.as_of > due):
        outcome = targets.LATE
    else:
        outcome = targets.BELOW if due is None else targets.ON_TRACK
    lacks = _lacks(aim, key, data) if found.value is None else ""
    return Tracked(place, key, aim, found.value, found.hits, found.base, before, due, outcome, lacks)


def _lacks(aim: Target, segment: str, data: Data) -> str:
    """Why a target has no value: its source is missing; or else nobody is in the segment; or the source says nothing
    of those who are."""
    needs = targets.metrics()[aim.metric].needs
    if needs == "table" and aim.window is not None and aim.metric == "repurchase_rate":
        needs = "orders"
    sources = {"orders": data.orders, "activity": data.contacts, "history": data.earlier}
    if needs in sources and sources[needs] is None:
        return needs
    if segment and not data.segments[segment]["customers"]:
        return "nobody"
    return needs if needs == "activity" else "table"


def said(tracked: Sequence[Tracked], lang: Lang) -> str | None:
    """What a cell shows of measured targets: 62.5%(125/200); which source is missing where there is no value. The
    metric is named where there are several."""
    words = []
    for one in tracked:
        metric = targets.metrics()[one.target.metric]
        text = _shown(one, metric, lang)
        words.append(f"{metric.name[lang]} {text}" if len(tracked) > 1 else text)
    return texts.say("report.semicolon", lang).join(words) or None


def _shown(one: Tracked, metric: Metric, lang: Lang) -> str:
    if one.actual is None:
        return texts.say(f"needs.{one.lacks}", lang)
    text = _number(one.actual, metric)
    if one.target.op in (RISE, FALL):
        if one.before is None:
            return texts.say("actual.alone", lang, value=text, why=texts.say("needs.history", lang))
        change = one.actual - one.before
        if one.target.unit == RELATIVE:
            moved = f"{change / one.before:+.1%}" if one.before else "—"
        else:
            points = round(one.actual * 100, 1) - round(one.before * 100, 1) + 0.0  # as the two are shown
            rate = metric.kind == "rate"
            moved = texts.say("actual.points", lang, change=points) if rate else f"{change:+,.2f}"
        return texts.say("actual.change", lang, value=text, before=_number(one.before, metric), change=moved)
    if one.base is not None:
        return texts.say("actual.rate", lang, value=text, hits=one.hits, base=one.base)
    return text


def _number(value: float, metric: Metric) -> str:
    if metric.kind == "rate":
        return f"{value:.1%}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def smart(rules: Rules, owners: Sequence[str], sheet: str) -> list[Finding]:
    """What the goal of the settings lacks of SMART (002-11): a metric, a number, a date, and who answers for it
    (somebody of the team settings, or an owner it names). Nothing is said of a goal nobody has written."""
    goal = schema.fold(rules.goal)
    if not goal:
        return []
    has = {
        "metric": any(
            schema.fold(n) in goal for m in targets.metrics().values() for n in (*m.name.values(), *m.aliases)
        ),
        "number": targets.has_number(rules.goal),
        "date": targets.has_deadline(rules.goal),
        "owner": bool(rules.team_report or rules.team_dimensions or rules.team_model or rules.team_data)
        or any(schema.fold(owner).lstrip("*") in goal for owner in owners if owner.strip("*＊ ")),
    }
    missing = [f"smart.{key}" for key, there in has.items() if not there]
    if not missing:
        return []
    named = {lang: texts.say("report.and", lang).join(texts.say(key, lang) for key in missing) for lang in LANGS}
    return [Finding("goal_not_smart", sheet, "", rules.goal, {"missing": named})]
