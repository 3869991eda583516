"""Builds report.docx, the Word template: `python templates/build.py`. Needs python-docx; the same bytes each time.

An analyst opens report.docx in Word and changes words, fonts, order and colours; what stands in {{ }} and {% %} is
filled in. Every line of the report is one line here.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

HERE = Path(__file__).resolve().parent
ACCENT, INK, MUTED, LINE = "0E5A67", "16262B", "566A71", "D9E2E4"
FONT, CHINESE = "Arial", "\u5fae\u8f6f\u96c5\u9ed1"
DATE = (2026, 1, 1, 0, 0, 0)


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
        for border in self.file.styles["Title"].element.iter(qn("w:pBdr")):
            border.getparent().remove(border)
            break

    def text(self, text: str, style: str = "Normal") -> None:
        """A paragraph."""
        self.file.add_paragraph(text, style=style)

    def when(self, condition: str) -> None:
        """What follows up to `end` is there only then."""
        self.text("{%p if " + condition + " %}")

    def loop(self, what: str) -> None:
        """What follows up to `end` is there once for each."""
        self.text("{%p for " + what + " %}")

    def end(self, what: str = "if") -> None:
        self.text("{%p end" + what + " %}")

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

    def told(self, key: str) -> None:
        """A section of notes and of tables that say their own columns (macro `told` of the page)."""
        self.when(f"sections.{key} is defined")
        self.section(key)
        self.loop(f"note in {key}.notes")
        self.text("{{ note }}")
        self.end("for")
        self.loop(f"table in {key}.tables")
        self.text("{{ table.caption }}", "Caption")
        shown = "".join(
            f'{{% elif column.kind == "{kind}" %}}{{{{ v|{kind} }}}}' for kind in ("percent", "money", "count")
        )
        value = "{% set v = row[loop.index0] %}{% if v is none %}—{% elif v is string %}{{ v }}" + shown
        columns, end = "{%tc for column in table.columns %}", "{%tc endfor %}"
        rows = (
            (columns, "{{ column.label }}", end),
            ("{%tr for row in table.rows %}", "", ""),
            (columns, value + "{% else %}{{ v|number }}{% endif %}", end),
            ("{%tr endfor %}", "", ""),
        )
        self.columns(rows)
        self.end("for")
        self.end()

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


MORE = {
    "target": "{% if row.actual %} {{ row.actual }}"
    '{% if row.outcome and row.outcome != "no_data" %} {{ t("outcome." ~ row.outcome) }}{% endif %}{% endif %}',
    "period": '{% if row.due %} {{ t("tracking.until", day=row.due) }}{% endif %}',
}
"""what stands below the typed text: how far the target is, and the day it is due"""


def t(key: str, more: str = "") -> str:
    """A text of the report."""
    return '{{ t("' + key + '"' + (", " + more if more else "") + ") }}"


def header(key: str, table: str = "strategy") -> str:
    """A header of a sheet."""
    return '{{ header("' + table + '", "' + key + '") }}'


def build() -> Any:
    """The whole report, section by section as on the page."""
    it = Report()
    it.text("{{ title }}", "Title")
    it.when("goal")
    it.text(t("fact.goal") + '{{ ": " if lang == "en" else "：" }}{{ goal }}')
    it.end()
    it.table([], "fact in facts", ["{{ fact.label }}", "{{ fact.text }}"], [4, 12.6])
    it.when("masked")
    it.text(t("masked"), "Caption")
    it.end()

    it.when("sections.lead is defined")
    it.section("lead", "lead.title")
    it.text("{{ lead.text }}{{ lead.objective }}")
    it.loop("row in lead.rows")
    it.text("{{ row[0] }}", "Heading 2")
    it.table(
        [],
        "column in lead.columns[1:]",
        [
            "{{ column.label }}",
            '{% set value = row[loop.index] %}{% if column.kind == "percent" %}{{ value|percent }}'
            '{% elif column.kind == "count" %}{{ value|count }}{% elif column.kind == "times" %}{{ value|times }}'
            '{% elif column.kind == "money" %}{{ value|money }}{% elif column.kind == "short" %}{{ value|money_short }}'
            "{% else %}{{ value }}{% endif %}",
        ],
        [4, 12.6],
    )
    it.end("for")
    it.end()

    it.section("summary")
    it.text(t("kpi.heading"), "Heading 2")
    it.table(
        [],
        "kpi in kpis",
        [
            "{{ kpi.label }}",
            '{% if kpi.kind == "percent" %}{{ kpi.value|percent }}{% elif kpi.kind == "money" %}{{ kpi.value|money_short }}'
            "{% else %}{{ kpi.value|count }}{% endif %}",
            "{{ kpi.note }}",
        ],
        [5.6, 3, 8],
        " r",
        whole=True,
    )
    it.text(t("action.heading"), "Heading 2")
    it.loop("one in actions")
    it.text("{{ loop.index }}. {{ one.title }}", "Heading 2")
    it.text("{{ one.why }}")
    it.text(
        " · ".join(t(f"action.{key}") + " {{ one." + key + " }}" for key in ("action", "owner", "target", "progress"))
    )
    it.end("for")
    it.text(t("action.note"), "Caption")

    it.section("quality")
    it.text(
        t("quality.rows_in")
        + " {{ quality.rows_in|count }} = "
        + t("quality.rows_used")
        + " {{ quality.rows_used|count }} + "
        + t("quality.rows_excluded")
        + " {{ quality.rows_excluded|count }}"
    )
    it.when("quality.outliers")
    it.text(
        t(
            "quality.outliers",
            "count=quality.outliers|count, share=quality.outliers_share|percent, mode=quality.outlier_mode",
        )
    )
    it.end()
    it.when("quality.reasons")
    it.table(
        [t("quality.reasons"), t("quality.rows"), t("quality.share")],
        "row in quality.reasons",
        ["{{ row.kind }}", "{{ row.count|count }}", "{{ row.share|percent }}"],
        [9, 3.6, 4],
        " rr",
    )
    it.end()
    it.when("quality.findings")
    it.text(t("quality.findings"), "Caption")
    it.table(
        [t("quality.kind"), t("quality.count"), t("quality.amount"), t("quality.example")],
        "row in quality.findings",
        ["{{ row.kind }}", "{{ row.count|count }}", "{{ row.share|percent }}", "{{ row.cell }} {{ row.example }}"],
        [3, 1.6, 2.4, 9.6],
        " rr",
    )
    it.text(t("quality.findings_note", "total=quality.findings_total|count, sheet=quality.sheet"), "Caption")
    it.end()

    it.section("overview")
    it.text(t("overview.caption"), "Caption")
    columns = (
        ("customers", "count"),
        ("customer_share", "percent"),
        ("amount", "money"),
        ("amount_share", "percent"),
        ("orders", "count"),
        ("average_order_value", "money"),
        ("median_recency_days", "number"),
        ("median_frequency", "number"),
        ("median_monetary", "money"),
    )
    heads = (
        "customers",
        "customer_share",
        "amount",
        "amount_share",
        "orders",
        "aov",
        "median_r",
        "median_f",
        "median_m",
    )
    it.table(
        [t("overview.segment"), *(t(f"overview.{key}") for key in heads)],
        "row in segments",
        ["{{ row.name }}", *("{{ row." + key + "|" + kind + " }}" for key, kind in columns)],
        [2.4, 1.3, 1.6, 2.1, 1.6, 1.4, 1.5, 1.5, 1.5, 1.7],
        " rrrrrrrrr",
        [t("overview.total"), *("{{ total." + key + "|" + kind + " }}" for key, kind in columns)],
        whole=True,
    )
    it.text(t("overview.note"), "Caption")

    it.when("charts")
    it.when("sections.charts is defined")
    it.section("charts")
    it.end()
    it.loop("one in charts")
    it.text("{{ one.title }}", "Heading 2")
    it.text("{{ chart(one.key) }}")
    it.text("{{ one.note }}", "Caption")
    it.end("for")
    it.end()

    it.when("sections.migration is defined")
    it.section("migration")
    it.text("{{ migration.period }}")
    it.when("not migration.same_rules")
    it.text(t("migration.rules"))
    it.end()
    figures = [
        "{{ row.customers|count }}",
        "{{ row.share|percent }}",
        *("{{ row." + key + "|money }}" for key in ("before", "after", "lost")),
    ]
    heads = [t("migration." + key) for key in ("customers", "share", "before", "after", "lost")]
    for name, what in (("heads", "name"), ("moves", "move")):
        it.when("migration." + name)
        it.text(t("migration." + name), "Heading 2")
        cells = ["{{ row." + what + " }}", *figures]
        label = t("migration." + ("kind" if what == "name" else "move"))
        it.table([label, *heads], "row in migration." + name, cells, [4.6, 2, 2, 2.7, 2.7, 2.6], " rrrrr")
        it.end()
    it.text(t("migration.note", "sheet=migration.sheet"), "Caption")
    it.end()

    it.when("sections.cards is defined")
    it.section("cards")
    it.loop("card in cards")
    it.text("{{ card.name }}", "Heading 2")
    it.when("card.plan and card.plan.traits")
    it.text("{{ card.plan.traits }}", "Caption")
    it.end()
    it.text(
        t("overview.customers")
        + " {{ card.customers|count }} ({{ card.customer_share|percent }}) · "
        + t("overview.amount")
        + " {{ card.amount|money_short }} ({{ card.amount_share|percent }}) · "
        + t("card.per_head")
        + " {{ card.per_head|money }} · "
        + t("overview.aov")
        + " {{ card.average_order_value|money }}"
    )
    it.text(t("card.rule"), "Heading 3")
    it.loop("way in card.definition")
    it.text("{{ way.pattern }}  {{ way.text }}")
    it.end("for")
    it.text(t("card.profile"), "Heading 3")
    it.when("card.profile")
    it.table(
        [t("card.dimension"), t("card.value"), t("card.share"), t("card.everybody"), t("card.lift"), t("card.n")],
        "row in card.profile",
        [
            "{{ row.dimension }}",
            "{{ row.value }}",
            "{{ row.share|percent }}",
            "{{ row.everybody|percent }}",
            "{{ row.lift|times }}",
            "{{ row.count|count }}",
        ],
        [3, 4.6, 2.4, 2.4, 2.1, 2.1],
        "  rrrr",
    )
    it.end()
    it.when("not card.profile")
    it.text(t("card.profile_none"))
    it.end()
    it.when("card.plan")
    it.text(t("card.plan"), "Heading 3")
    for key in ("strategy", "action", "owner", "target", "period"):
        it.text(
            header(key)
            + " {{ card.plan."
            + key
            + " }}"
            + (MORE["target"].replace("row.", "card.plan.") if key == "target" else "")
        )
    light = '{% if card.plan.light not in ("idle", "none") %} ({{ t("tracking." ~ card.plan.light) }}){% endif %}'
    it.text(header("progress") + " {{ card.plan.progress }}" + light)
    it.text(t("card.next") + " {{ card.plan.next }}")
    it.when("card.plan.status")
    it.text(header("status") + " {{ card.plan.status }}")
    it.end()
    it.end()
    it.end("for")
    it.text(t("card.profile_note"), "Caption")
    it.end()

    it.when("sections.cross is defined")
    it.section("cross")
    it.loop("one in cross")
    unknown = t("cross.unknown", "customers=one.unknown|count")
    caption = t("cross.caption", "name=one.name, customers=one.customers|count")
    it.text(caption + "{% if one.unknown %} " + unknown + "{% endif %}", "Caption")
    cell = "{% if cell %}{{ cell.share|percent }} {% if cell.count %}{{ cell.lift|times }} {% endif %}n={{ cell.count|count }}"
    cell += "{% else %}—{% endif %}"
    ends = ("{%tc for level in one.levels %}", "{{ level }}", "{%tc endfor %}")
    it.columns(
        (
            (t("cross.segment"), t("overview.customers"), *ends),
            ("{%tr for row in one.rows %}", "", "", "", ""),
            ("{{ row.name }}", "{{ row.customers|count }}", "{%tc for cell in row.cells %}", cell, "{%tc endfor %}"),
            ("{%tr endfor %}", "", "", "", ""),
            (
                t("cross.everybody"),
                "{{ one.customers|count }}",
                "{%tc for cell in one.everybody %}",
                "{% if cell %}{{ cell.share|percent }}{% else %}—{% endif %}",
                "{%tc endfor %}",
            ),
        )
    )
    it.loop("hint in one.hints")
    it.text("{{ hint.level }} {{ hint.hint }}{% if hint.target %} · {{ hint.target }}{% endif %}")
    it.end("for")
    it.end("for")
    it.text(t("cross.note"), "Caption")
    it.end()

    it.when("sections.personas is defined")
    it.section("personas")
    it.loop("one in personas")
    it.when("one.name")
    it.text("{{ one.name }}", "Heading 2")
    share = t("personas.share", "share=one.customer_share|percent")
    it.text("{{ one.segment }} · {{ one.customers|count }} · " + share, "Caption")
    for key in ("traits", "behaviour", "pains"):
        it.text(header(key, "personas") + ' {% for claim in one["' + key + '"] %}{{ claim }} {% endfor %}')
    for key in ("typical", "library", "missing"):
        it.when(f"one.{key}")
        it.text(header(key, "personas") + " {{ one." + key + " }}")
        it.end()
    it.end()
    it.end("for")
    it.text(t("personas.note"), "Caption")
    it.end()

    it.told("clusters")
    it.told("value")

    it.when("sections.tracking is defined")
    it.section("tracking")
    it.text(t("tracking.caption", "sheet=tracking_sheet"), "Caption")
    keys = ("strategy", "action", "owner", "target", "period", "progress")
    it.table(
        [header("segment"), header("customers"), *(header(key) for key in keys), t("tracking.light")],
        "row in tracking",
        [
            "{{ row.name }}",
            "{{ row.customers|count }}",
            *("{{ row." + key + " }}" + MORE.get(key, "") for key in keys),
            '{{ t("tracking." ~ row.light) }}',
        ],
        [2.2, 1.3, 2.4, 3.2, 1.9, 2.3, 1.2, 1.3, 1.2],
        " r",
    )
    it.text(t("tracking.note", "good=lights.good|percent(0), fair=lights.fair|percent(0)"), "Caption")
    it.end()

    it.when("sections.ahead is defined")
    it.section("ahead")
    it.when("ahead.proposals")
    it.text(t("ahead.caption"), "Caption")
    it.table(
        [t("ahead.about"), t("ahead.what"), t("ahead.why")],
        "one in ahead.proposals",
        ['{{ one.about or t("ahead.all") }}', "{{ one.what }}", "{{ one.why }}"],
        [2.6, 7, 7],
    )
    it.end()
    it.when("not ahead.proposals")
    it.text(t("ahead.none"))
    it.end()
    it.when("ahead.reviews")
    it.text(t("ahead.reviews"), "Heading 3")
    it.loop("one in ahead.reviews")
    overdue = '{% if one.overdue %} {{ t("ahead.overdue") }}{% endif %}'
    it.text("{{ one.name }} {{ one.due }}" + overdue + " (" + t("ahead.last") + " {{ one.last }})")
    it.end("for")
    it.end()
    it.end()

    it.section("appendix")
    it.text(t("appendix.thresholds"), "Heading 2")
    it.loop("one in appendix.thresholds")
    it.table(
        [t("appendix.measure") + " {{ one.measure }} · {{ one.name }}", t("appendix.level"), t("appendix.digit")],
        "bin in one.bins",
        ["{{ bin.range }}", "{{ bin.label }}", "{{ bin.digit }}"],
        [9, 4, 3.6],
        "  r",
        whole=True,
    )
    it.end("for")
    it.text(t("appendix.segments"), "Heading 2")
    it.table(
        [t("overview.segment"), t("appendix.pattern")],
        "one in appendix.segments",
        [
            "{{ one.name }}",
            "{% for way in one.ways %}{{ way.pattern }} {{ way.text }}{% if not loop.last %}; {% endif %}{% endfor %}",
        ],
        [5, 11.6],
    )
    it.text(t("card.rule_order"), "Caption")
    it.text(t("appendix.classes", "scheme=appendix.scheme"), "Heading 2")
    it.table(
        [t("appendix.pattern"), t("appendix.meaning")],
        "one in appendix.classes",
        ["{{ one.code }}", "{{ one.name }}"],
        [5, 11.6],
    )
    for key in ("formulas", "glossary"):
        name = "name" if key == "formulas" else "term"
        it.text(t(f"appendix.{key}"), "Heading 2")
        it.table([], f"one in appendix.{key}", ["{{ one." + name + " }}", "{{ one.text }}"], [4, 12.6])
    it.text(t("appendix.excluded"), "Heading 2")
    it.when("appendix.excluded.rows")
    it.table(
        [t("appendix.place"), t("quality.kind"), t("appendix.why")],
        "row in appendix.excluded.rows",
        ["{{ row.cell or row.sheet }}", "{{ row.kind }}", "{{ row.message }}"],
        [2.4, 3.6, 10.6],
    )
    it.text(
        t("appendix.excluded_note", "total=appendix.excluded.total|count, shown=appendix.excluded.shown|count"),
        "Caption",
    )
    it.text("{%p else %}")
    it.text(t("appendix.excluded_none"))
    it.end()
    it.text(t("appendix.sheets"), "Heading 2")
    it.table(
        [t("appendix.what"), t("appendix.sheet")],
        "one in appendix.sheets",
        ["{{ one.what }}", "{{ one.sheet }}"],
        [8.6, 8],
    )
    it.text(t("footer"), "Caption")
    return it.file


def main() -> None:
    """Write report.docx beside this file."""
    file = build()
    properties = file.core_properties
    properties.author = properties.last_modified_by = "Segmenter"
    properties.title, properties.comments = "{{ title }}", ""
    properties.created = properties.modified = datetime(2026, 1, 1)
    raw, out = BytesIO(), BytesIO()
    file.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            if name != "docProps/thumbnail.jpeg":
                new.writestr(zipfile.ZipInfo(name, DATE), _tidied(name, old.read(name)), zipfile.ZIP_DEFLATED)
    (HERE / "report.docx").write_bytes(out.getvalue())


def _tidied(name: str, content: bytes) -> bytes:
    """Without the library's own thumbnail."""
    if name != "_rels/.rels":
        return content
    import re

    return re.sub(rb"<Relationship [^>]*thumbnail[^>]*/>", b"", content)


if __name__ == "__main__":
    main()
