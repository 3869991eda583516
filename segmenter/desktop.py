"""What the system shows where Excel cannot: a sentence in a box, a file in the program it belongs to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def alert(said: str, title: str) -> None:
    """Tell the user in a box, for a button's Python has no terminal; where there is one, there too."""
    if sys.stderr is not None:
        sys.stderr.write(said + "\n")
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.MessageBoxW(0, said, title, 0x30)
    elif sys.platform == "darwin":
        show = ("on run given", "display alert (item 1 of given) message (item 2 of given)", "end run")
        lines = [part for line in show for part in ("-e", line)]
        subprocess.run(["/usr/bin/osascript", *lines, title, said], check=False)  # noqa: S603 - texts are arguments


def show(path: Path) -> None:
    """Open a file we made with the user's program for it."""
    if sys.platform == "win32":
        os.startfile(path)  # noqa: S606 - a file of ours, by its path
    elif sys.platform == "darwin":
        subprocess.run(["/usr/bin/open", str(path)], check=False)  # noqa: S603 - no shell, a path of ours
    else:
        import webbrowser

        webbrowser.open(path.as_uri())
