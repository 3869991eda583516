"""Many values encoded at once: what follows the row number in their cells, or of that only the value.

    <c r="A17 | " s="45" t="inlineStr"><is><t> | 1001  | </t></is></c>
              | before                         | value | after

What is around the value is told from the cell of a sample.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter.books import cells, decimals
from segmenter.books.cells import Plain

_BETWEEN: Final = "\u2588"
"""stands between texts that are looked at together; one that holds it is looked at alone"""
_SPECIAL: Final = re.compile("^[\\s=+\\-@＝＋－＠]|\\s$|[&<>\x00-\x1f\ufffe\uffff\ud800-\udfff]|_x|  ")
"""what `cells.encode` and the writer do something about"""
_NEEDLES: Final = (
    *("_x", "  ", _BETWEEN * 2, f" {_BETWEEN}"),
    *(_BETWEEN + start for start in (" ", "=", "+", "-", "@", "＝", "＋", "－", "＠")),
)
"""the same in printable texts, markup aside; and a text that is empty"""
_START: Final = f"{_BETWEEN}[\\s=+\\-@＝＋－＠{_BETWEEN}]"
"""a first word that is missing, or that a text of it would be special for"""
_JOINTS: Final = ("_", "  ", f" {_BETWEEN}")
_APART: Final = f"_|  |\\s{_BETWEEN}|[\x00-\x1f\ufffe\uffff\ud800-\udfff]"
"""words that cannot be encoded without looking at those beside them"""

Bytes = NDArray[np.uint8]
"""a text in each row, padded with zeros"""
Lengths = NDArray[np.int64]
"""how many bytes of each that are"""
Encode = Callable[[Plain], bytes]
"""a whole cell in row 1, as `writer.Writer` writes it"""
Encoder = Callable[[Any], Sequence[bytes] | Bytes]
"""the same part of the cells of many values"""


def matrix(found: Sequence[bytes] | Bytes) -> Bytes:
    """What an encoder gives as rows of bytes, padded with zeros to whole words of eight."""
    if isinstance(found, np.ndarray):
        return found
    words = -(-max(map(len, found)) // 8) or 1
    return np.array(found, dtype=f"S{8 * words}").view(np.uint8).reshape(len(found), -1)


def listed(found: Sequence[bytes] | Bytes) -> list[bytes]:
    """The opposite: the bytes of each row by themselves."""
    if not isinstance(found, np.ndarray):
        return [*found]
    rows: list[bytes] = found.view(f"S{found.shape[1]}").ravel().tolist()
    return rows


def around(encode: Encode, sample: str | int) -> tuple[bytes, bytes]:
    """What is before and behind the value in every cell of a column, told from one that holds `sample`."""
    before, _, after = tail(encode(sample)).partition(f">{sample}<".encode())
    return before + b">", b"<" + after


def tail(raw: bytes) -> bytes:
    """What follows the row number in a cell written for row 1."""
    _, quote, rest = raw.partition(b'1"')
    return quote[1:] + rest


def are_plain(values: Sequence[Any]) -> bool:
    """Whether these are texts that need nothing but their markup escaped, none missing; looked at all at once."""
    if None in values:
        return False
    joined = _BETWEEN.join(values)
    ends = _BETWEEN + joined + _BETWEEN
    return (
        joined.isprintable()
        and not any(needle in ends for needle in _NEEDLES)
        and joined.count(_BETWEEN) == len(values) - 1
    )


def are_plain_together(words: Sequence[Sequence[str]]) -> bool:
    """The same of all texts put together from one of each of these words: then the words can be encoded alone."""
    heads, *others = map(_BETWEEN.join, words)
    joined = _BETWEEN.join((heads, *others, ""))
    if joined.count(_BETWEEN) != sum(map(len, words)) or re.search(_START, _BETWEEN + heads + _BETWEEN):
        return False
    simple = joined.isprintable() and not any(joint in joined for joint in _JOINTS)  # many times faster
    return simple or not re.search(_APART, joined)


def plain(values: Sequence[str]) -> list[bytes]:
    """Texts that are plain, nothing else."""
    joined = cells.escape_formula(_BETWEEN.join(values))
    return joined.encode().split(_BETWEEN.encode())


def texts(encode: Encode) -> Encoder:
    """Encodes the cells of texts: plain ones by putting them between what is the same for all."""
    before, after = around(encode, "a")

    def many(values: Sequence[Any]) -> list[bytes]:
        if are_plain(values):
            return [before + value + after for value in plain(values)]
        return [
            before + value.encode() + after if value and not _SPECIAL.search(value) else tail(encode(value or None))
            for value in values
        ]

    return many


def numbers(encode: Encode) -> Encoder:
    """Encodes the cells of numbers in the same way."""
    before, after = around(encode, 7)

    def one(value: Any) -> bytes:
        missing = value is None or value != value
        return tail(encode(None)) if missing else before + cells.number(value).encode() + after

    return lambda values: [*map(one, values.tolist() if isinstance(values, np.ndarray) else values)]


def digits(values: NDArray[np.float64]) -> Bytes:
    """Numbers, nothing else."""
    found, rest = decimals.shown(values)
    if len(rest):
        others = matrix([cells.number(value).encode() for value in values[rest].tolist()])
        found = np.pad(found, ((0, 0), (0, max(others.shape[1] - found.shape[1], 0))))
        found[rest] = 0
        found[rest, : others.shape[1]] = others
    return found
