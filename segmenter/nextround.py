"""What table 3 aims at, whether it is reached, and what to do next: `goals` and `proposals` over one analysis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from segmenter import frames, schema, wording
from segmenter.advice import Proposal, Review
from segmenter.books import Grid
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import intake, planning
from segmenter.reading.targets import Tracked
from segmenter.rules import Rules
from segmenter.steps import goals, history, metrics, proposals
from segmenter.steps.metrics import Data, Line
from segmenter.texts import Lang
from segmenter.timeline import Followed

if TYPE_CHECKING:
    from segmenter.steps.labels import Facets


class Ahead(NamedTuple):
    """Table 3 with what its targets came to, and the fields of `Result` of the same names."""

    strategy: Frame
    tracked: tuple[Tracked, ...]
    proposals: tuple[Proposal, ...]
    reviews: tuple[Review, ...]
    findings: tuple[Finding, ...]
    extra: Mapping[str, Frame]
    reach: Mapping[str, tuple[int, int]] | None


def stood(grid: Grid | None) -> dict[int, dict[str, Any]]:
    """Table 3 as it stands: cells by field key, by the number of their row on the sheet; rows without a segment left
    out, totals and signatures, which are nobody's and stay as they are; numbers and dates stay what they are."""
    if grid is None:
        return {}
    rows, found = intake.typed_columns(grid, schema.STRATEGY)
    blank = [None] * len(rows)
    keys = schema.STRATEGY.keys
    cells = zip(*(found.get(key, blank) for key in keys), strict=True)
    stood = {row: dict(zip(keys, line, strict=True)) for row, line in zip(rows, cells, strict=True)}
    return {row: line for row, line in stood.items() if _names(line["segment"])}


def _names(cell: Any) -> bool:
    """Whether a cell is the name of a group."""
    if cell is None or not schema.fold(cell):
        return False
    return not (isinstance(cell, str) and (schema.says_total(cell) or schema.is_signature(cell)))


def look(
    planned: Iterable[Mapping[str, Any]],
    where: goals.Where,
    activity: Grid | None,
    data: Data,
    advice: Iterable[Finding],
    followed: Followed,
    facets: Facets | None,
    lang: Lang,
) -> Ahead:
    """`planned`, `advice`: `plan.merge`; `data` without contacts, history and last analysis, which `followed` has."""
    rules, as_of = data.rules, data.as_of
    contacts, logged = metrics.log(activity, as_of)
    past = remembered(followed.history, rules)
    before = followed.migration.before if followed.migration else None
    data = data._replace(contacts=contacts, lines=past, earlier=members(followed.state, before, rules))
    rows, tracks = goals.track(planned, data, lang, where)
    people = [planning.owners_of(row["owner"]) for row in rows]
    first = min((one.as_of for one in past), default=None)
    clocks = proposals.reviews(rules, as_of, first)
    proposed = [
        *proposals.propose(rows, tracks.tracked, advice, clocks, rules, people),
        *proposals.from_campaigns(contacts, rules),
        *proposals.from_data(data.customers, data.ordered, as_of, rules),
        *proposals.from_dimensions(_separations(facets, followed.history, rules, as_of), rules),
    ]
    extra = {"proposals": proposals.to_frame(proposed, lang)} if proposed else {}
    vague = goals.smart(rules, [one for row in people for one in row], schema.SETTINGS.sheet[lang])
    return Ahead(
        Frame.of([[row[key] for key in schema.STRATEGY.keys] for row in rows], schema.STRATEGY.keys),
        tracks.tracked,
        tuple(proposed),
        clocks,
        (*logged, *tracks.findings, *vague),
        extra,
        metrics.campaign(data),
    )


def _separations(
    facets: Facets | None, lines: Frame, rules: Rules, as_of: date | None
) -> Iterator[tuple[Mapping[str, str], list[tuple[date, float]]]]:
    """Name and past of each core dimension that enough customers have a level of."""
    if facets is None or as_of is None or lines.empty:
        return
    for one in facets.core:
        if one.known >= rules.segment_size_min:
            yield one.dimension.name, history.separations(lines, one.dimension, rules, as_of)


def remembered(lines: Frame, rules: Rules) -> list[Line]:
    """The lines of 细分历史; those without a day or of a segment the rules no longer have are left out."""
    if lines.empty:
        return []
    keys = wording.segment_keys(rules)
    found = []
    for day, line in zip(history.days(lines), lines.records(), strict=True):
        key = keys.get(schema.fold(line["segment"]))
        if day and key:
            found.append(Line(day, key, line))
    return found


def members(state: Frame | None, day: date | None, rules: Rules) -> Frame | None:
    """Who was in which segment at the analysis of `day`: key, segment (key), as_of; `state`: `migration.standing`."""
    if state is None or day is None:
        return None
    keys = wording.segment_keys(rules)
    codes, distinct = frames.distinct(state["segment"])
    named = np.array([keys.get(schema.fold(name), "") for name in distinct], dtype=object)
    then = np.full(len(state), np.datetime64(day, "s"))
    return Frame({"key": state["key"], "segment": named[codes], "as_of": then})
