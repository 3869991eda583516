"""Writing a file in one step."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from segmenter.errors import Refused


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file in one step: the old one or the whole new one; `mode` as far as the user's umask allows. What a
    crash an hour ago or longer left of the same file goes away."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        now = beside.stat().st_mtime
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            if now - left.stat().st_mtime > 3600:
                left.unlink()
        beside.replace(path)
    except OSError as error:
        raise Refused("os", reason=error.strerror) from error
    finally:
        beside.unlink(missing_ok=True)
