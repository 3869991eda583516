"""Charts as PNG, for mail and Word, which take no SVG; and whether this machine can write Chinese at all."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Final

from segmenter.errors import Refused
from segmenter.reports.palette import FONTS

WIDTH: Final = 960
"""pixels: twice the size at which a chart is shown"""
_PROBE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60">'
    '<text x="5" y="45" font-size="40" font-family="{fonts}">{sign}</text></svg>'
)


def png(svg: str, width: int = WIDTH) -> bytes:
    """The chart on white, `width` pixels wide. Refused("need_extra") without resvg, ("no_font") rather than boxes."""
    if not chinese() and any(ord(sign) > 0x2E80 for sign in svg):
        raise Refused("no_font")
    return _draw(svg, width)


@cache
def chinese(system_fonts: bool = True) -> bool:
    """Whether Chinese signs can be drawn: two of them look different from each other and from a sign nobody has."""
    drawn = {
        _draw(_PROBE.format(fonts=escape(FONTS), sign=chr(sign)), 60, system_fonts)
        for sign in (0x56FD, 0x6237, 0x10FFFD)
    }
    return len(drawn) == 3


def _draw(svg: str, width: int, system_fonts: bool = True) -> bytes:
    try:
        import resvg_py
    except ImportError:
        raise Refused("need_extra", extra="mail") from None
    return bytes(
        resvg_py.svg_to_bytes(svg_string=svg, width=width, background="#ffffff", skip_system_fonts=not system_fonts)
    )
