"""The worksheet functions against the pipeline."""

from __future__ import annotations

from datetime import datetime

import pytest
from shop import AS_OF, people, run

from segmenter import functions, rules, settings


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_column_of_customers_gets_what_the_pipeline_says(lang):
    result = run(people(300), lang)
    known = result.customers["recency_days"].notna() | (result.customers["frequency"] > 0)
    known |= result.customers["without_orders"]  # of the others only the total says that they ever bought
    customers, rfm = result.customers[known], result.rfm[known]
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
    rows = frame[["name", "value"]].values.tolist()
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
