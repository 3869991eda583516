"""How Subject and To are written: Python's own folding loses blanks between encoded words, which ours are full of."""

from __future__ import annotations

import base64
import re
from email.policy import EmailPolicy
from typing import Any, Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9!?.,()+/ _\[\]-]{1,60}")
_ATOMS: Final = re.compile(r"[A-Za-z0-9_ -]{1,60}")
_BYTES: Final = 45
"""so many bytes make an encoded word of 72 characters; 75 is the limit (RFC 2047)"""


class MailPolicy(EmailPolicy):
    """`email.policy.SMTP`, whose Subject and To come out exactly as they went in."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """The header as it goes over the wire."""
        if name.lower() == "subject":
            return f"{name}: {encoded(str(value), _PLAIN)}\r\n".encode("ascii")
        if name.lower() == "to" and value.addresses[0].display_name:
            one = value.addresses[0]
            return f"{name}: {encoded(one.display_name, _ATOMS)}\r\n <{one.addr_spec}>\r\n".encode("ascii")
        return bytes(super().fold_binary(name, value))


MAIL: Final = MailPolicy(linesep="\r\n")


def encoded(text: str, plain: re.Pattern[str]) -> str:
    """The text itself where it is `plain`, else encoded words of whole characters, one a line."""
    if not text or plain.fullmatch(text):
        return text
    words: list[str] = []
    part = b""
    for sign in text:
        raw = sign.encode("utf-8", "replace")
        if len(part) + len(raw) > _BYTES:
            words.append(_word(part))
            part = b""
        part += raw
    return "\r\n ".join([*words, _word(part)])


def _word(part: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(part).decode()}?="
