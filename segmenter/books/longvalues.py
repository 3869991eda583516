"""Whether the rows of a long list bring the values that were to be written; `longproof` tells whether they stand in the
file as they were made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter.books import cells, columns
from segmenter.books.filling import Meant, Whole
from segmenter.cells import letter

_JOINT: Final = re.compile("_|  |\\s\0|[\t\n\r]")
"""what words that are put together may not have; a zero stands behind each"""


def differs(plan: Meant, whole: Whole) -> str:
    """The first column of rows that does not bring what was to be written, "" when all do."""
    made, frame = whole.rows, plan.frame
    if frame is None:
        return ""
    if made.first != plan.first or made.height != len(frame):
        return f"{made.height} < {len(frame)}"
    if whole.shift.first != made.first or whole.shift.new != made.first + made.height - 1:
        return f"{whole.shift.new + 1}"
    if whole.order is not None:
        order = np.asarray(whole.order)
        if len(order) != len(frame) or (np.sort(order) != np.arange(len(frame))).any():
            return f"{len(order)} < {len(frame)}"
        frame = frame.at(order)
    columns = {one.number: one for one in made.columns}
    for key in plan.written:
        if not _brings(columns.get(plan.columns[key]), frame[key], made.height):
            return letter(plan.columns[key])
    return ""


def _brings(column: columns.Column | None, wanted: Any, height: int) -> bool:
    """Whether a column brings the values of one of a frame."""
    if column is not None and column.kept:
        return False
    parts = () if column is None else column.parts
    if len(parts) > 1:  # texts put together from words
        codes, words = wanted.codes, wanted.words
        return (
            len(parts) == len(codes)
            and _are_loose(words)
            and all(
                isinstance(part, columns.Words) and np.array_equal(part.codes, its) and [*part.values] == [*of]
                for part, its, of in zip(parts, codes, words, strict=True)
            )
        )
    brought = _values(parts[0]) if parts else np.full(height, None, dtype=object)
    asked = np.asarray(wanted)
    if len(brought) != height:
        return False
    if brought.dtype == asked.dtype and brought.dtype.kind == "f":
        return np.array_equal(brought, asked, equal_nan=True)
    unlike = np.flatnonzero(brought.astype(object) != asked.astype(object)).tolist()
    return all(cells.plain(brought[place]) == cells.plain(asked[place]) for place in unlike)


def _are_loose(words: Sequence[Sequence[str]]) -> bool:
    """Whether texts put together from words mean what the words mean: no escape (`_x0041_`) comes of two, and no blank
    that XML would have to be told to keep."""
    every = "\0".join(map("\0".join, words)) + "\0"
    return all(word and not word[0].isspace() for word in words[0]) and not _JOINT.search(every)


def _values(part: columns.Words | columns.Each) -> NDArray[Any]:
    """The values of a part, row by row."""
    values = part.values
    if not isinstance(values, np.ndarray):
        values = np.empty(len(part.values), dtype=object)
        values[:] = part.values
    return values[part.codes] if isinstance(part, columns.Words) else values
