"""Replacing a file so that there is always the old one or the new one: beside, flushed, proven, then swapped."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import IO, Final

from segmenter.errors import Refused

TEMP: Final = ".segmenter-{name}.tmp"
"""what is written before it takes the place of the file"""
_LONG: Final = 200
"""bytes a name may have for ours, made of it, to be one too: file systems take 255"""
_PIECE: Final = 1 << 22
_RETRIES: Final = 10
_SHARING: Final = (5, 32, 33)
"""Windows errors for a file that somebody holds for a moment: access denied, sharing and lock violation"""


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    import hashlib  # with all of OpenSSL, which most runs do without

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(path: Path) -> bytes:
    """The bytes of a file; Refused when it cannot be read."""
    try:
        if path.is_dir():
            raise Refused("file_unknown", path=str(path), kind="", reason="")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Refused("file_missing", path=str(path)) from error
    except OSError as error:
        raise Refused("no_access", path=str(path), reason=error.strerror or str(error)) from error


def holds(path: Path, data: bytes) -> bool:
    """Whether a file still has these bytes; read piece by piece."""
    where = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                if not data.startswith(piece, where):
                    return False
                where += len(piece)
    except OSError as error:
        raise Refused("no_access", path=str(path), reason=error.strerror or str(error)) from error
    return where == len(data)


def beside(path: Path, kind: str) -> Path:
    """A file of ours beside `path`: called after it, or after the hash of a name that leaves no room for more."""
    name = path.name
    if len(os.fsencode(name)) > _LONG:
        import hashlib  # with all of OpenSSL

        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return path.with_name(kind.format(name=name))


def replace(
    target: Path,
    write: Callable[[IO[bytes]], object],
    verify: Callable[[Path], None],
    *,
    keep_previous: bool = False,
    ours: str | None = None,
) -> Path | None:
    """Make `target` what `write` writes, if `verify` does not raise on it; otherwise it stays what it was.

    The new file keeps the mode and the owner of the old one. With `keep_previous` the old one stays beside as
    "name.previous.xlsx". With `ours`, the SHA-256 of what may be lost ("" for nothing), so does one that is neither
    that nor the new file, as people may have worked in it; what they worked in earlier is then numbered. Gives its path
    when it stayed.
    """
    kept = None
    temp = beside(target, TEMP)
    try:
        _write(temp, write)
        verify(temp)
        if target.exists():
            _copy_mode(target, temp)
            foreign = ours is not None and not _alike(target, temp) and digest(target) != ours
            if keep_previous or foreign:
                kept = _keep(target, numbered=foreign)
        else:
            temp.chmod(0o666 & ~_umask())
        _swap(temp, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise refusal(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            temp.unlink(missing_ok=True)
    return kept


def _alike(one: Path, other: Path) -> bool:
    """Whether two files hold the same bytes; read piece by piece."""
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        while piece := first.read(_PIECE):
            if piece != second.read(_PIECE):
                return False
    return True


def _write(temp: Path, write: Callable[[IO[bytes]], object]) -> None:
    handle = os.open(temp, os.O_CREAT | os.O_TRUNC | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "w+b") as out:
        write(out)
        out.flush()
        os.fsync(out.fileno())


def _copy_mode(source: Path, target: Path) -> None:
    """Who may do what with `source` goes for `target` too: mode, and where the system and our rights know them owner,
    group and attributes, among which are access lists. Filled by another user it would be closed to its owner."""
    was, new = source.stat(), target.stat()
    if hasattr(os, "chown") and (was.st_uid, was.st_gid) != (new.st_uid, new.st_gid):
        for owner in (was.st_uid, -1):  # giving a file away takes more than giving it to a group of one's own
            with contextlib.suppress(OSError):
                os.chown(target, owner, was.st_gid)
                break
    target.chmod(stat.S_IMODE(was.st_mode))
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            for name in os.listxattr(source):
                with contextlib.suppress(OSError):
                    os.setxattr(target, name, os.getxattr(source, name))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def previous_of(path: Path) -> Path:
    """Where `keep_previous` leaves the earlier file: book.previous.xlsx"""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def _keep(target: Path, *, numbered: bool) -> Path:
    """A copy of `target` as it is, whole or not there at all. An earlier copy makes way for it, or is lost."""
    from shutil import copyfileobj  # few runs keep a copy

    previous = previous_of(target)
    if numbered and previous.exists() and digest(previous) != digest(target):
        names = (previous.with_stem(f"{previous.stem}.{number}") for number in count(2))
        _swap(previous, next(name for name in names if not name.exists()))
    temp = beside(previous, TEMP)
    try:
        with target.open("rb") as source:
            _write(temp, lambda out: copyfileobj(source, out))
        _copy_mode(target, temp)
        _swap(temp, previous)
    finally:
        temp.unlink(missing_ok=True)
    return previous


def _swap(temp: Path, target: Path) -> None:
    """`os.replace`, again a few times when a virus scanner or a sync client holds the file for a moment."""
    for attempt in range(_RETRIES):
        try:
            temp.replace(target)
            return
        except OSError as error:
            if getattr(error, "winerror", None) not in _SHARING or attempt == _RETRIES - 1:
                raise
            time.sleep(min(0.02 * 2**attempt, 0.4))


def _sync_folder(folder: Path) -> None:
    """Let the new name reach the disk; not every file system can, and Windows has no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def refusal(target: Path, error: OSError) -> Refused:
    """What to say where a file cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC, errno.EFBIG):
        size = target.stat().st_size if target.exists() else 0
        return Refused("disk_full", path=str(target), bytes=f"{size:,}")
    if error.errno == errno.ENAMETOOLONG:
        return Refused("name_long", path=str(target))
    if error.errno == errno.ENOENT:
        return Refused("no_place", path=str(target))
    return Refused("no_access", path=str(target), reason=error.strerror or str(error))
