"""The work of a batch, with a pool that does what a test says: what is finished is told once, however the run ends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

import pytest

from segmenter.batch import journal, running
from segmenter.batch.rows import Row
from segmenter.batch.worklist import Task

TASKS = [Task(Path(f"/shop/{name}.xlsx"), f"{name}.xlsx") for name in "abc"]


class Pool(Executor):
    """Finishes all that it is given at once, the first time without the first workbook, whose worker died."""

    def __init__(self, breaks: bool) -> None:
        self.breaks = breaks

    def submit(self, call: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.breaks:
            future.set_exception(BrokenExecutor())
            self.breaks = False
        else:
            future.set_result(call(*given, **named))
        return future


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which workbooks were worked on; they are taken in their order."""
    found: list[str] = []

    def work(task: Task, folder: Path, lang: str) -> Row:
        found.append(task.output)
        return Row(str(task.source), task.output, "done")

    monkeypatch.setattr(running, "work", work)
    monkeypatch.setattr(running, "as_completed", lambda futures: sorted(futures, key=lambda one: not one.exception()))
    return found


def test_what_was_finished_when_a_worker_died_is_not_done_again(tmp_path: Path, worked: list[str]) -> None:
    pools = [Pool(breaks=True), Pool(breaks=False)]
    rows = running.run(TASKS, tmp_path, "zh", executor=lambda: pools.pop(0), earlier={})
    assert [row.output for row in rows] == ["a.xlsx", "b.xlsx", "c.xlsx"]
    assert sorted(worked) == ["a.xlsx", "b.xlsx", "c.xlsx"]


@pytest.mark.parametrize("within", ["journal", "told"])
def test_what_is_told_of_as_ctrl_c_comes_counts_once(
    tmp_path: Path, worked: list[str], within: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    presses = [KeyboardInterrupt()]
    real = journal.add

    def add(folder: Path, row: Row) -> None:
        real(folder, row)
        if within == "journal" and presses:
            raise presses.pop()

    def told(count: int) -> None:
        counts.append(count)
        if within == "told" and presses:
            raise presses.pop()

    monkeypatch.setattr(journal, "add", add)
    with pytest.raises(KeyboardInterrupt):
        running.run(TASKS, tmp_path, "zh", executor=lambda: Pool(breaks=False), earlier={}, told=told)
    assert counts[-1] == len(journal.recorded(tmp_path)) == len(worked) == 3
