"""Cleaning (rulings C13-C15): duplicates, then missing values, then outliers. Nothing goes without a finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter import schema, values
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.intake import LISTED
from segmenter.rules import Rules

SUMMED: Final = ("frequency", "total_amount", "window_amount", "referrals")
EARLIEST: Final = ("registered_on",)
LATEST: Final = ("last_order_date",)
SMALLEST: Final = ("days_since_last_order",)
IDENTITY: Final = ("name", "gender", "registered_on")
"""what one person has one of: two values under one ID are a conflict (case B7)"""
CONTACTS: Final[tuple[tuple[str, ...], ...]] = (("phone",), ("email",), ("name", "address"))
"""what tells that two IDs are one customer (ruling C14)"""

Cell = Callable[[int, str], str]
"""(row, field key) -> address"""


def merge_duplicates(
    customers: DataFrame, rules: Rules, sheet: str, cell: Cell
) -> tuple[DataFrame, list[Finding], dict[int, str]]:
    """One row a customer. Gives the customers (with `key`), the findings, and the rows that went (row -> code).

    Rows are one customer when they share the ID (width, case and blanks aside), else the phone, the e-mail, or name
    and address. Identical rows collapse; others merge: orders and amounts are summed, the average order value
    follows, the latest date, the smallest ID. Refused("duplicate_conflict") when one ID has two names, genders or
    registration days, unless the rules say merge.
    """
    customers = customers.assign(key=values.key_of(customers["customer_id"]))
    group = _groups(customers)
    repeated = group.duplicated(keep=False)
    if not repeated.any():
        return customers, [], {}
    findings: list[Finding] = []
    gone: dict[int, str] = {}
    merged_rows = []
    several = customers[repeated]
    for _, rows in several.groupby(group[repeated], sort=False):
        described = rows.drop(columns=["customer_id", "key"])
        first = int(rows.index[0])
        if len(described.drop_duplicates()) == 1 and rows["key"].nunique() == 1:
            kept, code = rows.iloc[0], "duplicate_same"
        else:
            if rules.duplicate_conflict == "refuse":
                _refuse_conflicts(rows, sheet, cell)
            kept, code = _merge(rows), "duplicate_merged" if rows["key"].nunique() == 1 else "duplicate_contact"
        merged_rows.append(kept.rename(first))
        for row in rows.index[1:].tolist():
            gone[row] = code
            findings.append(
                Finding(
                    code,
                    sheet,
                    cell(row, "customer_id"),
                    str(rows.at[row, "customer_id"]),
                    {"other": cell(first, "customer_id"), "kept": str(kept["customer_id"])},
                )
            )
    singles = customers[~repeated]
    united = DataFrame(merged_rows).astype(customers.dtypes.to_dict())
    return pd.concat([singles, united]).sort_index(kind="stable"), findings, gone


def _groups(customers: DataFrame) -> pd.Series:
    """A label per row: rows of one customer share it (union over ID and contacts)."""
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while parent.get(row, row) != row:
            row = parent[row]
        return row

    for columns in (("key",), *CONTACTS):
        if not set(columns) <= set(customers.columns):
            continue
        known = customers[list(columns)].map(schema.fold) if columns != ("key",) else customers[["key"]]
        known = known[(known != "").all(axis=1)]
        same = known[known.duplicated(keep=False)]
        for _, rows in same.groupby(list(columns), sort=False):
            first, *rest = rows.index.tolist()
            for row in rest:
                a, b = root(first), root(row)
                parent[max(a, b)] = min(a, b)
    return pd.Series(
        [root(row) for row in customers.index.tolist()] if parent else customers.index, index=customers.index
    )


def _refuse_conflicts(rows: DataFrame, sheet: str, cell: Cell) -> None:
    for _, same in rows.groupby("key"):
        for column in IDENTITY:
            if column not in same:
                continue
            filled = same[column][~same[column].map(values.is_empty).astype(bool) & same[column].notna()]
            if filled.nunique() > 1:
                a, b = filled.index[0], filled.index[filled != filled.iloc[0]][0]
                raise Refused(
                    "duplicate_conflict",
                    sheet=sheet,
                    cell=cell(int(a), column),
                    value=filled.loc[a],
                    other_cell=cell(int(b), column),
                    other=filled.loc[b],
                    id=rows.iloc[0]["customer_id"],
                )


def _merge(rows: DataFrame) -> pd.Series:
    kept = rows.iloc[0].copy()
    for column in rows.columns:
        filled = rows[column][~rows[column].map(values.is_empty).astype(bool) & rows[column].notna()]
        if filled.empty or column == "average_order_value":
            continue
        if column in SUMMED:
            kept[column] = filled.sum()
        elif column in (*LATEST, *EARLIEST, *SMALLEST):
            kept[column] = filled.max() if column in LATEST else filled.min()
        elif column == "customer_id":
            kept[column] = min(filled, key=_id_order)
        elif column == "categories":
            parts = [part for cell in filled for part in cell.split("、")]
            ranked = sorted(dict.fromkeys(parts), key=lambda part: (-parts.count(part), parts.index(part)))
            kept[column] = "、".join(ranked[:3])
        else:
            kept[column] = filled.iloc[0]
    kept["key"] = schema.fold(kept["customer_id"])
    if {"average_order_value", "frequency"} <= set(rows.columns):
        value, weight = rows["average_order_value"], rows["frequency"].fillna(0)
        priced = value.notna() & (weight > 0)
        if priced.any():
            mean = (value[priced] * weight[priced]).sum() / weight[priced].sum()
            kept["average_order_value"] = mean
    return kept


def _id_order(text: str) -> tuple[int, float, str]:
    folded = schema.fold(text)
    return (0, float(folded), folded) if folded.isdecimal() else (1, 0.0, folded)


def fill_missing(customers: DataFrame, sheet: str, cell: Cell) -> tuple[DataFrame, list[Finding]]:
    """Missing ages take the median (item 003-20); a customer without any order is new, not deficient (003-23)."""
    findings: list[Finding] = []
    if "age" in customers and customers["age"].notna().any():
        missing = customers.index[customers["age"].isna()]
        median = float(customers["age"].median())
        if len(missing):
            customers = customers.assign(age=customers["age"].fillna(median))
            params: dict[str, Any] = {"median": median}
            if len(missing) <= LISTED:
                findings += [Finding("age_filled", sheet, cell(row, "age"), "", params) for row in missing.tolist()]
            else:
                first = cell(int(missing[0]), "age")
                findings.append(Finding("age_filled", sheet, first, "", {**params, "count": len(missing)}))
    return customers, findings


def mark_outliers(customers: DataFrame, rules: Rules, sheet: str, cell: Cell) -> tuple[DataFrame, list[Finding]]:
    """Adds `outlier`: the total amount is above `outlier_factor` times the mean, in one pass (item 003-21, C13).

    With mode cap, total_amount and monetary are limited to the threshold; who is removed is the caller's to leave out.
    """
    total = customers["total_amount"].fillna(0.0)
    mean = float(total.mean()) if len(total) else 0.0
    threshold = rules.outlier_factor * mean
    outlier = (total > threshold) & (mean > 0)
    customers = customers.assign(outlier=outlier)
    if not outlier.any():
        return customers, []
    everything = float(total.sum())
    share = total / everything
    code = f"outlier_{rules.outlier_mode}"
    findings = [
        Finding(
            "outliers",
            sheet,
            params={
                "customers": int(outlier.sum()),
                "threshold": threshold,
                "share": float(share[outlier].sum()),
                "mode": rules.outlier_mode,
            },
            amount_share=float(share[outlier].sum()),
        )
    ]
    for row in customers.index[outlier][np.argsort(-total[outlier].to_numpy(), kind="stable")][:LISTED].tolist():
        params = {"threshold": threshold, "id": customers.at[row, "customer_id"]}
        findings.append(
            Finding(
                code,
                sheet,
                cell(row, "total_amount"),
                f"{total.at[row]:.2f}",
                params,
                amount_share=float(share.at[row]),
            )
        )
    if rules.outlier_mode == "cap":
        limited = {
            name: customers[name].clip(upper=threshold) for name in ("total_amount", "monetary") if name in customers
        }
        customers = customers.assign(**limited)
    return customers, findings
