"""What a report and a mail say of the time since the analysis before: headlines, the dearest moves, the segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from pandas import DataFrame

from segmenter import masking, schema, texts
from segmenter.reports import formats
from segmenter.reports.canvas import FINE, WIDTH, Sheet
from segmenter.reports.palette import RAMP, on
from segmenter.result import Migration, Result
from segmenter.rules import CODES, Rules
from segmenter.steps import history, migration
from segmenter.texts import Lang

MOVES: Final = 8
"""so many moves are listed, the dearest losses"""
Figures = Mapping[str, tuple[float, float, float]]
"""segment key -> customers, amount, orders"""


def build(result: Result, lang: Lang, *, strict: bool) -> dict[str, Any] | None:
    """Period, heads, moves, segments and whether the rules were the same; None without an analysis before. Where
    `strict`, no figure of fewer than five people."""
    found = result.migration
    if found is None:
        return None
    floor = masking.FLOOR if strict else 1
    heads = migration.headline(found.cells)
    return {
        "period": texts.say(
            "report.migration.period",
            lang,
            before=formats.day(found.before, lang),
            after=formats.day(found.after, lang),
        ),
        "same_rules": found.same_rules,
        "heads": [
            {"name": texts.say(f"migration.kind.{key}", lang), "note": texts.say(f"report.migration.{key}", lang)}
            | (_figures(one) if one["customers"] >= floor else _hidden(one["customers"]))
            for key, one in heads.items()
        ],
        "moves": lost(found, result.rules, lang, floor)[:MOVES],
        "segments": _segments(result, lang, floor),
        "sheet": schema.table("migration_heads").sheet[result.lang],
    }


def _figures(row: Mapping[Any, Any]) -> dict[str, Any]:
    keys = ("customers", "share", "before", "after", "lost")
    return {key: None if formats.is_missing(float(row[key])) else float(row[key]) for key in keys}


def _hidden(customers: float) -> dict[str, Any]:
    return dict.fromkeys(("share", "before", "after", "lost")) | {"customers": masking.FEW if customers else 0.0}


def lost(found: Migration, rules: Rules, lang: Lang, floor: int) -> list[dict[str, Any]]:
    """The moves of `floor` customers or more that lost amount, the dearest first: move and kind in words, figures."""
    named = migration.place_names(rules, lang)
    return [
        {
            "move": texts.say("migration.move", lang, start=named[one.start], end=named[one.end]),
            "kind": texts.say(f"migration.kind.{migration.label(one.start, one.end)}", lang),
            **_figures(one._asdict()),
        }
        for one in migration.ranked(found.cells)
        if one.lost > 0 and one.customers >= floor
    ]


def earlier(result: Result) -> Figures | None:
    """Customers, amount and orders of every segment at the date before, as the history has them; None where it has
    none."""
    if result.as_of is None or result.history.empty:
        return None
    lines = history.before(result.history, result.as_of)
    return history.figures(lines, result.rules) or None


def unsaid(then: Figures) -> frozenset[str]:
    """Keys of the segments whose customers of then are told to nobody else: fewer than five, and one more where the
    total less the others would tell them."""
    rows = [(key, key, people, amount) for key, (people, amount, _) in then.items()]
    found = masking.withheld(DataFrame(rows, columns=["segment", "name", "customers", "amount"]))
    return frozenset(found.loc[found["small"] != "", "segment"])


def _segments(result: Result, lang: Lang, floor: int) -> list[dict[str, Any]]:
    """Every segment then and now: customers and amount."""
    then = earlier(result) or {}
    hidden = unsaid(then) if floor > 1 else frozenset()
    found = []
    for row in result.segments.records():
        key = str(row["segment"])
        segment = next((one.name[lang] for one in result.rules.segments if one.key == key), str(row["name"]))
        people, amount, _ = then.get(key, (None, None, None))
        now, money = float(row["customers"]), float(row["amount"])
        if key not in then or key in hidden or formats.is_missing(now) or 0 < now < floor or (people or 0) < floor:
            continue
        numbers = {"before": people, "now": now, "amount_before": amount, "amount_now": money}
        found.append({"name": segment, **numbers, "change": now - float(people or 0)})
    return found


def of(found: Migration | None, names: set[str]) -> Migration | None:
    """The moves of those who were in these segments, and of those who are new in them."""
    if found is None:
        return None
    cells = found.cells
    columns = (cells[name].tolist() for name in ("start", "start_segment", "end_segment"))
    mine = [
        row
        for row, (start, then, now) in enumerate(zip(*columns, strict=True))
        if (now if start == migration.ENTERED else then) in names
    ]
    return found._replace(cells=cells.at(mine)) if mine else None


def lines(result: Result, lang: Lang) -> tuple[list[str], list[str]]:
    """Lines for a mail, risks and chances: who left the best groups, what was lost, who rose; only of five people or
    more."""
    found = result.migration
    if found is None:
        return [], []
    heads = migration.headline(found.cells)
    told: dict[str, list[str]] = {"churn": [], "up": []}
    for key, said in told.items():
        one = heads[key]
        if one["customers"] >= masking.FLOOR:
            amounts = {name: formats.money_short(one[name], lang) for name in ("before", "after")}
            share, day = formats.percent(one["share"]), formats.day(found.before, lang)
            count = formats.count(one["customers"])
            said.append(texts.say(f"mail.moved_{key}", lang, count=count, share=share, day=day, **amounts))
    for row in lost(found, result.rules, lang, masking.FLOOR)[:1]:
        numbers = {"count": formats.count(row["customers"]), "lost": formats.money_short(row["lost"], lang)}
        told["churn"].append(texts.say("mail.moved_lost", lang, move=row["move"], **numbers))
    return told["churn"], told["up"]


def heat(found: Migration | None, lang: Lang, *, strict: bool) -> str:
    """The matrix as a drawing: how many went from which code (down) to which (across), coloured by their share of the
    row; where `strict`, no field tells of fewer than five."""
    if found is None:
        return ""
    counts = migration.matrix(found.cells, "customers").pandas.set_index("start").fillna(0.0)
    used = [code for code in counts.index if code in CODES or counts.loc[code].sum()]
    across = [code for code in counts.columns if code in CODES or counts[code].sum()]
    counts = counts.loc[used, across]
    hidden = masking.fields_withheld(counts) if strict else counts < 0
    shares = counts.div(counts.sum(axis=1).where(counts.sum(axis=1) > 0), axis=0).fillna(0.0)
    left, top, tall, gap = 60.0, 44.0, 30.0, 2.0
    wide = (WIDTH - left) / len(across)
    sheet = Sheet(top + tall * len(used) + 4)
    sheet.text(left, 9, texts.say("report.chart.migration_across", lang), size=FINE)
    for j, end in enumerate(across):
        sheet.text(left + wide * (j + 0.5), 32, migration.place_name(end, lang), "ink", FINE, "middle")
    for i, start in enumerate(used):
        y = top + tall * i
        sheet.text(left - 8, y + tall / 2 - 1, migration.place_name(start, lang), "ink", FINE, "right")
        for j, end in enumerate(across):
            x, people, share = left + wide * j, float(counts.at[start, end]), float(shares.at[start, end])
            few = bool(hidden.at[start, end])
            role = "panel" if few or not people else RAMP[int(np.searchsorted([0.05, 0.15, 0.3, 0.6], share))]
            sheet.box(x, y, wide - gap, tall - gap, role)
            text = masking.FEW if few and people < masking.FLOOR else "-" if few else formats.count(people)
            if people:
                tone = "muted" if role == "panel" else on(role)
                sheet.text(x + (wide - gap) / 2, y + (tall - gap) / 2, text, tone, FINE, "middle")
    heads = migration.headline(found.cells)
    stayed, churn = heads["same"], heads["churn"]
    said = {
        "same": formats.percent(stayed["share"]),
        "churn": masking.FEW
        if strict and 0 < churn["customers"] < masking.FLOOR
        else formats.count(churn["customers"]),
        "day": formats.day(found.before, lang),
    }
    return sheet.svg(
        "migration", texts.say("report.chart.migration", lang), texts.say("report.chart.migration_alt", lang, **said)
    )
