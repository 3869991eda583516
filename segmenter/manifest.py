"""What was made from what (threat T16): enough to make a report or a mail again, and to see whether it changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from segmenter.atomic import replace_file
from segmenter.errors import Refused
from segmenter.result import Result


@dataclass(frozen=True)
class Made:
    """The origin of what was made; sums are SHA-256, hexadecimal, "" where there is no such file."""

    version: str
    book: str
    book_sha256: str
    rules: str
    rules_sha256: str
    """over every setting, whether it comes from the workbook or a file"""
    template_sha256: str
    as_of: str
    rows_in: int
    rows_used: int
    rows_excluded: int


def sha256(path: Path) -> str:
    """Refused("no_file") when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise Refused("no_file", path=path) from None


def of(result: Result, book: Path, template: Path | None = None) -> Made:
    """The origin of something made of `result`, which came from `book`."""
    return Made(
        version=version("segmenter"),
        book=str(book),
        book_sha256=sha256(book),
        rules=result.rules.version,
        rules_sha256=hashlib.sha256(repr(result.rules).encode()).hexdigest(),
        template_sha256=sha256(template) if template else "",
        as_of=result.as_of.isoformat() if result.as_of else "",
        rows_in=result.rows_in,
        rows_used=result.rows_used,
        rows_excluded=result.rows_excluded,
    )


def path_of(out: Path) -> Path:
    """The manifest beside what was made: report.html.json"""
    return out.with_name(out.name + ".json")


def write(made: Made, out: Path) -> Path:
    """The manifest of `out`, beside it."""
    content = {**asdict(made), "output": out.name, "output_sha256": sha256(out)}
    replace_file(path_of(out), json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")
    return path_of(out)


def verify(book: Path, out: Path) -> list[tuple[str, bool]]:
    """(file, whether it is still the one of the manifest) for the workbook and what was made from it.
    Refused("no_manifest") where there is none."""
    try:
        told = json.loads(path_of(out).read_bytes())
        sums = told["book_sha256"], told["output_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused("no_manifest", path=path_of(out)) from None
    return [(str(path), sha256(path) == sum_) for path, sum_ in zip((book, out), sums, strict=True)]
