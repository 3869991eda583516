"""Order files for `import`, as a `Grid` of raw cells: CSV (UTF-8, GB18030, UTF-16), Parquet, xlsx."""

from __future__ import annotations

import csv
import gzip
import warnings
import zlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import schema
from segmenter.books import Grid, damage, refs
from segmenter.books.index import Index
from segmenter.books.package import Draft, Package
from segmenter.errors import Refused
from segmenter.reading import delimited

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

SHOWN: Final = 40
"""rows among which the header is looked for"""
EXACT: Final = 1e15
"""whole numbers from here on are kept as text: a float would lose their end"""
OTHERS: Final = ("file_xls", "file_xlsb", "file_et", "file_other")
"""refusals of what is no workbook we could write, which calamine may read all the same"""


class Columns(Grid):
    """A grid over a frame; `rows` holds the first rows only."""

    def __init__(self, sheet: str, rows: Sequence[Sequence[Any]], frame: DataFrame, headed: bool) -> None:
        super().__init__(sheet, rows)
        self.frame = frame
        self.headed = headed
        """whether the frame's column names are the first row"""

    @classmethod
    def over(cls, frame: DataFrame, sheet: str, headed: bool = False) -> Columns:
        """The grid of `frame`."""
        top = frame.head(SHOWN).astype(object)
        rows = top.where(top.notna(), None).to_numpy(object).tolist()
        return cls(sheet, [list(frame.columns), *rows] if headed else rows, frame, headed)

    @property
    def height(self) -> int:
        return len(self.frame) + self.headed

    def column(self, column: int, start: int) -> NDArray[Any]:
        """A column from row `start` down."""
        return _plain(self.frame.iloc[max(start - self.headed, 0) :, column])


def _plain(cells: pd.Series) -> NDArray[Any]:
    """A column as a grid holds it: float64, or objects with None where empty; days as they were written."""
    found: NDArray[Any]
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        local = cells.dt.tz_localize(None) if cells.dt.tz is not None else cells
        found = local.to_numpy("datetime64[us]").astype(object)
    elif pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype):
        if pd.api.types.is_integer_dtype(cells.dtype) and (cells.abs() >= EXACT).any():
            found = cells.astype(str).astype(object).where(cells.notna(), None).to_numpy(object)
        else:
            found = cells.to_numpy(np.float64, na_value=np.nan)
    else:
        found = cells.astype(object).where(cells.notna(), None).to_numpy(object)
        if any(type(cell) is Decimal for cell in found[:SHOWN]):
            found = pd.to_numeric(pd.Series(found, dtype=object)).to_numpy(np.float64)
    return found


def read_orders(path: Path, names: Mapping[str, str]) -> Grid:
    """The cells of an order file. `names`: field key -> header in the file, where the user said so; those columns
    get the field's own header, so that `intake` finds them.

    Refused("no_file"), ("orders_file") when it cannot be read, ("no_column") for a header that is not there, and
    ("need_extra") when Parquet support is not installed.
    """
    if not path.is_file():
        raise Refused("no_file", path=path)
    grid = _grid(path, names)
    return _renamed(grid, path, names) if names else grid


def _grid(path: Path, names: Mapping[str, str]) -> Columns:
    """What the file truly is says its first bytes, not its name."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PAR1":
            return _parquet(path)
        if start in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
            return _sheet(path, names)
        raw = path.read_bytes()
        return _text(gzip.decompress(raw) if start[:2] == b"\x1f\x8b" else raw, path)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, why: object) -> Refused:
    return Refused("orders_file", path=path, reason=next(iter(str(why).splitlines()), type(why).__name__))


def _renamed(grid: Columns, path: Path, names: Mapping[str, str]) -> Columns:
    """The grid with the fields' own headers over the columns the user named, and over no other."""
    wanted = {schema.fold(header): key for key, header in names.items()}
    top = [[schema.fold(cell) if isinstance(cell, str) else "" for cell in row] for row in grid.rows]
    row = max(range(len(top)), key=lambda row: len(wanted.keys() & {*top[row]}), default=0)
    for header in names.values():
        if not top or schema.fold(header) not in top[row]:
            found = [str(cell) for cell in (grid.rows[row] if top else ()) if cell is not None]
            raise Refused("no_column", path=path, value=header, found=", ".join(found))
    heads = list(grid.rows[row])
    for column, header in enumerate(top[row]):
        others = [key for key in names if header in schema.ORDERS[key].names()]
        if header in wanted:
            heads[column] = schema.ORDERS[wanted[header]].header["zh"]
        elif others:
            heads[column] = None
    return Columns(grid.sheet, [*grid.rows[:row], heads, *grid.rows[row + 1 :]], grid.frame, grid.headed)


def _parquet(path: Path) -> Columns:
    try:
        return Columns.over(pd.read_parquet(path), path.name, headed=True)
    except ImportError:
        raise Refused("need_extra", extra="parquet") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _sheet(path: Path, names: Mapping[str, str]) -> Columns:
    """The sheet of a workbook one of whose first rows holds the most order headers."""
    from python_calamine import CalamineWorkbook

    try:
        index = _index(path)
        with CalamineWorkbook.from_path(path) as book:
            sheets = [_rows(book, name, index, path) for name in book.sheet_names]
    except Refused as error:
        error.params["path"] = path
        raise
    except BaseException as error:
        if damage.gave_up(error) or isinstance(error, ValueError):
            raise _unreadable(path, error) from None
        raise
    known = {schema.fold(header) for header in names.values()}.union(*(one.names() for one in schema.ORDERS.fields))
    scores = [max((len(known & {*map(schema.fold, row)}) for row in rows[:SHOWN]), default=0) for rows in sheets]
    if not any(scores):
        raise Refused("orders_headers", path=path, found=", ".join(book.sheet_names))
    best = sheets[scores.index(max(scores))]
    cells = [[None if cell == "" else float(cell) if type(cell) is int else cell for cell in row] for row in best]
    return Columns.over(DataFrame(cells, dtype=object), path.name)


def _index(path: Path) -> Index | None:
    """What a workbook consists of; None for one of a kind only calamine knows. Refused where it must not be asked."""
    try:
        index = Index(Draft(Package(path.read_bytes(), path.with_suffix(".xlsx"))))  # whatever it is called
        index.refuse_claim()
    except Refused as error:
        if error.key in OTHERS:
            return None
        raise
    return index


def _rows(book: CalamineWorkbook, name: str, index: Index | None, path: Path) -> list[list[Any]]:
    """The values of a sheet; Refused where calamine does not read them, or must not be asked for them."""
    entry = next((one for one in index.sheets if one.name == name), None) if index else None
    part, body = path.name, b""
    if index and entry and entry.kind == "worksheet":
        part = entry.part
        with refs.named(name):
            _, body = damage.fit(index.package.read(part), part, name)
    return damage.asked(lambda: book.get_sheet_by_name(name).to_python(skip_empty_area=False), body, name, part)


def _text(raw: bytes, path: Path) -> Columns:
    """A text file, with the separator its first lines use most."""
    try:
        text = delimited.decoded(raw)
    except UnicodeDecodeError:
        raise Refused("orders_encoding", path=path) from None
    if "\x00" in text or not text.strip():
        raise Refused("orders_encoding" if text.strip() else "orders_empty", path=path)
    first = text.splitlines()[:SHOWN]
    separator = delimited.separator(first)
    try:
        width = max(len(cells) for cells in csv.reader(first, delimiter=separator))
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                StringIO(text),
                sep=separator,
                header=None,
                names=range(width),
                index_col=False,
                dtype=object,
                keep_default_na=False,
                na_values=[""],
                skip_blank_lines=False,
            )
    except (csv.Error, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise _unreadable(path, error) from None
    return Columns.over(frame, path.name)
