"""The Excel that runs, and the workbook in it that is meant."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from segmenter.errors import Refused

if TYPE_CHECKING:
    import xlwings as xw

ATTEMPTS: Final = 2000
"""calls that Excel turns away before we give up; xlwings by itself would try for ever"""


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
