"""The sheets a fill writes as they were before it: taken, kept in a file of the user, and put back.

One copy a workbook. Putting it back keeps what stood there instead, so that doing it twice undoes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from time import time
from typing import Any, Final

from segmenter.books import Grid, livebelow, livelist, liveplan, livesheet
from segmenter.books.live import LiveBook, grid
from segmenter.books.liveplan import Plan
from segmenter.errors import Refused
from segmenter.schema import Table, table

KEPT_DAYS: Final = 30


@dataclass(frozen=True)
class Region:
    """The rows of one table: the corner below its header, and each cell's formula or value."""

    first: int
    left: int
    rows: Sequence[Sequence[Any]]


Snapshot = Mapping[str, Region | None]
"""by table key; None for a table whose sheet the workbook does not have"""


def take(book: LiveBook, keys: Iterable[str]) -> Snapshot:
    """Tables as they stand in the open workbook."""
    return {key: _region(book, table(key)) for key in keys}


def _region(book: LiveBook, one: Table) -> Region | None:
    sheet = book.sheet(one)
    if sheet is None:
        return None
    here: Grid = grid(sheet)
    found: Plan = liveplan.standing(sheet, here, one)
    left, right = found.span
    height = len(found.old)
    if not height:
        return Region(found.first, left, [])
    area = sheet.range((found.first + 1, left + 1), (found.first + height, right + 1))
    rows = [
        [{"f": text} if livesheet.is_formula(text, value) else value for text, value in zip(texts, row, strict=True)]
        for texts, row in zip(livesheet.cell_formulas(area), (row[left:] for row in found.old), strict=True)
    ]
    return Region(found.first, left, rows)


def put_back(book: LiveBook, snapshot: Snapshot) -> None:
    """Make tables what they were; a sheet that was not there goes."""
    for key, region in snapshot.items():
        if region is not None and (sheet := book.sheet(table(key))) is not None:
            found: Plan = liveplan.standing(sheet, grid(sheet), table(key))
            height = max(len(region.rows), 1)
            livebelow.refuse(found, height, max(len(found.old) - height, 0))
    for key, region in snapshot.items():
        one = table(key)
        sheet = book.sheet(one)
        if region is None:
            if sheet is not None:
                _remove(book, sheet)
            continue
        if sheet is None:
            book.add([one])
            sheet = book.sheet(one)
        if sheet is None:
            raise AssertionError(f"no sheet for {key}")
        livelist.rewrite(liveplan.standing(sheet, grid(sheet), one), region.left, region.rows)


def _remove(book: LiveBook, sheet: Any) -> None:
    """Delete a sheet without Excel asking whether it is meant."""
    app = book.book.app
    before = app.display_alerts
    app.display_alerts = False
    try:
        sheet.delete()
    finally:
        app.display_alerts = before


def keep(folder: Path, name: str, snapshot: Snapshot) -> None:
    """Keep a snapshot as the one of workbook `name`; those of all workbooks go after some weeks."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.glob("*.json"):
        with suppress(OSError):
            if time() - old.stat().st_mtime > KEPT_DAYS * 86_400:
                old.unlink()
    content = {key: region and vars(region) for key, region in snapshot.items()}
    file = _file(folder, name)
    temp = file.with_suffix(".new")
    temp.unlink(missing_ok=True)
    handle = os.open(temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(content, out, default=_encoded)
    temp.replace(file)


def kept(folder: Path, name: str) -> Snapshot:
    """The snapshot of workbook `name`; Refused when there is none."""
    try:
        content = json.loads(_file(folder, name).read_text(encoding="utf-8"), object_hook=_decoded)
    except FileNotFoundError:
        raise Refused("no_previous", path=name) from None
    return {key: Region(**region) if region else None for key, region in content.items()}


def _file(folder: Path, name: str) -> Path:
    return folder / (hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32] + ".json")


def _encoded(value: Any) -> Any:
    if isinstance(value, date):
        return {"d": value.isoformat()}
    raise TypeError(type(value).__name__)


def _decoded(value: dict[str, Any]) -> Any:
    if set(value) == {"d"}:
        moment = datetime.fromisoformat(value["d"])
        return moment if "T" in value["d"] else moment.date()
    return value
