"""Cell values as people type them (cases B1-B5, B9-B15, B23-B28): read exactly, or refused, never guessed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter import schema
from segmenter.reading import dates, values
from segmenter.reading.amounts import chinese_number


def column(*cells: Any) -> np.ndarray[Any, Any]:
    found = np.empty(len(cells), dtype=object)
    found[:] = cells
    return found


def days(*cells: Any) -> list[date | None]:
    return values.days(column(*cells)).values.astype("datetime64[D]").tolist()


NUMBERS = [
    ("1200", 1200),  # B1
    (" 1200 ", 1200),
    ("+300", 300),
    ("１２３４．５", 1234.5),  # B10
    ("¥1,200", 1200),  # B11
    ("￥1200", 1200),
    ("RMB 1200", 1200),
    ("CNY1200", 1200),
    ("1200元", 1200),
    ("1200元整", 1200),
    ("1,234,567", 1234567),  # B12
    ("1 234", 1234),
    ("1，234", 1234),
    ("1,234.56", 1234.56),
    ("1.234", 1.234),
    ("1.2万", 12000),  # B13
    ("1.2万元", 12000),
    ("3亿", 3e8),
    ("2千", 2000),
    ("3百万", 3e6),
    ("1.5萬", 15000),
    ("5k", 5000),
    ("1w", 10000),
    ("一千二百", 1200),
    ("壹万", 10000),
    ("(300)", -300),  # B15
    ("（300）", -300),
    ("300-", -300),
    ("−300", -300),
    ("△300", -300),
    ("-¥300", -300),
    ("¥-300", -300),
    ("12次", 12),
    (".5", 0.5),
    ("1e3", 1000),
    (7, 7),
    (2.5, 2.5),
]


@pytest.mark.parametrize(("typed", "number"), NUMBERS, ids=[str(one) for one, _ in NUMBERS])
def test_a_number_however_typed(typed: Any, number: float) -> None:
    read = values.numbers(column(typed))
    assert read.values.tolist() == [pytest.approx(number)]
    assert not read.problems
    assert set(read.notes) == ({"number_as_text"} if isinstance(typed, str) else set())


@pytest.mark.parametrize(
    "typed",
    [
        "abc",
        "1,23,456",
        "(-300)",
        "--3",
        "3千5百",
        "百",
        "12%",
        "nan",
        "inf",
        "元",
        "1200/次",
        True,
        datetime(2024, 1, 1),
        float("inf"),
    ],
)
def test_what_is_no_number_is_a_problem_and_not_a_blank(typed: Any) -> None:
    read = values.numbers(column(typed, "5"))
    assert read.problems == {0: "not_a_number"}
    assert np.isnan(read.values[0]) and read.values[1] == 5


@pytest.mark.parametrize("blank", [None, "", "  ", "\u3000", "\u200b", float("nan")])
def test_what_nobody_can_see_is_empty(blank: Any) -> None:
    read = values.numbers(column(blank, "x"))
    assert read.problems == {1: "not_a_number"}
    assert values.empty(column(blank, "x", 0)).tolist() == [True, False, False]


def test_a_share_takes_percent_and_an_amount_does_not() -> None:  # B14
    rate, money = schema.CUSTOMERS["repurchase_rate"], schema.CUSTOMERS["total_amount"]
    assert values.read(column("12%", 0.12), rate).values.tolist() == [0.12, 0.12]
    assert values.read(column("12%"), money).problems == {0: "not_a_number"}


@pytest.mark.parametrize(
    ("cells", "key", "positions"),
    [
        (["¥5", "$5"], "currency", (1, 0)),
        (["-$5", "6"], "currency", (0, 1)),
        (["5美元", 6.0], "currency", (0, 1)),
        (["1.234,56", "1,234.56"], "decimal_comma", (0, 1)),
        (["1.234,56", "12.5"], "decimal_comma", (0, 1)),
        (["-1,5", "¥1,234,567"], "decimal_comma", (0, 1)),
    ],
)
def test_two_readings_are_refused_with_two_cells(cells: list[Any], key: str, positions: tuple[int, int]) -> None:
    with pytest.raises(values.Ambiguous) as doubt:
        values.numbers(column(*cells))
    assert (doubt.value.key, doubt.value.positions) == (key, positions)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["$5", "US$6"], None),
        (["5美元", "USD 6"], [5, 6]),
        (["1.234,56", "1,234", "7"], [1234.56, 1.234, 7]),  # the column's commas are decimal
        (["1,5", "2"], [1.5, 2]),
    ],
)
def test_a_column_decides_as_a_whole(cells: list[Any], numbers: list[float] | None) -> None:
    if numbers is None:
        with pytest.raises(values.Ambiguous):
            values.numbers(column(*cells))
    else:
        assert values.numbers(column(*cells)).values.tolist() == numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("三亿五千万", 350_000_000),
        ("一万五", 15_000),
        ("一万零五", 10_005),
        ("一百五", 150),
        ("一百零五", 105),
        ("一千零五十", 1050),
        ("十五", 15),
        ("二十", 20),
        ("贰佰叁拾", 230),
        ("二〇二四", 2024),
        ("一万亿", 10**12),
        ("零", 0),
        ("一千千", None),
        ("一百五万", None),
        ("万", None),
        ("", None),
        ("五月", None),
    ],
)
def test_chinese_numerals(text: str, number: int | None) -> None:
    assert chinese_number(text) == number


def numeral(number: int) -> str:
    """A number below 10^12 as a Chinese numeral, the plain textbook way."""
    if number == 0:
        return ""
    for worth, block in ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if number >= worth:
            head, rest = divmod(number, worth)
            zero = "零" if 0 < rest < worth // 10 else ""
            return (numeral(head) if worth >= 10**4 else "零一二三四五六七八九"[head]) + block + zero + numeral(rest)
    return "零一二三四五六七八九"[number]


@given(st.integers(1, 10**12 - 1))
def test_every_chinese_numeral_comes_back(number: int) -> None:
    assert chinese_number(numeral(number)) == number


FORMS = ["{:,}", "{}", "¥{:,}", "{:,}元", "RMB {}", "{}.0", "{:,}.00"]


@given(st.integers(0, 10**14), st.sampled_from(FORMS), st.sampled_from(["{}", "-{}", "({})", "{}-", "△{}"]))
def test_every_whole_number_comes_back(number: int, form: str, sign: str) -> None:
    read = values.numbers(column(sign.format(form.format(number))))
    assert read.values[0] == (number if sign == "{}" else -number)


@given(st.integers(0, 10**9), st.sampled_from([("万", 10**4), ("亿", 10**8), ("千", 1000), ("k", 1000)]))
def test_every_unit_multiplies(number: int, unit: tuple[str, int]) -> None:
    assert values.numbers(column(f"{number}{unit[0]}")).values[0] == number * unit[1]


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_float_comes_back(number: float) -> None:
    assert values.numbers(column(f"{number:.4f}")).values[0] == float(f"{number:.4f}")


def test_a_count_is_whole() -> None:
    read = values.counts(column(12.0, 2.5, "3次"))
    assert read.problems == {1: "not_whole"}
    assert read.values[[0, 2]].tolist() == [12, 3]


# Dates ---------------------------------------------------------------------------------------------------------------

FORMS_OF_A_DAY = [
    *("2024-1-2", "2024/1/2", "2024.1.2", "2024年1月2日", "2024年1月2号", "20240102", "2024-01-02 08:26:00"),
    *("Jan 2 2024", "Jan 2, 2024", "2 January 2024", "2-Jan-2024", "２０２４－０１－０２", "民国113年1月2日"),
    *("2024-01-02T23:59:59Z", "2024-01-02 23:59:59+08:00", "45293", 45293.0, 20240102.0, 1704153600000.0),
    *(date(2024, 1, 2), datetime(2024, 1, 2, 23, 59)),
]


@pytest.mark.parametrize("typed", FORMS_OF_A_DAY, ids=str)
def test_a_day_however_typed(typed: Any) -> None:
    assert days(typed) == [date(2024, 1, 2)]


def test_how_a_day_was_read_is_noted() -> None:
    read = values.days(column(45293.0, "2024-01-02", 1704153600000.0, "24/1/2", date(1980, 1, 1)))
    assert {key: first for key, (first, _) in read.notes.items()} == {
        "date_serial": 0,
        "date_as_text": 1,
        "date_unix": 2,
        "date_short_year": 3,
        "date_before_1990": 4,
    }
    assert values.days(column(date(1980, 1, 1), None)).notes == {"date_before_1990": (0, 1)}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("2024-02-30", "no_such_day"),  # B27
        ("1900-02-29", "no_such_day"),
        ("2024-13-01", "no_such_day"),
        ("20240230", "no_such_day"),
        (0.0, "not_a_date"),
        (60.0, "not_a_date"),
        (-5.0, "not_a_date"),
        (1e300, "not_a_date"),
        (True, "not_a_date"),
        ("yesterday", "not_a_date"),
        ("now", "not_a_date"),
        ("2024", "not_a_date"),
        ("2024-01", "not_a_date"),
        ("民国113年", "not_a_date"),
        ("Decoy 2 2024", "no_such_day"),
    ],
)
def test_what_is_no_day_is_a_problem(typed: Any, code: str) -> None:
    assert values.days(column(typed)).problems == {0: code}
    below = values.days(column(*[datetime(2024, 1, 2)] * 1200, typed))
    assert below.problems == {1200: code}, "also below a thousand true dates"


@pytest.mark.parametrize(
    ("cells", "key"),
    [
        (["01/02/2024", "03/04/2024"], "day_month"),
        (["13/02/2024", "02/13/2024"], "day_month"),
        (["1月2日"], "no_year"),
        (["01/02/03"], "short_year"),
    ],
)
def test_a_day_that_could_be_two_is_refused(cells: list[str], key: str) -> None:
    with pytest.raises(values.Ambiguous) as doubt:
        days(*cells)
    assert doubt.value.key == key


def test_other_cells_say_which_number_is_the_day() -> None:
    assert days("13/02/2024", "01/02/2024") == [date(2024, 2, 13), date(2024, 2, 1)]
    assert days("02/13/2024", "01/02/2024") == [date(2024, 2, 13), date(2024, 1, 2)]
    assert days("24/1/2", "24/1/20") == [date(2024, 1, 2), date(2024, 1, 20)]


@pytest.mark.parametrize("text", ["01/02/2024", "24/1/2/3", "", "1月2日", "31/02/2024"])
def test_a_single_day_is_beyond_doubt_or_refused(text: str) -> None:
    with pytest.raises(ValueError):
        values.day_of(text)
    assert values.day_of("2024-01-02") == values.day_of("45293") == date(2024, 1, 2)


@given(
    st.dates(date(1990, 1, 1), date(2049, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%d %b %Y", "%B %d, %Y"]),
)
def test_every_day_comes_back(day: date, form: str) -> None:
    assert days(day.strftime(form)) == [day]


# Text ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("00123", "00123"),  # B2
        ("17850.0", "17850"),
        (1001.0, "1001"),  # B4
        (999_999_999_999_999.0, "999999999999999"),
        ("1E05", "1E05"),
        ("2e10", "2e10"),
        ("0.5", "0.5"),
        ("110101199003077771", "110101199003077771"),
        ("NA", "NA"),  # B9
        ("Ｃ００１", "Ｃ００１"),
        (None, ""),
    ],
)
def test_an_id_stays_what_was_typed(cell: Any, text: str) -> None:
    read = values.ids(column(cell, "x"))
    assert read.values.tolist() == [text, "x"]
    assert not read.problems


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (110101199003077771.0, "id_too_long"),  # B3
        (1e15, "id_too_long"),
        ("1.23E+17", "id_too_long"),
        (1001.5, "not_an_id"),
        (True, "not_an_id"),
        (datetime(2024, 1, 2), "not_an_id"),
    ],
)
def test_a_damaged_id_is_a_problem(cell: Any, code: str) -> None:
    assert values.ids(column("A", cell)).problems == {1: code}


def test_ids_are_compared_by_what_people_mean() -> None:  # B5
    forms = ["C001", "c001", " C001", "Ｃ００１", "C001\u200b", "C 001", "C\u00a0001"]
    assert set(values.keys(np.array(forms, dtype=object))) == {"c001"}
    assert values.ids(column(*forms)).notes == {"id_odd": (2, 5 - 1)}
    assert values.keys(np.array(["Straße", "x"], dtype=object)).tolist() == ["strasse", "x"]


@given(st.lists(st.text(), min_size=1))
def test_any_text_stays_text(cells: list[str]) -> None:
    read = values.texts(column(*cells))
    assert not read.problems
    for cell, text in zip(cells, read.values, strict=True):
        assert text == ("" if values.is_empty(cell) else cell.strip(" \u00a0\u3000\t\r\n\u200b\ufeff"))


@pytest.mark.parametrize("word", ["NA", "None", "null", "nan", "True", "#N/A", "<b>", "=1+1"])
def test_words_that_look_like_something_else_are_words(word: str) -> None:
    assert values.texts(column(word)).values.tolist() == [word]


def test_other_cells_as_text() -> None:
    assert values.texts(column(13800138000.0, True, date(2024, 1, 2), datetime(2024, 1, 2), 1.5)).values.tolist() == [
        "13800138000",
        "True",
        "2024-01-02",
        "2024-01-02",
        "1.5",
    ]


def test_choices_are_known_by_name_and_alias() -> None:
    read = values.choices(column("线上电商", "Online shop", "ONLINE", "微信群", "抖音", None), "channel")
    assert read.values.tolist() == ["online", "online", "online", "community", "抖音", ""]
    assert read.notes == {"unknown_choice": (4, 1)}


def test_lists_have_one_separator() -> None:
    assert values.lists(column("护肤品,服装 / 配饰", "护肤品、服装", " ")).values.tolist() == [
        "护肤品、服装、配饰",
        "护肤品、服装",
        "",
    ]


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=12),
    st.dates(),
    st.datetimes(),
    st.integers(-(10**20), 10**20),
)


@pytest.mark.parametrize("key", [field.key for field in schema.CUSTOMERS.fields])
@given(st.lists(CELLS, max_size=6))
def test_no_cell_breaks_a_reader_or_vanishes(key: str, cells: list[Any]) -> None:
    """Whatever stands in a column, each cell is empty, a value, or a problem; or the column as a whole is refused."""
    field = schema.CUSTOMERS[key]
    raw = column(*cells)
    try:
        read = values.read(raw, field)
    except values.Ambiguous as doubt:
        assert all(0 <= position < len(cells) for position in doubt.positions)
        return
    blank = pd.isna(read.values) | (read.values == "") if read.values.dtype == object else pd.isna(read.values)
    nothing = {position for position in np.flatnonzero(blank).tolist() if not values.is_empty(cells[position])}
    if field.kind != "list":  # a list of nothing but separators is empty
        assert nothing <= set(read.problems) or field.kind in ("text", "choice")
    assert all(not values.is_empty(cells[position]) for position in read.problems)


@pytest.mark.parametrize(
    ("typed", "hour"),
    [("2026-06-30 20:15", 20), ("2026-06-30T08:05:59Z", 8), ("6/30/2026 1:15 PM", 13), ("6/30/2026 12:15 AM", 0),
     (datetime(2026, 6, 30, 23, 59), 23), (46203.875, 21), ("2026-06-30", None), (date(2026, 6, 30), None)],
)  # fmt: skip
def test_the_hour_beside_a_day(typed: Any, hour: int | None) -> None:
    found = dates.hours(np.array([typed, "2026-06-30 07:00", None], dtype=object)).tolist()
    assert found[1:] == pytest.approx([7, np.nan], nan_ok=True)
    assert found[0] == pytest.approx(np.nan if hour is None else hour, nan_ok=True)


def test_midnight_everywhere_is_no_time() -> None:
    assert np.isnan(dates.hours(np.array([datetime(2026, 6, 30), "2026-06-30 00:00"], dtype=object))).all()
