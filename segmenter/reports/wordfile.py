"""A `.docx` template filled with docxtpl; runs in the child process only.

A paragraph of the template is a line to the template engine, so a mistake's line is the number of its paragraph.
"""

from __future__ import annotations

import unicodedata
import zipfile
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO, Final

from docx.shared import Cm
from docxtpl import DocxTemplate, InlineImage
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from segmenter.reports.templating import NotAllowed, NotWord, lint

WIDTH: Final = Cm(15)
SMALL: Final = Cm(9.5)
_HISTOGRAMS: Final = ("recency", "frequency", "monetary")
_MADE: Final = datetime(2026, 1, 1)
_DATE: Final = (2026, 1, 1, 0, 0, 0)


def warm() -> None:
    """Load what is loaded on first use, before the files of this machine are out of reach."""
    import docx

    stream = BytesIO()
    docx.Document().save(stream)
    DocxTemplate(stream).render({})


def fill(
    content: BinaryIO, found: ImmutableSandboxedEnvironment, context: Mapping[str, Any], pictures: Mapping[str, bytes]
) -> bytes:
    """The Word file. `chart("shares")` in the template stands for a picture; the same input gives the same bytes."""
    document = DocxTemplate(content)
    try:
        document.init_docx()
    except (ValueError, KeyError, SyntaxError, zipfile.BadZipFile) as error:
        raise NotWord from error
    sources = [document.get_xml()]
    for uri in (document.HEADER_URI, document.FOOTER_URI):
        sources += [document.get_part_xml(part) for _, part in document.get_headers_footers(uri)]
    for source in sources:
        lint(document.patch_xml(source), found, "document")

    def chart(key: str) -> Markup:
        if key not in pictures:
            raise NotAllowed(f"chart({key})")
        return Markup(str(InlineImage(document, BytesIO(pictures[key]), width=SMALL if key in _HISTOGRAMS else WIDTH)))  # noqa: S704 the library's XML

    found.globals["chart"] = chart
    document.render(_printable(context), found, autoescape=True)
    properties = document.docx.core_properties
    properties.created = properties.modified = _MADE
    properties.last_modified_by = properties.author = "Segmenter"
    raw = BytesIO()
    document.save(raw)
    return _dated(raw)


def _printable(value: Any) -> Any:
    """Texts without control signs, which are paragraph and page breaks to the library and nothing to XML."""
    if isinstance(value, str):
        return "".join(" " if unicodedata.category(c) in {"Cc", "Cs", "Cn", "Zl", "Zp"} else c for c in value)
    if isinstance(value, Mapping):
        return {key: _printable(one) for key, one in value.items()}
    return [_printable(one) for one in value] if isinstance(value, list) else value


def _dated(raw: BinaryIO) -> bytes:
    """The same zip with one fixed date."""
    out = BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, _DATE), old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
