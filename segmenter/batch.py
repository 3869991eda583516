"""Many workbooks in one go: every one ends as done, findings or refused, and none stops the others."""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from segmenter import atomic, faults, jobs, process, texts, wording
from segmenter.books import saving
from segmenter.errors import Refused, SegmenterError
from segmenter.texts import Lang
from segmenter.worklist import JOURNAL, Task, place

NOTED: Final = frozenset({"output_kept", "as_of_doubtful", "as_of_far", "as_of_early"})
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
    told: Callable[[Row], None] = lambda _: None,
) -> list[Row]:
    """Work through `tasks` and give their rows in the same order; `told` hears of each as it finishes.

    `executor` makes the pool, and makes another when a worker dies; `earlier` holds the rows of a run to be resumed
    (`unfinished` says which tasks are left). Interrupted, it stops cleanly: what is finished stands in the journal.
    """
    rows: dict[str, Row] = {task.output: earlier[str(task.source)] for task in tasks if str(task.source) in earlier}
    written = {row.output: row.written for row in recorded(folder).values()}
    left = [replace(task, written=written.get(task.output, "")) for task in tasks if task.output not in rows]
    journal = folder / JOURNAL
    if journal.is_symlink():
        raise Refused("batch_link", path=journal)
    asked = json.dumps({"asked": [str(task.source) for task in tasks]}).encode()
    _note(journal, (b"" if _ends_whole(journal) else b"\n") + asked + b"\n")
    for row in _finished(left, folder, lang, executor):
        rows[row.output] = row
        _note(journal, json.dumps(asdict(row)).encode() + b"\n")
        told(row)
    return [rows[task.output] for task in tasks]


def _note(journal: Path, line: bytes) -> None:
    """A line more; refused when it cannot be written."""
    try:
        with journal.open("ab") as file:
            file.write(line)
    except OSError as error:
        raise atomic.refusal(journal, error, len(line)) from error


def _ends_whole(journal: Path) -> bool:
    """Whether the last line was written to its end: what follows one that was not would be lost with it."""
    return not journal.is_file() or journal.read_bytes()[-1:] in (b"", b"\n")


def _finished(tasks: Sequence[Task], folder: Path, lang: Lang, make: Callable[[], Executor]) -> Iterator[Row]:
    """The rows as they come. When a worker dies nobody can say which workbook did it: the rest go one at a time, and
    one that kills its worker again is refused. So do those a cluster gives up, which it says of each."""
    left = {task.output: task for task in tasks}
    try:
        for row in _together(tasks, folder, lang, make):
            del left[row.output]
            yield row
    except BrokenExecutor:
        pass
    for task in left.values():
        try:
            again = [*_together([task], folder, lang, make)]
        except BrokenExecutor:
            again = []
        yield again[0] if again else work(replace(task, problem=Refused("batch_killed")), folder, lang)


def _together(tasks: Sequence[Task], folder: Path, lang: Lang, make: Callable[[], Executor]) -> Iterator[Row]:
    pool = make()
    waiting: list[Future[Row]] = []
    try:
        with _deaf_to_ctrl_c():
            waiting += [pool.submit(work, task, folder, lang) for task in tasks]
        for future in as_completed(waiting):
            try:
                row = future.result()
            except BrokenExecutor:
                raise
            except Exception:  # noqa: S112 - `work` raises nothing: a cluster has given the task up, and `_finished` sees it
                continue
            yield row
    finally:
        with _to_the_end():
            for future in waiting:
                future.cancel()
            pool.shutdown(wait=True)


@contextlib.contextmanager
def _to_the_end() -> Iterator[None]:
    """Ctrl-C pressed again while a batch stops is not heard: what is being written would be left half done."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
    most = 61 if os.name == "nt" else usable + (count or 0)  # Windows cannot wait for more
    return lambda: ProcessPoolExecutor(min(count or usable, most), mp_context=context, initializer=_begin)


def _begin() -> None:
    """A worker begins: with this module it has imported all it needs."""
    process.settle()
    threading.Thread(target=_end_together, daemon=True).start()


def _end_together() -> None:
    """A worker whose run was killed ends: of itself it would wait for work for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def cluster(address: str) -> Callable[[], Executor]:
    """The executor of a Dask cluster. Refused("need_extra") without dask, ("scheduler") when nobody answers there, or
    no more when another is made."""
    try:
        from distributed import Client
    except ImportError:
        raise Refused("need_extra", extra="scheduler") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise Refused("scheduler", value=address, reason=error) from None
    logging.disable()  # what becomes of the cluster is told in our words, not with the calls it was noticed in

    def make() -> Executor:
        if client.status != "running":
            raise Refused("scheduler", value=address, reason=client.status)
        executor: Executor = client.get_executor(pure=False, retries=2)
        return executor

    return make


def recorded(folder: Path) -> dict[str, Row]:
    """The rows an earlier run left in `folder`, by source; the last of each, without those whose output another has
    taken since."""
    rows: dict[str, Row] = {}
    holders: dict[str, str] = {}
    for line in _lines(folder):
        try:
            row = _row(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # the line a kill cut off, whose workbook is done again, or one of `current`
        if holders.setdefault(place(row.output), row.source) != row.source:
            rows.pop(holders[place(row.output)], None)
            holders[place(row.output)] = row.source
        rows[row.source] = row
    return rows


def current(folder: Path) -> list[Row]:
    """The rows of the workbooks that the last run in `folder` was asked for: those of its tables."""
    rows, asked = recorded(folder), None
    for line in _lines(folder):
        with contextlib.suppress(ValueError, TypeError, KeyError):
            asked = {*json.loads(line)["asked"]}
    return [row for source, row in rows.items() if asked is None or source in asked]


def _lines(folder: Path) -> list[bytes]:
    path = folder / JOURNAL
    return saving.load(path).split(b"\n") if path.is_file() else []


def _row(raw: dict[str, Any]) -> Row:
    """A row as the journal has it. ValueError when it names a file outside the folder."""
    raw["segments"] = {name: (count, amount) for name, (count, amount) in raw["segments"].items()}
    row = Row(**raw)
    if any(name == ".." or Path(name).name != name for name in (row.output, row.report)):
        raise ValueError(row.output)
    return row


def unchanged(tasks: Sequence[Task], folder: Path, before: Mapping[str, Row]) -> dict[str, Row]:
    """The rows of tasks that need no work: not refused, source and options as they were, outputs still there."""
    kept = {}
    for task in tasks:
        row = before.get(str(task.source))
        if row is None or row.status == "refused" or row.options != task.options() or row.recipient != task.recipient:
            continue
        if not all((folder / name).is_file() for name in (row.output, row.report) if name):
            continue
        with contextlib.suppress(OSError):  # one that can no longer be read: why is found when it is worked on
            if task.source.is_file() and saving.digest(task.source) == row.digest:
                kept[row.source] = row
    return kept


def days(rows: Sequence[Row]) -> tuple[str, str] | None:
    """The first and the last as-of date of workbooks that are summed though they are not of one; None when they are."""
    found = sorted({row.as_of for row in rows if row.as_of and row.segments})
    return (found[0], found[-1]) if len(found) > 1 else None


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
