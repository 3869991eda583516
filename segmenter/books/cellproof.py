"""The part of the proof that compares two cells: whether one is what the other was, wherever they stand."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from segmenter.books import refs, translate
from segmenter.books.formulaproof import taken_apart
from segmenter.books.results import without_result
from segmenter.books.rowxml import ATTRIBUTE, FORMULA, Cell
from segmenter.books.sheetxml import Sheet
from segmenter.errors import Refused

_UNSAID: Final = frozenset(
    {(b"hidden", b"0"), (b"collapsed", b"0"), (b"outlineLevel", b"0"), (b"t", b"n"), (b"s", b"0")}
)
"""what a tag means that does not say it"""
_DIGITS: Final = re.compile("[0-9]+")
_TRUTHS: Final = {b"false": b"0", b"true": b"1"}


def alike(was: Sheet, old: Cell, now: Sheet, cell: Cell, *, rows: bool = True) -> bool:
    """Whether two cells are the same wherever they stand: content, style, what else their tags say, and formula, the
    rows that it reads aside or not. One that is written anew shares none: the cell that spells it out may be gone."""
    if cell.raw == old.raw:
        return True
    if not same_besides(old, now, cell):
        return False
    if old.formula is None or cell.formula is None:
        return old.formula == cell.formula
    if shares_anew(old, now, cell):
        return False
    return copied(was, old, now, cell) if rows else _outline(was, old) == _outline(now, cell)


def shares_anew(old: Cell, now: Sheet, cell: Cell) -> bool:
    """Whether a cell that is written otherwise has a formula that it shares. One of which only the result is another
    still shares what it shared: see `rowproof._unspelt`."""
    if cell.raw == old.raw or cell.formula is None or b"si" not in cell.formula[0]:
        return False
    return not (cell.where == old.where and cell.formula == old.formula and now.recalculated(cell))


def same_besides(old: Cell, now: Sheet, cell: Cell) -> bool:
    """Whether all of a cell is what it was, its place and its formula aside, and the result of that where it may be
    another."""
    if _rest(old) == _rest(cell):
        return True
    if not now.recalculated(cell):
        return False
    return _rest(old, bare=True) == _rest(cell, bare=True)


def _rest(cell: Cell, *, bare: bool = False) -> tuple[object, ...]:
    """All of a cell but its place and its formula; `bare`: and its result."""
    told, inner = said(cell.raw.partition(b">")[0]), FORMULA.sub(b"", cell.inner)
    if not bare:
        return cell.style, told, inner
    return cell.style, tuple(one for one in told if one[0] != b"t"), without_result(inner)


def copied(was: Sheet, old: Cell, now: Sheet, cell: Cell) -> bool:
    """Whether a cell's formula is another's as seen from its own place, of the same kind. What is no digit has to be
    the same besides: a word that is lost on the way would be so here too."""
    (before, kind), (after, is_now) = spelt(was, old), spelt(now, cell)
    try:
        seen = translate.moved(before, old.where, cell.where) if old.where != cell.where else before
    except Refused:
        return False
    return (seen, _DIGITS.sub("", before), kind) == (after, _DIGITS.sub("", after), is_now)


def spelt(sheet: Sheet, cell: Cell) -> tuple[str, object]:
    """A cell's formula as it stands there, and what kind of formula it is."""
    text, origin, kind = _told(sheet, cell)
    return translate.moved(text, origin, cell.where) if text and origin != cell.where else text, kind


def _outline(sheet: Sheet, cell: Cell) -> tuple[object, object]:
    """A cell's formula without the rows it reads on its own sheet, and what kind of formula it is."""
    text, kind = spelt(sheet, cell)
    return taken_apart(text, sheet.name).rest, kind


def _told(sheet: Sheet, cell: Cell) -> tuple[str, str, dict[bytes, object]]:
    """A cell's formula, the cell for which it is written, and what else is said of it: the cells of an array as seen
    from there."""
    attributes, text = cell.formula or ({}, "")
    origin = cell.where
    kind: dict[bytes, object] = {name: value for name, value in attributes.items() if name not in (b"ref", b"si")}
    if attributes.get(b"t") in (b"array", b"dataTable") and b"ref" in attributes:
        area = refs.told(attributes[b"ref"].decode())
        kind[b"ref"] = area._replace(top=area.top - cell.row, bottom=area.bottom - cell.row)
    if attributes.get(b"t") == b"shared":
        del kind[b"t"]
        text, origin = sheet.shared.get(attributes.get(b"si", b""), (text, origin))
    return text, origin, kind


def said(tag: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """What the tag of a row or a cell says besides its place; `spans` is only a hint."""
    head, found, tail = tag.partition(b' r="')
    return _attributes(head + tail[tail.find(b'"') + 1 :] if found else tag)


@lru_cache(1 << 10)
def _attributes(tag: bytes) -> tuple[tuple[bytes, bytes], ...]:
    found = ((one[1], one[2] if one[2] is not None else one[3]) for one in ATTRIBUTE.finditer(tag))
    plain = ((name, _TRUTHS.get(value, value)) for name, value in found if name not in (b"r", b"spans"))
    return tuple(sorted(one for one in plain if one not in _UNSAID))
