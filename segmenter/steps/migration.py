"""Who moved between two analyses: from code to code, who came and who left (003-63, 003-64, 001-06).

A state is one analysis as `keep` and `standing` give it: index = customer key; customer_id, code ("111", "" without
one), segment (its name), amount (of the window). Cells are the moves counted: see `count`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import schema, texts
from segmenter.books import Grid
from segmenter.reading import headers, values
from segmenter.result import Migration
from segmenter.rules import CODES, Rules
from segmenter.schema import Table
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


def keep(customers: DataFrame, names: Mapping[str, str]) -> DataFrame:
    """The state of this analysis; `customers`: `Result.customers`, `names`: segment key -> name."""
    codes, distinct = pd.factorize(customers["segment"].to_numpy(object))
    found = {
        "customer_id": customers["customer_id"].to_numpy(object),
        "code": customers["code"].to_numpy(object),
        "segment": np.array([names[one] for one in distinct], dtype=object)[codes],
        "amount": customers["monetary"].to_numpy(float),
    }
    return _unique(_frame(found), customers["key"])


def standing(grid: Grid, table: Table, prefix: str = "") -> DataFrame:
    """The state that stands on a sheet: of table 2, or of the list of moves, whose columns of one side begin with
    `prefix`. Rows without an ID or a type are none: customers of earlier runs kept for somebody's notes."""
    row, columns = headers.locate(grid, table)
    cells = {key: grid.column(column, row + 1) for key, column in columns.items()}
    rows = len(cells["customer_id"])
    blank = np.full(rows, None, dtype=object)
    segment = _words(cells.get(f"{prefix}segment", blank))
    code = _codes(cells.get(f"{prefix}code", cells.get("rfm_text", blank)))
    amount = cells.get(f"{prefix}amount", cells.get("monetary", cells.get("m_text", blank)))
    ids = values.ids(cells["customer_id"]).values
    found = _frame({"customer_id": ids, "code": code, "segment": segment, "amount": values.numbers(amount).values})
    gone = ["", *(texts.say("cell.departed", lang) for lang in texts.LANGS)]
    found = found[(ids != "") & ~found["segment"].isin(gone)]
    return _unique(found, values.key_of(found["customer_id"]))


def _words(column: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(values.read(column, schema.RFM["segment"]).values, dtype=object)


def _codes(column: NDArray[Any]) -> NDArray[Any]:
    """111(高R/高F/高M) -> 111, also where it has become a number; "" for anything else."""
    at, distinct = pd.factorize(np.asarray(column, dtype=object))
    said = [f"{int(one):03d}" if isinstance(one, float) and one == one else str(one)[:3] for one in distinct]
    words: NDArray[Any] = np.array([*(one if one in CODES else "" for one in said), ""], dtype=object)
    return np.asarray(words[at])


def _unique(found: DataFrame, keys: pd.Series) -> DataFrame:
    found = found.set_axis(pd.Index(keys.to_numpy(object), name="key"))
    return found if found.index.is_unique else found[~found.index.duplicated()]


def moves(before: DataFrame, now: DataFrame) -> DataFrame:
    """Everybody of two states, those of before first in their order: customer_id, before_code, before_segment,
    before_amount, code, segment, amount (None and NaN where they were not there), change (see `label`)."""
    at = now.index.get_indexer(before.index)
    fresh = np.ones(len(now) + 1, dtype=bool)
    fresh[at] = False
    fresh[-1] = False
    come = np.flatnonzero(fresh)
    found: dict[str, NDArray[Any]] = {}
    for name in _COLUMNS:
        nothing: list[Any] = [np.nan if name == "amount" else None]
        then, later = before[name].to_numpy(), np.append(now[name].to_numpy(), nothing)
        if name == "customer_id":
            found[name] = np.append(then, later[come])
            continue
        found[f"before_{name}"] = np.append(then, nothing * len(come))
        found[name] = later[np.append(at, come)]
    (a, starts), (b, ends) = map(pd.factorize, _places(found))
    kinds = np.array([[label(start, end) for end in ends] for start in starts], dtype=object)
    return _frame({**found, "change": kinds[a, b] if len(a) else a})


def _frame(columns: Mapping[str, Any]) -> DataFrame:
    """Texts stay objects: turning a million of them into another kind and back takes seconds."""
    return DataFrame({k: pd.Series(v, dtype=float if v.dtype == float else object) for k, v in columns.items()})


def _places(found: Mapping[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where each customer comes from and goes to: a code, "" without one, ENTERED, LEFT."""
    start = np.where(pd.isna(found["before_segment"]), ENTERED, found["before_code"])
    end = np.where(pd.isna(found["segment"]), LEFT, found["code"])
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


def count(found: DataFrame) -> DataFrame:
    """Cells of `moves`: start, end (see `_places`), start_segment, end_segment, customers, before (their amount then),
    after (their amount now), lost (before less after), in the order of the codes."""
    start, end = _places(found)
    by = {"start": start, "end": end, "start_segment": found["before_segment"], "end_segment": found["segment"]}
    sums = {"before": found["before_amount"].fillna(0.0), "after": found["amount"].fillna(0.0)}
    grouped = DataFrame(sums).groupby([pd.Series(one, name=name).fillna("") for name, one in by.items()])
    cells = grouped.sum().round(2).assign(customers=grouped.size()).reset_index()
    return cells.assign(lost=cells["before"] - cells["after"])


def by_code(cells: DataFrame) -> DataFrame:
    """Cells without the segments: one row a start and end; `share` of those who started there, NaN below RATED."""
    found = cells.groupby(["start", "end"], as_index=False)[["customers", "before", "after", "lost"]].sum()
    started = found.groupby("start")["customers"].transform("sum")
    return found.assign(share=(found["customers"] / started).where(found["customers"] >= RATED))


def headline(cells: DataFrame) -> dict[str, dict[str, float]]:
    """By KINDS: customers, share (of everybody then; of everybody now for "entered"; NaN below RATED), before, after,
    lost."""
    found = by_code(cells)
    said = [kind(a, b) for a, b in zip(found["start"], found["end"], strict=True)]
    churn = pd.Series([is_churn(a, b) for a, b in zip(found["start"], found["end"], strict=True)], found.index, bool)
    then = int(found.loc[found["start"] != ENTERED, "customers"].sum())
    now = int(found.loc[found["end"] != LEFT, "customers"].sum())
    heads = {}
    for name in KINDS:
        rows = found[churn] if name == "churn" else found[np.array(said, dtype=object) == name]
        people = int(rows["customers"].sum())
        whole = now if name == ENTERED else then
        sums = {key: float(rows[key].sum()) for key in ("before", "after", "lost")}
        heads[name] = {"customers": people, "share": people / whole if people >= RATED else np.nan, **sums}
    return heads


def ranked(cells: DataFrame) -> DataFrame:
    """`by_code` without those who stayed, the dearest loss first."""
    found = by_code(cells)
    return found[found["start"] != found["end"]].sort_values(
        ["lost", "customers", "start", "end"], ascending=[False, False, True, True], kind="stable", ignore_index=True
    )


def matrix(cells: DataFrame, value: str) -> DataFrame:
    """A value of `by_code` with the starts down and the ends across: the eight codes from 111 on, then "" where
    somebody has none, then ENTERED down and LEFT across; NaN where nobody moved."""
    found = by_code(cells)
    none = [""] if ((found["start"] == "") | (found["end"] == "")).any() else []
    codes = [*CODES[::-1], *none]
    return found.pivot(index="start", columns="end", values=value).reindex(
        index=[*codes, ENTERED], columns=[*codes, LEFT]
    )


def sheets(found: Migration, rules: Rules, lang: Lang) -> dict[str, DataFrame]:
    """The blocks of 迁移矩阵 by table key, columns as in the schema."""
    cells = found.cells
    named = place_names(rules, lang)
    kinds = {name: texts.say(f"migration.kind.{name}", lang) for name in KINDS}
    heads, churn = headline(cells), texts.say("migration.of_these", lang, kind=kinds["churn"])
    period = texts.say("migration.period", lang, before=found.before, after=found.after)
    people = cells.loc[cells["end"] != LEFT, "customers"].sum()
    whole = {"name": period, "customers": people, **cells[["before", "after", "lost"]].sum().to_dict()}
    rows = ranked(cells)
    moved = {
        "move": [texts.say("migration.move", lang, start=named[a], end=named[b]) for a, b in _pairs(rows)],
        "start": [place_name(one, lang) for one in rows["start"]],
        "end": [place_name(one, lang) for one in rows["end"]],
        "change": [kinds[label(a, b)] for a, b in _pairs(rows)],
    }
    numbers = rows[["customers", "share", "before", "after", "lost"]]
    blocks = {
        "migration_heads": DataFrame(
            [whole, *({"name": said, **heads[key]} for key, said in {**kinds, "churn": churn}.items())]
        ),
        "migration_counts": _block(matrix(cells, "customers"), named, total=True),
        "migration_shares": _block(matrix(cells, "share"), named),
        "migration_ranked": DataFrame(moved).join(numbers),
    }
    blocks["migration_counts"].iat[-1, 0] = texts.say("migration.total", lang)
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


def _pairs(rows: DataFrame) -> list[tuple[str, str]]:
    return list(zip(rows["start"], rows["end"], strict=True))


def _block(table: DataFrame, named: Mapping[str, str], *, total: bool = False) -> DataFrame:
    """A matrix as a block: names down, one column a code, then without one and LEFT; sums where `total`."""
    full = table.reindex(index=[*CODES[::-1], "", ENTERED], columns=[*CODES[::-1], "", LEFT])
    full.columns = [*(f"to_{code}" for code in CODES[::-1]), "to_none", "to_left"]
    if total:
        full["total"] = full.sum(axis=1)
        full.loc["total"] = full.sum()
    full.insert(0, "start", [named.get(str(one), "") for one in full.index])
    return full


def _plain(found: DataFrame, table: Table) -> DataFrame:
    """Columns as in the schema, nothing where there is no number."""
    money = {field.key: 2 for field in table.fields if field.kind == "money"}
    found = found.reindex(columns=[field.key for field in table.fields]).round(money).astype(object)
    return found.where(found.notna(), None).reset_index(drop=True)


def listed(found: DataFrame, lang: Lang) -> DataFrame:
    """The rows of 客户迁移 for `moves`: the change in words, as many as a sheet holds."""
    words = {name: texts.say(f"migration.kind.{name}", lang) for name in KINDS}
    return found.assign(change=found["change"].map(words)).iloc[:ROWS]


def starting(state: DataFrame) -> DataFrame:
    """The rows of 客户迁移 for a state that nothing is compared with."""
    return state.reset_index(drop=True).reindex(columns=[field.key for field in schema.table("moves").fields])
