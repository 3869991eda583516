"""What is no workbook is refused with the right reason, and what is one is copied byte by byte."""

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from bookshop import CUSTOMER_SHEET, book, parts, rewritten, rfm

from segmenter import texts
from segmenter.books.file import FileBook
from segmenter.books.package import Package, write
from segmenter.errors import Refused
from segmenter.schema import RFM


@pytest.fixture
def path(tmp_path):
    return book(tmp_path / "a.xlsx", [("1", {})])


def refusal(path):
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(Refused) as refused, FileBook(path) as target:
        target.write(RFM, rfm([1]))
    for lang in texts.LANGS:
        assert refused.value.message(lang)
    assert not path.is_file() or path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []
    return refused.value.key


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)


@pytest.mark.parametrize(
    ("name", "data", "key"),
    [
        ("a.xlsx", b"", "file_empty"),
        ("a.xlsx", bytes(100), "file_damaged"),
        ("a.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "file_encrypted"),
        ("a.xlsx", OLE + "Workbook".encode("utf-16-le"), "file_xls"),
        ("a.xls", OLE + "Workbook".encode("utf-16-le"), "file_xls"),
        ("a.et", OLE + "Workbook".encode("utf-16-le"), "file_et"),
        ("a.xls", b"\x09\x08\x10\x00\x00\x06\x05\x00", "file_xls"),
        ("a.xlsx", OLE, "file_unknown"),
        ("a.xlsx", "客户ID,金额\n1,2\n".encode("gb18030"), "file_text"),
        ("a.xlsx", "客户ID,金额\n1,2\n".encode("utf-8-sig"), "file_text"),
        ("a.xlsx", "客户ID\t金额\n".encode("utf-16"), "file_text"),
        ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "file_html"),
        (
            "a.xls",
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "file_other",
        ),
        ("a.xlsx", b'{"a": 1}', "file_other"),
        ("a.xlsx", b"%PDF-1.7", "file_other"),
        ("a.xlsx", b"PK\x03\x04 and then nothing", "file_damaged"),
        ("a.xlsx", b"\x01\x02\x00\x03", "file_unknown"),
    ],
)
def test_other_files(tmp_path, name, data, key):
    (tmp_path / name).write_bytes(data)
    assert refusal(tmp_path / name) == key


def zipped(target, entries):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return target


def test_other_zip_files(tmp_path):
    assert refusal(zipped(tmp_path / "a.xlsx", {"a.txt": "x"})) == "file_other"
    assert refusal(zipped(tmp_path / "b.xlsx", {"mimetype": "x", "content.xml": "<a/>"})) == "file_other"
    assert refusal(zipped(tmp_path / "c.xlsx", {"[Content_Types].xml": "<a/>", "xl/workbook.bin": "x"})) == "file_xlsb"
    word = '<a ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
    assert refusal(zipped(tmp_path / "d.xlsx", {"[Content_Types].xml": word})) == "file_other"


def test_a_workbook_saved_by_sheetjs(path):
    """It gives parts named .bin the type of a binary workbook, in every file and whether there are such or not."""
    named = b'<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>'
    rewritten(path, {"[Content_Types].xml": lambda data: data.replace(b"<Default ", named + b"<Default ", 1)})
    assert Package(path.read_bytes(), path).read("xl/workbook.xml")


def test_a_workbook_under_another_name(path):
    assert refusal(path.rename(path.with_suffix(".xls"))) == "file_suffix"


def test_no_file_and_a_folder(tmp_path):
    assert refusal(tmp_path / "none.xlsx") == "file_missing"
    (tmp_path / "b.xlsx").mkdir()
    assert refusal(tmp_path / "b.xlsx") == "file_unknown"


@pytest.mark.parametrize("cut", [30, 200, 1000, -1, -30])
def test_truncated(path, cut):
    path.write_bytes(path.read_bytes()[:cut])
    assert refusal(path) == "file_damaged"


def test_another_directory_hidden_in_the_note_of_an_entry(path):
    data = path.read_bytes()
    end = data.rindex(b"PK\5\6")
    start, last = struct.unpack("<L", data[end + 16 : end + 20])[0], data.rindex(b"PK\1\2")
    size = struct.unpack("<L", data[end + 12 : end + 16])[0]
    fake = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    note = fake + locator
    record = bytearray(data[start:end])
    struct.pack_into("<H", record, last - start + 32, len(note))
    tail = bytearray(data[end:])
    struct.pack_into("<L", tail, 12, size + len(note))
    path.write_bytes(data[:start] + bytes(record) + note + bytes(tail))
    assert refusal(path) == "file_damaged"


def test_bytes_after_the_end(path):
    path.write_bytes(path.read_bytes() + b"garbage")
    assert refusal(path) == "file_damaged"


def test_a_wrong_checksum_anywhere(path):
    rewritten(path, {"xl/media/image1.png": b"not really a picture"})
    data = bytearray(path.read_bytes())
    where = data.find(b"xl/media/image1.png") + len("xl/media/image1.png") + 3
    data[where] ^= 0xFF
    path.write_bytes(data)
    assert refusal(path) == "file_damaged"


def test_an_entry_that_goes_by_two_names(path):
    data = path.read_bytes()
    path.write_bytes(data.replace(b"xl/styles.xml", b"xl/stylez.xml", 1))  # in its own header, not in the directory
    with pytest.raises(Refused) as refused:
        Package(path.read_bytes(), path).check()
    assert refused.value.key == "file_damaged"


def test_duplicate_and_dangerous_entries(path):
    found = parts(path)
    for n, name in enumerate(("xl/workbook.xml", "XL/Workbook.xml", "../evil.xml", "/abs.xml", "a\\b.xml")):
        target = path.with_name(f"{n}.xlsx")
        zipped(target, found)
        with zipfile.ZipFile(target, "a") as archive, pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *_, **__: None)
            archive.writestr(name, b"<a/>")
        assert refusal(target) == ("zip_twice" if n < 2 else "zip_name")


def test_a_bomb_is_refused_before_it_is_unpacked(path):
    rewritten(path, {"xl/bomb.xml": b"0" * 30_000_000})
    assert refusal(path) == "zip_bomb"
    Package(path.read_bytes(), path, trust_size=True)


def test_a_bomb_whose_size_is_a_lie(path):
    rewritten(path, {"xl/worksheets/sheet1.xml": b"<a>" + b"0" * 2_000_000 + b"</a>"})
    data = path.read_bytes()
    size = struct.pack("<L", 2_000_007)
    assert size in data
    path.write_bytes(data.replace(size, struct.pack("<L", 100)))
    assert refusal(path) in ("file_damaged", "xml_damaged")


def deep(count):
    names = [f"a{n * 2654435761 % 2**32:x}" for n in range(count)]
    inner = "".join(f"<{n}>" for n in names) + "".join(f"</{n}>" for n in reversed(names))
    return f"<extLst>{inner}</extLst>".encode()


def many(count):
    return b"<extLst" + b"".join(b' a%x="%d"' % (n * 2654435761 % 2**32, n) for n in range(count)) + b"/>"


SHEET, END = "xl/worksheets/sheet1.xml", b"</worksheet>"
FAR = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
FAR_UNSAID = b'<row r="1048576"><c><v>1</v></c></row></sheetData>'
WIDE = b'<row r="900"><c r="XFD900"><v>1</v></c></row>'
HOSTILE = {
    "nested": (SHEET, END, deep(30_000) + END, "xml_limit"),
    "nested styles": ("xl/styles.xml", b"</styleSheet>", deep(30_000) + b"</styleSheet>", "xml_limit"),
    "a million attributes": (SHEET, END, many(1_000_000) + END, "xml_limit"),
    "a cell at the end of the sheet": (SHEET, b"</sheetData>", FAR, "sheet_spread"),
    "the same without addresses": (SHEET, b"</sheetData>", WIDE + FAR_UNSAID, "sheet_spread"),
    "the same in small letters": (SHEET, b"</sheetData>", FAR.replace(b"XFD", b"xfd"), "sheet_spread"),
    "a cell beyond the last column": (SHEET, b"</sheetData>", FAR.replace(b"XFD1048576", b"AAAAAA2"), "cell_damaged"),
    "a cell beyond the last row": (SHEET, b"</sheetData>", FAR.replace(b"XFD1", b"A4000000000"), "cell_damaged"),
    "a row beyond the last": (SHEET, b"</sheetData>", FAR_UNSAID.replace(b"1048576", b"4000000000"), "rows_disorder"),
    "more strings than can be": (
        "xl/sharedStrings.xml",
        b'uniqueCount="',
        b'uniqueCount="40000000',
        "xml_damaged",
    ),
    "tags never closed, in a comment": (SHEET, b"</sheetData>", b"<!--%s--></sheetData>" % (b"<c>" * 300_000), ""),
    "strings never closed, in a comment": (
        "xl/sharedStrings.xml",
        b"</sst>",
        b"<!--%s--></sst>" % (b"<si>" * 240_000),
        "",
    ),
    "a string of a million runs": (
        "xl/sharedStrings.xml",
        b"</sst>",
        b"<si>" + b"".join(b"<r><t>%x</t></r>" % (n * 2654435761 % 2**24) for n in range(500_000)) + b"</si></sst>",
        "",
    ),
}
CHILD = """
import resource, sys
from pathlib import Path
from segmenter.books.file import FileBook
from segmenter.errors import Refused
from segmenter.schema import CUSTOMERS, RFM
from segmenter.frames import Frame
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
try:
    with FileBook(Path(sys.argv[1])) as book:
        book.read(CUSTOMERS)
        book.write(RFM, Frame.of([["1"]], ["customer_id"]))
except Refused as refused:
    print(refused.key, end="")
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_parts_made_to_do_harm_end_soon(tmp_path, name):
    """In a child with a limit of its own: without ours it would run for hours, or take all the memory there is."""
    path = book(tmp_path / "a.xlsx", before=lambda workbook: workbook.add_worksheet(CUSTOMER_SHEET).write("A1", "x"))
    part, old, new, key = HOSTILE[name]
    rewritten(path, {part: lambda data: data.replace(old, new)})
    said = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, key), said.stderr


def test_entities_and_encodings(path):
    doctype = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><worksheet>&b;</worksheet>'
    name = "xl/worksheets/sheet1.xml"
    for n, (change, key) in enumerate(
        [
            (doctype, "xml_doctype"),
            (
                lambda data: data.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
                "xml_encoding",
            ),
            (lambda data: data[:-5], "xml_damaged"),
            (b'<?xml version="1.0" encoding="GB18030"?><worksheet/>', "xml_encoding"),
        ]
    ):
        assert refusal(rewritten(path, {name: change}, path.with_name(f"{n}.xlsx"))) == key


def test_missing_parts(path):
    for n, name in enumerate(("_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels")):
        assert refusal(rewritten(path, {name: None}, path.with_name(f"{n}.xlsx"))) == "part_missing"


def odd_zip(found):
    """A zip file with a bit of everything: data descriptors, stored entries, zip64, comments, dates, UTF-8."""
    out = io.BytesIO()
    directory = b""
    for n, (name, data) in enumerate(found.items()):
        raw = name.encode()
        stored, described, wide = n % 3 == 0, n % 4 == 1, n % 5 == 2
        packed = data if stored else zlib.compress(data, 6, -15)
        crc, method, flags = zlib.crc32(data), 0 if stored else 8, (8 if described else 0) | 0x800
        start = out.tell()
        sizes = (0, 0, 0) if described else (crc, len(packed), len(data))
        extra = b"\xfe\xca\x02\x00ab"
        if wide and not described:
            sizes = (crc, 0xFFFFFFFF, 0xFFFFFFFF)
            extra += struct.pack("<2H2Q", 1, 16, len(data), len(packed))
        out.write(b"PK\x03\x04" + struct.pack("<5H3L2H", 45, flags, method, 1234, 5678, *sizes, len(raw), len(extra)))
        out.write(raw + extra + packed)
        if described:
            out.write(b"PK\x07\x08" + struct.pack("<3L", crc, len(packed), len(data)))
        extra, offset, small = b"", start, (len(packed), len(data))
        if wide:
            extra = struct.pack("<2H3Q", 1, 24, len(data), len(packed), start)
            offset, small = 0xFFFFFFFF, (0xFFFFFFFF, 0xFFFFFFFF)
        directory += b"PK\x01\x02" + struct.pack("<6H", 45, 45, flags, method, 1234, 5678)
        directory += (
            struct.pack("<3L5H2L", crc, *small, len(raw), len(extra), 3, 0, 0, 0, offset) + raw + extra + b"abc"
        )
    start = out.tell()
    out.write(directory)
    comment = "工作簿".encode()
    end = struct.pack("<4H2LH", 0, 0, len(found), len(found), len(directory), start, len(comment))
    out.write(b"PK\x05\x06" + end + comment)
    return out.getvalue()


def test_odd_containers_are_copied_entry_by_entry(path):
    path.write_bytes(odd_zip(parts(path)))
    before = Package(path.read_bytes(), path)
    with FileBook(path) as target:
        target.write(RFM, rfm([1, 2]))
    after = Package(path.read_bytes(), path)
    parts(path)
    changed = {name for name in before.entries if [*before.raw(name)] != [*after.raw(name)]}
    assert changed == {"xl/worksheets/sheet1.xml", "xl/tables/table1.xml"}
    assert list(before.entries) == list(after.entries)
    assert path.read_bytes().endswith("工作簿".encode())


def test_nothing_changed_is_the_very_same_file(path):
    package = Package(path.read_bytes(), path)
    out = io.BytesIO()
    write(package, {}, out)
    assert out.getvalue() == path.read_bytes()


def test_new_parts_have_a_fixed_date(path):
    package = Package(path.read_bytes(), path)
    out = io.BytesIO()
    write(package, {"xl/new.xml": b"<a/>", "xl/big.xml": lambda: iter([b"x" * 10, b"y" * 10])}, out)
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert archive.getinfo("xl/new.xml").date_time == (1980, 1, 1, 0, 0, 0)
        assert archive.read("xl/big.xml") == b"x" * 10 + b"y" * 10
        assert archive.namelist()[-2:] == ["xl/new.xml", "xl/big.xml"]


def test_bytes_flipped_anywhere_are_refused_or_harmless(path, tmp_path):
    import random

    chance = random.Random(7)
    original = path.read_bytes()
    for n in range(150):
        data = bytearray(original)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        broken = tmp_path / f"{n}.xlsx"
        broken.write_bytes(data)
        try:
            with FileBook(broken) as target:
                target.write(RFM, rfm([1, 2]))
        except Refused:
            assert broken.read_bytes() == data
        Path(broken).unlink()
