"""One column of cells: what stands in it, value by value, and what became of it when it was read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import frames

_FIRST: Final = 1 << 10
"""cells that mostly tell the kind of all"""


class Ambiguous(Exception):
    """Two readings of a column are plausible; `positions` are two cells that show it."""

    def __init__(self, key: str, positions: Sequence[int]) -> None:
        super().__init__(key)
        self.key = key
        self.positions = tuple(positions)


class Column(NamedTuple):
    """One column read."""

    values: NDArray[Any]
    problems: Mapping[int, str] = MappingProxyType({})
    """position -> finding code of a cell that holds something, but nothing we can use; its value is empty"""
    notes: Mapping[str, tuple[int, int]] = MappingProxyType({})
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
    if isinstance(value, str):  # a letter or digit is seen, whatever follows it: most cells need no second look
        return not (value[:1].isalnum() or plain(value))
    return value is None or value != value


class Distinct:
    """A column as codes into its distinct values (-1: nothing there), so that each value is read once. True and 1
    are two values."""

    def __init__(self, codes: NDArray[np.intp], values: list[Any]) -> None:
        self.codes = codes
        self.values = values

    @classmethod
    def of(cls, column: NDArray[Any]) -> Distinct:
        codes, found = frames.distinct(column)
        values = found.tolist()
        if column.dtype != object or {True, False}.isdisjoint(values) or bool not in set(map(type, column.tolist())):
            return cls(codes, values)
        known: dict[tuple[type, Any], int] = {}
        keys = [None if is_empty(v) else known.setdefault((type(v), v), len(known)) for v in column.tolist()]
        return cls(np.array([-1 if key is None else key for key in keys], dtype=np.intp), [value for _, value in known])

    @cached_property
    def blank(self) -> list[bool]:
        """Which of the values nobody can see."""
        return [*map(is_empty, self.values)]

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
            if self.blank[code]:
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


class Raw:
    """A column of cells as they stand (float64 with NaN for empty, or objects), and what it takes a look at every cell
    to know."""

    def __init__(self, cells: NDArray[Any]) -> None:
        self.cells = cells

    @classmethod
    def of(cls, cells: NDArray[Any] | Raw) -> Raw:
        """The column itself, if it is one."""
        return cells if isinstance(cells, Raw) else cls(cells)

    def __len__(self) -> int:
        return len(self.cells)

    def at(self, positions: NDArray[np.intp]) -> Raw:
        """The cells at rising positions."""
        return self if len(positions) == len(self.cells) else Raw(self.cells[positions])

    @cached_property
    def distinct(self) -> Distinct:
        """Its distinct values."""
        return Distinct.of(self.cells)

    @cached_property
    def joined(self) -> str:
        """All cells behind each other when each is a text of visible ASCII characters without blanks, otherwise "": a
        million IDs need not be looked at one by one."""
        first = self.cells[:_FIRST].tolist() if self.cells.dtype == object else []
        if set(map(type, first)) != {str} or not "".join(first).isascii():
            return ""
        cells = self.cells.tolist()
        if set(map(type, cells)) != {str} or not all(cells):
            return ""
        joined = "".join(cells)
        return joined if joined.isascii() and joined.isprintable() and " " not in joined else ""

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """Which cells hold nothing anybody can see."""
        if self.cells.dtype == np.float64:
            return np.asarray(np.isnan(self.cells), dtype=bool)
        if self.joined:
            return np.zeros(len(self), dtype=bool)
        return np.array([*self.distinct.blank, True])[self.distinct.codes]


def empty(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Which cells hold nothing anybody can see."""
    return Raw(column).empty
