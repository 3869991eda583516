"""A table as the steps pass it on: columns of one length by name.

Importing pandas takes longer than filling a small workbook, and making one of its frames longer than most steps take.
So the steps reckon in arrays (`grouping` for what belongs together), and only what few workbooks ask for - duplicates
merged, clusters, customer value - or what is written for people takes the pandas frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DataFrame

Places = NDArray[np.intp] | NDArray[np.bool_] | Sequence[int]
"""positions of rows, or which rows"""
_MANY: Final = 1 << 18
"""values from which finding the distinct ones is worth importing pandas"""


class Frame:
    """Columns by name: 1-D arrays (float64 with NaN for nothing known, datetime64[s], bool, whole numbers, objects), or
    `phrases.Phrases` where an array of texts would be large. `index`: a whole number a row, mostly its row on the
    sheet."""

    def __init__(self, columns: Mapping[str, Any], index: NDArray[np.integer[Any]] | None = None) -> None:
        self._columns = dict(columns)
        if index is None:
            index = np.arange(len(next(iter(self._columns.values()), ())))
        self.index = index
        if any(len(column) != len(index) for column in self._columns.values()):
            raise ValueError("columns of several lengths")

    @classmethod
    def of(
        cls, rows: Sequence[Sequence[Any]], columns: Sequence[str], index: NDArray[np.integer[Any]] | None = None
    ) -> Frame:
        """The frame of a few `rows`, every cell as it is."""
        cells = np.empty((len(rows), len(columns)), dtype=object)
        if rows:
            cells[:] = rows
        return cls(dict(zip(columns, cells.T, strict=True)), np.arange(len(rows)) if index is None else index)

    @classmethod
    def of_records(cls, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Frame:
        """The same of rows that say what they have by name; NaN where one has nothing."""
        return cls.of([[row.get(name, np.nan) for name in columns] for row in rows], columns)

    @classmethod
    def from_pandas(cls, frame: DataFrame) -> Frame:
        """The same as arrays; texts and categories are objects."""
        kept = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.bool_, "M": "datetime64[s]"}
        columns = {}
        for name, column in frame.items():
            kind = kept.get(column.dtype.kind, object) if isinstance(column.dtype, np.dtype) else object
            columns[str(name)] = column.to_numpy(kind)
        whole = frame.index.dtype.kind in "iu"
        return cls(columns, frame.index.to_numpy() if whole else np.arange(len(frame)))

    @cached_property
    def pandas(self) -> DataFrame:
        """The same as a DataFrame, which shares the arrays; index name "row"."""
        import pandas as pd

        index = pd.Index(self.index, name="row")
        columns = {}
        for name, column in self._columns.items():
            cells = np.asarray(column)
            plain = cells.dtype == object  # pandas would look for texts of its own among them
            columns[name] = pd.Series(cells, index=index, dtype=object, copy=False) if plain else cells
        return pd.DataFrame(columns, index=index, copy=False)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return not len(self.index)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Any:
        """A column: see the class."""
        return self._columns[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A column, `default` where there is none of that name."""
        return self._columns.get(name, default)

    def assign(self, **columns: Any) -> Frame:
        """With further columns, or others in place of those of the same name."""
        return Frame({**self._columns, **columns}, self.index)

    def drop(self, *names: str) -> Frame:
        """Without some columns."""
        return Frame({name: column for name, column in self._columns.items() if name not in names}, self.index)

    def at(self, rows: Places) -> Frame:
        """Only some rows, in the order of `rows` where these are positions."""
        places = np.asarray(rows, dtype=None if len(rows) else np.intp)
        return Frame({name: column[places] for name, column in self._columns.items()}, self.index[places])

    def records(self) -> list[dict[str, Any]]:
        """Every row as name -> value, in Python's own types."""
        columns = [column.tolist() for column in self._columns.values()]
        return [dict(zip(self._columns, row, strict=True)) for row in zip(*columns, strict=True)]


def distinct(values: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """A column as codes into its distinct values, which come in the order they are first met; -1: None or NaN."""
    if len(values) >= _MANY:
        import pandas as pd

        codes, found = pd.factorize(values)
        return codes, found
    cells = values.tolist()
    known = [value for value in dict.fromkeys(cells) if value is not None and value == value]
    places = dict(zip(known, range(len(known)), strict=True))
    found = np.empty(len(known), dtype=values.dtype)
    found[:] = known
    return np.array([places.get(value, -1) for value in cells], dtype=np.intp), found


def told(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a typed column says anything: no "", None, NaN or NaT."""
    if column.dtype.kind == "O":
        return np.array([one is not None and one == one and one != "" for one in column.tolist()], dtype=bool)
    return np.asarray(~np.isnan(column), dtype=bool)
