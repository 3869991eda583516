"""An analysis beside the ones before it: what the workbook remembers, and what it is to remember now.

Time runs forward: the list of moves (客户迁移) holds the latest date on record and the one it is compared with, so
that running the same date again compares with the same day. Before there is such a list, table 2 itself is what was.
An analysis of an earlier date only adds its lines to the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from segmenter import schema, texts
from segmenter.books import Grid
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import headers, intake, values
from segmenter.result import Migration, Result
from segmenter.rules import Rules
from segmenter.steps import history, migration
from segmenter.texts import Lang

if TYPE_CHECKING:
    from segmenter.steps.labels import Facets

MOVES: Final = schema.table("moves")
NO_LINES: Final = Frame({})
NO_TABLES: Final[Mapping[str, Frame]] = MappingProxyType({})


class Memory(NamedTuple):
    """What stands on the sheets that remember; None for one the workbook lacks."""

    history: Grid | None
    moves: Grid | None
    migration_heads: Grid | None
    rfm: Grid | None
    board_facts: Grid | None


class Followed(NamedTuple):
    """What this analysis adds: see the fields of `Result` of the same names."""

    history: Frame = NO_LINES
    migration: Migration | None = None
    state: Frame | None = None
    """everybody at the analysis compared with (`migration.standing`)"""
    extra: Mapping[str, Frame] = NO_TABLES
    findings: tuple[Finding, ...] = ()


class _Base(NamedTuple):
    """What this analysis is compared with, and what is to be kept of it before table 2 is written over."""

    day: date | None = None
    state: Frame | None = None
    kept: Mapping[str, Frame] = NO_TABLES
    findings: tuple[Finding, ...] = ()


def follow(
    memory: Memory,
    customers: Frame,
    segments: Frame,
    facets: Facets | None,
    rules: Rules,
    lang: Lang,
    as_of: date | None,
) -> Followed:
    """The history with this analysis in it, and who moved since the date before. Nothing without an as-of date, or
    where the setting is off."""
    if as_of is None or not rules.history:
        return Followed()
    for key in ("history", "moves", "migration_heads"):
        grid = getattr(memory, key)
        if grid is not None and not headers.holds(grid, schema.table(key)):
            return Followed(findings=(Finding("history_foreign", grid.sheet),))
    standing = lines(memory.history)
    names = dict(zip(segments["segment"].tolist(), segments["name"].tolist(), strict=True))
    base = _base(memory, standing, as_of, lang)
    found: Migration | None = None
    extra, findings = dict(base.kept), [*base.findings]
    if base.state is not None and base.day is not None:
        moved = migration.moves(base.state, migration.keep(customers, names))
        changed = _changed(standing, base.day, rules)
        found = Migration(base.day, as_of, migration.count(moved), same_rules=not changed)
        extra = {"moves": migration.listed(moved, lang), **migration.sheets(found, rules, lang)}
        findings += changed
    elif memory.moves is not None and as_of == _last(standing):
        extra = remembered(customers, names, lang)
    strengths = {}
    if facets:
        chosen = {one.dimension.key: one.dimension for one in facets.core}
        strengths = {history.called(chosen[key], lang): figure for key, figure in facets.separation.items()}
    mine = history.lines(segments, rules, as_of, base.day, strengths)
    joined = history.joined(standing, mine, as_of)
    return Followed(joined, found, base.state if found else None, {"history": joined, **extra}, tuple(findings))


def remembered(customers: Frame, names: Mapping[str, str], lang: Lang) -> dict[str, Frame]:
    """The list of moves before anybody moved: for a table 2 of formulas, which says something else as soon as what it
    reads has changed. `names`: segment key -> name."""
    return {"moves": migration.starting(migration.keep(customers, names), lang)}


def is_latest(result: Result) -> bool:
    """Whether no later date is on record, and this one is."""
    return result.as_of is not None and not result.history.empty and _last(result.history) == result.as_of


def _last(lines: Frame) -> date | None:
    return max((day for day in history.days(lines) if day), default=None)


def _base(memory: Memory, lines: Frame, as_of: date, lang: Lang) -> _Base:
    last = _last(lines)
    told, moves = shown(memory.board_facts), memory.moves
    start = _baseline(lines, as_of)
    if as_of == last and (start or moves is not None):  # again: with the day it was compared with before
        before = migration.standing(moves, MOVES, "before_") if moves is not None and start else None
        if start and (before is None or before.empty):
            params = {"day": start.isoformat()}
            return _Base(start, findings=(Finding("baseline_gone", MOVES.sheet[lang], params=params),))
        return _Base(start, before)
    full = moves is not None and moves.height > migration.ROWS  # then some who came are missing from the list
    if moves is not None and last and not (full and told == last):
        day, state = last, migration.standing(moves, MOVES)
    elif memory.rfm is not None and told and told != as_of:
        day, state = told, migration.standing(memory.rfm, schema.RFM)
    else:
        return _Base(start)
    if state.empty:
        return _Base(start)
    if as_of > day:
        return _Base(day, state)
    back = Finding("as_of_back", params={"as_of": as_of.isoformat(), "last": day.isoformat()})
    return _Base(start, kept={} if moves is not None else {"moves": migration.starting(state, lang)}, findings=(back,))


def _baseline(lines: Frame, as_of: date) -> date | None:
    """The date that the lines of `as_of` were compared with."""
    if "baseline" not in lines:
        return None
    cells = zip(history.days(lines), lines["baseline"].tolist(), strict=True)
    return next((day for line, cell in cells if line == as_of and (day := history.day_in(cell))), None)


def _changed(lines: Frame, start: date, rules: Rules) -> list[Finding]:
    """Whether the rules were others then; what is not on record is not held against them."""
    then = history.of(lines, start)
    marks = [one for one in then["fingerprint"] if isinstance(one, str) and one]
    mark = history.fingerprint(rules)
    if not marks or marks[0] == mark:
        return []
    said = {"then": str(then["rules"][0]), "now": rules.version, "mark_then": marks[0], "mark_now": mark}
    return [Finding("rules_changed", params={"day": start.isoformat(), **said})]


def lines(grid: Grid | None) -> Frame:
    """The lines of 细分历史, without what somebody typed among or below them, as signatures and their day, nor those
    of which the key alone is left; none where there is no such sheet, or one that is somebody else's."""
    if grid is None or not headers.holds(grid, schema.HISTORY):
        return Frame.of((), schema.HISTORY.keys)
    found = intake.as_typed(grid, schema.HISTORY)
    rest = zip(*(found[key].tolist() for key in found if key != "line"), strict=True)
    says = [not all(map(values.is_empty, one)) for one in rest]
    return found.at([n for n, key in enumerate(found["line"].tolist()) if history.is_line(key) and says[n]])


def mark(remembered: Frame, day: date) -> str:
    """The fingerprint of the rules of a day; "" where it is not on record."""
    return next((str(one) for one in history.of(remembered, day).get("fingerprint", ()) if one), "")


def figures(board: Grid | None) -> Mapping[str, Mapping[str, Any]]:
    """What 看板 says of the segments of the analysis before, by `fold`ed name."""
    _, *keys = schema.table("board_segments").keys
    found: dict[str, Mapping[str, Any]] = {}
    for row in board.head(200) if board is not None else ():
        for at, cell in enumerate(row):
            if isinstance(cell, str):
                found.setdefault(schema.fold(cell), dict(zip(keys, row[at + 1 :], strict=False)))
    return found


def shown(board: Grid | None) -> date | None:
    """The as-of date that stands on 看板: the one table 2 is of."""
    wanted = {schema.fold(texts.say("board.as_of", lang)) for lang in texts.LANGS}
    for row in board.head(200) if board is not None else ():
        for at, cell in enumerate(row):
            if isinstance(cell, str) and schema.fold(cell) in wanted:
                return next((history.day_in(one) for one in row[at + 1 :] if one is not None), None)
    return None
