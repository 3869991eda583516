"""What a finished page may hold, whoever wrote its template: no script, nothing loaded from elsewhere, no odd link.

Escaping keeps data from becoming markup; this keeps a template's own markup (or a link made of data) from doing
harm, and gives every page that lacks one the content policy that browsers hold it to.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from segmenter.errors import Refused

POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_META: Final = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
_ACTIVE: Final = """script iframe frame frameset object embed applet link base form input button textarea select portal
audio video source track foreignobject animate set use"""
ACTIVE: Final = frozenset(_ACTIVE.split())
_LOADING: Final = "src srcset background poster data action formaction ping manifest"
_LOADS: Final = frozenset(_LOADING.split())
_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*|cid:[\w.@-]+")
_HREF: Final = re.compile(r"(?:https://|mailto:|#)[^\x00-\x20]*", re.IGNORECASE)
_STYLE: Final = re.compile(r"@import|expression\s*\(|url\(\s*['\"]?(?!#|data:image/(?:png|jpeg|gif);)", re.IGNORECASE)


class _Reader(HTMLParser):
    def __init__(self, local: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.bad: list[tuple[str, int]] = []
        self.policies = 0
        self._style = False
        self._local = local

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        if tag in ACTIVE:
            self._note(f"<{tag}>")
        for key, value in attrs:
            text = (value or "").strip()
            if (
                key.startswith("on")
                or (key in _LOADS and not _IMAGE.fullmatch(text))
                or (key in ("href", "xlink:href") and text and not _HREF.fullmatch(text) and not self._near(text))
                or (key == "style" and _STYLE.search(text))
            ):
                self._note(f'{key}="{text[:40]}"')
        found = dict(attrs)
        if tag == "meta" and found.get("http-equiv"):
            policy = (found["http-equiv"] or "").lower() == "content-security-policy"
            self.policies += policy and found.get("content") == POLICY
            if not policy:
                self._note("<meta http-equiv>")

    def handle_data(self, data: str) -> None:
        if self._style and _STYLE.search(data):
            self._note("url()")

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def _near(self, text: str) -> bool:
        """Whether a page of ours links to a file beside it."""
        return self._local and not re.search(r"^[\w.+-]*:|^[/\\]", text)

    def _note(self, what: str) -> None:
        self.bad.append((what, self.getpos()[0]))


def harmless(page: str, name: str, *, local_links: bool = False, policy: bool = True) -> str:
    """The page, with the content policy in its head. Refused names the first thing that must not be there.

    `local_links`: links to files beside the page are all right; `policy`: it gets one (mail programs drop it).
    """
    reader = _Reader(local_links)
    reader.feed(page)
    reader.close()
    if reader.bad:
        what, line = reader.bad[0]
        raise Refused("template_page", file=name, line=line, value=what)
    if reader.policies or not policy:
        return page
    head = re.search(r"<head\b[^>]*>", page, re.IGNORECASE)
    return page[: head.end()] + "\n" + _META + page[head.end() :] if head else _META + "\n" + page
