"""Builds segmenter.xlam and segmenter.en.xlam from ribbon/*.xml, vba/*.bas and the texts: the same bytes each run.

    python workbook/build_addin.py [FOLDER]

XlsxWriter writes the workbook; pyOpenVBA's empty project, which Excel made, gets our modules. Its streams are then
laid out as other writers that Excel is known to accept lay them out (EPPlus, NetOffice, Aspose): no compiled code,
module sources from offset 0, so that Excel compiles the text and no stale p-code can hide another program.
"""

from __future__ import annotations

import io
import re
import struct
import sys
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import xlsxwriter
from pyopenvba import ExcelFile
from pyopenvba.cfb import CFB
from pyopenvba.vba import compress, decompress

from segmenter import texts
from segmenter.texts import LANGS, Lang

HERE: Final = Path(__file__).parent
MOMENT: Final = (2026, 1, 1, 0, 0, 0)
"""a fixed time, so that every run writes the same bytes"""
UNCOMPILED: Final = bytes.fromhex("CC61FFFF000100")
"""the stream _VBA_PROJECT of a project without compiled code, of no version"""
SHEET: Final = "Segmenter"
CUSTOM_UI: Final = "customUI/customUI14.xml"
_RELATION: Final = "http://schemas.microsoft.com/office/2007/relationships/ui/extensibility"
_MAIN: Final = "application/vnd.ms-excel.{}.macroEnabled.main+xml"
_OFFSET: Final = struct.pack("<HI", 0x31, 4)
"""the record of `dir` that says where in its stream a module's source begins"""


def name_of(lang: Lang) -> str:
    """The add-in's file name in a language."""
    return "segmenter.xlam" if lang == "zh" else f"segmenter.{lang}.xlam"


def modules() -> dict[str, str]:
    """The VBA sources by module name, with the line ends VBA wants; ASCII or ValueError."""
    found = {}
    for path in sorted((HERE / "vba").glob("*.bas")):
        found[path.stem] = path.read_text(encoding="ascii").replace("\r\n", "\n").replace("\n", "\r\n")
    return found


def ribbon(lang: Lang) -> str:
    """The ribbon in a language: static texts in the place of their names."""
    source = (HERE / "ribbon" / "segmenter.xml").read_text(encoding="utf-8")
    return re.sub(r"\{([\w.]+)\}", lambda found: escape(texts.say(found[1], lang), {'"': "&quot;"}), source)


def project(sources: dict[str, str]) -> bytes:
    """vbaProject.bin with these modules."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.xlam"
        with ExcelFile.create_new(path) as book:
            made = book.vba_project()
            made.delete_module("Module1")
            for name, source in sources.items():
                made.add_module(name, source)
            book.save()
            documents = {one.name: one.source for one in made.modules}
        with zipfile.ZipFile(path) as archive:
            container = CFB.from_bytes(archive.read("xl/vbaProject.bin"))
    for name, source in documents.items():
        text = sources.get(name, source)
        container.write_stream_at(("VBA",), name, compress(text.encode("ascii")))
    directory = decompress(container.get_stream_at(("VBA",), "dir"))
    directory = re.sub(re.escape(_OFFSET) + rb"....", _OFFSET + bytes(4), directory, flags=re.DOTALL)
    container.write_stream_at(("VBA",), "dir", compress(directory))
    container.write_stream_at(("VBA",), "_VBA_PROJECT", UNCOMPILED)
    return bytes(container.to_bytes())


def build(path: Path, lang: Lang) -> None:
    """Write the add-in of a language."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "vbaProject.bin"
        binary.write_bytes(project(modules()))
        book = xlsxwriter.Workbook(buffer, {"in_memory": True})
        book.set_properties(
            {"title": texts.say("ribbon.title", lang), "author": "Segmenter", "created": datetime(*MOMENT)}
        )
        book.add_vba_project(str(binary))
        book.set_vba_name("ThisWorkbook")
        sheet = book.add_worksheet(SHEET)
        sheet.set_vba_name("Sheet1")
        sheet.set_column(0, 0, 90)
        for row, text in enumerate(
            (*(texts.say(f"ribbon.{key}", lang) for key in ("not_installed", "not_started", "title")), lang)
        ):
            sheet.write_string(row, 0, text)
        book.close()
    _finish(buffer.getvalue(), ribbon(lang), path)


def _finish(data: bytes, interface: str, path: Path) -> None:
    """The workbook as an add-in with its ribbon, every entry of the same moment."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    types, rels = "[Content_Types].xml", "_rels/.rels"
    parts[types] = parts[types].replace(_MAIN.format("sheet").encode(), _MAIN.format("addin").encode())
    relation = f'<Relationship Id="segmenterRibbon" Type="{_RELATION}" Target="{CUSTOM_UI}"/></Relationships>'
    parts[rels] = parts[rels].replace(b"</Relationships>", relation.encode())
    parts[CUSTOM_UI] = ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + interface).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=9)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for one in LANGS:
        build(target / name_of(one), one)
