"""The folder where letters wait for review: one .eml a recipient, a table of who gets what, and the hash of it all.

What is sent is what lies here, byte for byte: `load` refuses when anything changed since the hash was shown.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from segmenter import texts
from segmenter.atomic import refusal, replace_file
from segmenter.errors import Refused
from segmenter.mail.sending import Letter
from segmenter.manifest import Made
from segmenter.reports.changes import Figures
from segmenter.texts import Lang

REVIEW: Final = "review.json"
TABLE: Final = "review.csv"
HASH: Final = "review.sha256"
REVIEWS: Final = "reviews.txt"
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
class Review:
    """One set of letters: what they were made from, who sends them, and the figures that the next ones compare with."""

    made: Made
    sender: str
    figures: Figures
    before: Figures | None


def write(folder: Path, review: Review, letters: Sequence[tuple[Entry, bytes]], lang: Lang) -> str:
    """Letters, table and hash into `folder`, which only the user can read; gives the hash. What an earlier review
    left there goes away."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _clear(folder)
        for entry, content in letters:
            _private(folder / entry.file, content)
        told = {**asdict(review.made), "sender": review.sender, "figures": review.figures, "before": review.before}
        told["letters"] = [asdict(entry) for entry, _ in letters]
        raw = json.dumps(told, ensure_ascii=False, indent=1).encode()
        _private(folder / REVIEW, raw)
        _private(folder / TABLE, _table([entry for entry, _ in letters], lang))
        found = hashlib.sha256(raw).hexdigest()
        _private(folder / HASH, found.encode() + b"\n")
    except OSError as error:
        raise refusal(folder, error) from error
    return found


def _private(path: Path, content: bytes) -> None:
    replace_file(path, content, mode=0o600)


def _clear(folder: Path) -> int:
    """Take what a review left out of its folder, also what a crash left half; how many letters there were."""
    letters = [*folder.glob("*.eml")]
    for old in (*letters, *folder.glob(".*.tmp"), *(folder / name for name in (REVIEW, TABLE, HASH))):
        old.unlink(missing_ok=True)
    return len(letters)


def purge(below: Path, before: float) -> list[tuple[Path, int]]:
    """Delete the letters of every review below a folder that was written before then (seconds since 1970), and the
    folders when nothing else is in them; gives each with how many letters it had."""
    found = []
    try:
        for review in sorted(below.rglob(REVIEW)):
            if review.stat().st_mtime < before and _told(review.parent):
                folder = review.parent
                found.append((folder, _clear(folder)))
                if not any(folder.iterdir()):
                    folder.rmdir()
    except OSError as error:
        raise refusal(below, error) from error
    return found


def _told(folder: Path) -> dict[str, Any] | None:
    """What the review in a folder says; None where there is none of ours."""
    try:
        told = json.loads((folder / REVIEW).read_bytes())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and isinstance(told.get("letters"), list) else None


def earlier(folder: Path, made: Made) -> Figures | None:
    """The figures that letters about `made` compare themselves with: those of the review that lies in `folder`, when
    that was about an earlier day; those it compared itself with, when it was about the same. None where there are
    none, or where they were made by other rules, whose figures say nothing about these."""
    told = _told(folder)
    if not told or not made.as_of or told.get("rules_sha256") != made.rules_sha256:
        return None
    day = str(told.get("as_of", ""))
    raw = told.get("figures") if "" < day < made.as_of else told.get("before") if day == made.as_of else None
    return {key: (n, m, f) for key, (n, m, f) in raw.items()} if raw else None


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
    review = _told(folder)
    if review is None:
        raise Refused("no_review", path=folder)
    check((folder / REVIEW).read_bytes(), given, folder)
    if review.get("book_sha256") != book_sha256:
        raise Refused("review_book", path=review.get("book", ""))
    if review.get("sender") != sender:
        raise Refused("review_sender", value=sender, reviewed=review.get("sender", ""))
    found = []
    for entry in review["letters"]:
        path = folder / Path(entry["file"]).name
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise Refused("review_changed", path=path)
        found.append(Letter(entry["key"], entry["to"], entry["message_id"], content))
    return found


def write_reviews(folder: Path, digests: Mapping[str, str]) -> str:
    """The hashes of several reviews (folder name -> hash) as one list in the folder they stand in, and its hash."""
    content = "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()
    _private(folder / REVIEWS, content)
    found = hashlib.sha256(content).hexdigest()
    _private(folder / HASH, found.encode() + b"\n")
    return found


def reviews(folder: Path, given: str) -> dict[str, str]:
    """The hashes that `write_reviews` left, by folder name; Refused as `load` is."""
    try:
        content = (folder / REVIEWS).read_bytes()
    except OSError:
        raise Refused("no_review", path=folder) from None
    check(content, given, folder)
    pairs = (line.split("  ", 1) for line in content.decode().splitlines())
    return {name: digest for digest, name in pairs}


def check(content: bytes, given: str, folder: Path) -> None:
    """Refused("review_hash") unless `given` begins the content's hash as people copy it."""
    digest, wanted = hashlib.sha256(content).hexdigest(), given.strip().lower()
    if len(wanted) < SHORTEST or not hmac.compare_digest(digest[: len(wanted)], wanted):
        raise Refused("review_hash", value=given.strip()[:70], path=folder)


def file_name(number: int, address: str) -> str:
    """A name that is one on every system: 001-wang.example.com.eml"""
    return f"{number:03d}-{re.sub(r'[^A-Za-z0-9]+', '.', address).strip('.')[:80]}.eml"
