"""Labels out for campaigns and BI: one row a customer as CSV or Parquet, under our headers or another system's.

A CSV cell that a spreadsheet would take for a formula goes out with an apostrophe before it. Columns that say who
somebody is go out only when they are asked for by name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pandas import DataFrame

from segmenter import jobs, schema, texts, wording
from segmenter.atomic import replace_file
from segmenter.errors import Refused
from segmenter.reading import headers, planning
from segmenter.reports import tracking
from segmenter.result import Result
from segmenter.schema import Field
from segmenter.texts import Lang

LABELS: Final = (
    *("customer_id", "segment", "code", "class", "r_level", "f_level", "m_level", "recency_days", "frequency"),
    *("monetary", "strategy", "action", "owner", "as_of"),
)
"""the columns of an export without a system, in this order"""
_NUMBER: Final = re.compile(r"[+-]?\d[\d ().-]*")
"""a number or a telephone number, which computes nothing"""
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def systems() -> Mapping[str, Mapping[str, Any]]:
    """The column sets of `exports.toml` by name."""
    return texts.load("exports.toml")


def write(
    book: Path,
    out: Path,
    *,
    system: str = "",
    columns: Sequence[str] = (),
    as_of: date | None = None,
    rules_file: Path | None = None,
    lang: Lang | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Result, DataFrame, list[Path]]:
    """Analyse `book`, which stays as it is, and write its labels; the result, the rows, and the files written: where
    the system takes only so many rows a file, out.csv, out-2.csv and so on.

    `columns`: further columns of the customer sheet, by header or key. Refused for a column the workbook lacks, an
    unknown system, or an ending that is neither .csv nor .parquet.
    """
    kind = out.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise Refused("export_kind", path=out)
    if not out.parent.is_dir():
        raise Refused("no_folder", path=out)
    if system and system not in systems():
        raise Refused("export_system", value=system, found=", ".join(systems()))
    result = jobs.standing(book, as_of=as_of, rules_file=rules_file, progress=progress)
    wanted = headers.asked(columns, result.customers)
    frame = _under(labels(result, lang or result.lang), system, result, wanted, lang or result.lang)
    progress("write")
    if kind == ".parquet":
        replace_file(out, _parquet(frame))
        return result, frame, [out]
    chosen = systems().get(system, {})
    most = int(chosen.get("rows", 0)) or max(len(frame), 1)
    paths = []
    for part, start in enumerate(range(0, max(len(frame), 1), most), 1):
        path = out if part == 1 else out.with_stem(f"{out.stem}-{part}")
        replace_file(path, _csv(frame.iloc[start : start + most], bool(chosen.get("bom", True))))
        paths.append(path)
    return result, frame, paths


def labels(result: Result, lang: Lang) -> DataFrame:
    """The columns LABELS of every customer, words in `lang`; index as in `Result.customers`."""
    customers = result.customers.pandas
    names = wording.segment_names(result.rules, lang)
    classes = {code: name[lang] for code, name in result.rules.schemes[result.rules.naming_scheme].items()}
    plans = {str(row["key"]): row for row in tracking.rows(result, lang) if row["key"]}
    segment = customers["segment"]

    def planned(column: str) -> pd.Series:
        return segment.map({key: planning.cell_text(row[column]) for key, row in plans.items()}).fillna("")

    levels = {f"{m}_level": customers[f"{m}_label"].map(_level(lang)).fillna("") for m in ("r", "f", "m")}
    found = {
        "customer_id": customers["customer_id"].astype(str),
        "segment": segment.map(names),
        "code": customers["code"].astype(str),
        "class": customers["code"].map(classes).fillna(""),
        **levels,
        **{key: customers[key].astype(float) for key in ("recency_days", "frequency", "monetary")},
        **{key: planned(key) for key in ("strategy", "action", "owner")},
        "as_of": result.as_of.isoformat() if result.as_of else "",
    }
    return DataFrame(found, index=customers.index, columns=list(LABELS))


def _level(lang: Lang) -> Mapping[str, str]:
    return {key: wording.level(key, lang) for key in ("high", "mid", "low")}


def _under(frame: DataFrame, system: str, result: Result, wanted: Sequence[Field], lang: Lang) -> DataFrame:
    """The labels under the headers of `system` (ours where it is ""), then the columns asked for, under the system's
    header where it has one for them."""
    chosen = systems().get(system, {})
    heads = chosen.get("columns") or {texts.say(f"export.{key}", lang): key for key in LABELS}
    found = {head: frame[key] for head, key in heads.items()}
    known = {key: head for head, key in chosen.get("personal", {}).items()}
    for field in wanted:
        head = known.get(field.key, field.header[lang])
        if head not in found:
            found[head] = _worded(result.customers.pandas, field, lang, frame.index)
    return DataFrame(found, index=frame.index)


def _worded(customers: DataFrame, field: Field, lang: Lang, index: pd.Index) -> pd.Series:
    """A column of the customer sheet as people read it; days as 2026-06-30."""
    column = customers.get(field.key, pd.Series("", index))
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.dt.strftime("%Y-%m-%d").fillna("")
    words = {choice.key: choice.name[lang] for choice in schema.choices(field.choices)} if field.choices else {}
    return column.map(lambda value: words.get(value, value)) if words else column


def _csv(frame: DataFrame, bom: bool) -> bytes:
    """RFC 4180 with CRLF, UTF-8; with a byte order mark where Excel is to open it."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(map(_safe, frame.columns))
    columns = [_cells(frame.iloc[:, place]) for place in range(frame.shape[1])]
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def _cells(column: pd.Series) -> list[str]:
    """Its texts, each distinct one made safe once; whole numbers without decimals."""
    codes, distinct = pd.factorize(column.to_numpy(object))
    words = [*map(_safe, distinct.tolist()), ""]
    return [words[code] for code in codes.tolist()]


def _safe(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".") if value == value else ""
    text = planning.cell_text(value)
    return "'" + text if text.startswith(_RISKY) and not _NUMBER.fullmatch(text) else text


def _parquet(frame: DataFrame) -> bytes:
    """Numbers as numbers, everything else as text. Refused("need_extra") without pyarrow."""
    out = BytesIO()
    plain = frame.apply(lambda one: one if pd.api.types.is_numeric_dtype(one.dtype) else one.map(planning.cell_text))
    try:
        plain.to_parquet(out, index=False)
    except ImportError:
        raise Refused("need_extra", extra="parquet") from None
    return out.getvalue()
