"""Dimensions of real customers: labels, cross tables and agreement equal what SQL says; personas and their laws."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import shop
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter import catalogue, jobs, pipeline, rules, schema, texts
from segmenter.books import Grid
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.result import Result
from segmenter.steps import cross, dimensions, personas

ROOT = Path(__file__).parents[1]
BASE = ("customer_id", "frequency", "average_order_value", "total_amount", "last_order_date")


def run(columns: dict[str, Sequence[Any]], *names: str, **sheets: Grid | None) -> Result:
    """The analysis of customers with further columns by header, cut by `names`."""
    count = len(next(iter(columns.values())))
    head = [schema.CUSTOMERS[key].header["zh"] for key in BASE]
    known = {one.header["zh"]: one.key for one in schema.CUSTOMERS.fields}
    given_ = {known.get(name): values for name, values in columns.items()}
    rows = [
        [
            f"{i + 1:03d}",
            *(
                given_.get(key, [plain] * count)[i]
                for key, plain in zip(BASE[1:], (3.0, 100.0, 9e4, shop.AS_OF), strict=True)
            ),
        ]
        for i in range(count)
    ]
    extra = [name for name in columns if known.get(name) not in BASE]
    grid = Grid(
        "客户基础信息与行为数据表",
        [[*head, *extra], *([*row, *(columns[n][i] for n in extra)] for i, row in enumerate(rows))],
    )
    used = rules.default()._replace(dimensions=names)
    return pipeline.run(pipeline.Sheets(grid, **sheets), used, "zh", shop.AS_OF)


def labels(result: Result, number: int = 1) -> list[str]:
    return [one.partition("：")[2] for one in result.extra["labels"][f"label{number}"]]


def sample(*names: str) -> Result:
    return jobs.check(ROOT / "workbook" / "sample.xlsx", changes={"dimensions": names})


# ------------------------------------------------------------------------------------------------- against SQL

CASES = {
    "地域": "CASE WHEN region = '' THEN '无数据' WHEN region IN "
    "('北京','上海','广州','深圳') THEN '一线' WHEN region IN "
    "('成都','杭州','重庆','武汉','苏州','西安','南京','长沙','郑州','天津',"
    "'合肥','青岛','东莞','宁波','佛山') THEN '新一线' "
    "ELSE '二线及以下' END",
    "价格敏感度": "CASE price_sensitivity WHEN 'sensitive' THEN '敏感' WHEN 'moderate' THEN '一般' WHEN 'insensitive' "
    "THEN '不敏感' ELSE '无数据' END",
    "消费频次": "CASE WHEN frequency >= 10 THEN '高频' WHEN frequency >= 5 THEN '中频' ELSE '低频' END",
    "客户价值": "CASE WHEN monetary >= 2000 THEN '高价值客户' WHEN monetary >= 1000 THEN '中价值客户' "
    "ELSE '低价值客户' END",
    "复购": "CASE WHEN frequency >= 5 THEN '稳定复购' WHEN frequency >= 2 THEN '偶有复购' ELSE '无复购' END",
    "渠道": "CASE channel WHEN 'online' THEN '线上电商' WHEN 'store' THEN '线下门店' WHEN 'community' "
    "THEN '社群' ELSE '无数据' END",
}


@pytest.fixture(scope="module")
def analysed() -> Result:
    return sample(*CASES)


def query(result: Result, text: str) -> list[tuple[Any, ...]]:
    """What SQLite says of the customers of a result."""
    plain = ["customer_id", "region", "price_sensitivity", "channel", "frequency", "monetary"]
    frame = result.customers.pandas[[*plain, "segment"]]
    with sqlite3.connect(":memory:") as base:
        frame.to_sql("c", base, index=False)
        return list(base.execute(text))


@pytest.mark.parametrize("name", CASES)
def test_labels_are_what_sql_says(analysed: Result, name: str) -> None:
    number = list(CASES).index(name) + 1
    assert labels(analysed, number) == [one for (one,) in query(analysed, f"SELECT {CASES[name]} FROM c")]


@pytest.mark.parametrize("name", CASES)
def test_the_cross_table_is_what_sql_says(analysed: Result, name: str) -> None:
    text = f"""
        WITH l AS (SELECT {CASES[name]} AS level, segment FROM c), k AS (SELECT * FROM l WHERE level <> '无数据'),
        s AS (SELECT segment, count(*) AS n FROM k GROUP BY 1), v AS (SELECT level, count(*) AS n FROM k GROUP BY 1)
        SELECT k.level, k.segment, count(*), 1.0 * count(*) / s.n, 1.0 * v.n / (SELECT count(*) FROM k)
        FROM k JOIN s USING (segment) JOIN v USING (level) GROUP BY 1, 2"""
    names = {one.key: one.name["zh"] for one in rules.default().segments}
    wanted = {(level, names[key]): row for level, key, *row in query(analysed, text)}
    table = analysed.extra["cross"].pandas
    found = table[(table["dimension"] == name) & (table["segment"] != "全部")].set_index(["level", "segment"])
    assert set(found.index) == set(wanted)
    for place, (count, share, everybody) in wanted.items():
        row = found.loc[place]
        if count < 5:
            assert row[["customers", "segment_share", "overall_share", "lift"]].isna().all()
            assert "5" in row["note"]
        else:
            assert row["customers"] == count
            assert [row["segment_share"], row["overall_share"]] == pytest.approx([share, everybody], abs=1e-6)
            assert row["lift"] == pytest.approx(share / everybody, abs=1e-4)
    totals = table[(table["dimension"] == name) & (table["segment"] == "全部")]
    assert totals["customers"].sum() == len(analysed.customers)


# ---------------------------------------------------------------------------------------------------- levels


def test_bins_and_their_edges() -> None:
    ages = [17.0, 18.0, 25.0, 26.0, 35.0, 36.0, 45.0, 46.0, None]
    found = run({"年龄": ages}, "年龄段", "老中青")
    young = ["18-25岁", "18-25岁", "26-35岁", "26-35岁", "36-45岁", "36-45岁", "46岁以上"]
    assert labels(found) == ["18岁以下", *young, "无数据"]  # the median that cleaning fills in is nobody's age
    assert labels(found, 2) == [*["年轻用户"] * 5, *["中年用户"] * 3, "无数据"]


def test_deal_sizes_meet_without_overlap() -> None:
    sizes = [19999.0, 20000.0, 49999.0, 50000.0, 99999.0, 100000.0]
    found = labels(run({"预计成交金额": sizes}, "交易规模"))
    assert found == ["一万区间", "二至五万区间", "二至五万区间", "五万至十万区间", "五万至十万区间", "十万以上"]


def test_life_cycle_and_loyalty() -> None:
    day = pd.Timestamp(shop.AS_OF)
    ago = [None, 10, 20, 200, 120]
    last = [None if a is None else (day - pd.Timedelta(days=a)).to_pydatetime() for a in ago]
    columns = {
        "近6个月消费频次": [0.0, 1.0, 8.0, 0.0, 2.0],
        "平均客单价(元)": [None, 100.0, 100.0, 100.0, 100.0],
        "累计消费金额(元)": [0.0, 100.0, 1000.0, 500.0, 400.0],
        "最近消费日期": last,
        "品牌好感": ["", "", "", "", "还在比较"],
    }
    found = run(columns, "生命周期", "忠诚度")
    assert labels(found) == [
        "潜在客户",
        "老客户",
        "忠诚客户",
        "流失客户",
        "老客户",
    ]  # without orders, "new" is not known
    assert labels(found, 2) == ["潜在客户", "一般客户", "忠诚客户", "一般客户", "犹豫客户"]


def test_leads() -> None:
    columns = {
        "互动次数": [20.0, 2.0, None, None],
        "反馈": ["积极", "拒绝", "一般", ""],
        "决策人": ["张总", "李总", "", ""],
        "公司规模": [200.0, None, None, None],
        "明确需求": ["要", "要", "", ""],
        "是否已联系": ["是", "否", "否", ""],
        "感兴趣的产品": ["净水器X", "", "空调", ""],
    }
    found = run(columns, "线索分档", "信息完整度", "联系情况", "合格线索")
    assert labels(found) == ["高分线索", "低分线索", "低分线索", "无数据"]
    assert labels(found, 2) == ["信息完整度A类", "信息完整度B类", "信息完整度C类", "无数据"]
    assert labels(found, 3) == ["已联系", "未联系", "未联系", "无数据"]
    assert labels(found, 4) == ["营销合格 (MQL)", "信息合格 (IQL)", "无数据", "无数据"]
    codes = [one.code for one in found.findings]
    assert "dimensions_many" in codes
    assert "共" not in next(one.message("zh") for one in found.findings if one.code == "dimensions_many")


def test_the_salesperson_of_the_product() -> None:
    head = [schema.CUSTOMERS[key].header["zh"] for key in BASE]
    grid = Grid("客户基础信息与行为数据表", [[*head, "感兴趣的产品"], ["1", 1.0, 9.0, 9.0, shop.AS_OF, "净水器 X"]])
    used = rules.default()._replace(dimensions=("意向产品群",), product_owners=("净水器=王五", "空调=赵六"))
    found = pipeline.run(pipeline.Sheets(grid), used, "zh", shop.AS_OF)
    assert found.extra["labels"]["seller"].tolist() == ["王五"]


def test_province_and_city_from_an_address() -> None:
    columns = {
        "地址": ["浙江省杭州市西湖区文三路1号", "上海市南京路5号", "吉林省吉林市", "火星", "江苏昆山", ""],
        "地域": ["", "", "", "", "", "成都"],
    }
    found = run(columns, "省份", "城市", "地域")
    assert labels(found) == ["浙江", "上海", "吉林", "无数据", "江苏", "四川"]
    assert labels(found, 2) == ["杭州", "上海", "吉林", "无数据", "苏州", "成都"]
    assert labels(found, 3) == ["新一线", "一线", "二线及以下", "无数据", "新一线", "新一线"]


def test_a_region_nobody_knows_is_a_small_town_only_in_chinese() -> None:
    found = run({"地域": ["桃花村", "United Kingdom", "Shanghai"]}, "地域", "地区")
    assert labels(found) == ["二线及以下", "无数据", "一线"]
    assert set(labels(found, 2)) == {"桃花村", "United Kingdom", "Shanghai"}


def test_no_column_no_label() -> None:
    found = run({"年龄": [30.0] * 3}, "服务需求", "社交媒体")
    assert labels(found) == labels(found, 2) == ["无数据"] * 3
    missing = [one for one in found.findings if one.code == "dimension_no_data"]
    assert len(missing) == 2
    assert "服务需求" in missing[0].message("zh")


def test_the_value_view_of_table_1_alone() -> None:
    """Purchasing power, loyalty and word of mouth (001-22): quintiles, ties the same, at least two parts known."""
    found = run(
        {"平均客单价(元)": [float(i) for i in range(10, 110, 10)], "推荐新客户数量": [0.0] * 9 + [3.0]},
        "购买力",
        "口碑影响力",
    )
    assert labels(found)[-1] == "购买力强"
    assert labels(found)[0] == "购买力弱"
    assert labels(found, 2) == ["未推荐"] * 9 + ["有推荐"]


def fifth(values: Sequence[float | None]) -> list[int | None]:
    """1-5 by the mean rank among the values known, counted one by one."""
    known = [value for value in values if value is not None]
    places = [(sum(o < v for o in known) + sum(o <= v for o in known) + 1) / 2 if v is not None else 0 for v in values]
    return [math.ceil(place * 5 / len(known)) if place else None for place in places]


@given(
    st.lists(
        st.tuples(
            st.floats(1, 2000).map(round), st.floats(1, 9e4).map(round), st.integers(0, 15),
            st.none() | st.integers(0, 10).map(lambda n: n / 10), st.none() | st.integers(0, 5),
        ), min_size=1, max_size=30,
    )
)  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_the_scores_of_value_are_what_counting_says(rows: list[tuple[Any, ...]]) -> None:
    """001-22: power of order value and amount, loyalty of frequency and repurchase, word of mouth of referrals; the
    whole is their mean where two are known."""
    keys = ("average_order_value", "total_amount", "frequency", "repurchase_rate", "referrals")
    columns = dict(zip(keys, map(list, zip(*rows, strict=True)), strict=True))
    ranked = {key: fifth(values) for key, values in columns.items()}
    frame = pd.DataFrame({key: pd.Series(values, dtype=float) for key, values in columns.items()})
    labeller = dimensions.Labeller(Frame.from_pandas(frame), catalogue.shipped())

    def mean(parts: Sequence[float | None], least: int) -> float | None:
        known = [part for part in parts if part is not None]
        return sum(known) / len(known) if len(known) >= least else None

    groups = {
        "purchasing_power": keys[:2], "loyalty_score": keys[2:4], "word_of_mouth": keys[4:]
    }  # fmt: skip
    wanted = {
        score: [mean([ranked[key][i] for key in parts], 1) for i in range(len(rows))] for score, parts in groups.items()
    }
    wanted["value_score"] = [mean([wanted[score][i] for score in groups], 2) for i in range(len(rows))]
    for score, numbers in wanted.items():
        found = labeller._source("score", score)
        told = [None] * len(rows) if found is None else [None if np.isnan(n) else n for n in found]
        assert told == pytest.approx(numbers)
    names = ["综合价值高" if n >= 4 else "综合价值中" if n >= 2.5 else "综合价值低" for n in wanted["value_score"]]
    label = labeller.label(catalogue.shipped().dimensions["value_view"])
    assert [label.levels[code].name["zh"] for code in label.codes] == names


def test_the_city_tiers_are_the_list_of_their_year() -> None:
    """Ruling C24: four first-tier cities, the fifteen 新一线 of the list that is named beside them with its year;
    every one of them is a city we know, however it is written; another place is below."""
    lists = texts.load("dimensions.toml")["lookups"]
    assert set(lists["tier1"]["values"]) == {*["北京", "上海", "广州", "深圳"]}
    second = "成都 杭州 重庆 武汉 苏州 西安 南京 长沙 郑州 天津 合肥 青岛 东莞 宁波 佛山"
    assert set(lists["tier2"]["values"]) == {*second.split()}
    assert lists["tier1"]["year"] == lists["tier2"]["year"] == 2025
    cities = [*lists["tier1"]["values"], *lists["tier2"]["values"]]
    typed = [*cities, *(f"{city}市" for city in cities), "无锡", "昆明市"]
    wanted = (["一线"] * 4 + ["新一线"] * 15) * 2 + ["二线及以下"] * 2
    assert labels(run({"地域": typed}, "地域")) == wanted


def test_an_open_dimension_keeps_the_commonest() -> None:
    values = [name for i, name in enumerate("ABCDEFGHIJ") for _ in range(12 - i)]
    found = labels(run({"行业": values}, "行业群"))
    assert set(found) == {*"ABCDEFGH", "其他"}
    assert found.count("其他") == 4 + 3


# --------------------------------------------------------------------------------- what an analyst types


def sheet(*rows: Sequence[Any]) -> Grid:
    return Grid("维度", [["维度", "层级", "条件", "策略提示"], *rows])


def test_her_own_dimension_without_code() -> None:
    """003-102: awareness of a sub-brand, from a column nobody knew."""
    own = sheet(["子品牌认知", "熟悉", "对子品牌认知度>=4", "新品试用"], ["", "陌生", "对子品牌认知度<4", ""])
    found = run({"对子品牌认知度": [5.0, 4.0, 3.0, None]}, "子品牌认知", dimensions=own)
    assert labels(found) == ["熟悉", "熟悉", "陌生", "无数据"]
    assert "dimensions" not in found.extra


def test_her_own_bins() -> None:
    own = sheet(["年龄段", "30以下", "年龄<30", None], ["年龄段", "30以上", "*", None])
    found = run({"年龄": [20.0, 30.0, None]}, "年龄段", dimensions=own)
    assert labels(found) == ["30以下", "30以上", "无数据"]


def test_the_rules_file_comes_last() -> None:
    raw = {
        "key": "x",
        "name": {"zh": "年龄段", "en": "Age group"},
        "levels": [{"name": {"zh": "人", "en": "people"}, "when": "*"}],
    }
    raw["levels"][0]["when"] = "age > 0"
    used = rules.build({"dimensions": ["年龄段"], "own_dimensions": [raw]})
    found = pipeline.run(pipeline.Sheets(shop.grid(shop.COLUMNS, shop.people(30))), used, "zh", shop.AS_OF)
    assert set(labels(found)) == {"人", "无数据"}


def test_dimensions_of_dimensions() -> None:
    """003-51: often and price-sensitive is a value seeker."""
    columns = {"近6个月消费频次": [12.0, 12.0, 1.0, 12.0, 6.0], "价格敏感度": ["敏感", "不敏感", "敏感", "", "一般"]}
    found = labels(run(columns, "交叉类型"))
    assert found == ["性价比追求型客户", "品质忠诚型客户", "促销驱动型客户", "无数据", "其他组合"]


def test_a_circle_is_refused() -> None:
    own = sheet(["甲", "一", "乙=一", None], ["乙", "一", "甲=一", None])
    with pytest.raises(Refused) as refused:
        run({"年龄": [20.0]}, "甲", dimensions=own)
    assert refused.value.key == "dimension_circle"


def test_more_groups_than_the_plan_bears() -> None:
    columns = {
        "年龄": [20.0, 30.0, 40.0, 50.0] * 25,
        "性别": ["男", "女"] * 50,
        "地域": ["上海", "成都", "洛阳", "上海", "北京"] * 20,
    }
    found = run(columns, "年龄段", "性别", "地域")
    (one,) = [one for one in found.findings if one.code == "groups_many"]
    groups = {tuple(row) for row in zip(*(found.extra["labels"][f"label{n}"] for n in (1, 2, 3)), strict=True)}
    assert one.params["groups"] == len(groups)
    assert one.params["groups"] - one.params["merged"] + 1 == rules.default().segments_max


# ------------------------------------------------------------------------------------------- the survey


def test_answers_join_by_customer_and_meet_behaviour() -> None:
    asked = Grid(
        "调研",
        [
            ["客户ID", "价格敏感度", "购买目的"],
            *(
                ["001", "不敏感", "自用"],
                ["1", "", ""],
                ["001", "敏感", ""],
                ["002", "敏感", "送礼"],
                ["999", "一般", ""],
            ),
        ],
    )
    found = run({"折扣订单占比": [0.8, 0.1, 0.6]}, "价格敏感度", "目的", survey=asked)
    assert labels(found) == ["敏感", "敏感", "无数据"]
    assert labels(found, 2) == ["自用", "送礼", "无数据"]
    (unknown,) = [one for one in found.findings if one.code == "survey_unknown"]
    assert unknown.params["customers"] == 2
    table = found.extra["cross"].pandas
    said = table[table["dimension"].str.startswith("调研对照")]
    assert said["customers"].iloc[0] == 2
    assert said["segment_share"].iloc[0] == 0.5  # both say they are sensitive, one buys on discount


def test_what_table_1_says_comes_before_the_survey() -> None:
    asked = Grid("调研", [["客户ID", "价格敏感度"], ["001", "敏感"], ["002", "敏感"]])
    assert labels(run({"价格敏感度": ["一般", ""]}, "价格敏感度", survey=asked)) == ["一般", "敏感"]


def test_a_number_that_nobody_of_the_sheet_was_asked_for() -> None:
    asked = Grid("调研", [["客户ID", "月收入(元)"], ["999", 9000.0]])
    assert labels(run({"年龄": [20.0, 30.0]}, "月收入段", survey=asked)) == ["无数据"] * 2


# ---------------------------------------------------------------------------------------------- personas


def test_every_claim_of_a_persona_carries_true_figures(analysed: Result) -> None:
    assert analysed.facets is not None
    segment = analysed.customers["segment"]
    for one in analysed.facets.portrait.values():
        for key in set(segment):
            found, missing = personas.claims(segment == key, [one])
            codes = one.codes[(segment == key) & (one.codes >= 0)]
            assert bool(missing) == (len(codes) < 5)
            for claim in found:
                assert claim.count == (codes == claim.level).sum() >= 5
                assert claim.share == pytest.approx((codes == claim.level).mean())
                assert claim.everybody == pytest.approx((one.codes[one.codes >= 0] == claim.level).mean())
                assert claim.notable or claim.share >= 0.5


def test_a_persona_is_named_for_what_most_of_them_are(analysed: Result) -> None:
    """18 % who work in sales set a group apart, but do not make it one of salespeople."""
    for row in analysed.extra["personas"].pandas.dropna(subset=["name"]).to_dict("records"):
        for job, share in re.findall(r"职业群(\S+?) (\d+)%", row["traits"]):
            assert int(share) >= 50 or job not in row["name"], row["name"]


def test_a_claim_that_is_as_true_of_everybody_is_left_out(analysed: Result) -> None:
    """Unless nothing else is known of that part."""
    table = analysed.extra["personas"].pandas.dropna(subset=["name"])
    more = 0
    for part in personas.PARTS:
        for text in table[part]:
            figures = [(int(mine), int(all_)) for mine, all_ in re.findall(r"(\d+)%（全体 (\d+)%", text)]
            above = [mine > all_ for mine, all_ in figures]
            assert all(above) or not any(above), text
            more += any(above)
    assert more


@pytest.mark.parametrize(
    ("women", "said"), [(600, "女为主 60%"), (597, "女为主 60%"), (594, "男女均衡（女 59%）"), (500, "男女均衡")]
)
def test_sixty_percent_are_most(women: int, said: str) -> None:
    people = {"性别": ["女"] * women + ["男"] * (1000 - women), "年龄": [20.0] * 1000}
    found = run(people, "年龄段").extra["personas"].pandas
    assert said in found["traits"].iloc[0]


def test_one_or_two_personas_a_segment(analysed: Result) -> None:
    table = analysed.extra["personas"].pandas
    sizes = table.groupby("segment")["name"].size()
    assert sizes.between(1, 2).all()
    assert set(table["typical"]) <= set(analysed.customers["customer_id"])
    assert table["missing"].str.contains("支付").all()  # no column of that name: said, not guessed


def test_nobody_is_portrayed_alone() -> None:
    found = run({"年龄": [20.0] * 4}, "年龄段").extra["personas"].pandas
    assert found["name"].isna().all()
    assert found["customers"].isna().all()
    personas = schema.table("personas")
    for row in found.replace(np.nan, None).to_dict("records"):  # else it would be kept, as a remark of somebody's
        assert personas.says(personas.always_with(personas.keys), row.get)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30), st.integers(0, 9000)), min_size=1, max_size=25))
def test_the_typical_customer_is_the_medoid(rows: list[tuple[int, int, int]]) -> None:
    frame = pd.DataFrame(rows, columns=["recency_days", "frequency", "monetary"]).astype(float)
    scaled = np.log1p(frame.to_numpy())
    spread = scaled.std(axis=0)
    scaled = scaled[:, spread > 0] / spread[spread > 0]
    distances = np.abs(scaled[:, None, :] - scaled[None, :, :]).sum(axis=(1, 2))
    found = personas.typical(np.ones(len(frame), dtype=bool), Frame.from_pandas(frame))
    assert distances[found] == pytest.approx(distances.min(), abs=1e-6)


# -------------------------------------------------------------------------------------------------- laws


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_labels_do_not_know_the_order_of_rows(random: Any) -> None:
    frame = pd.DataFrame(
        {"age": [20.0, 30.0, np.nan, 50.0, 40.0, 25.0], "region": ["上海", "", "成都", "洛阳", "北京", "上海"]}
    )
    order = random.sample(range(6), 6)
    known = catalogue.shipped()
    for name in ("age_group", "tier", "city_name"):
        one = known.dimensions[name]
        straight = dimensions.Labeller(Frame.from_pandas(frame), known).label(one)
        mixed = dimensions.Labeller(Frame.from_pandas(frame.iloc[order]), known).label(one)
        assert [straight.codes[i] for i in order] == mixed.codes.tolist()
        assert straight.levels == mixed.levels


def test_cramers_v() -> None:
    assert cross.cramers_v(np.array([[5, 0], [0, 5]])) == pytest.approx(1)
    assert cross.cramers_v(np.array([[5, 5], [5, 5]])) == 0
    assert cross.cramers_v(np.array([[0, 0], [5, 5]])) == 0


# ------------------------------------------------------------------------------------------- in a workbook


def test_a_workbook_gets_its_sheets_and_keeps_what_she_types(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    first = jobs.fill(ROOT / "workbook" / "sample.xlsx", path)
    book = openpyxl.load_workbook(path)
    for key in ("labels", "cross", "personas"):
        rows = list(book[schema.table(key).sheet["zh"]].iter_rows(min_row=2, values_only=True))
        assert len(rows) == len(first.extra[key])
    once = path.read_bytes()
    jobs.fill(path)
    assert path.read_bytes() == once
    own = book[schema.DIMENSIONS.sheet["zh"]]
    assert (own["A2"].value, own["C2"].value) == ("地域", "一线")
    own["D2"] = "所在城市=成都"
    book.save(path)
    second = jobs.fill(path)
    assert "dimensions" not in second.extra
    both = zip(second.customers["region"], second.extra["labels"]["label1"], strict=True)
    assert {label for city, label in both if city == "成都"} == {"地域：一线"}
    assert jobs.check(path).rules.dimensions == ("地域", "价格敏感度")


def test_a_workbook_without_the_sheet_gets_it(tmp_path: Path) -> None:
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "客户基础信息与行为数据表"
    for row in shop.grid(shop.COLUMNS, shop.people(40)).rows:
        book.active.append([str(one) if isinstance(one, np.str_) else one for one in row])
    book.save(path)
    jobs.fill(path, out, as_of=shop.AS_OF, changes={"dimensions": ("地域",)})
    sheets = openpyxl.load_workbook(out)
    assert sheets["维度"]["A2"].value == "地域"
    assert jobs.verify(path, out).ok
    again = jobs.fill(out, as_of=shop.AS_OF, changes={"dimensions": ("地域",)})
    assert "dimensions" not in again.extra


@pytest.mark.parametrize("lang", texts.LANGS)
def test_nothing_without_core_dimensions(lang: Any) -> None:
    found = shop.run(shop.people(60), lang)
    assert found.facets is None
    assert not {"labels", "cross", "personas", "dimensions"} & set(found.extra)


def test_a_dimension_that_does_not_exist_is_refused_with_the_nearest() -> None:
    for name, lang, nearest in (("地遇", "zh", "“地域”"), ("Price sensitivty", "en", '"Price sensitivity"')):
        with pytest.raises(Refused) as refused:
            catalogue.shipped().chosen([name])
        assert nearest in refused.value.message(lang).split("。")[0].split(". There")[0]
