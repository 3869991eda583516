"""A workbook to attach: made anew from the result, so nothing hidden can travel with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any, Final

from segmenter import masking, schema, texts
from segmenter.reports import formats, overview, tracking
from segmenter.result import Result
from segmenter.schema import Field
from segmenter.texts import Lang

_MADE: Final = datetime(2026, 1, 1)
_SHARES: Final = ("customer_share", "amount_share")
PLAN: Final = (
    *("segment", "strategy", "action", "owner", "target", "actual", "outcome", "period", "progress"),
    *("customers", "amount"),
)


def workbook(result: Result, lang: Lang, columns: Sequence[Field] = ()) -> bytes:
    """Segments and plan as an xlsx file, small groups withheld; customers only with the `columns` asked for, those
    that say who somebody is masked, and no segment named whose rows would tell what is withheld. Texts are texts:
    nothing in it is a formula."""
    import xlsxwriter

    shared = masking.shared(result, strict=True)
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"author": "Segmenter", "created": _MADE, "title": texts.say("report.title", lang)})
    head, share = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "0.0%"})

    def sheet(name: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], shares: Sequence[int] = ()) -> None:
        page = book.add_worksheet(name[:31])
        page.freeze_panes(1, 0)
        page.set_column(0, max(len(heads) - 1, 0), 16)
        for column, text in enumerate(heads):
            page.write_string(0, column, text, head)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if value is None:
                    continue
                if isinstance(value, (int, float)):
                    page.write_number(number, column, value, share if column in shares else None)
                else:
                    page.write_string(number, column, str(value)[:32000])

    segments = overview.table(overview.localised(shared, lang), lang)
    keys = ("name", *overview.NUMBERS)
    heads = [texts.say("report.overview.segment", lang)]
    heads += [texts.say(f"report.overview.{_TEXT.get(key, key)}", lang) for key in overview.NUMBERS]
    places = [keys.index(key) for key in _SHARES]
    sheet(texts.say("report.section.overview", lang), heads, [[row[key] for key in keys] for row in segments], places)
    told = [
        {**row, "outcome": texts.say(f"report.outcome.{row['outcome']}", lang) if row["outcome"] else ""}
        for row in tracking.rows(shared, lang)
    ]
    plan = [[row["name"], *(row[key] for key in PLAN[1:])] for row in told]
    sheet(texts.say("report.section.tracking", lang), [schema.STRATEGY[key].header[lang] for key in PLAN], plan)
    if columns:
        found = overview.localised(result, lang).set_index("segment")["name"].drop([*masking.held(shared)])
        rows = [
            [*(_cell(row.get(one.key), one) for one in columns), found.get(str(row["segment"]), "")]
            for row in result.customers.records()
        ]
        heads = [*(one.header[lang] for one in columns), texts.say("report.overview.segment", lang)]
        sheet(schema.CUSTOMERS.sheet[lang], heads, rows)
    book.close()
    return out.getvalue()


_TEXT: Final = {
    "average_order_value": "aov",
    "median_recency_days": "median_r",
    "median_frequency": "median_f",
    "median_monetary": "median_m",
}


def _cell(value: Any, field: Field) -> Any:
    if value is None or formats.is_missing(value):
        return None
    if field.key in masking.COLUMNS:
        return masking.COLUMNS[field.key](str(value))
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, (int, float)):  # a number typed into the wrong column may be somebody's phone or ID
        whole = f"{value:.0f}"
        return float(value) if masking.text(whole) == whole else masking.text(whole)
    return masking.text(str(value))
