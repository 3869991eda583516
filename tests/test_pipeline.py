"""The whole analysis on grids in memory: the template's own example, the rulings, and laws that hold for any input."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shop
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter import pipeline, rules, schema, texts
from segmenter.books import Grid
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.pipeline import Sheets
from segmenter.result import Result
from segmenter.rules import Rules

AS_OF = date(2026, 6, 30)
DEFAULT = rules.default()

TABLE_1 = [
    ["1001", "女", 28.0, "上海", "互联网运营", 12.0, 350.0, "护肤品、服装、配饰", "线上电商", 4200.0],
    ["1002", "男", 35.0, "北京", "金融从业", 5.0, 880.0, "数码产品、酒类", "线下门店", 4400.0],
    ["1003", "女", 42.0, "成都", "教师", 2.0, 150.0, "家居用品、母婴", "社群", 300.0],
]
HEAD_1 = [
    *("客户ID", "性别", "年龄", "地域", "职业", "近6个月消费频次", "平均客单价(元)", "品类偏好(TOP3)", "活跃渠道"),
    "累计消费金额(元)",
]
TABLE_2 = [
    ["1001", "是(15天前)", "12次", "4200元", "111(高R/高F/高M)", "高价值客户"],
    ["1002", "否(60天前)", "5次", "4400元", "011(低R/中F/高M)", "流失风险客户"],
    ["1003", "否(120天前)", "2次", "300元", "000(低R/低F/低M)", "低价值客户"],
]
HEAD_3 = ["细分群体名称", "客户特征", "核心策略", "执行动作", "负责人", "目标指标", "执行周期", "当前进度"]
TABLE_3 = [
    [
        *("高价值客户", "高R/F/M,忠诚度高", "专属权益提升粘性", "生日礼券+专属客服一对一回访"),
        *("*客户经理A", "复购率≥80%", "持续", "已完成30%"),
    ],
    [
        *("价格敏感客户", "低M,对折扣敏感", "限时优惠刺激复购", "周末满减活动+推送短信提醒"),
        *("*运营专员B", "活动参与率≥50%", "1个月", "完成60%"),
    ],
    [
        *("流失风险客户", "低R,高M历史价值", "召回调研+挽回激励", "发放100元无门槛券+满意度问卷"),
        *("*市场专员C", "召回率≥20%", "2周", "完成10%"),
    ],
]
TYPED = [field.key for field in schema.STRATEGY.fields if field.owner == "user"]
DAYS = (15, 60, 120)


def day(ago: float) -> datetime:
    return datetime(AS_OF.year, AS_OF.month, AS_OF.day) - timedelta(days=ago)


def example(extra: str = "最近消费日期", cells: Sequence[Any] = tuple(map(day, DAYS))) -> Grid:
    """The template's three customers with one further column."""
    return Grid(
        "客户基础信息与行为数据表",
        [[*HEAD_1, extra], *([*row, cell] for row, cell in zip(TABLE_1, cells, strict=True))],
    )


def strategies(rows: Sequence[Sequence[Any]] = TABLE_3) -> Grid:
    return Grid("客户细分策略与执行跟踪表", [HEAD_3, *rows])


def customers(rows: Sequence[Sequence[Any]], *columns: str) -> Grid:
    """ID, frequency, average order value, total and last order date, then `columns`."""
    return shop.grid(
        ("customer_id", "frequency", "average_order_value", "total_amount", "last_order_date", *columns), rows
    )


def orders(*rows: Sequence[Any]) -> Grid:
    """Order number, customer, day, amount, category."""
    return shop.grid(("order_id", "customer_id", "ordered_on", "amount", "category"), rows, schema.ORDERS)


def run(sheets: Sheets | Grid, using: Rules = DEFAULT, as_of: date | None = AS_OF, lang: texts.Lang = "zh") -> Result:
    return pipeline.run(sheets if isinstance(sheets, Sheets) else Sheets(sheets), using, lang, as_of)


def codes(result: Result) -> set[str]:
    return {finding.code for finding in result.findings}


def finding(result: Result, code: str) -> Any:
    found = [one for one in result.findings if one.code == code]
    assert len(found) == 1, f"{code}: {len(found)}"
    return found[0]


def table_of(frame: pd.DataFrame) -> list[list[Any]]:
    """The cells as a sheet holds them."""
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def cells(frame: Frame, count: int) -> list[list[Any]]:
    return table_of(frame.pandas.iloc[:, :count])


# The template's example ----------------------------------------------------------------------------------------------

THREE = [
    order
    for number, (who, count, price, ago) in enumerate(
        [("1001", 12, 350.0, 15), ("1002", 5, 880.0, 60), ("1003", 2, 150.0, 120)]
    )
    for order in [[f"{number}-{i}", who, day(ago + i), price, "护肤品"] for i in range(count)]
]


@pytest.mark.parametrize(
    "sheets",
    [
        Sheets(example()),
        Sheets(example("距今天数", [15.0, 60.0, 120.0])),
        Sheets(example("年龄段", ["", "", ""]), orders(*THREE)),
        Sheets(
            Grid(
                "客户基础信息与行为数据表",
                [["客户ID", *HEAD_1[5:7], HEAD_1[9]], *([one, None, None, None] for one in ("1001", "1002", "1003"))],
            ),
            orders(*THREE),
        ),
    ],
    ids=["dates", "days", "orders", "nothing but orders"],
)
def test_table_2_is_the_template_s_cell_for_cell(sheets: Sheets) -> None:
    assert cells(run(sheets).rfm, 6) == TABLE_2


def test_the_helpers_beside_table_2() -> None:
    row = run(example()).rfm.pandas.iloc[0]
    assert [*row.iloc[6:13]] == [15, 12, 4200, "近30天", "≥10次", "2000-4999元", "重要价值客户"]
    assert row["reason"] == "R=15天→近30天→高→1；F=12次→≥10次→高→1；M=4200元→2000-4999元→高→1；111→高价值客户"


def test_table_3_keeps_the_three_rows_and_adds_what_is_missing() -> None:
    plan = run(Sheets(example(), strategy=strategies())).strategy
    assert cells(plan, 8)[:3] == TABLE_3
    assert plan["segment"].tolist() == ["高价值客户", "价格敏感客户", "流失风险客户", "低价值客户"]
    assert plan["customers"].tolist() == [1, 0, 1, 1]
    assert plan["amount"].tolist() == [4200, 0, 4400, 300]
    assert plan["status"].tolist() == ["", "本期无客户，内容保留", "", ""]
    assert plan.pandas.iloc[3]["progress"] == "未开始"


def test_default_texts_of_the_three_are_the_template_s() -> None:
    plan = run(example()).strategy.pandas.set_index("segment")
    for row in (TABLE_3[0], TABLE_3[2]):
        assert plan.loc[row[0], TYPED[1:7]].tolist() == row[1:7]


def test_as_of_is_the_last_order_unless_given_and_never_today() -> None:
    assert run(example(), as_of=None).as_of == date(2026, 6, 15)
    assert run(example(), DEFAULT._replace(as_of=date(2026, 6, 20)), None).as_of == date(2026, 6, 20)
    assert run(example(), DEFAULT._replace(as_of=date(2026, 6, 20))).as_of == AS_OF
    assert run(Sheets(example(), orders(["1", "1001", day(3), 10.0, ""])), as_of=None).as_of == date(2026, 6, 27)
    result = run(example("备注", ["", "", ""]), as_of=None)
    assert result.as_of is None
    assert "as_of_unknown" in codes(result)


def test_the_english_workbook_answers_in_english() -> None:
    keys = ["customer_id", "frequency", "average_order_value", "total_amount", "last_order_date"]
    rows = [[row[0], row[5], row[6], row[9], day(ago)] for row, ago in zip(TABLE_1, DAYS, strict=True)]
    result = run(shop.grid(keys, rows, lang="en"), lang="en")
    assert cells(result.rfm, 6)[1] == [
        "1002",
        "No (60 days ago)",
        "5 orders",
        "4400 yuan",
        "011 (Low R/Mid F/High M)",
        "Customers at risk",
    ]
    everything = [result.rfm, result.strategy, result.cleaning, *result.boards.values()]
    said = [text for frame in everything for row in frame.records() for text in row.values() if isinstance(text, str)]
    assert not [
        text for text in said if any("\u4e00" <= char <= "\u9fff" for char in text) and not text.startswith("客户")
    ]


def test_a_sheet_in_chinese_with_english_headers_is_the_same() -> None:
    keys = ["customer_id", "frequency", "average_order_value", "total_amount", "last_order_date"]
    rows = [[row[0], row[5], row[6], row[9], day(ago)] for row, ago in zip(TABLE_1, DAYS, strict=True)]
    assert cells(run(shop.grid(keys, rows, lang="en")).rfm, 6) == TABLE_2


# Recency and frequency -----------------------------------------------------------------------------------------------


def test_without_recency_there_is_no_code_and_no_guess() -> None:  # C1
    result = run(example("备注", ["", "", ""]))
    assert cells(result.rfm, 6)[0] == ["1001", "缺失", "12次", "4200元", "", "数据不足(缺R)"]
    assert set(result.customers["segment"]) == {"no_recency"}
    assert len([one for one in result.findings if one.code == "no_recency"]) == 3
    assert "no_recency" in set(result.segments["segment"])
    assert result.rfm.pandas.iloc[0]["class_name"] == ""


def test_who_never_bought_is_new() -> None:  # C10, C12, 003-23
    result = run(
        customers([["1", None, None, None, None], ["2", 0.0, None, 0.0, None], ["3", 1.0, 50.0, 50.0, day(3)]])
    )
    assert result.customers["segment"].tolist() == ["new", "new", "potential"]
    assert cells(result.rfm, 6)[0] == ["1", "缺失", "0次", "0元", "", "新客户"]


def test_who_bought_before_the_window_has_f_and_m_0() -> None:  # C10
    row = run(customers([["1", None, 80.0, 900.0, day(250)]])).customers.pandas.iloc[0]
    assert (row["frequency"], row["monetary"], row["code"]) == (0, 0, "000")
    row = run(
        shop.grid(
            ("customer_id", "frequency", "average_order_value", "total_amount", "days_since_last_order"),
            [["1", None, 80.0, 900.0, 250.0]],
        )
    ).customers.pandas.iloc[0]
    assert (row["frequency"], row["monetary"], row["code"]) == (0, 0, "000")


@pytest.mark.parametrize(("ago", "counts"), [(0, 1), (180, 1), (181, 0), (182, 0)])
def test_the_window_is_six_calendar_months(ago: int, counts: int) -> None:  # C9: (2025-12-30, 2026-06-30]
    result = run(
        Sheets(
            customers([["1", None, None, None, None]]),
            orders(["1", "1", day(ago + 1), 10.0, ""], ["2", "1", day(400), 9.0, ""]),
        )
    )
    assert result.window_start == date(2025, 12, 30)
    assert result.customers.pandas.iloc[0]["frequency"] == counts


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (["1", 3.0, 10.0, 30.0, day(-1)], "future_date"),  # B28, C11
        (["1", None, 10.0, 30.0, day(5)], "frequency_unknown"),
        (["1", 3.0, None, None, day(5)], "amount_unknown"),
        (["1", 3.0, 100.0, 200.0, day(5)], "total_below_window"),  # C8
        (["1", 3.5, 10.0, 35.0, day(5)], "not_whole"),
        (["1", 3.0, "abc", 30.0, day(5)], "not_a_number"),
        (["1", 3.0, 10.0, 30.0, "2026-02-30"], "no_such_day"),
        ([None, 3.0, 10.0, 30.0, day(5)], "empty_id"),  # B8
        (["合计", 3.0, 10.0, 30.0, None], "total_row"),  # A11
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_with_its_reason(row: list[Any], code: str) -> None:
    others = [[f"A{i}", 1.0, 10.0, 10.0, day(5)] for i in range(30)]
    result = run(customers([*others, row]))
    assert dict(result.excluded) == {code: 1}
    assert (result.rows_in, result.rows_used, result.rows_excluded) == (31, 30, 1)
    assert finding(result, code).cell.endswith("32")


@pytest.mark.parametrize(
    ("row", "code", "monetary"),
    [
        (["1", 3.0, None, 300.0, day(5)], "amount_from_total", 300),  # C8
        (["1", 3.0, -10.0, -30.0, day(5)], "negative_amount", -30),  # B16
        (["1", -3.0, 10.0, 30.0, day(5)], "negative_count", 0),
        (["1", 3.0, 10.0, 30.0, None], "no_recency", 30),  # B30
        (["1", 0.0, 10.0, 30.0, day(5)], "recent_without_orders", 0),
        (["1", 3.0, 10.0, 30.0, day(300)], "orders_before_window", 30),
        (["1", 3.0, 10.0, 30.0, datetime(1980, 1, 1)], "date_before_1990", 30),
    ],
)
def test_what_contradicts_itself_is_a_finding_and_stays(row: list[Any], code: str, monetary: float) -> None:
    result = run(customers([row]))
    assert finding(result, code)
    assert result.customers["monetary"].tolist() == [monetary]
    assert result.customers["m_label"].tolist() == ["low"]


def test_no_division_by_zero_for_those_who_paid_nothing() -> None:  # B17
    result = run(customers([["1", 0.0, 0.0, 0.0, day(200)]]))
    assert result.segments.pandas.set_index("segment").at["low_value", "customers"] == 1
    assert pd.isna(result.segments["average_order_value"]).all()
    assert result.segments["amount_share"].tolist() == [0.0] * 7


# Orders --------------------------------------------------------------------------------------------------------------


def test_orders_take_the_place_of_what_was_typed_and_differences_are_said() -> None:
    result = run(Sheets(example(), orders(*THREE[:12], ["x", "1001", day(2), 100.0, "服装"])))
    row = result.customers.pandas.iloc[0]
    assert (row["frequency"], row["monetary"], row["recency_days"]) == (13, 4300, 2)
    assert row["categories"] == "护肤品、服装"
    differs = {one.cell: (one.value, one.params["computed"]) for one in result.findings if one.code == "typed_differs"}
    assert differs["F2"] == ("12", "13")
    assert differs["K2"] == ("2026-06-15", "2026-06-28")
    missing = [one.value for one in result.findings if one.code == "orders_missing"]
    assert missing == ["1002", "1003"]
    assert result.customers["monetary"].tolist()[1:] == [4400, 300], "who has no order rows keeps what was typed"


def test_orders_after_the_as_of_date_and_of_strangers_do_not_count_and_are_said() -> None:
    result = run(Sheets(example(), orders(*THREE, ["x", "1001", day(-5), 1.0, ""], ["y", "9", day(5), 77.0, ""])))
    assert cells(result.rfm, 6) == TABLE_2
    assert finding(result, "orders_after_as_of").params["orders"] == 1
    assert finding(result, "order_customer_unknown").params == {"orders": 1, "customers": 1, "amount": 77.0}


def test_who_buys_first_after_the_as_of_date_is_left_out() -> None:
    result = run(Sheets(example(), orders(*THREE[:17], ["x", "1003", day(-5), 1.0, ""])))
    assert dict(result.excluded) == {"not_yet": 1}
    assert finding(result, "not_yet").value == "1003"


def test_orders_under_an_id_that_was_merged_away_stay_the_customer_s() -> None:
    grid = shop.grid(
        ("customer_id", "frequency", "average_order_value", "total_amount", "phone"),
        [
            ["8", None, None, None, "138-0000-0000"],
            ["9", None, None, None, "13800000000"],
            ["7", None, None, None, "无"],
            ["6", None, None, None, "无"],
        ],
    )
    same = shop.grid(
        ("customer_id", "frequency", "average_order_value", "total_amount", "phone"),
        [
            ["8", None, None, None, "13800000000"],
            ["9", None, None, None, "13800000000"],
            ["7", None, None, None, "无"],
            ["6", None, None, None, "无"],
        ],
    )
    sheet = orders(["a", "8", day(5), 10.0, ""], ["b", "9", day(3), 20.0, ""], ["c", "7", day(3), 5.0, ""])
    result = run(Sheets(same, sheet))
    assert result.customers.pandas.set_index("customer_id")["monetary"].to_dict() == {"8": 30, "7": 5, "6": 0}
    assert dict(result.excluded) == {"duplicate_contact": 1}
    assert "order_customer_unknown" not in codes(result)
    assert len(run(Sheets(grid, sheet)).customers) == 4


def test_a_typed_cell_that_orders_replace_is_no_reason_to_leave_a_customer_out() -> None:
    grid = customers([["1001", "many", "?", 30.0, "soon"], ["1002", "many", 1.0, 1.0, day(1)]])
    result = run(Sheets(grid, orders(*THREE[:12])))
    assert result.customers["frequency"].tolist() == [12]
    assert dict(result.excluded) == {"not_a_number": 1}


def test_refunds_are_left_out_or_taken_off() -> None:
    sheets = Sheets(
        customers([["1", None, None, None, None]]),
        orders(["a", "1", day(5), 100.0, ""], ["b", "1", day(4), -30.0, ""], ["c", "1", day(4), 0.0, ""]),
    )
    result = run(sheets)
    assert result.customers.pandas[["frequency", "monetary"]].to_numpy().tolist() == [[1, 100]]
    assert finding(result, "refund_left_out").params == {"count": 1, "amount": -30.0}
    assert finding(result, "line_of_nothing").params["count"] == 1
    netted = run(sheets, DEFAULT._replace(net_refunds=True))
    assert netted.customers.pandas[["frequency", "monetary"]].to_numpy().tolist() == [[1, 70]]
    assert finding(netted, "refunds_netted").params["amount"] == -30


def test_a_refund_before_the_window_is_no_contradiction() -> None:
    sheets = Sheets(
        customers([["1", None, None, None, None]]),
        orders(["a", "1", day(5), 100.0, ""], ["b", "1", day(400), -90.0, ""]),
    )
    assert run(sheets, DEFAULT._replace(net_refunds=True)).rows_used == 1


def test_the_data_window_cuts_the_orders() -> None:  # 003-09
    sheets = Sheets(example("备注", ["", "", ""]), orders(*THREE, ["x", "1001", day(700), 5.0, ""]))
    window = DEFAULT._replace(data_from=date(2025, 1, 1), data_to=date(2026, 6, 10))
    result = run(sheets, window, None)
    assert result.as_of == date(2026, 6, 10), "the last order inside"
    left_out = [one for one in result.findings if one.code == "line_outside_window"]
    assert [one.params["count"] for one in left_out] == [1, 5]
    assert "window_without_orders" in codes(run(example(), window))
    assert "window_without_orders" not in codes(result)


def test_orders_without_any_amount_are_refused() -> None:
    grid = shop.grid(("customer_id", "ordered_on"), [["1", day(1)]], schema.ORDERS)
    with pytest.raises(Refused) as refused:
        run(Sheets(example(), grid))
    assert refused.value.key == "orders_amount"


# Scope, outliers, plan -----------------------------------------------------------------------------------------------


def test_the_scope_keeps_only_whom_it_names() -> None:  # 003-07..08
    grid = customers(
        [
            ["1", 1.0, 9.0, 9.0, day(364), "上海市", day(400)],
            ["2", 1.0, 9.0, 9.0, day(365), "上海", day(30)],
            ["3", 1.0, 9.0, 9.0, day(5), "北京", day(10)],
            ["4", 1.0, 9.0, 9.0, None, "", None],
        ],
        "region",
        "registered_on",
    )
    active = run(grid, DEFAULT._replace(scope_active_months=12))
    assert active.customers["customer_id"].tolist() == ["1", "3"]
    assert dict(active.excluded) == {"out_of_scope_active": 2}
    assert finding(active, "out_of_scope_active").params["count"] == 2
    region = run(grid, DEFAULT._replace(scope_regions=("上海", " 深圳")))
    assert region.customers["customer_id"].tolist() == ["1", "2"]
    fresh = DEFAULT._replace(
        scope_regions=("上海",), scope_registered_from=date(2026, 5, 31), scope_registered_to=AS_OF
    )
    result = run(grid, fresh)
    assert result.customers["customer_id"].tolist() == ["2"]
    assert dict(result.excluded) == {"out_of_scope_region": 2, "out_of_scope_registered": 1}


def test_a_scope_without_its_column_and_a_scope_without_anybody_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        run(customers([["1", 1.0, 9.0, 9.0, day(1)]]), DEFAULT._replace(scope_regions=("上海",)))
    assert refused.value.key == "scope_column"
    with pytest.raises(Refused) as refused:
        run(example(), DEFAULT._replace(scope_regions=("火星",)))
    assert refused.value.key == "nobody_left"
    assert "范围外 3" in refused.value.message("zh")
    assert "out of scope 3" in refused.value.message("en")


def test_third_party_data_needs_a_word() -> None:  # 003-14
    third = DEFAULT._replace(data_sources=("crm", "third_party"))
    assert "third_party_consent" in codes(run(example(), third))
    assert "third_party_consent" not in codes(run(example(), third._replace(third_party_consent=True)))
    assert "third_party_consent" not in codes(run(example()))


def outlying(mode: str) -> Result:
    """Ten ordinary customers and one above three times the mean: (10 * 100 + 1000) / 11 * 3 = 545.45."""
    rows = [[f"A{i}", 1.0, 100.0, 100.0, day(5)] for i in range(10)]
    return run(customers([*rows, ["B", 1.0, 1000.0, 1000.0, day(5)]]), DEFAULT._replace(outlier_mode=mode))


def test_outliers_are_kept_and_listed_removed_or_capped() -> None:  # C13
    flagged, removed, capped = map(outlying, ("flag", "remove", "cap"))
    threshold = 2000 / 11 * 3
    for result in (flagged, removed, capped):
        assert finding(result, "outliers").params["threshold"] == pytest.approx(threshold)
        assert finding(result, "outliers").amount_share == pytest.approx(0.5)
    assert flagged.customers["outlier"].sum() == 1 and flagged.rows_used == 11
    assert flagged.customers["monetary"].max() == 1000
    assert finding(flagged, "outlier_flag").cell == "D12"
    assert removed.rows_used == 10 and dict(removed.excluded) == {"outlier_remove": 1}
    assert "B" not in set(removed.rfm["customer_id"])
    assert capped.customers["monetary"].max() == capped.customers["total_amount"].max() == pytest.approx(threshold)


def test_nobody_in_the_example_is_an_outlier() -> None:  # 3 x the mean of 4200, 4400, 300 is 8900
    result = run(example(), DEFAULT._replace(outlier_mode="remove"))
    assert cells(result.rfm, 6) == TABLE_2
    assert "outliers" not in codes(result)


def crowd(count: int) -> Grid:
    return customers([[f"A{i:04d}", 1.0, 10.0, 10.0, day(100)] for i in range(count)])


def test_advice_on_segments_waits_for_400_customers() -> None:  # C16
    assert not {"segments_few", "segment_small"} & codes(run(crowd(399)))
    result = run(crowd(400))
    assert finding(result, "segments_few").params["groups"] == 1
    assert "segment_small" not in codes(result)
    rows = [[f"B{i}", 12.0, 350.0, 4200.0, day(3)] for i in range(49)]
    small = run(customers([*crowd(400).rows[1:], *rows]))
    assert finding(small, "segment_small").params["customers"] == 49
    plan = small.strategy.pandas.set_index("segment")
    assert plan.at["高价值客户", "status"] == texts.say("plan.small", "zh", count=49, minimum=50, into="低价值客户")


def test_many_segments_are_said() -> None:
    few = DEFAULT._replace(segments_max=1, segments_min=1, segment_size_min=1)
    result = run(example(), few)
    assert finding(result, "segments_many").params["groups"] == 3


def test_thin_data_is_said() -> None:  # A21, A22
    assert finding(run(example()), "few_customers").params["customers"] == 3
    same = [one for one in run(crowd(20)).findings if one.code == "all_identical"]
    assert [(one.params["measure"], one.value) for one in same] == [("R", "100"), ("F", "1"), ("M", "10")]


def test_an_as_of_far_after_every_other_order_is_doubted() -> None:
    grid = customers([["1", 1.0, 9.0, 9.0, day(300)], ["2", 1.0, 9.0, 9.0, day(0)]])
    assert finding(run(grid, as_of=None), "as_of_doubtful").value == "2026-06-30"
    assert "as_of_doubtful" not in codes(run(example(), as_of=None))


def test_an_as_of_far_from_all_orders_is_doubted() -> None:
    far = finding(run(example(), as_of=date(2099, 1, 1)), "as_of_far")
    assert far.params == {"as_of": "2099-01-01", "months": 6, "before": "2026-06-15"}
    sheets = Sheets(example(), orders(*THREE))
    assert finding(run(sheets, as_of=date(2027, 3, 1)), "as_of_far").params["before"] == "2026-06-15"
    assert "as_of_far" not in codes(run(sheets, as_of=date(2026, 12, 14)))  # an order on the first day that counts
    later = Sheets(example(), orders(*THREE, ["9", "1001", day(-400), 5.0, "护肤品"]))
    assert {"as_of_far", "orders_after_as_of"} <= {*codes(run(later, as_of=date(2027, 3, 1)))}
    with_a_new_one = customers([["1001", 1.0, 9.0, 9.0, None], ["2", 0.0, None, 0.0, None]])
    early = finding(run(Sheets(with_a_new_one, orders(*THREE)), as_of=date(1999, 1, 1)), "as_of_early")
    assert early.params == {"as_of": "1999-01-01", "after": day(121).date().isoformat()}
    assert "as_of_early" not in codes(run(sheets, as_of=day(121).date()))


# What people typed ---------------------------------------------------------------------------------------------------


def grid_of(frame: Frame, table: schema.Table) -> Grid:
    """A result as it would stand on its sheet."""
    body = table_of(frame.pandas)
    return Grid(table.sheet["zh"], [[table[key].header["zh"] for key in frame], *body])


def test_a_second_run_over_its_own_output_changes_nothing() -> None:
    own = ["自定义群体", "a", "b", "c", "d", "e", "f", "g"]
    first = run(Sheets(example(), strategy=strategies([TABLE_3[2], own, TABLE_3[0]])))
    assert first.strategy["segment"].tolist() == ["流失风险客户", "自定义群体", "高价值客户", "低价值客户"]
    assert cells(first.strategy, 8)[1] == own
    assert first.strategy.pandas.iloc[1]["status"] == "自定义群体，不计客户数"
    again = run(
        Sheets(
            example(),
            strategy=grid_of(first.strategy, schema.STRATEGY),
            rfm=grid_of(first.rfm, schema.RFM),
            cleaning=grid_of(first.cleaning, schema.CLEANING),
        )
    )
    for name in ("rfm", "strategy", "cleaning", "segments"):
        pd.testing.assert_frame_equal(getattr(again, name).pandas, getattr(first, name).pandas)


def test_typed_cells_of_table_3_stay_whatever_they_are() -> None:
    odd = ["价格敏感型客户", None, 0.3, datetime(2026, 1, 1), "=1+1", "  x ", "", "已完成30%"]
    plan = run(Sheets(example(), strategy=strategies([odd, [None, "无群体名", *[None] * 6]]))).strategy
    assert cells(plan, 8)[0] == odd
    assert "无群体名" not in plan["traits"].tolist(), (
        "a row without a group stays on the sheet, and is none of the plan"
    )
    assert plan["customers"].tolist()[:1] == [0], "an alias is the segment"


def test_what_import_found_stays_in_the_log() -> None:
    log = Grid(
        "数据清洗记录",
        [
            ["环节", "类型", "工作表", "单元格", "原值", "处理", "涉及金额占比"],
            ["导入", "退款取消", "orders.csv", "2:9", None, "原文", 0.25],
            ["分析", "旧", None, None, None, "旧", None],
        ],
    )
    found = run(Sheets(example(), cleaning=log)).cleaning
    assert found.pandas.iloc[0].tolist() == ["导入", "退款取消", "orders.csv", "2:9", "", "原文", 0.25]
    assert "旧" not in set(found["code"])
    bare = Grid("数据清洗记录", [["环节", "处理"], ["导入", "原文"]])
    assert run(Sheets(example(), cleaning=bare)).cleaning.pandas.iloc[0]["message"] == "原文"


def test_rows_of_customers_who_left_stay_when_people_typed_beside_them() -> None:
    head = [field.header["zh"] for field in schema.RFM.fields]

    def old(customer: str, note: Any) -> list[Any]:
        return [customer, "旧", "3次", *["旧"] * (len(head) - 3), note]

    sheet = Grid(
        "RFM模型细分结果表",
        [[*head, "跟进"], old("1002", "x"), old("900", "已致电"), old("901", None), old("００９", "y")],
    )
    first = run(Sheets(example(), rfm=sheet))
    assert first.rfm["customer_id"].tolist() == ["1001", "1002", "1003", "900", "００９"]
    left = first.rfm.pandas.iloc[3]
    assert left["segment"] == "不在本次分析中"
    assert left.drop(["customer_id", "segment"]).isna().all()
    assert first.rows_used == 3 and first.segments["customers"].sum() == 3
    assert cells(first.rfm, 6)[:3] == TABLE_2
    notes = [None, "x", None, "已致电", "y"]
    body = [[*row, note] for row, note in zip(grid_of(first.rfm, schema.RFM).rows[1:], notes, strict=True)]
    again = run(Sheets(example(), rfm=Grid("RFM模型细分结果表", [[*head, "跟进"], *body])))
    pd.testing.assert_frame_equal(again.rfm.pandas, first.rfm.pandas)
    strange = Grid(
        "RFM模型细分结果表", [[*head, "跟进"], ["900", *["旧"] * (len(head) - 1), "已致电"], old("901", None)]
    )
    told = run(Sheets(example(), rfm=strange))
    assert len(told.rfm) == 3 and [one.value for one in told.findings if one.code == "row_kept"] == ["900"]
    signed = Grid(
        strange.sheet,
        [*strange.rows, *[[f"9{n}", *["旧"] * (len(head) - 1)] for n in range(9)], ["制表：", *"审核李四日期"]],
    )
    told = run(Sheets(shop.grid(shop.COLUMNS, shop.people(60)), rfm=signed))
    assert "制表：" not in [one.value for one in told.findings if one.code == "row_kept"]
    remarks = [["1002", *[None] * 6, "call"], old("1001", None), ["1001", "again"], ["1003"], ["1003", "twice"]]
    told = run(Sheets(example(), rfm=Grid(strange.sheet, [[*head], *remarks])))
    assert [one.value for one in told.findings if one.code == "row_replaced"] == ["1002 call"]
    apart = Grid("RFM模型细分结果表", [[*head, None, "图例"], [*old("900", None), "高"]])
    assert len(run(Sheets(example(), rfm=apart)).rfm) == 3, "a legend beyond an empty column is no note"


# Findings are said in any language -----------------------------------------------------------------------------------


def test_every_finding_can_be_said_in_both_languages() -> None:
    result = run(Sheets(shop.grid(shop.COLUMNS, shop.people(450)), orders(*THREE)))
    assert len(codes(result)) > 8
    for one in result.findings:
        assert not any("\u4e00" <= char <= "\u9fff" for char in one.kind("en"))
        said = one.message("en").replace(one.value, "")
        if one.code != "typed_differs":
            assert not any("\u4e00" <= char <= "\u9fff" for char in said), said


# Laws ----------------------------------------------------------------------------------------------------------------


def people(seed: int, count: int = 60) -> pd.DataFrame:
    return pd.DataFrame(shop.people(count, seed), columns=[*shop.COLUMNS]).astype(object)


def shop_of(frame: pd.DataFrame) -> Grid:
    return shop.grid(frame.columns, table_of(frame))


def scores(result: Result, *columns: str) -> dict[str, tuple[Any, ...]]:
    wanted = ["customer_id", *(columns or ("r_bin", "f_bin", "m_bin", "code", "segment"))]
    return {row[0]: row[1:] for row in result.customers.pandas[wanted].fillna(-1).itertuples(index=False)}


SEEDS = st.integers(0, 10_000)
LAW = settings(max_examples=12, deadline=None)


@LAW
@given(SEEDS, st.randoms(use_true_random=False))
def test_law_4_the_order_of_rows_and_columns_does_not_matter(seed: int, random: Any) -> None:
    frame = people(seed).iloc[:10].reset_index(drop=True)
    rows, columns = [*frame.index], [*frame.columns]
    random.shuffle(rows)
    random.shuffle(columns)
    assert scores(run(shop_of(frame))) == scores(run(shop_of(frame.loc[rows, columns])))


@LAW
@given(SEEDS, st.floats(0.25, 8))
def test_law_5_scaling_amounts_with_the_m_bins_keeps_everything(seed: int, factor: float) -> None:
    frame = people(seed).drop(index=12)
    frame["average_order_value"] = frame["average_order_value"].map(lambda v: None if v is None else round(v, 0))
    scaled = frame.assign(
        **{
            name: frame[name].map(lambda v: v if v is None or pd.isna(v) else v * factor)
            for name in ("average_order_value", "total_amount")
        }
    )
    bins = tuple(one * factor for one in DEFAULT.monetary_bins)
    before, after = run(shop_of(frame)), run(shop_of(scaled), DEFAULT._replace(monetary_bins=bins))
    assert scores(before, "r_bin", "f_bin", "outlier") == scores(after, "r_bin", "f_bin", "outlier")
    close = np.abs(before.customers["monetary"][:, None] - np.array(DEFAULT.monetary_bins)).min(axis=1) < 0.01
    settled = set(before.customers["customer_id"][~close])
    mine, theirs = scores(before), scores(after)
    assert all(mine[one] == theirs[one] for one in settled)


@LAW
@given(SEEDS, st.integers(-3000, 3000))
def test_law_5_shifting_all_dates_and_the_as_of_date_keeps_r(seed: int, shift: int) -> None:
    frame = people(seed)
    moved = frame.assign(
        last_order_date=[None if pd.isna(one) else one + timedelta(days=shift) for one in frame["last_order_date"]]
    )
    before, after = run(shop_of(frame)), run(shop_of(moved), as_of=AS_OF + timedelta(days=shift))
    assert scores(before, "recency_days", "r_bin") == scores(after, "recency_days", "r_bin")


@LAW
@given(SEEDS)
def test_law_5_everybody_twice_keeps_segments_and_shares(seed: int) -> None:
    frame = people(seed, 10)
    twice = pd.concat([frame, frame.assign(customer_id=frame["customer_id"] + "-2")])
    once, both = run(shop_of(frame)), run(shop_of(twice))
    assert both.segments["customers"].tolist() == [2 * one for one in once.segments["customers"]]
    np.testing.assert_allclose(both.segments["amount_share"], once.segments["amount_share"])
    again = pd.concat([frame, frame])
    assert scores(run(shop_of(again))) == scores(once), "the very same rows count once"


@LAW
@given(SEEDS, st.sampled_from(["flag", "remove", "cap"]))
def test_law_8_every_row_and_every_amount_is_accounted_for(seed: int, mode: str) -> None:
    frame = people(seed)
    result = run(shop_of(frame), DEFAULT._replace(outlier_mode=mode))
    assert result.rows_in == len(frame) == result.rows_used + result.rows_excluded
    assert sum(result.excluded.values()) == result.rows_excluded
    assert len(result.rfm) == result.rows_used == int(result.segments["customers"].sum())
    for code, count in result.excluded.items():
        found = [one for one in result.findings if one.code == code]
        assert sum(one.params.get("count", 1) for one in found) >= count, code
    assert result.segments["amount"].sum() == pytest.approx(result.customers["monetary"].sum())
    assert result.segments["customer_share"].sum() == pytest.approx(1)
    heat = result.boards["board_heat"]
    assert len(heat) == 5
    assert len(result.boards["board_facts"]) <= schema.table("board_facts").rows
    for table in schema.BOARDS:
        assert [*result.boards[table.key]] == [field.key for field in table.fields]
        assert len(result.boards[table.key]) <= table.rows


def test_the_same_twice_is_the_same() -> None:
    grid = shop.grid(shop.COLUMNS, shop.people(200))
    first, second = run(grid), run(grid)
    pd.testing.assert_frame_equal(first.rfm.pandas, second.rfm.pandas)
    assert first.findings == second.findings


def test_columns_of_the_results_are_those_of_the_schema() -> None:
    result = run(example())
    for table, frame in (
        (schema.RFM, result.rfm),
        (schema.STRATEGY, result.strategy),
        (schema.CLEANING, result.cleaning),
    ):
        assert [*frame] == [field.key for field in table.fields]


def test_stages_are_told_in_order() -> None:
    told: list[str] = []
    pipeline.run(Sheets(example()), DEFAULT, "zh", AS_OF, told.append)
    assert told == ["read", "clean", "score", "plan"]
