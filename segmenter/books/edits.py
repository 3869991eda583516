"""Changes to a part of a package: bytes that none is about stay as they are."""

from __future__ import annotations

from segmenter.books import spans


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

    def set(self, element: spans.Element, attribute: str, value: str) -> None:
        """Give an element's attribute (name as written) a value; a new attribute goes behind the others."""
        span = element.attributes.get(attribute)
        if span is not None:
            self.replace(*span, spans.quote(value))
            return
        head = self.data[element.start : element.inner]
        where = element.inner - (2 if head.endswith(b"/>") else 1)
        self.insert(where, b" " + attribute.encode() + b'="' + spans.quote(value) + b'"')

    def drop(self, element: spans.Element, attribute: str) -> None:
        """Take an attribute away."""
        span = element.attributes.get(attribute)
        if span is not None:
            found = next(
                one
                for one in spans.ATTRIBUTE.finditer(self.data, element.start, element.inner)
                if one[1].decode() == attribute
            )
            self.replace(*found.span(), b"")

    def remove(self, element: spans.Element) -> None:
        """Take an element away."""
        self.replace(element.start, element.end, b"")

    def append(self, element: spans.Element, new: bytes) -> None:
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
