"""The door of the add-in: `python -P -m segmenter.ribbon COMMAND` is one press of a button.

The workbook's name and its Excel's window arrive in environment variables, as text that nothing interprets. The one
boundary that turns errors into an alert.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from segmenter import desktop, places, process, running_excel, texts
from segmenter.buttons import COMMANDS, Click
from segmenter.errors import Refused, SegmenterError, WrongUsage
from segmenter.texts import Lang

BOOK: Final = "SEGMENTER_BOOK"
WINDOW: Final = "SEGMENTER_HWND"
LANG: Final = "SEGMENTER_LANG"


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Do what the button `argv` names says; gives an exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.stderr.write(texts.say("ribbon.usage", texts.DEFAULT, commands=", ".join(COMMANDS)) + "\n")
        return WrongUsage.exit_code
    lang = next((one for one in texts.LANGS if one == environ.get(LANG)), texts.DEFAULT)
    try:
        app, book = running_excel.find(environ.get(BOOK, ""), environ.get(WINDOW, ""))
    except Exception as error:  # as in `press`, with no Excel that could tell it
        said, code = _told(error, lang)
        desktop.alert(said, texts.say("ribbon.title", lang))
        return code
    return press(arguments[0], Click(app, book, lang, desktop.show))


def press(command: str, click: Click) -> int:
    """Run a command, and tell in one alert what came of it; gives an exit code. Excel's settings are restored by what
    changed them."""
    said, code = "", 0
    try:
        with suppress(Exception):  # while a cell is being edited nothing can be said yet; the command refuses it
            click.app.status_bar = texts.say("ribbon.begins", click.lang)
        with _once(click):
            said = COMMANDS[command](click)
    except Exception as error:  # the boundary: whatever we did not foresee is a fault of ours
        said, code = _told(error, click.lang)
        if isinstance(error, SegmenterError) and error.sheet:
            click.select(error.sheet, error.cell)  # so that it can be mended
    finally:
        with suppress(Exception):
            click.app.status_bar = False
    if said:
        title = texts.say("ribbon.title", click.lang)
        try:
            click.app.alert(said, title)
        except Exception:  # Excel is gone, or too busy to show anything
            desktop.alert(said, title)
    return code


@contextmanager
def _once(click: Click) -> Iterator[None]:
    """Refuse a second press in the same Excel while one runs: its settings are Excel's, and not a workbook's."""
    from segmenter.books import locking

    with ExitStack() as held:
        try:
            held.enter_context(locking.lock(places.data() / f"Excel-{click.app.pid}"))
        except Refused as error:
            raise Refused("excel_running") from error
        yield


def _told(error: Exception, lang: Lang) -> tuple[str, int]:
    """What an error says, where its log is, and its exit code."""
    from segmenter.books.live import is_busy
    from segmenter.faults import log

    if is_busy(error):
        error = Refused("excel_editing")
    if not isinstance(error, SegmenterError):
        return texts.say("ribbon.fault", lang, kind=type(error).__name__, path=log(error)), 3
    return f"{error.message(lang)}\n\n{texts.say('ribbon.log', lang, path=log(error))}", error.exit_code


if __name__ == "__main__":
    process.begin()
    sys.exit(main())
