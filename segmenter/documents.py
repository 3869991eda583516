"""The report as a file: HTML, Word or PDF, by the ending of its name."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from segmenter import jobs, masking, texts
from segmenter.atomic import replace_file
from segmenter.errors import Refused
from segmenter.findings import NO_PARAMS
from segmenter.reports import overview, pictures, rendering, report
from segmenter.result import Result
from segmenter.texts import Lang

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge", "microsoft-edge")
_PLACES: Final = (
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_WOVEN: Final = """.charts{display:block!important}
figure,figure.third{display:inline-block;vertical-align:top;width:47%;
margin:0 2% 5mm 0;break-inside:avoid}figure.third{width:30%}.meter{display:none}"""
"""what WeasyPrint, which does not give a grid's rows the height of their drawings, is told besides"""
_QUIET: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--no-pdf-header-footer",
)


def write(
    book: Path,
    out: Path,
    *,
    as_of: date | None = None,
    rules_file: Path | None = None,
    changes: Mapping[str, Any] = NO_PARAMS,
    template: Path | None = None,
    lang: Lang | None = None,
    strict: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Result, list[str]]:
    """Analyse `book` (which stays as it is) and write its report to `out`; gives the result, and remarks in the
    report's language: which program made the PDF, what a missing font left out, groups that are too small for others'
    eyes.

    Refused for an ending that is none of .html, .docx, .pdf.
    """
    if not out.parent.is_dir():
        raise Refused("no_folder", path=out)
    maker = MAKERS.get(out.suffix.lower())
    if maker is None:
        raise Refused("report_kind", path=out)
    result = jobs.standing(book, as_of=as_of, rules_file=rules_file, changes=changes, progress=progress)
    progress("report")
    lang = lang or result.lang
    content, remarks = maker(result, lang, template, strict)
    replace_file(out, content)
    remarks = [*jobs.remarks(result, lang), *remarks]
    counts = result.segments["customers"]
    few = overview.localised(result, lang).loc[(counts > 0) & (counts < masking.FLOOR), "name"]
    if len(few) and not strict:
        remarks = [*remarks, texts.say("cli.report_few", lang, names=texts.say("report.and", lang).join(few))]
    return result, remarks


def html(result: Result, lang: Lang, template: Path | None, strict: bool) -> tuple[bytes, list[str]]:
    """The page."""
    return report.render(result, lang, template, strict=strict).encode(), []


def pdf(result: Result, lang: Lang, template: Path | None, strict: bool) -> tuple[bytes, list[str]]:
    """The page printed on A4: by a browser when there is one, else by WeasyPrint."""
    page = report.render(result, lang, template, strict=strict)
    browser = find_browser()
    if lang == "zh" and not _can_write_chinese():
        raise Refused("no_font")
    if browser:
        try:
            return printed(page, browser), [texts.say("report.pdf_by", lang, name=Path(browser).stem)]
        except Refused as error:
            if not find_spec("weasyprint"):
                raise error from None
    return woven(page), [texts.say("report.pdf_by", lang, name="WeasyPrint")]


def _can_write_chinese() -> bool:
    try:
        return pictures.chinese()
    except Refused:  # without resvg nobody can tell; the program that prints has its own fallback
        return True


def find_browser() -> str:
    """A browser of the Chromium family, or ""."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), "")
    return found or next((place for place in _PLACES if Path(place).is_file()), "")


def printed(page: str, browser: str, seconds: float = 60) -> bytes:
    """The page as that browser prints it, from a folder only the user can read; Refused when it does not."""
    with tempfile.TemporaryDirectory(prefix="segmenter-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, made = folder / "report.html", folder / "report.pdf"
        source.write_text(page, encoding="utf-8")
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [browser, *_QUIET, *root, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={made}"]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([*command, source.as_uri()], **quiet) as run:  # noqa: S603 a browser found by name
            try:
                run.wait(seconds)
            except subprocess.TimeoutExpired:
                run.kill()
                raise Refused("pdf", reason=f">{seconds:g} s") from None
        if not made.is_file():
            raise Refused("pdf", reason=Path(browser).name)
        return made.read_bytes()


def woven(page: str) -> bytes:
    """The page as WeasyPrint prints it; it may load nothing."""
    try:
        import weasyprint
    except (ImportError, OSError):  # OSError: its libraries are missing
        raise Refused("need_extra", extra="pdf") from None

    def nothing(url: str, *_: Any, **__: Any) -> Any:
        if url.startswith("data:image/"):
            return weasyprint.default_url_fetcher(url)
        raise ValueError(url)

    fitted = weasyprint.CSS(string=_WOVEN, url_fetcher=nothing)
    return bytes(weasyprint.HTML(string=page, url_fetcher=nothing).write_pdf(stylesheets=[fitted]))


def docx(result: Result, lang: Lang, template: Path | None, strict: bool) -> tuple[bytes, list[str]]:
    """The Word file, from our template or the analyst's own, put together in the child process."""
    found = report.context(result, lang, strict=strict)
    drawings: dict[str, bytes] = {}
    remarks = []
    try:
        drawings = {one["key"]: pictures.png(one["svg"], 1440) for one in found["charts"]}
    except Refused as error:
        if error.key != "no_font":
            raise Refused("need_extra", extra="word") from None
        remarks = [error.message(lang)]
    found = word_context(found, drawings)
    with as_file(files("segmenter.templates") / "report.docx") as ours:
        return rendering.render_docx(template or ours, lang, found, drawings), remarks


def word_context(found: Mapping[str, Any], drawings: Mapping[str, bytes]) -> dict[str, Any]:
    """What a Word template may use: the same as a page, charts as pictures."""
    charts = [{key: one[key] for key in ("key", "title", "note")} for one in found["charts"] if one["key"] in drawings]
    return {**found, "charts": charts}


MAKERS: Final = {".html": html, ".htm": html, ".docx": docx, ".pdf": pdf}
