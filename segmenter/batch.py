"""Many workbooks in one go: every one ends as done, findings or refused, and none stops the others."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TextIO

from segmenter import atomic, faults, jobs, process, texts, wording
from segmenter.books import saving
from segmenter.errors import Refused, SegmenterError
from segmenter.texts import Lang
from segmenter.worklist import JOURNAL, Task

NOTED: Final = frozenset({"output_kept", "as_of_doubtful"})
"""findings that a row says in words"""


@dataclass(frozen=True)
class Row:
    """How one workbook ended."""

    source: str
    output: str
    status: str
    """done | findings | refused"""
    message: str = ""
    """why it was refused; what of its findings the table shows"""
    as_of: str = ""
    rows_in: int = 0
    rows_used: int = 0
    rows_excluded: int = 0
    findings: int = 0
    segments: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """key -> customers, amount"""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """key -> what the segment is called, by language"""
    report: str = ""
    recipient: str = ""
    digest: str = ""
    """SHA-256 of the source's bytes"""
    options: str = ""
    written: str = ""
    """SHA-256 of the output's bytes"""


def work(task: Task, folder: Path, lang: Lang) -> Row:
    """Fill one workbook into `folder`. Never raises for anything a workbook can hold: the row says what happened."""
    row = Row(str(task.source), task.output, "refused", recipient=task.recipient)
    if task.problem:
        return replace(row, message=task.problem.message(lang), options=task.options())
    try:
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
    told: Callable[[Row], None] = lambda _: None,
) -> list[Row]:
    """Work through `tasks` and give their rows in the same order; `told` hears of each as it finishes.

    `executor` makes the pool, and makes another when a worker dies; `earlier` holds the rows of a run to be resumed
    (`unfinished` says which tasks are left). Interrupted, it stops cleanly: what is finished stands in the journal.
    """
    rows: dict[str, Row] = {task.output: earlier[str(task.source)] for task in tasks if str(task.source) in earlier}
    written = {row.output: row.written for row in recorded(folder).values()}
    left = [replace(task, written=written.get(task.output, "")) for task in tasks if task.output not in rows]
    with _opened(folder / JOURNAL) as journal:
        for row in _finished(left, folder, lang, executor):
            rows[row.output] = row
            journal.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            journal.flush()
            told(row)
    return [rows[task.output] for task in tasks]


def _opened(journal: Path) -> TextIO:
    """Refused when nobody may write in its folder."""
    try:
        return journal.open("a", encoding="utf-8")
    except OSError as error:
        raise atomic.refusal(journal.parent, error) from error


def _finished(tasks: Sequence[Task], folder: Path, lang: Lang, make: Callable[[], Executor]) -> Iterator[Row]:
    """The rows as they come. When a worker dies nobody can say which workbook did it: the rest go one at a time, and
    one that kills its worker again is refused."""
    left = {task.output: task for task in tasks}
    try:
        for row in _together(tasks, folder, lang, make):
            del left[row.output]
            yield row
    except BrokenExecutor:
        killed = Refused("batch_killed").message(lang)
        for task in left.values():
            try:
                yield from _together([task], folder, lang, make)
            except BrokenExecutor:
                yield Row(str(task.source), task.output, "refused", killed, options=task.options())


def _together(tasks: Sequence[Task], folder: Path, lang: Lang, make: Callable[[], Executor]) -> Iterator[Row]:
    pool = make()
    waiting: list[Future[Row]] = []
    try:
        with _deaf_to_ctrl_c():
            waiting += [pool.submit(work, task, folder, lang) for task in tasks]
        for future in as_completed(waiting):
            yield future.result()
    finally:
        for future in waiting:
            future.cancel()
        pool.shutdown(wait=True)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started in here never hear Ctrl-C: one that is still importing would only say where it was."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def processes(count: int | None) -> Callable[[], Executor]:
    """A pool of processes on this machine; by default one for each processor it may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # not forked: the progress bar's thread and the libraries' own would come along half alive
    context = multiprocessing.get_context("spawn")
    return lambda: ProcessPoolExecutor(count or usable, mp_context=context, initializer=_begin)


def _begin() -> None:
    """A worker begins: with this module it has imported all it needs."""
    process.settle()


def cluster(address: str) -> Callable[[], Executor]:
    """The executor of a Dask cluster. Refused("need_extra") without dask, ("scheduler") when nobody answers there."""
    try:
        from distributed import Client
    except ImportError:
        raise Refused("need_extra", extra="scheduler") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise Refused("scheduler", value=address, reason=error) from None
    return lambda: client.get_executor(pure=False, retries=2)


def recorded(folder: Path) -> dict[str, Row]:
    """The rows an earlier run left in `folder`, by source; the last of each."""
    path = folder / JOURNAL
    if not path.is_file():
        return {}
    rows = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            raw: dict[str, Any] = json.loads(line)
        except ValueError:
            continue  # the line a kill cut off: its workbook is done again
        raw["segments"] = {name: (count, amount) for name, (count, amount) in raw["segments"].items()}
        rows[raw["source"]] = Row(**raw)
    return rows


def unchanged(tasks: Sequence[Task], folder: Path, before: Mapping[str, Row]) -> dict[str, Row]:
    """The rows of tasks that need no work: not refused, source and options as they were, outputs still there."""
    kept = {}
    for task in tasks:
        row = before.get(str(task.source))
        if row is None or row.status == "refused" or row.options != task.options():
            continue
        if not all((folder / name).is_file() for name in (row.output, row.report) if name):
            continue
        if task.source.is_file() and saving.digest(task.source) == row.digest:
            kept[row.source] = row
    return kept


def totals(rows: Sequence[Row], lang: Lang) -> dict[str, tuple[int, float]]:
    """Customers and amount by segment over all workbooks, named in `lang`; the largest amount first."""
    sums: dict[str, tuple[int, float]] = {}
    for row in rows:
        for key, (count, amount) in row.segments.items():
            name = row.names.get(key, {}).get(lang, key)
            customers, total = sums.get(name, (0, 0.0))
            sums[name] = (customers + count, total + amount)
    ranked = sorted(sums.items(), key=lambda one: -one[1][1])
    return {name: (count, round(amount, 2)) for name, (count, amount) in ranked}
