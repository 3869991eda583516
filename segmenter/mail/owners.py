"""Who looks after which segments, by table 3; and an owner's part of a result."""

from __future__ import annotations

import numpy as np

from segmenter import schema
from segmenter.mail import addresses
from segmenter.reading import planning
from segmenter.reports import changes
from segmenter.result import Result


def of(result: Result) -> list[str]:
    """The people in table 3, in their order, each once."""
    found: dict[str, str] = {}
    for cell in result.strategy["owner"]:
        for one in planning.owners_of(cell):
            found.setdefault(addresses.fold(one), one.lstrip("*＊"))
    return list(found.values())


def part(result: Result, owner: str) -> Result:
    """What of a result is this owner's: the segments of their rows in table 3, and nobody else's figures. Without
    customers where nobody is in them."""
    mine = addresses.fold(owner)
    theirs = [any(addresses.fold(one) == mine for one in planning.owners_of(cell)) for cell in result.strategy["owner"]]
    rows = result.strategy.at(theirs)
    places = {row: place for place, row in enumerate(row for row, one in enumerate(theirs) if one)}
    named = result.rules.named
    keys = {one.key for name in rows["segment"] if (one := named.get(schema.fold(name)))}
    names = [one.name for one in result.rules.segments if one.key in keys]
    customers, segments = (one.at(np.isin(one["segment"], [*keys])) for one in (result.customers, result.segments))
    return result._replace(
        customers=customers,
        segments=segments,
        migration=changes.of(result.migration, {str(one) for one in segments["name"]}),
        strategy=rows,
        findings=(),
        rows_in=len(customers),
        rows_used=len(customers),
        rows_excluded=0,
        excluded={},
        tracked=tuple(one._replace(row=places[one.row]) for one in result.tracked if one.row in places),
        proposals=tuple(one for one in result.proposals if one.segment in names),
        clustered=None,
        valued=None,
        facets=None,
        extra={},
    )
