"""The charts of the dashboard remember what stands in its cells; nothing else of them, and no other chart, changes."""

import re

import pandas as pd
import pytest
from bookshop import parts, repairs, rewritten

from segmenter import jobs
from segmenter.books.file import FileBook
from segmenter.books.package import Package
from segmenter.books.proof import verify
from segmenter.schema import BOARDS, CLEANING

CACHE = re.compile(rb"<c:pt idx=.*?</c:pt>")
CHARTS = ("xl/charts/chart1.xml", "xl/charts/chart2.xml")


def fill(path, out, first=1.5):
    with FileBook(path, out) as book:
        for table in BOARDS:
            values = {
                one.key: ["甲 & <乙>" if one.kind == "text" else first + n for n in range(3)] for one in table.fields
            }
            book.write(table, pd.DataFrame(values))
    return out


def proven(before, after):
    return verify(Package(before.read_bytes(), before), Package(after.read_bytes(), after)).ok


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_charts_show_what_stands_in_the_cells(tmp_path, lang):
    path = jobs.template(lang)
    out = fill(path, tmp_path / "out.xlsx")
    before, after = parts(path), parts(out)
    for name in CHARTS:
        assert CACHE.sub(b"", before[name]) == CACHE.sub(b"", after[name])
        points = re.findall(
            rb'<c:pt idx="(\d)"><c:v>(.*?)</c:v>', after[name].partition(b"<c:val>")[2].partition(b"</c:val>")[0]
        )
        assert points == [(b"0", b"1.5"), (b"1", b"2.5"), (b"2", b"3.5")]
    assert "甲 &amp; &lt;乙&gt;".encode() in after[CHARTS[0]]
    assert proven(path, out) and not repairs(out)
    again = fill(out, tmp_path / "again.xlsx")
    assert again.read_bytes() == out.read_bytes()
    emptied = fill(out, tmp_path / "emptied.xlsx", first=float("nan"))
    assert b"<c:val>" in parts(emptied)[CHARTS[0]] and b"<c:v>1.5</c:v>" not in parts(emptied)[CHARTS[0]]


@pytest.mark.parametrize("wrong", [(b"0E5A67", b"FF0000"), (b"<c:v>2.5</c:v>", b"<c:v>2.6</c:v>")])
def test_the_proof_knows_what_a_chart_may_remember(tmp_path, wrong):
    out = fill(jobs.template("zh"), tmp_path / "out.xlsx")
    rewritten(out, {CHARTS[0]: lambda data: data.replace(*wrong)}, tmp_path / "wrong.xlsx")
    assert parts(out) != parts(tmp_path / "wrong.xlsx")
    assert not proven(jobs.template("zh"), tmp_path / "wrong.xlsx")


def test_a_chart_whose_blocks_are_not_written_stays(tmp_path):
    out = tmp_path / "out.xlsx"
    with FileBook(jobs.template("zh"), out) as book:
        book.write(CLEANING, pd.DataFrame({"stage": ["fill"], "message": ["x"]}))
    assert all(parts(out)[name] == parts(jobs.template("zh"))[name] for name in CHARTS)
