"""`segmenter compare`: two filled workbooks, through the door."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import uci

from segmenter import importing, jobs, schema
from segmenter.books.file import FileBook
from segmenter.cli import main
from segmenter.frames import Frame
from segmenter.reading.dates import day_of

RANKED = schema.table("migration_ranked").sheet["zh"]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The real shop on two days, in two workbooks."""
    folder = tmp_path_factory.mktemp("shops")
    uci.orders().rename(columns={"ordered_on": "order_date"}).to_csv(folder / "orders.csv", index=False)
    importing.import_orders(folder / "orders.csv", folder / "book.xlsx", "zh", {})
    found = [folder / "2011-09-10.xlsx", folder / "2011-12-10.xlsx"]
    for path in found:
        jobs.fill(folder / "book.xlsx", path, as_of=day_of(path.stem))
    return found[0], found[1]


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    assert main(["compare", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def small(path: Path, *, then: dict[str, float], change: Callable[[Any], object] = lambda _: None) -> Path:
    """A filled workbook: days since the last order by customer, each with 5 orders of 1000."""
    jobs.new(path, "zh")
    days = [pd.Timestamp("2026-06-30") - pd.Timedelta(days=one) for one in then.values()]
    frame = pd.DataFrame({"customer_id": [*then], "frequency": 5.0, "average_order_value": 1000.0})
    with FileBook(path) as book:
        book.write(schema.CUSTOMERS, Frame.from_pandas(frame.assign(total_amount=5000.0, last_order_date=days)))
    sheet = openpyxl.load_workbook(path)
    change(sheet)
    sheet.save(path)
    jobs.fill(path, as_of=day_of("2026-06-30"))
    return path


def set_to(name: str, value: object) -> Callable[[Any], object]:
    def change(book: Any) -> None:
        for row in book[schema.SETTINGS.sheet["zh"]].iter_rows():
            if row[0].value == name:
                row[1].value = value

    return change


def test_a_real_quarter(shops: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, *shops)
    assert (found["status"], found["before"], found["after"]) == ("ok", "2011-09-10", "2011-12-10")
    moved = found["migration"]
    assert (moved["111"]["111"], moved["111"]["011"], moved["111"]["001"], moved["001"]["111"]) == (219, 36, 12, 25)
    assert found["entered"]["100"] == 358 and found["left"] == {}
    assert sum(found["entered"].values()) + sum(n for ends in moved.values() for n in ends.values()) == 4338
    first = found["transitions"][0]
    assert (first["from"], first["to"], first["customers"]) == ("001", "000", 80)
    assert all((one["share"] is None) == (one["customers"] < 5) for one in found["transitions"])
    assert found["headline"]["churn"]["customers"] == 36 + 12 + 8 + 53 + 3 + 17 + 0 + 0


def test_the_copy_holds_the_sheets_and_nothing_else_changed(
    shops: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.xlsx"
    before = shops[1].read_bytes()
    assert main(["compare", *map(str, shops), "-o", str(out)]) == 0
    text = capsys.readouterr().out
    assert "3,370" in text and "80 位（占 001 的 30.9%）" in text and str(out) in text
    assert shops[1].read_bytes() == before and jobs.verify(shops[1], out).ok
    sheet = openpyxl.load_workbook(out)[RANKED]
    heat = [str(one.sqref) for one in sheet.conditional_formatting]
    assert heat == ["B18:K27", "B33:K42"]
    assert [cell.value for cell in sheet[18]][:6] == ["111 重要价值客户", 219, None, 14, 3, 36]
    again = jobs.fill(out, as_of=day_of("2011-12-10"))
    assert again.migration is not None and again.migration.before == day_of("2011-09-10")


def test_an_english_answer_names_what_is_doubtful(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = small(tmp_path / "a.xlsx", then={"1": 5, "2": 40})
    new = small(tmp_path / "b.xlsx", then={"1": 5, "3": 5, "4": 5}, change=set_to("R 分档（天，上限）", "60, 90, 180"))
    assert main(["compare", str(old), str(new), "--lang", "en"]) == 0
    text = capsys.readouterr().out
    assert "R bins (days, upper limits)" in text and "right way round" in text and "only 1 are in both" not in text
    assert said(capsys, old, new)["left"] == {"011": 1}
    other = small(tmp_path / "c.xlsx", then={"x": 5, "y": 5, "z": 5, "1": 400})
    codes = [one["code"] for one in said(capsys, old, other)["findings"]]
    assert codes == ["compare_order"]
    codes = [one["code"] for one in said(capsys, new, other)["findings"]]
    assert codes == ["compare_order", "compare_rules", "compare_strangers"]


def test_a_workbook_without_results_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled = small(tmp_path / "a.xlsx", then={"1": 5})
    jobs.new(tmp_path / "b.xlsx", "zh")
    assert main(["compare", str(filled), str(tmp_path / "b.xlsx")]) == 1
    assert "b.xlsx" in capsys.readouterr().err


def test_a_workbook_that_the_copy_replaces_is_kept_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = (small(tmp_path / f"{name}.xlsx", then={"1": 10.0, name: 20.0}) for name in ("a", "b"))
    before = old.read_bytes()
    assert main(["compare", str(old), str(new), "-o", str(old)]) == 0
    assert "a.previous.xlsx" in capsys.readouterr().out
    assert (tmp_path / "a.previous.xlsx").read_bytes() == before
