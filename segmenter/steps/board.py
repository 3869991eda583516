"""The dashboard's blocks: fixed cells that its native Excel charts read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from segmenter import schema, texts, wording
from segmenter.advice import Review
from segmenter.frames import Frame
from segmenter.rules import Rules, months_before
from segmenter.texts import Lang


class Analysis(NamedTuple):
    """What the facts tell of the analysis itself."""

    as_of: date | None
    findings: int
    """how many there are"""
    reviews: Sequence[Review]
    """the next ones"""


def blocks(customers: Frame, segments: Frame, rules: Rules, analysis: Analysis, lang: Lang) -> dict[str, Frame]:
    """Every block by table key, columns as in the schema."""
    return {
        "board_facts": _facts(segments, rules, analysis, lang),
        "board_segments": _segments(segments, lang),
        "board_heat": _heat(customers, rules, lang),
        "board_pareto": _pareto(customers),
    }


def _facts(segments: Frame, rules: Rules, analysis: Analysis, lang: Lang) -> Frame:
    day, window = texts.say("cell.missing", lang), ""
    if analysis.as_of:
        day = analysis.as_of.isoformat()
        first = months_before(analysis.as_of, rules.window_months) + timedelta(days=1)
        window = texts.say("board.window_value", lang, start=first, end=analysis.as_of)
    people, amounts, shares = (segments[name] for name in ("customers", "amount", "amount_share"))
    place = {key: n for n, key in enumerate(segments["segment"].tolist())}
    rows: list[tuple[str, object]] = [
        (texts.say("board.as_of", lang), day),
        (texts.say("board.window", lang), window),
        (texts.say("board.customers", lang), int(people.sum())),
        (texts.say("board.amount", lang, months=rules.window_months), float(amounts.sum())),
    ]
    for segment in [s for s in rules.segments if s.key in ("high_value", "at_risk")] or list(rules.segments[:2]):
        name = segment.name[lang]
        rows.append((texts.say("board.high_value", lang, name=name), int(people[place[segment.key]])))
        rows.append((texts.say("board.high_value_share", lang, name=name), float(shares[place[segment.key]])))
    rows.append((texts.say("board.findings", lang), analysis.findings))
    if analysis.reviews:
        rows.append((texts.say("board.reviews", lang), " / ".join(f"{one.due:%m-%d}" for one in analysis.reviews)))
    return Frame.of(rows, ("name", "value"))


def _segments(segments: Frame, lang: Lang) -> Frame:
    """As many rows as the block has; with more segments the last row holds the rest."""
    table = schema.table("board_segments")
    names, *figures = (segments["name" if key == "segment" else key] for key in table.keys)
    over = table.rows - 1
    if len(names) > table.rows:
        names = np.append(names[:over], [texts.say("board.rest", lang)])
        figures = [np.append(one[:over], one[over:].sum()) for one in figures]
    return Frame(dict(zip(table.keys, (names, *figures), strict=True)))


def _heat(customers: Frame, rules: Rules, lang: Lang) -> Frame:
    """Mean M by R bin (rows) and F bin (columns); the first row names the F bins."""
    r_names, f_names = wording.r_bins(rules, lang), wording.f_bins(rules, lang)
    r, f, monetary = (customers[name] for name in ("r_bin", "f_bin", "monetary"))
    known = (r >= 0) & (f >= 0) & ~np.isnan(monetary)
    cell = (r * len(f_names) + f)[known]
    size = len(r_names) * len(f_names)
    counts = np.bincount(cell, minlength=size)
    means = (np.bincount(cell, monetary[known], size) / np.where(counts, counts, np.nan)).reshape(len(r_names), -1)
    columns = schema.table("board_heat").keys
    rows: list[list[object]] = [[None, *f_names]]
    for name, line in zip(r_names, means.tolist(), strict=True):
        rows.append([name, *(None if v != v else round(v, 2) for v in line)])
    return Frame.of([row + [None] * (len(columns) - len(row)) for row in rows], columns)


def _pareto(customers: Frame) -> Frame:
    """Tenths of the customers from the dearest down: what each brings, and all so far."""
    amounts = np.sort(np.clip(np.nan_to_num(customers["monetary"]), 0, None))[::-1]
    cumulative = np.concatenate([[0.0], np.cumsum(amounts)])
    edges = [round(len(amounts) * tenth / 10) for tenth in range(11)]
    total = cumulative[-1] or 1.0
    reached = cumulative[edges]
    return Frame(
        {"customer_share": np.arange(1, 11) / 10, "amount": np.diff(reached), "amount_share": reached[1:] / total}
    )
