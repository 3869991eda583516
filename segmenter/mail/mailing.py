"""A result as a mail: what its body says, the pictures in it, and the message itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from segmenter import masking, schema, texts
from segmenter.errors import Refused
from segmenter.mail import addresses
from segmenter.mail.headers_mail import MAIL
from segmenter.reading import planning
from segmenter.reports import (
    changes,
    charts,
    formats,
    overview,
    pagecheck,
    pictures,
    rendering,
    report,
    templating,
    tracking,
)
from segmenter.result import Result
from segmenter.texts import Lang

TEMPLATE: Final = "mail.html.j2"
TEXT: Final = "mail.txt.j2"
CHARTS: Final = ("shares", "pareto")
WIDTH: Final = 600
"""of a picture in the body, in pixels; the body's table is 640 wide"""
CONCENTRATED: Final = 0.6
"""share of the amount that the dearest fifth brings from which that is a risk worth a line"""
UNWELCOME: Final = frozenset({"at_risk", "dormant", "low_value"})
"""segments that are better small"""
Figures = changes.Figures


def owned(result: Result, owner: str) -> Result:
    """The part of a result that is this owner's: the segments of their rows in table 3, and nobody else's figures."""
    rows = result.strategy.at(
        [
            any(addresses.fold(one) == addresses.fold(owner) for one in planning.owners_of(cell))
            for cell in _owners(result)
        ]
    )
    by_name = {schema.fold(n): one.key for one in result.rules.segments for n in (*one.name.values(), *one.aliases)}
    keys = {by_name.get(schema.fold(name), "") for name in rows["segment"]}
    customers, segments = (one.at(np.isin(one["segment"], [*keys])) for one in (result.customers, result.segments))
    return result._replace(
        customers=customers,
        segments=segments,
        migration=changes.of(result.migration, {str(one) for one in segments["name"]}),
        strategy=rows,
        findings=(),
        rows_in=len(customers),
        rows_used=len(customers),
        rows_excluded=0,
        excluded={},
        tracked=(),
        proposals=tuple(one for one in result.proposals if one.segment and _names(result, one.segment) & keys),
        clustered=None,
        valued=None,
        facets=None,
        extra={},
    )


def _names(result: Result, names: Mapping[str, str]) -> set[str]:
    """The key of the segment that has these names."""
    return {one.key for one in result.rules.segments if one.name == names}


def _owners(result: Result) -> list[Any]:
    return [planning.cell_text(cell) for cell in result.strategy["owner"]]


def owners(result: Result) -> list[str]:
    """The people in table 3, in their order, each once."""
    found: dict[str, str] = {}
    for cell in _owners(result):
        for one in planning.owners_of(cell):
            found.setdefault(addresses.fold(one), one.lstrip("*＊"))
    return list(found.values())


def figures(result: Result) -> Figures:
    """What a later mail compares itself with."""
    rows = result.segments
    return {
        str(key): (float(n), float(m), float(f))
        for key, n, m, f in zip(rows["segment"], rows["customers"], rows["amount"], rows["orders"], strict=True)
    }


def context(
    result: Result,
    lang: Lang,
    *,
    before: Figures | None = None,
    owner: str = "",
    month: bool = False,
    contact: str = "",
    unsubscribe: str = "",
    attached: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything a mail template may use; always strictly masked, no row of a customer in it. `before`: the figures
    of an earlier analysis, for the arrows; `owner`: `result` is this owner's part."""
    shared = masking.shared(result, strict=True)
    segments = overview.localised(shared, lang)
    rows = tracking.rows(shared, lang)
    table = overview.table(segments)
    total = overview.total(shared, segments)
    actions = overview.actions(shared, segments, rows, lang)
    by_key = {row["key"]: row for row in table}

    def say(key: str, **params: Any) -> str:
        return texts.say(f"mail.{key}", lang, **params)

    def change(key: str) -> str:
        row = by_key.get(key)
        if before is None or row is None or isinstance(row["customers"], str) or row["customers"] is None:
            return ""
        return f"({row['customers'] - before.get(key, (0, 0, 0))[0]:+,.0f})".replace("+0", "±0")

    said = []
    for key in _named(by_key, owner):
        count = by_key[key]["customers"]
        shown = count if isinstance(count, str) else formats.count(count)
        said.append(f"{by_key[key]['name']} {shown}{change(key)}")
    day = shared.as_of.isoformat() if shared.as_of else formats.MISSING
    subject = " ".join([say("subject_month" if month else "subject_week"), *said, day])
    whole = report.drawn(shared, segments, lang, strict=True)
    pictured = [one for one in whole if one["key"] in CHARTS[: 1 if owner else 2]]
    ahead = tracking.next_round(shared, lang, strict=True)
    tasks = sorted((row for row in rows if row["light"] != "done"), key=lambda row: row["due"] or "9")
    worse, better = changes.lines(shared, lang)
    found: dict[str, Any] = {
        "lang": lang,
        "subject": addresses.line(subject),
        "preheader": say("preheader", customers=_text(total["customers"], "count", lang), day=day),
        "greeting": say("greeting_owner", name=owner) if owner else say("greeting"),
        "intro": say("intro_owner", names=texts.say("report.and", lang).join(row["name"] for row in table))
        if owner
        else say("intro", goal=shared.rules.goal or texts.say(f"word.{shared.rules.objective}", lang)),
        "compared": before is not None,
        "kpis": _kpis(table, total, before, shared, lang, owner),
        "risks": [
            one["title"] + texts.say("mail.colon", lang) + one["why"] for one in actions if one["kind"] == "recall"
        ]
        + worse
        + _risks(shared, rows, lang),
        "chances": [
            one["title"] + texts.say("mail.colon", lang) + one["why"] for one in actions if one["kind"] != "recall"
        ][: 2 if better else 3]
        + better,
        "proposals": [one["what"] + texts.say("mail.colon", lang) + one["why"] for one in ahead.get("proposals", [])],
        "reviews": ahead.get("reviews", []),
        "tasks": [
            {key: row[key] for key in ("name", "action", "owner", "target", "period", "progress", "light")}
            | {"due": _due(row["due"], shared.as_of, 31 if month else 7, lang)}
            for row in tasks
        ],
        "charts": [{"cid": f"{one['key']}@segmenter", **one} for one in pictured],
        "as_of": formats.day(shared.as_of, lang),
        "contact": contact,
        "unsubscribe": unsubscribe,
        "attached": list(attached),
        "width": WIDTH,
    }
    few = {key: found[key][:3] for key in ("risks", "chances", "proposals")}
    masked: dict[str, Any] = masking.texts_of({**found, **few, "contact": "", "unsubscribe": ""})
    return {**masked, "contact": contact, "unsubscribe": unsubscribe}


def _due(day: str, as_of: date | None, days: int, lang: Lang) -> str:
    """When a task is due, and whether that is over or comes before the next mail; "" when nobody said when it began."""
    if not day or as_of is None:
        return ""
    due = date.fromisoformat(day)
    key = "task_late" if due < as_of else "task_now" if due <= as_of + timedelta(days=days) else "task_due"
    return texts.say(f"mail.{key}", lang, day=formats.day(due, lang))


def _named(by_key: Mapping[str, Any], owner: str) -> list[str]:
    """The two segments that a subject names: high value and at risk, else the first; an owner's first three."""
    if owner:
        return list(by_key)[:3]
    first = [key for key in ("high_value", "at_risk") if key in by_key]
    return first or list(by_key)[:2]


def _kpis(
    table: Sequence[Mapping[str, Any]],
    total: Mapping[str, Any],
    before: Figures | None,
    result: Result,
    lang: Lang,
    owner: str,
) -> list[dict[str, str]]:
    """Five lines: label, value, before, change, arrow (up | down | same | ""), tone (good | poor | same | "")."""
    by_key = {row["key"]: row for row in table}
    mine = before if not owner or before is None else {key: before[key] for key in by_key if key in before}
    old_customers, old_amount, old_orders = (
        (sum(one[i] for one in mine.values()) for i in range(3)) if mine is not None else (None, None, None)
    )
    entries: list[tuple[str, Any, float | None, str, bool]] = [
        (texts.say("mail.kpi_customers", lang), total["customers"], old_customers, "count", True),
        (
            texts.say("mail.kpi_amount", lang, months=result.rules.window_months),
            total["amount"],
            old_amount,
            "money",
            True,
        ),
    ]
    for key in _named(by_key, owner)[:2]:
        old = mine.get(key, (0.0, 0.0, 0.0))[0] if mine is not None else None
        entries.append(
            (
                texts.say("mail.kpi_segment", lang, name=by_key[key]["name"]),
                by_key[key]["customers"],
                old,
                "count",
                key not in UNWELCOME,
            )
        )
    old_value = old_amount / old_orders if old_amount is not None and old_orders else None
    entries.append((texts.say("mail.kpi_aov", lang), total["average_order_value"], old_value, "money", True))
    entries.append((texts.say("mail.kpi_orders", lang), total["orders"], old_orders, "count", True))
    return [_kpi(*entry, lang) for entry in entries[:5]]


def _kpi(label: str, value: Any, old: float | None, kind: str, welcome: bool, lang: Lang) -> dict[str, str]:
    entry = {"label": label, "value": _text(value, kind, lang), "before": "", "change": "", "arrow": "", "tone": ""}
    if old is None or not isinstance(value, (int, float)):
        return entry
    step = value - old
    arrow = "up" if step > 0 else "down" if step < 0 else "same"
    shown = _text(abs(step), kind, lang)
    part = f" ({formats.percent(abs(step) / old)})" if old else ""
    tone = "same" if not step else "good" if (step > 0) == welcome else "poor"
    return {**entry, "before": _text(old, kind, lang), "change": f"{shown}{part}", "arrow": arrow, "tone": tone}


def _text(value: Any, kind: str, lang: Lang) -> str:
    if isinstance(value, str):
        return value
    return formats.count(value) if kind == "count" else formats.money_short(value, lang)


def _risks(result: Result, rows: Sequence[Mapping[str, Any]], lang: Lang) -> list[str]:
    found = []
    late = [str(row["name"]) for row in rows if row["light"] == "poor"]
    if late:
        found.append(texts.say("mail.risk_late", lang, names=texts.say("report.and", lang).join(late)))
    share = charts.top_share(result.customers.pandas)
    if round(len(result.customers) * 0.2) >= masking.FLOOR and share >= CONCENTRATED:
        found.append(texts.say("mail.risk_few", lang, share=formats.percent(share)))
    return found


@dataclass(frozen=True)
class File:
    """Something attached; `identity` says what it holds where the bytes themselves carry a date."""

    name: str
    kind: str
    content: bytes
    identity: str = ""
    personal: tuple[str, ...] = ()
    """headers of personal columns in it"""


@dataclass(frozen=True)
class Body:
    """What a mail says: subject, HTML with the CSS inside the tags, the same as text, pictures by content ID."""

    subject: str
    html: str
    text: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def body(found: Mapping[str, Any], lang: Lang, template: Path | None = None) -> Body:
    """The body that our template, or the analyst's own, makes of a `context`."""
    drawn: dict[str, bytes] = {}
    remarks: tuple[str, ...] = ()
    try:
        drawn = {one["cid"]: pictures.png(one["svg"], 2 * WIDTH) for one in found["charts"]}
    except Refused as error:
        if error.key != "no_font":
            raise
        remarks = (error.message(lang),)
    kept = [{k: one[k] for k in ("cid", "key", "title", "note")} for one in found["charts"] if one["cid"] in drawn]
    plain = {**found, "charts": kept}
    if template is not None:
        page = rendering.render(template, lang, plain)
    else:
        page = templating.environment(lang).get_template(TEMPLATE).render(plain)
    page = inlined(pagecheck.harmless(page, template.name if template else TEMPLATE, policy=False))
    words = templating.plain_text(lang).get_template(TEXT).render(plain)
    return Body(found["subject"], page, _tidy(words), drawn, remarks)


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(line for i, line in enumerate(lines) if line or (i and lines[i - 1])) + "\n"


def inlined(page: str) -> str:
    """The page with its style sheet in the tags, as Gmail and Outlook want it. Refused("need_extra") without
    css-inline."""
    try:
        import css_inline
    except ImportError:
        raise Refused("need_extra", extra="mail") from None
    inliner = css_inline.CSSInliner(keep_style_tags=False, load_remote_stylesheets=False)
    return str(inliner.inline(page))


def identity(to: str, made: Body, attached: Sequence[File]) -> str:
    """The key of one content for one recipient, the same on every day (SHA-256, hex)."""
    sums = [hashlib.sha256(one).hexdigest() for one in made.pictures.values()]
    sums += [one.name + (one.identity or hashlib.sha256(one.content).hexdigest()) for one in attached]
    return hashlib.sha256(
        "\0".join([to, made.subject, made.html, made.text, *sums]).encode("utf-8", "replace")
    ).hexdigest()


def message(
    made: Body,
    attached: Sequence[File],
    *,
    to: str,
    sender: str,
    sent: datetime,
    name: str = "",
    unsubscribe: str = "",
) -> EmailMessage:
    """The message to one recipient; the same arguments give the same bytes."""
    key = identity(to, made, attached)
    found = EmailMessage(policy=MAIL)
    found["Subject"] = addresses.safe(addresses.line(made.subject))
    found["From"] = Address(addr_spec=addresses.one(sender))
    found["To"] = Address(display_name=addresses.safe(addresses.line(name)), addr_spec=addresses.one(to))
    found["Date"] = format_datetime(sent)
    found["Message-ID"] = f"<{key[:32]}@{sender.partition('@')[2]}>"
    found["Auto-Submitted"] = "auto-generated"
    if unsubscribe:
        found["List-Unsubscribe"] = f"<mailto:{addresses.one(unsubscribe)}?subject=unsubscribe>"
    return _with_content(found, made, attached, key)


def draft(made: Body, attached: Sequence[File]) -> EmailMessage:
    """The same letter for a person to address and send: mail programs open it unsent, with no sender or recipient."""
    found = EmailMessage(policy=MAIL)
    found["Subject"] = addresses.safe(addresses.line(made.subject))
    found["X-Unsent"] = "1"
    return _with_content(found, made, attached, identity("", made, attached))


def _with_content(found: EmailMessage, made: Body, attached: Sequence[File], key: str) -> EmailMessage:
    found.set_content(made.text)
    found.add_alternative(made.html, subtype="html")
    page: Any = found.get_payload()[1]  # type: ignore[index]
    for cid, png in made.pictures.items():
        page.add_related(png, "image", "png", cid=f"<{cid}>", disposition="inline")
    for one in attached:
        main, _, sub = one.kind.partition("/")
        named = addresses.safe(addresses.line(one.name))
        charset = {"charset": "utf-8"} if main == "text" else None
        found.add_attachment(one.content, maintype=main, subtype=sub, filename=named, params=charset)
    for number, part in enumerate(part for part in found.walk() if part.is_multipart()):
        part.set_boundary(f"={key[:24]}={number}")
    return found
