"""A column of texts put together from a few words: a million reasons without a million strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Phrases:
    """Row n is `words[0][codes[0][n]] + words[1][codes[1][n]] + ...`; an array of str where one is asked for."""

    def __init__(self, codes: Sequence[NDArray[np.integer[Any]]], words: Sequence[NDArray[np.object_]]) -> None:
        self.codes = tuple(one.astype(np.int32, copy=False) for one in codes)
        self.words = tuple(words)

    def __len__(self) -> int:
        return len(self.codes[0])

    def __getitem__(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_] | slice) -> Phrases:
        return Phrases([codes[rows] for codes in self.codes], self.words)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.object_]:
        first, *others = (words[codes] for codes, words in zip(self.codes, self.words, strict=True))
        return np.asarray(sum(others, start=first), dtype=dtype or object)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def tolist(self) -> list[str]:
        """The texts."""
        found: list[str] = np.asarray(self).tolist()
        return found
