"""Whatever happens while a workbook is saved, there is the old file or the new one, whole, and nothing else."""

import errno
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bookshop import book, column, rfm

from segmenter.books import locking, package, saving
from segmenter.books.file import FileBook
from segmenter.errors import Refused
from segmenter.schema import RFM

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "工作 簿#%"
    folder.mkdir()
    return book(folder / "a.xlsx", [("1", {})])


def fill(path, ids=(1, 2, 3), **options):
    with FileBook(path, **options) as target:
        target.write(RFM, rfm(ids))


def left(path):
    return sorted(one.name for one in path.parent.iterdir())


def refused(path, **options):
    before, names = path.read_bytes(), left(path)
    with pytest.raises(Refused) as found:
        fill(path, **options)
    assert path.read_bytes() == before
    assert left(path) == names
    return found.value.key


def killed_at(path, step, **options):
    """Fill in a child that dies at line `step` of saving; whether it died."""
    child = os.fork()
    if child == 0:
        count = 0

        def trace(frame, event, _):
            nonlocal count
            if frame.f_code.co_filename not in (saving.__file__, locking.__file__, package.__file__):
                return None
            if frame.f_code.co_filename == package.__file__ and frame.f_code.co_name not in ("write", "_add"):
                return None
            if event == "line":
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            fill(path, keep_previous=True, **options)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@needs_fork
def test_killed_at_every_step(path):
    old = path.read_bytes()
    fill(path, out=path.with_name("b.xlsx"))
    new = path.with_name("b.xlsx").read_bytes()
    path.with_name("b.xlsx").unlink()
    step, seen = 0, set()
    while True:
        step += 1
        path.write_bytes(old)
        died = killed_at(path, step)
        found = path.read_bytes()
        assert found in (old, new), step
        seen.add(found == new)
        fill(path)
        assert path.read_bytes() == new
        assert set(left(path)) <= {"a.xlsx", "a.previous.xlsx"}, step
        previous = path.with_name("a.previous.xlsx")
        if previous.exists():
            assert previous.read_bytes() == old
            previous.unlink()
        if not died:
            break
    assert seen == {True, False}
    assert step > 50


@needs_fork
def test_a_full_disk_at_every_size(path):
    old = path.read_bytes()
    for limit in range(0, len(old) + 2000, 1500):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                fill(path)
                os._exit(0)
            except Refused as found:
                os._exit(1 if found.key in ("disk_full", "no_access") else 2)
            except BaseException:
                os._exit(3)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) in (0, 1), limit
        assert left(path) == ["a.xlsx"]
        if os.waitstatus_to_exitcode(status):
            assert path.read_bytes() == old
    assert column(path, "客户ID") == ["1", "2", "3"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_errors_of_the_system(path, monkeypatch, code, call):
    real = getattr(os, call)

    def fail(first, *rest, **options):
        if call == "open" and not str(first).endswith((".tmp", str(os.getpid()))):
            return real(first, *rest, **options)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(saving.os, call, fail)
    assert refused(path) == ("disk_full" if code == errno.ENOSPC else "no_access")


def test_a_replace_that_fails(path, monkeypatch):
    def fail(self, target):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(Path, "replace", fail)
    assert refused(path) == "no_access"


@pytest.mark.parametrize("failures", [3, 99])
def test_a_file_held_for_a_moment_on_windows(path, monkeypatch, failures):
    real, calls = Path.replace, []

    def busy(self, target):
        calls.append(1)
        if len(calls) <= failures:
            error = PermissionError(errno.EACCES, "held")
            error.winerror = 32
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(saving.time, "sleep", lambda _: None)
    if failures < 10:
        fill(path)
    else:
        assert refused(path) == "no_access"


def test_an_error_inside_writes_nothing(path):
    before = path.read_bytes()
    with pytest.raises(RuntimeError), FileBook(path) as target:
        target.write(RFM, rfm([5]))
        raise RuntimeError
    assert path.read_bytes() == before
    assert left(path) == ["a.xlsx"]


def test_two_runs_at_once(path):
    with FileBook(path):
        assert refused(path) == "locked"
    fill(path)


def test_the_lock_of_a_run_that_is_gone_does_not_count(path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    lock = path.with_name(".segmenter-a.xlsx.lock")
    lock.write_text(f'{{"pid": {gone.pid}, "host": "{socket.gethostname()}"}}')
    fill(path)
    assert left(path) == ["a.xlsx"]


def test_the_lock_of_a_process_killed_but_not_yet_buried_does_not_count(path):
    lock = path.with_name(".segmenter-a.xlsx.lock")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    lock.write_text(f'{{"pid": {child.pid}, "host": "{socket.gethostname()}"}}')
    with pytest.raises(Refused), locking.lock(path):
        pass
    child.kill()
    while Path(f"/proc/{child.pid}/stat").exists() and " Z " not in Path(f"/proc/{child.pid}/stat").read_text():
        time.sleep(0.01)
    with locking.lock(path):
        pass
    child.wait()


def test_a_process_number_used_again_is_another_process(path):
    lock = path.with_name(".segmenter-a.xlsx.lock")
    lock.write_text(f'{{"pid": {os.getppid()}, "host": "{socket.gethostname()}", "born": "1"}}')
    with locking.lock(path):
        assert lock.exists()


def test_a_run_that_is_about_to_ask_for_the_lock_keeps_what_it_has_written(path):
    waiting = path.with_name(f".segmenter-a.xlsx.lock.{os.getppid()}")
    waiting.write_text("{}")
    fill(path)
    assert waiting.exists()


def test_the_lock_of_another_machine_counts(path):
    lock = path.with_name(".segmenter-a.xlsx.lock")
    lock.write_text('{"pid": 1, "host": "elsewhere"}')
    with pytest.raises(Refused) as found:
        fill(path)
    assert found.value.key == "locked"
    assert "elsewhere" in found.value.message("zh")
    assert lock.exists()


def test_a_file_changed_meanwhile_is_not_replaced(path, tmp_path):
    other = book(tmp_path / "other.xlsx", [("9", {})])
    with pytest.raises(Refused) as found, FileBook(path) as target:
        target.write(RFM, rfm([1]))
        path.write_bytes(other.read_bytes())
    assert found.value.key == "changed"
    assert path.read_bytes() == other.read_bytes()
    assert left(path) == ["a.xlsx"]


def test_a_workbook_open_in_excel_is_refused_with_its_owner(path):
    owner = path.with_name("~$a.xlsx")
    name = "王芳"
    raw = name.encode("gbk")
    owner.write_bytes(
        bytes([len(raw)]) + raw.ljust(54) + bytes([len(name), 0]) + name.encode("utf-16-le").ljust(108, b" \0"[:1])
    )
    with pytest.raises(Refused) as found:
        fill(path)
    assert found.value.key == "busy"
    owner.unlink()
    path.with_name(".~lock.a.xlsx#").write_text(",Li Lei,host,22.11.2026,file:///x;")
    with pytest.raises(Refused) as found:
        fill(path)
    assert "Li Lei" in found.value.message("en")


@pytest.mark.parametrize("name", ["~$a.xlsx", ".~lock.a.xlsx#"])
@pytest.mark.parametrize("said", [b"", b"\x05", b"me"], ids=len)
def test_an_owner_file_that_says_nothing_is_told_as_what_it_is(path, name, said):
    """As a crash leaves it, or a program that copies files."""
    path.with_name(name).write_bytes(said)
    with pytest.raises(Refused) as found:
        fill(path)
    assert found.value.key == "busy" and name in found.value.message("zh")


def test_a_symbolic_link_stays_one(path):
    link = path.with_name("link.xlsx")
    link.symlink_to(path)
    fill(link)
    assert link.is_symlink()
    assert column(path, "客户ID") == ["1", "2", "3"]


def test_permissions_are_kept(path):
    path.chmod(0o640)
    fill(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_owner_and_attributes_are_kept(path):
    owner = (1234, 4321) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *owner)
    path.chmod(0o640)
    try:
        os.setxattr(path, "user.origin", "门店".encode())
        given = True
    except (AttributeError, OSError):  # a system or a file system without them
        given = False
    fill(path, keep_previous=True)
    for one in (path, path.with_name("a.previous.xlsx")):
        now = one.stat()
        assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (*owner, 0o640)
        assert not given or os.getxattr(one, "user.origin").decode() == "门店"


def test_an_owner_who_cannot_be_kept_stops_nothing(path, monkeypatch):
    def denied(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    path.chmod(0o640)
    monkeypatch.setattr(os, "chown", denied)
    monkeypatch.setattr(os, "setxattr", denied, raising=False)
    fill(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert column(path, "客户ID") == ["1", "2", "3"]


def test_a_new_file_has_the_usual_permissions(path):
    mask = os.umask(0o027)
    try:
        fill(path, out=path.with_name("b.xlsx"))
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.with_name("b.xlsx").stat().st_mode) == 0o640


def test_the_file_beside_is_private_while_it_is_written(path, monkeypatch):
    seen = []
    real = package.write

    def look(source, changes, out):
        seen.append(stat.S_IMODE(os.fstat(out.fileno()).st_mode))
        return real(source, changes, out)

    monkeypatch.setattr("segmenter.books.file.write", look)
    fill(path)
    assert seen == [0o600]


@pytest.mark.parametrize("bytes_", [200, 240, 255])
def test_a_long_name_leaves_room_for_what_is_written_beside_it(path, bytes_):
    if os.pathconf(path.parent, "PC_NAME_MAX") < bytes_:
        return
    many, rest = divmod(bytes_ - len(".xlsx"), len("店".encode()))
    long = path.rename(path.with_name("店" * many + "a" * rest + ".xlsx"))
    assert len(os.fsencode(long.name)) == bytes_
    fill(long)
    assert column(long, "客户ID") == ["1", "2", "3"] and left(path) == [long.name]
    with locking.lock(long):
        assert refused(long, ids=(4, 5)) == "locked"
    if bytes_ > 246:
        assert refused(long, ids=(4, 5), keep_previous=True) == "name_long"


def test_the_previous_copy(path):
    old = path.read_bytes()
    fill(path, keep_previous=True)
    assert path.with_name("a.previous.xlsx").read_bytes() == old


def test_reading_locks_nothing_and_writes_nothing(path):
    path.with_name("~$a.xlsx").write_bytes(b"\x02ab")
    assert FileBook(path).read(RFM).rows[1][0] == "1"
    assert left(path) == ["a.xlsx", "~$a.xlsx"]


def test_a_proof_that_fails_replaces_nothing(path, monkeypatch):
    real = package.write

    def lose(source, changes, out):
        return real(source, {**changes, "xl/theme/theme1.xml": b"<a/>"}, out)

    monkeypatch.setattr("segmenter.books.file.write", lose)
    assert refused(path) == "proof"


def test_another_file_at_the_output_is_never_lost(path, tmp_path):
    out, first, second = tmp_path / "out.xlsx", tmp_path / "out.previous.xlsx", tmp_path / "out.previous.2.xlsx"
    fill(path, out=out)
    fill(path, out=out)
    assert sorted(tmp_path.glob("out*")) == [out]
    fill(out, ids=(1, 2))
    typed = out.read_bytes()
    fill(path, out=out)
    assert first.read_bytes() == typed
    fill(out, ids=(1,))
    later = out.read_bytes()
    fill(path, out=out)
    assert (first.read_bytes(), second.read_bytes()) == (later, typed)


def test_what_an_earlier_run_wrote_makes_way(path, tmp_path):
    out = tmp_path / "out.xlsx"
    fill(path, out=out)
    fill(path, ids=(1, 2), out=out, written=saving.digest(out))
    assert sorted(tmp_path.glob("out*")) == [out]


@needs_fork
def test_another_file_at_the_output_outlives_a_kill(path, tmp_path):
    typed, earlier = book(tmp_path / "typed.xlsx", [("7", {})]), book(tmp_path / "earlier.xlsx", [("8", {})])
    folder = tmp_path / "out"
    folder.mkdir()
    step, died = -1, True  # every third line, to be quick
    while died:
        step += 3
        (folder / "b.xlsx").write_bytes(typed.read_bytes())
        (folder / "b.previous.xlsx").write_bytes(earlier.read_bytes())
        died = killed_at(path, step, out=folder / "b.xlsx")
        fill(path, out=folder / "b.xlsx")
        found = {one.name: one.read_bytes() for one in folder.iterdir()}
        assert {typed.read_bytes(), earlier.read_bytes()} <= set(found.values()), step
        assert set(found) <= {"b.xlsx", "b.previous.xlsx", "b.previous.2.xlsx"}, step
        for one in folder.iterdir():
            one.unlink()
    assert step > 50
