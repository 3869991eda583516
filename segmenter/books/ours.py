"""What tells the rows that `fill` writes from those that people typed: see `Table.always`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from segmenter import texts
from segmenter.books import Formula
from segmenter.books.cells import Plain, column
from segmenter.frames import Frame
from segmenter.schema import Table, fold, says_total
from segmenter.texts import DEFAULT, LANGS

_LABEL: Final = "dimension.label"
Always = Sequence[Mapping[str, Sequence[str]]]


def always(table: Table, written: Collection[str], frame: Frame | None = None) -> Always:
    """What no row of a table lacks that has the fields `written`, as far as a frame knows it."""
    found = table.always_with(written)
    if frame is None:
        return found
    known = with_own(found, lambda key: frame[key][:1] if key in frame else (), 1)
    return [one for one in known if _brings(frame, table, one)]


def with_own(always: Always, said: Callable[[str], Iterable[object]], times: int = 2) -> Always:
    """The same where labels may be of dimensions that people made themselves: in each field of the first that comes so
    often among what is `said` there. A label said once may be part of a remark, and a first row need not have any."""
    return [
        {key: [*names, *_own(said(key), times)] if _LABEL in names else names for key, names in one.items()}
        for one in always
    ]


def says(table: Table, always: Always, columns: Mapping[str, int], said: Callable[[int], object]) -> bool:
    """Whether a row has it and, where there are no keys, sums up no others. `said`: what stands in a column, `UNREAD`
    where that is not known."""
    about = said(columns[table.same[0]]) if table.same and table.same[0] in columns else None
    if isinstance(about, str) and says_total(about):
        return False
    return table.says(always, lambda key: said(columns[key]) if key in columns else None)


def least(table: Table, always: Always) -> int:
    """How many cells a row of ours has, at least: a key and what none lacks, which may be the key itself."""
    return 1 if any(table.key_field in one for one in always) else 2


def fields(always: Always, columns: Mapping[str, int]) -> set[int]:
    """The columns it may stand in."""
    return {columns[key] for one in always for key in one if key in columns}


def gone(table: Table, sheet: str) -> Mapping[str, str]:
    """What a row says that a frame lacks and that stays for what people typed beside it, by field, in the language of
    its sheet: so that it is known for one of ours when that is gone too."""
    lang = next((one for one in LANGS if fold(sheet) == fold(table.sheet[one])), DEFAULT)
    return {table.gone: texts.say("cell.departed", lang)} if table.gone else {}


def _own(labels: Iterable[object], times: int) -> Collection[str]:
    """What the labels of that dimension say, as names of such texts: it may end at either language's mark."""
    marks, count = [texts.say(_LABEL, lang, dimension="", level="") for lang in LANGS], Counter[str]()
    for label in filter(None, labels):  # most may be empty, where there are clusters alone
        parts = (str(label).strip().partition(mark) for mark in marks)
        names = [f"{_LABEL}:{dimension}" for dimension, found, _ in parts if found]
        count.update(names)
        if often := [name for name in names if count[name] >= times]:
            return often
    return ()


def _brings(frame: Frame, table: Table, one: Mapping[str, Sequence[str]]) -> bool:
    """Whether all rows of a frame say one thing."""
    first, *others = one
    values = column(frame[first])
    lacking = {value for value in {*values} if not table[first].could_say(_result(value), one[first])}
    if not lacking:
        return True
    rows = [row for row, value in enumerate(values) if value in lacking]
    columns = {key: column(frame[key]) for key in others if key in frame}
    return all(any(table[key].could_say(_result(columns[key][row]), one[key]) for key in columns) for row in rows)


def _result(value: Plain) -> Plain:
    return value.result if isinstance(value, Formula) else value
