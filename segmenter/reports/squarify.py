"""A squarified treemap (Bruls, Huizing, van Wijk 2000): areas to rectangles that are as square as they can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle; (x, y) is its upper left corner."""

    x: float
    y: float
    width: float
    height: float


def squarify(values: Sequence[float], box: Box) -> list[Box]:
    """One rectangle a value, in the order given, that together fill `box`; `values` are positive and falling."""
    if not values:
        return []
    scale = box.width * box.height / sum(values)
    areas = [value * scale for value in values]
    found: list[Box] = []
    while areas:
        side = min(box.width, box.height)
        count = 1
        while count < len(areas) and _worst(areas[: count + 1], side) <= _worst(areas[:count], side):
            count += 1
        row, areas = areas[:count], areas[count:]
        depth = sum(row) / side if side else 0.0
        along = 0.0
        for area in row:
            length = area / depth if depth else 0.0
            wide = box.width >= box.height
            found.append(Box(box.x, box.y + along, depth, length) if wide else Box(box.x + along, box.y, length, depth))
            along += length
        if box.width >= box.height:
            box = Box(box.x + depth, box.y, box.width - depth, box.height)
        else:
            box = Box(box.x, box.y + depth, box.width, box.height - depth)
    return found


def _worst(row: Sequence[float], side: float) -> float:
    """The largest ratio of sides in a row laid along `side`."""
    total = sum(row)
    if not total or not side:
        return float("inf")
    return max(max(side**2 * area / total**2, total**2 / (side**2 * area)) for area in row)
