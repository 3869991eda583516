"""The log of a fault of ours: where it happened, never what the cells held."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from pathlib import Path


def log(error: BaseException) -> Path:
    """Write the trace of an unforeseen error to a new file that only the user can read; gives its path.

    The error's own message is left out: it may quote a cell. Its type and the lines of code say where to look.
    """
    from importlib.metadata import version

    lines = [f"segmenter {version('segmenter')}, Python {platform.python_version()}, {platform.platform()}\n"]
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}\n" for frame in frames]
        lines.append(f"{type(error).__qualname__}\n")
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    handle, name = tempfile.mkstemp(prefix="segmenter-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(lines)
    return Path(name)
