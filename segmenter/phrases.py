"""A column of texts put together from a few words: a million reasons without a million strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray, ExtensionDtype


class PhraseDtype(ExtensionDtype):  # type: ignore[misc]
    """Texts kept as codes into lists of words."""

    name = "phrase"
    type = str
    na_value = None

    @classmethod
    def construct_array_type(cls) -> Any:
        """See pandas."""
        return Phrases


class Phrases(ExtensionArray):  # type: ignore[misc]
    """Row n is `words[0][codes[0][n]] + words[1][codes[1][n]] + ...`; pandas takes it for a column of str."""

    def __init__(self, codes: Sequence[NDArray[np.integer[Any]]], words: Sequence[NDArray[np.object_]]) -> None:
        self.codes = tuple(one.astype(np.int32, copy=False) for one in codes)
        self.words = tuple(words)

    @classmethod
    def _from_sequence(cls, scalars: Sequence[str] | NDArray[Any], *, dtype: Any = None, copy: bool = False) -> Phrases:
        codes, distinct = pd.factorize(np.asarray(scalars, dtype=object), use_na_sentinel=False)
        return cls([codes], [distinct])

    @classmethod
    def _concat_same_type(cls, several: Sequence[Phrases]) -> Phrases:
        return cls._from_sequence(np.concatenate([np.asarray(one) for one in several]))

    @property
    def dtype(self) -> PhraseDtype:
        """See pandas."""
        return PhraseDtype()

    @property
    def nbytes(self) -> int:
        """Bytes of the codes."""
        return sum(one.nbytes for one in self.codes)

    def __len__(self) -> int:
        return len(self.codes[0])

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, (int, np.integer)):
            return "".join(words[codes[item]] for codes, words in zip(self.codes, self.words, strict=True))
        item = pd.api.indexers.check_array_indexer(self, item)
        return Phrases([codes[item] for codes in self.codes], self.words)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.object_]:
        first, *others = (words[codes] for codes, words in zip(self.codes, self.words, strict=True))
        return np.asarray(sum(others, start=first), dtype=dtype or object)

    def __eq__(self, other: object) -> Any:
        return np.asarray(self) == (np.asarray(other) if isinstance(other, Phrases) else other)

    __hash__ = None  # type: ignore[assignment]  # as every array

    def isna(self) -> NDArray[np.bool_]:
        """Nothing is ever missing."""
        return np.zeros(len(self), dtype=bool)

    def take(self, indices: Sequence[int], *, allow_fill: bool = False, fill_value: Any = None) -> Phrases:
        """See pandas."""
        places = np.asarray(indices, dtype=np.intp)
        if allow_fill and (places < 0).any():
            found = np.asarray(self).take(places)
            found[places < 0] = fill_value
            return Phrases._from_sequence(found)
        return Phrases([codes.take(places) for codes in self.codes], self.words)

    def copy(self) -> Phrases:
        """See pandas."""
        return Phrases([codes.copy() for codes in self.codes], self.words)
