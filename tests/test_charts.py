"""Charts: the figures they show, and SVG that may stand in any page."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
import shop
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter import rules, texts, wording
from segmenter.frames import Frame
from segmenter.reports import charts, formats, svg
from segmenter.reports.palette import LIGHT, PALETTE, RAMP, on
from segmenter.reports.squarify import Box, squarify
from segmenter.result import Result

NS = "{http://www.w3.org/2000/svg}"
KINDS: dict[str, Callable[[Result, texts.Lang], str]] = {
    "shares": lambda r, lang: charts.shares(r.segments.pandas, lang),
    "treemap": lambda r, lang: charts.treemap(r.segments.pandas, lang),
    "heat": lambda r, lang: charts.heat(r.customers.pandas, r.rules, lang),
    "pareto": lambda r, lang: charts.pareto(r.customers.pandas, lang),
    "recency": lambda r, lang: charts.histogram(r.customers.pandas, "recency_days", r.rules, lang),
    "frequency": lambda r, lang: charts.histogram(r.customers.pandas, "frequency", r.rules, lang),
    "monetary": lambda r, lang: charts.histogram(r.customers.pandas, "monetary", r.rules, lang),
}


@cache
def result(lang: texts.Lang = "zh") -> Result:
    return shop.run(shop.people(), lang)


@cache
def drawn(kind: str, lang: texts.Lang = "zh") -> str:
    return KINDS[kind](result(lang), lang)


def words(text: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(text).iter(f"{NS}text")]


@pytest.mark.parametrize(("kind", "lang"), list(itertools.product(KINDS, texts.LANGS)))
def test_a_chart_is_one_accessible_self_contained_picture(kind: str, lang: texts.Lang) -> None:
    root = ET.fromstring(drawn(kind, lang))
    assert root.get("role") == "img"
    title, description = root[0], root[1]
    assert (title.tag, description.tag) == (f"{NS}title", f"{NS}desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text
    assert description.text
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert {node.tag.removeprefix(NS) for node in root.iter()} <= svg.ELEMENTS | {"svg", "title", "desc"}
    text = drawn(kind, lang)
    assert "style=" not in text
    assert "href" not in text
    assert "http" not in text.replace(svg.SVG, "")
    assert len(text) < 30_000


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_data_gives_the_same_bytes(kind: str) -> None:
    assert drawn(kind) == KINDS[kind](result(), "zh")


def test_ids_are_unique_over_all_charts_and_every_reference_is_kept() -> None:
    page = "".join(drawn(kind) for kind in KINDS)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


@pytest.mark.parametrize("kind", KINDS)
def test_every_colour_has_a_role_so_that_dark_pages_can_repaint_it(kind: str) -> None:
    for node in ET.fromstring(drawn(kind)).iter():
        for side in ("fill", "stroke"):
            colour = node.get(side, "none")
            if colour.startswith("#") and node.get("stroke-width") != "0":
                roles = [role for role, light in LIGHT.items() if light == colour]
                assert len(roles) == 1, colour
                assert f"{side[0]}-{roles[0]}" in node.get("class", "")


def _lightness(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((_lightness(a), _lightness(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT_ON = [
    *itertools.product(("ink", "muted", "accent", "signal", "good", "fair", "poor"), ("paper", "panel")),
    ("on-accent", "accent"),
    *((on(step), step) for step in RAMP),
]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_can_be_read_on_its_ground(text: str, ground: str, mode: str) -> None:
    assert contrast(getattr(PALETTE[text], mode), getattr(PALETTE[ground], mode)) >= 4.5


def test_shares_are_those_of_the_frame() -> None:
    shown = words(drawn("shares"))
    for row in result().segments.pandas.itertuples():
        assert row.name in shown
        assert formats.percent(row.customer_share) in shown
        assert formats.percent(row.amount_share) in shown


def test_heat_map_agrees_with_the_dashboard() -> None:
    shown = words(drawn("heat"))
    board = result().boards["board_heat"].pandas
    means = [value for value in board.iloc[1:, 1:5].to_numpy().ravel() if value is not None and not pd.isna(value)]
    assert means
    assert sorted(formats.money_short(float(value), "zh") for value in means) == sorted(
        text for text in shown if re.fullmatch(r"[\d,.]+万?", text)
    )
    known = result().customers.pandas[lambda c: (c["r_bin"] >= 0) & (c["f_bin"] >= 0)]
    people = [int(text.removesuffix("人").replace(",", "")) for text in shown if re.fullmatch(r"[\d,]+人", text)]
    assert sum(people) == len(known)


def test_pareto_agrees_with_the_dashboard() -> None:
    share = charts.top_share(result().customers.pandas)
    assert share == pytest.approx(result().boards["board_pareto"]["amount_share"][1])
    assert formats.percent(share) in " ".join(words(drawn("pareto")))


@pytest.mark.parametrize("kind", ["recency", "frequency", "monetary"])
def test_histograms_mark_the_edges_of_the_bins(kind: str) -> None:
    marked = [node.text for node in ET.fromstring(drawn(kind)).iter(f"{NS}text") if "f-signal" in node.get("class", "")]
    limits = getattr(result().rules, f"{kind}_bins")
    assert marked == [formats.number(limit) for limit in sorted(limits)]


def test_bars_of_a_histogram_hold_every_customer() -> None:
    values = result().customers.pandas["recency_days"].dropna().to_numpy(float)
    edges, _, _ = charts._buckets(values, "recency_days", [30, 90, 180], "zh")
    assert {30.0, 90.0, 180.0} <= set(edges.tolist())
    root = ET.fromstring(drawn("recency"))
    heights = [float(node.get("height", 0)) for node in root.iter(f"{NS}rect") if "f-ramp-4" in node.get("class", "")]
    inside = np.clip(values - 0.5, edges[0], edges[-1])
    counts = np.histogram(inside, edges)[0]
    counts = counts[counts > 0]
    assert counts.sum() == len(values)
    assert np.array(heights) / sum(heights) == pytest.approx(counts / counts.sum(), abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_draw_gives_nothing(kind: str) -> None:
    empty = result()
    nobody = empty.segments.pandas.assign(customers=0, amount=0.0, customer_share=0.0, amount_share=0.0)
    shrunk = empty._replace(customers=empty.customers.at([]), segments=Frame.from_pandas(nobody))
    assert KINDS[kind](shrunk, "zh") == ""


def test_labels_do_not_lie_on_each_other() -> None:
    names = ["高价值客户群体名称很长很长很长", "Customers with a really long English name", *"ABCDEF"]
    frame = pd.DataFrame({"name": names, "customers": 1, "customer_share": 0.125, "amount": 1.0, "amount_share": 0.125})
    root = ET.fromstring(charts.shares(frame, "zh"))
    spans = []
    for group in root.iter(f"{NS}g"):
        for node in group.findall(f"{NS}text"):
            found = re.search(r"translate\(([\d.]+) ([\d.]+)", group.get("transform", ""))
            assert found
            size, wide = float(node.get("font-size", 13)), formats.width(node.text or "")
            x = float(found[1]) - {"end": wide * size, "middle": wide * size / 2}.get(node.get("text-anchor", ""), 0)
            assert x >= -2, node.text
            assert x + wide * size <= 482, node.text
            spans.append((float(found[2]), x, x + wide * size, size))
    assert len(spans) > 20
    for a, b in itertools.combinations(spans, 2):
        apart = abs(a[0] - b[0]) >= min(a[3], b[3]) * 0.9 or a[2] <= b[1] + 1 or b[2] <= a[1] + 1
        assert apart, (a, b)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40))
def test_any_name_leaves_the_picture_as_it_is(name: str) -> None:
    frame = pd.DataFrame(
        {"name": [name, "b"], "customers": 1, "customer_share": 0.5, "amount": 1.0, "amount_share": 0.5}
    )
    root = ET.fromstring(charts.treemap(frame, "zh"))
    assert {node.tag.removeprefix(NS) for node in root.iter()} <= svg.ELEMENTS | {"svg", "title", "desc"}


@pytest.mark.parametrize("name", ['<a href="https://x">y</a>', "\\(x^2\\)", "<script>alert(1)</script>", "a\x00b\nc"])
def test_names_are_neither_links_nor_formulas(name: str) -> None:
    frame = pd.DataFrame({"name": [name], "customers": 1, "customer_share": 1.0, "amount": 1.0, "amount_share": 1.0})
    text = charts.treemap(frame, "zh")
    assert {node.tag.removeprefix(NS) for node in ET.fromstring(text).iter()} <= svg.ELEMENTS | {"svg", "title", "desc"}
    assert svg.printable(name)[:8] in "".join(words(text))


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=12))
def test_treemap_fills_its_box(values: list[float]) -> None:
    values.sort(reverse=True)
    boxes = squarify(values, Box(0, 0, 480, 300))
    assert len(boxes) == len(values)
    for value, box in zip(values, boxes, strict=True):
        assert box.width * box.height == pytest.approx(480 * 300 * value / sum(values), rel=1e-6, abs=1e-2)
        assert box.x >= -1e-6
        assert box.x + box.width <= 480 + 1e-3
        assert box.y + box.height <= 300 + 1e-3


def test_lets_plot_is_only_imported_to_draw() -> None:
    code = "import sys, segmenter.reports.report, segmenter.reports.charts; sys.exit('lets_plot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_bins_are_named_as_in_the_workbook() -> None:
    shown = words(drawn("heat"))
    assert set(wording.r_bins(rules.default(), "zh")) <= set(shown)
    assert set(wording.f_bins(rules.default(), "zh")) <= set(shown)
