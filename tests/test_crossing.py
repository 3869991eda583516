"""Cross tables and personas in the report: the figures of their sheets; what is passed on tells of nobody."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shop

from segmenter import masking, rules
from segmenter.cli import main
from segmenter.reports import crossing, report
from segmenter.result import Result

ROOT = Path(__file__).parents[1]
NAMES = ("地域", "年龄段", "渠道")


@cache
def cut(count: int = 800) -> Result:
    return shop.run(shop.people(count), using=rules.default()._replace(dimensions=NAMES))


def told(count: int, *, strict: bool) -> list[dict[str, Any]]:
    return crossing.tables(masking.shared(cut(count), strict), "zh", strict=strict)


def test_fields_are_those_of_the_sheet() -> None:
    sheet = cut().extra["cross"].pandas.set_index(["dimension", "level", "segment"])
    fields = 0
    for table in told(800, strict=False):
        for row in table["rows"]:
            for level, cell in zip(table["levels"], row["cells"], strict=True):
                key = (table["name"], level, row["name"])
                if cell is None:
                    assert key not in sheet.index or sheet.loc[key]["customers"] != sheet.loc[key]["customers"]
                    continue
                if not cell["count"]:
                    assert key not in sheet.index
                    continue
                one = sheet.loc[key]
                assert (cell["count"], round(cell["lift"], 4)) == (one["customers"], pytest.approx(one["lift"]))
                fields += 1
    assert fields > 30


def test_the_page_shows_how_many_they_are() -> None:
    page = report.render(cut(), "zh")
    cell = told(800, strict=False)[0]["rows"][0]["cells"][0]
    assert f'<data value="{cell["count"]}">' in page.partition('class="crossed"')[2]


@pytest.mark.parametrize("count", [40, 60, 90, 150])
def test_strictly_no_sum_tells_a_hidden_number(count: int) -> None:
    """Of every line and column whose sum is shown, nothing or two and more fields are hidden."""
    tables = told(count, strict=True)
    assert tables
    for table in tables:
        wholes = [cell and cell["count"] for cell in table["everybody"]]
        grid = [[cell and cell["count"] for cell in row["cells"]] for row in table["rows"]]
        lines = [[row["customers"], *cells] for row, cells in zip(table["rows"], grid, strict=True)]
        lines.append([table["customers"], *wholes])
        columns = [list(column) for column in zip(*lines, strict=True)]
        for line in (*lines, *columns):
            assert line.count(None) != 1 or not any(line), (table["name"], line)
            assert all(one is None or one == 0 or one >= masking.FLOOR for one in line)


def test_the_page_has_its_sections_in_the_order_of_their_numbers() -> None:
    used = rules.default()._replace(dimensions=NAMES, clusters=True)
    page = report.render(shop.run(shop.people(600), using=used), "zh")
    numbers = [int(one) for one in re.findall(r'<span class="no">(\d+)</span>', page)]
    assert 'id="clusters"' in page and numbers == list(range(2, len(numbers) + 2))


def test_strictly_no_persona_of_a_segment_whose_size_is_withheld() -> None:
    seen = masking.shared(cut(40), strict=True)
    held = {one["name"] for one in seen.segments.records() if one["small"]}
    assert held
    assert not held & {one["segment"] for one in crossing.people(seen, "zh", strict=True) if one["customers"]}
    assert all(not one["typical"] for one in crossing.people(seen, "zh", strict=True))


@pytest.mark.parametrize("count", [90, 150, 400, 800])
def test_strictly_nothing_tells_a_hidden_field(count: int) -> None:
    """No persona, claim or line of a profile counts the people of a hidden field, be it as a group of its own."""
    seen = masking.shared(cut(count), strict=True)
    names = {one["name"]: one["segment"] for one in seen.segments.records()}
    sizes = dict(zip(seen.segments["segment"], seen.segments["customers"], strict=True))
    hidden: dict[tuple[str, str], set[int]] = {}
    assert seen.facets is not None
    for table, one in zip(told(count, strict=True), seen.facets.core, strict=True):
        for row in table["rows"]:
            for level, cell in enumerate(row["cells"]):
                mine = (seen.customers["segment"] == names[row["name"]]) & (one.codes == level)
                if cell is None:
                    hidden.setdefault((row["name"], table["name"]), set()).add(int(mine.sum()))
    assert hidden
    personas = crossing.people(seen, "zh", strict=True)
    assert [one["segment"] for one in personas if one["customers"]]
    for one in personas:
        assert one["customers"] == sizes[names[one["segment"]]]  # whole segments: parts would be fields of the table
        said = [claim for key in ("traits", "behaviour", "pains") for claim in one[key]]
        for name in NAMES:
            counts = {int(found) for claim in said for found in re.findall(rf"^{name}.*n=(\d+)", claim)}
            assert not counts & hidden.get((one["segment"], name), set()), (one["segment"], said)
    for card in report.context(cut(count), "zh", strict=True)["cards"]:
        for name, column in (("渠道", "活跃渠道"), ("年龄段", "年龄")):
            counts = {line["count"] for line in card["profile"] if line["dimension"] == column}
            assert not counts & hidden.get((card["name"], name), set())


def test_strictly_a_claim_does_not_tell_the_few_it_leaves_out() -> None:
    group = np.arange(50) < 47
    assert masking.tells(group, 50, []) and not masking.tells(group, 60, [])
    assert not masking.tells(group, 47, [])
    assert masking.tells(group, 60, [np.arange(50) < 45]) and not masking.tells(group, 60, [np.arange(50) < 20])


def test_report_and_mail_take_the_options_of_fill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = str(ROOT / "workbook" / "sample.xlsx")
    page = tmp_path / "r.html"
    assert main(["report", book, "-o", str(page), "--dimensions", "年龄段"]) == 0
    assert "年龄段：" in page.read_text(encoding="utf-8").partition('class="crossed"')[2]
    out = tmp_path / "mail"
    asked = ["mail", book, "--to", "a@example.com", "--attach", "html", "-o", str(out), "--dimensions", "年龄段"]
    assert main(asked) == 0, capsys.readouterr().err
    letter = message_from_bytes(next(out.glob("*.eml")).read_bytes(), policy=policy.default)
    assert "年龄段：" in next(letter.iter_attachments()).get_content().partition('class="crossed"')[2]
