"""Totals that must agree (003-24): the customer sheet against the orders, and either against what the books say.

Customers whose own total differs are listed by `measure.from_orders`, each with its cell; here stand the sums.
"""

from __future__ import annotations

from typing import Final

import pandas as pd
from pandas import DataFrame

from segmenter.findings import Finding
from segmenter.rules import Rules

SLACK: Final = 0.005
"""half a cent: a smaller difference is rounding"""


def check(
    customers: DataFrame, computed: DataFrame | None, rules: Rules, sheet: str, settings: str, column: str
) -> list[Finding]:
    """`customers`: key, total_amount as typed; `computed`: `orders.behaviour`, None without orders; `sheet`, `column`:
    where the typed totals stand ("J"), `settings`: where the control total does."""
    if computed is None and not rules.control_total:
        return []
    typed = customers.get("total_amount")
    found = []
    total = None if typed is None else float(typed.sum())
    if computed is not None:
        ordered = float(computed["total_amount"].sum())
        if typed is not None and typed.notna().any() and total is not None and abs(total - ordered) > SLACK:
            own = computed["total_amount"].reindex(customers["key"]).to_numpy()
            off = pd.Series(typed.to_numpy() - own)
            numbers = {
                "typed": total,
                "ordered": ordered,
                "difference": total - ordered,
                "differ": int((off.abs() > SLACK).sum()),
                "without": int((off.isna() & typed.fillna(0).gt(0).to_numpy()).sum()),
                "unknown": int((~computed.index.isin(customers["key"])).sum()),
            }
            found.append(Finding("reconcile_orders", sheet, f"{column}:{column}", params=numbers))
        total = ordered
    if rules.control_total and total is not None and abs(total - rules.control_total) > SLACK:
        numbers = {"total": total, "control": rules.control_total, "difference": total - rules.control_total}
        found.append(Finding("reconcile_control", settings, value=f"{rules.control_total:,.2f}", params=numbers))
    return found
