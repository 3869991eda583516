"""Report, export and mail tell of the analysis that stands in the workbook, not of another one."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from segmenter import documents, jobs, schema
from segmenter.books.file import FileBook
from segmenter.cli import main
from segmenter.frames import Frame

ROWS = {
    "customer_id": ["1001", "1002", "1003"],
    "frequency": [12, 5, 2],
    "average_order_value": [350, 880, 150],
    "total_amount": [4200, 4400, 300],
    "last_order_date": pd.to_datetime(["2026-06-15", "2026-05-01", "2026-03-02"]),
}
LATER = date(2026, 7, 31)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")
    with FileBook(path) as found:
        found.write(schema.CUSTOMERS, Frame.from_pandas(pd.DataFrame(ROWS)))
    return path


def days(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["R天数"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("settings", ["", "2026-06-30"])
def test_the_date_on_the_dashboard_counts(book: Path, tmp_path: Path, settings: str) -> None:
    if settings:
        with FileBook(book) as found:
            found.write(schema.SETTINGS, Frame.of([["分析日期", settings]], ["name", "value"]))
    jobs.fill(book, as_of=LATER)
    out = tmp_path / "out.csv"
    assert main(["export", str(book), "-o", str(out)]) == 0
    assert days(out) == ["46", "91", "151"]
    assert documents.write(book, tmp_path / "report.html")[0].as_of == LATER
    assert main(["mail", str(book), "--to", "a@example.com", "-o", str(tmp_path / "mail")]) == 0
    assert json.loads((tmp_path / "mail" / "review.json").read_text(encoding="utf-8"))["as_of"] == "2026-07-31"
    assert main(["export", str(book), "-o", str(out), "--as-of", "2026-06-30"]) == 0
    assert days(out) == ["15", "60", "120"]


def test_a_day_far_from_all_orders_is_doubted(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for day, doubted in (("2026-06-30", False), ("2031-06-30", True)):
        for command in (["report", "-o", str(tmp_path / "r.html")], ["export", "-o", str(tmp_path / "o.csv")]):
            assert main([command[0], str(book), *command[1:], "--as-of", day]) == 0
            told = capsys.readouterr()
            assert ("请核对分析日期" in told.out + told.err) == doubted


def test_a_workbook_that_was_never_filled_is_analysed_as_by_check(book: Path, tmp_path: Path) -> None:
    assert documents.write(book, tmp_path / "report.html")[0].as_of == jobs.check(book).as_of == date(2026, 6, 15)


def test_other_rules_than_it_was_filled_by_are_told(
    book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("monetary_bins = [9000, 8000, 100]\n", encoding="utf-8")
    jobs.fill(book, rules_file=own)
    command = ["export", str(book), "-o", str(tmp_path / "out.csv")]
    assert main([*command, "--rules", str(own)]) == 0
    assert "--rules" not in capsys.readouterr().out
    assert main(command) == 0
    assert "--rules" in capsys.readouterr().out
    remarks = documents.write(book, tmp_path / "report.html")[1]
    assert [one for one in remarks if "--rules" in one]
    assert main(["mail", str(book), "--to", "a@example.com", "-o", str(tmp_path / "mail")]) == 0
    assert "--rules" in capsys.readouterr().out
