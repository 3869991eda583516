"""Two filled workbooks compared: who moved between their analyses. Reads table 2 of both, computes nothing anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from segmenter import jobs, schema, settings, texts, timeline
from segmenter.books.file import FileBook
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.result import Migration
from segmenter.rules import Rules
from segmenter.steps import history, migration
from segmenter.texts import Lang

STRANGE: Final = 0.5
"""with a smaller share of the customers in both, they are hardly one shop at two times"""


@dataclass(frozen=True)
class Compared:
    """What came of it; `lang` is that of the newer workbook."""

    migration: Migration
    rules: Rules
    findings: tuple[Finding, ...]
    lang: Lang


@dataclass(frozen=True)
class _Filled:
    """One of the two, as it stands; `mark`: the fingerprint of the rules it was filled with, where it is on record."""

    day: date
    state: Frame
    rules: Rules
    lines: Frame
    mark: str


def compare(old: Path, new: Path, out: Path | None = None, saving: jobs.Saving = jobs.PLAIN) -> Compared:
    """Who moved from `old` to `new`; with `out`, a copy of `new` that has the sheets of it, and compares itself with
    `old` from now on. Refused("not_filled") names a workbook without results; what makes the comparison doubtful is a
    finding."""
    then = _read(FileBook(old))
    book = FileBook(new, out=out, **saving._asdict())
    now = _read(book)
    moved = migration.moves(then.state, now.state)
    findings = _doubts(then, now)
    same = not any(one.code == "compare_rules" for one in findings)
    found = Migration(then.day, now.day, migration.count(moved), same)
    if out:
        frames = {"moves": migration.listed(moved, book.lang), **migration.sheets(found, now.rules, book.lang)}
        with book:
            for key, frame in frames.items():
                book.write(schema.table(key), frame)
            if len(now.lines):
                mine = history.of(now.lines, found.after)
                mine = mine.assign(baseline=np.full(len(mine), found.before, dtype=object))
                book.write(schema.HISTORY, history.joined(now.lines, mine, found.after))
        if book.kept and not saving.keep_previous:
            findings.append(Finding("output_kept", value=out.name, params={"previous": book.kept.name}))
    return Compared(found, now.rules, tuple(findings), book.lang)


def _read(book: FileBook) -> _Filled:
    table_2, board = book.read(schema.RFM), book.read(schema.BOARDS[0])
    day = timeline.shown(board)
    state = migration.standing(table_2, schema.RFM) if table_2 is not None else Frame({})
    if day is None or state.empty:
        raise Refused("not_filled", path=book.name)
    lines = timeline.lines(book.read(schema.HISTORY))
    used = settings.read(book.read(schema.SETTINGS))[0]
    return _Filled(day, state, used, lines, timeline.mark(lines, day))


def _doubts(then: _Filled, now: _Filled) -> list[Finding]:
    """What makes the comparison say less than it seems to."""
    found = []
    if then.day >= now.day:
        found.append(Finding("compare_order", params={"before": then.day.isoformat(), "after": now.day.isoformat()}))
    first, second = history.decisive(then.rules), history.decisive(now.rules)
    differ = [key for key in {**first, **second} if first.get(key) != second.get(key)]
    marked = then.mark and now.mark
    if then.mark != now.mark if marked else differ:
        names = {lang: texts.say("report.and", lang).join(_named(key, lang) for key in differ) for lang in texts.LANGS}
        versions = {"then": then.rules.version, "now": now.rules.version}
        unnamed = texts.both("migration.unnamed")
        found.append(Finding("compare_rules", params={**versions, "settings": names if differ else unnamed}))
    both = len({*now.state["key"].tolist()} & {*then.state["key"].tolist()})
    smaller = min(len(then.state), len(now.state))
    if both < STRANGE * smaller:
        found.append(Finding("compare_strangers", params={"both": both, "smaller": smaller}))
    return found


def _named(key: str, lang: Lang) -> str:
    return texts.say("migration.segments", lang) if key == "segments" else settings.name_of(key, lang)
