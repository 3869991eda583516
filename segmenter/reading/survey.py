"""Columns only a dimension asks for: beside table 1, found by their headers, and the answers on the 调研 sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, grouping, schema
from segmenter.books import Grid
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading import values
from segmenter.reading.headers import locate
from segmenter.schema import Field, Table


def beside(grid: Grid, table: Table, fields: Mapping[str, Field]) -> tuple[Frame, dict[str, int]]:
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
    return Frame(found, np.arange(header_row + 2, max(grid.height, header_row + 1) + 1)), odd


def answers(grid: Grid, fields: Mapping[str, Field], customers: Frame) -> tuple[Frame, list[Finding]]:
    """The answers of the 调研 sheet on the index of `customers` (with `key`), and what was odd. Of several rows of a
    customer the last that says something counts, question by question."""
    asked = {key: schema.SURVEY[key] if key in _OWN else one for key, one in fields.items()}
    frame, odd = beside(grid, schema.SURVEY, {"customer_id": schema.SURVEY["customer_id"], **asked})
    frame = frame.at(frame["customer_id"] != "")
    codes, keys = frames.distinct(values.keys(frame["customer_id"]))
    findings = unreadable(odd, asked, grid.sheet)
    strange = keys[grouping.places(keys, customers["key"]) < 0]
    if len(strange):
        params = {"customers": len(strange)}
        findings.append(Finding("survey_unknown", grid.sheet, value=min(strange.tolist()), params=params))
    at = grouping.places(customers["key"], keys)
    found = {}
    for key in asked:
        if key in frame:
            column = frame[key]
            answered = frames.told(column)
            last = np.full(len(keys) + 1, -1)
            last[codes[answered]] = np.flatnonzero(answered)  # of several the last remains
            blank = np.array(["" if column.dtype.kind in "OM" else np.nan], dtype=object)
            cells = np.append(column.astype(object), blank)[last[at]]
            found[key] = cells if column.dtype.kind in "OM" else cells.astype(np.float64)
    return Frame(found, customers.index), findings


_OWN = {field.key for field in schema.SURVEY.fields}


def unreadable(odd: Mapping[str, int], fields: Mapping[str, Field], sheet: str) -> list[Finding]:
    """One finding a column with cells that could not be read."""
    return [
        Finding("dimension_cells", sheet, params={"header": fields[key].header, "cells": count})
        for key, count in odd.items()
    ]
