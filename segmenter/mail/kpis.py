"""The figures at the top of a mail: what they were at the analysis before, and which way they went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from segmenter import texts
from segmenter.reports import changes, formats
from segmenter.reports.changes import Figures
from segmenter.result import Result
from segmenter.texts import Lang

UNWELCOME: Final = frozenset({"at_risk", "dormant", "low_value"})
"""segments that are better small"""
LINES: Final = 5


def figures(result: Result) -> Figures:
    """What a later mail compares itself with."""
    rows = result.segments
    return {
        str(key): (float(n), float(m), float(f))
        for key, n, m, f in zip(rows["segment"], rows["customers"], rows["amount"], rows["orders"], strict=True)
    }


def customers_then(key: str, before: Figures | None) -> float | None:
    """How many customers a segment had; None without figures to compare with, and where they are withheld."""
    if before is None or key in changes.unsaid(before):
        return None
    return before[key][0] if key in before else 0.0


def build(
    total: Mapping[str, Any], named: Sequence[Mapping[str, Any]], before: Figures | None, months: int, lang: Lang
) -> list[dict[str, str]]:
    """Five lines: label, value, before, change, arrow (up | down | same | ""), tone (good | poor | same | "").

    `total` and `named`, up to two segments with a line of their own, are rows as `overview.plain` makes them; `months`
    is the window of the amount. Without `before`, and where a value is withheld, only label and value are filled.
    """
    count, money = formats.count, partial(formats.money_short, lang=lang)
    customers, amount, orders = (
        (sum(one[i] for one in before.values()) for i in range(3)) if before is not None else (None, None, None)
    )
    order_value = amount / orders if amount is not None and orders else None

    def say(key: str, **params: Any) -> str:
        return texts.say(f"mail.kpi_{key}", lang, **params)

    found = [
        _line(say("customers"), total["customers"], customers, count),
        _line(say("amount", months=months), total["amount"], amount, money),
    ]
    for row in named:
        old, welcome = customers_then(row["key"], before), row["key"] not in UNWELCOME
        found.append(_line(say("segment", name=row["name"]), row["customers"], old, count, welcome))
    found.append(_line(say("aov"), total["average_order_value"], order_value, money))
    found.append(_line(say("orders"), total["orders"], orders, count))
    return found[:LINES]


def _line(
    label: str, value: Any, old: float | None, write: Callable[[float | None], str], welcome: bool = True
) -> dict[str, str]:
    """`write` makes a text of a number; `welcome`: the more the better."""
    entry = {"label": label, "value": shown(value, write), "before": "", "change": "", "arrow": "", "tone": ""}
    if old is None or not isinstance(value, (int, float)):
        return entry
    step = value - old
    arrow = "up" if step > 0 else "down" if step < 0 else "same"
    share = f" ({formats.percent(abs(step) / old)})" if old else ""
    tone = "same" if not step else "good" if (step > 0) == welcome else "poor"
    return {**entry, "before": write(old), "change": write(abs(step)) + share, "arrow": arrow, "tone": tone}


def shown(value: Any, write: Callable[[float | None], str]) -> str:
    """A number as `write` has it; a text, which stands where a figure is withheld, as it is."""
    return value if isinstance(value, str) else write(value)
