"""Columns only a dimension asks for: beside table 1, found by their headers, and the answers on the 调研 sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import schema
from segmenter.books import Grid
from segmenter.findings import Finding
from segmenter.reading import values
from segmenter.reading.headers import locate
from segmenter.schema import Field, Table


def beside(grid: Grid, table: Table, fields: Mapping[str, Field]) -> tuple[DataFrame, dict[str, int]]:
    """Columns of a sheet that its table does not have, found by header: columns = keys of `fields`, index = row
    number on the sheet. A field without a kind is a number if all its cells are. Also: unreadable cells by key."""
    header_row, _ = locate(grid, table)
    heads = grid.head(header_row + 1)[header_row]
    places = {schema.fold(head): column for column, head in reversed([*enumerate(heads)]) if isinstance(head, str)}
    found: dict[str, NDArray[Any]] = {}
    odd: dict[str, int] = {}
    for key, one in fields.items():
        column = next((places[name] for name in sorted(one.names()) if name in places), None)
        if column is None:
            continue
        cells = grid.column(column, header_row + 1)
        try:
            read = values.read(cells, one if one.kind else one._replace(kind="number"))
        except values.Ambiguous:
            read = values.texts(cells)
        if read.problems and not one.kind:
            read = values.texts(cells)
        found[key] = read.values
        if read.problems:
            odd[key] = len(read.problems)
    rows = pd.RangeIndex(header_row + 2, header_row + 2 + max(grid.height - header_row - 1, 0), name="row")
    return DataFrame(found, index=rows), odd


def answers(grid: Grid, fields: Mapping[str, Field], customers: DataFrame) -> tuple[DataFrame, list[Finding]]:
    """The answers of the 调研 sheet on the index of `customers` (with `key`), and what was odd. Of several rows of a
    customer the last that says something counts, question by question."""
    asked = {key: schema.SURVEY[key] if key in _OWN else one for key, one in fields.items()}
    frame, odd = beside(grid, schema.SURVEY, {"customer_id": schema.SURVEY["customer_id"], **asked})
    frame = frame[frame["customer_id"] != ""]
    keys = values.keys(frame.pop("customer_id").to_numpy(object))
    last = frame.mask(frame.astype(object) == "").groupby(keys).last()
    findings = unreadable(odd, asked, grid.sheet)
    strange = ~last.index.isin(customers["key"])
    if strange.any():
        params = {"customers": int(strange.sum())}
        findings.append(Finding("survey_unknown", grid.sheet, value=str(last.index[strange][0]), params=params))
    found = last.reindex(customers["key"]).set_axis(customers.index)
    texts = found.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in found.dtypes]]
    return found.assign(**{key: found[key].astype(object).fillna("") for key in texts}), findings


_OWN = {field.key for field in schema.SURVEY.fields}


def unreadable(odd: Mapping[str, int], fields: Mapping[str, Field], sheet: str) -> list[Finding]:
    """One finding a column with cells that could not be read."""
    return [
        Finding("dimension_cells", sheet, params={"header": fields[key].header, "cells": count})
        for key, count in odd.items()
    ]
