"""Cleaning (rulings C13-C15): duplicates, then missing values, then outliers. Nothing goes without a finding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, grouping, schema
from segmenter.errors import Refused
from segmenter.findings import LISTED, Cell, Finding, listed
from segmenter.frames import Frame
from segmenter.reading import values
from segmenter.rules import Rules

if TYPE_CHECKING:
    from pandas import DataFrame, Series

SUMMED: Final = ("frequency", "total_amount", "window_amount", "referrals")
SMALLEST: Final = ("registered_on", "days_since_last_order")
LATEST: Final = ("last_order_date",)
IDENTITY: Final = ("name", "gender", "registered_on")
"""what one person has one of: two values under one ID are a conflict (case B7)"""
CONTACTS: Final[tuple[tuple[str, ...], ...]] = (("phone",), ("email",), ("name", "address"))
"""what tells that two IDs are one customer (ruling C14)"""
TOP: Final = 3
"""品类偏好(TOP3)"""
_GENUINE: Final = {"phone": r"(?:\D*\d){7}", "email": r".+@.+"}
"""contacts that can tell customers apart: not 无, 0 or a dash"""


class Merged(NamedTuple):
    """One row a customer (with `key`), what was found, the rows that went (row -> code), and the keys that went:
    key -> the key of the customer it was merged into, which its orders belong to now."""

    customers: Frame
    findings: list[Finding]
    gone: dict[int, str]
    same: dict[str, str]


def merge_duplicates(customers: Frame, rules: Rules, sheet: str, cell: Cell) -> Merged:
    """One row a customer.

    Rows are one customer when they share the ID (width, case and blanks aside), else the phone, the e-mail, or name
    and address. Identical rows collapse; others merge: orders and amounts are summed, the average order value
    follows, the latest date, the smallest ID. Refused("duplicate_conflict") when one ID has two names, genders or
    registration days, unless the rules say merge.
    """
    customers = customers.assign(key=values.keys(customers["customer_id"]))
    firsts = _groups(customers)
    several = np.bincount(firsts)[firsts] > 1
    if not several.any():
        return Merged(customers, [], {}, {})
    import pandas as pd

    rows = customers.at(several).pandas
    group = pd.Series(customers.index[firsts[several]], index=rows.index)
    copy = rows.drop(columns="customer_id").assign(group=group).duplicated()
    distinct = rows[~copy]
    if rules.duplicate_conflict == "refuse":
        _refuse_conflicts(distinct, sheet, cell)
    united = _unite(distinct, group.loc[distinct.index]).astype(rows.dtypes.to_dict())
    first = group.map(dict(zip(group[::-1], group.index[::-1], strict=True)))
    kept = united.loc[first.to_numpy(), "customer_id"].set_axis(group.index)
    one_id = rows["key"].groupby(group).transform("nunique") == 1
    codes = pd.Series("duplicate_merged", index=rows.index).mask(~one_id, "duplicate_contact")
    codes = codes.mask(copy, "duplicate_same")[first != group.index]
    findings = []
    for code, same in codes.groupby(codes):

        def finding(row: int, code: str = str(code)) -> Finding:
            params = {"other": cell(int(first.at[row]), "customer_id"), "kept": str(kept.at[row])}
            return Finding(code, sheet, cell(row, "customer_id"), str(rows.at[row, "customer_id"]), params)

        findings += listed(same.index.tolist(), finding)
    keys = kept.map(schema.fold)
    went = rows["key"] != keys
    return Merged(
        Frame.from_pandas(pd.concat([customers.at(~several).pandas, united]).sort_index(kind="stable")),
        findings,
        codes.to_dict(),
        dict(zip(rows["key"][went], keys[went], strict=True)),
    )


def _groups(customers: Frame) -> NDArray[np.intp]:
    """The place of the first row of each row's customer (union over ID and contacts)."""
    above: dict[int, int] = {}

    def root(place: int) -> int:
        while (one := above.get(place, place)) != place:
            place = one
        return place

    for columns in (("key",), *CONTACTS):
        if not all(name in customers for name in columns):
            continue
        told, code = np.ones(len(customers), dtype=bool), np.zeros(len(customers), dtype=np.intp)
        for name in columns:
            known = _contact(customers[name], name)
            codes, distinct = frames.distinct(known)
            told &= known != ""
            code = code * len(distinct) + codes
        places = np.flatnonzero(told)
        codes, _ = frames.distinct(code[places])
        several = np.bincount(codes)[codes] > 1
        first: dict[int, int] = {}
        for place, one in zip(places[several].tolist(), codes[several].tolist(), strict=True):
            a, b = sorted((root(first.setdefault(one, place)), root(place)))
            above[b] = a
    found = np.arange(len(customers))
    found[[*above]] = [root(place) for place in above]
    return found


def _contact(cells: NDArray[np.object_], name: str) -> NDArray[np.object_]:
    """What of a contact tells people apart, "" where it does not."""
    if name == "key":
        return cells
    folded = values.keys(cells)
    if name not in _GENUINE:
        return folded
    genuine = re.compile(_GENUINE[name]).match
    return np.array([one if genuine(one) else "" for one in folded.tolist()], dtype=object)


def _refuse_conflicts(rows: DataFrame, sheet: str, cell: Cell) -> None:
    for column in IDENTITY:
        if column not in rows:
            continue
        filled = rows[rows[column].notna() & (rows[column].astype(object) != "")]
        several = filled.groupby("key", sort=False)[column].transform("nunique") > 1
        if several.any():
            a = filled.index[several][0]
            same = filled[filled["key"] == filled.at[a, "key"]]
            b = same.index[same[column] != filled.at[a, column]][0]
            raise Refused(
                "duplicate_conflict",
                sheet=sheet,
                cell=cell(int(a), column),
                value=schema.shown(schema.CUSTOMERS[column], filled.at[a, column], sheet),
                other_cell=cell(int(b), column),
                other=schema.shown(schema.CUSTOMERS[column], filled.at[b, column], sheet),
                id=filled.at[a, "customer_id"],
            )


def _unite(rows: DataFrame, group: Series) -> DataFrame:
    """One row a group, index = its first row. What is not added or compared is the first that is filled in."""
    import pandas as pd

    ordered = rows.assign(customer_id=rows["customer_id"].map(_id_order))
    filled = rows.astype(object).where(rows.notna() & (rows.astype(object) != ""), None)
    grouped, raw = filled.groupby(group, sort=False), rows.groupby(group, sort=False)
    found = grouped.first()
    for column in rows.columns:
        if column in SUMMED:
            found[column] = raw[column].sum(min_count=1)
        elif column in LATEST:
            found[column] = raw[column].max()
        elif column in SMALLEST:
            found[column] = raw[column].min()
        elif column == "customer_id":
            found[column] = ordered.groupby(group, sort=False)[column].min().str[-1]
        elif column == "categories":
            found[column] = raw[column].agg(_favourites)
        elif column == "average_order_value" and "frequency" in rows:
            weight = rows["frequency"].where(rows[column].notna() & (rows["frequency"] > 0))
            mean = (rows[column] * weight).groupby(group).sum(min_count=1) / weight.groupby(group).sum(min_count=1)
            found[column] = mean.fillna(found[column].astype(float))
        elif not pd.api.types.is_numeric_dtype(rows[column].dtype):
            found[column] = found[column].fillna("")
    found["key"] = found["customer_id"].map(schema.fold)
    first = pd.Series(group.index, index=group.to_numpy()).groupby(level=0, sort=False).first()
    return found.set_axis(pd.Index(first.loc[found.index], name=rows.index.name))


def _favourites(lists: Series) -> str:
    """The parts named most often, then first."""
    parts = [part for one in lists for part in one.split(values.SEPARATOR) if part]
    ranked = sorted(dict.fromkeys(parts), key=lambda part: (-parts.count(part), parts.index(part)))
    return values.SEPARATOR.join(ranked[:TOP])


def _id_order(text: str) -> tuple[int, float, str, str]:
    folded = schema.fold(text)
    return (0, float(folded), folded, text) if folded.isdecimal() else (1, 0.0, folded, text)


def fill_missing(customers: Frame, sheet: str, cell: Cell) -> tuple[Frame, list[Finding]]:
    """Missing ages take the median (item 003-20); a customer without any order is new, not deficient (003-23)."""
    if "age" not in customers:
        return customers, []
    ages, rows = customers["age"], customers.index
    missing = np.isnan(ages)
    if missing.all() or not missing.any():
        return customers, []
    median = grouping.median(ages[~missing])
    findings = listed(
        rows[missing].tolist(), lambda row: Finding("age_filled", sheet, cell(row, "age"), "", {"median": median})
    )
    return customers.assign(age=np.where(missing, median, ages)), findings


def mark_outliers(customers: Frame, rules: Rules, sheet: str, cell: Cell) -> tuple[Frame, list[Finding]]:
    """Adds `outlier`: the total amount is above `outlier_factor` times the mean, in one pass (item 003-21, C13).

    With mode cap, total_amount and monetary are limited to the threshold; who is removed is the caller's to leave out.
    """
    total = customers["total_amount"]
    total = np.where(np.isnan(total), 0.0, total)
    everything = float(total.sum())
    mean = everything / max(len(total), 1)
    threshold = rules.outlier_factor * mean
    outlier = (total > threshold) & (mean > 0)
    customers = customers.assign(outlier=outlier)
    if not outlier.any():
        return customers, []
    ids, rows = customers["customer_id"], customers.index
    share = total / everything
    code, together = f"outlier_{rules.outlier_mode}", float(share[outlier].sum())
    about = {
        "customers": int(outlier.sum()),
        "threshold": threshold,
        "share": together,
        "mode": rules.outlier_mode,
    }
    places = np.flatnonzero(outlier)
    dearest = places[np.argsort(-total[places], kind="stable")]
    findings = [Finding("outliers", sheet, params=about, amount_share=together)]
    findings += listed(
        dearest.tolist(),
        lambda place: Finding(
            code,
            sheet,
            cell(int(rows[place]), "total_amount"),
            f"{total[place]:.2f}",
            {"threshold": threshold, "id": ids[place]},
            amount_share=float(share[place]),
        ),
        len(dearest) if rules.outlier_mode == "remove" else LISTED,
    )
    if rules.outlier_mode == "cap":
        names = [name for name in ("total_amount", "monetary") if name in customers]
        customers = customers.assign(**{name: np.minimum(customers[name], threshold) for name in names})
    return customers, findings
