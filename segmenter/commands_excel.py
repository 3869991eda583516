"""The commands around the open Excel: excel install | uninstall | status, doctor, live fill | restore."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from segmenter import texts
from segmenter.texts import Lang

if TYPE_CHECKING:
    from segmenter.addin import Line


def excel_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    parser.add_argument("action", choices=("install", "uninstall", "status"), help=say["help_excel_action"])


def doctor_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    """The mail settings to look at."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=say["help_doctor_config"])


def live_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    parser.add_argument("action", choices=("fill", "restore"), help=say["help_live_action"])
    parser.add_argument("book", nargs="?", default="", metavar="BOOK.xlsx", help=say["help_book"])


def excel(chosen: argparse.Namespace, lang: Lang) -> int:
    from segmenter import addin, running_excel

    if chosen.action == "status":
        return _tell(addin.status(running_excel.find), lang)
    paths = addin.install(lang) if chosen.action == "install" else addin.uninstall()
    for path in paths:
        print(texts.say("cli.written" if chosen.action == "install" else "cli.removed", lang, path=path))
    return 0


def doctor(chosen: argparse.Namespace, lang: Lang) -> int:
    from segmenter import addin, running_excel

    return _tell(addin.doctor(running_excel.find, chosen.config), lang)


def live(chosen: argparse.Namespace, lang: Lang) -> int:
    """The button's work on the workbook open in Excel; what came of it is told by Excel's alert."""
    from segmenter import desktop, ribbon, running_excel
    from segmenter.buttons import Click

    app, book = running_excel.find(chosen.book)
    return ribbon.press(chosen.action, Click(app, book, lang, desktop.show))


def _tell(lines: Iterable[Line], lang: Lang) -> int:
    """Each thing that was looked for, and what to do when it is not there; 1 when something is not."""
    missing = 0
    for line in lines:
        text = line.detail or texts.say("word.yes", lang)
        if not line.good:
            text = texts.say(f"excel.todo.{line.key}", lang) + (f" ({line.detail})" if line.detail else "")
        print(f"[{'x' if line.good else ' '}] {texts.say(f'excel.line.{line.key}', lang)}: {text}")
        missing += not line.good
    return 1 if missing else 0
