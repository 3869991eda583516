"""What table 3 aims at, whether it is reached, and what to do next: `goals` and `proposals` over one analysis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter import schema, wording
from segmenter.advice import Proposal, Review
from segmenter.books import Grid
from segmenter.findings import Finding
from segmenter.reading import planning
from segmenter.reading.targets import Tracked
from segmenter.rules import Rules
from segmenter.steps import goals, history, metrics, proposals
from segmenter.steps.metrics import Data
from segmenter.texts import LANGS, Lang
from segmenter.timeline import Followed

if TYPE_CHECKING:
    from segmenter.steps.labels import Facets


@dataclass(frozen=True)
class Ahead:
    """Table 3 with what its targets came to, and the fields of `Result` of the same names."""

    strategy: DataFrame
    tracked: tuple[Tracked, ...]
    proposals: tuple[Proposal, ...]
    reviews: tuple[Review, ...]
    findings: tuple[Finding, ...]
    extra: Mapping[str, DataFrame]
    reach: DataFrame | None


def look(
    strategy: DataFrame,
    where: goals.Where,
    activity: Grid | None,
    data: Data,
    advice: Iterable[Finding],
    followed: Followed,
    facets: Facets | None,
    lang: Lang,
) -> Ahead:
    """`strategy`, `advice`: `plan.merge`; `data` without contacts, history and last analysis, which `followed` has."""
    rules, as_of = data.rules, data.as_of
    contacts, logged = metrics.log(activity, as_of)
    past = remembered(followed.history, rules)
    before = followed.migration.before if followed.migration else None
    data = replace(data, contacts=contacts, lines=past, earlier=members(followed.state, before, rules))
    strategy, tracks = goals.track(strategy, data, lang, where)
    people = [planning.owners_of(cell) for cell in strategy["owner"]]
    first = past["as_of"].min().date() if len(past) else None
    clocks = proposals.reviews(rules, as_of, first)
    proposed = [
        *proposals.propose(strategy, tracks.tracked, advice, clocks, rules, people),
        *proposals.from_campaigns(contacts, rules),
        *proposals.from_data(data.customers, data.ordered, as_of, rules),
        *proposals.from_dimensions(_separations(facets, followed.history, rules, as_of), rules),
    ]
    extra = {"proposals": proposals.to_frame(proposed, lang)} if proposed else {}
    vague = goals.smart(rules, [one for row in people for one in row], schema.SETTINGS.sheet[lang])
    return Ahead(
        strategy,
        tracks.tracked,
        tuple(proposed),
        clocks,
        (*logged, *tracks.findings, *vague),
        extra,
        metrics.campaign(data),
    )


def _separations(
    facets: Facets | None, lines: DataFrame, rules: Rules, as_of: date | None
) -> Iterator[tuple[Mapping[str, str], list[tuple[date, float]]]]:
    """Name and past of each core dimension that enough customers have a level of."""
    if facets is None or as_of is None or lines.empty:
        return
    for one in facets.core:
        if one.known >= rules.segment_size_min:
            yield one.dimension.name, history.separations(lines, one.dimension, rules, as_of)


def remembered(lines: DataFrame, rules: Rules) -> DataFrame:
    """The lines of 细分历史 as numbers: as_of (datetime64), segment (key), and every metric it holds; lines without a
    day or of a segment the rules no longer have are left out."""
    columns = [key for key in metrics.MEASURES if key in lines]
    if lines.empty:
        return DataFrame({"as_of": pd.Series(dtype="datetime64[s]"), "segment": [], **{key: [] for key in columns}})
    keys = {schema.fold(name): key for lang in LANGS for key, name in wording.segment_names(rules, lang).items()}
    keys |= {schema.fold(alias): one.key for one in rules.segments for alias in one.aliases}
    found = DataFrame(
        {
            "as_of": pd.to_datetime(pd.Series(history.days(lines), lines.index, dtype=object)),
            "segment": [keys.get(schema.fold(name)) for name in lines["segment"]],
            **{key: pd.to_numeric(lines[key], errors="coerce") for key in columns},
        }
    )
    return found.dropna(subset=["as_of", "segment"])


def members(state: DataFrame | None, day: date | None, rules: Rules) -> DataFrame | None:
    """Who was in which segment at the analysis of `day`: key, segment (key), as_of; `state`: `migration.standing`."""
    if state is None or day is None:
        return None
    keys = {schema.fold(name): key for lang in LANGS for key, name in wording.segment_names(rules, lang).items()}
    codes, distinct = pd.factorize(state["segment"].to_numpy(object))
    named = np.array([keys.get(schema.fold(name), "") for name in distinct], dtype=object)
    return DataFrame({"key": state.index.to_numpy(object), "segment": named[codes], "as_of": pd.Timestamp(day)})
