"""The use cases, the same for every door: new, fill, check, and what stands in a filled workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from segmenter import pipeline, rules, schema, settings, texts, timeline
from segmenter.atomic import placing
from segmenter.books import Book, adding, leaving, proof
from segmenter.books.file import FileBook
from segmenter.books.package import Package
from segmenter.books.proof import NOTHING, Asked, Proof
from segmenter.books.saving import load
from segmenter.errors import Refused
from segmenter.findings import NO_PARAMS, Finding
from segmenter.frames import Frame
from segmenter.pipeline import Sheets
from segmenter.reading import departed, headers
from segmenter.result import Result
from segmenter.steps import history
from segmenter.texts import Lang

Progress = Callable[[str], None]
_ASKED = {"clusters": "clusters", "value_checks": "value"}
"""the setting that asks for a sheet, of those that come on request, by table key"""
_REMARKED = frozenset({"rules_unlike", "orders_after_as_of", "as_of_doubtful", "as_of_far", "as_of_early"})


class Saving(NamedTuple):
    """What the user wants of the file beside the analysis. Each of the last three gives something up, and says what."""

    keep_previous: bool = False
    drop_stale: bool = False
    """drop the stored results of formulas elsewhere that read what was written"""
    break_signature: bool = False
    """give up a digital signature"""
    override_protection: bool = False
    """write locked cells, add sheets to a locked structure, change a file reserved for others"""


PLAIN = Saving()


def template(lang: Lang, table: schema.Table = schema.CUSTOMERS) -> Path:
    """The shipped workbook of a language that has the sheet of `table`."""
    return adding.shipped(adding.source(lang, table))


def new(path: Path, lang: Lang) -> None:
    """A fresh copy of the template. Refused("exists") rather than overwriting anything."""
    refuse_existing(path)
    with FileBook(template(lang), out=path):
        pass


def analyse(
    book: Book,
    as_of: date | None = None,
    rules_file: Path | None = None,
    progress: Progress = lambda _: None,
    changes: Mapping[str, Any] = NO_PARAMS,
) -> Result:
    """The analysis of an open workbook, nothing written. A rules file takes the place of its 设置 sheet; `changes` of
    single rules come on top."""
    used, noticed = (rules.from_file(rules_file), []) if rules_file else settings.read(book.read(schema.SETTINGS))
    if changes:
        used = used._replace(**changes)
    customers = book.read(schema.CUSTOMERS)
    if customers is None:
        raise Refused("no_customer_sheet", sheet=schema.CUSTOMERS.sheet[book.lang])
    asked = {"customers"} if used.dimensions else {"customers", "dimensions", "survey"}
    others = {name: book.read(schema.table(name)) for name in Sheets._fields if name not in asked}
    return pipeline.run(Sheets(customers, **others), used, book.lang, as_of, progress, noticed)


def write(book: Book, result: Result) -> list[Finding]:
    """The result's tables into the workbook; the customer sheet, the orders and the settings are never written. Gives
    what is told of sheets that had been asked for and are emptied, as this time nobody did."""
    book.write(schema.RFM, result.rfm)
    book.write(schema.STRATEGY, leaving(result.strategy, result.left))
    for table in schema.BOARDS:
        book.write(table, result.boards[table.key])
    book.write(schema.CLEANING, result.cleaning)
    if "dimensions" in result.extra:  # the workbook has no 维度 sheet yet; from now on it is the analyst's
        book.write(schema.DIMENSIONS, result.extra["dimensions"])
    emptied = []
    for table in schema.EXTRA:
        if table.key in result.extra:
            book.write(table, result.extra[table.key])
        elif table.optional == "result" and (grid := book.read(table)) is not None and headers.holds(grid, table, 0.5):
            setting = _ASKED.get(table.key, "")
            if setting and not getattr(result.rules, setting) and departed.any_ours(grid, table):
                params = {"option": f"--{setting}", "setting": texts.both(f"setting.{setting}.name")}
                emptied.append(Finding("sheet_emptied", grid.sheet, params=params))
            book.write(table, Frame.of((), table.keys))
    return emptied


def fill(
    path: Path,
    out: Path | None = None,
    *,
    as_of: date | None = None,
    rules_file: Path | None = None,
    report: Path | None = None,
    lang: Lang | None = None,
    saving: Saving = PLAIN,
    written: str = "",
    formulas: bool = False,
    changes: Mapping[str, Any] = NO_PARAMS,
    progress: Progress = lambda _: None,
) -> Result:
    """Fill a workbook (into `out`, or itself) and, when asked, write the report in `lang` (default: the workbook's),
    which is written beside its place first and put there when the workbook is.

    Another file at `out` stays beside the new one, unless its SHA-256 is `written`: what an earlier run left there.
    """
    if report:
        _refuse_report(report, path, out or path)
    links = target.stat().st_nlink if (target := out or path).is_file() else 1
    with ExitStack() as after, FileBook(path, out=out, written=written, **saving._asdict()) as book:
        result = analyse(book, as_of, rules_file, progress, changes)
        if report:
            progress("report")
            from segmenter.reports.report import render

            after.enter_context(placing(report, render(result, lang or result.lang).encode()))
        progress("write")
        tables = result
        if formulas:
            from segmenter import formulas as table

            names = dict(zip(result.segments["segment"], result.segments["name"], strict=True))
            kept = timeline.remembered(result.customers, names, result.lang) if timeline.is_latest(result) else {}
            tables = result._replace(rfm=table.rfm(book, result)[0], extra={**kept, **result.extra})
        emptied = write(book, tables)
    result = result._replace(findings=(*result.findings, *emptied))
    if formulas and result.rules.scoring != "fixed":
        words = {one: texts.say(f"word.{result.rules.scoring}", one) for one in texts.LANGS}
        result = result._replace(findings=(*result.findings, Finding("formulas_fixed", params={"scoring": words})))
    if links > 1:
        result = result._replace(
            findings=(*result.findings, Finding("hard_link", value=str(out or path), params={"links": links - 1})),
        )
    if book.kept and not saving.keep_previous:
        beside = Finding("output_kept", value=book.out.name, params={"previous": book.kept.name})
        result = result._replace(findings=(*result.findings, beside))
    return result._replace(findings=(*result.findings, *book.findings))


def check(
    path: Path,
    *,
    as_of: date | None = None,
    rules_file: Path | None = None,
    changes: Mapping[str, Any] = NO_PARAMS,
    progress: Progress = lambda _: None,
) -> Result:
    """Everything `fill` would find; nothing is written."""
    return analyse(FileBook(path), as_of, rules_file, progress, changes)


def standing(
    path: Path,
    *,
    as_of: date | None = None,
    rules_file: Path | None = None,
    changes: Mapping[str, Any] = NO_PARAMS,
    progress: Progress = lambda _: None,
) -> Result:
    """The analysis that stands in a filled workbook, for those who tell others of it; nothing is written. It is of the
    date on its 看板; other rules than it was filled by are a finding. One never filled is analysed as `check` does."""
    book = FileBook(path)
    day = timeline.shown(book.read(schema.BOARDS[0]))
    result = analyse(book, as_of or day, rules_file, progress, changes)
    mark = timeline.mark(timeline.lines(book.read(schema.HISTORY)), day) if day and as_of in (None, day) else ""
    if not mark or mark == history.fingerprint(result.rules):
        return result
    unlike = Finding("rules_unlike", params={"as_of": str(day), "then": mark, "now": history.fingerprint(result.rules)})
    return result._replace(findings=(*result.findings, unlike))


def remarks(result: Result, lang: Lang) -> list[str]:
    """What has to be said to whoever passes this analysis on: it is not of all data there are, or by other rules, or of
    a day that is doubted."""
    return [one.message(lang) for one in result.findings if one.code in _REMARKED]


def verify(before: Path, after: Path, asked: Asked = NOTHING) -> Proof:
    """What became of every part of a workbook: see `books.proof`; `asked`: what the user gave up when filling."""
    return proof.verify(Package(load(before), before), Package(load(after), after), asked=asked)


def headline(result: Result) -> Iterator[tuple[str, dict[str, Any]]]:
    """The five numbers that matter, as text keys and values: customers, amount, the best segment, the one at risk,
    findings."""
    by_key = {row["segment"]: row for row in result.segments.records()}
    yield "headline.customers", {"used": result.rows_used, "rows": result.rows_in}
    yield "headline.amount", {"amount": float(result.segments["amount"].sum()), "months": result.rules.window_months}
    for key in ("high_value", "at_risk"):
        if row := by_key.get(key):
            yield (
                "headline.segment",
                {
                    "name": row["name"],
                    "customers": row["customers"],
                    "share": row["customer_share"],
                    "amount_share": row["amount_share"],
                },
            )
    yield "headline.findings", {"findings": len(result.findings)}


def _refuse_report(report: Path, *books: Path) -> None:
    """A report is a page of its own: never written over a workbook, or under a name that says it is something else."""
    if not report.parent.is_dir():
        raise Refused("no_folder", path=report)
    if report.suffix.lower() not in (".html", ".htm") or report.resolve() in {book.resolve() for book in books}:
        raise Refused("report_name", path=report)


def refuse_existing(path: Path) -> None:
    if path.exists():
        raise Refused("exists", path=path)
