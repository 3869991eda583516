"""One worksheet part, read far enough to change its rows and nothing else.

    prolog | <sheetData> | row row row ... | </sheetData> | epilog

Prolog and epilog together are the frame, a tree of spans (`spans.Element`); rows and their cells are cut out by their
bytes, and a row nobody changes is written as it was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import Any, Final

from segmenter.books import cells, refs, rowxml, spans, translate
from segmenter.books.cells import Plain
from segmenter.books.rowxml import ATTRIBUTE, FORMULA, Cell, Row
from segmenter.books.translate import Following
from segmenter.cells import address, column_of
from segmenter.errors import Refused

_KEPT: Final = 64
"""so many sheets with few bytes of rows are kept: those of a template are the same in the next workbook"""
_SMALL: Final = 1 << 16
_LONG: Final = 1 << 22
"""bytes of a long sheet"""
_HIDDEN: Final = re.compile(rb"\shidden\s*=\s*[\"'](?:1|true)")
_LETTERS: Final = re.compile(rb'<c r="([A-Z]{1,3})[0-9]{1,7}"')
_ROW: Final = re.compile(rb'<c r="[A-Z]{1,3}([0-9]{1,7})"')
"""where a cell stands, as most programs write it"""


class Sheet:
    """A worksheet part: its rows by number, and the elements around them.

    `part` names it in messages, `name` is what people see on its tab. Of a long one the rows are checked to be
    well-formed when they are asked for: most often all but the first few are made anew.
    """

    def __init__(self, data: bytes, part: str, name: str, strings: Sequence[str], *, checked: bool = False) -> None:
        self.data = data
        self.part = part
        self.name = name
        self.strings = strings
        self._checked = checked or len(data) <= _LONG
        self.root, self.start, self.end = spans.frame(data, part, "sheetData", checked=checked or not self._checked)
        """the frame; the rows are `data[start:end]`"""
        found = self.root.first("sheetData")
        if self.root.name != "worksheet" or found is None:
            raise Refused("sheet_kind", sheet=name, part=part)
        self.sheet_data = found
        self.prefix = self.root.prefix
        self.recalculated: Callable[[Cell], bool] = lambda _: False
        """to the proof: whether the result of a formula cell may be another than it was, or gone"""

    def filled(self, body: bytes) -> Sheet:
        """The sheet with other rows."""
        new = copy(self)
        new.data, new.start, new.end, new._checked = body, 0, len(body), True
        for about_rows in ("rows", "shared", "hidden"):
            new.__dict__.pop(about_rows, None)
        return new

    @cached_property
    def rows(self) -> Mapping[int, Row]:
        """The rows that are written, by number, in order."""
        if not self._checked:
            spans.check(self.data, self.part)
        if self._is_small:
            return _few_rows(self.data[self.start : self.end], self.prefix, self.name)
        return {row.number: row for row in rowxml.rows(self.data, self.start, self.end, self.prefix, self.name)}

    def first_rows(self, count: int) -> Mapping[int, Row]:
        """Those of the first `count` rows that are written; the rest of a long sheet is not looked at."""
        if self._is_small or "rows" in self.__dict__:
            return {number: row for number, row in self.rows.items() if number < count}
        found = rowxml.rows(self.data, self.start, self.end, self.prefix, self.name)
        return {row.number: row for row in takewhile(lambda row: row.number < count, found)}

    @property
    def _is_small(self) -> bool:
        return self.end - self.start <= _SMALL

    def value(self, row: int, column: int) -> Plain:
        """What stands in a cell; None when nothing does."""
        one = self.rows.get(row)
        cell = one.cells.get(column) if one else None
        return self.value_of(cell) if cell else None

    def column(self, column: int, rows: Sequence[int]) -> list[Plain]:
        """What stands in a column in some rows."""
        found = [row.cells.get(column) if (row := self.rows.get(number)) else None for number in rows]
        return [self.value_of(cell) if cell else None for cell in found]

    def value_of(self, cell: Cell) -> Plain:
        """The value of a cell, dates as numbers, errors as `cells.Mark`."""
        try:
            return cells.decode(cell.kind, cell.inner, self.strings)
        except (IndexError, ValueError) as error:
            raise Refused("cell_damaged", sheet=self.name, cell=cell.where) from error

    def holds(self, cell: Cell, value: Plain, date1904: bool) -> bool:
        """Whether a cell need not be written to hold a value. A formula saved without a result is not nothing."""
        return cells.same(self.value_of(cell), value, date1904) and (value is not None or cell.blank)

    def head(self, count: int) -> Sequence[list[Plain]]:
        """The values of the first `count` rows, each from column A on."""
        return _Head(self, self.first_rows(count))

    @property
    def used(self) -> refs.Area | None:
        """The smallest range that holds all cells that are written."""
        data, start, end = self.data, self.start, self.end
        letters = _LETTERS.findall(data, start, end)
        ends = _ROW.search(data, start, end), _ROW.search(data, max(start, data.rfind(b"<c ", start, end)), end)
        if letters and len(letters) == data.count(b"<c", start, end) and all(ends):
            columns, (top, bottom) = (
                [column_of(one.decode()) for one in {*letters}],
                (int(one[1]) for one in ends if one),
            )
            return refs.Area(top - 1, min(columns), bottom - 1, max(columns))
        filled = [row for row in self.rows.values() if row.cells]
        if not filled:
            return None
        left, right = min(min(row.cells) for row in filled), max(max(row.cells) for row in filled)
        return refs.Area(filled[0].number, left, filled[-1].number, right)

    @cached_property
    def hidden(self) -> list[int]:
        """The rows that are hidden, in order."""
        if self.data.find(b"hidden", self.start, self.end) < 0:
            return []
        return [row.number for row in self.rows.values() if _HIDDEN.search(row.attributes)]

    @cached_property
    def merged(self) -> tuple[refs.Area, ...]:
        return merged(self.root)

    @cached_property
    def shared(self) -> dict[bytes, tuple[str, str]]:
        """The shared formulas by their id: text and address of the cell that spells them out."""
        found: dict[bytes, tuple[str, str]] = {}
        for row in self.rows.values():
            for cell in row.cells.values():
                if b"shared" in cell.inner and (formula := cell.formula) and formula[1]:
                    found.setdefault(formula[0].get(b"si", b""), (formula[1], cell.where))
        return found

    @property
    def shares(self) -> bool:
        """Whether a formula may be shared on it."""
        return self.data.find(b"shared", self.start, self.end) >= 0

    def shares_of(self, cell: Cell) -> bytes | None:
        """The id of the shared formula a cell has that another one spells out."""
        formula = cell.formula if b"shared" in cell.inner else None
        return formula[0].get(b"si", b"") if formula and formula[0].get(b"t") == b"shared" and not formula[1] else None

    def moved(self, cell: Cell, row: int, *, unshare: bool) -> bytes:
        """A cell as it is written in another row: its address new, relative references of its formula moved along.

        With `unshare` a formula shared with other cells is spelt out, because its first cell may go away.
        """
        if row == cell.row and not (unshare and b"shared" in cell.inner):
            return cell.raw
        target = address(row, cell.column)
        return self._reformulated(cell, row, lambda text, origin: translate.moved(text, origin, target))

    def followed(self, cell: Cell, row: int, following: Following) -> bytes:
        """A cell as it is written in another row, or the same one, its formula following the cells it reads; one shared
        with other cells is spelt out."""

        def follow(text: str, origin: str) -> str:
            own = text if origin == cell.where else translate.moved(text, origin, cell.where)
            return following.formula(own, cell.row)

        return self._reformulated(cell, row, follow)

    def _reformulated(self, cell: Cell, row: int, read: Callable[[str, str], str]) -> bytes:
        """A cell under the address it has in a row. `read`: what becomes of its formula, told its text and the cell for
        which that is written."""
        raw = cell.raw
        formula = cell.formula
        if formula is not None:
            attributes, text = formula
            if attributes.get(b"t") in (b"array", b"dataTable"):
                area = refs.told(attributes.get(b"ref", cell.where.encode()).decode())
                if row != cell.row and (area.top != area.bottom or attributes[b"t"] == b"dataTable"):
                    raise Refused("array_formula", sheet=self.name, cell=str(area))
            raw = self._with_formula(cell, row, attributes, text, read)
        return _readdressed(raw, address(row, cell.column))

    def _with_formula(
        self, cell: Cell, row: int, attributes: dict[bytes, bytes], text: str, read: Callable[[str, str], str]
    ) -> bytes:
        spelt, origin = text, cell.where
        kept = dict(attributes)
        if attributes.get(b"t") == b"shared":
            spelt, origin = self.shared.get(attributes.get(b"si", b""), (text, origin))
            kept = {key: value for key, value in kept.items() if key not in (b"t", b"si", b"ref")}
        if kept.get(b"t") == b"array" and b"ref" in kept and row != cell.row:
            kept[b"ref"] = str(refs.told(kept[b"ref"].decode())._replace(top=row, bottom=row)).encode()
        new = read(spelt, origin) if spelt else spelt
        return cell.raw if (kept, new) == (attributes, text) else self._formula(cell.raw, kept, new)

    def _formula(self, raw: bytes, attributes: Mapping[bytes, bytes], text: str) -> bytes:
        p = self.prefix.encode()
        head = b"".join(b" " + key + b'="' + value + b'"' for key, value in attributes.items())
        new = b"<" + p + b"f" + head + b">" + cells.escape_formula(text).encode() + b"</" + p + b"f>"
        return FORMULA.sub(lambda _: new, raw, count=1)

    def calculated(self, row: int, column: int, style: int, text: str) -> Cell:
        """A cell with a formula nobody has calculated yet."""
        p, where = self.prefix, address(row, column)
        inner = f"<{p}f>{cells.escape_formula(text)}</{p}f>".encode()
        raw = f'<{p}c r="{where}" s="{style}">'.encode() + inner + f"</{p}c>".encode()
        return Cell(row, column, style, b"n", inner, raw)

    def uncached(self, raw: bytes) -> bytes:
        """A formula cell's bytes without the result it was saved with."""
        p = self.prefix.encode()
        value = rb"<%sv(?:\s[^<>/]*)?(?:/>|>.*?</%sv\s*>)" % (p, p)
        head, end, tail = re.sub(value, b"", raw, flags=re.DOTALL).partition(b">")
        return re.sub(rb"\st\s*=\s*(?:\"[^\"]*\"|'[^']*')", b"", head) + end + tail

    @cached_property
    def column_styles(self) -> dict[int, int]:
        """The style each column gives to cells that have none of their own (columns up to 256)."""
        found: dict[int, int] = {}
        for one in self.root.all("cols", "col"):
            if one.get("style", "0") != "0":
                first, last, style = (rowxml.number(one.get(name)) for name in ("min", "max", "style"))
                found |= dict.fromkeys(range(first - 1, min(last, 256)), style)
        return found

    def row_tag(self, attributes: bytes, number: int, columns: Sequence[int]) -> bytes:
        """A row's start tag under a new number; its `spans` hint goes when it would be wrong."""
        kept = _kept(attributes, (min(columns), max(columns)) if columns else None)
        return f'<{self.prefix}row r="{number + 1}"'.encode() + kept

    def compose(self, attributes: bytes, number: int, parts: Mapping[int, bytes]) -> bytes:
        """A row from its cells' bytes by column."""
        written = {column: raw for column, raw in sorted(parts.items()) if raw}
        head = self.row_tag(attributes, number, list(written))
        if not written:
            return head + b"/>"
        return head + b">" + b"".join(written.values()) + b"</" + self.prefix.encode() + b"row>"

    def formulas(self) -> Iterator[Cell]:
        """Every cell with a formula."""
        start = b"<" + self.prefix.encode() + b"f"
        for row in self.rows.values():
            if start in row.raw:
                for cell in row.cells.values():
                    if start in cell.inner and FORMULA.search(cell.inner):
                        yield cell


def merged(root: spans.Element) -> tuple[refs.Area, ...]:
    """The merged cells of a worksheet part."""
    return tuple(refs.told(one.get("ref")) for one in root.all("mergeCells", "mergeCell"))


@lru_cache(_KEPT)
def _few_rows(body: bytes, prefix: str, sheet: str) -> Mapping[int, Row]:
    return {row.number: row for row in rowxml.rows(body, 0, len(body), prefix, sheet)}


class _Head(Sequence[list[Plain]]):
    """The values of rows, each row read when it is asked for."""

    def __init__(self, sheet: Sheet, rows: Mapping[int, Row]) -> None:
        self._sheet = sheet
        self._rows = rows
        self._numbers = range(1 + max(rows, default=-1))

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: Any) -> Any:
        numbers = self._numbers[place]
        return self._values(numbers) if isinstance(numbers, int) else [self._values(one) for one in numbers]

    def _values(self, number: int) -> list[Plain]:
        cells = self._rows[number].cells if number in self._rows else {}
        found: list[Plain] = [None] * (1 + max(cells, default=-1))
        for column, cell in cells.items():
            found[column] = self._sheet.value_of(cell)
        return found


@lru_cache(1 << 10)
def _kept(attributes: bytes, ends: tuple[int, int] | None) -> bytes:
    """A row's attributes besides its number; no `spans` hint that is wrong for its first and last column."""
    found = ((one[1], one[2] if one[2] is not None else one[3], one[0]) for one in ATTRIBUTE.finditer(attributes))
    return b"".join(
        raw
        for name, value, raw in found
        if name != b"r" and (name != b"spans" or ends is None or _within(value, *ends))
    )


def _within(hint: bytes, first: int, last: int) -> bool:
    """Whether a row's `spans` ("1:6 9:10") cover its columns."""
    pairs = re.findall(rb"\b([0-9]{1,9}):([0-9]{1,9})\b", hint)
    return any(int(low) - 1 <= first and last <= int(high) - 1 for low, high in pairs)


def _readdressed(raw: bytes, where: str) -> bytes:
    head, _, tail = raw.partition(b">")
    new = re.sub(rb"(\sr\s*=\s*)(?:\"[^\"]*\"|'[^']*')", rb'\1"' + where.encode() + b'"', head, count=1)
    return new + b">" + tail
