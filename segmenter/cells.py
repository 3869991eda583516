"""Cell addresses. Rows and columns count from 0 inside, and are written as Excel writes them: (0, 0) is A1. And how
much a cell holds."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

MAX_TEXT: Final = 32_767
"""characters of a cell, counted as Excel does: UTF-16 units"""
_ADDRESS: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d+)")


@cache
def letter(column: int) -> str:
    """0 -> A, 26 -> AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def address(row: int, column: int) -> str:
    """(6, 1) -> B7."""
    return f"{letter(column)}{row + 1}"


def position(name: str) -> tuple[int, int]:
    """B7 -> (6, 1); ValueError when it is no address."""
    found = _ADDRESS.fullmatch(name)
    if not found:
        raise ValueError(name)
    return int(found[2]) - 1, column_of(found[1])


@cache
def column_of(letters: str) -> int:
    """A -> 0, AA -> 26."""
    column = 0
    for char in letters.upper():
        column = column * 26 + ord(char) - 64
    return column - 1
