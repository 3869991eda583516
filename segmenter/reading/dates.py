"""Days as people type them, in any of the forms of an explicit list; what could be two days is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter.reading.column import Ambiguous, Column, Distinct, Raw, plain

EXCEL_EPOCH: Final = date(1899, 12, 30)
EARLY: Final = 1990
"""a day before this year is worth a second look (case B28)"""
BLANK: Final = np.datetime64("NaT", "s")

# patterns are compiled when a text needs them: in most workbooks days are days
_TIME: Final = (
    r"(?:[T\s]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?P<half>[AP]M)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_YMD: Final = r"(?i)^(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})\s*[日号號]?" + _TIME + "$"
_CLOCK: Final = r"(?i)[T\s](?P<hour>[01]?\d|2[0-3]):\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?P<half>[AP]M)?"
_PACKED: Final = r"^(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})$"
_YEAR_LAST: Final = r"(?i)^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4})" + _TIME + "$"
_SHORT: Final = r"(?i)^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,2})" + _TIME + "$"
_NO_YEAR: Final = r"^\d{1,2}\s*月\s*\d{1,2}\s*[日号號]?$"
_ROC: Final = r"^(?:民国|民國)(?P<y>\d{1,3})年(?P<m>\d{1,2})月(?P<d>\d{1,2})[日号號]?$"
_NAMED: Final = (
    r"^(?:(?P<m>[A-Za-z]{3,9})\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?,? |(?P<d2>\d{1,2})[ -](?P<m2>[A-Za-z]{3,9})\.?[ -])"
    r"(?P<y>\d{4})$"
)
_MONTH_NAMES: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS: Final = {
    name[:length]: number for number, name in enumerate(_MONTH_NAMES, 1) for length in range(3, len(name) + 1)
}

Found = tuple[date | None, str, str]
"""(day, problem, note)"""


def day_of(text: str) -> date:
    """The day a single text names beyond doubt; ValueError otherwise."""
    try:
        found = days(np.array([text], dtype=object)).values[0]
    except Ambiguous:
        raise ValueError(text) from None
    if np.isnat(found):
        raise ValueError(text)
    day: date = found.astype("datetime64[D]").item()
    return day


def days(column: NDArray[Any] | Raw) -> Column:
    """datetime64[s] at midnight, NaT where empty. The time of day and its zone are left off: the day is the one
    that was written. Raises Ambiguous("day_month"), ("short_year") or ("no_year") naming two cells."""
    raw = Raw.of(column)
    distinct = raw.distinct
    if raw.cells.dtype == object and set(map(type, distinct.values)) <= {date, datetime}:
        ordinals = np.array([*map(date.toordinal, distinct.values), 0]) - date(1970, 1, 1).toordinal()
        known = ordinals.astype("datetime64[D]").astype("datetime64[s]")
        known[-1] = BLANK
        found = known[distinct.codes]
        early = found < np.datetime64(date(EARLY, 1, 1), "s")
        notes = {"date_before_1990": (int(early.argmax()), int(early.sum()))} if early.any() else {}
        return Column(found, {}, notes)
    texts = distinct.texts()
    without = [code for code, text in texts.items() if re.match(_NO_YEAR, text)]
    if without:
        raise distinct.ambiguous("no_year", without[0], without[-1])
    year_last = {code: match for code, text in texts.items() if (match := re.match(_YEAR_LAST, text))}
    short = {code: match for code, text in texts.items() if code not in year_last and (match := re.match(_SHORT, text))}
    order, short_order = _order(distinct, year_last), _short_order(distinct, short)

    def read(value: Any) -> tuple[Any, str, str]:
        day, problem, note = _text(plain(value), order, short_order) if isinstance(value, str) else _cell(value)
        if day is not None and day.year < EARLY:
            note = "date_before_1990"
        return (BLANK if day is None else np.datetime64(day, "s")), problem, note

    return distinct.read(read, "datetime64[s]", BLANK)


def hours(column: NDArray[Any] | Raw) -> NDArray[np.float64]:
    """The hour of day (0..23) beside each day; NaN where there is none. A column of midnights has no times."""
    distinct = Raw.of(column).distinct
    found = np.array([*map(_hour, distinct.values), np.nan])[distinct.codes]
    return found if np.nansum(found) else np.full(len(found), np.nan)


def _hour(value: Any) -> float:
    if isinstance(value, datetime):
        return value.hour
    if isinstance(value, float) and 20000 <= value < 60000:
        return int(value % 1 * 24 + 1e-6)
    match = re.search(_CLOCK, plain(value)) if isinstance(value, str) else None
    if match is None:
        return np.nan
    hour, half = int(match["hour"]), (match["half"] or "").upper()
    return hour % 12 + 12 * (half == "PM") if half else hour


def _cell(value: Any) -> Found:
    """The day of a cell that is no text: a date, an Excel serial, milliseconds since 1970, or 20240102."""
    if isinstance(value, datetime):
        return value.date(), "", ""
    if isinstance(value, date):
        return value, "", ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None, "not_a_date", ""
    if 20000 <= value < 60000:
        return EXCEL_EPOCH + timedelta(days=int(value)), "", "date_serial"
    if 1e12 <= value < 4e12:
        return datetime.fromtimestamp(value / 1000, UTC).date(), "", "date_unix"
    packed = re.match(_PACKED, str(int(value))) if 0 < value < 1e8 and value == int(value) else None
    return _day(packed["y"], packed["m"], packed["d"]) if packed else (None, "not_a_date", "")


def _text(text: str, order: str, short_order: str) -> Found:
    """The day of a text; `order` ("dmy", "mdy") and `short_order` say how three short numbers are to be read."""
    for pattern in (_YMD, _PACKED):
        if found := re.match(pattern, text):
            return _day(found["y"], found["m"], found["d"])
    if found := re.match(_ROC, text):
        return _day(int(found["y"]) + 1911, found["m"], found["d"])
    if found := re.match(_NAMED, text):
        return _day(found["y"], _MONTHS.get((found["m"] or found["m2"]).lower(), 0), found["d"] or found["d2"])
    if found := re.match(_YEAR_LAST, text):
        return _day(found["y"], *((found["b"], found["a"]) if order == "dmy" else (found["a"], found["b"])))
    if found := re.match(_SHORT, text):
        return _short(found, short_order)
    return _cell(float(text)) if re.fullmatch(r"\d{5}|\d{13}", text) else (None, "not_a_date", "")


def _day(year: str | int, month: str | int, day: str | int) -> Found:
    try:
        return date(int(year), int(month), int(day)), "", "date_as_text"
    except ValueError:
        return None, "no_such_day", ""


def _short(found: re.Match[str], order: str) -> Found:
    parts = dict(zip(order, (found["a"], found["b"], found["c"]), strict=True))
    day, problem, note = _day(2000 + int(parts["y"]), parts["m"], parts["d"])
    return day, problem, note and "date_short_year"


def _order(distinct: Distinct, found: Mapping[int, re.Match[str]]) -> str:
    """Whether day or month comes first in dates that end in the year, from all of them together."""
    parts = {code: (int(match["a"]), int(match["b"])) for code, match in found.items()}
    day_first = [code for code, (a, _) in parts.items() if a > 12]
    month_first = [code for code, (_, b) in parts.items() if b > 12]
    if day_first and month_first:
        raise distinct.ambiguous("day_month", day_first[0], month_first[0])
    if day_first or month_first:
        return "dmy" if day_first else "mdy"
    odd = [code for code, (a, b) in parts.items() if a != b]
    if odd:
        raise distinct.ambiguous("day_month", odd[0], odd[-1])
    return "dmy"


def _short_order(distinct: Distinct, found: Mapping[int, re.Match[str]]) -> str:
    """Dates with a two-digit year: the one order that makes all of them days of 2010-2049."""
    fits = []
    for order in ("ymd", "dmy", "mdy"):
        days = [_short(match, order)[0] for match in found.values()]
        if all(day is not None and 2010 <= day.year < 2050 for day in days):
            fits.append(order)
    if found and len(fits) != 1:
        raise distinct.ambiguous("short_year", *[*found][:1], *[*found][-1:])
    return fits[0]
