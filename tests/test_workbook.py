"""The committed workbooks: built by `workbook/build.py`, equal to schema and rules, the template's own rows inside."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import rtoml
from openpyxl.utils.cell import coordinate_from_string, range_boundaries
from worked_example import TABLE_3_ROWS

from segmenter import rules, schema, settings, texts
from segmenter.frames import Frame
from segmenter.reports import tracking
from segmenter.steps import orders

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "workbook"
BOOKS = {"template.xlsx": "zh", "template.en.xlsx": "en", "sample.xlsx": "zh"}
EXTRA = {"extra.xlsx": "zh", "extra.en.xlsx": "en"}

SHEETS = [
    "说明",
    "设置",
    "客户基础信息与行为数据表",
    "订单明细",
    "活动记录",
    "RFM模型细分结果表",
    "客户细分策略与执行跟踪表",
    "看板",
    "数据清洗记录",
    "维度",
    "调研",
]
TABLE_1 = [
    "客户ID",
    "性别",
    "年龄",
    "地域",
    "职业",
    "近6个月消费频次",
    "平均客单价(元)",
    "品类偏好(TOP3)",
    "活跃渠道",
    "累计消费金额(元)",
]
TABLE_1_ROWS = [
    ("1001", "女", 28, "上海", "互联网运营", 12, 350, "护肤品、服装、配饰", "线上电商", 4200, date(2026, 6, 15)),
    ("1002", "男", 35, "北京", "金融从业", 5, 880, "数码产品、酒类", "线下门店", 4400, date(2026, 5, 1)),
    ("1003", "女", 42, "成都", "教师", 2, 150, "家居用品、母婴", "社群", 300, date(2026, 3, 2)),
]
TABLE_2 = ["客户ID", "R(近30天消费)", "F(近6个月频次)", "M(近6个月金额)", "RFM分组", "客户类型"]
TABLE_3 = ["细分群体名称", "客户特征", "核心策略", "执行动作", "负责人", "目标指标", "执行周期", "当前进度"]
AS_OF = date(2026, 6, 30)


def load(name: str) -> Any:
    return openpyxl.load_workbook(FOLDER / name)


@pytest.fixture(scope="module")
def books() -> dict[str, Any]:
    return {name: load(name) for name in (*BOOKS, *EXTRA)}


def rows_of(book: Any, table: schema.Table, lang: str = "zh") -> list[dict[str, Any]]:
    rows = list(book[table.sheet[lang]].iter_rows(min_row=2, max_col=len(table.shown), values_only=True))
    return [dict(zip([one.key for one in table.shown], row, strict=True)) for row in rows]


def order_frame(book: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows_of(book, schema.ORDERS))
    return frame.assign(key=frame["customer_id"], ordered_on=pd.to_datetime(frame["ordered_on"]))


def build(folder: Path) -> dict[str, bytes]:
    command = [sys.executable, str(FOLDER / "build.py"), str(folder)]
    subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "random"}, check=True)
    return {name: (folder / name).read_bytes() for name in (*BOOKS, *EXTRA)}


def tables(name: str) -> list[schema.Table]:
    """The tables of a shipped workbook."""
    return [one for one in schema.tables().values() if bool(one.optional) == (name in EXTRA)]


def parts(path: Path) -> dict[str, tuple[bytes, tuple[int, ...]]]:
    with zipfile.ZipFile(path) as package:
        return {one.filename: (package.read(one), one.date_time) for one in package.infolist()}


def test_build_writes_what_is_committed(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    assert build(first) == build(second)
    for name in (*BOOKS, *EXTRA):  # part by part: another zlib may press the same bytes differently
        assert parts(first / name) == parts(FOLDER / name), f"run workbook/build.py: {name} is not what it writes"


@pytest.mark.parametrize("name", [*BOOKS, *EXTRA])
def test_sheets_and_headers(books: dict[str, Any], name: str) -> None:
    book, lang = books[name], (BOOKS | EXTRA)[name]
    expected = list(dict.fromkeys(table.sheet[lang] for table in tables(name)))
    assert book.sheetnames == expected
    for table in tables(name):
        sheet = book[table.sheet[lang]]
        headers = [one.header[lang] for one in table.shown]
        column, row = coordinate_from_string(table.anchor or "A1")
        found = sheet[
            f"{column}{row}" : sheet.cell(row, range_boundaries(f"{column}1")[0] + max(len(headers), 1)).coordinate
        ]
        if table.key == "board_facts":  # name, and value over two columns
            headers = [*headers, None]
        assert [cell.value for cell in found[0]][: len(headers)] == headers, table.key


def test_the_templates_own_tables(books: dict[str, Any]) -> None:
    for name in ("template.xlsx", "sample.xlsx"):
        book = books[name]
        assert book.sheetnames == SHEETS
        for sheet, headers in ((SHEETS[2], TABLE_1), (SHEETS[5], TABLE_2), (SHEETS[6], TABLE_3)):
            assert [cell.value for cell in book[sheet][1]][: len(headers)] == headers


@pytest.mark.parametrize("name", BOOKS)
def test_settings_are_the_default_rules(books: dict[str, Any], name: str) -> None:
    lang = BOOKS[name]
    sheet = books[name][schema.SETTINGS.sheet[lang]]
    rows = [(row[0].value, row[1].value, row[1].coordinate) for row in sheet.iter_rows(min_row=2)]
    if name == "sample.xlsx":
        shop = rtoml.loads((FOLDER / "shop.toml").read_text(encoding="utf-8"))
        own = {settings.name_of(key, lang): value for key, value in shop["settings"].items()}
        assert own.items() <= dict((row[:2]) for row in rows).items()
        rows = [(n, None if n in own else value, cell) for n, value, cell in rows]
    assert settings.from_rows(rows, rules.default(), sheet.title) == rules.default()
    assert [row[2] for row in sheet.iter_rows(min_row=2, max_col=3, values_only=True)] == list(
        settings.to_frame(rules.default(), lang)["explain"]
    )


@pytest.mark.parametrize("name", [*BOOKS, *EXTRA])
def test_nothing_excel_would_repair(books: dict[str, Any], name: str) -> None:
    book = books[name]
    named: set[str] = set()
    for sheet in book:
        for table in sheet.tables.values():
            first, top, last, bottom = range_boundaries(table.ref)
            headers = [sheet.cell(top, column).value for column in range(first, last + 1)]
            assert headers == [column.name for column in table.tableColumns]
            assert len({header.casefold() for header in headers}) == len(headers)
            assert bottom > top
            assert table.name not in named
            named.add(table.name)
        for rule in sheet.data_validations.dataValidation:
            assert len(rule.formula1 or "") <= 255
            assert len(rule.promptTitle or "") <= 32
            assert len(rule.prompt or "") <= 255
            assert len(rule.error or "") <= 255
        merged = [one.bounds for one in sheet.merged_cells.ranges]
        for number, (a, b, c, d) in enumerate(merged):
            assert not any(a <= g and e <= c and b <= h and f <= d for e, f, g, h in merged[number + 1 :])
        assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    assert named == {table.list_object for table in tables(name) if table.list_object}


def test_choices_warn_and_do_not_stop(books: dict[str, Any]) -> None:
    for name, lang in BOOKS.items():
        sheet = books[name][schema.CUSTOMERS.sheet[lang]]
        lists = {str(v.sqref).split(":")[0]: v for v in sheet.data_validations.dataValidation if v.type == "list"}
        wanted = {
            f"{openpyxl.utils.get_column_letter(i)}2" for i, f in enumerate(schema.CUSTOMERS.shown, 1) if f.choices
        }
        assert set(lists) == wanted
        assert {one.errorStyle for one in lists.values()} == {"warning"}
        hints = {str(v.sqref): v.promptTitle for v in sheet.data_validations.dataValidation if v.prompt}
        for column, one in enumerate(schema.CUSTOMERS.shown, 1):
            assert hints[f"{openpyxl.utils.get_column_letter(column)}1"] == schema.class_name(one.field_class, lang)


@pytest.mark.parametrize("name", [*BOOKS, *EXTRA])
def test_paper_is_readable(books: dict[str, Any], name: str) -> None:
    """A4, numbered, a list's header on every page, and nothing shrunk to less than 64 of a hundred."""
    for sheet in books[name]:
        page, margins = sheet.page_setup, sheet.page_margins
        assert page.paperSize == 9
        assert sheet.oddFooter.right.text == "&P / &N"
        assert not sheet.tables or sheet.print_title_rows == "$1:$1"
        paper = (8.27 if page.orientation == "portrait" else 11.69) - margins.left - margins.right
        last = range_boundaries(sheet.print_area.split("!")[-1] if sheet.print_area else sheet.dimensions)[2]
        columns = [one for one in sheet.column_dimensions.values() if one.min <= last]
        inches = sum(one.width * 7 * (min(one.max, last) - one.min + 1) for one in columns) / 96  # 7 pixels a digit
        fits = paper * (page.fitToWidth or 1) / inches
        scale = fits if sheet.sheet_properties.pageSetUpPr else page.scale / 100
        assert 0.64 <= scale <= fits, sheet.title


@pytest.mark.parametrize("name", BOOKS)
def test_charts_read_the_blocks(name: str) -> None:
    lang = BOOKS[name]
    blocks = []
    for board in schema.BOARDS:
        column, row = coordinate_from_string(board.anchor)
        left = range_boundaries(f"{column}1")[0]
        blocks.append((left, row, left + len(board.fields) - 1, row + board.rows))
    charts = [data.decode() for part, (data, _) in parts(FOLDER / name).items() if part.startswith("xl/charts/chart")]
    assert len(charts) == 2
    for chart in charts:
        assert "c:dispBlanksAs" not in chart  # a gap is the default
        for place in re.findall(r"<c:f>(.+?)</c:f>", chart):
            sheet, _, cells = place.rpartition("!")
            assert sheet.strip("'") == schema.BOARDS[0].sheet[lang]
            a, b, c, d = range_boundaries(cells.replace("$", ""))
            assert any(e <= a and f <= b and c <= g and d <= h for e, f, g, h in blocks), place


def test_template_is_empty(books: dict[str, Any]) -> None:
    for name in ("template.xlsx", "template.en.xlsx"):
        for table in (schema.CUSTOMERS, schema.ORDERS, schema.RFM, schema.STRATEGY, schema.CLEANING):
            assert all(value is None for row in rows_of(books[name], table, BOOKS[name]) for value in row.values())


def test_sample_begins_with_the_template(books: dict[str, Any]) -> None:
    sheet = books["sample.xlsx"][SHEETS[2]]
    found = list(sheet.iter_rows(min_row=2, max_row=4, max_col=11, values_only=True))
    assert [(*row[:10], row[10].date()) for row in found] == TABLE_1_ROWS
    assert [(AS_OF - row[10].date()).days for row in found] == [15, 60, 120]
    plan = books["sample.xlsx"][SHEETS[6]]
    assert list(plan.iter_rows(min_row=2, max_col=8, values_only=True)) == TABLE_3_ROWS


def test_orders_give_the_behaviour_columns(books: dict[str, Any]) -> None:
    sold = order_frame(books["sample.xlsx"])
    assert sold["ordered_on"].max().date() == AS_OF
    assert (sold["ordered_on"].dt.normalize() == sold["ordered_on"]).all()
    assert sold["order_id"].is_unique
    start = pd.Timestamp(2025, 12, 30)
    first_three = sold[sold["customer_id"].isin(["1001", "1002", "1003"])]
    assert (first_three["ordered_on"] > start).all()
    given = orders.behaviour(Frame.from_pandas(sold), AS_OF, rules.default()).pandas.set_index("key")
    customers = rows_of(books["sample.xlsx"], schema.CUSTOMERS)
    assert len(customers) == 800
    without = 0
    for row in customers:
        if row["customer_id"] not in given.index:
            without += 1
            assert (row["frequency"], row["total_amount"], row["last_order_date"]) == (0, 0, None)
            continue
        expected = given.loc[row["customer_id"]]
        total = float(str(row["total_amount"]).replace(",", ""))
        assert row["frequency"] == expected["frequency"]
        assert (row["categories"], row["channel"]) == (expected["categories"], expected["channel"])
        assert row["last_order_date"] == expected["last_order_date"].to_pydatetime()
        numbers = (total, row["average_order_value"], row["window_amount"])
        assert numbers == pytest.approx(
            tuple(expected[["total_amount", "average_order_value", "window_amount"]]), abs=0.006
        )
        assert row["registered_on"] <= sold.loc[sold["customer_id"] == row["customer_id"], "ordered_on"].min()
    assert 20 < without < 80


def test_sample_has_the_blemishes_of_real_lists(books: dict[str, Any]) -> None:
    customers = rows_of(books["sample.xlsx"], schema.CUSTOMERS)
    assert sum(row["age"] is None for row in customers) == 3
    assert sum(row["region"] != row["region"].strip() for row in customers) == 1
    assert [row["total_amount"] for row in customers if isinstance(row["total_amount"], str)] == ["1,280"]
    assert [len(row["age"]) for row in customers if isinstance(row["age"], str)] == [2]
    assert all(isinstance(row["customer_id"], str) for row in customers)
    assert all(isinstance(row["registered_on"], datetime) for row in customers)


def test_guide_speaks_both_languages() -> None:
    own = [key for key in texts.keys() if key.startswith("guide.")]  # noqa: SIM118 - a function of the module
    assert len(own) > 40
    assert not re.search("[\u4e00-\u9fff]", "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")))


def test_labels_of_charts_deny_what_they_do_not_show() -> None:
    """In a workbook of Excel 2010 or later, to which the dashboard may be added, a name not denied may be shown."""
    with zipfile.ZipFile(ROOT / "workbook" / "template.xlsx") as file:
        charts = [file.read(name).decode() for name in file.namelist() if name.startswith("xl/charts/chart")]
    labels = [label for chart in charts for label in chart.split("<c:dLbls>")[1:]]
    assert labels
    for label in labels:
        shown = dict(re.findall(r'<c:show(\w+) val="([01])"/>', label.split("</c:dLbls>")[0]))
        assert {name for name, on in shown.items() if on == "1"} == {"Val"}
        assert shown.keys() == {"LegendKey", "Val", "CatName", "SerName", "Percent", "BubbleSize"}


def test_progress_has_the_colours_of_the_report(books: dict[str, Any]) -> None:
    rules_of = books["template.xlsx"][schema.STRATEGY.sheet["zh"]].conditional_formatting
    formulas = " ".join(text for area in rules_of for rule in area.rules for text in rule.formula)
    limits = {float(found) for found in re.findall(r">=([\d.]+)\)", formulas)}
    assert limits == {0.0, tracking.FAIR, tracking.GOOD}
