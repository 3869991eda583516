"""What a report has where the settings ask for it: dimensions crossed, personas, clusters, customer value."""

from __future__ import annotations

from document import Report, header, t, value


def cross(it: Report) -> None:
    """Segments by the levels of each dimension."""
    with it.optional("cross"):
        with it.each("one in cross"):
            caption = t("cross.caption", "name=one.name, customers=one.customers|count")
            unknown = t("cross.unknown", "customers=one.unknown|count")
            it.text(caption + "{% if one.unknown %} " + unknown + "{% endif %}", "Caption")
            full = (
                "{{ cell.share|percent }} {% if cell.count %}{{ cell.lift|times }} {% endif %}n={{ cell.count|count }}"
            )
            it.columns(
                [
                    [t("cross.segment"), t("overview.customers"), *_across("level in one.levels", "{{ level }}")],
                    ["{%tr for row in one.rows %}", "", "", "", ""],
                    ["{{ row.name }}", "{{ row.customers|count }}", *_across("cell in row.cells", _or_dash(full))],
                    ["{%tr endfor %}", "", "", "", ""],
                    [
                        t("cross.everybody"),
                        "{{ one.customers|count }}",
                        *_across("cell in one.everybody", _or_dash("{{ cell.share|percent }}")),
                    ],
                ]
            )
            with it.each("hint in one.hints"):
                it.text("{{ hint.level }} {{ hint.hint }}{% if hint.target %} · {{ hint.target }}{% endif %}")
        it.text(t("cross.note"), "Caption")
        with it.when("masked"):
            it.text(t("cross.masked"), "Caption")


def personas(it: Report) -> None:
    """The personas of each segment, each claim with its evidence."""
    with it.optional("personas"):
        with it.each("one in personas"), it.when("one.name"):
            it.text("{{ one.name }}", "Heading 2")
            share = t("personas.share", "share=one.customer_share|percent")
            it.text("{{ one.segment }} · {{ one.customers|count }} · " + share, "Caption")
            for key in ("traits", "behaviour", "pains"):
                it.text(header(key, "personas") + ' {% for claim in one["' + key + '"] %}{{ claim }} {% endfor %}')
            for key in ("typical", "library", "missing"):
                with it.when(f"one.{key}"):
                    it.text(header(key, "personas") + " " + value(f"one.{key}"))
        it.text(t("personas.note"), "Caption")


def clusters(it: Report) -> None:
    """The clusters, crossed with the segments."""
    _told(it, "clusters")


def customer_value(it: Report) -> None:
    """What customers will bring, and how well that is known."""
    _told(it, "value")


def _told(it: Report, key: str) -> None:
    """A section of notes and of tables that say their own columns (macro `told` of the page)."""
    with it.optional(key):
        with it.each(f"note in {key}.notes"):
            it.text("{{ note }}")
        with it.each(f"table in {key}.tables"):
            it.text("{{ table.caption }}", "Caption")
            shown = "".join(
                '{% elif column.kind == "' + kind + '" %}' + value("v", kind) for kind in ("percent", "money", "count")
            )
            cell = "{% set v = row[loop.index0] %}{% if v is none %}—{% elif v is string %}{{ v }}" + shown
            it.columns(
                [
                    _across("column in table.columns", "{{ column.label }}"),
                    ["{%tr for row in table.rows %}", "", ""],
                    _across("column in table.columns", cell + "{% else %}{{ v|number }}{% endif %}"),
                    ["{%tr endfor %}", "", ""],
                ]
            )


def _across(loop: str, cell: str) -> list[str]:
    """Three cells of a row that become one for each."""
    return ["{%tc for " + loop + " %}", cell, "{%tc endfor %}"]


def _or_dash(shown: str) -> str:
    return "{% if cell %}" + shown + "{% else %}—{% endif %}"
