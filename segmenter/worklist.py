"""What a batch works on: files, folders, globs and lists become tasks with output names that never collide."""

from __future__ import annotations

import csv
import glob
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from segmenter import schema, texts
from segmenter.errors import Refused
from segmenter.reading.dates import day_of

SUFFIXES: Final = {".xlsx", ".xlsm", ".xltx", ".xltm"}
OLD: Final = {".xls", ".xlsb", ".et"}
"""workbooks that are refused with what to do, rather than not seen"""
JOURNAL: Final = ".batch.jsonl"
"""one line a finished workbook, written as it finishes: what `--resume` starts from after any kind of end"""
COLUMNS: Final = ("file", "as_of", "rules", "recipient")
"""columns of a list file; only the first must be there"""


@dataclass(frozen=True)
class Task:
    """One workbook to fill, and how."""

    source: Path
    output: str
    """file name inside the output folder"""
    as_of: date | None = None
    rules: Path | None = None
    recipient: str = ""
    report: bool = False
    problem: Refused | None = None
    """why it cannot be worked on: a line of a list that leads nowhere"""
    written: str = ""
    """SHA-256 of what an earlier run wrote for it; another file under its output's name is kept"""

    @property
    def report_name(self) -> str:
        """File name of its report inside the output folder."""
        return Path(self.output).with_suffix(".html").name if self.report else ""

    def options(self) -> str:
        """What decides the result besides the workbook's bytes, as one line: a changed line means work to do again."""
        rules = hashlib.sha256(self.rules.read_bytes()).hexdigest() if self.rules and self.rules.is_file() else ""
        return "|".join((self.as_of.isoformat() if self.as_of else "", rules, str(self.report), self.output))


@dataclass(frozen=True)
class _Wish:
    source: Path
    as_of: date | None = None
    rules: Path | None = None
    recipient: str = ""
    problem: Refused | None = None


def collect(sources: Sequence[str], out: Path, *, report: bool, known: Mapping[str, str]) -> list[Task]:
    """The tasks `sources` name, each file once (the last mention wins), in the order of their paths.

    `known`: source path -> output name of an earlier run, which stays. Names are the workbook's own; where two would
    be the same, each gets six characters of its path's hash. Refused when a source or a list's line leads nowhere, and
    when a source is the output folder, unless that holds what an earlier batch made: `*` names it too.
    """
    wishes = {wish.source: wish for source in sources for wish in _expand(source, out.resolve())}
    ordered = [wishes[path] for path in sorted(wishes)]
    folder = out.resolve()
    if not (ordered and (folder / JOURNAL).is_file()) and any(_lies_in(source, folder) for source in sources):
        raise Refused("batch_out", path=out)
    if not ordered:
        raise Refused("batch_empty", value=", ".join(sources))
    counts = Counter(_name(wish.source).casefold() for wish in ordered)
    taken = {known[str(wish.source)].casefold() for wish in ordered if str(wish.source) in known}
    tasks = []
    for wish in ordered:
        name = known.get(str(wish.source), "")
        if not name:
            name = _name(wish.source)
            if counts[name.casefold()] > 1 or name.casefold() in taken or Path(name).stem == "batch":
                name = (
                    f"{Path(name).stem}-{hashlib.sha256(str(wish.source).encode()).hexdigest()[:6]}{Path(name).suffix}"
                )
        tasks.append(Task(wish.source, name, wish.as_of, wish.rules, wish.recipient, report, wish.problem))
    return tasks


def _name(source: Path) -> str:
    """The output's name: a template becomes a workbook."""
    suffix = {".xltx": ".xlsx", ".xltm": ".xlsm"}.get(source.suffix.lower(), source.suffix)
    return source.stem + suffix


def _expand(source: str, out: Path) -> Iterator[_Wish]:
    path = Path(source)
    if path.is_file():
        yield from _listed(path) if path.suffix.lower() == ".csv" else (_Wish(path.resolve()),)
    else:
        yield from (_Wish(one) for one in _books(source) if not _inside(one, out))


def _lies_in(source: str, folder: Path) -> bool:
    """Whether a folder or a glob names workbooks in `folder` alone."""
    found = [] if Path(source).is_file() else _books(source)
    return bool(found) and all(_inside(one, folder) for one in found)


def _inside(path: Path, folder: Path) -> bool:
    return folder in path.parents


def _books(source: str) -> list[Path]:
    """The workbooks a folder or a glob names; not Excel's owner files. Refused when it leads nowhere."""
    path = Path(source)
    named = [*path.rglob("*")] if path.is_dir() else [Path(one) for one in glob.glob(source, recursive=True)]  # noqa: PTH207 - an absolute pattern too
    if not named and not path.is_dir():
        raise Refused("no_file", path=source)
    found = [one for one in sorted(named) if one.suffix.lower() in SUFFIXES | OLD and one.is_file()]
    return [one.resolve() for one in found if not one.name.startswith(("~$", "."))]


def _listed(path: Path) -> Iterator[_Wish]:
    """The lines of a list file; paths in it count from its own folder."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
    rows = list(csv.reader(text.splitlines()))
    names = {schema.fold(texts.say(f"batch.{key}", lang)): key for key in COLUMNS for lang in texts.LANGS}
    header = [names.get(schema.fold(cell), "") for cell in rows[0]] if rows else []
    if "file" not in header:
        raise Refused("batch_list", path=path, value=", ".join(rows[0]) if rows else "")
    for number, row in enumerate(rows[1:], 2):
        said = {key: cell.strip() for key, cell in zip(header, row, strict=False) if key and cell.strip()}
        if not said:
            continue
        source = (path.parent / said.get("file", "")).resolve()
        as_of, problem = None, None
        if not source.is_file():
            problem = Refused("batch_line_file", path=path.name, row=number, value=said.get("file", ""))
        try:
            as_of = day_of(said["as_of"]) if "as_of" in said else None
        except ValueError:
            problem = Refused("batch_line_day", path=path.name, row=number, value=said["as_of"])
        rules = (path.parent / said["rules"]).resolve() if "rules" in said else None
        yield _Wish(source, as_of, rules, said.get("recipient", ""), problem)
