"""A Dask cluster that fails: one workbook that kills its workers costs no other, a lost scheduler is said."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_batch import good
from test_batch_folder import kill_whoever_works_on, large

from segmenter.batch.journal import recorded
from segmenter.batch.worklist import JOURNAL


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a scheduler, and its process; a nanny replaces a worker that dies."""
    contact = tmp_path / "scheduler.json"
    folder = tmp_path / "dask"
    folder.mkdir()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, "start_new_session": True}
    base = [sys.executable, "-m", "dask"]
    local = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(contact)]
    scheduler = subprocess.Popen([*base, "scheduler", *local, "--port", "0"], **quiet)
    until(contact.is_file)
    worker = subprocess.Popen([*base, "worker", *local, "--nthreads", "1", "--nanny"], **quiet)
    yield json.loads(contact.read_text())["address"], scheduler
    for process in (worker, scheduler):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)


def started(source: Path, out: Path, address: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "segmenter",
        "batch",
        str(source),
        "-o",
        str(out),
        "--scheduler",
        address,
        "--json",
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")


def test_a_workbook_that_kills_its_workers_stops_no_other(
    cluster: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    for seed in range(3):
        good(source / f"{seed}.xlsx", seed)
    large(source / "large.xlsx")
    process = started(source, out, cluster[0])
    killed = kill_whoever_works_on(out, "large.xlsx", process)
    text, errors = process.communicate()
    assert process.returncode == 1 and killed > 3, errors
    found = {Path(file["source"]).name: file["status"] for file in json.loads(text)["files"]}
    assert {name for name, status in found.items() if status == "refused"} == {"large.xlsx"}
    assert "Traceback" not in errors and (out / "index.html").is_file()


def test_a_scheduler_that_is_lost_is_said(cluster: tuple[str, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    address, scheduler = cluster
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    for seed in range(40):
        good(source / f"{seed}.xlsx", seed)
    process = started(source, out, address)
    journal = out / JOURNAL
    until(lambda: journal.is_file() and journal.read_bytes().count(b"\n") > 5)
    os.killpg(scheduler.pid, signal.SIGKILL)
    text, errors = process.communicate(timeout=120)
    assert process.returncode == 1 and address in errors and "Traceback" not in errors, errors
    assert json.loads(text)["status"] == "refused"
    done = recorded(out)
    assert 5 <= len(done) < 40 and not [row for row in done.values() if row.status == "refused"]
