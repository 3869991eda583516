"""A segment of the rules and the patterns that lead into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

PATTERN = re.compile(r"(new|[01?]{3})(?:\s*&\s*(\w+)\s*=\s*(.+))?")


class Match(NamedTuple):
    """One way into a segment: a code pattern ("0?1", or "new" for customers without any order), and optionally
    a column that must hold a value."""

    code: str
    column: str = ""
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> Match:
        """From "0?1" or "??0 & price_sensitivity = sensitive"; ValueError when it is neither."""
        found = PATTERN.fullmatch(text.strip())
        if not found:
            raise ValueError(text)
        return cls(found[1], found[2] or "", (found[3] or "").strip())

    def __str__(self) -> str:
        return f"{self.code} & {self.column} = {self.value}" if self.column else self.code


class Segment(NamedTuple):
    """A segment: which customers belong to it, and the defaults of its row in table 3."""

    key: str
    match: tuple[Match, ...]
    name: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    traits: Mapping[str, str] | None = None
    strategy: Mapping[str, str] | None = None
    action: Mapping[str, str] | None = None
    owner: Mapping[str, str] | None = None
    target: Mapping[str, str] | None = None
    period: Mapping[str, str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called, in every language."""
        return *self.name.values(), *self.aliases

    def text(self, column: str, lang: str) -> str:
        """The default of a column of table 3; empty when the rules give none."""
        value = self.name if column == "segment" else getattr(self, column)
        return str(value[lang]) if value else ""
