"""A Word file as it grows: paragraphs, headings, tables, and parts that are there only if, or once for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

ACCENT, INK, MUTED, LINE = "0E5A67", "16262B", "566A71", "D9E2E4"
FONT, CHINESE = "Arial", "\u5fae\u8f6f\u96c5\u9ed1"


class Report:
    """The document as it grows."""

    def __init__(self) -> None:
        self.file: Any = docx.Document()
        section = self.file.sections[0]
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = Cm(2.2)
        section.top_margin, section.bottom_margin = Cm(2), Cm(1.8)
        for name, size, colour in (
            ("Normal", 10, INK),
            ("Title", 24, INK),
            ("Heading 1", 16, ACCENT),
            ("Heading 2", 12, INK),
            ("Heading 3", 10, MUTED),
            ("Caption", 9, MUTED),
        ):
            style = self.file.styles[name]
            style.font.name, style.font.size = FONT, Pt(size)
            style.font.color.rgb = RGBColor.from_string(colour)
            style.font.bold = name.startswith(("Title", "Heading"))
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for key in [key for key in fonts.attrib if key.endswith("Theme")]:
                del fonts.attrib[key]
            fonts.set(qn("w:eastAsia"), CHINESE)
            fonts.set(qn("w:ascii"), FONT)
            fonts.set(qn("w:hAnsi"), FONT)
        self.file.styles["Normal"].paragraph_format.space_after = Pt(4)
        border = next(self.file.styles["Title"].element.iter(qn("w:pBdr")))
        border.getparent().remove(border)

    def text(self, text: str, style: str = "Normal") -> None:
        """A paragraph."""
        self.file.add_paragraph(text, style=style)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """What is written within is there only then."""
        self.text("{%p if " + condition + " %}")
        yield
        self.text("{%p endif %}")

    def otherwise(self) -> None:
        """Within `when`: what follows is there only if the condition does not hold."""
        self.text("{%p else %}")

    @contextmanager
    def each(self, loop: str) -> Iterator[None]:
        """What is written within is there once for each."""
        self.text("{%p for " + loop + " %}")
        yield
        self.text("{%p endfor %}")

    @contextmanager
    def optional(self, key: str, title: str = "") -> Iterator[None]:
        """A section that not every report has."""
        with self.when(f"sections.{key} is defined"):
            self.section(key, title)
            yield

    def section(self, key: str, title: str = "") -> None:
        """A numbered heading."""
        name = title or "sections." + key + ".title"
        self.text("{{ sections." + key + ".number }} {{ " + name + " }}", "Heading 1")

    def table(
        self,
        heads: Sequence[str],
        loop: str,
        cells: Sequence[str],
        widths: Sequence[float],
        numbers: str = "",
        last: Sequence[str] = (),
        *,
        whole: bool = False,
    ) -> None:
        """A table: heads, one row a turn of `loop`, perhaps a last row; `numbers` says "r" where cells are figures,
        `whole` that no page cuts it."""
        rows = [*([heads] if heads else []), ["{%tr for " + loop + " %}"], cells, ["{%tr endfor %}"]]
        rows += [last] if last else []
        above = self.file.paragraphs[-1]
        above.paragraph_format.keep_with_next = above.style.name == "Caption" or None
        table = self.file.add_table(len(rows), len(cells))
        table.autofit = False
        _borders(table)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Cm(width)
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                cell = table.cell(i, j)
                paragraph = cell.paragraphs[0]
                paragraph.paragraph_format.space_after = Pt(1)
                paragraph.paragraph_format.keep_with_next = whole or None
                run = paragraph.add_run(text)
                run.font.size = Pt(8.5)
                head = bool(heads) and i == 0
                run.font.bold = head or row is last or (j == 0 and not text.startswith("{%"))
                if head:
                    run.font.color.rgb = RGBColor.from_string(MUTED)
                if numbers[j : j + 1] == "r":
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            for j, width in enumerate(widths):
                table.cell(i, j).width = Cm(width)
            _whole(table.rows[i], repeat=bool(heads) and i == 0)
        self.text("", "Normal")

    def columns(self, rows: Sequence[Sequence[str]]) -> None:
        """A table as wide as its data: cells may be the beginning or end of a loop over columns."""
        table = self.file.add_table(len(rows), len(rows[0]))
        table.autofit = True
        _borders(table)
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                run = table.cell(i, j).paragraphs[0].add_run(text)
                run.font.size = Pt(7.5)
                run.font.bold = i == 0
            _whole(table.rows[i], repeat=i == 0)
        self.text("", "Normal")


def _borders(table: Any) -> None:
    """Thin lines between the rows, none beside the columns."""
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        line = OxmlElement(f"w:{side}")
        for key, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", LINE)):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "60")  # three points: figures are as wide as their columns
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    properties = table._tbl.tblPr
    look = properties.find(qn("w:tblLayout"))
    look.addprevious(borders)
    look.addnext(margins)


def _whole(row: Any, repeat: bool) -> None:
    """A row is not cut by a page; a head stands on every page."""
    properties = row._tr.get_or_add_trPr()
    for name in ("w:cantSplit", *(("w:tblHeader",) if repeat else ())):
        properties.append(OxmlElement(name))


def t(key: str, more: str = "") -> str:
    """A text of the report."""
    return '{{ t("' + key + '"' + (", " + more if more else "") + ") }}"


WITHHELD = "names=withheld|join(t('and'))"
"""parameter of the texts that name the segments without figures"""


def value(name: str, shown: str = "") -> str:
    """What a variable holds, through a filter perhaps."""
    return "{{ " + name + ("|" + shown if shown else "") + " }}"


def header(key: str, table: str = "strategy") -> str:
    """A header of a sheet."""
    return '{{ header("' + table + '", "' + key + '") }}'
