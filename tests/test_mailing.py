"""Mail: its numbers are the workbook's, its headers what was given, and only what was reviewed goes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header
from email.message import EmailMessage
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import shop
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segmenter import rules, schema, texts
from segmenter.advice import Proposal, Review
from segmenter.cli import main
from segmenter.errors import Refused
from segmenter.frames import Frame
from segmenter.mail import addresses, body, kpis, letters, mime, owners, summary
from segmenter.mail.body import Body
from segmenter.mail.letters import Wish
from segmenter.mail.mime import Attachment, Content
from segmenter.reports import pictures, report
from segmenter.result import Result

SAMPLE = Path(__file__).parent.parent / "workbook" / "sample.xlsx"
SENT = datetime(2026, 7, 1, 8, tzinfo=UTC)
PLAN = shop.plan(
    ["高价值客户", "", "专属权益", "<b>生日礼券</b>", "*王五", "复购率≥80%", "持续", "已完成10%"],
    ["流失风险客户", "", "召回", "发券", "李四、王五", "召回率≥20%", "2周", "已完成"],
    ["潜力客户", "", "二购", "试用", "李四", "", "", ""],
)


@cache
def result() -> Result:
    return shop.run(shop.people(400), strategy=PLAN)


@cache
def earlier() -> Result:
    return shop.run(shop.people(380, 11))


def wish(*recipients: tuple[str, str], **more: Any) -> Wish:
    return Wish("样例", "zh", list(recipients) or [("a@example.com", "")], "seg@example.com", SENT, **more)


def parsed(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def made(*recipients: tuple[str, str], before: Result | None = None, **more: Any) -> list[EmailMessage]:
    old = kpis.figures(before) if before else None
    return [parsed(content) for _, content in letters.make(result(), old, wish(*recipients, **more))[0]]


def html_of(message: EmailMessage) -> str:
    return str(message.get_body(("html",)).get_content())  # type: ignore[union-attr]


def text_of(message: EmailMessage) -> str:
    return str(message.get_body(("plain",)).get_content())  # type: ignore[union-attr]


# Headers --------------------------------------------------------------------------------------------------------------

NAMES = ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
ANY = st.text(st.characters(), max_size=80)


def message(subject: str, name: str, file: str) -> EmailMessage:
    content = Content(Body(subject, "<p>x</p>", "x\n", {"c@segmenter": b"png"}), [Attachment(file, "text/html", b"y")])
    return mime.message(content, to="a@example.com", sender="s@example.com", sent=SENT, name=name)


@settings(max_examples=300, deadline=None)
@given(ANY, ANY, ANY)
@example("a\r\nBcc: evil@x.com", "b\nBcc: evil@x.com", "c\u2028Bcc: x")
@example("\u202egnp.exe", '"x" <evil@x.com>, y', "a\x00b\x85c")
@example("=?utf-8?q?x?=", "=?utf-8?b?eA==?= <b@x.com>", "=?utf-8?q?x?=")
@example(" 中文  标题 " * 12, "王五, 李四 <x@y.com>", "报告 " * 40 + ".html")
@example("\ud800", "\ud800", "\ud800")
def test_headers_are_what_was_given_and_no_more(subject: str, name: str, file: str) -> None:
    raw = message(subject, name, file).as_bytes()
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\n" not in head.replace(b"\r\n", b"")
    found = parsed(raw)
    assert [key for key, _ in found.items()] == NAMES
    assert [one.addr_spec for one in found["To"].addresses] == ["a@example.com"]
    assert [one.addr_spec for one in found["From"].addresses] == ["s@example.com"]
    assert str(found["Subject"]) == addresses.line(subject)
    # by RFC 2047's own words: Python's parser of names puts blanks between encoded words, which mean nothing
    parts = decode_header(message_from_bytes(raw, policy=policy.compat32)["To"])
    shown = "".join(part.decode(charset or "ascii") if isinstance(part, bytes) else part for part, charset in parts)
    assert shown.rpartition("<")[0].strip() == addresses.line(name)
    attached = list(found.iter_attachments())
    assert len(attached) == 1
    assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in str(attached[0].get_filename()))


@given(ANY)
def test_a_line_is_one_line(text: str) -> None:
    line = addresses.line(text)
    assert addresses.safe(line) == line == addresses.line(line)
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\x00b", "a\x85b", "a\u2028b", "a\u2029b"])
def test_control_signs_are_refused_in_a_header(bad: str) -> None:
    with pytest.raises(Refused):
        addresses.safe(bad)


@pytest.mark.parametrize(
    "bad",
    ["", "a", "a@", "@x.com", "a@x", "a@x.com, evil@y.com", "a@x.com;b@y.com", '"a@x.com"<evil@y.com>', "A <a@x.com>",
     "a@x.com\r\nBcc: b@y.com", "a@x.com\n", " a@x.com", "a b@x.com", "a@x..com", "a..b@x.com", ".a@x.com", "a@-x.com",
     "a@x.com\x00", "a@x.com ", "王@x.com", "a@中.com", "a@x.com>", "a" * 65 + "@x.com", "a@[127.0.0.1]"],
)  # fmt: skip
def test_one_plain_address_or_none(bad: str) -> None:
    with pytest.raises(Refused) as caught:
        addresses.one(bad)
    assert caught.value.key == "address"


@given(ANY)
def test_whatever_passes_is_one_address(text: str) -> None:
    try:
        found = addresses.one(text)
    except Refused:
        return
    assert found.count("@") == 1
    assert not set(found) & set(' ,;<>"\r\n')


def test_owners_from_settings_and_csv(tmp_path: Path) -> None:
    pairs = addresses.from_settings(("王五=w@example.com", "*客户经理A＝A@Example.com"))
    assert addresses.lookup("*王五", pairs) == "w@example.com"
    assert addresses.lookup("客户经理a", pairs) == "A@example.com"
    assert addresses.lookup("谁", pairs) is None
    path = tmp_path / "owners.csv"
    path.write_text("负责人,邮箱\n王五,w@example.com\n\n", encoding="utf-8-sig")
    assert addresses.from_csv(path) == {"王五": "w@example.com"}
    for encoding, text in (
        ("gb18030", "王五,w@example.com"),
        ("utf-16", "王五\tw@example.com"),
        ("utf-8", "王五;w@example.com"),
    ):
        path.write_text(text, encoding=encoding)
        assert addresses.from_csv(path) == {"王五": "w@example.com"}
    path.write_bytes(b"\xff\xff,w@example.com")
    with pytest.raises(Refused) as refusal:
        addresses.from_csv(path)
    assert refusal.value.key == "owners_file"
    path.write_text("王五,w@example.com,evil@y.com", encoding="utf-8")
    with pytest.raises(Refused):
        addresses.from_csv(path)
    with pytest.raises(Refused):
        addresses.from_settings(("w@example.com",))


# The body -------------------------------------------------------------------------------------------------------------

SUPPORTED = {
    "background-color", "border", "border-bottom", "border-collapse", "color", "display", "font-family", "font-size",
    "font-weight", "height", "line-height", "margin", "max-width", "padding", "padding-top", "text-align",
    "vertical-align", "white-space", "width",
}  # fmt: skip
"""properties that Gmail keeps and Outlook's Word engine understands or ignores without harm"""
TAGS = {"html", "head", "meta", "title", "body", "div", "table", "tbody", "tr", "td", "th", "br", "img", "a"}


class Mail(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("lang", texts.LANGS)
def test_the_html_is_what_outlook_and_gmail_support(lang: texts.Lang) -> None:
    for message in made(("a@example.com", ""), ("b@example.com", "王五"), before=earlier()):
        page = html_of(message)
        found = Mail(page)
        assert {tag for tag, _ in found.tags} <= TAGS
        assert len(page.encode()) < 102_000, "Gmail cuts longer ones"
        for tag, attrs in found.tags:
            for part in (attrs.get("style") or "").split(";"):
                name, _, value = part.partition(":")
                assert not part.strip() or name.strip() in SUPPORTED, part
                assert "url(" not in value and "var(" not in value
            assert int(re.sub(r"\D", "", attrs.get("width") or "0") or 0) <= 640
            assert "class" not in attrs or attrs.get("style"), (tag, attrs)
            if tag == "img":
                assert attrs["alt"] and str(attrs["src"]).startswith("cid:")
        assert "flex" not in page and "<svg" not in page and "<style" not in page
    del lang


def test_the_structure() -> None:
    message = made(attach=("html", "xlsx"))[0]
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds[:5] == ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html"]
    assert kinds.count("image/png") == 2
    cids = {str(part["Content-ID"]).strip("<>") for part in message.walk() if part["Content-ID"]}
    assert set(re.findall(r'src="cid:([^"]+)"', html_of(message))) == cids
    for part in message.walk():
        if part.get_content_type() == "image/png":
            assert part.get_payload(decode=True)[:8] == b"\x89PNG\r\n\x1a\n"  # type: ignore[index]
            assert part.get_content_disposition() == "inline"
    assert message["Bcc"] is message["Cc"] is None


def test_the_same_result_gives_the_same_bytes() -> None:
    first, second = (letters.make(result(), None, wish(attach=("html", "docx", "xlsx")))[0] for _ in range(2))
    assert first == second
    other = letters.make(result(), None, replace(wish(), now=datetime(2026, 7, 2, tzinfo=UTC)))[0]
    same = letters.make(result(), None, wish())[0]
    assert other[0][0].key == same[0][0].key
    assert other[0][0].message_id == same[0][0].message_id
    assert other[0][1] != same[0][1]


def test_the_review_has_the_message_id_also_where_its_header_is_folded() -> None:
    (entry, raw), *_ = letters.make(result(), None, replace(wish(), sender=f"s@{'x' * 30}.example.com"))[0]
    assert f"Message-ID:\r\n {entry.message_id}\r\n".encode() in raw


def test_subject_and_arrows() -> None:
    message = made(before=earlier())[0]
    now, before = (one.segments.pandas.set_index("segment")["customers"] for one in (result(), earlier()))
    step = {key: f"{now[key]:,}({now[key] - before[key]:+,})".replace("+0", "±0") for key in ("high_value", "at_risk")}
    assert message["Subject"] == f"[分群周报] 高价值客户 {step['high_value']} 流失风险客户 {step['at_risk']} 2026-06-30"
    context = summary.context(result(), "zh", before=kpis.figures(earlier()))
    for kpi in context["kpis"]:
        assert kpi["arrow"] in ("up", "down", "same") and kpi["before"]
    assert len(context["kpis"]) == 5
    assert made(month=True)[0]["Subject"].startswith("[分群月报]")
    assert "(" not in made()[0]["Subject"]


def test_report_mail_and_workbook_say_the_same_numbers(tmp_path: Path) -> None:
    filled = tmp_path / "filled.xlsx"
    page = tmp_path / "r.html"
    assert main(["fill", str(SAMPLE), "-o", str(filled), "--report", str(page)]) == 0
    assert main(["mail", str(filled), "--to", "a@example.com", "-o", str(tmp_path / "m")]) == 0
    message = parsed(next((tmp_path / "m").glob("*.eml")).read_bytes())
    book = openpyxl.load_workbook(filled)
    sheet = book[schema.RFM.sheet["zh"]]
    heads = [cell.value for cell in sheet[1]]
    rows = [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=2, values_only=True)]
    counted = {name: sum(row["客户类型"] == name for row in rows) for name in {row["客户类型"] for row in rows}}
    plan = {row[0]: row for row in book[schema.STRATEGY.sheet["zh"]].iter_rows(min_row=2, values_only=True)}
    subject = str(message["Subject"])
    text = page.read_text(encoding="utf-8")
    for name in ("高价值客户", "流失风险客户"):
        assert f"{name} {counted[name]:,}" in subject
        assert plan[name][10] == counted[name]
        cells = re.search(rf'<th scope="row">{name}</th>\s*<td class="num"><data value="([\d.]+)">', text)
        assert cells and float(cells[1]) == counted[name]
    amount = sum(row["M金额"] for row in rows)
    shown = f"{amount / 10_000:,.1f}".rstrip("0").rstrip(".") + "万"
    assert shown in html_of(message) and shown in text_of(message) and shown in text


def test_an_owner_gets_their_own() -> None:
    message = made(("w@example.com", "王五"))[0]
    said = text_of(message)
    assert "高价值客户" in said and "流失风险客户" in said
    assert "低价值客户" not in said + html_of(message)
    assert "潜力客户" not in said
    assert message["To"].addresses[0].display_name == "王五"
    assert "发券" not in said, "a task that is done is none"
    assert "&lt;b&gt;生日礼券" in html_of(message)
    attached = made(("w@example.com", "王五"), attach=("html",))[0]
    page = next(part for part in attached.iter_attachments()).get_content()
    assert "高价值客户" in page
    assert not re.search(r'<tr data-key="low_value">', page)
    assert owners.of(result())[:2] == ["王五", "李四"]


def test_an_owner_of_customers_cut_by_dimensions_gets_a_report_without_everybodys() -> None:
    plan = shop.plan(["高价值客户", "", "", "", "王五", "", "", ""])
    used = rules.default()._replace(dimensions=("地域", "年龄段"))
    cut = shop.run(shop.people(200), using=used, strategy=plan)
    found, _ = letters.make(cut, None, wish(("w@example.com", "王五"), attach=("html",)))
    page = next(part for part in parsed(found[0][1]).iter_attachments()).get_content()
    assert "王五" in page and 'id="cross"' not in page and 'id="personas"' not in page


def test_an_owner_without_customers_gets_no_letter() -> None:
    quiet = shop.run(
        [row for row in shop.people(200) if row[4] < 5],
        strategy=shop.plan(["高价值客户", "", "", "", "王五", "", "", ""]),
    )
    found, remarks = letters.make(quiet, None, wish(("a@example.com", ""), ("w@example.com", "王五")))
    assert [entry.to for entry, _ in found] == ["a@example.com"]
    assert "王五" in remarks[0]


def test_tasks_that_are_due_come_first_and_say_so() -> None:
    rows = {"价格敏感客户": "2026-12-31", "高价值客户": "2026-07-03", "流失风险客户": "2026-06-01"}
    whole = shop.run(shop.people(400), strategy=shop.plan(*([name, *[""] * 7] for name in rows)))
    plan = whole.strategy.pandas
    due = plan["segment"].map(rows)
    dated = whole._replace(as_of=date(2026, 6, 30), strategy=Frame.from_pandas(plan.assign(due_on=due)))
    weekly, monthly = (summary.context(dated, "zh", month=month)["tasks"] for month in (False, True))
    told = {one["name"]: one["due"] for one in weekly}
    assert [*told][:3] == ["流失风险客户", "高价值客户", "价格敏感客户"] and not [*told.values()][3]
    assert told["流失风险客户"] == "已过期：2026年6月1日" and told["高价值客户"] == "本期到期：2026年7月3日"
    assert told["价格敏感客户"] == "到期：2026年12月31日"
    postponed = plan.assign(due_on=due.replace("2026-07-03", "2026-07-20"))
    later = dated._replace(strategy=Frame.from_pandas(postponed))
    assert "到期：2026年7月20日" in {one["due"] for one in summary.context(later, "zh")["tasks"]}
    assert "本期到期：2026年7月20日" in {one["due"] for one in summary.context(later, "zh", month=True)["tasks"]}
    assert [one["name"] for one in monthly] == [*told]
    written = body.render(summary.context(dated, "zh"), "zh")
    assert "已过期：2026年6月1日" in written.html and "[本期到期：2026年7月3日]" in written.text


def test_no_customer_in_the_body() -> None:
    message = made()[0]
    assert not re.search(r"C\d{5}", html_of(message) + text_of(message))


@cache
def structure() -> list[Any]:
    return _tags("a")


def _tags(text: str) -> list[Any]:
    strategy = result().strategy.pandas.assign(**dict.fromkeys(("action", "target", "period"), f"x{text}"))
    segments = result().segments.pandas
    segments = segments.assign(name=[f"{i}{text}" for i in range(len(segments))])
    named = result()._replace(
        strategy=Frame.from_pandas(strategy),
        segments=Frame.from_pandas(segments),
        rules=result().rules._replace(goal=f"x{text}"),
    )
    page = body.render(summary.context(named, "zh"), "zh").html
    return [(tag, {k: v for k, v in attrs.items() if k != "alt"}) for tag, attrs in Mail(page).tags]


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=20) | st.sampled_from(["<script>alert(1)</script>", '"><img src=x onerror=1>', "{{ 7*7 }}"]))
def test_no_text_changes_an_element_of_the_mail(text: str) -> None:
    assert _tags(text) == structure()


def test_without_a_chinese_font_there_are_no_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pictures.chinese()
    assert not pictures.chinese(system_fonts=False)
    monkeypatch.setattr(pictures, "chinese", lambda: False)
    found, remarks = letters.make(result(), None, wish())
    assert [part.get_content_type() for part in parsed(found[0][1]).walk()].count("image/png") == 0
    assert texts.say("error.no_font", "zh") in remarks
    assert main(["report", str(SAMPLE), "-o", "/tmp/never.pdf"]) == 1


def test_a_missing_extra_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "css_inline", None)
    assert main(["mail", str(SAMPLE), "--to", "a@example.com", "-o", str(tmp_path / "m"), "--lang", "en"]) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1] == 'This needs an extra: pip install "segmenter[mail]"'
    assert not (tmp_path / "m").exists()


# The review -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """A reviewed outbox; while it is made, no socket can be opened."""
    import socket

    def closed(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket in a dry run")

    config = tmp_path / "mail.toml"
    config.write_text(
        "host = 'localhost'\nport = 9\nsender = 'seg@example.com'\nallow = ['example.com']\n", encoding="utf-8"
    )
    book = tmp_path / "book.xlsx"
    book.write_bytes(SAMPLE.read_bytes())
    arguments = [
        "mail",
        str(book),
        "--config",
        str(config),
        "-o",
        str(tmp_path / "m"),
        "--ledger",
        str(tmp_path / "l.sqlite"),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", closed)
        assert main([*arguments, "--to", "a@example.com", "--to", "b@example.com", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    return {
        "arguments": arguments,
        "hash": said["hash"],
        "folder": tmp_path / "m",
        "book": book,
        "letters": said["letters"],
    }


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, "--lang", "en"]) == 1
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_what_changed_after_the_review_is_not_sent(
    review: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from segmenter.mail import sending

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("sent")

    monkeypatch.setattr(sending, "connect", never)
    send = [*review["arguments"], "--send"]
    assert "is not the hash" in refused(capsys, *send, "0" * 16)
    assert "is not the hash" in refused(capsys, *send, review["hash"][:11])
    assert "takes the hash" in refused(capsys, *send)
    assert "not among the reviewed" in refused(capsys, *send, review["hash"], "--to", "c@example.com")
    letter = next(review["folder"].glob("001-*.eml"))
    content = letter.read_bytes()
    letter.write_bytes(content.replace(b"a@example.com", b"e@example.com"))
    assert "has changed since the review" in refused(capsys, *send, review["hash"])
    letter.write_bytes(content)
    book = review["book"].read_bytes()
    review["book"].write_bytes(book + b"x")
    assert "has changed since the review" in refused(capsys, *send, review["hash"])
    review["book"].write_bytes(book)
    table = review["folder"] / "review.json"
    table.write_text(table.read_text(encoding="utf-8").replace("b@example.com", "evil@example.com"), encoding="utf-8")
    assert "is not the hash" in refused(capsys, *send, review["hash"])


def test_the_review_says_who_gets_what(review: dict[str, Any]) -> None:
    assert [one["to"] for one in review["letters"]] == ["a@example.com", "b@example.com"]
    for one in review["letters"]:
        path = review["folder"] / one["file"]
        assert path.stat().st_size == int(one["size"])
        assert parsed(path.read_bytes())["Subject"] == one["subject"]
        assert path.stat().st_mode & 0o077 == 0
    made = json.loads((review["folder"] / "review.json").read_text(encoding="utf-8"))
    assert made["rows_in"] == made["rows_used"] + made["rows_excluded"]


def changes(folder: Path) -> str:
    """The subject of a folder's first letter."""
    return str(parsed(next(iter(sorted(folder.glob("*.eml")))).read_bytes())["Subject"])


def test_the_next_letters_compare_themselves_with_the_last(tmp_path: Path, small_sample: Path) -> None:
    """Week after week in the same folder, without an option; writing the same week again changes nothing."""
    folder = tmp_path / "m"
    write = ["mail", str(small_sample), "--to", "a@example.com", "-o", str(folder), "--as-of"]
    assert main([*write, "2026-06-23"]) == 0
    assert "(" not in changes(folder)
    assert main([*write, "2026-06-30"]) == 0
    told = changes(folder)
    assert told.count("(") == 2
    assert main([*write, "2026-06-30"]) == 0
    assert changes(folder) == told
    assert main([*write, "2026-06-23"]) == 0  # back in time there is nothing to compare with
    assert "(" not in changes(folder)
    rule = tmp_path / "rules.toml"
    text = (Path(rules.__file__).parent / "rules.toml").read_text(encoding="utf-8")
    rule.write_text(text.replace("segment_size_min = 50", "segment_size_min = 60"), encoding="utf-8")
    assert main([*write, "2026-06-30", "--rules", str(rule)]) == 0
    assert "(" not in changes(folder)


def test_the_workbook_that_fill_kept_is_the_earlier_one(tmp_path: Path, small_sample: Path) -> None:
    book = tmp_path / "book.xlsx"
    book.write_bytes(small_sample.read_bytes())
    assert main(["fill", str(book), "--as-of", "2026-06-23"]) == 0
    assert main(["fill", str(book), "--as-of", "2026-06-30", "--keep-previous"]) == 0
    kept = tmp_path / "book.previous.xlsx"
    assert kept.is_file()
    # the day stands in the settings only when somebody sets it: the kept workbook is read as of its last order
    assert main(["mail", str(book), "--to", "a@example.com", "-o", str(tmp_path / "m"), "--as-of", "2026-07-07"]) == 0
    assert changes(tmp_path / "m").count("(") == 2
    kept.write_bytes(b"no workbook")
    assert main(["mail", str(book), "--to", "a@example.com", "-o", str(tmp_path / "n"), "--as-of", "2026-07-07"]) == 0
    assert changes(tmp_path / "n").count("(") == 2  # the workbook's own history says it as well


def test_a_whole_batch_in_one_line(
    tmp_path: Path, small_sample: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`batch` and `mail` as the README schedules them, sent to a real server; a bad workbook stops nobody."""
    from test_sending import PASSWORD, authority, serving, tls

    shops, out = tmp_path / "shops", tmp_path / "out"
    shops.mkdir()
    for name in ("a", "b"):
        (shops / f"{name}.xlsx").write_bytes(small_sample.read_bytes())
    (shops / "bad.xlsx").write_bytes(b"nothing")
    (shops / "list.csv").write_text(
        "file,recipient\na.xlsx,a@example.com\nb.xlsx,b@example.com\nbad.xlsx,c@example.com"
    )
    assert main(["batch", str(shops / "list.csv"), "-o", str(out), "--jobs", "1"]) == 1
    authority().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SEGMENTER_SMTP_PASSWORD", PASSWORD)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with serving(tls()) as server:
        config = tmp_path / "mail.toml"
        config.write_text(
            f"host = 'localhost'\nport = {server.port}\nuser = 'seg'\nsender = 'seg@example.com'\n"
            f"allow = ['example.com']\nca_file = '{tmp_path / 'ca.pem'}'\n",
            encoding="utf-8",
        )
        common = ["mail", str(out), "--config", str(config), "--ledger", str(tmp_path / "l.sqlite")]
        assert main([*common, "--to", "boss@example.com"]) == 0
        assert server.taken == []
        for name in ("a", "b"):
            review = json.loads((out / f"{name}-mail" / "review.json").read_text(encoding="utf-8"))
            assert {one["subject"].split()[1] for one in review["letters"]} == {name}
        send = [*common, "--send", str(out / "review.sha256")]
        (out / "a-mail" / "review.json").touch()
        assert main(send) == 0
        assert main(send) == 0
        assert (
            sorted(address for address, _ in server.taken)
            == ["a@example.com", "b@example.com"] + ["boss@example.com"] * 2
        )
        (out / "reviews.txt").write_text("", encoding="utf-8")
        assert "is not the hash" in refused(capsys, *send)
    assert main(["mail", str(tmp_path), "--to", "a@example.com"]) == 1


def test_old_letters_are_purged_and_nothing_else(tmp_path: Path, small_sample: Path) -> None:
    import os

    for name in ("old", "new"):
        folder = tmp_path / name
        assert main(["mail", str(small_sample), "--to", "a@example.com", "-o", str(folder)]) == 0
    (tmp_path / "old" / "notes.txt").write_text("typed", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "review.json").write_text("{}", encoding="utf-8")  # somebody else's
    (tmp_path / "other" / "kept.eml").write_text("x", encoding="utf-8")
    long_ago = (tmp_path / "old" / "review.json").stat().st_mtime - 31 * 86_400
    for path in (tmp_path / "old" / "review.json", tmp_path / "other" / "review.json"):
        os.utime(path, (long_ago, long_ago))
    assert main(["purge", str(tmp_path)]) == 0
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert [name for name in left if not name.startswith("new")] == [
        "old/notes.txt",
        "other/kept.eml",
        "other/review.json",
    ]
    assert len([name for name in left if name.startswith("new")]) == 4
    assert main(["purge", str(tmp_path), "--days", "0"]) == 0
    assert not (tmp_path / "new").exists()


def test_recipients_never_come_from_customers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["mail", str(SAMPLE), "-o", str(tmp_path / "m")]) == 1
    assert main(["mail", str(SAMPLE), "--per-owner", "-o", str(tmp_path / "m")]) == 1
    assert not (tmp_path / "m").exists()
    assert main(["mail", str(SAMPLE), "--to", "a@x.com, evil@y.com", "-o", str(tmp_path / "m")]) == 1


def test_from_the_workbook_to_the_mailbox(review: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: workbook, letters, review, a real server with STARTTLS and login, and the same bytes arrive."""
    from test_sending import PASSWORD, authority, serving, tls

    folder = review["folder"].parent
    authority().cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setenv("SEGMENTER_SMTP_PASSWORD", PASSWORD)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with serving(tls()) as server:
        (folder / "mail.toml").write_text(
            f"host = 'localhost'\nport = {server.port}\nuser = 'seg'\nsender = 'seg@example.com'\n"
            f"allow = ['example.com']\nca_file = '{folder / 'ca.pem'}'\n",
            encoding="utf-8",
        )
        assert main([*review["arguments"], "--send", review["hash"][:16]]) == 0
        assert main([*review["arguments"], "--send", review["hash"][:16]]) == 0
    assert [address for address, _ in server.taken] == ["a@example.com", "b@example.com"]
    for (_, content), one in zip(server.taken, review["letters"], strict=True):
        assert content.rstrip() == (review["folder"] / one["file"]).read_bytes().rstrip()


def test_owners_addresses_from_the_settings_sheet() -> None:
    chosen = rules.default()._replace(owner_mails=("王五=w@example.com", "李四=l@example.com"))
    table = addresses.from_settings(chosen.owner_mails)
    assert [addresses.lookup(one, table) for one in owners.of(result())[:2]] == ["w@example.com", "l@example.com"]


def test_every_text_of_the_mail_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[str] = set()
    say: Callable[..., str] = texts.say

    def listen(key: str, lang: str, **params: Any) -> str:
        said.add(key)
        return say(key, lang, **params)

    monkeypatch.setattr(texts, "say", listen)
    nothing = shop.run(shop.people(60), strategy=shop.plan(["高价值客户", "", "", "", "王五", "", "", "已完成"]))
    due = Review("everything", date(2026, 1, 1), date(2026, 7, 1), overdue=True)
    footer = summary.Footer("c@x.com", "u@x.com", ("a",))
    load = Proposal("stale", {"last": "2025-01-01", "days": 500, "most": 92})
    for one in (result(), nothing, result()._replace(reviews=(due,), proposals=(load,))):
        for owner, month in (("", False), ("王五", True)):
            part = owners.part(one, owner) if owner else one
            for before in (kpis.figures(one), kpis.figures(earlier()), None):
                found = summary.context(part, "zh", before=before, owner=owner, month=month, footer=footer)
                body.render(found, "zh")
    letters.make(result(), None, wish(attach=("html",)))
    moved = shop.since(result(), shop.run(shop.people(seed=8)), shop.AS_OF - timedelta(30))
    days = pd.Series([shop.AS_OF + timedelta(n) for n in (-1, 1, 1, 99)])
    dated = result()._replace(strategy=Frame.from_pandas(result().strategy.pandas.assign(due_on=days)))
    summary.context(moved, "zh")
    summary.context(dated, "zh")
    known = {key for key in iter(texts.keys()) if key.startswith("mail.")}
    told = {key for key in known if key.startswith(("mail.review_", "mail.state_"))} | {"mail.nobody_in"}
    assert known - said - told == set()
    assert report.TEMPLATE


def test_templates_hold_no_words() -> None:
    folder = Path(__file__).parent.parent / "templates"
    for name in ("mail.html.j2", "mail.txt.j2", "company.html.j2", "reference.html.j2"):
        assert not re.search(r"[\u3400-\u9fff]", (folder / name).read_text(encoding="utf-8"))
