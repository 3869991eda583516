"""Installing the add-in, into a home of the test's own."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from configparser import ConfigParser
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from segmenter import addin, places, running_excel, texts
from segmenter.cli import main
from segmenter.errors import Refused


@pytest.fixture
def mac(tmp_path, monkeypatch):
    """A Mac as far as folders go; the scripts are files there, so all of it runs here."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "darwin")
    return tmp_path


def test_install_and_uninstall_leave_nothing_behind(mac):
    assert addin.install("zh", "/opt/my py/bin/python") == [
        *addin.places.startup().glob("*.xlam"),
        mac / places.SCRIPTS / addin.SCRIPT,
    ]
    (there,) = places.startup().iterdir()
    assert there.read_bytes() == addin.shipped("zh") and addin.remembered() == "/opt/my py/bin/python"
    addin.install("en", 'a "quoted" \\ path')
    assert [path.name for path in places.startup().iterdir()] == [addin.NAMES["en"]]
    assert addin.remembered() == 'a "quoted" \\ path'
    assert len(addin.uninstall()) == 2
    assert not [path for path in mac.rglob("*") if path.is_file() and "egmenter" in path.name]
    assert addin.remembered() == "" and addin.uninstall() == []


def test_the_mac_script_quotes_everything_it_is_handed():
    text = addin.script("/usr/bin/python3")
    for number in (1, 2, 3):
        assert text.count(f"(item {number} of told)") == text.count(f"quoted form of (item {number} of told)") == 1
    assert 'quoted form of "/usr/bin/python3"' in text and text.isascii()


def applescript(text, given):
    """What `do shell script` is handed when Excel calls `press`, worked out as AppleScript would: the script uses
    assignments, `&`, `quoted form of` and items of a list, and nothing else may be in it."""
    known = {"told": given.splitlines()}

    def value(expression):
        found, rest = "", expression
        while rest:
            one = re.match(r'\s*(quoted form of )?(?:"((?:[^"\\]|\\.)*)"|\(item (\d) of told\)|(\w+))\s*(?:& |$)', rest)
            assert one, rest
            text, item, name = one[2], one[3], one[4]
            part = known["told"][int(item) - 1] if item else known[name] if name else re.sub(r"\\(.)", r"\1", text)
            found += shlex.quote(part) if one[1] else part
            rest = rest[one.end() :]
        return found

    head, first, *lines, end = text.splitlines()
    assert (head, first.strip(), end) == ("on press(given)", "set told to paragraphs of given", "end press")
    for line in lines:
        done = re.fullmatch(r"    (?:set (\w+) to|do shell script) (.*)", line)
        if not done[1]:
            return value(done[2])
        known[done[1]] = value(done[2])
    raise AssertionError("nothing is run")


@pytest.mark.parametrize("name", ["a'b $(touch pwned) `x`.xlsx", 'say "hi" \\ 客户; exit.xlsx'])
def test_the_mac_script_starts_the_ribbon_with_a_hostile_name(tmp_path, name):
    """The shell of this system is given what that of a Mac would be; a program of ours stands in for Python."""
    python = tmp_path / "my 'py\\thon"
    python.write_text(f'#!/bin/sh\nprintf "%s|" "$SEGMENTER_BOOK" "$SEGMENTER_LANG" "$@" > "{tmp_path}/seen"\n')
    python.chmod(0o755)
    command = applescript(addin.script(str(python)), f"fill\nzh\n{name}")
    assert command.endswith(" > /dev/null 2>&1 &")
    subprocess.run(["/bin/sh", "-c", command.removesuffix("&")], check=True, cwd=tmp_path)
    assert (tmp_path / "seen").read_text() == f"{name}|zh|-P|-m|segmenter.ribbon|fill|"
    assert not (tmp_path / "pwned").exists()


def registry():
    """`winreg` as far as it is used: a key is deleted only when nothing stands below it."""
    keys = {"Software\\VB and VBA Program Settings\\Other": {}}

    def there(key):
        if key not in keys:
            raise FileNotFoundError(key)
        return nullcontext(keys[key])

    def create(_, key):
        parts = key.split("\\")
        for n in range(1, len(parts) + 1):
            keys.setdefault("\\".join(parts[:n]), {})
        return there(key)

    def delete(_, key):
        with there(key):
            if any(one.startswith(key + "\\") for one in keys):
                raise PermissionError(key)
            del keys[key]

    return keys, SimpleNamespace(
        HKEY_CURRENT_USER=0,
        REG_SZ=1,
        CreateKey=create,
        OpenKey=lambda _, key: there(key),
        SetValueEx=lambda key, name, _, kind, value: key.__setitem__(name, (value, kind)),
        QueryValueEx=lambda key, name: key[name],
        DeleteKey=delete,
    )


def test_on_windows_the_interpreter_stands_where_vba_reads_it(tmp_path, monkeypatch):
    keys, winreg = registry()
    before = set(keys)
    monkeypatch.setenv("APPDATA", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "winreg", winreg)
    assert addin.remembered() == ""
    assert addin.install("en", r"C:\我的 Python\pythonw.exe") == [
        tmp_path / "Microsoft/Excel/XLSTART/segmenter.en.xlam"
    ]
    key = r"Software\VB and VBA Program Settings\Segmenter\Runner"  # VBA's GetSetting("Segmenter", "Runner", "Python")
    assert keys[key] == {"Python": (r"C:\我的 Python\pythonw.exe", 1)} and addin.remembered() == keys[key]["Python"][0]
    assert len(addin.uninstall()) == 1 and addin.remembered() == ""
    assert {one for one in keys if "Segmenter" in one} == set() and before <= set(keys)
    assert addin.uninstall() == []


def test_status_says_what_is_there_and_what_is_not(mac):
    before = {line.key: line.good for line in addin.status(running_excel.find)}
    addin.install("zh", sys.executable)
    after = {line.key: line.good for line in addin.status(running_excel.find)}
    assert not before["addin"] and not before["python"] and after["addin"] and after["python"] and after["system"]
    (places.startup() / addin.NAMES["zh"]).write_bytes(b"older")
    assert not {line.key: line.good for line in addin.status(running_excel.find)}["addin"]


@pytest.mark.parametrize("lang", texts.LANGS)
def test_the_commands_refuse_where_there_is_no_excel(lang, capsys):
    assert main(["excel", "install", "--lang", lang]) == 1
    assert main(["live", "fill", "--lang", lang]) == 1
    assert "Excel" in capsys.readouterr().err
    assert main(["doctor", "--lang", lang]) == 1
    said = capsys.readouterr().out
    assert all(texts.say(f"excel.line.{line.key}", lang) in said for line in addin.doctor(running_excel.find))


@pytest.mark.parametrize("lang", texts.LANGS)
def test_doctor_says_of_every_extra_whether_it_is_there_and_how_to_get_it(lang, monkeypatch, capsys):
    def said():
        main(["doctor", "--lang", lang])
        lines = capsys.readouterr().out.splitlines()
        return {extra: line for extra in extras for line in lines if f"segmenter[{extra}]" in line}

    file = ConfigParser()
    file.read(Path(__file__).parents[1] / "setup.cfg", "utf-8")
    extras = {*file["options.extras_require"]} - {"excel", "test", "lint", "all"}
    assert {key: line[:3] for key, line in said().items()} == dict.fromkeys(extras, "[x]")
    monkeypatch.setattr(addin, "find_spec", lambda _: None)
    assert {key: line[:3] for key, line in said().items()} == dict.fromkeys(extras, "[ ]")
    assert "pip install" in said()["value"] and "scipy" in said()["value"]


def test_without_rights_it_is_refused(mac, monkeypatch):
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda *_: (_ for _ in ()).throw(PermissionError(13, "no")))
    with pytest.raises(Refused) as found:
        addin.install("zh")
    assert found.value.key == "excel_folder"


def test_doctor_looks_at_the_mail_settings(tmp_path, monkeypatch, capsys):
    def seen(text):
        path = tmp_path / "mail.toml"
        path.write_text(text, encoding="utf-8")
        main(["doctor", "--config", str(path)])
        return next(line for line in capsys.readouterr().out.splitlines() if "发信设置" in line)

    monkeypatch.delenv("SEGMENTER_SMTP_PASSWORD", raising=False)
    assert "[ ]" in seen('host = "smtp.example.com"\n') and "sender" in seen('host = "smtp.example.com"\n')
    plain = 'host = "smtp.example.com"\nsender = "a@example.com"\n'
    assert seen(plain).startswith("[x]")
    assert seen(plain + 'user = "a"\n').startswith("[ ]")
    monkeypatch.setenv("SEGMENTER_SMTP_PASSWORD", "secret")
    said = seen(plain + 'user = "a"\n')
    assert said.startswith("[x]") and "smtp.example.com" in said and "secret" not in said
