"""The buttons, pressed in an Excel of our own."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import excel_engine
import openpyxl
import pytest
from bookshop import customers

from segmenter import buttons, jobs, places, ribbon, running_excel, schema, texts
from segmenter.books import previous
from segmenter.books.file import FileBook
from segmenter.buttons import Click
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.mail import letters

ROOT = Path(__file__).parent.parent
RFM, PLAN = schema.RFM.sheet["zh"], schema.STRATEGY.sheet["zh"]
CUSTOMER_SHEET = schema.CUSTOMERS.sheet["zh"]


@pytest.fixture
def excel(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield excel_engine.start()
    excel_engine.stop()


@pytest.fixture
def click(excel, tmp_path):
    book = excel.books.open(shutil.copy(ROOT / "workbook" / "sample.xlsx", tmp_path / "示例.xlsx"))
    opened = []
    made = Click(excel, book, "zh", opened.append)
    object.__setattr__(made, "opened", opened)
    return made


def cells(book):
    return {
        sheet.title: {
            cell.coordinate: cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None
        }
        for sheet in book.impl.file.worksheets
    }


def near(values):
    return {where: round(value, 9) if isinstance(value, float) else value for where, value in values.items()}


KEPT = ("history", "proposals")
"""optional sheets that every analysis of the sample has something to say on"""


def settled(app):
    return app.impl.state == {
        "screen_updating": True,
        "calculation": "automatic",
        "enable_events": True,
        "status_bar": False,
        "display_alerts": True,
    }


def test_the_button_does_what_fill_does_on_a_file(click, tmp_path):
    before = cells(click.book)
    assert ribbon.press("fill", click) == 0
    jobs.fill(ROOT / "workbook" / "sample.xlsx", tmp_path / "file.xlsx")
    file = openpyxl.load_workbook(tmp_path / "file.xlsx")
    live = cells(click.book)
    for sheet in file.worksheets:
        wanted = {c.coordinate: c.value for row in sheet.iter_rows() for c in row if c.value is not None}
        assert near(live[sheet.title]) == near(wanted)
        tables = dict(sheet.tables.items())
        assert {one.name: one.range.address.replace("$", "") for one in click.book.sheets[sheet.title].tables} == tables
    assert live[CUSTOMER_SHEET] == before[CUSTOMER_SHEET]
    ((_, said),) = click.app.impl.alerts
    assert "800" in said and texts.say("ribbon.filled", "zh") in said
    assert settled(click.app)


def test_stages_are_told_and_an_assignment_is_a_table(click):
    ribbon.press("fill", click)
    told = [value for name, value in click.app.impl.history if name == "status_bar" and value]
    stages = [
        texts.say("ribbon.working", "zh", stage=texts.say(f"stage_name.{s}", "zh"))
        for s in ("read", "clean", "score", "plan", "dimensions", "write")
    ]
    assert told == [texts.say("ribbon.begins", "zh"), *stages]
    assert click.app.impl.calls["write"] < 100  # tables and formats of nine sheets, not 16,000 cells


def test_filling_again_writes_nothing(click):
    ribbon.press("fill", click)
    once, calls = cells(click.book), click.app.impl.calls["write"]
    ribbon.press("fill", click)
    assert cells(click.book) == once
    assert click.app.impl.calls["write"] - calls <= 1


def test_the_previous_results_come_back_and_go_again(click):
    first = cells(click.book)
    click.book.impl.file[PLAN]["E2"] = "王五"
    typed = cells(click.book)
    ribbon.press("fill", click)
    filled = cells(click.book)
    assert filled[PLAN]["E2"] == "王五" and filled != typed
    assert ribbon.press("restore", click) == 0
    assert cells(click.book) == typed != first
    assert ribbon.press("restore", click) == 0
    assert cells(click.book) == filled
    folder = places.data() / "previous"
    assert [oct(one.stat().st_mode)[-3:] for one in folder.iterdir()] == ["600"]


def test_added_sheets_go_when_the_previous_results_come_back(excel, tmp_path):
    path = tmp_path / "只有客户.xlsx"
    file = openpyxl.load_workbook(ROOT / "workbook" / "sample.xlsx")
    for name in file.sheetnames:
        if name not in (CUSTOMER_SHEET, schema.ORDERS.sheet["zh"]):
            file.remove(file[name])
    file.save(path)
    click = Click(excel, excel.books.open(path), "zh", print)
    before = cells(click.book)
    assert ribbon.press("fill", click) == 0
    added = [schema.table(key).sheet["zh"] for key in ("rfm", "strategy", "board_facts", "cleaning", *KEPT)]
    assert {one.name for one in click.book.sheets} == {*before, *added}
    assert click.book.sheets[RFM]["A2"].number_format == "@" and len(excel.books) == 1
    assert ribbon.press("restore", click) == 0
    assert cells(click.book) == before


def test_nothing_to_restore_is_said(click):
    assert ribbon.press("restore", click) == 1
    assert "30" in click.app.impl.alerts[0][1]


@pytest.mark.parametrize("command", ["fill", "check", "report", "restore"])
def test_a_cell_being_edited_is_refused_with_its_own_words(click, command):
    before = cells(click.book)
    click.app.impl.editing = True
    assert ribbon.press(command, click) == 1
    assert click.app.impl.alerts[0][1].startswith(texts.say("error.excel_editing", "zh"))
    assert cells(click.book) == before


def test_editing_begun_halfway_is_told_and_undone(click, monkeypatch):
    before, apply = cells(click.book), previous.livelist.apply
    done = []

    def interrupted(plan):
        if done:
            raise excel_engine.editing()
        done.append(apply(plan))

    monkeypatch.setattr("segmenter.books.livelist.apply", interrupted)
    assert ribbon.press("fill", click) == 1
    assert click.app.impl.alerts[0][1].startswith(texts.say("error.excel_editing", "zh"))
    assert done and cells(click.book) == before and settled(click.app)


def test_a_protected_sheet_is_refused_with_its_own_words(click):
    click.book.impl.file[RFM].protection.sheet = True
    before = cells(click.book)
    assert ribbon.press("fill", click) == 1
    assert RFM in click.app.impl.alerts[0][1] and cells(click.book) == before and settled(click.app)


def test_an_error_names_its_cell_and_selects_it(click):
    sheet = click.book.impl.file[CUSTOMER_SHEET]
    sheet["A5"].number_format = "General"
    sheet["A5"] = 110101199003077792
    assert ribbon.press("fill", click) == 1
    ((_, said),) = click.app.impl.alerts
    assert (
        "A5" in said
        and texts.say("ribbon.log", "zh", path="")[:3] in said
        and click.book.impl.selected == (CUSTOMER_SHEET, "A5")
        and settled(click.app)
    )


def test_a_fault_is_told_with_a_log(click, monkeypatch):
    monkeypatch.setattr("segmenter.pipeline.run", lambda *_: 1 / 0)
    assert ribbon.press("fill", click) == 3
    path = Path(click.app.impl.alerts[0][1].rpartition("：")[2])
    assert "ZeroDivisionError" in path.read_text(encoding="utf-8") and settled(click.app)
    path.unlink()


def test_a_second_press_in_the_same_excel_is_refused(click, monkeypatch, tmp_path):
    """Also on another workbook: what one changes of Excel's settings the other would take for the user's."""
    path = shutil.copy(ROOT / "workbook" / "template.xlsx", tmp_path / "other.xlsx")
    other = Click(click.app, click.app.books.open(path), "zh", print)
    codes = []
    monkeypatch.setitem(buttons.COMMANDS, "check", lambda one: codes.append(ribbon.press("fill", other)) or "")
    assert ribbon.press("check", click) == 0 and codes == [1]
    assert click.app.impl.alerts[0][1].startswith(texts.say("error.excel_running", "zh"))
    assert settled(click.app) and not list(places.data().glob("*lock*"))


def test_optional_sheets_come_and_go_too(click, monkeypatch):
    labels, run = schema.table("labels"), jobs.pipeline.run
    rows = Frame.of([["007", "=1+1"]], ["customer_id", "segment"])
    monkeypatch.setattr("segmenter.pipeline.run", lambda *given: run(*given)._replace(extra={"labels": rows}))
    before = cells(click.book)
    assert ribbon.press("fill", click) == 0
    assert cells(click.book)[labels.sheet["zh"]]["A2"] == "007"
    assert ribbon.press("restore", click) == 0
    assert cells(click.book) == before
    assert ribbon.press("restore", click) == 0
    assert cells(click.book)[labels.sheet["zh"]]["A2"] == "007"


def test_a_workbook_that_was_never_saved_is_told_from_its_namesakes(click):
    click.book.impl.path = Path("工作簿1")
    assert buttons._identity(click.book) == f"{click.app.pid}/工作簿1"
    assert buttons._folder(click.book) == places.documents()


def test_a_click_waits_for_nothing_it_does_not_use():
    """Until the status bar says that work began, only what that needs is imported."""
    code = (
        "import sys; from segmenter import ribbon, running_excel; running_excel._xlwings(); "
        "print([name for name in ('pandas', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_report_and_the_draft_stand_beside_the_workbook(click):
    assert ribbon.press("report", click) == ribbon.press("mail", click) == 0
    report, draft = click.opened
    assert report.parent == Path(click.book.fullname).parent == draft.parent
    assert "<html" in report.read_text(encoding="utf-8")
    content = draft.read_bytes()
    message = email.message_from_bytes(content)
    assert message["X-Unsent"] == "1" and not {"From", "To", "Date", "Message-ID"} & {*message}
    letter = letters.make(jobs.check(ROOT / "workbook" / "sample.xlsx"), None, wish())[0][0][1]
    assert words(message) == words(email.message_from_bytes(letter))  # one place says it
    assert ribbon.press("mail", click) == 0 and draft.read_bytes() == content


def wish():
    return letters.Wish(
        "示例", "zh", [("a@example.com", "")], "b@example.com", datetime(2026, 7, 1, tzinfo=UTC), ("html",)
    )


def words(message):
    """Subject, both bodies, the pictures and the attachment of a letter."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts][:2] == ["text/plain", "text/html"] and parts[-1].get_filename()
    return [str(message["Subject"]), *(part.get_payload(decode=True) for part in parts)]


def test_a_missing_extra_is_one_sentence(click, monkeypatch):
    monkeypatch.setitem(sys.modules, "css_inline", None)
    assert ribbon.press("mail", click) == 1
    assert "segmenter[mail]" in click.app.impl.alerts[0][1] and not click.opened


def test_a_folder_that_cannot_be_written_is_no_fault(click, monkeypatch, tmp_path):
    (tmp_path / "Documents").mkdir()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert ribbon.press("report", click) == 0
    assert click.opened[0].parent == tmp_path / "Documents"


def test_a_new_template_is_opened_beside(click):
    for name in ("客户细分.xlsx", "客户细分 2.xlsx"):
        assert ribbon.press("new", click) == 0
        assert (
            click.app.books[-1].name == name
            and Path(click.app.books[-1].fullname).parent == Path(click.book.fullname).parent
        )


def test_without_a_workbook_it_is_said(excel):
    assert ribbon.press("fill", Click(excel, None, "en", print)) == 1
    assert "No workbook" in excel.impl.alerts[0][1]


def test_the_workbook_is_found_by_name_and_window(excel, tmp_path):
    other = shutil.copy(ROOT / "workbook" / "template.xlsx", tmp_path / "other.xlsx")
    excel.books.open(other)
    app, book = running_excel.find("other.xlsx", str(excel.hwnd))
    assert (app.pid, book.name) == (excel.pid, "other.xlsx")
    apart = unicodedata.normalize("NFD", "été.xlsx")
    excel.books.open(shutil.copy(other, tmp_path / apart))
    assert running_excel.find("été.xlsx")[1].name == apart
    with pytest.raises(Refused, match="https"):
        running_excel.find("https://d.docs.live.net/x/other.xlsx")


def test_without_a_terminal_a_box_tells_why_nothing_can_be_done(excel, monkeypatch):
    """pythonw has no stderr, and when the workbook is not found there is no Excel to tell it in."""
    import ctypes

    boxes = []
    user32 = SimpleNamespace(MessageBoxW=lambda *given: boxes.append(given))
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(user32=user32), raising=False)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(running_excel, "_xlwings", lambda: sys.modules["xlwings"])
    monkeypatch.setattr(sys, "platform", "win32")
    assert ribbon.main(["fill"], {ribbon.BOOK: "gone.xlsx", ribbon.LANG: "en"}) == 1
    monkeypatch.setattr(running_excel, "find", lambda *_: (_ for _ in ()).throw(excel_engine.editing()))
    assert ribbon.main(["fill"], {ribbon.LANG: "en"}) == 1
    monkeypatch.setattr(sys, "platform", "linux")
    assert "gone.xlsx" in boxes[0][1] and boxes[1][1].startswith(texts.say("error.excel_editing", "en"))


def test_an_excel_that_is_gone_is_spoken_for(click, monkeypatch, capsys):
    monkeypatch.setattr(click.app.impl, "alert", lambda *_: 1 / 0)
    assert ribbon.press("restore", click) == 1
    assert "30" in capsys.readouterr().err


def test_wrong_use_is_said(capsys):
    assert ribbon.main(["dance"]) == 2
    assert "fill" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    ["a=b", "$(touch pwned)", "'; touch pwned; '", 'say "hi"', "客户 表 2026", "%PATH%&calc", "a`touch pwned`", "x.py"],
)
def test_hostile_names_reach_python_unharmed(name, tmp_path):
    """The very command of the runner, in a child process with the name in its environment."""
    path = tmp_path / f"{name}.xlsx"
    jobs.new(path, "zh")
    with FileBook(path) as target:
        target.write(schema.CUSTOMERS, customers(3))
    settings = {
        **{
            key: value
            for key, value in os.environ.items()
            if key in ("PATH", "HOME", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
        },
        "PYTHONPATH": str(Path(__file__).parent / "excel_child"),
        "TEST_WORKBOOK": str(path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        ribbon.BOOK: path.name,
        ribbon.LANG: "en",
    }
    command = [sys.executable, "-P", "-m", "segmenter.ribbon", "fill"]
    done = subprocess.run(command, env=settings, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert openpyxl.load_workbook(path)[RFM].max_row == 4
    assert not (tmp_path / "pwned").exists()
