"""From the SVG a drawing library makes to one that may stand in a page: small, deterministic, themed, harmless.

The library's own style sheet, its random ids and its number noise go; what stays is on a list. Every colour of the
palette gets its role as a class (`f-accent`, `s-line`), so a page can repaint it; the light colour stays as the
attribute for readers without one (mail, Word).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from segmenter.reports.palette import FONTS, LIGHT

SVG: Final = "http://www.w3.org/2000/svg"
ELEMENTS: Final = frozenset(
    {"g", "path", "rect", "line", "circle", "polyline", "polygon", "text", "tspan", "defs", "clipPath"}
)
"""what a chart may consist of; anything else (links, images, styles, scripts) is dropped with all it holds"""
_ALLOWED = """id transform clip-path d x y x1 y1 x2 y2 cx cy r width height points fill fill-opacity fill-rule stroke
stroke-opacity stroke-width stroke-dasharray stroke-linecap stroke-linejoin text-anchor dy dx opacity font-size
font-weight"""
ATTRIBUTES: Final = frozenset(_ALLOWED.split())
_ROLES: Final = {tuple(int(hexa[i : i + 2], 16) for i in (1, 3, 5)): role for role, hexa in LIGHT.items()}
_LOOKALIKES: Final = str.maketrans("<>\\", "＜＞＼")
_RGB: Final = re.compile(r"rgba?\((\d+),\s*(\d+),\s*(\d+)(?:,\s*[\d.]+)?\)")
_HEX: Final = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_NUMBER: Final = re.compile(r"-?\d+\.\d+(?:[eE]-?\d+)?")
_URL: Final = re.compile(r"url\(#(.+?)\)")
_NUMERIC: Final = {key for key in ATTRIBUTES if not key.startswith(("fill", "stroke", "clip", "text", "id", "opacity"))}
_DEFAULTS: Final = {
    "fill-opacity": "1",
    "stroke-opacity": "1",
    "font-weight": "normal",
    "transform": "",
    "fill-rule": "evenodd",
}


def printable(text: str) -> str:
    """The text without what XML cannot hold and without what the drawing library would read as markup: it makes
    links of <a>, formulas of \\( \\), and lines of breaks. Look-alikes take the place of the signs."""
    plain = "".join(c if unicodedata.category(c) not in {"Cc", "Cs", "Cn", "Zl", "Zp"} else " " for c in text)
    return plain.translate(_LOOKALIKES).strip()


def finish(raw: str, uid: str, title: str, description: str) -> str:
    """The SVG of one chart.

    `uid`: what its ids begin with, unique on the page; `title`, `description`: what a screen reader says.
    """
    root = ET.fromstring(raw)  # noqa: S314 our own library's output
    width, height = (float(root.get(name, "0")) for name in ("width", "height"))
    names = {node.get("id", ""): f"{uid}-{i}" for i, node in enumerate(n for n in root.iter() if n.get("id"))}
    new = ET.Element(
        "svg", {"xmlns": SVG, "viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    )
    new.attrib |= {"class": "chart", "role": "img", "aria-labelledby": f"{uid}-t {uid}-d", "font-family": FONTS}
    for tag, text in (("title", title), ("desc", description)):
        ET.SubElement(new, tag, {"id": f"{uid}-{tag[0]}"}).text = printable(text)
    new.extend(_clean(child, names) for child in _kept(root))
    used = set(_URL.findall(" ".join(node.get("clip-path", "") for node in new.iter())))
    _drop_unused(new, used)
    return ET.tostring(new, encoding="unicode")


def _kept(node: ET.Element) -> Iterator[ET.Element]:
    return (child for child in node if child.tag.removeprefix(f"{{{SVG}}}") in ELEMENTS)


def _clean(node: ET.Element, names: dict[str, str]) -> ET.Element:
    tag = node.tag.removeprefix(f"{{{SVG}}}")
    style = dict(part.split(":", 1) for part in node.get("style", "").split(";") if ":" in part)
    found = {**{key.strip(): value.strip() for key, value in style.items()}, **node.attrib}
    if tag == "text":
        found.setdefault("fill", LIGHT["muted"])
    new = ET.Element(tag)
    classes = []
    for key, value in found.items():
        if key not in ATTRIBUTES:
            continue
        if key in ("fill", "stroke"):
            value, role = _colour(value)
            classes += [f"{key[0]}-{role}"] if role else []
        elif key == "id":
            value = names[value]
        elif key in _NUMERIC or key == "stroke-width":
            value = _NUMBER.sub(lambda m: f"{round(float(m[0]), 2):g}" if abs(float(m[0])) < 1e5 else m[0], value)
        elif key.endswith("opacity"):
            value = f"{float(value):g}"
        value = _URL.sub(lambda m: f"url(#{names.get(m[1], m[1])})", value).strip()
        value = value.removesuffix("px") if key == "font-size" else value
        if value != _DEFAULTS.get(key):
            new.set(key, value)
    if classes:
        new.set("class", " ".join(classes))
    if tag in ("text", "tspan") and node.text and node.text.strip():
        new.text = node.text.strip()
    children = [_clean(child, names) for child in _kept(node)]
    if tag == "text" and len(children) == 1 and not children[0].attrib:
        new.text = children[0].text
    else:
        new.extend(child for child in children if child.tag not in ("g", "defs") or len(child))
    if tag == "g" and len(new) == 1 and new[0].tag == "g" and set(new.attrib) <= {"transform", "id"} and _plain(new):
        return new[0]
    return new


def _plain(node: ET.Element) -> bool:
    """Whether a group does nothing: no transform, or a turn by nothing."""
    return not node.get("transform") or node.get("transform", "").startswith(("rotate(0 ", "rotate(0.0 "))


def _colour(value: str) -> tuple[str, str]:
    """(#rrggbb, its role in the palette or "")."""
    if found := _RGB.fullmatch(value):
        rgb = tuple(int(part) for part in found.groups())
    elif found := _HEX.fullmatch(value):
        rgb = tuple(int(part, 16) for part in found.groups())
    else:
        return value, ""
    return "#{:02x}{:02x}{:02x}".format(*rgb), _ROLES.get(rgb, "")


def _drop_unused(node: ET.Element, used: set[str]) -> None:
    for child in list(node):
        unused = child.tag == "clipPath" and child.get("id") not in used
        _drop_unused(child, used)
        if unused or (child.tag in ("g", "defs") and not len(child)):
            node.remove(child)
        elif child.tag != "clipPath" and child.tag not in ("title", "desc"):
            child.attrib.pop("id", None)
