"""The segments: all of them in one table, their charts, who moved between them, and a card for each."""

from __future__ import annotations

from document import WITHHELD, Report, header, t, value
from tracking import outcome

OVERVIEW = (
    ("customers", "customers", "count"),
    ("customer_share", "customer_share", "percent"),
    ("amount", "amount", "money"),
    ("amount_share", "amount_share", "percent"),
    ("orders", "orders", "count"),
    ("aov", "average_order_value", "money"),
    ("median_r", "median_recency_days", "number"),
    ("median_f", "median_frequency", "number"),
    ("median_m", "median_monetary", "money"),
)
"""text of the header, figure and how it is shown"""


def overview(it: Report) -> None:
    """A row a segment, and the sum."""
    it.section("overview")
    it.text(t("overview.caption"), "Caption")
    it.table(
        [t("overview.segment"), *(t(f"overview.{head}") for head, _, _ in OVERVIEW)],
        "row in segments",
        ["{{ row.name }}", *(value(f"row.{figure}", kind) for _, figure, kind in OVERVIEW)],
        [2.4, 1.3, 1.6, 2.1, 1.6, 1.4, 1.5, 1.5, 1.5, 1.7],
        " rrrrrrrrr",
        [t("overview.total"), *(value(f"total.{figure}", kind) for _, figure, kind in OVERVIEW)],
        whole=True,
    )
    with it.when("withheld"):
        it.text(t("overview.withheld", WITHHELD), "Caption")
    with it.when("not withheld"):
        it.text(t("overview.note"), "Caption")


def charts(it: Report) -> None:
    """The pictures; without a heading where the report has no section of them."""
    with it.when("charts"):
        with it.when("sections.charts is defined"):
            it.section("charts")
        with it.each("one in charts"):
            it.text("{{ one.title }}", "Heading 2")
            it.text("{{ chart(one.key) }}")
            it.text("{{ one.note }}", "Caption")


def migration(it: Report) -> None:
    """How many moved since the last analysis, and where to."""
    with it.optional("migration"):
        it.text("{{ migration.period }}")
        with it.when("not migration.same_rules"):
            it.text(t("migration.rules"))
        heads = [t(f"migration.{key}") for key in ("customers", "share", "before", "after", "lost")]
        figures = [value("row.customers", "count"), value("row.share", "percent")]
        figures += [value(f"row.{key}", "money") for key in ("before", "after", "lost")]
        for name, label, what in (("heads", "kind", "name"), ("moves", "move", "move")):
            with it.when(f"migration.{name}"):
                it.text(t(f"migration.{name}"), "Heading 2")
                it.table(
                    [t(f"migration.{label}"), *heads],
                    f"row in migration.{name}",
                    [value(f"row.{what}"), *figures],
                    [4.6, 2, 2, 2.7, 2.7, 2.6],
                    " rrrrr",
                )
        it.text(t("migration.note", "sheet=migration.sheet"), "Caption")


def cards(it: Report) -> None:
    """Each segment: its figures, its rule, its customers and its plan."""
    with it.optional("cards"):
        with it.each("card in cards"):
            it.text("{{ card.name }}", "Heading 2")
            with it.when("card.plan and card.plan.traits"):
                it.text("{{ card.plan.traits }}", "Caption")
            figures = (
                t("overview.customers") + " {{ card.customers|count }} ({{ card.customer_share|percent }})",
                t("overview.amount") + " {{ card.amount|money_short }} ({{ card.amount_share|percent }})",
                t("card.per_head") + " {{ card.per_head|money }}",
                t("overview.aov") + " {{ card.average_order_value|money }}",
            )
            it.text(" · ".join(figures))
            it.text(t("card.rule"), "Heading 3")
            with it.each("way in card.definition"):
                it.text("{{ way.pattern }}  {{ way.text }}")
            _profile(it)
            with it.when("card.plan"):
                _plan(it)
        it.text(t("card.profile_note"), "Caption")


def _profile(it: Report) -> None:
    it.text(t("card.profile"), "Heading 3")
    with it.when("card.profile"):
        it.table(
            [t(f"card.{key}") for key in ("dimension", "value", "share", "everybody", "lift", "n")],
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
    with it.when("not card.profile"):
        it.text('{{ t("card.profile_masked" if masked else "card.profile_none") }}')


def _plan(it: Report) -> None:
    it.text(t("card.plan"), "Heading 3")
    for key in ("strategy", "action", "owner", "target", "period"):
        more = outcome("card.plan") if key == "target" else ""
        it.text(header(key) + " " + value(f"card.plan.{key}") + more)
    light = '{% if card.plan.light not in ("idle", "none") %} ({{ t("tracking." ~ card.plan.light) }}){% endif %}'
    it.text(header("progress") + " {{ card.plan.progress }}" + light)
    it.text(t("card.next") + " {{ card.plan.next }}")
    with it.when("card.plan.status"):
        it.text(header("status") + " {{ card.plan.status }}")
