"""Progress bars on stderr for work that takes longer than a second; work that is quicker shows nothing."""

from __future__ import annotations

import sys
import threading
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from segmenter import texts
from segmenter.texts import Lang

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE: Final = 1.0
"""seconds before anything is shown"""
STAGES: Final = ("read", "clean", "score", "plan", "dimensions", "cluster", "value", "report", "write")


class _Bar:
    """A bar that appears after a second. rich is imported then: quick work does not pay for it."""

    def __init__(self, text: str, total: int, *, rate: bool) -> None:
        self._text, self._total, self._rate = text, total, rate
        self._done = 0
        self._lock = threading.Lock()
        self._shown: Progress | None = None
        self._began = monotonic()
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        ends = (MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
        columns = ends if self._rate else (TimeElapsedColumn(),)
        bar = Progress(
            TextColumn("{task.description}"), BarColumn(), *columns, console=Console(file=sys.stderr), transient=True
        )
        with self._lock:
            self._task = bar.add_task(self._text, total=self._total, completed=self._done, rate="")
            bar.start()
            self._shown = bar

    def _move(self, text: str, done: int) -> None:
        with self._lock:
            self._text, self._done = text, done
            if self._shown is not None:
                rate = f"{done / (monotonic() - self._began):.1f}/s"
                self._shown.update(self._task, description=text, completed=done, rate=rate)

    def __enter__(self) -> Self:
        if sys.stderr and sys.stderr.isatty():  # in a file a bar is a blank line, for which cron writes a letter
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._shown is not None:
                self._shown.stop()


class Stages(_Bar):
    """The stages of one workbook; called with the name of each as it begins."""

    def __init__(self, lang: Lang) -> None:
        super().__init__("", len(STAGES), rate=False)
        self._lang = lang

    def __call__(self, stage: str) -> None:
        self._move(texts.say(f"stage_name.{stage}", self._lang), STAGES.index(stage))


class Files(_Bar):
    """The workbooks of a batch, with rate and time left; called with how many are finished."""

    def __init__(self, lang: Lang, total: int) -> None:
        super().__init__(texts.say("cli.batch_working", lang), total, rate=True)
        self.count = 0

    def __call__(self, count: int) -> None:
        self.count = count
        self._move(self._text, count)
