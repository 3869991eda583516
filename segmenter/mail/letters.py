"""All letters of one run: for each recipient the body, the attachments and the entry of the review."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from segmenter import documents, texts
from segmenter.errors import Refused
from segmenter.mail import body, extract, mime, outbox, owners, summary
from segmenter.mail.mime import Attachment, Content
from segmenter.reading import headers
from segmenter.reports import changes
from segmenter.reports.changes import Figures
from segmenter.result import Result
from segmenter.schema import Field
from segmenter.texts import Lang

MEDIA_TYPES: Final = {
    "html": "text/html",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Wish:
    """What was asked for."""

    book: str
    lang: Lang
    recipients: Sequence[tuple[str, str]] = ()
    """(address, owner); owner "" for everything"""
    sender: str = ""
    now: datetime = datetime.min
    attach: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    month: bool = False
    one_of_many: bool = False
    """whether letters are about other workbooks too, so that each has to say which"""
    template: Path | None = None
    contact: str = ""
    unsubscribe: str = ""


def make(result: Result, before: Figures | None, wish: Wish) -> tuple[list[tuple[outbox.Entry, bytes]], list[str]]:
    """The letters with their entries, and remarks: who got none because nobody is in their segments, what a missing
    font left out. `before`: what the figures are compared with, the workbook's own history where None. Refused when
    there is nobody to write to."""
    before = before or changes.earlier(result)
    columns = headers.asked(wish.columns, result.customers)
    if columns and "xlsx" not in wish.attach:
        raise Refused("columns_alone")
    found: list[tuple[outbox.Entry, bytes]] = []
    remarks: list[str] = []
    ready: dict[str, Content] = {}
    for address, owner in wish.recipients:
        if owner not in ready:
            part = owners.part(result, owner) if owner else result
            if part.customers.empty:
                remarks.append(texts.say("mail.nobody_in", wish.lang, name=owner))
                continue
            ready[owner], said = _content(part, wish, columns, before, owner)
            remarks += [one for one in said if one not in remarks]
        content = ready[owner]
        message = mime.message(
            content, to=address, sender=wish.sender, sent=wish.now, name=owner, unsubscribe=wish.unsubscribe
        )
        raw = message.as_bytes()
        found.append((_entry(len(found) + 1, address, owner, content, str(message["Message-ID"]), raw), raw))
    if not found:
        raise Refused("nobody")
    return found, remarks


def draft(result: Result, wish: Wish) -> tuple[bytes, list[str]]:
    """The letter about everything as an unsent draft, and remarks; the wish's people and times do not matter."""
    columns = headers.asked(wish.columns, result.customers)
    content, remarks = _content(result, wish, columns, changes.earlier(result), "")
    return mime.draft(content).as_bytes(), remarks


def _content(
    part: Result, wish: Wish, columns: list[Field], before: Figures | None, owner: str
) -> tuple[Content, list[str]]:
    """The body of a letter and its attachments, and remarks."""
    attached, remarks = _attachments(part, wish, columns)
    footer = summary.Footer(wish.contact, wish.unsubscribe, [one.name for one in attached])
    about = wish.book if wish.one_of_many else ""
    context = summary.context(part, wish.lang, before=before, owner=owner, month=wish.month, about=about, footer=footer)
    made = body.render(context, wish.lang, wish.template)
    return Content(made, attached), list(dict.fromkeys((*remarks, *made.remarks)))


def _entry(number: int, address: str, owner: str, content: Content, message_id: str, raw: bytes) -> outbox.Entry:
    return outbox.Entry(
        file=outbox.file_name(number, address),
        to=address,
        owner=owner,
        subject=content.body.subject,
        size=len(raw),
        attached=tuple(f"{one.name} ({len(one.content):,})" for one in content.attached),
        personal=tuple(sorted({header for one in content.attached for header in one.personal})),
        sha256=hashlib.sha256(raw).hexdigest(),
        message_id=message_id,
        key=content.key(address),
    )


def _attachments(result: Result, wish: Wish, columns: list[Field]) -> tuple[list[Attachment], list[str]]:
    """What is attached, masked; the numbers are those of the body."""
    found: list[Attachment] = []
    remarks: list[str] = []
    name = texts.say("mail.file", wish.lang, book=wish.book, day=result.as_of.isoformat() if result.as_of else "")
    for kind in wish.attach:
        title = f"{name}.{kind}"
        if kind == "xlsx":
            personal = tuple(one.header[wish.lang] for one in columns if one.personal or one.key == "customer_id")
            book = extract.workbook(result, wish.lang, columns)
            found.append(Attachment(title, MEDIA_TYPES[kind], book, personal=personal))
            continue
        content, said = documents.MAKERS[f".{kind}"](result, wish.lang, None, True)
        remarks += said
        identity = ""
        if kind == "pdf":  # whoever prints it writes the time into it; the page it was made from has none
            page, _ = documents.html(result, wish.lang, None, True)
            identity = "pdf" + hashlib.sha256(page).hexdigest()
        found.append(Attachment(title, MEDIA_TYPES[kind], content, identity))
    return found, remarks
