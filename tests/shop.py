"""An invented shop, run through the pipeline: real results of any size without a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from segmenter import pipeline, rules, schema, wording
from segmenter.books import Grid
from segmenter.result import Migration, Result
from segmenter.rules import Rules
from segmenter.steps import history, migration
from segmenter.texts import Lang

AS_OF = date(2026, 6, 30)
COLUMNS = (
    "customer_id",
    "gender",
    "age",
    "region",
    "frequency",
    "average_order_value",
    "categories",
    "channel",
    "total_amount",
    "last_order_date",
)


def grid(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], table: schema.Table = schema.CUSTOMERS, lang: Lang = "zh"
) -> Grid:
    """A sheet with a header row and `rows` under it."""
    return Grid(table.sheet[lang], [[table[key].header[lang] for key in columns], *rows])


def people(count: int = 800, seed: int = 7) -> list[list[Any]]:
    """Rows of COLUMNS: every segment is there, some cells are empty, wrong or full of HTML."""
    random = np.random.default_rng(seed)
    cities, weights = (
        ["上海", "北京", "成都", "深圳", "杭州", "洛阳", "西安<b>市</b>"],
        [0.3, 0.2, 0.15, 0.15, 0.1, 0.06, 0.04],
    )
    kinds = ["护肤品", "服装", "家居用品", "数码产品", "酒类", "母婴"]
    rows: list[list[Any]] = []
    for i in range(count):
        loyal = float(random.beta(0.8, 1.6))
        orders = int(random.poisson(12 * loyal**1.4))
        price = float(np.round(random.lognormal(5.3 + loyal, 0.7), 2))
        away = int(random.exponential(160 * (1.1 - loyal))) if orders else int(random.integers(185, 560))
        never = i % 17 == 5
        total = 0.0 if never else round(orders * price * (1 + float(random.random())), 2) or round(price, 2)
        liked = "、".join(random.choice(kinds, 3, replace=False, p=[0.3, 0.25, 0.2, 0.1, 0.05, 0.1]).tolist())
        rows.append(
            [
                f"C{i:05d}",
                ["女", "男"][int(random.random() < 0.38)],
                None if i % 40 == 3 else float(random.integers(18, 66)),
                random.choice(cities, p=weights),
                0.0 if never else float(orders),
                None if never else price,
                None if i % 50 == 9 else liked,
                str(random.choice(["线上电商", "线下门店", "社群"], p=[0.56, 0.26, 0.18])),
                total,
                None if never or i % 90 == 7 else AS_OF - timedelta(days=min(away, 178) if orders else away),
            ]
        )
    if count > 20:
        rows[11] = [*rows[10]]
        rows[12][8] = "约三千元"
        rows[13][9] = AS_OF + timedelta(days=3)
    return rows


def run(
    rows: Sequence[Sequence[Any]], lang: Lang = "zh", using: Rules | None = None, strategy: Grid | None = None
) -> Result:
    """The result of `rows` (of COLUMNS)."""
    return pipeline.run(pipeline.Sheets(grid(COLUMNS, rows), strategy=strategy), using or rules.default(), lang, AS_OF)


def since(result: Result, before: Result, day: date, *, same_rules: bool = True) -> Result:
    """The result as one that follows another of `day`."""
    names = wording.segment_names(result.rules, result.lang)
    states = [migration.keep(one.customers, names) for one in (before, result)]
    found = Migration(day, AS_OF, migration.count(migration.moves(*states)), same_rules)
    lines = history.lines(before.segments, before.rules, day, None)
    return result._replace(migration=found, history=lines)


def plan(*rows: Sequence[Any]) -> Grid:
    """A strategy sheet as people typed it: segment, traits, strategy, action, owner, target, period, progress."""
    return grid([field.key for field in schema.STRATEGY.fields if field.owner == "user"], rows, schema.STRATEGY)


def mixed(counts: Mapping[str, int], using: Rules | None = None, *, dear: bool = True) -> Result:
    """The result of so many customers of each segment: the dearest of it, or the cheapest."""
    rows = {row[0]: row for row in people()}
    customers = run([*rows.values()], using=using).customers.pandas.sort_values("monetary", ascending=not dear)
    taken = [customers[customers["segment"] == key]["customer_id"].head(count) for key, count in counts.items()]
    return run([rows[one] for part in taken for one in part], using=using)


def few_outliers() -> Result:
    """The result of a shop two of whose customers bring more than all the others."""
    rows = people(60)
    for row in rows:
        row[8] = 900_000.0 if row[0] in ("C00020", "C00031") else row[8]
    return run(rows)
