"""What people type into table 3 beside targets, read: 执行周期, 开始日期, 当前进度, 负责人. The text stays."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from segmenter.reading.dates import day_of
from segmenter.rules import months_before
from segmenter.schema import fold

DIGITS: Final = {char: number for number, char in enumerate("零一二三四五六七八九十")} | {"两": 2}
_COUNT: Final = r"(?P<count>\d+|[一二三四五六七八九十两]+|半)"
_UNIT: Final = r"(?P<unit>天|日|周|星期|礼拜|月|季度|季|年|days?|weeks?|months?|quarters?|years?)"
WINDOW: Final = rf"(?:近|最近|未来|within|in|over)?{_COUNT}-?个?{_UNIT}(?:之内|以内|内)?"
_UNITS: Final = {"日": "day", "天": "day", "周": "week", "星": "week", "礼": "week", "月": "month", "季": "quarter"} | {
    "年": "year",
    **{word[0]: word for word in ("day", "week", "month", "quarter", "year")},
}
DAY: Final = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?"
# the two are compiled when a plan needs them
_OPEN: Final = r"持续|长期|常态|不限|每[天日周月季年]|ongoing|continuous|permanent|weekly|monthly|always"
_LATE: Final = r"(?i)延期|滞后|逾期|延误|超期|overdue|delay|late\b|behind"
_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


_PERCENT: Final = r"(\d+(?:\.\d+)?)\s*%"
_PART: Final = r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)"
_PLAIN: Final = r"\d+(?:\.\d+)?|\.\d+"
_PEOPLE: Final = r"[,，、;；/\n]+"
_LEFT: Final = r"(?i)未完成|剩余|还差|尚余|remaining|\bleft\b|to go"
_NOTHING: Final = r"(?i)未开始|未启动|尚未|待启动|not started|not yet"
_ALL: Final = r"(?i)^(已?(全部)?完成|完结|done|completed?|finished)[。.!！]?$"


class Period(NamedTuple):
    """So many days, weeks, months, quarters or years."""

    number: float
    unit: str

    def after(self, day: date) -> date:
        """The day this long after `day`; months end with the month (31 January + 1 month = 28 or 29 February)."""
        if self.unit in _DAYS:
            return day + timedelta(days=round(self.number * _DAYS[self.unit]))
        return months_before(day, -round(self.number * _MONTHS[self.unit]))


def period_of(found: re.Match[str]) -> Period:
    count, unit = found["count"], _UNITS[found["unit"][0]]
    if count == "半":
        return Period(6, "month") if unit == "year" else Period(0.5, unit)
    if count.isdigit():
        return Period(float(count), unit)
    tens, _, ones = count.partition("十")
    if "十" not in count:
        return Period(float(DIGITS[count[0]]), unit)
    return Period(float((DIGITS[tens[0]] if tens else 1) * 10 + (DIGITS[ones[0]] if ones else 0)), unit)


def day(cell: Any) -> date | None:
    """The day in a cell, None when it holds none that is beyond doubt."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = cell_text(cell)
    try:
        return day_of(text) if text else None
    except ValueError:
        return None


def due(period: Any, start: date | None) -> date | None:
    """The last day of a 执行周期 that begins on `start`: 1个月, 2周, 至2026-06-30; None when it goes on (持续) or its
    end cannot be told. The day itself still belongs to it."""
    text = fold(unicodedata.normalize("NFKC", cell_text(period)))
    if days := re.findall(DAY, text):
        return day(days[-1])
    if start is None or re.search(_OPEN, text):
        return None
    found = re.fullmatch(WINDOW, text)
    return period_of(found).after(start) if found else None


def begun(period: Any, start: Any) -> date | None:
    """The first day: the start date as typed, else the first of two days in the period (2026-03-01~2026-03-31)."""
    typed = day(start)
    days = re.findall(DAY, unicodedata.normalize("NFKC", cell_text(period)))
    return typed or (day(days[0]) if len(days) > 1 else None)


def progress_of(value: object) -> float | None:
    """How much is done (0..1): 已完成30%, 完成60%, 0.3, 3/10, 已完成, 未开始 (ruling C20); None when it cannot be told,
    as of 进行中."""
    text = unicodedata.normalize("NFKC", cell_text(value)).strip()
    if found := re.search(_PERCENT, text):
        share = float(found[1]) / 100
    elif (found := re.search(_PART, text)) and float(found[2]):
        share = float(found[1]) / float(found[2])
    elif re.fullmatch(_PLAIN, text):
        share = float(text) if float(text) <= 1 else float(text) / 100
    elif re.match(_ALL, text):
        share = 1.0
    elif re.search(_NOTHING, text):
        share = 0.0
    else:
        return None
    if re.search(_LEFT, text):
        share = 1 - share
    return min(max(share, 0.0), 1.0)


def said_late(value: object) -> bool:
    """Whether the progress says that it is late."""
    return bool(re.search(_LATE, cell_text(value)))


def cell_text(value: object) -> str:
    """A typed cell as text: "" where empty, whole numbers without decimals."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in ("NaT", "<NA>"):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()[:10]
    return str(value).strip()


def owners_of(cell: object) -> list[str]:
    """The people in an owner cell, as typed: 张三、李四 are two."""
    return [part.strip() for part in re.split(_PEOPLE, cell_text(cell)) if part.strip()]
