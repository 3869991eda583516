"""The folder of a batch: one run at a time, nothing outside it, nothing left behind, a journal that bears it all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from test_batch import good, run

from segmenter import jobs
from segmenter.batch import journal
from segmenter.batch.journal import recorded
from segmenter.batch.rows import Row
from segmenter.batch.worklist import JOURNAL
from segmenter.books import locking
from segmenter.books.file import FileBook
from segmenter.cli import main
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.schema import CUSTOMERS
from segmenter.texts import LANGS

ENDED = subprocess.Popen([sys.executable, "-c", ""])
ENDED.wait()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of two workbooks."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for seed in range(2):
        good(folder / f"{seed}.xlsx", seed)
    return folder


COLUMNS = ("customer_id", "frequency", "average_order_value", "total_amount", "last_order_date")


def large(path: Path) -> None:
    """A workbook that takes long enough to be met at work."""
    day = datetime(2026, 6, 30)
    rows = [(f"{i:06d}", float(i % 13), 100.0, 2000.0 + i, day - timedelta(days=i % 170)) for i in range(60_000)]
    with FileBook(jobs.template("zh"), out=path) as book:
        book.write(CUSTOMERS, Frame.of(rows, COLUMNS))


def kill_whoever_works_on(out: Path, name: str, run: subprocess.Popen[str]) -> int:
    """Until the run ends; gives how many processes it took."""
    lock, killed = out / f".segmenter-{name}.lock", set()
    while run.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            worker = json.loads(lock.read_text())["pid"]
            if worker not in {run.pid, *killed}:  # which clears away after the others
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
        time.sleep(0.01)
    return len(killed)


def hidden(folder: Path) -> set[str]:
    """What should not be there after a run, besides the journal."""
    return {path.name for path in folder.iterdir() if path.name.startswith(".")} - {JOURNAL}


def test_nothing_is_written_through_a_link(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    out.mkdir()
    other.mkdir()
    good(other / "victim.xlsx", 5)
    before = (other / "victim.xlsx").read_bytes()
    (out / "0.xlsx").symlink_to(other / "victim.xlsx")
    (out / "1.xlsx").symlink_to(other / "new.xlsx")
    (out / "1.html").symlink_to(other / "new.html")
    for name in ("batch.csv", "batch.xlsx", "index.html"):
        (out / name).symlink_to(other / name)
    code, said = run(capsys, str(shop), "-o", str(out), "--report")
    assert code == 1 and said["refused"] == 2
    assert all(f"{number}.xlsx" in file["message"] for number, file in enumerate(said["files"]))
    assert [one.name for one in other.iterdir()] == ["victim.xlsx"]
    assert (other / "victim.xlsx").read_bytes() == before


@pytest.mark.parametrize("lang", LANGS)
def test_a_journal_that_is_a_link_is_refused(
    shop: Path, tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / JOURNAL).symlink_to(tmp_path / "elsewhere")
    assert main(["batch", str(shop), "-o", str(out), "--jobs", "1", "--lang", lang]) == 1
    assert str(out / JOURNAL) in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists() and hidden(out) == set()


@pytest.mark.parametrize(
    "damage",
    [
        b'{"source": "/x\xe5',
        b"[1]\n",
        b"{}\n",
        b"\0\0\0\0\0\0",
        b'{"source": "/x", "segments": 7}\n',
        b'{"source": "/x", "output": "a.xlsx", "status": "done", "segments": {}, "unknown": 1}\n',
    ],
)
def test_a_damaged_line_of_the_journal_costs_no_other(
    shop: Path, tmp_path: Path, damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / JOURNAL).write_bytes(damage)
    for worked in (2, 0):
        _, said = run(capsys, str(shop), "-o", str(out), "--resume")
        assert said["worked"] == worked


def test_a_journal_cannot_lead_out_of_the_folder(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(capsys, str(shop), "-o", str(out))
    journal = out / JOURNAL
    journal.write_text(journal.read_text(encoding="utf-8").replace('"0.xlsx"', '"../0.xlsx"'), encoding="utf-8")
    before = {path.name for path in tmp_path.iterdir()}
    _, said = run(capsys, str(shop), "-o", str(out), "--resume")
    assert [file["output"] for file in said["files"]] == ["0.xlsx", "1.xlsx"]
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_journal_nobody_may_read_is_told(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(capsys, str(shop), "-o", str(out))
    real = Path.read_bytes

    def closed(path: Path) -> bytes:
        if path.name == JOURNAL:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", closed)
    assert main(["batch", str(shop), "-o", str(out), "--jobs", "1"]) == 1
    assert str(out / JOURNAL) in capsys.readouterr().err


def test_another_recipient_is_not_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good(tmp_path / "a.xlsx", 1)
    for recipient in ("old@example.com", "new@example.com", ""):
        (tmp_path / "list.csv").write_text(f"file,recipient\na.xlsx,{recipient}\n", encoding="utf-8")
        _, said = run(capsys, str(tmp_path / "list.csv"), "-o", str(tmp_path / "out"), "--resume")
        assert said["files"][0]["recipient"] == recipient
        assert [row.recipient for row in recorded(tmp_path / "out").values()] == [recipient]


def test_no_letter_about_a_workbook_that_is_no_longer_in_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for names in ("ab", "b"):
        lines = [f"{name}.xlsx,{name}@example.com" for name in names]
        (tmp_path / "list.csv").write_text("\n".join(["file,recipient", *lines]), encoding="utf-8")
        for name in names:
            good(tmp_path / f"{name}.xlsx", 3)
        run(capsys, str(tmp_path / "list.csv"), "-o", str(out))
        assert main(["mail", str(out), "--json"]) == 0
        letters = json.loads(capsys.readouterr().out)["letters"]
        assert [one["to"] for one in letters] == [f"{name}@example.com" for name in names]


def test_a_refusal_in_between_makes_nobody_think_that_people_typed(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(capsys, str(shop), "-o", str(out))
    owner = out / "~$0.xlsx"
    owner.write_bytes(b"\x05Alice")
    assert run(capsys, str(shop), "-o", str(out))[1]["refused"] == 1
    owner.unlink()
    (shop / "0.xlsx").unlink()
    good(shop / "0.xlsx", 6)
    _, said = run(capsys, str(shop), "-o", str(out), "--resume")
    assert said["worked"] == 1 and "previous" not in said["files"][0]["message"]
    assert not [*out.glob("*previous*")]


def test_a_second_run_on_the_folder_is_kept_out(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    run(capsys, str(shop), "-o", str(out))
    before = {path: path.read_bytes() for path in out.iterdir()}
    with locking.lock(out / JOURNAL):
        for more in ((), ("--resume",)):
            assert main(["batch", str(shop), "-o", str(out), "--jobs", "1", *more]) == 1
            assert str(out) in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_two_runs_at_once_spoil_nothing(shop: Path, tmp_path: Path) -> None:
    for seed in range(2, 8):
        good(shop / f"{seed}.xlsx", seed)
    command = [sys.executable, "-m", "segmenter", "batch", str(shop), "-o", str(tmp_path / "out"), "--jobs", "1"]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert sorted(one.wait(timeout=120) for one in both) == [0, 1]
    rows = recorded(tmp_path / "out")
    assert len(rows) == 8 and not [row for row in rows.values() if row.status == "refused"]


def test_what_a_killed_run_left_is_cleared_away(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    run(capsys, str(shop), "-o", str(out), "--report")
    gone = json.dumps({"pid": ENDED.pid, "host": os.uname().nodename, "born": "1"})
    for name in ("0.html", "batch.csv", "batch.xlsx", "index.html"):
        (out / f".{name}.{ENDED.pid}.tmp").write_bytes(b"half")
    (out / ".segmenter-1.xlsx.tmp").write_bytes(b"half")
    (out / ".segmenter-1.xlsx.lock").write_text(gone, encoding="utf-8")
    (out / ".segmenter-gone.previous.xlsx.tmp").write_bytes(b"half")
    (out / ".segmenter-busy.xlsx.tmp").write_bytes(b"of a run that goes on")
    (out / ".segmenter-busy.xlsx.lock").write_text(
        json.dumps({"pid": os.getpid(), "host": os.uname().nodename, "born": ""}), encoding="utf-8"
    )
    theirs = {".notes.xlsx.7.tmp", ".vimrc"}
    for name in theirs:
        (out / name).write_bytes(b"not ours")
    _, said = run(capsys, str(shop), "-o", str(out), "--report", "--resume")
    assert said["worked"] == 0
    assert hidden(out) == theirs | {".segmenter-busy.xlsx.tmp", ".segmenter-busy.xlsx.lock"}


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_the_workers_of_a_run_that_is_killed_end_with_it(shop: Path, tmp_path: Path) -> None:
    for seed in range(2, 40):
        shutil.copy(shop / "1.xlsx", shop / f"{seed}.xlsx")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "segmenter", "batch", str(shop), "-o", str(out), "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    journal = out / JOURNAL
    deadline = time.monotonic() + 60
    while not (journal.is_file() and journal.read_bytes().count(b"\n") >= 3) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)  # it alone: nobody tells the workers
    process.wait()

    def alive() -> bool:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    deadline = time.monotonic() + 20
    while alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    left = alive()
    if left:
        os.killpg(process.pid, signal.SIGKILL)
    assert not left


def test_a_workbook_that_kills_its_process_stops_no_other(shop: Path, tmp_path: Path) -> None:
    large(shop / "large.xlsx")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "segmenter", "batch", str(shop), "-o", str(out), "--jobs", "2", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    assert kill_whoever_works_on(out, "large.xlsx", process) >= 2
    text, _ = process.communicate()
    found = {Path(file["source"]).name: file["status"] for file in json.loads(text)["files"]}
    assert process.returncode == 1 and [name for name in found if found[name] == "refused"] == ["large.xlsx"]
    assert len(found) == 3 and hidden(out) == set()


def test_a_disk_that_is_full_is_told_as_one(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource

    out = tmp_path / "out"
    run(capsys, str(shop), "-o", str(out))
    journal = out / JOURNAL
    with journal.open("ab") as file:
        file.write(b"\n" * 300_000)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size, limits[1]))
    try:
        code = main(["batch", str(shop), "-o", str(out), "--jobs", "1"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 1 and str(journal) in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_disk_that_fills_up_meanwhile_leaves_nobody_asking_what_is_done(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    real = journal.add

    def add(folder: Path, row: Row) -> None:
        if recorded(folder):
            raise Refused("disk_full", path=folder / JOURNAL, bytes="1")
        real(folder, row)

    monkeypatch.setattr(journal, "add", add)
    assert main(["batch", str(shop), "-o", str(out), "--jobs", "1"]) == 1
    said = capsys.readouterr().err
    assert "完成 1 个，剩余 1 个" in said and "--resume" in said and str(out / JOURNAL) in said
    monkeypatch.undo()
    assert run(capsys, str(shop), "-o", str(out), "--resume")[1]["worked"] == 1
