"""XML as the bytes it is: a tree that knows where each element stands, so that an edit touches nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final
from xml.parsers import expat

from segmenter.errors import Refused

_TOKEN = re.compile(
    rb"<(?:!--.*?-->|!\[CDATA\[.*?\]\]>|\?.*?\?>"
    rb"|(/?)([^\s<>/!?\"'=]+)((?:\s+[^\s<>/\"'=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*+)\s*(/?)>)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(rb"\s+([^\s<>/\"'=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot|apos));")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ESCAPED: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
)

MAX_DEPTH: Final = 256
"""so deep elements may be nested; real workbooks stay below 50"""
MAX_TAG: Final = 1 << 20
"""so many bytes a start tag may have: room for a rule with ten thousand ranges, not for a million attributes"""
_ASIDE: Final = re.compile(rb"(<!\[CDATA\[.*?\]\]>)|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_SMALL: Final = 1 << 16
_KEPT: Final = 64
"""so many trees of parts up to so many bytes are kept: the directory of a workbook is asked again and again"""


def unescape(text: str) -> str:
    """Text with its entity and character references resolved."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    return _NAMED[name] if name else chr(int(hexadecimal, 16) if hexadecimal else int(decimal))


def quote(value: str) -> bytes:
    """`value` as the content of an attribute in double quotes."""
    return value.translate(_ESCAPED).encode()


@dataclass(eq=False)
class Element:
    """One element: `start`..`inner` is its start tag, `inner`..`close` its content, `close`..`end` its end tag.

    An empty element `<a/>` has `inner == close == end`.
    """

    data: bytes = field(repr=False)
    tag: str
    """as written, with its prefix"""
    start: int
    inner: int
    close: int
    end: int
    parent: Element | None = field(default=None, repr=False)
    children: list[Element] = field(default_factory=list, repr=False)

    @cached_property
    def attributes(self) -> dict[str, tuple[int, int]]:
        """Where the value of each attribute (by its name as written) stands."""
        found = {}
        for one in _ATTRIBUTE.finditer(self.data, self.start, self.inner):
            found[one[1].decode()] = one.span(2) if one[2] is not None else one.span(3)
        return found

    @property
    def name(self) -> str:
        """The tag without its prefix."""
        return self.tag.rpartition(":")[2]

    @property
    def prefix(self) -> str:
        """The prefix with its colon, or nothing."""
        head, colon, _ = self.tag.rpartition(":")
        return head + colon

    def get(self, attribute: str, default: str = "") -> str:
        """The value of an attribute by its name as written."""
        span = self.attributes.get(attribute)
        return default if span is None else unescape(self.data[slice(*span)].decode())

    def get_in(self, namespaces: Collection[str], attribute: str) -> str:
        """The value of an attribute that stands in one of `namespaces` ("r:id" whatever its prefix)."""
        for written in self.attributes:
            prefix, _, local = written.rpartition(":")
            if local == attribute and prefix and self.namespace(prefix) in namespaces:
                return self.get(written)
        return ""

    def namespace(self, prefix: str | None = None) -> str:
        """What `prefix` (by default that of the element itself) stands for here."""
        wanted = self.prefix[:-1] if prefix is None else prefix
        name = f"xmlns:{wanted}" if wanted else "xmlns"
        element: Element | None = self
        while element is not None:
            if name in element.attributes:
                return element.get(name)
            element = element.parent
        return ""

    def all(self, *names: str) -> Iterator[Element]:
        """The descendants reached by walking down `names`, prefixes aside."""
        if not names:
            yield self
            return
        for child in self.children:
            if child.name == names[0]:
                yield from child.all(*names[1:])

    def first(self, *names: str) -> Element | None:
        """The first element `all` would give."""
        return next(self.all(*names), None)

    def walk(self) -> Iterator[Element]:
        """The element and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def text(self) -> str:
        """The text directly inside, references resolved."""
        if not self.children:
            return _text(self.data[self.inner : self.close])
        ends = [self.inner, *(child.end for child in self.children)]
        starts = [*(child.start for child in self.children), self.close]
        return "".join(_text(self.data[a:b]) for a, b in zip(ends, starts, strict=True))

    @property
    def raw(self) -> bytes:
        """The element as it is written."""
        return self.data[self.start : self.end]


def _text(raw: bytes) -> str:
    text = raw.decode()
    if "<" not in text:
        return unescape(text)
    parts = re.split(r"<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|<\?.*?\?>", text, flags=re.DOTALL)
    return "".join((part or "") if i % 2 else unescape(part) for i, part in enumerate(parts))


def without_comments(data: bytes) -> bytes:
    """Well-formed XML without comments and instructions (but one at the start), where a tag may be never closed."""
    return _ASIDE.sub(lambda found: found[1] or b"", data) if b"<!--" in data or data.find(b"<?", 1) > 0 else data


def check(data: bytes, part: str) -> None:
    """Refuse a part that is not well-formed UTF-8 XML, or brings a document type of its own."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:64]:
        raise Refused("xml_encoding", part=part, encoding="UTF-16")
    parser = expat.ParserCreate()

    def declared(version: str, encoding: str | None, standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise Refused("xml_encoding", part=part, encoding=encoding)

    def doctype(*_: object) -> None:
        raise Refused("xml_doctype", part=part)

    parser.XmlDeclHandler = declared
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Refused("xml_damaged", part=part, reason=str(error)) from error


def parse(data: bytes, part: str, opaque: str = "", *, checked: bool = False) -> Element:
    """The tree of a part. The inside of the element called `opaque` is left alone (one such, not nested).

    Nobody changes a tree: the same small part may be given the same one.
    """
    return _parse_small(data, part, opaque, False) if len(data) <= _SMALL else _parse(data, part, opaque, checked)


def _parse(data: bytes, part: str, opaque: str, checked: bool) -> Element:
    if not checked:
        check(data, part)
    stack: list[Element] = []
    root: Element | None = None
    where = 0
    while found := _TOKEN.search(data, where):
        where = found.end()
        if found[2] is None:
            continue
        if len(stack) > MAX_DEPTH or where - found.start() > MAX_TAG:
            raise Refused("xml_limit", part=part)
        if found[1]:
            element = stack.pop()
            element.close, element.end = found.span()
            continue
        parent = stack[-1] if stack else None
        tag = found[2].decode()
        element = Element(data, tag, found.start(), where, where, where, parent)
        if parent is not None:
            parent.children.append(element)
        elif root is None:
            root = element
        if not found[4]:
            stack.append(element)
            if opaque and element.name == opaque:
                close = re.compile(rb"</" + re.escape(found[2]) + rb"\s*>").search(data, where)
                if close is None:
                    raise Refused("xml_damaged", part=part, reason=tag)
                where = close.start()
    if root is None:
        raise Refused("xml_damaged", part=part, reason="no element")
    return root


_parse_small = lru_cache(_KEPT)(_parse)


class Edits:
    """Changes to a part, collected by place and made at once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._edits: list[tuple[int, int, int, bytes]] = []

    def replace(self, start: int, end: int, new: bytes) -> None:
        """`data[start:end]` becomes `new`."""
        if self.data[start:end] != new or start == end:
            self._edits.append((start, end, len(self._edits), new))

    def insert(self, where: int, new: bytes) -> None:
        """Put `new` before what stands at `where`; several at one place stay in the order they were given."""
        self.replace(where, where, new)

    def set(self, element: Element, attribute: str, value: str) -> None:
        """Give an element's attribute (name as written) a value; a new attribute goes behind the others."""
        span = element.attributes.get(attribute)
        if span is not None:
            self.replace(*span, quote(value))
            return
        head = self.data[element.start : element.inner]
        where = element.inner - (2 if head.endswith(b"/>") else 1)
        self.insert(where, b" " + attribute.encode() + b'="' + quote(value) + b'"')

    def drop(self, element: Element, attribute: str) -> None:
        """Take an attribute away."""
        span = element.attributes.get(attribute)
        if span is not None:
            found = next(
                one
                for one in _ATTRIBUTE.finditer(self.data, element.start, element.inner)
                if one[1].decode() == attribute
            )
            self.replace(*found.span(), b"")

    def remove(self, element: Element) -> None:
        """Take an element away."""
        self.replace(element.start, element.end, b"")

    def append(self, element: Element, new: bytes) -> None:
        """Put `new` at the end of an element's content, opening it when it is `<empty/>`."""
        if element.inner == element.end:
            self.replace(element.inner - 2, element.inner, b">" + new + f"</{element.tag}>".encode())
        else:
            self.insert(element.close, new)

    def __bool__(self) -> bool:
        return bool(self._edits)

    def apply(self) -> bytes:
        """The part with all changes made."""
        pieces: list[bytes] = []
        where = 0
        for start, end, _, new in sorted(self._edits):
            if start < where:
                raise ValueError(f"edits overlap at byte {start}")
            pieces += (self.data[where:start], new)
            where = max(where, end)
        return b"".join((*pieces, self.data[where:]))
