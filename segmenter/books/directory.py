"""The directory of a zip file: read at once where it is written as most programs write it, by `zipfile` otherwise."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from segmenter.books.ondisk import OnDisk

if TYPE_CHECKING:
    from zipfile import ZipInfo

END: Final = b"PK\x05\x06"
CENTRAL: Final = b"PK\x01\x02"
_LOCATOR: Final = b"PK\x06\x07"
"""begins what says, right before the end, where another directory is"""
_END_RECORD: Final = struct.Struct("<4s4H2LH")
_RECORD: Final = struct.Struct("<4sBxBx2H4x3L3H8xL")
_NEWEST: Final = 63
"""the version of the format up to which `zipfile` understands it"""
_ELSEWHERE: Final = 0xFFFFFFFF
"""stands for a number that is written in an extra field"""


class Info(NamedTuple):
    """One record of the directory."""

    filename: str
    flag_bits: int
    compress_type: int
    CRC: int
    compress_size: int
    file_size: int
    header_offset: int


def plain(data: bytes | OnDisk) -> tuple[Sequence[Info], int] | None:
    """The records and where they begin; None for anything that is worth a closer look."""
    end = data.rfind(END)
    if end < 0 or len(data) < end + _END_RECORD.size:
        return None
    _, disk, first, here, count, size, start, comment = _END_RECORD.unpack(data[end : end + _END_RECORD.size])
    if disk or first or here != count or start + size != end or end + _END_RECORD.size + comment != len(data):
        return None
    if data[max(end - 20, 0) : end].startswith(_LOCATOR):
        return None
    raw, where = data[start:end], 0
    found = []
    for _ in range(count):
        if where + _RECORD.size > size:
            return None
        mark, _, version, flags, method, crc, packed, whole, name, extra, note, at = _RECORD.unpack_from(raw, where)
        where += _RECORD.size
        text = raw[where : where + name]
        where += name
        if mark != CENTRAL or version > _NEWEST or extra or note or _ELSEWHERE in (packed, whole, at):
            return None
        if not text.isascii() or b"\0" in text or b"\\" in text:
            return None
        found.append(Info(text.decode(), flags, method, crc, packed, whole, at))
    return (found, start) if where == size else None


def of(info: ZipInfo) -> Info:
    """A record as `zipfile` reads it."""
    return Info(
        info.filename,
        info.flag_bits,
        info.compress_type,
        info.CRC,
        info.compress_size,
        info.file_size,
        info.header_offset,
    )
