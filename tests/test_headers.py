"""Finding the header row (cases A4-A9): by names, never by position; what is not clear is refused with its place."""

from __future__ import annotations

import pytest

from segmenter import schema
from segmenter.books import Grid
from segmenter.errors import Refused
from segmenter.reading import headers

NEEDED = [field.header["zh"] for field in schema.CUSTOMERS.fields if field.must]


def refusal(*rows: list[object]) -> Refused:
    with pytest.raises(Refused) as refused:
        headers.locate(Grid("客户", rows), schema.CUSTOMERS)
    assert refused.value.message("zh") and refused.value.message("en")
    return refused.value


@pytest.mark.parametrize("field", schema.CUSTOMERS.fields, ids=lambda field: field.key)
def test_every_name_of_a_field_is_found(field: schema.Field) -> None:
    for name in (*field.header.values(), *field.aliases):
        row = [name, *(head for head in NEEDED if head != field.header["zh"])]
        assert headers.locate(Grid("客户", [row]), schema.CUSTOMERS).columns[field.key] == 0


def test_no_two_fields_of_a_table_share_a_name() -> None:
    for table in schema.tables().values():
        names = [name for field in table.fields for name in field.names()]
        assert len(names) == len(set(names)), table.key


@pytest.mark.parametrize("row", [0, 1, 19, 29])
def test_the_header_may_stand_further_down(row: int) -> None:
    found = headers.locate(Grid("客户", [["题"]] * row + [NEEDED, ["1", 1.0, 1.0, 1.0]]), schema.CUSTOMERS)
    assert found.row == row


def test_a_missing_header_is_named_with_what_comes_nearest() -> None:
    refused = refusal(["客户ID", "近6个月消费频", "平均客单价(元)", "累计消费金额(元)"])
    assert refused.key == "header_missing"
    assert "近6个月消费频次" in str(refused.value) and "最接近的是“近6个月消费频”" in refused.message("zh")
    refused = refusal([])
    assert refused.key == "header_missing" and "最接近" not in refused.message("zh")


@pytest.mark.parametrize("table", [schema.RFM, schema.CLEANING], ids=lambda table: table.key)
def test_a_sheet_of_ours_that_holds_something_else_is_to_be_renamed(table: schema.Table) -> None:
    for rows in ([], [["我的笔记"]]):
        with pytest.raises(Refused) as refused:
            headers.locate(Grid(table.sheet["zh"], rows), table)
        assert refused.value.key == "sheet_foreign" and table.fields[0].header["zh"] in refused.value.message("zh")


def test_a_header_twice_is_refused_where_it_matters() -> None:
    refused = refusal([*NEEDED, NEEDED[1]])
    assert (refused.key, refused.cell, refused.params["first"]) == ("header_twice", "E1", "B1")
    assert headers.locate(Grid("客户", [[*NEEDED, "备注", "备注"]]), schema.CUSTOMERS).row == 0


def test_a_small_table_beside_ours_may_be_headed_alike() -> None:
    """A count of each customer type beside table 2, behind an empty column, is not written, nor a reason to refuse."""
    own, beside = [field.header["zh"] for field in schema.RFM.fields], ["客户类型", "客户ID", "人数"]
    for row, column in (([*own, None, *beside], 5), ([*beside, None, *own], 9)):
        found = headers.locate(Grid("RFM", [row]), schema.RFM)
        assert (found.columns["segment"], len(found.columns)) == (column, len(own))
    for row in ([*own, *beside], [*beside[:2], None, *own[:6:5]]):  # nobody can say whose is whose
        with pytest.raises(Refused) as refused:
            headers.locate(Grid("RFM", [row]), schema.RFM)
        assert refused.value.key == "header_twice"


@pytest.mark.parametrize("left", [True, False])
def test_a_summary_beside_by_what_people_type_is_not_read(left: bool) -> None:
    """Of the groups beside table 3, of the regions beside the customers: the list's own column counts."""
    plan = [field.header["zh"] for field in schema.STRATEGY.fields][:6]
    for table, own, beside in (
        (schema.STRATEGY, plan, ["细分群体名称", "人数"]),
        (schema.CUSTOMERS, [NEEDED[0], "地域", *NEEDED[1:]], ["地域", "职业", "人数"]),
    ):
        row = [*beside, None, *own] if left else [*own, None, *beside]
        found = headers.locate(Grid("表", [row]), table).columns
        assert sorted(found.values()) == [n + (len(beside) + 1) * left for n in range(len(own))]


def test_two_rows_that_could_be_it_are_refused() -> None:
    assert refusal(NEEDED, NEEDED).key == "header_tie"


def test_its_own_name_comes_before_an_alias() -> None:
    found = headers.locate(Grid("客户", [["城市", *NEEDED, "地域"]]), schema.CUSTOMERS)
    assert found.columns["region"] == 5


def test_a_header_of_two_levels() -> None:  # A8
    grid = Grid(
        "客户",
        [
            ["客户ID", "近6个月", None, "累计消费金额(元)"],
            [None, "消费频次", "平均客单价(元)", None],
            ["1", 1.0, 2.0, 3.0],
        ],
        merged=((0, 0, 1, 0), (0, 1, 0, 2), (0, 3, 1, 3)),
    )
    found = headers.locate(grid, schema.CUSTOMERS)
    assert found.row == 1
    assert {key: found.columns[key] for key in ("customer_id", "frequency", "average_order_value", "total_amount")} == {
        "customer_id": 0,
        "frequency": 1,
        "average_order_value": 2,
        "total_amount": 3,
    }
