"""Findings that are read back from a log are the findings that were written there."""

from __future__ import annotations

import string
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from segmenter import jobs, schema, texts
from segmenter.books.file import FileBook
from segmenter.findings import Finding, listed, reread, weighed
from segmenter.frames import Frame

CODES = [key.removeprefix("finding.") for key in sorted(texts.keys()) if key.startswith("finding.")]


def holes(code: str) -> dict[str, str]:
    parsed = string.Formatter().parse(texts.template(f"finding.{code}", "zh"))
    return {hole: spec or "" for _, hole, spec, _ in parsed if hole is not None}


@pytest.mark.parametrize("lang", texts.LANGS)
@pytest.mark.parametrize("code", [code for code in CODES if all("," in spec for spec in holes(code).values())])
@pytest.mark.parametrize("more", [{}, {"count": 135_080}, {"count": 384, "rest": True}])
def test_a_sentence_of_numbers_is_understood_again(code: str, lang: texts.Lang, more: dict[str, int]) -> None:
    params = {hole: -1447682.12 if "f" in spec else 18532 for hole, spec in holes(code).items()} | more
    written = Finding(code, params=params)
    found = reread(written.kind(lang), written.message(lang))
    assert found is not None
    assert Finding(found[0], params=found[1]).message(lang) == written.message(lang)
    assert found[1] == params


@pytest.mark.parametrize("text", ["x" * 32_767, "😀" * 16_383])
def test_a_cell_full_of_text_is_filled_and_only_its_beginning_quoted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    columns = ("customer_id", "frequency", "average_order_value", "total_amount", "last_order_date")
    day = datetime(2026, 6, 1)
    rows = [(text, 1.0, 100.0, 9e6, day), *((f"C{i}", 1.0, 100.0, 500.0, day) for i in range(20))]  # an outlier
    with FileBook(jobs.template("zh"), out=path) as book:
        book.write(schema.CUSTOMERS, Frame.of(rows, columns))
    result = jobs.fill(path)
    quoting = [one for one in result.findings if text[:300] in one.message("zh")]
    assert quoting and all(len(one.message(lang)) < 1000 for one in quoting for lang in texts.LANGS)
    assert text in {one["customer_id"] for one in result.customers.records()}


def test_the_line_behind_those_listed_says_how_many_others_there_are() -> None:
    found = listed(range(404), lambda row: Finding("empty_id", "S", f"A{row + 2}"), 20)
    assert len(found) == 21 and found[-1].cell == "A22"
    assert found[-1].message("zh").endswith("（其余384处，此为其中第一处）")
    assert found[-1].message("en").endswith(" (the other 384 places; this is the first of them)")
    assert "其余" not in listed(range(21), lambda row: Finding("empty_id"), 20)[-1].message("zh")


@pytest.mark.parametrize(("cell", "end"), [("C5", "（共3处，此为第一处）"), ("5:90", "（共3处）"), ("", "（共3处）")])
def test_only_a_line_that_names_a_cell_says_that_it_is_the_first(cell: str, end: str) -> None:
    said = Finding("line_without_amount", "S", cell, params={"count": 3}).message("zh")
    assert said == texts.say("finding.line_without_amount", "zh") + end


@pytest.mark.parametrize("lang", texts.LANGS)
@pytest.mark.parametrize("end", ["first", "all"])
def test_a_count_is_understood_however_it_was_said(lang: texts.Lang, end: str) -> None:
    said = texts.say("finding.line_without_amount", lang) + texts.say(f"finding_count.{end}", lang, count=1234)
    assert reread(texts.say("kind.line_without_amount", lang), said) == ("line_without_amount", {"count": 1234})


@pytest.mark.parametrize("lang", texts.LANGS)
def test_words_people_typed_are_not_taken_for_figures(lang: texts.Lang) -> None:
    written = Finding("header_alias", value="12,345", params={"header": {"zh": "1", "en": "1"}})
    assert reread(written.kind(lang), written.message(lang)) is None
    assert reread("kind", "138,000") is None


def test_a_finding_without_a_row_has_no_share() -> None:

    found = [Finding("age_filled", "S", "C3"), Finding("age_filled", "T", "C3"), Finding("blank_rows", "S")]
    shares = [one.amount_share for one in weighed(found, "S", np.array([2, 3]), np.array([30.0, 10.0]))]
    assert shares == [0.25, None, None]
