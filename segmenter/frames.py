"""Frames of a few rows: one array of objects made in one go, at a third of what a frame made of rows costs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame


def of(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> DataFrame:
    """The frame of `rows`, every cell as it is."""
    cells = np.empty((len(rows), len(columns)), dtype=object)
    if rows:
        cells[:] = rows
    return DataFrame(cells, columns=_index(*columns), dtype=object, copy=False)


@cache
def _index(*columns: str) -> pd.Index:
    return pd.Index(columns)
