"""A body and what is attached to it as one MIME message: the same arguments give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from segmenter.mail import addresses
from segmenter.mail.body import Body
from segmenter.mail.encoded_words import MAIL


@dataclass(frozen=True)
class Attachment:
    """A file in a message; `identity` says what it holds where the bytes themselves carry a date."""

    name: str
    media_type: str
    content: bytes
    identity: str = ""
    personal: tuple[str, ...] = ()
    """headers of personal columns in it"""


@dataclass(frozen=True)
class Content:
    """What a letter holds, whoever gets it."""

    body: Body
    attached: Sequence[Attachment] = ()

    def key(self, to: str) -> str:
        """What tells this content for one recipient from every other, the same on every day (SHA-256, hex)."""
        sums = [hashlib.sha256(one).hexdigest() for one in self.body.pictures.values()]
        sums += [one.name + (one.identity or hashlib.sha256(one.content).hexdigest()) for one in self.attached]
        parts = [to, self.body.subject, self.body.html, self.body.text, *sums]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def message(
    content: Content, *, to: str, sender: str, sent: datetime, name: str = "", unsubscribe: str = ""
) -> EmailMessage:
    """The message to one recipient, whose `name` is shown. Refused("address") for what is no plain address,
    Refused("header") for what may not stand in a header."""
    key = content.key(to)
    found = EmailMessage(policy=MAIL)
    found["Subject"] = _header(content.body.subject)
    found["From"] = Address(addr_spec=addresses.one(sender))
    found["To"] = Address(display_name=_header(name), addr_spec=addresses.one(to))
    found["Date"] = format_datetime(sent)
    found["Message-ID"] = f"<{key[:32]}@{sender.partition('@')[2]}>"
    found["Auto-Submitted"] = "auto-generated"
    if unsubscribe:
        found["List-Unsubscribe"] = f"<mailto:{addresses.one(unsubscribe)}?subject=unsubscribe>"
    _put(content, found, key)
    return found


def draft(content: Content) -> EmailMessage:
    """The same letter for a person to address and send: mail programs open it unsent, with no sender or recipient."""
    found = EmailMessage(policy=MAIL)
    found["Subject"] = _header(content.body.subject)
    found["X-Unsent"] = "1"
    _put(content, found, content.key(""))
    return found


def _header(text: str) -> str:
    return addresses.safe(addresses.line(text))


def _put(content: Content, found: EmailMessage, key: str) -> None:
    """Body, pictures and attachments into a message; its boundaries come from the key and not from chance."""
    found.set_content(content.body.text)
    found.add_alternative(content.body.html, subtype="html")
    page: Any = found.get_payload()[1]  # type: ignore[index]
    for cid, png in content.body.pictures.items():
        page.add_related(png, "image", "png", cid=f"<{cid}>", disposition="inline")
    for one in content.attached:
        main, _, sub = one.media_type.partition("/")
        charset = {"charset": "utf-8"} if main == "text" else None
        found.add_attachment(one.content, maintype=main, subtype=sub, filename=_header(one.name), params=charset)
    for number, part in enumerate(part for part in found.walk() if part.is_multipart()):
        part.set_boundary(f"={key[:24]}={number}")
