"""Replacing a file so that there is always the old one or the new one: beside, flushed, proven, then swapped."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import IO, Final

from segmenter.errors import Refused

_TEMP: Final = ".segmenter-{name}.tmp"
_GONE: Final = "gone"
_LOCK: Final = ".segmenter-{name}.lock"
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


def refuse_open(path: Path) -> None:
    """Refuse a file that a program has open, going by the owner file (`~$name`) it leaves beside it."""
    for name in (f"~${path.name}", f"~${path.name[2:]}", f".~lock.{path.name}#"):
        owner = path.with_name(name)
        if os.path.isfile(owner) and _held(path, owner):  # noqa: PTH113 - False for a name that is too long for one
            raise Refused("busy", path=path.name, owner=_owner(owner))


def _held(path: Path, owner: Path) -> bool:
    """Whether the owner file is more than a leftover: on Windows the workbook cannot be opened for writing then."""
    if os.name != "nt":
        return True
    try:
        with path.open("r+b"):
            pass
        with owner.open("r+b"):
            return False
    except OSError:
        return True


def _owner(file: Path) -> str:
    """The name in an owner file: Excel's (a length, then text in a code page, again in UTF-16) or LibreOffice's."""
    with contextlib.suppress(OSError):
        data = file.read_bytes()
        if file.name.startswith(".~lock."):
            return data.decode("utf-8", "replace").split(",")[1].strip() or "LibreOffice"
        wide = data[57 : 57 + 2 * data[0]] if data else b""
        name = wide.decode("utf-16-le", "replace").strip("\0 ") or data[1 : 1 + data[0]].decode("cp1252", "replace")
        return name.strip("\0 ") or "Excel"
    return "Excel"


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keep a second run away from `path`; a lock whose process is gone does not count."""
    file = _beside(path, _LOCK)
    host = _host()
    for attempt in (1, 2):
        try:
            _take(file, json.dumps({"pid": os.getpid(), "host": host, "born": _born(os.getpid())}).encode())
            break
        except FileExistsError:
            owner = _lock_owner(file)
            if attempt == 2 or _alive(file, owner, host) or not _take_away(file, owner):
                raise Refused("locked", path=path.name, owner="{host}:{pid}".format(**owner)) from None
        except OSError as error:
            raise _refusal(path, error) from error
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _host() -> str:
    """The name of this machine, as `socket.gethostname` says it, which is slow to import."""
    if os.name == "nt":
        import socket

        return socket.gethostname()
    return os.uname().nodename


def _take(file: Path, owner: bytes) -> None:
    """Create a lock that says whose it is from its first moment; FileExistsError when there is one."""
    own = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        handle = os.open(own, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as out:  # not flushed to the disk: no lock need outlive the machine
            out.write(owner)
        try:
            os.link(own, file)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(owner)
    finally:
        with contextlib.suppress(OSError):
            own.unlink()


def _lock_owner(file: Path) -> dict[str, object]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {"pid": int(found["pid"]), "host": str(found["host"]), "born": str(found.get("born", ""))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"pid": 0, "host": "?", "born": ""}


def _take_away(file: Path, owner: dict[str, object]) -> bool:
    """Remove a lock left behind, unless another run has just done so and holds its own now."""
    aside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.replace(aside)
    except FileNotFoundError:
        return True
    if _lock_owner(aside) != owner:
        aside.replace(file)
        return False
    aside.unlink()
    return True


def _alive(file: Path, owner: dict[str, object], host: object) -> bool:
    """Whether the process that holds a lock runs; one on another machine, or one that just took it, may."""
    if owner["host"] == "?":
        with contextlib.suppress(OSError):
            return time.time() - file.stat().st_mtime < 10
        return False
    if owner["host"] != host:
        return True
    pid = int(str(owner["pid"]))
    if pid == os.getpid():
        return True
    if os.name == "nt":
        return _alive_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    born = _born(pid)
    return born != _GONE and (not born or owner["born"] in ("", born))


def _born(pid: int) -> str:
    """When a process began, as the kernel counts; `_GONE` for one that has ended and only waits to be noticed. The
    same number is given to another process one day: then it was born at another time. "" where nobody can say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return _GONE if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""


def _alive_windows(pid: int) -> bool:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)
    if handle:
        kernel.CloseHandle(handle)
    return bool(handle)


def _beside(path: Path, kind: str) -> Path:
    """A file of ours beside `path`: called after it, or after the hash of a name that leaves no room for more."""
    name = path.name
    if len(os.fsencode(name)) > _LONG:
        import hashlib  # with all of OpenSSL

        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return path.with_name(kind.format(name=name))


def clean(path: Path) -> None:
    """Remove what a run that was killed left beside `path`. Only under the lock: then nobody is writing it."""
    for one in (path, previous_of(path)):
        _beside(one, _TEMP).unlink(missing_ok=True)
    start = _beside(path, _LOCK).name + "."
    with os.scandir(path.parent) as found:
        names = [one.name for one in found if one.name.startswith(start)]
    for name in names:
        own, pid = path.with_name(name), name.rpartition(".")[2]
        if pid.isdigit() and not _alive(own, {"pid": int(pid), "host": "", "born": ""}, ""):
            own.unlink(missing_ok=True)


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
    temp = _beside(target, _TEMP)
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
        raise _refusal(target, error) from error
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
    temp = _beside(previous, _TEMP)
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


def _refusal(target: Path, error: OSError) -> Refused:
    if error.errno in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC, errno.EFBIG):
        size = target.stat().st_size if target.exists() else 0
        return Refused("disk_full", path=str(target), bytes=f"{size:,}")
    if error.errno == errno.ENAMETOOLONG:
        return Refused("name_long", path=str(target))
    if error.errno == errno.ENOENT:
        return Refused("no_place", path=str(target))
    return Refused("no_access", path=str(target), reason=error.strerror or str(error))
