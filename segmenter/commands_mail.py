"""The command `mail`: letters to review, and, with the review's hash, out they go."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segmenter import addresses, texts
from segmenter.errors import Refused
from segmenter.progress import Stages
from segmenter.texts import Lang

if TYPE_CHECKING:
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


def mail(chosen: argparse.Namespace, lang: Lang) -> int:
    """Write the letters, or send those that were reviewed."""
    folder = chosen.out or chosen.book.with_name(chosen.book.stem + "-mail")
    return _review(chosen, lang, folder) if chosen.send is None else _send(chosen, lang, folder)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise Refused("no_file", path=path) from None


def _review(chosen: argparse.Namespace, lang: Lang, folder: Path) -> int:
    from segmenter import jobs, outbox, sending
    from segmenter.letters import Wish, make

    config = sending.Config.read(chosen.config) if chosen.config else None
    with Stages(lang) as stage:
        result = jobs.check(chosen.book, as_of=chosen.as_of, rules_file=chosen.rules, progress=stage)
        earlier = jobs.check(chosen.previous, rules_file=chosen.rules) if chosen.previous else None
        stage("report")
        wish = Wish(
            book=chosen.book.stem,
            lang=chosen.lang or result.lang,
            recipients=_recipients(chosen, result),
            attach=tuple(dict.fromkeys(chosen.attach)),
            columns=tuple(part for part in chosen.columns.replace("，", ",").split(",") if part.strip()),
            month=chosen.monthly,
            template=chosen.template,
            sender=config.sender if config else NOBODY,
            contact=config.contact if config else "",
            unsubscribe=config.unsubscribe if config else "",
            now=datetime.now(UTC).replace(microsecond=0),
        )
        letters, remarks = make(result, earlier, wish)
        made = outbox.Made(
            book=str(chosen.book),
            book_sha256=_sha256(chosen.book),
            as_of=result.as_of.isoformat() if result.as_of else "",
            rules=result.rules.version,
            rows_in=result.rows_in,
            rows_used=result.rows_used,
            rows_excluded=result.rows_excluded,
            template_sha256=_sha256(chosen.template) if chosen.template else "",
            sender=wish.sender,
            version=_version(),
        )
        digest = outbox.write(folder, made, letters, lang)
    if chosen.json:
        rows = [dict(zip(outbox.COLUMNS, outbox.row_of(entry), strict=True)) for entry, _ in letters]
        _print_json({"hash": digest, "letters": rows, "outputs": [str(folder)], "remarks": remarks})
        return 0
    heads = [texts.say(f"mail.review_{key}", lang) for key in outbox.COLUMNS]
    _table([heads, *(outbox.row_of(entry) for entry, _ in letters)])
    for remark in remarks:
        print(remark)
    print(texts.say("cli.mail_written", lang, path=folder, count=len(letters)))
    print(texts.say("cli.mail_hash", lang, hash=digest[:16]))
    return 0


def _version() -> str:
    from importlib.metadata import version

    return version("segmenter")


def _recipients(chosen: argparse.Namespace, result: Result) -> list[tuple[str, str]]:
    """(address, owner) of every letter; the owner is "" for those who get everything."""
    found = [(addresses.one(address), "") for address in dict.fromkeys(chosen.to)]
    if chosen.per_owner:
        from segmenter import mailing

        table = (
            addresses.from_csv(chosen.owners) if chosen.owners else addresses.from_settings(result.rules.owner_mails)
        )
        people = mailing.owners(result)
        missing = [one for one in people if addresses.lookup(one, table) is None]
        if missing:
            raise Refused("owner_unknown", value=", ".join(missing))
        found += [(str(addresses.lookup(one, table)), one) for one in people]
    if not found:
        raise Refused("nobody")
    return found


def _send(chosen: argparse.Namespace, lang: Lang, folder: Path) -> int:
    from segmenter import ledger, outbox, sending

    if chosen.config is None:
        raise Refused("no_mail_config")
    config = sending.Config.read(chosen.config)
    given = chosen.send or _asked(lang, folder)
    letters = outbox.load(folder, given, _sha256(chosen.book), config.sender)
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
