"""The buttons of the add-in: `python -P -m segmenter.ribbon COMMAND`, a thin door on the open workbook.

The workbook's name and its Excel's window arrive in environment variables, as text that nothing interprets. The one
boundary that turns errors into an alert. Heavy modules are imported after the status bar has said that work began.
"""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segmenter import places, process, texts
from segmenter.errors import Refused, SegmenterError, WrongUsage
from segmenter.texts import Lang

if TYPE_CHECKING:
    import xlwings as xw

BOOK: Final = "SEGMENTER_BOOK"
WINDOW: Final = "SEGMENTER_HWND"
LANG: Final = "SEGMENTER_LANG"
SHOWN: Final = 8
"""findings listed in an alert; the log has them all"""
ATTEMPTS: Final = 2000
"""calls that Excel turns away before we give up; xlwings by itself would try for ever"""


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


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Do what the button `argv` names says; gives an exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.stderr.write(texts.say("ribbon.usage", texts.DEFAULT, commands=", ".join(COMMANDS)) + "\n")
        return WrongUsage.exit_code
    lang = next((one for one in texts.LANGS if one == environ.get(LANG)), texts.DEFAULT)
    try:
        app, book = find(environ.get(BOOK, ""), environ.get(WINDOW, ""))
    except Exception as error:  # as in `press`, with no Excel that could tell it
        said, code = _told(error, lang)
        _speak(said, lang)
        return code
    return press(arguments[0], Click(app, book, lang, show))


def find(name: str = "", window: str = "") -> tuple[xw.App, xw.Book | None]:
    """The running Excel (the one with this window, if told) and its workbook `name` (if not told, the active one).

    Refused when no Excel runs, or when it has no such workbook. A name is unique within one Excel.
    """
    xw = _xlwings()
    apps = list(xw.apps) if len(xw.engines) else []  # elsewhere than on Windows and macOS xlwings has no engine
    if window:
        apps = [app for app in apps if str(app.hwnd) == window] or apps
    if not apps:
        raise Refused("excel_not_running")
    app = apps[0]
    books = {_composed(str(book.name)): book for book in app.books}
    if name:
        if _composed(name) not in books:
            raise Refused("excel_lost_book", value=name)
        return app, books[_composed(name)]
    return app, app.books.active if books else None


def _composed(name: str) -> str:
    """A name as Windows spells it; macOS may hand over letters and their accents apart."""
    return unicodedata.normalize("NFC", name)


def _xlwings() -> Any:
    """Xlwings without what it would import only in case somebody hands it a data frame or a figure: that takes longer
    than the rest of a click's way to its first word in the status bar."""
    hidden = [name for name in ("matplotlib", "pandas", "numpy", "polars", "PIL") if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import xlwings
    except ImportError as error:
        raise Refused("excel_no_xlwings") from error
    finally:
        for name in hidden:
            del sys.modules[name]
    if sys.platform == "win32":
        from xlwings import _xlwindows

        _xlwindows.N_COM_ATTEMPTS = ATTEMPTS
    return xlwings


def press(command: str, click: Click) -> int:
    """Run a command, and tell in one alert what came of it. Excel's settings are restored by what changed them."""
    said, code = "", 0
    try:
        with suppress(Exception):  # while a cell is being edited nothing can be said yet; the command refuses it
            click.app.status_bar = texts.say("ribbon.begins", click.lang)
        with _once(click):
            said = COMMANDS[command](click)
    except Exception as error:  # the boundary: whatever we did not foresee is a fault of ours
        said, code = _told(error, click.lang, click.book)
    finally:
        with suppress(Exception):
            click.app.status_bar = False
    if said:
        try:
            click.app.alert(said, texts.say("ribbon.title", click.lang))
        except Exception:  # Excel is gone, or too busy to show anything
            _speak(said, click.lang)
    return code


@contextmanager
def _once(click: Click) -> Iterator[None]:
    """Refuse a second press in the same Excel while one runs: its settings are Excel's, and not a workbook's."""
    from segmenter.books import saving

    with ExitStack() as held:
        try:
            held.enter_context(saving.lock(places.data() / f"Excel-{click.app.pid}"))
        except Refused as error:
            raise Refused("excel_running") from error
        yield


def _told(error: Exception, lang: Lang, book: xw.Book | None = None) -> tuple[str, int]:
    """What an error says, where its log is, and its exit code; its cell is selected, so that it can be mended."""
    from segmenter.books.live import is_busy
    from segmenter.faults import log

    if is_busy(error):
        error = Refused("excel_editing")
    if not isinstance(error, SegmenterError):
        return texts.say("ribbon.fault", lang, kind=type(error).__name__, path=log(error)), 3
    if error.sheet and book is not None:
        _select(book, error.sheet, error.cell)
    return f"{error.message(lang)}\n\n{texts.say('ribbon.log', lang, path=log(error))}", error.exit_code


def _speak(said: str, lang: Lang) -> None:
    """Tell the user where Excel cannot: a button's Python has no terminal, so the system shows a box."""
    title = texts.say("ribbon.title", lang)
    if sys.stderr is not None:
        sys.stderr.write(said + "\n")
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.MessageBoxW(0, said, title, 0x30)
    elif sys.platform == "darwin":
        show = ("on run given", "display alert (item 1 of given) message (item 2 of given)", "end run")
        lines = [part for line in show for part in ("-e", line)]
        subprocess.run(["/usr/bin/osascript", *lines, title, said], check=False)  # noqa: S603 - texts are arguments


def _select(book: xw.Book, sheet: str, cell: str) -> None:
    with suppress(Exception):  # a hidden sheet cannot be shown; the sentence names the cell anyway
        book.sheets[sheet].activate()
        if cell:
            book.sheets[sheet].range(cell).select()


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
    from segmenter import jobs
    from segmenter.books.live import LiveBook, quiet

    book = click.needed
    with quiet(click.app):
        live = LiveBook(book, jobs.template)
        live.ready()
        result = jobs.analyse(live, progress=click.stage)
    found = [one for one in result.findings if one.cell] + [one for one in result.findings if not one.cell]
    lines = ["- " + f"{one.sheet}!{one.cell} ".lstrip("!") + one.message(click.lang) for one in found[:SHOWN]]
    if found and found[0].cell:
        _select(book, found[0].sheet, found[0].cell)
    rows = {"rows": result.rows_in, "used": result.rows_used, "excluded": result.rows_excluded}
    head = texts.say("ribbon.checked", click.lang, findings=len(found), **rows)
    if len(found) > SHOWN:
        lines.append(texts.say("ribbon.more", click.lang, count=len(found) - SHOWN))
    return "\n".join([head, *lines])


def _fill(click: Click) -> str:
    from segmenter import jobs

    result = fill(click)
    lines = [texts.say(key, click.lang, **numbers) for key, numbers in jobs.headline(result)]
    return "\n".join([texts.say("ribbon.filled", click.lang), *lines])


def fill(click: Click) -> Any:
    """What `fill` does on a file, on the open workbook; gives the `Result`. What stood there can be restored; an error
    halfway restores it at once."""
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
                jobs.write(live, result)
                before = previous.take(live, live.tables)
                previous.keep(places.data() / "previous", _identity(book), before)
        except Exception as error:
            if before is not None and not isinstance(error, SegmenterError):
                with suppress(Exception):
                    previous.put_back(LiveBook(book, jobs.template), before)
            raise
    return result


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


def _report(click: Click) -> str:
    from segmenter import jobs

    result = _analysed(click)
    from segmenter.reports.report import render

    path = _beside(click, "ribbon.report_name")
    jobs.put(path, render(result, click.lang).encode())
    click.open(path)
    return ""


def _analysed(click: Click) -> Any:
    """The analysis of the open workbook as it stands."""
    from segmenter import jobs
    from segmenter.books.live import LiveBook, quiet

    with quiet(click.app):
        live = LiveBook(click.needed, jobs.template)
        live.ready()
        result = jobs.analyse(live, progress=click.stage)
    click.stage("report")
    return result


def _beside(click: Click, key: str) -> Path:
    """The file of that name beside the workbook."""
    return _folder(click.book) / texts.say(key, click.lang, stem=Path(str(click.needed.name)).stem)


def _mail(click: Click) -> str:
    from segmenter import jobs

    result = _analysed(click)
    from segmenter.mail.letters import Wish, draft

    path = _beside(click, "ribbon.mail_name")
    content, remarks = draft(result, Wish(Path(str(click.needed.name)).stem, click.lang, attach=("html",)))
    jobs.put(path, content)
    click.open(path)
    return "\n".join(remarks)


def show(path: Path) -> None:
    """Open a file we made with the user's program for it."""
    if sys.platform == "win32":
        os.startfile(path)  # noqa: S606 - a file of ours, by its path
    elif sys.platform == "darwin":
        subprocess.run(["/usr/bin/open", str(path)], check=False)  # noqa: S603 - no shell, a path of ours
    else:
        import webbrowser

        webbrowser.open(path.as_uri())


COMMANDS: Final[Mapping[str, Callable[[Click], str]]] = {
    "new": _new,
    "check": _check,
    "fill": _fill,
    "restore": _restore,
    "report": _report,
    "mail": _mail,
}

if __name__ == "__main__":
    process.begin()
    sys.exit(main())
