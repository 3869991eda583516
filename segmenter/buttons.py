"""What each button of the add-in does with the open workbook, and what is told when it is done.

Heavy modules are imported after the status bar has said that work began.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segmenter import places, texts
from segmenter.atomic import replace_file
from segmenter.errors import Refused, SegmenterError
from segmenter.texts import Lang

if TYPE_CHECKING:
    import xlwings as xw

    from segmenter.result import Result

SHOWN: Final = 8
"""findings listed in an alert; the log has them all"""


@dataclass(frozen=True)
class Click:
    """One press of a button: Excel, the workbook (None when none is open), the language of what is said."""

    app: xw.App
    book: xw.Book | None
    lang: Lang
    open: Callable[[Path], object]
    """shows a file to the user"""

    def stage(self, name: str) -> None:
        """Say in the status bar what is being done."""
        self.app.status_bar = texts.say("ribbon.working", self.lang, stage=texts.say(f"stage_name.{name}", self.lang))

    @property
    def needed(self) -> xw.Book:
        """The workbook; Refused when none is open."""
        if self.book is None:
            raise Refused("excel_no_book")
        return self.book

    def select(self, sheet: str, cell: str) -> None:
        """Show a sheet of the workbook, and a cell of it if one is named."""
        with suppress(Exception):  # a hidden sheet cannot be shown; the sentence names the cell anyway
            self.needed.sheets[sheet].activate()
            if cell:
                self.needed.sheets[sheet].range(cell).select()


def _new(click: Click) -> str:
    from segmenter import jobs

    beside = _folder(click.book)
    stem = texts.say("ribbon.new_name", click.lang)
    names = [beside / f"{stem}{'' if n == 1 else f' {n}'}.xlsx" for n in range(1, 1000)]
    path = next(path for path in names if not path.exists())
    jobs.new(path, click.lang)
    click.app.books.open(str(path))
    return ""


def _check(click: Click) -> str:
    result = _analysed(click)
    found = [one for one in result.findings if one.cell] + [one for one in result.findings if not one.cell]
    lines = ["- " + f"{one.sheet}!{one.cell} ".lstrip("!") + one.message(click.lang) for one in found[:SHOWN]]
    if found and found[0].cell:
        click.select(found[0].sheet, found[0].cell)
    rows = {"rows": result.rows_in, "used": result.rows_used, "excluded": result.rows_excluded}
    head = texts.say("ribbon.checked", click.lang, findings=len(found), **rows)
    if len(found) > SHOWN:
        lines.append(texts.say("ribbon.more", click.lang, count=len(found) - SHOWN))
    return "\n".join([head, *lines])


def _fill(click: Click) -> str:
    """What `fill` does on a file. What stood there can be restored; an error halfway restores it at once."""
    from segmenter import jobs
    from segmenter.books import previous
    from segmenter.books.live import LiveBook, quiet

    book = click.needed
    before = None
    with quiet(click.app):
        try:
            with LiveBook(book, jobs.template) as live:
                result = jobs.analyse(live, progress=click.stage)
                click.stage("write")
                emptied = jobs.write(live, result)
                before = previous.take(live, live.tables)
                previous.keep(places.data() / "previous", _identity(book), before)
        except Exception as error:
            if before is not None and not isinstance(error, SegmenterError):
                with suppress(Exception):
                    previous.put_back(LiveBook(book, jobs.template), before)
            raise
    lines = [texts.say(key, click.lang, **numbers) for key, numbers in jobs.headline(result)]
    lines += [one.message(click.lang) for one in emptied]
    return "\n".join([texts.say("ribbon.filled", click.lang), *lines])


def _restore(click: Click) -> str:
    from segmenter import jobs
    from segmenter.books import previous
    from segmenter.books.live import LiveBook, quiet

    book = click.needed
    folder = places.data() / "previous"
    with quiet(click.app):
        live = LiveBook(book, jobs.template)
        live.ready()
        snapshot = previous.kept(folder, _identity(book))
        click.stage("write")
        now = previous.take(live, snapshot)
        previous.put_back(live, snapshot)
        previous.keep(folder, _identity(book), now)
    return texts.say("ribbon.restored", click.lang)


def _report(click: Click) -> str:
    result = _analysed(click)
    click.stage("report")
    from segmenter.reports.report import render

    path = _beside(click, "ribbon.report_name")
    replace_file(path, render(result, click.lang).encode())
    click.open(path)
    return ""


def _mail(click: Click) -> str:
    result = _analysed(click)
    click.stage("report")
    from segmenter.mail.letters import Wish, draft

    path = _beside(click, "ribbon.mail_name")
    content, remarks = draft(result, Wish(Path(str(click.needed.name)).stem, click.lang, attach=("html",)))
    replace_file(path, content)
    click.open(path)
    return "\n".join(remarks)


def _analysed(click: Click) -> Result:
    """The analysis of the open workbook as it stands."""
    from segmenter import jobs
    from segmenter.books.live import LiveBook, quiet

    book = click.needed
    with quiet(click.app):
        live = LiveBook(book, jobs.template)
        live.ready()
        return jobs.analyse(live, progress=click.stage)


def _full_name(book: xw.Book) -> str:
    try:
        return str(book.fullname)
    except Exception:  # xlwings cannot map every cloud address to a file
        return str(book.name)


def _identity(book: xw.Book) -> str:
    """What tells a workbook from others of the same name: its full name; one that was never saved is one of this
    Excel's."""
    name = _full_name(book)
    return name if name != str(book.name) else f"{book.app.pid}/{name}"


def _folder(book: xw.Book | None) -> Path:
    """The folder of a workbook; that of the documents when it has none, is in the cloud, or cannot be written to."""
    if book is not None:
        path = Path(_full_name(book))
        if path.is_absolute() and path.parent.is_dir() and os.access(path.parent, os.W_OK):
            return path.parent
    return places.documents()


def _beside(click: Click, key: str) -> Path:
    """The file of that name beside the workbook."""
    return _folder(click.book) / texts.say(key, click.lang, stem=Path(str(click.needed.name)).stem)


COMMANDS: Final[Mapping[str, Callable[[Click], str]]] = {
    "new": _new,
    "check": _check,
    "fill": _fill,
    "restore": _restore,
    "report": _report,
    "mail": _mail,
}
"""what the add-in calls a button, and what it does: it gives the sentence to be told, "" for none"""
