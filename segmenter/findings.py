"""What was found in the data and what was done about it: a `Finding` is a result, not an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from segmenter import texts
from segmenter.texts import Lang

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing about the input: what, where, and what was done."""

    code: str
    """stable name; `finding.<code>` of the catalogue says it in words"""
    sheet: str = ""
    cell: str = ""
    """an address ("B7"), a range, or nothing when it concerns the whole sheet"""
    value: str = ""
    params: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMS)
    amount_share: float | None = None
    """share of the total amount it touches (0..1), where that can be said"""
    stage: str = "fill"
    """fill | import"""

    def message(self, lang: Lang) -> str:
        """What was found and done, in words."""
        place = {"sheet": self.sheet, "cell": self.cell, "value": self.value}
        return texts.say(f"finding.{self.code}", lang, **{**place, **self.params})
