"""The steps in their order, from what stands in the sheets to a `Result`. Pure: no file, no Excel, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, grouping, nextround, onrequest, schema, texts, timeline, wording
from segmenter.books import Grid
from segmenter.errors import Refused
from segmenter.findings import Finding, to_frame, weighed
from segmenter.frames import Frame
from segmenter.matching import Segment
from segmenter.reading import headers, intake, kept
from segmenter.reading.departed import departed
from segmenter.reading.intake import Intake
from segmenter.result import Result
from segmenter.rules import Rules, months_before
from segmenter.steps import (
    board,
    clean,
    goals,
    measure,
    metrics,
    orders,
    plan,
    reconcile,
    rfm,
    scale,
    score,
    segment,
)
from segmenter.texts import Lang

T = TypeVar("T")
Progress = Callable[[str], None]
"""told the name of each stage as it begins"""


class Sheets(NamedTuple):
    """What the workbook holds, as read; None for a sheet it lacks. Every field is named like its table."""

    customers: Grid
    orders: Grid | None = None
    strategy: Grid | None = None
    activity: Grid | None = None
    rfm: Grid | None = None
    cleaning: Grid | None = None
    board_facts: Grid | None = None
    history: Grid | None = None
    moves: Grid | None = None
    migration_heads: Grid | None = None
    dimensions: Grid | None = None
    survey: Grid | None = None


class _Cleaned(NamedTuple):
    """Who is to be analysed, and what is known of them."""

    customers: Frame
    ordered: Frame | None
    """their orders and strangers'; None without any"""
    taken: Intake
    as_of: date | None
    typed_ages: NDArray[np.float64] | None
    """the ages of `customers` as they stood before missing ones were filled"""
    findings: list[Finding]
    excluded: Counter[str]
    """rows that went, by the code of the finding"""


def run(
    sheets: Sheets,
    rules: Rules,
    lang: Lang,
    as_of: date | None = None,
    progress: Progress = lambda _: None,
    noticed: Sequence[Finding] = (),
) -> Result:
    """Read, clean, measure, score, segment and plan.

    `noticed`: what was found when the rules were read.
    `as_of` comes before the rules' date, which comes before the date of the last order. Refused when the customer
    sheet holds no customers or cannot be read; everything else that is odd is a finding of the result.
    """
    cleaned = _cleaned(sheets, rules, lang, as_of, progress, noticed)
    customers, ordered, taken, as_of, typed_ages, findings, excluded = cleaned

    progress("score")
    rules = scale.fit(customers, rules)
    customers = segment.assign(score.score(customers, rules), rules)
    findings += [*_thin(customers, taken), *scale.empty(customers, rules)]
    names = wording.segment_names(rules, lang)
    members = segment.members(customers)
    segments = plan.summarise(customers, members, rules, names)
    lines = plan.lines(segments)

    progress("plan")
    stood = nextround.stood(sheets.strategy)
    typed = {row: {key: line[key] for key in plan.TYPED} for row, line in stood.items()}
    shown = plan.TYPED if sheets.strategy is None else headers.locate(sheets.strategy, schema.STRATEGY).columns
    strategy, advice = plan.merge(typed.values(), lines, rules, lang, shown)
    findings += [*intake.groups_unread(sheets.strategy), *advice]
    findings += _cautions(rules, ordered)
    extra: dict[str, Frame] = {}
    faceted = clustered = valued = None

    def ask(part: onrequest.Part[T]) -> T:
        findings.extend(part[1])
        extra.update(part[2])
        return part[0]

    groups = plan.small_segments(lines, rules)
    if rules.dimensions:
        progress("dimensions")
        grids = {key: getattr(sheets, key) for key in ("customers", "dimensions", "survey")}
        faceted = ask(onrequest.dimensions(grids, customers, typed_ages, rules, names, groups, as_of, lang))
    memory = timeline.Memory(sheets.history, sheets.moves, sheets.migration_heads, sheets.rfm, sheets.board_facts)
    followed = timeline.follow(memory, customers, segments, faceted, rules, lang, as_of)
    data = metrics.Data(customers, members, lines, rules, as_of, ordered)
    where = goals.where(sheets.strategy, [*typed], lang)
    ahead = nextround.look(strategy, where, sheets.activity, data, advice, followed, faceted, lang)
    findings += [*followed.findings, *ahead.findings]
    extra |= {**followed.extra, **ahead.extra}
    if rules.scoring != "fixed":
        extra["score_limits"] = scale.to_frame(customers, rules, lang)
    if rules.clusters:
        progress("cluster")
        clustered = ask(onrequest.clusters(customers, extra.get("labels"), rules, names, groups, lang))
    if rules.value:
        progress("value")
        valued = ask(onrequest.value(customers, ordered, rules, names, as_of, lang))
    table_2 = rfm.to_frame(customers, rules, lang)
    if sheets.rfm is not None:
        noted, kept_rows = departed(sheets.rfm, schema.RFM, table_2["customer_id"])
        table_2 = rfm.with_departed(table_2, noted, lang)
        findings += kept_rows
    findings = weighed(findings, taken.sheet, taken.frame.index, taken.frame.get("total_amount"))
    analysis = board.Analysis(as_of, len(findings), ahead.reviews)
    return Result(
        rules=rules,
        lang=lang,
        as_of=as_of,
        window_start=months_before(as_of, rules.window_months) if as_of else None,
        rows_in=taken.rows_in,
        rows_used=len(customers),
        rows_excluded=excluded.total(),
        excluded=dict(excluded),
        findings=tuple(findings),
        customers=customers,
        segments=segments,
        rfm=table_2,
        strategy=ahead.strategy,
        left=plan.left(ahead.strategy.records(), stood.values(), timeline.figures(sheets.board_facts), rules),
        boards=board.blocks(customers, segments, rules, analysis, lang),
        cleaning=to_frame(findings, lang),
        clustered=clustered,
        valued=valued,
        extra=extra,
        facets=faceted,
        history=followed.history,
        migration=followed.migration,
        tracked=ahead.tracked,
        proposals=ahead.proposals,
        reviews=ahead.reviews,
        reach=ahead.reach,
    )


def _cleaned(
    sheets: Sheets,
    rules: Rules,
    lang: Lang,
    as_of: date | None,
    progress: Progress,
    noticed: Sequence[Finding],
) -> _Cleaned:
    """The first half of `run`: read, clean and measure."""
    progress("read")
    ordered, found = _orders(sheets.orders, rules)
    spare = set() if ordered is None else set(ordered["key"])
    taken = intake.take(sheets.customers, schema.CUSTOMERS, spare)
    if not taken.rows_in:
        raise Refused("no_customers", sheet=taken.sheet)
    findings = [*kept.found_by_import(sheets.cleaning), *noticed, *taken.findings, *found]
    excluded = {**taken.excluded}

    def step(found: measure.Step) -> Frame:
        findings.extend(found[1])
        excluded.update(found[2])
        return found[0]

    progress("clean")
    merged = clean.merge_duplicates(taken.frame, rules, taken.sheet, taken.cell)
    customers = step(merged[:3])
    if ordered is not None and merged.same:
        codes, keys = frames.distinct(ordered["key"])
        ordered = ordered.assign(key=np.array([merged.same.get(key, key) for key in keys], dtype=object)[codes])
    as_of = as_of or rules.as_of or measure.default_as_of(customers, ordered)
    findings += _as_of_findings(customers, ordered, as_of, rules, taken.sheet)
    totals = taken.columns.get("total_amount", "")
    if ordered is not None and len(ordered) and as_of is not None:
        computed = orders.behaviour(ordered, as_of, rules)
        codes, keys = frames.distinct(ordered["key"])
        later = keys[grouping.earliest(codes, ordered["ordered_on"], len(keys)) > np.datetime64(as_of, "s")]
        findings += _strangers(ordered, customers, sheets.orders)
        findings += reconcile.check(customers, computed, rules, taken.sheet, schema.SETTINGS.sheet[lang], totals)
        customers = step(measure.from_orders(customers, computed, later, taken.sheet, taken.cell))
    else:
        findings += reconcile.check(customers, None, rules, taken.sheet, schema.SETTINGS.sheet[lang], totals)
    customers = step(measure.measure(customers, as_of, rules, taken.sheet, taken.cell))
    customers = step(measure.scope(customers, as_of, rules, taken.sheet))
    typed_ages = customers.get("age")
    customers, filled = clean.fill_missing(customers, taken.sheet, taken.cell)
    customers, outliers = clean.mark_outliers(customers, rules, taken.sheet, taken.cell)
    findings += [*filled, *outliers]
    if rules.outlier_mode == "remove":
        excluded.update(dict.fromkeys(customers.index[customers["outlier"]].tolist(), "outlier_remove"))
        typed_ages = None if typed_ages is None else typed_ages[~customers["outlier"]]
        customers = customers.at(~customers["outlier"])
    if taken.rows_in != len(customers) + len(excluded):
        raise AssertionError(f"{taken.rows_in} rows in, {len(customers)} used, {len(excluded)} excluded")
    reasons = Counter(excluded.values())
    if customers.empty:
        raise _nobody(taken, reasons)
    return _Cleaned(customers, ordered, taken, as_of, typed_ages, findings, reasons)


def _orders(grid: Grid | None, rules: Rules) -> tuple[Frame | None, list[Finding]]:
    """The orders of the workbook (`orders.Orders.frame`), None when there are none; and what was found."""
    if grid is None:
        return None, []
    taken = intake.take(grid, schema.ORDERS)
    if not taken.rows_in:
        return None, []
    tidied = orders.tidy(taken.frame, rules, taken.sheet)
    return tidied.frame, [*taken.findings, *tidied.findings]


def _as_of_findings(
    customers: Frame, ordered: Frame | None, as_of: date | None, rules: Rules, sheet: str
) -> list[Finding]:
    """An as-of date far after every other order, or before them all, is a typing mistake more often than not; later
    orders do not count."""
    if as_of is None:
        return [Finding("as_of_unknown", sheet)]
    known = customers.get("last_order_date") if ordered is None else ordered["ordered_on"]
    if known is None:
        return []
    found = []
    day = np.datetime64(as_of, "s")
    earlier = known[known < day]
    if len(earlier) and (known == day).any() and (day - (before := earlier.max())) > np.timedelta64(180, "D"):
        found.append(Finding("as_of_doubtful", sheet, value=as_of.isoformat(), params={"before": _iso(before)}))
    start = np.datetime64(months_before(as_of, rules.window_months), "s")
    if len(earlier) and known[known <= day].max() <= start:
        params = {"as_of": as_of.isoformat(), "months": rules.window_months, "before": _iso(earlier.max())}
        found.append(Finding("as_of_far", sheet, params=params))
    if ordered is not None and len(known) and (known > day).all():
        params = {"as_of": as_of.isoformat(), "after": _iso(known.min())}
        found.append(Finding("as_of_early", sheet, params=params))
    if ordered is not None and (known > day).any():
        later = int((orders.whole(ordered)["ordered_on"] > day).sum())
        found.append(Finding("orders_after_as_of", params={"orders": later, "as_of": as_of.isoformat()}))
    return found


def _iso(day: np.datetime64) -> str:
    return str(day.astype("datetime64[D]"))


def _cautions(rules: Rules, ordered: Frame | None) -> list[Finding]:
    """Settings that ask for more than the data give: third-party data not cleared (003-14), a data window without
    orders to cut to it (003-09)."""
    found = []
    if "third_party" in rules.data_sources and not rules.third_party_consent:
        found.append(Finding("third_party_consent"))
    if (rules.data_from or rules.data_to) and ordered is None:
        found.append(Finding("window_without_orders"))
    clash = _clash(rules)
    if clash:
        words = {lang: texts.say(f"word.{rules.naming_scheme}", lang) for lang in texts.LANGS}
        found.append(Finding("names_clash", params={"scheme": words, "names": clash}))
    return found


def _clash(rules: Rules) -> Mapping[str, str]:
    """Names of the eight classes that a segment has too, which some of the class's customers are not in; nothing
    when there are none."""
    ways = {key: {match.code for match in one.match if not match.column} for key, one in _by_name(rules).items()}
    clash = [
        name
        for code, name in rules.schemes[rules.naming_scheme].items()
        if ways.get(name["zh"], {code}) - {"???"} != {code}
    ]
    return (
        {lang: texts.say("bin.list", lang).join(name[lang] for name in clash) for lang in texts.LANGS} if clash else {}
    )


def _by_name(rules: Rules) -> dict[str, Segment]:
    return {name: one for one in rules.segments for name in (one.name["zh"], *one.aliases)}


def _strangers(ordered: Frame, customers: Frame, grid: Grid | None) -> list[Finding]:
    """Orders of customers who are not on the customer sheet are counted, with their sum."""
    strange = orders.whole(ordered.at(grouping.places(ordered["key"], customers["key"]) < 0))
    if strange.empty or grid is None:
        return []
    params = {
        "orders": len(strange),
        "customers": len({*strange["key"].tolist()}),
        "amount": grouping.total(strange["amount"]),
    }
    return [Finding("order_customer_unknown", grid.sheet, value=str(strange["customer_id"][0]), params=params)]


def _thin(customers: Frame, taken: Intake) -> list[Finding]:
    """What makes the result say little: very few customers (case A21), a measure that is the same for all (A22)."""
    if len(customers) < 5:
        return [Finding("few_customers", taken.sheet, params={"customers": len(customers)})]
    found = []
    for column, name in (("recency_days", "R"), ("frequency", "F"), ("monetary", "M")):
        measured = customers[column]
        if (measured == measured[0]).all():
            value = wording.number(float(measured[0]))
            found.append(Finding("all_identical", taken.sheet, value=value, params={"measure": name}))
    return found


def _nobody(taken: Intake, reasons: Counter[str]) -> Refused:
    """Why there is nothing to analyse: an empty result would only wipe out the last one."""
    said = {
        lang: ", ".join(f"{texts.say(f'kind.{code}', lang)} {count}" for code, count in reasons.most_common())
        for lang in texts.LANGS
    }
    return Refused("nobody_left", sheet=taken.sheet, rows=taken.rows_in, reasons=said)
