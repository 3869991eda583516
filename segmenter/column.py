"""One column of cells: what stands in it, value by value, and what became of it when it was read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Ambiguous(Exception):
    """Two readings of a column are plausible; `positions` are two cells that show it."""

    def __init__(self, key: str, positions: Sequence[int]) -> None:
        super().__init__(key)
        self.key = key
        self.positions = tuple(positions)


@dataclass(frozen=True)
class Column:
    """One column read."""

    values: NDArray[Any]
    problems: Mapping[int, str] = field(default_factory=dict)
    """position -> finding code of a cell that holds something, but nothing we can use; its value is empty"""
    notes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """finding code -> (first position, count) of cells that were read, but not as they stand"""


def plain(text: str) -> str:
    """NFKC, without outer blanks and without characters that cannot be seen."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if not text.isprintable():
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return text.strip()


def is_empty(value: object) -> bool:
    """Whether a cell holds nothing anybody can see."""
    return not plain(value) if isinstance(value, str) else value is None or value != value


@dataclass(frozen=True)
class Distinct:
    """A column as codes into its distinct values (-1: nothing there), so that each value is read once. True and 1
    are two values."""

    codes: NDArray[np.intp]
    values: list[Any]

    @classmethod
    def of(cls, column: NDArray[Any]) -> Distinct:
        if column.dtype != object or bool not in set(map(type, column.tolist())):
            codes, found = pd.factorize(column)
            return cls(codes, list(found))
        known: dict[tuple[type, Any], int] = {}
        keys = [None if is_empty(v) else known.setdefault((type(v), v), len(known)) for v in column.tolist()]
        return cls(np.array([-1 if key is None else key for key in keys], dtype=np.intp), [value for _, value in known])

    def texts(self) -> dict[int, str]:
        """Code -> plain text, for the values that are text."""
        return {code: plain(value) for code, value in enumerate(self.values) if isinstance(value, str)}

    def ambiguous(self, key: str, *codes: int) -> Ambiguous:
        """The doubt, shown by the first cells that hold the values of `codes`."""
        return Ambiguous(key, [int((self.codes == code).argmax()) for code in codes])

    def read(self, read: Callable[[Any], tuple[Any, str, str]], dtype: Any, blank: Any) -> Column:
        """Every distinct value read once; `read` gives (value, problem, note)."""
        results = np.full(len(self.values) + 1, blank, dtype=dtype)
        problems: dict[int, str] = {}
        noted: dict[str, list[int]] = {}
        for code, value in enumerate(self.values):
            if is_empty(value):
                continue
            results[code], problem, note = read(value)
            if problem:
                problems[code] = problem
            elif note:
                noted.setdefault(note, []).append(code)
        places = np.flatnonzero(np.isin(self.codes, list(problems))).tolist() if problems else []
        notes = {}
        for note, codes in noted.items():
            here = np.isin(self.codes, codes)
            notes[note] = (int(here.argmax()), int(here.sum()))
        return Column(results[self.codes], {place: problems[int(self.codes[place])] for place in places}, notes)


def is_simple(column: NDArray[Any]) -> bool:
    """Whether every cell is a text of visible ASCII characters without blanks: a million IDs need not be looked at
    one by one."""
    cells = column.tolist() if column.dtype == object else [None]
    if set(map(type, cells)) != {str} or not all(cells):
        return False
    joined = "".join(map(str, cells))
    return joined.isascii() and joined.isprintable() and " " not in joined


def empty(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Which cells hold nothing anybody can see."""
    if column.dtype == np.float64:
        return np.asarray(np.isnan(column), dtype=bool)
    if is_simple(column):
        return np.zeros(len(column), dtype=bool)
    distinct = Distinct.of(column)
    return np.asarray(np.array([*map(is_empty, distinct.values), True])[distinct.codes], dtype=bool)
