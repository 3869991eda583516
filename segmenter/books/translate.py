"""Formulas that go along with rows, in one of two ways.

Copied (`moved`): the row of a customer is one of many alike, and people fill a formula down them: `=I5*2`, `=I5-I4`, a
running sum `=SUM(I$2:I5)`. It is seen from where its row stands now, as Excel does when it copies or sorts rows.

Following (`Following`): a row that is no customer's, a remark or one of totals, is there once, and says something about
certain cells: `=SUM(I2:I131)`. It goes on saying it about them, as all formulas do when rows are deleted from a sheet
in Excel, or inserted. Seen from another place it would speak of others: of a customer less, and of the header.

Names may look like cells: `YTD2024` is one, for no sheet has so many columns, and `a\\I5` ends like one.
"""

from __future__ import annotations

import re
from typing import Final

from segmenter.books import refs
from segmenter.books.refs import Area, Shift
from segmenter.cells import column_of, letter, position
from segmenter.errors import Refused

_CELL: Final = r"\$?[A-Z]{1,3}\$?[1-9][0-9]{0,6}"
_COLUMN: Final = r"\$?[A-Z]{1,3}"
_ROW: Final = r"\$?[1-9][0-9]{0,6}"
_PIECE: Final = (
    r'(?i)"(?:[^"]|"")*"'  # a text
    r"|(?<![\w.$\\?])(?:(?P<sheet>'(?:[^']|'')+'|(?:\[[^\[\]]+\])?[^\s'!(),;+\-*/^&=<>{}\"\[\]]+)!)?"
    rf"(?P<cells>{_CELL}(?::{_CELL})?|{_ROW}:{_ROW}|{_COLUMN}:{_COLUMN})(?![\w(!.\\?])"
    r"|'(?:[^']|'')*'"  # a sheet of which no cells follow
    r"|\[(?:'.|[^\[\]']|\[(?:'.|[^\[\]'])*\])*\]"  # columns of a table, another workbook
)
"""what may look like a reference, and references"""
_PLACE: Final = re.compile(r"(?<![\w.])ROW\(\s*\)", re.IGNORECASE)
_END: Final = re.compile(r"(\$?)([A-Z]*)(\$?)([0-9]*)", re.IGNORECASE)
"""a cell, a column or a row"""


def moved(text: str, origin: str, target: str) -> str:
    """The formula `text` (without "=") of cell `origin` as it reads in cell `target`; Refused where it cannot be read,
    or would lead above the sheet or below it."""
    (row, column), (new_row, new_column) = position(origin), position(target)

    def move(found: re.Match[str]) -> str:
        cells = found["cells"]
        if cells is None:
            return found[0]
        ends = [_moved(end, new_row - row, new_column - column) for end in cells.split(":")]
        if "" in ends:
            raise Refused("formula_stuck", value=text)
        return found[0].removesuffix(cells) + ":".join(ends)

    rest = re.sub(_PIECE, "", text)
    if any(mark in rest for mark in "\"'[]") or rest.count("(") != rest.count(")"):
        raise Refused("formula_stuck", value=text)
    return re.sub(_PIECE, move, text)


def reads_cells(text: str) -> bool:
    """Whether the formula `text` (without "=") reads cells: of a sheet, of a table, of another workbook; or where it
    stands itself, as the numbers do that people fill down."""
    if _PLACE.search(text):
        return True
    return any(found["cells"] or found[0].startswith("[") for found in re.finditer(_PIECE, text))


def _moved(end: str, down: int, right: int) -> str:
    """A cell, a column or a row of a reference, so much further down and to the right where it is relative; "" where it
    would leave the sheet."""
    fixed, letters, fixed_row, digits = _END.fullmatch(end).groups()  # type: ignore[union-attr]
    column = column_of(letters) if letters else 0
    if column >= refs.MAX_COLUMNS or int(digits or 0) > refs.MAX_ROWS:
        return end  # a name
    if letters and right and not fixed:
        letters = letter(column + right) if 0 <= column + right < refs.MAX_COLUMNS else ""
        if not letters:
            return ""
    if digits and down and not (fixed_row if letters else fixed):
        number = int(digits) + down
        return f"{fixed}{letters}{fixed_row}{number}" if 0 < number <= refs.MAX_ROWS else ""
    return f"{fixed}{letters}{fixed_row}{digits}"


class Following:
    """Lets formulas on a sheet (`sheet` on its tab) go on reading the cells they read, after a shift of its rows.

    A reference goes where its row went, with `$` or without, the formula's own row no other than the rest; what stands
    above, below or beside the rows, and on other sheets, stays. Of a range the rows that went are left out. One down to
    the last row of the list, or past it, reads what was added below as well, like everything said of the list (see
    `Shift.area`), unless that row is the formula's own: a sum over the rows above it, or along it, means no others.
    """

    def __init__(self, shift: Shift, sheet: str) -> None:
        self._shift = shift
        self._sheet = sheet.casefold()

    def formula(self, text: str, row: int) -> str:
        """The formula `text` (without "=") of a cell that stood in `row`. Refused where nothing is left of what it
        reads: Excel would write #REF! over what somebody typed."""

        def follow(found: re.Match[str]) -> str:
            cells, sheet = found["cells"], (found["sheet"] or self._sheet).removeprefix("'").removesuffix("'")
            if cells is None or sheet.replace("''", "'").casefold() != self._sheet:
                return found[0]
            area = refs.area(cells)
            kept = self._area(area, row, is_range=":" in cells)
            if kept is None:
                raise Refused("formula_stuck", value=text)
            if kept == area:
                return found[0]
            ends = zip(cells.split(":"), (kept.top, kept.bottom), strict=False)
            return found[0].removesuffix(cells) + ":".join(re.sub("[0-9]+$", str(row + 1), end) for end, row in ends)

        return re.sub(_PIECE, follow, text)

    def _area(self, one: Area, row: int, *, is_range: bool) -> Area | None:
        shift = self._shift
        if not shift.covers(one):
            return one
        alone = one.top == one.bottom and one.left < one.right and shift.first < shift.old  # one customer's cells
        reaches = is_range and one.top <= shift.old <= one.bottom and not alone and not one.bottom == shift.old == row
        top, bottom = shift.down(one.top), shift.up(one.bottom)
        bottom = max(bottom, shift.new) if reaches else bottom
        return one._replace(top=top, bottom=bottom) if top <= bottom else None
