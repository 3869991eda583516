"""The report: a `Result` as one self-contained HTML page.

`context` says what a template may use, as plain data (dicts, lists, texts, numbers; charts as SVG made here);
`render` puts it through a template. Templates are the analyst's to change and therefore not trusted: immutable
sandbox, autoescape whatever the file is called, an unknown name is an error, nothing outside the template's folder
and ours can be included.
"""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from segmenter import appendix, charts, formats, overview, schema, texts, tracking
from segmenter.palette import FONTS, PALETTE
from segmenter.result import Result
from segmenter.texts import Lang

TEMPLATE: Final = "report.html.j2"


def render(result: Result, lang: Lang, template: Path | None = None) -> str:
    """The report in `lang`, from our template or the analyst's own at `template`. The same result, the same text.

    Raises what Jinja raises: TemplateSyntaxError, UndefinedError, SecurityError, TemplateNotFound.
    """
    page = _environment(lang, template).get_template(template.name if template else TEMPLATE)
    return page.render(context(result, lang)).strip() + "\n"


def page(name: str, lang: Lang, **values: Any) -> str:
    """Another page of ours, from plain data."""
    return _environment(lang, None).get_template(name).render(lang=lang, **values).strip() + "\n"


def context(result: Result, lang: Lang) -> dict[str, Any]:
    """Everything a template may use. Shares are 0..1, amounts and days plain numbers, missing numbers None."""
    segments = overview.localised(result, lang)
    rows = tracking.rows(result, lang)
    found: dict[str, Any] = {
        "lang": lang,
        "title": texts.say("report.title", lang),
        "goal": result.rules.goal,
        "status": result.status,
        "facts": overview.facts(result, lang),
        "kpis": overview.kpis(result, segments, lang),
        "actions": overview.actions(result, segments, rows, lang),
        "quality": overview.quality(result, lang),
        "segments": overview.table(segments),
        "total": overview.total(result, segments),
        "empty_segments": [str(name) for name in segments.loc[segments["customers"] == 0, "name"]],
        "charts": _charts(result, segments, lang),
        "cards": overview.cards(result, segments, rows, lang),
        "tracking": rows,
        "tracking_sheet": schema.STRATEGY.sheet[result.lang],
        "lights": {"good": tracking.GOOD, "fair": tracking.FAIR},
        "appendix": appendix.build(result, lang),
    }
    present = {"cards": found["cards"], "tracking": rows, "charts": found["charts"]}
    keys = [key for key in SECTIONS if present.get(key, True)]
    found["sections"] = {
        key: {"id": key, "number": i, "title": texts.say(f"report.section.{key}", lang)}
        for i, key in enumerate(keys, 1)
    }
    return found


SECTIONS: Final = ("cover", "summary", "quality", "overview", "charts", "cards", "tracking", "appendix")
"""the report's parts in their order; what has nothing to say is left out and the others close up. Migration comes
after `charts`, cross tables, lifetime value and advice on the next round after `cards` and `tracking`"""


def _charts(result: Result, segments: Any, lang: Lang) -> list[dict[str, Any]]:
    """The charts that have something to show: key, title, note, svg."""
    drawn = {
        "shares": charts.shares(segments, lang),
        "pareto": charts.pareto(result.customers, lang),
        "heat": charts.heat(result.customers, result.rules, lang),
        "treemap": charts.treemap(segments, lang),
        "recency": charts.histogram(result.customers, "recency_days", result.rules, lang),
        "frequency": charts.histogram(result.customers, "frequency", result.rules, lang),
        "monetary": charts.histogram(result.customers, "monetary", result.rules, lang),
    }
    return [
        # safe because svg.finish lets nothing through that is not on its list
        {"key": key, **dict(zip(("title", "note"), charts.words(svg), strict=True)), "svg": Markup(svg)}  # noqa: S704
        for key, svg in drawn.items()
        if svg
    ]


def _environment(lang: Lang, template: Path | None) -> ImmutableSandboxedEnvironment:
    ours: BaseLoader = FunctionLoader(_packaged)
    loader = ChoiceLoader([FileSystemLoader(template.resolve().parent), ours]) if template else ours
    found = ImmutableSandboxedEnvironment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.globals.update(
        t=partial(_say, lang),
        header=lambda table, key: schema.table(table)[key].header[lang],
        palette={role: {"light": tone.light, "dark": tone.dark} for role, tone in PALETTE.items()},
        fonts=Markup(FONTS),  # noqa: S704 our own constant, with the quotes CSS needs
    )
    found.filters.update(
        count=formats.count,
        number=formats.number,
        money=formats.money,
        money_short=partial(formats.money_short, lang=lang),
        percent=formats.percent,
        times=formats.times,
        day=partial(formats.day, lang=lang),
    )
    return found


def _say(lang: Lang, key: str, **params: Any) -> str:
    return texts.say(f"report.{key}", lang, **params)


def _packaged(name: str) -> str | None:
    """The text of a template of ours; only names of files right in the folder."""
    if "/" in name or "\\" in name or not name.endswith(".j2"):
        return None
    file = files("segmenter.templates").joinpath(name)
    return file.read_text(encoding="utf-8") if file.is_file() else None
