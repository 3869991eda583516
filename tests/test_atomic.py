"""A place that cannot be written: told by its path with what to do, before anything is written."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from segmenter import atomic, jobs, schema
from segmenter.books.file import FileBook
from segmenter.cli import main
from segmenter.errors import Refused
from segmenter.frames import Frame

COLUMNS = ("customer_id", "frequency", "average_order_value", "total_amount", "last_order_date")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "good.xlsx"
    jobs.new(path, "zh")
    with FileBook(path) as found:
        found.write(schema.CUSTOMERS, Frame.of([("C1", 5, 100, 500, datetime(2026, 6, 1))], COLUMNS))
    return path


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that nobody may write in, not even root."""
    folder = tmp_path / "closed"
    folder.mkdir()

    def held(real: Callable[..., Any], is_write: Callable[..., bool]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            inside = isinstance(path, str | os.PathLike) and folder in Path(os.fspath(path)).absolute().parents
            if inside and is_write(*rest, **more):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return real(path, *rest, **more)

        return call

    monkeypatch.setattr(os, "open", held(os.open, lambda flags=0, *_, **__: bool(flags & (os.O_WRONLY | os.O_RDWR))))
    monkeypatch.setattr(io, "open", held(io.open, lambda mode="r", *_, **__: bool({*mode} & {*"wax+"})))
    monkeypatch.setattr(os, "mkdir", held(os.mkdir, lambda *_, **__: True))
    return folder


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What is said, in Chinese; the same in English, with the same names."""
    for lang in ("en", "zh"):
        capsys.readouterr()
        assert main([*map(str, arguments), "--lang", lang]) == 1
        said = capsys.readouterr().err
    return said


@pytest.mark.parametrize(
    "command",
    [
        "batch {book} --jobs 1 -o {closed}",
        "batch {book} --jobs 1 -o {closed}/new",
        "template copy report.html.j2 -o {closed}/c.html",
        "export {book} -o {closed}/a.csv",
        "report {book} -o {closed}/a.html",
        "mail {book} --to a@example.com -o {closed}/letters",
        "mail {book} --to a@example.com -o {closed}",
        "fill {book} -o {folder}/out.xlsx --report {closed}/r.html",
        "fill {book} --report {closed}/r.html",
    ],
)
def test_a_folder_nobody_may_write_in(
    book: Path, closed: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before, there = book.read_bytes(), files(book.parent)
    said = refused(capsys, *command.format(book=book, closed=closed, folder=book.parent).split())
    assert str(closed) in said and "权限" in said
    assert (book.read_bytes(), files(book.parent), files(closed)) == (before, there, set())


@pytest.mark.parametrize(
    "command",
    [
        "batch {book} --jobs 1 -o {book}",
        "batch {book} --jobs 1 -o {book}/below",
        "mail {book} --to a@example.com -o {book}",
    ],
)
def test_a_file_where_a_folder_is_meant(book: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    before, there = book.read_bytes(), files(book.parent)
    said = refused(capsys, *command.format(book=book).split())
    assert str(book) in said and "不是文件夹" in said
    assert (book.read_bytes(), files(book.parent)) == (before, there)


@pytest.mark.parametrize(
    "command", ["fill {book} --report {folder}", "report {book} -o {folder}", "template variables -o {folder}"]
)
def test_a_folder_where_a_file_is_meant(book: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = book.with_name("folder.html")
    folder.mkdir()
    before, there = book.read_bytes(), files(book.parent)
    said = refused(capsys, *command.format(book=book, folder=folder).split())
    assert str(folder) in said and "是文件夹" in said
    assert (book.read_bytes(), files(book.parent), files(folder)) == (before, there, set())


def test_what_is_written_beside_goes_away_when_the_rest_fails(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic.placing(path, b"new"):
        assert path.read_bytes() == b"old"
        raise ZeroDivisionError
    assert (path.read_bytes(), files(tmp_path)) == (b"old", {"r.html"})
    with atomic.placing(path, b"new"):
        assert path.read_bytes() == b"old"
    assert (path.read_bytes(), files(tmp_path)) == (b"new", {"r.html"})


def test_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused) as caught:
        atomic.replace_file(tmp_path / "r.html", b"new")
    assert caught.value.key == "disk_full" and str(tmp_path / "r.html") in caught.value.message("zh")
    assert not files(tmp_path)


def test_the_report_is_there_only_when_the_workbook_is(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise Refused("no_access", path="out.xlsx", reason="")

    monkeypatch.setattr(FileBook, "_commit", fails)
    there = files(book.parent)
    assert main(["fill", str(book), "--report", str(book.with_name("r.html"))]) == 1
    assert files(book.parent) == there
