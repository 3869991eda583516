"""What a batch leaves beside its workbooks: `batch.csv`, `batch.xlsx` and `index.html`."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO, StringIO
from math import ceil
from pathlib import Path
from typing import Final

from segmenter import texts
from segmenter.atomic import replace_file
from segmenter.batch.rows import Row, days, totals
from segmenter.reports.formats import width
from segmenter.texts import Lang

COLUMNS: Final = (
    "source",
    "status",
    "message",
    "as_of",
    "rows_in",
    "rows_used",
    "rows_excluded",
    "findings",
    "output",
    "report",
    "recipient",
)
_WIDEST: Final = 60
"""characters a column of `batch.xlsx` is wide at most; what is longer goes on in the next line"""
FILES: Final = ("batch.csv", "batch.xlsx", "index.html")


def write(rows: Sequence[Row], folder: Path, lang: Lang) -> list[Path]:
    """The three files, each replaced in one step; gives their paths."""
    header = [texts.say(f"batch.{'found' if key == 'findings' else key}", lang) for key in COLUMNS]
    cells = [[_shown(row, key, lang) for key in COLUMNS] for row in rows]
    contents = (_csv([header, *cells]), _xlsx(header, cells, rows, lang), _html(rows, lang).encode())
    for name, content in zip(FILES, contents, strict=True):
        replace_file(folder / name, content)
    return [folder / name for name in FILES]


def _shown(row: Row, key: str, lang: Lang) -> str | int:
    if key == "status":
        return texts.say(f"batch.{row.status}", lang)
    return value(row, key)


def value(row: Row, key: str) -> str | int:
    """A column of a row; what was refused has no output. Bytes of a path that are no text are shown by number."""
    found: str | int = getattr(row, key)
    if key in ("output", "report") and row.status == "refused":
        return ""
    return _text(found) if isinstance(found, str) else found


def _text(path: str) -> str:
    return path.encode(errors="backslashreplace").decode()


def _csv(rows: Sequence[Sequence[str | int]]) -> bytes:
    """UTF-8 with a mark, so that Excel reads it; what a spreadsheet would take for a formula gets an apostrophe."""
    text = StringIO(newline="")
    csv.writer(text).writerows([[_unarmed(cell) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8-sig")


def _unarmed(cell: str | int) -> str | int:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(tuple("=+-@\t\r")) else cell


def _xlsx(header: Sequence[str], cells: Sequence[Sequence[str | int]], rows: Sequence[Row], lang: Lang) -> bytes:
    import xlsxwriter

    buffer = BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, plain)
    book.set_properties({"created": datetime(1980, 1, 1)})  # the same rows, the same bytes
    forms: dict[type, dict[str, object]] = {
        str: {"text_wrap": True, "align": "left", "indent": 1},
        int: {"num_format": "#,##0", "align": "right"},
        float: {"num_format": "#,##0.00", "align": "right"},
    }
    looks = {kind: book.add_format({"valign": "top"} | form) for kind, form in forms.items()}
    heads = {kind: book.add_format({"bold": True, "bottom": 1} | form) for kind, form in forms.items()}
    sums = [[name, count, amount] for name, (count, amount) in totals(rows, lang).items()]
    names = [texts.say(f"batch.{key}", lang) for key in ("segment", "customers", "amount")]
    for title, head, lines in (("files", header, cells), ("segments", names, sums)):
        sheet = book.add_worksheet(texts.say(f"batch.{title}", lang))
        tall = [1] * (len(lines) + 1)
        for column, (name, *values) in enumerate(zip(head, *lines, strict=True)):
            signs = [2 * width(str(one)) for one in (name, *values)]
            wide = min(max(signs), _WIDEST)
            tall = [max(one, ceil(long / wide)) for one, long in zip(tall, signs, strict=True)]
            sheet.set_column(column, column, wide + 4)  # room for the button of the filter
            sheet.write(0, column, name, heads[type(values[0]) if values else str])
            for line, one in enumerate(values, 1):
                sheet.write(line, column, one, looks[type(one)])
        for line, high in enumerate(tall):
            # not every program works out by itself how high a row must be, and none makes one higher than 409
            sheet.set_row(line, min(16 * high, 409))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(lines), len(head) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
    book.close()
    return buffer.getvalue()


def near(rows: Sequence[Row]) -> list[str]:
    """The sources as page and screen show them: from the folder they all lie in, so that a page says nothing of this
    machine, and a line of a screen has room for what tells them apart."""
    paths = [Path(row.source) for row in rows]
    if len({path.anchor for path in paths}) != 1:  # none, or on several drives
        return [_text(row.source) for row in rows]
    base = Path(os.path.commonpath([path.parent for path in paths]))
    if base == Path(base.anchor):
        return [_text(row.source) for row in rows]
    return [_text(path.relative_to(base).as_posix()) for path in paths]


def _html(rows: Sequence[Row], lang: Lang) -> str:
    from segmenter.reports.templating import page

    counts = Counter(row.status for row in rows)
    sums = totals(rows, lang)
    everything = sum(amount for _, amount in sums.values())
    span = days(rows)
    shown = [
        {key: value(row, key) for key in COLUMNS} | {"source": at} for row, at in zip(rows, near(rows), strict=True)
    ]
    return page(
        "batch.html.j2",
        lang,
        word=lambda key: texts.say(f"batch.{key}", lang),
        counts=[(status, counts[status]) for status in ("done", "findings", "refused")],
        days=texts.say("batch.days", lang, first=span[0], last=span[1]) if span else "",
        rows=sorted(shown, key=lambda row: row["status"] != "refused"),  # what needs somebody comes first
        segments=[
            {"name": name, "customers": count, "amount": amount, "share": amount / (everything or 1.0)}
            for name, (count, amount) in sums.items()
        ],
        total={"customers": sum(count for count, _ in sums.values()), "amount": everything},
    )
