"""The report's parts on clusters and customer value: the tables of their sheets, in the report's language."""

from __future__ import annotations

from collections.abc import Sequence
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
    summed, gone = found["clusters"], []
    held = [names[key] for key in masking.held(result) if key in names]
    if strict:
        known = ~summed["segment"].isin(held)  # the type that stands out, and its share: not of a withheld one
        summed = summed.assign(
            segment=summed["segment"].where(known, ""), segment_share=summed["segment_share"].where(known)
        )
        marked = _marked(summed, "name")
        gone = marked.loc[marked["small"] != "", "name"].tolist()
        summed = _withheld(summed, "name", lang)
    columns = texts.say("report.and", lang).join(texts.say(f"word.{one}", lang) for one in result.rules.cluster_columns)
    outside = formats.count(int((result.clustered.number == 0).sum()))
    return {
        "notes": [texts.say("report.clusters.note", lang, columns=columns, outside=outside)],
        "tables": [
            _table("clusters", summed, lang, "cluster"),
            _crossed(found["cluster_cross"], lang, strict, gone, held),
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
        if strict:  # withheld as everywhere else, or one table would tell what another hides
            held = [names[key] for key in masking.held(result) if key in names]
            summed = _withheld(summed, "segment", lang, held)
        tables.append(_table("value_segments", summed, lang, "months"))
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


def _crossed(cross: DataFrame, lang: Lang, strict: bool, gone: Sequence[str], held: Sequence[str]) -> dict[str, Any]:
    """Share of each customer type in each cluster; of fewer than five customers only that they are. Where `strict`,
    nothing of the clusters `gone` and the types `held`, and no field that its row or column would tell."""
    types, clusters = (list(dict.fromkeys(cross[key])) for key in ("segment", "name"))
    by = {key: cross.pivot(index="segment", columns="name", values=key) for key in ("customers", "cluster_share")}
    counts, shares = (one.reindex(index=types, columns=clusters) for one in by.values())
    counts = counts.fillna(0)
    hidden = (counts > 0) & (counts < masking.FLOOR)
    if strict:
        hidden = masking.fields_withheld(counts, held)
        hidden.loc[:, list(gone)] = counts[list(gone)] > 0

    def field(key: str, name: str) -> float | str | None:
        if not hidden.at[key, name]:
            return None if formats.is_missing(float(shares.at[key, name])) else float(shares.at[key, name])
        return masking.FEW if counts.at[key, name] < masking.FLOOR else masking.said(masking.PROTECTS, lang)

    rows = [[name, *(field(key, name) for key in types)] for name in clusters]
    columns = [{"label": schema.table("cluster_cross")["name"].header[lang], "kind": "text"}]
    columns += [{"label": key, "kind": "percent"} for key in types]
    caption = texts.say("report.table.cluster_cross", lang)
    return {"key": "cluster_cross", "caption": caption, "columns": columns, "rows": rows}


def _words(frame: DataFrame, name: str) -> list[str]:
    return [column for column in frame if not is_numeric_dtype(frame[column]) and column != name]


def _marked(frame: DataFrame, name: str, also: Sequence[str] = ()) -> DataFrame:
    return masking.withheld(frame.drop(columns=_words(frame, name)).rename(columns={name: "name"}), also)


def _withheld(frame: DataFrame, name: str, lang: Lang, also: Sequence[str] = ()) -> DataFrame:
    """The rows without the figures of groups of fewer than five, of those in `also`, and of one more where those could
    be told."""
    hidden = _marked(frame, name, also)
    masked = frame.assign(**{column: hidden[column] for column in hidden if column in frame and column != name})
    gone = hidden["small"] != ""
    few = masked["customers"].astype(object).mask(gone, hidden["small"].map(lambda mark: masking.said(mark, lang)))
    return masked.assign(customers=few, **{column: masked[column].mask(gone, "") for column in _words(frame, name)})
