"""Frames without what pandas does unasked: looking for texts of its own among objects, copying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame


def whole(columns: Mapping[str, NDArray[Any]], index: pd.Index) -> DataFrame:
    """The frame of these columns, which are not copied."""
    plain = {
        key: pd.Series(cells, index=index, dtype=object, copy=False) if cells.dtype == object else cells
        for key, cells in columns.items()
    }
    return DataFrame(plain, index=index, copy=False)


def of(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> DataFrame:
    """The frame of a few `rows`, every cell as it is: one array made in one go, at a third of what pandas takes."""
    cells = np.empty((len(rows), len(columns)), dtype=object)
    if rows:
        cells[:] = rows
    return DataFrame(cells, columns=_index(*columns), dtype=object, copy=False)


@cache
def _index(*columns: str) -> pd.Index:
    return pd.Index(columns)
