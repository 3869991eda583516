"""Duplicates, missing values, outliers (rulings C13-C15, cases B5-B7): merged, filled and listed, never in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter import rules
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.steps import clean

DEFAULT = rules.default()
BLANK = {"customer_id": "1", "name": "", "phone": "", "frequency": 1.0, "total_amount": 10.0}


def cell(row: int, key: str) -> str:
    return f"{key}:{row}"


def frame(*rows: dict[str, Any]) -> Frame:
    columns = {
        key: pd.Series([{**BLANK, **row}.get(key) for row in rows])
        for key in {**BLANK, **{k: 0 for r in rows for k in r}}
    }
    found = pd.DataFrame(
        {
            key: one.astype(object) if one.dtype.kind in "OSU" or str(one.dtype) == "str" else one
            for key, one in columns.items()
        }
    )
    return Frame.from_pandas(found.set_axis(pd.Index(range(2, 2 + len(rows)), name="row")))


def merge(*rows: dict[str, Any], conflict: str = "refuse") -> clean.Merged:
    return clean.merge_duplicates(frame(*rows), DEFAULT._replace(duplicate_conflict=conflict), "客户", cell)


def test_nobody_twice_is_nobody_changed() -> None:
    merged = merge({}, {"customer_id": "2"})
    assert merged.customers["key"].tolist() == ["1", "2"]
    assert merged[1:] == ([], {}, {})


def test_identical_rows_collapse() -> None:  # B6
    merged = merge({}, {"customer_id": "2"}, {}, {"customer_id": " １"})
    assert merged.customers.index.tolist() == [2, 3]
    assert merged.customers.pandas.at[2, "frequency"] == 1
    assert merged.gone == {4: "duplicate_same", 5: "duplicate_same"}
    assert [(one.code, one.cell, one.params["other"]) for one in merged.findings] == [
        ("duplicate_same", "customer_id:4", "customer_id:2"),
        ("duplicate_same", "customer_id:5", "customer_id:2"),
    ]


def test_rows_of_one_customer_are_added_up() -> None:
    merged = merge(
        {
            "average_order_value": 10.0,
            "frequency": 3.0,
            "total_amount": 30.0,
            "categories": "酒、茶",
            "age": np.nan,
            "days_since_last_order": 9.0,
        },
        {
            "average_order_value": 50.0,
            "frequency": 1.0,
            "total_amount": np.nan,
            "categories": "茶、烟、糖",
            "age": 30.0,
            "days_since_last_order": 3.0,
        },
    )
    row = merged.customers.pandas.loc[2]
    assert (row["frequency"], row["total_amount"], row["average_order_value"]) == (4, 30, 20)
    assert (row["age"], row["days_since_last_order"], row["categories"]) == (30, 3, "茶、酒、烟")
    assert merged.gone == {3: "duplicate_merged"}


def test_dates_and_unknown_sums() -> None:
    days = pd.to_datetime(["2026-01-01", "2026-02-02"])
    rows = [
        {"last_order_date": day, "registered_on": day, "frequency": np.nan, "average_order_value": np.nan}
        for day in days
    ]
    row = merge(*rows, conflict="merge").customers.pandas.iloc[0]
    assert (row["last_order_date"], row["registered_on"]) == (days[1], days[0])
    assert np.isnan(row["frequency"]) and np.isnan(row["average_order_value"])


def test_two_ids_with_one_phone_are_one_customer_under_the_smallest() -> None:  # 003-22, C14
    merged = merge(
        {"customer_id": "30", "phone": "13800000000"},
        {"customer_id": "9", "phone": "13800000000"},
        {"customer_id": "9"},
    )
    assert merged.customers.pandas[["customer_id", "key", "frequency"]].to_numpy().tolist() == [["9", "9", 3.0]]
    assert merged.same == {"30": "9"}
    assert set(merged.gone) == {3, 4}


@pytest.mark.parametrize("phone", ["", "无", "0", "-", "12345", "N/A"])
def test_a_placeholder_is_no_phone(phone: str) -> None:
    assert merge({"phone": phone}, {"customer_id": "2", "phone": phone}).gone == {}


def test_name_and_address_only_together() -> None:
    same = {"name": "张三", "address": "上海路1号"}
    assert merge(same, {**same, "customer_id": "2"}).gone == {3: "duplicate_contact"}
    assert merge(same, {**same, "customer_id": "2", "address": ""}).gone == {}


def test_a_conflict_is_refused_or_merged_as_set() -> None:  # B7
    rows = ({"name": "张三"}, {"name": ""}, {"name": "李四"})
    with pytest.raises(Refused) as refused:
        merge(*rows)
    assert (refused.value.cell, refused.value.params["other_cell"]) == ("name:2", "name:4")
    assert "张三" in refused.value.message("zh") and "李四" in refused.value.message("en")
    assert merge(*rows, conflict="merge").customers["name"].tolist() == ["张三"]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["", "13800000001", "13800000002"]), st.integers(0, 3)),
        min_size=1,
        max_size=12,
    )
)
def test_every_row_is_kept_or_gone_and_sums_stay(rows: list[tuple[str, str, int]]) -> None:
    table = [{"customer_id": one, "phone": phone, "frequency": float(count)} for one, phone, count in rows]
    merged = merge(*table)
    assert len(merged.customers) + len(merged.gone) == len(rows)
    assert set(merged.customers.index) | set(merged.gone) == set(range(2, 2 + len(rows)))
    assert merged.customers.pandas["key"].is_unique
    assert set(merged.same.values()) <= set(merged.customers["key"])
    assert len(merged.findings) == len(merged.gone)
    assert merged.customers["frequency"].sum() == sum(float(c) for _, _, c in set(rows))


def test_a_hundred_thousand_rows_with_many_duplicates_take_no_time() -> None:
    count = 100_000
    table = pd.DataFrame(
        {
            "customer_id": pd.Series([f"C{i // 2}" for i in range(count)], dtype=object),
            "frequency": np.arange(count, dtype=float),
            "total_amount": np.ones(count),
        }
    ).set_axis(pd.Index(range(2, count + 2), name="row"))
    merged = clean.merge_duplicates(Frame.from_pandas(table), DEFAULT, "客户", cell)
    assert len(merged.customers) == count // 2
    assert sum(one.params.get("count", 1) for one in merged.findings) == count // 2


def test_a_missing_age_takes_the_median() -> None:  # 003-20
    found, findings = clean.fill_missing(
        frame({"age": 20.0}, {"age": np.nan}, {"age": 40.0}, {"age": 25.0}), "客户", cell
    )
    assert found["age"].tolist() == [20, 25, 40, 25]
    assert [(one.code, one.cell, one.params["median"]) for one in findings] == [("age_filled", "age:3", 25.0)]
    assert clean.fill_missing(frame({"age": np.nan}), "客户", cell)[1] == []


def test_an_outlier_is_above_and_not_at_the_threshold() -> None:  # 003-21
    table = frame(*({"total_amount": one, "monetary": one} for one in (9.0, 1.0, 1.0, 1.0)))
    assert not clean.mark_outliers(table, DEFAULT, "客户", cell)[0]["outlier"].any(), "9 is three times the mean of 3"
    amounts = np.array([9.5, 1.0, 1.0, 1.0])
    table = table.assign(total_amount=amounts, monetary=amounts)
    found, findings = clean.mark_outliers(table, DEFAULT, "客户", cell)
    assert found["outlier"].tolist() == [True, False, False, False]
    assert [one.code for one in findings] == ["outliers", "outlier_flag"]
    assert findings[0].amount_share == pytest.approx(9.5 / 12.5)
