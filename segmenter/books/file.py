"""A workbook on disk as a `Book`: opened, edited, proven, and only then put in its place."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

from segmenter.books import Grid, locking, proof, saving
from segmenter.books.edited import Edited
from segmenter.books.guard import Guard
from segmenter.books.ondisk import OnDisk
from segmenter.books.opened import Opened
from segmenter.books.package import Package, write
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.schema import Table
from segmenter.texts import Lang


class FileBook:
    """A workbook file. Entering it takes a lock, leaving it without an error writes `out` (default: the file itself).

    `keep_previous` leaves the file as it was beside the new one; `drop_stale` takes out the results of formulas
    that read what was written and cannot be told, so that no program shows old ones; `break_signature` gives up a
    digital signature; `override_protection` writes locked cells, adds sheets to a locked structure, and changes a file
    that is reserved for others (the protection stays). Another file at `out` stays beside the new one too, unless it is
    the same or has the SHA-256 `written`: somebody may have typed in it.
    """

    def __init__(
        self,
        path: Path,
        out: Path | None = None,
        *,
        keep_previous: bool = False,
        drop_stale: bool = False,
        break_signature: bool = False,
        override_protection: bool = False,
        written: str = "",
    ) -> None:
        self.path = path.resolve()
        self.out = (out or path).resolve()
        self.name = self.path.name
        self.kept: Path | None = None
        """where the earlier file stayed; known after the book was left"""
        self._keep_previous = keep_previous
        self._ours = None if self.out == self.path else written
        self._asked = proof.Asked(drop_stale, break_signature)
        self._opened = Opened(self.path)
        allowed = Guard(break_signature, override_protection)
        self._edited = Edited(self._opened, allowed, in_place=self.out == self.path, drop_stale=drop_stale)
        self._exit = ExitStack()

    @property
    def lang(self) -> Lang:
        """The language most of its sheets of ours are named in; Chinese when it is a tie."""
        return self._opened.lang

    @property
    def findings(self) -> list[Finding]:
        """What of the sheets around the user has to know; known after the book was left."""
        return self._edited.findings

    def __enter__(self) -> FileBook:
        self._edited.fit(self.out.name)
        locking.refuse_open(self.out)
        self._exit.enter_context(locking.lock(self.out))
        locking.clean(self.out)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._exit:
            if kind is None:
                self._commit()

    def read(self, table: Table) -> Grid | None:
        """What stood on the table's sheet when the file was opened: see `Opened.read`."""
        return self._opened.read(table)

    def write(self, table: Table, frame: Frame) -> None:
        """See `books.Book.write`. Nothing reaches the disk before the book is left."""
        self._edited.write(table, frame)

    def _commit(self) -> None:
        self._edited.finish()
        package, changes = self._opened.package, self._edited.draft.changes
        if not changes and self.out == self.path:
            return

        def put(file: IO[bytes]) -> None:
            write(package, changes, file)

        def verify(temp: Path) -> None:
            self._prove(temp)
            if not saving.holds(self.path, self._opened.data):
                raise Refused("changed", path=self.name)

        package.check()
        self.kept = saving.replace(self.out, put, verify, keep_previous=self._keep_previous, ours=self._ours)

    def _prove(self, temp: Path) -> None:
        """Refuse to replace anything unless the new file holds what was meant and lost nothing."""
        opened, edited = self._opened, self._edited
        with OnDisk(temp) as data:
            after = Package(data, self.out, trust_size=True)
            made, asked = edited.made, self._asked
            found = proof.verify(
                opened.package, after, meant=edited.meant, asked=asked, made=made, strings=opened.strings
            )
        for part in found.violations:
            raise Refused("proof", path=self.name, part=f"{part.name} {part.detail}".strip())
