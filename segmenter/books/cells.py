"""One cell: between the XML it is written as and the value it holds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import NoneType
from typing import Any, Final, TypeGuard

import numpy as np

from segmenter.books import Formula, Stays
from segmenter.books.spans import unescape
from segmenter.cells import MAX_TEXT
from segmenter.errors import Refused

Plain = str | float | int | bool | date | Formula | Stays | None
"""what a cell can hold: text, a number, true or false, a day or a moment, a formula, nothing; or what it held"""

_SIMPLE: Final = frozenset({str, float, NoneType})
"""kinds that are all a cell mostly holds"""
_PLAIN: Final = frozenset({str, float, int, bool, NoneType})
"""kinds that stay what they are, but for what says nothing"""
FORMULA_STARTS: Final = tuple("=+-@\t\r＝＋－＠")
_ESCAPE: Final = r"_x[0-9A-Fa-f]{4}_"
_NO_XML: Final = "\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff\ud800-\udfff"
_ILLEGAL: Final = f"[{_NO_XML}]|_(?=x[0-9A-Fa-f]{{4}}[_{_NO_XML}])"
"""an underscore too that with what follows would be read as one of them: those are written with another"""
_SPACED: Final = re.compile(r"^\s|\s$|[\n\t]|  ")
_TEXTS: Final = rb"(?s)<(?:[^\s<>/:]+:)?(t|rPh)\b([^>]*?)(?:/>|>(.*?)</(?:[^\s<>/:]+:)?\1\s*>)"
_PLAIN_TEXT: Final = re.compile(rb'(?:<is>)?<t(?: xml:space="preserve")?>([^<&\r]*)</t>(?:</is>)?')
_VALUE: Final = re.compile(rb"<(?:[^\s<>/:]+:)?v(?:\s[^>]*)?>(.*?)</(?:[^\s<>/:]+:)?v\s*>", re.DOTALL)
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
"""&amp; last: what it leaves is no reference"""
_EPOCH: Final = datetime(1899, 12, 30)
_EPOCH_1904: Final = datetime(1904, 1, 1)
_DAY: Final = timedelta(days=1)
_MOMENT: Final = 0.6 / (24 * 60 * 60 * 1000)
"""days within which two moments are the same"""


def plain(value: Any) -> Plain:
    """A value of a frame as a cell can hold it: missing values of any kind are None, numpy scalars Python ones.

    Raises ValueError for an infinite number and TypeError for what no cell can hold.
    """
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, Formula):
        return Formula(value.text, plain(value.result))  # type: ignore[arg-type]
    if isinstance(value, Stays):
        return value
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if math.isinf(value):
            raise ValueError("an infinite number cannot be written")
        return None if math.isnan(value) else float(value)
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, np.datetime64):
        value = None if np.isnat(value) else value.astype("datetime64[us]").item()
    if isinstance(value, date) or value is None:
        return _naive(value)
    raise TypeError(f"{type(value).__name__} cannot be written")


def column(values: Any) -> list[Plain]:
    """The values of a column of a frame as cells can hold them: see `plain`."""
    found = values.tolist()
    if {*map(type, found)} <= _PLAIN and math.inf not in found and -math.inf not in found:
        return [None if value == "" or value != value else value for value in found]
    return [*map(plain, found)]


def _naive(moment: date | None) -> date | None:
    if isinstance(moment, datetime):
        if moment.tzinfo is not None:
            raise TypeError("a moment with a time zone cannot be written")
        return datetime(*moment.timetuple()[:6], moment.microsecond)
    return moment


def serial(day: date, date1904: bool) -> float:
    """The number Excel keeps for a day or a moment, in days.

    1900-01-01 to 1900-02-28 are one less than counting says: Excel believes in 1900-02-29.
    """
    moment = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)
    if date1904:
        return (moment - _EPOCH_1904) / _DAY
    days = (moment - _EPOCH) / _DAY
    return days - 1 if 1 < days < 61 else days


def is_day(value: Plain) -> TypeGuard[date]:
    """Whether a value is a day or a moment."""
    return isinstance(value, date)


def before_epoch(day: date, date1904: bool) -> bool:
    """Whether a day lies before those that Excel can count."""
    return serial(day, date1904) < (0 if date1904 else 1)


def number(value: float) -> str:
    """A finite number in the fewest digits that give it back."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def needs_quote(text: str) -> bool:
    """Whether a program could take this text for a formula when it is typed anew."""
    return text.startswith(FORMULA_STARTS)


def escape(text: str) -> str:
    """Text as the content of `<t>`: markup, and the characters XML cannot hold as Excel writes them (`_x000B_`)."""
    if "_x" in text or not text.isprintable():
        text = re.sub(_ILLEGAL, lambda found: f"_x{ord(found[0]):04X}_", text)
    return escape_formula(text)


def escape_formula(text: str) -> str:
    """A formula as the content of `<f>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def decode_text(text: str) -> str:
    """`_x000B_` and its like as the characters they stand for."""
    if "_x" not in text:
        return text
    found = re.sub(_ESCAPE, lambda one: chr(int(one[0][2:6], 16)), text)
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_surrogates(found) else found


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def too_long(text: str) -> bool:
    """Whether a text does not fit a cell."""
    return len(text) > MAX_TEXT // 2 and len(text.encode("utf-16-le", "surrogatepass")) > 2 * MAX_TEXT


def encode(value: Plain, where: str, style: int, *, prefix: str = "", date1904: bool = False, sheet: str = "") -> bytes:
    """The cell element at address `where` with a value and a style id. Nothing for an empty cell without a style."""
    p = prefix
    head = f'<{p}c r="{where}" s="{style}"' if style else f'<{p}c r="{where}"'
    if value is None or isinstance(value, Stays):
        return f"{head}/>".encode() if style else b""
    if isinstance(value, str):
        if too_long(value):
            raise Refused("text_too_long", sheet=sheet, cell=where, value=value[:40] + "…", length=len(value))
        spaced = (" " in value or not value.isprintable()) and _SPACED.search(value)
        space = ' xml:space="preserve"' if spaced else ""
        return f'{head} t="inlineStr"><{p}is><{p}t{space}>{escape(value)}</{p}t></{p}is></{p}c>'.encode()
    if isinstance(value, Formula):
        body = escape_formula(value.text.replace("{row}", where.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")))
        text = isinstance(value.result, str)
        shown = escape(str(value.result)) if text else number(float(value.result or 0))
        kind = ' t="str"' if text else ""
        return f"{head}{kind}><{p}f>{body}</{p}f><{p}v>{shown}</{p}v></{p}c>".encode()
    if isinstance(value, bool):
        return f'{head} t="b"><{p}v>{value:d}</{p}v></{p}c>'.encode()
    amount = value if isinstance(value, (int, float)) else serial(value, date1904)
    return f"{head}><{p}v>{number(amount)}</{p}v></{p}c>".encode()


def rich_text(inner: bytes) -> str:
    """The text of an `<is>` or `<si>` element's content: its runs joined, phonetic guides left out."""
    if plain := _PLAIN_TEXT.fullmatch(inner):
        return decode_text(plain[1].decode())
    found = re.findall(_TEXTS, inner)
    if not found:
        return ""
    text = "".join(_unwrap(content) for name, _, content in found if name == b"t")
    return decode_text(text)


def plain_texts(raws: Sequence[bytes]) -> list[str]:
    """The texts of many `<t>` elements from what stands between their tags: no markup, no carriage return."""
    return joined_texts(b"\0".join(raws)) if raws else []


def joined_texts(joined: bytes) -> list[str]:
    """The same, with a zero byte between two."""
    text = joined.decode()
    entities = text.count("&")
    if "_x" in text or (entities and entities != sum(map(text.count, _ENTITIES))):
        return [decode_text(unescape(one)) for one in text.split("\0")]
    if entities:
        for name, character in _ENTITIES.items():
            text = text.replace(name, character)
    return text.split("\0")


def _unwrap(content: bytes) -> str:
    text = content.decode()
    if "<![CDATA[" in text:
        parts = re.split(r"<!\[CDATA\[(.*?)\]\]>", text, flags=re.DOTALL)
        return "".join(part if i % 2 else unescape(part) for i, part in enumerate(parts))
    return unescape(text.replace("\r\n", "\n"))


class Mark(str):
    """The text of an Excel error ("#N/A") as the value of a cell."""

    __slots__ = ()


def decode(kind: bytes, inner: bytes, strings: Sequence[str]) -> Plain:
    """The value of a cell from its `t` and its content. A date is the number it is kept as; an error is a `Mark`."""
    found = _decoded(kind, inner)
    if kind != b"s" or found is None:
        return found
    place = int(str(found))
    if place < 0:
        raise IndexError(place)
    return strings[place] or None


@lru_cache(1 << 12)
def _decoded(kind: bytes, inner: bytes) -> Plain:
    """The same, for a shared string its place as a text."""
    if kind == b"inlineStr":
        return rich_text(inner) or None
    found = _VALUE.search(inner)
    if found is None or not found[1]:
        return None
    text = unescape(found[1].decode())
    if kind == b"s":
        return text
    if kind in (b"str", b"d"):
        return decode_text(text) or None
    if kind == b"b":
        return text.strip() in ("1", "true")
    if kind == b"e":
        return Mark(text)
    try:
        return float(text)
    except ValueError:
        return Mark(text)


def same(old: Plain, new: Plain, date1904: bool) -> bool:
    """Whether a cell that holds `old` need not be written to hold `new`."""
    if type(old) is type(new) and type(new) in _SIMPLE:
        return old == new
    if isinstance(old, Mark) or isinstance(new, Formula):  # the formula may be another
        return False
    if isinstance(new, date):
        new = serial(new, date1904)
        if isinstance(old, float):  # a moment that somebody typed is read to the millisecond, and stays as it is
            return abs(old - new) < _MOMENT
    if isinstance(new, bool) or isinstance(old, bool):
        return old is new
    if isinstance(new, int):
        new = float(new)
    return type(old) is type(new) and old == new
