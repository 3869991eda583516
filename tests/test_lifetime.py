"""Customer value: the published figures of CDNOW, an independent count of a real shop, and silence where it is due."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import uci
from scipy.special import hyp2f1
from shop import grid

from segmenter import pipeline, rules, schema
from segmenter.errors import Refused
from segmenter.reports import report
from segmenter.result import Result
from segmenter.steps import lifetime, valuation
from segmenter.steps.lifetime import Purchases
from segmenter.texts import Lang

END = date(2011, 12, 9)
ON = rules.default()._replace(value=True)


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    found = pd.read_csv(Path(__file__).with_name("cdnow.csv.gz"), comment="#")
    return found.rename(columns={"zbar": "mean"})


@pytest.fixture(scope="module")
def model(cdnow: pd.DataFrame) -> Purchases:
    found = lifetime.fit_purchases(cdnow)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    orders = uci.orders()
    return orders.assign(key=orders["customer_id"])


def analysed(lang: Lang = "zh", using: rules.Rules = ON) -> Result:
    orders = uci.orders()
    lines = [
        [f"O{i}", row.customer_id, row.ordered_on.to_pydatetime(), float(row.amount)]
        for i, row in enumerate(orders.itertuples())
    ]
    ids = orders["customer_id"].drop_duplicates()
    people = [[one, None, None, None] for one in ids]
    customers = grid(("customer_id", "frequency", "average_order_value", "total_amount"), people, lang=lang)
    sheet = grid(("order_id", "customer_id", "ordered_on", "amount"), lines, schema.ORDERS, lang)
    return pipeline.run(pipeline.Sheets(customers, orders=sheet), using, lang, END)


@pytest.fixture(scope="module")
def result() -> Result:
    return analysed()


def test_bg_nbd_gives_the_published_parameters(model: Purchases) -> None:  # Fader, Hardie, Lee 2005, table 2
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=6e-4)
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_gamma_gamma_gives_the_published_parameters(cdnow: pd.DataFrame) -> None:  # Fader, Hardie 2013
    found = lifetime.fit_spending(cdnow)
    assert found is not None
    assert (found.p, found.q, found.v) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)
    mean = np.array([25.0, 0.0])
    assert found.expected(np.array([0.0, 0.0]), mean) == pytest.approx(found.v * found.p / (found.q - 1))
    by_hand = (found.q - 1) / (found.p * 7 + found.q - 1) * found.v * found.p / (found.q - 1)
    by_hand += found.p * 7 / (found.p * 7 + found.q - 1) * 25
    assert found.expected(np.array([7.0]), np.array([25.0])) == pytest.approx(by_hand)


def test_the_purchases_expected_are_the_published_ones(model: Purchases) -> None:
    x, t_x, t = np.array([2.0]), np.array([30.43]), np.array([38.86])
    assert model.expected(39, x, t_x, t)[0] == pytest.approx(1.226, abs=5e-4)


@pytest.mark.parametrize("weeks", [1, 26, 104])
def test_the_closed_form_is_equation_10_as_printed(model: Purchases, cdnow: pd.DataFrame, weeks: float) -> None:
    x, t_x, t = (cdnow[name].to_numpy(float) for name in ("x", "t_x", "T"))
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    above = (a + b + x - 1) / (a - 1)
    above *= 1 - ((alpha + t) / (alpha + t + weeks)) ** (r + x) * hyp2f1(
        r + x, b + x, a + b + x - 1, weeks / (alpha + t + weeks)
    )
    below = 1 + (x > 0) * a / (b + x - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x)
    assert model.expected(weeks, x, t_x, t) == pytest.approx(above / below, rel=1e-9)
    again = x > 0
    assert model.active(x, t_x, t)[again] == pytest.approx((1 / below)[again])


def test_customers_who_drop_out_alike_overflow_nothing() -> None:
    """Everybody leaves with one chance in five after an order: the sum over the purchases to come, by hand."""
    alike = Purchases(2.0, 4.0, 148.0, 592.0, 0.0)
    found = alike.expected(500, np.array([0.0]), np.array([0.0]), np.array([100.0]))[0]
    random = np.random.default_rng(0)
    rates = random.gamma(2.0, 1 / 104.0, 200_000)  # what is known of a customer after 100 weeks of silence
    orders = random.poisson(rates * 500)
    drop = random.beta(148.0, 592.0, len(rates))
    assert found == pytest.approx(np.mean((1 - (1 - drop) ** orders) / drop), rel=0.01)


def test_a_thousand_purchases_overflow_nothing(model: Purchases) -> None:
    x, t = np.array([1000.0, 5000.0]), np.array([104.0, 104.0])
    found = model.expected(52, x, t, t)
    assert np.isfinite(found).all() and (found > 300).all() and found[1] > found[0]
    assert (model.active(x, t * 0.5, t) < 1e-9).all()


def test_numbers_of_purchases_are_as_the_model_draws_them(model: Purchases) -> None:
    """20,000 customers drawn by the story the model tells, against its probabilities."""
    random = np.random.default_rng(11)
    weeks, size = 40.0, 20_000
    counts = []
    for rate, drop in zip(
        random.gamma(model.r, 1 / model.alpha, size), random.beta(model.a, model.b, size), strict=True
    ):
        now, bought = 0.0, 0
        while (now := now + random.exponential(1 / rate)) <= weeks:
            bought += 1
            if random.random() < drop:
                break
        counts.append(bought)
    drawn = np.bincount(np.minimum(counts, 7), minlength=8) / size
    chances = model.chances(7, np.array([weeks]))[0]
    assert np.abs(drawn[:7] - chances).max() < 0.012
    assert drawn[7] == pytest.approx(1 - chances.sum(), abs=0.012)


def test_history_is_what_sql_counts_same_day_once(shop: pd.DataFrame) -> None:
    found = lifetime.history(shop, END)
    sql = sqlite3.connect(":memory:")
    shop.assign(day=shop["ordered_on"].dt.strftime("%Y-%m-%d"))[["key", "day", "amount"]].to_sql("o", sql)
    rows = sql.execute(
        """with d as (select key, day, sum(amount) as amount from o where amount > 0 group by 1, 2),
        f as (select key, min(day) as first, max(day) as last, count(*) - 1 as x from d group by 1)
        select f.key, x, (julianday(last) - julianday(first)) / 7, (julianday('2011-12-09') - julianday(first)) / 7,
        (select avg(amount) from d where d.key = f.key and d.day > first) from f order by 1"""
    ).fetchall()
    wanted = pd.DataFrame(rows, columns=["key", "x", "t_x", "T", "mean"]).set_index("key").astype(float)
    pd.testing.assert_frame_equal(
        found.sort_index(), wanted, check_names=False, check_index_type=False, check_dtype=False
    )
    assert (found["x"] < shop.groupby("key").size() - 1).any(), "the shop has days with two orders"


def test_the_order_of_the_rows_changes_nothing(shop: pd.DataFrame) -> None:
    one = valuation.estimate(shop, END, 6)
    other = valuation.estimate(shop.sample(frac=1, random_state=4), END, 6)
    pd.testing.assert_frame_equal(one.customers.sort_index(), other.customers.sort_index(), rtol=1e-5)


def test_a_real_shop(result: Result) -> None:
    """The check foretells four months; where nobody drops out, no activity is claimed."""
    value = result.valued
    assert value is not None and value.purchases is not None and value.spending is not None
    checks = value.checks.set_index("check")
    assert checks.loc["repeat_0":"repeat_7", "observed"].sum() == 4338
    assert checks.loc["repeat_0":"repeat_7", "expected"].sum() == pytest.approx(4338)
    assert checks.at["holdout", "expected"] == pytest.approx(checks.at["holdout", "observed"], rel=valuation.OFF_BY)
    assert [one.code for one in value.findings] == ["value_no_dropout"]
    assert value.customers["p_active"].isna().all()
    assert (value.customers["expected_purchases"] > 0).all()
    rank = value.customers["expected_purchases"].rank().corr(value.customers["purchases"].rank())
    assert rank > 0.8


def test_the_purchases_kept_back_are_what_sql_counts(shop: pd.DataFrame, result: Result) -> None:
    weeks = (END - shop["ordered_on"].min().date()).days
    cut = (END - timedelta(days=round(weeks / 3))).isoformat()
    sql = sqlite3.connect(":memory:")
    shop.assign(day=shop["ordered_on"].dt.strftime("%Y-%m-%d"))[["key", "day"]].to_sql("o", sql)
    (made,) = sql.execute(
        """select count(*) from (select distinct key, day from o where day > ?)
        where key in (select key from o where day <= ?)""",
        (cut, cut),
    ).fetchone()
    assert result.valued is not None
    assert result.valued.checks.set_index("check").at["holdout", "observed"] == made


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_sheets_and_report_add_up(result: Result, lang: Lang) -> None:
    rows, summed = (result.extra[key].pandas for key in ("value", "value_segments"))
    sql = sqlite3.connect(":memory:")
    rows.to_sql("v", sql)
    for segment, customers, purchases, value in sql.execute(
        "select segment, count(*), sum(expected_purchases), sum(value) from v group by 1"
    ):
        row = summed[summed["segment"] == segment].iloc[0]
        assert row["customers"] == customers and row["months"] == 6
        assert (row["expected_purchases"], row["value"]) == pytest.approx((purchases, value))
    assert set(rows["customer_id"]) == set(result.customers["customer_id"])
    page = report.render(result, lang)
    part = page[page.index('<section id="value"') : page.index('<section id="tracking"')]
    for value in summed["value"]:
        assert f'<data value="{float(value)}">' in part
    assert lang == "zh" or not any("\u4e00" <= char <= "\u9fff" for char in part)


def made(last: date, mean: float, customers: int = 200, leaving: float = 0.0, within: int = 100) -> pd.DataFrame:
    """Orders of customers who come within so many days and buy about every `mean`, until `last` or until they leave."""
    random = np.random.default_rng(5)
    rows = []
    for i in range(customers):
        day = date(2024, 1, 1) + timedelta(days=int(random.integers(0, within)))
        own = mean * float(random.lognormal(0, 0.5))
        level = float(random.lognormal(5, 0.5))
        while day <= last:
            rows.append((f"C{i}", pd.Timestamp(day), level * float(random.lognormal(0, 0.3))))
            if random.random() < leaving:
                break
            day += timedelta(days=max(int(random.exponential(own)), 1))
    return pd.DataFrame(rows, columns=["key", "ordered_on", "amount"])


def test_orders_the_model_cannot_foretell_get_no_value() -> None:
    stopped = made(date(2024, 8, 1), 20)
    found = valuation.estimate(stopped, date(2024, 12, 31), 6)
    assert [one.code for one in found.findings] == ["value_unfit"]
    assert found.customers.empty and not found.checks.empty
    tables = valuation.tables(pd.DataFrame(), found, 6, {}, "zh")
    assert list(tables) == ["value_checks"], "the check is shown, no figure of a customer is"


@pytest.mark.parametrize(
    ("customers", "last", "code"), [(99, date(2024, 12, 31), "value_few"), (200, date(2024, 4, 1), "value_few")]
)
def test_too_little_to_learn_from(customers: int, last: date, code: str) -> None:
    found = valuation.estimate(made(last, 30, customers), last, 6)
    assert [one.code for one in found.findings] == [code] and found.customers.empty and found.checks.empty


def test_money_that_hangs_together_with_frequency_is_not_foretold() -> None:
    orders = made(date(2024, 12, 31), 30)
    tied = orders.assign(amount=orders["amount"] * orders.groupby("key")["amount"].transform("size") ** 2)
    found = valuation.estimate(tied, date(2024, 12, 31), 6)
    assert "value_money" in {one.code for one in found.findings}
    assert found.customers["value"].isna().all() and found.customers["expected_purchases"].notna().all()


def test_one_purchase_day_says_nothing_of_activity() -> None:
    orders = made(date(2024, 12, 31), 25, 1000, leaving=0.1, within=300)
    found = valuation.estimate(orders, date(2024, 12, 31), 6)
    once = found.customers["purchases"] == 1
    assert once.any() and found.customers.loc[once, "p_active"].isna().all()
    assert found.customers.loc[~once, "p_active"].between(0, 1).all()


def test_a_shop_without_orders_is_told_so_and_nobody_is_asked_by_default() -> None:
    row = [["1", 3.0, 100.0, 300.0, date(2026, 6, 1)]]
    sheet = grid(("customer_id", "frequency", "average_order_value", "total_amount", "last_order_date"), row)
    found = pipeline.run(pipeline.Sheets(sheet), ON, "zh", END.replace(year=2026))
    assert "value_no_orders" in {one.code for one in found.findings} and "value" not in found.extra
    assert analysed(using=rules.default()).valued is None


def test_without_scipy_it_says_what_to_install(shop: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valuation, "find_spec", lambda _: None)
    with pytest.raises(Refused) as refused:
        valuation.estimate(shop, END, 6)
    assert (refused.value.key, refused.value.params["extra"]) == ("need_extra", "value")
