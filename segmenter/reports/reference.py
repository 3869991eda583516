"""What a template may use, told by the code itself: every variable of `report.context`, functions and filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from segmenter import texts
from segmenter.mail import kpis, summary
from segmenter.reports import formats, report, templating
from segmenter.result import Result
from segmenter.texts import Lang

TEMPLATES: Final[Mapping[str, str]] = {
    "report.html.j2": "report",
    "company.html.j2": "company",
    "macros.html.j2": "macros",
    "report.css.j2": "css",
    "report.docx": "word",
    "mail.html.j2": "mail",
}
"""the templates an analyst can copy, and the key of what each is"""


@dataclass(frozen=True)
class Variable:
    """One place in the data a template gets: `cards[].plan.owner`."""

    name: str
    kind: str
    """text | number | yesno | list | group | nothing"""
    example: str


def variables(context: Mapping[str, Any]) -> list[Variable]:
    """Every variable in `context`, in its order; the items of a list are taken together."""
    found: dict[str, Variable] = {}
    for one in _walk("", context):
        old = found.get(one.name)
        if old is None or old.kind == "nothing":
            found[one.name] = one
    return list(found.values())


def _walk(name: str, value: Any) -> Iterator[Variable]:
    if isinstance(value, Mapping):
        if name:
            yield Variable(name, "group", "")
        for key, one in value.items():
            yield from _walk(f"{name}.{key}" if name else str(key), one)
    elif isinstance(value, list):
        yield Variable(name, "list", "")
        for one in value:
            yield from _walk(f"{name}[]", one)
    else:
        kinds = {bool: "yesno", int: "number", float: "number", type(None): "nothing"}
        shown = formats.shorten(str(value), 24) if value is not None else ""
        yield Variable(name, kinds.get(type(value), "text"), shown)


def page(result: Result, lang: Lang) -> str:
    """The reference page, with the values of `result` (the sample's) as examples."""
    parts = [
        {"title": texts.say(f"reference.{group}", lang), "rows": _rows(context, group, lang)}
        for group, context in (
            ("report_variables", report.context(result, lang)),
            ("mail_variables", summary.context(result, lang, before=kpis.figures(result))),
        )
    ]
    functions = [{"name": name, "about": texts.say(f"function.{name}", lang)} for name in templating.FUNCTIONS]
    filters = [{"name": name, "about": texts.say(f"filter.{name}", lang)} for name in templating.FILTERS]

    def word(key: str) -> str:
        return texts.say(f"reference.{key}", lang)

    return templating.page("reference.html.j2", lang, word=word, parts=parts, functions=functions, filters=filters)


def _rows(context: Mapping[str, Any], group: str, lang: Lang) -> list[dict[str, str]]:
    """A row a variable; what is said of it is said for its own kind of template, else for both."""
    known = texts.keys()
    found = []
    for one in variables(context):
        keys = [key for key in (f"{group}.{one.name}", f"variable.{one.name}") if key in known]
        about = texts.say(keys[0], lang) if keys else ""
        kind = texts.say(f"reference.{one.kind}", lang)
        found.append({"name": one.name, "kind": kind, "example": one.example, "about": about})
    return found
