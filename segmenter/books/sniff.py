"""What a file truly is, told from its first bytes and never from its name; anything but a workbook is refused."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath
from typing import Final

from segmenter.books.ondisk import OnDisk
from segmenter.errors import Refused

SUFFIXES: Final = (".xlsx", ".xlsm", ".xltx", ".xltm")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x10\x00", b"\x09\x08\x08\x00")
_STARTS: Final = {
    b"%PDF": "PDF",
    b"\x1f\x8b": "gzip",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7-Zip",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"PAR1": "Parquet",
    b"SQLite format": "SQLite",
}
_HEAD = 4096
"""bytes that tell text from anything else"""


def refuse_unless_zip(data: bytes | OnDisk, path: PurePath) -> None:
    """Refuse everything that is no zip file, saying what it is and what to do."""
    if data.startswith(b"PK"):
        return
    head = data[:_HEAD]
    if not data:
        key, kind = "file_empty", ""
    elif data.startswith(_OLE):
        key, kind = _ole(data[:], path), ""
    elif data.startswith(_BIFF):
        key, kind = "file_xls", ""
    elif not head.strip(b"\0"):
        key, kind = "file_damaged", "0x00"
    else:
        kind = next((kind for start, kind in _STARTS.items() if data.startswith(start)), "") or _text(head)
        key = {"": "file_unknown", "CSV": "file_text", "HTML": "file_html"}.get(kind, "file_other")
    raise Refused(key, path=path.name, kind=kind, reason=kind)


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def _ole(data: bytes, path: PurePath) -> str:
    if _wide("EncryptedPackage") in data:
        return "file_encrypted"
    if path.suffix.lower() in (".et", ".ett"):
        return "file_et"
    return "file_xls" if _wide("Workbook") in data or _wide("Book") in data else "file_unknown"


def _text(head: bytes) -> str:
    """What a text is: "CSV" for any text, a finer name where the text says so, nothing when it is no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "CSV"
    if b"\0" in head:
        return ""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta", b"<style")):
        return "HTML"
    if start.startswith(b"<?xml") or start.startswith(b"<workbook"):
        return "XML (Excel 2003)" if b"urn:schemas-microsoft-com:office:spreadsheet" in head else "XML"
    if start.startswith((b"{", b"[")):
        return "JSON"
    for encoding in ("utf-8", "gb18030"):
        try:
            head[: -4 if len(head) == _HEAD else None].decode(encoding)
        except UnicodeDecodeError as error:
            if error.end < len(head) - 4:
                continue
        return "CSV"
    return ""


def refuse_unless_workbook(names: Collection[str], content_types: bytes, path: PurePath) -> None:
    """Refuse a zip file that is no .xlsx, .xlsm, .xltx or .xltm workbook (`names`: its entries)."""
    suffix = path.suffix.lower()
    # SheetJS gives every .xlsx the type of .xlsb for parts named .bin, of which it has none
    is_binary = b"ms-excel.sheet.binary" in content_types and b".main+xml" not in content_types
    if is_binary or "xl/workbook.bin" in names:
        raise Refused("file_xlsb", path=path.name)
    if "[Content_Types].xml" not in names:
        if suffix in (".et", ".ett"):
            raise Refused("file_et", path=path.name)
        kind = "OpenDocument" if "mimetype" in names and "content.xml" in names else "zip"
        raise Refused("file_other", path=path.name, kind=kind)
    for mark, kind in ((b"wordprocessingml", "Word"), (b"presentationml", "PowerPoint")):
        if mark + b".document.main" in content_types or mark + b".presentation.main" in content_types:
            raise Refused("file_other", path=path.name, kind=kind)
    if suffix not in SUFFIXES:
        raise Refused("file_suffix", path=path.name, suffix=suffix or "-")
