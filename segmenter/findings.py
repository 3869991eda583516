"""What was found in the data and what was done about it: a `Finding` is a result, not an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pandas import DataFrame

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
        text = texts.say(f"finding.{self.code}", lang, **{**place, **self.params})
        return (
            text + texts.say("finding_count", lang, count=self.params["count"])
            if self.params.get("count", 1) > 1
            else text
        )

    def kind(self, lang: Lang) -> str:
        """The kind of finding in a few words."""
        return str(self.params["kind"]) if "kind" in self.params else texts.say(f"kind.{self.code}", lang)


def to_frame(findings: Iterable[Finding], lang: Lang) -> DataFrame:
    """The rows of the cleaning log, columns as in the schema."""
    rows = [
        (
            texts.say(f"stage.{one.stage}", lang),
            one.kind(lang),
            one.sheet,
            one.cell,
            one.value,
            one.message(lang),
            one.amount_share,
        )
        for one in findings
    ]
    columns = ["stage", "code", "sheet", "cell", "value", "message", "amount_share"]
    return DataFrame(rows, columns=columns).astype(object)
