"""One at a time: a lock against a second run, the owner files of programs that have a workbook open, and what a run
that was killed left beside it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from segmenter.books.saving import TEMP, beside, previous_of, refusal
from segmenter.errors import Refused

_LOCK: Final = ".segmenter-{name}.lock"
_GONE: Final = "gone"


def refuse_open(path: Path) -> None:
    """Refuse a file that a program has open, going by the owner file (`~$name`) it leaves beside it."""
    for name in (f"~${path.name}", f"~${path.name[2:]}", f".~lock.{path.name}#"):
        owner = path.with_name(name)
        if os.path.isfile(owner) and _held(path, owner):  # noqa: PTH113 - False for a name that is too long for one
            raise Refused("busy", path=path.name, owner=_owner(owner), file=name)


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
            return data.decode("utf-8", "replace").partition(",")[2].partition(",")[0].strip() or "LibreOffice"
        data = data or b"\0"  # as a crash leaves it
        wide = data[57 : 57 + 2 * data[0]]
        name = wide.decode("utf-16-le", "replace").strip("\0 ") or data[1 : 1 + data[0]].decode("cp1252", "replace")
        return name.strip("\0 ") or "Excel"
    return "Excel"


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keep a second run away from `path`; a lock whose process is gone does not count."""
    file = beside(path, _LOCK)
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
            raise refusal(path, error) from error
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


def clean(path: Path) -> None:
    """Remove what a run that was killed left beside `path`. Only under the lock: then nobody is writing it."""
    for one in (path, previous_of(path)):
        beside(one, TEMP).unlink(missing_ok=True)
    start = beside(path, _LOCK).name + "."
    with os.scandir(path.parent) as found:
        names = [one.name for one in found if one.name.startswith(start)]
    for name in names:
        own, pid = path.with_name(name), name.rpartition(".")[2]
        if pid.isdigit() and not _alive(own, {"pid": int(pid), "host": "", "born": ""}, ""):
            own.unlink(missing_ok=True)
