"""Writing a block: values into the fixed cells below an anchor; styles, rows and everything around stay."""

from __future__ import annotations

from segmenter.books import Grid, cells
from segmenter.books.cells import Plain
from segmenter.books.filling import body_of
from segmenter.books.sheetxml import Sheet
from segmenter.books.writer import Writer
from segmenter.cells import address, position
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.schema import Table, fold

_SEARCHED = 200
"""rows from the top among which a block that was moved is looked for"""


def anchor(grid: Grid, table: Table) -> tuple[int, int]:
    """The cell of the block's first header: where the schema says, or where its headers stand now.

    Refused when the sheet does not have them.
    """
    row, column = position(table.anchor)
    if _matches(grid, table, row, column) > 0:
        return row, column
    found = [
        (row, column)
        for row in range(min(_SEARCHED, grid.height))
        for column in range(len(grid.rows[row]))
        if _matches(grid, table, row, column) == len(table.fields)
    ]
    if len(found) == 1:
        return found[0]
    first = table.fields[0]
    raise Refused("sheet_foreign", sheet=grid.sheet, cell=table.anchor, value=" / ".join(first.header.values()))


def _matches(grid: Grid, table: Table, row: int, column: int) -> int:
    """How many headers of the block stand in their places when it begins at (row, column)."""
    cells = grid.rows[row] if row < grid.height else []
    shown = [fold(cell) if isinstance(cell, str) else "" for cell in cells[column : column + len(table.fields)]]
    return sum(name in field.names() for name, field in zip(shown, table.fields, strict=False) if name)


def fill(sheet: Sheet, corner: tuple[int, int], table: Table, frame: Frame, writer: Writer) -> bytes:
    """The content of `<sheetData>` with the rows of `frame` below `corner`, the rest of the block emptied."""
    top, left = corner
    rows: dict[int, bytes] = {}
    values = {n: cells.column(frame[f.key]) for n, f in enumerate(table.fields) if f.key in frame}
    for n in range(table.rows):
        number = top + 1 + n
        source = sheet.rows.get(number)
        parts = {column: cell.raw for column, cell in source.cells.items()} if source else {}
        changed = False
        for offset, column_values in values.items():
            value: Plain = column_values[n] if n < len(frame) else None
            cell = source.cells.get(left + offset) if source else None
            if cell is None and value is None:
                continue
            if cell is None or not sheet.holds(cell, value, writer.date1904):
                style = cell.style if cell else sheet.column_styles.get(left + offset, 0)
                parts[left + offset] = writer.cell(number, left + offset, style, value)
                changed = True
        if changed:
            _refuse_merged(sheet, number, left, left + len(table.fields) - 1)
            rows[number] = sheet.compose(source.attributes if source else b"", number, parts)
    return body_of(sheet, rows)


def _refuse_merged(sheet: Sheet, row: int, left: int, right: int) -> None:
    for one in sheet.merged:
        if one.top <= row <= one.bottom and one.left <= right and left <= one.right and one.top != one.bottom:
            raise Refused("table_merged", sheet=sheet.name, cell=address(one.top, one.left))
