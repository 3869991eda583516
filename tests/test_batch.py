"""A batch as people run it: three hundred workbooks, bad ones among them, interrupted, resumed, on a cluster."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from segmenter import jobs, progress, rules, wording
from segmenter.batch import tables
from segmenter.batch.journal import recorded
from segmenter.batch.rows import Row
from segmenter.batch.worklist import JOURNAL
from segmenter.books.file import FileBook
from segmenter.cli import main
from segmenter.frames import Frame
from segmenter.schema import CUSTOMERS, RFM
from segmenter.texts import LANGS, Lang


def customers(seed: int) -> Any:
    """Twelve customers that differ from workbook to workbook."""
    import pandas as pd

    day = datetime(2026, 6, 30)
    rows = pd.DataFrame(
        {
            "customer_id": [f"{seed:02d}{i:03d}" for i in range(12)],
            "age": [20.0 + i for i in range(12)],
            "frequency": [float((seed + i) % 13) for i in range(12)],
            "average_order_value": [100.0 + 40 * i for i in range(12)],
            "total_amount": [20000.0 + i for i in range(12)],
            "last_order_date": [day - timedelta(days=(seed * 7 + i * 11) % 175) for i in range(12)],
        }
    )
    return Frame.from_pandas(rows)


def good(path: Path, seed: int, lang: Lang = "zh") -> Path:
    with FileBook(jobs.template(lang), out=path) as book:
        book.write(CUSTOMERS, customers(seed))
    return path


def edited(source: Path, path: Path, change: Any) -> Path:
    book = openpyxl.load_workbook(source)
    change(book)
    book.save(path)
    return path


def bad(folder: Path, model: Path) -> list[Path]:
    """Ten workbooks, each bad in its own way."""
    sheet = CUSTOMERS.sheet["zh"]
    data = model.read_bytes()
    raw = {
        "文本.xlsx": b"not a workbook",
        "空文件.xlsx": b"",
        "截断.xlsx": data[: len(data) // 2],
        "旧格式.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "改名的csv.xlsx": "客户ID,年龄\n1,2\n".encode(),
        "网页.xlsx": b"<html><table><tr><td>1</td></tr></table></html>",
    }
    for name, content in raw.items():
        (folder / name).write_bytes(content)

    def formula(book: Any) -> None:
        book[sheet]["F2"] = "=1+1"

    def header(book: Any) -> None:
        book[sheet]["F1"] = "别的"

    def number(book: Any) -> None:
        book[sheet]["A3"] = 110101199003077771

    edited(model, folder / "缺表.xlsx", lambda book: book.remove(book[sheet]))
    edited(model, folder / "缺列.xlsx", header)
    edited(model, folder / "长编号.xlsx", number)
    edited(model, folder / "公式.xlsx", formula)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """270 good workbooks (nine kinds, in thirty folders, so that names repeat) and 30 bad ones in ten ways."""
    root = tmp_path_factory.mktemp("shelf")
    models = [good(tmp_path_factory.mktemp("models") / f"门店{seed}.xlsx", seed) for seed in range(9)]
    broken = bad(tmp_path_factory.mktemp("bad"), models[0])
    for number in range(30):
        folder = root / f"区域{number:02d}"
        folder.mkdir()
        for model in models:
            shutil.copy(model, folder)
        shutil.copy(broken[number % 10], folder / f"坏{number:02d}-{broken[number % 10].name}")
    (root / "区域00" / "~$门店1.xlsx").write_bytes(b"Excel's owner file")
    return root


@pytest.fixture(scope="module")
def done(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The shelf worked through once: the output folder and what --json said."""
    out = tmp_path_factory.mktemp("out")
    said = subprocess.run(
        [sys.executable, "-m", "segmenter", "batch", str(shelf), "-o", str(out), "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert said.returncode == 1, said.stderr
    return out, json.loads(said.stdout)


def test_300_workbooks_of_which_30_are_bad(done: tuple[Path, dict[str, Any]]) -> None:
    out, said = done
    refused = [file for file in said["files"] if file["status"] == "refused"]
    assert (said["done"] + said["findings"], said["refused"], said["worked"]) == (270, 30, 300)
    assert all(Path(file["source"]).name.startswith("坏") and file["message"] for file in refused)
    assert len({file["message"].replace(Path(file["source"]).name, "") for file in refused}) >= 9
    assert len(list(out.glob("*.xlsx"))) == 271
    assert sum(segment["customers"] for segment in said["segments"].values()) == 270 * 12


def test_the_tables_say_the_same(done: tuple[Path, dict[str, Any]]) -> None:
    out, said = done
    with (out / "batch.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    book = openpyxl.load_workbook(out / "batch.xlsx")
    assert len(rows) == 301 and book["工作簿"].max_row == 301
    assert [row[0] for row in rows[1:]] == [file["source"] for file in said["files"]]
    sums = {row[0]: row[1] for row in book["各类客户合计"].iter_rows(min_row=2, values_only=True)}
    assert sums == {name: one["customers"] for name, one in said["segments"].items()}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count("<a href=") == 270 and "src=" not in page
    assert str(Path(rows[1][0]).parent.parent) not in page and "区域00/" in page


def test_a_resume_does_exactly_the_refused(shelf: Path, done: tuple[Path, dict[str, Any]]) -> None:
    out, _ = done
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.xlsx") if path.stem != "batch"}
    said = subprocess.run(
        [sys.executable, "-m", "segmenter", "batch", str(shelf), "-o", str(out), "--json", "--resume"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert json.loads(said.stdout)["worked"] == 30
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("*.xlsx") if path.stem != "batch"} == before


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["batch", *arguments, "--json", "--jobs", "1"])
    return code, json.loads(capsys.readouterr().out)


def test_what_changed_or_is_missing_is_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(3):
        good(tmp_path / f"{seed}.xlsx", seed)
    out = tmp_path / "out"
    again = (str(tmp_path), "-o", str(out), "--resume")
    assert run(capsys, *again)[1]["worked"] == 3
    assert run(capsys, *again)[1]["worked"] == 0
    (out / "0.xlsx").unlink()
    good(tmp_path / "1-new.xlsx", 7).replace(tmp_path / "1.xlsx")
    assert run(capsys, *again)[1]["worked"] == 2
    assert run(capsys, *again, "--report")[1]["worked"] == 3
    assert (out / "2.html").is_file()


@pytest.mark.parametrize("kept", [0, 20_000])
def test_an_output_that_is_cut_off_is_made_again_and_one_that_people_changed_is_not(
    tmp_path: Path, kept: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(2):
        good(tmp_path / f"{seed}.xlsx", seed)
    out = tmp_path / "out"
    again = (str(tmp_path / "*.xlsx"), "-o", str(out), "--resume")
    run(capsys, *again)
    whole = (out / "0.xlsx").read_bytes()
    (out / "0.xlsx").write_bytes(whole[:kept])
    with FileBook(out / "1.xlsx") as book:
        book.write(CUSTOMERS, customers(8))
    typed = (out / "1.xlsx").read_bytes()
    assert run(capsys, *again)[1]["worked"] == 1
    assert ((out / "0.xlsx").read_bytes(), (out / "1.xlsx").read_bytes()) == (whole, typed)


def test_what_people_typed_into_an_output_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(2):
        good(tmp_path / f"{seed}.xlsx", seed)
    out = tmp_path / "out"
    arguments = (str(tmp_path / "*.xlsx"), "-o", str(out))
    run(capsys, *arguments)
    for seed in range(2):
        (tmp_path / f"{seed}.xlsx").unlink()
        good(tmp_path / f"{seed}.xlsx", seed + 4)
    with FileBook(out / "0.xlsx") as book:
        book.write(CUSTOMERS, customers(8))
    typed = (out / "0.xlsx").read_bytes()
    _, said = run(capsys, *arguments)
    assert (out / "0.previous.xlsx").read_bytes() == typed
    assert said["files"][0]["status"] == "findings"
    assert ["0.previous.xlsx" in file["message"] for file in said["files"]] == [True, False]
    assert {path.name for path in out.glob("?.*")} == {"0.xlsx", "1.xlsx", "0.previous.xlsx"}


@pytest.mark.parametrize(("lang", "risky"), [("zh", "流失风险客户"), ("en", "Customers at risk")])
def test_segments_are_summed_over_workbooks_of_both_languages(
    tmp_path: Path, lang: Lang, risky: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in LANGS:
        good(tmp_path / f"{one}.xlsx", 3, one)
    other: Lang = "en" if lang == "zh" else "zh"
    names = {one: wording.segment_names(rules.default(), one) for one in LANGS}
    out = tmp_path / "out"
    for more in ((), ("--resume",)):
        _, said = run(capsys, str(tmp_path / "*.xlsx"), "-o", str(out), "--lang", lang, *more)
        assert risky in said["segments"] and {*said["segments"]} <= {*names[lang].values()}
        assert sum(one["customers"] for one in said["segments"].values()) == 2 * 12
        page = (out / "index.html").read_text(encoding="utf-8")
        assert risky in page and not [name for name in names[other].values() if name in page]
    _, said = run(capsys, str(tmp_path / "*.xlsx"), "-o", str(out), "--lang", other, "--resume")
    assert said["worked"] == 0 and {*said["segments"]} <= {*names[other].values()}


def test_sums_over_different_days_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2):
        good(tmp_path / f"{number}.xlsx", number)
    out, said = tmp_path / "out", "分析日期不同（{} 至 2026-07-31）"
    for other, told in (("2026-07-30", True), ("2026-07-31", False)):
        listing = f"file,as_of\n1.xlsx,2026-07-31\n2.xlsx,{other}\nnone.xlsx,2020-01-01\n"
        (tmp_path / "list.csv").write_text(listing, encoding="utf-8")
        assert main(["batch", str(tmp_path / "list.csv"), "-o", str(out), "--jobs", "1"]) == 1
        page = (out / "index.html").read_text(encoding="utf-8")
        for text in (page, capsys.readouterr().out.replace("\n", "")):
            assert (said.format(other) in text, "分析日期不同" in text) == (told, told)


def test_a_list_names_options_for_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good(tmp_path / "a.xlsx", 1)
    good(tmp_path / "b.xlsx", 2)
    (tmp_path / "rules.toml").write_text("window_months = 3\n", encoding="utf-8")
    listing = tmp_path / "list.csv"
    rows = "文件,分析日期,规则文件,收件人\na.xlsx,2026-07-31,rules.toml,=x@example.com\nb.xlsx,,,\n"
    listing.write_text(rows, encoding="gb18030")
    code, said = run(capsys, str(listing), "-o", str(tmp_path / "out"))
    assert code == 0
    assert [file["as_of"] for file in said["files"]] == ["2026-07-31", "2026-06-16"]
    assert [file["recipient"] for file in said["files"]] == ["=x@example.com", ""]
    assert "'=x@example.com" in (tmp_path / "out" / "batch.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(("separator", "encoding"), [(";", "utf-8"), ("\t", "utf-16")])
def test_a_list_is_what_excel_saves_elsewhere(
    tmp_path: Path, separator: str, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "a.xlsx", 1)
    rows = ["文件", "分析日期", "收件人"], ["a.xlsx", "2026-07-31", "a@example.com,b@example.com,c@example.com"]
    listing = tmp_path / "list.csv"
    listing.write_text("\n".join(map(separator.join, rows)), encoding=encoding)
    _, said = run(capsys, str(listing), "-o", str(tmp_path / "out"))
    assert (said["files"][0]["as_of"], said["files"][0]["recipient"]) == (rows[1][1], rows[1][2])


def test_a_bad_line_of_a_list_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "abc":
        good(tmp_path / f"{name}.xlsx", 1)
    listing = tmp_path / "list.csv"
    rows = "文件,分析日期\na.xlsx,2026-07-31\nnothing.xlsx,\nb.xlsx,昨天\nc.xlsx,\n"
    listing.write_text(rows, encoding="utf-8")
    code, said = run(capsys, str(listing), "-o", str(tmp_path / "out"))
    found = {Path(file["source"]).name: file for file in said["files"]}
    assert code == 1
    assert {name for name, file in found.items() if file["status"] == "refused"} == {"nothing.xlsx", "b.xlsx"}
    assert "昨天" in found["b.xlsx"]["message"] and found["b.xlsx"]["output"] == ""
    assert {path.name for path in (tmp_path / "out").glob("?.xlsx")} == {"a.xlsx", "c.xlsx"}


def test_a_workbook_of_an_old_format_is_a_refused_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good(tmp_path / "a.xlsx", 1)
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "Workbook".encode("utf-16-le")
    for name in ("a.xls", "b.XLS", "~$b.xls"):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "notes.txt").write_bytes(b"no workbook")
    out = tmp_path / "out"
    code, said = run(capsys, str(tmp_path), "-o", str(out), "--report")
    found = {Path(file["source"]).name: file for file in said["files"]}
    assert code == 1 and {name: file["status"] == "refused" for name, file in found.items()} == {
        "a.xlsx": False,
        "a.xls": True,
        "b.XLS": True,
    }
    assert "另存为 .xlsx" in found["b.XLS"]["message"] and "b.XLS" in found["b.XLS"]["message"]
    assert {path.name for path in out.glob("?.*")} == {"a.xlsx", "a.html"}


@pytest.mark.parametrize("source", ["east", "east/*.xlsx", "east/north"])
def test_the_folder_of_the_sources_is_none_for_the_results(
    tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "east" / "north").mkdir(parents=True)
    good(tmp_path / "east" / "a.xlsx", 1)
    good(tmp_path / "east" / "north" / "b.xlsx", 1)
    good(tmp_path / "west.xlsx", 2)
    before = sorted(tmp_path.rglob("*"))
    for sources in ([source], [source, "west.xlsx"]):
        paths = [str(tmp_path / one) for one in sources]
        assert main(["batch", *paths, "-o", str(tmp_path / "east"), "--jobs", "1"]) == 1
        said = capsys.readouterr().err
        assert str(tmp_path / "east") in said and "另" in said and "没有工作簿" not in said
    assert sorted(tmp_path.rglob("*")) == before
    assert main(["batch", str(tmp_path), "-o", str(tmp_path / "east" / "out"), "--jobs", "1"]) == 0
    out = tmp_path / "out"
    out.mkdir()
    for _ in range(2):  # as a shell writes *
        assert main(["batch", str(tmp_path / "west.xlsx"), str(out), "-o", str(out), "--jobs", "1"]) == 0


@pytest.mark.parametrize("lang", LANGS)
def test_a_doubtful_day_is_told_in_the_table_and_on_the_page(
    tmp_path: Path, lang: Lang, capsys: pytest.CaptureFixture[str]
) -> None:
    def late(book: Any) -> None:
        book[CUSTOMERS.sheet["zh"]]["K2"] = datetime(2062, 6, 1)

    edited(good(tmp_path / "model.xlsx", 1), tmp_path / "a.xlsx", late)
    out = tmp_path / "out"
    _, said = run(capsys, str(tmp_path / "a.xlsx"), "-o", str(out), "--lang", lang)
    assert said["files"][0]["status"] == "findings" and said["files"][0]["as_of"] == "2062-06-01"
    told = said["files"][0]["message"]
    assert "2062-06-01" in told and {"zh": "请核对", "en": "please check"}[lang] in told
    assert told in (out / "batch.csv").read_text(encoding="utf-8-sig")
    assert told in (out / "index.html").read_text(encoding="utf-8")
    main(["batch", str(tmp_path / "a.xlsx"), "-o", str(out), "--jobs", "1", "--lang", lang])
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("wide", [80, 120])
def test_the_table_on_a_narrow_screen_cuts_nothing_and_ends_with_what_was_refused(
    tmp_path: Path, wide: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "客户资料" / "2026年6月底各区域门店汇总" / "第一批" / "华东华南合并"
    (source / "区域1").mkdir(parents=True)
    bad(source / "区域1", good(tmp_path / "model.xlsx", 1))
    good(source / "店.xlsx", 1)
    out = tmp_path / "out"
    _, said = run(capsys, str(source), "-o", str(out))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(wide))
    main(["batch", str(source), "-o", str(out), "--jobs", "1", "--resume"])
    lines = capsys.readouterr().out.splitlines()
    shown = "".join("".join(lines).split())
    assert lines[0].split() == ["完成", "店.xlsx", "店.xlsx"] and not [line for line in lines if line != line.rstrip()]
    for file in said["files"][:-1]:
        assert f"拒绝区域1/{Path(file['source']).name}{''.join(file['message'].split())}" in shown


@pytest.mark.parametrize("screen", [True, False])
def test_the_bar_is_shown_on_a_screen_alone(
    screen: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: screen)
    monkeypatch.setenv("TERM", "xterm")
    with progress.Files("zh", 2) as told:
        time.sleep(0.5)
        told(1)
        time.sleep(0.2)
    said = capsys.readouterr().err
    assert ("1/2" in said and "/s" in said) if screen else said == ""


def test_a_program_without_a_console_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)  # as pythonw has it
    with progress.Files("zh", 2) as told:
        told(1)
    assert told.count == 1


@pytest.mark.parametrize("refused", [False, True])
def test_the_tables_are_written_though_nobody_reads_the_screen_on(tmp_path: Path, refused: bool) -> None:
    good(tmp_path / "a.xlsx", 1)
    out = tmp_path / "out"
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does when it has seen enough
    if refused:
        (tmp_path / "b.xlsx").write_bytes(b"no workbook")
    command = [sys.executable, "-m", "segmenter", "batch", str(tmp_path / "*.xlsx"), "-o", str(out), "--jobs", "1"]
    said = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (said.returncode, said.stderr) == (int(refused), b"")
    assert {path.name for path in out.iterdir()} >= {"a.xlsx", "batch.csv", "batch.xlsx", "index.html"}


def test_the_page_begins_with_what_was_refused_and_says_what_all_come_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(2):
        good(tmp_path / f"{seed}.xlsx", seed)
    (tmp_path / "z.xlsx").write_bytes(b"no workbook")
    _, said = run(capsys, str(tmp_path), "-o", str(tmp_path / "out"))
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.index('scope="row">z.xlsx') < page.index('scope="row">0.xlsx') < page.index('scope="row">1.xlsx')
    total = page[page.index("<tfoot>") : page.index("</tfoot>")]
    assert f">{sum(one['customers'] for one in said['segments'].values())}<" in total
    assert f">{round(sum(one['amount'] for one in said['segments'].values())):,}<" in total


@pytest.mark.parametrize("lang", LANGS)
def test_the_workbook_of_a_batch_shows_every_cell_whole(
    tmp_path: Path, lang: Lang, capsys: pytest.CaptureFixture[str]
) -> None:
    bad(tmp_path, good(tmp_path / "a.xlsx", 0))
    run(capsys, str(tmp_path), "-o", str(tmp_path / "out"), "--lang", lang)
    for sheet in openpyxl.load_workbook(tmp_path / "out" / "batch.xlsx"):
        assert sheet.auto_filter.ref == sheet.dimensions
        for cell in (cell for row in sheet.iter_rows() for cell in row if cell.value is not None):
            room = sheet.column_dimensions[cell.column_letter].width * (sheet.row_dimensions[cell.row].height // 15)
            assert room >= sum(1 + (ord(sign) > 0x2E80) for sign in str(cell.value)), cell
            assert cell.number_format in ("General", "#,##0", "#,##0.00")


def test_no_row_of_a_workbook_of_a_batch_is_higher_than_a_row_can_be(tmp_path: Path) -> None:
    tables.write([Row("/a.xlsx", "a.xlsx", "refused", message="太长" * 1000)], tmp_path, "zh")
    assert openpyxl.load_workbook(tmp_path / "batch.xlsx").worksheets[0].row_dimensions[2].height <= 409.5


@pytest.mark.parametrize("sources", ["list.csv", "nothing.xlsx", "empty"])
def test_what_names_no_workbook_is_refused(tmp_path: Path, sources: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.csv").write_text("名字\na.xlsx\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    assert main(["batch", str(tmp_path / sources), "-o", str(tmp_path / "out")]) == 1
    assert sources in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_kill_in_the_middle_is_resumed(shelf: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "segmenter", "batch", str(shelf / "区域0*" / "门店*.xlsx"), "-o", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    journal = tmp_path / JOURNAL
    deadline = time.monotonic() + 60
    while not (journal.is_file() and journal.read_bytes().count(b"\n") >= 5) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = journal.read_bytes().count(b"\n")
    assert 5 <= finished < 90
    said = subprocess.run(
        [*command, "--resume", "--json"], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    assert found["worked"] <= 90 - finished + 1
    assert len(found["files"]) == 90 and found["refused"] == 0


@pytest.mark.parametrize("times", [1, 4, 40])
def test_ctrl_c_stops_cleanly_and_says_what_is_done(shelf: Path, tmp_path: Path, times: int) -> None:
    command = [sys.executable, "-m", "segmenter", "batch", str(shelf), "-o", str(tmp_path)]
    # started in the background of a shell the tests ignore Ctrl-C, and so would everything they start
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True)
    journal = tmp_path / JOURNAL
    deadline = time.monotonic() + 60
    while not (journal.is_file() and journal.read_bytes().count(b"\n") >= 3) and time.monotonic() < deadline:
        time.sleep(0.02)
    for press in range(times):
        time.sleep(0.05 * bool(press))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "--resume" in said and "Traceback" not in said
    assert process.returncode == 130
    assert not [path for path in tmp_path.iterdir() if ".tmp" in path.name or path.name.endswith(".lock")]
    finished = recorded(tmp_path).values()
    assert f"完成 {len(finished)} 个，剩余 {300 - len(finished)} 个" in said
    assert {path.name for path in tmp_path.glob("*.xlsx")} == {row.output for row in finished if row.written}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers, as processes of this machine."""
    folder = tmp_path_factory.mktemp("cluster")
    contact = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    base = [sys.executable, "-m", "dask"]
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = subprocess.Popen([*base, "scheduler", *local, "--port", "0", "--scheduler-file", str(contact)], **quiet)
    deadline = time.monotonic() + 60
    while not contact.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    worker = [*base, "worker", *local, "--scheduler-file", str(contact), "--nthreads", "1", "--no-nanny"]
    workers = [subprocess.Popen(worker, **quiet) for _ in range(2)]
    yield json.loads(contact.read_text())["address"], workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(
    shelf: Path, done: tuple[Path, dict[str, Any]], cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, workers = cluster
    command = [sys.executable, "-m", "segmenter", "batch", str(shelf), "-o", str(tmp_path), "--json"]
    process = subprocess.Popen(
        [*command, "--scheduler", address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    journal = tmp_path / JOURNAL
    deadline = time.monotonic() + 60
    while not (journal.is_file() and journal.read_bytes().count(b"\n") >= 10) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers[0].kill()
    text, errors = process.communicate(timeout=240)
    assert process.returncode == 1, errors
    assert json.loads(text)["refused"] == 30
    local, _ = done
    assert {p.name for p in tmp_path.glob("*.xlsx")} == {p.name for p in local.glob("*.xlsx")}
    for path in tmp_path.glob("*.xlsx"):
        assert path.read_bytes() == (local / path.name).read_bytes(), path.name


def test_nobody_at_the_address_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good(tmp_path / "a.xlsx", 1)
    arguments = [str(tmp_path / "a.xlsx"), "-o", str(tmp_path / "out"), "--scheduler", "tcp://127.0.0.1:9"]
    assert main(["batch", *arguments]) == 1
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_an_rfm_sheet_is_in_every_output(done: tuple[Path, dict[str, Any]]) -> None:
    out, said = done
    file = next(file for file in said["files"] if file["status"] != "refused")
    grid = FileBook(out / file["output"]).read(RFM)
    assert grid is not None and grid.height == 13
