"""How cells look: the colours, the number formats, and what they make of a header and of a column's cells."""

from __future__ import annotations

from typing import Any, Final

from segmenter.schema import Field, Table

FONT: Final = "Microsoft YaHei"

# One accent, a deep teal, in five strengths; the colours of theme.xml.
ACCENT, MIDDLE, SOFT, PALE, MIST = "#0E5A67", "#2F7F8D", "#A9D3D8", "#D6ECEF", "#F2F8F9"
INK, MUTED, LINE, WHITE = "#22363B", "#6A8086", "#D3E2E5", "#FFFFFF"
CLASS_LOOK: Final = {"static": (ACCENT, WHITE), "behaviour": (MIDDLE, WHITE), "value": (SOFT, INK), "need": (PALE, INK)}

NUMBER_FORMATS: Final = {
    "id": "@",
    "text": "@",
    "list": "@",
    "choice": "@",
    "count": "0",
    "money": "#,##0.00",
    "number": "#,##0.##",
    "rate": "0.0%",
    "date": "yyyy-mm-dd",
}
CENTRED: Final = {"choice", "date"}
NUMERIC: Final = {"count", "money", "number", "rate"}

TEMPLATE_COLUMNS: Final = {"rfm": 6, "strategy": 8}
"""so many columns of a result sheet are the template's; the others are helpers"""
WRAPPED: Final = {"strategy", "cleaning", "dimensions", "cross", "personas", "proposals", "clusters"}
"""sheets of long texts, which are broken into lines"""


def header_look(table: Table, position: int, one: Field) -> dict[str, Any]:
    """Colours of a header: by field class on the customers sheet, by origin on the result sheets."""
    fill, ink = ACCENT, WHITE
    if one.field_class:
        fill, ink = CLASS_LOOK[one.field_class]
    elif position >= TEMPLATE_COLUMNS.get(table.key, len(table.fields)):
        fill, ink = PALE, INK
    side: dict[str, Any] = {"align": "left", "indent": 1}
    if one.kind in NUMERIC:
        side = {"align": "right", "indent": 2}  # the filter button stands at the right edge
    elif one.kind in CENTRED:
        side = {"align": "center"}
    return {"bold": True, "bg_color": fill, "font_color": ink, "text_wrap": True, **side}


def cell_look(table: Table, one: Field) -> dict[str, Any]:
    """How the cells of a column look; `fill` gives new rows the look of the first."""
    look: dict[str, Any] = {"num_format": NUMBER_FORMATS[one.kind]}
    if one.kind in CENTRED:
        look |= {"align": "center"}
    else:
        look |= {"align": "right" if one.kind in NUMERIC else "left", "indent": 1}
    if table.key in WRAPPED and one.kind == "text" and one.width > 12:
        look |= {"text_wrap": True}
    return look


def digits_wide(text: str) -> int:
    """About how many digits wide a text is."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)
