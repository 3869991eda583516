"""Putting the add-in where Excel looks for it, taking it away, telling what is there; never as administrator.

Windows: the add-in into XLSTART, the interpreter into the user's registry (where VBA's GetSetting reads it). macOS: the
add-in into Excel's start-up folder, and a script into the folder of scripts that Excel may run, which names the
interpreter. Nothing in a workbook is asked.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from segmenter import places
from segmenter.errors import Refused
from segmenter.texts import Lang

KEY: Final = r"Software\VB and VBA Program Settings\Segmenter\Runner"
SCRIPT: Final = "Segmenter.applescript"
NAMES: Final = {"zh": "segmenter.xlam", "en": "segmenter.en.xlam"}
_SCRIPT: Final = """\
on press(given)
    set told to paragraphs of given
    set known to "SEGMENTER_LANG=" & quoted form of (item 2 of told)
    set known to known & " SEGMENTER_BOOK=" & quoted form of (item 3 of told)
    set started to quoted form of "{python}" & " -P -m segmenter.ribbon " & quoted form of (item 1 of told)
    do shell script known & " " & started & " > /dev/null 2>&1 &"
end press
"""


EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "parquet": ("pyarrow",),
    "cluster": ("sklearn",),
    "value": ("scipy",),
    "scheduler": ("distributed",),
    "word": ("docxtpl", "resvg_py"),
    "pdf": ("weasyprint",),
    "mail": ("css_inline", "resvg_py", "keyring"),
}
"""what each extra brings; that of Excel is told with Excel"""

Find = Callable[[], tuple[Any, Any]]
"""gives the running Excel and its active workbook; Refused when there is none"""


@dataclass(frozen=True)
class Line:
    """One thing that was looked for: its name (a text key), whether it is there, what was found."""

    key: str
    good: bool
    detail: str = ""


def shipped(lang: Lang) -> bytes:
    """The add-in of a language as it is shipped."""
    return files("segmenter.workbook").joinpath(NAMES[lang]).read_bytes()


def install(lang: Lang, python: str = "") -> list[Path]:
    """Copy the add-in to Excel's start-up folder and store the interpreter; gives the files written.

    Refused on a system without Excel, and while Excel has the add-in open.
    """
    folder = _startup()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for other in NAMES.values():
            if other != NAMES[lang]:
                (folder / other).unlink(missing_ok=True)
        target = folder / NAMES[lang]
        target.write_bytes(shipped(lang))
    except OSError as error:
        raise Refused("excel_folder", path=folder, reason=error.strerror or str(error)) from error
    return [target, *_remember(python or interpreter())]


def uninstall() -> list[Path]:
    """Remove what `install` put there; gives the files that went."""
    folder, gone = _startup(), []
    script = Path.home() / places.SCRIPTS / SCRIPT
    for path in (*(folder / name for name in NAMES.values()), script):
        if path.exists():
            try:
                path.unlink()
            except OSError as error:
                raise Refused("excel_folder", path=path, reason=error.strerror or str(error)) from error
            gone.append(path)
    if sys.platform == "win32":
        import winreg

        for key in (KEY, KEY.rpartition("\\")[0]):
            with suppress(OSError):  # not there, or something else stands below it
                winreg.DeleteKey(winreg.HKEY_CURRENT_USER, key)
    return gone


def _startup() -> Path:
    folder = places.startup()
    if folder is None:
        raise Refused("excel_no_system")
    return folder


def interpreter() -> str:
    """The Python that runs now, without a window where there is such a one."""
    quiet = Path(sys.executable).with_name("pythonw.exe")
    return str(quiet if quiet.exists() else sys.executable)


def script(python: str) -> str:
    """The AppleScript that starts the interpreter; everything else it is handed is quoted by AppleScript itself."""
    return _SCRIPT.replace("{python}", python.replace("\\", "\\\\").replace('"', '\\"'))


def _remember(python: str) -> list[Path]:
    """Store the interpreter's path in the user's settings."""
    if sys.platform == "win32":
        import winreg

        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, KEY) as key:
            winreg.SetValueEx(key, "Python", 0, winreg.REG_SZ, python)
        return []
    path = Path.home() / places.SCRIPTS / SCRIPT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script(python), encoding="utf-8")
    return [path]


def remembered() -> str:
    """The interpreter the add-in would start; "" when none is stored."""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, KEY) as key:
                return str(winreg.QueryValueEx(key, "Python")[0])
        except OSError:
            return ""
    path = Path.home() / places.SCRIPTS / SCRIPT
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text.partition('quoted form of "')[2].partition('" & " -P')[0].replace('\\"', '"').replace("\\\\", "\\")


def status(find: Find) -> Iterator[Line]:
    """What the buttons need: Excel's folder, this add-in, the interpreter, xlwings, and what `find` finds."""
    folder = places.startup()
    yield Line("system", folder is not None, sys.platform)
    if folder is None:
        return
    there = [folder / name for name in NAMES.values() if (folder / name).exists()]
    ours = {hashlib.sha256(files("segmenter.workbook").joinpath(n).read_bytes()).hexdigest() for n in NAMES.values()}
    same = [path for path in there if hashlib.sha256(path.read_bytes()).hexdigest() in ours]
    yield Line("addin", bool(same), ", ".join(map(str, there)))
    python = remembered()
    yield Line("python", bool(python) and Path(python).exists(), python)
    yield Line("xlwings", find_spec("xlwings") is not None, _version("xlwings"))
    yield Line("running", *_running(find))


def doctor(find: Find, config: Path | None = None) -> Iterator[Line]:
    """`status`, and what the rest needs: fonts with Chinese, every extra, and the mail settings of `config`."""
    yield from status(find)
    yield _fonts()
    for extra, packages in EXTRAS.items():
        missing = [name for name in packages if find_spec(name) is None]
        yield Line(extra, not missing, ", ".join(missing))
    yield _mail_settings(config)


def _mail_settings(config: Path | None) -> Line:
    """Whether letters could be sent: a settings file that can be read, and a password where it belongs."""
    from segmenter.mail import sending

    if config is None:
        return Line("mail_settings", False)
    try:
        found = sending.Config.read(config)
        if found.user:
            sending.password(found)
    except Refused as refusal:
        return Line("mail_settings", False, f"{config}: {refusal.value or refusal.key}")
    return Line("mail_settings", True, f"{found.sender}, {found.host} ({found.security})")


def _fonts() -> Line:
    """Whether a Chinese character can be drawn; without the drawing library, whether there are fonts at all."""
    folders = ("C:/Windows/Fonts", "/System/Library/Fonts", "/usr/share/fonts", str(Path.home() / ".fonts"))
    found = [one for one in folders if Path(one).is_dir() and any(Path(one).iterdir())]
    good = bool(found)
    if find_spec("resvg_py") is not None:
        from segmenter.reports import pictures

        good = pictures.chinese()
    return Line("fonts", good, ", ".join(found))


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _running(find: Find) -> tuple[bool, str]:
    try:
        app, book = find()
    except Refused:
        return False, ""
    found: Any = app.version
    return True, f"Excel {found}" + (f", {book.name}" if book is not None else "")
