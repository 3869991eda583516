"""The zip container of a workbook: read with every check, written by copying what did not change as it stands.

    local header | name | extra | data | descriptor   one span an entry, copied byte for byte
    ...
    central record                                     copied, only its offset into the file is new
    ...
    end record

A part that changed or is new is deflated under a fixed date, so that the same input gives the same bytes.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

from isal import isal_zlib as fast

from segmenter.books import directory, sniff
from segmenter.books.directory import CENTRAL, END, Info
from segmenter.books.ondisk import OnDisk
from segmenter.errors import Refused

if TYPE_CHECKING:
    from zipfile import ZipFile

MAX_RATIO: Final = 100
MAX_TOTAL: Final = 2 << 30
"""bytes all parts may have when inflated"""
MAX_ENTRIES: Final = 10_000
_FREE: Final = 1 << 20
"""bytes an entry may have before its ratio matters"""
_LOCAL: Final = b"PK\x03\x04"
_DEFLATED: Final = 8
"""as a zip directory says it; what is packed in another way is left to `zipfile`"""
_DAMAGE: Final = (zlib.error, cast(type[Exception], fast.error))
_DATE: Final = (0, (1 << 5) | 1)
"""1980-01-01 00:00, as zip writes time and date"""
_PIECE: Final = 1 << 22
_SMALL: Final = 1 << 18
"""bytes up to which a part that was read is kept"""

Stream = Callable[[], Iterable[bytes]]
"""a part too large to stand in memory: its pieces, made anew at each call"""
Content = bytes | Stream


class Entry(NamedTuple):
    """One entry of the directory: where it lies, and its raw central record."""

    name: str
    start: int
    end: int
    """the local header starts at `start`; the next entry, or the directory, at `end`"""
    central: bytes
    crc: int
    size: int


class Package:
    """A workbook's bytes and their directory.

    Raises Refused for anything that is no workbook, damaged, or made to do harm. `trust_size` lifts the limits
    against zip bombs.
    """

    def __init__(self, data: bytes | OnDisk, path: PurePath, *, trust_size: bool = False) -> None:
        sniff.refuse_unless_zip(data, path)
        self.data = data
        self.path = path
        found = directory.plain(data)
        if found is None:
            opened = self._zip.infolist()
            self._refuse_names([info.orig_filename for info in opened])
            found = [*map(directory.of, opened)], self._zip.start_dir
        else:
            self._refuse_names([info.filename for info in found[0]])
        infos, start = found
        if not trust_size:
            self._refuse_bomb(infos)
        self._infos = {info.filename: info for info in infos}
        self.entries: dict[str, Entry] = {entry.name: entry for entry in self._directory(infos, start)}
        self._checked: set[str] = set()
        self._small: dict[str, bytes] = {}
        types = self.read("[Content_Types].xml") if "[Content_Types].xml" in self.entries else b""
        sniff.refuse_unless_workbook(self.entries, types, path)

    @cached_property
    def _zip(self) -> ZipFile:
        from zipfile import BadZipFile, ZipFile  # few workbooks need it

        data = self.data
        try:
            return ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data.file)
        except (BadZipFile, NotImplementedError, struct.error, ValueError) as error:
            raise self._damaged(error) from error

    def _damaged(self, reason: object) -> Refused:
        return Refused("file_damaged", path=self.path.name, reason=str(reason))

    def _refuse_names(self, names: list[str]) -> None:
        if len(names) > MAX_ENTRIES:
            raise Refused("zip_bomb", path=self.path.name, part=f"{len(names)} entries")
        seen: set[str] = set()
        for name in names:
            if "\\" in name or "\0" in name or name.startswith("/") or ":" in name or ".." in name.split("/"):
                raise Refused("zip_name", path=self.path.name, part=name)
            if name.casefold() in seen:
                raise Refused("zip_twice", path=self.path.name, part=name)
            seen.add(name.casefold())

    def _refuse_bomb(self, infos: Sequence[Info]) -> None:
        total = 0
        for info in infos:
            total += info.file_size
            if total > MAX_TOTAL or (info.file_size > _FREE and info.file_size > MAX_RATIO * info.compress_size):
                raise Refused("zip_bomb", path=self.path.name, part=info.filename)

    def _directory(self, infos: Sequence[Info], where: int) -> list[Entry]:
        """The entries with their spans, checked against each other; the directory begins at `where`."""
        data = self.data
        end = data.rfind(END)
        if end + 22 + int.from_bytes(data[end + 20 : end + 22], "little") != len(data):
            raise self._damaged("data after the end of the zip directory")
        starts = sorted({info.header_offset for info in infos} | {where})
        if starts and starts[0] != 0 and infos:
            raise self._damaged("data before the first zip entry")
        nexts = dict(pairwise(starts))
        found = []
        for info in infos:
            if data[where : where + 4] != CENTRAL:
                raise self._damaged("zip directory")
            sizes = struct.unpack("<3H", data[where + 28 : where + 34])
            length = 46 + sum(sizes)
            start = info.header_offset
            stop = nexts.get(start, 0)
            if data[start : start + 4] != _LOCAL or stop - start < 30 + info.compress_size:
                raise self._damaged(info.filename)
            if info.flag_bits & 1:
                raise Refused("file_encrypted", path=self.path.name)
            found.append(Entry(info.filename, start, stop, data[where : where + length], info.CRC, info.file_size))
            where += length
        return found

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def raw(self, name: str) -> Iterator[bytes]:
        """The entry `name` as it lies in the file: header, packed data, descriptor; in pieces of a fixed size."""
        entry = self.entries[name]
        for start in range(entry.start, entry.end, _PIECE):
            yield self.data[start : min(start + _PIECE, entry.end)]

    def read(self, name: str) -> bytes:
        """The part `name`, inflated; its size and checksum are those of the directory."""
        if name in self._small:
            return self._small[name]
        if name not in self._infos:
            raise Refused("part_missing", path=self.path.name, part=name)
        info = self._infos[name]
        try:
            if info.compress_type == _DEFLATED:
                start, end = self._packed(info)
                unpacker = fast.decompressobj(-15)
                found = unpacker.decompress(self.data[start:end], info.file_size + 1)
                self._refuse_unless_whole(info, fast.crc32(found), len(found), unpacker.eof)
            else:
                found = self._unzipped(info)
                self._refuse_unless_whole(info, info.CRC, len(found), True)
        except (*_DAMAGE, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise self._damaged(error) from error
        if len(found) <= _SMALL:
            self._small[name] = found
        return found

    def _unzipped(self, info: Info) -> bytes:
        """A part that is not deflated."""
        from zipfile import BadZipFile

        try:
            with self._zip.open(info.filename) as file:
                return file.read(info.file_size + 1)
        except BadZipFile as error:
            raise self._damaged(error) from error

    def pieces(self, name: str, size: int = 1 << 21) -> Iterator[bytes]:
        """The part `name` inflated piece by piece; its checksum is proven when the last one was taken."""
        info = self._infos[name]
        if info.file_size <= _SMALL or info.compress_type != _DEFLATED:
            yield self.read(name)
            return
        start, end = self._packed(info)
        unpacker = fast.decompressobj(-15)
        crc = total = 0
        try:
            for where in range(start, end, size >> 3):
                piece = unpacker.decompress(self.data[where : min(end, where + (size >> 3))], size)
                while piece:
                    crc, total = fast.crc32(piece, crc), total + len(piece)
                    if total > info.file_size:
                        raise self._damaged(name)
                    yield piece
                    piece = unpacker.decompress(unpacker.unconsumed_tail, size) if unpacker.unconsumed_tail else b""
        except _DAMAGE as error:
            raise self._damaged(error) from error
        self._refuse_unless_whole(info, crc, total, unpacker.eof)

    def _refuse_unless_whole(self, info: Info, crc: int, size: int, ended: bool) -> None:
        if (crc, size) != (info.CRC, info.file_size) or not ended:
            raise self._damaged(info.filename)
        self._checked.add(info.filename)

    def _packed(self, info: Info) -> tuple[int, int]:
        """Where the packed bytes of an entry lie."""
        central, head = self.entries[info.filename].central, info.header_offset + 30
        name, extra = struct.unpack("<2H", self.data[head - 4 : head])
        if self.data[head : head + name] != central[46 : 46 + int.from_bytes(central[28:30], "little")]:
            raise self._damaged(info.filename)
        return head + name + extra, head + name + extra + info.compress_size

    def check(self) -> None:
        """Refuse the package when a part that nobody has read yet does not match its checksum."""
        for name in self.entries:
            if name not in self._checked:
                self.read(name)

    @cached_property
    def end_record(self) -> bytes:
        """The end record with the comment of the archive."""
        return self.data[self.data.rfind(END) :]


def write(package: Package, changes: Mapping[str, Content | None], file: IO[bytes]) -> None:
    """Write `package` to the seekable `file` with `changes` made: a part's new content, or None to leave it out.

    Parts the package does not have are added at the end, in the order of `changes`.
    """
    central: dict[str, bytes] = {}
    for entry in sorted(package.entries.values(), key=lambda entry: entry.start):
        offset = file.tell()
        if entry.name not in changes:
            file.writelines(package.raw(entry.name))
            central[entry.name] = _moved(entry.central, offset)
        elif (content := changes[entry.name]) is not None:
            central[entry.name] = _add(file, entry.name, content)
    directory = [central[name] for name in package.entries if name in central]
    for name, content in changes.items():
        if name not in package.entries and content is not None:
            directory.append(_add(file, name, content))
    start = file.tell()
    file.write(b"".join(directory))
    size, count = file.tell() - start, len(directory)
    if start + size >= 1 << 32 or count >= 1 << 16:
        raise Refused("zip_bomb", path=package.path.name, part=f"{start + size} bytes")
    file.write(END + struct.pack("<4H2L", 0, 0, count, count, size, start) + package.end_record[20:])


def _moved(record: bytes, offset: int) -> bytes:
    """A central record whose entry now starts at `offset`."""
    old = int.from_bytes(record[42:46], "little")
    if old != 0xFFFFFFFF:
        return record[:42] + offset.to_bytes(4, "little") + record[46:]
    size, packed = struct.unpack_from("<L", record, 24)[0], struct.unpack_from("<L", record, 20)[0]
    where = 46 + int.from_bytes(record[28:30], "little")
    while int.from_bytes(record[where : where + 2], "little") != 1:
        where += 4 + int.from_bytes(record[where + 2 : where + 4], "little")
    where += 4 + 8 * (size == 0xFFFFFFFF) + 8 * (packed == 0xFFFFFFFF)
    return record[:where] + offset.to_bytes(8, "little") + record[where + 8 :]


def _add(file: IO[bytes], name: str, content: Content) -> bytes:
    """Deflate `content` as entry `name` at the end of `file`; returns its central record."""
    raw = name.encode()
    flags = 0 if name.isascii() else 0x800
    start = file.tell()
    if isinstance(content, bytes):
        packer = fast.compressobj(1, fast.DEFLATED, -15)
        packed = packer.compress(content) + packer.flush()
        fields = _fields(flags, fast.crc32(content), len(packed), len(content), raw)
        file.write(b"".join((_LOCAL, fields, raw, packed)))
        return _central(fields, start, raw)
    file.write(bytes(30) + raw)
    packer = fast.compressobj(1, fast.DEFLATED, -15)
    crc = size = length = 0
    for piece in content():
        crc = fast.crc32(piece, crc)
        size += len(piece)
        length += file.write(packer.compress(piece))
    length += file.write(packer.flush())
    fields = _fields(flags, crc, length, size, raw)
    end = file.tell()
    file.seek(start)
    file.write(_LOCAL + fields)
    file.seek(end)
    return _central(fields, start, raw)


def _fields(flags: int, crc: int, packed: int, size: int, raw: bytes) -> bytes:
    """What the two headers of an entry share."""
    return struct.pack("<5H3L2H", 20, flags, 8, *_DATE, crc, packed, size, len(raw), 0)


def _central(fields: bytes, start: int, raw: bytes) -> bytes:
    return CENTRAL + struct.pack("<H", 20) + fields + struct.pack("<3H2L", 0, 0, 0, 0, start) + raw


class Draft:
    """A package with changes laid over it, not yet written."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.path = package.path
        self.changes: dict[str, Content | None] = {}

    def __contains__(self, name: str) -> bool:
        return self.changes[name] is not None if name in self.changes else name in self.package

    @property
    def names(self) -> list[str]:
        """The parts there will be."""
        return [name for name in (*self.package.entries, *self.changes) if name in self]

    def read(self, name: str) -> bytes:
        """The part `name` as it will be."""
        content = self.changes.get(name)
        if content is None:
            return self.package.read(name)
        return content if isinstance(content, bytes) else b"".join(content())

    def set(self, name: str, content: Content | None) -> None:
        """Change, add or (None) remove a part; what equals the package's own is no change."""
        if isinstance(content, bytes) and name in self.package and content == self.package.read(name):
            self.changes.pop(name, None)
        else:
            self.changes[name] = content
