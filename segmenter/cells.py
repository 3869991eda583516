"""Cell addresses. Rows and columns count from 0 inside, and are written as Excel writes them: (0, 0) is A1."""

from __future__ import annotations

import re


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
    found = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?(\d+)", name)
    if not found:
        raise ValueError(name)
    column = 0
    for char in found[1].upper():
        column = column * 26 + ord(char) - 64
    return int(found[2]) - 1, column - 1
