"""Installing the add-in, into a home of the test's own."""

from __future__ import annotations

import sys

import pytest

from segmenter import excel, places, ribbon, texts
from segmenter.cli import main
from segmenter.errors import Refused


@pytest.fixture
def mac(tmp_path, monkeypatch):
    """A Mac as far as folders go; the scripts are files there, so all of it runs here."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "darwin")
    return tmp_path


def test_install_and_uninstall_leave_nothing_behind(mac):
    assert excel.install("zh", "/opt/my py/bin/python") == [
        *excel.places.startup().glob("*.xlam"),
        mac / places.SCRIPTS / excel.SCRIPT,
    ]
    (addin,) = places.startup().iterdir()
    assert addin.read_bytes() == excel.addin("zh") and excel.remembered() == "/opt/my py/bin/python"
    excel.install("en", 'a "quoted" \\ path')
    assert [path.name for path in places.startup().iterdir()] == [excel.NAMES["en"]]
    assert excel.remembered() == 'a "quoted" \\ path'
    assert len(excel.uninstall()) == 2
    assert not [path for path in mac.rglob("*") if path.is_file() and "egmenter" in path.name]
    assert excel.remembered() == "" and excel.uninstall() == []


def test_the_mac_script_quotes_everything_it_is_handed():
    text = excel.script("/usr/bin/python3")
    for number in (1, 2, 3):
        assert text.count(f"(item {number} of told)") == text.count(f"quoted form of (item {number} of told)") == 1
    assert 'quoted form of "/usr/bin/python3"' in text and text.isascii()


def test_status_says_what_is_there_and_what_is_not(mac):
    before = {line.key: line.good for line in excel.status(ribbon.find)}
    excel.install("zh", sys.executable)
    after = {line.key: line.good for line in excel.status(ribbon.find)}
    assert not before["addin"] and not before["python"] and after["addin"] and after["python"] and after["system"]
    (places.startup() / excel.NAMES["zh"]).write_bytes(b"older")
    assert not {line.key: line.good for line in excel.status(ribbon.find)}["addin"]


@pytest.mark.parametrize("lang", texts.LANGS)
def test_the_commands_refuse_where_there_is_no_excel(lang, capsys):
    assert main(["excel", "install", "--lang", lang]) == 1
    assert main(["live", "fill", "--lang", lang]) == 1
    assert "Excel" in capsys.readouterr().err
    assert main(["doctor", "--lang", lang]) == 1
    said = capsys.readouterr().out
    assert all(texts.say(f"excel.line.{line.key}", lang) in said for line in excel.doctor(ribbon.find))


def test_without_rights_it_is_refused(mac, monkeypatch):
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda *_: (_ for _ in ()).throw(PermissionError(13, "no")))
    with pytest.raises(Refused) as found:
        excel.install("zh")
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
