"""Where things of the user live: our data, Excel's start-up folder. Nothing here needs an administrator."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SCRIPTS = "Library/Application Scripts/com.microsoft.Excel"


def data() -> Path:
    """The folder of our own data, made if need be; only the user can read it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    folder = base / "Segmenter"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def documents() -> Path:
    """Where a file goes that has no workbook to stand beside: the documents folder, else the home folder."""
    folder = Path.home() / "Documents"
    return folder if folder.is_dir() else Path.home()


def startup() -> Path | None:
    """The folder whose add-ins Excel opens when it starts; None on a system that has no Excel."""
    if sys.platform == "win32":
        roaming = Path(os.environ.get("APPDATA") or Path.home() / "AppData/Roaming")
        return roaming / "Microsoft/Excel/XLSTART"
    if sys.platform == "darwin":
        return Path.home() / "Library/Group Containers/UBF8T346G9.Office/User Content.localized/Startup.localized/Excel"
    return None
