"""Optional sheets: added from their own workbook when there is something to write, emptied when there is nothing."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from segmenter import jobs, schema
from segmenter.books import longlist, ours
from segmenter.books.file import FileBook
from segmenter.cli import main
from segmenter.frames import Frame
from segmenter.texts import LANGS, Lang

SAMPLE = Path(__file__).parent.parent / "workbook" / "sample.xlsx"
LABELS = schema.table("labels")
ROWS = Frame.of(
    [("007", "高价值客户", "低价值客户", "地域：一线"), ("12", "=1+1", "低价值客户", "地域：未知")],
    ("customer_id", "segment", "group", "label1"),
)


def fill(path: Path, lang: Lang, **extra: Frame) -> jobs.Result:
    """Fill the sample as though the analysis had made `extra`."""
    if not path.exists():
        jobs.new(path, lang)
        with FileBook(path) as book:
            columns = ("customer_id", "frequency", "total_amount")
            book.write(schema.CUSTOMERS, Frame.of([("007", 1, 5), ("12", 1, 5)], columns))
    with FileBook(path) as book:
        result = jobs.analyse(book)._replace(extra=extra)
        jobs.write(book, result)
    return result


ASKED = ("--clusters", "--value")


@pytest.fixture(scope="module")
def first(small_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 customers, filled with all that can be asked for."""
    path = tmp_path_factory.mktemp("filled") / "first.xlsx"
    assert main(["fill", str(small_sample), "-o", str(path), *ASKED]) == 0
    return path


@pytest.fixture(scope="module")
def second(first: Path) -> Path:
    """The same for a second date."""
    path = first.with_name("second.xlsx")
    assert main(["fill", str(first), "-o", str(path), "--as-of", "2026-08-15", *ASKED]) == 0
    return path


def test_no_row_that_is_written_lacks_what_tells_ours_from_remarks(tmp_path: Path, first: Path, second: Path) -> None:
    """`Table.always`, of all lists that a fill writes: else it would keep its own rows for ever."""
    back = tmp_path / "back.xlsx"
    assert main(["fill", str(first), "-o", str(back), "--as-of", "2026-05-31"]) == 0  # moves, of nobody compared
    seen, alone = set(), False
    for path in (first, second, back):
        book = openpyxl.load_workbook(path)
        for table in schema.tables().values():
            if not table.always or table.sheet["zh"] not in book.sheetnames:
                continue
            heads, *rows = book[table.sheet["zh"]].iter_rows(values_only=True)
            written = [row for row in rows if any(value is not None for value in row)]
            keys = [next(one.key for one in table.fields if one.header["zh"] == head) for head in heads]
            columns, always = dict(zip(keys, range(len(keys)), strict=True)), table.always_with(keys)
            for row in written:
                assert ours.says(table, always, columns, row.__getitem__), (path.name, table.key, row)
            seen |= {table.key} if written else set()
            alone |= table.key == "moves" and "无上期可比" in {row[-1] for row in written}
    assert seen >= {"rfm", "cleaning", "labels", "cross", "clusters", "value", "history", "proposals", "moves"}
    assert alone


DAY = datetime(2026, 11, 30)
SIGNED: list[list[Any]] = [
    ["制表：", "王五", "审核：", "李四", "日期：六月三十日", "页：", "一", "二"],
    ["制表人", "王五", "审核：", "李四", "日期：六月三十日", "页：", "一", "二"],
    ["制表人", "王五", "日期", DAY],
    ["制表人", "王五", DAY, "审核人", "李四", DAY],
    ["制表人", "王五", 5, DAY, "李四", DAY, 5],
    ["制表人", "王五", "李四", 5, 5, 5, 5, "一", "二"],
    ["核对", "王五", None, 5],
    ["核对", "王五", DAY, "审核人", "李四", 0.5, "一", "二"],
    ["备注", "请核对", None, None, 5, 6],
    [DAY, "王五", "已核对", 5],
    [DAY, "王五", 5, 0.3],
    ["本月完成率", "85%", 0.85, 0.85, 0.85],
    [1, "王五", 5, DAY, "李四", 5, DAY, "一"],
    ["制表人", "王五", "审核人", "李四", "日期", "六月三十日", "页", "一", "二", "三", "四"],
    ["制表人", "王五", "李四", 5, 0.5, 0.5],
    ["核对", "王五", 5, 0.5, 0.5],
    [1, 2, 3, 4, 5],
    [123, "复核", DAY, DAY, DAY],
    ["复核", 5, DAY, DAY],
    [5, DAY, None, DAY],
    [1, "王五", 5, 0.5, 6, 0.5, 7, 8, 9, "李四", "已核对", 0.5],
]


@pytest.mark.parametrize("number", range(len(SIGNED)))
def test_a_line_of_signatures_right_below_any_list_stays(tmp_path: Path, second: Path, number: int) -> None:
    """It fills the columns that every row of ours fills, and what it says is none of what ours do."""
    path, out, line = tmp_path / "a.xlsx", tmp_path / "b.xlsx", SIGNED[number]
    book = openpyxl.load_workbook(second)
    signed = {}
    for table in schema.tables().values():
        if (table.always or table.key == "strategy") and (name := table.sheet["zh"]) in book.sheetnames:
            sheet = book[name]
            below = 1 + max(cell.row for row in sheet.iter_rows() for cell in row if cell.value is not None)
            signed[name] = line[: len(table.fields)]
            for column, word in enumerate(signed[name], 1):
                sheet.cell(below, column, word)
    book.save(path)
    assert len(signed) > 10
    day = ("2026-08-15", "2026-07-31", "2026-09-30")[number % 3]
    assert main(["fill", str(path), "-o", str(out), "--as-of", day]) == 0  # without clusters and values
    assert jobs.verify(path, out).ok
    book = openpyxl.load_workbook(out)
    for name, typed in signed.items():
        rows = [[*row[: len(typed)]] for row in book[name].iter_rows(values_only=True)]
        assert rows.count(typed) == 1, name


@pytest.mark.parametrize(
    ("key", "asked"),
    [("cross", {"dimensions": ["年龄段"]}), ("cluster_cross", {"clusters": True})],
    ids=["cross", "cluster_cross"],
)
def test_a_line_that_stayed_alone_is_the_same_when_its_others_come_back(
    tmp_path: Path, small_sample: Path, key: str, asked: dict[str, Any]
) -> None:
    """Its name then stands in one row alone, as that of a remark does."""
    day, table = date(2026, 7, 15), schema.table(key)
    first, alone, back, again = (tmp_path / f"{n}.xlsx" for n in range(4))
    jobs.fill(small_sample, first, as_of=day, changes=asked)
    book = openpyxl.load_workbook(first)
    sheet = book[table.sheet["zh"]]
    beside, line = len(table.fields) + 1, [cell.value for cell in sheet[3]][: len(table.fields)]
    sheet.cell(1, beside).value, sheet.cell(3, beside).value = "备注", "请再看"
    book.save(first)
    jobs.fill(first, alone, as_of=day, changes={"dimensions": ["消费频次"]})
    rows = [*openpyxl.load_workbook(alone)[table.sheet["zh"]].values]
    assert [row[0] for row in rows].count(line[0]) == 1
    jobs.fill(alone, back, as_of=day, changes=asked)
    jobs.fill(back, again, as_of=day, changes=asked)
    assert jobs.verify(first, alone).ok and jobs.verify(alone, back).ok
    assert back.read_bytes() == again.read_bytes()
    rows = [*openpyxl.load_workbook(back)[table.sheet["zh"]].values]
    assert [row for row in rows if [*row[: len(line)]] == line] == [(*line, "请再看")]


@pytest.mark.parametrize(
    ("lang", "dimensions"), [("zh", ["品牌", "消费频次"]), ("en", ["Brand", "Purchase frequency"])]
)
def test_a_dimension_of_one_line_is_written_again_as_it_was_and_goes(
    tmp_path: Path, lang: Lang, dimensions: list[str]
) -> None:
    """Nobody has data for it, so its name stands in one row alone."""
    path, again, without = (tmp_path / f"{n}.xlsx" for n in range(3))
    jobs.new(path, lang)
    with FileBook(path) as book:
        lines = [(f"c{n}", n % 7 + 1, 50.0 * n) for n in range(30)]
        book.write(schema.CUSTOMERS, Frame.of(lines, ("customer_id", "frequency", "total_amount")))
    day, sheet = date(2026, 7, 15), schema.table("cross").sheet[lang]
    jobs.fill(path, as_of=day, changes={"dimensions": dimensions})
    jobs.fill(path, again, as_of=day, changes={"dimensions": dimensions})
    assert path.read_bytes() == again.read_bytes()
    assert [row[0] for row in openpyxl.load_workbook(path)[sheet].values].count(dimensions[0]) == 1
    jobs.fill(path, without, as_of=day, changes={"dimensions": dimensions[1:]})
    assert jobs.verify(path, without).ok
    assert dimensions[0] not in [row[0] for row in openpyxl.load_workbook(without)[sheet].values]


def test_verify_knows_the_limits_of_a_scoring_without_scores(tmp_path: Path, small_sample: Path) -> None:
    first, second = tmp_path / "first.xlsx", tmp_path / "second.xlsx"
    jobs.fill(small_sample, first, as_of=date(2026, 7, 15), changes={"scoring": "mean"})
    jobs.fill(first, second, as_of=date(2026, 8, 15), changes={"scoring": "mean"})
    assert jobs.verify(first, second).ok


def test_verify_tells_high_from_low_where_there_are_no_scores(tmp_path: Path, small_sample: Path) -> None:
    """A line with a comment stays when the others go, as nothing is scored any more."""
    path, out = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    jobs.fill(small_sample, path, as_of=date(2026, 7, 15), changes={"scoring": "mean"})
    book = openpyxl.load_workbook(path)
    limits = book[schema.table("score_limits").sheet["zh"]]
    limits["E3"].comment = Comment("why", "me")
    line = [cell.value for cell in limits[3]]
    book.save(path)
    jobs.fill(path, out, as_of=date(2026, 7, 15))
    assert jobs.verify(path, out).ok
    assert [cell.value for cell in openpyxl.load_workbook(out)[limits.title][2]] == line


@pytest.fixture(scope="module")
def portrayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole sample, where a segment has several personas."""
    path = tmp_path_factory.mktemp("portrayed") / "a.xlsx"
    jobs.fill(SAMPLE, path, as_of=date(2026, 7, 15))
    return path


@pytest.mark.parametrize("row", [2, 3, 5, 8, 11])
def test_verify_finds_a_persona_with_a_comment_among_others_of_its_segment(
    tmp_path: Path, portrayed: Path, row: int
) -> None:
    path, out, personas = tmp_path / "a.xlsx", tmp_path / "b.xlsx", schema.table("personas").sheet["zh"]
    book = openpyxl.load_workbook(portrayed)
    book[personas].cell(row, 4).comment = Comment("why", "me")
    book.save(path)
    dimensions: list[str]
    for dimensions in ([], ["年龄段"]):
        jobs.fill(path, out, as_of=date(2026, 7, 15), changes={"dimensions": dimensions})
        assert jobs.verify(path, out).ok, dimensions


def test_customers_leave_a_list_that_says_of_nobody_yet_where_they_moved(tmp_path: Path) -> None:
    """As where nothing can be compared; `verify` knows that such rows are ours all the same."""
    before, after = tmp_path / "before.xlsx", tmp_path / "after.xlsx"
    jobs.new(before, "zh")
    for path, count in ((before, 9), (after, 4)):
        with FileBook(before, path) as book:
            moves = [(str(n), "a", 1.0, "无上期可比") for n in range(count)]
            book.write(schema.table("moves"), Frame.of(moves, ("customer_id", "segment", "amount", "change")))
    assert jobs.verify(before, after).ok


def rows(path: Path, lang: Lang) -> list[tuple[object, ...]]:
    sheet = openpyxl.load_workbook(path)[LABELS.sheet[lang]]
    return [(*row[:3], row[4]) for row in sheet.iter_rows(min_row=2, values_only=True)]


@pytest.mark.parametrize("lang", LANGS)
def test_a_sheet_comes_when_there_is_something_to_write(tmp_path: Path, lang: Lang) -> None:
    path = tmp_path / "book.xlsx"
    fill(path, lang)
    assert LABELS.sheet[lang] not in openpyxl.load_workbook(path).sheetnames
    before = tmp_path / "before.xlsx"
    before.write_bytes(path.read_bytes())
    fill(path, lang, labels=ROWS)
    assert jobs.verify(before, path).ok
    assert rows(path, lang) == [
        ("007", "高价值客户", "低价值客户", "地域：一线"),
        ("12", "=1+1", "低价值客户", "地域：未知"),
    ]
    once = path.read_bytes()
    fill(path, lang, labels=ROWS)
    assert path.read_bytes() == once


def test_a_sheet_nothing_is_said_on_any_more_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    fill(path, "zh", labels=ROWS)
    fill(path, "zh")
    assert {cell for row in rows(path, "zh") for cell in row} <= {None}
    fill(path, "zh", labels=ROWS)
    assert len(rows(path, "zh")) == 2


@pytest.mark.parametrize("typed", [{4: "看过", 8: "王五"}, {1: "看过"}])
def test_a_remark_right_below_a_list_that_is_emptied_stays(tmp_path: Path, typed: dict[int, str]) -> None:
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    few = [(f"kind {n}", "—", "少于5人，不做画像") for n in range(5)]
    fill(path, "zh", personas=Frame.of(few, ("segment", "traits", "missing")))
    book = openpyxl.load_workbook(path)
    for column, word in typed.items():
        book["客户画像"].cell(7, column, word)
    book.save(path)
    jobs.fill(path, out)
    assert jobs.verify(path, out).ok
    rows = openpyxl.load_workbook(out)["客户画像"].iter_rows(min_row=2, values_only=True)
    assert [value for row in rows for value in row if value is not None] == [*typed.values()]


def test_a_short_line_behind_one_that_was_emptied_is_written_over(tmp_path: Path) -> None:
    """Of a plain list, though it holds less than half of what the fullest line does."""
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    keys = schema.table("personas").keys
    full = [{"customers": 5, "customer_share": 0.5}.get(key, key) for key in keys]
    few = [dict(zip(keys, full, strict=True))]
    few += [{"segment": f"kind {n}", "traits": "—", "missing": "少于5人，不做画像"} for n in range(4)]
    fill(path, "zh", personas=Frame.of_records(few, keys))
    book = openpyxl.load_workbook(path)
    sheet = book["客户画像"]
    del sheet.tables[schema.table("personas").list_object]
    for cell in sheet[3]:
        cell.value = None
    book.save(path)
    jobs.fill(path, out)
    assert jobs.verify(path, out).ok
    rows = openpyxl.load_workbook(out)["客户画像"].iter_rows(min_row=2, values_only=True)
    assert not any(value is not None for row in rows for value in row)


@pytest.mark.parametrize("key", ["clusters", "cluster_cross", "value_checks"])
def test_a_sheet_that_lost_a_column_is_emptied_too(tmp_path: Path, second: Path, key: str) -> None:
    """It would go on saying what was true of the last date."""
    path, out, sheet = tmp_path / "a.xlsx", tmp_path / "b.xlsx", schema.table(key).sheet["zh"]
    book = openpyxl.load_workbook(second)
    book[sheet].tables.clear()
    book[sheet].delete_cols(len(schema.table(key).fields) - 1)
    book.save(path)
    jobs.fill(path, out, as_of=date(2026, 9, 30))
    assert jobs.verify(path, out).ok
    assert not any(any(row) for row in openpyxl.load_workbook(out)[sheet].iter_rows(min_row=2, values_only=True))


def test_a_sheet_nobody_asked_for_again_is_told_once(
    tmp_path: Path, second: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also with a signature below, which stays."""
    path, sheets = tmp_path / "a.xlsx", [schema.table(key).sheet["zh"] for key in ("clusters", "value_checks")]
    book = openpyxl.load_workbook(second)
    for sheet in sheets:
        book[sheet].append(["制表人", "王五", "日期", DAY])
    book.save(path)
    for told in (True, False):
        capsys.readouterr()
        assert main(["fill", str(path), "--as-of", "2026-09-30"]) == 0
        said = [line for line in capsys.readouterr().out.splitlines() if "已清空" in line]
        assert [sheet in line for sheet, line in zip(sheets, said, strict=True)] == [told, told] if told else not said
    for sheet in sheets:
        rows = [*openpyxl.load_workbook(path)[sheet].iter_rows(min_row=2, values_only=True)]
        assert [row[0] for row in rows if any(row)] == ["制表人"]


@pytest.mark.parametrize("asked", [True, False])
def test_the_checks_of_the_model_are_known_without_what_they_are_called(
    tmp_path: Path, second: Path, asked: bool
) -> None:
    """The first of them have no note: they are told by what was observed."""
    path, out, table = tmp_path / "a.xlsx", tmp_path / "b.xlsx", schema.table("value_checks")
    book = openpyxl.load_workbook(second)
    sheet = book[table.sheet["zh"]]
    sheet.tables.clear()
    sheet.delete_cols(1)
    rows = [*sheet.values]
    book.save(path)
    jobs.fill(path, out, as_of=date(2026, 8, 15), changes={"value": asked})
    assert jobs.verify(path, out).ok
    stands = [row for row in openpyxl.load_workbook(out)[table.sheet["zh"]].values if any(row)]
    assert stands == (rows if asked else rows[:1])


def test_somebody_elses_sheet_of_that_name_stays(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    fill(path, "zh")
    book = openpyxl.load_workbook(path)
    book.create_sheet(LABELS.sheet["zh"])["A1"] = "我的笔记"
    book.save(path)
    fill(path, "zh")
    assert openpyxl.load_workbook(path)[LABELS.sheet["zh"]]["A1"].value == "我的笔记"


def own(*people: str) -> Frame:
    """Labels of two dimensions that the user made herself."""
    labels = [(one, "高价值客户", "高价值客户", None, f"企业规模：{one}人", "性质：民营") for one in people]
    return Frame.of(labels, LABELS.keys[:6])


@pytest.mark.parametrize("label", ["日期：2026-11-30", "地域分公司：华东"])
@pytest.mark.parametrize("after", [["007"], ["007", "12"], []], ids=len)
@pytest.mark.parametrize("many", [False, True])
def test_a_line_of_signatures_below_labels_of_ones_own_dimensions_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: bool, after: list[str], label: str
) -> None:
    """And the labels of whoever is gone go, and of all of them when there are none any more."""
    if many:
        monkeypatch.setattr(longlist, "FROM", 1)
        monkeypatch.setattr(longlist, "_PIECE", 0)
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    fill(path, "zh", labels=own("007", "12", "13"))
    book = openpyxl.load_workbook(path)
    signed = ("制表人", "王五", "审核人", "李四", label)
    for column, word in enumerate(signed, 1):
        book[LABELS.sheet["zh"]].cell(5, column, word)
    book.save(path)
    for _ in range(2):
        out.write_bytes(path.read_bytes())
        fill(out, "zh", **({"labels": own(*after)} if after else {}))
        assert jobs.verify(path, out).ok
        found = [*openpyxl.load_workbook(out)[LABELS.sheet["zh"]].iter_rows(min_row=2, values_only=True)]
        assert [row[0] for row in found if row[0]] == [*after, "制表人"]
        assert [row[:5] for row in found if row[0] == "制表人"] == [signed]
        path.write_bytes(out.read_bytes())


SIGNED_ROW = ("制表人", "王五", "审核人", "李四", "日期：2026-11-30")
FIRST = {
    "somebody who left": {1: "1", 2: "不在本次分析中", 12: "老客户"},
    "nothing": {},
    "a signature": dict(enumerate(SIGNED_ROW, 1)),
}


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("after", [["007", "12"], []], ids=len)
def test_own_dimensions_are_known_whatever_the_first_row_says(tmp_path: Path, after: list[str], first: str) -> None:
    """Of which `verify` is not told: else labels of customers who left stay, or the signature goes."""
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    fill(path, "zh", labels=own("1", "007", "12", "13"))
    book = openpyxl.load_workbook(path)
    sheet = book[LABELS.sheet["zh"]]
    sheet["L1"] = "备注"
    for column in range(1, 13):
        sheet.cell(2, column).value = FIRST[first].get(column)
    book.save(path)
    out.write_bytes(path.read_bytes())
    fill(out, "zh", **({"labels": own(*after)} if after else {}))
    assert jobs.verify(path, out).ok
    found = [*openpyxl.load_workbook(out)[LABELS.sheet["zh"]].iter_rows(min_row=2, values_only=True)]
    typed = [tuple(FIRST[first].get(column) for column in range(1, 13))] if FIRST[first] else []
    assert [row for row in found if row[0] not in (*after, None)] == typed
    assert [row[0] for row in found if row[0] in after] == after


@pytest.mark.parametrize("gap", [1, 2])
def test_labels_of_own_dimensions_in_a_plain_list_go_on_behind_empty_rows(tmp_path: Path, gap: int) -> None:
    path = tmp_path / "book.xlsx"
    fill(path, "zh", labels=own("007", "12", "13", "14"))
    book = openpyxl.load_workbook(path)
    sheet = book[LABELS.sheet["zh"]]
    del sheet.tables[LABELS.list_object]
    sheet.insert_rows(4, gap)
    book.save(path)
    fill(path, "zh", labels=own("007", "12", "13"))
    assert [row[0] for row in rows(path, "zh") if any(row)] == ["007", "12", "13"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_signature_stays_where_somebody_deleted_columns_of_labels(tmp_path: Path, count: int) -> None:
    path = tmp_path / "book.xlsx"
    people = [
        (one, "高价值客户", "高价值客户", "性别：女", "性别：女", "性别：女", "重要") for one in ("007", "12", "13")
    ]
    keys = ("customer_id", "segment", "group", "label1", "label2", "label3", "cluster")
    fill(path, "zh", labels=Frame.of(people, keys))
    book = openpyxl.load_workbook(path)
    sheet = book[LABELS.sheet["zh"]]
    del sheet.tables[LABELS.list_object]
    sheet.delete_cols(5, count)
    for column, word in enumerate(SIGNED_ROW, 1):
        sheet.cell(5, column, word)
    book.save(path)
    fill(path, "zh", labels=Frame.of(people[:2], keys))
    found = [*openpyxl.load_workbook(path)[LABELS.sheet["zh"]].iter_rows(min_row=2, values_only=True)]
    assert [row[0] for row in found] == ["007", "12", "制表人"] and found[2][:5] == SIGNED_ROW


def cross(*levels: str) -> Frame:
    """Lines of the cross table, of which the last is about too few customers to say how many."""
    lines = [("地域", level, "全部", 30 + n, None) for n, level in enumerate(levels)]
    small = ("地域", levels[0], "新客户", None, "少于5人，不显示")
    return Frame.of([*lines, small], ("dimension", "level", "segment", "customers", "note"))


def mixed(*levels: str) -> Frame:
    """Lines about clusters and customer types."""
    lines = [("活跃型", level, 30, 0.5, 0.5, 1.0) for level in levels]
    return Frame.of(lines, ("name", "segment", "customers", "cluster_share", "overall_share", "lift"))


@pytest.mark.parametrize("said", ["合计", "小计：", "Total"])
@pytest.mark.parametrize("table", [True, False])
def test_a_total_right_below_a_list_without_keys_stays(tmp_path: Path, table: bool, said: str) -> None:
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    fill(path, "zh", cross=cross("一线", "二线"), cluster_cross=mixed("新客户", "老客户"))
    book = openpyxl.load_workbook(path)
    totals = {"交叉分析": (said, "全部", None, 61), "聚类与客户类型": (said, "全部", 60, 1, 1)}
    for name, total in totals.items():
        if not table:
            book[name].tables.clear()
        book[name].append(total)
    book.save(path)
    for extra in ({}, {"cross": cross("一线"), "cluster_cross": mixed("新客户", "老客户", "其他客户")}):
        out.write_bytes(path.read_bytes())
        fill(out, "zh", **extra)
        assert jobs.verify(path, out).ok
        for name, total in totals.items():
            found = [*openpyxl.load_workbook(out)[name].iter_rows(min_row=2, values_only=True)]
            assert [row[: len(total)] for row in found if row[0] == said] == [total]


@pytest.mark.parametrize("deleted", ["说明", "客户数", "客户类型"])
def test_a_list_without_one_of_its_columns_does_not_grow_at_each_fill(tmp_path: Path, deleted: str) -> None:
    """A line has either a number of customers or a note that they are too few."""
    path, out = tmp_path / "book.xlsx", tmp_path / "out.xlsx"
    few = Frame.of(
        [("新客户", 30, "—", None), ("老客户", None, "—", "少于5人，不做画像")],
        ("segment", "customers", "traits", "missing"),
    )
    extra = {"cross": cross("一线", "二线"), "personas": few}
    fill(path, "zh", **extra)
    book = openpyxl.load_workbook(path)
    for name, header in (("交叉分析", deleted), ("客户画像", {"说明": "数据说明"}.get(deleted, deleted))):
        book[name].tables.clear()
        book[name].delete_cols(1 + [cell.value for cell in book[name][1]].index(header))
    book.save(path)
    for _ in range(2):
        out.write_bytes(path.read_bytes())
        fill(out, "zh", **extra)
        assert jobs.verify(path, out).ok
        made = openpyxl.load_workbook(out)
        assert [sum(any(row) for row in made[name].values) for name in ("交叉分析", "客户画像")] == [4, 3]
        path.write_bytes(out.read_bytes())
