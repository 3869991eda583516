"""Runs Basic in LibreOffice: opens a file with its macros allowed, calls them, and tells what became of its cells."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.sax.saxutils import escape

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE script:module PUBLIC '
    '"-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">\n'
)
_MODULE = (
    '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" '
    'script:language="StarBasic">{}</script:module>'
)
_PROBE = """
Sub Main
    Dim opened(1) As New com.sun.star.beans.PropertyValue
    opened(0).Name = "MacroExecutionMode" : opened(0).Value = 4
    opened(1).Name = "FilterName" : opened(1).Value = "Calc MS Excel 2007 VBA XML"
    book = StarDesktop.loadComponentFromURL("{url}", "_blank", 0, opened())
    sheet = book.Sheets.getByIndex(0)
    provider = book.getScriptProvider()
    seen = ""
    For Each macro In Array({macros})
        sheet.getCellRangeByName("C1:C9").clearContents(1023)
        On Error Resume Next
        script = provider.getScript("vnd.sun.star.script:VBAProject." & macro & "?language=Basic&location=document")
        script.invoke(Array(Nothing), Array(), Array())
        On Error GoTo 0
        seen = seen & macro
        For row = 0 To 8
            seen = seen & Chr(9) & sheet.getCellByPosition(2, row).String
        Next row
        seen = seen & Chr(10)
    Next macro
    files = createUnoService("com.sun.star.ucb.SimpleFileAccess")
    text = createUnoService("com.sun.star.io.TextOutputStream")
    text.setOutputStream(files.openFileWrite("{out}"))
    text.setEncoding("UTF-8")
    text.writeString(seen)
    text.closeOutput()
    book.close(True)
    StarDesktop.terminate()
End Sub
"""


def run(path: Path, macros: list[str]) -> dict[str, list[str]]:
    """Call each macro ("Module.Sub") of a file; what stands in C1:C9 of its first sheet after each."""
    profile = path.parent / "profile"
    folder = profile / "user" / "basic" / "Standard"
    out = path.parent / "seen.txt"
    quoted = ", ".join(f'"{one}"' for one in macros)
    code = _PROBE.format(url=path.as_uri(), macros=quoted, out=out.as_uri())
    command = ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
    subprocess.run([*command, "--terminate_after_init"], check=False, capture_output=True, timeout=180)
    (folder / "Module1.xba").write_text(_HEAD + _MODULE.format(escape(code)), encoding="utf-8")
    subprocess.run([*command, "macro:///Standard.Module1.Main"], check=False, capture_output=True, timeout=180)
    rows = [line.split("\t") for line in out.read_text(encoding="utf-8").splitlines()]
    return {row[0]: row[1:] for row in rows}
