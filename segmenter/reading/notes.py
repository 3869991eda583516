"""Rows among the customers or their orders with nothing but words: notes below them, and headings between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter.reading import values
from segmenter.reading.column import Raw, plain
from segmenter.schema import Field, Table

_CELLS: Final = 2
"""cells that a note has at most: 制表人 | 王五"""
_FEW: Final = 3
"""fewer IDs do not tell how IDs look"""
_WORDS: Final = frozenset({"id", "text", "list", "choice"})
"""kinds of columns that hold no figures"""
_CHINESE: Final = r"[\u3400-\u9fff]"
_SENTENCE: Final = "[、。，；：！？]"
_MARK: Final = r"[!-/:-@_]"


def found(
    table: Table, raw: Mapping[str, Raw], numbers: NDArray[np.intp], columns: Mapping[str, int], spare: Collection[str]
) -> list[int]:
    """The positions of such rows among `numbers`: what stands where the IDs do is none, or there is none and no further
    one below. Whoever has figures or orders (keys in `spare`) is a customer, and so is who may be one."""
    filled = {key: ~column.empty[numbers] for key, column in raw.items()}
    named = filled.pop("customer_id")
    count: NDArray[np.intp] = np.sum([*filled.values(), named], axis=0, dtype=np.intp)
    figures = [there for key, there in filled.items() if table[key].kind not in _WORDS]
    known: NDArray[np.bool_] = named & np.any([*figures, ~named], axis=0)
    few = (count <= _CELLS) & ~known
    if not few.any():
        return []
    ids = raw["customer_id"].cells[numbers]
    if spare:
        known |= np.array([key in spare for key in values.keys(values.ids(ids).values).tolist()], dtype=bool)
    beside = next((key for key in filled if columns[key] == columns["customer_id"] + 1), "")
    last = _last(known)

    def cell(key: str, n: int) -> Any:
        return raw[key].cells[numbers[n]]

    def signed(n: int) -> bool:
        return n > last and beside != "" and _signs(table[beside], cell(beside, n))

    lines = [n for n in np.flatnonzero(few & named & ~known).tolist() if isinstance(ids[n], str)]
    alone = [n for n in lines if count[n] == 1]
    noted = _with_colons(ids, {*alone}, np.flatnonzero(named).tolist())
    may_be = like(ids[known].tolist()) if lines else None
    if may_be:
        noted |= {n for n in [*alone, *filter(signed, lines)] if not may_be(ids[n])}
    left = named.copy()
    left[[*noted]] = False
    below = np.flatnonzero(few & ~named)
    noted |= {n for n in below[below > _last(left)].tolist() if _only_words(cell(key, n) for key in filled)}
    return [int(numbers[n]) for n in sorted(noted)]


def _last(there: NDArray[np.bool_]) -> int:
    """The last position that is there; one behind all when none is."""
    return int(len(there) - 1 - there[::-1].argmax()) if there.any() else len(there)


def like(ids: Sequence[object]) -> Callable[[str], bool] | None:
    """Whether a text may be an ID as these are: they all have digits, or one mark (an @), or no Chinese, or nothing of
    what stands in sentences; in doubt it is. None when there are too few."""
    if len(ids) < _FEW:
        return None
    texts = [*map(str, ids)]
    joined = "\n".join(texts)
    digits = not re.search(r"(?m)^[^\d\n]*$", joined)
    marks = [mark for mark in re.findall(_MARK, texts[0]) if all(mark in text for text in texts)]
    begin = r"[A-Za-z]+\W?\d" if not re.search(r"(?m)^[^A-Za-z]", joined) else r"[A-Za-z]*\W?\d"
    chinese, sentences, blanks = (re.search(one, joined) is not None for one in (_CHINESE, _SENTENCE, " "))

    def may_be(text: str) -> bool:
        if digits and not re.search(r"\d", text) and not any(mark in text for mark in marks):
            return False
        if not chinese and re.search(_CHINESE, text) and not re.match(begin, plain(text)):
            return False
        return (sentences or not re.search(_SENTENCE, text)) and (blanks or plain(text).count(" ") < 2)

    return may_be


def _with_colons(ids: NDArray[Any], lines: Collection[int], named: Sequence[int]) -> set[int]:
    """Those of the last rows with an ID that are lines with a colon: 制表人：王五. Where IDs have colons there are
    none."""

    def has_colon(n: int) -> bool:
        return isinstance(ids[n], str) and re.search("[:：]", ids[n]) is not None

    found: set[int] = set()
    while len(found) < len(named) and (n := named[-1 - len(found)]) in lines and has_colon(n):
        found.add(n)
    above = named[: len(named) - len(found)]
    return found if above and not (found and any(map(has_colon, above))) else set()


def _signs(field: Field, cell: object) -> bool:
    """Whether a cell may be the second of a line such as 制表人 | 王五, and is no value of its column."""
    here = np.array([cell], dtype=object)
    return _only_words([cell]) and (not field.choices or bool(values.choices(here, field.choices).notes))


def _only_words(cells: Iterable[Any]) -> bool:
    """Whether there is something, and all of it words."""
    filled = [cell for cell in cells if not values.is_empty(cell)]
    return bool(filled) and all(isinstance(cell, str) and re.search(r"[^\W\d_]", cell) for cell in filled)
