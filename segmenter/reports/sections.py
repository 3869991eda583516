"""The report's parts on clusters and customer value: the tables of their sheets, in the report's language."""

from __future__ import annotations

from typing import Any, Final

from pandas import DataFrame
from pandas.api.types import is_numeric_dtype

from segmenter import masking, schema, texts, wording
from segmenter.reports import formats
from segmenter.result import Result
from segmenter.steps import clusters as step
from segmenter.steps import valuation
from segmenter.texts import Lang

KINDS: Final = {"rate": "percent"}
"""how the report calls the kinds of the schema that it shows otherwise"""


def clusters(result: Result, lang: Lang, *, strict: bool = False) -> dict[str, Any]:
    """Notes and tables (the clusters, the customer types in them, the numbers of clusters tried); {} without any."""
    if result.clustered is None or result.clustered.centres.empty:
        return {}
    names = wording.segment_names(result.rules, lang)
    found = step.tables(result.customers.pandas, result.clustered, result.rules, names, lang)
    columns = texts.say("report.and", lang).join(texts.say(f"word.{one}", lang) for one in result.rules.cluster_columns)
    outside = formats.count(int((result.clustered.number == 0).sum()))
    return {
        "notes": [texts.say("report.clusters.note", lang, columns=columns, outside=outside)],
        "tables": [
            _table("clusters", _withheld(found["clusters"], "name") if strict else found["clusters"], lang, "cluster"),
            _crossed(found["cluster_cross"], lang),
            _table("cluster_counts", found["cluster_counts"], lang),
        ],
    }


def value(result: Result, lang: Lang, *, strict: bool = False) -> dict[str, Any]:
    """Notes and tables (expected purchases and amounts by customer type, the check of the model); notes that say why
    where the model does not fit; {} where nobody asked."""
    if result.valued is None:
        return {}
    names = wording.segment_names(result.rules, lang)
    found = valuation.tables(result.customers.pandas, result.valued, result.rules.value_months, names, lang)
    notes = [one.message(lang) for one in result.valued.findings]
    tables = []
    if "value_segments" in found:
        notes.insert(0, texts.say("report.value.note", lang, months=result.rules.value_months))
        summed = found["value_segments"]
        tables.append(_table("value_segments", _withheld(summed, "segment") if strict else summed, lang, "months"))
    if "value_checks" in found:
        tables.append(_table("value_checks", found["value_checks"], lang))
    return {"notes": notes, "tables": tables}


def _table(key: str, frame: DataFrame, lang: Lang, without: str = "") -> dict[str, Any]:
    """A sheet as columns (label, kind) and rows of plain values, None where there is none."""
    fields = [field for field in schema.table(key).fields if field.key != without]
    rows = [[_plain(value) for value in row] for row in frame[[one.key for one in fields]].itertuples(index=False)]
    for row in rows:
        for i, one in enumerate(fields):
            if one.kind == "number" and isinstance(row[i], float) and 0 < abs(row[i]) < 1:
                row[i] = f"{row[i]:.3f}"  # a silhouette, a parameter: one decimal says nothing
    columns = [{"label": one.header[lang], "kind": KINDS.get(one.kind, one.kind)} for one in fields]
    return {"key": key, "caption": texts.say(f"report.table.{key}", lang), "columns": columns, "rows": rows}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return None if value is None or formats.is_missing(float(value)) else float(value)


def _crossed(cross: DataFrame, lang: Lang) -> dict[str, Any]:
    """Share of each customer type in each cluster; of fewer than five customers only that they are."""
    types = list(dict.fromkeys(cross["segment"]))
    rows: list[list[Any]] = []
    for name, part in cross.groupby("name", sort=False):
        shares: dict[str, Any] = {}
        for one in part.itertuples():
            shares[one.segment] = float(one.cluster_share) if one.customers >= masking.FLOOR else masking.FEW
        rows.append([name, *(shares.get(key) for key in types)])
    columns = [{"label": schema.table("cluster_cross")["name"].header[lang], "kind": "text"}]
    columns += [{"label": key, "kind": "percent"} for key in types]
    caption = texts.say("report.table.cluster_cross", lang)
    return {"key": "cluster_cross", "caption": caption, "columns": columns, "rows": rows}


def _withheld(frame: DataFrame, name: str) -> DataFrame:
    """The rows without the figures of groups of fewer than five, and of one more where those could be told."""
    words = [column for column in frame if not is_numeric_dtype(frame[column]) and column != name]
    hidden = masking.withheld(frame.drop(columns=words).rename(columns={name: "name"}))
    masked = frame.assign(**{column: hidden[column] for column in hidden if column in frame and column != name})
    gone = hidden["small"] != ""
    few = masked["customers"].astype(object).mask(hidden["small"] == masking.FEW, masking.FEW)
    return masked.assign(customers=few, **{column: masked[column].mask(gone, "") for column in words})
