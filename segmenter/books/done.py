"""What was written to a sheet, for what follows of it: which cells are ours, and what stands elsewhere now."""

from __future__ import annotations

from segmenter.books import Stays
from segmenter.books.filling import Meant
from segmenter.books.refs import Area, Shift
from segmenter.books.results import Written
from segmenter.books.rowxml import Cell
from segmenter.books.slots import Slot


class Done:
    """What was written to a sheet."""

    def __init__(self) -> None:
        self.meant: dict[str, Meant] = {}
        """by table"""
        self.written = Written()
        self.shift: Shift | None = None
        """how the rows of its list changed, if it has one"""

    def moved(self, shift: Shift) -> None:
        """Note how the rows of its list changed."""
        self.shift = shift
        if shift.gone or shift.moved:
            rows = {*shift.gone, *shift.moved, *shift.moved.values()}
            top = max(min(rows) - 1, shift.first)  # the row above one that is gone may be the last that a sum has left
            area = Area(top, shift.columns[0], max(shift.old, *rows), shift.columns[1])
            self.written.went.append(area)
            self.written.moved.append((frozenset(shift.moved.values()), area))
            # further below formulas follow what they read
            self.written.copied.append((frozenset(row for row in shift.moved.values() if row <= shift.new), area))

    @property
    def risen(self) -> dict[int, int]:
        """The rows of somebody else, sums most often, that came up among those of a list as it was, by where they stand
        now: where they stood."""
        if self.shift is None:
            return {}
        whole = {slot.source for one in self.meant.values() for slot in one.slots if slot.whole}
        moved, last = self.shift.moved.items(), self.shift.old
        return {new: old for old, new in moved if new < old and new <= last and (old > last or old in whole)}

    def field(self, cell: Cell) -> tuple[Meant, str] | None:
        """The table and the field that a cell belongs to; none in a row of somebody else among those of a list."""
        for one in self.meant.values():
            last = one.first + one.table.rows - 1 if one.table.anchor or self.shift is None else self.shift.new
            slot = self._slot(one, cell)
            if not one.first <= cell.row <= last or (slot and slot.stays):
                continue
            for key, column in one.columns.items():
                if column == cell.column:
                    return one, key
        return None

    @staticmethod
    def _slot(plan: Meant, cell: Cell) -> Slot | None:
        """The row of a list that a cell stands in, where they are told one by one."""
        row = cell.row - plan.first
        return plan.slots[row] if 0 <= row < len(plan.slots) else None

    def is_ours(self, cell: Cell) -> bool:
        """Whether a cell is one that we write."""
        found = self.field(cell)
        if found is None:
            return False
        plan, key = found
        if key not in plan.written or not (plan.table.anchor or plan.table[key].owner == "us"):
            return False
        slot = self._slot(plan, cell)
        place = slot.place if slot else None
        return place is None or plan.frame is None or not isinstance(plan.frame[key][place], Stays)
