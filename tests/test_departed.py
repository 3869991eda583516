"""Rows of the result sheet that people typed: which are told, and that whole fills lose nothing by them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from segmenter import jobs, schema
from segmenter.books.file import FileBook
from segmenter.cli import main
from segmenter.frames import Frame

SHEET, LOG = schema.RFM.sheet["zh"], schema.CLEANING.sheet["zh"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A workbook with six customers, filled."""
    found = tmp_path / "book.xlsx"
    jobs.new(found, "zh")
    with FileBook(found) as book:
        columns = ("customer_id", "frequency", "average_order_value", "total_amount")
        book.write(schema.CUSTOMERS, Frame.of([(f"100{n}", n, 10.0, 10.0 * n) for n in range(1, 7)], columns))
    assert main(["fill", str(found)]) == 0
    return found


def filled(path: Path, change: Callable[[Any], None]) -> Path:
    """The workbook filled after a change, proven, and told by `verify` to be."""
    book = openpyxl.load_workbook(path)
    change(book[SHEET])
    book.save(path)
    out = path.with_name("out.xlsx")
    assert main(["fill", str(path), "-o", str(out)]) == 0
    assert main(["verify", str(path), str(out)]) == 0
    return out


def replaced(path: Path) -> list[Any]:
    """What the log says of rows that were written over."""
    rows = openpyxl.load_workbook(path)[LOG].iter_rows(min_row=2, values_only=True)
    return [row[4] for row in rows if row[1] == "改写的行"]


def type_in(sheet: Any, row: int, *values: Any) -> None:
    for column in range(1, len(schema.RFM.fields) + 1):
        sheet.cell(row, column).value = values[column - 1] if column <= len(values) else None


@pytest.mark.parametrize("key", [1.5, True, datetime(2026, 1, 1), 1e17])
def test_a_row_with_a_remark_beside_and_no_id_brings_no_further_one(path: Path, key: Any) -> None:
    def change(sheet: Any) -> None:
        sheet["O1"], sheet["O4"], sheet["A4"] = "跟进", "已致电", key

    first = filled(path, change)
    ids = [row[0] for row in openpyxl.load_workbook(first)[SHEET].iter_rows(min_row=2, values_only=True)]
    assert len(ids) == 7 and key in ids and None not in ids
    again = path.with_name("again.xlsx")
    assert main(["fill", str(first), "-o", str(again)]) == 0
    assert again.read_bytes() == first.read_bytes()


def test_what_is_written_over_is_told_as_people_read_it(path: Path) -> None:
    def change(sheet: Any) -> None:
        type_in(sheet, 2, 1001, "致电", 3, datetime(2026, 5, 1, 9, 30))

    assert replaced(filled(path, change)) == ["1001 致电 3 2026-05-01T09:30:00"]


@pytest.mark.parametrize("letter", ["字", "\U0001f600"])
def test_a_row_written_over_that_says_more_than_a_cell_holds_is_no_refusal(path: Path, letter: str) -> None:
    def change(sheet: Any) -> None:
        type_in(sheet, 2, "1001", letter * 16000, letter * 16000, "end")

    (told,) = replaced(filled(path, change))
    assert told.startswith(f"1001 {letter * 1000}")


@pytest.mark.parametrize("below", [8, 12])
@pytest.mark.parametrize("listed", [True, False])
def test_a_remark_behind_a_gap_is_not_told_to_be_written_over(path: Path, below: int, listed: bool) -> None:
    """The list ends above, and its customer has a row there."""

    def change(sheet: Any) -> None:
        type_in(sheet, 7)
        type_in(sheet, below, "1006", "致电")
        if listed:
            sheet.tables["RfmSegments"].ref = sheet.tables["RfmSegments"].autoFilter.ref = "A1:N6"
        else:
            del sheet.tables["RfmSegments"]

    out = filled(path, change)
    assert replaced(out) == []
    rows = [row[:2] for row in openpyxl.load_workbook(out)[SHEET].iter_rows(min_row=2, values_only=True)]
    assert ("1006", "致电") in rows and len([row for row in rows if row[0] == "1006"]) == 2


@pytest.mark.parametrize("row", [7, 9])
def test_a_remark_in_an_excel_table_is_told_behind_any_gap(path: Path, row: int) -> None:
    def change(sheet: Any) -> None:
        type_in(sheet, 5)
        type_in(sheet, 6)
        type_in(sheet, 7)
        type_in(sheet, row, "1006", "致电")
        sheet.tables["RfmSegments"].ref = sheet.tables["RfmSegments"].autoFilter.ref = "A1:N9"

    assert replaced(filled(path, change)) == ["1006 致电"]


def test_remarks_typed_behind_a_gap_where_no_row_is_ours_are_told(path: Path) -> None:
    def change(sheet: Any) -> None:
        for row in range(2, 8):
            type_in(sheet, row)
        type_in(sheet, 2, "1001", "一")
        type_in(sheet, 4, "1002", "二")
        del sheet.tables["RfmSegments"]

    assert replaced(filled(path, change)) == ["1001 一", "1002 二"]
