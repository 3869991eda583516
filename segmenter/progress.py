"""A progress bar on stderr for work that takes longer than a second."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from segmenter import texts
from segmenter.texts import Lang

PATIENCE: Final = 1.0
"""seconds before anything is shown"""
STAGES: Final = ("read", "clean", "score", "plan", "report", "write")


class Stages:
    """Called with the name of each stage as it begins; shows nothing when the work is done within a second."""

    def __init__(self, lang: Lang) -> None:
        self._lang = lang
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(file=sys.stderr), transient=True)
        self._task = self._bar.add_task("", total=len(STAGES))
        self._timer = threading.Timer(PATIENCE, self._bar.start)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __call__(self, stage: str) -> None:
        self._bar.update(
            self._task, description=texts.say(f"stage_name.{stage}", self._lang), completed=STAGES.index(stage)
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._bar.stop()
