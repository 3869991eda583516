"""Builds report.docx, the Word template, the same bytes each time. Needs python-docx.

    python templates/build_word.py [FOLDER]

An analyst opens report.docx in Word and changes words, fonts, order and colours; what stands in {{ }} and {% %} is
filled in. Every line of the report is one line in the modules beside this one, every section a function.
"""

from __future__ import annotations

import re
import sys
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path

import appendix
import onrequest
import opening
import segments
import tracking
from document import Report

MOMENT = (2026, 1, 1, 0, 0, 0)
"""a fixed time, so that every run writes the same bytes"""
SECTIONS = (
    opening.title,
    opening.lead,
    opening.summary,
    opening.quality,
    segments.overview,
    segments.charts,
    segments.migration,
    segments.cards,
    onrequest.cross,
    onrequest.personas,
    onrequest.clusters,
    onrequest.customer_value,
    tracking.tracking,
    tracking.ahead,
    appendix.appendix,
)
"""in the order of the page"""


def build() -> bytes:
    """The whole report as a file."""
    report = Report()
    for section in SECTIONS:
        section(report)
    properties = report.file.core_properties
    properties.author = properties.last_modified_by = "Segmenter"
    properties.title, properties.comments = "{{ title }}", ""
    properties.created = properties.modified = datetime(*MOMENT)
    raw = BytesIO()
    report.file.save(raw)
    return _repacked(raw)


def _repacked(raw: BytesIO) -> bytes:
    """The file with its parts in order and of the same moment, without the library's own thumbnail."""
    out = BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            content = old.read(name)
            if name == "_rels/.rels":
                content = re.sub(rb"<Relationship [^>]*thumbnail[^>]*/>", b"", content)
            if name != "docProps/thumbnail.jpeg":
                new.writestr(zipfile.ZipInfo(name, MOMENT), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    (target / "report.docx").write_bytes(build())
