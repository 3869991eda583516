"""The core dimensions of an analysis, put together: what the optional sheets 客户标签, 交叉分析 and 客户画像 say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter import catalogue, cells, frames, schema, texts
from segmenter.books import Grid
from segmenter.catalogue import Catalogue
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import headers, intake, survey, values
from segmenter.rules import Rules
from segmenter.steps import cross, personas
from segmenter.steps.dimensions import Labeller
from segmenter.steps.labels import Agreement, Facets
from segmenter.texts import Lang


def chosen_from(grid: Grid | None, rules: Rules) -> Catalogue:
    """The shipped dimensions, those of the 维度 sheet over them, those of the rules over both."""
    found = catalogue.shipped()
    if grid is not None:
        column = headers.locate(grid, schema.DIMENSIONS).columns["condition"]
        frame = intake.as_typed(grid, schema.DIMENSIONS)
        typed = [{one.key: _text(row.get(one.key)) for one in schema.DIMENSIONS.fields} for row in frame.records()]
        places = {i: cells.address(int(row) - 1, column) for i, row in enumerate(frame.index)}
        found = found.with_own(catalogue.from_rows(typed, grid.sheet, places))
    return found.with_own(rules.own_dimensions)


def _text(value: Any) -> str:
    return "" if values.is_empty(value) else str(value).strip()


def find(
    grids: Mapping[str, Grid | None],
    customers: Frame,
    rules: Rules,
    as_of: date | None,
) -> tuple[Facets, list[Finding]]:
    """The labels of `customers` (as in `Result`) in the core dimensions of `rules` and in those of personas, and what
    was found. `grids`: the sheets customers, dimensions, survey."""
    known = chosen_from(grids["dimensions"], rules)
    chosen = known.chosen(rules.dimensions)
    portrait = [known.dimensions[key] for key in ("sex", *sum(personas.PARTS.values(), ()))]
    pairs = [(one, known.dimensions[one["answer"]], known.dimensions[one["behaviour"]]) for one in known.agreements]
    province = known.dimensions["province"]
    extra = [known.dimensions["product"]] if rules.product_owners else []
    all_of = [*chosen, *portrait, *extra, province, *(one for pair in pairs for one in pair[1:])]
    more, findings = _more(grids, customers, catalogue.needed(all_of, known))
    label = Labeller(customers, known, more, as_of).label
    core = tuple(map(label, chosen))
    strengths = cross.separation(core, customers["segment"])
    found = Facets(
        core=core,
        portrait={one.key: label(one) for one in portrait},
        agreements=tuple(Agreement(one["name"], label(a), label(b), one["agree"]) for one, a, b in pairs),
        provinces=label(province._replace(every=True)),
        separation=strengths,
        sellers=_sellers(more.get("product_interest"), rules) if rules.product_owners else None,
    )
    return found, [*findings, *cross.advice(core, strengths, rules)]


def tables(
    found: Facets, customers: Frame, names: Mapping[str, str], groups: Mapping[str, str], lang: Lang
) -> dict[str, Frame]:
    """Rows of the optional tables by key. `names`: segment key -> name in order; `groups`: key of a segment too small
    -> key of the one it is proposed to join."""
    codes, keys = frames.distinct(customers["segment"])
    own = np.array([names[key] for key in keys], dtype=object)[codes]
    group = np.array([names[groups.get(key, key)] for key in keys], dtype=object)[codes]
    labels = cross.labels_frame(found.core, customers, own, group, lang)
    by_key = {**found.portrait, **{one.dimension.key: one for one in found.core}}
    split = [one.dimension.key for one in found.core]
    return {
        "labels": labels if found.sellers is None else labels.assign(seller=np.array(found.sellers, dtype=object)),
        "cross": cross.table(found.core, found.agreements, customers["segment"], names, lang),
        "personas": personas.table(by_key, split, customers, names, texts.load("strategies.toml"), lang),
    }


def _more(
    grids: Mapping[str, Grid | None],
    customers: Frame,
    fields: Mapping[str, schema.Field],
) -> tuple[Frame, list[Finding]]:
    """Columns that only dimensions read, on the rows of `customers`: beside table 1, then the survey."""
    unknown = {key: one for key, one in fields.items() if key not in {f.key for f in schema.CUSTOMERS.fields}}
    grid, asked = grids["customers"], grids["survey"]
    more, findings = Frame({}, customers.index), []
    if grid is not None:
        found, odd = survey.beside(grid, schema.CUSTOMERS, unknown)
        more = found.at(np.searchsorted(found.index, customers.index))
        findings += survey.unreadable(odd, unknown, grid.sheet)
    if asked is not None:
        answers, odd_answers = survey.answers(asked, fields, customers)
        findings += odd_answers
        for key in answers:
            typed = more.get(key, np.full(len(more), "", dtype=object))
            more = more.assign(**{key: np.where(frames.told(typed), typed, answers[key])})
    return more, findings


def _sellers(interest: NDArray[Any] | None, rules: Rules) -> list[str] | None:
    """Who sells the product each customer is interested in (002-29)."""
    if interest is None:
        return None
    owners = {schema.fold(p): who.strip() for p, _, who in (one.partition("=") for one in rules.product_owners)}
    return [
        next((who for p, who in owners.items() if p in schema.fold(one)), "") for one in map(_text, interest.tolist())
    ]
