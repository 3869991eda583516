"""The environment every template runs in, ours and the analyst's: what it may read, call and say.

Templates are the analyst's to change and therefore not trusted: immutable sandbox, autoescape whatever the file is
called, an unknown name is an error, nothing outside the template's folder and ours can be included, `safe` is gone.
Light to import (no pandas): the child process that runs foreign templates starts with it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import FunctionLoader, StrictUndefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from segmenter import schema, texts
from segmenter.reports import formats
from segmenter.reports.palette import FONTS, PALETTE
from segmenter.texts import Lang

READABLE: Final = frozenset({".j2", ".html", ".htm", ".css", ".txt"})
"""endings of the files beside a template that it may include"""
PICTURES: Final[Mapping[bytes, str]] = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
PICTURE_BYTES: Final = 300_000
FORBIDDEN: Final = frozenset({"safe", "attr", "xmlattr", "urlize", "pprint"})
"""filters of Jinja that switch escaping off, reach past the sandbox's eyes or make links of data"""
FUNCTIONS: Final = ("t", "tell", "header", "link", "picture", "palette", "fonts", "range", "dict", "namespace")
"""every global name of a template"""
FILTERS: Final = ("count", "number", "money", "money_short", "percent", "times", "day")
"""the filters of ours"""
_LINK: Final = re.compile(r"(?:https://|mailto:|#)[^\s\x00-\x1f<>\"']*", re.IGNORECASE)


class NotAllowed(Exception):
    """A template asks for something it may not have: its name, and the file and line where that is known."""

    def __init__(self, name: str, file: str = "", line: int = 0) -> None:
        super().__init__(name)
        self.name = name
        self.file = file
        self.line = line


class NotWord(Exception):
    """A file that is called a Word template and is none."""


class Missing(StrictUndefined):
    """A name without a value: an error also where a list of such is shown."""

    __slots__ = ()
    __repr__ = StrictUndefined._fail_with_undefined_error


@dataclass(frozen=True)
class Source:
    """Where templates come from: the folder of the analyst's template, or only ours."""

    folder: Path | None = None

    def __call__(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        """The text of the template `name`: the analyst's before ours; nothing outside the folder, no link out of it."""
        if not re.fullmatch(r"[^/\\:\x00-\x1f]+", name) or name.startswith("."):
            return None
        if self.folder is not None:
            file = self.folder / name
            if file.suffix.lower() in READABLE and self._inside(file):
                return file.read_text(encoding="utf-8-sig"), name, lambda: True
        packaged = files("segmenter.templates").joinpath(name)
        if not name.endswith(".j2") or not packaged.is_file():
            return None
        return packaged.read_text(encoding="utf-8"), name, lambda: True

    def _inside(self, file: Path) -> bool:
        folder = (self.folder or Path()).resolve()
        return file.is_file() and file.resolve().parent == folder

    def picture(self, name: str) -> str:
        """A picture beside the template as a data URI: PNG, JPEG or GIF up to 300 kB. Raises NotAllowed."""
        file = (self.folder or Path()) / name
        if self.folder is None or re.search(r"[/\\:]", name) or not self._inside(file):
            raise NotAllowed(name)
        content = file.read_bytes()
        kind = next((kind for magic, kind in PICTURES.items() if content.startswith(magic)), "")
        if not kind or len(content) > PICTURE_BYTES:
            raise NotAllowed(name)
        return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def environment(lang: Lang, folder: Path | None = None) -> ImmutableSandboxedEnvironment:
    """An environment for templates in `folder`, or for ours alone, which is made once."""
    return _ours(lang) if folder is None else _environment(lang, Source(folder))


@cache
def _ours(lang: Lang) -> ImmutableSandboxedEnvironment:
    return _environment(lang, Source())


def _environment(lang: Lang, source: Source) -> ImmutableSandboxedEnvironment:
    found = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(source),
        autoescape=True,
        undefined=Missing,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=50,
    )
    for name in FORBIDDEN:
        del found.filters[name]
    for name in [name for name in found.globals if name not in FUNCTIONS]:
        del found.globals[name]
    found.globals.update(
        t=_teller("report", lang),
        tell=_teller("mail", lang),
        header=lambda table, key: schema.table(table)[key].header[lang],
        link=lambda url: url if _LINK.fullmatch(str(url)) else "#",
        picture=source.picture,
        palette={role: {"light": tone.light, "dark": tone.dark} for role, tone in PALETTE.items()},
        fonts=Markup(FONTS),  # noqa: S704 our own constant, with the quotes CSS needs
    )
    found.filters.update(
        count=_shown(formats.count),
        number=_shown(formats.number),
        money=_shown(formats.money),
        money_short=_shown(partial(formats.money_short, lang=lang)),
        percent=_shown(formats.percent),
        times=_shown(formats.times),
        day=partial(formats.day, lang=lang),
    )
    return found


def _teller(group: str, lang: Lang) -> Callable[..., str]:
    def say(key: str, **params: Any) -> str:
        return texts.say(f"{group}.{key}", lang, **params)

    return say


def _shown(as_text: Callable[..., str]) -> Callable[..., str]:
    """A filter that leaves texts alone: "<5" stands where a figure is withheld."""

    def shown(value: Any, *more: Any) -> str:
        return value if isinstance(value, str) else as_text(value, *more)

    return shown


def page(name: str, lang: Lang, **values: Any) -> str:
    """A page of ours, from plain data."""
    return environment(lang).get_template(name).render(lang=lang, **values).strip() + "\n"


def marked(context: dict[str, Any]) -> dict[str, Any]:
    """The context with its drawings marked as markup; `svg.finish` lets nothing through that is not on its list."""
    charts = [{**one, "svg": Markup(one["svg"])} if "svg" in one else one for one in context.get("charts", [])]  # noqa: S704
    return {**context, "charts": charts} if "charts" in context else context


def plain_text(lang: Lang) -> ImmutableSandboxedEnvironment:
    """The same for our templates of plain text, where nothing is escaped."""
    found = _ours(lang).overlay(autoescape=False)
    assert isinstance(found, ImmutableSandboxedEnvironment)  # noqa: S101
    return found


def lint(source: str, found: ImmutableSandboxedEnvironment, name: str) -> None:
    """Raises TemplateSyntaxError, or for what a template must not contain NotAllowed with its name and line."""
    tree = found.parse(source, name, name)
    for node, label in _suspicious(tree):
        raise NotAllowed(label, name, node.lineno)


def _suspicious(tree: nodes.Template) -> Iterator[tuple[nodes.Node, str]]:
    for node in tree.find_all((nodes.Filter, nodes.Name, nodes.ScopedEvalContextModifier, nodes.EvalContextModifier)):
        if isinstance(node, nodes.Filter) and node.name in FORBIDDEN:
            yield node, f"|{node.name}"
        elif isinstance(node, nodes.Name) and node.name == "Markup":
            yield node, "Markup"
        elif isinstance(node, nodes.EvalContextModifier):
            yield node, "autoescape"


def included(source: str, found: ImmutableSandboxedEnvironment) -> Iterator[str]:
    """Names of the templates that a template's text includes, imports or extends, as far as they are plain texts."""
    for node in found.parse(source).find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        if isinstance(node.template, nodes.Const) and isinstance(node.template.value, str):  # type: ignore[attr-defined]
            yield node.template.value  # type: ignore[attr-defined]


def check_all(name: str, found: ImmutableSandboxedEnvironment, source: Source) -> None:
    """`lint` for a template of the analyst's and everything of the analyst's that it includes."""
    seen, left = {name}, [name]
    while left:
        one = left.pop()
        hit = source(one)
        if hit is None:
            continue
        lint(hit[0], found, one)
        more = [*included(hit[0], found)]
        left += [name for name in more if name not in seen]
        seen |= {*more}
