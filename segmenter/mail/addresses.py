"""Who may get a mail: addresses parsed one by one, the owners' table, the allow-list. Never from a customer's row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from segmenter import schema
from segmenter.errors import Refused
from segmenter.reading import delimited

_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS: Final = re.compile(rf"({_LOCAL})@({_LABEL}(?:\.{_LABEL})+)")
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one(text: str) -> str:
    """The single plain address that `text` is. Refused("address") for none, several, a display name or odd signs."""
    found = ADDRESS.fullmatch(text)
    if not found or len(found[1]) > 64 or len(text) > 254:
        raise Refused("address", value=line(text)[:80])
    return f"{found[1]}@{found[2].lower()}"


def line(text: str) -> str:
    """The text as one line of a header: no control or direction signs, no line ends, single blanks."""
    kept = (
        " " if unicodedata.category(c) in {"Cc", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"} or c in _BIDI else c for c in text
    )
    return " ".join("".join(kept).split()).replace("=?", "= ?")  # nothing that reads as an encoded word


def safe(text: str) -> str:
    """The text itself when it may stand in a header as it is; Refused("header") otherwise (case C7)."""
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise Refused("header", value=line(text)[:80])
    return text


def allowed(address: str, allow: Iterable[str]) -> bool:
    """Whether an address, or its whole domain, is on the list; an empty list allows nobody."""
    domain = address.partition("@")[2]
    return any(entry.lower().lstrip("@") in (address.lower(), domain.lower()) for entry in allow)


def fold(owner: str) -> str:
    """A name of an owner for comparing: the template marks them with a star."""
    return schema.fold(owner).lstrip("*＊")


def from_settings(pairs: Sequence[str]) -> dict[str, str]:
    """Folded owner -> address, from the setting's "name=address" entries. Refused names one that is neither."""
    found = {}
    for pair in pairs:
        name, equals, address = pair.replace("＝", "=").partition("=")
        if not equals or not fold(name):
            raise Refused("owner_entry", value=line(pair)[:80])
        found[fold(name)] = one(address.strip())
    return found


def from_csv(path: Path) -> dict[str, str]:
    """Folded owner -> address, from a CSV file of two columns; a first line without an address is a header."""
    try:
        rows = delimited.rows(path.read_bytes())
    except FileNotFoundError:
        raise Refused("no_file", path=path) from None
    except (OSError, ValueError):
        raise Refused("owners_file", path=path) from None
    found = {}
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row if cell.strip()]
        if not cells or (number == 1 and not any("@" in cell for cell in cells)):
            continue
        if len(cells) != 2 or not fold(cells[0]):
            raise Refused("owner_entry", value=line(",".join(row))[:80])
        found[fold(cells[0])] = one(cells[1])
    return found


def lookup(owner: str, table: Mapping[str, str]) -> str | None:
    """The address of an owner."""
    return table.get(fold(owner))
