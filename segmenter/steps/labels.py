"""What a dimension makes of the customers: their texts as codes, their levels as codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segmenter.catalogue import Dimension, Level

Mask = NDArray[np.bool_]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Words:
    """A column of texts: codes into its distinct values, -1 where nothing stands."""

    codes: Codes
    distinct: tuple[str, ...]
    names: Mapping[str, Mapping[str, str]]
    """value -> name by language, for values of a choice list"""

    def where(self, test: Callable[[str], bool]) -> Mask:
        """Which customers have a value that passes."""
        passed = np.array([*map(test, self.distinct), False], dtype=bool)
        found: Mask = passed[self.codes]
        return found


@dataclass(frozen=True)
class Labels:
    """One dimension's level of every customer: position in `levels`, -1 where there is no data."""

    dimension: Dimension
    levels: tuple[Level, ...]
    codes: NDArray[np.int8]

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """Customers of every level."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels))

    @property
    def known(self) -> int:
        """Customers who have a level."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class Agreement:
    """What people say and what they do, and the pairs of level names that agree."""

    name: Mapping[str, str]
    answer: Labels
    behaviour: Labels
    agree: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Facets:
    """The labels of an analysis: of the core dimensions, and by key of all that personas are made of."""

    core: tuple[Labels, ...]
    portrait: Mapping[str, Labels]
    agreements: tuple[Agreement, ...]
    provinces: Labels
    separation: Mapping[str, float]
    """Cramér's V of each core dimension with data against the segments, by key (`cross.separation`)"""
    sellers: Sequence[str] | None = None
    """who sells each customer's product of interest (item 002-29)"""
