"""A damaged sheet is refused in a sentence that names the sheet, and the cell where one can tell: never a fault."""

import re

import pytest
from bookshop import RFM_SHEET, book, rewritten, rfm, sheet_part

from segmenter.books.file import FileBook
from segmenter.books.package import Package
from segmenter.books.proof import verify
from segmenter.errors import Refused
from segmenter.schema import RFM

ODD_ADDRESSES = {
    'a row of no number "x"': (b'<row r="3"', b'<row r="x"', "rows_disorder"),
    'a row of no number ""': (b'<row r="3"', b'<row r=""', "rows_disorder"),
    "a row of a number nobody can read": (b'<row r="3"', b'<row r="' + b"9" * 5000 + b'"', "rows_disorder"),
    "a row below the last": (b'<row r="3"', b'<row r="1048577"', "rows_disorder"),
    "a row 0": (b'<row r="3"', b'<row r="0"', "rows_disorder"),
    "a cell without a row": (b'<c r="F3"', b'<c r="F"', "cell_damaged"),
    "a cell without a column": (b'<c r="F3"', b'<c r="3"', "cell_damaged"),
    "a cell without either": (b'<c r="F3"', b'<c r=""', "cell_damaged"),
    "a cell in another row": (b'<c r="F3"', b'<c r="F4"', "cells_disorder"),
    "a cell far to the right": (b'<c r="F3"', b'<c r="FFFF3"', "cell_damaged"),
    'a style "x"': (b'<c r="F3"', b'<c r="F3" s="x"', "cell_damaged"),
    'a style ""': (b'<c r="F3"', b'<c r="F3" s=""', "cell_damaged"),
    "a style below 0": (b'<c r="F3"', b'<c r="F3" s="-1"', "cell_damaged"),
    "a style nobody can read": (b'<c r="F3"', b'<c r="F3" s="' + b"9" * 5000 + b'"', "cell_damaged"),
}


@pytest.fixture
def filled(tmp_path):
    """A workbook with a result sheet of two customers."""
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])
    fill(path, 2)
    return path


def fill(path, count):
    with FileBook(path) as target:
        target.write(RFM, rfm(range(1, count + 1)))


def package(path):
    return Package(path.read_bytes(), path)


@pytest.mark.parametrize("name", ODD_ADDRESSES)
def test_rows_and_cells_without_a_number(filled, name):
    old, new, key = ODD_ADDRESSES[name]
    part = sheet_part(filled, RFM_SHEET)
    damaged = rewritten(
        filled, {part: lambda data: re.sub(old + rb'(?: s="\d+")?', new, data, count=1)}, filled.with_name("b.xlsx")
    )
    (wrong,) = verify(package(filled), package(damaged)).violations
    assert (wrong.name, wrong.detail) == (part, key)
    before = damaged.read_bytes()
    with pytest.raises(Refused) as found:
        fill(damaged, 3)
    assert found.value.key == key
    assert RFM_SHEET in found.value.message("zh")
    assert damaged.read_bytes() == before


def test_a_style_that_is_not_said_is_the_first(filled):
    part = sheet_part(filled, RFM_SHEET)
    rewritten(filled, {part: lambda data: re.sub(rb'(<c r="A3")(?: s="\d+")?', rb"\1", data)})
    fill(filled, 3)
