"""Clusters by K-Means on the behaviour columns the analyst picks (items 003-47, 003-49; ruling C13).

scikit-learn (extra `cluster`) does the clustering; here is what makes its answer repeatable and readable. Customers
are sorted by ID before anything is drawn, the seed is fixed and one thread adds up, so that neither the order of the
rows nor the machine changes a label. Money, days and counts go in as logarithms, every column with mean 0 and
standard deviation 1; a column of words weighs as much as a number. Outliers do not shape the clusters, they join the
nearest. How many clusters there are is the best silhouette among the numbers of segments the rules allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import schema, texts, wording
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.rules import Rules
from segmenter.texts import Lang

Numbers = NDArray[np.float64]
SEED: Final = 20260101
LEAST: Final = 10
"""customers to a cluster, on average, below which clusters are chance"""
MANY: Final = 50_000
"""from so many customers on, K-Means in small batches"""
JUDGED: Final = 5_000
"""so many customers, drawn with the seed, are enough for a silhouette, which compares each with each"""
RESTARTS: Final = 10
LINEAR: Final = frozenset({"repurchase_rate", "complaint_rate"})
"""shares: everything else that is a number is skewed, and goes in as a logarithm"""
WORDS: Final = frozenset({"channel", "categories"})
"""columns of words: one indicator a value (of a list, its first), for values that a customer in twenty has"""
COMMON: Final = 0.05
RANKS: Final = {"insensitive": 0.0, "moderate": 1.0, "sensitive": 2.0}
"""价格敏感度 as a number"""
TRAIT: Final = 0.25
"""standard deviations a cluster's middle must be away from everybody's to have a trait"""
LIKED: Final = 1.2
"""so much oftener than in everybody a word must be in a cluster to speak for it"""
TOLD: Final = 3
"""so many columns speak for a name"""


@dataclass(frozen=True)
class Clustered:
    """`number`: each customer's cluster from 1, the dearest first; 0 for those who lack a column. `counts`: what was
    tried: k, inertia, silhouette, chosen (bool). `centres`: standardised middles, a row a cluster, a column a
    picked column of numbers."""

    number: pd.Series
    counts: DataFrame
    centres: DataFrame
    findings: tuple[Finding, ...]


def find(customers: DataFrame, rules: Rules) -> Clustered:
    """The clusters of the customers; without centres, and with the finding that says why, when there cannot be any.

    `customers`: customer_id, monetary, outlier and the picked columns. Refused("need_extra") without scikit-learn.
    """
    if find_spec("sklearn") is None:
        raise Refused("need_extra", extra="cluster")
    ordered = customers.sort_values("key" if "key" in customers else "customer_id", kind="stable")
    absent = [name for name in rules.cluster_columns if name not in ordered or _column(ordered, name).isna().all()]
    picked = [name for name in rules.cluster_columns if name not in absent]
    findings = []
    if absent:
        names = {lang: _joined([texts.say(f"word.{name}", lang) for name in absent], lang) for lang in texts.LANGS}
        findings.append(Finding("cluster_columns", params={"columns": names}))
    number = pd.Series(0, index=customers.index)
    raw = {name: _column(ordered, name) for name in picked}
    known = pd.Series(True, index=ordered.index)
    for column in raw.values():
        known &= column.notna()
    shaping = known & ~ordered["outlier"]
    parts = {name: _scaled(name, column[known], shaping[known]) for name, column in raw.items()}
    parts = {name: part for name, part in parts.items() if part.shape[1]}
    sizes = [k for k in range(max(rules.segments_min, 2), rules.segments_max + 1) if k * LEAST <= int(shaping.sum())]
    points = np.hstack(list(parts.values())) if parts else np.empty((int(known.sum()), 0))
    inside = shaping[known].to_numpy()
    different = len(DataFrame(points[inside]).drop_duplicates()) if parts else 0
    sizes = [k for k in sizes if k < different]
    if not sizes:
        params = {"customers": int(shaping.sum()), "least": max(rules.segments_min, 2) * LEAST}
        findings.append(Finding("cluster_few", params=params))
        return Clustered(
            number, DataFrame(columns=["k", "inertia", "silhouette", "chosen"]), DataFrame(), tuple(findings)
        )
    left_out = int((~known).sum())
    if left_out:
        findings.append(Finding("cluster_left_out", params={"customers": left_out}))
    labels, counts = _best(points, inside, sizes)
    spent = ordered.loc[known, "monetary"].fillna(0).groupby(labels).mean().sort_values(ascending=False, kind="stable")
    ranks = pd.Series(range(1, len(spent) + 1), index=spent.index)
    number = pd.Series(ranks.loc[labels].to_numpy(), index=ordered.index[known]).reindex(customers.index, fill_value=0)
    numeric = {name: part[:, 0] for name, part in parts.items() if name not in WORDS}
    centres = DataFrame(numeric, index=ordered.index[known]).groupby(number).mean()
    return Clustered(number, counts, centres, tuple(findings))


def _column(customers: DataFrame, name: str) -> pd.Series:
    """A picked column: numbers, or words (of a list its first), NaN or None where unknown."""
    column = customers[name]
    if name == "price_sensitivity":
        return column.map(RANKS).astype(float)
    if name in WORDS:
        words = column.astype(object).where(column.notna() & (column.astype(str) != ""), None)
        return words.map(lambda word: str(word).split("、")[0], na_action="ignore")
    return column.astype(float)


def _scaled(name: str, column: pd.Series, shaping: pd.Series) -> Numbers:
    """The column as one or several of mean 0 and (together) variance 1 over the customers that shape the clusters;
    none when they do not differ."""
    if name in WORDS:
        shares = column[shaping].value_counts(normalize=True)
        values = column.to_numpy(object)[:, None] == np.array(sorted(shares.index[shares >= COMMON]), dtype=object)
    elif name in LINEAR or name == "price_sensitivity":
        values = column.to_numpy(float)[:, None]
    else:
        values = np.log1p(column.clip(lower=0).to_numpy(float))[:, None]
    values = values.astype(float) - values[shaping.to_numpy()].mean(axis=0)
    spread = float(np.sqrt(np.square(values[shaping.to_numpy()]).mean(axis=0).sum()))
    return np.asarray(values / spread if spread > 1e-9 else values[:, :0])


def _best(points: Numbers, inside: NDArray[np.bool_], sizes: Sequence[int]) -> tuple[NDArray[np.intp], DataFrame]:
    """Labels of the clustering with the best silhouette, and what was tried."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.metrics import silhouette_score
    from threadpoolctl import threadpool_limits

    shaping = points[inside]
    draw = np.random.default_rng(SEED).permutation(len(shaping))[:JUDGED]
    tried, models = [], {}
    with threadpool_limits(limits=1):  # two threads add up in either order
        for k in sizes:
            kind, restarts = (MiniBatchKMeans, 3) if len(shaping) >= MANY else (KMeans, RESTARTS)
            model: Any = kind(n_clusters=k, n_init=restarts, random_state=SEED).fit(shaping)
            models[k] = model
            judged = model.labels_[draw]
            silhouette = float(silhouette_score(shaping[draw], judged)) if len(set(judged.tolist())) > 1 else -1.0
            tried.append((k, round(float(model.inertia_), 4), round(silhouette, 4)))
        counts = DataFrame(tried, columns=["k", "inertia", "silhouette"])
        best = int(counts["silhouette"].idxmax())
        labels = models[int(counts["k"].iloc[best])].predict(points)
    return labels, counts.assign(chosen=counts.index == best)


def names(centres: DataFrame, rules: Rules) -> dict[int, str]:
    """Cluster -> key of its name: each name to the cluster that shows its traits most, each once."""
    fits = []
    for key, name in rules.cluster_names.items():
        traits = [(1 if trait[0] == "+" else -1, trait[1:]) for trait in name["traits"]]
        if not {column for _, column in traits} <= {*centres.columns}:
            continue
        away = DataFrame({column: sign * centres[column] for sign, column in traits})
        # how far the cluster lies in the direction of the name: one trait more is worth more than one alone
        fits += [
            (float(row.sum()) / len(traits) ** 0.5, key, int(cluster))
            for cluster, row in away.iterrows()
            if row.min() >= TRAIT
        ]
    found: dict[int, str] = {}
    for _, key, cluster in sorted(fits, key=lambda one: (-one[0], one[1], one[2])):
        if cluster not in found and key not in found.values():
            found[cluster] = key
    return found


def tables(
    customers: DataFrame, found: Clustered, rules: Rules, segments: Mapping[str, str], lang: Lang
) -> dict[str, DataFrame]:
    """The sheets, by table key, columns as in the schema; `segments`: names by key. Nothing without clusters."""
    if found.centres.empty:
        return {}
    number = found.number.reindex(customers.index, fill_value=0)
    inside = customers.assign(cluster=number)[number > 0]
    said = shown(found, rules, lang)
    keys = names(found.centres, rules)
    traits = {
        one: [trait[1:] for trait in rules.cluster_names[keys[one]]["traits"]] if one in keys else [] for one in said
    }
    everybody, total = len(inside), float(inside["monetary"].sum())
    cross = inside.groupby(["cluster", "segment"]).size()
    overall = inside["segment"].value_counts() / everybody
    rows, crossed = [], []
    for cluster, part in inside.groupby("cluster"):
        own = cross.loc[cluster]
        best = min(own.index, key=lambda key: (-own[key], key))
        rows.append(
            {
                "cluster": cluster,
                "name": said[cluster],
                "customers": len(part),
                "customer_share": len(part) / everybody,
                "amount": round(float(part["monetary"].sum()), 2),
                "amount_share": float(part["monetary"].sum()) / total if total else 0.0,
                **{
                    column: round(float(part[column].median()), 2)
                    for column in ("recency_days", "frequency", "monetary")
                },
                "evidence": _evidence(
                    part, inside, found.centres.loc[cluster], traits[cluster], rules.cluster_columns, lang
                ),
                "segment": segments[best],
                "segment_share": own[best] / len(part),
            }
        )
        for key in [key for key in segments if key in own.index]:
            share = own[key] / len(part)
            crossed.append((said[cluster], segments[key], int(own[key]), share, overall[key], share / overall[key]))
    counts = found.counts.assign(
        drop=-found.counts["inertia"].pct_change(),
        chosen=found.counts["chosen"].map({True: texts.say("word.yes", lang), False: ""}),
    )
    columns = ["name", "segment", "customers", "cluster_share", "overall_share", "lift"]
    return {
        "clusters": DataFrame(rows),
        "cluster_counts": counts[["k", "inertia", "drop", "silhouette", "chosen"]],
        "cluster_cross": DataFrame(crossed, columns=columns),
    }


def shown(found: Clustered, rules: Rules, lang: Lang) -> dict[int, str]:
    """Cluster -> its name in words. One without a name of the rules is called after the column it differs in most;
    one without such a column, or whose words are taken, is average, with its number."""
    keys = names(found.centres, rules)
    said = {cluster: str(rules.cluster_names[key][lang]) for cluster, key in keys.items()}
    for one, centre in found.centres.iterrows():
        cluster = int(str(one))
        if cluster in said:
            continue
        words = [
            texts.say(f"cluster.{_side(centre[name])}_type", lang, column=texts.say(f"word.{name}", lang))
            for name in _away(centre)
        ]
        average = texts.say("cluster.average", lang, cluster=cluster)
        said[cluster] = next((word for word in words if word not in said.values()), average)
    return {int(str(one)): said[int(str(one))] for one in found.centres.index}


def _away(centre: pd.Series, first: Sequence[str] = ()) -> list[str]:
    """The columns a cluster differs in, the most different first, those in `first` before all."""
    away = [str(name) for name in centre.index if abs(float(centre[name])) >= TRAIT]
    return sorted(away, key=lambda name: (name not in first, -abs(float(centre[name])), name))


def _side(away: float) -> str:
    return "higher" if away > 0 else "lower"


def _evidence(
    part: DataFrame, everybody: DataFrame, centre: pd.Series, traits: Sequence[str], picked: Sequence[str], lang: Lang
) -> str:
    """The columns that gave the name, and those it differs in most: its median beside everybody's."""
    said = []
    for name in _away(centre, traits)[: max(TOLD, len(traits))]:
        here, all_ = (float(_column(frame, str(name)).median()) for frame in (part, everybody))
        figures = {"here": _figure(str(name), here, lang), "all": _figure(str(name), all_, lang)}
        said.append(
            texts.say(f"cluster.{_side(centre[name])}", lang, column=texts.say(f"word.{name}", lang), **figures)
        )
    for name in [one for one in picked if one in WORDS and one in part]:
        here, all_ = (_column(frame, name).value_counts(normalize=True) for frame in (part, everybody))
        lift = (here / all_.reindex(here.index)).where(here >= COMMON)
        if lift.max() >= LIKED:
            value = min(lift.index[lift == lift.max()])
            word = next((one.name[lang] for one in schema.choices("channel") if one.key == value), value)
            shares = {"here": f"{here[value]:.0%}", "all": f"{all_[value]:.0%}"}
            said.append(texts.say("cluster.likes", lang, column=texts.say(f"word.{name}", lang), value=word, **shares))
    return texts.say("why.joint", lang).join(said) or texts.say("cluster.nothing", lang)


def _figure(name: str, value: float, lang: Lang) -> str:
    """A median as people read it."""
    if name == "price_sensitivity":
        nearest = min(RANKS, key=lambda key: (abs(RANKS[key] - value), key))
        return next(one.name[lang] for one in schema.choices(name) if one.key == nearest)
    return f"{value:.1%}" if name in LINEAR else wording.number(round(value, 2))


def _joined(words: Sequence[str], lang: Lang) -> str:
    return texts.say("bin.list", lang).join(words)
