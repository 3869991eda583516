"""Labels for other systems: their headers, nothing personal unasked, nothing that computes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from segmenter import exporting, jobs, schema
from segmenter.books.file import FileBook
from segmenter.cli import main
from segmenter.errors import Refused
from segmenter.frames import Frame

ROWS = {
    "customer_id": ["0017", "=1+1", "C3"],
    "frequency": [12, 5, 2],
    "average_order_value": [350, 880, 150],
    "total_amount": [4200, 4400, 300],
    "last_order_date": pd.to_datetime(["2026-06-15", "2026-05-01", "2026-03-02"]),
    "region": ["=HYPERLINK(1)", "-5", "上海"],
}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.xlsx"
    jobs.new(path, "zh")
    with FileBook(path) as found:
        found.write(schema.CUSTOMERS, Frame.from_pandas(pd.DataFrame(ROWS)))
        found.write(schema.SETTINGS, Frame.of([["分析日期", "2026-06-30"]], ["name", "value"]))
    return path


def with_column(path: Path, header: str, value: str) -> None:
    """A further column of the customer sheet, as somebody types it."""
    book = openpyxl.load_workbook(path)
    sheet = book[schema.CUSTOMERS.sheet["zh"]]
    column = sheet.max_column + 1
    for row, text in enumerate([header, value, value, value], 1):
        sheet.cell(row, column, text)
    book.save(path)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_labels_for_bi(book: Path, tmp_path: Path) -> None:
    before = book.read_bytes()
    out = tmp_path / "out.csv"
    assert main(["export", str(book), "-o", str(out)]) == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbf") and book.read_bytes() == before
    first, second, third = rows(out)
    assert (first["客户ID"], first["客户类型"], first["RFM代码"], first["R天数"]) == ("0017", "高价值客户", "111", "15")
    assert (first["R高低"], first["M金额"], first["核心策略"]) == ("高", "4200", "专属权益提升粘性")
    assert second["客户ID"] == "'=1+1" and third["客户类型"] == "低价值客户"


@pytest.mark.parametrize("system", sorted(exporting.systems()))
def test_the_headers_of_a_system(book: Path, tmp_path: Path, system: str) -> None:
    chosen = exporting.systems()[system]
    assert set(chosen["columns"].values()) <= set(exporting.LABELS)
    assert {schema.CUSTOMERS[key].personal for key in chosen["personal"].values()} == {True}
    _, frame, (path,) = exporting.write(book, tmp_path / "out.csv", system=system)
    assert [*frame.columns] == [*chosen["columns"]]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") == chosen["bom"]
    with_column(book, "手机", "13800000000")
    _, frame, _ = exporting.write(book, tmp_path / "out.csv", system=system, columns=["手机", "region"])
    head = next(head for head, key in chosen["personal"].items() if key == "phone")
    assert [*frame.columns] == [*chosen["columns"], head, "地域"]


def test_what_a_spreadsheet_would_compute_goes_out_as_text(book: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    exporting.write(book, out, columns=["地域"])
    assert [row["地域"] for row in rows(out)] == ["'=HYPERLINK(1)", "-5", "上海"]


def test_more_rows_than_the_system_takes(book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = {**exporting.systems(), "zoho": {**exporting.systems()["zoho"], "rows": 2}}
    monkeypatch.setattr(exporting, "systems", lambda: most)
    _, _, paths = exporting.write(book, tmp_path / "out.csv", system="zoho")
    assert [(path.name, len(rows(path))) for path in paths] == [("out.csv", 2), ("out-2.csv", 1)]


def test_parquet(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.parquet"
    assert main(["export", str(book), "-o", str(out), "--lang", "en", "--json", "--columns", "region"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = pd.read_parquet(out)
    assert told["columns"] == [*found.columns] and told["customers"] == len(found) == 3
    assert found["customer_id"].tolist() == ["0017", "=1+1", "C3"] and found["monetary"].dtype == float


@pytest.mark.parametrize(("out", "more"), [("a.xlsx", {}), ("a.csv", {"system": "sap"}), ("a.csv", {"columns": ["?"]})])
def test_refusals(book: Path, tmp_path: Path, out: str, more: dict[str, str]) -> None:
    with pytest.raises(Refused):
        exporting.write(book, tmp_path / out, **more)  # type: ignore[arg-type]
    assert not (tmp_path / out).exists()


@pytest.mark.parametrize("name", ["手机", "phone", "年令"])
def test_a_column_the_workbook_lacks_is_refused_with_those_it_has(
    book: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    assert main(["export", str(book), "-o", str(out), "--columns", f"地域,{name}"]) == 1
    said = capsys.readouterr().err
    assert f"“{name}”" in said and "年龄" in said.partition("现有")[2] and "手机" not in said.partition("现有")[2]
    assert not out.exists()
    mail = ["mail", str(book), "--to", "a@example.com", "--attach", "xlsx", "-o", str(tmp_path / "mail")]
    assert main([*mail, "--columns", f"地域,{name}"]) == 1
    assert capsys.readouterr().err == said
    assert main(["export", str(book), "-o", str(out), "--columns", name, "--lang", "en"]) == 1
    assert f'"{name}"' in capsys.readouterr().err and not out.exists()
    with_column(book, name, "13800000000")
    assert main(["export", str(book), "-o", str(out), "--columns", name]) == (1 if name == "年令" else 0)
