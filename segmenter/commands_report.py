"""The commands `report` and `template`: their options, and what they do with them."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmenter import texts
from segmenter.atomic import replace_file
from segmenter.errors import Refused
from segmenter.progress import Stages
from segmenter.texts import Lang

if TYPE_CHECKING:
    from segmenter.result import Result


def report_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    """What `report` takes besides the workbook, the as-of date and the rules."""
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.html", help=say["help_report_out"])
    parser.add_argument("--template", type=Path, metavar="FILE", help=say["help_report_template"])
    parser.add_argument("--mask", action="store_true", help=say["help_mask"])
    parser.add_argument("--manifest", action="store_true", help=say["help_manifest"])


def template_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    """What `template` takes."""
    actions = ("list", "copy", "check", "variables")
    parser.add_argument("action", choices=actions, help=say["help_template_what"])
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help=say["help_template_name"])
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help=say["help_template_out"])


def changes(chosen: argparse.Namespace) -> dict[str, Any]:
    """The rules that options of the command line change."""
    asked = {name: getattr(chosen, name, None) for name in ("clusters", "value", "dimensions")}
    return {name: value for name, value in asked.items() if value}


def report(chosen: argparse.Namespace, lang: Lang) -> int:
    """Write the report of a workbook."""
    from segmenter import documents, manifest

    with Stages(lang) as stage:
        result, remarks = documents.write(
            chosen.book,
            chosen.out,
            as_of=chosen.as_of,
            rules_file=chosen.rules,
            changes=changes(chosen),
            template=chosen.template,
            lang=chosen.lang,
            strict=chosen.mask,
            progress=stage,
        )
    outputs = [chosen.out]
    if chosen.manifest:
        outputs.append(manifest.write(manifest.of(result, chosen.book, chosen.template), chosen.out))
    if chosen.json:
        told = {"status": result.status, "rows_in": result.rows_in, "rows_used": result.rows_used}
        print(json.dumps({**told, "outputs": [*map(str, outputs)], "remarks": remarks}, ensure_ascii=False, indent=2))
        return 0
    for remark in remarks:
        print(remark)
    for path in outputs:
        print(texts.say("cli.written", lang, path=path))
    return 0


def verify(chosen: argparse.Namespace, lang: Lang) -> int:
    """Whether a report and its workbook are still those of the manifest beside the report."""
    from segmenter import manifest

    found = manifest.verify(chosen.before, chosen.after)
    for path, same in found:
        print(texts.say("cli.manifest_same" if same else "cli.manifest_changed", lang, path=path))
    return 0 if all(same for _, same in found) else 1


def template(chosen: argparse.Namespace, lang: Lang) -> int:
    """List, copy or check templates."""
    from segmenter.reports.reference import TEMPLATES

    if chosen.action == "list":
        for name, key in TEMPLATES.items():
            print(f"{name:18} {texts.say(f'cli.template_{key}', lang)}")
    elif chosen.action == "copy":
        _copy(chosen.name or "report.html.j2", chosen.out, lang, TEMPLATES)
    elif chosen.action == "check":
        _check(Path(chosen.name), lang)
    else:
        from segmenter.reports import reference

        out = chosen.out or Path("variables.html")
        replace_file(out, reference.page(sample(), lang).encode())
        print(texts.say("cli.written", lang, path=out))
    return 0


def _copy(name: str, out: Path | None, lang: Lang, known: Mapping[str, str]) -> None:
    if name not in known:
        raise Refused("no_template", value=name, found=", ".join(known))
    from importlib.resources import files

    path = out or Path(name)
    if path.exists():
        raise Refused("exists", path=path)
    if not path.parent.is_dir():
        raise Refused("no_folder", path=path)
    replace_file(path, (files("segmenter.templates") / name).read_bytes())
    command = "mail" if name.startswith("mail.") else "report"
    print(texts.say("cli.template_copied", lang, path=path, command=command))


def _check(path: Path, lang: Lang) -> None:
    """Render the sample with the template, in both languages and masked too; Refused says what is wrong."""
    from segmenter import documents
    from segmenter.reports import templating

    if not path.is_file():
        raise Refused("no_file", path=path)
    if path.suffix.lower() not in templating.READABLE | {".docx"}:
        raise Refused("not_template", path=path)
    is_mail, result, size = _is_mail(path), sample(), 0
    for one in (lang, *(other for other in texts.LANGS if other != lang)):
        for strict in (False, True):
            if path.suffix.lower() == ".docx":
                made = documents.docx(result, one, path, strict)[0]
            elif is_mail:
                from segmenter.mail import body, summary

                made = body.render(summary.context(result, one), one, path).html.encode()
            else:
                made = documents.html(result, one, path, strict)[0]
            size = size or len(made)
    command = "mail" if is_mail else "report"
    print(texts.say("cli.template_good", lang, path=path, size=f"{size:,}", command=command))


def _is_mail(path: Path) -> bool:
    """Whether a template is that of a mail, by its name or by the variables it uses: more that only mails have than
    such as only reports have."""
    if path.suffix.lower() == ".docx":
        return False
    if path.name.startswith("mail."):
        return True
    content = path.read_text(encoding="utf-8-sig", errors="replace")
    said = " ".join(re.findall(r"\{[{%](.*?)[%}]\}", content, re.DOTALL))
    used = {*re.findall(r"(?<![.\w])[a-z_]+", said)}
    known = [key.partition(".") for key in sorted(texts.keys())]
    mails, pages = ({name for group, _, name in known if group == one} for one in ("mail_variables", "variable"))
    return "mail.html.j2" in said or len(used & (mails - pages)) > len(used & (pages - mails))


def sample() -> Result:
    """The sample with all that a report can speak of: dimensions, rows left out, an analysis before, clusters where
    they can be made."""
    from importlib.resources import as_file, files

    from segmenter import jobs, wording
    from segmenter.result import Migration
    from segmenter.steps import history, migration

    asked: dict[str, Any] = {"dimensions": ("City tier", "Age group"), "outlier_mode": "remove"}
    asked["clusters"] = find_spec("sklearn") is not None
    with as_file(files("segmenter.workbook") / "sample.xlsx") as book:
        found = jobs.check(book, changes=asked)
        if found.as_of is None:
            return found
        day = found.as_of - timedelta(30)
        before = jobs.check(book, as_of=day)
    names = wording.segment_names(found.rules, found.lang)
    states = [migration.keep(one.customers, names) for one in (before, found)]
    moved = Migration(day, found.as_of, migration.count(migration.moves(*states)))
    lines = history.lines(before.segments, before.rules, day, None)
    return found._replace(migration=moved, history=lines)
