"""The folder of a batch's results: one run at a time, and what a killed one left in it goes away."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from segmenter.batch import tables
from segmenter.batch.worklist import JOURNAL
from segmenter.books import locking
from segmenter.errors import Refused

_LEFT: Final = re.compile(r"\.segmenter-(?P<book>.+)\.(?:tmp|lock(?:\.\d+)?)|\.(?P<file>.+)\.\d+\.tmp", re.DOTALL)
"""what `saving`, `locking` and `atomic` call a file they write beside another"""


@contextlib.contextmanager
def alone(folder: Path, outputs: Collection[str]) -> Iterator[None]:
    """Keep a second run out of `folder`, and clear away what an earlier one that was killed left of the files there.
    Refused when there is another: both would write the same journal and the same tables."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locking.lock(folder / JOURNAL))
        except Refused as error:
            if error.key != "locked":
                raise
            raise Refused("locked", **{**error.params, "path": folder}) from None
        locking.clean(folder / JOURNAL)
        _clear(folder, outputs)
        yield
        _clear(folder, outputs)  # of a process of this run that was killed


def _clear(folder: Path, outputs: Collection[str]) -> None:
    pages = {Path(name).stem + ".html" for name in outputs}.union(tables.FILES)
    for path in [*folder.iterdir()]:
        found = _LEFT.fullmatch(path.name)
        if found and found["file"] in pages:
            path.unlink(missing_ok=True)
        elif found and found["book"]:
            book = folder / found["book"]  # or the copy that its workbook leaves beside itself
            with contextlib.suppress(Refused), contextlib.ExitStack() as held:  # unless somebody is at work on it
                for one in {book, book.with_stem(book.stem.removesuffix(".previous"))}:
                    held.enter_context(locking.lock(one))
                    locking.clean(one)
