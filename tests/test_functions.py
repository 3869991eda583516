"""The worksheet functions against the pipeline."""

from __future__ import annotations

import sys
from datetime import datetime
from io import StringIO
from types import ModuleType, SimpleNamespace

import excel_engine
import openpyxl
import pytest
import xlwings as xw
from shop import AS_OF, people, run

from segmenter import functions, rules, settings


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_column_of_customers_gets_what_the_pipeline_says(lang):
    result = run(people(300), lang)
    customers = result.customers.pandas
    known = customers["recency_days"].notna() | (customers["frequency"] > 0)
    known |= customers["without_orders"]  # of the others only the total says that they ever bought
    customers, rfm = customers[known], result.rfm.pandas[known]
    rows = [
        [c.customer_id, None if c.recency_days != c.recency_days else c.recency_days, c.frequency, c.monetary]
        for c in customers.itertuples()
    ]
    seen = functions.SEG_RFM(rows, lang=lang)
    wanted = rfm[["rfm_text", "segment"]].values.tolist()
    assert [row[1:] for row in seen] == wanted and [row[0] for row in seen] == customers["code"].tolist()


def test_dates_need_a_day_to_count_from():
    assert functions.SEG_RFM([["a", datetime(2026, 6, 1), 12.0, 9000.0]], AS_OF)[0][0] == "111"
    assert functions.SEG_RFM([["a", "2026-06-01", 12.0, 9000.0], [None] * 4], "2026-06-30") == [
        ["111", "111(高R/高F/高M)", "高价值客户"],
        ["", "", ""],
    ]
    with pytest.raises(ValueError, match="as_of"):
        functions.SEG_RFM([["a", datetime(2026, 6, 1), 1.0, 1.0]])


def test_settings_of_a_sheet_count():
    frame = settings.to_frame(rules.default(), "zh")
    rows = [[row["name"], row["value"]] for row in frame.records()]
    name = settings.name_of("recency_bins", "zh")
    changed = [[n, "5, 90, 180" if n == name else v] for n, v in rows]
    customer = [["a", 20.0, 12.0, 9000.0]]
    assert functions.SEG_RFM(customer, None, rows)[0][0] == "111"
    assert functions.SEG_RFM(customer, None, changed)[0][0] == "011"
    assert functions.SEG_LEVEL([[20.0, 4.0]], "R", changed) == [["低", "高"]]


def test_names_strategies_and_levels():
    assert functions.SEG_NAME([[111.0], ["0"], ["x"], [None]]) == [["重要价值客户"], ["一般挽留客户"], [""], [""]]
    assert functions.SEG_STRATEGY([["价格敏感型客户"], ["High-value customers"], ["?"]], "en") == [
        ["Limited-time offers to trigger the next order"],
        ["Exclusive benefits to keep them close"],
        [""],
    ]
    assert functions.SEG_LEVEL([[12.0], [7.0], [1.0], [None]], "f") == [["高"], ["中"], ["低"], [""]]
    with pytest.raises(ValueError, match="Q"):
        functions.SEG_LEVEL([[1.0]], "Q")


MISSING = -2147352572
"""what Windows hands over for an argument that was left out"""


@pytest.fixture
def bound(monkeypatch, tmp_path):
    """`xlwings.udfs` with our functions bound as on Windows, over our own Excel; pywin32's part, which only hands
    objects between threads, is names without a body."""
    parts = {
        "pythoncom": {"CoInitialize": lambda: None, "IID_IDispatch": 1},
        "pywintypes": {"com_error": excel_engine.ComError},
        "win32com": {},
        "win32com.client": {"Dispatch": lambda one, **_: one},
        "xlwings.com_server": {"loop": None},
        "xlwings._xlwindows": {
            "Range": lambda xl: xl,
            "is_range_instance": lambda one: isinstance(one, excel_engine.Range),
        },
    }
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(xw, "_xlwindows", sys.modules["xlwings._xlwindows"], raising=False)
    monkeypatch.delitem(sys.modules, "segmenter.functions")
    from xlwings import udfs

    for name in ("func", "arg", "ret"):
        monkeypatch.setattr(xw, name, getattr(udfs, f"xl{name}"))
    app = excel_engine.start()
    monkeypatch.setitem(xw.engines.engines_by_name, "excel", xw.engines.active)
    file = openpyxl.Workbook()
    for row in (["00123", 15, 12, 4200], ["b", 60, 5, 4400], ["c", 120, 2, 300]):
        file.active.append(row)
    file.save(tmp_path / "a.xlsx")
    sheet = app.books.open(tmp_path / "a.xlsx").sheets[0]
    yield udfs, lambda area: sheet.range(area).impl
    excel_engine.stop()


def test_xlwings_binds_the_functions_and_hands_ranges_over(bound):
    udfs, cells = bound

    def call(name, *arguments, into):
        return udfs.call_udf("segmenter.functions", name, arguments, None, cells(into))

    assert call("SEG_RFM", cells("A1:D3"), MISSING, MISSING, MISSING, into="F1:H3") == [
        ["111", "111(高R/高F/高M)", "高价值客户"],
        ["011", "011(低R/中F/高M)", "流失风险客户"],
        ["000", "000(低R/低F/低M)", "低价值客户"],
    ]
    assert call("SEG_RFM", cells("A1:D1"), MISSING, MISSING, "en", into="F1:H1")[0][2] == "High-value customers"
    assert call("SEG_NAME", 111.0, MISSING, into="F1") == [["重要价值客户"]]
    assert call("SEG_LEVEL", cells("B1:C2"), "F", MISSING, MISSING, into="F1:G2") == [["高", "高"], ["高", "中"]]
    assert call("SEG_STRATEGY", "潜力客户", "en", into="F1")[0][0]
    wrapper = StringIO()
    udfs.generate_vba_wrapper(
        "segmenter.functions", sys.modules["segmenter.functions"], wrapper, SimpleNamespace(Name="a.xlsm")
    )
    heads = [line for line in wrapper.getvalue().splitlines() if line.startswith("Function ")]
    assert heads == [
        "Function SEG_LEVEL(values, measure, Optional setting_rows, Optional lang)",
        "Function SEG_NAME(codes, Optional lang)",
        "Function SEG_RFM(customers, Optional as_of, Optional setting_rows, Optional lang)",
        "Function SEG_STRATEGY(segments, Optional lang)",
    ]
