"""Who moved between two analyses: from code to code, who came and who left (003-63, 003-64, 001-06).

A state is one analysis as `keep` and `standing` give it: key (no two the same), customer_id, code ("111", "" without
one), segment (its name), amount (of the window). Cells are the moves counted: see `count`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, grouping, schema, texts
from segmenter.books import Grid
from segmenter.frames import Frame
from segmenter.reading import departed, headers, values
from segmenter.result import Migration
from segmenter.rules import CODES, Rules
from segmenter.schema import Field, Table
from segmenter.texts import Lang

ENTERED: Final = "entered"
"""where those come from who were not there before"""
LEFT: Final = "left"
"""where those go who are not there now"""
RATED: Final = 5
"""no share is quoted of a move that fewer customers made"""
ROWS: Final = 1_048_575
"""so many rows a sheet has below its header"""
KINDS: Final = ("same", "up", "down", "other", "churn", "entered", "left")
"""what a move can be; "churn", the way into loss (1?? to 0?1), is a part of the others"""
_COLUMNS: Final = ("customer_id", "code", "segment", "amount")
_NOBODY: Final = np.array(None, dtype=object)
"""the segment of who was not there"""


def keep(customers: Frame, names: Mapping[str, str]) -> Frame:
    """The state of this analysis; `customers`: `Result.customers`, `names`: segment key -> name."""
    codes, distinct = frames.distinct(customers["segment"])
    found = {
        "key": customers["key"],
        "customer_id": customers["customer_id"],
        "code": customers["code"],
        "segment": np.array([names[one] for one in distinct], dtype=object)[codes],
        "amount": customers["monetary"],
    }
    return _unique(Frame(found))


def standing(grid: Grid, table: Table, prefix: str = "") -> Frame:
    """The state that stands on a sheet: of table 2, or of the list of moves, whose columns of one side begin with
    `prefix`. Rows without an ID or a type are none: customers of earlier runs kept for somebody's notes; nor are those
    that tell neither group nor amount, or lack what no row of ours does, as a line of signatures."""
    row, columns = headers.locate(grid, table)
    cells = {key: grid.column(column, row + 1) for key, column in columns.items()}
    rows = len(cells["customer_id"])
    blank = np.full(rows, None, dtype=object)
    segment = _words(cells.get(f"{prefix}segment", blank))
    code = _codes(cells.get(f"{prefix}code", cells.get("rfm_text", blank)))
    amount = cells.get(f"{prefix}amount", cells.get("monetary", cells.get("m_text", blank)))
    ids = values.ids(cells["customer_id"]).values
    found = Frame({"customer_id": ids, "code": code, "segment": segment, "amount": values.numbers(amount).values})
    there = (ids != "") & ((code != "") | ~np.isnan(found["amount"]))
    lines = departed.says(grid, row + 1, columns, table, table.always_with(columns))
    there &= lines if lines.any() else True  # all of a table that people filled by hand may say it in their words
    for gone in ("", *(texts.say("cell.departed", lang) for lang in texts.LANGS)):
        there &= segment != gone
    if not there.all():
        found = found.at(there)
    return _unique(found.assign(key=values.keys(found["customer_id"])))


def _words(column: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(values.read(column, schema.RFM["segment"]).values, dtype=object)


def _codes(column: NDArray[Any]) -> NDArray[Any]:
    """111(高R/高F/高M) -> 111, also where it has become a number; "" for anything else."""
    at, distinct = frames.distinct(np.asarray(column, dtype=object))
    said = [f"{int(one):03d}" if isinstance(one, float) and one == one else str(one)[:3] for one in distinct]
    words: NDArray[Any] = np.array([*(one if one in CODES else "" for one in said), ""], dtype=object)
    return np.asarray(words[at])


def _unique(found: Frame) -> Frame:
    """The first row of every key."""
    codes, keys = frames.distinct(found["key"])
    return found if len(keys) == len(found) else found.at(grouping.firsts(codes, len(keys)))


def moves(before: Frame, now: Frame) -> Frame:
    """Everybody of two states, those of before first in their order: customer_id, before_code, before_segment,
    before_amount, code, segment, amount (None and NaN where they were not there), change (see `label`)."""
    at = grouping.places(before["key"], now["key"])
    fresh = np.ones(len(now) + 1, dtype=bool)
    fresh[at] = False
    fresh[-1] = False
    come = np.flatnonzero(fresh)
    found: dict[str, NDArray[Any]] = {}
    for name in _COLUMNS:
        nothing: list[Any] = [np.nan if name == "amount" else None]
        then, later = before[name], np.append(now[name], nothing)
        if name == "customer_id":
            found[name] = np.append(then, later[come])
            continue
        found[f"before_{name}"] = np.append(then, nothing * len(come))
        found[name] = later[np.append(at, come)]
    (a, starts), (b, ends) = map(frames.distinct, _places(found))
    kinds = np.array([label(start, end) for start in starts for end in ends], dtype=object)
    return Frame({**found, "change": kinds[a * len(ends) + b]})


def _places(found: Mapping[str, Any] | Frame) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where each customer comes from and goes to: a code, "" without one, ENTERED, LEFT."""
    start = np.where(found["before_segment"] == _NOBODY, ENTERED, found["before_code"])
    end = np.where(found["segment"] == _NOBODY, LEFT, found["code"])
    return start, end


def kind(start: str, end: str) -> str:
    """What going from `start` to `end` is: up when no digit falls and one rises, down the other way round, "other"
    when some rise and some fall or a code is missing."""
    if start == ENTERED or end == LEFT:
        return ENTERED if start == ENTERED else LEFT
    if start == end:
        return "same"
    if not start or not end:
        return "other"
    rises = any(a < b for a, b in zip(start, end, strict=True))
    falls = any(a > b for a, b in zip(start, end, strict=True))
    return "other" if rises and falls else "up" if rises else "down"


def is_churn(start: str, end: str) -> bool:
    """Whether the move is the way into loss: bought lately then, not now, and worth a lot (1?? to 0?1)."""
    return start[:1] == "1" and end in ("001", "011")


def label(start: str, end: str) -> str:
    """The one of KINDS that says most of a move."""
    return "churn" if is_churn(start, end) else kind(start, end)


def count(found: Frame) -> Frame:
    """Cells of `moves`: start, end (see `_places`), start_segment, end_segment, customers, before (their amount then),
    after (their amount now), lost (before less after), in the order of the codes."""
    coded = [frames.distinct(one) for one in (*_places(found), found["before_segment"], found["segment"])]
    sizes = [len(words) + 1 for _, words in coded]
    cell, distinct = frames.distinct(np.ravel_multi_index([codes + 1 for codes, _ in coded], sizes))
    places = np.unravel_index(distinct, sizes)
    named = [np.array(["", *words], dtype=object)[at].tolist() for (_, words), at in zip(coded, places, strict=True)]
    amounts = (np.nan_to_num(found[name]) for name in ("before_amount", "amount"))
    sums = [np.bincount(cell, one, len(distinct)).round(2).tolist() for one in amounts]
    rows = sorted(zip(*named, np.bincount(cell, minlength=len(distinct)).tolist(), *sums, strict=True))
    cells = Frame.of(rows, ("start", "end", "start_segment", "end_segment", "customers", "before", "after"))
    before, after = (cells[name].astype(np.float64) for name in ("before", "after"))
    return cells.assign(customers=cells["customers"].astype(np.int64), before=before, after=after, lost=before - after)


class Move(NamedTuple):
    """The way from one code to another: customers, and their amount then, now, and less now."""

    start: str
    end: str
    customers: int
    before: float
    after: float
    lost: float
    share: float
    """of those who started there; NaN below RATED"""


def by_code(cells: Frame) -> list[Move]:
    """Cells without the segments, in the order of start and end."""
    figures: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    started: Counter[str] = Counter()
    columns = (cells[name].tolist() for name in ("start", "end", "customers", "before", "after", "lost"))
    for start, end, *line in zip(*columns, strict=True):
        figures.setdefault((start, end), []).append(tuple(line))
        started[start] += line[0]
    found = []
    for (start, end), lines in sorted(figures.items()):
        people, before, after, lost = (math.fsum(column) for column in zip(*lines, strict=True))
        share = people / started[start] if people >= RATED else np.nan
        found.append(Move(start, end, int(people), before, after, lost, share))
    return found


def headline(cells: Frame) -> dict[str, dict[str, float]]:
    """By KINDS: customers, share (of everybody then; of everybody now for "entered"; NaN below RATED), before, after,
    lost."""
    found = by_code(cells)
    then = sum(one.customers for one in found if one.start != ENTERED)
    now = sum(one.customers for one in found if one.end != LEFT)
    heads = {}
    for name in KINDS:
        rows = [one for one in found if name in (kind(one.start, one.end), label(one.start, one.end))]
        people = sum(one.customers for one in rows)
        whole = now if _base(name) == "of_now" else then
        sums = {key: math.fsum(getattr(one, key) for one in rows) for key in ("before", "after", "lost")}
        heads[name] = {"customers": people, "share": people / whole if people >= RATED else np.nan, **sums}
    return heads


def _base(name: str) -> str:
    """Whom the share in a headline is of: those who come were not there then."""
    return "of_now" if name == ENTERED else "of_then"


def ranked(cells: Frame) -> list[Move]:
    """`by_code` without those who stayed, the dearest loss first."""
    moved = (one for one in by_code(cells) if one.start != one.end)
    return sorted(moved, key=lambda one: (-one.lost, -one.customers, one.start, one.end))


def matrix(cells: Frame, value: str) -> Frame:
    """A value of `by_code` with the starts down (column "start") and a column for every end: the eight codes from 111
    on, then "" where somebody has none, then ENTERED down and LEFT across; NaN where nobody moved."""
    found = {(one.start, one.end): getattr(one, value) for one in by_code(cells)}
    none = [""] if any("" in pair for pair in found) else []
    down, across = [*CODES[::-1], *none, ENTERED], [*CODES[::-1], *none, LEFT]
    counted = {end: np.array([found.get((start, end), np.nan) for start in down], dtype=float) for end in across}
    return Frame({"start": np.array(down, dtype=object), **counted})


def sheets(found: Migration, rules: Rules, lang: Lang) -> dict[str, Frame]:
    """The blocks of 迁移矩阵 by table key, columns as in the schema."""
    cells = found.cells
    named = place_names(rules, lang)
    kinds = {name: texts.say(f"migration.kind.{name}", lang) for name in KINDS}
    heads, moves_of = headline(cells), by_code(cells)
    said = {**kinds, "churn": texts.say("migration.of_these", lang, kind=kinds["churn"])}
    said = {key: texts.say(f"migration.{_base(key)}", lang, kind=one) for key, one in said.items()}
    whole = {
        "name": texts.say("migration.period", lang, before=found.before, after=found.after),
        "customers": sum(one.customers for one in moves_of),
        **{key: math.fsum(getattr(one, key) for one in moves_of) for key in ("before", "after", "lost")},
    }
    blocks = {
        "migration_heads": [whole, *({"name": one, **heads[key]} for key, one in said.items())],
        "migration_counts": _summed(_block(moves_of, "customers", named), texts.say("migration.total", lang)),
        "migration_shares": _block(moves_of, "share", named),
        "migration_ranked": [
            {
                **one._asdict(),
                "move": texts.say("migration.move", lang, start=named[one.start], end=named[one.end]),
                "start": place_name(one.start, lang),
                "end": place_name(one.end, lang),
                "change": kinds[label(one.start, one.end)],
            }
            for one in ranked(cells)
        ],
    }
    return {key: _plain(one, schema.table(key)) for key, one in blocks.items()}


def place_name(place: str, lang: Lang) -> str:
    """A code as it is; in words, who came, who left and who has none."""
    if place in CODES:
        return place
    return texts.say(f"migration.kind.{place}" if place else "migration.none", lang)


def place_names(rules: Rules, lang: Lang) -> dict[str, str]:
    """The same for every place, with the name of its class beside a code."""
    classes = rules.schemes[rules.naming_scheme]
    named = {code: f"{code} {classes[code][lang]}" for code in CODES}
    return named | {place: place_name(place, lang) for place in ("", ENTERED, LEFT)}


def _block(found: Sequence[Move], value: str, named: Mapping[str, str]) -> list[dict[str, Any]]:
    """A matrix as rows: names down, one column a code, then without one and LEFT."""
    at = {(one.start, one.end): getattr(one, value) for one in found}
    across = {**{f"to_{code}": code for code in CODES[::-1]}, "to_none": "", "to_left": LEFT}
    return [
        {"start": named[start], **{key: at.get((start, end)) for key, end in across.items()}}
        for start in (*CODES[::-1], "", ENTERED)
    ]


def _summed(rows: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """The rows with their sums beside and below."""
    beside = [{**row, "total": sum(one or 0 for key, one in row.items() if key != "start")} for row in rows]
    below = {key: sum(row[key] or 0 for row in beside) for key in beside[0] if key != "start"}
    return [*beside, {"start": name, **below}]


def _plain(rows: Sequence[Mapping[str, Any]], table: Table) -> Frame:
    """Columns as in the schema, nothing where there is no number."""

    def cell(value: Any, field: Field) -> Any:
        if value is None or value != value:
            return None
        return round(value, 2) if field.kind == "money" else value

    return Frame.of([[cell(row.get(field.key), field) for field in table.fields] for row in rows], table.keys)


def listed(found: Frame, lang: Lang) -> Frame:
    """The rows of 客户迁移 for `moves`: the change in words, as many as a sheet holds."""
    codes, kinds = frames.distinct(found["change"])
    words = np.array([texts.say(f"migration.kind.{name}", lang) for name in kinds], dtype=object)
    said = found.assign(change=words[codes])
    return said if len(said) <= ROWS else said.at(np.arange(ROWS))


def starting(state: Frame, lang: Lang) -> Frame:
    """The rows of 客户迁移 for a state that nothing is compared with: the change says so."""
    nothing, first = np.full(len(state), np.nan), np.full(len(state), texts.say("migration.alone", lang), dtype=object)
    found = state.assign(change=first)
    return Frame({key: found.get(key, nothing) for key in schema.table("moves").keys})
