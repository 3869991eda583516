"""Foreign templates are rendered by a child process: this module is both sides of it.

The parent (`render`, `render_docx`) sends plain data as JSON and waits so long; the child
(`python -m segmenter.reports.rendering`) limits its own memory, lets an audit hook refuse every file but the
template's, every socket and every process, and answers with the page or with the mistake: kind, file, line, name. It
gets no environment variables, so no secrets. Where the system has no `resource` module (Windows) a job object limits
the memory.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from segmenter import texts
from segmenter.errors import Refused
from segmenter.reports import templating
from segmenter.texts import LANGS, Lang

SECONDS: Final = 10
MEMORY: Final = 256 << 20
"""bytes of address space for a page; Word files are put together with lxml and get twice that"""
OUTPUT: Final = 5 << 20
_NAME: Final = re.compile(r"'([^']*)' is undefined|has no (?:attribute|element) '?([^']*?)'?$")
_NO: Final = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "ctypes.")
_NO_CHANGE: Final = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "shutil.")


def render(
    template: Path, lang: Lang, context: Mapping[str, Any], *, seconds: float = SECONDS, memory: int = MEMORY
) -> str:
    """The page that the analyst's `template` makes of `context` (plain data).

    Refused names file, line and what is wrong; also when the template takes longer than `seconds`, more than
    `memory` bytes, or makes more than OUTPUT bytes.
    """
    return _ask({"kind": "page"}, template, lang, context, seconds, memory).decode("utf-8")


def render_docx(
    template: Path,
    lang: Lang,
    context: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    *,
    seconds: float = 2 * SECONDS,
    memory: int = 2 * MEMORY,
) -> bytes:
    """The Word file that a `.docx` template makes; `pictures`: chart key -> PNG."""
    coded = {key: base64.b64encode(png).decode() for key, png in pictures.items()}
    return _ask({"kind": "docx", "pictures": coded}, template, lang, context, seconds, memory)


def _ask(
    what: Mapping[str, Any], template: Path, lang: Lang, context: Mapping[str, Any], seconds: float, memory: int
) -> bytes:
    if not template.is_file():
        raise Refused("no_file", path=template)
    pages, ending = templating.READABLE, template.suffix.lower()
    if ending not in (pages if what["kind"] == "page" else (".docx",)):
        raise Refused("template_kind" if ending in (*pages, ".docx") else "not_template", path=template)
    request = {**what, "template": str(template.resolve()), "lang": lang, "context": context, "memory": memory}
    kept = ("SYSTEMROOT", "SYSTEMDRIVE", "TEMP", "TMP")
    command = [sys.executable, "-I", "-X", "utf8", "-m", "segmenter.reports.rendering"]
    with subprocess.Popen(  # noqa: S603 our own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={key: os.environ[key] for key in kept if key in os.environ},
    ) as process:
        try:
            answer, _ = process.communicate(json.dumps(request).encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Refused("template_slow", file=template.name, seconds=f"{seconds:g}") from None
        except BaseException:
            process.kill()
            raise
    head, _, body = answer.partition(b"\n")
    if head == b"done" and process.returncode == 0:
        return body
    raise _refusal(head, template.name, memory)


def _refusal(head: bytes, name: str, memory: int) -> Refused:
    """What the child said was wrong; where it said nothing, the system ended it."""
    try:
        told = json.loads(head)
        key, params = str(told["key"]), {k: told[k] for k in ("file", "line", "value", "near", "reason")}
    except (ValueError, KeyError, TypeError):
        return Refused("template_memory", file=name, megabytes=memory >> 20)
    params["near"] = texts.nearest(params["near"], [params["near"]]) if params["near"] else ""
    params["at"] = {one: texts.say("template_at", one, line=params["line"]) if params["line"] else "" for one in LANGS}
    if key == "need_extra":
        return Refused("need_extra", extra=params["value"])
    if key == "not_template":
        return Refused(key, path=name)
    return Refused(key, **{**params, "megabytes": (OUTPUT if key == "template_output" else memory) >> 20})


# The child -----------------------------------------------------------------------------------------------------------


def main() -> None:
    """Read one request, answer it, end."""
    out = sys.stdout.buffer
    request = json.loads(sys.stdin.buffer.read())
    template = Path(request["template"])
    try:
        body = _docx(request, template) if request["kind"] == "docx" else _page(request, template)
    except BaseException as error:  # every mistake of a template is told, none may print a trace
        out.write(json.dumps(_told(error, template.name, sorted(_names(request["context"])))).encode() + b"\n")
    else:
        out.write(b"done\n" + body)
    out.flush()
    os._exit(0)


def _page(request: Mapping[str, Any], template: Path) -> bytes:
    found = templating.environment(request["lang"], template.parent)
    source = templating.Source(template.parent)
    if source(template.name) is None:
        raise templating.NotAllowed(template.name, template.name)
    _confine(request["memory"], template.parent)
    templating.check_all(template.name, found, source)
    page = found.get_template(template.name)
    parts, size = [], 0
    for part in page.generate(templating.marked(request["context"])):
        parts.append(part.encode("utf-8", "replace"))
        size += len(parts[-1])
        if size > OUTPUT:
            raise _TooLong
    return b"".join(parts).strip() + b"\n"


def _docx(request: Mapping[str, Any], template: Path) -> bytes:
    try:
        from segmenter.reports import wordfile
    except ImportError as error:
        raise _Extra from error
    content = template.read_bytes()
    found = templating.environment(request["lang"], template.parent)
    pictures = {key: base64.b64decode(png) for key, png in request["pictures"].items()}
    wordfile.warm()
    _confine(request["memory"], template.parent)
    made: bytes = wordfile.fill(BytesIO(content), found, request["context"], pictures)
    if len(made) > OUTPUT:
        raise _TooLong
    return made


class _TooLong(Exception):
    """More output than a template may make."""


class _Extra(Exception):
    """Word files need an extra."""


def _confine(memory: int, folder: Path) -> None:
    """No more memory than this, no file but those that are installed and those beside the template, no way out."""
    try:
        import resource
    except ImportError:
        from segmenter.jobobject import limit

        limit(memory)
    else:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    roots = {Path(one).resolve() for one in (sys.prefix, sys.base_prefix, *sys.path) if one}
    package = Path(__file__).resolve().parents[1]
    roots |= {package, package.parent / "templates", folder.resolve()}
    allowed = tuple(str(root).rstrip(os.sep) + os.sep for root in roots)

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = given[0], given[1], given[2]
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes or (mode and set(str(mode)) & set("wax+")):
                raise PermissionError
            if not isinstance(path, int) and not os.path.realpath(os.fsdecode(path)).startswith(allowed):
                raise PermissionError
        elif event.startswith((*_NO, *_NO_CHANGE)):
            raise PermissionError

    sys.addaudithook(watch)


def _told(error: BaseException, name: str, names: Collection[str]) -> dict[str, Any]:
    """A mistake as plain data: key of its sentence, file, line, the name it is about, the nearest name there is."""
    from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError
    from jinja2.exceptions import SecurityError

    file, line = _place(error, name)
    told = {"key": "template_fault", "file": file, "line": line, "value": "", "near": "", "reason": ""}
    if isinstance(error, TemplateSyntaxError):
        gone = re.search(r"No (?:filter|test) named '([^']*)'", str(error.message))
        told |= {"key": "template_filter" if gone else "template_syntax", "file": error.name or file}
        told |= {"line": error.lineno, "reason": str(error.message), "value": gone[1] if gone else ""}
    elif isinstance(error, UndefinedError):
        hit = _NAME.search(str(error))
        value = (hit[1] or hit[2] or "") if hit else ""
        told |= {
            "key": "template_name",
            "value": value or str(error),
            "near": next(iter(get_close_matches(value, {*names} - {value}, 1, 0.7)), ""),
        }
    elif isinstance(error, TemplateNotFound):
        told |= {"key": "template_missing", "value": str(error.name)}
    elif isinstance(error, templating.NotAllowed):
        told |= {"key": "template_forbidden", "value": error.name}
        told |= {"file": error.file or file, "line": error.line or line}
    elif isinstance(error, (SecurityError, PermissionError)):
        told |= {"key": "template_forbidden", "value": _first(str(error))}
    elif isinstance(error, MemoryError):
        told["key"] = "template_memory"
    elif isinstance(error, _TooLong):
        told["key"] = "template_output"
    elif isinstance(error, templating.NotWord):
        told["key"] = "not_template"
    elif isinstance(error, _Extra):
        told |= {"key": "need_extra", "value": "word"}
    elif isinstance(error, RecursionError):
        told |= {"reason": "recursion"}
    elif isinstance(error, KeyError):
        told |= {"key": "template_name", "value": str(error.args[0]) if error.args else ""}
    else:
        told["reason"] = f"{type(error).__name__}: {_first(str(error))}"
    return told


def _first(text: str) -> str:
    return text.partition("\n")[0][:120]


def _place(error: BaseException, name: str) -> tuple[str, int]:
    """The template and the line that were being worked on: the last of them in the trace."""
    file, line, trace = name, 0, error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code.co_filename
        if not code.endswith(".py") and not code.startswith("<frozen"):
            file, line = (name if code.startswith("<") else code), trace.tb_lineno
        trace = trace.tb_next
    return file, line


def _names(value: Any) -> set[str]:
    """Every key of a plain structure."""
    if isinstance(value, Mapping):
        return {*value}.union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if isinstance(value, list) else set()


if __name__ == "__main__":
    main()
