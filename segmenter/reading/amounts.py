"""Numbers as people type them: thousands, currencies, 万 and 亿, Chinese numerals, accountants' negatives."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter.reading.column import Column, Distinct, Raw, is_empty, plain

# patterns are compiled when a text needs them: in most workbooks numbers are numbers
_PREFIX: Final = r"(?i)^(US\$|HK\$|NT\$|\$|€|£|USD|HKD|TWD|EUR|GBP|JPY|¥|RMB|CNY|人民币)\s*"
_SUFFIX: Final = (
    r"(?i)\s*(美元|美金|港元|港币|台币|欧元|英镑|日元|USD|HKD|TWD|EUR|GBP|JPY|RMB|CNY|人民币|元|圆|块钱?)整?$"
)
_OWN: Final = frozenset({"¥", "RMB", "CNY", "人民币", "元", "圆", "块", "块钱"})
_SAME: Final = {
    **dict.fromkeys(("US$", "美元", "美金"), "USD"),
    **dict.fromkeys(("HK$", "港元", "港币"), "HKD"),
    **dict.fromkeys(("NT$", "台币"), "TWD"),
    **dict.fromkeys(("€", "欧元"), "EUR"),
    **dict.fromkeys(("£", "英镑"), "GBP"),
    "日元": "JPY",
}
_UNIT: Final = r"(?i)\s*(?:次|单|笔|岁|天|个|人|件|位|times?|orders?|days?)$"
_NEGATIVE: Final = r"^(?:\((?P<a>.+)\)|[-−–△▲负]\s*(?P<b>.+)|(?P<c>.+)-)$"
_GROUPED: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?: \d{3})+(?:\.\d+)?"
_POINT: Final = r"\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}|\d*\.(?:\d{1,2}|\d{4,})"
"""beyond doubt: a comma separates thousands, or a point separates decimals"""
_COMMA: Final = r"\d{1,3}(?:\.\d{3})+,\d+|\d+,(?:\d{1,2}|\d{4,})"
"""beyond doubt: a comma separates decimals"""
_PLAIN: Final = r"(?i)(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_SCALE: Final = {
    **{"十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8, "k": 1e3, "w": 1e4, "m": 1e6},
    **{"萬": 1e4, "億": 1e8, "百万": 1e6, "千万": 1e7, "万亿": 1e12},
}
_SCALED: Final = r"(?i)([\d.,\s]*\d)\s*([十百千]?[万萬]亿?|[十百千亿億kwm])"
_NUMERALS: Final = ("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
_DIGITS: Final = {char: digit for digit, chars in enumerate(_NUMERALS) for char in chars}
_STEPS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_BLOCKS: Final = (("亿", 10**8), ("万", 10**4))


def plain_number(text: str) -> float:
    """The number that a text is as programs write it; NaN of any other, also of what Python alone takes for one (1_0,
    ２０)."""
    try:
        return float(text) if text.isascii() and "_" not in text else np.nan
    except ValueError:
        return np.nan


def chinese_number(text: str) -> float | None:
    """一千二百, 壹万, 三亿五千万, 一万五 (15 000), 二〇二四 as a number; None when it is no such numeral."""
    text = text.replace("億", "亿").replace("萬", "万")
    if text and all(char in _DIGITS for char in text):
        return float("".join(str(_DIGITS[char]) for char in text))
    value = _blocks(text)
    return None if value is None else float(value)


def _blocks(text: str, ends: bool = True) -> int | None:
    """A numeral with its 亿 and 万; `ends`: nothing follows it."""
    for block, worth in _BLOCKS:
        head, found, tail = text.rpartition(block) if block == "亿" else text.partition(block)
        if not found:
            continue
        many = _blocks(head, False) if head else None
        if many is None:
            return None
        if ends and len(tail) == 1 and _DIGITS.get(tail):
            return many * worth + _DIGITS[tail] * worth // 10
        rest = _blocks(tail, ends) if tail else 0
        return None if rest is None or rest >= worth else many * worth + rest
    return _section(text, ends)


def _section(text: str, ends: bool) -> int | None:
    """A numeral below 10 000: steps fall, each after its digit; a digit left over counts tens of the step before
    unless a zero stands between (一百五 is 150, 一百零五 is 105)."""
    total, digit, last, zero = 0, 0, 10_000, False
    for char in text:
        if char in _DIGITS and not digit:
            digit = _DIGITS[char]
            zero = zero or not digit
        elif (step := _STEPS.get(char, 0)) and step < last and (digit or (step == 10 and not total)):
            total, digit, last, zero = total + (digit or 1) * step, 0, step, False
        else:
            return None
    short = digit and not zero and last in (100, 1000)
    if not text or (short and not ends):
        return None
    return total + (digit * last // 10 if short else digit)


class _Typed(NamedTuple):
    """A typed number taken apart."""

    sign: int
    body: str
    """digits with their points and commas, or a Chinese numeral"""
    scale: float
    percent: bool
    currency: str
    """code of a foreign currency, or "" """


def _apart(text: str) -> _Typed:
    """Sign, currency and unit off, in whatever order they stand."""
    sign, currency = 1, ""
    for _ in range(2):  # ¥-300 as well as -¥300
        for mark in (_PREFIX, _SUFFIX):
            if found := re.search(mark, text):
                word = found[1].upper()
                currency = currency or ("" if word in _OWN else _SAME.get(word, word))
                text = text[: found.start()] + text[found.end() :]
        if sign > 0 and (found := re.match(_NEGATIVE, text)):
            sign, text = -1, found["a"] or found["b"] or found["c"]
    text = text.removeprefix("+") if sign > 0 else text
    if text.endswith("%"):
        return _Typed(sign, text[:-1].strip(), 1.0, True, currency)
    text = re.sub(_UNIT, "", text).strip()
    scaled = re.fullmatch(_SCALED, text)
    if scaled:
        return _Typed(sign, scaled[1].strip(), _SCALE[scaled[2].lower().replace("萬", "万")], False, currency)
    return _Typed(sign, text, 1.0, False, currency)


def _value(body: str, decimal_comma: bool) -> float | None:
    if decimal_comma and re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:,\d+)?", body):
        return float(body.replace(".", "").replace(",", "."))
    if re.fullmatch(_GROUPED, body):
        return float(body.replace(",", "").replace(" ", ""))
    return float(body) if re.fullmatch(_PLAIN, body) else chinese_number(body)


def numbers(column: NDArray[Any] | Raw, percent: bool = False) -> Column:
    """float64, NaN where empty; `percent`: whether 12% is a value (0.12) of this column.

    Raises Ambiguous("currency") for several currencies in one column and Ambiguous("decimal_comma") when its commas
    are decimal in one cell and separate thousands in another.
    """
    raw = Raw.of(column)
    if raw.cells.dtype == np.float64:
        endless = np.isinf(raw.cells)
        known = np.where(endless, np.nan, raw.cells) if endless.any() else raw.cells
        return Column(known, dict.fromkeys(np.flatnonzero(endless).tolist(), "not_a_number"))
    distinct = raw.distinct
    apart = {code: _apart(text) for code, text in distinct.texts().items() if text}
    _refuse_mixed(distinct, apart)
    comma = _first(code for code, one in apart.items() if re.fullmatch(_COMMA, one.body))
    point = _first(code for code, one in apart.items() if re.fullmatch(_POINT, one.body))
    if comma is not None and point is not None:
        raise distinct.ambiguous("decimal_comma", comma, point)

    def read(value: Any) -> tuple[float, str, str]:
        if isinstance(value, str):
            typed = _apart(plain(value))
            number = _value(typed.body, comma is not None)
            if number is None or (typed.percent and not percent):
                return np.nan, "not_a_number", ""
            number = typed.sign * number * typed.scale / (100 if typed.percent else 1)
            return (number, "", "number_as_text") if isfinite(number) else (np.nan, "not_a_number", "")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            return np.nan, "not_a_number", ""
        return float(value), "", ""

    return distinct.read(read, np.float64, np.nan)


def _first(codes: Iterable[int]) -> int | None:
    return next(iter(codes), None)


def _refuse_mixed(distinct: Distinct, apart: dict[int, _Typed]) -> None:
    """A column in a foreign currency is one throughout; numbers without any count as our own."""
    foreign = {code: one.currency for code, one in apart.items() if one.currency}
    if not foreign:
        return
    first = next(iter(foreign))
    for code, value in enumerate(distinct.values):
        if not is_empty(value) and foreign.get(code, "") != foreign[first]:
            raise distinct.ambiguous("currency", first, code)


def counts(column: NDArray[Any] | Raw) -> Column:
    """Whole numbers as float64, NaN where empty; a fraction is a problem."""
    read = numbers(column)
    broken = np.flatnonzero(np.isfinite(read.values) & (read.values != np.round(read.values)))
    values = read.values.copy()
    values[broken] = np.nan
    return Column(values, {**read.problems, **{int(i): "not_whole" for i in broken}}, read.notes)
