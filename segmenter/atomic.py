"""Writing a file in one step, and what is said of a place that cannot be written."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
from collections.abc import Iterator
from pathlib import Path

from segmenter.errors import Refused


@contextlib.contextmanager
def placing(path: Path, content: bytes, mode: int = 0o666) -> Iterator[None]:
    """Write a file beside its place, and put it there in one step when what is done meanwhile has succeeded: a place
    that cannot be written is found before anything else is. `mode` as far as the user's umask allows. What a crash an
    hour ago or longer left of the same file goes away."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with _naming(path, len(content)):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            now = beside.stat().st_mtime
            for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
                if now - left.stat().st_mtime > 3600:
                    left.unlink()
        yield
        with _naming(path, len(content)):
            beside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file in one step: the old one or the whole new one; see `placing`."""
    with placing(path, content, mode):
        pass


def make_folder(path: Path, mode: int = 0o777) -> None:
    """A folder to write in, unless it is there."""
    with _naming(path):
        path.mkdir(mode, parents=True, exist_ok=True)


@contextlib.contextmanager
def _naming(path: Path, size: int = 0) -> Iterator[None]:
    """An error of the system in here is told as one of `path`."""
    try:
        yield
    except OSError as error:
        raise refusal(path, error, size) from error


def refusal(path: Path, error: OSError, size: int = 0) -> Refused:
    """What an error of the system says of `path`; `size`: the bytes that were to be written."""
    if isinstance(error, IsADirectoryError):
        return Refused("is_folder", path=path)
    if isinstance(error, FileExistsError | NotADirectoryError):
        return Refused("not_folder", path=path)
    if isinstance(error, FileNotFoundError):
        return Refused("file_missing", path=path)
    if error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return Refused("disk_full", path=path, bytes=f"{size:,}")
    if error.errno == errno.ENAMETOOLONG:
        return Refused("name_long", path=path)
    return Refused("no_access", path=path, reason=error.strerror or str(error))
