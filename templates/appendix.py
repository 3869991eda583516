"""The appendix: thresholds, segments, classes, formulas and words; the rows left out; where everything stands."""

from __future__ import annotations

from document import Report, t, value


def appendix(it: Report) -> None:
    """What somebody who doubts a figure looks up."""
    it.section("appendix")
    _rules(it)
    for key, name in (("formulas", "name"), ("glossary", "term")):
        it.text(t(f"appendix.{key}"), "Heading 2")
        it.table([], f"one in appendix.{key}", [value(f"one.{name}"), "{{ one.text }}"], [4, 12.6])
    _excluded(it)
    it.text(t("appendix.sheets"), "Heading 2")
    it.table(
        [t("appendix.what"), t("appendix.sheet")],
        "one in appendix.sheets",
        ["{{ one.what }}", "{{ one.sheet }}"],
        [8.6, 8],
    )
    it.text(t("footer"), "Caption")


def _rules(it: Report) -> None:
    it.text(t("appendix.thresholds"), "Heading 2")
    with it.each("one in appendix.thresholds"):
        it.table(
            [t("appendix.measure") + " {{ one.measure }} · {{ one.name }}", t("appendix.level"), t("appendix.digit")],
            "bin in one.bins",
            ["{{ bin.range }}", "{{ bin.label }}", "{{ bin.digit }}"],
            [9, 4, 3.6],
            "  r",
            whole=True,
        )
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


def _excluded(it: Report) -> None:
    it.text(t("appendix.excluded"), "Heading 2")
    with it.when("appendix.excluded.rows"):
        it.table(
            [t("appendix.place"), t("quality.kind"), t("appendix.why")],
            "row in appendix.excluded.rows",
            ["{{ row.cell or row.sheet }}", "{{ row.kind }}", "{{ row.message }}"],
            [2.4, 3.6, 10.6],
        )
        holes = "total=appendix.excluded.total|count, shown=appendix.excluded.shown|count"
        it.text(t("appendix.excluded_note", holes), "Caption")
        it.otherwise()
        it.text(t("appendix.excluded_none"))
