"""The rivals: each reads the customer sheet, scores every customer, writes the 14 columns of the result sheet, saves.

`python ways.py WAY IN OUT`. Scoring is the same for all and vectorised, so that only reading and writing differ.
"""

import shutil
import sys
import zipfile
import zlib
from pathlib import Path

CUSTOMERS, RESULTS, PLAN = "客户基础信息与行为数据表", "RFM模型细分结果表", "客户细分策略与执行跟踪表"
HEADERS = (
    *("客户ID", "R(近30天消费)", "F(近6个月频次)", "M(近6个月金额)", "RFM分组", "客户类型", "R天数", "F次数", "M金额"),
    *("R档", "F档", "M档", "八分类", "说明"),
)
ID, ORDERS, PRICE, TOTAL, LAST = 0, 5, 6, 9, 10
"""columns of the customer sheet"""
SEGMENTS = (
    "低价值客户",
    "低价值客户",
    "待激活客户",
    "流失风险客户",
    "潜力客户",
    "潜力客户",
    "价格敏感客户",
    "高价值客户",
)
CLASSES = (
    *("一般挽留客户", "重要挽留客户", "一般保持客户", "重要保持客户"),
    *("一般发展客户", "重要发展客户", "一般价值客户", "重要价值客户"),
)
R_BINS = ("近30天", "31-90天", "91-180天", "180天以上")
F_BINS = ("≥10次", "5-9次", "2-4次", "1次及以下")
M_BINS = ("≥5000元", "2000-4999元", "1000-1999元", "<1000元")
R_LEVELS, F_LEVELS, M_LEVELS = "高低低低", "高中低低", "高高中低"


def scored(ids, orders, price, days):
    """The 14 columns as lists. `orders`, `price`: numbers; `days`: of the last order, in days from any day."""
    import numpy as np

    f = np.asarray(orders, float)
    m = np.round(f * np.asarray(price, float), 6)
    days = np.asarray(days, float)
    r = days.max() - days
    r_bin = np.searchsorted([30, 90, 180], r)
    f_bin = 3 - np.searchsorted([2, 5, 10], f, "right")
    m_bin = 3 - np.searchsorted([1000, 2000, 5000], m, "right")
    place = 4 * (r_bin == 0) + 2 * (f_bin < 2) + (m_bin < 3)
    r_text, f_text, m_text = (_texts(each) for each in (r, f, m))
    levels = [
        [names[n] for n in each.tolist()] for each, names in ((r_bin, R_LEVELS), (f_bin, F_LEVELS), (m_bin, M_LEVELS))
    ]
    bins = [[names[n] for n in each.tolist()] for each, names in ((r_bin, R_BINS), (f_bin, F_BINS), (m_bin, M_BINS))]
    codes = [f"{n:03b}" for n in place.tolist()]
    segments = [SEGMENTS[n] for n in place.tolist()]
    recent = (r_bin == 0).tolist()
    reasons = [
        f"R={a}天→{x}→{i}→{c[0]}；F={b}次→{y}→{j}→{c[1]}；M={d}元→{z}→{k}→{c[2]}；{c}→{s}"
        for a, b, d, x, y, z, i, j, k, c, s in zip(r_text, f_text, m_text, *bins, *levels, codes, segments, strict=True)
    ]
    return [
        list(ids),
        [f"是({a}天前)" if near else f"否({a}天前)" for a, near in zip(r_text, recent, strict=True)],
        [f"{b}次" for b in f_text],
        [f"{d}元" for d in m_text],
        [f"{c}({i}R/{j}F/{k}M)" for c, i, j, k in zip(codes, *levels, strict=True)],
        segments,
        r.tolist(),
        f.tolist(),
        m.tolist(),
        *bins,
        [CLASSES[n] for n in place.tolist()],
        reasons,
    ]


def _texts(numbers):
    return [f"{n:.4f}".rstrip("0").rstrip(".") if n % 1 else str(int(n)) for n in numbers.tolist()]


def openpyxl_(source, target):
    """openpyxl: load the workbook, fill the result sheet, save everything."""
    import openpyxl

    book = openpyxl.load_workbook(source)
    rows = list(book[CUSTOMERS].iter_rows(min_row=2, max_col=LAST + 1, values_only=True))
    ids, orders, price, last = ([row[n] for row in rows] for n in (ID, ORDERS, PRICE, LAST))
    first = min(last)
    sheet = book[RESULTS]
    styles = [cell._style for cell in sheet[2]]
    columns = scored(ids, orders, price, [(day - first).days for day in last])
    for number, row in enumerate(zip(*columns, strict=True), 2):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(number, column, value)
            cell._style = styles[column - 1]
    sheet.tables["RfmSegments"].ref = f"A1:N{len(rows) + 1}"
    book.save(target)


def pandas_openpyxl(source, target):
    """What a script for this job looks like: pandas reads and scores, openpyxl fills results and plan, and saves."""
    import openpyxl
    import pandas as pd

    frame = pd.read_excel(source, sheet_name=CUSTOMERS, dtype={0: str}, engine="openpyxl")
    last = pd.to_datetime(frame.iloc[:, LAST])
    days = (last - last.min()).dt.days
    results = pd.DataFrame(
        dict(zip(HEADERS, scored(frame.iloc[:, ID], frame.iloc[:, ORDERS], frame.iloc[:, PRICE], days), strict=True))
    )
    groups = results.groupby("客户类型")["M金额"].agg(["size", "sum"])
    book = openpyxl.load_workbook(source)
    sheet = book[RESULTS]
    styles = [cell._style for cell in sheet[2]]
    for number, row in enumerate(results.itertuples(index=False), 2):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(number, column, value)
            cell._style = styles[column - 1]
    sheet.tables["RfmSegments"].ref = f"A1:N{len(results) + 1}"
    sheet = book[PLAN]
    for number, (name, count, amount) in enumerate(groups.itertuples(), 2):
        for column, value in ((1, name), (9, count), (10, count / len(results)), (11, amount)):
            sheet.cell(number, column, value)
    sheet.tables["StrategyTracking"].ref = f"A1:M{len(groups) + 1}"
    book.save(target)


def many(folder, out):
    """The same for every workbook of a folder, in one process."""
    for path in sorted(Path(folder).glob("*.xlsx")):
        pandas_openpyxl(path, Path(out) / path.name)


def pandas_calamine(source, target):
    """pandas with calamine reads all sheets, XlsxWriter writes all sheets anew: values only, no styles or charts."""
    import pandas as pd

    sheets = pd.read_excel(source, sheet_name=None, engine="calamine")
    frame = sheets[CUSTOMERS]
    last = pd.to_datetime(frame.iloc[:, LAST])
    days = (last - last.min()).dt.days
    columns = scored(frame.iloc[:, ID], frame.iloc[:, ORDERS], frame.iloc[:, PRICE], days)
    sheets[RESULTS] = pd.DataFrame(dict(zip(HEADERS, columns, strict=True)))
    with pd.ExcelWriter(target, engine="xlsxwriter") as writer:
        for name, one in sheets.items():
            one.to_excel(writer, sheet_name=name, index=False)


def _polars(source):
    import polars

    names = [CUSTOMERS]
    frame = polars.read_excel(source, sheet_name=names[0], columns=[ID, ORDERS, PRICE, LAST])
    last = frame.to_series(3).cast(polars.Date).cast(polars.Int32).to_numpy()
    columns = scored(frame.to_series(0).to_list(), frame.to_series(1).to_numpy(), frame.to_series(2).to_numpy(), last)
    return polars.DataFrame(dict(zip(HEADERS, columns, strict=True)))


def polars_(source, target):
    """polars reads the four columns it needs and writes a new workbook of the results alone."""
    _polars(source).write_excel(target, worksheet=RESULTS)


def fastexcel_rustpy(source, target):
    """fastexcel reads the four columns it needs, rustpy-xlsxwriter writes a new workbook of the results alone."""
    import fastexcel
    import numpy as np
    import polars
    import rustpy_xlsxwriter

    sheet = fastexcel.read_excel(source).load_sheet(CUSTOMERS, use_columns=[ID, ORDERS, PRICE, LAST])
    ids, orders, price, last = sheet.to_polars().iter_columns()
    days = last.cast(polars.Date).cast(polars.Int32).to_numpy()
    columns = scored(ids.to_list(), np.asarray(orders), np.asarray(price), days)
    records = (dict(zip(HEADERS, row, strict=True)) for row in zip(*columns, strict=True))
    rustpy_xlsxwriter.write_worksheet(records, str(target), sheet_name=RESULTS)


def floor(source, text):
    """Inflates every part of a workbook and deflates `text` (what `fill` puts in) with zlib at level 1."""
    _floor(source, text, lambda: zlib.decompressobj(-15), lambda: zlib.compressobj(1, zlib.DEFLATED, -15))


def floor_isal(source, text):
    """The same with isal."""
    from isal import isal_zlib

    _floor(
        source, text, lambda: isal_zlib.decompressobj(-15), lambda: isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
    )


def _floor(source, text, inflater, deflater):
    with zipfile.ZipFile(source) as archive, Path(source).open("rb") as file:
        for one in archive.infolist():
            file.seek(one.header_offset + 26)
            file.seek(sum(int.from_bytes(file.read(2), "little") for _ in range(2)), 1)
            stream, left = inflater(), one.compress_size
            while left:
                piece = file.read(min(left, 1 << 18))
                left -= len(piece)
                stream.decompress(piece)
    packer = deflater()
    with Path(text).open("rb") as file:
        while piece := file.read(1 << 20):
            packer.compress(piece)
    packer.flush()


def changed(before, after, text):
    """Into the file `text`: the content of every part of `after` that `before` lacks or has otherwise."""
    with zipfile.ZipFile(before) as old, zipfile.ZipFile(after) as new, Path(text).open("wb") as out:
        known = {one.filename: one.CRC for one in old.infolist()}
        for one in new.infolist():
            if known.get(one.filename) != one.CRC:
                with new.open(one) as part:
                    shutil.copyfileobj(part, out, 1 << 20)


def segmenter(folder, out):
    """Every workbook of a folder filled by us, in one process, begun as every process of ours is."""
    from segmenter import process

    process.begin()
    from segmenter import jobs

    process.settle()
    for path in sorted(Path(folder).glob("*.xlsx")):
        jobs.fill(path, Path(out) / path.name)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
