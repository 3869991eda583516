"""Limits learnt from the data: scores by fifths and against the mean, and everything that reads them."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import AS_OF, people, run

from segmenter import functions, jobs, rules, schema, settings, wording
from segmenter.books.file import FileBook
from segmenter.frames import Frame
from segmenter.reports import report
from segmenter.rules import CODES, Rules
from segmenter.steps import scale, score, segment

DEFAULT = rules.default()
QUANTILE, MEAN = (DEFAULT._replace(scoring=scoring) for scoring in ("quantile", "mean"))
COLUMNS = ["recency_days", "frequency", "monetary"]
ROWS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 6), st.floats(0, 9000).map(lambda v: round(v, 2))),
    min_size=5,
    max_size=40,
)


def frame(rows: list[tuple[float, float, float]]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=COLUMNS, dtype=float)
    return found.assign(without_orders=False)


def scored(rows: pd.DataFrame, using: Rules) -> tuple[Frame, Rules]:
    customers = Frame.from_pandas(rows)
    fitted = scale.fit(customers, using)
    return segment.assign(score.score(customers, fitted), fitted), fitted


def fifths(values: list[float]) -> list[int]:
    """The score of each value, by counting: its place is the middle of those who share it."""
    return [
        ceil(10 * (sum(o < v for o in values) + sum(o == v for o in values) / 2) / len(values) / 2 - 1e-12)
        for v in values
    ]


@given(ROWS)
def test_quantile_scores_are_those_of_counting(rows: list[tuple[float, float, float]]) -> None:
    found, fitted = scored(frame(rows), QUANTILE)
    for name, column in scale.MEASURES.items():
        values = [(-1 if name == "recency" else 1) * value for value in found[column]]
        scores = [fitted.bin_scores[name][position] for position in found[f"{name[0]}_bin"]]
        assert scores == fifths(values)
        assert found[f"{name[0]}_label"].tolist() == [QUANTILE.quantile_labels[5 - one] for one in scores]


@given(ROWS)
def test_high_is_at_the_mean_or_better(rows: list[tuple[float, float, float]]) -> None:
    found, fitted = scored(frame(rows), MEAN)
    assert ((found["r_label"] == "high") == (found["recency_days"] <= found["recency_days"].mean() + 1e-9)).all()
    assert ((found["f_label"] == "high") == (found["frequency"] >= found["frequency"].mean() - 1e-9)).all()
    reached = found["monetary"] >= found["monetary"].mean() - 0.01
    assert ((found["m_label"] == "high") <= reached).all()
    assert (found["m_label"][found["monetary"] >= found["monetary"].mean()] == "high").all()
    assert len(fitted.recency_bins) == 1 and not fitted.bin_scores


@given(ROWS, st.randoms(use_true_random=False), st.sampled_from([QUANTILE, MEAN]))
def test_laws_of_both(rows: list[tuple[float, float, float]], random: object, using: Rules) -> None:
    """One segment each, whatever the order of the rows; better is never worse."""
    found, fitted = scored(frame(rows), using)
    assert set(found["code"]) <= set(CODES) and set(found["segment"]) <= {one.key for one in using.segments}
    shuffled = frame(rows).sample(frac=1, random_state=len(rows))
    again, refitted = scored(shuffled, using)
    assert refitted == fitted
    assert again.pandas.sort_index()["segment"].tolist() == found["segment"].tolist()
    rank = {"low": 0, "mid": 1, "high": 2}
    for column, name, better in (("recency_days", "r", -1), ("frequency", "f", 1), ("monetary", "m", 1)):
        ordered = found.pandas.assign(v=found[column] * better).sort_values("v")[f"{name}_label"].map(rank)
        assert ordered.is_monotonic_increasing
    for name in scale.MEASURES:
        for lang in ("zh", "en"):
            words = scale.bins(name, fitted, lang)
            assert len(words) == len(set(words)) == len(getattr(fitted, f"{name}_labels"))


def test_ties_leave_scores_out_and_it_is_said() -> None:
    rows = [(i, 1.0 if i < 14 else 2.0 if i < 18 else 5.0, 10.0 * i) for i in range(20)]
    found, fitted = scored(frame(rows), QUANTILE)
    assert fitted.frequency_bins == (5, 2, 1) and fitted.bin_scores["frequency"] == (5, 4, 2, 1)
    assert wording.f_bins(fitted, "zh") == ["5分 ≥5次", "4分 2-4次", "2分 1次", "1分 0次及以下"]
    (finding,) = scale.empty(found, fitted)
    assert finding.code == "bin_empty" and finding.params["bins"]["zh"] == "1分 0次及以下、3分"
    printed = scale.to_frame(found, fitted, "zh").pandas
    assert printed.groupby("measure")["customers"].sum().tolist() == [20, 20, 20]
    assert printed[printed["measure"] == "F"]["customers"].tolist() == [2, 4, 14, 0]


def test_fixed_bins_that_are_empty_are_said_of_many_customers_only() -> None:
    rows = [(10.0, 3.0, 1500.0)] * 399
    found, fitted = scored(frame(rows), DEFAULT)
    assert fitted is DEFAULT and scale.empty(found, fitted) == []
    found, _ = scored(frame([*rows, rows[0]]), DEFAULT)
    assert [one.params["measure"] for one in scale.empty(found, DEFAULT)] == ["R", "F", "M"]


def test_outliers_and_the_unknown_do_not_count_in_a_mean() -> None:
    rows = [(10.0, 2.0, 100.0)] * 5 + [(np.nan, 0.0, 0.0), (10.0, 200.0, 1e6)]
    customers = frame(rows).assign(outlier=[False] * 6 + [True])
    fitted = scale.fit(Frame.from_pandas(customers), MEAN)
    assert (fitted.recency_bins, fitted.frequency_bins, fitted.monetary_bins) == ((10,), (2,), (100,))


def test_of_fewer_than_five_nothing_is_learnt() -> None:
    assert scale.fit(Frame.from_pandas(frame([(1.0, 1.0, 1.0)] * 4)), QUANTILE) == DEFAULT


@pytest.mark.parametrize("scoring", ["quantile", "mean"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_everything_downstream_goes_along(scoring: str, lang: str) -> None:
    result = run(people(300), lang, DEFAULT._replace(scoring=scoring))
    used = result.rules
    assert used.scoring == scoring and used.monetary_bins != DEFAULT.monetary_bins
    assert not re.search("是|否|Yes|No", "".join(result.rfm["r_text"])), "the header says 30 days, which nobody asked"
    assert set(result.rfm["m_bin"]) - {""} <= set(wording.m_bins(used, lang))
    printed = result.extra["score_limits"].pandas
    page = report.render(result, lang)
    for words in printed["range"]:
        assert words.replace("<", "&lt;") in page, words
    for measure, name in (("R", "r"), ("F", "f"), ("M", "m")):
        counted = [int((result.customers[f"{name}_bin"] == i).sum()) for i in range(len(wording.r_bins(used, lang)))]
        shown = printed[printed["measure"] == measure]["customers"].tolist()
        assert shown == counted[: len(shown)]
    assert len(result.boards["board_heat"]) == len(wording.r_bins(used, lang)) + 1
    assert settings.name_of("scoring", lang) in page


def test_fixed_scoring_prints_no_sheet_and_keeps_the_words_of_the_template() -> None:
    result = run(people(60))
    assert "score_limits" not in result.extra
    assert re.fullmatch(r"[是否]\(\d+天前\)|缺失", result.rfm["r_text"].tolist()[0])


@pytest.mark.parametrize("scoring", ["quantile", "mean"])
def test_worksheet_functions_learn_from_their_rows(scoring: str) -> None:
    using = DEFAULT._replace(scoring=scoring, outlier_mode="flag", outlier_factor=1e9)
    result = run(people(200), using=using)
    known = result.customers.at(result.customers["code"] != "").pandas
    rows = [[row.customer_id, row.recency_days, row.frequency, row.monetary] for row in known.itertuples()]
    spoken = settings.to_frame(using, "zh").pandas[["name", "value"]].to_numpy(object).tolist()
    assert [row[0] for row in functions.SEG_RFM(rows, setting_rows=spoken)] == known["code"].tolist()
    levels = functions.SEG_LEVEL([[row[3]] for row in rows], "M", spoken)
    assert [row[0] for row in levels] == [{"high": "高", "mid": "中", "low": "低"}[one] for one in known["m_label"]]


def test_formulas_say_why_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")
    with FileBook(path) as book:
        rows = [[str(i), float(i % 7), 100.0, 100.0 * i, AS_OF] for i in range(1, 30)]
        columns = ["customer_id", "frequency", "average_order_value", "total_amount", "last_order_date"]
        book.write(schema.CUSTOMERS, Frame.of(rows, columns))
        book.write(schema.SETTINGS, settings.to_frame(QUANTILE, "zh"))
    result = jobs.fill(path, formulas=True)
    assert "formulas_fixed" in {one.code for one in result.findings}
    assert FileBook(path).read(schema.table("score_limits")) is not None


def test_naming_schemes_are_the_published_ones_and_clashes_are_said() -> None:
    published = {
        "common": "重要价值客户 重要发展客户 重要保持客户 重要挽留客户 "
        "一般价值客户 一般发展客户 一般保持客户 一般挽留客户",
        "volcengine": "重要价值客户 重要深耕客户 重要唤回客户 重要挽留客户 潜力客户 新客户 一般维持客户 流失客户",
        "aliyun": "高价值客户 重点发展客户 重点保持客户 重点挽留客户 一般价值客户 一般发展客户 一般保持客户 潜在客户",
    }
    codes = ("111", "101", "011", "001", "110", "100", "010", "000")
    for scheme, names in published.items():
        assert [DEFAULT.schemes[scheme][code]["zh"] for code in codes] == names.split()
        result = run(people(60), using=DEFAULT._replace(naming_scheme=scheme))
        assert set(result.rfm["class_name"]) - {""} <= set(names.split())
        said = [one.message("zh") for one in result.findings if one.code == "names_clash"]
        assert len(said) == (scheme == "volcengine")
        assert not said or "潜力客户、新客户" in said[0]
