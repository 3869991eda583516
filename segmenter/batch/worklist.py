"""What a batch works on: files, folders, globs and lists become tasks with output names that never collide."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from segmenter import schema, texts
from segmenter.atomic import refusal
from segmenter.errors import Refused
from segmenter.reading import delimited
from segmenter.reading.dates import day_of

SUFFIXES: Final = {".xlsx", ".xlsm", ".xltx", ".xltm"}
OLD: Final = {".xls", ".xlsb", ".et"}
"""workbooks that are refused with what to do, rather than not seen"""
JOURNAL: Final = ".batch.jsonl"
"""one line a finished workbook, written as it finishes: what `--resume` starts from after any kind of end"""
COLUMNS: Final = ("file", "as_of", "rules", "recipient")
"""columns of a list file; only the first must be there"""
_OWNER: Final = "~$"
"""what the name of the file begins with that Excel keeps beside a workbook it has open"""
_TAKEN: Final = re.compile(r"batch|index|.*\.previous(\.\d+)?", re.IGNORECASE | re.DOTALL)
"""names, without their ending, of what is written beside the outputs: the tables, and outputs somebody typed in"""


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
        rules = ""
        if self.rules:
            with contextlib.suppress(OSError):
                rules = hashlib.sha256(self.rules.read_bytes()).hexdigest()
        return "|".join((self.as_of.isoformat() if self.as_of else "", rules, str(self.report), self.output))


@dataclass(frozen=True)
class _Wish:
    source: Path
    as_of: date | None = None
    rules: Path | None = None
    recipient: str = ""
    problem: Refused | None = None


_Lines = dict[Path, tuple[str, int, _Wish]]
"""the list and the line in which each workbook came first, and what the last one asked for"""


def collect(sources: Sequence[str], out: Path, *, report: bool, known: Mapping[str, str]) -> list[Task]:
    """The tasks `sources` name, each file once, in the order of their paths, as the list that names it asks for.

    `known`: source path -> output name of an earlier run, which stays. Names are the workbook's own; where two would
    be the same, or have the same report, each gets six characters of its path's hash. A source that leads nowhere is a
    task with a problem. Refused when all do, and when a source is the output folder, unless that holds what an earlier
    batch made: `*` names it too.
    """
    wishes: dict[Path, _Wish] = {}
    lines: _Lines = {}
    for wish in (wish for source in sources for wish in _expand(source, out.resolve(), lines)):
        if wish.source not in wishes or wish != _Wish(wish.source):
            wishes[wish.source] = wish
    ordered = [wishes[path] for path in sorted(wishes)]
    nowhere = [wish.problem for wish in ordered if wish.problem and wish.problem.key == "no_file"]
    if nowhere and len(nowhere) == len(ordered):
        raise nowhere[0]
    folder = out.resolve()
    if not (ordered and (folder / JOURNAL).is_file()) and any(_lies_in(source, folder) for source in sources):
        raise Refused("batch_out", path=out)
    if any(wish.source.parent == folder and not wish.problem for wish in ordered):  # it would be its own result
        raise Refused("batch_out", path=out)
    if not ordered:
        raise Refused("batch_empty", value=", ".join(sources))
    names = _names([wish.source for wish in ordered], known)
    return [
        Task(wish.source, names[wish.source], wish.as_of, wish.rules, wish.recipient, report, wish.problem)
        for wish in ordered
    ]


def _names(sources: Sequence[Path], known: Mapping[str, str]) -> dict[Path, str]:
    """A name for each; one that a workbook not among them has from an earlier run is taken, while that is there."""
    here = {str(source) for source in sources}
    kept = Counter(place(known[str(source)]) for source in sources if str(source) in known)
    fresh = Counter(place(_name(source)) for source in sources)  # of all: a run that is resumed names them alike
    taken = {place(name) for source, name in known.items() if source not in here and os.path.isfile(source)}  # noqa: PTH113 - False for a path that none can have
    names: dict[Path, str] = {}
    for source in sorted(sources, key=lambda source: str(source) not in known):
        own = Path(known.get(str(source)) or _name(source))
        shared = (kept if str(source) in known else fresh)[place(own.name)] > 1
        whole = hashlib.sha256(os.fsencode(source)).hexdigest()
        marked = (f"{Path(_name(source)).stem}-{whole[:length]}{own.suffix}" for length in (6, len(whole)))
        if not (shared or place(own.name) in taken or _TAKEN.fullmatch(own.stem)):
            names[source] = own.name
        else:
            names[source] = next(name for name in marked if place(name) not in taken)
        taken.add(place(names[source]))
    return names


def place(output: str) -> str:
    """What no two outputs may share: the name without its ending, as the report has it too, however it is written: for
    some file systems neither case nor the form of an accent makes another name. What can be no output needs no report,
    and takes no name from a workbook: a folder that is not there, beside one that is called like it.
    """
    path = Path(output)
    own = path.stem if path.suffix.lower() in SUFFIXES else f"{output}/"
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", own).casefold())


def _name(source: Path) -> str:
    """The output's name: a template becomes a workbook, and bytes that are no text an underscore each."""
    suffix = {".xltx": ".xlsx", ".xltm": ".xlsm"}.get(source.suffix.lower(), source.suffix)
    return re.sub("[\ud800-\udfff]", "_", source.stem + suffix)


def _expand(source: str, out: Path, lines: _Lines) -> Iterator[_Wish]:
    path, there = Path(source), _placed(Path(), source)[1]
    if there:
        if not path.name.startswith(_OWNER):  # which a shell's * names too
            yield from _listed(path, lines) if path.suffix.lower() == ".csv" else (_Wish(path.resolve()),)
    else:
        closed: list[OSError] = []
        try:
            yield from (_Wish(one) for one in _books(source, closed.append) if not _inside(one, out))
        except Refused as missing:  # one name that is mistyped, or a shop that sent nothing
            yield _Wish(_placed(Path(), source)[0], problem=missing)
        for error in closed:
            folder = Path(error.filename or source).resolve()
            yield _Wish(folder, problem=refusal(folder, error))


def _lies_in(source: str, folder: Path) -> bool:
    """Whether a folder or a glob names workbooks in `folder` alone."""
    found: list[Path] = []
    with contextlib.suppress(Refused):
        found = [] if _placed(Path(), source)[1] else _books(source)
    return bool(found) and all(_inside(one, folder) for one in found)


def _inside(path: Path, folder: Path) -> bool:
    return folder in path.parents


def _books(source: str, closed: Callable[[OSError], object] = lambda _: None) -> list[Path]:
    """The workbooks a folder or a glob names; not Excel's owner files. Refused when it leads nowhere. `closed` hears of
    each folder in a folder that cannot be read."""
    path = Path(source)
    is_folder = os.path.isdir(path)  # noqa: PTH112 - False for a path that none can have
    if is_folder:
        named = [Path(folder, name) for folder, _, names in os.walk(path, onerror=closed) for name in names]
    else:
        named = [Path(one) for one in glob.glob(source, recursive=True)]  # noqa: PTH207 - an absolute pattern too
    if not named and not is_folder:
        raise Refused("no_file", path=source)
    found = [
        one for one in sorted(named) if one.suffix.lower() in SUFFIXES | OLD and (one.is_file() or one.is_symlink())
    ]
    return [_placed(one.parent, one.name)[0] for one in found if not one.name.startswith((_OWNER, "."))]


def _listed(path: Path, lines: _Lines) -> Iterator[_Wish]:
    """The lines of a list file; paths in it count from its own folder. A second line for a workbook, here or in another
    list, that asks for something else is a problem: neither can be done without losing the other."""
    rows = _rows(path)
    header = [_column(cell) for cell in rows[0]] if rows else []
    if "file" not in header:
        raise Refused("batch_list", path=path, value=", ".join(rows[0]) if rows else "")
    for number, row in enumerate(rows[1:], 2):
        said = {key: cell.strip() for key, cell in zip(header, row, strict=False) if key and cell.strip()}
        if not said:
            continue
        as_of, rules, problem = None, None, None
        source, there = _placed(path.parent, said.get("file", ""))
        if not there:
            problem = Refused("batch_line_file", path=path.name, row=number, value=said.get("file", ""))
        if "rules" in said:
            rules, there = _placed(path.parent, said["rules"])
            if not there:
                rules = None
                problem = Refused("batch_line_file", path=path.name, row=number, value=said["rules"])
        try:
            as_of = day_of(said["as_of"]) if "as_of" in said else None
        except ValueError:
            problem = Refused("batch_line_day", path=path.name, row=number, value=said["as_of"])
        wish = _Wish(source, as_of, rules, said.get("recipient", ""), problem)
        other, first, before = lines.setdefault(source, (path.name, number, wish))
        if wish != before and not problem:
            twice = Refused(
                "batch_line_twice", path=path.name, row=number, other=other, first=first, value=said["file"]
            )
            wish = replace(wish, problem=twice)
        lines[source] = other, first, wish
        yield wish


def unread(sources: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The columns of lists that nobody reads, by list: in one whose name is mistyped every option would be lost."""
    for source in sources:
        path = Path(source)
        if path.suffix.lower() == ".csv" and _placed(Path(), source)[1]:
            others = [cell.strip() for cell in (_rows(path) or [[]])[0] if cell.strip() and not _column(cell)]
            if others:
                yield path.name, ", ".join(others)


def _rows(path: Path) -> list[list[str]]:
    try:
        return delimited.rows(path.read_bytes())
    except OSError as error:
        raise refusal(path, error) from error
    except ValueError:
        return []


def _column(cell: str) -> str:
    """Which of `COLUMNS` a header names, "as-of" too, as the option is called; "" for none."""
    names = {_plain(texts.say(f"batch.{key}", lang)): key for key in COLUMNS for lang in texts.LANGS}
    return names.get(_plain(cell), "")


def _plain(header: str) -> str:
    return schema.fold(header).replace("-", "").replace("_", "")


def _placed(folder: Path, name: str) -> tuple[Path, bool]:
    """The path a list or a command line names, and whether there is a file; also of names that no file can have."""
    try:
        path = (folder / name).resolve()
        return path, path.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, a link to itself, a zero byte
        return folder.resolve() / name, False
