"""What should happen next: proposals, each with the numbers that led to it, and the clocks of review (ruling C22)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from segmenter import texts


class Proposal(NamedTuple):
    """One proposal: `proposal.<key>.what` and `.why` of the catalogue say it; what differs by language in `params` is
    a mapping from language to text."""

    key: str
    params: Mapping[str, Any]
    segment: Mapping[str, str] | None = None
    """the segment it is about, by language; None when it is about all"""

    def _say(self, part: str, lang: str) -> str:
        params = {key: one[lang] if isinstance(one, Mapping) else one for key, one in self.params.items()}
        return texts.say(f"proposal.{self.key}.{part}", lang, **params)

    def what(self, lang: str) -> str:
        """What to do."""
        return self._say("what", lang)

    def why(self, lang: str) -> str:
        """The numbers that led to it."""
        return self._say("why", lang)

    def about(self, lang: str) -> str:
        """The segment's name, "" when it is about all."""
        return self.segment[lang] if self.segment else ""


class Review(NamedTuple):
    """One clock: when it last struck and when it does again."""

    key: str
    """tracking | dimensions | everything"""
    last: date
    due: date
    overdue: bool
