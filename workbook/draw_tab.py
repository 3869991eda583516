"""Draws ribbon.svg, a picture of the tab for the README, from the ribbon's XML and its texts: a drawing, no screenshot.

python workbook/draw_tab.py [FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from build_addin import HERE, ribbon

from segmenter.texts import Lang

_UI = "{http://schemas.microsoft.com/office/2009/07/customui}"
_FONT = "'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', sans-serif"
_WIDTH, _BUTTON = 640, 92


def draw(lang: Lang) -> str:
    """The tab in a language as SVG: groups and buttons in their order; the icons are Excel's own and only framed."""
    tab = next(ElementTree.fromstring(ribbon(lang)).iter(f"{_UI}tab"))
    left, body = 16, []
    body.append(_text(left + len(tab.get("label", "")) * 8 + 4, 26, tab.get("label", ""), 15, "#0E5A67", "600"))
    body.append(f'<rect x="{left}" y="34" width="{len(tab.get("label", "")) * 16 + 8}" height="3" fill="#0E5A67"/>')
    for group in tab.iter(f"{_UI}group"):
        start = left
        for button in group:
            middle = left + _BUTTON // 2
            body.append(
                f'<rect x="{middle - 16}" y="54" width="32" height="32" rx="5" fill="#D6ECEF" stroke="#2F7F8D"/>'
            )
            body.append(_text(middle, 74, button.get("keytip", ""), 12, "#0E5A67", "600"))
            body.append(_text(middle, 108, button.get("label", ""), 13, "#22363B"))
            left += _BUTTON
        body.append(_text((start + left) // 2, 138, group.get("label", ""), 11, "#6A8086"))
        body.append(f'<path d="M{left + 4} 48V142" stroke="#D3E2E5"/>')
        left += 12
    frame = f'<rect x=".5" y=".5" width="{_WIDTH - 1}" height="151" rx="6" fill="#fff" stroke="#D3E2E5"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} 152" width="{_WIDTH}" font-family="{_FONT}">'
    return "\n".join([head, frame, *body, "</svg>", ""])


def _text(x: int, y: int, text: str, size: int, colour: str, weight: str = "400") -> str:
    style = f'font-size="{size}" fill="{colour}" font-weight="{weight}" text-anchor="middle"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "ribbon.svg"
    target.write_text(draw("zh"), encoding="utf-8")
