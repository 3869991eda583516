"""The report: a `Result` as one self-contained HTML page.

`context` says what a template may use, as plain data (dicts, lists, texts, numbers; charts as SVG made here), with
everything personal masked before; `render` puts it through our template, or through the analyst's own in a child
process, and checks that the page holds nothing active.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pandas import DataFrame

from segmenter import masking, schema, texts
from segmenter.reports import (
    appendix,
    changes,
    charts,
    crossing,
    lead,
    overview,
    pagecheck,
    rendering,
    sections,
    templating,
    tracking,
)
from segmenter.result import Result
from segmenter.texts import Lang

TEMPLATE: Final = "report.html.j2"
SECTIONS: Final = (
    "cover",
    "lead",
    "summary",
    "quality",
    "overview",
    "charts",
    "migration",
    "cards",
    "cross",
    "personas",
    "clusters",
    "value",
    "tracking",
    "ahead",
    "appendix",
)
"""the report's parts in their order; what has nothing to say is left out and the others close up. Cross tables come
after `cards`"""


def render(result: Result, lang: Lang, template: Path | None = None, *, strict: bool = False) -> str:
    """The report in `lang`, from our template or the analyst's own at `template`. The same result, the same text.

    `strict` masks as for others' eyes. Refused says what is wrong with the analyst's template, and where.
    """
    found = context(result, lang, strict=strict)
    if template is not None:
        return pagecheck.harmless(rendering.render(template, lang, found), template.name)
    return templating.environment(lang).get_template(TEMPLATE).render(templating.marked(found)).strip() + "\n"


def context(result: Result, lang: Lang, *, strict: bool = False) -> dict[str, Any]:
    """Everything a template may use. Shares are 0..1, amounts and days plain numbers, missing numbers None, figures
    of groups under five "<5" or None where `strict`."""
    data = overview.fingerprint(result)
    result = masking.shared(result, strict)
    segments = overview.localised(result, lang)
    rows = tracking.rows(result, lang)
    found: dict[str, Any] = {
        "lang": lang,
        "title": texts.say("report.title", lang),
        "goal": result.rules.goal,
        "masked": strict,
        "status": result.status,
        "facts": overview.facts(result, lang, data),
        "lead": lead.build(result, segments, rows, lang),
        "kpis": overview.kpis(result, segments, lang, strict=strict),
        "actions": overview.actions(result, segments, rows, lang),
        "quality": overview.quality(result, lang, strict=strict),
        "segments": overview.table(segments, lang),
        "total": overview.total(result, segments, lang),
        "withheld": overview.not_shown(segments),
        "empty_segments": [str(name) for name in segments.loc[segments["customers"] == 0, "name"]],
        "charts": drawn(result, segments, lang, strict=strict),
        "migration": changes.build(result, lang, strict=strict),
        "cards": overview.cards(result, segments, rows, lang),
        "cross": crossing.tables(result, lang, strict=strict),
        "personas": crossing.people(result, lang, strict=strict),
        "clusters": sections.clusters(result, lang, strict=strict),
        "value": sections.value(result, lang, strict=strict),
        "tracking": rows,
        "ahead": tracking.next_round(result, lang, strict=strict),
        "tracking_sheet": schema.STRATEGY.sheet[result.lang],
        "lights": {"good": tracking.GOOD, "fair": tracking.FAIR},
        "appendix": appendix.build(result, lang, strict=strict),
    }
    keys = [key for key in SECTIONS if found.get(key, True)]
    found["sections"] = {
        key: {"id": key, "number": i, "title": _title(key, found, lang)} for i, key in enumerate(keys, 1)
    }
    masked: dict[str, Any] = masking.texts_of(found)
    return masked


def _title(key: str, found: dict[str, Any], lang: Lang) -> str:
    return str(found["lead"]["title"]) if key == "lead" else texts.say(f"report.section.{key}", lang)


def drawn(result: Result, segments: DataFrame, lang: Lang, *, strict: bool) -> list[dict[str, str]]:
    """The charts that have something to show: key, title, note, svg. Where `strict`, no field, bar or point of a
    chart stands for fewer than five people."""
    floor = masking.FLOOR if strict else 1
    customers, shown = result.customers.pandas, segments[segments["customers"].notna()]
    withheld = overview.not_shown(segments)
    rest = customers[customers["segment"].isin(masking.held(result))]
    hidden = {"customers": float(len(rest)), "amount": float(rest["monetary"].sum())}
    svgs = {
        "shares": charts.shares(shown, lang, withheld),
        "pareto": charts.pareto(customers, lang, floor),
        "heat": charts.heat(customers, result.rules, lang, floor, withheld),
        "treemap": charts.treemap(shown, lang, withheld, hidden),
        "provinces": crossing.province_map(result.facets, lang),
        "recency": charts.histogram(customers, "recency_days", result.rules, lang, floor),
        "frequency": charts.histogram(customers, "frequency", result.rules, lang, floor),
        "monetary": charts.histogram(customers, "monetary", result.rules, lang, floor),
        # its columns are sums of codes, as segments are: they would tell of those that are withheld
        "migration": "" if withheld else changes.heat(result.migration, lang, strict=strict),
    }
    return [
        {"key": key, **dict(zip(("title", "note"), charts.words(svg), strict=True)), "svg": svg}
        for key, svg in svgs.items()
        if svg
    ]
