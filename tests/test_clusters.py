"""K-Means on what the analyst picks: found again whatever the order, named from what is different, counted in full."""

from __future__ import annotations

import io
import re
import sqlite3
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest
from shop import people, run

from segmenter import documents, rules, schema, texts, wording
from segmenter.books import cells
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.reports import report, sections
from segmenter.steps import clusters

DEFAULT = rules.default()
ON = DEFAULT._replace(clusters=True)
KINDS = [  # recency, frequency, order value: five shops' worth of customers, far apart
    (3, 20, 400),
    (10, 30, 12),
    (300, 1, 130),
    (250, 1, 2500),
    (2, 1, 150),
]


def blobs(each: int = 60, seed: int = 3) -> pd.DataFrame:
    """Customers of five kinds, in any order; `kind` says which."""
    random = np.random.default_rng(seed)
    rows = []
    for kind, (days, orders, price) in enumerate(KINDS):
        for _ in range(each):
            f = max(round(orders * random.uniform(0.9, 1.1)), 1)
            p = price * random.uniform(0.8, 1.25)
            rows.append((round(days * random.uniform(0.8, 1.25)), f, f * p, p, kind))
    columns = ["recency_days", "frequency", "monetary", "average_order_value", "kind"]
    found = pd.DataFrame(rows, columns=columns, dtype=float).sample(frac=1, random_state=seed).reset_index(drop=True)
    ids = [f"C{i:05d}" for i in range(len(found))]
    return found.assign(customer_id=ids, key=ids, outlier=False, segment="low_value")


def test_the_kinds_are_found_and_named_and_chosen_by_silhouette() -> None:
    customers = blobs()
    found = clusters.find(customers, ON)
    assert found.findings == ()
    assert found.counts["k"].tolist() == [5, 6, 7, 8]
    assert found.counts.loc[found.counts["chosen"], "k"].tolist() == [5]
    assert found.counts["inertia"].is_monotonic_decreasing
    pairs = set(zip(found.number, customers["kind"], strict=True))
    assert len(pairs) == 5, "each cluster is one kind"
    names = clusters.shown(found, ON, "zh")
    by_kind = {kind: names[number] for number, kind in pairs}
    assert [by_kind[kind] for kind in range(5)] == [
        "高价值活跃型",
        "小额高频型",
        "沉默低频型",
        "沉默高价值型",
        "新近尝试型",
    ]
    spent = customers.groupby(found.number)["monetary"].mean()
    assert spent.is_monotonic_decreasing, "the dearest is number one"


def test_the_same_whatever_the_order_of_the_rows() -> None:
    customers = blobs(seed=8)
    customers[["recency_days", "monetary"]] *= np.random.default_rng(1).lognormal(0, 0.5, (len(customers), 2))
    first = clusters.find(customers, ON)
    for seed in range(3):
        again = clusters.find(customers.sample(frac=1, random_state=seed), ON)
        assert again.number.sort_index().tolist() == first.number.tolist()
        assert again.counts.equals(first.counts) and again.centres.equals(first.centres)


def test_many_customers_go_in_batches_and_are_found_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    import sklearn.cluster

    customers = blobs(100)
    monkeypatch.setattr(clusters, "MANY", 400)
    used: list[Any] = []
    batches = sklearn.cluster.MiniBatchKMeans
    monkeypatch.setattr(sklearn.cluster, "MiniBatchKMeans", lambda **given: used.append(given) or batches(**given))
    found = clusters.find(customers, ON)
    assert used and len(set(zip(found.number, customers["kind"], strict=True))) == 5


def test_outliers_shape_nothing_and_join_the_nearest() -> None:
    customers = blobs()
    whale = {"recency_days": 2.0, "frequency": 25.0, "monetary": 1e8, "average_order_value": 4e6, "kind": -1.0}
    ids = {"customer_id": "Z", "key": "Z", "outlier": True, "segment": "high_value"}
    found = clusters.find(pd.concat([customers, pd.DataFrame([whale | ids])], ignore_index=True), ON)
    assert found.number.iloc[-1] > 0
    assert found.counts.equals(clusters.find(customers, ON).counts)


def test_what_is_unknown_is_in_no_cluster_and_columns_without_data_are_left_out() -> None:
    customers = blobs().assign(referrals=np.nan)
    customers.loc[[3, 5], "recency_days"] = np.nan
    using = ON._replace(
        cluster_columns=(
            "recency_days",
            "frequency",
            "average_order_value",
            "referrals",
            "complaint_rate",
        ),
    )
    found = clusters.find(customers, using)
    assert found.number.index[found.number == 0].tolist() == [3, 5]
    assert {one.code: one.params for one in found.findings} == {
        "cluster_columns": {"columns": {"zh": "推荐数、投诉率", "en": "referrals, complaint rate"}},
        "cluster_left_out": {"customers": 2},
    }


def test_words_count_too_and_speak_for_the_name() -> None:
    customers = blobs()
    customers["channel"] = np.where(customers["kind"] % 2 == 0, "store", "online")
    customers["price_sensitivity"] = np.where(customers["kind"] == 2, "sensitive", "insensitive")
    using = ON._replace(cluster_columns=("frequency", "price_sensitivity", "channel"))
    found = clusters.find(customers, using)
    table = clusters.tables(customers, found, using, wording.segment_names(using, "zh"), "zh")["clusters"]
    sensitive = table[table["name"] == "价格敏感型"].iloc[0]
    assert sensitive["customers"] == 60
    assert "价格敏感度偏高：中位 敏感，全体 不敏感" in sensitive["evidence"]
    assert "活跃渠道：线下门店 100%，全体 60%" in sensitive["evidence"]


@pytest.mark.parametrize("count", [4, 45])
def test_too_few_or_too_alike_is_silence(count: int) -> None:
    found = clusters.find(blobs(10).head(count), ON)
    assert (found.number == 0).all() and found.centres.empty
    assert [one.code for one in found.findings] == ["cluster_few"]
    alike = clusters.find(blobs().assign(**dict.fromkeys(ON.cluster_columns, 1.0)), ON)
    assert [one.code for one in alike.findings] == ["cluster_few"]


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "find_spec", lambda _: None)
    with pytest.raises(Refused) as refused:
        clusters.find(blobs(), ON)
    assert (refused.value.key, refused.value.params["extra"]) == ("need_extra", "cluster")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_sheets_and_report_say_what_sql_counts(lang: Any) -> None:
    result = run(people(600), lang, ON)
    assert result.clustered is not None
    sql = sqlite3.connect(":memory:")
    labels = result.extra["labels"]
    shown_in_none = texts.say("cluster.none", lang)
    called = [None if one == shown_in_none else one for one in labels["cluster"]]
    assert None in called and labels.columns == schema.table("labels").keys
    table = schema.table("labels")
    written = {key: cells.column(labels[key]) for key in table.keys}  # nothing, where the frame has no number
    always = table.always_with(table.keys)
    for row in zip(*written.values(), strict=True):
        assert table.says(always, dict(zip(table.keys, row, strict=True)).get)
    names = wording.segment_names(result.rules, lang)
    customers = result.customers.pandas
    frame = customers[["monetary", "segment"]].assign(cluster=called, type=customers["segment"].map(names))
    frame.to_sql("c", sql)
    table = result.extra["clusters"].pandas
    counted = sql.execute(
        "select cluster, count(*), round(sum(monetary), 2) from c where cluster is not null group by 1"
    )
    shown = table[["name", "customers", "amount"]].to_numpy(object).tolist()
    assert {tuple(row) for row in shown} == {*counted}
    cross = result.extra["cluster_cross"].pandas
    wanted = {
        (a, b): n
        for a, b, n in sql.execute("select cluster, type, count(*) from c where cluster is not null group by 1, 2")
    }
    assert {(row.name, row.segment): row.customers for row in cross.itertuples(index=False)} == wanted
    every = sum(wanted.values())
    for row in cross.itertuples(index=False):
        own = sum(n for (a, _), n in wanted.items() if a == row.name)
        all_ = sum(n for (_, b), n in wanted.items() if b == row.segment)
        assert row.lift == pytest.approx((wanted[row.name, row.segment] / own) / (all_ / every))
    page = report.render(result, lang)
    part = page[page.index('<section id="clusters"') : page.index('<section id="tracking"')]
    for row in table.itertuples():
        assert row.name in part and f'<data value="{float(row.amount)}">' in part and row.evidence in part
    for k, inertia in zip(result.extra["cluster_counts"]["k"], result.extra["cluster_counts"]["inertia"], strict=True):
        assert f'<th scope="row">{k}</th>' in part and f'<data value="{float(inertia)}">' in part


def test_an_english_report_of_a_chinese_workbook_is_english() -> None:
    result = run(people(600), "zh", ON)
    part = report.render(result, "en")
    part = part[part.index('<section id="clusters"') : part.index('<section id="tracking"')]
    assert not any("\u4e00" <= char <= "\u9fff" for char in part)


def test_strictly_no_cluster_of_fewer_than_five_shows_figures() -> None:
    customers = blobs()
    far = customers.head(3).assign(recency_days=1.0, frequency=400.0, monetary=8e6, average_order_value=2e4, kind=9.0)
    customers = pd.concat([customers, far.assign(key=["x", "y", "z"])], ignore_index=True)
    base = run(people(30), using=ON)
    found = clusters.find(customers, ON)
    sizes = found.number.value_counts()
    assert sizes.min() == 3
    masked = base._replace(customers=Frame.from_pandas(customers), clustered=found)

    rows = sections.clusters(masked, "zh", strict=True)["tables"][0]["rows"]
    assert [row[1] for row in rows].count("<5") == 1
    few = next(row for row in rows if row[1] == "<5")
    assert not any(isinstance(value, float) for value in few[1:])
    open_ = sections.clusters(masked, "zh")["tables"][0]["rows"]
    assert 3.0 in [row[1] for row in open_]


def test_off_by_default_and_nothing_is_imported() -> None:
    result = run(people(300))
    assert result.clustered is None and not {"clusters", "labels"} & set(result.extra)


def test_a_word_report_has_them_too() -> None:
    result = run(people(600), "zh", ON)
    assert result.clustered is not None
    content, _ = documents.docx(result, "zh", None, False)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        text = re.sub("<[^>]+>", "", package.read("word/document.xml").decode())
    for row in result.extra["clusters"].pandas.itertuples():
        assert row.name in text and str(row.evidence) in text and f"{row.customer_share:.1%}" in text
