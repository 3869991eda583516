"""Totals that must agree (003-24): the customer sheet against the orders, and either against what the books say.

Customers whose own total differs are listed by `measure.from_orders`, each with its cell; here stand the sums.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import grouping
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.rules import Rules

SLACK: Final = 0.005
"""half a cent: a smaller difference is rounding"""


def check(
    customers: Frame, computed: Frame | None, rules: Rules, sheet: str, settings: str, column: str
) -> list[Finding]:
    """`customers`: key, total_amount as typed; `computed`: `orders.behaviour`, None without orders; `sheet`, `column`:
    where the typed totals stand ("J"), `settings`: where the control total does."""
    if computed is None and not rules.control_total:
        return []
    typed = customers.get("total_amount")
    found = []
    total = None if typed is None else float(np.nansum(typed))
    if computed is not None:
        ordered = grouping.total(computed["total_amount"])
        if typed is not None and not np.isnan(typed).all() and total is not None and abs(total - ordered) > SLACK:
            numbers = {"typed": total, "ordered": ordered, "difference": total - ordered}
            parts = _parts(customers["key"], typed, computed)
            found.append(Finding("reconcile_orders", sheet, f"{column}:{column}", params={**numbers, **parts}))
        total = ordered
    if rules.control_total and total is not None and abs(total - rules.control_total) > SLACK:
        numbers = {"total": total, "control": rules.control_total, "difference": total - rules.control_total}
        found.append(Finding("reconcile_control", settings, value=f"{rules.control_total:,.2f}", params=numbers))
    return found


def _parts(keys: NDArray[Any], typed: NDArray[np.float64], computed: Frame) -> dict[str, float]:
    """Where the difference comes from: customers of each kind, and what each kind adds to it; nothing is left over."""
    sums = computed["total_amount"]
    at = grouping.places(keys, computed["key"])
    has, told = at >= 0, ~np.isnan(typed)
    listed = np.zeros(len(sums), dtype=bool)
    listed[at[has]] = True
    off = (typed - np.append(sums, np.nan)[at])[has & told]
    without = typed[~has & told & (typed != 0)]
    blank, unknown = -sums[at[has & ~told]], -sums[~listed]
    kinds = {"differ": off, "without": without, "blank": blank, "unknown": unknown}
    counts = {name: len(one) for name, one in kinds.items()} | {"differ": int((np.abs(off) > SLACK).sum())}
    return counts | {f"{name}_amount": round(float(one.sum()), 2) + 0.0 for name, one in kinds.items()}
