"""The journal of a batch: a line for every workbook as it finishes, from which a run is resumed after any kind of end.

A run begins with a line that says what it was asked for, `{"asked": [sources]}`; the others are rows.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from segmenter import atomic
from segmenter.batch.rows import Row
from segmenter.batch.worklist import JOURNAL, Task, place
from segmenter.books import saving
from segmenter.errors import Refused


def begin(folder: Path, tasks: Sequence[Task]) -> None:
    """Write down what a run is asked for. Refused when the journal is a link, which may lead anywhere."""
    journal = folder / JOURNAL
    if journal.is_symlink():
        raise Refused("batch_link", path=journal)
    asked = json.dumps({"asked": [str(task.source) for task in tasks]}).encode()
    _append(journal, (b"" if _ends_whole(journal) else b"\n") + asked + b"\n")


def add(folder: Path, row: Row) -> None:
    """Write down how a workbook ended; refused when it cannot be written."""
    _append(folder / JOURNAL, json.dumps(asdict(row)).encode() + b"\n")


def _append(journal: Path, line: bytes) -> None:
    try:
        with journal.open("ab") as file:
            file.write(line)
    except OSError as error:
        raise atomic.refusal(journal, error, len(line)) from error


def _ends_whole(journal: Path) -> bool:
    """Whether the last line was written to its end: what follows one that was not would be lost with it."""
    return not journal.is_file() or journal.read_bytes()[-1:] in (b"", b"\n")


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
    """The rows of tasks that need no work: not refused, source and options as they were, outputs still there and whole.
    One that people changed since is whole, and theirs."""
    kept = {}
    for task in tasks:
        row = before.get(str(task.source))
        if row is None or row.status == "refused" or row.options != task.options() or row.recipient != task.recipient:
            continue
        if not is_zipfile(folder / row.output) or (row.report and not (folder / row.report).is_file()):
            continue
        with contextlib.suppress(OSError):  # one that can no longer be read: why is found when it is worked on
            if task.source.is_file() and saving.digest(task.source) == row.digest:
                kept[row.source] = row
    return kept
