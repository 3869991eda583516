"""Tables in text files, as Excel, its Chinese and European editions among them, and other programs write them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Final

SEPARATORS: Final = (",", ";", "\t", "|")


def decoded(raw: bytes) -> str:
    """The text: its encoding by mark, else UTF-8, else GB18030; UnicodeDecodeError when it is in none of them."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


def separator(lines: Sequence[str]) -> str:
    """What most often stands between the cells of `lines`."""
    return max(SEPARATORS, key=lambda one: sum(line.count(one) for line in lines))


def rows(raw: bytes) -> list[list[str]]:
    """The cells of a table whose first line tells the separator: further down a cell may list several things.
    ValueError for bytes that are no text, or a cell as long as a file."""
    text = decoded(raw)
    try:
        return list(csv.reader(StringIO(text, newline=""), delimiter=separator(text.splitlines()[:1])))
    except csv.Error as error:
        raise ValueError(str(error)) from error
