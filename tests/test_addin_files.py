"""The add-in files: their ribbon, their VBA, their container, and what LibreOffice makes of them."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import warnings
import zipfile
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import basic
import olefile
import pytest
from pyopenvba import ExcelFile
from test_outside import needs_office, needs_validator

from segmenter import texts
from segmenter.buttons import COMMANDS
from segmenter.texts import LANGS

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "workbook"))
import build_addin  # noqa: E402

with warnings.catch_warnings():  # oletools uses names its parser calls old
    warnings.simplefilter("ignore")
    from oletools.olevba import VBA_Parser

UI = "{http://schemas.microsoft.com/office/2009/07/customui}"
ADDINS = {lang: ROOT / "workbook" / build_addin.name_of(lang) for lang in LANGS}
RUNNER = (ROOT / "workbook" / "vba" / "Runner.bas").read_text(encoding="ascii")


ICONS = {"FileNew", "DataValidation", "PivotTableInsert", "Undo", "ChartInsert", "FileSendAsAttachment"}
"""names of Excel's own icons that published add-ins use"""


def buttons(lang):
    with zipfile.ZipFile(ADDINS[lang]) as archive:
        return list(ElementTree.fromstring(archive.read(build_addin.CUSTOM_UI)).iter(f"{UI}button"))


@pytest.mark.parametrize("lang", LANGS)
def test_the_committed_file_is_what_the_sources_build(lang, tmp_path):
    build_addin.build(tmp_path / "a.xlam", lang)
    assert (tmp_path / "a.xlam").read_bytes() == ADDINS[lang].read_bytes()


@pytest.mark.parametrize("lang", LANGS)
def test_every_callback_is_a_sub_and_a_command(lang):
    source = build_addin.modules()["Segmenter"]
    subs = dict(
        re.findall(r'Public Sub (\w+)\(control As IRibbonControl\)\r\n    SegmenterRun "(\w+)"\r\nEnd Sub', source)
    )
    assert source.count("Public Sub") == len(subs) == source.count("End Sub")  # one line of logic each
    assert [subs[one.get("onAction")] for one in buttons(lang)] == [*subs.values()]
    assert set(subs.values()) == set(COMMANDS)


@pytest.mark.parametrize("lang", LANGS)
def test_the_ribbon_is_static_and_speaks_one_language(lang):
    with zipfile.ZipFile(ADDINS[lang]) as archive:
        text = archive.read(build_addin.CUSTOM_UI).decode()
        rels = archive.read("_rels/.rels").decode()
    assert "{" not in text.replace(UI, "") and not re.search(r"\bget[A-Z]\w+=|onLoad", text)
    assert f'Target="{build_addin.CUSTOM_UI}"' in rels and "2007/relationships/ui/extensibility" in rels
    root = ElementTree.fromstring(text)
    tab = next(root.iter(f"{UI}tab"))
    assert tab.get("insertAfterMso") == "TabData" and tab.get("label") == texts.say("ribbon.title", lang)
    assert [len(group) <= 6 for group in root.iter(f"{UI}group")] == [True] * 3
    tips = [one.get("keytip") for one in (tab, *buttons(lang))]
    assert len(set(tips)) == len(tips) and all(re.fullmatch("[A-Z0-9]{1,3}", tip) for tip in tips)
    for one in buttons(lang):
        assert all(one.get(name) for name in ("label", "screentip", "supertip", "imageMso"))
        assert len(one.get("supertip")) < 1024 and len(one.get("label")) <= 14
    assert {one.get("imageMso") for one in buttons(lang)} == ICONS
    writing = {one.get("onAction"): one.get("supertip") for one in buttons(lang)}
    for name in ("SegmenterFill", "SegmenterRestore"):
        assert ("撤消" if lang == "zh" else "Undo") in writing[name]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_vba_reads_back_byte_for_byte_with_two_readers(lang):
    sources = build_addin.modules()
    assert all(text.isascii() for text in sources.values())
    parser = VBA_Parser(str(ADDINS[lang]))
    try:
        seen = {row[2].removesuffix(".bas"): row[3] for row in parser.extract_all_macros() if row[2].endswith(".bas")}
        suspicious = {row[1] for row in parser.analyze_macros() if row[0] == "Suspicious"}
    finally:
        parser.close()
    assert {name: text.replace("\r\n", "\n") for name, text in seen.items()} == {
        name: text.replace("\r\n", "\n") for name, text in sources.items()
    }
    assert len(suspicious) <= 10
    with ExcelFile(ADDINS[lang]) as book:
        assert {name: book.get_module(name) for name in sources} == sources
        assert book.validate() == []


@pytest.mark.parametrize("lang", LANGS)
def test_the_project_is_laid_out_as_excel_takes_it(lang):
    with zipfile.ZipFile(ADDINS[lang]) as archive:
        binary, book = archive.read("xl/vbaProject.bin"), archive.read("xl/workbook.xml").decode()
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        types = archive.read("[Content_Types].xml").decode()
    ole = olefile.OleFileIO(BytesIO(binary))
    streams = {"/".join(one): ole.openstream(one).read() for one in ole.listdir()}
    assert streams["VBA/_VBA_PROJECT"] == bytes.fromhex("CC61FFFF000100")
    assert not [name for name in streams if "__SRP_" in name]
    named = [
        name.partition("/")[2]
        for name in streams
        if name.startswith("VBA/") and name[4:] not in ("dir", "_VBA_PROJECT")
    ]
    order = [
        line.partition("=")[2].split("/")[0]
        for line in streams["PROJECT"].decode().splitlines()
        if re.match("Document|Module", line)
    ]
    wide = b"".join(n.encode() + b"\0" + n.encode("utf-16-le") + b"\0\0" for n in order) + b"\0\0"
    assert set(named) == set(order) and streams["PROJECTwm"] == wide  # not compressed
    directory = build_addin.decompress(streams["VBA/dir"])
    offsets = re.findall(rb"\x31\x00\x04\x00\x00\x00(....)", directory, re.DOTALL)
    assert offsets == [bytes(4)] * len(order)
    for name in order:
        assert build_addin.decompress(streams[f"VBA/{name}"]).startswith(f'Attribute VB_Name = "{name}"'.encode())
    assert (
        'codeName="ThisWorkbook"' in book and 'codeName="Sheet1"' in sheet and {"ThisWorkbook", "Sheet1"} < set(order)
    )
    assert "application/vnd.ms-excel.addin.macroEnabled.main+xml" in types


@pytest.mark.parametrize("lang", LANGS)
def test_the_container_is_strict(lang):
    with zipfile.ZipFile(ADDINS[lang]) as archive:
        names = archive.namelist()
        assert archive.testzip() is None and len(set(map(str.casefold, names))) == len(names)
        assert all(
            one.date_time == build_addin.MOMENT and one.compress_type == zipfile.ZIP_DEFLATED
            for one in archive.infolist()
        )
        for name in names:
            if name.endswith((".xml", ".rels")):
                assert b"<!DOCTYPE" not in archive.read(name) and ElementTree.fromstring(archive.read(name)) is not None


@needs_validator
@pytest.mark.parametrize("lang", LANGS)
def test_the_open_xml_sdk_finds_nothing(lang, tmp_path):
    copy = Path(shutil.copy(ADDINS[lang], tmp_path))
    said = subprocess.run(
        ["ooxml-validator", str(copy), "--officeVersion", "Microsoft365"], capture_output=True, text=True, check=False
    )
    assert json.loads(said.stdout)["errors"] == []


def addin(path, monkeypatch, runner):
    """The add-in with another runner."""
    sources = build_addin.modules() | {"Runner": runner.replace("\n", "\r\n")}
    monkeypatch.setattr(build_addin, "modules", lambda: sources)
    build_addin.build(path, "zh")
    return path


@needs_office
def test_libreoffice_runs_each_callback(tmp_path, monkeypatch):
    head = 'Attribute VB_Name = "Runner"\nPublic Sub SegmenterRun(command As String)\n'
    stub = head + '    ThisWorkbook.Worksheets(1).Range("C1").Value = command\nEnd Sub\n'
    names = [one.get("onAction") for one in buttons("zh")]
    seen = basic.run(addin(tmp_path / "a.xlam", monkeypatch, stub), [f"Segmenter.{name}" for name in names])
    assert [row[0] for row in seen.values()] == [*COMMANDS]


def recorded(python):
    """The real runner; what it would hand to Windows goes into cells instead."""
    first = "ThisWorkbook.Worksheets(1)"
    changes = {
        'GetSetting("Segmenter", "Runner", "Python")': '"' + python.replace('"', '""') + '"',
        '    Set shell = CreateObject("WScript.Shell")\n    Set variables = shell.Environment("PROCESS")\n': "",
        'variables.Item("SEGMENTER_BOOK")': 'ThisWorkbook.Worksheets(1).Range("C2").Value',
        'variables.Item("SEGMENTER_HWND") = CStr(Application.Hwnd)': first + '.Range("C3").Value = "x"',
        'variables.Item("SEGMENTER_LANG")': 'ThisWorkbook.Worksheets(1).Range("C4").Value',
        "shell.Run (.*), 0, False": r'ThisWorkbook.Worksheets(1).Range("C1").Value = \1',
    }
    source = re.sub(r"#If Mac Then\n.*?#Else\n|#End If\n", "", RUNNER, flags=re.DOTALL)
    for old, new in changes.items():
        pattern = old if "(.*)" in old else re.escape(old)
        source, count = re.subn(pattern, new if "(.*)" in old else new.replace("\\", "\\\\"), source)
        assert count == 1, old
    return source


@needs_office
def test_the_runners_command_line_reaches_the_ribbon(tmp_path, monkeypatch):
    path = addin(tmp_path / "a b=.xlam", monkeypatch, recorded(sys.executable))
    seen = basic.run(path, ["Segmenter.SegmenterRestore"])["Segmenter.SegmenterRestore"]
    assert seen[0] == f'"{sys.executable}" -P -m segmenter.ribbon restore'
    assert seen[3] == "zh" and path.name not in seen[0]
    said = subprocess.run(
        shlex.split(seen[0]),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={"SEGMENTER_LANG": seen[3]},
    )
    assert said.returncode == 1 and "Excel" in said.stderr and "Traceback" not in said.stderr


@needs_office
def test_without_an_interpreter_nothing_is_run(tmp_path, monkeypatch):
    source = recorded("").replace(
        'MsgBox Words("A1"), vbInformation, Words("A3")', 'ThisWorkbook.Worksheets(1).Range("C5").Value = Words("A1")'
    )
    seen = basic.run(addin(tmp_path / "a.xlam", monkeypatch, source), ["Segmenter.SegmenterFill"])[
        "Segmenter.SegmenterFill"
    ]
    assert seen[0] == "" and seen[4] == texts.say("ribbon.not_installed", "zh")


def test_the_runner_takes_its_interpreter_from_the_users_settings_alone():
    line = next(line for line in RUNNER.splitlines() if "shell.Run" in line)
    assert line.strip() == 'shell.Run """" & python & """ -P -m segmenter.ribbon " & command, 0, False'
    assert RUNNER.count("    python = ") == 1 and 'python = GetSetting("Segmenter", "Runner", "Python")' in RUNNER
    assert "cmd" not in RUNNER and "Declare" not in RUNNER and "Workbook_Open" not in RUNNER


def test_the_readme_tells_the_sums_of_the_add_ins():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in ADDINS.values():
        assert f"| `{path.name}` | `{hashlib.sha256(path.read_bytes()).hexdigest()}` |" in text


def test_the_picture_is_drawn_from_the_ribbon():
    import draw_tab

    assert draw_tab.draw("zh") == (ROOT / "workbook" / "ribbon.svg").read_text(encoding="utf-8")
    assert all(one.get("label") in draw_tab.draw(lang) for lang in LANGS for one in buttons(lang))
