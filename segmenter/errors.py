"""The error tree, and nothing else.

    SegmenterError
    ├── Refused        the input cannot be worked on; nothing was written      exit 1
    └── WrongUsage     the command line makes no sense                         exit 2

Everything else that escapes is a fault of ours (exit 3): `segmenter.cli` is the one boundary that turns errors
into exit codes, `segmenter.ribbon` the one that turns them into an alert. Dirty data is no error: it is a
`Finding` in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SegmenterError(Exception):
    """An expected error: `key` names its sentence in the catalogue, `params` fill it in."""

    exit_code = 1

    def __init__(self, key: str, *, sheet: str = "", cell: str = "", value: Any = None, **params: Any) -> None:
        super().__init__(key)
        self.key = key
        self.sheet = sheet
        self.cell = cell
        self.value = value
        self.params = params

    def message(self, lang: str) -> str:
        """The sentence in the user's language, naming sheet, cell and value where they are known. A parameter that
        differs by language is a mapping from language to text."""
        from segmenter import texts

        place = {"sheet": self.sheet, "cell": self.cell, "value": self.value}
        params = {key: one[lang] if isinstance(one, Mapping) else one for key, one in self.params.items()}
        return texts.say(f"error.{self.key}", lang, **place, **params)

    def __str__(self) -> str:
        return self.message("en")


class Refused(SegmenterError):
    """The input cannot be worked on. Nothing was written, the files are as they were."""


class WrongUsage(SegmenterError):
    """The command line makes no sense."""

    exit_code = 2
