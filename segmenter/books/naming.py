"""Which of a workbook's sheets is a table's, going by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from segmenter import texts
from segmenter.errors import Refused
from segmenter.schema import CUSTOMERS, Table, fold, tables
from segmenter.texts import LANGS, Lang

_COPY: Final = re.compile(r"\(\d+\)$")
_folded = lru_cache(1024)(fold)


def lang_of(names: Sequence[str]) -> Lang:
    """The language most sheets of ours are named in; Chinese when it is a tie."""
    known = {_folded(name) for name in names}
    counts = {lang: sum(_folded(table.sheet[lang]) in known for table in tables().values()) for lang in LANGS}
    return max(LANGS, key=lambda lang: counts[lang])


def find(names: Sequence[str], table: Table, first: Lang) -> int | None:
    """The position of a table's sheet: its name in the language `first`, otherwise in another; None when there is none.

    Refused when two sheets could be meant (cases A2, A3).
    """
    for lang in sorted(LANGS, key=lambda lang: lang != first):
        wanted = _folded(table.sheet[lang])
        found = [n for n, name in enumerate(names) if _folded(name) == wanted]
        copies = [n for n, name in enumerate(names) if _COPY.sub("", _folded(name)) == wanted]
        if len(found) > 1 or (found and len(copies) > 1 and table.key == CUSTOMERS.key):
            other = next(n for n in copies if n != found[0])
            raise Refused("sheet_tie", sheet=names[found[0]], other=names[other])
        if found:
            return found[0]
    return None


def missing(names: Sequence[str], table: Table, lang: Lang) -> Refused:
    """The refusal of a workbook without a table's sheet: what there is, and what comes nearest (case A1)."""
    wanted = table.sheet[lang]
    return Refused("sheet_missing", value=wanted, found=", ".join(names), nearest=texts.nearest(wanted, names, 0.2))
