"""The charts of the report: from the frames of a `Result` to SVG, without a browser, a network or a clock.

Drawn with lets-plot (MIT): 6 MB, 0.03 s to import, 5-10 ms a chart, and PNG for mail from the same plot. Measured
beside it: matplotlib 35 MB and 0.75 s to import; Altair with vl-convert 84 MB and 2.7 s for the first chart; pygal
is LGPL. A ribbon click and a batch of 300 reports pay for it each time. It is imported when the first chart is drawn.

Charts with Chinese labels are laid out here, in pixels: the library takes Chinese characters for narrow ones and
lets them overlap. Every function gives "" when there is nothing to draw; the same input gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import texts, wording
from segmenter.reports import formats
from segmenter.reports.canvas import FINE, TEXT, WIDTH, Sheet, axes, legend
from segmenter.reports.palette import RAMP, on
from segmenter.reports.squarify import Box, squarify
from segmenter.reports.svg import printable
from segmenter.rules import Rules
from segmenter.texts import Lang

_MANY: Final = 5
"""customers of a field of the heat map of which a mean is worth a word"""
NARROW: Final = 310
"""of a histogram: three stand side by side"""
NAMES: Final = 124
"""left of the bars, for the segments' names"""
POINTS: Final = 400
"""a curve has no more points than this, however many customers there are"""
_DAYS: Final = (1, 5, 10, 15, 30, 60, 90, 180, 365)
"""widths of bars over days: whole months where there are many, so that bars end where bins do"""
NOTHING: Final[Mapping[str, float]] = MappingProxyType({})
_WORDS: Final = re.compile(r"<title[^>]*>(.*?)</title><desc[^>]*>(.*?)</desc>", re.DOTALL)
Measure = Literal["recency_days", "frequency", "monetary"]


def shares(segments: DataFrame, lang: Lang, withheld: Sequence[str] = ()) -> str:
    """Share of customers beside share of amount, a pair of bars a segment.

    `segments`: name, customers, customer_share, amount_share; one row a segment, drawn in this order. `withheld`: the
    names of those that are not among them: then nothing is said to be the largest.
    """
    if not segments["customers"].sum():
        return ""
    sheet = Sheet(34 + 44 * len(segments))
    words = {key: texts.say(f"report.chart.{key}", lang) for key in ("customer_share", "amount_share")}
    legend(sheet, [("quiet", words["customer_share"]), ("accent", words["amount_share"])], NAMES, 10)
    both = segments[["customer_share", "amount_share"]].fillna(0).clip(lower=0)
    scale = (WIDTH - NAMES - 56) / max(float(both.to_numpy().max()), 0.01)
    sheet.line([(NAMES, 26), (NAMES, sheet.height - 4)], "line")
    for i, name in enumerate(segments["name"]):
        top = 30 + 44 * i
        _lines(sheet, NAMES - 8, top + 18, formats.wrap(printable(str(name)), NAMES / FINE - 0.6), "right")
        for j, (column, role) in enumerate((("customer_share", "quiet"), ("amount_share", "accent"))):
            share = float(both[column].iloc[i])
            sheet.box(NAMES, top + 3 + 16 * j, share * scale, 13, role)
            sheet.text(NAMES + share * scale + 6, top + 9.5 + 16 * j, formats.percent(share), "ink", FINE)
    largest = segments.loc[both["amount_share"].idxmax()]
    described = texts.say(
        "report.chart.shares_alt",
        lang,
        name=largest["name"],
        customers=formats.percent(float(largest["customer_share"])),
        amount=formats.percent(float(largest["amount_share"])),
    )
    if withheld:
        described = _without(withheld, lang)
    return sheet.svg("shares", texts.say("report.chart.shares", lang), described)


def _without(withheld: Sequence[str], lang: Lang) -> str:
    """What a drawing says that lacks some of the segments."""
    return texts.say("report.chart.withheld_alt", lang, names=texts.say("report.and", lang).join(withheld))


def treemap(
    segments: DataFrame, lang: Lang, withheld: Sequence[str] = (), hidden: Mapping[str, float] = NOTHING
) -> str:
    """The amount as an area cut up by segment; without any amount, the customers. `segments` and `withheld` as for
    `shares`; `hidden`, customers and amount of all that are withheld, is one more area, so that shares stay shares of
    everybody."""
    by = "amount" if float(segments["amount"].clip(lower=0).sum()) > 0 else "customers"
    ranked = segments[segments[by] > 0].sort_values(by, ascending=False, kind="stable").reset_index(drop=True)
    if ranked.empty:
        return ""
    ranked["role"] = [RAMP[max(0, 4 - i)] for i in range(len(ranked))]
    if hidden.get(by, 0.0) > 0:
        ranked.loc[len(ranked), ["name", by, "role"]] = [texts.say("report.withheld", lang), hidden[by], "panel"]
        ranked = ranked.sort_values(by, ascending=False, kind="stable").reset_index(drop=True)
    sheet = Sheet(300)
    total = float(ranked[by].sum())
    boxes = squarify(ranked[by].astype(float).tolist(), Box(0, 0, WIDTH, sheet.height))
    for i, box in enumerate(boxes):
        role = str(ranked["role"][i])
        sheet.box(box.x, box.y, box.width, box.height, role, "paper")
        name, share = str(ranked["name"][i]), float(ranked[by][i]) / total
        lines = [(name, TEXT), (f"{_value(float(ranked[by][i]), by, lang)}", FINE), (formats.percent(share), FINE)]
        room = box.width - 16
        shown = [
            (formats.shorten(printable(text), room / size), size) for text, size in lines[: int((box.height - 8) // 17)]
        ]
        if not shown or any("…" in text and formats.width(text) < 4 for text, _ in shown):
            continue  # no room for a name that says anything; the table has it
        for j, (text, size) in enumerate(shown):
            sheet.text(box.x + 9, box.y + 15 + 18 * j, text, on(role), size)
    described = texts.say(
        "report.chart.treemap_alt", lang, name=ranked["name"][0], share=formats.percent(float(ranked[by][0]) / total)
    )
    if withheld:
        described = _without(withheld, lang)
    return sheet.svg("treemap", texts.say(f"report.chart.treemap_{by}", lang), described)


def _value(value: float, by: str, lang: Lang) -> str:
    return formats.money_short(value, lang) if by == "amount" else formats.count(value)


def heat(customers: DataFrame, rules: Rules, lang: Lang, floor: int = 1, withheld: Sequence[str] = ()) -> str:
    """Mean M by R bin (down) and F bin (across), with how many customers each field stands for; fewer than `floor`
    show neither. Where segments are `withheld`, which are sums of fields, or everybody less the fields would tell of
    fewer than `floor`, no field says how many.

    `customers`: r_bin, f_bin (positions, -1 unknown), monetary.
    """
    known = customers[(customers["r_bin"] >= 0) & (customers["f_bin"] >= 0) & customers["monetary"].notna()]
    if known.empty:
        return ""
    rows, columns = wording.r_bins(rules, lang), wording.f_bins(rules, lang)
    found = known.groupby(["r_bin", "f_bin"])["monetary"].agg(["mean", "size"])
    few = found.index[found["size"] < floor]
    counted = not withheld and not 0 < found.loc[few, "size"].sum() < floor
    found = found.drop(index=few)
    if found.empty:
        return ""
    limits = np.quantile(found["mean"], [0.2, 0.4, 0.6, 0.8]) if len(found) > 1 else np.zeros(4)
    left, top, gap = 92.0, 52.0, 3
    wide = (WIDTH - left) / len(columns)
    tall = 54
    sheet = Sheet(top + tall * len(rows) + 4)
    sheet.text(left, 9, texts.say("report.chart.heat_across", lang), size=FINE)
    for j, name in enumerate(columns):
        _lines(sheet, left + wide * (j + 0.5) - gap / 2, 34, formats.wrap(name, wide / FINE), "middle")
    for i, name in enumerate(rows):
        y = top + tall * i
        _lines(sheet, left - 8, y + (tall - gap) / 2, formats.wrap(name, (left - 12) / FINE), "right")
        for j in range(len(columns)):
            x = left + wide * j
            if (i, j) not in found.index:
                sheet.box(x, y, wide - gap, tall - gap, "panel")
                text = f"<{floor}" if (i, j) in few else formats.MISSING
                sheet.text(x + (wide - gap) / 2, y + (tall - gap) / 2, text, "muted", FINE, "middle")
                continue
            mean, size = float(found.at[(i, j), "mean"]), int(found.at[(i, j), "size"])
            role = RAMP[int(np.searchsorted(limits, mean, side="left"))]
            sheet.box(x, y, wide - gap, tall - gap, role)
            sheet.text(x + (wide - gap) / 2, y + 18, formats.money_short(mean, lang), on(role), TEXT, "middle")
            if not counted:
                continue
            sheet.text(
                x + (wide - gap) / 2,
                y + 36,
                texts.say("report.chart.people", lang, count=formats.count(size)),
                on(role),
                11,
                "middle",
            )
    many = found[found["size"] >= _MANY]  # the mean of one or two says little of a field
    best = (many if len(many) else found)["mean"].idxmax()
    described = texts.say(
        "report.chart.heat_alt",
        lang,
        r=rows[best[0]],
        f=columns[best[1]],
        mean=formats.money(float(found.at[best, "mean"])),
        count=formats.count(int(found.at[best, "size"])),
    )
    if len(few) or not counted:  # the highest mean may be one of those
        described = texts.say("report.chart.heat_few", lang, floor=floor)
    return sheet.svg("heat", texts.say("report.chart.heat", lang), described)


def _lines(sheet: Sheet, x: float, y: float, lines: Sequence[str], at: str) -> None:
    for i, line in enumerate(lines):
        sheet.text(x, y + 15 * (i - (len(lines) - 1) / 2), line, "ink", FINE, at)


def pareto(customers: DataFrame, lang: Lang, floor: int = 1) -> str:
    """How much of the amount the dearest customers bring: the Lorenz curve, from the largest down. No step of it
    stands for fewer than `floor` customers; where a fifth of them are fewer there is no curve.

    `customers`: monetary. Negative amounts (netted refunds) count as nothing, as on the dashboard.
    """
    amounts = np.sort(customers["monetary"].fillna(0).clip(lower=0).to_numpy(float))[::-1]
    if not len(amounts) or not amounts.sum() or round(len(amounts) * 0.2) < floor:
        return ""
    sheet = Sheet(320)
    area = Box(46, 12, WIDTH - 46 - 16, 320 - 12 - 48)

    def place(x: float, y: float) -> tuple[float, float]:
        return area.x + x * area.width, area.y + (1 - y) * area.height

    fifths = [0, 0.2, 0.4, 0.6, 0.8, 1]
    axes(
        sheet,
        area,
        [(place(v, 0)[0], formats.percent(v, 0)) for v in fifths],
        [(place(0, v)[1], formats.percent(v, 0)) for v in fifths],
    )
    sheet.text(
        area.x + area.width / 2, sheet.height - 9, texts.say("report.chart.pareto_x", lang), size=FINE, at="middle"
    )
    sheet.line([place(0, 0), place(1, 1)], "quiet", 1, "dashed")
    so_far = np.concatenate([[0.0], np.cumsum(amounts)]) / amounts.sum()
    picked = np.unique(np.linspace(0, len(amounts), min(POINTS, len(amounts) // floor + 1)).round().astype(int))
    sheet.line([place(i / len(amounts), float(so_far[i])) for i in picked], "accent", 2.2)
    share = top_share(customers)
    point = place(round(len(amounts) * 0.2) / len(amounts), share)
    text = texts.say("report.chart.pareto_point", lang, share=formats.percent(share))
    sheet.line([(point[0], area.y + area.height), point], "signal", 1, "dashed")
    sheet.dots.append((*point, "signal"))
    near = share > 0.55  # otherwise the words would lie on the diagonal
    x, y = (point[0] + 12, point[1] + 20) if near else place(0.56, 0.22)
    for i, part in enumerate(("pareto_who", "pareto_what")):
        sheet.text(x, y + 18 * i, texts.say(f"report.chart.{part}", lang, share=formats.percent(share)), "ink")
    return sheet.svg("pareto", texts.say("report.chart.pareto", lang), text)


def top_share(customers: DataFrame, part: float = 0.2) -> float:
    """Share of the amount (0..1) that the dearest `part` of the customers brings; NaN when there is no amount.

    Rounded to whole customers as the dashboard's Pareto block is."""
    amounts = np.sort(customers["monetary"].fillna(0).clip(lower=0).to_numpy(float))[::-1]
    total = float(amounts.sum())
    return float(amounts[: round(len(amounts) * part)].sum()) / total if total else float("nan")


def histogram(customers: DataFrame, measure: Measure, rules: Rules, lang: Lang, floor: int = 1) -> str:
    """How R, F or M is spread, with the edges of the rules' bins marked; money on a logarithmic axis, above zero. A
    bar of fewer than `floor` customers is left out.

    `customers`: recency_days, frequency, monetary.
    """
    values = customers[measure].dropna().to_numpy(float)
    name = {"recency_days": "recency", "frequency": "frequency", "monetary": "monetary"}[measure]
    limits: Sequence[float] = getattr(rules, f"{name}_bins")
    values = values[values > 0] if measure == "monetary" else values[values >= 0]
    if not len(values):
        return ""
    edges, ticks, to = _buckets(values, measure, limits, lang)
    inside = values - 0.5 if measure == "recency_days" else values  # R bins include their upper limit, in whole days
    counts, _ = np.histogram(np.clip(inside, edges[0], edges[-1]), edges)
    counts[counts < floor] = 0
    if not counts.any():
        return ""
    sheet = Sheet(230, NARROW)
    area = Box(40, 44, NARROW - 40 - 10, 230 - 44 - 46)
    low, high = to(edges[0]), to(edges[-1])

    def across(value: float) -> float:
        return area.x + (to(value) - low) / (high - low) * area.width

    step = _nice(int(counts.max()) / 3)
    tallest = max(step * int(np.ceil(counts.max() / step)), 1)

    def up(value: float) -> float:
        return area.y + (1 - value / tallest) * area.height

    middle = (float(edges[1] - edges[0]) / 2) if measure == "frequency" else 0.0
    axes(
        sheet,
        area,
        [(across(v + middle), text) for v, text in ticks],
        [(up(v), formats.count(v)) for v in np.arange(0, tallest + 1, step).tolist()],
    )
    for i, size in enumerate(counts.tolist()):
        left, right = across(float(edges[i])), across(float(edges[i + 1]))
        if size:
            sheet.box(left + 0.7, up(size), max(right - left - 1.4, 0.6), up(0) - up(size), "ramp-4")
    ends = [-1e9, -1e9]
    for limit in sorted(limits):
        if not edges[0] < limit < edges[-1]:
            continue
        x, text = across(limit), formats.number(limit)
        half = formats.width(text) * FINE / 2
        row = 0 if x - half > ends[0] + 4 else 1  # a number that would touch its neighbour goes one line up
        sheet.line([(x, area.y - 6 - 14 * row), (x, area.y + area.height)], "signal", 1.1, "dashed")
        if x - half > ends[row] + 4:
            sheet.text(x, area.y - 15 - 14 * row, text, "signal", FINE, "middle")
            ends[row] = x + half
    sheet.text(
        area.x + area.width / 2, sheet.height - 9, texts.say(f"report.chart.{name}_x", lang), size=FINE, at="middle"
    )
    described = texts.say(
        f"report.chart.{name}_alt",
        lang,
        count=formats.count(len(values)),
        median=formats.number(float(np.median(values))),
        edges=texts.say("report.and", lang).join(formats.number(limit) for limit in sorted(limits)),
    )
    return sheet.svg(f"histogram-{name}", texts.say(f"report.chart.{name}", lang), described)


def _nice(rough: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ... that is not below `rough`."""
    power = 10 ** int(np.floor(np.log10(max(rough, 1))))
    return next(int(power * step) for step in (1, 2, 5, 10) if power * step >= rough or step == 10)


def _buckets(
    values: NDArray[np.float64], measure: Measure, limits: Sequence[float], lang: Lang
) -> tuple[NDArray[np.float64], list[tuple[float, str]], Callable[[float], float]]:
    """Edges of the bars, what the axis says where, and the scale. The last bar takes the highest hundredth as well,
    unless it is on a logarithmic axis, which has room for all."""
    if measure == "monetary":
        low, high = (float(v) for v in (np.quantile(values, 0.01), values.max()))
        first, last = int(np.floor(np.log10(low) * 8)), int(np.floor(np.log10(high) * 8)) + 1
        edges = 10 ** (np.arange(first, max(last, first + 4) + 1) / 8)
        powers = range(int(np.floor(np.log10(edges[0]))), int(np.ceil(np.log10(edges[-1]))) + 1)
        steps = (1,) if len(powers) > 4 else (1, 3)
        ticks = [float(10.0**power * step) for power in powers for step in steps]
        marks = [(tick, formats.money_short(tick, lang)) for tick in ticks if edges[0] <= tick <= edges[-1]]
        return edges, marks, lambda value: float(np.log10(value))
    cap = max(float(np.quantile(values, 0.99)), max(limits) * 1.2)
    step = _nice(cap / 40) if measure == "frequency" else next(s for s in _DAYS if s >= cap / 24 or s == _DAYS[-1])
    last = int(np.ceil((cap + 1) / step))
    edges = np.arange(last + 1, dtype=np.float64) * step
    beyond = bool((values > edges[-1]).any())
    every = max(1, round(last / 6))
    marks = [(float(edge), formats.number(float(edge))) for edge in edges[::every]]
    if beyond:
        final = float(edges[-2])
        at = final if measure == "frequency" else final + step / 2
        marks = [mark for mark in marks if mark[0] < final - step * every * 0.6] + [(at, f"≥{formats.number(final)}")]
    return edges, marks, float


def words(svg: str) -> tuple[str, str]:
    """(title, description) of a chart made here, as text."""
    found = _WORDS.search(svg)
    return (unescape(found[1]), unescape(found[2])) if found else ("", "")
