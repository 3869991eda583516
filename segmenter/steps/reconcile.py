"""Totals that must agree (003-24): the customer sheet against the orders, and either against what the books say.

Customers whose own total differs are listed by `measure.from_orders`, each with its cell; here stand the sums.
"""

from __future__ import annotations

from typing import Final

import numpy as np

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
            at = grouping.places(customers["key"], computed["key"])
            off = typed - np.append(computed["total_amount"], np.nan)[at]
            numbers = {
                "typed": total,
                "ordered": ordered,
                "difference": total - ordered,
                "differ": int((np.abs(off) > SLACK).sum()),
                "without": int((np.isnan(off) & (typed > 0)).sum()),
                "unknown": len(computed) - int((at >= 0).sum()),
            }
            found.append(Finding("reconcile_orders", sheet, f"{column}:{column}", params=numbers))
        total = ordered
    if rules.control_total and total is not None and abs(total - rules.control_total) > SLACK:
        numbers = {"total": total, "control": rules.control_total, "difference": total - rules.control_total}
        found.append(Finding("reconcile_control", settings, value=f"{rules.control_total:,.2f}", params=numbers))
    return found
