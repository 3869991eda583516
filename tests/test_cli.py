"""The commands as people and scripts use them: arguments in, files, words and exit codes out."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from worked_example import TABLE_3_ROWS

from segmenter import jobs
from segmenter.cli import main

SAMPLE = Path(__file__).parent.parent / "workbook" / "sample.xlsx"
CUSTOMERS, RFM, STRATEGY = "客户基础信息与行为数据表", "RFM模型细分结果表", "客户细分策略与执行跟踪表"
AS_OF = date(2026, 6, 30)

TABLE_1 = [
    ("1001", "女", 28, "上海", "互联网运营", 12, 350, "护肤品、服装、配饰", "线上电商", 4200, 15),
    ("1002", "男", 35, "北京", "金融从业", 5, 880, "数码产品、酒类", "线下门店", 4400, 60),
    ("1003", "女", 42, "成都", "教师", 2, 150, "家居用品、母婴", "社群", 300, 120),
]
TABLE_2 = [
    ("1001", "是(15天前)", "12次", "4200元", "111(高R/高F/高M)", "高价值客户"),
    ("1002", "否(60天前)", "5次", "4400元", "011(低R/中F/高M)", "流失风险客户"),
    ("1003", "否(120天前)", "2次", "300元", "000(低R/低F/低M)", "低价值客户"),
]


def put(path: Path, sheet: str, rows: list[tuple[Any, ...]]) -> None:
    """Type rows below the header of a sheet, as a script with openpyxl would."""
    book = openpyxl.load_workbook(path)
    for row, values in enumerate(rows, 2):
        for column, value in enumerate(values, 1):
            book[sheet].cell(row, column).value = value
    book.save(path)


def cells(path: Path, sheet: str, columns: int) -> list[tuple[Any, ...]]:
    rows = openpyxl.load_workbook(path)[sheet].iter_rows(min_row=2, max_col=columns, values_only=True)
    return [row for row in rows if any(value is not None for value in row)]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A new template workbook with the template's three customers and its three strategies."""
    path = tmp_path / "客户 细分.xlsx"
    assert main(["new", str(path)]) == 0
    typed = [(*row[:10], datetime(2026, 6, 30) - timedelta(days=row[10])) for row in TABLE_1]
    put(path, CUSTOMERS, typed)
    put(path, STRATEGY, TABLE_3_ROWS)
    return path


def test_the_template_example_comes_out_cell_for_cell(book: Path) -> None:
    assert main(["fill", str(book), "--as-of", "2026-06-30"]) == 0
    assert cells(book, RFM, 6) == TABLE_2
    plan = cells(book, STRATEGY, 8)
    assert plan[:3] == TABLE_3_ROWS
    assert [row[0] for row in plan[3:]] == ["低价值客户"]


def test_filling_again_changes_nothing(book: Path) -> None:
    main(["fill", str(book), "--as-of", "2026-06-30"])
    once = book.read_bytes()
    main(["fill", str(book), "--as-of", "2026-06-30"])
    assert book.read_bytes() == once


def test_what_people_typed_in_table_3_survives(book: Path) -> None:
    main(["fill", str(book), "--as-of", "2026-06-30"])
    typed = [
        ("流失风险客户", "低R", "换个策略", "电话回访", "*张三", "召回率≥30%", "3周", "0.45"),
        ("我们的大客户", "自己加的群体", "上门拜访", "每月一次", "*李四", "续约率≥90%", "持续", "进行中"),
        ("高价值客户", "高R/F/M,忠诚度高", "专属权益提升粘性", "生日礼券", "*王五", "复购率≥85%", "持续", "已完成50%"),
    ]
    put(book, STRATEGY, typed)
    assert main(["fill", str(book), "--as-of", "2026-06-30"]) == 0
    assert cells(book, STRATEGY, 8)[:3] == typed


def test_a_remark_in_table_3_is_there_once_however_often_it_is_filled(book: Path) -> None:
    """A line without a group, below one that goes on in it."""
    assert main(["fill", str(book), "--as-of", "2026-06-30"]) == 0
    typed = [*TABLE_3_ROWS[:1], (None, None, None, "再打一次电话", "*张三", None, None, None), *TABLE_3_ROWS[1:]]
    put(book, STRATEGY, typed)
    for _ in range(2):
        assert main(["fill", str(book), "--as-of", "2026-06-30"]) == 0
        plan = cells(book, STRATEGY, 8)
        assert plan[:4] == typed
        assert [row[0] for row in plan[4:]] == ["低价值客户"]


def test_a_moment_typed_in_table_3_keeps_what_is_finer_than_we_read(book: Path) -> None:
    """As a copied NOW() has it."""
    assert main(["fill", str(book), "--as-of", "2026-06-30"]) == 0
    put(book, STRATEGY, [(*TABLE_3_ROWS[0][:7], 46190.284856015031), *TABLE_3_ROWS[1:]])
    workbook = openpyxl.load_workbook(book)
    workbook[STRATEGY]["H2"].number_format = "yyyy-mm-dd hh:mm"
    workbook.save(book)
    assert main(["fill", str(book), "--as-of", "2026-06-30"]) == 0
    with zipfile.ZipFile(book) as archive:
        assert any(b"46190.28485601503" in archive.read(name) for name in archive.namelist())


def test_the_customer_sheet_is_never_written(book: Path) -> None:
    before = cells(book, CUSTOMERS, 23)
    main(["fill", str(book), "--as-of", "2026-06-30"])
    assert cells(book, CUSTOMERS, 23) == before


def test_json_says_everything(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    out = book.with_name("out.xlsx")
    assert main(["fill", str(book), "-o", str(out), "--as-of", "2026-06-30", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["codes"] == {"000": 1, "011": 1, "111": 1}
    assert said["segments"]["流失风险客户"] == {"customers": 1, "amount": 4400.0}
    assert (said["status"], said["as_of"]) == ("findings", "2026-06-30")
    assert said["rows_in"] == said["rows_used"] + said["rows_excluded"] == 3
    assert said["outputs"] == [str(out)]
    assert {"code", "sheet", "cell", "value", "message"} == set(said["findings"][0])


def test_check_writes_nothing(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in book.parent.iterdir()}
    capsys.readouterr()
    assert main(["check", str(book), "--as-of", "2026-06-30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == []
    assert {path.name: path.read_bytes() for path in book.parent.iterdir()} == before


def test_the_sample_with_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, report = tmp_path / "filled.xlsx", tmp_path / "report.html"
    before = SAMPLE.read_bytes()
    assert main(["fill", str(SAMPLE), "-o", str(out), "--report", str(report)]) == 0
    said = capsys.readouterr().out
    assert SAMPLE.read_bytes() == before
    assert str(out) in said and str(report) in said
    assert cells(out, RFM, 6)[:3] == TABLE_2
    assert "高价值客户" in report.read_text(encoding="utf-8")
    assert len([line for line in said.splitlines() if line.startswith("  ")]) == 5


def test_the_english_edition_answers_in_english(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "book.xlsx"
    assert main(["new", str(path), "--lang", "en"]) == 0
    put(path, "Customers", [("1001", "Female", 28, "Shanghai", "", 12, 350, "", "", 4200, datetime(2026, 6, 15))])
    assert main(["fill", str(path), "--as-of", "2026-06-30"]) == 0
    assert cells(path, "RFM Segments", 6) == [
        ("1001", "Yes (15 days ago)", "12 orders", "4200 yuan", "111 (High R/High F/High M)", "High-value customers")
    ]
    assert "As of 2026-06-30" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_orders_become_a_workbook(tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "单据,买家,日期,数量,单价,品类",
        "A1,007,2026-06-01,2,10,茶",
        "A1,007,2026-06-01,1,30,酒",
        "A2,007,2026-06-20,-1,30,酒",
    ]
    source, out = tmp_path / "订单.csv", tmp_path / "book.xlsx"
    source.write_text("\n".join(lines), encoding=encoding)
    named = ["--column-order-id", "单据", "--column-customer-id", "买家"]
    assert main(["import", str(source), "-o", str(out), "--as-of", "2026-06-30", *named]) == 0
    assert "3 = 采用 2 + 未计入 1" in capsys.readouterr().out
    customer = cells(out, CUSTOMERS, 11)
    assert [customer[0][i] for i in (0, 5, 6, 7, 9)] == ["007", 1, 50, "酒、茶", 50]
    assert main(["fill", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["as_of"], said["codes"]) == ("2026-06-30", {"100": 1})
    assert any("退款" in finding["message"] for finding in said["findings"])


def test_netting_refunds_is_a_rule_that_travels_with_the_workbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, rules, out = tmp_path / "orders.csv", tmp_path / "rules.toml", tmp_path / "book.xlsx"
    source.write_text("客户ID,下单日期,金额\n7,2026-06-01,100\n7,2026-06-20,-30\n", encoding="utf-8")
    rules.write_text("net_refunds = true\n", encoding="utf-8")
    assert main(["import", str(source), "-o", str(out), "--rules", str(rules)]) == 0
    assert cells(out, CUSTOMERS, 11)[0][9] == 70
    capsys.readouterr()
    assert main(["fill", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["segments"]["潜力客户"] == {"customers": 1, "amount": 70.0}
    assert "typed_differs" not in {finding["code"] for finding in said["findings"]}


def test_nothing_is_overwritten(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = book.read_bytes()
    source = tmp_path / "orders.csv"
    source.write_text("客户ID,下单日期,金额\n1,2026-01-01,5\n", encoding="utf-8")
    assert main(["new", str(book)]) == 1
    assert main(["import", str(source), "-o", str(book)]) == 1
    assert book.read_bytes() == before
    assert "已存在" in capsys.readouterr().err


def test_a_refusal_leaves_the_file_and_says_where(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(book, CUSTOMERS, [(110101199003077771, "女", 28, "上海", "", 12, 350, "", "", 4200, datetime(2026, 6, 15))])
    before = book.read_bytes()
    capsys.readouterr()
    assert main(["fill", str(book), "--json"]) == 1
    said = capsys.readouterr()
    assert book.read_bytes() == before
    refusal = json.loads(said.out)
    assert refusal["status"] == "refused"
    assert (refusal["findings"][0]["code"], refusal["findings"][0]["cell"]) == ("id_too_long", "A2")
    assert "A2" in said.err and "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["fill"], "缺少参数"),
        (["fill", "--lang", "en"], "required"),
        (["fill", "x.xlsx", "--as-of", "2024-02-30"], "不是日期"),
        (["grill"], "可选"),
        ([], "缺少参数"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert word in capsys.readouterr().err


def test_a_setting_that_does_nothing_is_told(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is nearly a setting's, an Excel error and a formula never calculated; a note is a note."""
    content = openpyxl.load_workbook(book)
    sheet = content["设置"]
    last = sheet.max_row
    for row, (name, value) in enumerate([("F、M统记月数", 12), ("负责人：王芳", "x"), ("分析日前", None)], last + 1):
        sheet.cell(row, 1, name)
        sheet.cell(row, 2, value)
    cells = {sheet.cell(row, 1).value: sheet.cell(row, 2) for row in range(2, last)}
    cells["分析目标"].value = "#N/A"
    content.save(book)
    capsys.readouterr()
    assert main(["check", str(book), "--json", "--as-of", "2026-06-30"]) == 0
    found = {one["code"]: one for one in json.loads(capsys.readouterr().out)["findings"] if one["sheet"] == "设置"}
    assert found.keys() == {"setting_unknown", "setting_unread"}
    assert found["setting_unknown"]["cell"] == f"B{last + 1}" and "F、M 统计月数" in found["setting_unknown"]["message"]
    assert found["setting_unread"]["value"] == "#N/A" and "分析目标" in found["setting_unread"]["message"]


def test_another_workbook_at_the_output_is_kept_and_told(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = book.with_name("out.xlsx")
    jobs.new(out, "zh")
    empty = out.read_bytes()
    assert main(["fill", str(book), "-o", str(out)]) == 0
    assert out.with_name("out.previous.xlsx").read_bytes() == empty
    assert "out.previous.xlsx" in capsys.readouterr().out


def test_a_hard_link_is_told(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = book.with_name("other.xlsx")
    other.hardlink_to(book)
    before = book.read_bytes()
    assert main(["fill", str(book), "--as-of", "2026-06-30"]) == 0
    assert "硬链接" in capsys.readouterr().out
    assert other.read_bytes() == before != book.read_bytes()


def test_a_mistyped_option_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fill", "x.xlsx", "--asof", "2026-06-30"]) == 2
    assert "最接近的是“--as-of”" in capsys.readouterr().err
    assert main(["verify", "a.xlsx", "b.xlsx", "--break-signatur", "c.xlsx"]) != 0
    assert main(["fill", "x.xlsx", "--zzz", "--lang", "en"]) == 2
    assert "nearest" not in capsys.readouterr().err.splitlines()[-1]


def test_verify_lists_what_changed_and_only_that(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = book.with_name("out.xlsx")
    assert main(["fill", str(book), "-o", str(out), "--as-of", "2026-06-30"]) == 0
    capsys.readouterr()
    assert main(["verify", str(book), str(out)]) == 0
    short = capsys.readouterr().out
    assert main(["verify", str(book), str(out), "--all"]) == 0
    whole = capsys.readouterr().out
    assert main(["verify", str(book), str(out), "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert "theme" not in short and "theme" in whole
    assert len(whole.splitlines()) == len(parts) + 1
    assert len(short.splitlines()) == sum(part["verdict"] != "same" for part in parts) + 1


def test_verify_is_told_what_was_given_up(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A signature and old results that fill was asked to give up are declared to verify in the same words."""
    with zipfile.ZipFile(book, "a") as archive:
        archive.writestr("_xmlsignatures/origin.sigs", b"")
    content = openpyxl.load_workbook(SAMPLE)
    reader = book.with_name("reader.xlsx")
    content.create_sheet("汇总")["A1"] = f"=COUNTA('{RFM}'!A2:A9)"
    content.save(reader)
    with zipfile.ZipFile(reader) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(reader, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data.replace(b"</f><v/>", b"</f><v>9</v>").replace(b"</f><v></v>", b"</f><v>9</v>"))
    for path, option in ((book, "--break-signature"), (reader, "--drop-stale")):
        out = path.with_suffix(".out.xlsx")
        assert main(["fill", str(path), "-o", str(out), option]) == 0
        capsys.readouterr()
        assert main(["verify", str(path), str(out)]) == 1
        assert "不该有" in capsys.readouterr().out
        assert main(["verify", str(path), str(out), option]) == 0


@pytest.mark.parametrize("name", ["客户 细分.xlsx", "report.docx", "out.xlsx"])
def test_a_report_is_never_written_over_a_workbook(book: Path, name: str) -> None:
    before = book.read_bytes()
    out = book.with_name("out.xlsx")
    assert main(["fill", str(book), "-o", str(out), "--report", str(book.with_name(name))]) == 1
    assert book.read_bytes() == before
    assert not out.exists()


@pytest.mark.parametrize("before", [True, False])
def test_the_language_may_stand_before_or_after_the_command(
    book: Path, before: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["check", str(book), "--as-of", "2026-06-30"]
    capsys.readouterr()
    assert main(["--lang", "en", *arguments] if before else [*arguments, "--lang", "en"]) == 0
    assert "As of 2026-06-30" in capsys.readouterr().out


def test_a_missing_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fill", str(tmp_path / "nothing.xlsx")]) == 1
    assert "nothing.xlsx" in capsys.readouterr().err


def test_a_fault_of_ours_is_one_sentence_and_a_log(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("客户 13812345678")

    monkeypatch.setattr(jobs, "fill", broken)
    capsys.readouterr()
    assert main(["fill", str(book)]) == 3
    said = capsys.readouterr().err.strip()
    log = Path(said.rsplit("：", 1)[1])
    text = log.read_text(encoding="utf-8")
    log.unlink()
    assert "\n" not in said
    assert "ZeroDivisionError" in text and "13812345678" not in text


def test_an_interruption_is_exit_130(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "fill", stopped)
    assert main(["fill", str(book)]) == 130


def test_help_is_in_the_users_language_and_light() -> None:
    code = (
        "import sys; from segmenter.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'pandas', 'numpy', 'openpyxl', 'jinja2', 'rich', 'lets_plot'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout
    assert "用法" in said and "显示帮助" in said
    assert said.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["fill", "fill --json", "fill --formulas", "check", "batch --jobs 1"])
def test_customers_without_orders_need_no_pandas(book: Path, tmp_path: Path, command: str) -> None:
    """Importing it takes longer than filling such a workbook, or a batch's tables."""
    name, *options = command.split()
    out = [] if name == "check" else ["-o", str(tmp_path / ("out" if name == "batch" else "out.xlsx"))]
    code = "import sys; from segmenter.cli import main; print(main(sys.argv[1:]), 'pandas' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code, name, str(book), *out, *options],
        capture_output=True, text=True, encoding="utf-8", check=True,
    ).stdout  # fmt: skip
    assert said.splitlines()[-1] == "0 False"


def test_orders_dimensions_and_contacts_need_no_pandas(tmp_path: Path) -> None:
    """The sample has orders and asks for dimensions; here with a campaign and targets to measure, filled twice."""
    source, out = tmp_path / "shop.xlsx", tmp_path / "out.xlsx"
    sample = openpyxl.load_workbook(SAMPLE)
    for place in range(200):
        answer = "否" if place % 50 else "是"
        sample["活动记录"].append([str(1001 + 2 * place), None, "召回", datetime(2026, 5, 1), answer])
    targets = ("召回率≥20%；转化率≥5%；30天内二次购买率≥10%", "响应率≥10%；90天内复购率≥10%", "自然回流率≥5%")
    for row, target in enumerate(targets, 2):
        assert sample[STRATEGY]["F1"].value == "目标指标"
        sample[STRATEGY].cell(row, 6).value = target
    sample.save(source)
    heavy = {"pandas", "numpy.ma"}
    code = f"import sys; from segmenter.cli import main; print(main(sys.argv[1:]), *{heavy} & sys.modules.keys())"
    for path, day in ((source, "2026-06-30"), (out, "2026-07-31")):
        said = subprocess.run(
            [sys.executable, "-c", code, "fill", str(path), "-o", str(out), "--as-of", day],
            capture_output=True, text=True, encoding="utf-8", check=True,
        ).stdout  # fmt: skip
        assert said.splitlines()[-1] == "0"


def test_a_fill_imports_what_it_needs(book: Path, tmp_path: Path) -> None:
    """Importing is a good part of what a small workbook takes: what only other commands need stays out of it."""
    others = {"dataclasses", "difflib", "calendar", "shutil"}
    others |= {f"segmenter.{one}" for one in ("catalogue", "commands_mail", "sources", "batch", "formulas")}
    code = f"import sys; from segmenter.cli import main; print(main(sys.argv[1:]), {others} & sys.modules.keys())"
    said = subprocess.run(
        [sys.executable, "-c", code, "fill", str(book), "-o", str(tmp_path / "out.xlsx")],
        capture_output=True, text=True, encoding="utf-8", check=True,
    ).stdout  # fmt: skip
    assert said.splitlines()[-1] == "0 set()"


def test_orders_with_times_tell_the_active_hours(tmp_path: Path) -> None:
    """003-17: what an order file knows of the time of day goes to table 1; without times the column stays empty."""
    lines = ["2026-06-01 20:10,7,10", "2026-06-02 21:50:00,7,10", "2026-06-03 09:00,7,10", "2026-06-03 08:00,8,10"]
    for name, wanted in (
        ("timed", {"7": "20:00-22:00", "8": "08:00-10:00"}),
        ("plain", {"7": None, "8": None}),
    ):
        rows = lines if name == "timed" else [line[:10] + line[line.index(",") :] for line in lines]
        source, out = tmp_path / f"{name}.csv", tmp_path / f"{name}.xlsx"
        source.write_text("\n".join(["下单时间,客户ID,金额", *rows]), encoding="utf-8")
        assert main(["import", str(source), "-o", str(out)]) == 0
        found = openpyxl.load_workbook(out)[CUSTOMERS]
        place = [cell.value for cell in found[1]].index("活跃时段")
        assert {row[0]: row[place] for row in found.iter_rows(min_row=2, values_only=True) if row[0]} == wanted
