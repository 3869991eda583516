"""Privacy: what is masked, what is withheld; nothing personal reaches a report, mail, log or temporary file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from datetime import timedelta
from email import message_from_bytes, policy
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import shop
from hypothesis import given
from hypothesis import strategies as st

from segmenter import jobs, masking, pipeline, rules, schema, texts
from segmenter.advice import Proposal
from segmenter.cli import main
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.mail import body, extract, owners, summary
from segmenter.reading import headers, targets
from segmenter.reports import overview, report, tracking
from segmenter.steps import goals, valuation

DIGITS = st.text("0123456789", min_size=8, max_size=8)


@pytest.mark.parametrize(
    ("plain", "masked"),
    [
        ("13812345678", "138****5678"),
        ("电话138 1234 5678。", "电话138****5678。"),
        ("138-1234-5678", "138****5678"),
        ("+8613812345678", "138****5678"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("110101199003077771", "110101********7771"),
        ("11010119900307777X", "110101********777X"),
        ("110101900307777", "110101*****7777"),
        ("zhang.san@example.com", "z***@example.com"),
        ("010-12345678", "010****5678"),
        ("+44 20 7946 0958", "+44 ****58"),
        ("金额 4,200.50 元，2026-06-30", "金额 4,200.50 元，2026-06-30"),
        ("12次", "12次"),
        ("1234567890123.45", "1234567890123.45"),
    ],
)
def test_text(plain: str, masked: str) -> None:
    assert masking.text(plain) == masked


@given(st.text(max_size=20), DIGITS, st.text(max_size=20))
def test_no_phone_number_survives_whatever_stands_around_it(before: str, digits: str, after: str) -> None:
    number = "139" + digits
    around = f"{before} {number} {after}"
    assert number not in masking.text(around)


def test_columns() -> None:
    assert masking.name("张三丰") == "张*"
    assert masking.phone("138 1234 5678") == "138****5678"
    assert masking.phone("12345") == "****45"
    assert masking.email("a.b@x.com") == "a***@x.com"
    assert masking.email("nothing") == "***"
    assert masking.id_number("110101199003077771") == "110101********7771"
    assert masking.id_number("C00123") == "C0***"
    assert masking.address("上海市浦东新区世纪大道1号") == "上海市***"
    assert masking.address("Baker Street 221b") == "Ba***"


def test_every_personal_column_has_a_mask() -> None:
    personal = {one.key for table in schema.tables().values() for one in table.fields if one.personal}
    assert personal <= set(masking.COLUMNS)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("12次", "12次"),
        ("￥1,200元", "￥1,200元"),
        ("#N/A", "#N/A"),
        ("2024年1月2日", "2024年1月2日"),
        ("", ""),
        ("张三", "***"),
        ("张三 12", "***"),
        ("C00123", "***"),
        ("13812345678", "138****5678"),
        ("ordinary", "***"),
    ],
)
def test_of_a_cell_only_figures_are_quoted(cell: str, shown: str) -> None:
    assert masking.quoted(cell) == shown


def test_findings() -> None:
    one = Finding("outlier_flag", "表", "J7", "99999", {"id": "C00001", "threshold": 5.0}, amount_share=0.4)
    assert masking._finding(one, strict=False).params["id"] == "***"
    strict = masking._finding(one, strict=True)
    assert (strict.value, strict.amount_share) == ("***", None)
    kept = Finding("kept", "s", "A1", "张三", {"text": "客户张三", "kind": "x"}, stage="import")
    assert "张三" not in masking._finding(kept, strict=False).message("zh")


# Small groups ---------------------------------------------------------------------------------------------------------


def segments(*counts: int) -> pd.DataFrame:
    rows = [
        (f"s{i}", f"S{i}", n, n / max(sum(counts), 1), n * 10.0, 0.1, n, 1.0, 1.0, 1.0, 1.0)
        for i, n in enumerate(counts)
    ]
    return pd.DataFrame(rows, columns=["segment", "name", *overview.NUMBERS])


@pytest.mark.parametrize(
    ("counts", "marks"),
    [
        ((50, 0, 10), ("", "", "")),
        ((50, 3, 10), ("", "<5", "-")),
        ((50, 3, 4, 10), ("", "<5", "<5", "")),
        ((3,), ("<5",)),
        ((1, 1, 1), ("<5", "<5", "<5")),
        ((50, 4, 0), ("-", "<5", "")),
    ],
)
def test_withheld(counts: tuple[int, ...], marks: tuple[str, ...]) -> None:
    found = masking.withheld(segments(*counts))
    assert tuple(found["small"]) == marks
    assert found["amount"].isna().tolist() == [bool(mark) for mark in marks]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=9))
def test_what_is_shown_never_gives_a_small_group_away(counts: list[int]) -> None:
    found = masking.withheld(segments(*counts))
    hidden = sum(n for n, mark in zip(counts, found["small"], strict=True) if mark)
    assert all(mark for n, mark in zip(counts, found["small"], strict=True) if 0 < n < 5)
    assert hidden == 0 or hidden >= 5 or hidden == sum(counts)


def test_what_is_hidden_for_a_small_group_is_what_is_missed_least() -> None:
    """Not the group that brings most, nor the one with most customers, while another hides the small one as well."""
    found = segments(13, 15, 40, 3, 115).assign(amount=[3840.0, 2240.0, 900.0, 20.0, 100.0])
    assert masking.withheld(found)["small"].tolist() == ["", "", "-", "<5", ""]
    two = segments(13, 3, 115).assign(amount=[3840.0, 20.0, 100.0])
    assert masking.withheld(two)["small"].tolist().count("-") == 1  # no other is left
    assert masking.withheld(segments(50, 3, 10), ["S0"])["small"].tolist() == ["-", "<5", ""]


SHOP = {"high_value": 13, "at_risk": 15, "potential": 30, "dormant": 3, "low_value": 125}
"""a small one among 186 customers; the smallest of the others brings more than a quarter"""


def told(text: str) -> str:
    return unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL))


def test_the_best_group_is_shown_beside_a_small_one() -> None:
    result = shop.mixed(SHOP)
    context = report.context(result, "zh", strict=True)
    assert len(result.customers) == 186
    assert context["withheld"] == ["潜力客户", "待激活客户"]
    assert context["kpis"][2]["value"] == pytest.approx(result.segments["amount_share"][0])
    assert [one["key"] for one in context["actions"]][:2] == ["high_value", "at_risk"]
    assert "高价值客户 13 流失风险客户 15" in summary.context(result, "zh")["subject"]


@pytest.mark.parametrize("lang", texts.LANGS)
def test_what_is_hidden_for_another_is_not_said_to_be_few(lang: texts.Lang) -> None:
    """It is "not shown": it has five and more."""
    result = shop.mixed({"high_value": 6, "at_risk": 70, "potential": 30, "dormant": 3, "low_value": 85}, dear=False)
    context = report.context(result, lang, strict=True)
    not_shown, few = texts.say("report.withheld", lang), texts.say("report.kpi.withheld", lang)
    assert [row["customers"] for row in context["segments"] if row["key"] in ("high_value", "dormant")] == [
        not_shown,
        "<5",
    ]
    assert context["kpis"][2]["value"] is None
    assert context["kpis"][2]["note"] == texts.say("report.kpi.protected", lang) != few
    assert not_shown in summary.context(result, lang)["subject"]
    page = told(report.render(result, lang, strict=True))
    assert few not in page
    assert texts.say("report.overview.note", lang) not in page  # a dash is no lack of customers here
    names = texts.say("report.and", lang).join(context["withheld"])
    assert texts.say("report.overview.withheld", lang, names=names) in page


@pytest.mark.parametrize("lang", texts.LANGS)
def test_nothing_is_said_to_be_the_largest_while_some_are_hidden(lang: texts.Lang) -> None:
    result = shop.mixed(SHOP)
    names = {row["key"]: row["name"] for row in report.context(result, lang)["segments"]}
    charts = {one["key"]: one for one in report.context(result, lang, strict=True)["charts"]}
    plain = {one["key"]: one["note"] for one in report.context(result, lang)["charts"]}
    for key in ("shares", "treemap"):
        assert names["at_risk"] in plain[key] or names["high_value"] in plain[key]
        assert charts[key]["note"] != plain[key]
        assert names["at_risk"] not in charts[key]["note"] and names["high_value"] not in charts[key]["note"]
        assert names["potential"] in charts[key]["note"]  # who is not in it
    assert "<5" in charts["heat"]["note"] or "＜5" in charts["heat"]["note"]
    mailed = {one["key"]: one["note"] for one in summary.context(result, lang)["charts"]}
    assert mailed["shares"] == charts["shares"]["note"]


def test_shares_are_of_everybody_in_every_drawing() -> None:
    result = shop.mixed(SHOP)
    share = f"{dict(zip(result.segments['segment'], result.segments['amount_share'], strict=True))['at_risk']:.1%}"
    charts = {one["key"]: told(one["svg"]) for one in report.context(result, "zh", strict=True)["charts"]}
    assert share in charts["shares"] and share in charts["treemap"]
    assert "不显示" in charts["treemap"]


def test_nothing_counts_a_hidden_group() -> None:
    """Neither the card nor a proposal nor the fields of the heat map, which sum up to it."""
    result = shop.mixed(SHOP)
    context = report.context(result, "zh", strict=True)
    cards = {card["key"]: card for card in context["cards"]}
    plain = {card["key"]: card for card in report.context(result, "zh")["cards"]}
    assert any(plain[key]["profile"] for key in ("potential", "dormant"))
    assert not cards["potential"]["profile"] and not cards["dormant"]["profile"]
    small = Proposal(
        "segment_small",
        {"customers": 30, "minimum": 50, "name": "x", "into": "y"},
        result.rules.segment("potential").name,
    )
    assert "30" in small.why("zh")
    ahead = report.context(result._replace(proposals=(small,)), "zh", strict=True)["ahead"]
    assert [one["why"] for one in ahead["proposals"]] == [""]
    assert not re.search(r">\d+人<", next(one["svg"] for one in context["charts"] if one["key"] == "heat"))


def test_rows_that_are_attached_do_not_count_a_hidden_group() -> None:
    result = shop.mixed(SHOP)
    book = openpyxl.load_workbook(BytesIO(extract.workbook(result, "zh", headers.asked(["地域"], result.customers))))
    named = [row[1] for row in book.worksheets[2].iter_rows(min_row=2, values_only=True)]
    assert len(named) == 186 and named.count("高价值客户") == 13
    assert not {"潜力客户", "待激活客户"} & {*named}


def test_tables_of_clusters_and_value_hide_the_segments_that_are_hidden_elsewhere() -> None:
    result = shop.mixed(SHOP, rules.default()._replace(clusters=True))
    names = ("purchases", "expected_purchases", "p_active", "order_value", "value")
    worth = pd.DataFrame(1.0, index=result.customers["key"], columns=names)
    checks = pd.DataFrame({"check": ["repeat_0"], "observed": 1.0, "expected": 1.0})
    result = result._replace(valued=valuation.Value(worth, checks, None, None, ()))
    context = report.context(result, "zh", strict=True)
    value = {row[0]: row for row in context["value"]["tables"][0]["rows"]}
    assert value["潜力客户"][1] == "不显示" and value["待激活客户"][1] == "<5"
    assert value["高价值客户"][1] == 13
    assert not {one for row in (value["潜力客户"], value["待激活客户"]) for one in row if isinstance(one, float)}
    crossed = context["clusters"]["tables"][1]
    places = [i for i, one in enumerate(crossed["columns"]) if one["label"] in ("潜力客户", "待激活客户")]
    assert len(places) == 2
    assert not [row[i] for row in crossed["rows"] for i in places if isinstance(row[i], float)]


@pytest.mark.parametrize("scenario", ["launch", "campaign", "operate"])
def test_what_leads_the_report_says_nothing_of_a_hidden_group(scenario: str) -> None:
    result = shop.mixed(SHOP, rules.default()._replace(scenario=scenario))
    lead = report.context(result, "zh", strict=True)["lead"]
    for row in lead["rows"]:
        if row[0] in ("潜力客户", "待激活客户"):
            assert row[1] == ("不显示" if row[0] == "潜力客户" else "<5")
            assert not re.search(r"\d%", str(row[2:]).replace("≥30%", "").replace("≥10%", ""))


@pytest.mark.parametrize("lang", texts.LANGS)
def test_the_templates_own_three_customers_show_no_figure_when_masked(lang: texts.Lang) -> None:
    result = shop.run(shop.people(3), lang)
    context = report.context(result, lang, strict=True)
    assert {row["customers"] for row in context["segments"]} <= {"<5", 0.0, None}
    assert not context["charts"]
    assert not [row for row in context["segments"] if row["amount"]]
    assert context["total"]["amount"] is None
    page = report.render(result, lang, strict=True)
    for amount in result.customers["monetary"]:
        assert f"{amount:,.0f}" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL) or amount < 10


def test_the_actual_value_of_a_small_group_is_withheld() -> None:
    result = shop.run(shop.people(3))
    measured = Frame.from_pandas(result.strategy.pandas.assign(actual="100.0% (3/3)", outcome="met"))
    plan = masking.shared(result._replace(strategy=measured), True).strategy
    assert {*plan["actual"], *plan["outcome"]} == {""}
    assert "3/3" in str(masking.shared(result._replace(strategy=measured), False).strategy.records())


@pytest.mark.parametrize("lang", texts.LANGS)
@pytest.mark.parametrize(
    ("hits", "base", "target", "shown", "outcome"),
    [
        (3, 79, "召回率≥20%", False, targets.BELOW),
        (77, 79, "召回率≥20%", False, targets.MET),  # the two others are the few
        (1, 79, "召回率≥2%", False, ""),  # 2 of 79 would have met it
        (2, 3, "召回率≥20%", False, ""),
        (3, 3, "召回率≥20%", False, ""),
        (0, 79, "召回率≥20%", True, targets.BELOW),
        (5, 79, "召回率≥20%", True, targets.BELOW),
        (79, 79, "召回率≥20%", True, targets.MET),
        (20, 79, "召回率提升5%", False, targets.MET),  # it was 2 of 79
    ],
)
def test_what_became_of_a_target_counts_nobody_of_few(
    hits: int, base: int, target: str, shown: bool, outcome: str, lang: texts.Lang
) -> None:
    found = shop.run(shop.people(400), strategy=shop.plan(["流失风险客户", "", "", "", "李四", target, "", ""]))
    before = 2 / 79 if "提升" in target else None
    aim = targets.parse(target)[0][0]
    became = targets.MET if aim.met(hits / base, before) else targets.BELOW
    one = targets.Tracked(0, "at_risk", aim, hits / base, hits, base, before, None, became)
    words = {"actual": goals.said([one], "zh"), "outcome": texts.say(f"report.outcome.{became}", "zh")}
    plan = found.strategy.assign(
        **{key: np.array([text, *found.strategy[key][1:]], dtype=object) for key, text in words.items()}
    )
    result = found._replace(strategy=plan, tracked=(one, *found.tracked[1:]))
    for part in (result, owners.part(result, "李四")):
        row = tracking.rows(masking.shared(part, True), lang)[0]
        assert row["actual"] == (goals.said([one], lang) if shown else texts.say("needs.few", lang))
        assert row["outcome"] == outcome
        assert tracking.rows(masking.shared(part, False), lang)[0]["actual"] == goals.said([one], lang)
    attached = openpyxl.load_workbook(BytesIO(extract.workbook(result, lang))).worksheets[1]
    row = dict(zip(*attached.iter_rows(max_row=2, values_only=True), strict=True))
    measured = goals.said([one], lang) if shown else texts.say("needs.few", lang)
    assert row[schema.STRATEGY["actual"].header[lang]] == measured
    said = row[schema.STRATEGY["outcome"].header[lang]] or ""
    assert said == (texts.say(f"report.outcome.{outcome}", lang) if outcome else "")
    page = told(report.render(result, lang, strict=True))
    mail = body.render(summary.context(result, lang), lang)
    for text in (page, told(mail.html), mail.text):
        assert (f"{hits}/{base}" in text) is (shown and before is None)
        assert shown or hits == base or f"{hits / base:.1%}" not in text


def test_a_mail_does_not_count_the_few_there_were_before() -> None:
    result = shop.mixed({"high_value": 13, "at_risk": 15, "potential": 30, "low_value": 125})
    before = {"high_value": (3.0, 999.0, 12.0), "at_risk": (17.0, 90.0, 20.0), "low_value": (140.0, 900.0, 99.0)}
    context = summary.context(result, "zh", before=before)
    high, risk = context["kpis"][2:4]
    assert (high["value"], high["before"], high["change"], high["arrow"]) == ("13", "", "", "")
    assert "高价值客户 13 " in context["subject"] and "+10" not in context["subject"]
    assert risk["before"] == ""  # the total less the others would tell the three
    assert context["kpis"][0]["before"] == "160"


def test_segments_then_and_now_do_not_count_the_few_there_were() -> None:
    counts = {"high_value": 13, "at_risk": 15, "potential": 30, "low_value": 125}
    before = shop.mixed({**counts, "at_risk": 3})
    result = shop.since(shop.mixed(counts), before, shop.AS_OF - timedelta(30))

    def shown(*, strict: bool) -> set[str]:
        return {row["name"] for row in report.context(result, "zh", strict=strict)["migration"]["segments"]}

    assert shown(strict=False) - shown(strict=True) == {"流失风险客户", "潜力客户"}  # one would tell the three
    assert shown(strict=True) >= {"高价值客户", "低价值客户"}


@pytest.mark.parametrize("lang", texts.LANGS)
def test_few_outliers_are_not_counted_place_by_place(lang: texts.Lang) -> None:
    result = shop.few_outliers()
    count = int(result.customers["outlier"].sum())
    assert 0 < count < 5
    kind = texts.say("kind.outlier_flag", lang).capitalize()
    shown, masked = (
        {one["kind"]: one["count"] for one in report.context(result, lang, strict=strict)["quality"]["findings"]}
        for strict in (False, True)
    )
    assert (shown[kind], masked[kind]) == (count, "<5")
    others = sum(number for key, number in masked.items() if key != kind)
    total = report.context(result, lang, strict=True)["quality"]["findings_total"]
    assert total == f"≥{others + 1}"  # less the others it would tell them
    page = told(report.render(result, lang, strict=True))
    assert texts.say("report.quality.outliers_few", lang, count="<5", mode=texts.say("word.flag", lang)) in page


def test_masked_charts_show_no_field_or_bar_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    result = shop.run(shop.people(60))
    plain = {one["key"]: one["svg"] for one in report.context(result, "zh")["charts"]}
    strict = {one["key"]: one["svg"] for one in report.context(result, "zh", strict=True)["charts"]}
    assert re.search(r">[1-4]人<", plain["heat"])
    assert not re.search(r">[1-4]人<", strict["heat"])
    assert "&lt;5" in strict["heat"] or "＜5" in strict["heat"]


def test_unmasked_figures_stay_exact() -> None:
    result = shop.run(shop.people(3))
    shown = [row["customers"] for row in report.context(result, "zh")["segments"]]
    assert shown == result.segments["customers"].tolist()


# Canaries -------------------------------------------------------------------------------------------------------------

CANARIES = {
    "name": "欧阳金丝雀",
    "phone": "13987654321",
    "email": "canary.bird@secret-mail.com",
    "address": "海南省三沙市永兴岛北京路88号",
    "id": "460300199001011234",
}


@pytest.fixture
def seeded(tmp_path: Path) -> Path:
    """A workbook with personal columns, canaries in them and in wrong columns, in comments, hidden sheets and
    properties."""
    path = tmp_path / "book.xlsx"
    assert main(["new", str(path)]) == 0
    book = openpyxl.load_workbook(path)
    sheet = book[schema.CUSTOMERS.sheet["zh"]]
    heads = {cell.value: cell.column for cell in sheet[1]}
    extra = {key: sheet.max_column + i for i, key in enumerate(("name", "phone", "email", "address"), 1)}
    for key, column in extra.items():
        sheet.cell(1, column).value = schema.CUSTOMERS[key].header["zh"]
    rows = shop.people(60)
    for number, row in enumerate(rows, 2):
        for key, value in zip(shop.COLUMNS, row, strict=True):
            sheet.cell(number, heads[schema.CUSTOMERS[key].header["zh"]]).value = value
        for key, column in extra.items():
            sheet.cell(number, column).value = CANARIES[key] if number == 40 else None
    wrong = heads[schema.CUSTOMERS["total_amount"].header["zh"]]
    for number, value in enumerate(CANARIES.values(), 20):
        sheet.cell(number, wrong).value = value
    sheet.cell(31, 1).value = CANARIES["id"]
    book.create_sheet("秘密").append([*CANARIES.values()])
    book["秘密"].sheet_state = "hidden"
    book.properties.creator = CANARIES["name"]
    book.save(path)
    return path


def everything(content: bytes, depth: int = 0) -> str:
    """The text of a file, of every part of a zip, of every part of a mail, of every page of a PDF."""
    if content.startswith(b"PK") and depth < 3:
        with zipfile.ZipFile(BytesIO(content)) as found:
            return "\n".join(everything(found.read(name), depth + 1) for name in found.namelist())
    if content.startswith(b"%PDF"):
        from pypdf import PdfReader

        reader = PdfReader(BytesIO(content))
        return "\n".join(page.extract_text() for page in reader.pages) + str(reader.metadata)
    if b"\nMessage-ID:" in content[:4000]:
        message = message_from_bytes(content, policy=policy.default)
        parts = [part.get_payload(decode=True) or b"" for part in message.walk() if not part.is_multipart()]
        return str(message["subject"]) + "\n".join(everything(part, depth + 1) for part in parts)
    return unescape(content.decode("utf-8", "replace"))


def leaks(text: str) -> list[str]:
    return [key for key, value in CANARIES.items() if value in text or value.partition("@")[0][-8:] in text]


def test_no_canary_in_any_report_mail_log_or_temporary_file(
    seeded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leaks(everything(seeded.read_bytes())) == list(CANARIES)  # the net has no hole
    temp = Path(tempfile.mkdtemp(dir="/tmp"))  # a browser's socket bears no long path
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setenv("TMPDIR", str(temp))
    monkeypatch.setattr("tempfile.tempdir", str(temp))
    real = shutil.rmtree

    def keep(path: Any, *args: Any, **more: Any) -> None:
        for file in Path(path).glob("*.*"):
            shutil.copy(file, kept / f"{len(list(kept.iterdir()))}-{file.name}")
        real(path, *args, **more)

    monkeypatch.setattr(shutil, "rmtree", keep)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("r.html", "r.docx", "r.pdf", "m.html"):
        assert main(["report", str(seeded), "-o", str(out / name), *(["--mask"] if name == "m.html" else [])]) == 0
    attach = [part for kind in ("html", "docx", "pdf", "xlsx") for part in ("--attach", kind)]
    columns = ["--columns", "姓名,手机,邮箱,地址,客户ID,累计消费金额(元)"]
    assert main(["mail", str(seeded), "--to", "a@example.com", "-o", str(out / "mail"), *attach, *columns]) == 0
    assert leaks(capsys.readouterr().out) == []
    files = [path for folder in (out, temp, kept) for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 8
    for path in files:
        assert leaks(everything(path.read_bytes())) == [], path
    review = (out / "mail" / "review.csv").read_text(encoding="utf-8-sig")
    assert "姓名" in review and "手机" in review


def test_the_log_of_a_fault_quotes_nothing(seeded: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from segmenter.reports import report; from segmenter.cli import main\n"
        "def broken(result, *a, **k): raise ValueError(str(result.customers.records()))\n"
        "report.context = broken\nsys.exit(main(sys.argv[1:]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "report", str(seeded), "-o", str(tmp_path / "r.html")],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert run.returncode == 3
    logs = list(tmp_path.glob("segmenter-*.log"))
    assert len(logs) == 1
    assert leaks(run.stdout + run.stderr + logs[0].read_text()) == []


def test_an_attached_workbook_has_nothing_hidden_and_rows_only_when_asked(seeded: Path) -> None:
    result = jobs.check(seeded)
    plain = openpyxl.load_workbook(BytesIO(extract.workbook(result, "zh")))
    assert len(plain.sheetnames) == 2
    columns = headers.asked(["姓名", "客户ID"], result.customers)
    names = [one.header["zh"] for one in columns]
    asked = openpyxl.load_workbook(BytesIO(extract.workbook(result, "zh", columns)))
    assert [cell.value for cell in asked.worksheets[2][1]][:2] == names
    assert asked.worksheets[2].max_row == len(result.customers) + 1
    assert "欧*" in [cell.value for cell in asked.worksheets[2]["A"]]
    for book in (plain, asked):
        assert all(sheet.sheet_state == "visible" for sheet in book)
        assert not any(cell.comment or cell.data_type == "f" for sheet in book for row in sheet for cell in row)
        assert book.properties.creator == "Segmenter"
        assert not book.defined_names


def test_a_formula_in_a_name_stays_text() -> None:
    result = shop.run(shop.people(60), strategy=shop.plan(["=1+1", "", "", '=HYPERLINK("http://x")', "@x", "", "", ""]))
    book = openpyxl.load_workbook(BytesIO(extract.workbook(result, "zh")))
    assert [cell.data_type for row in book.worksheets[1] for cell in row if str(cell.value).startswith("=")] == [
        "s",
        "s",
    ]


def test_mail_is_always_strict() -> None:
    result = shop.run(shop.people(3))
    context = summary.context(result, "zh")
    assert "<5" in context["subject"]
    assert context["kpis"][0]["value"] == "<5"


def test_no_template_can_reach_a_customer() -> None:
    columns = [*shop.COLUMNS, "name", "phone"]
    rows = [[*row, CANARIES["name"], CANARIES["phone"] if i == 3 else None] for i, row in enumerate(shop.people(40))]
    result = pipeline.run(pipeline.Sheets(shop.grid(columns, rows)), rules.default(), "zh", shop.AS_OF)
    assert CANARIES["name"] in str(result.customers.records())
    assert leaks(str(report.context(result, "zh")) + str(summary.context(result, "zh"))) == []
    assert leaks(str(masking.shared(result, False).customers.records())) == []
