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
    folded = [*map(_folded, names)]
    for lang in (first, *LANGS):
        wanted = _folded(table.sheet[lang])
        if wanted not in folded:
            continue
        found = folded.index(wanted)
        if table.key == CUSTOMERS.key:  # nor is a copy passed over in silence, or one in another language
            known = {_folded(name) for name in table.sheet.values()}
            others = [n for n, name in enumerate(folded) if name in known or _COPY.sub("", name) == wanted]
        else:
            others = [n for n, name in enumerate(folded) if name == wanted]
        for other in others:
            if other != found:
                raise Refused("sheet_tie", sheet=names[found], other=names[other])
        return found
    return None


def missing(names: Sequence[str], table: Table, lang: Lang) -> Refused:
    """The refusal of a workbook without a table's sheet: what there is, and what comes nearest (case A1)."""
    wanted = table.sheet[lang]
    return Refused("sheet_missing", value=wanted, found=", ".join(names), nearest=texts.nearest(wanted, names, 0.2))
