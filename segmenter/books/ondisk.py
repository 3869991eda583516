"""The bytes of a file that is not to stand in memory: read where they are asked for."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

_TAIL = 1 << 17
"""how far from the end `rfind` looks: the end record of a zip file with the longest comment"""


_SMALL = 1 << 22
"""bytes a file may have that is read at once"""


class OnDisk:
    """As much of `bytes` as reading a zip file takes. The file stays open until it is left as a context manager; a
    small one is read when it is opened."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("rb")
        self._size = os.fstat(self.file.fileno()).st_size
        self._whole = self.file.read() if self._size <= _SMALL else None

    def __enter__(self) -> OnDisk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: slice) -> bytes:
        if self._whole is not None:
            return self._whole[place]
        start, stop, _ = place.indices(self._size)
        self.file.seek(start)
        return self.file.read(max(stop - start, 0))

    def startswith(self, start: bytes | tuple[bytes, ...]) -> bool:
        """See `bytes`."""
        return self[: 1 << 6].startswith(start)

    def rfind(self, part: bytes) -> int:
        """See `bytes`; only near the end."""
        if self._whole is not None:
            return self._whole.rfind(part)
        low = max(0, self._size - _TAIL)
        found = self[low:].rfind(part)
        return found if found < 0 else low + found
