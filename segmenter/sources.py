"""Order files for `import`, as a `Grid` of raw cells: CSV (UTF-8, GB18030, UTF-16), Parquet, xlsx."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import schema
from segmenter.books import Grid
from segmenter.errors import Refused

WORKBOOKS: Final = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
SHOWN: Final = 40
"""rows among which the header is looked for"""


@dataclass(frozen=True)
class Columns(Grid):
    """A grid over a frame with text headers; `rows` holds the headers and the first rows only."""

    frame: DataFrame = field(default_factory=DataFrame)

    @classmethod
    def over(cls, frame: DataFrame, sheet: str) -> Columns:
        """The grid of `frame`, its headers as the first row."""
        top = frame.head(SHOWN).astype(object)
        rows = [list(frame.columns), *top.where(top.notna(), None).to_numpy(object).tolist()]
        return cls(sheet=sheet, rows=rows, frame=frame)

    @property
    def height(self) -> int:
        return len(self.frame) + 1

    def column(self, column: int, start: int) -> NDArray[Any]:
        """A column from row `start` (1 is the first below the headers)."""
        values = self.frame.iloc[start - 1 :, column]
        if pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype):
            return values.astype(object).where(values.notna(), None).to_numpy(object)
        return values.to_numpy(np.float64, na_value=np.nan)


def read_orders(path: Path, names: Mapping[str, str]) -> Grid:
    """The cells of an order file. `names`: field key -> header in the file, where the user said so; those columns
    get the field's own header, so that `intake` finds them.

    Refused("no_file"), ("orders_file") when it cannot be read, ("no_column") for a header that is not there, and
    ("need_extra") when Parquet support is not installed.
    """
    if not path.is_file():
        raise Refused("no_file", path=path)
    frame = _frame(path)
    frame.columns = [str(name).lstrip("\ufeff") for name in frame.columns]
    for key, header in names.items():
        if header not in frame.columns:
            raise Refused("no_column", path=path, value=header, found=", ".join(frame.columns))
        own = schema.ORDERS[key].header["zh"]
        others = schema.ORDERS[key].names()
        frame = frame.drop(columns=[n for n in frame.columns if n != header and schema.fold(n) in others])
        frame = frame.rename(columns={header: own})
    return Columns.over(frame, path.name)


def _frame(path: Path) -> DataFrame:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".parquet"]:
        try:
            return pd.read_parquet(path)
        except ImportError:
            raise Refused("need_extra", extra="parquet") from None
        except (OSError, ValueError) as error:
            raise Refused("orders_file", path=path, reason=error) from None
    if suffixes[-1:] and suffixes[-1] in WORKBOOKS:
        return _sheet(path)
    return _text(path)


def _sheet(path: Path) -> DataFrame:
    """The sheet of a workbook whose first rows hold the most order headers."""
    import python_calamine

    try:
        with python_calamine.CalamineWorkbook.from_path(path) as book:
            sheets = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Refused("orders_file", path=path, reason=error) from None
    known = set().union(*(field.names() for field in schema.ORDERS.fields))
    best = max(
        (
            (sum(schema.fold(value) in known for value in row), -number, sheet)
            for sheet in sheets
            for number, row in enumerate(sheet[:30])
        ),
        key=lambda one: one[:2],
        default=(0, 0, []),
    )
    score, number, sheet = best
    if not score:
        raise Refused("orders_file", path=path, reason="—")
    header, *rows = sheet[-number:]
    blank_free = [
        [None if value == "" else float(value) if type(value) is int else value for value in row] for row in rows
    ]
    return DataFrame(blank_free, columns=header, dtype=object)


def _text(path: Path) -> DataFrame:
    """A text file: encoding by mark, else strict UTF-8, else GB18030; separator from its first line."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise Refused("orders_file", path=path, reason=error) from None
    for encoding in ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Refused("orders_encoding", path=path)
    if "\x00" in text[:4096]:
        raise Refused("orders_file", path=path, reason="NUL")
    from io import StringIO

    try:
        separator = csv.Sniffer().sniff(text.split("\n", 1)[0], ",;\t|").delimiter
    except csv.Error:
        separator = ","
    try:
        return pd.read_csv(StringIO(text), sep=separator, dtype=object, keep_default_na=False, na_values=[""])
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise Refused("orders_file", path=path, reason=error) from None
