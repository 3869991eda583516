"""Workbooks for the tests of `segmenter.books`, and a second look at them that shares no code with it."""

import re
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import xlsxwriter
from lxml import etree
from openpyxl.utils import range_boundaries

from segmenter import schema
from segmenter.frames import Frame
from segmenter.schema import CUSTOMERS, RFM

X = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RFM_SHEET = RFM.sheet["zh"]
CUSTOMER_SHEET = CUSTOMERS.sheet["zh"]
HEADERS = [field.header["zh"] for field in RFM.fields]


def frame(**columns):
    """A frame of columns that may be lists: numbers become an array of such, all else stays as it is."""
    return Frame({key: _array(values) if isinstance(values, list) else values for key, values in columns.items()})


def _array(values):
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found.astype(float) if {*map(type, values)} == {float} else found


def customers(count=3, first=1001):
    """A frame for the customers table."""
    return frame(
        customer_id=[str(first + n) for n in range(count)],
        frequency=[float(n % 13) for n in range(count)],
        average_order_value=[350.0] * count,
        total_amount=[350.0 * (n % 13) for n in range(count)],
        last_order_date=np.datetime64("2026-06-01", "s") - np.arange(count) % 200 * np.timedelta64(1, "D"),
    )


def rfm(ids, **changes):
    """A frame for the result table, one row for each of `ids`."""
    ids = [str(one) for one in ids]
    columns = {
        "customer_id": ids,
        "f_text": [f"{n}次" for n in range(len(ids))],
        "segment": [f"kind {one}" for one in ids],
        "recency_days": [float(len(one) + n) for n, one in enumerate(ids)],
        "monetary": [1.5 * n for n in range(len(ids))],
    }
    return frame(**{**columns, **changes})


def book(path, rows=(), *, extra=(), table=True, before=None, after=None, options=None):
    """A workbook with a result sheet: `rows` are (id, {column number: value}); `extra` are headers of columns that are
    not ours; `before(workbook)` and `after(workbook, sheet, headers)` add what a test needs."""
    path = Path(path)
    workbook = xlsxwriter.Workbook(path, options or {})
    workbook.set_properties({"created": datetime(2026, 1, 1)})
    if before:
        before(workbook)
    sheet = workbook.add_worksheet(RFM_SHEET)
    headers = [*HEADERS, *extra]
    blue = workbook.add_format({"bg_color": "#DDEEFF"})
    sheet.write_row(0, 0, headers)
    for n, (key, cells) in enumerate(rows):
        sheet.write_string(1 + n, 0, str(key), blue)
        for column, value in {2: "1次", 5: "old", **cells}.items():
            sheet.write(1 + n, column, value)
    if not rows:
        for column in range(len(headers)):
            sheet.write_blank(1, column, None, blue)
    if table:
        columns = [{"header": header} for header in headers]
        sheet.add_table(0, 0, max(1, len(rows)), len(headers) - 1, {"name": "RfmSegments", "columns": columns})
    if after:
        after(workbook, sheet, headers)
    workbook.close()
    return path


def parts(path):
    """Every part of a workbook by name."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path, changes, target=None, date=(1980, 1, 1, 0, 0, 0)):
    """A copy of a workbook with parts replaced, added or (None) left out; a change may be a function."""
    found = parts(path)
    for name, change in changes.items():
        found[name] = change(found[name]) if callable(change) else change
    target = Path(target or path)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in found.items():
            if data is not None:
                archive.writestr(zipfile.ZipInfo(name, date), data, zipfile.ZIP_DEFLATED)
    return target


def saved_by_excel(path):
    """A workbook with its texts where Excel puts them, into the shared strings, and its rows as Excel tells them."""
    found = parts(path)
    texts = re.findall(rb"<si>.*?</si>", found["xl/sharedStrings.xml"], re.DOTALL)

    def shared(cell):
        if cell[3] not in texts:
            texts.append(cell[3])
        return b'<c r="%s"%s t="s"><v>%d</v></c>' % (cell[1], cell[2], texts.index(cell[3]))

    for name in found:
        if name.startswith("xl/worksheets/sheet"):
            data = re.sub(rb"<is>(<t.*?</t>)</is>", rb"<si>\1</si>", found[name])
            data = re.sub(rb'<c r="([A-Z]+\d+)"([^>]*) t="inlineStr">(<si>.*?</si>)</c>', shared, data)
            found[name] = re.sub(rb"<row ((?:(?!spans)[^>])*)>", rb'<row \1 spans="1:99">', data)
    found["xl/sharedStrings.xml"] = (
        b'<sst xmlns="' + X[1:-1].encode() + b'" uniqueCount="%d">' % len(texts) + b"".join(texts) + b"</sst>"
    )
    return rewritten(path, found)


def prefixed(data):
    """A part with its main namespace under a prefix."""
    data = re.sub(rb"<(/?)(?![?!]|r:|mc:|x14ac:|xr)([A-Za-z])", rb"<\1x:\2", data)
    return data.replace(b'xmlns="' + X[1:-1].encode(), b'xmlns:x="' + X[1:-1].encode())


def sheet_part(path, name):
    """The part of a sheet by its name."""
    found = parts(path)
    root = etree.fromstring(found["xl/workbook.xml"])
    rels = etree.fromstring(found["xl/_rels/workbook.xml.rels"])
    for sheet in root.iter("{*}sheet"):
        if sheet.get("name") == name:
            relation = next(value for key, value in sheet.attrib.items() if key.endswith("}id"))
            target = next(one.get("Target") for one in rels if one.get("Id") == relation)
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(name)


def repairs(path):
    """Why Excel would offer to repair a workbook, as far as one can tell without it; empty when nothing is known."""
    found = parts(path)
    wrong = []
    for name, data in found.items():
        if name.endswith((".xml", ".rels")) and not name.startswith("__MACOSX/"):
            etree.fromstring(data)
    names, ids = [], []
    for name, data in found.items():
        if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
            wrong += [f"{name}: {one}" for one in _sheet_repairs(etree.fromstring(data), found, name)]
        if "/tables/" in name and name.endswith(".xml"):
            root = etree.fromstring(data)
            if etree.QName(root).localname == "table":
                names.append(root.get("displayName").casefold())
                ids.append(root.get("id"))
    wrong += ["table name twice"] * (len(names) != len(set(names))) + ["table id twice"] * (len(ids) != len(set(ids)))
    return wrong + _workbook_repairs(found)


def _workbook_repairs(found):
    wrong = []
    root = etree.fromstring(found["xl/workbook.xml"])
    sheets = [one.get("name") for one in root.iter("{*}sheet")]
    wrong += [f"sheet name {one!r}" for one in sheets if len(one) > 31 or set(one) & set("[]:*?/\\")]
    wrong += ["sheet name twice"] * (len({one.casefold() for one in sheets}) != len(sheets))
    pairs = [(one.get("name").casefold(), one.get("localSheetId")) for one in root.iter("{*}definedName")]
    wrong += ["name twice"] * (len(set(pairs)) != len(pairs))
    types = {one.get("PartName") for one in etree.fromstring(found["[Content_Types].xml"]) if one.get("PartName")}
    wrong += [f"type of nothing: {one}" for one in types if one[1:] not in found]
    listed = etree.fromstring(found["[Content_Types].xml"])
    defaults = {one.get("Extension").casefold() for one in listed if one.get("Extension")}
    for name in found:
        typed = f"/{name}" in types or name.rpartition(".")[2].casefold() in defaults
        wrong += [f"no type: {name}"] * (not typed and name != "[Content_Types].xml")
    for name, data in found.items():
        if name.endswith(".rels") and not name.startswith("__MACOSX/"):
            base = Path(name).parent.parent
            for one in etree.fromstring(data):
                if one.get("TargetMode") != "External":
                    target = one.get("Target")
                    full = target[1:] if target.startswith("/") else str((Path("/") / base / target).resolve())[1:]
                    wrong += [f"{name}: leads to nothing: {target}"] * (full not in found)
    if "xl/styles.xml" in found:
        styles = etree.fromstring(found["xl/styles.xml"])
        for one in styles:
            if one.get("count") and etree.QName(one).localname != "colors":
                wrong += [f"count of {one.tag}"] * (int(one.get("count")) != len(one))
    return wrong


def _sheet_repairs(root, found, name):
    last = 0
    formats = 1
    if "xl/styles.xml" in found:
        formats = len(next(etree.fromstring(found["xl/styles.xml"]).iter("{*}cellXfs")))
    texts = {}
    for row in root.iter("{*}row"):
        number = int(row.get("r", last + 1))
        if number <= last:
            yield f"row {number} out of order"
        last, column = number, 0
        for cell in row:
            left, top, _, _ = range_boundaries(cell.get("r")) if cell.get("r") else (column + 1, number, 0, 0)
            if left <= column or top != number:
                yield f"cell {cell.get('r')} out of order"
            column = left
            if int(cell.get("s", 0)) >= formats:
                yield f"style of {cell.get('r')}"
            text = "".join(cell.itertext("{*}t", "{*}v"))
            if len(text) > 32767 * 3:
                yield f"text of {cell.get('r')} too long"
            texts[top, left] = (cell.get("t"), text)
    merged = [range_boundaries(one.get("ref")) for one in root.iter("{*}mergeCell")]
    for n, a in enumerate(merged):
        for b in merged[n + 1 :]:
            if a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]:
                yield f"merged cells overlap {a} {b}"
    for one in root.iter("{*}formula1"):
        if one.getparent().get("type") == "list" and len((one.text or "").strip('"')) > 255:
            yield "list validation too long"
    for one in root.iter("{*}dataValidations", "{*}mergeCells", "{*}tableParts"):
        if one.get("count") and int(one.get("count")) != len(one):
            yield f"count of {one.tag}"
        if not len(one):
            yield f"empty {one.tag}"
    rels = f"{Path(name).parent}/_rels/{Path(name).name}.rels"
    for one in etree.fromstring(found[rels]) if rels in found else ():
        if one.get("Type").endswith("/table"):
            target = str((Path("/xl/worksheets") / one.get("Target")).resolve())[1:]
            yield from _table_repairs(etree.fromstring(found[target]), texts, found)


def _table_repairs(root, texts, found):
    left, top, right, bottom = range_boundaries(root.get("ref"))
    columns = [one.get("name") for one in root.iter("{*}tableColumn")]
    if len({one.casefold() for one in columns}) != len(columns):
        yield "table column twice"
    if len(columns) != right - left + 1 or bottom <= top:
        yield f"table range {root.get('ref')}"
    shared = [
        "".join(t.text or "" for t in one.iter("{*}t"))
        for one in etree.fromstring(found.get("xl/sharedStrings.xml", b"<a/>")).iter("{*}si")
    ]
    for n, column in enumerate(columns):
        kind, text = texts.get((top, left + n), (None, None))
        text = shared[int(text)] if kind == "s" else text
        if text != column:
            yield f"table header {column!r} is {text!r} in its cell"
    for one in root.iter("{*}autoFilter"):
        area = range_boundaries(one.get("ref"))
        if area[:3] != (left, top, right) or area[3] != bottom - int(root.get("totalsRowCount", 0)):
            yield f"filter {one.get('ref')} of table {root.get('ref')}"


def values(path, sheet=RFM_SHEET):
    """What openpyxl reads: {(row, column): value} from 1, empty cells left out."""
    import openpyxl

    found = openpyxl.load_workbook(BytesIO(Path(path).read_bytes()))[sheet]
    return {(c.row, c.column): c.value for row in found.iter_rows() for c in row if c.value is not None}


def column(path, header, sheet=RFM_SHEET):
    """The values below a header, down to the last row with an ID."""
    found = values(path, sheet)
    at = next(column for (row, column), value in found.items() if row == 1 and value == header)
    last = max(row for row, column in found if column == 1)
    return [found.get((row, at)) for row in range(2, last + 1)]


FIELDS = schema.RFM
