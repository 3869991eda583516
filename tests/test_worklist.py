"""What a batch works on: names that never collide in the folder of the results, and lists with bad lines."""

from __future__ import annotations

import errno
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from test_batch import good, run

from segmenter.batch.journal import recorded
from segmenter.batch.worklist import JOURNAL
from segmenter.cli import main
from segmenter.texts import LANGS

MACROS = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"


def macros(path: Path, seed: int) -> Path:
    """A workbook whose name and content say that it may hold macros."""
    import zipfile

    model = good(path.with_name("model.xlsx"), seed)
    plain = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(plain, MACROS))
    model.unlink()
    return path


def test_two_workbooks_of_one_name_have_a_report_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    good(source / "a.xlsx", 1)
    macros(source / "a.xlsm", 2)
    for more in ((), ("--report",), ("--report", "--resume")):
        _, said = run(capsys, str(source), "-o", str(out), *more)
        assert said["refused"] == 0
        assert len({Path(file["output"]).stem for file in said["files"]}) == 2
        assert all((out / file["output"]).is_file() for file in said["files"])
    reports = {file["report"] for file in said["files"]}
    assert len(reports) == 2 and reports == {path.name for path in out.glob("*.html")} - {"index.html"}
    one, other = ((out / name).read_bytes() for name in reports)
    assert one != other and said["worked"] == 0


def test_a_run_that_is_resumed_names_them_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    good(source / "a.xlsx", 1)
    macros(source / "a.xlsm", 2)
    first = [file["output"] for file in run(capsys, str(source), "-o", str(out))[1]["files"]]
    journal = out / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    for line in lines[1:]:
        journal.write_bytes(lines[0] + line)
        _, said = run(capsys, str(source), "-o", str(out), "--resume")
        assert [file["output"] for file in said["files"]] == first and said["worked"] == 1


def test_a_name_of_an_earlier_version_that_two_share_is_given_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    good(source / "a.xlsx", 1)
    run(capsys, str(source), "-o", str(out))
    journal = out / JOURNAL
    line = journal.read_text(encoding="utf-8")
    macros(source / "a.xlsm", 2)
    journal.write_text(line + line.replace("a.xlsx", "a.xlsm"), encoding="utf-8")
    _, said = run(capsys, str(source), "-o", str(out), "--report", "--resume")
    assert len({file["report"] for file in said["files"]}) == 2 and said["refused"] == 0


@pytest.mark.parametrize("name", ["index", "Index", "batch", "Batch", "shop.previous", "shop.previous.2"])
def test_no_output_is_called_like_what_is_written_beside_it(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / f"{name}.xlsx", 1)
    out = tmp_path / "out"
    _, said = run(capsys, str(tmp_path / f"{name}.xlsx"), "-o", str(out), "--report")
    (file,) = said["files"]
    assert Path(file["output"]).stem.startswith(name + "-")
    assert file["report"] == Path(file["output"]).stem + ".html"
    assert file["output"] in (out / "index.html").read_text(encoding="utf-8")
    assert file["output"] not in (out / file["report"]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "names", [("café", unicodedata.normalize("NFD", "café")), ("A", "a"), ("É", unicodedata.normalize("NFD", "é"))]
)
def test_names_that_some_file_systems_take_for_the_same(
    tmp_path: Path, names: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    for number, name in enumerate(names):
        (source / str(number)).mkdir(parents=True)
        good(source / str(number) / f"{name}.xlsx", number)
    _, said = run(capsys, str(source), "-o", str(out))
    assert said["refused"] == 0
    assert len({unicodedata.normalize("NFC", file["output"]).casefold() for file in said["files"]}) == 2


def test_the_output_of_another_source_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    for seed, folder in enumerate(("east", "west")):
        (tmp_path / folder).mkdir()
        good(tmp_path / folder / "a.xlsx", seed)
    run(capsys, str(tmp_path / "east"), "-o", str(out))
    east = (out / "a.xlsx").read_bytes()
    _, said = run(capsys, str(tmp_path / "west"), "-o", str(out))
    assert said["files"][0]["output"] != "a.xlsx"
    assert (out / "a.xlsx").read_bytes() == east
    assert {file["output"] for file in said["files"]} < {path.name for path in out.glob("a*.xlsx")}


def test_the_name_of_a_source_that_is_gone_is_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    east = tmp_path / "east"
    east.mkdir()
    good(east / "a.xlsx", 1)
    _, said = run(capsys, str(east), "-o", str(out))
    (tmp_path / "moved").mkdir()
    aside = (east / "a.xlsx").rename(tmp_path / "moved" / "a.xlsx")
    _, said = run(capsys, str(tmp_path / "moved"), "-o", str(out))
    assert said["files"][0]["output"] == "a.xlsx"
    good(east / "a.xlsx", 1)
    assert [*recorded(out)] == [str(aside)]
    _, said = run(capsys, str(east), "-o", str(out), "--resume")
    assert said["worked"] == 1 and said["files"][0]["output"] != "a.xlsx"


def test_a_workbook_is_never_its_own_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = good(tmp_path / "a.xlsx", 1)
    before = book.read_bytes()
    (tmp_path / "list.csv").write_text("file\na.xlsx\n", encoding="utf-8")
    for source in ("a.xlsx", "list.csv"):  # the first as a shell writes *.xlsx
        assert main(["batch", str(tmp_path / source), "-o", str(tmp_path), "--jobs", "1"]) == 1
        assert str(tmp_path) in capsys.readouterr().err
        assert book.read_bytes() == before and {one.name for one in tmp_path.iterdir()} == {"a.xlsx", "list.csv"}


@pytest.mark.parametrize("line", ["x" * 300 + ".xlsx", "a\0b.xlsx", "loop.xlsx", "nothing.xlsx"])
@pytest.mark.parametrize("column", ["file", "rules"])
def test_a_line_that_leads_nowhere_stops_no_other(
    tmp_path: Path, line: str, column: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "a.xlsx", 1)
    good(tmp_path / "b.xlsx", 2)
    (tmp_path / "loop.xlsx").symlink_to("loop.xlsx")
    rows = f"file,rules\n{line},\na.xlsx,\n" if column == "file" else f"file,rules\nb.xlsx,{line}\na.xlsx,\n"
    (tmp_path / "list.csv").write_text(rows, encoding="utf-8")
    for more in ((), ("--resume",)):
        code, said = run(capsys, str(tmp_path / "list.csv"), "-o", str(tmp_path / "out"), *more)
        assert code == 1 and said["refused"] == 1 and said["done"] + said["findings"] == 1
        (file,) = [file for file in said["files"] if file["status"] == "refused"]
        assert line[:50] in file["message"] and "list.csv" in file["message"]
    assert (tmp_path / "out" / "a.xlsx").is_file()


def test_a_folder_nobody_may_read_is_a_refused_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = tmp_path / "source" / "closed"
    closed.mkdir(parents=True)
    good(tmp_path / "source" / "a.xlsx", 1)
    good(closed / "b.xlsx", 2)
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if os.fspath(path) == str(closed):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for more in ((), ("--resume",)):
        code, said = run(capsys, str(tmp_path / "source"), "-o", str(tmp_path / "out"), *more)
        found = {file["source"]: file["status"] for file in said["files"]}
        assert code == 1 and found == {str(closed): "refused", str(tmp_path / "source" / "a.xlsx"): "done"}


def test_a_name_that_is_no_text_is_worked_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    good(source / "a.xlsx", 1)
    try:
        (source / "a.xlsx").rename(source / "a\udcff.xlsx")
    except (OSError, UnicodeError):
        pytest.skip("the file system takes only names that are text")
    good(source / "a\u2028\x85b.xlsx", 2)
    (source / "b\udcff.xlsx").write_bytes(b"no workbook")
    for worked, more in ((3, ()), (1, ("--resume",))):
        _, said = run(capsys, str(source), "-o", str(tmp_path / "out"), "--report", *more)
        assert (said["worked"], said["refused"]) == (worked, 1)
        assert all((tmp_path / "out" / file["output"]).is_file() for file in said["files"] if file["output"])
    assert main(["batch", str(source), "-o", str(tmp_path / "out"), "--resume"]) == 1
    assert "\\udcff" in (tmp_path / "out" / "batch.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("header", ["file,as-of", "File,As of", "文件,分析日期", "FILE,AS_OF"])
def test_options_are_named_as_on_the_command_line(
    tmp_path: Path, header: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "a.xlsx", 1)
    (tmp_path / "list.csv").write_text(f"{header}\na.xlsx,2026-07-31\n", encoding="utf-8")
    _, said = run(capsys, str(tmp_path / "list.csv"), "-o", str(tmp_path / "out"))
    assert said["files"][0]["as_of"] == "2026-07-31"


@pytest.mark.parametrize("lang", LANGS)
def test_columns_of_a_list_that_nobody_reads_are_told(
    tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "a.xlsx", 1)
    for header, unread in (("文件,日期,备注", "日期, 备注"), ("文件,分析日期", "")):
        (tmp_path / "list.csv").write_text(f"{header}\na.xlsx,2026-07-31\n", encoding="utf-8")
        arguments = [str(tmp_path / "list.csv"), "-o", str(tmp_path / "out"), "--jobs", "1", "--lang", lang]
        assert main(["batch", *arguments]) == 0
        told = [line for line in capsys.readouterr().err.splitlines() if "list.csv" in line]
        assert [unread in line for line in told] == [True] * bool(unread)


def test_a_second_line_for_a_workbook_is_told_unless_it_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate("ab"):
        good(tmp_path / f"{name}.xlsx", seed)
    lines = ["a.xlsx,x@example.com", "b.xlsx,", "a.xlsx,y@example.com", "a.xlsx,x@example.com", "./b.xlsx,"]
    (tmp_path / "list.csv").write_text("\n".join(["file,recipient", *lines]), encoding="utf-8")
    code, said = run(capsys, str(tmp_path / "list.csv"), "-o", str(tmp_path / "out"))
    first, second = said["files"]
    assert code == 1 and (first["status"], second["status"]) == ("refused", "done")
    assert "list.csv" in first["message"] and "第2行" in first["message"] and "a.xlsx" in first["message"]


@pytest.mark.parametrize("lang", LANGS)
def test_a_line_of_another_list_that_asks_for_something_else_is_told(
    tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "a.xlsx", 1)
    for name, day in (("old.csv", "2026-06-30"), ("new.csv", "2026-07-31")):
        (tmp_path / name).write_text(f"file,as_of\n\na.xlsx,{day}\n", encoding="utf-8")
    lists = [str(tmp_path / name) for name in ("old.csv", "new.csv")]
    code, said = run(capsys, *lists, "-o", str(tmp_path / "out"), "--lang", lang)
    assert code == 1 and all(name in said["files"][0]["message"] for name in ("old.csv", "new.csv", "a.xlsx", "3"))
    code, said = run(capsys, lists[0], *lists[:1], "-o", str(tmp_path / "out"), "--lang", lang)
    assert code == 0 and said["files"][0]["as_of"] == "2026-06-30"


@pytest.mark.parametrize("lang", LANGS)
def test_rules_of_a_list_that_cannot_be_used_are_told_with_their_file(
    tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "a.xlsx", 1)
    (tmp_path / "own.toml").write_text("window_mouths = 3\n", encoding="utf-8")
    (tmp_path / "list.csv").write_text("file,rules\na.xlsx,own.toml\n", encoding="utf-8")
    code, said = run(capsys, str(tmp_path / "list.csv"), "-o", str(tmp_path / "out"), "--lang", lang)
    assert code == 1 and all(name in said["files"][0]["message"] for name in ("own.toml", "window_mouths"))


@pytest.mark.parametrize("order", [1, -1])
def test_a_folder_takes_no_option_of_a_list_away(
    tmp_path: Path, order: int, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    good(source / "a.xlsx", 1)
    (source / "list.csv").write_text("file,as_of,recipient\na.xlsx,2026-07-31,x@example.com\n", encoding="utf-8")
    sources = [str(source), str(source / "list.csv")][::order]
    _, said = run(capsys, *sources, "-o", str(tmp_path / "out"))
    assert [(file["as_of"], file["recipient"]) for file in said["files"]] == [("2026-07-31", "x@example.com")]


def test_the_file_beside_an_open_workbook_is_none_though_a_shell_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "a.xlsx", 1)
    (tmp_path / "~$a.xlsx").write_bytes(b"\x05Alice")
    code, said = run(capsys, *map(str, tmp_path.iterdir()), "-o", str(tmp_path / "out"))
    assert code == 0 and [Path(file["source"]).name for file in said["files"]] == ["a.xlsx"]


@pytest.mark.parametrize("target", ["gone/shop.xlsx", "link.xlsx"])
def test_a_link_that_leads_nowhere_is_a_refused_line(
    tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    good(source / "a.xlsx", 1)
    (source / "link.xlsx").symlink_to(target)
    code, said = run(capsys, str(source), "-o", str(tmp_path / "out"))
    found = {Path(file["source"]).name: file for file in said["files"]}
    assert code == 1 and {name: file["status"] for name, file in found.items()} == {
        "a.xlsx": "done",
        Path(target).name: "refused",
    }
    said_of_it = found[Path(target).name]["message"]
    assert target in said_of_it and (target == "link.xlsx" or "找不到文件" in said_of_it)


def test_a_folder_that_is_not_there_takes_no_name_from_a_workbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "shop.xlsx", 1)
    _, said = run(capsys, str(tmp_path / "shop"), str(tmp_path / "shop.xlsx"), "-o", str(tmp_path / "out"))
    assert [file["output"] for file in said["files"]] == ["", "shop.xlsx"]


def test_a_source_that_is_not_there_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good(tmp_path / "a.xlsx", 1)
    out = tmp_path / "out"
    missing = [str(tmp_path / name) for name in ("gone.xlsx", "gone", "gone*.xlsx", "x" * 300)]
    code, said = run(capsys, *missing, str(tmp_path / "a.xlsx"), "-o", str(out))
    found = {Path(file["source"]).name: file for file in said["files"]}
    assert code == 1 and {name for name in found if found[name]["status"] == "refused"} == {
        "gone.xlsx",
        "gone",
        "gone*.xlsx",
        "x" * 300,
    }
    assert all(one in found[Path(one).name]["message"] for one in missing) and (out / "a.xlsx").is_file()
    good(tmp_path / "gone.xlsx", 2)
    code, said = run(capsys, missing[0], str(tmp_path / "a.xlsx"), "-o", str(out), "--resume")
    assert code == 0 and said["worked"] == 1
    other = tmp_path / "other"
    assert main(["batch", *missing[1:2], "-o", str(other)]) == 1 and not other.exists()
