"""The folder where letters wait for review: one .eml a recipient, a table of who gets what, and the hash of it all.

What is sent is what lies here, byte for byte: `load` refuses when anything changed since the hash was shown.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from segmenter import texts
from segmenter.documents import replace_file
from segmenter.errors import Refused
from segmenter.sending import Letter
from segmenter.texts import Lang

REVIEW: Final = "review.json"
TABLE: Final = "review.csv"
HASH: Final = "review.sha256"
SHORTEST: Final = 12
"""so many digits of the hash must be given back"""
COLUMNS: Final = ("to", "owner", "subject", "size", "attached", "personal", "file")


@dataclass(frozen=True)
class Entry:
    """One letter as the review lists it."""

    file: str
    to: str
    owner: str
    subject: str
    size: int
    """bytes of the whole message"""
    attached: tuple[str, ...]
    """names and sizes of what is attached"""
    personal: tuple[str, ...]
    """headers of the personal columns inside"""
    sha256: str
    message_id: str
    key: str


@dataclass(frozen=True)
class Made:
    """How the letters were made: enough to make them again and to see what changed."""

    book: str
    book_sha256: str
    as_of: str
    rules: str
    rows_in: int
    rows_used: int
    rows_excluded: int
    template_sha256: str
    sender: str
    version: str


def write(folder: Path, made: Made, letters: Sequence[tuple[Entry, bytes]], lang: Lang) -> str:
    """Letters, table and hash into `folder`, which only the user can read; gives the hash. What an earlier review
    left there goes away."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in (*folder.glob("*.eml"), *(folder / name for name in (REVIEW, TABLE, HASH))):
            old.unlink(missing_ok=True)
        for entry, content in letters:
            _private(folder / entry.file, content)
        review = json.dumps(
            {**asdict(made), "letters": [asdict(entry) for entry, _ in letters]}, ensure_ascii=False, indent=1
        ).encode()
        _private(folder / REVIEW, review)
        _private(folder / TABLE, _table([entry for entry, _ in letters], lang))
        found = hashlib.sha256(review).hexdigest()
        _private(folder / HASH, found.encode() + b"\n")
    except OSError as error:
        raise Refused("os", reason=error.strerror) from error
    return found


def _private(path: Path, content: bytes) -> None:
    replace_file(path, content)
    if os.name == "posix":
        path.chmod(0o600)


def _table(entries: Sequence[Entry], lang: Lang) -> bytes:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(texts.say(f"mail.review_{key}", lang) for key in COLUMNS)
    for one in entries:
        table.writerow(_inert(cell) for cell in row_of(one))
    return out.getvalue().encode("utf-8-sig")


def row_of(one: Entry) -> list[str]:
    """The cells of a letter in the table."""
    joint = "; "
    return [one.to, one.owner, one.subject, str(one.size), joint.join(one.attached), joint.join(one.personal), one.file]


def _inert(cell: str) -> str:
    """A cell no spreadsheet takes for a formula."""
    return "'" + cell if re.match(r"[=+\-@\t\r＝＋－＠]", cell) else cell


def load(folder: Path, given: str, book_sha256: str, sender: str) -> list[Letter]:
    """The letters of a review, ready to go. Refused when there is none, when the hash is not that of the review, or
    when a letter, the workbook or the sender is no longer what was reviewed."""
    try:
        raw = (folder / REVIEW).read_bytes()
        review: dict[str, Any] = json.loads(raw)
        entries = review["letters"]
    except (OSError, ValueError, KeyError):
        raise Refused("no_review", path=folder) from None
    digest = hashlib.sha256(raw).hexdigest()
    wanted = given.strip().lower()
    if len(wanted) < SHORTEST or not hmac.compare_digest(digest[: len(wanted)], wanted):
        raise Refused("review_hash", value=given.strip()[:70], path=folder)
    if review.get("book_sha256") != book_sha256:
        raise Refused("review_book", path=review.get("book", ""))
    if review.get("sender") != sender:
        raise Refused("review_sender", value=sender, reviewed=review.get("sender", ""))
    found = []
    for entry in entries:
        path = folder / Path(entry["file"]).name
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise Refused("review_changed", path=path)
        found.append(Letter(entry["key"], entry["to"], entry["message_id"], content))
    return found


def file_name(number: int, address: str) -> str:
    """A name that is one on every system: 001-wang.example.com.eml"""
    return f"{number:03d}-{re.sub(r'[^A-Za-z0-9]+', '.', address).strip('.')[:80]}.eml"
