"""The work of a batch: every workbook ends as done, findings or refused, and none stops the others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Final

from segmenter import atomic, faults, jobs, texts, wording
from segmenter.batch import journal, pools
from segmenter.batch.rows import Row
from segmenter.batch.worklist import Task
from segmenter.books import saving
from segmenter.errors import Refused, SegmenterError
from segmenter.texts import Lang

NOTED: Final = frozenset({"output_kept", "sheet_emptied", "as_of_doubtful", "as_of_far", "as_of_early"})
"""findings that a row says in words"""


def work(task: Task, folder: Path, lang: Lang) -> Row:
    """Fill one workbook into `folder`. Never raises for anything a workbook can hold: the row says what happened."""
    row = Row(str(task.source), task.output, "refused", recipient=task.recipient, written=task.written)
    if task.problem:
        return replace(row, message=task.problem.message(lang), options=task.options())
    try:
        if (folder / task.output).is_symlink():  # what it leads to is no result of ours, and may lie anywhere
            raise Refused("batch_link", path=folder / task.output)
        digest = saving.digest(task.source)
        row = replace(row, digest=digest, options=task.options())
        report = folder / task.report_name if task.report else None
        result = jobs.fill(
            task.source,
            folder / task.output,
            as_of=task.as_of,
            rules_file=task.rules,
            report=report,
            written=task.written,
        )
        written = saving.digest(folder / task.output)
    except SegmenterError as error:
        return replace(row, message=error.message(lang))
    except OSError as error:
        return replace(row, message=atomic.refusal(Path(error.filename or task.source), error).message(lang))
    except Exception as error:  # a fault of ours in one workbook must not cost the others
        return replace(
            row, message=Refused("batch_fault", kind=type(error).__name__, path=faults.log(error)).message(lang)
        )
    named = {one: wording.segment_names(result.rules, one) for one in texts.LANGS}
    segments = {one["segment"]: one for one in result.segments.records() if one["customers"]}
    return replace(
        row,
        status="findings" if result.findings else "done",
        message=" ".join(one.message(lang) for one in result.findings if one.code in NOTED),
        as_of=result.as_of.isoformat() if result.as_of else "",
        rows_in=result.rows_in,
        rows_used=result.rows_used,
        rows_excluded=result.rows_excluded,
        findings=len(result.findings),
        segments={key: (one["customers"], round(one["amount"], 6)) for key, one in segments.items()},
        names={key: {one: named[one][key] for one in texts.LANGS} for key in segments},
        report=task.report_name,
        written=written,
    )


def run(
    tasks: Sequence[Task],
    folder: Path,
    lang: Lang,
    *,
    executor: Callable[[], Executor],
    earlier: Mapping[str, Row],
    told: Callable[[int], None] = lambda _: None,
) -> list[Row]:
    """Work through `tasks` and give their rows in the same order; `told` hears how many are finished, as each is.

    `executor` makes the pool, and makes another when a worker dies; `earlier` holds the rows of a run to be resumed
    (see `journal.unchanged`). Interrupted, it stops cleanly: what is finished stands in the journal.
    """
    rows: dict[str, Row] = {task.output: earlier[str(task.source)] for task in tasks if str(task.source) in earlier}
    written = {row.output: row.written for row in journal.recorded(folder).values()}
    left = [replace(task, written=written.get(task.output, "")) for task in tasks if task.output not in rows]
    journal.begin(folder, tasks)

    def ended(row: Row) -> None:  # again when Ctrl-C came in between: nothing in here may count twice
        journal.add(folder, row)
        rows[row.output] = row
        told(len(rows) - len(earlier))

    _finish(left, folder, lang, executor, ended)
    return [rows[task.output] for task in tasks]


def _finish(
    tasks: Sequence[Task], folder: Path, lang: Lang, make: Callable[[], Executor], ended: Callable[[Row], None]
) -> None:
    """Tell of each as it ends. When a worker dies nobody can say which workbook did it: the rest go one at a time, and
    one that kills its worker again is refused. So do those a cluster gives up, which it says of each."""
    left = {task.output: task for task in tasks}

    def told(row: Row) -> None:
        ended(row)
        left.pop(row.output, None)

    with contextlib.suppress(BrokenExecutor):
        _together(tasks, folder, lang, make, told)
    for task in [*left.values()]:
        with contextlib.suppress(BrokenExecutor):
            _together([task], folder, lang, make, told)
        if task.output in left:
            ended(work(replace(task, problem=Refused("batch_killed")), folder, lang))


def _together(
    tasks: Sequence[Task], folder: Path, lang: Lang, make: Callable[[], Executor], ended: Callable[[Row], None]
) -> None:
    pool = make()
    waiting: set[Future[Row]] = set()
    try:
        with pools.deaf_to_ctrl_c():
            for task in tasks:
                waiting.add(pool.submit(work, task, folder, lang))
        for future in as_completed(waiting):
            try:
                row = future.result()
            except BrokenExecutor:
                raise
            except Exception:  # noqa: S112 - `work` raises nothing: a cluster has given the task up, `_finish` sees it
                continue
            ended(row)
            waiting.discard(future)
    finally:
        with pools.to_the_end():
            for future in waiting:
                future.cancel()
            pool.shutdown(wait=True)
            for future in waiting:  # what was begun is finished before all ends, and done again if nobody heard
                if not future.cancelled() and not future.exception():
                    ended(future.result())
