"""The body of a mail: a page with its style in the tags, the same as text, and the pictures in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from segmenter.errors import Refused
from segmenter.reports import pagecheck, pictures, rendering, templating
from segmenter.texts import Lang

TEMPLATE: Final = "mail.html.j2"
TEXT: Final = "mail.txt.j2"


@dataclass(frozen=True)
class Body:
    """What a mail says: subject, HTML with the CSS inside the tags, the same as text, pictures by content ID."""

    subject: str
    html: str
    text: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def render(context: Mapping[str, Any], lang: Lang, template: Path | None = None) -> Body:
    """The body that our template, or the analyst's own, makes of a `summary.context`. Without a font for Chinese it
    has no pictures, and a remark says so. Refused("need_extra") without css-inline or resvg; Refused says what is
    wrong with the analyst's template, and where."""
    drawn: dict[str, bytes] = {}
    remarks: tuple[str, ...] = ()
    try:
        drawn = {one["cid"]: pictures.png(one["svg"], 2 * context["width"]) for one in context["charts"]}
    except Refused as error:
        if error.key != "no_font":
            raise
        remarks = (error.message(lang),)
    charts = [{key: one[key] for key in ("cid", "key", "title", "note")} for one in context["charts"] if drawn]
    plain = {**context, "charts": charts}
    if template is not None:
        page = rendering.render(template, lang, plain)
    else:
        page = templating.environment(lang).get_template(TEMPLATE).render(plain)
    page = _inlined(pagecheck.harmless(page, template.name if template else TEMPLATE, policy=False))
    text = templating.plain_text(lang).get_template(TEXT).render(plain)
    return Body(context["subject"], page, _tidy(text), drawn, remarks)


def _tidy(text: str) -> str:
    """No blanks at the end of lines, and never two empty lines together."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(line for i, line in enumerate(lines) if line or lines[i - 1]) + "\n"


def _inlined(page: str) -> str:
    """The page with its style sheet in the tags, as Gmail and Outlook want it."""
    try:
        import css_inline
    except ImportError:
        raise Refused("need_extra", extra="mail") from None
    inliner = css_inline.CSSInliner(keep_style_tags=False, load_remote_stylesheets=False)
    return str(inliner.inline(page))
