"""The dashboard's blocks: fixed cells that its native Excel charts read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from pandas import DataFrame

from segmenter import frames, schema, texts, wording
from segmenter.advice import Review
from segmenter.rules import Rules
from segmenter.texts import Lang


def blocks(
    customers: DataFrame,
    segments: DataFrame,
    rules: Rules,
    as_of: date | None,
    start: date | None,
    found: int,
    clocks: Sequence[Review],
    lang: Lang,
) -> dict[str, DataFrame]:
    """Every block by table key, columns as in the schema. `found`: how many findings there are; `clocks`: the next
    reviews."""
    return {
        "board_facts": _facts(segments, rules, as_of, start, found, clocks, lang),
        "board_segments": _segments(segments, lang),
        "board_heat": _heat(customers, rules, lang),
        "board_pareto": _pareto(customers),
    }


def _facts(
    segments: DataFrame,
    rules: Rules,
    as_of: date | None,
    start: date | None,
    found: int,
    clocks: Sequence[Review],
    lang: Lang,
) -> DataFrame:
    window = ""
    if as_of and start:
        window = texts.say("board.window_value", lang, start=start + timedelta(days=1), end=as_of)
    people, amounts, shares = (segments[name].to_numpy() for name in ("customers", "amount", "amount_share"))
    place = {key: n for n, key in enumerate(segments["segment"].tolist())}
    rows: list[tuple[str, object]] = [
        (texts.say("board.as_of", lang), as_of.isoformat() if as_of else texts.say("cell.missing", lang)),
        (texts.say("board.window", lang), window),
        (texts.say("board.customers", lang), int(people.sum())),
        (texts.say("board.amount", lang, months=rules.window_months), float(amounts.sum())),
    ]
    for segment in [s for s in rules.segments if s.key in ("high_value", "at_risk")] or list(rules.segments[:2]):
        name = segment.name[lang]
        rows.append((texts.say("board.high_value", lang, name=name), int(people[place[segment.key]])))
        rows.append((texts.say("board.high_value_share", lang, name=name), float(shares[place[segment.key]])))
    rows.append((texts.say("board.findings", lang), found))
    if clocks:
        rows.append((texts.say("board.reviews", lang), " / ".join(f"{one.due:%m-%d}" for one in clocks)))
    return frames.of(rows, ("name", "value"))


def _segments(segments: DataFrame, lang: Lang) -> DataFrame:
    """As many rows as the block has; with more segments the last row holds the rest."""
    table = schema.table("board_segments")
    names, *figures = (segments["name" if key == "segment" else key].to_numpy() for key in table.keys)
    over = table.rows - 1
    if len(names) > table.rows:
        names = np.append(names[:over], [texts.say("board.rest", lang)])
        figures = [np.append(one[:over], one[over:].sum()) for one in figures]
    return DataFrame(dict(zip(table.keys, (names, *figures), strict=True)), copy=False)


def _heat(customers: DataFrame, rules: Rules, lang: Lang) -> DataFrame:
    """Mean M by R bin (rows) and F bin (columns); the first row names the F bins."""
    r_names, f_names = wording.r_bins(rules, lang), wording.f_bins(rules, lang)
    r, f, monetary = (customers[name].to_numpy() for name in ("r_bin", "f_bin", "monetary"))
    known = (r >= 0) & (f >= 0) & ~np.isnan(monetary)
    cell = (r * len(f_names) + f)[known]
    size = len(r_names) * len(f_names)
    counts = np.bincount(cell, minlength=size)
    means = (np.bincount(cell, monetary[known], size) / np.where(counts, counts, np.nan)).reshape(len(r_names), -1)
    columns = schema.table("board_heat").keys
    rows: list[list[object]] = [[None, *f_names]]
    for name, line in zip(r_names, means.tolist(), strict=True):
        rows.append([name, *(None if v != v else round(v, 2) for v in line)])
    return frames.of([row + [None] * (len(columns) - len(row)) for row in rows], columns)


def _pareto(customers: DataFrame) -> DataFrame:
    """Tenths of the customers from the dearest down: what each brings, and all so far."""
    amounts = np.sort(np.clip(np.nan_to_num(customers["monetary"].to_numpy(float)), 0, None))[::-1]
    cumulative = np.concatenate([[0.0], np.cumsum(amounts)])
    edges = [round(len(amounts) * tenth / 10) for tenth in range(11)]
    total = cumulative[-1] or 1.0
    reached = cumulative[edges]
    return DataFrame(
        {"customer_share": np.arange(1, 11) / 10, "amount": np.diff(reached), "amount_share": reached[1:] / total},
        copy=False,
    )
