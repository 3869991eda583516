"""What one analysis produced; made by `pipeline.run`, read by the books, the report, the mail and the doors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from segmenter.advice import Proposal, Review
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.reading.targets import Tracked
from segmenter.rules import Rules
from segmenter.texts import Lang

if TYPE_CHECKING:
    from segmenter.steps.clusters import Clustered
    from segmenter.steps.labels import Facets
    from segmenter.steps.valuation import Value


class Migration(NamedTuple):
    """Who moved between two analyses."""

    before: date
    after: date
    cells: Frame
    """the moves counted, as `migration.count` does; segments by name"""
    same_rules: bool = True


class Result(NamedTuple):
    """One analysis, complete: the numbers of every sheet and of the report come from here."""

    rules: Rules
    lang: Lang
    """the language of segment names and cell texts below"""
    as_of: date | None
    """None when no date is known anywhere: then nobody has an R"""
    window_start: date | None
    """F and M count orders after this day, up to and including `as_of`"""
    rows_in: int
    rows_used: int
    rows_excluded: int
    excluded: Mapping[str, int]
    """rows per reason (a finding code); sums to `rows_excluded`"""
    findings: tuple[Finding, ...]
    customers: Frame
    """one row a customer, index = row number on the sheet. The fields of the customers table, cleaned, and:
    recency_days (float, NaN unknown), frequency (float), monetary (float), r_bin / f_bin / m_bin (int position in
    the rules' bins, -1 unknown), r_label / f_label / m_label ("high", "mid", "low", "" unknown), code ("111", ""
    unknown), segment (key of the rules' segment; "no_recency" when R is unknown), outlier (bool)"""
    segments: Frame
    """one row a segment in the rules' order (also those without customers; then "no_recency" if there are any):
    segment (key), name, customers, customer_share, amount (sum of monetary), amount_share, orders (sum of
    frequency), average_order_value, median_recency_days, median_frequency, median_monetary (NaN when empty), buyers
    and repeat_buyers (customers with one order or more, with two or more)"""
    rfm: Frame
    """table 2, columns as in the schema, cell texts in `lang`"""
    strategy: Frame
    """table 3, columns as in the schema, with what people typed"""
    boards: Mapping[str, Frame]
    """the blocks of the dashboard by table key"""
    cleaning: Frame
    """the cleaning log, columns as in the schema"""
    clustered: Clustered | None = None
    """the clusters, where they were asked for"""
    valued: Value | None = None
    """customer value, where it was asked for and there are orders"""
    facets: Facets | None = None
    """every customer's level in the core dimensions; None without any"""
    extra: Mapping[str, Frame] = MappingProxyType({})
    """rows of optional tables by table key (`schema.EXTRA`), columns as in the schema; only those there is
    something to say on"""
    tracked: tuple[Tracked, ...] = ()
    """the targets of table 3, measured"""
    proposals: tuple[Proposal, ...] = ()
    """what should happen next"""
    reviews: tuple[Review, ...] = ()
    """when progress, dimensions and everything are looked at again"""

    reach: Mapping[str, tuple[int, int]] | None = None
    """segment key -> customers reached by the campaigns on 活动记录, converted (those who ordered after); None without
    any"""
    history: Frame = Frame({})
    """the lines of 细分历史 with those of this analysis, columns as in the schema; none where it is not kept"""
    left: Collection[tuple[int, str]] = ()
    """the cells of `strategy` (row, column) that are not ours to write: what stands in them stays"""
    migration: Migration | None = None
    """None where there is nothing earlier to compare with"""

    @property
    def status(self) -> str:
        """Either "findings", when there is anything to look at, or "ok"."""
        return "findings" if self.findings else "ok"
