"""The report's last part: how the numbers were made, what was left out, and where each stands in the workbook."""

from __future__ import annotations

from typing import Any, Final

from segmenter import schema, texts, wording
from segmenter.reading import targets
from segmenter.reports import formats, profile
from segmenter.result import Result
from segmenter.texts import Lang

LISTED: Final = 50
"""so many rows that were left out are listed; the workbook's cleaning log has them all"""
FORMULAS: Final = ("r", "f", "m", "digit", "segment", "share", "aov", "median", "top", "lift")
GLOSSARY: Final = ("rfm", "aov", "segment", "class", "outlier", "as_of", "lift", "pareto")
WHERE: Final = (
    ("customers", "rfm"),
    ("segments", "strategy"),
    ("charts", "board_facts"),
    ("thresholds", "settings"),
    ("quality", "cleaning"),
    ("source", "customers"),
)


def build(result: Result, lang: Lang, *, strict: bool = False) -> dict[str, Any]:
    """thresholds, segments, classes, formulas, excluded, glossary, sheets: plain data."""
    rules = result.rules
    bins = (
        ("R", wording.r_bins(rules, lang), rules.recency_labels),
        ("F", wording.f_bins(rules, lang), rules.frequency_labels),
        ("M", wording.m_bins(rules, lang), rules.monetary_labels),
    )
    thresholds = [
        {
            "measure": measure,
            "name": texts.say(f"report.measure.{measure.lower()}", lang, months=rules.window_months),
            "bins": [
                {
                    "range": name,
                    "label": formats.first_upper(texts.say(f"word.{label}", lang)),
                    "digit": int(label != "low"),
                }
                for name, label in zip(names, labels, strict=True)
            ],
        }
        for measure, names, labels in bins
    ]
    return {
        "thresholds": thresholds,
        "segments": [{"name": one.name[lang], "ways": profile.definition(one, rules, lang)} for one in rules.segments],
        "classes": [{"code": code, "name": name[lang]} for code, name in rules.schemes[rules.naming_scheme].items()],
        "scheme": texts.say(f"word.{rules.naming_scheme}", lang),
        "formulas": [
            {
                "name": texts.say(f"report.formula.{key}.name", lang),
                "text": texts.say(f"report.formula.{key}.text", lang, months=rules.window_months),
            }
            for key in FORMULAS
        ]
        + [
            {"name": one.name[lang], "text": one.definition[lang]}
            for one in targets.metrics().values()
            if any(tracked.target.metric == one.key for tracked in result.tracked)
        ],
        "excluded": _excluded(result, lang, strict),
        "glossary": [
            {"term": texts.say(f"report.term.{key}.name", lang), "text": texts.say(f"report.term.{key}.text", lang)}
            for key in GLOSSARY
        ],
        "sheets": [
            {"what": texts.say(f"report.where.{what}", lang), "sheet": schema.table(table).sheet[result.lang]}
            for what, table in WHERE
        ],
    }


def _excluded(result: Result, lang: Lang, strict: bool) -> dict[str, Any]:
    """The first LISTED findings that put a row out, and how many rows were left out in all."""
    hits = [one for one in result.findings if one.code in result.excluded]
    rows = [
        {
            "kind": formats.first_upper(one.kind(lang)),
            "sheet": one.sheet,
            "cell": one.cell,
            "value": one.value,
            "message": formats.first_upper(one.kind(lang)) if strict else one.message(lang),
        }
        for one in hits[:LISTED]
    ]
    return {"rows": rows, "total": result.rows_excluded, "shown": len(rows)}
