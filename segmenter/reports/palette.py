"""The colours of reports and charts: everything is drawn from one accent, once for light pages and once for dark.

A role is what a colour is for. Charts carry the light colour as an attribute and the role as a class, so that a
chart stands alone (mail, Word) and follows the page where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Tone:
    """One role's colour on a light and on a dark page, as #rrggbb."""

    light: str
    dark: str


PALETTE: Final[Mapping[str, Tone]] = MappingProxyType(
    {
        "paper": Tone("#ffffff", "#12191c"),
        "panel": Tone("#f4f7f8", "#1a2327"),
        "ink": Tone("#16262b", "#e4ecee"),
        "muted": Tone("#566a71", "#9db0b6"),
        "line": Tone("#d9e2e4", "#304046"),
        "accent": Tone("#0e5a67", "#5dbccb"),
        "on-accent": Tone("#fefefe", "#0b1416"),
        "quiet": Tone("#a9bdc2", "#4d6269"),
        "signal": Tone("#b0552a", "#e8a06f"),
        # a ramp for heat and treemap; figures on steps 1-3 are written in ramp-low, on 4-5 in ramp-high
        "ramp-1": Tone("#e6f1f3", "#1b2d32"),
        "ramp-2": Tone("#c3dfe3", "#1f4149"),
        "ramp-3": Tone("#93c5cc", "#255a65"),
        "ramp-4": Tone("#2c7583", "#4ea7b5"),
        "ramp-5": Tone("#0c4b57", "#92d6e0"),
        "ramp-low": Tone("#16262c", "#e4eced"),
        "ramp-high": Tone("#fffffe", "#0b1417"),
        "good": Tone("#1f7a4d", "#6cc799"),
        "fair": Tone("#8a5a00", "#e0b252"),
        "poor": Tone("#b3372c", "#f0897e"),
    }
)
"""role -> its colours; no two roles share a light colour, which is how a drawn shape is told its role"""

LIGHT: Final[Mapping[str, str]] = MappingProxyType({role: tone.light for role, tone in PALETTE.items()})

RAMP: Final = ("ramp-1", "ramp-2", "ramp-3", "ramp-4", "ramp-5")

FONTS: Final = (
    "'PingFang SC','Hiragino Sans GB','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC',"
    "'WenQuanYi Micro Hei',sans-serif"
)
"""what draws Chinese on macOS, Windows, Linux and phones, in this order"""


def on(ramp: str) -> str:
    """The role of text on a step of the ramp."""
    return "ramp-high" if ramp in RAMP[3:] else "ramp-low"
