"""The plan: who does what until when and how far it is, and what should come next."""

from __future__ import annotations

from document import Report, header, t, value

DUE = '{% if row.due %} {{ t("tracking.until", day=row.due) }}{% endif %}'
"""the day a row of the plan is due, after its period"""


def outcome(row: str) -> str:
    """How far the target of a row of the plan is, after its text."""
    return (
        "{% if row.actual %} {{ row.actual }}"
        '{% if row.outcome and row.outcome != "no_data" %} {{ t("outcome." ~ row.outcome) }}{% endif %}{% endif %}'
    ).replace("row.", row + ".")


def tracking(it: Report) -> None:
    """Table 3 with its lights."""
    with it.optional("tracking"):
        it.text(t("tracking.caption", "sheet=tracking_sheet"), "Caption")
        keys = ("strategy", "action", "owner", "target", "period", "progress")
        more = {"target": outcome("row"), "period": DUE}
        it.table(
            [header("segment"), header("customers"), *(header(key) for key in keys), t("tracking.light")],
            "row in tracking",
            [
                "{{ row.name }}",
                "{{ row.customers|count }}",
                *(value(f"row.{key}") + more.get(key, "") for key in keys),
                '{{ t("tracking." ~ row.light) }}',
            ],
            [2.2, 1.3, 2.4, 3.2, 1.9, 2.3, 1.2, 1.3, 1.2],
            " r",
        )
        it.text(t("tracking.note", "good=lights.good|percent(0), fair=lights.fair|percent(0)"), "Caption")


def ahead(it: Report) -> None:
    """Proposals with their reasons, and the reviews that are due."""
    with it.optional("ahead"):
        with it.when("ahead.proposals"):
            it.text(t("ahead.caption"), "Caption")
            it.table(
                [t("ahead.about"), t("ahead.what"), t("ahead.why")],
                "one in ahead.proposals",
                ['{{ one.about or t("ahead.all") }}', "{{ one.what }}", "{{ one.why }}"],
                [2.6, 7, 7],
            )
        with it.when("not ahead.proposals"):
            it.text(t("ahead.none"))
        with it.when("ahead.reviews"):
            it.text(t("ahead.reviews"), "Heading 3")
            with it.each("one in ahead.reviews"):
                overdue = '{% if one.overdue %} {{ t("ahead.overdue") }}{% endif %}'
                it.text("{{ one.name }} {{ one.due }}" + overdue + " (" + t("ahead.last") + " {{ one.last }})")
