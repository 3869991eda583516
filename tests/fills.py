"""Fills that the proof is tried with, faults of their writer, and what the proof says of them."""

import re

import pytest
from bookshop import book, frame

from segmenter import schema
from segmenter.books.edited import Edited
from segmenter.books.file import FileBook
from segmenter.books.package import Package, write
from segmenter.books.proof import verify
from segmenter.errors import Refused
from segmenter.schema import CLEANING, RFM

NOTE = 14
"""the column of a header that is not ours"""
BOARD = schema.table("board_segments")


def full(ids, **changes):
    """A frame for the result table with all its columns, one row for each of `ids`."""
    ids = [str(one) for one in ids]
    columns = {
        field.key: [float(n) for n in range(len(ids))]
        if field.kind in ("count", "money")
        else [f"{field.key} {one}次" if field.key == "f_text" else f"{field.key} {one}" for one in ids]
        for field in RFM.fields
    }
    return frame(**{**columns, "customer_id": ids, **changes})


def log(count):
    """A frame for the log of cleaning, which has no keys."""
    lines = {field.key: [f"{field.key}{n}" for n in range(count)] for field in CLEANING.fields}
    return frame(**lines | {"stage": ["分析"] * count})


def fill(path, data, out=None, table=RFM, **options):
    with FileBook(path, out, **options) as target:
        target.write(table, data)


def refuses(path, data, table=RFM, **options):
    """A fill is refused by the proof, and no file is written."""
    out = path.with_name("c.xlsx")
    with pytest.raises(Refused) as refused:
        fill(path, data, out, table, **options)
    assert refused.value.key == "proof" and not out.exists()


def violations(before, after):
    """The parts with which `verify`, which does not know what was to be written, finds something wrong."""
    return [one.name for one in verify(*(Package(one.read_bytes(), one) for one in (before, after))).violations]


def first(pattern, new):
    """A change of the first place where a pattern stands; it has to stand there."""

    def change(data):
        changed, count = re.subn(pattern, new, data, count=1)
        assert count and changed != data
        return changed

    return change


def spoil(monkeypatch, change):
    """Have `change` applied to what the writer makes of a sheet."""
    real = Edited._put

    def spoilt(self, entry, *others):
        real(self, entry, *others)
        self.draft.set(entry.part, change(self.draft.read(entry.part)))

    monkeypatch.setattr(Edited, "_put", spoilt)


def miswrite(monkeypatch, change):
    """Have other parts written than were made: `change` gives them, of the old workbook and what was made."""
    monkeypatch.setattr(
        "segmenter.books.file.write", lambda source, made, out: write(source, {**made, **change(source, made)}, out)
    )


def dressed(path, *, totals=False):
    """A workbook with three customers, and much said about their rows around them; with `totals` an Excel table."""

    def said(workbook, sheet, headers):
        sheet.conditional_format("I2:I4", {"type": "formula", "criteria": "=$I2>0"})
        sheet.data_validation("O2:O4", {"validate": "list", "source": ["a"]})
        sheet.write_url("O4", "https://example.org/", string="b")
        sheet.write_comment("B4", "about three")
        sheet.print_area("A1:O4")
        if totals:
            add_totals(sheet, headers, 4)
            sheet.write_formula("H5", "=SUM(I2:I4)")

    rows = [(one, {NOTE: f"n{one}"}) for one in "123"]
    return book(path, rows, extra=["note"], table=False, after=said)


def add_totals(sheet, headers, last):
    """Make the rows down to `last` an Excel table with a row of totals below."""
    columns = [{"header": header} for header in headers]
    columns[0]["total_string"] = "合计"
    columns[8]["total_function"] = "sum"
    about = {"name": "RfmSegments", "columns": columns, "total_row": True}
    sheet.add_table(0, 0, last, len(headers) - 1, about)


def comment(cell, text="why"):
    """What gives a `book` a comment."""
    return lambda workbook, sheet, headers: sheet.write_comment(cell, text)
