"""What a scan of a sheet finds, column by column, and a `Grid` of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from segmenter import frames
from segmenter.books import Grid

_FEW: Final = 64
"""so many values other than numbers are kept one by one"""
_DAY_MS: Final = 86_400_000
_LAST: Final = 2_958_466.0
"""days from 1900 to the end of 9999, where dates end"""


class Column:
    """The values of one column as they come: numbers, codes of shared strings, anything else."""

    def __init__(self, texts: Callable[[NDArray[np.int32]], NDArray[Any]], date1904: bool) -> None:
        self._texts = texts
        self._date1904 = date1904
        self._numbers: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        self._codes: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
        self._days: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        self._objects: list[tuple[NDArray[np.int64], NDArray[Any]]] = []

    def add_numbers(self, rows: NDArray[np.int64], values: NDArray[np.float64], shows_days: bool) -> None:
        """Take numbers; NaN is an empty cell. With `shows_days` their format shows them as days."""
        (self._days if shows_days else self._numbers).append((rows, values))

    def add_codes(self, rows: NDArray[np.int64], codes: NDArray[np.int64]) -> None:
        """Take shared strings by their place."""
        self._codes.append((rows, codes.astype(np.int32)))

    def add_objects(self, rows: NDArray[np.int64], values: list[Any]) -> None:
        """Take values of any other kind."""
        found = np.empty(len(values), dtype=object)
        found[:] = values
        self._objects.append((rows, found))

    def held(self, height: int) -> Held:
        """The whole column."""
        numbers = np.full(height, np.nan) if self._numbers else None
        for rows, values in self._numbers:
            if numbers is not None:
                numbers[rows] = values
        others = [*self._objects]
        for pairs, said in ((self._codes, self._texts), (self._days, partial(days, date1904=self._date1904))):
            if pairs:
                rows, values = (np.concatenate(each) for each in zip(*pairs, strict=True))
                places, distinct = frames.distinct(values)  # NaN: -1, the last
                others.append((rows, np.concatenate([said(distinct), [None]])[places]))
        if sum(len(rows) for rows, _ in others) <= _FEW:
            return Held(numbers, None, {row: one for pair in others for row, one in zip(*map(list, pair), strict=True)})
        found = np.full(height, None, dtype=object)
        if numbers is not None:
            there = ~np.isnan(numbers)
            found[there] = numbers[there].astype(object)
        for rows, objects in others:
            found[rows] = objects
        return Held(None, found, {})


class Held(NamedTuple):
    """A column in one of two forms: numbers (NaN where there is none) with a few other values over them, as a header
    is; or objects."""

    numbers: NDArray[np.float64] | None
    objects: NDArray[Any] | None
    few: Mapping[int, Any]

    def at(self, row: int) -> Any:
        """The value in a row."""
        if self.objects is not None:
            return self.objects[row]
        number = np.nan if self.numbers is None else float(self.numbers[row])
        return self.few.get(row, None if number != number else number)

    def values(self, start: int, end: int) -> NDArray[Any]:
        """The values of rows `start`..`end - 1`: float64 (NaN where empty) when all are numbers, otherwise objects."""
        if self.objects is not None:
            found = self.objects[start:end]
            only = all(value is None or type(value) is float for value in found)
            return np.array(found, dtype=np.float64) if only else found
        nothing = np.broadcast_to(np.nan, max(end - start, 0))  # takes no memory
        numbers = nothing if self.numbers is None else self.numbers[start:end]
        over = {row - start: value for row, value in self.few.items() if start <= row < end and value is not None}
        if not over:
            return numbers
        found = numbers.astype(object)
        found[np.isnan(numbers)] = None
        for row, value in over.items():
            found[row] = value
        return found


def at(columns: Mapping[int, Held], column: int, row: int) -> Any:
    """What stands in a row of a column, None where nothing does."""
    return columns[column].at(row) if column in columns else None


def down(columns: Mapping[int, Held], column: int, start: int, end: int) -> Iterable[Any]:
    """What stands in the rows `start`..`end - 1` of a column."""
    return columns[column].values(start, end) if column in columns else ()


def days(values: NDArray[np.float64], date1904: bool) -> NDArray[Any]:
    """Numbers as the days (whole ones) or moments they stand for, to the millisecond; None for NaN. What is no day
    (below 1: a time, a mistake) stays a number."""
    moments = values + 1462 if date1904 else np.where((values >= 1) & (values < 60), values + 1, values)
    found = np.empty(len(values), dtype=object)
    found[:] = [*map(_day, values.tolist(), moments.tolist())]
    return found


def _day(value: float, moment: float) -> date | float:
    if not 1 <= value < _LAST:
        return value
    when = datetime(1899, 12, 30) + timedelta(milliseconds=round(moment * _DAY_MS))
    return when.date() if value.is_integer() else when


class Rows(Sequence[list[Any]]):
    """The columns seen as rows, each made when it is asked for."""

    def __init__(self, columns: Mapping[int, Held], height: int) -> None:
        self.columns = columns
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
        for number, column in self.columns.items():
            found[number] = column.at(place % self._height)
        return found

    def __iter__(self) -> Iterator[list[Any]]:
        return (self[place] for place in range(self._height))


class ScannedGrid(Grid):
    """A grid whose columns are there as arrays."""

    rows: Rows

    def column(self, column: int, start: int) -> NDArray[Any]:
        """See `Grid.column`."""
        found = self.rows.columns.get(column, Held(None, None, {}))
        return found.values(start, self.height)
