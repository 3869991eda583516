"""How the workbooks of a batch ended, and what they come to together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from segmenter.texts import Lang


@dataclass(frozen=True)
class Row:
    """How one workbook ended."""

    source: str
    output: str
    status: str
    """done | findings | refused"""
    message: str = ""
    """why it was refused; what of its findings the table shows"""
    as_of: str = ""
    rows_in: int = 0
    rows_used: int = 0
    rows_excluded: int = 0
    findings: int = 0
    segments: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """key -> customers, amount"""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """key -> what the segment is called, by language"""
    report: str = ""
    recipient: str = ""
    digest: str = ""
    """SHA-256 of the source's bytes"""
    options: str = ""
    written: str = ""
    """SHA-256 of the output's bytes"""


def days(rows: Sequence[Row]) -> tuple[str, str] | None:
    """The first and the last as-of date of workbooks that are summed though they are not of one; None when they are."""
    found = sorted({row.as_of for row in rows if row.as_of and row.segments})
    return (found[0], found[-1]) if len(found) > 1 else None


def totals(rows: Sequence[Row], lang: Lang) -> dict[str, tuple[int, float]]:
    """Customers and amount by segment over all workbooks, named in `lang`; the largest amount first."""
    sums: dict[str, tuple[int, float]] = {}
    for row in rows:
        for key, (count, amount) in row.segments.items():
            name = row.names.get(key, {}).get(lang, key)
            customers, total = sums.get(name, (0, 0.0))
            sums[name] = (customers + count, total + amount)
    ranked = sorted(sums.items(), key=lambda one: -one[1][1])
    return {name: (count, round(amount, 2)) for name, (count, amount) in ranked}
