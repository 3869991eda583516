"""What a scan of a sheet finds, column by column, and a `Grid` of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from segmenter.books import Grid

_DAY_MS: Final = 86_400_000
_LAST: Final = 2_958_466.0
"""days from 1900 to the end of 9999, where dates end"""


class Column:
    """The values of one column as they come: numbers, codes of shared strings, anything else."""

    def __init__(self, strings: Sequence[str], date1904: bool) -> None:
        self._strings = strings
        self._date1904 = date1904
        self._numbers: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        self._codes: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self._objects: list[tuple[NDArray[np.int64], NDArray[Any]]] = []

    def add_numbers(self, rows: NDArray[np.int64], values: NDArray[np.float64], shows_days: bool) -> None:
        """Take numbers; NaN is an empty cell. With `shows_days` their format shows them as days."""
        if shows_days:
            self._objects.append((rows, days(values, self._date1904)))
        else:
            self._numbers.append((rows, values))

    def add_codes(self, rows: NDArray[np.int64], codes: NDArray[np.int64]) -> None:
        """Take shared strings by their place."""
        self._codes.append((rows, codes))

    def add_objects(self, rows: NDArray[np.int64], values: list[Any]) -> None:
        """Take values of any other kind."""
        found = np.empty(len(values), dtype=object)
        found[:] = values
        self._objects.append((rows, found))

    def parts(self) -> list[tuple[NDArray[np.int64], NDArray[Any]]]:
        """The values as they came, with their rows."""
        texts = [(rows, np.array([*map(self._strings.__getitem__, codes), None])[:-1]) for rows, codes in self._codes]
        return [*self._numbers, *texts, *self._objects]

    def values(self, height: int) -> NDArray[Any]:
        """The whole column: float64 (NaN where empty) when there are only numbers, otherwise objects."""
        if not self._codes and not self._objects:
            numbers = np.full(height, np.nan)
            for rows, values in self._numbers:
                numbers[rows] = values
            return numbers
        found = np.full(height, None, dtype=object)
        for rows, values in self._numbers:
            there = ~np.isnan(values)
            found[rows[there]] = values[there].astype(object)
        table = np.array([one or None for one in self._strings], dtype=object) if self._codes else None
        for rows, codes in self._codes:
            found[rows] = table[codes] if table is not None else None
        for rows, objects in self._objects:
            found[rows] = objects
        return found


def days(values: NDArray[np.float64], date1904: bool) -> NDArray[Any]:
    """Numbers as the days (whole ones) or moments they stand for, to the millisecond; None for NaN. What is no day
    (below 1: a time, a mistake) stays a number."""
    values, places = np.unique(values, return_inverse=True)
    found = np.empty(len(values), dtype=object)
    moments = values + 1462 if date1904 else np.where((values >= 1) & (values < 60), values + 1, values)
    for place, (value, moment) in enumerate(zip(values.tolist(), moments.tolist(), strict=True)):
        if value != value:
            found[place] = None
        elif not 1 <= value < _LAST:
            found[place] = value
        else:
            when = datetime(1899, 12, 30) + timedelta(milliseconds=round(moment * _DAY_MS))
            found[place] = when.date() if value.is_integer() else when
    return found[places]


class Rows(Sequence[list[Any]]):
    """The columns seen as rows, each made when it is asked for."""

    def __init__(self, columns: Mapping[int, NDArray[Any]], height: int) -> None:
        self._columns = columns
        self._height = height
        self._width = max(columns, default=-1) + 1

    def __len__(self) -> int:
        return self._height

    @overload
    def __getitem__(self, place: int) -> list[Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[list[Any]]: ...
    def __getitem__(self, place: int | slice) -> list[Any] | list[list[Any]]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(self._height))]
        if not -self._height <= place < self._height:
            raise IndexError(place)
        found: list[Any] = [None] * self._width
        for number, values in self._columns.items():
            value = values[place]
            if isinstance(value, np.floating):
                value = None if np.isnan(value) else float(value)
            found[number] = value
        return found

    def __iter__(self) -> Iterator[list[Any]]:
        return (self[place] for place in range(self._height))


@dataclass(frozen=True)
class ScannedGrid(Grid):
    """A grid whose columns are there as arrays."""

    columns: Mapping[int, NDArray[Any]] = field(default_factory=dict)
    formulas: bool = False
    """whether a cell has a formula"""

    def column(self, column: int, start: int) -> NDArray[Any]:
        """See `Grid.column`."""
        found = self.columns.get(column)
        if found is None:
            return np.full(max(self.height - start, 0), np.nan)
        values = found[start : self.height]
        if values.dtype == object and all(value is None or type(value) is float for value in values):
            return np.array(values, dtype=np.float64)
        return values
