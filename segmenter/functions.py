"""Worksheet functions for Excel on Windows, through xlwings' open-source UDFs; array-first: one call serves a column.

The module to import in xlwings' add-in is `segmenter.functions`. The rules are those of `rules.toml`, or of a range
with the rows of a 设置 sheet (name, value) given as the last argument. Blank rows give blank rows. xlwings reads the
types of arguments as instructions: only those it knows may stand there, or be overruled in `xw.arg`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import xlwings as xw

from segmenter import rules, schema, settings, wording
from segmenter.frames import Frame
from segmenter.reading.dates import day_of
from segmenter.rules import CODES, Rules
from segmenter.steps import scale, score, segment
from segmenter.steps.rfm import groups
from segmenter.texts import DEFAULT, LANGS, Lang

Rows = list[list[Any]]
MEASURES: Final = {"R": "recency", "F": "frequency", "M": "monetary"}


@xw.func(category="Segmenter")
@xw.arg("customers", ndim=2)
@xw.arg("setting_rows", list, ndim=2)
@xw.ret(expand="table")
def SEG_RFM(  # noqa: N802 - the name analysts type
    customers: Rows, as_of: Any = None, setting_rows: Rows | None = None, lang: str = DEFAULT
) -> list[list[str]]:
    """Code, label and segment for rows of customer ID, recency in days or the date of the last order, orders, amount.
    Limits that come from the data (quantile, mean) come from these rows.

    ValueError when a date is given without `as_of`, or a cell cannot be read.
    """
    used, word = _rules(setting_rows), _lang(lang)
    day = _day(as_of)
    recency = np.array([_recency(_cell(row, 1), day) for row in customers], dtype=float)
    frequency, monetary = (np.array([_number(_cell(row, n)) for row in customers], dtype=float) for n in (2, 3))
    strangers = np.isnan(recency) & ~((frequency > 0) | (monetary > 0))
    columns = {"recency_days": recency, "frequency": frequency, "monetary": monetary, "without_orders": strangers}
    frame = Frame(columns)
    used = scale.fit(frame, used)
    scored = segment.assign(score.score(frame, used), used)
    names = wording.segment_names(used, word)
    rows = zip(scored["code"], groups(scored, word).tolist(), scored["segment"], strict=True)
    return [
        [code, group, names[key]] if any(cell not in (None, "") for cell in row) else ["", "", ""]
        for row, (code, group, key) in zip(customers, rows, strict=True)
    ]


@xw.func(category="Segmenter")
@xw.arg("codes", ndim=2)
@xw.ret(expand="table")
def SEG_NAME(codes: Rows, lang: str = DEFAULT) -> list[list[str]]:  # noqa: N802
    """The name of each code's class ("111" or 111), blank where a cell is no code."""
    used = rules.default()
    names = used.schemes[used.naming_scheme]
    return _each(codes, lambda text: names[text.zfill(3)][_lang(lang)] if text.zfill(3) in CODES else "")


@xw.func(category="Segmenter")
@xw.arg("segments", ndim=2)
@xw.ret(expand="table")
def SEG_STRATEGY(segments: Rows, lang: str = DEFAULT) -> list[list[str]]:  # noqa: N802
    """The strategy of each segment, by its name in either language; blank where there is no such segment."""
    used = rules.default()
    known = {schema.fold(one.key): one for one in used.segments} | {**used.named}

    def strategy(text: str) -> str:
        found = known.get(schema.fold(text))
        return found.text("strategy", _lang(lang)) if found else ""

    return _each(segments, strategy)


@xw.func(category="Segmenter")
@xw.arg("values", ndim=2)
@xw.arg("setting_rows", list, ndim=2)
@xw.ret(expand="table")
def SEG_LEVEL(  # noqa: N802
    values: Rows, measure: str, setting_rows: Rows | None = None, lang: str = DEFAULT
) -> list[list[str]]:
    """High, mid or low for each value of a measure: "R" in days, "F" in orders, "M" in money; ValueError otherwise.
    Limits that come from the data (quantile, mean) come from these values."""
    if measure.upper() not in MEASURES:
        raise ValueError(measure)
    numbers = np.array([[_number(cell) for cell in row] for row in values], dtype=float)
    used = scale.fit_measure(numbers[~np.isnan(numbers)], MEASURES[measure.upper()], _rules(setting_rows))
    limits, labels = (getattr(used, f"{MEASURES[measure.upper()]}_{part}") for part in ("bins", "labels"))
    found = (score.rising if measure.upper() == "R" else score.falling)(numbers, limits)
    words = [*(wording.level(label, _lang(lang)).strip() for label in labels), ""]
    return [[words[position] for position in row] for row in found.tolist()]


def _each(rows: Rows, word: Any) -> list[list[str]]:
    return [[word(_text(cell)) if cell not in (None, "") else "" for cell in row] for row in rows]


def _text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _cell(row: Sequence[Any], column: int) -> Any:
    return row[column] if column < len(row) else None


def _number(cell: Any) -> float:
    return float("nan") if cell in (None, "") else float(cell)


def _day(cell: Any) -> date | None:
    if cell in (None, ""):
        return None
    return cell.date() if isinstance(cell, datetime) else cell if isinstance(cell, date) else day_of(str(cell))


def _recency(cell: Any, day: date | None) -> float:
    if isinstance(cell, (date, str)) and cell != "":
        if day is None:
            raise ValueError("as_of")
        last = _day(cell)
        return float((day - last).days) if last else float("nan")
    return _number(cell)


def _lang(word: str) -> Lang:
    return next((one for one in LANGS if one == word), DEFAULT)


def _rules(rows: Rows | None) -> Rules:
    return _from(tuple((str(row[0]), row[1]) for row in rows if row[0])) if rows and rows[0][0] else rules.default()


@lru_cache(maxsize=8)
def _from(rows: tuple[tuple[str, Any], ...]) -> Rules:
    """The same range is handed over at every recalculation; reading it once is enough."""
    return settings.from_rows([(name, value, "") for name, value in rows], rules.default(), "")
