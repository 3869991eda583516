"""XML as the bytes it is: a tree that knows where each element stands, so that an edit touches nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache, partial
from typing import Final, TypeVar
from xml.parsers import expat

from segmenter.errors import Refused

T = TypeVar("T")

_TOKEN = re.compile(
    rb"<(?:!--.*?-->|!\[CDATA\[.*?\]\]>|\?.*?\?>"
    rb"|(/?)([^\s<>/!?\"'=]+)(?:\s+[^\s<>/\"'=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*+\s*(/?)>)",
    re.DOTALL,
)
ATTRIBUTE = re.compile(rb"\s+([^\s<>/\"'=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot|apos));")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ESCAPED: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
)

MAX_DEPTH: Final = 256
"""so deep elements may be nested; real workbooks stay below 50"""
MAX_TAG: Final = 1 << 20
"""so many bytes a start tag may have: room for a rule with ten thousand ranges, not for a million attributes"""
_ASIDE: Final = rb"(?s)(<!\[CDATA\[.*?\]\]>)|<!--.*?-->|<\?.*?\?>"
_SMALL: Final = 1 << 16
_KEPT: Final = 256
"""so many trees of parts up to so many bytes are kept: those of a template are the same in the next workbook"""


def unescape(text: str) -> str:
    """Text with its entity and character references resolved; ValueError for a number that is no character."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    try:
        return _NAMED[name] if name else chr(int(hexadecimal, 16) if hexadecimal else int(decimal))
    except OverflowError as error:
        raise ValueError(found[0]) from error


def quote(value: str) -> bytes:
    """`value` as the content of an attribute in double quotes."""
    return value.translate(_ESCAPED).encode()


class Element:
    """One element: `start`..`inner` is its start tag, `inner`..`close` its content, `close`..`end` its end tag.

    An empty element `<a/>` has `inner == close == end`.
    """

    __slots__ = (
        *("_attributes", "_values", "children", "close", "data", "end", "inner", "name", "parent", "start", "tag"),
    )

    def __init__(
        self,
        data: bytes,
        tag: str,
        name: str,
        start: int,
        inner: int,
        close: int,
        end: int,
        parent: Element | None = None,
    ) -> None:
        self.data = data
        self.tag = tag
        """as written, with its prefix"""
        self.name = name
        """the tag without its prefix"""
        self.start = start
        self.inner = inner
        self.close = close
        self.end = end
        self.parent = parent
        self.children: list[Element] = []
        self._attributes: dict[str, tuple[int, int]] | None = None
        self._values: dict[str, str] = {}

    @property
    def attributes(self) -> dict[str, tuple[int, int]]:
        """Where the value of each attribute (by its name as written) stands."""
        if self._attributes is None:
            self._attributes = {
                one[1].decode(): one.span(one.lastindex or 0)
                for one in ATTRIBUTE.finditer(self.data, self.start, self.inner)
            }
        return self._attributes

    @property
    def prefix(self) -> str:
        """The prefix with its colon, or nothing."""
        return self.tag[: -len(self.name)]

    def get(self, attribute: str, default: str = "") -> str:
        """The value of an attribute by its name as written."""
        if attribute not in self._values:
            span = self.attributes.get(attribute)
            if span is None:
                return default
            self._values[attribute] = unescape(self.data[span[0] : span[1]].decode())
        return self._values[attribute]

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

    def all(self, *names: str) -> list[Element]:
        """The descendants reached by walking down `names`, prefixes aside."""
        found = [self]
        for name in names:
            found = [child for one in found for child in one.children if child.name == name]
        return found

    def first(self, *names: str) -> Element | None:
        """The first element of `all`."""
        return next(iter(self.all(*names)), None)

    @property
    def members(self) -> list[Element]:
        """The children as they are counted: of alternatives (`mc:AlternateContent`, ISO/IEC 29500-3), which only the
        program knows that wrote them, those that stand in for them."""
        return [one for child in self.children for one in _instead(child)]

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


def _instead(child: Element) -> list[Element]:
    """What counts for a child: what stands in for alternatives, or itself."""
    if child.name != "AlternateContent":
        return [child]
    known = child.first("Fallback")
    return known.children if known else []


def _text(raw: bytes) -> str:
    text = raw.decode()
    if "<" not in text:
        return unescape(text)
    parts = re.split(r"<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|<\?.*?\?>", text, flags=re.DOTALL)
    return "".join((part or "") if i % 2 else unescape(part) for i, part in enumerate(parts))


def without_comments(data: bytes) -> bytes:
    """Well-formed XML without comments and instructions (but one at the start), where a tag may be never closed."""
    found = b"<!--" in data or data.find(b"<?", 1) > 0
    return re.sub(_ASIDE, lambda one: one[1] or b"", data) if found else data


def check(data: bytes, part: str) -> None:
    """Refuse a part that is not well-formed UTF-8 XML, or brings a document type of its own."""
    _of_part(part, _check_small if len(data) <= _SMALL else _check, data)


def parse(data: bytes, part: str, *, checked: bool = False) -> Element:
    """The tree of a part. Nobody changes a tree: the same small part may be given the same one."""
    if not checked:
        check(data, part)
    return _of_part(part, _tree_small if len(data) <= _SMALL else _tree, data)


def _of_part(part: str, ask: Callable[[bytes], T], data: bytes) -> T:
    """What `ask` says of a part; a refusal names the part."""
    try:
        return ask(data)
    except Refused as error:
        error.params["part"] = part
        raise


def _check(data: bytes) -> None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:64]:
        raise Refused("xml_encoding", encoding="UTF-16")
    parser = expat.ParserCreate()

    def declared(version: str, encoding: str | None, standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise Refused("xml_encoding", encoding=encoding)

    def doctype(*_: object) -> None:
        raise Refused("xml_doctype")

    parser.XmlDeclHandler = declared
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Refused("xml_damaged", reason=str(error)) from error


def _tree(data: bytes) -> Element:
    """The tree of well-formed XML."""
    document = Element(data, "", "", 0, 0, len(data), len(data))
    stack = [document]
    for found in _TOKEN.finditer(data):
        closing, raw, empty = found.groups()
        start, end = found.span()
        if raw is None:
            continue
        if len(stack) > MAX_DEPTH + 1 or end - start > MAX_TAG:
            raise Refused("xml_limit")
        if closing:
            element = stack.pop()
            element.close, element.end = start, end
            continue
        tag, name = _names(raw)
        element = Element(data, tag, name, start, end, end, end, stack[-1])
        stack[-1].children.append(element)
        if not empty:
            stack.append(element)
    root = document.children[0]
    root.parent = None
    return root


@lru_cache(1024)
def _names(raw: bytes) -> tuple[str, str]:
    """A tag, and what it is without its prefix."""
    tag = raw.decode()
    return tag, tag.rpartition(":")[2]


_check_small = lru_cache(_KEPT)(_check)
_tree_small = lru_cache(_KEPT)(_tree)


def frame(data: bytes, part: str, name: str, *, checked: bool = False) -> tuple[Element, int, int]:
    """The tree of a part from which what stands inside its element `name` is left out, and where that stands in `data`.

    The element is a child of the root; without such a one the tree is that of the whole part.
    """
    if not checked:
        check(data, part)
    return _of_part(part, partial(_frame_small if len(data) <= _SMALL else _frame, name), data)


def _frame(name: str, data: bytes) -> tuple[Element, int, int]:
    tag = re.compile(rb"<((?:[^\s<>/:!?]+:)?%s)(?:\s[^<>]*)?(?<!/)>" % name.encode())
    first = data.find(name.encode())
    for found in tag.finditer(data, max(0, data.rfind(b"<", 0, max(0, first)))):
        inner = found.end()
        close = data.find(b"</" + found[1], inner)
        root = _skeleton(data[:inner] + data[close:])
        if any(one.inner == inner == one.close for one in root.all(name)):  # otherwise it stands in a comment
            return root, inner, close
    root = _skeleton(data)
    element = root.first(name)
    where = element.inner if element else 0
    return root, where, where


def _skeleton(data: bytes) -> Element:
    """The tree of a part some of which was left out; the same one for two that differ only there."""
    if len(data) > _SMALL:
        _check(data)
        return _tree(data)
    _check_small(data)
    return _tree_small(data)


_frame_small = lru_cache(_KEPT)(_frame)
