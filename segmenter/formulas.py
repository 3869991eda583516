"""Table 2 as formulas over the customer sheet and the 设置 sheet, so that a changed threshold recalculates anywhere.

Only functions that Excel 2016, WPS and LibreOffice share. A customer whose numbers are not those of their row (taken
from orders, cleaned, merged, unknown) keeps values: a formula is written where it gives what Python gives. What
cannot change without a new fill is baked in: the number of bins, and the segment of each code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from segmenter import schema, settings, texts, wording
from segmenter.books import Book, Formula, Grid
from segmenter.cells import letter
from segmenter.frames import Frame
from segmenter.reading import headers
from segmenter.result import Result
from segmenter.rules import CODES, Rules
from segmenter.steps import segment
from segmenter.texts import Lang

ROW: Final = "{row}"
"""stands in a formula for the number of the row it is written to"""
_WILD: Final = re.compile(r"[*?~]")


@dataclass(frozen=True)
class _Sheets:
    """Where the formulas find things: cells of settings by key, columns of customers, columns of table 2."""

    settings: Mapping[str, str]
    customers: Mapping[str, str]
    """field key -> its column on the customer sheet as a range"""
    table: Mapping[str, str]
    """field key -> the cell in the same row of table 2"""


class _Customer(NamedTuple):
    """What is measured of a customer: fields of `Result.customers`."""

    customer_id: str
    code: str
    recency_days: float
    frequency: float
    monetary: float


def rfm(book: Book, result: Result) -> tuple[Frame, int]:
    """`result.rfm` with formulas where they give the same, and in how many rows."""
    grid, setting_grid = book.read(schema.CUSTOMERS), book.read(schema.SETTINGS)
    if (
        result.rules.scoring != "fixed"
        or grid is None
        or setting_grid is None
        or result.as_of is None
        or result.rfm.empty
    ):
        return result.rfm, 0
    header = headers.locate(grid, schema.CUSTOMERS)
    where = _Sheets(_settings(setting_grid), _columns(grid, header), _table(book))
    keys = ("recency_bins", "recency_labels", "frequency_bins", "frequency_labels", "monetary_bins", "monetary_labels")
    if any(key not in where.settings for key in keys) or "last_order_date" not in header.columns:
        return result.rfm, 0
    shared = _shared(where, result.rules, result.lang)
    day = _day(where, grid, header, result.as_of)
    people = map(_Customer, *(result.customers[name].tolist() for name in _Customer._fields))
    outcomes = zip(result.customers.index.tolist(), people, _outcomes(result), strict=True)
    rows: dict[int, dict[str, Formula]] = {}
    for place, (row, one, names) in enumerate(outcomes):  # table 2 has them in this order, the departed after them
        numbers = _numbers(one, grid.rows[row - 1], header.columns, where, day, result.as_of)
        if numbers is not None:
            rows[place] = {**numbers, **_texts(shared, names, where, result.lang)}
    columns = {}
    for column in where.table:
        if column == "customer_id" or column not in result.rfm:
            continue
        columns[column] = cells = np.array(result.rfm[column], dtype=object)
        for place, made in rows.items():
            if column in made:
                cells[place] = Formula(made[column].text, cells[place])
    return result.rfm.assign(**columns), len(rows)


def _settings(grid: Grid) -> dict[str, str]:
    """The cell of each setting by its key."""
    columns = headers.locate(grid, schema.SETTINGS)
    said = texts.keys()
    known = [name for name in Rules._fields if f"setting.{name}.name" in said]
    names = {schema.fold(settings.name_of(key, lang)): key for key in known for lang in texts.LANGS}
    found = {}
    for number, row in enumerate(grid.rows):
        cell = row[columns.columns["name"]] if columns.columns["name"] < len(row) else None
        key = names.get(schema.fold(cell)) if isinstance(cell, str) else None
        if key:
            found[key] = f"{_quoted(grid.sheet)}!${letter(columns.columns['value'])}${number + 1}"
    return found


def _quoted(sheet: str) -> str:
    return "'" + sheet.replace("'", "''") + "'"


def _columns(grid: Grid, header: headers.Header) -> dict[str, str]:
    first, last = header.row + 2, grid.height
    return {
        key: f"{_quoted(grid.sheet)}!${letter(column)}${first}:${letter(column)}${last}"
        for key, column in header.columns.items()
    }


def _table(book: Book) -> dict[str, str]:
    grid = book.read(schema.RFM)
    columns: Mapping[str, int] = {one.key: n for n, one in enumerate(schema.RFM.shown)}
    if grid is not None:
        columns = headers.locate(grid, schema.RFM).columns
    return {key: f"${letter(column)}{ROW}" for key, column in columns.items()}


def _day(where: _Sheets, grid: Grid, header: headers.Header, as_of: date) -> str:
    """The as-of date: the setting, else the last order on the customer sheet if it is that, else what Python found."""
    dates = [_date(_cell(row, header.columns["last_order_date"])) for row in grid.rows[header.row + 1 :]]
    last = max((one for one in dates if one is not None), default=None)
    fallback = f"DATE({as_of.year},{as_of.month},{as_of.day})"
    if last == as_of:
        fallback = f"MAX({where.customers['last_order_date']})"
    cell = where.settings.get("as_of")
    return f"IF(ISNUMBER({cell}),{cell},{fallback})" if cell else fallback


def _date(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


def _cell(row: Sequence[Any], column: int | None) -> Any:
    return row[column] if column is not None and column < len(row) else None


def _numbers(
    one: _Customer, row: Sequence[Any], columns: Mapping[str, int], where: _Sheets, day: str, as_of: date
) -> dict[str, Formula] | None:
    """R, F and M of a customer as formulas; None when their row does not say them as they were measured."""
    key = _cell(row, columns["customer_id"])
    last, orders = _date(_cell(row, columns["last_order_date"])), _cell(row, columns.get("frequency"))
    window, price = _cell(row, columns.get("window_amount")), _cell(row, columns.get("average_order_value"))
    if not isinstance(key, str) or key != one.customer_id or _WILD.search(key) or not one.code:
        return None
    if last is None or (as_of - last).days != one.recency_days or orders != one.frequency:
        return None
    at = f"MATCH({where.table['customer_id']},{where.customers['customer_id']},0)"

    def value(name: str) -> str:
        return f"INDEX({where.customers[name]},{at})"

    if isinstance(window, float):
        amount = f"ROUND({value('window_amount')},6)"
        same = round(window, 6) == one.monetary
    else:
        amount = f"ROUND({value('frequency')}*{value('average_order_value')},6)"
        same = window is None and isinstance(price, float) and round(orders * price, 6) == one.monetary
    if not same:
        return None
    return {
        "recency_days": Formula(f"{day}-INT({value('last_order_date')})"),
        "frequency": Formula(value("frequency")),
        "monetary": Formula(amount),
    }


def _part(cell: str, position: str) -> str:
    """The text at `position` (from 0) of a setting that lists several."""
    spread = cell
    for comma in texts.say("formula.commas", "zh"):
        spread = f'SUBSTITUTE({spread},"{comma}",",")'
    return f'TRIM(MID(SUBSTITUTE({spread},",",REPT(" ",99)),({position})*99+1,99))'


def _concat(key: str, lang: Lang, **holes: str) -> str:
    """A text of the catalogue as a formula, its holes filled by formulas."""
    pieces = re.split(r"\{(\w+)\}", texts.both(key)[lang])
    found = [holes[piece] if n % 2 else _text(piece) for n, piece in enumerate(pieces) if n % 2 or piece]
    return "&".join(found)


def _text(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _shared(where: _Sheets, rules: Rules, lang: Lang) -> dict[str, str]:
    """The formulas that are the same for every customer: bins and levels."""
    found = {}
    for name, short, column in (
        ("recency", "r", "recency_days"),
        ("frequency", "f", "frequency"),
        ("monetary", "m", "monetary"),
    ):
        cell, count = where.settings[f"{name}_bins"], len(getattr(rules, f"{name}_bins"))
        limits = f"VALUE({_part(cell, '{' + ','.join(map(str, range(count))) + '}')})"
        sign = ">" if short == "r" else "<"
        place = f"SUMPRODUCT(--({where.table[column]}{sign}{limits}))"
        each = [f"VALUE({_part(cell, str(n))})" for n in range(count)]
        names = _rising(each, lang) if short == "r" else _falling(each, short, lang)
        label = _part(where.settings[f"{name}_labels"], place)
        found[f"{short}_bin"] = f"CHOOSE({place}+1,{','.join(names)})"
        found[f"{short}_digit"] = f"IF({label}={_text(texts.say('word.low', lang))},0,1)"
        levels = {key: _text(wording.level(key, lang)) for key in ("low", "mid", "high")}
        low, mid = (_text(texts.say(f"word.{key}", lang)) for key in ("low", "mid"))
        found[f"{short}_level"] = (
            f"IF({label}={low},{levels['low']},IF({label}={mid},{levels['mid']},{levels['high']}))"
        )
    return found | {"classes": ",".join(_text(rules.schemes[rules.naming_scheme][code][lang]) for code in CODES)}


def _rising(limits: Sequence[str], lang: Lang) -> list[str]:
    """Names of bins with upper limits, as `wording.r_bins`."""
    names = [_concat("bin.r_first", lang, high=limits[0])]
    names += [_concat("bin.r_between", lang, low=f"({low}+1)", high=high) for low, high in pairwise(limits)]
    return [*names, _concat("bin.r_last", lang, low=limits[-1])]


def _falling(limits: Sequence[str], short: str, lang: Lang) -> list[str]:
    """Names of bins with lower limits, as `wording.f_bins` and `m_bins`."""
    names = [_concat(f"bin.{short}_first", lang, low=limits[0])]
    for upper, lower in pairwise(limits):
        name = _concat(f"bin.{short}_between", lang, low=lower, high=_below(upper))
        if short == "f":
            name = f"IF({upper}-1={lower},{_concat('bin.f_one', lang, low=lower)},{name})"
        names.append(name)
    return [*names, _concat(f"bin.{short}_last", lang, high=limits[-1], most=_below(limits[-1]))]


def _below(limit: str) -> str:
    """As `wording.below`."""
    return f"({limit}-IF({limit}=INT({limit}),1,0.01))"


def _outcomes(result: Result) -> Iterator[tuple[str, ...]]:
    """The segment each customer would have with each of the eight codes: their other columns decide with it."""
    names = wording.segment_names(result.rules, result.lang)
    columns = []
    for code in CODES:
        same = result.customers.assign(code=np.full(len(result.customers), code, dtype=object))
        columns.append([names[key] for key in segment.assign(same, result.rules)["segment"]])
    return zip(*columns, strict=True)


def _texts(shared: Mapping[str, str], names: Sequence[str], where: _Sheets, lang: Lang) -> dict[str, Formula]:
    """The other columns of a row. The code is read from the RFM group, which is the first to be worked out."""
    table = where.table
    group = table["rfm_text"]
    number = f"VALUE(LEFT({group},1))*4+VALUE(MID({group},2,1))*2+VALUE(MID({group},3,1))+1"
    days, orders = f'{table["recency_days"]}&""', f'{table["frequency"]}&""'
    amount = f'ROUND({table["monetary"]},4)&""'
    first = f"SUMPRODUCT(--({table['recency_days']}>VALUE({_part(where.settings['recency_bins'], '0')})))=0"
    digits = "&".join(shared[f"{short}_digit"] for short in "rfm")
    levels = {short: shared[f"{short}_level"] for short in "rfm"}
    found = {
        "r_text": f"IF({first},{_concat('cell.r_yes', lang, days=days)},{_concat('cell.r_no', lang, days=days)})",
        "f_text": _concat("cell.f", lang, count=orders),
        "m_text": _concat("cell.m", lang, amount=amount),
        "rfm_text": _concat("cell.rfm", lang, code=f"({digits})", **levels),
        "segment": f"CHOOSE({number},{','.join(map(_text, names))})",
        **{f"{short}_bin": shared[f"{short}_bin"] for short in "rfm"},
    }
    joint = _text(texts.say("why.joint", lang))
    values = {"r": days, "f": orders, "m": amount}
    why = [
        f'{_concat(f"why.{short}", lang, value=value)}&"→"&{table[f"{short}_bin"]}&"→"&TRIM({levels[short]})'
        f'&"→"&MID({group},{n},1)'
        for n, (short, value) in enumerate(values.items(), 1)
    ]
    end = f'LEFT({group},3)&"→"&{table["segment"]}'
    found |= {"class_name": f"CHOOSE({number},{shared['classes']})", "reason": f"&{joint}&".join([*why, end])}
    return {key: Formula(text) for key, text in found.items() if key in table}
