"""Every text a user sees, in Chinese and English side by side: the catalogues in this folder and their one reader.

A data file serves better than gettext here. Half of what must be translated is data anyway (headers, segment
names, strategies), which stands in both languages in `schema.toml` and `rules.toml`; an entry cannot lack one
of the languages (a test says so); and nothing has to be compiled before it can be read or installed.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import rtoml

Lang = Literal["zh", "en"]
LANGS: Final[tuple[Lang, ...]] = ("zh", "en")
DEFAULT: Final[Lang] = "zh"
_HERE: Final = Path(__file__).parent
_HOLE: Final = re.compile(r"\{\w+(?::[^}]*)?\}")


def load(name: str) -> dict[str, Any]:
    """The data file `name` of the package, parsed."""
    found: dict[str, Any] = rtoml.loads((_HERE.parent / name).read_text(encoding="utf-8"))
    return found


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        for key, value in node.items():
            if set(value) == set(LANGS):
                found[prefix + key] = value
            else:
                walk(f"{prefix}{key}.", value)

    for file in sorted(_HERE.glob("*.toml")):
        walk("", load(f"texts/{file.name}"))
    return found


def keys() -> frozenset[str]:
    """The names of all texts."""
    return frozenset(_catalogue())


def both(key: str) -> Mapping[str, str]:
    """The text `key` in every language, for a finding that may be read in any of them."""
    return _catalogue()[key]


def template(key: str, lang: str) -> str:
    """The text `key` in `lang` with its `{holes}` open (KeyError if there is none)."""
    return _catalogue()[key][lang]


def say(key: str, lang: str, **params: Any) -> str:
    """The text `key` in `lang`, its `{holes}` filled from `params`.

    Raises KeyError when there is no such text or a hole has no value: a missing text is our mistake and must
    not reach a user as a blank.
    """
    text = _catalogue()[key][lang]
    return text.format_map(params) if params or "{" in text else text


@lru_cache(1 << 14)
def could_be(text: str, *names: str) -> bool:
    """Whether a text is one of those called `names` ("stage.*": any that begins so), in any language and with anything
    in its holes; but the first hole of "dimension.label" is a dimension of ours, and of "dimension.label:X" X."""
    return any(pattern.fullmatch(text) for name in names for pattern in _patterns(name))


@cache
def _patterns(name: str) -> list[re.Pattern[str]]:
    key, _, first = name.partition(":")
    first = re.escape(first) or (_dimensions() if key == "dimension.label" else ".+")
    said = [_HOLE.split(template(one, lang)) for one in fnmatch.filter(_catalogue(), key) for lang in LANGS]
    escaped = ([*map(re.escape, parts)] for parts in said)
    return [
        re.compile(first.join([begin, ".+".join(rest)] if rest else [begin]), re.DOTALL) for begin, *rest in escaped
    ]


def _dimensions() -> str:
    named = (name for one in load("dimensions.toml")["dimension"] for name in one["name"].values())
    return f"(?:{'|'.join(map(re.escape, named))})"


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> Mapping[str, str]:
    """The end of a sentence in every language: what comes nearest to `name`; empty when nothing is that like it."""
    from difflib import get_close_matches  # only who has mistyped something waits for it

    near = get_close_matches(name, list(known), 1, likeness)
    return {lang: say("nearest", lang, name=near[0]) if near else "" for lang in LANGS}
