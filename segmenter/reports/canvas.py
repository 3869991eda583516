"""A drawing surface for charts: shapes collected in pixels and roles of the palette, drawn by lets-plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from segmenter.reports import formats
from segmenter.reports.palette import LIGHT
from segmenter.reports.squarify import Box
from segmenter.reports.svg import finish, printable

WIDTH: Final = 480
"""of every chart in pixels; a phone shows it at three quarters, where 13 px text is still read"""
TEXT: Final = 13
FINE: Final = 12


@dataclass
class Sheet:
    """A drawing surface of `width` x `height` pixels, y down, that collects shapes and draws them in layers."""

    height: float
    width: float = WIDTH
    boxes: list[tuple[Box, str, str]] = field(default_factory=list)
    lines: list[tuple[list[tuple[float, float]], str, float, str]] = field(default_factory=list)
    dots: list[tuple[float, float, str]] = field(default_factory=list)
    words: list[tuple[float, float, str, str, float, str, float]] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, fill: str, edge: str = "") -> None:
        """A filled rectangle; `fill` and `edge` are roles of the palette."""
        self.boxes.append((Box(x, y, width, height), fill, edge))

    def line(self, points: Sequence[tuple[float, float]], role: str, size: float = 1.0, kind: str = "solid") -> None:
        """A line through `points`."""
        self.lines.append((list(points), role, size, kind))

    def text(
        self, x: float, y: float, text: str, role: str = "muted", size: float = TEXT, at: str = "left", turn: float = 0
    ) -> None:
        """One line of text whose middle is at height `y`; `at` says which of its ends is at `x`."""
        self.words.append((x, y, text, role, size, at, turn))

    def svg(self, uid: str, title: str, description: str) -> str:
        """Everything collected, as the SVG of one chart."""
        from lets_plot import (
            aes,
            coord_fixed,
            element_rect,
            geom_point,
            geom_rect,
            geom_text,
            ggplot,
            ggsize,
            scale_x_continuous,
            scale_y_continuous,
            theme,
            theme_void,
        )

        plot = ggplot() + ggsize(int(self.width), int(self.height)) + theme_void()
        plot += theme(plot_background=element_rect(blank=True), plot_margin=0, plot_inset=0, panel_inset=0)
        plot += scale_x_continuous(limits=[0, self.width], expand=[0, 0]) + scale_y_continuous(
            limits=[0, self.height], expand=[0, 0]
        )
        plot += coord_fixed(ratio=1)
        strokes = sorted(self.lines, key=lambda line: line[1] != "line")  # the grid lies under everything
        grid = sum(line[1] == "line" for line in strokes)
        for line in strokes[:grid]:
            plot += _stroke(self.height, *line)
        for roles in dict.fromkeys((fill, edge) for _, fill, edge in self.boxes):
            found = [box for box, *its in self.boxes if tuple(its) == roles]
            data = {
                "x0": [b.x for b in found],
                "x1": [b.x + b.width for b in found],
                "y0": [self.height - b.y for b in found],
                "y1": [self.height - b.y - b.height for b in found],
            }
            edge = {"color": LIGHT[roles[1]], "size": 0.8} if roles[1] else {"size": 0}
            plot += geom_rect(
                aes(xmin="x0", xmax="x1", ymin="y0", ymax="y1"),
                data=data,
                fill=LIGHT[roles[0]],
                tooltips="none",
                **edge,
            )
        for line in strokes[grid:]:
            plot += _stroke(self.height, *line)
        for x, y, role in self.dots:
            data = {"x": [x], "y": [self.height - y]}
            plot += geom_point(aes("x", "y"), data=data, color=LIGHT[role], size=4.2, tooltips="none")
        for style in dict.fromkeys(word[3:] for word in self.words):
            found_words = [word for word in self.words if word[3:] == style]
            where: dict[str, list[Any]] = {
                "x": [w[0] for w in found_words],
                "y": [self.height - w[1] for w in found_words],
                "label": [printable(w[2]) for w in found_words],
            }
            role, size, at, turn = style
            look = {
                "color": LIGHT[role],
                "size": size / 2,
                "hjust": {"left": 0, "middle": 0.5, "right": 1}[at],
                "angle": turn,
            }
            plot += geom_text(aes("x", "y", label="label"), data=where, label_format="", **look)
        return finish(plot.to_svg(), uid, title, description)


def _stroke(height: float, points: list[tuple[float, float]], role: str, size: float, kind: str) -> Any:
    from lets_plot import aes, geom_path

    data = {"x": [x for x, _ in points], "y": [height - y for _, y in points]}
    return geom_path(aes("x", "y"), data=data, color=LIGHT[role], size=size / 2.2, linetype=kind, tooltips="none")


def legend(sheet: Sheet, entries: Sequence[tuple[str, str]], x: float, y: float) -> None:
    for role, text in entries:
        sheet.box(x, y - 5, 10, 10, role)
        sheet.text(x + 15, y, text, size=FINE)
        x += 15 + formats.width(text) * FINE + 18


def axes(sheet: Sheet, area: Box, xs: Sequence[tuple[float, str]], ys: Sequence[tuple[float, str]]) -> None:
    """Grid lines and numbers; `xs`, `ys`: (place in pixels, text)."""
    for y, text in ys:
        sheet.line([(area.x, y), (area.x + area.width, y)], "line")
        sheet.text(area.x - 7, y, text, size=FINE, at="right")
    last = -1e9
    for x, text in xs:
        x = min(x, sheet.width - formats.width(text) * FINE / 2)
        half = formats.width(text) * FINE / 2
        if x - half > last + 6:
            sheet.text(x, area.y + area.height + 13, text, size=FINE, at="middle")
            last = x + half
