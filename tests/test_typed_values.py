"""Whatever people do between two runs, nothing they typed is lost: hypothesis plays the people."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from segmenter import jobs
from segmenter.schema import CUSTOMERS, RFM, STRATEGY

DAY = datetime(2026, 6, 30)
TYPED = 8
"""columns of table 3 that people type"""
NOTE = len(RFM.fields)
"""the column people add to the right of table 2, from 0"""
WORDS = st.text("进度已完成%=+-@ '\"<&>_x0009_\n甲乙丙0123456789é😀", min_size=1, max_size=12).filter(str.strip)


def rows_of(sheet: Any) -> list[list[Any]]:
    """The rows under the header, without trailing blanks."""
    return [list(row) for row in sheet.iter_rows(min_row=2, values_only=True) if any(cell is not None for cell in row)]


def put(sheet: Any, rows: list[list[Any]], width: int) -> None:
    """The rows as they are typed, the Excel table around them as Excel would draw it."""
    for number in range(max(len(rows), sheet.max_row - 1)):
        for column in range(width):
            cell = sheet.cell(number + 2, column + 1)
            cell.value = rows[number][column] if number < len(rows) and column < len(rows[number]) else None
            if isinstance(cell.value, str):
                cell.data_type = "s"
    for table in sheet.tables.values():
        first, last = table.ref.split(":")
        letters = "".join(filter(str.isalpha, last))
        table.ref = f"{first}:{letters}{max(len(rows), 1) + 1}"


class Desk(RuleBasedStateMachine):
    """A workbook on a desk: people edit it, and now and then somebody presses the button."""

    @initialize()
    def unpack(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "book.xlsx"
        jobs.new(self.path, "zh")
        self.people: dict[str, list[Any]] = {}
        self.plan: list[list[Any]] = []
        """the typed cells of table 3, as last seen or typed"""
        self.notes: dict[str, str] = {}
        self.number = 0
        self.filled = False
        for count in (12, 5, 1):
            self.add(count)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def edit(self, change: Any) -> None:
        book = openpyxl.load_workbook(self.path)
        change(book)
        book.save(self.path)

    def save_people(self) -> None:
        width = len(CUSTOMERS.shown)
        self.edit(lambda book: put(book[CUSTOMERS.sheet["zh"]], [*self.people.values()], width))

    def person(self, name: str, orders: int) -> list[Any]:
        cells: list[Any] = [None] * len(CUSTOMERS.shown)
        cells[0], cells[5], cells[6], cells[9] = name, orders, 300, 300 * orders + 50
        cells[10] = DAY - timedelta(days=(orders * 13) % 170)
        return cells

    @rule(orders=st.integers(0, 14))
    def add(self, orders: int) -> None:
        self.number += 1
        name = f"0{self.number:03d}"
        self.people[name] = self.person(name, orders)
        self.save_people()

    @precondition(lambda self: len(self.people) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        del self.people[data.draw(st.sampled_from(sorted(self.people)))]
        self.save_people()

    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(sorted(self.people)))
        self.number += 1
        cells = self.people.pop(old)
        cells[0] = f"9{self.number:03d}"
        self.people[cells[0]] = cells
        self.save_people()

    @rule(data=st.data())
    def sort_customers(self, data: st.DataObject) -> None:
        self.people = dict(data.draw(st.permutations([*self.people.items()])))
        self.save_people()

    @precondition(lambda self: self.filled)
    @rule(data=st.data(), word=WORDS)
    def note_on_a_customer(self, data: st.DataObject, word: str) -> None:
        def change(book: Any) -> None:
            sheet = book[RFM.sheet["zh"]]
            sheet.cell(1, NOTE + 1).value = "备注"
            rows = rows_of(sheet)
            row = data.draw(st.sampled_from(range(len(rows))))
            cell = sheet.cell(row + 2, NOTE + 1)
            cell.value, cell.data_type = word, "s"
            self.notes[rows[row][0]] = word

        self.edit(change)

    @precondition(lambda self: self.filled)
    @rule(data=st.data())
    def sort_table_2(self, data: st.DataObject) -> None:
        def change(book: Any) -> None:
            sheet = book[RFM.sheet["zh"]]
            put(sheet, data.draw(st.permutations(rows_of(sheet))), NOTE + 1)

        self.edit(change)

    @precondition(lambda self: self.filled)
    @rule(data=st.data(), column=st.integers(1, TYPED - 1), word=WORDS)
    def type_in_table_3(self, data: st.DataObject, column: int, word: str) -> None:
        def change(book: Any) -> None:
            sheet = book[STRATEGY.sheet["zh"]]
            row = data.draw(st.sampled_from(range(len(self.plan))))
            cell = sheet.cell(row + 2, column + 1)
            cell.value, cell.data_type = word, "s"
            self.plan[row][column] = word

        self.edit(change)

    @precondition(lambda self: self.filled)
    @rule(word=WORDS)
    def add_a_row_of_ones_own(self, word: str) -> None:
        def change(book: Any) -> None:
            sheet = book[STRATEGY.sheet["zh"]]
            self.number += 1
            own = [f"自己的群体{self.number}", *[word] * (TYPED - 1)]
            self.plan.append(own)
            put(sheet, [*rows_of(sheet), own], len(STRATEGY.fields))

        self.edit(change)

    @precondition(lambda self: self.filled)
    @rule(data=st.data())
    def sort_table_3(self, data: st.DataObject) -> None:
        def change(book: Any) -> None:
            sheet = book[STRATEGY.sheet["zh"]]
            rows = data.draw(st.permutations(rows_of(sheet)))
            put(sheet, rows, len(STRATEGY.fields))
            self.plan = [row[:TYPED] for row in rows]

        self.edit(change)

    @rule()
    def fill(self) -> None:
        jobs.fill(self.path, as_of=DAY.date())
        once = self.path.read_bytes()
        jobs.fill(self.path, as_of=DAY.date())
        assert self.path.read_bytes() == once
        book = openpyxl.load_workbook(self.path)
        plan = [row[:TYPED] for row in rows_of(book[STRATEGY.sheet["zh"]])]
        assert plan[: len(self.plan)] == self.plan
        self.plan = plan
        table_2 = {row[0]: row for row in rows_of(book[RFM.sheet["zh"]])}
        assert set(self.people) <= set(table_2)
        assert set(table_2) - set(self.people) <= set(self.notes)
        for name, word in self.notes.items():
            assert table_2[name][NOTE] == word
        self.filled = True

    @invariant()
    def the_customers_are_as_typed(self) -> None:
        if getattr(self, "people", None):
            sheet = openpyxl.load_workbook(self.path)[CUSTOMERS.sheet["zh"]]
            assert [row[: len(CUSTOMERS.shown)] for row in rows_of(sheet)] == [*self.people.values()]


TestDesk = Desk.TestCase
TestDesk.settings = settings(
    max_examples=10, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
