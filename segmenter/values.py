"""Cell values as people type them, read without guessing: numbers, dates, IDs, choices.

Each reader takes one column (1-D array: float64 with NaN for empty, or objects) and gives a `Column` back. What
cannot be read is a problem with a position, never a silent blank; where two readings are plausible the column as a
whole decides, and if it does not, the reader raises `Ambiguous` with two examples.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter import schema

EXCEL_EPOCH: Final = date(1899, 12, 30)
LONGEST_NUMBER: Final = 1e15
"""Excel keeps 15 digits: a longer ID stored as a number has lost its end already"""


class Ambiguous(Exception):
    """Two readings of a column are plausible; `positions` are two cells that show it."""

    def __init__(self, key: str, positions: Sequence[int]) -> None:
        super().__init__(key)
        self.key = key
        self.positions = tuple(positions)


@dataclass(frozen=True)
class Column:
    """One column read."""

    values: NDArray[Any]
    problems: Mapping[int, str] = field(default_factory=dict)
    """position -> finding code of a cell that holds something, but nothing we can use; its value is empty"""
    notes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """finding code -> (first position, count) of cells that were read, but not as they stand"""


def plain(text: str) -> str:
    """NFKC, without outer blanks and without characters that cannot be seen."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf").strip()


def is_empty(value: object) -> bool:
    """Whether a cell holds nothing anybody can see."""
    return value is None or value != value or (isinstance(value, str) and not plain(value))


@dataclass(frozen=True)
class _Distinct:
    """A column as codes into its distinct values (-1: nothing there); True and 1 are two values."""

    codes: NDArray[np.intp]
    values: list[Any]

    @classmethod
    def of(cls, column: NDArray[Any]) -> _Distinct:
        if bool not in set(map(type, column.tolist())):
            codes, found = pd.factorize(column)
            return cls(codes, list(found))
        known: dict[tuple[type, Any], int] = {}
        keys = [None if is_empty(v) else known.setdefault((type(v), v), len(known)) for v in column.tolist()]
        return cls(np.array([-1 if key is None else key for key in keys], dtype=np.intp), [value for _, value in known])

    def texts(self) -> dict[int, str]:
        """Code -> plain text, for the values that are text."""
        return {code: plain(value) for code, value in enumerate(self.values) if isinstance(value, str)}

    def ambiguous(self, key: str, *codes: int) -> Ambiguous:
        """The doubt, shown by the first cells that hold the values of `codes`."""
        return Ambiguous(key, [int((self.codes == code).argmax()) for code in codes])

    def read(self, read: Callable[[Any], tuple[Any, str, str]], dtype: Any, blank: Any) -> Column:
        """Every distinct value read once; `read` gives (value, problem, note)."""
        found = [(blank, "", "") if is_empty(value) else read(value) for value in self.values]
        results = np.empty(len(found) + 1, dtype=dtype)
        for position, (value, _, _) in enumerate([*found, (blank, "", "")]):
            results[position] = value
        bad = {code: problem for code, (_, problem, _) in enumerate(found) if problem}
        places = np.flatnonzero(np.isin(self.codes, list(bad))).tolist() if bad else []
        notes = {}
        for note in dict.fromkeys(note for _, problem, note in found if note and not problem):
            noted = np.isin(self.codes, [code for code, one in enumerate(found) if one[2] == note and not one[1]])
            notes[note] = (int(noted.argmax()), int(noted.sum()))
        return Column(results[self.codes], {place: bad[int(self.codes[place])] for place in places}, notes)


def empty(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Which cells hold nothing anybody can see."""
    if column.dtype == np.float64:
        return np.isnan(column)
    distinct = _Distinct.of(column)
    return np.array([*map(is_empty, distinct.values), True], dtype=bool)[distinct.codes]


# Numbers -------------------------------------------------------------------------------------------------------------

_CURRENCY = re.compile(
    r"^(?:(US\$|HK\$|NT\$|\$|€|£|USD|HKD|EUR|GBP|JPY)|¥|RMB|CNY|人民币)\s*"
    r"|\s*(?:(美元|港元|欧元|USD|HKD|EUR)|元|圆|RMB|CNY|人民币)$",
    re.IGNORECASE,
)
_UNIT = re.compile(r"\s*(?:次|单|笔|岁|天|个|人|件|位|times?|orders?|days?)$", re.I)
_NEGATIVE = re.compile(r"^(?:\((?P<a>.+)\)|[-−–△▲](?P<b>.+)|(?P<c>.+)-)$")
_GROUPED = re.compile(r"^\d{1,3}(?:,\d{3})+(?:\.\d+)?$|^\d{1,3}(?: \d{3})+(?:\.\d+)?$")
_THOUSANDS = re.compile(r"^\d{1,3}(,\d{3})+\.\d+$|^\d{1,3}(,\d{3}){2,}$")
_DECIMAL_COMMA = re.compile(r"^\d{1,3}(?:\.\d{3})+,\d+$|^\d+,(?:\d{1,2}|\d{4,})$")
_PLAIN = re.compile(r"^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$", re.I)
_SCALE: Final = {"百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8, "k": 1e3, "w": 1e4, "m": 1e6}
_SCALED = re.compile(r"^(.+?)\s*([百千万亿kwm])$", re.I)
_NUMERALS: Final = ("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
_DIGITS: Final = {char: digit for digit, chars in enumerate(_NUMERALS) for char in chars}
_STEPS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_BLOCKS: Final = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}


def chinese_number(text: str) -> float | None:
    """一千二百, 壹万, 三亿五千万 as a number; None when it is no such numeral."""
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _STEPS:
            section += (digit or 1) * _STEPS[char]
            digit = 0
        elif char in _BLOCKS:
            total = (total + section + digit) * _BLOCKS[char]
            section = digit = 0
        else:
            return None
    return float(total + section + digit) if text else None


def _unsigned(text: str, decimal_comma: bool) -> float | None:
    if decimal_comma and re.fullmatch(r"[\d.]*,?\d+", text):
        text = text.replace(".", "").replace(",", ".")
    elif _GROUPED.match(text):
        text = text.replace(",", "").replace(" ", "")
    if _PLAIN.match(text):
        return float(text)
    scaled = _SCALED.match(text)
    if scaled:
        number = _unsigned(scaled[1], decimal_comma)
        if number is not None:
            return number * _SCALE[scaled[2].lower()]
    return chinese_number(text)


def _number(text: str, decimal_comma: bool) -> float | None:
    """A number as typed; None when it is none."""
    text = _CURRENCY.sub("", _CURRENCY.sub("", plain(text)))
    negative = _NEGATIVE.match(text)
    if negative:
        inner = _number(negative["a"] or negative["b"] or negative["c"], decimal_comma)
        return None if inner is None else -inner
    if text.endswith("%"):
        share = _unsigned(text[:-1].strip(), decimal_comma)
        return None if share is None else share / 100
    return _unsigned(_UNIT.sub("", text), decimal_comma)


def numbers(column: NDArray[Any]) -> Column:
    """float64, NaN where empty. Raises Ambiguous("currency") for several currencies in one column and
    Ambiguous("decimal_comma") when its commas are decimal in one cell and separate thousands in another."""
    if column.dtype == np.float64:
        return Column(column)
    distinct = _Distinct.of(column)
    texts = distinct.texts()
    foreign = {
        code: (found[1] or found[2]).upper()
        for code, text in texts.items()
        if (found := _CURRENCY.search(text)) and (found[1] or found[2])
    }
    if foreign:
        first = next(iter(foreign))
        others = [
            c for c, value in enumerate(distinct.values) if not is_empty(value) and foreign.get(c) != foreign[first]
        ]
        if others:
            raise distinct.ambiguous("currency", first, others[0])
    bare = {code: _CURRENCY.sub("", _CURRENCY.sub("", text)) for code, text in texts.items()}
    comma = [code for code, text in bare.items() if _DECIMAL_COMMA.match(text)]
    grouped = [code for code, text in bare.items() if _THOUSANDS.match(text)]
    if comma and grouped:
        raise distinct.ambiguous("decimal_comma", comma[0], grouped[0])

    def read(value: Any) -> tuple[float, str, str]:
        if isinstance(value, bool):
            return np.nan, "not_a_number", ""
        if isinstance(value, (int, float)):
            return float(value), "", ""
        number = _number(value, bool(comma)) if isinstance(value, str) else None
        if number is None or not np.isfinite(number):
            return np.nan, "not_a_number", ""
        return number, "", "number_as_text"

    return distinct.read(read, np.float64, np.nan)


def counts(column: NDArray[Any]) -> Column:
    """Whole numbers as float64, NaN where empty; a fraction is a problem."""
    read = numbers(column)
    broken = np.flatnonzero(np.isfinite(read.values) & (read.values != np.round(read.values)))
    values = read.values.copy()
    values[broken] = np.nan
    return Column(values, {**read.problems, **{int(i): "not_whole" for i in broken}}, read.notes)


# Dates ---------------------------------------------------------------------------------------------------------------

_TIME = r"(?:[T\s]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?P<half>[AP]M)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
_YMD = re.compile(r"^(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?" + _TIME + "$", re.I)
_PACKED = re.compile(r"^(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})$")
_YEAR_LAST = re.compile(r"^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4})" + _TIME + "$", re.I)
_SHORT = re.compile(r"^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,2})" + _TIME + "$", re.I)
_NO_YEAR = re.compile(r"^\d{1,2}月\d{1,2}日?$")
_ROC = re.compile(r"^(?:民国|民國)(?P<y>\d{1,3})年(?:(?P<m>\d{1,2})月(?P<d>\d{1,2})日?)?$")
_NAMED = re.compile(
    r"^(?:(?P<m>[A-Za-z]{3,9})\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?,? |(?P<d2>\d{1,2})[ -](?P<m2>[A-Za-z]{3,9})\.?[ -])"
    r"(?P<y>\d{4})$"
)
_MONTHS: Final = {
    name: number for number, name in enumerate(re.findall("...", "janfebmaraprmayjunjulaugsepoctnovdec"), 1)
}


def _day(year: str | int, month: str | int, day: str | int) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def day_of(text: str) -> date:
    """The day a single text names beyond doubt; ValueError otherwise."""
    day, _, _ = _date(text, "")
    if day is None:
        raise ValueError(text)
    return day


def _date(value: Any, order: str) -> tuple[date | None, str, str]:
    """(day, problem, note) of one cell; `order` says how 3 short numbers are to be read ("dmy", "mdy", "ymd", "")."""
    if isinstance(value, datetime):
        return value.date(), "", ""
    if isinstance(value, date):
        return value, "", ""
    if isinstance(value, bool):
        return None, "not_a_date", ""
    if isinstance(value, (int, float)):
        if 20000 <= value < 60000:
            return EXCEL_EPOCH + timedelta(days=int(value)), "", "date_serial"
        if 1e12 <= value < 4e12:
            return datetime.fromtimestamp(value / 1000, UTC).date(), "", "date_unix"
        packed = _PACKED.match(str(int(value))) if value == int(value) and value < 1e8 else None
        day = _day(packed["y"], packed["m"], packed["d"]) if packed else None
        return (day, "", "date_as_text") if day else (None, "not_a_date", "")
    text = plain(str(value))
    for pattern in (_YMD, _PACKED):
        if found := pattern.match(text):
            day = _day(found["y"], found["m"], found["d"])
            return (day, "", "date_as_text") if day else (None, "no_such_day", "")
    if (found := _ROC.match(text)) and found["m"]:
        day = _day(int(found["y"]) + 1911, found["m"], found["d"])
        return (day, "", "date_as_text") if day else (None, "no_such_day", "")
    if found := _NAMED.match(text):
        month = _MONTHS.get((found["m"] or found["m2"])[:3].lower(), 0)
        day = _day(found["y"], month, found["d"] or found["d2"])
        return (day, "", "date_as_text") if day else (None, "no_such_day", "")
    if found := _YEAR_LAST.match(text):
        a, b = found["a"], found["b"]
        day = _day(found["y"], *((b, a) if order == "dmy" else (a, b)))
        return (day, "", "date_as_text") if day else (None, "no_such_day", "")
    if (found := _SHORT.match(text)) and order:
        parts = dict(zip(order, (found["a"], found["b"], found["c"]), strict=True))
        day = _day(2000 + int(parts["y"]), parts["m"], parts["d"])
        return (day, "", "date_short_year") if day else (None, "no_such_day", "")
    if re.fullmatch(r"\d{5}|\d{13}", text):
        return _date(float(text), order)
    return None, "not_a_date", ""


def _order(distinct: _Distinct, found: Mapping[int, re.Match[str]]) -> str:
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


def _short_order(distinct: _Distinct, found: Mapping[int, re.Match[str]]) -> str:
    """Dates with a two-digit year: the one order that makes all of them days of 2010-2049."""
    fits = []
    for order in ("ymd", "dmy", "mdy"):
        days = [_date(match[0], order)[0] for match in found.values()]
        if all(day is not None and 2010 <= day.year < 2050 for day in days):
            fits.append(order)
    if found and len(fits) != 1:
        raise distinct.ambiguous("short_year", *[*found][:1], *[*found][-1:])
    return fits[0]


def days(column: NDArray[Any]) -> Column:
    """datetime64[s] at midnight, NaT where empty. The time of day and its zone are left off: the day is the one
    that was written. Raises Ambiguous("day_month"), ("short_year") or ("no_year") naming two cells."""
    blank = np.datetime64("NaT", "s")
    if all(type(value) in (date, datetime) or value is None for value in column.tolist()[:1000]):
        try:
            return Column(np.array(column, dtype="datetime64[D]").astype("datetime64[s]"))
        except (ValueError, TypeError):
            pass  # something else further down: cell by cell
    distinct = _Distinct.of(column)
    texts = distinct.texts()
    without = [code for code, text in texts.items() if _NO_YEAR.match(text)]
    if without:
        raise distinct.ambiguous("no_year", without[0], without[-1])
    year_last = {code: match for code, text in texts.items() if (match := _YEAR_LAST.match(text))}
    short = {code: match for code, text in texts.items() if code not in year_last and (match := _SHORT.match(text))}
    order, short_order = _order(distinct, year_last), _short_order(distinct, short)

    def read(value: Any) -> tuple[Any, str, str]:
        is_short = isinstance(value, str) and not _YEAR_LAST.match(plain(value)) and _SHORT.match(plain(value))
        day, problem, note = _date(value, short_order if is_short else order)
        if day is not None and day.year < 1990:
            note = "date_before_1990"
        return (blank if day is None else np.datetime64(day, "s")), problem, note

    return distinct.read(read, "datetime64[s]", blank)


# Text ----------------------------------------------------------------------------------------------------------------

_WHOLE_FLOAT = re.compile(r"^(0|[1-9]\d*)\.0+$")
_SCIENTIFIC = re.compile(r"^\d(\.\d+)?[eE]\+?\d{2}$")


def ids(column: NDArray[Any]) -> Column:
    """IDs as text (object array, "" where empty): 00123 stays, 1001.0 is 1001. A number of 16 digits or more has
    lost its end in Excel: problem "id_too_long"."""

    def read(value: Any) -> tuple[str, str, str]:
        if isinstance(value, bool):
            return "", "not_an_id", ""
        if isinstance(value, (int, float)):
            if abs(value) >= LONGEST_NUMBER:
                return "", "id_too_long", ""
            return (str(int(value)), "", "") if value == int(value) else ("", "not_an_id", "")
        if isinstance(value, (date, datetime)):
            return "", "not_an_id", ""
        text = str(value)
        if _SCIENTIFIC.match(plain(text)):
            return "", "id_too_long", ""
        whole = _WHOLE_FLOAT.match(plain(text))
        if whole:
            return whole[1], "", ""
        return text, "", "" if plain(text) == text else "id_odd"

    return _Distinct.of(column).read(read, object, "")


def texts(column: NDArray[Any]) -> Column:
    """Text as it stands without outer blanks ("" where empty): NA, None, True are words like any other."""

    def read(value: Any) -> tuple[str, str, str]:
        if isinstance(value, str):
            return value.strip(" \u00a0\u3000\t\r\n\u200b\ufeff"), "", ""
        if isinstance(value, float) and value == int(value) and abs(value) < LONGEST_NUMBER:
            return str(int(value)), "", ""
        return str(value), "", ""

    return _Distinct.of(column).read(read, object, "")


def choices(column: NDArray[Any], name: str) -> Column:
    """The keys of a choice list ("" where empty); a word that is none of its values stays as typed and is noted."""
    known = {schema.fold(n): c.key for c in schema.choices(name) for n in (c.key, *c.name.values(), *c.aliases)}

    def read(value: Any) -> tuple[str, str, str]:
        key = known.get(schema.fold(value))
        return (key, "", "") if key else (str(value).strip(), "", "unknown_choice")

    return _Distinct.of(column).read(read, object, "")


def lists(column: NDArray[Any]) -> Column:
    """Lists such as 护肤品、服装、配饰, normalised to "、" between their parts."""

    def read(value: Any) -> tuple[str, str, str]:
        parts = [part.strip() for part in re.split(r"[、,，;；/|]", str(value))]
        return "、".join(part for part in parts if part), "", ""

    return _Distinct.of(column).read(read, object, "")


def read(column: NDArray[Any], field: schema.Field) -> Column:
    """The column as the kind of its field."""
    if field.kind == "choice":
        return choices(column, field.choices)
    readers = {"id": ids, "text": texts, "list": lists, "count": counts, "date": days}
    return readers.get(field.kind, numbers)(column)


def key_of(ids: pd.Series) -> pd.Series:
    """What makes two IDs the same: width, case and blanks do not matter."""
    codes, distinct = pd.factorize(ids)
    keys = np.array([schema.fold(one) for one in distinct] or [""], dtype=object)
    return pd.Series(keys[codes], index=ids.index)
