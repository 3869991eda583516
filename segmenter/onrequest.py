"""What a setting asks for beside the segments: dimensions, clusters, what customers are worth.

Each part gives its result, what was found, and rows of optional tables by key. What a part needs is imported when it is
asked for: most workbooks ask for none, and importing is a good share of the time one small workbook takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmenter import grouping, texts
from segmenter.books import Grid
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.rules import Rules
from segmenter.texts import Lang

if TYPE_CHECKING:
    from pandas import DataFrame

    from segmenter.steps.clusters import Clustered
    from segmenter.steps.labels import Facets
    from segmenter.steps.valuation import Value

T = TypeVar("T")
Part = tuple[T, Sequence[Finding], dict[str, Frame]]


def dimensions(
    grids: Mapping[str, Grid | None],
    customers: Frame,
    typed_ages: NDArray[np.float64] | None,
    rules: Rules,
    names: Mapping[str, str],
    groups: Mapping[str, str],
    as_of: date | None,
    lang: Lang,
) -> Part[Facets]:
    """Labels of the customers in the core dimensions. `grids`: the sheets customers, dimensions, survey; `typed_ages`:
    the customers' ages as they stood before missing ones were filled; `names`, `groups`: as `facets.tables` takes
    them."""
    from segmenter import catalogue, facets

    people = customers if typed_ages is None else customers.assign(age=typed_ages)
    found, findings = facets.find(grids, people, rules, as_of)
    tables = facets.tables(found, people, names, groups, lang)
    if grids["dimensions"] is None:
        tables["dimensions"] = catalogue.to_frame(facets.chosen_from(None, rules), lang)
    return found, findings, tables


def clusters(
    customers: Frame,
    labels: Frame | None,
    rules: Rules,
    names: Mapping[str, str],
    groups: Mapping[str, str],
    lang: Lang,
) -> Part[Clustered]:
    """Groups that the data themselves show. `labels`: the rows of the sheet of labels so far, one a customer; `names`,
    `groups`: as `facets.tables` takes them."""
    from segmenter.steps import clusters, cross

    people = customers.pandas
    found = clusters.find(people, rules)
    tables = _frames(clusters.tables(people, found, rules, names, lang))
    if not found.centres.empty:
        if labels is None:
            group = people["segment"].map(lambda key: names[groups.get(key, key)]).to_numpy(object)
            labels = cross.labels_frame((), customers, people["segment"].map(names).to_numpy(object), group, lang)
        number = found.number.map(clusters.shown(found, rules, lang)).fillna(texts.say("cluster.none", lang))
        tables["labels"] = labels.assign(cluster=number.to_numpy(object))
    return found, found.findings, tables


def value(
    customers: Frame,
    ordered: Frame | None,
    rules: Rules,
    names: Mapping[str, str],
    as_of: date | None,
    lang: Lang,
) -> Part[Value | None]:
    """What each customer is expected to buy, from their orders; None where there are none."""
    if ordered is None or ordered.empty or as_of is None:
        return None, [Finding("value_no_orders")], {}
    from segmenter.steps import orders, valuation

    own = orders.whole(ordered.at(grouping.places(ordered["key"], customers["key"]) >= 0))
    found = valuation.estimate(own.pandas, as_of, rules.value_months)
    tables = valuation.tables(customers.pandas, found, rules.value_months, names, lang)
    return found, found.findings, _frames(tables)


def _frames(tables: Mapping[str, DataFrame]) -> dict[str, Frame]:
    return {key: Frame.from_pandas(table) for key, table in tables.items()}
