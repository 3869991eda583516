"""Cell values as people type them, read without guessing: IDs, texts, choices here, numbers in `amounts`, days in
`dates`.

Each reader takes one column (1-D array: float64 with NaN for empty, or objects) and gives a `Column` back. What
cannot be read is a problem with a position, never a silent blank; where two readings are plausible the column as a
whole decides, and if it does not, the reader raises `Ambiguous` with two examples.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, schema
from segmenter.reading.amounts import counts, numbers
from segmenter.reading.column import Ambiguous, Column, Raw, empty, is_empty, plain
from segmenter.reading.dates import BLANK, day_of, days

__all__ = [
    "Ambiguous",
    "Column",
    "counts",
    "day_of",
    "days",
    "empty",
    "is_empty",
    "numbers",
    "plain",
]

LONGEST_NUMBER: Final = 1e15
"""Excel keeps 15 digits: a longer ID stored as a number has lost its end already"""
SEPARATOR: Final = "、"
"""between the parts of a list (item 003-74)"""
_PARTS: Final = r"[、,，;；/|]"
_BLANKS: Final = " \u00a0\u3000\t\r\n\u200b\ufeff"
_TIDY: Final = rf"[^\s、,，;；/|{_BLANKS}]+(?:、[^\s、,，;；/|{_BLANKS}]+)*"
"""a list as we write it"""
_WHOLE_FLOAT: Final = r"^(0|[1-9]\d*)\.0+$"
_SCIENTIFIC: Final = r"^\d(\.\d+)?[eE]\+\d{2,3}$"
_TELLING = frozenset(".+")
"""without these an ID is no number that went through a float"""


def ids(column: NDArray[Any] | Raw) -> Column:
    """IDs as text (object array, "" where empty): 00123 stays, 1001.0 is 1001. A number of 16 digits or more has
    lost its end in Excel: problem "id_too_long"."""

    def read(value: Any) -> tuple[str, str, str]:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return "", "not_an_id", ""
        if isinstance(value, (int, float)):
            if abs(value) >= LONGEST_NUMBER:
                return "", "id_too_long", ""
            return (str(int(value)), "", "") if value == int(value) else ("", "not_an_id", "")
        text = plain(value)
        if re.match(_SCIENTIFIC, text):
            return "", "id_too_long", ""
        whole = re.match(_WHOLE_FLOAT, text)
        if whole:
            return whole[1], "", ""
        return value, "", "" if text == value else "id_odd"

    raw = Raw.of(column)
    if raw.joined and _TELLING.isdisjoint(raw.joined):
        return Column(raw.cells)
    return raw.distinct.read(read, object, "")


def texts(column: NDArray[Any] | Raw) -> Column:
    """Text as it stands without outer blanks ("" where empty): NA, None, True are words like any other."""

    def read(value: Any) -> tuple[str, str, str]:
        return shown(value), "", ""

    return Raw.of(column).distinct.read(read, object, "")


def shown(value: Any) -> str:
    """A cell as text: whole numbers without ".0", days without a time."""
    if isinstance(value, str):
        return value.strip(_BLANKS)
    if isinstance(value, float) and abs(value) < LONGEST_NUMBER and value == int(value):
        return str(int(value))
    if isinstance(value, datetime) and value == datetime(value.year, value.month, value.day):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value).strip(_BLANKS)


@cache
def _keys(name: str) -> dict[str, str]:
    """The keys of a choice list by what they are called, folded."""
    return {schema.fold(n): c.key for c in schema.choices(name) for n in (c.key, *c.name.values(), *c.aliases)}


def choices(column: NDArray[Any] | Raw, name: str) -> Column:
    """The keys of a choice list ("" where empty); a word that is none of its values stays as typed and is noted."""
    known = _keys(name)

    def read(value: Any) -> tuple[str, str, str]:
        key = known.get(schema.fold(value))
        return (key, "", "") if key else (shown(value), "", "unknown_choice")

    return Raw.of(column).distinct.read(read, object, "")


def lists(column: NDArray[Any] | Raw) -> Column:
    """Lists such as 护肤品,服装 / 配饰, with one separator between their parts."""

    def read(value: Any) -> tuple[str, str, str]:
        if isinstance(value, str) and re.fullmatch(_TIDY, value):
            return value, "", ""
        parts = [part.strip() for part in re.split(_PARTS, shown(value))]
        return SEPARATOR.join(part for part in parts if part), "", ""

    return Raw.of(column).distinct.read(read, object, "")


def read(column: NDArray[Any] | Raw, field: schema.Field) -> Column:
    """The column as the kind of its field."""
    raw, kind = Raw.of(column), field.kind
    if kind in _BLANK and raw.empty.all():
        return Column(np.broadcast_to(_BLANK[kind], len(raw)))  # takes no memory
    if kind == "choice":
        return choices(raw, field.choices)
    return _READERS[kind](raw) if kind in _READERS else numbers(raw, percent=kind == "rate")


_READERS: Final = {"id": ids, "text": texts, "list": lists, "count": counts, "date": days}
_BLANK: Final = {**dict.fromkeys(("id", "text", "list", "choice"), np.array("", dtype=object)), "date": np.array(BLANK)}


def keys(ids: NDArray[Any]) -> NDArray[np.object_]:
    """What makes two IDs (texts) the same: width, case and blanks do not matter."""
    if joined := Raw(ids).joined:
        same = joined.lower() == joined  # of ASCII letters that is all there is to fold
        return ids if same else np.array("\0".join(ids).lower().split("\0"), dtype=object)
    codes, distinct = frames.distinct(ids)
    return np.asarray(np.array([*map(schema.fold, distinct), ""], dtype=object)[codes], dtype=object)
