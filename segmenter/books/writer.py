"""Values on their way into the cells of one sheet."""

from __future__ import annotations

from segmenter.books import Formula, Stays, cells
from segmenter.books.cells import Plain
from segmenter.books.refs import Area
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.cells import address


class Writer:
    """Encodes values for the cells of one sheet, asking the styles for variants where a value needs one."""

    def __init__(self, sheet: Sheet, styles: Styles, date1904: bool) -> None:
        self.sheet = sheet
        self.styles = styles
        self.date1904 = date1904
        self.written: set[tuple[int, int]] = set()
        """(row, column) of the cells that were written anew"""
        self.columns: list[Area] = []
        """those of whole columns"""
        self.locked = ""
        """the first of them that a protected sheet would lock"""
        self._unquoted: dict[int, int] = {}
        """what `Styles.unquoted` said"""

    def cell(self, row: int, column: int, style: int, value: Plain) -> bytes:
        """A cell with a value, in its style or a variant of it."""
        value, style = self.fit(value.value if isinstance(value, Stays) else value, style)
        self.written.add((row, column))
        where = address(row, column)
        if not self.locked and self.styles.locked(style):
            self.locked = where
        return cells.encode(
            value,
            where,
            style,
            prefix=self.sheet.prefix,
            date1904=self.date1904,
            sheet=self.sheet.name,
        )

    def fit(self, value: Plain, style: int) -> tuple[Plain, int]:
        """The value as it can be kept, and the style it needs."""
        if style not in self._unquoted:
            self._unquoted[style] = self.styles.unquoted(style)
        style = self._unquoted[style]
        if value is None or isinstance(value, float):
            return value, style
        if isinstance(value, str):
            return value, self.styles.quoted(style) if cells.needs_quote(value) else style
        if isinstance(value, Formula):
            return value, self.styles.untexted(style)
        if cells.is_day(value):
            if cells.before_epoch(value, self.date1904):
                return value.isoformat(), style
            return value, self.styles.dated(style)
        return value, style
