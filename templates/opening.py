"""How the report begins: title and facts, what leads it, the summary, the quality of the data."""

from __future__ import annotations

from document import WITHHELD, Report, t, value


def title(it: Report) -> None:
    """The title, the goal and the facts of the report."""
    it.text("{{ title }}", "Title")
    with it.when("goal"):
        it.text(t("fact.goal") + '{{ ": " if lang == "en" else "：" }}{{ goal }}')
    it.table([], "fact in facts", ["{{ fact.label }}", "{{ fact.text }}"], [4, 12.6])
    with it.when("masked"):
        it.text(t("masked"), "Caption")


def lead(it: Report) -> None:
    """What the scenario puts first, a table a row of it."""
    with it.optional("lead", "lead.title"):
        it.text("{{ lead.text }}{{ lead.objective }}")
        with it.each("row in lead.rows"):
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


def summary(it: Report) -> None:
    """The key figures, and what to do first."""
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
    with it.each("one in actions"):
        it.text("{{ loop.index }}. {{ one.title }}", "Heading 2")
        it.text("{{ one.why }}")
        keys = ("action", "owner", "target", "progress")
        it.text(" · ".join(t(f"action.{key}") + " " + value(f"one.{key}") for key in keys))
    it.text(t("action.note"), "Caption")
    with it.when("withheld"):
        it.text(t("action.withheld", WITHHELD), "Caption")


def quality(it: Report) -> None:
    """How many rows were used, which were not, and what was found in them."""
    it.section("quality")
    rows_in, used, excluded = (
        t(f"quality.{key}") + " " + value(f"quality.{key}", "count")
        for key in ("rows_in", "rows_used", "rows_excluded")
    )
    it.text(f"{rows_in} = {used} + {excluded}")
    with it.when("quality.outliers and quality.outliers_share is none"):
        it.text(t("quality.outliers_few", "count=quality.outliers|count, mode=quality.outlier_mode"))
    with it.when("quality.outliers and quality.outliers_share is not none"):
        holes = "count=quality.outliers|count, share=quality.outliers_share|percent, mode=quality.outlier_mode"
        it.text(t("quality.outliers", holes))
    with it.when("quality.reasons"):
        it.table(
            [t("quality.reasons"), t("quality.rows"), t("quality.share")],
            "row in quality.reasons",
            ["{{ row.kind }}", "{{ row.count|count }}", "{{ row.share|percent }}"],
            [9, 3.6, 4],
            " rr",
        )
    with it.when("quality.findings"):
        it.text(t("quality.findings"), "Caption")
        it.table(
            [t("quality.kind"), t("quality.count"), t("quality.amount"), t("quality.example")],
            "row in quality.findings",
            ["{{ row.kind }}", "{{ row.count|count }}", "{{ row.share|percent }}", "{{ row.cell }} {{ row.example }}"],
            [3, 1.6, 2.4, 9.6],
            " rr",
        )
        it.text(t("quality.findings_note", "total=quality.findings_total|count, sheet=quality.sheet"), "Caption")
