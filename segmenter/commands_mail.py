"""The command `mail`: letters to review, and, with the review's hash, out they go."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from segmenter import commands_report, texts
from segmenter.atomic import make_folder
from segmenter.errors import Refused
from segmenter.progress import Stages
from segmenter.texts import Lang

if TYPE_CHECKING:
    from segmenter.manifest import Made
    from segmenter.reports.changes import Figures
    from segmenter.result import Result

NOBODY: Final = "segmenter@localhost.localdomain"
"""the sender of letters that are only looked at"""


def mail_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    """What `mail` takes besides the workbook, the as-of date and the rules."""
    parser.add_argument("--to", action="append", default=[], metavar="ADDRESS", help=say["help_mail_to"])
    parser.add_argument("--per-owner", action="store_true", help=say["help_mail_per_owner"])
    parser.add_argument("--owners", type=Path, metavar="FILE.csv", help=say["help_mail_owners"])
    parser.add_argument(
        "--attach", action="append", default=[], choices=("html", "docx", "pdf", "xlsx"), help=say["help_mail_attach"]
    )
    parser.add_argument("--columns", default="", metavar="A,B", help=say["help_mail_columns"])
    parser.add_argument("--previous", type=Path, metavar="BOOK.xlsx", help=say["help_mail_previous"])
    parser.add_argument("--monthly", action="store_true", help=say["help_mail_monthly"])
    parser.add_argument("--template", type=Path, metavar="FILE", help=say["help_mail_template"])
    parser.add_argument("-o", "--out", type=Path, metavar="DIR", help=say["help_mail_out"])
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help=say["help_mail_config"])
    parser.add_argument("--send", nargs="?", const="", metavar="HASH", help=say["help_mail_send"])
    parser.add_argument("--again", action="store_true", help=say["help_mail_again"])
    parser.add_argument("--ledger", type=Path, metavar="FILE", help=say["help_mail_ledger"])


class Job(NamedTuple):
    """One workbook, and the folder of its letters."""

    book: Path
    folder: Path
    to: tuple[str, ...] = ()


def mail(chosen: argparse.Namespace, lang: Lang) -> int:
    """Write the letters of a workbook, or of every workbook of a batch; or send those that were reviewed."""
    jobs = _jobs(chosen)
    return _review(chosen, lang, jobs) if chosen.send is None else _send(chosen, lang, jobs)


def _jobs(chosen: argparse.Namespace) -> list[Job]:
    """The workbook; of a folder that `batch` filled those of its last run, each also to its recipient in the list."""
    if not chosen.book.is_dir():
        return [Job(chosen.book, chosen.out or _folder(chosen.book), tuple(chosen.to))]
    from segmenter.batch import journal
    from segmenter.reading import planning

    rows = [row for row in journal.current(chosen.book) if row.status != "refused"]
    found = []
    for row in sorted(rows, key=lambda row: row.output):
        book = chosen.book / row.output
        folder = chosen.out / _folder(book).name if chosen.out else _folder(book)
        if book.is_file():
            found.append(Job(book, folder, (*chosen.to, *planning.owners_of(row.recipient))))
    if not found:
        raise Refused("no_batch", path=chosen.book)
    return found


def _folder(book: Path) -> Path:
    return book.with_name(book.stem + "-mail")


def _review(chosen: argparse.Namespace, lang: Lang, jobs: Sequence[Job]) -> int:
    from segmenter.mail import outbox

    told: list[tuple[Job, str]] = []
    rows: list[list[str]] = []
    remarks: list[str] = []
    refused = []
    for job in jobs:
        try:
            digest, more, said = _written(chosen, lang, job)
        except Refused as error:
            if not chosen.book.is_dir():
                raise
            refused.append(f"{job.book.name}: {error.message(lang)}")
            continue
        told.append((job, digest))
        rows += [[*row[:-1], f"{job.folder.name}/{row[-1]}"] for row in more] if chosen.book.is_dir() else more
        remarks += [one for one in said if one not in remarks]
    digest, place = told[0][1] if told else "", jobs[0].folder
    if chosen.book.is_dir():
        place = chosen.out or chosen.book
        digest = outbox.write_reviews(place, {job.folder.name: one for job, one in told})
    if chosen.json:
        letters = [dict(zip(outbox.COLUMNS, row, strict=True)) for row in rows]
        outputs = [str(job.folder) for job, _ in told]
        _print_json({"hash": digest, "letters": letters, "outputs": outputs, "remarks": remarks, "refused": refused})
        return 1 if refused else 0
    _table([[texts.say(f"mail.review_{key}", lang) for key in outbox.COLUMNS], *rows])
    for line in (*remarks, *refused):
        print(line)
    print(texts.say("cli.mail_written", lang, path=place, count=len(rows)))
    if not chosen.config:
        print(texts.say("cli.mail_no_sender", lang))
    elif rows:
        print(texts.say("cli.mail_hash", lang, hash=digest[:16]))
    return 1 if refused else 0


def _written(chosen: argparse.Namespace, lang: Lang, job: Job) -> tuple[str, list[list[str]], list[str]]:
    """The letters of one workbook written: the review's hash, its rows, remarks."""
    from segmenter import jobs, manifest
    from segmenter.mail import kpis, outbox, sending
    from segmenter.mail.letters import Wish, make

    config = sending.Config.read(chosen.config) if chosen.config else None
    with Stages(lang) as stage:
        asked = {"as_of": chosen.as_of, "rules_file": chosen.rules, "changes": commands_report.changes(chosen)}
        result = jobs.standing(job.book, **asked, progress=stage)
        made = manifest.of(result, job.book, chosen.template)
        before = _before(chosen, job, made)
        stage("report")
        wish = Wish(
            book=job.book.stem,
            lang=chosen.lang or result.lang,
            recipients=_recipients(chosen, job, result),
            attach=tuple(dict.fromkeys(chosen.attach)),
            columns=tuple(part for part in chosen.columns.replace("，", ",").split(",") if part.strip()),
            month=chosen.monthly,
            one_of_many=chosen.book.is_dir(),
            template=chosen.template,
            sender=config.sender if config else NOBODY,
            contact=config.contact if config else "",
            unsubscribe=config.unsubscribe if config else "",
            now=datetime.now(UTC).replace(microsecond=0),
        )
        letters, remarks = make(result, before, wish)
        review = outbox.Review(made, wish.sender, kpis.figures(result), before)
        make_folder(job.folder, 0o700)
        digest = outbox.write(job.folder, review, letters, lang)
    said = [*jobs.remarks(result, wish.lang), *remarks]
    return digest, [outbox.row_of(entry) for entry, _ in letters], said


def _before(chosen: argparse.Namespace, job: Job, made: Made) -> Figures | None:
    """What to compare with: the workbook asked for; else what was reviewed last for an earlier day; else the
    workbook that `fill --keep-previous` left, when that is about an earlier day."""
    from segmenter import jobs
    from segmenter.books.saving import previous_of
    from segmenter.mail import kpis, outbox

    if chosen.previous:
        return kpis.figures(jobs.standing(chosen.previous, rules_file=chosen.rules))
    if found := outbox.earlier(job.folder, made):
        return found
    path = previous_of(job.book)
    if not path.is_file():
        return None
    try:
        result = jobs.standing(path, rules_file=chosen.rules)
    except Refused:
        return None
    is_earlier = result.as_of and result.as_of.isoformat() < made.as_of
    return kpis.figures(result) if is_earlier else None


def _recipients(chosen: argparse.Namespace, job: Job, result: Result) -> list[tuple[str, str]]:
    """(address, owner) of every letter; the owner is "" for those who get everything."""
    from segmenter.mail import addresses

    found = [(addresses.one(address), "") for address in dict.fromkeys(job.to)]
    if chosen.per_owner:
        from segmenter.mail import owners

        table = (
            addresses.from_csv(chosen.owners) if chosen.owners else addresses.from_settings(result.rules.owner_mails)
        )
        people = owners.of(result)
        missing = [one for one in people if addresses.lookup(one, table) is None]
        if missing:
            raise Refused("owner_unknown", value=", ".join(missing))
        found += [(str(addresses.lookup(one, table)), one) for one in people]
    if not found:
        raise Refused("nobody")
    return found


def _send(chosen: argparse.Namespace, lang: Lang, jobs: Sequence[Job]) -> int:
    from segmenter import manifest
    from segmenter.mail import addresses, ledger, outbox, sending

    if chosen.config is None:
        raise Refused("no_mail_config")
    config = sending.Config.read(chosen.config)
    place = (chosen.out or chosen.book) if chosen.book.is_dir() else jobs[0].folder
    given = _given(chosen.send or _asked(lang, place))
    digests = outbox.reviews(place, given) if chosen.book.is_dir() else {jobs[0].folder.name: given}
    letters = []
    for job in jobs:
        if job.folder.name in digests:
            digest = digests[job.folder.name]
            letters += outbox.load(job.folder, digest, manifest.sha256(job.book), config.sender)
    wanted = {addresses.one(address) for address in chosen.to}
    if wanted and not wanted <= {one.address for one in letters}:
        raise Refused("review_recipients", value=", ".join(sorted(wanted - {one.address for one in letters})))
    with ledger.opened(chosen.ledger or ledger.default_path()) as book:
        outcomes = sending.send(letters, config, book, again=chosen.again)
    told = [(texts.say(f"mail.state_{one.state}", lang), one.address, one.note) for one in outcomes]
    if chosen.json:
        _print_json({"letters": [{"to": o.address, "state": o.state, "note": o.note} for o in outcomes]})
    else:
        _table(told)
    unknown = [one for one in outcomes if one.state == "unknown"]
    if unknown and not chosen.json:
        print(texts.say("cli.mail_unknown", lang, count=len(unknown)))
    return 0 if all(one.state in ("sent", "before") for one in outcomes) else 1


def _given(text: str) -> str:
    """The hash, or what stands in the file that was named instead: for runs that nobody looks at."""
    path = Path(text)
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else text


def _asked(lang: Lang, folder: Path) -> str:
    """The hash, asked for at a terminal; scripts give it on the command line."""
    if not sys.stdin.isatty():
        raise Refused("review_ask", path=folder)
    return input(texts.say("cli.mail_ask", lang))


def _print_json(content: Mapping[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False, indent=2))


def _table(rows: Sequence[Sequence[str]]) -> None:
    from segmenter.commands import _table as shown

    shown([tuple(row) for row in rows])


def purge_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    """What `purge` takes."""
    parser.add_argument("folder", type=Path, metavar="DIR", help=say["help_purge_folder"])
    parser.add_argument("--days", type=int, default=30, metavar="N", help=say["help_purge_days"])


def purge(chosen: argparse.Namespace, lang: Lang) -> int:
    """Delete letters that were written for review long ago."""
    from segmenter.mail import outbox

    if not chosen.folder.is_dir():
        raise Refused("no_file", path=chosen.folder)
    before = datetime.now(UTC).timestamp() - chosen.days * 86_400
    found = outbox.purge(chosen.folder, before)
    for folder, count in found:
        print(texts.say("cli.purged", lang, path=folder, count=count))
    if not found:
        print(texts.say("cli.purged_nothing", lang, days=chosen.days, path=chosen.folder))
    return 0
